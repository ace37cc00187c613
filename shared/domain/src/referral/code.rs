//! Referral codes: issued to an account or a person of it, paused, limited.

use crate::account::{Account, Status};
use crate::advance;
use crate::code::Code;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::id::{AccountId, ContactId};
use crate::ledger::{Cause, Change, ReferralChange};
use crate::membership::Profile;
use crate::money::Overflow;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// A code that an account shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralCode {
    /// Its text.
    pub code: Code,
    /// The number of the secret it was made with.
    pub secret: u16,
    /// Whose it is.
    pub account_id: AccountId,
    /// Which person's, if not the account's as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
    /// When it was issued.
    pub issued_at: Instant,
    /// What can be set of it.
    #[serde(flatten)]
    pub settings: CodeSettings,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// What is set of a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CodeSettings {
    /// Whether it can be redeemed.
    pub status: CodeStatus,
    /// How many more times it can be redeemed; `None`: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redemptions_left: Option<u32>,
    /// The first instant at which it cannot be redeemed any more; `None`: it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// What is to be set of a code, the rest unchanged: `PUT /v1/referrals/{code}`. So who pauses a code while it is being
/// redeemed gives no use back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeChange {
    /// Whether it can be redeemed.
    pub status: Option<CodeStatus>,
    /// How many more times; within: `None` is any number.
    pub redemptions_left: Option<Option<u32>>,
    /// The first instant at which it cannot any more; within: `None` is never.
    pub expires_at: Option<Option<Instant>>,
}

impl CodeSettings {
    fn with(&self, change: &CodeChange) -> Self {
        Self {
            status: change.status.unwrap_or(self.status),
            redemptions_left: change.redemptions_left.unwrap_or(self.redemptions_left),
            expires_at: change.expires_at.unwrap_or(self.expires_at),
        }
    }
}

/// Whether a code can be redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CodeStatus {
    /// It can.
    Active,
    /// Not until it is active again.
    Paused,
}

impl CodeStatus {
    /// Every status by its name.
    pub const ALL: [(&'static str, Self); 2] = [("active", Self::Active), ("paused", Self::Paused)];
}

/// What is asked for: `POST /v1/accounts/{account_id}/referral-code`. Once per account and person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeDocument {
    /// Which person's code; `None`: the account's.
    pub contact_id: Option<ContactId>,
    /// What it is issued with.
    pub settings: CodeSettings,
}

/// Which code an account or a person of it has: one at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeHolder {
    /// Which account.
    pub account_id: AccountId,
    /// Which person; `None`: the account as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
    /// The code.
    pub referral_code: Code,
}

/// What is known before a code is issued.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codes {
    /// The account.
    pub account: Option<Account>,
    /// What is stored about it.
    pub profile: Option<Profile>,
    /// Whether it has the person that is named.
    pub contact_known: bool,
    /// The code that it, or the person, has already.
    pub held: Option<ReferralCode>,
}

impl ReferralCode {
    /// Fails where it cannot be redeemed at `now`.
    pub fn check(&self, now: Instant) -> Result<(), Rejection> {
        match self.settings {
            CodeSettings { status: CodeStatus::Paused, .. } => Err(Rejection::CodePaused),
            CodeSettings { expires_at: Some(end), .. } if end <= now => Err(Rejection::CodeExpired),
            CodeSettings { redemptions_left: Some(0), .. } => Err(Rejection::CodeExhausted),
            _ => Ok(()),
        }
    }

    /// The same once it was redeemed; `None`: nothing of it changes, so that a code without limit is no bottleneck.
    pub(super) fn redeemed(&self) -> Option<Self> {
        let left = self.settings.redemptions_left?;
        let settings = CodeSettings { redemptions_left: Some(left.saturating_sub(1)), ..self.settings.clone() };
        Some(Self { settings, version: self.version.saturating_add(1), ..self.clone() })
    }
}

/// Issues a code to an account or a person of it; one that is there already is the answer, as it stands.
///
/// From then on the account cannot redeem a code itself, so that referrals never go in a ring.
pub fn issue_code(
    account_id: &AccountId,
    codes: &Codes,
    document: &CodeDocument,
    context: &Context<'_>,
) -> Result<Decision<ReferralCode>, Rejection> {
    if let Some(held) = &codes.held {
        return Ok(Decision { writes: Vec::new(), answer: held.clone() });
    }
    let activation = context.schedule.at(context.now);
    if activation.program.referral.is_none() {
        return Err(Rejection::NoReferrals);
    }
    let account = active(codes.account.as_ref())?;
    let state = account.member_state(&activation.program, context.now);
    if !state.is_member() {
        return Err(Rejection::NotAMember(state));
    }
    // Who shares a code must be known, or nothing tells whether it brings itself.
    let is_known = |profile: &Profile| profile.vat_id.is_some() && profile.email.is_some();
    if !codes.profile.as_ref().is_some_and(is_known) {
        return Err(Rejection::IdentityMissing);
    }
    if document.contact_id.is_some() && !codes.contact_known {
        return Err(Rejection::UnknownContact);
    }
    if document.settings.expires_at.is_some_and(|end| end <= context.now) {
        return Err(Rejection::ExpiresInPast);
    }
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let cause = match &document.contact_id {
        None => account_id.to_string(),
        Some(contact) => format!("{account_id}/{contact}"),
    };
    let code = ReferralCode {
        code: context.secrets.referral_code(&cause, context.collisions),
        secret: context.secrets.current(),
        account_id: account_id.clone(),
        contact_id: document.contact_id.clone(),
        issued_at: context.now,
        settings: document.settings.clone(),
        version: 1,
    };
    account.has_referral_code = true;
    changes.push(Change::Referral(ReferralChange::CodeIssued {
        code: code.code.clone(),
        contact_id: code.contact_id.clone(),
    }));
    let holder = CodeHolder {
        account_id: account_id.clone(),
        contact_id: code.contact_id.clone(),
        referral_code: code.code.clone(),
    };
    let mut writes = vec![
        Write::Put(Record::ReferralCode(Box::new(code.clone())), Guard::Absent),
        Write::Put(Record::CodeHolder(Box::new(holder)), Guard::Absent),
    ];
    let cause = Cause::ReferralCode { code: code.code.clone() };
    writes.extend(decision::commit(account, cause, changes, activation.version, context)?);
    Ok(Decision { writes, answer: code })
}

/// Sets what can be set of a code. The same again writes nothing.
pub fn change_code(
    account: Option<&Account>,
    code: &ReferralCode,
    change: &CodeChange,
    context: &Context<'_>,
) -> Result<Decision<ReferralCode>, Rejection> {
    let settings = code.settings.with(change);
    if code.settings == settings {
        return Ok(Decision { writes: Vec::new(), answer: code.clone() });
    }
    let account = account.ok_or(Rejection::UnknownAccount)?;
    let (account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let version = code.version.checked_add(1).ok_or(Overflow)?;
    let changed = ReferralCode { settings: settings.clone(), version, ..code.clone() };
    changes.push(Change::Referral(ReferralChange::CodeChanged { code: code.code.clone(), settings }));
    let mut writes = vec![Write::Put(Record::ReferralCode(Box::new(changed.clone())), Guard::Version(code.version))];
    let cause = Cause::ReferralCode { code: code.code.clone() };
    let in_force = context.schedule.at(context.now).version;
    writes.extend(decision::commit(account, cause, changes, in_force, context)?);
    Ok(Decision { writes, answer: changed })
}

fn active(account: Option<&Account>) -> Result<&Account, Rejection> {
    let account = account.ok_or(Rejection::UnknownAccount)?;
    match account.status {
        Status::Active => Ok(account),
        status => Err(Rejection::AccountNotActive(status)),
    }
}
