//! Conditions on when the order was placed, in the program's time zone.

use super::{Nonsense, OrderFacts, Reading, Test};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::money::Overflow;
use crate::program::{Ladder, Program};
use crate::schema::{self, Schema};
use crate::time::{Calendar, Instant};
use crate::validity;
use serde_json::{Value, json};

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// The same as people write them.
const WEEKDAYS_IN_WORDS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MINUTES_OF_DAY: u16 = 24 * 60;

/// It was placed at this instant or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct From(pub Instant);

/// It was placed before this instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until(pub Instant);

impl Test for From {
    type Facts<'a> = OrderFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, reading: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        document::noted(validity::from(reading.calendar)(value), path, faults).map(Self)
    }

    fn schema() -> Schema {
        schema::moment().about("The order is placed at this instant or later; a date is its start.")
    }

    fn holds(&self, facts: &OrderFacts<'_>) -> Result<bool, Overflow> {
        Ok(facts.placed_at >= self.0)
    }

    fn terms(&self, program: &Program) -> String {
        format!("it is placed {}", program.calendar.from_in_words(self.0))
    }

    fn why_not(&self, _: &Program) -> String {
        format!("the order was placed before {}", self.0)
    }
}

impl Test for Until {
    type Facts<'a> = OrderFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, reading: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        document::noted(validity::until(reading.calendar)(value), path, faults).map(Self)
    }

    fn schema() -> Schema {
        schema::moment().about("The order is placed before this instant; a date is its end.")
    }

    fn holds(&self, facts: &OrderFacts<'_>) -> Result<bool, Overflow> {
        Ok(facts.placed_at < self.0)
    }

    fn terms(&self, program: &Program) -> String {
        format!("it is placed {}", program.calendar.until_in_words(self.0))
    }

    fn why_not(&self, _: &Program) -> String {
        format!("the order was placed at {} or later", self.0)
    }
}

/// It was placed on one of these days of the week: bit 0 is Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekdays(u8);

impl Weekdays {
    fn has(self, place: usize) -> bool {
        u32::try_from(place).ok().and_then(|place| self.0.checked_shr(place)).is_some_and(|bits| bits & 1 == 1)
    }

    fn in_words(self) -> String {
        let named = WEEKDAYS_IN_WORDS.into_iter().enumerate().filter(|(place, _)| self.has(*place));
        named.map(|(_, name)| name).collect::<Vec<_>>().join(", ")
    }

    /// Whether one of them comes from an instant on and before a later one.
    pub(super) fn come_between(self, from: Instant, until: Instant, calendar: &Calendar) -> bool {
        let (first, last) = (calendar.day(from), calendar.day(until.plus_ms(-1)));
        let mut week = (0..7).map(|days| first.plus(days)).take_while(|day| *day <= last);
        week.any(|day| self.has(calendar.wall(calendar.start_of_day(day)).weekday.into()))
    }
}

impl Test for Weekdays {
    type Facts<'a> = OrderFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, _: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        let choices: Vec<_> =
            WEEKDAYS.into_iter().zip(0_u32..).map(|(name, place)| (name, 1_u8.wrapping_shl(place))).collect();
        let day = |value: &Value, path: &Path<'_>, faults: &mut Faults| {
            document::noted(document::one_of(&choices)(value), path, faults)
        };
        let days = document::list(value, path, 1..=WEEKDAYS.len(), faults, day)?;
        Some(Self(days.into_iter().fold(0, |all, day| all | day)))
    }

    fn schema() -> Schema {
        let named = WEEKDAYS.map(|day| json!({ "contains": { "const": day } }));
        schema::list(1..=WEEKDAYS.len(), schema::words(WEEKDAYS))
            .with("not", json!({ "type": "array", "allOf": named }))
            .about("The order is placed on one of these days; not all of them.")
    }

    fn holds(&self, facts: &OrderFacts<'_>) -> Result<bool, Overflow> {
        Ok(self.has(facts.wall().weekday.into()))
    }

    fn terms(&self, _: &Program) -> String {
        format!("it is placed on {}", self.in_words())
    }

    fn why_not(&self, _: &Program) -> String {
        format!("the order was not placed on {}", self.in_words())
    }

    fn nonsense(&self, _: Option<&Ladder>) -> Option<Nonsense> {
        let is_every = (0..WEEKDAYS.len()).all(|place| self.has(place));
        is_every.then(|| ("no_effect", "names every day of the week".to_owned()))
    }
}

/// It was placed at a time of day: from one minute on and before another, over midnight where that is the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    until: u16,
}

impl Hours {
    fn in_words(self) -> String {
        let time = |minutes: u16| format!("{:02}:{:02}", minutes.div_euclid(60), minutes.rem_euclid(60));
        format!("between {} and {}", time(self.from), time(self.until))
    }
}

/// A time of day such as `09:30`, in minutes; `24:00` is its end.
fn time_of_day(value: &Value) -> Leaf<u16> {
    let message = "must be a time of day such as 09:30, from 00:00 to 24:00";
    let read = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let two = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u16>().ok())?;
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        let total = hours.checked_mul(60)?.checked_add(minutes)?;
        (text.len() == 5 && minutes < 60 && total <= MINUTES_OF_DAY).then_some(total)
    };
    read(document::string(value)?).ok_or_else(|| ("invalid_time", message.to_owned()))
}

impl Test for Hours {
    type Facts<'a> = OrderFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, _: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        let hours = Object::open(value, path, &["from", "until"], faults)?;
        let from = hours.required("from", faults, time_of_day);
        let until = hours.required("until", faults, time_of_day);
        let (from, until) = (from?, until?);
        if from == until {
            faults.add(path, "conflict", "from and until are the same time");
        }
        if from == MINUTES_OF_DAY {
            faults.add(&hours.at("from"), "out_of_range", "no order is placed from 24:00 on");
        }
        Some(Self { from, until })
    }

    fn schema() -> Schema {
        let whole_day = json!({ "from": { "const": "00:00" }, "until": { "const": "24:00" } });
        schema::object("Hours")
            .with_conditions([json!({ "not": { "required": ["from", "until"], "properties": whole_day } })])
            .required("from", schema::time_of_day(), "From that time on.")
            .required("until", schema::end_of_time_of_day(), "Before that time; 24:00 is the end of the day.")
            .about("The order is placed at this time of day; over midnight where until is the earlier one.")
    }

    fn holds(&self, facts: &OrderFacts<'_>) -> Result<bool, Overflow> {
        let (Self { from, until }, minute) = (self, facts.wall().minute);
        let (started, over) = (minute >= *from, minute >= *until);
        Ok(if from < until { started && !over } else { started || !over })
    }

    fn terms(&self, _: &Program) -> String {
        format!("it is placed {}", self.in_words())
    }

    fn why_not(&self, _: &Program) -> String {
        format!("the order was not placed {}", self.in_words())
    }

    fn nonsense(&self, _: Option<&Ladder>) -> Option<Nonsense> {
        (self.from == 0 && self.until == MINUTES_OF_DAY).then(|| ("no_effect", "is the whole day".to_owned()))
    }
}
