//! Perks: who has which, how often they may be used, and that never once more.

use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Account, Cloud, Reply, WHOLESALE, skips_concurrency};

fn with_perks(program: &mut Value) {
    program["perks"] = json!([
        {"id": "early-access", "name": "Early access", "kind": "early_access"},
        {"id": "training", "name": "Training days", "kind": "training", "description": "At your place or ours.",
         "tiers": ["silver", "gold"], "count_per": {"count": 2, "months": 3}},
        {"id": "visit", "name": "A visit", "kind": "other", "after_days": 30,
         "count_per": {"count": 1, "year": "membership"}},
    ]);
}

/// `acme`, a silver account.
async fn start() -> (Cloud, Account) {
    let cloud = Cloud::with(with_perks).await;
    let acme = cloud.account("acme");
    acme.order("o-1").line("MUG", 1, "1000.00").send().await.expect(201);
    (cloud, acme)
}

/// The perks that an account has, by id, and what is left of each.
async fn perks(account: &Account) -> Vec<(String, Option<i64>)> {
    let standing = account.standing().await.expect(200).json();
    let perks = standing["perks"].as_array().cloned().unwrap_or_default();
    perks.iter().map(|perk| (perk["id"].as_str().unwrap().to_owned(), perk["uses"]["left"].as_i64())).collect()
}

fn had(expected: &[(&str, Option<i64>)]) -> Vec<(String, Option<i64>)> {
    expected.iter().map(|(id, left)| ((*id).to_owned(), *left)).collect()
}

#[tokio::test]
async fn the_standing_lists_the_perks_of_now_and_what_is_left_of_them() {
    let (cloud, acme) = start().await;
    let standing = acme.standing().await.expect(200);
    let expected = json!([
        {"id": "early-access", "name": "Early access", "kind": "early_access"},
        {"id": "training", "name": "Training days", "kind": "training", "description": "At your place or ours.",
         "uses": {"count": 2, "used": 0, "left": 2, "renews_at": "2011-03-31T23:00:00Z"}},
    ]);
    assert_eq!(standing["perks"], expected);
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    assert_eq!(perks(&cloud.account("beta")).await, had(&[("early-access", None)]));
    // Thirty days on.
    cloud.set_clock("2011-03-30T22:59:59Z");
    assert_eq!(perks(&acme).await, had(&[("early-access", None), ("training", Some(2))]));
    cloud.set_clock("2011-03-30T23:00:00Z");
    assert_eq!(perks(&acme).await, had(&[("early-access", None), ("training", Some(2)), ("visit", Some(1))]));
    // Nothing while it does not take part, and all of it when it is back.
    acme.put(json!({"name": "Acme", "status": "suspended"})).await.expect(200);
    assert_eq!(perks(&acme).await, []);
    acme.use_perk("key-1", "training", &json!({})).await.expect_problem(409, "account-not-active");
    acme.put(json!({"name": "Acme", "status": "active"})).await.expect(200);
    assert_eq!(perks(&acme).await.len(), 3);
}

#[tokio::test]
async fn a_use_is_counted_written_down_and_refused_once_none_is_left() {
    let (cloud, acme) = start().await;
    let first = acme.use_perk("key-1", "training", &json!({"reference": "Room 4"})).await.expect(201);
    let expected = json!({
        "account_id": "acme", "perk": "training", "entry": 2, "decided_at": "2011-03-01T12:00:00Z", "reference": "Room 4",
        "uses": {"count": 2, "used": 1, "left": 1, "renews_at": "2011-03-31T23:00:00Z"},
    });
    assert_eq!(first.json(), expected);
    let entry = &acme.history().await[0];
    assert_eq!((&entry["cause"], &entry["points"]), (&json!({"kind": "perk_use", "perk": "training"}), &json!(0)));
    assert_eq!(
        entry["changes"],
        json!([{
            "type": "perk.used", "perk": "training", "reference": "Room 4",
            "uses": {"count": 2, "used": 1, "left": 1, "renews_at": "2011-03-31T23:00:00Z"},
        }])
    );
    assert_eq!(entry["text"], "“Training days” was used: 1 of 2 until 2011-03-31.");

    acme.use_perk("key-2", "training", &json!({})).await.expect(201);
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Behind(1), Staleness::Oldest] {
        cloud.stale_reads(staleness);
        let refused = acme.use_perk("key-3", "training", &json!({})).await.expect_problem(409, "perk-used-up");
        let detail = "It was used 2 of 2 times. There are more from 2011-03-31T23:00:00Z on.";
        assert_eq!(refused["detail"], detail);
        // What was answered before is answered again.
        let again = acme.use_perk("key-1", "training", &json!({"reference": "Room 4"})).await.expect(200);
        assert_eq!((again.body(), again.header("idempotent-replayed")), (first.body(), Some("true")));
        let other = acme.use_perk("key-1", "training", &json!({"reference": "Room 5"})).await;
        other.expect_problem(409, "idempotency-key-reused");
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before);
    assert_eq!(perks(&acme).await[1], ("training".to_owned(), Some(0)));

    // April in London. A refusal has kept nothing under its key.
    cloud.set_clock("2011-03-31T23:00:00Z");
    assert_eq!(perks(&acme).await[1], ("training".to_owned(), Some(2)));
    acme.use_perk("key-3", "training", &json!({})).await.expect(201);
    // One that is not counted needs no leave, and nobody fills the history with it.
    let before = cloud.tables().await;
    acme.use_perk("key-4", "early-access", &json!({})).await.expect_problem(409, "perk-not-counted");
    assert_eq!(cloud.tables().await, before);
    cloud.audit().await;
    let id = domain::id::AccountId::parse("acme").unwrap();
    let shown = local::show::account(cloud.app(), &id, 9).await.unwrap();
    for line in
        ["training             1 used, the latest on 2011-04-01", "perk training used (2 of 2)", "perk use of training"]
    {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

#[tokio::test]
async fn the_command_line_shows_the_perks_of_the_program() {
    let (cloud, _) = start().await;
    let shown = local::program::show(cloud.app(), cloud.now()).await.unwrap();
    let lines = [
        "  early-access: Early access",
        "      early access, for all",
        "  training: Training days",
        "      training, for the tiers silver, gold, 2 times in 3 calendar months",
        "      “At your place or ours.”",
        "  visit: A visit",
        "      other, for all, after 30 days of membership, 1 time in a year of membership",
    ];
    assert!(shown.contains(&lines.join("\n")), "{shown}");
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_and_changes_nothing() {
    let (cloud, acme) = start().await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let before = cloud.tables().await;
    acme.use_perk("key-1", "teaching", &json!({})).await.expect_problem(404, "unknown-perk");
    acme.use_perk("key-1", "a%20b", &json!({})).await.expect_problem(400, "invalid-parameter");
    acme.use_perk("key-1", "visit", &json!({})).await.expect_problem(409, "perk-not-held");
    cloud.account("beta").use_perk("key-1", "training", &json!({})).await.expect_problem(409, "perk-not-held");
    cloud.account("nobody").use_perk("key-1", "training", &json!({})).await.expect_problem(404, "unknown-account");
    let faulty = acme.use_perk("key-1", "training", &json!({"reference": "", "times": 2})).await;
    let faulty = faulty.expect_problem(422, "invalid-document");
    assert_eq!(faulty.fault_paths(), ["$.times", "$.reference"]);
    acme.use_perk("", "training", &json!({})).await.expect_problem(400, "idempotency-key-missing");
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn a_tier_that_is_lost_takes_its_perks_along() {
    let (cloud, acme) = start().await;
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    with_perks(&mut document);
    document["perks"][1]["tiers"] = json!(["gold"]);
    cloud.activate_from(document, "2011-03-02T00:00:00Z").await;
    acme.use_perk("key-1", "training", &json!({})).await.expect(201);
    cloud.set_clock("2011-03-02T00:00:00Z");
    acme.use_perk("key-2", "training", &json!({})).await.expect_problem(409, "perk-not-held");
    // What was used before counts on once it is gold.
    acme.order("o-2").placed("2011-03-02T00:00:00Z").line("MUG", 1, "4000.00").send().await.expect(201);
    assert_eq!(perks(&acme).await[1], ("training".to_owned(), Some(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_uses_at_once_exactly_as_many_succeed_as_may() {
    if skips_concurrency() {
        return;
    }
    let (cloud, acme) = start().await;
    let clients = (0..32).map(|client| {
        let acme = acme.clone();
        tokio::spawn(async move {
            loop {
                // Each key is sent by two clients.
                let reply = acme.use_perk(&format!("key-{}", client / 2), "training", &json!({})).await;
                if reply.status() < 500 {
                    return reply;
                }
            }
        })
    });
    let mut replies: Vec<Reply> = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        replies.push(client.await.unwrap());
    }
    assert_eq!(crate::crowd::count(&replies, 201), 2);
    assert_eq!(crate::crowd::count(&replies, 200), 2, "the other client of each key that was used");
    assert_eq!(crate::crowd::count(&replies, 409), 28);
    assert_eq!(perks(&acme).await[1], ("training".to_owned(), Some(0)));
    let history = acme.history().await;
    assert_eq!(history.len(), 3);
    assert_eq!(history.iter().filter(|entry| entry["changes"][0]["type"] == "perk.used").count(), 2);
    cloud.audit().await;
}

#[tokio::test]
async fn an_order_pays_nothing_for_perks_that_are_used() {
    let (cloud, acme) = start().await;
    if !cloud.is_embedded() {
        return;
    }
    let order = |id: &str| acme.order(id).line("MUG", 1, "10.00");
    order("o-2").send().await.expect(201);
    // What the function caches is read.
    acme.standing().await.expect(200);
    let (_, before) = cloud.units(order("o-3").send()).await;
    let (_, used) = cloud.units(acme.use_perk("key-1", "training", &json!({}))).await;
    let (_, after) = cloud.units(order("o-4").send()).await;
    assert_eq!(after, before);
    // Account, entry, the count and the record of the command, twice each.
    assert_eq!((used.write_halves, used.read_halves), (16, 2));
}
