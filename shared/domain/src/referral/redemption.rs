//! The record of a redemption: who redeemed, what was checked, what came of it.

use super::{RedemptionId, RedemptionKey};
use crate::code::{Code, KeyedHash};
use crate::id::{AccountId, OrderKey, RuleId};
use crate::money::{Minor, Percent, Points};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// The act of using a referral code, and all that came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    /// Which one.
    #[serde(flatten)]
    pub key: RedemptionKey,
    /// Whose code it is.
    pub referrer: AccountId,
    /// Who redeemed it.
    pub referee: AccountId,
    /// Whether redeeming made that account.
    pub enrolled: bool,
    /// When it was redeemed.
    pub redeemed_at: Instant,
    /// By whom, for the prospect.
    pub by: String,
    /// What was stated, as a keyed hash: nobody can try out from it what else was.
    pub content: KeyedHash,
    /// The program version whose terms hold.
    pub program_version: u32,
    /// What the prospect consented to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// What was checked, and what came of that.
    pub checks: Checks,
    /// Somebody is to look at it, or has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// What the prospect was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcome: Option<Given>,
    /// The first instant at which no order qualifies any more; not set while it waits for a review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// The order that qualified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualified: Option<Qualified>,
    /// What the referrer was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewarded: Option<Rewarded>,
    /// That nothing more, or nothing of it, holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// That the reward was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<TakenBack>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// What a prospect consented to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Consent {
    /// The sentence they agreed to, at most 500 characters.
    pub wording: String,
    /// When they did, if that was not with the redemption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Nobody else has it.
    New,
    /// The referrer has another.
    Differs,
    /// The referrer has the same: somebody is to look at it.
    Same,
    /// One of them is a free provider's, which says nothing.
    FreeProvider,
    /// One of them is not known.
    Unknown,
}

/// What was checked of a prospect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checks {
    /// No account has the VAT id.
    pub vat_id: Check,
    /// No account has the e-mail address.
    pub email: Check,
    /// The domain of the e-mail address, next to the referrer's.
    pub email_domain: Check,
    /// The phone number, next to the referrer's.
    pub phone: Check,
    /// The address, next to the referrer's.
    pub address: Check,
}

impl Checks {
    /// The checks that somebody is to look at, by their names.
    pub fn suspicious(&self) -> Vec<&'static str> {
        let all = [("email_domain", self.email_domain), ("phone", self.phone), ("address", self.address)];
        all.into_iter().filter(|(_, check)| *check == Check::Same).map(|(name, _)| name).collect()
    }
}

/// Somebody is to look at a redemption, or has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Review {
    /// Why: the checks that were suspicious, and `approval` where the program wants each approved.
    pub reasons: Vec<String>,
    /// Whether it was approved; `None`: nobody has looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<bool>,
    /// Who looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
    /// What they said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What an account was given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Given {
    /// Points.
    pub points: Points,
    /// When they end, as things stood then; [`Instant::NEVER`]: they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// A discount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<GivenDiscount>,
}

/// A discount that an account was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GivenDiscount {
    /// By which rule.
    pub rule: RuleId,
    /// Its code.
    pub code: Code,
    /// What it takes off.
    pub percent: Percent,
    /// The first instant at which it is void.
    pub expires_at: Instant,
}

/// The order that qualified a redemption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qualified {
    /// Which order.
    #[serde(flatten)]
    pub order: OrderKey,
    /// When it was scored.
    pub at: Instant,
    /// When the referrer is to be rewarded.
    pub reward_at: Instant,
    /// What is kept of its eligible total.
    pub revenue: Minor,
}

/// What a referrer was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewarded {
    /// When.
    pub at: Instant,
    /// The how manieth rewarded referral of the account it was, from 1.
    pub number: u32,
    /// What.
    #[serde(flatten)]
    pub given: Given,
    /// The discount of it waits for room among the referrer's open ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discount_waits: bool,
}

/// Why a redemption came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ended {
    /// How.
    pub outcome: Outcome,
    /// When.
    pub at: Instant,
    /// Why.
    pub reason: String,
}

/// How a redemption came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Somebody looked at it and refused it.
    Rejected,
    /// Its order came back, or its referrer has left.
    Revoked,
}

/// A reward that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TakenBack {
    /// When.
    pub at: Instant,
    /// Points taken back, owed ones included.
    pub points: Points,
    /// Points that could not be, and were written off.
    pub unrecovered: Points,
    /// Whether its discount was withdrawn; one that was used stays used.
    pub discount: bool,
}

/// How far a redemption has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RedemptionState"))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The code was redeemed; no order has qualified yet.
    Redeemed,
    /// An order has: the reward is due after the return window.
    Qualified,
    /// The referrer was rewarded.
    Rewarded,
    /// It was looked at and refused.
    Rejected,
    /// No order qualified in time.
    Expired,
    /// Its order came back, or its referrer has left.
    Revoked,
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redeemed => "redeemed",
            Self::Qualified => "qualified",
            Self::Rewarded => "rewarded",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Redemption {
    /// How far it has come by an instant. That it has expired is a matter of the clock, so it is not stored.
    pub fn state(&self, now: Instant) -> State {
        match (&self.ended, &self.rewarded, &self.qualified) {
            (Some(Ended { outcome: Outcome::Rejected, .. }), ..) => State::Rejected,
            (Some(Ended { outcome: Outcome::Revoked, .. }), ..) => State::Revoked,
            (None, Some(_), _) => State::Rewarded,
            (None, None, Some(_)) => State::Qualified,
            (None, None, None) if self.until.is_some_and(|until| until <= now) => State::Expired,
            (None, None, None) => State::Redeemed,
        }
    }

    /// Whether somebody is still to look at it.
    pub fn is_under_review(&self) -> bool {
        self.review.as_ref().is_some_and(|review| review.approved.is_none())
    }

    /// The same without what the prospect stated and what was said of it; and, where it waits to be looked at, its place
    /// among those that do, since it comes to nothing.
    pub(crate) fn without_people(&self, now: Instant) -> (Self, Option<String>) {
        let mut after = self.next();
        (after.content, after.consent) = (KeyedHash::REMOVED, None);
        let waits = self.is_under_review();
        if let Some(review) = &mut after.review {
            (review.by, review.note) = (None, None);
            if waits {
                (review.approved, review.at) = (Some(false), Some(now));
                after.ended = Some(Ended { outcome: Outcome::Rejected, at: now, reason: "erased".to_owned() });
            }
        }
        (after, waits.then(|| WaitingReview::of(self).place()))
    }

    /// The same, changed once more.
    pub(super) fn next(&self) -> Self {
        Self { version: self.version.saturating_add(1), ..self.clone() }
    }
}

/// A redemption that somebody is to look at, as the list of those has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitingReview {
    /// The code that was redeemed.
    pub referral_code: Code,
    /// Which redemption of it.
    pub redemption_id: RedemptionId,
    /// Whose code it is.
    pub referrer: AccountId,
    /// Who redeemed it.
    pub referee: AccountId,
    /// When.
    pub redeemed_at: Instant,
    /// Why somebody is to look at it.
    pub reasons: Vec<String>,
}

impl WaitingReview {
    /// Its place in the list: the oldest first.
    pub fn place(&self) -> String {
        format!("{:015}#{}", self.redeemed_at.as_ms().max(0), self.redemption_id)
    }

    /// The entry of a redemption.
    pub fn of(redemption: &Redemption) -> Self {
        Self {
            referral_code: redemption.key.code.clone(),
            redemption_id: redemption.key.redemption_id,
            referrer: redemption.referrer.clone(),
            referee: redemption.referee.clone(),
            redeemed_at: redemption.redeemed_at,
            reasons: redemption.review.as_ref().map(|review| review.reasons.clone()).unwrap_or_default(),
        }
    }
}
