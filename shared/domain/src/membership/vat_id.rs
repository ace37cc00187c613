//! VAT ids: kept without separators, compared without regard to the ways a country has to write the same number.

mod check;

use super::country::Country;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most characters behind the two letters where a country's shapes are not known. The longest in use are China's 18.
const NUMBER_CHARS_MAX: usize = 20;

/// A VAT id: capitals and digits, without separators. What claims compare is [`VatId::canonical`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
            Self::Unreadable => write!(
                f,
                "must be a country's two letters followed by 2 to {NUMBER_CHARS_MAX} letters or digits; the letters \
                 may be left out where `country` says which"
            ),
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
struct Form {
    /// The two letters they start with.
    prefix: &'static str,
    /// The letters that claims compare instead, where two prefixes stand before the same numbers.
    same_as: &'static str,
    /// What may follow, in [`CLASSES`] and characters that stand for themselves.
    shapes: &'static [&'static str],
    /// What people leave out together with the two letters.
    lead: &'static str,
    /// What may stand behind it without being part of the number.
    suffixes: &'static [&'static str],
    /// Whether a number of one of the shapes has right check digits.
    check: fn(&[u64]) -> bool,
}

/// What stands for more than itself in a shape.
const CLASSES: [(char, &str); 4] =
    [('9', "a digit"), ('a', "a letter"), ('x', "a letter or digit"), ('s', "a letter, digit, + or *")];

/// The countries whose shapes are known; the ids of others are taken as they come.
///
/// European Union, United Kingdom (while it was a member) and Northern Ireland: European Commission, VIES, "What is the
/// format of a VAT number?". Switzerland and Norway: the documentation of python-stdnum by country,
/// https://arthurdejong.org/python-stdnum/. The United Kingdom's check digits are not looked at: more than one rule is
/// in use, and which numbers follow which is not documented.
static FORMS: &[Form] = &[
    form("AT", &["U99999999"]).lead("U").checked(check::austrian),
    form("BE", &["0999999999", "1999999999"]).checked(check::belgian),
    form("BG", &["999999999", "9999999999"]).checked(check::bulgarian),
    // The tax's name in the four languages.
    form("CH", &["E999999999"]).lead("E").suffixed(&["MWST", "TVA", "IVA", "TPV"]).checked(check::swiss),
    form("CY", &["99999999a"]).checked(check::cypriot),
    form("CZ", &["99999999", "999999999", "9999999999"]).checked(check::czech),
    form("DE", &["999999999"]).checked(check::mod_11_10),
    form("DK", &["99999999"]).checked(check::danish),
    form("EE", &["999999999"]).checked(check::estonian),
    form("EL", &["999999999"]).checked(check::greek),
    form("ES", &["a9999999x", "99999999a"]).checked(check::spanish),
    form("FI", &["99999999"]).checked(check::finnish),
    form("FR", &["xx999999999"]).checked(check::french),
    form("GB", BRITISH),
    // ISO 3166 has GR, VIES has EL.
    form("GR", &["999999999"]).same_as("EL").checked(check::greek),
    form("HR", &["99999999999"]).checked(check::mod_11_10),
    form("HU", &["99999999"]).checked(check::hungarian),
    form("IE", &["9s99999a", "9999999aa"]).checked(check::irish),
    form("IT", &["99999999999"]).checked(check::luhn),
    form("LT", &["999999999", "999999999999"]).checked(check::lithuanian),
    form("LU", &["99999999"]).checked(check::luxembourgish),
    form("LV", &["99999999999"]).checked(check::latvian),
    form("MT", &["99999999"]).checked(check::maltese),
    form("NL", &["999999999B99"]).checked(check::dutch),
    form("NO", &["999999999"]).suffixed(&["MVA"]).checked(check::norwegian),
    form("PL", &["9999999999"]).checked(check::polish),
    form("PT", &["999999999"]).checked(check::portuguese),
    form("RO", &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"])
        .checked(check::romanian),
    form("SE", &["999999999999"]).checked(check::swedish),
    form("SI", &["99999999"]).checked(check::slovenian),
    form("SK", &["9999999999"]).checked(check::slovak),
    // Not the kingdom's letters, but written for them.
    form("UK", BRITISH).same_as("GB"),
    // One registration: https://www.gov.uk/vat-registration/selling-or-moving-goods-in-northern-ireland.
    form("XI", BRITISH).same_as("GB"),
];

/// Traders, branches (a group's three digits behind), government departments, health authorities.
const BRITISH: &[&str] = &["999999999", "999999999999", "GD999", "HA999"];

const fn form(prefix: &'static str, shapes: &'static [&'static str]) -> Form {
    Form { prefix, same_as: prefix, shapes, lead: "", suffixes: &[], check: |_| true }
}

impl Form {
    const fn same_as(self, same_as: &'static str) -> Self {
        Self { same_as, ..self }
    }

    const fn lead(self, lead: &'static str) -> Self {
        Self { lead, ..self }
    }

    const fn suffixed(self, suffixes: &'static [&'static str]) -> Self {
        Self { suffixes, ..self }
    }

    const fn checked(self, check: fn(&[u64]) -> bool) -> Self {
        Self { check, ..self }
    }

    /// The form of a country's ids, by the letters before them.
    fn with_prefix(prefix: &str) -> Option<&'static Self> {
        FORMS.iter().find(|form| form.prefix == prefix)
    }

    /// The form of an id, and its number without prefix and suffix; `None`: of no country whose shapes are known.
    fn of(id: &str) -> Option<(&'static Self, &str)> {
        FORMS.iter().find_map(|form| Some((form, form.bare(id.strip_prefix(form.prefix)?))))
    }

    /// A number without what may stand behind it.
    fn bare<'a>(&self, number: &'a str) -> &'a str {
        self.suffixes.iter().find_map(|suffix| number.strip_suffix(suffix)).unwrap_or(number)
    }

    fn fits(&self, number: &str) -> bool {
        self.shapes.iter().any(|shape| has_shape(number, shape))
    }

    fn shape(&self) -> InvalidVatId {
        InvalidVatId::Shape { prefix: self.prefix, shapes: self.shapes }
    }

    fn accept(&self, number: &str) -> Result<(), InvalidVatId> {
        if !self.fits(number) {
            return Err(self.shape());
        }
        // What is neither is in no rule; it only has to be no digit.
        let values: Vec<u64> = number.chars().map(|c| u64::from(c.to_digit(36).unwrap_or(36))).collect();
        if !(self.check)(&values) {
            return Err(InvalidVatId::CheckDigits { prefix: self.prefix });
        }
        Ok(())
    }

    /// An id with the letters that were left out; `None`: they were not.
    fn complete(&self, id: &str) -> Option<String> {
        let leads = ["", self.lead].into_iter().map(|lead| format!("{lead}{id}"));
        let number = leads.into_iter().find(|number| self.fits(self.bare(number)))?;
        Some(format!("{}{number}", self.prefix))
    }
}

impl VatId {
    /// What a person typed; space, dots, hyphens and slashes are dropped. Where the country's shape is known it must
    /// have that and right check digits; elsewhere 2 to 20 letters or digits follow the country's two letters.
    ///
    /// `country` is where the company says it is. It stands in for letters that were left out, so that both ways to
    /// write an id are one. Other letters contradict nothing: a company may be registered for VAT where it has no seat.
    pub fn parse_in(text: &str, country: Option<Country>) -> Result<Self, InvalidVatId> {
        let separates = |c: char| c.is_whitespace() || matches!(c, '.' | '-' | '/' | '\u{2010}'..='\u{2015}');
        let id: String = text.chars().filter(|c| !separates(*c)).map(|c| c.to_ascii_uppercase()).collect();
        match country {
            Some(country) => complete(id, country).and_then(Self::with_prefix),
            None => Self::with_prefix(id),
        }
    }

    fn with_prefix(id: String) -> Result<Self, InvalidVatId> {
        match Form::of(&id) {
            Some((form, number)) => form.accept(number).map(|()| Self(id)),
            None if is_plain(&id) => Ok(Self(id)),
            None => Err(InvalidVatId::Unreadable),
        }
    }

    /// What claims compare, the same for every way to write one number: one prefix for a country, nothing behind it.
    pub fn canonical(&self) -> String {
        match Form::of(&self.0) {
            Some((form, number)) => format!("{}{number}", form.same_as),
            None => self.0.clone(),
        }
    }

    /// What claims compared before there was a canonical form.
    pub(super) fn former(&self) -> String {
        self.0.clone()
    }
}

/// An id of a company in a country with the letters before it, if they were left out.
///
/// Where both readings are possible, letters that the rest bears out come first, then the company's own country: a
/// French key may be `DE`, but nine digits follow a German one too; a British government department starts with
/// Grenada's letters.
fn complete(id: String, country: Country) -> Result<String, InvalidVatId> {
    let known = Form::of(&id);
    if known.is_some_and(|(form, number)| form.fits(number)) {
        return Ok(id);
    }
    let prefix = country.vat_prefix();
    let own = Form::with_prefix(prefix);
    if let Some(completed) = own.and_then(|form| form.complete(&id)) {
        return Ok(completed);
    }
    // Numbers may start with letters where their shapes are not known; after a country's letters comes a digit.
    let has_letters = id.get(..2).is_some_and(|letters| Country::parse(letters).is_ok());
    let digit_follows = id.as_bytes().get(2).is_some_and(u8::is_ascii_digit);
    match own {
        _ if id.starts_with(prefix) || has_letters && digit_follows => Ok(id),
        Some(form) => Err(known.map_or(form, |(stated, _)| stated).shape()),
        None => Ok(format!("{prefix}{id}")),
    }
}

/// Whether this is two letters and what a number may be in a country whose shapes are not known.
fn is_plain(id: &str) -> bool {
    id.split_at_checked(2).is_some_and(|(letters, number)| {
        letters.bytes().all(|b| b.is_ascii_uppercase())
            && (2..=NUMBER_CHARS_MAX).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_alphanumeric())
    })
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

#[cfg(test)]
mod tests;
