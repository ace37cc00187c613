//! Which tier an account has reached.

use crate::account::Account;
use crate::ledger::Change;
use crate::money::{Currency, Minor, Money, Overflow};
use crate::program::{Program, Tier, Tiers};
use crate::time::{Instant, Month};

/// The highest tier whose threshold the qualifying spend reaches (at or above).
pub fn reached(tiers: &Tiers, qualifying: Minor) -> &Tier {
    tiers.levels.iter().rev().find(|tier| tier.threshold <= qualifying).unwrap_or(&tiers.levels.lowest)
}

/// The next tier above the one held, and the spend that is missing.
pub fn next<'a>(tiers: &'a Tiers, held: &Tier, qualifying: Minor) -> Result<Option<(&'a Tier, Minor)>, Overflow> {
    let Some(next) = tiers.levels.iter().nth(tiers.place(&held.id).saturating_add(1)) else { return Ok(None) };
    Ok(Some((next, next.threshold.minus(qualifying)?.max(Minor::ZERO))))
}

/// Eligible spend in the program's tier window that ends with a month.
pub fn qualifying_spend(program: &Program, account: &Account, month: Month) -> Result<Minor, Overflow> {
    account.activity.eligible_in(&program.tiers.window(month))
}

/// The most eligible spend in a window that ends with `month` or with a later month of the account: what an order of
/// that month leads to, in whatever sequence orders come. Windows that ended before the latest review were judged by it:
/// a late order does not bring a tier back that was lost there. `came_back` is what was returned of that order, which
/// lowers no tier.
pub(crate) fn highest_spend(
    program: &Program,
    account: &Account,
    month: Month,
    came_back: Minor,
) -> Result<Minor, Overflow> {
    let reviewed = account.reviewed.map(|review| program.calendar.month(review.at.plus_ms(-1)));
    let first = reviewed.map_or(month, |reviewed| reviewed.max(month));
    let later = account.activity.months().iter().map(|kept| kept.month).filter(|kept| *kept > first);
    let mut highest = Minor::ZERO;
    for window in std::iter::once(first).chain(later).map(|last| program.tiers.window(last)) {
        let spend = account.activity.eligible_in(&window)?;
        let spend = if window.contains(&month) { spend.plus(came_back)? } else { spend };
        highest = highest.max(spend);
    }
    Ok(highest)
}

/// Raises the account's tier to what it has reached; an order never lowers one.
pub(crate) fn raise(
    account: &mut Account,
    tiers: &Tiers,
    qualifying: Minor,
    currency: Currency,
    now: Instant,
) -> Option<Change> {
    let target = reached(tiers, qualifying);
    if !tiers.knows(&account.tier) || tiers.place(&target.id) <= tiers.place(&account.tier) {
        return None;
    }
    let from = account.tier.clone();
    account.hold_tier(target.id.clone(), now);
    account.lifetime.upgrades = account.lifetime.upgrades.saturating_add(1);
    Some(Change::TierChanged { from, to: target.id.clone(), qualifying: Money { amount: qualifying, currency } })
}
