//! What time alone has made true. Runs first in every decision and every read, so that no answer waits for a sweep.

use crate::account::Account;
use crate::ledger::Change;
use crate::money::Overflow;
use crate::review;
use crate::schedule::Schedule;
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
    let mut changes = lapse(account, now)?;
    while let Some(review) = review::next(account, schedule).filter(|review| review.at <= now) {
        let reviewed = review::review(account, schedule, review)?;
        // Of several reviews in a row that kept the tier, the last says it all.
        changes.pop_if(|last| matches!((last, &reviewed), (Change::TierKept { .. }, Change::TierKept { .. })));
        changes.push(reviewed);
    }
    Ok(changes)
}

/// Takes points and discounts past their end out of `account`, in place.
pub(crate) fn lapse(account: &mut Account, now: Instant) -> Result<Vec<Change>, Overflow> {
    let mut changes = Vec::new();
    for wait in account.holdings.mature(now)? {
        changes.push(Change::PointsAvailable { points: wait.points, available_at: wait.available_at });
    }
    for lot in account.holdings.lapse(now) {
        account.lifetime.expired = account.lifetime.expired.plus(lot.points)?;
        changes.push(Change::PointsExpired { points: lot.points, expired_at: lot.expires_at });
    }
    for ended in account.discounts.extract_if(.., |discount| discount.expires_at <= now) {
        changes.push(Change::DiscountExpired { rule: ended.rule, code: ended.code, expired_at: ended.expires_at });
    }
    Ok(changes)
}
