//! Writes down what time has made true: discounts past their end, points past theirs; and warns before.
//!
//! A state machine walks the accounts on which something falls due, a shard of a day at a time
//! ([`runtime::walker`]). Nothing waits for it: every read and every decision sees what time has made true.

use domain::warning::Walk;
use runtime::{App, Fault, walker};
use serde_json::Value;

/// One invocation by the state machine, or by hand: a [`walker::Task`].
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    walker::handle(app, Walk::Expiry, event).await
}
