//! The cloud on one machine: the template's tables, queues and functions, wired as AWS would wire them.
//!
//! A handler is invoked exactly as in Lambda, one JSON value in and one out, and on a task of its own: a panic becomes
//! a failed invocation, and a caller that goes away does not interrupt a commit.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use domain::time::Instant;
use runtime::bus::Bus;
use runtime::metrics::Place;
use runtime::queue::Queue as OwnQueue;
use runtime::{App, Clock, Config, Fault, Patience, invocation, logs};
use serde_json::Value;
use store::Store;
use tokio::sync::{Mutex, Notify};
use tracing::error;

use crate::bus::LocalBus;
use crate::cloudwatch::CloudWatch;
use crate::connector::Embedded;
use crate::gateway::issuer::Issuer;
use crate::machine::{self, Start};
use crate::queue::{Queues, message_id, sqs};
use crate::stream::Streams;
use crate::tables;
use crate::template::{Faults, Function, Table, Template};
use crate::webhook::Webhook;

pub(crate) use messages::bus_event;
pub use messages::{EventError, QueueContent, RedriveError};
pub use storage::{Storage, StorageError};
pub use streams::taps;

mod messages;
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

/// Values of parameters that have no default, good for nothing but a laptop.
pub fn usual_parameters() -> BTreeMap<String, String> {
    [("SecretKeys".to_owned(), "1:local-development-only".to_owned())].into()
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
            parameters: usual_parameters(),
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

/// The environment of a function, and what it makes of it.
fn configured(
    template: &Template,
    function: &Function,
    parameters: &BTreeMap<String, String>,
    prefix: &str,
) -> Result<(BTreeMap<String, String>, Config), OpenError> {
    let variables = template.environment(function, parameters, prefix)?;
    let config = Config::from_lookup(|name| variables.get(name).cloned());
    let config = config.map_err(|error| OpenError::Config { function: function.name.clone(), error })?;
    Ok((variables, config))
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
    /// Opens the storage, creates what the template defines and starts an instance of each function.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let template = Template::embedded()?;
        // What no function would start with makes no database.
        for function in &template.functions {
            configured(&template, function, &options.parameters, "")?;
        }
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
            let (variables, config) = configured(&template, function, &parameters, prefix)?;
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

    /// The functions with their templates.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.instances.values().map(|instance| &instance.function)
    }
}

/// The queues' time: they are infrastructure and do not follow the clock of the functions.
pub(crate) fn wall_clock() -> Instant {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Instant::from_ms(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
