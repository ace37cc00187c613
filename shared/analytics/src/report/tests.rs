//! Each definition with an example that can be checked by hand, and whole documents of a small night.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod insight;
mod unknown;

use super::*;
use crate::night::kept::NightRecord;
use crate::night::{
    Beliefs, Books, FittedSpend, Forecasts, Held, Opinions, PeriodFigures, PeriodResult, Purchases, Results, Segmented,
    SpendModel, reduce,
};
use crate::nps::Answers;
use crate::rollup::{By, Figures, Night, Partial, Period, Totals, recent};
use domain::account::Account;
use domain::activity::Purchase;
use domain::id::{AccountId, Segment};
use domain::money::{Minor, Points};
use domain::program::Program;
use domain::schedule::{Activation, Schedule};
use domain::time::{Day, Instant};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn program(metrics: Value) -> Program {
    let mut document: Value = serde_json::from_str(include_str!("../../../local/programs/wholesale.json")).unwrap();
    document["metrics"] = metrics;
    Program::from_json(&document).unwrap()
}

/// A point is worth a penny, and of revenue 35 % are left.
fn worth() -> Worth {
    Worth::by(&program(json!({"point_value": "0.01", "margin_rate": "0.35"})))
}

fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

fn did(figures: Figures, previous_revenue: Option<i128>, answers: Answers) -> Value {
    let group = PeriodFigures { figures, previous_revenue, answers };
    serde_json::to_value(Did::of(&group, By::Total, (period("2011-05"), true), &worth()).unwrap()).unwrap()
}

/// Asserts some fields of a section.
#[track_caller]
fn expect(section: &Value, expected: Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&section[name], value, "{name}");
    }
}

fn pounds(amount: &str) -> Value {
    json!({"amount": amount, "currency": "GBP"})
}

#[test]
fn who_bought_and_who_stayed() {
    let figures = Figures {
        customers: 40,
        repeat_customers: 25,
        returning_customers: 30,
        previous_customers: 50,
        retained_customers: 20,
        ..Figures::default()
    };
    let customers = &did(figures, None, Answers::default())["customers"];
    expect(
        customers,
        json!({
            "customers": 40, "repeat_customer_rate": "62.5000",
            "new_customers": 10, "returning_customer_rate": "75.0000",
            "retention_rate": "40.0000", "churned_customers": 30, "churn_rate": "60.0000",
            "reactivated_customers": 10,
        }),
    );
}

#[test]
fn nothing_comes_before_a_lifetime_and_what_is_not_kept_is_not_known() {
    let figures = Figures { customers: 2_718, repeat_customers: 1_386, ..Figures::default() };
    let group = PeriodFigures { figures, ..PeriodFigures::default() };
    let lifetime = Did::of(&group, By::Joined, (Period::Lifetime, false), &worth()).unwrap();
    let customers = serde_json::to_value(&lifetime.customers).unwrap();
    expect(&customers, json!({"repeat_customer_rate": "50.9934", "new_customers": null, "returning_customers": null}));
    assert_eq!(lifetime.survey, None, "answers are not counted by when somebody joined");
    let month = Did::of(&group, By::Total, (period("2011-05"), false), &worth()).unwrap();
    let customers = serde_json::to_value(&month.customers).unwrap();
    expect(&customers, json!({"new_customers": 2_718, "retention_rate": null, "churn_rate": null}));
    expect(&customers, json!({"previous_customers": null, "reactivated_customers": null}));
}

#[test]
fn what_was_bought() {
    let figures = Figures {
        customers: 40,
        orders: 80,
        units: 960,
        revenue: 1_234_567,
        eligible_revenue: 1_200_000,
        ..Figures::default()
    };
    expect(
        &did(figures, Some(1_000_000), Answers::default())["sales"],
        json!({
            "revenue": pounds("12345.67"), "previous_revenue": pounds("10000.00"), "revenue_growth": "23.4567",
            "average_order_value": pounds("154.32"), "revenue_per_customer": pounds("308.64"),
            "orders_per_customer": "2.0000", "units_per_order": "12.0000",
        }),
    );
    let nothing = did(Figures::default(), Some(0), Answers::default());
    expect(&nothing["sales"], json!({"revenue_growth": null, "average_order_value": null, "units_per_order": null}));
}

#[test]
fn how_much_of_it_took_part() {
    let figures = Figures {
        customers: 40,
        orders: 80,
        revenue: 1_000_000,
        earning_customers: 38,
        earning_orders: 77,
        earning_revenue: 990_000,
        redeeming_customers: 5,
        redeeming_orders: 20,
        redeeming_revenue: 123_456,
        ..Figures::default()
    };
    expect(
        &did(figures, None, Answers::default())["participation"],
        json!({
            "earning_customer_rate": "95.0000", "earning_order_rate": "96.2500", "earning_revenue_rate": "99.0000",
            "redeeming_customer_rate": "12.5000", "redeeming_order_rate": "25.0000",
            "redeeming_revenue_rate": "12.3456",
        }),
    );
}

#[test]
fn what_the_program_cost_and_what_it_is_credited_with() {
    let figures =
        Figures { points_earned: 12_000, discount_value: 10_000, attributed_revenue: 200_000, ..Figures::default() };
    expect(
        &did(figures, None, Answers::default())["economics"],
        json!({
            "discount_cost": pounds("100.00"), "points_cost": pounds("120.00"), "program_cost": pounds("220.00"),
            "attributed_revenue": pounds("2000.00"), "attributed_margin": pounds("700.00"),
            "return_on_investment": "218.1818",
        }),
    );
    // Nothing was spent, so nothing returns on it.
    let free = Figures { attributed_revenue: 200_000, ..Figures::default() };
    expect(&did(free, None, Answers::default())["economics"], json!({"return_on_investment": null}));
    let loss = Figures { points_earned: 12_000, ..Figures::default() };
    expect(&did(loss, None, Answers::default())["economics"], json!({"return_on_investment": "-100.0000"}));
}

#[test]
fn what_customers_answered() {
    let answers = Answers { promoters: 70, passives: 10, detractors: 20 };
    expect(
        &did(Figures::default(), None, answers)["survey"],
        json!({
            "answers": 100, "net_promoter_score": "50.0", "net_promoter_score_low": "32.9",
            "net_promoter_score_high": "64.1",
        }),
    );
}

fn stands(totals: Totals, worth: &Worth) -> Value {
    let mut group = crate::night::GroupStanding::default();
    group.standing.totals = totals;
    serde_json::to_value(Stands::of(&group, worth).unwrap()).unwrap()
}

#[test]
fn what_points_come_to_and_what_of_it_is_to_be_expected() {
    let totals = Totals {
        points_available: 900,
        points_waiting: 150,
        points_owed: 50,
        points_earned: 1_300,
        points_credited: 100,
        points_expired: 300,
        points_deducted: 100,
        ..Totals::default()
    };
    let shown = stands(totals, &worth());
    expect(
        &shown["points"],
        json!({"points_outstanding": 1_000, "total_points_issued": 1_400, "breakage_rate": "75.0000"}),
    );
    expect(&shown["liability"], json!({"liability": pounds("10.00"), "liability_expected": pounds("2.50")}));
    // What rewards took and did not give back was redeemed, too.
    let redeeming = Totals { points_earned: 1_600, points_spent: 250, points_restored: 50, ..totals };
    assert_eq!((totals.imbalance(), redeeming.imbalance()), (0, 100));
    expect(&stands(redeeming, &worth())["points"], json!({"total_points_spent": 250, "breakage_rate": "50.0000"}));
    let nothing_ended = stands(Totals { points_available: 1_000, ..Totals::default() }, &worth());
    expect(&nothing_ended["points"], json!({"breakage_rate": null}));
    expect(&nothing_ended["liability"], json!({"liability_expected": pounds("10.00")}));
    let owed = stands(Totals { points_owed: 150, ..Totals::default() }, &worth());
    expect(&owed["liability"], json!({"liability": pounds("-1.50")}));
}

#[test]
fn what_the_program_does_not_value_is_not_valued() {
    let silent = Worth::by(&program(json!({})));
    let shown = stands(Totals { points_available: 1_000, ..Totals::default() }, &silent);
    expect(&shown["liability"], json!({"liability": null, "liability_expected": null}));
    expect(&shown["value"], json!({"historic_margin": null}));
    let group = PeriodFigures::default();
    let did = Did::of(&group, By::Total, (period("2011"), true), &silent).unwrap();
    assert_eq!((did.economics.program_cost, did.economics.attributed_margin), (None, None));
}

#[test]
fn discounts_and_referrals() {
    let totals =
        Totals { discounts_issued: 800, discounts_used: 200, referred: 8, referred_rewarded: 3, ..Totals::default() };
    let shown = stands(totals, &worth());
    expect(&shown["discounts"], json!({"discount_redemption_rate": "25.0000"}));
    expect(&shown["referrals"], json!({"referral_conversion_rate": "37.5000"}));
}

#[test]
fn what_changed_is_what_ever_happened_less_what_had_before() {
    let books = |totals, decided_later| Books { totals, decided_later, ..Books::default() };
    let before = books(Totals { points_earned: 1_000, points_expired: 10, tier_upgrades: 3, ..Totals::default() }, 4);
    let after = Totals { points_earned: 1_500, points_credited: 20, points_expired: 25, ..Totals::default() };
    let after = books(Totals { tier_upgrades: 5, ..after }, 0);
    let night = Day::parse("2011-04-30").unwrap();
    let changes = Changes::between(Some(Named { night, revision: 1, value: &before }), named(&after)).unwrap();
    expect(
        &serde_json::to_value(&changes).unwrap(),
        json!({
            "changes_after_night": "2011-04-30", "changes_after_decided_later": 4,
            "changes_until_night": "2011-05-31", "changes_until_decided_later": 0,
            "points_issued": 520, "points_credited": 20, "points_expired": 15, "tier_upgrades": 2,
        }),
    );
}

/// An account that ordered for 100.00 on each of these days.
fn account(id: &str, joined: &str, days: &[&str]) -> Account {
    let joined = Instant::parse(joined).unwrap();
    let (mut account, _) = Account::enrol(AccountId::parse(id).unwrap(), &program(json!({})), joined);
    for day in days.iter().map(|day| Day::parse(day).unwrap()) {
        let purchase = Purchase {
            month: day.month(),
            day_of_month: u8::try_from(day.0 - day.month().first().0 + 1).unwrap(),
            units: 10,
            revenue: Minor(10_000),
            eligible: Minor(10_000),
            earned: Points::ZERO,
            discounts_used: 0,
            discount_value: Minor::ZERO,
            aside: domain::activity::Aside::NONE,
        };
        account.activity.add(&purchase).unwrap();
        let life = &mut account.lifetime;
        (life.orders, life.units) = (life.orders + 1, life.units + 10);
        life.revenue = life.revenue.plus(Minor(10_000)).unwrap();
        life.eligible = life.revenue;
        life.purchase_days += 1;
        account.first_purchase = Some(account.first_purchase.map_or(day, |first| first.min(day)));
        account.last_purchase = Some(account.last_purchase.map_or(day, |last| last.max(day)));
    }
    account
}

fn accounts() -> Vec<Account> {
    let mut acme = account("acme", "2011-03-01T12:00:00Z", &["2011-03-01", "2011-04-20", "2011-05-10"]);
    acme.segments = vec![Segment::parse("retail").unwrap()];
    let beta = account("beta", "2011-04-02T12:00:00Z", &["2011-04-02"]);
    vec![acme, beta, account("gamma", "2011-05-01T12:00:00Z", &[])]
}

fn night(day: &str, accounts: &[Account]) -> Results {
    let activation =
        Activation { from: Instant::MIN, version: 1, program: program(json!({"point_value": "0.01"})).into() };
    let night = Night::new(Day::parse(day).unwrap(), Schedule::new(vec![activation]).unwrap(), None);
    let mut whole = Partial::default();
    accounts.iter().for_each(|account| whole.record(&night, account).unwrap());
    let mut opinions = Opinions::default();
    opinions.record(&night, Day::parse("2011-05-02").unwrap(), "member", ["retail"], 9).unwrap();
    reduce(&night, whole, &opinions).unwrap()
}

fn named<T>(value: T) -> Named<T> {
    Named { night: Day::parse("2011-05-31").unwrap(), revision: 2, value }
}

fn rendered(results: &Results, text: &str, by: By) -> MetricsReport {
    let result = results.periods.iter().find(|(period, kind, _)| period == text && kind == by.name()).unwrap();
    let (_, standing) = results.standings.iter().find(|(kind, _)| kind == by.name()).unwrap();
    let stood = Stood { groups: named(standing), books: &results.books, beliefs: Some(&results.beliefs), before: None };
    let worth = Worth::by(&program(json!({"point_value": "0.01"})));
    MetricsReport::of((period(text), by), &named(result.2.clone()), Some(stood), (&worth, 1)).unwrap()
}

#[test]
fn a_month_of_a_small_program_as_a_document() {
    let report = rendered(&night("2011-05-31", &accounts()), "2011-05", By::Total);
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}

#[test]
fn the_same_in_a_table_has_a_cell_for_each_name() {
    let results = night("2011-05-31", &accounts());
    for by in [By::Total, By::Tier, By::Segment, By::Joined, By::Referral] {
        let report = rendered(&results, "2011-05", by);
        let table = report.table();
        let names: BTreeSet<_> = table[0].iter().collect();
        assert_eq!(names.len(), table[0].len(), "no two columns share a name");
        assert_eq!(table.len(), report.groups.len() + 1);
        assert!(table.iter().all(|row| row.len() == table[0].len()), "{by:?}");
        let column = |name: &str| table[0].iter().position(|head| head == name).unwrap();
        for (row, group) in table[1..].iter().zip(&report.groups) {
            assert_eq!(row[column("group")], group.group);
            let did = group.did.as_ref();
            assert_eq!(row[column("revenue")], did.map(|did| did.sales.revenue.cell()).unwrap_or_default());
        }
    }
}

fn cohorts_of(results: &Results) -> Value {
    let worth = Worth::by(&program(json!({})));
    serde_json::to_value(RetentionReport::of(&named(results.cohorts.clone()), &worth).unwrap()).unwrap()
}

#[test]
fn a_cohort_has_a_month_for_each_since_its_first() {
    let report = cohorts_of(&night("2011-05-31", &accounts()));
    assert_eq!((&report["first_month_kept"], &report["last_month"]), (&json!("2009-06"), &json!("2011-05")));
    let months = |cohort: &Value| {
        let months = cohort["months"].as_array().unwrap().clone();
        let of = |month: Value| (month["months_since"].as_u64().unwrap(), month["retention_rate"].clone());
        months.into_iter().map(of).collect::<Vec<_>>()
    };
    let all = |rates: &[&str]| (0..).zip(rates.iter().map(|rate| json!(rate))).collect::<Vec<_>>();
    assert_eq!(months(&report["cohorts"][0]), all(&["100.0000", "100.0000", "100.0000"]));
    assert_eq!(months(&report["cohorts"][1]), all(&["100.0000", "0.0000"]));
    assert_eq!(report["cohorts"][1]["first_month"], "2011-04");
}

#[test]
fn of_what_came_before_the_kept_months_nothing_is_said() {
    let old = account("old", "2008-01-01T12:00:00Z", &["2008-01-02", "2011-05-03"]);
    let report = cohorts_of(&night("2011-05-31", &[old]));
    let months = report["cohorts"][0]["months"].as_array().unwrap().clone();
    assert_eq!((months.len(), &months[0]["month"], &months[0]["months_since"]), (24, &json!("2009-06"), &json!(17)));
    assert_eq!(months[23]["retention_rate"], "100.0000");
}

#[test]
fn an_account_is_seen_as_the_night_counted_it() {
    let accounts = accounts();
    let day = Day::parse("2011-05-31").unwrap();
    let activation = Activation { from: Instant::MIN, version: 1, program: program(json!({})).into() };
    let night = Night::new(day, Schedule::new(vec![activation]).unwrap(), None);
    for account in &accounts {
        let mut part = Partial::default();
        part.record(&night, account).unwrap();
        assert_eq!(part.evidence.recent.keys().copied().next(), recent(account, day), "{}", account.id);
    }
    // A year later the last order has left the twelve months.
    assert_eq!(recent(&accounts[0], Day::parse("2012-04-30").unwrap()).map(|recent| recent.orders), Some(1));
    assert_eq!(recent(&accounts[0], Day::parse("2012-05-01").unwrap()), None);
}

fn fitted() -> Beliefs {
    Beliefs {
        customers: 2_718,
        purchases: Purchases::Fitted { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426, log_likelihood: -9_582.4 },
        spend: SpendModel::Fitted(FittedSpend { p: 6.25, q: 3.74, gamma: 1_545.0, log_likelihood: -4_058.9 }),
        correlation: Some(0.1134),
        held: Held::Unknown("there were no customers then".to_owned()),
        left_out: 0,
    }
}

#[test]
fn a_night_says_what_it_takes_for_granted_and_whether_its_books_balance() {
    let results = night("2011-05-31", &accounts());
    let record = NightRecord {
        as_of: Some(results.as_of),
        program_version: Some(1),
        reduced: Some(2),
        books: Some(results.books.clone()),
    };
    let report = |beliefs: &Beliefs| NightReport::of((&named(())).into(), &record, Some(beliefs), None).unwrap();
    let unsure = report(&results.beliefs);
    assert!(unsure.trial_balance.unwrap().balances);
    let holds: Vec<_> = unsure.assumptions.iter().map(|assumption| (assumption.id, assumption.holds)).collect();
    let expected = [
        ("purchases_fit", Some(false)),
        ("customers_leave", None),
        ("spend_is_independent", None),
        ("spend_fit", Some(false)),
        ("calibration", None),
    ];
    assert_eq!(holds, expected);
    let sure = report(&Beliefs { correlation: Some(-0.31), ..fitted() });
    let holds: Vec<_> = sure.assumptions.iter().map(|assumption| assumption.holds).collect();
    assert_eq!(holds, [Some(true), Some(true), Some(false), None]);
    assert_eq!(sure.assumptions[2].text.split(": ").nth(1), Some("correlated by -0.3100, the bound is 0.3"));
}

#[test]
fn lists_are_rendered_with_their_money() {
    let results = night("2011-05-31", &accounts());
    let report = AccountsReport::of(&named(results.listed.clone()), &results.segmented, &worth()).unwrap();
    let shown = serde_json::to_value(&report).unwrap();
    expect(
        &shown["rising"][0],
        json!({"account_id": "acme", "before": pounds("0.00"), "after": pounds("300.00"), "change": pounds("300.00")}),
    );
    let near = shown["near_next_tier"].as_array().unwrap();
    expect(&near[0], json!({"account_id": "acme", "missing": pounds("700.00"), "missing_rate": "70.0000"}));
    let customers: u64 = report.rfm_segments.iter().map(|segment| segment.customers).sum();
    assert_eq!((customers, report.rfm_segments.len()), (2, 9));
}

#[test]
fn a_result_of_another_kind_of_group_leaves_standing_groups_without_figures() {
    let results = night("2011-05-31", &accounts());
    let nothing = PeriodResult { night: named(()).night, knows_previous: false, groups: [].into() };
    let (_, standing) = results.standings.iter().find(|(kind, _)| kind == "tier").unwrap();
    let stood = Stood { groups: named(standing), books: &results.books, beliefs: None, before: None };
    let report = MetricsReport::of((period("2011-05"), By::Tier), &named(nothing), Some(stood), (&worth(), 1)).unwrap();
    let groups: Vec<_> = report.groups.iter().map(|group| (group.group.as_str(), group.did.is_some())).collect();
    assert_eq!(groups, [("member", false)]);
    assert!(report.unknown.iter().any(|unknown| unknown.why == "the night kept no models"));
}
