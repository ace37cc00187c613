//! Credit notes, matched once more.
//!
//! How far back orders are looked for is a matter of the program, so the match is: a draft may find another order, or
//! none.

use super::replay::{Placed, Replay, add_one};
use crate::credit_note::{self, CreditNote, Found, Next, Search, State};
use crate::id::{ReturnId, Sku};
use crate::ledger::{Change, Entry, OrderChange};
use crate::money::Overflow;
use crate::returns::ReturnKey;
use std::collections::BTreeSet;

impl Replay<'_> {
    /// Carries a credit note as far on as an entry says: by one order, or to its end.
    pub fn credit(&mut self, entry: &Entry, id: &ReturnId) -> Result<(), Overflow> {
        let Some(stored) = self.facts.credit_notes.get(id) else {
            add_one(&mut self.left_out.records_missing);
            return Ok(());
        };
        let context = self.context(entry);
        let ends =
            entry.changes.iter().any(|change| matches!(change, Change::Order(OrderChange::CreditNoteClosed { .. })));
        let mut note = self.notes.remove(id.as_str()).unwrap_or_else(|| as_stated(stored));
        while note.state != State::Done {
            let found = self.find(&note, stored, entry);
            let has_found = found.order.is_some();
            let decided = credit_note::step(self.account.as_ref(), &note, &Next::Look(found), &context);
            let Some(progress) = self.apply(decided)? else {
                add_one(&mut self.left_out.returns_refused);
                return Ok(());
            };
            note = progress.note;
            if has_found && !ends {
                break;
            }
        }
        self.notes.insert(id.to_string(), note);
        Ok(())
    }

    /// The last order placed, of those that are left to look at, that has something of what came back.
    fn find(&self, note: &CreditNote, stored: &CreditNote, entry: &Entry) -> Found {
        let mut search = note.search.unwrap_or_else(|| self.begin(stored, entry));
        let wanted: BTreeSet<&Sku> = note.lines.iter().filter(|line| line.left > 0).map(|line| &line.sku).collect();
        let looked_at = self.orders.partition_point(|placed| placed.entry < search.before);
        // Most orders have nothing of it: that is told by their SKUs alone.
        let gives = |placed: &&Placed| {
            placed.scored.order.lines.iter().any(|line| wanted.contains(&line.sku))
                && !note.taken_from(&placed.scored, &search).is_empty()
        };
        let found = self.orders.iter().take(looked_at).rev().find(gives);
        let order = found.map(|placed| placed.scored.clone());
        search.before = found.map_or(0, |placed| placed.entry);
        let used = order.iter().flat_map(|order| {
            let program = self.schedule.version(order.score.program_version).map(|version| &version.program);
            let key = ReturnKey::CreditNote(note.return_id.clone());
            let codes = program.map(|program| order.codes_to_give_back(&key, program)).unwrap_or_default();
            self.found(codes)
        });
        let used = used.collect();
        Found { order, redemption: None, used, search }
    }

    /// The search as it began: over the same orders, by how far back this program looks.
    fn begin(&self, stored: &CreditNote, entry: &Entry) -> Search {
        let activation = self.schedule.for_order(stored.returned_at, stored.stated_at);
        let horizon = stored.search.map_or(entry.sequence.saturating_sub(1), |search| search.horizon);
        let before = horizon.saturating_add(1);
        Search { horizon, before, ..Search::begin(self.account.as_ref(), stored.returned_at, activation) }
    }
}

/// A credit note before anything was taken back for it.
fn as_stated(stored: &CreditNote) -> CreditNote {
    let mut note = CreditNote {
        state: State::Waiting,
        search: None,
        decided_at: stored.stated_at,
        outcome: credit_note::Outcome::default(),
        version: 0,
        ..stored.clone()
    };
    note.lines.iter_mut().for_each(|line| line.left = line.quantity);
    note
}
