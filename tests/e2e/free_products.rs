//! Free products above an order amount: told with the score, whenever that is read.

use crate::simulate::check_reproduced;
use serde_json::{Value, json};
use tests::{Cloud, WHOLESALE};

async fn start() -> Cloud {
    Cloud::with(|program| {
        program["free_products"] = json!([
            {"id": "mug", "name": "A mug on us", "sku": "MUG", "quantity": 2, "minimum_total": "500.00"},
            {"id": "jug", "name": "A jug for gold", "sku": "JUG", "quantity": 1, "minimum_total": "100.00",
             "tiers": ["gold"], "until": "2011-04-01T00:00:00Z"},
        ]);
    })
    .await
}

/// What was told of free products: what the order is entitled to, and the reasons.
fn told(score: &Value) -> (Value, Vec<(String, bool)>) {
    let reasons = score["reasons"].as_array().unwrap().iter();
    let reasons = reasons.filter(|reason| reason["id"].as_str().unwrap().starts_with("free_product."));
    let reasons = reasons.map(|reason| (reason["text"].as_str().unwrap().to_owned(), reason["fired"] == true));
    (score["free_products"].clone(), reasons.collect())
}

#[tokio::test]
async fn an_order_that_reaches_the_amount_is_entitled_and_every_answer_says_so() {
    let cloud = start().await;
    let order = cloud.order("o-1").line("CUP", 1, "500.00").line("POST", 1, "50.00");
    let tried = order.tried("").await.expect(201);
    let placed = order.send().await.expect(201);
    let read = cloud.get("/v1/orders/shop/o-1/score").await.expect(200);
    assert_eq!(tried.body(), placed.body());
    assert_eq!(read.body(), placed.body());
    let (free, reasons) = told(&placed.json());
    assert_eq!(free, json!([{"rule": "mug", "sku": "MUG", "quantity": 2}]));
    assert_eq!(
        reasons,
        [
            ("A mug on us: 2 × MUG free, from 500.00 GBP on.".to_owned(), true),
            (
                "A jug for gold: nothing free, because it is not for the tier held before the order (Member)."
                    .to_owned(),
                false
            ),
        ]
    );
    // Postage is not eligible.
    let below = cloud.order("o-2").line("CUP", 1, "499.99").line("POST", 1, "50.00").send().await.expect(201);
    let (free, reasons) = told(&below.json());
    assert_eq!(free, Value::Null);
    assert_eq!(reasons[0].0, "A mug on us: nothing free, because the eligible total is below 500.00 GBP.");
    let conditions = |scored: &Value| {
        let reasons = scored["reasons"].as_array().unwrap().clone();
        let free = reasons.into_iter().filter(|reason| reason["id"].as_str().unwrap().starts_with("free_product."));
        free.map(|reason| reason["condition"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(conditions(&placed.json()), [Value::Null, json!("tiers")]);
    assert_eq!(conditions(&below.json()), [json!("below_minimum"), json!("tiers")]);
}

#[tokio::test]
async fn the_segments_of_the_account_when_the_order_was_scored_count_whatever_they_are_later() {
    let change = |program: &mut Value| {
        program["free_products"] = json!([
            {"id": "tea", "name": "Tea for hotels", "sku": "TEA", "quantity": 1, "minimum_total": "100.00",
             "segments": ["hotels"]},
        ]);
    };
    let cloud = Cloud::with(change).await;
    let acme = cloud.account("acme");
    let put = |segments: Value, email: &str| json!({"name": "Acme", "email": email, "segments": segments});
    acme.put(put(json!(["hotels"]), "acme@acme.example")).await.expect(201);
    let order = acme.order("o-1").line("CUP", 2, "60.00");
    let free = json!([{"rule": "tea", "sku": "TEA", "quantity": 1}]);
    assert_eq!(order.tried("").await.expect(201)["free_products"], free);
    assert_eq!(order.send().await.expect(201)["free_products"], free);
    acme.put(put(json!(["shops"]), "acme@acme.example")).await.expect(200);
    assert_eq!(cloud.get("/v1/orders/shop/o-1/score").await.expect(200)["free_products"], free);
    let later = acme.order("o-2").line("CUP", 2, "60.00");
    assert_eq!(later.send().await.expect(201)["free_products"], Value::Null);
    let (_, reasons) = told(&cloud.get("/v1/orders/shop/o-2/score").await.expect(200).json());
    assert_eq!(reasons[0].0, "Tea for hotels: nothing free, because it is not for the account's segments.");
    let mut program = serde_json::from_str(WHOLESALE).unwrap();
    change(&mut program);
    check_reproduced(&cloud, &program).await;
    // What is amended is looked at with the segments that it was scored with.
    let amended = order.amended(1).line("CUP", 3, "60.00").send().await.expect(200);
    assert_eq!(amended["free_products"], free);
    cloud.audit().await;
}

#[tokio::test]
async fn the_tier_held_before_the_order_and_the_day_it_was_placed_on_count() {
    let cloud = start().await;
    let acme = cloud.account("acme");
    let raised = acme.order("o-1").line("CUP", 1, "5000.00").send().await.expect(201);
    assert_eq!((&raised["tier"]["after"], &raised["free_products"][1]), (&json!("gold"), &Value::Null));
    let gold = acme.order("o-2").line("CUP", 1, "100.00").send().await.expect(201);
    assert_eq!(gold["free_products"], json!([{"rule": "jug", "sku": "JUG", "quantity": 1}]));
    cloud.set_clock("2011-04-02T00:00:00Z");
    let late = acme.order("o-3").placed("2011-03-31T23:59:59Z").line("CUP", 1, "100.00").send().await.expect(201);
    assert_eq!(late["free_products"][0]["rule"], "jug");
    let over = acme.order("o-4").placed("2011-04-01T00:00:00Z").line("CUP", 1, "100.00").send().await.expect(201);
    let (free, reasons) = told(&over.json());
    assert_eq!(free, Value::Null);
    assert_eq!(reasons[1].0, "A jug for gold: nothing free, because it was over when the order was placed.");
}

#[tokio::test]
async fn an_order_that_had_come_back_before_it_was_known_is_entitled_to_nothing() {
    let cloud = start().await;
    let order = cloud.order("o-1").line("CUP", 1, "500.00");
    order.cancelled().send().await.expect(202);
    assert_eq!(order.send().await.expect(201)["free_products"], Value::Null);
    assert_eq!(cloud.get("/v1/orders/shop/o-1/score").await.expect(200)["free_products"], Value::Null);
}

#[tokio::test]
async fn the_command_line_shows_the_free_products_of_the_program() {
    let cloud = start().await;
    let shown = local::program::show(cloud.app(), cloud.now()).await.unwrap();
    assert!(
        shown.contains("\n  mug: A mug on us\n      2 × MUG with an order from 500.00 GBP on, for all\n"),
        "{shown}"
    );
}

#[tokio::test]
async fn an_amended_order_is_entitled_by_what_it_says_now() {
    let cloud = start().await;
    let order = cloud.order("o-1").line("CUP", 1, "499.00");
    assert_eq!(order.send().await.expect(201)["free_products"], Value::Null);
    let amended = order.amended(1).line("CUP", 1, "501.00").put().await.expect(200);
    assert_eq!(amended["free_products"][0]["rule"], "mug");
    let again = order.amended(2).line("CUP", 1, "1.00").put().await.expect(200);
    assert_eq!(again["free_products"], Value::Null);
    cloud.audit().await;
}
