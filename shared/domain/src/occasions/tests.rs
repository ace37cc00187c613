#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod birthdays;
mod commands;
mod dates;
mod once;
mod simulated;
mod town;

use super::*;
use crate::program::sample;
use serde_json::{Value, json};
use town::{Town, at, schedule};

/// A program with these occasions.
fn document(zone: &str, occasions: &Value) -> Value {
    let mut document = sample::with("occasions", occasions);
    document["time_zone"] = json!(zone);
    document
}

/// An occasion that brings ten points.
fn on(kind: &str, terms: &Value) -> Value {
    let mut rule = json!({"id": kind, "name": format!("A {kind}"), "on": kind, "give": {"points": 10}});
    rule.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    rule
}

fn discount(id: &str) -> Value {
    json!({"id": id, "name": "For you", "percent": "5", "validity_days": 14})
}

/// Everything there is.
fn all() -> Value {
    json!([
        on("welcome", &json!({})),
        on("birthday", &json!({"contacts_per_year": 2, "give": {"points": 7, "discount": discount("cake")}})),
        on("anniversary", &json!({})),
        on("date", &json!({"dates": ["12-24", "2026-07-04"], "give": {"discount": discount("holidays")}})),
        on("nth_order", &json!({"every_orders": 2})),
        on("inactivity", &json!({"days": 20})),
    ])
}
