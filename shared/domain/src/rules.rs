//! What the program's rules give for an order: the one place for each rule, whoever asks.
//!
//! Placing an order, amending it and taking it back ask the same functions, so that the same order is always worth the
//! same.

use crate::account::Account;
use crate::advance;
use crate::decision::Context;
use crate::discount::{Discount, Issuer, OPEN_DISCOUNTS_MAX, Right};
use crate::id::TierId;
use crate::ledger::Change;
use crate::lots::{End, Lot, Pending};
use crate::money::{Factor, Minor, Overflow, Points};
use crate::order::{Order, OrderLine};
use crate::program::{DiscountRule, EarningRule, Program};
use crate::score::{Condition, IssuedDiscount, Outcome};
use crate::time::Instant;

/// Whether a line earns: quantity and amount above zero and its SKU not excluded.
pub fn is_eligible(program: &Program, line: &OrderLine, amount: Minor) -> bool {
    line.quantity > 0 && amount > Minor::ZERO && !program.excluded_skus.contains(&line.sku)
}

/// Points of one rule for the eligible total of one order: `floor(total × points ÷ per × multiplier)`.
///
/// `total` is in minor units and not negative; the product is taken in `i128` and rounded down once, per order and
/// rule. Fails with [`Overflow`] where the result does not fit an `i64`.
pub fn earned(rule: &EarningRule, total: Minor, multiplier: Factor) -> Result<Points, Overflow> {
    let numerator = i128::from(total.0)
        .checked_mul(i128::from(rule.points.0))
        .and_then(|n| n.checked_mul(i128::from(multiplier.0)))
        .ok_or(Overflow)?;
    let denominator = i128::from(rule.per.0).checked_mul(i128::from(Factor::ONE.0)).ok_or(Overflow)?;
    Points::narrow(numerator.checked_div_euclid(denominator).ok_or(Overflow)?)
}

/// Points of all earning rules for an eligible total under the tier held at scoring.
pub fn points_for(program: &Program, eligible: Minor, tier: &TierId) -> Result<Points, Overflow> {
    let multiplier = program.tiers.get(tier).multiplier;
    let mut of_rules = program.earning.iter().map(|rule| earned(rule, eligible, multiplier));
    of_rules.try_fold(Points::ZERO, |sum, points| sum.plus(points?))
}

/// What an order comes to under the rules, before anything comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Worth {
    /// Units of all lines.
    pub units: u64,
    /// What all lines come to.
    pub revenue: Minor,
    /// What the eligible lines come to.
    pub eligible: Minor,
    /// What it earns.
    pub points: Points,
    /// What became of each earning rule.
    pub outcomes: Vec<Outcome>,
}

/// What an order comes to, and the points that the rules give for it under the tier held at scoring.
pub(crate) fn worth(program: &Program, order: &Order, tier: &TierId) -> Result<Worth, Overflow> {
    let outcomes = Vec::with_capacity(program.earning.len().saturating_add(program.discounts.len()));
    let (units, revenue, eligible) = (0, Minor::ZERO, Minor::ZERO);
    let mut worth = Worth { units, revenue, eligible, points: Points::ZERO, outcomes };
    for line in &order.lines {
        let amount = line.amount(order.currency)?;
        worth.revenue = worth.revenue.plus(amount)?;
        worth.units = worth.units.checked_add(line.quantity).ok_or(Overflow)?;
        if is_eligible(program, line, amount) {
            worth.eligible = worth.eligible.plus(amount)?;
        }
    }
    let multiplier = program.tiers.get(tier).multiplier;
    for rule in &program.earning {
        let points = earned(rule, worth.eligible, multiplier)?;
        worth.points = worth.points.plus(points)?;
        worth.outcomes.push(match points {
            _ if worth.eligible <= Minor::ZERO => Outcome::Missed(Condition::NothingEligible),
            _ if multiplier.0 == 0 => Outcome::Missed(Condition::TierEarnsNothing),
            Points::ZERO => Outcome::Missed(Condition::LessThanOnePoint),
            _ => Outcome::Fired,
        });
    }
    Ok(worth)
}

/// Puts points of an order into a lot, or among those that wait; what the account owes is repaid first. Points of a
/// late order may have ended already: they are earned and expired in the same commit.
pub(crate) fn award(
    account: &mut Account,
    points: Points,
    available_at: Option<Instant>,
    end: End,
    context: &Context<'_>,
) -> Result<Vec<Change>, Overflow> {
    let mut changes = Vec::new();
    let repaid = account.holdings.repay_from_order(points)?;
    if repaid > Points::ZERO {
        changes.push(Change::PointsRepaid { points: repaid });
    }
    let points = points.minus(repaid)?;
    match available_at {
        Some(available_at) => account.holdings.add_pending(Pending::new(available_at, end, points))?,
        None => account.holdings.add(Lot::new(end, points))?,
    }
    changes.extend(advance::settle(context.schedule, account, context.now)?);
    Ok(changes)
}

/// From when points of an order can be spent, if not by `now` already.
pub(crate) fn available_at(program: &Program, order: &Order, now: Instant) -> Option<Instant> {
    let wait = program.points.pending_days;
    let available_at = program.calendar.start_of_day_after(order.placed_at, wait);
    (wait > 0 && available_at > now).then_some(available_at)
}

/// Whether an order of this eligible total brings about a discount that would end at `expires_at`; otherwise the first
/// condition that fails.
pub(crate) fn may_issue(
    account: &Account,
    rule: &DiscountRule,
    expires_at: Instant,
    eligible: Minor,
    now: Instant,
) -> Result<(), Condition> {
    let open = &account.discounts;
    match () {
        () if eligible < rule.minimum_total => Err(Condition::BelowMinimum),
        () if open.iter().any(|discount| discount.rule == rule.id) => Err(Condition::AlreadyOpen),
        () if open.len() >= OPEN_DISCOUNTS_MAX => Err(Condition::TooManyOpen),
        () if expires_at <= now => Err(Condition::ValidityOver),
        () => Ok(()),
    }
}

/// The discount that an order of this eligible total brings about under a rule; otherwise why it does not.
pub(crate) fn issue(
    account: &Account,
    rule: &DiscountRule,
    order: &Order,
    eligible: Minor,
    program: &Program,
    context: &Context<'_>,
) -> Result<Discount, Condition> {
    let expires_at = program.calendar.same_time_after_days(order.placed_at, rule.validity_days);
    may_issue(account, rule, expires_at, eligible, context.now)?;
    let right = Right { rule: &rule.id, percent: rule.percent, expires_at };
    Ok(Discount::issue(&account.id, right, Issuer::Order(order.key.clone()), program, context))
}

impl IssuedDiscount {
    /// A discount that was just issued.
    pub(crate) fn of(discount: &Discount) -> Self {
        let Discount { rule, code, percent, expires_at, .. } = discount.clone();
        Self { rule, code, percent, expires_at, void: false }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::id::RuleId;

    #[test]
    fn points_are_rounded_down_once_for_the_order() {
        let rule = |points, per| EarningRule {
            id: RuleId::parse("r").unwrap(),
            name: "r".into(),
            points: Points(points),
            per: Minor(per),
        };
        for (total, points, per, multiplier, expected) in [
            (10_000, 1, 100, 12_500, 125),
            (10_079, 1, 100, 12_500, 125), // 100.79 × 1.25 = 125.9875
            (10_080, 1, 100, 12_500, 126),
            (99, 1, 100, 10_000, 0),
            (1_000, 3, 700, 10_000, 4), // 10.00 × 3 ÷ 7.00 = 4.28…
            (0, 1, 100, 10_000, 0),
            (i64::MAX, 1, 1, 10_000, i64::MAX),
        ] {
            assert_eq!(earned(&rule(points, per), Minor(total), Factor(multiplier)), Ok(Points(expected)));
        }
        assert_eq!(earned(&rule(2, 1), Minor(i64::MAX), Factor::ONE), Err(Overflow));
    }
}
