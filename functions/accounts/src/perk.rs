//! The command behind `POST /v1/accounts/{id}/perks/{perk}/uses`.

use domain::decision::{Context, Decision, Record, Rejection};
use domain::id::{AccountId, RuleId};
use domain::idempotency::{CommandKey, CommandRecord};
use domain::perks::{self, PerkReceipt, PerkState, UseDocument, use_document};
use domain::time::Instant;
use runtime::http::{Answer, Request, parameter};
use runtime::{App, Caller, Command, Error, Scope};
use store::{Consistency, Fault, Store};

/// Use a perk, once per `Idempotency-Key`.
struct UsePerk {
    id: AccountId,
    perk: RuleId,
    key: CommandKey,
    document: UseDocument,
}

/// The receipt, and whether it was given before.
type Given = (PerkReceipt, bool);

impl UsePerk {
    fn repeat(&self, record: &CommandRecord) -> Result<Given, Rejection> {
        Ok((record.repeat(self.document.content_hash())?, true))
    }
}

impl Command for UsePerk {
    type State = PerkState;
    type Answer = Given;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<PerkState, Fault> {
        let account = store.account(&self.id, consistency).await?;
        Ok(PerkState { account, uses: store.perk_uses(&self.id, consistency).await? })
    }

    fn last_decided(state: &PerkState) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &PerkState, context: &Context<'_>) -> Result<Decision<Given>, Rejection> {
        let decision = perks::use_perk(state, &self.perk, &self.document, &self.key, context)?;
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

/// Uses a perk of an account, for its own people or for the merchant.
pub async fn post(app: &App, caller: &Caller, id: AccountId, perk: &str, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsWrite, &id)?;
    let perk = parameter("perk", RuleId::parse(perk))?;
    let document = use_document(&request.document_or_nothing()?)?;
    let route = format!("POST /v1/accounts/{id}/perks/{perk}/uses");
    let key = CommandKey::new(caller.id(), &route, request.idempotency_key()?);
    let command = UsePerk { id, perk, key: parameter("idempotency-key", key)?, document };
    let (receipt, repeated) = app.transact(caller, &command).await?;
    let UsePerk { id, perk, .. } = &command;
    tracing::info!(account.id = %id, perk.id = %perk, repeated, "used perk {perk} of account {id}");
    Ok(match repeated {
        false => Answer::json(201, &receipt),
        true => Answer::json(200, &receipt).header("idempotent-replayed", "true"),
    })
}
