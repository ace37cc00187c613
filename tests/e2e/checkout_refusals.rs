//! What is wrong with a reservation is told at once and where, and nothing is written.

use crate::checkout::{mugs, paid_in_part, start};
use crate::shared_codes::{issued, unusable};
use domain::code::Code;
use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Account, Cart, Cloud};

/// A cart, the status and the kind of problem that it meets, and the paths of its faults.
type Row = (&'static str, Cart, u16, &'static str, &'static [&'static str]);

fn documents(acme: &Account) -> Vec<Row> {
    let with = |change: fn(&mut Value)| {
        let cart = mugs(acme).points(100);
        let mut document = cart.document();
        change(&mut document);
        let fields = document.as_object().unwrap().clone();
        fields.into_iter().fold(cart, |cart, (field, value)| cart.set(&field, value))
    };
    let (invalid, code) = ("invalid-document", 422);
    vec![
        ("a foreign currency", with(|cart| cart["currency"] = json!("EUR")), code, "foreign-currency", &["$.currency"]),
        ("no currency", with(|cart| cart["currency"] = json!("pounds")), code, invalid, &["$.currency"]),
        ("nobody", with(|cart| cart["account_id"] = json!("nobody")), 404, "unknown-account", &[]),
        ("no id", with(|cart| cart["account_id"] = json!("a/b")), code, invalid, &["$.account_id"]),
        ("no lines", with(|cart| cart["lines"] = json!([])), code, invalid, &["$.lines"]),
        ("too many lines", with(|cart| cart["lines"] = json!(vec![json!({}); 5_001])), code, invalid, &["$.lines"]),
        (
            "one line twice",
            with(|cart| cart["lines"][1]["line_id"] = json!("1")),
            code,
            invalid,
            &["$.lines[1].line_id"],
        ),
        (
            "more faults than one",
            with(|cart| {
                cart["lines"][0]["quantity"] = json!(-1);
                cart["lines"][1]["quantity"] = json!(0);
                cart["discount_codes"] = json!(["not a code"]);
                cart["points"] = json!(-1);
                cart["placed_at"] = json!("2011-03-01T12:00:00Z");
            }),
            code,
            invalid,
            &["$.placed_at", "$.lines[0].quantity", "$.lines[1].quantity", "$.discount_codes[0]", "$.points"],
        ),
        ("all of the points", with(|cart| cart["points"] = json!("all")), code, invalid, &["$.points"]),
        ("the worst codes", with(|cart| cart["discount_codes"] = json!("worst")), code, invalid, &["$.discount_codes"]),
        ("a number of its own", with(|cart| cart["order_id"] = json!("o-1")), code, invalid, &["$.order_id"]),
    ]
}

#[tokio::test]
async fn what_is_wrong_with_a_reservation_is_told_where_and_nothing_is_written() {
    let (cloud, acme, expired) = start().await;
    let used = acme.coupon("used").await;
    let beta = cloud.account("beta");
    beta.put(json!({"name": "Beta"})).await.expect(201);
    beta.give(10).await.expect(201);
    let foreign = beta.coupon("foreign").await;
    acme.order("o-1").line("MUG", 1, "20.00").code(&used).send().await.expect(201);
    cloud.set_clock("2011-03-21T11:59:00Z");
    let (open, held) = (acme.coupon("open").await, acme.coupon("held").await);
    cloud.set_clock("2011-03-21T12:00:00Z");
    mugs(&acme).codes(&[&held]).points(1_000).reserved("cart-0").await;
    // Of 1,800 points 1,000 are held.
    acme.give(1_800 - acme.balance().await).await.expect(201);
    let unknown = Code::of_bits(1_234_567).to_string();
    let code = |codes: &[&str]| mugs(&acme).codes(codes).points(100);
    let first: &[&str] = &["$.discount_codes[0]"];
    let mut rows: Vec<Row> = documents(&acme);
    rows.extend([
        ("an unknown code", code(&[&unknown]), 422, "discount-unknown", first),
        ("a foreign code", code(&[&foreign]), 422, "discount-unknown", first),
        ("a used code", code(&[&used]), 422, "discount-used", first),
        ("an expired code", code(&[&expired]), 422, "discount-expired", first),
        ("a held code", code(&[&held]), 422, "discount-held", first),
        ("the second of two", code(&[&open, &used]), 422, "discount-used", &["$.discount_codes[1]"]),
        ("more points than are free", mugs(&acme).points(801), 422, "not-enough-points", &["$.points"]),
        ("nothing wished", mugs(&acme), 422, "nothing-to-reserve", &[]),
        ("fewer points than the program takes", mugs(&acme).points(99), 422, "nothing-to-reserve", &[]),
        (
            "a code that takes nothing off",
            acme.cart().line("POST", 1, "9.99").codes(&[&open]),
            422,
            "nothing-to-reserve",
            &[],
        ),
    ]);
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        for (name, cart, status, kind, paths) in &rows {
            println!("{name}");
            let reply = cart.reserve(&format!("cart: {name}")).await.expect_problem(*status, kind);
            assert_eq!(reply.fault_paths(), *paths, "{name}");
        }
    }
    cloud.stale_reads(Staleness::None);
    let answers = [&unknown, &foreign].map(|named| (named, code(&[named])));
    let mut told = Vec::new();
    for (_, cart) in answers {
        told.push(cart.reserve("cart").await.json());
    }
    assert_eq!(told[0], told[1], "nothing tells whether it is somebody else's");
    let body = paid_in_part(&acme, &open).document().to_string();
    let keyless = cloud.request("POST", "/v1/reservations", body.clone()).await;
    assert_eq!((keyless.status(), keyless["type"].as_str()), (400, Some("/problems/idempotency-key-missing")));
    let broken = cloud.local().http("POST", "/v1/reservations", &[("idempotency-key", "k")], b"{".to_vec()).await;
    assert_eq!(broken.status, 400);
    let queried = cloud.request_keyed("/v1/reservations?dry_run=true", "k", &json!({})).await;
    assert_eq!(queried.status(), 400);
    assert_eq!(cloud.tables().await, before);

    // What was refused may be tried again under the same key, once it can be.
    cloud.release(&tests::reservation_id("cart-0")).await.expect(200);
    mugs(&acme).codes(&[&held]).points(100).reserve("cart: a held code").await.expect(201);
    cloud.audit().await;
}

#[tokio::test]
async fn a_shared_code_that_cannot_be_used_refuses_a_reservation_and_nothing_is_written() {
    let (cloud, acme, own) = start().await;
    let open = issued(&cloud, "open", json!({"percent": "5", "uses": 1})).await;
    let codes = unusable(&cloud).await;
    let before = cloud.tables().await;
    for (number, (code, kind)) in codes.iter().enumerate() {
        println!("{number}: {kind}");
        let key = |what: &str| format!("{what}-{number}");
        let reply = mugs(&acme).codes(&[code]).points(100).reserve(&key("one")).await.expect_problem(422, kind);
        assert_eq!(reply.fault_paths(), ["$.discount_codes[0]"]);
        let reply = mugs(&acme).codes(&[&own, &open, code]).reserve(&key("three")).await.expect_problem(422, kind);
        assert_eq!(reply.fault_paths(), ["$.discount_codes[2]"]);
        assert_eq!(cloud.tables().await, before, "{kind}");
    }
    mugs(&acme).codes(&[&own, &open]).reserve("three-0").await.expect(201);
    cloud.audit().await;
}

#[tokio::test]
async fn an_account_that_takes_no_part_reserves_nothing_and_what_it_holds_waits() {
    let (cloud, acme, code) = start().await;
    let id = paid_in_part(&acme, &code).reserved("cart-1").await;
    acme.put(json!({"name": "Acme", "status": "suspended"})).await.expect(200);
    let before = cloud.tables().await;
    let refused = mugs(&acme).points(100).reserve("cart-2").await;
    refused.expect_problem(409, "account-not-active");
    let order = acme.order("o-1").line("MUG", 1, "20.00").reservation(&id);
    order.send().await.expect_problem(409, "account-not-active");
    assert_eq!(cloud.tables().await, before);
    acme.put(json!({"name": "Acme", "status": "active"})).await.expect(200);
    order.send().await.expect(201);
    cloud.audit().await;
}

#[tokio::test]
async fn a_program_without_an_exchange_holds_discounts_alone() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    let first = acme.order("o-1").line("MUG", 1, "500.00").send().await.expect(201);
    let code = first["discounts_issued"][0]["code"].as_str().unwrap();
    mugs(&acme).points(100).reserve("cart-1").await.expect_problem(422, "nothing-to-reserve");
    let held = mugs(&acme).codes(&[code]).points("max").reserve("cart-1").await.expect(201);
    assert_eq!((&held["discount_codes"], &held["points"]), (&json!([code]), &json!(0)));
    cloud.audit().await;
}

#[tokio::test]
async fn a_used_discount_is_promised_to_nobody_whatever_a_lagging_replica_shows() {
    let (cloud, _, _) = start().await;
    // Each account is new, so that a read of any version of it shows the newest often enough.
    for round in 0..40 {
        let account = cloud.account(&format!("account-{round}"));
        let first = account.order(&format!("o-{round}")).line("MUG", 1, "500.00").send().await.expect(201);
        let code = first["discounts_issued"][0]["code"].as_str().unwrap();
        account.order(&format!("p-{round}")).line("MUG", 1, "2.00").code(code).send().await.expect(201);
        cloud.stale_reads(Staleness::Any);
        let reply = mugs(&account).codes(&[code]).points(100).reserve(&format!("cart-{round}")).await;
        assert_eq!((round, reply.status(), reply["type"].as_str()), (round, 422, Some("/problems/discount-used")));
        cloud.stale_reads(Staleness::None);
    }
    cloud.audit().await;
}
