//! Batches of queue messages that carry EventBridge events. One bad message never blocks or repeats the others.

use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, RequestFault};
use crate::logs;
use crate::metrics::{self, Metric, count};
use crate::patience::Deadline;
use crate::problem::Problem;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use tracing::Instrument;

/// How long a batch is worked on: half the functions' time limit in the template, so that the message in hand can end.
pub const TIME_MAX: Duration = Duration::from_secs(15);

/// A batch of messages.
pub struct Batch {
    started: Instant,
    waiting: std::vec::IntoIter<SqsMessage>,
    response: SqsBatchResponse,
}

/// An event from the bus, as the queue delivered it.
pub struct BusEvent {
    /// What happened, such as `OrderPlaced`.
    pub detail_type: String,
    /// Who put it on the bus.
    pub caller: Caller,
    /// The event's document.
    pub detail: Value,
    /// When to leave the rest of it to another invocation: its share of the batch's time.
    pub deadline: Deadline,
}

impl Batch {
    pub(crate) fn new(event: SqsEvent) -> Self {
        Self { started: Instant::now(), waiting: event.records.into_iter(), response: SqsBatchResponse::default() }
    }

    /// Handles each message in the order given, and answers which of them failed.
    pub async fn each<'a, F, Fut>(mut self, app: &'a App, handle: F) -> Value
    where
        F: Fn(&'a App, BusEvent) -> Fut,
        Fut: Future<Output = Result<(), Error>>,
    {
        let patience = app.patience().batch;
        while let Some((message, event)) = self.next_event(patience) {
            let span = logs::message(&message.id);
            let outcome = match event {
                Ok(event) => handle(app, event).instrument(span.clone()).await,
                Err(error) => Err(error),
            };
            span.in_scope(|| self.settle(message, outcome));
        }
        serde_json::to_value(&self.response).unwrap_or_default()
    }

    /// The next message, in the order given.
    ///
    /// After [`TIME_MAX`] there is none: a function that ran into its time limit would repeat all of them, so what is
    /// left is reported as failed and comes again by itself.
    fn next_event(&mut self, patience: Duration) -> Option<(MessageId, Result<BusEvent, Error>)> {
        if self.started.elapsed() >= TIME_MAX {
            let left = std::mem::take(&mut self.waiting);
            tracing::warn!(messages = left.len(), "out of time: {} messages will come again", left.len());
            left.for_each(|message| self.fail(message.message_id.unwrap_or_default()));
        }
        let message = self.waiting.next()?;
        let receives = message.attributes.get("ApproximateReceiveCount").cloned().unwrap_or_default();
        note_age(&message);
        let id = MessageId { id: message.message_id.clone().unwrap_or_default(), receives };
        let messages = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX).saturating_add(1);
        let left = patience.saturating_sub(self.started.elapsed());
        let deadline = Deadline::after(left.checked_div(messages).unwrap_or_default());
        Some((id, bus_event(&message, deadline)))
    }

    /// Notes what became of a message. A failure is logged here with its reason; only failed messages come again, and
    /// go to the dead-letter queue after the queue's bound of tries.
    fn settle(&mut self, message: MessageId, outcome: Result<(), Error>) {
        let Err(error) = outcome else { return };
        let problem = Problem::of(&error);
        match error {
            Error::Fault(_) => count(Metric::Faults, 1),
            _ => metrics::count_rejected(problem.kind()),
        }
        let MessageId { id, receives } = message;
        tracing::warn!(
            message.id = %id,
            message.receives = %receives,
            "problem.type" = problem.kind(),
            "message {id} failed: {}",
            error.cause(),
        );
        self.fail(id);
    }

    fn fail(&mut self, id: String) {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        self.response.batch_item_failures.push(failure);
    }
}

/// Notes how long a message has waited.
fn note_age(message: &SqsMessage) {
    let sent = message.attributes.get("SentTimestamp").and_then(|sent| sent.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_millis()).unwrap_or_default();
    sent.into_iter().for_each(|sent| metrics::note_age(now.saturating_sub(sent)));
}

/// Which message.
struct MessageId {
    id: String,
    receives: String,
}

fn bus_event(message: &SqsMessage, deadline: Deadline) -> Result<BusEvent, Error> {
    let body = message.body.as_deref().unwrap_or_default();
    let event = domain::document::parse(body.as_bytes()).map_err(RequestFault::NotJson)?;
    let mut faults = domain::document::Faults::default();
    let text = |name: &str| event.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    for name in ["source", "detail-type"].iter().filter(|name| text(name).is_none()) {
        let root = domain::document::Path::Root;
        faults.add(&domain::document::Path::Key(&root, name), "missing", "is required in an EventBridge event");
    }
    let found = text("source").zip(text("detail-type"));
    let (source, detail_type) = faults.into_result(found)?;
    Ok(BusEvent {
        detail_type: detail_type.to_owned(),
        caller: Caller::of_event(source),
        detail: event.get("detail").cloned().unwrap_or_default(),
        deadline,
    })
}
