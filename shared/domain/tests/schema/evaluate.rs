//! A JSON Schema evaluator: as much of draft 2020-12 as the program's schema uses, and nothing that is passed over.

use regex_automata::dfa::{Automaton, dense::DFA};
use regex_automata::{Input, MatchError};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Keywords that say something and ask for nothing.
const ANNOTATIONS: [&str; 7] = ["$schema", "$id", "$defs", "title", "description", "default", "examples"];

/// A schema that is ready to judge documents.
pub struct Evaluator {
    pub schema: Value,
    patterns: BTreeMap<String, DFA<Vec<u32>>>,
}

impl Evaluator {
    pub fn new(schema: Value) -> Self {
        let mut patterns = BTreeMap::new();
        compile(&schema, &mut patterns);
        Self { schema, patterns }
    }

    /// Whether a document is as the schema says.
    pub fn accepts(&self, document: &Value) -> bool {
        self.holds(&self.schema, document)
    }

    /// Whether a value is as a part of the schema says.
    pub fn holds(&self, schema: &Value, value: &Value) -> bool {
        let schema = schema.as_object().expect("a schema is an object here");
        schema.iter().all(|(keyword, asked)| self.keyword_holds(schema, keyword, asked, value))
    }

    fn keyword_holds(&self, schema: &Map<String, Value>, keyword: &str, asked: &Value, value: &Value) -> bool {
        let all = |asked: &Value| asked.as_array().unwrap().iter().filter(|one| self.holds(one, value)).count();
        match keyword {
            "type" => types(asked).iter().any(|name| is_a(value, name)),
            "enum" => asked.as_array().unwrap().iter().any(|word| is_same(word, value)),
            "const" => is_same(asked, value),
            "allOf" => all(asked) == asked.as_array().unwrap().len(),
            "anyOf" => all(asked) > 0,
            "oneOf" => all(asked) == 1,
            "not" => !self.holds(asked, value),
            "if" => {
                let branch = if self.holds(asked, value) { "then" } else { "else" };
                schema.get(branch).is_none_or(|branch| self.holds(branch, value))
            }
            "then" | "else" => true,
            "$ref" => {
                let shape = asked.as_str().unwrap().strip_prefix('#').and_then(|at| self.schema.pointer(at));
                self.holds(shape.expect("a $ref leads to a definition"), value)
            }
            "minimum" => value.as_f64().is_none_or(|number| number >= asked.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= asked.as_f64().unwrap()),
            "maxLength" => value.as_str().is_none_or(|text| text.chars().count() <= size(asked)),
            "pattern" => value.as_str().is_none_or(|text| self.matches(asked.as_str().unwrap(), text)),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() >= size(asked)),
            "minItems" => value.as_array().is_none_or(|list| list.len() >= size(asked)),
            "maxItems" => value.as_array().is_none_or(|list| list.len() <= size(asked)),
            "contains" => value.as_array().is_none_or(|list| list.iter().any(|item| self.holds(asked, item))),
            "uniqueItems" => value
                .as_array()
                .is_none_or(|list| (1..list.len()).all(|i| !list[..i].iter().any(|before| is_same(before, &list[i])))),
            "items" => value.as_array().is_none_or(|list| list.iter().all(|item| self.holds(asked, item))),
            "required" => value.as_object().is_none_or(|fields| {
                asked.as_array().unwrap().iter().all(|key| fields.contains_key(key.as_str().unwrap()))
            }),
            "properties" => value.as_object().is_none_or(|fields| {
                let known = |(key, value): (&String, &Value)| asked.get(key).is_none_or(|part| self.holds(part, value));
                fields.iter().all(known)
            }),
            "additionalProperties" => {
                assert_eq!(asked, &Value::Bool(false));
                value.as_object().is_none_or(|fields| fields.keys().all(|key| schema["properties"].get(key).is_some()))
            }
            annotation if ANNOTATIONS.contains(&annotation) => true,
            unknown => panic!("{unknown} is no keyword that is known here"),
        }
    }

    fn matches(&self, pattern: &str, text: &str) -> bool {
        let found: Result<_, MatchError> = self.patterns[pattern].try_search_fwd(&Input::new(text));
        found.unwrap().is_some()
    }
}

fn compile(schema: &Value, patterns: &mut BTreeMap<String, DFA<Vec<u32>>>) {
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        patterns.entry(pattern.to_owned()).or_insert_with(|| DFA::new(pattern).unwrap());
    }
    match schema {
        Value::Object(parts) => parts.values().for_each(|part| compile(part, patterns)),
        Value::Array(parts) => parts.iter().for_each(|part| compile(part, patterns)),
        _ => {}
    }
}

/// The names of a `type`, one or several.
pub fn types(asked: &Value) -> Vec<&str> {
    match asked {
        Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
        name => vec![name.as_str().unwrap()],
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        // A number without a fraction is one, however it is written.
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("{other} is no type"),
    }
}

/// Whether two values are one to JSON Schema: numbers, however they are written.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.is_number() && one.as_f64() == other.as_f64()
}

fn size(asked: &Value) -> usize {
    asked.as_u64().unwrap().try_into().unwrap()
}
