//! Who a company is: what it states about itself that two companies rarely have in common.
//!
//! Its VAT id and e-mail address are one account's alone. Its phone number and postal address may be two companies',
//! and are kept as keyed hashes only, to be compared and not read.

use super::{Address, Country, Email, Phone, VatId};
use crate::code::{KeyedHash, Secrets};
use crate::document::{self, Faults, Leaf, Object};
use crate::schema::{self, Schema};
use serde_json::Value;

/// What a company states of who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its e-mail address.
    pub email: Option<Email>,
    /// Where it is.
    pub country: Option<Country>,
    /// Its VAT id.
    pub vat_id: Option<VatId>,
    /// Its phone number.
    pub phone: Option<Phone>,
    /// Its postal address.
    pub address: Option<Address>,
}

impl Identity {
    /// Its fields in documents.
    pub(crate) const FIELDS: [&'static str; 5] = ["email", "country", "vat_id", "phone", "address"];

    /// Reads those fields of a document, all of them optional.
    pub(crate) fn read(root: &Object<'_>, faults: &mut Faults) -> Self {
        let email = root.optional("email", faults, email);
        let country = root.optional("country", faults, country);
        let vat_id = root.optional("vat_id", faults, |value| vat_id(value, country));
        let phone = root.optional("phone", faults, phone);
        let address = root.nested("address", faults, |value, path, faults| Address::read(value, path, country, faults));
        if root.has("address") && !root.has("country") {
            faults.add(&root.at("country"), "missing", "is required with an address");
        }
        Self { email, country, vat_id, phone, address }
    }

    /// What [`Self::read`] reads, added to what the document says besides.
    pub(crate) fn schema(root: Schema) -> Schema {
        root.optional("email", email_schema(), "The company's e-mail address; one account's alone.")
            .optional("country", country_schema(), "Where it is: two letters of ISO 3166-1.")
            .optional("vat_id", schema::string(), "Its VAT id, as its country writes it; one account's alone.")
            .optional("phone", Phone::schema(), "Its phone number; kept as a keyed hash only.")
            .optional("address", Address::schema(), "Its postal address, with the country; kept as a keyed hash only.")
    }

    /// The phone number as it is kept; the hash that is held, where it is one of the same number.
    pub(crate) fn phone_hash(&self, held: Option<KeyedHash>, secrets: &Secrets) -> Option<KeyedHash> {
        self.phone.as_ref().map(|phone| secrets.keep(Phone::PURPOSE, phone.canonical(), held))
    }

    /// The same of the address.
    pub(crate) fn address_hash(&self, held: Option<KeyedHash>, secrets: &Secrets) -> Option<KeyedHash> {
        self.address.as_ref().map(|address| secrets.keep(Address::PURPOSE, address.canonical(), held))
    }
}

/// An e-mail address of a document.
pub(super) fn email(value: &Value) -> Leaf<Email> {
    let message = "must be an e-mail address such as name@example.com";
    Email::parse(document::string(value)?).ok_or_else(|| ("invalid_email", message.to_owned()))
}

/// What [`email`] reads; which names and domains there are is left to it.
pub(super) fn email_schema() -> Schema {
    schema::shape("^[^@]+@[^@]+$")
}

/// What [`country`] reads; which there are is left to it.
pub(crate) fn country_schema() -> Schema {
    schema::shape(r"^\s*[A-Za-z]{2}\s*$")
}

fn country(value: &Value) -> Leaf<Country> {
    Country::parse(document::string(value)?).map_err(|fault| ("unknown_country", fault.to_string()))
}

fn vat_id(value: &Value, country: Option<Country>) -> Leaf<VatId> {
    VatId::parse_in(document::string(value)?, country).map_err(|fault| ("invalid_vat_id", fault.to_string()))
}

fn phone(value: &Value) -> Leaf<Phone> {
    Phone::parse(document::string(value)?).map_err(|fault| ("invalid_phone", fault.to_string()))
}
