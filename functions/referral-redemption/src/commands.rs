//! The commands of this function.

use domain::account::Account;
use domain::code::{Code, Secrets};
use domain::decision::{Context, Decision, Record, Rejection};
use domain::id::AccountId;
use domain::idempotency::CommandKey;
use domain::membership::Member;
use domain::precondition::Precondition;
use domain::referral::{
    self, CodeChange, CodeDocument, Codes, Prospect, ProspectDocument, Redemption, RedemptionId, RedemptionKey,
    ReferralCode, ReviewDecision,
};
use domain::time::Instant;
use runtime::Command;
use store::{Consistency, Fault, Store};

/// Issue a code to an account or a person of it.
pub struct IssueCode {
    pub id: AccountId,
    pub document: CodeDocument,
}

impl Command for IssueCode {
    type State = Codes;
    /// The code, and whether it is new.
    type Answer = (ReferralCode, bool);

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Codes, Fault> {
        let contact = self.document.contact_id.as_ref();
        let holder = store.code_holder(&self.id, contact, consistency).await?;
        let held = match &holder {
            Some(holder) => store.referral_code(&holder.referral_code, Consistency::Strong).await?,
            None => None,
        };
        let contact_known = match contact {
            Some(contact) if held.is_none() => store.contact(&self.id, contact, consistency).await?.is_some(),
            _ => true,
        };
        let account = store.account(&self.id, consistency).await?;
        // What is stored about it is guarded by the account: whoever changes the one has moved the other on.
        let profile = store.profile(&self.id, Consistency::Strong).await?;
        Ok(Codes { account, profile, contact_known, held })
    }

    fn last_decided(state: &Codes) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Codes, context: &Context<'_>) -> Result<Decision<Self::Answer>, Rejection> {
        let decision = referral::issue_code(&self.id, state, &self.document, context)?;
        Ok(Decision { answer: (decision.answer, !decision.writes.is_empty()), writes: decision.writes })
    }
}

/// Set what can be set of a code.
pub struct ChangeCode {
    pub code: Code,
    pub owner: AccountId,
    pub change: CodeChange,
    pub condition: Precondition,
}

impl Command for ChangeCode {
    type State = (Option<ReferralCode>, Option<Account>);
    type Answer = ReferralCode;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Self::State, Fault> {
        let code = store.referral_code(&self.code, consistency).await?;
        Ok((code, store.account(&self.owner, consistency).await?))
    }

    fn last_decided(state: &Self::State) -> Option<Instant> {
        state.1.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, (code, owner): &Self::State, context: &Context<'_>) -> Result<Decision<ReferralCode>, Rejection> {
        let code = code.as_ref().ok_or(Rejection::UnknownCode)?;
        let decision = referral::change_code(owner.as_ref(), code, &self.change, context)?;
        self.condition.judge(Some(code.version), decision)
    }
}

/// Redeem a code for a prospect, once per `Idempotency-Key`.
pub struct Redeem {
    key: RedemptionKey,
    /// Whether its account is one that only this redemption makes.
    account_is_own: bool,
    account_id: AccountId,
    document: ProspectDocument,
    secrets: Secrets,
}

impl Redeem {
    /// The redemption is known by the command's key, so that a repeat is the same one.
    pub fn new(code: Code, key: &CommandKey, document: ProspectDocument, secrets: &Secrets) -> Self {
        let redemption_id = RedemptionId::of_command(key);
        let account_is_own = document.account_id.is_none();
        let account_id = document.account_id.clone().unwrap_or_else(|| referral::account_of_command(key, secrets));
        let (key, secrets) = (RedemptionKey { code, redemption_id }, secrets.clone());
        Self { key, account_is_own, account_id, document, secrets }
    }

    fn repeat(&self, stored: &Redemption) -> Result<(Redemption, bool), Rejection> {
        if self.document.is_content(&stored.content, &self.secrets) {
            return Ok((stored.clone(), true));
        }
        Err(Rejection::KeyReused)
    }
}

impl Command for Redeem {
    type State = Prospect;
    /// The redemption, and whether it was there before.
    type Answer = (Redemption, bool);

    /// What the prospect has in common with its referrer no guard protects, so the referrer's data are read strongly. A
    /// code without limit, and whether its owner takes part, may be as they were a moment ago.
    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Prospect, Fault> {
        let code = store.referral_code(&self.key.code, consistency).await?;
        let (mut referrer, mut referrer_profile) = (None, None);
        if let Some(code) = &code {
            referrer = store.account(&code.account_id, consistency).await?;
            referrer_profile = store.profile(&code.account_id, Consistency::Strong).await?;
        }
        // An account that only this redemption makes is not there at a first try.
        let member = match (self.account_is_own, consistency) {
            (true, Consistency::Eventual) => Member::default(),
            _ => match store.account(&self.account_id, consistency).await? {
                // Without an account there are no data of it either, and the guard of either record says so.
                None => Member::default(),
                account => {
                    let profile = store.profile(&self.account_id, consistency).await?;
                    Member { account, profile, invitation: None }
                }
            },
        };
        Ok(Prospect { code, referrer, referrer_profile, member })
    }

    fn last_decided(state: &Prospect) -> Option<Instant> {
        state.member.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Prospect, context: &Context<'_>) -> Result<Decision<Self::Answer>, Rejection> {
        let decision = referral::redeem(&self.key, &self.account_id, &self.document, state, context)?;
        Ok(Decision { writes: decision.writes, answer: (decision.answer, false) })
    }

    async fn recall(&self, store: &Store) -> Result<Option<Result<Self::Answer, Rejection>>, Fault> {
        let stored = store.redemption(&self.key, Consistency::Strong).await?;
        Ok(stored.map(|stored| self.repeat(&stored)))
    }

    fn meet(&self, existing: &Record) -> Option<Result<Self::Answer, Rejection>> {
        match existing {
            Record::Redemption(stored) => Some(self.repeat(stored)),
            Record::Claim(claim) if claim.account_id != self.account_id => Some(Err(Rejection::NotNew)),
            _ => None,
        }
    }
}

/// Approve or reject a redemption that waits.
pub struct ReviewRedemption {
    pub key: RedemptionKey,
    pub decision: ReviewDecision,
}

impl Command for ReviewRedemption {
    type State = Option<(Redemption, Option<Account>)>;
    type Answer = Redemption;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Self::State, Fault> {
        let Some(redemption) = store.redemption(&self.key, consistency).await? else { return Ok(None) };
        let account = store.account(&redemption.referee, consistency).await?;
        Ok(Some((redemption, account)))
    }

    fn last_decided(state: &Self::State) -> Option<Instant> {
        state.as_ref().and_then(|(_, account)| Some(account.as_ref()?.last_decided))
    }

    fn decide(&self, state: &Self::State, context: &Context<'_>) -> Result<Decision<Redemption>, Rejection> {
        let (redemption, account) = state.as_ref().ok_or(Rejection::UnknownRedemption)?;
        let account = account.as_ref().ok_or(Rejection::UnknownAccount)?;
        referral::decide_review(redemption, account, &self.decision, context)
    }
}
