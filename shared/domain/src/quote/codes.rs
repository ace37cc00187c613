//! Which discounts an account may use on a cart, and why not the others that the cart names.

use super::CodesWished;
use super::offer::Offer;
use crate::account::Account;
use crate::code::Code;
use crate::discount::{Discount, Terms, Unusable};
use crate::id::RuleId;
use crate::money::Minor;
use crate::program::Program;
use crate::time::Instant;

/// An open discount of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// What it takes off, and beside what.
    pub offer: Offer,
    /// The rule that issued it.
    pub rule: RuleId,
    /// What the goods must come to.
    pub minimum: Minor,
}

impl Held {
    fn of((code, rule): (&Code, &RuleId), expires_at: Instant, terms: Terms, program: &Program) -> Self {
        let group = program.discount_named(rule).and_then(|named| named.group.cloned());
        let offer = Offer { code: code.clone(), takes_off: terms.takes_off, group, expires_at };
        Self { offer, rule: rule.clone(), minimum: terms.minimum }
    }
}

/// The codes that matter for a cart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Codes {
    /// The account's open discounts, the earliest end first.
    pub held: Vec<Held>,
    /// Codes that the cart names and that are of none of these, as named.
    pub refused: Vec<(Code, Unusable)>,
}

impl CodesWished {
    /// Those that are named.
    pub(super) fn named(&self) -> &[Code] {
        match self {
            Self::Named(codes) => codes,
            Self::Best => &[],
        }
    }
}

/// See [`super::Cart::unread`]; `account` is as of now.
pub(super) fn unread(account: &Account, wished: &CodesWished) -> Vec<Code> {
    let is_open = |code: &&Code| account.discounts.iter().any(|open| open.code == **code);
    let unknown = account.discounts.iter().filter(|open| open.terms.is_none()).map(|open| &open.code);
    let elsewhere = wished.named().iter().filter(|code| !is_open(code));
    unknown.chain(elsewhere).cloned().collect()
}

impl Codes {
    /// Those of an account as it is at `now`, with the records of [`unread`].
    pub fn of(account: &Account, records: &[Discount], wished: &CodesWished, program: &Program, now: Instant) -> Self {
        let mut codes = Self::default();
        let record = |code: &Code| records.iter().find(|record| record.code == *code);
        for open in &account.discounts {
            let usable = match (open.terms, record(&open.code)) {
                (Some(terms), _) => Ok(terms),
                (None, Some(record)) => record.check(now).map(|()| record.terms()),
                (None, None) => Err(Unusable::Unknown),
            };
            match usable {
                Ok(terms) => codes.hold(Held::of((&open.code, &open.rule), open.expires_at, terms, program)),
                // It was used, or withdrawn, between two reads.
                Err(why) if wished.named().contains(&open.code) => codes.refused.push((open.code.clone(), why)),
                Err(_) => {}
            }
        }
        let is_open = |code: &&Code| account.discounts.iter().any(|open| open.code == **code);
        for code in wished.named().iter().filter(|code| !is_open(code)) {
            let usable = record(code).ok_or(Unusable::Unknown).and_then(|record| record.check(now).map(|()| record));
            match usable {
                // It was issued between two reads.
                Ok(record) => {
                    codes.hold(Held::of((code, &record.rule), record.expires_at, record.terms(), program));
                }
                Err(why) => codes.refused.push((code.clone(), why)),
            }
        }
        let named = wished.named();
        codes.refused.sort_by_key(|(code, _)| named.iter().position(|named| named == code));
        codes
    }

    fn hold(&mut self, held: Held) {
        let end = held.offer.expires_at;
        let place = self.held.partition_point(|other| other.offer.expires_at <= end);
        self.held.insert(place, held);
    }
}
