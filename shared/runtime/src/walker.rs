//! Walking over the accounts on which something falls due: a day at a time, a shard of it per invocation.
//!
//! A state machine asks for a plan, walks each shard of it until the shard hands back no cursor, and is done. Nothing
//! of it needs to run exactly once: a walk writes only what is not written yet, so twice, at once, or after a crash
//! comes to the same. A day is closed once every shard of it was walked to its end at least [`CLOSES_AFTER_MS`] after
//! the day; until then it is in every plan.

use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Fault};
use crate::transact::Command;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::account::Account;
use domain::decision::{Context, Decision, Rejection};
use domain::id::{AccountId, ContactId};
use domain::schedule::Schedule;
use domain::time::{Day, Instant};
use domain::walk::{self, Walked};
use domain::warning::{self, Walk};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use store::{Consistency, DUE_SHARDS, DuePosition, SetAside, Store};
use tokio::task::JoinSet;

/// How long after its end a day may be closed: by then every commit that still filed something under it is over.
pub const CLOSES_AFTER_MS: i64 = 3_600_000;
/// How long a shard is walked before it hands back a cursor: far below the functions' time limit in the template.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Accounts of one page, and how many of them are walked at once.
const PAGE: u16 = 100;
const AT_ONCE: usize = 8;
/// Times that an account is tried before it is set aside.
const TRIES_MAX: u32 = 3;
/// Most days of one plan; what is left comes with the next.
const PLAN_DAYS_MAX: i32 = 14;
/// Where a deployment that has never closed a day begins.
const LOOK_BACK_DAYS: i32 = 7;

/// What a walk is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
pub enum Task {
    /// Say which shards are to be walked: of one day, or of all days that are open.
    Plan {
        /// `YYYY-MM-DD`, not in the future: this day only, closed or not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        day: Option<String>,
    },
    /// Walk a shard of a day.
    Walk(Shard),
    /// Try again what was set aside.
    Retry,
}

/// A shard of a day, and where in it to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// 0 to 63.
    pub shard: u64,
    /// From an earlier answer, unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What was done in this shard until the cursor.
    #[serde(default)]
    pub done: Counts,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Counts {
    /// Accounts looked at.
    pub walked: u64,
    /// Accounts on which something was written down.
    pub written: u64,
    /// Accounts set aside.
    pub set_aside: u64,
}

/// The shards to walk.
#[derive(Debug, Serialize)]
struct Plan {
    shards: Vec<Task>,
}

/// What a cursor holds: it belongs to one walk, one shard and one day.
#[derive(Serialize, Deserialize)]
struct Cursor {
    walk: String,
    day: String,
    shard: u64,
    place: DuePosition,
}

/// One invocation by the state machine, or by hand.
pub async fn handle(app: &App, walk: Walk, event: Value) -> Result<Value, Fault> {
    let task: Task = serde_json::from_value(event).map_err(|error| Fault::BadTask(error.to_string()))?;
    let answer = match task {
        Task::Plan { day } => serde_json::to_value(plan(app, walk, day).await?),
        Task::Walk(shard) => serde_json::to_value(Task::Walk(walk_shard(app, walk, shard).await?)),
        Task::Retry => serde_json::to_value(retry(app, walk).await?),
    };
    Ok(answer.unwrap_or_default())
}

/// A day of the past or today; a fault for any other text.
fn day_of(app: &App, text: &str) -> Result<Day, Fault> {
    let midnight = Instant::parse(&format!("{text}T00:00:00Z")).filter(|at| at.utc_day().to_string() == text);
    let day = midnight.ok_or_else(|| Fault::BadTask(format!("{text:?} is no day: it must be YYYY-MM-DD")))?.utc_day();
    if day > app.clock().wall_day() {
        return Err(Fault::BadTask(format!("{day} is in the future: nothing of it has fallen due")));
    }
    Ok(day)
}

async fn plan(app: &App, walk: Walk, day: Option<String>) -> Result<Plan, Fault> {
    let days = match day {
        Some(day) => vec![day_of(app, &day)?],
        None => open_days(app, walk).await?,
    };
    let shard = |day: Day| {
        (0..DUE_SHARDS)
            .map(move |shard| Task::Walk(Shard { day: day.to_string(), shard, cursor: None, done: Counts::default() }))
    };
    Ok(Plan { shards: std::iter::once(Task::Retry).chain(days.into_iter().flat_map(shard)).collect() })
}

/// Closes what can be closed, and answers the days that are open, today among them.
async fn open_days(app: &App, walk: Walk) -> Result<Vec<Day>, Fault> {
    let today = app.clock().wall_day();
    let known = app.store().first_open_day(walk).await?;
    let mut first = known.unwrap_or(Day(today.0.saturating_sub(LOOK_BACK_DAYS)));
    while first < today && all_done(app, walk, first).await? {
        first = Day(first.0.saturating_add(1));
    }
    if known != Some(first) {
        app.store().set_first_open_day(walk, first).await?;
    }
    let last = today.0.min(first.0.saturating_add(PLAN_DAYS_MAX));
    Ok((first.0..=last).map(Day).collect())
}

async fn all_done(app: &App, walk: Walk, day: Day) -> Result<bool, Fault> {
    let done = app.store().shards_done(walk, day).await?;
    Ok((0..DUE_SHARDS).all(|shard| done.contains(&shard)))
}

async fn walk_shard(app: &App, walk: Walk, mut shard: Shard) -> Result<Shard, Fault> {
    let started = tokio::time::Instant::now();
    let day = day_of(app, &shard.day)?;
    if shard.shard >= DUE_SHARDS {
        return Err(Fault::BadTask(format!("there is no shard {}: there are 0 to {}", shard.shard, DUE_SHARDS - 1)));
    }
    let mut place = shard.cursor.take().map(|cursor| place_of(&cursor, walk, &shard)).transpose()?;
    let now = app.clock().now();
    loop {
        let page = app.store().due_page(day, shard.shard, now, place.as_ref(), PAGE).await?;
        walk_accounts(app, walk, page.accounts, &mut shard.done).await?;
        place = page.next;
        let Some(next) = &place else { break };
        if started.elapsed() >= TIME_MAX {
            shard.cursor = Some(cursor(walk, &shard, next));
            return Ok(shard);
        }
    }
    let day_ended = Instant::from_ms(i64::from(day.0).saturating_add(1).saturating_mul(Instant::DAY_MS));
    if now >= day_ended.plus_ms(CLOSES_AFTER_MS) {
        app.store().note_shard_done(walk, day, shard.shard).await?;
    }
    tracing::info!(day = %day, shard = shard.shard, walked = shard.done.walked, written = shard.done.written,
        set_aside = shard.done.set_aside, "walked shard {} of {day}", shard.shard);
    Ok(shard)
}

fn cursor(walk: Walk, shard: &Shard, place: &DuePosition) -> String {
    let cursor =
        Cursor { walk: name(walk).to_owned(), day: shard.day.clone(), shard: shard.shard, place: place.clone() };
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
}

fn place_of(text: &str, walk: Walk, shard: &Shard) -> Result<DuePosition, Fault> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let cursor: Option<Cursor> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let own = cursor
        .filter(|cursor| (cursor.walk.as_str(), &cursor.day, cursor.shard) == (name(walk), &shard.day, shard.shard));
    own.map(|cursor| cursor.place).ok_or_else(|| Fault::BadTask("the cursor is not one of this shard".to_owned()))
}

fn name(walk: Walk) -> &'static str {
    match walk {
        Walk::Expiry => "expiry",
        Walk::Review => "review",
    }
}

/// Walks accounts, some at once. One that fails again and again is set aside, so that it holds up no other.
async fn walk_accounts(app: &App, walk: Walk, ids: Vec<AccountId>, done: &mut Counts) -> Result<(), Fault> {
    let mut waiting = ids.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(id) = waiting.next()
        {
            let app = app.clone();
            running.spawn(async move {
                let walked = walk_with_tries(&app, walk, &id).await;
                (id, walked)
            });
        }
        let Some(joined) = running.join_next().await else { return Ok(()) };
        done.walked = done.walked.saturating_add(1);
        match joined {
            Ok((_, Ok(walked))) => done.written = done.written.saturating_add(u64::from(walked == Walked::Written)),
            Ok((id, Err(error))) => {
                done.set_aside = done.set_aside.saturating_add(1);
                set_aside(app, walk, id, &error).await?;
            }
            // A panic fails the invocation, as anywhere else; the account is still filed.
            Err(panicked) => return Err(Fault::Panicked(panicked.to_string())),
        }
    }
}

async fn walk_with_tries(app: &App, walk: Walk, id: &AccountId) -> Result<Walked, Error> {
    let mut tries = 1;
    loop {
        match walk_account(app, walk, id).await {
            Err(error) if tries < TRIES_MAX => {
                tracing::warn!(account.id = %id, tries, "account {id} could not be walked: {}", error.cause());
                tries = tries.saturating_add(1);
            }
            outcome => return outcome,
        }
    }
}

async fn set_aside(app: &App, walk: Walk, account_id: AccountId, error: &Error) -> Result<(), Fault> {
    let reason = error.cause();
    tracing::error!(account.id = %account_id, "account {account_id} is set aside: {reason}");
    let aside = SetAside { account_id, reason, at: app.clock().now() };
    Ok(app.store().set_aside(walk, &aside).await?)
}

/// Walks what was set aside; what works again is no longer.
async fn retry(app: &App, walk: Walk) -> Result<Counts, Fault> {
    let mut done = Counts::default();
    let mut after: Option<AccountId> = None;
    loop {
        let page = app.store().aside_page(walk, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.account_id.clone());
        for aside in page {
            done.walked = done.walked.saturating_add(1);
            match walk_with_tries(app, walk, &aside.account_id).await {
                Ok(walked) => {
                    app.store().clear_aside(walk, &aside.account_id).await?;
                    done.written = done.written.saturating_add(u64::from(walked == Walked::Written));
                }
                Err(error) => {
                    done.set_aside = done.set_aside.saturating_add(1);
                    set_aside(app, walk, aside.account_id, &error).await?;
                }
            }
        }
    }
}

/// Writes down what has come due on one account, once, whoever walks it how often.
pub async fn walk_account(app: &App, walk: Walk, id: &AccountId) -> Result<Walked, Error> {
    let caller = Caller::of_event(name(walk));
    let command = WalkAccount { id, walk, schedule: app.schedule().await?, now: app.clock().now() };
    app.transact(&caller, &command).await
}

struct WalkAccount<'a> {
    id: &'a AccountId,
    walk: Walk,
    schedule: Arc<Schedule>,
    now: Instant,
}

struct State {
    account: Option<Account>,
    contact: Option<ContactId>,
}

impl Command for WalkAccount<'_> {
    type State = State;
    type Answer = Walked;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<State, store::Fault> {
        let account = store.account(self.id, consistency).await?;
        let warned = account
            .as_ref()
            .is_some_and(|account| warning::is_due(account, &self.schedule, self.walk, self.now).unwrap_or(false));
        let contact = if warned { store.contact_for_warnings(self.id).await? } else { None };
        Ok(State { account, contact })
    }

    fn last_decided(state: &State) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &State, context: &Context<'_>) -> Result<Decision<Walked>, Rejection> {
        // An account is never removed: only a read that lags behind does not show it.
        let account = state.account.as_ref().ok_or(Rejection::UnknownAccount)?;
        Ok(walk::decide(account, self.walk, state.contact.as_ref(), context)?)
    }
}
