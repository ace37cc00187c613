//! Reservations: what a buyer's cart is to use is held while it is paid.
//!
//! A reservation is made of a cart, at the very numbers that a quote of it has: the discounts that are applied and the
//! points that pay are held ([`crate::hold`]) until the order comes that names it, until it is given up, or until its
//! time is over. It promises what the account itself has. Codes that are shared among accounts are noted, and taken by
//! the order: that may be refused them.
//!
//! The record of a reservation never changes, so whether it still holds anything is the account's to say.

use crate::account::{Account, Status};
use crate::advance;
use crate::code::Code;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::hold::{HOLDS_MAX, Hold, covered_until};
use crate::id::{AccountId, ReservationId};
use crate::idempotency::{CommandKey, hexadecimal};
use crate::ledger::{Cause, Change, HoldChange};
use crate::money::{Money, Overflow, Points};
use crate::quote::{self, Cart, QuoteState, Totals};
use crate::schedule::Schedule;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

impl ReservationId {
    /// That of a command, by its key.
    pub fn of_command(key: &CommandKey) -> Self {
        Self::of_bits(key.bits("reservation"))
    }
}

/// A reservation as it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The answer that was given about it.
    #[serde(flatten)]
    pub receipt: ReservationReceipt,
    /// Hash of the cart, in hexadecimal: what tells a repeat from another use of its key.
    pub content_hash: String,
}

/// The answer to a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReservationReceipt {
    /// What an order names to use it.
    pub reservation_id: ReservationId,
    /// Whose.
    pub account_id: AccountId,
    /// When it was made.
    pub reserved_at: Instant,
    /// The first instant at which it holds nothing any more.
    pub expires_at: Instant,
    /// The program version that said so.
    pub program_version: u32,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// Codes that the order uses.
    pub discount_codes: Vec<Code>,
    /// Points that the order spends.
    pub points: Points,
    /// What they pay.
    pub points_value: Money,
    /// What the cart comes to.
    pub totals: Totals,
}

/// Whether a reservation holds anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// It does.
    Open,
    /// Its time was over before anything used it, or it was used or given up before.
    Ended,
}

/// The answer about a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReservationAnswer {
    /// What was answered when it was made.
    #[serde(flatten)]
    pub receipt: ReservationReceipt,
    /// Whether it still holds anything.
    pub state: ReservationState,
}

impl Reservation {
    /// The first answer, if the same was asked for; otherwise that the key was used for something else.
    pub fn repeat(&self, cart: &Cart) -> Result<ReservationReceipt, Rejection> {
        match self.content_hash == hexadecimal(cart.content_hash()) && self.receipt.account_id == *cart.account_id() {
            true => Ok(self.receipt.clone()),
            false => Err(Rejection::KeyReused),
        }
    }

    /// Whether it still holds anything at `now`.
    pub fn state(&self, account: Option<&Account>, schedule: &Schedule, now: Instant) -> ReservationState {
        let advanced = account.and_then(|account| advance::advance(schedule, account, now).ok());
        let is_open = advanced.is_some_and(|(account, _)| account.holds.iter().any(|hold| self.is(hold)));
        if is_open { ReservationState::Open } else { ReservationState::Ended }
    }

    fn is(&self, hold: &Hold) -> bool {
        hold.entry == self.receipt.entry
    }

    /// Lets go of what it holds on an account that is already at now.
    pub(crate) fn let_go(&self, account: &mut Account) -> Result<Hold, Rejection> {
        if account.id != self.receipt.account_id {
            return Err(Rejection::UnknownReservation);
        }
        account.let_go(self.receipt.entry).ok_or(Rejection::ReservationEnded)
    }
}

/// Holds what a cart is to use; `state` is what a quote of it is made of.
pub fn reserve(
    state: &QuoteState,
    cart: &Cart,
    reservation_id: ReservationId,
    context: &Context<'_>,
) -> Result<Decision<ReservationReceipt>, Rejection> {
    let account = state.account.as_ref().ok_or(Rejection::UnknownAccount)?;
    if account.status != Status::Active {
        return Err(Rejection::AccountNotActive(account.status));
    }
    let taken = quote::taken(state, cart, context)?;
    if taken.codes.is_empty() && taken.points == Points::ZERO {
        return Err(Rejection::NothingToReserve);
    }
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    if account.holds.len() >= HOLDS_MAX {
        let earliest = account.holds.iter().map(|hold| hold.until).min();
        return Err(Rejection::TooManyReservations { until: earliest.unwrap_or(context.now) });
    }
    let activation = context.schedule.at(context.now);
    let entry = account.version.checked_add(1).ok_or(Overflow)?;
    let own: Vec<_> = account.discounts.iter().filter(|open| taken.codes.contains(&open.code)).collect();
    let minutes = i64::from(activation.program.checkout.hold_minutes);
    let needed = if taken.points > Points::ZERO { account.points_held()?.plus(taken.points)? } else { Points::ZERO };
    let shared = state.shared.iter().filter(|shared| taken.codes.contains(&shared.code.code));
    let ends = own.iter().map(|open| open.expires_at).chain(shared.filter_map(|shared| shared.code.terms.until));
    let ends = ends.chain(covered_until(account.holdings.lots(), needed)?);
    let planned = context.now.plus_ms(minutes.saturating_mul(MINUTE_MS));
    let until = ends.fold(planned, Instant::min);
    let codes: Vec<_> = own.into_iter().map(|open| open.code.clone()).collect();
    account.holds.push(Hold { entry, until, points: taken.points, codes: codes.clone() });
    changes.push(Change::Hold(HoldChange::Made { reservation_id, codes, points: taken.points, until }));
    let receipt = ReservationReceipt {
        reservation_id,
        account_id: account.id.clone(),
        reserved_at: context.now,
        expires_at: until,
        program_version: activation.version,
        entry,
        discount_codes: taken.codes,
        points: taken.points,
        points_value: taken.points_value,
        totals: taken.totals,
    };
    let record = Reservation { receipt: receipt.clone(), content_hash: hexadecimal(cart.content_hash()) };
    let mut writes = vec![Write::Put(Record::Reservation(Box::new(record)), Guard::Absent)];
    let cause = Cause::Reserved { reservation_id };
    writes.extend(decision::commit(account, cause, changes, activation.version, context)?);
    Ok(Decision { writes, answer: receipt })
}

/// Gives a reservation up. One that holds nothing any more is left as it is: nothing is written.
pub fn release(account: &Account, reservation: &Reservation, context: &Context<'_>) -> Result<Decision<()>, Rejection> {
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let Ok(hold) = reservation.let_go(&mut account) else { return Ok(Decision { writes: Vec::new(), answer: () }) };
    let reservation_id = reservation.receipt.reservation_id;
    changes.push(Change::Hold(HoldChange::Released { reservation_id, points: hold.points }));
    let version = context.schedule.at(context.now).version;
    let cause = Cause::ReservationReleased { reservation_id };
    let writes = decision::commit(account, cause, changes, version, context)?.into();
    Ok(Decision { writes, answer: () })
}
