//! The schemas of events take what they say, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../schema/evaluate.rs"]
mod evaluate;

use domain::event::{KINDS, Kind, data_schema};
use evaluate::Evaluator;
use serde_json::json;

fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().copied().flatten()
}

#[test]
fn each_schema_takes_its_example_and_nothing_that_lacks_or_mistakes_a_field() {
    for kind in kinds() {
        let evaluator = Evaluator::new(data_schema(kind));
        let example = evaluator.schema["examples"][0].clone();
        assert!(evaluator.accepts(&example), "{}: {example}", kind.name);
        for field in evaluator.schema["required"].as_array().unwrap() {
            let mut lacking = example.clone();
            lacking.as_object_mut().unwrap().remove(field.as_str().unwrap()).expect("an example states it");
            assert!(!evaluator.accepts(&lacking), "{} without {field}", kind.name);
        }
        for name in example.as_object().unwrap().keys() {
            let mut mistaken = example.clone();
            mistaken[name] = json!({"an": "object", "of": 7});
            let takes = evaluator.accepts(&mistaken);
            assert!(!takes, "{}: {name} may be anything", kind.name);
        }
    }
}
