//! How often an account has used its perks: the count against the entries that it comes from.

use domain::account::Account;
use domain::id::RuleId;
use domain::ledger::{Change, Entry, PerkChange};
use domain::perks::PerkUses;
use std::collections::BTreeSet;

/// Checks what is counted by the entries up to the account's version. A count that has moved on since the account was
/// read is left alone.
pub(super) fn check(account: &Account, entries: &[&Entry], uses: Option<&PerkUses>, found: &mut Vec<String>) {
    let counted = |entry: &&Entry, perk: Option<&str>| {
        entry.changes.iter().find_map(|change| match change {
            Change::Perk(PerkChange::Used { perk: own, uses: Some(uses), .. })
                if perk.is_none_or(|perk| perk == own.as_str()) =>
            {
                Some((*uses, entry.sequence))
            }
            _ => None,
        })
    };
    for (uses, sequence) in entries.iter().filter_map(|entry| counted(entry, None)) {
        if uses.used > uses.count {
            found.push(format!("entry {sequence} uses a perk {} times; it may be {}", uses.used, uses.count));
        }
    }
    let bought = |entry: &&Entry, perk: Option<&str>| entry.changes.iter().find_map(|change| bought_left(change, perk));
    let is_kept = |entry: &&&Entry| counted(entry, None).is_some() || bought(entry, None).is_some();
    let newest = entries.iter().rev().find(is_kept).map(|entry| entry.sequence);
    let Some(record) = uses else {
        found.extend(newest.map(|sequence| format!("entry {sequence} uses a perk, and nothing is counted")));
        return;
    };
    if record.entry > account.version {
        return;
    }
    if newest != Some(record.entry) {
        found.push(format!("perks were used by entry {} last, as counted, which is not the newest", record.entry));
    }
    for counter in &record.counters {
        let told = entries.iter().rev().find_map(|entry| counted(entry, Some(counter.perk.as_str())));
        if told.map(|(uses, _)| uses.used) != Some(counter.used) {
            let (perk, used) = (&counter.perk, counter.used);
            found.push(format!("perk {perk} is counted as used {used} times, which its newest entry does not say"));
        }
    }
    let named: BTreeSet<&RuleId> = entries.iter().flat_map(|entry| &entry.changes).filter_map(bought_perk).collect();
    let kept = record.bought.iter().map(|bought| &bought.perk);
    for perk in named.into_iter().chain(kept).collect::<BTreeSet<_>>() {
        let told = entries.iter().rev().find_map(|entry| bought(entry, Some(perk.as_str()))).unwrap_or(0);
        if told != record.bought(perk) {
            let left = record.bought(perk);
            found.push(format!("of perk {perk}, {left} bought uses are left, which its newest entry does not say"));
        }
    }
}

/// How many bought uses of a perk a change says are left.
fn bought_left(change: &Change, perk: Option<&str>) -> Option<u32> {
    let left = match change {
        Change::Perk(PerkChange::Used { bought_left, .. }) => *bought_left,
        Change::Perk(PerkChange::UsesBought { left, .. } | PerkChange::UsesReturned { left, .. }) => Some(*left),
        _ => None,
    };
    left.filter(|_| perk.is_none_or(|perk| bought_perk(change).is_some_and(|own| own.as_str() == perk)))
}

/// The perk of which a change buys, uses or returns bought uses.
fn bought_perk(change: &Change) -> Option<&RuleId> {
    match change {
        Change::Perk(
            PerkChange::Used { perk, bought_left: Some(_), .. }
            | PerkChange::UsesBought { perk, .. }
            | PerkChange::UsesReturned { perk, .. },
        ) => Some(perk),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::AccountId;
    use domain::ledger::Cause;
    use domain::money::Points;
    use domain::perks::{PerkCounter, Uses};
    use domain::time::{Day, Instant};

    fn perk(id: &str) -> RuleId {
        RuleId::parse(id).unwrap()
    }

    fn entry(sequence: u64, id: &str, used: Option<u32>) -> Entry {
        let uses = used.map(|used| Uses { count: 2, used, left: 2_u32.saturating_sub(used), renews_at: Instant::MAX });
        Entry {
            account_id: AccountId::parse("acme").unwrap(),
            sequence,
            at: Instant::MIN,
            cause: Cause::PerkUse { perk: perk(id) },
            by: "test".to_owned(),
            program_version: 1,
            points: Points::ZERO,
            balance: Points::ZERO,
            pending: Points::ZERO,
            changes: vec![Change::Perk(PerkChange::Used { perk: perk(id), uses, bought_left: None, reference: None })],
        }
    }

    fn record(entry: u64, counters: &[(&str, u32)]) -> PerkUses {
        let counter = |(id, used): &(&str, u32)| PerkCounter { perk: perk(id), used: *used, latest: Day(20_000) };
        let counters = counters.iter().map(counter).collect();
        PerkUses { account_id: AccountId::parse("acme").unwrap(), counters, bought: Vec::new(), entry, version: 1 }
    }

    async fn account(version: u64) -> Account {
        let cloud = crate::cloud::Cloud::open(crate::cloud::Options::new(crate::cloud::Storage::Memory)).await.unwrap();
        let app = cloud.app("accounts").unwrap();
        crate::program::ensure(app).await.unwrap();
        let program = app.schedule().await.unwrap().at(Instant::MIN).program.clone();
        let (account, _) = Account::enrol(AccountId::parse("acme").unwrap(), &program, Instant::MIN);
        Account { version, ..account }
    }

    #[tokio::test]
    async fn a_count_that_its_entries_do_not_come_to_is_found() {
        let entries = [
            entry(1, "training", Some(1)),
            entry(2, "visit", Some(1)),
            entry(3, "training", Some(2)),
            entry(4, "early", None),
        ];
        let right = [("training", 2), ("visit", 1)];
        let account = account(4).await;
        let found = |entries: &[Entry], record: Option<PerkUses>| {
            let mut found = Vec::new();
            check(&account, &entries.iter().collect::<Vec<_>>(), record.as_ref(), &mut found);
            found
        };
        let none: [&str; 0] = [];
        assert_eq!(found(&entries, Some(record(3, &right))), none);
        assert_eq!(found(&entries[3..], None), none);
        // A period that is over is forgotten.
        assert_eq!(found(&entries, Some(record(3, &right[1..]))), none);
        // What came after the account was read.
        assert_eq!(found(&entries, Some(record(5, &[("training", 1)]))), none);
        assert_eq!(found(&entries, None), ["entry 3 uses a perk, and nothing is counted"]);
        assert_eq!(
            found(&entries, Some(record(2, &[("training", 1), ("visit", 2)]))),
            [
                "perks were used by entry 2 last, as counted, which is not the newest",
                "perk training is counted as used 1 times, which its newest entry does not say",
                "perk visit is counted as used 2 times, which its newest entry does not say",
            ]
        );
        let beyond = [entry(1, "training", Some(3))];
        assert_eq!(found(&beyond, Some(record(1, &[("training", 3)]))), ["entry 1 uses a perk 3 times; it may be 2"]);
    }
}
