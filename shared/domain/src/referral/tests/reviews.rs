//! Looking at a redemption.

use super::*;

fn waiting() -> Town {
    let mut town = Town::of(with("/referral/enrolment", json!("approval")));
    town.referred(1);
    town
}

#[test]
fn an_approved_prospect_takes_part_from_then_on() {
    let mut town = waiting();
    assert_eq!((town.stage("p-1"), town.waiting.len()), (Stage::UnderReview, 1));
    assert_eq!(town.tally().counts.under_review, 1);
    let refused = town.place(&order("p-1", 1, 60, at(START))).unwrap_err();
    assert_eq!(refused, Rejection::AccountNotActive(Status::Pending));
    town.now("2011-03-05T12:00:00Z").review("p-1", Verdict::Approved).unwrap();
    // The days to order in begin with the approval.
    let until = at("2011-04-14T11:00:00Z");
    assert_eq!((town.stage("p-1"), town.redemption("p-1").until), (Stage::Open { until }, Some(until)));
    assert_eq!((town.accounts[&id("p-1")].status, town.points("p-1")), (Status::Active, 10));
    assert_eq!((town.waiting.len(), town.tally().counts.under_review), (0, 0));
    let review = town.redemption("p-1").review.clone().unwrap();
    assert_eq!((review.reasons, review.approved), (vec!["approval".to_owned()], Some(true)));
    // The account knows the version that the record has now: an order finds it.
    assert!(town.order("p-1", 1, 60).qualified_referral());
    assert_eq!(town.state("p-1"), State::Qualified);
}

#[test]
fn a_rejected_prospect_stays_known() {
    let mut town = waiting();
    assert_eq!(town.claims.len(), 2);
    town.review("p-1", Verdict::Rejected).unwrap();
    assert_eq!((town.stage("p-1"), town.state("p-1")), (Stage::Over, State::Rejected));
    assert_eq!((town.accounts[&id("p-1")].status, town.points("p-1")), (Status::Closed, 0));
    assert_eq!((town.claims.len(), town.profiles[&id("p-1")].claims.len()), (2, 2));
    let code = town.codes.keys().next().unwrap().clone();
    assert_eq!(town.try_redeem(&code, &prospect(1)).unwrap_err(), Rejection::NotNew);
    assert_eq!((town.tally().counts.rejected, town.tally().counts.under_review), (1, 0));
}

#[test]
fn a_verdict_is_given_once() {
    for (first, second) in [(Verdict::Approved, Verdict::Rejected), (Verdict::Rejected, Verdict::Approved)] {
        let mut town = waiting();
        let after = town.review("p-1", first).unwrap();
        let entries = town.entries.len();
        assert_eq!(town.review("p-1", first), Ok(after));
        assert_eq!(town.review("p-1", second), Err(Rejection::ReviewedOtherwise));
        assert_eq!(town.entries.len(), entries);
    }
    let mut town = Town::of(document());
    town.referred(1);
    assert_eq!(town.review("p-1", Verdict::Approved), Err(Rejection::NothingToReview));
}

/// An account that was there before, and has the referrer's phone number.
fn known() -> Town {
    let mut town = Town::of(document());
    for account in ["acme", "p-1"] {
        town.put(account, json!({ "name": "Both", "phone": "+44 20 7946 0000" })).unwrap();
    }
    town.referred(1);
    town
}

#[test]
fn an_account_that_was_there_before_stays_what_it_is() {
    let mut town = known();
    assert_eq!((town.stage("p-1"), town.accounts[&id("p-1")].status), (Stage::UnderReview, Status::Active));
    assert!(!town.order("p-1", 1, 60).qualified_referral(), "nothing counts before the approval");
    let mut rejected = town.clone();
    rejected.review("p-1", Verdict::Rejected).unwrap();
    assert_eq!((rejected.accounts[&id("p-1")].status, rejected.claims.len()), (Status::Active, 2));
    assert!(!rejected.order("p-1", 2, 60).qualified_referral());
    town.review("p-1", Verdict::Approved).unwrap();
    assert!(town.order("p-1", 2, 60).qualified_referral());
}

#[test]
fn who_has_left_meanwhile_can_be_rejected_only() {
    for (status, approvable) in [(Status::Active, true), (Status::Suspended, true), (Status::Closed, false)] {
        let mut town = known();
        town.status("p-1", status);
        let approved = town.clone().review("p-1", Verdict::Approved);
        assert_eq!(approved.is_ok(), approvable, "{approved:?}");
        assert!(approvable || approved == Err(Rejection::AccountNotActive(status)));
        town.review("p-1", Verdict::Rejected).unwrap();
        assert_eq!((town.state("p-1"), town.accounts[&id("p-1")].status), (State::Rejected, status));
    }
}
