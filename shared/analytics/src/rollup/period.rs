//! The stretches of time that figures are given for.

use domain::activity::MONTHS_KEPT;
use domain::time::{Day, Month};
use std::fmt;
use std::ops::RangeInclusive;

/// Months of a trailing period.
const TRAILING_MONTHS: i32 = 12;

/// A stretch of time in the program's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// A calendar month: `2011-05`.
    Month(Month),
    /// Three calendar months, named by the first of them: `2011-Q2`.
    Quarter(Month),
    /// A calendar year, named by its January: `2011`.
    Year(Month),
    /// The twelve months that end with this one: `2011-05-T12M`.
    Trailing(Month),
    /// The whole relationship: `lifetime`.
    Lifetime,
}

impl Period {
    /// A period by its name; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "lifetime" {
            return Some(Self::Lifetime);
        }
        if let Some(month) = text.strip_suffix("-T12M") {
            return Month::parse(month).map(Self::Trailing);
        }
        if let Some((year, quarter)) = text.split_once("-Q") {
            let quarter: i32 = ["1", "2", "3", "4"].iter().zip(0..).find(|(name, _)| **name == quarter)?.1;
            return Some(Self::Quarter(Month::parse(&format!("{year}-01"))?.plus(quarter.saturating_mul(3))));
        }
        match Month::parse(text) {
            Some(month) => Some(Self::Month(month)),
            None => Month::parse(&format!("{text}-01")).map(Self::Year),
        }
    }

    /// Its months; `None` for the whole relationship.
    pub fn months(self) -> Option<RangeInclusive<Month>> {
        let (first, count) = match self {
            Self::Month(month) => (month, 1),
            Self::Quarter(first) => (first, 3),
            Self::Year(first) => (first, 12),
            Self::Trailing(last) => (last.plus(1_i32.saturating_sub(TRAILING_MONTHS)), TRAILING_MONTHS),
            Self::Lifetime => return None,
        };
        Some(first..=first.plus(count.saturating_sub(1)))
    }

    /// Its first day; `None` for the whole relationship.
    pub fn first_day(self) -> Option<Day> {
        self.months().map(|months| months.start().first())
    }

    /// Its last day; `None` for the whole relationship.
    pub fn last_day(self) -> Option<Day> {
        self.months().map(|months| months.end().plus(1).first().plus(-1))
    }

    /// The period of the same length right before it; `None` for the whole relationship.
    pub fn previous(self) -> Option<Self> {
        match self {
            Self::Month(month) => Some(Self::Month(month.plus(-1))),
            Self::Quarter(first) => Some(Self::Quarter(first.plus(-3))),
            Self::Year(first) => Some(Self::Year(first.plus(-12))),
            Self::Trailing(last) => Some(Self::Trailing(last.plus(TRAILING_MONTHS.saturating_neg()))),
            Self::Lifetime => None,
        }
    }

    /// The periods of each kind that a month lies in or ends.
    pub fn of_month(month: Month) -> [Self; 4] {
        let since = |length: i32| month.plus(month.0.rem_euclid(length).saturating_neg());
        [Self::Month(month), Self::Quarter(since(3)), Self::Year(since(12)), Self::Trailing(month)]
    }

    /// The periods that the months kept as of `last` tell all about, and which of them their months are: by kind, each
    /// kind ascending, the whole relationship last.
    pub fn kept(last: Month) -> Vec<Self> {
        let first = first_kept(last);
        let mut periods = Vec::new();
        for place in 0..4 {
            let months = (first.0..=last.0).map(Month);
            let of_kind = months.filter_map(|month| Self::of_month(month).get(place).copied());
            // Of trailing periods only the newest is of use.
            let of_kind = of_kind.filter(|period| !matches!(period, Self::Trailing(end) if *end != last));
            periods.extend(of_kind.filter(|period| period.months().is_some_and(|months| *months.start() >= first)));
        }
        periods.dedup();
        periods.push(Self::Lifetime);
        periods
    }
}

/// The first month that every account keeps where `last` is the month of the night. One less than an account keeps: it
/// counts back from its own newest order, which may have come, or be dated, after the night's end.
pub(crate) fn first_kept(last: Month) -> Month {
    last.plus(2_i32.saturating_sub(MONTHS_KEPT))
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(month) => month.fmt(f),
            Self::Quarter(first) => {
                let quarter = first.0.rem_euclid(12).checked_div(3).unwrap_or(0).saturating_add(1);
                write!(f, "{:04}-Q{quarter}", first.0.div_euclid(12))
            }
            Self::Year(first) => write!(f, "{:04}", first.0.div_euclid(12)),
            Self::Trailing(last) => write!(f, "{last}-T12M"),
            Self::Lifetime => f.write_str("lifetime"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }

    #[test]
    fn a_period_is_read_by_the_name_it_is_given() {
        for (text, first, last, previous) in [
            ("2011-05", "2011-05-01", "2011-05-31", "2011-04"),
            ("2012-02", "2012-02-01", "2012-02-29", "2012-01"),
            ("2011-Q1", "2011-01-01", "2011-03-31", "2010-Q4"),
            ("2011-Q4", "2011-10-01", "2011-12-31", "2011-Q3"),
            ("2011", "2011-01-01", "2011-12-31", "2010"),
            ("2011-05-T12M", "2010-06-01", "2011-05-31", "2010-05-T12M"),
        ] {
            let period = Period::parse(text).unwrap();
            assert_eq!(period.to_string(), text);
            assert_eq!(period.first_day().unwrap().to_string(), first);
            assert_eq!(period.last_day().unwrap().to_string(), last);
            assert_eq!(period.previous().unwrap().to_string(), previous);
        }
        assert_eq!(Period::parse("lifetime").unwrap().to_string(), "lifetime");
        for text in ["", "May", "2011-5", "2011-Q5", "2011-Q0", "2011-q1", "2011-Q", "11", "2011-T12M", "-Q1", "20111"]
        {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_the_kept_months_tell_whole_is_given() {
        let names: Vec<_> = Period::kept(month("2011-05")).iter().map(Period::to_string).collect();
        assert_eq!((names.first().unwrap().as_str(), names.len()), ("2009-06", 24 + 8 + 2 + 1 + 1));
        assert_eq!(
            names.get(24..).unwrap(),
            [
                "2009-Q3",
                "2009-Q4",
                "2010-Q1",
                "2010-Q2",
                "2010-Q3",
                "2010-Q4",
                "2011-Q1",
                "2011-Q2",
                "2010",
                "2011",
                "2011-05-T12M",
                "lifetime"
            ]
        );
        // From a January to the December of the year after, both years are whole.
        for (last, years) in [("2011-12", &["2010", "2011"][..]), ("2012-01", &["2011", "2012"])] {
            let names: Vec<_> = Period::kept(month(last)).iter().map(Period::to_string).collect();
            assert_eq!(names.iter().filter(|name| name.len() == 4).collect::<Vec<_>>(), years);
        }
    }
}
