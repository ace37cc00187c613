//! Rules that say what one before them has said.
//!
//! Both would act: two discounts are issued, two products put into the parcel, where one was meant. An id and a name are
//! no terms, except of a perk, which is what its name says. Price tables need no such check: two alike contradict each
//! other.

use super::Sections;
use crate::audience::Audience;
use crate::document::{Faults, Path};
use crate::free_products::FreeProduct;
use crate::id::{RuleId, Segment, TierId};
use crate::occasions::OccasionRule;
use crate::perks::Perk;
use crate::program::DiscountRule;
use std::collections::BTreeSet;

/// Notes every rule with the terms of one listed before it.
pub(super) fn check(sections: &Sections<'_>, faults: &mut Faults) {
    let discount = |rule: &DiscountRule| (rule.minimum_total, rule.percent, rule.validity_days);
    let what = "minimum, percent and validity";
    repeated(
        "discounts",
        sections.discounts,
        |rule| &rule.id,
        |one, other| discount(one) == discount(other),
        what,
        faults,
    );
    let what = "product, quantity, minimum, tiers and time";
    repeated("free_products", sections.free_products, |rule| &rule.id, same_product, what, faults);
    let what = "name, kind, description, accounts and count";
    repeated("perks", sections.perks, |perk| &perk.id, same_perk, what, faults);
    let what = "occasion, accounts and gift";
    repeated("occasions", sections.occasions, |rule| &rule.id, same_occasion, what, faults);
}

fn repeated<T>(
    list: &str,
    rules: Option<&[T]>,
    id: impl Fn(&T) -> &RuleId,
    is_same: impl Fn(&T, &T) -> bool,
    what: &str,
    faults: &mut Faults,
) {
    let rules = rules.unwrap_or_default();
    for (index, rule) in rules.iter().enumerate() {
        if let Some(before) = rules.iter().take(index).find(|before| is_same(before, rule)) {
            let message = format!("has the terms of {}, listed before it: {what}", id(before));
            faults.add(&Path::Index(&Path::Key(&Path::Root, list), index), "same_terms", message);
        }
    }
}

/// In whatever order they are named.
fn named(tiers: &[TierId]) -> BTreeSet<&TierId> {
    tiers.iter().collect()
}

fn accounts(audience: &Audience) -> (BTreeSet<&TierId>, BTreeSet<&Segment>) {
    (named(&audience.tiers), audience.segments.iter().collect())
}

fn same_product(one: &FreeProduct, other: &FreeProduct) -> bool {
    let terms = |rule: &FreeProduct| (rule.sku.clone(), rule.quantity, rule.minimum_total, rule.from, rule.until);
    terms(one) == terms(other) && accounts(&one.audience) == accounts(&other.audience)
}

fn same_perk(one: &Perk, other: &Perk) -> bool {
    let renamed = Perk { id: other.id.clone(), audience: other.audience.clone(), ..one.clone() };
    renamed == *other && accounts(&one.audience) == accounts(&other.audience)
}

fn same_occasion(one: &OccasionRule, other: &OccasionRule) -> bool {
    let discount =
        |rule: &OccasionRule| rule.gift.discount.as_ref().map(|discount| (discount.percent, discount.validity_days));
    one.on == other.on
        && accounts(&one.audience) == accounts(&other.audience)
        && one.gift.points == other.gift.points
        && discount(one) == discount(other)
}
