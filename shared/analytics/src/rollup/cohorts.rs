//! Who stays: customers by the month of their first order, and what they did in each month since.

use super::customers;
use crate::histogram::Overflow;
use domain::account::Account;
use domain::time::Month;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What customers of one first month did in a month since.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retained {
    /// Of them, those with an order.
    pub customers: u64,
    /// What they kept of that month's orders, in minor units.
    pub revenue: i128,
}

/// The cohort table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohorts {
    /// Customers by the month of their first order.
    pub sizes: BTreeMap<Month, u64>,
    /// By that month and the months since, 0 for the first itself. Only months that are kept.
    pub retained: BTreeMap<(Month, u16), Retained>,
}

impl Cohorts {
    /// Adds an account; one that never bought, or of which nobody knows when it bought first, has no cohort.
    pub(super) fn record(&mut self, account: &Account, first_kept: Month, last: Month) -> Result<(), Overflow> {
        let Some(first) = customers::first_purchase(account).map(|day| day.month()) else { return Ok(()) };
        self.size(first, 1)?;
        let months = account.activity.months().iter().filter(|month| month.orders > 0);
        for month in months.filter(|month| (first_kept..=last).contains(&month.month)) {
            let since = u16::try_from(month.month.0.saturating_sub(first.0)).map_err(|_| Overflow)?;
            self.add((first, since), &Retained { customers: 1, revenue: month.revenue.0.into() })?;
        }
        Ok(())
    }

    fn size(&mut self, first: Month, customers: u64) -> Result<(), Overflow> {
        let size = self.sizes.entry(first).or_default();
        *size = size.checked_add(customers).ok_or(Overflow)?;
        Ok(())
    }

    fn add(&mut self, place: (Month, u16), more: &Retained) -> Result<(), Overflow> {
        let retained = self.retained.entry(place).or_default();
        retained.customers = retained.customers.checked_add(more.customers).ok_or(Overflow)?;
        retained.revenue = retained.revenue.checked_add(more.revenue).ok_or(Overflow)?;
        Ok(())
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        other.sizes.iter().try_for_each(|(first, customers)| self.size(*first, *customers))?;
        other.retained.iter().try_for_each(|(place, retained)| self.add(*place, retained))
    }
}
