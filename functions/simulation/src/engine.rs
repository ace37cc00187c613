//! Replaying the histories of accounts, several at once. Nothing is written.
//!
//! What accounts come to is handed over in the sequence in which they are listed: what comes out does not hang on how
//! many are under way, and who stops has replayed all up to a place. There are the facts of as many accounts in memory.

use crate::whole::Simulated;
use domain::account::Account;
use domain::id::AccountId;
use domain::money::Overflow;
use domain::program::Program;
use domain::schedule::{Activation, Schedule};
use domain::simulation::{self, Budgets, Compared, Plan, Report, Worth};
use domain::time::Instant;
use runtime::{App, Deadline};
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use store::Consistency;
use tokio::task::JoinHandle;

/// The number that the draft has in its own schedule, where no other version is.
const DRAFT: u32 = 1;

/// Why there is no simulation.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// What accounts were then is not known any more.
    #[error("account {account_id} was last decided at {last_decided}; choose that instant or a later one")]
    TooEarly {
        /// Which account; of several, the one decided last.
        account_id: AccountId,
        /// The earliest instant that can be looked at.
        last_decided: Instant,
    },
    /// A sum over several accounts does not fit.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// A sum of one account does not fit.
    #[error("account {account_id}: {overflow}")]
    Account {
        /// Which account.
        account_id: AccountId,
        /// What does not fit.
        overflow: Overflow,
    },
    /// Orders want too much for it to be shared out among them.
    #[error(
        "orders want something of a budget over all accounts more than {} times, which is more than can be shared out",
        crate::wanted::WANTS_MAX
    )]
    TooManyWants,
    /// What was kept of a simulation under way is not there.
    #[error("{part} is not kept any more")]
    Forgotten {
        /// What.
        part: String,
    },
    /// The version that is simulated is not there any more.
    #[error("version {version} of the program is not stored any more")]
    NoVersion {
        /// Its number.
        version: u32,
    },
    /// The tables could not be read.
    #[error(transparent)]
    Store(#[from] store::Fault),
    /// The program could not be read, or the queue not be reached.
    #[error(transparent)]
    Fault(#[from] runtime::Fault),
    /// A worker ended before its time.
    #[error("account {account_id}: a worker ended before its time: {lost}")]
    Worker {
        /// Which account it was about.
        account_id: AccountId,
        /// How it ended.
        lost: tokio::task::JoinError,
    },
}

/// What all workers share.
#[derive(Clone)]
pub(crate) struct Ground {
    app: App,
    in_force: Arc<Schedule>,
    draft: Schedule,
    as_of: Instant,
    /// What orders are given of budgets, once it is known what all of them want.
    pub budgets: Option<Budgets>,
}

/// What one account came to.
pub(crate) struct Done {
    /// What its history came to.
    pub compared: Compared,
    /// It went on after the instant that all are looked at.
    pub moved_on: bool,
    /// How long it took to read.
    pub reading: Duration,
    /// How long it took to replay.
    pub replaying: Duration,
}

impl Ground {
    /// The ground of a draft that is held against the versions that were in force.
    pub fn new(app: &App, in_force: Arc<Schedule>, draft: Arc<Program>, as_of: Instant) -> Self {
        let draft = Schedule::only(Activation { from: Instant::MIN, version: DRAFT, program: draft });
        Self { app: app.clone(), in_force, draft, as_of, budgets: None }
    }

    /// Whether histories hang on each other, so that all are replayed twice: what their orders want is known first.
    pub fn has_budgets(&self) -> bool {
        Budgets::are_in(&self.in_force) || Budgets::are_in(&self.draft)
    }

    /// What a point costs in either version.
    pub fn worth(&self) -> Worth {
        Worth::of(&self.plan(self.as_of))
    }

    fn plan(&self, as_of: Instant) -> Plan<'_> {
        let (in_force, draft, budgets) = (&*self.in_force, &self.draft, self.budgets.as_ref());
        Plan { in_force, draft, secrets: self.app.secrets(), as_of, budgets }
    }

    /// A simulation on it of which so much is known.
    pub fn simulated(&self, report: Report, moved_on: u64) -> Simulated {
        Simulated {
            in_force: self.in_force.at(self.as_of).program.clone(),
            draft: self.draft.at(self.as_of).program.clone(),
            as_of: self.as_of,
            report,
            moved_on,
            reading: Duration::ZERO,
            replaying: Duration::ZERO,
        }
    }
}

/// Notes which account was decided last, and when; of several at once the one with the smallest id.
pub(crate) fn note_latest(latest: &mut Option<(AccountId, Instant)>, account: &Account) {
    let place = |id: &AccountId, at: Instant| (at, Reverse(id.clone()));
    if latest.as_ref().is_none_or(|(id, at)| place(id, *at) < place(&account.id, account.last_decided)) {
        *latest = Some((account.id.clone(), account.last_decided));
    }
}

/// The instant to look at: the one asked for, or the last commit of any account. Fails for one before that.
pub(crate) fn as_of(asked: Option<Instant>, latest: Option<(AccountId, Instant)>) -> Result<Instant, SimulateError> {
    match (asked, latest) {
        (Some(as_of), Some((account_id, last_decided))) if as_of < last_decided => {
            Err(SimulateError::TooEarly { account_id, last_decided })
        }
        (as_of, latest) => Ok(as_of.or(latest.map(|(_, latest)| latest)).unwrap_or(Instant::MIN)),
    }
}

/// Replays accounts in this sequence, the first at least and no further one after the deadline; answers how many.
pub(crate) async fn each(
    ground: &Arc<Ground>,
    ids: &[AccountId],
    workers: usize,
    deadline: Deadline,
    mut take: impl FnMut(Done) -> Result<(), SimulateError>,
) -> Result<usize, SimulateError> {
    let mut under_way = VecDeque::<(&AccountId, JoinHandle<_>)>::with_capacity(workers);
    let (mut waiting, mut begun) = (ids.iter(), 0_usize);
    loop {
        while under_way.len() < workers.max(1)
            && (begun == 0 || !deadline.is_over())
            && let Some(id) = waiting.next()
        {
            under_way.push_back((id, tokio::spawn(one(ground.clone(), id.clone()))));
            begun = begun.saturating_add(1);
        }
        let Some((id, first)) = under_way.pop_front() else { return Ok(begun) };
        let done = first.await.map_err(|lost| SimulateError::Worker { account_id: id.clone(), lost })?;
        if let Some(done) = done? {
            take(done)?;
        }
    }
}

/// Reads one account and replays its history; `None`: it is not there.
async fn one(ground: Arc<Ground>, id: AccountId) -> Result<Option<Done>, SimulateError> {
    let (store, started) = (ground.app.store(), std::time::Instant::now());
    let Some(account) = store.account(&id, Consistency::Strong).await? else { return Ok(None) };
    let facts = store.facts(account).await?;
    let (reading, read) = (started.elapsed(), std::time::Instant::now());
    let last_decided = facts.account.last_decided;
    let plan = ground.plan(ground.as_of.max(last_decided));
    let compared = simulation::simulate(&facts, &plan);
    let compared = compared.map_err(|overflow| SimulateError::Account { account_id: id, overflow })?;
    let replaying = read.elapsed();
    Ok(Some(Done { compared, moved_on: last_decided > ground.as_of, reading, replaying }))
}
