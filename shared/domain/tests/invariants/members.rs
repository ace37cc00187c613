//! Memberships that are asked for, paid, ended and taken up again: what an account is at an instant hangs on nothing but
//! what was decided and paid before, and its orders earn while it is a member, and only then.

use super::*;
use domain::idempotency::CommandKey;
use domain::ledger::{Change, MembershipChange};
use domain::membership::{self, MemberState, PaymentReceipt, membership_document, payment_document};
use domain::money::Points;
use domain::score::Outcome;

/// One thing that happens to a member, or to whoever wants to be one.
#[derive(Debug, Clone)]
enum Event {
    /// A fee was paid, so many hours before it is recorded.
    Pay { late_hours: i64 },
    /// Somebody lets the account in, or turns it away.
    Admit(bool),
    /// Somebody excludes it from these, or from nothing.
    Exclude(Vec<&'static str>),
    /// Something is bought, given back or stated anew.
    Trade(Step),
}

fn event() -> impl Strategy<Value = (i64, Event)> {
    let hours = prop_oneof![3 => 0_i64..24 * 12, 1 => 0_i64..24 * 70];
    let late = prop_oneof![2 => Just(0_i64), 1 => 0_i64..24 * 40];
    let excluded = prop::sample::subsequence(vec!["earning", "discounts", "perks"], 0..=2);
    let event = prop_oneof![
        3 => late.prop_map(|late_hours| Event::Pay { late_hours }),
        2 => any::<bool>().prop_map(Event::Admit),
        1 => excluded.prop_map(Event::Exclude),
        6 => step().prop_map(|step| {
            Event::Trade(Step { repeat: None, credit: None, late_hours: 0, amend: None, ..step })
        }),
    ];
    (hours, event)
}

/// Two versions, the second after so many hours, by their membership.
fn memberships(kinds: &[serde_json::Value; 2], hours: i64) -> Schedule {
    let program = |membership: &serde_json::Value| {
        let mut document = document(0, 12);
        document["membership"] = membership.clone();
        document["warnings"] = json!({ "membership_ending_days": [20, 3] });
        document["occasions"] = json!([
            { "id": "hello", "name": "Hello", "on": "welcome", "give": { "points": 7 } },
            { "id": "second", "name": "Second", "on": "nth_order", "every_orders": 2, "give": { "points": 5 } },
        ]);
        Arc::new(Program::from_json(&document).unwrap())
    };
    let from = Instant::parse(START).unwrap().plus_ms(hours * HOUR_MS);
    let [first, second] = kinds.each_ref().map(program);
    let first = Activation { from: Instant::MIN, version: 1, program: first };
    Schedule::new(vec![first, Activation { from, version: 2, program: second }]).unwrap()
}

fn kind() -> impl Strategy<Value = serde_json::Value> {
    let paid = (1_u16..4, 0_u16..20)
        .prop_map(|(months, grace_days)| json!({ "kind": "paid", "months": months, "grace_days": grace_days }));
    prop_oneof![
        1 => Just(json!({ "kind": "open" })),
        2 => Just(json!({ "kind": "approval" })),
        4 => paid,
    ]
}

/// What is known from the answers alone of whether the account is a member.
#[derive(Debug, Default)]
struct Expected {
    applied: bool,
    rejected: bool,
    excluded: Vec<&'static str>,
    paid: Option<PaymentReceipt>,
}

impl Expected {
    fn is_member(&self, kind: &serde_json::Value, now: Instant) -> bool {
        match kind["kind"].as_str() {
            Some("approval") => !self.applied && !self.rejected,
            Some("paid") => self.paid.as_ref().is_some_and(|paid| now < paid.lapses_at),
            _ => true,
        }
    }

    /// A payment of before the membership lapsed goes on with it, any other begins when it was paid.
    fn pay(&mut self, receipt: PaymentReceipt) {
        match self.paid.as_ref().filter(|before| receipt.paid_at < before.lapses_at) {
            Some(before) => {
                assert_eq!(receipt.since, before.since);
                assert!(receipt.until > before.until);
            }
            None => assert_eq!(receipt.since, receipt.paid_at),
        }
        assert!(receipt.until > receipt.since && receipt.lapses_at >= receipt.until);
        self.paid = Some(receipt);
    }
}

impl World {
    fn happen(&mut self, number: usize, event: &Event, expected: &mut Expected, context: &Context<'_>) {
        let in_force = &context.schedule.at(context.now).program;
        let before = self.account.clone();
        match event {
            Event::Pay { late_hours } => {
                let paid_at = context.now.plus_ms(-late_hours * HOUR_MS);
                let document = payment_document(&json!({ "paid_at": paid_at.to_string() })).unwrap();
                let key = CommandKey::new("test", "pay", &number.to_string()).unwrap();
                let Ok(decision) = membership::pay(before.as_ref(), &document, &key, context) else {
                    assert!(in_force.membership.fee().is_none() || before.is_none());
                    return;
                };
                expected.pay(decision.answer);
                decision.writes.into_iter().for_each(|write| self.apply(write));
            }
            Event::Admit(admitted) => {
                let said = if *admitted { "approved" } else { "rejected" };
                let document = membership_document(&json!({ "admission": said, "reason": "r" })).unwrap();
                let Ok(decision) = membership::decide_membership(before.as_ref(), &document, context) else { return };
                (expected.applied, expected.rejected) = (false, !admitted);
                decision.writes.into_iter().for_each(|write| self.apply(write));
            }
            Event::Exclude(from) => {
                let document = membership_document(&json!({ "excluded_from": from, "reason": "r" })).unwrap();
                let Ok(decision) = membership::decide_membership(before.as_ref(), &document, context) else { return };
                expected.excluded.clone_from(from);
                decision.writes.into_iter().for_each(|write| self.apply(write));
            }
            Event::Trade(step) => self.trade(number, step, expected, context),
        }
    }

    fn trade(&mut self, number: usize, step: &Step, expected: &mut Expected, context: &Context<'_>) {
        if let Some(undo) = step.undo.filter(|_| !self.orders.is_empty()) {
            self.undo(number, undo, context);
            return;
        }
        let is_new = self.account.is_none();
        let order = order(number, step, context.now, None);
        let scored = self.place(&order, context).unwrap();
        let version = context.schedule.version(scored.score.program_version).unwrap();
        let kind = version.program.membership;
        if is_new {
            expected.applied = kind == membership::MembershipRules::Approval;
        }
        let stated = match (kind, kind.fee()) {
            (_, Some(_)) => json!({ "kind": "paid" }),
            (membership::MembershipRules::Approval, _) => json!({ "kind": "approval" }),
            _ => json!({ "kind": "open" }),
        };
        let is_member = expected.is_member(&stated, context.now);
        assert_eq!(scored.score.no_member().is_none(), is_member, "{expected:?} at {}", context.now);
        let may = |part: &str| is_member && !expected.excluded.contains(&part);
        let missed = |outcome: &Outcome| matches!(outcome, Outcome::Missed(why) if why.is_of_account());
        let (earning, discounts) = scored.score.outcomes.split_at(2);
        assert!(earning.iter().all(|outcome| missed(outcome) != may("earning")));
        assert!(discounts.iter().all(|outcome| missed(outcome) != may("discounts")));
        if !may("earning") {
            assert_eq!(scored.score.points, Points::ZERO);
        }
        assert!(is_member || scored.score.raise.is_none());
    }
}

fn live(events: &[(i64, Event)], schedule: &Schedule, walks: Walks) -> (World, Expected) {
    let (secrets, program) = (secrets(), schedule.version(1).unwrap().program.clone());
    let (mut world, mut expected) = (World::new(), Expected::default());
    let mut clock = Instant::parse(START).unwrap();
    for (number, (hours, event)) in events.iter().enumerate() {
        clock = clock.plus_ms(hours * HOUR_MS);
        let now = world.account.as_ref().map_or(clock, |account| account.last_decided.max(clock));
        let context = Context { schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        world.walk(&context, &program, walks);
        world.happen(number, event, &mut expected, &context);
        check(&world, &program);
    }
    (world, expected)
}

/// What is left of an account at an instant that hangs on nothing but what it did.
fn settled(world: &World, schedule: &Schedule, at: Instant) -> Option<Account> {
    let (mut account, _) = advance(schedule, world.account.as_ref()?, at).unwrap();
    account.membership.paid.iter_mut().for_each(|paid| paid.told_days = None);
    account.discounts.iter_mut().for_each(|open| open.told_days = 0);
    Some(Account { version: 0, last_decided: at, due: None, told: Vec::new(), ..account })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn orders_earn_while_their_account_is_a_member_and_only_then(
        events in prop::collection::vec(event(), 1..40),
        kinds in [kind(), kind()],
        hours in 0_i64..24 * 300,
    ) {
        let schedule = memberships(&kinds, hours);
        let (world, expected) = live(&events, &schedule, Walks::Never);
        let Some(account) = &world.account else { return Ok(()) };
        // At the end, and at any time after it, too.
        for days in [0, 5, 40, 200] {
            let now = account.last_decided.plus_ms(days * 24 * HOUR_MS);
            let kind = if now < schedule.version(2).unwrap().from { &kinds[0] } else { &kinds[1] };
            let (advanced, changes) = advance(&schedule, account, now).unwrap();
            let state = advanced.member_state(&schedule.at(now).program, now);
            prop_assert_eq!(state == MemberState::Member, expected.is_member(kind, now), "{:?} {:?}", state, expected);
            let lapses = changes.iter().filter(|change| matches!(change, Change::Membership(MembershipChange::Lapsed { .. }))).count();
            prop_assert!(lapses <= 1);
        }
    }

    #[test]
    fn walks_change_nothing_of_a_membership(
        events in prop::collection::vec(event(), 1..30),
        kinds in [kind(), kind()],
        hours in 0_i64..24 * 300,
        later in 0_i64..24 * 200,
    ) {
        let schedule = memberships(&kinds, hours);
        let lived = |walks| live(&events, &schedule, walks).0;
        let [never, in_time, between] = [Walks::Never, Walks::InTime, Walks::AndBetween].map(lived);
        let decided = |world: &World| world.account.as_ref().map(|account| account.last_decided);
        let Some(last) = [&never, &in_time, &between].into_iter().filter_map(decided).max() else { return Ok(()) };
        let at = last.plus_ms(later * HOUR_MS);
        prop_assert_eq!(settled(&never, &schedule, at), settled(&in_time, &schedule, at));
        prop_assert_eq!(settled(&never, &schedule, at), settled(&between, &schedule, at));
        let points = |world: &World| world.orders.values().map(|scored| scored.score.points).collect::<Vec<_>>();
        prop_assert_eq!(points(&never), points(&in_time));
        // Each lapse is told once, and so is each lead of each end.
        let of = |world: &World| {
            let changes = world.entries.iter().flat_map(|entry| entry.changes.clone());
            let kept = |change: &Change| matches!(change, Change::Membership(MembershipChange::Lapsed { .. }));
            changes.filter(kept).map(|change| serde_json::to_string(&change).unwrap()).collect::<Vec<_>>()
        };
        let distinct = |mut told: Vec<String>| { let all = told.len(); told.sort(); told.dedup(); all == told.len() };
        for world in [&never, &in_time, &between] {
            prop_assert!(distinct(of(world)));
        }
    }

    #[test]
    fn a_membership_is_replayed_as_it_was(
        events in prop::collection::vec(event(), 1..40),
        kinds in [kind(), kind()],
        hours in 0_i64..24 * 300,
        later in 0_i64..24 * 200,
        walks in prop_oneof![Just(Walks::Never), Just(Walks::InTime)],
    ) {
        let schedule = memberships(&kinds, hours);
        let (world, _) = live(&events, &schedule, walks);
        let Some(compared) = world.simulated(&schedule, &schedule, later) else { return Ok(()) };
        prop_assert!(compared.is_reproduced(), "{:?}", compared);
        let at = world.account.as_ref().unwrap().last_decided.plus_ms(later * HOUR_MS);
        let replayed = World { account: compared.in_force.account, ..World::new() };
        prop_assert_eq!(settled(&world, &schedule, at), settled(&replayed, &schedule, at));
    }
}
