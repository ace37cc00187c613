//! Accounts that somebody should look at, by name: a bounded number of each kind.

use crate::history::History;
use domain::qualification::Metric;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Accounts of a published list.
pub const LISTED_MAX: usize = 20;
/// Accounts that each part proposes as at risk: who is listed is decided by the model that all parts make.
pub const CANDIDATES_MAX: usize = 200;

/// The first `MAX` of what it was offered, in the order of the items: the same in whatever parts they were offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound(deserialize = "T: Ord + Deserialize<'de>"))]
pub struct Ranking<T: Ord, const MAX: usize>(BTreeSet<T>);

impl<T: Ord, const MAX: usize> Default for Ranking<T, MAX> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<T: Ord, const MAX: usize> Ranking<T, MAX> {
    /// Offers an item.
    pub fn offer(&mut self, item: T) {
        self.0.insert(item);
        if self.0.len() > MAX {
            self.0.pop_last();
        }
    }

    /// Whether an item would find a place; it saves making one that does not.
    pub fn takes(&self, item: impl Fn(&T) -> bool) -> bool {
        self.0.len() < MAX || self.0.last().is_some_and(item)
    }

    /// Takes in what another was offered.
    pub fn merge(&mut self, other: Self) {
        other.0.into_iter().for_each(|item| self.offer(item));
    }

    /// The items, the first first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An account that has nearly reached the next tier. The nearest first, as a share of the threshold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Near {
    /// What is missing, in millionths of the threshold.
    pub missing_ppm: u32,
    /// Which account.
    pub account_id: String,
    /// The tier it holds.
    pub tier: String,
    /// The next one.
    pub next_tier: String,
    /// What is missing, in the unit of the metric.
    pub missing: i64,
    /// What it is counted in. Nights of before there was another did not say.
    #[serde(default)]
    pub metric: Metric,
}

/// An account whose revenue changed: the trailing three months against the three before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mover<C> {
    /// After less before, in minor units.
    pub change: C,
    /// Which account.
    pub account_id: String,
    /// Revenue of the three months before, in minor units.
    pub before: i128,
    /// Revenue of the trailing three months, in minor units.
    pub after: i128,
}

/// An account that may be leaving. The most at stake first, by the model known before the night.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Candidate {
    /// The revenue at stake by that model, in minor units.
    pub stake: Reverse<i128>,
    /// Which account.
    pub account_id: String,
    /// Its history.
    pub history: History,
    /// Days since its last order.
    pub days_since: i32,
    /// Days that lay between its orders on average; 0 where it ordered once.
    pub gap_days: i32,
    /// Its revenue of the trailing twelve months, in minor units.
    pub revenue: i128,
}

/// The lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    /// Nearest to the next tier.
    pub near_next_tier: Ranking<Near, LISTED_MAX>,
    /// Whose revenue rose most.
    pub rising: Ranking<Mover<Reverse<i128>>, LISTED_MAX>,
    /// Whose revenue fell most.
    pub falling: Ranking<Mover<i128>, LISTED_MAX>,
    /// Who may be leaving.
    pub candidates: Ranking<Candidate, CANDIDATES_MAX>,
}

impl Lists {
    /// Offers the change of an account's revenue.
    pub(super) fn moved(&mut self, account_id: &str, before: i128, after: i128) {
        let change = after.saturating_sub(before);
        if change > 0 && self.rising.takes(|last| change >= last.change.0) {
            self.rising.offer(Mover { change: Reverse(change), account_id: account_id.to_owned(), before, after });
        }
        if change < 0 && self.falling.takes(|last| change <= last.change) {
            self.falling.offer(Mover { change, account_id: account_id.to_owned(), before, after });
        }
    }

    /// Adds what another was offered.
    pub fn merge(&mut self, other: Self) {
        self.near_next_tier.merge(other.near_next_tier);
        self.rising.merge(other.rising);
        self.falling.merge(other.falling);
        self.candidates.merge(other.candidates);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn offered(items: impl IntoIterator<Item = u8>) -> Ranking<u8, 4> {
        let mut ranking = Ranking::default();
        items.into_iter().for_each(|item| ranking.offer(item));
        ranking
    }

    #[test]
    fn a_full_ranking_takes_only_what_finds_a_place() {
        let ranking = offered([9, 3, 7]);
        assert!(ranking.takes(|_| false), "there is room");
        let full = offered([9, 3, 7, 5, 8]);
        assert!(full.iter().eq([&3, &5, &7, &8]) && full.len() == 4);
        assert!(full.takes(|last| 7 <= *last) && !full.takes(|last| 9 <= *last));
        assert!(Ranking::<u8, 4>::default().is_empty() && !full.is_empty());
        assert_eq!(offered([2, 2, 2]).len(), 1, "the same is one");
    }

    proptest! {
        #[test]
        fn the_first_are_the_first_however_they_are_offered(
            items in prop::collection::vec((any::<u8>(), 0_usize..3), 0..30),
            order in Just([0_usize, 1, 2]).prop_shuffle(),
        ) {
            let mut merged = Ranking::<u8, 4>::default();
            for part in order {
                let mine = items.iter().filter(|(_, owner)| *owner == part).map(|(item, _)| *item);
                let mut ranking = Ranking::<u8, 4>::default();
                for item in mine {
                    // What finds no place need not be offered.
                    if ranking.takes(|last| item <= *last) {
                        ranking.offer(item);
                    }
                }
                merged.merge(ranking);
            }
            let mut sorted: Vec<_> = items.iter().map(|(item, _)| *item).collect();
            sorted.sort_unstable();
            sorted.dedup();
            sorted.truncate(4);
            prop_assert_eq!(merged.iter().copied().collect::<Vec<_>>(), sorted);
            let bytes = postcard::to_stdvec(&merged).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Ranking<u8, 4>>(&bytes).unwrap(), merged);
        }
    }
}
