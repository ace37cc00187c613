//! What this function answers.

use crate::id::SimulationId;
use crate::record::{Counting, Record, Stage, Walk};
use domain::time::Instant;
use serde::Serialize;
use serde_json::Value;

/// A simulation, as far as it has come.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SimulationAnswer {
    id: String,
    version: u32,
    /// When both are looked at, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<Instant>,
    state: &'static str,
    asked_at: Instant,
    asked_by: String,
    changed_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What it came to: the document of `guilder simulate --json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::document::Document>"))]
    simulation: Option<Value>,
}

/// How far a simulation under way has come.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Progress {
    stage: &'static str,
    /// The how-manieth time all histories are replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<u32>,
    accounts_done: u64,
    /// Of how many, once they are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<u64>,
}

impl Progress {
    fn counting(counting: &Counting) -> Self {
        Self { stage: "counting", pass: None, accounts_done: counting.accounts, accounts: None }
    }

    fn of(stage: &'static str, pass: Option<u32>, walk: &Walk) -> Self {
        // Accounts that were enrolled since they were counted are come by, too.
        let accounts = walk.accounts.max(walk.done);
        Self { stage, pass, accounts_done: walk.done, accounts: Some(accounts) }
    }
}

impl SimulationAnswer {
    /// The answer about a simulation of which the next step is this. Fails where its document is none.
    pub(crate) fn of(id: &SimulationId, record: &Record, step: u64) -> Result<Self, serde_json::Error> {
        let Record { asked, by, asked_at, changed_at, stage, .. } = record;
        let running = if step == 1 { "queued" } else { "running" };
        let mut answer = Self {
            id: id.to_string(),
            version: asked.version,
            as_of: asked.as_of,
            state: running,
            asked_at: *asked_at,
            asked_by: by.clone(),
            changed_at: *changed_at,
            progress: None,
            reason: None,
            simulation: None,
        };
        match stage {
            Stage::Counting(counting) => answer.progress = Some(Progress::counting(counting)),
            Stage::Gathering(walk, _) => {
                answer.as_of = Some(walk.as_of);
                answer.progress = Some(Progress::of("limits", None, walk));
            }
            Stage::Replaying(walk, pass, _) => {
                answer.as_of = Some(walk.as_of);
                answer.progress = Some(Progress::of("replaying", Some(pass.number), walk));
            }
            Stage::Done { document, .. } => {
                let document: Value = serde_json::from_str(document)?;
                answer.as_of = document.get("as_of").and_then(Value::as_str).and_then(Instant::parse).or(answer.as_of);
                (answer.state, answer.simulation) = ("done", Some(document));
            }
            Stage::Failed { reason } => (answer.state, answer.reason) = ("failed", Some(reason.clone())),
        }
        Ok(answer)
    }
}
