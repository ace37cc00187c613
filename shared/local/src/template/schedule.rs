//! Schedules as EventBridge writes them: `rate(5 minutes)` and `cron(15 1 * * ? *)`, in UTC.

use std::collections::BTreeSet;

use domain::time::Instant;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// How far ahead the next time is looked for: a 29th of February may be eight years away.
const DAYS_AHEAD_MAX: usize = 8 * 366 + 1;
const NAMED_DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const YEARS: (u16, u16) = (1970, 2199);

/// When something runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// Every so many milliseconds.
    Rate(i64),
    /// At these minutes.
    Cron(Box<Cron>),
}

/// The six fields of a cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<u16>,
    hours: BTreeSet<u16>,
    /// Days of the month; `None` where days of the week decide.
    days: Option<BTreeSet<u16>>,
    months: BTreeSet<u16>,
    /// Days of the week, 1 (Sunday) to 7; `None` where days of the month decide.
    weekdays: Option<BTreeSet<u16>>,
    years: BTreeSet<u16>,
}

impl Schedule {
    /// Reads an expression; what is wrong with it where it cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inside = |kind: &str| text.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')');
        match (inside("rate"), inside("cron")) {
            (Some(rate), _) => self::rate(rate).ok_or_else(|| format!("{text:?} is no rate such as rate(5 minutes)")),
            (_, Some(fields)) => cron(fields).map(|cron| Self::Cron(Box::new(cron))),
            _ => Err(format!("{text:?} is neither rate(…) nor cron(…)")),
        }
    }

    /// The first time after an instant; `None` where there is none in the next eight years.
    pub fn next(&self, after: Instant) -> Option<Instant> {
        match self {
            Self::Rate(ms) => Some(Instant::from_ms(after.as_ms().checked_div(*ms)?.checked_add(1)?.checked_mul(*ms)?)),
            Self::Cron(cron) => cron.next(after),
        }
    }
}

fn rate(text: &str) -> Option<Schedule> {
    let (count, unit) = text.split_once(' ')?;
    let count: i64 = count.parse().ok().filter(|count| (1..=366).contains(count))?;
    let (singular, minutes) = match unit.strip_suffix('s').unwrap_or(unit) {
        "minute" => ("minute", 1_i64),
        "hour" => ("hour", 60),
        "day" => ("day", 1_440),
        _ => return None,
    };
    // As EventBridge has it: one minute, two minutes.
    ((unit == singular) == (count == 1)).then_some(Schedule::Rate(count.checked_mul(minutes)?.checked_mul(60_000)?))
}

fn cron(text: &str) -> Result<Cron, String> {
    let fields: Vec<_> = text.split(' ').collect();
    let &[minutes, hours, days, months, weekdays, years] = fields.as_slice() else {
        return Err(format!("cron({text}) must have six fields: minutes, hours, day, month, weekday, year"));
    };
    let field = |text: &str, name: &str, range| values(text, range).ok_or_else(|| format!("{text:?} is no {name}"));
    let either = |text: &str, name: &str, range| match text {
        "?" => Ok(None),
        _ => field(text, name, range).map(Some),
    };
    let cron = Cron {
        minutes: field(minutes, "minute", (0, 59))?,
        hours: field(hours, "hour", (0, 23))?,
        days: either(days, "day of the month", (1, 31))?,
        months: field(months, "month", (1, 12))?,
        weekdays: either(weekdays, "day of the week", (1, 7))?,
        years: field(years, "year", YEARS)?,
    };
    if cron.days.is_some() == cron.weekdays.is_some() {
        return Err(format!("cron({text}) must have a ? as day of the month or as day of the week, and only there"));
    }
    Ok(cron)
}

/// The values of a field: `*`, and comma-separated numbers, ranges and steps such as `0/15`.
fn values(text: &str, (least, most): (u16, u16)) -> Option<BTreeSet<u16>> {
    let number = |text: &str| {
        let named = (most == 7).then(|| NAMED_DAYS.iter().position(|name| *name == text)).flatten();
        let number = match named {
            Some(index) => u16::try_from(index).ok()?.checked_add(1)?,
            None => text.parse().ok()?,
        };
        (least..=most).contains(&number).then_some(number)
    };
    let mut found = BTreeSet::new();
    for part in text.split(',') {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, Some(step.parse::<usize>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (first, last) = match (span.split_once('-'), step) {
            _ if span == "*" => (least, most),
            (Some((first, last)), _) => (number(first)?, number(last)?),
            (None, Some(_)) => (number(span)?, most),
            (None, None) => (number(span)?, number(span)?),
        };
        found.extend((first..=last).step_by(step.unwrap_or(1)));
    }
    Some(found).filter(|found| !found.is_empty())
}

impl Cron {
    fn next(&self, after: Instant) -> Option<Instant> {
        let timestamp = jiff::Timestamp::from_millisecond(after.as_ms()).ok()?;
        let start = TimeZone::UTC.to_datetime(timestamp);
        let days = std::iter::successors(Some(start.date()), |day| day.checked_add(1.day()).ok());
        let times = days.take(DAYS_AHEAD_MAX).filter(|day| self.runs_on(*day)).flat_map(|day| self.times_of(day));
        let instant = |time: DateTime| {
            let timestamp = TimeZone::UTC.to_timestamp(time).ok()?;
            Some(Instant::from_ms(timestamp.as_millisecond()))
        };
        times.filter_map(instant).find(|at| *at > after)
    }

    fn runs_on(&self, day: Date) -> bool {
        let has = |set: &BTreeSet<u16>, value: i8| u16::try_from(value).is_ok_and(|value| set.contains(&value));
        let weekday = day.weekday().to_sunday_one_offset();
        self.months.contains(&u16::try_from(day.month()).unwrap_or_default())
            && self.years.contains(&u16::try_from(day.year()).unwrap_or_default())
            && self.days.as_ref().is_none_or(|days| has(days, day.day()))
            && self.weekdays.as_ref().is_none_or(|days| has(days, weekday))
    }

    fn times_of(&self, day: Date) -> impl Iterator<Item = DateTime> {
        let hours = self.hours.iter().filter_map(|hour| i8::try_from(*hour).ok());
        hours.flat_map(move |hour| {
            let minutes = self.minutes.iter().filter_map(|minute| i8::try_from(*minute).ok());
            minutes.map(move |minute| day.at(hour, minute, 0, 0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_follows_from_the_expression() {
        for (expression, after, next) in [
            ("cron(15 1 * * ? *)", "2026-11-22T01:14:59.999Z", "2026-11-22T01:15:00Z"),
            ("cron(15 1 * * ? *)", "2026-11-22T01:15:00Z", "2026-11-23T01:15:00Z"),
            ("cron(0/20 8-9 ? * MON-FRI *)", "2026-11-20T09:40:00Z", "2026-11-23T08:00:00Z"),
            ("cron(30 23 31 * ? *)", "2026-11-01T00:00:00Z", "2026-12-31T23:30:00Z"),
            ("cron(0 0 29 2 ? *)", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"),
            ("cron(0 0 1 1,7 ? 2027)", "2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("rate(5 minutes)", "2026-11-22T01:14:59Z", "2026-11-22T01:15:00Z"),
            ("rate(1 hour)", "2026-11-22T01:00:00Z", "2026-11-22T02:00:00Z"),
        ] {
            let schedule = Schedule::parse(expression).unwrap();
            let found = schedule.next(Instant::parse(after).unwrap()).unwrap();
            assert_eq!(found.to_string(), next, "{expression} after {after}");
        }
        let never = Schedule::parse("cron(0 0 30 2 ? *)").unwrap();
        assert_eq!(never.next(Instant::MIN), None);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (expression, reason) in [
            ("daily", "neither rate"),
            ("cron(15 1 * * *)", "six fields"),
            ("cron(60 1 * * ? *)", "no minute"),
            ("cron(0 24 * * ? *)", "no hour"),
            ("cron(0 0 L * ? *)", "no day of the month"),
            ("cron(0 0 ? * 6#3 *)", "no day of the week"),
            ("cron(0 0 ? * FRI-MON *)", "no day of the week"),
            ("cron(0 0 * * * *)", "must have a ?"),
            ("cron(0 0 ? * ? *)", "must have a ?"),
            ("cron(0/0 0 * * ? *)", "no minute"),
            ("rate(0 days)", "no rate"),
            ("rate(1 days)", "no rate"),
            ("rate(2 day)", "no rate"),
            ("rate(5 seconds)", "no rate"),
        ] {
            let refused = Schedule::parse(expression).unwrap_err();
            assert!(refused.contains(reason), "{expression}: {refused}");
        }
    }
}
