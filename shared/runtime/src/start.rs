//! Starting a function on Lambda: logs, configuration, a warm connection, then the loop.

use crate::app::App;
use crate::bus::Bus;
use crate::client;
use crate::clock::Clock;
use crate::config::{BUS_NAME, Config, ConfigError, QUEUE_URL, variable};
use crate::error::Fault;
use crate::metrics::{Counts, Place};
use crate::queue::Queue;
use crate::{invocation, logs};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Serves invocations until the sandbox ends.
pub async fn run<H>(handle: H) -> Result<(), lambda_runtime::Error>
where
    H: AsyncFn(&App, Value) -> Result<Value, Fault>,
{
    serve(app()?, handle).await
}

/// As [`run`], for a function that sends messages to a queue of its own. The others do not carry the client.
pub async fn run_with_queue<H>(handle: H) -> Result<(), lambda_runtime::Error>
where
    H: AsyncFn(&App, Value) -> Result<Value, Fault>,
{
    let app = app()?;
    let url = app.config().queue_url.clone().ok_or(ConfigError::Missing(QUEUE_URL))?;
    let queue = Queue::new(client::sqs()?, url);
    serve(app.with_queue(queue), handle).await
}

/// As [`run`], for a function that puts events on a bus and decides nothing: it reads no program.
pub async fn run_with_bus<H>(handle: H) -> Result<(), lambda_runtime::Error>
where
    H: AsyncFn(&App, Value) -> Result<Value, Fault>,
{
    let app = app()?;
    let name = app.config().bus_name.clone().ok_or(ConfigError::Missing(BUS_NAME))?;
    let (app, handle) = (&app.with_bus(Bus::new(client::eventbridge()?, name)), &handle);
    log();
    Runtime::new(service_fn(async move |event: LambdaEvent<Value>| carry_out(app, handle, event).await)).run().await
}

fn app() -> Result<App, lambda_runtime::Error> {
    Ok(App::new(Config::from_env()?, client::dynamodb()?, Clock::system()))
}

/// The program is read before the first invocation: the connection is then open and the schedule cached. What waits for
/// nobody is done while that waits for the network.
async fn serve<H>(app: App, handle: H) -> Result<(), lambda_runtime::Error>
where
    H: AsyncFn(&App, Value) -> Result<Value, Fault>,
{
    let (app, handle) = (&app, &handle);
    let meanwhile = async {
        // The connection is asked for first.
        tokio::task::yield_now().await;
        log();
        Runtime::new(service_fn(async move |event: LambdaEvent<Value>| carry_out(app, handle, event).await))
    };
    let (program, runtime) = tokio::join!(biased; app.schedule(), meanwhile);
    if let Err(fault) = program {
        // Not fatal: the first invocation reads it again, and answers with the fault if it persists.
        tracing::warn!("the program could not be read at start: {fault}");
    }
    runtime.run().await
}

async fn carry_out<H>(app: &App, handle: &H, event: LambdaEvent<Value>) -> Result<Value, Fault>
where
    H: AsyncFn(&App, Value) -> Result<Value, Fault>,
{
    let LambdaEvent { payload, context } = event;
    let span = logs::invocation(&context.request_id, &payload);
    // On the heap: futures within futures grow deeper than the compiler looks.
    let work = Box::pin(handle(app, payload));
    let (answer, counts) = invocation::carry_out(span, work).await;
    tell(app, &counts, &context.request_id);
    answer
}

/// Writes what was counted to standard output, where Lambda's log reads it.
fn tell(app: &App, counts: &Counts, request_id: &str) {
    let function = variable("AWS_LAMBDA_FUNCTION_NAME");
    let place = Place {
        stage: app.config().stage.as_deref().unwrap_or_default(),
        function: function.as_deref().unwrap_or_default(),
        request_id,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    for line in counts.lines(&place, u64::try_from(now.as_millis()).unwrap_or_default()) {
        // In one piece. A log that is gone is no reason to fail.
        let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
    }
}

/// JSON lines on standard output, at the level of `LOG_LEVEL`: a level and no more, since filters by module are
/// regular expressions, which cost every start.
fn log() {
    let level = variable("LOG_LEVEL").and_then(|level| level.parse().ok()).unwrap_or(tracing::Level::INFO);
    logs::lines().with_max_level(level).init();
}
