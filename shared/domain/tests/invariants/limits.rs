//! Budgets over all accounts and caps per account: whatever happens to the orders that use them, neither is exceeded.

use crate::sharing::settled;
use crate::world::{Step, World, order, step};
use crate::{HOUR_MS, START, document, schedule, secrets};
use domain::decision::{Context, Guard};
use domain::earning::{self, Granted, Limiter};
use domain::id::{AccountId, RuleId};
use domain::limit::{Limit, LimitId, LimitKind, ShardChange, ShardWrite};
use domain::money::Points;
use domain::program::Program;
use domain::receipt::receipt;
use domain::schedule::Schedule;
use domain::score::ScoredOrder;
use domain::simulation::{Compared, Take};
use domain::time::Instant;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Limits as they are stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits(BTreeMap<LimitId, Limit>);

impl Limits {
    /// All of them, read.
    pub fn all(&self) -> Vec<Limit> {
        self.0.values().cloned().collect()
    }

    /// Changes a shard; answers whether its guard held.
    pub fn change(&mut self, write: &ShardWrite) -> bool {
        let held = self.0.entry(write.limit.clone()).or_insert_with(|| Limit::untouched(write.limit.clone()));
        let mut shards = *held.shards();
        let place = &mut shards[write.shard];
        match (write.change, *place) {
            (ShardChange::LayOut(shard, Guard::Absent), None) => *place = Some(shard),
            (ShardChange::LayOut(shard, Guard::Version(version)), Some(found)) if found.version == version => {
                *place = Some(shard);
            }
            (ShardChange::Take { amount, layout }, Some(mut shard))
                if shard.layout == layout && shard.remaining >= amount =>
            {
                shard.used += amount;
                shard.remaining -= amount;
                shard.version += 1;
                *place = Some(shard);
            }
            (ShardChange::GiveBack { amount }, Some(mut shard)) if shard.used >= amount => {
                shard.used -= amount;
                shard.remaining += amount;
                shard.version += 1;
                *place = Some(shard);
            }
            _ => return false,
        }
        *held = Limit::of(write.limit.clone(), shards);
        true
    }

    fn used(&self, rule: &str) -> u64 {
        let id = LimitId::of(LimitKind::EarningBudget, &RuleId::parse(rule).unwrap());
        self.0.get(&id).map_or(0, |limit| limit.used().unwrap())
    }
}

fn limited(budget: u64, points: u64, times: u64, period: &str) -> Value {
    let mut document = document(0, 24);
    document["earning_rules"] = json!([
        {"id": "base", "name": "Base", "points": 1, "per": "1.00"},
        {"id": "spring", "name": "Spring", "points": 2, "per": "1.00", "budget": budget},
        {"id": "monthly", "name": "Monthly", "points": 1, "per": "2.00",
         "caps": {"per_account": {"points": points, "times": times, "period": period}}},
        {"id": "both", "name": "Both", "points": 3, "per_units": 1, "maximum_points": 40, "budget": budget,
         "caps": {"per_account": {"times": times, "period": "ever"}}},
    ]);
    document
}

/// What happens to accounts that share budgets, one after the other.
fn run(steps: &[(usize, Step)], schedule: &Schedule) -> Vec<World> {
    let secrets = secrets();
    let mut worlds: Vec<_> = (0..3).map(|_| World::new()).collect();
    let (mut limits, mut clock) = (Limits::default(), Instant::parse(START).unwrap());
    for (number, (whose, step)) in steps.iter().enumerate() {
        clock = clock.plus_ms(step.hours * HOUR_MS);
        let world = &mut worlds[*whose];
        world.limits = limits;
        let now = world.account.as_ref().map_or(clock, |account| account.last_decided.max(clock));
        let context = Context { schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let known: Vec<_> = world.orders.values().cloned().collect();
        match (&step.undo, &step.amend, &step.repeat) {
            (Some(undo), ..) if !known.is_empty() => world.undo(number, *undo, &context),
            (_, Some(amend), _) if !known.is_empty() => world.amend_one(step, *amend, &context),
            (.., Some(earlier)) if !known.is_empty() => {
                let before = world.clone();
                world.place(&known[earlier % known.len()].order, &context).unwrap();
                assert_eq!(*world, before, "a repeat uses nothing");
            }
            _ => {
                let mut order = order(number, step, now.plus_ms(-step.late_hours * HOUR_MS), None);
                order.account_id = AccountId::parse(&format!("acme-{whose}")).unwrap();
                world.place(&order, &context).unwrap();
            }
        }
        limits = world.limits.clone();
        worlds.iter_mut().for_each(|world| world.limits = limits.clone());
    }
    worlds
}

/// What a rule gives an order by its newest statement; `None`: it does not fire.
fn gave(scored: &ScoredOrder, rule: &str, program: &Program) -> Option<i64> {
    let reasons = receipt(scored, program).unwrap().reasons;
    let reason = reasons.into_iter().find(|reason| reason.rule == rule).unwrap();
    reason.fired.then(|| reason.points.unwrap().0)
}

fn granted(scored: &ScoredOrder, rule: &str, program: &Program) -> Option<Granted> {
    let place = program.earning.rules().iter().position(|own| own.id.as_str() == rule).unwrap();
    scored.score.granted.iter().find(|granted| granted.place == place).copied()
}

/// Which period an instant lies in.
fn period(program: &Program, at: Instant, name: &str) -> i32 {
    let month = program.calendar.month(at).0;
    match name {
        "month" => month,
        "quarter" => month.div_euclid(3),
        "year" => month.div_euclid(12),
        _ => 0,
    }
}

/// What their histories come to under another schedule.
fn simulated(worlds: &[World], in_force: &Schedule, draft: &Schedule) -> Vec<Compared> {
    let facts: Vec<_> = worlds.iter().filter_map(World::facts).collect();
    settled(&facts, in_force, draft).compared
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_budget_and_no_cap_is_ever_exceeded(
        steps in prop::collection::vec((0_usize..3, step()), 1..60),
        (budget, points, times) in (1_u64..3_000, 1_u64..300, 1_u64..4),
        period_name in prop::sample::select(vec!["month", "quarter", "year", "ever"]),
    ) {
        let program = Program::from_json(&limited(budget, points, times, period_name)).unwrap();
        let worlds = run(&steps, &schedule(program.clone()));
        let orders = || worlds.iter().flat_map(|world| world.orders.values());
        for rule in ["spring", "both"] {
            let used: i64 = orders().filter_map(|scored| granted(scored, rule, &program)).map(|one| one.points.0).sum();
            prop_assert_eq!(u64::try_from(used), Ok(worlds[0].limits.used(rule)));
            prop_assert!(used <= i64::try_from(budget).unwrap());
            let given: i64 = orders().filter_map(|scored| gave(scored, rule, &program)).sum();
            prop_assert!(given <= used, "{} given, {} used", given, used);
            // Nobody is given less while anything is left.
            let cut = orders().filter_map(|scored| granted(scored, rule, &program));
            let is_cut = cut.into_iter().any(|one| one.cut_by == Some(Limiter::Budget));
            prop_assert!(!is_cut || used == i64::try_from(budget).unwrap());
        }
        for world in &worlds {
            let (mut by_period, mut ever) = (BTreeMap::<i32, (i64, u64)>::new(), 0);
            for scored in world.orders.values() {
                if let Some(points) = gave(scored, "monthly", &program) {
                    let sum = by_period.entry(period(&program, scored.order.placed_at, period_name)).or_default();
                    *sum = (sum.0 + points, sum.1 + 1);
                }
                ever += u64::from(gave(scored, "both", &program).is_some());
            }
            let most = i64::try_from(points).unwrap();
            prop_assert!(by_period.values().all(|(sum, fired)| *sum <= most && *fired <= times), "{:?}", by_period);
            prop_assert!(ever <= times);
        }
        for scored in orders() {
            let (points, outcomes) = earning::recomputed(scored, &program).unwrap();
            prop_assert_eq!(scored.current().points, points);
            prop_assert!(scored.current().outcomes.starts_with(&outcomes));
        }
    }

    #[test]
    fn an_order_gets_no_more_of_limits_than_at_first_whatever_it_says_later(
        steps in prop::collection::vec((0_usize..3, step()), 1..40),
        (budget, points) in (1_u64..3_000, 1_u64..300),
    ) {
        let program = Program::from_json(&limited(budget, points, 2, "month")).unwrap();
        let worlds = run(&steps, &schedule(program.clone()));
        for scored in worlds.iter().flat_map(|world| world.orders.values()) {
            for rule in ["spring", "monthly", "both"] {
                let first = granted(scored, rule, &program).map_or(Points::ZERO, |one| one.points);
                prop_assert!(gave(scored, rule, &program).unwrap_or(0) <= first.0);
            }
        }
    }

    #[test]
    fn a_replay_of_shared_budgets_ends_where_the_accounts_stand(
        steps in prop::collection::vec((0_usize..3, step()), 1..40),
        (budget, points, times) in (1_u64..3_000, 1_u64..300, 1_u64..4),
        more in 0_u64..2_000,
    ) {
        // What an order said before it was amended is not kept; commits of one instant have no sequence.
        let apart = |(whose, step): (usize, Step)| (whose, Step { amend: None, hours: step.hours.max(1), ..step });
        let steps: Vec<_> = steps.into_iter().map(apart).collect();
        let of = |budget: u64| schedule(Program::from_json(&limited(budget, points, times, "quarter")).unwrap());
        let (in_force, draft) = (of(budget), of(budget + more));
        let worlds = run(&steps, &in_force);
        for compared in simulated(&worlds, &in_force, &in_force) {
            prop_assert_eq!(&compared.in_force, &compared.draft);
            prop_assert!(compared.is_reproduced());
        }
        let of_rule = |takes: &[Take]| -> i64 {
            takes.iter().filter(|take| take.limit.as_str() == "budget#spring").map(|take| take.amount).sum()
        };
        let compared = simulated(&worlds, &in_force, &draft);
        let used: i64 = compared.iter().map(|one| of_rule(&one.in_force.takes)).sum();
        prop_assert_eq!(u64::try_from(used), Ok(worlds[0].limits.used("spring")));
        let wider: i64 = compared.iter().map(|one| of_rule(&one.draft.takes)).sum();
        prop_assert!(used <= wider && wider <= i64::try_from(budget + more).unwrap());
        prop_assert!(wider == used || used == i64::try_from(budget).unwrap());
    }
}
