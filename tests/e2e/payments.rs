//! Points that wait until their order is paid.

use crate::crowd::{CLIENTS, Sent, all_at_once, count};
use local::simulate::{self, Asked};
use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Cloud, Order, authorizer, skips_concurrency};

async fn until_paid() -> Cloud {
    Cloud::with(|program| program["points"] = json!({"validity_months": 24, "pending_until": "paid"})).await
}

/// Ten mugs at 10.00: 100 points.
fn ten_mugs(cloud: &Cloud, id: &str) -> Order {
    cloud.order(id).line("MUG", 10, "10.00")
}

/// What can be spent, what waits in all, and what of that for payment.
async fn points(cloud: &Cloud) -> [i64; 3] {
    let standing = cloud.account("acme").standing().await.expect(200);
    ["balance", "pending", "unpaid"].map(|figure| standing["points"][figure].as_i64().unwrap_or(0))
}

fn types(entry: &Value) -> Vec<&str> {
    entry["changes"].as_array().unwrap().iter().map(|change| change["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn points_wait_until_the_order_is_paid_and_a_repeat_gets_the_first_answer() {
    let cloud = until_paid().await;
    let order = ten_mugs(&cloud, "o-1");
    let scored = order.send().await.expect(201);
    assert_eq!((scored.number("points"), scored.number("balance"), &scored["until_paid"]), (100, 0, &json!(true)));
    let reason = scored["reasons"].as_array().unwrap().iter().find(|reason| reason["id"] == "points.until_paid");
    assert_eq!(reason.unwrap()["text"], "The points can be spent once the order is paid.");
    assert_eq!(points(&cloud).await, [0, 100, 100]);

    order.returned("r-1").units("1", 4).send().await.expect(201);
    assert_eq!(points(&cloud).await, [0, 60, 60]);
    cloud.set_clock("2011-04-02T09:30:00Z");
    let paid = order.paid().at("2011-04-01T10:00:00+01:00").set("reference", json!("INV-7"));
    let first = paid.send().await.expect(201);
    assert_eq!((first.number("points"), first.number("balance"), first.number("entry")), (60, 60, 3));
    assert_eq!((&first["paid_at"], &first["reference"]), (&json!("2011-04-01T09:00:00Z"), &json!("INV-7")));
    assert_eq!(first["expires_at"], scored["expires_at"], "counted from the order");
    assert_eq!(points(&cloud).await, [60, 0, 0]);

    let known = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        let again = paid.send().await.expect(200);
        assert_eq!((again.body(), again.header("idempotent-replayed")), (first.body(), Some("true")));
        let other = paid.clone().set("reference", json!("INV-8")).at("2011-04-01T10:00:00Z").send().await;
        let other = other.expect_problem(409, "content-differs");
        assert_eq!(other["differences"], json!(["$.paid_at", "$.reference"]));
        assert_eq!(order.send().await.expect(200).body(), scored.body(), "the score is as it was");
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, known);

    let history = cloud.account("acme").history().await;
    assert_eq!((types(&history[0]), &history[0]["points"]), (vec!["order.paid"], &json!(0)));
    assert_eq!(history[0]["text"], "Order o-1 was paid: 60 points do not wait any more.");
    assert!(history[2]["text"].as_str().unwrap().contains("once the order is paid"), "{}", history[2]["text"]);
    order.cancelled().at("2011-04-02T09:00:00Z").send().await.expect(201);
    assert_eq!(points(&cloud).await, [0, 0, 0]);
    cloud.audit().await;
}

#[tokio::test]
async fn what_is_said_of_the_payment_with_the_order_before_it_or_later_comes_to_the_same() {
    for way in ["order", "amendment", "parked", "event", "later"] {
        let cloud = until_paid().await;
        let order = ten_mugs(&cloud, "o-1");
        let says_so = order.clone().set("payment_state", json!("paid"));
        match way {
            "order" => drop(says_so.send().await.expect(201)),
            "amendment" => {
                order.send().await.expect(201);
                let amended = says_so.revision(1).put().await.expect(200);
                assert_eq!(amended["until_paid"], json!(null));
            }
            "parked" => {
                let parked = order.paid().send().await.expect(202);
                assert_eq!(parked["state"], "parked");
                let before = cloud.tables().await;
                order.paid().send().await.expect(202);
                let other = order.paid().at("2011-03-01T13:00:00Z").send().await;
                assert_eq!(other.expect_problem(409, "content-differs")["differences"], json!(["$.paid_at"]));
                assert_eq!(cloud.tables().await, before);
                order.returned("r-1").units("1", 2).send().await.expect(202);
                assert_eq!(order.send().await.expect(201).number("balance"), 80);
                assert_eq!(order.paid().send().await.expect(200).number("points"), 0);
            }
            "event" => {
                order.send().await.expect(201);
                order.paid().announce().await;
                order.paid().announce().await;
                cloud.drain().await;
                assert!(cloud.queue("OrderPlacedDeadLetters").await.is_empty());
            }
            _ => {
                order.send().await.expect(201);
                order.paid().send().await.expect(201);
            }
        }
        let left = if way == "parked" { 80 } else { 100 };
        assert_eq!(points(&cloud).await, [left, 0, 0], "{way}");
        // Whoever says so again is told that it is known.
        order.paid().send().await.expect(200);
        cloud.audit().await;
    }
}

#[tokio::test]
async fn a_payment_that_cannot_be_is_refused_and_changes_nothing() {
    let cloud = until_paid().await;
    let order = ten_mugs(&cloud, "o-1");
    order.send().await.expect(201);
    let before = cloud.tables().await;
    for (paid, kind, paths) in [
        (order.paid().at("2011-03-02T12:00:01Z"), "paid-in-future", vec!["$.paid_at"]),
        (order.paid().at("2011-03-02"), "invalid-document", vec!["$.paid_at"]),
        (
            order.paid().set("paid_at", Value::Null).set("reference", json!("")).set("state", json!("failed")),
            "invalid-document",
            vec!["$.state", "$.paid_at", "$.reference"],
        ),
    ] {
        assert_eq!(paid.send().await.expect_problem(422, kind).fault_paths(), paths);
    }
    let stranger = authorizer(json!({"sub": "x", "account_id": "other"}), &["orders:write"]);
    let body = order.paid().document().to_string();
    for target in [order.paid().target(), ten_mugs(&cloud, "o-9").paid().target()] {
        let reply = cloud.request_as(Some(stranger.clone()), "POST", &target, &body).await;
        reply.expect_problem(404, "unknown-order");
    }
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn a_payment_costs_six_write_units_and_one_read_unit() {
    let cloud = until_paid().await;
    if !cloud.is_embedded() {
        return;
    }
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).lines(20).send().await.expect(201);
    }
    let order = cloud.order("o-1").lines(20);
    let (reply, cost) = cloud.units(order.send()).await;
    reply.expect(201);
    assert_eq!((cost.read_halves, cost.write_halves), (1, 12), "as where nothing waits");
    let (reply, cost) = cloud.units(order.paid().send()).await;
    reply.expect(201);
    assert_eq!((cost.read_halves, cost.write_halves, cost.requests), (2, 12, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_payment_that_crosses_itself_and_returns_makes_what_is_kept_available_once() {
    if skips_concurrency() {
        return;
    }
    let cloud = until_paid().await;
    let (order, other) = (ten_mugs(&cloud, "o-1"), ten_mugs(&cloud, "o-2"));
    order.send().await.expect(201);
    other.send().await.expect(201);
    let returns = (1..=4).map(|n| order.returned(&format!("r-{n}")).units("1", 1));
    let payments = std::iter::repeat_n(order.paid(), CLIENTS - 4);
    let replies = all_at_once(payments.chain(returns).map(Sent::TakeBack)).await;
    assert_eq!((count(&replies, 201), count(&replies, 200)), (5, CLIENTS - 5));
    assert_eq!(points(&cloud).await, [60, 100, 100]);
    let paid = order.paid().send().await.expect(200);
    assert!((60..=100).contains(&paid.number("points")));
    cloud.audit().await;
}

#[tokio::test]
async fn a_replay_knows_what_was_paid_and_a_draft_lets_wait_what_was_not() {
    let cloud = until_paid().await;
    let says_so = |id: &str| ten_mugs(&cloud, id).set("payment_state", json!("paid"));
    says_so("o-1").send().await.expect(201);
    for id in ["o-2", "o-3", "o-4"] {
        ten_mugs(&cloud, id).send().await.expect(201);
    }
    ten_mugs(&cloud, "o-2").paid().send().await.expect(201);
    says_so("o-3").revision(1).put().await.expect(200);
    ten_mugs(&cloud, "o-5").paid().send().await.expect(202);
    ten_mugs(&cloud, "o-5").send().await.expect(201);
    assert_eq!(points(&cloud).await, [400, 100, 100]);
    let draft = serde_json::from_str(tests::WHOLESALE).unwrap();
    let asked = Asked { draft, as_of: None, workers: 1 };
    let report = simulate::run(cloud.app(), asked, |_, _| ()).await.unwrap().report;
    assert_eq!((report.total.accounts, report.not_reproduced, report.left_out_in_force.records_missing), (1, 0, 0));
    cloud.audit().await;
}

#[tokio::test]
async fn an_account_is_told_what_its_points_are_worth_to_its_tier() {
    let cloud = Cloud::with(|program| {
        let exchange = json!({
            "value": "0.01", "tiers": [{"tier": "silver", "value": "0.0125"}], "spend": {"minimum": 250, "maximum": 1_000},
        });
        program["points"] = json!({"validity_months": 24, "exchange": exchange});
        program["metrics"].as_object_mut().unwrap().remove("point_value");
    })
    .await;
    let told = async || cloud.account("acme").standing().await.expect(200)["points"]["exchange"].clone();
    cloud.order("o-1").line("MUG", 1, "201.00").send().await.expect(201);
    let pounds = |amount: &str| json!({"amount": amount, "currency": "GBP"});
    let expected = json!({"value": "0.01", "worth": pounds("2.01"), "minimum": 250, "maximum": 1_000, "spendable": 0});
    assert_eq!(told().await, expected);
    // 201 + 800 points; 1,001 × 0.0125 is 12.5125.
    cloud.order("o-2").line("MUG", 1, "800.00").send().await.expect(201);
    let expected =
        json!({"value": "0.0125", "worth": pounds("12.51"), "minimum": 250, "maximum": 1_000, "spendable": 1_000});
    assert_eq!(told().await, expected);
}
