//! Credit notes that name no order: matched to the account's earlier orders, step by step.
//!
//! Whoever comes to an account that has an open credit note, with another one or with the same again, carries the open
//! one on first. So nothing is lost with a message or a sandbox: a retry finishes it.

use domain::account::Account;
use domain::credit_note::{self, CreditNote, CreditNoteDocument, Found, Next, Progress, Search, State};
use domain::decision::{Context, Decision, Rejection};
use domain::id::{AccountId, ReturnId};
use domain::returns::ReturnKey;
use domain::schedule::Schedule;
use domain::time::Instant;
use runtime::http::Answer;
use runtime::{App, Caller, Clock, Command, Deadline, Error};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Consistency, Store, StoredOrder};

/// What a message that carries a credit note on says it is. It names the credit note and no more.
pub const CONTINUED: &str = "AccountReturnContinued";

/// Entries looked at in one step: it bounds what a step takes, and is committed before the next one.
const ENTRIES_PER_STEP: u16 = 25;

/// When to ask how far a credit note has come that goes on through the queue.
const ASK_AGAIN_SECONDS: u32 = 2;

/// Which credit note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one that is stated here.
    Stated(CreditNoteDocument),
    /// One that was stated before.
    Known(ReturnId),
}

impl Which {
    fn return_id(&self) -> &ReturnId {
        match self {
            Self::Stated(document) => &document.return_id,
            Self::Known(id) => id,
        }
    }
}

/// A credit note that was carried on, to its end or to the deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedOn {
    /// The credit note as it stands.
    pub note: CreditNote,
    /// It was stated before.
    pub repeated: bool,
}

impl CarriedOn {
    /// Whether nothing more will happen to it.
    pub fn is_done(&self) -> bool {
        self.note.state == State::Done
    }
}

/// Carries a credit note on until it is done, whoever states it how often; one step at least, and no further step
/// after the deadline. Another one of the account that is open is carried on first.
pub async fn carry_on(
    app: &App,
    caller: &Caller,
    account_id: &AccountId,
    which: &Which,
    deadline: Deadline,
) -> Result<CarriedOn, Error> {
    let mut repeated = true;
    loop {
        let Progress { note, is_new, first } = step(app, caller, account_id, which).await?;
        repeated &= !is_new;
        if note.state == State::Done {
            let (id, units) = (&note.return_id, note.units());
            tracing::info!(account.id = %account_id, return.id = %id, repeated, units, "credit note {id} is done");
            return Ok(CarriedOn { note, repeated });
        }
        if let Some(first) = first {
            let first = Which::Known(first);
            while !deadline.is_over() && step(app, caller, account_id, &first).await?.note.state != State::Done {}
        }
        if deadline.is_over() {
            return Ok(CarriedOn { note, repeated });
        }
    }
}

/// As [`carry_on`]; what is left at the deadline goes on through the function's queue.
pub(crate) async fn within(
    app: &App,
    caller: &Caller,
    account_id: &AccountId,
    which: &Which,
    deadline: Deadline,
) -> Result<CarriedOn, Error> {
    let carried = carry_on(app, caller, account_id, which, deadline).await?;
    if !carried.is_done() {
        let id = &carried.note.return_id;
        tracing::info!(account.id = %account_id, return.id = %id, "credit note {id} goes on through the queue");
        let detail = json!({ "account_id": account_id, "return_id": id });
        app.queue()?.send(CONTINUED, &detail).await?;
    }
    Ok(carried)
}

/// The answer to a credit note over HTTP.
pub(crate) async fn answer(
    app: &App,
    caller: &Caller,
    account_id: AccountId,
    document: CreditNoteDocument,
) -> Result<Answer, Error> {
    let deadline = Deadline::after(app.patience().request);
    let carried = within(app, caller, &account_id, &Which::Stated(document), deadline).await?;
    let place = format!("/v1/accounts/{account_id}/returns/{}", carried.note.return_id);
    let answer = async |status| Ok::<_, Error>(rendered(app, status, &carried.note).await?.location(place));
    match (carried.is_done(), carried.repeated) {
        (true, false) => answer(201).await,
        (true, true) => Ok(answer(200).await?.replayed(true)),
        (false, _) => Ok(answer(202).await?.retry_after(ASK_AGAIN_SECONDS)),
    }
}

/// How far a credit note has come.
pub(crate) async fn show(app: &App, account_id: &AccountId, return_id: &ReturnId) -> Result<Answer, Error> {
    let note = app.store().credit_note(account_id, return_id, Consistency::Strong).await?;
    rendered(app, 200, &note.ok_or(Rejection::UnknownReturn)?).await
}

async fn rendered(app: &App, status: u16, note: &CreditNote) -> Result<Answer, Error> {
    // Every version of a program has the same currency.
    let currency = app.schedule().await?.at(note.stated_at).program.currency;
    Ok(Answer::json(status, &credit_note::receipt(note, currency)))
}

async fn step(app: &App, caller: &Caller, account_id: &AccountId, which: &Which) -> Result<Progress, Error> {
    let (schedule, clock) = (app.schedule().await?, app.clock().clone());
    let mut command = Step { account_id, which, by: caller.id(), schedule, clock, before: None, found_at: 0.into() };
    loop {
        match app.transact(caller, &command).await {
            // The order's item has no room for one more return: it keeps what it has, and the search goes on behind it.
            Err(Error::Rejected(Rejection::OrderTooLarge)) if command.found_at.load(Ordering::Relaxed) > 0 => {
                command.before = Some(command.found_at.swap(0, Ordering::Relaxed));
            }
            taken => return taken,
        }
    }
}

/// One step of a credit note.
struct Step<'a> {
    account_id: &'a AccountId,
    which: &'a Which,
    by: &'a str,
    schedule: Arc<Schedule>,
    clock: Clock,
    /// Entries from this sequence on are passed over.
    before: Option<u64>,
    /// Sequence of the entry that led to the order that was last found; 0: none was.
    found_at: AtomicU64,
}

/// What a step is decided on.
struct Ground {
    account: Option<Account>,
    /// Its record, or what was just stated; `None` where it is neither.
    note: Option<CreditNote>,
    next: Next<Found>,
}

impl Step<'_> {
    fn stated(&self, account: Option<&Account>) -> Option<CreditNote> {
        let Which::Stated(document) = self.which else { return None };
        let now = self.clock.now();
        let now = account.map_or(now, |account| account.last_decided.max(now));
        Some(CreditNote::stated(self.account_id.clone(), document, self.by, now))
    }

    /// Whether something else was stated under its number.
    fn differs(&self, note: &CreditNote) -> bool {
        matches!(self.which, Which::Stated(document) if document.content_hash() != note.content_hash)
    }

    async fn ground(&self, store: &Store, consistency: Consistency) -> Result<Ground, store::Fault> {
        let account = store.account(self.account_id, consistency).await?;
        let stored = store.credit_note(self.account_id, self.which.return_id(), consistency).await?;
        let note = stored.or_else(|| self.stated(account.as_ref()));
        let mut ground = Ground { account, note, next: Next::Nothing };
        let Some(note) = ground.note.as_ref().filter(|note| !self.differs(note)) else { return Ok(ground) };
        let activation = self.schedule.for_order(note.returned_at, self.clock.now());
        ground.next = match note.next(ground.account.as_ref(), activation) {
            Next::Nothing => Next::Nothing,
            Next::Wait(other) => Next::Wait(other),
            Next::Look(search) => {
                let (mut found, found_at) = self.look(store, note, search).await?;
                if let (Some(order), Some(account)) = (&found.order, &ground.account) {
                    found.redemption = store.redemption_of(account, order).await?;
                    let program = self.schedule.version(order.score.program_version).map(|version| &version.program);
                    let key = ReturnKey::CreditNote(note.return_id.clone());
                    let codes = program.map(|program| order.codes_to_give_back(&key, program)).unwrap_or_default();
                    found.used = store.named_codes(&account.id, codes, Consistency::Strong).await?;
                }
                self.found_at.store(found_at.unwrap_or(0), Ordering::Relaxed);
                Next::Look(found)
            }
        };
        Ok(ground)
    }

    /// Looks through one page of entries for the next order that gives something, and says where that stood.
    ///
    /// Orders are read strongly: what is passed over is not guarded by its own version. The account's guard is enough
    /// then, because whatever changes an order changes its account.
    async fn look(
        &self,
        store: &Store,
        note: &CreditNote,
        mut search: Search,
    ) -> Result<(Found, Option<u64>), store::Fault> {
        search.before = self.before.map_or(search.before, |before| before.min(search.before));
        if search.is_over() {
            return Ok((Found::nothing(search), None));
        }
        let page = store.entries(self.account_id, Some(search.before), ENTRIES_PER_STEP).await?;
        let is_last = !page.more || page.entries.last().is_none_or(|entry| search.ends_at(entry));
        let mut placed = Vec::with_capacity(page.entries.len());
        placed.extend(page.entries.iter().filter_map(|entry| Some((entry.sequence, credit_note::order_of(entry)?))));
        let oldest_placed = placed.last().map_or(0, |(sequence, _)| *sequence);
        for (sequence, key) in placed {
            let Some(StoredOrder::Scored(scored)) = store.order(key, Consistency::Strong).await? else { continue };
            if !note.taken_from(&scored, &search).is_empty() {
                search.before = if is_last && sequence == oldest_placed { 0 } else { sequence };
                return Ok((Found { order: Some(scored), search, ..Found::nothing(search) }, Some(sequence)));
            }
        }
        let oldest = page.entries.last().map_or(0, |entry| entry.sequence);
        search.before = if is_last { 0 } else { oldest };
        Ok((Found::nothing(search), None))
    }
}

impl Command for Step<'_> {
    type State = Ground;
    type Answer = Progress;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Ground, store::Fault> {
        let ground = self.ground(store, consistency).await?;
        match ground.next {
            // Noting that it waits is guarded by nothing that would show a stale read.
            Next::Wait(_) if consistency == Consistency::Eventual => self.ground(store, Consistency::Strong).await,
            _ => Ok(ground),
        }
    }

    fn last_decided(state: &Ground) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Ground, context: &Context<'_>) -> Result<Decision<Progress>, Rejection> {
        let note = state.note.as_ref().ok_or(Rejection::UnknownReturn)?;
        if self.differs(note) {
            return Err(Rejection::ContentDiffers { paths: vec!["$".to_owned()] });
        }
        credit_note::step(state.account.as_ref(), note, &state.next, context)
    }
}
