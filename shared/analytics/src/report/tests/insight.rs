//! What is said of one account.

use super::*;

fn known(beliefs: Beliefs) -> Named<Known> {
    let value = Known { forecasts: Forecasts::of(beliefs), segmented: Segmented::default() };
    Named { night: Day::parse("2011-05-31").unwrap(), revision: 1, value }
}

fn today() -> Day {
    Day::parse("2011-06-07").unwrap()
}

/// Why a figure of an account is not known.
fn why(insight: &Insight, figure: &str) -> Vec<String> {
    let about = insight.unknown.iter().filter(|unknown| unknown.figures.contains(&figure));
    about.map(|unknown| unknown.why.clone()).collect()
}

#[test]
fn what_is_to_be_expected_of_one_customer() {
    let acme = account("acme", "2010-09-01T12:00:00Z", &["2010-09-01", "2010-10-01", "2010-11-01"]);
    let insight = Insight::of(&acme, Some(&known(fitted())), today(), &worth()).unwrap();
    // x = 2, t_x = 61 days = 9 weeks, T = 272 days = 39 weeks:
    // 1 ÷ (1 + 0.793 ÷ 3.426 · (43.414 ÷ 13.414)^2.243) = 1 ÷ 4.2252 = 0.2367
    expect(
        &serde_json::to_value(&insight).unwrap(),
        json!({
            "as_of_day": "2011-05-31", "days_since_last_order": 211, "usual_gap_days": "30.5", "orders": 3,
            "probability_alive": "0.2367", "historic_value": pounds("300.00"), "historic_margin": pounds("105.00"),
            "notes": [],
        }),
    );
    assert!(insight.predicted_value_12_months.is_some() && insight.predicted_lifetime_value.is_some());
    let own = serde_json::to_value(insight.without_margins()).unwrap();
    assert_eq!((own.get("historic_margin"), own.get("predicted_lifetime_margin")), (None, None));

    let before_any = Insight::of(&acme, None, today(), &worth()).unwrap();
    assert_eq!((before_any.days_since_last_order, &before_any.counted), (Some(218), &None));
    assert_eq!(why(&before_any, "probability_alive"), ["no night has been counted yet"]);
    assert_eq!(why(&before_any, "rfm"), ["no night has been counted yet"]);

    let unsure = Beliefs { purchases: Purchases::Unknown("too few".to_owned()), ..fitted() };
    let insight = Insight::of(&acme, Some(&known(unsure)), today(), &worth()).unwrap();
    assert_eq!((insight.probability_alive, insight.predicted_lifetime_value), (None, None));
    assert_eq!(why(&insight, "probability_alive"), ["no model of purchases: too few"]);
}

/// Every figure of an account that is not there has a reason, and no other has one.
#[track_caller]
fn assert_reasons(insight: &Insight, in_full: bool) {
    let document = serde_json::to_value(insight).unwrap();
    let mut named: BTreeSet<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
    named.extend(["historic_margin", "predicted_lifetime_margin"].iter().filter(|_| in_full));
    for name in named {
        let is_there = document.get(name).is_some_and(|value| !value.is_null());
        assert_eq!(why(insight, name).is_empty(), is_there, "{name}: {:?}", insight.unknown);
    }
}

#[test]
fn what_is_not_known_of_an_account_has_a_reason() {
    let silent = Worth::by(&program(json!({})));
    let without_model = Beliefs { purchases: Purchases::Unknown("too few".to_owned()), ..fitted() };
    let without_spend = Beliefs { spend: SpendModel::Unknown("too few".to_owned()), ..fitted() };
    let nobody_left = Purchases::Fitted { r: 0.243, alpha: 4.414, a: 0.0, b: 1.0, log_likelihood: -9_582.4 };
    let nobody_left = Beliefs { purchases: nobody_left, ..fitted() };
    let regular = account("acme", "2010-09-01T12:00:00Z", &["2010-09-01", "2010-10-01", "2010-11-01"]);
    let lapsed = account("old", "2009-09-01T12:00:00Z", &["2009-09-01", "2009-10-01"]);
    let once = account("once", "2011-05-01T12:00:00Z", &["2011-05-02"]);
    let never = account("new", "2011-05-01T12:00:00Z", &[]);
    let mut brought = account("brought", "2011-05-01T12:00:00Z", &[]);
    (brought.lifetime.orders, brought.lifetime.purchase_days) = (7, 7);
    for account in [&regular, &lapsed, &once, &never, &brought] {
        for beliefs in [fitted(), without_model.clone(), without_spend.clone(), nobody_left.clone()] {
            for worth in [worth(), silent] {
                let insight = Insight::of(account, Some(&known(beliefs.clone())), today(), &worth).unwrap();
                assert_reasons(&insight, true);
                assert_reasons(&insight.without_margins(), false);
                assert_reasons(&Insight::of(account, None, today(), &worth).unwrap(), true);
            }
        }
    }
    let of = |account| Insight::of(account, Some(&known(fitted())), today(), &worth()).unwrap();
    assert_eq!(why(&of(&never), "probability_alive"), ["the account has not ordered yet"]);
    assert_eq!(why(&of(&lapsed), "rfm"), ["the account did not order in the trailing twelve months"]);
    assert_eq!(why(&of(&once), "usual_gap_days"), ["the account has ordered on one day only"]);
    let undated = "the account brought orders, and nobody stated when they were placed";
    assert_eq!(why(&of(&brought), "first_order"), [undated]);
}

#[test]
fn that_who_came_once_counts_as_alive_is_said_in_words() {
    let notes = |beliefs, days: &[&str]| {
        let account = account("acme", "2010-09-01T12:00:00Z", days);
        let insight = Insight::of(&account, Some(&known(beliefs)), today(), &worth()).unwrap();
        (insight.probability_alive.unwrap().cell(), insight.notes)
    };
    let (alive, once) = notes(fitted(), &["2010-09-01"]);
    assert!(alive == "1.0000" && once.concat().starts_with("It ordered on one day only."), "{alive} {once:?}");
    let (alive, twice) = notes(fitted(), &["2010-09-01", "2010-10-01"]);
    assert!(alive != "1.0000" && twice.is_empty(), "{alive} {twice:?}");
    let nobody_left = Purchases::Fitted { r: 0.243, alpha: 4.414, a: 0.0, b: 1.0, log_likelihood: -9_582.4 };
    let (alive, all) = notes(Beliefs { purchases: nobody_left, ..fitted() }, &["2010-09-01", "2010-10-01"]);
    assert!(alive == "1.0000" && all.concat().contains("nobody who left for good"), "{alive} {all:?}");
}
