#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
mod world;

use super::*;
use crate::code::Secrets;
use crate::decision::{Context, Guard, Record, Rejection, Write};
use crate::discount::Discount;
use crate::idempotency::{CommandKey, CommandRecord};
use crate::ledger::{Change, Entry, PerkChange, RewardChange};
use crate::limit::{SHARDS, Shard, ShardChange, ShardWrite};
use crate::lots::{End, Holdings, Lot, Pending};
use crate::membership::Exclusion;
use crate::perks::{PerkState, PerkUses, UseDocument, use_perk};
use crate::program::sample;
use crate::schedule::{Activation, Schedule};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use world::World;

const START: &str = "2030-05-10T12:00:00Z";

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn document(rewards: &Value) -> Value {
    let mut document = sample::with("rewards", rewards);
    document["perks"] = json!([
        {"id": "training", "name": "Training", "kind": "training", "tiers": ["gold"],
         "count_per": {"count": 1, "months": 1}},
        {"id": "early", "name": "Early", "kind": "early_access", "tiers": ["gold"]},
    ]);
    document
}

fn schedule(rewards: &Value) -> Schedule {
    let program = Program::from_json(&document(rewards)).unwrap();
    Schedule::only(Activation { from: Instant::MIN, version: 1, program: Arc::new(program) })
}

/// The rewards of most tests: one of each kind.
fn rewards() -> Value {
    json!([
        {"id": "mug", "name": "A mug", "points": 100, "points_by_tier": [{"tier": "gold", "points": 80}],
         "product": {"sku": "MUG", "quantity": 2}},
        {"id": "five", "name": "Five off", "points": 50, "discount": {"percent": "5", "validity_days": 30}},
        {"id": "box", "name": "A box", "points": 300,
         "pack": [{"sku": "MUG", "quantity": 1}, {"sku": "TEA", "quantity": 3}]},
        {"id": "days", "name": "Training days", "points": 200, "perk": {"perk": "training", "uses": 2}},
        {"id": "rare", "name": "Rare", "points": 10, "product": {"sku": "RARE", "quantity": 1}, "tiers": ["gold"],
         "per_account": {"count": 2, "period": "month"}, "from": "2030-05-01T00:00:00Z",
         "until": "2030-07-01T00:00:00Z"},
    ])
}

#[test]
fn goods_are_a_right_that_the_shop_fulfils_and_the_earliest_points_pay() {
    let mut world = World::rich();
    let first = world.redeem("mug").unwrap();
    let receipt = serde_json::to_value(&first).unwrap();
    assert_eq!(
        serde_json::from_value::<RedeemReceipt>(receipt.clone()).unwrap(),
        first,
        "a repeat is answered the same"
    );
    let expected = json!({
        "account_id": "acme", "redemption_id": 2, "reward": "mug", "name": "A mug",
        "product": {"sku": "MUG", "quantity": 2}, "points": 100, "redeemed_at": "2030-05-10T12:00:00Z",
        "balance": 1_050,
    });
    assert_eq!(receipt, expected);
    assert_eq!(world.lots(), [("2031-01-01T00:00:00Z".to_owned(), 50), ("2032-01-01T00:00:00Z".to_owned(), 1_000)]);
    let entry = world.entries.last().unwrap();
    assert_eq!((entry.points, entry.balance), (Points(-100), Points(1_050)));
    assert_eq!(world.changes(), ["reward.redeemed", "points.spent"]);
    let pack = serde_json::to_value(world.redeem("box").unwrap()).unwrap();
    assert_eq!(pack["pack"], json!([{"sku": "MUG", "quantity": 1}, {"sku": "TEA", "quantity": 3}]));
    let spent: Vec<_> = world.redemptions[&3].spent.iter().map(|part| part.points.0).collect();
    assert_eq!(spent, [50, 250]);
    assert_eq!((world.account.spending.spent(), world.account.spending.months().len()), (Points(400), 1));
    // Whoever is gold pays less.
    assert_eq!(World::rich().gold().redeem("mug").unwrap().redeemed.points, Points(80));
}

#[test]
fn a_discount_is_the_accounts_own_until_it_is_withdrawn() {
    let mut world = World::rich();
    let receipt = world.redeem("five").unwrap();
    let GiftAnswer::Discount { code, percent, expires_at } = receipt.redeemed.gift else { panic!() };
    assert_eq!((percent.as_str(), expires_at), ("5", at("2030-06-09T12:00:00Z")));
    let discount = world.discounts[code.as_str()].clone();
    assert_eq!((discount.rule.as_str(), discount.check(world.now)), ("five", Ok(())));
    assert_eq!((world.account.discounts.len(), world.account.lifetime.discounts_issued), (1, 1));
    assert_eq!(world.changes(), ["reward.redeemed", "points.spent", "discount.issued"]);
    // Another one has another code.
    let GiftAnswer::Discount { code: other, .. } = world.redeem("five").unwrap().redeemed.gift else { panic!() };
    assert_ne!(code, other);
    world.cancel(2).unwrap();
    assert_eq!(world.changes(), ["reward.cancelled", "discount.voided", "points.restored"]);
    assert_eq!((world.account.discounts.len(), world.account.lifetime.discounts_issued), (1, 1));
    // Once it is used or over, nothing can be taken back.
    let before = world.account.clone();
    let order = crate::id::OrderKey {
        source: crate::id::Source::parse("shop").unwrap(),
        order_id: crate::id::OrderId::parse("1").unwrap(),
    };
    let held = world.discounts[other.as_str()].clone();
    world.discounts.insert(other.to_string(), held.used(&order));
    assert_eq!(world.cancel(3), Err(Rejection::RedemptionUsed));
    world.discounts.insert(other.to_string(), held);
    world.now = at("2030-06-09T12:00:00Z");
    assert_eq!(world.cancel(3), Err(Rejection::RedemptionUsed));
    assert_eq!(world.account, before);
}

#[test]
fn bought_uses_of_a_perk_are_there_whatever_the_tier_and_come_last() {
    let mut world = World::rich();
    assert_eq!(world.use_perk("training"), Err(Rejection::PerkNotHeld));
    world.redeem("days").unwrap();
    assert_eq!(world.changes(), ["reward.redeemed", "points.spent", "perk.uses_bought"]);
    assert_eq!(world.use_perk("training"), Ok(Some(1)));
    assert_eq!(world.cancel(2), Err(Rejection::RedemptionUsed), "one of them was used");
    world.redeem("days").unwrap();
    // One that it has anyway goes first.
    world = world.gold();
    assert_eq!(world.use_perk("training"), Ok(Some(3)));
    let of_those_bought = |world: &World| {
        let changes = world.entries.iter().rev().take(1).flat_map(|entry| entry.changes.clone());
        changes.filter(|change| matches!(change, Change::Perk(PerkChange::Used { bought_left: Some(_), .. }))).count()
    };
    assert_eq!(of_those_bought(&world), 0);
    assert_eq!(world.use_perk("training"), Ok(Some(2)));
    assert_eq!(of_those_bought(&world), 1);
    assert_eq!(world.cancel(4).unwrap().points, Points(200));
    assert_eq!(world.changes(), ["reward.cancelled", "perk.uses_returned", "points.restored"]);
    assert!(matches!(world.use_perk("training"), Err(Rejection::PerkUsedUp { .. })));
}

#[test]
fn uses_of_a_perk_that_is_not_counted_are_sold_to_those_alone_who_have_it_not() {
    let rewards = json!([{"id": "look", "name": "A look ahead", "points": 200, "perk": {"perk": "early", "uses": 1}}]);
    let mut gold = World::with(&rewards, &[("2032-01-01T00:00:00Z", 1_000)]).gold();
    assert_eq!(gold.use_perk("early"), Err(Rejection::PerkNotCounted));
    assert_eq!(gold.why("look"), Unavailable::PerkNotCounted);
    assert_eq!(gold.account.holdings.balance(), Ok(Points(1_000)));
    let mut member = World::with(&rewards, &[("2032-01-01T00:00:00Z", 1_000)]);
    assert_eq!(member.redeem("look").unwrap().balance, Points(800));
    assert_eq!(member.use_perk("early"), Ok(Some(0)));
    // Who has lost it for now can use what it buys.
    let mut excluded = World::with(&rewards, &[("2032-01-01T00:00:00Z", 1_000)]).gold();
    excluded.account.membership.excluded_from.push(Exclusion::Perks);
    excluded.redeem("look").unwrap();
    assert_eq!(excluded.use_perk("early"), Ok(Some(0)));
}

#[test]
fn what_cannot_be_had_is_refused_by_its_first_reason_and_leaves_everything_as_it_was() {
    let mut world = World::rich();
    assert_eq!(world.redeem("cup"), Err(Rejection::UnknownReward));
    assert_eq!(world.why("rare"), Unavailable::NotForAccount);
    world.now = at("2030-04-30T23:59:59Z");
    assert_eq!(world.why("rare"), Unavailable::NotYet { from: at("2030-05-01T00:00:00Z") });
    let mut world = World::rich().gold();
    world.now = at("2030-07-01T00:00:00Z");
    assert_eq!(world.why("rare"), Unavailable::Over { until: at("2030-07-01T00:00:00Z") });
    let mut world = World::with(&rewards(), &[("2031-01-01T00:00:00Z", 99)]);
    world.account.holdings.add_pending(Pending::new(at("2030-06-01T00:00:00Z"), End::NEVER, Points(5_000))).unwrap();
    assert_eq!(world.why("mug"), Unavailable::NotEnoughPoints { missing: Points(1) });
    // As of now: what has become available counts, what has ended does not.
    world.now = at("2030-06-01T00:00:00Z");
    assert_eq!(world.redeem("mug").unwrap().balance, Points(4_999));
    let mut world = World::with(&rewards(), &[("2030-05-11T00:00:00Z", 100)]);
    world.now = at("2030-05-11T00:00:00Z");
    assert_eq!(world.why("mug"), Unavailable::NotEnoughPoints { missing: Points(100) });
    world.account.holdings.owe(Points(7)).unwrap();
    assert_eq!(world.why("mug"), Unavailable::NotEnoughPoints { missing: Points(107) });
    for status in [Status::Suspended, Status::Closed, Status::Pending] {
        world.account.status = status;
        assert_eq!(world.redeem("mug"), Err(Rejection::AccountNotActive(status)));
    }
    assert!(world.entries.is_empty() && world.commands.is_empty());
    let mut world = World::rich();
    for _ in 0..OPEN_DISCOUNTS_MAX {
        world.redeem("five").unwrap();
    }
    assert_eq!(world.why("five"), Unavailable::TooManyDiscounts);
}

#[test]
fn an_account_has_a_reward_as_often_as_it_may_in_each_period() {
    let mut world = World::rich().gold();
    let june = at("2030-05-31T23:00:00Z");
    let count = |used, left, renews_at| RewardCount { count: 2, used, left, renews_at: Some(renews_at) };
    assert_eq!(world.redeem("rare").unwrap().uses, Some(count(1, 1, june)));
    assert_eq!(world.redeem("rare").unwrap().uses, Some(count(2, 0, june)));
    assert_eq!(world.why("rare"), Unavailable::LimitReached { count: count(2, 0, june) });
    // What is cancelled can be had again.
    world.cancel(2).unwrap();
    assert_eq!(world.redeem("rare").unwrap().uses, Some(count(2, 0, june)));
    // June in London. A cancellation of one of May gives nothing back then.
    world.now = june;
    assert_eq!(world.redeem("rare").unwrap().uses.map(|uses| uses.used), Some(1));
    world.cancel(3).unwrap();
    assert_eq!(world.redeem("rare").unwrap().uses.map(|uses| uses.used), Some(2));
    assert!(matches!(world.why("rare"), Unavailable::LimitReached { .. }));
}

#[test]
fn a_stock_gives_its_last_piece_and_gets_it_back() {
    let stocked =
        json!([{"id": "rare", "name": "Rare", "points": 1, "product": {"sku": "A", "quantity": 1}, "stock": 9}]);
    let mut world = World::with(&stocked, &[("2060-01-01T00:00:00Z", 100)]);
    world.redeem("rare").unwrap();
    assert_eq!(world.shards.len(), SHARDS, "the first lays it out");
    let shard = |remaining| Shard { laid_out: 9, layout: 1, used: 1, remaining, version: 1 };
    let left =
        |parts: [u64; SHARDS]| Some(Limit::of(stock_id(&RuleId::parse("rare").unwrap()), parts.map(shard).map(Some)));
    world.stock = left([0, 0, 0, 0, 0, 0, 0, 1]);
    world.shards.clear();
    let id = world.redeem("rare").unwrap().redeemed.redemption_id;
    let place = |world: &World| (world.shards.len(), world.shards[0].shard, world.shards[0].change);
    assert_eq!(place(&world), (1, 7, ShardChange::Take { amount: 1, layout: 1 }));
    world.stock = left([0; SHARDS]);
    world.shards.clear();
    assert_eq!(world.why("rare"), Unavailable::OutOfStock);
    assert!(world.redemptions[&id].from_stock);
    world.cancel(id).unwrap();
    assert_eq!((world.shards.len(), world.shards[0].change), (1, ShardChange::GiveBack { amount: 1 }));
    // What had no stock gives none back.
    let shards = world.shards.len();
    world.redemptions.get_mut(&2).unwrap().from_stock = false;
    world.cancel(2).unwrap();
    assert_eq!(world.shards.len(), shards);
    let shown = catalogue(&world.account, None, &[world.stock.clone().unwrap()], &world.schedule, world.now).unwrap();
    assert_eq!((shown.rewards[0].stock_left, shown.rewards[0].unavailable), (Some(0), Some(Unavailable::OutOfStock)));
    let untouched = catalogue(&world.account, None, &[], &world.schedule, world.now).unwrap();
    assert_eq!((untouched.rewards[0].stock_left, untouched.rewards[0].available), (Some(9), true));
}

#[test]
fn what_is_not_offered_any_more_does_not_renew() {
    // The year ends with the last day of 2030.
    for (until, renews) in [("2031-01-01T00:00:00Z", false), ("2031-01-01T00:00:01Z", true)] {
        let yearly = json!([{"id": "year", "name": "Yearly", "points": 1, "product": {"sku": "A", "quantity": 1},
                             "per_account": {"count": 1, "period": "year"}, "until": until}]);
        let mut world = World::with(&yearly, &[("2060-01-01T00:00:00Z", 100)]);
        let renews_at = renews.then(|| at("2031-01-01T00:00:00Z"));
        assert_eq!(world.redeem("year").unwrap().uses.unwrap().renews_at, renews_at, "{until}");
        let count = RewardCount { count: 1, used: 1, left: 0, renews_at };
        assert_eq!(world.why("year"), Unavailable::LimitReached { count }, "{until}");
        let shown = catalogue(&world.account, world.uses.as_ref(), &[], &world.schedule, world.now).unwrap();
        assert_eq!(shown.rewards[0].unavailable, Some(Unavailable::LimitReached { count }), "{until}");
        // What was said of the next year is so.
        world.now = at("2031-01-01T00:00:00Z");
        assert_eq!(world.redeem("year").is_ok(), renews, "{until}");
    }
}

#[test]
fn a_limit_of_all_time_never_renews() {
    let once = json!([{"id": "once", "name": "Once", "points": 1, "product": {"sku": "A", "quantity": 1},
                       "per_account": {"count": 1, "period": "ever"}},
                      {"id": "year", "name": "Yearly", "points": 1, "product": {"sku": "A", "quantity": 1},
                       "per_account": {"count": 1, "period": "year"}}]);
    let mut world = World::with(&once, &[("2060-01-01T00:00:00Z", 100)]);
    assert_eq!(world.redeem("once").unwrap().uses.unwrap().renews_at, None);
    let renews_at = Some(at("2031-01-01T00:00:00Z"));
    assert_eq!(world.redeem("year").unwrap().uses.unwrap().renews_at, renews_at);
    world.now = at("2030-12-31T23:59:59Z");
    assert!(matches!(world.why("year"), Unavailable::LimitReached { .. }));
    world.now = at("2031-01-01T00:00:00Z");
    world.redeem("year").unwrap();
    world.now = at("2050-01-01T00:00:00Z");
    world.redeem("year").unwrap();
    assert!(matches!(world.why("once"), Unavailable::LimitReached { .. }));
}

#[test]
fn a_cancellation_restores_exactly_once_and_what_ended_comes_back_ended() {
    let mut world = World::rich();
    let before = world.account.holdings.clone();
    world.redeem("box").unwrap();
    let first = world.cancel(2).unwrap();
    assert_eq!((first.points, first.points_expired, first.balance), (Points(300), Points::ZERO, Points(1_150)));
    assert_eq!(world.account.holdings, before);
    let entries = world.entries.len();
    assert_eq!(world.cancel(2), Ok(first), "its first answer");
    let differs = Rejection::ContentDiffers { paths: vec!["$.reason".to_owned()] };
    assert_eq!(world.cancel_for(2, "Lost"), Err(differs));
    assert_eq!(world.cancel(9), Err(Rejection::UnknownRewardRedemption));
    assert_eq!(world.entries.len(), entries);
    let spending = &world.account.spending;
    assert_eq!((spending.spent(), spending.restored(), spending.months()), (Points(300), Points(300), &[][..]));

    world.redeem("box").unwrap();
    world.now = at("2031-01-01T00:00:00Z");
    let late = world.cancel(4).unwrap();
    assert_eq!((late.points, late.points_expired, late.balance), (Points(300), Points(150), Points(1_000)));
    assert_eq!(world.changes(), ["reward.cancelled", "points.restored", "points.expired"]);
    assert_eq!(world.account.lifetime.expired, Points(150));
    assert_eq!(world.entries.last().unwrap().points, Points(150));
}

#[test]
fn points_that_come_back_repay_what_is_owed() {
    let mut world = World::with(&rewards(), &[("2031-01-01T00:00:00Z", 100)]);
    world.redeem("mug").unwrap();
    world.account.holdings.owe(Points(60)).unwrap();
    assert_eq!(world.why("five"), Unavailable::NotEnoughPoints { missing: Points(110) });
    let receipt = world.cancel(2).unwrap();
    assert_eq!((receipt.points_repaid, receipt.balance), (Points(60), Points(40)));
    assert_eq!(world.account.holdings.debt(), Points::ZERO);
}

#[test]
fn the_catalogue_says_what_can_be_had_and_why_not_the_rest() {
    let world = World::with(&rewards(), &[("2031-01-01T00:00:00Z", 120)]);
    let shown = |account: &Account, uses: Option<&RewardUses>, now: &str| {
        let shown = catalogue(account, uses, &[], &world.schedule, at(now)).unwrap();
        serde_json::to_value(shown).unwrap()
    };
    let mine = shown(&world.account, None, START);
    let told: Vec<_> = mine["rewards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reward| {
            (reward["id"].as_str().unwrap(), reward["available"].as_bool().unwrap(), reward["unavailable"].clone())
        })
        .collect();
    let missing = |points: i64| json!({"reason": "not_enough_points", "missing": points});
    assert_eq!(
        told,
        [
            ("mug", true, Value::Null),
            ("five", true, Value::Null),
            ("box", false, missing(180)),
            ("days", false, missing(80)),
            ("rare", false, json!({"reason": "not_for_account"})),
        ]
    );
    assert_eq!(
        mine["rewards"][0],
        json!({
            "id": "mug", "name": "A mug", "product": {"sku": "MUG", "quantity": 2}, "points": 100, "available": true,
        })
    );
    assert_eq!(mine["rewards"][1]["discount"], json!({"percent": "5", "validity_days": 30}));
    let mut gold = World::with(&rewards(), &[("2031-01-01T00:00:00Z", 120)]).gold();
    gold.redeem("rare").unwrap();
    gold.redeem("rare").unwrap();
    let theirs = shown(&gold.account, gold.uses.as_ref(), START);
    assert_eq!(theirs["rewards"][0]["points"], 80);
    let uses = json!({"count": 2, "used": 2, "left": 0, "renews_at": "2030-05-31T23:00:00Z"});
    assert_eq!(theirs["rewards"][4]["uses"], uses);
    let reached =
        json!({"reason": "limit_reached", "count": 2, "used": 2, "left": 0, "renews_at": "2030-05-31T23:00:00Z"});
    assert_eq!(theirs["rewards"][4]["unavailable"], reached);
    // Whatever it says can be had is had, and nothing else.
    for reward in theirs["rewards"].as_array().unwrap() {
        let had = World::with(&rewards(), &[("2031-01-01T00:00:00Z", 100)]).gold();
        let mut had = World { uses: gold.uses.clone(), account: Account { version: 3, ..had.account.clone() }, ..had };
        assert_eq!(had.redeem(reward["id"].as_str().unwrap()).is_ok(), reward["available"].as_bool().unwrap());
    }
    let suspended = Account { status: Status::Suspended, ..world.account.clone() };
    let refused = catalogue(&suspended, None, &[], &world.schedule, at(START));
    assert_eq!(refused, Err(Rejection::AccountNotActive(Status::Suspended)));
}

#[test]
fn what_cannot_be_read_is_refused_with_every_fault() {
    let faults = |read: crate::document::Faults| -> Vec<String> {
        read.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
    };
    for (document, expected) in [
        (json!({}), &["$.reward missing"][..]),
        (json!([]), &["$ wrong_type"]),
        (json!({"reward": "a b", "times": 2}), &["$.times unknown_field", "$.reward invalid_id"]),
        (json!({"reward": "mug", "reference": ""}), &["$.reference invalid_text"]),
    ] {
        assert_eq!(faults(redeem_document(&document).unwrap_err()), expected, "{document}");
    }
    assert_eq!(faults(cancel_document(&json!({"why": "x"})).unwrap_err()), ["$.why unknown_field", "$.reason missing"]);
}

#[test]
fn what_is_said_of_a_redemption_is_read_by_its_people() {
    let mut world = World::rich().gold();
    world.redeem("rare").unwrap();
    let said = |world: &World| {
        let program = &world.schedule.at(world.now).program;
        crate::statement::text(world.entries.last().unwrap(), program)
    };
    assert_eq!(said(&world), "Reward “Rare” was redeemed, 1 of 2 times until 2030-05-31. 10 points were spent on it.");
    world.cancel_for(2, "Lost.").unwrap();
    assert_eq!(said(&world), "Redemption 2 was cancelled: Lost. 10 points were given back.");
    world.redeem("days").unwrap();
    let bought = "Reward “Training days” was redeemed. 200 points were spent on it. 2 uses of “Training” were bought: 2 of \
                  these are left.";
    assert_eq!(said(&world), bought);
    assert!(matches!(
        world.entries.last().unwrap().changes.as_slice(),
        [Change::Reward(RewardChange::Redeemed { .. }), ..]
    ));
}
