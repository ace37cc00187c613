//! Surveys with many clients at once, stale reads and lost answers.

use crate::crowd::{CLIENTS, count};
use serde_json::json;
use std::collections::BTreeSet;
use tests::network::Staleness;
use tests::{Answer, Cloud, Network, Reply, Survey, skips_concurrency};

async fn start() -> (Cloud, Survey) {
    let cloud = Cloud::start().await;
    cloud.people("acme", &["ann"]).await;
    let survey = cloud.survey("nps").opened().await;
    (cloud, survey)
}

/// How often the items that name something were written.
fn versions(items: &[String], name: &str) -> Vec<usize> {
    let version = |item: &String| {
        let (_, version) = item.rsplit_once("\"version\": ").unwrap();
        version.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
    };
    items.iter().filter(|item| item.contains(name)).map(version).collect()
}

/// Sends something again while the answer is that it may be.
async fn insist<F: Future<Output = Reply>>(send: impl Fn() -> F) -> Reply {
    loop {
        let reply = send().await;
        if reply.status() < 500 {
            return reply;
        }
    }
}

/// All of them are sent at once.
async fn at_once(answers: impl Iterator<Item = Answer>) -> Vec<Reply> {
    let until_answered = async |answer: Answer| insist(|| answer.send()).await;
    let clients: Vec<_> = answers.map(|answer| tokio::spawn(until_answered(answer))).collect();
    let mut replies = Vec::new();
    for client in clients {
        replies.push(client.await.unwrap());
    }
    replies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_answer_for_one_contact_at_once_one_answer_is_stored() {
    if skips_concurrency() {
        return;
    }
    let (cloud, survey) = start().await;
    // The same from all: one has written it, the others are told.
    let replies = at_once((0..CLIENTS).map(|_| survey.answer("acme", "ann", 9))).await;
    assert_eq!((count(&replies, 201), count(&replies, 200)), (1, CLIENTS - 1));
    assert!(replies.iter().all(|reply| reply.body() == replies[0].body()));
    assert_eq!(survey.all_answers(100).await, [replies[0].json()]);
    // Something else from each: all are taken, one after the other, and what was taken last stands.
    let survey = cloud.survey("other").opened().await;
    let answer = |n: usize| survey.answer("acme", "ann", 9).comment(&format!("client {n}"));
    let replies = at_once((0..CLIENTS).map(answer)).await;
    assert_eq!((count(&replies, 201), count(&replies, 200)), (1, CLIENTS - 1));
    let comments: BTreeSet<_> = replies.iter().map(|reply| reply["comment"].as_str().unwrap().to_owned()).collect();
    assert_eq!(comments.len(), CLIENTS);
    let stored = survey.all_answers(100).await;
    assert_eq!(stored.len(), 1);
    assert!(replies.iter().any(|reply| reply.json() == stored[0]));
    assert_eq!(versions(&cloud.metrics().await, "answers#other"), [CLIENTS]);
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn contacts_that_answer_at_once_do_not_wait_for_each_other() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let names: Vec<_> = (0..CLIENTS).map(|n| format!("c-{n}")).collect();
    cloud.people("acme", &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let survey = cloud.survey("nps").opened().await;
    if !cloud.is_embedded() {
        return;
    }
    // Five requests each, and nothing but the answer is written: nobody had to decide again.
    let (replies, cost) = cloud.units(at_once(names.iter().map(|name| survey.answer("acme", name, 9)))).await;
    let clients = CLIENTS as u64;
    assert_eq!((count(&replies, 201), cost.requests, cost.write_halves), (CLIENTS, 5 * clients, 8 * clients));
    assert_eq!(survey.all_answers(10).await.len(), CLIENTS);
}

#[tokio::test]
async fn stale_reads_make_no_second_answer_and_open_no_closed_survey() {
    for staleness in [Staleness::Oldest, Staleness::Behind(1)] {
        let (cloud, survey) = start().await;
        if !cloud.is_embedded() {
            return;
        }
        cloud.stale_reads(staleness);
        let first = survey.answer("acme", "ann", 3).send().await.expect(201);
        let repeated = survey.answer("acme", "ann", 3).send().await.expect(200);
        assert_eq!(repeated.body(), first.body());
        survey.answer("acme", "ann", 9).send().await.expect(200);
        assert_eq!(survey.all_answers(10).await.len(), 1);
        // Contacts of accounts that a lagging replica does not know yet.
        cloud.people("beta", &["bob"]).await;
        survey.answer("beta", "bob", 9).send().await.expect(201);
        // One that even a lagging replica knows, so that nothing but the survey refuses it.
        for name in ["Cy", "Cy Old"] {
            let cy = json!({"name": name, "role": "buyer", "locale": "en"});
            assert!(cloud.account("acme").put_contact("cy", cy).await.status() < 300);
        }
        survey.close().await;
        survey.answer("acme", "cy", 3).send().await.expect_problem(409, "survey-closed");
        survey.answer("acme", "ann", 3).send().await.expect_problem(409, "survey-closed");
        survey.answer("acme", "ann", 9).send().await.expect(200);
        survey.close().await;
        assert_eq!(survey.shown().await.expect(200)["status"], "closed");
        survey.open().await;
        survey.answer("acme", "ann", 3).send().await.expect(200);
        assert!(cloud.network().unwrap().stale_reads_shown() > 0);
    }
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_stores_an_answer_once() {
    type Trouble = fn(&Network);
    let trouble: [(&str, Trouble); 3] = [
        ("crossed", |network| network.cross_transactions(3)),
        ("request lost", |network| network.lose_requests(1)),
        ("answer lost", |network| network.lose_answers(1)),
    ];
    for (name, trouble) in trouble {
        let (cloud, survey) = start().await;
        let Some(network) = cloud.network() else { return };
        let answer = survey.answer("acme", "ann", 9);
        trouble(network);
        insist(|| answer.send()).await;
        let stored = cloud.metrics().await;
        answer.send().await.expect(200);
        assert_eq!(cloud.metrics().await, stored, "{name}");
        assert_eq!(versions(&stored, "answers#nps"), [1], "{name}");
        let document = json!({"name": "nps", "question": "Would you?"});
        trouble(network);
        insist(|| survey.put(document.clone())).await.expect(200);
        assert_eq!(versions(&cloud.metrics().await, "S(\\\"surveys\\\")"), [2], "{name}");
    }
}
