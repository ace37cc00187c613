//! Ids that stand twice where one is meant: rules are found by theirs, over versions too. They are looked for whatever
//! else is wrong with a document.

use super::Ladder;
use super::sense::Sections;
use crate::document::{Faults, Path};
use crate::id::RuleId;
use crate::referral::rules::Gift;
use crate::rewards::{Reward, RewardKind};
use std::collections::BTreeSet;

/// Notes every id that is used again. A list of which an element could not be read is left alone.
pub(super) fn check(sections: &Sections<'_>, faults: &mut Faults) {
    once(
        sections.earning.into_iter().flat_map(|earning| earning.rules()).map(|rule| &rule.id),
        "earning_rules",
        faults,
    );
    once(sections.discounts.into_iter().flatten().map(|rule| &rule.id), "discounts", faults);
    once(sections.price_tables.into_iter().flatten().map(|table| &table.id), "price_tables", faults);
    once(sections.free_products.into_iter().flatten().map(|rule| &rule.id), "free_products", faults);
    once(sections.perks.into_iter().flatten().map(|perk| &perk.id), "perks", faults);
    once(sections.occasions.into_iter().flatten().map(|rule| &rule.id), "occasions", faults);
    once(sections.rewards.into_iter().flatten().map(|reward| &reward.id), "rewards", faults);
    rewards(sections, faults);
    gifts(sections, faults);
}

fn once<'a>(ids: impl Iterator<Item = &'a RuleId>, list: &str, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for (index, id) in ids.enumerate().filter(|(_, id)| !seen.insert(*id)) {
        let list = Path::Key(&Path::Root, list);
        let rule = Path::Index(&list, index);
        faults.add(&Path::Key(&rule, "id"), "duplicate", format!("rule id {id} is used twice"));
    }
}

/// A reward that is a discount is found by its id among those that rules issue.
fn rewards(sections: &Sections<'_>, faults: &mut Faults) {
    let of_rules = sections.discounts.into_iter().flatten().map(|rule| &rule.id);
    let of_gifts =
        sections.gifts().into_iter().flatten().filter_map(|gift| gift.discount.as_ref().map(|discount| &discount.id));
    let issued: BTreeSet<_> = of_rules.chain(of_gifts).collect();
    let list = Path::Key(&Path::Root, "rewards");
    let is_discount = |reward: &&Reward| matches!(reward.kind, RewardKind::Discount { .. });
    for (index, reward) in sections.rewards.into_iter().flatten().enumerate() {
        if Some(reward).filter(is_discount).is_some_and(|reward| issued.contains(&reward.id)) {
            let message = format!("rule id {} is used by another discount", reward.id);
            faults.add(&Path::Key(&Path::Index(&list, index), "id"), "duplicate", message);
        }
    }
}

/// What a discount is for is found by its rule's id, and its code is made from that.
fn gifts(sections: &Sections<'_>, faults: &mut Faults) {
    let mut seen: BTreeSet<_> = sections.discounts.into_iter().flatten().map(|rule| rule.id.clone()).collect();
    let mut check = |gift: &Gift, path: &Path<'_>| {
        if let Some(discount) = gift.discount.as_ref().filter(|discount| !seen.insert(discount.id.clone())) {
            let message = format!("rule id {} is used twice", discount.id);
            faults.add(&Path::Key(&Path::Key(path, "discount"), "id"), "duplicate", message);
        }
    };
    let occasions = Path::Key(&Path::Root, "occasions");
    for (index, rule) in sections.occasions.into_iter().flatten().enumerate() {
        check(&rule.gift, &Path::Key(&Path::Index(&occasions, index), "give"));
    }
    let tiers = Path::Key(&Path::Root, "tiers");
    let levels = Path::Key(&tiers, "levels");
    for (index, tier) in sections.levels.into_iter().flat_map(Ladder::iter).enumerate() {
        check(&tier.on_entry, &Path::Key(&Path::Index(&levels, index), "on_entry"));
    }
    let Some(rules) = sections.referral.flatten() else { return };
    let section = Path::Key(&Path::Root, "referral");
    check(&rules.welcome, &Path::Key(&section, "welcome"));
    let rewards = Path::Key(&section, "rewards");
    for (index, step) in rules.steps.iter().enumerate() {
        check(&step.gift, &Path::Index(&rewards, index));
    }
}
