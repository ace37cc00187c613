//! The membership that is stored of an account, against what its entries say of it.

use domain::account::Account;
use domain::ledger::{Change, Entry, MembershipChange};
use domain::membership::{Admission, Membership, PaidPeriod};

/// Checks the membership against the entries up to the account's version. How far ahead an account was told of an end is
/// no matter of its entries alone: a warning may be given by a lead that is not in force any more.
pub(super) fn check(account: &Account, entries: &[&Entry], found: &mut Vec<String>) {
    let mut told = Membership::default();
    for entry in entries {
        for change in &entry.changes {
            if let Change::Membership(MembershipChange::ExclusionsChanged { from, .. }) = change
                && *from != told.excluded_from
            {
                let sequence = entry.sequence;
                found.push(format!("entry {sequence} changes exclusions from what the entries before it do not say"));
            }
            follow(&mut told, change, entry);
        }
    }
    let mut stored = account.membership.clone();
    stored.paid.iter_mut().for_each(|paid| paid.told_days = None);
    if stored.admission != told.admission {
        found.push(format!("its admission is {:?}, by its entries {:?}", stored.admission, told.admission));
    }
    if stored.paid != told.paid {
        found.push(format!("what it has paid for is {:?}, by its entries {:?}", stored.paid, told.paid));
    }
    if stored.excluded_from != told.excluded_from {
        let (stored, told) = (stored.excluded_from, told.excluded_from);
        found.push(format!("it is excluded from {stored:?}, by its entries from {told:?}"));
    }
}

fn follow(told: &mut Membership, change: &Change, entry: &Entry) {
    match change {
        Change::Membership(MembershipChange::Applied) => told.admission = Admission::Applied { since: entry.at },
        Change::Membership(MembershipChange::Admitted { .. }) => told.admission = Admission::Admitted,
        Change::Membership(MembershipChange::Rejected { .. }) => {
            told.admission = Admission::Rejected { since: entry.at }
        }
        Change::Membership(MembershipChange::ExclusionsChanged { to, .. }) => told.excluded_from.clone_from(to),
        Change::Membership(MembershipChange::Paid { since, until, lapses_at, .. }) => {
            let (since, until, lapses_at) = (*since, *until, *lapses_at);
            told.paid = Some(PaidPeriod { since, until, lapses_at, lapsed_at: None, told_days: None });
        }
        Change::Membership(MembershipChange::Lapsed { lapsed_at }) => {
            told.paid.iter_mut().for_each(|paid| paid.lapsed_at = Some(*lapsed_at));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::AccountId;
    use domain::ledger::Cause;
    use domain::membership::Exclusion;
    use domain::money::Points;
    use domain::program::Program;
    use domain::time::Instant;

    fn entry(sequence: u64, change: Change) -> Entry {
        Entry {
            account_id: AccountId::parse("acme").unwrap(),
            sequence,
            at: Instant::from_ms(i64::try_from(sequence).unwrap()),
            cause: Cause::Membership,
            by: "test".to_owned(),
            program_version: 1,
            points: Points::ZERO,
            balance: Points::ZERO,
            pending: Points::ZERO,
            changes: vec![change],
        }
    }

    fn found(membership: Membership, entries: &[Entry]) -> Vec<String> {
        let document = serde_json::from_str(include_str!("../../programs/wholesale.json")).unwrap();
        let program = Program::from_json(&document).unwrap();
        let (account, _) = Account::enrol(AccountId::parse("acme").unwrap(), &program, Instant::MIN);
        let mut found = Vec::new();
        check(&Account { membership, ..account }, &entries.iter().collect::<Vec<_>>(), &mut found);
        found
    }

    #[test]
    fn a_membership_is_what_its_entries_say() {
        let at = Instant::from_ms;
        let rejected = Change::Membership(MembershipChange::Rejected { reason: "r".to_owned() });
        let (since, until, lapses_at) = (at(1), at(5), at(9));
        let paid =
            Change::Membership(MembershipChange::Paid { paid_at: since, since, until, lapses_at, reference: None });
        let excludes = |from: Vec<Exclusion>| {
            let to = vec![Exclusion::Earning];
            Change::Membership(MembershipChange::ExclusionsChanged { from, to, reason: "r".to_owned() })
        };
        let entries = [
            entry(1, Change::Membership(MembershipChange::Applied)),
            entry(2, rejected),
            entry(3, paid),
            entry(4, excludes(Vec::new())),
            entry(5, Change::Membership(MembershipChange::Lapsed { lapsed_at: lapses_at })),
        ];
        let period = PaidPeriod { since, until, lapses_at, lapsed_at: Some(lapses_at), told_days: Some(7) };
        let good = Membership {
            admission: Admission::Rejected { since: at(2) },
            paid: Some(period),
            excluded_from: vec![Exclusion::Earning],
        };
        assert_eq!(found(good.clone(), &entries), Vec::<String>::new());
        assert_eq!(found(Membership::default(), &[]), Vec::<String>::new());
        for (membership, what) in [
            (Membership { admission: Admission::Admitted, ..good.clone() }, "its admission"),
            (Membership { paid: None, ..good.clone() }, "what it has paid for"),
            (
                Membership { paid: Some(PaidPeriod { lapsed_at: None, ..period }), ..good.clone() },
                "what it has paid for",
            ),
            (Membership { excluded_from: Vec::new(), ..good.clone() }, "it is excluded from"),
        ] {
            let told = found(membership, &entries);
            assert!(matches!(&*told, [one] if one.starts_with(what)), "{told:?}");
        }
        let twice = [entry(4, excludes(Vec::new())), entry(5, excludes(Vec::new()))];
        let excluded = Membership { excluded_from: vec![Exclusion::Earning], ..Membership::default() };
        assert_eq!(found(excluded, &twice).len(), 1);
    }
}
