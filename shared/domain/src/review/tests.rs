#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
use super::*;
use crate::activity::{Activity, Aside, MonthActivity};
use crate::advance::advance;
use crate::id::{AccountId, TierId};
use crate::ledger::TierChange;
use crate::money::{Minor, Points};
use crate::schedule::Activation;
use crate::time::Calendar;
use serde_json::{Value, json};
use std::sync::Arc;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn document(zone: &str, review: Option<(u16, u16, &str)>) -> Value {
    let mut document = json!({
        "name": "reviewed", "currency": "GBP", "time_zone": zone,
        "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 24 },
        "tiers": { "window_months": 3, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
            { "id": "silver", "name": "Silver", "threshold": "1000", "multiplier": "1" },
            { "id": "gold", "name": "Gold", "threshold": "5000", "multiplier": "1" },
            { "id": "platinum", "name": "Platinum", "threshold": "9000", "multiplier": "1" },
        ]},
    });
    if let Some((hold_months, grace_days, downgrade)) = review {
        document["tiers"]["review"] =
            json!({ "hold_months": hold_months, "grace_days": grace_days, "downgrade": downgrade });
    }
    document
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

/// An account that holds a tier since an instant and spent so many pounds in each of some months of London.
fn holder(tier: &str, since: &str, spent: &[(&str, i64)]) -> Account {
    let program = Program::from_json(&document("Europe/London", None)).unwrap();
    let (mut account, _) = Account::enrol(AccountId::parse("acme").unwrap(), &program, at("2010-01-01T00:00:00Z"));
    (account.tier, account.tier_since) = (TierId::parse(tier).unwrap(), at(since));
    let london = Calendar::of("Europe/London").unwrap();
    let month = |(month, pounds): &(&str, i64)| MonthActivity {
        month: london.month(at(&format!("{month}-15T00:00:00Z"))),
        orders: 1,
        units: 1,
        revenue: Minor(pounds * 100),
        eligible: Minor(pounds * 100),
        purchase_days: 1,
        earned: Points::ZERO,
        discounts_used: 0,
        discount_value: Minor::ZERO,
        aside: Aside::NONE,
    };
    account.activity = Activity::of(spent.iter().map(month).collect());
    account
}

#[test]
fn a_tier_is_reviewed_at_the_start_of_a_day_of_the_program() {
    for (zone, since, hold, grace, expected) in [
        ("Europe/London", "2010-12-31T23:59:59.999Z", 1, 0, "2011-02-01T00:00:00Z"),
        ("Europe/London", "2011-01-01T00:00:00Z", 1, 0, "2011-03-01T00:00:00Z"), // 28 days
        ("Europe/London", "2011-12-31T12:00:00Z", 2, 0, "2012-03-01T00:00:00Z"), // 29 days
        ("Europe/London", "2011-05-31T12:00:00Z", 1, 0, "2011-06-30T23:00:00Z"), // 30 days, summer time
        ("Europe/London", "2011-06-30T23:30:00Z", 1, 0, "2011-08-31T23:00:00Z"), // already July in London
        ("Europe/London", "2011-01-31T12:00:00Z", 1, 28, "2011-03-28T23:00:00Z"), // the clock changes in the grace
        ("Europe/London", "2010-03-10T12:00:00Z", 12, 30, "2011-04-30T23:00:00Z"),
        ("America/Sao_Paulo", "2011-08-10T12:00:00Z", 1, 15, "2011-10-16T03:00:00Z"), // midnight is skipped
        ("America/Havana", "2011-09-10T12:00:00Z", 1, 12, "2011-11-13T04:00:00Z"),    // midnight comes twice
        ("Pacific/Apia", "2011-10-10T12:00:00Z", 1, 29, "2011-12-30T10:00:00Z"),      // the 30th of December is skipped
    ] {
        let schedule = schedule(&[(ALWAYS, document(zone, Some((hold, grace, "one_step"))))]);
        let review = next(&holder("silver", since, &[]), &schedule).unwrap();
        assert_eq!(review.at.to_string(), expected, "{zone}, since {since}, {hold} months and {grace} days");
    }
}

#[test]
fn a_review_keeps_lowers_by_one_or_lowers_to_what_is_earned() {
    for (tier, spent, downgrade, expected) in [
        ("gold", &[("2011-03", 5_000)][..], "one_step", "gold"),
        ("gold", &[("2011-03", 4_999)], "one_step", "silver"),
        ("platinum", &[("2011-03", 1_000)], "one_step", "gold"),
        ("platinum", &[("2011-03", 1_000)], "to_earned", "silver"),
        ("platinum", &[], "to_earned", "member"),
        // The windows that count end with March, April and May: January to March, to March to May.
        ("gold", &[("2011-01", 2_500), ("2011-03", 2_500)], "one_step", "gold"),
        ("gold", &[("2011-01", 2_500), ("2011-04", 2_500)], "one_step", "silver"),
        ("gold", &[("2011-03", 2_500), ("2011-05", 2_500)], "one_step", "gold"),
        ("gold", &[("2010-12", 9_000)], "one_step", "silver"),
    ] {
        let schedule = schedule(&[(ALWAYS, document("Europe/London", Some((1, 35, downgrade))))]);
        let account = holder(tier, "2011-02-10T12:00:00Z", spent);
        let review = next(&account, &schedule).unwrap();
        assert_eq!(review.at.to_string(), "2011-05-05T23:00:00Z");
        let missing = missing(&account, &schedule, review).unwrap().unwrap();
        assert_eq!(missing.amount() == Measure::ZERO, tier == expected, "{tier}, {spent:?}: {missing:?}");
        assert_eq!(advance(&schedule, &account, review.at.plus_ms(-1)).unwrap(), (account.clone(), Vec::new()));
        let (reviewed, changes) = advance(&schedule, &account, review.at).unwrap();
        assert_eq!((reviewed.tier.as_str(), changes.len()), (expected, 1), "{tier}, {spent:?}, {downgrade}");
        let since = if tier == expected { account.tier_since } else { review.at };
        assert_eq!(reviewed.tier_since, since);
        assert_eq!(reviewed.lifetime.downgrades, u64::from(tier != expected), "however many levels it falls");
    }
}

#[test]
fn after_years_every_review_has_passed_in_its_turn() {
    let schedule = schedule(&[(ALWAYS, document("Europe/London", Some((2, 0, "one_step"))))]);
    let account = holder("platinum", "2011-01-10T12:00:00Z", &[("2011-03", 9_000), ("2011-05", 5_000)]);
    let (reviewed, changes) = advance(&schedule, &account, at("2020-01-01T00:00:00Z")).unwrap();
    let tiers: Vec<_> = changes
        .iter()
        .map(|change| match change {
            Change::Tier(TierChange::Kept { tier, reviewed_at, .. }) => format!("{tier} kept {reviewed_at}"),
            Change::Tier(TierChange::Lowered { to, reviewed_at, .. }) => format!("{to} {reviewed_at}"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        tiers,
        [
            "platinum kept 2011-05-31T23:00:00Z",
            "gold 2011-07-31T23:00:00Z",
            "silver 2011-11-01T00:00:00Z",
            "member 2012-02-01T00:00:00Z",
        ]
    );
    assert_eq!(reviewed.tier.as_str(), "member");
    assert_eq!(next(&reviewed, &schedule), None);
}

#[test]
fn the_next_hold_follows_on_the_one_before_so_that_reviews_do_not_drift() {
    let schedule = schedule(&[(ALWAYS, document("Europe/London", Some((12, 30, "one_step"))))]);
    let mut account = holder("gold", "2010-03-10T12:00:00Z", &[("2011-03", 5_000), ("2012-03", 5_000)]);
    for expected in ["2011-04-30T23:00:00Z", "2012-04-30T23:00:00Z", "2013-04-30T23:00:00Z"] {
        let review = next(&account, &schedule).unwrap();
        assert_eq!(review.at.to_string(), expected);
        (account, _) = advance(&schedule, &account, review.at).unwrap();
    }
    assert_eq!((account.tier.as_str(), account.tier_since), ("silver", at("2013-04-30T23:00:00Z")));
    // Lowered, it is held from there.
    assert_eq!(next(&account, &schedule).unwrap().at.to_string(), "2014-06-30T23:00:00Z");
}

#[test]
fn no_month_falls_between_two_reviews() {
    // Windows as long as the hold: whatever month the spend is in, a review sees it.
    for (hold, grace) in [(3, 0), (3, 30), (3, 75)] {
        let schedule = schedule(&[(ALWAYS, document("Europe/London", Some((hold, grace, "to_earned"))))]);
        for spent in ["2011-05", "2011-06", "2011-07"] {
            let account = holder("gold", "2011-01-10T12:00:00Z", &[("2011-04", 5_000), (spent, 5_000)]);
            let first = next(&account, &schedule).unwrap();
            let (once, _) = advance(&schedule, &account, first.at).unwrap();
            let second = next(&once, &schedule).unwrap();
            let (twice, _) = advance(&schedule, &once, second.at).unwrap();
            assert_eq!(twice.tier.as_str(), "gold", "hold {hold}, grace {grace}, spent in {spent}");
        }
    }
}

#[test]
fn a_hold_that_is_shorter_than_the_grace_before_it_ends_with_that() {
    let london = |hold, grace| document("Europe/London", Some((hold, grace, "one_step")));
    let schedule = schedule(&[(ALWAYS, london(1, 180)), ("2011-04-01T00:00:00Z", london(1, 0))]);
    let account = holder("gold", "2011-01-10T12:00:00Z", &[("2011-07", 5_000), ("2011-09", 5_000)]);
    let review = next(&account, &schedule).unwrap();
    assert_eq!(review.at.to_string(), "2011-08-27T23:00:00Z");
    let (kept, _) = advance(&schedule, &account, review.at).unwrap();
    assert_eq!(next(&kept, &schedule).unwrap().at.to_string(), "2011-08-31T23:00:00Z");
}

#[test]
fn the_version_that_gave_a_date_keeps_it_and_the_one_in_force_then_decides() {
    let london = |review| document("Europe/London", review);
    let tokyo = |review| document("Asia/Tokyo", review);
    let later = "2011-03-15T00:00:00Z";
    for (name, versions, expected_at, expected_tier) in [
        (
            "another zone",
            [london(Some((1, 0, "one_step"))), tokyo(Some((1, 0, "one_step")))],
            "2011-03-31T23:00:00Z",
            "silver",
        ),
        (
            "longer grace",
            [london(Some((1, 0, "one_step"))), london(Some((1, 90, "one_step")))],
            "2011-03-31T23:00:00Z",
            "silver",
        ),
        (
            "shorter hold",
            [london(Some((3, 0, "one_step"))), london(Some((1, 0, "one_step")))],
            "2011-05-31T23:00:00Z",
            "silver",
        ),
        (
            "another downgrade",
            [london(Some((1, 0, "one_step"))), london(Some((1, 0, "to_earned")))],
            "2011-03-31T23:00:00Z",
            "member",
        ),
        ("reviews end", [london(Some((1, 0, "one_step"))), london(None)], "2011-03-31T23:00:00Z", "gold"),
        ("reviews begin", [london(None), london(Some((1, 0, "one_step")))], "2011-04-30T23:00:00Z", "silver"),
    ] {
        let [first, second] = versions;
        let schedule = schedule(&[(ALWAYS, first), (later, second)]);
        let account = holder("gold", "2011-02-10T12:00:00Z", &[]);
        let review = next(&account, &schedule).unwrap();
        assert_eq!(review.at.to_string(), expected_at, "{name}");
        assert_eq!(missing(&account, &schedule, review).unwrap().is_some(), expected_tier != "gold", "{name}");
        let (reviewed, _) = advance(&schedule, &account, review.at).unwrap();
        assert_eq!(reviewed.tier.as_str(), expected_tier, "{name}");
    }
    let never = schedule(&[(ALWAYS, london(None))]);
    assert_eq!(next(&holder("gold", "2011-02-10T12:00:00Z", &[]), &never), None);
}
