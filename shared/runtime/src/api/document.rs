//! The description of all operations as one OpenAPI 3.1 document.

use super::closed::{DEFINITIONS, close};
use super::{Answered, Header, In, Operation, Parameter, Who, parameters};
use crate::http::Told;
use domain::requests::{self, Request};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PROBLEM: &str = "application/problem+json";
const JSON: &str = "application/json";

/// An answer that is alike whoever gives it.
struct Alike {
    status: u16,
    name: &'static str,
    about: &'static str,
    /// The type of the problem; none where only the gateway answers so.
    kind: Option<&'static str>,
    /// Whether the gateway answers so, too, in words of its own.
    by_gateway: bool,
    header: Option<(&'static str, &'static str)>,
}

const ALIKE: [Alike; 6] = [
    Alike {
        status: 401,
        name: "Unauthorized",
        about: "The token is missing, or not valid.",
        kind: Some("unauthenticated"),
        by_gateway: true,
        header: Some(("WWW-Authenticate", "WwwAuthenticate")),
    },
    Alike {
        status: 403,
        name: "Forbidden",
        about: "The token lacks the scope, or is another account's.",
        kind: Some("forbidden"),
        by_gateway: false,
        header: None,
    },
    Alike {
        status: 413,
        name: "TooLarge",
        about: "The body is larger than a request may be.",
        kind: Some("payload-too-large"),
        by_gateway: true,
        header: None,
    },
    Alike {
        status: 429,
        name: "TooMany",
        about: "The gateway takes no more requests for now; nothing was done.",
        kind: None,
        by_gateway: true,
        header: None,
    },
    Alike {
        status: 500,
        name: "Failed",
        about: "Something failed here. It is safe to send the request again.",
        kind: Some("internal"),
        by_gateway: true,
        header: None,
    },
    Alike {
        status: 503,
        name: "Busy",
        about: "Too many writers at once; nothing was written.",
        kind: Some("contended"),
        by_gateway: true,
        header: Some(("Retry-After", "RetryAfter")),
    },
];

/// Headers of every answer, by the names of their descriptions.
const ON_EVERY_ANSWER: [(&str, &str); 3] =
    [("X-Request-Id", "RequestId"), ("Cache-Control", "CacheControl"), ("Vary", "Vary")];

/// A request that works, of a sample event.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// What it is called.
    pub name: String,
    /// What its path, query and headers hold.
    pub parameters: BTreeMap<String, Value>,
    /// Its document.
    pub body: Option<Value>,
}

/// The description of operations, each with samples by its route. Fails with what is wrong with the table.
pub fn document(operations: &[Operation], samples: &BTreeMap<String, Vec<Sample>>) -> Result<Value, String> {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut writer = Writer { generator: settings.into_generator(), kinds: BTreeSet::new() };
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for operation in operations {
        if !ids.insert(operation.id) {
            return Err(format!("two operations are called {}", operation.id));
        }
        let own = samples.get(&operation.route()).map(Vec::as_slice).unwrap_or_default();
        let described = writer.operation(operation, own);
        let place = paths.entry(operation.path).or_default();
        if place.insert(operation.method.to_lowercase(), described).is_some() {
            return Err(format!("{} stands twice", operation.route()));
        }
    }
    let alike = ALIKE.iter().map(|own| (own.name.to_owned(), writer.alike(own)));
    let responses: Map<_, _> = alike.chain([("NotModified".to_owned(), not_modified())]).collect();
    let schemas = writer.schemas()?;
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Guilder",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A loyalty engine for companies that sell to companies.",
            "description": "Every write may be sent again: what was done once is not done twice. Errors are problem documents \
                (RFC 9457) whose `type` a program can switch on. Money and factors are decimal strings, points whole numbers. \
                Later releases may add fields to answers; requests with fields that are unknown are refused.",
        },
        "servers": [{ "url": "http://localhost:3000", "description": "`guilder serve`" }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token of the merchant's OpenID Connect issuer with the scope that the operation names.",
                },
            },
            "headers": headers(),
            "parameters": parameters::components(),
            "responses": responses,
            "schemas": schemas,
        },
    }))
}

struct Writer {
    generator: SchemaGenerator,
    /// The types of all problems.
    kinds: BTreeSet<&'static str>,
}

impl Writer {
    fn operation(&mut self, operation: &Operation, samples: &[Sample]) -> Value {
        let own = operation.parameters.iter().map(|parameter| parameter_of(parameter, samples));
        let common = parameters::common(operation.is_read(), operation.is_conditional);
        let common = common.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
        let parameters: Vec<_> = own.chain(common).collect();
        let tag = operation.path.split('/').nth(2).unwrap_or("api");
        let mut described = json!({
            "operationId": operation.id,
            "summary": operation.summary,
            "tags": [tag],
            "security": [],
            "responses": self.responses(operation),
        });
        let Some(fields) = described.as_object_mut() else { return described };
        match operation.who {
            Who::Anybody => {}
            Who::Merchant(scope) => {
                fields.insert("security".to_owned(), json!([{ "token": [scope.name()] }]));
                fields.insert("description".to_owned(), format!("Needs the scope `{}`.", scope.name()).into());
            }
            Who::Account(scope) => {
                fields.insert("security".to_owned(), json!([{ "token": [scope.name()] }]));
                let scope = scope.name();
                let about = format!("Needs the scope `{scope}`; an account's own token is for that account only.");
                fields.insert("description".to_owned(), about.into());
            }
        }
        fields.insert("parameters".to_owned(), parameters.into());
        if let Some(body) = &operation.body {
            let reference = json!({ "$ref": format!("{DEFINITIONS}{}", body.request.name) });
            let examples = samples.iter().filter_map(|sample| {
                let body = sample.body.as_ref()?;
                Some((sample.name.clone(), json!({ "value": body })))
            });
            let content = json!({ "schema": reference, "examples": examples.collect::<Map<_, _>>() });
            fields.insert("requestBody".to_owned(), json!({ "required": body.required, "content": { JSON: content } }));
        }
        described
    }

    fn responses(&mut self, operation: &Operation) -> Value {
        let mut responses = Map::new();
        for answer in &operation.answers {
            let described = self.answer(answer, &operation.always);
            let is_shown = operation.is_conditional || operation.is_read() && answer.status == 200;
            let by_nature = [is_shown.then_some(Header::Tag), operation.is_paged().then_some(Header::Link)];
            let by_nature: Vec<_> = by_nature.into_iter().flatten().collect();
            responses.insert(answer.status.to_string(), with_headers(described, &by_nature));
        }
        if operation.is_read() {
            responses.insert("304".to_owned(), json!({ "$ref": "#/components/responses/NotModified" }));
        }
        let mut by_status: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
        for (status, kind) in operation.all_problems() {
            self.kinds.insert(kind);
            by_status.entry(status).or_default().push(kind);
        }
        by_status.entry(429).or_default();
        for (status, kinds) in by_status {
            let response = match ALIKE.iter().find(|own| own.status == status) {
                Some(own) if operation.always.is_empty() => {
                    json!({ "$ref": format!("#/components/responses/{}", own.name) })
                }
                Some(own) => with_headers(self.alike(own), &operation.always),
                // What is there instead.
                None if status == 412 => with_headers(self.problem(&kinds), &[Header::Tag]),
                None => with_headers(self.problem(&kinds), &operation.always),
            };
            responses.insert(status.to_string(), response);
        }
        responses.into()
    }

    fn answer(&mut self, answer: &Answered, always: &[Header]) -> Value {
        let schema = (answer.schema)(&mut self.generator);
        let table = || ("text/csv".to_owned(), json!({ "schema": { "type": "string" } }));
        let written = (JSON.to_owned(), json!({ "schema": schema }));
        let content: Map<_, _> = std::iter::once(written).chain(answer.is_also_table.then(table)).collect();
        let described = json!({ "description": answer.about, "headers": on_every_answer(), "content": content });
        with_headers(with_headers(described, &answer.headers), always)
    }

    /// The answer with one of these problems.
    fn problem(&mut self, kinds: &[&'static str]) -> Value {
        let about = format!("One of: {}.", kinds.join(", "));
        let content = json!({ PROBLEM: { "schema": self.problem_schema(kinds) } });
        json!({ "description": about, "headers": on_every_answer(), "content": content })
    }

    fn problem_schema(&mut self, kinds: &[&'static str]) -> Value {
        let problem = self.generator.subschema_for::<Told<'_>>();
        let types: Vec<_> = kinds.iter().map(|kind| format!("/problems/{kind}")).collect();
        json!({ "allOf": [problem], "properties": { "type": { "enum": types } } })
    }

    fn alike(&mut self, own: &Alike) -> Value {
        let problem = own.kind.map(|kind| (PROBLEM.to_owned(), json!({ "schema": self.problem_schema(&[kind]) })));
        let message = || {
            let message = json!({
                "type": "object", "description": "What the gateway itself answers.", "required": ["message"],
                "properties": { "message": { "type": "string" } }, "additionalProperties": false,
            });
            (JSON.to_owned(), json!({ "schema": message }))
        };
        let content: Map<_, _> = problem.into_iter().chain(own.by_gateway.then(message)).collect();
        let header = own.header.into_iter().chain(ON_EVERY_ANSWER).map(|(name, described)| header_of(name, described));
        json!({ "description": own.about, "headers": header.collect::<Map<_, _>>(), "content": content })
    }

    /// All schemas that the operations name.
    fn schemas(mut self) -> Result<Value, String> {
        let mut open: Map<String, Value> = self.generator.take_definitions(true);
        // Two types of one name would be told apart by a number that says nothing: one of them is to be renamed.
        if let Some(name) = open.keys().find(|name| name.ends_with(|end: char| end.is_ascii_digit())) {
            return Err(format!("two types are called {}", name.trim_end_matches(|end: char| end.is_ascii_digit())));
        }
        open.values_mut().for_each(plain);
        let mut schemas = open.clone();
        schemas.values_mut().for_each(|schema| close(schema, &open));
        let kinds: Vec<_> = self.kinds.iter().map(|kind| format!("/problems/{kind}")).collect();
        if let Some(kind) = schemas.get_mut(&*Told::schema_name()).and_then(|own| own.pointer_mut("/properties/type")) {
            *kind = json!({ "type": "string", "description": "What went wrong, for programs.", "enum": kinds });
        }
        let shapes = requests::definitions();
        let shapes = shapes.as_object().into_iter().flatten().map(|(name, shape)| (name.clone(), shape.clone()));
        let named = requests::ALL.iter().map(|request| (request.name.to_owned(), document_of(request)));
        for (name, schema) in shapes.chain(named) {
            if schemas.insert(name.clone(), schema).is_some() {
                return Err(format!("two schemas are called {name}"));
            }
        }
        Ok(schemas.into())
    }
}

/// The schema of a request, as a part of the description.
fn document_of(request: &Request) -> Value {
    let mut schema = request.schema();
    if let Some(keywords) = schema.as_object_mut() {
        ["$schema", "$id", "$defs"].iter().for_each(|keyword| drop(keywords.remove(*keyword)));
    }
    refer(&mut schema);
    schema
}

/// Lets references lead to where definitions stand here.
fn refer(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            if let Some(Value::String(to)) = keywords.get_mut("$ref")
                && let Some(name) = to.strip_prefix("#/$defs/")
            {
                *to = format!("{DEFINITIONS}{name}");
            }
            keywords.values_mut().for_each(refer);
        }
        Value::Array(parts) => parts.iter_mut().for_each(refer),
        _ => {}
    }
}

/// Texts of comments without the marks that only the code's own documentation knows.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            if let Some(Value::String(text)) = keywords.get_mut("description") {
                *text = text.replace("[`", "`").replace("`]", "`").replace('\n', " ");
            }
            keywords.values_mut().for_each(plain);
        }
        Value::Array(parts) => parts.iter_mut().for_each(plain),
        _ => {}
    }
}

fn parameter_of(parameter: &Parameter, samples: &[Sample]) -> Value {
    let place = match parameter.place {
        In::Path => "path",
        In::Query => "query",
        In::Header => "header",
    };
    let Parameter { name, required, schema, about, .. } = parameter;
    let mut schema = schema.clone();
    refer(&mut schema);
    let example = samples.last().and_then(|sample| sample.parameters.get(&name.to_lowercase()));
    let example = example.map(|example| ("example".to_owned(), example.clone()));
    let described = [
        ("name".to_owned(), json!(name)),
        ("in".to_owned(), json!(place)),
        ("required".to_owned(), json!(required)),
        ("description".to_owned(), json!(about)),
        ("schema".to_owned(), schema),
    ];
    described.into_iter().chain(example).collect::<Map<_, _>>().into()
}

impl Header {
    /// Its name, and that of its description.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Location => ("Location", "Location"),
            Self::Replayed => ("Idempotent-Replayed", "IdempotentReplayed"),
            Self::DryRun => ("Dry-Run", "DryRun"),
            Self::Tag => ("ETag", "ETag"),
            Self::Link => ("Link", "Link"),
            Self::RetryAfter => ("Retry-After", "RetryAfter"),
        }
    }
}

fn header_of(name: &str, described: &str) -> (String, Value) {
    (name.to_owned(), json!({ "$ref": format!("#/components/headers/{described}") }))
}

fn on_every_answer() -> Value {
    ON_EVERY_ANSWER.into_iter().map(|(name, described)| header_of(name, described)).collect::<Map<_, _>>().into()
}

/// An answer with more headers.
fn with_headers(mut answer: Value, headers: &[Header]) -> Value {
    let own = answer.get_mut("headers").and_then(Value::as_object_mut);
    let more = headers.iter().map(|header| header.names()).map(|(name, described)| header_of(name, described));
    own.into_iter().for_each(|own| own.extend(more.clone()));
    answer
}

/// Whoever reads has it already.
fn not_modified() -> Value {
    let described = json!({ "description": "It is as `If-None-Match` says.", "headers": on_every_answer() });
    with_headers(described, &[Header::Tag])
}

fn headers() -> Value {
    let header = |about: &str, schema: Value| json!({ "description": about, "schema": schema });
    let text = || json!({ "type": "string" });
    let yes = || json!({ "type": "string", "const": "true" });
    json!({
        "Location": header("Where it stands: a path.", text()),
        "IdempotentReplayed": header("The same was sent before; nothing was done. Absent otherwise.", yes()),
        "DryRun": header("Nothing was done, as was asked for. Absent otherwise.", yes()),
        "RequestId": header("What the request is known by: as it was stated, or as it was given.", text()),
        "CacheControl": header("Whether the answer may be kept.", text()),
        "Vary": header("What of the request decides about the answer.", text()),
        "ETag": header("Which state of the thing the answer shows.", text()),
        "Link": header("Where the next page is, `rel=\"next\"`. Absent on the last.", text()),
        "RetryAfter": header("Seconds after which to try again.", json!({ "type": "string", "pattern": "^[0-9]+$" })),
        "WwwAuthenticate": header("Why the token was refused.", text()),
    })
}
