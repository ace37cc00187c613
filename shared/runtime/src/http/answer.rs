//! Answers, and the one place that writes their headers.
//!
//! A route says what its answer means ([`Answer::location`], [`Answer::next`], ...), and [`respond`] what every answer
//! carries: the request's id, whether it may be kept, which state it shows.

use super::Request;
use super::condition::Tag;
use super::request_id::REQUEST_ID;
use crate::error::Error;
use crate::metrics::{self, Metric, count};
use crate::problem::Problem;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Bytes of a usual answer, so that writing it moves nothing.
const ANSWER_BYTES: usize = 2_048;

/// Who asks decides what is shown; of metrics, what they take, too.
const VARY: &str = "authorization, accept";

/// Nothing of it is to be kept on the way or on a disk: it is about companies and their people.
const NOT_KEPT: &str = "no-store";

/// The caller alone may keep it, and asks whether it still holds before each use.
const KEPT: &str = "private, no-cache";

/// What would end a link early, or be no part of one.
const NOT_IN_LINKS: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// An answer: a status, a JSON document (or a table), and what is to be said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    status: u16,
    content_type: &'static str,
    body: String,
    tag: Option<Tag>,
    location: Option<String>,
    next_cursor: Option<String>,
    retry_after_seconds: Option<u32>,
    is_repeat: bool,
    may_be_kept: bool,
}

impl Answer {
    fn of(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            content_type,
            body,
            tag: None,
            location: None,
            next_cursor: None,
            retry_after_seconds: None,
            is_repeat: false,
            may_be_kept: false,
        }
    }

    /// An answer with this status and document.
    pub fn json(status: u16, document: &impl Serialize) -> Self {
        Self::of(status, "application/json", text(document))
    }

    /// What was brought about, once: created (201) at first, and told again (200) whenever the same is sent again.
    pub fn once(document: &impl Serialize, repeated: bool) -> Self {
        match repeated {
            false => Self::json(201, document),
            true => Self::json(200, document).replayed(true),
        }
    }

    /// An answer with a table.
    pub fn csv(body: String) -> Self {
        Self::written("text/csv; charset=utf-8", body)
    }

    /// An answer with a text that is written already, of this type.
    pub fn written(content_type: &'static str, body: impl Into<String>) -> Self {
        Self::of(200, content_type, body.into())
    }

    /// The same, as one that was given before.
    #[must_use]
    pub fn replayed(self, is_repeat: bool) -> Self {
        Self { is_repeat, ..self }
    }

    /// The same, about what is at this path.
    #[must_use]
    pub fn location(self, path: String) -> Self {
        Self { location: Some(path), ..self }
    }

    /// The same; whoever waits for what is under way asks again after so many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// The same, as a page behind which the list goes on at a cursor, if it does.
    #[must_use]
    pub fn next(self, cursor: Option<String>) -> Self {
        Self { next_cursor: cursor, ..self }
    }

    /// The same, about a thing at this version.
    #[must_use]
    pub fn tagged(self, version: u64) -> Self {
        Self { tag: Some(Tag::of_text(Some(version), &self.body)), ..self }
    }

    /// The same, about a thing at this version; it means what `shown` says, without the instant that it is true at.
    #[must_use]
    pub fn tagged_as_of(self, version: u64, shown: &impl Serialize) -> Self {
        Self { tag: Some(Tag::of_meaning(version, &text(shown))), ..self }
    }

    /// The same, about a thing at this version, of which it shows a part only.
    #[must_use]
    pub fn tagged_in_part(self, version: u64) -> Self {
        Self { tag: Some(Tag::of_version(version)), ..self }
    }

    /// The same, as one with nothing in it about a company or a person.
    #[must_use]
    pub fn impersonal(self) -> Self {
        Self { may_be_kept: true, ..self }
    }

    fn problem(problem: &Problem, request_id: &str) -> Self {
        let body = text(&Told { problem, request_id });
        let answer = Self::of(problem.status(), "application/problem+json", body);
        let tag = problem.present().map(Tag::of_version);
        Self { tag, retry_after_seconds: problem.retry_after_seconds(), ..answer }
    }

    /// The response to this request. Whoever reads what it has already is told that, and no more.
    fn into_response(self, request: &Request, is_dry_run: bool) -> Value {
        let is_read = self.status == 200 && request.is_read();
        let tag = self.tag.or_else(|| is_read.then(|| Tag::of_text(None, &self.body)));
        let is_known = is_read && tag.as_ref().is_some_and(|tag| request.has_already(tag));
        let mut headers = Map::new();
        let mut put = |name: &str, value: String| drop(headers.insert(name.to_owned(), Value::String(value)));
        if !is_known {
            put("content-type", self.content_type.to_owned());
        }
        put(REQUEST_ID, request.id().to_owned());
        put("cache-control", if self.may_be_kept { KEPT } else { NOT_KEPT }.to_owned());
        put("vary", VARY.to_owned());
        let link = self.next_cursor.map(|cursor| format!("<{}>; rel=\"next\"", next_page(request, &cursor)));
        let told = [
            ("etag", tag.map(|tag| tag.to_string())),
            ("location", self.location),
            ("link", link),
            ("retry-after", self.retry_after_seconds.map(|seconds| seconds.to_string())),
            ("idempotent-replayed", self.is_repeat.then(|| "true".to_owned())),
            ("dry-run", is_dry_run.then(|| "true".to_owned())),
        ];
        told.into_iter().filter_map(|(name, value)| Some((name, value?))).for_each(|(name, value)| put(name, value));
        let (status, body) = if is_known { (304, String::new()) } else { (self.status, self.body) };
        json!({ "statusCode": status, "headers": headers, "body": body, "isBase64Encoded": false })
    }
}

fn text(document: &impl Serialize) -> String {
    let mut text = Vec::with_capacity(ANSWER_BYTES);
    // Documents are plain structs: writing them to memory cannot fail, and JSON is UTF-8.
    let written = serde_json::to_writer(&mut text, document);
    written.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_default()
}

/// A problem document, and which request it is about: what a caller quotes when asking for help.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Problem"))]
pub(crate) struct Told<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    /// What the request is known by in logs: quote it when you ask for help.
    request_id: &'a str,
}

/// Where the next page is: the same address and query, at another cursor.
fn next_page(request: &Request, cursor: &str) -> String {
    let (path, query) = request.address();
    let is_cursor = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        percent_decode_str(name).eq(*b"cursor")
    };
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !is_cursor(pair)).map(str::to_owned);
    let pairs: Vec<_> = kept.chain([format!("cursor={cursor}")]).collect();
    utf8_percent_encode(&format!("{path}?{}", pairs.join("&")), NOT_IN_LINKS).to_string()
}

/// The Lambda response to an HTTP request. A fault is logged here, once, and told to the caller as no more than that.
pub fn respond(request: &Request, result: Result<Answer, Error>) -> Value {
    answered(request, result).into_response(request, false)
}

/// The same to a request that is carried out without a trace.
pub fn respond_dry(request: &Request, result: Result<Answer, Error>) -> Value {
    answered(request, result).into_response(request, true)
}

fn answered(request: &Request, result: Result<Answer, Error>) -> Answer {
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
        Answer::problem(&problem, request.id())
    })
}
