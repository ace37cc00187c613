//! Holds every answer that a test gets against the description of the API: its status, the type of its body, its headers,
//! and every field. What is not described fails the test.

use jsonschema::Validator;
use local::gateway::Response;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// Headers that say nothing of the API.
const OF_HTTP: [&str; 6] = ["allow", "connection", "content-length", "content-type", "date", "transfer-encoding"];
/// What the local gateway alone says, of requests that it hands to nobody.
const OF_THE_GATEWAY: [&str; 5] =
    ["broken-body", "foreign-origin", "headers-too-large", "method-not-allowed", "not-found"];

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| local::api::description().unwrap());
/// Answers whose schemas were made ready, by where they stand.
static READY: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Fails the test unless an answer is one that the description has of its request.
#[track_caller]
pub fn assert_described(method: &str, target: &str, response: &Response) {
    if let Err(odds) = check(method, target, response) {
        let body = String::from_utf8_lossy(&response.body);
        panic!("{method} {target} is answered {}, which is not described: {odds}\n{body}", response.status);
    }
}

/// What is at odds between an answer and the description.
pub fn check(method: &str, target: &str, response: &Response) -> Result<(), String> {
    let path = target.split('?').next().unwrap();
    // What no function has a route for, the gateway answers by itself.
    if path.starts_with("/_local/") || ["HEAD", "OPTIONS"].contains(&method) || is_of_the_gateway(response) {
        return Ok(());
    }
    let route = route(path).ok_or("there is no such route")?;
    let place = ["paths", route, &method.to_lowercase()].map(|part| part.replace('~', "~0").replace('/', "~1"));
    let operation = format!("/{}", place.join("/"));
    let at = format!("{operation}/responses/{}", response.status);
    let described = followed(&at).ok_or("the status is not described")?;
    check_headers(&described, response)?;
    if response.status == 304 {
        let is_empty = response.body.is_empty() && described.get("content").is_none();
        return if is_empty { Ok(()) } else { Err("a body where nothing has changed".to_owned()) };
    }
    let stated = response.header("content-type").unwrap_or_default();
    let kind = stated.split(';').next().unwrap_or_default();
    let content = described["content"].as_object().ok_or("no body is described")?;
    let schema = content.get(kind).map(|content| &content["schema"]);
    let schema = schema.ok_or_else(|| format!("the type {kind} is not described"))?;
    if !kind.ends_with("json") {
        return Ok(());
    }
    let validator = ready(&format!("{at} {kind}"), schema);
    let faults: Vec<_> = validator.iter_errors(&response.json()).map(|fault| told(&fault)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

fn told(fault: &jsonschema::ValidationError<'_>) -> String {
    let text: String = fault.to_string().chars().take(300).collect();
    format!("{}: {text}", fault.instance_path())
}

fn is_of_the_gateway(response: &Response) -> bool {
    let kind = response.json()["type"].as_str().and_then(|kind| kind.strip_prefix("/problems/")).map(str::to_owned);
    kind.is_some_and(|kind| OF_THE_GATEWAY.contains(&kind.as_str()))
}

/// The path of the description that a request's path fits; of several, the one with the most words of its own.
fn route(path: &str) -> Option<&'static str> {
    let found = DESCRIPTION["paths"].as_object().unwrap().keys().filter(|route| fits(route, path));
    found.max_by_key(|route| route.split('/').filter(|part| !part.starts_with('{')).count()).map(String::as_str)
}

fn fits(route: &str, path: &str) -> bool {
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    let fits = |(expected, found): (&&str, &&str)| expected.starts_with('{') && !found.is_empty() || expected == found;
    route.len() == path.len() && route.iter().zip(&path).all(fits)
}

/// What stands at a place of the description, or where that refers to.
fn followed(at: &str) -> Option<&'static Value> {
    let found = DESCRIPTION.pointer(at)?;
    match found["$ref"].as_str() {
        Some(to) => DESCRIPTION.pointer(to.strip_prefix('#')?),
        None => Some(found),
    }
}

fn check_headers(described: &Value, response: &Response) -> Result<(), String> {
    let named = described["headers"].as_object().into_iter().flat_map(Map::keys).map(|name| name.to_lowercase());
    let named: Vec<_> = named.collect();
    let unknown = |name: &&String| !OF_HTTP.contains(&name.as_str()) && !named.contains(name);
    match response.headers.iter().map(|(name, _)| name).find(unknown) {
        Some(name) => Err(format!("the header {name} is not described")),
        None => Ok(()),
    }
}

/// A schema of the description, ready to judge.
fn ready(name: &str, schema: &Value) -> Arc<Validator> {
    let mut ready = READY.lock().unwrap();
    let make = || {
        let mut whole = schema.clone();
        whole["components"] = json!({ "schemas": DESCRIPTION["components"]["schemas"] });
        Arc::new(jsonschema::draft202012::new(&whole).unwrap())
    };
    Arc::clone(ready.entry(name.to_owned()).or_insert_with(make))
}
