//! What runs that crashed have left is forgotten.

use crate::rollup::traded;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::Cloud;

/// The partitions of the parts of runs that anything is left in.
async fn parts(cloud: &Cloud) -> BTreeSet<String> {
    let table = &cloud.app().config().tables.metrics;
    let found = cloud.local().client().scan().table_name(table).send().await.unwrap();
    assert_eq!(found.last_evaluated_key, None);
    let names = found.items.unwrap().into_iter().map(|item| item["metric"].as_s().unwrap().clone());
    names.filter(|name| name.starts_with("part#")).collect()
}

async fn put(cloud: &Cloud, metric: &str, period: &str) {
    let table = &cloud.app().config().tables.metrics;
    let put = cloud.local().client().put_item().table_name(table);
    let put = put.item("metric", AttributeValue::S(metric.to_owned()));
    let put = put.item("period", AttributeValue::S(period.to_owned()));
    put.item("bytes", AttributeValue::B(vec![1].into())).send().await.unwrap();
}

async fn holds(cloud: &Cloud, metric: &str, period: &str) -> bool {
    let table = &cloud.app().config().tables.metrics;
    let get = cloud.local().client().get_item().table_name(table);
    let get = get.key("metric", AttributeValue::S(metric.to_owned()));
    get.key("period", AttributeValue::S(period.to_owned())).send().await.unwrap().item.is_some()
}

/// A run of a night that comes to no end: some segments are counted, and of one only a piece.
async fn crash(cloud: &Cloud, date: &str) {
    let rollup = |task: Value| cloud.local().invoke("metric-rollup", task);
    let plan = rollup(json!({"task": "plan", "date": date})).await.unwrap();
    for segment in plan["segments"].as_array().unwrap().iter().take(3) {
        rollup(segment.clone()).await.unwrap();
    }
    let revision = &plan["revision"];
    put(cloud, &format!("part#{date}#{revision}"), &format!("0007#{date}.{revision}.00c0ffee#0001")).await;
}

#[tokio::test]
async fn the_next_run_of_a_night_forgets_the_parts_of_all_before_it() {
    let cloud = traded().await;
    crash(&cloud, "2011-04-30").await;
    crash(&cloud, "2011-04-30").await;
    assert_eq!(parts(&cloud).await, ["part#2011-04-30#1".to_owned(), "part#2011-04-30#2".to_owned()].into());
    assert_eq!(cloud.night("2011-04-30").await.revision, 3);
    assert_eq!(parts(&cloud).await, ["part#2011-04-30#3".to_owned()].into(), "its own can be reduced again");
}

#[tokio::test]
async fn a_week_later_all_parts_of_a_night_are_forgotten() {
    let cloud = traded().await;
    crash(&cloud, "2011-04-30").await;
    crash(&cloud, "2011-04-30").await;
    cloud.set_clock("2011-05-08T09:00:00Z");
    cloud.night("2011-05-06").await;
    assert_eq!(parts(&cloud).await.len(), 3, "they may be reduced for a week");
    cloud.night("2011-05-07").await;
    assert_eq!(parts(&cloud).await, ["part#2011-05-06#1".to_owned(), "part#2011-05-07#1".to_owned()].into());
}

#[tokio::test]
async fn pieces_without_a_head_are_forgotten_by_the_next_run() {
    let cloud = traded().await;
    cloud.night("2011-04-30").await;
    let orphan = |name: &str, run: u32| format!("{name}#2011-04-30.{run}.00c0ffee#0001");
    let table = &cloud.app().config().tables.metrics;
    for (metric, name) in [("night#beliefs", "2011-04-30"), ("period#tier", "2011-04")] {
        put(&cloud, metric, &orphan(name, 1)).await;
        // One that is to come is somebody's who is at it.
        put(&cloud, metric, &orphan(name, 3)).await;
        let update = cloud.local().client().update_item().table_name(table);
        let update = update.key("metric", AttributeValue::S(metric.to_owned()));
        let update = update.key("period", AttributeValue::S(name.to_owned())).update_expression("SET pieces = :one");
        update.expression_attribute_values(":one", AttributeValue::N("1".to_owned())).send().await.unwrap();
    }
    put(&cloud, "period#tier", &orphan("2011-04-T12M", 1)).await;
    assert_eq!(cloud.night("2011-04-30").await.revision, 2);
    for (metric, name) in [("night#beliefs", "2011-04-30"), ("period#tier", "2011-04")] {
        assert!(!holds(&cloud, metric, &orphan(name, 1)).await, "{metric}");
        assert!(holds(&cloud, metric, &orphan(name, 3)).await, "{metric}");
    }
    assert!(holds(&cloud, "period#tier", &orphan("2011-04-T12M", 1)).await, "that of another value");
}
