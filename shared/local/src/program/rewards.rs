//! What points buy, a line for each reward.

use super::{audience, line};
use domain::money::{self, Percent};
use domain::program::Program;
use domain::rewards::{Goods, Reward, RewardKind};

pub(super) fn rewards(text: &mut String, program: &Program) {
    for Reward { id, name, kind, price, audience: of, .. } in &program.rewards {
        let what = match kind {
            RewardKind::Discount { percent, validity_days, .. } => {
                let percent = money::format_trimmed(percent.0, Percent::DECIMALS);
                format!("{percent} % for {validity_days} days")
            }
            RewardKind::Product(Goods { sku, quantity }) => format!("{quantity} × {sku}"),
            RewardKind::Pack(items) => format!("a pack of {}", items.len()),
            RewardKind::Perk(bought) => format!("{} uses of {}", bought.uses, bought.perk),
        };
        let own: Vec<_> = price.by_tier.iter().map(|(tier, points)| format!(", {points} for {tier}")).collect();
        let (points, own) = (price.points, own.concat());
        line(text, format_args!("  {id}: {name}, {what}, {points} points{own}, {}", audience(of)));
    }
}
