//! What the whole program came to, from a scan of its accounts.

use crate::walk;
use domain::account::Account;
use domain::advance;
use domain::id::TierId;
use domain::money::Points;
use domain::schedule::Schedule;
use domain::time::Instant;
use runtime::{App, Error};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// The program's figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// The instant that `points_outstanding` is true at; later for accounts that were decided on later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Instant>,
    /// Accounts.
    pub accounts: u64,
    /// Accounts with at least one order.
    pub customers: u64,
    /// Accounts with at least two orders.
    pub repeat_customers: u64,
    /// Orders scored.
    pub orders: u64,
    /// Points earned.
    pub points_earned: Points,
    /// Points taken back by returns, owed ones included.
    pub points_reversed: Points,
    /// Points not expired yet, waiting ones included.
    pub points_outstanding: Points,
    /// Units that came back off orders.
    pub units_returned: u64,
    /// Units of credit notes that no order gave.
    pub units_unmatched: u64,
    /// Times a tier was raised.
    pub tier_upgrades: u64,
    /// Discounts issued.
    pub discounts_issued: u64,
    /// Accounts by tier, lowest tier first.
    #[serde(serialize_with = "as_map")]
    pub tiers: Vec<(TierId, u64)>,
}

fn as_map<S: Serializer>(tiers: &[(TierId, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(tiers.iter().map(|(tier, count)| (tier, count)))
}

impl Totals {
    /// The figures of all accounts as of an instant; without one, as each account was last decided.
    pub async fn of(app: &App, as_of: Option<Instant>) -> Result<Self, Error> {
        let schedule = app.schedule().await?;
        let program = &schedule.at(as_of.unwrap_or(Instant::MAX)).program;
        let mut totals = Self {
            as_of,
            accounts: 0,
            customers: 0,
            repeat_customers: 0,
            orders: 0,
            points_earned: Points::ZERO,
            points_reversed: Points::ZERO,
            points_outstanding: Points::ZERO,
            units_returned: 0,
            units_unmatched: 0,
            tier_upgrades: 0,
            discounts_issued: 0,
            tiers: program.tiers.levels.iter().map(|tier| (tier.id.clone(), 0)).collect(),
        };
        let mut others = BTreeMap::new();
        walk::accounts(app.store(), |account| totals.add(&account, &schedule, &mut others)).await?;
        totals.tiers.extend(others);
        Ok(totals)
    }

    /// Adds an account; `others` counts those whose tier this version of the program does not know.
    fn add(&mut self, account: &Account, schedule: &Schedule, others: &mut BTreeMap<TierId, u64>) -> Result<(), Error> {
        let life = &account.lifetime;
        let now = self.as_of.map_or(account.last_decided, |at| at.max(account.last_decided));
        let (current, _) = advance::advance(schedule, account, now)?;
        count(&mut self.accounts, 1);
        count(&mut self.customers, u64::from(life.orders >= 1));
        count(&mut self.repeat_customers, u64::from(life.orders >= 2));
        count(&mut self.orders, life.orders);
        count(&mut self.tier_upgrades, life.upgrades);
        count(&mut self.discounts_issued, life.discounts_issued);
        count(&mut self.units_returned, life.returned_units);
        count(&mut self.units_unmatched, life.unmatched_units);
        self.points_earned = self.points_earned.plus(life.earned)?;
        self.points_reversed = self.points_reversed.plus(life.reversed)?;
        self.points_outstanding = self.points_outstanding.plus(current.points()?)?;
        match self.tiers.iter_mut().find(|(tier, _)| *tier == current.tier) {
            Some((_, held_by)) => count(held_by, 1),
            None => count(others.entry(account.tier.clone()).or_default(), 1),
        }
        Ok(())
    }
}

fn count(total: &mut u64, more: u64) {
    *total = total.saturating_add(more);
}
