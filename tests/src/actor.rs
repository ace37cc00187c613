//! A cloud and those who trade with it.

use crate::network::{Network, Staleness, Units};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::ProgramName;
use domain::program::Program;
use domain::time::Instant;
use local::cloud::{Cloud as LocalCloud, Options, Storage};
use local::gateway::Response;
use runtime::Clock;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Index;
use std::sync::Arc;
use std::time::Duration;

/// The sample program.
pub const WHOLESALE: &str = include_str!("../../shared/local/programs/wholesale.json");

/// The instant of an RFC 3339 text.
pub fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap_or_else(|| panic!("{text} is no instant"))
}

/// When a test begins, unless it says otherwise.
pub const NOON: &str = "2011-03-01T12:00:00Z";

/// A cloud with an activated program and a clock that stands still. Clones share everything.
#[derive(Clone)]
pub struct Cloud {
    local: Arc<LocalCloud>,
    clock: Clock,
    network: Option<Network>,
}

impl Cloud {
    /// A cloud that runs the program `wholesale`.
    pub async fn start() -> Self {
        Self::with_program(serde_json::from_str(WHOLESALE).unwrap()).await
    }

    /// A cloud that runs `wholesale` with some of it changed.
    pub async fn with(change: impl FnOnce(&mut Value)) -> Self {
        let mut document = serde_json::from_str(WHOLESALE).unwrap();
        change(&mut document);
        Self::with_program(document).await
    }

    /// A cloud that runs this program.
    pub async fn with_program(document: Value) -> Self {
        let (storage, network) = match crate::endpoint() {
            None => {
                let network = Network::new();
                (Storage::Endpoint { client: network.client(), prefix: String::new() }, Some(network))
            }
            Some(_) => {
                let client = runtime::start::client_from_env().expect("credentials and region of the endpoint");
                let prefix = format!("test-{:016x}-", fastrand::u64(..));
                (Storage::Endpoint { client, prefix }, None)
            }
        };
        let cloud = Self::open(storage, network).await;
        cloud.activate(document).await;
        cloud
    }

    /// A cloud over any storage; nothing is activated.
    pub async fn open(storage: Storage, network: Option<Network>) -> Self {
        Self::open_with_secrets(storage, network, "1:a secret for tests only").await
    }

    /// A cloud whose codes and claims are made with these secrets.
    pub async fn open_with_secrets(storage: Storage, network: Option<Network>, secrets: &str) -> Self {
        let clock = Clock::manual(at(NOON));
        let mut options = Options { clock: clock.clone(), retry_delay: Duration::ZERO, ..Options::new(storage) };
        options.parameters.insert("SecretKeys".to_owned(), secrets.to_owned());
        Self { local: Arc::new(LocalCloud::open(options).await.unwrap()), clock, network }
    }

    /// Stores a program and puts it in force from the beginning of time.
    pub async fn activate(&self, document: Value) {
        self.activate_from(document, "1970-01-01T00:00:00Z").await;
    }

    /// Stores a program and puts it in force from an instant.
    pub async fn activate_from(&self, document: Value, from: &str) {
        Program::from_json(&document).unwrap();
        let name = ProgramName::parse("wholesale").unwrap();
        self.app().store().activate(&name, &document, at(from)).await.unwrap();
        for function in ["order-placed", "accounts"] {
            self.local.app(function).unwrap().forget_schedule().await;
        }
    }

    /// The cloud below.
    pub fn local(&self) -> &Arc<LocalCloud> {
        &self.local
    }

    /// The instance of `order-placed`.
    pub fn app(&self) -> &runtime::App {
        self.local.app("order-placed").unwrap()
    }

    /// The way to the tables; `None` where they are not embedded.
    pub fn network(&self) -> Option<&Network> {
        self.network.as_ref()
    }

    /// Whether faults can be injected and units be counted. Says so where not.
    pub fn is_embedded(&self) -> bool {
        if self.network.is_none() {
            println!("skipped: needs the embedded tables");
        }
        self.network.is_some()
    }

    /// Makes eventually consistent reads stale, where the tables are embedded.
    pub fn stale_reads(&self, staleness: Staleness) {
        if let Some(network) = &self.network {
            network.stale_reads(staleness);
        }
    }

    /// The request units of what `work` does.
    pub async fn units<T>(&self, work: impl Future<Output = T>) -> (T, Units) {
        let network = self.network.as_ref().expect("embedded tables");
        network.record_units();
        (work.await, network.units())
    }

    /// Moves the clock.
    pub fn set_clock(&self, text: &str) {
        self.clock.set(at(text));
    }

    /// Moves the clock.
    pub fn set_instant(&self, instant: Instant) {
        self.clock.set(instant);
    }

    /// What the clock shows.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// An order being written.
    pub fn order(&self, id: &str) -> Order {
        Order { cloud: self.clone(), document: order_document(id) }
    }

    /// A customer company.
    pub fn account(&self, id: &str) -> Account {
        Account { cloud: self.clone(), id: id.to_owned() }
    }

    /// A request by the operator.
    pub async fn request(&self, method: &str, target: &str, body: impl Into<Vec<u8>>) -> Reply {
        Reply::of(method, target, self.local.http(method, target, &[], body.into()).await)
    }

    /// A read by the operator.
    pub async fn get(&self, target: &str) -> Reply {
        self.request("GET", target, "").await
    }

    /// A write by the operator.
    pub async fn put(&self, target: &str, document: &Value) -> Reply {
        self.request("PUT", target, document.to_string()).await
    }

    /// A request by whoever `authorizer` says, straight to its function, as the deployed gateway would hand it over.
    pub async fn request_as(&self, authorizer: Option<Value>, method: &str, target: &str, body: &str) -> Reply {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": {},
            "requestContext": {
                "accountId": "0", "apiId": "a", "domainName": "d", "domainPrefix": "d", "requestId": "r",
                "routeKey": "$default", "stage": "$default", "time": "01/Mar/2011:12:00:00 +0000", "timeEpoch": 0,
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            },
            "isBase64Encoded": false, "body": body,
        });
        if let Some(authorizer) = authorizer {
            event["requestContext"]["authorizer"] = authorizer;
        }
        let function = if (method, path) == ("POST", "/v1/orders") { "order-placed" } else { "accounts" };
        self.invoke_http(function, event).await
    }

    /// Invokes a function with an HTTP event.
    pub async fn invoke_http(&self, function: &str, event: Value) -> Reply {
        let answer = self.local.invoke(function, event).await.unwrap();
        let headers = answer["headers"].as_object().into_iter().flatten();
        let response = Response {
            status: u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(),
            headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
            body: answer["body"].as_str().unwrap().to_owned().into(),
        };
        Reply::of("invoke", function, response)
    }

    /// Delivers everything that waits in queues, until nothing does.
    pub async fn drain(&self) {
        while self.local.pump().await.unwrap() > 0 {}
    }

    /// The messages of a queue.
    pub async fn queue(&self, id: &str) -> Vec<local::queue::Message> {
        let queues = self.local.queues().await.unwrap();
        queues.into_iter().find(|queue| queue.queue == id).unwrap().messages
    }

    /// Everything stored, by table: for telling whether anything was written.
    pub async fn tables(&self) -> BTreeMap<String, Vec<String>> {
        let mut content = BTreeMap::new();
        for name in self.table_names() {
            let mut items = Vec::new();
            let mut from = None;
            loop {
                let scan = self.local.client().scan().table_name(&name).consistent_read(true);
                let page = scan.set_exclusive_start_key(from).send().await.unwrap();
                for item in page.items() {
                    items.push(canonical(&AttributeValue::M(item.clone())));
                }
                from = page.last_evaluated_key;
                if from.is_none() {
                    break;
                }
            }
            items.sort();
            content.insert(name, items);
        }
        content
    }

    /// The names of the tables, without queues.
    pub fn table_names(&self) -> Vec<String> {
        let tables = &self.app().config().tables;
        [&tables.accounts, &tables.orders, &tables.ledger, &tables.codes].map(Clone::clone).into()
    }
}

/// A value as text, the same for the same value whatever order its maps are in.
fn canonical(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(map) => {
            let fields: BTreeMap<_, _> = map.iter().map(|(name, value)| (name, canonical(value))).collect();
            format!("{fields:?}")
        }
        AttributeValue::L(items) => format!("{:?}", items.iter().map(canonical).collect::<Vec<_>>()),
        leaf => format!("{leaf:?}"),
    }
}

/// A company that trades with the merchant.
#[derive(Clone)]
pub struct Account {
    cloud: Cloud,
    id: String,
}

impl Account {
    /// Enrols it or changes its data.
    pub async fn put(&self, document: Value) -> Reply {
        self.cloud.put(&self.path(""), &document).await
    }

    /// Adds or changes a person of it.
    pub async fn put_contact(&self, contact: &str, document: Value) -> Reply {
        self.cloud.put(&self.path(&format!("/contacts/{contact}")), &document).await
    }

    /// Where it stands.
    pub async fn standing(&self) -> Reply {
        self.cloud.get(&self.path("")).await
    }

    /// One page of its history.
    pub async fn entries(&self, query: &str) -> Reply {
        self.cloud.get(&self.path(&format!("/entries{query}"))).await
    }

    /// Its whole history, newest first.
    pub async fn history(&self) -> Vec<Value> {
        let mut entries = Vec::new();
        let mut query = "?limit=100".to_owned();
        loop {
            let page = self.entries(&query).await.expect(200).json();
            entries.extend(page["entries"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => query = format!("?limit=100&cursor={cursor}"),
                None => return entries,
            }
        }
    }

    /// An order of it.
    pub fn order(&self, id: &str) -> Order {
        self.cloud.order(id).account(&self.id)
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/accounts/{}{rest}", self.id)
    }
}

fn order_document(id: &str) -> Value {
    json!({
        "source": "shop", "order_id": id, "account_id": "acme", "placed_at": NOON, "currency": "GBP", "lines": [],
    })
}

/// An order being written.
#[derive(Clone)]
pub struct Order {
    cloud: Cloud,
    document: Value,
}

impl Order {
    /// Who buys.
    #[must_use]
    pub fn account(self, id: &str) -> Self {
        self.set("account_id", json!(id))
    }

    /// When it was placed.
    #[must_use]
    pub fn placed(self, text: &str) -> Self {
        self.set("placed_at", json!(text))
    }

    /// One more line.
    #[must_use]
    pub fn line(mut self, sku: &str, quantity: u64, unit_price: &str) -> Self {
        let lines = self.document["lines"].as_array_mut().unwrap();
        let line_id = (lines.len() + 1).to_string();
        lines.push(json!({"line_id": line_id, "sku": sku, "quantity": quantity, "unit_price": unit_price}));
        self
    }

    /// This many lines like those of a real wholesale order.
    #[must_use]
    pub fn lines(self, count: usize) -> Self {
        (0..count).fold(self, |order, n| {
            let sku = format!("{}{}", 20_000 + n * 37 % 5_000, ["", "A", "B"][n % 3]);
            order.line(&sku, (n as u64 * 7) % 48 + 1, &format!("{}.{:02}", n % 9, 25 + n * 10 % 75))
        })
    }

    /// One more discount code.
    #[must_use]
    pub fn code(mut self, code: &str) -> Self {
        let codes = self.document.as_object_mut().unwrap().entry("discount_codes").or_insert_with(|| json!([]));
        codes.as_array_mut().unwrap().push(json!(code));
        self
    }

    /// Any field.
    #[must_use]
    pub fn set(mut self, field: &str, value: Value) -> Self {
        self.document[field] = value;
        self
    }

    /// Its document.
    pub fn document(&self) -> Value {
        self.document.clone()
    }

    /// Sends it over HTTP.
    pub async fn send(&self) -> Reply {
        self.cloud.request("POST", "/v1/orders", self.document.to_string()).await
    }

    /// Sends it over HTTP, as a client that tries again while the answer is that it may.
    pub async fn send_until_answered(&self) -> Reply {
        loop {
            let reply = self.send().await;
            if reply.status() < 500 {
                return reply;
            }
        }
    }

    /// Announces it on the bus.
    pub async fn announce(&self) {
        let taken = self.cloud.local.put_event("OrderPlaced", "shop.example", self.document()).await.unwrap();
        assert_eq!(taken, 1);
    }

    /// Its score, asked for later.
    pub async fn score(&self) -> Reply {
        let part = |name: &str| self.document[name].as_str().unwrap().to_owned();
        self.cloud.get(&format!("/v1/orders/{}/{}/score", part("source"), part("order_id"))).await
    }
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Reply {
    asked: String,
    response: Response,
    json: Value,
}

impl Reply {
    fn of(method: &str, target: &str, response: Response) -> Self {
        let json = response.json();
        Self { asked: format!("{method} {target}"), response, json }
    }

    /// Fails the test unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.response.status, status, "{}: {}", self.asked, String::from_utf8_lossy(&self.response.body));
        self
    }

    /// Fails the test unless it is a problem document of this status and kind.
    #[track_caller]
    pub fn expect_problem(self, status: u16, kind: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{}", reply.asked);
        assert_eq!(reply.json["type"], format!("/problems/{kind}"), "{}: {}", reply.asked, reply.json);
        assert_eq!(reply.json["status"], status);
        reply
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.response.body
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        self.json.clone()
    }

    /// The JSON paths of a problem's faults.
    pub fn fault_paths(&self) -> Vec<String> {
        let faults = self.json["faults"].as_array().into_iter().flatten();
        faults.map(|fault| fault["path"].as_str().unwrap().to_owned()).collect()
    }
}

impl Index<&str> for Reply {
    type Output = Value;
    fn index(&self, field: &str) -> &Value {
        &self.json[field]
    }
}
