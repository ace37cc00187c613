//! Many due items on one day: all are written, in constant memory.
//!
//! `GUILDER_TEST_DUE_ITEMS` says how many; `.ci/slow` asks for 100,000.

use crate::walker::{put_due, walk_shard, walking_for};
use domain::warning::Walk;
use local::cloud::Storage;
use local::connector::Embedded;
use runtime::walker::Counts;
use std::time::Duration;
use store::DUE_SHARDS;
use tests::{Cloud, Folder, WHOLESALE, at};
use tokio::task::JoinSet;

const ITEMS: usize = 1_500;
/// What the process may grow by between a quarter of the shards and all of them, however many items they hold.
const GROWTH_KIB_MAX: u64 = 16 * 1_024;
const DAY: &str = "2011-03-02";

fn items() -> usize {
    std::env::var("GUILDER_TEST_DUE_ITEMS").map_or(ITEMS, |count| count.parse().unwrap())
}

/// Memory that the process has for itself, where the system tells it. The database's file is mapped into it besides,
/// and grows with what is stored.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Walks these shards, some at once, as the state machine does.
async fn walk(cloud: &Cloud, shards: impl Iterator<Item = u64>) -> Counts {
    let app = walking_for(cloud, Duration::from_millis(200));
    let (mut waiting, mut running, mut done) = (shards, JoinSet::new(), Counts::default());
    loop {
        while running.len() < 8
            && let Some(shard) = waiting.next()
        {
            let app = app.clone();
            running.spawn(async move { walk_shard(&app, Walk::Expiry, DAY, shard).await.0 });
        }
        let Some(counts) = running.join_next().await else { return done };
        done = done.plus(counts.unwrap());
    }
}

#[tokio::test]
async fn a_day_with_many_due_items_is_walked_whole_in_constant_memory() {
    let count = items();
    let folder = Folder::new();
    // In a file: what is stored is no part of the walker's memory.
    let cloud = Cloud::open(Storage::File(folder.join("guilder.db")), None).await;
    cloud.activate(serde_json::from_str(WHOLESALE).unwrap()).await;
    if let Some(database) = cloud.local().database().map(Embedded::database) {
        database.enable_bulk_loading().unwrap();
    }
    for n in 0..count {
        put_due(&cloud, &format!("customer-{n:06}"), at("2011-03-02T12:00:00Z")).await;
    }
    // From here on the database keeps little in memory, so that what grows is the walker's.
    if let Some(database) = cloud.local().database().map(Embedded::database) {
        database.disable_bulk_loading().unwrap();
    }
    cloud.set_clock("2011-03-03T02:00:00Z");
    let first = walk(&cloud, 0..DUE_SHARDS / 4).await;
    let before = resident_kib();
    let rest = walk(&cloud, DUE_SHARDS / 4..DUE_SHARDS).await;
    let growth = resident_kib().zip(before).map(|(after, before)| after.saturating_sub(before));
    let all = Counts { walked: count as u64, written: count as u64, set_aside: 0 };
    assert_eq!(first.plus(rest), all);
    println!("{count} items: grown by {growth:?} KiB over three quarters of them");
    // Other tests share the process unless this one is asked for alone, as `.ci/slow` does.
    if count > ITEMS {
        assert!(growth.is_none_or(|grown| grown <= GROWTH_KIB_MAX), "{growth:?} KiB");
    }
    assert_eq!(walk(&cloud, 0..DUE_SHARDS).await, Counts::default(), "nothing is left");
}
