//! What is tracked of a code, or of the whole program: counted from the redemptions as they are stored.

use super::redemption::{Given, Redemption, State};
use crate::money::{Minor, Overflow, Points};
use crate::time::Instant;
use serde::Serialize;

/// Redemptions counted. Adding up is all there is to it, so parts can be counted apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
    /// What is kept of the orders that qualified, in minor units.
    #[serde(skip)]
    pub revenue: Minor,
    /// What they cost.
    pub cost: Cost,
}

/// How many redemptions there are, and how far they have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// All redemptions, whatever became of them.
    pub redeemed: u64,
    /// Of them, those that somebody is to look at.
    pub under_review: u64,
    /// Those of which an order has qualified, whatever became of it.
    pub qualified: u64,
    /// Those whose reward stands.
    pub rewarded: u64,
    /// Those that were refused.
    pub rejected: u64,
    /// Those of which no order has qualified in time.
    pub expired: u64,
    /// Those whose order came back, or whose referrer has left.
    pub revoked: u64,
}

/// What referrals cost, to both sides: what was given less what was taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cost {
    /// Points.
    pub points: Points,
    /// Discounts, used or not.
    pub discounts: u64,
}

impl Tally {
    /// Counts a redemption as it stands at `now`.
    pub fn add(&mut self, redemption: &Redemption, now: Instant) -> Result<(), Overflow> {
        let one = |count: &mut u64| *count = count.saturating_add(1);
        one(&mut self.counts.redeemed);
        match redemption.state(now) {
            State::Redeemed | State::Qualified => {}
            State::Rewarded => one(&mut self.counts.rewarded),
            State::Rejected => one(&mut self.counts.rejected),
            State::Expired => one(&mut self.counts.expired),
            State::Revoked => one(&mut self.counts.revoked),
        }
        if redemption.is_under_review() {
            one(&mut self.counts.under_review);
        }
        if let Some(qualified) = &redemption.qualified {
            one(&mut self.counts.qualified);
            self.revenue = self.revenue.plus(qualified.revenue)?;
        }
        let rewarded = redemption.rewarded.as_ref().map(|rewarded| &rewarded.given);
        for Given { points, discount, .. } in redemption.welcome.iter().chain(rewarded) {
            self.cost.points = self.cost.points.plus(*points)?;
            self.cost.discounts = self.cost.discounts.saturating_add(u64::from(discount.is_some()));
        }
        if let Some(back) = &redemption.taken_back {
            self.cost.points = self.cost.points.minus(back.points)?;
            self.cost.discounts = self.cost.discounts.saturating_sub(u64::from(back.discount));
        }
        Ok(())
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Result<Self, Overflow> {
        Ok(Self {
            counts: self.counts.plus(other.counts),
            revenue: self.revenue.plus(other.revenue)?,
            cost: Cost {
                points: self.cost.points.plus(other.cost.points)?,
                discounts: self.cost.discounts.saturating_add(other.cost.discounts),
            },
        })
    }
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            redeemed: self.redeemed.saturating_add(other.redeemed),
            under_review: self.under_review.saturating_add(other.under_review),
            qualified: self.qualified.saturating_add(other.qualified),
            rewarded: self.rewarded.saturating_add(other.rewarded),
            rejected: self.rejected.saturating_add(other.rejected),
            expired: self.expired.saturating_add(other.expired),
            revoked: self.revoked.saturating_add(other.revoked),
        }
    }
}
