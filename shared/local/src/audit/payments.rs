//! The payments of one account's orders: each against its entry, and what waits for those that are missing.

use super::OrderFacts;
use super::account::placed_in;
use domain::account::Account;
use domain::id::OrderKey;
use domain::ledger::{Change, Entry, OrderChange};
use domain::money::Points;
use domain::payment::Payment;
use domain::score::ScoredOrder;
use std::collections::HashMap;

/// The payment of an order, as far as an entry tells of it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PaymentFacts {
    /// The entry that holds it.
    pub entry: u64,
    /// Points that had waited for it.
    points: Points,
    /// An entry tells of it.
    pub told: bool,
}

impl PaymentFacts {
    pub fn of(scored: &ScoredOrder) -> Option<Self> {
        let of_payment = |payment: &Payment| Self { entry: payment.entry, points: payment.points, told: false };
        scored.history.payment.as_ref().map(of_payment)
    }
}

/// The payments that an entry tells of, with the points that had waited.
pub(super) fn paid_in(entry: &Entry) -> impl Iterator<Item = (&OrderKey, Points)> {
    entry.changes.iter().filter_map(|change| match change {
        Change::Order(OrderChange::Paid(paid)) => Some((&paid.order, paid.points)),
        _ => None,
    })
}

/// Checks the payments that the entries up to the account's version tell of, and what waits on its orders in all.
pub(super) fn check(
    account: &Account,
    entries: &[&Entry],
    orders: &mut HashMap<OrderKey, OrderFacts>,
    found: &mut Vec<String>,
) {
    for entry in entries {
        for (key, points) in paid_in(entry) {
            let sequence = entry.sequence;
            let order = orders.get_mut(key).filter(|order| order.account_id == account.id);
            match order.and_then(|order| order.payment.as_mut()) {
                None => found.push(format!("payment of order {key} in entry {sequence} has no record")),
                Some(payment) if payment.entry != sequence || payment.points != points => {
                    found.push(format!("payment of order {key} in entry {sequence} is another than its record"));
                }
                Some(payment) => payment.told = true,
            }
        }
    }
    let placed = entries.iter().filter_map(|entry| placed_in(entry));
    let mut of_account = placed.filter_map(|key| orders.get(key)).filter(|order| order.account_id == account.id);
    // What became of an order beyond the account as it was read is in no total here. A program that is not there is
    // another finding.
    let on_orders = of_account.try_fold(0_i128, |sum, order| {
        let waits = order.unpaid.filter(|_| order.touched_in <= account.version)?;
        Some(sum.saturating_add(waits.0.into()))
    });
    let held = account.holdings.unpaid();
    if on_orders.is_some_and(|on_orders| on_orders != i128::from(held.0)) {
        let on_orders = on_orders.unwrap_or_default();
        found.push(format!("{held} points wait for payment, {on_orders} on its orders"));
    }
}
