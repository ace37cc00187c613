//! Holds end. They are filed nowhere: whatever comes next finds them over, and writes that down.

use super::Kind;
use crate::account::Account;
use crate::forecast::Forecast;
use crate::hold::Hold;
use crate::ledger::{Change, HoldChange};
use crate::money::Overflow;
use crate::schedule::Schedule;
use crate::time::Instant;

pub(super) struct Holds;

impl Kind for Holds {
    fn next(&self, _: &Account, _: &Schedule) -> Option<Instant> {
        None
    }

    fn settle(&self, account: &mut Account, _: &Schedule, now: Instant) -> Result<Vec<Change>, Overflow> {
        let ended = account.holds.extract_if(.., |hold| hold.until <= now);
        let change = |Hold { entry, until, points, .. }| {
            Change::Hold(HoldChange::Ended { hold: entry, points, ended_at: until })
        };
        Ok(ended.map(change).collect())
    }

    fn foresee(&self, _: &Change, _: &mut Forecast) -> Result<(), Overflow> {
        Ok(())
    }
}
