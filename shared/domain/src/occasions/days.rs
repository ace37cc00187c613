//! On which days occasions come. Days are the program's; what comes on a day begins with it.

use super::{Date, On, Which};
use crate::account::Account;
use crate::time::{Calendar, Day, DayOfYear};

impl On {
    /// The first day of this occasion that is a given day or a later one, as things stand. Birthdays are not told: they are
    /// those of the contacts.
    pub(super) fn on_or_after(&self, account: &Account, calendar: &Calendar, from: Day) -> Option<Which> {
        match self {
            Self::Welcome | Self::Birthday { .. } | Self::NthOrder(_) => None,
            Self::Anniversary { years } => anniversary(years, calendar.day(account.joined_at), from),
            Self::Date(dates) => {
                let days = dates.iter().filter_map(|date| date.on_or_after(from));
                days.min().map(|day| Which::Date { day })
            }
            Self::Inactivity { days } => {
                let since = account.last_purchase?;
                let day = since.plus((*days).into());
                (day >= from).then_some(Which::Inactivity { since, day })
            }
        }
    }
}

impl Date {
    fn on_or_after(self, from: Day) -> Option<Day> {
        match self {
            Self::Once(day) => (day >= from).then_some(day),
            Self::Yearly(day) => Some(day.on_or_after(from)),
        }
    }
}

/// An account has its first anniversary in the year after the one it joined in, on the same day of the year.
fn anniversary(years: &[u16], joined: Day, from: Day) -> Option<Which> {
    let of_year = DayOfYear::of(joined);
    let after = |years: u16| (years, of_year.in_year(joined.year().saturating_add(years.into())));
    let (years, day) = match years {
        [] => {
            let day = of_year.on_or_after(from.max(joined.plus(1)));
            (u16::try_from(day.year().saturating_sub(joined.year())).ok()?, day)
        }
        listed => {
            listed.iter().map(|years| after(*years)).filter(|(_, day)| *day >= from).min_by_key(|(_, day)| *day)?
        }
    };
    Some(Which::Anniversary { years, day })
}
