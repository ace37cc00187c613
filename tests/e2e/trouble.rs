//! Exactly once, through everything that a network and a distributed database do: stale reads, crossing transactions,
//! requests and answers that get lost.

use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tests::{Cloud, Order, Reply, TakeBack, endpoint};

#[tokio::test]
async fn a_commit_whose_answer_got_lost_is_found_by_the_retry() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    cloud.app().schedule().await.unwrap();
    let order = cloud.order("o-1").line("MUG", 1, "600.00");
    cloud.network().unwrap().lose_answers(1);
    let lost = order.send().await.expect_problem(500, "internal");
    assert!(!lost["detail"].as_str().unwrap().contains("connection"), "internals stay inside");
    let committed = cloud.tables().await;
    let again = order.send().await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!((&again["entry"], &again["balance"]), (&json!(1), &json!(600)));
    assert_eq!(cloud.tables().await, committed);

    let code = again["discounts_issued"][0]["code"].as_str().unwrap();
    let using = cloud.order("o-2").line("MUG", 1, "10.00").code(code);
    cloud.network().unwrap().lose_answers(1);
    using.send().await.expect_problem(500, "internal");
    assert_eq!(using.send().await.expect(200)["discounts_used"], json!([code]));
}

#[tokio::test]
async fn a_request_that_never_arrived_is_sent_again_by_the_client() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    cloud.app().schedule().await.unwrap();
    let before = cloud.tables().await;
    let order = cloud.order("o-1").line("MUG", 1, "600.00");
    cloud.network().unwrap().lose_requests(1);
    order.send().await.expect_problem(500, "internal");
    assert_eq!(cloud.tables().await, before);
    order.send().await.expect(201);
}

#[tokio::test]
async fn transactions_that_cross_are_decided_again_up_to_a_bound() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    cloud.app().schedule().await.unwrap();
    cloud.network().unwrap().cross_transactions(3);
    cloud.order("o-1").line("MUG", 1, "600.00").send().await.expect(201);
    assert_eq!(cloud.account("acme").history().await.len(), 1);

    let before = cloud.tables().await;
    cloud.network().unwrap().cross_transactions(1_000);
    let busy = cloud.order("o-2").line("MUG", 1, "600.00").send().await.expect_problem(503, "contended");
    assert_eq!(busy.header("retry-after"), Some("1"));
    cloud.network().unwrap().calm();
    assert_eq!(cloud.tables().await, before);
}

/// One thing that a merchant's systems do.
#[derive(Debug, Clone)]
enum Step {
    /// Sends an order; its number decides its content, unless it is told to differ.
    Order { account: u8, number: u8, named: Option<u8>, differs: bool },
    /// States an account's data; an e-mail address may be another account's.
    Put { account: u8, status: u8, name: u8, email: Option<u8>, segment: u8 },
    /// States a return of an order, which may not be known, or not have as much.
    Return { number: u8, part: u8, units: u8, differs: bool },
    /// Cancels an order, which may not be known.
    Cancel { number: u8 },
    /// States a credit note that names no order; its number decides its content, unless it is told to differ.
    Credit { account: u8, number: u8, differs: bool },
    /// Gives or takes points; the key decides how many, unless it is told to differ.
    Adjust { account: u8, key: u8, differs: bool },
    /// Lets time pass.
    Wait { hours: u16 },
}

const ACCOUNTS: u8 = 3;

fn step() -> impl Strategy<Value = Step> {
    let order = (0..ACCOUNTS, 0..24_u8, prop::option::weighted(0.3, 0..4_u8), prop::bool::weighted(0.05))
        .prop_map(|(account, number, named, differs)| Step::Order { account, number, named, differs });
    let put = (0..ACCOUNTS, 0..6_u8, 0..3_u8, prop::option::of(0..3_u8), 0..3_u8)
        .prop_map(|(account, status, name, email, segment)| Step::Put { account, status, name, email, segment });
    let back = (0..24_u8, 0..4_u8, 1..12_u8, prop::bool::weighted(0.1))
        .prop_map(|(number, part, units, differs)| Step::Return { number, part, units, differs });
    let cancel = (0..24_u8).prop_map(|number| Step::Cancel { number });
    let adjust = (0..ACCOUNTS, 0..6_u8, prop::bool::weighted(0.1)).prop_map(|(account, key, differs)| Step::Adjust {
        account,
        key,
        differs,
    });
    let credit = (0..ACCOUNTS, 0..6_u8, prop::bool::weighted(0.1))
        .prop_map(|(account, number, differs)| Step::Credit { account, number, differs });
    let wait = (1..500_u16).prop_map(|hours| Step::Wait { hours });
    prop_oneof![8 => order, 3 => put, 4 => back, 1 => cancel, 2 => adjust, 3 => credit, 2 => wait]
}

/// An answer: its body, and its status where that does not depend on how often it had to be asked for.
type Answered = (u16, Value);

/// What became of a history: every answer, and all that is stored.
#[derive(Debug, PartialEq)]
struct Outcome {
    answers: Vec<Option<Answered>>,
    tables: BTreeMap<String, Vec<String>>,
}

/// A retry after a lost answer hears 200 where the first try would have heard 201: nothing else may differ.
fn answered(reply: &Reply) -> Answered {
    (if reply.status() == 201 { 200 } else { reply.status() }, reply.json())
}

/// Sends until there is an answer that a client would take.
async fn insist(send: impl AsyncFn() -> Reply) -> Reply {
    for _ in 0..1_000 {
        let reply = send().await;
        if reply.status() < 500 {
            return reply;
        }
    }
    panic!("no answer after a thousand tries");
}

struct Merchant {
    cloud: Cloud,
    /// The orders that were accepted, with their first answer.
    scored: BTreeMap<String, (Value, Vec<u8>)>,
    /// The returns, cancellations and adjustments that were carried out, by where and what, with their first answer.
    done: BTreeMap<String, Vec<u8>>,
    /// Codes that anybody was given, in the order of issue.
    codes: Vec<String>,
}

impl Merchant {
    async fn step(&mut self, step: &Step) -> Option<Answered> {
        let reply = match step {
            Step::Wait { hours } => {
                self.cloud.set_instant(self.cloud.now().plus_ms(i64::from(*hours) * 3_600_000));
                return None;
            }
            Step::Put { account, status, name, email, segment } => {
                let status = ["active", "active", "active", "active", "suspended", "closed"][usize::from(*status)];
                let email = email.map(|email| format!("office-{email}@company.example"));
                let document = json!({
                    "name": format!("Company {name}"), "status": status, "email": email,
                    "segments": [format!("segment-{segment}")],
                });
                let account = self.cloud.account(&format!("account-{account}"));
                let reply = insist(async || account.put(document.clone()).await).await;
                assert!([200, 201, 409].contains(&reply.status()), "{}", reply.json());
                reply
            }
            Step::Order { account, number, named, differs } => {
                let order = self.order(*account, *number, *named, *differs);
                self.place(&order).await
            }
            Step::Return { number, part, units, differs } => {
                let back = self.cloud.order(&format!("o-{number}")).returned(&format!("r-{part}"));
                let back = back.at("2011-03-01T12:00:00Z").units("1", u64::from(*units));
                self.take_back(&if *differs { back.units("2", 1) } else { back }).await
            }
            Step::Cancel { number } => {
                let cancelled = self.cloud.order(&format!("o-{number}")).cancelled();
                self.take_back(&cancelled.at("2011-03-01T12:00:00Z")).await
            }
            Step::Credit { account, number, differs } => {
                let units = u64::from(*number) * 5 + 1 + u64::from(*differs);
                let note = self.cloud.account(&format!("account-{account}")).credit_note(&format!("c-{number}"));
                let note = note.at("2011-03-01T12:00:00Z").units("MUG", units).units("CUP", 3).units("MUG", 2);
                let reply = insist(async || note.send().await).await;
                assert!([200, 201, 409].contains(&reply.status()), "{}", reply.json());
                self.note(format!("{} {}", note.target(), note.document()), &reply);
                reply
            }
            Step::Adjust { account, key, differs } => self.adjust(*account, *key, *differs).await,
        };
        Some(answered(&reply))
    }

    async fn take_back(&mut self, back: &TakeBack) -> Reply {
        let reply = insist(async || back.send().await).await;
        assert!([200, 201, 202, 409, 422].contains(&reply.status()), "{}", reply.json());
        self.note(format!("{} {}", back.target(), back.document()), &reply);
        reply
    }

    async fn adjust(&mut self, account: u8, key: u8, differs: bool) -> Reply {
        let points = [300, -400, 25, -10, 1, -1][usize::from(key)] + i64::from(differs) * 1_000;
        let document = json!({"points": points, "reason": "A test"});
        let (key, account_id) = (format!("key-{key}"), format!("account-{account}"));
        let account = self.cloud.account(&account_id);
        let reply = insist(async || account.adjust(&key, document.clone()).await).await;
        assert!([200, 201, 404, 409, 422].contains(&reply.status()), "{}", reply.json());
        self.note(format!("{account_id} {key} {document}"), &reply);
        reply
    }

    /// What was carried out once is answered the same for ever.
    fn note(&mut self, what: String, reply: &Reply) {
        match self.done.get(&what) {
            Some(first) => {
                assert_eq!((reply.status(), reply.body()), (200, &first[..]), "the answer to {what} changed");
            }
            None if [200, 201].contains(&reply.status()) => drop(self.done.insert(what, reply.body().to_vec())),
            None => {}
        }
    }

    fn order(&self, account: u8, number: u8, named: Option<u8>, differs: bool) -> Order {
        let id = format!("o-{number}");
        if let Some((document, _)) = self.scored.get(&id) {
            // A repeat is one to the letter, or differs in one place.
            let lines = document["lines"].clone();
            let mut order = self.cloud.order(&id);
            for (field, value) in document.as_object().unwrap() {
                order = order.set(field, value.clone());
            }
            return if differs { order.line("EXTRA", 1, "1.00") } else { order.set("lines", lines) };
        }
        let placed = self.cloud.now().plus_ms(-3_600_000 * i64::from(number) * 24);
        let order = self.cloud.order(&id).account(&format!("account-{account}")).placed(&placed.to_string());
        let order = order.line("MUG", u64::from(number) + 1, "33.335").line("CUP", 2, "60.00").line("POST", 1, "4.00");
        match named.and_then(|back| self.codes.iter().rev().nth(usize::from(back))) {
            Some(code) => order.code(code),
            None => order,
        }
    }

    async fn place(&mut self, order: &Order) -> Reply {
        let document = order.document();
        let id = document["order_id"].as_str().unwrap().to_owned();
        let reply = insist(async || order.send().await).await;
        match self.scored.get(&id) {
            Some((first, body)) if *first == document => {
                assert_eq!(reply.status(), 200, "{id}: {}", reply.json());
                assert_eq!(reply.body(), body, "the answer to {id} changed");
            }
            Some(_) => drop(reply.clone().expect_problem(409, "content-differs")),
            None if reply.status() < 300 => {
                let issued = reply["discounts_issued"].as_array().unwrap().iter();
                self.codes.extend(issued.map(|one| one["code"].as_str().unwrap().to_owned()));
                self.scored.insert(id, (document, reply.body().to_vec()));
            }
            None => assert!([409, 422].contains(&reply.status()), "{}", reply.json()),
        }
        reply
    }

    async fn outcome(self, answers: Vec<Option<Answered>>) -> Outcome {
        if let Some(network) = self.cloud.network() {
            network.calm();
        }
        let mut used = BTreeSet::new();
        for (id, (document, body)) in &self.scored {
            assert_eq!(self.cloud.get(&format!("/v1/orders/shop/{id}/score")).await.expect(200).body(), body);
            for code in document["discount_codes"].as_array().into_iter().flatten() {
                assert!(used.insert(code.to_string()), "{code} was used twice");
            }
        }
        let report = self.cloud.audit().await;
        assert_eq!(report.orders, self.scored.len() as u64);
        Outcome { answers, tables: self.cloud.tables().await }
    }
}

async fn live(steps: &[Step], owe: bool, trouble: Option<u64>) -> Outcome {
    let rules = |program: &mut Value| {
        program["points"]["pending_days"] = json!(14);
        program["points"]["shortfall"] = json!(if owe { "owe" } else { "write_off" });
    };
    let cloud = Cloud::with(rules).await;
    for function in local::cloud::function_names() {
        cloud.local().app(function).unwrap().schedule().await.unwrap();
    }
    if let (Some(seed), Some(network)) = (trouble, cloud.network()) {
        network.trouble(seed, 60);
    }
    let mut merchant = Merchant { cloud, scored: BTreeMap::new(), done: BTreeMap::new(), codes: Vec::new() };
    let mut answers = Vec::new();
    for step in steps {
        answers.push(merchant.step(step).await);
    }
    merchant.outcome(answers).await
}

/// Few cases by default; `PROPTEST_CASES` asks for more.
pub(crate) fn config() -> Config {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { 24 };
    Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    /// Whatever goes wrong on the way, a client that insists gets the answers, and the tables hold the bytes, that they
    /// would if nothing had gone wrong; the books balance and nothing is spent twice.
    #[test]
    fn trouble_changes_no_answer_and_no_stored_byte(
        steps in prop::collection::vec(step(), 1..40),
        owe: bool,
        seed: u64,
    ) {
        if endpoint().is_some() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let calm = live(&steps, owe, None).await;
            let troubled = live(&steps, owe, Some(seed)).await;
            assert_eq!(troubled.answers, calm.answers);
            assert_eq!(troubled.tables, calm.tables);
        });
    }
}
