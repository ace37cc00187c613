//! What falls due: sweeping it on this machine, and looking ahead. Memory is bounded by a page of accounts.

use crate::cloud::Cloud;
use crate::machine::ExecutionError;
use domain::forecast::Forecast;
use domain::money::Overflow;
use domain::time::{Day, Instant};
use domain::warning::Walk;
use runtime::App;
use runtime::walker::{Counts, Task};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use store::{Consistency, DUE_SHARDS, SetAside};

/// Most executions of one machine in a sweep of all open days: each covers two weeks.
const EXECUTIONS_MAX: usize = 200;
/// Accounts of one page, and most that were set aside and are listed.
const PAGE: u16 = 100;

/// Why a sweep or a look ahead came to no end.
#[derive(Debug, thiserror::Error)]
pub enum DueError {
    /// A state machine failed.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// A state machine's output is not that of a sweep.
    #[error("{machine} answered something else than tasks: {error}")]
    Output {
        /// Which machine.
        machine: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// The tables could not be read.
    #[error(transparent)]
    Fault(#[from] runtime::Fault),
    /// A sum does not fit.
    #[error("a sum does not fit")]
    Overflow,
}

impl From<store::Fault> for DueError {
    fn from(fault: store::Fault) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<Overflow> for DueError {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

/// What the sweep by one state machine came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// The function that walked.
    pub function: String,
    /// What it did.
    pub counts: Counts,
    /// What is set aside now, at most a page of it.
    pub set_aside: Vec<SetAside>,
}

/// Runs the template's state machines in their order: for a day of the past or today, or for all days that are open.
pub async fn sweep(cloud: &Arc<Cloud>, date: Option<Day>) -> Result<Vec<Swept>, DueError> {
    let mut swept = Vec::new();
    for machine in &cloud.template().machines {
        let input = serde_json::to_value(Task::Plan { day: date.map(|day| day.to_string()) }).unwrap_or_default();
        let mut counts = Counts::default();
        let functions: Vec<_> = machine.definition.functions().into_iter().collect();
        let today = functions.iter().find_map(|name| cloud.app(name)).map(|app| app.clock().wall_day().to_string());
        for _ in 0..EXECUTIONS_MAX {
            let output = cloud.execute(&machine.id, input.clone()).await?;
            let (done, last) = sums(output).map_err(|error| DueError::Output { machine: machine.id.clone(), error })?;
            counts = counts.plus(done);
            // A plan covers two weeks at most: what is left after a long time off comes with the next.
            if date.is_some() || last >= today {
                break;
            }
        }
        let mut set_aside = Vec::new();
        for walk in Walk::ALL.into_iter().filter(|walk| functions.contains(&walk.function())) {
            if let Some(app) = cloud.app(walk.function()) {
                set_aside.extend(app.store().aside_page(walk, None, PAGE).await?);
            }
        }
        let function = functions.join(", ");
        swept.push(Swept { function, counts, set_aside });
    }
    Ok(swept)
}

/// What the tasks of an output did, and the last day among them.
fn sums(output: Value) -> Result<(Counts, Option<String>), serde_json::Error> {
    let tasks: Vec<Task> = serde_json::from_value(output)?;
    let sum = |(counts, last): (Counts, Option<String>), task| match task {
        Task::Walk(shard) => (counts.plus(shard.done), last.max(Some(shard.day))),
        Task::Retry(retry) => (counts.plus(retry.done), last),
        // Accounts that are only filed are not walked: of them only what was set aside counts.
        Task::File(filing) => (counts.plus(Counts { walked: 0, ..filing.done }), last),
        Task::Plan { .. } => (counts, last),
    };
    Ok(tasks.into_iter().fold((Counts::default(), None), sum))
}

/// What falls due through the end of a day, in UTC, and is not written down yet.
pub async fn forecast(app: &App, date: Day, now: Instant) -> Result<Forecast, DueError> {
    let schedule = app.schedule().await?;
    let until = date.end().plus_ms(-1);
    let mut forecast = Forecast::default();
    for day in filed_from(app, now).await?.0..=date.0 {
        for shard in 0..DUE_SHARDS {
            let mut place = None;
            loop {
                let page = app.store().due_page(Day(day), shard, until, place.as_ref(), PAGE).await?;
                for id in &page.accounts {
                    let account = app.store().account(id, Consistency::Eventual).await?;
                    if let Some(account) = account.filter(|account| account.due.is_some_and(|due| due.day.0 == day)) {
                        forecast.add(&account, &schedule, now.max(account.last_decided), until)?;
                    }
                }
                place = page.next;
                if place.is_none() {
                    break;
                }
            }
        }
    }
    Ok(forecast)
}

/// The earliest day under which anything may be filed.
async fn filed_from(app: &App, now: Instant) -> Result<Day, DueError> {
    let mut first = now.utc_day().plus(-runtime::walker::LOOK_BACK_DAYS);
    for walk in Walk::ALL {
        first = app.store().first_open_day(walk).await?.map_or(first, |open| open.min(first));
    }
    Ok(first)
}
