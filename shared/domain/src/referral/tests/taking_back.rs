//! Taking a reward back, as the program says.

use super::*;
use crate::discount::Unusable;
use crate::ledger::{DiscountChange, PointsChange};
use crate::lots::Lot;
use crate::money::{Minor, Points};

const REWARD_AT: &str = "2011-03-31T11:00:00Z";

/// A town in which the referrer has two rewards: points, and points with a discount.
fn rewarded(document: Value) -> Town {
    let mut town = Town::of(document);
    for n in 1..=2 {
        town.referred(n);
        town.order(&format!("p-{n}"), n, 60);
    }
    town.now(REWARD_AT);
    assert_eq!((town.walk("p-1"), town.walk("p-2")), (vec![Settled::Rewarded], vec![Settled::Rewarded]));
    town
}

/// The discount that came with the second reward.
fn thanks(town: &Town) -> Discount {
    let given = town.redemption("p-2").rewarded.clone().unwrap().given.discount.unwrap();
    town.discounts[&(id("acme"), given.code)].clone()
}

#[test]
fn a_reward_whose_order_comes_back_is_taken_back_once() {
    let mut town = rewarded(document());
    town.returned(2, 10);
    assert_eq!((town.stage("p-2"), town.walk("p-2")), (Stage::Rewarded, vec![]), "enough is kept");
    town.returned(2, 1);
    assert_eq!((town.stage("p-2"), town.state("p-2")), (Stage::Returned { since: at(REWARD_AT) }, State::Revoked));
    assert_eq!(town.accounts[&id("p-2")].due.unwrap().at, at(REWARD_AT));
    town.returned(2, 49);
    let stale = town.grounds("p-2");
    assert_eq!((town.errand("p-2"), town.errand("p-2")), (Settled::TakenBack, Settled::TakenBack));
    let again = town.decide(|_, context| carry_out(ErrandTask::TakeBack, &stale, context)).unwrap();
    let version = stale.redemption.unwrap().version;
    assert!(again.writes.iter().any(|write| matches!(
        write,
        Write::Put(Record::Redemption(_), Guard::Version(held)) if *held == version
    )));
    assert_eq!(town.walk("p-2"), [Settled::TakenBack]);
    let back = town.redemption("p-2").taken_back.unwrap();
    assert_eq!((back.points, back.unrecovered, back.discount), (Points(150), Points(0), true));
    assert_eq!((town.points("acme"), town.accounts[&id("acme")].referrals_rewarded), (100, 1));
    assert!(thanks(&town).void && town.accounts[&id("acme")].discounts.is_empty());
    assert_eq!((town.stage("p-2"), town.tally().counts.rewarded, town.tally().counts.revoked), (Stage::Over, 1, 1));
    assert_eq!((town.tally().cost.points, town.tally().cost.discounts), (Points(120), 2));
    assert_eq!(town.tally().revenue, Minor(6_000));
    assert_eq!((town.walk("p-2"), town.walk("p-1")), (vec![], vec![]));
}

#[test]
fn a_reward_that_the_program_lets_stand_stays() {
    let mut town = rewarded(with("/referral/after_return", json!("keep")));
    town.cancelled(2);
    assert_eq!((town.stage("p-2"), town.state("p-2")), (Stage::Rewarded, State::Rewarded));
    assert_eq!((town.walk("p-2"), town.points("acme")), (vec![], 250));
    assert_eq!(town.tally().revenue, Minor(6_000));
    // That holds for what was given only.
    town.now(START).referred(3);
    town.order("p-3", 3, 60);
    town.cancelled(3);
    assert_eq!((town.stage("p-3"), town.state("p-3")), (Stage::Over, State::Revoked));
}

#[test]
fn points_that_are_gone_are_owed_or_written_off_or_had_ended() {
    for (shortfall, spent, now, back, unrecovered, debt) in [
        ("owe", 0, REWARD_AT, 100, 0, 0),
        ("owe", 60, REWARD_AT, 100, 0, 60),
        ("write_off", 60, REWARD_AT, 40, 60, 0),
        ("write_off", 100, REWARD_AT, 0, 100, 0),
        ("owe_pending", 60, REWARD_AT, 100, 0, 60),
        ("owe", 60, "2011-05-31T22:59:59.999Z", 100, 0, 60),
        ("owe", 60, "2011-05-31T23:00:00Z", 0, 0, 0), // the end of the second month after it
    ] {
        let mut town = Town::of(with("/points/shortfall", json!(shortfall)));
        town.referred(1);
        town.order("p-1", 1, 60);
        town.now(REWARD_AT).walk("p-1");
        let acme = town.accounts.get_mut(&id("acme")).unwrap();
        acme.holdings.take(Points(spent), None).unwrap();
        town.now(now).cancelled(1);
        town.walk("p-1");
        let taken = town.redemption("p-1").taken_back.unwrap();
        let found = (taken.points.0, taken.unrecovered.0, town.accounts[&id("acme")].holdings.debt().0);
        assert_eq!(found, (back, unrecovered, debt), "{shortfall} {spent} {now}");
        let tells =
            town.told("acme").iter().any(|change| matches!(change, Change::Points(PointsChange::Deducted { .. })));
        assert_eq!(tells, back > 0, "{shortfall} {spent} {now}");
    }
}

#[test]
fn a_reward_that_ends_with_inactivity_is_taken_back_as_long_as_the_referrer_stays_active() {
    for (ordered, now, back) in [
        (None, "2011-05-31T22:59:59.999Z", 100),
        (None, "2011-05-31T23:00:00Z", 0),
        (Some("2011-05-31T22:00:00Z"), "2011-07-31T22:59:59.999Z", 100), // moved on by two months
        (Some("2011-05-31T22:00:00Z"), "2011-07-31T23:00:00Z", 0),
        (Some("2011-05-31T23:00:00Z"), "2011-06-30T12:00:00Z", 0), // ended as it was ordered: the new points stay
    ] {
        let mut town = Town::of(with("/points", json!({"expiry": {"kind": "inactivity", "months": 2}})));
        town.referred(1);
        town.order("p-1", 1, 60);
        town.now(REWARD_AT).walk("p-1");
        if let Some(placed_at) = ordered {
            town.now(placed_at).order("acme", 8, 300);
        }
        town.now(now).cancelled(1);
        town.walk("p-1");
        assert_eq!(town.redemption("p-1").taken_back.unwrap().points.0, back, "{ordered:?} {now}");
    }
}

#[test]
fn other_points_are_taken_where_those_are_spent() {
    let mut town = rewarded(document());
    let acme = town.accounts.get_mut(&id("acme")).unwrap();
    acme.holdings.take(Points(250), None).unwrap();
    acme.holdings.add(Lot::until(at("2012-01-01T00:00:00Z"), Points(500))).unwrap();
    town.cancelled(2);
    town.walk("p-2");
    assert_eq!((town.points("acme"), town.accounts[&id("acme")].holdings.debt()), (350, Points(0)));
}

#[test]
fn a_discount_that_was_used_stays_used_and_does_not_come_back() {
    let mut town = rewarded(document());
    let code = thanks(&town).code;
    let mut used = order("acme", 9, 100, town.now);
    used.discount_codes = vec![code.clone()];
    town.place(&used).unwrap();
    town.cancelled(2);
    assert_eq!(town.walk("p-2"), [Settled::TakenBack]);
    assert!(!town.redemption("p-2").taken_back.unwrap().discount);
    assert!(!town.told("acme").iter().any(|change| matches!(change, Change::Discount(DiscountChange::Voided { .. }))));
    assert_eq!(thanks(&town).check(town.now), Err(Unusable::Used));
    assert_eq!(town.accounts[&id("acme")].lifetime.discounts_issued, 1);
    // The order gives it back: it was for nothing.
    town.amended(9, |order| order.discount_codes.clear());
    assert_eq!(thanks(&town).check(town.now), Err(Unusable::Void));
    let acme = &town.accounts[&id("acme")];
    assert_eq!((acme.discounts.len(), acme.lifetime.discounts_issued, acme.lifetime.discounts_used), (0, 0, 0));
}

#[test]
fn a_discount_that_had_ended_is_left_alone() {
    let mut town = rewarded(document());
    let before = thanks(&town);
    town.now = before.expires_at;
    town.cancelled(2);
    town.walk("p-2");
    assert_eq!((thanks(&town), town.redemption("p-2").taken_back.unwrap().discount), (before, false));
}

#[test]
fn it_is_taken_back_from_who_has_left_and_whoever_asks() {
    for status in [Status::Suspended, Status::Closed] {
        let mut town = rewarded(document());
        town.status("acme", status);
        town.status("p-1", status);
        town.cancelled(1);
        assert_eq!((town.walk("p-1"), town.points("acme")), (vec![Settled::TakenBack], 150), "{status:?}");
    }
}
