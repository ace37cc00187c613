//! The description of the API, `docs/openapi.json`: served as committed, and strict enough for what is held against it. That
//! every answer of every test is one that it describes is `tests::description`'s to see.

use serde_json::{Value, json};
use std::path::Path;
use tests::description::check;
use tests::{Cloud, WHOLESALE};

fn published() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[tokio::test]
async fn the_description_is_served_as_committed_to_whoever_asks() {
    let cloud = Cloud::start().await;
    let reply = cloud.request_as(None, "GET", "/openapi.json", "").await.expect(200);
    assert_eq!(reply.json(), published());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("private, no-cache"));
}

#[tokio::test]
async fn an_answer_that_is_not_described_is_found() {
    let cloud = Cloud::start().await;
    cloud.order("o-1").line("MUG", 1, "1.00").send().await.expect(201);
    let (method, target) = ("GET", "/v1/accounts/acme?limit=5");
    let response = cloud.local().http(method, target, &[], "").await;
    check(method, target, &response).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut body = response.json();
        change(&mut body);
        local::gateway::Response { body: body.to_string().into(), ..response.clone() }
    };
    let with_header = |name: &str, value: &str| {
        let mut response = response.clone();
        response.headers.retain(|(own, _)| own != name);
        response.headers.push((name.to_owned(), value.to_owned()));
        response
    };
    for (odd, told) in [
        (changed(&|body| body["unheard_of"] = json!(1)), "unheard_of"),
        (changed(&|body| body["tier"]["unheard_of"] = json!(1)), "unheard_of"),
        (changed(&|body| body["points"]["balance"] = json!("1")), "/points/balance"),
        (changed(&|body| body["status"] = json!("unheard_of")), "/status"),
        (changed(&|body| drop(body.as_object_mut().unwrap().remove("account_id"))), "account_id"),
        (with_header("content-type", "text/html"), "text/html"),
        (with_header("x-unheard-of", "1"), "x-unheard-of"),
        (local::gateway::Response { status: 418, ..response.clone() }, "the status"),
    ] {
        let odds = check(method, target, &odd).unwrap_err();
        assert!(odds.contains(told), "{odds}");
    }
    // Nor is a problem described of whatever may happen elsewhere.
    let mut unknown = cloud.local().http("GET", "/v1/accounts/nobody", &[], "").await;
    check("GET", "/v1/accounts/nobody", &unknown).unwrap();
    unknown.body = unknown.json().to_string().replace("unknown-account", "survey-closed").into();
    assert!(check("GET", "/v1/accounts/nobody", &unknown).unwrap_err().contains("survey-closed"));
    assert!(check("GET", "/v1/nothing", &response).unwrap_err().contains("no such route"));
}

#[test]
fn every_example_is_what_its_operation_takes() {
    let (description, mut examples) = (published(), 0);
    let components = json!({ "schemas": description["components"]["schemas"] });
    let takes = |schema: &Value, value: &Value, place: &str| {
        let mut schema = schema.clone();
        schema["components"] = components.clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let faults: Vec<_> = validator.iter_errors(value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{place}: {faults:?}\n{value}");
    };
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let place = format!("{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let Some(text) = parameter["example"].as_str() else { continue };
                // What is a number there is one in digits.
                let number = text.parse::<u64>().ok().filter(|_| parameter["schema"]["type"] == "integer");
                takes(&parameter["schema"], &number.map_or(json!(text), Value::from), &place);
                examples += 1;
            }
            let body = &operation["requestBody"];
            let content = &body["content"]["application/json"];
            assert!(body.is_null() || content["examples"].as_object().is_some_and(|all| !all.is_empty()), "{place}");
            for (name, example) in content["examples"].as_object().into_iter().flatten() {
                takes(&content["schema"], &example["value"], name);
                examples += 1;
            }
        }
    }
    assert!(examples > 80, "{examples}");
    let program: Value = serde_json::from_str(WHOLESALE).unwrap();
    takes(&description["components"]["schemas"]["ProgramDocument"], &program, "wholesale");
}

/// The guide says so of all lists.
#[test]
fn lists_have_pages_of_one_size() {
    let (description, mut lists) = (published(), 0);
    let operations =
        description["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    for parameter in operations.filter_map(|own| own["parameters"].as_array()).flatten() {
        if parameter["name"] == "limit" {
            let schema = &parameter["schema"];
            assert_eq!((&schema["default"], &schema["maximum"]), (&json!(20), &json!(100)), "{parameter}");
            lists += 1;
        }
    }
    assert!(lists > 5, "{lists}");
}
