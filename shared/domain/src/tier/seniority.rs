//! Tiers that come with the length of membership: no order leads to them, and nothing waits for a sweep.
//!
//! A month of membership is full as the next one of the calendar begins: whoever joined in March has been a member for
//! twelve months from the first of the next March on.

use super::{enter, reached};
use crate::account::Account;
use crate::ledger::Change;
use crate::money::{Measure, Overflow};
use crate::program::{Program, Upgrade};
use crate::qualification::{self, Metric};
use crate::schedule::Schedule;
use crate::time::Instant;

/// When the account reaches the next tier by the length of its membership alone; `None`: never, as the program stands.
///
/// Each version says so for the time that it is in force; where one brings such tiers in, they are reached with it.
pub(crate) fn next(account: &Account, schedule: &Schedule) -> Option<Instant> {
    schedule.from(account.tier_since).find_map(|version| {
        let at = planned(version.program, account)?.max(version.from).max(account.tier_since);
        Some(at).filter(|at| *at < version.until)
    })
}

/// The start of the month in which a version lets the account into the next tier.
fn planned(program: &Program, account: &Account) -> Option<Instant> {
    let tiers = &program.tiers;
    let is_raised = tiers.metric == Metric::MembershipMonths && tiers.upgrade == Upgrade::AtOnce;
    if !is_raised || !tiers.knows(&account.tier) || account.invitation.is_some() {
        return None;
    }
    let above = tiers.levels.iter().skip(tiers.place(&account.tier).saturating_add(1));
    let threshold = above.filter_map(|tier| tier.threshold).next()?;
    let months = i32::try_from(threshold.0).unwrap_or(i32::MAX);
    Some(program.calendar.month_start(qualification::joined(program, account).plus(months)))
}

/// Lets the account into the tier that [`next`] named, under the version in force at its instant.
pub(crate) fn rise(account: &mut Account, schedule: &Schedule, at: Instant) -> Result<Option<Change>, Overflow> {
    let program = &*schedule.at(at).program;
    let months: Measure = qualification::qualifying(program, account, program.calendar.month(at))?;
    let target = reached(&program.tiers, months);
    if program.tiers.place(&target.id) <= program.tiers.place(&account.tier) {
        return Ok(None);
    }
    Ok(Some(enter(account, target, Metric::MembershipMonths.measured(months, program.currency), at)))
}
