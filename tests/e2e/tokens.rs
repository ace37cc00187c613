//! Who is let in where tokens are asked for: each route through the gateway on a port, as deployed.

use crate::events::logged;
use crate::requests::*;
use serde_json::json;
use tests::{Gateway, Reply};
use tracing::Level;

/// Fails the test unless the gateway itself refused, in API Gateway's words.
#[track_caller]
fn unauthorized(reply: Reply, challenge: &str) {
    let reply = reply.expect(401);
    assert_eq!(reply.body(), br#"{"message":"Unauthorized"}"#);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("www-authenticate"), Some(challenge));
}

fn invalid(why: &str) -> String {
    format!(r#"Bearer scope="" error="invalid_token" error_description="{why}""#)
}

#[tokio::test]
async fn every_route_takes_the_right_token_and_no_other() {
    let cloud = start().await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let gateway = Gateway::of(&cloud.that_asks_for_tokens().await).await;
    let all = requests(&cloud);
    assert_every_route_is_known(&all);
    let before = stored(&cloud).await;
    let now = cloud.now().as_ms() / 1000;
    for (method, target, body, scope) in &all {
        let ask = |token: tests::Token| {
            let token = format!("Bearer {}", token.signed());
            let gateway = &gateway;
            async move { gateway.ask(Some(&token), method, target, body).await }
        };
        let right = || cloud.token("shop").scopes(&[scope]);
        unauthorized(gateway.ask(None, method, target, body).await, "Bearer");
        let expired = ask(right().set("exp", json!(now)));
        unauthorized(expired.await, &invalid("the token has expired"));
        let elsewhere = ask(right().set("aud", json!("another-api")));
        unauthorized(elsewhere.await, &invalid("the token does not have a valid audience"));
        let others: Vec<_> = SCOPES.into_iter().filter(|other| other != scope).collect();
        let refused = ask(cloud.token("shop").scopes(&others)).await.expect_problem(403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains(scope), "{method} {target}");
        let reply = ask(cloud.token("beta").scopes(&SCOPES).account("beta")).await;
        refused_to_another_account(method, target, reply);
    }
    assert_eq!(stored(&cloud).await, before);
    for (method, target, body, scope) in requests(&cloud) {
        let token = cloud.token("shop").scopes(&[scope]).signed();
        let reply = gateway.ask(Some(&token), method, &target, &body).await;
        assert!(reply.status() < 300, "{method} {target}: {}", reply.json());
    }
}

#[tokio::test]
async fn what_is_open_takes_any_token_and_none() {
    let cloud = start().await;
    let gateway = Gateway::of(&cloud.that_asks_for_tokens().await).await;
    let (right, past) = (|| cloud.token("shop").scopes(&SCOPES), json!(0));
    let tokens = [right(), right().set("exp", past), right().set("aud", json!("another-api")), cloud.token("shop")];
    let tokens = tokens.into_iter().chain([right().account("acme")]);
    let all = tokens.map(|token| Some(format!("Bearer {}", token.signed()))).chain([None, Some("Bearer x".to_owned())]);
    for authorization in all {
        for target in OPEN {
            let reply = gateway.ask(authorization.as_deref(), "GET", target, "").await.expect(200);
            assert_eq!(reply["openapi"], "3.1.0", "{target}");
        }
    }
}

#[tokio::test]
async fn a_token_ends_with_its_time_and_another_takes_its_place() {
    let cloud = start().await;
    let gateway = Gateway::of(&cloud.that_asks_for_tokens().await).await;
    let token = || cloud.token("erp").scopes(&["accounts:read"]).signed();
    let first = token();
    let ask = |token: String| {
        let gateway = &gateway;
        async move { gateway.ask(Some(&token), "GET", "/v1/accounts/acme", "").await }
    };
    ask(first.clone()).await.expect(200);
    cloud.set_instant(cloud.now().plus_ms(299_999));
    ask(first.clone()).await.expect(200);
    cloud.set_instant(cloud.now().plus_ms(1));
    unauthorized(ask(first).await, &invalid("the token has expired"));
    ask(token()).await.expect(200);
}

#[tokio::test]
async fn what_a_token_says_reaches_the_function() {
    let cloud = start().await;
    let gateway = Gateway::of(&cloud.that_asks_for_tokens().await).await;
    let ask = |token: tests::Token| {
        let gateway = &gateway;
        async move { gateway.ask(Some(&token.signed()), "GET", "/v1/accounts/acme", "").await }
    };
    let right = || cloud.token("shop").scopes(&["accounts:read"]);
    // Scopes as issuers write them: text, or an array, under either name.
    ask(right()).await.expect(200);
    ask(cloud.token("shop").set("scp", json!(["openid", "accounts:read"]))).await.expect(200);
    ask(cloud.token("shop").set("scp", json!("accounts:read"))).await.expect(200);
    ask(cloud.token("shop")).await.expect_problem(403, "forbidden");
    // An account's own, and one that names no account that there could be.
    ask(right().account("acme")).await.expect(200);
    ask(right().account("beta")).await.expect_problem(403, "forbidden");
    for unreadable in [json!(""), json!([]), json!(["acme"]), json!({"id": "acme"}), json!("not an id")] {
        ask(right().set("account_id", unreadable)).await.expect_problem(401, "unauthenticated");
    }
    // Client credentials of issuers that name the client and no audience.
    let machine = |claims: &str| {
        let token = cloud.token("").scopes(&["orders:write"]).set("client_id", json!(claims));
        token.set("sub", json!(null)).without("aud")
    };
    let order = cloud.order("o-2").line("MUG", 1, "1.00").document().to_string();
    let sent = |token: String| {
        let (gateway, order) = (&gateway, &order);
        async move { gateway.ask(Some(&token), "POST", "/v1/orders", order).await }
    };
    let audience = tests::token::AUDIENCE;
    unauthorized(sent(machine("other").signed()).await, &invalid("the token does not have a valid audience"));
    sent(machine(audience).signed()).await.expect(201);
    assert_eq!(cloud.account("acme").history().await[0]["by"], audience);
    // Nobody at all.
    let nobody = right().without("sub");
    ask(nobody).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_unknown_route_is_told_before_a_token_is_asked_for_and_the_operators_own_take_none() {
    let cloud = start().await;
    let gateway = Gateway::of(&cloud.that_asks_for_tokens().await).await;
    gateway.ask(None, "GET", "/v1/nothing", "").await.expect_problem(404, "not-found");
    gateway.ask(None, "DELETE", "/v1/accounts/acme", "").await.expect_problem(405, "method-not-allowed");
    gateway.ask(None, "GET", "/_local/queues", "").await.expect(200);
}

#[tokio::test]
async fn a_token_and_what_it_says_of_a_person_are_neither_logged_nor_stored() {
    let cloud = start().await;
    let gateway = Gateway::of(&cloud.that_asks_for_tokens().await).await;
    let person = json!("ann.example@acme.example");
    let signed = |scopes: &[&str]| cloud.token("shop").scopes(scopes).set("email", person.clone()).signed();
    let order = cloud.order("o-2").line("MUG", 1, "1.00").document().to_string();
    let (right, wrong) = (signed(&["orders:write"]), signed(&["accounts:read"]));
    let cut = right[..right.len() - 6].to_owned();
    let expired = cloud.token("shop").set("email", person.clone()).set("exp", json!(0)).signed();
    let rows = [(right, 201), (wrong, 403), (cut, 401), (expired, 401)];
    let logged = logged(Level::TRACE, async {
        for (token, status) in &rows {
            gateway.ask(Some(&format!("Bearer {token}")), "POST", "/v1/orders", &order).await.expect(*status);
        }
    });
    let logged = logged.await;
    assert!(logged.contains("scored order "), "{logged}");
    let everything = format!("{logged}{:?}", stored(&cloud).await);
    for (token, _) in &rows {
        for part in token.split('.').chain(person.as_str()) {
            assert!(!everything.contains(part), "{part}");
        }
    }
}
