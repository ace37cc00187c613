//! Instants, and the calendar of the program's time zone.
//!
//! An [`Instant`] is a point on the time line in whole milliseconds; days and months exist only in a [`Calendar`].

use jiff::{ToSpan, civil, tz::TimeZone};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z. Finer digits are cut off when parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Instant(i64);

impl Instant {
    /// The earliest instant accepted: 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// The latest instant accepted: 2999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(32_503_679_999_999);
    /// What never comes, where an end is asked for: the latest instant there is.
    pub const NEVER: Self = Self::MAX;
    /// One day, in milliseconds.
    pub const DAY_MS: i64 = 86_400_000;

    /// The instant `ms` milliseconds after 1970, kept within [`Self::MIN`] and [`Self::MAX`].
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds since 1970.
    pub fn as_ms(self) -> i64 {
        self.0
    }

    /// An RFC 3339 date and time with an offset; `None` for anything else or outside the accepted range.
    pub fn parse(text: &str) -> Option<Self> {
        if !is_rfc3339(text) {
            return None;
        }
        let ms = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
        (Self::MIN.0..=Self::MAX.0).contains(&ms).then_some(Self(ms))
    }

    /// This instant `ms` milliseconds later (or earlier), within the accepted range.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// [`Self::NEVER`], for what is not written down.
    pub(crate) fn never() -> Self {
        Self::NEVER
    }

    /// Whether it is [`Self::NEVER`].
    pub fn is_never(&self) -> bool {
        *self == Self::NEVER
    }

    /// The day of this instant in UTC.
    pub fn utc_day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(Self::DAY_MS)).unwrap_or(i32::MAX))
    }

    fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

impl TryFrom<String> for Instant {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not an RFC 3339 instant")
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether a text has the shape of RFC 3339, which the parser below is laxer than: `YYYY-MM-DDTHH:MM:SS[.f]` and `Z` or
/// `±HH:MM`.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((date_time, rest)) = bytes.split_at_checked(19) else { return false };
    let shape = b"dddd-dd-ddTdd:dd:dd".iter().zip(date_time).all(|(expected, byte)| match expected {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        other => byte == other,
    });
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 { return false } else { fraction.get(digits..).unwrap_or_default() }
        }
        None => rest,
    };
    let numeric = |sign: &u8| matches!(sign, b'+' | b'-') && offset.len() == 6 && offset.get(3) == Some(&b':');
    shape && (matches!(offset, b"Z" | b"z") || offset.first().is_some_and(numeric))
}

/// A calendar day: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// A date as `YYYY-MM-DD`, from 1970 to 2999; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let date = text.parse::<civil::Date>().ok().filter(|_| is_plain)?;
        (1970..=2999).contains(&date.year()).then(|| Self::of(date))
    }

    fn of(date: civil::Date) -> Self {
        Self(civil::date(1970, 1, 1).until(date).map_or(0, |span| span.get_days()))
    }

    fn date(self) -> civil::Date {
        civil::date(1970, 1, 1).saturating_add(self.0.days())
    }

    /// The month it lies in.
    pub fn month(self) -> Month {
        let date = self.date();
        let months = i32::from(date.year()).saturating_mul(12);
        Month(months.saturating_add(i32::from(date.month())).saturating_sub(1))
    }

    /// The year it lies in.
    pub fn year(self) -> i32 {
        self.date().year().into()
    }

    /// The first instant after it, in UTC.
    pub fn end(self) -> Instant {
        Instant::from_ms(i64::from(self.0).saturating_add(1).saturating_mul(Instant::DAY_MS))
    }

    /// The day `count` days later (or earlier).
    pub fn plus(self, count: i32) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

/// A day that comes every year, as calendars show it. The 29th of February is the 28th in common years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayOfYear {
    month: i8,
    day: i8,
}

impl DayOfYear {
    /// The first.
    pub(crate) const NEW_YEAR: Self = Self { month: 1, day: 1 };

    /// The day of the year of a day.
    pub fn of(day: Day) -> Self {
        let date = day.date();
        Self { month: date.month(), day: date.day() }
    }

    /// A day of the year as `MM-DD`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        // Of a leap year, which has them all.
        Some(Self::of(Day::parse(&format!("2000-{text}"))?))
    }

    /// The day that it is in a year.
    pub fn in_year(self, year: i32) -> Day {
        let year = i16::try_from(year).unwrap_or(i16::MAX).clamp(1970, 9998);
        let first = civil::Date::new(year, self.month, 1).unwrap_or(civil::Date::ZERO);
        let last = first.days_in_month();
        Day::of(civil::Date::new(year, self.month, self.day.min(last)).unwrap_or(first))
    }

    /// The first of its days that is a given day or a later one.
    pub fn on_or_after(self, from: Day) -> Day {
        let this_year = self.in_year(from.year());
        if this_year >= from { this_year } else { self.in_year(from.year().saturating_add(1)) }
    }
}

impl fmt::Display for DayOfYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

/// A calendar month: months since January of the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(pub i32);

impl Month {
    /// The month `count` months later (or earlier).
    pub fn plus(self, count: i32) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// A month as `YYYY-MM`, from 1970 to 2999; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Day::parse(&format!("{text}-01"))?.month())
    }

    /// Its first day.
    pub fn first(self) -> Day {
        Day::of(self.first_day())
    }

    fn first_day(self) -> civil::Date {
        let year = i16::try_from(self.0.div_euclid(12)).unwrap_or(i16::MAX).clamp(0, 9998);
        let month = i8::try_from(self.0.rem_euclid(12)).unwrap_or(0).saturating_add(1);
        civil::Date::new(year, month, 1).unwrap_or(civil::Date::ZERO)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first_day().strftime("%Y-%m").to_string())
    }
}

/// What wall clocks and calendars show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wall {
    /// The day of the week; 0 is Monday.
    pub weekday: u8,
    /// Minutes since midnight, by the clock.
    pub minute: u16,
}

/// Days and months of one time zone. The zone's rules come with the program, not with the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    /// The calendar of an IANA time zone such as `Europe/London`; `None` for an unknown one.
    pub fn of(zone: &str) -> Option<Self> {
        let known = jiff::tz::TimeZoneDatabase::bundled().get(zone).ok()?;
        known.iana_name().is_some().then_some(Self { zone: known })
    }

    /// The calendar of UTC.
    pub(crate) fn utc() -> Self {
        Self { zone: TimeZone::UTC }
    }

    /// The IANA name of the zone.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Whether every day of the year from a day on begins at the same instant here and there.
    pub fn agrees_with(&self, other: &Self, from: Day) -> bool {
        let mut days = (0..=366).map(|days| from.plus(days));
        self.zone_name() == other.zone_name() || days.all(|day| self.start_of_day(day) == other.start_of_day(day))
    }

    fn civil(&self, at: Instant) -> civil::DateTime {
        self.zone.to_datetime(at.timestamp())
    }

    fn instant(&self, wall: civil::DateTime) -> Instant {
        // "Compatible": a skipped wall time moves forward, a doubled one takes the first.
        match self.zone.to_ambiguous_timestamp(wall).compatible() {
            Ok(timestamp) => Instant::from_ms(timestamp.as_millisecond()),
            Err(_) => Instant::MAX,
        }
    }

    /// The instant of a local wall time written in a `strptime` format; `None` for anything else or outside the
    /// accepted range.
    pub fn parse_local(&self, text: &str, format: &str) -> Option<Instant> {
        let wall = civil::DateTime::strptime(format, text).ok()?;
        (1970..=2999).contains(&wall.year()).then(|| self.instant(wall))
    }

    /// The month an instant falls in.
    pub fn month(&self, at: Instant) -> Month {
        self.day(at).month()
    }

    /// The day an instant falls in.
    pub fn day(&self, at: Instant) -> Day {
        Day::of(self.civil(at).date())
    }

    /// The first instant of a day.
    pub fn start_of_day(&self, day: Day) -> Instant {
        self.instant(day.date().to_datetime(civil::Time::midnight()))
    }

    /// From when something is, for people: `from 2030-05-01` where that is the beginning of a day.
    pub fn from_in_words(&self, at: Instant) -> String {
        let day = self.day(at);
        if self.start_of_day(day) == at { format!("from {day}") } else { format!("from {at}") }
    }

    /// Before when something is, for people: `through 2030-05-31` where a day ends then.
    pub fn until_in_words(&self, end: Instant) -> String {
        let day = self.day(end);
        if self.start_of_day(day) == end { format!("through {}", day.plus(-1)) } else { format!("before {end}") }
    }

    /// What the zone's wall clocks and calendars show at an instant.
    pub fn wall(&self, at: Instant) -> Wall {
        let wall = self.civil(at);
        let (hour, minute) = (u16::try_from(wall.hour()), u16::try_from(wall.minute()));
        let weekday = u8::try_from(wall.weekday().to_monday_zero_offset()).unwrap_or(0);
        Wall { weekday, minute: hour.unwrap_or(0).saturating_mul(60).saturating_add(minute.unwrap_or(0)) }
    }

    /// The day of its month an instant falls on, 1 to 31.
    pub fn day_of_month(&self, at: Instant) -> u8 {
        u8::try_from(self.civil(at).day()).unwrap_or(1)
    }

    /// The first instant of a month.
    pub fn month_start(&self, month: Month) -> Instant {
        self.instant(month.first_day().to_datetime(civil::Time::midnight()))
    }

    /// The first instant after the month `months` after the one of `at`: where points earned at `at` end.
    pub fn end_of_month_after(&self, at: Instant, months: u16) -> Instant {
        self.end_of_month_after_day(self.day(at), months)
    }

    /// The same, counted from a day.
    pub fn end_of_month_after_day(&self, day: Day, months: u16) -> Instant {
        self.month_start(day.month().plus(i32::from(months)).plus(1))
    }

    /// The same local wall time `days` later; a skipped hour moves forward, a doubled one takes the first.
    pub fn same_time_after_days(&self, at: Instant, days: u16) -> Instant {
        self.instant(self.civil(at).saturating_add(i32::from(days).days()))
    }

    /// The same local wall time `months` later, or on the last day of a shorter month; likewise.
    pub fn same_time_after_months(&self, at: Instant, months: u16) -> Instant {
        self.instant(self.civil(at).saturating_add(i32::from(months).months()))
    }

    /// Days from the one of `from` to the one of `to`; 0, where that is earlier.
    pub fn days_until(&self, from: Instant, to: Instant) -> u16 {
        let days = self.day(to).0.saturating_sub(self.day(from).0).max(0);
        u16::try_from(days).unwrap_or(u16::MAX)
    }

    /// The first instant of the day `days` before the one of `at`.
    pub fn start_of_day_before(&self, at: Instant, days: u16) -> Instant {
        self.start_of_day(self.day(at).plus(i32::from(days).saturating_neg()))
    }

    /// The first instant of the day `days` after the one of `at`.
    pub fn start_of_day_after(&self, at: Instant, days: u16) -> Instant {
        let day = self.civil(at).date().saturating_add(i32::from(days).days());
        self.instant(day.to_datetime(civil::Time::midnight()))
    }
}

#[cfg(test)]
mod tests;
