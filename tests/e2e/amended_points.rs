//! What an amendment makes of the points: those that came back before, were spent, still wait, ended or are owed.

use serde_json::{Value, json};
use tests::{Cloud, Order, Reply};

/// Ten mugs at 12.50: 125 points.
fn ten_mugs(cloud: &Cloud) -> Order {
    cloud.order("o-1").line("MUG", 10, "12.50")
}

/// Amends it to so many mugs, 12.5 points each.
async fn amend(cloud: &Cloud, revision: u64, quantity: u64) -> Reply {
    cloud.order("o-1").amended(revision).line("MUG", quantity, "12.50").put().await.expect(200)
}

/// What a receipt says became of the points: given, owed, unrecovered, lapsed.
fn outcome(receipt: &Reply) -> (i64, i64, i64, i64) {
    let field = |name: &str| receipt["amended"][name].as_i64().unwrap();
    (field("points"), field("points_owed"), field("points_unrecovered"), field("points_lapsed"))
}

/// Spendable points, those that wait, those owed, and what orders came to.
async fn stands(cloud: &Cloud) -> (i64, i64, i64, String) {
    let standing = cloud.account("acme").standing().await.expect(200);
    cloud.audit().await;
    let of = |name: &str| standing["points"][name].as_i64().unwrap_or(0);
    (of("balance"), of("pending"), of("debt"), standing["revenue"]["amount"].as_str().unwrap().to_owned())
}

fn standing(balance: i64, pending: i64, debt: i64, revenue: &str) -> (i64, i64, i64, String) {
    (balance, pending, debt, revenue.to_owned())
}

async fn with(shortfall: &str, pending_days: u16) -> Cloud {
    Cloud::with(|program| {
        program["points"]["shortfall"] = json!(shortfall);
        program["points"]["pending_days"] = json!(pending_days);
    })
    .await
}

#[tokio::test]
async fn returns_already_made_stay_made() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    order.returned("r-1").units("1", 3).send().await.expect(201);
    for (revision, quantity, points, balance, revenue) in [
        (1, 12, 25, 112, "112.50"), // 9 are kept
        (2, 4, -100, 12, "12.50"),
        (3, 3, -12, 0, "0.00"),
        (4, 2, 0, 0, "0.00"), // fewer than came back: all of them did
        (5, 10, 87, 87, "87.50"),
    ] {
        let receipt = amend(&cloud, revision, quantity).await;
        assert_eq!(outcome(&receipt), (points, 0, 0, 0), "to {quantity}");
        assert_eq!(stands(&cloud).await, standing(balance, 0, 0, revenue), "to {quantity}");
    }
    // What is left of it can come back, and no more.
    let refused = order.returned("r-2").units("1", 8).send().await.expect_problem(422, "invalid-document");
    assert_eq!(refused["faults"][0]["message"], "only 7 units are left to return");
    order.returned("r-2").units("1", 7).send().await.expect(201);
    assert_eq!(stands(&cloud).await, standing(0, 0, 0, "0.00"));
}

#[tokio::test]
async fn a_line_that_is_dropped_and_stated_again_has_what_came_back_of_it() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud).line("CUP", 10, "2.00");
    order.send().await.expect(201);
    order.returned("r-1").units("2", 4).send().await.expect(201);
    amend(&cloud, 1, 10).await;
    assert_eq!(stands(&cloud).await, standing(125, 0, 0, "125.00"));
    // In another place, too.
    let swapped = json!([
        {"line_id": "2", "sku": "CUP", "quantity": 10, "unit_price": "2.00"},
        {"line_id": "1", "sku": "MUG", "quantity": 10, "unit_price": "12.50"},
    ]);
    order.amended(2).set("lines", swapped).put().await.expect(200);
    assert_eq!(stands(&cloud).await, standing(137, 0, 0, "137.00"));
}

#[tokio::test]
async fn what_was_spent_is_owed_and_repaid_when_the_order_earns_it_again() {
    let cloud = with("owe", 0).await;
    ten_mugs(&cloud).send().await.expect(201);
    cloud.account("acme").give(-100).await.expect(201);
    let receipt = amend(&cloud, 1, 2).await;
    // 100 were to be taken, 25 were there.
    assert_eq!(outcome(&receipt), (-100, 75, 0, 0));
    let text = receipt["amended"]["text"].as_str().unwrap();
    assert!(text.contains("100 points were taken back") && text.contains("75 are owed"), "{text}");
    assert_eq!(stands(&cloud).await, standing(0, 0, 75, "25.00"));
    let receipt = amend(&cloud, 2, 6).await;
    assert_eq!(outcome(&receipt), (50, 0, 0, 0));
    assert_eq!(stands(&cloud).await, standing(0, 0, 25, "75.00"));
    let changes = cloud.account("acme").history().await[0]["changes"].clone();
    assert!(changes.as_array().unwrap().contains(&json!({"type": "points.repaid", "points": 50})), "{changes}");
    // As if it had never been changed.
    amend(&cloud, 3, 10).await;
    assert_eq!(stands(&cloud).await, standing(25, 0, 0, "125.00"));
}

#[tokio::test]
async fn what_was_written_off_is_not_given_twice() {
    let cloud = with("write_off", 0).await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    cloud.account("acme").give(-100).await.expect(201);
    let receipt = amend(&cloud, 1, 2).await;
    assert_eq!(outcome(&receipt), (-25, 0, 75, 0));
    let text = receipt["amended"]["text"].as_str().unwrap();
    assert!(text.contains("25 points were taken back") && text.contains("75"), "{text}");
    assert_eq!(stands(&cloud).await, standing(0, 0, 0, "25.00"));
    // 50 more are earned, and 75 that could not be taken were kept.
    assert_eq!(outcome(&amend(&cloud, 2, 6).await), (0, 0, -50, 0));
    assert_eq!(stands(&cloud).await, standing(0, 0, 0, "75.00"));
    assert_eq!(outcome(&amend(&cloud, 3, 10).await), (25, 0, -25, 0));
    assert_eq!(stands(&cloud).await, standing(25, 0, 0, "125.00"));
    // A return writes off as well; an amendment after it knows.
    order.returned("r-1").units("1", 4).send().await.expect(201);
    assert_eq!(stands(&cloud).await, standing(0, 0, 0, "75.00"));
    assert_eq!(outcome(&amend(&cloud, 4, 14).await), (25, 0, -25, 0));
    assert_eq!(stands(&cloud).await, standing(25, 0, 0, "125.00"));
}

#[tokio::test]
async fn points_that_wait_are_taken_first_and_given_as_waiting() {
    let cloud = with("owe", 14).await;
    ten_mugs(&cloud).send().await.expect(201);
    let receipt = amend(&cloud, 1, 8).await;
    assert_eq!(receipt["amended"]["taken"], json!({"pending": 25, "own_lot": 0, "other_lots": 0}));
    assert_eq!(stands(&cloud).await, standing(0, 100, 0, "100.00"));
    let receipt = amend(&cloud, 2, 12).await;
    assert_eq!(receipt["available_at"], "2011-03-15T00:00:00Z");
    assert_eq!(stands(&cloud).await, standing(0, 150, 0, "150.00"));
    cloud.set_clock("2011-03-15T00:00:00Z");
    assert_eq!(stands(&cloud).await, standing(150, 0, 0, "150.00"));
    // The order's waiting time is over: what it earns more can be spent at once.
    let receipt = amend(&cloud, 3, 13).await;
    assert_eq!((&receipt["available_at"], receipt.number("balance")), (&Value::Null, 162));
    let receipt = amend(&cloud, 4, 12).await;
    assert_eq!(receipt["amended"]["taken"], json!({"pending": 0, "own_lot": 12, "other_lots": 0}));
    assert_eq!(stands(&cloud).await, standing(150, 0, 0, "150.00"));
}

#[tokio::test]
async fn after_the_points_ended_nothing_is_taken_and_nothing_given_twice() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    // The very instant at which they end.
    cloud.set_clock("2013-03-31T23:00:00Z");
    cloud.order("o-2").placed("2013-03-31T23:00:00Z").line("MUG", 1, "50.00").send().await.expect(201);
    assert_eq!(outcome(&amend(&cloud, 1, 5).await), (0, 0, 0, 63));
    assert_eq!(stands(&cloud).await, standing(50, 0, 0, "112.50"));
    assert_eq!(outcome(&amend(&cloud, 2, 10).await), (0, 0, 0, -63));
    // What it earns more ends where the order's points ended: in the same commit.
    assert_eq!(outcome(&amend(&cloud, 3, 12).await), (25, 0, 0, 0));
    let kinds = cloud.account("acme").history().await[0]["changes"].clone();
    assert!(kinds.as_array().unwrap().iter().any(|change| change["type"] == "points.expired"), "{kinds}");
    assert_eq!(stands(&cloud).await, standing(50, 0, 0, "200.00"));
    let rest = ten_mugs(&cloud).cancelled().send().await.expect(201);
    assert_eq!((rest.number("points_lapsed"), rest.number("points_reversed")), (150, 0));
    assert_eq!(stands(&cloud).await, standing(50, 0, 0, "50.00"));
}

#[tokio::test]
async fn an_amendment_follows_the_rules_of_its_orders_day() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    let mut richer: Value = serde_json::from_str(tests::WHOLESALE).unwrap();
    richer["earning_rules"][0]["points"] = json!(3);
    cloud.activate_from(richer, "2011-03-02T00:00:00Z").await;
    // Nor does a tier held by now multiply anything.
    cloud.order("o-2").line("MUG", 1, "6000.00").send().await.expect(201);
    cloud.set_clock("2011-03-05T12:00:00Z");
    let receipt = amend(&cloud, 1, 20).await;
    assert_eq!((receipt.number("points"), receipt.number("program_version")), (250, 1));
    assert_eq!((&receipt["tier"]["before"], &receipt["tier"]["multiplier"]), (&json!("member"), &json!("1")));
    assert_eq!(receipt["expires_at"], "2013-03-31T23:00:00Z");
    assert_eq!(outcome(&receipt), (125, 0, 0, 0));
    let entry = cloud.account("acme").history().await.remove(0);
    assert_eq!(entry["program_version"], 1);
}

#[tokio::test]
async fn the_difference_is_posted_to_the_month_of_the_order() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").placed("2011-02-10T12:00:00Z").line("MUG", 1, "900.00");
    order.send().await.expect(201);
    order.amended(1).line("MUG", 1, "700.00").put().await.expect(200);
    cloud.set_clock("2012-01-31T12:00:00Z");
    let tier = cloud.account("acme").standing().await.expect(200)["tier"].clone();
    assert_eq!(tier["qualifying_spend"]["amount"], "700.00");
    cloud.set_clock("2012-02-01T12:00:00Z");
    let tier = cloud.account("acme").standing().await.expect(200)["tier"].clone();
    assert_eq!(tier["qualifying_spend"]["amount"], "0.00");
}

#[tokio::test]
async fn a_full_return_after_amendments_nets_to_zero() {
    let cloud = Cloud::start().await;
    cloud.order("o-0").line("MUG", 1, "1500.00").send().await.expect(201);
    let (points, _, _, revenue) = stands(&cloud).await;
    // Prices that round, under a multiplier: 1.25.
    let order = cloud.order("o-1").line("MUG", 7, "3.333").line("CUP", 5, "0.999999");
    order.send().await.expect(201);
    order.returned("r-1").units("1", 2).send().await.expect(201);
    order.amended(1).line("MUG", 11, "3.331").line("CUP", 2, "0.999999").put().await.expect(200);
    order.returned("r-2").units("1", 5).units("2", 1).send().await.expect(201);
    order.amended(2).line("MUG", 9, "4.337").line("CUP", 4, "0.777777").put().await.expect(200);
    let left = order.returned("r-3").units("1", 2).units("2", 3);
    left.send().await.expect(201);
    assert_eq!(stands(&cloud).await, (points, 0, 0, revenue));
    let refused = order.returned("r-4").units("1", 1).send().await.expect_problem(422, "invalid-document");
    assert_eq!(refused.fault_paths(), ["$.lines[0].quantity"]);
}
