//! Returns and cancellations: what an order gave is undone exactly.
//!
//! What is kept of the order is scored again under the order's own program version with the inputs stored when it was
//! scored; the difference to what is still credited is reversed. So a return in any number of parts ends where one
//! return of everything ends, and today's rules never touch yesterday's orders.

mod read;
mod receipt;

use crate::account::Account;
use crate::activity::Giveback;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::id::{LineId, OrderKey, ReturnId};
use crate::ledger::{Cause, Change};
use crate::lots::Taken;
use crate::money::{Currency, Minor, Money, Overflow, Points};
use crate::order::{LinePrice, OrderLine};
use crate::program::{Program, Shortfall};
use crate::score::{self, ScoredOrder};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

pub use read::{cancellation_document, event_document, return_document};
pub use receipt::{ReturnReceipt, ReturnedLine, receipt};

/// Most returns of one order: it bounds the order's item.
pub const RETURNS_MAX: usize = 500;

/// Goods of an order that came back: `POST /v1/orders/{source}/{order_id}/returns`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnDocument {
    /// Its number at the shop; a repeat of it is harmless.
    pub return_id: ReturnId,
    /// When they came back, by the shop's clock.
    pub returned_at: Instant,
    /// Which lines, each once.
    pub lines: Vec<ReturnLine>,
}

/// Units of one line that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnLine {
    /// The order's line.
    pub line_id: LineId,
    /// Units, more than zero.
    pub quantity: u64,
}

/// The cancellation of a whole order: `POST /v1/orders/{source}/{order_id}/cancellation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationDocument {
    /// When it was cancelled, by the shop's clock.
    pub cancelled_at: Instant,
}

/// Something that takes back what an order gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reversing {
    /// Some of its goods came back.
    Return(ReturnDocument),
    /// All that is left of it is void.
    Cancellation(CancellationDocument),
}

/// A return or a cancellation as it was carried out; kept with its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// The return; `None`: the cancellation.
    pub return_id: Option<ReturnId>,
    /// Hash of what was stated.
    pub content_hash: [u8; 32],
    /// `now` of the decision.
    pub decided_at: Instant,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// Units that came off each line, by the line's place in the order.
    pub lines: Vec<(u32, u64)>,
    /// Units stated beyond what the order had left.
    pub excess_units: u64,
    /// By how much the order's eligible total fell.
    pub eligible: Minor,
    /// What became of the points.
    pub reversal: Reversal,
    /// The account's spendable points after it.
    pub balance: Points,
}

/// What became of points that were to be taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reversal {
    /// What was taken, and from where.
    pub taken: Taken,
    /// What the account owes instead.
    pub owed: Points,
    /// What was written off.
    pub unrecovered: Points,
    /// What had ended already, spent or not: nothing was taken for it.
    pub lapsed: Points,
}

impl Reversal {
    /// By how much the account's points fell.
    pub fn reversed(&self) -> Result<Points, Overflow> {
        self.taken.total()?.plus(self.owed)
    }

    /// All points it settles: reversed, unrecovered and lapsed.
    pub fn settled(&self) -> Result<Points, Overflow> {
        self.reversed()?.plus(self.unrecovered)?.plus(self.lapsed)
    }
}

/// Whether units beyond what is left refuse a return, or are noted and left aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// The return is refused, naming its lines.
    Refused,
    /// What is there is taken: the return came before its order, or after its cancellation.
    Noted,
}

impl Reversing {
    /// The return's number; `None` for the cancellation.
    pub fn return_id(&self) -> Option<&ReturnId> {
        match self {
            Self::Return(document) => Some(&document.return_id),
            Self::Cancellation(_) => None,
        }
    }

    /// When it happened, by the shop's clock.
    pub fn at(&self) -> Instant {
        match self {
            Self::Return(document) => document.returned_at,
            Self::Cancellation(document) => document.cancelled_at,
        }
    }

    /// Fails where it is dated more than a day from now.
    pub(crate) fn check_date(&self, now: Instant) -> Result<(), Rejection> {
        if self.at() > now.plus_ms(score::FUTURE_MS_MAX) {
            return Err(Rejection::ReturnedInFuture { field: self.date_field() });
        }
        Ok(())
    }

    /// The field of its document that says when it happened.
    fn date_field(&self) -> &'static str {
        match self {
            Self::Return(_) => "returned_at",
            Self::Cancellation(_) => "cancelled_at",
        }
    }

    /// SHA-256 over what is stated.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }

    fn cause(&self, order: &OrderKey) -> Cause {
        let order = order.clone();
        match self {
            Self::Return(document) => Cause::OrderReturned { order, return_id: document.return_id.clone() },
            Self::Cancellation(_) => Cause::OrderCancelled { order },
        }
    }
}

/// What a line still comes to when `kept` of its units are kept: a unit price times the units, or that share of a
/// stated amount; less that share of its discount. Each rounded half up, once for the line.
pub fn kept_amount(line: &OrderLine, kept: u64, currency: Currency) -> Result<Minor, Overflow> {
    if kept == line.quantity {
        return line.amount(currency);
    }
    let share = |amount: Minor| amount.share(kept, line.quantity);
    let gross = match line.price {
        LinePrice::UnitPrice(price) => price.times(kept, currency)?,
        LinePrice::Amount(amount) => share(amount)?,
    };
    gross.minus(share(line.discount)?)
}

impl ScoredOrder {
    /// Units of each line that are still kept.
    pub fn kept_units(&self) -> Vec<u64> {
        let mut kept: Vec<u64> = self.order.lines.iter().map(|line| line.quantity).collect();
        for (place, units) in self.returns.iter().flat_map(|returned| &returned.lines) {
            let line = usize::try_from(*place).ok().and_then(|place| kept.get_mut(place));
            if let Some(left) = line {
                *left = left.saturating_sub(*units);
            }
        }
        kept
    }

    /// The return of that number, or the cancellation.
    pub fn returned(&self, return_id: Option<&ReturnId>) -> Option<&Returned> {
        self.returns.iter().find(|returned| returned.return_id.as_ref() == return_id)
    }
}

/// Total and eligible total of an order of which so many units of each line are kept.
fn totals(scored: &ScoredOrder, kept: &[u64], program: &Program) -> Result<(Minor, Minor), Overflow> {
    let (mut total, mut eligible) = (Minor::ZERO, Minor::ZERO);
    for (line, units) in scored.order.lines.iter().zip(kept) {
        let amount = kept_amount(line, *units, scored.order.currency)?;
        total = total.plus(amount)?;
        if score::is_eligible(program, line, amount) {
            eligible = eligible.plus(amount)?;
        }
    }
    Ok((total, eligible))
}

/// Carries a return or a cancellation out on the account and its order, both already at `now`.
pub(crate) fn apply(
    account: &mut Account,
    scored: &mut ScoredOrder,
    reversing: &Reversing,
    excess: Excess,
    program: &Program,
    now: Instant,
) -> Result<Vec<Change>, Rejection> {
    // The cancellation ends an order, whatever came before it.
    if scored.returns.len() >= RETURNS_MAX && reversing.return_id().is_some() {
        return Err(Rejection::TooManyReturns);
    }
    let before = scored.kept_units();
    let (lines, excess_units) = lines_taken(scored, reversing, &before, excess)?;
    let mut after = before.clone();
    for (place, units) in &lines {
        if let Some(left) = usize::try_from(*place).ok().and_then(|place| after.get_mut(place)) {
            *left = left.saturating_sub(*units);
        }
    }
    let (total_before, eligible_before) = totals(scored, &before, program)?;
    let (total_after, eligible_after) = totals(scored, &after, program)?;
    let eligible = eligible_before.minus(eligible_after)?;
    let back = Giveback {
        month: program.calendar.month(scored.order.placed_at),
        units: lines.iter().map(|(_, units)| *units).fold(0, u64::saturating_add),
        revenue: total_before.minus(total_after)?,
        eligible,
    };
    account.activity.give_back(&back)?;
    account.lifetime.give_back(&back)?;
    let reversal = reverse(account, scored, eligible_after, program, now)?;
    let mut changes = vec![Change::OrderReturned {
        order: scored.order.key.clone(),
        return_id: reversing.return_id().cloned(),
        eligible: Money { amount: eligible, currency: scored.order.currency },
        excess_units,
    }];
    if reversal != Reversal::default() {
        changes.push(Change::PointsReversed {
            points: reversal.reversed()?,
            taken: reversal.taken,
            owed: reversal.owed,
            unrecovered: reversal.unrecovered,
            lapsed: reversal.lapsed,
        });
    }
    scored.returns.push(Returned {
        return_id: reversing.return_id().cloned(),
        content_hash: reversing.content_hash(),
        decided_at: now,
        entry: account.version.checked_add(1).ok_or(Overflow)?,
        lines,
        excess_units,
        eligible,
        reversal,
        balance: account.holdings.available()?,
    });
    Ok(changes)
}

/// Units that come off each line, and those stated beyond what is left.
fn lines_taken(
    scored: &ScoredOrder,
    reversing: &Reversing,
    kept: &[u64],
    excess: Excess,
) -> Result<(Vec<(u32, u64)>, u64), Rejection> {
    let Reversing::Return(document) = reversing else {
        let all = kept.iter().zip(0_u32..).filter(|(left, _)| **left > 0).map(|(left, place)| (place, *left));
        return Ok((all.collect(), 0));
    };
    let (mut taken, mut beyond, mut faults) = (Vec::new(), 0_u64, read::line_faults());
    for (index, stated) in document.lines.iter().enumerate() {
        let found =
            scored.order.lines.iter().zip(kept).zip(0_u32..).find(|((line, _), _)| line.line_id == stated.line_id);
        let (left, place) = found.map_or((0, None), |((_, left), place)| (*left, Some(place)));
        let units = stated.quantity.min(left);
        if stated.quantity > left && excess == Excess::Refused {
            faults.note(index, place.is_some(), left);
        }
        beyond = beyond.saturating_add(stated.quantity.saturating_sub(units));
        if let Some(place) = place.filter(|_| units > 0) {
            taken.push((place, units));
        }
    }
    faults.into_result()?;
    Ok((taken, beyond))
}

/// Takes back the points that what is kept does not earn any more.
fn reverse(
    account: &mut Account,
    scored: &ScoredOrder,
    eligible: Minor,
    program: &Program,
    now: Instant,
) -> Result<Reversal, Overflow> {
    let kept = score::points_for(program, eligible, &scored.score.tier)?;
    let settled = scored.returns.iter().try_fold(Points::ZERO, |sum, back| sum.plus(back.reversal.settled()?))?;
    let owing = scored.score.points.minus(kept)?.minus(settled)?;
    let mut reversal = Reversal::default();
    if owing <= Points::ZERO {
        return Ok(reversal);
    }
    if scored.score.expires_at <= now {
        reversal.lapsed = owing;
        return Ok(reversal);
    }
    reversal.taken = account.holdings.take(owing, scored.score.expires_at)?;
    let short = owing.minus(reversal.taken.total()?)?;
    match program.points.shortfall {
        Shortfall::Owe => {
            account.holdings.owe(short)?;
            reversal.owed = short;
        }
        Shortfall::WriteOff => {
            reversal.unrecovered = short;
            account.lifetime.unrecovered = account.lifetime.unrecovered.plus(short)?;
        }
    }
    account.lifetime.reversed = account.lifetime.reversed.plus(reversal.reversed()?)?;
    Ok(reversal)
}

/// Decides a return or a cancellation of a stored order.
pub fn decide(
    account: &Account,
    scored: &ScoredOrder,
    reversing: &Reversing,
    context: &Context<'_>,
) -> Result<Decision<Arc<ScoredOrder>>, Rejection> {
    if reversing.at() < scored.order.placed_at {
        return Err(Rejection::ReturnedBeforeOrder { field: reversing.date_field() });
    }
    reversing.check_date(context.now)?;
    let version = context.schedule.version(scored.score.program_version).ok_or(Rejection::UnknownOrder)?;
    let (mut account, mut changes) = advance::advance(account, context.now)?;
    let mut after = scored.clone();
    let excess = if scored.returned(None).is_some() { Excess::Noted } else { Excess::Refused };
    changes.extend(apply(&mut account, &mut after, reversing, excess, &version.program, context.now)?);
    after.version = scored.version.checked_add(1).ok_or(Overflow)?;
    let after = Arc::new(after);
    let mut writes = vec![Write::Put(Record::Order(after.clone()), Guard::Version(scored.version))];
    let cause = reversing.cause(&scored.order.key);
    writes.extend(decision::commit(account, cause, changes, version.version, context)?);
    Ok(Decision { writes, answer: after })
}

/// The answer to a return or cancellation that was carried out before: the first one for the same content, otherwise
/// that it differs. `None`: it is new.
pub fn repeat(scored: &ScoredOrder, reversing: &Reversing) -> Option<Result<(), Rejection>> {
    let earlier = scored.returned(reversing.return_id())?;
    if earlier.content_hash == reversing.content_hash() {
        return Some(Ok(()));
    }
    Some(Err(Rejection::ContentDiffers { paths: vec!["$".to_owned()] }))
}
