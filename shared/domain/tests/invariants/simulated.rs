//! Histories, replayed: under the versions that were in force they end where the account stands.

use super::*;
use crate::walks::{leads, versions};
use domain::money::Points;
use domain::simulation::{Compared, Facts, Figures, LeftOut, Outcome, Plan, simulate};

impl World {
    /// What is stored of the account.
    pub fn facts(&self) -> Option<Facts> {
        Some(Facts {
            account: self.account.clone()?,
            entries: self.entries.clone(),
            orders: self.orders.clone(),
            discounts: self.discounts.clone(),
            credit_notes: self.notes.values().map(|note| (note.return_id.clone(), note.clone())).collect(),
            opening: self.opening.clone(),
            roles: BTreeMap::new(),
        })
    }

    /// The same history under another schedule, looked at so many hours after its end.
    pub fn simulated(&self, in_force: &Schedule, draft: &Schedule, hours: i64) -> Option<Compared> {
        let facts = self.facts()?;
        let as_of = facts.account.last_decided.plus_ms(hours * HOUR_MS);
        let compared = simulate(&facts, &Plan { in_force, draft, secrets: &secrets(), as_of, assumed: None }).unwrap();
        for outcome in [&compared.happened, &compared.in_force.outcome, &compared.draft.outcome] {
            // Invariant 2, in the words of the report.
            let total = outcome.total().unwrap();
            assert_eq!(total.points_kept().unwrap().minus(total.points_spent), Ok(outcome.outstanding));
        }
        Some(compared)
    }
}

/// What decides anything of an account, as of an instant.
fn plain(account: &Account, schedule: &Schedule, at: Instant) -> Account {
    let (mut account, _) = advance(schedule, account, at).unwrap();
    account.discounts.iter_mut().for_each(|open| open.told_days = 0);
    Account { version: 0, last_decided: at, due: None, told: Vec::new(), ..account }
}

/// Steps without amendments: what an order said before it was amended is not kept.
fn unamended(steps: Vec<Step>) -> Vec<Step> {
    steps.into_iter().map(|step| Step { amend: None, ..step }).collect()
}

/// One tier, points that outlast any history and none written off: where a history ends hangs on no sequence.
fn level(points: i64) -> Schedule {
    let mut document = document(0, 60);
    document["earning_rules"] = json!([{ "id": "base", "name": "Base", "points": points, "per": "0.01" }]);
    document["tiers"]["levels"] = json!([{ "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" }]);
    schedule(Program::from_json(&document).unwrap())
}

fn doubled(figures: Figures) -> Figures {
    let twice = |points: Points| Points(points.0 * 2);
    Figures {
        points_issued: twice(figures.points_issued),
        points_reversed: twice(figures.points_reversed),
        points_expired: twice(figures.points_expired),
        ..figures
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_under_the_versions_in_force_ends_where_the_account_stands(
        steps in prop::collection::vec(step(), 1..30).prop_map(unamended),
        pending_days in 0_u16..31,
        validity_months in 2_u16..14,
        (hours, leads, validity_days) in (0_i64..24 * 500, leads(), 1_u16..60),
        later in 0_i64..24 * 500,
        walks in prop_oneof![Just(Walks::Never), Just(Walks::InTime), Just(Walks::AndBetween)],
        brought in prop::option::of(
            (prop::collection::btree_map(-60_i32..1_500, 0_i64..5_000, 0..12), prop_oneof![Just(0_i64), 1_i64..2_000]),
        ),
    ) {
        let schedule = versions(pending_days, validity_months, hours, &leads, validity_days);
        let brought = brought.as_ref().map(|(lots, debt)| (lots, *debt));
        let world = run_walked(brought, &steps, &schedule, walks);
        let Some(compared) = world.simulated(&schedule, &schedule, later) else { return Ok(()) };
        prop_assert_eq!(&compared.in_force, &compared.draft);
        prop_assert_eq!(&compared.in_force.left_out, &LeftOut::default());
        prop_assert_eq!(&compared.happened, &compared.in_force.outcome);
        let stored = world.account.as_ref().unwrap();
        let as_of = stored.last_decided.plus_ms(later * HOUR_MS);
        let replayed = compared.in_force.account.unwrap();
        prop_assert_eq!(plain(stored, &schedule, as_of), plain(&replayed, &schedule, as_of));
    }

    #[test]
    fn the_version_in_force_differs_in_nothing_whatever_was_amended(
        steps in prop::collection::vec(step(), 1..30),
        pending_days in 0_u16..31,
        hours in 0_i64..24 * 500,
    ) {
        let schedule = schedule(program(pending_days, 6));
        let world = run_walked(None, &steps, &schedule, Walks::Never);
        let Some(compared) = world.simulated(&schedule, &schedule, hours) else { return Ok(()) };
        prop_assert_eq!(&compared.in_force, &compared.draft);
        let amended = world.orders.values().filter(|scored| scored.history.amended.is_some()).count();
        prop_assert_eq!(compared.draft.left_out.orders_amended, amended as u64);
        prop_assert!(amended > 0 || compared.is_reproduced());
    }

    #[test]
    fn amended_orders_end_with_the_points_they_stand_with(
        // What a credit note finds hangs on what orders said when it came.
        steps in prop::collection::vec(step().prop_map(|step| Step { credit: None, ..step }), 1..30),
        hours in 0_i64..24 * 500,
    ) {
        let world = run_walked(None, &steps, &level(1), Walks::Never);
        let Some(compared) = world.simulated(&level(1), &level(1), hours) else { return Ok(()) };
        // Late orders are older than any history may be: their points may have ended when they were amended.
        let ended = |outcome: &Outcome| outcome.total().unwrap().points_expired != Points::ZERO;
        prop_assume!(!ended(&compared.happened) && !ended(&compared.in_force.outcome));
        prop_assert_eq!(compared.happened.outstanding, compared.in_force.outcome.outstanding);
        prop_assert_eq!(compared.in_force.left_out.returns_refused, 0);
    }

    #[test]
    fn a_draft_that_doubles_the_points_doubles_them(
        steps in prop::collection::vec(step(), 1..30), hours in 0_i64..24 * 500,
    ) {
        let world = run_walked(None, &steps, &level(1), Walks::InTime);
        let Some(compared) = world.simulated(&level(1), &level(2), hours) else { return Ok(()) };
        let (before, after) = (&compared.in_force.outcome, &compared.draft.outcome);
        let doubled = before.months.iter().map(|(month, figures)| (*month, doubled(*figures)));
        let expected: BTreeMap<_, _> = doubled.collect();
        prop_assert_eq!(&after.months, &expected);
        prop_assert_eq!(after.outstanding.0, before.outstanding.0 * 2);
        prop_assert_eq!(compared.in_force.left_out, compared.draft.left_out);
    }

    #[test]
    fn no_draft_breaks_the_books(
        steps in prop::collection::vec(step(), 1..30).prop_map(unamended),
        (pending_days, validity_months) in (0_u16..31, 2_u16..30),
        (hours, leads, validity_days) in (0_i64..24 * 500, leads(), 1_u16..60),
        match_months in prop::option::of(1_u16..4),
    ) {
        let in_force = versions(pending_days, validity_months, hours, &leads, validity_days);
        let mut draft = document(30 - pending_days, 32 - validity_months);
        draft["returns"] = json!({ "match_months": match_months.unwrap_or(120) });
        draft["discounts"][0]["minimum_total"] = json!("350");
        let draft = schedule(Program::from_json(&draft).unwrap());
        let world = run_walked(None, &steps, &in_force, Walks::InTime);
        let Some(compared) = world.simulated(&in_force, &draft, hours) else { return Ok(()) };
        let left_out = compared.draft.left_out;
        prop_assert_eq!((left_out.orders_refused, left_out.returns_refused, left_out.records_missing), (0, 0, 0));
        let life = compared.draft.account.unwrap().lifetime;
        prop_assert_eq!(life.orders, compared.orders, "no order is lost");
        let figures = compared.draft.outcome.total().unwrap();
        let count = |codes: fn(&ScoredOrder) -> usize| world.orders.values().map(|scored| codes(scored)).sum::<usize>() as i64;
        // Of those that a cancelled order gave back, the ones count that the draft does not issue.
        let named = count(|scored| scored.codes_in_use().len())..=count(|scored| scored.codes_used().len());
        prop_assert!(named.contains(&(figures.discounts_used + left_out.discounts_not_issued as i64)));
        prop_assert_eq!(figures.discount_value, life.discount_value);
    }
}
