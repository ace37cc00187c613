//! What an account redeemed its points for.

use super::Page;
use domain::account::Account;
use domain::rewards::{Given, RewardRedemption, RewardUses};

pub(super) fn uses(page: &mut Page, uses: &RewardUses) {
    page.section("rewards that are limited");
    for counter in &uses.counters {
        page.value(counter.reward.as_str(), format_args!("{} had, the latest on {}", counter.used, counter.latest));
    }
}

pub(super) fn redemptions(page: &mut Page, account: &Account, redemptions: &[&RewardRedemption]) {
    if redemptions.is_empty() {
        return;
    }
    let spending = &account.spending;
    page.section(&format!("redemptions: {} points spent, {} given back", spending.spent(), spending.restored()));
    for month in spending.months() {
        page.value(&month.month.to_string(), format_args!("{} points", month.points));
    }
    for redemption in redemptions {
        let given = match &redemption.given {
            Given::Discount { code, .. } => format!("discount {code}"),
            Given::Product(goods) => format!("{} × {}", goods.quantity, goods.sku),
            Given::Pack(items) => format!("a pack of {}", items.len()),
            Given::Perk(bought) => format!("{} uses of perk {}", bought.uses, bought.perk),
        };
        let status =
            redemption.cancelled.as_ref().map_or(String::new(), |receipt| format!("  cancelled: {}", receipt.reason));
        let RewardRedemption { redemption_id, reward, points, .. } = redemption;
        let at = super::second(redemption.redeemed_at);
        page.line(format_args!("  {redemption_id:>5}  {at}  {reward}  {points} points  {given}{status}"));
    }
}
