//! The documents about referrals, read.

use super::code::{CodeChange, CodeDocument, CodeSettings, CodeStatus};
use super::redemption::Consent;
use super::review::{ReviewDecision, Verdict};
use crate::code::{KeyedHash, Secrets};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::id::{AccountId, ContactId};
use crate::membership::read::{locale, locale_schema};
use crate::membership::{Address, ContactDocument, Country, Email, Identity, Phone, ProfileDocument, Role, VatId};
use crate::schema::{self, Schema};
use serde_json::Value;

const COMPANY_CHARS_MAX: usize = 200;
const WORDING_CHARS_MAX: usize = 500;
const NOTE_CHARS_MAX: usize = 200;
const REDEMPTIONS_MAX: u64 = 1_000_000;
/// Words for that a code has no limit.
const UNLIMITED: &str = "unlimited";
const NEVER: &str = "never";
/// Whom a prospect's person is known by, and in which language, unless something else is stated.
const CONTACT: &str = "main";
const LOCALE: &str = "en";
/// What a company must state of who it is.
const REQUIRED: [&str; 3] = ["email", "country", "vat_id"];

/// What a prospect states: `POST /v1/referrals/{code}/redemptions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProspectDocument {
    /// The account that the shop has made for it already, or wants it to be; absent: one is made up.
    pub account_id: Option<AccountId>,
    /// The company.
    pub profile: ProfileDocument,
    /// Whom its person is known by.
    pub contact_id: ContactId,
    /// Its person.
    pub contact: ContactDocument,
    /// What it consented to.
    pub consent: Option<Consent>,
}

impl ProspectDocument {
    /// What the keyed hash of a statement is for.
    const PURPOSE: &'static str = "redemption";

    /// What is stated, as it was understood, as a keyed hash.
    pub fn content(&self, secrets: &Secrets) -> KeyedHash {
        secrets.keep(Self::PURPOSE, &self.canonical(), None)
    }

    /// Whether this was stated before, under whatever secret that was kept.
    pub fn is_content(&self, kept: &KeyedHash, secrets: &Secrets) -> bool {
        secrets.matches(Self::PURPOSE, &self.canonical(), kept)
    }

    fn canonical(&self) -> String {
        let Identity { email, country, vat_id, phone, address } = &self.profile.identity;
        let stated = serde_json::json!({
            "account_id": self.account_id,
            "company": self.profile.name,
            "email": email.as_ref().map(Email::canonical),
            "country": country.map(Country::as_str),
            "vat_id": vat_id.as_ref().map(VatId::canonical),
            "phone": phone.as_ref().map(Phone::canonical),
            "address": address.as_ref().map(Address::canonical),
            "contact_id": self.contact_id,
            "contact": [self.contact.name.as_str(), self.contact.locale.as_str()],
            "role": self.contact.role,
            "consent": self.consent,
        });
        stated.to_string()
    }
}

/// Reads the document of a redemption; every fault at once.
pub fn prospect_document(value: &Value) -> Result<ProspectDocument, Faults> {
    let mut faults = Faults::default();
    let document = read_prospect(value, &mut faults);
    faults.into_result(document)
}

fn read_prospect(value: &Value, faults: &mut Faults) -> Option<ProspectDocument> {
    let known = [&["account_id", "company", "contact", "consent"][..], &Identity::FIELDS].concat();
    let root = Object::open(value, &Path::Root, &known, faults)?;
    let account_id = root.optional("account_id", faults, document::id(AccountId::parse));
    let name = root.required("company", faults, document::label(COMPANY_CHARS_MAX));
    let contact = root.required_nested("contact", faults, contact);
    let identity = Identity::read(&root, faults);
    for field in REQUIRED.into_iter().filter(|field| !root.has(field)) {
        faults.add(&root.at(field), "missing", "is required");
    }
    let consent = root.nested("consent", faults, consent);
    let (contact_id, mut contact) = contact?;
    contact.email.clone_from(&identity.email);
    let profile = ProfileDocument { name: name?, identity, segments: Vec::new(), status: None, invitation: None };
    Some(ProspectDocument { account_id, profile, contact_id, contact, consent })
}

fn contact(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<(ContactId, ContactDocument)> {
    let object = Object::open(value, path, &["contact_id", "name", "role", "locale"], faults)?;
    let contact_id = object.optional("contact_id", faults, document::id(ContactId::parse));
    let name = object.required("name", faults, document::label(COMPANY_CHARS_MAX));
    let role = object.optional("role", faults, document::one_of(&Role::ALL));
    let locale = object.optional("locale", faults, locale);
    let contact_id = contact_id.or_else(|| ContactId::parse(CONTACT).ok())?;
    let locale = locale.unwrap_or_else(|| LOCALE.to_owned());
    let role = role.unwrap_or(Role::Admin);
    Some((contact_id, ContactDocument { name: name?, email: None, role, locale, birthday: None }))
}

fn consent(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Consent> {
    let object = Object::open(value, path, &["wording", "at"], faults)?;
    let wording = object.required("wording", faults, document::label(WORDING_CHARS_MAX));
    let at = object.optional("at", faults, document::instant);
    Some(Consent { wording: wording?, at })
}

/// Reads the body of `POST /v1/accounts/{account_id}/referral-code`; every fault at once.
pub fn code_document(value: &Value) -> Result<CodeDocument, Faults> {
    let mut faults = Faults::default();
    let document = Object::open(value, &Path::Root, &["contact_id", "redemptions_left", "expires_at"], &mut faults)
        .map(|root| CodeDocument {
            contact_id: root.optional("contact_id", &mut faults, document::id(ContactId::parse)),
            settings: CodeSettings {
                status: CodeStatus::Active,
                redemptions_left: root.optional("redemptions_left", &mut faults, redemptions),
                expires_at: root.optional("expires_at", &mut faults, document::instant),
            },
        });
    faults.into_result(document)
}

/// Reads the body of `PUT /v1/referrals/{code}`; every fault at once.
pub fn code_change(value: &Value) -> Result<CodeChange, Faults> {
    let mut faults = Faults::default();
    let root = Object::open(value, &Path::Root, &["status", "redemptions_left", "expires_at"], &mut faults);
    let change = root.map(|root| CodeChange {
        status: root.optional("status", &mut faults, document::one_of(&CodeStatus::ALL)),
        redemptions_left: root.optional("redemptions_left", &mut faults, unless(UNLIMITED, redemptions)),
        expires_at: root.optional("expires_at", &mut faults, unless(NEVER, document::instant)),
    });
    faults.into_result(change)
}

fn redemptions(value: &Value) -> Leaf<u32> {
    let number = document::whole(0..=REDEMPTIONS_MAX)(value)?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// A value, or the word for that there is none.
fn unless<T>(none: &'static str, read: impl Fn(&Value) -> Leaf<T>) -> impl Fn(&Value) -> Leaf<Option<T>> {
    move |value| match value.as_str() {
        Some(word) if word == none => Ok(None),
        _ => read(value).map(Some).map_err(|(code, message)| (code, format!("{message}, or \"{none}\""))),
    }
}

/// Reads the body of an approval or a rejection; every fault at once.
pub fn decision_document(verdict: Verdict, value: &Value) -> Result<ReviewDecision, Faults> {
    let mut faults = Faults::default();
    let root = Object::open(value, &Path::Root, &["note"], &mut faults);
    let decision = root.map(|root| ReviewDecision {
        verdict,
        note: root.optional("note", &mut faults, document::label(NOTE_CHARS_MAX)),
    });
    faults.into_result(decision)
}

/// What [`prospect_document`] reads.
pub(crate) fn prospect_schema() -> Schema {
    let label = || schema::label(COMPANY_CHARS_MAX);
    let contact = schema::object("ProspectContact")
        .optional("contact_id", schema::id(ContactId::parse), "Whom the person is known by; left out: main.")
        .required("name", label(), "The name of the person.")
        .optional("role", schema::one_of(&Role::ALL), "What the person does; left out: admin.")
        .optional("locale", locale_schema(), "The person's language; left out: en.");
    let consent = schema::object("Consent")
        .required("wording", schema::label(WORDING_CHARS_MAX), "What was consented to, word by word.")
        .optional("at", schema::instant(), "When, where that is known.");
    let id = "The account that the shop has made for it already; left out: one is made up.";
    let prospect = schema::object("Prospect")
        .optional("account_id", schema::id(AccountId::parse), id)
        .required("company", label(), "The name of the company.")
        .required("contact", contact, "Its person.");
    let required = REQUIRED.map(schema::stated);
    Identity::schema(prospect).optional("consent", consent, "What it consented to.").with_conditions(required)
}

/// What [`code_document`] reads.
pub(crate) fn code_schema() -> Schema {
    schema::object("ReferralCode")
        .optional("contact_id", schema::id(ContactId::parse), "The person whose code it is; left out: the account's.")
        .optional("redemptions_left", schema::whole(0..=REDEMPTIONS_MAX), "How often it can be redeemed.")
        .optional("expires_at", schema::instant(), "The first instant at which it cannot be redeemed any more.")
}

/// What [`code_change`] reads.
pub(crate) fn change_schema() -> Schema {
    let left = schema::any_of([schema::whole(0..=REDEMPTIONS_MAX), schema::words([UNLIMITED])]);
    let end = schema::any_of([schema::instant(), schema::words([NEVER])]);
    schema::object("ReferralCodeChange")
        .optional("status", schema::one_of(&CodeStatus::ALL), "Whether it can be redeemed.")
        .optional("redemptions_left", left, "How often it can be redeemed from now on.")
        .optional("expires_at", end, "The first instant at which it cannot be redeemed any more.")
}

/// What [`decision_document`] reads.
pub(crate) fn decision_schema() -> Schema {
    let about = "Why, for whoever looks at it later.";
    schema::object("ReviewDecision").optional("note", schema::label(NOTE_CHARS_MAX), about)
}
