//! The invariants of the ledger (README, "Invariants") over random histories, on plain values.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod check;
mod checkout;
mod credit;
mod earning;
mod expiry;
mod gifts;
mod limits;
mod members;
mod network;
mod payments;
mod redemptions;
mod referrals;
mod reports;
mod shared_codes;
mod sharing;
mod simulated;
mod tiers;
mod walks;
mod world;

use check::check;
use domain::account::Account;
use domain::advance::advance;
use domain::code::Secrets;
use domain::decision::{Context, Rejection};
use domain::id::{LineId, OrderKey};
use domain::order::Order;
use domain::program::Program;
use domain::schedule::{Activation, Schedule};
use domain::score::ScoredOrder;
use domain::time::Instant;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use walks::Walks;
use world::{Step, World, open, order, step};

const HOUR_MS: i64 = 3_600_000;
const START: &str = "2010-12-01T08:00:00Z";

fn program(pending_days: u16, validity_months: u16) -> Program {
    Program::from_json(&document(pending_days, validity_months)).unwrap()
}

fn document(pending_days: u16, validity_months: u16) -> serde_json::Value {
    let shortfall = ["owe", "write_off", "owe_pending"][usize::from(pending_days % 3)];
    json!({
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
            "pending_until": (pending_days % 4 == 3).then_some("paid"),
            "shortfall": shortfall,
        },
        "tiers": { "window_months": 12, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "0.5" },
            { "id": "silver", "name": "Silver", "threshold": "300", "multiplier": "1.25" },
            { "id": "gold", "name": "Gold", "threshold": "2000", "multiplier": "2" },
            { "id": "platinum", "name": "Platinum", "threshold": "8000", "multiplier": "3" },
        ]},
        "discounts": [{
            "id": "next", "name": "Next", "kind": "next_purchase",
            "minimum_total": "200", "percent": "5", "validity_days": 30,
        }],
    })
}

fn secrets() -> Secrets {
    Secrets::parse("1:a secret for properties").unwrap()
}

fn schedule(program: Program) -> Schedule {
    Schedule::new(vec![Activation { from: Instant::MIN, version: 1, program: Arc::new(program) }]).unwrap()
}

/// Runs a history and checks after every commit what must hold then.
fn run(steps: &[Step], program: Program) -> World {
    run_opened(None, steps, program)
}

/// The same with an opening balance first.
fn run_opened(brought: Option<(&BTreeMap<i32, i64>, i64)>, steps: &[Step], program: Program) -> World {
    run_walked(brought, steps, &schedule(program), Walks::Never)
}

/// The same with or without the walks over what falls due meanwhile. Versions differ in nothing that is checked.
fn run_walked(brought: Option<(&BTreeMap<i32, i64>, i64)>, steps: &[Step], schedule: &Schedule, walks: Walks) -> World {
    let secrets = secrets();
    let program = schedule.version(1).unwrap().program.clone();
    let mut world = World::new();
    let mut sent: Vec<(Order, Result<Arc<ScoredOrder>, Rejection>)> = Vec::new();
    let mut clock = Instant::parse(START).unwrap();
    if let Some((lots, debt)) = brought {
        let (now, wall_day) = (clock, clock.utc_day());
        let context = Context { schedule, secrets: &secrets, by: "test", now, wall_day, collisions: 0 };
        open(&mut world, lots, debt, &context);
        check(&world, &program);
    }
    for (number, step) in steps.iter().enumerate() {
        clock = clock.plus_ms(step.hours * HOUR_MS);
        let now = world.account.as_ref().map_or(clock, |account| account.last_decided.max(clock));
        let context = Context { schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        world.walk(&context, &program, walks);
        if let Some(earlier) = step.repeat.and_then(|n| sent.get(n % sent.len().max(1))) {
            let before = world.clone();
            let (order, first) = earlier.clone();
            let again = world.place(&order, &context);
            if first.is_ok() {
                let answer = |placed: Result<Arc<ScoredOrder>, _>| placed.map(|scored| scored.score.clone());
                assert_eq!(answer(again), answer(first), "a repeat gets the first answer");
                assert_eq!(world, before, "a repeat writes nothing");
            }
            check(&world, &program);
            continue;
        }
        if let Some(place) = step.pay.filter(|_| !world.orders.is_empty()) {
            world.pay_one(place, &context);
            check(&world, &program);
            continue;
        }
        if let Some(undo) = step.undo.filter(|_| !world.orders.is_empty()) {
            world.undo(number, undo, &context);
            check(&world, &program);
            continue;
        }
        if let Some(amend) = step.amend.filter(|_| !world.orders.is_empty()) {
            world.amend_one(step, amend, &context);
            check(&world, &program);
            continue;
        }
        if let Some((goods, steps)) = step.credit.as_ref().filter(|_| !world.orders.is_empty()) {
            world.credit_one(number, goods, *steps, &context);
            check(&world, &program);
            continue;
        }
        let code = world.code(step);
        let usable = code.as_ref().map(|code| world.discounts[code].check(now).is_ok());
        let order = order(number, step, clock.plus_ms(-step.late_hours * HOUR_MS), code.as_ref());
        let answer = world.place(&order, &context);
        assert_eq!(answer.is_ok(), usable.unwrap_or(true), "refused exactly where the code cannot be used: {answer:?}");
        sent.push((order, answer));
        check(&world, &program);
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
    fn a_credit_note_of_everything_leaves_nothing(
        steps in prop::collection::vec(step(), 1..15),
        pending_days in prop_oneof![Just(0_u16), 1_u16..31],
    ) {
        let mut history = History::after(&steps, pending_days);
        history.now(World::credit_everything);
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
        let schedule = schedule(program(14, 3));
        let (at_once, _) = advance(&schedule, &account, end).unwrap();
        let (half, _) = advance(&schedule, &account, middle).unwrap();
        let (in_two, _) = advance(&schedule, &half, end).unwrap();
        prop_assert_eq!(at_once, in_two);
    }

    #[test]
    fn nothing_happens_before_the_next_change(steps in prop::collection::vec(step(), 1..15)) {
        let account = run(&steps, program(14, 3)).account.unwrap();
        let schedule = schedule(program(14, 3));
        if let Some(next) = account.next_change(&schedule, account.last_decided).unwrap() {
            prop_assert!(account.due.is_some_and(|due| due.at <= next), "it is filed in time");
            let (before, changes) = advance(&schedule, &account, next.plus_ms(-1)).unwrap();
            prop_assert!(changes.is_empty());
            prop_assert_eq!(before, account.clone());
            prop_assert!(!advance(&schedule, &account, next).unwrap().1.is_empty());
        }
    }

    #[test]
    fn one_more_unit_never_earns_fewer_points(step in step(), line in 0_usize..6) {
        let points = |step: &Step| {
            let mut plain = step.clone();
            (plain.code, plain.repeat, plain.late_hours, plain.undo, plain.amend) = (None, None, 0, None, None);
            (plain.credit, plain.pay) = (None, None);
            run(&[plain], program(0, 12)).orders.values().next().unwrap().score.points
        };
        let mut more = step.clone();
        let place = line % more.lines.len();
        more.lines[place].0 += 1;
        prop_assert!(points(&more) >= points(&step));
    }

    #[test]
    fn an_order_amended_and_amended_back_equals_one_that_never_was(
        steps in prop::collection::vec(step(), 1..12),
        first in step(),
        others in prop::collection::vec((step(), prop::option::weighted(0.2, any::<usize>())), 1..4),
        pending_days in 0_u16..31,
    ) {
        let mut history = History::after(&steps, pending_days);
        let Some(scored) = history.place(&first) else { return Ok(()) };
        let before = history.world.clone();
        for (other, code) in &others {
            let code = code.and_then(|n| history.world.code(&Step { code: Some(n), ..other.clone() }));
            history.amend(&scored, order(0, other, scored.order.placed_at, code.as_ref()));
        }
        history.amend(&scored, Order::clone(&scored.order));
        same_but_for_counting(&history.world, &before, &scored.order.key)?;
    }

    #[test]
    fn an_order_returned_and_bought_again_equals_a_new_order(
        steps in prop::collection::vec(step(), 1..12),
        first in step(),
        again in step(),
        pending_days in 0_u16..31,
    ) {
        let mut bought = History::after(&steps, pending_days);
        let Some(scored) = bought.place(&first) else { return Ok(()) };
        // All of it comes back, line by line; then the order is stated anew under other line numbers.
        for line in 0..scored.order.lines.len() {
            let units = scored.order.lines[line].quantity - 1;
            bought.undo(&scored, line, units);
        }
        let mut anew = order(0, &again, scored.order.placed_at, None);
        for (line, n) in anew.lines.iter_mut().zip(100..) {
            line.line_id = LineId::parse(&n.to_string()).unwrap();
        }
        anew.discount_codes = scored.order.discount_codes.clone();
        anew.payment_state = scored.order.payment_state;
        bought.amend(&scored, anew.clone());
        // As if it had been stated so at first.
        let mut new = History::after(&steps, pending_days);
        let fresh = Order { key: scored.order.key.clone(), ..anew };
        prop_assert!(new.place_this(&fresh).is_some());
        same_but_for_counting(&bought.world, &new.world, &scored.order.key)?;
    }
}

/// A history that can be continued.
struct History {
    world: World,
    schedule: Schedule,
    secrets: Secrets,
}

impl History {
    fn after(steps: &[Step], pending_days: u16) -> Self {
        let world = run(steps, program(pending_days, 12));
        Self { world, schedule: schedule(program(pending_days, 12)), secrets: secrets() }
    }

    /// Does something at the instant of the account's newest commit.
    fn now<T>(&mut self, act: impl FnOnce(&mut World, &Context<'_>) -> T) -> T {
        let start = Instant::parse(START).unwrap();
        let now = self.world.account.as_ref().map_or(start, |account| account.last_decided);
        let (schedule, secrets) = (&self.schedule, &self.secrets);
        let context = Context { schedule, secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let done = act(&mut self.world, &context);
        check(&self.world, &schedule.version(1).unwrap().program);
        done
    }

    /// Places a new order of today, unless its code cannot be used.
    fn place(&mut self, step: &Step) -> Option<Arc<ScoredOrder>> {
        let code = self.world.code(step);
        let start = Instant::parse(START).unwrap();
        let placed_at = self.world.account.as_ref().map_or(start, |account| account.last_decided);
        self.place_this(&order(1_000, step, placed_at, code.as_ref()))
    }

    fn place_this(&mut self, order: &Order) -> Option<Arc<ScoredOrder>> {
        self.now(|world, context| world.place(order, context)).ok()
    }

    /// States the order anew, unless a code cannot be used.
    fn amend(&mut self, scored: &ScoredOrder, order: Order) {
        let (key, payment_state) = (scored.order.key.clone(), scored.order.payment_state);
        let order = Order { key, payment_state, ..order };
        let stored = self.world.orders[&order.key].clone();
        let amended = self.now(|world, context| world.amend(&stored, order, context));
        assert!(amended.is_ok() || matches!(amended, Err(Rejection::DiscountUnusable { .. })), "{amended:?}");
    }

    /// Returns so many units of a line and one more.
    fn undo(&mut self, scored: &ScoredOrder, line: usize, units: u64) {
        let place = self.world.orders.keys().position(|key| *key == scored.order.key).unwrap();
        self.now(|world, context| world.undo(2_000 + line, (place, line, Some(units)), context));
    }
}

/// The same account, but for how many commits it took and how early the walker looks; the same usable discounts; and
/// the order counts for the same.
fn same_but_for_counting(one: &World, other: &World, key: &OrderKey) -> Result<(), TestCaseError> {
    let state = |world: &World| Account { version: 0, due: None, ..world.account.clone().unwrap() };
    prop_assert_eq!(state(one), state(other));
    let discounts = |world: &World| -> Vec<_> {
        let valid = world.discounts.values().filter(|discount| !discount.void);
        valid.map(|discount| (discount.code.clone(), discount.used_by.clone())).collect()
    };
    prop_assert_eq!(discounts(one), discounts(other));
    let counts = |world: &World| {
        let scored = &world.orders[key];
        let score = scored.current();
        let issued: Vec<_> = score.issued.iter().filter(|issued| !issued.void).cloned().collect();
        (scored.history.tally, score.points, score.eligible, score.tier_after.clone(), score.qualifying, issued)
    };
    prop_assert_eq!(counts(one), counts(other));
    Ok(())
}
