//! Between which two instants a rule holds: its `from` and `until`.
//!
//! Either is an instant, or a date of the program's time zone. A date is the whole of its day, so that one alone says
//! "that day": as the first it stands for the day's first instant, as the last for the first instant after it.

use crate::document::{self, Faults, Leaf, Object};
use crate::schema::{self, Schema};
use crate::time::{Calendar, Day, Instant};
use serde_json::Value;

/// The instant from which on a rule holds.
pub(crate) fn from(calendar: &Calendar) -> impl Fn(&Value) -> Leaf<Instant> {
    |value| moment(value, |day| calendar.start_of_day(day))
}

/// The first instant at which it does not hold any more.
pub(crate) fn until(calendar: &Calendar) -> impl Fn(&Value) -> Leaf<Instant> {
    |value| moment(value, |day| calendar.start_of_day(day.plus(1)))
}

/// An instant, or what a day of the program's zone stands for.
fn moment(value: &Value, of_day: impl Fn(Day) -> Instant) -> Leaf<Instant> {
    let text = document::string(value)?;
    if let Some(day) = Day::parse(text) {
        return Ok(of_day(day));
    }
    let message = "must be a date such as 2030-06-01 or an RFC 3339 date and time with an offset, from 1970 to 2999";
    Instant::parse(text).ok_or_else(|| ("invalid_time", message.to_owned()))
}

/// The `from` and `until` of a rule, either of which may be left out; `until` is the later one.
pub(crate) fn read(rule: &Object<'_>, calendar: &Calendar, faults: &mut Faults) -> (Option<Instant>, Option<Instant>) {
    let first = rule.optional("from", faults, from(calendar));
    let last = rule.optional("until", faults, until(calendar));
    if first.zip(last).is_some_and(|(first, last)| last <= first) {
        faults.add(&rule.at("until"), "out_of_order", "must be later than from");
    }
    (first, last)
}

/// What they may say of something that happens between them, added to what the rule says besides.
pub(crate) fn schema(rule: Schema, what_happens: &str) -> Schema {
    let from = format!("{what_happens} at this instant or later; a date is its start.");
    let until = format!("{what_happens} before this instant; a date is its end.");
    rule.optional("from", schema::moment(), &from).optional("until", schema::moment(), &until)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::document::Path;
    use serde_json::json;

    fn told(rule: &Value) -> Vec<String> {
        let (berlin, mut faults) = (Calendar::of("Europe/Berlin").unwrap(), Faults::default());
        let rule = Object::open(rule, &Path::Root, &["from", "until"], &mut faults).unwrap();
        let (from, until) = read(&rule, &berlin, &mut faults);
        if faults.is_empty() {
            return [from, until].map(|at| at.map_or("-".to_owned(), |at| at.to_string())).to_vec();
        }
        faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
    }

    #[test]
    fn a_date_is_the_whole_of_its_day_and_an_instant_is_itself() {
        for (rule, expected) in [
            (json!({}), ["-", "-"]),
            (json!({"from": "2030-05-01"}), ["2030-04-30T22:00:00Z", "-"]),
            (json!({"from": "2030-05-01", "until": "2030-05-01"}), ["2030-04-30T22:00:00Z", "2030-05-01T22:00:00Z"]),
            // The day on which the clocks go forward is an hour shorter.
            (json!({"from": "2030-03-31", "until": "2030-03-31"}), ["2030-03-30T23:00:00Z", "2030-03-31T22:00:00Z"]),
            (
                json!({"from": "2030-05-01T06:00:00+02:00", "until": "2030-05-01"}),
                ["2030-05-01T04:00:00Z", "2030-05-01T22:00:00Z"],
            ),
        ] {
            assert_eq!(told(&rule), expected, "{rule}");
        }
    }

    #[test]
    fn what_is_neither_or_over_before_it_begins_is_a_fault() {
        for (rule, expected) in [
            (json!({"from": "2030-05-01T00:00:00"}), &["$.from invalid_time"][..]),
            (json!({"from": "05-01", "until": 20_300_501}), &["$.from invalid_time", "$.until wrong_type"]),
            (json!({"from": "2030-02-30"}), &["$.from invalid_time"]),
            (json!({"from": "2030-05-02", "until": "2030-05-01"}), &["$.until out_of_order"]),
            (json!({"from": "2030-05-02", "until": "2030-05-02T00:00:00+02:00"}), &["$.until out_of_order"]),
        ] {
            assert_eq!(told(&rule), expected, "{rule}");
        }
    }
}
