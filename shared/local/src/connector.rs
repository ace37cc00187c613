//! The SDK's way to the embedded DynamoDB without a socket.
//!
//! Everything above the HTTP client is the SDK as it runs in Lambda; below it a request goes straight to the
//! emulator. A body is read where the SDK wrote it and an answer is handed over, neither is copied.
//!
//! A call runs on the calling task, as long as no other is under way: it takes well under a millisecond, and a hop to
//! another thread and back would cost a good part of that. Where calls meet, they stand in line (see `line`).

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, HttpClient, Region, RuntimeComponents, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use axum::body::Bytes;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::line::Line;
use crate::stream::Tap;

/// The region and account that local resources pretend to be in.
pub const REGION: &str = "eu-west-1";

/// What DynamoDB's requests and answers are written in.
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Stands for "no token": the SDK insists on sending one, and the emulator searches all that it has seen in the last
/// ten minutes on every transaction, which makes an import slower by the thousand orders.
const NO_TOKEN: &str = "auto";

/// A client of an embedded database that nobody else uses.
pub fn client(db: &Database) -> Client {
    client_over(Embedded::new(db.clone()))
}

/// A client over any HTTP client, configured as [`client`] does it; a test wraps [`Embedded`] to inject what the
/// emulator never shows, such as a stale read or a transaction conflict.
///
/// Nothing is retried and nothing times out: an in-process database has no transient faults.
pub fn client_over(http: impl HttpClient + 'static) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .idempotency_token_provider(NO_TOKEN)
        .http_client(http)
        .build();
    Client::from_conf(config)
}

/// The embedded database as an HTTP client of the SDK.
#[derive(Clone)]
pub struct Embedded {
    database: Database,
    line: Line,
    tap: Arc<OnceLock<Tap>>,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Embedded")
    }
}

impl HttpClient for Embedded {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Embedded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (database, tap) = (self.database.clone(), Arc::clone(&self.tap));
        let mut turn = self.line.take(move || answer(&database, tap.get(), &request));
        match turn.now() {
            Some(answer) => HttpConnectorFuture::ready(answer),
            None => HttpConnectorFuture::new(async move {
                let broken = || ConnectorError::other("the embedded database broke down".into(), None);
                turn.done().await.unwrap_or_else(|| Err(broken()))
            }),
        }
    }
}

impl Embedded {
    /// A database, and nobody in line. Who shares the database shares a clone of this, too.
    pub fn new(database: Database) -> Self {
        Self { database, line: Line::default(), tap: Arc::default() }
    }

    /// From now on what is written to a table is noted. The first tap counts: no function consumes another's stream.
    pub fn tap(&self, tap: Tap) {
        if let Err(other) = self.tap.set(tap) {
            tracing::debug!(tap = ?other, "listened to already");
        }
    }

    /// The database itself, past the line.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Performs an operation; a status and a body in JSON. `None`: the database broke down.
    pub(crate) async fn perform(&self, operation: String, body: Bytes) -> Option<(u16, Vec<u8>)> {
        let (database, tap) = (self.database.clone(), Arc::clone(&self.tap));
        self.line.take(move || perform(&database, tap.get(), &operation, &body)).done().await
    }
}

fn answer(database: &Database, tap: Option<&Tap>, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let operation = request.headers().get("x-amz-target").and_then(|target| target.split_once('.'));
    let (Some((_, operation)), Some(body)) = (operation, request.body().bytes()) else {
        return Err(ConnectorError::user("a DynamoDB request names its operation and has its body at hand".into()));
    };
    let (status, body) = perform(database, tap, operation, body);
    response(status, CONTENT_TYPE, body)
}

/// An answer as the SDK takes it from its HTTP client.
pub(crate) fn response(
    status: u16,
    content_type: &'static str,
    body: impl Into<SdkBody>,
) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut response = HttpResponse::new(status, body.into());
    response.headers_mut().insert("content-type", content_type);
    Ok(response)
}

fn perform(database: &Database, tap: Option<&Tap>, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
    match dispatch(database, tap, operation, body) {
        Ok(body) => (200, body),
        Err(error) => (error.status_code(), error.to_json().into_bytes()),
    }
}

fn dispatch(db: &Database, tap: Option<&Tap>, operation: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
    match operation {
        "TransactWriteItems" => {
            run(body, |mut request: dynoxide::actions::transact_write_items::TransactWriteItemsRequest| {
                request.client_request_token.take_if(|token| token == NO_TOKEN);
                match tap {
                    Some(tap) => tap.transact(db, request, |request| db.transact_write_items(request)),
                    None => db.transact_write_items(request),
                }
            })
        }
        "GetItem" => run(body, |request| db.get_item(request)),
        "Query" => run(body, |request| db.query(request)),
        "TransactGetItems" => run(body, |request| db.transact_get_items(request)),
        "BatchGetItem" => run(body, |request| db.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| db.batch_write_item(request)),
        "PutItem" => run(body, |request| match tap {
            Some(tap) => tap.put(db, request, |request| db.put_item(request)),
            None => db.put_item(request),
        }),
        "UpdateItem" => run(body, |request| db.update_item(request)),
        "DeleteItem" => run(body, |request| db.delete_item(request)),
        "Scan" => run(body, |request| db.scan(request)),
        "ListTables" => run(body, |request| db.list_tables(request)),
        "DescribeTable" => run(body, |request| db.describe_table(request)),
        _ => dispatch_rare(db, operation, body),
    }
}

/// What the functions never ask for, and other tools may.
fn dispatch_rare(db: &Database, operation: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
    match operation {
        "CreateTable" => run(body, |request| db.create_table(request)),
        "UpdateTable" => run(body, |request| db.update_table(request)),
        "DeleteTable" => run(body, |request| db.delete_table(request)),
        "ExecuteStatement" => run(body, |request| db.execute_statement(request)),
        "ExecuteTransaction" => run(body, |request| db.execute_transaction(request)),
        "BatchExecuteStatement" => run(body, |request| db.batch_execute_statement(request)),
        "ListStreams" => run(body, |request| db.list_streams(request)),
        "DescribeStream" => run(body, |request| db.describe_stream(request)),
        "GetShardIterator" => run(body, |request| db.get_shard_iterator(request)),
        "GetRecords" => run(body, |request| db.get_records(request)),
        "UpdateTimeToLive" => run(body, |request| db.update_time_to_live(request)),
        "DescribeTimeToLive" => run(body, |request| db.describe_time_to_live(request)),
        "TagResource" => run(body, |request| db.tag_resource(request)),
        "UntagResource" => run(body, |request| db.untag_resource(request)),
        "ListTagsOfResource" => run(body, |request| db.list_tags_of_resource(request)),
        _ => Err(DynoxideError::UnsupportedCapability(format!("{operation} is not offered here"))),
    }
}

fn run<Request: DeserializeOwned, Answer: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Request) -> Result<Answer, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError> {
    let request = serde_json::from_slice(body).map_err(|error| refused(&error))?;
    serde_json::to_vec(&operation(request)?).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The SDK writes requests of the right shape, so what cannot be read holds a value that DynamoDB does not accept. The
/// emulator marks such messages for its own server.
fn refused(error: &serde_json::Error) -> DynoxideError {
    let message = error.to_string();
    let unmarked = message.split_once(':').filter(|(marker, _)| marker.starts_with("VALIDATION"));
    DynoxideError::ValidationException(unmarked.map_or(message.as_str(), |(_, message)| message).to_owned())
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put, ReturnConsumedCapacity,
        ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TransactWriteItem,
    };

    use aws_sdk_dynamodb::error::ProvideErrorMetadata;

    use super::*;

    async fn with_table() -> Client {
        let client = client(&Database::memory().unwrap());
        let attribute = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
        client
            .create_table()
            .table_name("table")
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap())
            .send()
            .await
            .unwrap();
        client
    }

    fn absent_put(value: &str) -> TransactWriteItem {
        let put = Put::builder()
            .table_name("table")
            .item("id", AttributeValue::S("a".into()))
            .item("value", AttributeValue::S(value.into()))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        TransactWriteItem::builder().put(put.build().unwrap()).build()
    }

    #[tokio::test]
    async fn a_lost_race_hands_back_the_winners_item() {
        let client = with_table().await;
        let first = client
            .transact_write_items()
            .transact_items(absent_put("first"))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        assert!(first.send().await.unwrap().consumed_capacity()[0].capacity_units().unwrap() >= 2.0);

        let second = client.transact_write_items().transact_items(absent_put("second")).send().await;
        let error = second.unwrap_err().into_service_error();
        let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
            cancelled,
        ) = error
        else {
            panic!("{error:?}")
        };
        let reason = &cancelled.cancellation_reasons()[0];
        assert_eq!(reason.code(), Some("ConditionalCheckFailed"));
        assert_eq!(reason.item().unwrap()["value"], AttributeValue::S("first".into()));
    }

    #[tokio::test]
    async fn an_explicit_token_keeps_its_meaning_and_the_default_one_has_none() {
        let client = with_table().await;
        for _ in 0..2 {
            let put = absent_put("first");
            client.transact_write_items().client_request_token("mine").transact_items(put).send().await.unwrap();
        }
        assert!(client.transact_write_items().transact_items(absent_put("first")).send().await.is_err());
    }

    #[tokio::test]
    async fn errors_keep_their_type() {
        let client = with_table().await;
        let missing = client.get_item().table_name("other").key("id", AttributeValue::S("a".into())).send().await;
        assert!(missing.unwrap_err().into_service_error().is_resource_not_found_exception());
        let empty = client.get_item().table_name("table").key("id", AttributeValue::S(String::new())).send().await;
        assert_eq!(empty.unwrap_err().into_service_error().code(), Some("ValidationException"));
        let short = client.get_item().table_name("t").key("id", AttributeValue::S("a".into())).send().await;
        let short = short.unwrap_err().into_service_error();
        assert_eq!(short.code(), Some("ValidationException"));
        assert!(short.message().unwrap().starts_with("1 validation error"), "{short:?}");
    }
}
