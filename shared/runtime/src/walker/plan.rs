//! What is to be walked: the days that are open, and accounts that a version files anew.

use crate::app::App;
use crate::error::Fault;
use crate::walker::task::{Counts, Filing, Plan, Retry, Shard, Task};
use crate::walker::{CLOSES_AFTER_MS, SEGMENTS, day_of};
use domain::schedule::Schedule;
use domain::time::{Day, Instant};
use domain::warning::Walk;
use store::DUE_SHARDS;

/// Most days of one plan after the first open one, besides yesterday and today; what is left comes with the next.
const PLAN_DAYS_MAX: i32 = 14;

/// A plan for one day, or for all that are open.
pub(super) async fn plan(app: &App, walk: Walk, day: Option<String>) -> Result<Plan, Fault> {
    let run = app.clock().now();
    let (days, filings) = match day {
        Some(day) => (vec![day_of(app, &day)?], Vec::new()),
        None => (open_days(app, walk).await?, filings(app, walk, run).await?),
    };
    let open = days.len();
    let days = fitting(days);
    let days_left = u32::try_from(open.saturating_sub(days.len())).unwrap_or(u32::MAX);
    let shards = days.into_iter().flat_map(|day| (0..DUE_SHARDS).map(move |shard| (day, shard)));
    let shards = shards.map(|(day, shard)| Task::Walk(Shard::new(run, day, shard)));
    let retry = Task::Retry(Retry { run: Some(run), ..Retry::default() });
    let walks = std::iter::once(retry).chain(shards).collect();
    let stages = [filings.into_iter().map(Task::File).collect(), walks].into_iter();
    Ok(Plan { days_left, stages: stages.filter(|stage: &Vec<Task>| !stage.is_empty()).collect() })
}

/// The first of these days, and yesterday and today, whatever there is to make up for.
fn fitting(days: Vec<Day>) -> Vec<Day> {
    let (Some(first), Some(today)) = (days.first().copied(), days.last().copied()) else { return days };
    let fits = |day: &Day| *day <= first.plus(PLAN_DAYS_MAX) || *day >= today.plus(-1);
    days.into_iter().filter(fits).collect()
}

/// What is left to file under the version in force, where nobody noted that everything is: a version brings in what
/// accounts were not filed for, and a database from before has accounts filed under days that nobody knows to be open.
async fn filings(app: &App, walk: Walk, run: Instant) -> Result<Vec<Filing>, Fault> {
    let schedule = app.schedule().await?;
    let in_force = schedule.at(run);
    let (activation, store) = (schedule.number_at(run), app.store());
    // A commit that was decided under the version before would put its filing in the place of this one.
    if in_force.from.plus_ms(CLOSES_AFTER_MS) > run {
        return Ok(Vec::new());
    }
    let filed = store.filed_activation(walk).await?;
    if filed == Some(activation) {
        return Ok(Vec::new());
    }
    if filed.is_some_and(|filed| nothing_new(&schedule, filed, run)) {
        store.set_filed_activation(walk, activation).await?;
        return Ok(Vec::new());
    }
    let done = store.segments_filed(walk, activation).await?;
    let left: Vec<_> = (0..SEGMENTS).filter(|segment| !done.contains(segment)).collect();
    if left.is_empty() {
        store.set_filed_activation(walk, activation).await?;
        store.forget_segments_filed(walk, activation).await?;
    }
    let filing = |segment| {
        let (run, done) = (Some(run), Counts::default());
        Filing { run, activation, segment, cursor: None, done, spared: 0, failure: None }
    };
    Ok(left.into_iter().map(filing).collect())
}

/// Whether no version since the activation that accounts are filed for has asked anything else of them.
fn nothing_new(schedule: &Schedule, filed: u32, run: Instant) -> bool {
    let current = &schedule.at(run).program;
    schedule.activation(filed).is_some_and(|filed| {
        let mut since = schedule.from(filed.from).take_while(|span| span.from <= run);
        filed.program.decides_like(current) && since.all(|span| span.program.decides_like(current))
    })
}

/// Closes what can be closed, and answers the days that are open, today as the last.
async fn open_days(app: &App, walk: Walk) -> Result<Vec<Day>, Fault> {
    let (today, store) = (app.clock().wall_day(), app.store());
    let known = store.first_open_day(walk).await?;
    // Where nobody noted the first day, everything is filed anew, and nothing under a day before this one.
    let mut first = known.unwrap_or(today);
    while first < today && all_done(app, walk, first).await? {
        let closed = first;
        first = first.plus(1);
        store.set_first_open_day(walk, first).await?;
        store.forget_shards_done(walk, closed).await?;
    }
    if known.is_none() {
        store.set_first_open_day(walk, first).await?;
    }
    Ok((first.0..=today.0).map(Day).collect())
}

async fn all_done(app: &App, walk: Walk, day: Day) -> Result<bool, Fault> {
    let done = app.store().shards_done(walk, day).await?;
    Ok((0..DUE_SHARDS).all(|shard| done.contains(&shard)))
}
