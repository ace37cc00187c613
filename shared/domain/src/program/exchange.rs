//! What points are worth in money: the section `points.exchange` of the program document.
//!
//! One source for that: where a program has it, the metrics value points at it, too.

use super::Ladder;
use super::metrics::{PointValue, point_value, point_value_schema};
use crate::document::{self, Faults, Object, Path};
use crate::id::TierId;
use crate::money::{Currency, Minor, Money, Overflow, Points};
use crate::program::TIERS_MAX;
use crate::schema::{self, Schema};
use serde_json::Value;
use std::collections::BTreeMap;

/// Most points that a bound of one order's spend may name.
const SPEND_MAX: u64 = 1_000_000_000_000;

/// What points are worth when they are spent, and how many of them an order takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What a point is worth.
    pub value: PointValue,
    /// What it is worth to the tiers that have a rate of their own.
    pub tiers: BTreeMap<TierId, PointValue>,
    /// Fewest points that can be spent on one order, 1 or more.
    pub minimum: Points,
    /// Most points that can be spent on one order; `None`: as many as there are.
    pub maximum: Option<Points>,
}

impl Exchange {
    /// What a point is worth to an account of a tier.
    pub fn rate(&self, tier: &TierId) -> PointValue {
        self.tiers.get(tier).copied().unwrap_or(self.value)
    }

    /// `points × rate of the tier`, rounded down to the minor unit once for all of them: a customer is never told of more
    /// than the points come to. None where the points are not more than none.
    ///
    /// Taken in `i128`. Fails with [`Overflow`] where the result does not fit.
    pub fn worth(&self, points: Points, tier: &TierId) -> Result<Money, Overflow> {
        let PointValue { price, currency } = self.rate(tier);
        let amount = price.for_points_down(points.max(Points::ZERO), currency)?;
        Ok(Money { amount, currency })
    }

    /// How many of so many points can be spent on one order: none below the minimum, and no more than the maximum.
    pub fn spendable(&self, points: Points) -> Points {
        let most = self.maximum.map_or(points, |maximum| points.min(maximum));
        if most < self.minimum { Points::ZERO } else { most }
    }
}

/// Reads the section.
pub(super) fn exchange(value: &Value, path: &Path<'_>, currency: Currency, faults: &mut Faults) -> Option<Exchange> {
    let section = Object::open(value, path, &["value", "tiers", "spend"], faults)?;
    let price = section.required("value", faults, point_value);
    let tiers = tiers(&section, currency, faults);
    let spend = section.nested("spend", faults, spend).unwrap_or((Points(1), None));
    let (minimum, maximum) = spend;
    Some(Exchange { value: PointValue { price: price?, currency }, tiers, minimum, maximum })
}

/// The rates of tiers, each tier once.
fn tiers(section: &Object<'_>, currency: Currency, faults: &mut Faults) -> BTreeMap<TierId, PointValue> {
    let mut rates = BTreeMap::new();
    section.list("tiers", 1..=TIERS_MAX, faults, |value, path, faults| {
        let rate = Object::open(value, path, &["tier", "value"], faults)?;
        let tier = rate.required("tier", faults, document::id(TierId::parse));
        let price = rate.required("value", faults, point_value);
        let (tier, price) = (tier?, price?);
        if rates.insert(tier.clone(), PointValue { price, currency }).is_some() {
            faults.add(&rate.at("tier"), "duplicate", format!("{tier} is named twice"));
        }
        Some(())
    });
    rates
}

fn spend(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<(Points, Option<Points>)> {
    let section = Object::open(value, path, &["minimum", "maximum"], faults)?;
    let mut bound = |name| {
        let points = section.optional(name, faults, document::whole(1..=SPEND_MAX));
        points.and_then(|points| i64::try_from(points).ok()).map(Points)
    };
    let (minimum, maximum) = (bound("minimum").unwrap_or(Points(1)), bound("maximum"));
    if maximum.is_some_and(|maximum| maximum < minimum) {
        faults.add(&section.at("maximum"), "out_of_order", "must not be less than minimum");
    }
    Some((minimum, maximum))
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let rate = schema::object("TierRate").required("tier", schema::id(TierId::parse), "Whose rate it is.").required(
        "value",
        point_value_schema(),
        "Money for a point.",
    );
    let bound = || schema::whole(1..=SPEND_MAX);
    let spend = schema::object("Spend")
        .optional("minimum", bound().or(1), "Fewest points that can be spent on one order.")
        .optional("maximum", bound(), "Most of them; left out, as many as there are.");
    schema::object("Exchange")
        .required("value", point_value_schema(), "Money for a point.")
        .optional("tiers", schema::list(1..=TIERS_MAX, rate), "Tiers for which it is another, each once.")
        .optional("spend", spend, "How many points can be spent on one order.")
}

/// Notes rates of tiers that nobody holds, and a largest spend that comes to nothing for somebody.
pub(super) fn sense(exchange: Option<&Exchange>, levels: Option<&Ladder>, faults: &mut Faults) {
    let Some((exchange, levels)) = exchange.zip(levels) else { return };
    let points = Path::Key(&Path::Root, "points");
    let section = Path::Key(&points, "exchange");
    for unknown in exchange.tiers.keys().filter(|tier| !levels.knows(tier)) {
        let message = format!("nobody holds {unknown}: it is no tier of this program");
        faults.add(&Path::Key(&section, "tiers"), "never_fires", message);
    }
    let Some(maximum) = exchange.maximum else { return };
    let is_nothing = |id: &TierId| exchange.worth(maximum, id).is_ok_and(|worth| worth.amount == Minor::ZERO);
    if let Some(tier) = levels.iter().find(|tier| is_nothing(&tier.id)) {
        let spend = Path::Key(&section, "spend");
        let message = format!("so many points are worth nothing to {}: they come to less than the minor unit", tier.id);
        faults.add(&Path::Key(&spend, "maximum"), "never_fires", message);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::id::ProgramName;
    use crate::program::Program;
    use proptest::prelude::*;
    use serde_json::json;

    fn document(exchange: &Value) -> Value {
        json!({
            "name": "valued", "currency": "EUR", "time_zone": "Europe/Berlin",
            "enrolment": { "unknown_account": "enrol" },
            "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
            "points": { "validity_months": 24, "exchange": exchange },
            "tiers": { "window_months": 12, "levels": [
                { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
                { "id": "gold", "name": "Gold", "threshold": "1000", "multiplier": "2" },
            ]},
        })
    }

    fn read(exchange: &Value) -> Exchange {
        Program::from_json(&document(exchange)).unwrap().points.exchange.unwrap()
    }

    fn tier(id: &str) -> TierId {
        TierId::parse(id).unwrap()
    }

    #[test]
    fn points_are_worth_what_the_tier_says_rounded_down() {
        let exchange = read(&json!({ "value": "0.01", "tiers": [{ "tier": "gold", "value": "0.0125" }] }));
        for (points, id, worth) in [
            (0, "member", "0.00 EUR"),
            (1, "member", "0.01 EUR"),
            (1_234, "member", "12.34 EUR"),
            (1, "gold", "0.01 EUR"),
            (7, "gold", "0.08 EUR"),
            (8, "gold", "0.10 EUR"),
            (-5, "gold", "0.00 EUR"),
        ] {
            assert_eq!(exchange.worth(Points(points), &tier(id)).unwrap().to_string(), worth, "{points} of {id}");
        }
        let most = exchange.worth(Points(i64::MAX), &tier("member")).map(|worth| worth.amount);
        assert_eq!(most, Ok(Minor(i64::MAX)));
        assert_eq!(exchange.worth(Points(i64::MAX), &tier("gold")), Err(Overflow));
    }

    #[test]
    fn a_spend_keeps_to_its_bounds() {
        let spend = |spend| read(&json!({ "value": "0.01", "spend": spend }));
        let both = spend(json!({ "minimum": 100, "maximum": 500 }));
        for (held, can) in [(-1, 0), (0, 0), (99, 0), (100, 100), (300, 300), (500, 500), (501, 500)] {
            assert_eq!(both.spendable(Points(held)), Points(can), "{held}");
        }
        let none = spend(Value::Null);
        assert_eq!([-5, 0, 1, 7].map(|held| none.spendable(Points(held)).0), [0, 0, 1, 7]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn parts_are_never_worth_more_than_the_whole(
            one in 0_i64..1_000_000_000, other in 0_i64..1_000_000_000, millionths in 1_i64..1_000_000,
        ) {
            let value = crate::money::format_decimal(millionths, 6);
            let exchange = read(&json!({ "value": value }));
            let worth = |points: i64| exchange.worth(Points(points), &tier("member")).unwrap().amount.0;
            let parts = worth(one).saturating_add(worth(other));
            let whole = worth(one.saturating_add(other));
            prop_assert!((parts..=parts.saturating_add(1)).contains(&whole));
        }
    }

    #[test]
    fn what_cannot_be_read_or_makes_no_sense_is_told_by_its_path() {
        let faults = |exchange: &Value| {
            let name = ProgramName::parse("valued").unwrap();
            let faults = Program::from_new(&document(exchange), &name).err().unwrap_or_default();
            faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect::<Vec<_>>()
        };
        let gold = json!({ "tier": "gold", "value": "0.02" });
        for (exchange, expected) in [
            (json!({ "value": "0.01", "tiers": [gold], "spend": { "minimum": 5, "maximum": 5 } }), &[][..]),
            (json!({}), &["$.points.exchange.value missing"]),
            (
                json!({ "value": "0", "tiers": [] }),
                &["$.points.exchange.value out_of_range", "$.points.exchange.tiers wrong_length"],
            ),
            (json!({ "value": "0.01", "tiers": [gold, gold] }), &["$.points.exchange.tiers[1].tier duplicate"]),
            (
                json!({ "value": "0.01", "tiers": [{ "tier": "gold" }, { "rate": 1 }] }),
                &[
                    "$.points.exchange.tiers[0].value missing",
                    "$.points.exchange.tiers[1].rate unknown_field",
                    "$.points.exchange.tiers[1].tier missing",
                    "$.points.exchange.tiers[1].value missing",
                ],
            ),
            (
                json!({ "value": "0.01", "tiers": [{ "tier": "ruby", "value": "1" }] }),
                &["$.points.exchange.tiers never_fires"],
            ),
            (
                json!({ "value": "0.01", "spend": { "minimum": 0, "maximum": "5" } }),
                &["$.points.exchange.spend.minimum out_of_range", "$.points.exchange.spend.maximum wrong_type"],
            ),
            (
                json!({ "value": "0.01", "spend": { "minimum": 6, "maximum": 5 } }),
                &["$.points.exchange.spend.maximum out_of_order"],
            ),
            (
                json!({ "value": "0.0001", "spend": { "maximum": 99 } }),
                &["$.points.exchange.spend.maximum never_fires"],
            ),
        ] {
            assert_eq!(faults(&exchange), expected, "{exchange}");
        }
    }

    #[test]
    fn the_metrics_value_points_at_what_they_are_worth() {
        let mut program = document(&json!({ "value": "0.02" }));
        program["metrics"] = json!({ "margin_rate": "0.5" });
        let read = Program::from_json(&program).unwrap();
        assert_eq!(read.metrics.point_value, read.points.exchange.as_ref().map(|exchange| exchange.value));
        assert!(read.metrics.margin_rate.is_some());
        let without = Program::from_json(&document(&Value::Null)).unwrap();
        assert!(without.decides_like(&read) && read.decides_like(&without) && without != read);
        program["metrics"]["point_value"] = json!("0.02");
        let twice = Program::from_json(&program).unwrap_err();
        let told: Vec<_> = twice.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect();
        assert_eq!(told, ["$.metrics.point_value conflict"]);
    }
}
