//! The documents that requests hold and their readers know the same documents, as the program's do.

use crate::evaluate::Evaluator;
use crate::mutations::{self, Mutation};
use domain::adjustment::adjustment_document;
use domain::document::Faults;
use domain::membership;
use domain::order::Order;
use domain::program::Program;
use domain::quote::Cart;
use domain::referral::{self, Verdict};
use domain::requests::{self, Request};
use domain::shared_code::SharedCodeDocument;
use domain::{credit_note, invitation, payment, perks, returns, rewards, simulation, survey, version};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

type Reader = fn(&Value) -> Result<(), Faults>;

/// Faults that hang on other fields, on what the world has of something, on an alphabet, or on letters that check others.
const LEFT_TO_THE_READERS: [&str; 9] = [
    "conflict",
    "duplicate",
    "invalid_date",
    "invalid_email",
    "invalid_phone",
    "invalid_vat_id",
    "out_of_order",
    "unknown_country",
    "unknown_currency",
];

/// Values of which only a reader knows more: sums, check characters, whether something in them can be compared.
const KNOWN_BETTER: [(&str, &str); 10] = [
    ("$.lines", "out_of_range"),
    (".discount", "out_of_range"),
    (".tax", "out_of_range"),
    ("_code", "invalid_id"),
    ("_codes[0]", "invalid_id"),
    ("_codes[1]", "invalid_id"),
    (".comment", "invalid_text"),
    (".street", "invalid_text"),
    (".city", "invalid_text"),
    (".postal_code", "invalid_text"),
];

fn program() -> Program {
    Program::from_json(&crate::sample()).unwrap()
}

fn address() -> Value {
    json!({"street": "7 Saucer Lane", "postal_code": "SW1A 1AA", "city": "London"})
}

fn line() -> Value {
    json!({
        "line_id": "1", "sku": "TEAPOT", "quantity": 2, "unit_price": "12.50", "discount": "20.00", "tax": "1.00",
        "category": "teaware", "brand": "Kin", "tags": ["spring"],
    })
}

fn with(mut document: Value, more: Value) -> Value {
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document
}

fn without(mut document: Value, field: &str) -> Value {
    document.as_object_mut().unwrap().remove(field);
    document
}

fn order() -> Value {
    let parts = json!({"program_discount": "2.00", "paid_with_points": "1.00"});
    let by_amount = with(without(line(), "unit_price"), json!({"line_id": "2", "amount": "30.00"}));
    json!({
        "source": "shop", "order_id": "1001", "account_id": "kettle", "contact_id": "nell",
        "placed_at": "2030-05-01T12:00:00Z", "currency": "CLF", "lines": [with(line(), parts), by_amount],
        "shipping": "18.00", "discount_codes": ["HM63NQ7A2E="], "reservation_id": "0123456789abcdef", "points": 7,
        "revision": 3, "payment_state": "paid",
    })
}

fn cart() -> Value {
    let by_amount = with(without(line(), "unit_price"), json!({"line_id": "2", "amount": "30.00"}));
    let told = json!({"program_discount": null, "paid_with_points": null});
    json!({
        "account_id": "kettle", "contact_id": "nell", "source": "shop", "currency": "CLF",
        "lines": [with(line(), told), by_amount], "shipping": "18.00", "discount_codes": ["HM63NQ7A2E="], "points": 7,
    })
}

fn profile() -> Value {
    json!({
        "name": "Kettle & Kin", "email": "office@kettle.example", "country": "GB", "vat_id": "GB999000073",
        "phone": "+44 20 7946 0018", "address": address(), "segments": ["hospitality"], "status": "active",
        "invitation_code": "HM63NQ7A2E=",
    })
}

fn prospect() -> Value {
    let contact = json!({"contact_id": "nell", "name": "Nell", "role": "buyer", "locale": "en-GB"});
    json!({
        "account_id": "kettle", "company": "Kettle & Kin", "contact": contact, "email": "nell@kettle.example",
        "country": "GB", "vat_id": "GB999000073", "phone": "+44 20 7946 0018", "address": address(),
        "consent": {"wording": "You may.", "at": "2030-05-01T12:00:00Z"},
    })
}

/// Goods that came back.
fn returned(line: Value) -> Value {
    json!({"return_id": "r-1", "returned_at": "2030-05-01T12:00:00+02:00", "lines": [line]})
}

/// Every document with its reader, and examples that have every field between them.
fn documents() -> Vec<(Request, Reader, Vec<Value>)> {
    trade().into_iter().chain(about_accounts()).chain(of_the_merchant()).collect()
}

fn trade() -> Vec<(Request, Reader, Vec<Value>)> {
    let shared = json!({
        "name": "Spring", "percent": "5", "minimum_order": "150.00", "group": "fair", "from": "2030-06-01",
        "until": "2030-07-01", "uses": 5, "uses_per_account": 2, "tiers": ["gold"], "segments": ["hospitality"],
    });
    let by_amount = with(without(shared.clone(), "percent"), json!({"amount": "5.00"}));
    let wished = with(cart(), json!({"discount_codes": "best", "points": "max"}));
    vec![
        (requests::ORDER, |value| Order::from_json(value).map(drop), vec![order()]),
        (requests::AMENDMENT, amendment, vec![order()]),
        (
            requests::PAYMENT,
            |value| payment::payment_document(value).map(drop),
            vec![json!({"paid_at": "2030-05-01T12:00:00Z", "reference": "bank 17"})],
        ),
        (
            requests::RETURN,
            |value| returns::return_document(value).map(drop),
            vec![returned(json!({"line_id": "1", "quantity": 2}))],
        ),
        (
            requests::CANCELLATION,
            |value| returns::cancellation_document(value).map(drop),
            vec![json!({"cancelled_at": "2030-05-01T12:00:00Z"})],
        ),
        (
            requests::CREDIT_NOTE,
            |value| credit_note::credit_note_document(value).map(drop),
            vec![returned(json!({"sku": "TEAPOT", "quantity": 2}))],
        ),
        (requests::CART, |value| Cart::from_json(value).map(drop), vec![cart(), wished]),
        (
            requests::SHARED_CODE,
            |value| SharedCodeDocument::from_json(value, &program()).map(drop),
            vec![shared, by_amount],
        ),
    ]
}

/// Of the order that the example is of.
fn amendment(value: &Value) -> Result<(), Faults> {
    let key = Order::from_json(&order()).unwrap().key;
    Order::amendment_from_json(&key, value).map(drop)
}

fn about_accounts() -> Vec<(Request, Reader, Vec<Value>)> {
    vec![
        (requests::PROFILE, |value| membership::profile_document(value).map(drop), vec![profile()]),
        (
            requests::CONTACT,
            |value| membership::contact_document(value).map(drop),
            vec![json!({"name": "Nell", "email": "nell@kettle.example", "role": "buyer", "locale": "en-GB",
                        "birthday": "1984-05-17"})],
        ),
        (
            requests::ADJUSTMENT,
            |value| adjustment_document(value).map(drop),
            vec![json!({"points": 5, "reason": "Late", "reference": "t-1", "expires_at": "2030-05-01T12:00:00Z"})],
        ),
        (
            requests::TIER,
            |value| invitation::invitation_document(value).map(drop),
            vec![json!({"tier": "gold", "until": "2030-05-01T12:00:00Z", "reason": "Key account"})],
        ),
        (
            requests::MEMBERSHIP,
            |value| membership::membership_document(value).map(drop),
            vec![json!({"admission": "approved", "excluded_from": ["earning"], "reason": "Net prices"})],
        ),
        (
            requests::MEMBERSHIP_PAYMENT,
            |value| membership::payment_document(value).map(drop),
            vec![json!({"paid_at": "2030-05-01T12:00:00Z", "reference": "INV-17"})],
        ),
        (
            requests::INVITATION,
            |value| membership::invitation_document(value).map(drop),
            vec![json!({"uses": 50, "expires_at": "2030-05-01T12:00:00Z", "segment": "partner", "note": "Fair"})],
        ),
        (requests::PERK_USE, |value| perks::use_document(value).map(drop), vec![json!({"reference": "course 4"})]),
        (
            requests::REDEMPTION,
            |value| rewards::redeem_document(value).map(drop),
            vec![json!({"reward": "mug", "reference": "cart 4"})],
        ),
        (
            requests::REDEMPTION_CANCELLATION,
            |value| rewards::cancel_document(value).map(drop),
            vec![json!({"reason": "Damaged"})],
        ),
    ]
}

fn of_the_merchant() -> Vec<(Request, Reader, Vec<Value>)> {
    let end = "2030-05-01T12:00:00Z";
    vec![
        (
            requests::REFERRAL_CODE,
            |value| referral::code_document(value).map(drop),
            vec![json!({"contact_id": "nell", "redemptions_left": 5, "expires_at": end})],
        ),
        (
            requests::REFERRAL_CODE_CHANGE,
            |value| referral::code_change(value).map(drop),
            vec![
                json!({"status": "active", "redemptions_left": 5, "expires_at": end}),
                json!({"status": "paused", "redemptions_left": "unlimited", "expires_at": "never"}),
            ],
        ),
        (requests::PROSPECT, |value| referral::prospect_document(value).map(drop), vec![prospect()]),
        (
            requests::REVIEW,
            |value| referral::decision_document(Verdict::Approved, value).map(drop),
            vec![json!({"note": "A branch"})],
        ),
        (
            requests::SURVEY,
            |value| survey::survey_document(value).map(drop),
            vec![json!({"name": "Spring", "question": "How likely?", "status": "open", "closes_at": end})],
        ),
        (
            requests::SURVEY_ANSWER,
            |value| survey::answer_document(value).map(drop),
            vec![json!({"account_id": "kettle", "contact_id": "nell", "score": 9, "comment": "In time.",
                        "tags": ["delivery"]})],
        ),
        (requests::ACTIVATION, |value| version::asked(value).map(drop), vec![json!({"version": 2, "from": end})]),
        (requests::SIMULATION, |value| simulation::asked(value).map(drop), vec![json!({"version": 2, "as_of": end})]),
    ]
}

fn evaluator(request: Request) -> Evaluator {
    let mut schema = request.schema();
    schema["$defs"] = requests::definitions();
    Evaluator::new(schema)
}

fn codes(faults: &Faults) -> Vec<(String, &'static str)> {
    faults.listed().iter().map(|fault| (fault.path.clone(), fault.code)).collect()
}

/// A number that is whole and does not look it: to a schema it is one, to readers that know digits alone it is not.
fn has_a_point(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(has_a_point),
        Value::Object(fields) => fields.values().any(has_a_point),
        value => value.as_f64().is_some_and(|number| value.is_f64() && number.fract() == 0.0),
    }
}

/// Whether a document is taken; an error where the schema and its reader are at odds over it.
fn verdict(evaluator: &Evaluator, read: Reader, document: &Value) -> Result<bool, String> {
    match (evaluator.accepts(document), read(document)) {
        (true, Ok(())) => Ok(true),
        (false, Err(_)) => Ok(false),
        (false, Ok(())) => Err("the schema refuses what the reader takes".to_owned()),
        (true, Err(_)) if has_a_point(document) => Ok(false),
        (true, Err(faults)) => {
            let is_left = |(path, code): &(String, &str)| {
                LEFT_TO_THE_READERS.contains(code)
                    || KNOWN_BETTER.iter().any(|(end, known)| known == code && path.ends_with(end))
            };
            let told: Vec<_> = codes(&faults).into_iter().filter(|fault| !is_left(fault)).collect();
            if told.is_empty() { Ok(false) } else { Err(format!("only the reader refuses it: {told:?}")) }
        }
    }
}

#[test]
fn every_document_of_a_request_has_a_reader_and_an_example_with_every_field() {
    // The program's own schema has tests of its own.
    let tried: BTreeSet<_> = documents().iter().map(|(request, ..)| request.name).chain(["ProgramDocument"]).collect();
    let all: BTreeSet<_> = requests::ALL.iter().map(|request| request.name).collect();
    assert_eq!((&tried, all.len()), (&all, requests::ALL.len()));
    for (request, read, examples) in documents() {
        let evaluator = evaluator(request);
        let mut known = BTreeMap::new();
        mutations::fields(&evaluator.schema, "", &mut known);
        for (field, part) in &known {
            let about = part["description"].as_str().unwrap_or_default();
            assert!(about.len() > 7 && about.ends_with('.'), "{}{field} says nothing of itself", request.name);
        }
        for example in &examples {
            assert!(evaluator.accepts(example), "{}: {example}", request.name);
            assert_eq!(read(example).map_err(|faults| codes(&faults)), Ok(()), "{}: {example}", request.name);
            let shown = mutations::places(&evaluator, example);
            for place in shown {
                known.remove(&place.field);
            }
        }
        assert!(known.is_empty(), "no example of {} has {:?}", request.name, known.keys());
    }
}

#[test]
fn one_wrong_value_of_a_request_is_judged_alike() {
    let (mut tried, mut taken, mut odd) = (0, 0, BTreeMap::new());
    for (request, read, examples) in documents() {
        let evaluator = evaluator(request);
        let places = |example| mutations::places(&evaluator, example);
        let usual = examples.iter().flat_map(places).map(|place| (place.field, place.value.clone())).collect();
        for example in &examples {
            for mutation in mutations::places(&evaluator, example).iter().flat_map(|place| mutations::of(place, &usual))
            {
                let Some(changed) = mutation.apply(example) else { continue };
                match verdict(&evaluator, read, &changed) {
                    Ok(is_taken) => taken += usize::from(is_taken),
                    Err(odds) => drop(odd.entry(format!("{}: {odds}", request.name)).or_insert(mutation)),
                }
                tried += 1;
            }
        }
    }
    assert!(odd.is_empty(), "{odd:#?}");
    assert!(tried > 10_000 && taken > 1_000, "{taken} of {tried} are good documents");
}

/// What every reader says it knows, where it is given something that it does not.
#[test]
fn every_object_of_a_request_has_the_fields_that_its_reader_knows() {
    for (request, read, examples) in documents() {
        let evaluator = evaluator(request);
        for example in &examples {
            for place in mutations::places(&evaluator, example).iter().filter(|place| place.value.is_object()) {
                let odd = Mutation { pointer: format!("{}/unheard_of", place.pointer), value: Some(json!(1)) };
                let faults = read(&odd.apply(example).unwrap()).unwrap_err();
                let told = faults.listed().iter().find(|fault| fault.code == "unknown_field").unwrap();
                let known: BTreeSet<_> = told.message.rsplit_once(": ").unwrap().1.split(", ").collect();
                let fields: BTreeSet<_> =
                    place.schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(fields, known, "{} {}", request.name, place.pointer);
            }
        }
    }
}
