//! `OrderPlaced` events: from the bus by way of the queue, each message on its own.

use local::cloud::{Options, Storage};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use tests::Cloud;
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Level};

fn message(id: &str, body: &str) -> Value {
    json!({
        "messageId": id, "receiptHandle": id, "body": body, "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "eu-west-1",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:OrderPlacedQueue",
    })
}

fn event(detail: &Value) -> String {
    json!({"version": "0", "id": "1", "detail-type": "OrderPlaced", "source": "shop.example", "detail": detail})
        .to_string()
}

#[tokio::test]
async fn one_bad_message_neither_blocks_nor_repeats_the_others() {
    let cloud = Cloud::start().await;
    let order = |id: &str| cloud.order(id).line("MUG", 1, "10.00");
    let other_kind = json!({"detail-type": "OrderShipped", "source": "shop", "detail": {}}).to_string();
    let batch = json!({"Records": [
        message("good-1", &event(&order("o-1").document())),
        message("no-json", "{"),
        message("no-event", "[]"),
        message("faulty", &event(&order("o-2").set("lines", json!([])).document())),
        message("refused", &event(&order("o-2").set("currency", json!("EUR")).document())),
        message("other-kind", &other_kind),
        message("good-2", &event(&order("o-3").document())),
        message("repeated", &event(&order("o-1").document())),
        message("differing", &event(&order("o-1").line("CUP", 1, "1.00").document())),
    ]});
    let expected = ["no-json", "no-event", "faulty", "refused", "other-kind", "differing"];
    let failures: Vec<_> = expected.iter().map(|id| json!({"itemIdentifier": id})).collect();
    for _ in 0..2 {
        let answer = cloud.local().invoke("order-placed", batch.clone()).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": failures }));
    }
    let acme = cloud.account("acme");
    let standing = acme.standing().await.expect(200);
    assert_eq!((&standing["orders"], &standing["points"]["balance"]), (&json!(2), &json!(20)));
    let history = acme.history().await;
    assert_eq!(history.len(), 2);
    assert_eq!(history[0]["by"], "event:shop.example");
}

#[tokio::test]
async fn an_event_on_the_bus_is_scored_and_a_poison_message_ends_in_the_dead_letters() {
    let cloud = Cloud::start().await;
    let good = cloud.order("o-1").line("MUG", 1, "10.00");
    good.announce().await;
    cloud.order("o-2").line("MUG", 1, "-1").announce().await;
    good.announce().await;
    cloud.drain().await;
    assert!(cloud.queue("OrderPlacedQueue").await.is_empty());
    let dead = cloud.queue("OrderPlacedDeadLetters").await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].received, 5);
    assert!(dead[0].body.contains("o-2"));
    assert_eq!(cloud.account("acme").standing().await.expect(200)["orders"], 1);
    // Over HTTP it is the same order.
    good.send().await.expect(200);
}

#[tokio::test]
async fn an_account_that_floods_the_bus_does_not_delay_another() {
    let cloud = Cloud::start().await;
    for n in 0..40 {
        cloud.order(&format!("flood-{n}")).line("MUG", 1, "10.00").announce().await;
    }
    cloud.order("o-1").set("account_id", json!("quiet")).line("MUG", 1, "10.00").announce().await;
    let groups = cloud.queue("OrderPlacedQueue").await.into_iter().map(|message| message.group.unwrap());
    assert_eq!(groups.filter(|group| group == "quiet").count(), 1);
    // One batch of ten: the other account's order, though it came last, and nine of the flood.
    assert_eq!(cloud.local().pump().await.unwrap(), 10);
    assert_eq!(cloud.account("quiet").standing().await.expect(200)["orders"], 1);
    assert_eq!(cloud.account("acme").standing().await.expect(200)["orders"], 9);
    cloud.drain().await;
    assert_eq!(cloud.account("acme").standing().await.expect(200)["orders"], 40);
}

#[tokio::test]
async fn an_event_about_an_order_is_taken_with_its_account_and_without() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 4, "10.00");
    order.send().await.expect(201);
    let back = |id: &str| order.returned(id).units("1", 1);
    back("r-1").announce().await;
    let mut named = back("r-2").document();
    let whose = [("source", "shop"), ("order_id", "o-1"), ("account_id", "acme")];
    whose.into_iter().for_each(|(name, value)| named[name] = json!(value));
    cloud.announce("OrderReturned", named.clone()).await;
    let groups: BTreeSet<_> =
        cloud.queue("OrderReturnedQueue").await.into_iter().map(|message| message.group).collect();
    assert_eq!(groups, [None, Some("acme".to_owned())].into());
    cloud.drain().await;
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 20);
    // A name that is none is no account's turn.
    named["account_id"] = json!("two words");
    assert_eq!(cloud.local().put_event("OrderReturned", "shop.example", named).await.unwrap(), 0);
    assert_eq!(cloud.queue("OrderReturnedDeadLetters").await.len(), 1);
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is logged while something is done, functions included: they run on tasks of this thread.
pub async fn logged(level: Level, work: impl Future<Output = ()>) -> String {
    // Were there but one subscriber, a test on another thread that comes by a line first would switch that off for all.
    static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
    LazyLock::force(&ANOTHER);
    let log = Log::default();
    let writer = log.clone();
    let subscriber = runtime::logs::lines().with_max_level(level);
    let guard = tracing::subscriber::set_default(subscriber.with_writer(move || writer.clone()).finish());
    work.await;
    drop(guard);
    let logged = log.0.lock().unwrap().clone();
    String::from_utf8(logged).unwrap()
}

#[tokio::test]
async fn a_message_that_fails_is_logged_with_its_reason_and_without_its_content() {
    let cloud = Cloud::start().await;
    let faulty = cloud.order("o-1").line("SECRET-SKU", 0, "1.00").document();
    let batch = json!({"Records": [message("poison", &event(&faulty))]});
    let logged = logged(Level::INFO, async { drop(cloud.local().invoke("order-placed", batch).await.unwrap()) }).await;
    let lines: Vec<Value> = logged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed: Vec<_> = lines.iter().filter(|line| line["message.id"] == "poison").collect();
    assert_eq!(failed.len(), 1, "{logged}");
    assert_eq!((&failed[0]["level"], &failed[0]["message.receives"]), (&json!("WARN"), &json!("1")));
    let reason = "message poison failed: Invalid document; $.lines[0].quantity out_of_range";
    assert_eq!(failed[0]["message"], reason);
    assert!(!logged.contains("SECRET-SKU"));
}

#[tokio::test]
async fn a_message_that_failed_for_a_passing_reason_is_scored_when_it_comes_again() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    cloud.app().schedule().await.unwrap();
    cloud.order("o-1").line("MUG", 1, "10.00").announce().await;
    cloud.order("o-2").line("MUG", 1, "20.00").announce().await;
    cloud.network().unwrap().lose_requests(1);
    cloud.drain().await;
    assert!(cloud.queue("OrderPlacedDeadLetters").await.is_empty());
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 30);
}

#[tokio::test]
async fn an_event_of_no_known_kind_is_a_fault_of_a_stable_type() {
    let cloud = Cloud::start().await;
    for event in [json!({}), json!(null), json!({"source": "aws.events"}), json!({"Records": 1})] {
        let fault = cloud.local().invoke("order-placed", event).await.unwrap_err();
        let local::cloud::InvokeError::Fault(fault) = fault else { panic!("{fault:?}") };
        assert_eq!(fault.kind(), "UnknownEvent");
    }
    let batch = json!({"Records": []});
    assert!(cloud.local().invoke("accounts", batch).await.is_err());
}

/// What a sample event triggers: a route, a queue by its logical id, or a task of the function that its file names.
fn trigger(event: &Value, file: &Path) -> String {
    if let Some(kind) = event["task"].as_str() {
        let functions = local::cloud::function_names();
        let name = file.file_stem().unwrap().to_str().unwrap();
        return format!("{kind} {}", functions.into_iter().find(|function| name.starts_with(function)).unwrap());
    }
    let source = event["Records"][0]["eventSourceARN"].as_str().unwrap_or_default();
    if let Some((_, table)) = source.split_once(":table/") {
        return table.split('/').next().unwrap().rsplit('-').next().unwrap().to_owned();
    }
    let queue = || event["Records"][0]["eventSourceARN"].as_str().unwrap().rsplit([':', '-']).next().unwrap();
    event["routeKey"].as_str().unwrap_or_else(queue).to_owned()
}

/// The triggers of the template with their functions.
fn triggers() -> BTreeMap<String, String> {
    let template = local::template::Template::embedded().unwrap();
    let of = |function: local::template::Function| {
        let routes = function.routes.iter().map(|route| format!("{} {}", route.method, route.path));
        let queues = function.queues.iter().map(|source| source.queue.clone());
        let streams = function.streams.iter().map(|source| source.table.clone());
        let all: Vec<_> = routes.chain(queues).chain(streams).map(|trigger| (trigger, function.name.clone())).collect();
        all
    };
    let tasks = template.machines.iter().flat_map(|machine| machine.definition.functions());
    let kinds = |name: &str| if name == "metric-rollup" { &["plan", "scan", "reduce"][..] } else { &["plan", "walk"] };
    let tasks = tasks.flat_map(|name| kinds(name).iter().map(move |task| (format!("{task} {name}"), name.to_owned())));
    let resend = std::iter::once(("resend events-out".to_owned(), "events-out".to_owned()));
    let tasks: Vec<_> = tasks.chain(resend).collect();
    template.functions.into_iter().flat_map(of).chain(tasks).collect()
}

#[test]
fn each_schedule_starts_its_machine_with_the_sample_event() {
    for machine in local::template::Template::embedded().unwrap().machines {
        for function in machine.definition.functions() {
            let file = format!("{}/../events/{function}-schedule.json", env!("CARGO_MANIFEST_DIR"));
            let sample: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            assert_eq!(machine.timers.iter().map(|timer| &timer.input).collect::<Vec<_>>(), [&sample]);
        }
    }
}

#[tokio::test]
async fn every_trigger_has_a_sample_event_and_every_sample_event_works() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let file = file.unwrap().path();
        assert_eq!(file.extension().and_then(|extension| extension.to_str()), Some("json"), "{file:?}");
        let event: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        (trigger(&event, &file), file, event)
    };
    let mut samples: Vec<_> = std::fs::read_dir(&folder).unwrap().map(read).collect();
    let functions = triggers();
    let missing: Vec<_> =
        functions.keys().filter(|trigger| !samples.iter().any(|(sample, ..)| sample == *trigger)).collect();
    assert!(missing.is_empty(), "no sample event for {missing:?}");
    // The samples name a referral code, and codes are made with the secret of the local cloud.
    let secrets = Options::new(Storage::File("none".into())).parameters["SecretKeys"].clone();
    // And some of them a perk, and a reward.
    let mut program: Value = serde_json::from_str(tests::WHOLESALE).unwrap();
    program["perks"] = json!([{"id": "training", "name": "Training", "kind": "training",
                                "count_per": {"count": 1, "months": 12}}]);
    let mug = json!({"sku": "MUG", "quantity": 1});
    program["rewards"] = json!([{"id": "mug", "name": "A mug", "points": 10, "product": mug}]);
    let circle = json!({"id": "circle", "name": "Circle", "by_invitation": true, "multiplier": "2"});
    program["tiers"]["levels"].as_array_mut().unwrap().push(circle);
    // One pays for its membership, and refers others as a member.
    program["membership"] = json!({"kind": "paid", "months": 12});
    // And somebody pays with points.
    crate::quotes::worth_a_penny(&mut program);
    let cloud = Cloud::with_program_and_secrets(program, &secrets).await;
    cloud.set_clock("2100-01-01T00:00:00Z");
    // Reads need something to read, a contact and a code their account, a redemption its code, a return its order, an
    // answer its contact and survey, a comparison two versions, a reward its points, a cancellation what was redeemed, an
    // invitation and a shared code are issued, a reservation is made of points. Nothing is done for who is erased.
    let kinds = [
        "PUT /v1/accounts/{account_id}",
        "POST /v1/accounts/{account_id}/adjustments",
        "POST /v1/accounts/{account_id}/redemptions",
        "POST /v1/accounts/{account_id}/membership/payments",
        "POST /v1/orders",
        "OrderPlacedQueue",
        "POST /v1/accounts/{account_id}/referral-code",
        "POST /v1/referrals/{code}/redemptions",
        "PUT /v1/accounts/{account_id}/contacts/{contact_id}",
        "PUT /v1/surveys/{survey_id}",
        "POST /v1/program/versions",
        "POST /v1/invitations",
        "POST /v1/shared-codes",
        "POST /v1/reservations",
    ];
    samples.sort_by_key(|(trigger, file, _)| {
        let last = usize::from(trigger == "DELETE /v1/accounts/{account_id}/personal-data");
        let place = kinds.iter().position(|kind| kind == trigger).unwrap_or(kinds.len() + last);
        (place, trigger.starts_with("GET"), file.clone())
    });
    for (trigger, file, event) in samples {
        let function = functions.get(&trigger).unwrap_or_else(|| panic!("{file:?} is of no trigger: {trigger}"));
        // What is reduced was counted.
        for segment in event["segments"].as_array().into_iter().flatten() {
            cloud.local().invoke(function, segment.clone()).await.unwrap();
        }
        if event["routeKey"].is_string() {
            let reply = cloud.invoke_http(function, event).await;
            assert!(reply.status() < 300, "{file:?}: {}", reply.json());
            continue;
        }
        let answer = cloud.local().invoke(function, event).await.unwrap();
        match () {
            // An answer to a plan, a shard that is walked or a segment that is counted to its end, a night's summary.
            () if answer["stages"].is_array() || answer["task"].is_string() => assert!(answer["cursor"].is_null()),
            () if function == "metric-rollup" => assert_eq!(answer["date"], "2026-11-21", "{file:?}: {answer}"),
            // Entries of an account that are announced again.
            () if answer["found"].is_u64() => assert_eq!(answer["failed"], json!([]), "{file:?}"),
            () => assert_eq!(answer, json!({"batchItemFailures": []}), "{file:?}"),
        }
    }
}
