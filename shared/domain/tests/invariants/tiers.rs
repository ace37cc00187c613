//! Tiers by every figure and window: after any history they are what its orders, counted one by one, come to.

use super::*;
use domain::ledger::{Change, Entry, TierChange};
use domain::money::Minor;
use domain::returns::{self, ReturnKey};
use domain::time::Month;
use serde_json::Value;

const METRICS: [&str; 5] = ["spend", "units", "orders", "points", "membership_months"];
const LEVELS: [&str; 4] = ["member", "silver", "gold", "platinum"];

fn thresholds(metric: &str) -> [i64; 4] {
    match metric {
        "orders" => [0, 2, 5, 9],
        "units" => [0, 30, 150, 600],
        "membership_months" => [0, 1, 6, 20],
        _ => [0, 300, 2_000, 8_000],
    }
}

/// A window, as the program states it and as it is checked here.
#[derive(Debug, Clone, Copy)]
enum Span {
    Rolling(i32),
    Year(i32),
    MembershipYear,
    Lifetime,
}

impl Span {
    fn stated(self) -> Value {
        match self {
            Self::Rolling(months) => json!({ "kind": "rolling", "months": months }),
            Self::Year(starts_month) => json!({ "kind": "calendar_year", "starts_month": starts_month }),
            Self::MembershipYear => json!({ "kind": "membership_year" }),
            Self::Lifetime => json!({ "kind": "lifetime" }),
        }
    }

    /// Whether orders of a month count in the window of another.
    fn holds(self, month: Month, last: Month, joined: Month) -> bool {
        let same_year = |start: i32| (month.0 - start).div_euclid(12) == (last.0 - start).div_euclid(12);
        match self {
            Self::Rolling(months) => month <= last && month.0 > last.0 - months,
            Self::Year(starts_month) => same_year(starts_month - 1),
            Self::MembershipYear => same_year(joined.0),
            Self::Lifetime => true,
        }
    }
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        (1_i32..19).prop_map(Span::Rolling),
        (1_i32..13).prop_map(Span::Year),
        Just(Span::MembershipYear),
        Just(Span::Lifetime),
    ]
}

fn program_of(metric: &str, span: Span, more: Value) -> Program {
    let mut document = super::document(0, 24);
    document["earning_rules"] = json!([{ "id": "base", "name": "Base", "points": 1, "per": "1.00" }]);
    let stated = |number: i64| if metric == "spend" { json!(number.to_string()) } else { json!(number) };
    let level = |(id, threshold): (&&str, i64)| json!({ "id": id, "name": id, "threshold": stated(threshold), "multiplier": "1" });
    let levels: Vec<_> = LEVELS.iter().zip(thresholds(metric)).map(level).collect();
    document["tiers"] = json!({ "metric": metric, "levels": levels });
    if metric != "membership_months" {
        document["tiers"]["window"] = span.stated();
    }
    for (key, value) in more.as_object().unwrap() {
        document["tiers"][key] = value.clone();
    }
    Program::from_json(&document).unwrap()
}

/// Orders and returns alone: what an amended order said before is not kept.
fn plain(steps: Vec<Step>) -> Vec<Step> {
    steps.into_iter().map(|step| Step { amend: None, credit: None, code: None, ..step }).collect()
}

/// What an order counts for once the entry of that sequence was written.
fn counts(scored: &ScoredOrder, metric: &str, sequence: u64) -> i64 {
    let back: Vec<_> = scored.history.returns.iter().filter(|back| back.entry <= sequence).collect();
    let is_cancelled = back.iter().any(|back| back.key == ReturnKey::Cancellation);
    let (mut units, mut pence) = (0, 0);
    for line in &scored.order.lines {
        let came_back: u64 =
            back.iter().flat_map(|back| &back.lines).filter(|(id, _)| *id == line.line_id).map(|(_, n)| n).sum();
        let kept = if is_cancelled { 0 } else { line.quantity - came_back };
        let amount = returns::kept_amount(line, kept, scored.order.currency).unwrap();
        if line.sku.as_str() != "POST" && amount > Minor::ZERO {
            units += i64::try_from(kept).unwrap();
            pence += amount.0;
        }
    }
    match metric {
        "spend" => pence,
        "units" => units,
        "orders" => 1,
        _ => pence / 100,
    }
}

/// The place of the tier that a figure reaches.
fn reached(metric: &str, figure: i64) -> usize {
    let scale = if metric == "spend" { 100 } else { 1 };
    thresholds(metric).iter().rposition(|threshold| threshold * scale <= figure).unwrap_or(0)
}

/// The orders that an account had once the entry of that sequence was written, those not any more kept aside.
fn known(world: &World, program: &Program, sequence: u64) -> Vec<(Month, Arc<ScoredOrder>, bool)> {
    let mut orders: Vec<_> = world.orders.values().filter(|scored| scored.score.entry <= sequence).cloned().collect();
    orders.sort_by_key(|scored| scored.score.entry);
    let month = |scored: &ScoredOrder| program.calendar.month(scored.order.placed_at);
    let newest = orders.iter().map(|scored| month(scored)).max();
    let mut before = Month(i32::MIN / 2);
    let of = |scored: Arc<ScoredOrder>| {
        let own = month(&scored);
        before = before.max(own);
        let is_kept = own.0 > before.0 - 25 && newest.is_some_and(|newest| own.0 > newest.0 - 25);
        (own, scored, is_kept)
    };
    orders.into_iter().map(of).collect()
}

fn level(tier: &str) -> usize {
    LEVELS.iter().position(|level| *level == tier).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Each order raises the tier to what the orders known by then come to in a window that it counts in, or in a later
    /// one; months of membership raise it with their first instant.
    #[test]
    fn a_tier_is_what_the_orders_come_to(
        steps in prop::collection::vec(step(), 1..25), metric in 0_usize..5, span in span(),
    ) {
        let metric = METRICS[metric];
        let program = program_of(metric, span, json!({}));
        let world = run(&plain(steps), program.clone());
        let account = world.account.as_ref().unwrap();
        let joined = program.calendar.month(account.joined_at);
        let mut highest = 0;
        for entry in &world.entries {
            if metric == "membership_months" {
                highest = highest.max(reached(metric, i64::from(program.calendar.month(entry.at).0 - joined.0)));
            }
            let Some(placed) = world.orders.values().find(|scored| scored.score.entry == entry.sequence) else { continue };
            let orders = known(&world, &program, entry.sequence);
            let own = program.calendar.month(placed.order.placed_at);
            let is_late = matches!(span, Span::Lifetime) || !placed.score.beyond_kept_months;
            let later = orders.iter().filter(|(month, _, is_kept)| *is_kept && *month > own && is_late).map(|(month, ..)| *month);
            for last in std::iter::once(own).chain(later).filter(|_| metric != "membership_months") {
                let in_it = orders.iter().filter(|(month, _, is_kept)| match span {
                    Span::Lifetime => true,
                    _ => *is_kept && span.holds(*month, last, joined),
                });
                let figure = in_it.map(|(_, scored, _)| counts(scored, metric, entry.sequence)).sum();
                highest = highest.max(reached(metric, figure));
            }
            prop_assert_eq!(placed.score.tier_after.as_str(), LEVELS[highest], "order {}", placed.order.key);
        }
        prop_assert_eq!(level(account.tier.as_str()), highest);
    }

    /// Reviews by years look at the year that ended, and at what came in its grace; whoever asks, and when.
    #[test]
    fn a_review_judges_what_the_orders_of_its_year_come_to(
        steps in prop::collection::vec(step(), 1..20), metric in 0_usize..4,
        starts in prop::option::of(1_i32..13), grace_days in 0_u16..181, rules in 0_usize..5,
        walks in prop_oneof![Just(Walks::Never), Just(Walks::InTime)],
    ) {
        let metric = METRICS[metric];
        let span = starts.map_or(Span::MembershipYear, Span::Year);
        let (upgrade, downgrade) = [
            ("at_once", "one_step"), ("at_once", "to_earned"),
            ("at_review", "one_step"), ("at_review", "to_earned"), ("at_review", "never"),
        ][rules];
        let program = program_of(metric, span, json!({
            "upgrade": upgrade, "review": { "grace_days": grace_days, "downgrade": downgrade },
        }));
        let steps: Vec<_> = plain(steps).into_iter().map(|step| Step { late_hours: 0, ..step }).collect();
        let schedule = schedule(program.clone());
        let mut world = run_walked(None, &steps, &schedule, walks);
        // And two years on, with nobody ordering any more.
        let account = world.account.clone().unwrap();
        let end = account.last_decided.plus_ms(24 * 800 * HOUR_MS);
        let (_, changes) = advance(&schedule, &account, end).unwrap();
        let sequence = account.version + 1;
        world.entries.push(Entry { sequence, at: end, changes, ..world.entries.last().unwrap().clone() });
        let joined = program.calendar.month(account.joined_at);
        for entry in &world.entries {
            for change in &entry.changes {
                let (at, figure, from, to) = match change {
                    Change::Tier(TierChange::Kept { tier, qualifying, reviewed_at }) => (*reviewed_at, qualifying, tier, tier),
                    Change::Tier(TierChange::Lowered { from, to, qualifying, reviewed_at }) => (*reviewed_at, qualifying, from, to),
                    Change::Tier(TierChange::Changed { from, to, qualifying, reviewed_at: Some(at) }) => (*at, qualifying, from, to),
                    _ => continue,
                };
                let start = program.calendar.start_of_day_before(at, grace_days);
                let year = program.calendar.month(start).plus(-12);
                prop_assert!(!span.holds(year.plus(11), year.plus(12), joined), "a year begins then: {start}");
                let orders = known(&world, &program, entry.sequence - 1).into_iter();
                let in_it = orders.filter(|(month, scored, _)| *month >= year && scored.order.placed_at < at);
                let expected: i64 = in_it.map(|(_, scored, _)| counts(&scored, metric, entry.sequence - 1)).sum();
                prop_assert_eq!(figure.amount().0, expected, "reviewed at {}", at);
                let (held, earned) = (level(from.as_str()), reached(metric, expected));
                let due = match (upgrade, downgrade) {
                    ("at_review", _) if earned > held => earned,
                    (_, "one_step") if earned < held => held - 1,
                    (_, "to_earned") if earned < held => earned,
                    _ => held,
                };
                prop_assert_eq!(level(to.as_str()), due);
            }
        }
    }

    #[test]
    fn a_history_of_any_tiers_replayed_differs_in_nothing(
        steps in prop::collection::vec(step(), 1..15), metric in 0_usize..5, span in span(), hours in 0_i64..24 * 500,
    ) {
        let review = match span {
            Span::Year(_) | Span::MembershipYear if metric < 4 => json!({ "grace_days": 20, "downgrade": "to_earned" }),
            _ => json!({ "hold_months": 5, "downgrade": "one_step" }),
        };
        let program = program_of(METRICS[metric], span, json!({ "review": review }));
        let schedule = schedule(program);
        let world = run_walked(None, &plain(steps), &schedule, Walks::InTime);
        let compared = world.simulated(&schedule, &schedule, hours).unwrap();
        prop_assert!(compared.is_reproduced());
        prop_assert_eq!(compared.in_force, compared.draft);
    }

    #[test]
    fn reviews_and_months_pass_the_same_in_one_step_or_in_many(
        steps in prop::collection::vec(step(), 1..10), metric in 0_usize..5, span in span(), grace_days in 0_u16..150,
        rules in 0_usize..3, hops in prop::collection::vec(0_i64..24 * 300, 1..6),
    ) {
        let (upgrade, downgrade) = [("at_once", "one_step"), ("at_review", "to_earned"), ("at_review", "never")][rules];
        let mut review = json!({ "grace_days": grace_days, "downgrade": downgrade });
        if matches!(span, Span::Rolling(_) | Span::Lifetime) || metric == 4 {
            review["hold_months"] = json!(7);
        }
        let program = program_of(METRICS[metric], span, json!({ "upgrade": upgrade, "review": review }));
        let schedule = schedule(program.clone());
        let account = run_walked(None, &plain(steps), &schedule, Walks::Never).account.unwrap();
        let (mut hopped, mut now) = (account.clone(), account.last_decided);
        for hop in hops {
            now = now.plus_ms(hop * HOUR_MS);
            hopped = advance(&schedule, &hopped, now).unwrap().0;
            prop_assert!(advance(&schedule, &hopped, now).unwrap().1.is_empty(), "done once");
        }
        prop_assert_eq!(advance(&schedule, &account, now).unwrap().0, hopped);
    }
}
