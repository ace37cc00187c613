//! The payment of an order: what its points wait for, where the program says so (`points.pending_until`).
//!
//! That an order is paid is a fact of its own, under whatever program: its shop says so in the order, in a later
//! statement of it, or by itself, before the order or after it. It is said once and nothing takes it back; an order that
//! is not going to be paid is cancelled. Until then all points of the order wait on it: whatever
//! comes off it takes of these, nothing else does, they repay nothing, and the account has one total of all its orders.
//! With the payment they become the account's as those of any order: what is owed is repaid, the return window
//! ([`crate::program::PointsRules::pending_days`], counted from the order) is waited for, and they end when they would
//! have, had the order been paid at once.

pub(crate) mod read;
mod receipt;

use crate::account::Account;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::id::OrderKey;
use crate::ledger::{Cause, Change, OrderChange};
use crate::lots::End;
use crate::money::{Overflow, Points};
use crate::order::Order;
use crate::parked::ParkedOrder;
use crate::program::Program;
use crate::returns;
use crate::rules;
use crate::score::{FUTURE_MS_MAX, ScoredOrder};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub use read::{event_document, payment_document};
pub use receipt::{PaymentReceipt, receipt};

/// What an order says of its payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// It is still to be paid.
    Unpaid,
    /// It is paid in full.
    Paid,
}

impl PaymentState {
    /// Both by their names.
    pub const ALL: [(&'static str, Self); 2] = [("unpaid", Self::Unpaid), ("paid", Self::Paid)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, state)| *state)
    }
}

/// That an order is paid in full: `POST /v1/orders/{source}/{order_id}/payment`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PaymentDocument {
    /// When, by the clock of whoever says so. It may be before the order: what is prepaid is.
    pub paid_at: Instant,
    /// The number of the payment, of an invoice or the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// A payment as it was taken in; kept with its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// When the order was paid; of one whose shop only says that it is: when it was placed, or when that was said.
    pub paid_at: Instant,
    /// The number of the payment, of an invoice or the like.
    pub reference: Option<String>,
    /// How it is known.
    pub stated: Stated,
    /// `now` of the decision.
    pub decided_at: Instant,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// Points that had waited for it.
    pub points: Points,
    /// From when they can be spent, if not at once.
    pub available_at: Option<Instant>,
    /// When they end, as things stood then.
    pub expires_at: Instant,
    /// The account's spendable points after it.
    pub balance: Points,
}

/// What an entry says of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderPaid {
    /// Which order.
    #[serde(flatten)]
    pub order: OrderKey,
    /// When it was paid.
    pub paid_at: Instant,
    /// The number of the payment, of an invoice or the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Points that had waited for it.
    pub points: Points,
    /// From when they can be spent, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_at: Option<Instant>,
    /// Who stated it, where it had waited for its order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated_by: Option<String>,
}

/// How a payment is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stated {
    /// A statement of the order says that it is paid, and no more.
    InOrder,
    /// By itself.
    Alone,
}

/// A payment that is to be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paid {
    document: PaymentDocument,
    stated: Stated,
    /// Who stated it, where that is not who asks now: it waited for its order.
    stated_by: Option<String>,
}

impl PaymentDocument {
    /// Fails where it is dated more than a day from now.
    pub(crate) fn check_date(&self, now: Instant) -> Result<(), Rejection> {
        if self.paid_at > now.plus_ms(FUTURE_MS_MAX) { Err(Rejection::PaidInFuture) } else { Ok(()) }
    }

    /// Where it differs from what was stated first, as JSON paths.
    pub(crate) fn differences(&self, first: &Self) -> Vec<String> {
        let differs =
            [("$.paid_at", self.paid_at != first.paid_at), ("$.reference", self.reference != first.reference)];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(path, _)| path.to_owned()).collect()
    }
}

impl Payment {
    /// What was stated.
    fn document(&self) -> PaymentDocument {
        PaymentDocument { paid_at: self.paid_at, reference: self.reference.clone() }
    }

    /// What was stated, if by itself.
    pub(crate) fn stated_alone(&self) -> Option<PaymentDocument> {
        (self.stated == Stated::Alone).then(|| self.document())
    }
}

impl Paid {
    /// What an order that is placed says of its payment, or what was said before it came.
    pub(crate) fn with(order: &Order, parked: Option<&ParkedOrder>) -> Option<Self> {
        if let Some(early) = parked.and_then(|parked| parked.payment.as_ref()) {
            let stated_by = Some(early.by.clone());
            return Some(Self { document: early.document.clone(), stated: Stated::Alone, stated_by });
        }
        Self::in_order(order, order.placed_at)
    }

    /// What a later statement says that was not known before.
    pub(crate) fn by_amendment(stored: &ScoredOrder, order: &Order, now: Instant) -> Option<Self> {
        if stored.history.payment.is_some() { None } else { Self::in_order(order, now) }
    }

    fn in_order(order: &Order, paid_at: Instant) -> Option<Self> {
        let document = PaymentDocument { paid_at, reference: None };
        let is_paid = order.payment_state == Some(PaymentState::Paid);
        is_paid.then_some(Self { document, stated: Stated::InOrder, stated_by: None })
    }
}

impl ScoredOrder {
    /// Whether what it earns now waits for its payment.
    pub(crate) fn awaits_payment(&self, program: &Program) -> bool {
        program.points.until_paid && self.history.payment.is_none()
    }

    /// Points of it that wait for its payment: all that it has, or none.
    pub fn unpaid(&self, program: &Program) -> Result<Points, Overflow> {
        if self.awaits_payment(program) { self.history.tally.credited() } else { Ok(Points::ZERO) }
    }
}

/// Notes that an order is paid, and gives the account, which is already at `now`, what has waited for that.
pub(crate) fn take_in(
    account: &mut Account,
    scored: &mut ScoredOrder,
    paid: Paid,
    points: Points,
    program: &Program,
    context: &Context<'_>,
) -> Result<Vec<Change>, Overflow> {
    let now = context.now;
    account.holdings.take_unpaid(points)?;
    let available_at = rules::available_at(program, &scored.order, now).filter(|_| points > Points::ZERO);
    // Those of an order whose points have ended meanwhile do so at once.
    let end = returns::end_now(account, scored, program, now).unwrap_or(End::at(scored.score.expires_at));
    let awarded = rules::award(account, points, available_at, end, context)?;
    let Paid { document: PaymentDocument { paid_at, reference }, stated, stated_by } = paid;
    let order = scored.order.key.clone();
    let told = OrderPaid { order, paid_at, reference: reference.clone(), points, available_at, stated_by };
    let mut changes = vec![Change::Order(OrderChange::Paid(told))];
    changes.extend(awarded);
    scored.history.payment = Some(Payment {
        paid_at,
        reference,
        stated,
        decided_at: now,
        entry: account.version.checked_add(1).ok_or(Overflow)?,
        points,
        available_at,
        expires_at: end.expires_at,
        balance: account.holdings.available()?,
    });
    Ok(changes)
}

/// Decides the payment of a stored order that nobody has said to be paid: one commit of the account and its order. One
/// that was cancelled, or of which everything came back, can be paid, too: nothing waits for it then.
pub fn decide(
    account: &Account,
    scored: &ScoredOrder,
    document: &PaymentDocument,
    context: &Context<'_>,
) -> Result<Decision<Arc<ScoredOrder>>, Rejection> {
    document.check_date(context.now)?;
    let version = context.schedule.version(scored.score.program_version).ok_or(Rejection::UnknownOrder)?;
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let mut after = scored.clone();
    let paid = Paid { document: document.clone(), stated: Stated::Alone, stated_by: None };
    let waited = after.unpaid(&version.program)?;
    changes.extend(take_in(&mut account, &mut after, paid, waited, &version.program, context)?);
    after.version = scored.version.checked_add(1).ok_or(Overflow)?;
    let after = Arc::new(after);
    let mut writes = vec![Write::Put(Record::Order(after.clone()), Guard::Version(scored.version))];
    let cause = Cause::OrderPaid { order: scored.order.key.clone() };
    writes.extend(decision::commit(account, cause, changes, version.version, context)?);
    Ok(Decision { writes, answer: after })
}

/// The answer to the payment of an order that is paid: the first one for the same content, otherwise what differs.
/// Where only the order itself says so, whatever is stated of it now says no other thing. `None`: it is not paid yet.
pub fn repeat(scored: &ScoredOrder, document: &PaymentDocument) -> Option<Result<(), Rejection>> {
    let payment = scored.history.payment.as_ref()?;
    let paths = document.differences(&payment.document());
    let is_same = payment.stated == Stated::InOrder || paths.is_empty();
    Some(if is_same { Ok(()) } else { Err(Rejection::ContentDiffers { paths }) })
}

#[cfg(test)]
mod tests;
