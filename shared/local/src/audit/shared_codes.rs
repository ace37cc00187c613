//! Shared codes: how often each account has used one, and all together, against its orders, what the code states and what
//! its limit says.

use super::account::order_of;
use super::{Report, Subject};
use domain::code::Code;
use domain::id::{AccountId, OrderKey};
use domain::ledger::{Change, DiscountChange, Entry};
use domain::limit::Limit;
use domain::shared_code::{SharedCode, SharedUses};
use std::collections::{BTreeMap, BTreeSet};
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

    /// Notes what an account has used of them, which is what its entries say of its orders.
    pub(super) fn note(&mut self, id: &AccountId, records: &[LedgerRecord], report: &mut Report) {
        let entries = records.iter().filter_map(|record| match record {
            LedgerRecord::Entry(entry) => Some(&**entry),
            _ => None,
        });
        // Both are as of now, and not of when the account was read.
        let mut by_orders: BTreeMap<&Code, u32> = BTreeMap::new();
        for (code, _) in in_use(entries) {
            let count = by_orders.entry(code).or_default();
            *count = count.saturating_add(1);
        }
        let mut find = |code: &Code, used: u32, orders: u32| {
            if used != orders {
                let what = format!("has used shared code {code} {used} times, {orders} by its orders");
                report.find(Subject::Account(id.clone()), what);
            }
        };
        for record in records {
            let LedgerRecord::SharedUses(uses) = record else { continue };
            find(&uses.code, uses.used, by_orders.remove(&uses.code).unwrap_or(0));
            self.uses.entry(uses.code.clone()).or_default().push(SharedUses::clone(uses));
        }
        by_orders.into_iter().for_each(|(code, orders)| find(code, 0, orders));
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

/// The shared codes that orders use by these entries, and which orders do.
pub(super) fn in_use<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeSet<(&'a Code, &'a OrderKey)> {
    let mut in_use = BTreeSet::new();
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|entry| entry.sequence);
    for (entry, order) in entries.into_iter().filter_map(|entry| Some((entry, order_of(entry)?))) {
        for change in &entry.changes {
            match change {
                Change::Discount(DiscountChange::Used { code, shared: true }) => drop(in_use.insert((code, order))),
                Change::Discount(DiscountChange::Released { code, shared: true }) => {
                    in_use.remove(&(code, order));
                }
                _ => {}
            }
        }
    }
    in_use
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
