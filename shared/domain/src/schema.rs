//! What a document may say, as JSON Schema (draft 2020-12).
//!
//! Each builder says what the reader of the same name in [`crate::document`] accepts. It stands beside that reader,
//! with the same bounds, and a test holds one against the other (`tests/schema`). What hangs on other fields, or on what
//! the world has of currencies and time zones, is left to the readers.

#[cfg(feature = "schema")]
mod described;

use serde_json::{Map, Value, json};
use std::ops::RangeInclusive;

/// Most decimals of an amount in any currency; those of the program's own are left to the reader.
const MONEY_DECIMALS_MAX: u32 = 4;

/// Characters that do not show; see [`crate::document::is_printable`].
const HIDDEN: &str = r"\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff";
/// Blanks that are none of these.
const BLANK: &str = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000";

/// What a value may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema(Map<String, Value>);

impl From<Schema> for Value {
    fn from(schema: Schema) -> Self {
        Self::Object(schema.0)
    }
}

impl Schema {
    fn of(json_type: &str) -> Self {
        Self(Map::new()).with("type", json_type)
    }

    /// Nothing but `null`.
    pub(crate) fn null() -> Self {
        Self::of("null")
    }

    /// The same with a keyword more.
    pub(crate) fn with(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        self.0.insert(keyword.to_owned(), value.into());
        self
    }

    /// What it means, for whoever writes the document.
    pub(crate) fn about(self, text: &str) -> Self {
        self.with("description", text)
    }

    /// What holds where it is left out.
    pub(crate) fn or(self, default: impl Into<Value>) -> Self {
        self.with("default", default)
    }

    /// What may stand there. Tests read each, and they have every field between them.
    pub(crate) fn examples(self, examples: impl Into<Vec<Value>>) -> Self {
        self.with("examples", examples.into())
    }

    /// Of an object: a field that must be stated.
    pub(crate) fn required(self, key: &str, value: Self, about: &str) -> Self {
        self.pushed("required", key).field(key, value.about(about))
    }

    /// Of an object: a field that may be left out, or be `null`.
    pub(crate) fn optional(self, key: &str, value: Self, about: &str) -> Self {
        self.field(key, value.or_null().about(about))
    }

    /// Of an object: a field that may be left out, or be `null`, and says itself what it means.
    pub(crate) fn stating(self, key: &str, mut value: Self) -> Self {
        let about = value.0.remove("description").unwrap_or_default();
        self.field(key, value.or_null().with("description", about))
    }

    /// Of an object: exactly one of these fields is stated.
    pub(crate) fn one_of_fields(self, keys: &[&str]) -> Self {
        let any: Vec<_> = keys.iter().map(|key| stated(key)).collect();
        self.pushed("allOf", json!({ "oneOf": any }))
    }

    /// Of an object: one of these fields is stated at least.
    pub(crate) fn some_of_fields(self, keys: &[&str]) -> Self {
        let any: Vec<_> = keys.iter().map(|key| stated(key)).collect();
        self.pushed("allOf", json!({ "anyOf": any }))
    }

    /// Of an object: these two fields are not both stated.
    pub(crate) fn not_both(self, first: &str, second: &str) -> Self {
        self.pushed("allOf", json!({ "not": { "allOf": [stated(first), stated(second)] } }))
    }

    /// Of an object: a field that is stated unless another says `word`, and then is not.
    pub(crate) fn stated_unless(self, key: &str, other: &str, word: impl Into<Value>) -> Self {
        let word = word.into();
        let says = json!({ "required": [other], "properties": { other: { "const": word } } });
        let absent = json!({ "properties": { key: { "type": "null" } } });
        self.pushed("allOf", json!({ "if": says, "then": absent, "else": stated(key) }))
    }

    /// Of an object: one of these fields is stated at least where another says `word`.
    pub(crate) fn some_stated_if(self, keys: &[&str], other: &str, word: &str) -> Self {
        let says = json!({ "required": [other], "properties": { other: { "const": word } } });
        let any: Vec<_> = keys.iter().map(|key| stated(key)).collect();
        self.pushed("allOf", json!({ "if": says, "then": { "anyOf": any } }))
    }

    /// Of an object: conditions on its fields that no other builder says.
    pub(crate) fn with_conditions(self, conditions: impl IntoIterator<Item = Value>) -> Self {
        conditions.into_iter().fold(self, |schema, condition| schema.pushed("allOf", condition))
    }

    pub(crate) fn field(mut self, key: &str, value: Self) -> Self {
        if let Some(properties) = self.0.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert(key.to_owned(), value.into());
        }
        self
    }

    fn pushed(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        if let Value::Array(list) = self.0.entry(keyword).or_insert_with(|| json!([])) {
            list.push(value.into());
        }
        self
    }

    /// The same, or `null`. What a leaf asks for asks it of values of its type only, so that another type may stand
    /// beside; of an object with conditions on its fields, or of alternatives, that is not so.
    pub(crate) fn or_null(mut self) -> Self {
        if self.0.contains_key("anyOf") {
            return self.pushed("anyOf", Self::of("null"));
        }
        if self.0.contains_key("properties") && self.0.contains_key("allOf") {
            return any_of([self, Self::of("null")]);
        }
        if let Some(Value::Array(words)) = self.0.get_mut("enum") {
            words.push(Value::Null);
        }
        let own = self.0.get("type").cloned().unwrap_or_default();
        self.with("type", vec![own, "null".into()])
    }
}

/// That a field is there, and not `null`.
pub(crate) fn stated(key: &str) -> Value {
    json!({ "required": [key], "properties": { key: { "not": { "type": "null" } } } })
}

/// One of these.
pub(crate) fn any_of<const N: usize>(alternatives: [Schema; N]) -> Schema {
    Schema(Map::new()).with("anyOf", alternatives.map(Value::from).to_vec())
}

/// An object without any field yet; no others may stand in it than those that are added.
pub(crate) fn object(title: &str) -> Schema {
    Schema::of("object").with("title", title).with("properties", json!({})).with("additionalProperties", false)
}

/// So many of these.
pub(crate) fn list(bounds: RangeInclusive<usize>, item: Schema) -> Schema {
    Schema::of("array").with("minItems", *bounds.start()).with("maxItems", *bounds.end()).with("items", item)
}

/// 1 to `most` of these, each once; see [`crate::audience::each_once`].
pub(crate) fn each_once(most: usize, item: Schema) -> Schema {
    list(1..=most, item).with("uniqueItems", true)
}

/// Any text.
pub(crate) fn string() -> Schema {
    Schema::of("string")
}

fn pattern(pattern: impl Into<String>) -> Schema {
    string().with("pattern", pattern.into())
}

/// Texts of a shape that stands in [`definitions`].
fn shaped(name: &str) -> Schema {
    string().with("$ref", format!("#/$defs/{name}"))
}

/// The shapes of texts that many fields share: the whole schema's `$defs`. They ask nothing of anything but texts, so
/// that `null` may stand where one of them may be left out.
pub(crate) fn definitions() -> Value {
    // Something must show: blanks alone do not.
    let text = format!("^[^{HIDDEN}]*[^{BLANK}{HIDDEN}][^{HIDDEN}]*$");
    // `.` and `..` would vanish from paths.
    let id = r"^(\.?\.?[A-Za-z0-9_:-]|\.\.\.)[A-Za-z0-9._:-]*$";
    let moment = format!("^{}({CLOCK})?$", date_pattern());
    let shape = |about: &str, pattern: &str| json!({ "description": about, "pattern": pattern });
    json!({
        "text": shape("Printable characters.", &text),
        "id": shape("A-Z a-z 0-9 . _ : -", id),
        "moment": shape("A date such as 2030-06-01, or a date and time with an offset, such as 2030-06-01T00:00:00+02:00.", &moment),
    })
}

/// The same with the shapes that only requests have.
pub(crate) fn request_definitions() -> Value {
    let mut shapes = definitions();
    let about = "An RFC 3339 date and time with an offset, such as 2030-06-01T00:00:00+02:00.";
    if let Some(shapes) = shapes.as_object_mut() {
        let instant = json!({ "description": about, "pattern": format!("^{}{CLOCK}$", date_pattern()) });
        shapes.insert("instant".to_owned(), instant);
    }
    shapes
}

/// `true` or `false`.
pub(crate) fn truth() -> Schema {
    Schema::of("boolean")
}

/// A text of 1 to `chars_max` printable characters.
pub(crate) fn label(chars_max: usize) -> Schema {
    shaped("text").with("maxLength", chars_max)
}

/// An identifier of at most as many bytes as its own `parse` takes.
pub(crate) fn id<T, E>(parse: impl Fn(&str) -> Result<T, E>) -> Schema {
    let bytes_max = (1..=1_000_usize).take_while(|length| parse(&"x".repeat(*length)).is_ok()).last().unwrap_or(0);
    shaped("id").with("maxLength", bytes_max)
}

/// A stock keeping unit.
pub(crate) fn sku() -> Schema {
    label(64)
}

/// A whole number within bounds.
pub(crate) fn whole(bounds: RangeInclusive<u64>) -> Schema {
    Schema::of("integer").with("minimum", *bounds.start()).with("maximum", *bounds.end())
}

/// A whole number from `-most` to `most`.
pub(crate) fn signed(most: i64) -> Schema {
    Schema::of("integer").with("minimum", most.saturating_neg()).with("maximum", most)
}

/// A small whole number within bounds.
pub(crate) fn small(least: u16, most: u16) -> Schema {
    whole(u64::from(least)..=u64::from(most))
}

/// One of some whole numbers.
pub(crate) fn numbers(choices: impl IntoIterator<Item = u16>) -> Schema {
    Schema::of("integer").with("enum", choices.into_iter().collect::<Vec<_>>())
}

/// A decimal string with at most `decimals` decimals, at least `least` of the smallest unit: none, or more than none.
pub(crate) fn decimal(decimals: u32, least: i64) -> Schema {
    bounded_decimal("[0-9]+", "", decimals, least)
}

/// The same up to `most`, a power of ten.
pub(crate) fn decimal_to(decimals: u32, least: i64, most: u32) -> Schema {
    match most.checked_ilog10().unwrap_or(0) {
        0 => bounded_decimal("0+", r"|0*1(\.0+)?", decimals, least),
        zeros => {
            bounded_decimal(&format!("0*[0-9]{{1,{zeros}}}"), &format!(r"|0*10{{{zeros}}}(\.0+)?"), decimals, least)
        }
    }
}

fn bounded_decimal(whole: &str, or_bound: &str, decimals: u32, least: i64) -> Schema {
    let shape = pattern(format!(r"^({whole}(\.([0-9]{{1,{decimals}}}0*))?{or_bound})$"));
    if least > 0 { shape.pushed("allOf", json!({ "pattern": "[1-9]" })) } else { shape }
}

/// An amount in the program's currency, at least `least` of its smallest unit.
pub(crate) fn money(least: i64) -> Schema {
    decimal(MONEY_DECIMALS_MAX, least)
}

/// A factor of more than one.
pub(crate) fn above_one(factor: Schema) -> Schema {
    factor.pushed("allOf", json!({ "pattern": r"^0*([2-9]|1[0-9]|1\.[0-9]*[1-9])" }))
}

/// Days that no year is without.
const USUAL_DAY: &str =
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
const LEAP_YEAR: &str = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
/// What follows the date of an instant.
const CLOCK: &str =
    r"[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-5]):[0-5][0-9])";

/// A date, or a day of every year such as `12-24`.
pub(crate) fn date_or_day() -> Schema {
    pattern(format!("^({}|{USUAL_DAY}|02-29)$", date_pattern()))
}

/// A date.
pub(crate) fn date() -> Schema {
    pattern(format!("^{}$", date_pattern()))
}

/// An RFC 3339 instant with an offset.
pub(crate) fn instant() -> Schema {
    shaped("instant")
}

/// A code that a person types; whether its check character is right is left to the reader.
pub(crate) fn code() -> Schema {
    let digit = "[0-9A-TV-Za-tv-z]";
    pattern(format!("^[ -]*({digit}[ -]*){{10}}[0-9A-Za-z*~$=][ -]*$")).with("maxLength", 32)
}

/// A text of some pattern.
pub(crate) fn shape(expression: &str) -> Schema {
    pattern(expression)
}

/// An RFC 3339 instant with an offset, or a date.
pub(crate) fn moment() -> Schema {
    shaped("moment")
}

fn date_pattern() -> String {
    format!("([0-9]{{4}}-{USUAL_DAY}|{LEAP_YEAR}-02-29)")
}

/// A time of day such as `09:30`.
pub(crate) fn time_of_day() -> Schema {
    pattern("^([01][0-9]|2[0-3]):[0-5][0-9]$")
}

/// The end of a time of the day: `24:00` is the day's.
pub(crate) fn end_of_time_of_day() -> Schema {
    pattern("^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")
}

/// One of the given words.
pub(crate) fn one_of<T>(choices: &[(&'static str, T)]) -> Schema {
    words(choices.iter().map(|(word, _)| *word))
}

/// One of the given words.
pub(crate) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Schema {
    string().with("enum", words.into_iter().map(Value::from).collect::<Vec<_>>())
}

/// An ISO 4217 currency; which there are is left to the reader.
pub(crate) fn currency() -> Schema {
    pattern("^[A-Z]{3}$")
}

/// An https URL with `place` in it once.
pub(crate) fn link(bytes_max: usize, place: &str) -> Schema {
    let place = place.replace('{', r"\{").replace('}', r"\}");
    let twice = json!({ "type": "string", "pattern": format!("{place}.*{place}") });
    pattern(format!("^https://[!-~]*{place}[!-~]*$")).with("maxLength", bytes_max).with("not", twice)
}
