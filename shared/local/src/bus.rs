//! The bus for events, on this machine: EventBridge as far as the functions use it.
//!
//! What was put on it is kept for a look, the latest of it, and handed on to a webhook where there is one.

use crate::cloud::{Cloud, wall_clock};
use crate::connector::{REGION, response};
use crate::queue::{Queues, message_id};
use crate::template::Queue;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use domain::time::Instant;
use runtime::aws_sdk_eventbridge::config::retry::RetryConfig;
use runtime::aws_sdk_eventbridge::config::timeout::TimeoutConfig;
use runtime::aws_sdk_eventbridge::config::{BehaviorVersion, Credentials, HttpClient, Region, RuntimeComponents};
use runtime::aws_sdk_eventbridge::{Client, Config};
use runtime::bus::EVENTS_MAX;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What EventBridge's requests and answers are written in.
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Most events that are kept for a look.
pub const KEPT_MAX: usize = 1_000;

/// An event that was put on the bus.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sent {
    /// When it was.
    #[serde(rename = "sent_at")]
    pub at: Instant,
    /// Who put it there.
    pub source: String,
    /// What it is about.
    pub detail_type: String,
    /// What it says.
    pub detail: Value,
}

/// Which of them are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of this type, or of those that begin so where it ends with a `*`.
    pub kind: Option<String>,
    /// Only of this account.
    pub account: Option<String>,
}

/// How the bus misbehaves over an event: for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It refuses the event, and takes the others of the call.
    Refuses,
    /// It takes the event, and the function never hears of that.
    LosesAnswer,
    /// It does not answer the call.
    Silent,
}

/// The bus. Clones are the same bus.
#[derive(Clone)]
pub struct LocalBus {
    name: String,
    state: Arc<Mutex<State>>,
    webhook: Option<(Queues, Queue)>,
    announced: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// The latest last.
    sent: VecDeque<Sent>,
    /// What happens to events that name something, and to how many.
    trouble: Vec<(String, Trouble, u32)>,
}

impl fmt::Debug for LocalBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalBus")
    }
}

impl LocalBus {
    /// An empty bus. Its events go to `webhook`, where there is one, and `announced` is told.
    pub fn new(name: &str, webhook: Option<(Queues, Queue)>, announced: Arc<Notify>) -> Self {
        Self { name: name.to_owned(), state: Arc::default(), webhook, announced }
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .http_client(self.clone())
            .build();
        Client::from_conf(config)
    }

    /// The latest events that pass, newest first.
    pub fn latest(&self, filter: &Filter, most: usize) -> Vec<Sent> {
        let state = self.state();
        state.sent.iter().rev().filter(|sent| filter.passes(sent)).take(most).cloned().collect()
    }

    /// The next events that name `text` meet this trouble.
    pub fn trouble_about(&self, text: &str, trouble: Trouble, count: u32) {
        self.state().trouble.push((text.to_owned(), trouble, count));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        let (status, body) = match self.perform(operation, body).await? {
            Ok(answer) => (200, answer),
            Err((kind, message)) => (400, json!({ "__type": kind, "message": message })),
        };
        response(status, CONTENT_TYPE, body.to_string())
    }

    async fn perform(&self, operation: &str, body: &[u8]) -> Result<Result<Value, Refusal>, ConnectorError> {
        if operation != "AWSEvents.PutEvents" {
            return Ok(Err(("UnsupportedOperation", format!("{operation:?} is not offered here"))));
        }
        let request: PutEvents = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) => return Ok(Err(("ValidationException", error.to_string()))),
        };
        let bytes = request.entries.iter().map(Entry::bytes).fold(0, usize::saturating_add);
        if request.entries.is_empty() || request.entries.len() > EVENTS_MAX || bytes > Cloud::EVENT_BYTES_MAX {
            let (events, most) = (EVENTS_MAX, Cloud::EVENT_BYTES_MAX);
            let reason = format!("a call has 1 to {events} events and {most} bytes; not {bytes}");
            return Ok(Err(("ValidationException", reason)));
        }
        let mut answers = Vec::new();
        for entry in request.entries {
            answers.push(self.take(entry).await?);
        }
        let failed = answers.iter().filter(|answer| answer.get("ErrorCode").is_some()).count();
        Ok(Ok(json!({ "FailedEntryCount": failed, "Entries": answers })))
    }

    async fn take(&self, entry: Entry) -> Result<Value, ConnectorError> {
        let refused = |code: &str, message: &str| Ok(json!({ "ErrorCode": code, "ErrorMessage": message }));
        if entry.event_bus_name != self.name {
            return refused("ResourceNotFoundException", "there is no such bus");
        }
        let trouble = self.meets(&entry.detail);
        if trouble == Some(Trouble::Refuses) {
            return refused("InternalFailure", "the bus is overburdened");
        }
        if trouble == Some(Trouble::Silent) {
            return Err(closed());
        }
        let Ok(detail) = serde_json::from_str::<Value>(&entry.detail) else {
            return refused("MalformedDetail", "detail is malformed");
        };
        let now = wall_clock();
        if let Some((queues, queue)) = &self.webhook {
            let sent = queues.send(&queue.id, detail.to_string(), None, now).await;
            sent.map_err(|error| ConnectorError::other(error.into(), None))?;
        }
        let mut state = self.state();
        if state.sent.len() >= KEPT_MAX {
            state.sent.pop_front();
        }
        let Entry { source, detail_type, .. } = entry;
        state.sent.push_back(Sent { at: now, source, detail_type, detail });
        drop(state);
        self.announced.notify_one();
        match trouble {
            Some(Trouble::LosesAnswer) => Err(closed()),
            _ => Ok(json!({ "EventId": message_id(now) })),
        }
    }

    /// What is to happen to an event for what it names.
    fn meets(&self, detail: &str) -> Option<Trouble> {
        let mut state = self.state();
        let mut rules = state.trouble.iter_mut();
        let (_, trouble, count) = rules.find(|(text, _, count)| *count > 0 && detail.contains(text.as_str()))?;
        *count = count.saturating_sub(1);
        Some(*trouble)
    }
}

fn closed() -> ConnectorError {
    ConnectorError::io("the connection was closed".into())
}

/// Why a request is refused: the type of error, and in words.
type Refusal = (&'static str, String);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Entry {
    #[serde(rename = "Time")]
    _time: serde_json::Number,
    source: String,
    detail_type: String,
    detail: String,
    event_bus_name: String,
}

impl Entry {
    fn bytes(&self) -> usize {
        14_usize
            .saturating_add(self.source.len())
            .saturating_add(self.detail_type.len())
            .saturating_add(self.detail.len())
    }
}

impl Filter {
    fn passes(&self, sent: &Sent) -> bool {
        let kind = self.kind.as_deref().is_none_or(|kind| match kind.strip_suffix('*') {
            Some(beginning) => sent.detail_type.starts_with(beginning),
            None => sent.detail_type == kind,
        });
        let account = |account: &str| sent.detail.get("subject").and_then(Value::as_str) == Some(account);
        kind && self.account.as_deref().is_none_or(account)
    }
}

impl HttpClient for LocalBus {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for LocalBus {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let bus = self.clone();
        HttpConnectorFuture::new(async move { bus.answer(&request).await })
    }
}
