//! The nightly metrics: `guilder rollup` counts a night, `guilder report` shows what was counted.

use super::{Failure, Place, print};
use crate::{report, rollup};
use analytics::rollup::Period;
use domain::time::Day;
use std::process::ExitCode;

pub(super) async fn report(period: Option<Period>, json: bool, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let dashboard = report::gather(tables.app()?, period).await?;
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&dashboard)?))?;
    } else {
        print(&report::dashboard(&dashboard))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn rollup(date: Option<Day>, json: bool, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let cloud = tables.cloud().ok_or("a deployment's nights are run by its own state machine: start it there")?;
    let summary = rollup::rollup(cloud, date).await?;
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&summary)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let metric_rollup::Summary { date, revision, accounts, decided_later, points_outstanding, warnings } = summary;
    let mut text = format!("night of {date}, revision {revision}: {accounts} accounts, ");
    text.push_str(&format!("{points_outstanding} points outstanding, the trial balance closes\n"));
    if decided_later > 0 {
        text.push_str(&format!("{decided_later} accounts were decided after that day: they count as they stand now\n"));
    }
    warnings.iter().for_each(|warning| text.push_str(&format!("warning: {warning}\n")));
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
