//! Credit notes that name no order, mixed in.

use crate::check::check;
use crate::world::{Goods, World};
use domain::account::Account;
use domain::credit_note::{CreditNote, Found, Next, State, credit_note_document, order_of, step};
use domain::decision::Context;
use domain::id::Sku;
use domain::money::{Minor, Points};
use domain::returns::{ReturnKey, Returned};
use serde_json::json;

impl World {
    /// States a credit note of what a step names.
    pub fn credit_one(&mut self, number: usize, goods: &[Goods], steps: u8, context: &Context<'_>) {
        let orders: Vec<_> = self.orders.values().cloned().collect();
        let sku = |order: usize, line: usize| {
            let lines = &orders[order % orders.len()].order.lines;
            lines[line % lines.len()].sku.clone()
        };
        let goods: Vec<_> = goods.iter().map(|(order, line, units)| (sku(*order, *line), *units)).collect();
        self.credit(number, &goods, steps, context);
    }

    /// States a credit note of these goods, after the open one was carried to its end.
    pub fn credit(&mut self, number: usize, goods: &[(Sku, u64)], steps: u8, context: &Context<'_>) {
        self.finish_credit(context);
        let lines = goods.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity }));
        let document = json!({
            "return_id": format!("c{number}"), "returned_at": context.now.to_string(), "lines": lines.collect::<Vec<_>>(),
        });
        let document = credit_note_document(&document).unwrap();
        let account_id = self.account.as_ref().unwrap().id.clone();
        let stated = CreditNote::stated(account_id, &document, context.by, context.now);
        self.credit_step(&stated, context);
        for _ in 1..steps {
            let note = self.notes[document.return_id.as_str()].clone();
            self.credit_step(&note, context);
        }
    }

    /// Carries the open credit note to its end.
    pub fn finish_credit(&mut self, context: &Context<'_>) {
        while let Some(open) = self.account.as_ref().and_then(|account| account.credit_note.clone()) {
            let note = self.notes[open.as_str()].clone();
            self.credit_step(&note, context);
            check(self, &context.schedule.version(1).unwrap().program);
        }
    }

    fn credit_step(&mut self, note: &CreditNote, context: &Context<'_>) {
        let points = self.account.as_ref().unwrap().points().unwrap();
        let activation = context.schedule.for_order(note.returned_at, context.now);
        let next = match note.next(self.account.as_ref(), activation) {
            Next::Nothing => Next::Nothing,
            Next::Wait(other) => panic!("{other} is open"),
            Next::Look(mut search) => {
                let older = self.entries.iter().rev().filter(|entry| entry.sequence < search.before);
                let mut placed = older.filter_map(|entry| Some((entry.sequence, &self.orders[order_of(entry)?])));
                let found = placed.find(|(_, scored)| !note.taken_from(scored, &search).is_empty());
                search.before = found.map_or(0, |(sequence, _)| sequence);
                let order = found.map(|(_, scored)| scored.clone());
                let redemption = order.as_ref().and_then(|scored| self.qualified_by(scored));
                let codes = order.as_ref().map(|scored| {
                    let program = &context.schedule.version(scored.score.program_version).unwrap().program;
                    scored.codes_to_give_back(&ReturnKey::CreditNote(note.return_id.clone()), program).to_vec()
                });
                let used = codes.iter().flatten().map(|code| self.discounts[code].clone().into()).collect();
                Next::Look(Found { order, redemption, used, search })
            }
        };
        let decision = step(self.account.as_ref(), note, &next, context).unwrap();
        decision.writes.into_iter().for_each(|write| self.apply(write));
        let gives = self.orders.values().any(|scored| scored.history.uses.is_some());
        assert!(gives || self.account.as_ref().unwrap().points().unwrap() <= points);
        if decision.answer.note.state == State::Done {
            self.check_match(&decision.answer.note);
        }
    }

    /// What a credit note left unmatched no order had that it could have been matched to.
    fn check_match(&self, note: &CreditNote) {
        let search = note.search.unwrap();
        for scored in self.orders.values() {
            let in_time = scored.score.entry <= search.horizon && scored.order.placed_at <= note.returned_at;
            // What an amendment added after the first step may have come when the search had passed by.
            let amended = scored.history.amended.as_ref().is_some_and(|after| after.score.entry > search.horizon);
            let given: u64 = scored.returned(&ReturnKey::CreditNote(note.return_id.clone())).map_or(0, units_of);
            assert!(in_time || given == 0, "an order that came later, or is of a later day, gave {given}");
            for (line, kept) in scored.order.lines.iter().zip(scored.kept_units()).filter(|_| in_time && !amended) {
                let wanted = note.lines.iter().any(|left| left.left > 0 && left.sku == line.sku);
                assert!(!wanted || kept == 0, "{kept} units of {} were there", line.sku);
            }
        }
    }
}

fn units_of(returned: &Returned) -> u64 {
    returned.lines.iter().map(|(_, units)| units).sum()
}

/// What credit notes say they took is what their orders say they gave.
pub fn check_notes(world: &World, account: &Account) {
    let (mut unmatched, mut open) = (0, Vec::new());
    for note in world.notes.values() {
        let key = ReturnKey::CreditNote(note.return_id.clone());
        let returned: Vec<_> = world.orders.values().filter_map(|scored| scored.returned(&key)).collect();
        assert_eq!(returned.iter().copied().map(units_of).sum::<u64>(), note.units() - note.units_left());
        let reversed = Points::sum(returned.iter().map(|one| one.reversal.reversed().unwrap())).unwrap();
        assert_eq!((reversed, returned.len()), (note.outcome.reversed, note.outcome.orders.len()));
        match note.state {
            State::Done => unmatched += note.units_left(),
            _ => open.push(note.return_id.clone()),
        }
    }
    assert_eq!(account.lifetime.unmatched_units, unmatched);
    assert_eq!(account.credit_note.clone().into_iter().collect::<Vec<_>>(), open, "one at a time");
}

impl World {
    /// A credit note of all that was ever bought takes all that is left of it.
    pub fn credit_everything(&mut self, context: &Context<'_>) {
        let bought = self.orders.values().flat_map(|scored| &scored.order.lines);
        let goods: Vec<_> = bought.map(|line| (line.sku.clone(), line.quantity)).collect();
        if !goods.is_empty() {
            self.credit(9_000, &goods, 1, context);
            self.finish_credit(context);
        }
        for scored in self.orders.values() {
            assert!(scored.kept_units().iter().all(|units| *units == 0));
            assert_eq!(scored.history.tally.credited(), Ok(Points::ZERO));
        }
        let account = self.account.as_ref().unwrap();
        assert!(account.activity.months().iter().all(|month| month.eligible == Minor::ZERO));
    }
}
