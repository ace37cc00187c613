//! Tiers by invitation: an operator puts an account into one, for good or until an instant, and takes it out again.
//!
//! While it is invited, nothing it orders and no review changes its tier. Afterwards it holds again what it held before,
//! if no review of that would have come meanwhile, or what it has reached meanwhile, whichever is higher: the end of an
//! invitation is a review.

use crate::account::Account;
use crate::advance;
use crate::decision::{self, Context, Decision, Rejection};
use crate::document::{self, Faults, Object, Path};
use crate::id::TierId;
use crate::ledger::{Cause, Change, TierChange};
use crate::money::{Measure, Overflow};
use crate::occasions::Gifts;
use crate::program::Program;
use crate::qualification::qualifying;
use crate::review::{self, Reviewed};
use crate::schedule::Schedule;
use crate::schema::{self, Schema};
use crate::tier::{self, entry};
use crate::time::{Instant, Month};
use serde_json::Value;

const REASON_CHARS_MAX: usize = 200;
/// Months that an account's activity is kept.
const MONTHS_BACK_MAX: i32 = crate::activity::MONTHS_KEPT - 1;

/// What an account that is invited holds besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// When it ends; [`Instant::NEVER`]: it does not.
    pub until: Instant,
    /// The tier that it held before.
    pub held: TierId,
    /// Since when it had held that.
    pub held_since: Instant,
}

/// What is asked for: `PUT /v1/accounts/{account_id}/tier`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationDocument {
    /// The tier to be in; `None`: none by invitation.
    pub tier: Option<TierId>,
    /// Until when; [`Instant::NEVER`]: for good.
    pub until: Instant,
    /// Why.
    pub reason: String,
}

/// Reads the document; every fault at once.
pub fn invitation_document(value: &Value) -> Result<InvitationDocument, Faults> {
    let mut faults = Faults::default();
    let document = read(value, &mut faults);
    faults.into_result(document)
}

fn read(value: &Value, faults: &mut Faults) -> Option<InvitationDocument> {
    let root = Object::open(value, &Path::Root, &["tier", "until", "reason"], faults)?;
    // `null` takes the account out; to say nothing is to forget something.
    if value.get("tier").is_none() {
        faults.add(&root.at("tier"), "missing", "is required; null ends an invitation");
    }
    let tier = root.optional("tier", faults, document::id(TierId::parse));
    let until = root.optional("until", faults, document::instant);
    let reason = root.required("reason", faults, document::remark(REASON_CHARS_MAX));
    if until.is_some() && value.get("tier").is_some_and(Value::is_null) {
        faults.add(&root.at("until"), "conflict", "an invitation that ends now ends at no other time");
    }
    Some(InvitationDocument { tier, until: until.unwrap_or(Instant::NEVER), reason: reason? })
}

/// What [`invitation_document`] reads.
pub(crate) fn schema() -> Schema {
    let tier = schema::id(TierId::parse).or_null();
    schema::object("TierInvitation")
        .required("tier", tier, "The tier that it is invited to; null ends an invitation.")
        .optional("until", schema::instant(), "When the invitation ends; left out: never.")
        .required("reason", schema::label(REASON_CHARS_MAX), "Why; it stands in the ledger for good.")
}

/// Puts an account into a tier by invitation, or takes it out. What is so already writes nothing.
pub fn decide(
    account: Option<&Account>,
    document: &InvitationDocument,
    context: &Context<'_>,
) -> Result<Decision<()>, Rejection> {
    let account = account.ok_or(Rejection::UnknownAccount)?;
    let activation = context.schedule.at(context.now);
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let mut issued = Vec::new();
    let reason = document.reason.clone();
    match &document.tier {
        Some(tier) => {
            check(document, tier, &activation.program, context.now)?;
            if is_so(&account, tier, document.until) {
                return Ok(Decision { writes: Vec::new(), answer: () });
            }
            if account.status.has_left() {
                return Err(Rejection::AccountNotActive(account.status));
            }
            let gifts = invite(&mut account, tier, document.until, reason, &activation.program, context)?;
            changes.extend(gifts.changes);
            issued = gifts.writes;
        }
        None if account.invitation.is_none() => return Ok(Decision { writes: Vec::new(), answer: () }),
        None => changes.extend(end(&mut account, context.schedule, context.now, Some(reason))?),
    }
    let writes = decision::commit(account, Cause::TierPut, changes, activation.version, context)?;
    Ok(Decision { writes: writes.into_iter().chain(issued).collect(), answer: () })
}

fn check(document: &InvitationDocument, tier: &TierId, program: &Program, now: Instant) -> Result<(), Faults> {
    let mut faults = Faults::default();
    let (tiers, root) = (&program.tiers, Path::Root);
    if !tiers.knows(tier) {
        faults.add(&Path::Key(&root, "tier"), "unknown_value", format!("{tier} is no tier of the program"));
    } else if tiers.get(tier).threshold.is_some() {
        let message = format!("{tier} is reached by {}, and by no invitation", tiers.metric.in_words());
        faults.add(&Path::Key(&root, "tier"), "conflict", message);
    }
    if document.until <= now {
        faults.add(&Path::Key(&root, "until"), "out_of_range", "must be to come");
    }
    faults.into_result(Some(()))
}

fn is_so(account: &Account, tier: &TierId, until: Instant) -> bool {
    account.tier == *tier && account.invitation.as_ref().is_some_and(|held| held.until == until)
}

fn invite(
    account: &mut Account,
    tier: &TierId,
    until: Instant,
    reason: String,
    program: &Program,
    context: &Context<'_>,
) -> Result<Gifts, Overflow> {
    let (from, since) = (account.tier.clone(), account.tier_since);
    let (held, held_since) = match account.invitation.take() {
        Some(earlier) => (earlier.held, earlier.held_since),
        None => (from.clone(), since),
    };
    account.invitation = Some(Invitation { until, held, held_since });
    if from != *tier {
        account.hold_tier(tier.clone(), context.now);
    }
    let mut gifts = entry::give_invited(account, program, &from, context)?;
    gifts.changes.insert(0, Change::Tier(TierChange::Invited { from, to: tier.clone(), until, reason }));
    Ok(gifts)
}

/// Takes an account over that was in such a tier before it was opened here.
pub(crate) fn brought(account: &mut Account, program: &Program, now: Instant) {
    if program.tiers.knows(&account.tier) && program.tiers.get(&account.tier).threshold.is_none() {
        let held = program.tiers.levels.lowest.id.clone();
        account.invitation = Some(Invitation { until: Instant::NEVER, held, held_since: now });
    }
}

/// Ends an invitation at an instant; nothing where there is none.
pub(crate) fn end(
    account: &mut Account,
    schedule: &Schedule,
    at: Instant,
    reason: Option<String>,
) -> Result<Option<Change>, Overflow> {
    let began = account.tier_since;
    let Some(Invitation { held, held_since, .. }) = account.invitation.take() else { return Ok(None) };
    let program = &*schedule.at(at).program;
    let tiers = &program.tiers;
    let from = account.tier.clone();
    account.hold_tier(held, held_since);
    let missed = review::next(account, schedule).filter(|review| review.at <= at);
    let began = program.calendar.month(began);
    let figure = highest(account, program, missed.map_or(began, |review| began.max(review.held_through())), at)?;
    let reached = tier::reached(tiers, figure);
    if missed.is_some() || tiers.place(&reached.id) > tiers.place(&account.tier) {
        account.hold_tier(reached.id.clone(), at);
        account.reviewed = Some(Reviewed::afresh(at));
    }
    let (to, qualifying) = (account.tier.clone(), tiers.metric.measured(figure, program.currency));
    Ok(Some(Change::Tier(TierChange::InvitationEnded { from, to, qualifying, ended_at: at, reason })))
}

/// The most that qualified in a window of the months from `first` on, as far as they are kept: those of an invitation,
/// or those that a review looks at that would have come meanwhile.
fn highest(account: &Account, program: &Program, first: Month, at: Instant) -> Result<Measure, Overflow> {
    let last = program.calendar.month(at);
    let mut month = first.max(last.plus(MONTHS_BACK_MAX.saturating_neg()));
    let mut most = qualifying(program, account, last)?;
    while month < last {
        most = most.max(qualifying(program, account, month)?);
        month = month.plus(1);
    }
    Ok(most)
}

#[cfg(test)]
mod tests;
