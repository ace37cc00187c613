//! What notes the writes to a table beside the embedded database.

use super::TABLE;
use crate::cloud::wall_clock;
use crate::template::{Key, StreamPattern};
use domain::time::Instant;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::transact_write_items::{TransactPut, TransactWriteItem, TransactWriteItemsRequest};
use dynoxide::{AttributeValue, Database, DynoxideError, Item};
use serde_json::json;
use std::sync::Mutex;

/// Most writes of a transaction.
const TRANSACTION_MAX: usize = 100;
/// A number is as long as those of DynamoDB: no later one is shorter.
const DIGITS: usize = 21;

/// Notes what is written to one table and fits a pattern. Only whole items: what changes in place is no news to a
/// function that waits for new ones.
#[derive(Debug)]
pub struct Tap {
    table: String,
    key: Key,
    pattern: StreamPattern,
    notes: String,
    last: Mutex<i64>,
}

impl Tap {
    /// A tap of a table whose name begins with `prefix`.
    pub fn new(prefix: &str, table: &str, key: Key, pattern: StreamPattern) -> Self {
        let (table, notes) = (format!("{prefix}{table}"), format!("{prefix}{TABLE}"));
        Self { table, key, pattern, notes, last: Mutex::new(0) }
    }

    /// Carries a transaction out, with the notes of what it writes.
    pub(crate) fn transact<A>(
        &self,
        db: &Database,
        mut request: TransactWriteItemsRequest,
        carry_out: impl FnOnce(TransactWriteItemsRequest) -> Result<A, DynoxideError>,
    ) -> Result<A, DynoxideError> {
        let puts = request.transact_items.iter().filter_map(|item| item.put.as_ref());
        let notes: Vec<_> = puts.filter_map(|put| self.note(db, &put.table_name, &put.item)).collect();
        let has_room = request.transact_items.len().saturating_add(notes.len()) <= TRANSACTION_MAX;
        // With a token the same request may come again: then it must be the same.
        if has_room && request.client_request_token.is_none() {
            request.transact_items.extend(notes.into_iter().map(|note| TransactWriteItem {
                put: Some(TransactPut { table_name: self.notes.clone(), item: note, ..TransactPut::default() }),
                ..TransactWriteItem::default()
            }));
            return carry_out(request);
        }
        let answer = carry_out(request)?;
        self.write(db, notes)?;
        Ok(answer)
    }

    /// Carries the put of one item out, and then notes it.
    pub(crate) fn put<A>(
        &self,
        db: &Database,
        request: PutItemRequest,
        carry_out: impl FnOnce(PutItemRequest) -> Result<A, DynoxideError>,
    ) -> Result<A, DynoxideError> {
        let note = self.note(db, &request.table_name, &request.item);
        let answer = carry_out(request)?;
        self.write(db, note)?;
        Ok(answer)
    }

    fn write(&self, db: &Database, notes: impl IntoIterator<Item = Item>) -> Result<(), DynoxideError> {
        for item in notes {
            db.put_item(PutItemRequest { table_name: self.notes.clone(), item, ..PutItemRequest::default() })?;
        }
        Ok(())
    }

    /// The note of an item that is about to be written, where anybody waits for it.
    fn note(&self, db: &Database, table: &str, item: &Item) -> Option<Item> {
        let sort = match item.get(&self.pattern.attribute) {
            Some(AttributeValue::S(sort)) => sort,
            _ => return None,
        };
        if table != self.table || !sort.starts_with(&self.pattern.prefix) {
            return None;
        }
        let names = [Some(&self.key.hash), self.key.range.as_ref()].into_iter().flatten();
        let key: Item = names.filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect();
        let held = GetItemRequest { table_name: table.to_owned(), key: key.clone(), ..GetItemRequest::default() };
        let is_new = db.get_item(held).is_ok_and(|found| found.item.is_none());
        let event = if is_new { "INSERT" } else { "MODIFY" };
        if !self.pattern.events.iter().any(|wanted| wanted == event) {
            return None;
        }
        let now = wall_clock();
        let text = |value: String| AttributeValue::S(value);
        Some(Item::from([
            ("of_table".to_owned(), text(self.table.clone())),
            ("number".to_owned(), text(self.number(now))),
            ("at".to_owned(), AttributeValue::N(now.as_ms().to_string())),
            ("event".to_owned(), text(event.to_owned())),
            ("written".to_owned(), text(json!({ "Keys": key, "NewImage": item }).to_string())),
        ]))
    }

    /// A number greater than all before, those of an earlier process included as long as the clock was not set back.
    fn number(&self, now: Instant) -> String {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = last.saturating_add(1).max(now.as_ms().saturating_mul(1_000));
        format!("{:0DIGITS$}", *last)
    }
}
