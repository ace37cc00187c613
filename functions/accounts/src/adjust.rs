//! `POST /v1/accounts/{id}/adjustments`: points given or taken by hand.

use domain::account::Account;
use domain::adjustment::{self, AdjustmentDocument, AdjustmentReceipt, adjustment_document};
use domain::decision::{Context, Decision, Rejection};
use domain::id::AccountId;
use domain::idempotency::CommandKey;
use domain::time::Instant;
use runtime::http::{Answer, Request};
use runtime::{App, Asked, Caller, Error, Keyed, Scope};
use store::{Consistency, Fault, Store};

/// Give or take points by hand.
struct Adjust(AdjustmentDocument);

impl Asked for Adjust {
    type State = Option<Account>;
    type Receipt = AdjustmentReceipt;

    fn content_hash(&self) -> [u8; 32] {
        self.0.content_hash()
    }

    async fn load(&self, id: &AccountId, store: &Store, consistency: Consistency) -> Result<Option<Account>, Fault> {
        store.account(id, consistency).await
    }

    fn last_decided(state: &Option<Account>) -> Option<Instant> {
        state.as_ref().map(|account| account.last_decided)
    }

    fn decide(
        &self,
        key: &CommandKey,
        account: &Option<Account>,
        context: &Context<'_>,
    ) -> Result<Decision<AdjustmentReceipt>, Rejection> {
        adjustment::adjust(account.as_ref(), &self.0, key, context)
    }
}

/// Adjusts the points of an account, for the merchant alone.
pub async fn post(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    let document = adjustment_document(&request.document()?)?;
    let route = format!("POST /v1/accounts/{id}/adjustments");
    let command = Keyed::new(caller, request, &route, id, Adjust(document))?;
    let (receipt, repeated) = app.transact(caller, &command).await?;
    let id = command.account_id();
    tracing::info!(account.id = %id, points = receipt.points.0, repeated, "adjusted account {id}");
    Ok(Answer::once(&receipt, repeated))
}
