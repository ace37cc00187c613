//! Referrals over several accounts: each side is rewarded at most once, whatever comes between.

use crate::check::{check, kept};
use crate::network::{How, Network, id};
use crate::world::{Step, step};
use crate::{HOUR_MS, START, document};
use domain::account::Status;
use domain::code::Code;
use domain::discount::Issuer;
use domain::forecast::Forecast;
use domain::id::AccountId;
use domain::ledger::{Cause, Change, DiscountChange, Entry, PointsChange, ReferralChange};
use domain::money::{Minor, Points};
use domain::program::Program;
use domain::referral::rules::AfterReturn;
use domain::referral::{self, CodeStatus, Given, Redemption, RedemptionKey, Stage, State, Tally, Verdict};
use domain::schedule::{Activation, Schedule};
use domain::simulation::LeftOut;
use domain::time::Instant;
use domain::warning::Walk;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Accounts that there may be.
const ACCOUNTS: usize = 9;

/// One thing that happens, to whom by their numbers (modulo what there is).
#[derive(Debug, Clone)]
enum Act {
    Issue(usize),
    ChangeCode(usize, CodeStatus),
    /// Which account redeems which code, for which company; whether it has the referrer's phone number.
    Redeem(usize, usize, usize, bool),
    Review(usize, Verdict),
    /// On an account that was referred, where true.
    Trade(bool, usize, Step),
    Walk(bool, usize, How),
    ComeLate(usize),
    SetStatus(usize, Status),
}

fn act() -> impl Strategy<Value = Act> {
    let (who, any) = (|| 0..ACCOUNTS, || any::<usize>());
    let status = prop_oneof![3 => Just(Status::Active), 1 => Just(Status::Suspended), 1 => Just(Status::Closed)];
    let code = prop_oneof![3 => Just(CodeStatus::Active), 1 => Just(CodeStatus::Paused)];
    let verdict = prop_oneof![2 => Just(Verdict::Approved), 1 => Just(Verdict::Rejected)];
    let how = prop_oneof![2 => Just(How::Whole), 1 => Just(How::BreaksOff), 1 => Just(How::Twice)];
    prop_oneof![
        2 => who().prop_map(Act::Issue),
        1 => (any(), code).prop_map(|(which, status)| Act::ChangeCode(which, status)),
        5 => (who(), any(), 0..ACCOUNTS + 1, prop::bool::weighted(0.2))
            .prop_map(|(who, code, company, shares)| Act::Redeem(who, code, company, shares)),
        1 => (any(), verdict).prop_map(|(which, verdict)| Act::Review(which, verdict)),
        12 => (prop::bool::weighted(0.9), any(), step()).prop_map(|(referred, who, step)| Act::Trade(referred, who, step)),
        8 => (prop::bool::weighted(0.9), any(), how).prop_map(|(referred, who, how)| Act::Walk(referred, who, how)),
        1 => any().prop_map(Act::ComeLate),
        1 => (who(), status).prop_map(|(who, status)| Act::SetStatus(who, status)),
    ]
}

fn acts() -> impl Strategy<Value = Vec<(i64, Act)>> {
    let hours = prop_oneof![8 => 0_i64..24, 4 => 24_i64..24 * 6, 1 => 0_i64..24 * 40];
    prop::collection::vec((hours, act()), 1..80)
}

/// A program with referrals; the next version has other terms, and a last one has none.
fn versions(pending_days: u16, hours: [i64; 2], after_return: [&str; 2], enrolment: &str) -> Schedule {
    let with = |section: Option<Value>| {
        let mut document = document(pending_days, 4);
        document["referral"] = section.unwrap_or_default();
        if document["referral"].is_null() {
            document.as_object_mut().unwrap().remove("referral");
        }
        Arc::new(Program::from_json(&document).unwrap())
    };
    let discount = |id: &str| json!({ "id": id, "name": "Off", "percent": "5", "validity_days": 40 });
    let first = json!({
        "enrolment": "open", "consent": "optional", "welcome": { "points": 10, "discount": discount("welcome") },
        "qualifying": { "minimum_total": "900", "within_days": 60 }, "return_window_days": 10,
        "rewards": [{ "from": 1, "points": 100 }, { "from": 2, "points": 30, "discount": discount("thanks") }],
        "after_return": after_return[0],
    });
    let second = json!({
        "enrolment": enrolment, "consent": "optional", "welcome": { "points": 7 },
        "qualifying": { "minimum_total": "300", "within_days": 20 }, "return_window_days": 0,
        "rewards": [{ "from": 1, "discount": discount("thanks") }, { "from": 2 }, { "from": 3, "points": 500 }],
        "after_return": after_return[1],
    });
    let start = Instant::parse(START).unwrap();
    let later = |hours: i64| start.plus_ms(hours * HOUR_MS);
    let activation = |from, version, program| Activation { from, version, program };
    Schedule::new(vec![
        activation(Instant::MIN, 1, with(Some(first))),
        activation(later(hours[0]), 2, with(Some(second))),
        activation(later(hours[0] + hours[1]), 3, with(None)),
    ])
    .unwrap()
}

/// The same without amendments: what an order said before it was amended is not kept.
fn unamended(acts: Vec<(i64, Act)>) -> Vec<(i64, Act)> {
    let plain = |act| match act {
        Act::Trade(referred, who, step) => Act::Trade(referred, who, Step { amend: None, ..step }),
        other => other,
    };
    acts.into_iter().map(|(hours, act)| (hours, plain(act))).collect()
}

/// What the entries of all accounts tell of a redemption, by whose they are.
#[derive(Debug, Default)]
struct Told<'a> {
    redeemed: Vec<&'a AccountId>,
    approved: Vec<bool>,
    qualified: usize,
    revoked: usize,
    expired: usize,
    concluded_over: usize,
    granted: Vec<(&'a AccountId, Points)>,
    issued: Vec<(&'a AccountId, &'a Code)>,
    rewarded: Vec<&'a AccountId>,
    taken_back: Vec<(&'a AccountId, Points, bool)>,
}

fn told(network: &Network) -> BTreeMap<&RedemptionKey, Told<'_>> {
    let mut all: BTreeMap<_, Told<'_>> = BTreeMap::new();
    for (id, entry) in network.worlds.iter().flat_map(|(id, world)| world.entries.iter().map(move |entry| (id, entry)))
    {
        for change in &entry.changes {
            let Some(key) = key_of(change) else { continue };
            note(all.entry(key).or_default(), id, entry, change);
        }
        if let Cause::Referral { redemption } = &entry.cause {
            let issued = entry.changes.iter().filter_map(|change| match change {
                Change::Discount(DiscountChange::Issued { code, .. }) => Some((id, code)),
                _ => None,
            });
            all.entry(redemption).or_default().issued.extend(issued);
        }
    }
    all
}

fn key_of(change: &Change) -> Option<&RedemptionKey> {
    match change {
        Change::Referral(
            ReferralChange::Redeemed { redemption }
            | ReferralChange::Reviewed { redemption, .. }
            | ReferralChange::Qualified { redemption, .. }
            | ReferralChange::Revoked { redemption, .. }
            | ReferralChange::Expired { redemption, .. }
            | ReferralChange::Concluded { redemption, .. }
            | ReferralChange::Rewarded { redemption, .. }
            | ReferralChange::TakenBack { redemption },
        )
        | Change::Points(PointsChange::Granted { redemption, .. }) => Some(redemption),
        _ => None,
    }
}

fn note<'a>(told: &mut Told<'a>, id: &'a AccountId, entry: &'a Entry, change: &'a Change) {
    match change {
        Change::Referral(ReferralChange::Redeemed { .. }) => told.redeemed.push(id),
        Change::Referral(ReferralChange::Reviewed { approved, .. }) => told.approved.push(*approved),
        Change::Referral(ReferralChange::Qualified { .. }) => told.qualified += 1,
        Change::Referral(ReferralChange::Revoked { .. }) => told.revoked += 1,
        Change::Referral(ReferralChange::Expired { .. }) => told.expired += 1,
        Change::Referral(ReferralChange::Concluded { settled, .. }) => {
            told.concluded_over += usize::from(*settled == referral::Settled::Over);
        }
        Change::Points(PointsChange::Granted { points, .. }) => told.granted.push((id, *points)),
        Change::Referral(ReferralChange::Rewarded { .. }) => told.rewarded.push(id),
        Change::Referral(ReferralChange::TakenBack { .. }) => {
            let deducted = entry.changes.iter().map(|change| match change {
                Change::Points(PointsChange::Deducted { points, .. }) => *points,
                _ => Points::ZERO,
            });
            let withdrawn =
                entry.changes.iter().any(|change| matches!(change, Change::Discount(DiscountChange::Voided { .. })));
            told.taken_back.push((id, Points::sum(deducted).unwrap(), withdrawn));
        }
        _ => {}
    }
}

/// What must hold after every commit.
fn check_all(network: &Network, over: &mut BTreeSet<RedemptionKey>) {
    let program = &network.schedule.version(1).unwrap().program;
    network.worlds.values().for_each(|world| check(world, program));
    let told = told(network);
    assert_eq!(told.len(), network.redemptions().count(), "entries tell of redemptions that there are");
    for redemption in network.redemptions() {
        check_told(network, redemption, &told[&redemption.key]);
        check_stage(network, redemption);
        check_order(network, redemption, program);
        // What has come to nothing without a reward never brings one.
        if over.contains(&redemption.key) || (redemption.ended.is_some() && redemption.rewarded.is_none()) {
            assert_eq!(redemption.rewarded, None, "invariant 6: no reward for what came back");
            over.insert(redemption.key.clone());
        }
    }
    check_rings(network);
    for account in network.worlds.values().filter_map(|world| world.account.as_ref()) {
        let next = account.next_change(&network.schedule, account.last_decided).unwrap();
        assert!(next.is_none_or(|next| account.due.is_some_and(|due| due.at <= next)), "it is filed in time");
    }
}

/// The entries tell the same as the record, and each thing once.
fn check_told(network: &Network, redemption: &Redemption, told: &Told<'_>) {
    let (referee, referrer) = (&redemption.referee, &redemption.referrer);
    let rewarded = redemption.rewarded.as_ref();
    assert_eq!(told.redeemed, [referee]);
    assert_eq!(told.qualified, usize::from(redemption.qualified.is_some()));
    assert_eq!(told.rewarded, rewarded.map(|_| referrer).into_iter().collect::<Vec<_>>(), "invariant 6: once at most");
    assert!(told.revoked <= usize::from(redemption.ended.is_some()), "it comes to nothing once");
    let back = redemption.taken_back.map(|back| (referrer, back.points, back.discount));
    assert_eq!(told.taken_back, back.into_iter().collect::<Vec<_>>(), "taken back once at most");
    let sides = [(referee, redemption.welcome.as_ref()), (referrer, rewarded.map(|rewarded| &rewarded.given))];
    for (id, given) in sides {
        let points: Vec<_> = told.granted.iter().filter(|(whose, _)| *whose == id).map(|(_, points)| *points).collect();
        let stated = given.map(|given: &Given| given.points).filter(|points| *points > Points::ZERO);
        assert_eq!(points, stated.into_iter().collect::<Vec<_>>(), "each side is given its points once at most");
        let codes: Vec<_> = told.issued.iter().filter(|(whose, _)| *whose == id).map(|(_, code)| *code).collect();
        let stated = given.and_then(|given| given.discount.as_ref()).map(|discount| &discount.code);
        assert_eq!(codes, stated.into_iter().collect::<Vec<_>>(), "each side is given its discount once at most");
        let own = network.worlds[id].discounts.values();
        let own = own.filter(|discount| discount.issued_by == Issuer::Referral(redemption.key.clone()));
        assert_eq!(own.map(|discount| &discount.code).collect::<Vec<_>>(), codes);
    }
    assert!(told.granted.iter().all(|(id, _)| [referee, referrer].contains(id)));
}

/// The account knows how far its redemption has come, and which version an order will find.
fn check_stage(network: &Network, redemption: &Redemption) {
    let account = network.account(&redemption.referee).unwrap();
    let known = account.referral.as_ref().unwrap();
    let is_ended = redemption.ended.is_some();
    assert_eq!((&known.key, known.program_version), (&redemption.key, redemption.program_version));
    match known.stage {
        Stage::UnderReview => assert!(redemption.is_under_review() && known.version == redemption.version),
        Stage::Open { until } => {
            assert_eq!((known.version, Some(until)), (redemption.version, redemption.until));
            assert!(redemption.qualified.is_none() && !is_ended && !redemption.is_under_review());
        }
        Stage::Qualified { reward_at } => assert!(redemption.qualified.as_ref().unwrap().reward_at <= reward_at),
        Stage::Rewarded => assert!(redemption.rewarded.is_some() && !is_ended),
        Stage::Returned { .. } => assert!(redemption.rewarded.is_some() && is_ended),
        Stage::Over => assert!(is_ended || redemption.state(account.last_decided) == State::Expired),
    }
}

/// An order counts as far as it is kept, and a reward is given for one that has stayed.
fn check_order(network: &Network, redemption: &Redemption, program: &Program) {
    let Some(qualified) = &redemption.qualified else {
        return assert!(redemption.rewarded.is_none(), "no reward without an order");
    };
    let scored = &network.worlds[&redemption.referee].orders[&qualified.order];
    let kept = kept(scored, program).2;
    assert!(scored.qualified_referral());
    assert_eq!(qualified.revenue, kept, "what is kept of it, whatever became of the redemption");
    let terms = network.schedule.version(redemption.program_version).unwrap().program.referral.clone().unwrap();
    let rewarded = redemption.rewarded.as_ref();
    assert!(rewarded.is_none_or(|rewarded| rewarded.at >= qualified.reward_at), "not before its time");
    let stays = rewarded.is_some() && terms.after_return == AfterReturn::Keep;
    assert!(kept >= terms.minimum_total || stays || redemption.ended.is_some(), "it does not count any more");
}

/// Following who referred whom comes to an end.
fn check_rings(network: &Network) {
    let referrers: BTreeMap<_, _> = network.redemptions().map(|one| (&one.referee, &one.referrer)).collect();
    for start in referrers.keys() {
        let mut at = *start;
        for _ in 0..=referrers.len() {
            let Some(next) = referrers.get(at) else { break };
            assert_ne!(next, start, "invariant 6: nobody is their own referrer, directly or round a ring");
            at = next;
        }
    }
}

fn tally(network: &Network) -> Tally {
    let mut tally = Tally::default();
    network.redemptions().for_each(|redemption| tally.add(redemption, network.now).unwrap());
    tally
}

/// The same by what the entries and the orders say.
fn recount(network: &Network) -> Tally {
    let mut tally = Tally::default();
    for (key, told) in told(network) {
        let referee = &network.worlds[told.redeemed[0]];
        tally.counts.redeemed += 1;
        let came_back = told.revoked > 0;
        // The referrer had left when the reward was due.
        let nobody = told.concluded_over > 0 && told.rewarded.is_empty() && !came_back;
        let rejected = told.approved == [false];
        let is_settled = told.qualified + told.expired > 0 || rejected;
        tally.counts.under_review += u64::from(!is_settled);
        tally.counts.qualified += told.qualified as u64;
        tally.counts.rewarded += u64::from(!told.rewarded.is_empty() && !came_back);
        tally.counts.rejected += u64::from(rejected);
        tally.counts.expired += told.expired as u64;
        tally.counts.revoked += u64::from(came_back || nobody);
        let program = &network.schedule.version(1).unwrap().program;
        let by = |change: &Change| match change {
            Change::Referral(ReferralChange::Qualified { redemption, order, .. }) if redemption == key => {
                Some(order.clone())
            }
            _ => None,
        };
        let orders = referee.entries.iter().flat_map(|entry| &entry.changes).filter_map(by);
        let revenue = orders.map(|order| kept(&referee.orders[&order], program).2);
        tally.revenue = revenue.fold(tally.revenue, |sum: Minor, kept| sum.plus(kept).unwrap());
        let given = Points::sum(told.granted.iter().map(|(_, points)| *points)).unwrap();
        let back = Points::sum(told.taken_back.iter().map(|(_, points, _)| *points)).unwrap();
        let withdrawn = told.taken_back.iter().filter(|(_, _, withdrawn)| *withdrawn).count();
        tally.cost.points = tally.cost.points.plus(given).unwrap().minus(back).unwrap();
        tally.cost.discounts += (told.issued.len() - withdrawn) as u64;
    }
    tally
}

/// Nothing is left to be done, and what was done is what is said.
fn check_rest(network: &Network) {
    for (id, world) in &network.worlds {
        let Some(account) = &world.account else { continue };
        assert_eq!(referral::errand(account), None, "{id}: at rest nothing is left to be done");
        assert!(account.due.is_none_or(|due| due.at > network.now), "{id}");
        let rests = |stage| matches!(stage, Stage::UnderReview | Stage::Rewarded | Stage::Over);
        assert!(account.referral.as_ref().is_none_or(|referral| rests(referral.stage)), "{id}: {:?}", account.referral);
    }
    assert_eq!(tally(network), recount(network), "what is tracked is what the ledgers say");
    for redemption in network.redemptions() {
        let came_back = redemption.ended.is_some() && redemption.rewarded.is_some();
        assert_eq!(redemption.taken_back.is_some(), came_back, "what came back after the reward was taken back");
    }
    let count = |owner: &AccountId| network.redemptions().filter(|one| one.referrer == *owner && stands(one)).count();
    for (id, world) in &network.worlds {
        let counted = world.account.as_ref().map_or(0, |account| account.referrals_rewarded);
        assert_eq!(counted as usize, count(id), "{id}: the rewards that stand");
    }
}

fn stands(redemption: &Redemption) -> bool {
    redemption.rewarded.is_some() && redemption.taken_back.is_none()
}

/// What is foreseen comes to an end, and is each thing once.
fn check_forecast(network: &Network) {
    for account in network.worlds.values().filter_map(|world| world.account.as_ref()) {
        let mut forecast = Forecast::default();
        forecast.add(account, &network.schedule, network.now, Instant::MAX).unwrap();
        let errands = forecast.referral_rewards + forecast.referral_rewards_taken_back;
        assert_eq!(errands, u64::from(referral::errand(account).is_some()));
        assert!(forecast.referrals_expired <= 1);
    }
}

fn run(schedule: Schedule, acts: &[(i64, Act)]) -> Network {
    let mut network = Network::new(schedule);
    let mut over = BTreeSet::new();
    network.issue(0);
    for (number, (hours, act)) in acts.iter().enumerate() {
        network.pass(*hours);
        let whom = |network: &Network, referred: bool, who: usize| match referred {
            true => network.referred(who, ACCOUNTS),
            false => id(who % ACCOUNTS),
        };
        match act {
            Act::Issue(who) => network.issue(*who),
            Act::ChangeCode(which, status) => network.change_code(*which, *status),
            Act::Redeem(who, which, company, shares) => network.redeem(*who, *which, *company, *shares),
            Act::Review(which, verdict) => network.review(*which, *verdict),
            Act::Trade(referred, who, step) => network.trade(number, whom(&network, *referred, *who), step),
            Act::Walk(referred, who, how) => network.walk(&whom(&network, *referred, *who), Walk::Review, *how),
            Act::ComeLate(which) => network.come_late(*which),
            Act::SetStatus(who, status) => network.set_status(*who, *status),
        }
        check_all(&network, &mut over);
    }
    check_forecast(&network);
    network.come_to_rest();
    check_all(&network, &mut over);
    check_rest(&network);
    network
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_side_of_a_referral_is_rewarded_once_at_most(
        acts in acts(),
        pending_days in 0_u16..10,
        hours in [0_i64..24 * 100, 24_i64 * 10..24 * 100],
        keeps in [any::<bool>(), any::<bool>()],
        approval in any::<bool>(),
    ) {
        let after_return = keeps.map(|keeps| if keeps { "keep" } else { "take_back" });
        run(versions(pending_days, hours, after_return, if approval { "approval" } else { "open" }), &acts);
    }

    #[test]
    fn a_replay_of_what_referrals_brought_ends_where_the_accounts_stand(
        acts in acts().prop_map(unamended),
        pending_days in 0_u16..10,
        hours in [0_i64..24 * 100, 24_i64 * 10..24 * 100],
        approval in any::<bool>(),
    ) {
        let enrolment = if approval { "approval" } else { "open" };
        let network = run(versions(pending_days, hours, ["take_back", "take_back"], enrolment), &acts);
        for world in network.worlds.values() {
            let Some(compared) = world.simulated(&network.schedule, &network.schedule, 0) else { continue };
            prop_assert_eq!(&compared.happened, &compared.in_force.outcome);
            prop_assert_eq!(compared.in_force.left_out, LeftOut::default());
        }
    }
}
