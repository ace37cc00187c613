//! The documents about referrals, read.

use super::code::{CodeDocument, CodeSettings, CodeStatus};
use super::redemption::Consent;
use super::review::{ReviewDecision, Verdict};
use crate::document::{self, Faults, Object, Path};
use crate::id::{AccountId, ContactId};
use crate::membership::read::locale;
use crate::membership::{ContactDocument, Identity, ProfileDocument, Role};
use serde_json::Value;
use sha2::{Digest, Sha256};

const COMPANY_CHARS_MAX: usize = 200;
const WORDING_CHARS_MAX: usize = 500;
const NOTE_CHARS_MAX: usize = 200;
const REDEMPTIONS_MAX: u64 = 1_000_000;
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
    content_hash: [u8; 32],
}

impl ProspectDocument {
    /// SHA-256 over what is stated, in hexadecimal.
    pub fn content_hash(&self) -> String {
        self.content_hash.iter().map(|byte| format!("{byte:02x}")).collect()
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
    let profile = ProfileDocument { name: name?, identity, segments: Vec::new(), status: None };
    // Object keys are sorted, so the same statement is the same text.
    let content_hash = Sha256::digest(value.to_string()).into();
    Some(ProspectDocument { account_id, profile, contact_id, contact, consent, content_hash })
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
            settings: settings(&root, CodeStatus::Active, &mut faults),
        });
    faults.into_result(document)
}

/// Reads the body of `PUT /v1/referrals/{code}`; every fault at once.
pub fn code_settings(value: &Value) -> Result<CodeSettings, Faults> {
    let mut faults = Faults::default();
    let root = Object::open(value, &Path::Root, &["status", "redemptions_left", "expires_at"], &mut faults);
    let stated = root.and_then(|root| {
        let status = root.required("status", &mut faults, document::one_of(&CodeStatus::ALL));
        Some(settings(&root, status?, &mut faults))
    });
    faults.into_result(stated)
}

fn settings(root: &Object<'_>, status: CodeStatus, faults: &mut Faults) -> CodeSettings {
    let left = root.optional("redemptions_left", faults, document::whole(0..=REDEMPTIONS_MAX));
    CodeSettings {
        status,
        redemptions_left: left.and_then(|left| u32::try_from(left).ok()),
        expires_at: root.optional("expires_at", faults, document::instant),
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
