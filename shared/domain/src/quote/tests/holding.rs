//! What a quote says, what a reservation holds and what the order uses, over random carts: one and the same.

use super::agreement::{Wished, minor, order_of, wished};
use super::*;
use crate::account::Account;
use crate::decision::{Record, Write};
use crate::discount::Discount;
use crate::id::ReservationId;
use crate::idempotency::CommandKey;
use crate::lots::{Holdings, Lot};
use crate::named_code::NamedCode;
use crate::order::Order;
use crate::program::GivenBack;
use crate::receipt;
use crate::reservation::{self, Reservation, ReservationReceipt};
use crate::returns::{self, CancellationDocument, Reversing};
use crate::score::{self, ScoredOrder};
use proptest::prelude::*;
use std::sync::Arc;

/// A till whose decisions are carried out.
pub struct Held {
    pub till: Till,
    pub reservation: Option<Reservation>,
    pub order: Option<Arc<ScoredOrder>>,
}

impl Held {
    pub fn apply(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write {
                Write::Put(Record::Account(account), _) => self.till.account = *account,
                Write::Put(Record::Reservation(reservation), _) => self.reservation = Some(*reservation),
                Write::Put(Record::Order(order), _) => self.order = Some(order),
                Write::Put(Record::Discount(discount), _) => self.put(*discount),
                Write::Put(Record::SharedUses(uses), _) => {
                    let held = self.till.shared.iter_mut().find(|held| held.code.code == uses.code);
                    held.unwrap().uses = Some(*uses);
                }
                _ => {}
            }
        }
    }

    fn put(&mut self, discount: Discount) {
        match self.till.records.iter_mut().find(|held| held.code == discount.code) {
            Some(held) => *held = discount,
            None => self.till.records.push(discount),
        }
    }

    fn reserve(&mut self, cart: &Value) -> Result<ReservationReceipt, Rejection> {
        let cart = Cart::from_json(cart).unwrap();
        let unread = cart.unread(&self.till.account, &self.till.schedule, Instant::parse(NOW).unwrap()).unwrap();
        let discounts = self.till.records.iter().filter(|record| unread.contains(&record.code)).cloned().collect();
        let (account, shared) = (Some(self.till.account.clone()), self.till.shared.clone());
        let quote = QuoteState { account, discounts, shared, ..QuoteState::default() };
        let key = CommandKey::new("shop", "POST /v1/reservations", "1").unwrap();
        let id = ReservationId::of_command(&key);
        let decided = self.till.decide(|context| reservation::reserve(&quote, &cart, id, context))?;
        self.apply(decided.writes);
        Ok(decided.answer)
    }

    pub fn place(&mut self, order: &Value) -> Result<Arc<ScoredOrder>, Rejection> {
        let order = Order::from_json(order).unwrap();
        let reservation = self.reservation.clone();
        let named = self.till.found();
        let (hash, order) = (order.content_hash(), Arc::new(order));
        let beside = crate::earning::Beside { reservation: reservation.as_ref(), ..Default::default() };
        let account = self.till.account.clone();
        let decided = self
            .till
            .decide(|context| score::decide_beside(Some(&account), &named, None, &beside, (&order, hash), context))?;
        self.apply(decided.writes);
        Ok(decided.answer)
    }

    fn cancel(&mut self) -> Arc<ScoredOrder> {
        let order = self.order.clone().unwrap();
        let now = Instant::parse(NOW).unwrap();
        let cancelled = Reversing::Cancellation(CancellationDocument { cancelled_at: now });
        let program = self.till.schedule.at(now).program.clone();
        assert_eq!(program.checkout.discounts_given_back, GivenBack::Cancelled);
        let codes = order.codes_to_give_back(&cancelled.key(), &program);
        let used: Vec<_> = self.till.found().into_iter().filter(|named| codes.contains(named.code())).collect();
        let account = self.till.account.clone();
        let decided =
            self.till.decide(|context| returns::decide(&account, &order, &cancelled, &used, None, context)).unwrap();
        self.apply(decided.writes);
        decided.answer
    }

    pub fn spendable(&self) -> i64 {
        self.till.account.spendable().unwrap().0
    }
}

/// The discounts that an account has open, apart from those that an order has brought it.
fn open(account: &Account, before: &Account) -> Vec<Code> {
    let had = |code: &Code| before.discounts.iter().any(|open| open.code == *code);
    let mut codes: Vec<_> = account.discounts.iter().map(|open| open.code.clone()).filter(had).collect();
    codes.sort();
    codes
}

fn fresh(wished: &Wished) -> (Held, Value) {
    let (till, codes) = wished.till_of_records();
    let cart = wished.cart(&codes);
    (Held { till, reservation: None, order: None }, cart)
}

/// A gold account with points and one discount of five percent, which ends so many minutes from now.
fn holder(points: i64, minutes: i64) -> (Held, Code) {
    let mut till = Till::gold(points);
    let code = till.hold("next-purchase", 500, 1);
    let end = Instant::parse(NOW).unwrap().plus_ms(minutes * 60_000);
    till.account.discounts[0].expires_at = end;
    till.records[0].expires_at = end;
    (Held { till, reservation: None, order: None }, code)
}

fn of_mugs(codes: &Value, points: &Value) -> Value {
    let line = json!({ "line_id": "1", "sku": "MUG", "quantity": 2, "unit_price": "50.00" });
    json!({ "account_id": "acme", "currency": "GBP", "lines": [line], "discount_codes": codes, "points": points })
}

#[test]
fn a_reservation_ends_with_the_first_of_what_it_holds() {
    let now = Instant::parse(NOW).unwrap();
    let minutes = |receipt: &ReservationReceipt| (receipt.expires_at.as_ms() - now.as_ms()) / 60_000;
    for (discount_ends, lot_ends, codes, points, expected) in [
        (90, 90, true, 200, 30),
        (20, 90, true, 200, 20),
        (20, 90, false, 200, 30),
        (90, 10, true, 200, 10),
        (90, 10, true, 0, 30),
        // The other lot has as many.
        (90, 10, true, 100, 30),
    ] {
        let (mut held, code) = holder(0, discount_ends);
        let lot = |minutes: i64, points| Lot::until(now.plus_ms(minutes * 60_000), Points(points));
        held.till.account.holdings = Holdings::of(vec![lot(lot_ends, 100), lot(900, 150)], Vec::new(), Points::ZERO);
        let codes = if codes { json!([code]) } else { json!([]) };
        let receipt = held.reserve(&of_mugs(&codes, &json!(points))).unwrap();
        assert_eq!(minutes(&receipt), expected, "{discount_ends} {lot_ends} {codes} {points}");
    }
}

#[test]
fn what_is_held_for_one_cart_is_refused_to_others() {
    let (mut held, code) = holder(500, 90);
    let cart = of_mugs(&json!([code]), &json!(400));
    let receipt = held.reserve(&cart).unwrap();
    let refused = Rejection::DiscountUnusable { index: Some(0), code: code.clone(), reason: Unusable::Held };
    assert_eq!(held.reserve(&cart).unwrap_err(), refused);
    let missing = Rejection::NotEnoughPoints { missing: Points(100) };
    assert_eq!(held.reserve(&of_mugs(&json!([]), &json!(200))).unwrap_err(), missing);
    // An order that names the code, or states points, and no reservation.
    let line = json!({ "line_id": "1", "sku": "MUG", "quantity": 2, "unit_price": "50.00" });
    let mut order = json!({ "source": "shop", "order_id": "1", "account_id": "acme", "placed_at": NOW, "currency": "GBP",
                            "lines": [line], "discount_codes": [code] });
    assert_eq!(held.place(&order).unwrap_err(), refused);
    order["discount_codes"] = json!([]);
    order["points"] = json!(200);
    assert_eq!(held.place(&order).unwrap_err(), missing);
    order["points"] = json!(100);
    held.place(&order).unwrap();
    // Nor is it there for a newer statement of that.
    let mut newer = order.clone();
    (newer["revision"], newer["discount_codes"]) = (json!(1), json!([code]));
    let (newer, stored) = (Arc::new(Order::from_json(&newer).unwrap()), held.order.clone().unwrap());
    let (account, records) = (held.till.account.clone(), held.till.records.clone());
    let hash = newer.content_hash();
    let amended = held.till.decide(|context| amend(&account, &records, &stored, &newer, hash, context));
    assert_eq!(amended.unwrap_err(), refused);
    // The reservation's own order has both.
    order["order_id"] = json!("2");
    order.as_object_mut().unwrap().remove("points");
    order.as_object_mut().unwrap().remove("discount_codes");
    order["reservation_id"] = json!(receipt.reservation_id);
    let scored = held.place(&order).unwrap();
    assert_eq!((scored.codes_used(), scored.points_spent()), (&[code][..], Ok(Points(400))));
}

#[test]
fn an_order_may_use_the_points_of_its_reservation_and_none_of_its_codes() {
    let line = json!({ "line_id": "1", "sku": "MUG", "quantity": 2, "unit_price": "50.00" });
    for (stated, used) in [(None, 1), (Some(json!([])), 0)] {
        let (mut held, code) = holder(500, 90);
        let receipt = held.reserve(&of_mugs(&json!([code]), &json!(400))).unwrap();
        let mut order = json!({ "source": "shop", "order_id": "1", "account_id": "acme", "placed_at": NOW,
                                "currency": "GBP", "lines": [line], "reservation_id": receipt.reservation_id });
        if let Some(stated) = &stated {
            order["discount_codes"] = stated.clone();
        }
        let scored = held.place(&order).unwrap();
        assert_eq!((scored.codes_used().len(), scored.points_spent()), (used, Ok(Points(400))), "{stated:?}");
        assert_eq!(held.till.account.discounts.iter().filter(|open| open.code == code).count(), 1 - used);
        // A newer statement leaves what the reservation brought, or gives the code back, whatever another said.
        for (revision, stated, used) in [(1, None, 1), (2, Some(json!([])), 0), (3, None, 1)] {
            let mut newer = order.clone();
            newer.as_object_mut().unwrap().remove("discount_codes");
            newer["revision"] = json!(revision);
            if let Some(stated) = stated {
                newer["discount_codes"] = stated;
            }
            let (newer, stored) = (Arc::new(Order::from_json(&newer).unwrap()), held.order.clone().unwrap());
            let (account, hash) = (held.till.account.clone(), newer.content_hash());
            let found = NamedCode::of_own(&held.till.records);
            let decided = held
                .till
                .decide(|context| crate::amendment::decide(&account, &found, &stored, &newer, hash, None, context));
            held.apply(decided.unwrap().writes);
            let scored = held.order.clone().unwrap();
            assert_eq!((scored.codes_used().len(), scored.points_spent()), (used, Ok(Points(400))), "{revision}");
            assert_eq!(held.till.account.discounts.iter().filter(|open| open.code == code).count(), 1 - used);
        }
    }
}

fn amend(
    account: &Account,
    records: &[Discount],
    stored: &ScoredOrder,
    newer: &Arc<Order>,
    hash: [u8; 32],
    context: &Context<'_>,
) -> Result<(), Rejection> {
    let named = NamedCode::of_own(records);
    crate::amendment::decide(account, &named, stored, newer, hash, None, context).map(drop)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reservation_holds_what_the_quote_says_and_the_order_uses_it(wished in wished()) {
        let (mut held, cart) = fresh(&wished);
        let (before, quote) = (held.till.account.clone(), held.till.quote(&cart).unwrap());
        let had = held.spendable();
        let codes: Vec<Code> = serde_json::from_value(quote["discount_codes"].clone()).unwrap();
        let points = quote["points"]["used"].as_i64().unwrap();
        let receipt = match held.reserve(&cart) {
            Ok(receipt) => receipt,
            Err(Rejection::NothingToReserve) => {
                prop_assert_eq!((codes, points), (Vec::new(), 0));
                return Ok(());
            }
            Err(Rejection::NotEnoughPoints { missing }) => {
                prop_assert!(missing > Points::ZERO);
                prop_assert_eq!(missing.0, wished.points.unwrap() - had);
                return Ok(());
            }
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert!(wished.points.unwrap_or(0) <= had, "no more than there are");
        prop_assert_eq!((&receipt.discount_codes, receipt.points.0), (&codes, points));
        prop_assert_eq!(serde_json::to_value(&receipt.totals).unwrap(), quote["totals"].clone());
        prop_assert_eq!(&serde_json::to_value(receipt.points_value).unwrap(), &quote["points"]["value"]);
        // Nothing else can use it meanwhile.
        prop_assert_eq!(held.spendable(), had - points);
        let again = held.till.quote(&cart).unwrap();
        for told in again["discounts"].as_array().unwrap() {
            let code: Code = serde_json::from_value(told["code"].clone()).unwrap();
            // Nothing is held of the uses of a shared one.
            let is_held = codes.contains(&code) && told["shared"].is_null();
            prop_assert_eq!(is_held, told["reason"] == "held", "{}", told);
        }
        // The order names the reservation and neither codes nor points.
        let mut order = order_of(&cart, &quote);
        order.as_object_mut().unwrap().remove("discount_codes");
        order["reservation_id"] = json!(receipt.reservation_id);
        let scored = held.place(&order).unwrap();
        let program = held.till.schedule.at(Instant::parse(NOW).unwrap()).program.clone();
        let told = serde_json::to_value(receipt::receipt(&scored, &program).unwrap()).unwrap();
        prop_assert_eq!(&told["discounts_used"], &quote["discount_codes"]);
        prop_assert_eq!((&told["points"], &told["eligible_total"]), (&quote["earns"]["points"], &quote["earns"]["eligible_total"]));
        prop_assert_eq!(told["points_used"]["points"].as_i64().unwrap_or(0), points);
        prop_assert_eq!(minor(&told["total"]["amount"]) + 450, minor(&quote["totals"]["to_pay"]["amount"]));
        let used = |held: &Held| held.till.shared.iter().flat_map(|one| &one.uses).map(|uses| uses.used).sum::<u32>();
        let shared = held.till.shared.iter().filter(|one| codes.contains(&one.code.code)).count();
        prop_assert_eq!(used(&held) as usize, shared);
        let account = &held.till.account;
        prop_assert!(account.holds.is_empty());
        let left: Vec<_> = open(&before, &before).into_iter().filter(|code| !codes.contains(code)).collect();
        prop_assert_eq!(open(account, &before), left);
        prop_assert_eq!(account.points().unwrap().0, before.points().unwrap().0 - points + scored.score.points.0);
        // Whoever names it once more is too late.
        let mut other = order.clone();
        other["order_id"] = json!("2");
        prop_assert_eq!(held.place(&other).unwrap_err(), Rejection::ReservationEnded);
        // A cancellation gives all of it back.
        let cancelled = held.cancel();
        let back = &cancelled.history.returns[0].came_back;
        prop_assert_eq!((back.points.0, back.codes.len()), (points, codes.len()));
        prop_assert_eq!(&held.till.account.holdings, &before.holdings);
        prop_assert_eq!(open(&held.till.account, &before), open(&before, &before));
        prop_assert_eq!((held.till.account.lifetime.discounts_used, used(&held)), (0, 0));
    }
}
