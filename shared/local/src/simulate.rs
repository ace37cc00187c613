//! What a draft of the program would have come to over what really happened: every account's stored facts are read and
//! replayed, account by account ([`domain::simulation`]). Nothing is written.
//!
//! Several accounts are under way at once, and what they come to is put together in the sequence of their ids: the
//! report does not hang on how many. At any time there are the facts of as many accounts in memory, and the totals.
//! Where a version has budgets over all accounts, all are replayed twice: what their orders want of them is known first.

mod document;
mod text;

use crate::program::ProgramError;
use crate::walk;
use domain::id::AccountId;
use domain::money::Overflow;
use domain::program::Program;
use domain::schedule::{Activation, Schedule};
use domain::simulation::{self, Allotted, Budgets, Compared, Plan, Report, Want, Worth};
use domain::time::Instant;
use domain::version::Draft;
use runtime::App;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use store::Consistency;
use tokio::task::JoinHandle;

pub use document::{Document, document};
pub use text::text;

/// The number that the draft has in its own schedule, where no other version is.
const DRAFT: u32 = 1;

/// What is to be simulated.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The document of the draft.
    pub draft: Value,
    /// When both are looked at; `None`: at the last commit of any account.
    pub as_of: Option<Instant>,
    /// Accounts under way at once.
    pub workers: usize,
}

/// What a simulation came to.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// The version in force at the end.
    pub in_force: Arc<Program>,
    /// The draft.
    pub draft: Arc<Program>,
    /// When both are looked at.
    pub as_of: Instant,
    /// What all accounts came to.
    pub report: Report,
    /// Accounts that went on after the simulation had begun: they are looked at as they were found.
    pub moved_on: u64,
    /// How long all workers together took to read.
    pub reading: Duration,
    /// How long they took to replay.
    pub replaying: Duration,
}

/// Why there is no simulation.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The draft is not one that could be put in force.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// What accounts were then is not known any more.
    #[error("account {account_id} was last decided at {last_decided}; choose that instant or a later one")]
    TooEarly {
        /// Which account; of several, the one decided last.
        account_id: AccountId,
        /// The earliest instant that can be looked at.
        last_decided: Instant,
    },
    /// A sum does not fit.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// The tables could not be read.
    #[error(transparent)]
    Store(#[from] store::Fault),
    /// The program could not be read.
    #[error(transparent)]
    Fault(#[from] runtime::Fault),
    /// A worker ended before its time.
    #[error("a worker ended before its time: {0}")]
    Worker(#[from] tokio::task::JoinError),
}

/// What all workers share.
#[derive(Clone)]
struct Shared {
    app: App,
    in_force: Arc<Schedule>,
    draft: Schedule,
    as_of: Instant,
    /// What orders are given of budgets, once it is known what all of them want.
    budgets: Option<Budgets>,
}

/// What one account came to.
struct Done {
    compared: Compared,
    moved_on: bool,
    reading: Duration,
    replaying: Duration,
}

/// Replays every stored history under the draft; `progress` is told how many of how many accounts are done.
pub async fn run(app: &App, asked: Asked, mut progress: impl FnMut(u64, u64)) -> Result<Simulated, SimulateError> {
    let in_force = app.schedule().await?;
    let draft = Arc::new(draft(app, asked.draft, &in_force)?);
    let (ids, latest) = accounts(app).await?;
    let as_of = match (asked.as_of, latest) {
        (Some(as_of), Some((account_id, last_decided))) if as_of < last_decided => {
            return Err(SimulateError::TooEarly { account_id, last_decided });
        }
        (as_of, latest) => as_of.or(latest.map(|(_, latest)| latest)).unwrap_or(Instant::MIN),
    };
    let activation = Activation { from: Instant::MIN, version: DRAFT, program: draft.clone() };
    let alone = Schedule::only(activation);
    let have_budgets = Budgets::are_in(&in_force) || Budgets::are_in(&alone);
    let rounds = if have_budgets { 2 } else { 1 };
    let count = u64::try_from(ids.len()).unwrap_or(u64::MAX).saturating_mul(rounds);
    let mut done = 0_u64;
    let mut step = || {
        done = done.saturating_add(1);
        progress(done, count);
    };
    let mut shared = Shared { app: app.clone(), in_force, draft: alone, as_of, budgets: None };
    if have_budgets {
        let (round, mut wants) = (Arc::new(shared.clone()), (Vec::<Want>::new(), Vec::<Want>::new()));
        each(&round, &ids, asked.workers, |done| {
            wants.0.extend(done.compared.in_force.wants);
            wants.1.extend(done.compared.draft.wants);
            step();
            Ok(())
        })
        .await?;
        shared.budgets = Some(Budgets { in_force: Allotted::serve(wants.0)?, draft: Allotted::serve(wants.1)? });
    }
    let shared = Arc::new(shared);
    let mut simulated = Simulated {
        in_force: shared.in_force.at(as_of).program.clone(),
        draft,
        as_of,
        report: Report::new(Worth::of(&shared.plan(as_of))),
        moved_on: 0,
        reading: Duration::ZERO,
        replaying: Duration::ZERO,
    };
    each(&shared, &ids, asked.workers, |done| {
        step();
        simulated.add(done)
    })
    .await?;
    Ok(simulated)
}

/// Replays accounts, several at once, and hands over what they came to in the sequence of their ids.
async fn each(
    shared: &Arc<Shared>,
    ids: &[AccountId],
    workers: usize,
    mut take: impl FnMut(Done) -> Result<(), SimulateError>,
) -> Result<(), SimulateError> {
    let (mut ids, mut under_way) = (ids.iter(), VecDeque::<JoinHandle<_>>::with_capacity(workers));
    loop {
        while under_way.len() < workers.max(1)
            && let Some(id) = ids.next()
        {
            under_way.push_back(tokio::spawn(one(shared.clone(), id.clone())));
        }
        let Some(first) = under_way.pop_front() else { return Ok(()) };
        if let Some(done) = first.await?? {
            take(done)?;
        }
    }
}

impl Shared {
    fn plan(&self, as_of: Instant) -> Plan<'_> {
        let (in_force, draft, budgets) = (&*self.in_force, &self.draft, self.budgets.as_ref());
        Plan { in_force, draft, secrets: self.app.secrets(), as_of, budgets }
    }
}

impl Simulated {
    fn add(&mut self, done: Done) -> Result<(), SimulateError> {
        let Done { compared, moved_on, reading, replaying } = done;
        self.report.add(&compared)?;
        self.moved_on = self.moved_on.saturating_add(u64::from(moved_on));
        self.reading = self.reading.saturating_add(reading);
        self.replaying = self.replaying.saturating_add(replaying);
        Ok(())
    }
}

/// The draft, if it could be put in force now; otherwise all that is wrong with it.
fn draft(app: &App, document: Value, in_force: &Schedule) -> Result<Program, ProgramError> {
    let name = &app.config().program;
    Draft::read(document.clone(), name).map_err(ProgramError::Faulty)?;
    let program = Program::from_json(&document).map_err(ProgramError::Faulty)?;
    // The newest version keeps all that those before it had.
    program.may_follow(&in_force.at(Instant::MAX).program).map_err(ProgramError::Faulty)?;
    Ok(program)
}

/// The ids of all accounts, ascending, and which of them was decided last, and when.
async fn accounts(app: &App) -> Result<(Vec<AccountId>, Option<(AccountId, Instant)>), SimulateError> {
    let (mut ids, mut latest) = (Vec::new(), None::<(AccountId, Instant)>);
    walk::accounts(app.store(), |account| {
        if latest.as_ref().is_none_or(|(_, last_decided)| *last_decided < account.last_decided) {
            latest = Some((account.id.clone(), account.last_decided));
        }
        ids.push(account.id);
        Ok::<_, store::Fault>(())
    })
    .await?;
    ids.sort();
    Ok((ids, latest))
}

/// Reads one account and replays its history; `None`: it is not there.
async fn one(shared: Arc<Shared>, id: AccountId) -> Result<Option<Done>, SimulateError> {
    let (store, started) = (shared.app.store(), std::time::Instant::now());
    let Some(account) = store.account(&id, Consistency::Strong).await? else { return Ok(None) };
    let facts = store.facts(account).await?;
    let (reading, read) = (started.elapsed(), std::time::Instant::now());
    let last_decided = facts.account.last_decided;
    let plan = shared.plan(shared.as_of.max(last_decided));
    let compared = simulation::simulate(&facts, &plan)?;
    let replaying = read.elapsed();
    Ok(Some(Done { compared, moved_on: last_decided > shared.as_of, reading, replaying }))
}
