//! Points that end with inactivity, or never: the same invariants, and what is left is what it must be.

use super::*;
use domain::money::Points;
use serde_json::Value;

/// The program with points that last otherwise.
fn lasting(pending_days: u16, expiry: &Value) -> Program {
    let mut document = document(pending_days, 12);
    document["points"].as_object_mut().unwrap().remove("validity_months");
    document["points"]["expiry"] = expiry.clone();
    Program::from_json(&document).unwrap()
}

fn expiry() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => (1_u16..30).prop_map(|months| json!({ "kind": "inactivity", "months": months })),
        1 => Just(json!({ "kind": "never" })),
    ]
}

/// The program, and versions that take over from it after so many hours, each with points that last otherwise.
fn changing(pending_days: u16, first: &Value, later: &[(i64, Value)]) -> Schedule {
    let start = Instant::parse(START).unwrap();
    let activation = |from, version, expiry| {
        let program = Arc::new(lasting(pending_days, expiry));
        Activation { from, version, program }
    };
    let mut activations = vec![activation(Instant::MIN, 1, first)];
    let mut from = start;
    for ((hours, expiry), version) in later.iter().zip(2..) {
        from = from.plus_ms(hours * HOUR_MS);
        activations.push(activation(from, version, expiry));
    }
    Schedule::new(activations).unwrap()
}

fn any_expiry() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => (1_u16..30).prop_map(|months| json!({ "kind": "fixed", "months": months })),
        2 => expiry(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_balances_however_long_points_last(
        steps in prop::collection::vec(step(), 1..25),
        pending_days in prop_oneof![Just(0_u16), 1_u16..28],
        expiry in expiry(),
    ) {
        run(&steps, lasting(pending_days, &expiry));
    }

    #[test]
    fn the_ledger_balances_when_versions_change_how_long_points_last(
        steps in prop::collection::vec(step(), 1..25),
        pending_days in prop_oneof![Just(0_u16), 1_u16..28],
        first in any_expiry(),
        later in prop::collection::vec((1_i64..24 * 300, any_expiry()), 1..4),
    ) {
        let schedule = changing(pending_days, &first, &later);
        let world = run_walked(None, &steps, &schedule, Walks::InTime);
        prop_assert_eq!(run_walked(None, &steps, &schedule, Walks::InTime), world, "invariant 7");
    }

    #[test]
    fn time_passes_the_same_in_one_step_or_in_two_however_long_points_last(
        steps in prop::collection::vec(step(), 1..15),
        expiry in expiry(),
        first in 0_i64..24 * 500,
        second in 0_i64..24 * 500,
    ) {
        let schedule = schedule(lasting(14, &expiry));
        let account = run(&steps, lasting(14, &expiry)).account.unwrap();
        let middle = account.last_decided.plus_ms(first * HOUR_MS);
        let end = middle.plus_ms(second * HOUR_MS);
        let (at_once, _) = advance(&schedule, &account, end).unwrap();
        let (half, _) = advance(&schedule, &account, middle).unwrap();
        prop_assert_eq!(at_once, advance(&schedule, &half, end).unwrap().0);
        if let Some(next) = account.next_change(&schedule, account.last_decided).unwrap() {
            prop_assert!(account.due.is_some_and(|due| due.at <= next), "it is filed in time");
            let (before, changes) = advance(&schedule, &account, next.plus_ms(-1)).unwrap();
            prop_assert_eq!((before, changes), (account.clone(), vec![]));
            prop_assert!(!advance(&schedule, &account, next).unwrap().1.is_empty());
        }
    }

    /// Orders in time, counted again from their days and points alone.
    #[test]
    fn points_end_once_nothing_was_ordered_for_so_long_and_not_before(
        steps in prop::collection::vec(step(), 1..20),
        months in 1_u16..14,
        walks in prop_oneof![Just(Walks::Never), Just(Walks::InTime)],
    ) {
        let plain = |step: Step| Step {
            late_hours: 0, code: None, repeat: None, undo: None, amend: None, credit: None, pay: None, ..step
        };
        let steps: Vec<_> = steps.into_iter().map(plain).collect();
        let schedule = schedule(lasting(0, &json!({ "kind": "inactivity", "months": months })));
        let world = run_walked(None, &steps, &schedule, walks);
        let calendar = &schedule.version(1).unwrap().program.calendar;
        let (mut left, mut expired, mut ends) = (0, 0, Instant::MIN);
        let mut orders: Vec<_> = world.orders.values().collect();
        orders.sort_by_key(|scored| scored.score.entry);
        for scored in orders {
            if ends <= scored.order.placed_at {
                (left, expired) = (0, expired + left);
            }
            left += scored.score.points.0;
            ends = calendar.end_of_month_after(scored.order.placed_at, months);
            prop_assert_eq!(scored.score.expires_at, ends);
        }
        let account = world.account.unwrap();
        prop_assert_eq!((account.points().unwrap(), account.lifetime.expired), (Points(left), Points(expired)));
        let (before, _) = advance(&schedule, &account, ends.plus_ms(-1)).unwrap();
        let (at_end, _) = advance(&schedule, &account, ends).unwrap();
        prop_assert_eq!((before.points().unwrap().0, at_end.points().unwrap().0), (left, 0));
    }
}
