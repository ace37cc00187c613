//! What a draft of the program would have come to over what really happened: `guilder simulate`, which reads the draft,
//! has it replayed by the one engine there is ([`simulation`]), and shows what that came to.

mod text;

use crate::program::ProgramError;
use domain::program::Program;
use domain::schedule::Schedule;
use domain::time::Instant;
use domain::version::Draft;
use runtime::App;
use serde_json::Value;
use simulation::Whole;
use std::sync::Arc;

pub use simulation::{Document, Simulated, document};
pub use text::text;

/// What is to be simulated.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The document of the draft.
    pub draft: Value,
    /// When both are looked at; `None`: at the last commit of any account.
    pub as_of: Option<Instant>,
    /// Accounts under way at once.
    pub workers: usize,
}

/// Why there is no simulation.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The draft is not one that could be put in force.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The program in force could not be read.
    #[error(transparent)]
    Fault(#[from] runtime::Fault),
    /// The histories could not be replayed.
    #[error(transparent)]
    Simulation(#[from] simulation::SimulateError),
}

/// Replays every stored history under the draft; `progress` is told how many of how many accounts are done.
pub async fn run(app: &App, asked: Asked, progress: impl FnMut(u64, u64)) -> Result<Simulated, SimulateError> {
    let Asked { draft, as_of, workers } = asked;
    let in_force = app.schedule().await?;
    let draft = Arc::new(read(app, &draft, &in_force)?);
    Ok(simulation::run(app, Whole { draft, as_of, workers }, progress).await?)
}

/// The draft, if it could be put in force now; otherwise all that is wrong with it.
fn read(app: &App, document: &Value, in_force: &Schedule) -> Result<Program, ProgramError> {
    Draft::read(document.clone(), &app.config().program).map_err(ProgramError::Faulty)?;
    let program = Program::from_json(document).map_err(ProgramError::Faulty)?;
    // The newest version keeps all that those before it had.
    program.may_follow(&in_force.at(Instant::MAX).program).map_err(ProgramError::Faulty)?;
    Ok(program)
}
