//! The reward: given once, whoever tries how often, and not before its time.

use super::*;
use crate::discount::{Issuer, OPEN_DISCOUNTS_MAX};
use crate::id::RuleId;
use crate::ledger::{PointsChange, ReferralChange};
use crate::money::{Percent, Points};

const REWARD_AT: &str = "2011-03-31T11:00:00Z";

/// A town in which so many prospects have ordered.
fn qualified(document: Value, count: u32) -> Town {
    let mut town = Town::of(document);
    for n in 1..=count {
        town.referred(n);
        town.order(&format!("p-{n}"), n, 60);
    }
    town
}

#[test]
fn the_reward_comes_at_its_instant_and_once() {
    let mut town = qualified(document(), 1);
    assert_eq!(town.now("2011-03-31T10:59:59.999Z").walk("p-1"), []);
    assert_eq!(town.now(REWARD_AT).walk("p-1"), [Settled::Rewarded]);
    let rewarded = town.redemption("p-1").rewarded.clone().unwrap();
    assert_eq!((rewarded.at, rewarded.number, rewarded.given.points), (at(REWARD_AT), 1, Points(100)));
    assert_eq!((town.stage("p-1"), town.state("p-1")), (Stage::Rewarded, State::Rewarded));
    assert_eq!(
        town.told("acme")[0],
        Change::Referral(ReferralChange::Rewarded { redemption: town.key("p-1"), number: 1 })
    );
    let settled = Settled::Rewarded;
    assert!(
        town.told("p-1")
            .contains(&Change::Referral(ReferralChange::Concluded { redemption: town.key("p-1"), settled }))
    );
    assert_eq!(town.now("2012-03-31T11:00:00Z").walk("p-1"), []);
    assert_eq!(town.accounts[&id("acme")].referrals_rewarded, 1);
}

#[test]
fn a_window_of_no_days_is_over_at_once() {
    let mut town = qualified(with("/referral/return_window_days", json!(0)), 1);
    assert_eq!(town.walk("p-1"), [Settled::Rewarded]);
}

#[test]
fn a_walk_that_broke_off_before_it_was_noted_is_made_up_for() {
    let mut town = qualified(document(), 1);
    town.now(REWARD_AT);
    let stale = town.grounds("p-1");
    assert_eq!((town.errand("p-1"), town.errand("p-1")), (Settled::Rewarded, Settled::Rewarded));
    assert_eq!(town.points("acme"), 100);
    // Who had read the redemption before would put it with the version it had then.
    let again = town.decide(|_, context| carry_out(ErrandTask::Reward, &stale, context)).unwrap();
    let guards = again.writes.iter().filter_map(|write| match write {
        Write::Put(Record::Redemption(after), guard) => Some((after.version, *guard)),
        _ => None,
    });
    let version = town.redemption("p-1").version;
    assert_eq!(guards.collect::<Vec<_>>(), [(version, Guard::Version(version - 1))]);
    assert_eq!(town.walk("p-1"), [Settled::Rewarded]);
    assert_eq!((town.points("acme"), town.stage("p-1")), (100, Stage::Rewarded));
    // The order came back between the reward and its note.
    let mut town = qualified(document(), 1);
    town.now(REWARD_AT).errand("p-1");
    town.returned(1, 60);
    assert_eq!(town.stage("p-1"), Stage::Returned { since: at(REWARD_AT) });
    assert_eq!(town.walk_once("p-1", Some(Settled::Rewarded)), Walked::Errand, "what is to be done now comes first");
    assert_eq!(town.walk("p-1"), [Settled::TakenBack]);
    assert_eq!((town.points("acme"), town.stage("p-1")), (0, Stage::Over));
}

#[test]
fn steps_count_the_referrals_that_stand() {
    let mut town = qualified(document(), 3);
    town.now(REWARD_AT);
    let mut points = Vec::new();
    for n in 1..=2 {
        town.walk(&format!("p-{n}"));
        points.push(town.points("acme"));
    }
    assert_eq!(points, [100, 250]);
    town.cancelled(1);
    town.walk("p-1");
    assert_eq!((town.points("acme"), town.accounts[&id("acme")].referrals_rewarded), (150, 1));
    town.walk("p-3");
    assert_eq!((town.points("acme"), town.redemption("p-3").rewarded.as_ref().unwrap().number), (300, 2));
    let steps = &town.schedule.at(town.now).program.referral;
    let gift = |number| steps.as_ref().unwrap().reward(number).map(|gift| gift.points);
    assert_eq!(
        [0, 1, 2, 3, u32::MAX].map(gift),
        [None, Some(100), Some(150), Some(150), Some(150)].map(|p| p.map(Points))
    );
    assert_eq!(
        (town.tally().counts.rewarded, town.tally().counts.revoked, town.tally().cost.points),
        (2, 1, Points(330))
    );
}

#[test]
fn who_has_left_is_not_rewarded_and_who_rests_is() {
    for (status, settled, points) in [
        (Status::Active, Settled::Rewarded, 100),
        (Status::Suspended, Settled::Rewarded, 100),
        (Status::Closed, Settled::Over, 0),
    ] {
        let mut town = qualified(document(), 1);
        town.status("acme", status);
        let entries = town.entries.iter().filter(|entry| entry.account_id == id("acme")).count();
        assert_eq!(town.now(REWARD_AT).walk("p-1"), [settled], "{status:?}");
        assert_eq!(town.points("acme"), points, "{status:?}");
        let ended = town.redemption("p-1").ended.as_ref().map(|ended| ended.reason.as_str());
        let left = settled == Settled::Over;
        assert_eq!(ended, left.then_some("referrer_left"), "{status:?}");
        assert_eq!(town.stage("p-1") == Stage::Over, left);
        assert_eq!(town.entries.iter().filter(|entry| entry.account_id == id("acme")).count() == entries, left);
        // Coming back changes nothing any more, nor does the order.
        town.status("acme", Status::Active);
        town.cancelled(1);
        assert_eq!(town.walk("p-1"), if left { vec![] } else { vec![Settled::TakenBack] });
    }
    for status in [Status::Suspended, Status::Closed] {
        let mut town = qualified(document(), 1);
        town.status("p-1", status);
        assert_eq!(town.now(REWARD_AT).walk("p-1"), [Settled::Rewarded], "the order has stayed: {status:?}");
    }
}

/// Discounts that fill an account but for so many.
fn fill(town: &mut Town, account: &str, left: usize, expires_at: Instant) {
    let account_id = id(account);
    for n in town.accounts[&account_id].discounts.len()..OPEN_DISCOUNTS_MAX - left {
        let discount = Discount {
            account_id: account_id.clone(),
            code: Code::of_bits(n as u64),
            secret: 1,
            rule: RuleId::parse("thanks").unwrap(),
            percent: Percent(1),
            issued_by: Issuer::Order(order_key(99)),
            issued_at: town.now,
            expires_at,
            told_days: 0,
            used_by: None,
            void: false,
            version: 1,
        };
        town.accounts.get_mut(&account_id).unwrap().open_discount(&discount);
        town.discounts.insert((account_id.clone(), discount.code.clone()), discount);
    }
}

#[test]
fn a_reward_waits_for_room_day_by_day() {
    let mut town = qualified(document(), 3);
    town.now(REWARD_AT).walk("p-1");
    // One place is left: for the second, whose rule has others open, and not for the third.
    fill(&mut town, "acme", 1, at("2011-04-02T12:00:00Z"));
    assert_eq!((town.walk("p-2"), town.walk("p-3")), (vec![Settled::Rewarded], vec![Settled::Later]));
    // The points of it come at once, the discount once there is room; the referee's history tells of neither.
    assert_eq!((town.accounts[&id("acme")].discounts.len(), town.points("acme")), (OPEN_DISCOUNTS_MAX, 400));
    let entries = town.entries.len();
    assert_eq!(town.now("2011-04-01T11:00:00Z").walk("p-3"), [Settled::Later]);
    assert_eq!((town.entries.len(), town.points("acme")), (entries, 400));
    let mut returned = town.clone();
    returned.cancelled(3);
    // Even for a walk that had just heard that it waits.
    let account = returned.accounts[&id("p-3")].clone();
    let decided = returned.decide(|_, context| {
        let later = Some(Settled::Later);
        Ok(crate::walk::decide(&account, crate::warning::Walk::Review, People::default(), later, context)?)
    });
    assert_eq!(decided.unwrap().answer, crate::walk::Walked::Errand);
    assert_eq!((returned.walk("p-3"), returned.state("p-3")), (vec![Settled::TakenBack], State::Revoked));
    assert_eq!(returned.points("acme"), 250);
    assert_eq!(town.now("2011-04-02T12:00:00Z").walk("p-3"), [Settled::Rewarded]);
    assert_eq!((town.points("acme"), town.stage("p-3")), (400, Stage::Rewarded));
}

#[test]
fn a_reward_of_points_alone_waits_for_nothing() {
    let mut town = qualified(document(), 1);
    fill(&mut town, "acme", 0, at("2012-01-01T00:00:00Z"));
    assert_eq!(town.now(REWARD_AT).walk("p-1"), [Settled::Rewarded]);
}

#[test]
fn a_welcome_is_given_even_where_there_is_no_room() {
    let mut town = Town::of(document());
    for account in ["acme", "p-1"] {
        town.put(account, json!({ "name": "Both", "phone": "+44 20 7946 0000" })).unwrap();
    }
    town.referred(1);
    fill(&mut town, "p-1", 0, at("2012-01-01T00:00:00Z"));
    town.review("p-1", Verdict::Approved).unwrap();
    assert_eq!(town.accounts[&id("p-1")].discounts.len(), OPEN_DISCOUNTS_MAX + 1);
}

#[test]
fn points_that_are_owed_are_repaid_by_a_reward() {
    let mut town = qualified(document(), 1);
    town.accounts.get_mut(&id("acme")).unwrap().holdings.owe(Points(30)).unwrap();
    town.now(REWARD_AT).walk("p-1");
    assert!(town.told("acme").contains(&Change::Points(PointsChange::Repaid { points: Points(30) })));
    assert_eq!(town.points("acme"), 70);
}

#[test]
fn a_reward_beyond_all_numbers_is_refused_and_not_wrapped() {
    let mut town = qualified(document(), 1);
    town.now(REWARD_AT);
    let mut grounds = town.grounds("p-1");
    grounds.referrer.as_mut().unwrap().referrals_rewarded = u32::MAX;
    let refused = town.decide(|_, context| carry_out(ErrandTask::Reward, &grounds, context));
    assert_eq!(refused.unwrap_err(), Rejection::Overflow);
    let mut grounds = town.grounds("p-1");
    grounds.referrer.as_mut().unwrap().lifetime.credited = Points(i64::MAX);
    let refused = town.decide(|_, context| carry_out(ErrandTask::Reward, &grounds, context));
    assert_eq!(refused.unwrap_err(), Rejection::Overflow);
    let nothing = town.decide(|_, context| carry_out(ErrandTask::Reward, &Grounds::default(), context));
    assert_eq!(nothing.unwrap_err(), Rejection::UnknownRedemption);
}

#[test]
fn the_other_walk_leaves_the_errand_filed() {
    let mut town = qualified(document(), 1);
    town.now(REWARD_AT);
    let account = town.accounts[&id("p-1")].clone();
    let walked =
        town.act(|_, context| Ok(walk::decide(&account, Walk::Expiry, People::default(), None, context)?)).unwrap();
    assert_ne!(walked, Walked::Errand);
    assert!(town.accounts[&id("p-1")].due.unwrap().at <= at(REWARD_AT));
    assert_eq!(town.walk("p-1"), [Settled::Rewarded]);
}
