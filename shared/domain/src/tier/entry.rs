//! What an account is given on entering a tier: points, once ever for each tier, however often it is left and reached
//! again. Every tier that is passed on the way up counts as entered, so that one large order brings what two small ones
//! do.

use crate::account::Account;
use crate::adjustment;
use crate::expiry;
use crate::id::TierId;
use crate::ledger::{Change, PointsChange};
use crate::money::{Overflow, Points};
use crate::program::{Program, Tier};
use crate::review;
use crate::schedule::Schedule;
use crate::time::Instant;

/// Gives an account that held a lower tier before what it has entered since brings. `entered_at` is the instant where
/// time alone led there.
pub(crate) fn give(
    account: &mut Account,
    program: &Program,
    before: &TierId,
    at: Instant,
    entered_at: Option<Instant>,
) -> Result<Vec<Change>, Overflow> {
    let mut changes = Vec::new();
    let tiers = &program.tiers;
    // A tier of another version, above or below, is entered by none of this one's.
    if !tiers.knows(before) || !tiers.knows(&account.tier) {
        return Ok(changes);
    }
    let (from, to) = (tiers.place(before), tiers.place(&account.tier));
    let passed = tiers.levels.iter().enumerate().filter(|(place, tier)| {
        (from.saturating_add(1)..=to).contains(place) && tier.threshold.is_some() && tier.on_entry > Points::ZERO
    });
    let due: Vec<_> = passed.map(|(_, tier)| tier).filter(|tier| !has_entered(account, &tier.id)).collect();
    for tier in due {
        bring(account, program, tier, at, entered_at, &mut changes)?;
    }
    Ok(changes)
}

/// Notes the tiers that an account was brought along in, and those below: it entered them elsewhere.
pub(crate) fn note_brought(account: &mut Account, program: &Program) {
    let place = program.tiers.place(&account.tier);
    let entered = program.tiers.levels.iter().take(place.saturating_add(1));
    entered.filter(|tier| tier.on_entry > Points::ZERO).for_each(|tier| note(account, tier));
}

/// The next instant at which time may lead to a tier, where entering one brings anything: what it brings is there for
/// whatever falls due after that.
pub(crate) fn next(account: &Account, schedule: &Schedule) -> Option<Instant> {
    let reviewed_at = review::next(account, schedule).map(|review| review.at);
    let at = reviewed_at.into_iter().chain(super::seniority::next(account, schedule)).min()?;
    let levels = &schedule.at(at).program.tiers.levels;
    levels.above.iter().any(|tier| tier.on_entry > Points::ZERO).then_some(at)
}

fn has_entered(account: &Account, tier: &TierId) -> bool {
    account.entered.binary_search(tier).is_ok()
}

fn note(account: &mut Account, tier: &Tier) {
    if let Err(place) = account.entered.binary_search(&tier.id) {
        account.entered.insert(place, tier.id.clone());
    }
}

/// Gives an account that was invited what its new tier brings, and no other: it has passed none.
pub(crate) fn give_invited(
    account: &mut Account,
    program: &Program,
    before: &TierId,
    now: Instant,
) -> Result<Vec<Change>, Overflow> {
    let mut changes = Vec::new();
    let tier = program.tiers.get(&account.tier);
    if *before != account.tier && tier.on_entry > Points::ZERO && !has_entered(account, &tier.id) {
        bring(account, program, tier, now, None, &mut changes)?;
    }
    Ok(changes)
}

fn bring(
    account: &mut Account,
    program: &Program,
    tier: &Tier,
    at: Instant,
    entered_at: Option<Instant>,
    changes: &mut Vec<Change>,
) -> Result<(), Overflow> {
    let (end, prolonged) = expiry::activity(account, program, program.calendar.day(at), at)?;
    changes.extend(prolonged);
    let (points, expires_at) = (tier.on_entry, end.expires_at);
    changes.push(Change::Points(PointsChange::ForTier { tier: tier.id.clone(), points, expires_at, entered_at }));
    adjustment::give(account, points, end, changes)?;
    note(account, tier);
    Ok(())
}
