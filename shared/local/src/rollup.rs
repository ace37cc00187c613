//! A night's metrics on this machine: the state machine of the template, executed over the functions of this cloud.

use crate::cloud::Cloud;
use crate::machine::ExecutionError;
use domain::time::Day;
use metric_rollup::{Summary, Task};
use std::sync::Arc;

/// The function whose state machine it is.
pub(crate) const FUNCTION: &str = "metric-rollup";

/// Why a night came to no metrics, or to some that are not to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum RollupError {
    /// The template has no such state machine.
    #[error("no state machine of the template runs {FUNCTION}")]
    NoMachine,
    /// The execution failed.
    #[error(transparent)]
    Failed(#[from] ExecutionError),
    /// It ended with something else than a summary.
    #[error("the execution told no summary: {0}")]
    NoSummary(String),
}

/// Runs the night of a day, or of yesterday.
pub async fn rollup(cloud: &Arc<Cloud>, date: Option<Day>) -> Result<Summary, RollupError> {
    let machines = &cloud.template().machines;
    let machine = machines.iter().find(|machine| machine.definition.functions().contains(FUNCTION));
    let machine = machine.ok_or(RollupError::NoMachine)?.id.clone();
    let plan = Task::Plan { date: date.map(|day| day.to_string()) };
    let input = serde_json::to_value(plan).map_err(|error| RollupError::NoSummary(error.to_string()))?;
    let output = cloud.execute(&machine, input).await?;
    serde_json::from_value(output).map_err(|error| RollupError::NoSummary(error.to_string()))
}
