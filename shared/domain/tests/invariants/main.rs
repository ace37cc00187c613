//! The invariants of the ledger (README, "Invariants") over random histories, on plain values.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use domain::account::Account;
use domain::activity::MONTHS_KEPT;
use domain::advance::advance;
use domain::code::{DiscountCode, Secrets};
use domain::decision::{Context, Guard, Record, Rejection, Write};
use domain::discount::{Discount, OPEN_DISCOUNTS_MAX};
use domain::id::{AccountId, OrderKey, TierId};
use domain::ledger::{Change, Entry};
use domain::money::{Currency, Minor, Money, Points};
use domain::opening::{self, Opening, OpeningLot, PastTotals};
use domain::order::Order;
use domain::program::{Program, Shortfall};
use domain::returns::{self, CancellationDocument, Reversal, Reversing, Tally, return_document};
use domain::schedule::{Activation, Schedule};
use domain::score::{self, ScoredOrder};
use domain::time::{Day, Instant};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const HOUR_MS: i64 = 3_600_000;
const START: &str = "2010-12-01T08:00:00Z";

fn program(pending_days: u16, validity_months: u16) -> Program {
    Program::from_json(&json!({
        "name": "property",
        "currency": "GBP",
        "time_zone": "Europe/London",
        "enrolment": { "unknown_account": "enrol" },
        "eligibility": { "excluded_skus": ["POST"] },
        "earning_rules": [
            { "id": "base", "name": "Base", "points": 1, "per": "1.00" },
            { "id": "extra", "name": "Extra", "points": 3, "per": "7.00" },
        ],
        "points": {
            "validity_months": validity_months, "pending_days": pending_days,
            "shortfall": if pending_days.is_multiple_of(2) { "owe" } else { "write_off" },
        },
        "tiers": { "window_months": 12, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "0.5" },
            { "id": "silver", "name": "Silver", "threshold": "300", "multiplier": "1.25" },
            { "id": "gold", "name": "Gold", "threshold": "2000", "multiplier": "2" },
        ]},
        "discounts": [{
            "id": "next", "name": "Next", "kind": "next_purchase",
            "minimum_total": "200", "percent": "5", "validity_days": 30,
        }],
    }))
    .unwrap()
}

/// Runs a history and checks after every commit what must hold then.
fn run(steps: &[Step], program: Program) -> World {
    run_opened(None, steps, program)
}

/// The same with an opening balance first.
fn run_opened(brought: Option<(&BTreeMap<i32, i64>, i64)>, steps: &[Step], program: Program) -> World {
    let secrets = Secrets::parse("1:a secret for properties").unwrap();
    let schedule =
        Schedule::new(vec![Activation { from: Instant::MIN, version: 1, program: Arc::new(program) }]).unwrap();
    let mut world = World::new();
    let mut sent: Vec<(Order, Result<Arc<ScoredOrder>, Rejection>)> = Vec::new();
    let mut clock = Instant::parse(START).unwrap();
    if let Some((lots, debt)) = brought {
        let (now, wall_day) = (clock, clock.utc_day());
        let context = Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day, collisions: 0 };
        open(&mut world, lots, debt, &context);
    }
    for (number, step) in steps.iter().enumerate() {
        clock = clock.plus_ms(step.hours * HOUR_MS);
        let now = world.account.as_ref().map_or(clock, |account| account.last_decided.max(clock));
        let context =
            Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        if let Some(earlier) = step.repeat.and_then(|n| sent.get(n % sent.len().max(1))) {
            let before = world.clone();
            let (order, first) = earlier.clone();
            let again = world.place(&order, &context);
            if first.is_ok() {
                let answer = |placed: Result<Arc<ScoredOrder>, _>| placed.map(|scored| scored.score.clone());
                assert_eq!(answer(again), answer(first), "a repeat gets the first answer");
                assert_eq!(world, before, "a repeat writes nothing");
            }
            check(&world);
            continue;
        }
        if let Some(undo) = step.undo.filter(|_| !world.orders.is_empty()) {
            world.undo(number, undo, &context);
            check(&world);
            continue;
        }
        let codes: Vec<_> = world.discounts.keys().cloned().collect();
        let code = step.code.filter(|_| !codes.is_empty()).map(|n| codes[n % codes.len()].clone());
        let usable = code.as_ref().map(|code| world.discounts[code].check(now).is_ok());
        let order = order(number, step, clock.plus_ms(-step.late_hours * HOUR_MS), code.as_ref());
        let answer = world.place(&order, &context);
        assert_eq!(answer.is_ok(), usable.unwrap_or(true), "refused exactly where the code cannot be used: {answer:?}");
        sent.push((order, answer));
        check(&world);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_balances_after_every_commit(
        steps in prop::collection::vec(step(), 1..30),
        pending_days in prop_oneof![Just(0_u16), 1_u16..31],
        validity_months in 2_u16..30,
    ) {
        run(&steps, program(pending_days, validity_months));
    }

    #[test]
    fn the_ledger_balances_after_an_opening_too(
        steps in prop::collection::vec(step(), 1..20),
        lots in prop::collection::btree_map(-60_i32..1_500, 0_i64..5_000, 0..12),
        debt in prop_oneof![Just(0_i64), 1_i64..2_000],
        pending_days in 0_u16..31,
    ) {
        let world = run_opened(Some((&lots, debt)), &steps, program(pending_days, 3));
        let account = world.account.unwrap();
        prop_assert_ne!(account.tier.as_str(), "member", "an order never lowers the tier that was opened");
        let first = world.orders.values().find(|scored| scored.score.entry == 2);
        prop_assert!(first.is_none_or(|scored| scored.score.tier.as_str() == "silver"));
    }

    #[test]
    fn replaying_a_history_gives_the_same_bytes(steps in prop::collection::vec(step(), 1..15)) {
        prop_assert_eq!(run(&steps, program(14, 3)), run(&steps, program(14, 3)));
    }

    #[test]
    fn time_passes_the_same_in_one_step_or_in_two(
        steps in prop::collection::vec(step(), 1..15),
        first in 0_i64..24 * 500,
        second in 0_i64..24 * 500,
    ) {
        let account = run(&steps, program(14, 3)).account.unwrap();
        let middle = account.last_decided.plus_ms(first * HOUR_MS);
        let end = middle.plus_ms(second * HOUR_MS);
        let (at_once, _) = advance(&account, end).unwrap();
        let (half, _) = advance(&account, middle).unwrap();
        let (in_two, _) = advance(&half, end).unwrap();
        prop_assert_eq!(at_once, in_two);
    }

    #[test]
    fn nothing_happens_before_the_next_change(steps in prop::collection::vec(step(), 1..15)) {
        let account = run(&steps, program(14, 3)).account.unwrap();
        if let Some(next) = account.next_change() {
            prop_assert!(account.due.is_some_and(|due| due.at <= next), "it is filed in time");
            let (before, changes) = advance(&account, next.plus_ms(-1)).unwrap();
            prop_assert!(changes.is_empty());
            prop_assert_eq!(before, account.clone());
            prop_assert!(!advance(&account, next).unwrap().1.is_empty());
        }
    }

    #[test]
    fn one_more_unit_never_earns_fewer_points(step in step(), line in 0_usize..6) {
        let points = |step: &Step| {
            let mut plain = step.clone();
            (plain.code, plain.repeat, plain.late_hours, plain.undo) = (None, None, 0, None);
            run(&[plain], program(0, 12)).orders.values().next().unwrap().score.points
        };
        let mut more = step.clone();
        let place = line % more.lines.len();
        more.lines[place].0 += 1;
        prop_assert!(points(&more) >= points(&step));
    }
}
