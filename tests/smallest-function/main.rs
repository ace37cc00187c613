//! The smallest function with the same SDK: nothing parsed, nothing decided, nothing logged. What `start` compares the
//! start of a real function with.
//!
//! Alone it makes one transaction per event. With `SAME_REQUESTS` set it makes the requests that an order needs, too:
//! it queries the program before the first invocation, and reads the account before the transaction.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use aws_smithy_http_client::{Builder, tls};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use std::collections::HashMap;

type Item = HashMap<String, AttributeValue>;

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
    let same_requests = &std::env::var("SAME_REQUESTS").is_ok();
    if *same_requests {
        let program = AttributeValue::S(variable("GUILDER_PROGRAM"));
        let query = client.query().table_name(variable("PROGRAMS_TABLE")).consistent_read(true);
        let query =
            query.key_condition_expression("program = :program").expression_attribute_values(":program", program);
        assert!(query.send().await?.count() > 0);
    }
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| handle(client, &event, *same_requests).await))
        .await
}

/// Three guarded puts, one into each table that an order is written to.
async fn handle(client: &Client, event: &LambdaEvent<Value>, same_requests: bool) -> Result<Value, Error> {
    let id = AttributeValue::S(event.context.request_id.clone());
    let key = |partition: &str| Item::from([(partition.to_owned(), id.clone())]);
    let (mut account, mut order, mut entry) = (key("account_id"), key("order_key"), key("account_id"));
    entry.insert("sk".to_owned(), AttributeValue::S("E#1".to_owned()));
    if same_requests {
        let held = Item::from([("account_id".to_owned(), AttributeValue::S("acme".to_owned()))]);
        let get = client.get_item().table_name(std::env::var("ACCOUNTS_TABLE")?).set_key(Some(held));
        // What is written is as large as what an order writes: the account's item, some hundred bytes each of the rest.
        let held = get.send().await?.item.unwrap();
        account.extend(held.into_iter().filter(|(name, _)| name != "account_id" && !name.starts_with("due")));
        let body = event.payload["body"].as_str().unwrap();
        order.insert("lines".to_owned(), AttributeValue::S(body.chars().take(700).collect()));
        entry.insert("entry".to_owned(), AttributeValue::S(body.chars().take(600).collect()));
    }
    let put = |table: &str, item: Item, partition: &str| {
        let put = Put::builder().table_name(std::env::var(table)?).set_item(Some(item));
        let put = put.condition_expression(format!("attribute_not_exists({partition})"));
        Ok::<_, Error>(TransactWriteItem::builder().put(put.build()?).build())
    };
    let writes = vec![
        put("ACCOUNTS_TABLE", account, "account_id")?,
        put("ORDERS_TABLE", order, "order_key")?,
        put("LEDGER_TABLE", entry, "account_id")?,
    ];
    client.transact_write_items().set_transact_items(Some(writes)).send().await?;
    Ok(json!({ "statusCode": 201 }))
}
