//! What a quote says, what a reservation holds and what the order uses, over random carts: one and the same.

use super::agreement::{Wished, minor, order_of, wished};
use super::*;
use crate::account::Account;
use crate::decision::{Record, Write};
use crate::discount::Discount;
use crate::id::ReservationId;
use crate::idempotency::CommandKey;
use crate::order::Order;
use crate::program::GivenBack;
use crate::receipt;
use crate::reservation::{self, Reservation, ReservationReceipt, ReserveState};
use crate::returns::{self, CancellationDocument, Reversing};
use crate::score::{self, ScoredOrder};
use proptest::prelude::*;
use std::sync::Arc;

/// A till whose decisions are carried out.
struct Held {
    till: Till,
    reservation: Option<Reservation>,
    order: Option<Arc<ScoredOrder>>,
}

impl Held {
    fn apply(&mut self, writes: Vec<Write>) {
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
        let decided = self.till.decide(|context| reservation::reserve(&ReserveState { quote }, &cart, id, context))?;
        self.apply(decided.writes);
        Ok(decided.answer)
    }

    fn place(&mut self, order: &Value) -> Result<Arc<ScoredOrder>, Rejection> {
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

    fn spendable(&self) -> i64 {
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reservation_holds_what_the_quote_says_and_the_order_uses_it(wished in wished()) {
        let (mut held, cart) = fresh(&wished);
        let (before, quote) = (held.till.account.clone(), held.till.quote(&cart).unwrap());
        let had = held.spendable();
        let codes: Vec<Code> = serde_json::from_value(quote["discount_codes"].clone()).unwrap();
        let points = quote["points"]["used"].as_i64().unwrap();
        let limits = quote["points"]["limited_by"].as_array().cloned().unwrap_or_default();
        let receipt = match held.reserve(&cart) {
            Ok(receipt) => receipt,
            Err(Rejection::NothingToReserve) => {
                prop_assert_eq!((codes, points), (Vec::new(), 0));
                return Ok(());
            }
            Err(Rejection::NotEnoughPoints { missing }) => {
                prop_assert!(limits.iter().any(|limit| limit["reason"] == "balance"));
                prop_assert_eq!(missing.0, wished.points.unwrap() - had);
                return Ok(());
            }
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
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
