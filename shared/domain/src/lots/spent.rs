//! Points that are spent, and given back.
//!
//! What was spent remembers the lots that it came out of, so that giving it back is exact: each part ends when it would
//! have ended. A part whose end has gone by meanwhile comes back ended.

use super::{End, Holdings, Lot};
use crate::expiry::Expiry;
use crate::money::{Overflow, Points};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Points of one lot that were spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentLot {
    /// How many, more than zero.
    pub points: Points,
    /// When they would have ended, as of when they were spent; nothing where they do not end.
    #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
    pub expires_at: Instant,
    /// The months without activity after which that is, as of a lot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactivity_months: Option<u16>,
}

/// What became of points that were given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restored {
    /// How many repaid what the account owes.
    pub repaid: Points,
    /// Those that had ended meanwhile, and when.
    pub ended: Vec<Lot>,
}

impl Holdings {
    /// Takes points out of the lots, the earliest end first; answers which. What waits cannot be spent, nor can what is
    /// owed: `Err` in the answer says how many are missing, and nothing is taken then.
    pub(crate) fn spend(&mut self, points: Points) -> Result<Result<Vec<SpentLot>, Points>, Overflow> {
        let balance = self.balance()?;
        if balance < points {
            return Ok(Err(points.minus(balance)?));
        }
        let (mut left, mut spent) = (points, Vec::new());
        for lot in &mut self.lots {
            let points = super::draw(&mut lot.points, &mut left)?;
            if points > Points::ZERO {
                let Lot { expires_at, inactivity_months, .. } = *lot;
                spent.push(SpentLot { points, expires_at, inactivity_months });
            }
        }
        self.lots.retain(|lot| lot.points > Points::ZERO);
        Ok(Ok(spent))
    }

    /// Puts points that were spent at an instant back into their lots; what is owed is repaid first, whatever it is
    /// owed out of: they are what would have been taken then. Parts that have ended by `now` are answered and not put
    /// back.
    pub(crate) fn restore(
        &mut self,
        spent: &[SpentLot],
        spent_at: Instant,
        now: Instant,
    ) -> Result<Restored, Overflow> {
        let (mut repaid, mut ended) = (Points::ZERO, Vec::new());
        for part in spent {
            match self.end_of(part, spent_at, now) {
                Some(end) => {
                    let repays = self.repay_from_order(part.points)?;
                    repaid = repaid.plus(repays)?;
                    self.add(Lot::new(end, part.points.minus(repays)?))?;
                }
                // The end as it was known then: one that activity moved on has gone by, too.
                None => ended.push(Lot { points: part.points, expires_at: part.expires_at.min(now), ..part.lot() }),
            }
        }
        Ok(Restored { repaid, ended })
    }

    /// When points that were spent end now; `None`: they have ended.
    fn end_of(&self, part: &SpentLot, spent_at: Instant, now: Instant) -> Option<End> {
        let terms = part.inactivity_months.map_or(Expiry::Never, |months| Expiry::Inactivity { months });
        terms.end_now(self, part.expires_at, spent_at, now)
    }
}

impl SpentLot {
    fn lot(&self) -> Lot {
        let Self { points, expires_at, inactivity_months } = *self;
        Lot { expires_at, inactivity_months, points }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::*;
    use crate::lots::Pending;
    use proptest::prelude::*;

    fn lot(end: i64, points: i64) -> Lot {
        Lot::until(Instant::from_ms(end), Points(points))
    }

    fn part(end: i64, points: i64) -> SpentLot {
        SpentLot { points: Points(points), expires_at: Instant::from_ms(end), inactivity_months: None }
    }

    #[test]
    fn the_earliest_end_is_spent_first_and_nothing_that_waits() {
        let wait = Pending::new(Instant::from_ms(5), End::at(Instant::from_ms(9)), Points(1_000));
        let mut holdings = Holdings::of(vec![lot(20, 50), lot(10, 30), lot(30, 20)], vec![wait], Points::ZERO);
        assert_eq!(holdings.spend(Points(101)), Ok(Err(Points(1))));
        assert_eq!(holdings.spend(Points(40)), Ok(Ok(vec![part(10, 30), part(20, 10)])));
        assert_eq!(holdings.lots(), [lot(20, 40), lot(30, 20)]);
        assert_eq!(holdings.spend(Points(60)), Ok(Ok(vec![part(20, 40), part(30, 20)])));
        assert_eq!((holdings.lots(), holdings.waiting()), (&[][..], Ok(Points(1_000))));
    }

    #[test]
    fn what_is_owed_is_missing_too() {
        let mut holdings = Holdings::of(Vec::new(), Vec::new(), Points(40));
        assert_eq!(holdings.spend(Points(500)), Ok(Err(Points(540))));
        // What only orders repay leaves what can be spent alone.
        let mut holdings = Holdings::of(vec![lot(10, 100)], Vec::new(), Points(40)).with_pending_debt(Points(40));
        assert_eq!(holdings.spend(Points(100)), Ok(Ok(vec![part(10, 100)])));
    }

    #[test]
    fn what_is_given_back_repays_a_debt_first_and_what_has_ended_stays_ended() {
        let spent = [part(10, 30), part(20, 50), part(Instant::NEVER.as_ms(), 20)];
        let mut holdings = Holdings::of(vec![lot(20, 1)], Vec::new(), Points(60));
        let restored = holdings.restore(&spent, Instant::from_ms(1), Instant::from_ms(10)).unwrap();
        assert_eq!(restored, Restored { repaid: Points(60), ended: vec![lot(10, 30)] });
        assert_eq!(holdings.debt(), Points::ZERO);
        assert_eq!(holdings.lots(), [lot(20, 1), Lot::until(Instant::NEVER, Points(10))]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn giving_back_at_once_restores_exactly(
            lots in prop::collection::btree_map(11_i64..50, 1_i64..100, 0..6), points in 1_i64..400,
        ) {
            let lots = lots.into_iter().map(|(end, points)| lot(end, points)).collect();
            let before = Holdings::of(lots, Vec::new(), Points::ZERO);
            let mut holdings = before.clone();
            match holdings.spend(Points(points)).unwrap() {
                Ok(spent) => {
                    let sum = Points::sum(spent.iter().map(|part| part.points)).unwrap();
                    prop_assert_eq!(sum, Points(points));
                    prop_assert_eq!(holdings.available().unwrap(), before.available().unwrap().minus(sum).unwrap());
                    let now = Instant::from_ms(10);
                    prop_assert_eq!(holdings.restore(&spent, now, now).unwrap().ended.len(), 0);
                }
                Err(missing) => {
                    prop_assert_eq!(before.available().unwrap().plus(missing).unwrap(), Points(points));
                }
            }
            prop_assert_eq!(holdings, before);
        }
    }
}
