//! Points that an account spent on rewards, by month and in all.
//!
//! Kept apart from the months of its orders: it may spend in a month without any.

use crate::activity::MONTHS_KEPT;
use crate::money::{Overflow, Points};
use crate::time::Month;

/// Points spent in one calendar month of the program's time zone, less those given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthSpending {
    /// Which month.
    pub month: Month,
    /// How many, more than zero.
    pub points: Points,
}

/// What an account spent. The months kept are those of the 25 before its latest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spending {
    months: Vec<MonthSpending>,
    spent: Points,
    restored: Points,
}

impl Spending {
    /// These months, in any order given, and all that was ever spent and given back.
    pub fn of(mut months: Vec<MonthSpending>, spent: Points, restored: Points) -> Self {
        months.sort_by_key(|month| month.month);
        Self { months, spent, restored }
    }

    /// The months kept in which more was spent than given back, ascending.
    pub fn months(&self) -> &[MonthSpending] {
        &self.months
    }

    /// Points ever spent, those given back included.
    pub fn spent(&self) -> Points {
        self.spent
    }

    /// Points ever given back, those included that came back ended.
    pub fn restored(&self) -> Points {
        self.restored
    }

    /// Spends points in a month.
    pub(crate) fn spend(&mut self, month: Month, points: Points) -> Result<(), Overflow> {
        self.spent = self.spent.plus(points)?;
        match self.months.binary_search_by_key(&month, |month| month.month) {
            Ok(place) => {
                if let Some(held) = self.months.get_mut(place) {
                    held.points = held.points.plus(points)?;
                }
            }
            Err(place) => self.months.insert(place, MonthSpending { month, points }),
        }
        let newest = self.months.last().map_or(month, |last| last.month);
        let oldest_kept = newest.plus(MONTHS_KEPT.saturating_neg().saturating_add(1));
        self.months.retain(|month| month.month >= oldest_kept);
        Ok(())
    }

    /// Gives points back that were spent in a month: they leave it, if it is kept.
    pub(crate) fn give_back(&mut self, month: Month, points: Points) -> Result<(), Overflow> {
        self.restored = self.restored.plus(points)?;
        for held in self.months.iter_mut().filter(|held| held.month == month) {
            held.points = held.points.minus(points)?;
        }
        self.months.retain(|month| month.points > Points::ZERO);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn months_are_kept_and_given_back_on_their_own() {
        let mut spending = Spending::default();
        let months = |spending: &Spending| -> Vec<_> {
            spending.months().iter().map(|month| (month.month.0, month.points.0)).collect()
        };
        for (month, points) in [(100, 5), (101, 7), (100, 1)] {
            spending.spend(Month(month), Points(points)).unwrap();
        }
        assert_eq!(months(&spending), [(100, 6), (101, 7)]);
        spending.give_back(Month(100), Points(5)).unwrap();
        spending.give_back(Month(101), Points(7)).unwrap();
        assert_eq!(months(&spending), [(100, 1)]);
        // The month of 25 later drops it; what comes back of it then counts in all only.
        spending.spend(Month(125), Points(2)).unwrap();
        spending.give_back(Month(100), Points(1)).unwrap();
        assert_eq!(months(&spending), [(125, 2)]);
        assert_eq!((spending.spent(), spending.restored()), (Points(15), Points(13)));
    }
}
