//! What moves through the local cloud: events from the bus into queues, messages to functions and to dead letters.

use std::collections::BTreeSet;
use std::future::pending;
use std::time::Duration;

use domain::time::Instant;
use serde_json::{Value, json};
use tracing::{error, warn};

use super::{Cloud, wall_clock};
use crate::queue::{Message, QueueError, batch, fair, message_id};
use crate::template::{Function, Queue, QueueSource};
use crate::webhook;

/// How often queues are looked at while nothing is announced: messages become visible by time, too.
const IDLE: Duration = Duration::from_millis(200);

/// What is done in rounds.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// Messages and records go to functions.
    Deliver,
    /// Events go to the webhook.
    Post,
}

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is larger than EventBridge takes.
    #[error("an event may have {} bytes", Cloud::EVENT_BYTES_MAX)]
    TooLarge,
    /// It could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Why messages were not put back.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// No queue leaves its messages there.
    #[error("{queue} is no dead-letter queue; there are {}", dead_letters.join(", "))]
    Unknown {
        /// What was asked for.
        queue: String,
        /// What there is.
        dead_letters: Vec<String>,
    },
    /// The queues cannot be read or written.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// The messages of one queue.
#[derive(Debug, serde::Serialize)]
pub struct QueueContent {
    /// Its logical id.
    pub queue: String,
    /// How many messages it holds, hidden ones among them.
    pub depth: usize,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
}

impl Cloud {
    /// The largest event taken, as in EventBridge and SQS.
    pub const EVENT_BYTES_MAX: usize = 256 * 1024;

    /// Puts an event on the bus and returns how many queues took it. What a queue does not take goes to the dead letters
    /// of the rule.
    pub async fn put_event(&self, detail_type: &str, source: &str, detail: Value) -> Result<usize, EventError> {
        let now = wall_clock();
        let event = bus_event(detail_type, source, &detail, now);
        let body = event.to_string();
        if body.len() > Self::EVENT_BYTES_MAX {
            return Err(EventError::TooLarge);
        }
        let rules = self.template.rules.iter().filter(|rule| rule.takes(detail_type, &detail));
        let mut taken = 0_usize;
        for target in rules.flat_map(|rule| &rule.targets) {
            match target.group_field.as_ref().map(|field| group(&detail, field)).transpose() {
                Ok(group) => {
                    self.queues.send(&target.queue, body.clone(), group, now).await?;
                    taken = taken.saturating_add(1);
                }
                Err(reason) => {
                    if let Some(dead_letters) = &target.dead_letters {
                        self.queues.bury(dead_letters, body.clone(), reason, now).await?;
                    }
                }
            }
        }
        self.announced.notify_one();
        Ok(taken)
    }

    /// One round over all queues: delivers one batch of each to its function. Returns how many messages moved; zero
    /// means that nothing is to be done now.
    pub async fn pump(&self) -> Result<usize, QueueError> {
        let mut moved = 0_usize;
        for instance in self.instances.values() {
            for source in &instance.function.queues {
                if let Some(queue) = self.template.queue(&source.queue) {
                    moved = moved.saturating_add(self.deliver(&instance.function, source, queue).await?);
                }
            }
        }
        Ok(moved)
    }

    async fn deliver(&self, function: &Function, source: &QueueSource, queue: &Queue) -> Result<usize, QueueError> {
        let received = self.queues.receive(queue, source.batch_size, wall_clock()).await?;
        let messages = received.messages;
        let moved = messages.len().saturating_add(received.redriven);
        if received.redriven > 0 {
            warn!(queue = queue.id, count = received.redriven, "gave up messages of {}", queue.id);
        }
        if messages.is_empty() {
            return Ok(moved);
        }
        let answer = self.invoke(&function.name, batch::event(&queue.id, &messages)).await;
        let failed = match &answer {
            Ok(answer) if source.reports_failures => batch::failures(answer, &messages),
            Ok(_) => BTreeSet::new(),
            Err(_) => messages.iter().map(|message| message.id.clone()).collect(),
        };
        for message in &messages {
            if failed.contains(&message.id) {
                let reason = match &answer {
                    // A function's answer names messages and no reasons.
                    Ok(_) => {
                        format!("{} could not handle it; its log says why: search it for {}", function.name, message.id)
                    }
                    Err(fault) => fault.to_string(),
                };
                self.queues.retry(queue, message, &reason, wall_clock()).await?;
            } else {
                self.queues.delete(queue, message).await?;
            }
        }
        Ok(moved)
    }

    /// Puts the messages of a dead-letter queue back into the queue that gave them up, and returns how many, and which
    /// queue that is: one of the template's, or the webhook's.
    pub async fn redrive(&self, dead_letters: &str) -> Result<(usize, String), RedriveError> {
        let webhook = webhook::Webhook::queue();
        let queues = || self.template.queues.iter().chain([&webhook]);
        let is_source = |queue: &&Queue| queue.redrive.as_ref().is_some_and(|redrive| redrive.queue == dead_letters);
        let Some(queue) = queues().find(is_source) else {
            let all = queues().filter_map(|queue| Some(queue.redrive.as_ref()?.queue.clone()));
            return Err(RedriveError::Unknown { queue: dead_letters.to_owned(), dead_letters: all.collect() });
        };
        let moved = self.queues.put_back(dead_letters, queue, wall_clock()).await?;
        self.announced.notify_one();
        Ok((moved, queue.id.clone()))
    }

    /// One round over everything that waits.
    async fn pump_all(&self) -> Result<usize, QueueError> {
        let (queued, streamed) = (self.pump().await?, self.pump_streams().await?);
        Ok(queued.saturating_add(streamed))
    }

    /// Delivers messages as they come, until `stop` resolves; a batch under way is finished. What is posted is posted
    /// beside that, so that whoever takes its time over an answer holds up no order; a post under way is given up, and
    /// made again by whoever comes next.
    pub async fn consume(&self, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = self.rounds(Work::Deliver, stop) => {}
            () = self.rounds(Work::Post, pending()) => {}
        }
    }

    /// One round after the other, until `stop` resolves: at once while anything moves, or is there to deliver.
    async fn rounds(&self, work: Work, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let moved = match work {
                Work::Deliver => self.pump_all().await,
                Work::Post => self.post_events().await,
            };
            let pause = match moved {
                Ok(0) => IDLE,
                Ok(_) => Duration::ZERO,
                Err(fault) => {
                    error!(fault = %fault, "queues cannot be read");
                    IDLE
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = self.announced.notified(), if matches!(work, Work::Deliver) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// What all queues hold.
    pub async fn queues(&self) -> Result<Vec<QueueContent>, QueueError> {
        let mut contents = Vec::new();
        for queue in &self.template.queues {
            let messages = self.queues.messages(&queue.id).await?;
            contents.push(QueueContent { queue: queue.id.clone(), depth: messages.len(), messages });
        }
        for queue in [webhook::QUEUE, webhook::DEAD_LETTERS].into_iter().filter(|_| self.webhook.is_some()) {
            let messages = self.queues.messages(queue).await?;
            contents.push(QueueContent { queue: queue.to_owned(), depth: messages.len(), messages });
        }
        Ok(contents)
    }
}

/// An event as the bus hands it on.
pub(crate) fn bus_event(detail_type: &str, source: &str, detail: &Value, now: Instant) -> Value {
    json!({
        "version": "0",
        "id": message_id(now),
        "detail-type": detail_type,
        "source": source,
        "account": "000000000000",
        "time": Instant::from_ms(now.as_ms().div_euclid(1000).saturating_mul(1000)).to_string(),
        "region": crate::connector::REGION,
        "resources": [],
        "detail": detail,
    })
}

/// In whose name an event waits; or why SQS would not take it in that name.
fn group(detail: &Value, field: &str) -> Result<String, String> {
    let name = detail.get(field).and_then(Value::as_str).filter(|name| fair::is_group(name));
    name.map(str::to_owned).ok_or_else(|| format!("{field} of its detail cannot be the group that it waits in"))
}
