//! What orders use, held against the entries: the points that are spent on them, and what is held for carts.

use super::OrderFacts;
use super::account::order_of;
use domain::account::Account;
use domain::id::OrderKey;
use domain::ledger::{Cause, Change, Entry, PointsChange};
use std::collections::{BTreeMap, HashMap};

/// Points that are spent on each order are what its entries have spent less what they gave back. An order that another
/// entry has changed since the account was read is another reading's business.
pub(super) fn check(
    account: &Account,
    entries: &[&Entry],
    orders: &HashMap<OrderKey, OrderFacts>,
    found: &mut Vec<String>,
) {
    let mut told: BTreeMap<&OrderKey, (i128, u64)> = BTreeMap::new();
    for (entry, key) in entries.iter().filter_map(|entry| Some((entry, order_of(entry)?))) {
        let (spent, touched) = told.entry(key).or_default();
        (*spent, *touched) = (spent.saturating_add(spent_by(entry)), entry.sequence);
    }
    for (key, (spent, touched)) in told {
        let Some(order) = orders.get(key).filter(|order| order.account_id == account.id) else { continue };
        if order.touched_in <= touched && order.spent != spent {
            found.push(format!("order {key}: {} points are spent on it, {spent} by its entries", order.spent));
        }
    }
    for hold in &account.holds {
        let made = entries.iter().find(|entry| entry.sequence == hold.entry);
        if !made.is_some_and(|entry| matches!(entry.cause, Cause::Reserved { .. })) {
            found.push(format!("a hold until {} is of no entry that made one", hold.until));
        }
    }
}

fn spent_by(entry: &Entry) -> i128 {
    let points = entry.changes.iter().map(|change| match change {
        Change::Points(PointsChange::Spent { points }) => i128::from(points.0),
        Change::Points(PointsChange::Restored { points }) => i128::from(points.0).saturating_neg(),
        _ => 0,
    });
    points.fold(0, i128::saturating_add)
}
