//! Importing order history: the same code that Lambda runs, fed from files.
//!
//! Invoices are carried out by time, then by the whole invoice number in byte order: orders are scored, returns matched
//! to the account's orders before them. Chunk by chunk several workers go side by side, all invoices of one account on
//! the same worker, so that they keep their order. After each chunk the position is stored: an import that was
//! interrupted goes on there, and what it repeats is recognised by its own record, so nothing ever counts twice.
//!
//! With returns left out, a return is told by its number before a guest is by the missing account: a guest's return
//! counts among those, not among the guest invoices.

pub mod balances;
pub mod file;
pub mod history;
pub mod totals;
mod workers;

use crate::mapping::Mapping;
use domain::id::{InvalidId, OrderId, ReturnId};
use domain::ledger::IMPORTER;
use domain::score::FUTURE_MS_MAX;
use domain::time::Instant;
use file::FileError;
use history::{History, Invoice};
use order_placed::Outcome;
use order_returned::Which;
use runtime::{App, Caller, Clock, Deadline, Error, Fault};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;
use totals::Totals;

/// Invoices between two checkpoints.
pub const CHUNK: usize = 1_000;
/// Accounts worked on at once unless told otherwise: enough that the database never waits for a decision.
pub const WORKERS: u8 = 16;

/// What is to be imported, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How rows become orders.
    pub mapping: Mapping,
    /// The files, read as one.
    pub files: Vec<PathBuf>,
    /// Leave returns out.
    pub skip_returns: bool,
    /// Start at the first invoice whatever was imported before.
    pub from_start: bool,
    /// How many accounts are worked on at once.
    pub workers: usize,
}

/// Told after every invoice, from whichever worker: how many are done, of how many.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// What an import came to.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Invoices of the files, whatever they are.
    pub invoices_read: u64,
    /// Orders among them.
    pub orders_read: u64,
    /// Orders scored by this run.
    pub orders_scored: u64,
    /// Orders that had their score before.
    pub orders_known: u64,
    /// Returns of accounts among the invoices.
    pub returns_read: u64,
    /// Returns carried out by this run.
    pub returns_imported: u64,
    /// Returns that were carried out before.
    pub returns_known: u64,
    /// Invoices without an account; with returns left out, those that are no returns.
    pub guest_invoices: u64,
    /// Returns left out, guests' among them.
    pub returns_skipped: u64,
    /// Lines of orders with a quantity of zero or less, and of returns with zero or more.
    pub lines_ignored: u64,
    /// What the program refused, in the order of the import.
    pub rejected: Vec<Rejected>,
    /// The whole program afterwards, as of the last invoice.
    pub program: Totals,
}

/// What the program refused.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Rejected {
    /// An order.
    Order {
        /// Its number.
        order_id: OrderId,
        /// Why.
        reason: String,
    },
    /// A return.
    Return {
        /// Its number.
        return_id: ReturnId,
        /// Why.
        reason: String,
    },
}

/// Why an import stopped. What was scored until then stays, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The files are not understood; nothing was imported.
    #[error(transparent)]
    File(#[from] FileError),
    /// Balances cannot be true at an instant to come; nothing was imported.
    #[error("{0} is in the future")]
    Future(Instant),
    /// The tables could not be read or written.
    #[error("stopped; run it again to go on: {0}")]
    Fault(#[from] Fault),
    /// The figures could not be read afterwards.
    #[error("everything is imported, but the summary failed: {0}")]
    Summary(String),
    /// A worker panicked.
    #[error("stopped: a worker failed")]
    Worker,
    /// A line cannot be numbered.
    #[error("a line's number {0}")]
    Line(#[from] InvalidId),
}

impl From<store::Fault> for ImportError {
    fn from(fault: store::Fault) -> Self {
        Self::Fault(fault.into())
    }
}

/// What one worker, or all of them, did to a chunk.
#[derive(Default)]
struct Done {
    orders: Counts,
    returns: Counts,
    rejected: Vec<(usize, Rejected)>,
}

/// Invoices of one kind.
#[derive(Default, Clone, Copy)]
struct Counts {
    new: u64,
    known: u64,
}

impl Counts {
    fn count(&mut self, repeated: bool) {
        let counted = if repeated { &mut self.known } else { &mut self.new };
        *counted = counted.saturating_add(1);
    }

    fn add(&mut self, other: Self) {
        self.new = self.new.saturating_add(other.new);
        self.known = self.known.saturating_add(other.known);
    }
}

/// What all workers share.
struct Work {
    app: App,
    mapping: Mapping,
    history: History,
    progress: Progress,
    finished: AtomicU64,
}

/// Imports what is planned through `app`, which must be one that may write orders, and unless returns are left out
/// one that may take them back.
pub async fn run(app: &App, plan: &Plan, progress: Progress) -> Result<Summary, ImportError> {
    // As the functions refuse an order from the future. By the machine's clock: an app's own may stand in the past.
    let latest = Clock::system().now().plus_ms(FUTURE_MS_MAX);
    let mut history = History::read_until(&plan.mapping, &plan.files, latest)?;
    let returns_read = size(history.returns().count());
    if plan.skip_returns {
        history.invoices.retain(|invoice| !invoice.is_return);
    }
    let id = identity(plan, &history);
    let total = history.invoices.len();
    let start = if plan.from_start { 0 } else { app.store().checkpoint(&id).await? };
    let start = usize::try_from(start).unwrap_or(total).min(total);
    let mut done = Done::default();
    for invoice in history.invoices.iter().take(start) {
        done.of_kind(invoice).count(true);
    }
    let work = Arc::new(Work {
        app: app.clone(),
        mapping: plan.mapping.clone(),
        history,
        progress,
        finished: AtomicU64::new(size(start)),
    });
    for first in (start..total).step_by(CHUNK) {
        let end = first.saturating_add(CHUNK).min(total);
        done.add(chunk(&work, first..end, plan.workers).await?);
        // Once something was refused the checkpoint stays: the next run comes back to it and reports it again.
        if done.rejected.is_empty() {
            app.store().set_checkpoint(&id, size(end)).await?;
        }
    }
    summary(&work, plan, returns_read, done).await
}

/// The same files under the same mapping are the same import; their names do not matter.
fn identity(plan: &Plan, history: &History) -> String {
    let mapping = Sha256::digest(&plan.mapping.text);
    let identity = Sha256::new().chain_update(history.content_hash).chain_update(mapping);
    let hash = identity.chain_update([u8::from(plan.skip_returns)]).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

async fn chunk(work: &Arc<Work>, range: std::ops::Range<usize>, workers: usize) -> Result<Done, ImportError> {
    let workers = workers.max(1);
    let mut shares = vec![Vec::new(); workers];
    for index in range {
        let mut hasher = DefaultHasher::new();
        work.history.invoices.get(index).map(|invoice| &invoice.account_id).hash(&mut hasher);
        let worker = hasher.finish().checked_rem(size(workers)).and_then(|worker| usize::try_from(worker).ok());
        if let Some(share) = shares.get_mut(worker.unwrap_or(0)) {
            share.push(index);
        }
    }
    let mut running = JoinSet::new();
    for share in shares {
        let work = Arc::clone(work);
        running.spawn(async move { work.carry_out(&share).await });
    }
    let mut done = Done::default();
    workers::all(running).await?.into_iter().for_each(|more| done.add(more));
    Ok(done)
}

impl Work {
    async fn carry_out(&self, share: &[usize]) -> Result<Done, ImportError> {
        let total = size(self.history.invoices.len());
        let mut done = Done::default();
        for index in share {
            let Some(invoice) = self.history.invoices.get(*index) else { continue };
            let carried_out = match invoice.is_return {
                false => self.score(invoice).await?,
                true => self.take_back(invoice).await?,
            };
            match carried_out {
                Ok(repeated) => done.of_kind(invoice).count(repeated),
                Err(refusal) => done.rejected.push((*index, rejected(invoice, &refusal)?)),
            }
            let finished = self.finished.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            (self.progress)(finished, total);
        }
        Ok(done)
    }

    /// Whether the order had its score before, or why it gets none.
    async fn score(&self, invoice: &Invoice) -> Result<Result<bool, Error>, ImportError> {
        let order = self.history.order(&self.mapping, invoice)?;
        let app = self.app.with_clock(Clock::Replay(invoice.at));
        let placed = order_placed::place(&app, &importer(), order).await;
        answered(placed.map(|placed| placed.outcome != Outcome::Scored))
    }

    /// Whether the return was carried out before, or why it is not.
    async fn take_back(&self, invoice: &Invoice) -> Result<Result<bool, Error>, ImportError> {
        let which = Which::Stated(self.history.credit_note(invoice)?);
        let app = self.app.with_clock(Clock::Replay(invoice.at));
        let account = &invoice.account_id;
        let carried = order_returned::carry_on(&app, &importer(), account, &which, Deadline::NEVER).await;
        answered(carried.map(|carried| carried.repeated))
    }
}

fn importer() -> Caller {
    Caller::operator(IMPORTER)
}

/// A fault stops the import; a refusal does not.
fn answered(answer: Result<bool, Error>) -> Result<Result<bool, Error>, ImportError> {
    match answer {
        Err(Error::Fault(fault)) => Err(fault.into()),
        answer => Ok(answer),
    }
}

fn rejected(invoice: &Invoice, refusal: &Error) -> Result<Rejected, InvalidId> {
    let reason = refusal.cause();
    Ok(match invoice.is_return {
        false => Rejected::Order { order_id: invoice.number.clone(), reason },
        true => Rejected::Return { return_id: ReturnId::parse(invoice.number.as_str())?, reason },
    })
}

impl Done {
    fn of_kind(&mut self, invoice: &Invoice) -> &mut Counts {
        if invoice.is_return { &mut self.returns } else { &mut self.orders }
    }

    fn add(&mut self, other: Self) {
        self.orders.add(other.orders);
        self.returns.add(other.returns);
        self.rejected.extend(other.rejected);
    }
}

async fn summary(work: &Work, plan: &Plan, returns_read: u64, mut done: Done) -> Result<Summary, ImportError> {
    let history = &work.history;
    let program = Totals::of(&work.app, history.last_at).await;
    let program = program.map_err(|error| ImportError::Summary(error.cause()))?;
    let (guest_invoices, returns_skipped, lines_ignored) = if plan.skip_returns {
        let skipped = returns_read.saturating_add(history.guest_returns);
        (history.guest_orders, skipped, history.order_lines_ignored)
    } else {
        let lines_ignored = history.order_lines_ignored.saturating_add(history.return_lines_ignored);
        (history.guest_orders.saturating_add(history.guest_returns), 0, lines_ignored)
    };
    done.rejected.sort_by_key(|(index, _)| *index);
    Ok(Summary {
        invoices_read: history.invoices_read,
        orders_read: size(history.invoices.iter().filter(|invoice| !invoice.is_return).count()),
        orders_scored: done.orders.new,
        orders_known: done.orders.known,
        returns_read,
        returns_imported: done.returns.new,
        returns_known: done.returns.known,
        guest_invoices,
        returns_skipped,
        lines_ignored,
        rejected: done.rejected.into_iter().map(|(_, rejected)| rejected).collect(),
        program,
    })
}

#[cfg(test)]
mod tests;
