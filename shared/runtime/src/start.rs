//! Starting a function on Lambda: logs, configuration, a warm connection, then the loop.

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, QUEUE_URL};
use crate::error::Fault;
use crate::queue::Queue;
use aws_credential_types::Credentials;
use aws_smithy_http_client::{Builder, tls};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use std::time::Duration;
use store::aws_sdk_dynamodb::Client;
use store::aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use store::aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient};

/// Serves invocations until the sandbox ends.
pub async fn run<H>(handle: H) -> Result<(), lambda_runtime::Error>
where
    H: AsyncFn(&App, Value) -> Result<Value, Fault>,
{
    logs();
    serve(app()?, handle).await
}

/// As [`run`], for a function that sends messages to a queue of its own. The others do not carry the client.
pub async fn run_with_queue<H>(handle: H) -> Result<(), lambda_runtime::Error>
where
    H: AsyncFn(&App, Value) -> Result<Value, Fault>,
{
    logs();
    let app = app()?;
    let url = app.config().queue_url.clone().ok_or(ConfigError::Missing(QUEUE_URL))?;
    let queue = Queue::new(queue_client_from_env()?, url);
    serve(app.with_queue(queue), handle).await
}

fn app() -> Result<App, lambda_runtime::Error> {
    Ok(App::new(Config::from_env()?, client_from_env()?, Clock::system()))
}

/// The program is read before the first invocation: the connection is then open and the schedule cached.
async fn serve<H>(app: App, handle: H) -> Result<(), lambda_runtime::Error>
where
    H: AsyncFn(&App, Value) -> Result<Value, Fault>,
{
    if let Err(fault) = app.schedule().await {
        // Not fatal: the first invocation reads it again, and answers with the fault if it persists.
        tracing::warn!("the program could not be read at start: {fault}");
    }
    let (app, handle) = (&app, &handle);
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| handle(app, event.payload).await)).await
}

/// JSON lines on standard output, at the level of `LOG_LEVEL`: a level and no more, since filters by module are
/// regular expressions, which cost every start.
fn logs() {
    let level = variable("LOG_LEVEL").and_then(|level| level.parse().ok()).unwrap_or(tracing::Level::INFO);
    tracing_subscriber::fmt().json().flatten_event(true).with_max_level(level).with_target(false).init();
}

/// A variable of the environment; an empty one counts as unset.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What the client's environment lacks.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct MissingVariable(&'static str);

/// One hung connection must not use up an invocation: the SDK tries again, with the same request token.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(9))
        .build()
}

/// Who this function is, and where: explicit from the variables that Lambda sets, since the whole chain of providers
/// costs start-up time and finds the same.
fn identity() -> Result<(Credentials, Region), MissingVariable> {
    let required = |name: &'static str| variable(name).ok_or(MissingVariable(name));
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    Ok((credentials, Region::new(region.ok_or(MissingVariable("AWS_REGION"))?)))
}

fn https() -> SharedHttpClient {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    Builder::new().tls_provider(provider).build_https()
}

/// A DynamoDB client. `AWS_ENDPOINT_URL_DYNAMODB` points it elsewhere.
pub fn client_from_env() -> Result<Client, MissingVariable> {
    let (credentials, region) = identity()?;
    let mut config = store::aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(credentials)
        .region(region)
        .timeout_config(timeouts())
        .http_client(https());
    if let Some(endpoint) = variable("AWS_ENDPOINT_URL_DYNAMODB") {
        config = config.endpoint_url(endpoint);
    }
    Ok(Client::from_conf(config.build()))
}

/// An SQS client. `AWS_ENDPOINT_URL_SQS` points it elsewhere.
fn queue_client_from_env() -> Result<aws_sdk_sqs::Client, MissingVariable> {
    let (credentials, region) = identity()?;
    let mut config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(credentials)
        .region(region)
        .timeout_config(timeouts())
        .http_client(https());
    if let Some(endpoint) = variable("AWS_ENDPOINT_URL_SQS") {
        config = config.endpoint_url(endpoint);
    }
    Ok(aws_sdk_sqs::Client::from_conf(config.build()))
}
