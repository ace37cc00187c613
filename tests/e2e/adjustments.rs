//! Points given and taken by hand: with a reason, once per `Idempotency-Key`.

use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Account, Cloud, authorizer};

const TARGET: &str = "/v1/accounts/acme/adjustments";

fn token(sub: &str) -> Option<Value> {
    Some(authorizer(json!({"sub": sub}), &["accounts:write"]))
}

/// `acme` with 100 points of an order.
async fn start(change: impl FnOnce(&mut Value)) -> (Cloud, Account) {
    let cloud = Cloud::with(change).await;
    cloud.order("o-1").line("MUG", 1, "100.00").send().await.expect(201);
    let acme = cloud.account("acme");
    (cloud, acme)
}

#[tokio::test]
async fn points_are_given_with_a_reason_until_the_usual_end_or_another() {
    let (cloud, acme) = start(|_| {}).await;
    let document = json!({"points": 50, "reason": "Late delivery", "reference": "T-17"});
    let reply = acme.adjust("key-1", document).await.expect(201);
    assert_eq!(
        reply.json(),
        json!({
            "account_id": "acme", "entry": 2, "decided_at": "2011-03-01T12:00:00Z", "points": 50,
            "expires_at": "2013-03-31T23:00:00Z", "debt": 0, "balance": 150,
        })
    );
    let until = json!({"points": 7, "reason": "For a week", "expires_at": "2011-03-08T12:00:00Z"});
    let reply = acme.adjust("key-2", until).await.expect(201);
    assert_eq!((&reply["expires_at"], reply.number("balance")), (&json!("2011-03-31T23:00:00Z"), 157));
    let entries = acme.history().await;
    assert_eq!(entries[1]["cause"], json!({"kind": "adjustment"}));
    assert_eq!((&entries[1]["by"], &entries[1]["points"]), (&json!("operator"), &json!(50)));
    assert_eq!(
        entries[1]["changes"],
        json!([{
            "type": "points.credited", "points": 50, "expires_at": "2013-03-31T23:00:00Z", "reason": "Late delivery",
            "reference": "T-17",
        }])
    );
    cloud.set_clock("2011-03-31T23:00:00Z");
    assert_eq!(acme.standing().await.expect(200)["points"]["balance"], 150);
    cloud.audit().await;
}

#[tokio::test]
async fn points_are_taken_from_what_ends_first() {
    let (cloud, acme) = start(|_| {}).await;
    let soon = json!({"points": 30, "reason": "A gift", "expires_at": "2011-04-01T00:00:00Z"});
    acme.adjust("key-1", soon).await.expect(201);
    let reply = acme.give(-40).await.expect(201);
    assert_eq!((reply.number("points"), reply.number("balance"), reply.number("debt")), (-40, 90, 0));
    assert_eq!(reply["expires_at"], Value::Null);
    let standing = acme.standing().await.expect(200);
    assert_eq!(standing["points"]["next_expiry"], json!({"at": "2013-03-31T23:00:00Z", "points": 90}));
    assert_eq!(acme.history().await[0]["points"], -40);
    cloud.audit().await;
}

#[tokio::test]
async fn a_key_is_required() {
    let (cloud, _) = start(|_| {}).await;
    let before = cloud.tables().await;
    let document = json!({"points": 1, "reason": "A test"});
    let none = cloud.request("POST", TARGET, document.to_string()).await;
    none.expect_problem(400, "idempotency-key-missing");
    cloud.request_keyed(TARGET, "", &document).await.expect_problem(400, "idempotency-key-missing");
    for bad in ["x".repeat(256), "Schlüssel".to_owned()] {
        let reply = cloud.request_keyed(TARGET, &bad, &document).await.expect(400);
        assert!(
            ["/problems/invalid-parameter", "/problems/idempotency-key-missing"]
                .contains(&reply["type"].as_str().unwrap())
        );
    }
    assert_eq!(cloud.tables().await, before);
    cloud.request_keyed(TARGET, &"x".repeat(255), &document).await.expect(201);
}

#[tokio::test]
async fn the_same_key_gets_the_first_answer_and_writes_nothing() {
    let (cloud, acme) = start(|_| {}).await;
    let document = json!({"points": 50, "reason": "Late delivery"});
    let first = acme.adjust("key-1", document.clone()).await.expect(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    acme.give(-10).await.expect(201);
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Behind(1), Staleness::Oldest] {
        cloud.stale_reads(staleness);
        for now in ["2011-03-01T12:00:00Z", "2014-01-01T00:00:00Z"] {
            cloud.set_clock(now);
            let again = acme.adjust("key-1", document.clone()).await.expect(200);
            assert_eq!(again.body(), first.body());
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
            for other in [
                json!({"points": 51, "reason": "Late delivery"}),
                json!({"points": 50, "reason": "Later delivery"}),
                json!({"points": 50, "reason": "Late delivery", "reference": "T-17"}),
                json!({"points": 50, "reason": "Late delivery", "expires_at": "2015-01-01T00:00:00Z"}),
                json!({"points": -50, "reason": "Late delivery"}),
            ] {
                acme.adjust("key-1", other).await.expect_problem(409, "idempotency-key-reused");
            }
        }
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn a_key_is_the_callers_and_the_accounts_own() {
    let (cloud, acme) = start(|_| {}).await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let body = json!({"points": 1, "reason": "A test"}).to_string();
    for caller in ["shop", "erp"] {
        for target in [TARGET, "/v1/accounts/beta/adjustments"] {
            let reply = cloud.request_with_key(token(caller), "POST", target, &body, Some("key-1")).await;
            reply.expect(201);
            let again = cloud.request_with_key(token(caller), "POST", target, &body, Some("key-1")).await;
            again.expect(200);
        }
    }
    let acme = acme.standing().await.expect(200);
    let beta = cloud.account("beta").standing().await.expect(200);
    assert_eq!((&acme["points"]["balance"], &beta["points"]["balance"]), (&json!(102), &json!(2)));
    assert_eq!(cloud.account("acme").history().await[0]["by"], "erp");
}

#[tokio::test]
async fn taking_more_than_there_is_makes_a_debt_where_the_program_allows_it() {
    let (cloud, acme) = start(|program| program["points"]["shortfall"] = json!("owe")).await;
    let reply = acme.give(-130).await.expect(201);
    assert_eq!((reply.number("debt"), reply.number("points")), (30, -130));
    assert!(reply.number("balance") <= 0);
    let reply = acme.give(20).await.expect(201);
    assert_eq!(reply.number("debt"), 10);
    let reply = acme.give(15).await.expect(201);
    assert_eq!((reply.number("debt"), reply.number("balance")), (0, 5));
    let changes = acme.history().await[0]["changes"].clone();
    assert!(changes.as_array().unwrap().contains(&json!({"type": "points.repaid", "points": 10})), "{changes}");
    assert_eq!(acme.standing().await.expect(200)["points"]["balance"], 5);
    cloud.audit().await;
}

#[tokio::test]
async fn taking_more_than_there_is_is_refused_where_the_program_writes_off() {
    let (cloud, acme) = start(|program| program["points"]["shortfall"] = json!("write_off")).await;
    let before = cloud.tables().await;
    let refused = acme.adjust("key-1", json!({"points": -130, "reason": "A test"})).await;
    let refused = refused.expect_problem(422, "not-enough-points");
    assert!(refused["detail"].as_str().unwrap().starts_with("30 points are missing"));
    assert_eq!(cloud.tables().await, before);
    // A refusal keeps nothing under its key.
    let reply = acme.adjust("key-1", json!({"points": -100, "reason": "A test"})).await.expect(201);
    assert_eq!((reply.number("debt"), reply.number("balance")), (0, 0));
    cloud.audit().await;
}

#[tokio::test]
async fn a_bad_adjustment_is_answered_with_what_is_wrong_and_where_and_changes_nothing() {
    let (cloud, acme) = start(|_| {}).await;
    let before = cloud.tables().await;
    let rows: [(&str, Value, &[&str]); 18] = [
        ("nothing", json!({}), &["$.points", "$.reason"]),
        ("an array", json!([]), &["$"]),
        ("no points", json!({"points": null, "reason": "r"}), &["$.points"]),
        ("zero", json!({"points": 0, "reason": "r"}), &["$.points"]),
        ("half a point", json!({"points": 0.5, "reason": "r"}), &["$.points"]),
        ("a whole float", json!({"points": 1.0, "reason": "r"}), &["$.points"]),
        ("a text", json!({"points": "5", "reason": "r"}), &["$.points"]),
        ("too many", json!({"points": 1_000_000_000_001_i64, "reason": "r"}), &["$.points"]),
        ("too few", json!({"points": -1_000_000_000_001_i64, "reason": "r"}), &["$.points"]),
        ("beyond 64 bits", json!({"points": 1e30, "reason": "r"}), &["$.points"]),
        ("no reason", json!({"points": 1}), &["$.reason"]),
        ("a blank reason", json!({"points": 1, "reason": " "}), &["$.reason"]),
        ("a reason of 201", json!({"points": 1, "reason": "x".repeat(201)}), &["$.reason"]),
        ("a reference of 65", json!({"points": 1, "reason": "r", "reference": "x".repeat(65)}), &["$.reference"]),
        ("an end that is none", json!({"points": 1, "reason": "r", "expires_at": "soon"}), &["$.expires_at"]),
        (
            "an end of points taken",
            json!({"points": -1, "reason": "r", "expires_at": "2012-01-01T00:00:00Z"}),
            &["$.expires_at"],
        ),
        ("an unknown field", json!({"points": 1, "reason": "r", "why": "r"}), &["$.why"]),
        ("everything", json!({"points": 0, "reason": "", "reference": 1}), &["$.points", "$.reason", "$.reference"]),
    ];
    for (name, document, paths) in rows {
        let reply = acme.adjust("key-1", document).await;
        assert_eq!(
            (reply.status(), reply.fault_paths()),
            (422, paths.iter().map(ToString::to_string).collect()),
            "{name}: {}",
            reply.json()
        );
        reply.expect_problem(422, "invalid-document");
        assert_eq!(cloud.tables().await, before, "{name} was written");
    }
    for end in ["2011-03-01T12:00:00Z", "2010-01-01T00:00:00Z"] {
        let reply = acme.adjust("key-1", json!({"points": 1, "reason": "r", "expires_at": end})).await;
        assert_eq!(reply.expect_problem(422, "expires-in-past").fault_paths(), ["$.expires_at"]);
    }
    let nobody = cloud.account("nobody").give(1).await;
    nobody.expect_problem(404, "unknown-account");
    assert_eq!(cloud.tables().await, before);
    acme.adjust("key-1", json!({"points": 1, "reason": "r"})).await.expect(201);
}

#[tokio::test]
async fn a_closed_account_is_left_alone_and_a_suspended_one_is_not() {
    let (cloud, acme) = start(|_| {}).await;
    acme.put(json!({"name": "Acme", "status": "suspended"})).await.expect(200);
    let first = acme.adjust("key-1", json!({"points": 1, "reason": "r"})).await.expect(201);
    acme.put(json!({"name": "Acme", "status": "closed"})).await.expect(200);
    let before = cloud.tables().await;
    acme.give(1).await.expect_problem(409, "account-not-active");
    acme.give(-1).await.expect_problem(409, "account-not-active");
    // What was done before is still answered as it was.
    assert_eq!(acme.adjust("key-1", json!({"points": 1, "reason": "r"})).await.expect(200).body(), first.body());
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn sums_beyond_64_bits_are_refused() {
    let (cloud, acme) = start(|_| {}).await;
    for ends in ["9999-01-01T00:00:00Z", "2500-01-01T00:00:00Z"] {
        let reply =
            acme.adjust(ends, json!({"points": 1_000_000_000_000_i64, "reason": "r", "expires_at": ends})).await;
        assert!([201, 422].contains(&reply.status()), "{}", reply.json());
        cloud.audit().await;
    }
}
