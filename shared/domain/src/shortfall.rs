//! What becomes of points that are to be taken back and that are not there any more.
//!
//! One policy for whatever takes points: returns, cancellations, amendments and credit notes under the version of their
//! order; what is taken by hand, brought from another product, or taken back of a referral, under the one in force.

use crate::lots::Holdings;
use crate::money::{Overflow, Points};

/// What becomes of points that a return should take back and that are not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortfall {
    /// The account owes them: its balance goes below zero, and whatever it is given next repays it first.
    Owe,
    /// The account owes them out of what orders earn: its points that wait go below zero, never those that it can spend.
    /// The next orders repay it first; what is given otherwise is the account's at once.
    OwePending,
    /// They are written off, as unrecovered.
    WriteOff,
}

/// What became of points that were short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Short {
    /// What the account owes.
    pub owed: Points,
    /// What was written off.
    pub unrecovered: Points,
}

impl Shortfall {
    /// Every policy by its name in the program.
    pub const ALL: [(&'static str, Self); 3] =
        [("owe", Self::Owe), ("owe_pending", Self::OwePending), ("write_off", Self::WriteOff)];

    /// Books points that should have been taken and were not there.
    pub(crate) fn book(self, holdings: &mut Holdings, short: Points) -> Result<Short, Overflow> {
        match self {
            Self::Owe => holdings.owe(short)?,
            Self::OwePending => holdings.owe_pending(short)?,
            Self::WriteOff => return Ok(Short { owed: Points::ZERO, unrecovered: short }),
        }
        Ok(Short { owed: short, unrecovered: Points::ZERO })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::lots::Lot;
    use crate::time::Instant;

    /// Points that are short, then given by hand, then earned by an order: what is owed after each.
    #[test]
    fn what_is_owed_is_repaid_by_what_the_policy_lets_repay_it() {
        for (policy, debts, spendable, unrecovered) in [
            (Shortfall::Owe, [50, 20, 0], -50, 0),
            (Shortfall::OwePending, [50, 50, 10], 0, 0),
            (Shortfall::WriteOff, [0, 0, 0], 0, 50),
        ] {
            let mut holdings = Holdings::default();
            let short = policy.book(&mut holdings, Points(50)).unwrap();
            let mut owed = vec![holdings.debt().0];
            assert_eq!(holdings.balance(), Ok(Points(spendable)), "{policy:?}");
            assert_eq!(holdings.net(), Points::ZERO.minus(holdings.debt()), "{policy:?}");
            let [by_hand, by_order] = [Holdings::repay_from_gift, Holdings::repay_from_order];
            for (repay, points) in [(by_hand, Points(30)), (by_order, Points(40))] {
                let before = holdings.net().unwrap();
                let repaid = repay(&mut holdings, points).unwrap();
                holdings.add(Lot::until(Instant::MAX, points.minus(repaid).unwrap())).unwrap();
                assert_eq!(holdings.net(), before.plus(points), "{policy:?}: nothing is lost");
                owed.push(holdings.debt().0);
            }
            assert_eq!((owed, short.unrecovered.0), (debts.to_vec(), unrecovered), "{policy:?}");
        }
    }

    #[test]
    fn debts_of_both_kinds_keep_their_terms() {
        let mut holdings = Holdings::default();
        Shortfall::Owe.book(&mut holdings, Points(10)).unwrap();
        Shortfall::OwePending.book(&mut holdings, Points(20)).unwrap();
        let figures = |holdings: &Holdings| {
            let pending = holdings.pending_balance().unwrap();
            (holdings.balance().unwrap().0, pending.0, holdings.debt().0, holdings.pending_debt().0)
        };
        assert_eq!(figures(&holdings), (-10, -20, 30, 20));
        assert_eq!(holdings.repay_from_gift(Points(15)), Ok(Points(10)), "what is left of a gift is the account's");
        assert_eq!(figures(&holdings), (0, -20, 20, 20));
        Shortfall::Owe.book(&mut holdings, Points(5)).unwrap();
        assert_eq!(holdings.repay_from_order(Points(8)), Ok(Points(8)), "what can be spent comes first");
        assert_eq!(figures(&holdings), (0, -17, 17, 17));
        assert_eq!(holdings.repay_from_order(Points(100)), Ok(Points(17)));
        assert_eq!(figures(&holdings), (0, 0, 0, 0));
    }
}
