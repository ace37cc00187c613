//! Generated accounts: two years of orders each, from a fixed seed.

use crate::measure::world;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use domain::account::Account;
use domain::activity::{Activity, MonthActivity};
use domain::decision::{Context, commit};
use domain::id::{AccountId, Segment, TierId};
use domain::ledger::Cause;
use domain::lots::Lot;
use domain::money::{Minor, Points};
use domain::program::Program;
use domain::schedule::{Activation, Schedule};
use domain::time::{Day, Month};
use fastrand::Rng;
use local::cloud::{Cloud, Options, Storage};
use runtime::Clock;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Accounts that differ; the rest are the same under other ids.
const DIFFERENT: usize = 20_000;
const SEED: u64 = 7;
const MONTHS: i32 = 25;
/// Items of one request, as many as there may be.
const BATCH: usize = 25;
const FILL: &str = "--fill";
/// Names a folder that `--fill` has filled with the most accounts: it takes some minutes.
const FILLED: &str = "GUILDER_BENCH_FILLED";
const SEGMENTS: [&str; 5] = ["north", "south", "hospitality", "retail", "key-accounts"];
const TIERS: [(&str, i64); 4] = [("member", 0), ("silver", 100_000), ("gold", 500_000), ("platinum", 2_500_000)];

/// The day whose night is run: the one before the clock's.
pub fn day() -> Day {
    world::now().utc_day().plus(-1)
}

fn program() -> Program {
    Program::from_json(&domain::document::parse(world::PROGRAM.as_bytes()).unwrap()).unwrap()
}

/// The accounts that differ.
pub struct Generated {
    program: Arc<Program>,
    accounts: Vec<Account>,
}

impl Generated {
    pub fn new() -> Self {
        let (program, mut rng) = (Arc::new(program()), Rng::with_seed(SEED));
        let accounts = (0..DIFFERENT).map(|number| account(number, &program, &mut rng)).collect();
        Self { program, accounts }
    }

    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    pub fn schedule(&self) -> Schedule {
        let (from, program) = (world::now().plus_ms(-1_000), self.program.clone());
        Schedule::new(vec![Activation { from, version: 1, program }]).unwrap()
    }
}

/// An account that buys at a rate of its own until it leaves, and earns a point per pound.
fn account(number: usize, program: &Program, rng: &mut Rng) -> Account {
    let id = AccountId::parse(&format!("customer-{number:07}")).unwrap();
    let last_month = day().month();
    let first_month = last_month.plus(-rng.i32(0..MONTHS));
    let (rate, stays) = (rng.f64().powi(2) * 0.9 + 0.02, 0.85 + 0.15 * rng.f64());
    let (mut account, _) = Account::enrol(id, program, program.calendar.month_start(first_month));
    let mut months = Vec::new();
    let mut alive = true;
    for month in (first_month.0..=last_month.0).map(Month) {
        let is_first = month == first_month;
        if is_first || (alive && rng.f64() < rate) {
            let orders: u32 = if rng.f64() < 0.3 { 2 } else { 1 };
            let days: u32 = (0..orders).map(|_| 1 << rng.u32(0..15)).fold(0, |days, day| days | day);
            let revenue = i64::from(rng.u32(2_000..80_000)) * i64::from(orders);
            months.push(MonthActivity {
                month,
                orders: u64::from(orders),
                units: u64::from(rng.u32(1..400)),
                revenue: Minor(revenue),
                eligible: Minor(revenue),
                purchase_days: days,
                earned: Points(revenue / 100),
                discounts_used: u64::from(rng.f64() < 0.1),
                discount_value: Minor(0),
                aside: domain::activity::Aside::NONE,
            });
            alive = rng.f64() < stays;
        }
    }
    finish(&mut account, months, program, rng);
    account
}

fn finish(account: &mut Account, months: Vec<MonthActivity>, program: &Program, rng: &mut Rng) {
    let place = |month: &MonthActivity, bit: u32| month.month.first().plus(i32::try_from(bit).unwrap());
    let (first, last) = (months.first().unwrap(), months.last().unwrap());
    account.first_purchase = Some(place(first, first.purchase_days.trailing_zeros()));
    account.last_purchase = Some(place(last, last.purchase_days.ilog2()));
    let life = &mut account.lifetime;
    for month in &months {
        life.orders += month.orders;
        life.units += month.units;
        life.revenue = life.revenue.plus(month.revenue).unwrap();
        life.eligible = life.eligible.plus(month.eligible).unwrap();
        life.earned = life.earned.plus(month.earned).unwrap();
        life.discounts_used += month.discounts_used;
        life.purchase_days += u64::from(month.purchase_days.count_ones());
        let expires_at = program.calendar.month_start(month.month.plus(25));
        account.holdings.add(Lot::until(expires_at, month.earned)).unwrap();
    }
    let spent = life.eligible.0;
    let tier = TIERS.iter().rev().find(|(_, threshold)| *threshold <= spent).unwrap().0;
    account.tier = TierId::parse(tier).unwrap();
    account.reviewed = None;
    if rng.bool() {
        account.segments = vec![Segment::parse(SEGMENTS[rng.usize(0..SEGMENTS.len())]).unwrap()];
    }
    account.activity = Activity::of(months);
    account.last_decided = world::now().plus_ms(-2 * domain::time::Instant::DAY_MS);
}

/// A cloud with so many accounts in a new file, gone with this value; or in a folder that was filled before.
pub struct Place {
    pub cloud: Arc<Cloud>,
    made: Option<PathBuf>,
}

impl Place {
    /// Filled by a process of its own, so that what filling takes is no memory of this one.
    pub async fn filled(count: usize) -> Self {
        if let Some(folder) = std::env::var_os(FILLED).filter(|_| count == crate::MOST) {
            return Self { cloud: Arc::new(open(Path::new(&folder)).await), made: None };
        }
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let folder = std::env::temp_dir().join(format!("guilder-rollup-{}-{nanos}", std::process::id()));
        let mut filling = Command::new(std::env::current_exe().unwrap());
        let filled = filling.args(["--bench", FILL]).arg(&folder).arg(count.to_string()).status().unwrap();
        assert!(filled.success());
        Self { cloud: Arc::new(open(&folder).await), made: Some(folder) }
    }
}

/// Fills a folder, where this process was started for that: `--bench --fill FOLDER COUNT`.
pub async fn fill_if_asked() -> bool {
    let arguments: Vec<_> = std::env::args().collect();
    let Some(at) = arguments.iter().position(|argument| argument == FILL) else { return false };
    let (folder, count) = (PathBuf::from(&arguments[at + 1]), arguments[at + 2].parse().unwrap());
    let cloud = open(&folder).await;
    world::activate(&cloud).await;
    let database = cloud.database().unwrap().database().clone();
    database.enable_bulk_loading().unwrap();
    fill(&cloud, count).await;
    database.disable_bulk_loading().unwrap();
    true
}

async fn open(folder: &Path) -> Cloud {
    let options = Options::new(Storage::File(folder.join("guilder.db")));
    Cloud::open(Options { clock: Clock::manual(world::now()), ..options }).await.unwrap()
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.made.as_ref().map(std::fs::remove_dir_all);
    }
}

/// The different accounts by commits, and all others as copies of their items.
async fn fill(cloud: &Cloud, count: usize) {
    let app = world::order_placed_app(cloud);
    let schedule = app.schedule().await.unwrap();
    let (now, secrets) = (world::now().plus_ms(-2 * domain::time::Instant::DAY_MS), app.secrets());
    let context = Context { schedule: &schedule, secrets, by: "bench", now, wall_day: now.utc_day(), collisions: 0 };
    let generated = Generated::new();
    let different: Vec<_> = generated.accounts.iter().take(count).cloned().collect();
    let (client, table) = (app.store().client(), app.config().tables.accounts.clone());
    let mut items = Vec::new();
    for account in different {
        let id = account.id.clone();
        let writes = commit(account, Cause::Adjustment, Vec::new(), 1, &context).unwrap();
        assert!(matches!(app.store().commit(&writes).await.unwrap(), store::Commit::Done));
        let get = client.get_item().table_name(&table).key("account_id", AttributeValue::S(id.to_string()));
        items.push(get.send().await.unwrap().item.unwrap());
    }
    let numbers: Vec<_> = (items.len()..count).collect();
    for batch in numbers.chunks(BATCH) {
        let put = |number: &usize| {
            let mut item = items[number % items.len()].clone();
            item.insert("account_id".to_owned(), AttributeValue::S(format!("customer-{number:07}")));
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        };
        let requests = HashMap::from([(table.clone(), batch.iter().map(put).collect())]);
        let written = client.batch_write_item().set_request_items(Some(requests)).send().await.unwrap();
        assert!(written.unprocessed_items.is_none_or(|left| left.is_empty()));
    }
}
