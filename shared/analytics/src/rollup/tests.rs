#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use super::*;
use domain::code::Secrets;
use domain::decision::{Context, Record, Write};
use domain::order::Order;
use domain::schedule::Activation;
use domain::score;
use serde_json::{Value, json};
use std::sync::Arc;

/// A program of a time zone, without anything that is not asked for.
pub fn document(zone: &str) -> Value {
    json!({
        "name": "night", "currency": "GBP", "time_zone": zone,
        "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Base", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 24, "pending_days": 0, "shortfall": "owe" },
        "tiers": { "window_months": 12, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
            { "id": "silver", "name": "Silver", "threshold": "1000", "multiplier": "1" },
        ]},
        "discounts": [],
    })
}

/// That program from the beginning of time; others from an instant on.
pub fn schedule(zone: &str, later: &[(&str, &str)]) -> Schedule {
    let activation = |(from, zone, version): (Instant, &str, u32)| {
        let program = Arc::new(Program::from_json(&document(zone)).unwrap());
        Activation { from, version, program }
    };
    let later = later.iter().zip(2..).map(|((from, zone), version)| (at(from), *zone, version));
    Schedule::new(std::iter::once((Instant::MIN, zone, 1)).chain(later).map(activation).collect()).unwrap()
}

pub fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

pub fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

/// The night of a day in London.
pub fn night(text: &str) -> Night {
    Night::new(day(text), schedule("Europe/London", &[]), None)
}

/// An account of London after orders, each of one unit: when it was placed and its price in pence. They are decided in
/// the sequence given, none before it was placed.
pub fn account(id: &str, orders: &[(Instant, i64)]) -> Account {
    let (schedule, secrets) = (schedule("Europe/London", &[]), Secrets::parse("1:a secret for the night").unwrap());
    let mut account: Option<Account> = None;
    for (number, (placed_at, pence)) in orders.iter().enumerate() {
        let now = account.as_ref().map_or(*placed_at, |account| account.last_decided.max(*placed_at));
        let context =
            Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let price = domain::money::format_decimal(*pence, 2);
        let line = json!({ "line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": price });
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": format!("{id}-{number}"), "account_id": id,
            "placed_at": placed_at.to_string(), "currency": "GBP", "lines": [line],
        }));
        let (order, hash) = (Arc::new(order.unwrap()), [0; 32]);
        let decision = score::decide(account.as_ref(), &[], None, &order, hash, &context).unwrap();
        account = decision.writes.into_iter().find_map(|write| match write {
            Write::Put(Record::Account(account), _) => Some(*account),
            _ => None,
        });
    }
    account.unwrap()
}

/// The same after orders at noon of days, of £10 each.
pub fn buyer(id: &str, days: &[&str]) -> Account {
    let orders: Vec<_> = days.iter().map(|day| (at(&format!("{day}T12:00:00Z")), 1_000)).collect();
    account(id, &orders)
}

/// Accounts, counted.
pub fn count<'a>(night: &Night, accounts: impl IntoIterator<Item = &'a Account>) -> Partial {
    let mut partial = Partial::default();
    accounts.into_iter().for_each(|account| partial.record(night, account).unwrap());
    partial
}

#[test]
fn a_night_ends_with_the_last_millisecond_of_its_day_in_its_zone() {
    for (zone, text, end) in [
        ("Europe/London", "2011-01-31", "2011-01-31T23:59:59.999Z"),
        ("Europe/London", "2011-03-26", "2011-03-26T23:59:59.999Z"),
        ("Europe/London", "2011-03-27", "2011-03-27T22:59:59.999Z"), // 23 hours
        ("Europe/London", "2011-10-29", "2011-10-29T22:59:59.999Z"),
        ("Europe/London", "2011-10-30", "2011-10-30T23:59:59.999Z"), // 25 hours
        ("America/New_York", "2011-11-06", "2011-11-07T04:59:59.999Z"),
        ("Asia/Tokyo", "2011-12-31", "2011-12-31T14:59:59.999Z"),
        ("America/Sao_Paulo", "2011-10-15", "2011-10-16T02:59:59.999Z"), // the next day has no midnight
    ] {
        let night = Night::new(day(text), schedule(zone, &[]), None);
        assert_eq!((night.as_of().to_string().as_str(), night.day()), (end, day(text)), "{zone}");
        let calendar = &night.program().calendar;
        let days = [night.as_of(), night.as_of().plus_ms(1)].map(|at| calendar.day(at));
        assert_eq!(days, [day(text), day(text).plus(1)], "{zone}");
    }
}

#[test]
fn a_night_goes_by_the_version_in_force_at_its_end() {
    // New York's day ends five hours after UTC's, Tokyo's nine before it.
    for (zone, from, version) in [
        ("America/New_York", "2011-12-02T04:59:59.999Z", 2),
        ("America/New_York", "2011-12-02T05:00:00Z", 1),
        ("Asia/Tokyo", "2011-12-01T14:59:59.999Z", 2),
        ("Asia/Tokyo", "2011-12-01T15:00:00Z", 1),
    ] {
        let night = Night::new(day("2011-12-01"), schedule(zone, &[(from, zone)]), None);
        assert_eq!(night.program_version(), version, "{zone} {from}");
    }
}

#[test]
fn what_is_decided_after_its_end_is_the_next_nights() {
    // The points of December 2009 end with December 2011.
    let points = |night: &Night, account: &Account| {
        let whole = count(night, [account]);
        let standing = whole.groups.total().unwrap().standing;
        let expiring: Vec<_> = standing.expiring.iter().map(|(month, points)| (month.to_string(), *points)).collect();
        (whole.decided_later, standing.totals.points_available, standing.totals.points_expired, expiring)
    };
    let acme = account("acme", &[(at("2009-12-31T23:59:59.999Z"), 1_000)]);
    assert_eq!(points(&night("2011-12-31"), &acme), (0, 10, 0, vec![("2011-12".to_owned(), 10)]));
    assert_eq!(points(&night("2012-01-01"), &acme), (0, 0, 10, Vec::new()));
    assert_eq!(points(&night("2009-12-31"), &acme).0, 0);
    let late = account("late", &[(at("2010-01-01T00:00:00Z"), 1_000)]);
    assert_eq!(points(&night("2009-12-31"), &late), (1, 10, 0, vec![("2012-01".to_owned(), 10)]));
}

#[test]
fn an_order_of_after_the_night_changes_no_month_of_it() {
    // Decided before the night was counted, it makes the account forget January 2010.
    let orders = [("2010-01-15", 1), ("2010-02-15", 20), ("2012-01-31", 300), ("2012-02-01", 4_000)];
    let orders = orders.map(|(day, pence)| (at(&format!("{day}T12:00:00Z")), pence));
    let (before, after) = (account("acme", &orders[..3]), account("acme", &orders));
    let night = night("2012-01-31");
    let revenues = |account: &Account| {
        let figures = count(&night, [account]).groups.total().unwrap().figures;
        let told = night.periods().zip(figures).map(|(period, figures)| (period.to_string(), figures.revenue));
        told.filter(|(_, revenue)| *revenue != 0).collect::<Vec<_>>()
    };
    let told = [("2010-02", 20), ("2012-01", 300), ("2012-Q1", 300), ("2012", 300), ("2012-01-T12M", 300)];
    for (account, lifetime) in [(&before, 321), (&after, 4_321)] {
        let told = told.into_iter().chain([("lifetime", lifetime)]);
        assert_eq!(revenues(account), told.map(|(name, revenue)| (name.to_owned(), revenue)).collect::<Vec<_>>());
    }
}

#[test]
fn an_account_that_is_not_right_is_named_and_counted_all_the_same() {
    let night = night("2012-05-10");
    let mut broken: Vec<_> = (0..25).map(|n| buyer(&format!("a-{n:02}"), &["2012-05-01"])).collect();
    broken.iter_mut().for_each(|account| account.lifetime.expired.0 -= 3);
    let mut whole = count(&night, broken.iter().rev().chain([&buyer("fine", &["2012-05-01"])]));
    whole.flaw("b", "no account").unwrap();
    let names: Vec<_> = whole.flaws.iter().map(|flaw| flaw.account_id.clone()).collect();
    assert_eq!(names, (0..20).map(|n| format!("a-{n:02}")).collect::<Vec<_>>());
    assert_eq!(whole.flaws.iter().next().unwrap().what, "3 points more were issued than are accounted for");
    assert_eq!((whole.flawed, whole.groups.total().unwrap().standing.totals.accounts), (26, 26));
    // What never ends is outstanding, and in no month; what ends with inactivity, in its month as things stand.
    let mut lasting = buyer("lasting", &["2012-05-01"]);
    let (never, idle) = (domain::lots::End::NEVER, at("2013-01-01T00:00:00Z"));
    let idle = domain::lots::End { expires_at: idle, inactivity_months: Some(6) };
    let lots = [(never, 70), (idle, 30)].map(|(end, n)| domain::lots::Lot::new(end, domain::money::Points(n)));
    lasting.holdings = domain::lots::Holdings::of(lots.to_vec(), Vec::new(), domain::money::Points::ZERO);
    let standing = count(&night, [&lasting]).groups.total().unwrap().standing.clone();
    assert_eq!(standing.totals.points_outstanding(), 100);
    assert_eq!(standing.expiring.into_iter().collect::<Vec<_>>(), [(day("2012-12-31").month(), 30)]);
    // One whose points fit no integer is named, and nothing of it is counted.
    let mut huge = buyer("huge", &["2012-05-01", "2012-06-01"]);
    let end = at("2020-01-01T00:00:00Z");
    let lots = [1, 2].map(|n| domain::lots::Lot::until(end.plus_ms(n), domain::money::Points(i64::MAX)));
    huge.holdings = domain::lots::Holdings::of(lots.to_vec(), Vec::new(), domain::money::Points::ZERO);
    let whole = count(&night, [&huge]);
    assert_eq!((whole.flawed, whole.groups.total().unwrap().standing.totals.accounts), (1, 0));
    assert_eq!((whole.cohorts, whole.evidence, whole.lists), Default::default());
}

#[test]
fn a_trial_is_told_from_the_days_before_the_cut() {
    // The cut is the end of 9 February 2012, 91 days before.
    let night = night("2012-05-10");
    let history = |frequency, recency, age| History::new(frequency, recency, age).unwrap();
    for (days, told) in [
        (&["2012-02-09"][..], Some((history(0, 0, 0), 0))),
        (&["2012-02-10"], None), // not a customer yet
        (&["2012-01-12", "2012-02-09", "2012-02-10", "2012-02-10", "2012-05-10"], Some((history(1, 4, 4), 2))),
        (&["2012-01-31", "2012-02-29", "2012-03-31"], Some((history(0, 0, 1), 2))),
        (&["2012-01-01", "2012-01-31", "2012-02-29"], Some((history(1, 4, 6), 1))),
        // Its only order by then is older than the months it keeps: it was the first, and the last.
        (&["2009-02-12", "2012-04-01"], Some((history(0, 0, 156), 1))),
        (&["2009-02-12"], Some((history(0, 0, 156), 0))),
    ] {
        let evidence = count(&night, [&buyer("acme", days)]).evidence;
        let found: Vec<_> = evidence.trials.iter().map(|(trial, n)| (trial.history, trial.actual, n)).collect();
        let told: Vec<_> = told.into_iter().map(|(history, actual)| (history, actual, 1)).collect();
        assert_eq!((found, evidence.trials_unknown), (told, 0), "{days:?}");
    }
    // When the last of two was, nobody knows any more.
    let evidence = count(&night, [&buyer("acme", &["2009-02-12", "2009-03-05", "2012-04-01"])]).evidence;
    assert_eq!((evidence.trials.total(), evidence.trials_unknown), (0, 1));
}

#[test]
fn who_was_opened_with_orders_that_nobody_dated_is_no_newcomer_and_no_history() {
    let night = night("2012-05-31");
    let mut opened = buyer("opened", &["2012-05-10"]);
    opened.lifetime.orders += 41;
    opened.lifetime.purchase_days += 41;
    let whole = count(&night, [&opened]);
    let total = whole.groups.total().unwrap();
    let may = night.periods().position(|period| period.to_string() == "2012-05").unwrap();
    assert_eq!((total.figures[may].customers, total.figures[may].returning_customers), (1, 1));
    assert_eq!((total.customers.iter().count(), whole.cohorts.sizes.len()), (0, 0));
    assert_eq!(whole.evidence.trials_unknown, 1);
    // Of one whose first day was stated all is known.
    opened.first_purchase = Day::parse("2011-03-01");
    let whole = count(&night, [&opened]);
    assert_eq!((whole.groups.total().unwrap().customers.iter().count(), whole.cohorts.sizes.len()), (1, 1));
}

#[test]
fn who_has_left_is_on_no_list() {
    let night = night("2012-05-31");
    let mut left = buyer("left", &["2012-01-03", "2012-02-01"]);
    assert!(!count(&night, [&left]).lists.falling.is_empty());
    left.status = Status::Closed;
    let lists = count(&night, [&left]).lists;
    assert!(lists.falling.is_empty() && lists.candidates.is_empty());
}

#[test]
fn a_month_that_has_begun_is_held_against_no_whole_one() {
    let steady = ["2011-11-02", "2011-12-02", "2012-01-02", "2012-02-02", "2012-03-02", "2012-04-02", "2012-05-31"];
    let steady = buyer("steady", &steady);
    for day in ["2012-05-30", "2012-05-31"] {
        let lists = count(&night(day), [&steady]).lists;
        assert!(lists.falling.is_empty() && lists.rising.is_empty(), "{day}");
    }
}

#[test]
fn of_those_that_moved_alike_the_first_by_id_are_listed_in_whatever_order_they_come() {
    let night = night("2012-05-31");
    let accounts: Vec<_> = (0..23).map(|n| buyer(&format!("a-{n:02}"), &["2012-05-01"])).collect();
    let names = |lists: &Lists| lists.rising.iter().map(|one| one.account_id.clone()).collect::<Vec<_>>();
    let (forth, back) = (count(&night, &accounts).lists, count(&night, accounts.iter().rev()).lists);
    assert_eq!(names(&forth), (0..20).map(|n| format!("a-{n:02}")).collect::<Vec<_>>());
    assert_eq!(forth, back);
    assert!(forth.falling.is_empty() && forth.near_next_tier.len() == 20);
}

#[test]
fn who_has_left_or_is_at_the_top_is_near_to_no_tier() {
    let night = night("2012-05-10");
    let spent = |id: &str, pence| account(id, &[(at("2012-05-01T12:00:00Z"), pence)]);
    let mut left = spent("left", 99_000);
    left.status = Status::Closed;
    let accounts = [spent("top", 100_000), left, spent("far", 1), spent("near", 99_999), spent("free", 0)];
    let lists = count(&night, &accounts).lists;
    let near = lists.near_next_tier.iter().map(|one| (one.account_id.as_str(), one.missing, one.missing_ppm));
    assert_eq!(near.collect::<Vec<_>>(), [("near", 1, 10), ("far", 99_999, 999_990)]);
}
