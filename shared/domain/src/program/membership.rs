//! The membership of the program document.

use super::UnknownAccount;
use super::read::small;
use crate::document::{self, Faults, Object, Path};
use crate::membership::{Fee, MembershipRules};
use serde_json::Value;

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

/// Notes what of a document contradicts how accounts become members.
pub(super) fn sense(
    membership: MembershipRules,
    unknown_account: Option<UnknownAccount>,
    membership_ending_days: &[u16],
    faults: &mut Faults,
) {
    let root = Path::Root;
    if membership == MembershipRules::Invitation && unknown_account == Some(UnknownAccount::Enrol) {
        let enrolment = Path::Key(&root, "enrolment");
        let message = "must be reject: an order states no invitation, without which nobody is enrolled";
        faults.add(&Path::Key(&enrolment, "unknown_account"), "conflict", message);
    }
    if membership.fee().is_none() && !membership_ending_days.is_empty() {
        let warnings = Path::Key(&root, "warnings");
        let message = "no membership ends: none is paid for";
        faults.add(&Path::Key(&warnings, "membership_ending_days"), "never_fires", message);
    }
}

#[cfg(test)]
mod tests;
