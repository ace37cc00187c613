//! Orders per second that a draft is replayed over: the real six months, as they are stored after an import.
//!
//! What is timed is `simulation::simulate` over facts that are in memory, on one core: each history twice, under the
//! version in force and under the draft, with its returns and whatever was stored as happened. Reading the facts out of
//! the tables is timed apart.

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

use domain::program::Program;
use domain::schedule::{Activation, Schedule};
use domain::simulation::{self, Facts, Plan, Report, Worth};
use domain::time::Instant;
use dynoxide::Database;
use local::cloud::Cloud;
use local::connector::Embedded;
use local::import;
use local::mapping::Mapping;
use local::walk;
use measure::{Bound, median, world};
use runtime::Clock;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const RATE_MIN: f64 = 50_000.0;
const ROUNDS: usize = 15;
const FILE: &str = "online-retail-2010-12_2011-05.csv.gz";

#[tokio::main]
async fn main() -> ExitCode {
    if !measure::is_asked_for() {
        return ExitCode::SUCCESS;
    }
    let mut report = measure::Report::start("simulate");
    let cloud = world::deployed(Embedded::new(Database::memory().unwrap()), Clock::system()).await;
    import(&cloud).await;
    let app = world::order_placed_app(&cloud);
    let started = std::time::Instant::now();
    let facts = facts(&cloud).await;
    let reading_s = started.elapsed().as_secs_f64();
    let orders = facts.iter().map(|facts| facts.orders.len()).sum::<usize>() as f64;

    let mut document: Value = serde_json::from_str(world::PROGRAM).unwrap();
    document["earning_rules"][0]["points"] = json!(2);
    document["discounts"][0]["percent"] = json!("10");
    let program = Arc::new(Program::from_json(&document).unwrap());
    let draft = Schedule::only(Activation { from: Instant::MIN, version: 1, program });
    let in_force = app.schedule().await.unwrap();
    let as_of = facts.iter().map(|facts| facts.account.last_decided).max().unwrap();
    let plan = Plan { in_force: &in_force, draft: &draft, secrets: app.secrets(), as_of, assumed: None };

    report.section(&format!("{orders} orders of {} accounts, {ROUNDS} rounds on one core", facts.len()));
    report.row("reading their facts, one account after the other", reading_s, "s");
    report.row("  orders read", orders / reading_s, "orders/s");
    let once = timed(|| facts.iter().for_each(|facts| drop(simulation::replay(facts, &in_force, &plan).unwrap())));
    report.row("one replay, under the version in force", orders / once, "orders/s");
    let whole = timed(|| drop(simulate(&facts, &plan)));
    report.row("  all of it", whole, "s");
    report.bounded(
        "both replays, what is stored, and the report: orders per second",
        orders / whole,
        Bound::AtLeast(RATE_MIN),
    );
    let simulated = simulate(&facts, &plan);
    assert_eq!(simulated.not_reproduced, 0, "{:?}", simulated.not_reproduced_first);
    report.end()
}

/// Seconds, the median of the rounds.
fn timed(mut work: impl FnMut()) -> f64 {
    let round = |_| {
        let started = std::time::Instant::now();
        work();
        started.elapsed().as_secs_f64()
    };
    median((0..ROUNDS).map(round).collect::<Vec<_>>())
}

fn simulate(facts: &[Facts], plan: &Plan<'_>) -> Report {
    let mut report = Report::new(Worth::of(plan));
    for facts in facts {
        report.add(&simulation::simulate(facts, plan).unwrap()).unwrap();
    }
    report
}

async fn import(cloud: &Cloud) {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("GUILDER_DATA").map_or(usual, PathBuf::from);
    let file = folder.join(FILE);
    assert!(file.exists(), "{} is missing; GUILDER_DATA names the folder that has it", file.display());
    let mapping = Mapping::open("online-retail").unwrap();
    let workers = usize::from(import::WORKERS);
    let plan = import::Plan { mapping, files: vec![file], skip_returns: false, from_start: false, workers };
    import::run(&world::order_placed_app(cloud), &plan, Arc::new(|_, _| {})).await.unwrap();
}

/// The facts of all accounts, ascending by id.
async fn facts(cloud: &Cloud) -> Vec<Facts> {
    let app = world::order_placed_app(cloud);
    let mut accounts = Vec::new();
    walk::accounts(app.store(), |account| {
        accounts.push(account);
        Ok::<_, store::Fault>(())
    })
    .await
    .unwrap();
    accounts.sort_by(|one, other| one.id.cmp(&other.id));
    let mut facts = Vec::with_capacity(accounts.len());
    for account in accounts {
        facts.push(app.store().facts(account).await.unwrap());
    }
    facts
}
