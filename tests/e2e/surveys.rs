//! Surveys: asked, answered, changed, closed, read.

use crate::events::logged;
use serde_json::{Value, json};
use tests::{Cloud, Reply, Survey, authorizer};
use tracing::Level;

/// A token of an account itself.
fn own(account: &str) -> Option<Value> {
    let claims = json!({"sub": "somebody", "account_id": account});
    Some(authorizer(claims, &["accounts:write", "metrics:read"]))
}

async fn start() -> (Cloud, Survey) {
    let cloud = Cloud::start().await;
    cloud.people("acme", &["ann", "bob"]).await;
    cloud.people("beta", &["ann"]).await;
    let survey = cloud.survey("nps").opened().await;
    (cloud, survey)
}

#[tokio::test]
async fn a_survey_is_stated_shown_and_stated_again() {
    let cloud = Cloud::start().await;
    let survey = cloud.survey("nps-2011");
    survey.shown().await.expect_problem(404, "unknown-survey");
    let document = json!({
        "name": "Spring", "question": "Would you recommend us?", "closes_at": "2011-03-31T23:59:59+01:00",
    });
    let stated = survey.put(document.clone()).await.expect(201).json();
    assert_eq!(
        stated,
        json!({
            "survey_id": "nps-2011", "name": "Spring", "question": "Would you recommend us?", "status": "open",
            "closes_at": "2011-03-31T22:59:59Z", "takes_answers": true,
            "created_at": "2011-03-01T12:00:00Z", "changed_at": "2011-03-01T12:00:00Z",
        })
    );
    let before = cloud.metrics().await;
    cloud.set_clock("2011-03-02T12:00:00Z");
    assert_eq!(survey.put(document).await.expect(200).json(), stated);
    assert_eq!(cloud.metrics().await, before, "the same again writes nothing");
    let closed = survey.put(json!({"name": "Spring", "status": "closed"})).await.expect(200);
    assert_eq!(
        closed.json(),
        json!({
            "survey_id": "nps-2011", "name": "Spring", "status": "closed", "takes_answers": false,
            "created_at": "2011-03-01T12:00:00Z", "changed_at": "2011-03-02T12:00:00Z",
        })
    );
    assert_eq!(survey.shown().await.expect(200).json(), closed.json());
    cloud.audit().await;
}

#[tokio::test]
async fn a_contact_has_one_answer_which_says_what_was_said_last() {
    let (cloud, survey) = start().await;
    let retail = json!({"name": "Acme", "segments": ["retail", "north"]});
    cloud.account("acme").put(retail).await.expect(200);
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    let answer = survey.answer("acme", "ann", 9).comment("Good,\r\nbut dear").set("tags", json!(["price", "mugs"]));
    let first = answer.send().await.expect(201);
    assert_eq!(
        first.json(),
        json!({
            "survey_id": "nps", "account_id": "acme", "contact_id": "ann", "score": 9, "comment": "Good,\nbut dear",
            "tags": ["mugs", "price"], "tier": "silver", "segments": ["north", "retail"],
            "answered_at": "2011-03-01T12:00:00Z", "changed_at": "2011-03-01T12:00:00Z",
        })
    );
    cloud.set_clock("2011-03-02T12:00:00Z");
    let stored = cloud.metrics().await;
    // The same in other spelling: what is stored, and nothing is written.
    let same = answer.clone().comment(" Good,\nbut dear ").set("tags", json!(["mugs", "price", "mugs"]));
    let repeated = same.send().await.expect(200);
    assert_eq!((repeated.body(), repeated.header("idempotent-replayed")), (first.body(), Some("true")));
    assert_eq!(cloud.metrics().await, stored);

    // What the account is by then makes no difference: an answer counts where it was asked for.
    cloud.account("acme").put(json!({"name": "Acme"})).await.expect(200);
    let changed = survey.answer("acme", "ann", 4).send().await.expect(200);
    assert_eq!(changed.header("idempotent-replayed"), None);
    assert_eq!(
        changed.json(),
        json!({
            "survey_id": "nps", "account_id": "acme", "contact_id": "ann", "score": 4,
            "tier": "silver", "segments": ["north", "retail"],
            "answered_at": "2011-03-01T12:00:00Z", "changed_at": "2011-03-02T12:00:00Z",
        })
    );
    assert_eq!(survey.all_answers(10).await, [changed.json()]);
    // To another survey, and by another contact, it is another answer.
    cloud.survey("other").opened().await.answer("acme", "ann", 1).send().await.expect(201);
    survey.answer("acme", "bob", 1).send().await.expect(201);
    survey.answer("beta", "ann", 1).send().await.expect(201);
    assert_eq!(survey.all_answers(10).await.len(), 3);
    cloud.audit().await;
}

#[tokio::test]
async fn an_answer_can_be_changed_until_the_survey_closes_and_again_once_it_is_open() {
    let (cloud, survey) = start().await;
    survey.answer("acme", "ann", 3).send().await.expect(201);
    survey.answer("acme", "ann", 9).send().await.expect(200);
    survey.close().await;
    let stored = cloud.metrics().await;
    for refused in [survey.answer("acme", "ann", 3), survey.answer("acme", "bob", 9), survey.answer("acme", "none", 9)]
    {
        refused.send().await.expect_problem(409, "survey-closed");
    }
    // Who sends the same again, for want of an answer, is told what is stored.
    let repeated = survey.answer("acme", "ann", 9).send().await.expect(200);
    assert_eq!((&repeated["score"], repeated.header("idempotent-replayed")), (&json!(9), Some("true")));
    assert_eq!(cloud.metrics().await, stored);
    survey.open().await;
    survey.answer("acme", "ann", 10).send().await.expect(200);
    survey.answer("acme", "bob", 9).send().await.expect(201);
}

#[tokio::test]
async fn a_survey_is_over_at_its_end_and_can_be_given_a_later_one() {
    let (cloud, survey) = start().await;
    let until = |closes_at: &str| json!({"name": "nps", "status": "open", "closes_at": closes_at});
    survey.put(until("2011-03-02T00:00:00Z")).await.expect(200);
    cloud.set_clock("2011-03-01T23:59:59.999Z");
    survey.answer("acme", "ann", 3).send().await.expect(201);
    cloud.set_clock("2011-03-02T00:00:00Z");
    survey.answer("acme", "ann", 9).send().await.expect_problem(409, "survey-closed");
    survey.answer("acme", "ann", 3).send().await.expect(200);
    let shown = survey.shown().await.expect(200);
    assert_eq!((&shown["status"], &shown["takes_answers"]), (&json!("open"), &json!(false)));
    // The name of one that is over can be corrected; opening it takes an end ahead.
    let mut renamed = until("2011-03-02T00:00:00Z");
    renamed["name"] = json!("Spring");
    assert_eq!(survey.put(renamed).await.expect(200)["takes_answers"], false);
    let refused = survey.put(until("2011-03-01T00:00:00Z")).await.expect_problem(422, "closes-in-past");
    assert_eq!(refused.fault_paths(), ["$.closes_at"]);
    survey.close().await;
    survey.put(until("2011-03-02T00:00:00Z")).await.expect_problem(422, "closes-in-past");
    survey.answer("acme", "ann", 9).send().await.expect_problem(409, "survey-closed");
    survey.put(until("2011-03-03T00:00:00Z")).await.expect(200);
    survey.answer("acme", "ann", 9).send().await.expect(200);
}

/// A tier that has ended counts no more, whether or not a walk has written that down.
#[tokio::test]
async fn an_answer_is_of_the_tier_that_is_true_when_it_is_given() {
    let cloud = Cloud::with(crate::walks::with_reviews).await;
    cloud.people("acme", &["ann"]).await;
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    let survey = cloud.survey("nps").opened().await;
    cloud.set_clock("2013-03-01T12:00:00Z");
    let tier = cloud.account("acme").standing().await.expect(200)["tier"]["id"].clone();
    assert_eq!(tier, "member");
    assert_eq!(survey.answer("acme", "ann", 9).send().await.expect(201)["tier"], tier);
}

fn contacts(page: &Value) -> Vec<String> {
    let answers = page["answers"].as_array().unwrap().iter();
    answers.map(|a| format!("{}/{}", a["account_id"].as_str().unwrap(), a["contact_id"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn answers_are_read_in_pages_whole_or_by_account() {
    let cloud = Cloud::start().await;
    let survey = cloud.survey("nps").opened().await;
    // `acme-2` lies right behind `acme` and begins like it; no answer of it may show among the others.
    for account in ["acme", "acme-2", "beta"] {
        cloud.people(account, &["ann", "bob", "cy"]).await;
        for contact in ["cy", "ann", "bob"] {
            survey.answer(account, contact, 8).send().await.expect(201);
        }
    }
    let all = contacts(&json!({"answers": survey.all_answers(100).await}));
    assert_eq!(all.len(), 9);
    for limit in [1, 2, 3, 4, 8, 9] {
        assert_eq!(contacts(&json!({"answers": survey.all_answers(limit).await})), all, "{limit}");
    }
    let first = survey.answers("?account_id=acme&limit=2").await.expect(200);
    assert_eq!(contacts(&first.json()), ["acme/ann", "acme/bob"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = survey.answers(&format!("?account_id=acme&limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((contacts(&last.json()), &last["next_cursor"]), (vec!["acme/cy".to_owned()], &json!(null)));
    // A cursor belongs to what was asked.
    let strange = survey.answers(&format!("?account_id=beta&cursor={cursor}")).await;
    strange.expect_problem(400, "invalid-parameter");
    let nobody = survey.answers("?account_id=nobody").await.expect(200);
    assert_eq!(nobody.json(), json!({"answers": []}));
    cloud.survey("none").answers("").await.expect_problem(404, "unknown-survey");
}

#[tokio::test]
async fn surveys_are_listed_in_pages() {
    let cloud = Cloud::start().await;
    assert_eq!(cloud.get("/v1/surveys").await.expect(200).json(), json!({"surveys": []}));
    for id in ["b", "a", "c"] {
        cloud.survey(id).opened().await;
    }
    let names = |page: &Reply| {
        let surveys = page["surveys"].as_array().unwrap().iter();
        surveys.map(|survey| survey["survey_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = cloud.get("/v1/surveys?limit=2").await.expect(200);
    assert_eq!(names(&first), ["a", "b"]);
    let next = format!("/v1/surveys?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let last = cloud.get(&next).await.expect(200);
    assert_eq!((names(&last), &last["next_cursor"]), (vec!["c".to_owned()], &json!(null)));
}

#[tokio::test]
async fn an_accounts_own_token_answers_for_its_contacts_and_sees_its_own_answers() {
    let (cloud, survey) = start().await;
    let path = survey.path("/answers");
    survey.answer("beta", "ann", 2).send().await.expect(201);
    let ask = async |method: &str, target: &str, body: &str| cloud.request_as(own("acme"), method, target, body).await;
    let answer = |account: &str, contact: &str| survey.answer(account, contact, 9).document().to_string();
    ask("POST", &path, &answer("acme", "ann")).await.expect(201);
    ask("POST", &path, &answer("acme", "ann")).await.expect(200);
    ask("POST", &path, &answer("acme", "none")).await.expect_problem(404, "unknown-contact");
    let stored = cloud.metrics().await;
    // Whether somebody else's contact or survey is known it does not learn.
    for (account, contact) in [("beta", "ann"), ("beta", "none"), ("nobody", "ann")] {
        ask("POST", &path, &answer(account, contact)).await.expect_problem(403, "forbidden");
        let unknown = cloud.survey("none").path("/answers");
        ask("POST", &unknown, &answer(account, contact)).await.expect_problem(403, "forbidden");
    }
    for query in ["", "?account_id=acme"] {
        let seen = ask("GET", &format!("{path}{query}"), "").await.expect(200);
        assert_eq!(contacts(&seen.json()), ["acme/ann"], "{query}");
    }
    ask("GET", &format!("{path}?account_id=beta"), "").await.expect_problem(403, "forbidden");
    // Nor by way of a cursor.
    let page = survey.answers("?limit=1&account_id=acme").await.expect(200);
    assert_eq!(page["next_cursor"], json!(null));
    let theirs = survey.answers("?limit=1").await.expect(200)["next_cursor"].as_str().unwrap().to_owned();
    let seen = ask("GET", &format!("{path}?cursor={theirs}"), "").await.expect(200);
    assert_eq!(seen.json(), json!({"answers": []}));
    ask("GET", &survey.path(""), "").await.expect(200);
    ask("GET", "/v1/surveys", "").await.expect_problem(403, "forbidden");
    assert_eq!(cloud.metrics().await, stored);
}

#[tokio::test]
async fn what_a_contact_says_is_in_no_log() {
    let (cloud, survey) = start().await;
    let logged = logged(Level::DEBUG, async {
        let answer = survey.answer("acme", "ann", 9).comment("SECRET words").set("tags", json!(["SECRET tag"]));
        answer.send().await.expect(201);
        answer.send().await.expect(200);
        survey.answers("").await.expect(200);
        let faulty = answer.clone().comment("SECRET\u{0}").set("tags", json!(["SECRET\u{0}"]));
        faulty.send().await.expect_problem(422, "invalid-document");
        survey.close().await;
        answer.comment("SECRET afterthought").send().await.expect_problem(409, "survey-closed");
        // A record that cannot be read is a fault that says which one, and no more.
        if cloud.is_embedded() {
            corrupt(&cloud).await;
            survey.answers("").await.expect_problem(500, "internal");
        }
    })
    .await;
    assert!(logged.contains("took an answer to survey nps") && logged.contains("$.comment invalid_text"), "{logged}");
    assert!(!cloud.is_embedded() || logged.contains("acme#ann"), "{logged}");
    assert!(!logged.contains("SECRET"), "{logged}");
}

/// Spoils the one answer that is stored.
async fn corrupt(cloud: &Cloud) {
    let (client, table) = (cloud.local().client(), &cloud.app().config().tables.metrics);
    let found = client.scan().table_name(table).send().await.unwrap().items.unwrap();
    let mut item = found.into_iter().find(|item| item.contains_key("comment")).unwrap();
    item.remove("tier");
    client.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
}
