//! Rewriting what was made with older secrets: `guilder rekey`.

use super::tasks::progress;
use super::{Failure, Place, print};
use crate::rekey;
use runtime::Caller;
use std::process::ExitCode;

pub(super) async fn rekey(json: bool, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let (bar, progress) = progress("accounts")?;
    let done = rekey::run(tables.app()?, &Caller::operator("rekey"), progress).await;
    bar.finish_and_clear();
    let report = done?;
    print(&if json { format!("{}\n", serde_json::to_string_pretty(&report)?) } else { report.to_string() })?;
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
