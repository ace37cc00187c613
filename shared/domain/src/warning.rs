//! Warnings before something is lost: discounts and points about to end, a tier about to be reviewed.
//!
//! Each is given once per occasion, when the account is walked. A lead of N days begins with the program's day N days
//! before the one of the end. The account remembers, for each end to come, the fewest days ahead at which it was told:
//! then only shorter leads are left. So what is said does not hang on when the account was walked for anything else,
//! and of several leads that have begun, for the same end, only the shortest is given.

use crate::account::Account;
use crate::id::ContactId;
use crate::kind::{KINDS, Warns};
use crate::ledger::Change;
use crate::money::Overflow;
use crate::schedule::{Schedule, Span};
use crate::time::{Calendar, Instant};

/// How many days ahead is warned, each list ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WarningRules {
    /// Before a discount ends.
    pub discount_expiring_days: Vec<u16>,
    /// Before points end.
    pub points_expiring_days: Vec<u16>,
    /// Before the review of a tier that would be lost.
    pub tier_at_risk_days: Vec<u16>,
    /// Before what is paid for of a membership ends.
    pub membership_ending_days: Vec<u16>,
}

/// Who walks the accounts on which something falls due, and so whose warnings they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Points and discounts past their end.
    Expiry,
    /// Reviews of accounts.
    Review,
}

impl Walk {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Expiry, Self::Review];

    /// Its name in keys, cursors and entries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expiry => "expiry",
            Self::Review => "review",
        }
    }

    /// The function that carries it out.
    pub fn function(self) -> &'static str {
        match self {
            Self::Expiry => "discount-expiry",
            Self::Review => "account-review",
        }
    }
}

/// What an account was told will end. It is remembered until then, even where it is gone meanwhile: it may come back.
///
/// Leads are 365 days at most, and points and reviews end with months or some days after: an account remembers a dozen of
/// each at most, or what a change of the time zone makes of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What ends.
    pub subject: Subject,
    /// When.
    pub ends_at: Instant,
    /// The fewest days ahead at which that was told.
    pub days: u16,
}

/// What an account was told of that keeps no such note itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The points that end at that instant.
    Points,
    /// The tier reviewed at that instant.
    Tier,
}

impl Subject {
    /// Every subject, in the order in which they are stored.
    pub const ALL: [Self; 2] = [Self::Points, Self::Tier];
}

/// Something that will end.
pub(crate) struct Occasion {
    /// When.
    pub ends_at: Instant,
    /// The fewest days ahead at which that was told; `None`: never.
    pub told_days: Option<u16>,
    /// What is said of it.
    pub warning: Change,
}

impl Occasion {
    /// The leads that are left, ascending.
    fn left<'a>(&self, days: &'a [u16]) -> &'a [u16] {
        let left = days.partition_point(|ahead| self.told_days.is_none_or(|told| *ahead < told));
        days.get(..left).unwrap_or_default()
    }

    /// The shortest of them that has begun.
    fn begun(&self, days: &[u16], calendar: &Calendar, now: Instant) -> Option<u16> {
        let has_begun = |ahead: &u16| calendar.start_of_day_before(self.ends_at, *ahead) <= now;
        self.left(days).iter().copied().find(has_begun)
    }

    /// When the first of them begins while a version is in force, if that is before `bound` and before the end.
    fn next(&self, days: &[u16], version: &Span<'_>, bound: Option<Instant>) -> Option<Instant> {
        let longest = *self.left(days).last()?;
        let bound = bound.unwrap_or(Instant::MAX).min(self.ends_at).min(version.until);
        // Every order comes by here: the calendar is asked only where it can make a difference.
        let days_at_most = i64::from(longest).saturating_add(2);
        if self.ends_at.plus_ms(Instant::DAY_MS.saturating_mul(days_at_most).saturating_neg()) >= bound {
            return None;
        }
        let begins = version.program.calendar.start_of_day_before(self.ends_at, longest);
        Some(begins.max(version.from)).filter(|at| *at < bound)
    }
}

fn kinds() -> impl Iterator<Item = &'static dyn Warns> {
    KINDS.iter().filter_map(|kind| kind.warns())
}

/// Gives an account that is already at `now` what a walk has to warn it of, and notes that; answers the warnings.
pub(crate) fn give(
    account: &mut Account,
    schedule: &Schedule,
    walk: Walk,
    contact: Option<&ContactId>,
    now: Instant,
) -> Result<Vec<Change>, Overflow> {
    let (program, mut given) = (&*schedule.at(now).program, Vec::new());
    if !account.status.is_warned() || program.warnings == WarningRules::default() {
        return Ok(given);
    }
    for kind in kinds().filter(|kind| kind.walk() == walk) {
        let days = kind.days(&program.warnings);
        for occasion in kind.occasions(account, schedule, contact, now)? {
            if let Some(lead) = occasion.begun(days, &program.calendar, now) {
                kind.note(account, &occasion, lead);
                given.push(occasion.warning);
            }
        }
    }
    if !given.is_empty() {
        account.told.retain(|told| told.ends_at > now);
    }
    Ok(given)
}

/// The earliest instant at which an account is to be warned of anything that it was not told yet: now, where that has
/// passed, or once a version is in force that says so.
pub(crate) fn next(account: &Account, schedule: &Schedule, now: Instant) -> Result<Option<Instant>, Overflow> {
    let mut earliest = None;
    if !account.status.is_warned() {
        return Ok(earliest);
    }
    for version in schedule.from(now) {
        let rules = &version.program.warnings;
        for kind in kinds().filter(|kind| !kind.days(rules).is_empty()) {
            for occasion in kind.occasions(account, schedule, None, now)? {
                earliest = occasion.next(kind.days(rules), &version, earliest).or(earliest);
            }
        }
    }
    Ok(earliest)
}

#[cfg(test)]
mod tests;
