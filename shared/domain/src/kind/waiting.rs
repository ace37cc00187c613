//! Points that wait for a day become available.

use super::Kind;
use crate::account::Account;
use crate::forecast::Forecast;
use crate::ledger::{Change, PointsChange};
use crate::money::Overflow;
use crate::schedule::Schedule;
use crate::time::Instant;

pub(super) struct Waiting;

impl Kind for Waiting {
    fn next(&self, account: &Account, _: &Schedule) -> Option<Instant> {
        account.holdings.pending().first().map(|wait| wait.available_at)
    }

    fn settle(&self, account: &mut Account, _: &Schedule, now: Instant) -> Result<Vec<Change>, Overflow> {
        let moved = account.holdings.mature(now)?.into_iter();
        Ok(moved
            .map(|wait| {
                Change::Points(PointsChange::Available { points: wait.points, available_at: wait.available_at })
            })
            .collect())
    }

    fn foresee(&self, change: &Change, forecast: &mut Forecast) -> Result<(), Overflow> {
        match change {
            Change::Points(PointsChange::Available { points, .. }) => forecast.points_available.add(*points),
            _ => Ok(()),
        }
    }
}
