//! Queues as SQS has them, kept in a table, so that a restart forgets no message.
//!
//! Delivery is at least once. A received message is hidden, not removed; it goes when its consumer says so, comes back
//! when its time is up, and moves to the dead-letter queue at the receive that would exceed its count. Time is an
//! argument. Every change is guarded, so two consumers never hold one message at the same time. Messages of a group wait
//! for each other's turn as in a fair queue (see [`fair`]).

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use domain::time::Instant;
use serde::Serialize;

use crate::tables;
use crate::template::{Key, Queue, Table};

pub mod batch;
pub mod fair;
pub mod sqs;

/// The table is no part of the template: in AWS the queues are SQS's own.
const TABLE: &str = "local-queues";

type Item = HashMap<String, AttributeValue>;

/// The table of messages could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("local queue: {0}")]
pub struct QueueError(String);

impl QueueError {
    pub(crate) fn new(reason: String) -> Self {
        Self(reason)
    }
}

impl From<BuildError> for QueueError {
    fn from(error: BuildError) -> Self {
        Self(error.to_string())
    }
}

impl<E: std::error::Error + 'static, R: std::fmt::Debug + 'static> From<SdkError<E, R>> for QueueError {
    fn from(error: SdkError<E, R>) -> Self {
        Self(store::causes(&error))
    }
}

/// All queues of one local cloud.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
    table: String,
    retry_delay: Duration,
}

/// One message of a queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Unique, and in order of sending to the millisecond.
    pub id: String,
    /// In whose name it waits, if in anybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What was sent.
    pub body: String,
    /// When it was sent.
    pub sent_at: Instant,
    /// How often it was received.
    pub received: u64,
    /// When it can be received next.
    pub visible_at: Instant,
    /// Why it failed last, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What one receive found.
#[derive(Debug, Default)]
pub struct Received {
    /// Messages to handle now.
    pub messages: Vec<Message>,
    /// How many had failed too often and went to the dead-letter queue instead.
    pub redriven: usize,
}

impl Queues {
    /// Opens the queues in the table `local-queues` under `prefix`. A failed message comes back after `retry_delay`,
    /// twice that after its second failure, and so on.
    pub async fn open(client: Client, prefix: &str, retry_delay: Duration) -> Result<Self, tables::TableError> {
        let table = Table {
            id: TABLE.into(),
            name: TABLE.into(),
            key: Key { hash: "queue".into(), range: Some("message_id".into()) },
            attributes: [("message_id".into(), "S".into()), ("queue".into(), "S".into())].into(),
            indexes: Vec::new(),
            stream: None,
        };
        tables::create(&client, &[table], prefix).await?;
        Ok(Self { client, table: format!("{prefix}{TABLE}"), retry_delay })
    }

    /// Puts a message into a queue, into a group if it has one, and returns its id.
    pub async fn send(
        &self,
        queue: &str,
        body: String,
        group: Option<String>,
        now: Instant,
    ) -> Result<String, QueueError> {
        self.put(queue, body, group, None, now).await
    }

    /// Puts a message that could not be delivered into a dead-letter queue, with the reason.
    pub(crate) async fn bury(&self, queue: &str, body: String, why: String, now: Instant) -> Result<(), QueueError> {
        self.put(queue, body, None, Some(why), now).await.map(drop)
    }

    async fn put(
        &self,
        queue: &str,
        body: String,
        group: Option<String>,
        reason: Option<String>,
        now: Instant,
    ) -> Result<String, QueueError> {
        let id = message_id(now);
        let message = Message { id: id.clone(), group, body, sent_at: now, received: 0, visible_at: now, reason };
        let item = write(queue, &message);
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(id)
    }

    /// Up to `limit` messages that are visible `now`, fairly by their groups, hidden from then on for the queue's
    /// visibility timeout.
    pub async fn receive(&self, queue: &Queue, limit: usize, now: Instant) -> Result<Received, QueueError> {
        let mut received = Received::default();
        let waiting = self.first(&queue.id, fair::SEEN_MAX).await?;
        for mut message in fair::turns(waiting, now) {
            match &queue.redrive {
                Some(redrive) if message.received >= redrive.max_receive_count => {
                    if self.redrive(queue, &redrive.queue, &message, now).await? {
                        received.redriven = received.redriven.saturating_add(1);
                    }
                }
                _ => {
                    let hidden_ms = queue.visibility_timeout_s.saturating_mul(1000);
                    let until = now.plus_ms(i64::try_from(hidden_ms).unwrap_or(i64::MAX));
                    if self.claim(queue, &mut message, until).await? {
                        received.messages.push(message);
                    }
                }
            }
            if received.messages.len() >= limit {
                break;
            }
        }
        Ok(received)
    }

    /// Removes a message that was handled.
    pub async fn delete(&self, queue: &Queue, message: &Message) -> Result<(), QueueError> {
        let key = key(&queue.id, &message.id);
        self.client.delete_item().table_name(&self.table).set_key(Some(key)).send().await?;
        Ok(())
    }

    /// Gives a message back that could not be handled, and notes why.
    pub async fn retry(&self, queue: &Queue, message: &Message, reason: &str, now: Instant) -> Result<(), QueueError> {
        let delay = self.retry_delay.saturating_mul(u32::try_from(message.received).unwrap_or(u32::MAX));
        let again = now.plus_ms(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX));
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(&queue.id, &message.id)));
        let update = update
            .update_expression("SET visible_at = :again, reason = :reason")
            .condition_expression("received = :received")
            .expression_attribute_values(":again", ms(again))
            .expression_attribute_values(":reason", AttributeValue::S(reason.to_owned()))
            .expression_attribute_values(":received", number(message.received));
        match update.send().await {
            // Somebody else received it meanwhile: what becomes of it is theirs to say.
            Err(SdkError::ServiceError(lost)) if lost.err().is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    /// Everything in a queue, oldest first.
    pub async fn messages(&self, queue: &str) -> Result<Vec<Message>, QueueError> {
        self.first(queue, usize::MAX).await
    }

    /// The oldest messages of a queue, at least `count` where it has so many.
    async fn first(&self, queue: &str, count: usize) -> Result<Vec<Message>, QueueError> {
        let mut messages = Vec::new();
        let mut from = None;
        loop {
            let (mut page, next) = self.page(queue, from).await?;
            messages.append(&mut page);
            from = next;
            if from.is_none() || messages.len() >= count {
                return Ok(messages);
            }
        }
    }

    async fn page(&self, queue: &str, from: Option<Item>) -> Result<(Vec<Message>, Option<Item>), QueueError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query
            .key_condition_expression("queue = :queue")
            .expression_attribute_values(":queue", AttributeValue::S(queue.to_owned()))
            .set_exclusive_start_key(from)
            .limit(100);
        let page = query.send().await?;
        let messages = page.items().iter().map(read).collect::<Result<_, _>>()?;
        Ok((messages, page.last_evaluated_key))
    }

    /// Hides a message, unless somebody else just did.
    async fn claim(&self, queue: &Queue, message: &mut Message, until: Instant) -> Result<bool, QueueError> {
        let before = message.received;
        message.received = before.saturating_add(1);
        message.visible_at = until;
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(&queue.id, &message.id)));
        let update = update
            .update_expression("SET received = :after, visible_at = :until")
            .condition_expression("received = :before")
            .expression_attribute_values(":before", number(before))
            .expression_attribute_values(":after", number(message.received))
            .expression_attribute_values(":until", ms(until));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(lost)) if lost.err().is_conditional_check_failed_exception() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts what is in a dead-letter queue back into the queue that gave it up, oldest first: as new messages, as SQS
    /// does it. Returns how many.
    pub async fn put_back(&self, dead_letters: &str, queue: &Queue, now: Instant) -> Result<usize, QueueError> {
        let mut moved = 0_usize;
        for message in self.messages(dead_letters).await? {
            let id = message_id(now);
            let again = Message { id, sent_at: now, visible_at: now, received: 0, reason: None, ..message.clone() };
            if self.relocate((dead_letters, &message), (&queue.id, &again)).await? {
                moved = moved.saturating_add(1);
            }
        }
        Ok(moved)
    }

    /// Moves a message to the dead-letter queue, unless somebody else just did.
    async fn redrive(&self, from: &Queue, to: &str, message: &Message, now: Instant) -> Result<bool, QueueError> {
        let dead = Message { visible_at: now, ..message.clone() };
        self.relocate((&from.id, message), (to, &dead)).await
    }

    /// Takes a message from one queue and puts what becomes of it into another, unless somebody else just did.
    async fn relocate(&self, from: (&str, &Message), to: (&str, &Message)) -> Result<bool, QueueError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(from.0, &from.1.id)))
            .condition_expression("attribute_exists(queue)");
        let put = Put::builder().table_name(&self.table).set_item(Some(write(to.0, to.1)));
        let moved = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().delete(delete.build()?).build())
            .transact_items(TransactWriteItem::builder().put(put.build()?).build());
        match moved.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(lost)) if lost.err().is_transaction_canceled_exception() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A UUID of version 7: random, but in order of time.
pub(crate) fn message_id(now: Instant) -> String {
    let ms = now.as_ms().unsigned_abs();
    let (high, low) = (ms >> 16, ms & 0xffff);
    let (a, b, c) = (fastrand::u16(..0x1000), 0x8000 | fastrand::u16(..0x4000), fastrand::u64(..1 << 48));
    format!("{high:08x}-{low:04x}-7{a:03x}-{b:04x}-{c:012x}")
}

fn key(queue: &str, id: &str) -> Item {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    [("queue".to_owned(), text(queue)), ("message_id".to_owned(), text(id))].into()
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn ms(instant: Instant) -> AttributeValue {
    AttributeValue::N(instant.as_ms().to_string())
}

fn write(queue: &str, message: &Message) -> Item {
    let mut item = key(queue, &message.id);
    item.insert("body".into(), AttributeValue::S(message.body.clone()));
    item.insert("sent_at".into(), ms(message.sent_at));
    item.insert("received".into(), number(message.received));
    item.insert("visible_at".into(), ms(message.visible_at));
    for (name, text) in [("reason", &message.reason), ("group", &message.group)] {
        if let Some(text) = text {
            item.insert(name.into(), AttributeValue::S(text.clone()));
        }
    }
    item
}

fn read(item: &Item) -> Result<Message, QueueError> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok()).and_then(|n| n.parse::<i64>().ok());
    let message = || {
        Some(Message {
            id: text("message_id")?,
            group: text("group"),
            body: text("body")?,
            sent_at: Instant::from_ms(number("sent_at")?),
            received: u64::try_from(number("received")?).ok()?,
            visible_at: Instant::from_ms(number("visible_at")?),
            reason: text("reason"),
        })
    };
    message().ok_or_else(|| QueueError(format!("{TABLE} holds something that is no message: {item:?}")))
}

#[cfg(test)]
mod tests {
    use dynoxide::Database;

    use super::*;
    use crate::template::Redrive;

    const START: Instant = Instant::MIN;

    async fn queues(db: &Database, retry_delay: Duration) -> (Queues, Queue) {
        let queues = Queues::open(crate::connector::client(db), "", retry_delay).await.unwrap();
        let redrive = Some(Redrive { queue: "dead".into(), max_receive_count: 3 });
        (queues, Queue { id: "live".into(), visibility_timeout_s: 90, redrive })
    }

    #[tokio::test]
    async fn a_message_comes_back_until_it_is_deleted() {
        let (queues, queue) = queues(&Database::memory().unwrap(), Duration::ZERO).await;
        queues.send("live", "one".into(), None, START).await.unwrap();
        let first = queues.receive(&queue, 10, START).await.unwrap().messages;
        assert_eq!((first[0].body.as_str(), first[0].received), ("one", 1));

        let hidden = queues.receive(&queue, 10, START.plus_ms(89_999)).await.unwrap();
        assert!(hidden.messages.is_empty());
        let again = queues.receive(&queue, 10, START.plus_ms(90_000)).await.unwrap().messages;
        assert_eq!((again[0].id.as_str(), again[0].received), (first[0].id.as_str(), 2));

        queues.delete(&queue, &again[0]).await.unwrap();
        assert!(queues.receive(&queue, 10, Instant::MAX).await.unwrap().messages.is_empty());
    }

    #[tokio::test]
    async fn a_message_that_keeps_failing_goes_to_the_dead_letters_with_its_reason() {
        let (queues, queue) = queues(&Database::memory().unwrap(), Duration::from_secs(1)).await;
        let id = queues.send("live", "poison".into(), Some("acme".into()), START).await.unwrap();
        let mut now = START;
        for attempt in 1..=3 {
            let received = queues.receive(&queue, 10, now).await.unwrap();
            assert_eq!(received.messages[0].received, attempt);
            queues.retry(&queue, &received.messages[0], "no such account", now).await.unwrap();
            let delay_ms = i64::try_from(attempt).unwrap() * 1000;
            assert!(queues.receive(&queue, 10, now.plus_ms(delay_ms - 1)).await.unwrap().messages.is_empty());
            now = now.plus_ms(delay_ms);
        }
        let last = queues.receive(&queue, 10, now).await.unwrap();
        assert_eq!((last.messages.len(), last.redriven), (0, 1));
        assert!(queues.messages("live").await.unwrap().is_empty());
        let dead = queues.messages("dead").await.unwrap();
        assert_eq!((dead[0].id.as_str(), dead[0].received), (id.as_str(), 3));
        assert_eq!(dead[0].reason.as_deref(), Some("no such account"));
        assert_eq!(dead[0].group.as_deref(), Some("acme"));
    }

    #[tokio::test]
    async fn a_noisy_group_does_not_delay_the_others() {
        let (queues, queue) = queues(&Database::memory().unwrap(), Duration::ZERO).await;
        for n in 0..250 {
            queues.send("live", format!("noisy {n}"), Some("noisy".into()), START.plus_ms(n)).await.unwrap();
        }
        for n in 0..4 {
            let group = Some(["quiet-1", "quiet-2"][n % 2].to_owned());
            let at = START.plus_ms(300 + i64::try_from(n).unwrap());
            queues.send("live", format!("quiet {n}"), group, at).await.unwrap();
        }
        let mut now = START.plus_ms(1000);
        let mut batches = Vec::new();
        for _ in 0..3 {
            let messages = queues.receive(&queue, 4, now).await.unwrap().messages;
            batches.push(messages.iter().map(|message| message.body.clone()).collect::<Vec<_>>().join(", "));
            now = now.plus_ms(1);
        }
        // Whoever has least in hand comes first, and of those whose message is oldest.
        let expected = [
            "noisy 0, quiet 0, quiet 1, noisy 1",
            "quiet 2, quiet 3, noisy 2, noisy 3",
            "noisy 4, noisy 5, noisy 6, noisy 7",
        ];
        assert_eq!(batches, expected);
    }

    #[tokio::test]
    async fn messages_are_received_oldest_first_and_in_batches() {
        let (queues, queue) = queues(&Database::memory().unwrap(), Duration::ZERO).await;
        for n in 0..120 {
            queues.send("live", n.to_string(), None, START.plus_ms(n)).await.unwrap();
        }
        let later = START.plus_ms(1000);
        let first = queues.receive(&queue, 110, later).await.unwrap().messages;
        assert_eq!(
            first.iter().map(|m| m.body.clone()).collect::<Vec<_>>(),
            (0..110).map(|n| n.to_string()).collect::<Vec<_>>()
        );
        assert_eq!(queues.receive(&queue, 110, later).await.unwrap().messages.len(), 10);
    }
}
