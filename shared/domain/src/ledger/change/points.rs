//! What changes about the points of an account, whatever brings it about.

use crate::id::{ContactId, TierId};
use crate::lots::Taken;
use crate::money::{Overflow, Points};
use crate::referral::RedemptionKey;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What changed about the points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum PointsChange {
    /// Points that another product had issued were taken over.
    #[serde(rename = "points.opened")]
    Opened {
        /// How many.
        points: Points,
        /// When they end, as things stand; nothing where they do not.
        #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
        expires_at: Instant,
    },
    /// Points that were owed in another product were taken over.
    #[serde(rename = "points.debt_opened")]
    DebtOpened {
        /// How many.
        points: Points,
    },
    /// Points were earned.
    #[serde(rename = "points.earned")]
    Earned {
        /// How many.
        points: Points,
        /// From when they can be spent, if not at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        available_at: Option<Instant>,
        /// When they end, as things stand; nothing where they do not.
        #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
        expires_at: Instant,
        /// They wait until their order is paid.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        until_paid: bool,
    },
    /// Points that waited can be spent.
    #[serde(rename = "points.available")]
    Available {
        /// How many.
        points: Points,
        /// Since when.
        available_at: Instant,
    },
    /// Points last longer, since the account was active: of those that end once it is inactive for long.
    #[serde(rename = "points.prolonged")]
    Prolonged {
        /// How many, those that wait included.
        points: Points,
        /// When they end now, as things stand.
        expires_at: Instant,
    },
    /// Points will end.
    #[serde(rename = "points.expiring")]
    Expiring {
        /// How many.
        points: Points,
        /// When.
        expires_at: Instant,
        /// Only if the account is not active before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        if_inactive: bool,
        /// Whom it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_id: Option<ContactId>,
    },
    /// Points ended.
    #[serde(rename = "points.expired")]
    Expired {
        /// How many.
        points: Points,
        /// When.
        expired_at: Instant,
    },
    /// New earnings repaid points that were owed.
    #[serde(rename = "points.repaid")]
    Repaid {
        /// How many.
        points: Points,
    },
    /// Points of an order were taken back.
    #[serde(rename = "points.reversed")]
    Reversed {
        /// How many, owed ones included.
        points: Points,
        /// Where they were taken from.
        #[serde(flatten)]
        taken: Taken,
        /// How many the account owes instead.
        owed: Points,
        /// How many were written off.
        unrecovered: Points,
        /// How many had ended already, so that nothing was taken for them.
        lapsed: Points,
    },
    /// The points of an order were brought to what it earns now.
    #[serde(rename = "points.amended")]
    Amended {
        /// By how much what the order earned changed.
        earned: Points,
        /// By how much what was taken back of it changed, owed points included.
        reversed: Points,
        /// Where points were taken from, if the order earns less.
        #[serde(flatten)]
        taken: Taken,
        /// How many of them the account owes instead.
        owed: Points,
        /// How many were written off.
        unrecovered: Points,
        /// How many had ended already, so that nothing was taken for them.
        lapsed: Points,
        /// From when points that were given can be spent, if not at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        available_at: Option<Instant>,
        /// Points that were given wait until their order is paid.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        until_paid: bool,
    },
    /// Points were given by hand.
    #[serde(rename = "points.credited")]
    Credited {
        /// How many.
        points: Points,
        /// When they end, as things stand; nothing where they do not.
        #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
        expires_at: Instant,
        /// Why.
        reason: String,
        /// A ticket, a contract or the like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// Points were taken by hand.
    #[serde(rename = "points.deducted")]
    Deducted {
        /// How many, owed ones included.
        points: Points,
        /// Where they were taken from.
        #[serde(flatten)]
        taken: Taken,
        /// How many the account owes instead.
        owed: Points,
        /// Why.
        reason: String,
        /// A ticket, a contract or the like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// Points were spent on a reward.
    #[serde(rename = "points.spent")]
    Spent {
        /// How many.
        points: Points,
    },
    /// Points that had been spent were given back, those included that have ended meanwhile.
    #[serde(rename = "points.restored")]
    Restored {
        /// How many.
        points: Points,
    },
    /// Points were given for a referral, to either side.
    #[serde(rename = "points.granted")]
    Granted {
        /// How many.
        points: Points,
        /// When they end, as things stand; nothing where they do not.
        #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
        expires_at: Instant,
        /// For which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
    },
    /// Points were given for entering a tier, once for each.
    #[serde(rename = "points.for_tier")]
    ForTier {
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
}

impl PointsChange {
    /// By how much it changes the account's points. Points that become available were counted when earned.
    pub fn amount(&self) -> Result<Points, Overflow> {
        match self {
            Self::Opened { points, .. }
            | Self::Earned { points, .. }
            | Self::Credited { points, .. }
            | Self::Granted { points, .. }
            | Self::ForTier { points, .. }
            | Self::Restored { points } => Ok(*points),

            Self::Amended { earned, reversed, .. } => earned.minus(*reversed),

            Self::DebtOpened { points }
            | Self::Expired { points, .. }
            | Self::Reversed { points, .. }
            | Self::Deducted { points, .. }
            | Self::Spent { points } => Points::ZERO.minus(*points),

            Self::Available { .. } | Self::Prolonged { .. } | Self::Expiring { .. } | Self::Repaid { .. } => {
                Ok(Points::ZERO)
            }
        }
    }
}
