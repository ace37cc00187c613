//! What a walk is asked to do and what it answers: documents that a state machine carries from one to the next.

use crate::error::Fault;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::id::AccountId;
use domain::time::{Day, Instant};
use domain::warning::Walk;
use serde::{Deserialize, Serialize};
use std::fmt;
use store::{AsidePosition, DuePosition};

/// What a walk is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
pub enum Task {
    /// Say what is to be done: for one day, or for all days that are open.
    Plan {
        /// `YYYY-MM-DD`, not in the future: this day only, closed or not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        day: Option<String>,
    },
    /// Walk a shard of a day.
    Walk(Shard),
    /// Try again what was set aside.
    Retry(Retry),
    /// File a part of all accounts under what a new version of the program makes of them.
    File(Filing),
    /// Say what became of a plan, and fail where a task of it did: the answer to a plan, whose tasks a state machine
    /// replaces with what became of them.
    Conclude(Plan),
}

impl Task {
    fn carried_out(&self) -> (Counts, Option<&Failure>) {
        match self {
            Self::Walk(shard) => (shard.done, shard.failure.as_ref()),
            Self::Retry(retry) => (retry.done, retry.failure.as_ref()),
            // Accounts that are only filed are not walked: of them only what was set aside counts.
            Self::File(filing) => (Counts { walked: 0, written: 0, ..filing.done }, filing.failure.as_ref()),
            Self::Plan { .. } | Self::Conclude(_) => (Counts::default(), None),
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Walk(shard) => write!(f, "shard {} of {}", shard.shard, shard.day),
            Self::Retry(_) => f.write_str("what was set aside"),
            Self::File(filing) => write!(f, "segment {} filed for activation {}", filing.segment, filing.activation),
            Self::Plan { .. } | Self::Conclude(_) => f.write_str("a plan"),
        }
    }
}

/// What is to be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Days that are open and come with the next plan.
    pub days_left: u32,
    /// One stage after the other, the tasks of a stage in any order: what the first files the next walks.
    pub stages: Vec<Vec<Task>>,
}

impl Plan {
    /// What was done in all; a fault where a task failed, after all others were carried out.
    pub(super) fn conclude(&self) -> Result<Summary, Fault> {
        let mut summary = Summary { days_left: self.days_left, ..Summary::default() };
        let (mut tasks, mut failed, mut first) = (0_usize, 0_usize, None);
        for task in self.stages.iter().flatten() {
            let (done, failure) = task.carried_out();
            summary.done = summary.done.plus(done);
            tasks = tasks.saturating_add(1);
            failed = failed.saturating_add(usize::from(failure.is_some()));
            first = first.or(failure.map(|failure| format!("{task}: {}: {}", failure.error, failure.cause)));
        }
        let Some(first) = first else { return Ok(summary) };
        let Counts { walked, written, set_aside } = summary.done;
        let done = format!("{walked} accounts were walked, {written} written, {set_aside} set aside");
        Err(Fault::Incomplete(format!("{failed} of {tasks} tasks failed, the first: {first}; {done}")))
    }
}

/// What became of a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// What was done.
    pub done: Counts,
    /// Days that are open and come with the next plan.
    pub days_left: u32,
}

/// Why a state machine gave a task up, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Failure {
    /// The error's name.
    pub error: String,
    /// What was said about it.
    pub cause: String,
}

/// A shard of a day, and where in it to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// 0 to 63.
    pub shard: u64,
    /// The plan that it is of, by its instant; by hand it may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Instant>,
    /// From an earlier answer, unchanged; an answer without one is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What was done until the cursor.
    #[serde(default, skip_serializing_if = "Counts::is_nothing")]
    pub done: Counts,
    /// Accounts among them that were set aside though their failure may pass.
    #[serde(default, skip_serializing_if = "is_none")]
    pub spared: usize,
    /// What the last of all tries came to: then this one is beyond them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Shard {
    /// A whole shard.
    pub(super) fn new(run: Instant, day: Day, shard: u64) -> Self {
        Self {
            run: Some(run),
            day: day.to_string(),
            shard,
            cursor: None,
            done: Counts::default(),
            spared: 0,
            failure: None,
        }
    }
}

/// What was set aside, and where in it to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// The plan that it is of, by its instant; by hand it may be left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Instant>,
    /// From an earlier answer, unchanged; an answer without one is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What was done until the cursor.
    #[serde(skip_serializing_if = "Counts::is_nothing")]
    pub done: Counts,
    /// What the last of all tries came to: then this one is beyond them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A part of all accounts, and where in it to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filing {
    /// Which activation of a version of the program, by its number in the schedule.
    pub activation: u32,
    /// 0 to 15.
    pub segment: u64,
    /// The plan that it is of, by its instant; by hand it may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Instant>,
    /// From an earlier answer, unchanged; an answer without one is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What was done until the cursor.
    #[serde(default, skip_serializing_if = "Counts::is_nothing")]
    pub done: Counts,
    /// Accounts among them that were set aside though their failure may pass.
    #[serde(default, skip_serializing_if = "is_none")]
    pub spared: usize,
    /// What the last of all tries came to: then this one is beyond them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Counts {
    /// Accounts looked at.
    pub walked: u64,
    /// Accounts on which something was written down.
    pub written: u64,
    /// Accounts set aside.
    pub set_aside: u64,
}

impl Counts {
    /// Nothing yet: left out, since a state machine carries 256 KB and a plan has hundreds of tasks.
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            walked: self.walked.saturating_add(other.walked),
            written: self.written.saturating_add(other.written),
            set_aside: self.set_aside.saturating_add(other.set_aside),
        }
    }
}

/// What a cursor holds: it belongs to one walk, one run and one place.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    walk: String,
    run: Instant,
    began: Instant,
    place: Place,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Place {
    /// In a shard of a day.
    Shard { day: String, shard: u64, place: DuePosition },
    /// Among what was set aside.
    Aside { place: AsidePosition },
    /// After an account of a part of all.
    Filing { activation: u32, segment: u64, account_id: AccountId },
}

/// A task that is being carried out, by as many invocations as it takes.
pub(super) struct Underway {
    pub(super) walk: Walk,
    /// The plan it is of.
    pub(super) run: Instant,
    /// When its first invocation began: what was filed since may stand before the place where it goes on.
    pub(super) began: Instant,
}

impl Underway {
    /// Takes a task up, at its beginning or where it was left. A run is over a day after its plan.
    pub(super) fn take_up(
        walk: Walk,
        run: Option<Instant>,
        cursor: Option<String>,
        now: Instant,
    ) -> Result<(Self, Option<Place>), Fault> {
        let of = run.unwrap_or(now);
        if of.plus_ms(Instant::DAY_MS) < now || now.plus_ms(Instant::DAY_MS) < of {
            return Err(Fault::BadTask(format!("the run of {of} is over: another has to be started")));
        }
        let Some(cursor) = cursor else { return Ok((Self { walk, run: of, began: now }, None)) };
        let cursor = Cursor::read(&cursor, walk)?;
        if run != Some(cursor.run) {
            return Err(Fault::BadTask("the cursor is not one of this run".to_owned()));
        }
        Ok((Self { walk, run: of, began: cursor.began }, Some(cursor.place)))
    }

    /// Where the next invocation goes on.
    pub(super) fn cursor(&self, place: Place) -> Option<String> {
        let cursor = Cursor { walk: self.walk.name().to_owned(), run: self.run, began: self.began, place };
        Some(BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default()))
    }
}

impl Cursor {
    fn read(text: &str, walk: Walk) -> Result<Self, Fault> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let cursor: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let own = cursor.filter(|cursor| cursor.walk == walk.name());
        own.ok_or_else(|| Fault::BadTask("the cursor is not one of this walk".to_owned()))
    }
}
