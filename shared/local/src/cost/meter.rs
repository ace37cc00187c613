//! The way to the embedded tables, with a meter: request units, as DynamoDB reports them, and the entries that were
//! written, as its stream would hand them on.

use super::bill::Usage;
use crate::connector::{self, Embedded};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use dynoxide::Database;
use serde_json::{Value, json};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What reads, and what writes.
const READS: [&str; 5] = ["GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"];
const WRITES: [&str; 5] = ["TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"];

/// A meter in front of an embedded database. Clones are the same meter.
#[derive(Clone)]
pub(super) struct Meter {
    inner: Embedded,
    /// `None` while nobody looks.
    count: Arc<Mutex<Option<Usage>>>,
    /// What was put meanwhile: key and content.
    put: Arc<Mutex<Vec<Value>>>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meter")
    }
}

impl Meter {
    pub(super) fn new(database: Database) -> Self {
        Self { inner: Embedded::new(database), count: Arc::default(), put: Arc::default() }
    }

    /// A client that goes through it.
    pub(super) fn client(&self) -> Client {
        connector::client_over(self.clone())
    }

    /// Starts at zero.
    pub(super) fn start(&self) {
        self.set(Some(Usage::default()));
    }

    /// What was used since it started; it stands still from then on.
    pub(super) fn stop(&self) -> Usage {
        self.set(None).unwrap_or_default()
    }

    /// The entries of the ledger that were written since this was asked last, each as a record of a stream has it.
    pub(super) fn entries(&self) -> Vec<Value> {
        std::mem::take(&mut *self.put.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, written: Vec<Value>) {
        self.put.lock().unwrap_or_else(PoisonError::into_inner).extend(written);
    }

    fn set(&self, usage: Option<Usage>) -> Option<Usage> {
        std::mem::replace(&mut *self.count.lock().unwrap_or_else(PoisonError::into_inner), usage)
    }

    fn is_on(&self) -> bool {
        self.count.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn add(&self, is_write: bool, halves: u64) {
        if let Some(usage) = &mut *self.count.lock().unwrap_or_else(PoisonError::into_inner) {
            let sum = if is_write { &mut usage.write_halves } else { &mut usage.read_halves };
            *sum = sum.saturating_add(halves);
        }
    }
}

impl HttpClient for Meter {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Meter {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.split_once('.'));
        let operation = operation.map(|(_, operation)| operation.to_owned()).unwrap_or_default();
        let is_write = WRITES.contains(&operation.as_str());
        if !self.is_on() || !(is_write || READS.contains(&operation.as_str())) {
            return self.inner.call(request);
        }
        let body = request.body().bytes().unwrap_or_default();
        let mut body: Value = match serde_json::from_slice(body) {
            Ok(body) => body,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        if let Some(fields) = body.as_object_mut() {
            fields.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
        }
        *request.body_mut() = SdkBody::from(body.to_string());
        let written = entries(&body);
        let (meter, answer) = (self.clone(), self.inner.call(request));
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            let body: Value = serde_json::from_slice(answer.body().bytes().unwrap_or_default()).unwrap_or_default();
            meter.add(is_write, halves(&body));
            if answer.status().is_success() {
                meter.note(written);
            }
            Ok(answer)
        })
    }
}

/// The entries that a transaction writes.
fn entries(request: &Value) -> Vec<Value> {
    let writes = request.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
    let items = writes.filter_map(|write| write.get("Put")?.get("Item"));
    let text = |item: &Value, name: &str| Some(item.get(name)?.get("S")?.as_str()?.to_owned());
    let entries = items.filter_map(|item| {
        let (account, sk) = (text(item, "account_id")?, text(item, "sk").filter(|sk| sk.starts_with("E#"))?);
        Some(json!({"Keys": {"account_id": {"S": account}, "sk": {"S": sk}}, "NewImage": item}))
    });
    entries.collect()
}

/// Halves of units that an answer reports, of one table or of several.
fn halves(answer: &Value) -> u64 {
    let consumed = answer.get("ConsumedCapacity");
    let tables = match consumed {
        Some(Value::Array(tables)) => tables.iter().collect(),
        one => Vec::from_iter(one),
    };
    let units = tables.iter().filter_map(|table| table.get("CapacityUnits"));
    // As text, so that nothing is rounded: units come in halves.
    let halves = units.filter_map(|units| domain::money::parse_decimal(&units.to_string(), 1).ok());
    let tenths = halves.filter_map(|tenths| u64::try_from(tenths).ok()).fold(0_u64, u64::saturating_add);
    tenths / 5
}
