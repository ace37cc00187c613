//! What an account holds for a cart that is being paid: some of its discounts, some of its points.
//!
//! What is held can be used by nothing else meanwhile: no other cart, no order that does not name the reservation, no
//! reward. A hold is over at its instant and nothing has to be done for that: it is not filed anywhere, and the next
//! commit to the account writes down that it has ended. It never outlives what it holds, so that whatever is held is
//! there until then, unless goods that come back take its points.

use crate::account::Account;
use crate::code::Code;
use crate::lots::Lot;
use crate::money::{Overflow, Points};
use crate::time::Instant;

/// Most holds of an account at once: it bounds the hot item.
pub const HOLDS_MAX: usize = 8;

/// A hold, as the account's hot item knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The sequence of the entry that made it: what tells holds of an account apart.
    pub entry: u64,
    /// The first instant at which it is none any more.
    pub until: Instant,
    /// Points that it holds.
    pub points: Points,
    /// Discounts of the account that it holds. Codes that are shared among accounts are not held.
    pub codes: Vec<Code>,
}

impl Account {
    /// Points that its holds keep from everything else.
    pub fn points_held(&self) -> Result<Points, Overflow> {
        Points::sum(self.holds.iter().map(|hold| hold.points))
    }

    /// Points that can be spent now: those that are there, less what is owed out of them and what is held. Below zero
    /// where more is owed or held than there is.
    pub fn spendable(&self) -> Result<Points, Overflow> {
        self.holdings.balance()?.minus(self.points_held()?)
    }

    /// The hold that keeps a discount from everything else.
    pub fn holder(&self, code: &Code) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.codes.contains(code))
    }

    /// Takes a hold out, which then keeps nothing back any more; `None`: it has none such.
    pub(crate) fn let_go(&mut self, entry: u64) -> Option<Hold> {
        self.holds.extract_if(.., |hold| hold.entry == entry).last()
    }
}

/// The first instant at which fewer points than `needed` are left of these lots, which end one after the other; `None`:
/// so many stay.
pub(crate) fn covered_until(lots: &[Lot], needed: Points) -> Result<Option<Instant>, Overflow> {
    if needed <= Points::ZERO {
        return Ok(None);
    }
    let mut left = Points::ZERO;
    // Those that end last are what is left last.
    for lot in lots.iter().rev() {
        left = left.plus(lot.points)?;
        if left >= needed {
            return Ok(Some(lot.expires_at).filter(|end| !end.is_never()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn points_are_covered_until_the_lot_ends_without_which_they_are_too_few() {
        let lot = |end: i64, points: i64| Lot::until(Instant::from_ms(end), Points(points));
        let never = Lot::until(Instant::NEVER, Points(5));
        for (lots, needed, expected) in [
            (vec![lot(10, 100), lot(20, 50)], 0, None),
            (vec![lot(10, 100), lot(20, 50)], 50, Some(20)),
            (vec![lot(10, 100), lot(20, 50)], 51, Some(10)),
            (vec![lot(10, 100), lot(20, 50)], 150, Some(10)),
            (vec![lot(10, 100), never], 5, None),
            (vec![lot(10, 100), never], 6, Some(10)),
        ] {
            let expected = expected.map(Instant::from_ms);
            assert_eq!(covered_until(&lots, Points(needed)), Ok(expected), "{needed} of {lots:?}");
        }
    }
}
