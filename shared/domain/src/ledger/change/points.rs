//! What a change does to an account's points.

use super::{Change, TierChange};
use crate::money::{Overflow, Points};
use crate::occasions::Given;

impl Change {
    /// By how much it changes the account's points. Points that become available were counted when earned.
    pub fn points(&self) -> Result<Points, Overflow> {
        match self {
            Self::PointsEarned { points, .. }
            | Self::PointsCredited { points, .. }
            | Self::PointsGranted { points, .. }
            | Self::OccasionGiven(Given { points, .. })
            | Self::PointsOpened { points, .. }
            | Self::PointsRestored { points }
            | Self::Tier(TierChange::Points { points, .. }) => Ok(*points),

            Self::PointsAmended { earned, reversed, .. } => earned.minus(*reversed),
            Self::PointsExpired { points, .. }
            | Self::DebtOpened { points }
            | Self::PointsSpent { points }
            | Self::PointsReversed { points, .. }
            | Self::PointsDeducted { points, .. } => Points::ZERO.minus(*points),
            _ => Ok(Points::ZERO),
        }
    }
}
