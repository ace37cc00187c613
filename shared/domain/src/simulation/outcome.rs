//! What a history came to, whether it happened or was replayed.

use super::{Facts, Plan};
use crate::account::Account;
use crate::advance;
use crate::id::TierId;
use crate::ledger::{Change, DiscountChange, PointsChange};
use crate::money::{Minor, Overflow, Points};
use crate::occasions::Given;
use crate::returns;
use crate::schedule::Schedule;
use crate::score::ScoredOrder;
use crate::time::{Calendar, Instant, Month};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Points and discounts, of a month or of all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Figures {
    /// Points earned, given by hand, for a referral or on an occasion, or taken over.
    pub points_issued: Points,
    /// Points taken back or taken by hand, owed ones included.
    pub points_reversed: Points,
    /// Points that ended.
    pub points_expired: Points,
    /// Points spent on rewards, less those given back.
    pub points_spent: Points,
    /// Points that a return should have taken back and that were written off.
    pub points_unrecovered: Points,
    /// Discounts issued, less those withdrawn.
    pub discounts_issued: i64,
    /// Discounts used, less those given back.
    pub discounts_used: i64,
    /// What they took off what is kept of the orders that used them, by the month of the order.
    pub discount_value: Minor,
}

/// What the history of one account came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Each month with anything in it, by when it happened.
    pub months: BTreeMap<Month, Figures>,
    /// Points it owns, whether they wait or not, less what it owes.
    pub outstanding: Points,
    /// The tier it holds; `None`: it was never enrolled.
    pub tier: Option<TierId>,
    /// Times its tier was raised.
    pub upgrades: u64,
    /// Times a review lowered it.
    pub downgrades: u64,
}

impl Figures {
    /// Points that were issued and have neither been taken back nor ended.
    pub fn points_kept(&self) -> Result<Points, Overflow> {
        self.points_issued.minus(self.points_reversed)?.minus(self.points_expired)
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Result<Self, Overflow> {
        Ok(Self {
            points_issued: self.points_issued.plus(other.points_issued)?,
            points_reversed: self.points_reversed.plus(other.points_reversed)?,
            points_expired: self.points_expired.plus(other.points_expired)?,
            points_spent: self.points_spent.plus(other.points_spent)?,
            points_unrecovered: self.points_unrecovered.plus(other.points_unrecovered)?,
            discounts_issued: self.discounts_issued.checked_add(other.discounts_issued).ok_or(Overflow)?,
            discounts_used: self.discounts_used.checked_add(other.discounts_used).ok_or(Overflow)?,
            discount_value: self.discount_value.plus(other.discount_value)?,
        })
    }

    /// By how much they differ from others.
    pub fn minus(&self, other: &Self) -> Result<Self, Overflow> {
        Ok(Self {
            points_issued: self.points_issued.minus(other.points_issued)?,
            points_reversed: self.points_reversed.minus(other.points_reversed)?,
            points_expired: self.points_expired.minus(other.points_expired)?,
            points_spent: self.points_spent.minus(other.points_spent)?,
            points_unrecovered: self.points_unrecovered.minus(other.points_unrecovered)?,
            discounts_issued: self.discounts_issued.checked_sub(other.discounts_issued).ok_or(Overflow)?,
            discounts_used: self.discounts_used.checked_sub(other.discounts_used).ok_or(Overflow)?,
            discount_value: self.discount_value.minus(other.discount_value)?,
        })
    }

    /// Adds what a change says; how many discounts there are is said by the changes, too.
    fn count(&mut self, change: &Change) -> Result<(), Overflow> {
        let add = |sum: &mut Points, points: Points| {
            *sum = sum.plus(points)?;
            Ok(())
        };
        match change {
            Change::OccasionGiven(Given { points, .. })
            | Change::Points(
                PointsChange::Earned { points, .. }
                | PointsChange::Credited { points, .. }
                | PointsChange::Granted { points, .. }
                | PointsChange::ForTier { points, .. }
                | PointsChange::Opened { points, .. },
            ) => add(&mut self.points_issued, *points),
            Change::Points(PointsChange::Reversed { points, unrecovered, .. }) => {
                add(&mut self.points_unrecovered, *unrecovered)?;
                add(&mut self.points_reversed, *points)
            }
            Change::Points(PointsChange::Deducted { points, .. } | PointsChange::DebtOpened { points }) => {
                add(&mut self.points_reversed, *points)
            }
            Change::Points(PointsChange::Amended { earned, reversed, unrecovered, .. }) => {
                add(&mut self.points_issued, *earned)?;
                add(&mut self.points_unrecovered, *unrecovered)?;
                add(&mut self.points_reversed, *reversed)
            }
            Change::Points(PointsChange::Spent { points }) => add(&mut self.points_spent, *points),
            Change::Points(PointsChange::Restored { points }) => {
                add(&mut self.points_spent, Points::ZERO.minus(*points)?)
            }
            Change::Points(PointsChange::Expired { points, .. }) => add(&mut self.points_expired, *points),
            Change::Discount(DiscountChange::Issued { .. }) => step(&mut self.discounts_issued, 1),
            Change::Discount(DiscountChange::Voided { .. }) => step(&mut self.discounts_issued, -1),
            Change::Discount(DiscountChange::Used { .. }) => step(&mut self.discounts_used, 1),
            Change::Discount(DiscountChange::Released { .. }) => step(&mut self.discounts_used, -1),
            _ => Ok(()),
        }
    }
}

fn step(count: &mut i64, by: i64) -> Result<(), Overflow> {
    *count = count.checked_add(by).ok_or(Overflow)?;
    Ok(())
}

impl Outcome {
    /// What is stored of an account, looked at when the plan says.
    pub(super) fn stored(facts: &Facts, plan: &Plan<'_>) -> Result<Self, Overflow> {
        let (mut outcome, calendar) = (Self::default(), calendar(plan));
        for entry in facts.entries() {
            outcome.count(&entry.changes, entry.at, calendar)?;
        }
        outcome.add_discounts(facts.orders.values().map(|scored| &**scored), plan.in_force, calendar)?;
        outcome.end(&facts.account, plan.in_force, plan)?;
        Ok(outcome)
    }

    /// Adds what an entry of an instant says.
    pub(super) fn count(&mut self, changes: &[Change], at: Instant, calendar: &Calendar) -> Result<(), Overflow> {
        let month = calendar.month(at);
        for change in changes {
            // What ended did so in its own time, whoever came along to write it down.
            let month = match change {
                Change::Points(PointsChange::Expired { expired_at, .. }) => calendar.month(*expired_at),
                Change::Points(PointsChange::ForTier { entered_at: Some(at), .. }) => calendar.month(*at),
                _ => month,
            };
            self.months.entry(month).or_default().count(change)?;
        }
        Ok(())
    }

    /// Adds what the discounts that orders used took off what is kept of them.
    pub(super) fn add_discounts<'a>(
        &mut self,
        orders: impl Iterator<Item = &'a ScoredOrder>,
        schedule: &Schedule,
        calendar: &Calendar,
    ) -> Result<(), Overflow> {
        for scored in orders.filter(|scored| !scored.current().taken_off.is_empty()) {
            let Some(version) = schedule.version(scored.score.program_version) else { continue };
            let value = scored.discount_value(&returns::totals(scored, &version.program)?, &version.program)?;
            let month = self.months.entry(calendar.month(scored.order.placed_at)).or_default();
            month.discount_value = month.discount_value.plus(value)?;
        }
        Ok(())
    }

    /// Brings the account to the end, and notes where it stands. Answers it.
    pub(super) fn end(&mut self, account: &Account, schedule: &Schedule, plan: &Plan<'_>) -> Result<Account, Overflow> {
        let (account, changes) = advance::advance(schedule, account, plan.as_of)?;
        self.count(&changes, plan.as_of, calendar(plan))?;
        self.months.retain(|_, figures| *figures != Figures::default());
        self.outstanding = account.points()?;
        self.tier = Some(account.tier.clone());
        (self.upgrades, self.downgrades) = (account.lifetime.upgrades, account.lifetime.downgrades);
        Ok(account)
    }

    /// All months together.
    pub fn total(&self) -> Result<Figures, Overflow> {
        self.months.values().try_fold(Figures::default(), |sum, month| sum.plus(month))
    }
}

/// Months are those of the program in force, whatever calendar the draft has.
pub(super) fn calendar<'a>(plan: &Plan<'a>) -> &'a Calendar {
    &plan.in_force.at(plan.as_of).program.calendar
}
