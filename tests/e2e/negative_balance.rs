//! Points that a return should take back and that are spent: what the customer sees under each policy, then and later.
//! The example of docs/program.md, "A balance below zero".

use serde_json::{Value, json};
use tests::{Account, Cloud, WHOLESALE};

/// The account once it has spent 60 of an order's 100 points and the order was cancelled.
async fn cancelled(shortfall: &str) -> (Cloud, Account) {
    let cloud = Cloud::with(|program| {
        program["points"]["shortfall"] = json!(shortfall);
        program["points"]["pending_days"] = json!(14);
    })
    .await;
    let order = cloud.order("o-1").line("MUG", 1, "100.00");
    order.send().await.expect(201);
    cloud.set_clock("2011-03-20T12:00:00Z");
    let acme = cloud.account("acme");
    acme.give(-60).await.expect(201);
    let back = order.cancelled().at("2011-03-20T12:00:00Z").send().await.expect(201);
    assert_eq!(back["taken"], json!({"pending": 0, "own_lot": 40, "other_lots": 0}));
    assert_eq!(back.number("points_owed") + back.number("points_unrecovered"), 60);
    (cloud, acme)
}

/// What can be spent, what waits, what is owed, and what of it by orders only.
async fn stands(cloud: &Cloud, acme: &Account) -> [i64; 4] {
    let standing = acme.standing().await.expect(200);
    let newest = acme.history().await[0].clone();
    let points = |name: &str| standing["points"][name].as_i64().unwrap_or(0);
    let [balance, pending, debt, pending_debt] = ["balance", "pending", "debt", "pending_debt"].map(points);
    let of_entry = |name: &str| newest[name].as_i64().unwrap_or(0);
    let told = (of_entry("balance"), of_entry("pending"));
    assert_eq!(told, (balance - (debt - pending_debt), pending - pending_debt), "an entry has the debt taken off");
    cloud.audit().await;
    [balance, pending, debt, pending_debt]
}

#[tokio::test]
async fn what_is_missing_is_owed_out_of_what_the_program_says_and_repaid_by_that() {
    for (shortfall, after_return, after_gift, after_order, at_last) in [
        ("owe", [0, 0, 60, 0], [0, 0, 30, 0], [0, 50, 0, 0], 50),
        ("owe_pending", [0, 0, 60, 60], [30, 0, 60, 60], [30, 20, 0, 0], 50),
        ("write_off", [0; 4], [30, 0, 0, 0], [30, 80, 0, 0], 110),
    ] {
        let (cloud, acme) = cancelled(shortfall).await;
        assert_eq!(stands(&cloud, &acme).await, after_return, "{shortfall}");
        acme.give(30).await.expect(201);
        assert_eq!(stands(&cloud, &acme).await, after_gift, "{shortfall}");
        let next = cloud.order("o-2").placed("2011-03-20T12:00:00Z").line("MUG", 1, "80.00");
        assert_eq!(next.send().await.expect(201).number("points"), 80);
        assert_eq!(stands(&cloud, &acme).await, after_order, "{shortfall}");
        cloud.set_clock("2011-04-03T00:00:00Z");
        assert_eq!(acme.standing().await.expect(200)["points"]["balance"], at_last, "{shortfall}");
        // That order comes back, too: what it repaid is owed again, and nothing else.
        next.cancelled().at("2011-04-03T00:00:00Z").send().await.expect(201);
        let [balance, pending, debt, _] = stands(&cloud, &acme).await;
        let left = if shortfall == "write_off" { 30 } else { -30 };
        assert_eq!(balance + pending - debt, left, "{shortfall}");
    }
}

#[tokio::test]
async fn points_taken_by_hand_are_owed_out_of_what_waits_as_well() {
    let (cloud, acme) = cancelled("owe_pending").await;
    let reply = acme.give(-5).await.expect(201);
    assert_eq!((reply.number("debt"), reply.number("balance")), (65, 0));
    assert_eq!(stands(&cloud, &acme).await, [0, 0, 65, 65]);
}

#[tokio::test]
async fn what_is_owed_keeps_its_terms_under_a_later_version() {
    let (cloud, acme) = cancelled("owe_pending").await;
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["points"]["shortfall"] = json!("owe");
    cloud.activate_from(document, "2011-03-21T00:00:00Z").await;
    cloud.set_clock("2011-03-22T12:00:00Z");
    // By hand it is owed under today's version: out of everything.
    acme.give(-10).await.expect(201);
    assert_eq!(stands(&cloud, &acme).await, [0, 0, 70, 60]);
    acme.give(25).await.expect(201);
    assert_eq!(stands(&cloud, &acme).await, [15, 0, 60, 60], "a gift repays no more than that");
    cloud.order("o-2").placed("2011-03-22T12:00:00Z").line("MUG", 1, "70.00").send().await.expect(201);
    assert_eq!(stands(&cloud, &acme).await, [25, 0, 0, 0], "an order repays the rest");
}

#[tokio::test]
async fn points_that_never_wait_can_owe_nothing() {
    let cloud = Cloud::start().await;
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["points"]["shortfall"] = json!("owe_pending");
    let refused = cloud.request("POST", "/v1/program/versions", document.to_string()).await;
    let problem = refused.expect_problem(422, "invalid-document");
    assert_eq!(problem.fault_paths(), ["$.points.shortfall"]);
}
