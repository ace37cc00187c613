//! VAT ids: kept without separators, compared without regard to the ways a country has to write the same number.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A VAT id: capitals and digits, without separators. What claims compare is [`VatId::canonical`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VatId(String);

/// Why a text is no VAT id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidVatId {
    /// It does not start with a country's letters, or no number of any country follows.
    Unreadable,
    /// It does not have the shape that its country gives it.
    Shape {
        /// The country's two letters.
        prefix: &'static str,
        /// What may follow them.
        shapes: &'static [&'static str],
    },
    /// A digit is wrong or two are swapped: its check digits do not fit.
    CheckDigits {
        /// The country's two letters.
        prefix: &'static str,
    },
}

impl fmt::Display for InvalidVatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("must be a country's two letters followed by 2 to 13 letters or digits"),
            Self::Shape { prefix, shapes } => {
                let shapes: Vec<_> = shapes.iter().map(|shape| format!("{prefix}{shape}")).collect();
                let shapes = shapes.join(" or ");
                let classes = CLASSES.iter().filter(|(class, _)| shapes.contains(*class));
                let legend: Vec<_> = classes.map(|(class, meaning)| format!("{class}: {meaning}")).collect();
                write!(f, "must have the shape {shapes} ({})", legend.join("; "))
            }
            Self::CheckDigits { prefix } => write!(f, "has check digits that do not fit a number of {prefix}"),
        }
    }
}

/// How a country writes its VAT ids.
struct Country {
    /// The two letters they start with.
    prefix: &'static str,
    /// The letters that claims compare instead, where two prefixes stand before the same numbers.
    same_as: &'static str,
    /// What may follow, in [`CLASSES`] and characters that stand for themselves.
    shapes: &'static [&'static str],
    /// What may stand behind it without being part of the number.
    suffixes: &'static [&'static str],
    /// Whether the check digits of a number of digits only are right.
    check: fn(&[u64]) -> bool,
}

/// What stands for more than itself in a shape.
const CLASSES: [(char, &str); 4] =
    [('9', "a digit"), ('a', "a letter"), ('x', "a letter or digit"), ('s', "a letter, digit, + or *")];

/// The countries whose shapes are known; the ids of others are taken as they come.
///
/// European Union, United Kingdom (while it was a member) and Northern Ireland: European Commission, VIES, "What is the
/// format of a VAT number?". Switzerland and Norway, and check digits: the documentation of python-stdnum by country,
/// https://arthurdejong.org/python-stdnum/.
static COUNTRIES: &[Country] = &[
    country("AT", &["U99999999"]),
    country("BE", &["0999999999", "1999999999"]).checked(belgian),
    country("BG", &["999999999", "9999999999"]),
    // The tax's name in the four languages.
    country("CH", &["E999999999"]).suffixed(&["MWST", "TVA", "IVA", "TPV"]),
    country("CY", &["99999999a"]),
    country("CZ", &["99999999", "999999999", "9999999999"]),
    country("DE", &["999999999"]).checked(german),
    country("DK", &["99999999"]),
    country("EE", &["999999999"]),
    country("EL", &["999999999"]),
    country("ES", &["a9999999x", "99999999a"]),
    country("FI", &["99999999"]),
    country("FR", &["xx999999999"]).checked(french),
    country("GB", BRITISH),
    // ISO 3166 has GR, VIES has EL.
    country("GR", &["999999999"]).same_as("EL"),
    country("HR", &["99999999999"]),
    country("HU", &["99999999"]),
    country("IE", &["9s99999a", "9999999aa"]),
    country("IT", &["99999999999"]).checked(luhn),
    country("LT", &["999999999", "999999999999"]),
    country("LU", &["99999999"]),
    country("LV", &["99999999999"]),
    country("MT", &["99999999"]),
    country("NL", &["999999999B99"]),
    country("NO", &["999999999"]).suffixed(&["MVA"]),
    country("PL", &["9999999999"]).checked(polish),
    country("PT", &["999999999"]),
    country("RO", &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"]),
    country("SE", &["999999999999"]),
    country("SI", &["99999999"]),
    country("SK", &["9999999999"]),
    // One registration: https://www.gov.uk/vat-registration/selling-or-moving-goods-in-northern-ireland.
    country("XI", BRITISH).same_as("GB"),
];

/// Traders, branches (a group's three digits behind), government departments, health authorities.
const BRITISH: &[&str] = &["999999999", "999999999999", "GD999", "HA999"];

const fn country(prefix: &'static str, shapes: &'static [&'static str]) -> Country {
    Country { prefix, same_as: prefix, shapes, suffixes: &[], check: |_| true }
}

impl Country {
    const fn same_as(self, same_as: &'static str) -> Self {
        Self { same_as, ..self }
    }

    const fn suffixed(self, suffixes: &'static [&'static str]) -> Self {
        Self { suffixes, ..self }
    }

    const fn checked(self, check: fn(&[u64]) -> bool) -> Self {
        Self { check, ..self }
    }

    /// The country of an id, and its number without prefix and suffix; `None`: no country whose shapes are known.
    fn of(id: &str) -> Option<(&'static Self, &str)> {
        COUNTRIES.iter().find_map(|country| {
            let number = id.strip_prefix(country.prefix)?;
            let bare = country.suffixes.iter().find_map(|suffix| number.strip_suffix(suffix));
            Some((country, bare.unwrap_or(number)))
        })
    }

    fn accept(&self, number: &str) -> Result<(), InvalidVatId> {
        let Self { prefix, shapes, .. } = *self;
        if !shapes.iter().any(|shape| has_shape(number, shape)) {
            return Err(InvalidVatId::Shape { prefix, shapes });
        }
        let digits: Option<Vec<u64>> = number.chars().map(|c| c.to_digit(10).map(u64::from)).collect();
        if digits.is_some_and(|digits| !(self.check)(&digits)) {
            return Err(InvalidVatId::CheckDigits { prefix });
        }
        Ok(())
    }
}

impl VatId {
    /// What a person typed; spaces, dots and hyphens are dropped. Where the country's shape is known it must have that
    /// and, for some, right check digits; elsewhere 2 to 13 letters or digits follow the country's two letters.
    pub fn parse(text: &str) -> Result<Self, InvalidVatId> {
        let kept = |c: &char| !matches!(c, ' ' | '.' | '-');
        let id: String = text.chars().filter(kept).map(|c| c.to_ascii_uppercase()).collect();
        if let Some((country, number)) = Country::of(&id) {
            country.accept(number)?;
            return Ok(Self(id));
        }
        let (letters, number) = id.split_at_checked(2).ok_or(InvalidVatId::Unreadable)?;
        let good = letters.bytes().all(|b| b.is_ascii_uppercase())
            && (2..=13).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_alphanumeric());
        if good { Ok(Self(id)) } else { Err(InvalidVatId::Unreadable) }
    }

    /// What claims compare, the same for every way to write one number: one prefix for a country, nothing behind it.
    pub fn canonical(&self) -> String {
        match Country::of(&self.0) {
            Some((country, number)) => format!("{}{number}", country.same_as),
            None => self.0.clone(),
        }
    }

    /// What claims compared before there was a canonical form.
    pub(super) fn former(&self) -> String {
        self.0.clone()
    }
}

fn has_shape(number: &str, shape: &str) -> bool {
    let fits = |(c, class): (u8, u8)| match class {
        b'9' => c.is_ascii_digit(),
        b'a' => c.is_ascii_uppercase(),
        b'x' => c.is_ascii_uppercase() || c.is_ascii_digit(),
        b's' => c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, b'+' | b'*'),
        literal => c == literal,
    };
    number.len() == shape.len() && number.bytes().zip(shape.bytes()).all(fits)
}

/// The number that digits write.
fn value(digits: &[u64]) -> u64 {
    digits.iter().fold(0, |value, digit| value.wrapping_mul(10).wrapping_add(*digit))
}

/// Belgium: the last two digits are 97 less the remainder of the others by 97.
fn belgian(digits: &[u64]) -> bool {
    digits
        .split_last_chunk::<2>()
        .is_some_and(|(rest, check)| value(rest).wrapping_add(value(check)).is_multiple_of(97))
}

/// Germany: ISO 7064, MOD 11,10.
fn german(digits: &[u64]) -> bool {
    digits.split_last().is_some_and(|(check, rest)| {
        let product = rest.iter().fold(10, |product: u64, digit| {
            let sum = product.wrapping_add(*digit) % 10;
            (if sum == 0 { 10_u64 } else { sum }).wrapping_mul(2) % 11
        });
        product.wrapping_add(*check) % 10 == 1
    })
}

/// France: the first two digits are the remainder by 97 of the others with 12 behind them. (A key with letters is of a
/// later kind, and not checked.)
fn french(digits: &[u64]) -> bool {
    digits
        .split_first_chunk::<2>()
        .is_some_and(|(key, rest)| value(rest).wrapping_mul(100).wrapping_add(12) % 97 == value(key))
}

/// Italy: the Luhn formula.
fn luhn(digits: &[u64]) -> bool {
    let doubled = |digit: &u64| (digit.wrapping_mul(2) / 10).wrapping_add(digit.wrapping_mul(2) % 10);
    let from_the_end = || digits.iter().rev();
    let sum: u64 = from_the_end().step_by(2).copied().chain(from_the_end().skip(1).step_by(2).map(doubled)).sum();
    sum.is_multiple_of(10)
}

/// Poland: the weighted sum of the first nine digits, modulo 11, is the tenth.
fn polish(digits: &[u64]) -> bool {
    let weighted = [6, 5, 7, 2, 3, 4, 5, 6, 7].iter().zip(digits).map(|(weight, digit)| digit.wrapping_mul(*weight));
    digits.last() == Some(&(weighted.sum::<u64>() % 11))
}

#[cfg(test)]
mod tests;
