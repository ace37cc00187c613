//! Exact amounts: money in minor units, points in whole points, factors as scaled integers.
//!
//! Nothing here wraps, panics or touches a float: every sum says whether it fitted.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

pub use iso_currency::Currency;

/// A sum that does not fit its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount does not fit a 64-bit integer")]
pub struct Overflow;

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// The sum, or [`Overflow`].
            pub fn plus(self, other: Self) -> Result<Self, Overflow> {
                self.0.checked_add(other.0).map(Self).ok_or(Overflow)
            }

            /// The difference, or [`Overflow`].
            pub fn minus(self, other: Self) -> Result<Self, Overflow> {
                self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
            }

            /// The exact sum of many, or [`Overflow`] where the total does not fit.
            pub fn sum(items: impl IntoIterator<Item = Self>) -> Result<Self, Overflow> {
                items.into_iter().try_fold(Self::ZERO, Self::plus)
            }

            /// The value of an intermediate result taken in `i128`.
            pub fn narrow(wide: i128) -> Result<Self, Overflow> {
                i64::try_from(wide).map(Self).map_err(|_| Overflow)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

amount!(
    /// Whole loyalty points.
    Points
);
amount!(
    /// Money in the minor unit of the program's currency.
    Minor
);
amount!(
    /// What qualifies for a tier, in the unit of the program's metric: minor units of money, units, orders, points or
    /// months.
    Measure
);

impl Points {
    /// So many; where that is more than fits, as many as do.
    pub fn of(count: u64) -> Self {
        Self(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl Minor {
    /// The share of `part` in `whole` of this amount, rounded half up once. `whole` is more than zero.
    pub fn share(self, part: u64, whole: u64) -> Result<Self, Overflow> {
        let product = i128::from(self.0).checked_mul(i128::from(part)).ok_or(Overflow)?;
        Self::narrow(div_half_up(product, i128::from(whole.max(1)))?)
    }
}

/// Money with its currency, as the API and the ledger write it: `{"amount": "12.50", "currency": "GBP"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "MoneyText")]
pub struct Money {
    /// How much, in minor units.
    pub amount: Minor,
    /// Of which currency.
    pub currency: Currency,
}

#[derive(Deserialize)]
struct MoneyText {
    amount: String,
    currency: Currency,
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Money", 2)?;
        fields.serialize_field("amount", &self.decimal())?;
        fields.serialize_field("currency", &self.currency)?;
        fields.end()
    }
}

impl Money {
    fn decimal(self) -> Decimal {
        Decimal { value: self.amount.0, decimals: decimals(self.currency) }
    }
}

impl TryFrom<MoneyText> for Money {
    type Error = &'static str;
    fn try_from(text: MoneyText) -> Result<Self, Self::Error> {
        let amount = parse_decimal(&text.amount, decimals(text.currency)).map_err(|_| "not an amount of money")?;
        Ok(Self { amount: Minor(amount), currency: text.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency.code())
    }
}

/// A price for one unit, in millionths of the major unit (`12.345678` → `12_345_678`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnitPrice(pub i64);

impl UnitPrice {
    /// Most decimals a unit price may have.
    pub const DECIMALS_MAX: u32 = 6;
    /// One of the major unit.
    pub const ONE: Self = Self(1_000_000);

    /// `quantity × price` in minor units, rounded half up (towards plus infinity) once, for the whole line.
    pub fn times(self, quantity: u64, currency: Currency) -> Result<Minor, Overflow> {
        self.times_wide(quantity.into(), currency)
    }

    /// The same for so many points, which may be owed.
    pub fn for_points(self, points: Points, currency: Currency) -> Result<Minor, Overflow> {
        self.times_wide(points.0.into(), currency)
    }

    /// The same for points that a customer has, rounded down (towards minus infinity) once for all of them.
    pub fn for_points_down(self, points: Points, currency: Currency) -> Result<Minor, Overflow> {
        let scaled = self.millionths(points.0.into(), currency)?;
        Minor::narrow(scaled.checked_div_euclid(1_000_000).ok_or(Overflow)?)
    }

    fn times_wide(self, count: i128, currency: Currency) -> Result<Minor, Overflow> {
        Minor::narrow(div_half_up(self.millionths(count, currency)?, 1_000_000)?)
    }

    /// `count × price` in millionths of the minor unit.
    fn millionths(self, count: i128, currency: Currency) -> Result<i128, Overflow> {
        i128::from(self.0)
            .checked_mul(count)
            .and_then(|millionths| millionths.checked_mul(minor_per_major(currency)))
            .ok_or(Overflow)
    }

    /// What `part` of `whole` units come to, less their share of what was taken off all of them: rounded half up once,
    /// so that fewer units never come to more.
    pub fn share_less(self, part: u64, whole: u64, off: Minor, currency: Currency) -> Result<Minor, Overflow> {
        let whole = i128::from(whole.max(1));
        let gross = i128::from(self.0).checked_mul(whole).and_then(|n| n.checked_mul(minor_per_major(currency)));
        let off = i128::from(off.0).checked_mul(1_000_000).ok_or(Overflow)?;
        let net = gross.and_then(|gross| gross.checked_sub(off)).ok_or(Overflow)?;
        let scaled = net.checked_mul(i128::from(part)).ok_or(Overflow)?;
        Minor::narrow(div_half_up(scaled, whole.checked_mul(1_000_000).ok_or(Overflow)?)?)
    }
}

/// A factor with four decimals, such as a tier's multiplier (`1.25` → `12_500`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Factor(pub i64);

impl Factor {
    /// Decimals of a factor.
    pub const DECIMALS: u32 = 4;
    /// What `1` is.
    pub const ONE: Self = Self(10_000);

    /// `amount × factor`, rounded half up (towards plus infinity) once.
    pub fn part_of(self, amount: Minor) -> Result<Minor, Overflow> {
        let product = i128::from(amount.0).checked_mul(self.0.into()).ok_or(Overflow)?;
        Minor::narrow(div_half_up(product, Self::ONE.0.into())?)
    }
}

/// A percentage with two decimals (`5` % → `500`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Percent(pub i64);

impl Percent {
    /// Decimals of a percentage.
    pub const DECIMALS: u32 = 2;
    /// All of it.
    pub const HUNDRED: Self = Self(10_000);
}

/// `numerator ÷ denominator`, rounded half up (towards plus infinity). `denominator` is positive.
pub(crate) fn div_half_up(numerator: i128, denominator: i128) -> Result<i128, Overflow> {
    let doubled = numerator.checked_mul(2).and_then(|n| n.checked_add(denominator)).ok_or(Overflow)?;
    let divisor = denominator.checked_mul(2).ok_or(Overflow)?;
    // Nearly every amount fits 64 bits, which divide several times faster; an order divides for each of its lines.
    match (i64::try_from(doubled), i64::try_from(divisor)) {
        (Ok(doubled), Ok(divisor)) => doubled.checked_div_euclid(divisor).map(i128::from).ok_or(Overflow),
        _ => doubled.checked_div_euclid(divisor).ok_or(Overflow),
    }
}

/// Decimals of a currency's minor unit (GBP 2, JPY 0, KWD 3; currencies without one count as 0).
pub fn decimals(currency: Currency) -> u32 {
    currency.exponent().map_or(0, u32::from)
}

fn minor_per_major(currency: Currency) -> i128 {
    match decimals(currency) {
        0 => 1,
        2 => 100,
        decimals => 10_i64.checked_pow(decimals).map_or(1, i128::from),
    }
}

/// Why a decimal was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalFault {
    /// Not `-?digits(.digits)?`.
    Malformed,
    /// More decimals than allowed.
    TooManyDecimals,
    /// More than 64 bits hold.
    TooLarge,
}

/// A decimal string as an integer scaled by `10^decimals`: `parse_decimal("1.5", 2)` is `150`.
///
/// Trailing zeros beyond `decimals` are accepted, since they lose nothing.
pub fn parse_decimal(text: &str, decimals: u32) -> Result<i64, DecimalFault> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return Err(DecimalFault::Malformed);
    }
    let fraction = fraction.trim_end_matches('0');
    let width = usize::try_from(decimals).map_err(|_| DecimalFault::TooLarge)?;
    if fraction.len() > width {
        return Err(DecimalFault::TooManyDecimals);
    }
    let magnitude =
        whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', width.saturating_sub(fraction.len())));
    let mut value: i64 = 0;
    for digit in magnitude {
        let digit = i64::from(digit.wrapping_sub(b'0'));
        value = value.checked_mul(10).and_then(|v| v.checked_add(digit)).ok_or(DecimalFault::TooLarge)?;
    }
    if negative { value.checked_neg().ok_or(DecimalFault::TooLarge) } else { Ok(value) }
}

/// An integer scaled by `10^decimals`, written as a decimal, always with that many decimals.
struct Decimal {
    value: i64,
    decimals: u32,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.value < 0 { "-" } else { "" };
        let divisor = 10_u64.checked_pow(self.decimals).unwrap_or(1);
        let magnitude = self.value.unsigned_abs();
        let whole = magnitude.checked_div(divisor).unwrap_or(0);
        if self.decimals == 0 {
            return write!(f, "{sign}{whole}");
        }
        let fraction = magnitude.checked_rem(divisor).unwrap_or(0);
        let width = usize::try_from(self.decimals).unwrap_or(0);
        write!(f, "{sign}{whole}.{fraction:0width$}")
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The decimal string of an integer scaled by `10^decimals`, always with that many decimals.
pub fn format_decimal(value: i64, decimals: u32) -> String {
    Decimal { value, decimals }.to_string()
}

/// The decimal string without trailing zeros, for factors and percentages (`1.25`, `2`).
pub fn format_trimmed(value: i64, decimals: u32) -> String {
    let full = format_decimal(value, decimals);
    if full.contains('.') { full.trim_end_matches('0').trim_end_matches('.').to_owned() } else { full }
}

/// Money as the API shows it: `"12.50"`.
pub fn format_money(amount: Minor, currency: Currency) -> String {
    format_decimal(amount.0, decimals(currency))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_rounds_half_up_once() {
        for (price, quantity, minor) in [
            (2_550_000, 6, 1530),
            (125_000, 1, 13), // 0.125 → 0.13, where half-even would give 0.12
            (145_000, 1, 15),
            (-125_000, 1, -12), // half up is towards plus infinity
            (4_999, 1, 0),
            (5_000, 1, 1),
            (3_333, 3, 1), // 0.009999: rounded for the line, not per unit
            (0, 1_000_000, 0),
        ] {
            assert_eq!(UnitPrice(price).times(quantity, Currency::GBP), Ok(Minor(minor)), "{price} × {quantity}");
        }
        assert_eq!(UnitPrice(1_500_000).times(1, Currency::JPY), Ok(Minor(2)));
        assert_eq!(UnitPrice(i64::MAX).times(u64::MAX, Currency::GBP), Err(Overflow));
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        for (text, decimals, expected) in [
            ("1.5", 2, Ok(150)),
            ("0", 2, Ok(0)),
            ("1.500000", 2, Ok(150)),
            ("-0.01", 2, Ok(-1)),
            ("1.505", 2, Err(DecimalFault::TooManyDecimals)),
            ("", 2, Err(DecimalFault::Malformed)),
            (".5", 2, Err(DecimalFault::Malformed)),
            ("1.", 2, Err(DecimalFault::Malformed)),
            ("1e3", 2, Err(DecimalFault::Malformed)),
            ("+1", 2, Err(DecimalFault::Malformed)),
            (" 1", 2, Err(DecimalFault::Malformed)),
            ("1,5", 2, Err(DecimalFault::Malformed)),
            ("NaN", 2, Err(DecimalFault::Malformed)),
            ("９", 2, Err(DecimalFault::Malformed)),
            ("92233720368547758.07", 2, Ok(i64::MAX)),
            ("92233720368547758.08", 2, Err(DecimalFault::TooLarge)),
        ] {
            assert_eq!(parse_decimal(text, decimals), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_amount_survives_its_text(value in any::<i64>(), decimals in 0_u32..7) {
            prop_assume!(value != i64::MIN);
            prop_assert_eq!(parse_decimal(&format_decimal(value, decimals), decimals), Ok(value));
            prop_assert_eq!(parse_decimal(&format_trimmed(value, decimals), decimals), Ok(value));
        }
    }
}
