//! What time alone has made true. Runs first in every decision and every read, so that no answer waits for a sweep.

use crate::account::Account;
use crate::kind::KINDS;
use crate::ledger::Change;
use crate::money::Overflow;
use crate::schedule::Schedule;
use crate::tier::entry;
use crate::time::Instant;

/// The account as it is at `now`, and what changed since its last commit: points that became available, lots and
/// discounts past their end, tier reviews that have passed, each under the version of the program in force then.
pub fn advance(schedule: &Schedule, account: &Account, now: Instant) -> Result<(Account, Vec<Change>), Overflow> {
    let mut account = account.clone();
    let changes = settle(schedule, &mut account, now)?;
    Ok((account, changes))
}

/// Brings `account` to `now` in place; what [`advance`] does to a copy.
pub(crate) fn settle(schedule: &Schedule, account: &mut Account, now: Instant) -> Result<Vec<Change>, Overflow> {
    let (mut changes, mut passed) = (Vec::new(), None);
    // Points that a tier brings are there for whatever falls due after it was entered.
    while let Some(at) = entry::next(account, schedule).filter(|at| *at < now && passed.is_none_or(|last| last < *at)) {
        settle_until(schedule, account, at, &mut changes)?;
        passed = Some(at);
    }
    settle_until(schedule, account, now, &mut changes)?;
    Ok(changes)
}

fn settle_until(
    schedule: &Schedule,
    account: &mut Account,
    now: Instant,
    changes: &mut Vec<Change>,
) -> Result<(), Overflow> {
    for kind in KINDS {
        changes.extend(kind.settle(account, schedule, now)?);
    }
    Ok(())
}

/// The earliest instant at which time alone changes anything about it.
pub(crate) fn next(schedule: &Schedule, account: &Account) -> Option<Instant> {
    KINDS.iter().filter_map(|kind| kind.next(account, schedule)).min()
}

/// The latest instant up to `now` at which anything about it has changed: its last commit, or what fell due since.
pub(crate) fn changed_at(schedule: &Schedule, account: &Account, now: Instant) -> Result<Instant, Overflow> {
    let (mut account, mut changed_at) = (account.clone(), account.last_decided);
    while let Some(at) = next(schedule, &account).filter(|at| *at <= now) {
        settle(schedule, &mut account, at)?;
        changed_at = changed_at.max(at);
    }
    Ok(changed_at)
}
