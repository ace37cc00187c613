//! What events say, as JSON Schema (draft 2020-12): made from the table of kinds, so that the two are one.
//!
//! Other fields than those that are listed may come to stand in an event without a new version, so no schema forbids
//! them.

use super::KINDS;
use super::kind::{Field, Kind, Presence, Shape};
use serde_json::{Map, Value, json};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
const INSTANT: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$";
const DATE: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
const ID: &str = r"^[A-Za-z0-9._:-]+$";
/// Ten characters that people cannot mistake for others, and one that checks them.
const CODE: &str = r"^[0-9A-Z]{10}[0-9A-Z*~$=]$";
const ID_ABOUT: &str =
    "Account, sequence of its entry, and place in the entry: the same whenever the event is sent again.";
const EXAMPLE_CODE: &str = "00000000011";
const EXAMPLE_AT: &str = "2030-01-31T12:00:00Z";

/// The schema of what stands around the data of every event.
pub fn envelope_schema() -> Value {
    let types: Vec<_> = KINDS.iter().copied().flatten().map(|kind| kind.name).collect();
    let text = |about: &str| json!({"type": "string", "description": about});
    let word = |word: &str, about: &str| json!({"const": word, "description": about});
    let shaped = |pattern: &str, about: &str| json!({"type": "string", "pattern": pattern, "description": about});
    let properties = json!({
        "specversion": word("1.0", "The version of CloudEvents."),
        "id": shaped("^[^/]+/[0-9]+/[0-9]+$", ID_ABOUT),
        "source": text("Which deployment: /guilder/STAGE/PROGRAM. With the id it names the event."),
        "type": {"type": "string", "enum": types, "description": "What happened."},
        "subject": shaped(ID, "The account."),
        "time": shaped(INSTANT, "When it was decided."),
        "datacontenttype": word("application/json", "What data is written in."),
        "dataschema": shaped("^urn:guilder:event:[a-z_.]+:[0-9]+$", "The schema of the data, by version."),
        "sequence": shaped(r"^[0-9]{19}\.[0-9]{4}$", "Its place among all events of the account, as text that sorts so."),
        "data": {"type": "object", "description": "What the type says."},
    });
    let required: Vec<_> = properties.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    json!({
        "$schema": DRAFT,
        "$id": "urn:guilder:event",
        "title": "An event of Guilder: a CloudEvent 1.0 in its JSON format",
        "type": "object",
        "properties": properties,
        "required": required,
    })
}

/// The schema of the data of a kind of event.
pub fn data_schema(kind: &Kind) -> Value {
    let mut properties = Map::new();
    let mut required = vec!["account_id", "entry"];
    properties.insert("account_id".to_owned(), described(Shape::Id, "The account."));
    properties.insert("entry".to_owned(), entry());
    if kind.is_notice {
        properties.insert("recipient".to_owned(), recipient());
    }
    for Field { name, shape, presence, about } in kind.fields {
        properties.insert((*name).to_owned(), described(*shape, about));
        if *presence == Presence::Always {
            required.push(name);
        }
    }
    json!({
        "$schema": DRAFT,
        "$id": kind.schema_id(),
        "title": kind.name,
        "description": kind.about,
        "type": "object",
        "properties": properties,
        "required": required,
        "examples": [whole_example(kind)],
    })
}

/// What a change of this kind says, every field stated that does not stand instead of another.
pub fn example(kind: &Kind) -> Map<String, Value> {
    let stated = kind.fields.iter().filter(|field| field.presence != Presence::Instead);
    stated.map(|field| (field.name.to_owned(), value(field.shape))).collect()
}

fn whole_example(kind: &Kind) -> Map<String, Value> {
    let mut example = example(kind);
    let entry = json!({
        "sequence": 12, "index": 0, "changes": 1, "program_version": 3, "cause": {"kind": "walked"}, "points": 0,
        "balance": 1200,
    });
    example.extend([("account_id".to_owned(), json!("acme")), ("entry".to_owned(), entry)]);
    if kind.is_notice {
        let named = kind.fields.iter().any(|field| field.name == "contact_id" && field.presence == Presence::Sometimes);
        let contact = json!({
            "contact_id": "buyer", "name": "Ada Brine (fictional)", "email": "buyer@acme.example", "locale": "en-GB",
        });
        let company = json!({"name": "Acme Ltd (fictional)", "email": "office@acme.example"});
        example.insert("recipient".to_owned(), if named { contact } else { company });
    }
    example
}

fn entry() -> Value {
    let count = |about: &str| described(Shape::Count, about);
    let points = |about: &str| described(Shape::Points, about);
    let cause = json!({
        "type": "object",
        "description": "What the commit was for, such as an order: its kind, and which.",
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
    });
    json!({
        "type": "object",
        "description": "The entry of the account's ledger that says so.",
        "properties": {
            "sequence": count("1, 2, 3 ...: the account's version after the commit."),
            "index": count("The event's place in the entry, from 0."),
            "changes": count("How many changes the entry holds; every place below may be an event's."),
            "program_version": count("The program version it was decided under."),
            "cause": cause,
            "points": points("By how much the account's points changed in total."),
            "balance": points("The account's spendable points after it, less what it owes."),
            "pending": points("Its points that wait, after it; absent where none do."),
        },
        "required": ["sequence", "index", "changes", "program_version", "cause", "points", "balance"],
    })
}

fn recipient() -> Value {
    json!({
        "type": "object",
        "description": "Whom to write to, as of the sending; absent where no address is known any more.",
        "properties": {
            "contact_id": described(Shape::Id, "Which person; absent for the company itself."),
            "name": described(Shape::Text, "The person's name, or the company's."),
            "email": described(Shape::Text, "Where to write to."),
            "locale": described(Shape::Text, "The language to write in, of a person."),
        },
        "required": ["name", "email"],
    })
}

fn described(shape: Shape, about: &str) -> Value {
    let mut schema = of_shape(shape);
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("description".to_owned(), json!(about));
    }
    schema
}

fn object(properties: &[(&str, Shape)], optional: &[(&str, Shape)]) -> Value {
    let of = |(name, shape): &(&str, Shape)| ((*name).to_owned(), of_shape(*shape));
    let all: Map<_, _> = properties.iter().chain(optional).map(of).collect();
    let required: Vec<_> = properties.iter().map(|(name, _)| *name).collect();
    json!({"type": "object", "properties": all, "required": required})
}

fn of_shape(shape: Shape) -> Value {
    let pattern = |pattern: &str| json!({"type": "string", "pattern": pattern});
    match shape {
        Shape::Points => json!({"type": "integer"}),
        Shape::Count => json!({"type": "integer", "minimum": 0}),
        Shape::Money => json!({
            "type": "object",
            "properties": {"amount": pattern(r"^-?[0-9]+(\.[0-9]+)?$"), "currency": pattern("^[A-Z]{3}$")},
            "required": ["amount", "currency"],
        }),
        Shape::Measured => {
            let one = |name| object(&[(name, Shape::Points)], &[]);
            let units = ["units", "orders", "points", "months"].map(one);
            let all: Vec<_> = std::iter::once(of_shape(Shape::Money)).chain(units).collect();
            json!({ "anyOf": all })
        }
        Shape::Instant => pattern(INSTANT),
        Shape::Date => pattern(DATE),
        Shape::Id => pattern(ID),
        Shape::Code => pattern(CODE),
        Shape::Codes => json!({"type": "array", "items": pattern(CODE)}),
        Shape::Text => json!({"type": "string"}),
        Shape::True => json!({"const": true}),
        Shape::Truth => json!({"type": "boolean"}),
        Shape::Word(words) => json!({"type": "string", "enum": words}),
        Shape::Words(words) => json!({"type": "array", "items": {"type": "string", "enum": words}}),
        Shape::Names => json!({"type": "array", "items": {"type": "string"}}),
        Shape::Uses => object(
            &[("count", Shape::Count), ("used", Shape::Count), ("left", Shape::Count)],
            &[("renews_at", Shape::Instant)],
        ),
    }
}

/// A value of a shape.
fn value(shape: Shape) -> Value {
    let money = || json!({"amount": "100.00", "currency": "GBP"});
    match shape {
        Shape::Points => json!(100),
        Shape::Count => json!(2),
        Shape::Money | Shape::Measured => money(),
        Shape::Instant => json!(EXAMPLE_AT),
        Shape::Date => json!("2030-01-31"),
        // It is one of a redemption and of a reservation, too.
        Shape::Id => json!("00000000000000ab"),
        Shape::Code => json!(EXAMPLE_CODE),
        Shape::Codes => json!([EXAMPLE_CODE]),
        Shape::Text => json!("as agreed"),
        Shape::True | Shape::Truth => json!(true),
        Shape::Word(words) => json!(words.first()),
        Shape::Words(words) => json!(words),
        Shape::Names => json!(["name", "segments"]),
        Shape::Uses => json!({"count": 12, "used": 2, "left": 10, "renews_at": EXAMPLE_AT}),
    }
}
