//! Referrals: each rewards each side once at most, nobody refers themselves, and what the records say is what the ledgers
//! say.

use super::{Report, Subject};
use domain::account::Account;
use domain::code::Code;
use domain::id::AccountId;
use domain::ledger::{Change, MembershipChange, ReferralChange};
use domain::membership::Invitation;
use domain::referral::{Redemption, RedemptionKey, Referral, Stage};
use std::collections::BTreeMap;
use store::{CodeRecord, Fault, LedgerRecord, Segment, Store};

/// What ledgers tell of redemptions.
#[derive(Default)]
pub(super) struct Referrals {
    told: BTreeMap<RedemptionKey, Told>,
    /// Accounts that were let in by each invitation.
    invited: BTreeMap<Code, u64>,
}

/// Ledgers are read first: who enrols meanwhile has used the invitation, and is told of by no ledger that was read.
fn check_invitation(invitation: &Invitation, invited: &BTreeMap<Code, u64>, report: &mut Report) {
    let told = invited.get(&invitation.code).copied().unwrap_or(0);
    let (used, uses) = (invitation.used, invitation.terms.uses);
    if told > u64::from(used) {
        let code = &invitation.code;
        report.find(Subject::Program, format!("invitation {code} let {told} accounts in, and was used {used} times"));
    }
    if used > uses {
        report.find(Subject::Program, format!("invitation {} was used {used} times of {uses}", invitation.code));
    }
}

/// In which accounts' ledgers something of a redemption stands, and how often.
#[derive(Default)]
struct Told {
    redeemed: Vec<AccountId>,
    rewarded: Vec<AccountId>,
    taken_back: Vec<AccountId>,
}

impl Referrals {
    /// Notes what an account's ledger tells.
    pub(super) fn note(&mut self, id: &AccountId, records: &[LedgerRecord]) {
        let entries = records.iter().filter_map(|record| match record {
            LedgerRecord::Entry(entry) => Some(entry),
            _ => None,
        });
        for change in entries.flat_map(|entry| &entry.changes) {
            match change {
                Change::Referral(ReferralChange::Redeemed { redemption }) => {
                    self.told(redemption).redeemed.push(id.clone())
                }
                Change::Membership(MembershipChange::Admitted { invitation: Some(code), .. }) => {
                    let accounts = self.invited.entry(code.clone()).or_default();
                    *accounts = accounts.saturating_add(1);
                }
                Change::Referral(ReferralChange::Rewarded { redemption, .. }) => {
                    self.told(redemption).rewarded.push(id.clone())
                }
                Change::Referral(ReferralChange::TakenBack { redemption }) => {
                    self.told(redemption).taken_back.push(id.clone())
                }
                _ => {}
            }
        }
    }

    fn told(&mut self, key: &RedemptionKey) -> &mut Told {
        self.told.entry(key.clone()).or_default()
    }

    /// Checks every redemption. Those that began after the accounts were read are left out.
    pub(super) async fn check(
        mut self,
        store: &Store,
        accounts: &BTreeMap<AccountId, Account>,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let (mut after, mut brought_by) = (None, BTreeMap::new());
        loop {
            let page = store.codes_page(Segment::WHOLE, after).await?;
            for record in page.records {
                let redemption = match record {
                    CodeRecord::Redemption(redemption) => redemption,
                    CodeRecord::Unreadable(what) => {
                        report.find(Subject::Program, what);
                        continue;
                    }
                    CodeRecord::Invitation(invitation) => {
                        check_invitation(&invitation, &self.invited, report);
                        continue;
                    }
                    CodeRecord::ReferralCode(_) | CodeRecord::WaitingReview(_) | CodeRecord::SharedCode(_) => continue,
                };
                let told = self.told.remove(&redemption.key).unwrap_or_default();
                let Some(referee) = accounts.get(&redemption.referee) else { continue };
                brought_by.insert(redemption.referee.clone(), redemption.referrer.clone());
                match &referee.referral {
                    Some(referral) => {
                        told.check(&redemption, report);
                        check_stage(&redemption, referral, report);
                    }
                    // It came by it after the accounts were read.
                    None if referee.last_decided < redemption.redeemed_at => {}
                    None => {
                        let what = format!("does not know of redemption {}, by which it came", redemption.key);
                        report.find(Subject::Account(referee.id.clone()), what);
                    }
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        for id in brought_by.keys().filter(|id| is_round(id, &brought_by)) {
            report.find(Subject::Account(id.clone()), "is its own referrer round a ring".to_owned());
        }
        for (key, told) in self.told {
            for id in told.redeemed.iter().chain(&told.rewarded) {
                report.find(
                    Subject::Account(id.clone()),
                    format!("redemption {key}, which an entry names, has no record"),
                );
            }
        }
        Ok(())
    }
}

/// Whether an account comes to itself by those who brought it.
fn is_round(id: &AccountId, brought_by: &BTreeMap<AccountId, AccountId>) -> bool {
    let chain = std::iter::successors(brought_by.get(id), |referrer| brought_by.get(referrer));
    chain.take(brought_by.len()).any(|referrer| referrer == id)
}

/// What an account knows of its redemption must go with its record. The walk is between the two for a moment, and a record
/// is read after its account: a stage may lag behind, never run ahead.
fn check_stage(redemption: &Redemption, referral: &Referral, report: &mut Report) {
    let runs_ahead = match referral.stage {
        _ if referral.key != redemption.key => true,
        Stage::UnderReview => redemption.review.is_none(),
        // An order that qualifies it goes by the version of its record.
        Stage::Open { .. } => redemption.qualified.is_none() && referral.version != redemption.version,
        Stage::Qualified { .. } => redemption.qualified.is_none(),
        Stage::Rewarded => redemption.rewarded.is_none(),
        Stage::Returned { .. } => redemption.ended.is_none(),
        Stage::Over => redemption.ended.is_none() && redemption.until.is_none(),
    };
    if runs_ahead {
        let what =
            format!("its referral says {}, which the record of redemption {} does not", referral.stage, redemption.key);
        report.find(Subject::Account(redemption.referee.clone()), what);
    }
}

impl Told {
    fn check(&self, redemption: &Redemption, report: &mut Report) {
        let key = &redemption.key;
        let (referee, referrer) = (&redemption.referee, &redemption.referrer);
        let mut find = |id: &AccountId, what: String| report.find(Subject::Account(id.clone()), what);
        if referee == referrer {
            find(referee, format!("redemption {key} is of its own code"));
        }
        if self.redeemed != [referee.clone()] {
            find(
                referee,
                format!("redemption {key} is told of {} times, not once by its referee", self.redeemed.len()),
            );
        }
        // A reward that was given while the ledgers were being read is in none of them yet.
        if self.rewarded.len() > 1 || self.rewarded.iter().any(|id| id != referrer) {
            find(referrer, format!("redemption {key} was rewarded {} times", self.rewarded.len()));
        } else if redemption.rewarded.is_none() && !self.rewarded.is_empty() {
            find(referrer, format!("redemption {key} was rewarded, and its record does not say so"));
        }
        if self.taken_back.len() > 1 || (redemption.taken_back.is_none() && !self.taken_back.is_empty()) {
            find(referrer, format!("the reward of redemption {key} was taken back {} times", self.taken_back.len()));
        }
    }
}
