//! The smallest function with the same SDK: one transaction per event, nothing decided, nothing read, nothing logged.
//! What `start` compares the start of a real function with.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use aws_smithy_http_client::{Builder, tls};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let variable = |name: &str| std::env::var(name).unwrap();
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let (key, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new(key, secret, None, None, "environment"))
        .region(Region::new(variable("AWS_REGION")))
        .endpoint_url(variable("AWS_ENDPOINT_URL_DYNAMODB"))
        .http_client(Builder::new().tls_provider(provider).build_https())
        .build();
    let client = &Client::from_conf(config);
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| handle(client, &event).await)).await
}

/// Three guarded puts, one into each table that an order is written to.
async fn handle(client: &Client, event: &LambdaEvent<Value>) -> Result<Value, Error> {
    let id = AttributeValue::S(event.context.request_id.clone());
    let put = |table: &str, partition: &str, sort: Option<&str>| {
        let put = Put::builder().table_name(std::env::var(table)?).item(partition, id.clone());
        let put = put.condition_expression(format!("attribute_not_exists({partition})"));
        let put = sort.into_iter().fold(put, |put, name| put.item(name, AttributeValue::S("E#1".to_owned())));
        Ok::<_, Error>(TransactWriteItem::builder().put(put.build()?).build())
    };
    let writes = vec![
        put("ACCOUNTS_TABLE", "account_id", None)?,
        put("ORDERS_TABLE", "order_key", None)?,
        put("LEDGER_TABLE", "account_id", Some("sk"))?,
    ];
    client.transact_write_items().set_transact_items(Some(writes)).send().await?;
    Ok(json!({ "statusCode": 201 }))
}
