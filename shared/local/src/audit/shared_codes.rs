//! Shared codes: how often each account has used one, and all together, against what the code states and what its limit
//! says.

use super::{Report, Subject};
use domain::code::Code;
use domain::limit::Limit;
use domain::shared_code::{SharedCode, SharedUses};
use std::collections::BTreeMap;
use store::{Consistency, Fault, LedgerRecord, Store};

/// Codes that are read at once.
const PAGE: u16 = 100;

/// What was used of each code as it was read before the accounts, and what accounts have used.
pub(super) struct SharedCodes {
    before: BTreeMap<Code, Limit>,
    uses: BTreeMap<Code, Vec<SharedUses>>,
}

impl SharedCodes {
    pub(super) async fn read(store: &Store) -> Result<Self, Fault> {
        let mut before = BTreeMap::new();
        for code in all(store).await? {
            if let Some(limit) = limit(store, &code).await? {
                before.insert(code.code, limit);
            }
        }
        Ok(Self { before, uses: BTreeMap::new() })
    }

    /// Notes what an account has used of them.
    pub(super) fn note(&mut self, records: &[LedgerRecord]) {
        for record in records {
            let LedgerRecord::SharedUses(uses) = record else { continue };
            self.uses.entry(uses.code.clone()).or_default().push(SharedUses::clone(uses));
        }
    }

    /// Codes are read once more: what accounts have used was issued by then. A code that was used or given back meanwhile
    /// is left alone.
    pub(super) async fn check(mut self, store: &Store, report: &mut Report) -> Result<(), Fault> {
        for code in all(store).await? {
            let uses = self.uses.remove(&code.code).unwrap_or_default();
            check_accounts(&code, &uses, report);
            let now = limit(store, &code).await?;
            let Some((now, total)) = now.as_ref().zip(code.terms.uses) else { continue };
            // More than fits was never used: whatever the accounts say differs from it.
            let counted = now.used().unwrap_or(u64::MAX);
            if counted > total {
                let what = format!("shared code {} was used {counted} times of {total}", code.code);
                report.find(Subject::Program, what);
            }
            let used = uses.iter().map(|uses| u64::from(uses.used)).fold(0, u64::saturating_add);
            if self.before.get(&code.code) == Some(now) && counted != used {
                let what = format!("{counted} uses of shared code {} are counted, accounts have {used}", code.code);
                report.find(Subject::Program, what);
            }
        }
        for (code, uses) in self.uses {
            for uses in uses {
                let what = format!("has used shared code {code}, which there is not");
                report.find(Subject::Account(uses.account_id), what);
            }
        }
        Ok(())
    }
}

fn check_accounts(code: &SharedCode, uses: &[SharedUses], report: &mut Report) {
    let most = code.terms.uses_per_account;
    for SharedUses { account_id, used, .. } in uses.iter().filter(|uses| uses.used > most) {
        let what = format!("has used shared code {} {used} times of {most}", code.code);
        report.find(Subject::Account(account_id.clone()), what);
    }
}

async fn all(store: &Store) -> Result<Vec<SharedCode>, Fault> {
    let (mut codes, mut after) = (Vec::new(), None);
    loop {
        let page = store.shared_codes(after.as_ref(), PAGE).await?;
        codes.extend(page.codes);
        after = page.next;
        if after.is_none() {
            return Ok(codes);
        }
    }
}

async fn limit(store: &Store, code: &SharedCode) -> Result<Option<Limit>, Fault> {
    match code.limit_id() {
        Some(id) => store.limit(id, Consistency::Strong).await.map(Some),
        None => Ok(None),
    }
}
