//! What is no survey and no answer: refused with all that is wrong, and nothing is written.

use serde_json::{Value, json};
use tests::{Cloud, Reply};

/// One refusal: what is sent, and what is answered.
struct Row {
    name: &'static str,
    method: &'static str,
    target: String,
    body: String,
    status: u16,
    kind: &'static str,
    paths: &'static [&'static str],
}

const SURVEY: &str = "/v1/surveys/nps";
const ANSWERS: &str = "/v1/surveys/nps/answers";

fn survey(name: &'static str, document: &Value, paths: &'static [&'static str]) -> Row {
    let (method, target, body) = ("PUT", SURVEY.to_owned(), document.to_string());
    Row { name, method, target, body, status: 422, kind: "invalid-document", paths }
}

/// A good answer with something done to it.
fn answer(name: &'static str, change: fn(&mut Value), paths: &'static [&'static str]) -> Row {
    let mut document = json!({"account_id": "acme", "contact_id": "ann", "score": 9});
    change(&mut document);
    let (method, target, body) = ("POST", ANSWERS.to_owned(), document.to_string());
    Row { name, method, target, body, status: 422, kind: "invalid-document", paths }
}

/// The row with another answer than that the document is invalid.
fn but(row: Row, status: u16, kind: &'static str) -> Row {
    Row { status, kind, ..row }
}

fn surveys() -> Vec<Row> {
    let long = json!({"name": "é".repeat(201), "question": "é".repeat(501)});
    vec![
        survey("nothing", &json!({}), &["$.name"]),
        survey("no object", &json!([]), &["$"]),
        survey("null", &json!({"name": null}), &["$.name"]),
        survey("too long", &long, &["$.name", "$.question"]),
        survey("blank", &json!({"name": " ", "question": ""}), &["$.name", "$.question"]),
        survey("lines", &json!({"name": "a\nb", "question": "a\u{202e}b"}), &["$.name", "$.question"]),
        survey("unknown fields", &json!({"name": "n", "id": "nps", "version": 1}), &["$.id", "$.version"]),
        survey(
            "wrong types",
            &json!({"name": 1, "question": [], "status": true, "closes_at": 1}),
            &["$.name", "$.question", "$.status", "$.closes_at"],
        ),
        survey("another status", &json!({"name": "n", "status": "paused"}), &["$.status"]),
        survey("a day", &json!({"name": "n", "closes_at": "2011-04-01"}), &["$.closes_at"]),
        survey("no offset", &json!({"name": "n", "closes_at": "2011-04-01T00:00:00"}), &["$.closes_at"]),
        but(
            survey("over already", &json!({"name": "n", "closes_at": "2011-03-01T12:00:00Z"}), &["$.closes_at"]),
            422,
            "closes-in-past",
        ),
    ]
}

fn answers() -> Vec<Row> {
    vec![
        answer("nothing", |a| *a = json!({}), &["$.account_id", "$.contact_id", "$.score"]),
        answer("no object", |a| *a = json!("9"), &["$"]),
        answer("below 0", |a| a["score"] = json!(-1), &["$.score"]),
        answer("above 10", |a| a["score"] = json!(11), &["$.score"]),
        answer("257, which is 1 in eight bits", |a| a["score"] = json!(257), &["$.score"]),
        answer("a fraction", |a| a["score"] = json!(8.5), &["$.score"]),
        answer("digits", |a| a["score"] = json!("9"), &["$.score"]),
        answer("an account that is none", |a| a["account_id"] = json!("acme#ann"), &["$.account_id"]),
        answer("a contact that is none", |a| a["contact_id"] = json!("ann b"), &["$.contact_id"]),
        answer("a contact too long", |a| a["contact_id"] = json!("x".repeat(65)), &["$.contact_id"]),
        answer("a comment too long", |a| a["comment"] = json!("é".repeat(2_001)), &["$.comment"]),
        answer("a blank comment", |a| a["comment"] = json!(" \n"), &["$.comment"]),
        answer("a comment that turns", |a| a["comment"] = json!("a\u{202e}b"), &["$.comment"]),
        answer("a comment of another type", |a| a["comment"] = json!({"text": "a"}), &["$.comment"]),
        answer("nine tags", |a| a["tags"] = json!(["a", "b", "c", "d", "e", "f", "g", "h", "i"]), &["$.tags"]),
        answer("tags as a text", |a| a["tags"] = json!("price"), &["$.tags"]),
        answer(
            "bad tags",
            |a| a["tags"] = json!(["a", "", 1, "x".repeat(65)]),
            &["$.tags[1]", "$.tags[2]", "$.tags[3]"],
        ),
        answer("what is not the contact's to say", |a| a["tier"] = json!("gold"), &["$.tier"]),
        answer(
            "everything",
            |a| *a = json!({"score": 99, "comment": 1, "x": 1}),
            &["$.x", "$.account_id", "$.contact_id", "$.score", "$.comment"],
        ),
        but(answer("no such account", |a| a["account_id"] = json!("nobody"), &[]), 404, "unknown-account"),
        but(answer("no such contact", |a| a["contact_id"] = json!("none"), &[]), 404, "unknown-contact"),
        but(answer("somebody else's contact", |a| a["contact_id"] = json!("bea"), &[]), 404, "unknown-contact"),
    ]
}

fn parameters() -> Vec<Row> {
    let body = json!({"account_id": "acme", "contact_id": "ann", "score": 9}).to_string();
    let row = |name, method, target: &str, status, kind| {
        let body = if method == "GET" { String::new() } else { body.clone() };
        Row { name, method, target: target.to_owned(), body, status, kind, paths: &[] }
    };
    let bad = |name, target: &str| Row { paths: &[], ..row(name, "GET", target, 400, "invalid-parameter") };
    vec![
        row("no such survey", "POST", "/v1/surveys/none/answers", 404, "unknown-survey"),
        row("an id that is none", "POST", "/v1/surveys/a%23b/answers", 400, "invalid-parameter"),
        row("an id that is none", "PUT", &format!("/v1/surveys/{}", "x".repeat(65)), 400, "invalid-parameter"),
        Row { body: "{".to_owned(), ..row("no JSON", "PUT", SURVEY, 400, "not-json") },
        Row { body: String::new(), ..row("no body", "POST", ANSWERS, 400, "not-json") },
        Row {
            body: r#"{"account_id":"acme","contact_id":"ann","score":9,"score":1}"#.to_owned(),
            ..row("two scores", "POST", ANSWERS, 400, "not-json")
        },
        bad("no limit", "/v1/surveys?limit=0"),
        bad("too many", "/v1/surveys/nps/answers?limit=101"),
        bad("no cursor", "/v1/surveys?cursor=%2F"),
        bad("a cursor of no survey", "/v1/surveys?cursor=YSNi"),
        bad("a cursor of no contact", "/v1/surveys/nps/answers?cursor=YWNtZQ"),
        bad("no account", "/v1/surveys/nps/answers?account_id=a%2Fb"),
        bad("a parameter that is none", "/v1/surveys/nps?limit=5"),
        bad("a parameter that is none", "/v1/surveys?after=nps"),
        bad("a parameter misspelt", "/v1/surveys/nps/answers?acount_id=acme"),
    ]
}

async fn send(cloud: &Cloud, row: &Row) -> Reply {
    cloud.request(row.method, &row.target, row.body.clone()).await
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once_and_writes_nothing() {
    let cloud = Cloud::start().await;
    cloud.people("acme", &["ann"]).await;
    cloud.people("beta", &["bea"]).await;
    cloud.survey("nps").opened().await;
    let before = (cloud.tables().await, cloud.metrics().await);
    for row in surveys().into_iter().chain(answers()).chain(parameters()) {
        let reply = send(&cloud, &row).await;
        assert_eq!(reply.status(), row.status, "{}: {}", row.name, reply.json());
        let reply = reply.expect_problem(row.status, row.kind);
        if row.kind != "invalid-parameter" {
            assert_eq!(reply.fault_paths(), row.paths, "{}", row.name);
        }
        assert_eq!((cloud.tables().await, cloud.metrics().await), before, "{}", row.name);
    }
}

#[tokio::test]
async fn what_lies_within_the_bounds_is_taken() {
    let cloud = Cloud::start().await;
    cloud.people("acme", &["ann"]).await;
    let id = "x".repeat(64);
    let survey = cloud.survey(&id);
    let stated = json!({"name": "é".repeat(200), "question": "é".repeat(500), "closes_at": "2011-03-01T12:00:00.001Z"});
    survey.put(stated).await.expect(201);
    let tags: Vec<_> = (0..8).map(|n| format!("{n}{}", "é".repeat(63))).collect();
    let comment = "😀".repeat(2_000);
    let full = survey.answer("acme", "ann", 0).comment(&comment).set("tags", json!(tags));
    let stored = full.send().await.expect(201);
    assert_eq!((&stored["comment"], &stored["tags"]), (&json!(comment), &json!(tags)));
    assert_eq!(survey.all_answers(1).await, [stored.json()]);
    // What is null is not stated.
    let bare = full.set("comment", json!(null)).set("tags", json!(null)).set("score", json!(10));
    assert_eq!(bare.send().await.expect(200)["comment"], json!(null));
}
