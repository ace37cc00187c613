//! The walker itself: shards, cursors, days that close, accounts that fail, and everything at once.

use crate::walks::with_reviews;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::Account;
use domain::decision::{Context, commit};
use domain::id::AccountId;
use domain::ledger::{Cause, Change, PointsChange};
use domain::lots::Lot;
use domain::money::Points;
use domain::time::{Day, Instant};
use domain::warning::Walk;
use runtime::walker::{self, Counts, PAGE, Shard, Task};
use runtime::{App, Fault, Patience};
use serde_json::{Value, json};
use std::time::Duration;
use store::DUE_SHARDS;
use tests::network::Staleness;
use tests::{Cloud, at};

/// The shard of an account, which is part of the key format.
pub fn shard_of(id: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    (hash ^ (hash >> 32)) % DUE_SHARDS
}

pub fn in_shard(shard: u64) -> impl Iterator<Item = String> {
    (0..).map(|n| format!("a-{n}")).filter(move |id| shard_of(id) == shard)
}

pub fn expiry(cloud: &Cloud) -> &App {
    cloud.local().app("discount-expiry").unwrap()
}

/// A function's app whose walks hand back a cursor after this long.
pub fn walking_for(cloud: &Cloud, walk: Duration) -> App {
    let app = App::clone(cloud.local().app("discount-expiry").unwrap());
    app.with_patience(Patience { walk, ..Patience::default() })
}

/// Puts an account with a lot that ends at an instant.
pub async fn put_due(cloud: &Cloud, id: &str, ends_at: Instant) {
    let app = cloud.app();
    let schedule = app.schedule().await.unwrap();
    let (mut account, enrolled) =
        Account::enrol(AccountId::parse(id).unwrap(), &schedule.at(cloud.now()).program, cloud.now());
    account.holdings.add(Lot::until(ends_at, Points(7))).unwrap();
    account.lifetime.credited = Points(7);
    let (reason, reference) = ("a test".to_owned(), None);
    let credited = Change::Points(PointsChange::Credited { points: Points(7), expires_at: ends_at, reason, reference });
    let context = Context {
        schedule: &schedule,
        secrets: app.secrets(),
        by: "test",
        now: cloud.now(),
        wall_day: cloud.now().utc_day(),
        collisions: 0,
    };
    let writes = commit(account, Cause::Adjustment, vec![enrolled, credited], 1, &context).unwrap();
    assert!(matches!(app.store().commit(&writes).await.unwrap(), store::Commit::Done));
}

/// Walks a shard to its end, through all its cursors; how many invocations that took.
pub async fn walk_shard(app: &App, walk: Walk, day: &str, shard: u64) -> (Counts, usize) {
    let mut task = json!({"task": "walk", "day": day, "shard": shard});
    for invocations in 1.. {
        task = walker::handle(app, walk, task).await.unwrap();
        if task.get("cursor").is_none() {
            let Task::Walk(Shard { done, .. }) = serde_json::from_value(task).unwrap() else { panic!("another task") };
            return (done, invocations);
        }
    }
    unreachable!()
}

/// The tasks of a plan, in the order of its stages.
pub fn tasks(plan: &Value) -> impl Iterator<Item = &Value> {
    plan["stages"].as_array().unwrap().iter().flat_map(|stage| stage.as_array().unwrap())
}

pub const TOMORROW: &str = "2011-03-02";

/// A cloud on whose next day so many lots of one shard end, and which stands after it.
pub async fn with_due(count: usize, shard: u64) -> (Cloud, Vec<String>) {
    let cloud = Cloud::start().await;
    let ids: Vec<_> = in_shard(shard).take(count).collect();
    for (n, id) in ids.iter().enumerate() {
        put_due(&cloud, id, at("2011-03-02T00:00:00Z").plus_ms(n as i64 % 50)).await;
    }
    cloud.set_clock("2011-03-03T02:00:00Z");
    (cloud, ids)
}

/// How many entries say that points have ended.
pub async fn expiries(cloud: &Cloud, id: &str) -> usize {
    let history = cloud.account(id).history().await;
    let changes = history.iter().flat_map(|entry| entry["changes"].as_array().unwrap());
    changes.filter(|change| change["type"] == "points.expired").count()
}

#[tokio::test]
async fn a_shard_that_nears_its_time_limit_hands_back_a_cursor_and_goes_on() {
    let count = 2 * usize::from(PAGE) + 30;
    let (cloud, ids) = with_due(count, 5).await;
    let app = walking_for(&cloud, Duration::ZERO);
    let (done, invocations) = walk_shard(&app, Walk::Expiry, TOMORROW, 5).await;
    assert_eq!(done, Counts { walked: count as u64, written: count as u64, set_aside: 0 });
    for id in [&ids[0], &ids[count / 2], &ids[count - 1]] {
        assert_eq!(expiries(&cloud, id).await, 1);
    }
    // A limit that is over already lets one account through at a time.
    assert_eq!(invocations, count);
    // Without a limit it is one invocation, and there is nothing left.
    assert_eq!(walk_shard(expiry(&cloud), Walk::Expiry, TOMORROW, 5).await, (Counts::default(), 1));
    cloud.audit().await;
}

#[tokio::test]
async fn two_walkers_at_once_write_once() {
    if tests::skips_concurrency() {
        return;
    }
    let (cloud, ids) = with_due(60, 9).await;
    cloud.stale_reads(Staleness::Any);
    let walk = |walk| walk_shard(expiry(&cloud), walk, TOMORROW, 9);
    let (first, second, third) = tokio::join!(walk(Walk::Expiry), walk(Walk::Expiry), walk(Walk::Review));
    cloud.stale_reads(Staleness::None);
    let written = first.0.written + second.0.written + third.0.written;
    assert_eq!(written, 60, "{first:?} {second:?} {third:?}");
    for id in &ids {
        assert_eq!(expiries(&cloud, id).await, 1, "{id}");
    }
    cloud.audit().await;
}

#[tokio::test]
async fn a_crash_anywhere_writes_nothing_twice() {
    for seed in 0..4 {
        let (cloud, ids) = with_due(40, 2).await;
        let Some(network) = cloud.network() else { return };
        network.trouble(seed, 150);
        let task = json!({"task": "walk", "day": TOMORROW, "shard": 2});
        // An invocation that is cut off at any point, again and again.
        for cut in 0..6 {
            let app = App::clone(expiry(&cloud));
            let walking = tokio::spawn({
                let task = task.clone();
                async move { walker::handle(&app, Walk::Expiry, task).await }
            });
            for _ in 0..cut * 60 {
                tokio::task::yield_now().await;
            }
            walking.abort();
            drop(walking.await);
        }
        network.calm();
        cloud.sweep(None).await;
        cloud.sweep(None).await;
        for id in &ids {
            assert_eq!(expiries(&cloud, id).await, 1, "{id}, seed {seed}");
        }
        cloud.audit().await;
    }
}

#[tokio::test]
async fn an_account_that_fails_is_set_aside_with_its_reason_blocks_nobody_and_is_tried_again() {
    let (cloud, ids) = with_due(12, 3).await;
    let (table, client) = (cloud.app().config().tables.accounts.clone(), cloud.local().client().clone());
    let key = AttributeValue::S(ids[4].clone());
    let item = client.get_item().table_name(&table).key("account_id", key).send().await.unwrap().item.unwrap();
    let mut corrupt = item.clone();
    corrupt.insert("lots".to_owned(), AttributeValue::S("no lots".to_owned()));
    client.put_item().table_name(&table).set_item(Some(corrupt)).send().await.unwrap();
    let swept = cloud.sweep(Some(TOMORROW)).await;
    assert_eq!(swept[0].counts, Counts { walked: 12, written: 11, set_aside: 1 });
    assert_eq!(swept[0].set_aside[0].account_id.as_str(), ids[4]);
    assert!(swept[0].set_aside[0].reason.contains("lots is not binary"), "{:?}", swept[0].set_aside);
    // The day closes without it.
    cloud.sweep(None).await;
    cloud.sweep(None).await;
    let open = cloud.app().store().first_open_day(Walk::Expiry).await.unwrap();
    assert_eq!(open, Day::parse("2011-03-03"));
    // Mended, it is walked by the next plan, whatever day that is for.
    client.put_item().table_name(&table).set_item(Some(item)).send().await.unwrap();
    cloud.set_clock("2011-03-04T02:00:00Z");
    let swept = cloud.sweep(Some("2011-03-04")).await;
    assert_eq!(swept[0].counts, Counts { walked: 1, written: 1, set_aside: 0 });
    assert_eq!(swept[0].set_aside, []);
    assert_eq!(expiries(&cloud, &ids[4]).await, 1);
    cloud.audit().await;
}

#[tokio::test]
async fn a_day_closes_for_each_function_when_all_shards_report_an_hour_after_it() {
    let cloud = Cloud::start().await;
    let store = cloud.app().store();
    let day = Day::parse(TOMORROW).unwrap();
    store.set_first_open_day(Walk::Expiry, day).await.unwrap();
    let plan = async || {
        let plan = walker::handle(expiry(&cloud), Walk::Expiry, json!({"task": "plan"})).await.unwrap();
        let days = tasks(&plan).filter(|task| task["task"] == "walk");
        let mut days: Vec<_> = days.map(|task| task["day"].as_str().unwrap().to_owned()).collect();
        days.dedup();
        days
    };
    // A walk on the day itself, or too early after it, closes nothing.
    for clock in ["2011-03-02T12:00:00Z", "2011-03-03T00:59:59.999Z"] {
        cloud.set_clock(clock);
        for shard in 0..DUE_SHARDS {
            walk_shard(expiry(&cloud), Walk::Expiry, TOMORROW, shard).await;
        }
        assert_eq!(store.shards_done(Walk::Expiry, day).await.unwrap().len(), 0);
    }
    cloud.set_clock("2011-03-03T01:00:00Z");
    for shard in 1..DUE_SHARDS {
        walk_shard(expiry(&cloud), Walk::Expiry, TOMORROW, shard).await;
    }
    assert_eq!(plan().await, ["2011-03-02", "2011-03-03"], "one shard has not reported");
    walk_shard(expiry(&cloud), Walk::Expiry, TOMORROW, 0).await;
    assert_eq!(plan().await, ["2011-03-03"]);
    assert_eq!(store.first_open_day(Walk::Expiry).await.unwrap(), Some(Day(day.0 + 1)));
    assert_eq!(store.shards_done(Walk::Review, day).await.unwrap().len(), 0, "the other function has its own days");
}

#[tokio::test]
async fn a_long_time_off_is_caught_up_with_in_one_sweep_and_never_keeps_today_waiting() {
    let cloud = Cloud::with(|program| program["discounts"][0]["validity_days"] = json!(20)).await;
    cloud.order("o-1").line("MUG", 1, "600.00").send().await.expect(201);
    cloud.set_clock("2011-03-25T23:00:00Z");
    let plan = walker::handle(expiry(&cloud), Walk::Expiry, json!({"task": "plan"})).await.unwrap();
    let mut days: Vec<_> = tasks(&plan).filter_map(|task| task["day"].as_str()).collect();
    days.dedup();
    let (old, new): (Vec<_>, Vec<_>) = days.iter().partition(|day| **day < "2011-03-20");
    assert_eq!((old.len(), new), (15, vec![&"2011-03-24", &"2011-03-25"]));
    assert_eq!(plan["days_left"], 8);
    // What is filed for the 21st is in the second plan.
    let swept = cloud.sweep(None).await;
    assert_eq!((swept[0].counts.written, &swept[0].failure), (1, &None), "{swept:?}");
    let open = cloud.app().store().first_open_day(Walk::Expiry).await.unwrap();
    assert_eq!(open, Day::parse("2011-03-16"));
    cloud.sweep(None).await;
    assert_eq!(cloud.app().store().first_open_day(Walk::Expiry).await.unwrap(), Day::parse("2011-03-25"));
}

#[tokio::test]
async fn a_plan_fits_what_a_state_machine_carries() {
    const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
    let cloud = Cloud::start().await;
    cloud.set_clock("2012-03-01T23:59:59.999Z");
    let mut plan = walker::handle(expiry(&cloud), Walk::Expiry, json!({"task": "plan"})).await.unwrap();
    let done = json!({"walked": 1_000_000, "written": 1_000_000, "set_aside": 1_000_000});
    let mut count = 0;
    for task in plan["stages"].as_array_mut().unwrap().iter_mut().flat_map(|stage| stage.as_array_mut().unwrap()) {
        task["done"] = done.clone();
        count += 1;
    }
    assert_eq!(count, 1 + 17 * 64);
    assert!(plan.to_string().len() < PAYLOAD_BYTES_MAX * 3 / 4, "{}", plan.to_string().len());
}

#[tokio::test]
async fn a_database_of_which_nobody_noted_the_first_day_is_filed_whole() {
    let (cloud, ids) = with_due(5, 11).await;
    let metrics = &cloud.app().config().tables.metrics;
    for period in ["OPEN", "FILED"] {
        let delete = cloud.local().client().delete_item().table_name(metrics);
        let delete = delete.key("metric", AttributeValue::S("walk#expiry".to_owned()));
        delete.key("period", AttributeValue::S(period.to_owned())).send().await.unwrap();
    }
    cloud.set_clock("2011-04-20T02:00:00Z");
    let swept = cloud.sweep(None).await;
    assert_eq!(swept[0].counts, Counts { walked: 5, written: 5, set_aside: 0 });
    for id in &ids {
        assert_eq!(expiries(&cloud, id).await, 1);
    }
    let store = cloud.app().store();
    assert_eq!(store.first_open_day(Walk::Expiry).await.unwrap(), Day::parse("2011-04-20"));
    // Noted by the next plan, and then no more.
    cloud.sweep(None).await;
    assert_eq!(store.filed_activation(Walk::Expiry).await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_machine_goes_on_where_a_cursor_leads() {
    let count = usize::from(PAGE) + 20;
    let (cloud, _) = with_due(count, 6).await;
    let swept = cloud.hurried().await.sweep(Some(TOMORROW)).await;
    assert_eq!(swept[0].counts, Counts { walked: count as u64, written: count as u64, set_aside: 0 });
}

/// What of a shard of the day is noted as done.
async fn is_done(cloud: &Cloud, shard: u64) -> bool {
    let done = cloud.app().store().shards_done(Walk::Expiry, Day::parse(TOMORROW).unwrap()).await.unwrap();
    done.contains(&shard)
}

#[tokio::test]
async fn a_shard_that_was_begun_too_early_does_not_close_when_it_ends_late_enough() {
    let (cloud, ids) = with_due(3, 5).await;
    let app = walking_for(&cloud, Duration::ZERO);
    cloud.set_clock("2011-03-03T00:30:00Z");
    let task = json!({"task": "walk", "day": TOMORROW, "shard": 5});
    let begun = walker::handle(&app, Walk::Expiry, task.clone()).await.unwrap();
    // Filed by then before the place where it goes on.
    let behind = in_shard(5).nth(50).unwrap();
    put_due(&cloud, &behind, at("2011-03-02T00:00:00Z").plus_ms(-1)).await;
    let client = cloud.local().client();
    let file = client.update_item().table_name(&cloud.app().config().tables.accounts);
    let file = file.key("account_id", AttributeValue::S(behind.clone())).update_expression("SET due = :bucket");
    let bucket = AttributeValue::S(format!("{TOMORROW}#05"));
    file.expression_attribute_values(":bucket", bucket).send().await.unwrap();
    cloud.set_clock("2011-03-03T01:30:00Z");
    let expiry = expiry(&cloud);
    let ended = walker::handle(expiry, Walk::Expiry, begun).await.unwrap();
    assert_eq!((ended.get("cursor"), &ended["done"]["written"]), (None, &json!(ids.len())));
    assert!(!is_done(&cloud, 5).await);
    let again = walker::handle(expiry, Walk::Expiry, task).await.unwrap();
    assert_eq!(again["done"]["written"], 1, "what was filed behind the cursor");
    assert!(is_done(&cloud, 5).await);
}

#[tokio::test]
async fn a_cursor_belongs_to_its_run_and_a_run_to_its_day() {
    let (cloud, _) = with_due(3, 5).await;
    let app = walking_for(&cloud, Duration::ZERO);
    let task = async || {
        let plan = walker::handle(&app, Walk::Expiry, json!({"task": "plan", "day": TOMORROW})).await.unwrap();
        tasks(&plan).find(|task| task["shard"] == 5).unwrap().clone()
    };
    let begun = walker::handle(&app, Walk::Expiry, task().await).await.unwrap();
    cloud.set_clock("2011-03-03T02:00:01Z");
    let mut other = task().await;
    other["cursor"] = begun["cursor"].clone();
    let before = cloud.tables().await;
    let refused = walker::handle(&app, Walk::Expiry, other).await.unwrap_err();
    assert!(refused.to_string().contains("the cursor is not one of this run"), "{refused}");
    cloud.set_clock("2011-03-04T02:00:01Z");
    let refused = walker::handle(&app, Walk::Expiry, begun.clone()).await.unwrap_err();
    assert!(matches!(&refused, Fault::BadTask(reason) if reason.contains("is over")), "{refused}");
    assert_eq!(cloud.tables().await, before);
    assert!(!is_done(&cloud, 5).await);
    cloud.set_clock("2011-03-04T01:59:59Z");
    walker::handle(&app, Walk::Expiry, begun).await.unwrap();
}

#[tokio::test]
async fn a_task_that_makes_no_sense_is_refused_and_nothing_is_done() {
    let (cloud, _) = with_due(150, 7).await;
    let app = walking_for(&cloud, Duration::ZERO);
    let run = "2011-03-03T02:00:00Z";
    let walk = |day: &str, shard: u64, cursor: Value| json!({"task": "walk", "run": run, "day": day, "shard": shard, "cursor": cursor});
    let task = json!({"task": "walk", "day": TOMORROW, "shard": 7});
    let cursor = walker::handle(&app, Walk::Expiry, task).await.unwrap()["cursor"].clone();
    assert!(cursor.is_string());
    let before = cloud.tables().await;
    let metrics = async || {
        let scan = cloud.local().client().scan().table_name(&cloud.app().config().tables.metrics);
        scan.send().await.unwrap().count
    };
    let noted = metrics().await;
    for (task, reason) in [
        (json!({"task": "plan", "day": "2011-03-04"}), "2011-03-04 is in the future"),
        (json!({"task": "plan", "day": "yesterday"}), "\"yesterday\" is no day"),
        (json!({"task": "plan", "day": "2011-02-29"}), "is no day"),
        (json!({"task": "plan", "shard": 1}), "unknown field `shard`"),
        (json!({"task": "sweep"}), "unknown variant"),
        (json!({}), "missing field `task`"),
        (json!(null), "invalid type: null"),
        (json!({"task": "walk", "day": TOMORROW, "shard": 64}), "there is no shard 64: there are 0 to 63"),
        (json!({"task": "walk", "day": TOMORROW, "shard": -1}), "invalid value"),
        (json!({"task": "walk", "day": "2011-03-04", "shard": 7}), "is in the future"),
        (
            json!({"task": "walk", "day": TOMORROW, "shard": 7, "run": "2011-03-02T01:59:59Z"}),
            "the run of 2011-03-02T01:59:59Z is over",
        ),
        (walk(TOMORROW, 7, json!("garbage!")), "the cursor is not one of this walk"),
        (walk(TOMORROW, 7, json!("e30")), "the cursor is not one of this walk"),
        (walk(TOMORROW, 8, cursor.clone()), "the cursor is not one of this shard"),
        (walk("2011-03-01", 7, cursor.clone()), "the cursor is not one of this shard"),
        (json!({"task": "file", "activation": 1, "segment": 16}), "there is no segment 16"),
        (json!({"task": "file", "activation": 99, "segment": 0}), "there is no activation 99"),
        (
            json!({"task": "file", "run": run, "activation": 1, "segment": 0, "cursor": cursor}),
            "the cursor is not one of this segment",
        ),
        (json!({"task": "walk", "day": TOMORROW, "shard": 7, "cursor": cursor}), "the cursor is not one of this run"),
        (json!({"task": "retry", "run": run, "cursor": cursor}), "the cursor is not one of what was set aside"),
    ] {
        let refused = walker::handle(&app, Walk::Expiry, task.clone()).await.unwrap_err();
        assert!(matches!(&refused, Fault::BadTask(message) if message.contains(reason)), "{task}: {refused}");
    }
    let other = walker::handle(&app, Walk::Review, walk(TOMORROW, 7, cursor.clone())).await.unwrap_err();
    assert!(other.to_string().contains("not one of this walk"), "{other}");
    assert_eq!(cloud.tables().await, before);
    assert_eq!(metrics().await, noted);
    // A version is filed under once it has been in force for an hour, and while it is.
    cloud.activate_from(serde_json::from_str(tests::WHOLESALE).unwrap(), "2011-03-03T01:30:00Z").await;
    for version in [1, 2] {
        let task = json!({"task": "file", "activation": version, "segment": 0});
        let refused = walker::handle(&app, Walk::Expiry, task).await.unwrap_err();
        assert!(refused.to_string().contains("has not been in force for an hour, or is no longer"), "{refused}");
    }
    assert_eq!(metrics().await, noted);
    // The machine gives such a task up at once, and says why.
    let failed = cloud.local().execute("ExpirySweep", json!({"task": "plan", "day": "2011-03-04"})).await.unwrap_err();
    assert!(failed.to_string().contains("in the future"), "{failed}");
}

#[tokio::test]
async fn a_version_that_brings_in_reviews_files_accounts_that_order_nothing_more() {
    let cloud = Cloud::start().await;
    let ids: Vec<_> = (0..40).map(|n| format!("a-{n}")).collect();
    for id in &ids {
        cloud.order(&format!("o-{id}")).account(id).line("MUG", 1, "1200.00").send().await.expect(201);
    }
    let mut document: Value = serde_json::from_str(tests::WHOLESALE).unwrap();
    with_reviews(&mut document);
    cloud.activate_from(document, "2011-03-02T00:00:00Z").await;
    cloud.set_clock("2011-03-02T02:00:00Z");
    let app = walking_for(&cloud, Duration::ZERO);
    let plan = async || -> Vec<Value> {
        let plan = walker::handle(&app, Walk::Expiry, json!({"task": "plan"})).await.unwrap();
        tasks(&plan).filter(|task| task["task"] == "file").cloned().collect()
    };
    let filings = plan().await;
    assert_eq!(filings.len(), 16);
    for mut task in filings {
        while let Some(next) = Some(walker::handle(&app, Walk::Expiry, task).await.unwrap()) {
            task = next;
            if task.get("cursor").is_none() {
                break;
            }
        }
    }
    assert_eq!(plan().await, [] as [Value; 0]);
    let store = cloud.app().store();
    assert_eq!(store.filed_activation(Walk::Expiry).await.unwrap(), Some(2));
    // The first warning: the discount ends on the 31st of March.
    for id in &ids {
        let account = store.account(&AccountId::parse(id).unwrap(), store::Consistency::Strong).await.unwrap().unwrap();
        assert_eq!((account.due.unwrap().at, account.version), (at("2011-03-24T00:00:00Z"), 1), "{id}");
    }
    assert_eq!(store.segments_filed(Walk::Expiry, 2).await.unwrap(), [].into(), "nobody asks any more");
    // Once; the other walk sees for itself, in case it runs alone.
    let task = json!({"task": "file", "activation": 2, "segment": 3});
    let again = walker::handle(expiry(&cloud), Walk::Expiry, task.clone()).await.unwrap();
    assert_eq!(again["done"].get("written"), Some(&json!(0)));
    let plan = walker::handle(expiry(&cloud), Walk::Review, json!({"task": "plan"})).await.unwrap();
    assert_eq!(tasks(&plan).filter(|task| task["task"] == "file").count(), 16);
}

#[tokio::test]
async fn what_fell_due_on_one_account_costs_six_write_units() {
    let cloud = Cloud::with(with_reviews).await;
    if !cloud.is_embedded() {
        return;
    }
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    // The discount has ended, and the tier is lowered: one commit.
    cloud.set_clock("2011-05-20T02:00:00Z");
    let app = expiry(&cloud);
    app.schedule().await.unwrap();
    let id = AccountId::parse("acme").unwrap();
    let (walked, cost) = cloud.units(walker::walk_account(app, Walk::Expiry, &id)).await;
    assert_eq!(walked.unwrap(), domain::walk::Walked::Written);
    assert!(cost.write_halves <= 12 && cost.requests == 2, "{cost:?}");
    let (walked, cost) = cloud.units(walker::walk_account(app, Walk::Expiry, &id)).await;
    assert_eq!(walked.unwrap(), domain::walk::Walked::Nothing);
    assert_eq!(cost.write_halves, 0);
    let history = cloud.account("acme").history().await;
    assert_eq!(history[0]["changes"].as_array().unwrap().len(), 2, "{}", history[0]);
}
