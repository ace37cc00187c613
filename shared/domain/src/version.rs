//! Versions of the program: stored once under the next number and never changed, and put in force by a schedule to
//! which activations are only added.
//!
//! A version takes effect [`AHEAD_MS`] ahead at the earliest, when every running instance is sure to know of it; the
//! first of all is in force from the beginning of time. A version may be activated again, which is the way back. Of two
//! activations from the same instant on, the one decided later counts, which is the way to call one off.
//!
//! Two who decide at once want the same place, the next number or the next state of the schedule: one is stored, and
//! the other decided again.

use crate::decision::{Decision, Guard, Record, Rejection, Write};
use crate::document::{self, Faults, Object, Path};
use crate::id::ProgramName;
use crate::idempotency::CommandKey;
use crate::money::Overflow;
use crate::program::Program;
use crate::schedule::Schedule;
use crate::schema::{self, Schema};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// How far ahead a version takes effect at the earliest: no instance decides on a schedule older than half of it.
pub const AHEAD_MS: i64 = 120_000;
/// Most activations of a schedule: it is one item, and read whole.
pub const ACTIVATIONS_MAX: usize = 1_000;
/// Most bytes of a document: an item holds 400 KB.
pub const DOCUMENT_BYTES_MAX: usize = 350_000;

/// A version as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number, from 1. Those that were stored before this was noted have it in their key only.
    #[serde(default)]
    pub number: u32,
    /// The document, as JSON.
    pub document: String,
    /// When it was stored, where that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
    /// Who stored it, where that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

/// A document that may be the next version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    document: Value,
    rules: Program,
    text: String,
}

impl Draft {
    /// Checks a document of the program `name`; every fault at once.
    pub fn read(document: Value, name: &ProgramName) -> Result<Self, Faults> {
        let rules = Program::from_new(&document, name)?;
        let text = document.to_string();
        if text.len() > DOCUMENT_BYTES_MAX {
            let mut faults = Faults::default();
            let message = format!("takes {} bytes; it must take at most {DOCUMENT_BYTES_MAX}", text.len());
            faults.add(&Path::Root, "too_large", message);
            return Err(faults);
        }
        Ok(Self { document, rules, text })
    }

    /// Whether a version says the same, however it is spelt. One that is not readable any more says what it spells.
    fn says(&self, version: &Version) -> bool {
        let Ok(stored) = serde_json::from_str::<Value>(&version.document) else { return false };
        Program::from_json(&stored).map_or(stored == self.document, |rules| rules == self.rules)
    }

    fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(&self.text).into()
    }
}

/// What was stored under an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The key.
    pub key: CommandKey,
    /// Hash of the document that came with it.
    pub content_hash: [u8; 32],
    /// The version that it became.
    pub number: u32,
}

/// What a new version is decided on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// The one with the highest number.
    pub newest: Option<Version>,
    /// What the key was used for, with the version.
    pub by_key: Option<(KeyUse, Version)>,
}

/// Stores a draft as the next version, in force nowhere; answers it, and whether it was there before: under the same
/// key, or as the newest.
pub fn store(
    program: &ProgramName,
    draft: &Draft,
    key: Option<&CommandKey>,
    versions: &Versions,
    by: &str,
    now: Instant,
) -> Result<Decision<(Version, bool)>, Rejection> {
    let content_hash = draft.content_hash();
    let there = match (&versions.by_key, &versions.newest) {
        (Some((used, _)), _) if used.content_hash != content_hash => return Err(Rejection::KeyReused),
        (Some((_, version)), _) => Some(version),
        (None, newest) => newest.as_ref().filter(|newest| draft.says(newest)),
    };
    if let Some(there) = there {
        return Ok(Decision { writes: Vec::new(), answer: (there.clone(), true) });
    }
    let newest = versions.newest.as_ref().map_or(0, |newest| newest.number);
    let number = newest.checked_add(1).ok_or(Overflow)?;
    let (created_at, created_by) = (Some(now), Some(by.to_owned()));
    let version = Version { number, document: draft.text.clone(), created_at, created_by };
    let record = Record::Version(program.clone(), Box::new(version.clone()));
    let mut writes = vec![Write::Put(record, Guard::Absent)];
    if let Some(key) = key {
        let used = KeyUse { key: key.clone(), content_hash, number };
        writes.push(Write::Put(Record::VersionKey(program.clone(), Box::new(used)), Guard::Absent));
    }
    Ok(Decision { writes, answer: (version, false) })
}

/// That a version is in force from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// From when; [`Instant::MIN`]: from the beginning of time.
    pub from: Instant,
    /// Which version.
    pub version: u32,
}

/// All activations in the order in which they were decided, as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// Counts its changes, from 1; 0: it is not stored yet.
    pub version: u64,
    /// The activations.
    pub activations: Vec<Activation>,
}

impl Timeline {
    /// The activations that are ever in force, ascending.
    pub fn effective(&self) -> Vec<Activation> {
        let mut ascending = self.activations.clone();
        ascending.sort_by_key(|activation| activation.from);
        let mut effective: Vec<Activation> = Vec::with_capacity(ascending.len());
        for activation in ascending {
            effective.pop_if(|before| before.from == activation.from);
            effective.push(activation);
        }
        effective
    }

    /// The activation in force at an instant: the first of all before any.
    pub fn at(&self, instant: Instant) -> Option<Activation> {
        let effective = self.effective();
        let begun = effective.iter().rev().find(|activation| activation.from <= instant);
        begun.or(effective.first()).copied()
    }

    /// The activation that already does what is asked for; `None`: there is something to do.
    fn already(&self, asked: &Asked, earliest: Instant) -> Option<Activation> {
        let is_only_one = self.effective().len() == 1;
        let held = self.at(asked.from.unwrap_or(earliest)).filter(|held| held.version == asked.version);
        held.filter(|held| is_only_one || asked.from.is_none_or(|from| held.from == from))
    }

    fn with(&self, activation: Activation) -> Result<Self, Overflow> {
        let mut activations = self.activations.clone();
        activations.push(activation);
        Ok(Self { version: self.version.checked_add(1).ok_or(Overflow)?, activations })
    }
}

/// Which version is to be in force: `PUT /v1/program/active`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Its number.
    pub version: u32,
    /// From when; `None`: as soon as every running instance is sure to know it.
    pub from: Option<Instant>,
}

/// Reads what is asked for; every fault at once.
pub fn asked(document: &Value) -> Result<Asked, Faults> {
    let mut faults = Faults::default();
    let read = |faults: &mut Faults| {
        let root = Object::open(document, &Path::Root, &["version", "from"], faults)?;
        let version = root.required("version", faults, document::whole(1..=u64::from(u32::MAX)));
        let from = root.optional("from", faults, document::instant);
        Some(Asked { version: u32::try_from(version?).ok()?, from })
    };
    let asked = read(&mut faults);
    faults.into_result(asked)
}

/// What [`asked`] reads.
pub(crate) fn asked_schema() -> Schema {
    schema::object("Activation")
        .required("version", schema::whole(1..=u64::from(u32::MAX)), "The number of a stored version.")
        .optional("from", schema::instant(), "From when it is in force; left out: as soon as it can be.")
}

/// What an activation is decided on.
#[derive(Debug, Clone)]
pub struct Activating {
    /// All activations until now.
    pub timeline: Timeline,
    /// The same with their rules; `None` where there are none.
    pub schedule: Option<Schedule>,
    /// The version that is asked for.
    pub version: Option<(Version, Arc<Program>)>,
}

/// Puts a version in force; answers from when, and whether that was decided before.
///
/// Fails with [`Rejection::TooEarly`] for an instant at which some instance may not know it yet, and with
/// [`Rejection::CannotFollow`] where it takes away what accounts hold under the version before it, or the one after it
/// would take away what they will hold under this.
pub fn activate(
    program: &ProgramName,
    asked: &Asked,
    state: &Activating,
    now: Instant,
) -> Result<Decision<(Activation, bool)>, Rejection> {
    let (version, rules) = state.version.as_ref().ok_or(Rejection::UnknownVersion)?;
    let (timeline, earliest) = (&state.timeline, now.plus_ms(AHEAD_MS));
    if let Some(held) = timeline.already(asked, earliest) {
        return Ok(Decision { writes: Vec::new(), answer: (held, true) });
    }
    let from = match (&state.schedule, asked.from) {
        (None, _) => Instant::MIN,
        (Some(_), Some(from)) if from < earliest => return Err(Rejection::TooEarly { earliest }),
        (Some(_), from) => from.unwrap_or(earliest),
    };
    let activation = Activation { from, version: version.number };
    if let Some(schedule) = &state.schedule {
        check_neighbours(timeline, schedule, activation, rules)?;
    }
    if timeline.activations.len() >= ACTIVATIONS_MAX {
        return Err(Rejection::TooManyActivations);
    }
    Ok(Decision { writes: put_in_force(program, timeline, version, from)?, answer: (activation, false) })
}

/// Whether the version may follow the one before it, and be followed by the one after it. Both may: so may all.
fn check_neighbours(
    timeline: &Timeline,
    schedule: &Schedule,
    new: Activation,
    rules: &Program,
) -> Result<(), Rejection> {
    let effective = timeline.effective();
    let rules_of =
        |activation: &Activation| Some((activation.version, &*schedule.version(activation.version)?.program));
    let before = effective.iter().rev().find(|other| other.from < new.from).and_then(rules_of);
    let after = effective.iter().find(|other| other.from > new.from).and_then(rules_of);
    let own = (new.version, rules);
    let pairs = [before.map(|before| (before, own)), after.map(|after| (own, after))];
    for ((before, earlier), (after, later)) in pairs.into_iter().flatten() {
        later.may_follow(earlier).map_err(|faults| Rejection::CannotFollow { before, after, faults })?;
    }
    Ok(())
}

/// The writes that put a stored version in force from an instant on, whether or not it may be: a copy of it beside the
/// schedule, with which it is read, and the schedule.
pub fn put_in_force(
    program: &ProgramName,
    timeline: &Timeline,
    version: &Version,
    from: Instant,
) -> Result<Vec<Write>, Overflow> {
    let mut writes = Vec::with_capacity(2);
    if timeline.activations.iter().all(|earlier| earlier.version != version.number) {
        writes.push(Write::Put(Record::ActiveVersion(program.clone(), Box::new(version.clone())), Guard::Absent));
    }
    let guard = if timeline.version == 0 { Guard::Absent } else { Guard::Version(timeline.version) };
    let next = timeline.with(Activation { from, version: version.number })?;
    writes.push(Write::Put(Record::Timeline(program.clone(), Box::new(next)), guard));
    Ok(writes)
}

#[cfg(test)]
mod tests;
