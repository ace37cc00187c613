//! Adjustments: points given or taken by hand, with a reason.

use crate::account::Account;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::expiry;
use crate::id::AccountId;
use crate::idempotency::{CommandKey, CommandRecord};
use crate::ledger::{Cause, Change, PointsChange};
use crate::lots::{End, Lot, Taken};
use crate::money::{Overflow, Points};
use crate::program::{Shortfall, VALIDITY_MONTHS_MAX};
use crate::schema::{self, Schema};
use crate::time::{Calendar, Instant};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Most points of one adjustment, either way.
pub const POINTS_MAX: i64 = 1_000_000_000_000;
const REASON_CHARS_MAX: usize = 200;
const REFERENCE_CHARS_MAX: usize = 64;

/// What is asked for: `POST /v1/accounts/{account_id}/adjustments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdjustmentDocument {
    /// Points to give, or to take where negative. Not zero.
    pub points: Points,
    /// Why, for whoever reads the ledger. No personal data belongs here.
    pub reason: String,
    /// A ticket, a contract or the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// When given points end: with the month of this instant, at most 60 months ahead. Absent: by the program's
    /// validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// The answer to an adjustment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdjustmentReceipt {
    /// Whose points.
    pub account_id: AccountId,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// When it was decided.
    pub decided_at: Instant,
    /// Points given, or taken where negative.
    pub points: Points,
    /// When given points end, as things stand; absent where they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// Points that the account owes after it, in all.
    pub debt: Points,
    /// The account's spendable points after it.
    pub balance: Points,
}

/// Reads the document of an adjustment; every fault at once.
pub fn adjustment_document(value: &Value) -> Result<AdjustmentDocument, Faults> {
    let mut faults = Faults::default();
    let document = read(value, &mut faults);
    faults.into_result(document)
}

fn read(value: &Value, faults: &mut Faults) -> Option<AdjustmentDocument> {
    let root = Object::open(value, &Path::Root, &["points", "reason", "reference", "expires_at"], faults)?;
    let points = root.required("points", faults, signed_points);
    let reason = root.required("reason", faults, document::remark(REASON_CHARS_MAX));
    let reference = root.optional("reference", faults, document::remark(REFERENCE_CHARS_MAX));
    let expires_at = root.optional("expires_at", faults, document::instant);
    if points.is_some_and(|points| points < Points::ZERO) && expires_at.is_some() {
        faults.add(&root.at("expires_at"), "conflict", "only points that are given can end");
    }
    Some(AdjustmentDocument { points: points?, reason: reason?, reference, expires_at })
}

fn signed_points(value: &Value) -> Leaf<Points> {
    if !value.is_number() {
        return Err(("wrong_type", "must be a whole number".to_owned()));
    }
    let points = value.as_i64().filter(|points| *points != 0 && (-POINTS_MAX..=POINTS_MAX).contains(points));
    let message = format!("must be a whole number from -{POINTS_MAX} to {POINTS_MAX}, not zero");
    points.map(Points).ok_or(("out_of_range", message))
}

/// What [`adjustment_document`] reads.
pub(crate) fn schema() -> Schema {
    let points = schema::signed(POINTS_MAX).with("not", serde_json::json!({ "const": 0 }));
    schema::object("Adjustment")
        .required("points", points, "Points given, or taken where negative.")
        .required("reason", schema::label(REASON_CHARS_MAX), "Why; the account reads it.")
        .optional("reference", schema::label(REFERENCE_CHARS_MAX), "What it is known by elsewhere.")
        .optional("expires_at", schema::instant(), "When given points end; left out: as the program says.")
}

impl AdjustmentDocument {
    /// SHA-256 over what is asked for.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }
}

/// Gives or takes points. Points that are taken come from the lots that end first; where there are too few, the
/// account owes the rest if the program lets it, and otherwise the adjustment is refused.
pub fn adjust(
    account: Option<&Account>,
    document: &AdjustmentDocument,
    key: &CommandKey,
    context: &Context<'_>,
) -> Result<Decision<AdjustmentReceipt>, Rejection> {
    let account = account.ok_or(Rejection::UnknownAccount)?;
    if account.status.has_left() {
        return Err(Rejection::AccountNotActive(account.status));
    }
    let activation = context.schedule.at(context.now);
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let (reason, reference) = (document.reason.clone(), document.reference.clone());
    let mut expires_at = None;
    if document.points > Points::ZERO {
        let program = &*activation.program;
        let today = program.calendar.day(context.now);
        let (usual, prolonged) = expiry::activity(&mut account, program, today, context.now)?;
        changes.extend(prolonged);
        let stated = document.expires_at.map(|stated| end_of(stated, &program.calendar, context.now)).transpose()?;
        let end = stated.map_or(usual, End::at);
        expires_at = Some(end.expires_at).filter(|at| !at.is_never());
        let (points, expires_at) = (document.points, end.expires_at);
        changes.push(Change::Points(PointsChange::Credited { points, expires_at, reason, reference }));
        give(&mut account, points, end, &mut changes)?;
    } else {
        let points = Points::ZERO.minus(document.points)?;
        let (taken, owed) = take(&mut account, points, activation.program.points.shortfall)?;
        changes.push(Change::Points(PointsChange::Deducted { points, taken, owed, reason, reference }));
    }
    let receipt = AdjustmentReceipt {
        account_id: account.id.clone(),
        entry: account.version.checked_add(1).ok_or(Overflow)?,
        decided_at: context.now,
        points: document.points,
        expires_at,
        debt: account.holdings.debt(),
        balance: account.holdings.available()?,
    };
    let record = CommandRecord::new(account.id.clone(), key.clone(), document.content_hash(), &receipt);
    let mut writes = vec![Write::Put(Record::Command(Box::new(record)), Guard::Absent)];
    writes.extend(decision::commit(account, Cause::Adjustment, changes, activation.version, context)?);
    Ok(Decision { writes, answer: receipt })
}

/// When points that are to end at an instant end: with its month, like all points, so that the account's lots stay few.
fn end_of(stated: Instant, calendar: &Calendar, now: Instant) -> Result<Instant, Rejection> {
    if stated <= now {
        return Err(Rejection::ExpiresInPast);
    }
    if stated > calendar.end_of_month_after(now, VALIDITY_MONTHS_MAX) {
        let mut faults = Faults::default();
        let message = format!("must be within {VALIDITY_MONTHS_MAX} months");
        faults.add(&Path::Key(&Path::Root, "expires_at"), "out_of_range", message);
        return Err(faults.into());
    }
    Ok(calendar.end_of_month_after(stated.plus_ms(-1), 0))
}

/// Puts points into the account: what it owes is repaid first, but for what only orders repay.
pub(crate) fn give(account: &mut Account, points: Points, end: End, changes: &mut Vec<Change>) -> Result<(), Overflow> {
    account.lifetime.credited = account.lifetime.credited.plus(points)?;
    let repaid = account.holdings.repay_from_gift(points)?;
    if repaid > Points::ZERO {
        changes.push(Change::Points(PointsChange::Repaid { points: repaid }));
    }
    account.holdings.add(Lot::new(end, points.minus(repaid)?))
}

fn take(account: &mut Account, points: Points, shortfall: Shortfall) -> Result<(Taken, Points), Rejection> {
    let taken = account.holdings.take(points, None)?;
    let owed = points.minus(taken.total()?)?;
    if owed > Points::ZERO && shortfall == Shortfall::WriteOff {
        return Err(Rejection::NotEnoughPoints { missing: owed });
    }
    shortfall.book(&mut account.holdings, owed)?;
    account.lifetime.deducted = account.lifetime.deducted.plus(points)?;
    Ok((taken, owed))
}
