//! A simulation in one go, by who has all the time and memory it takes: `guilder simulate`.

use crate::engine::{Done, Ground, SimulateError, as_of, each, note_latest};
use domain::id::AccountId;
use domain::program::Program;
use domain::simulation::{Assumed, Compared, PASSES_MAX, Repeating, Report, Takes};
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
    fn add(&mut self, done: &Done<(Compared, Takes)>) -> Result<(), SimulateError> {
        let Done { made: (compared, _), moved_on, reading, replaying } = done;
        self.report.add(compared)?;
        self.moved_on = self.moved_on.saturating_add(u64::from(*moved_on));
        self.reading = self.reading.saturating_add(*reading);
        self.replaying = self.replaying.saturating_add(*replaying);
        Ok(())
    }
}

/// Replays every stored history under the draft; `progress` is told how many of how many accounts are done, from the
/// beginning in each pass. Where a version has limits over all accounts, what was taken of them is gathered first, and
/// there are as many passes as it takes until what is taken of them has settled.
pub async fn run(app: &App, asked: Whole, mut progress: impl FnMut(u64, u64)) -> Result<Simulated, SimulateError> {
    let in_force = app.schedule().await?;
    let (ids, latest) = accounts(app).await?;
    let until = latest.as_ref().map_or(Instant::MIN, |(_, latest)| *latest);
    let mut ground = Ground::new(app, in_force, asked.draft, (as_of(asked.as_of, latest)?, until));
    let of = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    let pace = (asked.workers, Deadline::NEVER);
    let mut taken = Takes::default();
    if ground.has_limits() {
        let (mut done, round) = (0_u64, Arc::new(ground.clone()));
        each(&round, &ids, pace, Ground::stored, |stored| {
            done = done.saturating_add(1);
            progress(done, of);
            taken.extend(stored.made);
            Ok(())
        })
        .await?;
    }
    let mut simulated = ground.simulated(Report::default(), 0);
    for _ in 0..PASSES_MAX {
        ground.assumed = Assumed::of(std::mem::take(&mut taken))?;
        let (mut done, mut repeating, round) = (0_u64, Repeating::default(), Arc::new(ground.clone()));
        (simulated.report, simulated.moved_on) = (Report::new(ground.worth()), 0);
        each(&round, &ids, pace, Ground::replay, |replayed| {
            done = done.saturating_add(1);
            progress(done, of);
            simulated.add(&replayed)?;
            let (_, takes) = replayed.made;
            repeating.note(&takes, &round.assumed);
            taken.extend(takes);
            Ok(())
        })
        .await?;
        if repeating.has_settled(&ground.assumed) {
            return Ok(simulated);
        }
    }
    Err(SimulateError::Unsettled)
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
