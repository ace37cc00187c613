//! One step of a credit note.

use super::{CreditNote, Search, State};
use crate::account::Account;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::id::ReturnId;
use crate::ledger::{Cause, Change, OrderChange};
use crate::membership::admission;
use crate::money::Overflow;
use crate::named_code::NamedCode;
use crate::referral::{self, Redemption};
use crate::returns::{self, ReturnKey, Taking, Undoing};
use crate::schedule::Activation;
use crate::score::{FUTURE_MS_MAX, ScoredOrder};
use crate::uses;
use std::sync::Arc;

/// What was found for the next step of a credit note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The order that gives something, if any.
    pub order: Option<Arc<ScoredOrder>>,
    /// What that order had qualified.
    pub redemption: Option<Redemption>,
    /// What [`ScoredOrder::codes_to_give_back`] of it are.
    pub used: Vec<NamedCode>,
    /// Where the search goes on: as [`Search::before`].
    pub search: Search,
}

impl Found {
    /// No order.
    pub fn nothing(search: Search) -> Self {
        Self { order: None, redemption: None, used: Vec::new(), search }
    }
}

/// What a credit note can do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<L> {
    /// Nothing: it is done.
    Nothing,
    /// Wait until this credit note of the account is done.
    Wait(ReturnId),
    /// Look for an order.
    Look(L),
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The credit note after it.
    pub note: CreditNote,
    /// It was not known before.
    pub is_new: bool,
    /// The credit note of the account that must be done first.
    pub first: Option<ReturnId>,
}

impl CreditNote {
    /// What its next step does: it looks on where it stopped, or where it would begin with the account as it is.
    pub fn next(&self, account: Option<&Account>, activation: &Activation) -> Next<Search> {
        let open = account.and_then(|account| account.credit_note.as_ref());
        let search = || self.search.unwrap_or_else(|| Search::begin(account, self.returned_at, activation));
        match (self.state, open) {
            (State::Done, _) => Next::Nothing,
            (State::Waiting, Some(other)) if *other != self.return_id => Next::Wait(other.clone()),
            _ => Next::Look(search()),
        }
    }
}

/// Carries a credit note one step on. `note` is its record, or (with version 0) what was just stated.
///
/// Where the account and the record were read at different moments and do not agree on what is open, a guard fails.
pub fn step(
    account: Option<&Account>,
    note: &CreditNote,
    next: &Next<Found>,
    context: &Context<'_>,
) -> Result<Decision<Progress>, Rejection> {
    if note.version == 0 {
        check(account, note, context)?;
    }
    match next {
        Next::Nothing => Ok(unchanged(note, None)),
        Next::Wait(_) if note.version > 0 => Ok(unchanged(note, next.first())),
        Next::Wait(_) => {
            // Another one is open. What was stated is kept, so that whoever asks finds it, and its turn comes without
            // its document being stated again; with the horizon of now, however long it waits.
            let activation = context.schedule.for_order(note.returned_at, context.now);
            let search = Search::begin(account, note.returned_at, activation);
            let note = CreditNote { version: 1, search: Some(search), ..note.clone() };
            let writes = vec![Write::Put(Record::CreditNote(Box::new(note.clone())), Guard::Absent)];
            Ok(Decision { writes, answer: Progress { note, is_new: true, first: next.first() } })
        }
        Next::Look(found) => carry_on(account, note, found, context),
    }
}

impl<L> Next<L> {
    fn first(&self) -> Option<ReturnId> {
        match self {
            Self::Wait(other) => Some(other.clone()),
            Self::Nothing | Self::Look(_) => None,
        }
    }
}

fn unchanged(note: &CreditNote, first: Option<ReturnId>) -> Decision<Progress> {
    Decision { writes: Vec::new(), answer: Progress { note: note.clone(), is_new: false, first } }
}

fn check(account: Option<&Account>, note: &CreditNote, context: &Context<'_>) -> Result<(), Rejection> {
    if note.returned_at > context.now.plus_ms(FUTURE_MS_MAX) {
        return Err(Rejection::ReturnedInFuture { field: "returned_at" });
    }
    let program = &context.schedule.for_order(note.returned_at, context.now).program;
    if account.is_none() && !program.enrols_by_order() {
        return Err(Rejection::NotEnrolled);
    }
    Ok(())
}

/// A step under way.
struct Step {
    account: Account,
    changes: Vec<Change>,
    note: CreditNote,
    program_version: u32,
    writes: Vec<Write>,
}

fn carry_on(
    account: Option<&Account>,
    before: &CreditNote,
    found: &Found,
    context: &Context<'_>,
) -> Result<Decision<Progress>, Rejection> {
    let mut note = before.clone();
    note.version = before.version.checked_add(1).ok_or(Overflow)?;
    note.search = Some(found.search);
    let begins = before.state == State::Waiting;
    let over = |note: &CreditNote| found.search.is_over() || note.units_left() == 0;
    let guard = if before.version == 0 { Guard::Absent } else { Guard::Version(before.version) };
    if !begins && found.order.is_none() && !over(&note) {
        // Nothing here: how far it has looked is all there is to say.
        let writes = vec![Write::Put(Record::CreditNote(Box::new(note.clone())), guard)];
        return Ok(Decision { writes, answer: Progress { note, is_new: false, first: None } });
    }
    let activation = context.schedule.version(found.search.program_version).ok_or(Rejection::UnknownReturn)?;
    let (account, changes) = match account {
        Some(account) => advance::advance(context.schedule, account, context.now)?,
        None => {
            let program = &activation.program;
            let (mut account, enrolled) = Account::enrol(note.account_id.clone(), program, context.now);
            let applied = admission::apply(&mut account, program, context.now);
            (account, std::iter::once(enrolled).chain(applied).collect())
        }
    };
    let mut step = Step { account, changes, note, program_version: activation.version, writes: Vec::with_capacity(4) };
    if begins {
        step.note.state = State::Open;
        step.changes.push(Change::Order(OrderChange::CreditNoteOpened { units: step.note.units() }));
    }
    if let Some(order) = &found.order {
        step.take_back(order, found, context)?;
    }
    if over(&step.note) {
        step.close();
    }
    step.finish(guard, before.version == 0, context)
}

impl Step {
    fn take_back(&mut self, scored: &Arc<ScoredOrder>, found: &Found, context: &Context<'_>) -> Result<(), Rejection> {
        let (redemption, used) = (found.redemption.as_ref(), &found.used);
        let lines = self.note.search.map(|search| self.note.taken_from(scored, &search)).unwrap_or_default();
        let of_order = context.schedule.version(scored.score.program_version).ok_or(Rejection::UnknownOrder)?;
        self.program_version = of_order.version;
        let key = ReturnKey::CreditNote(self.note.return_id.clone());
        let taking = Taking { key, content_hash: self.note.content_hash, lines, excess_units: 0, stated_by: None };
        let mut after = ScoredOrder::clone(scored);
        let undoing = Undoing { used, program: &of_order.program, now: context.now };
        self.changes.extend(returns::take_back(&mut self.account, &mut after, taking, &undoing)?);
        self.writes.extend(uses::released(&after, scored, used));
        let (followed, noted) = referral::follow(&mut self.account, &after, redemption, &of_order.program, context)?;
        self.changes.extend(noted);
        self.writes.extend(followed);
        after.version = scored.version.checked_add(1).ok_or(Overflow)?;
        if let Some(returned) = after.history.returns.last() {
            self.note.credit(scored, returned)?;
        }
        self.writes.push(Write::Put(Record::Order(Arc::new(after)), Guard::Version(scored.version)));
        Ok(())
    }

    fn close(&mut self) {
        let units_unmatched = self.note.units_left();
        let units_matched = self.note.units().saturating_sub(units_unmatched);
        self.note.state = State::Done;
        self.changes.push(Change::Order(OrderChange::CreditNoteClosed { units_matched, units_unmatched }));
        let life = &mut self.account.lifetime;
        life.unmatched_units = life.unmatched_units.saturating_add(units_unmatched);
    }

    fn finish(mut self, guard: Guard, is_new: bool, context: &Context<'_>) -> Result<Decision<Progress>, Rejection> {
        let open = self.note.state == State::Open;
        self.account.credit_note = open.then(|| self.note.return_id.clone());
        self.note.outcome.balance = self.account.available()?;
        self.note.outcome.entry = self.account.version.checked_add(1).ok_or(Overflow)?;
        self.note.decided_at = context.now;
        let cause = Cause::CreditNote { credit_note_id: self.note.return_id.clone() };
        // Whoever helps it on, it was stated by one.
        let by = self.note.by.clone();
        let context = Context { by: &by, ..*context };
        let record = Record::CreditNote(Box::new(self.note.clone()));
        let mut writes = vec![Write::Put(record, guard)];
        writes.extend(self.writes);
        writes.extend(decision::commit(self.account, cause, self.changes, self.program_version, &context)?);
        Ok(Decision { writes, answer: Progress { note: self.note, is_new, first: None } })
    }
}
