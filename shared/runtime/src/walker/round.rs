//! The accounts of one invocation: which are walked, and what becomes of those that fail.

use crate::app::App;
use crate::error::{Error, Fault};
use crate::metrics::{Metric, count};
use crate::patience::Deadline;
use crate::walker::account::{self, Work};
use crate::walker::task::{Counts, Failure};
use domain::id::AccountId;
use domain::walk::Walked;
use domain::warning::Walk;
use store::SetAside;

/// Most accounts of a task that are set aside though their failure may pass, once the state machine has waited and tried
/// again in vain: so a few of them hold up no shard for good, and tables that fail set few aside. With more of them in
/// one shard its task fails loudly with every plan.
const SPARED_MAX: usize = 3;

/// Where accounts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The due index.
    Due,
    /// What was set aside.
    Aside,
    /// All accounts: they are only filed.
    All,
}

/// What one invocation does.
pub(super) struct Round<'a> {
    app: &'a App,
    walk: Walk,
    source: Source,
    pub(super) deadline: Deadline,
    /// How many may fail for a reason that may pass and be set aside, before that ends the invocation.
    spared_max: usize,
    done: &'a mut Counts,
    /// How many did.
    spared: &'a mut usize,
}

impl<'a> Round<'a> {
    /// An invocation that adds to what was done before; `failure`: what the tries before it came to.
    pub(super) fn new(
        app: &'a App,
        (walk, source): (Walk, Source),
        failure: Option<Failure>,
        (done, spared): (&'a mut Counts, &'a mut usize),
    ) -> Self {
        let spared_max = match (source, failure) {
            // What fails again stays where it is.
            (Source::Aside, _) => usize::MAX,
            (_, Some(_)) => SPARED_MAX,
            (_, None) => 0,
        };
        Self { app, walk, source, deadline: Deadline::after(app.patience().walk), spared_max, done, spared }
    }

    /// Walks accounts in their order, to how many of them it came before the deadline. One that fails by itself is set
    /// aside, so that it holds up no other; what may pass fails the invocation, and nothing is lost by that.
    pub(super) async fn walk(&mut self, ids: &[AccountId]) -> Result<usize, Fault> {
        let work = if self.source == Source::All { Work::File } else { Work::Walk };
        let spare = self.spared_max.saturating_sub(*self.spared);
        let outcomes = account::all(self.app, self.walk, work, ids, self.deadline, spare).await;
        let (count, mut passing) = (outcomes.len(), None);
        for (account_id, outcome) in outcomes {
            match outcome {
                Ok(walked) => self.walked(&account_id, walked).await?,
                Err(Error::Fault(fault)) if fault.may_pass() && *self.spared >= self.spared_max => {
                    passing = Some(fault);
                }
                Err(error) => {
                    *self.spared = self.spared.saturating_add(usize::from(error.may_pass()));
                    self.set_aside(account_id, error.cause()).await?;
                }
            }
        }
        passing.map_or(Ok(count), Err)
    }

    async fn walked(&mut self, id: &AccountId, walked: Walked) -> Result<(), Fault> {
        self.done.walked = self.done.walked.saturating_add(1);
        self.done.written = self.done.written.saturating_add(u64::from(walked == Walked::Written));
        if self.source == Source::Aside {
            self.app.store().clear_aside(self.walk, id).await?;
        }
        Ok(())
    }

    async fn set_aside(&mut self, account_id: AccountId, reason: String) -> Result<(), Fault> {
        self.done.walked = self.done.walked.saturating_add(1);
        count(Metric::AccountsSetAside, 1);
        tracing::error!(account.id = %account_id, "account {account_id} is set aside: {reason}");
        let aside = SetAside { account_id, reason, at: self.app.clock().now() };
        self.app.store().set_aside(self.walk, &aside).await?;
        self.done.set_aside = self.done.set_aside.saturating_add(1);
        Ok(())
    }

    /// Counts what was set aside under a name that is no account's.
    pub(super) fn leave_aside(&mut self, names: &[String]) {
        for name in names {
            self.done.set_aside = self.done.set_aside.saturating_add(1);
            count(Metric::AccountsSetAside, 1);
            tracing::error!("{name:?} is set aside and is no account: somebody has to look at it");
        }
    }
}
