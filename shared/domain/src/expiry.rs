//! How long points last: to a date, until the account has been inactive for long, or for ever.
//!
//! What was earned or given under one version of the program keeps its terms under every later one: a date stays that
//! date, and points that end with inactivity do so after the months they were earned with.

use crate::account::Account;
use crate::ledger::{Change, PointsChange};
use crate::lots::{End, Holdings};
use crate::money::Overflow;
use crate::program::Program;
use crate::time::{Day, Instant};

/// How long points last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// They end with the month this many months after the one they were earned in.
    Fixed {
        /// How many, 1 to 60.
        months: u16,
    },
    /// All end with the month this many months after the one of the account's latest activity: an order that was
    /// placed, or points that were given.
    Inactivity {
        /// How many, 1 to 60.
        months: u16,
    },
    /// They do not end.
    Never,
}

impl Expiry {
    /// The months after which points end, whatever they are counted from.
    pub fn months(self) -> Option<u16> {
        match self {
            Self::Fixed { months } | Self::Inactivity { months } => Some(months),
            Self::Never => None,
        }
    }

    /// When points end as things stand that were decided on at `decided_at`, to end at `stated` then; `None`: they have
    /// ended, spent or not.
    pub(crate) fn end_now(
        self,
        holdings: &Holdings,
        stated: Instant,
        decided_at: Instant,
        now: Instant,
    ) -> Option<End> {
        let Self::Inactivity { months } = self else {
            return Some(End::at(stated)).filter(|end| end.expires_at > now);
        };
        let streak = holdings.streak(months, now).filter(|streak| streak.since <= decided_at)?;
        // A late order's points may have ended before it was known.
        (stated > decided_at).then_some(End { expires_at: streak.ends_at, inactivity_months: Some(months) })
    }
}

/// Notes that an account, already at `now`, was active on a day: it placed an order, or is given points. Answers when
/// points end that this brings, and what the entry says of those that last longer for it.
pub(crate) fn activity(
    account: &mut Account,
    program: &Program,
    day: Day,
    now: Instant,
) -> Result<(End, Vec<Change>), Overflow> {
    let (calendar, latest) = (&program.calendar, account.last_purchase);
    let prolonged = account.holdings.prolong(day, calendar, now)?.into_iter();
    let changes =
        prolonged.map(|lot| Change::Points(PointsChange::Prolonged { points: lot.points, expires_at: lot.expires_at }));
    let end = match program.points.expiry {
        Expiry::Fixed { months } => End::at(calendar.end_of_month_after_day(day, months)),
        Expiry::Inactivity { months } => account.holdings.join(months, day, latest, calendar, now),
        Expiry::Never => End::NEVER,
    };
    Ok((end, changes.collect()))
}
