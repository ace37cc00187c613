//! Welcomes and n-th orders, and what is given at all.

use super::*;
use crate::account::Status;
use crate::decision::Rejection;
use crate::discount::OPEN_DISCOUNTS_MAX;
use crate::ledger::Cause;
use crate::money::Points;
use crate::statement;

fn welcome(terms: &Value) -> Value {
    document("Europe/London", &json!([on("welcome", terms)]))
}

fn numbers(town: &Town) -> Vec<u64> {
    let number = |which: &Which| if let Which::NthOrder { number } = which { Some(*number) } else { None };
    town.gifts().filter_map(|(_, given)| number(&given.occasion.which)).collect()
}

#[test]
fn who_enrols_is_welcomed_in_the_very_commit() {
    let mut put = Town::joined(welcome(&json!({})), "2026-01-01T00:00:00Z");
    let mut ordered = Town::of(schedule(&[("1970-01-01T00:00:00Z", welcome(&json!({})))]));
    let score = ordered.order(at("2026-01-01T00:00:00Z")).unwrap().score.clone();
    for town in [&mut put, &mut ordered] {
        assert_eq!(town.given(), ["welcome/welcome at 2026-01-01T00:00:00Z"]);
        assert_eq!(town.entries.len(), 1);
        town.put(None, at("2026-01-02T00:00:00Z")).unwrap();
        town.order(at("2026-01-03T00:00:00Z")).unwrap();
        town.walk(at("2026-01-04T00:00:00Z"));
        assert_eq!(town.gifts().count(), 1);
        town.check();
    }
    assert_eq!((score.points, score.balance), (Points(1), Points(11)), "the order has earned what it has earned");
    assert!(matches!(ordered.entries[0].cause, Cause::OrderPlaced { .. }));
}

#[test]
fn who_does_not_take_part_or_is_not_meant_is_not_welcomed() {
    for (terms, status, expected) in [
        (json!({}), Some(Status::Suspended), 0),
        (json!({}), Some(Status::Active), 1),
        (json!({"segments": ["shops"]}), None, 1),
        (json!({"segments": ["others"]}), None, 0),
        (json!({"tiers": ["member"]}), None, 1),
    ] {
        let mut town = Town::of(schedule(&[("1970-01-01T00:00:00Z", welcome(&terms))]));
        town.put(status, at("2026-01-01T00:00:00Z")).unwrap();
        town.put(Some(Status::Active), at("2026-01-02T00:00:00Z")).unwrap();
        assert_eq!(town.gifts().count(), expected, "{terms} {status:?}");
    }
}

#[test]
fn an_order_of_that_number_brings_it_with_its_score() {
    for (terms, expected) in [
        (json!({"orders": [1, 3]}), &[1, 3][..]),
        (json!({"every_orders": 2}), &[2, 4, 6]),
        (json!({"orders": [7]}), &[]),
    ] {
        let mut town = Town::joined(document("UTC", &json!([on("nth_order", &terms)])), "2026-01-01T00:00:00Z");
        for day in 2..8 {
            let score = town.order(at(&format!("2026-01-0{day}T12:00:00Z"))).unwrap().score.clone();
            assert_eq!(score.balance, town.account().holdings.available().unwrap());
        }
        assert_eq!(numbers(&town), expected, "{terms}");
        town.check();
    }
}

#[test]
fn with_as_many_discounts_open_as_there_can_be_it_comes_without_one() {
    let terms = json!({"every_orders": 1_000, "orders": null, "give": {"points": 3, "discount": discount("thanks")}});
    let mut rule = on("nth_order", &terms);
    rule["orders"] = json!((1..=12).collect::<Vec<_>>());
    rule.as_object_mut().unwrap().remove("every_orders");
    let mut town = Town::joined(document("UTC", &json!([rule])), "2026-01-01T00:00:00Z");
    for minute in 10..22 {
        town.order(at(&format!("2026-01-02T12:{minute}:00Z"))).unwrap();
    }
    let withheld: Vec<_> = town.gifts().map(|(_, given)| given.discount_withheld).collect();
    assert_eq!(withheld.iter().filter(|withheld| **withheld).count(), 2);
    assert!(withheld.ends_with(&[true, true]));
    assert_eq!((town.discounts.len(), town.account().discounts.len()), (OPEN_DISCOUNTS_MAX, OPEN_DISCOUNTS_MAX));
    town.check();
}

#[test]
fn what_is_given_is_said_in_words_and_told_as_a_record() {
    let rules = json!([
        on("birthday", &json!({"name": "Happy birthday!", "give": {"points": 50, "discount": discount("cake")}})),
        on("date", &json!({"name": "Season's greetings", "dates": ["12-24"], "give": {"discount": discount("xmas")}})),
    ]);
    let mut town = Town::joined(document("UTC", &rules), "2026-01-01T00:00:00Z");
    town.contact("ann", Some("1980-12-24"), at("2026-01-02T00:00:00Z")).unwrap();
    town.walk(at("2026-12-24T05:00:00Z"));
    let (entry, program) = (town.entries.last().unwrap(), &town.schedule.at(Instant::MAX).program);
    let codes: Vec<_> =
        town.account().discounts.iter().map(|open| (open.rule.to_string(), open.code.clone())).collect();
    let code = |rule: &str| codes.iter().find(|(of, _)| of == rule).unwrap().1.clone();
    let (cake, xmas) = (code("cake"), code("xmas"));
    let expected = format!(
        "Season's greetings. Discount {xmas} is yours until 2027-01-07. Happy birthday: 50 points were given. They can be \
         spent until 2028-12-31. Discount {cake} is yours until 2027-01-07."
    );
    assert_eq!(statement::text(entry, program), expected);
    let told = serde_json::to_value(&entry.changes[2]).unwrap();
    let expected = json!({
        "type": "occasion.given", "occasion": "birthday", "on": "birthday", "contact_id": "ann", "day": "2026-12-24",
        "name": "Happy birthday!", "points": 50, "expires_at": "2029-01-01T00:00:00Z",
    });
    assert_eq!(told, expected);
    assert_eq!(serde_json::from_value::<crate::ledger::Change>(told).unwrap(), entry.changes[2]);
    assert_eq!(town.discounts[&cake].issued_by.to_string(), "occasion birthday/birthday/2026-12-24/ann");
}

#[test]
fn codes_of_two_accounts_on_one_occasion_are_two() {
    let codes = ["acme", "beta"].map(|id| {
        let rule = on("date", &json!({"dates": ["12-24"], "give": {"discount": discount("xmas")}}));
        let mut town = Town::joined(document("UTC", &json!([rule])), "2026-01-01T00:00:00Z");
        town.member.account.as_mut().unwrap().id = crate::id::AccountId::parse(id).unwrap();
        town.walk(at("2026-12-24T00:00:00Z"));
        town.account().discounts[0].code.clone()
    });
    assert_ne!(codes[0], codes[1]);
}

#[test]
fn a_refused_order_brings_nothing() {
    let mut town =
        Town::joined(document("UTC", &json!([on("nth_order", &json!({"orders": [1]}))])), "2026-01-01T00:00:00Z");
    town.put(Some(Status::Suspended), at("2026-01-02T00:00:00Z")).unwrap();
    let refused = town.order(at("2026-01-03T00:00:00Z")).err();
    assert_eq!(refused, Some(Rejection::AccountNotActive(Status::Suspended)));
    assert_eq!(town.gifts().count(), 0);
}
