//! What `order-placed` costs: request units as the endpoint states them, and time next to a bare handler that makes
//! the same reads and writes of the same bytes and nothing else.
//!
//! The bare handler sends what was recorded of the real one, through the same SDK, with its items made beforehand. So
//! what the real one takes longer is everything that is ours: parsing, deciding, packing, rendering, logging.
//!
//! The bound holds against the embedded endpoint as functions reach it: the port of `guilder serve`, over a database
//! file. In memory and without a socket it answers in half of that time, which is reported, too.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss
)]

mod measure;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use domain::decision::{Context, Write};
use domain::id::AccountId;
use domain::order::Order;
use domain::program::Program;
use domain::schedule::{Activation, Schedule};
use domain::score::Outcome;
use domain::{receipt, score};
use dynoxide::Database;
use local::cloud::Cloud;
use local::connector::{self, Embedded};
use measure::served::Served;
use measure::tap::{self, Canned, Exchange, Tap};
use measure::{Bound, Report, median, world};
use runtime::{App, Clock};
use serde_json::Value;
use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Consistency;

const RATIO_MAX: f64 = 1.15;
/// Most that deciding an ordinary order may take under as many earning rules as a program can have.
const DECIDE_US_MAX: f64 = 50.0;
/// Lines of an ordinary order, and of a large one.
const LINES: [usize; 2] = [20, 300];
const ROUNDS: usize = 40;
const ORDERS_PER_ROUND: usize = 50;
const PURE_ROUNDS: usize = 21;
const PURE_REPEATS: usize = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if !measure::is_asked_for() {
        return ExitCode::SUCCESS;
    }
    // As on Lambda, but into nothing: the line about each order is part of its time.
    let logs = runtime::logs::lines();
    logs.with_max_level(tracing::Level::INFO).with_writer(std::io::sink).init();

    let mut report = Report::start("order_placed");
    units(&mut report).await;
    for lines in LINES {
        pure(&report, lines).await;
    }
    rules(&mut report).await;
    for place in [Place::Served, Place::InProcess] {
        for lines in LINES {
            handler(&mut report, lines, place).await;
        }
    }
    report.end()
}

fn memory() -> Embedded {
    Embedded::new(Database::memory().unwrap())
}

fn account_id(number: usize) -> String {
    format!("account-{number:06}")
}

/// Makes accounts known: each has placed an order and holds points, so that the next one moves nothing in an index.
async fn enrol(app: &App, count: usize) {
    for number in 0..count {
        let order = world::order(&format!("first-{number:06}"), &account_id(number), LINES[0]);
        scored(order_placed::handle(app, world::event(&order)).await.unwrap());
    }
}

fn scored(answer: Value) {
    assert_eq!(answer["statusCode"], 201, "{answer}");
}

async fn units(report: &mut Report) {
    report.section("Request units as the endpoint states them, order of a known account, nothing issued");
    for lines in LINES {
        let tap = Tap::counting_units(memory());
        let cloud = world::standing_still(tap.clone()).await;
        let app = world::order_placed_app(&cloud);
        enrol(&app, 1).await;
        tap.take();
        let order = world::order("measured", &account_id(0), lines);
        scored(order_placed::handle(&app, world::event(&order)).await.unwrap());
        let (read, write) = tap::units(&tap.take());
        if lines == LINES[0] {
            report.bounded(&format!("read units, {lines} lines"), read, Bound::Exactly(0.5));
            report.bounded(&format!("write units, {lines} lines"), write, Bound::Exactly(6.0));
        } else {
            report.row(&format!("read units, {lines} lines"), read, "");
            report.row(&format!("write units, {lines} lines"), write, "");
        }
    }
}

/// Microseconds per call, median over rounds.
fn each_us<T>(mut call: impl FnMut() -> T) -> f64 {
    let round = |_| {
        let started = Instant::now();
        for _ in 0..PURE_REPEATS {
            black_box(call());
        }
        started.elapsed().as_secs_f64() * 1e6 / PURE_REPEATS as f64
    };
    median((0..PURE_ROUNDS).map(round).collect::<Vec<_>>())
}

async fn pure(report: &Report, lines: usize) {
    report.section(&format!("Pure parts, {lines} lines"));
    let cloud = world::standing_still(memory()).await;
    let app = world::order_placed_app(&cloud);
    enrol(&app, 1).await;
    let id = AccountId::parse(&account_id(0)).unwrap();
    let account = app.store().account(&id, Consistency::Strong).await.unwrap().unwrap();
    let schedule = app.schedule().await.unwrap();
    let context = Context {
        schedule: &schedule,
        secrets: app.secrets(),
        by: "shop-backend",
        now: world::now(),
        wall_day: world::now().utc_day(),
        collisions: 0,
    };
    let text = world::order("measured", id.as_str(), lines).to_string();
    let document: Value = serde_json::from_str(&text).unwrap();
    let order = Arc::new(Order::from_json(&document).unwrap());
    let hash = order.content_hash();
    let decide = || score::decide(Some(&account), &[], None, &order, hash, &context).unwrap();
    let scored = decide().answer;
    let program = &schedule.at(world::now()).program;

    report.row("text to order", each_us(|| Order::from_text(text.as_bytes()).unwrap()), "µs");
    report.row("text to document, document to order: where the first declines", each_us(|| by_document(&text)), "µs");
    report.row("hash of the order", each_us(|| order.content_hash()), "µs");
    report.row("decide", each_us(decide), "µs");
    let render = || serde_json::to_string(&receipt::receipt(&scored, program).unwrap()).unwrap();
    report.row("receipt as JSON", each_us(render), "µs");
    shell(report, &app, &world::event(&document), &decide().writes).await;
}

/// What deciding takes where every earning rule that a program can have looks at every line.
async fn rules(report: &mut Report) {
    report.section("Fifty earning rules of every kind, 20 lines with category, brand and tags");
    let cloud = world::standing_still(memory()).await;
    let app = world::order_placed_app(&cloud);
    enrol(&app, 1).await;
    let id = AccountId::parse(&account_id(0)).unwrap();
    let account = app.store().account(&id, Consistency::Strong).await.unwrap().unwrap();
    let program = Arc::new(Program::from_json(&world::fifty_rules()).unwrap());
    let from = domain::time::Instant::MIN;
    let schedule = Schedule::new(vec![Activation { from, version: 1, program: Arc::clone(&program) }]).unwrap();
    let (now, wall_day) = (world::now(), world::now().utc_day());
    let context = Context { schedule: &schedule, secrets: app.secrets(), by: "shop", now, wall_day, collisions: 0 };
    let mut document = world::order("measured", id.as_str(), LINES[0]);
    for (line, number) in document["lines"].as_array_mut().unwrap().iter_mut().zip(0..) {
        line["category"] = ["kitchen", "garden", "office"][number % 3].into();
        line["brand"] = ["Leaf", "Pot"][number % 2].into();
        line["tags"] = vec!["new", "sale"].into();
    }
    let order = Arc::new(Order::from_json(&document).unwrap());
    let hash = order.content_hash();
    let decide = || score::decide(Some(&account), &[], None, &order, hash, &context).unwrap();
    let scored = decide().answer;
    let fired = scored.score.outcomes.iter().filter(|outcome| **outcome == Outcome::Fired).count();
    report.row("rules that fire", fired as f64, "");
    report.bounded("decide, 50 rules, 20 lines, µs", each_us(decide), Bound::AtMost(DECIDE_US_MAX));
    let render = || serde_json::to_string(&receipt::receipt(&scored, &program).unwrap()).unwrap();
    report.row("receipt as JSON", each_us(render), "µs");
}

/// The slower reader, which collects faults.
fn by_document(text: &str) -> Order {
    Order::from_json(&domain::document::parse(text.as_bytes()).unwrap()).unwrap()
}

/// The parts around the decision that are ours, each by itself.
async fn shell(report: &Report, app: &App, event: &Value, writes: &[Write]) {
    let calls = PURE_ROUNDS * PURE_REPEATS;
    let mut events: Vec<_> = std::iter::repeat_n(event, calls).cloned().collect();
    report.row("event to request", each_us(|| runtime::Trigger::of(events.pop().unwrap()).is_ok()), "µs");
    report.row("log line", each_us(|| tracing::info!(order.id = "shop#1", points = 1, "scored order {}", 1)), "µs");

    let answers = std::iter::repeat_n(b"{}".to_vec(), calls + 1);
    let tap = Tap::new(memory());
    let cloud = world::standing_still(tap.clone()).await;
    enrol(&world::order_placed_app(&cloud), 1).await;
    tap.take();
    order_placed::handle(&world::order_placed_app(&cloud), event.clone()).await.unwrap();
    let bare = Bare::of(&tap.take()).writes;
    let client = connector::client_over(Canned::new(answers.clone()));
    let store = store::Store::new(connector::client_over(Canned::new(answers)), app.config().tables.clone());
    let (mut real_us, mut bare_us) = (Vec::new(), Vec::new());
    for _ in 0..PURE_ROUNDS {
        let prepared = vec![bare.clone(); PURE_REPEATS];
        let started = Instant::now();
        for _ in 0..PURE_REPEATS {
            store.commit(writes).await.unwrap();
        }
        real_us.push(started.elapsed().as_secs_f64() * 1e6 / PURE_REPEATS as f64);
        let started = Instant::now();
        for writes in prepared {
            client.transact_write_items().set_transact_items(Some(writes)).send().await.unwrap();
        }
        bare_us.push(started.elapsed().as_secs_f64() * 1e6 / PURE_REPEATS as f64);
    }
    let items_us = real_us.iter().zip(bare_us).map(|(real, bare)| real - bare);
    report.row("writes to items: packed, hashed, named", median(items_us), "µs");
}

/// One order as the bare handler makes it: the same two requests. It builds what it sends from values that are there
/// already, as any handler must hand the SDK items of its own, and does nothing else.
#[derive(Clone)]
struct Bare {
    table: String,
    key: HashMap<String, AttributeValue>,
    strong: bool,
    writes: Vec<TransactWriteItem>,
}

impl Bare {
    fn of(exchanges: &[Exchange]) -> Self {
        let [get, transact] = exchanges else { panic!("an order is one read and one transaction") };
        assert_eq!((get.operation.as_str(), transact.operation.as_str()), ("GetItem", "TransactWriteItems"));
        let get = get.request();
        Self {
            table: get["TableName"].as_str().unwrap().to_owned(),
            key: item(&get["Key"]),
            strong: get["ConsistentRead"].as_bool().unwrap(),
            writes: transact.request()["TransactItems"].as_array().unwrap().iter().map(write).collect(),
        }
    }

    async fn handle(self, client: &Client) {
        let get = client.get_item().table_name(self.table).set_key(Some(self.key)).consistent_read(self.strong);
        assert!(get.send().await.unwrap().item.is_some());
        client.transact_write_items().set_transact_items(Some(self.writes)).send().await.unwrap();
    }
}

fn write(action: &Value) -> TransactWriteItem {
    let put = &action["Put"];
    let values = put.get("ExpressionAttributeValues").map(item);
    let hand_back = put["ReturnValuesOnConditionCheckFailure"].as_str().map(ReturnValuesOnConditionCheckFailure::from);
    let put = Put::builder()
        .table_name(put["TableName"].as_str().unwrap())
        .set_item(Some(item(&put["Item"])))
        .condition_expression(put["ConditionExpression"].as_str().unwrap())
        .set_expression_attribute_values(values)
        .set_return_values_on_condition_check_failure(hand_back);
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

fn item(json: &Value) -> HashMap<String, AttributeValue> {
    json.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn attribute(json: &Value) -> AttributeValue {
    let (kind, value) = json.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "B" => AttributeValue::B(Blob::new(aws_smithy_types::base64::decode(text()).unwrap())),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(true),
        "M" => AttributeValue::M(item(value)),
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(attribute).collect()),
        other => panic!("no item holds {other}"),
    }
}

fn measured_event(number: usize, lines: usize) -> Value {
    world::event(&world::order(&format!("measured-{number:06}"), &account_id(number), lines))
}

/// The exchanges of each order, recorded on a deployment of its own.
async fn record(count: usize, lines: usize) -> Vec<Vec<Exchange>> {
    let tap = Tap::new(memory());
    let cloud = world::standing_still(tap.clone()).await;
    let app = world::order_placed_app(&cloud);
    enrol(&app, count).await;
    let mut recorded = Vec::with_capacity(count);
    for number in 0..count {
        // The schedule is cached here, so that what an order shows is its own.
        app.schedule().await.unwrap();
        tap.take();
        scored(order_placed::handle(&app, measured_event(number, lines)).await.unwrap());
        recorded.push(tap.take());
    }
    recorded
}

/// Fails unless the bare handler sends what the real one sends.
async fn check_same_requests(recorded: &[Exchange], count: usize) {
    let tap = Tap::new(memory());
    let cloud = world::standing_still(tap.clone()).await;
    enrol(&world::order_placed_app(&cloud), count).await;
    tap.take();
    Bare::of(recorded).handle(cloud.client()).await;
    for (one, other) in recorded.iter().zip(tap.take()) {
        assert_eq!((one.request(), one.body.len()), (other.request(), other.body.len()));
    }
}

/// Where the handlers find their tables.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Behind the port of the embedded endpoint, in a file.
    Served,
    /// In memory, without a socket.
    InProcess,
}

impl Place {
    fn words(self) -> &'static str {
        match self {
            Self::Served => "the embedded endpoint, a file behind a port",
            Self::InProcess => "the embedded database in memory, without a socket",
        }
    }
}

async fn handler(report: &mut Report, lines: usize, place: Place) {
    let (rounds, per_round) = if lines > LINES[0] { (ROUNDS / 2, 10) } else { (ROUNDS, ORDERS_PER_ROUND) };
    let (count, words) = (rounds * per_round, place.words());
    report.section(&format!("Handler, {lines} lines, {rounds} rounds of {per_round} orders each, in turns; {words}"));
    let recorded = record(count, lines).await;
    check_same_requests(&recorded[0], 1).await;

    let mut served = Vec::new();
    let (real, bare) = match place {
        Place::Served => {
            served.extend([Served::start().await, Served::start().await]);
            (deployed_by(served[0].client()).await, deployed_by(served[1].client()).await)
        }
        Place::InProcess => (world::standing_still(memory()).await, world::standing_still(memory()).await),
    };
    let (app, client) = (world::order_placed_app(&real), bare.client());
    enrol(&app, count).await;
    enrol(&world::order_placed_app(&bare), count).await;
    let (real, bare) = in_turns(&app, client, &recorded, rounds, lines).await;
    let ratio = median(real.iter().zip(&bare).map(|(real, bare)| real / bare));
    report.row("order-placed, per order", median(real), "µs");
    report.row("bare handler, same requests, per order", median(bare), "µs");
    let name = format!("order-placed ÷ bare handler, {lines} lines");
    if (lines, place) == (LINES[0], Place::Served) {
        report.bounded(&name, ratio, Bound::AtMost(RATIO_MAX));
    } else {
        report.row(&name, ratio, "");
    }
    if place == Place::InProcess {
        let (real, bare) = without_endpoint(&recorded, rounds, lines).await;
        report.row("order-placed without the endpoint's part", median(real), "µs");
        report.row("bare handler without the endpoint's part (the SDK)", median(bare), "µs");
    }
}

async fn deployed_by(client: Client) -> Cloud {
    world::deployed_by(client, Clock::manual(world::now())).await
}

/// Microseconds per order, of each round: the real handler, the bare one.
async fn in_turns(
    app: &App,
    client: &Client,
    recorded: &[Vec<Exchange>],
    rounds: usize,
    lines: usize,
) -> (Vec<f64>, Vec<f64>) {
    let per_round = recorded.len() / rounds;
    let (mut real, mut bare) = (Vec::new(), Vec::new());
    for (round, exchanges) in recorded.chunks(per_round).enumerate() {
        let first = round * per_round;
        let numbers = first..first + per_round;
        // The schedule is read once a minute, which no order of a busy minute notices.
        app.schedule().await.unwrap();
        if round % 2 == 0 {
            real.push(real_round(app, numbers, lines).await);
            bare.push(bare_round(client, exchanges).await);
        } else {
            bare.push(bare_round(client, exchanges).await);
            real.push(real_round(app, numbers, lines).await);
        }
    }
    (real, bare)
}

/// What each handles is made right before, outside of the time: so the Lambda runtime hands an event over, fresh from
/// the text.
async fn real_round(app: &App, numbers: Range<usize>, lines: usize) -> f64 {
    let mut times = Vec::with_capacity(numbers.len());
    for number in numbers {
        let event = measured_event(number, lines);
        let started = Instant::now();
        let answer = order_placed::handle(app, event).await.unwrap();
        times.push(started.elapsed());
        scored(answer);
    }
    mean_us(&times)
}

async fn bare_round(client: &Client, recorded: &[Vec<Exchange>]) -> f64 {
    let mut times = Vec::with_capacity(recorded.len());
    for exchanges in recorded {
        let bare = Bare::of(exchanges);
        let started = Instant::now();
        bare.clone().handle(client).await;
        times.push(started.elapsed());
    }
    mean_us(&times)
}

fn mean_us(times: &[Duration]) -> f64 {
    times.iter().sum::<Duration>().as_secs_f64() * 1e6 / times.len() as f64
}

/// The same rounds against an endpoint that takes no time: what is left is the SDK's part and ours.
async fn without_endpoint(recorded: &[Vec<Exchange>], rounds: usize, lines: usize) -> (Vec<f64>, Vec<f64>) {
    let answers = || recorded.iter().flatten().map(|exchange| exchange.answer.clone());
    let tap = Tap::new(memory());
    let cloud = world::standing_still(tap.clone()).await;
    let template = world::order_placed_app(&cloud);
    tap.take();
    template.schedule().await.unwrap();
    let schedule: Vec<_> = tap.take().into_iter().map(|exchange| exchange.answer).collect();

    let real = connector::client_over(Canned::new(schedule.into_iter().chain(answers())));
    let bare = connector::client_over(Canned::new(answers()));
    let app = App::new(template.config().clone(), real, template.clock().clone());
    in_turns(&app, &bare, recorded, rounds, lines).await
}
