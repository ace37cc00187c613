//! What a commit changes, each change a fact of its own.
//!
//! A change says what is different on the account from then on, in numbers and ids that no later reading has to work
//! out: history, audit and integrators read it as it stands, under whatever program is in force by then. What one
//! commit does in several respects is several changes, in the order they happened: an order that is scored, the points
//! it earned, the tier it led to, the discount it brought.
//!
//! They are grouped by what they are about, a file each. Stored and told, a change is one flat object all the same: its
//! `type` is that of the one fact, and no group has a name there.

mod account;
mod discount;
mod hold;
mod membership;
mod order;
mod perk;
mod points;
mod referral;
mod reward;
mod tier;

use crate::money::{Overflow, Points};
use crate::occasions::Given;
use serde::{Deserialize, Serialize};

pub use account::AccountChange;
pub use discount::DiscountChange;
pub use hold::HoldChange;
pub use membership::MembershipChange;
pub use order::OrderChange;
pub use perk::PerkChange;
pub use points::PointsChange;
pub use referral::ReferralChange;
pub use reward::RewardChange;
pub use tier::TierChange;

/// One thing that a commit changed. No personal data: people and addresses are looked up where they are needed.
///
/// A stored one is tried group after group: those that most commits have stand first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum Change {
    /// Something was given on an occasion: points, a discount, or both; the discount is a change of its own.
    #[serde(rename = "occasion.given")]
    OccasionGiven(Given),
    /// An order, or goods that came back.
    #[serde(untagged)]
    Order(OrderChange),
    /// The points.
    #[serde(untagged)]
    Points(PointsChange),
    /// A discount.
    #[serde(untagged)]
    Discount(DiscountChange),
    /// What is held for a cart.
    #[serde(untagged)]
    Hold(HoldChange),
    /// The tier.
    #[serde(untagged)]
    Tier(TierChange),
    /// The account itself.
    #[serde(untagged)]
    Account(AccountChange),
    /// The uses of a perk.
    #[serde(untagged)]
    Perk(PerkChange),
    /// A redemption of a reward.
    #[serde(untagged)]
    Reward(RewardChange),
    /// A referral.
    #[serde(untagged)]
    Referral(ReferralChange),
    /// The membership.
    #[serde(untagged)]
    Membership(MembershipChange),
}

impl Change {
    /// By how much it changes the account's points.
    pub fn points(&self) -> Result<Points, Overflow> {
        match self {
            Self::Points(change) => change.amount(),
            Self::OccasionGiven(Given { points, .. }) => Ok(*points),
            _ => Ok(Points::ZERO),
        }
    }

    /// The points that come into being by it: earned, given, taken over. What is given back was there before, and where
    /// an order is changed to earn less nothing comes into being.
    pub fn issued(&self) -> Points {
        match self {
            Self::OccasionGiven(Given { points, .. })
            | Self::Points(
                PointsChange::Opened { points, .. }
                | PointsChange::Earned { points, .. }
                | PointsChange::Credited { points, .. }
                | PointsChange::Granted { points, .. }
                | PointsChange::ForTier { points, .. },
            ) => *points,
            Self::Points(PointsChange::Amended { earned, .. }) => Points::ZERO.max(*earned),
            _ => Points::ZERO,
        }
    }
}

#[cfg(test)]
mod tests;
