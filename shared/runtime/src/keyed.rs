//! Commands on an account that are carried out once per `Idempotency-Key`, and answered the same however often they
//! are sent.
//!
//! What all of these have in common stands here: the key, the record of the command that tells a repeat, and the first
//! answer given again. What is its own about one is an [`Asked`].

use crate::caller::Caller;
use crate::error::Error;
use crate::http::Request;
use crate::transact::Command;
use domain::decision::{Context, Decision, Record, Rejection};
use domain::id::AccountId;
use domain::idempotency::{CommandKey, CommandRecord};
use domain::time::Instant;
use serde::de::DeserializeOwned;
use std::future::Future;
use store::{Consistency, Store};

/// What is asked of an account under a key.
pub trait Asked: Sync {
    /// What it is decided on.
    type State: Send + Sync;
    /// What it is answered with, and what its record keeps.
    type Receipt: DeserializeOwned + Send;

    /// Tells a repeat from another use of the same key.
    fn content_hash(&self) -> [u8; 32];

    /// Reads what the decision needs.
    fn load(
        &self,
        id: &AccountId,
        store: &Store,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Self::State, store::Fault>> + Send;

    /// The latest instant at which anything in the state was decided.
    fn last_decided(state: &Self::State) -> Option<Instant>;

    /// Decides, and puts the record of the command under its key. Pure.
    fn decide(
        &self,
        key: &CommandKey,
        state: &Self::State,
        context: &Context<'_>,
    ) -> Result<Decision<Self::Receipt>, Rejection>;
}

/// The command: what is asked of which account, under which key. It is answered with the receipt, and whether that was
/// given before.
pub struct Keyed<A> {
    id: AccountId,
    key: CommandKey,
    asked: A,
}

impl<A: Asked> Keyed<A> {
    /// What `caller` asks of an account, once per `Idempotency-Key` that it sends to this route.
    pub fn new(caller: &Caller, request: &Request, route: &str, id: AccountId, asked: A) -> Result<Self, Error> {
        Ok(Self { id, key: request.command_key(caller, route)?, asked })
    }

    /// Of which account it is asked.
    pub fn account_id(&self) -> &AccountId {
        &self.id
    }

    fn repeat(&self, record: &CommandRecord) -> Result<(A::Receipt, bool), Rejection> {
        Ok((record.repeat(self.asked.content_hash())?, true))
    }
}

impl<A: Asked> Command for Keyed<A> {
    type State = A::State;
    type Answer = (A::Receipt, bool);

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<A::State, store::Fault> {
        self.asked.load(&self.id, store, consistency).await
    }

    fn last_decided(state: &A::State) -> Option<Instant> {
        A::last_decided(state)
    }

    fn decide(&self, state: &A::State, context: &Context<'_>) -> Result<Decision<Self::Answer>, Rejection> {
        let Decision { writes, answer } = self.asked.decide(&self.key, state, context)?;
        Ok(Decision { writes, answer: (answer, false) })
    }

    async fn recall(&self, store: &Store) -> Result<Option<Result<Self::Answer, Rejection>>, store::Fault> {
        Ok(store.command(&self.id, &self.key).await?.map(|record| self.repeat(&record)))
    }

    fn meet(&self, existing: &Record) -> Option<Result<Self::Answer, Rejection>> {
        match existing {
            Record::Command(record) => Some(self.repeat(record)),
            _ => None,
        }
    }
}
