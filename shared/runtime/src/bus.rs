//! The bus that events are put on for others.

use crate::error::Fault;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use domain::time::Instant;

/// Who the events are from, as rules of the bus say it.
pub const SOURCE: &str = "guilder";

/// Most events that one call takes.
pub const EVENTS_MAX: usize = 10;
/// Most bytes that they may have together.
pub const BYTES_MAX: usize = 256 * 1024;
/// What a call counts for the time of an event.
const TIME_BYTES: usize = 14;

/// A bus. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Client,
    name: String,
}

/// An event as the bus takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is about, such as `order.scored`.
    pub detail_type: &'static str,
    /// When it happened.
    pub at: Instant,
    /// What it says, in JSON.
    pub detail: String,
}

impl Message {
    /// What it counts of [`BYTES_MAX`].
    pub fn bytes(&self) -> usize {
        let texts = [SOURCE.len(), self.detail_type.len(), self.detail.len()];
        texts.into_iter().fold(TIME_BYTES, usize::saturating_add)
    }
}

impl Bus {
    /// The bus of this name.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts events on it in one call, at most [`EVENTS_MAX`] with [`BYTES_MAX`]. Answers for each why it was refused,
    /// or nothing where it was taken.
    pub async fn put(&self, messages: &[&Message]) -> Result<Vec<Option<String>>, Fault> {
        let entries = messages.iter().map(|message| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(SOURCE)
                .detail_type(message.detail_type)
                .time(DateTime::from_millis(message.at.as_ms()))
                .detail(&message.detail)
                .build()
        });
        let sent = self.client.put_events().set_entries(Some(entries.collect())).send().await;
        let answer = sent.map_err(|error| Fault::Bus(store::causes(&error)))?;
        let outcomes: Vec<_> = answer
            .entries()
            .iter()
            .map(|entry| {
                let code = entry.error_code()?;
                Some(format!("{code}: {}", entry.error_message().unwrap_or_default()))
            })
            .collect();
        if outcomes.len() != messages.len() {
            let (answered, asked) = (outcomes.len(), messages.len());
            return Err(Fault::Bus(format!("it answered for {answered} of {asked} events")));
        }
        Ok(outcomes)
    }
}
