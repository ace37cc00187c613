//! What the template's policies allow.

use serde_yaml_ng::Value;
use std::collections::{BTreeMap, BTreeSet};
use tests::network::Call;

/// Calls, by the function that makes them or may.
pub type Calls = BTreeMap<String, BTreeSet<Call>>;

/// One text or several.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Sequence(items) => items.iter().flat_map(texts).collect(),
        // `!GetAtt OrdersTable.Arn`, `!Sub '${AccountsTable.Arn}/index/due'`
        Value::Tagged(tagged) => texts(&tagged.value),
        Value::String(text) => vec![text.clone()],
        other => panic!("{other:?}"),
    }
}

/// The partitions of a table that a condition leaves, each as a path after the table; the whole of it without one.
fn partitions(condition: &Value) -> Vec<String> {
    if condition.is_null() {
        return vec![String::new()];
    }
    let (test, tested) = condition.as_mapping().unwrap().iter().next().unwrap();
    let keys = &tested["dynamodb:LeadingKeys"];
    assert_eq!((condition.as_mapping().unwrap().len(), tested.as_mapping().unwrap().len()), (1, 1), "{condition:?}");
    let keys = texts(keys);
    let has_pattern = keys.iter().any(|key| key.contains(['*', '?']));
    let expected = if has_pattern { "ForAllValues:StringLike" } else { "ForAllValues:StringEquals" };
    assert_eq!(test.as_str(), Some(expected));
    keys.into_iter().map(|key| format!("/{key}")).collect()
}

/// Whether what a policy allows covers a call; it may end with a `*`.
pub fn covers(allowed: &Call, call: &Call) -> bool {
    let same_place = match allowed.1.strip_suffix('*') {
        Some(beginning) => call.1.starts_with(beginning),
        None => call.1 == allowed.1,
    };
    allowed.0 == call.0 && same_place
}

/// What the template's policies allow, by function: actions on tables, by their names here, on queues and on buses.
pub fn allowed() -> Calls {
    let document: Value = serde_yaml_ng::from_str(local::template::TEXT).unwrap();
    let mut allowed = Calls::new();
    for resource in document["Resources"].as_mapping().unwrap().values() {
        if resource["Type"].as_str() != Some("AWS::Serverless::Function") {
            continue;
        }
        let properties = &resource["Properties"];
        let name = properties["CodeUri"].as_str().unwrap().strip_prefix("functions/").unwrap();
        let calls = allowed.entry(name.to_owned()).or_default();
        let policies = properties["Policies"].as_sequence().into_iter().flatten();
        let statements = policies.flat_map(|policy| policy["Statement"].as_sequence().unwrap());
        for statement in statements {
            assert_eq!(statement["Effect"].as_str(), Some("Allow"));
            let partitions = partitions(&statement["Condition"]);
            for action in texts(&statement["Action"]) {
                let (service, action) = action.split_once(':').unwrap();
                for resource in texts(&statement["Resource"]) {
                    let resource = match (service, resource.strip_prefix("${")) {
                        ("dynamodb", Some(index)) => {
                            let (table, index) = index.split_once("Table.Arn}/").expect("an index of a table");
                            format!("{table}/{index}").to_lowercase()
                        }
                        ("dynamodb", None) => resource.strip_suffix("Table.Arn").expect("a table").to_lowercase(),
                        ("events", None) => resource.strip_suffix(".Arn").expect("a whole bus").to_owned(),
                        ("sqs", None) => resource.strip_suffix(".Arn").expect("a whole queue").to_owned(),
                        other => panic!("functions use tables, indexes, queues and buses only, not {other:?}"),
                    };
                    for partition in &partitions {
                        let call = (action.to_owned(), format!("{resource}{partition}"));
                        assert!(!calls.contains(&call), "{name}: {call:?} twice");
                        calls.insert(call);
                    }
                }
            }
        }
    }
    allowed
}
