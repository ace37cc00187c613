//! The command behind `PUT /v1/accounts/{id}/tier`.

use domain::account::Account;
use domain::decision::{Context, Decision, Rejection};
use domain::id::AccountId;
use domain::invitation::{self, InvitationDocument, invitation_document};
use domain::membership::Put;
use domain::precondition::Precondition;
use domain::time::Instant;
use runtime::http::{Answer, Request};
use runtime::{App, Caller, Command, Error, Scope};
use store::{Consistency, Fault, Store};

/// Put an account into a tier by invitation, or take it out.
struct PutTier {
    id: AccountId,
    document: InvitationDocument,
    condition: Precondition,
}

impl Command for PutTier {
    type State = Option<Account>;
    type Answer = ();

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Self::State, Fault> {
        store.account(&self.id, consistency).await
    }

    fn last_decided(state: &Self::State) -> Option<Instant> {
        state.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Self::State, context: &Context<'_>) -> Result<Decision<()>, Rejection> {
        let decision = invitation::decide(state.as_ref(), &self.document, context)?;
        self.condition.judge(state.as_ref().map(|account| account.version), decision)
    }
}

/// Invites an account into a tier, or ends that: the merchant's business alone. Answers where the account stands.
pub async fn put(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    let document = invitation_document(&request.document()?)?;
    let command = PutTier { id, document, condition: request.precondition()? };
    app.transact(caller, &command).await?;
    let PutTier { id, document, .. } = &command;
    let tier = document.tier.as_ref().map_or("none", |tier| tier.as_str());
    tracing::info!(account.id = %id, tier.id = tier, "account {id} is in tier {tier} by invitation");
    super::show(app, id, Put::Stored).await
}
