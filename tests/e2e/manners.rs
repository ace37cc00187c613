//! What all requests and answers have in common, whatever they are about: ids, places, links, keys, limits.

use crate::requests::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Cloud, Gateway, Reply, authorizer};

/// Sends a request of the list as the operator, with a key and these headers.
async fn ask(cloud: &Cloud, headers: &[(&str, &str)], method: &str, target: &str, body: &str) -> Reply {
    cloud.request_with(method, target, headers, body).await
}

/// Fails the test unless a JSON document has a cursor of a next page just where its answer links to it.
fn assert_linked(reply: &Reply, what: &str) {
    fn cursor(document: &Value) -> Option<&str> {
        let fields = document.as_object()?;
        fields.get("next_cursor").and_then(Value::as_str).or_else(|| fields.values().find_map(cursor))
    }
    let document = reply.json();
    match (cursor(&document), reply.header("link")) {
        (Some(cursor), Some(link)) => {
            let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
            assert!(next.unwrap().ends_with(&format!("cursor={cursor}")), "{what}: {link}");
        }
        (cursor, link) => assert_eq!(cursor, link, "{what}"),
    }
}

/// What every answer carries, whatever it says.
fn assert_mannered(reply: &Reply, id: &str, what: &str) {
    assert_eq!(reply.header("x-request-id"), Some(id), "{what}");
    let is_impersonal = what.contains(" /v1/program/") && reply.status() < 400;
    let kept = if is_impersonal { &["no-store", "private, no-cache"][..] } else { &["no-store"] };
    assert!(kept.contains(&reply.header("cache-control").unwrap()), "{what}");
    assert_eq!(reply.header("vary"), Some("authorization, accept"), "{what}");
    if reply.status() == 304 {
        assert_eq!((reply.body(), reply.header("content-type")), (&b""[..], None), "{what}");
        return;
    }
    let is_problem = reply.status() >= 400;
    let kind = if is_problem { "application/problem+json" } else { "application/json" };
    assert_eq!(reply.header("content-type"), Some(kind), "{what}");
    assert_eq!(reply.request_id(), is_problem.then_some(id), "{what}");
    assert_linked(reply, what);
}

/// What is made and has no address of its own: a list or its owner shows it.
const WITHOUT_PLACE: [&str; 7] = [
    "/v1/orders/shop/o-1/returns",
    "/v1/orders/shop/o-1/payment",
    "/v1/orders/shop/o-1/cancellation",
    "/v1/accounts/acme/adjustments",
    "/v1/accounts/acme/membership/payments",
    "/v1/accounts/acme/perks/early/uses",
    "/v1/accounts/acme/redemptions",
];

#[tokio::test]
async fn every_answer_says_which_request_it_answers_and_where_what_it_made_is() {
    let cloud = start().await;
    let all = requests(&cloud);
    assert_every_route_is_known(&all);
    let mut placeless = BTreeSet::new();
    for (number, (method, target, body, scope)) in all.iter().enumerate() {
        let (what, id) = (format!("{method} {target}"), format!("walk-{number}"));
        let headers = [("X-Request-Id", &*id), ("idempotency-key", "key-1"), ("content-type", "application/json")];
        let others: Vec<_> = SCOPES.into_iter().filter(|other| other != scope).collect();
        let authorizer = authorizer(json!({"sub": "shop"}), &others);
        let denied = cloud.request_as(Some(authorizer), method, target, body).await.expect_problem(403, "forbidden");
        assert_eq!(denied.header("x-request-id"), denied.request_id(), "{what}");
        if *method != "GET" && !body.is_empty() {
            let refused = ask(&cloud, &headers, method, target, "{").await;
            assert_mannered(&refused.expect_problem(400, "not-json"), &id, &what);
        }
        let reply = ask(&cloud, &headers, method, target, body).await;
        assert!(reply.status() < 300, "{what}: {}", reply.json());
        assert_mannered(&reply, &id, &what);
        match (*method, reply.status(), reply.header("location")) {
            ("GET", 200, None) => {
                let tag = reply.header("etag").unwrap_or_else(|| panic!("{what} has no tag"));
                let again = ask(&cloud, &[headers[0], ("if-none-match", tag)], method, target, body).await.expect(304);
                assert_mannered(&again, &id, &what);
                assert_eq!(again.header("etag"), Some(tag), "{what}");
            }
            (_, _, Some(place)) => drop(cloud.get(place).await.expect(200)),
            (_, 201 | 202, None) => drop(placeless.insert(target.as_str())),
            _ => assert_eq!(reply.status(), 200, "{what}"),
        }
    }
    assert_eq!(placeless, WITHOUT_PLACE.into());
}

#[tokio::test]
async fn a_request_without_an_id_of_its_own_is_given_one() {
    let cloud = Cloud::start().await;
    let id = |reply: &Reply| reply.header("x-request-id").unwrap().to_owned();
    let (first, second) = (cloud.account("acme").standing().await, cloud.account("acme").standing().await);
    assert_ne!(id(&first), id(&second));
    assert_eq!((first.request_id(), first.status()), (Some(&*id(&first)), 404));
    for refused in ["", "a b", "ann@acme.example", "<script>", &"x".repeat(65)] {
        let reply = cloud.request_with("GET", "/v1/accounts/acme", &[("x-request-id", refused)], "").await;
        assert_ne!(id(&reply), refused);
        assert!(!id(&reply).is_empty() && reply.request_id() == Some(&*id(&reply)));
    }
}

/// What nobody reads in the query of a write would be taken for done, such as a dry run.
#[tokio::test]
async fn no_write_is_carried_out_with_a_query_that_it_does_not_know() {
    let cloud = start().await;
    let before = stored(&cloud).await;
    let mut refused = 0;
    for (method, target, body, _) in requests(&cloud).into_iter().filter(|(method, ..)| *method != "GET") {
        let is_order = ["/v1/orders", "/v1/orders/shop/o-1"].contains(&target.as_str());
        let query = if is_order { "dry-run=true" } else { "dry_run=true" };
        let key = [("idempotency-key", "key-1")];
        let reply = ask(&cloud, &key, method, &format!("{target}?{query}"), &body).await;
        assert_eq!(reply.expect_problem(400, "invalid-parameter").fault_paths().len(), 1, "{method} {target}");
        refused += 1;
    }
    assert!(refused > 25, "{refused}");
    assert_eq!(stored(&cloud).await, before);
}

/// Lists, and what each is of.
const LISTS: [(&str, &str); 9] = [
    ("/v1/accounts/acme/entries", "entries"),
    ("/v1/accounts/acme/redemptions", "redemptions"),
    ("/v1/invitations", "invitations"),
    ("/v1/program/versions", "versions"),
    ("/v1/referrals/reviews", "reviews"),
    ("/v1/referrals/{code}/redemptions", "redemptions"),
    ("/v1/shared-codes", "shared_codes"),
    ("/v1/surveys", "surveys"),
    ("/v1/surveys/nps/answers", "answers"),
];

/// Whether an address gives pages: it takes a size of them, though not any.
async fn is_list(cloud: &Cloud, target: &str) -> bool {
    let none = cloud.get(&format!("{target}?limit=0")).await;
    none.fault_paths() == ["limit"] && cloud.get(&format!("{target}?limit=1")).await.status() == 200
}

#[tokio::test]
async fn links_lead_through_each_list_to_its_end() {
    let cloud = start().await;
    let headers = [("idempotency-key", "key-1"), ("content-type", "application/json")];
    cloud.survey("other").opened().await;
    let bob = json!({"name": "Bob", "role": "buyer", "locale": "en"});
    cloud.account("acme").put_contact("bob", bob).await.expect(201);
    cloud.survey("nps").answer("acme", "bob", 7).send().await.expect(201);
    let all = requests(&cloud);
    let code = all.iter().find_map(|(_, target, ..)| {
        target.strip_prefix("/v1/referrals/")?.strip_suffix("/redemptions").map(str::to_owned)
    });
    let code = code.unwrap();
    for (method, target, body, _) in &all {
        if *method == "POST"
            && ["/redemptions", "/invitations", "/shared-codes", "/versions"].iter().any(|end| target.ends_with(end))
        {
            assert!(ask(&cloud, &headers, method, target, body).await.status() < 300, "{target}");
        }
    }
    let mut lists = BTreeSet::new();
    for (method, target, ..) in all.iter().filter(|(method, ..)| *method == "GET") {
        if target.contains('?') || !is_list(&cloud, target).await {
            continue;
        }
        let name = LISTS.iter().find(|(path, _)| path.replace("{code}", &code) == **target);
        let (path, name) = name.unwrap_or_else(|| panic!("{method} {target} takes a limit"));
        lists.insert(*path);
        let whole = cloud.get(&format!("{target}?limit=100")).await.expect(200);
        assert_eq!(whole.header("link"), None, "{target}");
        let whole = whole[name].as_array().unwrap().clone();
        assert!(whole.len() > 1, "{target}");
        let (mut next, mut found) = (Some(format!("{target}?limit=1")), Vec::new());
        while let Some(page) = next {
            let reply = cloud.get(&page).await.expect(200);
            assert_linked(&reply, &page);
            found.extend(reply[name].as_array().unwrap().iter().cloned());
            let link = reply.header("link").map(|link| link.trim_start_matches('<').split('>').next().unwrap());
            next = link.map(str::to_owned);
            if let Some(next) = &next {
                assert!(next.starts_with(&format!("{target}?limit=1&cursor=")), "{next}");
            }
        }
        assert_eq!(found, whole, "{target}");
    }
    assert_eq!(lists, LISTS.map(|(path, _)| path).into());
}

/// Requests that are known by their `Idempotency-Key`, and by nothing else.
const KEYED: [&str; 9] = [
    "/v1/accounts/acme/adjustments",
    "/v1/accounts/acme/membership/payments",
    "/v1/accounts/acme/perks/early/uses",
    "/v1/accounts/acme/redemptions",
    "/v1/invitations",
    "/v1/program/simulations",
    "/v1/referrals/{code}/redemptions",
    "/v1/reservations",
    "/v1/shared-codes",
];

#[tokio::test]
async fn a_key_is_asked_for_where_nothing_else_tells_a_repeat_and_is_the_same_everywhere() {
    let cloud = start().await;
    let mut keyed = BTreeSet::new();
    for (method, target, body, _) in requests(&cloud).iter().filter(|(method, ..)| *method != "GET") {
        let what = format!("{method} {target}");
        let with = |key: &str| {
            let (cloud, key) = (&cloud, key.to_owned());
            async move { ask(cloud, &[("idempotency-key", &key)], method, target, body).await }
        };
        let (none, empty) = (cloud.request(method, target, &**body).await, with("").await);
        let path = target.split('/').map(|part| {
            if part.len() == 11 && part.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) {
                "{code}"
            } else {
                part
            }
        });
        let path = path.collect::<Vec<_>>().join("/");
        if none.status() != 400 {
            // The header means nothing here, whatever it says; a version may have one.
            let long = with(&"x".repeat(256)).await;
            let status = if target.ends_with("/versions") { 400 } else { long.status() };
            assert!(none.status() < 300 && empty.status() < 300 && long.status() == status, "{what}");
            continue;
        }
        keyed.insert(path);
        none.expect_problem(400, "idempotency-key-missing");
        empty.expect_problem(400, "idempotency-key-missing");
        for unusable in ["x".repeat(256), "tab\there".to_owned(), "é".to_owned()] {
            let refused = with(&unusable).await.expect_problem(400, "invalid-parameter");
            assert_eq!(refused.fault_paths(), ["idempotency-key"], "{what}");
        }
        let longest = "x".repeat(255);
        let first = with(&longest).await;
        assert!(first.status() < 300 && first.header("idempotent-replayed").is_none(), "{what}: {}", first.json());
        let again = with(&longest).await;
        assert_eq!((again.body(), again.header("idempotent-replayed")), (first.body(), Some("true")), "{what}");
        assert_eq!(again.header("location"), first.header("location"), "{what}");
    }
    assert_eq!(keyed, KEYED.map(str::to_owned).into());
}

#[tokio::test]
async fn a_body_that_is_called_something_else_than_json_is_refused_everywhere() {
    let cloud = start().await;
    let before = stored(&cloud).await;
    let mut refused = 0;
    for (method, target, body, _) in requests(&cloud).iter().filter(|(_, _, body, _)| !body.is_empty()) {
        for header in [("content-type", "text/csv"), ("content-encoding", "gzip")] {
            let reply = ask(&cloud, &[("idempotency-key", "key-1"), header], method, target, body).await;
            reply.expect_problem(415, "unsupported-media-type");
            refused += 1;
        }
    }
    assert!(refused > 40, "{refused}");
    assert_eq!(stored(&cloud).await, before);
    // Under its other names, and under none.
    for (number, kind) in ["application/json; charset=utf-8", "application/merge-patch+json", ""].iter().enumerate() {
        let name = json!({"name": format!("Acme {number}")}).to_string();
        ask(&cloud, &[("content-type", kind)], "PUT", "/v1/accounts/acme", &name).await.expect(200);
    }
}

#[tokio::test]
async fn who_waits_is_told_when_to_ask_again() {
    let cloud = start().await;
    let begun = cloud.request_keyed("/v1/program/simulations", "sim-2", &json!({"version": 1})).await.expect(202);
    assert_eq!(begun.header("retry-after"), Some("5"));
    // Nobody is to ask again for what waits for its order.
    let unknown = cloud.order("o-9").line("MUG", 1, "1.00");
    let parked = unknown.returned("r-1").units("1", 1).send().await.expect(202);
    assert_eq!((parked.header("retry-after"), parked.header("location")), (None, None));
}

#[tokio::test]
async fn what_is_too_large_is_told_so_before_anything_is_read() {
    let cloud = Cloud::start().await;
    let gateway = Gateway::of(&cloud).await;
    let order = cloud.order("o-1").line("MUG", 1, "1.00").document().to_string();
    let bytes_max = runtime::http::BODY_BYTES_MAX;
    // A client that waits to be asked for its body is not.
    let announced = format!("x-request-id: large-1\r\ncontent-length: {}\r\n", bytes_max + 1);
    let refused = gateway.send("POST", "/v1/orders", &announced, "").await.expect_problem(413, "payload-too-large");
    assert_eq!((refused.header("x-request-id"), refused.request_id()), (Some("large-1"), Some("large-1")));
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    let padded = |bytes: usize| format!("{order}{}", " ".repeat(bytes - order.len()));
    cloud.request("POST", "/v1/orders", padded(bytes_max + 1)).await.expect_problem(413, "payload-too-large");
    cloud.request("POST", "/v1/orders", padded(bytes_max)).await.expect(201);

    let head = |bytes: usize| "x".repeat(bytes - "GET/v1/accounts/acmex-filler".len());
    let with = |filler: String| {
        let cloud = &cloud;
        async move { cloud.request_with("GET", "/v1/accounts/acme", &[("x-filler", &filler)], "").await }
    };
    let head_max = runtime::http::HEAD_BYTES_MAX;
    with(head(head_max)).await.expect(200);
    let refused = with(head(head_max + 1)).await.expect_problem(431, "headers-too-large");
    assert_eq!(refused.header("x-request-id"), refused.request_id());
}

#[tokio::test]
async fn methods_that_a_path_does_not_have_are_refused_and_those_it_has_are_named() {
    let cloud = start().await;
    let gateway = Gateway::of(&cloud).await;
    for method in ["PATCH", "DELETE", "TRACE", "POST"] {
        let refused = gateway.send(method, "/v1/accounts/acme", "", "").await.expect_problem(405, "method-not-allowed");
        assert_eq!(refused.header("allow"), Some("GET, PUT"), "{method}");
        assert_eq!(refused.header("x-request-id"), refused.request_id(), "{method}");
    }
    let nowhere =
        gateway.send("GET", "/v1/nothing", "x-request-id: lost-1\r\n", "").await.expect_problem(404, "not-found");
    assert_eq!((nowhere.header("x-request-id"), nowhere.request_id()), (Some("lost-1"), Some("lost-1")));
    // The gateway answers neither by what it has for other methods.
    let options = gateway.send("OPTIONS", "/v1/accounts/acme", "", "").await.expect(404);
    assert_eq!(options.json(), json!({"message": "Not Found"}));
    let head = gateway.send("HEAD", "/v1/accounts/acme", "", "").await.expect(404);
    assert_eq!((head.body(), head.header("content-type")), (&b""[..], Some("application/json")));
    for name in ["x-request-id", "cache-control"] {
        assert!(head.header(name).is_some() && options.header(name).is_some(), "{name}");
    }
}
