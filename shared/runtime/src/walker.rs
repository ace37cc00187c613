//! Walking over the accounts on which something falls due: a day at a time, a shard of it per invocation.
//!
//! A state machine asks for a plan, carries out each task of it until the task hands back no cursor, and has the plan
//! concluded. Nothing of it needs to run exactly once: a walk writes only what is not written yet, so twice, at once, or
//! after a crash comes to the same. A day is closed once every shard of it was walked from its beginning to its end,
//! begun at least [`CLOSES_AFTER_MS`] after the day; until then it is in every plan. Memory is bounded by a page of
//! accounts.
//!
//! An account that fails by itself is set aside with its reason and tried again with every plan. A failure that may pass,
//! such as tables that are throttled, fails the invocation: the machine waits and tries again, and only what fails even
//! then is set aside, a few accounts at most. A task that fails for good holds up no other; it fails the plan's end.

mod account;
mod errand;
mod plan;
mod round;
mod task;

pub use account::walk_account;
pub use task::{Counts, Failure, Filing, Plan, Retry, Shard, Summary, Task};

use crate::app::App;
use crate::error::Fault;
use domain::id::AccountId;
use domain::time::Day;
use domain::warning::Walk;
use round::{Round, Source};
use serde_json::Value;
use store::{AsidePosition, DUE_SHARDS, Segment};
use task::{Place, Underway};

/// How long after its end a day may be closed, and a version be filed under: by then every commit that was decided before
/// is over.
pub const CLOSES_AFTER_MS: i64 = 3_600_000;
/// Accounts of one page.
pub const PAGE: u16 = 100;
/// Parts in which all accounts are filed anew.
const SEGMENTS: u64 = 16;

/// One invocation by the state machine, or by hand.
pub async fn handle(app: &App, walk: Walk, event: Value) -> Result<Value, Fault> {
    let task: Task = serde_json::from_value(event).map_err(bad_task)?;
    // Without a program no account can be walked, and none is to be set aside for it.
    app.schedule().await?;
    let answer = match task {
        Task::Plan { day } => serde_json::to_value(Task::Conclude(plan::plan(app, walk, day).await?)),
        Task::Walk(shard) => serde_json::to_value(Task::Walk(walk_shard(app, walk, shard).await?)),
        Task::Retry(retry) => serde_json::to_value(Task::Retry(try_again(app, walk, retry).await?)),
        Task::File(filing) => serde_json::to_value(Task::File(file(app, walk, filing).await?)),
        Task::Conclude(plan) => serde_json::to_value(plan.conclude()?),
    };
    Ok(answer.unwrap_or_default())
}

/// That a task is none, without what it says instead.
fn bad_task(error: serde_json::Error) -> Fault {
    Fault::BadTask(store::without_values(&error.to_string()))
}

/// A day of the past or today; a fault for any other text.
fn day_of(app: &App, text: &str) -> Result<Day, Fault> {
    let day = Day::parse(text).ok_or_else(|| Fault::BadTask(format!("{text:?} is no day: it must be YYYY-MM-DD")))?;
    if day > app.clock().wall_day() {
        return Err(Fault::BadTask(format!("{day} is in the future: nothing of it has fallen due")));
    }
    Ok(day)
}

/// Where to go on: after the last account that was come to, or with the next page.
fn after<P>(mut page: Vec<P>, next: Option<P>, walked: usize) -> Option<P> {
    if walked < page.len() {
        page.truncate(walked);
        return page.pop();
    }
    next
}

async fn walk_shard(app: &App, walk: Walk, mut shard: Shard) -> Result<Shard, Fault> {
    let day = day_of(app, &shard.day)?;
    if shard.shard >= DUE_SHARDS {
        let last = DUE_SHARDS.saturating_sub(1);
        return Err(Fault::BadTask(format!("there is no shard {}: there are 0 to {last}", shard.shard)));
    }
    let now = app.clock().now();
    let (underway, place) = Underway::take_up(walk, shard.run, shard.cursor.take(), now)?;
    let mut place = match place {
        None => None,
        Some(Place::Shard { day: of, shard: within, place }) if of == shard.day && within == shard.shard => Some(place),
        Some(_) => return Err(Fault::BadTask("the cursor is not one of this shard".to_owned())),
    };
    shard.run = Some(underway.run);
    let mut round = Round::new(app, (walk, Source::Due), shard.failure.take(), (&mut shard.done, &mut shard.spared));
    loop {
        let page = app.store().due_page(day, shard.shard, now, place.as_ref(), PAGE).await?;
        let ids: Vec<_> = page.accounts.iter().map(|place| place.account_id.clone()).collect();
        let walked = round.walk(&ids).await?;
        place = after(page.accounts, page.next, walked);
        let Some(next) = &place else { break };
        if round.deadline.is_over() {
            let place = Place::Shard { day: shard.day.clone(), shard: shard.shard, place: next.clone() };
            shard.cursor = underway.cursor(place);
            return Ok(shard);
        }
    }
    // What was filed after its beginning may stand before the place where a later invocation went on.
    if underway.began >= day.end().plus_ms(CLOSES_AFTER_MS) {
        app.store().note_shard_done(walk, day, shard.shard).await?;
    }
    tracing::info!(walk = walk.name(), day = %day, shard = shard.shard, walked = shard.done.walked,
        written = shard.done.written, set_aside = shard.done.set_aside, "walked shard {} of {day}", shard.shard);
    Ok(shard)
}

/// Walks what was set aside; what works again is no longer.
async fn try_again(app: &App, walk: Walk, mut retry: Retry) -> Result<Retry, Fault> {
    let (underway, place) = Underway::take_up(walk, retry.run, retry.cursor.take(), app.clock().now())?;
    let mut place = match place {
        None => None,
        Some(Place::Aside { place }) => Some(place),
        Some(_) => return Err(Fault::BadTask("the cursor is not one of what was set aside".to_owned())),
    };
    retry.run = Some(underway.run);
    let mut spared = 0;
    let mut round = Round::new(app, (walk, Source::Aside), retry.failure.take(), (&mut retry.done, &mut spared));
    loop {
        let page = app.store().aside_page(walk, place.as_ref(), PAGE).await?;
        let ids: Vec<_> = page.accounts.into_iter().map(|aside| aside.account_id).collect();
        let walked = round.walk(&ids).await?;
        if walked == ids.len() {
            round.leave_aside(&page.unreadable);
        }
        place = after(ids.iter().map(AsidePosition::from).collect(), page.next, walked);
        let Some(next) = &place else { return Ok(retry) };
        if round.deadline.is_over() {
            retry.cursor = underway.cursor(Place::Aside { place: next.clone() });
            return Ok(retry);
        }
    }
}

/// Files a part of all accounts; nothing for a plan whose activation is no longer in force: the next one knows better.
async fn file(app: &App, walk: Walk, mut filing: Filing) -> Result<Filing, Fault> {
    let (activation, segment) = (filing.activation, filing.segment);
    let index = i32::try_from(segment).ok().filter(|_| segment < SEGMENTS);
    let index = index.ok_or_else(|| Fault::BadTask(format!("there is no segment {segment} to file")))?;
    let part = Segment { index, of: i32::try_from(SEGMENTS).unwrap_or(i32::MAX) };
    let (schedule, now) = (app.schedule().await?, app.clock().now());
    if schedule.activation(activation).is_none() {
        return Err(Fault::BadTask(format!("there is no activation {activation} of a version of the program")));
    }
    let is_in_force = schedule.number_at(now) == activation;
    if !is_in_force && filing.run.is_some() {
        return Ok(filing);
    }
    if !is_in_force || schedule.at(now).from.plus_ms(CLOSES_AFTER_MS) > now {
        return Err(Fault::BadTask(format!(
            "activation {activation} has not been in force for an hour, or is no longer"
        )));
    }
    let (underway, place) = Underway::take_up(walk, filing.run, filing.cursor.take(), now)?;
    let mut place: Option<AccountId> = match place {
        None => None,
        Some(Place::Filing { activation: of, segment: within, account_id })
            if (of, within) == (activation, segment) =>
        {
            Some(account_id)
        }
        Some(_) => return Err(Fault::BadTask("the cursor is not one of this segment".to_owned())),
    };
    filing.run = Some(underway.run);
    let mut round = Round::new(app, (walk, Source::All), filing.failure.take(), (&mut filing.done, &mut filing.spared));
    loop {
        let page = app.store().account_ids(part, place.as_ref(), PAGE).await?;
        let walked = round.walk(&page.accounts).await?;
        place = after(page.accounts, page.next, walked);
        let Some(next) = &place else { break };
        if round.deadline.is_over() {
            let place = Place::Filing { activation, segment, account_id: next.clone() };
            filing.cursor = underway.cursor(place);
            return Ok(filing);
        }
    }
    app.store().note_segment_filed(walk, activation, segment).await?;
    Ok(filing)
}
