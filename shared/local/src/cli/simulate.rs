//! What a draft would have come to: `guilder simulate`.

use super::tasks::progress;
use super::{Failure, Place, instant, print, workers};
use crate::program;
use crate::simulate::{self, Asked};
use clap::Args;
use domain::time::Instant;
use std::path::PathBuf;
use std::process::ExitCode;

/// Accounts under way at once, unless said otherwise.
const WORKERS: u8 = 8;

#[derive(Args)]
pub(super) struct Arguments {
    /// The document of the draft, JSON
    #[arg(long = "version", value_name = "DRAFT.json")]
    draft: PathBuf,
    /// The instant to look at both sides, such as 2027-01-01T00:00:00Z [default: the last commit of any account]
    #[arg(long, value_parser = instant, value_name = "TIME")]
    as_of: Option<Instant>,
    /// Print all of it as JSON
    #[arg(long)]
    json: bool,
    /// Accounts worked on at once; the result does not hang on it
    #[arg(long, default_value_t = WORKERS, value_parser = workers(), value_name = "COUNT")]
    workers: u8,
}

pub(super) async fn simulate(arguments: Arguments, place: &Place) -> Result<ExitCode, Failure> {
    let Arguments { draft, as_of, json, workers } = arguments;
    let asked = Asked { draft: program::document(&draft)?, as_of, workers: usize::from(workers) };
    let tables = place.open_existing().await?;
    let (bar, progress) = progress("accounts")?;
    let simulated = simulate::run(tables.app()?, asked, |done, total| progress(done, total)).await;
    bar.finish_and_clear();
    let simulated = simulated?;
    let document = simulate::document(&simulated)?;
    match json {
        true => print(&format!("{}\n", serde_json::to_string_pretty(&document)?))?,
        false => print(&simulate::text(&document))?,
    }
    let (reading, replaying) = (simulated.reading.as_millis(), simulated.replaying.as_millis());
    eprintln!("all workers together read for {reading} ms and replayed for {replaying} ms");
    Ok(ExitCode::SUCCESS)
}
