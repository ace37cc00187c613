//! What occasions brought is reproduced by a replay, and told of a draft.

use super::*;
use crate::money::Points;
use crate::simulation::{Compared, Facts, Plan, simulate};
use std::collections::BTreeMap;

fn lived(occasions: &Value) -> Town {
    let mut town = Town::joined(document("Europe/London", occasions), "2026-01-10T00:00:00Z");
    town.contact("ann", Some("1960-03-01"), at("2026-01-11T00:00:00Z")).unwrap();
    town.order(at("2026-01-12T00:00:00Z")).unwrap();
    town.order(at("2026-01-13T00:00:00Z")).unwrap();
    for now in ["2026-02-10T00:00:00Z", "2026-03-05T00:00:00Z", "2026-12-25T00:00:00Z", "2027-01-12T00:00:00Z"] {
        town.walk(at(now));
    }
    town
}

fn compared(town: &Town, draft: &Value) -> Compared {
    let facts = Facts {
        account: town.account().clone(),
        entries: town.entries.clone(),
        orders: town.orders.clone(),
        discounts: town.discounts.clone(),
        credit_notes: BTreeMap::new(),
        opening: None,
        roles: BTreeMap::new(),
    };
    let draft = schedule(&[("1970-01-01T00:00:00Z", document("Europe/London", draft))]);
    let as_of = at("2027-02-01T00:00:00Z");
    let plan = Plan { in_force: &town.schedule, draft: &draft, secrets: &town.secrets, assumed: None, as_of };
    simulate(&facts, &plan).unwrap()
}

#[test]
fn a_replay_under_the_version_in_force_differs_in_nothing() {
    let town = lived(&all());
    let kinds: Vec<_> = town.gifts().map(|(_, given)| given.occasion.which.name()).collect();
    let expected = ["welcome", "nth_order", "inactivity", "birthday", "date", "anniversary"];
    assert_eq!(kinds, expected);
    let compared = compared(&town, &all());
    assert!(compared.is_reproduced(), "{compared:?}");
    assert_eq!(compared.draft.outcome, compared.happened);
    assert_eq!(compared.happened.total().unwrap().discounts_issued, 2);
}

#[test]
fn a_draft_gives_what_its_own_rules_say() {
    let town = lived(&all());
    let points = |change: fn(&mut Value)| {
        let mut draft = all();
        change(&mut draft);
        let compared = compared(&town, &draft);
        assert!(compared.is_reproduced());
        let [before, after] = [&compared.happened, &compared.draft.outcome].map(|outcome| outcome.total().unwrap());
        let discounts = after.discounts_issued - before.discounts_issued;
        (after.points_issued.minus(before.points_issued).unwrap(), discounts)
    };
    assert_eq!(points(|draft| draft[0]["give"]["points"] = json!(110)), (Points(100), 0), "another welcome");
    assert_eq!(points(|draft| draft[1]["give"] = json!({"points": 8})), (Points(1), -1), "another birthday");
    assert_eq!(points(|draft| draft[2]["id"] = json!("years")), (Points(-10), 0), "no such anniversary");
    assert_eq!(points(|draft| draft[4]["every_orders"] = json!(3)), (Points(-10), 0), "no second order");
    assert_eq!(points(|draft| *draft = json!([])), (Points(-47), -2), "nothing at all");
}

#[test]
fn who_was_enrolled_without_taking_part_is_not_welcomed_by_a_replay() {
    let mut town = Town::of(schedule(&[("1970-01-01T00:00:00Z", document("Europe/London", &all()))]));
    town.put(Some(crate::account::Status::Suspended), at("2026-01-10T00:00:00Z")).unwrap();
    let compared = compared(&town, &all());
    assert!(compared.is_reproduced() && compared.draft.outcome.total().unwrap().points_issued == Points::ZERO);
}
