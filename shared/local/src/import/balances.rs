//! Importing opening balances: what companies bring from another product, one row for each lot of points.
//!
//! Every account is opened by one decision and one commit, through the loop that every command goes through, so an
//! import that was interrupted is simply run again: accounts that are open get their first answer, and nothing is
//! added twice. Before the first commit the whole file is read and every opening held against the program; what is
//! wrong by then is wrong with the file, and nothing is written.

mod read;

use super::{ImportError, Progress, size, workers};
use domain::account::Account;
use domain::decision::{Context, Decision, Record, Rejection};
use domain::id::AccountId;
use domain::idempotency::{CommandKey, CommandRecord};
use domain::ledger::IMPORTER;
use domain::money::{Overflow, Points};
use domain::opening::{self, Opening, OpeningReceipt};
use domain::time::Instant;
use read::Balances;
use runtime::{App, Caller, Clock, Command, Error};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Consistency, Store};
use tokio::task::JoinSet;

/// What is to be imported, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The file.
    pub file: PathBuf,
    /// The instant at which its balances are true; `None`: now.
    pub as_of: Option<Instant>,
    /// Read and check the file, and write nothing.
    pub check_only: bool,
    /// How many accounts are worked on at once.
    pub workers: usize,
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The instant at which the balances are true.
    pub as_of: Instant,
    /// Nothing was written, since only a check was asked for; the figures are what would have been.
    pub check_only: bool,
    /// Rows of the file.
    pub rows_read: u64,
    /// Accounts of the file.
    pub accounts_read: u64,
    /// Accounts opened by this run.
    pub accounts_opened: u64,
    /// Accounts that were opened before, with the same content.
    pub accounts_known: u64,
    /// Points taken over, by this run or before.
    pub points_opened: Points,
    /// How many of them had ended already.
    pub points_lapsed: Points,
    /// Points taken over that accounts owe, by this run or before.
    pub points_owed: Points,
    /// Accounts that could not be opened, sorted by id.
    pub refused: Vec<RefusedAccount>,
}

/// An account that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedAccount {
    /// Which account.
    pub account_id: AccountId,
    /// Why.
    pub reason: String,
}

/// Imports what is planned through `app`, which must be one that may write accounts.
pub async fn run(app: &App, plan: &Plan, progress: Progress) -> Result<Summary, ImportError> {
    let today = Clock::system().now();
    let now = plan.as_of.unwrap_or(today);
    if now > today {
        return Err(ImportError::Future(now));
    }
    let app = app.with_clock(Clock::Replay(now));
    let schedule = app.schedule().await?;
    let Balances { rows, openings } = read::read(&plan.file, &schedule.at(now).program, now)?;
    let mut summary = Summary {
        as_of: now,
        check_only: plan.check_only,
        rows_read: rows,
        accounts_read: size(openings.len()),
        accounts_opened: 0,
        accounts_known: 0,
        points_opened: Points::ZERO,
        points_lapsed: Points::ZERO,
        points_owed: Points::ZERO,
        refused: Vec::new(),
    };
    if plan.check_only {
        let (secrets, wall_day) = (app.secrets(), app.clock().wall_day());
        let context = Context { schedule: &schedule, secrets, by: IMPORTER, now, wall_day, collisions: 0 };
        for opening in openings {
            let decided = opening::open(None, &opening, &context).map(|decision| (decision.answer, false));
            summary.add(opening.account_id, decided.map_err(Error::from))?;
        }
        summary.accounts_opened = 0;
        return Ok(summary);
    }
    let work = Arc::new(Work { app, openings, progress, finished: AtomicU64::new(0), workers: plan.workers.max(1) });
    let mut running = JoinSet::new();
    for first in 0..work.workers {
        let work = Arc::clone(&work);
        running.spawn(async move { work.open_every(first).await });
    }
    for (id, outcome) in workers::all(running).await?.into_iter().flatten() {
        summary.add(id, outcome)?;
    }
    summary.refused.sort_by(|a, b| a.account_id.cmp(&b.account_id));
    Ok(summary)
}

/// What became of an account.
type Outcome = (AccountId, Result<Answer, Error>);

/// The receipt, and whether it was given before.
type Answer = (OpeningReceipt, bool);

/// What all workers share.
struct Work {
    app: App,
    openings: Vec<Opening>,
    progress: Progress,
    finished: AtomicU64,
    workers: usize,
}

impl Work {
    /// Opens the accounts of one worker: its first and every so many after it.
    async fn open_every(&self, first: usize) -> Result<Vec<Outcome>, ImportError> {
        let caller = Caller::operator(IMPORTER);
        let mut outcomes = Vec::new();
        for opening in self.openings.iter().skip(first).step_by(self.workers) {
            let opened = self.app.transact(&caller, &Open(opening)).await;
            if let Err(Error::Fault(fault)) = opened {
                return Err(fault.into());
            }
            outcomes.push((opening.account_id.clone(), opened));
            let finished = self.finished.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            (self.progress)(finished, size(self.openings.len()));
        }
        Ok(outcomes)
    }
}

impl Summary {
    fn add(&mut self, account_id: AccountId, outcome: Result<Answer, Error>) -> Result<(), ImportError> {
        let (receipt, repeated) = match outcome {
            Ok(opened) => opened,
            Err(refusal) => {
                self.refused.push(RefusedAccount { account_id, reason: refusal.cause() });
                return Ok(());
            }
        };
        let count = if repeated { &mut self.accounts_known } else { &mut self.accounts_opened };
        *count = count.saturating_add(1);
        self.count(&receipt).map_err(|overflow| ImportError::Summary(overflow.to_string()))
    }

    fn count(&mut self, receipt: &OpeningReceipt) -> Result<(), Overflow> {
        self.points_opened = self.points_opened.plus(receipt.points)?;
        self.points_lapsed = self.points_lapsed.plus(receipt.lapsed)?;
        self.points_owed = self.points_owed.plus(receipt.owed)?;
        Ok(())
    }
}

/// Open an account's balance, once.
struct Open<'o>(&'o Opening);

impl Open<'_> {
    fn repeat(&self, record: &CommandRecord) -> Result<Answer, Rejection> {
        Ok((opening::repeat(record, self.0)?, true))
    }
}

impl Command for Open<'_> {
    type State = Option<Account>;
    type Answer = Answer;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Option<Account>, store::Fault> {
        store.account(&self.0.account_id, consistency).await
    }

    fn last_decided(state: &Option<Account>) -> Option<Instant> {
        state.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Option<Account>, context: &Context<'_>) -> Result<Decision<Answer>, Rejection> {
        let decision = opening::open(state.as_ref(), self.0, context)?;
        Ok(Decision { writes: decision.writes, answer: (decision.answer, false) })
    }

    async fn recall(&self, store: &Store) -> Result<Option<Result<Answer, Rejection>>, store::Fault> {
        let found = store.command(&self.0.account_id, &CommandKey::opening()).await?;
        Ok(found.map(|record| self.repeat(&record)))
    }

    fn meet(&self, existing: &Record) -> Option<Result<Answer, Rejection>> {
        match existing {
            Record::Command(record) => Some(self.repeat(record)),
            _ => None,
        }
    }
}
