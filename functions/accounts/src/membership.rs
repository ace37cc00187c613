//! The commands behind `PUT /v1/accounts/{id}/membership` and `POST /v1/accounts/{id}/membership/payments`.

use domain::account::Account;
use domain::decision::{Context, Decision, Record, Rejection};
use domain::id::AccountId;
use domain::idempotency::{CommandKey, CommandRecord};
use domain::membership::{self, MembershipDocument, PaymentDocument, PaymentReceipt, Put};
use domain::time::Instant;
use runtime::http::{Answer, Request, parameter};
use runtime::{App, Caller, Command, Error, Scope};
use store::{Consistency, Fault, Store};

/// Let an account in, turn it away, or exclude it from something.
struct Decide {
    id: AccountId,
    document: MembershipDocument,
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
        membership::decide_membership(state.as_ref(), &self.document, context)
    }
}

/// Record that a fee was paid, once per `Idempotency-Key`.
struct Pay {
    id: AccountId,
    key: CommandKey,
    document: PaymentDocument,
}

/// The receipt, and whether it was given before.
type Given = (PaymentReceipt, bool);

impl Pay {
    fn repeat(&self, record: &CommandRecord) -> Result<Given, Rejection> {
        Ok((record.repeat(self.document.content_hash())?, true))
    }
}

impl Command for Pay {
    type State = Option<Account>;
    type Answer = Given;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Option<Account>, Fault> {
        store.account(&self.id, consistency).await
    }

    fn last_decided(state: &Option<Account>) -> Option<Instant> {
        state.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Option<Account>, context: &Context<'_>) -> Result<Decision<Given>, Rejection> {
        let decision = membership::pay(state.as_ref(), &self.document, &self.key, context)?;
        Ok(Decision { writes: decision.writes, answer: (decision.answer, false) })
    }

    async fn recall(&self, store: &Store) -> Result<Option<Result<Given, Rejection>>, Fault> {
        Ok(store.command(&self.id, &self.key).await?.map(|record| self.repeat(&record)))
    }

    fn meet(&self, existing: &Record) -> Option<Result<Given, Rejection>> {
        match existing {
            Record::Command(record) => Some(self.repeat(record)),
            _ => None,
        }
    }
}

/// Decides about a membership, for the merchant alone. Answers where the account stands then.
pub async fn put(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    let document = membership::membership_document(&request.document()?)?;
    let command = Decide { id, document };
    app.transact(caller, &command).await?;
    tracing::info!(account.id = %command.id, "decided about the membership of account {}", command.id);
    super::show(app, &command.id, Put::Stored).await
}

/// Records a payment, for the merchant alone.
pub async fn post_payment(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    let document = membership::payment_document(&request.document_or_nothing()?)?;
    let route = format!("POST /v1/accounts/{id}/membership/payments");
    let key = CommandKey::new(caller.id(), &route, request.idempotency_key()?);
    let command = Pay { id, key: parameter("idempotency-key", key)?, document };
    let (receipt, repeated) = app.transact(caller, &command).await?;
    let id = &command.id;
    tracing::info!(account.id = %id, until = %receipt.until, repeated, "recorded a payment of account {id}");
    Ok(match repeated {
        false => Answer::json(201, &receipt),
        true => Answer::json(200, &receipt).header("idempotent-replayed", "true"),
    })
}
