#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use super::*;
use crate::rollup::tests::{account, at, count, night};

#[test]
fn the_trailing_year_is_held_against_the_year_before_it() {
    let night = night("2012-05-10");
    let orders = [("2010-06-01", 100), ("2011-05-31", 20), ("2011-06-01", 7), ("2012-04-30", 3), ("2010-05-31", 999)];
    let acme = account("acme", &orders.map(|(day, pence)| (at(&format!("{day}T12:00:00Z")), pence)));
    let results = reduce(&night, count(&night, [&acme]), &Opinions::default()).unwrap();
    for (period, revenue, before) in [
        ("2012-05-T12M", 10, Some(120)),
        ("2012-04", 3, Some(0)),
        ("2012-Q2", 3, Some(0)),
        ("2011-Q2", 27, Some(0)),
        ("2010-Q3", 0, None), // the quarter before began before the months kept
        ("2012", 3, Some(27)),
        ("2011", 27, None),
        ("lifetime", 1_129, None),
    ] {
        let (_, _, result) = results.periods.iter().find(|(name, by, _)| name == period && by == "total").unwrap();
        let total = result.groups.get("total").unwrap();
        assert_eq!((total.figures.revenue, total.previous_revenue), (revenue, before), "{period}");
        assert_eq!(result.knows_previous, before.is_some(), "{period}");
    }
}

#[test]
fn where_no_model_tells_who_stays_away_for_three_gaps_is_at_risk() {
    let night = night("2012-05-10");
    let orders = |id, days: &[&str], pence| {
        let orders: Vec<_> = days.iter().map(|day| (at(&format!("{day}T12:00:00Z")), pence)).collect();
        account(id, &orders)
    };
    let accounts = [
        orders("three", &["2011-12-11", "2012-01-10", "2012-02-10"], 10_000), // 90 days, of 30 on average
        orders("early", &["2011-12-12", "2012-01-10", "2012-02-11"], 90_000), // 89 days
        orders("large", &["2011-06-01", "2011-06-11", "2011-06-21"], 20_000), // many gaps
        orders("once", &["2012-02-10"], 50_000),                              // no gap is known
        orders("lately", &["2012-05-01", "2012-05-02", "2012-05-03"], 40_000),
    ];
    let results = reduce(&night, count(&night, &accounts), &Opinions::default()).unwrap();
    let told = results.listed.at_risk.iter();
    let told: Vec<_> =
        told.map(|one| (one.account_id.as_str(), one.gap_days, one.at_stake, one.probability_alive)).collect();
    assert_eq!(told, [("large", 10, 60_000, None), ("three", 30, 30_000, None)]);
    let purchases = Purchases::Unknown("0 repeat buyers are fewer than the 50 that a fit needs".to_owned());
    let none = reduce(&night, Partial::default(), &Opinions::default()).unwrap();
    assert_eq!((none.beliefs.purchases, none.beliefs.customers, none.listed), (purchases, 0, Listed::default()));
}
