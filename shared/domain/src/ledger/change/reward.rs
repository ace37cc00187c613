//! What becomes of redemptions of rewards. The points, and what is bought with them, are changes of their own.

use crate::id::RuleId;
use crate::rewards::RewardCount;
use serde::{Deserialize, Serialize};

/// What became of a redemption of a reward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum RewardChange {
    /// Points were redeemed for a reward. Which redemption it is, is said by the sequence of the entry.
    #[serde(rename = "reward.redeemed")]
    Redeemed {
        /// Which reward.
        reward: RuleId,
        /// How often the account had it then, if that is limited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uses: Option<RewardCount>,
    },
    /// A redemption of a reward was cancelled.
    #[serde(rename = "reward.cancelled")]
    Cancelled {
        /// Which reward.
        reward: RuleId,
        /// Which redemption of it: the sequence of its entry.
        redemption: u64,
        /// How often the account had the reward then, if that is limited and still counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uses: Option<RewardCount>,
        /// Why.
        reason: String,
    },
}
