//! What an account is given on entering a tier: points and a discount, once ever for each tier, however often it is left
//! and reached again. Every tier that is passed on the way up counts as entered, so that one large order brings what two
//! small ones do.
//!
//! Points are there at the instant of entry, whatever led there. A discount has a record and a code of its own, so that
//! only a commit can issue it: where a command leads to the tier, its own; where time alone does, that of the next walk.
//! Until then the account remembers that it is owed ([`OwedDiscount`]).

use crate::account::Account;
use crate::adjustment;
use crate::code::Code;
use crate::decision::Context;
use crate::discount::{Issuer, OPEN_DISCOUNTS_MAX};
use crate::expiry;
use crate::id::TierId;
use crate::ledger::{Change, DiscountChange, PointsChange};
use crate::money::{Overflow, Points};
use crate::occasions::Gifts;
use crate::program::{Program, Tier};
use crate::referral::rules::GiftDiscount;
use crate::review;
use crate::schedule::Schedule;
use crate::score::{GivenFor, OrderGift};
use crate::time::Instant;

/// A discount for a tier that time alone led to, until a walk issues it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedDiscount {
    /// Which tier.
    pub tier: TierId,
    /// When it was entered; the version in force then says what the discount is.
    pub entered_at: Instant,
}

/// Gives an account that held a lower tier before what it has entered since brings, where a command led there.
pub(crate) fn give(
    account: &mut Account,
    program: &Program,
    before: &TierId,
    context: &Context<'_>,
) -> Result<Gifts, Overflow> {
    let mut gifts = Gifts::default();
    for tier in passed(account, program, before) {
        bring(account, program, tier, context, &mut gifts)?;
    }
    Ok(gifts)
}

/// Gives an account that was invited what its new tier brings, and no other: it has passed none.
pub(crate) fn give_invited(
    account: &mut Account,
    program: &Program,
    before: &TierId,
    context: &Context<'_>,
) -> Result<Gifts, Overflow> {
    let mut gifts = Gifts::default();
    let tier = program.tiers.get(&account.tier);
    if *before != account.tier && brings_anything(tier) && !has_entered(account, &tier.id) {
        bring(account, program, tier, context, &mut gifts)?;
    }
    Ok(gifts)
}

/// The same where time alone led there, at an instant: the points now, and the discount with the next walk.
pub(crate) fn give_in_time(
    account: &mut Account,
    program: &Program,
    before: &TierId,
    at: Instant,
) -> Result<Vec<Change>, Overflow> {
    let mut changes = Vec::new();
    for tier in passed(account, program, before) {
        bring_points(account, program, tier, at, Some(at), &mut changes)?;
        if tier.on_entry.discount.is_some() {
            account.owed.push(OwedDiscount { tier: tier.id.clone(), entered_at: at });
        }
    }
    Ok(changes)
}

/// Issues what an account that is already at `now` is owed.
pub(crate) fn issue_owed(account: &mut Account, context: &Context<'_>) -> Gifts {
    let mut gifts = Gifts::default();
    for OwedDiscount { tier, entered_at } in std::mem::take(&mut account.owed) {
        let program = &context.schedule.at(entered_at).program;
        if let Some(terms) = &program.tiers.get(&tier).on_entry.discount {
            issue(account, program, (&tier, terms), Some(entered_at), context, &mut gifts);
        }
    }
    gifts
}

/// Since when an account is owed a discount: it is to be walked for that.
pub(crate) fn owed_since(account: &Account) -> Option<Instant> {
    account.owed.iter().map(|owed| owed.entered_at).min()
}

/// Notes the tiers that an account was brought along in, and those below: it entered them elsewhere.
pub(crate) fn note_brought(account: &mut Account, program: &Program) {
    let place = program.tiers.place(&account.tier);
    let entered = program.tiers.levels.iter().take(place.saturating_add(1));
    entered.filter(|tier| brings_anything(tier)).for_each(|tier| note(account, tier));
}

/// The next instant at which time may lead to a tier, where entering one brings points: they are there for whatever
/// falls due after that.
pub(crate) fn next(account: &Account, schedule: &Schedule) -> Option<Instant> {
    let reviewed_at = review::next(account, schedule).map(|review| review.at);
    let at = reviewed_at.into_iter().chain(super::seniority::next(account, schedule)).min()?;
    let levels = &schedule.at(at).program.tiers.levels;
    levels.above.iter().any(|tier| tier.on_entry.points > Points::ZERO).then_some(at)
}

/// Whether time may lead an account to a tier that brings a discount, under any version of the program.
pub(crate) fn may_owe(schedule: &Schedule) -> bool {
    let mut versions = schedule.from(Instant::MIN).map(|span| span.program);
    versions.any(|program| program.tiers.levels.above.iter().any(|tier| tier.on_entry.discount.is_some()))
}

/// The tiers above the one held before, up to the one held now, that bring anything and have not been entered yet.
fn passed<'a>(account: &Account, program: &'a Program, before: &TierId) -> Vec<&'a Tier> {
    let tiers = &program.tiers;
    // A tier of another version, above or below, is entered by none of this one's.
    if !tiers.knows(before) || !tiers.knows(&account.tier) {
        return Vec::new();
    }
    let (from, to) = (tiers.place(before), tiers.place(&account.tier));
    let passed = tiers.levels.iter().take(to.saturating_add(1)).skip(from.saturating_add(1));
    let reached = passed.filter(|tier| tier.threshold.is_some() && brings_anything(tier));
    reached.filter(|tier| !has_entered(account, &tier.id)).collect()
}

fn brings_anything(tier: &Tier) -> bool {
    tier.on_entry.points > Points::ZERO || tier.on_entry.discount.is_some()
}

fn has_entered(account: &Account, tier: &TierId) -> bool {
    account.entered.binary_search(tier).is_ok()
}

fn note(account: &mut Account, tier: &Tier) {
    if let Err(place) = account.entered.binary_search(&tier.id) {
        account.entered.insert(place, tier.id.clone());
    }
}

fn bring(
    account: &mut Account,
    program: &Program,
    tier: &Tier,
    context: &Context<'_>,
    gifts: &mut Gifts,
) -> Result<(), Overflow> {
    bring_points(account, program, tier, context.now, None, &mut gifts.changes)?;
    let terms = tier.on_entry.discount.as_ref();
    let discount = terms.and_then(|terms| issue(account, program, (&tier.id, terms), None, context, gifts));
    let (given_for, points) = (GivenFor::Tier(tier.id.clone()), tier.on_entry.points);
    gifts.given.push(OrderGift { given_for, points, discount });
    Ok(())
}

fn bring_points(
    account: &mut Account,
    program: &Program,
    tier: &Tier,
    at: Instant,
    entered_at: Option<Instant>,
    changes: &mut Vec<Change>,
) -> Result<(), Overflow> {
    note(account, tier);
    let points = tier.on_entry.points;
    if points == Points::ZERO {
        return Ok(());
    }
    let (end, prolonged) = expiry::activity(account, program, program.calendar.day(at), at)?;
    changes.extend(prolonged);
    let expires_at = end.expires_at;
    changes.push(Change::Points(PointsChange::ForTier { tier: tier.id.clone(), points, expires_at, entered_at }));
    adjustment::give(account, points, end, changes)
}

/// Issues the discount of a tier, and answers its code. Who has left, is given no discounts, or has as many open as an
/// account can have, goes without.
fn issue(
    account: &mut Account,
    program: &Program,
    (tier, terms): (&TierId, &GiftDiscount),
    entered_at: Option<Instant>,
    context: &Context<'_>,
    gifts: &mut Gifts,
) -> Option<Code> {
    let has_left = account.status.has_left();
    let is_full = account.discounts.len() >= OPEN_DISCOUNTS_MAX;
    let withheld = has_left || is_full || account.is_issued_nothing(program, context.now).is_some();
    let rule = terms.id.clone();
    gifts.changes.push(Change::Discount(DiscountChange::ForTier { tier: tier.clone(), rule, entered_at, withheld }));
    let issuer = Issuer::TierEntry { tier: tier.clone() };
    (!withheld).then(|| gifts.issue(account, terms, issuer, program, context))
}

#[cfg(test)]
mod tests;
