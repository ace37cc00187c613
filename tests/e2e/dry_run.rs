//! What an order would come to: exactly what it then comes to, and nothing is written.

use aws_sdk_dynamodb::types::AttributeValue;
use fastrand::Rng;
use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Cloud, Order, Reply, WHOLESALE, at, authorizer, each_seed};

/// Everything stored.
async fn stored(cloud: &Cloud) -> impl PartialEq + std::fmt::Debug + use<> {
    (cloud.tables().await, cloud.metrics().await, cloud.programs().await)
}

/// What a client sees of an answer, but for the mark of a dry run.
fn seen(reply: &Reply) -> (u16, String, Vec<Option<String>>) {
    let headers = ["content-type", "idempotent-replayed", "retry-after", "location"];
    let headers = headers.map(|name| reply.header(name).map(str::to_owned));
    (reply.status(), String::from_utf8(reply.body().to_vec()).unwrap(), headers.into())
}

/// Tries a request and then makes it; answers what both came to.
async fn both(cloud: &Cloud, name: &str, method: &str, target: &str, body: &[u8]) -> Reply {
    let before = stored(cloud).await;
    let tried = cloud.request(method, &format!("{target}?dry_run=true"), body).await;
    assert_eq!(tried.header("dry-run"), Some("true"), "{name}");
    assert_eq!(stored(cloud).await, before, "{name}");
    let made = cloud.request(method, target, body).await;
    assert_eq!(made.header("dry-run"), None, "{name}");
    assert_eq!(seen(&tried), seen(&made), "{name}");
    made
}

async fn placed(cloud: &Cloud, name: &str, order: &Order) -> Reply {
    both(cloud, name, "POST", "/v1/orders", order.document().to_string().as_bytes()).await
}

async fn amended(cloud: &Cloud, name: &str, order: &Order) -> Reply {
    both(cloud, name, "PUT", &order.target(), order.document().to_string().as_bytes()).await
}

#[tokio::test]
async fn an_order_comes_to_what_its_dry_run_said() {
    let cloud = Cloud::start().await;
    let large = |id: &str| cloud.order(id).line("MUG", 1, "600.00");
    let first = placed(&cloud, "a first order, which enrols and issues", &large("o-1")).await.expect(201);
    let code = first["discounts_issued"][0]["code"].as_str().unwrap().to_owned();
    placed(&cloud, "a repeat", &large("o-1")).await.expect(200);
    placed(&cloud, "other content", &large("o-1").line("CUP", 1, "1.00")).await.expect_problem(409, "content-differs");
    placed(&cloud, "another's order", &large("o-1").account("beta")).await.expect_problem(409, "content-differs");
    let raised = placed(&cloud, "a raise", &large("o-2")).await.expect(201);
    assert_eq!(raised["tier"]["after"], "silver");
    let small = |id: &str| cloud.order(id).line("CUP", 3, "1.99");
    placed(&cloud, "a code", &small("o-3").code(&code)).await.expect(201);
    placed(&cloud, "a code again", &small("o-4").code(&code)).await.expect_problem(422, "discount-used");
    placed(&cloud, "no code", &small("o-4").code("00000000000")).await.expect_problem(422, "discount-unknown");
    let less = large("o-2").amended(1).line("MUG", 1, "400.00");
    amended(&cloud, "an amendment", &less).await.expect(200);
    placed(&cloud, "the same amendment", &less).await.expect(200);
    let first = large("o-2").line("CUP", 1, "1.00").revision(0);
    assert_eq!(placed(&cloud, "a late statement", &first).await.expect(200)["state"], "superseded");
    amended(&cloud, "a newer one", &less.amended(3).line("MUG", 2, "400.00")).await.expect(200);
    assert_eq!(
        amended(&cloud, "a late one", &less.amended(2).line("MUG", 2, "400.00")).await.expect(200)["state"],
        "superseded"
    );
    amended(&cloud, "a first statement that is amended already", &small("o-5").amended(7).line("CUP", 1, "1.00"))
        .await
        .expect(201);
    let waiting = large("o-6").account("gamma");
    waiting.returned("r-1").units("1", 1).send().await.expect(202);
    let scored = placed(&cloud, "a return that waited", &waiting).await.expect(201);
    assert_eq!(scored["returns"][0]["return_id"], "r-1");
    let cancelled = large("o-7").account("gamma");
    cancelled.cancelled().send().await.expect(202);
    placed(&cloud, "a cancellation that waited", &cancelled).await.expect(201);
    cloud.audit().await;
}

#[tokio::test]
async fn what_is_refused_is_refused_by_the_dry_run_in_the_same_words() {
    let cloud = Cloud::start().await;
    let order = |id: &str| cloud.order(id).line("MUG", 1, "5.00");
    order("o-1").send().await.expect(201);
    cloud.account("acme").put(json!({"name": "Acme", "status": "suspended"})).await.expect(200);
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let beta = || order("o-2").account("beta");
    let vast = |id: &str| order(id).account("gamma").line("CUP", 1_000_000_000, "90000000.00");
    vast("o-3").send().await.expect(201);
    let random = |bytes: usize| (0..bytes).map(|_| fastrand::alphanumeric()).collect::<String>();
    let line = |n: usize| {
        json!({"line_id": format!("{n}-{}", random(55)), "sku": random(64), "quantity": 1,
        "amount": "1.00", "category": random(64), "brand": random(64)})
    };
    let no_item_holds = beta().set("lines", (0..5_000).map(line).collect());
    for (name, order, status, kind) in [
        ("suspended", order("o-2"), 409, "account-not-active"),
        ("another currency", beta().set("currency", json!("EUR")), 422, "foreign-currency"),
        ("the day after tomorrow", beta().placed("2011-03-03T12:00:00Z"), 422, "placed-in-future"),
        ("faults", beta().set("lines", json!([])).set("colour", json!(1)), 422, "invalid-document"),
        ("more than is counted", vast("o-4"), 422, "overflow"),
        ("what no item holds", no_item_holds, 422, "order-too-large"),
    ] {
        placed(&cloud, name, &order).await.expect_problem(status, kind);
    }
    both(&cloud, "no JSON", "POST", "/v1/orders", b"{").await.expect_problem(400, "not-json");
    // Known, and answered although the account is suspended by now.
    placed(&cloud, "a repeat", &order("o-1")).await.expect(200);
    let closed = Cloud::with(|program| program["enrolment"]["unknown_account"] = json!("reject")).await;
    let stranger = closed.order("o-1").line("MUG", 1, "5.00");
    placed(&closed, "a stranger", &stranger).await.expect_problem(404, "unknown-account");
}

#[tokio::test]
async fn a_code_that_is_taken_is_passed_over_by_both() {
    let cloud = Cloud::start().await;
    let order = |id: &str| cloud.order(id).line("MUG", 1, "600.00");
    let issued = |reply: &Reply| reply["discounts_issued"][0]["code"].as_str().unwrap().to_owned();
    let first = issued(&order("o-1").send().await.expect(201));
    cloud.set_clock("2011-06-01T12:00:00Z");
    let next = order("o-2").placed("2011-06-01T12:00:00Z");
    let code = issued(&next.tried("").await.expect(201));
    // Another discount of the account happens to have that code.
    let (client, table) = (cloud.local().client(), &cloud.app().config().tables.ledger);
    let text = |value: String| AttributeValue::S(value);
    let held = client.get_item().table_name(table).key("account_id", text("acme".to_owned()));
    let held = held.key("sk", text(format!("D#{first}"))).send().await.unwrap();
    let mut taken = held.item.unwrap();
    taken.insert("sk".to_owned(), text(format!("D#{code}")));
    taken.insert("code".to_owned(), text(code.clone()));
    client.put_item().table_name(table).set_item(Some(taken)).send().await.unwrap();
    let made = placed(&cloud, "a code that is taken", &next).await.expect(201);
    assert_ne!(issued(&made), code);
}

#[tokio::test]
async fn nothing_of_a_dry_run_hangs_on_reads_that_lag_behind() {
    let cloud = Cloud::start().await;
    for (n, staleness) in [Staleness::Behind(1), Staleness::Oldest, Staleness::Any].into_iter().enumerate() {
        let order = |id: &str| cloud.order(&format!("{id}-{n}")).line("MUG", 1, "600.00");
        order("o-1").send().await.expect(201);
        cloud.stale_reads(staleness);
        for (id, status) in [("o-1", 200), ("o-2", 201), ("o-2", 200)] {
            placed(&cloud, id, &order(id)).await.expect(status);
        }
        placed(&cloud, "other content", &order("o-1").line("CUP", 1, "1.00")).await.expect(409);
        cloud.stale_reads(Staleness::None);
    }
}

/// A history of a few accounts, each order of which is tried before it is placed.
async fn history(seed: u64) {
    let cloud = Cloud::with(crate::walks::with_reviews).await;
    let (mut rng, mut codes, mut now) = (Rng::with_seed(seed), Vec::<String>::new(), at("2011-03-01T12:00:00Z"));
    for step in 0..30 {
        now = now.plus_ms(rng.i64(0..40 * 86_400_000));
        cloud.set_instant(now);
        let account = format!("a-{}", rng.u8(0..3));
        let id = format!("o-{}", rng.u8(0..12));
        let placed_at = now.plus_ms(-rng.i64(0..60 * 86_400_000)).to_string();
        let mut order = cloud.order(&id).account(&account).placed(&placed_at);
        for _ in 0..rng.u8(1..4) {
            order = order.line(
                rng.choice(["MUG", "CUP", "POST"]).unwrap(),
                rng.u64(1..40),
                rng.choice(["9.99", "30.00"]).unwrap(),
            );
        }
        if rng.u8(0..3) == 0 {
            order = order.revision(rng.u64(0..4));
        }
        if let Some(code) = rng.choice(&codes).filter(|_| step % 2 == 0) {
            order = order.code(code);
        }
        let reply = placed(&cloud, &format!("step {step}"), &order).await;
        let issued = reply["discounts_issued"].as_array().into_iter().flatten();
        codes.extend(issued.map(|issued| issued["code"].as_str().unwrap().to_owned()));
        if rng.u8(0..3) == 0 {
            order.returned(&format!("r-{step}")).units("1", 1).at(&now.to_string()).send().await;
        }
    }
    cloud.audit().await;
}

#[tokio::test]
async fn every_order_of_a_history_comes_to_what_its_dry_run_said() {
    each_seed(4, history).await;
}

/// The sample program with twice the points, which nobody has put in force.
async fn with_draft(cloud: &Cloud, change: impl FnOnce(&mut Value)) -> u64 {
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    change(&mut document);
    let stored = cloud.request("POST", "/v1/program/versions", document.to_string()).await.expect(201);
    stored["version"].as_u64().unwrap()
}

#[tokio::test]
async fn an_order_can_be_tried_under_a_version_that_is_not_in_force() {
    let cloud = Cloud::start().await;
    let draft = with_draft(&cloud, |program| program["earning_rules"][0]["points"] = json!(2)).await;
    let order = |id: &str| cloud.order(id).line("MUG", 1, "600.00");
    let before = stored(&cloud).await;
    for (query, points, version) in [("", 600, 1), ("&version=1", 600, 1), (&format!("&version={draft}"), 1_200, draft)]
    {
        let tried = order("o-1").tried(query).await.expect(201);
        assert_eq!((tried.number("points"), &tried["program_version"]), (points, &json!(version)), "{query}");
        assert!(tried["reasons"][0]["text"].as_str().unwrap().contains(&format!("{points} points")), "{query}");
    }
    assert_eq!(stored(&cloud).await, before);
    // What the draft then says, once it is in force, is what it said.
    let said = order("o-1").tried(&format!("&version={draft}")).await.expect(201);
    cloud.put("/v1/program/active", &json!({"version": draft})).await.expect(200);
    cloud.minute_passes().await;
    cloud.set_clock("2011-03-01T12:02:00Z");
    let mut made = order("o-1").placed("2011-03-01T12:02:00Z").send().await.expect(201).json();
    let mut said = said.json();
    for field in ["placed_at", "decided_at", "discounts_issued", "reasons"] {
        (made[field], said[field]) = (json!(null), json!(null));
    }
    assert_eq!(made, said);
    // What is known keeps the version that it was scored under.
    let again = order("o-1").placed("2011-03-01T12:02:00Z").tried("&version=1").await.expect(200);
    assert_eq!(again["program_version"], json!(draft));
}

#[tokio::test]
async fn a_version_is_tried_by_the_merchant_alone_and_in_the_currency_of_the_accounts() {
    let cloud = Cloud::start().await;
    let euros = with_draft(&cloud, |program| program["currency"] = json!("EUR")).await;
    let order = cloud.order("o-1").line("MUG", 1, "600.00");
    let refused = order.clone().set("currency", json!("EUR")).tried(&format!("&version={euros}")).await;
    assert_eq!(refused.expect_problem(409, "cannot-follow").fault_paths(), ["$.currency"]);
    order.tried("&version=9").await.expect_problem(404, "unknown-version");
    let body = order.document().to_string();
    for (query, status, kind) in [
        ("?dry_run=yes", 400, "invalid-parameter"),
        ("?dry_run=true&version=0", 400, "invalid-parameter"),
        ("?dry_run=true&version=first", 400, "invalid-parameter"),
        ("?version=1", 400, "invalid-parameter"),
        ("?dry_run=false&version=1", 400, "invalid-parameter"),
        // Misspelt, it would place the order.
        ("?dryrun=true", 400, "invalid-parameter"),
    ] {
        cloud.request("POST", &format!("/v1/orders{query}"), body.clone()).await.expect_problem(status, kind);
    }
    let token =
        |scopes: &[&str], account: &str| Some(authorizer(json!({"sub": "somebody", "account_id": account}), scopes));
    let before = stored(&cloud).await;
    for (account, scopes, query, status) in [
        ("acme", &["orders:write"][..], "", 201),
        ("acme", &["orders:write"], "&version=1", 403),
        ("acme", &["accounts:read", "program:write"], "", 403),
        ("beta", &["orders:write"], "", 403),
    ] {
        let target = format!("/v1/orders?dry_run=true{query}");
        let reply = cloud.request_as(token(scopes, account), "POST", &target, &body).await;
        assert_eq!(reply.status(), status, "{account} {scopes:?} {query}: {}", reply.json());
    }
    assert_eq!(stored(&cloud).await, before);
    // A word that asks for none places the order.
    cloud.request("POST", "/v1/orders?dry_run=false", body).await.expect(201);
}
