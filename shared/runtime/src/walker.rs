//! Walking over the accounts on which something falls due: a day at a time, a shard of it per invocation.
//!
//! A state machine asks for a plan, carries out each task of it until the task hands back no cursor, and is done.
//! Nothing of it needs to run exactly once: a walk writes only what is not written yet, so twice, at once, or after a
//! crash comes to the same. A day is closed once every shard of it was walked to its end at least [`CLOSES_AFTER_MS`]
//! after the day; until then it is in every plan. Memory is bounded by a page of accounts.

mod account;
mod task;

pub use account::walk_account;
pub use task::{Counts, Filing, Plan, Retry, Shard, Task};

use crate::app::App;
use crate::error::Fault;
use crate::patience::Deadline;
use account::Work;
use domain::id::AccountId;
use domain::time::Day;
use domain::walk::Walked;
use domain::warning::Walk;
use serde_json::Value;
use store::{DUE_SHARDS, Segment, SetAside};
use task::{Cursor, Place};

/// How long after its end a day may be closed: by then every commit that still filed something under it is over.
pub const CLOSES_AFTER_MS: i64 = 3_600_000;
/// Accounts of one page.
pub const PAGE: u16 = 100;
/// The walk that files all accounts anew where a version comes into force, and in how many parts.
const FILES: Walk = Walk::Expiry;
const SEGMENTS: u64 = 16;
/// Under the first version everything is filed by its commits.
const FIRST_VERSION: u32 = 1;
/// Most days of one plan besides the first open one; what is left comes with the next.
const PLAN_DAYS_MAX: i32 = 14;
/// Where a deployment begins of which nobody noted its first day.
pub const LOOK_BACK_DAYS: i32 = 7;

/// One invocation by the state machine, or by hand.
pub async fn handle(app: &App, walk: Walk, event: Value) -> Result<Value, Fault> {
    let task: Task = serde_json::from_value(event).map_err(|error| Fault::BadTask(error.to_string()))?;
    // Without a program no account can be walked, and none is to be set aside for it.
    app.schedule().await?;
    let answer = match task {
        Task::Plan { day } => serde_json::to_value(plan(app, walk, day).await?),
        Task::Walk(shard) => serde_json::to_value(Task::Walk(walk_shard(app, walk, shard).await?)),
        Task::Retry(retry) => serde_json::to_value(Task::Retry(try_again(app, walk, retry).await?)),
        Task::File(filing) => serde_json::to_value(Task::File(file(app, walk, filing).await?)),
    };
    Ok(answer.unwrap_or_default())
}

/// A day of the past or today; a fault for any other text.
fn day_of(app: &App, text: &str) -> Result<Day, Fault> {
    let day = Day::parse(text).ok_or_else(|| Fault::BadTask(format!("{text:?} is no day: it must be YYYY-MM-DD")))?;
    if day > app.clock().wall_day() {
        return Err(Fault::BadTask(format!("{day} is in the future: nothing of it has fallen due")));
    }
    Ok(day)
}

async fn plan(app: &App, walk: Walk, day: Option<String>) -> Result<Plan, Fault> {
    let (days, filings) = match day {
        Some(day) => (vec![day_of(app, &day)?], Vec::new()),
        None => (open_days(app, walk).await?, filings(app, walk).await?),
    };
    let shards = days.into_iter().flat_map(|day| (0..DUE_SHARDS).map(move |shard| Task::Walk(Shard::new(day, shard))));
    let first = std::iter::once(Task::Retry(Retry::default())).chain(filings.into_iter().map(Task::File));
    Ok(Plan { shards: first.chain(shards).collect() })
}

/// What is left to file under the version in force, where it is not the one that everything is filed under. One walk
/// does it for both.
async fn filings(app: &App, walk: Walk) -> Result<Vec<Filing>, Fault> {
    let version = app.schedule().await?.at(app.clock().now()).version;
    if walk != FILES || app.store().filed_version(walk).await?.unwrap_or(FIRST_VERSION) == version {
        return Ok(Vec::new());
    }
    let done = app.store().segments_filed(walk, version).await?;
    let left: Vec<_> = (0..SEGMENTS).filter(|segment| !done.contains(segment)).collect();
    if left.is_empty() {
        app.store().set_filed_version(walk, version).await?;
    }
    let filing = |segment| Filing { version, segment, cursor: None, done: Counts::default() };
    Ok(left.into_iter().map(filing).collect())
}

/// Closes what can be closed, and answers the days that are open, today among them.
async fn open_days(app: &App, walk: Walk) -> Result<Vec<Day>, Fault> {
    let today = app.clock().wall_day();
    let known = app.store().first_open_day(walk).await?;
    let mut first = known.unwrap_or(today.plus(-LOOK_BACK_DAYS));
    while first < today && all_done(app, walk, first).await? {
        first = first.plus(1);
    }
    if known != Some(first) {
        app.store().set_first_open_day(walk, first).await?;
    }
    let last = today.min(first.plus(PLAN_DAYS_MAX));
    Ok((first.0..=last.0).map(Day).collect())
}

async fn all_done(app: &App, walk: Walk, day: Day) -> Result<bool, Fault> {
    let done = app.store().shards_done(walk, day).await?;
    Ok((0..DUE_SHARDS).all(|shard| done.contains(&shard)))
}

async fn walk_shard(app: &App, walk: Walk, mut shard: Shard) -> Result<Shard, Fault> {
    let deadline = Deadline::after(app.patience().walk);
    let day = day_of(app, &shard.day)?;
    if shard.shard >= DUE_SHARDS {
        let last = DUE_SHARDS.saturating_sub(1);
        return Err(Fault::BadTask(format!("there is no shard {}: there are 0 to {last}", shard.shard)));
    }
    let mut place = match shard.cursor.take() {
        None => None,
        Some(text) => match Cursor::read(&text, walk)?.place {
            Place::Shard { day: of, shard: within, place } if of == shard.day && within == shard.shard => Some(place),
            _ => return Err(Fault::BadTask("the cursor is not one of this shard".to_owned())),
        },
    };
    let now = app.clock().now();
    loop {
        let page = app.store().due_page(day, shard.shard, now, place.as_ref(), PAGE).await?;
        walk_page(app, walk, page.accounts, &mut shard.done, Source::Due).await?;
        place = page.next;
        let Some(next) = &place else { break };
        if deadline.is_over() {
            let place = Place::Shard { day: shard.day.clone(), shard: shard.shard, place: next.clone() };
            shard.cursor = Some(Cursor::write(walk, place));
            return Ok(shard);
        }
    }
    if now >= day.end().plus_ms(CLOSES_AFTER_MS) {
        app.store().note_shard_done(walk, day, shard.shard).await?;
    }
    tracing::info!(walk = walk.name(), day = %day, shard = shard.shard, walked = shard.done.walked,
        written = shard.done.written, set_aside = shard.done.set_aside, "walked shard {} of {day}", shard.shard);
    Ok(shard)
}

/// Walks what was set aside; what works again is no longer.
async fn try_again(app: &App, walk: Walk, mut retry: Retry) -> Result<Retry, Fault> {
    let deadline = Deadline::after(app.patience().walk);
    let mut after: Option<AccountId> = match retry.cursor.take() {
        None => None,
        Some(text) => match Cursor::read(&text, walk)?.place {
            Place::Aside { account_id } => Some(account_id),
            _ => return Err(Fault::BadTask("the cursor is not one of what was set aside".to_owned())),
        },
    };
    loop {
        let page = app.store().aside_page(walk, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(retry) };
        let account_id = last.account_id.clone();
        let ids = page.into_iter().map(|aside| aside.account_id).collect();
        walk_page(app, walk, ids, &mut retry.done, Source::Aside).await?;
        if deadline.is_over() {
            retry.cursor = Some(Cursor::write(walk, Place::Aside { account_id }));
            return Ok(retry);
        }
        after = Some(account_id);
    }
}

/// Files a part of all accounts; nothing under a version that is no longer in force: the next plan knows better.
async fn file(app: &App, walk: Walk, mut filing: Filing) -> Result<Filing, Fault> {
    let deadline = Deadline::after(app.patience().walk);
    let segment = i32::try_from(filing.segment).ok().filter(|_| filing.segment < SEGMENTS && walk == FILES);
    let segment = segment.ok_or_else(|| Fault::BadTask(format!("there is no segment {} to file", filing.segment)))?;
    let segment = Segment { index: segment, of: i32::try_from(SEGMENTS).unwrap_or(i32::MAX) };
    let mut after: Option<AccountId> = match filing.cursor.take() {
        None => None,
        Some(text) => match Cursor::read(&text, walk)?.place {
            Place::Filing { version, segment, account_id }
                if (version, segment) == (filing.version, filing.segment) =>
            {
                Some(account_id)
            }
            _ => return Err(Fault::BadTask("the cursor is not one of this segment".to_owned())),
        },
    };
    if app.schedule().await?.at(app.clock().now()).version != filing.version {
        return Ok(filing);
    }
    loop {
        let ids = app.store().account_ids(segment, after.as_ref(), PAGE).await?;
        let Some(last) = ids.last().cloned() else { break };
        walk_page(app, walk, ids, &mut filing.done, Source::All).await?;
        if deadline.is_over() {
            let place = Place::Filing { version: filing.version, segment: filing.segment, account_id: last };
            filing.cursor = Some(Cursor::write(walk, place));
            return Ok(filing);
        }
        after = Some(last);
    }
    app.store().note_segment_filed(walk, filing.version, filing.segment).await?;
    Ok(filing)
}

/// Where the accounts of a page come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The due index.
    Due,
    /// What was set aside.
    Aside,
    /// All accounts: they are only filed.
    All,
}

/// Walks the accounts of a page. One that fails again and again is set aside, so that it holds up no other.
async fn walk_page(app: &App, walk: Walk, ids: Vec<AccountId>, done: &mut Counts, source: Source) -> Result<(), Fault> {
    let work = if source == Source::All { Work::File } else { Work::Walk };
    for (account_id, walked) in account::all(app, walk, work, ids).await? {
        done.walked = done.walked.saturating_add(1);
        match walked {
            Ok(walked) => {
                done.written = done.written.saturating_add(u64::from(walked == Walked::Written));
                if source == Source::Aside {
                    app.store().clear_aside(walk, &account_id).await?;
                }
            }
            Err(error) => {
                done.set_aside = done.set_aside.saturating_add(1);
                let reason = error.cause();
                tracing::error!(account.id = %account_id, "account {account_id} is set aside: {reason}");
                let aside = SetAside { account_id, reason, at: app.clock().now() };
                app.store().set_aside(walk, &aside).await?;
            }
        }
    }
    Ok(())
}
