//! Events out: what the ledger says, from its stream to the bus, whatever fails on the way.

mod webhook;

use crate::event_schemas::Schemas;
use crate::events::logged;
use aws_sdk_dynamodb::types::AttributeValue;
use local::bus::{Sent, Trouble};
use local::import::{self, Plan};
use local::mapping::Mapping;
use local::stream::{Noted, Streams};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tests::{Cloud, Folder, authorizer};
use tracing::Level;

/// A cloud whose tables are listened to.
async fn listening() -> Option<Cloud> {
    let cloud = Cloud::start().await;
    cloud.listen();
    cloud.is_embedded().then_some(cloud)
}

/// The ids of events, in the order they were announced.
fn ids(cloud: &Cloud) -> Vec<String> {
    cloud.announced().iter().map(|sent| sent.detail["id"].as_str().unwrap().to_owned()).collect()
}

fn types(sent: &[Sent]) -> Vec<&str> {
    sent.iter().map(|sent| sent.detail_type.as_str()).collect()
}

/// What is announced of an account must be all of its history, as often as it likes, and at first in its order.
async fn check_all_of(cloud: &Cloud, account: &str) {
    let mut expected = Vec::new();
    for entry in cloud.account(account).history().await.iter().rev() {
        for index in 0..entry["changes"].as_array().unwrap().len() {
            expected.push(format!("{account}/{}/{index}", entry["sequence"]));
        }
    }
    let mut first = Vec::new();
    for id in ids(cloud).into_iter().filter(|id| id.starts_with(&format!("{account}/"))) {
        if !first.contains(&id) {
            first.push(id);
        }
    }
    assert_eq!(first, expected);
}

/// The records that wait in the ledger's stream, as the event of a function.
async fn batch(cloud: &Cloud) -> Value {
    let streams = Streams::open(cloud.local().client().clone(), "").await.unwrap();
    let noted = streams.earliest("ledger", 100).await.unwrap();
    let record = |noted: &Noted| noted.record("ledger", cloud.now().as_ms() - noted.at.as_ms());
    json!({ "Records": noted.iter().map(record).collect::<Vec<_>>() })
}

#[tokio::test]
async fn an_order_announces_what_its_entry_says_and_the_local_cloud_shows_it() {
    let Some(cloud) = listening().await else { return };
    let acme = cloud.account("acme");
    acme.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    cloud.order("o-2").account("beta").line("MUG", 1, "10.00").send().await.expect(201);
    cloud.drain_streams().await;

    let (sent, schemas) = (cloud.announced(), Schemas::published());
    sent.iter().for_each(|sent| schemas.check(sent));
    let of_acme: Vec<_> = sent.iter().filter(|sent| sent.detail["subject"] == "acme").cloned().collect();
    let expected = ["account.enrolled", "order.scored", "points.earned", "tier.changed", "discount.issued"];
    assert_eq!(types(&of_acme), expected);
    let scored = &of_acme[1].detail;
    assert_eq!((&scored["id"], &scored["sequence"]), (&json!("acme/1/1"), &json!("0000000000000000001.0001")));
    assert_eq!((&scored["source"], &scored["time"]), (&json!("/guilder/dev/wholesale"), &json!(tests::actor::NOON)));
    assert_eq!((&scored["data"]["order_id"], &scored["data"]["points"]), (&json!("o-1"), &json!(1200)));
    let entry = &acme.history().await[0];
    for field in ["sequence", "cause", "points", "balance", "program_version"] {
        assert_eq!(scored["data"]["entry"][field], entry[field], "{field}");
    }
    for id in ["acme", "beta"] {
        check_all_of(&cloud, id).await;
    }

    // Newest first, and by what is asked for.
    let shown =
        async |query: &str| cloud.get(&format!("/_local/events{query}")).await.expect(200).json()["events"].clone();
    let whole = shown("").await;
    assert_eq!(whole.as_array().unwrap().len(), sent.len());
    assert_eq!(whole[0]["detail"], sent.last().unwrap().detail);
    assert_eq!(shown("?limit=1").await, json!([whole[0]]));
    let scores = shown("?type=order.scored").await;
    assert_eq!(scores.as_array().unwrap().len(), 2);
    assert_eq!(shown("?type=order.*&account_id=acme").await, json!([scores[1]]));
    assert_eq!(scores[1]["detail-type"], "order.scored");
    for query in ["?kind=order.scored", "?limit=0", "?limit=1001", "?limit=x"] {
        cloud.get(&format!("/_local/events{query}")).await.expect_problem(400, "invalid-parameter");
    }
    // Nothing comes twice by itself.
    cloud.drain_streams().await;
    assert_eq!(cloud.announced().len(), sent.len());
}

#[tokio::test]
async fn a_record_that_comes_twice_has_the_ids_it_had() {
    let Some(cloud) = listening().await else { return };
    cloud.order("o-1").line("MUG", 1, "10.00").send().await.expect(201);
    let batch = batch(&cloud).await;
    for _ in 0..2 {
        let answer = cloud.local().invoke("events-out", batch.clone()).await.unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    let sent = cloud.announced();
    let (once, again) = sent.split_at(sent.len() / 2);
    assert_eq!(once.len(), 3);
    let details = |sent: &[Sent]| sent.iter().map(|sent| sent.detail.clone()).collect::<Vec<_>>();
    assert_eq!(details(once), details(again));
}

#[tokio::test]
async fn an_event_that_the_bus_refuses_holds_up_its_account_alone() {
    let Some(cloud) = listening().await else { return };
    for (order, account) in [("o-1", "acme"), ("o-2", "beta"), ("o-3", "acme"), ("o-4", "gamma"), ("o-5", "acme")] {
        cloud.order(order).account(account).line("MUG", 1, "10.00").send().await.expect(201);
    }
    let batch = batch(&cloud).await;
    let number = |place: usize| batch["Records"][place]["dynamodb"]["SequenceNumber"].clone();
    let failures = |places: &[usize]| {
        let failures: Vec<_> = places.iter().map(|place| json!({"itemIdentifier": number(*place)})).collect();
        json!({ "batchItemFailures": failures })
    };
    // The second order of acme: its first is sent, its third has to wait.
    cloud.local().bus().trouble_about("\"order_id\":\"o-3\"", Trouble::Refuses, 1);
    let log = logged(Level::WARN, async {
        let answer = cloud.local().invoke("events-out", batch.clone()).await.unwrap();
        assert_eq!(answer, failures(&[2, 4]));
    })
    .await;
    assert!(log.contains("entry 2 of acme, record ") && log.contains("the bus is overburdened"), "{log}");
    let sent = ids(&cloud);
    assert!(sent.contains(&"beta/1/0".to_owned()) && sent.contains(&"gamma/1/0".to_owned()), "{sent:?}");

    // By way of the stream they all get there, the first that failed and all after it again.
    cloud.local().bus().trouble_about("\"order_id\":\"o-3\"", Trouble::Refuses, 2);
    cloud.drain_streams().await;
    let whole: BTreeMap<String, usize> = ids(&cloud).into_iter().fold(BTreeMap::new(), |mut all, id| {
        *all.entry(id).or_default() += 1;
        all
    });
    let expected = [("acme", 1, 3), ("acme", 2, 2), ("acme", 3, 2), ("beta", 1, 3), ("gamma", 1, 3)];
    let expected = expected
        .into_iter()
        .flat_map(|(account, entry, events)| (0..events).map(move |index| format!("{account}/{entry}/{index}")));
    assert_eq!(whole.keys().cloned().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert!(cloud.queue("EventsOutDeadLetters").await.is_empty());
}

#[tokio::test]
async fn an_accounts_events_are_announced_in_their_order_however_its_batches_fail() {
    let Some(cloud) = listening().await else { return };
    for round in 0..8 {
        for account in ["acme", "beta"] {
            let order = cloud.order(&format!("{account}-{round}")).account(account).line("MUG", 1, "300.00");
            order.send().await.expect(201);
        }
    }
    // Ten events to a call: whole calls fail, and single events in the midst of others.
    let bus = cloud.local().bus();
    bus.trouble_about("acme-2", Trouble::Silent, 2);
    bus.trouble_about("\"order_id\":\"beta-4\"", Trouble::LosesAnswer, 1);
    cloud.drain_streams().await;
    for account in ["acme", "beta"] {
        check_all_of(&cloud, account).await;
    }
    assert!(ids(&cloud).len() > 16 * 2, "some came twice");
}

#[tokio::test]
async fn what_the_bus_took_and_nobody_heard_of_is_announced_again() {
    let Some(cloud) = listening().await else { return };
    cloud.order("o-1").line("MUG", 1, "10.00").send().await.expect(201);
    cloud.local().bus().trouble_about("points.earned", Trouble::LosesAnswer, 1);
    cloud.drain_streams().await;
    let one = ["acme/1/0", "acme/1/1", "acme/1/2"];
    assert_eq!(ids(&cloud), [one, one].concat());
}

#[tokio::test]
async fn a_record_that_cannot_be_read_ends_in_the_dead_letters_and_holds_up_nobody() {
    let Some(cloud) = listening().await else { return };
    let order = async |id: &str, account: &str| {
        cloud.order(id).account(account).line("MUG", 1, "10.00").send().await.expect(201);
    };
    order("o-1", "acme").await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = cloud.local().client().put_item().table_name("ledger").item("account_id", text("poison"));
    let put = put.item("sk", text("E#0000000000000000001")).item("v", AttributeValue::N("1".to_owned()));
    put.item("entry", text("{\"account_id\": \"poison\"}")).send().await.unwrap();
    order("o-2", "beta").await;
    order("o-3", "acme").await;
    let log = logged(Level::WARN, cloud.drain_streams()).await;

    for account in ["acme", "beta"] {
        check_all_of(&cloud, account).await;
    }
    let dead = cloud.queue("EventsOutDeadLetters").await;
    assert_eq!(dead.len(), 1);
    let letter: Value = serde_json::from_str(&dead[0].body).unwrap();
    assert_eq!(letter["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(letter["requestContext"]["approximateInvokeCount"], 21);
    let info = &letter["DDBStreamBatchInfo"];
    assert_eq!((&info["batchSize"], &info["startSequenceNumber"]), (&json!(1), &info["endSequenceNumber"]));
    let number = info["startSequenceNumber"].as_str().unwrap();
    assert!(log.contains(&format!("record {number} of poison was not announced: item account_id=poison")), "{log}");
    // Nothing of it is left in the stream.
    assert_eq!(batch(&cloud).await["Records"], json!([]));
}

/// Points that end in March, of an account with an address of its own and one contact.
async fn about_to_expire() -> Option<Cloud> {
    let cloud = Cloud::with(|program| {
        program["warnings"] = json!({"discount_expiring_days": [7]});
    })
    .await;
    cloud.listen();
    if !cloud.is_embedded() {
        return None;
    }
    for id in ["acme", "beta", "gone"] {
        let account = cloud.account(id);
        account.put(json!({"name": id, "email": format!("office@{id}.example")})).await.expect(201);
        if id != "beta" {
            let contact = json!({"name": "Ann", "role": "buyer", "locale": "en", "email": format!("ann@{id}.example")});
            account.put_contact("ann", contact).await.expect(201);
        }
        account.order(&format!("o-{id}")).line("MUG", 1, "600.00").send().await.expect(201);
    }
    cloud.set_clock("2011-03-25T02:00:00Z");
    cloud.sweep(None).await;
    Some(cloud)
}

#[tokio::test]
async fn addresses_are_looked_up_when_an_event_is_sent_and_stand_in_no_entry() {
    let Some(cloud) = about_to_expire().await else { return };
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let delete = cloud.local().client().delete_item().table_name("ledger");
    delete.key("account_id", text("gone")).key("sk", text("C#ann")).send().await.unwrap();
    // Changed between the warning and its sending.
    let moved = json!({"name": "Ann", "role": "buyer", "locale": "de", "email": "ann@new.example"});
    cloud.account("acme").put_contact("ann", moved).await.expect(200);
    let log = logged(Level::INFO, cloud.drain_streams()).await;

    let (sent, schemas) = (cloud.announced(), Schemas::published());
    sent.iter().for_each(|sent| schemas.check(sent));
    let warning = |account: &str| {
        let of = |sent: &&Sent| sent.detail_type == "discount.expiring" && sent.detail["subject"] == account;
        sent.iter().find(of).unwrap_or_else(|| panic!("{account} is not warned")).detail["data"].clone()
    };
    let ann = json!({"contact_id": "ann", "name": "Ann", "email": "ann@new.example", "locale": "de"});
    assert_eq!(warning("acme")["recipient"], ann);
    assert_eq!(warning("beta")["recipient"], json!({"name": "beta", "email": "office@beta.example"}));
    // The person is gone, and nobody else is told in their place.
    assert_eq!((&warning("gone")["contact_id"], &warning("gone")["recipient"]), (&json!("ann"), &Value::Null));
    for (account, contact) in [("acme", "ann@acme.example"), ("gone", "ann@gone.example")] {
        let stored = json!(cloud.account(account).history().await).to_string();
        assert!(!stored.contains('@') && !log.contains(contact), "{stored}");
    }
    let others = sent.iter().filter(|sent| sent.detail_type != "discount.expiring");
    for sent in others {
        assert!(!sent.detail.to_string().contains('@'), "{}", sent.detail);
    }
    assert!(!log.contains('@'), "{log}");
}

#[tokio::test]
async fn an_import_announces_nothing_and_what_follows_it_is_announced() {
    let Some(cloud) = listening().await else { return };
    let folder = Folder::new();
    let file = folder.join("history.csv");
    let rows = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
                1,MUG,Mug,10,2011-02-28 12:00:00,60.00,acme,UK\nC2,MUG,Mug,-1,2011-02-28 13:00:00,60.00,acme,UK\n";
    std::fs::write(&file, rows).unwrap();
    let mapping = Mapping::open("online-retail").unwrap();
    let plan = Plan { mapping, files: vec![file], skip_returns: false, from_start: false, workers: 1 };
    let summary = import::run(cloud.app(), &plan, Arc::new(|_, _| {})).await.unwrap();
    assert_eq!((summary.orders_scored, summary.returns_imported), (1, 1));
    let balances = folder.join("balances.csv");
    std::fs::write(&balances, "account_id,points,expires_on\nbeta,100,2012-01-31\n").unwrap();
    let as_of = Some(cloud.now());
    let plan = import::balances::Plan { file: balances, as_of, check_only: false, workers: 1 };
    let summary = import::balances::run(cloud.app(), &plan, Arc::new(|_, _| {})).await.unwrap();
    assert_eq!(summary.accounts_opened, 1);
    // It is in the stream, fresh as it is.
    let records = batch(&cloud).await["Records"].as_array().unwrap().len();
    assert!(records >= 3, "{records}");
    cloud.drain_streams().await;
    assert_eq!(ids(&cloud), Vec::<String>::new());

    for id in ["acme", "beta"] {
        cloud.account(id).give(5).await.expect(201);
    }
    cloud.drain_streams().await;
    assert_eq!(types(&cloud.announced()), ["points.credited", "points.credited"]);
}

#[tokio::test]
async fn what_was_decided_long_before_it_was_written_is_history() {
    let Some(cloud) = listening().await else { return };
    cloud.order("o-1").line("MUG", 1, "10.00").send().await.expect(201);
    let mut batch = batch(&cloud).await;
    let at = cloud.now().as_ms() / 1_000;
    for (later, events) in [(2 * 86_400, 0), (60, 3)] {
        batch["Records"][0]["dynamodb"]["ApproximateCreationDateTime"] = json!(at + later);
        let answer = cloud.local().invoke("events-out", batch.clone()).await.unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
        assert_eq!(cloud.announced().len(), events);
    }
}

#[tokio::test]
async fn nobody_can_be_taken_for_an_import() {
    let Some(cloud) = listening().await else { return };
    let authorizer = authorizer(json!({"sub": "import"}), &["orders:write"]);
    let order = cloud.order("o-1").line("MUG", 1, "10.00").document().to_string();
    cloud.request_as(Some(authorizer), "POST", "/v1/orders", &order).await.expect(201);
    cloud.drain_streams().await;
    assert_eq!(cloud.announced().len(), 3);
    assert_eq!(cloud.account("acme").history().await[0]["by"], "sub:import");
}

#[tokio::test]
async fn entries_are_announced_again_by_hand_with_the_ids_they_had() {
    let Some(cloud) = listening().await else { return };
    let acme = cloud.account("acme");
    for id in 1..=4 {
        acme.order(&format!("o-{id}")).line("MUG", 1, "10.00").send().await.expect(201);
    }
    let task =
        |first: Value, last: Value| json!({"task": "resend", "account_id": "acme", "first": first, "last": last});
    let answer = cloud.local().invoke("events-out", task(json!(2), json!(3))).await.unwrap();
    assert_eq!(answer, json!({"account_id": "acme", "found": 2, "failed": []}));
    assert_eq!(ids(&cloud), ["acme/2/0", "acme/2/1", "acme/3/0", "acme/3/1"]);
    cloud.local().bus().trouble_about("\"order_id\":\"o-2\"", Trouble::Refuses, 1);
    let answer = cloud.local().invoke("events-out", task(json!(1), json!(100))).await.unwrap();
    assert_eq!(answer, json!({"account_id": "acme", "found": 4, "failed": ["2", "3", "4"]}));
    for (first, last) in [(json!(0), json!(1)), (json!(2), json!(1)), (json!(1), json!(101)), (json!("1"), json!(2))] {
        let refused = cloud.local().invoke("events-out", task(first, last)).await.unwrap_err().to_string();
        assert!(refused.contains("the task is refused"), "{refused}");
    }
    let refused = cloud.local().invoke("events-out", json!({"task": "send"})).await.unwrap_err().to_string();
    assert!(refused.contains("resend"), "{refused}");
}

#[tokio::test]
async fn who_serves_is_told_to_announce_again_and_what_is_announced_shows_there() {
    let Some(cloud) = listening().await else { return };
    cloud.account("acme").order("o-1").line("MUG", 1, "10.00").send().await.expect(201);
    let invoke = async |function: &str, event: &str| {
        cloud.local().http("POST", &format!("/_local/functions/{function}"), &[], event.to_owned()).await
    };
    let task = json!({"task": "resend", "account_id": "acme", "first": 1, "last": 1}).to_string();
    let answer = invoke("events-out", &task).await;
    assert_eq!((answer.status, answer.json()["found"].clone()), (200, json!(1)));
    assert_eq!(ids(&cloud), ["acme/1/0", "acme/1/1", "acme/1/2"]);
    for (function, event, status, kind) in [
        ("events-out", "{", 400, "not-json"),
        ("events-in", "{}", 404, "unknown-function"),
        ("events-out", "{}", 500, "function-failed"),
    ] {
        let answer = invoke(function, event).await;
        assert_eq!((answer.status, answer.json()["type"].clone()), (status, json!(format!("/problems/{kind}"))));
    }
    let got = cloud.local().http("GET", "/_local/functions/events-out", &[], "").await;
    assert_eq!((got.status, got.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn what_is_no_batch_of_a_stream_is_a_fault() {
    let cloud = Cloud::start().await;
    for event in [json!({}), json!({"Records": 1}), json!({"Records": [{"messageId": "1", "body": "{}"}]})] {
        let fault = cloud.local().invoke("events-out", event).await.unwrap_err();
        assert!(matches!(&fault, local::cloud::InvokeError::Fault(fault) if fault.kind() == "UnknownEvent"), "{fault}");
    }
}
