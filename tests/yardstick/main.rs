//! The yardstick: six months of a real wholesaler's orders, scored through the code that runs in Lambda, give exactly
//! the figures that two independent programs give. However they get there: imported once or twice, killed and resumed,
//! or delivered as events three times over by workers that get in each other's way.
//!
//! The file is read from `GUILDER_DATA`. Where it is missing this passes with a word about it, unless `CI` is set. An
//! unoptimised build runs the plain import only.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

use domain::money::format_trimmed;
use domain::order::{LinePrice, Order};
use domain::time::Instant;
use local::cloud::{Cloud, Options, Storage};
use local::import::history::History;
use local::import::{self, Plan, Summary};
use local::mapping::Mapping;
use local::{audit, export, program};
use runtime::{App, Clock};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tests::Folder;

const FILE: &str = "online-retail-2010-12_2011-05.csv.gz";
const CHECKSUM: &str = "a3f9e91a0e12bc0c2c418a95e09d169a6deacbcca0b0f70ef8dd560e75400a4a";
const FIRST_LINE: &str = "12346,77183,platinum,1";

/// The file, if it is there. CI must have it.
fn file() -> Option<PathBuf> {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("GUILDER_DATA").filter(|value| !value.is_empty()).map_or_else(usual, PathBuf::from);
    let path = folder.join(FILE);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing; set GUILDER_DATA", path.display());
    println!("skipped: {} is missing; set GUILDER_DATA", path.display());
    None
}

/// The file, where this build is fast enough for more than one pass over it.
fn file_for_optimised_builds() -> Option<PathBuf> {
    if cfg!(debug_assertions) {
        println!("skipped: needs an optimised build");
        return None;
    }
    file()
}

fn plan(file: &Path, from_start: bool) -> Plan {
    let mapping = Mapping::open("online-retail").unwrap();
    Plan { mapping, files: vec![file.to_owned()], skip_returns: true, from_start, workers: 4 }
}

async fn open(storage: Storage) -> Cloud {
    let cloud = Cloud::open(Options::new(storage)).await.unwrap();
    program::ensure(app(&cloud)).await.unwrap();
    cloud
}

fn app(cloud: &Cloud) -> &App {
    cloud.app("order-placed").unwrap()
}

async fn import(cloud: &Cloud, plan: &Plan) -> Summary {
    import::run(app(cloud), plan, Arc::new(|_, _| ())).await.unwrap()
}

/// Fails unless the tables hold exactly what the yardstick says, and their books balance.
async fn check_tables(cloud: &Cloud, last_invoice: Instant) {
    let rows = export::accounts(app(cloud).store(), &app(cloud).schedule().await.unwrap(), last_invoice).await.unwrap();
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    assert_eq!(lines.lines().next(), Some(FIRST_LINE));
    assert_eq!(rows.len(), 2_718);
    let checksum: String = Sha256::digest(&lines).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(checksum, CHECKSUM);
    let report = audit::run(app(cloud).store(), Instant::MAX).await.unwrap();
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!((report.accounts, report.orders, report.entries), (2_718, 7_410, 7_410));
}

/// Fails unless the figures are those of the yardstick.
fn check_figures(summary: &Summary) {
    let program = &summary.program;
    assert!(summary.rejected.is_empty(), "{:?}", summary.rejected);
    assert_eq!((program.accounts, program.orders, summary.guest_invoices), (2_718, 7_410, 1_696));
    assert_eq!((program.points_earned.0, program.points_outstanding.0), (3_893_185, 3_893_185));
    assert_eq!((program.tier_upgrades, program.discounts_issued), (803, 1_178));
    let tiers: Vec<_> = program.tiers.iter().map(|(tier, count)| (tier.as_str(), *count)).collect();
    assert_eq!(tiers, [("member", 2_001), ("silver", 639), ("gold", 61), ("platinum", 17)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_gives_the_figures_and_a_second_one_changes_nothing() {
    let Some(file) = file() else { return };
    let cloud = open(Storage::Memory).await;
    let first = import(&cloud, &plan(&file, false)).await;
    assert_eq!((first.orders_scored, first.orders_known), (7_410, 0));
    check_figures(&first);
    check_tables(&cloud, first.program.as_of.unwrap()).await;
    if cfg!(debug_assertions) {
        return;
    }
    for from_start in [true, false] {
        let again = import(&cloud, &plan(&file, from_start)).await;
        assert_eq!((again.orders_scored, again.orders_known), (0, 7_410));
        check_figures(&again);
        check_tables(&cloud, again.program.as_of.unwrap()).await;
    }
}

/// The `guilder` command of this build.
fn guilder() -> PathBuf {
    if let Some(path) = std::env::var_os("GUILDER_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join("guilder");
    assert!(path.exists(), "{} is missing; build it in the same profile first", path.display());
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_at_random_moments_and_resumed_gives_the_same() {
    const KILLS: usize = 8;
    let Some(file) = file_for_optimised_builds() else { return };
    let folder = Folder::new();
    let db = folder.join("guilder.db");
    let start = || {
        let mut command = Command::new(guilder());
        command.args(["import", "orders", "--mapping", "online-retail", "--skip-returns", "--json", "--db"]);
        command.arg(&db).arg(&file).current_dir(folder.path()).env_remove("AWS_ENDPOINT_URL_DYNAMODB");
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut killed = 0;
    let summary = loop {
        let mut child = start();
        if killed < KILLS {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(50..2_500))).await;
            if child.try_wait().unwrap().is_none() {
                // SIGKILL: nothing of the process runs after it.
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
                continue;
            }
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        break serde_json::from_slice::<Value>(&output.stdout).unwrap();
    };
    assert!(killed >= 3, "it was over after {killed} kills");
    let (scored, known) = (summary["orders_scored"].as_u64().unwrap(), summary["orders_known"].as_u64().unwrap());
    println!("killed {killed} times; the last run scored {scored} and knew {known}");
    assert_eq!(scored + known, 7_410);
    assert!(known > 0, "every run began anew");
    let last_invoice = Instant::parse(summary["program"]["as_of"].as_str().unwrap()).unwrap();
    check_tables(&open(Storage::File(db)).await, last_invoice).await;
}

/// The document of an order, as a shop would state it.
fn document(order: &Order) -> Value {
    let lines = order.lines.iter().map(|line| {
        let LinePrice::UnitPrice(price) = line.price else { panic!("an invoice has unit prices") };
        let price = format_trimmed(price.0, domain::money::UnitPrice::DECIMALS_MAX);
        json!({"line_id": line.line_id, "sku": line.sku, "quantity": line.quantity, "unit_price": price})
    });
    json!({
        "source": order.key.source, "order_id": order.key.order_id, "account_id": order.account_id,
        "placed_at": order.placed_at, "currency": order.currency.code(), "lines": lines.collect::<Value>(),
    })
}

/// Delivers one event, and again as long as the function says that it failed.
async fn deliver(app: &App, placed_at: Instant, body: &str) {
    let app = app.with_clock(Clock::Replay(placed_at));
    for _ in 0..100 {
        let batch = json!({"Records": [{"messageId": "m", "body": body, "eventSource": "aws:sqs"}]});
        let answer = order_placed::handle(&app, batch).await.unwrap();
        if answer == json!({"batchItemFailures": []}) {
            return;
        }
    }
    panic!("never taken: {body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_delivered_three_times_by_several_workers_give_the_same() {
    const DELIVERIES: u64 = 3;
    const WORKERS: u64 = 3;
    let Some(file) = file_for_optimised_builds() else { return };
    let mapping = Mapping::open("online-retail").unwrap();
    let history = History::read(&mapping, &[file]).unwrap();
    let events = history.orders.iter().map(|invoice| {
        let order = history.order(&mapping, invoice).unwrap();
        let event = json!({"detail-type": "OrderPlaced", "source": "history", "detail": document(&order)});
        let mut hasher = DefaultHasher::new();
        order.account_id.hash(&mut hasher);
        (hasher.finish(), order.placed_at, event.to_string())
    });
    let events: Arc<Vec<_>> = Arc::new(events.collect());
    let cloud = open(Storage::Memory).await;
    // Each worker has its share of the accounts and takes their events in order; every share is worked on three times
    // at once, and a worker's share of one delivery is spread over all workers of the next.
    let workers = (0..DELIVERIES).flat_map(|delivery| (0..WORKERS).map(move |worker| (delivery, worker)));
    let work = workers.map(|(delivery, worker)| {
        let (events, app) = (Arc::clone(&events), app(&cloud).clone());
        tokio::spawn(async move {
            let mine = |hash: u64| (hash >> (16 * delivery)) % WORKERS == worker;
            for (_, placed_at, body) in events.iter().filter(|(hash, _, _)| mine(*hash)) {
                deliver(&app, *placed_at, body).await;
            }
        })
    });
    for worker in work.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    check_tables(&cloud, history.last_at.unwrap()).await;
}
