//! Time, with and without walks over what falls due: the same answers, and every warning once.

use super::*;
use domain::ledger::{Change, DiscountChange, Entry, PointsChange, TierChange};
use domain::program::Program;
use domain::score::Score;
use domain::walk::{self, People, Walked};
use domain::warning::Walk;

/// The program with reviews and warnings.
fn reviewed(pending_days: u16, validity_months: u16) -> Program {
    Program::from_json(&reviewed_document(pending_days, validity_months)).unwrap()
}

fn reviewed_document(pending_days: u16, validity_months: u16) -> serde_json::Value {
    let mut document = super::document(pending_days, validity_months);
    document["tiers"]["review"] = json!({
        "hold_months": 1 + pending_days % 5, "grace_days": pending_days,
        "downgrade": if validity_months.is_multiple_of(2) { "one_step" } else { "to_earned" },
    });
    document["warnings"] = json!({
        "discount_expiring_days": [7], "points_expiring_days": [30, 1], "tier_at_risk_days": [14, 3],
    });
    document
}

/// The same, and a version that takes over so many hours after the start, with other leads, discounts and reviews.
pub fn versions(
    pending_days: u16,
    validity_months: u16,
    hours: i64,
    leads: &[Vec<u16>; 3],
    validity_days: u16,
) -> Schedule {
    let mut document = reviewed_document(pending_days, validity_months);
    let first = Program::from_json(&document).unwrap();
    let [discount, points, tier] = leads;
    document["warnings"] =
        json!({ "discount_expiring_days": discount, "points_expiring_days": points, "tier_at_risk_days": tier });
    document["discounts"][0]["validity_days"] = json!(validity_days);
    document["tiers"]["review"]["hold_months"] = json!(2);
    let second = Program::from_json(&document).unwrap();
    let from = Instant::parse(START).unwrap().plus_ms(hours * HOUR_MS);
    let activation = |from, version, program| Activation { from, version, program: Arc::new(program) };
    Schedule::new(vec![activation(Instant::MIN, 1, first), activation(from, 2, second)]).unwrap()
}

/// Some leads of each kind.
pub fn leads() -> impl Strategy<Value = [Vec<u16>; 3]> {
    let days = || prop::collection::btree_set(1_u16..60, 0..4).prop_map(|days| days.into_iter().collect::<Vec<_>>());
    [days(), days(), days()]
}

/// When an account is walked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Walks {
    Never,
    /// Four times a day, where anything is due.
    InTime,
    /// And before every step that finds it with nothing to be said.
    AndBetween,
}

/// The first of the instants, four a day, at which walks run.
fn next_run(at: Instant) -> Instant {
    const RUN_MS: i64 = 6 * HOUR_MS;
    Instant::from_ms((at.as_ms() + RUN_MS - 1) / RUN_MS * RUN_MS)
}

impl World {
    /// Walks the account until the context's instant.
    pub fn walk(&mut self, context: &Context<'_>, program: &Program, walks: Walks) {
        while let Some(account) = self.account.clone().filter(|_| walks != Walks::Never)
            && let Some(due) = account.due
        {
            let now = next_run(due.at.max(account.last_decided));
            if now > context.now {
                break;
            }
            self.walk_at(&Context { now, wall_day: now.utc_day(), ..*context }, program);
            let left = self.account.as_ref().unwrap().due;
            assert!(left.is_none_or(|left| left.at > now), "both walks leave nothing that is due: {left:?} at {now}");
        }
        if let Some(account) = self.account.as_ref().filter(|_| walks == Walks::AndBetween)
            && !Walk::ALL.into_iter().any(|walk| walk::warns(account, walk, context.schedule, context.now).unwrap())
        {
            self.walk_at(context, program);
        }
        let mut warned: BTreeMap<String, usize> = BTreeMap::new();
        for (occasion, most) in self.entries.iter().flat_map(|entry| &entry.changes).filter_map(occasion) {
            let times = warned.entry(occasion.clone()).or_default();
            *times += 1;
            assert!(*times <= most, "warned too often: {occasion}");
        }
    }

    fn walk_at(&mut self, context: &Context<'_>, program: &Program) {
        for walk in Walk::ALL {
            let decide = |world: &Self| {
                walk::decide(world.account.as_ref().unwrap(), walk, People::default(), None, context).unwrap()
            };
            decide(self).writes.into_iter().for_each(|write| self.apply(write));
            check(self, program);
            assert_ne!(decide(self).answer, Walked::Written, "a second walk at once writes nothing");
        }
    }

    /// What was said, and when.
    fn warnings(&self) -> Vec<(Instant, Change)> {
        let of = |entry: &Entry| {
            let at = entry.at;
            entry.changes.clone().into_iter().filter(|change| occasion(change).is_some()).map(move |c| (at, c))
        };
        self.entries.iter().flat_map(of).collect()
    }
}

/// What a warning is about; each is given as often as both versions together say at most.
fn occasion(change: &Change) -> Option<(String, usize)> {
    match change {
        Change::Discount(DiscountChange::Expiring { code, .. }) => Some((code.to_string(), 1 + 3)),
        Change::Points(PointsChange::Expiring { expires_at, .. }) => Some((format!("points {expires_at}"), 2 + 3)),
        Change::Tier(TierChange::AtRisk { review_at, .. }) => Some((format!("review {review_at}"), 2 + 3)),
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
        (hours, leads, validity_days) in (0_i64..24 * 500, leads(), 1_u16..60),
    ) {
        let schedule = versions(pending_days, validity_months, hours, &leads, validity_days);
        let run = |walks| run_walked(None, &steps, &schedule, walks);
        let (on, off) = (run(Walks::InTime), run(Walks::Never));
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
        let plain = |account: &Account| {
            let (mut account, _) = advance(&schedule, account, later).unwrap();
            account.discounts.iter_mut().for_each(|open| open.told_days = 0);
            Account { version: 0, last_decided: later, due: None, told: Vec::new(), ..account }
        };
        prop_assert_eq!(plain(&on), plain(&off));
    }

    #[test]
    fn what_is_said_does_not_hang_on_walks_that_say_nothing(
        steps in prop::collection::vec(step(), 1..20),
        pending_days in 0_u16..31,
        validity_months in 2_u16..14,
        (hours, leads, validity_days) in (0_i64..24 * 500, leads(), 1_u16..60),
    ) {
        let schedule = versions(pending_days, validity_months, hours, &leads, validity_days);
        let warnings = |walks| run_walked(None, &steps, &schedule, walks).warnings();
        prop_assert_eq!(warnings(Walks::InTime), warnings(Walks::AndBetween));
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
