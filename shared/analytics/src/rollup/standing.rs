//! How accounts stand at the end of a night.

use super::sums::sums;
use crate::distribution::Distribution;
use crate::histogram::Overflow;
use domain::account::{Account, Status};
use domain::money::Points;
use domain::referral::Stage;
use domain::time::{Calendar, Instant, Month};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

sums! {
    /// Totals over accounts as they stand. Points in whole points, money in minor units.
    pub struct Totals {
        /// Accounts.
        pub accounts: u64,
        /// Those that take part.
        pub active: u64,
        /// Those that are suspended.
        pub suspended: u64,
        /// Those that have left.
        pub closed: u64,
        /// Those that wait to be let in.
        pub pending: u64,
        /// Those that ever ordered.
        pub customers: u64,
        /// Points that can be spent.
        pub points_available: i128,
        /// Points that wait.
        pub points_waiting: i128,
        /// Points owed.
        pub points_owed: i128,
        /// Points that orders earned, ever.
        pub points_earned: i128,
        /// Points given by hand or for referrals, ever.
        pub points_credited: i128,
        /// Points expired, ever.
        pub points_expired: i128,
        /// Points reversed, ever: taken back, or owed.
        pub points_reversed: i128,
        /// Points taken by hand or for referrals, ever.
        pub points_deducted: i128,
        /// Points spent on rewards, ever.
        #[serde(default)]
        pub points_spent: i128,
        /// Points of these that were given back.
        #[serde(default)]
        pub points_restored: i128,
        /// Points that were gone before the accounts were opened here.
        pub points_gone_before: i128,
        /// Points that a reversal could not take back and the program wrote off.
        pub points_unrecovered: i128,
        /// Times a tier was raised.
        pub tier_upgrades: u64,
        /// Times a tier was lowered.
        pub tier_downgrades: u64,
        /// Discounts issued.
        pub discounts_issued: u64,
        /// Discounts used.
        pub discounts_used: u64,
        /// What used discounts took off.
        pub discount_value: i128,
        /// Discounts that can be used.
        pub discounts_open: u64,
        /// Accounts that were issued a referral code.
        pub referrers: u64,
        /// Accounts that came by one.
        pub referred: u64,
        /// Of these, those whose redemption somebody has to look at.
        pub referred_under_review: u64,
        /// Of these, those without a qualifying order as yet.
        pub referred_open: u64,
        /// Of these, those whose order is within its return window.
        pub referred_qualified: u64,
        /// Of these, those for whom the referrer was rewarded.
        pub referred_rewarded: u64,
        /// Of these, those of whom nothing comes any more.
        pub referred_over: u64,
    }
}

impl Totals {
    /// Points that are owned, less those owed.
    pub fn points_outstanding(&self) -> i128 {
        self.points_available.saturating_add(self.points_waiting).saturating_sub(self.points_owed)
    }

    /// Points that ever came to be: earned and given.
    pub fn points_issued(&self) -> i128 {
        self.points_earned.saturating_add(self.points_credited)
    }

    /// Points that bought something: spent on rewards less those given back, and taken by hand.
    pub fn points_redeemed(&self) -> i128 {
        self.points_spent.saturating_sub(self.points_restored).saturating_add(self.points_deducted)
    }

    /// By how much the books are off: issued + restored − (outstanding + spent + expired + reversed + deducted + gone
    /// before). Zero where they balance.
    pub fn imbalance(&self) -> i128 {
        let gone = [self.points_expired, self.points_reversed, self.points_redeemed(), self.points_gone_before];
        gone.into_iter().fold(self.points_issued().saturating_sub(self.points_outstanding()), i128::saturating_sub)
    }

    /// One account as it stands.
    pub(super) fn of(account: &Account) -> Result<Self, Overflow> {
        let wide = |points: Points| i128::from(points.0);
        let (life, holdings, is) = (&account.lifetime, &account.holdings, |status| u64::from(account.status == status));
        let stage = account.referral.as_ref().map(|referral| referral.stage);
        let at = |is: fn(&Stage) -> bool| u64::from(stage.as_ref().is_some_and(is));
        Ok(Self {
            accounts: 1,
            active: is(Status::Active),
            suspended: is(Status::Suspended),
            closed: u64::from(account.status.has_left()),
            pending: is(Status::Pending),
            customers: (life.orders > 0).into(),
            points_available: wide(holdings.available()?),
            points_waiting: wide(holdings.waiting()?),
            points_owed: wide(holdings.debt()),
            points_earned: wide(life.earned),
            points_credited: wide(life.credited),
            points_expired: wide(life.expired),
            points_reversed: wide(life.reversed),
            points_deducted: wide(life.deducted),
            points_spent: wide(account.spending.spent()),
            points_restored: wide(account.spending.restored()),
            points_gone_before: wide(life.gone_before),
            points_unrecovered: wide(life.unrecovered),
            tier_upgrades: life.upgrades,
            tier_downgrades: life.downgrades,
            discounts_issued: life.discounts_issued,
            discounts_used: life.discounts_used,
            discount_value: life.discount_value.0.into(),
            discounts_open: u64::try_from(account.discounts.len()).unwrap_or(u64::MAX),
            referrers: account.has_referral_code.into(),
            referred: at(|_| true),
            referred_under_review: at(|stage| matches!(stage, Stage::UnderReview)),
            referred_open: at(|stage| matches!(stage, Stage::Open { .. })),
            referred_qualified: at(|stage| matches!(stage, Stage::Qualified { .. })),
            referred_rewarded: at(|stage| matches!(stage, Stage::Rewarded)),
            referred_over: at(|stage| matches!(stage, Stage::Returned { .. } | Stage::Over)),
        })
    }
}

/// How the accounts of one group stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Totals over them.
    pub totals: Totals,
    /// Points outstanding by the month at whose end, or in which, they expire as things stand; what is owed, never ends,
    /// or waits for the payment of its order is in none.
    pub expiring: BTreeMap<Month, i128>,
    /// What each customer's relationship has brought so far, in minor units.
    pub lifetime_revenue: Distribution,
}

impl Standing {
    /// Adds an account.
    pub(super) fn record(&mut self, account: &Account, totals: &Totals, calendar: &Calendar) -> Result<(), Overflow> {
        self.totals.add(totals)?;
        let lots = account.holdings.lots().iter().map(|lot| (lot.expires_at, lot.points));
        let waiting = account.holdings.pending().iter().map(|wait| (wait.expires_at, wait.points));
        for (expires_at, points) in lots.chain(waiting).filter(|(end, _)| !end.is_never()) {
            self.expire(last_month(calendar, expires_at), points.0.into())?;
        }
        if totals.customers > 0 {
            self.lifetime_revenue.record(account.lifetime.revenue.0)?;
        }
        Ok(())
    }

    fn expire(&mut self, month: Month, points: i128) -> Result<(), Overflow> {
        let sum = self.expiring.entry(month).or_default();
        *sum = sum.checked_add(points).ok_or(Overflow)?;
        Ok(())
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.totals.add(&other.totals)?;
        other.expiring.iter().try_for_each(|(month, points)| self.expire(*month, *points))?;
        self.lifetime_revenue.merge(&other.lifetime_revenue)
    }
}

/// The month of the last instant at which points can be spent.
fn last_month(calendar: &Calendar, expires_at: Instant) -> Month {
    calendar.month(expires_at.plus_ms(-1))
}
