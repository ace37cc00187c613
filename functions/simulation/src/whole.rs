//! A simulation in one go, by who has all the time and memory it takes: `guilder simulate`.

use crate::engine::{Done, Ground, SimulateError, as_of, each, note_latest};
use domain::id::AccountId;
use domain::program::Program;
use domain::simulation::{Allotted, Budgets, Report, Want};
use domain::time::Instant;
use runtime::{App, Deadline};
use std::sync::Arc;
use std::time::Duration;
use store::Segment;

/// What is to be simulated.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The draft, which could be put in force now.
    pub draft: Arc<Program>,
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

/// Replays every stored history under the draft; `progress` is told how many of how many accounts are done. Where a
/// version has budgets over all accounts, all are replayed twice: what their orders want of them is known first.
pub async fn run(app: &App, asked: Whole, mut progress: impl FnMut(u64, u64)) -> Result<Simulated, SimulateError> {
    let in_force = app.schedule().await?;
    let (ids, latest) = accounts(app).await?;
    let mut ground = Ground::new(app, in_force, asked.draft, as_of(asked.as_of, latest)?);
    let rounds = if ground.has_budgets() { 2 } else { 1 };
    let count = u64::try_from(ids.len()).unwrap_or(u64::MAX).saturating_mul(rounds);
    let mut done = 0_u64;
    let mut step = || {
        done = done.saturating_add(1);
        progress(done, count);
    };
    if ground.has_budgets() {
        let (round, mut wants) = (Arc::new(ground.clone()), (Vec::<Want>::new(), Vec::<Want>::new()));
        each(&round, &ids, asked.workers, Deadline::NEVER, |done| {
            wants.0.extend(done.compared.in_force.wants);
            wants.1.extend(done.compared.draft.wants);
            step();
            Ok(())
        })
        .await?;
        ground.budgets = Some(Budgets { in_force: Allotted::serve(wants.0)?, draft: Allotted::serve(wants.1)? });
    }
    let ground = Arc::new(ground);
    let mut simulated = ground.simulated(Report::new(ground.worth()), 0);
    each(&ground, &ids, asked.workers, Deadline::NEVER, |done| {
        step();
        simulated.add(done)
    })
    .await?;
    Ok(simulated)
}

/// The ids of all accounts, ascending, and which of them was decided last, and when.
async fn accounts(app: &App) -> Result<(Vec<AccountId>, Option<(AccountId, Instant)>), SimulateError> {
    let (mut ids, mut latest, mut after) = (Vec::new(), None, None);
    loop {
        let page = app.store().accounts_page(Segment::WHOLE, after).await?;
        for account in page.records {
            note_latest(&mut latest, &account);
            ids.push(account.id);
        }
        after = page.next;
        if after.is_none() {
            ids.sort();
            return Ok((ids, latest));
        }
    }
}
