//! Earning rules over HTTP: a program with one of each put in force, orders that make each fire and fail, what their
//! receipts say, and what a return, an amendment and a credit note make of them.

use serde_json::{Value, json};
use tests::{Cloud, Order, Reply, WHOLESALE};

const VERSIONS: &str = "/v1/program/versions";
/// A Tuesday.
const PLACED: &str = "2011-03-01T12:02:00Z";

fn rules() -> Value {
    json!([
        {"id": "base", "name": "Points", "points": 1, "per": "1.00"},
        {"id": "tea-units", "name": "A point a case of tea", "points": 5, "per_units": 12,
         "lines": {"categories": {"include": ["tea"]}, "skus": {"exclude": ["TEA-OLD"]}}},
        {"id": "leaf", "name": "Triple on Leaf", "multiplier": "3", "rounding": "half_up",
         "lines": {"brands": {"include": ["Leaf"]}}},
        {"id": "bulk", "name": "Bulk lines", "points": 1, "per": "10.00", "rounded_per": "line",
         "tier_multiplier": false, "lines": {"minimum_quantity": 50}, "maximum_points": 40},
        {"id": "welcome", "name": "First order", "points": 100, "when": {"first_order": true, "minimum_total": "50.00"}},
        {"id": "third", "name": "Every third order", "points": 30, "when": {"order_number": {"every": 3}}},
        {"id": "loyal", "name": "Three orders in three months", "points": 25,
         "when": {"orders_at_least": {"orders": 3, "months": 3}}},
        {"id": "big-spender", "name": "Spent 500 in two months", "points": 20,
         "when": {"spend_at_least": {"amount": "500.00", "months": 2}}},
        {"id": "web", "name": "Web shop", "points": 5, "group": "channel", "when": {"sources": {"include": ["web"]}}},
        {"id": "resellers", "name": "Resellers", "points": 15, "group": "channel",
         "when": {"segments": {"include": ["reseller"]}}},
        {"id": "silver", "name": "Silver and up", "points": 7, "when": {"tiers": {"exclude": ["member"]}}},
        {"id": "night", "name": "Night orders", "points": 3, "when": {"hours": {"from": "22:00", "until": "06:00"}}},
        {"id": "spring", "name": "Spring weekends", "points": 11, "stop": true,
         "when": {"from": "2011-03-01", "until": "2011-05-31", "weekdays": ["saturday", "sunday"]}},
        {"id": "units", "name": "Twenty units", "points": 2, "when": {"minimum_units": 20}}
    ])
}

/// A cloud in which these rules were stored, put in force, and are known of everywhere.
async fn cloud_with(rules: Value) -> Cloud {
    let cloud = Cloud::start().await;
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["earning_rules"] = rules;
    let version = cloud.request("POST", VERSIONS, document.to_string()).await.expect(201).number("version");
    cloud.put("/v1/program/active", &json!({"version": version})).await.expect(200);
    cloud.minute_passes().await;
    cloud.set_clock(PLACED);
    cloud
}

fn order(cloud: &Cloud, id: &str) -> Order {
    cloud.order(id).placed(PLACED)
}

/// One line with what describes it.
fn line(number: u64, sku: &str, quantity: u64, unit_price: &str, more: &Value) -> Value {
    let mut line = json!({"line_id": number.to_string(), "sku": sku, "quantity": quantity, "unit_price": unit_price});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

type Fired = Vec<(String, i64)>;
type Missed = Vec<(String, String)>;

/// The rules that fired with their points, and those that did not with the condition that failed.
fn told(receipt: &Reply) -> (Fired, Missed) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (mut fired, mut missed) = (Vec::new(), Vec::new());
    for reason in receipt["reasons"].as_array().unwrap() {
        match (reason["id"].as_str().unwrap(), &reason["rule"]) {
            ("earning.fired" | "earning.capped", rule) => fired.push((text(rule), reason["points"].as_i64().unwrap())),
            ("earning.missed", rule) => missed.push((text(rule), text(&reason["condition"]))),
            _ => {}
        }
    }
    let sum: i64 = fired.iter().map(|(_, points)| points).sum();
    assert_eq!(sum, receipt.number("points"), "the receipt adds up");
    (fired, missed)
}

fn fired(receipt: &Reply) -> Fired {
    told(receipt).0
}

fn points(all: &[(&str, i64)]) -> Fired {
    all.iter().map(|(rule, points)| ((*rule).to_owned(), *points)).collect()
}

fn text_of(receipt: &Reply, rule: &str) -> String {
    let reasons = receipt["reasons"].as_array().unwrap();
    reasons.iter().find(|reason| reason["rule"] == rule).unwrap()["text"].as_str().unwrap().to_owned()
}

fn first_lines() -> Value {
    let leaf = json!({"category": "tea", "brand": "Leaf"});
    json!([
        line(1, "TEA-GREEN", 18, "3.55", &leaf), // 63.90
        line(2, "TEA-OLD", 12, "1.00", &json!({"category": "tea"})),
        line(3, "MUG", 60, "2.25", &json!({})), // 135.00
        line(4, "POST", 1, "9.90", &json!({})),
    ])
}

#[tokio::test]
async fn every_rule_that_fires_tells_its_arithmetic_and_every_other_why_not() {
    let cloud = cloud_with(rules()).await;
    let first = order(&cloud, "o-1").set("lines", first_lines());
    let tried = first.tried("").await.expect(201);
    let receipt = first.send().await.expect(201);
    assert_eq!(tried.json(), receipt.json(), "a dry run says what the order comes to");
    let (gave, missed) = told(&receipt);
    let expected = [("base", 210), ("tea-units", 5), ("leaf", 128), ("bulk", 13), ("welcome", 100), ("units", 2)];
    assert_eq!(gave, points(&expected));
    let conditions = [
        ("third", "order_number"),
        ("loyal", "orders_at_least"),
        ("big-spender", "spend_at_least"),
        ("web", "sources"),
        ("resellers", "segments"),
        ("silver", "tiers"),
        ("night", "hours"),
        ("spring", "weekdays"),
    ];
    let conditions: Vec<_> = conditions.map(|(rule, name)| (rule.to_owned(), name.to_owned())).into();
    assert_eq!(missed, conditions);
    for (rule, text) in [
        ("base", "Points: 210.90 GBP × 1 per 1.00 GBP × 1 (Member), rounded down = 210 points."),
        ("tea-units", "A point a case of tea: 18 units on the lines that count × 5 per 12 units = 5 points."),
        (
            "leaf",
            "Triple on Leaf: 63.9 points of the rules before it on the lines that count × 3, less those points \
             themselves, rounded half up = 128 points.",
        ),
        (
            "bulk",
            "Bulk lines: 135.00 GBP on the lines that count × 1 per 10.00 GBP, rounded down, line by line = 13 points.",
        ),
        ("welcome", "First order: 100 per order = 100 points."),
        ("third", "Every third order: no points, because the order's number is no multiple of 3."),
        (
            "loyal",
            "Three orders in three months: no points, because the account had placed fewer than 3 orders before it in \
             3 months, its own included.",
        ),
        ("web", "Web shop: no points, because the order's source must be web."),
        ("night", "Night orders: no points, because the order was not placed between 22:00 and 06:00."),
        ("spring", "Spring weekends: no points, because the order was not placed on Saturday, Sunday."),
    ] {
        assert_eq!(text_of(&receipt, rule), text);
    }
    let arithmetic = json!({
        "amount": {"amount": "63.90", "currency": "GBP"}, "units": 18, "terms": "× 3", "base": "63.9",
        "rounding": "half_up", "rounded_per": "order", "points": 128,
    });
    assert_eq!(receipt["reasons"][2]["arithmetic"], arithmetic);
    // Asked for later it says the same.
    assert_eq!(first.score().await.expect(200).json(), receipt.json());
    cloud.audit().await;
}

#[tokio::test]
async fn rules_fire_by_what_the_account_was_before_the_order() {
    let cloud = cloud_with(rules()).await;
    let mug = |id: &str, quantity: u64| order(&cloud, id).line("MUG", quantity, "10.00");
    assert_eq!(fired(&mug("o-1", 4).send().await.expect(201)), points(&[("base", 40)])); // below the welcome's minimum
    assert_eq!(fired(&mug("o-2", 1).send().await.expect(201)), points(&[("base", 10)]));
    let third = mug("o-3", 150).send().await.expect(201);
    assert_eq!(fired(&third), points(&[("base", 1500), ("bulk", 40), ("third", 30), ("units", 2)]));
    let capped = "Bulk lines: 1500.00 GBP on the lines that count × 1 per 10.00 GBP, rounded down, line by line = 150, \
                  of which an order is given 40 at most: 40 points.";
    assert_eq!((text_of(&third, "bulk").as_str(), &third["reasons"][3]["id"]), (capped, &json!("earning.capped")));
    assert_eq!(third["reasons"][3]["arithmetic"]["capped_at"], 40);
    cloud.account("acme").put(json!({"name": "Acme", "segments": ["reseller"]})).await.expect(200);
    let fourth = mug("o-4", 1).set("source", json!("web")).send().await.expect(201);
    let expected = [("base", 12), ("loyal", 25), ("big-spender", 20), ("resellers", 15), ("silver", 7)];
    assert_eq!(fired(&fourth), points(&expected));
    let outdone = "Web shop: no points, because another rule of its group gives more, or as much before it.";
    assert_eq!(text_of(&fourth, "web"), outdone);
    // A Saturday, in the night: what stands after the rule that stops does not fire.
    cloud.set_clock("2011-03-05T23:00:00Z");
    let saturday = mug("o-5", 20).placed("2011-03-05T22:30:00Z").send().await.expect(201);
    let (gave, missed) = told(&saturday);
    assert_eq!(gave[5..], points(&[("night", 3), ("spring", 11)]));
    assert_eq!(missed.last().unwrap(), &("units".to_owned(), "stopped".to_owned()));
    cloud.audit().await;
}

#[tokio::test]
async fn what_comes_back_is_reckoned_by_what_the_account_was_when_it_bought() {
    let cloud = cloud_with(rules()).await;
    let first = order(&cloud, "o-1").set("lines", first_lines());
    first.send().await.expect(201);
    // By now it has ordered before, and is in another segment: nothing of that counts for the first order.
    cloud.account("acme").put(json!({"name": "Acme", "segments": ["reseller"]})).await.expect(200);
    order(&cloud, "o-2").line("MUG", 200, "10.00").send().await.expect(201);
    // 7 units of Leaf: 39.05 are kept of 63.90, and 11 units are no case. 210.90 − 24.85 = 186.05 in all.
    let back = first.returned("r-1").at(PLACED).units("1", 7).send().await.expect(201);
    assert_eq!(back.number("points_reversed"), (210 - 186) + 5 + (128 - 78));
    // What is left of the mugs is no bulk line.
    let back = first.returned("r-2").at(PLACED).units("3", 59).send().await.expect(201);
    let kept = 18_605 - 59 * 225; // 53.30
    assert_eq!(back.number("points_reversed"), 186 - kept / 100 + 13);
    // And then the order is below the minimum of a first one, and has too few units.
    let back = first.returned("r-3").at(PLACED).units("2", 12).send().await.expect(201);
    assert_eq!(back.number("points_reversed"), 12 + 100 + 2);
    let rest = first.returned("r-4").at(PLACED).units("1", 11).units("3", 1).units("4", 1).send().await.expect(201);
    let left = 458 - (24 + 5 + 50) - (186 - 53 + 13) - 114;
    assert_eq!(rest.number("points_reversed"), left);
    cloud.audit().await;
}

#[tokio::test]
async fn an_amendment_is_reckoned_by_what_the_account_was_at_first() {
    let cloud = cloud_with(rules()).await;
    let first = order(&cloud, "o-1").line("MUG", 10, "3.00");
    let before = first.send().await.expect(201);
    assert_eq!(told(&before).1[3], ("welcome".to_owned(), "minimum_total".to_owned()));
    order(&cloud, "o-2").line("MUG", 5, "10.00").send().await.expect(201);
    let more = first.amended(1).line("MUG", 20, "3.00");
    let after = more.put().await.expect(200);
    // It was its first order, and is by now large enough.
    assert_eq!(fired(&after), points(&[("base", 60), ("welcome", 100), ("units", 2)]));
    assert_eq!(after["amended"]["points"], 132);
    // What the account ruled out stays out, with the reason of then.
    let third = ("third".to_owned(), "order_number".to_owned());
    assert!(told(&after).1.contains(&third));
    let second = order(&cloud, "o-2").amended(1).line("MUG", 30, "10.00").put().await.expect(200);
    assert!(told(&second).1.contains(&("welcome".to_owned(), "first_order".to_owned())));
    cloud.account("acme").credit_note("c-1").at(PLACED).units("MUG", 50).send().await.expect(201);
    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!(standing["points"]["balance"], 0, "{}", standing.json());
    cloud.audit().await;
}

#[tokio::test]
async fn a_return_gives_nothing_though_less_would_have_earned_more() {
    let cloud = cloud_with(json!([
        {"id": "large", "name": "Large orders", "points": 10, "stop": true, "when": {"minimum_total": "100.00"}},
        {"id": "base", "name": "Points", "points": 1, "per": "1.00"},
    ]))
    .await;
    let large = order(&cloud, "o-1").line("MUG", 10, "10.00");
    assert_eq!(fired(&large.send().await.expect(201)), points(&[("large", 10)]));
    let back = large.returned("r-1").at(PLACED).units("1", 1).send().await.expect(201);
    assert_eq!(back.number("points_reversed"), 0);
    let back = large.returned("r-2").at(PLACED).units("1", 8).send().await.expect(201);
    assert_eq!(back.number("points_reversed"), 0);
    // Stated anew it is worth what it would have been, less what came back.
    let more = large.amended(1).line("MUG", 10, "10.00").line("CUP", 1, "1.00").put().await.expect(200);
    assert_eq!((more.number("points"), &more["amended"]["points"]), (10, &json!(0)));
    large.returned("r-3").at(PLACED).units("1", 1).units("2", 1).send().await.expect(201);
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 0);
    cloud.audit().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_rule_is_told_with_its_path() {
    let cloud = Cloud::start().await;
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["earning_rules"] = json!([
        {"id": "a", "name": "A", "points": 1, "per": "1.00", "multiplier": "2"},
        {"id": "b", "name": "B", "points": 1, "lines": {"skus": {"include": []}, "colours": {}}},
        {"id": "c", "name": "C", "points": 1, "when": {"segments": {"include": ["x"], "exclude": ["x"]}}},
        {"id": "d", "name": "D", "multiplier": "1"},
        {"id": "e", "name": "E", "points": 1, "when": {"hours": {"from": "9:00", "until": "25:00"}, "weekdays": ["monday", "someday"]}},
        {"id": "f", "name": "F", "points": 1, "per": "1.00", "per_units": 2},
        {"id": "g", "name": "G", "points": 1, "rounded_per": "line", "stop": "yes"},
    ]);
    let refused = cloud.request("POST", VERSIONS, document.to_string()).await.expect_problem(422, "invalid-document");
    let expected = [
        "$.earning_rules[0].points",
        "$.earning_rules[0].per",
        "$.earning_rules[1].lines.colours",
        "$.earning_rules[1].lines.skus.include",
        "$.earning_rules[2].when.segments.exclude[0]",
        "$.earning_rules[3].multiplier",
        "$.earning_rules[4].when.weekdays[1]",
        "$.earning_rules[4].when.hours.from",
        "$.earning_rules[4].when.hours.until",
        "$.earning_rules[5].per_units",
        "$.earning_rules[6].stop",
        "$.earning_rules[6].rounded_per",
    ];
    assert_eq!(refused.fault_paths(), expected);
    document["earning_rules"] = json!([
        {"id": "all", "name": "All", "points": 5, "stop": true},
        {"id": "never", "name": "Never", "points": 1, "when": {"from": "2011-06-02", "until": "2011-06-01"}},
    ]);
    let refused = cloud.request("POST", VERSIONS, document.to_string()).await.expect_problem(422, "invalid-document");
    assert_eq!(refused.fault_paths(), ["$.earning_rules[1].when.until", "$.earning_rules[1]"]);
    let reason = "all, before it, fires wherever it would and stops what comes after";
    assert_eq!(refused["faults"][1]["message"], reason);
}

#[tokio::test]
async fn tax_is_eligible_as_the_program_says_and_comes_back_with_its_units() {
    for (tax, eligible, after) in [("as_stated", "120.00", 80), ("subtract", "100.00", 66), ("add", "140.00", 93)] {
        let cloud = Cloud::with(|program| program["eligibility"]["tax"] = json!(tax)).await;
        let lines = json!([{"line_id": "1", "sku": "MUG", "quantity": 3, "amount": "120.00", "tax": "20.00"}]);
        let order = cloud.order("o-1").set("lines", lines);
        let receipt = order.send().await.expect(201);
        assert_eq!(
            (&receipt["eligible_total"]["amount"], &receipt["total"]["amount"]),
            (&json!(eligible), &json!("120.00"))
        );
        order.returned("r-1").units("1", 1).send().await.expect(201);
        assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], after, "{tax}");
        cloud.audit().await;
    }
    let refused = Cloud::start().await;
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["eligibility"]["tax"] = json!("net");
    let answer = refused.request("POST", VERSIONS, document.to_string()).await.expect_problem(422, "invalid-document");
    assert_eq!(answer.fault_paths(), ["$.eligibility.tax"]);
}

#[tokio::test]
async fn what_is_not_paid_in_money_is_eligible_as_the_program_says_and_comes_back_with_its_units() {
    let lines = json!([
        {"line_id": "1", "sku": "MUG", "quantity": 3, "amount": "120.00", "discount": "30.00",
         "program_discount": "12.00", "paid_with_points": "15.00"},
        {"line_id": "2", "sku": "CUP", "quantity": 1, "amount": "5.00", "discount": "5.00", "paid_with_points": "5.00"},
    ]);
    let unpaid = json!([{"line_id": "2", "sku": "CUP", "reason": "paid_with_points"}]);
    for (paid_with, eligible, points, after, ineligible) in [
        (json!(null), "90.00", 90, 60, &unpaid),
        (json!(["money"]), "90.00", 90, 60, &unpaid),
        (json!(["money", "points"]), "110.00", 110, 75, &json!([])),
        (json!(["discounts", "money"]), "102.00", 102, 68, &unpaid),
        (json!(["money", "points", "discounts"]), "122.00", 122, 83, &json!([])),
    ] {
        let cloud = Cloud::with(|program| {
            program["eligibility"]["paid_with"] = paid_with.clone();
            program["points"]["exchange"] = json!({"value": "0.01"});
            program["metrics"]["point_value"] = Value::Null;
        })
        .await;
        let order = cloud.order("o-1").set("lines", lines.clone());
        let tried = cloud.request("POST", "/v1/orders?dry_run=true", order.document().to_string()).await.expect(201);
        let receipt = order.send().await.expect(201);
        assert_eq!(tried.body(), receipt.body());
        let totals = (&receipt["eligible_total"]["amount"], &receipt["total"]["amount"], &receipt["points"]);
        assert_eq!(totals, (&json!(eligible), &json!("90.00"), &json!(points)), "{paid_with}");
        assert_eq!(receipt["reasons"][0]["arithmetic"]["amount"]["amount"], eligible, "{paid_with}");
        assert_eq!(receipt.json().get("ineligible_lines").unwrap_or(&json!([])), ineligible, "{paid_with}");
        order.send().await.expect(200);
        let mut other = lines.clone();
        (other[0]["program_discount"], other[0]["paid_with_points"]) = (json!("12.01"), json!("14.99"));
        let differs = cloud.order("o-1").set("lines", other).send().await.expect_problem(409, "content-differs");
        assert_eq!(differs["differences"], json!(["$.lines[0].paid_with_points", "$.lines[0].program_discount"]));
        order.returned("r-1").units("1", 1).send().await.expect(201);
        let account = cloud.account("acme").standing().await.expect(200);
        assert_eq!(account["points"]["balance"], after, "{paid_with}");
        order.returned("r-2").units("1", 2).units("2", 1).send().await.expect(201);
        assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 0, "{paid_with}");
        cloud.audit().await;
    }
}

#[tokio::test]
async fn what_counts_earns_and_qualifies_alike() {
    let cloud = Cloud::with(|program| {
        program["eligibility"]["paid_with"] = json!(["money", "points"]);
        program["points"]["exchange"] = json!({"value": "0.01"});
        program["metrics"]["point_value"] = Value::Null;
    })
    .await;
    // Half of it in money: silver from 1,000.00 on, and a discount for the next purchase from 500.00.
    let lines = json!([{"line_id": "1", "sku": "MUG", "quantity": 1, "amount": "1000.00", "discount": "500.01",
                        "paid_with_points": "500.01"}]);
    let receipt = cloud.order("o-1").set("lines", lines).send().await.expect(201);
    assert_eq!((&receipt["points"], &receipt["tier"]["after"]), (&json!(1_000), &json!("silver")));
    assert_eq!(receipt["discounts_issued"].as_array().map(Vec::len), Some(1));
    assert_eq!(receipt["total"]["amount"], "499.99");
}

/// Fifty rules: as many as a program can have, of kinds that fire and kinds that do not.
fn fifty_rules() -> Value {
    let rule = |number: usize| {
        let says = match number % 4 {
            0 => json!({"points": 1, "per": "10.00"}),
            1 => json!({"points": 2, "per_units": 12, "lines": {"minimum_quantity": 6}}),
            2 => json!({"points": 3, "when": {"segments": {"include": ["vip"]}}}),
            _ => json!({"points": 4, "when": {"orders_at_least": {"orders": 5, "months": 12}}}),
        };
        let mut rule = json!({"id": format!("r-{number}"), "name": format!("Rule {number}")});
        rule.as_object_mut().unwrap().extend(says.as_object().unwrap().clone());
        rule
    };
    (0..50).map(rule).collect()
}

#[tokio::test]
async fn a_plain_order_costs_the_same_under_fifty_rules() {
    let cloud = Cloud::with(|program| program["earning_rules"] = fifty_rules()).await;
    if !cloud.is_embedded() {
        return;
    }
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).lines(20).send().await.expect(201);
    }
    let (reply, cost) = cloud.units(cloud.order("o-1").lines(20).send()).await;
    let (fired, missed) = told(&reply.expect(201));
    assert_eq!((fired.len(), missed.len()), (38, 12));
    assert_eq!((cost.read_halves, cost.write_halves, cost.requests), (1, 12, 2));
}
