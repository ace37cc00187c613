//! Tier reviews: whether an account keeps the tier it holds, at dates that follow from when it reached it.
//!
//! A tier is held until the end of a month that the program names, then for a grace period, and is reviewed at its end.
//! Nothing of this waits for a sweep: [`crate::advance`] reviews whatever has come due.

use crate::account::Account;
use crate::ledger::Change;
use crate::money::{Minor, Money, Overflow};
use crate::program::{Program, Tier, Tiers};
use crate::schedule::Schedule;
use crate::tier;
use crate::time::Instant;

/// How tiers are reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewRules {
    /// A tier is held to the end of the month this many months after the one it was reached, or kept, in. 1 to 60.
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

/// When the tier of an account is reviewed next; `None`: never, as the program stands.
///
/// The version in force when the tier was reached, or last kept, sets the date, so that a later one does not move it.
/// Where that version has no review, the first later one that has sets it, and not before it is in force.
pub fn next(account: &Account, schedule: &Schedule) -> Option<Instant> {
    let anchor = account.reviewed_at.unwrap_or(account.tier_since);
    let at_anchor = planned(&schedule.at(anchor).program, account, anchor);
    let later = || {
        let planned =
            |next: &crate::schedule::Activation| planned(&next.program, account, anchor).map(|at| at.max(next.from));
        schedule.after(anchor).find_map(planned)
    };
    at_anchor.or_else(later)
}

fn planned(program: &Program, account: &Account, anchor: Instant) -> Option<Instant> {
    let rules = program.tiers.review?;
    let calendar = &program.calendar;
    let held_until = || calendar.end_of_month_after(anchor, rules.hold_months);
    (program.tiers.place(&account.tier) > 0).then(|| calendar.start_of_day_after(held_until(), rules.grace_days))
}

/// The most that an account has spent in a window that counts for a review at `at`: those that end with the last month
/// of the hold, with the month that ends or runs at the review, or between them.
pub fn qualifying(account: &Account, program: &Program, at: Instant) -> Result<Minor, Overflow> {
    let grace = program.tiers.review.map_or(0, |rules| rules.grace_days);
    let calendar = &program.calendar;
    let (first, last) = (calendar.month(calendar.last_instant_before(at, grace)), calendar.month(at.plus_ms(-1)));
    let mut most = tier::qualifying_spend(program, account, last)?;
    let mut month = first;
    while month < last {
        most = most.max(tier::qualifying_spend(program, account, month)?);
        month = month.plus(1);
    }
    Ok(most)
}

/// Reviews the tier at the instant that [`next`] named, under the version in force then.
pub(crate) fn review(account: &mut Account, schedule: &Schedule, at: Instant) -> Result<Change, Overflow> {
    let program = &*schedule.at(at).program;
    let spend = qualifying(account, program, at)?;
    let qualifying = Money { amount: spend, currency: program.currency };
    let held = account.tier.clone();
    match program.tiers.review.and_then(|rules| falls_to(&program.tiers, account, spend, rules.downgrade)) {
        None => {
            account.reviewed_at = Some(at);
            Ok(Change::TierKept { tier: held, qualifying, reviewed_at: at })
        }
        Some(lower) => {
            account.hold_tier(lower.id.clone(), at);
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
