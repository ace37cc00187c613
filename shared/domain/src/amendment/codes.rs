//! The discounts that an amended order uses: those that only its new statement names, instead of those that it leaves
//! out.

use super::Amending;
use crate::code::Code;
use crate::decision::{Rejection, Write};
use crate::discount::{Discount, Unusable};
use crate::named_code::NamedCode;

impl<'a> Amending<'a> {
    /// Uses the discounts that only the new statement names, and gives back those that only the old one named. An order
    /// that is undone uses none.
    pub(super) fn exchange_discounts(&mut self) -> Result<(), Rejection> {
        let (stored, found, order) = (self.stored, self.found, self.scored.order.clone());
        let (known, mut codes) = (stored.codes_used(), stored.codes_of(&order).to_vec());
        let undone = self.scored.gives_discounts_back(self.program);
        let held = if stored.has_given_discounts_back() { &[] } else { known };
        if !undone && order.leaves_codes() {
            // What its reservation brought, came back and cannot be used again, nobody asks for.
            codes.retain(|code| held.contains(code) || self.usable(code).is_ok());
        }
        for (index, code) in codes.iter().enumerate().filter(|(_, code)| !held.contains(code)) {
            if undone && known.contains(code) {
                continue;
            }
            let unusable = |reason| Rejection::DiscountUnusable { index: Some(index), code: code.clone(), reason };
            let named = self.usable(code).map_err(unusable)?;
            if undone {
                continue;
            }
            let used = named.use_for(&mut self.account, &order.key, &mut self.changes);
            self.writes.extend(used.map_err(unusable)?.1);
        }
        self.give_back(held.iter().filter(|code| undone || !codes.contains(code)));
        let named = codes.iter().filter_map(|code| NamedCode::find(found, code));
        self.taken_off = named.map(NamedCode::takes_off).collect();
        self.scored.note_codes(codes, undone);
        Ok(())
    }

    /// A code that the order does not use yet, if it can; it cannot use what it has brought about itself.
    fn usable(&self, code: &Code) -> Result<&'a NamedCode, Unusable> {
        let order = &self.scored.order.key;
        let is_foreign = |named: &&NamedCode| named.own().is_none_or(|own| !own.issued_by.is(order));
        let named = NamedCode::find(self.found, code).filter(is_foreign).ok_or(Unusable::Unknown)?;
        named.check(&self.account, self.context).map(|()| named)
    }

    fn give_back<'c>(&mut self, codes: impl Iterator<Item = &'c Code>) {
        let found = self.found;
        for named in codes.filter_map(|code| NamedCode::find(found, code)) {
            if !named.is_used_by(&self.scored.order.key) {
                continue;
            }
            let is_open = named.release(&mut self.account, self.context.now, &mut self.changes);
            let rule = named.own().filter(|_| is_open).map(|own| own.rule.clone());
            self.given_back.extend(rule);
            let writes: Vec<Write> = named.released(&self.account.id);
            self.writes.extend(writes);
        }
    }

    /// The record of a discount of the account.
    pub(super) fn own(&self, code: &Code) -> Option<&Discount> {
        self.found.iter().filter_map(NamedCode::own).find(|own| own.code == *code)
    }
}
