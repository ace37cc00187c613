//! What a stored version of the program would have come to over all that really happened:
//! `/v1/program/simulations`, and the engine behind `guilder simulate`.
//!
//! Every account's stored facts are read and replayed, account by account ([`domain::simulation`]), under the versions
//! that were in force and under the one that is simulated. Of accounts and orders nothing is written.
//!
//! All accounts take longer than an invocation has, so a simulation goes on through the function's own queue, step by
//! step (`chain.rs`), and keeps its report so far. A report of some accounts and one of the others come to the report
//! of all, whichever come first: so the steps do not show in it.

mod answers;
#[cfg(feature = "schema")]
pub mod api;
mod chain;
mod document;
mod engine;
mod id;
mod record;
mod step;
mod takes;
mod whole;

use answers::SimulationAnswer;
use chain::Begun;
use domain::decision::Rejection;
use domain::document::{Faults, Path};
use domain::simulation::asked;
use id::SimulationId;
use record::At;
use runtime::batch::BusEvent;
use runtime::http::{self, Answer, Request, parameter};
use runtime::{App, Caller, Error, Fault, RequestFault, Scope, Trigger};
use serde_json::Value;

pub use chain::CONTINUED;
pub use document::{
    Account, BothLeftOut, Compared, Document, MonthSums, OfMonth, OfSegment, Sums, Tier, TierMove, document,
};
pub use engine::SimulateError;
pub use step::Pace;
pub use whole::{Simulated, Whole, run};

/// The route of new simulations, part of the key of each.
const POST_SIMULATION: &str = "POST /v1/program/simulations";

/// When to ask how far a simulation has come.
const ASK_AGAIN_SECONDS: u32 = 5;

/// One Lambda invocation: an HTTP request or a batch of messages.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    match Trigger::of(event)? {
        Trigger::Http(request) => Ok(http::respond(&request, over_http(app, &request).await)),
        Trigger::Queue(batch) => Ok(batch.each(app, from_queue).await),
    }
}

async fn over_http(app: &App, request: &Request) -> Result<Answer, Error> {
    let caller = request.caller()?;
    let (method, path) = request.route();
    match (method, path.as_slice()) {
        ("POST", ["v1", "program", "simulations"]) => begin(app, &caller, request).await,
        ("GET", ["v1", "program", "simulations", id]) => {
            caller.require_all(Scope::MetricsRead)?;
            show(app, &parameter("simulation_id", SimulationId::parse(id))?).await
        }
        _ => Err(RequestFault::NoSuchRoute.into()),
    }
}

/// Whoever writes versions may have them simulated: it changes no rule and no account, but reads all there is of them.
async fn begin(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::ProgramWrite)?;
    let key = request.command_key(caller, POST_SIMULATION)?;
    let asked = asked(&request.document()?)?;
    let Begun { id, at, repeated } = chain::begin(app, caller, &key, asked).await?;
    tracing::info!(simulation.id = %id, repeated, "simulation {id} of version {} was asked for", asked.version);
    let answer = match at.is_over() {
        true => answer(200, &id, &at)?,
        false => answer(202, &id, &at)?.retry_after(ASK_AGAIN_SECONDS),
    };
    Ok(answer.replayed(repeated).location(format!("/v1/program/simulations/{id}")))
}

async fn show(app: &App, id: &SimulationId) -> Result<Answer, Error> {
    answer(200, id, &At::load(app, id).await?.ok_or(Rejection::UnknownSimulation)?)
}

fn answer(status: u16, id: &SimulationId, at: &At) -> Result<Answer, Error> {
    let corrupt = |error: serde_json::Error| store::Fault::Corrupt {
        table: "metrics",
        key: format!("simulation {id}"),
        what: error.to_string(),
    };
    Ok(Answer::json(status, &SimulationAnswer::of(id, &at.record, at.step()).map_err(corrupt)?))
}

async fn from_queue(app: &App, event: BusEvent) -> Result<(), Error> {
    if event.detail_type != CONTINUED {
        let mut faults = Faults::default();
        faults.add(&Path::Key(&Path::Root, "detail-type"), "unknown_value", format!("must be {CONTINUED}"));
        return Err(faults.into());
    }
    let (id, step) = chain::continuation(&event.detail)?;
    // A batch is one message: it has the time of an invocation for itself.
    chain::carry_on(app, &id, step, Pace::of(app)).await
}

/// Makes a step of a simulation as a message would, at another pace.
pub async fn carry_on(app: &App, simulation: &str, step: u64, pace: Pace) -> Result<(), Error> {
    let id = parameter("simulation_id", SimulationId::parse(simulation))?;
    chain::carry_on(app, &id, step, pace).await
}
