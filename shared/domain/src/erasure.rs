//! Erasing a company's personal data (General Data Protection Regulation, article 17).
//!
//! What is known of a company and its people stands in records of their own: its profile and contacts, the claims on its
//! VAT id and e-mail address, what it stated with a redemption, what its people said in surveys. These are removed, page by
//! page. What it did stays: entries, orders, points and figures name it by ids alone, which say nothing to who does not have
//! the merchant's own files, so that every sum stands.
//!
//! It begins with one commit to the account ([`begin`]), from which on nothing personal can be added any more, since every
//! command that adds any is guarded by the account or by the contact. The rest only removes, so it may stop anywhere and be
//! begun again, until a look at all of it finds nothing left ([`finish`]).
//!
//! An erased account takes part no more and nothing makes it active again. It has nothing either: its open discounts are
//! withdrawn, what it held for carts is let go, and its points are written off by that same entry, so that nobody is owed
//! them; what reaches it later, such as points of an order that is paid then, is written off by the entry that brings it.

use crate::account::{Account, Status};
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Personal, Record, Rejection, Write};
use crate::discount::Discount;
use crate::hold::Hold;
use crate::id::AccountId;
use crate::ledger::{AccountChange, Cause, Change, DiscountChange, HoldChange, PointsChange};
use crate::membership::{Contact, MAY_HOLD_MORE_CLAIMS_FROM, Profile};
use crate::money::{Overflow, Points};
use crate::occasions;
use crate::referral::Redemption;
use crate::survey::Answer;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Why points of an erased account are given or taken, for whoever reads the ledger.
const REASON: &str = "the account was erased";

/// How far the erasure of a company's personal data has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Whose.
    pub account_id: AccountId,
    /// When it began.
    pub begun_at: Instant,
    /// Sequence of the ledger entry that began it.
    pub entry: u64,
    /// The account may hold claims that its profile did not list: they are to be looked for among all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlisted_claims: bool,
    /// When nothing was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Instant>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// What is known before an erasure begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The account.
    pub account: Option<Account>,
    /// How far an erasure that was begun before has come.
    pub erasure: Option<Erasure>,
    /// What the company has stated.
    pub profile: Option<Profile>,
    /// Its open discounts.
    pub discounts: Vec<Discount>,
    /// The redemption that it came by.
    pub redemption: Option<Redemption>,
}

/// Begins to erase an account; one whose erasure was begun before is answered as it stands.
pub fn begin(known: &Known, context: &Context<'_>) -> Result<Decision<Erasure>, Rejection> {
    let account = known.account.as_ref().ok_or(Rejection::UnknownAccount)?;
    if let Some(erasure) = &known.erasure {
        return Ok(Decision { writes: Vec::new(), answer: erasure.clone() });
    }
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let Ended { changes: ended, mut writes } = end(&mut account, &known.discounts, context.now);
    changes.extend(ended);
    writes.extend(
        known
            .redemption
            .as_ref()
            .map(|redemption| redemption.forgotten(&mut account, context.now))
            .into_iter()
            .flatten(),
    );
    let claims = known.profile.as_ref().map_or(0, |profile| profile.claims.len());
    let erasure = Erasure {
        account_id: account.id.clone(),
        begun_at: context.now,
        entry: account.version.checked_add(1).ok_or(Overflow)?,
        unlisted_claims: claims >= MAY_HOLD_MORE_CLAIMS_FROM,
        erased_at: None,
        version: 1,
    };
    writes.push(Write::Put(Record::Erasure(Box::new(erasure.clone())), Guard::Absent));
    let in_force = context.schedule.at(context.now).version;
    writes.extend(decision::commit(account, Cause::Erasure, changes, in_force, context)?);
    Ok(Decision { writes, answer: erasure })
}

/// What the end of an account comes to.
pub(crate) struct Ended {
    pub changes: Vec<Change>,
    pub writes: Vec<Write>,
}

/// Ends an account that is already at `now`: what it holds for carts, its open discounts, that anything is known of its
/// people. What becomes of its points its commit says.
pub(crate) fn end(account: &mut Account, discounts: &[Discount], now: Instant) -> Ended {
    let from = std::mem::replace(&mut account.status, Status::Erased);
    let mut changes = vec![Change::Account(AccountChange::Erased)];
    changes.push(Change::Account(AccountChange::StatusChanged { from, to: Status::Erased }));
    let held = std::mem::take(&mut account.holds).into_iter();
    changes.extend(
        held.map(|Hold { entry, points, .. }| Change::Hold(HoldChange::Ended { hold: entry, points, ended_at: now })),
    );
    let open: Vec<_> = account.discounts.iter().map(|open| open.code.clone()).collect();
    let mut writes = Vec::new();
    for discount in discounts.iter().filter(|discount| open.contains(&discount.code)) {
        let withdrawn = account.close_discount(discount).voided(true);
        account.lifetime.discounts_issued = account.lifetime.discounts_issued.saturating_sub(1);
        writes.push(Write::Put(Record::Discount(Box::new(withdrawn)), Guard::Version(discount.version)));
        changes.push(Change::Discount(DiscountChange::Voided { code: discount.code.clone() }));
    }
    occasions::forget_people(account);
    Ended { changes, writes }
}

/// Writes off what an erased account has and what it owes; points that wait for the payment of their orders stay with
/// these until then. Nothing where it has and owes nothing.
pub(crate) fn write_off(account: &mut Account) -> Result<Vec<Change>, Overflow> {
    let (mut changes, reason) = (Vec::new(), || REASON.to_owned());
    let waiting = account.holdings.waiting()?.minus(account.holdings.unpaid())?;
    let points = account.holdings.available()?.plus(waiting)?;
    if points > Points::ZERO {
        let taken = account.holdings.take(points, None)?;
        account.lifetime.deducted = account.lifetime.deducted.plus(points)?;
        let (owed, reason) = (Points::ZERO, reason());
        changes.push(Change::Points(PointsChange::Deducted { points, taken, owed, reason, reference: None }));
    }
    let points = account.holdings.debt();
    if points > Points::ZERO {
        account.lifetime.credited = account.lifetime.credited.plus(points)?;
        account.holdings.repay_from_order(points)?;
        let (expires_at, reason) = (Instant::NEVER, reason());
        changes.push(Change::Points(PointsChange::Credited { points, expires_at, reason, reference: None }));
        changes.push(Change::Points(PointsChange::Repaid { points }));
    }
    Ok(changes)
}

/// What removes people of an erased account.
pub fn forget_contacts(contacts: &[Contact]) -> Vec<Write> {
    let remove = |contact: &Contact| {
        let which = Personal::Contact(contact.account_id.clone(), contact.contact_id.clone());
        Write::Remove(Box::new(which), contact.version)
    };
    contacts.iter().map(remove).collect()
}

/// What removes what an erased account has stated of itself, and gives up what it has claimed: the company is as new as
/// any other from then on.
pub fn forget_profile(profile: &Profile) -> Vec<Write> {
    let claims = profile.claims.iter().map(crate::membership::give_up);
    let own = Write::Remove(Box::new(Personal::Profile(profile.account_id.clone())), profile.version);
    claims.chain([own]).collect()
}

/// What removes, from what people of an erased account have answered, their own words.
pub fn forget_answers(answers: &[Answer]) -> Vec<Write> {
    answers
        .iter()
        .filter_map(Answer::without_words)
        .map(|(answer, guard)| Write::Put(Record::SurveyAnswer(Box::new(answer)), guard))
        .collect()
}

/// Notes that nothing is left.
pub fn finish(erasure: &Erasure, now: Instant) -> Result<Decision<Erasure>, Rejection> {
    if erasure.erased_at.is_some() {
        return Ok(Decision { writes: Vec::new(), answer: erasure.clone() });
    }
    let version = erasure.version.checked_add(1).ok_or(Overflow)?;
    let erased_at = Some(now.max(erasure.begun_at));
    let done = Erasure { erased_at, unlisted_claims: false, version, ..erasure.clone() };
    let write = Write::Put(Record::Erasure(Box::new(done.clone())), Guard::Version(erasure.version));
    Ok(Decision { writes: vec![write], answer: done })
}

impl Redemption {
    /// What removes from its record what the prospect stated and what was said of it. One that waits to be looked at comes
    /// to nothing.
    fn forgotten(&self, account: &mut Account, now: Instant) -> Vec<Write> {
        let (after, waiting) = self.without_people(now);
        if let Some(referral) = account.referral.as_mut().filter(|referral| referral.key == self.key) {
            referral.note_forgotten(after.version, waiting.is_some());
        }
        let put = Write::Put(Record::Redemption(Box::new(after)), Guard::Version(self.version));
        [put].into_iter().chain(waiting.map(Write::Forget)).collect()
    }
}

#[cfg(test)]
mod tests;
