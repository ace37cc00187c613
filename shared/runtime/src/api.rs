//! What each route takes and answers: the words in which a function says it, in a table beside its routes (`api.rs`),
//! and the description of all as one OpenAPI 3.1 document ([`document`]).
//!
//! Answers are described by their own Rust types, requests beside their readers ([`domain::requests`]). Only the local
//! cloud and the tests are built with this: no function carries it.

mod closed;
mod document;
mod parameters;

use crate::caller::Scope;
use domain::requests::Request;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

pub use document::{Sample, document};
pub use parameters::{day, decimal, number, pattern, text, whole, words};

/// What a route takes and answers.
pub struct Operation {
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    who: Who,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    answers: Vec<Answered>,
    problems: Vec<(u16, &'static str)>,
    /// Headers of every answer and every problem.
    always: Vec<Header>,
    /// Whether a write may be made under a condition.
    is_conditional: bool,
}

/// Who may send a request.
#[derive(Clone, Copy)]
enum Who {
    /// Whoever likes to.
    Anybody,
    /// Who has this scope and is no account.
    Merchant(Scope),
    /// Who has this scope; an account for itself only.
    Account(Scope),
}

/// Where a parameter stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Path,
    Query,
    Header,
}

struct Parameter {
    name: &'static str,
    place: In,
    required: bool,
    schema: Value,
    about: String,
}

struct Body {
    request: Request,
    required: bool,
}

/// An answer that is no problem.
struct Answered {
    status: u16,
    about: &'static str,
    schema: fn(&mut SchemaGenerator) -> Schema,
    headers: Vec<Header>,
    is_also_table: bool,
}

/// A header of answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// Where what was made stands.
    Location,
    /// That the same was sent before, and nothing was done.
    Replayed,
    /// That nothing was done, as was asked for.
    DryRun,
    /// Which state is shown.
    Tag,
    /// Where the next page is.
    Link,
    /// When to ask again.
    RetryAfter,
}

impl Operation {
    /// The operation of a route such as `PUT /v1/accounts/{account_id}`, known to generated clients by `id`. The
    /// parameters of its path are those that [`parameters`] knows, unless it says otherwise.
    pub fn new(route: &'static str, id: &'static str, summary: &'static str) -> Self {
        let (method, path) = route.split_once(' ').unwrap_or_default();
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let in_path = |name| {
            let (schema, about) = parameters::of_path(name);
            Parameter { name, place: In::Path, required: true, schema, about: about.to_owned() }
        };
        let parameters = names.map(in_path).collect();
        let (answers, problems, always) = (Vec::new(), Vec::new(), Vec::new());
        let (who, body, is_conditional) = (Who::Anybody, None, false);
        Self { method, path, id, summary, who, parameters, body, answers, problems, always, is_conditional }
    }

    /// Its route, as the template writes it.
    pub fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The scope that it needs.
    pub fn scope(&self) -> Option<&'static str> {
        match self.who {
            Who::Anybody => None,
            Who::Merchant(scope) | Who::Account(scope) => Some(scope.name()),
        }
    }

    /// It is the merchant's, and needs this scope.
    #[must_use]
    pub fn by_merchant(self, scope: Scope) -> Self {
        Self { who: Who::Merchant(scope), ..self }
    }

    /// It needs this scope; an account's own token is for that account.
    #[must_use]
    pub fn by_account(self, scope: Scope) -> Self {
        Self { who: Who::Account(scope), ..self }
    }

    /// It takes a document.
    #[must_use]
    pub fn takes(self, request: Request) -> Self {
        Self { body: Some(Body { request, required: true }), ..self }
    }

    /// It takes a document, or none: then an empty one is meant.
    #[must_use]
    pub fn may_take(self, request: Request) -> Self {
        Self { body: Some(Body { request, required: false }), ..self }
    }

    /// What a parameter of its path is, where that is its own matter.
    #[must_use]
    pub fn path(mut self, name: &str, schema: Value) -> Self {
        self.parameters.iter_mut().filter(|own| own.name == name).for_each(|own| own.schema = schema.clone());
        self
    }

    /// A parameter of its query.
    #[must_use]
    pub fn query(mut self, name: &'static str, schema: Value, about: &str) -> Self {
        self.parameters.push(Parameter { name, place: In::Query, required: false, schema, about: about.to_owned() });
        self
    }

    /// It answers a list page by page: so many where nothing is said, and at most so many.
    #[must_use]
    pub fn paged(self, usual: u16, most: u16) -> Self {
        let limit = parameters::limit(usual, most);
        self.query("limit", limit, "Most of them in one answer.").at_cursor()
    }

    /// It changes something that has versions, and may be told which of them is to be there.
    #[must_use]
    pub fn conditional(self) -> Self {
        Self { is_conditional: true, ..self }
    }

    /// It goes on where an earlier answer ended.
    #[must_use]
    pub fn at_cursor(self) -> Self {
        self.query("cursor", parameters::cursor(), "The `next_cursor` of an earlier answer, unchanged.")
    }

    /// It is carried out once per `Idempotency-Key`.
    #[must_use]
    pub fn keyed(self) -> Self {
        let missing = (400, "idempotency-key-missing");
        let mut keyed = self.key(true);
        keyed.problems.push(missing);
        keyed
    }

    /// It knows a repeat by itself, and by an `Idempotency-Key`, too.
    #[must_use]
    pub fn may_be_keyed(self) -> Self {
        self.key(false)
    }

    fn key(mut self, required: bool) -> Self {
        let about = "Whoever sends the same with the same key is told the first answer again, and nothing is done.";
        let schema = parameters::idempotency_key(required);
        let key = Parameter { name: "Idempotency-Key", place: In::Header, required, schema, about: about.to_owned() };
        self.parameters.push(key);
        self.problems.push((409, "idempotency-key-reused"));
        self
    }

    /// An answer.
    #[must_use]
    pub fn answers<T: JsonSchema>(mut self, status: u16, about: &'static str) -> Self {
        let schema = SchemaGenerator::subschema_for::<T>;
        self.answers.push(Answered { status, about, schema, headers: Vec::new(), is_also_table: false });
        self
    }

    /// What is brought about once: created at first, and told again whenever the same is sent.
    #[must_use]
    pub fn once<T: JsonSchema>(self, about: &'static str) -> Self {
        let repeated = self.answers::<T>(201, about);
        repeated.answers::<T>(200, "The same was sent before: its first answer.").with(Header::Replayed)
    }

    /// A header of the answer that was added last.
    #[must_use]
    pub fn with(mut self, header: Header) -> Self {
        self.answers.iter_mut().next_back().into_iter().for_each(|answer| answer.headers.push(header));
        self
    }

    /// A header of every answer so far.
    #[must_use]
    pub fn all_with(mut self, header: Header) -> Self {
        self.answers.iter_mut().for_each(|answer| answer.headers.push(header));
        self
    }

    /// A header of whatever is answered, problems included.
    #[must_use]
    pub fn always_with(mut self, header: Header) -> Self {
        self.always.push(header);
        self
    }

    /// The answer that was added last may be a table as well.
    #[must_use]
    pub fn or_table(mut self) -> Self {
        self.answers.iter_mut().next_back().into_iter().for_each(|answer| answer.is_also_table = true);
        self
    }

    /// Problems of a status, beside those that every operation of its kind has.
    #[must_use]
    pub fn problems(mut self, status: u16, kinds: &[&'static str]) -> Self {
        self.problems.extend(kinds.iter().map(|kind| (status, *kind)));
        self
    }

    fn is_read(&self) -> bool {
        self.method == "GET"
    }

    /// Whether its answers are pages of a list.
    fn is_paged(&self) -> bool {
        self.parameters.iter().any(|own| own.place == In::Query && own.name == "cursor")
    }

    /// All its problems.
    fn all_problems(&self) -> Vec<(u16, &'static str)> {
        let mut all = self.problems.clone();
        all.extend([(500, "internal"), (503, "contended")]);
        match (self.is_read(), self.is_conditional) {
            (true, _) => {}
            (false, true) => all.extend([(412, "precondition-failed"), (400, "invalid-parameter")]),
            (false, false) => all.push((400, "condition-not-taken")),
        }
        if self.scope().is_some() {
            all.extend([(400, "invalid-parameter"), (401, "unauthenticated"), (403, "forbidden")]);
        }
        if self.body.is_some() {
            all.extend([(400, "not-json"), (400, "not-base64"), (413, "payload-too-large"), (422, "invalid-document")]);
            all.push((415, "unsupported-media-type"));
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Any JSON object: what is described elsewhere.
pub struct Anything;

impl JsonSchema for Anything {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Anything".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "object", "additionalProperties": true })
    }
}
