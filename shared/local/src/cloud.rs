//! The cloud on one machine: the template's tables, queues and functions, wired as AWS would wire them.
//!
//! A handler is invoked exactly as in Lambda, one JSON value in and one out, and on a task of its own: a panic becomes
//! a failed invocation, and a caller that goes away does not interrupt a commit.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use domain::time::Instant;
use runtime::bus::Bus;
use runtime::metrics::Place;
use runtime::queue::Queue as OwnQueue;
use runtime::{App, Clock, Config, Fault, Patience, invocation, logs};
use serde_json::{Value, json};
use store::Store;
use tokio::sync::{Mutex, Notify};
use tracing::{error, warn};

use crate::bus::LocalBus;
use crate::cloudwatch::CloudWatch;
use crate::connector::Embedded;
use crate::gateway::issuer::Issuer;
use crate::machine::{self, Start};
use crate::queue::{Message, QueueError, Queues, message_id};
use crate::queue::{batch, fair, sqs};
use crate::stream::Streams;
use crate::tables;
use crate::template::{Faults, Function, Queue, QueueSource, Table, Template};
use crate::webhook::{self, Webhook};

pub use storage::{Storage, StorageError};
pub use streams::taps;

mod storage;
mod streams;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, Fault>> + Send + 'a>>;
type Handler = for<'a> fn(&'a App, Value) -> Answer<'a>;

/// The functions of this program by their folder below `functions/`; the template must have exactly these.
const FUNCTIONS: &[(&str, Handler)] = &[
    ("account-review", |app, event| Box::pin(account_review::handle(app, event))),
    ("accounts", |app, event| Box::pin(accounts::handle(app, event))),
    ("checkout", |app, event| Box::pin(checkout::handle(app, event))),
    ("discount-expiry", |app, event| Box::pin(discount_expiry::handle(app, event))),
    ("events-out", |app, event| Box::pin(events_out::handle(app, event))),
    ("metric-rollup", |app, event| Box::pin(metric_rollup::handle(app, event))),
    ("metrics", |app, event| Box::pin(metrics::handle(app, event))),
    ("order-placed", |app, event| Box::pin(order_placed::handle(app, event))),
    ("order-returned", |app, event| Box::pin(order_returned::handle(app, event))),
    ("program", |app, event| Box::pin(::program::handle(app, event))),
    ("referral-redemption", |app, event| Box::pin(referral_redemption::handle(app, event))),
    ("simulation", |app, event| Box::pin(simulation::handle(app, event))),
    ("surveys", |app, event| Box::pin(surveys::handle(app, event))),
];

/// The bus that events are announced on, by its logical id.
const EVENTS_BUS: &str = "EventsBus";

/// How often queues are looked at while nothing is announced: messages become visible by time, too.
const IDLE: Duration = Duration::from_millis(200);

/// The folders of all functions.
pub fn function_names() -> Vec<&'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name).collect()
}

/// The parameter that names the zone by whose clock nights are run.
pub(crate) const TIME_ZONE: &str = "TimeZone";

/// The parameter that names the program.
pub(crate) const PROGRAM_NAME: &str = "ProgramName";

/// Chooses what the program decides that is in force in these tables, if there is one, and that nobody chose: that it is
/// that one, and the zone by whose clock its nights are run.
async fn choose_by_program(
    template: &Template,
    parameters: &mut BTreeMap<String, String>,
    (client, prefix): (&Client, &str),
) -> Option<()> {
    let variables = template.environment(template.functions.first()?, parameters, prefix).ok()?;
    let config = Config::from_lookup(|name| variables.get(name).cloned()).ok()?;
    let store = Store::new(client.clone(), config.tables);
    let mut program = config.program;
    // Tables that cannot be read yet say so to whoever uses them.
    let mut schedule = store.schedule(&program).await.ok()?;
    if schedule.is_none() && !parameters.contains_key(PROGRAM_NAME) {
        // Those of another program, which a first start has chosen.
        program = <[_; 1]>::try_from(store.programs().await.ok()?).ok().map(|[only]| only)?;
        parameters.insert(PROGRAM_NAME.to_owned(), program.to_string());
        schedule = store.schedule(&program).await.ok()?;
    }
    let zone = schedule?.at(wall_clock()).program.calendar.zone_name().to_owned();
    parameters.entry(TIME_ZONE.to_owned()).or_insert(zone);
    Some(())
}

/// What a local cloud is opened with.
pub struct Options {
    /// Where its tables are.
    pub storage: Storage,
    /// The functions' clock.
    pub clock: Clock,
    /// Values of template parameters; the rest have their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Whether nights are counted by their schedule; where not, by `guilder rollup` alone.
    pub counts_nights: bool,
    /// How long a message, or a state of a state machine, rests after its first failure.
    pub retry_delay: Duration,
    /// How long invocations work on what may take longer than one.
    pub patience: Patience,
    /// Whose tokens the API asks for; without one it asks for none, and everybody is an operator.
    pub issuer: Option<Issuer>,
    /// Whether what is written to tables is noted for the functions that consume their streams. Only an embedded
    /// database can be listened to; whoever opens another says so to that.
    pub streams: bool,
    /// Where events are posted to, if anywhere.
    pub webhook: Option<Webhook>,
}

impl Options {
    /// A cloud over `storage` with the system's clock and a secret that is good for nothing but a laptop.
    pub fn new(storage: Storage) -> Self {
        Self {
            storage,
            clock: Clock::system(),
            parameters: [("SecretKeys".to_owned(), "1:local-development-only".to_owned())].into(),
            counts_nights: true,
            retry_delay: Duration::from_secs(1),
            patience: Patience::default(),
            issuer: None,
            streams: false,
            webhook: None,
        }
    }
}

/// Why a local cloud could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The template is not understood, or a parameter lacks a value.
    #[error(transparent)]
    Template(#[from] Faults),
    /// The database cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A table cannot be created.
    #[error(transparent)]
    Table(#[from] tables::TableError),
    /// A function refuses its environment.
    #[error("function {function}: {error}")]
    Config {
        /// Its name.
        function: String,
        /// What it refuses.
        error: runtime::ConfigError,
    },
}

/// Why an invocation yielded no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// There is no such function.
    #[error("there is no function {0}; there are {list}", list = function_names().join(", "))]
    Unknown(String),
    /// The function failed.
    #[error("{0}")]
    Fault(Fault),
    /// The function panicked.
    #[error("the function panicked")]
    Panicked,
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

/// A running local cloud.
pub struct Cloud {
    template: Template,
    storage: storage::Open,
    instances: BTreeMap<String, Instance>,
    queues: Queues,
    streams: Streams,
    /// By function and table.
    progress: Mutex<BTreeMap<(String, String), streams::Progress>>,
    bus: LocalBus,
    webhook: Option<Webhook>,
    retry_delay: Duration,
    issuer: Option<Issuer>,
    clock: Clock,
    starts: Vec<Start>,
    announced: Arc<Notify>,
    metrics: CloudWatch,
}

struct Instance {
    function: Function,
    /// What its metrics are told apart by.
    stage: String,
    handler: Handler,
    app: Arc<App>,
}

impl Cloud {
    /// The largest event taken, as in EventBridge and SQS.
    pub const EVENT_BYTES_MAX: usize = 256 * 1024;

    /// Opens the storage, creates what the template defines and starts an instance of each function.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let template = Template::embedded()?;
        let storage = storage::Open::new(options.storage)?;
        let (client, prefix) = (&storage.client, storage.prefix.as_str());
        tables::create(client, &template.tables, prefix).await?;
        let mut parameters = options.parameters;
        choose_by_program(&template, &mut parameters, (client, prefix)).await;
        let mut starts = machine::starts(&template, &parameters)?;
        starts.retain(|start| options.counts_nights || !start.is_of_nights());
        let queues = Queues::open(client.clone(), prefix, options.retry_delay).await?;

        let announced = Arc::new(Notify::new());
        let streams = Streams::open(client.clone(), prefix).await?;
        if let Some(database) = storage.database.as_ref().filter(|_| options.streams) {
            taps(&template, prefix).for_each(|tap| database.tap(tap));
        }
        let posted = options.webhook.is_some().then(|| (queues.clone(), Webhook::queue()));
        let bus = template.buses.iter().find(|bus| bus.as_str() == EVENTS_BUS).map_or("", String::as_str);
        let bus = LocalBus::new(bus, posted, announced.clone());
        let sqs = sqs::client(queues.clone(), template.queues.clone(), announced.clone());
        let mut instances = BTreeMap::new();
        for function in &template.functions {
            let Some((_, handler)) = FUNCTIONS.iter().find(|(name, _)| *name == function.name) else { continue };
            let variables = template.environment(function, &parameters, prefix)?;
            let config = Config::from_lookup(|name| variables.get(name).cloned());
            let config = config.map_err(|error| OpenError::Config { function: function.name.clone(), error })?;
            let (url, bus_name) = (config.queue_url.clone(), config.bus_name.clone());
            let app = App::new(config, client.clone(), options.clock.clone()).with_patience(options.patience);
            let app = match url {
                Some(url) => app.with_queue(OwnQueue::new(sqs.clone(), url)),
                None => app,
            };
            let app = match bus_name {
                Some(name) => app.with_bus(Bus::new(bus.client(), name)),
                None => app,
            };
            let (function, stage) = (function.clone(), variables.get("STAGE").cloned().unwrap_or_default());
            let instance = Instance { function, stage, handler: *handler, app: Arc::new(app) };
            instances.insert(instance.function.name.clone(), instance);
        }
        let Options { retry_delay, issuer, clock, webhook, .. } = options;
        let progress = Mutex::default();
        Ok(Self {
            template,
            storage,
            instances,
            queues,
            streams,
            progress,
            bus,
            webhook,
            retry_delay,
            issuer,
            clock,
            starts,
            announced,
            metrics: CloudWatch::default(),
        })
    }

    /// The template that this cloud was built from.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The client of its tables.
    pub fn client(&self) -> &Client {
        &self.storage.client
    }

    /// What a table of the template is called in its storage.
    pub fn table_name(&self, table: &Table) -> String {
        format!("{}{}", self.storage.prefix, table.name)
    }

    /// What starts its state machines.
    pub(crate) fn starts(&self) -> &[Start] {
        &self.starts
    }

    /// Whether nights are counted by their schedule.
    pub fn counts_nights(&self) -> bool {
        self.starts.iter().any(Start::is_of_nights)
    }

    /// Whose tokens the API asks for; `None` where it asks for none.
    pub fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// The functions' clock.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How long a state of a state machine rests after its first failure.
    pub(crate) fn retry_delay(&self) -> Duration {
        self.retry_delay
    }

    /// Where events are posted to, if anywhere.
    pub fn webhook(&self) -> Option<&Webhook> {
        self.webhook.as_ref()
    }

    /// The bus for events.
    pub fn bus(&self) -> &LocalBus {
        &self.bus
    }

    /// The embedded database; `None` where the tables are behind an endpoint.
    pub fn database(&self) -> Option<&Embedded> {
        self.storage.database.as_ref()
    }

    /// Leaves word for other processes that the database is to be reached at `endpoint`.
    pub fn announce_endpoint(&self, endpoint: &str) -> Result<(), StorageError> {
        self.storage.announce(endpoint)
    }

    /// The instance behind a function, for callers that work with its state directly, such as the import.
    pub fn app(&self, function: &str) -> Option<&Arc<App>> {
        self.instances.get(function).map(|instance| &instance.app)
    }

    /// Invokes a function with an event, as Lambda would.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, InvokeError> {
        let instance = self.instances.get(function).ok_or_else(|| InvokeError::Unknown(function.to_owned()))?;
        let (handler, app) = (instance.handler, Arc::clone(&instance.app));
        let request_id = message_id(wall_clock());
        let span = logs::invocation(&request_id, &event);
        span.record("function", function);
        // What fails is logged there, and nowhere else.
        let work = async move { invocation::carry_out(span, handler(&app, event)).await };
        let Ok((answer, counts)) = tokio::spawn(work).await else { return Err(InvokeError::Panicked) };
        let place = Place { stage: &instance.stage, function, request_id: &request_id };
        let at_ms = u64::try_from(wall_clock().as_ms()).unwrap_or_default();
        for line in counts.lines(&place, at_ms) {
            self.metrics.take(&line).unwrap_or_else(|fault| error!(function, "a line of metrics {fault}"));
        }
        answer.map_err(InvokeError::Fault)
    }

    /// What functions have counted since this cloud was opened.
    pub fn metrics(&self) -> &CloudWatch {
        &self.metrics
    }

    /// Invokes a function with an event of the past, at the instant it is said to have happened.
    pub(crate) async fn replay(&self, function: &str, event: Value, at: Instant) -> Result<Value, InvokeError> {
        let instance = self.instances.get(function).ok_or_else(|| InvokeError::Unknown(function.to_owned()))?;
        let app = instance.app.with_clock(Clock::Replay(at));
        (instance.handler)(&app, event).await.map_err(InvokeError::Fault)
    }

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
    /// queue that is.
    pub async fn redrive(&self, dead_letters: &str) -> Result<(usize, &Queue), RedriveError> {
        let is_source = |queue: &&Queue| queue.redrive.as_ref().is_some_and(|redrive| redrive.queue == dead_letters);
        let Some(queue) = self.template.queues.iter().find(is_source) else {
            let all = self.template.queues.iter().filter_map(|queue| Some(queue.redrive.as_ref()?.queue.clone()));
            return Err(RedriveError::Unknown { queue: dead_letters.to_owned(), dead_letters: all.collect() });
        };
        let moved = self.queues.put_back(dead_letters, queue, wall_clock()).await?;
        self.announced.notify_one();
        Ok((moved, queue))
    }

    /// One round over everything that waits.
    async fn pump_all(&self) -> Result<usize, QueueError> {
        let (queued, streamed) = (self.pump().await?, self.pump_streams().await?);
        Ok(queued.saturating_add(streamed).saturating_add(self.post_events().await?))
    }

    /// Delivers messages as they come, until `stop` resolves; a batch under way is finished.
    pub async fn consume(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let pause = match self.pump_all().await {
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
                () = self.announced.notified() => {}
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

    /// The functions with their templates.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.instances.values().map(|instance| &instance.function)
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

/// The queues' time: they are infrastructure and do not follow the clock of the functions.
pub(crate) fn wall_clock() -> Instant {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Instant::from_ms(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
