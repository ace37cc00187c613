//! Tier reviews: whether an account keeps the tier it holds, at dates that follow from when it reached it.
//!
//! A tier is held until the end of a month that the program names, then for a grace period, and is reviewed at its end.
//! Where it is kept, the next hold follows on the one before, not on its grace: reviews do not drift.
//! Nothing of this waits for a sweep: [`crate::advance`] reviews whatever has come due.

use crate::account::Account;
use crate::ledger::Change;
use crate::money::{Minor, Money, Overflow};
use crate::program::{Program, Tier, Tiers};
use crate::schedule::{Activation, Schedule};
use crate::tier;
use crate::time::{Instant, Month};

/// How tiers are reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewRules {
    /// A tier is held to the end of the month this many months after the one it was reached in, and, once kept, as many
    /// months more. 1 to 60.
    pub hold_months: u16,
    /// Days after that in which spend still counts. 0 to 180.
    pub grace_days: u16,
    /// What becomes of a tier that was not earned again.
    pub downgrade: Downgrade,
}

/// What becomes of a tier that was not earned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downgrade {
    /// The account falls by one tier.
    OneStep,
    /// It falls to what it has earned.
    ToEarned,
}

/// A review of a tier to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Review {
    /// Its instant: the first one after hold and grace.
    pub at: Instant,
    /// Spend counts in the windows that end with a month from here, the last one of the hold,
    first: Month,
    /// to here, the last one of the grace.
    last: Month,
}

/// A review of a tier that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reviewed {
    /// Its instant.
    pub at: Instant,
    /// The last month of the hold that it ended: the next hold follows on it, so that no month falls between two
    /// reviews. `None`: it ended none, and a hold starts with its own month.
    pub held_through: Option<Month>,
}

impl Reviewed {
    /// As if it had been reviewed at `now`, and kept: for a tier whose review would lie in the past, where it was not
    /// held.
    pub(crate) fn afresh(now: Instant) -> Self {
        Self { at: now, held_through: None }
    }
}

/// When the tier of an account is reviewed next; `None`: never, as the program stands.
///
/// The version in force when the tier was reached, or last kept, sets the date, so that a later one does not move it.
/// Where that version has no review, the first later one that has lets the tier be held anew from its own start.
pub fn next(account: &Account, schedule: &Schedule) -> Option<Review> {
    let kept = account.reviewed.filter(|review| review.at > account.tier_since);
    let anchor = kept.unwrap_or(Reviewed::afresh(account.tier_since));
    let held_anew = |version: &Activation| planned(&version.program, account, Reviewed::afresh(version.from));
    let later = || schedule.after(anchor.at).find_map(held_anew);
    planned(&schedule.at(anchor.at).program, account, anchor).or_else(later)
}

/// The review of a tier that is held from `anchor` on.
fn planned(program: &Program, account: &Account, anchor: Reviewed) -> Option<Review> {
    let rules = program.tiers.review.filter(|_| program.tiers.place(&account.tier) > 0)?;
    let (calendar, hold) = (&program.calendar, i32::from(rules.hold_months));
    let month = calendar.month(anchor.at);
    // A hold may be shorter than the grace before it: it does not end before that.
    let first = anchor.held_through.map_or(month.plus(hold), |through| through.plus(hold).max(month));
    let at = calendar.start_of_day_after(calendar.month_start(first.plus(1)), rules.grace_days);
    let review = Review { at, first, last: calendar.month(at.plus_ms(-1)) };
    // At the end of time a month has no successor: nothing is reviewed twice at one instant.
    Some(review).filter(|review| review.at > anchor.at)
}

/// The most that an account has spent in a window that counts for a review.
pub fn qualifying(account: &Account, program: &Program, review: Review) -> Result<Minor, Overflow> {
    let mut most = tier::qualifying_spend(program, account, review.first)?;
    let mut month = review.first;
    while month < review.last {
        month = month.plus(1);
        most = most.max(tier::qualifying_spend(program, account, month)?);
    }
    Ok(most)
}

/// Eligible spend that is missing to keep the tier at a review, as the versions stand; `None`: the review lowers none.
pub fn missing(account: &Account, schedule: &Schedule, review: Review) -> Result<Option<Money>, Overflow> {
    let program = &*schedule.at(review.at).program;
    if program.tiers.review.is_none() {
        return Ok(None);
    }
    let spend = qualifying(account, program, review)?;
    let missing = program.tiers.get(&account.tier).threshold.minus(spend)?.max(Minor::ZERO);
    Ok(Some(Money { amount: missing, currency: program.currency }))
}

/// Carries out the review that [`next`] named, under the version in force at its instant.
pub(crate) fn review(account: &mut Account, schedule: &Schedule, review: Review) -> Result<Change, Overflow> {
    let at = review.at;
    let program = &*schedule.at(at).program;
    let spend = qualifying(account, program, review)?;
    let qualifying = Money { amount: spend, currency: program.currency };
    let held = account.tier.clone();
    match program.tiers.review.and_then(|rules| falls_to(&program.tiers, account, spend, rules.downgrade)) {
        None => {
            account.reviewed = Some(Reviewed { at, held_through: Some(review.first) });
            Ok(Change::TierKept { tier: held, qualifying, reviewed_at: at })
        }
        Some(lower) => {
            account.hold_tier(lower.id.clone(), at);
            account.lifetime.downgrades = account.lifetime.downgrades.saturating_add(1);
            account.reviewed = Some(Reviewed::afresh(at));
            Ok(Change::TierLowered { from: held, to: lower.id.clone(), qualifying, reviewed_at: at })
        }
    }
}

/// The lower tier that an account falls to with this spend; `None`: it keeps its own.
fn falls_to<'a>(tiers: &'a Tiers, account: &Account, spend: Minor, downgrade: Downgrade) -> Option<&'a Tier> {
    let held = tiers.place(&account.tier);
    let earned = tiers.place(&tier::reached(tiers, spend).id);
    let lower = match downgrade {
        Downgrade::OneStep => held.saturating_sub(1),
        Downgrade::ToEarned => earned,
    };
    tiers.levels.iter().nth(lower).filter(|_| earned < held)
}

#[cfg(test)]
mod tests;
