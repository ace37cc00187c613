use super::*;
use serde_json::Map;

fn when(field: &str, says: Value) -> Program {
    let mut conditions = Map::new();
    conditions.insert(field.to_owned(), says);
    program(&json!([rule("r", json!({"points": 7, "when": conditions}))]))
}

fn holds(program: &Program, order: &Order, buyer: &Buyer, condition: Condition) -> bool {
    let judged = judged(program, order, buyer);
    let holds = judged == [Ok(7)];
    assert!(holds || judged == [Err(condition)], "{judged:?}");
    holds
}

fn at(placed_at: &str) -> Order {
    order(placed_at, &[plain("TEA", 3, "10.00"), plain("POST", 9, "90.00")])
}

#[test]
fn an_order_is_large_enough_by_its_eligible_lines() {
    for (field, condition, says, expected) in [
        ("minimum_total", Condition::MinimumTotal, json!("10.00"), true),
        ("minimum_total", Condition::MinimumTotal, json!("10.01"), false),
        ("minimum_units", Condition::MinimumUnits, json!(3), true),
        ("minimum_units", Condition::MinimumUnits, json!(4), false),
    ] {
        let program = when(field, says.clone());
        assert_eq!(holds(&program, &at(NOON), &Buyer::of("member"), condition), expected, "{field} {says}");
    }
}

#[test]
fn a_channel_is_included_or_not_excluded() {
    for (says, expected) in [
        (json!({"include": ["shop", "erp"]}), true),
        (json!({"include": ["erp"]}), false),
        (json!({"exclude": ["erp"]}), true),
        (json!({"exclude": ["shop"]}), false),
    ] {
        let program = when("sources", says.clone());
        assert_eq!(holds(&program, &at(NOON), &Buyer::of("member"), Condition::Sources), expected, "{says}");
    }
}

#[test]
fn segments_and_tiers_are_those_before_the_order() {
    let segments = |names: &[&str]| Buyer {
        segments: names.iter().map(|name| Segment::parse(name).unwrap()).collect(),
        ..Buyer::of("silver")
    };
    for (says, held, expected) in [
        (json!({"include": ["vip"]}), &["eu", "vip"][..], true),
        (json!({"include": ["vip"]}), &["eu"], false),
        (json!({"include": ["vip"]}), &[], false),
        (json!({"exclude": ["vip"]}), &[], true),
        (json!({"exclude": ["vip"]}), &["eu", "vip"], false),
        (json!({"include": ["eu"], "exclude": ["vip"]}), &["eu", "vip"], false),
    ] {
        let program = when("segments", says.clone());
        assert_eq!(holds(&program, &at(NOON), &segments(held), Condition::Segments), expected, "{says} {held:?}");
    }
    for (says, expected) in [
        (json!({"include": ["silver"]}), true),
        (json!({"include": ["member"]}), false),
        (json!({"exclude": ["silver"]}), false),
        (json!({"exclude": ["member"]}), true),
    ] {
        let program = when("tiers", says.clone());
        assert_eq!(holds(&program, &at(NOON), &Buyer::of("silver"), Condition::TierHeld), expected, "{says}");
    }
}

#[test]
fn weekdays_are_those_of_the_programs_zone() {
    // 2011-03-01 is a Tuesday. In summer London is an hour ahead: 23:00 UTC is the next day there.
    for (placed_at, day) in [
        ("2011-03-01T00:00:00Z", "tuesday"),
        ("2011-02-28T23:59:59.999Z", "monday"),
        ("2011-03-01T23:59:59.999Z", "tuesday"),
        ("2011-06-05T22:59:59Z", "sunday"),
        ("2011-06-05T23:00:00Z", "monday"),
        ("2011-03-27T00:59:59Z", "sunday"), // clocks go forward at 01:00
        ("2011-03-27T22:59:59Z", "sunday"),
        ("2011-03-27T23:00:00Z", "monday"),
        ("2011-10-30T23:59:59Z", "sunday"), // clocks have gone back
        ("2012-02-29T12:00:00Z", "wednesday"),
    ] {
        let others = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let others: Vec<_> = others.into_iter().filter(|other| *other != day).collect();
        for (days, expected) in [(vec![day], true), (others, false)] {
            let program = when("weekdays", json!(days));
            let holds = holds(&program, &at(placed_at), &Buyer::of("member"), Condition::Weekdays);
            assert_eq!(holds, expected, "{placed_at} {days:?}");
        }
    }
}

#[test]
fn hours_are_those_of_the_wall_clock_and_may_pass_midnight() {
    for (from, until, placed_at, expected) in [
        ("09:00", "17:30", "2011-03-01T09:00:00Z", true),
        ("09:00", "17:30", "2011-03-01T08:59:59.999Z", false),
        ("09:00", "17:30", "2011-03-01T17:29:59.999Z", true),
        ("09:00", "17:30", "2011-03-01T17:30:00Z", false),
        ("09:00", "17:30", "2011-06-01T08:00:00Z", true), // 09:00 in summer
        ("09:00", "17:30", "2011-06-01T16:30:00Z", false),
        ("22:00", "06:00", "2011-03-01T22:00:00Z", true),
        ("22:00", "06:00", "2011-03-01T05:59:59Z", true),
        ("22:00", "06:00", "2011-03-01T06:00:00Z", false),
        ("22:00", "06:00", "2011-03-01T21:59:59Z", false),
        ("18:00", "24:00", "2011-03-01T23:59:59.999Z", true),
        ("18:00", "24:00", "2011-03-02T00:00:00Z", false),
        ("00:00", "01:00", "2011-03-02T00:00:00Z", true),
        // The hour from 01:00 is left out in March, and comes twice in October.
        ("01:00", "02:00", "2011-03-27T00:59:59Z", false),
        ("01:00", "02:00", "2011-03-27T01:00:00Z", false),
        ("02:00", "03:00", "2011-03-27T01:00:00Z", true),
        ("01:00", "02:00", "2011-10-30T00:30:00Z", true),
        ("01:00", "02:00", "2011-10-30T01:30:00Z", true),
        ("01:00", "02:00", "2011-10-30T02:00:00Z", false),
    ] {
        let program = when("hours", json!({"from": from, "until": until}));
        let holds = holds(&program, &at(placed_at), &Buyer::of("member"), Condition::Hours);
        assert_eq!(holds, expected, "{from}-{until} at {placed_at}");
    }
}

#[test]
fn a_rule_is_valid_from_the_first_instant_to_before_the_last() {
    for (field, says, placed_at, expected) in [
        ("from", "2011-06-01T12:00:00+02:00", "2011-06-01T10:00:00Z", true),
        ("from", "2011-06-01T12:00:00+02:00", "2011-06-01T09:59:59.999Z", false),
        ("from", "2011-06-01", "2011-05-31T23:00:00Z", true), // midnight in London
        ("from", "2011-06-01", "2011-05-31T22:59:59.999Z", false),
        ("until", "2011-06-01T10:00:00Z", "2011-06-01T09:59:59.999Z", true),
        ("until", "2011-06-01T10:00:00Z", "2011-06-01T10:00:00Z", false),
        // A day is valid to its end.
        ("until", "2011-06-30", "2011-06-30T22:59:59.999Z", true),
        ("until", "2011-06-30", "2011-06-30T23:00:00Z", false),
        ("until", "2012-02-29", "2012-02-29T23:59:59.999Z", true),
        ("until", "2012-02-29", "2012-03-01T00:00:00Z", false),
    ] {
        let condition = if field == "from" { Condition::From } else { Condition::Until };
        let program = when(field, json!(says));
        let holds = holds(&program, &at(placed_at), &Buyer::of("member"), condition);
        assert_eq!(holds, expected, "{field} {says} at {placed_at}");
    }
}

#[test]
fn orders_are_counted_as_they_became_known() {
    let buyer = |orders| Buyer { orders, ..Buyer::of("member") };
    for (says, orders, expected) in
        [(json!(true), 0, true), (json!(true), 1, false), (json!(false), 0, false), (json!(false), 1, true)]
    {
        let program = when("first_order", says.clone());
        let holds = holds(&program, &at(NOON), &buyer(orders), Condition::FirstOrder);
        assert_eq!(holds, expected, "{says} after {orders}");
    }
    for (says, orders, expected) in [
        (json!(1), 0, true),
        (json!(3), 2, true),
        (json!(3), 1, false),
        (json!(3), 3, false),
        (json!({"every": 5}), 0, false),
        (json!({"every": 5}), 3, false),
        (json!({"every": 5}), 4, true),
        (json!({"every": 5}), 5, false),
        (json!({"every": 5}), 9, true),
    ] {
        let program = when("order_number", says.clone());
        let holds = holds(&program, &at(NOON), &buyer(orders), Condition::OrderNumber);
        assert_eq!(holds, expected, "{says} after {orders}");
    }
}

#[test]
fn a_window_is_of_whole_months_the_orders_own_included() {
    let buyer = || {
        let history = [("2010-03", 900), ("2010-12", 100), ("2011-01", 1_000), ("2011-03", 50), ("2011-04", 10_000)];
        history.into_iter().fold(Buyer::of("member"), |buyer, (month, pence)| buyer.ordered(month, pence))
    };
    for (placed_at, months, orders, pence) in [
        (NOON, 1, 1, 50),
        ("2011-03-31T22:59:59.999Z", 1, 1, 50),
        ("2011-03-31T23:00:00Z", 1, 1, 10_000),
        (NOON, 2, 1, 50),
        (NOON, 3, 2, 1_050),
        (NOON, 4, 3, 1_150),
        (NOON, 12, 3, 1_150),
        (NOON, 13, 4, 2_050),
        (NOON, 24, 4, 2_050),
        ("2010-12-15T12:00:00Z", 24, 2, 1_000),
        ("2010-02-15T12:00:00Z", 24, 0, 0),
    ] {
        let order = at(placed_at);
        for (more, expected) in [(0, true), (1, false)] {
            if orders + more > 0 {
                let program = when("orders_at_least", json!({"orders": orders + more, "months": months}));
                let holds = holds(&program, &order, &buyer(), Condition::OrdersAtLeast);
                assert_eq!(holds, expected, "{orders} + {more} in {months} months at {placed_at}");
            }
            let pounds = crate::money::format_decimal(pence + more, 2);
            if pence + more > 0 {
                let program = when("spend_at_least", json!({"amount": pounds, "months": months}));
                let holds = holds(&program, &order, &buyer(), Condition::SpendAtLeast);
                assert_eq!(holds, expected, "{pounds} in {months} months at {placed_at}");
            }
        }
    }
}

#[test]
fn the_first_condition_that_fails_is_told_the_accounts_first() {
    let rules = json!([rule(
        "r",
        json!({"points": 1, "when": {
            "minimum_total": "99", "sources": {"include": ["erp"]}, "first_order": false, "segments": {"include": ["vip"]},
        }})
    )]);
    let program = program(&rules);
    let mut buyer = Buyer::of("member");
    let told = |buyer: &Buyer, order: &Order| judged(&program, order, buyer)[0];
    assert_eq!(told(&buyer, &at(NOON)), Err(Condition::Segments));
    buyer.segments = vec![Segment::parse("vip").unwrap()];
    assert_eq!(told(&buyer, &at(NOON)), Err(Condition::FirstOrder));
    buyer.orders = 1;
    assert_eq!(told(&buyer, &at(NOON)), Err(Condition::Sources));
    assert_eq!(told(&buyer, &order(NOON, &[plain("POST", 1, "5.00")])), Err(Condition::NothingEligible));
    let mut of_erp = at(NOON);
    of_erp.key.source = crate::id::Source::parse("erp").unwrap();
    assert_eq!(told(&buyer, &of_erp), Err(Condition::MinimumTotal));
}
