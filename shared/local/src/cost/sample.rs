//! A sample of each operation, carried out by the functions themselves over an embedded database in memory, under the
//! sample program `wholesale`.

mod shop;

use super::bill::{Overflow, Standing, Usage};
use super::meter::Meter;
use crate::cloud::{Cloud, InvokeError, OpenError, Options, Storage};
use crate::program::{self, ProgramError};
use dynoxide::{Database, DynoxideError};
use runtime::{Clock, logs};
use shop::Shop;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tracing::Level;

/// Bytes for which one request to the API is paid.
const REQUEST_BYTES: u64 = 512 * 1024;
/// Bytes for which one event, and one request to a queue, is paid.
const MESSAGE_BYTES: u64 = 64 * 1024;
/// Requests that a message takes which is alone: sent, received, deleted.
const REQUESTS_OF_MESSAGE: u64 = 3;

/// The lines that Lambda itself writes about an invocation, as its documentation shows them.
const LAMBDA_LINES: &str = "START RequestId: 79104EXAMPLEB723-0000-0000-000000 Version: $LATEST\n\
    END RequestId: 79104EXAMPLEB723-0000-0000-000000\n\
    REPORT RequestId: 79104EXAMPLEB723-0000-0000-000000\tDuration: 12.34 ms\tBilled Duration: 13 ms\t\
    Memory Size: 256 MB\tMax Memory Used: 34 MB\t\n";

/// Something that is done to a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its name in a mix.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// How often it happens per thousand orders, unless somebody says otherwise.
    pub usual: u64,
    /// Whether it is one of those orders.
    pub is_order: bool,
}

const fn order(name: &'static str, title: &'static str, usual: u64) -> Operation {
    Operation { name, title, usual, is_order: true }
}

const fn beside(name: &'static str, title: &'static str, usual: u64) -> Operation {
    Operation { name, title, usual, is_order: false }
}

/// What is measured. An order has 20 lines.
pub const OPERATIONS: [Operation; 9] = [
    order("order", "order of a known account", 900),
    order("first-order", "first order of an account", 20),
    order("discount-order", "order that issues a discount", 80),
    order("bus-order", "order from the bus, by its queue", 0),
    beside("amendment", "order that is changed", 30),
    beside("return", "goods that come back", 80),
    beside("cancellation", "order that is cancelled", 10),
    beside("quote", "what a cart costs", 2_000),
    beside("account", "how an account stands", 1_000),
];

/// What the samples of an operation used together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The operation.
    pub operation: Operation,
    /// How many samples.
    pub samples: u64,
    /// What they used.
    pub usage: Usage,
    /// The memory of the function that carried them out.
    pub memory_mb: u64,
}

/// All that was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// Each operation.
    pub operations: Vec<Measured>,
    /// What stands there, and which metrics the operations told.
    pub standing: Standing,
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// No cloud.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No database.
    #[error(transparent)]
    Database(#[from] DynoxideError),
    /// No program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A function failed.
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    /// A function could not be started.
    #[error(transparent)]
    Start(#[from] runtime::Fault),
    /// The tables do not say what they hold.
    #[error("the tables do not say what they hold: {0}")]
    Tables(String),
    /// An answer was not what was asked for.
    #[error("{subject} was answered: {answer}")]
    Refused {
        /// What was asked for.
        subject: String,
        /// The answer.
        answer: String,
    },
    /// A sum is too large.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// The machine has no thread to spare.
    #[error("no thread could be started: {0}")]
    Thread(#[from] io::Error),
}

/// Carries out `samples` of each operation, on a runtime of its own. Blocks.
///
/// What is logged is counted by a subscriber of the calling thread, on which all functions run, so this must not be
/// called from within a runtime of several threads but by `spawn_blocking`.
pub fn measure(samples: u64) -> Result<Sampled, SampleError> {
    let logged = Counter::default();
    let writer = logged.clone();
    // As functions do it when they start.
    let subscriber = logs::lines().with_max_level(Level::INFO).with_writer(move || writer.clone()).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tracing::subscriber::with_default(subscriber, || runtime.block_on(measured(samples, logged)))
}

async fn measured(samples: u64, logged: Counter) -> Result<Sampled, SampleError> {
    let meter = Meter::new(Database::memory()?);
    let storage = Storage::Endpoint { client: meter.client(), prefix: String::new() };
    let options = Options { clock: Clock::manual(shop::now()), ..Options::new(storage) };
    let bench = Bench { cloud: Cloud::open(options).await?, meter, logged };
    program::ensure(bench.app("order-placed")?).await?;
    let mut operations = Vec::new();
    for operation in OPERATIONS {
        let mut usage = Usage::default();
        let mut memory_mb = 0;
        for number in 0..samples {
            let sample = Shop { bench: &bench }.sample(&operation, number).await?;
            usage = usage.plus(&sample.usage)?;
            memory_mb = sample.memory_mb;
        }
        operations.push(Measured { operation, samples, usage, memory_mb });
    }
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let template = bench.cloud.template();
    let standing = Standing {
        alarms: count(template.alarms.len()),
        metrics: count(bench.cloud.metrics().counted().len()),
        dashboards: count(template.dashboards.len()),
    };
    Ok(Sampled { operations, standing })
}

/// What one invocation used, where it ran, and what it said.
struct Sample {
    usage: Usage,
    memory_mb: u64,
}

/// A cloud whose use is measured.
struct Bench {
    cloud: Cloud,
    meter: Meter,
    logged: Counter,
}

/// What an invocation is paid for besides.
enum Entrance {
    Http,
    Bus,
}

impl Bench {
    fn app(&self, function: &str) -> Result<&runtime::App, SampleError> {
        let app = self.cloud.app(function).map(|app| &**app);
        app.ok_or_else(|| InvokeError::Unknown(function.to_owned()).into())
    }

    /// Carries out an invocation with the meter on.
    async fn invoke(
        &self,
        function: &str,
        event: serde_json::Value,
        entrance: Entrance,
    ) -> Result<(Sample, serde_json::Value), SampleError> {
        let bytes_in = u64::try_from(event.to_string().len()).unwrap_or(u64::MAX);
        // As in an instance that is warm: the program is read once a minute, whatever is asked.
        self.app(function)?.schedule().await?;
        let (stored, logged) = (self.stored_bytes().await?, self.logged_bytes());
        self.meter.start();
        let started = Instant::now();
        let answer = self.cloud.invoke(function, event).await;
        let took = started.elapsed();
        let used = self.meter.stop();
        let answer = answer?;
        let lines = u64::try_from(LAMBDA_LINES.len()).unwrap_or(u64::MAX);
        let messages = bytes_in.div_ceil(MESSAGE_BYTES);
        let (requests, events) = match entrance {
            Entrance::Http => (bytes_in.div_ceil(REQUEST_BYTES), 0),
            Entrance::Bus => (0, messages),
        };
        let usage = Usage {
            invocations: 1,
            billed_ms: u64::try_from(took.as_micros().div_ceil(1000)).unwrap_or(u64::MAX),
            requests,
            events,
            queue_requests: events.saturating_mul(REQUESTS_OF_MESSAGE),
            logged_bytes: self.logged_bytes().saturating_sub(logged).saturating_add(lines),
            stored_bytes: self.stored_bytes().await?.saturating_sub(stored),
            ..used
        };
        let functions = &self.cloud.template().functions;
        let memory = functions.iter().find(|known| known.name == function).map(|known| known.memory_mb);
        Ok((Sample { usage, memory_mb: memory.unwrap_or_default() }, answer))
    }

    /// What functions have written: lines for people, and lines of metrics.
    fn logged_bytes(&self) -> u64 {
        self.logged.bytes().saturating_add(self.cloud.metrics().bytes())
    }

    /// What the tables hold, as they describe themselves.
    async fn stored_bytes(&self) -> Result<u64, SampleError> {
        let mut sum = 0_u64;
        for table in &self.cloud.template().tables {
            let described = self.cloud.client().describe_table().table_name(&table.name).send().await;
            let described = described.map_err(|error| SampleError::Tables(error.to_string()))?;
            let bytes = described.table().and_then(|table| table.table_size_bytes()).unwrap_or_default();
            sum = sum.saturating_add(u64::try_from(bytes).unwrap_or_default());
        }
        Ok(sum)
    }
}

/// Counts bytes and forgets them.
#[derive(Debug, Clone, Default)]
struct Counter(Arc<AtomicU64>);

impl Counter {
    fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(u64::try_from(bytes.len()).unwrap_or_default(), Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
