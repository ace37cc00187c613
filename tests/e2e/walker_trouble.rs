//! The walker where things go wrong: what fails by itself is set aside, what may pass is waited for, and neither holds
//! up anything else.

use crate::walker::{TOMORROW, expiries, expiry, tasks, with_due};
use crate::walks::with_reviews;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::time::Day;
use domain::warning::Walk;
use runtime::walker::{self, Counts};
use serde_json::{Value, json};
use store::DUE_SHARDS;
use tests::{Cloud, WHOLESALE};

/// How a request for an account alone names it, and none that sets it aside does.
fn read_of(id: &str) -> String {
    format!("\"Key\":{{\"account_id\":{{\"S\":\"{id}\"}}}}")
}

/// All transactions.
const COMMITS: &str = "TransactItems";

#[tokio::test]
async fn an_account_that_panics_is_set_aside_like_any_other_that_fails() {
    let (cloud, ids) = with_due(12, 3).await;
    let Some(network) = cloud.network() else { return };
    network.panic_about(&read_of(&ids[4]), u32::MAX);
    let swept = cloud.sweep(Some(TOMORROW)).await;
    assert_eq!((swept[0].counts, &swept[0].failure), (Counts { walked: 12, written: 11, set_aside: 1 }, &None));
    assert_eq!(swept[0].set_aside[0].account_id.as_str(), ids[4]);
    assert!(swept[0].set_aside[0].reason.contains("panicked"), "{:?}", swept[0].set_aside);
    assert_eq!(network.named_met(), 2, "once by each walk");
    // What the alarm looks at: by each walk's function.
    let counted = crate::observed::counted(&cloud);
    for function in ["discount-expiry", "account-review"] {
        assert_eq!(counted.of("AccountsSetAside", function), 1, "{counted:?}");
    }
    network.calm();
    assert_eq!(cloud.sweep(Some(TOMORROW)).await[0].counts.written, 1);
    assert_eq!(expiries(&cloud, &ids[4]).await, 1);
}

#[tokio::test]
async fn a_shard_that_always_fails_holds_up_no_other_and_fails_the_execution() {
    let (cloud, ids) = with_due(12, 60).await;
    let Some(network) = cloud.network() else { return };
    network.refuse_about(&format!("{TOMORROW}#07"), u32::MAX);
    let swept = cloud.hurried().await.sweep(Some(TOMORROW)).await;
    for id in &ids {
        assert_eq!(expiries(&cloud, id).await, 1);
    }
    let done = cloud.app().store().shards_done(Walk::Review, Day::parse(TOMORROW).unwrap()).await.unwrap();
    assert_eq!(done, (0..DUE_SHARDS).filter(|shard| *shard != 7).collect(), "the second machine ran, too");
    for machine in &swept {
        let failure = machine.failure.as_deref().unwrap_or_default();
        assert!(failure.contains("1 of 65 tasks failed, the first: shard 7 of 2011-03-02: StoreFault"), "{failure}");
    }
    assert!(swept[0].failure.as_deref().unwrap().contains("12 accounts were walked, 12 written"), "{swept:?}");
    // Once, five times again, and a last time: by each machine.
    assert_eq!(network.named_met(), 2 * 7);
}

#[tokio::test]
async fn a_record_of_what_was_set_aside_that_cannot_be_read_holds_up_no_other() {
    let (cloud, ids) = with_due(3, 3).await;
    let metrics = &cloud.app().config().tables.metrics;
    for name in [ids[0].as_str(), "no account!", ids[2].as_str()] {
        let put = cloud.local().client().put_item().table_name(metrics);
        let put = put.item("metric", AttributeValue::S("walk#expiry".to_owned()));
        put.item("period", AttributeValue::S(format!("ASIDE#{name}"))).send().await.unwrap();
    }
    let swept = cloud.sweep(Some(TOMORROW)).await;
    assert_eq!((swept[0].counts.written, swept[0].counts.set_aside, &swept[0].failure), (3, 1, &None));
    let left = cloud.app().store().aside_page(Walk::Expiry, None, 10).await.unwrap();
    assert_eq!((left.accounts, left.unreadable), (vec![], vec!["no account!".to_owned()]));
    for id in &ids {
        assert_eq!(expiries(&cloud, id).await, 1);
    }
}

#[tokio::test]
async fn what_may_pass_is_waited_for_and_sets_nobody_aside() {
    // As often as the machine tries again, and once more for the last try of all.
    for refusals in [2, 5, 6] {
        let (cloud, ids) = with_due(5, 3).await;
        let Some(network) = cloud.network() else { return };
        network.refuse_about(COMMITS, refusals);
        let swept = cloud.hurried().await.sweep(Some(TOMORROW)).await;
        assert_eq!(swept[0].counts, Counts { walked: 5, written: 5, set_aside: 0 }, "{refusals}");
        assert_eq!((&swept[0].failure, network.named_met()), (&None, refusals));
        for id in &ids {
            assert_eq!(expiries(&cloud, id).await, 1, "{id}");
        }
    }
}

#[tokio::test]
async fn an_invocation_tries_again_by_itself_before_it_fails() {
    let (cloud, _) = with_due(1, 3).await;
    let Some(network) = cloud.network() else { return };
    expiry(&cloud).schedule().await.unwrap();
    let task = json!({"task": "walk", "day": TOMORROW, "shard": 3});
    network.refuse_about(COMMITS, 4);
    let fault = walker::handle(expiry(&cloud), Walk::Expiry, task.clone()).await.unwrap_err();
    assert_eq!((fault.kind(), network.named_met()), ("StoreFault", 4), "{fault}");
    network.refuse_about(COMMITS, 3);
    let walked = walker::handle(expiry(&cloud), Walk::Expiry, task).await.unwrap();
    assert_eq!(walked["done"], json!({"walked": 1, "written": 1, "set_aside": 0}));
}

#[tokio::test]
async fn tables_that_are_throttled_set_few_aside_and_lose_nothing() {
    let (cloud, ids) = with_due(12, 3).await;
    let Some(network) = cloud.network() else { return };
    network.refuse_about(COMMITS, u32::MAX);
    // One account after the other, and all at once.
    for (cloud, set_aside_max) in [(cloud.hurried().await, 3), (cloud.clone(), 6)] {
        let swept = cloud.sweep(Some(TOMORROW)).await;
        let failure = swept[0].failure.as_deref().unwrap_or_default();
        assert!(failure.contains("shard 3 of 2011-03-02: StoreFault"), "{failure}");
        assert!(failure.contains("3 accounts were walked, 0 written, 3 set aside"), "{failure}");
        assert!(swept[0].set_aside.len() <= set_aside_max, "{swept:?}");
    }
    let done = cloud.app().store().shards_done(Walk::Expiry, Day::parse(TOMORROW).unwrap()).await.unwrap();
    assert!(!done.contains(&3) && done.len() == 63, "{done:?}");
    network.calm();
    let swept = cloud.sweep(Some(TOMORROW)).await;
    assert_eq!((swept[0].counts.written, &swept[0].failure, swept[0].set_aside.len()), (12, &None, 0));
    for id in &ids {
        assert_eq!(expiries(&cloud, id).await, 1);
    }
}

#[tokio::test]
async fn an_account_that_alone_keeps_failing_for_what_may_pass_is_set_aside_in_the_end() {
    let (cloud, ids) = with_due(5, 3).await;
    let Some(network) = cloud.network() else { return };
    network.refuse_about(&read_of(&ids[1]), u32::MAX);
    let swept = cloud.hurried().await.sweep(Some(TOMORROW)).await;
    assert_eq!((swept[0].counts.written, &swept[0].failure), (4, &None), "{swept:?}");
    assert_eq!(swept[0].set_aside[0].account_id.as_str(), ids[1]);
    let done = cloud.app().store().shards_done(Walk::Expiry, Day::parse(TOMORROW).unwrap()).await.unwrap();
    assert_eq!(done.len(), 64, "its day closes without it");
    network.calm();
    cloud.sweep(Some(TOMORROW)).await;
    assert_eq!(expiries(&cloud, &ids[1]).await, 1);
}

#[tokio::test]
async fn what_a_version_files_anew_is_walked_by_the_same_execution_whatever_pages_come() {
    let cloud = Cloud::start().await;
    let ids: Vec<_> = (0..20).map(|n| format!("a-{n}")).collect();
    for id in &ids {
        cloud.order(&format!("o-{id}")).account(id).line("MUG", 1, "1200.00").send().await.expect(201);
    }
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    with_reviews(&mut document);
    cloud.activate_from(document, "2011-03-25T00:00:00Z").await;
    // An hour after it came into force every commit of before is over.
    cloud.set_clock("2011-03-25T00:59:59.999Z");
    let plan = async || walker::handle(expiry(&cloud), Walk::Expiry, json!({"task": "plan"})).await.unwrap();
    assert_eq!(tasks(&plan().await).filter(|task| task["task"] == "file").count(), 0);
    cloud.set_clock("2011-03-25T01:00:00Z");
    if let Some(network) = cloud.network() {
        network.empty_page_about("\"TotalSegments\":16", 8);
    }
    let output = cloud.local().execute("ExpirySweep", json!({"task": "plan"})).await.unwrap();
    assert_eq!(output["done"], json!({"walked": 20, "written": 20, "set_aside": 0}));
    assert!(cloud.network().is_none_or(|network| network.named_met() == 8));
}
