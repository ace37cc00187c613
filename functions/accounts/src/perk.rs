//! `POST /v1/accounts/{id}/perks/{perk}/uses`: a perk is used.

use domain::decision::{Context, Decision, Rejection};
use domain::id::{AccountId, RuleId};
use domain::idempotency::CommandKey;
use domain::perks::{self, PerkReceipt, PerkState, UseDocument, use_document};
use domain::time::Instant;
use runtime::http::{Answer, Request, parameter};
use runtime::{App, Asked, Caller, Error, Keyed, Scope};
use store::{Consistency, Fault, Store};

/// Use a perk.
struct UsePerk {
    perk: RuleId,
    document: UseDocument,
}

impl Asked for UsePerk {
    type State = PerkState;
    type Receipt = PerkReceipt;

    fn content_hash(&self) -> [u8; 32] {
        self.document.content_hash()
    }

    async fn load(&self, id: &AccountId, store: &Store, consistency: Consistency) -> Result<PerkState, Fault> {
        let account = store.account(id, consistency).await?;
        Ok(PerkState { account, uses: store.perk_uses(id, consistency).await? })
    }

    fn last_decided(state: &PerkState) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(
        &self,
        key: &CommandKey,
        state: &PerkState,
        context: &Context<'_>,
    ) -> Result<Decision<PerkReceipt>, Rejection> {
        perks::use_perk(state, &self.perk, &self.document, key, context)
    }
}

/// Uses a perk of an account, for its own people or for the merchant.
pub async fn post(app: &App, caller: &Caller, id: AccountId, perk: &str, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsWrite, &id)?;
    let perk = parameter("perk", RuleId::parse(perk))?;
    let document = use_document(&request.document_or_nothing()?)?;
    let route = format!("POST /v1/accounts/{id}/perks/{perk}/uses");
    let command = Keyed::new(caller, request, &route, id, UsePerk { perk: perk.clone(), document })?;
    let (receipt, repeated) = app.transact(caller, &command).await?;
    let id = command.account_id();
    tracing::info!(account.id = %id, perk.id = %perk, repeated, "used perk {perk} of account {id}");
    Ok(Answer::once(&receipt, repeated))
}
