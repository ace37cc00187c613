//! The cohort table: of the customers of one first month, how many bought in each month since.

use super::document::{CountedBy, Named};
use super::value::{Cell, Percent, Worth};
use crate::histogram::Overflow;
use crate::rollup::{Cohorts, first_kept};
use domain::money::Money;
use domain::time::Month;
use serde::Serialize;

/// Who stays.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RetentionReport {
    /// Which night it is of.
    pub counted: CountedBy,
    /// The program's currency.
    pub currency: &'static str,
    /// The first month of which it is known who bought.
    pub first_month_kept: String,
    /// The month of the night.
    pub last_month: String,
    /// By the month of the first order.
    pub cohorts: Vec<Cohort>,
}

/// The customers of one first month.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cohort {
    /// The month of their first order.
    pub first_month: String,
    /// How many there are.
    pub customers: u64,
    /// What they did in each month that is kept, from their first on.
    pub months: Vec<CohortMonth>,
}

/// What they did in a month.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CohortMonth {
    /// Months since the first, 0 for the first itself.
    pub months_since: u16,
    /// The month.
    pub month: String,
    /// Of them, those with an order in it.
    pub customers: u64,
    /// Of all of them.
    pub retention_rate: Option<Percent>,
    /// What they kept of that month's orders.
    pub revenue: Money,
}

impl RetentionReport {
    /// Renders the cohorts of a night. Fails with [`Overflow`] where a sum fits no amount of money.
    pub fn of(cohorts: &Named<Cohorts>, worth: &Worth) -> Result<Self, Overflow> {
        let last = cohorts.night.month();
        let kept = first_kept(last);
        let table = &cohorts.value;
        let month = |first: Month, size: u64, month: Month| {
            let since = u16::try_from(month.0.saturating_sub(first.0)).map_err(|_| Overflow)?;
            let did = table.retained.get(&(first, since)).copied().unwrap_or_default();
            Ok(CohortMonth {
                months_since: since,
                month: month.to_string(),
                customers: did.customers,
                retention_rate: Percent::of(did.customers, size),
                revenue: worth.money(did.revenue)?,
            })
        };
        let cohort = |(first, size): (&Month, &u64)| {
            let months = (first.0.max(kept.0)..=last.0).map(Month);
            Ok(Cohort {
                first_month: first.to_string(),
                customers: *size,
                months: months.map(|at| month(*first, *size, at)).collect::<Result<_, Overflow>>()?,
            })
        };
        Ok(Self {
            counted: cohorts.into(),
            currency: worth.currency().code(),
            first_month_kept: kept.to_string(),
            last_month: last.to_string(),
            cohorts: table.sizes.iter().map(cohort).collect::<Result<_, Overflow>>()?,
        })
    }

    /// The same as a table: a header and one row per cohort and month.
    pub fn table(&self) -> Vec<Vec<String>> {
        let header = [
            "counted_night",
            "counted_revision",
            "currency",
            "first_month",
            "cohort_customers",
            "months_since",
            "month",
            "customers",
            "retention_rate",
            "revenue",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        let (night, revision) = (self.counted.night.clone(), self.counted.revision.to_string());
        for cohort in &self.cohorts {
            for month in &cohort.months {
                rows.push(vec![
                    night.clone(),
                    revision.clone(),
                    self.currency.cell(),
                    cohort.first_month.clone(),
                    cohort.customers.cell(),
                    month.months_since.to_string(),
                    month.month.clone(),
                    month.customers.cell(),
                    month.retention_rate.cell(),
                    month.revenue.cell(),
                ]);
            }
        }
        rows
    }
}
