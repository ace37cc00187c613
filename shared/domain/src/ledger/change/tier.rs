//! What changes about the tier: by what is ordered, by review, by invitation.

use crate::id::{ContactId, TierId};
use crate::qualification::Measured;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What changed about the tier, or will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum TierChange {
    /// The tier changed.
    #[serde(rename = "tier.changed")]
    Changed {
        /// Before.
        from: TierId,
        /// After.
        to: TierId,
        /// The figure that led to it.
        qualifying: Measured,
        /// The instant of the review that did it, if none of the account's orders did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reviewed_at: Option<Instant>,
    },
    /// A review kept the tier.
    #[serde(rename = "tier.kept")]
    Kept {
        /// The tier.
        tier: TierId,
        /// The figure that kept it.
        qualifying: Measured,
        /// The instant of the review.
        reviewed_at: Instant,
    },
    /// A review lowered the tier.
    #[serde(rename = "tier.lowered")]
    Lowered {
        /// Before.
        from: TierId,
        /// After.
        to: TierId,
        /// The figure, too little for the one before.
        qualifying: Measured,
        /// The instant of the review.
        reviewed_at: Instant,
    },
    /// The next review will lower the tier unless more is ordered.
    #[serde(rename = "tier.at_risk")]
    AtRisk {
        /// The tier.
        tier: TierId,
        /// The instant of the review.
        review_at: Instant,
        /// What is missing to keep it.
        missing: Measured,
        /// Whom it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_id: Option<ContactId>,
    },
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
}
