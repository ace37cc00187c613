//! What is tracked of a code, or of the whole program: counted from the redemptions as they are stored.

use super::redemption::{Given, Redemption, State};
use crate::money::{Minor, Overflow, Points};
use crate::time::Instant;
use serde::Serialize;

/// Redemptions counted. Adding up is all there is to it, so parts can be counted apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
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
    /// What is kept of the orders that qualified, in minor units.
    #[serde(skip)]
    pub revenue: Minor,
    /// What they cost.
    pub cost: Cost,
}

/// What referrals cost, to both sides: what was given less what was taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
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
        one(&mut self.redeemed);
        match redemption.state(now) {
            State::Redeemed | State::Qualified => {}
            State::Rewarded => one(&mut self.rewarded),
            State::Rejected => one(&mut self.rejected),
            State::Expired => one(&mut self.expired),
            State::Revoked => one(&mut self.revoked),
        }
        if redemption.is_under_review() {
            one(&mut self.under_review);
        }
        if let Some(qualified) = &redemption.qualified {
            one(&mut self.qualified);
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
        let sum = |one: u64, other: u64| one.saturating_add(other);
        Ok(Self {
            redeemed: sum(self.redeemed, other.redeemed),
            under_review: sum(self.under_review, other.under_review),
            qualified: sum(self.qualified, other.qualified),
            rewarded: sum(self.rewarded, other.rewarded),
            rejected: sum(self.rejected, other.rejected),
            expired: sum(self.expired, other.expired),
            revoked: sum(self.revoked, other.revoked),
            revenue: self.revenue.plus(other.revenue)?,
            cost: Cost {
                points: self.cost.points.plus(other.cost.points)?,
                discounts: sum(self.cost.discounts, other.cost.discounts),
            },
        })
    }
}
