//! A tier is reviewed.

use super::{Kind, Warns};
use crate::account::Account;
use crate::forecast::Forecast;
use crate::id::ContactId;
use crate::ledger::Change;
use crate::money::{Minor, Money, Overflow};
use crate::review;
use crate::schedule::Schedule;
use crate::time::Instant;
use crate::warning::{Occasion, Subject, Walk, WarningRules};

pub(super) struct Tier;

impl Kind for Tier {
    fn next(&self, account: &Account, schedule: &Schedule) -> Option<Instant> {
        review::next(account, schedule).map(|review| review.at)
    }

    fn settle(&self, account: &mut Account, schedule: &Schedule, now: Instant) -> Result<Vec<Change>, Overflow> {
        let mut changes = Vec::new();
        while let Some(review) = review::next(account, schedule).filter(|review| review.at <= now) {
            let reviewed = review::review(account, schedule, review)?;
            // Of several reviews in a row that kept the tier, the last says it all.
            changes.pop_if(|last| matches!((last, &reviewed), (Change::TierKept { .. }, Change::TierKept { .. })));
            changes.push(reviewed);
        }
        Ok(changes)
    }

    fn foresee(&self, change: &Change, forecast: &mut Forecast) -> Result<(), Overflow> {
        let count = match change {
            Change::TierKept { .. } => &mut forecast.tiers_kept,
            Change::TierLowered { .. } => &mut forecast.tiers_lowered,
            Change::TierAtRisk { missing, .. } => {
                let before = forecast.tier_at_risk_missing.map_or(Minor::ZERO, |sum| sum.amount);
                let sum = before.plus(missing.amount)?;
                forecast.tier_at_risk_missing = Some(Money { amount: sum, ..*missing });
                &mut forecast.tier_at_risk_warnings
            }
            _ => return Ok(()),
        };
        *count = count.saturating_add(1);
        Ok(())
    }

    fn warns(&self) -> Option<&dyn Warns> {
        Some(self)
    }
}

impl Warns for Tier {
    fn walk(&self) -> Walk {
        Walk::Review
    }

    fn days<'a>(&self, rules: &'a WarningRules) -> &'a [u16] {
        &rules.tier_at_risk_days
    }

    /// The next review, if the account would lose its tier by what it has spent until now.
    fn occasions(
        &self,
        account: &Account,
        schedule: &Schedule,
        contact: Option<&ContactId>,
        now: Instant,
    ) -> Result<Vec<Occasion>, Overflow> {
        let Some(next) = review::next(account, schedule).filter(|next| next.at > now) else { return Ok(Vec::new()) };
        let missing = review::missing(account, schedule, next)?.filter(|missing| missing.amount > Minor::ZERO);
        let occasion = missing.map(|missing| Occasion {
            ends_at: next.at,
            told_days: account.told_days(Subject::Tier, next.at),
            warning: Change::TierAtRisk {
                tier: account.tier.clone(),
                review_at: next.at,
                missing,
                contact_id: contact.cloned(),
            },
        });
        Ok(occasion.into_iter().collect())
    }

    fn note(&self, account: &mut Account, occasion: &Occasion, days: u16) {
        account.tell(Subject::Tier, occasion.ends_at, days);
    }
}
