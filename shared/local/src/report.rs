//! The dashboard: what a merchant wants to know of the program, gathered from what nights counted.

pub(crate) mod blocks;
pub(crate) mod numbers;
#[cfg(test)]
mod tests;
mod text;

use analytics::report::{AccountsReport, Cell, MetricsReport, NightReport, RetentionReport};
use analytics::rollup::{By, Period};
use domain::time::{Day, Month};
use runtime::{App, Error, RequestFault};
use serde::Serialize;

pub use text::dashboard;

/// Months that are drawn.
const MONTHS_DRAWN: i32 = 12;

/// What the dashboard shows.
#[derive(Debug, Clone, Serialize)]
pub struct Dashboard {
    /// The program's name.
    pub program: String,
    /// The period in total.
    pub metrics: MetricsReport,
    /// The period before, where it was counted.
    pub before: Option<MetricsReport>,
    /// The whole relationship in total.
    pub lifetime: MetricsReport,
    /// The period by tier.
    pub tiers: MetricsReport,
    /// The tiers of the program that is in force, the highest first.
    pub ladder: Vec<String>,
    /// The twelve months up to the period's last, each in total where it was counted.
    pub months: Vec<MonthOf>,
    /// Who stays, by `night`.
    pub retention: RetentionReport,
    /// Accounts to look at, by `night`.
    pub accounts: AccountsReport,
    /// The night that says how things stood at the period's end, and whether it can be trusted.
    pub night: NightReport,
}

/// A month that is drawn.
#[derive(Debug, Clone, Serialize)]
pub struct MonthOf {
    /// Which.
    pub month: String,
    /// What was done in it; nothing where it was not counted.
    pub metrics: Option<MetricsReport>,
}

/// Why there is no dashboard.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Nothing was counted of it.
    #[error("{0} `guilder rollup` counts a night.")]
    NotCounted(String),
    /// It could not be read.
    #[error("{0}")]
    Failed(String),
}

impl From<Error> for ReportError {
    fn from(error: Error) -> Self {
        match error {
            Error::Request(RequestFault::NotCounted(detail)) => Self::NotCounted(detail),
            other => Self::Failed(other.cause()),
        }
    }
}

/// Gathers the dashboard of a period; left out, of the month of the newest night.
pub async fn gather(app: &App, period: Option<Period>) -> Result<Dashboard, ReportError> {
    let newest = metrics::newest_night(app).await?;
    let newest = newest.ok_or_else(|| ReportError::NotCounted("No night has been counted yet.".to_owned()))?;
    let of = |period| metrics::metrics(app, Some(period), By::Total, None);
    let period = period.unwrap_or(Period::Month(newest.month()));
    let metrics = of(period).await?;
    let before = match period.previous() {
        Some(before) => if_counted(of(before).await)?,
        None => None,
    };
    let last = period.last_day().map_or(newest, |last| last.min(newest)).month();
    let mut months = Vec::new();
    for month in (last.0.saturating_sub(MONTHS_DRAWN).saturating_add(1)..=last.0).map(Month) {
        let metrics = if_counted(of(Period::Month(month)).await)?;
        months.push(MonthOf { month: month.to_string(), metrics });
    }
    // What is said of how things stand is all of one night: that which says how they stood at the period's end.
    let stood = metrics.stood.as_ref().and_then(|stood| Day::parse(&stood.counted.night)).unwrap_or(newest);
    let schedule = app.schedule().await.map_err(|fault| ReportError::Failed(fault.to_string()))?;
    let tiers = &schedule.at(app.clock().now()).program.tiers;
    Ok(Dashboard {
        ladder: tiers.levels.iter().rev().map(|tier| tier.id.to_string()).collect(),
        program: app.config().program.to_string(),
        before,
        lifetime: of(Period::Lifetime).await?,
        tiers: metrics::metrics(app, Some(period), By::Tier, None).await?,
        months,
        retention: metrics::retention(app, Some(stood)).await?,
        accounts: metrics::accounts(app, Some(stood)).await?,
        night: metrics::night(app, stood).await?,
        metrics,
    })
}

fn if_counted<T>(counted: Result<T, Error>) -> Result<Option<T>, ReportError> {
    match counted {
        Ok(value) => Ok(Some(value)),
        Err(Error::Request(RequestFault::NotCounted(_))) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A figure for a person, digits in groups of three; a dash where it is not known.
fn shown(figure: &impl Cell) -> String {
    numbers::grouped(&figure.cell())
}
