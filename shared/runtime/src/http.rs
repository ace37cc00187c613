//! Requests of the HTTP API in, answers out.

use crate::caller::Caller;
use crate::error::{Error, RequestFault};
use crate::metrics::{self, Metric, count};
use crate::problem::Problem;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use domain::document;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Most bytes of a body.
pub const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Bytes of a usual answer, so that writing it moves nothing.
const ANSWER_BYTES: usize = 2_048;

/// A request of payload format 2.0, with its path taken apart. The event stays as it came: a handler looks at a few
/// of its fields, once.
pub struct Request {
    event: Value,
    method: String,
    segments: Vec<String>,
}

/// An answer: a status, a JSON document (or a table) and a few headers.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    status: u16,
    body: String,
    headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// An answer with this status and document.
    pub fn json(status: u16, document: &impl Serialize) -> Self {
        let mut body = Vec::with_capacity(ANSWER_BYTES);
        // Documents are plain structs: writing them to memory cannot fail, and JSON is UTF-8.
        let written = serde_json::to_writer(&mut body, document);
        let body = written.ok().and_then(|()| String::from_utf8(body).ok()).unwrap_or_default();
        Self { status, body, headers: vec![("content-type", "application/json".to_owned())] }
    }

    /// What was brought about, once: created (201) at first, and told again (200) whenever the same is sent again.
    pub fn once(document: &impl Serialize, repeated: bool) -> Self {
        match repeated {
            false => Self::json(201, document),
            true => Self::json(200, document).header("idempotent-replayed", "true"),
        }
    }

    /// An answer with a table.
    pub fn csv(body: String) -> Self {
        Self { status: 200, body, headers: vec![("content-type", "text/csv; charset=utf-8".to_owned())] }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn problem(problem: &Problem) -> Self {
        let body = serde_json::to_string(problem).unwrap_or_default();
        let answer = Self {
            status: problem.status(),
            body,
            headers: vec![("content-type", "application/problem+json".to_owned())],
        };
        match problem.retry_after_seconds() {
            Some(seconds) => answer.header("retry-after", seconds.to_string()),
            None => answer,
        }
    }

    fn into_value(self) -> Value {
        let headers: serde_json::Map<_, _> =
            self.headers.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        json!({
            "statusCode": self.status,
            "headers": headers,
            "body": self.body,
            "isBase64Encoded": false,
        })
    }
}

impl Request {
    pub(crate) fn new(event: Value) -> Self {
        let http = |name: &str| event.get("requestContext")?.get("http")?.get(name)?.as_str();
        let path = event.get("rawPath").and_then(Value::as_str).or_else(|| http("path")).unwrap_or_default();
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments = path.trim_matches('/').split('/').map(decode).collect();
        Self { method: http("method").unwrap_or_default().to_owned(), segments, event }
    }

    pub(crate) fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Method and path segments, to match a route on.
    pub fn route(&self) -> (&str, Vec<&str>) {
        (&self.method, self.segments.iter().map(String::as_str).collect())
    }

    /// Who calls.
    pub fn caller(&self) -> Result<Caller, Error> {
        Ok(Caller::of_request(&self.event)?)
    }

    /// A parameter of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.event.get("queryStringParameters")?.get(name)?.as_str()
    }

    /// Fails where the query has a parameter that is none of these: misspelt, it would ask for something else than was
    /// meant, and nobody would be told.
    pub fn takes(&self, known: &'static [&'static str]) -> Result<(), Error> {
        let stated = self.event.get("queryStringParameters").and_then(Value::as_object);
        let stated = stated.into_iter().flat_map(serde_json::Map::keys);
        let names: Vec<_> = stated.filter(|name| !known.contains(&name.as_str())).cloned().collect();
        if names.is_empty() { Ok(()) } else { Err(RequestFault::UnknownParameters { names, known }.into()) }
    }

    /// A header, by its name in lower case: so names are written in this format.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.event.get("headers")?.get(name)?.as_str()
    }

    /// The body.
    pub fn body(&self) -> Result<Cow<'_, [u8]>, Error> {
        let body = self.event.get("body").and_then(Value::as_str).unwrap_or_default();
        // Base64 takes 4 characters for 3 bytes; a longer text cannot hold a body within bounds.
        if body.len() > BODY_BYTES_MAX.saturating_mul(4).div_ceil(3).saturating_add(4) {
            return Err(RequestFault::TooLarge.into());
        }
        let bytes = match self.event.get("isBase64Encoded") {
            Some(Value::Bool(true)) => Cow::from(BASE64_STANDARD.decode(body).map_err(|_| RequestFault::NotBase64)?),
            _ => Cow::from(body.as_bytes()),
        };
        if bytes.len() > BODY_BYTES_MAX { Err(RequestFault::TooLarge.into()) } else { Ok(bytes) }
    }

    /// The body as a JSON document.
    pub fn document(&self) -> Result<Value, Error> {
        document::parse(&self.body()?).map_err(|reason| RequestFault::NotJson(reason).into())
    }

    /// The body as a JSON document, of a request that may come without one: then an empty object.
    pub fn document_or_nothing(&self) -> Result<Value, Error> {
        if self.body()?.is_empty() { Ok(json!({})) } else { self.document() }
    }

    /// The `Idempotency-Key`: required of every write that has no business key of its own.
    pub fn idempotency_key(&self) -> Result<&str, Error> {
        self.stated_idempotency_key().ok_or_else(|| RequestFault::NoIdempotencyKey.into())
    }

    /// The `Idempotency-Key` of a write that knows a repeat without one, too; `None`: it has none.
    pub fn stated_idempotency_key(&self) -> Option<&str> {
        self.header("idempotency-key").filter(|key| !key.is_empty())
    }

    /// An opaque cursor of the query's `cursor`, as [`cursor`] wrote it.
    pub fn cursor(&self) -> Result<Option<u64>, Error> {
        let Some(text) = self.query("cursor") else { return Ok(None) };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let position = bytes.and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).map(u64::from_be_bytes);
        let position = position.filter(|position| i64::try_from(*position).is_ok());
        position.map(Some).ok_or_else(bad_cursor)
    }

    /// An opaque cursor of the query's `cursor`, as [`text_cursor`] wrote it.
    pub fn text_cursor(&self) -> Result<Option<String>, Error> {
        let Some(text) = self.query("cursor") else { return Ok(None) };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| !bytes.is_empty());
        let place = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        place.map(Some).ok_or_else(bad_cursor)
    }

    /// The query's `limit`, from 1 to `most`; `usual` where it is absent.
    pub fn limit(&self, usual: u16, most: u16) -> Result<u16, Error> {
        let Some(text) = self.query("limit") else { return Ok(usual) };
        let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
        let message = format!("must be a whole number from 1 to {most}");
        limit.ok_or_else(|| RequestFault::Parameter { name: "limit", message }.into())
    }
}

/// A part of the path, parsed.
pub fn parameter<T, E: ToString>(name: &'static str, parsed: Result<T, E>) -> Result<T, Error> {
    parsed.map_err(|error| RequestFault::Parameter { name, message: error.to_string() }.into())
}

/// An opaque cursor for a position in a list.
pub fn cursor(position: u64) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(position.to_be_bytes())
}

/// An opaque cursor for a place in a list that is no number.
pub fn text_cursor(place: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(place)
}

fn bad_cursor() -> Error {
    let message = "must be a cursor from an earlier answer, unchanged".to_owned();
    RequestFault::Parameter { name: "cursor", message }.into()
}

/// The Lambda response to an HTTP request. A fault is logged here, once, and told to the caller as no more than that.
pub fn respond(result: Result<Answer, Error>) -> Value {
    answered(result).into_value()
}

/// The same with one more header, whatever the answer.
pub fn respond_with(header: (&'static str, &'static str), result: Result<Answer, Error>) -> Value {
    answered(result).header(header.0, header.1).into_value()
}

fn answered(result: Result<Answer, Error>) -> Answer {
    result.unwrap_or_else(|error| {
        let problem = Problem::of(&error);
        match &error {
            Error::Fault(fault) => {
                count(Metric::Faults, 1);
                tracing::error!(fault.kind = fault.kind(), "request failed: {fault}");
            }
            _ => {
                metrics::count_rejected(problem.kind());
                tracing::info!("problem.type" = problem.kind(), "request refused: {}", error.cause());
            }
        }
        Answer::problem(&problem)
    })
}

#[cfg(test)]
mod tests;
