//! What an order uses of its account's, discounts and points, and what of that comes back.
//!
//! Points that pay an order are spent out of the lots that end first, and remembered with these. Where goods come back,
//! so do the points that paid for them: those that were taken last come back first, each part into the lot that it was
//! of, and one whose end has gone by meanwhile comes back ended. How many are still spent follows from what is kept of
//! the order alone, so that the same goods that come back in any number of parts give back the same points. Discounts
//! come back whole, once the order is undone, as its program says.

use crate::account::Account;
use crate::code::Code;
use crate::decision::{Rejection, Write};
use crate::id::ReservationId;
use crate::ledger::{Change, PointsChange};
use crate::lots::{Restored, SpentLot};
use crate::money::{self, Minor, Overflow, Points};
use crate::named_code::NamedCode;
use crate::order::Order;
use crate::program::{Exchange, GivenBack, Program};
use crate::reservation::Reservation;
use crate::returns::ReturnKey;
use crate::score::ScoredOrder;
use crate::time::Instant;

/// What an order used, beyond the codes that it names itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// The reservation that it used, and what that had brought it.
    pub reserved: Option<Reserved>,
    /// All codes that it used: those that it names, or those of its reservation.
    pub codes: Vec<Code>,
    /// Points that pay a part of it by its newest statement.
    pub points: Points,
    /// What these were worth then.
    pub value: Minor,
    /// Of these, what is still spent, in the order in which it was taken.
    pub spent: Vec<SpentLot>,
    /// The order was undone and its discounts were given back.
    pub discounts_given_back: bool,
}

/// What a reservation brought an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// Which.
    pub id: ReservationId,
    /// Its codes.
    pub codes: Vec<Code>,
    /// Its points.
    pub points: Points,
}

/// Why points cannot pay a part of an order, however many the account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointsUnusable {
    /// The program does not say what they are worth.
    NoExchange,
    /// One order takes no fewer.
    BelowMinimum {
        /// How many it takes at least.
        minimum: Points,
    },
    /// One order takes no more.
    AboveMaximum {
        /// How many it takes at most.
        maximum: Points,
    },
    /// They are worth more than the goods that they may pay for.
    AboveGoods,
}

/// What came back of an order's uses with one return of it, or with its cancellation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CameBack {
    /// Points, those included that came back ended.
    pub points: Points,
    /// How many of them came back ended: their end has gone by.
    pub points_expired: Points,
    /// How many of them repaid what the account owes.
    pub points_repaid: Points,
    /// Codes that can be used again.
    pub codes: Vec<Code>,
    /// Codes that came back ended, or withdrawn.
    pub codes_ended: Vec<Code>,
}

impl CameBack {
    /// What came back, in plain English.
    pub(crate) fn sentences(&self) -> impl Iterator<Item = String> {
        let parts = [
            (self.points, "that had paid for it were given back"),
            (self.points_repaid, "of these repaid points that were owed"),
            (self.points_expired, "of these had ended meanwhile"),
        ];
        let points = parts.into_iter().filter(|(points, _)| *points > Points::ZERO);
        let points = points.map(|(points, words)| format!("{points} points {words}"));
        let codes = [(&self.codes, "can be used again"), (&self.codes_ended, "came back ended")];
        let listed = |codes: &[Code]| codes.iter().map(Code::as_str).collect::<Vec<_>>().join(", ");
        let codes = codes.into_iter().filter(|(codes, _)| !codes.is_empty());
        let codes: Vec<_> = codes.map(|(codes, words)| format!("{} {words}", listed(codes))).collect();
        points.chain(codes)
    }

    /// Whether nothing did.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// The codes that a first statement of an order uses: those that it names, or, where it names none, those of its
/// reservation.
pub fn codes<'a>(order: &'a Order, reservation: Option<&'a Reservation>) -> &'a [Code] {
    match reservation.filter(|_| order.leaves_codes()) {
        Some(reservation) => &reservation.receipt.discount_codes,
        None => &order.discount_codes,
    }
}

impl ScoredOrder {
    /// All codes that it used by its newest statement.
    pub fn codes_used(&self) -> &[Code] {
        self.history.uses.as_ref().map_or(&self.order.discount_codes, |uses| &uses.codes)
    }

    /// The codes that it uses: of one that gave them back, none.
    pub fn codes_in_use(&self) -> &[Code] {
        if self.has_given_discounts_back() { &[] } else { self.codes_used() }
    }

    /// The reservation that it used.
    pub(crate) fn reservation_used(&self) -> Option<ReservationId> {
        self.reserved().map(|reserved| reserved.id)
    }

    fn reserved(&self) -> Option<&Reserved> {
        self.history.uses.as_ref().and_then(|uses| uses.reserved.as_ref())
    }

    /// The codes that a newer statement of it uses: one that names none leaves those that a reservation brought, whatever
    /// another had named meanwhile.
    pub fn codes_of<'a>(&'a self, newer: &'a Order) -> &'a [Code] {
        match self.reserved().filter(|_| newer.leaves_codes()) {
            Some(reserved) => &reserved.codes,
            None => &newer.discount_codes,
        }
    }

    /// Points that pay a newer statement of it: one that states none leaves those that a reservation brought.
    pub(crate) fn points_of(&self, newer: &Order) -> Points {
        let brought = self.reserved().map_or(Points::ZERO, |reserved| reserved.points);
        newer.points.unwrap_or(brought)
    }

    /// Points that are still spent on it.
    pub fn points_spent(&self) -> Result<Points, Overflow> {
        let spent = self.history.uses.iter().flat_map(|uses| &uses.spent);
        Points::sum(spent.map(|part| part.points))
    }

    /// Whether its discounts were given back.
    pub(crate) fn has_given_discounts_back(&self) -> bool {
        self.history.uses.as_ref().is_some_and(|uses| uses.discounts_given_back)
    }

    /// Whether it is undone so far that its discounts are given back.
    pub(crate) fn gives_discounts_back(&self, program: &Program) -> bool {
        match program.checkout.discounts_given_back {
            GivenBack::Cancelled => self.is_cancelled(),
            GivenBack::Returned => self.is_cancelled() || self.units_kept() == 0,
            GivenBack::Never => false,
        }
    }

    /// The codes whose records must be known to carry out what takes something of it back.
    pub fn codes_to_give_back(&self, by: &ReturnKey, program: &Program) -> &[Code] {
        let may = match program.checkout.discounts_given_back {
            GivenBack::Cancelled => *by == ReturnKey::Cancellation,
            GivenBack::Returned => true,
            GivenBack::Never => false,
        };
        if may && !self.has_given_discounts_back() { self.codes_used() } else { &[] }
    }

    /// Notes which codes its newest statement uses, or would, were it not undone.
    pub(crate) fn note_codes(&mut self, codes: Vec<Code>, undone: bool) {
        let uses = self.uses_mut();
        uses.discounts_given_back = undone && !codes.is_empty();
        uses.codes = codes;
        self.tidy_uses();
    }

    /// Leaves out what the order says itself.
    fn tidy_uses(&mut self) {
        let said = Uses { codes: self.order.discount_codes.clone(), ..Uses::default() };
        self.history.uses.take_if(|uses| *uses == said);
    }

    fn uses_mut(&mut self) -> &mut Uses {
        let codes = || self.order.discount_codes.clone();
        self.history.uses.get_or_insert_with(|| Uses { codes: codes(), ..Uses::default() })
    }
}

/// Spends points on an order; answers out of which lots. What is held for something else cannot be spent.
pub(crate) fn spend(
    account: &mut Account,
    points: Points,
    program: &Program,
    spent_at: Instant,
) -> Result<Result<Vec<SpentLot>, Points>, Overflow> {
    let spendable = account.spendable()?;
    if spendable < points {
        return Ok(Err(points.minus(spendable)?));
    }
    let spent = account.holdings.spend(points)?;
    if spent.is_ok() {
        account.spending.spend(program.calendar.month(spent_at), points)?;
    }
    Ok(spent)
}

/// What points of an order are worth that states them itself, if the program admits so many.
pub(crate) fn value_of_stated(
    points: Points,
    account: &Account,
    exchange: Option<&Exchange>,
    (order, program): (&Order, &Program),
) -> Result<Minor, Rejection> {
    let exchange = exchange.ok_or(Rejection::PointsUnusable(PointsUnusable::NoExchange))?;
    if points < exchange.minimum {
        return Err(Rejection::PointsUnusable(PointsUnusable::BelowMinimum { minimum: exchange.minimum }));
    }
    if let Some(maximum) = exchange.maximum.filter(|maximum| points > *maximum) {
        return Err(Rejection::PointsUnusable(PointsUnusable::AboveMaximum { maximum }));
    }
    let value = exchange.worth(points, &account.tier)?.amount;
    if value > prices(order, program)? {
        return Err(Rejection::PointsUnusable(PointsUnusable::AboveGoods));
    }
    Ok(value)
}

/// What the goods of an order come to that points may pay for, before anything is taken off.
fn prices(order: &Order, program: &Program) -> Result<Minor, Overflow> {
    let open = order.lines.iter().filter(|line| !program.excluded_skus.contains(&line.sku));
    let prices: Vec<_> = open.map(|line| line.amount(order.currency)?.plus(line.discount)).collect::<Result<_, _>>()?;
    Minor::sum(prices)
}

/// How many of an order's points are still spent on what is kept of it: in proportion to what its lines say was paid
/// with points, or, where none says so, to what they came to, or at least to their prices. Rounded half up once.
fn still_spent(scored: &ScoredOrder, points: Points, program: &Program) -> Result<Points, Overflow> {
    if points == Points::ZERO {
        return Ok(points);
    }
    let order = &scored.order;
    let weights = weights(order, program)?;
    let (mut whole, mut kept) = (Minor::ZERO, Minor::ZERO);
    for ((line, weight), units) in order.lines.iter().zip(weights).zip(scored.kept_units()) {
        whole = whole.plus(weight)?;
        kept = kept.plus(weight.share(units, line.quantity)?)?;
    }
    if whole == Minor::ZERO {
        return Ok(if scored.units_kept() == 0 { Points::ZERO } else { points });
    }
    let product = i128::from(points.0).checked_mul(kept.0.into()).ok_or(Overflow)?;
    Points::narrow(money::div_half_up(product, whole.0.into())?)
}

fn weights(order: &Order, program: &Program) -> Result<Vec<Minor>, Overflow> {
    let stated = order.lines.iter().map(|line| line.paid_with_points);
    if order.lines.iter().any(|line| line.paid_with_points > Minor::ZERO) {
        return Ok(stated.collect());
    }
    // Points pay for none of what the program leaves out.
    let open = |worth: &dyn Fn(&crate::order::OrderLine) -> Result<Minor, Overflow>| {
        let lines = order.lines.iter();
        let worth = lines.map(|line| match program.excluded_skus.contains(&line.sku) {
            true => Ok(Minor::ZERO),
            false => worth(line),
        });
        worth.collect::<Result<Vec<_>, _>>()
    };
    let paid = open(&|line| line.amount(order.currency))?;
    match paid.iter().all(|amount| *amount == Minor::ZERO) {
        true => open(&|line| line.amount(order.currency)?.plus(line.discount)),
        false => Ok(paid),
    }
}

/// Brings the points that are spent on an order to what is kept of it, where that is fewer than are; answers what came
/// back.
pub(crate) fn restore(
    account: &mut Account,
    scored: &mut ScoredOrder,
    program: &Program,
    now: Instant,
    changes: &mut Vec<Change>,
) -> Result<CameBack, Overflow> {
    let Some(points) = scored.history.uses.as_ref().map(|uses| uses.points) else { return Ok(CameBack::default()) };
    let (due, spent) = (still_spent(scored, points, program)?, scored.points_spent()?);
    let back = spent.minus(due)?;
    if back <= Points::ZERO {
        return Ok(CameBack::default());
    }
    let parts = unspend(&mut scored.uses_mut().spent, back)?;
    let spent_at = scored.score.decided_at;
    let Restored { repaid, ended } = account.holdings.restore(&parts, spent_at, now)?;
    account.spending.give_back(program.calendar.month(spent_at), back)?;
    changes.push(Change::Points(PointsChange::Restored { points: back }));
    if repaid > Points::ZERO {
        changes.push(Change::Points(PointsChange::Repaid { points: repaid }));
    }
    for lot in &ended {
        account.lifetime.expired = account.lifetime.expired.plus(lot.points)?;
        changes.push(Change::Points(PointsChange::Expired { points: lot.points, expired_at: lot.expires_at }));
    }
    let points_expired = Points::sum(ended.iter().map(|lot| lot.points))?;
    Ok(CameBack { points: back, points_expired, points_repaid: repaid, ..CameBack::default() })
}

/// Takes so many of what was spent off it, what was taken last first, and answers them.
fn unspend(spent: &mut Vec<SpentLot>, points: Points) -> Result<Vec<SpentLot>, Overflow> {
    let (mut left, mut parts) = (points, Vec::new());
    while let Some(last) = spent.last_mut().filter(|_| left > Points::ZERO) {
        let part = last.points.min(left);
        parts.push(SpentLot { points: part, ..*last });
        (left, last.points) = (left.minus(part)?, last.points.minus(part)?);
        if last.points == Points::ZERO {
            spent.pop();
        }
    }
    Ok(parts)
}

/// Brings the points that are spent on an order to what a newer statement of it says; what is more is spent now.
pub(crate) fn amend(
    account: &mut Account,
    scored: &mut ScoredOrder,
    stated: Points,
    exchange: Option<&Exchange>,
    program: &Program,
    now: Instant,
    changes: &mut Vec<Change>,
) -> Result<(), Rejection> {
    let before = scored.history.uses.as_ref().map_or(Points::ZERO, |uses| uses.points);
    if stated != before {
        let value = if stated > Points::ZERO {
            value_of_stated(stated, account, exchange, (&scored.order, program))?
        } else {
            Minor::ZERO
        };
        let uses = scored.uses_mut();
        (uses.points, uses.value) = (stated, value);
    }
    // What had come back and is bought again is paid again, as far as it is there; what is stated beyond it must be.
    let more = still_spent(scored, stated, program)?.minus(scored.points_spent()?)?;
    let again = more.min(account.spendable()?).max(Points::ZERO);
    let more = more.min(again.max(stated.minus(before)?));
    if more > Points::ZERO {
        let spent = spend(account, more, program, scored.score.decided_at)?;
        let spent = spent.map_err(|missing| Rejection::NotEnoughPoints { missing })?;
        scored.uses_mut().spent.extend(spent);
        changes.push(Change::Points(PointsChange::Spent { points: more }));
    }
    restore(account, scored, program, now, changes)?;
    scored.tidy_uses();
    Ok(())
}

/// Gives back the discounts that an order used, if it is undone so far and they were not given back before. `used` is
/// what its codes are.
pub(crate) fn give_discounts_back(
    account: &mut Account,
    scored: &mut ScoredOrder,
    used: &[NamedCode],
    program: &Program,
    now: Instant,
    changes: &mut Vec<Change>,
) -> CameBack {
    let mut back = CameBack::default();
    if scored.codes_used().is_empty() || scored.has_given_discounts_back() || !scored.gives_discounts_back(program) {
        return back;
    }
    scored.uses_mut().discounts_given_back = true;
    for named in in_use(scored, used) {
        let codes = if named.release(account, now, changes) { &mut back.codes } else { &mut back.codes_ended };
        codes.push(named.code().clone());
    }
    back
}

/// What is written of the discounts that an order had used and gave back.
pub(crate) fn released(scored: &ScoredOrder, before: &ScoredOrder, used: &[NamedCode]) -> Vec<Write> {
    if !scored.has_given_discounts_back() || before.has_given_discounts_back() {
        return Vec::new();
    }
    in_use(scored, used).flat_map(|named| named.released(&scored.order.account_id)).collect()
}

/// Of what the codes of an order are, what it has used.
fn in_use<'a>(scored: &ScoredOrder, used: &'a [NamedCode]) -> impl Iterator<Item = &'a NamedCode> {
    let named = scored.codes_used().iter().filter_map(|code| NamedCode::find(used, code));
    let named: Vec<_> = named.filter(|named| named.is_used_by(&scored.order.key)).collect();
    named.into_iter()
}
