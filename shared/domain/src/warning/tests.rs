#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
use super::*;
use crate::account::Status;
use crate::advance::advance;
use crate::code::Code;
use crate::discount::OpenDiscount;
use crate::id::{AccountId, RuleId, TierId};
use crate::lots::Lot;
use crate::money::Points;
use crate::program::Program;
use crate::schedule::Activation;
use crate::walk;
use serde_json::{Value, json};
use std::sync::Arc;

const ALWAYS: &str = "1970-01-01T00:00:00Z";
const HOUR_MS: i64 = 3_600_000;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// A program with these warnings, days ahead.
fn document(zone: &str, discount: &[u16], points: &[u16], tier: &[u16]) -> Value {
    json!({
        "name": "warned", "currency": "GBP", "time_zone": zone,
        "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 24 },
        "tiers": {
            "window_months": 3, "review": { "hold_months": 3, "grace_days": 0, "downgrade": "one_step" },
            "levels": [
                { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
                { "id": "silver", "name": "Silver", "threshold": "1000", "multiplier": "1" },
            ],
        },
        "warnings": {
            "discount_expiring_days": discount, "points_expiring_days": points, "tier_at_risk_days": tier,
        },
    })
}

fn schedule(versions: &[(&str, Value)]) -> Schedule {
    let activation = |(index, (from, document)): (usize, &(&str, Value))| Activation {
        from: at(from),
        version: u32::try_from(index + 1).unwrap(),
        program: Arc::new(Program::from_json(document).unwrap()),
    };
    Schedule::new(versions.iter().enumerate().map(activation).collect()).unwrap()
}

fn london(points: &[u16]) -> Schedule {
    schedule(&[(ALWAYS, document("Europe/London", &[], points, &[]))])
}

fn account() -> Account {
    let program = Program::from_json(&document("Europe/London", &[], &[], &[])).unwrap();
    Account::enrol(AccountId::parse("acme").unwrap(), &program, at("2010-01-01T00:00:00Z")).0
}

fn with_points(ends_at: &str) -> Account {
    let mut account = account();
    account.holdings.add(Lot::until(at(ends_at), Points(500))).unwrap();
    account
}

/// Walks it for everything; answers what was said, as kind and date of the end.
fn walk_at(account: &mut Account, schedule: &Schedule, now: Instant) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for walk in Walk::ALL {
        let (passed, _, warnings) = walk::pass(account, walk, None, schedule, now).unwrap();
        *account = passed;
        for warning in warnings {
            let warning = serde_json::to_value(warning).unwrap();
            let end = [&warning["expires_at"], &warning["review_at"]].into_iter().find_map(Value::as_str).unwrap();
            said.push((warning["type"].as_str().unwrap().to_owned(), end.to_owned()));
        }
    }
    said
}

/// Walks it every six hours; answers on which days anything was said. What is said is what was foreseen.
fn walk_through(account: &mut Account, schedule: &Schedule, from: &str, until: &str) -> Vec<String> {
    let (mut now, mut said) = (at(from), Vec::new());
    while now < at(until) {
        let warns = Walk::ALL.into_iter().any(|walk| walk::warns(account, walk, schedule, now).unwrap());
        let foreseen = next(&advance(schedule, account, now).unwrap().0, schedule, now).unwrap();
        let found = walk_at(account, schedule, now);
        assert_eq!(foreseen.is_some_and(|at| at <= now), !found.is_empty(), "{foreseen:?} at {now}: {found:?}");
        assert_eq!(warns, !found.is_empty());
        said.extend(found.iter().map(|_| now.to_string()[..10].to_owned()));
        now = now.plus_ms(6 * HOUR_MS);
    }
    said
}

#[test]
fn a_lead_begins_with_a_day_of_the_program() {
    for (zone, ends_at, days, expected) in [
        ("Europe/London", "2011-02-02T12:00:00Z", 7, "2011-01-26T00:00:00Z"),
        ("Europe/London", "2011-04-02T11:00:00Z", 7, "2011-03-26T00:00:00Z"), // noon, summer time between
        ("Europe/London", "2011-04-03T00:30:00Z", 7, "2011-03-27T00:00:00Z"), // the day that loses an hour
        ("Europe/London", "2011-11-06T01:30:00Z", 7, "2011-10-29T23:00:00Z"), // the day that gains one
        ("Europe/London", "2012-03-01T00:00:00Z", 1, "2012-02-29T00:00:00Z"),
        ("Europe/London", "2011-03-31T23:00:00Z", 30, "2011-03-02T00:00:00Z"), // ends as April begins
        ("Europe/London", "2011-06-30T23:30:00Z", 1, "2011-06-29T23:00:00Z"),  // already July in London
        ("America/Sao_Paulo", "2011-10-17T12:00:00Z", 1, "2011-10-16T03:00:00Z"), // midnight is skipped
        ("America/Havana", "2011-11-14T12:00:00Z", 1, "2011-11-13T04:00:00Z"), // midnight comes twice
        ("Pacific/Apia", "2012-01-02T12:00:00Z", 3, "2011-12-30T10:00:00Z"),   // the 30th of December is skipped
    ] {
        let schedule = schedule(&[(ALWAYS, document(zone, &[], &[days], &[]))]);
        let (account, expected) = (with_points(ends_at), at(expected));
        assert_eq!(next(&account, &schedule, account.joined_at).unwrap(), Some(expected), "{zone} {ends_at}");
        for (now, times) in [(expected.plus_ms(-1), 0), (expected, 1), (at(ends_at).plus_ms(-1), 1), (at(ends_at), 0)] {
            assert_eq!(walk_at(&mut account.clone(), &schedule, now).len(), times, "{zone} {ends_at} at {now}");
        }
    }
}

#[test]
fn one_day_ahead_leaves_most_of_a_day_whatever_hour_it_ends_at() {
    let schedule = london(&[1]);
    // Around both changes of the clock, too.
    for day in ["2011-01-20", "2011-03-27", "2011-03-28", "2011-10-30", "2011-10-31"] {
        for hour in 0..24 {
            let ends_at = at(&format!("{day}T00:00:00Z")).plus_ms(hour * HOUR_MS);
            let mut account = with_points(&ends_at.to_string());
            let mut now = ends_at.plus_ms(-5 * Instant::DAY_MS).utc_day().end().plus_ms(HOUR_MS + 900_000);
            let mut said = Vec::new();
            while now < ends_at {
                said.extend(walk_at(&mut account, &schedule, now).iter().map(|_| ends_at.as_ms() - now.as_ms()));
                now = now.plus_ms(6 * HOUR_MS);
            }
            assert_eq!(said.len(), 1, "{ends_at}");
            assert!((17 * HOUR_MS..=49 * HOUR_MS).contains(&said[0]), "{} ms before {ends_at}", said[0]);
        }
    }
}

#[test]
fn of_several_leads_that_have_begun_only_the_shortest_is_given() {
    let schedule = london(&[1, 7, 30]);
    for (first_walk, expected) in [
        ("2011-01-01T01:15:00Z", &["2011-03-02", "2011-03-25", "2011-03-31"][..]),
        ("2011-03-10T01:15:00Z", &["2011-03-10", "2011-03-25", "2011-03-31"]),
        ("2011-03-26T01:15:00Z", &["2011-03-26", "2011-03-31"]),
        ("2011-03-31T01:15:00Z", &["2011-03-31"]),
        ("2011-04-01T01:15:00Z", &[]),
    ] {
        let mut account = with_points("2011-03-31T23:00:00Z");
        assert_eq!(walk_through(&mut account, &schedule, first_walk, "2011-04-03T00:00:00Z"), expected, "{first_walk}");
    }
}

#[test]
fn what_comes_about_within_a_lead_is_said_whether_or_not_the_account_was_walked_that_day() {
    let schedule = london(&[30]);
    for walks_before in [&[][..], &["2011-03-21T01:15:00Z"], &["2011-03-20T01:15:00Z", "2011-03-21T07:15:00Z"]] {
        let mut account = account();
        // A walk that has something else to write down.
        account.holdings.add(Lot::until(at("2011-03-21T00:00:00Z"), Points(3))).unwrap();
        account.tell(Subject::Points, at("2011-03-21T00:00:00Z"), 30);
        for walk in walks_before {
            assert_eq!(walk_at(&mut account, &schedule, at(walk)), []);
        }
        account.holdings.add(Lot::until(at("2011-03-31T23:00:00Z"), Points(500))).unwrap();
        let found = walk_at(&mut account, &schedule, at("2011-03-21T13:15:00Z"));
        assert_eq!(found, [("points.expiring".to_owned(), "2011-03-31T23:00:00Z".to_owned())], "{walks_before:?}");
        // More of what ends with it is no news, nor is what was gone and came back.
        account.holdings = Default::default();
        assert_eq!(walk_at(&mut account, &schedule, at("2011-03-22T13:15:00Z")), []);
        account.holdings.add(Lot::until(at("2011-03-31T23:00:00Z"), Points(700))).unwrap();
        assert_eq!(walk_at(&mut account, &schedule, at("2011-03-23T13:15:00Z")), []);
    }
}

#[test]
fn what_was_told_is_forgotten_once_it_is_over() {
    let schedule = london(&[30]);
    let mut account = with_points("2011-03-31T23:00:00Z");
    account.holdings.add(Lot::until(at("2011-04-30T23:00:00Z"), Points(5))).unwrap();
    walk_at(&mut account, &schedule, at("2011-03-05T01:15:00Z"));
    assert_eq!(account.told.len(), 1);
    walk_at(&mut account, &schedule, at("2011-04-05T01:15:00Z"));
    let told = Told { subject: Subject::Points, ends_at: at("2011-04-30T23:00:00Z"), days: 30 };
    assert_eq!(account.told, [told]);
}

#[test]
fn a_version_that_brings_in_leads_gives_the_shorter_ones_and_none_that_is_longer_than_one_given() {
    let version = |points: &[u16]| document("Europe/London", &[], points, &[]);
    for (first, second, expected) in [
        (&[30][..], &[30, 14, 7][..], &["2011-03-02", "2011-03-18", "2011-03-25"][..]),
        (&[30], &[60, 45], &["2011-03-02"]),
        (&[], &[30], &["2011-03-15"]), // in force in the midst of its lead
        (&[60], &[30], &["2011-01-31", "2011-03-15"]),
        (&[30], &[], &["2011-03-02"]),
        (&[10], &[], &[]),
        (&[10], &[20], &["2011-03-15"]),
    ] {
        let ascending = |days: &[u16]| {
            let mut days = days.to_vec();
            days.sort_unstable();
            days
        };
        let versions = [(ALWAYS, version(&ascending(first))), ("2011-03-15T00:00:00Z", version(&ascending(second)))];
        let mut account = with_points("2011-03-31T23:00:00Z");
        let filed = next(&account, &schedule(&versions), at("2011-01-01T00:00:00Z")).unwrap();
        let due = expected.first().map(|day| at(&format!("{day}T00:00:00Z")));
        assert_eq!(filed, due, "a version to come is foreseen: {first:?}, then {second:?}");
        let said = walk_through(&mut account, &schedule(&versions), "2011-01-01T01:15:00Z", "2011-04-03T00:00:00Z");
        assert_eq!(said, expected, "{first:?}, then {second:?}");
    }
}

#[test]
fn of_versions_from_the_same_instant_on_the_last_alone_is_ever_in_force() {
    let version = |points: &[u16]| ("2011-03-15T00:00:00Z", document("Europe/London", &[], points, &[]));
    let account = with_points("2011-03-31T23:00:00Z");
    for (versions, expected) in
        [([version(&[30]), version(&[])], None), ([version(&[]), version(&[30])], Some(at("2011-03-15T00:00:00Z")))]
    {
        let [second, third] = versions;
        let schedule = schedule(&[(ALWAYS, document("Europe/London", &[], &[], &[])), second, third]);
        assert_eq!(next(&account, &schedule, at("2011-03-01T00:00:00Z")).unwrap(), expected);
    }
}

#[test]
fn a_change_of_the_time_zone_repeats_no_warning() {
    // Westward: the lead that had begun begins again.
    let (tokyo, honolulu) = (document("Asia/Tokyo", &[], &[7], &[]), document("Pacific/Honolulu", &[], &[7], &[]));
    let schedule = schedule(&[(ALWAYS, tokyo), ("2011-03-24T20:00:00Z", honolulu)]);
    let mut account = with_points("2011-03-31T23:00:00Z");
    let said = walk_through(&mut account, &schedule, "2011-03-20T01:15:00Z", "2011-04-03T00:00:00Z");
    assert_eq!(said, ["2011-03-24"]);
}

/// An open discount that was issued with so many days to go.
fn open(ends_at: &str, told_days: u16) -> OpenDiscount {
    let (rule, code) = (RuleId::parse("next").unwrap(), Code::of_bits(7));
    OpenDiscount { rule, code, expires_at: at(ends_at), told_days, terms: None }
}

#[test]
fn a_discount_is_not_warned_of_by_a_lead_that_had_begun_when_it_was_issued() {
    let schedule = schedule(&[(ALWAYS, document("Europe/London", &[1, 7, 30], &[], &[]))]);
    for (issued_days, expected) in [
        (60, &["2011-03-01", "2011-03-24", "2011-03-30"][..]),
        (30, &["2011-03-24", "2011-03-30"]),
        (8, &["2011-03-24", "2011-03-30"]),
        (7, &["2011-03-30"]),
        (1, &[]),
        (0, &[]),
    ] {
        let mut account = account();
        account.discounts.push(open("2011-03-31T12:00:00Z", issued_days));
        let said = walk_through(&mut account, &schedule, "2011-01-01T01:15:00Z", "2011-04-03T00:00:00Z");
        assert_eq!(said, expected, "{issued_days}");
    }
}

#[test]
fn who_has_left_or_waits_to_be_let_in_is_not_warned_and_who_is_active_then_is_once() {
    let schedule = london(&[7, 30]);
    for status in [Status::Closed, Status::Pending] {
        let mut account = Account { status, ..with_points("2011-03-31T23:00:00Z") };
        assert_eq!(walk_through(&mut account, &schedule, "2011-01-01T01:15:00Z", "2011-03-10T00:00:00Z"), [""; 0]);
        account.status = Status::Active;
        let said = walk_through(&mut account, &schedule, "2011-03-10T01:15:00Z", "2011-04-03T00:00:00Z");
        assert_eq!(said, ["2011-03-10", "2011-03-25"], "{status:?}");
    }
}

#[test]
fn a_tier_is_at_risk_as_long_as_it_would_be_lost_and_each_review_is_said_once() {
    let schedule = schedule(&[(ALWAYS, document("Europe/London", &[], &[], &[3, 14]))]);
    let mut account = account();
    (account.tier, account.tier_since) = (TierId::parse("silver").unwrap(), at("2011-01-10T12:00:00Z"));
    let mut said = Vec::new();
    for day in 0..150 {
        let now = at("2011-01-11T01:15:00Z").plus_ms(day * Instant::DAY_MS);
        said.extend(walk_at(&mut account, &schedule, now).into_iter().map(|(kind, end)| (kind, end, now.to_string())));
    }
    let expected = ["2011-04-17T01:15:00Z", "2011-04-28T01:15:00Z"]
        .map(|now| ("tier.at_risk".to_owned(), "2011-04-30T23:00:00Z".to_owned(), now.to_owned()));
    assert_eq!(said, expected);
    assert_eq!(account.tier.as_str(), "member");
}
