//! Postal addresses, as far as two of them are compared.

use super::country::Country;
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::schema::{self, Schema};
use serde_json::Value;
use std::fmt;

const STREET_CHARS_MAX: usize = 200;
const POSTAL_CODE_CHARS_MAX: usize = 20;
const CITY_CHARS_MAX: usize = 100;

/// What is compared of an address: the country, the postal code and the numbers of the house, so that it does not
/// matter how the street and the city are spelled.
///
/// Two companies may share them: they have offices in one building, or in two streets of one postal code. So a match is
/// a reason to look, and never one to refuse. Nothing else is kept, and that as a keyed hash only: [`Address::PURPOSE`]
/// and [`Address::canonical`] are what is hashed.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// An address as it was stated.
#[derive(Clone, Copy)]
pub struct Stated<'a> {
    /// Where it is.
    pub country: Country,
    /// The line with the street and the house, or what stands for it.
    pub street: &'a str,
    /// The postal code; not every country has them.
    pub postal_code: Option<&'a str>,
    /// The city; compared where there is no postal code.
    pub city: &'a str,
}

impl Address {
    /// What its keyed hash is for.
    pub const PURPOSE: &'static str = "address";

    /// What is compared of it.
    pub fn of(stated: Stated<'_>) -> Self {
        let Stated { country, street, postal_code, city } = stated;
        let place = postal_code.map(postal_code_of).filter(|code| !code.is_empty()).unwrap_or_else(|| folded(city));
        Self(format!("{}|{place}|{}", country.of_addresses(), house(street)))
    }

    /// What is compared.
    pub fn canonical(&self) -> &str {
        &self.0
    }

    /// Reads `{street, postal_code?, city}`. An address is somewhere: without a country there is none to compare.
    pub(super) fn read(value: &Value, path: &Path<'_>, country: Option<Country>, faults: &mut Faults) -> Option<Self> {
        let object = Object::open(value, path, &["street", "postal_code", "city"], faults)?;
        let street = object.required("street", faults, lettered(STREET_CHARS_MAX));
        let postal_code = object.optional("postal_code", faults, lettered(POSTAL_CODE_CHARS_MAX));
        let city = object.required("city", faults, lettered(CITY_CHARS_MAX));
        let (street, city) = (street?, city?);
        Some(Self::of(Stated { country: country?, street: &street, postal_code: postal_code.as_deref(), city: &city }))
    }
}

impl Address {
    /// What [`Self::read`] reads; that something in it can be compared is left to it.
    pub(super) fn schema() -> Schema {
        schema::object("Address")
            .required("street", schema::label(STREET_CHARS_MAX), "The street and the house.")
            .optional("postal_code", schema::label(POSTAL_CODE_CHARS_MAX), "The postal code.")
            .required("city", schema::label(CITY_CHARS_MAX), "The city.")
    }
}

impl fmt::Debug for Address {
    /// Without the address: it belongs into no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

/// A label with something in it that can be compared.
fn lettered(chars_max: usize) -> impl Fn(&Value) -> Leaf<String> {
    move |value| {
        let label = document::label(chars_max)(value)?;
        if !label.contains(char::is_alphanumeric) {
            return Err(("invalid_text", "must have a letter or a digit".to_owned()));
        }
        Ok(label)
    }
}

/// Letters and digits, in capitals, without a country's letters and hyphen before them: `D-10115` is `10115`.
fn postal_code_of(text: &str) -> String {
    let text = text.trim();
    let after_letters = text.split_once('-').filter(|(letters, code)| {
        (1..=2).contains(&letters.len())
            && letters.bytes().all(|b| b.is_ascii_alphabetic())
            && code.trim_start().starts_with(|c: char| c.is_ascii_digit())
    });
    let code = after_letters.map_or(text, |(_, code)| code);
    code.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// The numbers in the line of a street, the smallest first, so that `Unit 3, 12 High St` is `12 High Street, unit 3`;
/// where it has none, its letters.
fn house(street: &str) -> String {
    let numbers = street.split(|c: char| !c.is_ascii_digit()).map(|number| number.trim_start_matches('0'));
    let mut numbers: Vec<_> = numbers.filter(|number| !number.is_empty()).collect();
    if numbers.is_empty() {
        return folded(street);
    }
    numbers.sort_unstable_by_key(|number| (number.len(), *number));
    numbers.join("-")
}

/// Letters and digits, in small letters.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn canonical(country: &str, street: &str, postal_code: &str, city: &str) -> String {
        let country = Country::parse(country).unwrap();
        let postal_code = Some(postal_code).filter(|code| !code.is_empty());
        let address = Address::of(Stated { country, street, postal_code, city });
        assert_eq!(format!("{address:?}"), "Address(..)");
        address.canonical().to_owned()
    }

    #[test]
    fn one_house_is_one_however_its_street_is_spelled() {
        for (country, street, postal_code, city, compared) in [
            ("GB", "12 High Street", "SW1A 1AA", "London", "GB|SW1A1AA|12"),
            ("uk", "12, High St.", "sw1a1aa", "LONDON", "GB|SW1A1AA|12"),
            ("XI", "5 Donegall Square", "BT1 5GS", "Belfast", "GB|BT15GS|5"),
            ("DE", "Müllerstraße 7", "10115", "Berlin", "DE|10115|7"),
            ("DE", "Muellerstr. 07 a", "D-10115", "Bln.", "DE|10115|7"),
            ("FR", "12-14 rue du Bac", "75007", "Paris", "FR|75007|12-14"),
            ("FR", "14 et 12, Rue du Bac", "F-75007", "Paris", "FR|75007|12-14"),
            ("GB", "Unit 3, 12 High St", "AB1 2CD", "Aberdeen", "GB|AB12CD|3-12"),
            ("GB", "12 High St (Unit 3)", "AB1 2CD", "Aberdeen", "GB|AB12CD|3-12"),
            ("LV", "Brīvības iela 1", "LV-1010", "Rīga", "LV|1010|1"),
            ("BR", "Av. Paulista 1000", "01310-100", "São Paulo", "BR|01310100|1000"),
            // Without a number the house has a name; without postal codes the city counts.
            ("GB", "Rose Cottage, The Lane", "TR19 7AA", "Sennen", "GB|TR197AA|rosecottagethelane"),
            ("GB", "ROSE COTTAGE the-lane", "TR19 7AA", "Sennen", "GB|TR197AA|rosecottagethelane"),
            ("AE", "Sheikh Zayed Road 1", "", "Dubai", "AE|dubai|1"),
            ("AE", "1 Sheikh Zayed Rd", "", "DUBAI ", "AE|dubai|1"),
            ("GB", "House 000", "AB1 2CD", "Aberdeen", "GB|AB12CD|house000"),
        ] {
            assert_eq!(canonical(country, street, postal_code, city), compared, "{street}");
        }
    }

    #[test]
    fn houses_in_a_row_stay_apart() {
        let high_street = canonical("GB", "12 High Street", "SW1A 1AA", "London");
        for (country, street, postal_code) in [
            ("GB", "14 High Street", "SW1A 1AA"),
            ("GB", "1-2 High Street", "SW1A 1AA"),
            ("GB", "12 High Street", "SW1A 1AB"),
            ("IE", "12 High Street", "SW1A 1AA"),
        ] {
            assert_ne!(canonical(country, street, postal_code, "London"), high_street, "{street}");
        }
    }
}
