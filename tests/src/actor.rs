//! A cloud: what a merchant deploys, in the test's own process.

use crate::network::{Network, Staleness, Units};
use crate::reply::Reply;
use crate::token::Token;
use crate::trade::{Account, Order};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::decision::{Guard, Record, Write};
use domain::program::Program;
use domain::time::{Day, Instant};
use domain::version::{self, Version};
use local::audit::Report;
use local::bus::{Filter, KEPT_MAX, Sent};
use local::cloud::{Cloud as LocalCloud, Options, Storage};
use local::due::Swept;
use local::gateway::{Invocation, Request, Response};
use metric_rollup::Summary;
use runtime::{Clock, Patience};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::Commit;

/// The sample program.
pub const WHOLESALE: &str = include_str!("../../shared/local/programs/wholesale.json");

/// The instant of an RFC 3339 text.
pub fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap_or_else(|| panic!("{text} is no instant"))
}

/// When a test begins, unless it says otherwise.
pub const NOON: &str = "2011-03-01T12:00:00Z";

/// What codes and claims are made with, unless a test says otherwise.
const SECRETS: &str = "1:a secret for tests only";

fn options(storage: Storage, clock: &Clock, secrets: &str) -> Options {
    let mut options = Options { clock: clock.clone(), retry_delay: Duration::ZERO, ..Options::new(storage) };
    options.parameters.insert("SecretKeys".to_owned(), secrets.to_owned());
    options
}

/// A cloud with an activated program and a clock that stands still. Clones share everything.
#[derive(Clone)]
pub struct Cloud {
    local: Arc<LocalCloud>,
    clock: Clock,
    network: Option<Network>,
}

/// Stores a document as the next version of an app's program and puts it in force from an instant, past or not, whether
/// or not it makes sense.
pub async fn activate(app: &runtime::App, document: &Value, from: Instant) {
    Program::from_json(document).unwrap();
    let (name, store) = (&app.config().program, app.store());
    let number = store.newest_version(name).await.unwrap().map_or(0, |newest| newest.number) + 1;
    let version = Version { number, document: document.to_string(), created_at: None, created_by: None };
    let mut writes = version::put_in_force(name, &store.timeline(name).await.unwrap(), &version, from).unwrap();
    writes.push(Write::Put(Record::Version(name.clone(), Box::new(version)), Guard::Absent));
    assert!(matches!(store.commit(&writes).await.unwrap(), Commit::Done));
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
        Self::with_program_and_secrets(document, SECRETS).await
    }

    /// A cloud that runs this program, whose codes and claims are made with these secrets.
    pub async fn with_program_and_secrets(document: Value, secrets: &str) -> Self {
        let (storage, network) = match crate::endpoint() {
            None => {
                let network = Network::new();
                (Storage::Endpoint { client: network.client(), prefix: String::new() }, Some(network))
            }
            Some(_) => {
                let client = runtime::client::dynamodb().expect("credentials and region of the endpoint");
                let prefix = format!("test-{:016x}-", fastrand::u64(..));
                (Storage::Endpoint { client, prefix }, None)
            }
        };
        let cloud = Self::open_with_secrets(storage, network, secrets).await;
        cloud.activate(document).await;
        local::program::note_first_day(cloud.app()).await.unwrap();
        cloud
    }

    /// A cloud over any storage; nothing is activated.
    pub async fn open(storage: Storage, network: Option<Network>) -> Self {
        Self::open_with_secrets(storage, network, SECRETS).await
    }

    /// Another cloud over the same tables, whose invocations leave all but one step to their queue or the next.
    pub async fn hurried(&self) -> Self {
        let prefix = self.app().config().tables.accounts.strip_suffix("accounts").unwrap().to_owned();
        let storage = Storage::Endpoint { client: self.local.client().clone(), prefix };
        let patience = Patience { request: Duration::ZERO, batch: Duration::ZERO, walk: Duration::ZERO };
        let options = Options { patience, ..options(storage, &self.clock, SECRETS) };
        Self { local: Arc::new(LocalCloud::open(options).await.unwrap()), ..self.clone() }
    }

    /// Another cloud over the same tables, whose API asks for tokens.
    pub async fn that_asks_for_tokens(&self) -> Self {
        let prefix = self.app().config().tables.accounts.strip_suffix("accounts").unwrap().to_owned();
        let storage = Storage::Endpoint { client: self.local.client().clone(), prefix };
        let options = Options { issuer: Some(crate::token::issuer()), ..options(storage, &self.clock, SECRETS) };
        Self { local: Arc::new(LocalCloud::open(options).await.unwrap()), ..self.clone() }
    }

    /// A cloud whose codes and claims are made with these secrets.
    pub async fn open_with_secrets(storage: Storage, network: Option<Network>, secrets: &str) -> Self {
        let clock = Clock::manual(at(NOON));
        let options = options(storage, &clock, secrets);
        Self { local: Arc::new(LocalCloud::open(options).await.unwrap()), clock, network }
    }

    /// Another cloud over the same tables, with other secrets.
    pub async fn with_other_secrets(&self, secrets: &str) -> Self {
        let prefix = self.app().config().tables.accounts.strip_suffix("accounts").unwrap().to_owned();
        let storage = Storage::Endpoint { client: self.local.client().clone(), prefix };
        Self::open_with_secrets(storage, self.network.clone(), secrets).await
    }

    /// Stores a program and puts it in force from the beginning of time.
    pub async fn activate(&self, document: Value) {
        self.activate_from(document, "1970-01-01T00:00:00Z").await;
    }

    /// Stores a program and puts it in force from an instant.
    pub async fn activate_from(&self, document: Value, from: &str) {
        activate(self.app(), &document, at(from)).await;
        self.minute_passes().await;
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

    /// A token of somebody, issued now.
    pub fn token(&self, subject: &str) -> Token {
        Token::new(subject, self.now())
    }

    /// An order being written.
    pub fn order(&self, id: &str) -> Order {
        Order::new(self, id)
    }

    /// A customer company.
    pub fn account(&self, id: &str) -> Account {
        Account::new(self, id)
    }

    /// A request by the operator.
    pub async fn request(&self, method: &str, target: &str, body: impl Into<Vec<u8>>) -> Reply {
        Reply::of(method, target, self.local.http(method, target, &[], body.into()).await)
    }

    /// The same with headers.
    pub async fn request_with(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        Reply::of(method, target, self.local.http(method, target, headers, body.to_owned()).await)
    }

    /// A write by the operator that has no key of its own.
    pub async fn request_keyed(&self, target: &str, key: &str, document: &Value) -> Reply {
        let headers = [("Idempotency-Key", key)];
        let response = self.local.http("POST", target, &headers, document.to_string().into_bytes()).await;
        Reply::of("POST", target, response)
    }

    /// A read by the operator.
    pub async fn get(&self, target: &str) -> Reply {
        self.request("GET", target, "").await
    }

    /// A write by the operator.
    pub async fn put(&self, target: &str, document: &Value) -> Reply {
        self.request("PUT", target, document.to_string()).await
    }

    /// A request by whoever `authorizer` says, as the deployed gateway would hand it to its function.
    pub async fn request_as(&self, authorizer: Option<Value>, method: &str, target: &str, body: &str) -> Reply {
        self.request_with_key(authorizer, method, target, body, None).await
    }

    /// The same with an `Idempotency-Key`.
    pub async fn request_with_key(
        &self,
        authorizer: Option<Value>,
        method: &str,
        target: &str,
        body: &str,
        key: Option<&str>,
    ) -> Reply {
        let headers = key.map(|key| ("idempotency-key".to_owned(), key.to_owned())).into_iter().collect();
        let body = body.to_owned().into();
        let request = Request { method: method.to_owned(), target: target.to_owned(), headers, body };
        let Invocation { function, mut event } = self.local.invocation(&request).expect("a route");
        let context = event["requestContext"].as_object_mut().unwrap();
        match authorizer {
            Some(authorizer) => drop(context.insert("authorizer".to_owned(), authorizer)),
            None => drop(context.remove("authorizer")),
        }
        self.invoke_http(&function, event).await
    }

    /// Invokes a function with an HTTP event.
    pub async fn invoke_http(&self, function: &str, event: Value) -> Reply {
        let http = &event["requestContext"]["http"];
        let [method, path] = ["method", "path"].map(|name| http[name].as_str().unwrap().to_owned());
        let answer = self.local.invoke(function, event).await.unwrap();
        let headers = answer["headers"].as_object().into_iter().flatten();
        let response = Response {
            status: u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(),
            headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
            body: answer["body"].as_str().unwrap().to_owned().into(),
        };
        Reply::of(&method, &path, response)
    }

    /// Puts an event on the bus.
    pub async fn announce(&self, detail_type: &str, detail: Value) {
        let taken = self.local.put_event(detail_type, "shop.example", detail).await.unwrap();
        assert_eq!(taken, 1, "{detail_type}");
    }

    /// Recomputes everything stored from what was written down; the books must balance.
    pub async fn audit(&self) -> Report {
        let report = local::audit::run(self.app(), Instant::MAX).await.unwrap();
        assert!(report.findings.is_empty(), "{report}");
        report
    }

    /// Walks what has fallen due on a day, or on every day that is open, with both state machines.
    pub async fn sweep(&self, date: Option<&str>) -> Vec<Swept> {
        local::due::sweep(&self.local, date.map(|day| Day::parse(day).unwrap())).await.unwrap()
    }

    /// Counts the night of a day with its state machine, four hours after it has ended; the clock stands as before then.
    pub async fn night(&self, date: &str) -> Summary {
        let (day, before) = (Day::parse(date).unwrap(), self.now());
        self.set_instant(day.end().plus_ms(4 * 3_600_000).max(before));
        let summary = local::rollup::rollup(&self.local, Some(day)).await.unwrap();
        self.set_instant(before);
        summary
    }

    /// Delivers everything that waits in queues, until nothing does.
    pub async fn drain(&self) {
        while self.local.pump().await.unwrap() > 0 {}
    }

    /// From now on what is written is noted for the functions that consume streams, where the tables are embedded.
    pub fn listen(&self) {
        if let Some(network) = &self.network {
            let template = local::template::Template::embedded().unwrap();
            local::cloud::taps(&template, "").for_each(|tap| network.inner.tap(tap));
        }
    }

    /// Hands on everything that streams hold, until nothing more happens to it.
    pub async fn drain_streams(&self) {
        while self.local.pump_streams().await.unwrap() > 0 {}
    }

    /// The events that were announced, in the order they were.
    pub fn announced(&self) -> Vec<Sent> {
        let mut sent = self.local.bus().latest(&Filter::default(), KEPT_MAX);
        sent.reverse();
        sent
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
            let items = self.items(&name).await;
            content.insert(name, items);
        }
        content
    }

    /// Everything stored in the table of metrics, which [`Self::tables`] leaves out: walks note there how far they are.
    pub async fn metrics(&self) -> Vec<String> {
        self.items(&self.app().config().tables.metrics).await
    }

    /// Lets every function read the schedule again, as it would within a minute.
    pub async fn minute_passes(&self) {
        for function in local::cloud::function_names() {
            self.local.app(function).unwrap().forget_schedule().await;
        }
    }

    /// Everything stored of the program.
    pub async fn programs(&self) -> Vec<String> {
        self.items(&self.app().config().tables.programs).await
    }

    async fn items(&self, table: &str) -> Vec<String> {
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let scan = self.local.client().scan().table_name(table).consistent_read(true);
            let page = scan.set_exclusive_start_key(from).send().await.unwrap();
            items.extend(page.items().iter().map(|item| canonical(&AttributeValue::M(item.clone()))));
            from = page.last_evaluated_key;
            if from.is_none() {
                items.sort();
                return items;
            }
        }
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
