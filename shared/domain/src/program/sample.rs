//! The smallest program, for tests of one section.

use serde_json::{Value, json};

/// A program with a section as given, and no more than it must have besides: two tiers, and points for amounts.
pub(crate) fn with(section: &str, value: &Value) -> Value {
    let mut document = json!({
        "name": "p", "currency": "GBP", "time_zone": "Europe/London", "enrolment": {"unknown_account": "enrol"},
        "earning_rules": [{"id": "base", "name": "Points", "points": 1, "per": "1"}],
        "points": {"validity_months": 24},
        "tiers": {"window_months": 12, "levels": [
            {"id": "member", "name": "Member", "threshold": "0", "multiplier": "1"},
            {"id": "gold", "name": "Gold", "threshold": "10", "multiplier": "1"},
        ]},
    });
    if let Some(fields) = document.as_object_mut() {
        fields.insert(section.to_owned(), value.clone());
    }
    document
}
