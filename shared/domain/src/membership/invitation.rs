//! Invitations: codes that an operator issues, each for so many accounts, and that who enrols with one is let in by.
//!
//! How often one was used stands in its own record, under a guard of its own, in the transaction that enrols the account:
//! of more who enrol with it at once than it is for, as many succeed as it is for.

use super::admission::admit;
use super::state::Admission;
use super::{Member, ProfileDocument};
use crate::account::{Account, SEGMENTS_MAX, Status};
use crate::code::Code;
use crate::decision::{Context, Decision, Guard, Record, Rejection, Write};
use crate::document::{self, Faults, Object, Path};
use crate::id::Segment;
use crate::idempotency::{self, CommandKey};
use crate::ledger::{Change, MembershipChange};
use crate::membership::MembershipRules;
use crate::money::Overflow;
use crate::program::Program;
use crate::schema::{self, Schema};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Most accounts that one is for.
const USES_MAX: u64 = 100_000;
const NOTE_CHARS_MAX: usize = 200;

/// What an invitation says: `POST /v1/invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvitationDocument {
    /// How many accounts it is for, at least 1.
    pub uses: u32,
    /// The first instant at which it cannot be used any more; `None`: it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// The group that whoever enrols with it is put in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Segment>,
    /// What it is for, for whoever reads the list. No personal data belongs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An invitation that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its text.
    pub code: Code,
    /// The number of the secret it was made with.
    pub secret: u16,
    /// The key of the request that it was issued for.
    pub key: CommandKey,
    /// Hash of what was asked for, in hexadecimal.
    pub content_hash: String,
    /// What it says.
    #[serde(flatten)]
    pub terms: InvitationDocument,
    /// How many accounts have used it.
    pub used: u32,
    /// When it was issued.
    pub issued_at: Instant,
    /// By whom.
    pub issued_by: String,
    /// When it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Instant>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// Why an invitation cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uninvited {
    /// Who enrols must state one.
    Missing,
    /// There is no such invitation.
    Unknown,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
    /// As many accounts have used it as it is for.
    UsedUp,
}

/// Reads the document of an invitation; every fault at once.
pub fn invitation_document(value: &Value) -> Result<InvitationDocument, Faults> {
    let mut faults = Faults::default();
    let document = read(value, &mut faults);
    faults.into_result(document)
}

fn read(value: &Value, faults: &mut Faults) -> Option<InvitationDocument> {
    let root = Object::open(value, &Path::Root, &["uses", "expires_at", "segment", "note"], faults)?;
    let uses = root.required("uses", faults, document::whole(1..=USES_MAX));
    let expires_at = root.optional("expires_at", faults, document::instant);
    let segment = root.optional("segment", faults, document::id(Segment::parse));
    let note = root.optional("note", faults, document::remark(NOTE_CHARS_MAX));
    Some(InvitationDocument { uses: u32::try_from(uses?).ok()?, expires_at, segment, note })
}

/// What [`invitation_document`] reads.
pub(crate) fn schema() -> Schema {
    schema::object("Invitation")
        .required("uses", schema::whole(1..=USES_MAX), "How many accounts may enrol with it.")
        .optional("expires_at", schema::instant(), "The first instant at which it is over.")
        .optional("segment", schema::id(Segment::parse), "The group that they are put into.")
        .optional("note", schema::label(NOTE_CHARS_MAX), "What it is for.")
}

impl InvitationDocument {
    /// SHA-256 over what is asked for.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }
}

impl Invitation {
    /// The same invitation, if the same was asked for; otherwise that the key was used for something else.
    pub fn repeat(&self, document: &InvitationDocument) -> Result<Self, Rejection> {
        match self.content_hash == idempotency::hexadecimal(document.content_hash()) {
            true => Ok(self.clone()),
            false => Err(Rejection::KeyReused),
        }
    }

    fn check(&self, now: Instant) -> Result<(), Uninvited> {
        match () {
            () if self.revoked_at.is_some() => Err(Uninvited::Revoked),
            () if self.terms.expires_at.is_some_and(|end| end <= now) => Err(Uninvited::Expired),
            () if self.used >= self.terms.uses => Err(Uninvited::UsedUp),
            () => Ok(()),
        }
    }

    /// The write of the same invitation, changed.
    fn put(&self, change: impl FnOnce(&mut Self)) -> Result<(Self, Write), Overflow> {
        let mut after = self.clone();
        change(&mut after);
        after.version = self.version.checked_add(1).ok_or(Overflow)?;
        let write = Write::Put(Record::Invitation(Box::new(after.clone())), Guard::Version(self.version));
        Ok((after, write))
    }
}

/// Issues an invitation, once per key: `held` is the one that was issued for it already.
pub fn issue_invitation(
    document: &InvitationDocument,
    key: &CommandKey,
    held: Option<&Invitation>,
    context: &Context<'_>,
) -> Result<Decision<Invitation>, Rejection> {
    if let Some(held) = held {
        return Ok(Decision { writes: Vec::new(), answer: held.repeat(document)? });
    }
    if document.expires_at.is_some_and(|end| end <= context.now) {
        return Err(Rejection::ExpiresInPast);
    }
    let invitation = Invitation {
        code: context.secrets.invitation_code(key.as_str(), context.collisions),
        secret: context.secrets.current(),
        key: key.clone(),
        content_hash: idempotency::hexadecimal(document.content_hash()),
        terms: document.clone(),
        used: 0,
        issued_at: context.now,
        issued_by: context.by.to_owned(),
        revoked_at: None,
        version: 1,
    };
    let write = Write::Put(Record::Invitation(Box::new(invitation.clone())), Guard::Absent);
    Ok(Decision { writes: vec![write], answer: invitation })
}

/// Revokes an invitation: nobody enrols with it any more, and who has stays. Revoked already, it stays as it is.
pub fn revoke_invitation(held: Option<&Invitation>, context: &Context<'_>) -> Result<Decision<Invitation>, Rejection> {
    let held = held.ok_or(Rejection::UnknownInvitation)?;
    if held.revoked_at.is_some() {
        return Ok(Decision { writes: Vec::new(), answer: held.clone() });
    }
    let (revoked, write) = held.put(|after| after.revoked_at = Some(context.now))?;
    Ok(Decision { writes: vec![write], answer: revoked })
}

/// What an invitation that a document names means for the account of a `PUT`: whether it is let in by it, and in which
/// group. An account that was let in already goes on as it is, so that the same document again writes nothing.
pub(super) struct Invited {
    /// What is written of the invitation.
    pub write: Option<Write>,
    /// What the account's entry says.
    pub change: Option<Change>,
    /// The segments as stated, with the one that the invitation puts the account in.
    pub segments: Vec<Segment>,
}

pub(super) fn invite(
    account: &mut Account,
    before: &Member,
    document: &ProfileDocument,
    program: &Program,
    now: Instant,
) -> Result<Invited, Rejection> {
    let is_new = before.account.is_none();
    let (mut write, mut change) = (None, None);
    let named = before.invitation.as_ref().filter(|named| document.invitation.as_ref() == Some(&named.code));
    let mut group = named.and_then(|named| named.terms.segment.clone()).filter(|one| account.segments.contains(one));
    match (&document.invitation, account.membership.admission) {
        (None, _) if is_new && program.membership == MembershipRules::Invitation => {
            return Err(Rejection::Uninvited(Uninvited::Missing));
        }
        (Some(_), Admission::Rejected { .. }) => return Err(Rejection::NotAMember(account.member_state(program, now))),
        (Some(_), admission) if is_new || admission != Admission::Admitted => {
            if account.status != Status::Active {
                return Err(Rejection::AccountNotActive(account.status));
            }
            let named = named.ok_or(Rejection::Uninvited(Uninvited::Unknown))?;
            named.check(now).map_err(Rejection::Uninvited)?;
            let used = named.used.checked_add(1).ok_or(Overflow)?;
            write = Some(named.put(|after| after.used = used)?.1);
            admit(account, now);
            change = Some(Change::Membership(MembershipChange::Admitted {
                invitation: Some(named.code.clone()),
                reason: None,
            }));
            group.clone_from(&named.terms.segment);
        }
        _ => {}
    }
    let mut segments = document.segments.clone();
    if let Some(group) = group
        && let Err(place) = segments.binary_search(&group)
    {
        segments.insert(place, group);
    }
    if segments.len() > SEGMENTS_MAX {
        let mut faults = Faults::default();
        let message = format!("must leave room for the segment of the invitation: {SEGMENTS_MAX} in all");
        faults.add(&Path::Key(&Path::Root, "segments"), "wrong_length", message);
        return Err(faults.into());
    }
    Ok(Invited { write, change, segments })
}

#[cfg(test)]
mod tests;
