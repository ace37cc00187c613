//! Every rule of a program that issues discounts, whichever section it stands in.

use super::Program;
use crate::id::RuleId;
use crate::rewards::RewardKind;

/// A rule that issues discounts, as far as whoever uses one asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiscountNamed<'a> {
    /// Its id.
    pub id: &'a RuleId,
    /// Its name for customers.
    pub name: &'a str,
    /// Of the discounts of a group one at most is applied to a cart.
    pub group: Option<&'a RuleId>,
}

impl Program {
    /// All rules that issue discounts.
    pub fn issuing_rules(&self) -> impl Iterator<Item = DiscountNamed<'_>> {
        let of_orders = self.discounts.iter().map(|rule| DiscountNamed {
            id: &rule.id,
            name: &rule.name,
            group: rule.group.as_ref(),
        });
        let of_referrals = self.referral.iter().flat_map(|rules| rules.discounts());
        let of_occasions = self.occasions.iter().filter_map(|rule| rule.gift.discount.as_ref());
        let of_tiers = self.tiers.levels.iter().filter_map(|tier| tier.on_entry.discount.as_ref());
        let gifts = of_referrals.chain(of_occasions).chain(of_tiers);
        let gifts = gifts.map(|gift| DiscountNamed { id: &gift.id, name: &gift.name, group: gift.group.as_ref() });
        let bought = self.rewards.iter().filter_map(|reward| match &reward.kind {
            RewardKind::Discount { group, .. } => {
                Some(DiscountNamed { id: &reward.id, name: &reward.name, group: group.as_ref() })
            }
            _ => None,
        });
        of_orders.chain(gifts).chain(bought)
    }

    /// The rule that issues discounts under an id. One of an earlier version may be gone.
    pub fn discount_named(&self, id: &RuleId) -> Option<DiscountNamed<'_>> {
        self.issuing_rules().find(|rule| rule.id == id)
    }
}
