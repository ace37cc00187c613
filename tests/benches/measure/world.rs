//! A deployment to measure: the template's tables, the sample program, orders and the events that bring them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::HttpClient;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use domain::time::Instant;
use local::cloud::{Cloud, Options, Storage};
use local::connector;
use runtime::{App, Clock};
use serde_json::{Value, json};
use std::sync::Arc;

/// The program that everything is measured under.
pub const PROGRAM: &str = include_str!("../../../shared/local/programs/wholesale.json");
/// Where the clock stands, so that every run writes the same bytes.
pub const NOW: &str = "2026-03-20T12:00:00Z";

/// A cloud over an HTTP client, its tables new and the program active.
pub async fn deployed(http: impl HttpClient + 'static, clock: Clock) -> Cloud {
    deployed_by(connector::client_over(http), clock).await
}

/// The same over a client.
pub async fn deployed_by(client: Client, clock: Clock) -> Cloud {
    let storage = Storage::Endpoint { client, prefix: String::new() };
    let cloud = Cloud::open(Options { clock, ..Options::new(storage) }).await.unwrap();
    activate(&cloud).await;
    cloud
}

/// Activates the program; the first version is in force from the beginning of time.
pub async fn activate(cloud: &Cloud) {
    let document = serde_json::from_str(PROGRAM).unwrap();
    tests::actor::activate(&order_placed_app(cloud), &document, now()).await;
}

/// The program with fifty earning rules of every kind, most of which look at each line.
pub fn fifty_rules() -> Value {
    let mut document: Value = serde_json::from_str(PROGRAM).unwrap();
    document["earning_rules"] = (0..50).map(earning_rule).collect();
    document
}

fn earning_rule(number: u64) -> Value {
    let skus: Vec<_> = (0..20).map(|n| format!("{}A", 20_000 + (number * 31 + n * 37) % 10_000)).collect();
    let mut rule = match number % 10 {
        0 => json!({"points": 1, "per": "1.00"}),
        1 => json!({"points": 5, "per_units": 12, "lines": {"categories": {"include": ["kitchen", "garden"]}}}),
        2 => json!({"multiplier": "1.5", "lines": {"brands": {"exclude": ["Leaf"]}}}),
        3 => json!({"points": 2, "per": "1.00", "lines": {"skus": {"include": skus}}}),
        4 => json!({"points": 9, "when": {"segments": {"exclude": ["vip"]}, "tiers": {"exclude": ["platinum"]}}}),
        5 => json!({"points": 4, "when": {"weekdays": ["friday"], "hours": {"from": "09:00", "until": "18:00"}}}),
        6 => json!({"points": 3, "when": {"orders_at_least": {"orders": 1, "months": 3},
                                          "spend_at_least": {"amount": "1.00", "months": 12}}}),
        7 => json!({"points": 1, "per": "2.00", "group": format!("g-{number}"), "lines": {"minimum_quantity": 2}}),
        8 => json!({"points": 1, "per": "3.00", "group": format!("g-{}", number - 1), "rounded_per": "line",
                    "rounding": "half_up", "lines": {"tags": {"exclude": ["sale"]}}, "maximum_points": 40}),
        _ => json!({"points": 6, "when": {"from": "2020-01-01", "until": "2030-12-31", "minimum_total": "1.00"}}),
    };
    (rule["id"], rule["name"]) = (json!(format!("rule-{number}")), json!("Rule"));
    rule
}

/// A cloud whose clock stands still.
pub async fn standing_still(http: impl HttpClient + 'static) -> Cloud {
    deployed(http, Clock::manual(now())).await
}

/// The app behind the function that is measured.
pub fn order_placed_app(cloud: &Cloud) -> Arc<App> {
    cloud.app("order-placed").unwrap().clone()
}

/// [`NOW`].
pub fn now() -> Instant {
    Instant::parse(NOW).unwrap()
}

/// An order that earns points, reaches no tier and issues nothing.
pub fn order(order_id: &str, account_id: &str, lines: usize) -> Value {
    let line = |number: usize| {
        json!({
            "line_id": number.to_string(),
            "sku": format!("{}{}", 20_000 + number * 37 % 10_000, ["", "A", "B"][number % 3]),
            "quantity": 1 + number % 2,
            "unit_price": format!("0.{}", 42 + number % 50),
        })
    };
    json!({
        "source": "shop",
        "order_id": order_id,
        "account_id": account_id,
        "placed_at": "2026-03-20T11:59:30+00:00",
        "currency": "GBP",
        "lines": (1..=lines).map(line).collect::<Vec<_>>(),
    })
}

/// The event that API Gateway makes of an order, with the headers a caller usually sends.
pub fn event(order: &Value) -> Value {
    let body = order.to_string();
    let claims = json!({
        "sub": "shop-backend", "iss": "https://login.example.com/", "aud": "guilder", "scope": "orders:write",
        "exp": "1774010400", "iat": "1774006800",
    });
    json!({
        "version": "2.0",
        "routeKey": "POST /v1/orders",
        "rawPath": "/v1/orders",
        "rawQueryString": "",
        "headers": {
            "accept": "application/json",
            "authorization": format!("Bearer e30.{}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()), "x".repeat(342)),
            "content-length": body.len().to_string(),
            "content-type": "application/json",
            "host": "api.example.com",
            "user-agent": "shop/1.0",
            "x-amzn-trace-id": "Root=1-69bd2f00-0123456789abcdef01234567",
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "authorizer": {"jwt": {"claims": claims, "scopes": ["orders:write"]}},
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST", "path": "/v1/orders", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7",
                "userAgent": "shop/1.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /v1/orders",
            "stage": "$default",
            "time": "20/Mar/2026:12:00:00 +0000",
            "timeEpoch": 1_774_008_000_000_u64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}
