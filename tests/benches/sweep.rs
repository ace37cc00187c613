//! Due items per second of the state machine that walks them, next to the rate at which the same endpoint takes the
//! same requests.
//!
//! One execution is recorded. Then, in turns, the machine walks the same accounts in a new database file, and what was
//! recorded is sent to another one below the SDK, as fast as it goes. So the machine's side has all that is not the
//! endpoint: the interpreter, the index pages, deciding, packing, the SDK, and noting what is done.

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

use domain::account::Account;
use domain::decision::{Context, commit};
use domain::id::AccountId;
use domain::ledger::{Cause, Change, PointsChange};
use domain::lots::Lot;
use domain::money::Points;
use domain::time::Instant as Time;
use dynoxide::Database;
use local::cloud::{Cloud, Options, Storage};
use local::connector::Embedded;
use local::due;
use measure::tap::{Exchange, Tap};
use measure::{Bound, Report, median, world};
use runtime::Clock;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

const RATIO_MIN: f64 = 0.8;
const ROUNDS: usize = 3;
const ACCOUNTS: usize = 2_000;
/// As many as the state machine has invocations under way, and each of them accounts.
const WORKERS: usize = 8 * 8;
const DAY_MS: i64 = Time::DAY_MS;

#[tokio::main]
async fn main() -> ExitCode {
    if !measure::is_asked_for() {
        return ExitCode::SUCCESS;
    }
    let mut report = Report::start("sweep");
    let recorded = record().await;
    describe(&report, &recorded);
    let shares = shared_out(recorded);
    let (mut sweeps, mut replays) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if round % 2 == 0 {
            sweeps.push(swept().await);
            replays.push(replayed(&shares).await);
        } else {
            replays.push(replayed(&shares).await);
            sweeps.push(swept().await);
        }
    }
    let rate = |seconds: f64| ACCOUNTS as f64 / seconds;
    report.section(&format!("{ACCOUNTS} accounts on which points end, {ROUNDS} rounds in turns"));
    for (sweep_s, replay_s) in sweeps.iter().zip(&replays) {
        report.row("  one round: the state machine", *sweep_s, "s");
        report.row("  one round: the same requests alone", *replay_s, "s");
    }
    report.row("the state machine", rate(median(sweeps.iter().copied())), "items/s");
    report.row("the same requests alone", rate(median(replays.iter().copied())), "items/s");
    let ratios = sweeps.iter().zip(&replays).map(|(sweep_s, replay_s)| replay_s / sweep_s);
    report.bounded("rate of the walk ÷ rate of its requests alone", median(ratios), Bound::AtLeast(RATIO_MIN));
    report.end()
}

/// Puts the accounts, always the same, and moves the clock past the day on which everything ends.
async fn fill(cloud: &Cloud, clock: &Clock) {
    clock.set(world::now());
    let app = world::order_placed_app(cloud);
    let schedule = app.schedule().await.unwrap();
    let now = world::now();
    let ends_at = now.plus_ms(DAY_MS / 4);
    let context = Context {
        schedule: &schedule,
        secrets: app.secrets(),
        by: "bench",
        now,
        wall_day: now.utc_day(),
        collisions: 0,
    };
    for number in 0..ACCOUNTS {
        let id = AccountId::parse(&format!("customer-{number:06}")).unwrap();
        let (mut account, enrolled) = Account::enrol(id, &schedule.at(now).program, now);
        let mut changes = vec![enrolled];
        for (end, points) in [(ends_at, 7), (now.plus_ms(40 * DAY_MS), 11), (now.plus_ms(70 * DAY_MS), 13)] {
            let points = Points(points);
            account.holdings.add(Lot::until(end, points)).unwrap();
            let (reason, reference) = ("a bench".to_owned(), None);
            changes.push(Change::Points(PointsChange::Credited { points, expires_at: end, reason, reference }));
        }
        let writes = commit(account, Cause::Adjustment, changes, 1, &context).unwrap();
        assert!(matches!(app.store().commit(&writes).await.unwrap(), store::Commit::Done));
    }
    clock.set(now.plus_ms(2 * DAY_MS));
}

/// The whole state machine over the day.
async fn sweep(cloud: &Arc<Cloud>) {
    let swept = due::sweep(cloud, Some(world::now().utc_day())).await.unwrap();
    assert_eq!(swept[0].counts.written, ACCOUNTS as u64, "{swept:?}");
}

/// Every request of a sweep, in the order sent.
async fn record() -> Vec<Exchange> {
    let (tap, clock) = (Tap::new(Embedded::new(Database::memory().unwrap())), Clock::manual(world::now()));
    let cloud = Arc::new(world::deployed(tap.clone(), clock.clone()).await);
    fill(&cloud, &clock).await;
    tap.take();
    sweep(&cloud).await;
    tap.take()
}

/// A filled cloud in a new file, gone with this value.
struct OnFile {
    cloud: Arc<Cloud>,
    folder: PathBuf,
}

impl OnFile {
    async fn new() -> Self {
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let folder = std::env::temp_dir().join(format!("guilder-sweep-{}-{nanos}", std::process::id()));
        let clock = Clock::manual(world::now());
        let options = Options::new(Storage::File(folder.join("guilder.db")));
        let cloud = Cloud::open(Options { clock: clock.clone(), ..options }).await.unwrap();
        world::activate(&cloud).await;
        let database = cloud.database().unwrap().database().clone();
        database.enable_bulk_loading().unwrap();
        fill(&cloud, &clock).await;
        database.disable_bulk_loading().unwrap();
        Self { cloud: Arc::new(cloud), folder }
    }
}

impl Drop for OnFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Seconds that the machine takes.
async fn swept() -> f64 {
    let place = OnFile::new().await;
    let started = Instant::now();
    sweep(&place.cloud).await;
    started.elapsed().as_secs_f64()
}

fn describe(report: &Report, recorded: &[Exchange]) {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for exchange in recorded {
        let (count, bytes) = counts.entry(&exchange.operation).or_default();
        *count += 1;
        *bytes += exchange.body.len();
    }
    report.section("Requests of one sweep");
    for (operation, (count, bytes)) in counts {
        report.row(operation, count as f64, &format!("of {} bytes on average", bytes / count));
    }
}

/// The requests by workers: those of an account stay in their order.
fn shared_out(recorded: Vec<Exchange>) -> Vec<Arc<Vec<Exchange>>> {
    let mut shares = vec![Vec::new(); WORKERS];
    for exchange in recorded {
        let request = exchange.request();
        let items = request["TransactItems"].as_array().into_iter().flatten();
        let written = items.filter_map(|item| item.pointer("/Put/Item/account_id/S")).next();
        let of = request
            .pointer("/Key/account_id/S")
            .or(written)
            .or(request.pointer("/ExpressionAttributeValues/:bucket/S"));
        let mut hasher = DefaultHasher::new();
        of.and_then(|id| id.as_str()).hash(&mut hasher);
        shares[usize::try_from(hasher.finish() % WORKERS as u64).unwrap()].push(exchange);
    }
    shares.into_iter().map(Arc::new).collect()
}

/// Seconds that the endpoint takes for what was recorded.
async fn replayed(shares: &[Arc<Vec<Exchange>>]) -> f64 {
    let place = OnFile::new().await;
    let endpoint = place.cloud.database().unwrap().clone();
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for share in shares {
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
    started.elapsed().as_secs_f64()
}
