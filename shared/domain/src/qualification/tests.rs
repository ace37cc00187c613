#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
use super::*;
use crate::activity::MonthActivity;
use crate::advance::advance;
use crate::id::{AccountId, TierId};
use crate::ledger::{Change, TierChange};
use crate::money::Points;
use crate::review;
use crate::schedule::{Activation, Schedule};
use crate::time::Instant;
use serde_json::{Value, json};
use std::sync::Arc;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

/// A program whose ladder is silver at 1,000 and gold at 5,000 of anything, or at 12 and 36 of what is counted singly.
fn document(tiers: Value) -> Value {
    let small = ["orders", "membership_months"].iter().any(|metric| tiers["metric"] == *metric);
    let figures = if small { [12, 36] } else { [1_000, 5_000] };
    let is_money = tiers.get("metric").is_none_or(|metric| metric == "spend");
    let figure = |number: i64| if is_money { json!(number.to_string()) } else { json!(number) };
    let mut document = json!({
        "name": "p", "currency": "GBP", "time_zone": "Europe/London", "enrolment": {"unknown_account": "enrol"},
        "earning_rules": [{"id": "base", "name": "Points", "points": 1, "per": "1.00"}],
        "points": {"validity_months": 24},
        "tiers": {"levels": [
            {"id": "member", "name": "Member", "threshold": figure(0), "multiplier": "1"},
            {"id": "silver", "name": "Silver", "threshold": figure(figures[0]), "multiplier": "1", "discount": "5"},
            {"id": "gold", "name": "Gold", "threshold": figure(figures[1]), "multiplier": "1", "discount": "7.5"},
        ]},
    });
    for (key, value) in tiers.as_object().unwrap() {
        document["tiers"][key] = value.clone();
    }
    document
}

fn program(tiers: Value) -> Program {
    Program::from_json(&document(tiers)).unwrap()
}

fn schedule(versions: &[(&str, Value)]) -> Schedule {
    let activation = |(index, (from, tiers)): (usize, &(&str, Value))| Activation {
        from: at(from),
        version: u32::try_from(index + 1).unwrap(),
        program: Arc::new(program(tiers.clone())),
    };
    Schedule::new(versions.iter().enumerate().map(activation).collect()).unwrap()
}

const ALWAYS: &str = "1970-01-01T00:00:00Z";

/// An account that joined at an instant and did so much in each of some months: of pounds, units and points as many,
/// and a hundredth of that in orders. A tenth of its units and points counts for no tier.
fn account(joined: &str, did: &[(&str, i64)]) -> Account {
    let (mut account, _) =
        Account::enrol(AccountId::parse("acme").unwrap(), &program(json!({"window_months": 1})), at(joined));
    let figures = |(name, count): &(&str, i64)| {
        let count = u64::try_from(*count).unwrap();
        MonthActivity {
            month: month(name),
            orders: count / 100,
            units: count + count / 10,
            revenue: Minor(i64::try_from(count).unwrap() * 100),
            eligible: Minor(i64::try_from(count).unwrap() * 100),
            purchase_days: 1,
            earned: Points(i64::try_from(count + count / 10).unwrap()),
            discounts_used: 0,
            discount_value: Minor::ZERO,
            aside: Aside { units: count / 10, points: Points(i64::try_from(count / 10).unwrap()) },
        }
    };
    let months: Vec<_> = did.iter().map(figures).collect();
    for month in &months {
        let life = &mut account.lifetime;
        life.orders += month.orders;
        life.units += month.units;
        life.eligible = life.eligible.plus(month.eligible).unwrap();
        life.earned = life.earned.plus(month.earned).unwrap();
        life.aside.units += month.aside.units;
        life.aside.points = life.aside.points.plus(month.aside.points).unwrap();
    }
    account.activity = Activity::of(months);
    account
}

/// Every metric in every window, a month before each of its edges and at it.
#[test]
fn a_figure_is_that_of_the_months_of_its_window() {
    // Joined in the last hour of March in London, by then April in summer time.
    let joined = "2028-03-31T23:30:00Z";
    let did = [("2028-12", 100), ("2029-01", 200), ("2029-03", 400), ("2029-04", 800), ("2029-12", 1_600)];
    let rolling = json!({"kind": "rolling", "months": 3});
    let calendar = json!({"kind": "calendar_year"});
    let fiscal = json!({"kind": "calendar_year", "starts_month": 4});
    let membership = json!({"kind": "membership_year"});
    let lifetime = json!({"kind": "lifetime"});
    for (window, at_month, first, last, expected) in [
        (&rolling, "2028-12", "2028-10", "2028-12", 100),
        (&rolling, "2029-02", "2028-12", "2029-02", 300),
        (&rolling, "2029-03", "2029-01", "2029-03", 600),
        (&calendar, "2028-12", "2028-01", "2028-12", 100),
        (&calendar, "2029-01", "2029-01", "2029-12", 3_000),
        (&calendar, "2029-12", "2029-01", "2029-12", 3_000),
        (&calendar, "2030-01", "2030-01", "2030-12", 0),
        (&fiscal, "2029-03", "2028-04", "2029-03", 700),
        (&fiscal, "2029-04", "2029-04", "2030-03", 2_400),
        (&membership, "2029-03", "2028-04", "2029-03", 700),
        (&membership, "2029-04", "2029-04", "2030-03", 2_400),
        (&membership, "2028-03", "2027-04", "2028-03", 0), // before it joined
        (&lifetime, "2028-01", "", "", 3_100),
        (&lifetime, "2040-01", "", "", 3_100),
    ] {
        for (metric, scale, divisor) in [("spend", 100, 1), ("units", 1, 1), ("orders", 1, 100), ("points", 1, 1)] {
            let program = program(json!({"metric": metric, "window": window}));
            let account = account(joined, &did);
            let months = program.tiers.window.months(month(at_month), super::joined(&program, &account));
            let named =
                months.map_or_else(Default::default, |months| [months.start().to_string(), months.end().to_string()]);
            assert_eq!(named, [first, last], "{window} of {at_month}");
            let figure = qualifying(&program, &account, month(at_month)).unwrap();
            assert_eq!(figure, Measure(expected * scale / divisor), "{metric} in {window} of {at_month}");
        }
    }
}

#[test]
fn months_of_membership_are_full_as_the_next_begins() {
    let program = program(json!({"metric": "membership_months"}));
    for (joined, in_month, months) in [
        ("2028-03-31T22:59:59.999Z", "2028-03", 0),
        ("2028-03-31T22:59:59.999Z", "2028-04", 1),
        ("2028-03-31T23:00:00Z", "2028-04", 0), // April in London
        ("2028-02-29T12:00:00Z", "2029-02", 12),
        ("2028-02-29T12:00:00Z", "2028-01", 0), // an order of before
    ] {
        let figure = qualifying(&program, &account(joined, &[]), month(in_month)).unwrap();
        assert_eq!(figure, Measure(months), "joined {joined}, {in_month}");
    }
}

#[test]
fn a_tier_by_membership_is_reached_at_its_instant_with_no_order() {
    for (joined, versions, expected) in [
        (
            "2028-03-10T12:00:00Z",
            vec![(ALWAYS, json!({"metric": "membership_months"}))],
            vec!["silver 12 months 2029-02-28T23:59:59.999Z", "gold 36 months 2031-02-28T23:59:59.999Z"],
        ),
        // From summer time on, the hour is another.
        (
            "2028-04-10T12:00:00Z",
            vec![(ALWAYS, json!({"metric": "membership_months"}))],
            vec!["silver 12 months 2029-03-31T22:59:59.999Z", "gold 36 months 2031-03-31T22:59:59.999Z"],
        ),
        // A version that brings them in lets the account into the highest that it has reached by then.
        (
            "2028-03-10T12:00:00Z",
            vec![
                (ALWAYS, json!({"window_months": 12})),
                ("2032-05-15T10:00:00Z", json!({"metric": "membership_months"})),
            ],
            vec!["gold 50 months 2032-05-15T09:59:59.999Z"],
        ),
        // One that ends them stops that.
        (
            "2028-03-10T12:00:00Z",
            vec![
                (ALWAYS, json!({"metric": "membership_months"})),
                ("2029-03-01T00:00:00Z", json!({"window_months": 12})),
            ],
            vec![],
        ),
    ] {
        let schedule = schedule(&versions);
        let before = account(joined, &[]);
        let (_, changes) = advance(&schedule, &before, at("2040-01-01T00:00:00Z")).unwrap();
        let told = changes.iter().map(|change| match change {
            Change::Tier(TierChange::Changed { to, qualifying, .. }) => format!("{to} {qualifying}"),
            other => panic!("{other:?}"),
        });
        let named: Vec<_> = told.collect();
        assert_eq!(named.len(), expected.len(), "{named:?}");
        for (told, expected) in named.iter().zip(&expected) {
            let (what, last) = expected.rsplit_once(' ').unwrap();
            assert_eq!(told, what);
            let tier = TierId::parse(what.split(' ').next().unwrap()).unwrap();
            let (not_yet, _) = advance(&schedule, &before, at(last)).unwrap();
            let (then, _) = advance(&schedule, &not_yet, at(last).plus_ms(1)).unwrap();
            assert!(not_yet.tier != tier && then.tier == tier && then.tier_since == at(last).plus_ms(1), "{expected}");
        }
    }
}

fn by_year(grace_days: u16, downgrade: &str, upgrade: &str) -> Value {
    json!({
        "metric": "units", "window": {"kind": "calendar_year"}, "upgrade": upgrade,
        "review": {"grace_days": grace_days, "downgrade": downgrade},
    })
}

/// What reviews make of an account that holds a tier since an instant, until the end of a year.
fn reviews(tiers: Value, held: (&str, &str), did: &[(&str, i64)], until: &str) -> Vec<String> {
    let schedule = schedule(&[(ALWAYS, tiers)]);
    let mut account = account("2027-03-10T12:00:00Z", did);
    (account.tier, account.tier_since) = (TierId::parse(held.0).unwrap(), at(held.1));
    let mut told = Vec::new();
    while let Some(at) = crate::advance::next(&schedule, &account).filter(|next| *next <= at(until)) {
        let (after, changes) = advance(&schedule, &account, at).unwrap();
        account = after;
        told.extend(changes.iter().map(|change| match change {
            Change::Tier(TierChange::Kept { tier, qualifying, .. }) => format!("{at} {tier} kept with {qualifying}"),
            Change::Tier(TierChange::Lowered { to, qualifying, .. }) => format!("{at} {to} with {qualifying}"),
            Change::Tier(TierChange::Changed { to, qualifying, .. }) => {
                format!("{at} raised to {to} with {qualifying}")
            }
            other => panic!("{other:?}"),
        }));
    }
    told
}

#[test]
fn a_tier_of_a_year_is_held_to_the_end_of_the_next_and_reviewed_once_a_year() {
    let until = "2031-12-31T00:00:00Z";
    for (name, tiers, held, did, expected) in [
        (
            "kept by the year after, then lost",
            by_year(0, "one_step", "at_once"),
            ("gold", "2028-06-10T12:00:00Z"),
            vec![("2028-06", 5_000), ("2029-12", 5_000)],
            vec!["2030-01-01T00:00:00Z gold kept with 5000 units", "2031-01-01T00:00:00Z silver with 0 units"],
        ),
        (
            "the year in which it was reached does not keep it",
            by_year(0, "to_earned", "at_once"),
            ("gold", "2028-06-10T12:00:00Z"),
            vec![("2028-12", 9_000), ("2029-03", 1_200), ("2030-02", 999)],
            // What the year before had earned is held through the year that has begun.
            vec!["2030-01-01T00:00:00Z silver with 1200 units", "2031-01-01T00:00:00Z member with 999 units"],
        ),
        (
            "in the grace it still counts for the year before",
            by_year(31, "one_step", "at_once"),
            ("silver", "2028-12-31T23:59:59.999Z"),
            vec![("2029-06", 900), ("2030-01", 100)],
            vec!["2030-02-01T00:00:00Z silver kept with 1000 units", "2031-02-01T00:00:00Z member with 100 units"],
        ),
        (
            "by reviews alone, every account has one a year",
            by_year(0, "to_earned", "at_review"),
            ("member", "2028-05-10T12:00:00Z"),
            vec![("2028-06", 6_000), ("2029-06", 1_000)],
            vec![
                "2029-01-01T00:00:00Z raised to gold with 6000 units",
                "2030-01-01T00:00:00Z silver with 1000 units",
                "2031-01-01T00:00:00Z member with 0 units",
            ],
        ),
        (
            "and none lowers where the program says never",
            by_year(0, "never", "at_review"),
            ("member", "2028-05-10T12:00:00Z"),
            vec![("2029-06", 1_000)],
            vec![
                "2029-01-01T00:00:00Z member kept with 0 units",
                "2030-01-01T00:00:00Z raised to silver with 1000 units",
                "2031-01-01T00:00:00Z silver kept with 0 units",
            ],
        ),
    ] {
        assert_eq!(reviews(tiers, held, &did, until), expected, "{name}");
    }
}

#[test]
fn a_membership_year_begins_with_the_month_of_joining() {
    let tiers = json!({
        "metric": "orders", "window": {"kind": "membership_year"},
        "review": {"grace_days": 0, "downgrade": "to_earned"},
    });
    let did = [("2029-02", 1_200), ("2029-03", 1_100), ("2030-02", 100)];
    let told = reviews(tiers, ("silver", "2029-02-10T12:00:00Z"), &did, "2031-12-31T00:00:00Z");
    assert_eq!(told, ["2030-03-01T00:00:00Z silver kept with 12 orders", "2031-03-01T00:00:00Z member with 0 orders"]);
}

#[test]
fn a_lifetime_figure_falls_with_returns_alone() {
    let tiers = json!({
        "metric": "units", "window": {"kind": "lifetime"},
        "review": {"hold_months": 12, "downgrade": "to_earned"},
    });
    let schedule = schedule(&[(ALWAYS, tiers)]);
    let mut account = account("2028-03-10T12:00:00Z", &[("2028-03", 1_000)]);
    (account.tier, account.tier_since) = (TierId::parse("silver").unwrap(), at("2028-03-10T12:00:00Z"));
    let review = review::next(&account, &schedule).unwrap();
    assert_eq!(review.at, at("2029-04-01T00:00:00Z").plus_ms(-3_600_000), "in summer time");
    let (kept, _) = advance(&schedule, &account, review.at).unwrap();
    assert_eq!(kept.tier.as_str(), "silver");
    account.lifetime.units -= 1;
    assert_eq!(review::missing(&account, &schedule, review).unwrap(), Some(Measured::Units { units: 1 }));
    let (lowered, _) = advance(&schedule, &account, review.at).unwrap();
    assert_eq!(lowered.tier.as_str(), "member");
}

#[test]
fn what_is_counted_is_written_with_its_unit_and_read_again() {
    for (measured, written, told) in [
        (
            Metric::Spend.measured(Measure(120_050), Currency::GBP),
            json!({"amount": "1200.50", "currency": "GBP"}),
            "1200.50 GBP",
        ),
        (Metric::Units.measured(Measure(1), Currency::GBP), json!({"units": 1}), "1 unit"),
        (Metric::Orders.measured(Measure(12), Currency::GBP), json!({"orders": 12}), "12 orders"),
        (Metric::Points.measured(Measure(-5), Currency::GBP), json!({"points": -5}), "-5 points"),
        (Metric::MembershipMonths.measured(Measure(0), Currency::GBP), json!({"months": 0}), "0 months"),
    ] {
        assert_eq!(serde_json::to_value(measured).unwrap(), written);
        assert_eq!(serde_json::from_value::<Measured>(written).unwrap(), measured);
        assert_eq!(measured.to_string(), told);
    }
}

#[test]
fn a_section_of_tiers_is_read_with_every_fault_at_once() {
    type Row = (&'static str, Value, &'static [&'static str]);
    let rows: [Row; 12] = [
        ("a window of either form", json!({"window": {"kind": "rolling", "months": 12}}), &[]),
        ("no window", json!({}), &["$.tiers.window_months missing"]),
        ("two windows", json!({"window_months": 12, "window": {"kind": "lifetime"}}), &["$.tiers.window conflict"]),
        ("a rolling window of no length", json!({"window": {"kind": "rolling"}}), &["$.tiers.window.months missing"]),
        (
            "a year of so many months",
            json!({"window": {"kind": "calendar_year", "months": 12, "starts_month": 13}}),
            &["$.tiers.window.months conflict", "$.tiers.window.starts_month out_of_range"],
        ),
        (
            "a membership year that starts when the program says",
            json!({"window": {"kind": "membership_year", "starts_month": 4}}),
            &["$.tiers.window.starts_month conflict"],
        ),
        (
            "months of membership in a window",
            json!({"metric": "membership_months", "window_months": 12}),
            &["$.tiers.window_months conflict"],
        ),
        (
            "a hold of months where years are held",
            json!({"window": {"kind": "calendar_year"}, "review": {"hold_months": 12, "downgrade": "one_step"}}),
            &["$.tiers.review.hold_months conflict"],
        ),
        (
            "a hold of no length where months are held",
            json!({"window": {"kind": "lifetime"}, "review": {"downgrade": "one_step"}}),
            &["$.tiers.review.hold_months missing"],
        ),
        (
            "an unknown metric says nothing of thresholds",
            json!({"metric": "margin", "window_months": 12, "upgrade": "soon"}),
            &["$.tiers.metric unknown_value", "$.tiers.upgrade unknown_value"],
        ),
        (
            "money where units are counted",
            json!({"metric": "units", "window_months": 12, "levels": [
                {"id": "a", "name": "A", "threshold": "0", "multiplier": "1"},
                {"id": "b", "name": "B", "threshold": 2.5, "multiplier": "1", "discount": "101"},
            ]}),
            &[
                "$.tiers.levels[0].threshold wrong_type",
                "$.tiers.levels[1].threshold out_of_range",
                "$.tiers.levels[1].discount out_of_range",
            ],
        ),
        (
            "thresholds that do not rise",
            json!({"metric": "orders", "window_months": 12, "levels": [
                {"id": "a", "name": "A", "threshold": 1, "multiplier": "1"},
                {"id": "b", "name": "B", "threshold": 5, "multiplier": "1"},
                {"id": "c", "name": "C", "threshold": 5, "multiplier": "1"},
            ]}),
            &["$.tiers.levels[0].threshold out_of_range", "$.tiers.levels[2].threshold out_of_order"],
        ),
    ];
    for (name, tiers, expected) in rows {
        let read = Program::from_json(&document(tiers));
        let faults: Vec<_> = read.err().iter().flat_map(|faults| faults.listed()).cloned().collect();
        let told: Vec<_> = faults.iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect();
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn the_form_of_before_is_one_of_the_forms_of_now() {
    let one = program(json!({"window_months": 12}));
    let other = program(json!({"metric": "spend", "window": {"kind": "rolling", "months": 12}, "upgrade": "at_once"}));
    assert_eq!(one, other);
}
