//! Earning rules that another of their group always outdoes: one before it that gives as much, or one after it that gives
//! more.

use super::Finding;
use crate::earning::EarningRule;
use crate::money::Factor;
use crate::program::Ladder;

/// What rules of its group leave a rule.
pub(super) fn check(
    rule: &EarningRule,
    before: &[EarningRule],
    after: &[EarningRule],
    levels: Option<&Ladder>,
) -> Option<Finding> {
    let is_in = |other: &&EarningRule| rule.group.is_some() && other.group == rule.group;
    if let Some(better) = before.iter().filter(is_in).find(|other| other.outdoes(rule)) {
        let message = format!("{}, before it in the group, gives as much wherever it would fire", better.id);
        return Some((&[], "never_fires", message));
    }
    let multipliers: Vec<Factor> = levels?.iter().map(|tier| tier.multiplier).collect();
    let better = after.iter().filter(is_in).find(|other| other.outdoes_clearly(rule, &multipliers))?;
    Some((&[], "never_fires", format!("{}, after it in the group, gives more wherever it would fire", better.id)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::super::tests::told;
    use crate::id::ProgramName;
    use crate::program::{Program, sample};
    use serde_json::{Value, json};

    fn grouped(effect: Value) -> Value {
        let mut rule = effect;
        rule["group"] = json!("g");
        rule
    }

    /// What is said of two rules of a group, after a plain rule before them, where the upper tier multiplies so.
    fn of_two(first: Value, second: Value, upper: &str) -> Vec<String> {
        told(&[grouped(first), grouped(second)], ["1", upper])
    }

    #[test]
    fn of_a_group_no_rule_is_outdone_by_a_later_one_wherever_it_would_fire() {
        let vip = json!({"segments": {"include": ["vip"]}});
        let first = ["[1] never_fires"];
        for (one, other, is_outdone) in [
            (json!({"points": 5}), json!({"points": 6}), true),
            (json!({"points": 5, "when": vip}), json!({"points": 6}), true),
            (json!({"points": 5, "when": vip}), json!({"points": 6, "when": vip}), true),
            (json!({"points": 5}), json!({"points": 6, "when": vip}), false),
            (json!({"points": 5}), json!({"points": 6, "budget": 1_000}), false),
            (json!({"points": 5, "budget": 1_000}), json!({"points": 6}), true),
            (json!({"points": 5}), json!({"points": 6, "lines": {"tags": {"include": ["new"]}}}), false),
            // Points that are rounded come to as many for a small order, and then the first fires.
            (json!({"points": 5, "per": "1"}), json!({"points": 6, "per": "1"}), false),
            (json!({"points": 5, "per": "1"}), json!({"points": 9, "per": "1"}), false),
            (json!({"points": 5, "per": "1"}), json!({"points": 10, "per": "1"}), true),
            (json!({"points": 5, "per": "1"}), json!({"points": 5, "per": "0.50"}), true),
            (
                json!({"points": 5, "per": "1", "rounding": "half_up"}),
                json!({"points": 14, "per": "1", "rounding": "half_up"}),
                false,
            ),
            (
                json!({"points": 5, "per": "1", "rounding": "half_up"}),
                json!({"points": 15, "per": "1", "rounding": "half_up"}),
                true,
            ),
            (json!({"points": 5, "per": "1"}), json!({"points": 10, "per": "1", "maximum_points": 50}), false),
            (
                json!({"points": 5, "per": "1", "maximum_points": 50}),
                json!({"points": 10, "per": "1", "maximum_points": 50}),
                false,
            ),
            (
                json!({"points": 5, "per": "1", "maximum_points": 50}),
                json!({"points": 10, "per": "1", "maximum_points": 51}),
                true,
            ),
            (json!({"points": 5, "per_units": 2}), json!({"points": 6, "per_units": 2}), true),
            (json!({"points": 5, "per_units": 2}), json!({"points": 6, "per_units": 3}), false),
            (json!({"multiplier": "1.5"}), json!({"multiplier": "1.9"}), false),
            (json!({"multiplier": "1.5"}), json!({"multiplier": "2"}), true),
            (json!({"points": 5}), json!({"points": 10, "per": "0.01"}), false),
        ] {
            let expected = if is_outdone { &first[..] } else { &[] };
            assert_eq!(of_two(one.clone(), other.clone(), "2"), expected, "{one} {other}");
        }
        let scaled = |points: u64| json!({"points": points, "tier_multiplier": true});
        assert_eq!(of_two(scaled(5), scaled(6), "2"), first);
        assert_eq!(of_two(scaled(5), scaled(6), "0"), first);
        // Half a point more may be none once it is rounded.
        assert!(of_two(scaled(5), scaled(6), "0.5").is_empty());
        assert_eq!(of_two(scaled(5), scaled(7), "0.5"), first);
    }

    #[test]
    fn a_rule_that_stops_is_held_against_what_later_ones_ask_for() {
        let stop = |mut rule: Value| {
            rule["stop"] = json!(true);
            rule
        };
        let from = |total: &str| json!({"points": 3, "when": {"minimum_total": total}});
        let per_pound = || stop(json!({"points": 1, "per": "1.00"}));
        for (one, other, leaves_none) in [
            (per_pound(), from("10.00"), true),
            (per_pound(), from("1.00"), true),
            (per_pound(), from("0.99"), false),
            (stop(json!({"points": 1, "per": "1.00", "rounded_per": "line"})), from("10.00"), false),
            (stop(json!({"points": 1, "per": "1.00", "lines": {"tags": {"include": ["new"]}}})), from("10.00"), false),
            (stop(json!({"points": 1, "per_units": 5})), json!({"points": 3, "when": {"minimum_units": 5}}), true),
            (stop(json!({"points": 1, "per_units": 5})), json!({"points": 3, "when": {"minimum_units": 4}}), false),
            (stop(json!({"points": 1, "per_units": 5})), json!({"points": 3, "lines": {"minimum_quantity": 5}}), true),
            (stop(json!({"points": 1, "per_units": 5})), json!({"points": 3, "lines": {"minimum_quantity": 4}}), false),
            // What asks for less of the same is met.
            (stop(from("10.00")), from("10.01"), true),
            (stop(from("10.00")), from("9.99"), false),
            (stop(from("10.00")), json!({"points": 1, "when": {"minimum_total": "10.00", "minimum_units": 2}}), true),
            (stop(json!({"points": 1, "when": {"minimum_units": 3}})), from("10.00"), false),
            (
                stop(json!({"points": 1, "when": {"from": "2030-05-01", "until": "2030-07-31"}})),
                json!({"points": 1, "when": {"from": "2030-06-01", "until": "2030-06-30"}}),
                true,
            ),
            (
                stop(json!({"points": 1, "when": {"from": "2030-06-01"}})),
                json!({"points": 1, "when": {"from": "2030-05-01"}}),
                false,
            ),
        ] {
            let expected: &[&str] = if leaves_none { &["[2] never_fires"] } else { &[] };
            assert_eq!(told(&[one.clone(), other.clone()], ["1", "2"]), expected, "{one} {other}");
        }
    }

    #[test]
    fn a_multiplier_counts_lines_that_points_per_amount_are_given_for() {
        let brands = |names: &[&str]| json!({"brands": {"include": names}});
        let not = |field: &str, name: &str| json!({field: {"exclude": [name]}});
        let of = |field: &str, names: &[&str]| json!({field: {"include": names}});
        for (base, multiplied, is_apart) in [
            (brands(&["a"]), brands(&["b"]), true),
            (brands(&["a"]), brands(&["a", "b"]), false),
            (brands(&["a"]), json!({}), false),
            (brands(&["a"]), not("brands", "a"), true),
            (not("brands", "a"), brands(&["a"]), true),
            (not("brands", "a"), not("brands", "b"), false),
            (not("brands", "a"), brands(&["a", "b"]), false),
            (brands(&["a"]), of("categories", &["b"]), false),
            (of("categories", &["a"]), of("categories", &["b"]), true),
            (of("skus", &["A"]), of("skus", &["B"]), true),
            // A line has several labels.
            (of("tags", &["a"]), of("tags", &["b"]), false),
            (of("tags", &["a"]), not("tags", "a"), true),
            (of("tags", &["a", "b"]), not("tags", "a"), false),
        ] {
            let mut base = json!({"id": "base", "name": "Base", "points": 1, "per": "1", "lines": base});
            let multiplier = json!({"id": "more", "name": "More", "multiplier": "2", "lines": multiplied});
            assert_eq!(apart(&base, &multiplier), is_apart, "{base} {multiplier}");
            base["lines"] = json!({});
            assert!(!apart(&base, &multiplier), "{base} {multiplier}");
        }
    }

    /// Whether the multiplier is refused where these are all rules.
    fn apart(base: &Value, multiplier: &Value) -> bool {
        let document = sample::with("earning_rules", &json!([base, multiplier]));
        let told = Program::from_new(&document, &ProgramName::parse("p").unwrap()).err();
        let told = told.iter().flat_map(|faults| faults.listed());
        let found: Vec<_> = told.map(|fault| format!("{} {}", fault.path, fault.code)).collect();
        assert!(found.is_empty() || found == ["$.earning_rules[1].multiplier never_fires"], "{found:?}");
        !found.is_empty()
    }
}
