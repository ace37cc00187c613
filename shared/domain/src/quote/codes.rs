//! Which discounts an account may use on a cart, its own and those that it shares, and why not the others that the cart
//! names.

use super::offer::Offer;
use super::{CodesWished, QuoteState};
use crate::account::Account;
use crate::code::Code;
use crate::discount::{Terms, Unusable};
use crate::id::RuleId;
use crate::money::Minor;
use crate::program::Program;
use crate::shared_code::SharedCode;
use crate::time::Instant;

/// A discount that the account may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// What it takes off, and beside what.
    pub offer: Offer,
    /// Whence the account has it.
    pub origin: Origin,
    /// What the goods must come to.
    pub minimum: Minor,
}

/// Whence an account has a discount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is its own: this rule issued it.
    Rule(RuleId),
    /// The merchant gives it to many, under this name.
    Shared(String),
}

impl Held {
    fn of((code, rule): (&Code, &RuleId), expires_at: Instant, terms: Terms, program: &Program) -> Self {
        let group = program.discount_named(rule).and_then(|named| named.group.cloned());
        let offer = Offer { code: code.clone(), takes_off: terms.takes_off, group, expires_at };
        Self { offer, origin: Origin::Rule(rule.clone()), minimum: terms.minimum }
    }

    fn shared(code: &SharedCode) -> Self {
        let Terms { takes_off, minimum } = code.terms();
        let expires_at = code.terms.until.unwrap_or(Instant::NEVER);
        let offer = Offer { code: code.code.clone(), takes_off, group: code.terms.group.clone(), expires_at };
        Self { offer, origin: Origin::Shared(code.terms.name.clone()), minimum }
    }

    /// The rule that issued it to the account; `None`: it is shared.
    pub fn rule(&self) -> Option<&RuleId> {
        match &self.origin {
            Origin::Rule(rule) => Some(rule),
            Origin::Shared(_) => None,
        }
    }
}

/// The codes that matter for a cart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Codes {
    /// The account's open discounts, and the shared codes that it names, the earliest end first.
    pub held: Vec<Held>,
    /// Codes that the cart names and that cannot be used, as named.
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
    /// Those of an account as it is at `now`, with what was found of those of [`unread`].
    pub fn of(account: &Account, state: &QuoteState, wished: &CodesWished, program: &Program, now: Instant) -> Self {
        let mut codes = Self::default();
        let record = |code: &Code| state.discounts.iter().find(|record| record.code == *code);
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
            let shared = state.shared.iter().find(|shared| shared.code.code == *code);
            let usable = match (record(code), shared) {
                // It was issued between two reads.
                (Some(record), _) => record
                    .check(now)
                    .map(|()| Held::of((code, &record.rule), record.expires_at, record.terms(), program)),
                (None, Some(shared)) => shared.check(account, program, now).map(|()| Held::shared(&shared.code)),
                (None, None) => Err(Unusable::Unknown),
            };
            match usable {
                Ok(held) => codes.hold(held),
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
