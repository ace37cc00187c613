//! `DELETE /v1/accounts/{account_id}/personal-data`: what is known of a company and its people is removed, and what it
//! did stays.
//!
//! It is several transactions: one that begins it, and then as many as there is to remove, each of a bounded size. It may
//! end anywhere, by a crash or by the time that a request has; sent again, it goes on with what is left.

use domain::account::Account;
use domain::decision::{Context, Decision, Rejection};
use domain::erasure::{self, Erasure, Known};
use domain::id::{AccountId, SurveyId};
use domain::membership::{Claim, Contact, Profile};
use domain::survey::{self, Respondent};
use domain::time::Instant;
use runtime::http::{Answer, Request};
use runtime::{App, Caller, Command, Deadline, Error, Fault, Scope};
use serde::Serialize;
use store::{Consistency, Segment, Store};

/// Records that one transaction removes at most.
const PAGE: u16 = 25;

/// When whoever erases is to send the same again, where something is left.
const ASK_AGAIN_SECONDS: u32 = 1;

/// How far an erasure has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErasureAnswer {
    /// Whose personal data.
    pub account_id: AccountId,
    /// `erased`: nothing is left; `erasing`: ask again, and it goes on.
    pub state: &'static str,
    /// When it began.
    pub begun_at: Instant,
    /// Sequence of the ledger entry that says so.
    pub entry: u64,
    /// When nothing was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Instant>,
}

impl From<Erasure> for ErasureAnswer {
    fn from(erasure: Erasure) -> Self {
        let Erasure { account_id, begun_at, entry, erased_at, .. } = erasure;
        let state = if erased_at.is_some() { "erased" } else { "erasing" };
        Self { account_id, state, begun_at, entry, erased_at }
    }
}

/// Erases a company's personal data, for the merchant alone: 200 once nothing is left, 202 while something is.
pub async fn delete(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    request.takes(&[])?;
    request.unconditional()?;
    let deadline = Deadline::after(app.patience().request);
    let erasure = erase(app, caller, &id, deadline, Claims::Listed).await?;
    let answer = ErasureAnswer::from(erasure);
    Ok(match answer.erased_at {
        Some(_) => Answer::json(200, &answer),
        None => Answer::json(202, &answer).retry_after(ASK_AGAIN_SECONDS),
    })
}

/// Whether claims that no profile lists are looked for among all that there are, which takes a scan: never for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claims {
    /// They are not.
    Listed,
    /// They are.
    All,
}

/// Erases a company's personal data as far as there is time, at least a step of it; what was done before stays done.
/// What only has to be looked at is no step: it would have to be again.
pub async fn erase(
    app: &App,
    caller: &Caller,
    id: &AccountId,
    deadline: Deadline,
    claims: Claims,
) -> Result<Erasure, Error> {
    let erasure = app.transact(caller, &Begin(id)).await?;
    if erasure.erased_at.is_some() {
        return Ok(erasure);
    }
    tracing::info!(account.id = %id, "erasing the personal data of account {id}");
    while app.transact(caller, &Contacts(id)).await? == Left::More {
        if deadline.is_over() {
            return Ok(erasure);
        }
    }
    for survey in app.store().survey_ids().await? {
        // An item that is no survey has no answers.
        let Ok(survey) = survey else { continue };
        if !answers(app, caller, &survey, id, deadline).await? {
            return Ok(erasure);
        }
    }
    app.transact(caller, &OwnData(id)).await?;
    if erasure.unlisted_claims && (claims == Claims::Listed || !unlisted_claims(app, id).await?) {
        return Ok(erasure);
    }
    let erasure = app.transact(caller, &Finish(id)).await?;
    tracing::info!(account.id = %id, "erased the personal data of account {id}");
    Ok(erasure)
}

/// Whether there was anything to remove, so that there may be more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    More,
}

/// From here on nothing personal is added.
struct Begin<'a>(&'a AccountId);

impl Command for Begin<'_> {
    type State = Known;
    type Answer = Erasure;

    /// The account first: what is read after it and is not as the account says is guarded by its own version.
    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Known, store::Fault> {
        let erasure = store.erasure(self.0, Consistency::Strong).await?;
        let account = store.account(self.0, consistency).await?;
        let (mut discounts, mut redemption) = (Vec::new(), None);
        if let Some(Account { discounts: open, referral, .. }) = &account {
            let codes: Vec<_> = open.iter().map(|open| open.code.clone()).collect();
            discounts = store.discounts(self.0, &codes, Consistency::Strong).await?.into_iter().flatten().collect();
            if let Some(referral) = referral {
                redemption = store.redemption(&referral.key, Consistency::Strong).await?;
            }
        }
        let profile = store.profile(self.0, Consistency::Strong).await?;
        Ok(Known { account, erasure, profile, discounts, redemption })
    }

    fn last_decided(state: &Known) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Known, context: &Context<'_>) -> Result<Decision<Erasure>, Rejection> {
        erasure::begin(state, context)
    }
}

/// A page of an account's people is removed.
struct Contacts<'a>(&'a AccountId);

impl Command for Contacts<'_> {
    type State = Vec<Contact>;
    type Answer = Left;

    async fn load(&self, store: &Store, _: Consistency) -> Result<Vec<Contact>, store::Fault> {
        store.first_contacts(self.0, PAGE).await
    }

    fn last_decided(_: &Vec<Contact>) -> Option<Instant> {
        None
    }

    fn decide(&self, contacts: &Vec<Contact>, _: &Context<'_>) -> Result<Decision<Left>, Rejection> {
        let answer = if contacts.is_empty() { Left::Nothing } else { Left::More };
        Ok(Decision { writes: erasure::forget_contacts(contacts), answer })
    }
}

/// Removes what an account's people said in their own words to a survey; whether that was all.
async fn answers(
    app: &App,
    caller: &Caller,
    survey: &SurveyId,
    account: &AccountId,
    deadline: Deadline,
) -> Result<bool, Error> {
    let mut after = None;
    loop {
        let page = Answers { survey, account, after: after.clone() };
        let (removed, next) = app.transact(caller, &page).await?;
        if removed == Left::More && deadline.is_over() {
            return Ok(false);
        }
        after = next;
        if after.is_none() {
            return Ok(true);
        }
    }
}

/// A page of what an account's people have answered.
struct Answers<'a> {
    survey: &'a SurveyId,
    account: &'a AccountId,
    after: Option<Respondent>,
}

impl Command for Answers<'_> {
    type State = (Vec<survey::Answer>, Option<Respondent>);
    /// Whether there was anything to remove, and after whose to go on; `None`: there are no more.
    type Answer = (Left, Option<Respondent>);

    async fn load(&self, store: &Store, _: Consistency) -> Result<Self::State, store::Fault> {
        let page = store.answers_of_account(self.survey, self.account, self.after.as_ref(), PAGE).await?;
        Ok((page.answers, page.next))
    }

    fn last_decided(_: &Self::State) -> Option<Instant> {
        None
    }

    fn decide(&self, (answers, next): &Self::State, _: &Context<'_>) -> Result<Decision<Self::Answer>, Rejection> {
        let writes = erasure::forget_answers(answers);
        let had = if writes.is_empty() { Left::Nothing } else { Left::More };
        Ok(Decision { writes, answer: (had, next.clone()) })
    }
}

/// What an account has stated of itself is removed, with what it has claimed.
struct OwnData<'a>(&'a AccountId);

impl Command for OwnData<'_> {
    type State = Option<Profile>;
    type Answer = ();

    async fn load(&self, store: &Store, _: Consistency) -> Result<Option<Profile>, store::Fault> {
        store.profile(self.0, Consistency::Strong).await
    }

    fn last_decided(_: &Option<Profile>) -> Option<Instant> {
        None
    }

    fn decide(&self, profile: &Option<Profile>, _: &Context<'_>) -> Result<Decision<()>, Rejection> {
        let writes = profile.as_ref().map(erasure::forget_profile).unwrap_or_default();
        Ok(Decision { writes, answer: () })
    }
}

/// Gives up the claims of an account that its profile did not list; false where one was taken from under us.
async fn unlisted_claims(app: &App, id: &AccountId) -> Result<bool, Fault> {
    let mut after = None;
    loop {
        let page = app.store().claims_page(Segment::WHOLE, after).await?;
        let own: Vec<Claim> = page.records.into_iter().filter(|claim| claim.account_id == *id).collect();
        for claim in &own {
            let given_up = [domain::membership::give_up(&claim.key)];
            if !matches!(app.store().commit(&given_up).await?, store::Commit::Done) {
                return Ok(false);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(true);
        }
    }
}

/// Nothing is left.
struct Finish<'a>(&'a AccountId);

impl Command for Finish<'_> {
    type State = Option<Erasure>;
    type Answer = Erasure;

    async fn load(&self, store: &Store, _: Consistency) -> Result<Option<Erasure>, store::Fault> {
        store.erasure(self.0, Consistency::Strong).await
    }

    fn last_decided(state: &Option<Erasure>) -> Option<Instant> {
        state.as_ref().map(|erasure| erasure.begun_at)
    }

    fn decide(&self, state: &Option<Erasure>, context: &Context<'_>) -> Result<Decision<Erasure>, Rejection> {
        erasure::finish(state.as_ref().ok_or(Rejection::UnknownAccount)?, context.now)
    }
}
