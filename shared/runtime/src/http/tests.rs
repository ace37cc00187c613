#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects)]
use super::*;
use crate::Fault;
use crate::{Denied, Scope, Trigger};
use domain::id::AccountId;

fn request(change: impl FnOnce(&mut Value)) -> Request {
    let mut event = json!({
        "version": "2.0",
        "rawPath": "/v1/accounts/shop%3Aacme/entries",
        "rawQueryString": "limit=5",
        "queryStringParameters": { "limit": "5" },
        "headers": {},
        "requestContext": {
            "http": { "method": "GET", "path": "/v1/accounts/shop%3Aacme/entries" },
            "authorizer": { "jwt": { "claims": { "sub": "shop" }, "scopes": ["orders:write"] } },
        },
        "isBase64Encoded": false,
    });
    change(&mut event);
    let Trigger::Http(request) = Trigger::of(event).unwrap() else { unreachable!() };
    request
}

#[test]
fn a_path_is_decoded_segment_by_segment() {
    assert_eq!(request(|_| {}).route(), ("GET", vec!["v1", "accounts", "shop:acme", "entries"]));
}

#[test]
fn a_body_is_json_within_bounds() {
    let fault = |body: Value, base64: bool| {
        let request = request(|event| {
            event["body"] = body;
            event["isBase64Encoded"] = json!(base64);
        });
        match request.document() {
            Ok(document) => document.to_string(),
            Err(Error::Request(fault)) => format!("{fault:?}").split('(').next().unwrap().to_owned(),
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(fault(json!("{\"a\":1}"), false), r#"{"a":1}"#);
    assert_eq!(fault(json!("eyJhIjoxfQ=="), true), r#"{"a":1}"#);
    assert_eq!(fault(json!("not base64!"), true), "NotBase64");
    assert_eq!(fault(json!("{"), false), "NotJson");
    assert_eq!(fault(Value::Null, false), "NotJson");
    assert_eq!(fault(json!(" ".repeat(BODY_BYTES_MAX + 1)), false), "TooLarge");
    assert_eq!(fault(json!(BASE64_STANDARD.encode(" ".repeat(BODY_BYTES_MAX + 1))), true), "TooLarge");
}

#[test]
fn cursors_and_limits_are_read_or_refused() {
    let with = |name: &str, value: &str| request(|event| event["queryStringParameters"] = json!({ name: value }));
    assert_eq!(with("cursor", &cursor(42)).cursor().unwrap(), Some(42));
    assert_eq!(request(|_| {}).cursor().unwrap(), None);
    for garbage in ["", "42", "AAAA", "__________8", "%"] {
        assert!(with("cursor", garbage).cursor().is_err(), "{garbage:?}");
    }
    assert_eq!(with("limit", "100").limit(20, 100).unwrap(), 100);
    for garbage in ["0", "101", "-1", "ten"] {
        assert!(with("limit", garbage).limit(20, 100).is_err(), "{garbage:?}");
    }
}

#[test]
fn a_parameter_that_a_route_does_not_know_is_refused_by_its_name() {
    let with = |parameters: Value| request(|event| event["queryStringParameters"] = parameters);
    for taken in [json!({}), Value::Null, json!({"limit": "5"}), json!({"limit": "x", "cursor": ""})] {
        assert!(with(taken.clone()).takes(&["limit", "cursor"]).is_ok(), "{taken}");
    }
    let problem = |request: &Request, known| serde_json::to_value(Problem::of(&request.takes(known).unwrap_err()));
    let misspelt = problem(&with(json!({"limt": "5", "cursor": "", "Limit": "5"})), &["limit", "cursor"]).unwrap();
    let fault = |path: &str| {
        let message = "unknown parameter; known are: limit, cursor";
        json!({"path": path, "code": "unknown_parameter", "message": message})
    };
    assert_eq!(misspelt["faults"], json!([fault("Limit"), fault("limt")]));
    assert_eq!((&misspelt["type"], &misspelt["status"]), (&json!("/problems/invalid-parameter"), &json!(400)));
    let none = problem(&request(|_| {}), &[]).unwrap();
    assert_eq!(none["detail"], "The query has an unknown parameter; there are none.");
    let many = (0..150).map(|n| (format!("{n:03}{}", "é".repeat(300)), json!("")));
    let many = problem(&with(Value::Object(many.collect())), &[]).unwrap();
    assert_eq!((many["faults"].as_array().unwrap().len(), &many["faults_unlisted"]), (100, &json!(50)));
    assert_eq!(many["faults"][0]["path"].as_str().unwrap().chars().count(), 200);
}

#[test]
fn a_caller_may_what_its_token_says_and_nothing_else() {
    let acme = AccountId::parse("acme").unwrap();
    let other = AccountId::parse("other").unwrap();
    let nobody = request(|event| event["requestContext"]["authorizer"] = Value::Null);
    assert!(matches!(nobody.caller(), Err(Error::Denied(Denied::Unknown))));
    let machine = request(|_| {}).caller().unwrap();
    assert_eq!(machine.require_for(Scope::OrdersWrite, &other), Ok(()));
    assert_eq!(machine.require_any(Scope::AccountsRead), Err(Denied::Scope(Scope::AccountsRead)));
    let own = request(|event| {
        event["requestContext"]["authorizer"]["jwt"] =
            json!({ "claims": { "sub": "buyer", "account_id": "acme", "scope": "accounts:read openid" } });
    });
    let own = own.caller().unwrap();
    assert_eq!(own.require_for(Scope::AccountsRead, &acme), Ok(()));
    assert_eq!(own.require_for(Scope::AccountsRead, &other), Err(Denied::OtherAccount));
    for unreadable in ["a/b", "", " "] {
        let broken = request(|event| {
            event["requestContext"]["authorizer"]["jwt"] =
                json!({ "claims": { "sub": "buyer", "account_id": unreadable } });
        });
        assert!(matches!(broken.caller(), Err(Error::Denied(Denied::Unknown))), "a claim that cannot be read denies");
    }
}

#[test]
fn a_fault_tells_the_caller_nothing() {
    let fault = Fault::Store(store::Fault::Service("secret host refused".to_owned()));
    let response = respond(Err(Error::Fault(fault)));
    assert_eq!(response["statusCode"], 500);
    assert!(!response.to_string().contains("secret"));
    assert_eq!(response["headers"]["content-type"], "application/problem+json");
    let busy = respond(Err(Error::Fault(Fault::Contended(16))));
    assert_eq!((&busy["statusCode"], &busy["headers"]["retry-after"]), (&json!(503), &json!("1")));
}
