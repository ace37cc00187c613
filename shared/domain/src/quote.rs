//! What a cart costs an account, before anything is ordered: the numbers that the order will have.
//!
//! A pure read over the account as it is at `now`: nothing is held, nothing is written. What is taken off is taken off in
//! one order: the price by quantity, what the shop takes off a line itself, the standing discount of the tier, percentages,
//! amounts, points. Each is rounded half up once, for the whole cart, and then shared among the lines
//! ([`allocation`]), so that a part of the order that comes back is worth what was paid for it, to the minor unit. No line
//! and no total is ever below zero. What the program excludes from earning (postage, fees) and the order's shipping are
//! paid in full and in money.
//!
//! What the order would earn is what the order's own decision says of the order that this comes to ([`earned`]).

mod allocation;
mod answer;
mod codes;
mod earned;
mod line;
mod offer;
mod points;
mod pricing;
pub(crate) mod read;
mod words;

use crate::account::Account;
use crate::advance;
use crate::code::Code;
use crate::decision::{Context, Rejection};
use crate::discount::{Discount, Unusable};
use crate::document::Faults;
use crate::earning::{self, Asked};
use crate::id::{AccountId, ContactId};
use crate::limit::Limit;
use crate::membership::Role;
use crate::money::{Money, Overflow, Points};
use crate::order::Order;
use crate::schedule::Schedule;
use crate::shared_code::SharedFound;
use crate::time::Instant;
use pricing::Pricing;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use answer::{Quote, QuotedLine, Totals};
pub use points::PointsWished;

/// A buyer's cart, as the shop states it: `POST /v1/quotes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// The order that it is at the shop's own prices. Nobody knows its number yet, nor when it will be placed.
    order: Order,
    codes: CodesWished,
    points: Option<PointsWished>,
}

/// Which discounts the buyer wishes to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodesWished {
    /// These, each once.
    Named(Vec<Code>),
    /// Those that leave the least to pay.
    Best,
}

/// What a quote is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuoteState {
    /// The account.
    pub account: Option<Account>,
    /// Its discounts of [`Cart::unread`], as far as there are such.
    pub discounts: Vec<Discount>,
    /// Shared codes that the others of these turn out to be.
    pub shared: Vec<SharedFound>,
    /// The limits of [`Cart::asked`].
    pub limits: Vec<Limit>,
    /// The role of its contact, if that is asked for.
    pub role: Option<Role>,
}

impl Cart {
    /// Reads a cart from its JSON document; every fault at once.
    pub fn from_json(document: &Value) -> Result<Self, Faults> {
        read::cart(document)
    }

    /// Whose cart it is.
    pub fn account_id(&self) -> &AccountId {
        &self.order.account_id
    }

    /// SHA-256 over all that it says.
    pub fn content_hash(&self) -> [u8; 32] {
        let codes = match &self.codes {
            CodesWished::Best => "best".to_owned(),
            CodesWished::Named(codes) => {
                // In whatever order they are named, they come to the same.
                let mut codes: Vec<_> = codes.iter().map(Code::as_str).collect();
                codes.sort_unstable();
                codes.join(" ")
            }
        };
        let points = match self.points {
            None => "none".to_owned(),
            Some(PointsWished::Most) => "max".to_owned(),
            Some(PointsWished::Number(points)) => points.to_string(),
        };
        let wished = format!("{codes}\n{points}");
        Sha256::new().chain_update(self.order.content_hash()).chain_update(wished).finalize().into()
    }

    /// The person who is about to order.
    pub fn contact_id(&self) -> Option<&ContactId> {
        self.order.contact_id.as_ref()
    }

    /// The codes whose records a quote needs: those that are named and not open, and those whose account does not know
    /// what they take off. One that is of no discount of the account may be a shared code.
    pub fn unread(&self, account: &Account, schedule: &Schedule, now: Instant) -> Result<Vec<Code>, Overflow> {
        let (account, _) = advance::advance(schedule, account, now.max(account.last_decided))?;
        Ok(codes::unread(&account, &self.codes))
    }

    /// What a quote needs besides the account and its discounts, which this state holds. Most programs ask for nothing.
    pub fn asked(&self, state: &QuoteState, schedule: &Schedule, now: Instant) -> Result<Asked, Overflow> {
        let Some(account) = &state.account else { return Ok(Asked::default()) };
        let now = now.max(account.last_decided);
        let pricing = Pricing::of(self, account, state, schedule, now)?;
        earning::asked(schedule, &pricing.order(self, now)?, now)
    }
}

/// What a cart costs and what its order would earn, at `now`.
pub fn quote(state: &QuoteState, cart: &Cart, context: &Context<'_>) -> Result<Quote, Rejection> {
    let account = state.account.as_ref().ok_or(Rejection::UnknownAccount)?;
    let program = &context.schedule.at(context.now).program;
    if cart.order.currency != program.currency {
        return Err(Rejection::ForeignCurrency { expected: program.currency });
    }
    let pricing = Pricing::of(cart, account, state, context.schedule, context.now)?;
    let scored = earned::scored(&pricing, cart, state, account, context)?;
    Ok(answer::quote(&pricing, cart, scored.as_deref(), context)?)
}

/// What a cart takes of its account's, by the very pricing that its quote has.
pub(crate) struct Taken {
    /// The codes that are applied.
    pub codes: Vec<Code>,
    /// The points that pay.
    pub points: Points,
    /// What they pay.
    pub points_value: Money,
    /// What it comes to.
    pub totals: Totals,
}

/// What a cart would take at `now`. What a quote only tells is refused here: a code that is named and cannot be used, and
/// more points than there are.
pub(crate) fn taken(state: &QuoteState, cart: &Cart, context: &Context<'_>) -> Result<Taken, Rejection> {
    let account = state.account.as_ref().ok_or(Rejection::UnknownAccount)?;
    let program = &context.schedule.at(context.now).program;
    if cart.order.currency != program.currency {
        return Err(Rejection::ForeignCurrency { expected: program.currency });
    }
    let pricing = Pricing::of(cart, account, state, context.schedule, context.now)?;
    for (index, code) in cart.codes.named().iter().enumerate() {
        let refused = pricing.codes.refused.iter().find(|(refused, _)| refused == code).map(|(_, why)| *why);
        let held = pricing.account.holder(code).map(|_| Unusable::Held);
        if let Some(reason) = refused.or(held) {
            return Err(Rejection::DiscountUnusable { index: Some(index), code: code.clone(), reason });
        }
    }
    let balance = pricing.balance()?;
    if let Some(PointsWished::Number(wished)) = cart.points
        && wished > balance
        && pricing.points_are_worth_something()
    {
        return Err(Rejection::NotEnoughPoints { missing: wished.minus(balance)? });
    }
    Ok(Taken {
        codes: pricing.applied.iter().map(|(code, _)| code.clone()).collect(),
        points: pricing.points.used,
        points_value: Money { amount: pricing.points.value, currency: cart.order.currency },
        totals: answer::totals(&pricing, cart)?,
    })
}

#[cfg(test)]
mod tests;
