//! Whole numbers of a document, however they are written.

use serde_json::Value;

/// Largest whole number that may be written with a fraction: none so small is read as another.
const WITH_FRACTION_MAX: u64 = 1_000_000_000_000;

/// A whole number, written with a fraction of nothing or without: `1.0` is one, as JSON Schema has it.
pub(super) fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_number()?.to_string().strip_suffix(".0")?.parse().ok()?;
        (number <= WITH_FRACTION_MAX).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::document;

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
        let read = |text: &str| whole(&document::parse(text.as_bytes()).unwrap());
        for (text, expected) in [
            ("1", Some(1)),
            ("1.0", Some(1)),
            ("24.000", Some(24)),
            ("1e3", Some(1_000)),
            ("1000000000000.0000000000000", Some(1_000_000_000_000)),
            ("18446744073709551615", Some(u64::MAX)),
            ("1000000000000.5", None),
            ("1000000000001.0", None),
            ("1e300", None),
            ("1.5", None),
            ("0.0", Some(0)),
            ("-1.0", None),
            ("\"1\"", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
