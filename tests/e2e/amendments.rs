//! Amendments: what each statement of an order is answered with, and what of it is refused.

use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Cloud, Order, Reply};

/// Ten mugs at 12.50 and postage: 125 points.
fn ten_mugs(cloud: &Cloud) -> Order {
    cloud.order("o-1").line("MUG", 10, "12.50").line("POST", 1, "9.00")
}

/// The same order with so many mugs: 12.5 points each.
fn mugs(cloud: &Cloud, revision: u64, quantity: u64) -> Order {
    ten_mugs(cloud).amended(revision).line("MUG", quantity, "12.50").line("POST", 1, "9.00")
}

async fn balance(cloud: &Cloud) -> i64 {
    cloud.account("acme").standing().await.expect(200)["points"]["balance"].as_i64().unwrap()
}

#[tokio::test]
async fn a_higher_revision_is_scored_again_and_the_difference_is_posted() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    cloud.set_clock("2011-03-02T12:00:00Z");
    let amended = mugs(&cloud, 1, 12);
    let receipt = amended.put().await.expect(200);
    assert_eq!(receipt.header("idempotent-replayed"), None);
    assert_eq!((receipt.number("points"), receipt.number("balance"), receipt.number("entry")), (150, 150, 2));
    assert_eq!((receipt.number("revision"), &receipt["eligible_total"]["amount"]), (1, &json!("150.00")));
    assert_eq!(receipt["decided_at"], "2011-03-02T12:00:00Z");
    assert_eq!(
        receipt["amended"],
        json!({
            "points_first": 125, "points": 25, "taken": {"pending": 0, "own_lot": 0, "other_lots": 0},
            "points_owed": 0, "points_unrecovered": 0, "points_lapsed": 0,
            "text": "The order was changed: it earns 150 points, 125 at first; 25 points more were given.",
        })
    );
    let acme = cloud.account("acme");
    let entry = acme.history().await.remove(0);
    let cause = json!({"kind": "order_amended", "source": "shop", "order_id": "o-1", "revision": 1});
    assert_eq!((&entry["cause"], &entry["points"], &entry["balance"]), (&cause, &json!(25), &json!(150)));
    let kinds: Vec<_> = entry["changes"].as_array().unwrap().iter().map(|change| &change["type"]).collect();
    assert_eq!(kinds, ["order.amended", "points.amended"]);
    let standing = acme.standing().await.expect(200);
    assert_eq!((&standing["orders"], &standing["revenue"]["amount"]), (&json!(1), &json!("159.00")));
    assert_eq!(standing["tier"]["qualifying_spend"]["amount"], "150.00");
    assert_eq!(amended.score().await.expect(200).body(), receipt.body());
    cloud.audit().await;
}

#[tokio::test]
async fn a_smaller_order_earns_less_and_its_receipt_says_where_the_points_went() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    let receipt = mugs(&cloud, 1, 8).put().await.expect(200);
    assert_eq!((receipt.number("points"), receipt.number("balance")), (100, 100));
    let amended = &receipt["amended"];
    assert_eq!(amended["taken"], json!({"pending": 0, "own_lot": 25, "other_lots": 0}));
    assert_eq!((&amended["points"], &amended["points_first"]), (&json!(-25), &json!(125)));
    let text = "The order was changed: it earns 100 points, 125 at first; 25 points were taken back; \
        25 came from those the order had earned.";
    assert_eq!(amended["text"], text);
    // The first score stays the first, however often the order is changed.
    let receipt = mugs(&cloud, 2, 8).line("POST", 1, "1.00").put().await.expect(200);
    let text = "The order was changed: it earns 100 points, 125 at first; the account's points stay as they were.";
    assert_eq!((receipt["amended"]["text"].as_str(), receipt.number("entry")), (Some(text), 3));
    assert_eq!(balance(&cloud).await, 100);
    cloud.audit().await;
}

#[tokio::test]
async fn the_newest_revision_states_everything() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).line("CUP", 5, "2.00").send().await.expect(201);
    let order = cloud.order("o-1").amended(1).line("PLATE", 3, "20.00");
    let receipt = order.put().await.expect(200);
    assert_eq!((receipt.number("points"), &receipt["total"]["amount"]), (60, &json!("60.00")));
    assert_eq!(receipt["ineligible_lines"], json!([]));
    // A line that is gone cannot come back; the one that has its number now can.
    let refused = order.returned("r-1").units("3", 1).send().await.expect_problem(422, "invalid-document");
    assert_eq!(refused["faults"][0]["code"], "unknown_line");
    order.returned("r-1").units("1", 3).send().await.expect(201);
    assert_eq!(balance(&cloud).await, 0);
    cloud.audit().await;
}

#[tokio::test]
async fn every_way_to_state_a_revision_is_the_same() {
    for way in 0..4 {
        let cloud = Cloud::start().await;
        ten_mugs(&cloud).send().await.expect(201);
        let amended = mugs(&cloud, 1, 12);
        match way {
            0 => drop(amended.put().await.expect(200)),
            1 => drop(amended.send().await.expect(200)),
            2 => amended.announce().await,
            _ => amended.announce_amended().await,
        }
        cloud.drain().await;
        assert!(cloud.queue("OrderPlacedDeadLetters").await.is_empty());
        assert_eq!(balance(&cloud).await, 150, "way {way}");
        // Whichever way it comes again, it is the same.
        let before = cloud.tables().await;
        let first = amended.put().await.expect(200);
        assert_eq!(first.header("idempotent-replayed"), Some("true"), "way {way}");
        assert_eq!(amended.send().await.expect(200).body(), first.body());
        assert_eq!(cloud.tables().await, before, "way {way}");
    }
}

#[tokio::test]
async fn the_address_says_which_order_and_its_document_may_repeat_it() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    let mut document = mugs(&cloud, 1, 12).document();
    for field in ["source", "order_id"] {
        document.as_object_mut().unwrap().remove(field);
    }
    cloud.put("/v1/orders/shop/o-1", &document).await.expect(200);
    assert_eq!(mugs(&cloud, 1, 12).put().await.expect(200).header("idempotent-replayed"), Some("true"));
    assert_eq!(balance(&cloud).await, 150);
}

#[tokio::test]
async fn an_equal_revision_is_a_repeat_or_differs() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    mugs(&cloud, 1, 11).put().await.expect(200);
    let amended = mugs(&cloud, 2, 12);
    let first = amended.put().await.expect(200);
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest, Staleness::Behind(1), Staleness::Behind(2)] {
        cloud.stale_reads(staleness);
        cloud.set_clock("2014-01-01T00:00:00Z");
        let again = amended.put().await.expect(200);
        assert_eq!((again.body(), again.header("idempotent-replayed")), (first.body(), Some("true")), "{staleness:?}");
        let refused = mugs(&cloud, 2, 13).put().await.expect_problem(409, "content-differs");
        assert_eq!(refused["differences"], json!(["$.lines[0].quantity"]), "{staleness:?}");
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn a_lower_revision_that_comes_late_changes_nothing() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    mugs(&cloud, 5, 12).put().await.expect(200);
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest, Staleness::Behind(1)] {
        cloud.stale_reads(staleness);
        for late in [ten_mugs(&cloud).revision(0), mugs(&cloud, 1, 99), mugs(&cloud, 4, 12)] {
            let revision = late.document()["revision"].clone();
            let superseded = json!({
                "source": "shop", "order_id": "o-1", "state": "superseded", "revision": revision,
                "current_revision": 5,
            });
            for reply in [late.put().await, late.send().await] {
                let reply = reply.expect(200);
                assert_eq!((reply.json(), reply.header("idempotent-replayed")), (superseded.clone(), None));
            }
            late.announce_amended().await;
        }
    }
    // Nor does its code matter any more, or anything else of it but whose it is.
    let code = mugs(&cloud, 4, 1).code("00000000000").set("placed_at", json!("2011-02-01T00:00:00Z"));
    assert_eq!(code.put().await.expect(200)["state"], "superseded");
    cloud.drain().await;
    assert!(cloud.queue("OrderPlacedDeadLetters").await.is_empty());
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn an_amendment_may_come_first_and_create_the_order() {
    let cloud = Cloud::start().await;
    let amended = mugs(&cloud, 3, 12);
    let receipt = amended.put().await.expect(201);
    assert_eq!((receipt.number("points"), receipt.number("revision"), receipt.number("entry")), (150, 3, 1));
    assert_eq!(receipt["amended"], Value::Null);
    let before = cloud.tables().await;
    assert_eq!(amended.put().await.expect(200).body(), receipt.body());
    assert_eq!(ten_mugs(&cloud).send().await.expect(200)["state"], "superseded");
    assert_eq!(cloud.tables().await, before);
    let entry = cloud.account("acme").history().await.remove(0);
    assert_eq!(entry["cause"]["kind"], "order_placed");
    cloud.audit().await;
}

#[tokio::test]
async fn an_amendment_that_comes_first_takes_what_waited_for_its_order() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    let back = order.returned("r-1").units("1", 4);
    back.send().await.expect(202);
    mugs(&cloud, 2, 12).put().await.expect(201);
    assert_eq!(balance(&cloud).await, 100);
    let first = back.send().await.expect(200);
    assert_eq!((first.number("points_reversed"), first.number("excess_units")), (50, 0));
    cloud.audit().await;
}

#[tokio::test]
async fn an_amendment_that_changes_nothing_but_its_number_writes_the_order_only() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    let before = cloud.tables().await;
    cloud.set_clock("2011-03-02T12:00:00Z");
    let receipt = mugs(&cloud, 7, 10).put().await.expect(200);
    assert_eq!((receipt.number("points"), receipt.number("entry"), receipt.number("revision")), (125, 1, 7));
    let after = cloud.tables().await;
    for (table, items) in &after {
        assert_eq!(items == &before[table], !table.contains("orders"), "{table}");
    }
    assert_eq!(mugs(&cloud, 7, 10).put().await.expect(200).body(), receipt.body());
    // Its number counts.
    assert_eq!(mugs(&cloud, 6, 99).put().await.expect(200)["state"], "superseded");
    mugs(&cloud, 7, 99).put().await.expect_problem(409, "content-differs");
    assert_eq!(cloud.tables().await, after);
    cloud.audit().await;
}

#[tokio::test]
async fn the_answer_to_an_amendment_or_a_return_stays_what_it_was() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    let early = order.returned("r-1").units("1", 2);
    let before = early.send().await.expect(201);
    let amended = mugs(&cloud, 1, 12);
    let receipt = amended.put().await.expect(200);
    let late = order.returned("r-2").units("1", 3);
    let after = late.send().await.expect(201);
    order.cancelled().send().await.expect(201);
    let settled = cloud.tables().await;
    assert_eq!(amended.put().await.expect(200).body(), receipt.body());
    assert_eq!(amended.score().await.expect(200).body(), receipt.body());
    assert_eq!(early.send().await.expect(200).body(), before.body());
    assert_eq!(late.send().await.expect(200).body(), after.body());
    assert_eq!(cloud.tables().await, settled);
    cloud.audit().await;
}

#[tokio::test]
async fn a_cancelled_order_stays_cancelled_whatever_is_amended() {
    let cloud = Cloud::start().await;
    let order = ten_mugs(&cloud);
    order.send().await.expect(201);
    order.cancelled().send().await.expect(201);
    let receipt = mugs(&cloud, 1, 400).put().await.expect(200);
    // What it would earn, and that nothing of it was given.
    assert_eq!((receipt.number("points"), receipt.number("balance")), (5_000, 0));
    assert_eq!(receipt["amended"]["points"], 0);
    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&standing["points"]["balance"], &standing["revenue"]["amount"]), (&json!(0), &json!("0.00")));
    assert_eq!(standing["tier"]["qualifying_spend"]["amount"], "0.00");
    cloud.audit().await;
}

#[tokio::test]
async fn an_order_of_a_suspended_account_can_be_amended() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    let acme = cloud.account("acme");
    for (revision, status) in [(1, "suspended"), (2, "closed")] {
        acme.put(json!({"name": "Acme", "status": status})).await.expect(200);
        mugs(&cloud, revision, 10 - revision).put().await.expect(200);
        acme.order("o-2").line("MUG", 1, "1.00").send().await.expect_problem(409, "account-not-active");
        let first = acme.order("o-3").revision(9).line("MUG", 1, "1.00");
        first.put().await.expect_problem(409, "account-not-active");
    }
    assert_eq!(balance(&cloud).await, 100);
}

type Change = fn(Order) -> Order;

/// Faults of an amendment of `ten_mugs`: name, what is done to it, kind, paths.
fn bad_amendments() -> Vec<(&'static str, Change, &'static str, &'static [&'static str])> {
    const INVALID: &str = "invalid-document";
    const REVISION: &[&str] = &["$.revision"];
    fn revision(order: Order, value: Value) -> Order {
        order.set("revision", value)
    }
    vec![
        ("no revision", |o| revision(o, json!(null)), INVALID, REVISION),
        ("a fraction", |o| revision(o, json!(1.5)), INVALID, REVISION),
        ("less than zero", |o| revision(o, json!(-1)), INVALID, REVISION),
        ("a text", |o| revision(o, json!("1")), INVALID, REVISION),
        ("2^53", |o| revision(o, json!(1_u64 << 53)), INVALID, REVISION),
        ("beyond 64 bits", |o| revision(o, json!(1e30)), INVALID, REVISION),
        ("another time", |o| o.placed("2011-03-01T12:00:00.001Z"), INVALID, &["$.placed_at"]),
        ("another currency", |o| o.set("currency", json!("EUR")), INVALID, &["$.currency"]),
        (
            "both, and they are named together",
            |o| o.placed("2011-02-01T12:00:00Z").set("currency", json!("EUR")),
            INVALID,
            &["$.placed_at", "$.currency"],
        ),
        ("no lines", |o| o.set("lines", json!([])), INVALID, &["$.lines"]),
        ("5,001 lines", |o| o.set("lines", lines(5_001)), INVALID, &["$.lines"]),
        ("a line twice", |o| o.set("lines", json!([line(1), line(1)])), INVALID, &["$.lines[1].line_id"]),
        ("an unknown field", |o| o.set("reason", json!("why not")), INVALID, &["$.reason"]),
        ("an unknown code", |o| o.code("00000000000"), "discount-unknown", &["$.discount_codes[0]"]),
    ]
}

fn line(number: usize) -> Value {
    json!({"line_id": number.to_string(), "sku": "MUG", "quantity": 1, "unit_price": "1.00"})
}

fn lines(count: usize) -> Value {
    (0..count).map(line).collect()
}

#[tokio::test]
async fn a_bad_amendment_is_answered_with_what_is_wrong_and_where_and_changes_nothing() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    let before = cloud.tables().await;
    let mut wrong = Vec::new();
    for (name, change, kind, paths) in bad_amendments() {
        let reply = change(mugs(&cloud, 1, 12)).put().await;
        let said = (reply.status(), reply["type"].as_str().unwrap_or_default().to_owned(), reply.fault_paths());
        let expected = (422, format!("/problems/{kind}"), paths.iter().map(ToString::to_string).collect());
        if said != expected {
            wrong.push(format!("{name}: {said:?}, not {expected:?}"));
        }
        assert_eq!(cloud.tables().await, before, "{name} was written");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let codes =
        |reply: Reply| reply["faults"].as_array().unwrap().iter().map(|f| f["code"].clone()).collect::<Vec<_>>();
    let moved = mugs(&cloud, 1, 12).placed("2011-02-01T12:00:00Z").set("currency", json!("EUR"));
    assert_eq!(codes(moved.put().await), ["immutable", "immutable"]);
    let document = mugs(&cloud, 1, 12).document();
    for target in ["/v1/orders/erp/o-2", "/v1/orders/erp/o-1"] {
        let reply = cloud.put(target, &document).await.expect_problem(422, "invalid-document");
        let all = ["$.source", "$.order_id"];
        let paths = if target.ends_with("o-2") { &all[..] } else { &all[..1] };
        assert_eq!(reply.fault_paths(), paths);
        assert!(codes(reply).iter().all(|code| code == "conflict"));
    }
    for target in ["/v1/orders/a%23b/o-1", "/v1/orders/shop/a%23b"] {
        cloud.put(target, &document).await.expect_problem(400, "invalid-parameter");
    }
    for body in ["", "{", "[1,2"] {
        cloud.request("PUT", "/v1/orders/shop/o-1", body).await.expect_problem(400, "not-json");
    }
    for body in ["null", "[]", "1", "\"o-1\""] {
        let reply = cloud.request("PUT", "/v1/orders/shop/o-1", body).await;
        reply.expect_problem(422, "invalid-document");
    }
    assert_eq!(cloud.tables().await, before);
    mugs(&cloud, (1 << 53) - 1, 12).put().await.expect(200);
}

#[tokio::test]
async fn an_order_as_long_as_one_may_be_can_be_amended() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    let receipt = mugs(&cloud, 1, 1).set("lines", lines(5_000)).put().await.expect(200);
    assert_eq!(receipt.number("points"), 5_000);
    cloud.order("o-1").returned("r-1").units("4999", 1).send().await.expect(201);
    mugs(&cloud, 2, 10).put().await.expect(200);
    assert_eq!(balance(&cloud).await, 125);
    cloud.audit().await;
}

#[tokio::test]
async fn an_amendment_of_another_accounts_order_learns_whose_it_is_and_no_more() {
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    mugs(&cloud, 2, 12).put().await.expect(200);
    cloud.account("beta").order("o-9").line("MUG", 1, "1.00").send().await.expect(201);
    let before = cloud.tables().await;
    for revision in [0, 1, 2, 3] {
        for order in [mugs(&cloud, revision, 12), mugs(&cloud, revision, 1).set("currency", json!("EUR"))] {
            let order = order.account("beta");
            for reply in [order.put().await, order.send().await] {
                let refused = reply.expect_problem(409, "content-differs");
                assert_eq!(refused["differences"], json!(["$.account_id"]), "revision {revision}");
            }
        }
    }
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn amendments_come_from_the_bus_and_those_that_cannot_be_taken_end_in_the_dead_letters() {
    let cloud = Cloud::start().await;
    mugs(&cloud, 2, 12).announce_amended().await;
    ten_mugs(&cloud).announce().await;
    mugs(&cloud, 3, 8).announce_amended().await;
    mugs(&cloud, 3, 8).announce_amended().await;
    cloud.drain().await;
    assert!(cloud.queue("OrderPlacedDeadLetters").await.is_empty());
    assert_eq!(balance(&cloud).await, 100);
    let poison = [
        mugs(&cloud, 4, 1).set("revision", json!(null)),
        mugs(&cloud, 3, 1),
        mugs(&cloud, 4, 1).account("beta"),
        mugs(&cloud, 4, 1).placed("2011-02-01T12:00:00Z"),
    ];
    for order in &poison {
        order.announce_amended().await;
    }
    cloud.drain().await;
    assert!(cloud.queue("OrderPlacedQueue").await.is_empty());
    let dead = cloud.queue("OrderPlacedDeadLetters").await;
    assert_eq!((dead.len(), dead.iter().all(|message| message.received == 5)), (poison.len(), true));
    assert_eq!(balance(&cloud).await, 100);
    assert_eq!(cloud.account("acme").history().await[0]["by"], "event:shop.example");
    cloud.audit().await;
}
