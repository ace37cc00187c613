//! The commands behind `PUT /v1/accounts/{id}/membership` and `POST /v1/accounts/{id}/membership/payments`.

use domain::account::Account;
use domain::decision::{Context, Decision, Rejection};
use domain::id::AccountId;
use domain::idempotency::CommandKey;
use domain::membership::{self, MembershipDocument, PaymentDocument, PaymentReceipt, Put};
use domain::precondition::Precondition;
use domain::time::Instant;
use runtime::http::{Answer, Request};
use runtime::{App, Asked, Caller, Command, Error, Keyed, Scope};
use store::{Consistency, Fault, Store};

/// Let an account in, turn it away, or exclude it from something.
struct Decide {
    id: AccountId,
    document: MembershipDocument,
    condition: Precondition,
}

impl Command for Decide {
    type State = Option<Account>;
    type Answer = ();

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Option<Account>, Fault> {
        store.account(&self.id, consistency).await
    }

    fn last_decided(state: &Option<Account>) -> Option<Instant> {
        state.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Option<Account>, context: &Context<'_>) -> Result<Decision<()>, Rejection> {
        let decision = membership::decide_membership(state.as_ref(), &self.document, context)?;
        self.condition.judge(state.as_ref().map(|account| account.version), decision)
    }
}

/// Record that a fee was paid.
struct Pay(PaymentDocument);

impl Asked for Pay {
    type State = Option<Account>;
    type Receipt = PaymentReceipt;

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
    ) -> Result<Decision<PaymentReceipt>, Rejection> {
        membership::pay(account.as_ref(), &self.0, key, context)
    }
}

/// Decides about a membership, for the merchant alone. Answers where the account stands then.
pub async fn put(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    let document = membership::membership_document(&request.document()?)?;
    let command = Decide { id, document, condition: request.precondition()? };
    app.transact(caller, &command).await?;
    tracing::info!(account.id = %command.id, "decided about the membership of account {}", command.id);
    super::show(app, &command.id, Put::Stored).await
}

/// Records a payment, for the merchant alone.
pub async fn post_payment(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    let document = membership::payment_document(&request.document_or_nothing()?)?;
    let route = format!("POST /v1/accounts/{id}/membership/payments");
    let command = Keyed::new(caller, request, &route, id, Pay(document))?;
    let (receipt, repeated) = app.transact(caller, &command).await?;
    let id = command.account_id();
    tracing::info!(account.id = %id, until = %receipt.until, repeated, "recorded a payment of account {id}");
    Ok(Answer::once(&receipt, repeated))
}
