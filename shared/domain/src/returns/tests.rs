#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
use super::*;
use crate::earning::looked_through;
use crate::id::{Sku, TierId};
use crate::money::{Measure, UnitPrice};
use crate::order::Order;
use crate::program::sample;
use crate::score::Score;
use proptest::prelude::*;
use serde_json::json;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fewer_units_never_come_to_more(
        quantity in 1_u64..60, millionths in 0_i64..90_000, stated in any::<bool>(), share in 0_i64..=100,
    ) {
        let price = if stated { LinePrice::Amount(Minor(millionths / 1_000)) } else {
            LinePrice::UnitPrice(UnitPrice(millionths))
        };
        let mut line = OrderLine {
            line_id: LineId::parse("1").unwrap(), sku: Sku::parse("MUG").unwrap(), quantity, price,
            discount: Minor::ZERO, program_discount: Minor::ZERO, paid_with_points: Minor::ZERO, tax: None, category: None, brand: None, tags: Vec::new(),
        };
        line.discount = Minor(line.amount(Currency::GBP).unwrap().0 * share / 100);
        let kept: Vec<_> = (0..=quantity).map(|kept| kept_amount(&line, kept, Currency::GBP).unwrap()).collect();
        prop_assert!(kept.is_sorted(), "{line:?}: {kept:?}");
        prop_assert_eq!(kept.last().copied(), line.amount(Currency::GBP).ok());
    }
}

/// An order of so many lines, one unit of each of the first of which came back, one after the other.
fn returned_line_by_line(lines: usize, returns: usize) -> ScoredOrder {
    let line = |number: usize| json!({"line_id": number.to_string(), "sku": "MUG", "quantity": 2, "amount": "2.00"});
    let order = Order::from_json(&json!({
        "source": "shop", "order_id": "1", "account_id": "acme", "placed_at": "2030-05-01T12:00:00Z", "currency": "GBP",
        "lines": (0..lines).map(line).collect::<Vec<_>>(),
    }));
    let (at, member) = (Instant::parse("2030-05-01T12:00:00Z").unwrap(), TierId::parse("member").unwrap());
    let score = Score {
        program_version: 1,
        decided_at: at,
        entry: 1,
        tier: member.clone(),
        tier_after: member,
        raise: None,
        qualifying: Measure::ZERO,
        beyond_kept_months: false,
        eligible: Minor::ZERO,
        points: Points::ZERO,
        available_at: None,
        expires_at: Instant::MAX,
        balance: Points::ZERO,
        granted: Vec::new(),
        gifts: Vec::new(),
        outcomes: Vec::new(),
        issued: Vec::new(),
        taken_off: Vec::new(),
        qualified_referral: false,
    };
    let returned = |number: usize| Returned {
        key: ReturnKey::Return(ReturnId::parse(&number.to_string()).unwrap()),
        content_hash: [0; 32],
        decided_at: at,
        entry: 1,
        lines: vec![(LineId::parse(&number.to_string()).unwrap(), 1)],
        units: 1,
        excess_units: 0,
        eligible: Minor(100),
        reversal: Reversal::default(),
        came_back: crate::uses::CameBack::default(),
        balance: Points::ZERO,
    };
    let history = History { returns: (0..returns).map(returned).collect(), ..History::start(Points::ZERO) };
    ScoredOrder { order: Arc::new(order.unwrap()), content_hash: [0; 32], version: 1, score, history }
}

#[test]
fn the_lists_of_the_rules_are_looked_through_once_however_many_returns_an_order_has() {
    let (lines, returns) = (400, RETURNS_MAX.min(400));
    let others: Vec<_> = (0..500).map(|number| format!("OTHER-{number}")).collect();
    let mut rules = vec![json!({
        "id": "many", "name": "Stops", "points": 1, "when": {"minimum_units": 700}, "stop": true,
        "lines": {"skus": {"exclude": others}},
    })];
    rules.extend((1..50).map(|number| {
        json!({"id": format!("r{number}"), "name": "Units", "points": 1, "per_units": 1,
               "lines": {"skus": {"exclude": others}}})
    }));
    let program = Program::from_json(&sample::with("earning_rules", &json!(rules))).unwrap();
    let scored = returned_line_by_line(lines, returns);
    let before = looked_through();
    // As long as 700 of the 800 units are kept, one rule gives a point and stops the 49 others.
    assert_eq!(due(&scored, &program), Ok(Points(1)));
    assert_eq!(looked_through() - before, 50 * u64::try_from(lines).unwrap());
}
