//! From the start of the process to its first answered invocation: the real `order-placed` binary next to the smallest
//! function with the same SDK, which makes one transaction and reads nothing. Each against a stand-in for the Lambda
//! Runtime API and DynamoDB behind TLS, all on loopback.
//!
//! Like any function that leaves the SDK as it is, the smallest reads the system's list of authorities before it
//! connects; ours has Amazon's built in (`runtime::client`). So that each part shows, two more start beside them: one
//! that makes the same requests as ours, program, account and transaction, and the smallest, both with one authority.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss
)]

#[path = "start/dynamodb.rs"]
mod dynamodb;
#[path = "start/lambda.rs"]
mod lambda;
mod measure;

use dynamodb::{Authorities, SecureDynamoDb};
use lambda::{Invocation, RuntimeApi};
use measure::{Bound, Report, median, world};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Packages, each with one binary of its name. They are built one by one, as for a deployment: built with the tests they
/// would carry what only those ask of the same dependencies.
const ORDER_PLACED: &str = "order-placed";
const SMALLEST: &str = "smallest-function";
const RATIO_MAX: f64 = 1.15;
const WARM_UPS: usize = 3;
const ROUNDS: usize = 5;
/// Starts of each in a round.
const SPAWNS: usize = 25;
const ORDER_LINES: usize = 20;

/// What the servers saw, and when.
type Timeline = Arc<Mutex<Vec<(String, Instant)>>>;

fn note(timeline: &Timeline, step: &str) {
    timeline.lock().unwrap().push((step.to_owned(), Instant::now()));
}

/// A function that is started.
#[derive(Clone, Copy)]
struct Contender {
    name: &'static str,
    package: &'static str,
    /// Whether it is told to make the requests that an order needs.
    same_requests: bool,
    /// Whom it trusts.
    authorities: Authorities,
}

impl Contender {
    fn binary(&self) -> PathBuf {
        // This bench is at `release/deps/start-…`.
        let bench = std::env::current_exe().unwrap();
        bench.ancestors().nth(2).unwrap().join(self.package)
    }
}

/// Builds the release binary of a package by itself, next to this bench.
fn build(package: &str) {
    let bench = std::env::current_exe().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--locked", "--package", package]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let done = cargo.env("CARGO_TARGET_DIR", bench.ancestors().nth(3).unwrap()).status().unwrap();
    assert!(done.success(), "{package} is not built");
}

const CONTENDERS: [Contender; 4] = [
    Contender { name: "order-placed", package: ORDER_PLACED, same_requests: false, authorities: Authorities::Amazon },
    Contender { name: "smallest function", package: SMALLEST, same_requests: false, authorities: Authorities::System },
    Contender {
        name: "smallest function with one authority",
        package: SMALLEST,
        same_requests: false,
        authorities: Authorities::None,
    },
    Contender {
        name: "bare function, same requests, with one authority",
        package: SMALLEST,
        same_requests: true,
        authorities: Authorities::None,
    },
];

fn main() -> ExitCode {
    if !measure::is_asked_for() {
        return ExitCode::SUCCESS;
    }
    [ORDER_PLACED, SMALLEST].into_iter().for_each(build);
    let mut report = Report::start("start");
    let world = World::start();
    let mut all: [Vec<Run>; 4] = Default::default();
    let mut ratios: [Vec<f64>; 4] = Default::default();
    for round in 0..=ROUNDS {
        // The first round only warms up.
        let spawns = if round == 0 { WARM_UPS } else { SPAWNS };
        let measured = world.in_turns(round * SPAWNS..round * SPAWNS + spawns);
        if round > 0 {
            let real_ms = total_ms(&measured[0]);
            ratios.iter_mut().zip(&measured).for_each(|(ratios, runs)| ratios.push(real_ms / total_ms(runs)));
            all.iter_mut().zip(measured).for_each(|(runs, more)| runs.extend(more));
        }
    }
    for (contender, runs) in CONTENDERS.iter().zip(&all) {
        describe(&report, contender, runs);
    }
    report.section(&format!("Ratios of the medians of {SPAWNS} starts each, medians of {ROUNDS} rounds"));
    for (contender, ratios) in CONTENDERS.iter().zip(ratios).skip(1) {
        let name = format!("order-placed ÷ {}", contender.name);
        // The bound is for the smallest function as the SDK leaves it; the others say where the time goes.
        if contender.authorities == Authorities::System {
            report.bounded(&name, median(ratios), Bound::AtMost(RATIO_MAX));
        } else {
            report.row(&name, median(ratios), "");
        }
    }
    report.end()
}

fn total_ms(runs: &[Run]) -> f64 {
    median(runs.iter().map(|run| run.total_ms))
}

/// One process, from start to first answer.
struct Run {
    total_ms: f64,
    /// What the servers saw until then, in milliseconds from the start.
    steps: Vec<(String, f64)>,
    rss_mib: f64,
}

/// The servers, on a thread of their own.
struct World {
    runtime: tokio::runtime::Runtime,
    lambda: RuntimeApi,
    dynamodb: SecureDynamoDb,
    timeline: Timeline,
}

impl World {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let timeline = Timeline::default();
        let (lambda, dynamodb) = runtime.block_on(async {
            (RuntimeApi::start(timeline.clone()).await, SecureDynamoDb::start(timeline.clone()).await)
        });
        let order = world::order("first", "acme", ORDER_LINES);
        runtime.block_on(dynamodb.place(&order));
        Self { runtime, lambda, dynamodb, timeline }
    }

    /// Starts all in turns, each at each place as often as the others.
    fn in_turns(&self, numbers: Range<usize>) -> [Vec<Run>; 4] {
        let mut all: [Vec<Run>; 4] = Default::default();
        for number in numbers {
            for turn in 0..CONTENDERS.len() {
                let place = (number + turn) % CONTENDERS.len();
                all[place].push(self.spawn(&CONTENDERS[place], number));
            }
        }
        all
    }

    fn spawn(&self, contender: &Contender, number: usize) -> Run {
        let id = format!("{}-{number:04}", contender.name.replace([' ', ','], "-"));
        let name = contender.name;
        let event = world::event(&world::order(&id, "acme", ORDER_LINES));
        let invocation = Invocation { id, event: event.to_string() };
        let answered = self.lambda.offer(invocation);
        self.timeline.lock().unwrap().clear();

        let started = Instant::now();
        let mut command = Command::new(contender.binary());
        command.env_clear().envs(self.environment(contender.authorities)).stdout(Stdio::null());
        if contender.same_requests {
            command.env("SAME_REQUESTS", "1");
        }
        let mut process = command.spawn().unwrap();
        let answer = answered.recv_timeout(std::time::Duration::from_secs(30)).expect("an answer in half a minute");
        let rss_mib = resident_mib(process.id());
        process.kill().unwrap();
        process.wait().unwrap();

        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["statusCode"], 201, "{name}: {body}");
        let since = |at: Instant| at.duration_since(started).as_secs_f64() * 1e3;
        let steps = self.timeline.lock().unwrap().iter().map(|(step, at)| (step.clone(), since(*at))).collect();
        Run { total_ms: since(answer.at), steps, rss_mib }
    }

    fn environment(&self, authorities: Authorities) -> Vec<(String, String)> {
        let mut variables: Vec<(String, String)> = self.dynamodb.environment(authorities);
        let more = [
            ("AWS_LAMBDA_RUNTIME_API", self.lambda.address.clone()),
            ("AWS_LAMBDA_FUNCTION_NAME", "measured".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "group".to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "stream".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_REGION", local::connector::REGION.to_owned()),
        ];
        variables.extend(more.map(|(name, value)| (name.to_owned(), value)));
        variables
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.dynamodb.forget();
        let _ = &self.runtime;
    }
}

fn resident_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

fn describe(report: &Report, contender: &Contender, runs: &[Run]) {
    let name = contender.name;
    report.section(&format!("{name}: when the servers saw what, medians of {} starts in turns", runs.len()));
    for (place, (step, _)) in runs[0].steps.iter().enumerate() {
        let at = median(runs.iter().filter_map(|run| run.steps.get(place)).map(|(_, ms)| *ms));
        report.row(step, at, "ms");
    }
    report.row("start → first answer, median", total_ms(runs), "ms");
    report.row("start → first answer, fastest", runs.iter().map(|run| run.total_ms).fold(f64::MAX, f64::min), "ms");
    report.row("resident memory then", median(runs.iter().map(|run| run.rss_mib)), "MiB");
    let bytes = std::fs::metadata(contender.binary()).unwrap().len() as f64;
    report.row("binary", bytes / 1024.0 / 1024.0, "MiB");
}
