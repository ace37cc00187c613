//! What falls due: sweeping it on this machine, and looking ahead. Memory is bounded by a page of accounts.

use crate::cloud::Cloud;
use crate::template::Machine;
use domain::account::Account;
use domain::forecast::Forecast;
use domain::money::Overflow;
use domain::time::{Day, Instant};
use domain::warning::Walk;
use runtime::App;
use runtime::walker::{Counts, Summary, Task};
use serde::Serialize;
use std::sync::Arc;
use store::{Consistency, Segment, SetAside, Store};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Most accounts that were set aside and are listed.
const ASIDE_MAX: u16 = 100;
/// Parts of the index that are read at once.
const SEGMENTS: i32 = 8;
/// Most accounts that are read and not yet counted.
const FOUND_MAX: usize = 64;

/// Why a sweep or a look ahead came to no end.
#[derive(Debug, thiserror::Error)]
pub enum DueError {
    /// What fell due in the past was due then.
    #[error("{0} is past: only what is still to come can be told")]
    Past(Day),
    /// The tables could not be read.
    #[error(transparent)]
    Fault(#[from] runtime::Fault),
    /// A sum does not fit.
    #[error("a sum does not fit")]
    Overflow,
    /// A part of the index was not read to its end.
    #[error("a part of the index was not read")]
    Lost,
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
    /// What it did, in executions that succeeded.
    pub counts: Counts,
    /// Why the last execution failed, if it did: what it did says its cause.
    pub failure: Option<String>,
    /// What is set aside now, at most a page of it.
    pub set_aside: Vec<SetAside>,
}

impl Swept {
    /// Whether nothing has failed.
    pub fn is_complete(&self) -> bool {
        self.failure.is_none() && self.counts.set_aside == 0
    }
}

/// Runs the template's state machines that walk in their order, each whatever became of the one before: for a day of the past or
/// today, or for all days that are open.
pub async fn sweep(cloud: &Arc<Cloud>, date: Option<Day>) -> Result<Vec<Swept>, DueError> {
    let mut swept = Vec::new();
    let walks = |machine: &&Machine| {
        let functions = machine.definition.functions();
        Walk::ALL.into_iter().any(|walk| functions.contains(walk.function()))
    };
    for machine in cloud.template().machines.iter().filter(walks) {
        let (counts, failure) = executed(cloud, &machine.id, date).await;
        let functions = machine.definition.functions();
        let mut set_aside = Vec::new();
        for walk in Walk::ALL.into_iter().filter(|walk| functions.contains(&walk.function())) {
            if let Some(app) = cloud.app(walk.function()) {
                set_aside.extend(app.store().aside_page(walk, None, ASIDE_MAX).await?.accounts);
            }
        }
        let function = functions.into_iter().collect::<Vec<_>>().join(", ");
        swept.push(Swept { function, counts, failure, set_aside });
    }
    Ok(swept)
}

/// Executes a machine until no open day is left: a plan covers some weeks, and what is left after a long time off comes
/// with the next.
async fn executed(cloud: &Arc<Cloud>, machine: &str, date: Option<Day>) -> (Counts, Option<String>) {
    let input = serde_json::to_value(Task::Plan { day: date.map(|day| day.to_string()) }).unwrap_or_default();
    let (mut counts, mut days_left) = (Counts::default(), u32::MAX);
    loop {
        let output = cloud.execute(machine, input.clone()).await.map_err(|failure| failure.to_string());
        let summary = output.and_then(|output| {
            serde_json::from_value::<Summary>(output).map_err(|error| format!("{machine} told no summary: {error}"))
        });
        let summary = match summary {
            Ok(summary) => summary,
            Err(failure) => return (counts, Some(failure)),
        };
        counts = counts.plus(summary.done);
        if summary.days_left == 0 {
            return (counts, None);
        }
        if summary.days_left >= days_left {
            return (counts, Some(format!("{} days stay open", summary.days_left)));
        }
        days_left = summary.days_left;
    }
}

/// What falls due through the end of a day that is not past, in UTC, and is not written down yet. Reads the whole index
/// of what is filed, whichever day it is filed under, and the accounts that it names; or all accounts, where they are not
/// filed yet for the version that is in force at the end of that day.
pub async fn forecast(app: &App, date: Day, now: Instant) -> Result<Forecast, DueError> {
    if date < now.utc_day() {
        return Err(DueError::Past(date));
    }
    let schedule = app.schedule().await?;
    let until = date.end().plus_ms(-1);
    let all = !are_filed(app.store(), schedule.number_at(until)).await?;
    let (accounts, mut found) = mpsc::channel(FOUND_MAX);
    let mut readers = JoinSet::new();
    for index in 0..SEGMENTS {
        let (store, accounts) = (app.store().clone(), accounts.clone());
        let segment = Segment { index, of: SEGMENTS };
        readers.spawn(async move {
            if all { read_all(&store, segment, accounts).await } else { read(&store, segment, until, accounts).await }
        });
    }
    drop(accounts);
    let mut forecast = Forecast::default();
    while let Some(account) = found.recv().await {
        forecast.add(&account, &schedule, now.max(account.last_decided), until)?;
    }
    while let Some(read) = readers.join_next().await {
        read.map_err(|_| DueError::Lost)??;
    }
    Ok(forecast)
}

/// Whether both walks have filed every account for what the version of an activation asks of it.
async fn are_filed(store: &Store, activation: u32) -> Result<bool, store::Fault> {
    for walk in Walk::ALL {
        if store.filed_activation(walk).await? != Some(activation) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Sends the accounts of a segment, as fast as they are taken.
async fn read_all(store: &Store, segment: Segment, accounts: mpsc::Sender<Account>) -> Result<(), store::Fault> {
    let mut after = None;
    loop {
        let page = store.accounts_page(segment, after).await?;
        for account in page.records {
            if accounts.send(account).await.is_err() {
                return Ok(());
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Sends the accounts of a segment on which something falls due, as fast as they are taken.
async fn read(
    store: &Store,
    segment: Segment,
    until: Instant,
    accounts: mpsc::Sender<Account>,
) -> Result<(), store::Fault> {
    let mut after = None;
    loop {
        let page = store.filed_accounts(segment, until, after).await?;
        for id in &page.records {
            let Some(account) = store.account(id, Consistency::Eventual).await? else { continue };
            if accounts.send(account).await.is_err() {
                return Ok(());
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}
