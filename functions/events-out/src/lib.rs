//! Announces what happened: the ledger's entries, from its stream, as events on the merchant's bus.
//!
//! A record that cannot be sent fails alone: the answer names it, Lambda tries it again and in the end puts it aside,
//! and the others are sent meanwhile. Only what comes after it of the same account waits with it, so that an account's
//! events are put on the bus in their order. Nothing is remembered of what was sent: a record that comes again is sent
//! again, under the same ids.
//!
//! The bus is not the one that orders come in by, and this function may put events on no other: what it announces
//! leads to nothing here, so that no loop can come about.

mod recipient;
mod resend;
mod send;

use domain::event::{self, Event};
use domain::ledger::Entry;
use runtime::bus::Message;
use runtime::{App, Deadline, Fault};
use send::{Parcel, Sending};
use serde_json::{Value, json};
use store::{StreamRecord, Streamed};

/// One Lambda invocation: a batch of records of the ledger's stream, or a task by hand.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    if event.get("task").is_some() {
        return resend::resend(app, &event).await;
    }
    let records = event.get("Records").and_then(Value::as_array);
    let records = records.ok_or_else(|| Fault::UnknownEvent("it has no Records and no task".to_owned()))?;
    let records: Result<Vec<_>, _> = records.iter().map(StreamRecord::read).collect();
    let records = records.map_err(|error| Fault::UnknownEvent(error.to_string()))?;
    let failed = announce(app, records).await?;
    let failures: Vec<_> = failed.into_iter().map(|number| json!({ "itemIdentifier": number })).collect();
    Ok(json!({ "batchItemFailures": failures }))
}

/// Sends the events of all records; answers the numbers of those that failed, in their order.
async fn announce(app: &App, records: Vec<StreamRecord>) -> Result<Vec<String>, Fault> {
    let mut sending = Sending::new(app, Deadline::after(app.patience().batch))?;
    for StreamRecord { number, written_at, streamed } in records {
        let account = streamed.account().map(str::to_owned);
        let Some(account) = account else { continue };
        let subject = format!("record {number} of {account}");
        match streamed {
            Streamed::Entry(entry) if !event::is_news(&entry, written_at) => {}
            Streamed::Entry(entry) if sending.may_send(&account) => {
                let subject = format!("entry {} of {account}, record {number},", entry.sequence);
                let messages = messages(app, &entry).await;
                sending.add(Parcel { number, account, subject }, messages).await;
            }
            Streamed::Unreadable { fault, .. } if sending.may_send(&account) => {
                sending.fail(&Parcel { number, account, subject }, &fault.to_string());
            }
            // Something of its account before it has failed.
            _ => sending.put_off(number),
        }
    }
    Ok(sending.finish().await)
}

/// The events of an entry as the bus takes them, with the addresses of those whom they concern.
async fn messages(app: &App, entry: &Entry) -> Result<Vec<Message>, Fault> {
    let events = event::events(entry).map_err(|fault| unannounced(entry, &fault))?;
    let source = source(app);
    let mut messages = Vec::with_capacity(events.len());
    for event in &events {
        messages.push(message(app, &source, event).await?);
    }
    Ok(messages)
}

async fn message(app: &App, source: &str, event: &Event) -> Result<Message, Fault> {
    let recipient = recipient::of(app, event).await?;
    let detail = event.to_cloud_event(source, recipient.as_ref()).to_string();
    Ok(Message { detail_type: event.kind.name, at: event.at, detail })
}

/// Which deployment announces: `/guilder/prod/wholesale`.
fn source(app: &App) -> String {
    let config = app.config();
    format!("/guilder/{}/{}", config.stage.as_deref().unwrap_or("local"), config.program)
}

fn unannounced(entry: &Entry, fault: &event::EventFault) -> Fault {
    let key = format!("entry {} of {}", entry.sequence, entry.account_id);
    store::Fault::Corrupt { table: "ledger", key, what: fault.to_string() }.into()
}
