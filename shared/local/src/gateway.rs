//! API Gateway, as far as the template uses it: an HTTP request becomes the event of the function whose route it is,
//! and the function's answer becomes the response.
//!
//! [`Cloud::http`] is the whole of it without a socket; [`server`] puts a listener on loopback in front. Where the cloud
//! has an [`issuer`], a route takes that issuer's tokens only, and its events carry their claims. Where it has none,
//! whoever calls is the operator of the machine, and every event carries an operator's claims. What exists here only,
//! below `/_local/`, is the operator's in either case.

use std::collections::BTreeMap;

use axum::body::Bytes;
use runtime::http::{HEAD_BYTES_MAX, REQUEST_ID, is_request_id};
use serde_json::{Value, json};

use crate::bus::{Filter, KEPT_MAX};
use crate::cloud::{Cloud, EventError, wall_clock};
use crate::template::Route;
use issuer::Refusal;

pub mod issuer;
pub mod server;
pub mod text;

/// The largest body taken: the limit of a Lambda invocation.
pub const BODY_BYTES_MAX: usize = runtime::http::BODY_BYTES_MAX;

/// Events that are shown where nobody says how many.
const EVENTS_SHOWN: usize = 100;

/// What the operator may do: everything that a token could allow.
const OPERATOR_SCOPES: &[&str] = &["orders:write", "accounts:read", "accounts:write", "program:write", "metrics:read"];

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// Path and query, percent-encoded.
    pub target: String,
    /// Names and values; a name may repeat.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// Bytes of its line and its headers.
    fn head_bytes(&self) -> usize {
        let line = self.method.len().saturating_add(self.target.len());
        let headers = self.headers.iter().map(|(name, value)| name.len().saturating_add(value.len()));
        headers.fold(line, usize::saturating_add)
    }

    /// What it is known by where no function answers it.
    fn id(&self) -> String {
        let mut stated = self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(REQUEST_ID));
        let stated = stated.next().map(|(_, id)| id).filter(|id| is_request_id(id));
        stated.cloned().unwrap_or_else(|| crate::queue::message_id(wall_clock()))
    }
}

/// A response.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// The first header of this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn of(status: u16, content_type: &str, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.to_string().into() }
    }

    fn problem(status: u16, kind: &str, title: &str, detail: String) -> Self {
        let body = json!({"type": format!("/problems/{kind}"), "title": title, "status": status, "detail": detail});
        Self::of(status, "application/problem+json", &body)
    }

    /// The same, saying which request it answers and that nobody is to keep it. A function says both by itself.
    fn about(mut self, request: &Request) -> Self {
        if self.header(REQUEST_ID).is_some() {
            return self;
        }
        let id = request.id();
        if self.header("content-type") == Some("application/problem+json")
            && let Value::Object(mut problem) = self.json()
        {
            problem.insert("request_id".to_owned(), json!(id));
            self.body = Value::Object(problem).to_string().into();
        }
        self.headers.push((REQUEST_ID.to_owned(), id));
        self.headers.push(("cache-control".to_owned(), "no-store".to_owned()));
        self
    }

    fn not_found(path: &str) -> Self {
        Self::problem(404, "not-found", "Not found", format!("There is nothing at {path}."))
    }

    fn method_not_allowed(method: &str, path: &str, allowed: &[&str]) -> Self {
        let allowed = allowed.join(", ");
        let detail = format!("{path} takes {allowed}, not {method}.");
        let mut response = Self::problem(405, "method-not-allowed", "Method not allowed", detail);
        response.headers.push(("allow".to_owned(), allowed));
        response
    }

    /// API Gateway's own answer to a method that no route here has: it neither answers `HEAD` by `GET`, nor `OPTIONS`
    /// where no other origins are let in.
    fn no_route() -> Self {
        Self::of(404, "application/json", &json!({"message": "Not Found"}))
    }

    /// API Gateway's own answer: no function has seen the request, so it is no problem document.
    fn unauthorized(refusal: Refusal) -> Self {
        let mut response = Self::of(401, "application/json", &json!({"message": "Unauthorized"}));
        response.headers.push(("www-authenticate".to_owned(), refusal.challenge()));
        response
    }

    fn too_large() -> Self {
        let detail = format!("A body may have {BODY_BYTES_MAX} bytes.");
        Self::problem(413, "payload-too-large", "Payload too large", detail)
    }

    fn head_too_large() -> Self {
        let detail = format!("The request line and the headers may have {HEAD_BYTES_MAX} bytes together.");
        Self::problem(431, "headers-too-large", "Headers too large", detail)
    }

    fn internal() -> Self {
        let detail = "The request could not be completed. It is safe to send it again.".to_owned();
        Self::problem(500, "internal", "Internal error", detail)
    }
}

/// The invocation that a request leads to.
#[derive(Debug)]
pub struct Invocation {
    /// The function's name.
    pub function: String,
    /// Its event, in payload format 2.0.
    pub event: Value,
}

impl Cloud {
    /// Answers one request, as the deployed API would; where no token is asked for, to a caller with an operator's.
    pub async fn http(&self, method: &str, target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response {
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        self.answer(Request { method: method.into(), target: target.into(), headers, body: body.into() }).await
    }

    /// As [`Self::http`], for a request at hand.
    pub async fn answer(&self, request: Request) -> Response {
        self.answered(&request).await.about(&request)
    }

    async fn answered(&self, request: &Request) -> Response {
        if request.head_bytes() > HEAD_BYTES_MAX {
            return Response::head_too_large();
        }
        if request.body.len() > BODY_BYTES_MAX {
            return Response::too_large();
        }
        if request.target.starts_with("/_local/") {
            return self.local(request).await;
        }
        let invocation = match self.invocation_by(request, || self.caller(request)) {
            Ok(invocation) => invocation,
            Err(response) => return *response,
        };
        match self.invoke(&invocation.function, invocation.event).await {
            Ok(answer) => response(answer),
            Err(_) => Response::internal(),
        }
    }

    /// The invocation that a request of this program itself leads to, whatever others are asked for: an operator's. Or
    /// the response to one that leads nowhere.
    pub fn invocation(&self, request: &Request) -> Result<Invocation, Box<Response>> {
        self.invocation_by(request, || Ok(operator()))
    }

    /// The same of a request by somebody, who is asked for where there is something to call.
    fn invocation_by(
        &self,
        request: &Request,
        caller: impl FnOnce() -> Result<Value, Refusal>,
    ) -> Result<Invocation, Box<Response>> {
        if ["HEAD", "OPTIONS"].contains(&request.method.as_str()) {
            return Err(Box::new(Response::no_route()));
        }
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let routes = self.functions().flat_map(|function| function.routes.iter().map(move |route| (function, route)));
        let mut fitting = routes
            .filter_map(|(function, route)| Some((function, route, route.path.parameters(path)?)))
            .collect::<Vec<_>>();
        fitting.sort_by_key(|(_, route, _)| std::cmp::Reverse(route.path.literals()));
        if let Some((function, route, parameters)) = fitting.iter().find(|(_, route, _)| route.method == request.method)
        {
            let parameters = parameters.iter().map(|(name, value)| (name.to_string(), text::decode(value)));
            let authorizer = if route.is_open { None } else { Some(caller().map_err(Response::unauthorized)?) };
            let event = event(request, route, path, query, parameters.collect(), authorizer);
            return Ok(Invocation { function: function.name.clone(), event });
        }
        let mut allowed = fitting.iter().map(|(_, route, _)| route.method.as_str()).collect::<Vec<_>>();
        allowed.sort_unstable();
        allowed.dedup();
        Err(Box::new(if allowed.is_empty() {
            Response::not_found(path)
        } else {
            Response::method_not_allowed(&request.method, path, &allowed)
        }))
    }

    /// A path as it may be logged: of what stands in the place of a parameter, ids alone, and nothing at all of what is
    /// no word of a route. Codes are as good as money, and anything may be mistaken for an id.
    pub(crate) fn loggable(&self, path: &str) -> String {
        let routes = || self.functions().flat_map(|function| &function.routes);
        let fitting = routes().filter(|route| route.path.parameters(path).is_some());
        if let Some(route) = fitting.max_by_key(|route| route.path.literals()) {
            return route.path.loggable(path);
        }
        let own = ["", "_local", "events", "queues", "metrics"];
        let is_word = |word: &str| own.contains(&word) || routes().any(|route| route.path.has_literal(word));
        let words = path.split('/').map(|word| if is_word(word) { word } else { "..." });
        words.collect::<Vec<_>>().join("/")
    }

    /// What the authorizer hands on of whoever sends a request.
    fn caller(&self, request: &Request) -> Result<Value, Refusal> {
        match self.issuer() {
            Some(issuer) => issuer.authorize(&request.headers, self.clock().now()),
            None => Ok(operator()),
        }
    }

    /// What exists here only: putting events on the bus, looking at those announced, into the queues, and at what was
    /// counted.
    async fn local(&self, request: &Request) -> Response {
        let path = request.target.split('?').next().unwrap_or_default();
        match (request.method.as_str(), path) {
            ("GET", "/_local/events") => self.local_events(&request.target),
            ("POST", "/_local/events") => self.local_event(&request.body).await,
            ("GET", "/_local/queues") => match self.queues().await {
                Ok(queues) => Response::of(200, "application/json", &json!({ "queues": queues })),
                Err(_) => Response::internal(),
            },
            ("GET", "/_local/metrics") => {
                Response::of(200, "application/json", &json!({ "metrics": self.metrics().counted() }))
            }
            (method, "/_local/events") => Response::method_not_allowed(method, path, &["GET", "POST"]),
            (method, "/_local/queues" | "/_local/metrics") => Response::method_not_allowed(method, path, &["GET"]),
            _ => Response::not_found(path),
        }
    }

    /// The latest events that were announced, newest first.
    fn local_events(&self, target: &str) -> Response {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let (mut filter, mut limit) = (Filter::default(), EVENTS_SHOWN);
        for (name, value) in text::query(query) {
            match (name.as_str(), value.parse()) {
                ("type", _) => filter.kind = Some(value),
                ("account_id", _) => filter.account = Some(value),
                ("limit", Ok(most @ 1..=KEPT_MAX)) => limit = most,
                _ => {
                    let detail = format!("Events are asked for by type, account_id and limit, from 1 to {KEPT_MAX}.");
                    return Response::problem(400, "invalid-parameter", "Invalid parameter", detail);
                }
            }
        }
        Response::of(200, "application/json", &json!({ "events": self.bus().latest(&filter, limit) }))
    }

    async fn local_event(&self, body: &[u8]) -> Response {
        let entry = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let (Some(kind), Some(source), Some(detail)) = (text("detail-type"), text("source"), entry.get("detail"))
        else {
            let detail = "An event is a JSON object with detail-type, source and detail.".to_owned();
            return Response::problem(400, "invalid-event", "Invalid event", detail);
        };
        match self.put_event(kind, source, detail.clone()).await {
            Ok(queues) => Response::of(202, "application/json", &json!({ "queues": queues })),
            Err(EventError::TooLarge) => {
                let detail = EventError::TooLarge.to_string();
                Response::problem(413, "payload-too-large", "Payload too large", detail)
            }
            Err(EventError::Queue(_)) => Response::internal(),
        }
    }
}

/// What the authorizer would hand on of the person at this machine.
fn operator() -> Value {
    json!({"jwt": {"claims": {"sub": "operator"}, "scopes": OPERATOR_SCOPES}})
}

/// The event of a request, in payload format 2.0.
fn event(
    request: &Request,
    route: &Route,
    path: &str,
    query: &str,
    path_parameters: BTreeMap<String, String>,
    authorizer: Option<Value>,
) -> Value {
    let headers = text::joined(request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())));
    let (body, is_base64) = match std::str::from_utf8(&request.body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (aws_smithy_types::base64::encode(&request.body), true),
    };
    let route_key = format!("{} {}", route.method, route.path);
    let now = wall_clock();
    let request_id = crate::queue::message_id(now);
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "local",
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("user-agent").cloned().unwrap_or_default(),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": text::common_log_time(now),
            "timeEpoch": now.as_ms(),
        },
        "headers": headers,
        "isBase64Encoded": is_base64,
    });
    if let (Some(context), Some(authorizer)) =
        (event.pointer_mut("/requestContext").and_then(Value::as_object_mut), authorizer)
    {
        context.insert("authorizer".into(), authorizer);
    }
    // What a request does not have API Gateway leaves out.
    if let Some(event) = event.as_object_mut() {
        if !query.is_empty() {
            event.insert("queryStringParameters".into(), json!(text::joined(text::query(query))));
        }
        if !path_parameters.is_empty() {
            event.insert("pathParameters".into(), json!(path_parameters));
        }
        if !body.is_empty() {
            event.insert("body".into(), Value::String(body));
        }
    }
    event
}

/// The response that a function's answer means; without a `statusCode` the answer itself is the body.
fn response(answer: Value) -> Response {
    let Some(status) = answer.get("statusCode").and_then(Value::as_u64) else {
        return Response::of(200, "application/json", &answer);
    };
    let headers = answer.get("headers").and_then(Value::as_object).into_iter().flatten();
    let headers = headers.filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())));
    let body = answer.get("body").and_then(Value::as_str).unwrap_or_default();
    let is_base64 = answer.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or_default();
    let body = if is_base64 { aws_smithy_types::base64::decode(body).ok() } else { Some(body.as_bytes().to_vec()) };
    match (u16::try_from(status), body) {
        (Ok(status @ 200..=599), Some(body)) => Response { status, headers: headers.collect(), body: body.into() },
        _ => Response::internal(),
    }
}

#[cfg(test)]
mod tests;
