//! What the very first release stored is read, repeated and carried on by this one.
//!
//! `first_slice/` holds the tables as that release left them: the code of 2026-11-22 (commit 8fb1c0a) ran a story at
//! the public API, and this is what stood in its tables then, one item a line, with the answers it gave. The program is
//! the sample of then with points that wait 14 days. Never change these files: a deployment has such items, too.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use local::cloud::Storage;
use serde_json::{Value, json};
use std::collections::HashMap;
use tests::{Cloud, Network, Order, Reply, TakeBack};

const TABLES: [(&str, &str); 5] = [
    ("accounts", include_str!("first_slice/accounts.json")),
    ("orders", include_str!("first_slice/orders.json")),
    ("ledger", include_str!("first_slice/ledger.json")),
    ("codes", include_str!("first_slice/codes.json")),
    ("programs", include_str!("first_slice/programs.json")),
];
const ANSWERS: &str = include_str!("first_slice/answers.json");

fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "B" => AttributeValue::B(Blob::new(STANDARD.decode(text()).unwrap())),
        "M" => AttributeValue::M(attributes(value)),
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(attribute).collect()),
        other => panic!("{other} was stored nowhere"),
    }
}

fn attributes(fields: &Value) -> HashMap<String, AttributeValue> {
    fields.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}

/// Its tables, and this release over them, at the instant it was last heard of.
async fn upgraded() -> Cloud {
    let network = Network::new();
    let storage = Storage::Endpoint { client: network.client(), prefix: String::new() };
    let cloud = Cloud::open(storage, Some(network)).await;
    for (table, lines) in TABLES {
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let put = cloud.local().client().put_item().table_name(table);
            put.set_item(Some(attributes(&line["Item"]))).send().await.unwrap();
        }
    }
    cloud.set_clock("2011-04-10T12:00:00Z");
    cloud.minute_passes().await;
    cloud
}

fn first(cloud: &Cloud) -> Order {
    let order = cloud.order("o-1").line("TEAPOT", 40, "15.00").line("MUG", 10, "12.50").line("POST", 1, "9.00");
    order.placed("2011-03-01T12:00:00Z").set("contact_id", json!("ann"))
}

fn second(cloud: &Cloud) -> Order {
    cloud.order("o-2").placed("2011-03-02T09:00:00Z").line("LAMP", 10, "450.00").code("M4QQ146BQQ$")
}

fn third(cloud: &Cloud) -> Order {
    cloud.order("o-3").placed("2011-03-02T11:00:00Z").line("CUP", 3, "1.00").line("JUG", 2, "7.25")
}

fn of_beta(cloud: &Cloud) -> Order {
    cloud.account("beta").order("b-1").placed("2011-03-20T08:00:00Z").line("MUG", 100, "1.00")
}

/// More lines than are stored as they are: they were deflated.
fn long(cloud: &Cloud) -> Order {
    let order = cloud.account("delta").order("d-1").placed("2011-04-10T11:00:00Z");
    (0..60).fold(order, |order, n| order.line(&format!("SKU-OF-LINE-{n:03}"), 1, "10.00"))
}

fn waiting(cloud: &Cloud) -> (Order, TakeBack) {
    let order = cloud.order("o-4").placed("2011-03-19T11:00:00Z").line("MUG", 10, "1.00");
    let back = order.returned("r-1").units("1", 4).at("2011-03-20T11:00:00Z");
    (order, back)
}

/// What was said to that release, in that order, said again.
async fn said_again(cloud: &Cloud) -> Vec<Reply> {
    let acme = cloud.account("acme");
    let late = json!({"points": 50, "reason": "Late delivery"});
    let mistake = json!({"points": -20, "reason": "A mistake", "reference": "T-17"});
    let paid_out = json!({"points": -90, "reason": "Paid out"});
    vec![
        first(cloud).send().await,
        second(cloud).send().await,
        first(cloud).returned("r-1").units("2", 4).at("2011-03-02T10:00:00Z").send().await,
        third(cloud).send().await,
        third(cloud).cancelled().at("2011-03-20T10:00:00Z").send().await,
        first(cloud).returned("r-2").units("1", 1).units("2", 1).at("2011-03-20T11:00:00Z").send().await,
        acme.adjust("key-1", late).await,
        acme.adjust("key-2", mistake).await,
        of_beta(cloud).send().await,
        cloud.account("beta").adjust("key-3", paid_out).await,
        of_beta(cloud).returned("r-1").units("1", 50).at("2011-04-10T11:00:00Z").send().await,
        cloud.account("gamma").order("g-1").placed("2011-04-10T11:00:00Z").line("POST", 1, "9.00").send().await,
        long(cloud).send().await,
    ]
}

#[tokio::test]
async fn what_the_first_release_stored_is_read_as_it_was_meant() {
    let cloud = upgraded().await;
    let report = cloud.audit().await.to_string();
    assert!(report.contains("5 accounts, 6 orders, 16 entries, 3 discounts"), "{report}");
    assert!(report.contains("6001 issued = 5737 outstanding + 0 expired + 264 reversed"), "{report}");

    let acme = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&acme["points"]["balance"], &acme["points"]["pending"]), (&json!(5177), &json!(0)));
    assert_eq!(acme["points"]["next_expiry"], json!({"at": "2013-03-31T23:00:00Z", "points": 5177}));
    assert_eq!((&acme["tier"]["id"], &acme["tier"]["since"]), (&json!("gold"), &json!("2011-03-02T12:00:00Z")));
    assert_eq!(acme["tier"]["qualifying_spend"]["amount"], "5147.50");
    assert_eq!((&acme["orders"], &acme["revenue"]["amount"]), (&json!(3), &json!("5156.50")));
    assert_eq!((&acme["name"], &acme["vat_id"]), (&json!("Acme Ltd"), &json!("GB123456789")));
    assert_eq!((&acme["email"], &acme["segments"]), (&json!("office@acme.example"), &json!(["retail"])));
    assert_eq!(acme["discounts"], json!([]), "the one it had ended on the 1st of April");
    let beta = cloud.account("beta").standing().await.expect(200);
    assert_eq!((&beta["points"]["balance"], &beta["points"]["debt"]), (&json!(0), &json!(40)));
    let delta = cloud.account("delta").standing().await.expect(200);
    assert_eq!((&delta["points"]["balance"], &delta["points"]["pending"]), (&json!(0), &json!(600)));
    let open = &delta["discounts"][0];
    assert_eq!((&open["code"], &open["percent"]), (&json!("VT4205DDTZ6"), &json!("5")));
    assert_eq!(open["expires_at"], "2011-05-10T11:00:00Z");
    assert_eq!(cloud.account("epsilon").standing().await.expect(200)["status"], "suspended");
    let ann = cloud.get("/v1/accounts/acme/contacts/ann").await.expect(200);
    assert_eq!((&ann["name"], &ann["birthday"]), (&json!("Ann"), &json!("1980-02-29")));
    for (account, entries) in [("acme", 10), ("beta", 3), ("gamma", 1), ("delta", 1), ("epsilon", 1)] {
        let history = cloud.account(account).history().await;
        assert_eq!(history.len(), entries);
        assert!(history.iter().all(|entry| !entry["text"].as_str().unwrap().is_empty()), "{history:?}");
    }
}

#[tokio::test]
async fn what_was_said_to_the_first_release_is_answered_as_by_it() {
    let cloud = upgraded().await;
    let before = cloud.tables().await;
    let again = said_again(&cloud).await;
    assert_eq!(again.len(), ANSWERS.lines().count());
    for (reply, answer) in again.into_iter().zip(ANSWERS.lines()) {
        let answer: Value = serde_json::from_str(answer).unwrap();
        let reply = reply.expect(200);
        for (name, value) in answer["answer"].as_object().unwrap() {
            let found = match name.as_str() {
                // Names of tiers and such were added since; what it said stands.
                "tier" => {
                    let fields = value.as_object().unwrap().keys();
                    Value::Object(fields.map(|field| (field.clone(), reply[name][field].clone())).collect())
                }
                _ => reply[name].clone(),
            };
            assert_eq!(&found, value, "{name} of {answer}");
        }
    }
    let (order, back) = waiting(&cloud);
    back.send().await.expect(202);
    back.units("2", 1).send().await.expect_problem(409, "content-differs");
    order.score().await.expect_problem(404, "unknown-order");
    first(&cloud).line("CUP", 1, "1.00").send().await.expect_problem(409, "content-differs");
    let other = json!({"points": 51, "reason": "Late delivery"});
    cloud.account("acme").adjust("key-1", other).await.expect_problem(409, "idempotency-key-reused");
    let acme = json!({
        "name": "Acme Ltd", "email": "office@acme.example", "vat_id": "GB123456789", "segments": ["retail"],
    });
    cloud.account("acme").put(acme).await.expect(200);
    let taken = json!({"name": "Beta", "vat_id": "GB123456789"});
    cloud.account("beta").put(taken).await.expect_problem(409, "taken");
    second(&cloud).amended(1).line("LAMP", 10, "450.00").code("SGR9WA8JSBU").send().await.expect(422);
    assert_eq!(cloud.tables().await, before, "nothing is written for it");
}

/// The orders that are still kept as the first release did it.
async fn kept_as_then(cloud: &Cloud) -> usize {
    let found = cloud.local().client().scan().table_name("orders").send().await.unwrap();
    found.items().iter().filter(|item| item.contains_key("returns")).count()
}

#[tokio::test]
async fn what_the_first_release_began_is_carried_on() {
    let cloud = upgraded().await;
    let (acme, beta) = (cloud.account("acme"), cloud.account("beta"));
    assert_eq!(kept_as_then(&cloud).await, 3);
    // 1.5 points a pound: gold still.
    let next = cloud.order("o-5").placed("2011-04-10T11:30:00Z").line("MUG", 8, "12.50").send().await.expect(201);
    assert_eq!((next.number("points"), next.number("entry")), (150, 11));
    // What was owed is repaid.
    let more = beta.order("b-2").placed("2011-04-10T11:30:00Z").line("MUG", 60, "1.00").send().await.expect(201);
    assert_eq!(more.number("points"), 60);
    // What it had issued is used.
    let uses = cloud.account("delta").order("d-2").placed("2011-04-10T11:30:00Z").line("MUG", 10, "10.00");
    let used = uses.code("VT4205DDTZ6").send().await.expect(201);
    assert_eq!((&used["discounts_used"], used.number("points")), (&json!(["VT4205DDTZ6"]), 100));
    let again = cloud.account("delta").order("d-3").placed("2011-04-10T11:40:00Z").line("MUG", 1, "10.00");
    again.code("VT4205DDTZ6").send().await.expect_problem(422, "discount-used");
    cloud.audit().await;
    // Five of ten mugs came back before, 39 of 40 teapots are left; then all of it.
    let order = first(&cloud);
    let early = order.returned("r-3").units("2", 6).at("2011-04-10T11:00:00Z").send().await;
    assert_eq!(early.expect_problem(422, "invalid-document").fault_paths(), ["$.lines[0].quantity"]);
    let back = order.returned("r-3").units("2", 5).at("2011-04-10T11:00:00Z").send().await.expect(201);
    assert_eq!((back.number("points_reversed"), back.number("entry")), (62, 12));
    let rest = order.cancelled().at("2011-04-10T11:30:00Z").send().await.expect(201);
    assert_eq!(rest.number("points_reversed"), 725 - 50 - 28 - 62);
    let none_left = third(&cloud).returned("r-1").units("1", 1).at("2011-04-10T11:00:00Z").send().await;
    assert_eq!(none_left.expect(201).number("points_reversed"), 0);
    // The order that its return waited for.
    let (late, back) = waiting(&cloud);
    assert_eq!(late.send().await.expect(201).number("points"), 15);
    assert_eq!(back.send().await.expect(200).number("points_reversed"), 6);
    // Stated anew: a tenth less.
    let amended = second(&cloud).amended(1).line("LAMP", 9, "450.00").code("M4QQ146BQQ$").send().await.expect(200);
    assert_eq!((amended.number("points"), amended["amended"]["points"].as_i64()), (4050, Some(-450)));
    of_beta(&cloud).cancelled().at("2011-04-10T11:30:00Z").send().await.expect(201);
    assert_eq!(kept_as_then(&cloud).await, 0, "written as today with what became of them");
    cloud.audit().await;

    // The discount that ended unused is written down, the points that wait become available, and a night counts it all.
    cloud.set_clock("2011-05-02T12:00:00Z");
    cloud.sweep(None).await;
    let history = acme.history().await;
    let types: Vec<_> =
        history.iter().flat_map(|entry| entry["changes"].as_array().unwrap()).map(|c| &c["type"]).collect();
    assert!(types.iter().any(|kind| **kind == "discount.expired"), "{types:?}");
    let delta = cloud.account("delta").standing().await.expect(200);
    assert_eq!((&delta["points"]["balance"], &delta["points"]["pending"]), (&json!(700), &json!(0)));
    let night = cloud.night("2011-05-01").await;
    let audited = cloud.audit().await;
    assert_eq!((night.accounts, night.points_outstanding), (5, audited.outstanding));
    assert_eq!(first(&cloud).send().await.expect(200).number("points"), 725, "its first answer stands");
}
