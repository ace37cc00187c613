//! The nightly metrics: `guilder rollup` counts a night.

use super::{Failure, Place, print};
use crate::rollup;
use domain::time::Day;
use std::process::ExitCode;

pub(super) async fn rollup(date: Option<Day>, json: bool, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let cloud = tables.cloud().ok_or("a deployment's nights are run by its own state machine: start it there")?;
    let summary = rollup::rollup(cloud, date).await?;
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&summary)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let metric_rollup::Summary { date, revision, accounts, decided_later, points_outstanding } = summary;
    let mut text = format!("night of {date}, revision {revision}: {accounts} accounts, ");
    text.push_str(&format!("{points_outstanding} points outstanding, the trial balance closes\n"));
    if decided_later > 0 {
        text.push_str(&format!("{decided_later} accounts were decided after that day: they count as they stand now\n"));
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
