//! The stream of a table, kept here: DynamoDB's own, as far as Lambda lets functions see it.
//!
//! The embedded database has streams, but with every write it looks through all that was ever written to one, and
//! forgets none. So a [`Tap`] beside it notes each write that a function waits for in a table of its own, in the same
//! transaction; what was handled is removed. A write and its note are one: neither is there without the other.

use crate::queue::QueueError;
use crate::tables;
use crate::template::{Key, Table};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use domain::time::Instant;
use serde_json::{Value, json};
use std::collections::HashMap;

pub mod dead_letter;
pub mod tap;

pub use tap::Tap;

/// The table of notes is no part of the template: in AWS streams are DynamoDB's own.
pub const TABLE: &str = "local-streams";
/// Most items that one call removes.
const REMOVED_MAX: usize = 25;

/// The streams of one local cloud.
#[derive(Debug, Clone)]
pub struct Streams {
    client: Client,
    table: String,
}

/// One write, as a function is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// Its number: later ones are greater, and all have as many digits.
    pub number: String,
    /// When it was written.
    pub at: Instant,
    /// `INSERT` or `MODIFY`.
    pub event: String,
    /// The item's key and content, in DynamoDB's JSON.
    pub written: Value,
}

impl Streams {
    /// Opens the streams, whose notes are in a table under `prefix`.
    pub async fn open(client: Client, prefix: &str) -> Result<Self, tables::TableError> {
        let table = Table {
            id: TABLE.into(),
            name: TABLE.into(),
            key: Key { hash: "of_table".into(), range: Some("number".into()) },
            attributes: [("number".into(), "S".into()), ("of_table".into(), "S".into())].into(),
            indexes: Vec::new(),
            stream: None,
        };
        tables::create(&client, &[table], prefix).await?;
        Ok(Self { client, table: format!("{prefix}{TABLE}") })
    }

    /// The earliest writes to a table that nobody has handled, in their order.
    pub async fn earliest(&self, table: &str, most: usize) -> Result<Vec<Noted>, QueueError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query
            .key_condition_expression("of_table = :table")
            .expression_attribute_values(":table", AttributeValue::S(table.to_owned()))
            .limit(i32::try_from(most).unwrap_or(i32::MAX));
        query.send().await?.items().iter().map(read).collect()
    }

    /// Removes notes of what was handled.
    pub async fn forget(&self, table: &str, handled: &[Noted]) -> Result<(), QueueError> {
        for some in handled.chunks(REMOVED_MAX) {
            let mut left = Vec::with_capacity(some.len());
            for noted in some {
                let key = HashMap::from([
                    ("of_table".to_owned(), AttributeValue::S(table.to_owned())),
                    ("number".to_owned(), AttributeValue::S(noted.number.clone())),
                ]);
                let delete = DeleteRequest::builder().set_key(Some(key)).build()?;
                left.push(WriteRequest::builder().delete_request(delete).build());
            }
            while !left.is_empty() {
                let answer = self.client.batch_write_item().request_items(&self.table, left).send().await?;
                left = answer.unprocessed_items.unwrap_or_default().remove(&self.table).unwrap_or_default();
            }
        }
        Ok(())
    }
}

impl Noted {
    /// As it stands in the event of a function. `offset_ms` is by how much the functions' clock is ahead.
    pub fn record(&self, table: &str, offset_ms: i64) -> Value {
        let seconds = self.at.plus_ms(offset_ms).as_ms().div_euclid(1_000);
        json!({
            "eventID": self.number,
            "eventName": self.event,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": crate::connector::REGION,
            "eventSourceARN": arn(table),
            "dynamodb": {
                "ApproximateCreationDateTime": seconds,
                "Keys": self.written.get("Keys"),
                "NewImage": self.written.get("NewImage"),
                "SequenceNumber": self.number,
                "SizeBytes": self.written.to_string().len(),
                "StreamViewType": "NEW_IMAGE",
            },
        })
    }
}

/// What the stream of a table is called.
pub fn arn(table: &str) -> String {
    format!("arn:aws:dynamodb:{}:000000000000:table/{table}/stream/local", crate::connector::REGION)
}

fn read(item: &HashMap<String, AttributeValue>) -> Result<Noted, QueueError> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let noted = || {
        Some(Noted {
            number: text("number")?,
            at: Instant::from_ms(item.get("at")?.as_n().ok()?.parse().ok()?),
            event: text("event")?,
            written: serde_json::from_str(&text("written")?).ok()?,
        })
    };
    noted().ok_or_else(|| QueueError::new(format!("{TABLE} holds something that is no note")))
}
