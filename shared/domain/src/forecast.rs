//! What will fall due: the sum over accounts, for who plans ahead.

use crate::account::Account;
use crate::advance;
use crate::ledger::Change;
use crate::money::{Minor, Overflow, Points};
use crate::schedule::Schedule;
use crate::time::Instant;
use crate::warning::{self, Walk};
use serde::Serialize;

/// What falls due on accounts until an instant and is not written down yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Accounts on which anything does.
    pub accounts: u64,
    /// Discounts that end.
    pub discounts_expired: u64,
    /// Points that become available.
    pub points_available: Amount,
    /// Points that end.
    pub points_expired: Amount,
    /// Reviews that keep a tier, by what was spent until now.
    pub tiers_kept: u64,
    /// Reviews that lower one.
    pub tiers_lowered: u64,
    /// Warnings that a discount will end.
    pub discount_expiring_warnings: u64,
    /// Warnings that points will end.
    pub points_expiring_warnings: Amount,
    /// Warnings that a tier will be lost.
    pub tier_at_risk_warnings: u64,
    /// What the accounts so warned have to spend to keep their tiers, in minor units of the program's currency.
    pub tier_at_risk_missing: Minor,
}

/// Points, and in how many portions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// Portions: lots, days or warnings.
    pub count: u64,
    /// Points in all of them.
    pub points: Points,
}

impl Amount {
    fn add(&mut self, times: u64, points: Points) -> Result<(), Overflow> {
        self.count = self.count.saturating_add(times);
        self.points = self.points.plus(points)?;
        Ok(())
    }
}

impl Forecast {
    /// Adds what falls due on an account until `until`, as things stand at `now`.
    pub fn add(
        &mut self,
        account: &Account,
        schedule: &Schedule,
        now: Instant,
        until: Instant,
    ) -> Result<(), Overflow> {
        let before = self.clone();
        for change in advance::advance(schedule, account, until)?.1 {
            self.count(1, &change)?;
        }
        let now = now.min(until);
        let (current, _) = advance::advance(schedule, account, now)?;
        for walk in Walk::ALL {
            for (times, change) in warning::upcoming(&current, schedule, walk, now, until)? {
                self.count(times, &change)?;
            }
        }
        self.accounts = self.accounts.saturating_add(u64::from(*self != before));
        Ok(())
    }

    fn count(&mut self, times: u64, change: &Change) -> Result<(), Overflow> {
        let count = match change {
            Change::PointsAvailable { points, .. } => return self.points_available.add(times, *points),
            Change::PointsExpired { points, .. } => return self.points_expired.add(times, *points),
            Change::PointsExpiring { points, .. } => return self.points_expiring_warnings.add(times, *points),
            Change::DiscountExpired { .. } => &mut self.discounts_expired,
            Change::DiscountExpiring { .. } => &mut self.discount_expiring_warnings,
            Change::TierKept { .. } => &mut self.tiers_kept,
            Change::TierLowered { .. } => &mut self.tiers_lowered,
            Change::TierAtRisk { missing, .. } => {
                self.tier_at_risk_missing = self.tier_at_risk_missing.plus(missing.amount)?;
                &mut self.tier_at_risk_warnings
            }
            _ => return Ok(()),
        };
        *count = count.saturating_add(times);
        Ok(())
    }
}
