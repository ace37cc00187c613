//! Warnings that nobody is ever given.
//!
//! A version is judged by what it can bring about itself. Warnings of points that end make sense whatever it says of
//! their expiry: a credit, and a balance that is brought along, may state an end of their own.

use super::Sections;
use crate::document::{Faults, Path};
use crate::rewards::RewardKind;

/// Notes warnings of discounts that no discount lasts long enough for.
pub(super) fn check(sections: &Sections<'_>, faults: &mut Faults) {
    let (leads, Some(validities)) = (&sections.warnings.discount_expiring_days, validities(sections)) else { return };
    let section = Path::Key(&Path::Root, "warnings");
    let path = Path::Key(&section, "discount_expiring_days");
    let Some(longest) = validities.into_iter().max() else {
        if !leads.is_empty() {
            faults.add(&path, "never_fires", "warns of discounts that end; the program has none");
        }
        return;
    };
    // A lead that has begun when a discount is issued is not given.
    for lead in leads.iter().filter(|lead| **lead >= longest) {
        let message = format!("{lead} days ahead is never given: no discount is valid for more than {longest} days");
        faults.add(&path, "never_fires", message);
    }
}

/// The days that each discount of the program is valid; `None`: not all of them could be read.
pub(super) fn validities(sections: &Sections<'_>) -> Option<Vec<u16>> {
    let (rules, rewards) = (sections.discounts?, sections.rewards?);
    let of_rules = rules.iter().map(|rule| rule.validity_days);
    let of_gifts = sections.gifts()?.filter_map(|gift| gift.discount.as_ref().map(|discount| discount.validity_days));
    let of_rewards = rewards.iter().filter_map(|reward| match reward.kind {
        RewardKind::Discount { validity_days, .. } => Some(validity_days),
        RewardKind::Product(_) | RewardKind::Pack(_) | RewardKind::Perk(_) => None,
    });
    Some(of_rules.chain(of_gifts).chain(of_rewards).collect())
}
