//! The examples of `docs/program.md` are programs.

use super::WHOLESALE;
use domain::earning::WHEN_FIELDS;
use domain::id::ProgramName;
use domain::program::Program;
use serde_json::{Value, json};

const GUIDE: &str = include_str!("../../../../../docs/program.md");
/// What stands in the guide for the levels that were shown before.
const ELIDED_LEVELS: &str = "[ ... ]";

/// A block of code of the guide, as far as it is of a program's document.
#[derive(Debug, PartialEq)]
enum Example {
    /// Sections of the document.
    Sections(Value),
    /// Earning rules.
    Rules(Vec<Value>),
    /// A level of the tiers.
    Tier(Value),
}

/// The blocks of code, each with its heading.
fn blocks() -> Vec<(&'static str, String)> {
    let (mut blocks, mut heading, mut block) = (Vec::new(), "", String::new());
    for line in GUIDE.lines().chain([""]) {
        if let Some(title) = line.strip_prefix('#') {
            heading = title.trim_start_matches('#').trim();
        }
        match line.strip_prefix("    ") {
            Some(code) => block = block + code + "\n",
            None if !block.is_empty() => blocks.push((heading, std::mem::take(&mut block))),
            None => {}
        }
    }
    blocks
}

/// What a block shows of a document; `None`: a command, what one prints, or an answer of the API.
fn read(block: &str, wholesale: &Value) -> Option<Example> {
    let is_answer = block.starts_with("\"tier\": ") || block.starts_with("\"points\": { \"balance\"");
    if !block.starts_with(['{', '"']) || is_answer {
        return None;
    }
    if block.starts_with("{\"id\"") {
        return Some(Example::Rules(block.lines().map(|line| serde_json::from_str(line).unwrap()).collect()));
    }
    let whole = block.replace(ELIDED_LEVELS, &wholesale["tiers"]["levels"].to_string()).replace(", ... }", " }");
    if block.starts_with("{ \"id\"") {
        return Some(Example::Tier(serde_json::from_str(&whole).unwrap()));
    }
    let braced = if block.starts_with('{') { whole } else { format!("{{{whole}}}") };
    Some(Example::Sections(serde_json::from_str(&braced).unwrap_or_else(|error| panic!("{error} in\n{block}"))))
}

fn examples() -> Vec<(&'static str, Example)> {
    let wholesale = serde_json::from_str(WHOLESALE).unwrap();
    blocks().into_iter().filter_map(|(heading, block)| Some((heading, read(&block, &wholesale)?))).collect()
}

fn merge(document: &mut Value, sections: &Value) {
    for (section, value) in sections.as_object().unwrap() {
        document[section] = value.clone();
    }
    // One source for what a point is worth.
    if document["points"].get("exchange").is_some() {
        document["metrics"].as_object_mut().unwrap().remove("point_value");
    }
}

/// The sample with all sections of the guide, and all its rules: more than may be said of a new version together.
pub(super) fn all() -> Value {
    let (mut document, mut rules): (Value, Vec<Value>) = (serde_json::from_str(WHOLESALE).unwrap(), Vec::new());
    for (heading, example) in examples() {
        match example {
            // Its tiers are another program's.
            _ if heading == "What leads to a tier" => {}
            Example::Sections(sections) => merge(&mut document, &sections),
            Example::Rules(listed) => rules.extend(listed),
            Example::Tier(_) => {}
        }
    }
    document["earning_rules"] = json!(rules);
    document
}

/// The sample as an example needs it beside itself.
fn base(section: &str, found: &[(&str, Example)]) -> Value {
    let mut base: Value = serde_json::from_str(WHOLESALE).unwrap();
    let needs: &[&str] = match section {
        // A reward sells uses of a perk.
        "rewards" => &["Perks"],
        // Points pay where they are worth something.
        "eligibility" => &["What points are worth"],
        // The end of a membership that is paid for, and the loss of a tier.
        "warnings" => &["Membership", "Reviews of tiers"],
        _ => &[],
    };
    for (heading, example) in found {
        if let Example::Sections(sections) = example
            && needs.contains(heading)
        {
            merge(&mut base, sections);
        }
    }
    base
}

#[test]
fn every_example_of_the_guide_may_be_a_new_version() {
    let (found, name) = (examples(), ProgramName::parse("wholesale").unwrap());
    let mut shown = Vec::new();
    for (heading, example) in &found {
        let document = match example {
            Example::Sections(sections) => {
                let keys: Vec<_> = sections.as_object().unwrap().keys().cloned().collect();
                let mut document = base(&keys[0], &found);
                merge(&mut document, sections);
                shown.extend(keys);
                document
            }
            Example::Rules(_) => continue,
            Example::Tier(level) => {
                let mut document = base("tiers", &found);
                document["tiers"]["levels"].as_array_mut().unwrap().push(level.clone());
                document
            }
        };
        let read = Program::from_new(&document, &name);
        assert!(read.is_ok(), "{heading}: {:?}", read.err().map(|faults| faults.listed().to_vec()));
    }
    let with_examples = [
        "$schema",
        "eligibility",
        "tiers",
        "points",
        "checkout",
        "price_tables",
        "free_products",
        "perks",
        "membership",
        "occasions",
        "rewards",
        "referral",
        "warnings",
    ];
    for section in with_examples {
        assert!(shown.iter().any(|shown| shown == section), "{section} has an example");
    }
}

#[test]
fn every_condition_of_earning_rules_has_an_example() {
    let rules: Vec<Value> = examples()
        .into_iter()
        .filter_map(|(_, example)| if let Example::Rules(rules) = example { Some(rules) } else { None })
        .flatten()
        .collect();
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["earning_rules"] = json!(rules);
    let program = Program::from_new(&document, &ProgramName::parse("wholesale").unwrap()).unwrap();
    assert_eq!(program.earning.rules().len(), rules.len());
    let used: Vec<_> =
        rules.iter().flat_map(|rule| rule["when"].as_object().into_iter().flat_map(|when| when.keys())).collect();
    for condition in WHEN_FIELDS {
        assert!(used.iter().any(|field| field == condition), "{condition} has an example");
    }
}

#[test]
fn a_block_that_looks_like_a_document_is_read_as_one() {
    let nothing = json!({"tiers": {"levels": []}});
    assert_eq!(read("guilder sweep\n", &nothing), None);
    assert_eq!(read("\"points\": { \"balance\": 1 }\n", &nothing), None);
    let level = json!({"id": "a"});
    assert_eq!(read("{ \"id\": \"a\" }\n", &nothing), Some(Example::Tier(level.clone())));
    assert_eq!(read("{\"id\": \"a\"}\n", &nothing), Some(Example::Rules(vec![level])));
    let tiers = json!({"tiers": {"levels": [], "x": 1}});
    assert_eq!(read("\"tiers\": { \"levels\": [ ... ], \"x\": 1 }\n", &nothing), Some(Example::Sections(tiers)));
}
