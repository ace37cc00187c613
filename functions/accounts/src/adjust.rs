//! The command behind `POST /v1/accounts/{id}/adjustments`.

use domain::account::Account;
use domain::adjustment::{self, AdjustmentDocument, AdjustmentReceipt};
use domain::decision::{Context, Decision, Record, Rejection};
use domain::id::AccountId;
use domain::idempotency::{CommandKey, CommandRecord};
use domain::time::Instant;
use runtime::Command;
use store::{Consistency, Fault, Store};

/// Give or take points by hand, once per `Idempotency-Key`.
pub struct Adjust {
    pub id: AccountId,
    pub key: CommandKey,
    pub document: AdjustmentDocument,
}

/// The receipt, and whether it was given before.
type Answer = (AdjustmentReceipt, bool);

impl Adjust {
    fn repeat(&self, record: &CommandRecord) -> Result<Answer, Rejection> {
        Ok((record.repeat(self.document.content_hash())?, true))
    }
}

impl Command for Adjust {
    type State = Option<Account>;
    type Answer = Answer;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Option<Account>, Fault> {
        store.account(&self.id, consistency).await
    }

    fn last_decided(state: &Option<Account>) -> Option<Instant> {
        state.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Option<Account>, context: &Context<'_>) -> Result<Decision<Answer>, Rejection> {
        let decision = adjustment::adjust(state.as_ref(), &self.document, &self.key, context)?;
        Ok(Decision { writes: decision.writes, answer: (decision.answer, false) })
    }

    async fn recall(&self, store: &Store) -> Result<Option<Result<Answer, Rejection>>, Fault> {
        Ok(store.command(&self.id, &self.key).await?.map(|record| self.repeat(&record)))
    }

    fn meet(&self, existing: &Record) -> Option<Result<Answer, Rejection>> {
        match existing {
            Record::Command(record) => Some(self.repeat(record)),
            _ => None,
        }
    }
}
