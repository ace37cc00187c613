//! Referrals: an account shares a code, a prospect redeems it, and once an order of the prospect has stayed for the
//! return window the referrer is rewarded.
//!
//! The prospect's own account knows its redemption ([`Referral`]), so an order sees at no extra read whether it qualifies,
//! and the account is filed for the instant of the reward like for anything else that falls due. What one account's
//! commands mean for the other is an [`Errand`]: the walk that comes by the prospect's account carries it out on the
//! referrer's account, in a transaction of its own. So no transaction writes two accounts. All that is known of a
//! redemption stands in one record ([`Redemption`]); whoever rewards, cancels or takes back puts it with its version, so
//! that each happens once, and what is tracked is counted from these records.

mod code;
pub(crate) mod document;
mod redeem;
mod redemption;
mod review;
mod reward;
pub mod rules;
mod tally;

#[cfg(test)]
mod tests;

use crate::account::Account;
use crate::code::{Code, Secrets};
use crate::decision::Rejection;
use crate::id::AccountId;
use crate::idempotency::CommandKey;
use crate::schedule::Schedule;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;

pub use crate::id::RedemptionId;
pub use code::{
    CodeChange, CodeDocument, CodeHolder, CodeSettings, CodeStatus, Codes, ReferralCode, change_code, issue_code,
};
pub use document::{ProspectDocument, code_change, code_document, decision_document, prospect_document};
pub use redeem::{Prospect, redeem};
pub use redemption::{
    Check, Checks, Consent, Ended, Given, GivenDiscount, Outcome, Qualified, Redemption, Review, Rewarded, State,
    TakenBack, WaitingReview,
};
pub use review::{ReviewDecision, Verdict, decide_review};
pub use reward::{Grounds, Settled, carry_out};
pub(crate) use reward::{amended_order, conclude, first_order, follow};
pub use tally::{Cost, Counts, Tally};

impl RedemptionId {
    /// That of a command, by its key.
    pub fn of_command(key: &CommandKey) -> Self {
        Self::of_bits(key.bits("redemption"))
    }
}

/// The account that a redemption makes, where the shop names none: keyed, so that who knows the redemption's id does not
/// know the account's.
pub fn account_of_command(key: &CommandKey, secrets: &Secrets) -> AccountId {
    AccountId::made_up(secrets.bits("referral-account", key.as_str()))
}

/// The identity of a redemption.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedemptionKey {
    /// The code that was redeemed.
    pub code: Code,
    /// Which redemption of it.
    pub redemption_id: RedemptionId,
}

impl fmt::Display for RedemptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.code, self.redemption_id)
    }
}

/// What a referred account knows of its redemption, in its hot item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// Which redemption.
    pub key: RedemptionKey,
    /// The version of its record as long as no order has qualified: only commits to this account change it until then.
    pub version: u64,
    /// The program version it was redeemed under: its terms stay.
    pub program_version: u32,
    /// When it was redeemed; not kept once no order can qualify it any more.
    pub redeemed_at: Option<Instant>,
    /// How far it has come.
    pub stage: Stage,
}

impl Referral {
    /// Takes note that the record of the redemption was changed, and whether it came to nothing by that.
    pub(crate) fn note_forgotten(&mut self, version: u64, is_over: bool) {
        self.version = version;
        if is_over {
            (self.stage, self.redeemed_at) = (Stage::Over, None);
        }
    }
}

/// How far a redemption has come, as its account knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It waits for somebody to look at it.
    UnderReview,
    /// No order has qualified.
    Open {
        /// The first instant at which none can any more.
        until: Instant,
    },
    /// An order has.
    Qualified {
        /// When the referrer is to be rewarded.
        reward_at: Instant,
    },
    /// The referrer was rewarded.
    Rewarded,
    /// The order came back after that: the reward is to be taken back.
    Returned {
        /// Since when.
        since: Instant,
    },
    /// Nothing more will come of it.
    Over,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnderReview => f.write_str("waits for a review"),
            Self::Open { until } => write!(f, "an order may qualify it until {until}"),
            Self::Qualified { reward_at } => write!(f, "qualified, rewarded from {reward_at}"),
            Self::Rewarded => f.write_str("rewarded"),
            Self::Returned { since } => write!(f, "its order came back at {since}, the reward is to be taken back"),
            Self::Over => f.write_str("over"),
        }
    }
}

/// What is to be done on the referrer's account, because of something that happened on the referee's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// For which redemption.
    pub key: RedemptionKey,
    /// Since when.
    pub due_at: Instant,
    /// What.
    pub task: ErrandTask,
}

/// What is to be done on the referrer's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrandTask {
    /// Give the reward.
    Reward,
    /// Take it back.
    TakeBack,
}

/// The errand of an account, due or not.
pub fn errand(account: &Account) -> Option<Errand> {
    let referral = account.referral.as_ref()?;
    let (due_at, task) = match referral.stage {
        Stage::Qualified { reward_at } => (reward_at, ErrandTask::Reward),
        Stage::Returned { since } => (since, ErrandTask::TakeBack),
        _ => return None,
    };
    Some(Errand { key: referral.key.clone(), due_at, task })
}

/// The terms of a redemption: those of the version it was redeemed under, or of the one in force where that is not known.
pub(crate) fn terms(schedule: &Schedule, version: u32, now: Instant) -> Result<&rules::ReferralRules, Rejection> {
    let redeemed_under = schedule.version(version).and_then(|activation| activation.program.referral.as_ref());
    redeemed_under.or(schedule.at(now).program.referral.as_ref()).ok_or(Rejection::NoReferrals)
}
