//! The credit notes of one account: each record against the entries that it brought about, and the other way round.

use domain::account::Account;
use domain::credit_note::{CreditNote, State};
use domain::ledger::{Cause, Change, Entry, OrderChange, PointsChange};
use domain::returns::ReturnKey;
use std::collections::{BTreeMap, BTreeSet};

/// What the entries say of one credit note.
#[derive(Default)]
struct Told {
    opened: u32,
    closed: Vec<(u64, u64)>,
    orders: u64,
    reversed: i128,
    last: u64,
}

impl Told {
    fn add(&mut self, entry: &Entry, id: &str) {
        self.last = entry.sequence;
        for change in &entry.changes {
            match change {
                Change::Order(OrderChange::CreditNoteOpened { .. }) => self.opened = self.opened.saturating_add(1),
                Change::Order(OrderChange::CreditNoteClosed { units_matched, units_unmatched }) => {
                    self.closed.push((*units_matched, *units_unmatched));
                }
                Change::Order(OrderChange::Returned { by: ReturnKey::CreditNote(by), .. }) if by.as_str() == id => {
                    self.orders = self.orders.saturating_add(1);
                }
                Change::Points(PointsChange::Reversed { points, .. }) => {
                    self.reversed = self.reversed.saturating_add(points.0.into())
                }
                _ => {}
            }
        }
    }
}

/// Checks the credit notes of an account by the entries up to its version. Steps that came after the account was read
/// are not known here, so a record that has gone further is left alone.
pub(super) fn check(
    account: &Account,
    entries: &[&Entry],
    notes: &BTreeMap<&str, &CreditNote>,
    found: &mut Vec<String>,
) {
    let mut told: BTreeMap<&str, Told> = BTreeMap::new();
    for entry in entries {
        if let Cause::CreditNote { credit_note_id } = &entry.cause {
            told.entry(credit_note_id.as_str()).or_default().add(entry, credit_note_id.as_str());
        }
    }
    let ids: BTreeSet<&str> = told.keys().chain(notes.keys()).copied().collect();
    for id in ids {
        match (notes.get(id), told.get(id)) {
            (None, _) => found.push(format!("credit note {id} is told of and has no record")),
            (Some(note), _) if note.outcome.entry > account.version => {}
            (Some(note), None) if note.state == State::Waiting => {}
            (Some(_), None) => found.push(format!("no entry is for credit note {id}")),
            (Some(note), Some(told)) => check_one(account, note, told, found),
        }
    }
    if let Some(open) = &account.credit_note
        && !notes.contains_key(open.as_str())
    {
        found.push(format!("credit note {open} is open and has no record"));
    }
}

fn check_one(account: &Account, note: &CreditNote, told: &Told, found: &mut Vec<String>) {
    let id = &note.return_id;
    let left = note.units_left();
    let closed = match note.state {
        State::Done => vec![(note.units().saturating_sub(left), left)],
        State::Waiting | State::Open => Vec::new(),
    };
    let orders = u64::try_from(note.outcome.orders.len()).unwrap_or(u64::MAX);
    let orders = orders.saturating_add(note.outcome.orders_unlisted);
    let is_open = account.credit_note.as_ref() == Some(id);
    for (agrees, what) in [
        (told.opened == 1, "was opened more than once, or never"),
        (told.closed == closed, "says something else than its entries of whether it is done, and how"),
        (told.orders == orders, "names other orders than its entries"),
        (told.reversed == i128::from(note.outcome.reversed.0), "says something else than its entries of its points"),
        (told.last == note.outcome.entry, "names another entry as its latest"),
        (is_open == (note.state == State::Open), "and the account differ on whether it is open"),
    ] {
        if !agrees {
            found.push(format!("credit note {id} {what}"));
        }
    }
}
