//! Payments of orders: said in the order, by a later statement of it, by themselves, or before the order came; and the
//! points that pay a part of them.

use super::replay::{Replay, add_one};
use crate::advance;
use crate::id::OrderKey;
use crate::ledger::Entry;
use crate::money::{Overflow, Points};
use crate::order::Order;
use crate::parked::WaitingPayment;
use crate::payment::{self, Payment, PaymentState, Stated};
use crate::score::ScoredOrder;
use std::sync::Arc;

impl<'a> Replay<'a> {
    /// Pays an order as an entry says.
    pub fn pay(&mut self, entry: &'a Entry, key: &OrderKey) -> Result<(), Overflow> {
        let payment = self.facts.orders.get(key).and_then(|stored| stored.history.payment.as_ref());
        let Some(document) = payment.and_then(Payment::stated_alone) else {
            self.left_out.records_missing = self.left_out.records_missing.saturating_add(1);
            return Ok(());
        };
        let context = self.context(entry);
        let decided = self.account.as_ref().zip(self.placed(key));
        let decided = decided.map(|(account, placed)| payment::decide(account, &placed.scored, &document, &context));
        self.carried_out(decided)
    }

    /// An order that spends the points which it spends by its newest statement, as far as they are there. What it holds
    /// them by makes no difference.
    pub fn paying(&mut self, order: Arc<Order>, stored: &ScoredOrder, entry: &Entry) -> Result<Arc<Order>, Overflow> {
        let spent = stored.history.uses.as_ref().map_or(Points::ZERO, |uses| uses.points);
        if spent == Points::ZERO && order.reservation.is_none() && order.points.is_none() {
            return Ok(order);
        }
        let mut points = Points::ZERO;
        if let Some(account) = &self.account {
            let (account, _) = advance::advance(self.schedule, account, entry.at)?;
            let exchange = self.schedule.at(entry.at).program.points.exchange.as_ref();
            let there = account.spendable()?.min(spent);
            points = exchange.map_or(Points::ZERO, |exchange| exchange.spendable(there));
        }
        if points < spent {
            add_one(&mut self.left_out.redemptions_refused);
        }
        Ok(Arc::new(Order { reservation: None, points: Some(points), ..Order::clone(&order) }))
    }
}

/// The payment of an order that an entry, its own or of an amendment, took in.
fn taken_in<'a>(stored: &'a ScoredOrder, entry: &Entry) -> Option<&'a Payment> {
    stored.history.payment.as_ref().filter(|payment| payment.entry == entry.sequence)
}

/// Whether the statement of an order that an entry took in was the first to say that it is paid.
pub(super) fn says_so(stored: &ScoredOrder, entry: &Entry) -> bool {
    taken_in(stored, entry).is_some_and(|payment| payment.stated == Stated::InOrder)
}

/// An order that says of its payment what it said when it was placed, whatever a later statement says.
pub(super) fn as_placed(stored: &ScoredOrder, entry: &Entry) -> Arc<Order> {
    let payment_state = says_so(stored, entry).then_some(PaymentState::Paid);
    match stored.order.payment_state == payment_state {
        true => stored.order.clone(),
        false => Arc::new(Order { payment_state, ..Order::clone(&stored.order) }),
    }
}

/// The payment that had waited for an order when it was placed.
pub(super) fn waited(stored: &ScoredOrder, entry: &Entry) -> Option<WaitingPayment> {
    let document = taken_in(stored, entry).and_then(Payment::stated_alone)?;
    Some(WaitingPayment { document, parked_at: entry.at, by: String::new() })
}
