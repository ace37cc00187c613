//! What a rule gives.

use crate::money::{self, Currency, Factor, Minor, Money, Overflow, Points, div_half_up};

/// What a rule gives for the lines that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Points per amount: `amount × points ÷ per`.
    PerAmount {
        /// Points per `per`.
        points: Points,
        /// The amount that earns `points`, more than zero.
        per: Minor,
    },
    /// Points for every full number of units.
    PerUnits {
        /// Points for each.
        points: Points,
        /// So many units, more than none.
        units: u64,
    },
    /// Points once per order.
    Fixed {
        /// How many.
        points: Points,
    },
    /// So many times what the points-per-amount rules that fired before it give for the lines that count: it adds what
    /// is more than once. Above one.
    Multiplier(Factor),
}

/// How fractions of a point are rounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rounding {
    /// They are cut off.
    #[default]
    Floor,
    /// From half a point on they count as one.
    HalfUp,
}

/// What is rounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RoundedPer {
    /// What all lines that count give together.
    #[default]
    Order,
    /// What each line that counts gives.
    Line,
}

/// Points before they are rounded; not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exact {
    pub numerator: i128,
    /// More than zero.
    pub denominator: i128,
}

impl Exact {
    fn of(numerator: Option<i128>, denominator: Option<i128>) -> Result<Self, Overflow> {
        Ok(Self { numerator: numerator.ok_or(Overflow)?, denominator: denominator.ok_or(Overflow)? })
    }

    /// In whole points.
    pub fn rounded(self, rounding: Rounding) -> Result<Points, Overflow> {
        let Self { numerator, denominator } = self;
        Points::narrow(match rounding {
            Rounding::Floor => numerator.checked_div_euclid(denominator).ok_or(Overflow)?,
            Rounding::HalfUp => div_half_up(numerator, denominator)?,
        })
    }

    /// As a decimal of at most four digits, cut off.
    pub fn in_digits(self) -> String {
        let scaled = self.numerator.checked_mul(Factor::ONE.0.into()).and_then(|n| n.checked_div(self.denominator));
        let scaled = scaled.and_then(|scaled| i64::try_from(scaled).ok()).unwrap_or(i64::MAX);
        money::format_trimmed(scaled, Factor::DECIMALS)
    }
}

/// What some lines give, as far as it follows from them alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    /// What they come to.
    pub amount: Minor,
    /// Their units.
    pub units: u64,
    /// What points-per-amount rules gave for them, over the rules' common denominator.
    pub base: i128,
}

impl Sum {
    /// Of lines that come to so much.
    pub fn of(amount: Minor) -> Self {
        Self { amount, ..Self::default() }
    }

    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        Ok(Self {
            amount: self.amount.plus(other.amount)?,
            units: self.units.checked_add(other.units).ok_or(Overflow)?,
            base: self.base.checked_add(other.base).ok_or(Overflow)?,
        })
    }
}

impl Effect {
    /// What it gives for some lines, times `multiplier`; `common` is the denominator of [`Sum::base`].
    pub(super) fn exact(self, sum: &Sum, multiplier: Factor, common: i64) -> Result<Exact, Overflow> {
        let one = i128::from(Factor::ONE.0);
        let multiplier = i128::from(multiplier.0);
        match self {
            Self::PerAmount { points, per } => {
                let rate = i128::from(points.0).checked_mul(multiplier);
                let numerator = rate.and_then(|rate| rate.checked_mul(sum.amount.0.into()));
                Exact::of(numerator, one.checked_mul(per.0.into()))
            }
            Self::PerUnits { points, units } => {
                let full = sum.units.checked_div(units).ok_or(Overflow)?;
                let numerator = i128::from(full).checked_mul(points.0.into()).and_then(|n| n.checked_mul(multiplier));
                Exact::of(numerator, Some(one))
            }
            Self::Fixed { points } => Exact::of(i128::from(points.0).checked_mul(multiplier), Some(one)),
            Self::Multiplier(factor) => {
                let more = i128::from(factor.0).checked_sub(one).ok_or(Overflow)?;
                Exact::of(sum.base.checked_mul(more), one.checked_mul(common.into()))
            }
        }
    }

    /// What a points-per-amount rule gives for an amount, over the rules' common denominator, which its own divides.
    pub(super) fn base(self, amount: Minor, multiplier: Factor, common: i64) -> Result<i128, Overflow> {
        let Self::PerAmount { points, per } = self else { return Ok(0) };
        let own = per.0.checked_mul(Factor::ONE.0).ok_or(Overflow)?;
        let times = common.checked_div(own).ok_or(Overflow)?;
        let rate =
            i128::from(points.0).checked_mul(multiplier.0.into()).and_then(|rate| rate.checked_mul(times.into()));
        rate.and_then(|rate| rate.checked_mul(amount.0.into())).ok_or(Overflow)
    }

    /// Whether it gives as much as another of its kind, whatever it is given for.
    pub(super) fn is_as_much_as(self, other: Self) -> bool {
        let wide = |points: Points, times: i64| i128::from(points.0).checked_mul(times.into());
        match (self, other) {
            (Self::PerAmount { points, per }, Self::PerAmount { points: others, per: others_per }) => {
                wide(points, others_per.0) >= wide(others, per.0)
            }
            (Self::PerUnits { points, units }, Self::PerUnits { points: others, units: others_units }) => {
                units == others_units && points >= others
            }
            (Self::Fixed { points }, Self::Fixed { points: others }) => points >= others,
            (Self::Multiplier(factor), Self::Multiplier(other)) => factor >= other,
            _ => false,
        }
    }

    /// In a few words: `1 per 1.00 GBP`.
    pub fn terms(self, currency: Currency) -> String {
        match self {
            Self::PerAmount { points, per } => format!("{points} per {}", Money { amount: per, currency }),
            Self::PerUnits { points, units: 1 } => format!("{points} per unit"),
            Self::PerUnits { points, units } => format!("{points} per {units} units"),
            Self::Fixed { points } => format!("{points} per order"),
            Self::Multiplier(factor) => format!("× {}", money::format_trimmed(factor.0, Factor::DECIMALS)),
        }
    }
}
