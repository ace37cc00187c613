//! The way to the embedded tables, with what a network and a distributed database do to it.
//!
//! The emulator never shows a stale read, a crossing transaction or an answer that got lost, and DynamoDB shows them
//! all. This wraps it below the SDK, so that everything above is what runs in Lambda. It also sums the request units
//! that the endpoint reports.

mod passing;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use dynoxide::Database;
use local::connector::{self, Embedded};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

/// Key attributes of the tables; where a table's name ends so, these make its key.
const KEYS: [(&str, &[&str]); 6] = [
    ("accounts", &["account_id"]),
    ("orders", &["order_key"]),
    ("ledger", &["account_id", "sk"]),
    ("codes", &["code", "sk"]),
    ("programs", &["program", "sk"]),
    ("metrics", &["metric", "period"]),
];

/// How old an eventually consistent read may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Staleness {
    /// It is not.
    #[default]
    None,
    /// It shows the item as it was this many writes ago.
    Behind(usize),
    /// It shows the item as it was before anything was written.
    Oldest,
    /// Any version, drawn anew for every read.
    Any,
}

/// Request units, in halves of a unit, so that sums stay exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Units {
    /// Halves of read units.
    pub read_halves: u64,
    /// Halves of write units.
    pub write_halves: u64,
    /// Requests sent.
    pub requests: u64,
}

/// An action on a table or a queue, as policies name them: `("PutItem", "orders")`.
pub type Call = (String, String);

#[derive(Default)]
struct State {
    history: HashMap<String, Vec<Option<Value>>>,
    staleness: Staleness,
    stale_reads: u64,
    conflicts: u32,
    passing: u32,
    lost_requests: u32,
    lost_answers: u32,
    /// What is to happen to requests that name something, and to how many.
    named: Vec<(String, Named, u32)>,
    named_met: u32,
    /// Where a scan begins that is to go on after an empty page.
    scan_starts: Vec<Value>,
    /// Of a thousand transactions, how many meet each of the three.
    trouble_per_mille: u32,
    units: Option<Units>,
    calls: Option<BTreeSet<Call>>,
    random: Option<fastrand::Rng>,
}

/// The embedded tables behind a network that can be told to misbehave. Clones share everything.
#[derive(Clone)]
pub struct Network {
    pub(crate) inner: Embedded,
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl Network {
    /// A network that behaves, in front of a new database in memory.
    pub fn new() -> Self {
        Self::over(Database::memory().unwrap())
    }

    /// A network that behaves, in front of this database.
    pub fn over(database: Database) -> Self {
        Self { inner: Embedded::new(database), state: Arc::default() }
    }

    /// A client that goes through it.
    pub fn client(&self) -> Client {
        connector::client_over(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on eventually consistent reads of single items are as stale as this.
    pub fn stale_reads(&self, staleness: Staleness) {
        self.state().staleness = staleness;
    }

    /// How many reads showed something else than what is stored.
    pub fn stale_reads_shown(&self) -> u64 {
        self.state().stale_reads
    }

    /// The next transactions are cancelled because they cross others.
    pub fn cross_transactions(&self, count: u32) {
        self.state().conflicts = count;
    }

    /// The next transactions are committed, and their answers get lost.
    pub fn lose_answers(&self, count: u32) {
        self.state().lost_answers = count;
    }

    /// The next requests whose body names this are refused, as by a service that is overburdened.
    pub fn refuse_about(&self, text: &str, count: u32) {
        self.state().named.push((text.to_owned(), Named::Refused, count));
    }

    /// Whoever sends one of the next requests whose body names this panics.
    pub fn panic_about(&self, text: &str, count: u32) {
        self.state().named.push((text.to_owned(), Named::Panics, count));
    }

    /// The next scans whose body names this answer an empty page that is not the last.
    pub fn empty_page_about(&self, text: &str, count: u32) {
        self.state().named.push((text.to_owned(), Named::EmptyPage, count));
    }

    /// How many requests met what was to happen to those that name something.
    pub fn named_met(&self) -> u32 {
        self.state().named_met
    }

    /// Everything goes wrong at random: any staleness, and of a thousand transactions so many each cross others, do not
    /// arrive, or lose their answer.
    pub fn trouble(&self, seed: u64, per_mille: u32) {
        let mut state = self.state();
        state.staleness = Staleness::Any;
        state.trouble_per_mille = per_mille;
        state.random = Some(fastrand::Rng::with_seed(seed));
    }

    /// Everything behaves again.
    pub fn calm(&self) {
        let mut state = self.state();
        state.staleness = Staleness::None;
        state.trouble_per_mille = 0;
        (state.passing, state.conflicts, state.lost_requests, state.lost_answers) = (0, 0, 0, 0);
        state.named.clear();
    }

    /// Starts to sum request units.
    pub fn record_units(&self) {
        self.state().units = Some(Units::default());
    }

    /// The units since [`Self::record_units`]; ends the recording.
    pub fn units(&self) -> Units {
        self.state().units.take().unwrap_or_default()
    }

    /// Starts to note which actions are asked of which tables.
    pub fn record_calls(&self) {
        self.state().calls = Some(BTreeSet::new());
    }

    /// The actions since [`Self::record_calls`]; ends the recording.
    pub fn calls(&self) -> BTreeSet<Call> {
        self.state().calls.take().unwrap_or_default()
    }

    async fn answer(self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        // The call below is synchronous; this lets clients that run at once really cross.
        tokio::task::yield_now().await;
        let operation = request.headers().get("x-amz-target").and_then(|target| target.split_once('.'));
        let operation = operation.map(|(_, operation)| operation.to_owned()).unwrap_or_default();
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap();
        if let Some(noted) = &mut self.state().calls {
            noted.extend(calls(&operation, &body));
        }
        let met = self.met(&body);
        match met {
            Some(Named::Refused) => return Ok(throttled()),
            Some(Named::Panics) => panic!("a request that makes its sender panic"),
            Some(Named::EmptyPage) => return Ok(self.empty_page(&body)),
            None => {}
        }
        if let Some(start) = self.start_of_scan(&body) {
            body["ExclusiveStartKey"] = start;
            *request.body_mut() = SdkBody::from(body.to_string());
        }
        if let Some(stale) = self.stale_answer(&operation, &body) {
            return Ok(response(200, &stale));
        }
        let fate = if operation == "TransactWriteItems" { self.fate() } else { Fate::Fine };
        match fate {
            Fate::Crossed => return Ok(crossed(&body)),
            Fate::RequestLost => return Err(ConnectorError::io("the connection was closed".into())),
            Fate::Fine | Fate::AnswerLost => {}
        }
        let recording = self.state().units.is_some();
        if recording && METERED.contains(&operation.as_str()) {
            body["ReturnConsumedCapacity"] = json!("TOTAL");
            *request.body_mut() = SdkBody::from(body.to_string());
        }
        // Held across the call, so that the history has the order in which things were written.
        let mut state = self.state();
        let answer = ready(HttpConnector::call(&self.inner, request))?;
        if answer.status().is_success() {
            state.remember(&operation, &body);
        }
        if recording {
            state.meter(&operation, answer.body().bytes().unwrap_or_default());
        }
        if fate == Fate::AnswerLost {
            return Err(ConnectorError::io("the connection was closed".into()));
        }
        Ok(answer)
    }

    /// What is to happen to this request for what it names.
    fn met(&self, body: &Value) -> Option<Named> {
        let state = &mut *self.state();
        if state.named.is_empty() {
            return None;
        }
        let text = body.to_string();
        let rule = state.named.iter_mut().find(|(name, _, count)| *count > 0 && text.contains(name.as_str()));
        let (_, named, count) = rule?;
        *count -= 1;
        state.named_met += 1;
        Some(*named)
    }

    /// An empty page after which the scan goes on where this one was to begin.
    fn empty_page(&self, body: &Value) -> HttpResponse {
        let state = &mut *self.state();
        state.scan_starts.push(body["ExclusiveStartKey"].clone());
        let place = format!("{SCAN_START}{}", state.scan_starts.len() - 1);
        response(200, &json!({"Items": [], "Count": 0, "LastEvaluatedKey": {"account_id": {"S": place}}}))
    }

    /// Where a scan really begins that goes on after an empty page.
    fn start_of_scan(&self, body: &Value) -> Option<Value> {
        let place = body.pointer("/ExclusiveStartKey/account_id/S")?.as_str()?.strip_prefix(SCAN_START)?;
        Some(self.state().scan_starts[place.parse::<usize>().unwrap()].clone())
    }

    /// What happens to a transaction.
    fn fate(&self) -> Fate {
        let state = &mut *self.state();
        for (count, fate) in [
            (&mut state.passing, Fate::Fine),
            (&mut state.conflicts, Fate::Crossed),
            (&mut state.lost_requests, Fate::RequestLost),
            (&mut state.lost_answers, Fate::AnswerLost),
        ] {
            if *count > 0 {
                *count -= 1;
                return fate;
            }
        }
        let per_mille = state.trouble_per_mille;
        let drawn = state.random.as_mut().map_or(u32::MAX, |random| random.u32(0..1000));
        match drawn {
            _ if per_mille == 0 => Fate::Fine,
            _ if drawn < per_mille => Fate::Crossed,
            _ if drawn < 2 * per_mille => Fate::RequestLost,
            _ if drawn < 3 * per_mille => Fate::AnswerLost,
            _ => Fate::Fine,
        }
    }

    /// The answer of a replica that lags behind; `None` where the read is to be a current one.
    fn stale_answer(&self, operation: &str, body: &Value) -> Option<Value> {
        let state = &mut *self.state();
        if state.staleness == Staleness::None {
            return None;
        }
        match operation {
            "GetItem" if body["ConsistentRead"] != json!(true) => {
                let table = body["TableName"].as_str()?;
                Some(state.stale_item(table, &body["Key"])?.map_or(json!({}), |item| json!({ "Item": item })))
            }
            "BatchGetItem" => {
                let mut responses = serde_json::Map::new();
                for (table, asked) in body["RequestItems"].as_object()? {
                    if asked["ConsistentRead"] == json!(true) {
                        return None;
                    }
                    let items: Option<Vec<_>> =
                        asked["Keys"].as_array()?.iter().map(|key| state.stale_item(table, key)).collect();
                    responses.insert(table.clone(), items?.into_iter().flatten().collect());
                }
                Some(json!({ "Responses": responses, "UnprocessedKeys": {} }))
            }
            _ => None,
        }
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

const METERED: [&str; 7] =
    ["TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem", "GetItem", "BatchGetItem", "Query"];

/// Marks the places after empty pages.
const SCAN_START: &str = "empty-page-";

/// What happens to a request for what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Refused,
    Panics,
    EmptyPage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    Crossed,
    RequestLost,
    AnswerLost,
}

/// What a request asks of which tables. A transaction asks what its items ask. Of the metrics table it says which
/// partition, since policies do. The local queues stand in a table, too: a message in it was sent to its queue.
fn calls(operation: &str, body: &Value) -> Vec<Call> {
    if body["TableName"].as_str().is_some_and(|table| table.ends_with("local-queues")) {
        let queue = body["Item"]["queue"]["S"].as_str().unwrap_or("no queue").to_owned();
        return vec![("SendMessage".to_owned(), queue)];
    }
    let call = |action: &str, asked: &Value| {
        let table = asked["TableName"].as_str().unwrap_or("no table");
        let index = asked["IndexName"].as_str().map(|index| format!("{table}/index/{index}"));
        let places = ["/Key/metric/S", "/Item/metric/S", "/ExpressionAttributeValues/:metric/S"];
        let metric = places.iter().find_map(|place| asked.pointer(place)?.as_str());
        let partition = metric.map(|metric| format!("{table}/{metric}"));
        (action.to_owned(), index.or(partition).unwrap_or_else(|| table.to_owned()))
    };
    let items = body["TransactItems"].as_array().into_iter().flatten();
    let mut calls: Vec<_> = items
        .flat_map(|item| item.as_object().into_iter().flatten())
        .map(|(kind, asked)| match kind.as_str() {
            "ConditionCheck" => call("ConditionCheckItem", asked),
            kind => call(&format!("{kind}Item"), asked),
        })
        .collect();
    if let Some(tables) = body["RequestItems"].as_object() {
        calls.extend(tables.keys().map(|table| (operation.to_owned(), table.clone())));
    }
    if body["TableName"].is_string() {
        calls.push(call(operation, body));
    }
    calls
}

fn place(table: &str, item: &Value) -> Option<String> {
    let (_, key) = KEYS.iter().find(|(name, _)| table.ends_with(name))?;
    let key: Vec<_> = key.iter().map(|name| item[name].to_string()).collect();
    Some(format!("{table}/{}", key.join("/")))
}

impl State {
    /// The item as a lagging replica has it; outer `None` for a table whose history is not kept.
    fn stale_item(&mut self, table: &str, key: &Value) -> Option<Option<Value>> {
        let place = place(table, key)?;
        let Some(versions) = self.history.get(&place) else { return Some(None) };
        let newest = versions.len();
        let index = match self.staleness {
            Staleness::None => newest,
            Staleness::Behind(count) => newest.saturating_sub(count),
            Staleness::Oldest => 0,
            Staleness::Any => self.random.get_or_insert_with(|| fastrand::Rng::with_seed(1)).usize(0..=newest),
        };
        self.stale_reads += u64::from(index < newest);
        // Before its first write there was nothing.
        Some(index.checked_sub(1).and_then(|index| versions[index].clone()))
    }

    fn remember(&mut self, operation: &str, body: &Value) {
        match operation {
            "PutItem" | "DeleteItem" => self.note(body),
            "TransactWriteItems" => {
                let writes =
                    body["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
                writes.filter(|(kind, _)| *kind != "ConditionCheck").for_each(|(_, write)| self.note(write));
            }
            _ => {}
        }
    }

    /// Notes what a write leaves of its item. An update sets attributes to values, and does nothing else.
    fn note(&mut self, write: &Value) {
        let put = Some(&write["Item"]).filter(|item| item.is_object());
        let Some(place) = write["TableName"].as_str().and_then(|table| place(table, put.unwrap_or(&write["Key"])))
        else {
            return;
        };
        let versions = self.history.entry(place).or_default();
        let updated = write["UpdateExpression"].as_str().map(|expression| {
            let mut item = versions.last().cloned().flatten().unwrap();
            for (name, value) in expression["SET ".len()..].split(", ").map(|set| set.split_once(" = ").unwrap()) {
                item[name] = write["ExpressionAttributeValues"][value].clone();
            }
            item
        });
        versions.push(put.cloned().or(updated));
    }

    fn meter(&mut self, operation: &str, answer: &[u8]) {
        let Some(units) = &mut self.units else { return };
        units.requests += 1;
        let answer: Value = serde_json::from_slice(answer).unwrap();
        let consumed = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().collect(),
            one => vec![one],
        };
        let sum: f64 = consumed.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum();
        let halves = (sum * 2.0).round() as u64;
        match operation {
            "GetItem" | "BatchGetItem" | "Query" => units.read_halves += halves,
            _ => units.write_halves += halves,
        }
    }
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

fn throttled() -> HttpResponse {
    let kind = "com.amazonaws.dynamodb.v20120810#ThrottlingException";
    response(400, &json!({"__type": kind, "message": "Throughput exceeds the current capacity"}))
}

fn crossed(body: &Value) -> HttpResponse {
    let items = body["TransactItems"].as_array().map_or(1, Vec::len);
    let reason = |index| match index {
        0 => json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}),
        _ => json!({"Code": "None"}),
    };
    let reasons: Vec<_> = (0..items).map(reason).collect();
    let message = "Transaction cancelled, please refer cancellation reasons for specific reasons";
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    response(400, &json!({"__type": kind, "Message": message, "CancellationReasons": reasons}))
}

/// The value of a future that is ready, as the embedded connector's are.
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the embedded database answers at once"),
    }
}

impl HttpClient for Network {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer(request))
    }
}
