//! Who may do what: denied unless something says otherwise.

use serde_json::{Value, json};
use tests::Cloud;
use tests::actor::Reply;

fn token(scopes: &[&str], account: Option<&str>) -> Option<Value> {
    let mut claims = json!({"sub": "somebody"});
    if let Some(account) = account {
        claims["account_id"] = json!(account);
    }
    Some(json!({"jwt": {"claims": claims, "scopes": scopes}}))
}

/// Every request there is, all about the account `acme`, each with the scope it needs.
fn requests(cloud: &Cloud) -> Vec<(&'static str, &'static str, String, &'static str)> {
    let order = cloud.order("o-2").line("MUG", 1, "1.00").document().to_string();
    let account = json!({"name": "Acme"}).to_string();
    let contact = json!({"name": "Ann", "role": "buyer", "locale": "en"}).to_string();
    vec![
        ("POST", "/v1/orders", order, "orders:write"),
        ("PUT", "/v1/accounts/acme", account, "accounts:write"),
        ("PUT", "/v1/accounts/acme/contacts/ann", contact, "accounts:write"),
        ("GET", "/v1/accounts/acme", String::new(), "accounts:read"),
        ("GET", "/v1/accounts/acme/entries", String::new(), "accounts:read"),
        ("GET", "/v1/orders/shop/o-1/score", String::new(), "accounts:read"),
    ]
}

const SCOPES: [&str; 3] = ["orders:write", "accounts:read", "accounts:write"];

async fn start() -> Cloud {
    let cloud = Cloud::start().await;
    cloud.order("o-1").line("MUG", 1, "1.00").send().await.expect(201);
    cloud
}

#[tokio::test]
async fn without_an_identity_everything_is_refused() {
    let cloud = start().await;
    let before = cloud.tables().await;
    let nobody = [
        None,
        Some(json!({})),
        Some(json!({"lambda": {"sub": "somebody"}})),
        Some(json!({"jwt": {"claims": {}, "scopes": SCOPES}})),
        Some(json!({"jwt": {"claims": {"sub": ""}, "scopes": SCOPES}})),
        Some(json!({"jwt": {"claims": {"sub": "somebody", "account_id": "not an id"}, "scopes": SCOPES}})),
    ];
    for authorizer in nobody {
        for (method, target, body, _) in requests(&cloud) {
            let reply = cloud.request_as(authorizer.clone(), method, target, &body).await;
            reply.expect_problem(401, "unauthenticated");
        }
    }
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn every_request_needs_its_own_scope() {
    let cloud = start().await;
    let before = cloud.tables().await;
    for (method, target, body, scope) in requests(&cloud) {
        let others: Vec<_> = SCOPES.into_iter().filter(|other| *other != scope).collect();
        let reply = cloud.request_as(token(&others, None), method, target, &body).await;
        let reply = reply.expect_problem(403, "forbidden");
        assert!(reply["detail"].as_str().unwrap().contains(scope), "{method} {target}");
    }
    assert_eq!(cloud.tables().await, before);
    for (method, target, body, scope) in requests(&cloud) {
        let reply = cloud.request_as(token(&[scope], None), method, target, &body).await;
        assert!(reply.status() < 300, "{method} {target}: {}", reply.json());
    }
}

#[tokio::test]
async fn a_scope_may_also_stand_in_the_claim() {
    let cloud = start().await;
    let authorizer = json!({"jwt": {"claims": {"client_id": "shop", "scope": "openid accounts:read"}}});
    let reply = cloud.request_as(Some(authorizer.clone()), "GET", "/v1/accounts/acme", "").await;
    reply.expect(200);
    let reply = cloud.request_as(Some(authorizer), "PUT", "/v1/accounts/acme", "{}").await;
    reply.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn an_accounts_own_token_is_for_that_account_only() {
    let cloud = start().await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let before = cloud.tables().await;
    for (method, target, body, _) in requests(&cloud) {
        let reply: Reply = cloud.request_as(token(&SCOPES, Some("beta")), method, target, &body).await;
        match target {
            // Somebody else's order looks like none at all.
            "/v1/orders/shop/o-1/score" => reply.expect_problem(404, "unknown-order"),
            _ => reply.expect_problem(403, "forbidden"),
        };
    }
    let none = cloud.request_as(token(&SCOPES, Some("beta")), "GET", "/v1/orders/shop/none/score", "").await;
    let others = cloud.request_as(token(&SCOPES, Some("beta")), "GET", "/v1/orders/shop/o-1/score", "").await;
    assert_eq!(none.body(), others.body());
    // Nor does an unknown account look different from another's.
    let unknown = cloud.request_as(token(&SCOPES, Some("beta")), "GET", "/v1/accounts/nobody", "").await;
    unknown.expect_problem(403, "forbidden");
    assert_eq!(cloud.tables().await, before);
    for (method, target, body, _) in requests(&cloud) {
        let reply = cloud.request_as(token(&SCOPES, Some("acme")), method, target, &body).await;
        assert!(reply.status() < 300, "{method} {target}: {}", reply.json());
    }
}

#[tokio::test]
async fn the_ledger_names_who_it_was() {
    let cloud = start().await;
    let order = cloud.order("o-2").line("MUG", 1, "1.00").document().to_string();
    let reply = cloud.request_as(token(&SCOPES, None), "POST", "/v1/orders", &order).await;
    reply.expect(201);
    assert_eq!(cloud.account("acme").history().await[0]["by"], "somebody");
}
