//! How many customers share a value: counts that can be taken in parts and put together in any order.
//!
//! Counts are integers and the order is that of the keys, so the same customers give the same cells, byte for byte,
//! however they were split and merged. The cost of what reads one grows with its cells, not with customers.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A count or a sum that does not fit its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sum does not fit its integer")]
pub struct Overflow;

impl From<domain::money::Overflow> for Overflow {
    fn from(domain::money::Overflow: domain::money::Overflow) -> Self {
        Self
    }
}

/// Customers counted by `K`. A cell that is there counts at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "K: Ord + Deserialize<'de>"))]
pub struct Histogram<K> {
    counts: BTreeMap<K, u64>,
    total: u64,
}

impl<K> Default for Histogram<K> {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), total: 0 }
    }
}

impl<K: Ord + Copy> Histogram<K> {
    /// Counts `customers` more under `key`. Fails with [`Overflow`], having counted nothing, where the total would
    /// not fit a `u64`.
    pub fn record(&mut self, key: K, customers: u64) -> Result<(), Overflow> {
        self.total = self.total.checked_add(customers).ok_or(Overflow)?;
        if customers == 0 {
            return Ok(());
        }
        // No cell exceeds the total, which has just been seen to fit.
        match self.counts.entry(key) {
            Entry::Vacant(cell) => drop(cell.insert(customers)),
            Entry::Occupied(mut cell) => *cell.get_mut() = cell.get().saturating_add(customers),
        }
        Ok(())
    }

    /// Adds what another counted. Fails with [`Overflow`], having added nothing, where the total would not fit a
    /// `u64`.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.total.checked_add(other.total).ok_or(Overflow)?;
        other.iter().try_for_each(|(key, customers)| self.record(key, customers))
    }

    /// The cells in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (K, u64)> {
        self.counts.iter().map(|(key, customers)| (*key, *customers))
    }

    /// How many customers were counted.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.counts.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn counted(records: &[(u8, u64)]) -> Histogram<u8> {
        let mut histogram = Histogram::default();
        records.iter().for_each(|(key, customers)| histogram.record(*key, *customers).unwrap());
        histogram
    }

    #[test]
    fn a_total_that_does_not_fit_changes_nothing() {
        let mut histogram = counted(&[(1, u64::MAX - 1), (2, 1)]);
        let before = histogram.clone();
        assert_eq!(histogram.record(1, 1), Err(Overflow));
        assert_eq!(histogram.merge(&counted(&[(3, 0), (4, 2)])), Err(Overflow));
        assert_eq!(histogram, before);
    }

    #[test]
    fn a_count_of_none_makes_no_cell() {
        assert_eq!(counted(&[(7, 0)]), Histogram::default());
    }

    proptest! {
        #[test]
        fn parts_merged_in_any_order_are_the_whole(
            records in prop::collection::vec((0_u8..9, 0_u64..1_000), 0..60),
            owners in prop::collection::vec(0_usize..5, 60),
            order in Just([0_usize, 1, 2, 3, 4]).prop_shuffle(),
        ) {
            let mut merged = Histogram::default();
            for part in order {
                let mine = records.iter().zip(&owners).filter(|(_, owner)| **owner == part).map(|(record, _)| *record);
                merged.merge(&counted(&mine.collect::<Vec<_>>())).unwrap();
            }
            let whole = counted(&records);
            prop_assert!(merged.iter().eq(whole.iter()));
            prop_assert_eq!(merged.total(), records.iter().map(|(_, customers)| customers).sum::<u64>());
            prop_assert_eq!(merged, whole);
        }
    }
}
