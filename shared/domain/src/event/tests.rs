#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
use super::kind::Presence;
use super::*;
use crate::ledger::{Cause, IMPORTER};
use std::collections::BTreeSet;

/// The files that define what changes.
const CHANGES: [&str; 11] = [
    include_str!("../ledger/change.rs"),
    include_str!("../ledger/change/account.rs"),
    include_str!("../ledger/change/discount.rs"),
    include_str!("../ledger/change/hold.rs"),
    include_str!("../ledger/change/membership.rs"),
    include_str!("../ledger/change/order.rs"),
    include_str!("../ledger/change/perk.rs"),
    include_str!("../ledger/change/points.rs"),
    include_str!("../ledger/change/referral.rs"),
    include_str!("../ledger/change/reward.rs"),
    include_str!("../ledger/change/tier.rs"),
];

fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().copied().flatten()
}

fn change(stored: Value) -> Change {
    serde_json::from_value(stored).unwrap()
}

fn entry(changes: Vec<Change>) -> Entry {
    Entry {
        account_id: AccountId::parse("acme").unwrap(),
        sequence: 12,
        at: Instant::parse("2030-03-01T12:00:00Z").unwrap(),
        cause: Cause::Walked,
        by: "shop".to_owned(),
        program_version: 3,
        points: Points(0),
        balance: Points(40),
        pending: Points(0),
        changes,
    }
}

fn spent() -> Change {
    change(json!({"type": "points.spent", "points": 5}))
}

#[test]
fn every_type_of_change_is_an_event_or_known_not_to_be() {
    let types = CHANGES.iter().flat_map(|source| source.split("#[serde(rename = \"").skip(1));
    let types: BTreeSet<_> = types.filter_map(|rest| rest.split_once('"')).map(|(name, _)| name).collect();
    let known: BTreeSet<_> = kinds().map(|kind| kind.name).chain(NOT_SENT).collect();
    assert_eq!(known, types);
    assert_eq!(kinds().count() + NOT_SENT.len(), types.len(), "each once");
}

#[test]
fn what_the_table_says_of_a_kind_is_what_its_change_holds() {
    for kind in kinds() {
        let stored = |mut fields: Map<String, Value>| {
            fields.insert("type".to_owned(), json!(kind.name));
            if kind.name == "return.refused" {
                // What it always says besides, and events leave out.
                fields.insert("stated_by".to_owned(), json!("erp"));
            }
            Value::Object(fields)
        };
        let whole = stored(example(kind));
        let read: Change = serde_json::from_value(whole.clone()).unwrap_or_else(|e| panic!("{}: {e}", kind.name));
        assert_eq!(serde_json::to_value(&read).unwrap(), whole, "every field of {} is one of its change", kind.name);
        let mut least = example(kind);
        for field in kind.fields.iter().filter(|field| field.presence == Presence::Sometimes) {
            // An anniversary is one of a year and a day; other occasions have neither.
            if kind.name == "occasion.given" && ["years", "day"].contains(&field.name) {
                continue;
            }
            least.remove(field.name);
        }
        let read: Result<Change, _> = serde_json::from_value(stored(least.clone()));
        assert!(read.is_ok(), "{} can be without what it has sometimes", kind.name);
        for field in kind.fields.iter().filter(|field| field.presence == Presence::Always) {
            // The first release's entries are without them; they are read, and were never announced.
            if kind.name == "order.returned" && ["units", "kept", "keeps"].contains(&field.name) {
                continue;
            }
            let mut lacking = least.clone();
            lacking.remove(field.name);
            let read: Result<Change, _> = serde_json::from_value(stored(lacking));
            assert!(read.is_err(), "{} without {} is none", kind.name, field.name);
        }
    }
}

#[test]
fn what_stands_instead_of_another_field_is_a_field_of_the_change_too() {
    let birthday = json!({
        "type": "occasion.given", "occasion": "bday", "on": "birthday", "name": "Happy birthday", "points": 5,
        "contact_id": "ann", "day": "2030-01-31",
    });
    let nth = json!({
        "type": "occasion.given", "occasion": "tenth", "on": "nth_order", "name": "Ten", "points": 5, "number": 10,
    });
    let silence = json!({
        "type": "occasion.given", "occasion": "back", "on": "inactivity", "name": "Back", "points": 0,
        "since": "2030-01-31", "day": "2030-03-31",
    });
    let note = json!({
        "type": "return.refused", "source": "shop", "order_id": "1", "credit_note_id": "c-1", "stated_by": "erp",
    });
    for stored in [birthday, nth, silence, note] {
        assert_eq!(serde_json::to_value(change(stored.clone())).unwrap(), stored);
        let [event] = &events(&entry(vec![change(stored.clone())])).unwrap()[..] else { panic!("{stored}") };
        for (name, value) in stored.as_object().unwrap().iter().filter(|(name, _)| *name != "type") {
            let told = event.data.get(name);
            assert_eq!(told, (name != "stated_by").then_some(value), "callers are nobody's concern: {name}");
        }
    }
}

#[test]
fn an_entry_is_its_changes_in_their_order_each_with_an_id_of_its_own() {
    let opened = change(json!({"type": "points.debt_opened", "points": 1}));
    let events = events(&entry(vec![spent(), opened, spent()])).unwrap();
    let ids: Vec<_> = events.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(ids, ["acme/12/0", "acme/12/2"], "a place is kept by what is not sent");
    let told = events[1].to_cloud_event("/guilder/dev/wholesale", None);
    let expected = json!({
        "specversion": "1.0", "id": "acme/12/2", "source": "/guilder/dev/wholesale", "type": "points.spent",
        "subject": "acme", "time": "2030-03-01T12:00:00Z", "datacontenttype": "application/json",
        "dataschema": "urn:guilder:event:points.spent:1", "sequence": "0000000000000000012.0002",
        "data": {
            "account_id": "acme", "points": 5,
            "entry": {
                "sequence": 12, "index": 2, "changes": 3, "program_version": 3, "cause": {"kind": "walked"},
                "points": 0, "balance": 40,
            },
        },
    });
    assert_eq!(told, expected);
    assert!(events[0].sequence() < events[1].sequence());
}

#[test]
fn what_was_imported_or_restored_is_no_news() {
    let entry = entry(vec![spent()]);
    let written = |ms: i64| Some(entry.at.plus_ms(ms));
    for at in [None, written(-5_000), written(0), written(Instant::DAY_MS)] {
        assert!(is_news(&entry, at), "{at:?}");
        assert!(!is_news(&Entry { by: IMPORTER.to_owned(), ..entry.clone() }, at), "{at:?}");
    }
    assert!(!is_news(&entry, written(Instant::DAY_MS + 1)));
}

#[test]
fn only_notices_concern_somebody_by_name() {
    let at = "2030-04-01T00:00:00Z";
    let of = |stored| events(&entry(vec![change(stored)])).unwrap().remove(0).concerns();
    let named = json!({"type": "points.expiring", "points": 5, "expires_at": at, "contact_id": "ann"});
    assert_eq!(of(named), Concerns::Contact(ContactId::parse("ann").unwrap()));
    assert_eq!(of(json!({"type": "points.expiring", "points": 5, "expires_at": at})), Concerns::Account);
    assert_eq!(of(json!({"type": "contact.changed", "contact_id": "ann"})), Concerns::Nobody);
}
