//! The documents about accounts and contacts, read.

use super::identity::{self, Identity};
use super::{ContactDocument, ProfileDocument, Role, is_date};
use crate::account::{SEGMENTS_MAX, Status};
use crate::code::Code;
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::id::Segment;
use crate::schema::{self, Schema};
use serde_json::Value;
use std::collections::BTreeSet;

const NAME_CHARS_MAX: usize = 200;
/// Longest language tag.
const LOCALE_BYTES_MAX: usize = 35;

/// Reads the body of `PUT /v1/accounts/{id}`; every fault at once.
pub fn profile_document(value: &Value) -> Result<ProfileDocument, Faults> {
    let mut faults = Faults::default();
    let document = read_profile(value, &mut faults);
    faults.into_result(document)
}

fn read_profile(value: &Value, faults: &mut Faults) -> Option<ProfileDocument> {
    let known = [&["name"][..], &Identity::FIELDS, &["segments", "status", "invitation_code"]].concat();
    let root = Object::open(value, &Path::Root, &known, faults)?;
    let name = root.required("name", faults, document::label(NAME_CHARS_MAX));
    let identity = Identity::read(&root, faults);
    let segments = root.list_of("segments", 0..=SEGMENTS_MAX, faults, document::id(Segment::parse));
    let segments: BTreeSet<_> = segments.unwrap_or_default().into_iter().collect();
    let status = root.optional("status", faults, document::one_of(&Status::STATED));
    let invitation = root.optional("invitation_code", faults, document::id(Code::parse));
    let segments = segments.into_iter().collect();
    Some(ProfileDocument { name: name?, identity, segments, status, invitation })
}

/// Reads the body of `PUT /v1/accounts/{id}/contacts/{contact_id}`; every fault at once.
pub fn contact_document(value: &Value) -> Result<ContactDocument, Faults> {
    let mut faults = Faults::default();
    let document = read_contact(value, &mut faults);
    faults.into_result(document)
}

fn read_contact(value: &Value, faults: &mut Faults) -> Option<ContactDocument> {
    let root = Object::open(value, &Path::Root, &["name", "email", "role", "locale", "birthday"], faults)?;
    let name = root.required("name", faults, document::label(NAME_CHARS_MAX));
    let email = root.optional("email", faults, identity::email);
    let role = root.required("role", faults, document::one_of(&Role::ALL));
    let locale = root.required("locale", faults, locale);
    let birthday = root.optional("birthday", faults, birthday);
    Some(ContactDocument { name: name?, email, role: role?, locale: locale?, birthday })
}

pub(crate) fn locale(value: &Value) -> Leaf<String> {
    let text = document::string(value)?;
    let mut parts = text.split('-');
    let language =
        parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase()));
    let rest = parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if !language || !rest || text.len() > LOCALE_BYTES_MAX {
        return Err(("invalid_locale", "must be a language tag such as en or en-GB".to_owned()));
    }
    Ok(text.to_owned())
}

fn birthday(value: &Value) -> Leaf<String> {
    let text = document::string(value)?;
    if !is_date(text) {
        return Err(("invalid_date", "must be a date such as 1980-02-29".to_owned()));
    }
    Ok(text.to_owned())
}

/// What [`profile_document`] reads.
pub(crate) fn profile_schema() -> Schema {
    let segments = schema::list(0..=SEGMENTS_MAX, schema::id(Segment::parse));
    let profile = schema::object("Profile").required("name", schema::label(NAME_CHARS_MAX), "The name of the company.");
    Identity::schema(profile)
        .optional("segments", segments, "The groups that the merchant puts it into; the merchant's to state.")
        .optional("status", schema::one_of(&Status::STATED), "Whether it takes part; the merchant's to state.")
        .optional("invitation_code", schema::code(), "The invitation that it enrols with, where one is asked for.")
        .with_conditions([serde_json::json!({
            "if": schema::stated("address"), "then": schema::stated("country"),
        })])
}

/// What [`contact_document`] reads.
pub(crate) fn contact_schema() -> Schema {
    schema::object("Contact")
        .required("name", schema::label(NAME_CHARS_MAX), "The name of the person.")
        .optional("email", identity::email_schema(), "The e-mail address.")
        .required("role", schema::one_of(&Role::ALL), "What the person does for the account.")
        .required("locale", locale_schema(), "The language, such as en or en-GB.")
        .optional("birthday", schema::date(), "The day of birth, between 1900 and 2100.")
}

/// What [`locale`] reads.
pub(crate) fn locale_schema() -> Schema {
    schema::shape("^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$").with("maxLength", LOCALE_BYTES_MAX)
}
