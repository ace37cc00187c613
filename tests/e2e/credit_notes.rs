//! Credit notes that name no order: what came back is found among the account's earlier orders, by SKU.

use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Cloud, CreditNote, Order, Reply};

/// What a receipt says of the orders that gave something: order and units.
fn matched(receipt: &Reply) -> Vec<(String, u64)> {
    let orders = receipt["orders"].as_array().unwrap().iter();
    orders.map(|order| (order["order_id"].as_str().unwrap().to_owned(), order["units"].as_u64().unwrap())).collect()
}

fn expected(orders: &[(&str, u64)]) -> Vec<(String, u64)> {
    orders.iter().map(|(id, units)| ((*id).to_owned(), *units)).collect()
}

/// Units stated, matched and unmatched.
fn units(receipt: &Reply) -> (i64, i64, i64) {
    (receipt.number("units"), receipt.number("units_matched"), receipt.number("units_unmatched"))
}

fn note(cloud: &Cloud, id: &str) -> CreditNote {
    cloud.account("acme").credit_note(id)
}

/// Orders with a mug each, of so many units.
async fn mugs(cloud: &Cloud, orders: &[(&str, u64)]) {
    for (id, units) in orders {
        cloud.order(id).line("MUG", *units, "10.00").send().await.expect(201);
    }
}

/// The units that are left of an order's first line, as a return of too many is told.
async fn left(order: &Order) -> u64 {
    let reply = order.returned("probe").units("1", 1_000_000).send().await.expect_problem(422, "invalid-document");
    let message = reply["faults"][0]["message"].as_str().unwrap();
    message.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_last_order_processed_gives_first_and_its_lines_in_their_order() {
    let cloud = Cloud::start().await;
    cloud.order("o-1").line("MUG", 10, "12.50").send().await.expect(201);
    cloud.order("o-2").line("MUG", 2, "5.00").line("CUP", 9, "1.00").line("MUG", 3, "20.00").send().await.expect(201);
    cloud.order("o-3").line("JUG", 4, "3.00").send().await.expect(201);
    let receipt = note(&cloud, "c-1").units("MUG", 4).units("POT", 1).units("MUG", 3).send().await.expect(201);
    assert_eq!(matched(&receipt), expected(&[("o-2", 5), ("o-1", 2)]));
    assert_eq!((&receipt["state"], units(&receipt)), (&json!("done"), (8, 7, 1)));
    assert_eq!(receipt["unmatched"], json!([{"line": 2, "sku": "POT", "quantity": 1}]));
    // 70 and 25 pounds came back; the orders keep 9 of 79 and 100 of 125 points.
    assert_eq!(receipt["eligible"], json!({"amount": "95.00", "currency": "GBP"}));
    assert_eq!((receipt.number("points_reversed"), receipt.number("balance")), (95, 9 + 100 + 12));
    let first = &receipt["orders"][0];
    assert_eq!((&first["source"], &first["entry"], &first["points_reversed"]), (&json!("shop"), &json!(4), &json!(70)));
    assert_eq!((&receipt["account_id"], &receipt["return_id"]), (&json!("acme"), &json!("c-1")));
    let text = receipt["text"].as_str().unwrap();
    assert_eq!(
        text,
        "7 of 8 units were matched to 2 orders: 95 points were taken back; 1 units match no earlier order."
    );

    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&standing["points"]["balance"], &standing["revenue"]["amount"]), (&json!(121), &json!("121.00")));
    assert_eq!(standing["orders"], 3);
    assert_eq!(left(&cloud.order("o-1")).await, 8);
    assert_eq!(left(&cloud.order("o-2")).await, 0);
    cloud.audit().await;
}

#[tokio::test]
async fn every_step_is_one_entry_that_says_what_it_took_and_the_last_one_what_matched_nothing() {
    let cloud = Cloud::start().await;
    mugs(&cloud, &[("o-1", 1), ("o-2", 1)]).await;
    note(&cloud, "c-1").units("MUG", 3).send().await.expect(201);
    let history = cloud.account("acme").history().await;
    assert_eq!(history.len(), 4);
    let cause = json!({"kind": "credit_note", "credit_note_id": "c-1"});
    for entry in &history[..2] {
        assert_eq!((&entry["cause"], &entry["by"], &entry["points"]), (&cause, &json!("operator"), &json!(-10)));
    }
    let opened = json!({"type": "credit_note.opened", "units": 3});
    let closed = json!({"type": "credit_note.closed", "units_matched": 2, "units_unmatched": 1});
    assert_eq!((&history[1]["changes"][0], history[0]["changes"].as_array().unwrap().last()), (&opened, Some(&closed)));
    let returned = &history[1]["changes"][1];
    assert_eq!((&returned["type"], &returned["order_id"]), (&json!("order.returned"), &json!("o-2")));
    assert_eq!((&returned["credit_note_id"], &returned["return_id"]), (&json!("c-1"), &Value::Null));
}

#[tokio::test]
async fn an_order_takes_back_under_its_own_rules() {
    let cloud = Cloud::start().await;
    // 1,200 points as a member; then 125 as silver.
    cloud.order("o-1").line("MUG", 12, "100.00").send().await.expect(201);
    cloud.order("o-2").line("MUG", 1, "100.00").send().await.expect(201);
    let receipt = note(&cloud, "c-1").units("MUG", 2).send().await.expect(201);
    assert_eq!(receipt["orders"][0]["points_reversed"], 125);
    assert_eq!(receipt["orders"][1]["points_reversed"], 100);
    cloud.audit().await;
}

#[tokio::test]
async fn all_that_was_bought_nets_to_zero() {
    let cloud = Cloud::start().await;
    cloud.order("o-0").line("MUG", 1, "1500.00").send().await.expect(201);
    let standing = cloud.account("acme").standing().await.expect(200);
    cloud
        .order("o-1")
        .line("CUP", 7, "3.333")
        .line("POT", 5, "0.999999")
        .line("POST", 2, "4.50")
        .send()
        .await
        .expect(201);
    cloud.order("o-2").line("POT", 3, "7.77").line("CUP", 1, "2.22").send().await.expect(201);
    for (n, (sku, units)) in [("CUP", 3), ("POT", 6), ("POST", 2), ("CUP", 5), ("POT", 2)].into_iter().enumerate() {
        let receipt = note(&cloud, &format!("c-{n}")).units(sku, units).send().await.expect(201);
        assert_eq!(receipt.number("units_unmatched"), 0);
    }
    let after = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&after["points"], &after["tier"]), (&standing["points"], &standing["tier"]));
    assert_eq!(after["revenue"], standing["revenue"]);
    let nothing = note(&cloud, "c-9").units("CUP", 1).send().await.expect(201);
    assert_eq!((matched(&nothing), units(&nothing)), (vec![], (1, 0, 1)));
    cloud.audit().await;
}

#[tokio::test]
async fn what_was_returned_by_order_number_is_not_there_and_the_other_way_round() {
    let cloud = Cloud::start().await;
    mugs(&cloud, &[("o-1", 5), ("o-2", 5)]).await;
    cloud.order("o-2").returned("c-1").units("1", 4).send().await.expect(201);
    // The same number is another thing there.
    let receipt = note(&cloud, "c-1").units("MUG", 3).send().await.expect(201);
    assert_eq!(matched(&receipt), expected(&[("o-2", 1), ("o-1", 2)]));
    assert_eq!(left(&cloud.order("o-1")).await, 3);
    let rest = cloud.order("o-1").cancelled().send().await.expect(201);
    assert_eq!((rest.number("points_reversed"), rest.number("balance")), (30, 0));
    cloud.audit().await;
}

#[tokio::test]
async fn an_order_behind_many_others_is_found() {
    let cloud = Cloud::start().await;
    cloud.order("o-first").line("JUG", 2, "50.00").send().await.expect(201);
    let others: Vec<_> = (0..60).map(|n| format!("o-{n}")).collect();
    for id in &others {
        cloud.order(id).line("MUG", 1, "1.00").send().await.expect(201);
    }
    let receipt = note(&cloud, "c-1").units("JUG", 1).send().await.expect(201);
    assert_eq!(matched(&receipt), expected(&[("o-first", 1)]));
    // How far it has looked is no entry; that it began, and what it found, are.
    assert_eq!(cloud.account("acme").history().await.len(), 63);
    let receipt = note(&cloud, "c-2").units("POT", 1).send().await.expect(201);
    assert_eq!(units(&receipt), (1, 0, 1));
    cloud.audit().await;
}

#[tokio::test]
async fn goods_do_not_come_back_before_they_were_ordered() {
    let cloud = Cloud::start().await;
    for (id, placed) in
        [("o-1", "2011-02-01T12:00:00Z"), ("o-2", "2011-02-03T12:00:00Z"), ("o-3", "2011-02-02T12:00:00Z")]
    {
        cloud.order(id).placed(placed).line("MUG", 1, "10.00").send().await.expect(201);
    }
    let receipt = note(&cloud, "c-1").at("2011-02-02T12:00:00Z").units("MUG", 3).send().await.expect(201);
    assert_eq!((matched(&receipt), units(&receipt)), (expected(&[("o-3", 1), ("o-1", 1)]), (3, 2, 1)));
}

#[tokio::test]
async fn orders_older_than_the_program_says_are_not_matched() {
    let cloud = Cloud::with(|program| program["returns"] = json!({"match_months": 2})).await;
    for (id, placed) in
        [("o-1", "2010-12-31T23:59:59Z"), ("o-2", "2011-01-01T00:00:00Z"), ("o-3", "2011-02-15T00:00:00Z")]
    {
        cloud.order(id).placed(placed).line("MUG", 1, "10.00").send().await.expect(201);
    }
    let first = note(&cloud, "c-1").at("2011-02-28T23:59:59Z").units("MUG", 3).send().await.expect(201);
    assert_eq!((matched(&first), units(&first)), (expected(&[("o-3", 1), ("o-2", 1)]), (3, 2, 1)));
    // What was decided long before is not even looked at.
    cloud.order("o-4").line("CUP", 1, "10.00").send().await.expect(201);
    cloud.set_clock("2012-03-01T12:00:00Z");
    let late = note(&cloud, "c-2").at("2012-03-01T00:00:00Z").units("CUP", 1).send().await.expect(201);
    assert_eq!(units(&late), (1, 0, 1));
    cloud.audit().await;
}

#[tokio::test]
async fn the_first_sign_of_an_account_enrols_it_or_is_refused_as_an_order_is() {
    let cloud = Cloud::start().await;
    let first = note(&cloud, "c-1").units("MUG", 3).send().await.expect(201);
    assert_eq!((units(&first), first.number("entry")), ((3, 0, 3), 1));
    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&standing["orders"], &standing["version"]), (&json!(0), &json!(1)));
    let entry = &cloud.account("acme").history().await[0];
    let kinds: Vec<_> = entry["changes"].as_array().unwrap().iter().map(|change| &change["type"]).collect();
    assert_eq!(kinds, ["account.enrolled", "credit_note.opened", "credit_note.closed"]);
    cloud.audit().await;

    let strict = Cloud::with(|program| program["enrolment"]["unknown_account"] = json!("reject")).await;
    let before = strict.tables().await;
    note(&strict, "c-1").units("MUG", 3).send().await.expect_problem(404, "unknown-account");
    assert_eq!(strict.tables().await, before);
}

#[tokio::test]
async fn the_same_again_gets_the_first_answer_and_writes_nothing() {
    let cloud = Cloud::start().await;
    mugs(&cloud, &[("o-1", 2), ("o-2", 2)]).await;
    let stated = note(&cloud, "c-1").units("MUG", 3);
    let first = stated.send().await.expect(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(stated.shown().await.expect(200).body(), first.body());
    mugs(&cloud, &[("o-3", 9)]).await;
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest, Staleness::Behind(1), Staleness::Behind(2)] {
        cloud.stale_reads(staleness);
        cloud.set_clock("2014-01-01T00:00:00Z");
        for again in [stated.clone(), stated.clone().at("2011-03-01T13:00:00+01:00")] {
            let again = again.send().await.expect(200);
            assert_eq!(again.body(), first.body());
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
        }
        for other in [
            stated.clone().units("MUG", 1),
            stated.clone().at("2011-03-01T12:00:01Z"),
            note(&cloud, "c-1").units("MUG", 2).units("MUG", 1),
        ] {
            other.send().await.expect_problem(409, "content-differs");
        }
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before);
    // Another account's number is another credit note.
    cloud.account("beta").credit_note("c-1").units("MUG", 1).send().await.expect(201);
    note(&cloud, "c-2").shown().await.expect_problem(404, "unknown-return");
    cloud.account("nobody").credit_note("c-1").shown().await.expect_problem(404, "unknown-return");
}

#[tokio::test]
async fn an_order_without_room_for_one_more_return_is_passed_over() {
    let cloud = Cloud::start().await;
    let mut random = fastrand::Rng::with_seed(1);
    let mut text = |length: usize| (0..length).map(|_| random.alphanumeric()).collect::<String>();
    let lines: Vec<_> = (0..5_000)
        .map(|n| {
            let (sku, category, brand) = (text(64), text(64), text(64));
            let id = n.to_string();
            json!({"line_id": id, "sku": sku, "quantity": 9, "amount": "9.00", "category": category, "brand": brand})
        })
        .collect();
    let sku = lines[0]["sku"].as_str().unwrap().to_owned();
    cloud.order("small").line(&sku, 5, "1.00").send().await.expect(201);
    // As large as one may be, nearly.
    let mut count = 5_000;
    let large = loop {
        let order = cloud.order("large").set("lines", json!(lines[..count]));
        match order.send().await.status() {
            201 => break order,
            _ => count -= 50,
        }
    };
    let all: Vec<_> = (0..count).map(|n| json!({"line_id": n.to_string(), "quantity": 1})).collect();
    let mut number = 0;
    loop {
        number += 1;
        let back = large.returned(&format!("r-{number}")).set("lines", json!(all)).send().await;
        if back.status() == 422 {
            back.expect_problem(422, "order-too-large");
            break;
        }
    }
    let credited: Vec<_> = lines[..count].iter().map(|line| json!({"sku": line["sku"], "quantity": 1})).collect();
    let receipt = note(&cloud, "c-1").set("lines", json!(credited)).send().await.expect(201);
    assert_eq!((matched(&receipt), receipt.number("units_matched")), (expected(&[("small", 1)]), 1));
    cloud.audit().await;
}

type Change = fn(CreditNote) -> CreditNote;

/// Faults of a credit note: name, what is done to it, kind, paths.
fn bad_notes() -> Vec<(&'static str, Change, &'static str, &'static [&'static str])> {
    fn line(quantity: Value) -> Value {
        json!([{"sku": "MUG", "quantity": quantity}])
    }
    fn sku(text: &str) -> Value {
        json!([{"sku": text, "quantity": 1}])
    }
    fn many(count: usize, sku: &str) -> Value {
        (0..count).map(|_| json!({"sku": sku, "quantity": 1})).collect()
    }
    const INVALID: &str = "invalid-document";
    const LINES: &[&str] = &["$.lines"];
    const QUANTITY: &[&str] = &["$.lines[0].quantity"];
    const SKU: &[&str] = &["$.lines[0].sku"];
    vec![
        ("no id", |n| n.set("return_id", json!(null)), INVALID, &["$.return_id"]),
        ("an id with #", |n| n.set("return_id", json!("a#b")), INVALID, &["$.return_id"]),
        ("an id of 65", |n| n.set("return_id", json!("x".repeat(65))), INVALID, &["$.return_id"]),
        ("no time", |n| n.set("returned_at", json!(null)), INVALID, &["$.returned_at"]),
        ("a date", |n| n.at("2011-03-01"), INVALID, &["$.returned_at"]),
        ("no lines", |n| n.set("lines", json!(null)), INVALID, LINES),
        ("empty lines", |n| n.set("lines", json!([])), INVALID, LINES),
        ("5,001 lines", |n| n.set("lines", many(5_001, "MUG")), INVALID, LINES),
        ("10,000 lines", |n| n.set("lines", many(10_000, "MUG")), INVALID, LINES),
        ("more bytes than a record has", |n| n.set("lines", many(4_700, &"X".repeat(64))), INVALID, LINES),
        ("a line that is none", |n| n.set("lines", json!(["MUG"])), INVALID, &["$.lines[0]"]),
        (
            "a line without anything",
            |n| n.set("lines", json!([{}])),
            INVALID,
            &["$.lines[0].sku", "$.lines[0].quantity"],
        ),
        (
            "a line of an order",
            |n| n.set("lines", json!([{"sku": "MUG", "line_id": "1", "quantity": 1}])),
            INVALID,
            &["$.lines[0].line_id"],
        ),
        ("no SKU", |n| n.set("lines", sku("")), INVALID, SKU),
        ("a blank SKU", |n| n.set("lines", sku(" ")), INVALID, SKU),
        ("a hidden SKU", |n| n.set("lines", sku("a\u{200b}b")), INVALID, SKU),
        ("a SKU of 65", |n| n.set("lines", sku(&"x".repeat(65))), INVALID, SKU),
        ("zero", |n| n.set("lines", line(json!(0))), INVALID, QUANTITY),
        ("less than zero", |n| n.set("lines", line(json!(-1))), INVALID, QUANTITY),
        ("half a mug", |n| n.set("lines", line(json!(0.5))), INVALID, QUANTITY),
        ("a text", |n| n.set("lines", line(json!("1"))), INVALID, QUANTITY),
        ("huge", |n| n.set("lines", line(json!(1_000_000_001))), INVALID, QUANTITY),
        ("beyond 64 bits", |n| n.set("lines", line(json!(1e30))), INVALID, QUANTITY),
        ("an unknown field", |n| n.set("reason", json!("broken")), INVALID, &["$.reason"]),
        (
            "everything",
            |n| n.set("return_id", json!(1)).at("now").set("lines", sku("")),
            INVALID,
            &["$.return_id", "$.returned_at", "$.lines[0].sku"],
        ),
        ("in a year", |n| n.at("2012-03-01T12:00:00Z"), "returned-in-future", &["$.returned_at"]),
    ]
}

#[tokio::test]
async fn a_bad_credit_note_is_answered_with_what_is_wrong_and_where_and_changes_nothing() {
    let cloud = Cloud::start().await;
    mugs(&cloud, &[("o-1", 10)]).await;
    let before = cloud.tables().await;
    let mut wrong = Vec::new();
    for (name, change, kind, paths) in bad_notes() {
        let reply = change(note(&cloud, "c-1").units("MUG", 1)).send().await;
        let said = (reply.status(), reply["type"].as_str().unwrap_or_default().to_owned(), reply.fault_paths());
        let expected = (422, format!("/problems/{kind}"), paths.iter().map(ToString::to_string).collect());
        if said != expected {
            wrong.push(format!("{name}: {said:?}, not {expected:?}"));
        }
        assert_eq!(cloud.tables().await, before, "{name} was written");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let target = "/v1/accounts/acme/returns";
    for body in ["", "{", r#"{"return_id": "c-1", "return_id": "c-2"}"#] {
        cloud.request("POST", target, body).await.expect_problem(400, "not-json");
    }
    cloud.request("POST", "/v1/accounts/a%23b/returns", "{}").await.expect_problem(400, "invalid-parameter");
    cloud.get("/v1/accounts/acme/returns/a%23b").await.expect_problem(400, "invalid-parameter");
    assert_eq!(cloud.tables().await, before);
    // As many as there may be.
    let lines: Value = (0..5_000).map(|n| json!({"sku": format!("SKU-{n}"), "quantity": 1_000_000_000})).collect();
    let most = note(&cloud, "c-1").set("lines", lines).send().await.expect(201);
    assert_eq!(units(&most), (5_000_000_000_000, 0, 5_000_000_000_000));
}

#[tokio::test]
async fn they_come_from_the_bus_as_well() {
    let cloud = Cloud::start().await;
    mugs(&cloud, &[("o-1", 5), ("o-2", 5)]).await;
    let first = note(&cloud, "c-1").units("MUG", 7);
    first.announce().await;
    first.announce().await;
    note(&cloud, "c-1").units("MUG", 8).announce().await;
    note(&cloud, "c-2").set("lines", json!([])).announce().await;
    note(&cloud, "c-3").units("MUG", 1).set("account_id", json!("other")).announce().await;
    cloud.announce("AccountReturned", json!({"return_id": "c-4"})).await;
    cloud.drain().await;
    assert!(cloud.queue("OrderReturnedQueue").await.is_empty());
    assert_eq!(cloud.queue("OrderReturnedDeadLetters").await.len(), 3);
    // Over HTTP it is the same.
    let again = first.send().await.expect(200);
    assert_eq!(matched(&again), expected(&[("o-2", 5), ("o-1", 2)]));
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 20);
    assert_eq!(cloud.account("acme").history().await[0]["by"], "event:shop.example");
    cloud.audit().await;
}
