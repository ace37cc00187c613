use std::sync::Arc;

use super::*;
use crate::cloud::{Options, Storage};
use crate::loopback;
use crate::loopback::tests::{FOREIGN, raw};

async fn cloud() -> Cloud {
    Cloud::open(Options::new(Storage::Memory)).await.unwrap()
}

fn request(method: &str, target: &str) -> Request {
    Request { method: method.into(), target: target.into(), ..Request::default() }
}

#[tokio::test]
async fn a_request_becomes_an_event_of_payload_format_2() {
    let request = Request {
        headers: vec![("X-Tag".into(), "a".into()), ("x-tag".into(), "b".into()), ("User-Agent".into(), "curl".into())],
        body: Bytes::from_static(b"{}"),
        ..request("PUT", "/v1/accounts/acme%20ltd/contacts/c1?q=a%26b&q=c")
    };
    let Invocation { function, event } = cloud().await.invocation(&request).unwrap();
    assert_eq!(function, "accounts");
    let parsed = serde_json::from_value::<aws_lambda_events::apigw::ApiGatewayV2httpRequest>(event.clone()).unwrap();
    let route = "PUT /v1/accounts/{account_id}/contacts/{contact_id}";
    assert_eq!(parsed.route_key.as_deref(), Some(route));
    assert_eq!(parsed.path_parameters["account_id"], "acme ltd");
    assert_eq!(parsed.headers["x-tag"], "a,b");
    assert_eq!(parsed.body.as_deref(), Some("{}"));
    assert!(!parsed.is_base64_encoded);
    let jwt = parsed.request_context.authorizer.unwrap().jwt.unwrap();
    assert_eq!(jwt.claims["sub"], "operator");
    assert_eq!(jwt.scopes.unwrap(), ["accounts:write"]);
    assert_eq!(jwt.claims["scope"], "orders:write accounts:read accounts:write program:write metrics:read");
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/v1/accounts/acme%20ltd/contacts/c1");
    assert_eq!(event["rawQueryString"], "q=a%26b&q=c");
    assert_eq!(event["queryStringParameters"]["q"], "a&b,c");
    assert_eq!(event["requestContext"]["http"]["method"], "PUT");
    assert_eq!(event["requestContext"]["http"]["userAgent"], "curl");
}

#[tokio::test]
async fn a_body_that_is_no_text_travels_in_base64() {
    let request = Request { body: Bytes::from_static(&[0xff, 0x00]), ..request("POST", "/v1/orders") };
    let event = cloud().await.invocation(&request).unwrap().event;
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    assert_eq!(event.get("queryStringParameters"), None);
    assert_eq!(event.get("pathParameters"), None);
}

#[tokio::test]
async fn a_request_that_leads_nowhere_is_told_so() {
    let cloud = cloud().await;
    let rows = [
        ("GET", "/", 404, "/problems/not-found"),
        ("GET", "/v1/accounts", 404, "/problems/not-found"),
        ("GET", "/v1/accounts//entries", 404, "/problems/not-found"),
        ("GET", "/_local/secrets", 404, "/problems/not-found"),
        ("GET", "/v1/orders", 405, "/problems/method-not-allowed"),
        ("DELETE", "/v1/accounts/acme?x=y", 405, "/problems/method-not-allowed"),
        ("PUT", "/_local/events", 405, "/problems/method-not-allowed"),
    ];
    for (method, target, status, kind) in rows {
        let response = cloud.http(method, target, &[], "").await;
        assert_eq!((response.status, response.json()["type"].as_str()), (status, Some(kind)), "{method} {target}");
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
    }
    let response = cloud.http("DELETE", "/v1/accounts/acme", &[], "").await;
    assert_eq!(response.header("allow"), Some("GET, PUT"));
    let response = cloud.http("POST", "/v1/orders", &[], vec![b' '; BODY_BYTES_MAX + 1]).await;
    assert_eq!((response.status, response.json()["type"].as_str()), (413, Some("/problems/payload-too-large")));
}

#[test]
fn an_answer_becomes_a_response() {
    let full = json!({
        "statusCode": 201, "headers": {"Location": "/x"}, "body": "aGk=", "isBase64Encoded": true, "cookies": [],
    });
    let full = response(full);
    assert_eq!((full.status, full.header("location"), full.body.as_ref()), (201, Some("/x"), b"hi".as_slice()));
    let inferred = response(json!({"ok": true}));
    assert_eq!((inferred.status, inferred.json()), (200, json!({"ok": true})));
    assert_eq!(response(json!({"statusCode": 99})).status, 500);
    assert_eq!(response(json!({"statusCode": 200, "body": "%", "isBase64Encoded": true})).status, 500);
}

#[tokio::test]
async fn events_are_taken_from_the_bus_into_queues() {
    let cloud = cloud().await;
    let entry = json!({"detail-type": "OrderPlaced", "source": "shop", "detail": {"order_id": "1"}}).to_string();
    let taken = cloud.http("POST", "/_local/events", &[], entry).await;
    assert_eq!((taken.status, taken.json()), (202, json!({"queues": 1})));
    let other = json!({"detail-type": "OrderShipped", "source": "shop", "detail": {}}).to_string();
    assert_eq!(cloud.http("POST", "/_local/events", &[], other).await.json(), json!({"queues": 0}));
    assert_eq!(cloud.http("POST", "/_local/events", &[], "[]").await.status, 400);
    let large = json!({"detail-type": "OrderPlaced", "source": "shop", "detail": "x".repeat(256 * 1024)}).to_string();
    assert_eq!(cloud.http("POST", "/_local/events", &[], large).await.status, 413);

    let queues = cloud.http("GET", "/_local/queues", &[], "").await.json();
    assert_eq!(queues["queues"][0]["queue"], "OrderPlacedQueue");
    assert_eq!(queues["queues"][0]["depth"], 1);
    let body = queues["queues"][0]["messages"][0]["body"].as_str().unwrap();
    let event = serde_json::from_str::<Value>(body).unwrap();
    assert_eq!((&event["detail-type"], &event["detail"]["order_id"]), (&json!("OrderPlaced"), &json!("1")));
}

#[tokio::test]
async fn the_server_answers_this_machine_and_stops_when_asked() {
    let listener = server::listen(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    assert!(address.ip().is_loopback());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let cloud = Arc::new(cloud().await);
    let serving = tokio::spawn(server::serve(cloud, listener, None, async { stopped.await.unwrap_or(()) }));
    let chunked = "POST /v1/orders HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let rows = [
        ("GET /_local/queues HTTP/1.1\r\nhost: localhost:3000\r\n\r\n".to_owned(), 200, ""),
        ("GET /nowhere HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".to_owned(), 404, "/problems/not-found"),
        ("GET http://localhost/_local/queues HTTP/1.1\r\nhost: LOCALHOST\r\n\r\n".to_owned(), 200, ""),
        ("GET /_local/queues HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://localhost:3000\r\n\r\n".to_owned(), 200, ""),
        (
            "POST /v1/orders HTTP/1.1\r\nhost: localhost\r\ncontent-length: 7000000\r\n\r\n".to_owned(),
            413,
            "/problems/payload-too-large",
        ),
        (format!("{chunked}6acfc1\r\n{}\r\n0\r\n\r\n", " ".repeat(0x6a_cfc1)), 413, "/problems/payload-too-large"),
        (format!("{chunked}zz\r\n{{}}\r\n0\r\n\r\n"), 400, "/problems/broken-body"),
        (format!("{chunked}5\r\n{{}}"), 400, "/problems/broken-body"),
        (
            "POST /v1/orders HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{}".to_owned(),
            400,
            "/problems/broken-body",
        ),
    ];
    for (request, status, kind) in rows {
        let answer = raw(address, request.as_bytes()).await;
        let head = &request[..request.len().min(120)];
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(kind), "{head}: {answer}");
    }
    for head in FOREIGN {
        let answer = raw(address, &loopback::tests::request("GET", head)).await;
        let refused = answer.starts_with("HTTP/1.1 403") && answer.contains("/problems/foreign-origin");
        assert!(refused, "{}: {answer}", String::from_utf8_lossy(head));
    }
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_this_program_does_itself_needs_no_token() {
    let issuer = issuer::tests::issuer();
    let cloud = Cloud::open(Options { issuer: Some(issuer), ..Options::new(Storage::Memory) }).await.unwrap();
    let refused = cloud.http("GET", "/v1/accounts/acme", &[], "").await;
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    // Such as loading the demo.
    let event = cloud.invocation(&request("GET", "/v1/accounts/acme")).unwrap().event;
    assert_eq!(event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"], "operator");
}

#[test]
fn the_line_of_a_request_tells_no_secret() {
    let path = "/v1/accounts/acme";
    let took = std::time::Duration::from_millis(2);
    let refused = server::line("GET", path, &Response::refused(Refusal::Expired), took);
    assert_eq!(refused, "GET    /v1/accounts/acme  401  2.0 ms");
    let body = json!({"account_id": "acme", "name": "Acme", "email": "office@acme.example", "points": 5});
    let answered = server::line("GET", path, &Response::of(200, "application/json", &body), took);
    assert_eq!(answered, "GET    /v1/accounts/acme  200  2.0 ms  account_id=acme  points=5");
}
