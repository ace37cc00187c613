//! Sharing among lines what was taken off all of them.

use crate::money::{Minor, Overflow};

/// Shares an amount among lines in proportion to what each is worth: whole minor units, whose sum is the amount exactly.
///
/// By largest remainder: each line gets its share rounded down, and what is left goes unit by unit to those that lost the
/// largest fraction by that, the earlier line on a tie. `worth` is not negative, and `whole` from zero to its sum: so no
/// share is more than its line is worth. Products are taken in `i128`.
pub(super) fn allocate(whole: Minor, worth: &[Minor]) -> Result<Vec<Minor>, Overflow> {
    let sum = i128::from(Minor::sum(worth.iter().copied())?.0);
    if sum == 0 || whole == Minor::ZERO {
        return Ok(vec![Minor::ZERO; worth.len()]);
    }
    let (mut shares, mut fractions) = (Vec::with_capacity(worth.len()), Vec::new());
    for (place, line) in worth.iter().enumerate() {
        let product = i128::from(whole.0).checked_mul(line.0.into()).ok_or(Overflow)?;
        shares.push(Minor::narrow(product.checked_div(sum).ok_or(Overflow)?)?);
        let fraction = product.checked_rem(sum).ok_or(Overflow)?;
        if fraction > 0 {
            fractions.push((fraction, place));
        }
    }
    let missing = whole.minus(Minor::sum(shares.iter().copied())?)?;
    let missing = usize::try_from(missing.0).map_err(|_| Overflow)?;
    fractions.sort_unstable_by(|(one, first), (other, second)| other.cmp(one).then(first.cmp(second)));
    for (_, place) in fractions.into_iter().take(missing) {
        if let Some(share) = shares.get_mut(place) {
            *share = share.plus(Minor(1))?;
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_divide_goes_to_the_largest_remainders_and_the_earlier_line() {
        for (whole, worth, expected) in [
            (0, &[5, 5][..], &[0, 0][..]),
            (0, &[0, 0], &[0, 0]),
            (10, &[100], &[10]),
            (1, &[5, 5, 5], &[1, 0, 0]),
            (2, &[5, 5, 5], &[1, 1, 0]),
            (10, &[1, 0, 2], &[3, 0, 7]),   // 3.33 and 6.67
            (5, &[10, 20, 30], &[1, 2, 2]), // 0.83, 1.67, 2.5
            (100, &[100, 0, 0], &[100, 0, 0]),
            (3, &[i64::MAX / 2, i64::MAX / 2], &[2, 1]),
            (7, &[1, 2, 4], &[1, 2, 4]),
        ] {
            let worth: Vec<_> = worth.iter().copied().map(Minor).collect();
            let shares: Vec<_> = allocate(Minor(whole), &worth).unwrap().into_iter().map(|share| share.0).collect();
            assert_eq!(shares, expected, "{whole} among {worth:?}");
        }
        assert_eq!(allocate(Minor(1), &[Minor(i64::MAX), Minor(1)]), Err(Overflow));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn shares_are_all_of_it_and_within_a_unit_of_what_is_due(
            worth in prop::collection::vec(0_i64..1_000_000_000, 1..60), part in 0_i64..=1_000,
        ) {
            let sum: i64 = worth.iter().sum();
            let whole = i64::try_from(i128::from(sum) * i128::from(part) / 1_000).unwrap();
            let lines: Vec<_> = worth.iter().copied().map(Minor).collect();
            let shares = allocate(Minor(whole), &lines).unwrap();
            prop_assert_eq!(Minor::sum(shares.iter().copied()), Ok(Minor(whole)));
            for (share, line) in shares.iter().zip(&worth) {
                prop_assert!((0..=*line).contains(&share.0));
                let (due, given) = (i128::from(whole) * i128::from(*line), i128::from(share.0) * i128::from(sum));
                prop_assert!(sum == 0 || (due - given).abs() < i128::from(sum));
            }
        }
    }
}
