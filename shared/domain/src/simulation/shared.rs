//! Codes that accounts share, used once more.
//!
//! They are no rule of the program, so an order uses under a draft what it used. How many uses were left, for the account
//! and over all, is not looked at again: nobody can have used one more often than it happened.

use super::replay::{Replay, used};
use crate::audience::Audience;
use crate::code::Code;
use crate::discount::TakesOff;
use crate::idempotency::CommandKey;
use crate::ledger::{Change, DiscountChange, Entry};
use crate::money::{Minor, Percent};
use crate::named_code::NamedCode;
use crate::score::ScoredOrder;
use crate::shared_code::{SharedCode, SharedCodeDocument, SharedFound};

impl Replay<'_> {
    /// What codes are here: the account's discounts, and those that it shares with others.
    pub fn found(&self, codes: &[Code]) -> Vec<NamedCode> {
        let own = self.discounts.iter().filter(|held| codes.contains(&held.code)).cloned().map(NamedCode::from);
        own.chain(codes.iter().filter_map(|code| self.shared.get(code)).cloned()).collect()
    }

    /// Notes the shared codes that an entry says its order used.
    pub fn note_shared(&mut self, stored: &ScoredOrder, entry: &Entry) {
        let shared = entry.changes.iter().filter_map(|change| match change {
            Change::Discount(DiscountChange::Used { code, shared: true }) => Some(code),
            _ => None,
        });
        for code in shared {
            self.shared.insert(code.clone(), stand_in(code, stored, entry).into());
        }
    }
}

/// What a code took off by the statement of an order that an entry is for. One that was used by a statement which is not
/// kept any more was given back by a later one, so what it took off is all the same.
fn taken_off(code: &Code, stored: &ScoredOrder, entry: &Entry) -> TakesOff {
    let (place, taken_off) = match entry.sequence == stored.score.entry {
        true => (used(entry).position(|used| used == code), &stored.score.taken_off),
        false => (stored.codes_used().iter().position(|used| used == code), &stored.current().taken_off),
    };
    place.and_then(|place| taken_off.get(place)).copied().unwrap_or(TakesOff::Percent(Percent(0)))
}

/// A code as far as the decision looks at it: it can be used, and takes that off.
fn stand_in(code: &Code, stored: &ScoredOrder, entry: &Entry) -> SharedFound {
    let terms = SharedCodeDocument {
        name: String::new(),
        takes_off: taken_off(code, stored, entry),
        minimum_order: Minor::ZERO,
        currency: stored.order.currency,
        group: None,
        from: None,
        until: None,
        uses: None,
        uses_per_account: u32::MAX,
        audience: Audience::default(),
    };
    let code = SharedCode {
        code: code.clone(),
        secret: 0,
        key: CommandKey::opening(),
        content_hash: String::new(),
        terms,
        issued_at: entry.at,
        issued_by: String::new(),
        ended_at: None,
        version: 1,
    };
    SharedFound { code, uses: None, limit: None }
}
