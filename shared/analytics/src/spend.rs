//! What repeat buyers spend per purchase, counted so that the cost of a fit does not grow with their number.
//!
//! A cell holds the buyers with one frequency and nearly one mean spend, and the exact sum of what they spent. Only
//! its mean enters a fit: within a cell the mean spend differs by at most 1/128, so the log-likelihood is off by
//! about 1e-5 per buyer. Cells: at most 128 per doubling of the mean spend and frequency.

use crate::bucket::bucket;
use crate::histogram::Overflow;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Above this correlation (of either sign) between frequency and mean spend, a model that takes them as independent
/// is not to be used. 0.3 is where Cohen (1988) lets a correlation of medium strength begin; the CDNOW buyers have
/// 0.11.
pub const CORRELATION_MAX: f64 = 0.3;

/// Of a minor unit, how fine the mean spend is told apart at the very low end.
const FRACTIONS: u128 = 256;

/// Repeat buyers by frequency and mean spend.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    cells: BTreeMap<(u32, u16), Cell>,
    buyers: u64,
    left_out: u64,
}

/// Repeat buyers with one frequency and nearly one mean spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Repeat purchases of each buyer, at least one.
    pub frequency: u32,
    /// Buyers, at least one.
    pub buyers: u64,
    /// What all of them spent on these purchases, in minor units, at least one.
    pub spend: u128,
}

impl Cell {
    /// The mean spend per purchase, in minor units.
    fn mean(&self) -> f64 {
        // Exact sums up to 2^53, rounded beyond.
        self.spend as f64 / (self.buyers as f64 * f64::from(self.frequency))
    }
}

impl Spend {
    /// Takes in one customer: `spend` minor units over `frequency` repeat purchases. One without repeat purchase, or
    /// whose purchases came to nothing, is only counted as left out: the model knows no such spend.
    ///
    /// Fails with [`Overflow`], having changed nothing.
    pub fn record(&mut self, frequency: u32, spend: i64) -> Result<(), Overflow> {
        match u128::try_from(spend) {
            Ok(spend) if frequency > 0 && spend > 0 => self.add(&Cell { frequency, buyers: 1, spend }),
            _ => self.leave_out(1),
        }
    }

    /// Takes in a cell of another part, or one that was stored. One with a zero counts as left out.
    ///
    /// Fails with [`Overflow`], having changed nothing.
    pub fn add(&mut self, cell: &Cell) -> Result<(), Overflow> {
        let purchases = u128::from(cell.buyers).checked_mul(u128::from(cell.frequency)).ok_or(Overflow)?;
        // The mean of several lies in the same bucket as each of them, so the cell finds its place again.
        let fractions = cell.spend.checked_mul(FRACTIONS).ok_or(Overflow)?;
        let Some(mean) = fractions.checked_div(purchases).filter(|_| cell.spend > 0) else {
            return self.leave_out(cell.buyers);
        };
        let key = (cell.frequency, bucket(mean));
        let mut sum = self.cells.get(&key).copied().unwrap_or(Cell { buyers: 0, spend: 0, ..*cell });
        let buyers = self.buyers.checked_add(cell.buyers).ok_or(Overflow)?;
        sum.buyers = sum.buyers.checked_add(cell.buyers).ok_or(Overflow)?;
        sum.spend = sum.spend.checked_add(cell.spend).ok_or(Overflow)?;
        self.cells.insert(key, sum);
        self.buyers = buyers;
        Ok(())
    }

    /// Counts customers as left out, such as those that were stored as such. Fails with [`Overflow`].
    pub fn leave_out(&mut self, customers: u64) -> Result<(), Overflow> {
        self.left_out = self.left_out.checked_add(customers).ok_or(Overflow)?;
        Ok(())
    }

    /// Adds what another counted. Fails with [`Overflow`], having added nothing.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        let mut both = self.clone();
        both.leave_out(other.left_out)?;
        other.cells.values().try_for_each(|cell| both.add(cell))?;
        *self = both;
        Ok(())
    }

    /// The cells by frequency, then mean spend.
    pub fn iter(&self) -> impl Iterator<Item = Cell> {
        self.cells.values().copied()
    }

    /// Buyers in the cells.
    pub const fn buyers(&self) -> u64 {
        self.buyers
    }

    /// Customers without a spend that the model knows.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Frequency, mean spend in minor units and buyers of each cell.
    pub(crate) fn means(&self) -> impl Iterator<Item = (u32, f64, f64)> {
        self.cells.values().map(|cell| (cell.frequency, cell.mean(), cell.buyers as f64))
    }

    /// Pearson's correlation, −1 to 1, between frequency and mean spend over the buyers; nothing where all have the
    /// same frequency or the same mean spend. Compare with [`CORRELATION_MAX`].
    pub fn correlation(&self) -> Option<f64> {
        let total: f64 = self.means().map(|(_, _, buyers)| buyers).sum();
        let mean = |of: fn((u32, f64, f64)) -> f64| self.means().map(of).sum::<f64>() / total;
        let mean_x = mean(|(x, _, buyers)| buyers * f64::from(x));
        let mean_z = mean(|(_, z, buyers)| buyers * z);
        let (mut xx, mut xz, mut zz) = (0.0, 0.0, 0.0);
        for (x, z, buyers) in self.means() {
            let (x, z) = (f64::from(x) - mean_x, z - mean_z);
            xx += buyers * x * x;
            xz += buyers * x * z;
            zz += buyers * z * z;
        }
        // The mean of equal numbers may be off by rounding: so little is no variation.
        let varies = xx > 1e-20 * mean_x * mean_x * total && zz > 1e-20 * mean_z * mean_z * total;
        varies.then(|| (xz / (xx * zz).sqrt()).clamp(-1.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::*;
    use proptest::prelude::*;

    fn counted<'a>(customers: impl IntoIterator<Item = &'a (u32, i64)>) -> Spend {
        let mut spend = Spend::default();
        customers.into_iter().for_each(|(frequency, minor)| spend.record(*frequency, *minor).unwrap());
        spend
    }

    #[test]
    fn customers_without_spend_are_left_out() {
        let spend = counted(&[(0, 500), (2, 0), (2, -7), (2, 1)]);
        assert_eq!((spend.buyers(), spend.left_out()), (1, 3));
        let mut stored = Spend::default();
        stored.add(&Cell { frequency: 0, buyers: 4, spend: 5 }).unwrap();
        stored.add(&Cell { frequency: 4, buyers: 0, spend: 5 }).unwrap();
        assert_eq!((stored.buyers(), stored.left_out(), stored.iter().count()), (0, 4, 0));
    }

    #[test]
    fn a_sum_that_does_not_fit_changes_nothing() {
        let mut spend = counted(&[(1, 5)]);
        let before = spend.clone();
        assert_eq!(spend.add(&Cell { frequency: 1, buyers: u64::MAX, spend: 5 }), Err(Overflow));
        assert_eq!(spend.add(&Cell { frequency: 1, buyers: 1, spend: u128::MAX }), Err(Overflow));
        let mut many = counted(&[(2, 8)]);
        many.add(&Cell { frequency: 9, buyers: u64::MAX - 1, spend: 5 }).unwrap();
        assert_eq!(spend.merge(&many), Err(Overflow));
        assert_eq!(spend, before);
    }

    #[test]
    fn the_correlation_of_what_does_not_vary_is_none() {
        assert_eq!(counted(&[(3, 7), (3, 9)]).correlation(), None);
        assert_eq!(counted(&[(3, 9), (1, 3), (7, 21)]).correlation(), None);
        assert_eq!(Spend::default().correlation(), None);
        let rising = counted(&[(1, 100), (2, 400), (3, 900)]).correlation().unwrap();
        assert!((rising - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn parts_merged_in_any_order_are_the_whole_and_cells_find_their_place_again(
            customers in prop::collection::vec((0_u32..4, -9_i64..90_000), 0..80),
            owners in prop::collection::vec(0_usize..4, 80),
            order in Just([0_usize, 1, 2, 3]).prop_shuffle(),
        ) {
            let mut merged = Spend::default();
            for part in order {
                let mine = customers.iter().zip(&owners).filter(|(_, owner)| **owner == part).map(|(one, _)| one);
                merged.merge(&counted(mine)).unwrap();
            }
            let whole = counted(&customers);
            prop_assert_eq!(&merged, &whole);
            let mut stored = Spend::default();
            whole.iter().for_each(|cell| stored.add(&cell).unwrap());
            stored.leave_out(whole.left_out()).unwrap();
            prop_assert_eq!(stored, whole);
        }

        #[test]
        fn the_correlation_is_that_of_the_customers_themselves(
            customers in prop::collection::vec((1_u32..9, 100_i64..900_000), 20..60),
        ) {
            let spend = counted(&customers);
            let points: Vec<(f64, f64)> =
                customers.iter().map(|(x, minor)| (f64::from(*x), *minor as f64 / f64::from(*x))).collect();
            let n = points.len() as f64;
            let sum = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
            let (x, z, xz) = (sum(|p| p.0), sum(|p| p.1), sum(|p| p.0 * p.1));
            let (xx, zz) = (sum(|p| p.0 * p.0), sum(|p| p.1 * p.1));
            let direct = (n * xz - x * z) / ((n * xx - x * x).sqrt() * (n * zz - z * z).sqrt());
            prop_assume!(direct.is_finite());
            prop_assert!((spend.correlation().unwrap() - direct).abs() < 2e-3);
        }
    }
}
