//! What will fall due: the sum over accounts, for who plans ahead.

use crate::account::Account;
use crate::kind::KINDS;
use crate::money::{Overflow, Points};
use crate::occasions;
use crate::qualification::Measured;
use crate::referral::{self, ErrandTask, Settled};
use crate::schedule::Schedule;
use crate::time::Instant;
use crate::walk;
use crate::warning::Walk;
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
    /// Tiers reached by a review, or by the length of membership.
    pub tiers_raised: u64,
    /// Points that these bring.
    pub tier_points: Amount,
    /// Discounts that they bring, as far as there is room for them.
    pub tier_discounts: u64,
    /// Invitations into a tier that end.
    pub invitations_ended: u64,
    /// Reviews that keep a tier, by what was ordered until now.
    pub tiers_kept: u64,
    /// Reviews that lower one.
    pub tiers_lowered: u64,
    /// Referrals that no order qualifies in time.
    pub referrals_expired: u64,
    /// Rewards for referrals.
    pub referral_rewards: u64,
    /// Rewards for referrals that are taken back.
    pub referral_rewards_taken_back: u64,
    /// Paid memberships that lapse.
    pub memberships_lapsed: u64,
    /// Warnings that one will end.
    pub membership_ending_warnings: u64,
    /// What occasions bring, birthdays apart: those are known from the contacts only.
    pub occasions_given: Amount,
    /// Warnings that a discount will end.
    pub discount_expiring_warnings: u64,
    /// Warnings that points will end.
    pub points_expiring_warnings: Amount,
    /// Warnings that a tier will be lost.
    pub tier_at_risk_warnings: u64,
    /// What is missing to keep the tiers of the accounts so warned, once for each warning; `None`: none is.
    pub tier_at_risk_missing: Option<Measured>,
}

/// Points, and in how many portions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// Portions: lots, days, occasions or warnings.
    pub count: u64,
    /// Points in all of them.
    pub points: Points,
}

impl Amount {
    pub(crate) fn add(&mut self, points: Points) -> Result<(), Overflow> {
        self.count = self.count.saturating_add(1);
        self.points = self.points.plus(points)?;
        Ok(())
    }
}

impl Forecast {
    /// Adds what falls due on an account until `until`, as things stand at `now`, were it walked whenever anything does.
    ///
    /// The account goes from one such instant to the next, so warnings on what has yet to come about, a review after the
    /// next one, and a version to come are counted, too. It comes to an end: points, discounts, leads and tiers to lose
    /// are bounded, and a tier is kept by spend of the past no longer than that is kept.
    pub fn add(
        &mut self,
        account: &Account,
        schedule: &Schedule,
        now: Instant,
        until: Instant,
    ) -> Result<(), Overflow> {
        let mut account = account.clone();
        let (mut at, mut anything) = (Some(now.min(until)), false);
        while let Some(now) = at {
            for walk in Walk::ALL {
                let (passed, changes, warnings) = walk::pass(&account, walk, None, schedule, now)?;
                account = passed;
                for change in changes.iter().chain(&warnings) {
                    anything = true;
                    KINDS.iter().try_for_each(|kind| kind.foresee(change, self))?;
                }
            }
            if let Some(errand) = referral::errand(&account).filter(|errand| errand.due_at <= now) {
                anything = true;
                let (count, settled) = match errand.task {
                    ErrandTask::Reward => (&mut self.referral_rewards, Settled::Rewarded),
                    ErrandTask::TakeBack => (&mut self.referral_rewards_taken_back, Settled::TakenBack),
                };
                *count = count.saturating_add(1);
                referral::conclude(&mut account, settled);
            }
            let owed = u64::try_from(std::mem::take(&mut account.owed).len()).unwrap_or(u64::MAX);
            self.tier_discounts = self.tier_discounts.saturating_add(owed);
            anything |= occasions::foresee(&mut account, schedule, now, self)?;
            at = account.next_change(schedule, now)?.filter(|next| now < *next && *next <= until);
        }
        self.accounts = self.accounts.saturating_add(u64::from(anything));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
