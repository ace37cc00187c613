//! Schemas of answers as the description has them: in them nothing may stand that is not described.

use serde_json::{Map, Value};

/// Where definitions stand.
pub(super) const DEFINITIONS: &str = "#/components/schemas/";

/// Keywords whose schemas are of the same value as the one that they stand in.
const SAME_VALUE: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Lets no fields stand in objects but those that are described; `definitions` are the same, still open.
pub(super) fn close(schema: &mut Value, definitions: &Map<String, Value>) {
    let Value::Object(keywords) = schema else { return };
    if keywords.contains_key("properties") {
        inline(keywords, definitions);
    }
    let is_object = keywords.contains_key("properties");
    let alternatives = SAME_VALUE.iter().any(|keyword| keywords.contains_key(*keyword));
    // What is said of one object in several places is closed over all of them.
    let is_whole = is_object && alternatives || keywords.contains_key("allOf");
    for keyword in SAME_VALUE {
        for part in keywords.get_mut(keyword).and_then(Value::as_array_mut).into_iter().flatten() {
            if is_whole { open(part, definitions) } else { close(part, definitions) }
        }
    }
    within(keywords, definitions);
    if is_whole {
        keywords.insert("unevaluatedProperties".to_owned(), false.into());
    } else if is_object {
        keywords.entry("additionalProperties").or_insert(false.into());
    }
}

/// Closes what stands within an object, and not itself.
fn open(schema: &mut Value, definitions: &Map<String, Value>) {
    let Value::Object(keywords) = schema else { return };
    inline(keywords, definitions);
    for keyword in SAME_VALUE {
        let parts = keywords.get_mut(keyword).and_then(Value::as_array_mut).into_iter().flatten();
        parts.for_each(|part| open(part, definitions));
    }
    within(keywords, definitions);
}

/// Closes the schemas of fields and elements.
fn within(keywords: &mut Map<String, Value>, definitions: &Map<String, Value>) {
    let fields = keywords.get_mut("properties").and_then(Value::as_object_mut);
    fields.into_iter().flat_map(Map::values_mut).for_each(|field| close(field, definitions));
    for keyword in ["items", "additionalProperties"] {
        keywords.get_mut(keyword).into_iter().for_each(|part| close(part, definitions));
    }
    let elements = keywords.get_mut("prefixItems").and_then(Value::as_array_mut);
    elements.into_iter().flatten().for_each(|part| close(part, definitions));
}

/// Puts a definition in the place of a reference to it, beside what else is said of the same object: a definition that
/// is closed in itself would let nothing else stand there.
fn inline(keywords: &mut Map<String, Value>, definitions: &Map<String, Value>) {
    let name = keywords.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(DEFINITIONS));
    let Some(Value::Object(definition)) = name.and_then(|name| definitions.get(name)).cloned() else { return };
    keywords.remove("$ref");
    for (keyword, value) in definition {
        match (keywords.get_mut(&keyword), value) {
            (Some(Value::Object(own)), Value::Object(more)) => {
                for (name, part) in more {
                    own.entry(name).or_insert(part);
                }
            }
            (Some(Value::Array(own)), Value::Array(more)) if keyword == "required" => own.extend(more),
            (Some(_), _) => {}
            (None, value) => drop(keywords.insert(keyword, value)),
        }
    }
    inline(keywords, definitions);
}

#[cfg(test)]
mod tests;
