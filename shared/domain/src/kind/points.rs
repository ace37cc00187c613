//! Points end.

use super::{Kind, Warns};
use crate::account::Account;
use crate::forecast::Forecast;
use crate::id::ContactId;
use crate::ledger::{Change, PointsChange};
use crate::lots::Lot;
use crate::money::Overflow;
use crate::schedule::Schedule;
use crate::time::Instant;
use crate::warning::{Occasion, Subject, Walk, WarningRules};

pub(super) struct Points;

impl Kind for Points {
    fn next(&self, account: &Account, _: &Schedule) -> Option<Instant> {
        account.holdings.lots().first().map(|lot| lot.expires_at).filter(|end| !end.is_never())
    }

    fn settle(&self, account: &mut Account, _: &Schedule, now: Instant) -> Result<Vec<Change>, Overflow> {
        let ended = account.holdings.lapse(now);
        for lot in &ended {
            account.lifetime.expired = account.lifetime.expired.plus(lot.points)?;
        }
        let change =
            |lot: Lot| Change::Points(PointsChange::Expired { points: lot.points, expired_at: lot.expires_at });
        Ok(ended.into_iter().map(change).collect())
    }

    fn foresee(&self, change: &Change, forecast: &mut Forecast) -> Result<(), Overflow> {
        match change {
            Change::Points(PointsChange::Expired { points, .. }) => forecast.points_expired.add(*points),
            Change::Points(PointsChange::Expiring { points, .. }) => forecast.points_expiring_warnings.add(*points),
            _ => Ok(()),
        }
    }

    fn warns(&self) -> Option<&dyn Warns> {
        Some(self)
    }
}

impl Warns for Points {
    fn walk(&self) -> Walk {
        Walk::Expiry
    }

    fn days<'a>(&self, rules: &'a WarningRules) -> &'a [u16] {
        &rules.points_expiring_days
    }

    fn occasions(
        &self,
        account: &Account,
        _: &Schedule,
        contact: Option<&ContactId>,
        _: Instant,
    ) -> Result<Vec<Occasion>, Overflow> {
        let occasion = |&Lot { points, expires_at, inactivity_months }: &Lot| Occasion {
            ends_at: expires_at,
            told_days: account.told_days(Subject::Points, expires_at),
            warning: Change::Points(PointsChange::Expiring {
                points,
                expires_at,
                if_inactive: inactivity_months.is_some(),
                contact_id: contact.cloned(),
            }),
        };
        let ending = account.holdings.lots().iter().filter(|lot| !lot.expires_at.is_never());
        Ok(ending.map(occasion).collect())
    }

    fn note(&self, account: &mut Account, occasion: &Occasion, days: u16) {
        account.tell(Subject::Points, occasion.ends_at, days);
    }
}
