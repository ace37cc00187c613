//! What a discount takes off, and from which goods.

use crate::money::{self, Minor, Overflow, Percent};
use serde::{Deserialize, Serialize};

/// What a discount takes off, and from which goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What it takes off.
    pub takes_off: TakesOff,
    /// What the goods must come to; zero: anything.
    pub minimum: Minor,
}

/// What a discount takes off a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakesOff {
    /// So much of it.
    Percent(Percent),
    /// So much, but never more than there is.
    Amount(Minor),
}

impl TakesOff {
    /// What it takes off a sum that is not negative, never more than that. A percentage is rounded half up to the minor
    /// unit, once.
    pub fn of(self, left: Minor) -> Result<Minor, Overflow> {
        let off = match self {
            Self::Percent(percent) => {
                let product = i128::from(left.0).checked_mul(percent.0.into()).ok_or(Overflow)?;
                Minor::narrow(money::div_half_up(product, Percent::HUNDRED.0.into())?)?
            }
            Self::Amount(amount) => amount,
        };
        Ok(off.min(left))
    }
}
