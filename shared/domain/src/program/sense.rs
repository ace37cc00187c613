//! Rules that can never do anything, and rules that contradict each other.
//!
//! A new version is held against this, and no other: what is in force stays readable, whatever is found out about it
//! later.

mod earning;
mod paid_with;
pub(super) mod reach;
mod same_terms;
mod tiers;
mod warnings;

use super::{
    DiscountRule, Ladder, PointsRules, Shortfall, Tiers, UnknownAccount, exchange, free_products, groups, membership,
    occasions, perks, prices, rewards,
};
use crate::document::{Faults, Path};
use crate::earning::{Earning, EarningRule, PaidWith};
use crate::free_products::FreeProduct;
use crate::id::Sku;
use crate::membership::MembershipRules;
use crate::money::{Factor, Minor, Overflow, Points};
use crate::occasions::OccasionRule;
use crate::perks::Perk;
use crate::prices::PriceTable;
use crate::referral::rules::{Gift, ReferralRules};
use crate::rewards::Reward;
use crate::time::Calendar;
use crate::warning::WarningRules;
use earning::Surroundings;
use serde_json::Value;
use std::collections::BTreeSet;

/// What could be read of a document. Of a list, nothing where an element could not be read: its other elements are not
/// where they stand in the document.
pub(super) struct Sections<'a> {
    pub unknown_account: Option<UnknownAccount>,
    pub membership: MembershipRules,
    pub calendar: Option<&'a Calendar>,
    pub points: Option<&'a PointsRules>,
    /// Whether it says what points are worth, readable or not.
    pub states_exchange: bool,
    pub earning: Option<&'a Earning>,
    pub excluded_skus: &'a BTreeSet<Sku>,
    pub paid_with: PaidWith,
    /// The levels, whatever else is said of tiers.
    pub levels: Option<&'a Ladder>,
    /// All that is said of tiers.
    pub tiers: Option<&'a Tiers>,
    pub discounts: Option<&'a [DiscountRule]>,
    pub price_tables: Option<&'a [PriceTable]>,
    pub free_products: Option<&'a [FreeProduct]>,
    pub perks: Option<&'a [Perk]>,
    pub occasions: Option<&'a [OccasionRule]>,
    pub rewards: Option<&'a [Reward]>,
    pub warnings: &'a WarningRules,
    /// `None` within where there are none.
    pub referral: Option<Option<&'a ReferralRules>>,
}

impl<'a> Sections<'a> {
    /// What is given to accounts on occasions, on entering tiers and for referrals; `None`: not all of it could be read.
    pub(super) fn gifts(&self) -> Option<impl Iterator<Item = &'a Gift>> {
        let (occasions, levels, referral) = (self.occasions?, self.levels?, self.referral?);
        let of_referral = referral
            .into_iter()
            .flat_map(|rules| std::iter::once(&rules.welcome).chain(rules.steps.iter().map(|step| &step.gift)));
        let of_tiers = levels.iter().map(|tier| &tier.on_entry);
        Some(occasions.iter().map(|rule| &rule.gift).chain(of_tiers).chain(of_referral))
    }
}

/// A list of the document, if each of its elements could be read; an empty one where it is left out.
pub(super) fn whole<'a, T>(document: &Value, list: &str, read: Option<&'a [T]>) -> Option<&'a [T]> {
    match document.pointer(list).filter(|stated| !stated.is_null()) {
        None => Some(&[]),
        Some(stated) => read.filter(|read| read.len() == length(stated)),
    }
}

/// Whether each of so many elements that could be read is where it stands in a list of the document.
pub(super) fn is_whole(document: &Value, list: &str, read: usize) -> bool {
    document.pointer(list).is_some_and(|stated| length(stated) == read)
}

fn length(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

/// Notes every rule that makes no sense, with the reason. What could not be read hides no more than what hangs on it.
pub(super) fn check(sections: &Sections<'_>, faults: &mut Faults) {
    same_terms::check(sections, faults);
    groups::check(sections, faults);
    shortfalls(sections.points, faults);
    let occasions = sections.occasions.unwrap_or_default();
    let ending_days = &sections.warnings.membership_ending_days;
    membership::sense(sections.membership, sections.unknown_account, ending_days, occasions, faults);
    reach::membership_ending(sections.membership, ending_days, faults);
    // Nothing can be said of tiers of which nobody holds the first.
    let levels = sections.levels.filter(|levels| levels.lowest.threshold.is_some());
    occasions::sense(occasions, levels, faults);
    rewards::sense(sections.rewards.unwrap_or_default(), sections.perks, levels, sections.membership, faults);
    prices::sense(sections.price_tables.unwrap_or_default(), levels, faults);
    free_products::sense(sections.free_products.unwrap_or_default(), levels, faults);
    exchange::sense(sections.points.and_then(|points| points.exchange.as_ref()), levels, faults);
    perks::sense(sections.perks.unwrap_or_default(), levels, faults);
    warnings::check(sections, faults);
    paid_with::check(sections, faults);
    if let Some(tiers) = sections.tiers.filter(|tiers| tiers.levels.lowest.threshold.is_some()) {
        tiers::check(tiers, sections.warnings, faults);
        reach::tiers(tiers, faults);
    }
    let Some(earning) = sections.earning else { return };
    let Sections { excluded_skus, calendar, .. } = *sections;
    earning::check(earning, &Surroundings { levels, excluded_skus, calendar }, faults);
    if let Some(levels) = levels {
        minimums(earning.rules(), levels, sections.discounts.unwrap_or_default(), sections.referral.flatten(), faults);
    }
}

/// What only points that wait could owe, where none ever wait.
fn shortfalls(points: Option<&PointsRules>, faults: &mut Faults) {
    let waits = |rules: &PointsRules| rules.pending_days > 0 || rules.until_paid;
    let owes_pending = |rules: &&PointsRules| rules.shortfall == Shortfall::OwePending && !waits(rules);
    if points.filter(owes_pending).is_some() {
        let section = Path::Key(&Path::Root, "points");
        let message =
            "lets points that wait go below zero; without points.pending_days or points.pending_until none ever wait";
        faults.add(&Path::Key(&section, "shortfall"), "never_fires", message);
    }
}

/// An order that reaches a minimum may not earn more points than can be counted: it would be refused.
fn minimums(
    earning: &[EarningRule],
    levels: &Ladder,
    discounts: &[DiscountRule],
    referral: Option<&ReferralRules>,
    faults: &mut Faults,
) {
    let lowest = levels.iter().map(|tier| tier.multiplier).min().unwrap_or(Factor::ONE);
    let fits = |minimum: Minor| {
        let stops = earning.iter().position(|rule| rule.stop).unwrap_or(earning.len());
        let mut of_rules = earning.iter().take(stops.saturating_add(1)).map(|rule| rule.at_least(minimum, lowest));
        of_rules.try_fold(Points::ZERO, |sum, points| sum.plus(points?)) != Err(Overflow)
    };
    let message = "is never reached: an order this large earns more points than 64 bits hold, and is refused";
    let list = Path::Key(&Path::Root, "discounts");
    for (index, _) in discounts.iter().enumerate().filter(|(_, rule)| !fits(rule.minimum_total)) {
        faults.add(&Path::Key(&Path::Index(&list, index), "minimum_total"), "never_fires", message);
    }
    if referral.is_some_and(|rules| !fits(rules.minimum_total)) {
        let section = Path::Key(&Path::Root, "referral");
        let qualifying = Path::Key(&section, "qualifying");
        faults.add(&Path::Key(&qualifying, "minimum_total"), "never_fires", message);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use crate::id::ProgramName;
    use crate::program::Program;
    use serde_json::{Value, json};

    fn sensible() -> Value {
        let discount = |id: &str, minimum: &str, percent: &str, days: u16| {
            json!({"id": id, "name": id, "kind": "next_purchase", "minimum_total": minimum, "percent": percent,
                   "validity_days": days})
        };
        json!({
            "name": "p", "currency": "GBP", "time_zone": "UTC", "enrolment": {"unknown_account": "enrol"},
            "earning_rules": [
                {"id": "base", "name": "Points", "points": 1, "per": "1"},
                {"id": "more", "name": "More points", "points": 1, "per": "1"},
            ],
            "points": {"validity_months": 24},
            "tiers": {
                "window_months": 12,
                "levels": [
                    {"id": "member", "name": "Member", "threshold": "0", "multiplier": "0"},
                    {"id": "silver", "name": "Silver", "threshold": "10", "multiplier": "0.0001"},
                ],
                "review": {"hold_months": 12, "downgrade": "one_step"},
            },
            "discounts": [
                discount("a", "10", "5", 30), discount("b", "11", "5", 30), discount("c", "10", "6", 30),
                discount("d", "10", "5", 31),
            ],
            "warnings": {"tier_at_risk_days": [7]},
            "referral": {
                "enrolment": "open", "consent": "optional", "return_window_days": 0, "after_return": "keep",
                "qualifying": {"minimum_total": "92233720368547758.07", "within_days": 1}, "rewards": [{"from": 1}],
            },
        })
    }

    fn faults(document: &Value) -> Vec<String> {
        let told = Program::from_new(document, &ProgramName::parse("p").unwrap()).err();
        let listed = told.iter().flat_map(|faults| faults.listed());
        listed.map(|fault| format!("{} {}", fault.path, fault.code)).collect()
    }

    type Row = (&'static str, fn(&mut Value), &'static [&'static str]);

    fn rows() -> Vec<Row> {
        vec![
            ("nothing", |_| {}, &[]),
            ("another program", |p| p["name"] = json!("q"), &["$.name conflict"]),
            ("no name", |p| p["name"] = json!("q q"), &["$.name invalid_id"]),
            (
                "the terms of a rule before it",
                |p| p["discounts"][3]["validity_days"] = json!(30),
                &["$.discounts[3] same_terms"],
            ),
            (
                "the same, spelt otherwise",
                |p| p["discounts"][1]["minimum_total"] = json!("10.00"),
                &["$.discounts[1] same_terms"],
            ),
            (
                "one tier that is reviewed",
                |p| drop(p["tiers"]["levels"].as_array_mut().unwrap().remove(0)),
                // The first must start at zero; that is told with the rest.
                &["$.tiers.levels[0].threshold out_of_range", "$.tiers.review never_fires"],
            ),
            (
                "a warning of reviews that are none",
                |p| p["tiers"]["review"] = json!(null),
                &["$.warnings.tier_at_risk_days never_fires"],
            ),
            (
                "reviews that lower nothing and raise nothing",
                |p| p["tiers"]["review"]["downgrade"] = json!("never"),
                &["$.tiers.review never_fires", "$.warnings.tier_at_risk_days never_fires"],
            ),
            (
                "tiers that only reviews raise, of which there are none",
                |p| {
                    p["tiers"]["upgrade"] = json!("at_review");
                    p["tiers"]["review"] = json!(null);
                    p["warnings"] = json!({});
                },
                &["$.tiers.upgrade never_fires"],
            ),
            (
                "reviews that raise and never lower",
                |p| {
                    p["tiers"]["upgrade"] = json!("at_review");
                    p["tiers"]["review"]["downgrade"] = json!("never");
                    p["warnings"] = json!({});
                },
                &[],
            ),
            (
                "a figure that never becomes less",
                |p| {
                    p["tiers"]["metric"] = json!("orders");
                    p["tiers"]["window_months"] = json!(null);
                    p["tiers"]["window"] = json!({"kind": "lifetime"});
                    p["tiers"]["levels"][0]["threshold"] = json!(0);
                    p["tiers"]["levels"][1]["threshold"] = json!(10);
                },
                &["$.tiers.review.downgrade never_fires"],
            ),
            (
                "a review that cannot be read is not taken for none",
                |p| p["tiers"]["review"]["downgrade"] = json!("two_steps"),
                &["$.tiers.review.downgrade unknown_value"],
            ),
            (
                "an upgrade that cannot be read is not taken for one at once",
                |p| {
                    p["tiers"]["upgrade"] = json!("sideways");
                    p["tiers"]["review"]["downgrade"] = json!("never");
                },
                &["$.tiers.upgrade unknown_value"],
            ),
            (
                "warnings of discounts where there are none",
                |p| {
                    p["discounts"] = json!([]);
                    p["warnings"]["discount_expiring_days"] = json!([7]);
                },
                &["$.warnings.discount_expiring_days never_fires"],
            ),
            (
                "warnings of discounts that are told when those are issued, or after their end",
                |p| p["warnings"]["discount_expiring_days"] = json!([30, 45, 31]),
                &["$.warnings.discount_expiring_days never_fires", "$.warnings.discount_expiring_days never_fires"],
            ),
            (
                "warnings of discounts that points buy",
                |p| {
                    p["discounts"] = json!([]);
                    p["rewards"] = json!([{"id": "off", "name": "Off", "points": 5,
                                           "discount": {"percent": "5", "validity_days": 8}}]);
                    p["warnings"]["discount_expiring_days"] = json!([7]);
                },
                &[],
            ),
            (
                "warnings of discounts that referrals bring",
                |p| {
                    p["discounts"] = json!([]);
                    p["referral"]["welcome"]["discount"] =
                        json!({"id": "hello", "name": "Hello", "percent": "5", "validity_days": 8});
                    p["warnings"]["discount_expiring_days"] = json!([8, 7]);
                },
                &["$.warnings.discount_expiring_days never_fires"],
            ),
            (
                "warnings of points that do not end by themselves, and may by what credited them",
                |p| {
                    p["points"] = json!({"expiry": {"kind": "never"}});
                    p["warnings"]["points_expiring_days"] = json!([7]);
                },
                &[],
            ),
            (
                "points owed by those that wait, of which there are none",
                |p| p["points"]["shortfall"] = json!("owe_pending"),
                &["$.points.shortfall never_fires"],
            ),
            (
                "points owed by those that wait",
                |p| p["points"] = json!({"validity_months": 24, "pending_days": 1, "shortfall": "owe_pending"}),
                &[],
            ),
            (
                "what is paid with points, which pay for nothing, and taken off by discounts, of which there are none",
                |p| {
                    p["eligibility"] = json!({"paid_with": ["money", "points", "discounts"]});
                    p["discounts"] = json!(null);
                },
                &["$.eligibility.paid_with never_fires", "$.eligibility.paid_with never_fires"],
            ),
            (
                "what is paid with points that are worth something, and taken off by discounts",
                |p| {
                    p["eligibility"] = json!({"paid_with": ["money", "points", "discounts"]});
                    p["points"]["exchange"] = json!({"value": "0.01"});
                },
                &[],
            ),
            (
                "what the standing discount of a tier takes off",
                |p| {
                    p["eligibility"] = json!({"paid_with": ["discounts", "money"]});
                    p["discounts"] = json!(null);
                    p["tiers"]["levels"][1]["discount"] = json!("2");
                },
                &[],
            ),
            (
                "a worth of points that cannot be read is not taken for none, nor are discounts",
                |p| {
                    p["eligibility"] = json!({"paid_with": ["money", "points", "discounts"]});
                    p["points"]["exchange"] = json!({"value": "0"});
                    p["discounts"] = json!([5]);
                },
                &["$.points.exchange.value out_of_range", "$.discounts[0] wrong_type"],
            ),
            (
                "no tier that earns",
                |p| p["tiers"]["levels"][1]["multiplier"] = json!("0"),
                &["$.tiers.levels never_fires"],
            ),
            (
                "points that no order comes to",
                |p| p["earning_rules"][1]["per"] = json!("9223372036854775.81"),
                &["$.earning_rules[1].per never_fires"],
            ),
            (
                "points that the largest order comes to",
                |p| p["earning_rules"][1]["per"] = json!("9223372036854.77"),
                &[],
            ),
            (
                "minimums that no order reaches, since it would earn too much",
                |p| {
                    p["tiers"]["levels"][0]["multiplier"] = json!("1");
                    p["tiers"]["levels"][1]["multiplier"] = json!("2");
                    p["earning_rules"][0]["points"] = json!(1_000);
                    p["discounts"][2]["minimum_total"] = json!("92233720368547758.07");
                },
                &["$.discounts[2].minimum_total never_fires", "$.referral.qualifying.minimum_total never_fires"],
            ),
            (
                "everything at once, and what cannot be read",
                |p| {
                    p["time_zone"] = json!("Europe/Atlantis");
                    p["tiers"]["review"] = json!(null);
                    p["discounts"][3]["validity_days"] = json!(30);
                },
                &[
                    "$.time_zone unknown_time_zone",
                    "$.discounts[3] same_terms",
                    "$.warnings.tier_at_risk_days never_fires",
                ],
            ),
            (
                "an id that stands twice is told whatever else is wrong",
                |p| {
                    p["tiers"]["review"]["hold_months"] = json!(0);
                    p["discounts"][1]["id"] = json!("a");
                    p["referral"]["welcome"] = json!({"discount": {"id": "c", "name": "C", "percent": "5",
                                                                   "validity_days": 9}});
                },
                &[
                    "$.tiers.review.hold_months out_of_range",
                    "$.discounts[1].id duplicate",
                    "$.referral.welcome.discount.id duplicate",
                ],
            ),
            (
                "a fault of the tiers hides nothing that does not hang on them",
                |p| {
                    p["tiers"]["levels"][1]["multiplier"] = json!("x");
                    p["discounts"][3]["validity_days"] = json!(30);
                    p["rewards"] = json!([{"id": "day", "name": "Day", "points": 5, "tiers": ["gold"],
                                           "perk": {"perk": "training", "uses": 1}}]);
                    p["earning_rules"][1]["multiplier"] = json!("2");
                    p["earning_rules"][1]["points"] = json!(null);
                    p["earning_rules"][1]["per"] = json!(null);
                    p["earning_rules"][1]["when"] = json!({"hours": {"from": "00:00", "until": "24:00"}});
                    p["earning_rules"].as_array_mut().unwrap().swap(0, 1);
                },
                &[
                    "$.tiers.levels[1].multiplier invalid_decimal",
                    "$.discounts[3] same_terms",
                    "$.rewards[0].perk.perk never_fires",
                    "$.earning_rules[0].when.hours no_effect",
                    "$.earning_rules[0].multiplier never_fires",
                ],
            ),
            (
                "a list that is not read whole is left alone",
                |p| {
                    p["discounts"][0]["percent"] = json!("0");
                    p["discounts"][3]["validity_days"] = json!(30);
                    p["tiers"]["levels"][1]["multiplier"] = json!("x");
                },
                &["$.tiers.levels[1].multiplier invalid_decimal", "$.discounts[0].percent out_of_range"],
            ),
        ]
    }

    #[test]
    fn a_new_program_holds_no_rule_without_effect_and_says_nothing_twice() {
        for (name, change, expected) in rows() {
            let mut document = sensible();
            change(&mut document);
            assert_eq!(faults(&document), expected, "{name}");
        }
    }

    #[test]
    fn what_is_stored_stays_readable() {
        for (name, change, expected) in rows() {
            let mut document = sensible();
            change(&mut document);
            let codes = [" never_fires", " no_effect", " same_terms"];
            let senseless = |fault: &&str| codes.iter().any(|code| fault.ends_with(code));
            let readable = expected.iter().all(senseless) || name == "another program";
            assert_eq!(Program::from_json(&document).is_ok(), readable, "{name}");
        }
    }
}
