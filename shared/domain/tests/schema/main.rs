//! The published schema of the program document and its readers know the same documents.
//!
//! Every example of the schema is changed in every way that there is a reason to try, one value at a time and several
//! at once: what the schema refuses the readers refuse, and what only the readers refuse is of a kind that a schema
//! cannot say. So a field, a bound or a word that one of the two has alone is found, whoever adds it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod evaluate;
mod mutations;
mod requests;

use domain::document::Faults;
use domain::id::ProgramName;
use domain::program::{Program, schema};
use evaluate::Evaluator;
use mutations::{Mutation, Place};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PUBLISHED: &str = include_str!("../../../../docs/program.schema.json");
const SAMPLE: &str = include_str!("../../../local/programs/wholesale.json");
/// The other programs that are shipped.
const OTHERS: [&str; 2] = [
    include_str!("../../../local/programs/distributor.json"),
    include_str!("../../../local/programs/subscription.json"),
];

/// Faults that hang on other fields, or on what the world has of currencies and time zones.
const LEFT_TO_THE_READERS: [&str; 5] =
    ["conflict", "duplicate", "out_of_order", "unknown_currency", "unknown_time_zone"];
/// Values whose bounds hang on where they stand: a ladder begins at zero, the steps of rewards with one.
const FIRST_OF_LIST: [&str; 2] = ["$.tiers.levels[0].threshold", "$.referral.rewards[0].from"];

/// Fields of which the schema says what a new version is held to; one that is stored may say what is senseless.
const HELD_TO_SENSE: [&str; 4] = [".minimum_units", ".weekdays", ".hours", ".threshold"];

fn evaluator() -> Evaluator {
    Evaluator::new(schema())
}

/// The sample in a currency of four decimals, as many as the schema admits in any.
fn sample() -> Value {
    in_four_decimals(SAMPLE)
}

fn in_four_decimals(program: &str) -> Value {
    let mut document: Value = serde_json::from_str(program).unwrap();
    document["currency"] = json!("CLF");
    document
}

/// A document, and where in it changes are of interest.
#[derive(Debug, Clone)]
struct Tried {
    document: Value,
    below: String,
}

impl Tried {
    fn places<'a>(&'a self, evaluator: &'a Evaluator) -> Vec<Place<'a>> {
        let mut places = mutations::places(evaluator, &self.document);
        places.retain(|place| place.pointer.starts_with(&self.below));
        places
    }
}

/// The programs that are shipped, and the sample with each section as the schema's examples have it.
fn documents(evaluator: &Evaluator) -> Vec<Tried> {
    let whole = |document| Tried { document, below: String::new() };
    let others = OTHERS.into_iter().map(in_four_decimals);
    let mut documents: Vec<_> = std::iter::once(sample()).chain(others).map(whole).collect();
    let required: Vec<_> = evaluator.schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let mut smallest = sample();
    smallest.as_object_mut().unwrap().retain(|section, _| required.contains(&section.as_str()));
    for (section, part) in evaluator.schema["properties"].as_object().unwrap() {
        for example in part
            .get("examples")
            .or_else(|| part["anyOf"][0].get("examples"))
            .iter()
            .flat_map(|all| all.as_array().unwrap())
        {
            let mut document = smallest.clone();
            document[section] = example.clone();
            documents.push(Tried { document, below: format!("/{section}") });
        }
    }
    documents
}

/// A value for every field that some example has.
fn usual(evaluator: &Evaluator, documents: &[Tried]) -> BTreeMap<String, Value> {
    let places = documents.iter().flat_map(|tried| tried.places(evaluator));
    places.map(|place| (place.field, place.value.clone())).collect()
}

fn codes(faults: &Faults) -> Vec<(String, &'static str)> {
    faults.listed().iter().map(|fault| (fault.path.clone(), fault.code)).collect()
}

/// Whether a document is taken; an error where the schema and the readers are at odds over it.
fn verdict(evaluator: &Evaluator, document: &Value) -> Result<bool, String> {
    match (evaluator.accepts(document), Program::from_json(document)) {
        (true, Ok(_)) => Ok(true),
        (false, Err(_)) => Ok(false),
        (false, Ok(_)) if is_senseless(document) => Ok(false),
        (false, Ok(_)) => Err("the schema refuses what the readers take".to_owned()),
        (true, Err(faults)) => {
            let is_left = |(path, code): &(String, &str)| {
                LEFT_TO_THE_READERS.contains(code) || *code == "out_of_range" && FIRST_OF_LIST.contains(&path.as_str())
            };
            let told: Vec<_> = codes(&faults).into_iter().filter(|fault| !is_left(fault)).collect();
            if told.is_empty() { Ok(false) } else { Err(format!("only the readers refuse it: {told:?}")) }
        }
    }
}

/// Whether a new version would be refused for what one of those fields says.
fn is_senseless(document: &Value) -> bool {
    let name = ProgramName::parse(document["name"].as_str().unwrap()).unwrap();
    let told = Program::from_new(document, &name).map_or_else(|faults| codes(&faults), |_| Vec::new());
    let is_field = |path: &str| HELD_TO_SENSE.iter().any(|field| path.ends_with(field));
    told.iter().any(|(path, code)| ["never_fires", "no_effect"].contains(code) && is_field(path))
}

#[test]
fn what_no_new_version_may_say_of_one_field_the_schema_refuses() {
    let evaluator = evaluator();
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let length = |months: u64| {
        json!({"metric": "membership_months", "levels": [
            {"id": "a", "name": "A", "threshold": 0, "multiplier": "1"},
            {"id": "b", "name": "B", "threshold": months, "multiplier": "2"},
        ]})
    };
    for (pointer, good, senseless) in [
        ("/earning_rules/0/when", json!({"minimum_units": 2}), json!({"minimum_units": 1})),
        ("/earning_rules/0/when", json!({"weekdays": days[..6]}), json!({"weekdays": days})),
        ("/earning_rules/0/when", json!({"weekdays": vec![days[0]; 7]}), json!({"weekdays": days})),
        (
            "/earning_rules/0/when",
            json!({"hours": {"from": "00:01", "until": "24:00"}}),
            json!({"hours": {"from": "00:00", "until": "24:00"}}),
        ),
        ("/tiers", length(1_200), length(1_201)),
    ] {
        let with =
            |value: Value| Mutation { pointer: pointer.to_owned(), value: Some(value) }.apply(&sample()).unwrap();
        let (good, senseless) = (with(good), with(senseless));
        assert!(evaluator.accepts(&good) && !is_senseless(&good), "{good}");
        assert!(!evaluator.accepts(&senseless) && is_senseless(&senseless), "{senseless}");
    }
}

#[test]
fn the_published_schema_is_the_one_of_the_readers() {
    let own = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    let command = "cargo run -- program schema > docs/program.schema.json";
    assert!(own == PUBLISHED, "docs/program.schema.json is not what the readers say; write it anew with\n  {command}");
}

#[test]
fn examples_are_read_and_have_every_field_between_them() {
    let evaluator = evaluator();
    let documents = documents(&evaluator);
    for Tried { document, .. } in &documents {
        assert!(evaluator.accepts(document), "{document}");
        assert_eq!(Program::from_json(document).map_err(|faults| codes(&faults)).err(), None, "{document}");
    }
    let mut known = BTreeMap::new();
    mutations::fields(&evaluator.schema, "", &mut known);
    let shown = usual(&evaluator, &documents);
    let unseen: Vec<_> = known.keys().filter(|field| !shown.contains_key(*field) && *field != "/$schema").collect();
    assert!(unseen.is_empty(), "no example in the schema has {unseen:?}");
}

#[test]
fn every_field_says_what_it_is_for() {
    let (evaluator, mut known) = (evaluator(), BTreeMap::new());
    mutations::fields(&evaluator.schema, "", &mut known);
    let dumb = |part: &&Value| part["description"].as_str().is_none_or(|text| text.len() < 8 || !text.ends_with('.'));
    let dumb: Vec<_> = known.iter().filter(|(_, part)| dumb(part)).map(|(field, _)| field).collect();
    assert!(dumb.is_empty(), "{dumb:?}");
}

/// What a reader says it knows at a place, where it is given something that it does not.
fn known(document: &Value, odd: &Mutation, code: &str) -> BTreeSet<String> {
    let faults = Program::from_json(&odd.apply(document).unwrap()).unwrap_err();
    let told = faults.listed().iter().find(|fault| fault.code == code);
    let told = told.unwrap_or_else(|| panic!("no {code} at {}: {:?}", odd.pointer, codes(&faults)));
    told.message.rsplit_once(": ").unwrap().1.split(", ").map(ToOwned::to_owned).collect()
}

#[test]
fn every_object_has_the_fields_and_every_choice_the_words_that_its_reader_knows() {
    let (evaluator, mut objects, mut choices) = (evaluator(), 0, 0);
    for tried in documents(&evaluator) {
        for place in tried.places(&evaluator) {
            let stated = |words: Vec<&str>| words.into_iter().map(ToOwned::to_owned).collect::<BTreeSet<_>>();
            if place.value.is_object() {
                let odd = Mutation { pointer: format!("{}/unheard_of", place.pointer), value: Some(json!(1)) };
                let fields = place.schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(stated(fields), known(&tried.document, &odd, "unknown_field"), "{}", place.pointer);
                objects += 1;
            } else if let (Some(words), true) = (place.schema.get("enum"), place.value.is_string()) {
                let odd = Mutation { pointer: place.pointer.clone(), value: Some(json!("unheard_of")) };
                let words = words.as_array().unwrap().iter().filter_map(Value::as_str).collect();
                assert_eq!(stated(words), known(&tried.document, &odd, "unknown_value"), "{}", place.pointer);
                choices += 1;
            }
        }
    }
    assert!(objects > 50 && choices > 10, "{objects} objects, {choices} choices");
}

#[test]
fn one_wrong_value_is_judged_alike() {
    let evaluator = evaluator();
    let documents = documents(&evaluator);
    let usual = usual(&evaluator, &documents);
    let (mut seen, mut tried, mut taken) = (BTreeSet::new(), 0, 0);
    for example in &documents {
        let document = &example.document;
        for place in example.places(&evaluator) {
            // One of many alike will do, but for objects, which differ in what they say together.
            if !place.value.is_object() && !seen.insert(place.field.clone()) {
                continue;
            }
            for mutation in mutations::of(&place, &usual) {
                let Some(changed) = mutation.apply(document) else { continue };
                let verdict = verdict(&evaluator, &changed);
                taken += usize::from(verdict.unwrap_or_else(|odds| panic!("{odds}\nby {mutation:?} in\n{document}")));
                tried += 1;
            }
        }
    }
    assert!(tried > 10_000 && taken > 1_000, "{taken} of {tried} are good documents");
}

/// A document with what every example says of the sections, and changes of it.
fn changed_document() -> impl Strategy<Value = (Value, Vec<Mutation>)> {
    let evaluator = evaluator();
    let documents = documents(&evaluator);
    let usual = usual(&evaluator, &documents);
    let each = documents.iter().map(|tried| {
        let document = tried.document.clone();
        let places = tried.places(&evaluator);
        let all: Vec<_> = places.iter().flat_map(|place: &Place<'_>| mutations::of(place, &usual)).collect();
        (document, all)
    });
    let each: Vec<_> = each.collect();
    let chosen = proptest::sample::select(each);
    chosen.prop_flat_map(|(document, all)| {
        (Just(document), proptest::collection::vec(proptest::sample::select(all), 2..6))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn several_wrong_values_are_judged_alike((document, changes) in changed_document()) {
        let evaluator = EVALUATOR.with(std::rc::Rc::clone);
        let apply = |document: Value, change: &Mutation| change.apply(&document).unwrap_or(document);
        let changed = changes.iter().fold(document, apply);
        prop_assert!(verdict(&evaluator, &changed).is_ok(), "{:?}\n{}", verdict(&evaluator, &changed), changed);
    }
}

thread_local! {
    static EVALUATOR: std::rc::Rc<Evaluator> = std::rc::Rc::new(evaluator());
}

#[test]
fn what_holds_where_a_field_is_left_out_is_what_the_schema_says() {
    let (evaluator, mut count) = (evaluator(), 0);
    for tried in documents(&evaluator) {
        let document = &tried.document;
        let read = Program::from_json(document).unwrap();
        for place in tried.places(&evaluator).iter().filter(|place| place.value.is_object()) {
            for (key, part) in place.schema["properties"].as_object().unwrap() {
                let Some(default) = part.get("default").filter(|_| place.value.get(key).is_none()) else { continue };
                let stated = Mutation { pointer: format!("{}/{key}", place.pointer), value: Some(default.clone()) };
                let stated = Program::from_json(&stated.apply(document).unwrap()).map_err(|faults| codes(&faults));
                assert_eq!(stated.as_ref(), Ok(&read), "{}/{key}", place.pointer);
                count += 1;
            }
        }
    }
    assert!(count > 20, "{count}");
}

/// What a schema cannot say, or says too simply: each passes the schema, and the readers refuse it by name.
#[test]
fn what_the_schema_leaves_to_the_readers_is_refused_by_them() {
    let evaluator = evaluator();
    for (pointer, value, expected) in [
        ("/currency", json!("XXY"), "$.currency unknown_currency"),
        ("/time_zone", json!("Europe/Atlantis"), "$.time_zone unknown_time_zone"),
        ("/discounts/0/minimum_total", json!("99999999999999999999"), "$.discounts[0].minimum_total out_of_range"),
        ("/tiers/levels/0/threshold", json!("1"), "$.tiers.levels[0].threshold out_of_range"),
        ("/tiers/levels/1/threshold", json!("0"), "$.tiers.levels[1].threshold out_of_order"),
        ("/tiers/levels/1/id", json!("member"), "$.tiers.levels[1].id duplicate"),
        ("/earning_rules/0/when", json!({"from": "1969-02-01"}), "$.earning_rules[0].when.from invalid_time"),
        ("/earning_rules/0/when", json!({"until": "3030-02-01"}), "$.earning_rules[0].when.until invalid_time"),
        ("/earning_rules/0/rounded_per", json!("line"), ""),
    ] {
        let changed = Mutation { pointer: pointer.to_owned(), value: Some(value) }.apply(&sample()).unwrap();
        assert!(evaluator.accepts(&changed), "{pointer}");
        let told = Program::from_json(&changed).map_or_else(|faults| codes(&faults), |_| Vec::new());
        let told: Vec<_> = told.iter().map(|(path, code)| format!("{path} {code}")).collect();
        assert_eq!(told.join(", "), expected, "{pointer}");
    }
    // Pounds have two decimals: the schema does not know whose currency it is.
    let pounds = SAMPLE.replace("\"500.00\"", "\"500.001\"");
    let pounds: Value = serde_json::from_str(&pounds).unwrap();
    assert!(evaluator.accepts(&pounds) && Program::from_json(&pounds).is_err());
}
