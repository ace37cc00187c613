//! What referrals brought, taken as it was given: another account's history had a part in it.

use super::outcome::calendar;
use super::replay::Replay;
use crate::account::Account;
use crate::adjustment;
use crate::advance;
use crate::code::Code;
use crate::decision::{Record, Write};
use crate::discount::Discount;
use crate::erasure;
use crate::expiry;
use crate::ledger::{AccountChange, Change, DiscountChange, Entry, PointsChange};
use crate::lots::{End, Own};
use crate::money::{Overflow, Points};
use crate::occasions::{self, Occasion};
use crate::program::Program;
use crate::tier;
use crate::time::Instant;

/// Points that a referral brought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Granted {
    /// When.
    at: Instant,
    /// When they were to end then.
    expires_at: Instant,
}

impl Replay<'_> {
    /// Gives, or takes back, what an entry says a referral brought.
    pub fn grant(&mut self, entry: &Entry) -> Result<(), Overflow> {
        let (schedule, now) = (self.schedule, entry.at);
        let program = &*schedule.at(now).program;
        let (mut account, mut changes) = advance::advance(schedule, self.enrol(entry), now)?;
        for change in &entry.changes {
            match change {
                Change::Points(PointsChange::Granted { points, redemption, .. }) => {
                    let (end, prolonged) = expiry::activity(&mut account, program, program.calendar.day(now), now)?;
                    changes.extend(prolonged);
                    let expires_at = end.expires_at;
                    self.granted.push((redemption.clone(), Granted { at: now, expires_at }));
                    changes.push(Change::Points(PointsChange::Granted {
                        points: *points,
                        expires_at,
                        redemption: redemption.clone(),
                    }));
                    adjustment::give(&mut account, *points, end, &mut changes)?;
                }
                Change::Points(PointsChange::Deducted { points, reference, .. }) => {
                    let granted = |(key, _): &&(_, _)| Some(ToString::to_string(key)) == *reference;
                    let granted = self.granted.iter().find(granted).map(|(_, granted)| *granted);
                    let expiry = granted.map(|granted| schedule.at(granted.at).program.points.expiry);
                    let end = granted.zip(expiry).map(|(granted, expiry)| {
                        expiry.end_now(&account.holdings, granted.expires_at, granted.at, now)
                    });
                    changes.extend(take_back(&mut account, *points, end, program, change)?);
                }
                Change::Discount(DiscountChange::Issued { code, .. }) => {
                    changes.extend(self.give_discount(&mut account, code))
                }
                Change::Discount(DiscountChange::Voided { code }) => {
                    changes.extend(self.withdraw(&mut account, code, now))
                }
                _ => {}
            }
        }
        self.commit(account, &changes, now)
    }

    /// Gives what occasions brought on a walk, as these versions of the program have it, and what is owed by then.
    pub fn celebrate(&mut self, entry: &Entry) -> Result<(), Overflow> {
        let came: Vec<_> = entry.changes.iter().filter_map(occasion).collect();
        let is_asked = !came.is_empty() || tier::entry::may_owe(self.schedule);
        let Some(account) = self.account.as_ref().filter(|_| is_asked) else { return Ok(()) };
        let context = self.context(entry);
        let (mut account, mut changes) = advance::advance(self.schedule, account, entry.at)?;
        let owed = tier::entry::issue_owed(&mut account, &context);
        if came.is_empty() && owed.changes.is_empty() {
            return Ok(());
        }
        changes.extend(owed.changes);
        self.put_discounts(owed.writes);
        for occasion in came {
            let gifts = occasions::give_named(&mut account, occasion, &context)?;
            changes.extend(gifts.changes);
            self.put_discounts(gifts.writes);
        }
        self.commit(account, &changes, entry.at)
    }

    /// Enrols an account that its merchant has stated, or lets it in, and welcomes it, unless it was stated not to take part.
    pub fn put_account(&mut self, entry: &Entry) -> Result<(), Overflow> {
        let is_new = self.account.is_none();
        let is_let_in = self.take_over_membership(entry);
        let mut account = self.enrol(entry).clone();
        let is_active =
            !entry.changes.iter().any(|change| matches!(change, Change::Account(AccountChange::StatusChanged { .. })));
        if !(is_new || is_let_in) || !is_active {
            return Ok(());
        }
        let (tier, program) = (account.tier.clone(), &*self.schedule.at(entry.at).program);
        let gifts = occasions::welcome(&mut account, &tier, program, &self.context(entry))?;
        self.put_discounts(gifts.writes);
        self.outcome.count(&gifts.changes, entry.at, calendar(self.plan))?;
        self.account = Some(account);
        Ok(())
    }

    /// Ends an account that was erased, with what it has under this program.
    pub fn erase(&mut self, entry: &Entry) -> Result<(), Overflow> {
        let account = self.enrol(entry).clone();
        let (mut account, mut changes) = advance::advance(self.schedule, &account, entry.at)?;
        let ended = erasure::end(&mut account, &self.discounts, entry.at);
        changes.extend(ended.changes);
        changes.extend(erasure::write_off(&mut account)?);
        self.put_discounts(ended.writes);
        self.commit(account, &changes, entry.at)
    }

    fn put_discounts(&mut self, writes: Vec<Write>) {
        for write in writes {
            if let Write::Put(Record::Discount(discount), _) = write {
                self.put_discount(*discount);
            }
        }
    }

    fn commit(&mut self, mut account: Account, changes: &[Change], now: Instant) -> Result<(), Overflow> {
        account.version = account.version.saturating_add(1);
        account.last_decided = now;
        self.outcome.count(changes, now, calendar(self.plan))?;
        self.account = Some(account);
        Ok(())
    }

    fn give_discount(&mut self, account: &mut Account, code: &Code) -> Option<Change> {
        let stored = self.facts.discounts.get(code)?;
        let discount = Discount { used_by: None, void: false, version: 1, ..stored.clone() };
        let change = account.open_discount(&discount);
        self.put_discount(discount);
        Some(change)
    }

    fn withdraw(&mut self, account: &mut Account, code: &Code, now: Instant) -> Option<Change> {
        let discount = self.discounts.iter().find(|held| held.code == *code && held.check(now).is_ok())?;
        let withdrawn = account.close_discount(discount).voided(true);
        account.lifetime.discounts_issued = account.lifetime.discounts_issued.saturating_sub(1);
        self.put_discount(withdrawn);
        Some(Change::Discount(DiscountChange::Voided { code: code.clone() }))
    }
}

/// The occasion on which a change gave something.
fn occasion(change: &Change) -> Option<&Occasion> {
    match change {
        Change::OccasionGiven(given) => Some(&given.occasion),
        _ => None,
    }
}

/// Takes points back that a referral brought: once they have ended (`Some(None)`), nothing.
fn take_back(
    account: &mut Account,
    points: Points,
    end: Option<Option<End>>,
    program: &Program,
    told: &Change,
) -> Result<Option<Change>, Overflow> {
    let Change::Points(PointsChange::Deducted { reason, reference, .. }) = told else { return Ok(None) };
    if end.is_some_and(|end| end.is_none()) {
        return Ok(None);
    }
    let own = end.flatten().map(|end| Own { available_at: Instant::MIN, end });
    let taken = account.holdings.take(points, own)?;
    let short = points.minus(taken.total()?)?;
    let owed = program.points.shortfall.book(&mut account.holdings, short)?.owed;
    let points = taken.total()?.plus(owed)?;
    account.lifetime.deducted = account.lifetime.deducted.plus(points)?;
    let (reason, reference) = (reason.clone(), reference.clone());
    Ok(Some(Change::Points(PointsChange::Deducted { points, taken, owed, reason, reference })))
}
