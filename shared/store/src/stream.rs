//! Records of the ledger's stream: what a table says of its writes, as Lambda hands it on.
//!
//! Only entries matter, and only that they were written: they are never changed. Everything else that stands in the
//! ledger is passed over.

use crate::keys::{self, Item, LedgerKind};
use crate::{Fault, item};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::AccountId;
use domain::ledger::Entry;
use domain::time::Instant;
use serde_json::{Number, Value};

/// One record, told apart.
#[derive(Debug)]
pub struct StreamRecord {
    /// Its number, by which a batch names it.
    pub number: String,
    /// When its item was written, to the second or so.
    pub written_at: Option<Instant>,
    /// What it is of.
    pub streamed: Streamed,
}

/// What a record is of.
#[derive(Debug)]
pub enum Streamed {
    /// An entry that was written.
    Entry(Box<Entry>),
    /// One that cannot be read; whose, as far as its key says, and why not.
    Unreadable {
        /// The account of its key.
        account: String,
        /// What is wrong.
        fault: Fault,
    },
    /// Anything else.
    Other,
}

/// Why something is no record of a stream: it has no number to name it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record of a stream has a dynamodb.SequenceNumber")]
pub struct Unstreamed;

impl StreamRecord {
    /// Reads a record as it stands in Lambda's event.
    pub fn read(record: &Value) -> Result<Self, Unstreamed> {
        let written = record.get("dynamodb").unwrap_or(&Value::Null);
        let number = written.get("SequenceNumber").and_then(Value::as_str).ok_or(Unstreamed)?.to_owned();
        let written_at = written.get("ApproximateCreationDateTime").and_then(Value::as_number).and_then(second);
        let key = written.get("Keys").and_then(attributes).unwrap_or_default();
        let text = |name: &str| key.get(name).and_then(|value| value.as_s().ok()).map(String::as_str);
        let is_entry = text("sk").and_then(keys::ledger_kind).is_some_and(|kind| matches!(kind, LedgerKind::Entry));
        let is_new = record.get("eventName").and_then(Value::as_str) == Some("INSERT");
        let streamed = match (is_entry && is_new).then(|| entry(&key, written)) {
            None => Streamed::Other,
            Some(Ok(entry)) => Streamed::Entry(Box::new(entry)),
            Some(Err(what)) => {
                let account = text("account_id").unwrap_or_default().to_owned();
                Streamed::Unreadable { account, fault: crate::corrupt::corrupt("ledger", &key, what) }
            }
        };
        Ok(Self { number, written_at, streamed })
    }
}

/// The entry that was written. What it says it is must be what its key says.
fn entry(key: &Item, written: &Value) -> Result<Entry, String> {
    let image = written.get("NewImage").and_then(attributes).ok_or("it has no image")?;
    let entry = item::entry(&image)?;
    match &keys::entry(&entry.account_id, entry.sequence) == key {
        true => Ok(entry),
        false => Err("it is another's entry".to_owned()),
    }
}

/// The texts and numbers of an item in DynamoDB's JSON. An entry holds nothing else that is looked at.
fn attributes(json: &Value) -> Option<Item> {
    let attribute = |value: &Value| {
        let (kind, value) = value.as_object()?.iter().next()?;
        let text = value.as_str()?.to_owned();
        match kind.as_str() {
            "S" => Some(AttributeValue::S(text)),
            "N" => Some(AttributeValue::N(text)),
            _ => None,
        }
    };
    let fields = json.as_object()?.iter();
    Some(fields.filter_map(|(name, value)| Some((name.clone(), attribute(value)?))).collect())
}

/// The instant of a number of seconds since 1970, without a fraction that it may have.
fn second(seconds: &Number) -> Option<Instant> {
    let text = seconds.to_string();
    let whole: i64 = text.split('.').next()?.parse().ok()?;
    Some(Instant::from_ms(whole.saturating_mul(1_000)))
}

/// The account of a record that can be sent only after those before it.
impl Streamed {
    /// Whose entry it is; nothing of anything else.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Entry(entry) => Some(AccountId::as_str(&entry.account_id)),
            Self::Unreadable { account, .. } => Some(account),
            Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

    use super::*;
    use domain::ledger::Cause;
    use domain::money::Points;
    use serde_json::json;

    fn stored() -> Entry {
        Entry {
            account_id: AccountId::parse("acme").unwrap(),
            sequence: 12,
            at: Instant::parse("2030-03-01T12:00:00Z").unwrap(),
            cause: Cause::Walked,
            by: "shop".to_owned(),
            program_version: 3,
            points: Points(0),
            balance: Points(40),
            pending: Points(0),
            changes: Vec::new(),
        }
    }

    /// A record of the item of an entry, as a stream has it.
    fn record(entry: &Entry) -> Value {
        let image: serde_json::Map<_, _> = item::of_entry(entry)
            .unwrap()
            .into_iter()
            .map(|(name, value)| match value {
                AttributeValue::S(text) => (name, json!({ "S": text })),
                AttributeValue::N(number) => (name, json!({ "N": number })),
                other => panic!("{other:?}"),
            })
            .collect();
        let keys = json!({"account_id": image["account_id"], "sk": image["sk"]});
        json!({
            "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_898_596_801.5, "Keys": keys, "NewImage": image,
                "SequenceNumber": "100000000000000000001", "StreamViewType": "NEW_IMAGE",
            },
        })
    }

    #[test]
    fn an_entry_that_was_written_is_read_as_it_was() {
        let read = StreamRecord::read(&record(&stored())).unwrap();
        assert_eq!(read.number, "100000000000000000001");
        assert_eq!(read.written_at, Some(Instant::from_ms(1_898_596_801_000)));
        assert_eq!(read.streamed.account(), Some("acme"));
        let Streamed::Entry(entry) = read.streamed else { panic!("{read:?}") };
        assert_eq!(*entry, stored());
    }

    #[test]
    fn what_is_no_new_entry_is_passed_over() {
        let change = |pointer: &str, value: Value| {
            let mut record = record(&stored());
            *record.pointer_mut(pointer).unwrap() = value;
            StreamRecord::read(&record).unwrap().streamed
        };
        for event in ["MODIFY", "REMOVE"] {
            assert!(matches!(change("/eventName", json!(event)), Streamed::Other), "{event}");
        }
        for sort in ["PROFILE", "C#ann", "D#00000000011", "K#1"] {
            assert!(matches!(change("/dynamodb/Keys/sk/S", json!(sort)), Streamed::Other), "{sort}");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_told_with_its_account() {
        let broken = |pointer: &str, value: Value| {
            let mut record = record(&stored());
            *record.pointer_mut(pointer).unwrap() = value;
            StreamRecord::read(&record).unwrap().streamed
        };
        for (pointer, value) in [
            ("/dynamodb/NewImage", Value::Null),
            ("/dynamodb/NewImage/entry", json!({"S": "{"})),
            ("/dynamodb/NewImage/entry", json!({"BOOL": true})),
            ("/dynamodb/Keys/sk/S", json!("E#0000000000000000013")),
        ] {
            let streamed = broken(pointer, value);
            assert_eq!(streamed.account(), Some("acme"), "{pointer}");
            let Streamed::Unreadable { fault: Fault::Corrupt { table: "ledger", key, .. }, .. } = streamed else {
                panic!("{streamed:?}")
            };
            assert!(key.starts_with("account_id=acme sk=E#"), "{key}");
        }
    }

    #[test]
    fn what_has_no_number_is_no_record() {
        for record in [json!({}), json!({"dynamodb": {}}), json!({"dynamodb": {"SequenceNumber": 7}})] {
            assert_eq!(StreamRecord::read(&record).unwrap_err(), Unstreamed);
        }
    }
}
