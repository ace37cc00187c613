//! What a walk is asked to do and what it answers: documents that a state machine carries from one to the next.

use crate::error::Fault;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::id::AccountId;
use domain::time::Day;
use domain::warning::Walk;
use serde::{Deserialize, Serialize};
use store::DuePosition;

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
}

/// The answer to a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What is to be carried out, in any order.
    pub shards: Vec<Task>,
}

/// A shard of a day, and where in it to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// 0 to 63.
    pub shard: u64,
    /// From an earlier answer, unchanged; an answer without one is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What was done until the cursor.
    #[serde(default, skip_serializing_if = "Counts::is_nothing")]
    pub done: Counts,
}

impl Shard {
    /// A whole shard.
    pub fn new(day: Day, shard: u64) -> Self {
        Self { day: day.to_string(), shard, cursor: None, done: Counts::default() }
    }
}

/// What was set aside, and where in it to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// From an earlier answer, unchanged; an answer without one is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What was done until the cursor.
    #[serde(skip_serializing_if = "Counts::is_nothing")]
    pub done: Counts,
}

/// A part of all accounts, and where in it to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filing {
    /// The version of the program.
    pub version: u32,
    /// 0 to 15.
    pub segment: u64,
    /// From an earlier answer, unchanged; an answer without one is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What was done until the cursor.
    #[serde(default, skip_serializing_if = "Counts::is_nothing")]
    pub done: Counts,
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

/// What a cursor holds: it belongs to one walk and one place.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    walk: String,
    pub(super) place: Place,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Place {
    /// In a shard of a day.
    Shard { day: String, shard: u64, place: DuePosition },
    /// After an account that was set aside.
    Aside { account_id: AccountId },
    /// After an account of a part of all.
    Filing { version: u32, segment: u64, account_id: AccountId },
}

impl Cursor {
    pub(super) fn write(walk: Walk, place: Place) -> String {
        let cursor = Self { walk: walk.name().to_owned(), place };
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
    }

    pub(super) fn read(text: &str, walk: Walk) -> Result<Self, Fault> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let cursor: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let own = cursor.filter(|cursor| cursor.walk == walk.name());
        own.ok_or_else(|| Fault::BadTask("the cursor is not one of this walk".to_owned()))
    }
}
