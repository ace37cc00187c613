//! What a night's run is asked to do and what it answers: documents that a state machine carries from one to the next.

use domain::time::Day;
use runtime::Fault;
use serde::{Deserialize, Serialize};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
pub enum Task {
    /// Begin a run: of a day, or of yesterday.
    Plan {
        /// `YYYY-MM-DD`, a day that has ended in the program's time zone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        date: Option<String>,
    },
    /// Count the accounts of a segment.
    Scan(Scan),
    /// Reduce what the segments came to: the answer to a plan.
    Reduce(Reduce),
}

/// A segment to be counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// Whose night.
    pub date: String,
    /// Which run of it.
    pub revision: u32,
    /// Which segment, from 0.
    pub segment: i32,
    /// Of how many.
    pub of: i32,
    /// Accounts counted so far.
    #[serde(default)]
    pub counted: u64,
    /// There: more is left. It says nothing that the part itself does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
}

/// A run whose segments are counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reduce {
    /// Whose night.
    pub date: String,
    /// Which run of it.
    pub revision: u32,
    /// Its segments.
    pub segments: Vec<Task>,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Whose night.
    pub date: String,
    /// Which run of it.
    pub revision: u32,
    /// Accounts counted.
    pub accounts: u64,
    /// Accounts that were decided after the night's end.
    pub decided_later: u64,
    /// Points outstanding by the trial balance.
    pub points_outstanding: i128,
    /// What is not as it should be, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The day of a task; a fault for any other text.
pub(crate) fn day_of(text: &str) -> Result<Day, Fault> {
    Day::parse(text).ok_or_else(|| Fault::BadTask(format!("{text:?} is no day: it must be YYYY-MM-DD")))
}
