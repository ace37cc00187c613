//! Payments of orders: `POST /v1/orders/{source}/{order_id}/payment`, and events of the type `OrderPaid`. The payment of
//! an order that is not known yet is parked under the order's key and decided together with it.

use domain::account::Account;
use domain::decision::{Context, Decision, Rejection};
use domain::id::OrderKey;
use domain::parked::{self, ParkedAnswer};
use domain::payment::{self, PaymentDocument};
use domain::score::ScoredOrder;
use domain::time::Instant;
use runtime::http::Answer;
use runtime::{App, Caller, Command, Error, Scope, logs};
use std::sync::Arc;
use store::{Consistency, Store, StoredOrder};

/// The answer to a payment over HTTP.
pub(crate) async fn answer(
    app: &App,
    caller: &Caller,
    key: OrderKey,
    document: PaymentDocument,
) -> Result<Answer, Error> {
    let paid = pay(app, caller, key.clone(), document).await?;
    let Some(scored) = &paid.scored else {
        return Ok(Answer::json(202, &ParkedAnswer::of(&key)));
    };
    let receipt = payment::receipt(scored).ok_or(Rejection::UnknownOrder)?;
    Ok(Answer::once(&receipt, paid.repeated))
}

/// A payment that was taken in, or waits.
pub struct Paid {
    /// The order afterwards; `None`: it is not known yet.
    pub scored: Option<Arc<ScoredOrder>>,
    /// It was known before; nothing was written.
    pub repeated: bool,
}

/// Takes the payment of an order in once, whoever states it how often.
pub async fn pay(app: &App, caller: &Caller, key: OrderKey, document: PaymentDocument) -> Result<Paid, Error> {
    logs::about_order(&key);
    let command = Pay { caller, key, document };
    let paid = app.transact(caller, &command).await?;
    let key = &command.key;
    match &paid.scored {
        Some(scored) => {
            let (account, repeated) = (&scored.order.account_id, paid.repeated);
            tracing::info!(order.id = %key, account.id = %account, repeated, "order {key} is paid");
        }
        None => tracing::info!(order.id = %key, "order {key} is paid and not known yet: parked"),
    }
    Ok(paid)
}

struct Pay<'a> {
    caller: &'a Caller,
    key: OrderKey,
    document: PaymentDocument,
}

/// What a payment is decided on.
struct State {
    stored: Option<StoredOrder>,
    account: Option<Account>,
}

impl Command for Pay<'_> {
    type State = State;
    type Answer = Paid;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<State, store::Fault> {
        let stored = store.order(&self.key, consistency).await?;
        let account = match &stored {
            Some(StoredOrder::Scored(scored)) => store.account(&scored.order.account_id, consistency).await?,
            _ => None,
        };
        Ok(State { stored, account })
    }

    fn last_decided(state: &State) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &State, context: &Context<'_>) -> Result<Decision<Paid>, Rejection> {
        let parked = match (&state.stored, &state.account) {
            (Some(StoredOrder::Scored(scored)), Some(account)) => return self.of_order(account, scored, context),
            // The order is there and its account is not: only a stale read shows that.
            (Some(StoredOrder::Scored(_)), None) => return Err(Rejection::UnknownAccount),
            (Some(StoredOrder::Parked(parked)), _) => Some(&**parked),
            (None, _) => None,
        };
        if self.caller.require_all(Scope::OrdersWrite).is_err() {
            return Err(Rejection::UnknownOrder);
        }
        let decision = parked::park_payment(&self.key, parked, &self.document, context.now, context.by)?;
        Ok(Decision { writes: decision.writes, answer: Paid { scored: None, repeated: false } })
    }
}

impl Pay<'_> {
    fn of_order(
        &self,
        account: &Account,
        scored: &Arc<ScoredOrder>,
        context: &Context<'_>,
    ) -> Result<Decision<Paid>, Rejection> {
        // To an account's own token, somebody else's order looks like none at all.
        if self.caller.require_for(Scope::OrdersWrite, &account.id).is_err() {
            return Err(Rejection::UnknownOrder);
        }
        if let Some(earlier) = payment::repeat(scored, &self.document) {
            earlier?;
            let answer = Paid { scored: Some(scored.clone()), repeated: true };
            return Ok(Decision { writes: Vec::new(), answer });
        }
        let decision = payment::decide(account, scored, &self.document, context)?;
        let answer = Paid { scored: Some(decision.answer), repeated: false };
        Ok(Decision { writes: decision.writes, answer })
    }
}
