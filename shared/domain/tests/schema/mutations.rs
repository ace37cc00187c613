//! What may be wrong with a document: changes of one value each.

use crate::evaluate::{Evaluator, types};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Values of every type, and texts of every kind that the program knows.
fn anything() -> Vec<Value> {
    let texts = [
        "",
        " ",
        "x",
        "a b",
        "-",
        ".",
        "..",
        "...",
        "a/b",
        "é",
        "\u{7}",
        "a\u{200b}",
        "\u{a0}",
        "\u{202f}",
        "0",
        "00",
        "0.0",
        "0.5",
        ".5",
        "5.",
        "+5",
        "5 ",
        "1",
        "1.0",
        "01.00",
        "1.0001",
        "1.00001",
        "1.000010",
        "1.0000001",
        "0.000001",
        "1.50",
        "1.000",
        "0.001",
        "2",
        "9.9999",
        "10",
        "10.0001",
        "99.99",
        "100",
        "100.00",
        "100.01",
        "101",
        "999.9999",
        "1000",
        "1000.0000",
        "1000.0001",
        "1000.000001",
        "1001",
        "12345678",
        "-1",
        "-0.01",
        "1e3",
        "1,5",
        "٣",
        "GBP",
        "gbp",
        "GBPX",
        "monday",
        "Monday",
        "enrol",
        "never",
        "fixed",
        "09:30",
        "9:30",
        "23:59",
        "24:00",
        "24:01",
        "12:60",
        "2030-05-01",
        "2030-13-01",
        "2030-00-10",
        "2030-05-32",
        "2030-5-1",
        "20300501",
        "2030-04-31",
        "2030-02-29",
        "2028-02-29",
        "2100-02-29",
        "2000-02-29",
        "02-29",
        "02-30",
        "11-31",
        "2030-02-30T00:00:00Z",
        "2030-05-01T00:00:00Z",
        "2030-05-01 00:00:00.5+01:00",
        "2030-05-01t23:59:60z",
        "2030-05-01T24:00:00Z",
        "2030-05-01T00:00:00",
        "2030-05-01T00:00Z",
        "2030-05-01T00:00:00.Z",
        "2030-05-01T00:60:00Z",
        "2030-05-01T00:00:00+0100",
        "2030-05-01T00:00:00+25:59",
        "2030-05-01T00:00:00+26:00",
        "https://a.example/{code}",
        "http://a.example/{code}",
        "https://a.example/",
        "https://a.example/{code}{code}",
        "https://a.example/ {code}",
    ];
    let others = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(1.0),
        json!(6.0),
        json!(u64::MAX),
        json!([]),
        json!([[]]),
        json!(["x", "x"]),
        json!({}),
        json!({ "x": 1 }),
    ];
    texts.into_iter().map(Value::from).chain(others).collect()
}

/// Values at the bounds that a part of the schema states, and beyond them.
fn at_bounds(schema: &Value, value: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    for (keyword, beyond) in [("minimum", -1_i128), ("maximum", 1)] {
        if let Some(bound) = schema.get(keyword).and_then(Value::as_u64) {
            let beyond = i128::from(bound) + beyond;
            values.extend([json!(bound), i64::try_from(beyond).map_or(json!(u64::MAX), Value::from)]);
        }
    }
    if let Some(most) = schema.get("maxLength").and_then(Value::as_u64) {
        let most = usize::try_from(most).unwrap();
        values.extend([most, most + 1].map(|length| json!("x".repeat(length))));
        values.extend([most, most + 1].map(|length| json!("é".repeat(length))));
        let link = |length: usize| json!(format!("https://{{code}}{}", "x".repeat(length.saturating_sub(14))));
        values.extend([most, most + 1].map(link));
    }
    if let (Some(most), Some(first)) = (schema.get("maxItems").and_then(Value::as_u64), value.get(0)) {
        let most = usize::try_from(most).unwrap();
        values.extend([most, most + 1].map(|length| Value::from(vec![first.clone(); length])));
        let numbered: Vec<_> = (0..=most).map(|i| numbered(first, i)).collect();
        values.extend([json!(numbered[..most]), json!(numbered)]);
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        values.extend(words.iter().cloned());
    }
    values
}

/// An element that differs from others like it where it has to.
fn numbered(element: &Value, number: usize) -> Value {
    match element {
        Value::String(text) => json!(format!("{}{number}", text.chars().take(8).collect::<String>())),
        Value::Number(_) => json!(number + 1),
        Value::Object(fields) => {
            let mut fields = fields.clone();
            if let Some(id) = fields.get_mut("id") {
                *id = json!(format!("n{number}"));
            }
            fields.into()
        }
        other => other.clone(),
    }
}

/// A change of a document: what stands at a pointer from now on; `None`: nothing.
#[derive(Debug, Clone)]
pub struct Mutation {
    pub pointer: String,
    pub value: Option<Value>,
}

impl Mutation {
    /// The document with the change; `None`: there is no such place in it.
    pub fn apply(&self, document: &Value) -> Option<Value> {
        let mut changed = document.clone();
        let Some((parent, key)) = self.pointer.rsplit_once('/') else { return self.value.clone() };
        match (changed.pointer_mut(parent)?, &self.value) {
            (Value::Object(fields), Some(value)) => drop(fields.insert(key.to_owned(), value.clone())),
            (Value::Object(fields), None) => drop(fields.remove(key)?),
            (Value::Array(list), Some(value)) => *list.get_mut(key.parse::<usize>().ok()?)? = value.clone(),
            (Value::Array(list), None) => drop(list.remove(key.parse().ok().filter(|i| *i < list.len())?)),
            _ => return None,
        }
        Some(changed)
    }
}

/// A place of a document with the part of the schema that says what may stand there.
pub struct Place<'a> {
    pub pointer: String,
    /// The same without positions in lists: the place in the schema.
    pub field: String,
    pub schema: &'a Value,
    pub value: &'a Value,
}

/// Every place of a document.
pub fn places<'a>(evaluator: &'a Evaluator, document: &'a Value) -> Vec<Place<'a>> {
    let mut found = Vec::new();
    visit(
        evaluator,
        Place { pointer: String::new(), field: String::new(), schema: &evaluator.schema, value: document },
        &mut found,
    );
    found
}

fn visit<'a>(evaluator: &Evaluator, place: Place<'a>, found: &mut Vec<Place<'a>>) {
    let schema = alternative(evaluator, place.schema, place.value);
    let below = |key: &str, field: &str, schema, value| Place {
        pointer: format!("{}/{key}", place.pointer),
        field: format!("{}/{field}", place.field),
        schema,
        value,
    };
    match place.value {
        Value::Object(fields) => {
            for (key, value) in fields {
                visit(evaluator, below(key, key, &schema["properties"][key], value), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                visit(evaluator, below(&index.to_string(), "*", &schema["items"], value), found);
            }
        }
        _ => {}
    }
    found.push(Place { schema, ..place });
}

/// The part of the schema that a value is to be held against, where there are several.
fn alternative<'a>(evaluator: &Evaluator, schema: &'a Value, value: &Value) -> &'a Value {
    match schema.get("anyOf").and_then(Value::as_array) {
        Some(parts) => parts.iter().find(|part| evaluator.holds(part, value)).unwrap_or(schema),
        None => schema,
    }
}

/// Every field that the schema knows, as [`Place::field`], with its schema; of alternatives, all.
pub fn fields<'a>(schema: &'a Value, at: &str, found: &mut BTreeMap<String, &'a Value>) {
    for part in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        fields(part, at, found);
    }
    if let Some(item) = schema.get("items") {
        fields(item, &format!("{at}/*"), found);
    }
    for (key, part) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let at = format!("{at}/{key}");
        fields(part, &at, found);
        found.insert(at, part);
    }
}

/// Every change of one value of a document that there is a reason to try. `usual` has a value for each field.
pub fn of(place: &Place<'_>, usual: &BTreeMap<String, Value>) -> Vec<Mutation> {
    let change = |value| Mutation { pointer: place.pointer.clone(), value };
    let mut changes: Vec<_> =
        anything().into_iter().chain(at_bounds(place.schema, place.value)).map(Some).map(change).collect();
    if !place.pointer.is_empty() {
        changes.push(change(None));
    }
    if let (Value::Object(fields), Some(known)) =
        (place.value, place.schema.get("properties").and_then(Value::as_object))
    {
        changes.extend(additions(place, fields, known, usual));
    }
    changes
}

fn additions(
    place: &Place<'_>,
    fields: &Map<String, Value>,
    known: &Map<String, Value>,
    usual: &BTreeMap<String, Value>,
) -> Vec<Mutation> {
    let at = |key: &str, value: Value| Mutation { pointer: format!("{}/{key}", place.pointer), value: Some(value) };
    let mut added = vec![at("unheard_of", json!(1))];
    for (key, part) in known.iter().filter(|(key, _)| !fields.contains_key(*key)) {
        let field = format!("{}/{key}", place.field);
        added.push(at(key, Value::Null));
        added.extend(usual.get(&field).cloned().map(|value| at(key, value)));
        if part.get("type").is_some_and(|asked| types(asked).contains(&"boolean")) {
            added.extend([true, false].map(|truth| at(key, truth.into())));
        }
    }
    added
}
