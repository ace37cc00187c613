//! What comes before its order waits for it, and both are decided together.

use serde_json::json;
use tests::network::Staleness;
use tests::{Cloud, Order};

/// Ten mugs at 12.50 and postage: 125 points.
fn ten_mugs(cloud: &Cloud) -> Order {
    cloud.order("o-1").line("MUG", 10, "12.50").line("POST", 1, "9.00")
}

async fn balance(cloud: &Cloud) -> i64 {
    cloud.account("acme").standing().await.expect(200)["points"]["balance"].as_i64().unwrap()
}

#[tokio::test]
async fn a_return_before_its_order_waits_and_is_decided_with_it() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    let back = order.returned("r-1").units("1", 12).units("none", 1);
    let parked = back.send().await.expect(202);
    assert_eq!(parked.json(), json!({"source": "shop", "order_id": "o-1", "state": "parked"}));
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        assert_eq!(back.send().await.expect(202).body(), parked.body());
        back.clone().units("2", 1).send().await.expect_problem(409, "content-differs");
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before);
    order.score().await.expect_problem(404, "unknown-order");

    let score = order.send().await.expect(201);
    assert_eq!(score.number("points"), 125);
    let history = cloud.account("acme").history().await;
    assert_eq!(history.len(), 1, "one commit, one entry");
    let changes = history[0]["changes"].as_array().unwrap();
    let returned = changes.iter().find(|change| change["type"] == "order.returned").unwrap();
    assert_eq!((&returned["return_id"], &returned["excess_units"]), (&json!("r-1"), &json!(3)));
    assert_eq!(balance(&cloud).await, 0);

    let known = cloud.tables().await;
    let first = back.send().await.expect(200);
    assert_eq!((first.number("points_reversed"), first.number("excess_units"), first.number("entry")), (125, 3, 1));
    assert_eq!(first["lines"], json!([{"line_id": "1", "quantity": 10}]));
    assert_eq!(order.send().await.expect(200).body(), score.body());
    assert_eq!(cloud.tables().await, known);
    cloud.audit().await;
}

#[tokio::test]
async fn a_return_in_the_far_future_is_not_parked_either() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    let before = cloud.tables().await;
    for early in [order.returned("r-1").units("1", 1), order.cancelled()] {
        early.at("2031-01-01T00:00:00Z").send().await.expect(422);
    }
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn what_waits_for_an_order_that_is_refused_waits_on() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.cancelled().send().await.expect(202);
    let before = cloud.tables().await;
    order.clone().set("currency", json!("EUR")).send().await.expect_problem(422, "foreign-currency");
    assert_eq!(cloud.tables().await, before);
    order.send().await.expect(201);
    assert_eq!(balance(&cloud).await, 0);
}

#[tokio::test]
async fn a_return_that_waits_for_long_is_noted_by_the_audit() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).returned("r-1").units("1", 1).send().await.expect(202);
    let audit = async |now| local::audit::run(cloud.app(), tests::at(now)).await.unwrap();
    assert!(audit("2011-03-31T11:59:59Z").await.notes.is_empty());
    let late = audit("2011-03-31T12:00:00Z").await;
    assert_eq!((late.notes.len(), late.findings.len()), (1, 0), "{late}");
}

#[tokio::test]
async fn what_waited_is_told_with_the_order_and_what_is_dated_before_it_is_not_carried_out() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.returned("r-1").units("1", 4).send().await.expect(202);
    order.returned("r-2").at("2011-02-01T12:00:00Z").units("1", 2).send().await.expect(202);
    order.cancelled().at("2011-02-01T12:00:00Z").send().await.expect(202);
    let scored = order.send().await.expect(201);
    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!(scored["balance"], standing["points"]["balance"], "the balance right after it");
    assert_eq!((scored["returns"].as_array().unwrap().len(), &scored["returns"][0]["return_id"]), (1, &json!("r-1")));
    assert_eq!(order.send().await.expect(200).json(), scored.json(), "the first answer");
    let entry = cloud.account("acme").history().await.remove(0);
    let changes = entry["changes"].as_array().unwrap();
    let of = |kind: &str| changes.iter().filter(|change| change["type"] == kind).collect::<Vec<_>>();
    assert_eq!(of("order.returned")[0]["stated_by"], "operator");
    assert_eq!(of("return.refused").len(), 2);
    // As it is refused when it comes after its order.
    order
        .returned("r-2")
        .at("2011-02-01T12:00:00Z")
        .units("1", 2)
        .send()
        .await
        .expect_problem(422, "returned-before-order");
    cloud.audit().await;
}
