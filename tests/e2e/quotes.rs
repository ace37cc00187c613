//! What a cart costs and what its order would earn: `POST /v1/quotes`.

use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Cloud, Reply};

/// `wholesale` with something of everything that a cart may use.
/// A program whose points pay for orders.
pub fn worth_a_penny(program: &mut Value) {
    // The exchange says what a point is worth.
    program["metrics"]["point_value"] = Value::Null;
    program["points"]["exchange"] = json!({"value": "0.01"});
}

fn with_everything(program: &mut Value) {
    worth_a_penny(program);
    program["points"]["exchange"]["spend"] = json!({"minimum": 100, "maximum": 1_000});
    program["price_tables"] = json!([{"id": "mugs", "name": "Mugs by the case", "skus": ["MUG"],
                                      "steps": [{"from": 12, "percent": "5"}]}]);
    program["free_products"] =
        json!([{"id": "jug", "name": "A jug on us", "sku": "JUG", "quantity": 1, "minimum_total": "100.00"}]);
    let gold = program["tiers"]["levels"].as_array_mut().unwrap().iter_mut().find(|tier| tier["id"] == "gold");
    gold.unwrap()["discount"] = json!("2");
    program["rewards"] = json!([{"id": "off", "name": "3 % off", "points": 1,
                                 "discount": {"percent": "3", "validity_days": 20}}]);
}

fn cart() -> Value {
    json!({
        "account_id": "acme", "source": "shop", "currency": "GBP", "shipping": "5.00",
        "lines": [
            {"line_id": "1", "sku": "MUG", "quantity": 20, "unit_price": "10.00"},
            {"line_id": "2", "sku": "POST", "quantity": 1, "unit_price": "9.99"},
        ],
    })
}

fn wishing(codes: Value, points: Value) -> Value {
    let mut cart = cart();
    (cart["discount_codes"], cart["points"]) = (codes, points);
    cart
}

async fn quote(cloud: &Cloud, cart: &Value) -> Reply {
    cloud.request("POST", "/v1/quotes", cart.to_string()).await
}

/// An account that holds gold, with points and a discount of 5 %; the code of that.
async fn golden() -> (Cloud, String) {
    let cloud = Cloud::with(with_everything).await;
    let first = cloud.order("o-1").line("MUG", 1, "6000.00").send().await.expect(201);
    assert_eq!(first["tier"]["after"], "gold");
    let gift = json!({"points": 3_000, "reason": "A test"});
    cloud.request_keyed("/v1/accounts/acme/adjustments", "gift", &gift).await.expect(201);
    let code = first["discounts_issued"][0]["code"].as_str().unwrap().to_owned();
    (cloud, code)
}

fn amount<'a>(quote: &'a Value, total: &str) -> &'a str {
    quote["totals"][total]["amount"].as_str().unwrap()
}

/// The order as a shop states it that has read its quote.
fn order_of(quote: &Value, id: &str, placed_at: &str) -> Value {
    let line = |line: &Value| {
        json!({"line_id": line["line_id"], "sku": line["sku"], "quantity": line["quantity"],
               "unit_price": line["unit_price"], "discount": line["discount"]})
    };
    let lines: Vec<_> = quote["lines"].as_array().unwrap().iter().map(line).collect();
    json!({"source": "shop", "order_id": id, "account_id": "acme", "placed_at": placed_at, "currency": "GBP",
           "shipping": "5.00", "discount_codes": quote["discount_codes"], "lines": lines})
}

#[tokio::test]
async fn a_cart_sees_its_prices_and_the_order_earns_what_the_quote_said() {
    let (cloud, code) = golden().await;
    let before = (cloud.tables().await, cloud.programs().await);
    let mut told = Value::Null;
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        told = quote(&cloud, &wishing(json!([code]), json!("max"))).await.expect(200).json();
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!((cloud.tables().await, cloud.programs().await), before, "a quote was written");
    let keys = ["list", "price_tables", "tier_discount", "discounts", "points", "shipping", "to_pay"];
    let totals = keys.map(|key| amount(&told, key));
    assert_eq!(totals, ["209.99", "10.00", "3.80", "9.31", "10.00", "5.00", "181.88"]);
    let mugs = &told["lines"][0];
    assert_eq!((&mugs["unit_price"], &mugs["discount"]), (&json!("9.50"), &json!("23.11")));
    assert_eq!(
        (&told["points"]["used"], &told["points"]["limited_by"][0]["reason"]),
        (&json!(1_000), &json!("maximum"))
    );
    assert_eq!(told["free_products"][0]["sku"], "JUG");
    assert_eq!((&told["earns"]["points"], &told["earns"]["eligible_total"]["amount"]), (&json!(250), &json!("166.89")));

    let order = order_of(&told, "o-2", &cloud.now().to_string());
    let scored = cloud.request("POST", "/v1/orders", order.to_string()).await.expect(201);
    for key in ["points", "eligible_total", "expires_at", "tier"] {
        assert_eq!(scored[key], told["earns"][key], "{key}");
    }
    assert_eq!((&scored["free_products"], &scored["discounts_used"]), (&told["free_products"], &json!([code])));
    // The code is used, and the cart still sees its prices.
    let again = quote(&cloud, &wishing(json!([code, "00000000000"]), Value::Null)).await.expect(200).json();
    let reasons: Vec<_> = again["codes_refused"].as_array().unwrap().iter().map(|code| &code["reason"]).collect();
    assert_eq!(reasons, ["used", "unknown"]);
    assert_eq!((amount(&again, "discounts"), amount(&again, "to_pay")), ("0.00", "201.19"));
    cloud.audit().await;
}

#[tokio::test]
async fn somebody_elses_code_looks_like_none_at_all() {
    let (cloud, code) = golden().await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let refused = |reply: Reply| reply.expect(200)["codes_refused"][0].clone();
    let mut cart = wishing(json!([code]), Value::Null);
    cart["account_id"] = json!("beta");
    let foreign = refused(quote(&cloud, &cart).await);
    cart["discount_codes"] = json!(["00000000000"]);
    let unknown = refused(quote(&cloud, &cart).await);
    assert_eq!((&foreign["reason"], &foreign["text"]), (&unknown["reason"], &unknown["text"]));
}

#[tokio::test]
async fn an_account_that_is_suspended_sees_its_prices_and_why_nothing_else_applies() {
    let (cloud, code) = golden().await;
    cloud.account("acme").put(json!({"name": "Acme", "status": "suspended"})).await.expect(200);
    let told = quote(&cloud, &wishing(json!([code]), json!(100))).await.expect(200).json();
    assert_eq!(told["order_refused"]["reason"], "account_suspended");
    assert_eq!((amount(&told, "price_tables"), amount(&told, "to_pay")), ("10.00", "204.99"));
    assert_eq!((&told["discounts"][0]["reason"], &told["earns"]), (&json!("account_suspended"), &Value::Null));
}

#[tokio::test]
async fn a_quote_reads_one_item_whatever_the_account_has_open() {
    let (cloud, code) = golden().await;
    if !cloud.is_embedded() {
        return;
    }
    for number in 1..10 {
        let reward = json!({"reward": "off"});
        cloud.request_keyed("/v1/accounts/acme/redemptions", &format!("off-{number}"), &reward).await.expect(201);
    }
    cloud.local().app("checkout").unwrap().schedule().await.unwrap();
    for codes in [json!([]), json!([code]), json!("best")] {
        let (told, cost) = cloud.units(quote(&cloud, &wishing(codes.clone(), json!("max")))).await;
        assert_eq!(told.expect(200)["discounts"].as_array().unwrap().len(), 10);
        assert_eq!((cost.read_halves, cost.write_halves, cost.requests), (2, 0, 1), "{codes}");
    }
    // Each code that is not open is looked for, to say why, and then among those that many share.
    let (told, cost) = cloud.units(quote(&cloud, &wishing(json!([code, "00000000000"]), Value::Null))).await;
    assert_eq!(told.expect(200)["codes_refused"][0]["reason"], "unknown");
    assert_eq!((cost.read_halves, cost.write_halves, cost.requests), (6, 0, 3));
}

#[tokio::test]
async fn what_is_wrong_with_a_cart_is_told_at_once_and_where() {
    let (cloud, _) = golden().await;
    let with = |change: fn(&mut Value)| {
        let mut cart = cart();
        change(&mut cart);
        cart.to_string()
    };
    let rows: [(String, u16, &str, &[&str]); 8] = [
        ("{".to_owned(), 400, "not-json", &[]),
        (with(|cart| cart["currency"] = json!("EUR")), 422, "foreign-currency", &[]),
        (with(|cart| cart["account_id"] = json!("nobody")), 404, "unknown-account", &[]),
        (with(|cart| cart["lines"] = json!([])), 422, "invalid-document", &["$.lines"]),
        (with(|cart| cart["lines"] = json!(vec![json!({}); 5_001])), 422, "invalid-document", &["$.lines"]),
        (with(|cart| cart["lines"][1]["line_id"] = json!("1")), 422, "invalid-document", &["$.lines[1].line_id"]),
        (
            with(|cart| {
                cart["lines"][0]["program_discount"] = json!("1.00");
                cart["lines"][1]["paid_with_points"] = json!("0.00");
            }),
            422,
            "invalid-document",
            // A quote tells these; what the first is a part of is not stated either.
            &["$.lines[0].program_discount", "$.lines[0].discount", "$.lines[1].paid_with_points"],
        ),
        (
            with(|cart| {
                cart["lines"][0]["quantity"] = json!(-1);
                cart["lines"][1]["quantity"] = json!(0);
                cart["discount_codes"] = json!(["not a code"]);
                cart["points"] = json!(-1);
                cart["placed_at"] = json!("2011-03-01T12:00:00Z");
            }),
            422,
            "invalid-document",
            &["$.placed_at", "$.lines[0].quantity", "$.lines[1].quantity", "$.discount_codes[0]", "$.points"],
        ),
    ];
    for (body, status, kind, paths) in rows {
        let reply = cloud.request("POST", "/v1/quotes", body.clone()).await.expect_problem(status, kind);
        if !paths.is_empty() {
            assert_eq!(reply.fault_paths(), paths, "{body:.200}");
        }
    }
    let queried = cloud.request("POST", "/v1/quotes?dry_run=true", cart().to_string()).await;
    assert_eq!(queried.status(), 400);
}
