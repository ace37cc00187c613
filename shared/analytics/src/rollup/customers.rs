//! What the models are fitted on: customers by their histories, counted so that the cost does not grow with accounts.
//!
//! Times are whole weeks, rounded: cells are then bounded by weeks and frequency, and a week is short beside the months
//! between a company's orders.

use super::figures::Sums;
use crate::bucket::bucket;
use crate::calibration::Trial;
use crate::histogram::{Histogram, Overflow};
use crate::history::{FREQUENCY_MAX, History};
use crate::spend::Spend;
use domain::account::Account;
use domain::activity::MONTHS_KEPT;
use domain::time::Day;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Days that the hold-out of the calibration takes: 13 weeks, a quarter of a year.
pub const HOLD_OUT_DAYS: i32 = 91;
/// The same in weeks.
pub const HOLD_OUT_WEEKS: f64 = 13.0;
const WEEK_DAYS: i32 = 7;
/// Months of the segmentation by recency, frequency and money.
const TRAILING_MONTHS: i32 = 12;
/// Most orders that are told apart in a segmentation by recency, frequency and money.
const ORDERS_MAX: u16 = 1_000;
/// Buckets of revenue that make up one there: eight are left per doubling.
const BUCKETS_OF_ONE: u16 = 16;

/// Days as whole weeks, rounded half up.
fn weeks(days: i32) -> u32 {
    u32::try_from(days.max(0).saturating_add(WEEK_DAYS / 2) / WEEK_DAYS).unwrap_or(0)
}

/// Customers of a group with one history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alike {
    /// How many.
    pub customers: u64,
    /// What they spent in all, those below zero taken as zero, in minor units.
    pub spend: u128,
}

/// The customers of a group by history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customers {
    cells: BTreeMap<History, Alike>,
}

impl Customers {
    pub(super) fn record(&mut self, history: History, spend: i64) -> Result<(), Overflow> {
        self.add(history, &Alike { customers: 1, spend: u128::try_from(spend).unwrap_or(0) })
    }

    fn add(&mut self, history: History, more: &Alike) -> Result<(), Overflow> {
        let cell = self.cells.entry(history).or_default();
        cell.customers = cell.customers.checked_add(more.customers).ok_or(Overflow)?;
        cell.spend = cell.spend.checked_add(more.spend).ok_or(Overflow)?;
        Ok(())
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        other.cells.iter().try_for_each(|(history, alike)| self.add(*history, alike))
    }

    /// The cells by history.
    pub fn iter(&self) -> impl Iterator<Item = (History, Alike)> {
        self.cells.iter().map(|(history, alike)| (*history, *alike))
    }

    /// How many have each history.
    pub fn histories(&self) -> Result<Histogram<History>, Overflow> {
        let mut histories = Histogram::default();
        self.iter().try_for_each(|(history, alike)| histories.record(history, alike.customers))?;
        Ok(histories)
    }
}

/// A customer by how lately, how often and for how much it bought in the trailing twelve months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Recent {
    /// Weeks since its last order, begun ones left out.
    pub recency_weeks: u16,
    /// Its orders, at most 1,000.
    pub orders: u16,
    /// Its revenue, as one of eight steps per doubling.
    pub revenue_step: u16,
}

impl Recent {
    /// One from exact figures: days since its last order, orders, revenue in minor units.
    pub fn new(days_since: i32, orders: u64, revenue: i128) -> Self {
        let revenue = u128::try_from(revenue).unwrap_or(0);
        Self {
            recency_weeks: u16::try_from(days_since.max(0) / WEEK_DAYS).unwrap_or(u16::MAX),
            orders: u16::try_from(orders).unwrap_or(ORDERS_MAX).min(ORDERS_MAX),
            revenue_step: bucket(revenue) / BUCKETS_OF_ONE,
        }
    }
}

/// What only all customers together are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Customers as they were [`HOLD_OUT_DAYS`] before, and how often they have bought since.
    pub trials: Histogram<Trial>,
    /// Customers of whom the kept months do not tell when they had bought last by then.
    pub trials_unknown: u64,
    /// What customers spend per day with an order, those with two such days at least.
    pub spend: Spend,
    /// Customers of the trailing twelve months, and their revenue in them.
    pub recent: BTreeMap<Recent, Alike>,
}

impl Evidence {
    /// Adds a customer: how it is as of `day`, and what it spent.
    pub(super) fn record(&mut self, account: &Account, day: Day) -> Result<(), Overflow> {
        match purchases(account) {
            once @ ..=1 => self.spend.leave_out(once.into())?,
            purchases => self.spend.record(purchases, account.lifetime.revenue.0)?,
        }
        let cut = day.plus(HOLD_OUT_DAYS.saturating_neg());
        if account.first_purchase.is_none_or(|first| first > cut) {
            return Ok(());
        }
        match trial(account, cut, day) {
            Some(trial) => self.trials.record(trial, 1),
            None => self.leave_out(),
        }
    }

    /// Notes a customer of whom it is not known when it bought.
    pub(super) fn leave_out(&mut self) -> Result<(), Overflow> {
        self.trials_unknown = self.trials_unknown.checked_add(1).ok_or(Overflow)?;
        Ok(())
    }

    /// Adds a customer of the trailing twelve months.
    pub(super) fn record_recent(&mut self, recent: Recent, revenue: i128) -> Result<(), Overflow> {
        self.add_recent(recent, &Alike { customers: 1, spend: u128::try_from(revenue).unwrap_or(0) })
    }

    fn add_recent(&mut self, recent: Recent, more: &Alike) -> Result<(), Overflow> {
        let cell = self.recent.entry(recent).or_default();
        cell.customers = cell.customers.checked_add(more.customers).ok_or(Overflow)?;
        cell.spend = cell.spend.checked_add(more.spend).ok_or(Overflow)?;
        Ok(())
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.trials.merge(&other.trials)?;
        self.trials_unknown = self.trials_unknown.checked_add(other.trials_unknown).ok_or(Overflow)?;
        self.spend.merge(&other.spend)?;
        other.recent.iter().try_for_each(|(recent, alike)| self.add_recent(*recent, alike))
    }
}

/// Days with an order, at most what a likelihood is asked for.
pub fn purchases(account: &Account) -> u32 {
    u32::try_from(account.lifetime.purchase_days).unwrap_or(u32::MAX).min(FREQUENCY_MAX)
}

/// The history of a customer as of a day: days with an order after the first, and weeks. `None` where it never bought, or
/// nobody knows when it bought first.
pub fn history(account: &Account, day: Day) -> Option<History> {
    let (first, last) = (first_purchase(account)?, account.last_purchase?);
    known(purchases(account), first, last, day.max(last))
}

/// The day on which a customer bought first; `None` where it never did, or where it brought orders from before its
/// account was opened here and nobody stated when they were placed: the first day that is known is then that of its first
/// order here.
pub fn first_purchase(account: &Account) -> Option<Day> {
    let first = account.first_purchase?;
    let months = account.activity.months();
    let earliest = months.first().map(|month| month.month.first().plus(lowest_bit(month.purchase_days)));
    // Orders of months that are kept no more are older than every kept one; all others are in their months.
    let kept = months.last().map(|newest| newest.month.plus(1_i32.saturating_sub(MONTHS_KEPT)));
    let is_kept = kept.is_some_and(|kept| first.month() >= kept);
    let undated = account.lifetime.orders > account.activity.orders() && is_kept && earliest == Some(first);
    (!undated).then_some(first)
}

fn lowest_bit(days: u32) -> i32 {
    i32::try_from(days.trailing_zeros()).unwrap_or(0)
}

/// How lately, how often and for how much an account bought in the twelve months that end with a day's; `None` where it
/// did not.
pub fn recent(account: &Account, day: Day) -> Option<Recent> {
    let last = day.month();
    let months = account.activity.months().iter();
    let months = months.filter(|month| month.month <= last && month.month.plus(TRAILING_MONTHS) > last);
    let sums = months.fold(Sums::default(), Sums::and);
    let days_since = day.0.saturating_sub(account.last_purchase?.0);
    (sums.orders > 0).then(|| Recent::new(days_since, sums.orders, sums.revenue))
}

fn known(purchases: u32, first: Day, last: Day, day: Day) -> Option<History> {
    let frequency = purchases.checked_sub(1)?;
    let since = |day: Day| weeks(day.0.saturating_sub(first.0));
    let recency = if frequency == 0 { 0 } else { since(last) };
    History::new(frequency, recency, since(day).max(recency)).ok()
}

/// The customer as it was at the end of the day `cut`, and on how many days until the end of `day` it has bought since;
/// `None` where the kept months do not tell.
fn trial(account: &Account, cut: Day, day: Day) -> Option<Trial> {
    let first = account.first_purchase?;
    let (mut actual, mut later, mut last) = (0_u32, 0_u32, None);
    for month in account.activity.months() {
        let start = month.month.first();
        let days = u64::from(month.purchase_days);
        let (before, told) = (days & until(start, cut), days & until(start, day));
        actual = actual.saturating_add((told & !before).count_ones());
        later = later.saturating_add((days & !told).count_ones());
        let latest = before.checked_ilog2().and_then(|bit| i32::try_from(bit).ok());
        last = latest.map(|bit| start.plus(bit)).or(last);
    }
    let before = purchases(account).checked_sub(actual.saturating_add(later)).filter(|before| *before > 0)?;
    // Before the kept months there was a single purchase, the first, or it has bought on no day since, or nobody knows
    // when the last of them was.
    let last = last.or((before == 1).then_some(first)).or(account.last_purchase.filter(|last| *last <= cut))?;
    Some(Trial { history: known(before, first, last, cut)?, actual })
}

/// The bits of the days of a month up to a day: none where the month begins after it.
fn until(start: Day, day: Day) -> u64 {
    let days = day.0.saturating_sub(start.0).saturating_add(1).clamp(0, 32);
    1_u64.checked_shl(days.unsigned_abs()).map_or(u64::MAX, |bit| bit.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn weeks_are_whole_ones_the_nearest() {
        let table = [(-5, 0), (0, 0), (3, 0), (4, 1), (7, 1), (10, 1), (11, 2), (364, 52), (368, 53)];
        assert_eq!(table.map(|(days, _)| weeks(days)), table.map(|(_, weeks)| weeks));
        assert_eq!(weeks(i32::MAX), 306_783_378);
    }

    #[test]
    fn a_history_needs_a_purchase_and_goes_on_until_its_last() {
        let known = |purchases, first, last, day| known(purchases, Day(first), Day(last), Day(day));
        assert_eq!(known(0, 0, 0, 9), None);
        assert_eq!(known(1, 0, 0, 10), History::new(0, 0, 1).ok());
        assert_eq!(known(3, 0, 10, 10), History::new(2, 1, 1).ok());
        assert_eq!(known(2, 0, 3, 4), History::new(1, 0, 1).ok(), "bought again within a week");
        assert_eq!(known(FREQUENCY_MAX, 0, 9, 9).unwrap().frequency(), FREQUENCY_MAX - 1);
    }

    #[test]
    fn what_is_recent_is_told_apart_in_bounds() {
        for ((days, orders, revenue), cell) in [
            ((-1, 1, -5), (0, 1, 0)),
            ((6, 1_000, 15), (0, 1_000, 0)),
            ((7, 1_001, 16), (1, 1_000, 1)),
            ((13, 70_000, 255), (1, 1_000, 15)),
            ((i32::MAX, u64::MAX, 256), (u16::MAX, 1_000, 16)),
            ((0, 1, 287), (0, 1, 16)),
            ((0, 1, 288), (0, 1, 17)),
            ((0, 1, 512), (0, 1, 24)), // eight steps on
        ] {
            let (recency_weeks, orders_told, revenue_step) = cell;
            let told = Recent { recency_weeks, orders: orders_told, revenue_step };
            assert_eq!(Recent::new(days, orders, revenue), told, "{days} {orders} {revenue}");
        }
    }
}
