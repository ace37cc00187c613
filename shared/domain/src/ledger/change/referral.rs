//! What happens to referral codes, and to the redemptions of either side.

use crate::code::Code;
use crate::id::{ContactId, OrderKey};
use crate::referral::{CodeSettings, RedemptionKey, Settled};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What happened to a referral code or a redemption of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum ReferralChange {
    /// The account, or a person of it, was issued a referral code.
    #[serde(rename = "referral.code_issued")]
    CodeIssued {
        /// The code.
        code: Code,
        /// Which person's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_id: Option<ContactId>,
    },
    /// What the owner of a referral code may set was set.
    #[serde(rename = "referral.code_changed")]
    CodeChanged {
        /// The code.
        code: Code,
        /// To what.
        #[serde(flatten)]
        settings: CodeSettings,
    },
    /// The account came by a referral code.
    #[serde(rename = "referral.redeemed")]
    Redeemed {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
    },
    /// Somebody looked at the redemption that the account came by.
    #[serde(rename = "referral.reviewed")]
    Reviewed {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// Whether it was approved.
        approved: bool,
    },
    /// An order qualified the redemption that the account came by.
    #[serde(rename = "referral.qualified")]
    Qualified {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// When the referrer is to be rewarded.
        reward_at: Instant,
    },
    /// The order that had qualified the redemption came back.
    #[serde(rename = "referral.revoked")]
    Revoked {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
    },
    /// No order qualified the redemption in time.
    #[serde(rename = "referral.expired")]
    Expired {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// When.
        expired_at: Instant,
    },
    /// What was to be done on the referrer's account was done.
    #[serde(rename = "referral.concluded")]
    Concluded {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// What it came to.
        settled: Settled,
    },
    /// The account is rewarded for a referral.
    #[serde(rename = "referral.rewarded")]
    Rewarded {
        /// For which redemption of its code.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// The how manieth it is rewarded for, from 1.
        number: u32,
    },
    /// The reward for a referral is taken back.
    #[serde(rename = "referral.taken_back")]
    TakenBack {
        /// For which redemption of its code.
        #[serde(flatten)]
        redemption: RedemptionKey,
    },
}
