//! A tier is reviewed, or reached by the length of membership.

use super::{Kind, Warns};
use crate::account::Account;
use crate::forecast::Forecast;
use crate::id::ContactId;
use crate::invitation;
use crate::ledger::{Change, PointsChange, TierChange};
use crate::money::{Measure, Overflow};
use crate::qualification::Measured;
use crate::review;
use crate::schedule::Schedule;
use crate::tier::{entry, seniority};
use crate::time::Instant;
use crate::warning::{Occasion, Subject, Walk, WarningRules};

pub(super) struct Tier;

impl Kind for Tier {
    fn next(&self, account: &Account, schedule: &Schedule) -> Option<Instant> {
        let reviewed_at = review::next(account, schedule).map(|review| review.at);
        let ends_at = account.invitation.as_ref().map(|invitation| invitation.until).filter(|until| !until.is_never());
        reviewed_at.into_iter().chain(seniority::next(account, schedule)).chain(ends_at).min()
    }

    fn settle(&self, account: &mut Account, schedule: &Schedule, now: Instant) -> Result<Vec<Change>, Overflow> {
        let mut changes: Vec<Change> = Vec::new();
        while let Some(at) = self.next(account, schedule).filter(|at| *at <= now) {
            let before = account.tier.clone();
            let Some(change) = happens(account, schedule, at)? else { break };
            // Of several reviews in a row that kept the tier, the last says it all.
            changes.pop_if(|last| {
                matches!(
                    (last, &change),
                    (Change::Tier(TierChange::Kept { .. }), Change::Tier(TierChange::Kept { .. }))
                )
            });
            changes.push(change);
            changes.extend(entry::give_in_time(account, &schedule.at(at).program, &before, at)?);
        }
        Ok(changes)
    }

    fn foresee(&self, change: &Change, forecast: &mut Forecast) -> Result<(), Overflow> {
        let count = match change {
            Change::Tier(TierChange::Kept { .. }) => &mut forecast.tiers_kept,
            Change::Tier(TierChange::Lowered { .. }) => &mut forecast.tiers_lowered,
            Change::Tier(TierChange::Changed { .. }) => &mut forecast.tiers_raised,
            Change::Tier(TierChange::InvitationEnded { .. }) => &mut forecast.invitations_ended,
            Change::Points(PointsChange::ForTier { points, .. }) => return forecast.tier_points.add(*points),
            Change::Tier(TierChange::AtRisk { missing, .. }) => {
                // Of what another version counts otherwise there is no sum.
                let before = forecast.tier_at_risk_missing.filter(|sum| sum.is_like(*missing));
                let before = before.map_or(Measure::ZERO, Measured::amount);
                forecast.tier_at_risk_missing = Some(missing.with(before.plus(missing.amount())?));
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

/// What falls due at an instant: the end of an invitation, a review, or a month of membership that leads to a tier.
fn happens(account: &mut Account, schedule: &Schedule, at: Instant) -> Result<Option<Change>, Overflow> {
    if account.invitation.is_some() {
        return invitation::end(account, schedule, at, None);
    }
    match review::next(account, schedule).filter(|review| review.at == at) {
        Some(review) => review::review(account, schedule, review).map(Some),
        None => seniority::rise(account, schedule, at),
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
        let missing = review::missing(account, schedule, next)?.filter(|missing| missing.amount() > Measure::ZERO);
        let occasion = missing.map(|missing| Occasion {
            ends_at: next.at,
            told_days: account.told_days(Subject::Tier, next.at),
            warning: Change::Tier(TierChange::AtRisk {
                tier: account.tier.clone(),
                review_at: next.at,
                missing,
                contact_id: contact.cloned(),
            }),
        });
        Ok(occasion.into_iter().collect())
    }

    fn note(&self, account: &mut Account, occasion: &Occasion, days: u16) {
        account.tell(Subject::Tier, occasion.ends_at, days);
    }
}
