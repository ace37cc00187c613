//! Budgets over all accounts, shared out among histories that are replayed one by one.
//!
//! Each history is replayed twice: first as if the budgets were its own, which says what its orders want of them. All
//! wants together are served in the sequence of their commits ([`Allotted::serve`]), and then each history is replayed
//! with what its orders were given. So what comes out hangs on nothing but what is stored.
//!
//! Commits of one instant are taken by account. A rule that would only have fired because another's budget was spent
//! wants nothing of its own.

use crate::earning::Granted;
use crate::id::{AccountId, RuleId};
use crate::limit::{Limit, LimitId, LimitKind};
use crate::money::{Overflow, Points};
use crate::program::Program;
use crate::schedule::Schedule;
use crate::time::Instant;
use std::collections::BTreeMap;

/// What an order wants of a budget.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Want {
    /// When it was committed.
    pub at: Instant,
    /// Whose order.
    pub account_id: AccountId,
    /// Sequence of its stored entry.
    pub entry: u64,
    /// The rule that has the budget.
    pub rule: RuleId,
    /// How much of it.
    pub points: Points,
    /// What that comes to in the order's version.
    pub budget: Points,
}

/// What each order is given of the budgets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allotted(BTreeMap<(AccountId, u64, RuleId), Points>);

/// The same of both replays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budgets {
    /// Under the versions that were in force.
    pub in_force: Allotted,
    /// Under the draft.
    pub draft: Allotted,
}

impl Budgets {
    /// Whether any version of a schedule has a budget, so that its histories hang on each other.
    pub fn are_in(schedule: &Schedule) -> bool {
        let has = |program: &Program| program.earning.rules().iter().any(|rule| rule.budget.is_some());
        schedule.from(Instant::MIN).any(|span| has(span.program))
    }
}

impl Allotted {
    /// Serves these wants in the sequence of their commits.
    pub fn serve(mut wants: Vec<Want>) -> Result<Self, Overflow> {
        wants.sort();
        let (mut used, mut given) = (BTreeMap::<RuleId, Points>::new(), BTreeMap::new());
        for Want { account_id, entry, rule, points, budget, .. } in wants {
            let used = used.entry(rule.clone()).or_default();
            let points = points.min(budget.minus(*used)?.max(Points::ZERO));
            *used = used.plus(points)?;
            given.insert((account_id, entry, rule), points);
        }
        Ok(Self(given))
    }

    /// The budgets of a program as an order finds them that is given what it is.
    pub(super) fn limits(&self, program: &Program, account: &AccountId, entry: u64) -> Result<Vec<Limit>, Overflow> {
        let budgets = program.earning.rules().iter().filter_map(|rule| Some((&rule.id, rule.budget?)));
        let limit = |(rule, budget): (&RuleId, Points)| {
            let given = self.0.get(&(account.clone(), entry, rule.clone())).copied().unwrap_or_default();
            let used = u64::try_from(budget.minus(given)?.0).map_err(|_| Overflow)?;
            Ok(Limit::used_up_to(LimitId::of(LimitKind::EarningBudget, rule), used))
        };
        budgets.map(limit).collect()
    }
}

/// What an order that was given so much wanted of which budget.
pub(super) fn wanted(granted: &Granted, program: &Program) -> Option<(RuleId, Points, Points)> {
    let rule = program.earning.rules().get(granted.place)?;
    Some((rule.id.clone(), granted.points, rule.budget?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn wants_are_served_in_the_sequence_of_their_commits_until_nothing_is_left() {
        let want = |at: i64, account: &str, rule: &str, points: i64, budget: i64| Want {
            at: Instant::from_ms(at),
            account_id: AccountId::parse(account).unwrap(),
            entry: 1,
            rule: RuleId::parse(rule).unwrap(),
            points: Points(points),
            budget: Points(budget),
        };
        let wants = vec![
            want(3, "a", "spring", 50, 100),
            want(2, "c", "spring", 50, 100),
            want(1, "b", "spring", 30, 100),
            want(4, "d", "spring", 50, 100),
            want(4, "e", "summer", 50, 100),
            // Another version raised it.
            want(5, "f", "spring", 50, 110),
            want(6, "g", "spring", 50, 90),
        ];
        let given = Allotted::serve(wants.clone()).unwrap();
        let given: Vec<_> =
            given.0.into_iter().map(|((account, ..), points)| (account.to_string(), points.0)).collect();
        let expected = [("a", 20), ("b", 30), ("c", 50), ("d", 0), ("e", 50), ("f", 10), ("g", 0)];
        assert_eq!(given, expected.map(|(account, points)| (account.to_owned(), points)));
        let backwards = wants.iter().rev().cloned().collect();
        assert_eq!(Allotted::serve(backwards), Allotted::serve(wants), "whoever reads them in which sequence");
    }
}
