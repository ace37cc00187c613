//! Tier reviews: whether an account keeps the tier it holds, at dates that follow from when it reached it.
//!
//! A tier is held until the end of a month that the program names, then for a grace period, and is reviewed at its end.
//! Where it is kept, the next hold follows on the one before, not on its grace: reviews do not drift. Where figures go by
//! years, a tier is held to the end of the year after the one it was reached in, and reviewed once a year from then on.
//! Where tiers are raised by reviews alone, every account has them, from the end of the year it joined in.
//! Nothing of this waits for a sweep: [`crate::advance`] reviews whatever has come due.

use crate::account::Account;
use crate::ledger::{Change, TierChange};
use crate::money::{Measure, Overflow};
use crate::program::{Program, Tier, Tiers, Upgrade};
use crate::qualification::{self, Measured};
use crate::schedule::{Activation, Schedule};
use crate::tier;
use crate::time::{Instant, Month};

/// How tiers are reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewRules {
    /// How long a tier is held.
    pub hold: Hold,
    /// Days after that in which orders still count. 0 to 180.
    pub grace_days: u16,
    /// What becomes of a tier that was not earned again.
    pub downgrade: Downgrade,
}

/// How long a tier is held before it is reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// To the end of the month this many months after the one it was reached in, and, once kept, as many months more.
    /// 1 to 60.
    Months(u16),
    /// To the end of the year after the one it was reached in, and, once kept, a year more. Where tiers are raised by
    /// reviews alone, to the end of the year that begins with the review.
    Year,
}

/// What becomes of a tier that was not earned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downgrade {
    /// It stays: the review is there to raise it.
    Never,
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
    /// Orders count in the windows that end with a month from here, the last one of the hold,
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

impl Review {
    /// The last month of the hold that it ends.
    pub(crate) fn held_through(self) -> Month {
        self.first
    }
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
    let kept = account.reviewed.filter(|review| review.at >= account.tier_since);
    let anchor = kept.unwrap_or(Reviewed::afresh(account.tier_since));
    let held_anew = |version: &Activation| planned(&version.program, account, Reviewed::afresh(version.from));
    let later = || schedule.after(anchor.at).find_map(held_anew);
    planned(&schedule.at(anchor.at).program, account, anchor).or_else(later)
}

/// The review of a tier that is held from `anchor` on.
fn planned(program: &Program, account: &Account, anchor: Reviewed) -> Option<Review> {
    let (tiers, calendar) = (&program.tiers, &program.calendar);
    if account.invitation.is_some() {
        return None;
    }
    let is_reviewed = tiers.place(&account.tier) > 0 || tiers.upgrade == Upgrade::AtReview;
    let rules = tiers.review.filter(|_| is_reviewed)?;
    let first = held_to(program, account, rules.hold, anchor);
    let at = calendar.start_of_day_after(calendar.month_start(first.plus(1)), rules.grace_days);
    let review = Review { at, first, last: calendar.month(at.plus_ms(-1)) };
    // At the end of time a month has no successor: nothing is reviewed twice at one instant.
    Some(review).filter(|review| review.at > anchor.at)
}

/// The last month of a hold. It may be shorter than the grace before it: it does not end before that.
fn held_to(program: &Program, account: &Account, hold: Hold, anchor: Reviewed) -> Month {
    let (tiers, month) = (&program.tiers, program.calendar.month(anchor.at));
    let joined = qualification::joined(program, account);
    let year_end = |month: Month| tiers.window.year_end(month, joined).unwrap_or(month);
    match (hold, anchor.held_through) {
        (Hold::Months(months), None) => month.plus(i32::from(months)),
        (Hold::Months(months), Some(through)) => through.plus(i32::from(months)).max(month),
        (Hold::Year, Some(through)) => year_end(through.plus(1)).max(month),
        (Hold::Year, None) if tiers.upgrade == Upgrade::AtReview => year_end(month),
        (Hold::Year, None) => year_end(year_end(month).plus(1)),
    }
}

/// The most that an account has reached in a window that counts for a review.
pub fn qualifying(account: &Account, program: &Program, review: Review) -> Result<Measure, Overflow> {
    qualification::reviewed(program, account, review.first, review.last)
}

/// What is missing to keep the tier at a review, as the versions stand; `None`: the review lowers none.
pub fn missing(account: &Account, schedule: &Schedule, review: Review) -> Result<Option<Measured>, Overflow> {
    let program = &*schedule.at(review.at).program;
    let lowers = program.tiers.review.is_some_and(|rules| rules.downgrade != Downgrade::Never);
    if !lowers || program.tiers.place(&account.tier) == 0 {
        return Ok(None);
    }
    // A tier that a version has made one by invitation is earned by nothing.
    let Some(threshold) = program.tiers.get(&account.tier).threshold else { return Ok(None) };
    let missing = threshold.minus(qualifying(account, program, review)?)?.max(Measure::ZERO);
    Ok(Some(program.tiers.metric.measured(missing, program.currency)))
}

/// Carries out the review that [`next`] named, under the version in force at its instant.
pub(crate) fn review(account: &mut Account, schedule: &Schedule, review: Review) -> Result<Change, Overflow> {
    let at = review.at;
    let program = &*schedule.at(at).program;
    let tiers = &program.tiers;
    let figure = qualifying(account, program, review)?;
    let qualifying = tiers.metric.measured(figure, program.currency);
    // A year follows on the one before, whatever became of the tier.
    let follows_on = Reviewed { at, held_through: Some(review.first) };
    let anew = if tiers.window.is_year() { follows_on } else { Reviewed::afresh(at) };
    let from = account.tier.clone();
    if let Some(lower) = tiers.review.and_then(|rules| falls_to(tiers, account, figure, rules.downgrade)) {
        account.hold_tier(lower.id.clone(), at);
        account.lifetime.downgrades = account.lifetime.downgrades.saturating_add(1);
        account.reviewed = Some(anew);
        return Ok(Change::Tier(TierChange::Lowered { from, to: lower.id.clone(), qualifying, reviewed_at: at }));
    }
    if let Some(higher) = rises_to(tiers, account, figure) {
        let to = higher.id.clone();
        tier::enter(account, higher, qualifying, at);
        account.reviewed = Some(anew);
        return Ok(Change::Tier(TierChange::Changed { from, to, qualifying, reviewed_at: Some(at) }));
    }
    account.reviewed = Some(follows_on);
    Ok(Change::Tier(TierChange::Kept { tier: from, qualifying, reviewed_at: at }))
}

/// The lower tier that an account falls to with this figure; `None`: it keeps its own.
fn falls_to<'a>(tiers: &'a Tiers, account: &Account, figure: Measure, downgrade: Downgrade) -> Option<&'a Tier> {
    let held = tiers.place(&account.tier);
    let earned = tiers.place(&tier::reached(tiers, figure).id);
    let lower = match downgrade {
        Downgrade::Never => held,
        Downgrade::OneStep => held.saturating_sub(1),
        Downgrade::ToEarned => earned,
    };
    // No step leads to a tier by invitation.
    let down = tiers.levels.iter().take(lower.saturating_add(1)).filter(|tier| tier.threshold.is_some());
    down.last().filter(|_| earned < held && lower < held)
}

/// The higher tier that a review lets an account into, where reviews do that.
fn rises_to<'a>(tiers: &'a Tiers, account: &Account, figure: Measure) -> Option<&'a Tier> {
    let earned = tier::reached(tiers, figure);
    let is_higher = tiers.knows(&account.tier) && tiers.place(&earned.id) > tiers.place(&account.tier);
    Some(earned).filter(|_| is_higher && tiers.upgrade == Upgrade::AtReview)
}

#[cfg(test)]
mod tests;
