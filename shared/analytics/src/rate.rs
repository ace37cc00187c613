//! Rates as exact fractions, rendered in percent only for people to read.

use std::fmt::Write;
use std::num::NonZeroU64;

/// The most decimals that a percentage is rendered with.
pub const DECIMALS_MAX: u8 = 9;

/// A share of a whole, as it was counted: `numerator / denominator`, not reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The part.
    pub numerator: u64,
    /// The whole.
    pub denominator: NonZeroU64,
}

/// A rate that may be below zero: growth, or a difference of shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The difference.
    pub numerator: i128,
    /// What it is held against.
    pub denominator: NonZeroU64,
}

impl Rate {
    /// The rate; nothing where the whole is nothing.
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        NonZeroU64::new(denominator).map(|denominator| Self { numerator, denominator })
    }

    /// In percent with that many decimals (at most [`DECIMALS_MAX`]), rounded once, half up: 1,386 of 2,718 with four
    /// decimals is `50.9934`.
    pub fn percent(&self, decimals: u8) -> String {
        rendered(hundredfold(self.numerator.into()), self.denominator, false, decimals)
    }

    /// As a decimal with that many decimals (at most [`DECIMALS_MAX`]), rounded once, half up: 7,410 orders of 2,718
    /// customers with four decimals is `2.7263`.
    pub fn decimal(&self, decimals: u8) -> String {
        rendered(self.numerator.into(), self.denominator, false, decimals)
    }
}

impl From<Rate> for Change {
    fn from(rate: Rate) -> Self {
        Self { numerator: rate.numerator.into(), denominator: rate.denominator }
    }
}

impl Change {
    /// `numerator / denominator`. Nothing where the denominator is nothing or less, or fits no `u64`.
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        let denominator = NonZeroU64::new(u64::try_from(denominator).ok()?)?;
        Some(Self { numerator, denominator })
    }

    /// The growth from `before` to `after`: `(after − before) / before`. Nothing where there was nothing before, or
    /// less.
    pub fn growth(before: i128, after: i128) -> Option<Self> {
        Self::new(after.saturating_sub(before), before)
    }

    /// In percent with that many decimals (at most [`DECIMALS_MAX`]), rounded once, half away from zero.
    pub fn percent(&self, decimals: u8) -> String {
        rendered(hundredfold(self.numerator.unsigned_abs()), self.denominator, self.numerator < 0, decimals)
    }
}

/// Numerators beyond `2^90` are rendered as that; no sum of 64-bit integers that is counted here comes near.
fn hundredfold(numerator: u128) -> u128 {
    numerator.min(1 << 90).saturating_mul(100)
}

fn rendered(numerator: u128, denominator: NonZeroU64, negative: bool, decimals: u8) -> String {
    let decimals = decimals.min(DECIMALS_MAX);
    let scale = 10_u128.pow(decimals.into());
    // Within 2^97 · 10^9 · 2 < 2^128: nothing saturates, and no divisor is zero.
    let scaled = numerator.saturating_mul(scale);
    let denominator = u128::from(denominator.get());
    let twice = scaled.saturating_mul(2).saturating_add(denominator);
    let rounded = twice.checked_div(denominator.saturating_mul(2)).unwrap_or(0);
    let (whole, rest) = (rounded.checked_div(scale).unwrap_or(0), rounded.checked_rem(scale).unwrap_or(0));
    let sign = if negative && rounded > 0 { "-" } else { "" };
    let mut text = format!("{sign}{whole}");
    if decimals > 0 {
        // Writing to a string does not fail.
        write!(text, ".{rest:0width$}", width = usize::from(decimals)).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rates_are_rendered_to_the_last_digit() {
        for (numerator, denominator, decimals, text) in [
            (1_386, 2_718, 4, "50.9934"),
            (500, 5_000, 0, "10"),
            (1, 3, 2, "33.33"),
            (2, 3, 2, "66.67"),
            (1, 800, 2, "0.13"),
            (0, 7, 1, "0.0"),
            (3, 2, 1, "150.0"),
            (u64::MAX, u64::MAX, 200, "100.000000000"),
            (u64::MAX, 1, 9, "1844674407370955161500.000000000"),
        ] {
            assert_eq!(Rate::new(numerator, denominator).unwrap().percent(decimals), text);
        }
        assert_eq!(Rate::new(0, 0), None);
        assert_eq!(Rate::new(7_410, 2_718).unwrap().decimal(4), "2.7263");
        assert_eq!(Rate::new(1, 2).unwrap().decimal(0), "1");
    }

    #[test]
    fn growth_may_be_below_zero_and_rounds_away_from_it() {
        for (before, after, text) in [
            (200, 150, "-25.0"),
            (2_000, 1_999, "-0.1"),
            (200_000, 199_999, "0.0"),
            (100, 350, "250.0"),
            (100, -50, "-150.0"),
            (i64::MAX.into(), i64::MIN.into(), "-200.0"),
            (u64::MAX.into(), 0, "-100.0"),
        ] {
            assert_eq!(Change::growth(before, after).unwrap().percent(1), text);
        }
        assert_eq!(Change::growth(0, 5), None);
        assert_eq!(Change::growth(1 << 64, 5), None);
        assert_eq!(Change::growth(-3, 5), None);
    }

    proptest! {
        #[test]
        fn the_text_is_within_half_a_unit_of_its_last_place(
            numerator in 0_u64..1 << 50,
            denominator in 1_u64..1 << 50,
            decimals in 0_u8..=9,
        ) {
            let text = Rate::new(numerator, denominator).unwrap().percent(decimals);
            let units: u128 = text.replace('.', "").parse().unwrap();
            let exact = u128::from(numerator) * 100 * 10_u128.pow(decimals.into());
            let off = (units * u128::from(denominator)).abs_diff(exact);
            prop_assert!(2 * off <= u128::from(denominator));
        }
    }
}
