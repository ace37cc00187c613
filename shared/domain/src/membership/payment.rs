//! Paid memberships: a payment is good for a period, and one that comes in time goes on where the last one ended.

use super::state::PaidPeriod;
use crate::account::Account;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::document::{self, Faults, Object, Path};
use crate::id::AccountId;
use crate::idempotency::{CommandKey, CommandRecord};
use crate::ledger::{Cause, Change, MembershipChange};
use crate::membership::rules::Fee;
use crate::money::Overflow;
use crate::schema::{self, Schema};
use crate::time::{Calendar, Instant};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

const REFERENCE_CHARS_MAX: usize = 64;
/// Months from now that may be paid for: ten years.
const AHEAD_MONTHS_MAX: u16 = 120;

/// That a fee was paid: `POST /v1/accounts/{account_id}/membership/payments`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PaymentDocument {
    /// When; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Instant>,
    /// An invoice or the like. No personal data belongs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// The answer to a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MembershipPaymentReceipt"))]
pub struct PaymentReceipt {
    /// Whose membership.
    pub account_id: AccountId,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// When it was decided.
    pub decided_at: Instant,
    /// When it was paid.
    pub paid_at: Instant,
    /// Since when the membership goes on without a gap.
    pub since: Instant,
    /// The first instant that is not paid for any more.
    pub until: Instant,
    /// The first instant at which the account is no member any more, unless it pays again before.
    pub lapses_at: Instant,
    /// As stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Reads the document of a payment; every fault at once.
pub fn payment_document(value: &Value) -> Result<PaymentDocument, Faults> {
    let mut faults = Faults::default();
    let root = Object::open(value, &Path::Root, &["paid_at", "reference"], &mut faults);
    let document = root.map(|root| PaymentDocument {
        paid_at: root.optional("paid_at", &mut faults, document::instant),
        reference: root.optional("reference", &mut faults, document::remark(REFERENCE_CHARS_MAX)),
    });
    faults.into_result(document)
}

/// What [`payment_document`] reads.
pub(crate) fn schema() -> Schema {
    schema::object("MembershipPayment")
        .optional("paid_at", schema::instant(), "When it was paid, not later than now; left out: now.")
        .optional("reference", schema::label(REFERENCE_CHARS_MAX), "What it is known by where it was paid.")
}

impl PaymentDocument {
    /// SHA-256 over what is asked for.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }
}

impl PaidPeriod {
    /// The period with a payment more. One that was paid before the last one lapsed goes on where that ended, whenever it
    /// is recorded; any other begins when it was paid.
    fn after(before: Option<Self>, paid_at: Instant, fee: Fee, calendar: &Calendar) -> Self {
        let goes_on = before.filter(|before| paid_at < before.lapses_at);
        let since = goes_on.map_or(paid_at, |before| before.since);
        let until = match goes_on {
            Some(before) => before.end_after(fee.months, calendar),
            None => calendar.same_time_after_months(paid_at, fee.months),
        };
        let lapses_at = calendar.same_time_after_days(until, fee.grace_days);
        Self { since, until, lapses_at, lapsed_at: None, told_days: None }
    }

    /// When it ends with so many months more, counted from its beginning with those that it has: what began on the 31st
    /// ends on the 30th of a shorter month, and on the 31st again of the next. One whose end is so many months after its
    /// beginning in no calendar month goes on from that end: it was paid for under another clock, or before this was so.
    fn end_after(self, months: u16, calendar: &Calendar) -> Instant {
        let paid = calendar.month(self.until).0.saturating_sub(calendar.month(self.since).0);
        let is_its = |paid: &u16| calendar.same_time_after_months(self.since, *paid) == self.until;
        let paid = u16::try_from(paid).ok().filter(is_its);
        match paid.and_then(|paid| paid.checked_add(months)) {
            Some(all) => calendar.same_time_after_months(self.since, all),
            None => calendar.same_time_after_months(self.until, months),
        }
    }
}

/// Records that a fee was paid, once per key. The terms are those of the version in force.
///
/// Fails with [`Rejection::NoMembershipFee`] where that asks for none.
pub fn pay(
    account: Option<&Account>,
    document: &PaymentDocument,
    key: &CommandKey,
    context: &Context<'_>,
) -> Result<Decision<PaymentReceipt>, Rejection> {
    let account = account.ok_or(Rejection::UnknownAccount)?;
    if account.status.has_left() {
        return Err(Rejection::AccountNotActive(account.status));
    }
    let activation = context.schedule.at(context.now);
    let fee = activation.program.membership.fee().ok_or(Rejection::NoMembershipFee)?;
    let calendar = &activation.program.calendar;
    let paid_at = document.paid_at.unwrap_or(context.now);
    if paid_at > context.now {
        return Err(Rejection::FeePaidInFuture);
    }
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let period = PaidPeriod::after(account.membership.paid, paid_at, fee, calendar);
    if period.until > calendar.same_time_after_months(context.now, AHEAD_MONTHS_MAX) {
        return Err(Rejection::PaidTooFarAhead);
    }
    account.membership.paid = Some(period);
    let PaidPeriod { since, until, lapses_at, .. } = period;
    let reference = document.reference.clone();
    changes.push(Change::Membership(MembershipChange::Paid {
        paid_at,
        since,
        until,
        lapses_at,
        reference: reference.clone(),
    }));
    // What was paid long ago may be over already.
    changes.extend(advance::settle(context.schedule, &mut account, context.now)?);
    let receipt = PaymentReceipt {
        account_id: account.id.clone(),
        entry: account.version.checked_add(1).ok_or(Overflow)?,
        decided_at: context.now,
        paid_at,
        since,
        until,
        lapses_at,
        reference,
    };
    let record = CommandRecord::new(account.id.clone(), key.clone(), document.content_hash(), &receipt);
    let mut writes = vec![Write::Put(Record::Command(Box::new(record)), Guard::Absent)];
    writes.extend(decision::commit(account, Cause::MembershipPayment, changes, activation.version, context)?);
    Ok(Decision { writes, answer: receipt })
}

#[cfg(test)]
mod tests;
