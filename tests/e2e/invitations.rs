//! Invitations: who enrols with one is a member, and never one more than it is for.

use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Cloud, Reply, skips_concurrency};

const INVITATIONS: &str = "/v1/invitations";

async fn start() -> Cloud {
    Cloud::with(|program| {
        program["enrolment"] = json!({"unknown_account": "reject"});
        program["membership"] = json!({"kind": "invitation"});
    })
    .await
}

/// The code of an invitation.
async fn issued(cloud: &Cloud, document: &Value) -> String {
    let reply = cloud.request_keyed(INVITATIONS, "key-1", document).await.expect(201);
    reply["invitation_code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_invitation_is_issued_used_listed_and_revoked() {
    let cloud = start().await;
    let document = json!({"uses": 2, "expires_at": "2011-04-01T00:00:00Z", "segment": "partner", "note": "The fair"});
    let first = cloud.request_keyed(INVITATIONS, "key-1", &document).await.expect(201);
    let code = first["invitation_code"].as_str().unwrap().to_owned();
    let place = format!("{INVITATIONS}/{code}");
    assert_eq!(first.header("location"), Some(&*place));
    let mut expected = document.clone();
    expected["invitation_code"] = json!(code);
    expected["used"] = json!(0);
    expected["issued_at"] = json!("2011-03-01T12:00:00Z");
    assert_eq!(first.json(), expected);
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        let again = cloud.request_keyed(INVITATIONS, "key-1", &document).await.expect(200);
        assert_eq!((again.body(), again.header("idempotent-replayed")), (first.body(), Some("true")));
        let other = cloud.request_keyed(INVITATIONS, "key-1", &json!({"uses": 3})).await;
        other.expect_problem(409, "idempotency-key-reused");
    }
    cloud.stale_reads(Staleness::None);

    // As a person types it.
    let acme = cloud.account("acme");
    let typed = format!("{}-{}", &code[..5].to_lowercase(), &code[5..]);
    let enrolled = acme.put(json!({"name": "Acme", "segments": ["uk"], "invitation_code": typed})).await.expect(201);
    assert_eq!(
        (&enrolled["membership"], &enrolled["segments"]),
        (&json!({"state": "member"}), &json!(["partner", "uk"]))
    );
    let before = cloud.tables().await;
    acme.put(json!({"name": "Acme", "segments": ["uk"], "invitation_code": code})).await.expect(200);
    assert_eq!(cloud.tables().await, before, "the same again uses nothing up");
    let entry = &acme.history().await[0];
    assert_eq!(entry["changes"][1], json!({"type": "membership.admitted", "invitation": code}));
    assert!(entry["text"].as_str().unwrap().contains(&format!("by invitation {code}.")), "{entry}");
    let receipt = acme.order("o-1").line("MUG", 1, "10.00").send().await.expect(201);
    assert_eq!(receipt["points"], 10);

    assert_eq!(cloud.get(&place).await.expect(200)["used"], 1);
    let second = cloud.request_keyed(INVITATIONS, "key-2", &json!({"uses": 1})).await.expect(201);
    let listed = |reply: &Reply| {
        let all = reply["invitations"].as_array().unwrap().clone();
        all.iter().map(|one| one["invitation_code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut expected = vec![code.clone(), second["invitation_code"].as_str().unwrap().to_owned()];
    expected.sort();
    assert_eq!(listed(&cloud.get(INVITATIONS).await.expect(200)), expected);
    let page = cloud.get(&format!("{INVITATIONS}?limit=1")).await.expect(200);
    assert_eq!(listed(&page), expected[..1]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = cloud.get(&format!("{INVITATIONS}?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!((listed(&rest), &rest["next_cursor"]), (expected[1..].to_vec(), &Value::Null));

    cloud.set_clock("2011-03-02T12:00:00Z");
    let revoked = cloud.request("DELETE", &place, "").await.expect(200);
    assert_eq!((&revoked["used"], &revoked["revoked_at"]), (&json!(1), &json!("2011-03-02T12:00:00Z")));
    cloud.set_clock("2011-03-03T12:00:00Z");
    assert_eq!(cloud.request("DELETE", &place, "").await.expect(200).json(), revoked.json());
    let refused = cloud.account("beta").enrol_with(&code).await.expect_problem(422, "invitation-revoked");
    assert_eq!(refused.fault_paths(), ["$.invitation_code"]);
    cloud.audit().await;
}

#[tokio::test]
async fn without_a_good_invitation_nobody_is_enrolled() {
    let cloud = start().await;
    let code = issued(&cloud, &json!({"uses": 1, "expires_at": "2011-03-02T00:00:00Z"})).await;
    cloud.account("acme").enrol_with(&code).await.expect(201);
    let before = cloud.tables().await;
    let beta = cloud.account("beta");
    beta.put(json!({"name": "Beta"})).await.expect_problem(422, "invitation-required");
    beta.order("o-1").line("MUG", 1, "10.00").send().await.expect_problem(404, "unknown-account");
    beta.credit_note("c-1").units("MUG", 1).send().await.expect_problem(404, "unknown-account");
    let unknown = domain::code::Code::of_bits(5).to_string();
    beta.enrol_with(&unknown).await.expect_problem(422, "invitation-unknown");
    beta.enrol_with("AAAA").await.expect_problem(422, "invalid-document");
    beta.enrol_with(&code).await.expect_problem(409, "invitation-used-up");
    for (method, target) in [("GET", format!("{INVITATIONS}/{unknown}")), ("DELETE", format!("{INVITATIONS}/x"))] {
        cloud.request(method, &target, "").await.expect_problem(404, "unknown-invitation");
    }
    cloud.get(&format!("{INVITATIONS}?cursor=x")).await.expect_problem(400, "invalid-parameter");
    let faulty = cloud.request_keyed(INVITATIONS, "key-2", &json!({"uses": 0, "segment": "a b", "max": 1})).await;
    assert_eq!(faulty.expect_problem(422, "invalid-document").fault_paths(), ["$.max", "$.uses", "$.segment"]);
    let over = json!({"uses": 1, "expires_at": "2011-03-01T12:00:00Z"});
    cloud.request_keyed(INVITATIONS, "key-2", &over).await.expect_problem(422, "expires-in-past");
    assert_eq!(cloud.tables().await, before);
    let other =
        cloud.request_keyed(INVITATIONS, "key-3", &json!({"uses": 9, "expires_at": "2011-03-02T00:00:00Z"})).await;
    let code = other.expect(201)["invitation_code"].as_str().unwrap().to_owned();
    cloud.set_clock("2011-03-02T00:00:00Z");
    beta.enrol_with(&code).await.expect_problem(422, "invitation-expired");
}

#[tokio::test]
async fn an_invitation_lets_an_applicant_in() {
    let cloud = Cloud::with(|program| program["membership"] = json!({"kind": "approval"})).await;
    let code = issued(&cloud, &json!({"uses": 5})).await;
    let acme = cloud.account("acme");
    acme.order("o-1").line("MUG", 1, "10.00").send().await.expect(201);
    assert_eq!(acme.standing().await.expect(200)["membership"]["state"], "applicant");
    let admitted = acme.enrol_with(&code).await.expect(200);
    assert_eq!(admitted["membership"], json!({"state": "member"}));
    acme.put_membership(json!({"admission": "rejected", "reason": "No trade"})).await.expect(200);
    acme.enrol_with(&code).await.expect_problem(409, "not-a-member");
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_enrol_at_once_as_many_succeed_as_it_is_for() {
    if skips_concurrency() {
        return;
    }
    let cloud = start().await;
    let code = issued(&cloud, &json!({"uses": 3})).await;
    let clients = (0..24).map(|client| {
        let (cloud, code) = (cloud.clone(), code.clone());
        tokio::spawn(async move {
            loop {
                // Each company enrols twice at once.
                let reply = cloud.account(&format!("company-{}", client / 2)).enrol_with(&code).await;
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
    assert_eq!(crate::crowd::count(&replies, 201), 3);
    assert_eq!(crate::crowd::count(&replies, 200), 3, "the other request of each company that was enrolled");
    assert_eq!(crate::crowd::count(&replies, 409), 18);
    assert_eq!(cloud.get(&format!("{INVITATIONS}/{code}")).await.expect(200)["used"], 3);
    cloud.audit().await;
}

#[tokio::test]
async fn a_repeat_finds_its_invitation_after_a_change_of_the_secret() {
    let cloud = start().await;
    let first = cloud.request_keyed(INVITATIONS, "key-1", &json!({"uses": 2})).await.expect(201);
    if !cloud.is_embedded() {
        return;
    }
    let changed = cloud.with_other_secrets("1:a secret for tests only,2:another for tests only").await;
    let again = changed.request_keyed(INVITATIONS, "key-1", &json!({"uses": 2})).await.expect(200);
    assert_eq!(again.body(), first.body());
}
