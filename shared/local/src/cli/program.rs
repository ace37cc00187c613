//! The program's versions: `guilder program`.

use super::{Failure, Place, instant, print};
use crate::cloud::wall_clock;
use crate::program::{self, ProgramError};
use clap::Subcommand;
use domain::id::ProgramName;
use domain::time::Instant;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A document is a file of JSON, or the name of a sample: wholesale, distributor, subscription.
#[derive(Subcommand)]
pub(super) enum Program {
    /// Say every fault of a document, as a request that states it is checked; nothing is written
    Check {
        /// The document: a file, or the name of a sample
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Store a document as the next version, in force nowhere, and print its number
    Store {
        /// The document: a file, or the name of a sample
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Check a document, store it as the next version and activate it; or activate a version that is stored
    Activate {
        /// The document, a file or the name of a sample; or the number of a version
        #[arg(value_name = "FILE|VERSION")]
        which: String,
        /// From when, two minutes ahead at least [default: as soon as possible]; the first version: always
        #[arg(long, value_parser = instant, value_name = "TIME")]
        from: Option<Instant>,
    },
    /// Show the versions and the rules in force, or those of one version
    Show {
        /// Its number
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// Say what differs from one version or document to another
    Diff {
        /// A version by its number, or a document: a file, or the name of a sample
        #[arg(value_name = "FROM")]
        from: String,
        /// The other
        #[arg(value_name = "TO")]
        to: String,
        /// Print it as JSON, as the API answers it
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of program documents, for editors and checkers
    Schema,
}

pub(super) async fn perform(task: Program, place: &Place) -> Result<ExitCode, Failure> {
    match task {
        Program::Check { file } => return check(&file, place).await,
        Program::Store { file } => {
            let document = program::document(&file)?;
            let tables = place.open().await?;
            print(&format!("{}\n", program::store(tables.app()?, document, wall_clock()).await?))?;
        }
        Program::Activate { which, from } => print(&format!("{}\n", activate(&which, from, place).await?))?,
        Program::Show { version } => {
            let (tables, now) = (place.open_existing().await?, wall_clock());
            print(&match version {
                Some(number) => program::show_version(tables.app()?, number, now).await?,
                None => program::show(tables.app()?, now).await?,
            })?;
        }
        Program::Diff { from, to, json } => {
            let tables = place.open_existing().await?;
            let compared = program::compare(tables.app()?, [&from, &to]).await?;
            match json {
                true => print(&format!("{}\n", serde_json::to_string_pretty(&compared)?))?,
                false => print(&compared.to_string())?,
            }
        }
        Program::Schema => print(&program::schema())?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn activate(which: &str, from: Option<Instant>, place: &Place) -> Result<program::Activated, Failure> {
    let now = wall_clock();
    if let Ok(number) = which.parse() {
        return Ok(program::put_in_force(place.open_existing().await?.app()?, number, from, now).await?);
    }
    let document = program::document(Path::new(which))?;
    Ok(program::activate(place.open().await?.app()?, document, from, now).await?)
}

/// Faults are a result here, and go to standard output.
async fn check(file: &Path, place: &Place) -> Result<ExitCode, Failure> {
    let document = program::document(file)?;
    let name = program_here(&document, place).await?;
    match program::check(document, &name) {
        Ok(_) => print(&format!("{}: no fault; it may be the next version of {name}\n", file.display()))?,
        Err(faulty @ (ProgramError::Faulty(_) | ProgramError::Foreign { .. })) => {
            print(&format!("{}: {faulty}\n", file.display()))?;
            return Ok(ExitCode::FAILURE);
        }
        Err(other) => return Err(other.into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// The program that the tables run; where there are none yet, that of the document.
async fn program_here(document: &Value, place: &Place) -> Result<ProgramName, Failure> {
    let named = document.get("name").and_then(Value::as_str).and_then(|named| ProgramName::parse(named).ok());
    match (place.exists(), named) {
        (false, Some(named)) => Ok(named),
        _ => Ok(place.open().await?.app()?.config().program.clone()),
    }
}
