//! The one loop: load → decide → commit, again while others are faster, up to a bound.

use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Fault};
use crate::logs;
use crate::metrics::{Metric, count};
use crate::patience::jittered;
use domain::code::Secrets;
use domain::decision::{Context, Decision, Guard, Record, Rejection, Write};
use domain::schedule::Schedule;
use domain::time::{Day, Instant};
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

    /// The same where what is read hangs on what the program asks for: under this schedule, about `now`.
    fn load_under(
        &self,
        store: &Store,
        consistency: Consistency,
        schedule: &Schedule,
        now: Instant,
    ) -> impl Future<Output = Result<Self::State, store::Fault>> + Send {
        let _ = (schedule, now);
        self.load(store, consistency)
    }

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

/// Something wanted of the program itself. It is decided on what is stored of that, read strongly, and under no
/// version: there may be none yet.
pub trait ProgramCommand: Sync {
    /// What it is decided on.
    type State: Send + Sync;
    /// What the caller is told.
    type Answer: Send;

    /// Reads what the decision needs.
    fn load(&self, store: &Store) -> impl Future<Output = Result<Self::State, store::Fault>> + Send;

    /// Decides, at `now` and asked by `by`. Pure.
    fn decide(&self, state: &Self::State, by: &str, now: Instant) -> Result<Decision<Self::Answer>, Rejection>;
}

/// What a decision is given besides its state and the program.
struct Moment<'a> {
    secrets: &'a Secrets,
    by: &'a str,
    now: Instant,
    wall_day: Day,
    collisions: u32,
}

/// What the loop carries out: a command, with what it is decided under.
trait Attempt: Sync {
    type State: Send + Sync;
    type Answer: Send;
    /// How the first try reads.
    const FIRST: Consistency;

    fn load(
        &self,
        store: &Store,
        consistency: Consistency,
        now: Instant,
    ) -> impl Future<Output = Result<Self::State, store::Fault>> + Send;
    fn last_decided(state: &Self::State) -> Option<Instant>;
    fn decide(&self, state: &Self::State, moment: &Moment<'_>) -> Result<Decision<Self::Answer>, Rejection>;
    fn recall(&self, store: &Store) -> impl Future<Output = Result<Recalled<Self::Answer>, store::Fault>> + Send;
    fn meet(&self, existing: &Record) -> Recalled<Self::Answer>;
}

/// An answer that was given before; `None`: none was.
type Recalled<A> = Option<Result<A, Rejection>>;

/// A command under a schedule.
struct Scheduled<'a, C> {
    command: &'a C,
    schedule: &'a Schedule,
}

impl<C: Command> Attempt for Scheduled<'_, C> {
    type State = C::State;
    type Answer = C::Answer;
    const FIRST: Consistency = Consistency::Eventual;

    async fn load(&self, store: &Store, consistency: Consistency, now: Instant) -> Result<C::State, store::Fault> {
        self.command.load_under(store, consistency, self.schedule, now).await
    }

    fn last_decided(state: &C::State) -> Option<Instant> {
        C::last_decided(state)
    }

    fn decide(&self, state: &C::State, moment: &Moment<'_>) -> Result<Decision<C::Answer>, Rejection> {
        let Moment { secrets, by, now, wall_day, collisions } = *moment;
        self.command.decide(state, &Context { schedule: self.schedule, secrets, by, now, wall_day, collisions })
    }

    async fn recall(&self, store: &Store) -> Result<Recalled<C::Answer>, store::Fault> {
        self.command.recall(store).await
    }

    fn meet(&self, existing: &Record) -> Recalled<C::Answer> {
        self.command.meet(existing)
    }
}

/// A command about the program itself.
struct Unscheduled<'a, C>(&'a C);

impl<C: ProgramCommand> Attempt for Unscheduled<'_, C> {
    type State = C::State;
    type Answer = C::Answer;
    const FIRST: Consistency = Consistency::Strong;

    async fn load(&self, store: &Store, _: Consistency, _: Instant) -> Result<C::State, store::Fault> {
        self.0.load(store).await
    }

    fn last_decided(_: &C::State) -> Option<Instant> {
        None
    }

    fn decide(&self, state: &C::State, moment: &Moment<'_>) -> Result<Decision<C::Answer>, Rejection> {
        self.0.decide(state, moment.by, moment.now)
    }

    async fn recall(&self, _: &Store) -> Result<Recalled<C::Answer>, store::Fault> {
        Ok(None)
    }

    fn meet(&self, _: &Record) -> Recalled<C::Answer> {
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
        self.attempt(caller, &Scheduled { command, schedule: &schedule }).await
    }

    /// The same for a command about the program itself.
    pub async fn transact_program<C: ProgramCommand>(&self, caller: &Caller, command: &C) -> Result<C::Answer, Error> {
        self.attempt(caller, &Unscheduled(command)).await
    }

    /// What [`Self::transact`] would answer now under this schedule, by the same decision on strongly read state.
    /// Nothing is written.
    pub async fn dry_run<C: Command>(
        &self,
        caller: &Caller,
        command: &C,
        schedule: &Schedule,
    ) -> Result<C::Answer, Error> {
        let (attempt, mut collisions) = (Scheduled { command, schedule }, 0_u32);
        loop {
            let state = attempt.load(self.store(), Consistency::Strong, self.clock().now()).await?;
            let decision = match attempt.decide(&state, &self.moment(caller, C::last_decided(&state), collisions)) {
                Ok(decision) => decision,
                Err(rejection) => {
                    let recalled = attempt.recall(self.store()).await?;
                    return Ok(recalled.unwrap_or(Err(rejection))?);
                }
            };
            self.store().check(&decision.writes)?;
            if !self.store().takes_code(&decision.writes).await? {
                return Ok(decision.answer);
            }
            collisions = collisions.saturating_add(1);
            if collisions >= ATTEMPTS_MAX {
                return Err(Fault::Contended(collisions).into());
            }
        }
    }

    async fn attempt<T: Attempt>(&self, caller: &Caller, attempt: &T) -> Result<T::Answer, Error> {
        let mut consistency = T::FIRST;
        let mut collisions = 0_u32;
        let mut lost = 0_u32;
        loop {
            match self.turn(caller, attempt, consistency, collisions).await? {
                Turn::Answered(answer) => return Ok(answer),
                Turn::Stale => {}
                Turn::Lost { collisions: taken } => {
                    lost = lost.saturating_add(1);
                    if lost >= ATTEMPTS_MAX {
                        return Err(Fault::Contended(lost).into());
                    }
                    collisions = collisions.saturating_add(taken);
                    count(Metric::RacesRetried, 1);
                    tracing::info!(attempt = lost, "lost the commit to another writer, deciding again");
                    tokio::time::sleep(jittered(lost, WAIT_MS_FIRST, WAIT_MS_MAX)).await;
                }
            }
            consistency = Consistency::Strong;
        }
    }

    fn moment<'a>(&'a self, caller: &'a Caller, last_decided: Option<Instant>, collisions: u32) -> Moment<'a> {
        let clock = self.clock();
        let now = last_decided.map_or(clock.now(), |last| last.max(clock.now()));
        Moment { secrets: self.secrets(), by: caller.id(), now, wall_day: clock.wall_day(), collisions }
    }

    async fn turn<T: Attempt>(
        &self,
        caller: &Caller,
        attempt: &T,
        consistency: Consistency,
        collisions: u32,
    ) -> Result<Turn<T::Answer>, Error> {
        let state = attempt.load(self.store(), consistency, self.clock().now()).await?;
        let moment = self.moment(caller, T::last_decided(&state), collisions);
        let strong = consistency == Consistency::Strong;
        let decision = match attempt.decide(&state, &moment) {
            Ok(decision) if decision.writes.is_empty() && strong => return Ok(Turn::Answered(decision.answer)),
            Ok(decision) if decision.writes.is_empty() => return Ok(Turn::Stale),
            Ok(decision) => decision,
            Err(rejection) => {
                if let Some(answer) = attempt.recall(self.store()).await? {
                    return Ok(Turn::Answered(answer?));
                }
                return if strong { Err(rejection.into()) } else { Ok(Turn::Stale) };
            }
        };
        logs::about(&decision.writes);
        match self.store().commit(&decision.writes).await? {
            Commit::Done => {
                count(Metric::Commands, 1);
                count(Metric::PointsIssued, issued(&decision.writes));
                Ok(Turn::Answered(decision.answer))
            }
            Commit::Lost(conflicts) => after_loss(attempt, &decision.writes, &conflicts),
        }
    }
}

/// The points that came into being with a decision.
fn issued(writes: &[Write]) -> u64 {
    let entries = writes.iter().filter_map(|write| match write {
        Write::Put(Record::Entry(entry), _) => Some(entry),
        _ => None,
    });
    let points = entries.flat_map(|entry| &entry.changes).map(|change| change.issued().0);
    points.fold(0, |sum, points| sum.saturating_add(u64::try_from(points).unwrap_or_default()))
}

fn after_loss<T: Attempt>(attempt: &T, writes: &[Write], conflicts: &[Conflict]) -> Result<Turn<T::Answer>, Error> {
    let met = conflicts.iter().filter_map(|conflict| conflict.existing.as_ref()).find_map(|found| attempt.meet(found));
    if let Some(answer) = met {
        return Ok(Turn::Answered(answer?));
    }
    let code_taken = |conflict: &Conflict| {
        let write = writes.get(conflict.index);
        matches!(
            write,
            Some(Write::Put(
                Record::Discount(_) | Record::ReferralCode(_) | Record::Invitation(_) | Record::SharedCode(_),
                Guard::Absent
            ))
        )
    };
    Ok(Turn::Lost { collisions: u32::from(conflicts.iter().any(code_taken)) })
}
