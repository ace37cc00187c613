//! What the metrics need to know of the merchant's money: the program document's section `metrics`.
//!
//! It values what has happened and decides nothing: no score, no review and no walk looks at it.

use super::Exchange;
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::money::{Currency, Factor, Minor, Overflow, Points, UnitPrice};
use crate::schema::{self, Schema};
use serde_json::{Value, json};

/// Most that a point may be worth.
const POINT_VALUE_MAX: u32 = 1_000;
/// All of the revenue.
const MARGIN_RATE_MAX: u32 = 1;

/// What the metrics value things at; what is not said is not valued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MetricsRules {
    /// What a point costs the merchant once it is spent: what `points.exchange` says it is worth, where that says so.
    pub point_value: Option<PointValue>,
    /// What of revenue is left after the cost of the goods.
    pub margin_rate: Option<MarginRate>,
}

/// Money for one point, more than none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointValue {
    /// How much, with up to six decimals.
    pub price: UnitPrice,
    /// Of the program's currency.
    pub currency: Currency,
}

/// A part of revenue, from none to all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarginRate(pub Factor);

impl PointValue {
    /// `points × value` in minor units, rounded half up once for all of them; below zero for points that are owed.
    ///
    /// Taken in `i128`. Fails with [`Overflow`] where the result does not fit.
    pub fn value_of(self, points: Points) -> Result<Minor, Overflow> {
        self.price.for_points(points, self.currency)
    }
}

impl MarginRate {
    /// `revenue × rate` in minor units, rounded half up once.
    ///
    /// Taken in `i128`. Fails with [`Overflow`] where the result does not fit, which it does for a rate up to one.
    pub fn margin_of(self, revenue: Minor) -> Result<Minor, Overflow> {
        self.0.part_of(revenue)
    }
}

impl MetricsRules {
    /// The same where the program says what points are worth: that is said once.
    pub(super) fn with(self, exchange: Option<&Exchange>, faults: &mut Faults) -> Self {
        let Some(exchange) = exchange else { return self };
        if self.point_value.is_some() {
            let section = Path::Key(&Path::Root, "metrics");
            let message = "points.exchange says what a point is worth, and the metrics value points at it";
            faults.add(&Path::Key(&section, "point_value"), "conflict", message);
        }
        Self { point_value: Some(exchange.value), ..self }
    }
}

pub(super) fn metrics(value: &Value, path: &Path<'_>, currency: Currency, faults: &mut Faults) -> Option<MetricsRules> {
    let section = Object::open(value, path, &["point_value", "margin_rate"], faults)?;
    let price = section.optional("point_value", faults, point_value);
    let margin_rate = section.optional("margin_rate", faults, margin_rate);
    Some(MetricsRules { point_value: price.map(|price| PointValue { price, currency }), margin_rate })
}

/// Money for one point, as a program states it anywhere.
pub(super) fn point_value(value: &Value) -> Leaf<UnitPrice> {
    let price = document::decimal(UnitPrice::DECIMALS_MAX, 1)(value)?;
    if price > i64::from(POINT_VALUE_MAX).saturating_mul(UnitPrice::ONE.0) {
        return Err(("out_of_range", format!("must be at most {POINT_VALUE_MAX}")));
    }
    Ok(UnitPrice(price))
}

fn margin_rate(value: &Value) -> Leaf<MarginRate> {
    let rate = Factor(document::decimal(Factor::DECIMALS, 0)(value)?);
    if rate > Factor::ONE {
        return Err(("out_of_range", "must be at most 1: it is a part, not a percentage".to_owned()));
    }
    Ok(MarginRate(rate))
}

/// What may stand for [`point_value`].
pub(super) fn point_value_schema() -> Schema {
    schema::decimal_to(UnitPrice::DECIMALS_MAX, 1, POINT_VALUE_MAX)
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let margin_rate = schema::decimal_to(Factor::DECIMALS, 0, MARGIN_RATE_MAX);
    schema::object("Metrics")
        .optional(
            "point_value",
            point_value_schema(),
            "Money that a spent point costs you. Not beside points.exchange.",
        )
        .optional("margin_rate", margin_rate, "What of revenue is left after the cost of the goods, as a part of 1.")
        .examples([json!({ "point_value": "0.01", "margin_rate": "0.35" })])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::program::Program;

    fn program(currency: &str, metrics: Option<Value>) -> Result<Program, Vec<String>> {
        let mut document = json!({
            "name": "valued", "currency": currency, "time_zone": "Europe/London",
            "enrolment": { "unknown_account": "enrol" },
            "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1" }],
            "points": { "validity_months": 24 },
            "tiers": { "window_months": 12, "levels": [
                { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
            ]},
        });
        if let Some(metrics) = metrics {
            document["metrics"] = metrics;
        }
        let told =
            |faults: &Faults| faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect();
        Program::from_json(&document).map_err(|faults| told(&faults))
    }

    fn rules(currency: &str, metrics: Value) -> MetricsRules {
        program(currency, Some(metrics)).unwrap().metrics
    }

    #[test]
    fn what_is_left_out_is_not_valued() {
        assert_eq!(program("GBP", None).unwrap().metrics, MetricsRules::default());
        assert_eq!(rules("GBP", json!({})), MetricsRules::default());
        assert_eq!(rules("GBP", json!({"margin_rate": "0.35"})).margin_rate, Some(MarginRate(Factor(3_500))));
        let price = UnitPrice(10_000);
        let valued =
            MetricsRules { point_value: Some(PointValue { price, currency: Currency::GBP }), margin_rate: None };
        assert_eq!(rules("GBP", json!({"point_value": "0.01"})), valued);
    }

    #[test]
    fn every_fault_is_named_where_it_stands() {
        for (metrics, expected) in [
            (json!([]), &["$.metrics wrong_type"][..]),
            (json!({"points_value": "1"}), &["$.metrics.points_value unknown_field"]),
            (json!({"point_value": 0.01}), &["$.metrics.point_value wrong_type"]),
            (json!({"point_value": "0"}), &["$.metrics.point_value out_of_range"]),
            (json!({"point_value": "-0.01"}), &["$.metrics.point_value out_of_range"]),
            (json!({"point_value": "0.0000001"}), &["$.metrics.point_value too_many_decimals"]),
            (json!({"point_value": "1000.000001"}), &["$.metrics.point_value out_of_range"]),
            (json!({"margin_rate": "35 %"}), &["$.metrics.margin_rate invalid_decimal"]),
            (json!({"margin_rate": "1.0001"}), &["$.metrics.margin_rate out_of_range"]),
            (json!({"margin_rate": "-0.1"}), &["$.metrics.margin_rate out_of_range"]),
            (json!({"margin_rate": "0.33333"}), &["$.metrics.margin_rate too_many_decimals"]),
            (
                json!({"margin_rate": "35", "point_value": "x", "churn": 1}),
                &[
                    "$.metrics.churn unknown_field",
                    "$.metrics.point_value invalid_decimal",
                    "$.metrics.margin_rate out_of_range",
                ],
            ),
        ] {
            assert_eq!(program("GBP", Some(metrics.clone())).unwrap_err(), expected, "{metrics}");
        }
        for metrics in [json!({"point_value": "1000", "margin_rate": "1"}), json!({"margin_rate": "0.0000"})] {
            assert!(program("GBP", Some(metrics)).is_ok());
        }
    }

    #[test]
    fn points_are_worth_their_value_rounded_half_up_once() {
        for (value, currency, points, expected) in [
            ("0.01", "GBP", 12_345, Ok(12_345)),
            ("0.005", "GBP", 1, Ok(1)),
            ("0.005", "GBP", 3, Ok(2)),
            ("0.004999", "GBP", 1, Ok(0)),
            ("0.004999", "GBP", 1_000, Ok(500)),
            ("0.000001", "GBP", 4_999, Ok(0)),
            ("0.000001", "GBP", 5_000, Ok(1)),
            ("0.005", "GBP", -1, Ok(0)), // towards plus infinity, as all money here
            ("0.005", "GBP", -3, Ok(-1)),
            ("0.01", "GBP", -50, Ok(-50)),
            ("0.5", "JPY", 3, Ok(2)),
            ("0.0015", "KWD", 3, Ok(5)),
            ("1000", "GBP", i64::MAX, Err(Overflow)),
            ("0.01", "GBP", i64::MAX, Ok(i64::MAX)),
        ] {
            let value_of = rules(currency, json!({"point_value": value})).point_value.unwrap();
            assert_eq!(value_of.value_of(Points(points)), expected.map(Minor), "{points} × {value} {currency}");
        }
    }

    #[test]
    fn margin_is_a_part_of_revenue_rounded_half_up_once() {
        for (rate, revenue, expected) in [
            ("0.35", 10_000, 3_500),
            ("0.35", 10, 4), // 3.5
            ("0.35", 1, 0),
            ("0.3333", 15_000, 5_000), // 4999.5
            ("0.35", -10, -3),
            ("0", 10_000, 0),
            ("1", i64::MAX, i64::MAX),
            ("0.5", i64::MIN, i64::MIN / 2),
        ] {
            let margin = rules("GBP", json!({"margin_rate": rate})).margin_rate.unwrap();
            assert_eq!(margin.margin_of(Minor(revenue)), Ok(Minor(expected)), "{revenue} × {rate}");
        }
    }
}
