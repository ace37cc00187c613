//! What is stored of one order: the order as stated, what it earned, with the inputs of that, and its history since.

use super::Condition;
use crate::code::Code;
use crate::discount::TakesOff;
use crate::earning::Granted;
use crate::id::{RuleId, TierId};
use crate::money::{Measure, Minor, Percent, Points};
use crate::order::Order;
use crate::returns::History;
use crate::time::Instant;
use std::sync::Arc;

/// An order and what it earned, as stored: the idempotency record of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredOrder {
    /// The order as stated.
    pub order: Arc<Order>,
    /// [`Order::content_hash`] of it.
    pub content_hash: [u8; 32],
    /// Counts changes of the record, from 1.
    pub version: u64,
    /// What it earned.
    pub score: Score,
    /// What became of it since.
    pub history: History,
}

/// What one order earned, with the inputs it was decided on. Immutable; the reasons are rendered from it on read
/// ([`crate::receipt`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// The program version it was scored under.
    pub program_version: u32,
    /// `now` of the decision.
    pub decided_at: Instant,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// The tier held before the order.
    pub tier: TierId,
    /// The tier held after it.
    pub tier_after: TierId,
    /// How it raised the tier, if it did.
    pub raise: Option<Raise>,
    /// What qualified for a tier after it, in the window of the order's month, or, where it came late, that of a later
    /// month that it counts in.
    pub qualifying: Measure,
    /// It is older than the months kept: it counts in the lifetime totals only, and in no window of months.
    pub beyond_kept_months: bool,
    /// What its eligible lines came to.
    pub eligible: Minor,
    /// What it earned.
    pub points: Points,
    /// From when they can be spent, if not at once.
    pub available_at: Option<Instant>,
    /// When they end, as things stood then; [`Instant::NEVER`]: they do not.
    pub expires_at: Instant,
    /// The account's spendable points after it.
    pub balance: Points,
    /// What became of each rule: the earning rules, then the discounts, in the program's order; then, when it was first
    /// scored, whether each free product that names segments is for the account.
    pub outcomes: Vec<Outcome>,
    /// Discounts that it issued.
    pub issued: Vec<IssuedDiscount>,
    /// What each discount that it used takes off, as its codes are listed. None, too, where that was not noted yet when
    /// it was scored: it counts for no discounts then.
    pub taken_off: Vec<TakesOff>,
    /// It qualified the redemption that its account came by.
    pub qualified_referral: bool,
    /// What rules that have limits gave it when it was first scored: no later statement of it gets more of them. Empty in
    /// the score of an amendment.
    pub granted: Vec<Granted>,
    /// What it brought its account besides its own points, when it was first scored. In the score of an amendment: what
    /// all amendments of the order brought until then.
    pub gifts: Vec<OrderGift>,
}

/// What an order brought its account besides its own points. It comes once, whatever is ordered later, and no return or
/// amendment takes it back: so it is kept, since nothing else of the score tells that it was this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderGift {
    /// For what.
    pub given_for: GivenFor,
    /// How many points.
    pub points: Points,
    /// The code of the discount that it brought.
    pub discount: Option<Code>,
}

/// For what an order brings a gift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenFor {
    /// That it led to a tier, which brings it but once.
    Tier(TierId),
    /// That it was its account's first order, or its n-th: by a rule for such occasions.
    Occasion(RuleId),
}

impl ScoredOrder {
    /// What it brought its account besides its own points, by all of its statements.
    pub fn gifts(&self) -> impl Iterator<Item = &OrderGift> {
        let amended = self.history.amended.iter().flat_map(|amended| &amended.score.gifts);
        self.score.gifts.iter().chain(amended)
    }
}

/// How an order raised the tier: what it takes to undo it, should an amendment show that it had no right to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// The tier before it; other orders may have raised that since this one was scored.
    pub from: TierId,
    /// Since when the tier before it was held.
    pub held_since: Instant,
    /// When it was raised: the tier is held since then, unless something else has changed it.
    pub at: Instant,
}

/// A discount that an order issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedDiscount {
    /// By which rule.
    pub rule: RuleId,
    /// Its code.
    pub code: Code,
    /// What it takes off.
    pub percent: Percent,
    /// The first instant at which it is void.
    pub expires_at: Instant,
    /// It was withdrawn: the order was amended and would not issue it any more.
    pub void: bool,
}

/// What became of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it says.
    Fired,
    /// It did nothing; the first condition that failed.
    Missed(Condition),
}

impl Outcome {
    /// Whether it is the account that ruled the rule out: that is decided once, when an order is first scored.
    pub(crate) fn is_of_account(&self) -> bool {
        matches!(self, Self::Missed(condition) if condition.is_of_account())
    }
}
