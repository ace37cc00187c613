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
use domain::simulation::{self, Assumed, Compared, Facts, PASSES_MAX, Plan, Report, Takes, Worth};
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
    /// Too much is taken of limits for it to be shared out.
    #[error(
        "orders and redemptions take of budgets and stocks over all accounts more than {} times, which is more than can be \
         shared out",
        crate::takes::TAKES_MAX
    )]
    TooManyTakes,
    /// Each pass came to other takes than it assumed.
    #[error(
        "what is left of budgets and stocks over all accounts for whom has not settled in {PASSES_MAX} passes through all \
         histories: too much hangs on who comes first, or accounts went on meanwhile at instants that were past"
    )]
    Unsettled,
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
    /// The last commit of any account when they were counted. What is taken of limits later is no part of the simulation.
    until: Instant,
    /// What everybody takes of limits over all accounts.
    pub assumed: Assumed,
}

/// What one account came to.
pub(crate) struct Done<T> {
    /// What was made of what is stored.
    pub made: T,
    /// It went on after the instant that all are looked at.
    pub moved_on: bool,
    /// How long it took to read.
    pub reading: Duration,
    /// How long it took to replay.
    pub replaying: Duration,
}

impl Ground {
    /// The ground of a draft that is held against the versions that were in force.
    pub fn new(app: &App, in_force: Arc<Schedule>, draft: Arc<Program>, (as_of, until): (Instant, Instant)) -> Self {
        let draft = Schedule::only(Activation { from: Instant::MIN, version: DRAFT, program: draft });
        Self { app: app.clone(), in_force, draft, as_of, until, assumed: Assumed::default() }
    }

    /// Whether histories hang on each other, so that they are replayed until what is taken of limits has settled.
    pub fn has_limits(&self) -> bool {
        Assumed::is_needed(&self.plan(self.as_of))
    }

    /// What is stored of what an account took of limits.
    pub fn stored(&self, facts: &Facts) -> Result<Takes, Overflow> {
        let mut takes = Takes::stored(facts, &self.in_force);
        takes.retain_until(self.until);
        Ok(takes)
    }

    /// Replays the history of an account; answers what that takes of limits, too.
    pub fn replay(&self, facts: &Facts) -> Result<(Compared, Takes), Overflow> {
        let mut compared = simulation::simulate(facts, &self.plan(self.as_of.max(facts.account.last_decided)))?;
        let mut takes = compared.take_takes();
        takes.retain_until(self.until);
        Ok((compared, takes))
    }

    /// What a point costs in either version.
    pub fn worth(&self) -> Worth {
        Worth::of(&self.plan(self.as_of))
    }

    fn plan(&self, as_of: Instant) -> Plan<'_> {
        let (in_force, draft, assumed) = (&*self.in_force, &self.draft, Some(&self.assumed));
        Plan { in_force, draft, secrets: self.app.secrets(), as_of, assumed }
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

/// What is made of what is stored of an account.
pub(crate) type Make<T> = fn(&Ground, &Facts) -> Result<T, Overflow>;

/// Reads accounts in this sequence and makes something of each, the first at least and no further one after the deadline;
/// answers how many.
pub(crate) async fn each<T: Send + 'static>(
    ground: &Arc<Ground>,
    ids: &[AccountId],
    (workers, deadline): (usize, Deadline),
    make: Make<T>,
    mut take: impl FnMut(Done<T>) -> Result<(), SimulateError>,
) -> Result<usize, SimulateError> {
    let mut under_way = VecDeque::<(&AccountId, JoinHandle<_>)>::with_capacity(workers);
    let (mut waiting, mut begun) = (ids.iter(), 0_usize);
    loop {
        while under_way.len() < workers.max(1)
            && (begun == 0 || !deadline.is_over())
            && let Some(id) = waiting.next()
        {
            under_way.push_back((id, tokio::spawn(one(ground.clone(), id.clone(), make))));
            begun = begun.saturating_add(1);
        }
        let Some((id, first)) = under_way.pop_front() else { return Ok(begun) };
        let done = first.await.map_err(|lost| SimulateError::Worker { account_id: id.clone(), lost })?;
        if let Some(done) = done? {
            take(done)?;
        }
    }
}

/// Reads one account and makes something of it; `None`: it is not there.
async fn one<T>(ground: Arc<Ground>, id: AccountId, make: Make<T>) -> Result<Option<Done<T>>, SimulateError> {
    let (store, started) = (ground.app.store(), std::time::Instant::now());
    let Some(account) = store.account(&id, Consistency::Strong).await? else { return Ok(None) };
    let facts = store.facts(account).await?;
    let (reading, read) = (started.elapsed(), std::time::Instant::now());
    let made = make(&ground, &facts).map_err(|overflow| SimulateError::Account { account_id: id, overflow })?;
    let moved_on = facts.account.last_decided > ground.as_of;
    Ok(Some(Done { made, moved_on, reading, replaying: read.elapsed() }))
}
