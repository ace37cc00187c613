//! A redemption that no order qualifies in time comes to nothing.

use super::Kind;
use crate::account::Account;
use crate::forecast::Forecast;
use crate::ledger::{Change, ReferralChange};
use crate::money::Overflow;
use crate::referral::{Referral, Stage};
use crate::schedule::Schedule;
use crate::time::Instant;

pub(super) struct Referrals;

impl Kind for Referrals {
    fn next(&self, account: &Account, _: &Schedule) -> Option<Instant> {
        match account.referral {
            Some(Referral { stage: Stage::Open { until }, .. }) => Some(until),
            _ => None,
        }
    }

    fn settle(&self, account: &mut Account, schedule: &Schedule, now: Instant) -> Result<Vec<Change>, Overflow> {
        let Some(until) = self.next(account, schedule).filter(|until| *until <= now) else { return Ok(Vec::new()) };
        let Some(referral) = &mut account.referral else { return Ok(Vec::new()) };
        (referral.stage, referral.redeemed_at) = (Stage::Over, None);
        Ok(vec![Change::Referral(ReferralChange::Expired { redemption: referral.key.clone(), expired_at: until })])
    }

    fn foresee(&self, change: &Change, forecast: &mut Forecast) -> Result<(), Overflow> {
        if matches!(change, Change::Referral(ReferralChange::Expired { .. })) {
            forecast.referrals_expired = forecast.referrals_expired.saturating_add(1);
        }
        Ok(())
    }
}
