//! What a document of the program says counts, and not how it is spelt.

use serde_json::{Value, json};
use tests::{Cloud, Reply, WHOLESALE};

const VERSIONS: &str = "/v1/program/versions";

async fn post(cloud: &Cloud, document: &Value) -> Reply {
    cloud.request("POST", VERSIONS, document.to_string()).await
}

#[tokio::test]
async fn another_spelling_of_the_newest_version_is_answered_with_that() {
    let cloud = Cloud::start().await;
    let document: Value = serde_json::from_str(WHOLESALE).unwrap();
    let before = cloud.programs().await;
    type Change = fn(&mut Value);
    let respellings: [Change; 7] = [
        |p| p["earning_rules"][0]["per"] = json!("1"),
        |p| p["tiers"]["levels"][1]["threshold"] = json!("1000"),
        |p| p["eligibility"]["tax"] = json!("as_stated"),
        |p| p["price_tables"] = json!([]),
        |p| p["perks"] = json!(null),
        |p| {
            p["tiers"].as_object_mut().unwrap().remove("window_months");
            p["tiers"]["window"] = json!({"kind": "rolling", "months": 12.0});
        },
        |p| p["$schema"] = json!("https://example.com/program.schema.json"),
    ];
    for change in respellings {
        let mut respelt = document.clone();
        change(&mut respelt);
        assert_ne!(respelt, document);
        let newest = post(&cloud, &respelt).await.expect(200);
        assert_eq!((newest.number("version"), newest.header("idempotent-replayed")), (1, Some("true")), "{respelt}");
    }
    assert_eq!(cloud.programs().await, before);
}

#[tokio::test]
async fn a_comparison_tells_what_is_said_otherwise() {
    let cloud = Cloud::start().await;
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["discounts"][0]["percent"] = json!("6");
    document["earning_rules"][0]["per"] = json!("1");
    document["$schema"] = json!("./program.schema.json");
    post(&cloud, &document).await.expect(201);
    let told = cloud.get(&format!("{VERSIONS}/1/diff/2")).await.expect(200);
    let percent = "$.discounts[\"next-purchase\"].percent";
    assert_eq!(told["changed"], json!([{"path": percent, "before": "5", "after": "6"}]));
    assert_eq!((&told["added"], &told["removed"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn a_version_with_a_rule_that_never_fires_is_refused_with_the_reason() {
    let cloud = Cloud::start().await;
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["tiers"]["levels"][0]["on_entry"] = json!({"points": 500});
    document["earning_rules"] = json!([
        {"id": "few", "name": "Few", "points": 5, "group": "best"},
        {"id": "many", "name": "Many", "points": 6, "group": "best"},
        {"id": "base", "name": "Points", "points": 1, "per": "1.00", "lines": {"brands": {"include": ["A"]}}},
        {"id": "double", "name": "Double", "multiplier": "2", "lines": {"brands": {"include": ["B"]}}},
        {"id": "stop", "name": "Stop", "points": 1, "per": "1.00", "stop": true},
        {"id": "large", "name": "Large", "points": 3, "when": {"minimum_total": "10.00"}},
    ]);
    let refused = post(&cloud, &document).await.expect_problem(422, "invalid-document");
    let rule = |index: usize| format!("$.earning_rules[{index}]");
    let expected = ["$.tiers.levels[0].on_entry".to_owned(), rule(0), format!("{}.multiplier", rule(3)), rule(5)];
    assert_eq!(refused.fault_paths(), expected);
    assert_eq!(refused["faults"][1]["message"], "many, after it in the group, gives more wherever it would fire");
}
