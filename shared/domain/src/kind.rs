//! What falls due on an account, by kind.
//!
//! A kind is one file with a pure rule: when time next changes anything of it, what that makes of the account, and, where
//! it ends, what is said ahead. Everything else goes through [`KINDS`]: [`crate::advance`], the walks, the warnings, the
//! forecast. To add one: a file beside these and its place in the list; a [`Change`] for each thing that it writes down;
//! its figures in [`Forecast`]; and, if it warns, its days in [`WarningRules`].

mod discounts;
mod holds;
mod membership;
mod points;
mod referral;
mod tier;
mod waiting;

use crate::account::Account;
use crate::forecast::Forecast;
use crate::id::ContactId;
use crate::ledger::Change;
use crate::money::Overflow;
use crate::schedule::Schedule;
use crate::time::Instant;
use crate::warning::{Occasion, Walk, WarningRules};

/// Every kind. What one makes of an account may be due for a later one at the same instant, so their order matters.
pub(crate) const KINDS: [&dyn Kind; 7] = [
    &holds::Holds,
    &waiting::Waiting,
    &points::Points,
    &discounts::Discounts,
    &tier::Tier,
    &referral::Referrals,
    &membership::PaidMembership,
];

/// A kind of thing that falls due.
pub(crate) trait Kind: Sync {
    /// The earliest instant at which time alone changes anything of it.
    fn next(&self, account: &Account, schedule: &Schedule) -> Option<Instant>;

    /// Makes of `account`, in place, what time has made of it by `now`; answers what its entry says of that.
    fn settle(&self, account: &mut Account, schedule: &Schedule, now: Instant) -> Result<Vec<Change>, Overflow>;

    /// Adds a change to what will fall due, if it is one of this kind, a warning included.
    fn foresee(&self, change: &Change, forecast: &mut Forecast) -> Result<(), Overflow>;

    /// What it says ahead; `None`: nothing.
    fn warns(&self) -> Option<&dyn Warns> {
        None
    }
}

/// A kind that is warned of.
pub(crate) trait Warns: Sync {
    /// Whose warnings they are.
    fn walk(&self) -> Walk;

    /// How many days ahead, ascending.
    fn days<'a>(&self, rules: &'a WarningRules) -> &'a [u16];

    /// What of it will end on an account that is already at `now`, and what is said of that; to whom, where it is known.
    fn occasions(
        &self,
        account: &Account,
        schedule: &Schedule,
        contact: Option<&ContactId>,
        now: Instant,
    ) -> Result<Vec<Occasion>, Overflow>;

    /// Notes how many days ahead one of them was told.
    fn note(&self, account: &mut Account, occasion: &Occasion, days: u16);
}
