//! Phone numbers, as far as two of them are compared.

use crate::schema::{self, Schema};
use std::fmt;

/// Fewest and most digits of a number; the most are 15 (ITU-T E.164, 6.2), a prefix for dialling abroad, and an
/// extension.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=20;
/// Most characters with all that separates them.
const CHARS_MAX: usize = 40;
/// Digits that are compared, from the end.
const COMPARED: usize = 8;

/// What is compared of a phone number: its last 8 digits, so that `+44 20 7946 0958`, `0044 20 7946 0958` and
/// `(020) 7946-0958` are one, whatever stands before the number at home or abroad.
///
/// Two companies may share them, in different countries for example, so a match is a reason to look, and never one to
/// refuse. Nothing else is kept, and that as a keyed hash only: [`Phone::PURPOSE`] and [`Phone::canonical`] are what is
/// hashed.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

/// Why a text is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a phone number of {} to {} digits, with spaces and + ( ) - . / only", DIGITS.start(), DIGITS.end())]
pub struct InvalidPhone;

impl Phone {
    /// What its keyed hash is for.
    pub const PURPOSE: &'static str = "phone";

    /// What a person typed.
    pub fn parse(text: &str) -> Result<Self, InvalidPhone> {
        let text = text.trim();
        let separates = |c: char| c.is_whitespace() || matches!(c, '+' | '(' | ')' | '-' | '.' | '/');
        let good = text.chars().count() <= CHARS_MAX && text.chars().all(|c| c.is_ascii_digit() || separates(c));
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if !good || !DIGITS.contains(&digits.len()) {
            return Err(InvalidPhone);
        }
        let compared = digits.get(digits.len().saturating_sub(COMPARED)..).unwrap_or(&digits);
        Ok(Self(compared.to_owned()))
    }

    /// What [`Self::parse`] reads; how many digits there are is left to it.
    pub(super) fn schema() -> Schema {
        schema::shape(r"^[0-9\s+()./-]+$").with("maxLength", CHARS_MAX)
    }

    /// What is compared.
    pub fn canonical(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    /// Without the number: it belongs into no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_number_is_one_at_home_and_abroad() {
        for (typed, compared) in [
            ("+44 20 7946 0958", "79460958"),
            ("0044 20 7946 0958", "79460958"),
            ("(020) 7946-0958", "79460958"),
            ("020.7946.0958", "79460958"),
            (" 7946\u{a0}0958 ", "79460958"),
            ("+49 (0)30 / 901820", "30901820"),
            ("030 901820", "30901820"),
            ("1234567", "1234567"),
            ("12345678901234567890", "34567890"),
        ] {
            let phone = Phone::parse(typed).unwrap();
            assert_eq!(phone.canonical(), compared, "{typed}");
            assert_eq!(format!("{phone:?}"), "Phone(..)");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "   ",
            "123456",
            "123456789012345678901",
            "call me",
            "0800 FLOWERS",
            "+44 20 7946 0958 ext. 1",
            "٠٢٠٧٩٤٦٠٩٥٨",
            "１２３４５６７８",
            "020 7946\n\u{0}0958",
            &format!("1234567{}8", " ".repeat(40)),
            &"1".repeat(10_000),
            &" ".repeat(10_000),
        ] {
            assert_eq!(Phone::parse(text), Err(InvalidPhone), "{text}");
        }
        assert_eq!(
            InvalidPhone.to_string(),
            "must be a phone number of 7 to 20 digits, with spaces and + ( ) - . / only"
        );
    }
}
