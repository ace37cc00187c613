//! Limits over all accounts, shared out among histories that are replayed one by one.
//!
//! A budget or a stock makes histories hang on each other: what an order finds of it is what the orders before it, of
//! whatever account, have left. A replay of all accounts is a *pass*. It assumes what everybody takes of each limit and
//! when ([`Timeline`]): an order finds a limit used up to the sum of all takes before its own place in the sequence of
//! commits. What is taken in the pass itself is what the next one assumes.
//!
//! A pass that takes what it assumed is the replay of all accounts together in the sequence of their commits, and its
//! report is the result: the first commit finds untouched limits, as it should, and each later one what those before it
//! took, in this very pass. So there is one such pass at most, whatever was assumed at first, and the same facts come to
//! the same result. The first assumes what is stored ([`Takes::stored`]): the versions in force come to what happened at
//! once, and so does a draft that gives what they gave.
//!
//! Each pass gets one take more right at least, and mostly all but those that hang on a limit having run out: about two
//! passes for each limit that does. A history that has not settled after [`PASSES_MAX`] has no result.
//!
//! Commits of one instant are taken by account.

use super::{Compared, Facts, Plan};
use crate::earning::Granted;
use crate::id::AccountId;
use crate::ledger::{Cause, Entry};
use crate::limit::{Limit, LimitId, LimitKind};
use crate::money::Overflow;
use crate::program::Program;
use crate::rewards::stock_id;
use crate::schedule::Schedule;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most passes of a simulation. Real limits settle within two for each that runs out, and a program has seven budgets
/// at most; whoever makes a history that does not settle by then is told so, after a bounded time.
pub const PASSES_MAX: u32 = 32;

/// What one commit takes of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// When it was committed.
    pub at: Instant,
    /// Whose commit.
    pub account_id: AccountId,
    /// Sequence of its stored entry.
    pub entry: u64,
    /// Of which limit.
    pub limit: LimitId,
    /// How much; what is given back is below zero.
    pub amount: i64,
}

/// What commits take on both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Takes {
    /// Under the versions that were in force.
    pub in_force: Vec<Take>,
    /// Under the draft.
    pub draft: Vec<Take>,
}

/// What is taken of limits over all accounts, in the sequence of commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline(BTreeMap<LimitId, Vec<Mark>>);

/// A take in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    at: Instant,
    account_id: AccountId,
    entry: u64,
    amount: i64,
    /// What is used with it.
    used: i64,
}

/// What a pass assumes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assumed {
    /// Under the versions that were in force.
    pub in_force: Timeline,
    /// Under the draft.
    pub draft: Timeline,
}

/// Whether a pass takes what it assumed, as far as it has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeating {
    in_force: Repeated,
    draft: Repeated,
}

/// The same of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Repeated {
    /// How many takes were assumed.
    same: u64,
    /// How many were not.
    other: u64,
}

impl Takes {
    /// What is stored of what an account took, for both sides. An order that was amended was given what it was when it
    /// was first scored.
    pub fn stored(facts: &Facts, in_force: &Schedule) -> Self {
        let mut takes = Vec::new();
        for entry in facts.entries() {
            match &entry.cause {
                Cause::OrderPlaced { order } => {
                    let Some(scored) = facts.orders.get(order) else { continue };
                    let Some(version) = in_force.version(scored.score.program_version) else { continue };
                    takes.extend(of_order(&scored.score.granted, &version.program, (&facts.account.id, entry)));
                }
                Cause::RewardRedeemed { .. } => takes.extend(of_stock(facts, in_force, entry, entry, 1)),
                Cause::RewardCancelled { redemption } => {
                    let redeemed = facts.entries().find(|entry| entry.sequence == *redemption);
                    takes.extend(redeemed.and_then(|redeemed| of_stock(facts, in_force, redeemed, entry, -1)));
                }
                _ => {}
            }
        }
        Self { in_force: takes.clone(), draft: takes }
    }

    /// How many they are, both sides together.
    pub fn count(&self) -> u64 {
        u64::try_from(self.in_force.len().saturating_add(self.draft.len())).unwrap_or(u64::MAX)
    }

    /// Those of others, too.
    pub fn extend(&mut self, others: Self) {
        self.in_force.extend(others.in_force);
        self.draft.extend(others.draft);
    }

    /// Without those after an instant: who simulates knows of all before it, and others may go on meanwhile.
    pub fn retain_until(&mut self, until: Instant) {
        [&mut self.in_force, &mut self.draft].into_iter().for_each(|takes| takes.retain(|take| take.at <= until));
    }
}

/// What was taken of the stock of the reward that an entry redeemed.
fn of_stock(facts: &Facts, in_force: &Schedule, redeemed: &Entry, by: &Entry, amount: i64) -> Option<Take> {
    let Cause::RewardRedeemed { reward } = &redeemed.cause else { return None };
    let mut rewards = in_force.at(redeemed.at).program.rewards.iter();
    rewards.find(|own| own.id == *reward && own.stock.is_some())?;
    let (account_id, limit) = (facts.account.id.clone(), stock_id(reward));
    Some(Take { at: by.at, account_id, entry: by.sequence, limit, amount })
}

/// What an order takes of budgets that was granted so much.
pub(super) fn of_order(granted: &[Granted], program: &Program, (account_id, entry): (&AccountId, &Entry)) -> Vec<Take> {
    let rules = program.earning.rules();
    let take = |granted: &Granted| {
        let rule = rules.get(granted.place).filter(|rule| rule.budget.is_some() && granted.points.0 != 0)?;
        let limit = LimitId::of(LimitKind::EarningBudget, &rule.id);
        let (at, entry, account_id) = (entry.at, entry.sequence, account_id.clone());
        Some(Take { at, account_id, entry, limit, amount: granted.points.0 })
    };
    granted.iter().filter_map(take).collect()
}

impl Timeline {
    /// These takes in the sequence of their commits.
    pub fn of(takes: Vec<Take>) -> Result<Self, Overflow> {
        let mut limits = BTreeMap::<LimitId, Vec<Mark>>::new();
        for Take { at, account_id, entry, limit, amount } in takes {
            limits.entry(limit).or_default().push(Mark { at, account_id, entry, amount, used: 0 });
        }
        for marks in limits.values_mut() {
            marks.sort_by(|one, other| one.place().cmp(&other.place()));
            let mut used = 0_i64;
            for mark in marks {
                used = used.checked_add(mark.amount).ok_or(Overflow)?;
                mark.used = used;
            }
        }
        Ok(Self(limits))
    }

    /// A limit as a commit finds it.
    pub(super) fn limit(&self, id: LimitId, account_id: &AccountId, entry: &Entry) -> Limit {
        let used = self.marks(&id, (entry.at, account_id, entry.sequence)).0.last().map_or(0, |mark| mark.used);
        Limit::used_up_to(id, u64::try_from(used).unwrap_or(0))
    }

    /// Whether this is one of them.
    fn holds(&self, take: &Take) -> bool {
        let place = (take.at, &take.account_id, take.entry);
        let (_, from) = self.marks(&take.limit, place);
        from.first().is_some_and(|mark| mark.place() == place && mark.amount == take.amount)
    }

    /// How many they are.
    fn count(&self) -> u64 {
        let count = self.0.values().fold(0_usize, |count, marks| count.saturating_add(marks.len()));
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// The marks of a limit before a place, and from there on.
    fn marks(&self, limit: &LimitId, place: (Instant, &AccountId, u64)) -> (&[Mark], &[Mark]) {
        let marks = self.0.get(limit).map_or(&[][..], Vec::as_slice);
        marks.split_at(marks.partition_point(|mark| mark.place() < place))
    }
}

impl Mark {
    fn place(&self) -> (Instant, &AccountId, u64) {
        (self.at, &self.account_id, self.entry)
    }
}

impl Assumed {
    /// What a pass assumes after which these takes were taken, or stored.
    pub fn of(takes: Takes) -> Result<Self, Overflow> {
        Ok(Self { in_force: Timeline::of(takes.in_force)?, draft: Timeline::of(takes.draft)? })
    }

    /// Whether any version of a plan has limits over all accounts, so that its histories hang on each other.
    pub fn is_needed(plan: &Plan<'_>) -> bool {
        let has_budget = |program: &Program| program.earning.rules().iter().any(|rule| rule.budget.is_some());
        let has_stock = |program: &Program| program.rewards.iter().any(|reward| reward.stock.is_some());
        let mut spans = plan.in_force.from(Instant::MIN).chain(plan.draft.from(Instant::MIN));
        spans.any(|span| has_budget(span.program) || has_stock(span.program))
    }
}

impl Repeating {
    /// Notes what an account took in a pass that assumed this.
    pub fn note(&mut self, takes: &Takes, assumed: &Assumed) {
        self.in_force.note(&takes.in_force, &assumed.in_force);
        self.draft.note(&takes.draft, &assumed.draft);
    }

    /// Whether all accounts together have taken what was assumed, and nobody anything else.
    pub fn has_settled(&self, assumed: &Assumed) -> bool {
        let is_all = |of: &Repeated, timeline: &Timeline| of.other == 0 && of.same == timeline.count();
        is_all(&self.in_force, &assumed.in_force) && is_all(&self.draft, &assumed.draft)
    }
}

impl Repeated {
    fn note(&mut self, takes: &[Take], assumed: &Timeline) {
        for take in takes {
            let count = if assumed.holds(take) { &mut self.same } else { &mut self.other };
            *count = count.saturating_add(1);
        }
    }
}

impl Compared {
    /// What its replays took of limits over all accounts; afterwards it says so no more.
    pub fn take_takes(&mut self) -> Takes {
        let [in_force, draft] = [&mut self.in_force, &mut self.draft].map(|side| std::mem::take(&mut side.takes));
        Takes { in_force, draft }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::id::RuleId;

    fn take(at: i64, account: &str, entry: u64, rule: &str, amount: i64) -> Take {
        Take {
            at: Instant::from_ms(at),
            account_id: AccountId::parse(account).unwrap(),
            entry,
            limit: LimitId::of(LimitKind::EarningBudget, &RuleId::parse(rule).unwrap()),
            amount,
        }
    }

    fn takes() -> Vec<Take> {
        vec![
            take(3, "a", 2, "spring", 50),
            take(1, "b", 1, "spring", 30),
            take(3, "c", 1, "spring", -20),
            take(3, "a", 1, "spring", 5),
            take(2, "a", 1, "summer", 7),
        ]
    }

    #[test]
    fn a_commit_finds_what_all_before_it_took_and_nothing_of_its_own() {
        let timeline = Timeline::of(takes()).unwrap();
        let found = |at: i64, account: &str, entry: u64, rule: &str| {
            let take = take(at, account, entry, rule, 0);
            let marks = timeline.marks(&take.limit, (take.at, &take.account_id, entry)).0;
            marks.last().map_or(0, |mark| mark.used)
        };
        for (place, used) in [
            ((1, "a", 9, "spring"), 0),
            ((1, "b", 1, "spring"), 0),
            ((1, "b", 2, "spring"), 30),
            ((3, "a", 1, "spring"), 30),
            ((3, "a", 2, "spring"), 35),
            ((3, "b", 1, "spring"), 85),
            ((4, "a", 1, "spring"), 65),
            ((2, "b", 1, "summer"), 7),
            ((9, "b", 1, "winter"), 0),
        ] {
            let (at, account, entry, rule) = place;
            assert_eq!(found(at, account, entry, rule), used, "{place:?}");
        }
        let backwards = takes().into_iter().rev().collect();
        assert_eq!(Timeline::of(backwards).unwrap(), timeline, "whoever reads them in which sequence");
    }

    #[test]
    fn a_pass_has_settled_that_takes_all_that_it_assumed_and_nothing_else() {
        let both = |takes: &[Take]| Takes { in_force: takes.to_vec(), draft: takes.to_vec() };
        let assumed = Assumed::of(both(&takes())).unwrap();
        let settles = |taken: Takes| {
            let mut repeating = Repeating::default();
            repeating.note(&taken, &assumed);
            repeating.has_settled(&assumed)
        };
        assert!(settles(both(&takes())));
        let mut other = takes();
        other[0].amount += 1;
        let more = [takes(), vec![take(9, "d", 1, "spring", 1)]].concat();
        for taken in [&takes()[1..], &other, &more] {
            assert!(!settles(both(taken)), "{taken:?}");
            assert!(!settles(Takes { in_force: taken.to_vec(), draft: takes() }), "the versions in force");
            assert!(!settles(Takes { in_force: takes(), draft: taken.to_vec() }), "the draft");
        }
    }
}
