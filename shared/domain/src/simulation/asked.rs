//! What a simulation is asked for with: `POST /v1/program/simulations`.

use crate::document::{self, Faults, Object, Path};
use crate::schema::{self, Schema};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which version is to be held against what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The number of a stored version, in force or not.
    pub version: u32,
    /// When both are looked at; `None`: at the last commit of any account.
    pub as_of: Option<Instant>,
}

/// Reads what is asked for; every fault at once.
pub fn asked(document: &Value) -> Result<Asked, Faults> {
    let mut faults = Faults::default();
    let read = |faults: &mut Faults| {
        let root = Object::open(document, &Path::Root, &["version", "as_of"], faults)?;
        let version = root.required("version", faults, document::whole(1..=u64::from(u32::MAX)));
        let as_of = root.optional("as_of", faults, document::instant);
        Some(Asked { version: u32::try_from(version?).ok()?, as_of })
    };
    let asked = read(&mut faults);
    faults.into_result(asked)
}

/// What [`asked`] reads.
pub(crate) fn schema() -> Schema {
    schema::object("SimulationRequest")
        .required("version", schema::whole(1..=u64::from(u32::MAX)), "The number of a stored version, in force or not.")
        .optional("as_of", schema::instant(), "When both are looked at; left out: at the last commit of any account.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn every_fault_is_told_at_once() {
        let asked_for = asked(&json!({"version": 2, "as_of": "2030-01-01T00:00:00Z"})).unwrap();
        assert_eq!((asked_for.version, asked_for.as_of), (2, Instant::parse("2030-01-01T00:00:00Z")));
        assert_eq!(asked(&json!({"version": 7})), Ok(Asked { version: 7, as_of: None }));
        for (document, expected) in [
            (json!([]), vec![("$", "wrong_type")]),
            (json!({}), vec![("$.version", "missing")]),
            (
                json!({"version": 0, "as_of": "soon", "draft": {}}),
                vec![("$.as_of", "invalid_time"), ("$.draft", "unknown_field"), ("$.version", "out_of_range")],
            ),
            (json!({"version": "2", "as_of": 1}), vec![("$.as_of", "wrong_type"), ("$.version", "wrong_type")]),
        ] {
            let faults = asked(&document).unwrap_err();
            let mut told: Vec<_> = faults.listed().iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
            told.sort_unstable();
            assert_eq!(told, expected, "{document}");
        }
    }
}
