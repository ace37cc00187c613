//! The smallest program, for tests of one section.

use super::Program;
use crate::document::Faults;
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

/// What such a program says of the section, or its faults: `$.section.field code`.
pub(crate) fn read<T>(section: &str, value: &Value, of: fn(Program) -> T) -> Result<T, String> {
    let told = |faults: Faults| {
        let listed = faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code));
        listed.collect::<Vec<_>>().join(", ")
    };
    Program::from_json(&with(section, value)).map(of).map_err(told)
}
