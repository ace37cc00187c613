#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects)]
use super::*;
use crate::Fault;
use crate::problem::Problem;
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
            "authorizer": { "jwt": { "claims": { "sub": "shop", "scope": "orders:write" } } },
        },
        "isBase64Encoded": false,
    });
    change(&mut event);
    let Trigger::Http(request) = Trigger::of(event).unwrap() else { unreachable!() };
    request
}

/// The same with nothing in its query.
fn plain(change: impl FnOnce(&mut Value)) -> Request {
    request(|event| {
        event.as_object_mut().unwrap().remove("queryStringParameters");
        change(event);
    })
}

#[test]
fn what_nobody_reads_in_the_query_of_a_document_is_refused() {
    let known = request(|event| event["body"] = json!("{}"));
    let named = |refused: Result<Value, Error>| match refused {
        Err(Error::Request(RequestFault::UnknownParameters { names, known })) => (names, known),
        other => panic!("{other:?}"),
    };
    let nothing: &[&str] = &[];
    assert_eq!(named(known.document()), (vec!["limit".to_owned()], nothing));
    assert_eq!(named(known.document_or_nothing()), (vec!["limit".to_owned()], nothing));
    assert_eq!(known.document_beside(&["limit"]).unwrap(), json!({}));
}

#[test]
fn a_path_is_decoded_segment_by_segment() {
    assert_eq!(request(|_| {}).route(), ("GET", vec!["v1", "accounts", "shop:acme", "entries"]));
}

#[test]
fn a_body_is_json_within_bounds() {
    let fault = |body: Value, base64: bool| {
        let request = plain(|event| {
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
    for unreadable in [json!("a/b"), json!(""), json!(" "), Value::Null, json!(7), json!(true), json!([]), json!({})] {
        let broken = request(|event| {
            event["requestContext"]["authorizer"]["jwt"] =
                json!({ "claims": { "sub": "buyer", "account_id": unreadable } });
        });
        assert!(matches!(broken.caller(), Err(Error::Denied(Denied::Unknown))), "a claim that cannot be read denies");
    }
    // What stands beside the claims is what the route asks for, whatever it says of the token.
    let listed = request(|event| {
        event["requestContext"]["authorizer"]["jwt"] =
            json!({ "claims": { "sub": "shop", "scope": "metrics:read" }, "scopes": Scope::ALL.map(Scope::name) });
    });
    let listed = listed.caller().unwrap();
    for scope in Scope::ALL {
        assert_eq!(listed.require_any(scope).is_ok(), scope == Scope::MetricsRead, "{scope:?}");
    }
}

#[test]
fn a_token_that_names_an_account_by_no_text_is_nobodys() {
    let with = |header: Value, claims: Value| {
        let event = |event: &mut Value| {
            event["headers"]["authorization"] = header;
            event["requestContext"]["authorizer"]["jwt"]["claims"] = claims;
        };
        request(event).caller()
    };
    let token = |payload: &Value| format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(payload.to_string()));
    let merchant = || json!({ "sub": "shop", "scope": "orders:write" });
    let of = |account: &str| json!({ "sub": "buyer", "scope": "orders:write", "account_id": account });
    // The claims as API Gateway hands them on of such a token: without `null`, anything else as text.
    for (account, claims) in [
        (Value::Null, merchant()),
        (json!(7), of("7")),
        (json!(true), of("true")),
        (json!([]), of("[]")),
        (json!(["acme"]), of("[acme]")),
        (json!({}), of("{}")),
    ] {
        let token = token(&json!({ "sub": "buyer", "account_id": account }));
        for header in
            [token.clone(), format!("Bearer {token}"), format!("bearer  {}", token.replace(".c2ln", "==.c2ln"))]
        {
            let refused = with(json!(header), claims.clone());
            assert!(matches!(refused, Err(Error::Denied(Denied::Unknown))), "{account} in {header}");
        }
    }
    let acme = with(json!(token(&json!({ "account_id": "acme" }))), of("acme")).unwrap();
    assert_eq!(acme.own_account(), Some(&AccountId::parse("acme").unwrap()));
    // Without an account it is the merchant's, and so it is where the token is not handed on.
    for header in [json!(token(&json!({ "sub": "shop" }))), json!("Bearer redacted"), json!("a.b.c"), Value::Null] {
        assert_eq!(with(header.clone(), merchant()).unwrap().own_account(), None, "{header}");
    }
}

#[test]
fn a_fault_tells_the_caller_nothing() {
    let fault = Fault::Store(store::Fault::Service("secret host refused".to_owned()));
    let asked = request(|event| event["headers"]["x-request-id"] = json!("shop-7"));
    let response = respond(&asked, Err(Error::Fault(fault)));
    assert_eq!(response["statusCode"], 500);
    assert!(!response.to_string().contains("secret"));
    assert_eq!(response["headers"]["content-type"], "application/problem+json");
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["request_id"], &response["headers"]["x-request-id"]), (&json!("shop-7"), &json!("shop-7")));
    let busy = respond(&asked, Err(Error::Fault(Fault::Contended(16))));
    assert_eq!((&busy["statusCode"], &busy["headers"]["retry-after"]), (&json!(503), &json!("1")));
}

fn header(response: &Value, name: &str) -> Option<String> {
    response["headers"][name].as_str().map(str::to_owned)
}

#[test]
fn an_answer_says_what_its_route_says_of_it() {
    let asked = request(|_| {});
    let plain = respond(&asked, Ok(Answer::json(201, &json!({"a": 1}))));
    assert_eq!((&plain["statusCode"], &plain["body"]), (&json!(201), &json!(r#"{"a":1}"#)));
    for (name, value) in [("cache-control", "no-store"), ("vary", "authorization, accept")] {
        assert_eq!(header(&plain, name).as_deref(), Some(value));
    }
    for absent in ["etag", "location", "link", "retry-after", "idempotent-replayed", "dry-run"] {
        assert_eq!(header(&plain, absent), None, "{absent}");
    }
    let answer = Answer::json(202, &json!({})).location("/v1/x".to_owned()).retry_after(5).replayed(true).impersonal();
    let full = respond_dry(&asked, Ok(answer));
    let told = [
        ("location", "/v1/x"),
        ("retry-after", "5"),
        ("idempotent-replayed", "true"),
        ("dry-run", "true"),
        ("cache-control", "private, no-cache"),
    ];
    for (name, value) in told {
        assert_eq!(header(&full, name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn the_next_page_is_at_the_same_address_and_query() {
    let link = |query: &str| {
        let asked = request(|event| event["rawQueryString"] = json!(query));
        header(&respond(&asked, Ok(Answer::json(200, &json!({})).next(Some("AAA_-".to_owned())))), "link").unwrap()
    };
    let path = "/v1/accounts/shop%3Aacme/entries";
    let rows = [
        ("", "?cursor=AAA_-"),
        ("limit=5", "?limit=5&cursor=AAA_-"),
        ("cursor=old&limit=5", "?limit=5&cursor=AAA_-"),
        ("limit=5&cursor=old&by=a%26b", "?limit=5&by=a%26b&cursor=AAA_-"),
        ("%63ursor=old&cursors=x&cursor", "?cursors=x&cursor=AAA_-"),
        ("a=>; rel=\"x\"", "?a=%3E;%20rel=%22x%22&cursor=AAA_-"),
    ];
    for (query, expected) in rows {
        assert_eq!(link(query), format!("<{path}{expected}>; rel=\"next\""));
    }
    let last = respond(&request(|_| {}), Ok(Answer::json(200, &json!({})).next(None)));
    assert_eq!(header(&last, "link"), None);
}

#[test]
fn who_has_what_is_shown_is_told_no_more_than_that() {
    let ask = |condition: &str, answer: Answer| {
        respond(&request(|event| event["headers"]["if-none-match"] = json!(condition)), Ok(answer))
    };
    let shown = |n: u32| Answer::json(200, &json!({ "n": n }));
    let tag = |answer: Answer| header(&respond(&request(|_| {}), Ok(answer)), "etag").unwrap();
    let weak = |n: u32| Answer::json(200, &json!({"n": n, "as_of": n})).tagged_as_of(7, &json!({}));
    assert_eq!((tag(weak(1)), tag(shown(1)).starts_with("\"x")), (tag(weak(2)), true));
    for (condition, answer, status) in [
        (tag(shown(1)), shown(1), 304),
        (format!("\"a\", W/{}", tag(shown(1))), shown(1), 304),
        ("*".to_owned(), shown(1), 304),
        (tag(shown(1)), shown(2), 200),
        (tag(shown(1)), shown(1).tagged(7), 200),
        (tag(shown(1).tagged(7)), shown(1).tagged(8), 200),
        (tag(weak(1)), weak(2), 304),
        ("unreadable".to_owned(), shown(1), 200),
        (tag(shown(1)), Answer::json(201, &json!({"n": 1})), 201),
    ] {
        let response = ask(&condition, answer);
        assert_eq!(response["statusCode"], status, "{condition}");
        assert_eq!(response["body"] == "", status == 304);
        assert_eq!(header(&response, "content-type").is_none(), status == 304);
        assert_eq!(header(&response, "etag").is_some(), status != 201, "{condition}");
        assert!(header(&response, "x-request-id").is_some());
    }
}

#[test]
fn a_condition_that_nothing_judges_is_refused() {
    let with = |method: &str, name: &str, value: &str| {
        plain(|event| {
            event["requestContext"]["http"]["method"] = json!(method);
            event["headers"][name] = json!(value);
            event["body"] = json!("{}");
        })
    };
    for name in ["if-match", "if-none-match"] {
        let refused = |request: Request| matches!(request.document(), Err(Error::Request(RequestFault::ConditionNotTaken(n))) if n == name);
        assert!(refused(with("POST", name, "*")) && !refused(with("PUT", name, "*")), "{name}");
        assert!(with("DELETE", name, "\"1\"").unconditional().is_err());
        let unreadable = with("PUT", name, "1").precondition();
        assert!(matches!(unreadable, Err(Error::Request(RequestFault::Parameter { name: n, .. })) if n == name));
    }
    assert!(with("DELETE", "accept", "*/*").unconditional().is_ok());
    let stated = with("PUT", "if-match", "\"4\", W/\"5-a\", \"x6\"").precondition().unwrap();
    assert_eq!(stated.among, Some(domain::precondition::Versions::Of(vec![4, 5])));
    assert_eq!((stated.none_of, with("PUT", "accept", "a").precondition().unwrap()), (None, Default::default()));
}

#[test]
fn a_body_that_says_it_is_something_else_is_refused() {
    let with = |name: &str, value: &str, body: &str| {
        let request = plain(|event| {
            event["headers"][name] = json!(value);
            event["body"] = json!(body);
        });
        request.document_or_nothing().map_err(|error| Problem::of(&error).status())
    };
    assert_eq!(with("content-type", "application/json", "{}"), Ok(json!({})));
    assert_eq!(with("content-type", "text/xml", "{}"), Err(415));
    assert_eq!(with("content-encoding", "gzip", "{}"), Err(415));
    assert_eq!(with("content-encoding", "identity", "{}"), Ok(json!({})));
    assert_eq!(with("content-type", "text/xml", ""), Ok(json!({})), "nothing is nothing, whatever it is called");
}
