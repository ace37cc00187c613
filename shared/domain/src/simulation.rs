//! What another version of the program would have come to: the stored facts of an account, replayed under it.
//!
//! An account's entries say what was decided, when and in which order; its orders, discounts and credit notes say on
//! what. Each is decided once more, by the same functions that decide it when it comes in, at the instant that its
//! entry states: so a replay hangs on nothing but what is stored, and comes out the same each time. No account's history
//! looks at another's, so they are replayed one by one; what they take of limits over all accounts is assumed
//! ([`Timeline`]).
//!
//! A history is replayed twice: under the versions that were in force, and under the draft alone, as if it had been in
//! force from the beginning of time. The difference is the draft's. The first replay ends where the account stands, or
//! the result says that it does not ([`Compared::is_reproduced`]).
//!
//! What the facts do not say:
//!
//! - An order that was amended keeps its newest statement only: it is taken as it stands now from the start. Which
//!   discounts it used when is known, and kept to.
//! - Customers do what they did. Prices stay as paid, whatever the draft would have taken off; a discount that only the
//!   draft issues is used by nobody. One that was used and that the draft does not issue is left off its order.
//! - What the draft refuses (an order of a stranger, a deduction that leaves a debt) has not happened, nor has what
//!   came back of it. It is counted ([`LeftOut`]).
//! - Points are redeemed for what they were redeemed for, at the draft's price. A redemption that the draft refuses
//!   (there are too few points, no such reward, or none of it left) has not happened, nor has its cancellation.
//! - Referrals are taken as they went: who was given points or a discount keeps them, and the terms of the draft's own
//!   referrals are not played through. The points last as long as the draft says.
//! - An order that nobody has said to be paid is not paid: under a draft that lets points wait for it, its points wait.
//! - What occasions brought on a walk came when it did: the draft gives on it what its own rule of that id says, and nothing
//!   where it has none. What only the draft would have given on walks is not told, nor is whom else its rules are for.
//!   Welcomes and n-th orders are decided anew.
//! - Segments and the roles of contacts are those of today, and whoever has ordered was active.
//! - Codes that accounts share are no matter of the program: an order uses those that it used.
//! - What is left of a budget or a stock over all accounts hangs on all of them: see [`Timeline`].

pub(crate) mod asked;
mod checksum;
mod credit;
mod given;
mod membership;
mod outcome;
mod paid;
mod ranked;
mod redeemed;
mod replay;
mod report;
mod shared;
mod takes;

use crate::account::Account;
use crate::code::{Code, Secrets};
use crate::credit_note::CreditNote;
use crate::discount::Discount;
use crate::id::{AccountId, ContactId, OrderKey, ReturnId, Segment};
use crate::ledger::Entry;
use crate::membership::Role;
use crate::money::Overflow;
use crate::opening::Opening;
use crate::schedule::Schedule;
use crate::score::ScoredOrder;
use crate::time::Instant;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use asked::{Asked, asked};
pub use checksum::Checksum;
pub use outcome::{Figures, Outcome};
pub use ranked::{RANKED_MAX, Ranked};
use replay::replay_with;
pub use replay::{LeftOut, Replayed, replay};
pub use report::{Group, Report, Side, Worth, cost};
pub use takes::{Assumed, PASSES_MAX, Repeating, Take, Takes, Timeline};

/// All that is stored of one account and that its history follows from.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The account. What is stored beside it and was committed later is left out.
    pub account: Account,
    /// Its entries, oldest first.
    pub entries: Vec<Entry>,
    /// The orders that they name.
    pub orders: BTreeMap<OrderKey, Arc<ScoredOrder>>,
    /// Its discounts.
    pub discounts: BTreeMap<Code, Discount>,
    /// Its credit notes.
    pub credit_notes: BTreeMap<ReturnId, CreditNote>,
    /// What it brought from another product.
    pub opening: Option<Opening>,
    /// What its people do for it.
    pub roles: BTreeMap<ContactId, Role>,
}

impl Facts {
    /// Its entries up to the commit that the account is of.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().take_while(|entry| entry.sequence <= self.account.version)
    }
}

/// What histories are replayed under.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The versions that were in force.
    pub in_force: &'a Schedule,
    /// The draft alone, in force from the beginning of time.
    pub draft: &'a Schedule,
    /// What the codes of discounts are made with. Codes are no part of a result.
    pub secrets: &'a Secrets,
    /// The instant that both are looked at, not before the last commit of any account.
    pub as_of: Instant,
    /// What everybody takes of limits over all accounts; `None`: nobody anything, which is so where there are none.
    pub assumed: Option<&'a Assumed>,
}

/// What the history of one account came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Whose.
    pub account_id: AccountId,
    /// The groups that it is in now.
    pub segments: Vec<Segment>,
    /// Orders that were placed.
    pub orders: u64,
    /// What is stored.
    pub happened: Outcome,
    /// What the replay under the versions that were in force comes to.
    pub in_force: Replayed,
    /// What the replay under the draft comes to.
    pub draft: Replayed,
}

impl Compared {
    /// Whether the replay under the versions that were in force ends where the account stands.
    pub fn is_reproduced(&self) -> bool {
        self.happened == self.in_force.outcome
    }
}

/// Replays the history of an account under the versions that were in force and under a draft.
pub fn simulate(facts: &Facts, plan: &Plan<'_>) -> Result<Compared, Overflow> {
    let orders = facts.entries().filter(|entry| crate::credit_note::order_of(entry).is_some()).count();
    Ok(Compared {
        account_id: facts.account.id.clone(),
        segments: facts.account.segments.clone(),
        orders: u64::try_from(orders).map_err(|_| Overflow)?,
        happened: Outcome::stored(facts, plan)?,
        in_force: replay_with(facts, plan.in_force, plan.assumed.map(|assumed| &assumed.in_force), plan)?,
        draft: replay_with(facts, plan.draft, plan.assumed.map(|assumed| &assumed.draft), plan)?,
    })
}

#[cfg(test)]
mod tests;
