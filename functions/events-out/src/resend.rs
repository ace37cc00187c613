//! Announces entries again, by hand: those whose records have come to be dead letters, or that a consumer has lost.
//!
//! `{"task": "resend", "account_id": "acme", "first": 12, "last": 14}`. The events have the ids they have always had.

use crate::messages;
use crate::send::{Parcel, Sending};
use domain::event;
use domain::id::AccountId;
use domain::ledger::Entry;
use runtime::{App, Deadline, Fault};
use serde_json::{Value, json};

/// Most entries at once: a call of hundreds of events, far within the function's time limit.
const ENTRIES_MAX: u64 = 100;

struct Task {
    account_id: AccountId,
    first: u64,
    last: u64,
}

impl Task {
    fn read(event: &Value) -> Result<Self, Fault> {
        let bad = |what: &str| Fault::BadTask(what.to_owned());
        if event.get("task").and_then(Value::as_str) != Some("resend") {
            return Err(bad("the task of this function is resend"));
        }
        let account = event.get("account_id").and_then(Value::as_str).unwrap_or_default();
        let account_id = AccountId::parse(account).map_err(|error| bad(&format!("account_id {error}")))?;
        let number = |name: &str| event.get(name).and_then(Value::as_u64).filter(|number| *number > 0);
        let (Some(first), Some(last)) = (number("first"), number("last")) else {
            return Err(bad("first and last are sequences of entries, from 1"));
        };
        match last.checked_sub(first) {
            Some(more) if more < ENTRIES_MAX => Ok(Self { account_id, first, last }),
            _ => Err(bad(&format!("first to last are 1 to {ENTRIES_MAX} entries"))),
        }
    }
}

/// Carries the task out; answers how many entries were announced, and which were not.
pub async fn resend(app: &App, event: &Value) -> Result<Value, Fault> {
    let Task { account_id, first, last } = Task::read(event)?;
    let count = u16::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(u16::MAX);
    let mut entries = Vec::new();
    // Newest first, a page at a time: a page also ends where its bytes do.
    let mut before = last.saturating_add(1);
    loop {
        let page = app.store().entries(&account_id, Some(before), count).await?;
        let wanted = page.entries.into_iter().filter(|entry| entry.sequence >= first);
        let found: Vec<Entry> = wanted.collect();
        let Some(oldest) = found.last().map(|entry| entry.sequence) else { break };
        entries.extend(found);
        if !page.more || oldest <= first {
            break;
        }
        before = oldest;
    }
    entries.reverse();
    let found = entries.len();
    let mut sending = Sending::new(app, Deadline::after(app.patience().batch))?;
    for entry in entries.iter().filter(|entry| event::is_news(entry, None)) {
        let number = entry.sequence.to_string();
        if sending.may_send(account_id.as_str()) {
            let subject = format!("entry {number} of {account_id}");
            let parcel = Parcel { number, account: account_id.to_string(), subject };
            sending.add(parcel, messages(app, entry).await).await;
        } else {
            sending.put_off(number);
        }
    }
    let failed = sending.finish().await;
    tracing::info!(account.id = %account_id, found, failed = failed.len(), "announced entries of {account_id} again");
    Ok(json!({"account_id": account_id, "found": found, "failed": failed}))
}
