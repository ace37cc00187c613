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
use domain::id::OrderKey;
use domain::ledger::{Change, Entry};
use domain::money::Points;
use domain::order::Order;
use domain::program::Program;
use domain::returns::{self, CancellationDocument, Reversal, Reversing, Tally, return_document};
use domain::schedule::{Activation, Schedule};
use domain::score::{self, Score, ScoredOrder};
use domain::time::Instant;
use domain::walk::{self, Walked};
use domain::warning::Walk;
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
        "tiers": { "window_months": 12, "review": {
            "hold_months": 1 + pending_days % 5, "grace_days": pending_days,
            "downgrade": if validity_months.is_multiple_of(2) { "one_step" } else { "to_earned" },
        }, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "0.5" },
            { "id": "silver", "name": "Silver", "threshold": "300", "multiplier": "1.25" },
            { "id": "gold", "name": "Gold", "threshold": "2000", "multiplier": "2" },
        ]},
        "discounts": [{
            "id": "next", "name": "Next", "kind": "next_purchase",
            "minimum_total": "200", "percent": "5", "validity_days": 30,
        }],
        "warnings": {
            "discount_expiring_days": [7], "points_expiring_days": [30, 1], "tier_at_risk_days": [14, 3],
        },
    }))
    .unwrap()
}

/// Everything stored about one account, and what a decision needs besides.
#[derive(Debug, Clone, PartialEq)]
struct World {
    account: Option<Account>,
    entries: Vec<Entry>,
    orders: BTreeMap<OrderKey, Arc<ScoredOrder>>,
    discounts: BTreeMap<DiscountCode, Discount>,
}

/// One thing that happens to the account.
#[derive(Debug, Clone)]
struct Step {
    /// Hours that pass before it.
    hours: i64,
    /// How many hours earlier the order was placed than it is decided.
    late_hours: i64,
    /// Quantity and price in pence of each line; a price of zero is postage.
    lines: Vec<(u64, i64)>,
    /// Names the code of this issued discount (modulo their number), if there are any.
    code: Option<usize>,
    /// Sends the order of this earlier step again instead.
    repeat: Option<usize>,
    /// Returns that many units of that line of that earlier order instead (each modulo what there is), or cancels it.
    undo: Option<(usize, usize, Option<u64>)>,
}

fn step() -> impl Strategy<Value = Step> {
    let hours = prop_oneof![4 => 0_i64..48, 2 => 0_i64..24 * 40, 1 => 0_i64..24 * 400];
    let late = prop_oneof![6 => Just(0_i64), 2 => 0_i64..24 * 40, 1 => 0_i64..24 * 900];
    let lines = prop::collection::vec((1_u64..40, prop_oneof![1 => Just(0_i64), 6 => 1_i64..9_000]), 1..6);
    let code = prop::option::weighted(0.3, any::<usize>());
    let repeat = prop::option::weighted(0.2, any::<usize>());
    let units = prop::option::weighted(0.9, any::<u64>());
    let undo = prop::option::weighted(0.3, (any::<usize>(), any::<usize>(), units));
    (hours, late, lines, code, repeat, undo).prop_map(|(hours, late_hours, lines, code, repeat, undo)| Step {
        hours,
        late_hours,
        lines,
        code,
        repeat,
        undo,
    })
}

fn order(number: usize, step: &Step, placed_at: Instant, code: Option<&DiscountCode>) -> Order {
    let lines: Vec<_> = step
        .lines
        .iter()
        .enumerate()
        .map(|(index, (quantity, pence))| {
            let sku = if *pence == 0 { "POST".to_owned() } else { format!("SKU-{pence}") };
            let price = domain::money::format_decimal(*pence, 2);
            json!({ "line_id": (index + 1).to_string(), "sku": sku, "quantity": quantity, "unit_price": price })
        })
        .collect();
    Order::from_json(&json!({
        "source": "shop",
        "order_id": number.to_string(),
        "account_id": "acme",
        "placed_at": placed_at.to_string(),
        "currency": "GBP",
        "lines": lines,
        "discount_codes": code.into_iter().collect::<Vec<_>>(),
    }))
    .unwrap()
}

impl World {
    fn new() -> Self {
        Self { account: None, entries: Vec::new(), orders: BTreeMap::new(), discounts: BTreeMap::new() }
    }

    /// Applies one write where its guard holds; a guard that does not hold is a fault of the decision here.
    fn apply(&mut self, write: Write) {
        let Write::Put(record, guard) = write else { panic!("orders release no claims") };
        match record {
            Record::Account(account) => {
                let held = self.account.as_ref().map_or(Guard::Absent, |held| Guard::Version(held.version));
                assert_eq!(guard, held);
                self.account = Some(*account);
            }
            Record::Entry(entry) => {
                assert_eq!(guard, Guard::Absent);
                self.entries.push(*entry);
            }
            Record::Order(scored) => {
                let before = self.orders.insert(scored.order.key.clone(), scored);
                assert_eq!(guard, before.map_or(Guard::Absent, |held| Guard::Version(held.version)));
            }
            Record::Discount(discount) => {
                let before = self.discounts.insert(discount.code.clone(), *discount);
                assert_eq!(guard, before.map_or(Guard::Absent, |held| Guard::Version(held.version)));
            }
            other => panic!("an order does not write {other:?}"),
        }
    }

    fn place(&mut self, order: &Order, context: &Context<'_>) -> Result<Arc<ScoredOrder>, Rejection> {
        let hash = order.content_hash();
        if let Some(stored) = self.orders.get(&order.key) {
            return score::repeat(stored, order, &hash);
        }
        let named: Vec<_> = order.discount_codes.iter().map(|code| self.discounts.get(code).cloned()).collect();
        let decision = score::decide(self.account.as_ref(), &named, None, &Arc::new(order.clone()), hash, context)?;
        decision.writes.into_iter().for_each(|write| self.apply(write));
        Ok(decision.answer)
    }
}

impl World {
    /// Returns a part of an earlier order, or cancels it; then the same again, which must change nothing.
    fn undo(&mut self, number: usize, (order, line, units): (usize, usize, Option<u64>), context: &Context<'_>) {
        let orders: Vec<_> = self.orders.values().cloned().collect();
        let scored = &orders[order % orders.len()];
        let kept = scored.kept_units();
        let at = context.now.max(scored.order.placed_at);
        let reversing = match units {
            None => Reversing::Cancellation(CancellationDocument { cancelled_at: at }),
            Some(units) => {
                let line = line % kept.len();
                let document = json!({
                    "return_id": format!("r{number}"), "returned_at": at.to_string(),
                    "lines": [{ "line_id": (line + 1).to_string(), "quantity": units % kept[line].max(1) + 1 }],
                });
                Reversing::Return(return_document(&document).unwrap())
            }
        };
        if returns::repeat(scored, &reversing).is_some() {
            return;
        }
        let account = self.account.clone().unwrap();
        let before = account.points().unwrap();
        match returns::decide(&account, scored, &reversing, context) {
            Ok(decision) => {
                decision.writes.into_iter().for_each(|write| self.apply(write));
                assert_eq!(returns::repeat(&decision.answer, &reversing), Some(Ok(())), "a repeat is recognised");
                assert!(self.account.as_ref().unwrap().points().unwrap() <= before);
            }
            Err(rejection) => assert!(matches!(rejection, Rejection::Invalid(_)), "{rejection:?}"),
        }
    }
}

fn schedule(program: Program) -> Schedule {
    Schedule::new(vec![Activation { from: Instant::MIN, version: 1, program: Arc::new(program) }]).unwrap()
}

impl World {
    /// Walks the account whenever something falls due until the context's instant, each walk some hours late.
    fn walk(&mut self, context: &Context<'_>) {
        while let Some((account, due)) = self.account.clone().and_then(|account| Some((account.clone(), account.due?)))
        {
            let now = due.at.max(account.last_decided).plus_ms(6 * HOUR_MS);
            if now > context.now {
                break;
            }
            let context = Context { now, wall_day: now.utc_day(), ..*context };
            for walk in Walk::ALL {
                let account = self.account.clone().unwrap();
                let decision = walk::decide(&account, walk, None, &context).unwrap();
                decision.writes.into_iter().for_each(|write| self.apply(write));
                check(self);
                let again = walk::decide(self.account.as_ref().unwrap(), walk, None, &context).unwrap();
                assert_ne!(again.answer, Walked::Written, "a second walk at once writes nothing");
            }
            let left = self.account.as_ref().unwrap().due;
            assert!(left.is_none_or(|left| left.at > now), "both walks leave nothing that is due: {left:?} at {now}");
        }
    }
}

/// What a warning is about; each is given as often as the program says at most.
fn occasion(change: &Change) -> Option<(String, usize)> {
    match change {
        Change::DiscountExpiring { code, .. } => Some((code.to_string(), 1)),
        Change::PointsExpiring { expires_at, .. } => Some((format!("points {expires_at}"), 2)),
        Change::TierAtRisk { review_at, .. } => Some((format!("review {review_at}"), 2)),
        _ => None,
    }
}

/// Runs a history and checks after every commit what must hold then.
fn run(steps: &[Step], program: Program) -> World {
    run_walked(steps, program, false)
}

/// The same, with or without the walks over what falls due meanwhile.
fn run_walked(steps: &[Step], program: Program, walked: bool) -> World {
    let secrets = Secrets::parse("1:a secret for properties").unwrap();
    let schedule = schedule(program);
    let mut world = World::new();
    let mut sent: Vec<(Order, Result<Arc<ScoredOrder>, Rejection>)> = Vec::new();
    let mut clock = Instant::parse(START).unwrap();
    for (number, step) in steps.iter().enumerate() {
        clock = clock.plus_ms(step.hours * HOUR_MS);
        let now = world.account.as_ref().map_or(clock, |account| account.last_decided.max(clock));
        let context =
            Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        if walked {
            world.walk(&context);
        }
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

fn check(world: &World) {
    let Some(account) = &world.account else { return };
    let entries = &world.entries;
    let sum: i64 = entries.iter().map(|entry| entry.points.0).sum();
    assert_eq!(Points(sum), account.points().unwrap(), "invariant 1: entries = lots + pending");
    let last = entries.last().unwrap();
    assert_eq!(last.balance.plus(last.pending).unwrap(), account.points().unwrap());
    let sequences: Vec<_> = entries.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, (1..=account.version).collect::<Vec<_>>(), "one entry per commit, without gaps");
    let outstanding = account.points().unwrap();
    let lost = [outstanding, account.lifetime.expired, account.lifetime.reversed];
    assert_eq!(
        account.lifetime.earned,
        Points::sum(lost).unwrap(),
        "invariant 2: issued = outstanding + expired + reversed"
    );
    for scored in world.orders.values() {
        assert_eq!(scored.history.tally, tally_of(scored), "the tally is what its returns say");
        if scored.kept_units().iter().all(|units| *units == 0) {
            let left = scored.history.tally.credited().unwrap();
            assert_eq!(left, Points::ZERO, "invariant 4: awarded = reversed + unrecovered + lapsed");
        }
    }
    check_activity(world, account);
    let earned: i64 = world.orders.values().map(|scored| scored.score.points.0).sum();
    assert_eq!(Points(earned), account.lifetime.earned, "what the orders say = what was issued");
    assert!(account.holdings.lots().iter().all(|lot| lot.points > Points::ZERO), "invariant 8");
    assert!(account.activity.months().len() <= usize::try_from(MONTHS_KEPT).unwrap());
    assert!(account.discounts.len() <= OPEN_DISCOUNTS_MAX);
    for discount in world.discounts.values() {
        let users = world.orders.values().filter(|scored| scored.order.discount_codes.contains(&discount.code));
        let users: Vec<_> = users.collect();
        assert!(users.len() <= 1, "invariant 5: used at most once");
        assert_eq!(discount.used_by.as_ref(), users.first().map(|scored| &scored.order.key));
        assert!(users.iter().all(|scored| scored.score.decided_at < discount.expires_at), "never after its expiry");
        let open = account.discounts.iter().any(|open| open.code == discount.code);
        let usable = discount.check(account.last_decided).is_ok();
        assert_eq!(open, usable, "the hot item lists exactly the open ones");
    }
    let mut warned: BTreeMap<String, usize> = BTreeMap::new();
    for (occasion, most) in entries.iter().flat_map(|entry| &entry.changes).filter_map(occasion) {
        let times = warned.entry(occasion.clone()).or_default();
        *times += 1;
        assert!(*times <= most, "warned too often: {occasion}");
    }
    let raises = entries.iter().flat_map(|entry| &entry.changes);
    let raises = raises.filter(|change| matches!(change, Change::TierChanged { .. })).count();
    assert_eq!(u64::try_from(raises).unwrap(), account.lifetime.upgrades);
}

/// What is kept of all orders is what the account's totals say.
fn tally_of(scored: &ScoredOrder) -> Tally {
    let sum = |part: fn(&Reversal) -> Points| {
        Points::sum(scored.history.returns.iter().map(|returned| part(&returned.reversal))).unwrap()
    };
    Tally {
        earned: scored.score.points,
        reversed: sum(|reversal| reversal.reversed().unwrap()),
        unrecovered: sum(|reversal| reversal.unrecovered),
        lapsed: sum(|reversal| reversal.lapsed),
    }
}

fn check_activity(world: &World, account: &Account) {
    let (mut revenue, mut units) = (0, 0);
    for scored in world.orders.values() {
        for (line, kept) in scored.order.lines.iter().zip(scored.kept_units()) {
            revenue += returns::kept_amount(line, kept, scored.order.currency).unwrap().0;
            units += kept;
        }
    }
    assert_eq!((account.lifetime.revenue.0, account.lifetime.units), (revenue, units));
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
        let warned = |at| Walk::ALL.into_iter().any(|walk| walk::warns(&account, walk, &schedule, at).unwrap());
        if let Some(next) = account.next_change(&schedule, account.last_decided).unwrap() {
            prop_assert!(account.due.is_some_and(|due| due.at <= next), "it is filed in time");
            prop_assert!(!advance(&schedule, &account, next).unwrap().1.is_empty() || warned(next));
            if next > account.last_decided {
                let (before, changes) = advance(&schedule, &account, next.plus_ms(-1)).unwrap();
                prop_assert!(changes.is_empty() && !warned(next.plus_ms(-1)));
                prop_assert_eq!(before, account.clone());
            }
        }
    }

    #[test]
    fn with_both_walks_off_everything_is_as_with_them_on(
        steps in prop::collection::vec(step(), 1..20),
        pending_days in 0_u16..31,
        validity_months in 2_u16..14,
    ) {
        let program = program(pending_days, validity_months);
        let (on, off) = (run_walked(&steps, program.clone(), true), run_walked(&steps, program.clone(), false));
        let score = |scored: &Arc<ScoredOrder>| Score { entry: 0, ..scored.score.clone() };
        let scores = |world: &World| world.orders.values().map(score).collect::<Vec<_>>();
        prop_assert_eq!(scores(&on), scores(&off));
        prop_assert_eq!(&on.discounts, &off.discounts);
        let (Some(on), Some(off)) = (on.account, off.account) else { return Ok(()) };
        let later = on.last_decided.max(off.last_decided).plus_ms(30 * 24 * HOUR_MS);
        let schedule = schedule(program);
        let plain = |account: &Account| {
            let (account, _) = advance(&schedule, account, later).unwrap();
            Account { version: 0, last_decided: later, due: None, walked: [None; 2], ..account }
        };
        prop_assert_eq!(plain(&on), plain(&off));
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
