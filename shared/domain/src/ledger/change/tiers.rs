//! What changes about a tier besides what orders and reviews make of it.

use crate::id::{RuleId, TierId};
use crate::money::Points;
use crate::qualification::Measured;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// One such change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum TierChange {
    /// The account was invited into a tier, or its invitation was stated anew.
    #[serde(rename = "tier.invited")]
    Invited {
        /// Before.
        from: TierId,
        /// The tier by invitation.
        to: TierId,
        /// When the invitation ends; nothing where it does not.
        #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
        until: Instant,
        /// Why.
        reason: String,
    },
    /// The invitation ended, or was ended.
    #[serde(rename = "tier.invitation_ended")]
    InvitationEnded {
        /// The tier by invitation.
        from: TierId,
        /// What the account holds again, or has reached meanwhile.
        to: TierId,
        /// The most that has qualified meanwhile.
        qualifying: Measured,
        /// When.
        ended_at: Instant,
        /// Why, where somebody ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Points were given for entering a tier, once for each.
    #[serde(rename = "points.for_tier")]
    Points {
        /// Which tier.
        tier: TierId,
        /// How many.
        points: Points,
        /// When they end, as things stand; nothing where they do not.
        #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
        expires_at: Instant,
        /// When it was entered, where time alone led there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entered_at: Option<Instant>,
    },
    /// A discount was issued for entering a tier, once for each; a change of its own tells its code.
    #[serde(rename = "discount.for_tier")]
    Discount {
        /// Which tier.
        tier: TierId,
        /// By which rule.
        rule: RuleId,
        /// When it was entered, where time alone led there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entered_at: Option<Instant>,
        /// It was not issued: the account had as many open as it can have, or is given none.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        withheld: bool,
    },
}
