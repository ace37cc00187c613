//! Anniversaries, dates and win-backs: when they come.

use super::*;
use crate::account::Status;
use crate::forecast::{Amount, Forecast};

/// Zone, occasion, joined, walked from, until, and what was given.
type Row = (&'static str, Value, &'static str, &'static str, &'static str, &'static [&'static str]);

fn rows() -> Vec<Row> {
    let years = |years: &[u16]| on("anniversary", &json!({"years": years}));
    let every = || on("anniversary", &json!({}));
    let date = |date: &str| on("date", &json!({"dates": [date]}));
    vec![
        // A membership of the 29th of February has its anniversary on the 28th of common years.
        (
            "Europe/London",
            every(),
            "2024-02-29T12:00:00Z",
            "2025-02-25T00:00:00Z",
            "2025-03-03T00:00:00Z",
            &["anniversary/anniversary/2025-02-28 at 2025-02-28T00:00:00Z"],
        ),
        (
            "Europe/London",
            every(),
            "2024-02-29T12:00:00Z",
            "2028-02-27T00:00:00Z",
            "2028-03-03T00:00:00Z",
            &["anniversary/anniversary/2028-02-29 at 2028-02-29T00:00:00Z"],
        ),
        // Not in the year of joining, and by the days of the zone: it is the 1st of July in London already.
        ("Europe/London", every(), "2025-06-30T23:30:00Z", "2025-06-30T23:40:00Z", "2025-07-03T00:00:00Z", &[]),
        (
            "Europe/London",
            every(),
            "2025-06-30T23:30:00Z",
            "2026-06-29T00:00:00Z",
            "2026-07-03T00:00:00Z",
            &["anniversary/anniversary/2026-07-01 at 2026-06-30T23:00:00Z"],
        ),
        (
            "UTC",
            years(&[1, 5]),
            "2021-03-31T12:00:00Z",
            "2022-03-30T00:00:00Z",
            "2022-04-02T00:00:00Z",
            &["anniversary/anniversary/2022-03-31 at 2022-03-31T00:00:00Z"],
        ),
        ("UTC", years(&[1, 5]), "2021-03-31T12:00:00Z", "2025-03-30T00:00:00Z", "2025-04-02T00:00:00Z", &[]),
        (
            "UTC",
            years(&[1, 5]),
            "2021-03-31T12:00:00Z",
            "2026-03-30T00:00:00Z",
            "2026-04-02T00:00:00Z",
            &["anniversary/anniversary/2026-03-31 at 2026-03-31T00:00:00Z"],
        ),
        // Midnight of the zone, wherever the sun stands.
        (
            "Pacific/Auckland",
            date("12-24"),
            "2026-01-01T00:00:00Z",
            "2026-12-22T00:00:00Z",
            "2026-12-27T00:00:00Z",
            &["date/date/2026-12-24 at 2026-12-23T11:00:00Z"],
        ),
        // A midnight that does not exist: the day begins at one.
        (
            "America/Sao_Paulo",
            date("11-04"),
            "2018-01-01T00:00:00Z",
            "2018-11-03T00:00:00Z",
            "2018-11-06T00:00:00Z",
            &["date/date/2018-11-04 at 2018-11-04T03:00:00Z"],
        ),
        // A midnight that comes twice: the first.
        (
            "America/Havana",
            date("11-01"),
            "2026-01-01T00:00:00Z",
            "2026-10-30T00:00:00Z",
            "2026-11-04T00:00:00Z",
            &["date/date/2026-11-01 at 2026-11-01T04:00:00Z"],
        ),
        (
            "UTC",
            date("02-29"),
            "2026-01-01T00:00:00Z",
            "2027-02-20T00:00:00Z",
            "2027-03-05T00:00:00Z",
            &["date/date/2027-02-28 at 2027-02-28T00:00:00Z"],
        ),
        (
            "UTC",
            date("2026-12-31"),
            "2026-01-01T00:00:00Z",
            "2026-12-30T00:00:00Z",
            "2027-01-03T00:00:00Z",
            &["date/date/2026-12-31 at 2026-12-31T00:00:00Z"],
        ),
        // Once is once.
        ("UTC", date("2026-12-31"), "2026-01-01T00:00:00Z", "2027-12-30T00:00:00Z", "2028-01-03T00:00:00Z", &[]),
        // Who joins on the day was no member when it began.
        ("UTC", date("06-01"), "2026-06-01T00:00:01Z", "2026-06-01T01:00:00Z", "2026-06-03T00:00:00Z", &[]),
    ]
}

#[test]
fn each_comes_with_its_day_in_the_zone_of_the_program() {
    for (zone, rule, joined, from, until, expected) in rows() {
        let mut town = Town::joined(document(zone, &json!([rule])), joined);
        assert_eq!(town.walk_through(from, until), expected, "{zone} {rule}");
        town.check();
    }
}

#[test]
fn who_was_not_walked_is_given_it_up_to_thirty_days_later() {
    for (walked, given) in [("2026-07-04T00:00:00Z", 1), ("2026-08-03T23:59:59Z", 1), ("2026-08-04T00:00:00Z", 0)] {
        let rule = on("date", &json!({"dates": ["07-04"]}));
        let mut town = Town::joined(document("UTC", &json!([rule])), "2026-01-01T00:00:00Z");
        town.walk(at(walked));
        assert_eq!(town.gifts().count(), given, "{walked}");
        town.walk(at("2026-08-05T00:00:00Z"));
        assert_eq!(town.gifts().count(), given, "{walked}");
    }
}

#[test]
fn a_silence_is_broken_by_an_order_and_each_brings_it_once() {
    let rules = json!([
        on("inactivity", &json!({"days": 30})),
        on("inactivity", &json!({"id": "longer", "days": 60, "give": {"points": 5, "discount": discount("back")}})),
    ]);
    let mut town = Town::joined(document("Europe/London", &rules), "2026-01-01T00:00:00Z");
    assert_eq!(
        town.walk_through("2026-01-02T00:00:00Z", "2026-03-20T00:00:00Z"),
        [""; 0],
        "nobody waits for a first one"
    );
    town.order(at("2026-03-20T23:30:00Z")).unwrap();
    let told = town.walk_through("2026-03-21T00:00:00Z", "2026-04-25T00:00:00Z");
    assert_eq!(told, ["inactivity/inactivity/2026-04-19 at 2026-04-18T23:00:00Z"], "summer time has begun");
    town.order(at("2026-05-18T12:00:00Z")).unwrap();
    let told = town.walk_through("2026-05-18T13:00:00Z", "2026-09-01T00:00:00Z");
    let expected = [
        "inactivity/inactivity/2026-06-17 at 2026-06-16T23:00:00Z",
        "longer/inactivity/2026-07-17 at 2026-07-16T23:00:00Z",
    ];
    assert_eq!(told, expected);
    town.check();
    assert_eq!(town.discounts.len(), 1);
}

#[test]
fn what_passes_while_an_account_does_not_take_part_is_over() {
    for (left, status) in [(Status::Suspended, "suspended"), (Status::Closed, "closed")] {
        let rules = json!([on("date", &json!({"dates": ["07-04", "07-20"]}))]);
        let mut town = Town::joined(document("UTC", &rules), "2026-01-01T00:00:00Z");
        town.put(Some(left), at("2026-07-01T00:00:00Z")).unwrap();
        town.walk(at("2026-07-04T00:00:00Z"));
        town.put(Some(Status::Active), at("2026-07-05T00:00:00Z")).unwrap();
        let told = town.walk_through("2026-07-05T01:00:00Z", "2026-07-22T00:00:00Z");
        assert_eq!(told, ["date/date/2026-07-20 at 2026-07-20T00:00:00Z"], "{status}");
    }
}

#[test]
fn a_rule_reaches_nothing_before_its_version_and_is_not_asked_after_it() {
    let with = |dates: &[&str]| document("UTC", &json!([on("date", &json!({"dates": dates}))]));
    let versions = [
        ("1970-01-01T00:00:00Z", document("UTC", &json!([]))),
        ("2026-07-04T00:00:01Z", with(&["07-04", "07-06", "07-10"])),
        ("2026-07-10T00:00:00Z", with(&["07-04", "07-06", "07-10", "07-12"])),
        ("2026-07-11T00:00:00Z", document("UTC", &json!([]))),
    ];
    let mut town = Town::of(schedule(&versions));
    town.put(None, at("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(town.account().due.map(|due| due.at), Some(at("2026-07-06T00:00:00Z")), "filed for what is to come");
    // Nobody walks until the rules are gone: what came under them is given all the same.
    town.walk(at("2026-07-20T00:00:00Z"));
    let expected = ["date/date/2026-07-06 at 2026-07-20T00:00:00Z", "date/date/2026-07-10 at 2026-07-20T00:00:00Z"];
    assert_eq!(town.given(), expected);
    assert_eq!(next(town.account(), &town.schedule, at("2026-07-20T00:00:00Z")), None);
    town.check();
}

#[test]
fn what_is_due_is_told_ahead_once_for_each_day() {
    let rules = json!([
        on("date", &json!({"dates": ["07-04", "07-20"], "give": {"points": 100}})),
        on("anniversary", &json!({"tiers": ["gold"]})),
        on("birthday", &json!({})),
    ]);
    let mut town = Town::joined(document("UTC", &rules), "2025-07-10T00:00:00Z");
    town.contact("ann", Some("1980-07-11"), at("2025-07-11T00:00:00Z")).unwrap();
    let mut forecast = Forecast::default();
    let (now, until) = (at("2026-06-30T00:00:00Z"), at("2027-07-10T00:00:00Z"));
    forecast.add(town.account(), &town.schedule, now, until).unwrap();
    let given = Amount { count: 3, points: crate::money::Points(300) };
    assert_eq!(forecast, Forecast { accounts: 1, occasions_given: given, ..Forecast::default() });
}
