//! Invitations: `/v1/invitations`, for the merchant alone.

use domain::code::Code;
use domain::decision::{Context, Decision, Record, Rejection};
use domain::idempotency::CommandKey;
use domain::membership::{self, Invitation, InvitationDocument};
use domain::precondition::Precondition;
use domain::time::Instant;
use runtime::http::{self, Answer, Request, parameter};
use runtime::{App, Caller, Command, Error, Scope};
use serde::Serialize;
use store::{Consistency, Fault, Store};

pub(crate) const LISTED_USUAL: u16 = 20;
pub(crate) const LISTED_MAX: u16 = 100;

/// Issue an invitation, once per `Idempotency-Key`.
struct Issue {
    key: CommandKey,
    document: InvitationDocument,
    /// The codes that the key stands for, under each live secret: a repeat finds its first answer after a change of it.
    codes: Vec<Code>,
}

/// The invitation, and whether it was issued before.
type Issued = (Invitation, bool);

impl Issue {
    async fn held(&self, store: &Store, consistency: Consistency) -> Result<Option<Invitation>, Fault> {
        for code in &self.codes {
            let held = store.invitation(code, consistency).await?;
            if let Some(held) = held.filter(|held| held.key == self.key) {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }

    fn repeat(&self, held: &Invitation) -> Result<Issued, Rejection> {
        Ok((held.repeat(&self.document)?, true))
    }
}

impl Command for Issue {
    type State = Option<Invitation>;
    type Answer = Issued;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Option<Invitation>, Fault> {
        self.held(store, consistency).await
    }

    fn last_decided(_: &Option<Invitation>) -> Option<Instant> {
        None
    }

    fn decide(&self, held: &Option<Invitation>, context: &Context<'_>) -> Result<Decision<Issued>, Rejection> {
        let issued = membership::issue_invitation(&self.document, &self.key, held.as_ref(), context)?;
        Ok(Decision { writes: issued.writes, answer: (issued.answer, held.is_some()) })
    }

    async fn recall(&self, store: &Store) -> Result<Option<Result<Issued, Rejection>>, Fault> {
        Ok(self.held(store, Consistency::Strong).await?.map(|held| self.repeat(&held)))
    }

    fn meet(&self, existing: &Record) -> Option<Result<Issued, Rejection>> {
        match existing {
            Record::Invitation(held) if held.key == self.key => Some(self.repeat(held)),
            _ => None,
        }
    }
}

/// Revoke an invitation.
struct Revoke {
    code: Code,
    condition: Precondition,
}

impl Command for Revoke {
    type State = Option<Invitation>;
    type Answer = Invitation;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Option<Invitation>, Fault> {
        store.invitation(&self.code, consistency).await
    }

    fn last_decided(_: &Option<Invitation>) -> Option<Instant> {
        None
    }

    fn decide(&self, held: &Option<Invitation>, context: &Context<'_>) -> Result<Decision<Invitation>, Rejection> {
        let decision = membership::revoke_invitation(held.as_ref(), context)?;
        self.condition.judge(held.as_ref().map(|held| held.version), decision)
    }
}

/// An invitation, as it stands.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct InvitationAnswer {
    invitation_code: Code,
    #[serde(flatten)]
    terms: InvitationDocument,
    used: u32,
    issued_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Instant>,
}

impl From<Invitation> for InvitationAnswer {
    fn from(invitation: Invitation) -> Self {
        let Invitation { code, terms, used, issued_at, revoked_at, .. } = invitation;
        Self { invitation_code: code, terms, used, issued_at, revoked_at }
    }
}

/// One page of the invitations.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct InvitationsAnswer {
    invitations: Vec<InvitationAnswer>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

fn shown(invitation: Invitation) -> Answer {
    let version = invitation.version;
    Answer::json(200, &InvitationAnswer::from(invitation)).tagged(version)
}

fn code(text: &str) -> Result<Code, Error> {
    Ok(Code::parse(text).map_err(|_| Rejection::UnknownInvitation)?)
}

pub async fn post(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    let document = membership::invitation_document(&request.document()?)?;
    let key = request.command_key(caller, "POST /v1/invitations")?;
    let codes = app.secrets().invitation_codes(key.as_str());
    let (invitation, repeated) = app.transact(caller, &Issue { key, document, codes }).await?;
    // The code itself is as good as a key.
    tracing::info!(uses = invitation.terms.uses, repeated, "issued an invitation");
    let place = format!("/v1/invitations/{}", invitation.code);
    let answer = InvitationAnswer::from(invitation);
    Ok(Answer::once(&answer, repeated).location(place))
}

pub async fn get(app: &App, caller: &Caller, text: &str) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsRead)?;
    let found = app.store().invitation(&code(text)?, Consistency::Strong).await?;
    Ok(shown(found.ok_or(Rejection::UnknownInvitation)?))
}

pub async fn list(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsRead)?;
    request.takes(&["limit", "cursor"])?;
    let limit = request.limit(LISTED_USUAL, LISTED_MAX)?;
    let after = request.text_cursor()?.map(|text| parameter("cursor", Code::parse(&text))).transpose()?;
    let page = app.store().invitations(after.as_ref(), limit).await?;
    let next_cursor = page.next.map(|code| http::text_cursor(code.as_str()));
    let invitations = page.invitations.into_iter().map(InvitationAnswer::from).collect();
    let answer = InvitationsAnswer { invitations, next_cursor: next_cursor.clone() };
    Ok(Answer::json(200, &answer).next(next_cursor))
}

pub async fn delete(app: &App, caller: &Caller, text: &str, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    let revoke = Revoke { code: code(text)?, condition: request.precondition()? };
    let invitation = app.transact(caller, &revoke).await?;
    tracing::info!(used = invitation.used, "revoked an invitation");
    Ok(shown(invitation))
}
