//! Schedules as EventBridge writes them: `rate(5 minutes)` and `cron(15 1 * * ? *)`, in a time zone.

use std::collections::BTreeSet;

use domain::time::{Calendar, Instant};
use jiff::ToSpan;
use jiff::civil::Date;

/// How far ahead the next time is looked for: a 29th of February may be eight years away.
const DAYS_AHEAD_MAX: usize = 8 * 366 + 2;
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

    /// The first time after an instant; `None` where there is none in the next eight years. A rate knows no time zone.
    pub fn next(&self, calendar: &Calendar, after: Instant) -> Option<Instant> {
        match self {
            Self::Rate(ms) => Some(Instant::from_ms(after.as_ms().checked_div(*ms)?.checked_add(1)?.checked_mul(*ms)?)),
            Self::Cron(cron) => cron.next(calendar, after),
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
    fn next(&self, calendar: &Calendar, after: Instant) -> Option<Instant> {
        // From the day before: a skipped time of its last hour has moved into this one.
        let start = calendar.day(after).plus(-1).to_string().parse::<Date>().ok()?;
        let days = std::iter::successors(Some(start), |day| day.checked_add(1.day()).ok());
        let days = days.take(DAYS_AHEAD_MAX).filter(|day| self.runs_on(*day));
        // Not the first of a day but the least: a skipped time has moved past those that follow it.
        days.filter_map(|day| self.times_of(day, calendar).filter(|at| *at > after).min()).next()
    }

    fn runs_on(&self, day: Date) -> bool {
        let has = |set: &BTreeSet<u16>, value: i8| u16::try_from(value).is_ok_and(|value| set.contains(&value));
        let weekday = day.weekday().to_sunday_one_offset();
        self.months.contains(&u16::try_from(day.month()).unwrap_or_default())
            && self.years.contains(&u16::try_from(day.year()).unwrap_or_default())
            && self.days.as_ref().is_none_or(|days| has(days, day.day()))
            && self.weekdays.as_ref().is_none_or(|days| has(days, weekday))
    }

    /// The times of a day; one that the zone skips moves forward, of a doubled one it is the first.
    fn times_of(&self, day: Date, calendar: &Calendar) -> impl Iterator<Item = Instant> {
        self.hours.iter().flat_map(move |hour| {
            let time =
                move |minute: &u16| calendar.parse_local(&format!("{day} {hour:02}:{minute:02}"), "%Y-%m-%d %H:%M");
            self.minutes.iter().filter_map(time)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_follows_from_the_expression() {
        let utc = Calendar::of("UTC").unwrap();
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
            let found = schedule.next(&utc, Instant::parse(after).unwrap()).unwrap();
            assert_eq!(found.to_string(), next, "{expression} after {after}");
        }
        let never = Schedule::parse("cron(0 0 30 2 ? *)").unwrap();
        assert_eq!(never.next(&utc, Instant::MIN), None);
    }

    #[test]
    fn a_time_is_the_zones_own_through_clock_changes() {
        for (zone, expression, times) in [
            // The night of London: summer time from 01:00 UTC on 29 March to 01:00 UTC on 25 October.
            ("Europe/London", "cron(5 0 * * ? *)", ["2026-03-28T00:05", "2026-03-29T00:05", "2026-03-29T23:05"]),
            ("Europe/London", "cron(5 0 * * ? *)", ["2026-10-23T23:05", "2026-10-24T23:05", "2026-10-26T00:05"]),
            ("America/New_York", "cron(5 0 * * ? *)", ["2026-03-07T05:05", "2026-03-08T05:05", "2026-03-09T04:05"]),
            ("America/New_York", "cron(5 0 * * ? *)", ["2026-10-31T04:05", "2026-11-01T04:05", "2026-11-02T05:05"]),
            // Skipped: forward by the hour. Doubled: the first.
            ("Europe/London", "cron(30 1 * * ? *)", ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),
            ("Europe/London", "cron(30 1 * * ? *)", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
            ("America/New_York", "cron(30 2 * * ? *)", ["2026-03-07T07:30", "2026-03-08T07:30", "2026-03-09T06:30"]),
            ("America/New_York", "cron(30 1 * * ? *)", ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"]),
            // Moved past 02:15, and where midnight itself, or the hour before it, is skipped.
            ("Europe/London", "cron(15/15 1,2 29 3 ? *)", ["2026-03-29T01:15", "2026-03-29T01:30", "2026-03-29T01:45"]),
            ("America/Havana", "cron(5 0 * * ? *)", ["2026-03-07T05:05", "2026-03-08T05:05", "2026-03-09T04:05"]),
            ("America/Nuuk", "cron(30 23 * * ? *)", ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),
            // No zone's hour: a rate.
            ("America/New_York", "rate(1 day)", ["2026-03-08T00:00", "2026-03-09T00:00", "2026-03-10T00:00"]),
        ] {
            let (calendar, schedule) = (Calendar::of(zone).unwrap(), Schedule::parse(expression).unwrap());
            let times = times.map(|time| Instant::parse(&format!("{time}:00Z")).unwrap());
            let mut after = times[0].plus_ms(-1);
            for time in times {
                after = schedule.next(&calendar, after).unwrap();
                assert_eq!(after.to_string(), time.to_string(), "{expression} in {zone}");
            }
        }
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
