//! Returns and cancellations: what an order gave is undone exactly, whatever comes, and in whatever order.

use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Cloud, Order, Reply, TakeBack};

/// Where the points of a reversal came from.
fn taken(pending: i64, own_lot: i64, other_lots: i64) -> Value {
    json!({"pending": pending, "own_lot": own_lot, "other_lots": other_lots})
}

/// What a receipt says became of the points: reversed, owed, unrecovered, lapsed.
fn outcome(receipt: &Reply) -> (i64, i64, i64, i64) {
    let field = |name: &str| receipt.number(name);
    (field("points_reversed"), field("points_owed"), field("points_unrecovered"), field("points_lapsed"))
}

/// Ten mugs at 12.50 and postage: 125 points.
fn ten_mugs(cloud: &Cloud) -> Order {
    cloud.order("o-1").line("MUG", 10, "12.50").line("POST", 1, "9.00")
}

fn with_shortfall(shortfall: &'static str) -> impl FnOnce(&mut Value) {
    move |program| program["points"]["shortfall"] = json!(shortfall)
}

async fn balance(cloud: &Cloud) -> i64 {
    cloud.account("acme").standing().await.expect(200)["points"]["balance"].as_i64().unwrap()
}

#[tokio::test]
async fn a_partial_return_takes_back_what_is_not_earned_any_more() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    let score = order.send().await.expect(201);
    let back = order.returned("r-1").units("1", 3).units("2", 1).send().await.expect(201);
    // 7 × 12.50 = 87.50 is kept, which earns 87 of the 125 points.
    assert_eq!(outcome(&back), (38, 0, 0, 0));
    assert_eq!(back["taken"], taken(0, 38, 0));
    assert_eq!((&back["source"], &back["order_id"]), (&json!("shop"), &json!("o-1")));
    assert_eq!((&back["return_id"], &back["account_id"]), (&json!("r-1"), &json!("acme")));
    assert_eq!(back["lines"], json!([{"line_id": "1", "quantity": 3}, {"line_id": "2", "quantity": 1}]));
    assert_eq!(back["eligible"], json!({"amount": "37.50", "currency": "GBP"}));
    assert_eq!((&back["excess_units"], &back["program_version"]), (&json!(0), &json!(1)));
    assert_eq!((&back["entry"], &back["balance"]), (&json!(2), &json!(87)));
    assert_eq!(back["decided_at"], "2011-03-01T12:00:00Z");
    let text = back["text"].as_str().unwrap();
    assert!(text.starts_with("37.50 GBP of the order came back: 38 points were taken back"), "{text}");

    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&standing["points"]["balance"], &standing["orders"]), (&json!(87), &json!(1)));
    assert_eq!(standing["revenue"]["amount"], "87.50");
    let entry = &cloud.account("acme").history().await[0];
    assert_eq!(
        entry["cause"],
        json!({
            "kind": "order_returned", "source": "shop", "order_id": "o-1", "return_id": "r-1",
        })
    );
    assert_eq!((&entry["by"], &entry["points"], &entry["balance"]), (&json!("operator"), &json!(-38), &json!(87)));
    let kinds: Vec<_> = entry["changes"].as_array().unwrap().iter().map(|change| &change["type"]).collect();
    assert_eq!(kinds, ["order.returned", "points.reversed"]);
    // The order's first answer stands.
    assert_eq!(order.score().await.expect(200).body(), score.body());
    assert_eq!(order.send().await.expect(200).body(), score.body());
    cloud.audit().await;
}

#[tokio::test]
async fn the_tier_stays_and_the_qualifying_spend_of_the_orders_month_falls() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").placed("2011-02-10T12:00:00Z").line("MUG", 12, "100.00");
    assert_eq!(order.send().await.expect(201)["tier"]["after"], "silver");
    order.returned("r-1").units("1", 5).send().await.expect(201);
    let tier = cloud.account("acme").standing().await.expect(200)["tier"].clone();
    assert_eq!((&tier["id"], &tier["qualifying_spend"]["amount"]), (&json!("silver"), &json!("700.00")));
    assert_eq!(tier["next"]["missing"]["amount"], "4300.00");
    // It left the month of the order, not the month of the return.
    cloud.set_clock("2012-01-31T12:00:00Z");
    let tier = cloud.account("acme").standing().await.expect(200)["tier"].clone();
    assert_eq!(tier["qualifying_spend"]["amount"], "700.00");
    cloud.set_clock("2012-02-01T12:00:00Z");
    let tier = cloud.account("acme").standing().await.expect(200)["tier"].clone();
    assert_eq!(tier["qualifying_spend"]["amount"], "0.00");
}

#[tokio::test]
async fn a_return_follows_the_rules_of_its_orders_day() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    let mut richer: Value = serde_json::from_str(tests::WHOLESALE).unwrap();
    richer["earning_rules"][0]["points"] = json!(3);
    cloud.activate_from(richer, "2011-03-02T00:00:00Z").await;
    // A tier held by now multiplies nothing back either.
    cloud.order("o-2").line("MUG", 1, "6000.00").send().await.expect(201);
    cloud.set_clock("2011-03-05T12:00:00Z");
    let back = order.returned("r-1").at("2011-03-05T10:00:00Z").units("1", 10).send().await.expect(201);
    assert_eq!((outcome(&back), &back["program_version"]), ((125, 0, 0, 0), &json!(1)));
}

#[tokio::test]
async fn the_same_return_again_gets_the_first_answer_and_writes_nothing() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    let back = order.returned("r-1").units("1", 3);
    let first = back.send().await.expect(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    order.returned("r-2").units("1", 2).send().await.expect(201);
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest, Staleness::Behind(1), Staleness::Behind(2)] {
        cloud.stale_reads(staleness);
        cloud.set_clock("2014-01-01T00:00:00Z");
        // Another spelling of the same instant is the same.
        for again in [back.clone(), back.clone().at("2011-03-01T13:00:00+01:00")] {
            let again = again.send().await.expect(200);
            assert_eq!(again.body(), first.body());
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
        }
        for other in [back.clone().units("2", 1), back.clone().at("2011-03-01T12:00:01Z")] {
            other.send().await.expect_problem(409, "content-differs");
        }
        let more = order.returned("r-1").units("1", 4);
        more.send().await.expect_problem(409, "content-differs");
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn more_than_was_bought_is_refused_by_line() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud).line("CUP", 4, "1.00");
    order.send().await.expect(201);
    order.returned("r-1").units("1", 8).send().await.expect(201);
    let before = cloud.tables().await;
    let back = order.returned("r-2").units("3", 5).units("none", 1).units("2", 1).units("1", 3);
    let refused = back.send().await.expect_problem(422, "invalid-document");
    assert_eq!(refused.fault_paths(), ["$.lines[0].quantity", "$.lines[1].line_id", "$.lines[3].quantity"]);
    let codes: Vec<_> = refused["faults"].as_array().unwrap().iter().map(|fault| &fault["code"]).collect();
    assert_eq!(codes, ["more_than_bought", "unknown_line", "more_than_bought"]);
    assert_eq!(refused["faults"][2]["message"], "only 2 units are left to return");
    assert_eq!(cloud.tables().await, before);
    // Nothing was kept of the refusal: the same number may come again, corrected.
    order.returned("r-2").units("3", 4).units("2", 1).units("1", 2).send().await.expect(201);
}

type Change = fn(TakeBack) -> TakeBack;

/// Faults of a return of `ten_mugs`: name, what is done to it, status, kind, paths.
fn bad_returns() -> Vec<(&'static str, Change, u16, &'static str, &'static [&'static str])> {
    fn line(quantity: Value) -> Value {
        json!([{"line_id": "1", "quantity": quantity}])
    }
    fn many(count: usize) -> Value {
        (0..count).map(|n| json!({"line_id": n.to_string(), "quantity": 1})).collect()
    }
    const INVALID: &str = "invalid-document";
    const LINES: &[&str] = &["$.lines"];
    const QUANTITY: &[&str] = &["$.lines[0].quantity"];
    vec![
        ("nothing", |r| r.set("return_id", json!(null)), 422, INVALID, &["$.return_id"]),
        ("an id with #", |r| r.set("return_id", json!("a#b")), 422, INVALID, &["$.return_id"]),
        ("an id of 65", |r| r.set("return_id", json!("x".repeat(65))), 422, INVALID, &["$.return_id"]),
        ("no time", |r| r.set("returned_at", json!(null)), 422, INVALID, &["$.returned_at"]),
        ("a date", |r| r.at("2011-03-01"), 422, INVALID, &["$.returned_at"]),
        ("no lines", |r| r.set("lines", json!(null)), 422, INVALID, LINES),
        ("empty lines", |r| r.set("lines", json!([])), 422, INVALID, LINES),
        ("5,001 lines", |r| r.set("lines", many(5_001)), 422, INVALID, LINES),
        ("a line that is none", |r| r.set("lines", json!(["1"])), 422, INVALID, &["$.lines[0]"]),
        (
            "a line without anything",
            |r| r.set("lines", json!([{}])),
            422,
            INVALID,
            &["$.lines[0].line_id", "$.lines[0].quantity"],
        ),
        ("zero", |r| r.set("lines", line(json!(0))), 422, INVALID, QUANTITY),
        ("less than zero", |r| r.set("lines", line(json!(-1))), 422, INVALID, QUANTITY),
        ("half a mug", |r| r.set("lines", line(json!(0.5))), 422, INVALID, QUANTITY),
        ("a text", |r| r.set("lines", line(json!("1"))), 422, INVALID, QUANTITY),
        ("huge", |r| r.set("lines", line(json!(1_000_000_001))), 422, INVALID, QUANTITY),
        ("beyond 64 bits", |r| r.set("lines", line(json!(1e30))), 422, INVALID, QUANTITY),
        ("one too many", |r| r.set("lines", line(json!(11))), 422, INVALID, QUANTITY),
        ("a line twice", |r| r.units("1", 1), 422, INVALID, &["$.lines[1].line_id"]),
        ("an unknown line", |r| r.units("9", 1), 422, INVALID, &["$.lines[1].line_id"]),
        ("an unknown field", |r| r.set("reason", json!("broken")), 422, INVALID, &["$.reason"]),
        ("before its order", |r| r.at("2011-03-01T11:59:59.999Z"), 422, "returned-before-order", &["$.returned_at"]),
        ("in a year", |r| r.at("2012-03-01T12:00:00Z"), 422, "returned-in-future", &["$.returned_at"]),
    ]
}

#[tokio::test]
async fn a_bad_return_is_answered_with_what_is_wrong_and_where_and_changes_nothing() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    let before = cloud.tables().await;
    let mut wrong = Vec::new();
    for (name, change, status, kind, paths) in bad_returns() {
        let reply = change(order.returned("r-1").units("1", 1)).send().await;
        let said = (reply.status(), reply["type"].as_str().unwrap_or_default().to_owned(), reply.fault_paths());
        let expected = (status, format!("/problems/{kind}"), paths.iter().map(ToString::to_string).collect());
        if said != expected {
            wrong.push(format!("{name}: {said:?}, not {expected:?}"));
        }
        assert_eq!(cloud.tables().await, before, "{name} was written");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for body in ["", "{", "[1,2"] {
        let reply = cloud.request("POST", &order.returned("r-1").target(), body).await;
        reply.expect_problem(400, "not-json");
    }
    for target in
        ["/v1/orders/a%23b/o-1/returns", "/v1/orders/shop/a%23b/returns", "/v1/orders/shop/a%23b/cancellation"]
    {
        cloud.request("POST", target, "{}").await.expect_problem(400, "invalid-parameter");
    }
    for (name, cancellation) in [
        ("no time", order.cancelled().set("cancelled_at", json!(null))),
        ("an unknown field", order.cancelled().set("reason", json!("no"))),
    ] {
        let reply = cancellation.send().await;
        assert_eq!(reply.status(), 422, "{name}: {}", reply.json());
    }
    order.cancelled().at("2011-03-01T11:00:00Z").send().await.expect_problem(422, "returned-before-order");
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn a_full_return_in_parts_nets_to_zero() {
    let cloud = Cloud::start().await;
    cloud.order("o-0").line("MUG", 1, "1500.00").send().await.expect(201);
    let standing = cloud.account("acme").standing().await.expect(200);
    // Prices that round, under a multiplier: 1.25.
    let order = cloud.order("o-1").line("MUG", 7, "3.333").line("CUP", 5, "0.999999").line("POST", 2, "4.50");
    let awarded = order.send().await.expect(201).number("points");
    assert!(awarded > 0);
    let parts = [("1", 1), ("2", 3), ("1", 2), ("3", 1), ("1", 4), ("2", 2), ("3", 1)];
    let mut reversed = 0;
    for (n, (line, units)) in parts.into_iter().enumerate() {
        let back = order.returned(&format!("r-{n}")).units(line, units).send().await.expect(201);
        let (part, owed, unrecovered, lapsed) = outcome(&back);
        assert_eq!((owed, unrecovered, lapsed), (0, 0, 0));
        assert!(part >= 0, "{part}");
        reversed += part;
    }
    assert_eq!(reversed, awarded);
    let after = cloud.account("acme").standing().await.expect(200);
    assert_eq!(after["points"], standing["points"]);
    assert_eq!((&after["tier"], &after["revenue"]), (&standing["tier"], &standing["revenue"]));
    // A returned order still counts as an order.
    assert_eq!((&after["orders"], &standing["orders"]), (&json!(2), &json!(1)));
    let refused = order.returned("r-9").units("1", 1).send().await.expect_problem(422, "invalid-document");
    assert_eq!(refused.fault_paths(), ["$.lines[0].quantity"]);
    cloud.audit().await;
}

#[tokio::test]
async fn after_the_points_ended_nothing_is_taken() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    order.returned("r-1").units("1", 3).send().await.expect(201);
    // The very instant at which they end; points of a later order are there to be taken, and are not.
    cloud.set_clock("2013-03-31T23:00:00Z");
    cloud.order("o-2").placed("2013-03-31T23:00:00Z").line("MUG", 1, "50.00").send().await.expect(201);
    let back = order.returned("r-2").at("2013-03-31T23:00:00Z").units("1", 4).send().await.expect(201);
    assert_eq!(outcome(&back), (0, 0, 0, 50));
    let rest = order.cancelled().at("2013-03-31T23:00:00Z").send().await.expect(201);
    // 125 awarded = 38 reversed + 87 lapsed.
    assert_eq!((outcome(&rest), rest.number("balance")), ((0, 0, 0, 37), 50));
    assert_eq!(balance(&cloud).await, 50);
    cloud.audit().await;
}

#[tokio::test]
async fn a_millisecond_before_the_points_end_they_are_taken() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    cloud.set_clock("2013-03-31T22:59:59.999Z");
    let back = order.cancelled().send().await.expect(201);
    assert_eq!(outcome(&back), (125, 0, 0, 0));
}

#[tokio::test]
async fn a_cancellation_takes_the_rest_and_a_return_after_it_nothing() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    order.returned("r-1").units("1", 3).send().await.expect(201);
    let cancelled = order.cancelled().send().await.expect(201);
    assert_eq!((outcome(&cancelled), cancelled.number("balance")), ((87, 0, 0, 0), 0));
    assert_eq!((&cancelled["lines"], cancelled.number("units")), (&json!([]), 8));
    assert_eq!(cancelled["return_id"], Value::Null);
    let entry = cloud.account("acme").history().await.remove(0);
    assert_eq!(entry["cause"], json!({"kind": "order_cancelled", "source": "shop", "order_id": "o-1"}));

    let before = cloud.tables().await;
    assert_eq!(order.cancelled().send().await.expect(200).body(), cancelled.body());
    order.cancelled().at("2011-03-01T13:00:00Z").send().await.expect_problem(409, "content-differs");
    assert_eq!(cloud.tables().await, before);

    let late = order.returned("r-2").units("1", 2).send().await.expect(201);
    assert_eq!((outcome(&late), &late["lines"]), ((0, 0, 0, 0), &json!([])));
    assert_eq!((late.number("excess_units"), late["eligible"]["amount"].as_str()), (2, Some("0.00")));
    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&standing["points"]["balance"], &standing["revenue"]["amount"]), (&json!(0), &json!("0.00")));
    assert_eq!(standing["tier"]["qualifying_spend"]["amount"], "0.00");
    assert_eq!(cloud.audit().await.notes.len(), 0, "what comes back after the end is nothing to look at");
}

#[tokio::test]
async fn points_that_wait_are_taken_first() {
    let cloud = Cloud::with(|program| program["points"]["pending_days"] = json!(14)).await;
    cloud.order("o-0").placed("2011-01-05T12:00:00Z").line("MUG", 1, "200.00").send().await.expect(201);
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    let back = order.returned("r-1").units("1", 2).send().await.expect(201);
    assert_eq!((outcome(&back), back.number("balance")), ((25, 0, 0, 0), 200));
    assert_eq!(back["taken"], taken(25, 0, 0));
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["pending"], 100);

    // Once they can be spent they are the order's own lot.
    cloud.set_clock("2011-03-15T00:00:00Z");
    let back = order.returned("r-2").units("1", 4).send().await.expect(201);
    assert_eq!((&back["taken"], back.number("balance")), (&taken(0, 50, 0), 250));
    cloud.audit().await;
}

#[tokio::test]
async fn the_orders_own_lot_is_taken_before_the_others_and_these_the_earliest_end_first() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    let acme = cloud.account("acme");
    let give = async |key: &str, points: i64, ends: &str| {
        acme.adjust(key, json!({"points": points, "reason": "a test", "expires_at": ends})).await.expect(201);
    };
    give("later", 30, "2014-01-01T00:00:00Z").await;
    give("sooner", 20, "2012-01-01T00:00:00Z").await;
    // The 20 that end first go, then 40 of the order's own.
    acme.give(-60).await.expect(201);
    let back = order.returned("r-1").units("1", 8).send().await.expect(201);
    assert_eq!((outcome(&back), &back["taken"]), ((100, 0, 0, 0), &taken(0, 85, 15)));
    assert_eq!(
        acme.standing().await.expect(200)["points"]["next_expiry"],
        json!({
            "at": "2014-01-01T00:00:00Z", "points": 15,
        })
    );
    cloud.audit().await;
}

#[tokio::test]
async fn what_is_missing_is_owed_and_repaid_by_the_next_earnings() {
    let cloud = Cloud::with(with_shortfall("owe")).await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    let acme = cloud.account("acme");
    acme.give(-100).await.expect(201);
    let back = order.cancelled().send().await.expect(201);
    assert_eq!((outcome(&back), back["taken"].clone()), ((125, 100, 0, 0), taken(0, 25, 0)));
    assert!(back["text"].as_str().unwrap().contains("100 are owed and will be repaid by the next earnings"));
    assert!(back.number("balance") <= 0);

    let first = cloud.order("o-2").line("MUG", 1, "60.00").send().await.expect(201);
    assert_eq!(first.number("points"), 60);
    let changes = acme.history().await[0]["changes"].clone();
    assert!(changes.as_array().unwrap().contains(&json!({"type": "points.repaid", "points": 60})), "{changes}");
    let second = cloud.order("o-3").line("MUG", 1, "60.00").send().await.expect(201);
    assert_eq!((second.number("points"), second.number("balance")), (60, 20));
    assert_eq!(balance(&cloud).await, 20);
    cloud.audit().await;
}

#[tokio::test]
async fn what_is_missing_is_written_off_where_the_program_says_so() {
    let cloud = Cloud::with(with_shortfall("write_off")).await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    cloud.account("acme").give(-100).await.expect(201);
    let part = order.returned("r-1").units("1", 4).send().await.expect(201);
    // 50 were to be taken, 25 were there.
    assert_eq!((outcome(&part), part.number("balance")), ((25, 0, 25, 0), 0));
    let next = cloud.order("o-2").line("MUG", 1, "60.00").send().await.expect(201);
    assert_eq!(next.number("balance"), 60);
    // What was written off is settled: the rest of the order takes back its own 75 and no more. 125 = 85 + 40.
    let rest = order.cancelled().send().await.expect(201);
    assert_eq!((outcome(&rest), rest.number("balance")), ((60, 0, 15, 0), 0));
    cloud.audit().await;
}

#[tokio::test]
async fn an_order_as_large_as_one_may_be_can_be_returned() {
    let cloud = Cloud::start().await;
    let mut random = fastrand::Rng::with_seed(1);
    let mut text = |length: usize| (0..length).map(|_| random.alphanumeric()).collect::<String>();
    let lines: Vec<_> = (0..5_000)
        .map(|n| {
            let (sku, category, brand) = (text(64), text(64), text(64));
            json!({
                "line_id": n.to_string(), "sku": sku, "quantity": 2, "amount": "1.00", "category": category,
                "brand": brand,
            })
        })
        .collect();
    // The largest that is taken, found by halving.
    let (mut taken, mut refused, mut last) = (1, 5_001, None);
    while refused - taken > 1 {
        let count = (taken + refused) / 2;
        let order = cloud.order(&format!("o-{count}")).set("lines", json!(lines[..count]));
        match order.send().await.status() {
            201 => (taken, last) = (count, Some(order)),
            _ => refused = count,
        }
    }
    let order = last.unwrap();
    for n in 0..3 {
        let all: Vec<_> = (0..taken).map(|n| json!({"line_id": n.to_string(), "quantity": 1})).collect();
        let back = order.returned(&format!("r-{n}")).set("lines", json!(all));
        let status = if n < 2 { 201 } else { 422 };
        back.send().await.expect(status);
    }
}

#[tokio::test]
async fn returns_and_cancellations_come_from_the_bus_as_well() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    let (first, second) = (order.returned("r-1").units("1", 3), order.returned("r-2").units("1", 1));
    first.announce().await;
    cloud.drain().await;
    order.send().await.expect(201);
    second.announce().await;
    second.announce().await;
    order.returned("r-3").units("1", 99).announce().await;
    order.returned("r-4").set("lines", json!([])).announce().await;
    cloud.drain().await;
    assert!(cloud.queue("OrderReturnedQueue").await.is_empty());
    let dead = cloud.queue("OrderReturnedDeadLetters").await;
    assert_eq!(dead.len(), 2);
    assert_eq!(balance(&cloud).await, 75);
    // Over HTTP they are the same returns.
    assert_eq!(first.send().await.expect(200).number("points_reversed"), 38);
    assert_eq!(second.send().await.expect(200).number("points_reversed"), 12);
    order.cancelled().announce().await;
    cloud.drain().await;
    assert_eq!(balance(&cloud).await, 0);
    order.cancelled().send().await.expect(200);
    assert_eq!(cloud.account("acme").history().await[0]["by"], "event:shop.example");
    cloud.audit().await;
}
