//! What addresses, queries and headers hold.

use crate::http::REQUEST_ID;
use domain::idempotency::KEY_CHARS_MAX;
use domain::requests;
use serde_json::{Value, json};

/// A parameter of a path by its name.
pub(super) fn of_path(name: &str) -> (Value, &'static str) {
    match name {
        "account_id" => (requests::account_id(), "The account."),
        "contact_id" => (requests::long_id(), "A person of the account."),
        "source" => (requests::long_id(), "The shop or ERP that the order comes from."),
        "order_id" => (requests::long_id(), "The order's number there."),
        "return_id" => (requests::long_id(), "The credit note's number."),
        "survey_id" => (requests::long_id(), "The survey."),
        "perk" => (requests::rule_id(), "The perk, by its id in the program."),
        "version" | "other" => (number(u64::from(u32::MAX)), "The number of a version."),
        "date" => (day(), "The day whose night it is, in the program's time zone."),
        "redemption_id" | "reservation_id" => (hexadecimal(16), "What it is known by."),
        "simulation_id" => (hexadecimal(32), "What it is known by."),
        _ => (json!({ "type": "string", "minLength": 1 }), "The code, with or without hyphens."),
    }
}

/// Digits of an identifier that is made up here.
fn hexadecimal(digits: u8) -> Value {
    json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$") })
}

/// A number from 1 on.
pub fn number(most: u64) -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": most })
}

/// A whole number within bounds.
pub fn whole(least: u64, most: u64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// A decimal string.
pub fn decimal(decimals: u32) -> Value {
    json!({ "type": "string", "pattern": format!(r"^[0-9]+(\.[0-9]{{1,{decimals}}}0*)?$") })
}

/// A text of 1 to so many characters.
pub fn text(chars_max: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": chars_max })
}

/// One of these words.
pub fn words(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

/// A text of a pattern.
pub fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// A day such as `2011-05-31`.
pub fn day() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
}

pub(super) fn limit(usual: u16, most: u16) -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": most, "default": usual })
}

pub(super) fn cursor() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$" })
}

/// Blanks at either end are not part of a header. An empty one is none.
pub(super) fn idempotency_key(required: bool) -> Value {
    let least = if required { "" } else { "?" };
    let pattern = format!("^([!-~]([ -~]*[!-~])?){least}$");
    json!({ "type": "string", "pattern": pattern, "maxLength": KEY_CHARS_MAX })
}

/// The headers that requests of one kind have in common, by the names of their descriptions.
pub(super) fn common(is_read: bool, is_conditional: bool) -> &'static [&'static str] {
    match (is_read, is_conditional) {
        (true, _) => &["RequestId", "Known"],
        (false, true) => &["RequestId", "IfMatch", "IfNoneMatch"],
        (false, false) => &["RequestId"],
    }
}

/// Their descriptions.
pub(super) fn components() -> Value {
    let header = |name: &str, about: &str, schema: Value| json!({ "name": name, "in": "header", "required": false, "description": about, "schema": schema });
    let tags = || json!({ "type": "string", "pattern": r#"^ *(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*) *$"# });
    let anything = || json!({ "type": "string" });
    json!({
        "RequestId": header(REQUEST_ID, "What the request is to be known by. What cannot be told again is not taken.", anything()),
        "Known": header("If-None-Match", "The tags of what you have already.", anything()),
        "IfMatch": header("If-Match", "The tags of what you saw, one of which must still be there; `*` for anything.", tags()),
        "IfNoneMatch": header("If-None-Match", "Tags of what must not be there; `*` for anything.", tags()),
    })
}
