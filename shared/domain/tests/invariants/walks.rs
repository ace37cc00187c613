//! Time, with and without walks over what falls due: the same answers, and every warning once.

use super::*;
use domain::ledger::Change;
use domain::program::Program;
use domain::score::Score;
use domain::walk::{self, Walked};
use domain::warning::Walk;

/// The program with reviews and warnings.
fn reviewed(pending_days: u16, validity_months: u16) -> Program {
    let mut document = super::document(pending_days, validity_months);
    document["tiers"]["review"] = json!({
        "hold_months": 1 + pending_days % 5, "grace_days": pending_days,
        "downgrade": if validity_months.is_multiple_of(2) { "one_step" } else { "to_earned" },
    });
    document["warnings"] = json!({
        "discount_expiring_days": [7], "points_expiring_days": [30, 1], "tier_at_risk_days": [14, 3],
    });
    Program::from_json(&document).unwrap()
}

impl World {
    /// Walks the account whenever something falls due until the context's instant, each walk some hours late.
    pub fn walk(&mut self, context: &Context<'_>, program: &Program) {
        while let Some(account) = self.account.clone()
            && let Some(due) = account.due
        {
            let now = due.at.max(account.last_decided).plus_ms(6 * HOUR_MS);
            if now > context.now {
                break;
            }
            let context = Context { now, wall_day: now.utc_day(), ..*context };
            for walk in Walk::ALL {
                let decide =
                    |world: &Self| walk::decide(world.account.as_ref().unwrap(), walk, None, &context).unwrap();
                decide(self).writes.into_iter().for_each(|write| self.apply(write));
                check(self, program);
                assert_ne!(decide(self).answer, Walked::Written, "a second walk at once writes nothing");
            }
            let left = self.account.as_ref().unwrap().due;
            assert!(left.is_none_or(|left| left.at > now), "both walks leave nothing that is due: {left:?} at {now}");
        }
        let mut warned: BTreeMap<String, usize> = BTreeMap::new();
        for (occasion, most) in self.entries.iter().flat_map(|entry| &entry.changes).filter_map(occasion) {
            let times = warned.entry(occasion.clone()).or_default();
            *times += 1;
            assert!(*times <= most, "warned too often: {occasion}");
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_both_walks_off_everything_is_as_with_them_on(
        steps in prop::collection::vec(step(), 1..20),
        pending_days in 0_u16..31,
        validity_months in 2_u16..14,
    ) {
        let program = reviewed(pending_days, validity_months);
        let run = |walked| run_walked(None, &steps, program.clone(), walked);
        let (on, off) = (run(true), run(false));
        let score = |scored: &Arc<ScoredOrder>| Score { entry: 0, ..scored.score.clone() };
        let scores = |world: &World| world.orders.values().map(score).collect::<Vec<_>>();
        prop_assert_eq!(scores(&on), scores(&off));
        let discounts = |world: &World| {
            let of = |discount: &domain::discount::Discount| (discount.code.clone(), discount.expires_at, discount.used_by.clone());
            world.discounts.values().map(of).collect::<Vec<_>>()
        };
        prop_assert_eq!(discounts(&on), discounts(&off));
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
    fn reviews_pass_the_same_in_one_step_or_in_two_and_none_before_its_time(
        steps in prop::collection::vec(step(), 1..15),
        pending_days in 0_u16..31,
        first in 0_i64..24 * 500,
        second in 0_i64..24 * 500,
    ) {
        let account = run(&steps, reviewed(pending_days, 3)).account.unwrap();
        let schedule = schedule(reviewed(pending_days, 3));
        let middle = account.last_decided.plus_ms(first * HOUR_MS);
        let end = middle.plus_ms(second * HOUR_MS);
        let (half, _) = advance(&schedule, &account, middle).unwrap();
        let at_once = advance(&schedule, &account, end).unwrap().0;
        prop_assert_eq!(at_once, advance(&schedule, &half, end).unwrap().0);
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
}
