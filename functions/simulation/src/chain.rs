//! A simulation from its beginning to its end: a chain of messages, each of which makes one step.
//!
//! A message names the step that it makes. The record is kept at the number of the step that comes next, so a message
//! that comes late or twice writes nothing. Who has kept a step sends the message of the next; who finds that the next
//! message may have been lost, since its own step was kept and nothing more, sends it once more. So nothing is lost
//! with a message or a sandbox, and nothing counts twice.

use crate::engine::SimulateError;
use crate::id::SimulationId;
use crate::record::{At, Counting, Record, Stage};
use crate::step::{Pace, advance};
use domain::decision::Rejection;
use domain::document::{self, Faults, Object, Path};
use domain::idempotency::CommandKey;
use domain::simulation::Asked;
use domain::time::Instant;
use runtime::{App, Caller, Error, Fault};
use serde_json::{Value, json};
use std::cmp::Ordering;
use store::Planned;

/// What a message that carries a simulation on says it is. It names the simulation and the step, and no more.
pub const CONTINUED: &str = "SimulationContinued";

/// The step that a simulation begins with.
const FIRST_STEP: u64 = 1;

/// How long a simulation may be queued before the message of its first step is sent once more to whoever asks again: who
/// asks every second shall not have all accounts counted as often.
const QUEUED_MS_MAX: i64 = 60_000;

/// A simulation that was asked for.
pub(crate) struct Begun {
    /// What it is called.
    pub id: SimulationId,
    /// Its record as it stands.
    pub at: At,
    /// It was asked for before.
    pub repeated: bool,
}

/// Begins a simulation, or finds the one that was begun with this key.
///
/// Fails with [`Rejection::KeyReused`] where something else was asked for with it, and with [`Rejection::CannotFollow`]
/// where the version takes away what accounts hold: it could not be put in force, and their histories not be replayed.
pub(crate) async fn begin(app: &App, caller: &Caller, key: &CommandKey, asked: Asked) -> Result<Begun, Error> {
    let id = SimulationId::of(key);
    loop {
        if let Some(at) = At::load(app, &id).await? {
            if at.record.asked != asked {
                return Err(Rejection::KeyReused.into());
            }
            // Who kept the record may have ended before the message was sent.
            if at.step() == FIRST_STEP && at.record.changed_at.plus_ms(QUEUED_MS_MAX) <= app.clock().now() {
                send(app, &id, FIRST_STEP).await?;
            }
            return Ok(Begun { id, at, repeated: true });
        }
        let at = At::first(app, record(app, caller, asked).await?);
        if at.keep(app, &id, None).await? {
            send(app, &id, FIRST_STEP).await?;
            return Ok(Begun { id, at, repeated: false });
        }
    }
}

/// The record of a simulation that begins now.
async fn record(app: &App, caller: &Caller, asked: Asked) -> Result<Record, Error> {
    let name = &app.config().program;
    let Planned { timeline, schedule } = app.store().planned(name).await?;
    let schedule = schedule.ok_or_else(|| Fault::NoProgram(name.to_string()))?;
    let stored = app.store().version_rules(name, asked.version).await?;
    let (_, draft) = stored.ok_or(Rejection::UnknownVersion)?;
    // The newest version keeps all that those before it had.
    let newest = schedule.at(Instant::MAX);
    let refused = |faults| Rejection::CannotFollow { before: newest.version, after: asked.version, faults };
    draft.may_follow(&newest.program).map_err(refused)?;
    let now = app.clock().now();
    Ok(Record {
        asked,
        by: caller.id().to_owned(),
        asked_at: now,
        changed_at: now,
        activations: u32::try_from(timeline.activations.len()).unwrap_or(u32::MAX),
        stage: Stage::Counting(Counting::default()),
    })
}

/// Reads the detail of a [`CONTINUED`] message: which step of which simulation is to be made.
pub(crate) fn continuation(detail: &Value) -> Result<(SimulationId, u64), Faults> {
    let mut faults = Faults::default();
    let found = Object::open(detail, &Path::Root, &["simulation", "step"], &mut faults).and_then(|root| {
        let id = root.required("simulation", &mut faults, document::id(SimulationId::parse));
        id.zip(root.required("step", &mut faults, document::whole(FIRST_STEP..=u64::from(u32::MAX))))
    });
    faults.into_result(found)
}

/// Makes a step of a simulation, unless it was made, and sees to it that the next one is.
pub(crate) async fn carry_on(app: &App, id: &SimulationId, step: u64, pace: Pace) -> Result<(), Error> {
    let at = At::load(app, id).await?.ok_or(Rejection::UnknownSimulation)?;
    if at.is_over() {
        // Who came to its end may have ended before it was tidied up.
        return Ok(app.store().forget_simulation_parts(id.as_str()).await?);
    }
    match at.step().cmp(&step) {
        Ordering::Equal => make(app, id, &at, pace).await,
        Ordering::Greater if at.step() == step.saturating_add(1) => Ok(send(app, id, at.step()).await?),
        Ordering::Greater => Ok(()),
        Ordering::Less => {
            let stands = at.step();
            tracing::warn!(simulation.id = %id, "simulation {id} stands at step {stands}: there is no step {step} yet");
            Ok(())
        }
    }
}

async fn make(app: &App, id: &SimulationId, at: &At, pace: Pace) -> Result<(), Error> {
    let step = at.step();
    let stage = match advance(app, id, at, pace).await {
        Ok(stage) => stage,
        Err(error) => failed(error)?,
    };
    let next = at.next(stage, app.clock().now());
    if !next.keep(app, id, Some(at)).await? {
        tracing::info!(simulation.id = %id, "step {step} of simulation {id} was made by another");
        return Ok(());
    }
    if !next.is_over() {
        return Ok(send(app, id, next.step()).await?);
    }
    log_end(id, step, &next.record.stage);
    Ok(app.store().forget_simulation_parts(id.as_str()).await?)
}

fn log_end(id: &SimulationId, step: u64, stage: &Stage) {
    match stage {
        Stage::Failed { reason } => {
            tracing::error!(simulation.id = %id, "simulation {id} failed at step {step}: {reason}");
        }
        Stage::Done { accounts, .. } => {
            tracing::info!(simulation.id = %id, accounts, "simulation {id} is done after {step} steps");
        }
        _ => {}
    }
}

/// The end of a simulation that cannot be carried on. What may pass is a fault: its message comes again.
fn failed(error: SimulateError) -> Result<Stage, Error> {
    match error {
        SimulateError::Store(fault @ store::Fault::Service(_)) => Err(fault.into()),
        SimulateError::Fault(fault) if fault.may_pass() => Err(fault.into()),
        lasting => Ok(Stage::Failed { reason: lasting.to_string() }),
    }
}

async fn send(app: &App, id: &SimulationId, step: u64) -> Result<(), Fault> {
    app.queue()?.send(CONTINUED, &json!({ "simulation": id.as_str(), "step": step })).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_message_names_a_simulation_and_a_step() {
        let id = "0123456789abcdef0123456789abcdef";
        let (named, step) = continuation(&json!({"simulation": id, "step": 7})).unwrap();
        assert_eq!((named.as_str(), step), (id, 7));
        for detail in [json!({}), json!({"simulation": "acme", "step": 0}), json!({"simulation": 1, "step": "1"})] {
            assert_eq!(continuation(&detail).unwrap_err().listed().len(), 2, "{detail}");
        }
    }

    #[test]
    fn what_may_pass_comes_again_and_what_does_not_is_the_end() {
        let corrupt =
            || store::Fault::Corrupt { table: "accounts", key: "account_id=acme".into(), what: "no tier".into() };
        let reason = "item account_id=acme in accounts cannot be read: no tier".to_owned();
        assert_eq!(failed(corrupt().into()).unwrap(), Stage::Failed { reason });
        assert!(failed(store::Fault::Service("throttled".into()).into()).is_err());
        assert!(failed(Fault::NoProgram("wholesale".into()).into()).is_err());
        assert!(failed(Fault::Store(corrupt()).into()).is_ok());
        assert!(failed(SimulateError::TooManyWants).is_ok());
    }
}
