#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::panic)]

use super::*;
use domain::code::Secrets;
use domain::decision::{Context, Record, Write};
use domain::order::Order;
use domain::schedule::Activation;
use domain::score;
use serde_json::{Value, json};
use std::sync::Arc;

/// A program of a time zone, without anything that is not asked for.
pub fn document(zone: &str) -> Value {
    json!({
        "name": "night", "currency": "GBP", "time_zone": zone,
        "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Base", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 24, "pending_days": 0, "shortfall": "owe" },
        "tiers": { "window_months": 12, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
            { "id": "silver", "name": "Silver", "threshold": "1000", "multiplier": "1" },
        ]},
        "discounts": [],
    })
}

/// That program from the beginning of time; others from an instant on.
pub fn schedule(zone: &str, later: &[(&str, &str)]) -> Schedule {
    let activation = |(from, zone, version): (Instant, &str, u32)| {
        let program = Arc::new(Program::from_json(&document(zone)).unwrap());
        Activation { from, version, program }
    };
    let later = later.iter().zip(2..).map(|((from, zone), version)| (at(from), *zone, version));
    Schedule::new(std::iter::once((Instant::MIN, zone, 1)).chain(later).map(activation).collect()).unwrap()
}

pub fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

pub fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

/// The night of a day in London.
pub fn night(text: &str) -> Night {
    Night::new(day(text), schedule("Europe/London", &[]), None)
}

/// An account of London after orders, each of one unit: when it was placed and its price in pence. They are decided in
/// the sequence given, none before it was placed.
pub fn account(id: &str, orders: &[(Instant, i64)]) -> Account {
    let (schedule, secrets) = (schedule("Europe/London", &[]), Secrets::parse("1:a secret for the night").unwrap());
    let mut account: Option<Account> = None;
    for (number, (placed_at, pence)) in orders.iter().enumerate() {
        let now = account.as_ref().map_or(*placed_at, |account| account.last_decided.max(*placed_at));
        let context =
            Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let price = domain::money::format_decimal(*pence, 2);
        let line = json!({ "line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": price });
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": format!("{id}-{number}"), "account_id": id,
            "placed_at": placed_at.to_string(), "currency": "GBP", "lines": [line],
        }));
        let (order, hash) = (Arc::new(order.unwrap()), [0; 32]);
        let decision = score::decide(account.as_ref(), &[], None, &order, hash, &context).unwrap();
        account = decision.writes.into_iter().find_map(|write| match write {
            Write::Put(Record::Account(account), _) => Some(*account),
            _ => None,
        });
    }
    account.unwrap()
}

/// Accounts, counted.
pub fn count<'a>(night: &Night, accounts: impl IntoIterator<Item = &'a Account>) -> Partial {
    let mut partial = Partial::default();
    accounts.into_iter().for_each(|account| partial.record(night, account).unwrap());
    partial
}
