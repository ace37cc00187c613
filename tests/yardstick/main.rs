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

use analytics::night::{PeriodFigures, PeriodResult, kept};
use analytics::rate::Rate;
use domain::money::format_trimmed;
use domain::order::{LinePrice, Order};
use domain::time::Instant;
use local::cloud::{Cloud, Options, Storage};
use local::import::history::{History, Invoice};
use local::import::{self, Plan, Summary};
use local::mapping::Mapping;
use local::simulate::{self, Asked};
use local::{audit, export, program, rollup};
use runtime::{App, Clock};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use store::Kept;
use tests::{Folder, WHOLESALE};

const FILE: &str = "online-retail-2010-12_2011-05.csv.gz";

/// What the file comes to.
struct Figures {
    skip_returns: bool,
    checksum: &'static str,
    first_line: &'static str,
    accounts: u64,
    guest_invoices: u64,
    returns: u64,
    units_returned: u64,
    units_unmatched: u64,
    points_earned: i64,
    points_reversed: i64,
    points_outstanding: i64,
    tier_upgrades: u64,
    tiers: [(&'static str, u64); 4],
}

/// All of it.
const WHOLE: Figures = Figures {
    skip_returns: false,
    checksum: "a791c743a1b40544cef702b5f725ebd1301f1fea44c14d2c55293537a613c23b",
    first_line: "12346,0,platinum,1",
    accounts: 2_767,
    guest_invoices: 1_785,
    returns: 1_588,
    units_returned: 103_057,
    units_unmatched: 19_439,
    points_earned: 3_888_879,
    points_reversed: 160_728,
    points_outstanding: 3_728_151,
    tier_upgrades: 789,
    tiers: [("member", 2_061), ("silver", 629), ("gold", 62), ("platinum", 15)],
};

/// The orders alone.
const ORDERS: Figures = Figures {
    skip_returns: true,
    checksum: "a3f9e91a0e12bc0c2c418a95e09d169a6deacbcca0b0f70ef8dd560e75400a4a",
    first_line: "12346,77183,platinum,1",
    accounts: 2_718,
    guest_invoices: 1_696,
    returns: 0,
    units_returned: 0,
    units_unmatched: 0,
    points_earned: 3_893_185,
    points_reversed: 0,
    points_outstanding: 3_893_185,
    tier_upgrades: 803,
    tiers: [("member", 2_001), ("silver", 639), ("gold", 61), ("platinum", 17)],
};

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

fn plan(figures: &Figures, file: &Path, from_start: bool) -> Plan {
    let mapping = Mapping::open("online-retail").unwrap();
    Plan { mapping, files: vec![file.to_owned()], skip_returns: figures.skip_returns, from_start, workers: 4 }
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
async fn check_tables(figures: &Figures, cloud: &Cloud, last_invoice: Instant) {
    let rows = export::accounts(app(cloud).store(), &app(cloud).schedule().await.unwrap(), last_invoice).await.unwrap();
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    assert_eq!(lines.lines().next(), Some(figures.first_line));
    let checksum: String = Sha256::digest(&lines).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((rows.len() as u64, checksum.as_str()), (figures.accounts, figures.checksum));
    let report = audit::run(app(cloud), Instant::MAX).await.unwrap();
    assert!(report.findings.is_empty() && report.notes.is_empty(), "{report}");
    assert_eq!((report.accounts, report.orders), (figures.accounts, 7_410));
    assert_eq!((report.issued, report.reversed), (figures.points_earned.into(), figures.points_reversed.into()));
}

/// Fails unless the figures are those of the yardstick.
fn check_figures(figures: &Figures, summary: &Summary) {
    let program = &summary.program;
    assert!(summary.rejected.is_empty(), "{:?}", summary.rejected);
    assert_eq!((program.accounts, program.orders), (figures.accounts, 7_410));
    assert_eq!((program.customers, program.repeat_customers), (2_718, 1_386));
    assert_eq!(summary.guest_invoices, figures.guest_invoices);
    assert_eq!((program.units_returned, program.units_unmatched), (figures.units_returned, figures.units_unmatched));
    assert_eq!((program.points_earned.0, program.points_reversed.0), (figures.points_earned, figures.points_reversed));
    assert_eq!(program.points_outstanding.0, figures.points_outstanding);
    assert_eq!((program.tier_upgrades, program.discounts_issued), (figures.tier_upgrades, 1_178));
    let tiers: Vec<_> = program.tiers.iter().map(|(tier, count)| (tier.as_str(), *count)).collect();
    assert_eq!(tiers, figures.tiers);
}

/// Fails unless the night of the last invoice comes to the same: who bought, who bought again, and what is outstanding.
async fn check_night(figures: &Figures, cloud: &Arc<Cloud>, last_invoice: Instant) {
    let day = last_invoice.utc_day();
    let summary = rollup::rollup(cloud, Some(day)).await.unwrap();
    assert_eq!((summary.accounts, summary.decided_later), (figures.accounts, 0));
    assert_eq!(summary.points_outstanding, figures.points_outstanding.into());
    let kept: Option<PeriodResult> =
        app(cloud).store().kept_as(Kept::Period { by: "total", period: "lifetime" }, kept::read).await.unwrap();
    let PeriodFigures { figures: lifetime, .. } = kept.unwrap().groups["total"];
    assert_eq!((lifetime.customers, lifetime.repeat_customers, lifetime.orders), (2_718, 1_386, 7_410));
    assert_eq!(Rate::new(lifetime.repeat_customers, lifetime.customers).unwrap().percent(4), "50.9934");
    assert_eq!(lifetime.points_earned, figures.points_earned.into());
    // Six months, of which the quarters and years, too, count every order once.
    let mut orders = 0;
    for month in ["2010-12", "2011-01", "2011-02", "2011-03", "2011-04", "2011-05"] {
        let kept: Option<PeriodResult> =
            app(cloud).store().kept_as(Kept::Period { by: "tier", period: month }, kept::read).await.unwrap();
        orders += kept.unwrap().groups.values().map(|group| group.figures.orders).sum::<u64>();
    }
    assert_eq!(orders, 7_410);
}

/// Fails unless a replay of all that is stored, under the version in force, comes to the same in everything.
async fn check_simulation(figures: &Figures, cloud: &Cloud) {
    let mut checksums = Vec::new();
    for workers in [1, 4] {
        let draft = serde_json::from_str(WHOLESALE).unwrap();
        let asked = Asked { draft, as_of: None, workers };
        let simulated = simulate::run(app(cloud), asked, |_, _| ()).await.unwrap();
        let report = &simulated.report;
        assert_eq!((report.total.accounts, report.orders), (figures.accounts, 7_410));
        assert_eq!((report.not_reproduced, report.gains.len(), report.losses.len()), (0, 0, 0));
        assert_eq!(report.total.happened, report.total.draft);
        let total = &report.total.draft;
        let points = (total.figures.points_issued.0, total.figures.points_reversed.0, total.outstanding.0);
        assert_eq!(points, (figures.points_earned, figures.points_reversed, figures.points_outstanding));
        assert_eq!((total.figures.discounts_issued, total.upgrades), (1_178, figures.tier_upgrades));
        let tiers = report.tier_moves.iter().map(|((from, to), accounts)| {
            assert_eq!(from, to);
            (from.as_ref().unwrap().as_str(), *accounts)
        });
        let tiers: BTreeMap<_, _> = tiers.collect();
        assert_eq!(tiers, BTreeMap::from(figures.tiers));
        checksums.push(report.checksum());
    }
    assert_eq!(checksums[0], checksums[1]);
}

async fn an_import_gives(figures: &Figures) {
    let Some(file) = file() else { return };
    let cloud = Arc::new(open(Storage::Memory).await);
    let first = import(&cloud, &plan(figures, &file, false)).await;
    assert_eq!((first.orders_scored, first.orders_known), (7_410, 0));
    assert_eq!((first.returns_imported, first.returns_known), (figures.returns, 0));
    check_figures(figures, &first);
    check_tables(figures, &cloud, first.program.as_of.unwrap()).await;
    check_night(figures, &cloud, first.program.as_of.unwrap()).await;
    check_simulation(figures, &cloud).await;
    if cfg!(debug_assertions) {
        return;
    }
    for from_start in [true, false] {
        let again = import(&cloud, &plan(figures, &file, from_start)).await;
        assert_eq!((again.orders_scored, again.orders_known), (0, 7_410));
        assert_eq!((again.returns_imported, again.returns_known), (0, figures.returns));
        check_figures(figures, &again);
        check_tables(figures, &cloud, again.program.as_of.unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_gives_the_figures_and_a_second_one_changes_nothing() {
    an_import_gives(&WHOLE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_without_returns_gives_its_figures_and_a_second_one_changes_nothing() {
    an_import_gives(&ORDERS).await;
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

/// The command's import into a database, under way.
fn importing(folder: &Folder, db: &Path, file: &Path) -> Child {
    let mut command = Command::new(guilder());
    command.args(["import", "orders", "--mapping", "online-retail", "--json", "--db"]).arg(db).arg(file);
    command.current_dir(folder.path()).env_remove("AWS_ENDPOINT_URL_DYNAMODB");
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_at_random_moments_and_resumed_gives_the_same() {
    const KILLS: usize = 50;
    let Some(file) = file_for_optimised_builds() else { return };
    let seed = std::env::var("GUILDER_TEST_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("GUILDER_TEST_SEED={seed} kills it at the same moments");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = Folder::new();
    let (mut killed, mut resumed) = (0, 0);
    // One that is over before its time is checked, too, and the next one begins.
    for round in 1.. {
        let db = folder.join(&format!("{round}.db"));
        let summary = loop {
            let mut child = importing(&folder, &db, &file);
            if killed < KILLS {
                tokio::time::sleep(Duration::from_millis(random.u64(50..2_500))).await;
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
        let number = |field: &str| summary[field].as_u64().unwrap();
        assert_eq!(number("orders_scored") + number("orders_known"), 7_410);
        assert_eq!(number("returns_imported") + number("returns_known"), WHOLE.returns);
        resumed += number("orders_known");
        println!("round {round}: {killed} kills so far; the last run scored {} orders", number("orders_scored"));
        let last_invoice = Instant::parse(summary["program"]["as_of"].as_str().unwrap()).unwrap();
        check_tables(&WHOLE, &open(Storage::File(db)).await, last_invoice).await;
        if killed == KILLS {
            break;
        }
    }
    assert!(resumed > 0, "every run began anew");
}

/// The document of an order, as a shop would state it.
fn order_document(order: &Order) -> Value {
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

/// An invoice as the event that its merchant's systems would put on the bus.
fn event(history: &History, mapping: &Mapping, invoice: &Invoice) -> String {
    let (detail_type, detail) = if invoice.is_return {
        let mut detail = serde_json::to_value(history.credit_note(invoice).unwrap()).unwrap();
        detail["account_id"] = json!(invoice.account_id);
        ("AccountReturned", detail)
    } else {
        ("OrderPlaced", order_document(&history.order(mapping, invoice).unwrap()))
    };
    json!({"detail-type": detail_type, "source": "history", "detail": detail}).to_string()
}

/// Delivers one event, and again as long as the function says that it failed.
async fn deliver(app: &App, is_return: bool, at: Instant, body: &str) {
    let app = app.with_clock(Clock::Replay(at));
    for _ in 0..100 {
        let batch = json!({"Records": [{"messageId": "m", "body": body, "eventSource": "aws:sqs"}]});
        let answer = match is_return {
            false => order_placed::handle(&app, batch).await.unwrap(),
            true => order_returned::handle(&app, batch).await.unwrap(),
        };
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
    let events = history.invoices.iter().map(|invoice| {
        let mut hasher = DefaultHasher::new();
        invoice.account_id.hash(&mut hasher);
        (hasher.finish(), invoice.is_return, invoice.at, event(&history, &mapping, invoice))
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
            for (_, is_return, at, body) in events.iter().filter(|(hash, ..)| mine(*hash)) {
                deliver(&app, *is_return, *at, body).await;
            }
        })
    });
    for worker in work.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    check_tables(&WHOLE, &cloud, history.last_at.unwrap()).await;
}
