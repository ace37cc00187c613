#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::super::club::{ALWAYS, Club, at};
use super::*;
use crate::membership::Exclusion;
use crate::money::Points;
use serde_json::json;

const REASON: &str = "Known from the fair";

fn approved() -> Value {
    json!({"admission": "approved", "reason": REASON})
}

fn rejected() -> Value {
    json!({"admission": "rejected", "reason": "No trade licence"})
}

fn excluded(from: &[&str]) -> Value {
    json!({"excluded_from": from, "reason": "Net prices"})
}

#[test]
fn an_applicant_orders_for_nothing_until_it_is_let_in() {
    let mut club = Club::with(json!({"kind": "approval"}));
    let first = club.order("2030-01-01T10:00:00Z", "50.00").unwrap();
    assert_eq!(club.newest(), ["account.enrolled", "membership.applied", "order.scored"]);
    assert_eq!(club.standing("2030-01-02T00:00:00Z"), json!({"state": "applicant", "since": "2030-01-01T10:00:00Z"}));
    assert_eq!((first.score.points, first.score.tier_after.as_str()), (Points(0), "member"));
    assert!(first.score.raise.is_none() && first.score.issued.is_empty());
    assert_eq!(
        club.reasons(&first),
        [
            "Points: no points, because the account is not a member yet.",
            "Next: none issued, because the account is not a member yet.",
            "A mug: nothing free, because the account is not a member yet.",
        ]
    );

    club.put("2030-01-03T00:00:00Z", &approved()).unwrap();
    assert_eq!(club.newest(), ["membership.admitted"]);
    assert_eq!(club.told(), "The account is a member now: Known from the fair.");
    assert_eq!(club.account.as_ref().unwrap().joined_at, at("2030-01-03T00:00:00Z"));
    assert_eq!(club.standing("2030-01-03T00:00:00Z"), json!({"state": "member"}));
    // What it had spent counts for its tier now, and its order earns.
    let second = club.order("2030-01-04T10:00:00Z", "5.00").unwrap();
    assert_eq!((second.score.points, second.score.tier_after.as_str()), (Points(5), "gold"));
    assert_eq!(second.score.issued.len(), 1);
    assert_eq!(club.account.as_ref().unwrap().lifetime.orders, 2);
}

#[test]
fn what_an_order_found_stays_so_whatever_becomes_of_its_account() {
    let mut club = Club::with(json!({"kind": "approval"}));
    let first = club.order("2030-01-01T10:00:00Z", "4.00").unwrap();
    club.put("2030-01-03T00:00:00Z", &approved()).unwrap();
    let second = club.order("2030-01-04T10:00:00Z", "4.00").unwrap();
    // The order of the applicant grows beyond every minimum, and brings nothing about all the same.
    let amended = club.amend("2030-01-05T00:00:00Z", &first, "400.00");
    let current = amended.current();
    assert_eq!((current.points, current.tier_after.as_str(), current.issued.len()), (Points(0), "member", 0));
    assert_eq!(current.outcomes, first.score.outcomes);
    assert_eq!(club.account.as_ref().unwrap().tier.as_str(), "member");
    assert_eq!(crate::earning::recomputed(&amended, &club.schedule.at(at(ALWAYS)).program).unwrap().0, Points(0));
    let cancelled = club.cancel("2030-01-06T00:00:00Z", &amended);
    assert_eq!(cancelled.history.tally.reversed, Points(0));
    // One of a member that is turned away later gives back what it had earned, and no more.
    club.put("2030-01-07T00:00:00Z", &rejected()).unwrap();
    let amended = club.amend("2030-01-08T00:00:00Z", &second, "3.00");
    assert_eq!((amended.score.points, amended.current().points), (Points(4), Points(3)));
    assert_eq!(club.account.as_ref().unwrap().points(), Ok(Points(3)));
}

#[test]
fn an_operator_lets_in_and_turns_away_and_says_nothing_twice() {
    let mut club = Club::with(json!({"kind": "approval"}));
    club.order("2030-01-01T10:00:00Z", "1.00").unwrap();
    let rows = [
        (approved(), Some("The account is a member now: Known from the fair."), "member"),
        (approved(), None, "member"),
        (rejected(), Some("The account is no member: No trade licence."), "rejected"),
        (rejected(), None, "rejected"),
        (approved(), Some("The account is a member now: Known from the fair."), "member"),
        (excluded(&["perks", "earning", "perks"]), Some("excluded from earning, perks now: Net prices."), "member"),
        (excluded(&["earning", "perks"]), None, "member"),
        (excluded(&[]), Some("The account is no longer excluded from anything: Net prices."), "member"),
    ];
    for (document, told, state) in rows {
        let before = club.entries.len();
        club.put("2030-01-02T00:00:00Z", &document).unwrap();
        assert_eq!(club.entries.len() - before, usize::from(told.is_some()), "{document}");
        assert!(told.is_none_or(|told| club.told().ends_with(told)), "{document}: {}", club.told());
        assert_eq!(club.standing("2030-01-02T00:00:00Z")["state"], state, "{document}");
    }
}

#[test]
fn what_cannot_be_decided_is_refused() {
    let mut club = Club::with(json!({"kind": "approval"}));
    assert_eq!(club.put("2030-01-01T00:00:00Z", &approved()), Err(Rejection::UnknownAccount));
    for kind in [json!({"kind": "open"}), json!({"kind": "paid", "months": 1})] {
        let mut club = Club::with(kind);
        club.order("2030-01-01T10:00:00Z", "1.00").unwrap();
        assert_eq!(club.put("2030-01-02T00:00:00Z", &approved()), Err(Rejection::NobodyIsAdmitted));
        assert_eq!(club.put("2030-01-02T00:00:00Z", &excluded(&["perks"])), Ok(()));
    }
    club.order("2030-01-01T10:00:00Z", "1.00").unwrap();
    for (status, refused) in
        [(Status::Pending, Rejection::UnderReview), (Status::Closed, Rejection::AccountNotActive(Status::Closed))]
    {
        club.account.as_mut().unwrap().status = status;
        assert_eq!(club.put("2030-01-02T00:00:00Z", &approved()), Err(refused));
    }
    let invited = Club::with(json!({"kind": "invitation"})).order("2030-01-01T10:00:00Z", "1.00");
    assert_eq!(invited, Err(Rejection::NotEnrolled), "an order states no invitation");
}

#[test]
fn every_fault_of_a_decision_is_told_at_once() {
    for (document, expected) in [
        (json!([]), &["$ wrong_type"][..]),
        (json!({}), &["$.admission missing", "$.reason missing"]),
        (
            json!({"admission": "maybe", "excluded_from": ["earning", "all"], "reason": "", "until": 1}),
            &[
                "$.until unknown_field",
                "$.admission unknown_value",
                "$.excluded_from[1] unknown_value",
                "$.reason invalid_text",
            ],
        ),
        (json!({"excluded_from": "perks", "reason": "r"}), &["$.excluded_from wrong_type"]),
        (
            json!({"excluded_from": ["perks", "perks", "perks", "perks"], "reason": "r"}),
            &["$.excluded_from wrong_length"],
        ),
    ] {
        let faults = membership_document(&document).unwrap_err();
        let told: Vec<_> = faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect();
        assert_eq!(told, expected, "{document}");
    }
}

#[test]
fn a_member_that_is_excluded_gets_nothing_of_that_and_all_of_the_rest() {
    let mut club = Club::with(json!({"kind": "open"}));
    club.order("2030-01-01T10:00:00Z", "1.00").unwrap();
    club.put("2030-01-02T00:00:00Z", &excluded(&["earning"])).unwrap();
    assert_eq!(club.standing("2030-01-02T00:00:00Z"), json!({"state": "member", "excluded_from": ["earning"]}),);
    let scored = club.order("2030-01-03T00:00:00Z", "9.00").unwrap();
    assert_eq!((scored.score.points, scored.score.tier_after.as_str()), (Points(0), "gold"));
    assert_eq!((scored.score.issued.len(), scored.score.no_member()), (1, None));
    assert_eq!(club.reasons(&scored)[0], "Points: no points, because the account is excluded from earning.");

    club.put("2030-03-01T00:00:00Z", &excluded(&["discounts"])).unwrap();
    let scored = club.order("2030-03-02T00:00:00Z", "9.00").unwrap();
    assert_eq!((scored.score.points, scored.score.issued.len()), (Points(9), 0));
    let why = "Next: none issued, because the account is excluded from discounts.";
    assert_eq!(club.reasons(&scored)[1], why);
    // Nor does it once the account is excluded no more: what ruled the rule out when it was scored stays.
    club.put("2030-03-03T00:00:00Z", &excluded(&[])).unwrap();
    let amended = club.amend("2030-03-04T00:00:00Z", &scored, "90.00");
    assert_eq!((amended.current().points, amended.current().issued.len()), (Points(90), 0));
    assert_eq!(club.reasons(&amended)[1], why);
    assert_eq!(club.order("2030-03-05T00:00:00Z", "9.00").unwrap().score.issued.len(), 1);
    assert!(!club.account.unwrap().is_excluded(Exclusion::Discounts));
}

#[test]
fn who_was_there_before_somebody_had_to_let_accounts_in_is_a_member() {
    let approval = json!({"kind": "approval"});
    let mut club = Club::of(&[(ALWAYS, json!(null)), ("2030-02-01T00:00:00Z", approval)]);
    club.order("2030-01-01T10:00:00Z", "1.00").unwrap();
    assert_eq!(club.standing("2030-01-31T00:00:00Z"), json!(null));
    assert_eq!(club.standing("2030-02-01T00:00:00Z"), json!({"state": "member"}));
    assert_eq!(club.order("2030-02-02T10:00:00Z", "1.00").unwrap().score.points, Points(1));
}

/// The same program, which welcomes, and gives something for the second order and on a date.
fn celebrating() -> Club {
    let mut document = super::super::club::document(&json!({"kind": "approval"}));
    let occasion =
        |id: &str, on: &str, points: i64| json!({"id": id, "name": id, "on": on, "give": {"points": points}});
    document["occasions"] =
        json!([occasion("hello", "welcome", 100), occasion("second", "nth_order", 20), occasion("xmas", "date", 3),]);
    document["occasions"][1]["orders"] = json!([2]);
    document["occasions"][2]["dates"] = json!(["01-02"]);
    Club::of_documents(&[(ALWAYS, document)])
}

#[test]
fn an_applicant_is_given_nothing_and_welcomed_once_it_is_let_in() {
    let mut club = celebrating();
    let points = |club: &Club| club.account.as_ref().unwrap().points().unwrap().0;
    club.order("2030-01-01T10:00:00Z", "1.00").unwrap();
    club.order("2030-01-01T11:00:00Z", "1.00").unwrap();
    club.walk("2030-01-02T10:00:00Z");
    assert_eq!(points(&club), 0);
    club.put("2030-01-03T00:00:00Z", &approved()).unwrap();
    assert_eq!(club.newest(), ["membership.admitted", "occasion.given"]);
    assert_eq!(points(&club), 100);
    // What is over is over, and who is let in again is not welcomed again.
    club.walk("2030-01-04T10:00:00Z");
    club.put("2030-01-05T00:00:00Z", &rejected()).unwrap();
    club.put("2030-01-06T00:00:00Z", &approved()).unwrap();
    assert_eq!(points(&club), 100);
    club.put("2030-06-01T00:00:00Z", &rejected()).unwrap();
    club.walk("2031-01-02T10:00:00Z");
    assert_eq!(points(&club), 100);
    club.put("2031-06-01T00:00:00Z", &approved()).unwrap();
    club.walk("2032-01-02T10:00:00Z");
    assert_eq!(points(&club), 103);

    let mut suspended = celebrating();
    suspended.order("2030-01-01T10:00:00Z", "1.00").unwrap();
    suspended.account.as_mut().unwrap().status = Status::Suspended;
    let refused = Rejection::AccountNotActive(Status::Suspended);
    assert_eq!(suspended.put("2030-01-03T00:00:00Z", &approved()), Err(refused));
    assert_eq!(suspended.put("2030-01-03T00:00:00Z", &excluded(&["perks"])), Ok(()));
}
