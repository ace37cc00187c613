//! Small things that sentences for people are made of.

use std::fmt::Display;

/// A number with its unit: `1 point`, `2 points`.
pub fn counted(count: impl Display, unit: &str) -> String {
    let count = count.to_string();
    let plural = if count == "1" { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_thing_has_no_plural() {
        assert_eq!(
            [0, 1, 2, -1, 11].map(|count| counted(count, "point")),
            ["0 points", "1 point", "2 points", "-1 points", "11 points"]
        );
    }
}
