//! How amounts are distributed over customers: median, quantiles and mean, from counts that merge in any order.

use crate::bucket::{bucket, range};
use crate::histogram::{Histogram, Overflow};
use serde::{Deserialize, Serialize};

/// Amounts in minor units, counted in buckets of equal relative width. Sum, least and greatest are exact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// By bucket of the magnitude, mirrored below zero: so in the order of the amounts.
    counts: Histogram<i32>,
    sum: i128,
    bounds: Option<(i64, i64)>,
}

impl Distribution {
    /// Counts one amount. Fails with [`Overflow`], having counted nothing.
    pub fn record(&mut self, amount: i64) -> Result<(), Overflow> {
        let sum = self.sum.checked_add(amount.into()).ok_or(Overflow)?;
        let magnitude = i32::from(bucket(amount.unsigned_abs().into()));
        self.counts.record(if amount < 0 { magnitude.saturating_neg() } else { magnitude }, 1)?;
        self.sum = sum;
        self.widen(Some((amount, amount)));
        Ok(())
    }

    /// Adds what another counted. Fails with [`Overflow`], having added nothing.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        let sum = self.sum.checked_add(other.sum).ok_or(Overflow)?;
        self.counts.merge(&other.counts)?;
        self.sum = sum;
        self.widen(other.bounds);
        Ok(())
    }

    /// A distribution from what was stored of it: [`Self::counts`], [`Self::sum`] and [`Self::bounds`]. Nothing where
    /// the bounds contradict each other or the counts.
    pub fn restored(counts: Histogram<i32>, sum: i128, bounds: Option<(i64, i64)>) -> Option<Self> {
        let fits = bounds.map_or(counts.total() == 0, |(least, greatest)| least <= greatest && counts.total() > 0);
        fits.then_some(Self { counts, sum, bounds })
    }

    fn widen(&mut self, other: Option<(i64, i64)>) {
        let both = self.bounds.into_iter().chain(other);
        self.bounds = both.reduce(|(low, high), (least, greatest)| (low.min(least), high.max(greatest)));
    }

    /// The counts by bucket, from the least amounts to the greatest.
    pub const fn counts(&self) -> &Histogram<i32> {
        &self.counts
    }

    /// How many amounts were counted.
    pub const fn total(&self) -> u64 {
        self.counts.total()
    }

    /// The exact sum of the amounts, in minor units. The mean is this over [`Self::total`].
    pub const fn sum(&self) -> i128 {
        self.sum
    }

    /// The least and the greatest amount, exact; nothing without amounts.
    pub const fn bounds(&self) -> Option<(i64, i64)> {
        self.bounds
    }

    /// The amount that `part` of `whole` of the amounts do not exceed (1 of 2: the median), by the nearest rank: the
    /// amount of rank `⌈part · n / whole⌉`, at least 1 and at most `n`. Nothing without amounts or where `whole` is
    /// 0.
    ///
    /// The answer is the middle of that amount's bucket, so off by at most 1/256 of it (0.4 %); up to 255 minor
    /// units, at the least and at the greatest amount it is exact.
    pub fn quantile(&self, part: u32, whole: u32) -> Option<i64> {
        let (least, greatest) = self.bounds?;
        let ranks = u128::from(self.total());
        let rank = ranks.saturating_mul(part.into()).checked_add(u128::from(whole).saturating_sub(1))?;
        let rank = rank.checked_div(whole.into())?.clamp(1, ranks.max(1));
        let mut counted = 0_u128;
        let (bucket, _) = self.counts.iter().find(|(_, count)| {
            counted = counted.saturating_add(u128::from(*count));
            counted >= rank
        })?;
        let (low, high) = range(u16::try_from(bucket.unsigned_abs()).ok()?);
        let magnitude = i128::try_from(low.saturating_add(high.saturating_sub(low) / 2)).ok()?;
        let middle = if bucket < 0 { magnitude.saturating_neg() } else { magnitude };
        if rank == ranks {
            return Some(greatest);
        }
        i64::try_from(middle.clamp(least.into(), greatest.into())).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    fn counted<'a>(amounts: impl IntoIterator<Item = &'a i64>) -> Distribution {
        let mut distribution = Distribution::default();
        amounts.into_iter().for_each(|amount| distribution.record(*amount).unwrap());
        distribution
    }

    #[test]
    fn small_amounts_are_exact() {
        let distribution = counted(&[-3, 0, 4, 4, 250]);
        let quantiles = [(0, 1), (1, 5), (2, 5), (1, 2), (4, 5), (1, 1), (7, 5)];
        let amounts = quantiles.map(|(part, whole)| distribution.quantile(part, whole).unwrap());
        assert_eq!(amounts, [-3, -3, 0, 4, 4, 250, 250]);
        assert_eq!(distribution.quantile(1, 0), None);
        assert_eq!(Distribution::default().quantile(1, 2), None);
    }

    #[test]
    fn the_ends_of_the_scale_are_exact() {
        let distribution = counted(&[i64::MIN, i64::MAX]);
        assert_eq!(distribution.quantile(1, 2), Some(i64::MIN));
        assert_eq!(distribution.quantile(1, 1), Some(i64::MAX));
        assert_eq!((distribution.sum(), distribution.bounds()), (-1, Some((i64::MIN, i64::MAX))));
    }

    #[test]
    fn what_contradicts_itself_is_not_restored() {
        let whole = counted(&[1, 2]);
        for bounds in [None, Some((2, 1))] {
            assert_eq!(Distribution::restored(whole.counts().clone(), whole.sum(), bounds), None);
        }
        assert_eq!(Distribution::restored(Histogram::default(), 0, Some((1, 1))), None);
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_sorted_amounts_within_the_stated_error(
            mut amounts in prop::collection::vec(-50_000_000_i64..900_000_000, 1..200),
            part in 0_u32..=20,
        ) {
            let distribution = counted(&amounts);
            amounts.sort_unstable();
            let rank = (amounts.len() * part as usize).div_ceil(20).max(1);
            let exact = amounts[rank - 1];
            let off = (distribution.quantile(part, 20).unwrap() - exact).abs();
            prop_assert!(256 * off <= exact.abs(), "{} off by {}", exact, off);
            prop_assert_eq!(distribution.sum(), amounts.iter().map(|amount| i128::from(*amount)).sum::<i128>());
        }

        #[test]
        fn parts_merged_in_any_order_are_the_whole(
            amounts in prop::collection::vec(-9_000_i64..9_000_000, 0..90),
            owners in prop::collection::vec(0_usize..4, 90),
            order in Just([0_usize, 1, 2, 3]).prop_shuffle(),
        ) {
            let mut merged = Distribution::default();
            for part in order {
                let mine = amounts.iter().zip(&owners).filter(|(_, owner)| **owner == part).map(|(amount, _)| amount);
                merged.merge(&counted(mine)).unwrap();
            }
            let whole = counted(&amounts);
            prop_assert_eq!(&merged, &whole);
            let restored = Distribution::restored(whole.counts().clone(), whole.sum(), whole.bounds());
            prop_assert_eq!(restored, Some(whole));
        }
    }
}
