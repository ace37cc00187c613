//! The one loop: load → decide → commit, again while others are faster, up to a bound.

use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Fault};
use crate::patience::jittered;
use domain::decision::{Context, Decision, Guard, Record, Rejection, Write};
use domain::schedule::Schedule;
use domain::time::Instant;
use std::future::Future;
use store::{Commit, Conflict, Consistency, Store};

/// Most times a commit is tried. With full jitter up to [`WAIT_MS_MAX`], 64 writers of one account get through.
const ATTEMPTS_MAX: u32 = 16;
const WAIT_MS_FIRST: u64 = 8;
const WAIT_MS_MAX: u64 = 400;

/// Something a caller wants done, after its document was parsed.
pub trait Command: Sync {
    /// What it is decided on.
    type State: Send + Sync;
    /// What the caller is told.
    type Answer: Send;

    /// Reads what the decision needs.
    fn load(
        &self,
        store: &Store,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Self::State, store::Fault>> + Send;

    /// The latest instant at which anything in the state was decided.
    fn last_decided(state: &Self::State) -> Option<Instant>;

    /// Decides. Pure.
    fn decide(&self, state: &Self::State, context: &Context<'_>) -> Result<Decision<Self::Answer>, Rejection>;

    /// The answer that the command's own record holds, read strongly; asked for before any rejection is answered.
    fn recall(
        &self,
        store: &Store,
    ) -> impl Future<Output = Result<Option<Result<Self::Answer, Rejection>>, store::Fault>> + Send {
        let _ = store;
        async { Ok(None) }
    }

    /// The answer that follows from a record found where the decision wanted to put its own; `None`: decide again.
    fn meet(&self, existing: &Record) -> Option<Result<Self::Answer, Rejection>> {
        let _ = existing;
        None
    }
}

/// What a turn of the loop came to.
enum Turn<A> {
    Answered(A),
    /// What was read may have been stale: decide once more on a strong read.
    Stale,
    /// Others were faster; how many codes turned out to be taken.
    Lost {
        collisions: u32,
    },
}

impl App {
    /// Carries a command out exactly once, however often it is sent and whoever else is writing.
    ///
    /// The first load is eventually consistent: an acceptance is protected by its guards. A rejection, and a
    /// decision to change nothing, is protected by none, so it is answered only from strongly read state, and only
    /// after the command's own record was looked for.
    pub async fn transact<C: Command>(&self, caller: &Caller, command: &C) -> Result<C::Answer, Error> {
        let schedule = self.schedule().await?;
        let mut consistency = Consistency::Eventual;
        let mut collisions = 0_u32;
        let mut lost = 0_u32;
        loop {
            match self.turn(caller, command, &schedule, consistency, collisions).await? {
                Turn::Answered(answer) => return Ok(answer),
                Turn::Stale => {}
                Turn::Lost { collisions: taken } => {
                    lost = lost.saturating_add(1);
                    if lost >= ATTEMPTS_MAX {
                        return Err(Fault::Contended(lost).into());
                    }
                    collisions = collisions.saturating_add(taken);
                    tracing::debug!(attempt = lost, "lost the commit to another writer, deciding again");
                    tokio::time::sleep(jittered(lost, WAIT_MS_FIRST, WAIT_MS_MAX)).await;
                }
            }
            consistency = Consistency::Strong;
        }
    }

    async fn turn<C: Command>(
        &self,
        caller: &Caller,
        command: &C,
        schedule: &Schedule,
        consistency: Consistency,
        collisions: u32,
    ) -> Result<Turn<C::Answer>, Error> {
        let state = command.load(self.store(), consistency).await?;
        let clock = self.clock();
        let now = C::last_decided(&state).map_or(clock.now(), |last| last.max(clock.now()));
        let wall_day = clock.wall_day();
        let context = Context { schedule, secrets: self.secrets(), by: caller.id(), now, wall_day, collisions };
        let strong = consistency == Consistency::Strong;
        let decision = match command.decide(&state, &context) {
            Ok(decision) if decision.writes.is_empty() && strong => return Ok(Turn::Answered(decision.answer)),
            Ok(decision) if decision.writes.is_empty() => return Ok(Turn::Stale),
            Ok(decision) => decision,
            Err(rejection) => {
                if let Some(answer) = command.recall(self.store()).await? {
                    return Ok(Turn::Answered(answer?));
                }
                return if strong { Err(rejection.into()) } else { Ok(Turn::Stale) };
            }
        };
        match self.store().commit(&decision.writes).await? {
            Commit::Done => Ok(Turn::Answered(decision.answer)),
            Commit::Lost(conflicts) => after_loss(command, &decision.writes, &conflicts),
        }
    }
}

fn after_loss<C: Command>(command: &C, writes: &[Write], conflicts: &[Conflict]) -> Result<Turn<C::Answer>, Error> {
    let met = conflicts.iter().filter_map(|conflict| conflict.existing.as_ref()).find_map(|found| command.meet(found));
    if let Some(answer) = met {
        return Ok(Turn::Answered(answer?));
    }
    let code_taken = |conflict: &Conflict| {
        let write = writes.get(conflict.index);
        matches!(write, Some(Write::Put(Record::Discount(_) | Record::ReferralCode(_), Guard::Absent)))
    };
    Ok(Turn::Lost { collisions: u32::from(conflicts.iter().any(code_taken)) })
}
