#![allow(clippy::unwrap_used)]
use super::*;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

#[test]
fn only_instants_with_an_offset_are_read() {
    for (text, good) in [
        ("2011-01-01T00:00:00Z", true),
        ("2011-01-01T00:00:00.123456+02:00", true),
        ("2011-01-01T00:00:00", false),
        ("2011-01-01", false),
        ("2011-13-01T00:00:00Z", false),
        ("1969-12-31T23:59:59Z", false),
        ("9000-01-01T00:00:00Z", false),
        ("2011-01-01T00:00:00+01:00[Europe/Paris]", false),
        ("2011-01-01T00:00Z", false),
        ("2011-01-01T00:00:00+01", false),
        ("2011-01-01T00:00:00+0100", false),
        ("2011-01-01T00:00:00,5Z", false),
        ("2011-01-01T00:00:00.Z", false),
        ("yesterday", false),
    ] {
        assert_eq!(Instant::parse(text).is_some(), good, "{text}");
    }
    assert_eq!(at("2011-01-01T00:00:00.1239Z").as_ms().rem_euclid(1000), 123);
}

#[test]
fn months_and_days_lead_to_each_other() {
    for text in ["1970-01", "2011-05", "2012-02", "2999-12"] {
        let month = Month::parse(text).unwrap();
        assert_eq!((month.to_string(), month.first().to_string()), (text.to_owned(), format!("{text}-01")));
        assert_eq!((month.first().month(), month.first().plus(27).month()), (month, month));
        assert_eq!((month.first().plus(-1).month(), month.first().plus(31).month()), (month.plus(-1), month.plus(1)));
    }
    for text in ["", "2011", "2011-5", "2011-13", "2011-00", "1969-12", "2011-05-01", "2011-05-", " 2011-05"] {
        assert_eq!(Month::parse(text), None, "{text}");
    }
}

#[test]
fn wall_times_survive_clock_changes() {
    let london = Calendar::of("Europe/London").unwrap();
    for (from, days, to) in [
        ("2011-03-01T12:00:00Z", 30, "2011-03-31T11:00:00Z"), // summer time between
        ("2011-02-25T01:30:00Z", 30, "2011-03-27T01:30:00Z"), // 01:30 does not exist: 02:30 BST
        ("2011-09-30T00:30:00Z", 30, "2011-10-30T00:30:00Z"), // 01:30 happens twice: the first
        ("2012-01-30T10:00:00Z", 30, "2012-02-29T10:00:00Z"),
    ] {
        assert_eq!(london.same_time_after_days(at(from), days).to_string(), to);
    }
}

#[test]
fn points_end_with_a_month_of_the_zone() {
    let london = Calendar::of("Europe/London").unwrap();
    for (from, months, to) in [
        ("2010-12-01T08:26:00Z", 24, "2013-01-01T00:00:00Z"),
        ("2011-06-30T23:30:00Z", 24, "2013-07-31T23:00:00Z"), // already July in London
        ("2011-01-31T12:00:00Z", 1, "2011-03-01T00:00:00Z"),
    ] {
        assert_eq!(london.end_of_month_after(at(from), months).to_string(), to);
    }
}

#[test]
fn days_are_read_as_people_write_them() {
    for (text, start) in [
        ("2011-07-01", Some("2011-06-30T23:00:00Z")),
        ("2012-02-29", Some("2012-02-29T00:00:00Z")),
        ("2011-02-29", None),
        ("2011-7-1", None),
        ("20110701", None),
        ("01/07/2011", None),
        ("2011-07-01T00:00:00Z", None),
        ("1969-12-31", None),
        ("3000-01-01", None),
        (" 2011-07-1", None),
        ("+011-07-01", None),
        ("", None),
    ] {
        let day = Day::parse(text);
        assert!(day.is_none_or(|day| day.to_string() == text), "{text}");
        let london = Calendar::of("Europe/London").unwrap();
        assert_eq!(day.map(|day| london.start_of_day(day).to_string()).as_deref(), start, "{text}");
    }
}

#[test]
fn a_day_of_the_year_comes_once_a_year_and_a_leap_day_on_the_last_of_february() {
    let day = |text: &str| Day::parse(text).unwrap();
    for (of, from, next) in [
        ("12-24", "2026-12-24", "2026-12-24"),
        ("12-24", "2026-12-25", "2027-12-24"),
        ("01-31", "2026-12-31", "2027-01-31"),
        ("02-28", "2028-02-29", "2029-02-28"),
        ("02-29", "2027-01-01", "2027-02-28"),
        ("02-29", "2027-03-01", "2028-02-29"),
        ("02-29", "2028-02-28", "2028-02-29"),
        ("02-29", "2028-02-29", "2028-02-29"),
        ("02-29", "2028-03-01", "2029-02-28"),
        ("02-29", "2100-01-01", "2100-02-28"),
    ] {
        let of_year = DayOfYear::parse(of).unwrap();
        assert_eq!((of_year.to_string().as_str(), of_year.on_or_after(day(from))), (of, day(next)), "{of} {from}");
    }
    assert_eq!(DayOfYear::of(day("2027-02-28")).on_or_after(day("2028-01-01")), day("2028-02-28"));
    for text in ["", "2-29", "02-30", "13-01", "00-10", "04-31", "2027-02-28", "02/28", "0228"] {
        assert_eq!(DayOfYear::parse(text), None, "{text}");
    }
}

#[test]
fn months_and_days_print_as_people_write_them() {
    let london = Calendar::of("Europe/London").unwrap();
    assert_eq!(london.month(at("2010-12-31T23:59:59Z")).to_string(), "2010-12");
    assert_eq!(london.day(at("2011-07-01T23:30:00Z")).to_string(), "2011-07-02");
    assert!(Calendar::of("Europe/Atlantis").is_none());
}
