//! Requests of the HTTP API in, answers out.
//!
//! What holds for every route stands here, once: how a request is read, here; what it says it is, `media.rs`; what it is
//! known by, `request_id.rs`; the state of a thing that it shows or is about, `condition.rs`; what an answer carries,
//! `answer.rs`. No route writes a header by itself.

mod answer;
mod condition;
mod media;
mod request_id;

use crate::caller::Caller;
use crate::error::{Error, RequestFault};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use domain::document;
use domain::idempotency::CommandKey;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::borrow::Cow;

#[cfg(feature = "schema")]
pub(crate) use answer::Told;
pub use answer::{Answer, respond, respond_dry};
pub use request_id::{REQUEST_ID, REQUEST_ID_CHARS_MAX, is_request_id, request_id};

/// Most bytes of a body: what an invocation takes.
pub const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Most bytes of a request line and its headers: what the gateway takes.
pub const HEAD_BYTES_MAX: usize = 10_240;

/// A request of payload format 2.0, with its path taken apart. The event stays as it came: a handler looks at a few
/// of its fields, once.
pub struct Request {
    event: Value,
    id: String,
    method: String,
    segments: Vec<String>,
}

impl Request {
    pub(crate) fn new(event: Value) -> Self {
        let http = |name: &str| event.get("requestContext")?.get("http")?.get(name)?.as_str();
        let path = event.get("rawPath").and_then(Value::as_str).or_else(|| http("path")).unwrap_or_default();
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments = path.trim_matches('/').split('/').map(decode).collect();
        let method = http("method").unwrap_or_default().to_owned();
        Self { id: request_id(&event), method, segments, event }
    }

    /// What it is known by: in its answer, and in logs.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it only asks for something to be shown.
    fn is_read(&self) -> bool {
        self.method == "GET"
    }

    /// Its path and query as they came.
    fn address(&self) -> (&str, &str) {
        let text = |name: &str| self.event.get(name).and_then(Value::as_str).unwrap_or_default();
        (text("rawPath"), text("rawQueryString"))
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

    /// The body. What is posted is known by its key and made as often as it is posted under another: under no condition.
    pub fn body(&self) -> Result<Cow<'_, [u8]>, Error> {
        if self.method == "POST" {
            self.unconditional()?;
        }
        let body = self.event.get("body").and_then(Value::as_str).unwrap_or_default();
        if !body.is_empty() {
            self.check_media()?;
        }
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

    /// The key of what `caller` asks of a route, by its `Idempotency-Key`: required of every write that has no business key
    /// of its own. Requests that have one pay no heed to the header.
    pub fn command_key(&self, caller: &Caller, route: &str) -> Result<CommandKey, Error> {
        self.stated_command_key(caller, route)?.ok_or_else(|| RequestFault::NoIdempotencyKey.into())
    }

    /// The same for a write that knows a repeat without one, too; `None`: it states none.
    pub fn stated_command_key(&self, caller: &Caller, route: &str) -> Result<Option<CommandKey>, Error> {
        let stated = self.header("idempotency-key").filter(|key| !key.is_empty());
        let key = |stated| parameter("idempotency-key", CommandKey::new(caller.id(), route, stated));
        stated.map(key).transpose()
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

#[cfg(test)]
mod tests;
