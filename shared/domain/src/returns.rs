//! Returns and cancellations: what an order gave is undone exactly.
//!
//! What is kept of the order is scored again under the order's own program version with the inputs stored when it was
//! scored; the difference to what is still credited is reversed. So a return in any number of parts ends where one
//! return of everything ends, and today's rules never touch yesterday's orders.

mod history;
mod kept;
pub(crate) mod read;
mod receipt;

use crate::account::Account;
use crate::activity::Giveback;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::discount;
use crate::earning::{self, Admitted, Basket, Known};
use crate::id::{LineId, OrderKey, ReturnId};
use crate::ledger::{Cause, Change, OrderChange};
use crate::lots::{End, Own};
use crate::money::{Currency, Minor, Money, Overflow, Points};
use crate::named_code::NamedCode;
use crate::order::{LinePrice, OrderLine};
use crate::program::Program;
use crate::qualification;
use crate::referral::{self, Redemption};
use crate::score::{self, ScoredOrder};
use crate::shortfall::Short;
use crate::time::Instant;
use crate::uses::{self, CameBack};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

use kept::KeptUnits;

pub use history::{History, ReturnKey, Returned, Reversal, Tally};
pub(crate) use read::{came_back, order_of_event};
pub use read::{cancellation_document, event_document, return_document};
pub use receipt::{ReturnReceipt, ReturnedLine, receipt};

/// Most returns of one order: it bounds the order's item.
pub const RETURNS_MAX: usize = 500;

/// Goods of an order that came back: `POST /v1/orders/{source}/{order_id}/returns`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReturnLine {
    /// The order's line.
    pub line_id: LineId,
    /// Units, more than zero.
    pub quantity: u64,
}

/// The cancellation of a whole order: `POST /v1/orders/{source}/{order_id}/cancellation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// What is to come off an order, found to be possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taking {
    /// By what.
    pub key: ReturnKey,
    /// Hash of what was stated.
    pub content_hash: [u8; 32],
    /// Units off each line, at most what is kept of it.
    pub lines: Vec<(LineId, u64)>,
    /// Units stated beyond what is left.
    pub excess_units: u64,
    /// Who stated it, where that is not who asks now: it waited for its order.
    pub stated_by: Option<String>,
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
    /// What it is kept under.
    pub fn key(&self) -> ReturnKey {
        match self {
            Self::Return(document) => ReturnKey::Return(document.return_id.clone()),
            Self::Cancellation(_) => ReturnKey::Cancellation,
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
/// stated amount, less that share of its discount. Rounded half up once for the line, so that fewer units never come to
/// more.
pub fn kept_amount(line: &OrderLine, kept: u64, currency: Currency) -> Result<Minor, Overflow> {
    amount_less(line, kept, line.discount, currency)
}

/// The same with another discount, which may be below zero.
pub(crate) fn amount_less(line: &OrderLine, kept: u64, off: Minor, currency: Currency) -> Result<Minor, Overflow> {
    let is_whole = kept == line.quantity;
    match line.price {
        LinePrice::UnitPrice(price) if is_whole => price.times(kept, currency)?.minus(off),
        LinePrice::UnitPrice(price) => price.share_less(kept, line.quantity, off, currency),
        LinePrice::Amount(amount) if is_whole => amount.minus(off),
        LinePrice::Amount(amount) => amount.minus(off)?.share(kept, line.quantity),
    }
}

impl ScoredOrder {
    /// Units of each line that are still kept: of a cancelled order none, and none of a line that an amendment made
    /// smaller than what had come back of it.
    pub fn kept_units(&self) -> Vec<u64> {
        if self.history.returns.is_empty() {
            return self.order.lines.iter().map(|line| line.quantity).collect();
        }
        let mut kept = KeptUnits::of(&self.order);
        self.history.returns.iter().for_each(|returned| kept.less(returned));
        kept.units
    }

    /// Units of all lines that are still kept.
    pub fn units_kept(&self) -> u64 {
        self.kept_units().into_iter().fold(0, u64::saturating_add)
    }

    /// How many discounts it counts for: those that it names now, unless that was not noted yet when it was scored.
    pub fn discounts_counted(&self) -> u64 {
        if self.has_given_discounts_back() { 0 } else { discount::count(&self.current().taken_off) }
    }

    /// What the discounts that it used took off what is kept of it.
    pub fn discount_value(&self, kept: &Kept, program: &Program) -> Result<Minor, Overflow> {
        if self.has_given_discounts_back() {
            return Ok(Minor::ZERO);
        }
        let taken_off = &self.current().taken_off;
        if taken_off.is_empty() {
            return Ok(Minor::ZERO);
        }
        let all = Basket::whole(program, &self.order)?.eligible_paid;
        discount::value(kept.eligible_paid, all, taken_off)
    }

    /// Whether it qualified the redemption that its account came by.
    pub fn qualified_referral(&self) -> bool {
        self.current().qualified_referral
    }

    /// Whether it was cancelled: then nothing of it counts any more.
    pub fn is_cancelled(&self) -> bool {
        self.returned(&ReturnKey::Cancellation).is_some()
    }

    /// The return of that key, or the cancellation.
    pub fn returned(&self, key: &ReturnKey) -> Option<&Returned> {
        self.history.returns.iter().find(|returned| returned.key == *key)
    }
}

/// What is kept of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// What the kept units of all lines come to.
    pub total: Minor,
    /// What those of the eligible lines come to.
    pub eligible: Minor,
    /// What of that is paid in money.
    pub eligible_paid: Minor,
}

/// What the units that are still kept of an order come to.
pub fn totals(scored: &ScoredOrder, program: &Program) -> Result<Kept, Overflow> {
    let kept = Basket::kept(program, &scored.order, &scored.kept_units())?;
    let Basket { revenue, eligible, eligible_paid, .. } = kept;
    Ok(Kept { total: revenue, eligible, eligible_paid })
}

/// Points that an order is due by its newest statement, as far as it is kept.
///
/// What a return has taken back once, no later return gives again, though less of an order may earn more where rules
/// stop or outdo each other: it is the least of what was due before the returns and after each of them.
///
/// Where less may earn more, that is as many judgements as there are returns; the rules' lists are looked through once.
pub fn due(scored: &ScoredOrder, program: &Program) -> Result<Points, Overflow> {
    if program.earning.is_monotone() {
        return earns(scored, &scored.kept_units(), program);
    }
    let (known, admitted) = (Known::Scored(&scored.score), Admitted::of(program, &scored.order));
    let mut kept = KeptUnits::of(&scored.order);
    let earns = |units: &[u64]| {
        let basket = Basket::kept(program, &scored.order, units)?.knowing(&admitted);
        earning::points(program, &basket, &known)
    };
    let mut least = earns(&kept.units)?;
    for returned in &scored.history.returns {
        kept.less(returned);
        least = least.min(earns(&kept.units)?);
    }
    Ok(least)
}

/// Points for so many units of each line of an order, by its own version and what its account decided for it.
fn earns(scored: &ScoredOrder, units: &[u64], program: &Program) -> Result<Points, Overflow> {
    let basket = Basket::kept(program, &scored.order, units)?;
    earning::points(program, &basket, &Known::Scored(&scored.score))
}

/// What taking something of an order back is decided on besides the order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Undoing<'a> {
    /// What the codes are that it used, as far as they may come back.
    pub used: &'a [NamedCode],
    /// The program version of the order.
    pub program: &'a Program,
    /// The instant decided at.
    pub now: Instant,
}

/// Carries a return or a cancellation out on the account and its order, both already at `now`.
pub(crate) fn apply(
    account: &mut Account,
    scored: &mut ScoredOrder,
    reversing: &Reversing,
    excess: Excess,
    stated_by: Option<&str>,
    undoing: &Undoing<'_>,
) -> Result<Vec<Change>, Rejection> {
    let (lines, excess_units) = lines_taken(scored, reversing, excess)?;
    let (key, content_hash) = (reversing.key(), reversing.content_hash());
    let stated_by = stated_by.map(str::to_owned);
    take_back(account, scored, Taking { key, content_hash, lines, excess_units, stated_by }, undoing)
}

/// Takes units off an order, and back what they gave.
pub(crate) fn take_back(
    account: &mut Account,
    scored: &mut ScoredOrder,
    taking: Taking,
    undoing: &Undoing<'_>,
) -> Result<Vec<Change>, Rejection> {
    let Undoing { used, program, now } = *undoing;
    // The cancellation ends an order, whatever came before it.
    if scored.history.returns.len() >= RETURNS_MAX && taking.key != ReturnKey::Cancellation {
        return Err(Rejection::TooManyReturns);
    }
    let currency = scored.order.currency;
    let before = totals(scored, program)?;
    let aside = qualification::aside(scored, program)?;
    let (kept_before, counted_before) = (scored.units_kept(), scored.discounts_counted());
    let value_before = scored.discount_value(&before, program)?;
    scored.history.returns.push(Returned {
        key: taking.key.clone(),
        content_hash: taking.content_hash,
        decided_at: now,
        entry: account.version.checked_add(1).ok_or(Overflow)?,
        lines: taking.lines,
        units: 0,
        excess_units: taking.excess_units,
        eligible: Minor::ZERO,
        reversal: Reversal::default(),
        came_back: CameBack::default(),
        balance: Points::ZERO,
    });
    // What paid for the goods comes first: what they earned may be taken out of it.
    let mut restored = Vec::new();
    let points_back = uses::restore(account, scored, program, now, &mut restored)?;
    let codes_back = uses::give_discounts_back(account, scored, used, program, now, &mut restored);

    let after = totals(scored, program)?;
    let units = kept_before.saturating_sub(scored.units_kept());
    let eligible = before.eligible.minus(after.eligible)?;
    let month = program.calendar.month(scored.order.placed_at);
    let discount_value = value_before.minus(scored.discount_value(&after, program)?)?;
    let discounts_used = counted_before.saturating_sub(scored.discounts_counted());
    let credited = scored.history.tally.credited()?;
    // As [`due`] says: no return gives.
    let kept = earns(scored, &scored.kept_units(), program)?.min(credited);
    let reversal = reverse(account, scored, credited.minus(kept)?, program, now)?;
    scored.history.tally.settle(&reversal)?;
    let revenue = before.total.minus(after.total)?;
    let aside = [aside, qualification::aside(scored, program)?];
    let back = Giveback { month, units, revenue, eligible, discounts_used, discount_value, aside };
    account.activity.give_back(&back)?;
    account.lifetime.give_back(&back)?;
    if let Some(returned) = scored.history.returns.last_mut() {
        returned.units = units;
        returned.eligible = eligible;
        returned.reversal = reversal;
        returned.came_back = CameBack { codes: codes_back.codes, codes_ended: codes_back.codes_ended, ..points_back };
        returned.balance = account.holdings.available()?;
    }
    let mut changes = vec![Change::Order(OrderChange::Returned {
        order: scored.order.key.clone(),
        by: taking.key,
        eligible: Money { amount: eligible, currency },
        units: Some(units),
        kept: Some(Money { amount: after.eligible, currency }),
        keeps: Some(kept),
        excess_units: taking.excess_units,
        stated_by: taking.stated_by,
    })];
    changes.extend(restored);
    changes.extend(reversal.change()?);
    Ok(changes)
}

/// Units that come off each line, and those stated beyond what is left.
fn lines_taken(
    scored: &ScoredOrder,
    reversing: &Reversing,
    excess: Excess,
) -> Result<(Vec<(LineId, u64)>, u64), Rejection> {
    let kept = scored.kept_units();
    let lines = scored.order.lines.iter().zip(&kept);
    let Reversing::Return(document) = reversing else {
        // All that is left: the key alone says so, and takes no room that an order full of returns might not have.
        return Ok((Vec::new(), 0));
    };
    let left_of: BTreeMap<&LineId, u64> = lines.map(|(line, left)| (&line.line_id, *left)).collect();
    let (mut taken, mut beyond, mut faults) = (Vec::new(), 0_u64, read::line_faults());
    for (index, stated) in document.lines.iter().enumerate() {
        let found = left_of.get(&stated.line_id).copied();
        let left = found.unwrap_or(0);
        let units = stated.quantity.min(left);
        if stated.quantity > left && excess == Excess::Refused {
            faults.note(index, found.is_some(), left);
        }
        beyond = beyond.saturating_add(stated.quantity.saturating_sub(units));
        if units > 0 {
            taken.push((stated.line_id.clone(), units));
        }
    }
    faults.into_result()?;
    Ok((taken, beyond))
}

/// When the points of an order end, as things stand; `None`: they have ended, spent or not.
pub(crate) fn end_now(account: &Account, scored: &ScoredOrder, program: &Program, now: Instant) -> Option<End> {
    let (stated, decided_at) = (scored.score.expires_at, scored.score.decided_at);
    program.points.expiry.end_now(&account.holdings, stated, decided_at, now)
}

/// Takes back `points` of an order, if that is more than none: those that wait for its payment, then what the account
/// still has, then by the program's policy. Of an order whose lot has ended nothing is taken but what still waits.
pub(crate) fn reverse(
    account: &mut Account,
    scored: &ScoredOrder,
    points: Points,
    program: &Program,
    now: Instant,
) -> Result<Reversal, Overflow> {
    let mut reversal = Reversal::default();
    if points <= Points::ZERO {
        return Ok(reversal);
    }
    let unpaid = points.min(scored.unpaid(program)?);
    account.holdings.take_unpaid(unpaid)?;
    let left = points.minus(unpaid)?;
    match end_now(account, scored, program, now) {
        None => reversal.lapsed = left,
        Some(end) => {
            let available_at = program.calendar.start_of_day_after(scored.order.placed_at, program.points.pending_days);
            reversal.taken = account.holdings.take(left, Some(Own { available_at, end }))?;
            let short = left.minus(reversal.taken.total()?)?;
            let Short { owed, unrecovered } = account.shortfall(program).book(&mut account.holdings, short)?;
            (reversal.owed, reversal.unrecovered) = (owed, unrecovered);
        }
    }
    reversal.taken.pending = reversal.taken.pending.plus(unpaid)?;
    account.lifetime.unrecovered = account.lifetime.unrecovered.plus(reversal.unrecovered)?;
    account.lifetime.reversed = account.lifetime.reversed.plus(reversal.reversed()?)?;
    Ok(reversal)
}

/// Decides a return or a cancellation of a stored order; `redemption` is what the order had qualified, `used` is what
/// [`ScoredOrder::codes_to_give_back`] are.
pub fn decide(
    account: &Account,
    scored: &ScoredOrder,
    reversing: &Reversing,
    used: &[NamedCode],
    redemption: Option<&Redemption>,
    context: &Context<'_>,
) -> Result<Decision<Arc<ScoredOrder>>, Rejection> {
    if reversing.at() < scored.order.placed_at {
        return Err(Rejection::ReturnedBeforeOrder { field: reversing.date_field() });
    }
    reversing.check_date(context.now)?;
    let version = context.schedule.version(scored.score.program_version).ok_or(Rejection::UnknownOrder)?;
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let mut after = scored.clone();
    let excess = if scored.is_cancelled() { Excess::Noted } else { Excess::Refused };
    let undoing = Undoing { used, program: &version.program, now: context.now };
    changes.extend(apply(&mut account, &mut after, reversing, excess, None, &undoing)?);
    let (followed, noted) = referral::follow(&mut account, &after, redemption, &version.program, context)?;
    changes.extend(noted);
    after.version = scored.version.checked_add(1).ok_or(Overflow)?;
    let after = Arc::new(after);
    let mut writes = vec![Write::Put(Record::Order(after.clone()), Guard::Version(scored.version))];
    let cause = reversing.cause(&scored.order.key);
    writes.extend(decision::commit(account, cause, changes, version.version, context)?);
    writes.extend(uses::released(&after, scored, used).into_iter().chain(followed));
    Ok(Decision { writes, answer: after })
}

/// The answer to a return or cancellation that was carried out before: the first one for the same content, otherwise
/// that it differs. `None`: it is new.
pub fn repeat(scored: &ScoredOrder, reversing: &Reversing) -> Option<Result<(), Rejection>> {
    let earlier = scored.returned(&reversing.key())?;
    if earlier.content_hash == reversing.content_hash() {
        return Some(Ok(()));
    }
    Some(Err(Rejection::ContentDiffers { paths: vec!["$".to_owned()] }))
}

#[cfg(test)]
mod tests;
