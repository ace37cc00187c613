//! The commands that state what is known of an account and of a person of it.

use domain::account::Account;
use domain::decision::{Context, Decision, Record, Rejection};
use domain::id::{AccountId, ContactId};
use domain::membership::{self, Contact, ContactDocument, Member, ProfileDocument, Put, StatedBy};
use domain::precondition::Precondition;
use domain::time::Instant;
use runtime::Command;
use store::{Consistency, Fault, Store};

/// Enrol an account or change its data.
pub struct PutAccount {
    pub id: AccountId,
    pub document: ProfileDocument,
    pub by: StatedBy,
    pub condition: Precondition,
}

impl Command for PutAccount {
    type State = Member;
    type Answer = Put;

    /// The account first, then its profile, strongly: a profile that is not written is protected by no guard of its
    /// own, and whoever changed it since has moved the account on.
    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Member, Fault> {
        // Its use is protected by its own guard; that it lets nobody in is answered from a strong read.
        let invitation = match &self.document.invitation {
            Some(code) => store.invitation(code, consistency).await?,
            None => None,
        };
        Ok(Member {
            invitation,
            account: store.account(&self.id, consistency).await?,
            profile: store.profile(&self.id, Consistency::Strong).await?,
        })
    }

    fn last_decided(state: &Member) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Member, context: &Context<'_>) -> Result<Decision<Put>, Rejection> {
        let decision = membership::put_account(&self.id, state, &self.document, self.by, context)?;
        self.condition.judge(state.account.as_ref().map(|account| account.version), decision)
    }

    fn meet(&self, existing: &Record) -> Option<Result<Put, Rejection>> {
        match existing {
            Record::Claim(claim) if claim.account_id != self.id => Some(Err(Rejection::Taken(claim.key.field))),
            _ => None,
        }
    }
}

/// Add a contact or change it.
pub struct PutContact {
    pub id: AccountId,
    pub contact_id: ContactId,
    pub document: ContactDocument,
    pub condition: Precondition,
}

impl Command for PutContact {
    type State = (Option<Account>, Option<Contact>);
    /// Whether the contact is new, and its version.
    type Answer = (Put, u64);

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Self::State, Fault> {
        let account = store.account(&self.id, consistency).await?;
        Ok((account, store.contact(&self.id, &self.contact_id, Consistency::Strong).await?))
    }

    fn last_decided(state: &Self::State) -> Option<Instant> {
        state.0.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, (account, held): &Self::State, context: &Context<'_>) -> Result<Decision<(Put, u64)>, Rejection> {
        let held = held.as_ref();
        let decision = membership::put_contact(account.as_ref(), &self.contact_id, held, &self.document, context)?;
        let present = held.map(|contact| contact.version);
        let Decision { writes, answer } = self.condition.judge(present, decision)?;
        let version = present.unwrap_or_default().saturating_add(u64::from(!writes.is_empty()));
        Ok(Decision { writes, answer: (answer, version) })
    }
}
