//! The membership of the program document.

use super::UnknownAccount;
use super::read::small;
use crate::document::{self, Faults, Object, Path};
use crate::membership::{Fee, MembershipRules};
use crate::occasions::{OccasionRule, On};
use crate::schema::{self, Schema};
use serde_json::{Value, json};

const MONTHS_MAX: u16 = 60;
const GRACE_DAYS_MAX: u16 = 180;

/// How an account becomes a member, by name.
#[derive(Clone, Copy)]
enum Named {
    Open,
    Approval,
    Invitation,
    Paid,
}

const KINDS: [(&str, Named); 4] =
    [("open", Named::Open), ("approval", Named::Approval), ("invitation", Named::Invitation), ("paid", Named::Paid)];

pub(super) fn membership(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<MembershipRules> {
    let section = Object::open(value, path, &["kind", "months", "grace_days"], faults)?;
    let named = section.required("kind", faults, document::one_of(&KINDS))?;
    Some(match named {
        Named::Paid => MembershipRules::Paid(fee(&section, faults)?),
        other => {
            for field in ["months", "grace_days"].into_iter().filter(|field| section.has(field)) {
                faults.add(&section.at(field), "conflict", "only a paid membership has a period");
            }
            match other {
                Named::Approval => MembershipRules::Approval,
                Named::Invitation => MembershipRules::Invitation,
                Named::Open | Named::Paid => MembershipRules::Open,
            }
        }
    })
}

fn fee(section: &Object<'_>, faults: &mut Faults) -> Option<Fee> {
    let months = section.required("months", faults, |v| small(v, 1, MONTHS_MAX));
    let grace_days = section.optional("grace_days", faults, |v| small(v, 0, GRACE_DAYS_MAX)).unwrap_or(0);
    Some(Fee { months: months?, grace_days })
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let kind = "open: whoever is enrolled is a member; approval: whoever was let in; invitation: who has enrolled with an \
                invitation; paid: who has paid.";
    let months = "Of paid: months that one payment is good for.";
    let grace = "Of paid: days after them in which a payment goes on where the last one ended; left out, 0.";
    schema::object("Membership")
        .required("kind", schema::one_of(&KINDS), kind)
        .optional("months", schema::small(1, MONTHS_MAX), months)
        .optional("grace_days", schema::small(0, GRACE_DAYS_MAX), grace)
        .some_stated_if(&["months"], "kind", "paid")
        .examples([json!({ "kind": "approval" }), json!({ "kind": "paid", "months": 12, "grace_days": 14 })])
}

/// Notes what of a document contradicts how accounts become members.
pub(super) fn sense(
    membership: MembershipRules,
    unknown_account: Option<UnknownAccount>,
    membership_ending_days: &[u16],
    occasions: &[OccasionRule],
    faults: &mut Faults,
) {
    let root = Path::Root;
    if membership == MembershipRules::Invitation && unknown_account == Some(UnknownAccount::Enrol) {
        let enrolment = Path::Key(&root, "enrolment");
        let message = "must be reject: an order states no invitation, without which nobody is enrolled";
        faults.add(&Path::Key(&enrolment, "unknown_account"), "conflict", message);
    }
    let list = Path::Key(&root, "occasions");
    let welcomes =
        occasions.iter().enumerate().filter(|(_, rule)| membership.fee().is_some() && rule.on == On::Welcome);
    for (index, _) in welcomes {
        let message = "who enrols has not paid yet, and is welcomed once it is a member only";
        faults.add(&Path::Key(&Path::Index(&list, index), "on"), "never_fires", message);
    }
    if membership.fee().is_none() && !membership_ending_days.is_empty() {
        let warnings = Path::Key(&root, "warnings");
        let message = "no membership ends: none is paid for";
        faults.add(&Path::Key(&warnings, "membership_ending_days"), "never_fires", message);
    }
}

#[cfg(test)]
mod tests;
