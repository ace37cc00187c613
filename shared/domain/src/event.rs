//! Events: what a commit to an account means for others, said once it is done.
//!
//! Each change of an entry is one event, so an entry says by itself which events it means, and no second record of them
//! is kept. An event's id is the entry's account and sequence and the place of the change in it: whoever is told twice
//! knows it, and whoever is told out of order can put events in order. They are CloudEvents 1.0; what the data of each
//! type has is the one table [`KINDS`], from which the published schemas are made.
//!
//! An event names people by their ids, as entries do. Where somebody is to be written to, the address is looked up when
//! the event is sent ([`Event::concerns`]) and added then; it is stored nowhere.

mod kind;
mod kinds;
mod schema;

use crate::id::{AccountId, ContactId};
use crate::ledger::{Change, Entry};
use crate::membership::Email;
use crate::money::Points;
use crate::time::Instant;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt;

pub use kind::{Field, Kind, Presence, Shape};
pub use kinds::{KINDS, NOT_SENT};
pub use schema::{data_schema, envelope_schema, example};

/// An entry that was decided longer than this before it was written tells of the past: it was brought here.
const NEWS_MS: i64 = Instant::DAY_MS;

/// Fields of changes that name callers, who are nobody's concern outside.
const LEFT_OUT: [&str; 1] = ["stated_by"];

/// Which event: the entry, by its account and sequence, and the place of the change in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventId {
    /// Whose.
    pub account_id: AccountId,
    /// The entry's sequence.
    pub sequence: u64,
    /// The change's place in it, from 0.
    pub index: usize,
}

/// As consumers see it: `acme/12/0`. No account has a `/` in its id.
impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.account_id, self.sequence, self.index)
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// What kind it is.
    pub kind: &'static Kind,
    /// When it was decided.
    pub at: Instant,
    data: Map<String, Value>,
    contact_id: Option<ContactId>,
}

/// Whom an event is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concerns {
    /// Nobody by name.
    Nobody,
    /// The company.
    Account,
    /// A person of it.
    Contact(ContactId),
}

/// An address, looked up when an event is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// Which person; nothing for the company itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
    /// The person's name, or the company's.
    pub name: String,
    /// Where to write to.
    pub email: Email,
    /// The language to write in, of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// Why an entry's events cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventFault {
    /// A change is of a type that [`KINDS`] does not have.
    #[error("a change of type {0:?} is no event that is known")]
    Unknown(String),
    /// A change cannot be written.
    #[error("a change cannot be written: {0}")]
    Unwritable(String),
}

/// Whether an entry is news: what was imported is not, nor what was brought here long after it was decided, such as by
/// restoring a backup. `written_at` is when the item came into the table, if that is known.
pub fn is_news(entry: &Entry, written_at: Option<Instant>) -> bool {
    !entry.is_imported() && written_at.is_none_or(|at| at.as_ms().saturating_sub(entry.at.as_ms()) <= NEWS_MS)
}

/// The events that an entry means, in the order it happened.
pub fn events(entry: &Entry) -> Result<Vec<Event>, EventFault> {
    let about = about(entry)?;
    let changes = entry.changes.iter().enumerate();
    changes.filter_map(|(index, change)| event(entry, &about, index, change).transpose()).collect()
}

/// What all events of an entry say of it.
fn about(entry: &Entry) -> Result<Map<String, Value>, EventFault> {
    let unwritable = |error: serde_json::Error| EventFault::Unwritable(error.to_string());
    let about = json!({
        "sequence": entry.sequence,
        "changes": entry.changes.len(),
        "program_version": entry.program_version,
        "cause": serde_json::to_value(&entry.cause).map_err(unwritable)?,
        "points": entry.points,
        "balance": entry.balance,
    });
    let Value::Object(mut about) = about else { return Ok(Map::new()) };
    if entry.pending != Points::ZERO {
        about.insert("pending".to_owned(), json!(entry.pending));
    }
    Ok(about)
}

fn event(
    entry: &Entry,
    about: &Map<String, Value>,
    index: usize,
    change: &Change,
) -> Result<Option<Event>, EventFault> {
    let written = serde_json::to_value(change).map_err(|error| EventFault::Unwritable(error.to_string()))?;
    let Value::Object(mut data) = written else { return Err(EventFault::Unwritable("it is no object".to_owned())) };
    let name = data.remove("type");
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    if NOT_SENT.contains(&name) {
        return Ok(None);
    }
    let kind = Kind::named(name).ok_or_else(|| EventFault::Unknown(name.to_owned()))?;
    for field in LEFT_OUT {
        data.remove(field);
    }
    let contact_id = data.get("contact_id").and_then(Value::as_str).and_then(|id| ContactId::parse(id).ok());
    let mut about = about.clone();
    about.insert("index".to_owned(), json!(index));
    data.insert("account_id".to_owned(), json!(entry.account_id));
    data.insert("entry".to_owned(), Value::Object(about));
    let id = EventId { account_id: entry.account_id.clone(), sequence: entry.sequence, index };
    Ok(Some(Event { id, kind, at: entry.at, data, contact_id }))
}

impl Event {
    /// Whose address is to be looked up for it.
    pub fn concerns(&self) -> Concerns {
        match &self.contact_id {
            _ if !self.kind.is_notice => Concerns::Nobody,
            Some(contact) => Concerns::Contact(contact.clone()),
            None => Concerns::Account,
        }
    }

    /// It as a CloudEvent in its JSON format. `source` says which deployment; `recipient` is whom it concerns, if an
    /// address is known.
    pub fn to_cloud_event(&self, source: &str, recipient: Option<&Recipient>) -> Value {
        let mut data = self.data.clone();
        if let Some(recipient) = recipient {
            data.insert("recipient".to_owned(), json!(recipient));
        }
        json!({
            "specversion": "1.0",
            "id": self.id.to_string(),
            "source": source,
            "type": self.kind.name,
            "subject": self.id.account_id,
            "time": self.at,
            "datacontenttype": "application/json",
            "dataschema": self.kind.schema_id(),
            "sequence": self.sequence(),
            "data": data,
        })
    }

    /// Its place among all events of its account, as text that sorts so.
    fn sequence(&self) -> String {
        format!("{:019}.{:04}", self.id.sequence, self.id.index)
    }
}

#[cfg(test)]
mod tests;
