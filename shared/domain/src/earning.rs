//! Earning rules: which lines count, when a rule applies, what it gives, and how rules stand beside each other.
//!
//! Rules are judged one after the other ([`judge`]), each on plain facts. What the account decides (its tier, segments,
//! earlier orders) is decided once, when the order is first scored, and is read from the stored outcomes ever after:
//! a rule that the account ruled out stays ruled out, and no other is, whatever has become of the account. What the
//! order decides is judged anew on what is kept of it. So a return, an amendment and a receipt come to the same points
//! as the scoring, from the program version of the order and nothing else.
//!
//! Every sum is exact: fractions of points in `i128`, rounded once per rule (or per line, where the rule says so).

mod admitted;
mod basket;
mod choice;
mod condition;
mod effect;
pub(crate) mod eligible;
mod judge;
mod limits;
mod lines;
mod precedence;
mod receipt;

use crate::id::RuleId;
use crate::money::{Factor, Minor, Overflow, Points};
use effect::Sum;

pub(crate) use admitted::Admitted;
pub use basket::{Basket, Item};
pub use choice::Choice;
pub(crate) use condition::Reading;
pub use condition::{AccountFacts, AccountTest, Condition, OrderFacts, OrderTest, WHEN_FIELDS, When};
pub use effect::{Effect, RoundedPer, Rounding};
pub use eligible::{PaidWith, TaxBasis};
pub(crate) use judge::judge;
pub use judge::{Known, Ruling, points};
pub(crate) use limits::Limiting;
pub use limits::{AccountCap, Asked, Beside, CapPeriod, Granted, Left, Limiter, asked};
pub use lines::LineFilter;
#[cfg(test)]
pub(crate) use lines::looked_through;
pub(crate) use receipt::reasons;
pub use receipt::{Arithmetic, recomputed};

/// A way in which orders earn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarningRule {
    /// Its id, stable over versions.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
    /// What it gives.
    pub effect: Effect,
    /// Which of the eligible lines count.
    pub lines: LineFilter,
    /// When it applies: all of these hold.
    pub when: When,
    /// Of the rules of one group only the one that gives most fires, the earlier one on a tie. They stand one after the
    /// other.
    pub group: Option<RuleId>,
    /// Once it has fired, no later rule does.
    pub stop: bool,
    /// The most that it gives for one order.
    pub maximum_points: Option<Points>,
    /// The most that it gives over all accounts.
    pub budget: Option<Points>,
    /// The most that it gives one account in a period.
    pub cap: Option<AccountCap>,
    /// How fractions of a point are rounded.
    pub rounding: Rounding,
    /// What is rounded.
    pub rounded_per: RoundedPer,
    /// Whether the multiplier of the tier held applies to it.
    pub tier_multiplier: bool,
}

impl EarningRule {
    /// Whether every order whose eligible lines come to enough is given points by it, whoever's and whenever.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.lines.is_all() && self.when == When::default()
    }

    /// The most that it gives for an order of that eligible total in a tier of that multiplier, as far as the total alone
    /// says: no bound where it gives points by something else.
    pub(crate) fn at_most(&self, total: Minor, tier: Factor) -> Result<Points, Overflow> {
        let multiplier = if self.tier_multiplier { tier } else { Factor::ONE };
        match self.effect {
            Effect::PerAmount { .. } => self.effect.exact(&Sum::of(total), multiplier, 1)?.rounded(self.rounding),
            _ => Ok(Points(i64::MAX)),
        }
    }

    /// The least that it gives for every such order, whatever else that is like.
    pub(crate) fn at_least(&self, total: Minor, tier: Factor) -> Result<Points, Overflow> {
        let is_sure = self.is_unconditional() && self.group.is_none() && !self.is_limited();
        let is_sure = is_sure && self.rounded_per == RoundedPer::Order;
        match self.effect {
            Effect::PerAmount { .. } if is_sure => {
                Ok(self.at_most(total, tier)?.min(self.maximum_points.unwrap_or(Points(i64::MAX))))
            }
            _ => Ok(Points::ZERO),
        }
    }

    /// Whether it gives nothing in a tier that multiplies by 0.
    pub(crate) fn depends_on_tier(&self, earning: &Earning) -> bool {
        let is_taken_up = |rule: &Self| matches!(rule.effect, Effect::PerAmount { .. }) && !rule.tier_multiplier;
        match self.effect {
            Effect::Multiplier(_) => !earning.rules.iter().any(is_taken_up),
            _ => self.tier_multiplier,
        }
    }

    /// Whether it can be judged by the sums of an order alone.
    fn needs_items(&self) -> bool {
        !self.lines.is_all() || self.rounded_per == RoundedPer::Line || matches!(self.effect, Effect::Multiplier(_))
    }
}

/// The earning rules of a program, in order, and what follows from all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earning {
    rules: Vec<EarningRule>,
    /// Some rule looks at lines.
    needs_items: bool,
    /// What the points per amount that are multiplied have in common as denominator; `None`: nothing is multiplied.
    common: Option<i64>,
    /// Less of an order never earns more.
    is_monotone: bool,
}

impl Earning {
    /// These rules in this order; `None` where some rule multiplies others whose amounts have no common multiple that
    /// sums can be taken over.
    pub fn of(rules: Vec<EarningRule>) -> Option<Self> {
        let needs_items = rules.iter().any(EarningRule::needs_items);
        let multiplies = rules.iter().any(|rule| matches!(rule.effect, Effect::Multiplier(_)));
        let common = if multiplies { Some(common_denominator(&rules)?) } else { None };
        let groups = rules.iter().any(|rule| rule.group.is_some());
        // A smaller order may pass a rule that stops, or leave the best of a group to one that is multiplied.
        let may_give_more = rules.iter().any(|rule| rule.stop) || (multiplies && groups);
        Some(Self { rules, needs_items, common, is_monotone: !may_give_more })
    }

    /// The rules in their order.
    pub fn rules(&self) -> &[EarningRule] {
        &self.rules
    }

    /// Whether less of an order never earns more.
    pub fn is_monotone(&self) -> bool {
        self.is_monotone
    }

    /// The rules in their order, those of a group together.
    fn runs(&self) -> impl Iterator<Item = &[EarningRule]> {
        self.rules.chunk_by(|one, next| one.group.is_some() && one.group == next.group)
    }
}

/// The least amount that every points-per-amount rule divides, times the scale of a tier's multiplier; `None` where that
/// and the scale of another multiplier do not fit 64 bits.
fn common_denominator(rules: &[EarningRule]) -> Option<i64> {
    let mut common = Factor::ONE.0;
    for rule in rules {
        if let Effect::PerAmount { per, .. } = rule.effect {
            let part = per.0.checked_mul(Factor::ONE.0)?;
            common = common.checked_div(gcd(common, part))?.checked_mul(part)?;
        }
    }
    common.checked_mul(Factor::ONE.0).map(|_| common)
}

/// The greatest common divisor of two numbers above zero.
fn gcd(mut one: i64, mut other: i64) -> i64 {
    while other != 0 {
        (one, other) = (other, one.checked_rem(other).unwrap_or(0));
    }
    one
}

#[cfg(test)]
mod tests;
