#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
use super::*;
use crate::id::{AccountId, TierId};
use crate::lots::{End, Lot, Pending};
use crate::money::{Currency, Measure};
use crate::program::Program;
use crate::qualification::Metric;
use crate::schedule::Activation;
use serde_json::{Value, json};
use std::sync::Arc;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn document(points_days: &[u16], tier_days: &[u16]) -> Value {
    json!({
        "name": "foreseen", "currency": "GBP", "time_zone": "Europe/London",
        "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 24 },
        "tiers": {
            "window_months": 3, "review": { "hold_months": 1, "grace_days": 0, "downgrade": "one_step" },
            "levels": [
                { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
                { "id": "silver", "name": "Silver", "threshold": "1000", "multiplier": "1" },
                { "id": "gold", "name": "Gold", "threshold": "5000", "multiplier": "1" },
            ],
        },
        "warnings": { "points_expiring_days": points_days, "tier_at_risk_days": tier_days },
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

const ALWAYS: &str = "1970-01-01T00:00:00Z";
const NOW: &str = "2011-01-15T12:00:00Z";

fn account() -> Account {
    let program = Program::from_json(&document(&[], &[])).unwrap();
    Account::enrol(AccountId::parse("acme").unwrap(), &program, at(NOW)).0
}

fn foreseen(account: &Account, versions: &[(&str, Value)], until: &str) -> Forecast {
    let mut forecast = Forecast::default();
    forecast.add(account, &schedule(versions), at(NOW), at(until)).unwrap();
    forecast
}

#[test]
fn points_that_still_wait_are_warned_of_once_they_do_not() {
    let mut account = account();
    let (available_at, expires_at) = (at("2011-02-20T00:00:00Z"), at("2011-03-01T00:00:00Z"));
    account.holdings.add_pending(Pending::new(available_at, End::at(expires_at), Points(70))).unwrap();
    let amount = |count, points| Amount { count, points: Points(points) };
    for (until, warned, expired) in [
        ("2011-02-19T23:59:59Z", amount(0, 0), amount(0, 0)),
        ("2011-02-20T00:00:00Z", amount(1, 70), amount(0, 0)), // the lead of 30 days began while they waited
        ("2011-02-27T00:00:00Z", amount(1, 70), amount(0, 0)),
        ("2011-02-28T00:00:00Z", amount(2, 140), amount(0, 0)),
        ("2011-03-01T00:00:00Z", amount(2, 140), amount(1, 70)),
    ] {
        let forecast = foreseen(&account, &[(ALWAYS, document(&[1, 30], &[]))], until);
        assert_eq!((forecast.points_expiring_warnings, forecast.points_expired), (warned, expired), "{until}");
        assert_eq!(forecast.accounts, u64::from(forecast != Forecast::default()), "{until}");
    }
}

#[test]
fn reviews_after_the_next_one_are_warned_of_too() {
    let mut account = account();
    account.tier = TierId::parse("gold").unwrap();
    let pounds = |amount: i64| Some(Metric::Spend.measured(Measure(amount * 100), Currency::GBP));
    for (until, lowered, warnings, missing) in [
        ("2011-02-14T00:00:00Z", 0, 0, None),
        ("2011-02-15T00:00:00Z", 0, 1, pounds(5_000)),
        ("2011-03-01T00:00:00Z", 1, 1, pounds(5_000)),
        ("2011-04-17T00:00:00Z", 1, 2, pounds(6_000)), // silver since March, held through April
        ("2011-05-01T00:00:00Z", 2, 2, pounds(6_000)),
        ("2999-12-31T00:00:00Z", 2, 2, pounds(6_000)),
    ] {
        let forecast = foreseen(&account, &[(ALWAYS, document(&[], &[14]))], until);
        let told = (forecast.tiers_lowered, forecast.tier_at_risk_warnings, forecast.tier_at_risk_missing);
        assert_eq!(told, (lowered, warnings, missing), "{until}");
    }
    let json = serde_json::to_value(foreseen(&account, &[(ALWAYS, document(&[], &[14]))], "2011-03-01T00:00:00Z"));
    assert_eq!(json.unwrap()["tier_at_risk_missing"], json!({ "amount": "5000.00", "currency": "GBP" }));
}

#[test]
fn a_version_to_come_warns_from_its_day_on() {
    let mut account = account();
    account.holdings.add(Lot::until(at("2011-03-01T00:00:00Z"), Points(5))).unwrap();
    let versions = [(ALWAYS, document(&[], &[])), ("2011-02-10T00:00:00Z", document(&[1, 30], &[]))];
    for (until, count) in [("2011-02-09T23:59:59Z", 0), ("2011-02-10T00:00:00Z", 1), ("2011-02-28T00:00:00Z", 2)] {
        assert_eq!(foreseen(&account, &versions, until).points_expiring_warnings.count, count, "{until}");
    }
}

#[test]
fn what_was_told_already_is_not_foreseen() {
    let mut account = account();
    account.holdings.add(Lot::until(at("2011-02-01T00:00:00Z"), Points(5))).unwrap();
    let versions = [(ALWAYS, document(&[1, 30], &[]))];
    let warnings = |account: &Account| foreseen(account, &versions, "2011-02-01T00:00:00Z").points_expiring_warnings;
    assert_eq!(warnings(&account), Amount { count: 2, points: Points(10) });
    account.tell(crate::warning::Subject::Points, at("2011-02-01T00:00:00Z"), 30);
    assert_eq!(warnings(&account), Amount { count: 1, points: Points(5) });
}
