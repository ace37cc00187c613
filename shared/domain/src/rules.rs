//! What the program's rules give for an order: the one place for each rule, whoever asks.
//!
//! Placing an order, amending it and taking it back ask the same functions, so that the same order is always worth the
//! same.

use crate::account::Account;
use crate::activity::Aside;
use crate::advance;
use crate::decision::Context;
use crate::discount::{Discount, Issuer, OPEN_DISCOUNTS_MAX, Right};
use crate::earning::{self, Basket, Granted, Known};
use crate::ledger::{Change, PointsChange};
use crate::lots::{End, Lot, Pending};
use crate::money::{Minor, Overflow, Points};
use crate::order::Order;
use crate::program::{DiscountRule, Program};
use crate::score::{Condition, IssuedDiscount, Outcome};
use crate::time::Instant;

/// What an order comes to under the rules, before anything comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Worth {
    /// Units of all lines.
    pub units: u64,
    /// What all lines come to.
    pub revenue: Minor,
    /// What the eligible lines come to.
    pub eligible: Minor,
    /// What of that is paid in money.
    pub eligible_paid: Minor,
    /// What of it counts for no tier.
    pub aside: Aside,
    /// What it earns.
    pub points: Points,
    /// What became of each earning rule.
    pub outcomes: Vec<Outcome>,
    /// What rules that have limits gave an order that is scored for the first time.
    pub granted: Vec<Granted>,
}

/// What an order comes to, and the points that the rules give for it.
pub(crate) fn worth(program: &Program, order: &Order, known: &Known<'_>) -> Result<Worth, Overflow> {
    let rules = program.earning.rules().len();
    let mut outcomes = Vec::with_capacity(rules.saturating_add(program.discounts.len()));
    let basket = Basket::whole(program, order)?;
    let mut granted = Vec::new();
    let points = earning::judge(program, &basket, known, |ruling| {
        granted.extend(known.granted(outcomes.len(), ruling));
        outcomes.push(ruling.outcome);
    })?;
    let aside = Aside::of_basket(program, &basket);
    let Basket { units, revenue, eligible, eligible_paid, .. } = basket;
    Ok(Worth { units, revenue, eligible, eligible_paid, aside, points, outcomes, granted })
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
        changes.push(Change::Points(PointsChange::Repaid { points: repaid }));
    }
    let points = points.minus(repaid)?;
    match available_at {
        Some(available_at) => account.holdings.add_pending(Pending::new(available_at, end, points))?,
        None => account.holdings.add(Lot::new(end, points))?,
    }
    changes.extend(advance::settle(context.schedule, account, context.now)?);
    Ok(changes)
}

/// From when points of an order whose payment is not waited for can be spent, if not by `now` already.
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
