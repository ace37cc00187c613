//! What the purchase model needs to know of a customer: how often, how lately, and for how long it has been one.

use serde::{Deserialize, Serialize};

/// The most repeat purchases of one customer. Bounds the cost of a likelihood.
pub const FREQUENCY_MAX: u32 = 100_000;

/// A customer's purchases in short. Times are whole ticks (a day, say), the same for all customers of a model.
///
/// The order is by frequency, then age, then recency: what one term of the likelihood depends on stands together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct History {
    frequency: u32,
    age: u32,
    recency: u32,
}

/// A history that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// More repeat purchases than [`FREQUENCY_MAX`].
    #[error("{0} repeat purchases are more than {FREQUENCY_MAX}")]
    TooFrequent(u32),
    /// The last purchase is later than the end of the observation.
    #[error("the last purchase, after {recency}, is later than the end of the observation, after {age}")]
    AfterTheEnd {
        /// Ticks from the first purchase to the last.
        recency: u32,
        /// Ticks from the first purchase to the end of the observation.
        age: u32,
    },
    /// A last purchase after the first one, yet no repeat purchase.
    #[error("a last purchase {0} after the first, yet no repeat purchase")]
    RecencyWithoutRepeat(u32),
}

impl History {
    /// A customer with `frequency` purchases after the first (at most [`FREQUENCY_MAX`]), the last of them `recency`
    /// ticks after the first, observed for `age` ticks since the first: `x`, `t_x` and `T` of the literature.
    ///
    /// Fails with a [`HistoryError`] where the three contradict each other. Several purchases within one tick count
    /// as one by custom, which is up to the caller.
    pub fn new(frequency: u32, recency: u32, age: u32) -> Result<Self, HistoryError> {
        if frequency > FREQUENCY_MAX {
            return Err(HistoryError::TooFrequent(frequency));
        }
        if recency > age {
            return Err(HistoryError::AfterTheEnd { recency, age });
        }
        if frequency == 0 && recency > 0 {
            return Err(HistoryError::RecencyWithoutRepeat(recency));
        }
        Ok(Self { frequency, age, recency })
    }

    /// Purchases after the first.
    pub const fn frequency(self) -> u32 {
        self.frequency
    }

    /// Ticks from the first purchase to the last; 0 where there is one only.
    pub const fn recency(self) -> u32 {
        self.recency
    }

    /// Ticks from the first purchase to the end of the observation.
    pub const fn age(self) -> u32 {
        self.age
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_that_contradict_themselves_are_refused() {
        for (frequency, recency, age, error) in [
            (FREQUENCY_MAX + 1, 1, 2, HistoryError::TooFrequent(FREQUENCY_MAX + 1)),
            (1, 3, 2, HistoryError::AfterTheEnd { recency: 3, age: 2 }),
            (0, 1, 2, HistoryError::RecencyWithoutRepeat(1)),
        ] {
            assert_eq!(History::new(frequency, recency, age), Err(error));
        }
        assert!(History::new(FREQUENCY_MAX, 2, 2).is_ok());
        assert!(History::new(0, 0, 0).is_ok());
        assert!(History::new(1, 0, 5).is_ok(), "bought again within the first tick");
    }
}
