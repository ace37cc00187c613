//! Whole numbers by size in logarithmic buckets of equal relative width, found without a float.
//!
//! Up to 255 each number has a bucket of its own; above, each doubling is cut into [`PER_DOUBLING`].

/// Buckets per doubling: each is at most 1/128 of its lower end wide, so its middle is within 1/256 of all in it.
pub(crate) const PER_DOUBLING: u128 = 128;
/// Bits of a number that tell its bucket, the leading one included.
const BITS: u32 = 8;

/// The bucket of a number; the greater number never has the lesser bucket.
pub(crate) fn bucket(value: u128) -> u16 {
    let shift = (u128::BITS.saturating_sub(value.leading_zeros())).saturating_sub(BITS);
    // At most 120 · 128 + 255.
    let index = u128::from(shift).saturating_mul(PER_DOUBLING).saturating_add(value >> shift);
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// The least and the greatest number of a bucket.
pub(crate) fn range(bucket: u16) -> (u128, u128) {
    let index = u128::from(bucket);
    let doublings = (index / PER_DOUBLING).saturating_sub(1);
    let leading = index.saturating_sub(doublings.saturating_mul(PER_DOUBLING));
    let shift = u32::try_from(doublings).unwrap_or(0);
    let low = leading.checked_shl(shift).unwrap_or(u128::MAX);
    let width = 1_u128.checked_shl(shift).unwrap_or(u128::MAX);
    (low, low.saturating_add(width.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_of_the_scale_have_buckets() {
        assert_eq!((bucket(0), range(0)), (0, (0, 0)));
        assert_eq!((bucket(255), range(255)), (255, (255, 255)));
        assert_eq!((bucket(256), range(256)), (256, (256, 257)));
        assert_eq!((bucket(u128::MAX), range(bucket(u128::MAX)).1), (15_615, u128::MAX));
    }

    proptest! {
        #[test]
        fn a_number_lies_in_its_bucket_which_is_narrow(value: u128, shift in 0_u32..128) {
            let value = value >> shift;
            let (low, high) = range(bucket(value));
            prop_assert!(low <= value && value <= high);
            prop_assert!((high - low) <= low / PER_DOUBLING);
            prop_assert!(low == 0 || bucket(low - 1) + 1 == bucket(low));
        }
    }
}
