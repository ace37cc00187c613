//! The nightly metrics: how long the models take to fit, how many accounts a core counts in a second, and the whole
//! run of a night over a million accounts, next to the bare parallel scan of the same table.
//!
//! The accounts are generated from a fixed seed, twenty thousand different ones, and each of them under as many ids as it
//! takes. The bare scan asks for the same pages of the same segments through the same SDK, as many at once, and looks at
//! none of the items. What a run has more is all the rest: the state machine, reading items, deciding what time has made
//! true, counting, checkpoints, fitting, and keeping the results.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss
)]

#[path = "rollup/accounts.rs"]
mod accounts;
#[path = "rollup/cdnow.rs"]
mod cdnow;
mod measure;

use accounts::Generated;
use analytics::bg_nbd::BgNbd;
use analytics::gamma_gamma::GammaGamma;
use analytics::rollup::{Night, Partial};
use local::cloud::Cloud;
use local::rollup::rollup;
use measure::{Bound, Report, median};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// At least a twentieth of what the Python package `lifetimes` takes: about 150 and 100 ms.
const PURCHASES_MS_MAX: f64 = 7.5;
const SPEND_MS_MAX: f64 = 5.0;
const RATIO_MIN: f64 = 0.8;
const MEMORY_MIB_MAX: f64 = 256.0;
/// By how much what a night adds per account to the bare scan may grow from the fewest accounts to the most. The scan's
/// own time per account grows by a factor of almost four: for each segment the embedded database looks through the whole
/// table, which at a million accounts no cache of its holds. DynamoDB keeps its segments apart.
const GROWTH_MAX: f64 = 1.15;
const FITS: usize = 51;
const ROUNDS: usize = 9;
const ROUNDS_OF_MOST: usize = 2;
const FEWEST: usize = 10_000;
const MOST: usize = 1_000_000;
/// Segments that are scanned at once, as the state machine does.
const AT_ONCE: usize = 8;

#[tokio::main]
async fn main() -> ExitCode {
    if !measure::is_asked_for() {
        return ExitCode::SUCCESS;
    }
    if accounts::fill_if_asked().await {
        return ExitCode::SUCCESS;
    }
    let mut report = Report::start("rollup");
    fits(&mut report);
    counting(&report);
    let few = night(&mut report, FEWEST).await;
    let many = night(&mut report, MOST).await;
    report.section("From the fewest accounts to the most");
    let name = "what a night adds per account, at the most ÷ at the fewest";
    report.bounded(name, many / few, Bound::AtMost(GROWTH_MAX));
    report.end()
}

fn elapsed_ms(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64() * 1e3
}

fn fits(report: &mut Report) {
    let customers = cdnow::customers();
    let (histories, spend) = (cdnow::histories(&customers), cdnow::spend(&customers));
    let purchases = || {
        black_box(BgNbd::fit(black_box(&histories), cdnow::TICKS).unwrap());
    };
    let spends = || {
        black_box(GammaGamma::fit(black_box(&spend)).unwrap());
    };
    report.section(&format!("CDNOW, {} customers, medians of {FITS} fits", customers.len()));
    let time = |fit: &dyn Fn()| median((0..FITS).map(|_| elapsed_ms(fit)));
    report.bounded("BG/NBD, ms", time(&purchases), Bound::AtMost(PURCHASES_MS_MAX));
    report.bounded("gamma-gamma, ms", time(&spends), Bound::AtMost(SPEND_MS_MAX));
}

/// The pure aggregation on one core.
fn counting(report: &Report) {
    let generated = Generated::new();
    let night = Night::new(accounts::day(), generated.schedule(), None);
    let rounds = (0..ROUNDS).map(|_| {
        let mut partial = Partial::default();
        let ms = elapsed_ms(|| {
            for account in generated.accounts() {
                partial.record(&night, black_box(account)).unwrap();
            }
        });
        assert_eq!(partial.flawed, 0, "{:?}", partial.flaws);
        black_box(partial);
        generated.accounts().len() as f64 / ms
    });
    report.section("Counting alone, one core");
    report.row("accounts per second", median(rounds) * 1e3, "accounts/s");
}

/// Runs a night over so many accounts; answers the microseconds that it adds per account to the bare scan.
async fn night(report: &mut Report, count: usize) -> f64 {
    let place = accounts::Place::filled(count).await;
    report.section(&format!("A night over {count} accounts in a database file, in turns with the bare scan"));
    let (mut nights, mut scans, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    // The first of each only warms up.
    let rounds = if count == MOST { ROUNDS_OF_MOST } else { ROUNDS };
    bare(&place.cloud, count).await;
    for round in 0..rounds {
        if round % 2 == 0 {
            scans.push(bare(&place.cloud, count).await);
        }
        measure::forget_peak();
        nights.push(counted(&place.cloud, count).await);
        peaks.push(measure::peak_mib());
        if round % 2 == 1 {
            scans.push(bare(&place.cloud, count).await);
        }
    }
    let (night_s, scan_s) = (median(nights.iter().copied()), median(scans.iter().copied()));
    report.row("the night", night_s, "s");
    report.row("the bare scan", scan_s, "s");
    let per_account_us = |seconds: f64| seconds / count as f64 * 1e6;
    report.row("the night, per account", per_account_us(night_s), "us");
    let added_us = per_account_us(median(nights.iter().zip(&scans).map(|(night, scan)| night - scan)));
    report.row("what it adds to the bare scan, per account", added_us, "us");
    if count == MOST {
        let ratios = nights.iter().zip(&scans).map(|(night, scan)| scan / night);
        report.bounded("speed of the night ÷ speed of the bare scan", median(ratios), Bound::AtLeast(RATIO_MIN));
        let peak = peaks.iter().copied().fold(0.0, f64::max);
        report.bounded("most memory, of the database and all else, MiB", peak, Bound::AtMost(MEMORY_MIB_MAX));
    }
    added_us
}

async fn counted(cloud: &Arc<Cloud>, count: usize) -> f64 {
    let started = Instant::now();
    let summary = rollup(cloud, Some(accounts::day())).await.unwrap();
    assert_eq!(summary.accounts, count as u64);
    started.elapsed().as_secs_f64()
}

/// Seconds of a bare scan.
async fn bare(cloud: &Arc<Cloud>, count: usize) -> f64 {
    let app = cloud.app("metric-rollup").unwrap();
    let (client, table) = (app.store().client().clone(), app.config().tables.accounts.clone());
    let started = Instant::now();
    let (mut workers, mut seen) = (JoinSet::new(), 0);
    let mut segments = 0..metric_rollup::SEGMENTS;
    loop {
        while workers.len() < AT_ONCE
            && let Some(segment) = segments.next()
        {
            let (client, table) = (client.clone(), table.clone());
            workers.spawn(async move {
                let (mut after, mut seen) = (None, 0);
                loop {
                    let scan =
                        client.scan().table_name(&table).segment(segment).total_segments(metric_rollup::SEGMENTS);
                    let page = scan.set_exclusive_start_key(after).send().await.unwrap();
                    seen += black_box(page.items()).len();
                    after = page.last_evaluated_key;
                    if after.is_none() {
                        return seen;
                    }
                }
            });
        }
        let Some(done) = workers.join_next().await else { break };
        seen += done.unwrap();
    }
    assert_eq!(seen, count);
    started.elapsed().as_secs_f64()
}
