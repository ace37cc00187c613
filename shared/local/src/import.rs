//! Importing order history: the same code that Lambda runs, fed from files.
//!
//! Invoices are scored by time, then by the whole invoice number in byte order. Chunk by chunk several workers score
//! side by side, all orders of one account on the same worker, so that each account's orders keep their order. After
//! each chunk the position is stored: an import that was interrupted goes on there, and what it repeats is recognised
//! by the order's own record, so nothing is ever scored twice.
//!
//! A return is told by its number before a guest is by the missing account: with returns left out, a guest's return
//! counts among those, not among the guest invoices.

pub mod balances;
pub mod file;
pub mod history;
pub mod totals;
mod workers;

use crate::mapping::Mapping;
use domain::id::{InvalidId, OrderId};
use domain::score::FUTURE_MS_MAX;
use domain::time::Instant;
use file::FileError;
use history::History;
use order_placed::Outcome;
use runtime::{App, Caller, Clock, Error, Fault};
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

/// Told after every order, from whichever worker: how many are done, of how many.
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
    /// Invoices without an account; with returns left out, those that are no returns.
    pub guest_invoices: u64,
    /// Returns left out, guests' among them.
    pub returns_skipped: u64,
    /// Lines of orders with a quantity of zero or less.
    pub lines_ignored: u64,
    /// Orders that the program refused, in the order of scoring.
    pub rejected: Vec<RejectedOrder>,
    /// The whole program afterwards, as of the last invoice.
    pub program: Totals,
}

/// An order that the program refused.
#[derive(Debug, Clone, Serialize)]
pub struct RejectedOrder {
    /// Its number.
    pub order_id: OrderId,
    /// Why.
    pub reason: String,
}

/// Why an import stopped. What was scored until then stays, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The files are not understood; nothing was imported.
    #[error(transparent)]
    File(#[from] FileError),
    /// There are returns, which cannot be imported yet; nothing was imported.
    #[error("the files hold {0} returns, which cannot be imported yet; leave them out with --skip-returns")]
    Returns(u64),
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
    scored: u64,
    known: u64,
    rejected: Vec<(usize, RejectedOrder)>,
}

/// What all workers share.
struct Work {
    app: App,
    mapping: Mapping,
    history: History,
    progress: Progress,
    finished: AtomicU64,
}

/// Imports what is planned through `app`, which must be one that may write orders.
pub async fn run(app: &App, plan: &Plan, progress: Progress) -> Result<Summary, ImportError> {
    // As the functions refuse an order from the future. By the machine's clock: an app's own may stand in the past.
    let latest = Clock::system().now().plus_ms(FUTURE_MS_MAX);
    let history = History::read_until(&plan.mapping, &plan.files, latest)?;
    if history.returns > 0 && !plan.skip_returns {
        return Err(ImportError::Returns(history.returns));
    }
    let id = identity(plan, &history);
    let total = history.orders.len();
    let start = if plan.from_start { 0 } else { app.store().checkpoint(&id).await? };
    let start = usize::try_from(start).unwrap_or(total).min(total);
    let work = Arc::new(Work {
        app: app.clone(),
        mapping: plan.mapping.clone(),
        history,
        progress,
        finished: AtomicU64::new(size(start)),
    });
    let mut done = Done { known: size(start), ..Done::default() };
    for first in (start..total).step_by(CHUNK) {
        let end = first.saturating_add(CHUNK).min(total);
        done.add(chunk(&work, first..end, plan.workers).await?);
        // Once something was refused the checkpoint stays: the next run comes back to it and reports it again.
        if done.rejected.is_empty() {
            app.store().set_checkpoint(&id, size(end)).await?;
        }
    }
    summary(&work, plan, done).await
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
        work.history.orders.get(index).map(|invoice| &invoice.account_id).hash(&mut hasher);
        let worker = hasher.finish().checked_rem(size(workers)).and_then(|worker| usize::try_from(worker).ok());
        if let Some(share) = shares.get_mut(worker.unwrap_or(0)) {
            share.push(index);
        }
    }
    let mut running = JoinSet::new();
    for share in shares {
        let work = Arc::clone(work);
        running.spawn(async move { work.score(&share).await });
    }
    let mut done = Done::default();
    workers::all(running).await?.into_iter().for_each(|more| done.add(more));
    Ok(done)
}

impl Work {
    async fn score(&self, share: &[usize]) -> Result<Done, ImportError> {
        let caller = Caller::operator("import");
        let total = size(self.history.orders.len());
        let mut done = Done::default();
        for index in share {
            let Some(invoice) = self.history.orders.get(*index) else { continue };
            let order = self.history.order(&self.mapping, invoice)?;
            let app = self.app.with_clock(Clock::Replay(invoice.placed_at));
            match order_placed::place(&app, &caller, order).await {
                Ok(placed) if placed.outcome != Outcome::Scored => done.known = done.known.saturating_add(1),
                Ok(_) => done.scored = done.scored.saturating_add(1),
                Err(Error::Fault(fault)) => return Err(fault.into()),
                Err(refusal) => {
                    let rejected = RejectedOrder { order_id: invoice.number.clone(), reason: refusal.cause() };
                    done.rejected.push((*index, rejected));
                }
            }
            let finished = self.finished.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            (self.progress)(finished, total);
        }
        Ok(done)
    }
}

impl Done {
    fn add(&mut self, other: Self) {
        self.scored = self.scored.saturating_add(other.scored);
        self.known = self.known.saturating_add(other.known);
        self.rejected.extend(other.rejected);
    }
}

async fn summary(work: &Work, plan: &Plan, mut done: Done) -> Result<Summary, ImportError> {
    let history = &work.history;
    let program = Totals::of(&work.app, history.last_at).await;
    let program = program.map_err(|error| ImportError::Summary(error.cause()))?;
    let (guest_invoices, returns_skipped) = if plan.skip_returns {
        (history.guest_orders, history.returns.saturating_add(history.guest_returns))
    } else {
        (history.guest_orders.saturating_add(history.guest_returns), 0)
    };
    done.rejected.sort_by_key(|(index, _)| *index);
    Ok(Summary {
        invoices_read: history.invoices,
        orders_read: size(history.orders.len()),
        orders_scored: done.scored,
        orders_known: done.known,
        guest_invoices,
        returns_skipped,
        lines_ignored: history.lines_ignored,
        rejected: done.rejected.into_iter().map(|(_, rejected)| rejected).collect(),
        program,
    })
}

#[cfg(test)]
mod tests;
