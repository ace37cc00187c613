//! One step of a simulation: so many accounts, or about a minute of them.

use crate::document::document;
use crate::engine::{Done, Ground, SimulateError, as_of, each, note_latest};
use crate::id::SimulationId;
use crate::record::{At, Counting, Record, Replaying, Stage, Walk, Wanted};
use crate::wanted::{self, Part};
use domain::id::AccountId;
use domain::schedule::Schedule;
use runtime::{App, Deadline, Fault};
use std::sync::Arc;

/// Most accounts of a step: it is bounded by its time, unless accounts are very small.
const ACCOUNTS_MAX: usize = 50_000;
/// Accounts that are listed at once.
const PAGE: u16 = 500;
/// Accounts under way at once.
const WORKERS: usize = 16;

/// How far a step goes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Most accounts of it; one is taken at least.
    pub accounts: usize,
    /// When no further account is begun; the first is.
    pub deadline: Deadline,
}

impl Pace {
    /// That of an invocation which begins now.
    pub(crate) fn of(app: &App) -> Self {
        Self { accounts: ACCOUNTS_MAX, deadline: Deadline::after(app.patience().walk) }
    }

    /// How many accounts are to be listed next, where so many were taken.
    fn page(self, taken: usize) -> u16 {
        let left = self.accounts.saturating_sub(taken).max(1);
        u16::try_from(left).unwrap_or(PAGE).min(PAGE)
    }

    fn is_over(self, taken: usize) -> bool {
        taken >= self.accounts || self.deadline.is_over()
    }
}

/// Where a simulation stands after its next step.
pub(crate) async fn advance(app: &App, id: &SimulationId, at: &At, pace: Pace) -> Result<Stage, SimulateError> {
    let record = &at.record;
    match record.stage.clone() {
        Stage::Counting(counting) => count(app, record, counting, pace).await,
        Stage::Wanting(walk, wanted) => gather(app, id, at, (walk, wanted), pace).await,
        Stage::Replaying(walk, wanted, so_far) => replay(app, id, record, (walk, wanted, so_far), pace).await,
        over => Ok(over),
    }
}

/// Counts accounts, and says when all of them are looked at once it has seen the last.
async fn count(app: &App, record: &Record, mut counting: Counting, pace: Pace) -> Result<Stage, SimulateError> {
    let mut taken = 0_usize;
    loop {
        let (accounts, next) = app.store().accounts_after(counting.after.as_ref(), pace.page(taken)).await?;
        accounts.iter().for_each(|account| note_latest(&mut counting.latest, account));
        taken = taken.saturating_add(accounts.len());
        counting.accounts = counting.accounts.saturating_add(number(accounts.len()));
        counting.after = next;
        if counting.after.is_none() {
            break;
        }
        if pace.is_over(taken) {
            return Ok(Stage::Counting(counting));
        }
    }
    let as_of = as_of(record.asked.as_of, counting.latest)?;
    let walk = Walk { as_of, accounts: counting.accounts, after: None, done: 0 };
    Ok(match ground(app, record, &walk).await?.has_budgets() {
        true => Stage::Wanting(walk, Wanted::default()),
        false => Stage::Replaying(walk, Wanted::default(), Box::default()),
    })
}

/// Gathers what orders want of budgets.
async fn gather(
    app: &App,
    id: &SimulationId,
    at: &At,
    (mut walk, wanted): (Walk, Wanted),
    pace: Pace,
) -> Result<Stage, SimulateError> {
    let ground = Arc::new(ground(app, &at.record, &walk).await?);
    let mut part = Part::default();
    let is_over = go_on(app, &ground, &mut walk, pace, |done| {
        part.in_force.extend(done.compared.in_force.wants);
        part.draft.extend(done.compared.draft.wants);
        Ok(())
    })
    .await?;
    let wanted = wanted::keep(app, id, at, wanted, &part).await?;
    Ok(match is_over {
        true => Stage::Replaying(Walk { after: None, done: 0, ..walk }, wanted, Box::default()),
        false => Stage::Wanting(walk, wanted),
    })
}

/// Replays histories, and draws the whole up once it has come by the last.
async fn replay(
    app: &App,
    id: &SimulationId,
    record: &Record,
    (mut walk, wanted, so_far): (Walk, Wanted, Box<Replaying>),
    pace: Pace,
) -> Result<Stage, SimulateError> {
    let mut ground = ground(app, record, &walk).await?;
    if ground.has_budgets() {
        ground.budgets = Some(wanted::serve(app, id, &wanted).await?);
    }
    let ground = Arc::new(ground);
    let Replaying { report, mut moved_on } = *so_far;
    let mut report = report.resumed(ground.worth());
    let is_over = go_on(app, &ground, &mut walk, pace, |done| {
        moved_on = moved_on.saturating_add(u64::from(done.moved_on));
        Ok(report.add(&done.compared)?)
    })
    .await?;
    if !is_over {
        return Ok(Stage::Replaying(walk, wanted, Box::new(Replaying { report, moved_on })));
    }
    let accounts = report.total.accounts;
    let document = serde_json::to_string(&document(&ground.simulated(report, moved_on))?);
    let unwritten = |error: serde_json::Error| store::Fault::Service(format!("cannot be written: {error}"));
    Ok(Stage::Done { accounts, document: document.map_err(unwritten)? })
}

/// Comes by further accounts; says whether it has come by the last.
async fn go_on(
    app: &App,
    ground: &Arc<Ground>,
    walk: &mut Walk,
    pace: Pace,
    mut take: impl FnMut(Done) -> Result<(), SimulateError>,
) -> Result<bool, SimulateError> {
    let mut taken = 0_usize;
    loop {
        let (accounts, next) = app.store().accounts_after(walk.after.as_ref(), pace.page(taken)).await?;
        let ids: Vec<AccountId> = accounts.into_iter().map(|account| account.id).collect();
        let count = each(ground, &ids, WORKERS, pace.deadline, &mut take).await?;
        taken = taken.saturating_add(count);
        walk.done = walk.done.saturating_add(number(count));
        if count < ids.len() {
            walk.after = count.checked_sub(1).and_then(|last| ids.get(last).cloned()).or(walk.after.take());
            return Ok(false);
        }
        walk.after = next;
        if walk.after.is_none() {
            return Ok(true);
        }
        if pace.is_over(taken) {
            return Ok(false);
        }
    }
}

/// What the accounts of a record are replayed on: the activations that had been decided when it was asked for.
async fn ground(app: &App, record: &Record, walk: &Walk) -> Result<Ground, SimulateError> {
    let (name, version) = (&app.config().program, record.asked.version);
    let stored = app.store().version_rules(name, version).await?;
    let (_, draft) = stored.ok_or(SimulateError::NoVersion { version })?;
    let schedule = app.store().schedule(name).await?;
    let decided = |schedule: Schedule| {
        Schedule::new((1..=record.activations).filter_map(|number| schedule.activation(number).cloned()).collect())
    };
    let in_force = schedule.and_then(decided).ok_or_else(|| Fault::NoProgram(name.to_string()))?;
    Ok(Ground::new(app, Arc::new(in_force), draft, walk.as_of))
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
