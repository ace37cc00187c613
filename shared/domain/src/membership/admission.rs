//! Letting accounts in, turning them away, and excluding members from something: what an operator decides.

use super::rules::MembershipRules;
use super::state::{Admission, Exclusion};
use crate::account::{Account, Status};
use crate::advance;
use crate::decision::{self, Context, Decision, Rejection};
use crate::document::{self, Faults, Object, Path};
use crate::ledger::{Cause, Change, MembershipChange};
use crate::occasions::{self, Gifts};
use crate::program::Program;
use crate::schema::{self, Schema};
use crate::time::Instant;
use serde_json::Value;

const REASON_CHARS_MAX: usize = 200;

/// What an operator decides about a membership: `PUT /v1/accounts/{account_id}/membership`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipDocument {
    /// Whether the account is let in; `None`: that stays as it is.
    pub admitted: Option<bool>,
    /// All that it is excluded from, sorted, each once; `None`: that stays as it is.
    pub excluded_from: Option<Vec<Exclusion>>,
    /// Why, for whoever reads the ledger. No personal data belongs here.
    pub reason: String,
}

/// Reads the document of a decision; every fault at once.
pub fn membership_document(value: &Value) -> Result<MembershipDocument, Faults> {
    let mut faults = Faults::default();
    let document = read(value, &mut faults);
    faults.into_result(document)
}

fn read(value: &Value, faults: &mut Faults) -> Option<MembershipDocument> {
    let root = Object::open(value, &Path::Root, &["admission", "excluded_from", "reason"], faults)?;
    let choices = [("approved", true), ("rejected", false)];
    let admitted = root.optional("admission", faults, document::one_of(&choices));
    let excluded = root.list("excluded_from", 0..=Exclusion::ALL.len(), faults, |value, path, faults| {
        document::noted(document::one_of(&Exclusion::ALL)(value), path, faults)
    });
    let excluded_from = excluded.map(|mut listed| {
        listed.sort_unstable();
        listed.dedup();
        listed
    });
    if !root.has("admission") && !root.has("excluded_from") {
        faults.add(&root.at("admission"), "missing", "either admission or excluded_from is required");
    }
    let reason = root.required("reason", faults, document::remark(REASON_CHARS_MAX));
    Some(MembershipDocument { admitted, excluded_from, reason: reason? })
}

/// What [`membership_document`] reads.
pub(crate) fn schema() -> Schema {
    let excluded = schema::list(0..=Exclusion::ALL.len(), schema::one_of(&Exclusion::ALL));
    schema::object("Membership")
        .optional("admission", schema::words(["approved", "rejected"]), "Whether the account is let in.")
        .optional("excluded_from", excluded, "All that it is excluded from.")
        .required("reason", schema::label(REASON_CHARS_MAX), "Why; it stands in the ledger for good.")
        .some_of_fields(&["admission", "excluded_from"])
}

/// Carries a decision out. The same again writes nothing, whatever reason is given.
///
/// Fails with [`Rejection::NobodyIsAdmitted`] where the program in force lets everybody in, or whoever pays, and with
/// [`Rejection::UnderReview`] for an account whose referral is looked at first.
pub fn decide_membership(
    account: Option<&Account>,
    document: &MembershipDocument,
    context: &Context<'_>,
) -> Result<Decision<()>, Rejection> {
    let account = account.ok_or(Rejection::UnknownAccount)?;
    let activation = context.schedule.at(context.now);
    if document.admitted.is_some() && !activation.program.membership.admits() {
        return Err(Rejection::NobodyIsAdmitted);
    }
    match account.status {
        Status::Closed | Status::Erased => return Err(Rejection::AccountNotActive(account.status)),
        Status::Pending if document.admitted.is_some() => return Err(Rejection::UnderReview),
        // Whoever is let in is welcomed, and who does not take part is given nothing.
        Status::Suspended if document.admitted == Some(true) => {
            return Err(Rejection::AccountNotActive(account.status));
        }
        Status::Active | Status::Suspended | Status::Pending => {}
    }
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let (advanced, mut welcome) = (changes.len(), Gifts::default());
    match (document.admitted, account.membership.admission) {
        (Some(true), before @ (Admission::Applied { .. } | Admission::Rejected { .. })) => {
            admit(&mut account, context.now);
            changes.push(Change::Membership(MembershipChange::Admitted {
                invitation: None,
                reason: Some(document.reason.clone()),
            }));
            // Who was turned away may have been welcomed before.
            if matches!(before, Admission::Applied { .. }) {
                let tier = account.tier.clone();
                welcome = occasions::welcome(&mut account, &tier, &activation.program, context)?;
            }
        }
        (Some(false), Admission::Applied { .. } | Admission::Admitted) => {
            account.membership.admission = Admission::Rejected { since: context.now };
            changes.push(Change::Membership(MembershipChange::Rejected { reason: document.reason.clone() }));
        }
        _ => {}
    }
    if let Some(to) = document.excluded_from.clone().filter(|to| *to != account.membership.excluded_from) {
        let from = std::mem::replace(&mut account.membership.excluded_from, to.clone());
        changes.push(Change::Membership(MembershipChange::ExclusionsChanged {
            from,
            to,
            reason: document.reason.clone(),
        }));
    }
    if changes.len() == advanced {
        return Ok(Decision { writes: Vec::new(), answer: () });
    }
    changes.extend(welcome.changes);
    let mut writes = welcome.writes;
    writes.extend(decision::commit(account, Cause::Membership, changes, activation.version, context)?);
    Ok(Decision { writes, answer: () })
}

/// Lets an account in: from now on it is a member.
pub(crate) fn admit(account: &mut Account, now: Instant) {
    account.membership.admission = Admission::Admitted;
    account.joined_at = now;
}

/// What enrolling means for an account that was just made: it may have to be let in first.
pub(crate) fn apply(account: &mut Account, program: &Program, now: Instant) -> Option<Change> {
    if program.membership != MembershipRules::Approval {
        return None;
    }
    account.membership.admission = Admission::Applied { since: now };
    Some(Change::Membership(MembershipChange::Applied))
}

#[cfg(test)]
mod tests;
