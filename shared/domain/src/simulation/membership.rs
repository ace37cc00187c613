//! Who was let in, excluded or has paid, in a history that is decided once more.
//!
//! Whom somebody let in or turned away is taken as it was decided. A payment is decided again: how long it is good for is
//! the draft's own matter. Where the draft lets accounts in and the version that was in force did not, whoever was
//! enrolled counts as let in: nobody asked then.

use super::replay::Replay;
use crate::idempotency::CommandKey;
use crate::ledger::{AccountChange, Cause, Change, Entry, MembershipChange};
use crate::membership::{self, Admission, MemberState, MembershipRules, PaymentDocument, admission};
use crate::money::Overflow;

impl Replay<'_> {
    /// Enrols, ahead of the order or credit note that did, an account that did not have to apply.
    pub fn let_in(&mut self, entry: &Entry) {
        let program = self.schedule.at(entry.at).program.clone();
        let asks = program.membership == MembershipRules::Approval && program.enrols_by_order();
        let by_trade = matches!(entry.cause, Cause::OrderPlaced { .. } | Cause::CreditNote { .. });
        let enrolled =
            entry.changes.iter().any(|change| matches!(change, Change::Account(AccountChange::Enrolled { .. })));
        let applied = entry.changes.contains(&Change::Membership(MembershipChange::Applied));
        if asks && by_trade && enrolled && !applied {
            self.enrol(entry);
        }
    }

    /// Takes over what an entry says of an account's admission and of what it is excluded from; whether it makes a member of
    /// one that has waited to be let in.
    pub fn take_over_membership(&mut self, entry: &Entry) -> bool {
        let program = self.schedule.at(entry.at).program.clone();
        let account = self.enrol(entry);
        let mut waited = false;
        for change in &entry.changes {
            match change {
                Change::Membership(MembershipChange::Applied) => {
                    account.membership.admission = Admission::Applied { since: entry.at }
                }
                Change::Membership(MembershipChange::Admitted { .. }) => {
                    let state = account.member_state(&program, entry.at);
                    waited = matches!(state, MemberState::Applicant { .. });
                    admission::admit(account, entry.at);
                }
                Change::Membership(MembershipChange::Rejected { .. }) => {
                    account.membership.admission = Admission::Rejected { since: entry.at };
                }
                Change::Membership(MembershipChange::ExclusionsChanged { to, .. }) => {
                    account.membership.excluded_from.clone_from(to)
                }
                _ => {}
            }
        }
        waited
    }

    /// A payment. Under a draft that asks for none it means nothing.
    pub fn pay_fee(&mut self, entry: &Entry) -> Result<(), Overflow> {
        let paid = entry.changes.iter().find_map(|change| match change {
            Change::Membership(MembershipChange::Paid { paid_at, reference, .. }) => {
                Some((*paid_at, reference.clone()))
            }
            _ => None,
        });
        let Some((paid_at, reference)) = paid else { return Ok(()) };
        let document = PaymentDocument { paid_at: Some(paid_at), reference };
        // Its record is not kept here, so that any key is as good.
        let decided = membership::pay(self.account.as_ref(), &document, &CommandKey::opening(), &self.context(entry));
        self.apply(decided).map(drop)
    }
}
