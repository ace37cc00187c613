//! Who may do what: denied unless something says otherwise.

use crate::requests::*;
use serde_json::{Value, json};
use tests::{Cloud, Reply, authorizer};

fn token(scopes: &[&str], account: Option<&str>) -> Option<Value> {
    let mut claims = json!({"sub": "somebody"});
    if let Some(account) = account {
        claims["account_id"] = json!(account);
    }
    Some(authorizer(claims, scopes))
}

/// Sends one of [`requests`].
async fn ask(cloud: &Cloud, authorizer: Option<Value>, method: &str, target: &str, body: &str) -> Reply {
    cloud.request_with_key(authorizer, method, target, body, Some("key-1")).await
}

#[tokio::test]
async fn without_an_identity_everything_is_refused() {
    let cloud = start().await;
    let before = stored(&cloud).await;
    let nobody = [
        None,
        Some(json!({})),
        Some(json!({"lambda": {"sub": "somebody"}})),
        Some(authorizer(json!({}), &SCOPES)),
        Some(authorizer(json!({"sub": ""}), &SCOPES)),
        token(&SCOPES, Some("not an id")),
        // An empty claim names no account; it must not mean every one.
        token(&SCOPES, Some("")),
        token(&SCOPES, Some(" ")),
    ];
    for authorizer in nobody {
        for (method, target, body, _) in requests(&cloud) {
            let reply = ask(&cloud, authorizer.clone(), method, &target, &body).await;
            reply.expect_problem(401, "unauthenticated");
        }
    }
    assert_eq!(stored(&cloud).await, before);
}

#[tokio::test]
async fn every_request_needs_its_own_scope() {
    let cloud = start().await;
    let before = stored(&cloud).await;
    for (method, target, body, scope) in requests(&cloud) {
        let others: Vec<_> = SCOPES.into_iter().filter(|other| *other != scope).collect();
        for scopes in [&others[..], &[]] {
            let reply = ask(&cloud, token(scopes, None), method, &target, &body).await;
            let reply = reply.expect_problem(403, "forbidden");
            assert!(reply["detail"].as_str().unwrap().contains(scope), "{method} {target}");
        }
    }
    assert_eq!(stored(&cloud).await, before);
    for (method, target, body, scope) in requests(&cloud) {
        let reply = ask(&cloud, token(&[scope], None), method, &target, &body).await;
        assert!(reply.status() < 300, "{method} {target}: {}", reply.json());
    }
}

#[tokio::test]
async fn a_scope_stands_in_one_of_two_claims_as_text_or_as_an_array() {
    let cloud = start().await;
    let ask = |claim: &str, text: &str, method: &'static str| {
        let authorizer = json!({"jwt": {"claims": {"client_id": "shop", claim: text}, "scopes": SCOPES}});
        let cloud = cloud.clone();
        async move { cloud.request_as(Some(authorizer), method, "/v1/accounts/acme", "{}").await }
    };
    // Text, and what the gateway makes of an array.
    for claim in ["scope", "scp"] {
        for text in ["accounts:read", "openid accounts:read", "[openid accounts:read]", "[accounts:read openid]"] {
            ask(claim, text, "GET").await.expect(200);
            ask(claim, text, "PUT").await.expect_problem(403, "forbidden");
        }
        for text in ["", "[]", "accounts", "[accounts:read", "accounts:read]", "shop/accounts:read", "ACCOUNTS:READ"] {
            ask(claim, text, "GET").await.expect_problem(403, "forbidden");
        }
    }
    ask("roles", "accounts:read", "GET").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn an_accounts_own_token_is_for_that_account_only() {
    let cloud = start().await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let before = stored(&cloud).await;
    for (method, target, body, _) in requests(&cloud) {
        let reply = ask(&cloud, token(&SCOPES, Some("beta")), method, &target, &body).await;
        refused_to_another_account(method, &target, reply);
    }
    let none = cloud.request_as(token(&SCOPES, Some("beta")), "GET", "/v1/orders/shop/none/score", "").await;
    let others = cloud.request_as(token(&SCOPES, Some("beta")), "GET", "/v1/orders/shop/o-1/score", "").await;
    assert_eq!(none.body(), others.body());
    // Nor does an unknown account look different from another's.
    let unknown = cloud.request_as(token(&SCOPES, Some("beta")), "GET", "/v1/accounts/nobody", "").await;
    unknown.expect_problem(403, "forbidden");
    assert_eq!(stored(&cloud).await, before);
    for (method, target, body, _) in requests(&cloud) {
        let reply = ask(&cloud, token(&SCOPES, Some("acme")), method, &target, &body).await;
        match target.as_str() {
            // Nobody gives points or a tier to themselves, or points back, lets themselves or others in or says that they
            // have paid, nor refers, limits a code, is erased, approves or rejects on their own account.
            ADJUSTMENTS | PERSONAL_DATA | MEMBERSHIP | PAYMENTS | TIER_INVITATION | REVIEWS | SURVEYS
            | CANCELLATION => {
                reply.expect_problem(403, "forbidden");
            }
            _ if target.starts_with(INVITATIONS) => drop(reply.expect_problem(403, "forbidden")),
            _ if target.starts_with(SHARED_CODES) => drop(reply.expect_problem(403, "forbidden")),
            // What all accounts come to is the merchant's to know.
            _ if target.starts_with(METRICS) => drop(reply.expect_problem(403, "forbidden")),
            // Nor asks.
            SURVEY if method == "PUT" => drop(reply.expect_problem(403, "forbidden")),
            // Nor reads what the merchant plans.
            _ if target.starts_with(PROGRAM) => drop(reply.expect_problem(403, "forbidden")),
            _ if method != "GET" && target.starts_with("/v1/referrals/") => {
                reply.expect_problem(403, "forbidden");
            }
            _ => assert!(reply.status() < 300, "{method} {target}: {}", reply.json()),
        }
    }
}

#[tokio::test]
async fn an_account_states_of_itself_who_it_is_and_not_what_the_merchant_has_decided() {
    let cloud = Cloud::start().await;
    let own = async |body: Value| {
        cloud.request_as(token(&SCOPES, Some("acme")), "PUT", "/v1/accounts/acme", &body.to_string()).await
    };
    own(json!({"name": "Acme", "segments": ["vip"]})).await.expect_problem(422, "invalid-document");
    own(json!({"name": "Acme", "status": "suspended"})).await.expect_problem(422, "invalid-document");
    own(json!({"name": "Acme", "status": "active"})).await.expect(201);
    let stated = json!({"name": "Acme", "segments": ["hotels"], "status": "suspended"});
    cloud.account("acme").put(stated.clone()).await.expect(200);
    let refused = own(json!({"name": "Acme", "segments": ["vip"], "status": "active"})).await;
    let faults = refused.expect_problem(422, "invalid-document").json()["faults"].clone();
    let fault = |path: &str| json!({"path": path, "code": "merchant_only", "message": "only the merchant states this of an account"});
    assert_eq!(faults, json!([fault("$.segments"), fault("$.status")]));
    // What it leaves out stays, and to say what is so is no wish.
    let reply = own(json!({"name": "Acme Ltd", "email": "office@acme.example"})).await.expect(200);
    assert_eq!(
        (&reply["name"], &reply["segments"], &reply["status"]),
        (&json!("Acme Ltd"), &json!(["hotels"]), &json!("suspended"))
    );
    own(stated).await.expect(200);
    // The merchant's document states everything.
    let reply = cloud.account("acme").put(json!({"name": "Acme", "status": "active"})).await.expect(200);
    assert_eq!((&reply["segments"], &reply["status"]), (&json!([]), &json!("active")));
}

#[tokio::test]
async fn an_accounts_own_token_learns_nothing_of_others_orders_and_parks_nothing() {
    let cloud = start().await;
    let own = || token(&SCOPES, Some("beta"));
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let waiting = cloud.order("waiting");
    waiting.cancelled().send().await.expect(202);
    // A revision that is stored, with one below it and one above.
    cloud.order("o-1").amended(1).line("MUG", 3, "1.00").put().await.expect(200);
    let before = stored(&cloud).await;
    // Somebody else's order, one that is awaited, and none: all the same.
    for (what, document) in [
        ("returns", cloud.order("o-1").returned("r-1").units("1", 1).document()),
        ("returns", cloud.order("o-1").returned("r-1").units("none", 99).document()),
        ("cancellation", cloud.order("o-1").cancelled().document()),
        ("payment", cloud.order("o-1").paid().document()),
    ] {
        let mut answers = Vec::new();
        for id in ["o-1", "waiting", "none"] {
            let target = format!("/v1/orders/shop/{id}/{what}");
            let reply = ask(&cloud, own(), "POST", &target, &document.to_string()).await;
            answers.push(reply.expect_problem(404, "unknown-order").body().to_vec());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
    // An order of its own under a number that is taken: whose it is differs, and nothing else is told; not which
    // revision is stored either.
    for order in
        [cloud.order("o-1").line("MUG", 1, "1.00"), cloud.order("o-1").line("CUP", 7, "9.00").line("A", 1, "1")]
    {
        let document = |revision| order.clone().account("beta").revision(revision).document().to_string();
        let mut answers = vec![ask(&cloud, own(), "POST", "/v1/orders", &document(0)).await];
        for revision in [0, 1, 2] {
            answers.push(ask(&cloud, own(), "POST", "/v1/orders", &document(revision)).await);
            answers.push(ask(&cloud, own(), "PUT", AMENDED, &document(revision)).await);
        }
        for reply in answers {
            let reply = reply.expect_problem(409, "content-differs");
            assert_eq!(reply["differences"], json!(["$.account_id"]));
        }
    }
    assert_eq!(stored(&cloud).await, before);
}

#[tokio::test]
async fn every_route_is_asked_for() {
    assert_every_route_is_known(&requests(&start().await));
}

#[tokio::test]
async fn the_ledger_names_who_it_was() {
    let cloud = start().await;
    let order = cloud.order("o-2").line("MUG", 1, "1.00").document().to_string();
    let reply = cloud.request_as(token(&SCOPES, None), "POST", "/v1/orders", &order).await;
    reply.expect(201);
    assert_eq!(cloud.account("acme").history().await[0]["by"], "somebody");
}
