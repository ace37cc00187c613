//! Every figure that is not there has a reason.

use super::*;
use crate::fit::FitError;
use crate::rollup::Customers;
use domain::id::TierId;
use domain::lots::Lot;

#[test]
fn what_is_not_known_is_said_with_a_reason_and_every_name_is_one() {
    let results = night("2011-05-31", &accounts());
    let report = rendered(&results, "2011-05", By::Total);
    let known: BTreeSet<_> = report.table()[0].iter().cloned().collect();
    let whys: Vec<_> = report.unknown.iter().map(|unknown| unknown.why.as_str()).collect();
    let too_few = FitError::TooFewRepeatBuyers { found: 1 }.to_string();
    assert!(whys.contains(&too_few.as_str()), "{whys:?}");
    assert!(whys.iter().any(|why| why.contains("metrics.margin_rate")), "{whys:?}");
    let stated = report.unknown.iter().flat_map(|unknown| &unknown.figures).filter(|name| **name != "changes");
    for name in stated {
        assert!(known.contains(*name), "{name} is no figure");
        let column = report.table()[0].iter().position(|head| head == name).unwrap();
        assert_eq!(report.table()[1][column], "", "{name} is known");
    }
    let value = &report.total().unwrap().stands.as_ref().unwrap().value;
    assert_eq!(value.customer_lifetime_value_basis, "historic");
    assert_eq!(value.customer_lifetime_value.unwrap().cell(), "200.00");
}

/// The names of the figures of a document that are null; of one in a list, with the list's.
fn nulls(document: &Value, list: Option<&str>, found: &mut BTreeSet<String>) {
    let Value::Object(fields) = document else { return };
    for (name, value) in fields {
        match value {
            Value::Null => drop(found.insert(list.map_or(name.clone(), |list| format!("{list}.{name}")))),
            Value::Array(items) => items.iter().for_each(|item| nulls(item, Some(name), found)),
            other => nulls(other, list, found),
        }
    }
}

fn told(unknown: &[Unknown]) -> BTreeSet<String> {
    unknown.iter().flat_map(|unknown| &unknown.figures).map(|name| (*name).to_owned()).collect()
}

#[track_caller]
fn assert_reasons(report: &MetricsReport) {
    let of_all = told(&report.unknown);
    let context = format!("{} by {}", report.period, report.by);
    assert!(report.changes.is_some() || of_all.contains("changes"), "{context}");
    let mut of_changes = BTreeSet::new();
    nulls(&serde_json::to_value(&report.changes).unwrap(), None, &mut of_changes);
    assert!(of_changes.is_subset(&of_all), "{context}: {of_changes:?} {of_all:?}");
    for group in &report.groups {
        let mut missing = BTreeSet::new();
        nulls(&json!({"did": group.did, "stands": group.stands}), None, &mut missing);
        // Of a section that is not there, that is said.
        if missing.remove("survey") {
            assert!(of_all.contains("net_promoter_score"), "{context}");
        }
        let of_group = told(&group.unknown);
        assert!(of_group.is_subset(&missing), "{context}, {}: {of_group:?} are known", group.group);
        let silent: Vec<_> =
            missing.iter().filter(|name| !of_all.contains(*name) && !of_group.contains(*name)).collect();
        assert!(silent.is_empty(), "{context}, {}: {silent:?} have no reason", group.group);
    }
}

/// The report of a period of a night's results, by what beliefs and whose worth.
fn report(results: &Results, text: &str, by: By, beliefs: Option<&Beliefs>, worth: &Worth) -> MetricsReport {
    let result = results.periods.iter().find(|(period, kind, _)| period == text && kind == by.name()).unwrap();
    let (_, standing) = results.standings.iter().find(|(kind, _)| kind == by.name()).unwrap();
    let stood = Stood { groups: named(standing), books: &results.books, beliefs, before: None };
    MetricsReport::of((period(text), by), &named(result.2.clone()), Some(stood), (worth, 1)).unwrap()
}

#[test]
fn no_figure_is_missing_without_a_reason() {
    let silent = Worth::by(&program(json!({})));
    let earned = {
        let mut acme = account("acme", "2011-04-01T12:00:00Z", &["2011-04-02"]);
        acme.holdings.add(Lot::until(Instant::parse("2013-04-30T23:00:00Z").unwrap(), Points(7))).unwrap();
        acme.tier = TierId::parse("silver").unwrap();
        acme
    };
    for accounts in [accounts(), vec![], vec![account("gamma", "2011-05-01T12:00:00Z", &[])], vec![earned]] {
        let mut results = night("2011-05-31", &accounts);
        for beliefs in [results.beliefs.clone(), fitted()] {
            for (_, standing) in &mut results.standings {
                let expected = Forecasts::of(beliefs.clone()).expected(&Customers::default());
                standing.groups.values_mut().for_each(|group| group.expected = expected);
            }
            for text in ["2011-05", "2011-04", "2009-06", "2011-Q2", "2011", "2011-05-T12M", "lifetime"] {
                for (_, by) in By::ALL {
                    for worth in [worth(), silent] {
                        assert_reasons(&report(&results, text, by, Some(&beliefs), &worth));
                    }
                }
            }
        }
    }
}

#[test]
fn what_has_nothing_to_be_divided_by_says_so_of_its_group() {
    let results = night("2011-05-31", &accounts());
    let joined = report(&results, "2011-05", By::Joined, Some(&results.beliefs), &worth());
    let why = |group: &str, figure: &str| {
        let group = joined.groups.iter().find(|one| one.group == group).unwrap();
        let about = group.unknown.iter().find(|unknown| unknown.figures.contains(&figure));
        about.map(|unknown| unknown.why.clone())
    };
    assert_eq!(why("2011-04", "repeat_customer_rate").as_deref(), Some("nobody ordered in the period"));
    assert_eq!(why("2011-03", "repeat_customer_rate"), None);
    assert_eq!(why("2011-05", "retention_rate").as_deref(), Some("nobody ordered in the period before"));
    assert_eq!(why("2011-03", "breakage_rate").as_deref(), Some("no points have expired or been deducted yet"));
}
