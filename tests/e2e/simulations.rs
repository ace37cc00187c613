//! What a stored version would have come to, over HTTP: a chain of steps that comes to what `guilder simulate` prints.

use domain::time::Instant;
use fastrand::Rng;
use local::simulate::{self, Asked};
use runtime::Deadline;
use serde_json::{Value, json};
use simulation::{CONTINUED, Pace};
use tests::{Cloud, Reply, WHOLESALE, at, each_seed};

const SIMULATIONS: &str = "/v1/program/simulations";
const QUEUE: &str = "SimulationQueue";

fn wholesale(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = serde_json::from_str(WHOLESALE).unwrap();
    change(&mut document);
    document
}

/// A rule with a budget over all accounts, and only once that is spent the others.
fn with_budget(document: &mut Value, budget: u64) {
    let spring = json!({"id": "spring", "name": "Spring", "points": 2, "per": "1.00", "budget": budget, "stop": true});
    document["earning_rules"].as_array_mut().unwrap().insert(0, spring);
}

fn generous() -> Value {
    wholesale(|draft| {
        draft["earning_rules"][0]["points"] = json!(2);
        draft["tiers"]["levels"][1]["threshold"] = json!("200.00");
        draft["discounts"][0]["minimum_total"] = json!("600.00");
    })
}

/// Stores a version, in force nowhere.
async fn store(cloud: &Cloud, document: &Value) -> i64 {
    cloud.request("POST", "/v1/program/versions", document.to_string()).await.expect(201).number("version")
}

async fn ask(cloud: &Cloud, key: &str, asked: &Value) -> Reply {
    cloud.request_keyed(SIMULATIONS, key, asked).await
}

/// Where a simulation stands.
async fn shown(cloud: &Cloud, begun: &Reply) -> Reply {
    cloud.get(begun.header("location").unwrap()).await.expect(200)
}

/// What `guilder simulate --json` prints.
async fn printed(cloud: &Cloud, draft: Value, as_of: Option<Instant>) -> Value {
    let asked = Asked { draft, as_of, workers: 3 };
    let simulated = simulate::run(cloud.app(), asked, |_, _| ()).await.unwrap();
    serde_json::to_value(simulate::document(&simulated).unwrap()).unwrap()
}

/// Everything stored but the metrics, among which simulations are.
async fn stored(cloud: &Cloud) -> impl PartialEq + std::fmt::Debug + use<> {
    (cloud.tables().await, cloud.programs().await)
}

/// Orders of seven accounts, some of which use what others issue, and returns.
async fn history(cloud: &Cloud, seed: u64) {
    let (mut rng, mut now) = (Rng::with_seed(seed), cloud.now());
    for step in 0..21 {
        now = now.plus_ms(rng.i64(0..20 * 86_400_000));
        cloud.set_instant(now);
        let account = format!("a-{}", step % 7);
        let order = cloud.order(&format!("o-{step}")).account(&account).placed(&now.to_string());
        let order = order.line("MUG", rng.u64(1..40), "30.00").line("BOX", rng.u64(1..9), "9.99");
        order.send().await.expect(201);
        match rng.u8(0..4) {
            0 => drop(order.returned("r-1").units("1", 1).at(&now.to_string()).send().await.expect(201)),
            1 => drop(cloud.account(&account).give(rng.i64(1..90)).await.expect(201)),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_simulation_goes_on_through_the_queue_and_comes_to_what_the_command_prints() {
    let cloud = Cloud::start().await;
    history(&cloud, 1).await;
    let version = store(&cloud, &generous()).await;
    let before = stored(&cloud).await;
    let hurried = cloud.hurried().await;
    let begun = ask(&hurried, "k-1", &json!({"version": version})).await.expect(202);
    let id = begun["id"].as_str().unwrap().to_owned();
    assert_eq!(begun.header("location"), Some(format!("{SIMULATIONS}/{id}").as_str()));
    let now = cloud.now().to_string();
    assert_eq!(
        begun.json(),
        json!({"id": id, "version": 2, "state": "queued", "asked_at": now, "asked_by": "operator", "changed_at": now,
               "progress": {"stage": "counting", "accounts_done": 0}})
    );
    assert_eq!(shown(&cloud, &begun).await.json(), begun.json());
    // Each delivery makes one step, of one account here, and leaves the rest to the next message.
    let mut stages = Vec::new();
    while hurried.local().pump().await.unwrap() > 0 {
        let shown = shown(&cloud, &begun).await;
        if shown["state"] == "running" {
            let progress = &shown["progress"];
            stages.push((progress["stage"].as_str().unwrap().to_owned(), progress["accounts_done"].as_u64().unwrap()));
            assert_eq!(cloud.queue(QUEUE).await.len(), 1);
        }
    }
    let replaying: Vec<_> = stages.iter().filter(|(stage, _)| stage == "replaying").map(|(_, done)| *done).collect();
    assert_eq!(replaying[..7], [0, 1, 2, 3, 4, 5, 6]);
    let done = shown(&cloud, &begun).await;
    assert_eq!((&done["state"], &done["progress"], &done["as_of"]), (&json!("done"), &Value::Null, &json!(now)));
    assert_eq!(done["simulation"], printed(&cloud, generous(), None).await);
    assert!(done["simulation"]["total"]["difference"]["points_issued"].as_i64().unwrap() > 0);
    assert!(cloud.queue("SimulationDeadLetters").await.is_empty());
    assert!(stored(&cloud).await == before, "it writes something");
    // It is kept, and asking again is answered with it.
    let again = ask(&cloud, "k-1", &json!({"version": version})).await.expect(200);
    assert_eq!((again.body(), again.header("idempotent-replayed")), (done.body(), Some("true")));
}

#[tokio::test]
async fn the_version_in_force_differs_in_nothing_and_an_instant_may_be_stated() {
    let cloud = Cloud::start().await;
    history(&cloud, 2).await;
    let as_of = cloud.now().plus_ms(1_000 * 86_400_000);
    let begun = ask(&cloud, "k-1", &json!({"version": 1, "as_of": as_of.to_string()})).await.expect(202);
    cloud.drain().await;
    let done = shown(&cloud, &begun).await;
    let document = &done["simulation"];
    assert_eq!(*document, printed(&cloud, wholesale(|_| ()), Some(as_of)).await);
    assert_eq!((&document["accounts"], &document["gains"], &document["losses"]), (&json!(7), &json!([]), &json!([])));
    assert_eq!(document["total"]["in_force"], document["total"]["draft"]);
    assert_eq!(document["not_reproduced"]["accounts"], 0);
    assert!(document["total"]["draft"]["points_expired"].as_i64().unwrap() > 0);
    // What was before the last commit is not known any more.
    let begun = ask(&cloud, "k-2", &json!({"version": 1, "as_of": "2011-03-01T12:00:00Z"})).await.expect(202);
    cloud.drain().await;
    let failed = shown(&cloud, &begun).await;
    assert_eq!((&failed["state"], &failed["simulation"]), (&json!("failed"), &Value::Null));
    assert!(failed["reason"].as_str().unwrap().contains("choose that instant or a later one"), "{}", failed.json());
}

#[tokio::test]
async fn without_any_account_there_is_nothing_to_tell() {
    let cloud = Cloud::start().await;
    let begun = ask(&cloud, "k-1", &json!({"version": 1})).await.expect(202);
    cloud.drain().await;
    let done = shown(&cloud, &begun).await;
    assert_eq!(done["simulation"], printed(&cloud, wholesale(|_| ()), None).await);
}

/// A simulation in steps of any size, while messages come late, twice and never, with a budget over all accounts or
/// without.
async fn in_any_steps(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (budgets, in_force) = (seed % 2 == 1, rng.u64(1..4_000));
    let cloud = Cloud::with(|program| {
        if budgets {
            with_budget(program, in_force);
        }
    })
    .await;
    history(&cloud, seed).await;
    let mut draft = generous();
    if budgets {
        with_budget(&mut draft, rng.u64(1..4_000));
    }
    let version = store(&cloud, &draft).await;
    let begun = ask(&cloud, "k-1", &json!({"version": version})).await.expect(202);
    let (id, app) = (begun["id"].as_str().unwrap(), cloud.local().app("simulation").unwrap());
    let (mut step, most) = (1, rng.usize(1..9));
    while shown(&cloud, &begun).await["state"] != "done" {
        assert!(step < 199, "it comes to no end");
        for _ in 0..rng.usize(1..3) {
            let pace = Pace { accounts: rng.usize(1..=most), deadline: Deadline::NEVER };
            simulation::carry_on(app, id, step, pace).await.unwrap();
        }
        // An older one, whose message was only late.
        let pace = Pace { accounts: 100, deadline: Deadline::NEVER };
        simulation::carry_on(app, id, rng.u64(1..=step), pace).await.unwrap();
        step += 1;
    }
    let done = shown(&cloud, &begun).await;
    assert_eq!(done["simulation"], printed(&cloud, draft, None).await);
    assert_eq!(done["simulation"]["total"]["happened"], done["simulation"]["total"]["in_force"]);
    // Messages that were sent meanwhile change nothing, and nothing is left of what was kept on the way.
    let kept = cloud.metrics().await;
    cloud.drain().await;
    assert_eq!(cloud.metrics().await, kept);
    assert_eq!(kept.iter().filter(|item| item.contains("simulation#")).count(), 1);
    assert!(cloud.queue("SimulationDeadLetters").await.is_empty());
}

#[tokio::test]
async fn whatever_the_steps_and_however_often_each_is_made_the_document_is_the_same() {
    each_seed(6, in_any_steps).await;
}

#[tokio::test]
async fn a_crash_between_a_step_and_the_message_of_the_next_is_healed_by_its_own_message() {
    let cloud = Cloud::start().await;
    let Some(network) = cloud.network() else { return };
    history(&cloud, 3).await;
    let hurried = cloud.hurried().await;
    let version = store(&cloud, &generous()).await;
    let asked = json!({"version": version});
    // The message of the first step is lost with whoever kept the record.
    network.refuse_about(CONTINUED, 1_000);
    ask(&hurried, "k-1", &asked).await.expect_problem(500, "internal");
    assert!(cloud.queue(QUEUE).await.is_empty());
    network.calm();
    // Who asks again finds it, and a minute later has the message sent once more: not for each time that it asks.
    let minute = cloud.now().plus_ms(60_000);
    for (now, waiting) in [(cloud.now(), 0), (minute.plus_ms(-1), 0), (minute, 1)] {
        cloud.set_instant(now);
        let again = ask(&hurried, "k-1", &asked).await.expect(202);
        assert_eq!((again.header("idempotent-replayed"), &again["state"]), (Some("true"), &json!("queued")));
        assert_eq!(cloud.queue(QUEUE).await.len(), waiting);
    }
    cloud.set_instant(minute.plus_ms(-60_000));
    let begun = ask(&hurried, "k-1", &asked).await.expect(202);
    // Another key would have been another one; this one is made once.
    for lost in 2..5 {
        network.refuse_about(CONTINUED, 1_000);
        assert_eq!(hurried.local().pump().await.unwrap(), 1);
        network.calm();
        let waiting = cloud.queue(QUEUE).await;
        assert_eq!((waiting.len(), waiting[0].received), (1, 1), "the message of step {lost} is lost");
        assert_eq!(shown(&cloud, &begun).await["state"], "running");
        // It comes again, makes nothing, and sends the next one.
        assert_eq!(hurried.local().pump().await.unwrap(), 1);
        assert!(cloud.queue(QUEUE).await[0].body.contains(&format!("\"step\":{lost}")));
    }
    hurried.drain().await;
    assert_eq!(shown(&cloud, &begun).await["simulation"], printed(&cloud, generous(), None).await);
}

#[tokio::test]
async fn of_two_who_make_the_same_step_at_once_one_counts() {
    let cloud = Cloud::start().await;
    history(&cloud, 4).await;
    let begun = ask(&cloud, "k-1", &json!({"version": 1})).await.expect(202);
    let id = begun["id"].as_str().unwrap();
    let app = cloud.local().app("simulation").unwrap();
    for step in 1..3 {
        let pace = |accounts| Pace { accounts, deadline: Deadline::NEVER };
        let both =
            tokio::join!(simulation::carry_on(app, id, step, pace(3)), simulation::carry_on(app, id, step, pace(4)),);
        assert!(both.0.is_ok() && both.1.is_ok());
    }
    cloud.drain().await;
    assert_eq!(shown(&cloud, &begun).await["simulation"], printed(&cloud, wholesale(|_| ()), None).await);
}

#[tokio::test]
async fn an_account_that_cannot_be_read_ends_it_with_the_reason() {
    let cloud = Cloud::start().await;
    history(&cloud, 5).await;
    let begun = ask(&cloud, "k-1", &json!({"version": 1})).await.expect(202);
    let table = &cloud.app().config().tables.accounts;
    let update = cloud.local().client().update_item().table_name(table).update_expression("REMOVE #tier");
    let key = aws_sdk_dynamodb::types::AttributeValue::S("a-3".to_owned());
    update.expression_attribute_names("#tier", "tier").key("account_id", key).send().await.unwrap();
    cloud.drain().await;
    let failed = shown(&cloud, &begun).await;
    assert_eq!(failed["state"], "failed");
    let reason = failed["reason"].as_str().unwrap();
    assert!(reason.starts_with("item account_id=a-3 in accounts cannot be read"), "{reason}");
    assert!(cloud.queue(QUEUE).await.is_empty() && cloud.queue("SimulationDeadLetters").await.is_empty());
    // It stays so; another one may be asked for.
    assert_eq!(ask(&cloud, "k-1", &json!({"version": 1})).await.expect(200)["state"], "failed");
    assert_ne!(ask(&cloud, "k-2", &json!({"version": 1})).await.expect(202)["id"], failed["id"]);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused() {
    let cloud = Cloud::start().await;
    let before = (stored(&cloud).await, cloud.metrics().await);
    let faulty = json!({"version": 0, "as_of": "soon", "draft": {}});
    let mut paths = ask(&cloud, "k-1", &faulty).await.expect_problem(422, "invalid-document").fault_paths();
    paths.sort_unstable();
    assert_eq!(paths, ["$.as_of", "$.draft", "$.version"]);
    let asked = json!({"version": 1}).to_string();
    cloud.request("POST", SIMULATIONS, asked).await.expect_problem(400, "idempotency-key-missing");
    ask(&cloud, "k-1", &json!({"version": 7})).await.expect_problem(404, "unknown-version");
    let none = format!("{SIMULATIONS}/{}", "0123456789abcdef".repeat(2));
    cloud.get(&none).await.expect_problem(404, "unknown-simulation");
    cloud.get(&format!("{SIMULATIONS}/none")).await.expect_problem(400, "invalid-parameter");
    // It could not be put in force: accounts may hold a tier that it lacks.
    let fewer = wholesale(|draft| drop(draft["tiers"]["levels"].as_array_mut().unwrap().remove(1)));
    let version = store(&cloud, &fewer).await;
    let refused = ask(&cloud, "k-1", &json!({"version": version})).await.expect_problem(409, "cannot-follow");
    assert_eq!(refused.fault_paths(), ["$.tiers.levels"]);
    assert_eq!(cloud.metrics().await, before.1);
    // One key is one simulation.
    ask(&cloud, "k-1", &json!({"version": 1})).await.expect(202);
    let as_of = at("2031-01-01T00:00:00Z").to_string();
    let other = ask(&cloud, "k-1", &json!({"version": 1, "as_of": as_of})).await;
    other.expect_problem(409, "idempotency-key-reused");
}
