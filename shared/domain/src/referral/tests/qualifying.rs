//! Which order qualifies a redemption, and what becomes of it until the reward.

use super::*;
use crate::ledger::ReferralChange;
use crate::money::Minor;
use crate::parked::{ParkedOrder, Waiting};

#[test]
fn the_first_order_that_comes_to_the_minimum_qualifies() {
    let mut town = Town::of(document());
    town.referred(1);
    for (number, pounds, expected) in [(1, 49, false), (2, 50, true), (3, 70, false)] {
        assert_eq!(town.order("p-1", number, pounds).qualified_referral(), expected, "{pounds}");
    }
    let qualified = town.redemption("p-1").qualified.clone().unwrap();
    assert_eq!((qualified.order, qualified.revenue), (order_key(2), Minor(5_000)));
    // Thirty days to the same wall time: summer time has begun.
    let reward_at = at("2011-03-31T11:00:00Z");
    assert_eq!((qualified.reward_at, town.stage("p-1")), (reward_at, Stage::Qualified { reward_at }));
    assert_eq!(town.accounts[&id("p-1")].due.unwrap().at, at("2011-03-31T11:00:00Z"));
    assert_eq!((town.tally().counts.qualified, town.tally().revenue), (1, Minor(5_000)));
}

#[test]
fn an_order_counts_until_the_very_instant() {
    for (now, expected, state) in [
        ("2011-04-10T10:59:59.999Z", true, State::Qualified),
        ("2011-04-10T11:00:00Z", false, State::Expired),
        ("2011-04-10T11:00:00.001Z", false, State::Expired),
    ] {
        let mut town = Town::of(document());
        town.referred(1);
        assert_eq!(town.now(now).order("p-1", 1, 60).qualified_referral(), expected, "{now}");
        assert_eq!(town.state("p-1"), state, "{now}");
        let until = at("2011-04-10T11:00:00Z");
        let expired = Change::Referral(ReferralChange::Expired { redemption: town.key("p-1"), expired_at: until });
        assert_eq!(town.told("p-1").contains(&expired), !expected, "{now}");
        assert_eq!(town.stage("p-1") == Stage::Over, !expected, "{now}");
    }
}

#[test]
fn an_hour_that_is_skipped_or_doubled_ends_nothing_early() {
    // 27 March 2011, 01:30 does not exist in London; 30 October 2011, 01:30 is there twice.
    for (redeemed, within, until) in [
        ("2011-03-20T01:30:00Z", 7, "2011-03-27T01:30:00Z"), // moves forward to 02:30
        ("2011-10-23T00:30:00Z", 7, "2011-10-30T00:30:00Z"), // the first of the two
    ] {
        let mut town = Town::of(with("/referral/qualifying/within_days", json!(within)));
        town.now(redeemed).referred(1);
        assert_eq!(town.stage("p-1"), Stage::Open { until: at(until) }, "{redeemed}");
        let mut town = Town::of(with("/referral/return_window_days", json!(within)));
        town.now(redeemed).referred(1);
        town.order("p-1", 1, 60);
        assert_eq!(town.stage("p-1"), Stage::Qualified { reward_at: at(until) }, "{redeemed}");
    }
}

#[test]
fn what_was_bought_before_is_no_doing_of_the_referral() {
    for (placed_at, expected) in [
        ("2010-06-01T12:00:00Z", false),
        ("2011-02-28T11:59:59Z", false),
        ("2011-02-28T12:00:00Z", true), // a clock may be wrong by a day
        ("2011-03-02T11:59:59Z", true),
    ] {
        let mut town = Town::of(document());
        town.referred(1);
        let late = order("p-1", 1, 60, at(placed_at));
        assert_eq!(town.place(&late).unwrap().qualified_referral(), expected, "{placed_at}");
        // Nor does an amendment make it one.
        let mut town = Town::of(document());
        town.referred(1);
        town.place(&order("p-1", 1, 10, at(placed_at))).unwrap();
        let amended = town.amended(1, |order| order.lines[0].quantity = 60);
        assert_eq!(amended.qualified_referral(), expected, "{placed_at}");
    }
}

#[test]
fn an_amendment_may_qualify_and_leaves_the_first_answer_alone() {
    let mut town = Town::of(document());
    town.referred(1);
    let first = town.order("p-1", 1, 49);
    let amended = town.now("2011-03-02T12:00:00Z").amended(1, |order| order.lines[0].quantity = 50);
    assert!(amended.qualified_referral() && !amended.score.qualified_referral);
    assert_eq!(amended.score, first.score);
    let reward_at = at("2011-04-01T11:00:00Z");
    assert_eq!(town.stage("p-1"), Stage::Qualified { reward_at });
    let again = town.amended(1, |order| order.lines[0].quantity = 70);
    assert!(again.qualified_referral());
    assert_eq!(town.redemption("p-1").qualified.as_ref().unwrap().revenue, Minor(7_000));
    assert_eq!(town.stage("p-1"), Stage::Qualified { reward_at }, "the window is not drawn out");
    town.amended(1, |order| order.lines[0].quantity = 49);
    assert_eq!((town.stage("p-1"), town.state("p-1")), (Stage::Over, State::Revoked));
}

/// An order of sixty pounds of which so many units were returned before it was known; `None`: it was cancelled.
fn parked(town: &Town, units: Option<u32>) -> ParkedOrder {
    let reversing = match units {
        None => Reversing::Cancellation(CancellationDocument { cancelled_at: town.now }),
        Some(units) => {
            let line = json!({ "line_id": "1", "quantity": units });
            let document = json!({ "return_id": "r", "returned_at": town.now.to_string(), "lines": [line] });
            Reversing::Return(return_document(&document).unwrap())
        }
    };
    let waiting = vec![Waiting { reversing, parked_at: town.now, by: "shop".to_owned() }];
    ParkedOrder { key: order_key(1), waiting, payment: None, version: 1 }
}

#[test]
fn what_came_back_before_its_order_was_known_does_not_count() {
    for (units, expected) in [(Some(10), true), (Some(11), false), (Some(60), false), (None, false)] {
        let mut town = Town::of(document());
        town.referred(1);
        let order = Arc::new(order("p-1", 1, 60, town.now));
        let (account, parked) = (town.member("p-1").account, parked(&town, units));
        let decided = town.decide(|_, context| {
            score::decide(account.as_ref(), &[], Some(&parked), &order, order.content_hash(), context)
        });
        let decision = decided.unwrap();
        let qualifies = decision.writes.iter().find_map(|write| match write {
            Write::Qualify(_, qualified, _) => Some(qualified.revenue),
            _ => None,
        });
        assert_eq!(qualifies, expected.then_some(Minor(5_000)), "{units:?}");
        assert_eq!(decision.answer.qualified_referral(), expected, "{units:?}");
    }
}

#[test]
fn what_comes_back_before_the_reward_cancels_it() {
    type Undo = fn(&mut Town);
    let rows: [(&str, Undo, bool, i64); 6] = [
        ("a part", |town| town.returned(1, 10), true, 50),
        ("too much", |town| town.returned(1, 11), false, 49),
        ("all of it", |town| town.returned(1, 60), false, 0),
        ("in two steps", |town| (town.returned(1, 11), town.returned(1, 49)).1, false, 0),
        ("cancelled", |town| town.cancelled(1), false, 0),
        ("amended", |town| drop(town.amended(1, |order| order.lines[0].quantity = 1)), false, 1),
    ];
    for (name, undo, stands, kept) in rows {
        let mut town = Town::of(document());
        town.referred(1);
        town.order("p-1", 1, 60);
        town.now("2011-03-10T12:00:00Z");
        undo(&mut town);
        assert_eq!(town.state("p-1"), if stands { State::Qualified } else { State::Revoked }, "{name}");
        assert_eq!(town.tally().revenue, Minor(kept * 100), "what is kept of it, whatever became of it: {name}");
        town.now("2011-04-01T12:00:00Z");
        assert_eq!(town.walk("p-1"), if stands { vec![Settled::Rewarded] } else { vec![] }, "{name}");
        assert_eq!(town.points("acme"), if stands { 100 } else { 0 }, "{name}");
    }
}

#[test]
fn what_has_come_to_nothing_stays_so() {
    let mut town = Town::of(document());
    town.referred(1);
    town.order("p-1", 1, 60);
    town.returned(1, 11);
    let ended = town.redemption("p-1").ended.clone();
    town.amended(1, |order| order.lines[0].quantity = 100);
    assert_eq!(town.redemption("p-1").ended, ended);
    assert_eq!(town.tally().revenue, Minor(8_900));
    assert!(!town.order("p-1", 2, 60).qualified_referral(), "nor does another order count");
    assert!(errand(&town.accounts[&id("p-1")]).is_none());
    // Nor does a walker reward it that read the account before.
    let late = town.decide(|town, context| carry_out(ErrandTask::Reward, &town.grounds("p-1"), context)).unwrap();
    assert_eq!((late.answer, late.writes.len()), (Settled::Over, 0));
    // What comes back after that takes nothing from it any more.
    let ended = town.redemption("p-1").ended.clone();
    town.now("2011-03-05T12:00:00Z").cancelled(1);
    assert_eq!(town.redemption("p-1").ended, ended);
}

#[test]
fn the_terms_of_the_redemption_hold_under_every_later_version() {
    let mut dropped = document();
    dropped.as_object_mut().unwrap().remove("referral");
    let mut changed = with("/referral/qualifying/minimum_total", json!("500"));
    changed["referral"]["return_window_days"] = json!(1);
    changed["referral"]["rewards"] = json!([{ "from": 1, "points": 7 }]);
    for later in [changed, dropped] {
        let mut town = Town::new(&[(ALWAYS, document()), ("2011-03-02T00:00:00Z", later)]);
        town.referred(1);
        assert!(town.now("2011-03-02T12:00:00Z").order("p-1", 1, 60).qualified_referral());
        assert_eq!(town.stage("p-1"), Stage::Qualified { reward_at: at("2011-04-01T11:00:00Z") });
        assert_eq!(town.now("2011-04-01T11:00:00Z").walk("p-1"), [Settled::Rewarded]);
        assert_eq!(town.points("acme"), 100);
        town.returned(1, 60);
        assert_eq!(town.walk("p-1"), [Settled::TakenBack]);
        assert_eq!(town.points("acme"), 0);
    }
}

#[test]
fn a_version_that_begins_with_referrals_counts_from_then_on() {
    let mut before = document();
    before.as_object_mut().unwrap().remove("referral");
    let mut town = Town::new(&[(ALWAYS, before), ("2011-03-02T00:00:00Z", document())]);
    town.now("2011-03-02T00:00:00Z").referred(1);
    // Placed under the version without referrals, as far as clocks can be trusted.
    let early = order("p-1", 1, 60, at("2011-03-01T23:00:00Z"));
    assert!(town.place(&early).unwrap().qualified_referral());
    assert_eq!(town.redemption("p-1").program_version, 2);
}
