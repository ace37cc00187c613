//! Counts all accounts every night, and reduces them to the metrics of the program.
//!
//! A state machine asks for a plan, has each segment of the accounts counted until it hands back no cursor, and has the
//! whole reduced. A segment keeps its part with every checkpoint and goes on from there, after a crash as after its time
//! is over; memory is bounded by the part and a page of accounts. A run of a night that was run before is a new revision
//! of it; reducing a run again comes to the same bytes. A night before one that was counted is not run any more: accounts
//! no longer stand as they did. No order is read.
//!
//! Where an account's books do not balance, or an account or an answer to a survey cannot be read, the metrics are kept
//! all the same, and the run fails, naming them.

mod answers;
mod part;
mod reduce;
mod task;

pub use task::{Reduce, Scan, Summary, Task};

use analytics::night::Beliefs;
use analytics::night::kept::{self, BELIEFS, NIGHT, NightRecord};
use analytics::rollup::Night;
use domain::time::Day;
use runtime::{App, Fault};
use serde::Serialize;
use serde_json::Value;
use std::ops::RangeInclusive;
use store::{Kept, KeptValue, Stamp};
use task::day_of;

/// Segments of all accounts. A state machine carries out eight at once.
pub const SEGMENTS: i32 = 16;
/// How many days a run's parts are kept: until then it can be reduced again.
pub const PARTS_KEPT_DAYS: i32 = 7;
/// Nights that are looked at to find one that was reduced, or whose parts are to be forgotten.
const NIGHTS_LOOKED_AT: u16 = 8;

/// One invocation by the state machine, or by hand: a [`Task`].
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    let task: Task = serde_json::from_value(event).map_err(|error| {
        // Without what it says instead.
        Fault::BadTask(store::without_values(&error.to_string()))
    })?;
    let answer = match task {
        Task::Plan { date } => serde_json::to_value(Task::Reduce(plan(app, date).await?)),
        Task::Scan(scan) => serde_json::to_value(Task::Scan(part::scan(app, scan).await?)),
        Task::Reduce(run) => serde_json::to_value(reduce::reduce(app, run).await?),
    };
    Ok(answer.unwrap_or_default())
}

/// Begins a run: a new revision where the night was run before.
async fn plan(app: &App, date: Option<String>) -> Result<Reduce, Fault> {
    let (schedule, now) = (app.schedule().await?, app.clock().now());
    let today = schedule.at(now).program.calendar.day(now);
    let day = date.as_deref().map_or(Ok(today.plus(-1)), day_of)?;
    if day >= today {
        return Err(Fault::BadTask(format!("{day} has not ended yet: it is {today} in the program's time zone")));
    }
    if let Some(newer) = newer_reduced(app, day, today).await? {
        return Err(Fault::BadTask(format!(
            "the night of {newer} has been counted: accounts stand as they do now, and no longer as on {day}"
        )));
    }
    let key = Kept::Night { what: NIGHT, day };
    loop {
        let before = app.store().kept(key).await?;
        let stamp = before.as_ref().map(|before| before.stamp);
        let revision = stamp.map_or(0, |stamp| stamp.revision).saturating_add(1);
        // What the run before came to stands until this one is reduced.
        let record = before.and_then(|before| kept::read(&before.bytes).ok()).unwrap_or_default();
        let bytes = bytes_of::<NightRecord>(&record)?;
        // Another run that begins at the same moment has the same number, and only one of them keeps it.
        if app.store().begin(key, Stamp { night: day, revision, progress: 0 }, &bytes, stamp).await? {
            forget_old_parts(app, day).await?;
            let segment = |segment| {
                let date = day.to_string();
                Task::Scan(Scan { date, revision, segment, of: SEGMENTS, counted: 0, cursor: None })
            };
            return Ok(Reduce { date: day.to_string(), revision, segments: (0..SEGMENTS).map(segment).collect() });
        }
    }
}

/// The newest night after a day that was reduced, if any. What it kept tells more of the months before than a run of the
/// older one could, now that accounts stand as they do.
async fn newer_reduced(app: &App, day: Day, today: Day) -> Result<Option<Day>, Fault> {
    let newest = app.store().newest_of(NIGHT, today, NIGHTS_LOOKED_AT).await?;
    let is_reduced =
        |night: &&KeptValue| kept::read::<NightRecord>(&night.bytes).is_ok_and(|record| record.reduced.is_some());
    let newer = newest.iter().filter(|night| night.stamp.night > day).find(is_reduced);
    Ok(newer.map(|night| night.stamp.night))
}

/// Forgets the parts of nights a week ago: nobody reduces them again.
async fn forget_old_parts(app: &App, day: Day) -> Result<(), Fault> {
    let old = app.store().newest_of(NIGHT, day.plus(PARTS_KEPT_DAYS.saturating_neg()), NIGHTS_LOOKED_AT).await?;
    for night in old {
        forget_parts(app, night.stamp.night, 1..=night.stamp.revision).await?;
    }
    Ok(())
}

/// Forgets the parts of runs of a night, those of runs that came to no end, too.
async fn forget_parts(app: &App, day: Day, revisions: RangeInclusive<u32>) -> Result<(), Fault> {
    for revision in revisions {
        app.store().forget_parts(day, revision).await?;
    }
    Ok(())
}

/// Fails where another run of the night has begun since: its parts are the ones that count.
async fn is_current(app: &App, day: Day, revision: u32) -> Result<(), Fault> {
    let record = app.store().kept(Kept::Night { what: NIGHT, day }).await?;
    match record.map(|record| record.stamp.revision) {
        Some(newest) if newest == revision => Ok(()),
        Some(newest) => Err(Fault::BadTask(format!("run {revision} of {day} is not the newest, which is {newest}"))),
        None => Err(Fault::BadTask(format!("no run of {day} has begun"))),
    }
}

/// The night of a day; by the models of the newest night before it accounts are proposed as at risk.
async fn night(app: &App, day: Day) -> Result<Night, Fault> {
    let before = app.store().newest(BELIEFS, day.plus(-1)).await?;
    let beliefs = before.and_then(|before| kept::read::<Beliefs>(&before.bytes).ok());
    let schedule = app.schedule().await?;
    Ok(Night::new(day, (*schedule).clone(), beliefs.and_then(|beliefs| beliefs.prior())))
}

/// What a value is kept as.
fn bytes_of<T: Serialize>(value: &T) -> Result<Vec<u8>, Fault> {
    kept::bytes(value).map_err(|error| Fault::Incomplete(error.to_string()))
}

/// What an overflow of a total is for whoever operates this.
fn too_large(analytics::histogram::Overflow: analytics::histogram::Overflow) -> Fault {
    Fault::Incomplete("a total of all accounts fits no integer".to_owned())
}
