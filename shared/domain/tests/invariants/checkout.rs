//! What is held for carts, used by orders and given back, between orders, returns, amendments and the end of points: the
//! books balance, and nothing is used by two or comes back twice.

use super::*;
use domain::decision::{Record, Write};
use domain::earning::Beside;
use domain::id::ReservationId;
use domain::idempotency::CommandKey;
use domain::ledger::{Cause, Change, OrderChange, PointsChange};
use domain::money::Points;
use domain::named_code::NamedCode;
use domain::quote::{Cart, QuoteState};
use domain::reservation::{self, Reservation};
use domain::score;
use domain::uses::PointsUnusable;
use std::collections::BTreeSet;

const MINUTE_MS: i64 = 60_000;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Act {
    /// An order, a return, an amendment.
    Step(Step),
    /// A cart reserves so many points, and the best codes if it says so.
    Reserve { points: i64, best: bool, pence: i64 },
    /// This reservation, modulo what there are, is given up.
    Release(usize),
    /// This reservation, modulo what there are, is used by an order of these goods; with other points, if it states any.
    Use { which: usize, step: Step, points: Option<i64> },
    /// An order states points itself.
    Pay { step: Step, points: i64 },
    /// An earlier order, modulo what there are, is stated anew with these goods and these points.
    Restate { which: usize, step: Step, points: Option<i64> },
}

fn act() -> impl Strategy<Value = Act> {
    let plain = |step: Step| Step { repeat: None, late_hours: 0, ..step };
    let points = || 1_i64..400;
    prop_oneof![
        4 => step().prop_map(move |step| Act::Step(plain(step))),
        4 => (points(), any::<bool>(), 1_i64..9_000).prop_map(|(points, best, pence)| Act::Reserve { points, best, pence }),
        1 => any::<usize>().prop_map(Act::Release),
        4 => (any::<usize>(), step(), prop::option::weighted(0.2, points()))
            .prop_map(move |(which, step, points)| Act::Use { which, step: plain(step), points }),
        2 => (step(), points()).prop_map(move |(step, points)| Act::Pay { step: plain(step), points }),
        2 => (any::<usize>(), step(), prop::option::of(0_i64..400))
            .prop_map(move |(which, step, points)| Act::Restate { which, step: plain(step), points }),
    ]
}

const GIVEN_BACK: [&str; 3] = ["cancelled", "returned", "never"];

/// How long passes before an act: mostly a checkout's time.
fn pause() -> impl Strategy<Value = i64> {
    prop_oneof![6 => 0_i64..20, 2 => 20_i64..60, 1 => 0_i64..60 * 24 * 40, 1 => 0_i64..60 * 24 * 300]
}

fn with_checkout(pending_days: u16, months: u16, given_back: usize) -> Program {
    let mut document = document(pending_days, months);
    document["points"]["exchange"] = json!({ "value": "0.01", "spend": { "minimum": 2 } });
    document["checkout"] = json!({ "discounts_given_back": GIVEN_BACK[given_back] });
    Program::from_json(&document).unwrap()
}

struct Shop {
    world: World,
    reservations: Vec<Reservation>,
}

impl Shop {
    fn apply(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write {
                Write::Put(Record::Reservation(reservation), _) => self.reservations.push(*reservation),
                other => self.world.apply(other),
            }
        }
    }

    fn reserve(&mut self, number: usize, (points, best, pence): (i64, bool, i64), context: &Context<'_>) {
        let Some(account) = self.world.account.clone() else { return };
        let codes = if best { json!("best") } else { json!([]) };
        let cart = json!({
            "account_id": "acme", "currency": "GBP", "discount_codes": codes, "points": points,
            "lines": [{ "line_id": "1", "sku": "MUG", "quantity": 3, "amount": domain::money::format_decimal(pence, 2) }],
        });
        let cart = Cart::from_json(&cart).unwrap();
        let id = ReservationId::of_command(&CommandKey::new("test", "reserve", &number.to_string()).unwrap());
        let quote = QuoteState { account: Some(account.clone()), ..QuoteState::default() };
        let before = advance(context.schedule, &account, context.now).unwrap().0;
        match reservation::reserve(&quote, &cart, id, context) {
            Ok(decision) => {
                let receipt = decision.answer.clone();
                assert!(receipt.points <= before.spendable().unwrap());
                assert!(receipt.discount_codes.iter().all(|code| before.holder(code).is_none()), "held by one alone");
                self.apply(decision.writes);
                let after = self.world.account.as_ref().unwrap();
                assert_eq!(after.points(), before.points(), "what is held stays the account's");
                assert_eq!(after.spendable().unwrap().plus(receipt.points), before.spendable());
                // All of it is there until the reservation ends, whatever time does meanwhile.
                let last = advance(context.schedule, after, receipt.expires_at.plus_ms(-1)).unwrap().0;
                assert!(last.spendable().unwrap() >= Points::ZERO, "{last:?}");
                assert!(receipt.discount_codes.iter().all(|code| last.holder(code).is_some()));
                let over = advance(context.schedule, after, receipt.expires_at).unwrap().0;
                assert!(over.holds.iter().all(|hold| hold.entry != receipt.entry));
            }
            Err(Rejection::NothingToReserve | Rejection::NotEnoughPoints { .. }) => {}
            Err(Rejection::TooManyReservations { .. }) => assert_eq!(before.holds.len(), 8),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn release(&mut self, which: usize, context: &Context<'_>) {
        let Some(reservation) = self.reservations.get(which % self.reservations.len().max(1)).cloned() else { return };
        let account = self.world.account.clone().unwrap();
        let decision = reservation::release(&account, &reservation, context).unwrap();
        self.apply(decision.writes);
        let account = self.world.account.as_ref().unwrap();
        assert!(account.holds.iter().all(|hold| hold.entry != reservation.receipt.entry || hold.until <= context.now));
    }

    /// Places an order that may name a reservation; it is refused only where that, its codes or its points are not there.
    fn place(&mut self, order: Order, reservation: Option<&Reservation>, context: &Context<'_>) {
        let (named, hash) = (NamedCode::of_own(self.world.discounts.values()), order.content_hash());
        let before =
            self.world.account.clone().map(|account| advance(context.schedule, &account, context.now).unwrap().0);
        let beside = Beside { reservation, ..Beside::default() };
        let stated = order.points;
        let order = Arc::new(order);
        let decided = score::decide_beside(self.world.account.as_ref(), &named, None, &beside, (&order, hash), context);
        let held = reservation.zip(before.as_ref()).and_then(|(reservation, account)| {
            account.holds.iter().find(|hold| hold.entry == reservation.receipt.entry).cloned()
        });
        let spendable = before.as_ref().map_or(Points::ZERO, |account| account.spendable().unwrap());
        let own = held.as_ref().map_or(Points::ZERO, |hold| hold.points);
        let points = stated.unwrap_or(reservation.map_or(Points::ZERO, |reservation| reservation.receipt.points));
        match decided {
            Ok(decision) => {
                assert_eq!(reservation.is_some(), held.is_some(), "a reservation is used while it holds");
                let free = spendable.plus(own).unwrap();
                assert!(points == Points::ZERO || points <= free, "no more than nothing else holds");
                let scored = decision.answer.clone();
                assert_eq!(scored.points_spent(), Ok(points));
                self.apply(decision.writes);
            }
            Err(Rejection::ReservationEnded) => assert!(reservation.is_some() && held.is_none()),
            Err(Rejection::NotEnoughPoints { missing }) => {
                assert_eq!(spendable.plus(own).unwrap().plus(missing), Ok(points), "so many are missing");
            }
            Err(Rejection::PointsUnusable(PointsUnusable::AboveGoods)) => {
                let goods = order.lines.iter().filter(|line| line.sku.as_str() != "POST");
                let prices: i64 = goods.map(|line| line.amount(order.currency).unwrap().0).sum();
                assert!(stated.is_some_and(|points| points.0 > prices), "a penny each");
            }
            Err(Rejection::PointsUnusable(_)) => assert!(stated.is_some_and(|points| points < Points(2))),
            // What was held was withdrawn with the order that had issued it.
            Err(Rejection::DiscountUnusable { code, .. }) => {
                assert!(
                    self.world.discounts[&code].check(context.now).is_err() || before.unwrap().holder(&code).is_some()
                );
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    fn restate(&mut self, which: usize, step: &Step, points: Option<i64>, context: &Context<'_>) {
        let orders: Vec<_> = self.world.orders.values().cloned().collect();
        let Some(stored) = orders.get(which % orders.len().max(1)) else { return };
        let mut order = order(0, step, stored.order.placed_at, None);
        order.key = stored.order.key.clone();
        order.points = points.map(Points);
        match self.world.amend(stored, order, context) {
            Ok(after) => {
                let used = after.history.uses.as_ref().map_or(Points::ZERO, |uses| uses.points);
                assert!(after.points_spent().unwrap() <= used);
            }
            Err(Rejection::NotEnoughPoints { .. }) => {}
            Err(Rejection::PointsUnusable(why)) => assert!(why == PointsUnusable::AboveGoods || points == Some(1)),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn take(&mut self, number: usize, step: &Step, context: &Context<'_>) {
        let world = &mut self.world;
        if let Some(undo) = step.undo.filter(|_| !world.orders.is_empty()) {
            return world.undo(number, undo, context);
        }
        if let Some((goods, steps)) = step.credit.as_ref().filter(|_| !world.orders.is_empty()) {
            return world.credit_one(number, goods, *steps, context);
        }
        // It may be held: then it is refused.
        let code = world.code(step).filter(|code| world.discounts[code].check(context.now).is_ok());
        let order = order(number, step, context.now, code.as_ref());
        self.place(order, None, context);
    }

    fn act(&mut self, number: usize, act: &Act, context: &Context<'_>) {
        match act {
            Act::Step(step) => self.take(number, step, context),
            Act::Reserve { points, best, pence } => self.reserve(number, (*points, *best, *pence), context),
            Act::Release(which) => self.release(*which, context),
            Act::Use { which, step, points } => {
                let Some(reservation) = self.reservations.get(which % self.reservations.len().max(1)).cloned() else {
                    return;
                };
                let mut order = order(number, step, context.now, None);
                order.reservation = Some(reservation.receipt.reservation_id);
                order.points = points.map(Points);
                self.place(order, Some(&reservation), context);
            }
            Act::Pay { step, points } => {
                let mut order = order(number, step, context.now, None);
                order.points = Some(Points(*points));
                self.place(order, None, context);
            }
            Act::Restate { which, step, points } => self.restate(*which, step, *points, context),
        }
    }
}

/// What is spent on orders is what the account spent and was not given back; what is held is open, and held once.
fn check_uses(world: &World) {
    let Some(account) = &world.account else { return };
    let spent: i64 = world.orders.values().map(|scored| scored.points_spent().unwrap().0).sum();
    assert_eq!(account.spending.spent().minus(account.spending.restored()), Ok(Points(spent)));
    let held: Vec<_> = account.holds.iter().flat_map(|hold| &hold.codes).collect();
    assert_eq!(held.iter().collect::<BTreeSet<_>>().len(), held.len(), "held once");
    let in_use: Vec<_> = world.orders.values().flat_map(|scored| scored.codes_in_use()).collect();
    assert_eq!(in_use.iter().collect::<BTreeSet<_>>().len(), in_use.len(), "used by one order");
    assert!(!in_use.iter().any(|code| held.contains(code)), "used or held, not both");
    for scored in world.orders.values() {
        check_points(world, scored);
    }
}

/// What was ever spent on an order came back, by its returns and its amendments, or is still spent on it.
fn check_points(world: &World, scored: &ScoredOrder) {
    let key = &scored.order.key;
    let (mut left, mut by_returns) = (0, 0);
    for entry in &world.entries {
        let (order, is_return) = match &entry.cause {
            Cause::OrderPlaced { order } | Cause::OrderAmended { order, .. } => (Some(order), false),
            Cause::OrderReturned { order, .. } | Cause::OrderCancelled { order } => (Some(order), true),
            // A step of a credit note takes from one order, or from none.
            Cause::CreditNote { .. } => (entry.changes.iter().find_map(returned_order), true),
            _ => (None, false),
        };
        for change in &entry.changes {
            match change {
                Change::Points(PointsChange::Spent { .. } | PointsChange::Restored { .. }) if order.is_none() => {
                    panic!("no order's: {entry:?}");
                }
                Change::Points(PointsChange::Spent { points }) if order == Some(key) => {
                    assert!(!is_return && *points > Points::ZERO, "{entry:?}");
                    left += points.0;
                }
                Change::Points(PointsChange::Restored { points }) if order == Some(key) => {
                    assert!(*points > Points::ZERO, "{entry:?}");
                    left -= points.0;
                    by_returns += if is_return { points.0 } else { 0 };
                    assert!(left >= 0, "more came back than was spent: {entry:?}");
                }
                _ => {}
            }
        }
    }
    assert_eq!(scored.points_spent(), Ok(Points(left)), "came back or is still spent");
    let returns = scored.history.returns.iter().map(|returned| &returned.came_back);
    let told = returns.inspect(|back| {
        let ended_or_repaid = back.points_expired.plus(back.points_repaid).unwrap();
        assert!(Points::ZERO <= ended_or_repaid && ended_or_repaid <= back.points, "{back:?}");
    });
    assert_eq!(told.map(|back| back.points.0).sum::<i64>(), by_returns, "its returns tell what they gave back");
    let kept = scored.kept_units().iter().sum::<u64>();
    assert!(kept > 0 || left == 0, "nothing is kept, and nothing is spent on it");
    let stated = scored.history.uses.as_ref().map_or(0, |uses| uses.points.0);
    assert!(left <= stated, "{left} of {stated}");
}

fn returned_order(change: &Change) -> Option<&OrderKey> {
    match change {
        Change::Order(OrderChange::Returned { order, .. }) => Some(order),
        _ => None,
    }
}

fn live(acts: &[(i64, Act)], schedule: &Schedule) -> World {
    let (secrets, program) = (secrets(), schedule.version(1).unwrap().program.clone());
    let mut shop = Shop { world: World::new(), reservations: Vec::new() };
    let mut clock = Instant::parse(START).unwrap();
    for (number, (minutes, act)) in acts.iter().enumerate() {
        clock = clock.plus_ms(minutes * MINUTE_MS);
        let now = shop.world.account.as_ref().map_or(clock, |account| account.last_decided.max(clock));
        let context = Context { schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        shop.act(number, act, &context);
        check(&shop.world, &program);
        check_uses(&shop.world);
    }
    shop.world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_held_and_used_is_there_once_and_comes_back_once(
        acts in prop::collection::vec((pause(), act()), 1..30),
        pending_days in 0_u16..4,
        months in 1_u16..4,
        given_back in 0_usize..3,
    ) {
        let schedule = schedule(with_checkout(pending_days, months, given_back));
        let world = live(&acts, &schedule);
        // The same history gives the same again.
        prop_assert_eq!(live(&acts, &schedule), world);
    }
}
