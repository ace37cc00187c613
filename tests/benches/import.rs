//! Orders per second of `guilder import` of the real file, next to the rate at which the same endpoint takes the same
//! requests.
//!
//! One import is recorded. Then, in turns, the file is imported into a new database file, and what was recorded is
//! sent to another one below the SDK, as fast as it goes, with as many workers. So the import's side has all that is
//! not the endpoint: reading the file, deciding, packing, the SDK, checkpoints, the summary.

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

use dynoxide::Database;
use local::cloud::{Cloud, Options, Storage};
use local::connector::Embedded;
use local::import::{self, Plan, Summary};
use local::mapping::Mapping;
use measure::tap::{Exchange, Tap};
use measure::{Bound, Report, median, world};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

const RATIO_MIN: f64 = 0.8;
const ROUNDS: usize = 3;
/// What `guilder import` uses unless told otherwise.
const WORKERS: usize = import::WORKERS as usize;
const FILE: &str = "online-retail-2010-12_2011-05.csv.gz";

#[tokio::main]
async fn main() -> ExitCode {
    if !measure::is_asked_for() {
        return ExitCode::SUCCESS;
    }
    let mut report = Report::start("import");
    let plan = plan();
    let recorded = Recording::of(record(&plan).await);
    recorded.describe(&report);

    let (mut imports, mut replays) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if round % 2 == 0 {
            imports.push(imported(&plan).await);
            replays.push(replayed(&recorded).await);
        } else {
            replays.push(replayed(&recorded).await);
            imports.push(imported(&plan).await);
        }
    }
    let orders = imports[0].1.orders_scored as f64;
    let rate = |seconds: f64| orders / seconds;
    report.section(&format!("{orders} orders into a new database file, {ROUNDS} rounds in turns"));
    for ((import_s, _), replay_s) in imports.iter().zip(&replays) {
        report.row("  one round: import", *import_s, "s");
        report.row("  one round: the same requests alone", *replay_s, "s");
    }
    report.row("import", rate(median(imports.iter().map(|(seconds, _)| *seconds))), "orders/s");
    report.row("the same requests alone", rate(median(replays.iter().copied())), "orders/s");
    let ratios = imports.iter().zip(&replays).map(|((import_s, _), replay_s)| replay_s / import_s);
    report.bounded("rate of the import ÷ rate of its requests alone", median(ratios), Bound::AtLeast(RATIO_MIN));
    report.end()
}

fn plan() -> Plan {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("GUILDER_DATA").map_or(usual, PathBuf::from);
    let file = folder.join(FILE);
    assert!(file.exists(), "{} is missing; GUILDER_DATA names the folder that has it", file.display());
    Plan {
        mapping: Mapping::open("online-retail").unwrap(),
        files: vec![file],
        skip_returns: true,
        from_start: false,
        workers: WORKERS,
    }
}

async fn run(cloud: &Cloud, plan: &Plan) -> Summary {
    let app = world::order_placed_app(cloud);
    import::run(&app, plan, Arc::new(|_, _| {})).await.unwrap()
}

/// Every request of an import, in the order sent.
async fn record(plan: &Plan) -> Vec<Exchange> {
    let tap = Tap::new(Embedded::new(Database::memory().unwrap()));
    let cloud = world::deployed(tap.clone(), runtime::Clock::system()).await;
    tap.take();
    run(&cloud, plan).await;
    tap.take()
}

/// A cloud in a new file, gone with this value.
struct OnFile {
    cloud: Cloud,
    folder: PathBuf,
}

impl OnFile {
    async fn new() -> Self {
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let folder = std::env::temp_dir().join(format!("guilder-import-{}-{nanos}", std::process::id()));
        let cloud = Cloud::open(Options::new(Storage::File(folder.join("guilder.db")))).await.unwrap();
        world::activate(&cloud).await;
        Self { cloud, folder }
    }
}

impl Drop for OnFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Seconds that an import takes, from the file to the summary.
async fn imported(plan: &Plan) -> (f64, Summary) {
    let place = OnFile::new().await;
    let started = Instant::now();
    let summary = run(&place.cloud, plan).await;
    (started.elapsed().as_secs_f64(), summary)
}

/// Requests, shared out as the import shares out its orders.
struct Recording {
    /// Of each worker: those of its accounts, in their order.
    shares: Vec<Arc<Vec<Exchange>>>,
    /// What reads the whole afterwards, for the summary.
    afterwards: Vec<Exchange>,
}

impl Recording {
    fn of(exchanges: Vec<Exchange>) -> Self {
        let mut shares = vec![Vec::new(); WORKERS];
        let mut afterwards = Vec::new();
        for exchange in exchanges {
            if matches!(exchange.operation.as_str(), "Scan" | "Query") {
                afterwards.push(exchange);
                continue;
            }
            let mut hasher = DefaultHasher::new();
            account_of(&exchange).hash(&mut hasher);
            let worker = usize::try_from(hasher.finish() % WORKERS as u64).unwrap();
            shares[worker].push(exchange);
        }
        Self { shares: shares.into_iter().map(Arc::new).collect(), afterwards }
    }

    fn describe(&self, report: &Report) {
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let shared = self.shares.iter().flat_map(|share| share.iter());
        for exchange in shared.chain(&self.afterwards) {
            let (count, bytes) = counts.entry(&exchange.operation).or_default();
            *count += 1;
            *bytes += exchange.body.len();
        }
        report.section("Requests of one import");
        for (operation, (count, bytes)) in counts {
            report.row(operation, count as f64, &format!("of {} bytes on average", bytes / count));
        }
    }
}

/// The account whose requests must keep their order; none for checkpoints and the program.
fn account_of(exchange: &Exchange) -> Option<String> {
    let request = exchange.request();
    let read = request.pointer("/Key/account_id/S");
    let items = request["TransactItems"].as_array().into_iter().flatten();
    let mut written = items.filter_map(|item| item.pointer("/Put/Item/account_id/S"));
    read.or_else(|| written.next()).and_then(|id| id.as_str()).map(str::to_owned)
}

/// Seconds that the endpoint takes for what was recorded.
async fn replayed(recorded: &Recording) -> f64 {
    let place = OnFile::new().await;
    let endpoint = place.cloud.database().unwrap().clone();
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for share in &recorded.shares {
        let (share, endpoint) = (Arc::clone(share), endpoint.clone());
        workers.spawn(async move {
            for exchange in share.iter() {
                exchange.replay(&endpoint).await;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    for exchange in &recorded.afterwards {
        exchange.replay(&endpoint).await;
    }
    started.elapsed().as_secs_f64()
}
