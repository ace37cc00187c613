//! Rewards, redeemed and cancelled between orders, returns and the end of points: the books balance, nothing is had
//! twice.

use super::*;
use domain::decision::{Guard, Record};
use domain::idempotency::CommandKey;
use domain::lots::Holdings;
use domain::money::Points;
use domain::perks::PerkUses;
use domain::rewards::{
    CancelState, Given, RedeemState, RewardRedemption, RewardUses, Unavailable, cancel, cancel_document, catalogue,
    redeem, redeem_document,
};
use domain::simulation::LeftOut;
use domain::time::Month;

/// What an account got for its points.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Redeemed {
    redemptions: BTreeMap<u64, RewardRedemption>,
    uses: Option<RewardUses>,
    perk_uses: Option<PerkUses>,
}

impl Redeemed {
    /// Stores what a redemption or its cancellation writes; its guard holds.
    pub fn put(&mut self, record: Record, guard: Guard) {
        let before = match record {
            // Every key here is used once.
            Record::Command(_) => None,
            Record::RewardRedemption(redemption) => {
                let before = self.redemptions.insert(redemption.redemption_id, *redemption);
                before.map(|held| held.version)
            }
            Record::RewardUses(uses) => self.uses.replace(*uses).map(|held| held.version),
            Record::PerkUses(uses) => self.perk_uses.replace(*uses).map(|held| held.version),
            other => panic!("nobody here writes {other:?}"),
        };
        assert_eq!(guard, before.map_or(Guard::Absent, Guard::Version));
    }
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Act {
    /// An order, a return, an amendment.
    Step(Step),
    /// So many hours later, this reward is wanted.
    Redeem(i64, usize),
    /// So many hours later, this earlier redemption is cancelled, modulo what there are.
    Cancel(i64, usize),
}

const REWARDS: [&str; 5] = ["mug", "off", "days", "rare", "box"];

/// How often an account may have `rare` in a month.
const RARE: u64 = 2;

fn act(amends: bool) -> impl Strategy<Value = Act> {
    let plain = move |step: Step| Step { repeat: None, amend: step.amend.filter(|_| amends), ..step };
    let hours = || prop_oneof![4 => 0_i64..48, 2 => 0_i64..24 * 40, 1 => 0_i64..24 * 200];
    prop_oneof![
        3 => step().prop_map(move |step| Act::Step(plain(step))),
        4 => (hours(), 0..REWARDS.len()).prop_map(|(hours, reward)| Act::Redeem(hours, reward)),
        2 => (hours(), any::<usize>()).prop_map(|(hours, which)| Act::Cancel(hours, which)),
    ]
}

fn with_rewards(mut document: serde_json::Value, price: i64) -> Program {
    document["perks"] = json!([
        { "id": "training", "name": "Training", "kind": "training", "count_per": { "count": 1, "months": 1 } },
    ]);
    document["rewards"] = json!([
        { "id": "mug", "name": "Mug", "points": price, "points_by_tier": [{ "tier": "gold", "points": 3 }],
          "product": { "sku": "MUG", "quantity": 1 } },
        { "id": "off", "name": "Off", "points": 60, "discount": { "percent": "7.5", "validity_days": 20 } },
        { "id": "days", "name": "Days", "points": 90, "perk": { "perk": "training", "uses": 2 } },
        { "id": "rare", "name": "Rare", "points": 5, "product": { "sku": "RARE", "quantity": 1 },
          "per_account": { "count": RARE, "period": "month" } },
        { "id": "box", "name": "Box", "points": 1_500, "tiers": ["silver", "gold", "platinum"],
          "pack": [{ "sku": "MUG", "quantity": 1 }, { "sku": "TEA", "quantity": 1 }] },
    ]);
    Program::from_json(&document).unwrap()
}

impl World {
    fn redeem(&mut self, reward: &str, number: usize, context: &Context<'_>) {
        let Some(account) = self.account.clone() else { return };
        let state = RedeemState {
            account: Some(account.clone()),
            uses: self.redeemed.uses.clone(),
            perk_uses: self.redeemed.perk_uses.clone(),
            stock: None,
        };
        let shown = catalogue(&account, state.uses.as_ref(), &[], context.schedule, context.now).unwrap();
        let shown = shown.rewards.iter().find(|shown| shown.id.as_str() == reward).unwrap();
        let document = redeem_document(&json!({ "reward": reward })).unwrap();
        let key = CommandKey::new("test", "redeem", &number.to_string()).unwrap();
        let before = advance(context.schedule, &account, context.now).unwrap().0;
        match redeem(&state, &document, &key, context) {
            Ok(decision) => {
                assert!(shown.available, "the catalogue says what can be had: {shown:?}");
                assert_eq!(decision.answer.redeemed.points, shown.points);
                decision.writes.into_iter().for_each(|write| self.apply(write));
                let left = before.points().unwrap().minus(decision.answer.redeemed.points).unwrap();
                assert_eq!(self.account.as_ref().unwrap().points(), Ok(left));
                assert_eq!(decision.answer.balance, self.account.as_ref().unwrap().holdings.available().unwrap());
            }
            Err(Rejection::RewardUnavailable(why)) => {
                assert_eq!(shown.unavailable, Some(why), "and what cannot");
                if let Unavailable::NotEnoughPoints { missing } = why {
                    let balance = before.holdings.balance().unwrap();
                    assert_eq!(balance.plus(missing).unwrap(), shown.points);
                }
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    fn cancel(&mut self, which: usize, context: &Context<'_>) {
        let ids: Vec<_> = self.redeemed.redemptions.keys().copied().collect();
        let Some(id) = ids.get(which % ids.len().max(1)) else { return };
        let redemption = self.redeemed.redemptions[id].clone();
        let discount = match &redemption.given {
            Given::Discount { code, .. } => Some(self.discounts[code].clone()),
            _ => None,
        };
        let state = CancelState {
            redemption: Some(redemption.clone()),
            account: self.account.clone(),
            uses: self.redeemed.uses.clone(),
            perk_uses: self.redeemed.perk_uses.clone(),
            discount: discount.clone(),
            stock: None,
        };
        let document = cancel_document(&json!({ "reason": "A test" })).unwrap();
        let before = advance(context.schedule, self.account.as_ref().unwrap(), context.now).unwrap().0;
        match cancel(&state, &document, context) {
            Ok(decision) if decision.writes.is_empty() => assert_eq!(redemption.cancelled, Some(decision.answer)),
            Ok(decision) => {
                decision.writes.into_iter().for_each(|write| self.apply(write));
                let receipt = decision.answer;
                assert_eq!((redemption.cancelled, receipt.points), (None, redemption.points));
                let more = receipt.points.minus(receipt.points_expired).unwrap();
                let after = self.account.as_ref().unwrap().points().unwrap();
                assert_eq!(before.points().unwrap().plus(more), Ok(after), "all comes back that has not ended");
            }
            Err(Rejection::RedemptionUsed) => {
                assert!(discount.is_some_and(|discount| discount.check(context.now).is_err()));
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    fn take(&mut self, number: usize, step: &Step, clock: Instant, context: &Context<'_>) {
        if let Some(undo) = step.undo.filter(|_| !self.orders.is_empty()) {
            return self.undo(number, undo, context);
        }
        if let Some(amend) = step.amend.filter(|_| !self.orders.is_empty()) {
            return self.amend_one(step, amend, context);
        }
        if let Some((goods, steps)) = step.credit.as_ref().filter(|_| !self.orders.is_empty()) {
            return self.credit_one(number, goods, *steps, context);
        }
        let code = self.code(step).filter(|code| self.discounts[code].check(context.now).is_ok());
        let order = order(number, step, clock.plus_ms(-step.late_hours * HOUR_MS), code.as_ref());
        self.place(&order, context).unwrap();
    }
}

/// Runs a history and checks after every commit what must hold then.
fn live(acts: &[Act], schedule: &Schedule, walks: Walks) -> World {
    let (secrets, program) = (secrets(), schedule.version(1).unwrap().program.clone());
    let (mut world, mut clock) = (World::new(), Instant::parse(START).unwrap());
    for (number, act) in acts.iter().enumerate() {
        let hours = match act {
            Act::Step(step) => step.hours,
            Act::Redeem(hours, _) | Act::Cancel(hours, _) => *hours,
        };
        clock = clock.plus_ms(hours * HOUR_MS);
        let now = world.account.as_ref().map_or(clock, |account| account.last_decided.max(clock));
        let context = Context { schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        world.walk(&context, &program, walks);
        match act {
            Act::Step(step) => world.take(number, step, clock, &context),
            Act::Redeem(_, reward) => world.redeem(REWARDS[*reward], number, &context),
            Act::Cancel(_, which) => world.cancel(*which, &context),
        }
        check(&world, &program);
        check_redeemed(&world, &program);
    }
    world
}

fn check_redeemed(world: &World, program: &Program) {
    let Some(account) = &world.account else { return };
    let redemptions = || world.redeemed.redemptions.values();
    let (mut spent, mut restored) = (Points::ZERO, Points::ZERO);
    let mut months: BTreeMap<Month, i64> = BTreeMap::new();
    for redemption in redemptions() {
        let parts = Points::sum(redemption.spent.iter().map(|part| part.points)).unwrap();
        assert_eq!(parts, redemption.points, "what it cost came out of lots");
        spent = spent.plus(redemption.points).unwrap();
        match redemption.cancelled {
            Some(_) => restored = restored.plus(redemption.points).unwrap(),
            None => *months.entry(program.calendar.month(redemption.redeemed_at)).or_default() += redemption.points.0,
        }
    }
    assert_eq!((account.spending.spent(), account.spending.restored()), (spent, restored));
    for kept in account.spending.months() {
        assert_eq!(Some(&kept.points.0), months.get(&kept.month));
    }
    let mut had: BTreeMap<Month, u64> = BTreeMap::new();
    let rare = redemptions().filter(|own| own.reward.as_str() == "rare" && own.cancelled.is_none());
    rare.for_each(|own| *had.entry(program.calendar.month(own.redeemed_at)).or_default() += 1);
    assert!(had.values().all(|times| *times <= RARE), "never more often than the account may");
    let open = redemptions().filter(|own| own.cancelled.is_none());
    let bought = open.map(|own| if let Given::Perk(bought) = &own.given { bought.uses } else { 0 }).sum::<u32>();
    let left = world.redeemed.perk_uses.as_ref().map_or(0, |uses| uses.bought.iter().map(|own| own.left).sum());
    assert_eq!(left, bought, "none of them was used");
}

fn walks() -> impl Strategy<Value = Walks> {
    prop_oneof![Just(Walks::Never), Just(Walks::InTime)]
}

fn lasting(pending_days: u16, months: u16, inactivity: bool) -> serde_json::Value {
    let mut document = document(pending_days, months);
    if inactivity {
        document["points"].as_object_mut().unwrap().remove("validity_months");
        document["points"]["expiry"] = json!({ "kind": "inactivity", "months": months });
    }
    document
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_balances_whatever_is_redeemed_and_cancelled(
        acts in prop::collection::vec(act(true), 1..30),
        pending_days in prop_oneof![2 => Just(0_u16), 1 => Just(1_u16), 1 => Just(2_u16), 1 => 3_u16..28],
        (months, inactivity) in (2_u16..14, any::<bool>()),
        price in 1_i64..400,
        walks in walks(),
    ) {
        let schedule = schedule(with_rewards(lasting(pending_days, months, inactivity), price));
        let world = live(&acts, &schedule, walks);
        prop_assert_eq!(live(&acts, &schedule, walks), world, "invariant 7");
    }

    #[test]
    fn a_redemption_cancelled_at_once_leaves_nothing(
        acts in prop::collection::vec(act(true), 1..20), reward in 0..REWARDS.len(),
    ) {
        let schedule = schedule(with_rewards(document(0, 12), 100));
        let mut world = live(&acts, &schedule, Walks::Never);
        let Some(account) = world.account.clone() else { return Ok(()) };
        let secrets = secrets();
        let (now, by) = (account.last_decided, "test");
        let wall_day = now.utc_day();
        let context = Context { schedule: &schedule, secrets: &secrets, by, now, wall_day, collisions: 0 };
        let before = world.redeemed.redemptions.len();
        let left = |world: &World| -> Holdings { world.account.as_ref().unwrap().holdings.clone() };
        let held = left(&world);
        world.redeem(REWARDS[reward], 1_000, &context);
        if world.redeemed.redemptions.len() > before {
            prop_assert_ne!(left(&world), held.clone());
            world.cancel(before, &context);
        }
        prop_assert_eq!(left(&world), held);
        let open = |account: &Account| account.discounts.len();
        prop_assert_eq!(open(world.account.as_ref().unwrap()), open(&account));
    }

    #[test]
    fn a_replay_of_redemptions_ends_where_the_account_stands(
        acts in prop::collection::vec(act(false), 1..30),
        pending_days in 0_u16..28,
        (months, inactivity) in (2_u16..14, any::<bool>()),
        later in 0_i64..24 * 300,
        walks in walks(),
    ) {
        let schedule = schedule(with_rewards(lasting(pending_days, months, inactivity), 100));
        let world = live(&acts, &schedule, walks);
        let Some(compared) = world.simulated(&schedule, &schedule, later) else { return Ok(()) };
        prop_assert_eq!(&compared.in_force, &compared.draft);
        prop_assert_eq!(&compared.in_force.left_out, &LeftOut::default());
        prop_assert_eq!(&compared.happened, &compared.in_force.outcome);
        let (stored, replayed) = (world.account.unwrap(), compared.in_force.account.unwrap());
        prop_assert_eq!(stored.spending, replayed.spending);
    }

    /// Under a draft in which everything costs more, nobody has more; what cannot be paid for is counted.
    #[test]
    fn a_draft_that_asks_for_more_is_told_by_what_it_refuses(
        acts in prop::collection::vec(act(false), 1..30), dear in 100_i64..100_000,
    ) {
        let in_force = schedule(with_rewards(document(0, 12), 100));
        let draft = schedule(with_rewards(document(0, 12), dear));
        let world = live(&acts, &in_force, Walks::Never);
        let Some(compared) = world.simulated(&in_force, &draft, 0) else { return Ok(()) };
        let refused = compared.draft.left_out.redemptions_refused;
        prop_assert!(dear > 100 || (refused == 0 && compared.in_force == compared.draft));
        let redeemed = world.redeemed.redemptions.len() as u64;
        let cancelled = world.redeemed.redemptions.values().filter(|own| own.cancelled.is_some()).count() as u64;
        prop_assert!(refused <= redeemed + cancelled);
        let spending = compared.draft.account.unwrap().spending;
        prop_assert!(spending.spent() >= spending.restored());
    }
}
