use super::*;
use crate::money::Overflow;

type Row = (Value, &'static [(&'static str, u64, &'static str)], Result<i64, Condition>);

/// What one rule gives a member for lines of SKU, units and amount.
fn rows() -> Vec<Row> {
    vec![
        (json!({"points": 1, "per": "1"}), &[("TEA", 1, "100.79")], Ok(100)),
        (json!({"points": 1, "per": "1"}), &[("TEA", 1, "0.99")], Err(Condition::LessThanOnePoint)),
        (json!({"points": 3, "per": "7"}), &[("TEA", 1, "10.00")], Ok(4)), // 4.28…
        (json!({"points": 1, "per": "1"}), &[("POST", 1, "9.00")], Err(Condition::NothingEligible)),
        (json!({"points": 1, "per": "1"}), &[("POST", 1, "9.00"), ("TEA", 1, "2.00")], Ok(2)),
        // Rounding.
        (json!({"points": 1, "per": "1", "rounding": "half_up"}), &[("TEA", 1, "1.50")], Ok(2)),
        (json!({"points": 1, "per": "1", "rounding": "half_up"}), &[("TEA", 1, "1.49")], Ok(1)),
        (json!({"points": 1, "per": "1", "rounding": "half_up"}), &[("TEA", 1, "0.50")], Ok(1)),
        (json!({"points": 1, "per": "1"}), &[("TEA", 1, "1.50"), ("CUP", 1, "1.50")], Ok(3)),
        (json!({"points": 1, "per": "1", "rounded_per": "line"}), &[("TEA", 1, "1.50"), ("CUP", 1, "1.50")], Ok(2)),
        (
            json!({"points": 1, "per": "1", "rounded_per": "line", "rounding": "half_up"}),
            &[("TEA", 1, "1.50"), ("CUP", 1, "1.50")],
            Ok(4),
        ),
        // Units: full ones only.
        (json!({"points": 5, "per_units": 12}), &[("TEA", 11, "1.00")], Err(Condition::LessThanOnePoint)),
        (json!({"points": 5, "per_units": 12}), &[("TEA", 12, "1.00")], Ok(5)),
        (json!({"points": 5, "per_units": 12}), &[("TEA", 23, "1.00")], Ok(5)),
        (json!({"points": 5, "per_units": 12}), &[("TEA", 6, "1.00"), ("CUP", 6, "1.00")], Ok(5)),
        (
            json!({"points": 5, "per_units": 12, "rounded_per": "line"}),
            &[("TEA", 6, "1.00"), ("CUP", 30, "1.00")],
            Ok(10),
        ),
        (json!({"points": 2, "per_units": 1}), &[("TEA", 3, "1.00"), ("POST", 9, "1.00")], Ok(6)),
        // What costs nothing is not eligible.
        (json!({"points": 2, "per_units": 1}), &[("TEA", 3, "0.00")], Err(Condition::NothingEligible)),
        // Once per order.
        (json!({"points": 50}), &[("TEA", 3, "1.00"), ("CUP", 3, "1.00")], Ok(50)),
        (json!({"points": 50}), &[("POST", 3, "1.00")], Err(Condition::NothingEligible)),
        (
            json!({"points": 50, "lines": {"skus": {"include": ["CUP"]}}}),
            &[("TEA", 3, "1.00")],
            Err(Condition::NoLineCounts),
        ),
        // Caps.
        (json!({"points": 1, "per": "1", "maximum_points": 100}), &[("TEA", 1, "100.99")], Ok(100)),
        (json!({"points": 1, "per": "1", "maximum_points": 100}), &[("TEA", 1, "101.00")], Ok(100)),
        (json!({"points": 1, "per": "1", "maximum_points": 100}), &[("TEA", 1, "99.99")], Ok(99)),
    ]
}

#[test]
fn each_effect_gives_what_it_says() {
    for (rule_says, lines, expected) in rows() {
        let lines: Vec<_> = lines.iter().map(|(sku, units, amount)| plain(sku, *units, amount)).collect();
        assert_eq!(earned(&json!([rule("r", rule_says.clone())]), &lines), [expected], "{rule_says}: {lines:?}");
    }
}

#[test]
fn the_tiers_multiplier_applies_to_points_per_amount_unless_the_rule_says_otherwise() {
    let lines = [plain("TEA", 10, "10.00")];
    for (says, member, silver) in [
        (json!({"points": 1, "per": "1"}), 10, 12), // 12.5
        (json!({"points": 1, "per": "1", "rounding": "half_up"}), 10, 13),
        (json!({"points": 1, "per": "1", "tier_multiplier": false}), 10, 10),
        (json!({"points": 1, "per_units": 1}), 10, 10),
        (json!({"points": 1, "per_units": 1, "tier_multiplier": true}), 10, 12),
        (json!({"points": 10}), 10, 10),
        (json!({"points": 10, "tier_multiplier": true}), 10, 12),
    ] {
        let program = program(&json!([rule("r", says.clone())]));
        for (tier, points) in [("member", member), ("silver", silver)] {
            assert_eq!(judged(&program, &order(NOON, &lines), &Buyer::of(tier)), [Ok(points)], "{says} {tier}");
        }
        let of_none = judged(&program, &order(NOON, &lines), &Buyer::of("none"));
        let depends = program.earning.rules()[0].tier_multiplier;
        let expected = if depends { Err(Condition::TierEarnsNothing) } else { Ok(10) };
        assert_eq!(of_none, [expected], "{says}");
    }
}

#[test]
fn a_multiplier_adds_to_what_rules_before_it_give_for_its_lines_exactly() {
    let tea = |factor: &str| rule("double", json!({"multiplier": factor, "lines": {"skus": {"include": ["TEA"]}}}));
    let base = rule("base", json!({"points": 1, "per": "1"}));
    let lines = [plain("TEA", 1, "10.60"), plain("CUP", 1, "10.60")];
    // 21.2 of both lines; 10.6 of the tea.
    for (factor, more) in [("2", Ok(10)), ("1.5", Ok(5)), ("3", Ok(21)), ("1.0001", Err(Condition::LessThanOnePoint))] {
        assert_eq!(earned(&json!([base, tea(factor)]), &lines), [Ok(21), more], "{factor}");
    }
    // Fractions of several rules add up before they are rounded.
    let rules = json!([
        rule("a", json!({"points": 1, "per": "7"})),
        rule("b", json!({"points": 1, "per": "3"})),
        rule("x", json!({"multiplier": "3"})),
    ]);
    let missed = Err(Condition::LessThanOnePoint);
    assert_eq!(earned(&rules, &[plain("TEA", 1, "1.60")]), [missed, missed, Err(Condition::NothingToMultiply)]);
    // 4.2/7 = 0.6 is less than a point and does not fire; 4.2/3 = 1.4 does, and is added twice more: 2.8.
    assert_eq!(earned(&rules, &[plain("TEA", 1, "4.20")]), [missed, Ok(1), Ok(2)]);
    // 9.8/7 = 1.4, 9.8/3 = 3.26…: 4.66… twice more are 9.33….
    assert_eq!(earned(&rules, &[plain("TEA", 1, "9.80")]), [Ok(1), Ok(3), Ok(9)]);
    // Neither what it has no lines of, nor what is no points per amount, nor what stands after it.
    let cup = json!({"skus": {"include": ["CUP"]}});
    for (rules, expected) in [
        (
            json!([rule("cup", json!({"points": 1, "per": "1", "lines": cup})), tea("2")]),
            [Ok(10), Err(Condition::NothingToMultiply)],
        ),
        (
            json!([rule("unit", json!({"points": 9, "per_units": 1})), tea("2")]),
            [Ok(18), Err(Condition::NothingToMultiply)],
        ),
        (json!([tea("2"), base]), [Err(Condition::NothingToMultiply), Ok(21)]),
    ] {
        assert_eq!(earned(&rules, &lines), expected, "{rules}");
    }
}

#[test]
fn a_multiplier_takes_the_tiers_multiplier_from_what_it_multiplies_and_no_cap() {
    let rules = json!([
        rule("base", json!({"points": 1, "per": "1", "maximum_points": 5})),
        rule("double", json!({"multiplier": "2"})),
    ]);
    let lines = [plain("TEA", 1, "10.00")];
    for (tier, expected) in [("member", [Ok(5), Ok(10)]), ("silver", [Ok(5), Ok(12)])] {
        assert_eq!(judged(&program(&rules), &order(NOON, &lines), &Buyer::of(tier)), expected, "{tier}");
    }
    let none = judged(&program(&rules), &order(NOON, &lines), &Buyer::of("none"));
    assert_eq!(none, [Err(Condition::TierEarnsNothing), Err(Condition::NothingToMultiply)]);
}

#[test]
fn a_multiplier_rounds_once_or_for_each_line() {
    let lines = [plain("TEA", 1, "1.60"), plain("CUP", 1, "1.60"), plain("POT", 1, "1.60")];
    let base = rule("base", json!({"points": 1, "per": "1"}));
    for (says, more) in [
        (json!({"multiplier": "2"}), 4), // 4.8
        (json!({"multiplier": "2", "rounding": "half_up"}), 5),
        (json!({"multiplier": "2", "rounded_per": "line"}), 3),
        (json!({"multiplier": "2", "rounded_per": "line", "rounding": "half_up"}), 6),
    ] {
        assert_eq!(earned(&json!([base, rule("x", says.clone())]), &lines), [Ok(4), Ok(more)], "{says}");
    }
}

#[test]
fn what_does_not_fit_is_an_overflow() {
    let most = "92233720368547758.07";
    for (rules, fits) in [
        (json!([rule("r", json!({"points": 1, "per": "0.01"}))]), true),
        (json!([rule("r", json!({"points": 2, "per": "0.01"}))]), false),
        (json!([rule("r", json!({"points": 1, "per": "0.01"})), rule("x", json!({"multiplier": "1.5"}))]), false),
        (json!([rule("r", json!({"points": 1, "per": "0.02"})), rule("x", json!({"multiplier": "2"}))]), true),
        (json!([rule("r", json!({"points": 1_000_000, "per": "0.01", "maximum_points": 1}))]), false),
    ] {
        let program = program(&rules);
        let order = order(NOON, &[plain("TEA", 1, most)]);
        let basket = Basket::whole(&program, &order).unwrap();
        let score = score(&program, Vec::new());
        let points = super::super::points(&program, &basket, &Known::Scored(&score));
        assert_eq!(points.is_ok(), fits, "{rules}: {points:?}");
        assert!(fits || points == Err(Overflow));
    }
}

#[test]
fn lines_count_by_what_they_are() {
    let tagged = |tags: &[&str]| line("TEA", 2, "5.00", json!({"category": "drinks", "brand": "Leaf", "tags": tags}));
    let bare = plain("CUP", 12, "3.00");
    let lines = [tagged(&["new", "green"]), tagged(&[]), bare];
    for (filter, points) in [
        (json!({}), Ok(13)),
        (json!({"skus": {"include": ["TEA"]}}), Ok(10)),
        (json!({"skus": {"exclude": ["TEA"]}}), Ok(3)),
        (json!({"skus": {"include": ["TEA", "CUP"], "exclude": ["POT"]}}), Ok(13)),
        (json!({"skus": {"include": ["tea"]}}), Err(Condition::NoLineCounts)),
        (json!({"categories": {"include": ["drinks"]}}), Ok(10)),
        (json!({"categories": {"exclude": ["drinks"]}}), Ok(3)), // what has none is not excluded
        (json!({"brands": {"include": ["Leaf", "Pot"]}}), Ok(10)),
        (json!({"brands": {"exclude": ["Pot"]}}), Ok(13)),
        (json!({"tags": {"include": ["new", "old"]}}), Ok(5)),
        (json!({"tags": {"exclude": ["green"]}}), Ok(8)),
        (json!({"tags": {"include": ["new"], "exclude": ["green"]}}), Err(Condition::NoLineCounts)),
        (json!({"minimum_quantity": 12}), Ok(3)),
        (json!({"minimum_quantity": 13}), Err(Condition::NoLineCounts)),
        (json!({"minimum_quantity": 2}), Ok(13)),
        (json!({"skus": {"include": ["TEA"]}, "tags": {"include": ["new"]}}), Ok(5)),
        (json!({"skus": {"include": ["CUP"]}, "tags": {"include": ["new"]}}), Err(Condition::NoLineCounts)),
    ] {
        let rules = json!([rule("r", json!({"points": 1, "per": "1", "lines": filter}))]);
        assert_eq!(earned(&rules, &lines), [points], "{filter}");
    }
}
