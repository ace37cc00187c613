//! What is kept of nights, by name and as bytes: whoever counts writes it, whoever serves reads it.

use super::{Books, FlawedAnswer};
use domain::time::Instant;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What nights keep, by name: their records,
pub const NIGHT: &str = "night";
/// what the models say,
pub const BELIEFS: &str = "beliefs";
/// who stays,
pub const COHORTS: &str = "cohorts";
/// customers by how lately, how often and for how much they bought,
pub const SEGMENTED: &str = "segmented";
/// accounts to look at,
pub const LISTED: &str = "listed";
/// and what was found beside the accounts.
pub const FINDINGS: &str = "findings";

/// What the groups of a kind are kept under.
pub fn standing(by: &str) -> String {
    format!("standing#{by}")
}

/// The record of a night.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NightRecord {
    /// Its last instant; nothing until its first run was reduced.
    pub as_of: Option<Instant>,
    /// The version of the program in force then.
    pub program_version: Option<u32>,
    /// The run whose results are kept; nothing until one was reduced.
    pub reduced: Option<u32>,
    /// Its books.
    pub books: Option<Books>,
}

/// What a run found beside the accounts. Kept by itself: nights before had none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Answers to surveys that were counted.
    pub answers: u64,
    /// How many answers could not be read.
    pub answers_flawed: u64,
    /// The first of them.
    pub flawed_answers: Vec<FlawedAnswer>,
    /// What is not as it should be, in words.
    pub warnings: Vec<String>,
}

/// The first byte of all that is kept: how the rest is written. What a later format writes otherwise needs a number of its
/// own, and readers of those before.
const FORMAT: u8 = 1;

/// Bytes that are not what they should be, or a value that has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The bytes, or the value, cannot be understood.
    #[error("{0}")]
    Bytes(postcard::Error),
    /// They are of a format that this version does not know.
    #[error("it is kept in format {0}, and this version knows format {FORMAT}")]
    Format(u8),
    /// There are none.
    #[error("nothing is kept")]
    Nothing,
}

/// Reads what was kept.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => postcard::from_bytes(rest).map_err(Unreadable::Bytes),
        Some((&other, _)) => Err(Unreadable::Format(other)),
        None => Err(Unreadable::Nothing),
    }
}

/// What a value is kept as.
pub fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, Unreadable> {
    postcard::to_extend(value, vec![FORMAT]).map_err(Unreadable::Bytes)
}
