//! The pump of streams: what Lambda does with the records of a table for a function.
//!
//! Records are handed over in their order, a batch at a time. An answer that names records is read as Lambda reads it:
//! all before the first of them are done with, it and all after it come again, those that were handled among them.
//! Where the first of a batch fails, the batch is halved until it is alone; alone it is tried again up to a count and
//! an age, and then put aside into the queue of dead letters, so that it holds the others up no longer.

use super::{Cloud, wall_clock};
use crate::queue::QueueError;
use crate::stream::dead_letter::{self, Why};
use crate::stream::{Noted, Tap, arn};
use crate::template::{Function, StreamSource, Template};
use crate::webhook::Webhook;
use domain::time::Instant;
use serde_json::{Value, json};
use std::time::Duration;

/// Most events that are posted in one round: a receiver that hangs holds up others for seconds, not minutes.
const POSTED_MAX: usize = 2;
/// Longest rest before a record that fails is tried again, in rests after a first failure.
const RESTS_MAX: u32 = 60;

/// How far a function is with a stream whose first record fails.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Records of the next batch; 0: as many as there may be.
    size: usize,
    /// How often the first record failed when it was alone.
    tries: u64,
    /// When it is tried again.
    again_at: Option<Instant>,
}

/// What listens to the tables whose streams functions consume.
pub fn taps<'t>(template: &'t Template, prefix: &'t str) -> impl Iterator<Item = Tap> + 't {
    let sources = template.functions.iter().flat_map(|function| &function.streams);
    sources.filter_map(move |source| {
        let table = template.tables.iter().find(|table| table.id == source.table)?;
        Some(Tap::new(prefix, &table.name, table.key.clone(), source.pattern.clone()))
    })
}

impl Cloud {
    /// One round over all streams: hands one batch of each to its function. Returns how many records were done with;
    /// zero means that nothing is to be done now.
    pub async fn pump_streams(&self) -> Result<usize, QueueError> {
        let mut progress = self.progress.lock().await;
        let mut moved = 0_usize;
        for instance in self.instances.values() {
            for source in &instance.function.streams {
                let of = (instance.function.name.clone(), source.table.clone());
                let progress = progress.entry(of).or_default();
                moved = moved.saturating_add(self.hand_over(&instance.function, source, progress).await?);
            }
        }
        Ok(moved)
    }

    /// Posts what waits for the webhook. Returns how many events moved.
    pub async fn post_events(&self) -> Result<usize, QueueError> {
        let Some(webhook) = &self.webhook else { return Ok(0) };
        let queue = Webhook::queue();
        let received = self.queues.receive(&queue, POSTED_MAX, wall_clock()).await?;
        if received.redriven > 0 {
            tracing::error!(count = received.redriven, "gave up events that {} does not take", webhook.place());
        }
        for message in &received.messages {
            match webhook.post(message, wall_clock()).await {
                Ok(()) => self.queues.delete(&queue, message).await?,
                Err(reason) => {
                    tracing::warn!(message.id = %message.id, "{} took no event: {reason}", webhook.place());
                    self.queues.retry(&queue, message, &reason, wall_clock()).await?;
                }
            }
        }
        Ok(received.messages.len().saturating_add(received.redriven))
    }

    async fn hand_over(
        &self,
        function: &Function,
        source: &StreamSource,
        progress: &mut Progress,
    ) -> Result<usize, QueueError> {
        let now = wall_clock();
        if progress.again_at.is_some_and(|again_at| now < again_at) {
            return Ok(0);
        }
        let Some(table) = self.name_of(&source.table) else { return Ok(0) };
        let most = if progress.size == 0 { source.batch_size } else { progress.size };
        let batch = self.streams.earliest(&table, most).await?;
        if batch.is_empty() {
            return Ok(0);
        }
        let done = self.handled(function, source, &table, &batch).await;
        if let Some(handled) = batch.get(..done).filter(|handled| !handled.is_empty()) {
            self.streams.forget(&table, handled).await?;
            *progress = Progress::default();
            return Ok(handled.len());
        }
        let [first, others @ ..] = &batch[..] else { return Ok(0) };
        if source.bisects && !others.is_empty() {
            progress.size = batch.len().div_ceil(2);
            return Ok(1);
        }
        progress.size = 1;
        progress.tries = progress.tries.saturating_add(1);
        let age_ms = now.as_ms().saturating_sub(first.at.as_ms());
        let too_old = u64::try_from(age_ms.div_euclid(1_000)).unwrap_or_default() > source.age_s_max;
        let why = if too_old { Why::Age } else { Why::Tries };
        if !too_old && progress.tries <= source.retries_max {
            progress.again_at = Some(now.plus_ms(self.rest_ms(progress.tries)));
            return Ok(usize::from(self.retry_delay.is_zero()));
        }
        self.give_up(function, source, (&table, first), progress.tries, why).await?;
        *progress = Progress::default();
        Ok(1)
    }

    /// How many records of a batch are done with: all before the first that failed.
    async fn handled(&self, function: &Function, source: &StreamSource, table: &str, batch: &[Noted]) -> usize {
        // The table's time is the machine's; a function compares it with its own.
        let offset_ms = self.clock.now().as_ms().saturating_sub(wall_clock().as_ms());
        let mut records: Vec<_> = batch.iter().map(|noted| noted.record(table, offset_ms)).collect();
        for record in &mut records {
            if let Some(fields) = record.as_object_mut() {
                fields.insert("eventSourceARN".to_owned(), json!(arn(table)));
            }
        }
        match self.invoke(&function.name, json!({ "Records": records })).await {
            Ok(answer) if source.reports_failures => first_failure(&answer, batch),
            Ok(_) => batch.len(),
            Err(_) => 0,
        }
    }

    async fn give_up(
        &self,
        function: &Function,
        source: &StreamSource,
        (table, first): (&str, &Noted),
        tries: u64,
        why: Why,
    ) -> Result<(), QueueError> {
        let Noted { number, .. } = first;
        tracing::error!(record = %number, "gave up record {number} of the stream of {table}");
        if let Some(queue) = self.template.queue(&source.dead_letters) {
            let body = dead_letter::message(&function.name, table, first, tries, why, wall_clock());
            self.queues.send(&queue.id, body, None, wall_clock()).await?;
        }
        self.streams.forget(table, std::slice::from_ref(first)).await
    }

    fn rest_ms(&self, tries: u64) -> i64 {
        let rests = u32::try_from(tries).unwrap_or(RESTS_MAX).min(RESTS_MAX);
        let rest: Duration = self.retry_delay.saturating_mul(rests);
        i64::try_from(rest.as_millis()).unwrap_or(i64::MAX)
    }

    /// What a table of the template is called here.
    fn name_of(&self, id: &str) -> Option<String> {
        self.template.tables.iter().find(|table| table.id == id).map(|table| self.table_name(table))
    }
}

/// The place of the first record that an answer names; after the last, where it names none. As in Lambda an answer that
/// cannot be read, or names what was not handed over, is a failure of all.
fn first_failure(answer: &Value, batch: &[Noted]) -> usize {
    let failures = match answer.get("batchItemFailures") {
        None | Some(Value::Null) if answer.is_object() || answer.is_null() => return batch.len(),
        Some(Value::Array(failures)) => failures,
        _ => return 0,
    };
    let place = |failure: &Value| {
        let number = failure.get("itemIdentifier").and_then(Value::as_str)?;
        batch.iter().position(|noted| noted.number == number)
    };
    let places: Option<Vec<_>> = failures.iter().map(place).collect();
    places.map_or(0, |places| places.into_iter().min().unwrap_or(batch.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_begins_with_the_first_that_failed() {
        let noted = |number: &str| Noted {
            number: number.to_owned(),
            at: Instant::MIN,
            event: "INSERT".to_owned(),
            written: Value::Null,
        };
        let batch = [noted("1"), noted("2"), noted("3")];
        let failed = |names: &[&str]| {
            let failures: Vec<_> = names.iter().map(|name| json!({ "itemIdentifier": name })).collect();
            json!({ "batchItemFailures": failures })
        };
        let rows = [
            (json!(null), 3),
            (json!({}), 3),
            (json!({"batchItemFailures": null}), 3),
            (failed(&[]), 3),
            (failed(&["3", "2"]), 1),
            (failed(&["1", "2", "3"]), 0),
            (failed(&["3", "4"]), 0),
            (failed(&[""]), 0),
            (json!({"batchItemFailures": [{"id": "2"}]}), 0),
            (json!({"batchItemFailures": "2"}), 0),
            (json!("done"), 0),
        ];
        for (answer, done) in rows {
            assert_eq!(first_failure(&answer, &batch), done, "{answer}");
        }
    }
}
