#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::code::Secrets;
use crate::program::Program;
use crate::schedule::{Activation, Schedule};
use crate::time::Instant;
use serde_json::{Value, json};
use std::sync::Arc;

fn schedule() -> Schedule {
    let program = Program::from_json(&json!({
        "name": "p", "currency": "EUR", "time_zone": "Europe/Berlin",
        "enrolment": { "unknown_account": "reject" },
        "earning_rules": [{ "id": "base", "name": "Base", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 12 },
        "tiers": { "window_months": 12, "levels": [
            { "id": "one", "name": "One", "threshold": "0", "multiplier": "1" },
        ]},
    }));
    Schedule::new(vec![Activation { from: Instant::MIN, version: 1, program: Arc::new(program.unwrap()) }]).unwrap()
}

fn decide(member: &Member, secrets: &str, document: &ProfileDocument) -> Result<Decision<Put>, Rejection> {
    let (schedule, secrets) = (schedule(), Secrets::parse(secrets).unwrap());
    let now = Instant::parse("2011-01-01T00:00:00Z").unwrap();
    let context =
        Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
    put_account(&AccountId::parse("acme").unwrap(), member, document, super::StatedBy::Merchant, &context)
}

/// Puts documents one after the other and answers what each wrote.
fn put(member: &mut Member, secrets: &str, document: Value) -> Vec<Write> {
    let decision = decide(member, secrets, &profile_document(&document).unwrap()).unwrap();
    for write in &decision.writes {
        match write {
            Write::Put(Record::Account(account), _) => member.account = Some((**account).clone()),
            Write::Put(Record::Profile(profile), _) => member.profile = Some((**profile).clone()),
            _ => {}
        }
    }
    decision.writes
}

fn claims(writes: &[Write]) -> (usize, usize) {
    let taken = writes.iter().filter(|write| matches!(write, Write::Put(Record::Claim(_), Guard::Absent)));
    let given_up = writes.iter().filter(|write| matches!(write, Write::Release(_, Guard::Version(CLAIM_VERSION))));
    (taken.count(), given_up.count())
}

const OLD: &str = "1:an old secret of ours";
const BOTH: &str = "1:an old secret of ours,2:a new secret of ours";

#[test]
fn claims_follow_the_values_and_nothing_is_written_twice() {
    let mut member = Member::default();
    let acme = json!({ "name": "Acme", "email": "Office@Acme.example", "vat_id": "DE 136-695.976" });
    assert_eq!(claims(&put(&mut member, OLD, acme.clone())), (2, 0));
    assert!(put(&mut member, OLD, acme.clone()).is_empty(), "the same data again");
    assert!(put(&mut member, BOTH, acme).is_empty(), "a claim keeps the secret it was made with");
    let other_case = json!({ "name": "Acme", "email": "office@acme.example", "vat_id": "DE136695976" });
    assert_eq!(claims(&put(&mut member, BOTH, other_case)), (0, 0));
    let moved = json!({ "name": "Acme", "email": "new@acme.example" });
    let writes = put(&mut member, BOTH, moved);
    assert_eq!(claims(&writes), (1, 2));
    let expected = writes.iter().filter(|write| matches!(write, Write::Expect(key) if key.keyed.secret == 1));
    assert_eq!(expected.count(), 1, "nobody may hold it under the older secret either");
}

/// Makes a member's claims what they were before there were canonical forms.
fn claimed_in_the_former_form(member: &mut Member, secrets: &str, values: &[(UniqueField, &str)]) {
    let secrets = Secrets::parse(secrets).unwrap();
    let claim = |(field, value): &(UniqueField, &str)| {
        let (keyed, _) = secrets.keyed_hashes(field.name(), value);
        ClaimKey { field: *field, keyed }
    };
    member.profile.as_mut().unwrap().claims = values.iter().map(claim).collect();
}

#[test]
fn another_way_to_write_the_same_is_the_same_claim() {
    let mut member = Member::default();
    let acme = json!({ "name": "Acme", "email": "B.Uyer+shop@googlemail.com", "vat_id": "CHE-116.281.710 MWST" });
    assert_eq!(claims(&put(&mut member, OLD, acme)), (2, 0));
    let other = json!({ "name": "Acme", "email": "buyer@gmail.com", "vat_id": "CHE116281710" });
    assert_eq!(claims(&put(&mut member, OLD, other)), (0, 0));
    let profile = member.profile.unwrap();
    assert_eq!(serde_json::to_value(profile.email).unwrap(), "buyer@gmail.com");
    assert_eq!(serde_json::to_value(profile.vat_id).unwrap(), "CHE116281710");
}

#[test]
fn a_claim_on_the_former_form_stands_until_the_value_changes() {
    for secrets in [OLD, BOTH] {
        let mut member = Member::default();
        let acme = json!({ "name": "Acme", "email": "B.Uyer@gmail.com", "vat_id": "GR123456783" });
        put(&mut member, OLD, acme.clone());
        let former = [(UniqueField::VatId, "GR123456783"), (UniqueField::Email, "b.uyer@gmail.com")];
        claimed_in_the_former_form(&mut member, OLD, &former);
        let held = member.profile.clone().unwrap().claims;
        assert!(put(&mut member, secrets, acme.clone()).is_empty(), "it is the account's own");

        // To another account it is taken, however recently that one's claim was made.
        let writes = put(&mut Member::default(), secrets, acme);
        for key in &held {
            assert!(writes.contains(&Write::Expect(key.clone())), "{writes:?}");
        }

        // A new value is claimed in its canonical form, and the former claim given up.
        let moved = json!({ "name": "Acme", "email": "buyer@gmail.com", "vat_id": "EL123456783" });
        assert_eq!(claims(&put(&mut member, secrets, moved)), (2, 2));
    }
}

#[test]
fn an_entry_names_the_fields_that_changed_and_never_their_content() {
    let mut member = Member::default();
    put(&mut member, OLD, json!({ "name": "Acme", "email": "office@acme.example" }));
    let writes = put(&mut member, OLD, json!({ "name": "Acme", "segments": ["b", "a", "b"], "status": "suspended" }));
    let entry = writes.iter().find_map(|write| match write {
        Write::Put(Record::Entry(entry), _) => Some(serde_json::to_string(entry).unwrap()),
        _ => None,
    });
    let entry = entry.unwrap();
    assert!(entry.contains(r#""fields":["email","segments"]"#), "{entry}");
    assert!(entry.contains(r#""from":"active","to":"suspended""#), "{entry}");
    assert!(!entry.contains("acme.example"), "{entry}");
    assert_eq!(member.account.unwrap().segments.len(), 2);
}

#[test]
fn a_put_without_a_status_leaves_it_as_it_is() {
    let mut member = Member::default();
    put(&mut member, OLD, json!({ "name": "Acme", "status": "suspended" }));
    put(&mut member, OLD, json!({ "name": "Acme Ltd" }));
    assert_eq!(member.account.unwrap().status, Status::Suspended);
}

#[test]
fn with_and_without_its_letters_a_vat_id_is_one_claim() {
    let mut member = Member::default();
    let without = json!({ "name": "Acme", "country": "de", "vat_id": "136 695 976" });
    assert_eq!(claims(&put(&mut member, OLD, without)), (1, 0));
    let with = json!({ "name": "Acme", "country": "DE", "vat_id": "DE136695976" });
    assert!(put(&mut member, OLD, with).is_empty(), "it says the same");
    let profile = member.profile.unwrap();
    assert_eq!(serde_json::to_value(profile.vat_id).unwrap(), "DE136695976");
    assert_eq!(profile.country.unwrap().as_str(), "DE");
}

#[test]
fn phone_and_address_are_kept_as_hashes_and_compared() {
    let acme = |phone: &str, street: &str| {
        let address = json!({ "street": street, "postal_code": "sw1a 1aa", "city": "London" });
        json!({ "name": "Acme", "country": "GB", "phone": phone, "address": address })
    };
    let mut member = Member::default();
    let writes = put(&mut member, OLD, acme("+44 20 7946 0958", "12 High Street"));
    let written = format!("{writes:?}");
    for clear in ["7946", "0958", "79460958", "High", "SW1A", "sw1a", "London"] {
        assert!(!written.contains(clear), "{clear} in {written}");
    }
    // Another spelling of the same, also when there is a newer secret, writes nothing.
    for secrets in [OLD, BOTH] {
        assert!(put(&mut member, secrets, acme("(020) 7946-0958", "12, High St.")).is_empty(), "{secrets}");
    }
    let (old, both) = (Secrets::parse(OLD).unwrap(), Secrets::parse(BOTH).unwrap());
    let identity = |phone: &str, street: &str| profile_document(&acme(phone, street)).unwrap().identity;
    for (phone, street, same) in [
        ("020 7946 0958", "12 High St", (true, true)),
        ("020 7946 0959", "12 High St", (false, true)),
        ("020 7946 0958", "13 High St", (true, false)),
    ] {
        let (stated, kept) = (identity(phone, street), member.profile.as_ref().unwrap());
        for secrets in [&old, &both] {
            let found = (
                kept.has_phone(stated.phone.as_ref().unwrap(), secrets),
                kept.has_address(stated.address.as_ref().unwrap(), secrets),
            );
            assert_eq!(found, same, "{phone}, {street}");
        }
    }
    // What changes is hashed anew, what stays keeps its hash, what is left out is forgotten.
    let before = member.profile.clone().unwrap();
    let writes = put(&mut member, BOTH, acme("020 7946 0000", "12 High Street"));
    assert!(format!("{writes:?}").contains(r#"fields: ["phone"]"#), "{writes:?}");
    let after = member.profile.clone().unwrap();
    assert_eq!((after.phone.unwrap().secret, after.address), (2, before.address));
    put(&mut member, BOTH, json!({ "name": "Acme" }));
    let left = member.profile.unwrap();
    assert_eq!((left.phone, left.address, left.country), (None, None, None));
}

#[test]
fn a_profile_as_it_was_stored_before_reads() {
    let stored = json!({
        "account_id": "acme", "name": "Acme", "vat_id": "DE136695976", "version": 3,
        "claims": [{ "field": "vat_id", "secret": 1, "hash": "0f".repeat(32) }],
    });
    let profile: Profile = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!((profile.country, profile.phone, profile.address), (None, None, None));
    assert_eq!(serde_json::to_value(profile).unwrap(), stored);
}

#[test]
fn only_a_review_changes_the_status_of_an_account_that_waits_for_it() {
    let mut member = Member::default();
    put(&mut member, OLD, json!({ "name": "Acme" }));
    member.account.as_mut().unwrap().status = Status::Pending;
    for status in ["active", "suspended", "closed"] {
        let document = profile_document(&json!({ "name": "Acme", "status": status })).unwrap();
        assert_eq!(decide(&member, OLD, &document), Err(Rejection::UnderReview), "{status}");
    }
    put(&mut member, OLD, json!({ "name": "Acme Ltd" }));
    assert_eq!(member.account.unwrap().status, Status::Pending);
    assert_eq!(member.profile.unwrap().name, "Acme Ltd");
}

#[test]
fn documents_about_accounts_are_read_strictly_and_every_fault_is_told() {
    let long = || json!("x".repeat(10_000));
    let good = json!({
        "name": "Acme", "email": "office@acme.example", "country": "gb", "vat_id": "123456789",
        "phone": "020 7946 0958", "address": { "street": "12 High Street", "postal_code": "SW1A 1AA", "city": "London" },
    });
    assert!(profile_document(&good).is_ok());
    for (pointer, value, faults) in [
        ("/country", json!("ZZ"), &[("$.country", "unknown_country"), ("$.vat_id", "invalid_vat_id")][..]),
        ("/country", json!("Germany"), &[("$.country", "unknown_country"), ("$.vat_id", "invalid_vat_id")]),
        ("/country", long(), &[("$.country", "unknown_country"), ("$.vat_id", "invalid_vat_id")]),
        ("/country", json!(44), &[("$.country", "wrong_type"), ("$.vat_id", "invalid_vat_id")]),
        ("/country", json!(null), &[("$.vat_id", "invalid_vat_id"), ("$.country", "missing")]),
        ("/vat_id", json!("DE12345678"), &[("$.vat_id", "invalid_vat_id")]),
        ("/vat_id", long(), &[("$.vat_id", "invalid_vat_id")]),
        ("/email", long(), &[("$.email", "invalid_email")]),
        ("/phone", json!("123456"), &[("$.phone", "invalid_phone")]),
        ("/phone", json!(442_079_460_958_u64), &[("$.phone", "wrong_type")]),
        ("/phone", json!("1".repeat(10_000)), &[("$.phone", "invalid_phone")]),
        ("/address", json!("12 High Street, London"), &[("$.address", "wrong_type")]),
        ("/address", json!({}), &[("$.address.street", "missing"), ("$.address.city", "missing")]),
        ("/address/street", json!("x".repeat(201)), &[("$.address.street", "invalid_text")]),
        ("/address/street", long(), &[("$.address.street", "invalid_text")]),
        ("/address/street", json!("--"), &[("$.address.street", "invalid_text")]),
        ("/address/postal_code", json!("1".repeat(21)), &[("$.address.postal_code", "invalid_text")]),
        ("/address/postal_code", long(), &[("$.address.postal_code", "invalid_text")]),
        ("/address/postal_code", json!(10_115), &[("$.address.postal_code", "wrong_type")]),
        ("/address/city", json!("Lon\ndon"), &[("$.address.city", "invalid_text")]),
        ("/address/city", json!("x".repeat(101)), &[("$.address.city", "invalid_text")]),
        ("/address/city", long(), &[("$.address.city", "invalid_text")]),
        ("/address/floor", json!("2"), &[("$.address.floor", "unknown_field")]),
        ("/status", json!("pending"), &[("$.status", "unknown_value")]),
    ] {
        let mut document = good.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[key] = value.clone();
        let told = profile_document(&document).unwrap_err();
        let told: Vec<_> = told.listed().iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
        assert_eq!(told, faults, "{pointer}: {}", value.to_string().chars().take(40).collect::<String>());
    }
}

#[test]
fn documents_about_people_are_read_strictly() {
    let good = json!({
        "name": "Ada", "email": "ada@acme.example", "role": "buyer", "locale": "en-GB", "birthday": "1980-02-29",
    });
    assert!(contact_document(&good).is_ok());
    for (field, value, code) in [
        ("name", json!(" "), "invalid_text"),
        ("name", json!("a\u{0}b"), "invalid_text"),
        ("name", json!("x".repeat(201)), "invalid_text"),
        ("email", json!("ada"), "invalid_email"),
        ("email", json!("ada@acme"), "invalid_email"),
        ("email", json!("a b@acme.example"), "invalid_email"),
        ("email", json!("a@b@acme.example"), "invalid_email"),
        ("email", json!("ada@-acme.example"), "invalid_email"),
        ("role", json!("boss"), "unknown_value"),
        ("locale", json!("English"), "invalid_locale"),
        ("locale", json!("en_GB"), "invalid_locale"),
        ("birthday", json!("1981-02-29"), "invalid_date"),
        ("birthday", json!("29.02.1980"), "invalid_date"),
        ("nickname", json!("ad"), "unknown_field"),
    ] {
        let mut document = good.clone();
        document[field] = value.clone();
        let faults = contact_document(&document).unwrap_err();
        let found: Vec<_> = faults.listed().iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
        assert_eq!(found, [(format!("$.{field}").as_str(), code)], "{value}");
    }
    let faults = profile_document(&json!({ "name": "Acme", "vat_id": "DE12345678" })).unwrap_err();
    let found: Vec<_> = faults.listed().iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
    assert_eq!(found, [("$.vat_id", "invalid_vat_id")]);
}
