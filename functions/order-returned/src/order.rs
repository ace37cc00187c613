//! Returns and cancellations of one order. What comes before its order is parked under the order's key and decided
//! together with it.

use domain::account::Account;
use domain::decision::{Context, Decision, Rejection};
use domain::id::OrderKey;
use domain::named_code::NamedCode;
use domain::parked::{self, ParkedAnswer};
use domain::referral::Redemption;
use domain::returns::{self, Reversing};
use domain::schedule::Schedule;
use domain::score::ScoredOrder;
use domain::time::Instant;
use runtime::http::Answer;
use runtime::{App, Caller, Command, Error, Scope, logs};
use std::sync::Arc;
use store::{Consistency, Store, StoredOrder};

/// The answer to a return or a cancellation over HTTP.
pub async fn answer(app: &App, caller: &Caller, key: OrderKey, reversing: Reversing) -> Result<Answer, Error> {
    let taken = take_back(app, caller, key.clone(), reversing.clone()).await?;
    let Some(scored) = &taken.scored else {
        return Ok(Answer::json(202, &ParkedAnswer::of(&key)));
    };
    let receipt = returns::receipt(scored, &reversing.key())?.ok_or(Rejection::UnknownOrder)?;
    Ok(Answer::once(&receipt, taken.repeated))
}

/// A return or cancellation that was carried out, or waits.
pub struct TakenBack {
    /// The order afterwards; `None`: it is not known yet.
    pub scored: Option<Arc<ScoredOrder>>,
    /// It was stated before; nothing was written.
    pub repeated: bool,
}

/// Carries a return or a cancellation out once, whoever states it how often.
pub async fn take_back(app: &App, caller: &Caller, key: OrderKey, reversing: Reversing) -> Result<TakenBack, Error> {
    logs::about_order(&key);
    let command = TakeBack { caller, key, reversing };
    let taken = app.transact(caller, &command).await?;
    let key = &command.key;
    match &taken.scored {
        Some(scored) => {
            let account = &scored.order.account_id;
            let repeated = taken.repeated;
            tracing::info!(order.id = %key, account.id = %account, repeated, "took back from order {key}");
        }
        None => tracing::info!(order.id = %key, "order {key} is not known yet: parked"),
    }
    Ok(taken)
}

struct TakeBack<'a> {
    caller: &'a Caller,
    key: OrderKey,
    reversing: Reversing,
}

/// What a return is decided on.
struct State {
    stored: Option<StoredOrder>,
    account: Option<Account>,
    /// What the order had qualified.
    redemption: Option<Redemption>,
    /// What the codes are that it had used and that may come back.
    used: Vec<NamedCode>,
}

impl Command for TakeBack<'_> {
    type State = State;
    type Answer = TakenBack;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<State, store::Fault> {
        let stored = store.order(&self.key, consistency).await?;
        let account = match &stored {
            Some(StoredOrder::Scored(scored)) => store.account(&scored.order.account_id, consistency).await?,
            _ => None,
        };
        let redemption = match (&stored, &account) {
            (Some(StoredOrder::Scored(scored)), Some(account)) => store.redemption_of(account, scored).await?,
            _ => None,
        };
        Ok(State { stored, account, redemption, used: Vec::new() })
    }

    async fn load_under(
        &self,
        store: &Store,
        consistency: Consistency,
        schedule: &Schedule,
        _: Instant,
    ) -> Result<State, store::Fault> {
        let state = self.load(store, consistency).await?;
        let Some(StoredOrder::Scored(scored)) = &state.stored else { return Ok(state) };
        let program = schedule.version(scored.score.program_version).map(|version| &version.program);
        let codes =
            program.map(|program| scored.codes_to_give_back(&self.reversing.key(), program)).unwrap_or_default();
        // That one is not given back, or not where its uses are counted, is guarded by nothing that would show a stale read.
        let used = store.named_codes(&scored.order.account_id, codes, Consistency::Strong).await?;
        Ok(State { used, ..state })
    }

    fn last_decided(state: &State) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &State, context: &Context<'_>) -> Result<Decision<TakenBack>, Rejection> {
        let parked = match (&state.stored, &state.account) {
            (Some(StoredOrder::Scored(scored)), Some(account)) => {
                return self.of_order(account, scored, state, context);
            }
            // The order is there and its account is not: only a stale read shows that.
            (Some(StoredOrder::Scored(_)), None) => return Err(Rejection::UnknownAccount),
            (Some(StoredOrder::Parked(parked)), _) => Some(&**parked),
            (None, _) => None,
        };
        if self.caller.require_all(Scope::OrdersWrite).is_err() {
            return Err(Rejection::UnknownOrder);
        }
        let decision = parked::park(&self.key, parked, &self.reversing, context.now, context.by)?;
        Ok(Decision { writes: decision.writes, answer: TakenBack { scored: None, repeated: false } })
    }
}

impl TakeBack<'_> {
    fn of_order(
        &self,
        account: &Account,
        scored: &Arc<ScoredOrder>,
        state: &State,
        context: &Context<'_>,
    ) -> Result<Decision<TakenBack>, Rejection> {
        // To an account's own token, somebody else's order looks like none at all.
        if self.caller.require_for(Scope::OrdersWrite, &account.id).is_err() {
            return Err(Rejection::UnknownOrder);
        }
        if let Some(earlier) = returns::repeat(scored, &self.reversing) {
            earlier?;
            let answer = TakenBack { scored: Some(scored.clone()), repeated: true };
            return Ok(Decision { writes: Vec::new(), answer });
        }
        let redemption = state.redemption.as_ref();
        let decision = returns::decide(account, scored, &self.reversing, &state.used, redemption, context)?;
        let answer = TakenBack { scored: Some(decision.answer), repeated: false };
        Ok(Decision { writes: decision.writes, answer })
    }
}
