//! Changes under a condition: `If-Match` and `If-None-Match`, and the tags that they are about.

use crate::requests::{self, INVITATIONS, MEMBERSHIP, PROGRAM, SHARED_CODES, SURVEY, TIER_INVITATION};
use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Cloud, Reply, skips_concurrency};

const ACME: &str = "/v1/accounts/acme";
const ANN: &str = "/v1/accounts/acme/contacts/ann";

async fn put(cloud: &Cloud, target: &str, condition: (&str, &str), document: &Value) -> Reply {
    cloud.request_with("PUT", target, &[condition], &document.to_string()).await
}

async fn tag(cloud: &Cloud, target: &str) -> String {
    cloud.get(target).await.expect(200).header("etag").unwrap().to_owned()
}

/// Whether an answer shows or names the same version as another's tag.
fn version(tag: &str) -> &str {
    tag.trim_start_matches("W/").trim_matches('"').split('-').next().unwrap()
}

/// A change of something, and another one of the same; and what shows it.
fn changes(cloud: &Cloud) -> Vec<(&'static str, String, [Value; 2])> {
    let name = |name: &str| json!({"name": name});
    let contact = |name: &str| json!({"name": name, "role": "buyer", "locale": "en"});
    let excluded = |from: &[&str]| json!({"excluded_from": from, "reason": "A test"});
    let all = requests::requests(cloud);
    let code = all.into_iter().find(|(method, target, ..)| *method == "PUT" && target.starts_with("/v1/referrals/"));
    let code = code.unwrap().1;
    let left = |left: u32| json!({"status": "active", "redemptions_left": left});
    vec![
        (ACME, ACME.to_owned(), ["Acme One", "Acme Two"].map(name)),
        (ACME, MEMBERSHIP.to_owned(), [excluded(&["discounts"]), excluded(&["perks"])]),
        (ANN, ANN.to_owned(), ["Ann One", "Ann Two"].map(contact)),
        (SURVEY, SURVEY.to_owned(), ["One", "Two"].map(name)),
        ("", code, [left(5), left(6)]),
    ]
}

#[tokio::test]
async fn a_change_of_what_somebody_else_has_changed_is_refused_and_says_what_is_there() {
    for staleness in [Staleness::None, Staleness::Behind(1)] {
        let cloud = requests::start().await;
        cloud.stale_reads(staleness);
        for (shown, target, [first, second]) in changes(&cloud) {
            let shown = if shown.is_empty() { &target } else { shown };
            let seen = tag(&cloud, shown).await;
            let made = put(&cloud, &target, ("if-match", &seen), &first).await.expect(200);
            assert_ne!(version(made.header("etag").unwrap()), version(&seen), "{target}");
            let now = tag(&cloud, shown).await;
            assert_eq!(version(made.header("etag").unwrap()), version(&now), "{target}");
            let before = requests::stored(&cloud).await;
            let refused = put(&cloud, &target, ("if-match", &seen), &second).await;
            let refused = refused.expect_problem(412, "precondition-failed");
            assert_eq!(version(refused.header("etag").unwrap()), version(&now), "{target}");
            assert_eq!(refused["present"].to_string(), version(&now), "{target}");
            // Its answer was lost, and it is made: nothing is overwritten by saying so again.
            let again = put(&cloud, &target, ("if-match", &seen), &first).await.expect(200);
            assert_eq!(version(again.header("etag").unwrap()), version(&now), "{target}");
            for absent in ["*", &now] {
                let refused = put(&cloud, &target, ("if-none-match", absent), &first).await;
                refused.expect_problem(412, "precondition-failed");
            }
            let elsewhere = put(&cloud, &target, ("if-match", "\"999999\", \"another\""), &second).await;
            elsewhere.expect_problem(412, "precondition-failed");
            assert_eq!(requests::stored(&cloud).await, before, "{target}");
            // What the refusal told will do, and so does any that is there.
            let told = refused.header("etag").unwrap();
            put(&cloud, &target, ("if-match", &format!("\"999999\", {told}")), &second).await.expect(200);
            put(&cloud, &target, ("if-match", "*"), &first).await.expect(200);
            let version = version(&tag(&cloud, shown).await).to_owned();
            put(&cloud, &target, ("if-match", &format!("\"{version}\"")), &second).await.expect(200);
        }
        cloud.stale_reads(Staleness::None);
        cloud.audit().await;
    }
}

#[tokio::test]
async fn the_schedule_of_the_program_and_a_tier_by_invitation_are_changed_under_conditions_too() {
    let cloud = Cloud::with(|program| {
        let circle = json!({"id": "circle", "name": "Circle", "by_invitation": true, "multiplier": "1.5"});
        program["tiers"]["levels"].as_array_mut().unwrap().push(circle);
    });
    let cloud = cloud.await;
    cloud.account("acme").put(json!({"name": "Acme"})).await.expect(201);
    let seen = tag(&cloud, ACME).await;
    let invited = |tier: &str| json!({"tier": tier, "reason": "A test"});
    put(&cloud, TIER_INVITATION, ("if-match", &seen), &invited("circle")).await.expect(200);
    put(&cloud, TIER_INVITATION, ("if-match", &seen), &invited("circle")).await.expect(200);
    let out = json!({"tier": null, "reason": "A test"});
    put(&cloud, TIER_INVITATION, ("if-match", &seen), &out).await.expect_problem(412, "precondition-failed");

    let cloud = Cloud::start().await;
    let (active, version) = (format!("{PROGRAM}/active"), tests::WHOLESALE.replace("500.00", "600.00"));
    cloud.request("POST", &format!("{PROGRAM}/versions"), version).await.expect(201);
    let seen = tag(&cloud, &active).await;
    let at = |from: &str, version: u32| json!({"version": version, "from": from});
    let (first, second) = (at("2031-01-01T00:00:00Z", 2), at("2032-01-01T00:00:00Z", 1));
    let made = put(&cloud, &active, ("if-match", &seen), &first).await.expect(200);
    let refused = put(&cloud, &active, ("if-match", &seen), &second).await.expect_problem(412, "precondition-failed");
    assert_eq!(refused.header("etag"), made.header("etag"));
    let again = put(&cloud, &active, ("if-match", &seen), &first).await.expect(200);
    assert_eq!((again.header("idempotent-replayed"), again.header("etag")), (Some("true"), made.header("etag")));
    put(&cloud, &active, ("if-match", made.header("etag").unwrap()), &second).await.expect(200);
}

#[tokio::test]
async fn what_is_to_be_new_is_refused_where_it_is_there() {
    let cloud = requests::start().await;
    let new = ("if-none-match", "*");
    let contact = json!({"name": "Bob", "role": "buyer", "locale": "en"});
    let rows = [
        ("/v1/accounts/beta", json!({"name": "Beta"})),
        ("/v1/accounts/beta/contacts/bob", contact),
        ("/v1/surveys/new", json!({"name": "New"})),
    ];
    for (target, document) in rows {
        put(&cloud, target, ("if-match", "*"), &document).await.expect_problem(412, "precondition-failed");
        let missing =
            put(&cloud, target, ("if-match", "\"1\""), &document).await.expect_problem(412, "precondition-failed");
        assert_eq!((missing.header("etag"), missing["present"].clone()), (None, Value::Null), "{target}");
        let made = put(&cloud, target, new, &document).await.expect(201);
        assert_eq!(made.header("location"), Some(target));
        let before = requests::stored(&cloud).await;
        let refused = put(&cloud, target, new, &document).await.expect_problem(412, "precondition-failed");
        assert_eq!(version(refused.header("etag").unwrap()), version(made.header("etag").unwrap()));
        assert_eq!(requests::stored(&cloud).await, before, "{target}");
    }
    // What is wrong with a change by itself is told first.
    let unnamed = put(&cloud, "/v1/accounts/beta", new, &json!({})).await;
    unnamed.expect_problem(422, "invalid-document");
    let unreadable = put(&cloud, "/v1/accounts/beta", ("if-match", "7"), &json!({"name": "Beta"})).await;
    assert_eq!(unreadable.expect_problem(400, "invalid-parameter").fault_paths(), ["if-match"]);
}

#[tokio::test]
async fn what_is_ended_is_ended_as_it_was_seen() {
    let cloud = requests::start().await;
    for kind in [INVITATIONS, SHARED_CODES] {
        let all = requests::requests(&cloud);
        let is_own =
            |(method, target, ..): &&(&str, String, String, &str)| *method == "DELETE" && target.starts_with(kind);
        let target = all.iter().find(is_own).unwrap().1.clone();
        let seen = tag(&cloud, &target).await;
        let end = |tags: &str| {
            let (cloud, target, tags) = (&cloud, target.clone(), tags.to_owned());
            async move { cloud.request_with("DELETE", &target, &[("if-match", &tags)], "").await }
        };
        end("\"999999\"").await.expect_problem(412, "precondition-failed");
        assert_eq!(tag(&cloud, &target).await, seen);
        end(&seen).await.expect(200);
        assert_ne!(version(&tag(&cloud, &target).await), version(&seen), "{kind}");
        end(&seen).await.expect(200);
    }
}

async fn at_once<F: Future<Output = Reply> + Send + 'static>(sent: impl Iterator<Item = F>) -> Vec<Reply> {
    let clients: Vec<_> = sent.map(tokio::spawn).collect();
    let mut replies = Vec::new();
    for client in clients {
        replies.push(client.await.unwrap());
    }
    replies
}

const CLIENTS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_change_what_they_saw_one_does() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let send = |condition: (&'static str, String)| {
        let cloud = &cloud;
        at_once((0..CLIENTS).map(move |n| {
            let (cloud, (name, tags)) = (cloud.clone(), condition.clone());
            async move { put(&cloud, ACME, (name, &tags), &json!({"name": format!("Acme {n}")})).await }
        }))
    };
    let mut rounds = Vec::new();
    rounds.push((201, send(("if-none-match", "*".to_owned())).await));
    for _ in 0..3 {
        let seen = tag(&cloud, ACME).await;
        // Each of them changes something: none has the name that is there.
        cloud.account("acme").put(json!({"name": "Acme"})).await.expect(200);
        let stale = send(("if-match", seen)).await;
        assert!(stale.iter().all(|reply| reply.status() == 412));
        let seen = tag(&cloud, ACME).await;
        rounds.push((200, send(("if-match", seen)).await));
    }
    for (status, replies) in rounds {
        let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status() == status);
        assert_eq!((made.len(), refused.len()), (1, CLIENTS - 1));
        refused.into_iter().for_each(|reply| drop(reply.expect_problem(412, "precondition-failed")));
        let name = &made[0]["name"];
        assert!(name.as_str().unwrap().starts_with("Acme "), "{name}");
    }
    // One entry for each change that was made: the first, and two in each round.
    assert_eq!(cloud.account("acme").history().await.len(), 7);
    cloud.audit().await;
}

#[tokio::test]
async fn a_tag_is_another_once_time_or_anybody_changes_what_is_shown() {
    let cloud = Cloud::start().await;
    cloud.order("o-1").line("MUG", 1, "1500.00").send().await.expect(201);
    cloud.order("o-2").line("MUG", 1, "1500.00").send().await.expect(201);
    let again = |tag: &str| {
        let (cloud, tag) = (&cloud, tag.to_owned());
        async move { cloud.request_with("GET", ACME, &[("if-none-match", &tag)], "").await }
    };
    let seen = tag(&cloud, ACME).await;
    assert!(seen.starts_with("W/\""), "{seen}");
    cloud.set_instant(cloud.now().plus_ms(60_000));
    assert_eq!(again(&seen).await.expect(304).header("etag"), Some(&*seen));
    // The discount has ended, and nobody has written that down.
    cloud.set_instant(cloud.now().plus_ms(31 * 86_400_000));
    let ended = again(&seen).await.expect(200);
    assert_eq!(ended["discounts"], json!([]));
    let later = ended.header("etag").unwrap();
    assert_ne!(later, seen);
    assert_eq!(version(later), version(&seen));
    // To whoever changes the account it is the same.
    put(&cloud, ACME, ("if-match", &seen), &json!({"name": "Acme"})).await.expect(200);
    again(later).await.expect(200);
    let seen = tag(&cloud, ACME).await;
    cloud.order("o-3").line("MUG", 1, "1.00").send().await.expect(201);
    let renamed = put(&cloud, ACME, ("if-match", &seen), &json!({"name": "Acme Ltd"})).await;
    renamed.expect_problem(412, "precondition-failed");
    // A version says the same for good, and when it is in force as long as that is so.
    let (place, active) = (format!("{PROGRAM}/versions/1"), format!("{PROGRAM}/active"));
    let shown = cloud.get(&place).await.expect(200);
    assert_eq!(shown.header("cache-control"), Some("private, no-cache"));
    let tags = [shown.header("etag").unwrap().to_owned(), tag(&cloud, &active).await];
    assert!(tags.iter().all(|tag| tag.starts_with('"')), "{tags:?}");
    cloud
        .request("POST", &format!("{PROGRAM}/versions"), tests::WHOLESALE.replace("500.00", "600.00"))
        .await
        .expect(201);
    let later = json!({"version": 2, "from": "2031-01-01T00:00:00Z"});
    cloud.put(&active, &later).await.expect(200);
    assert!(tag(&cloud, &place).await != tags[0] && tag(&cloud, &active).await != tags[1]);
}

#[tokio::test]
async fn a_condition_that_a_request_cannot_have_is_refused_and_nothing_is_done() {
    let cloud = requests::start().await;
    let before = requests::stored(&cloud).await;
    let mut refused = 0;
    for (method, target, body, _) in requests::requests(&cloud) {
        let is_conditional = method == "PUT" && target != requests::AMENDED
            || method == "DELETE" && !target.starts_with("/v1/reservations") && target != requests::PERSONAL_DATA;
        if method == "GET" || is_conditional {
            continue;
        }
        for name in ["if-match", "if-none-match"] {
            let headers = [(name, "*"), ("idempotency-key", "key-1")];
            let reply = cloud.request_with(method, &target, &headers, &body).await;
            assert_eq!(reply.expect_problem(400, "condition-not-taken").fault_paths(), [name], "{method} {target}");
            refused += 1;
        }
    }
    assert!(refused > 30, "{refused}");
    assert_eq!(requests::stored(&cloud).await, before);
}
