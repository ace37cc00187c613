//! Taking a backup.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use aws_sdk_dynamodb::Client;
use domain::id::ProgramName;

use super::folder::{self, Content, FORMAT, Manifest, Summing};
use super::sort::Sorted;
use super::{BackupError, Located, tables};
use crate::cloud::wall_clock;

/// What is to be saved.
#[derive(Debug)]
pub struct Plan {
    /// The tables: all there are.
    pub tables: Vec<Located>,
    /// The program whose tables these are.
    pub program: ProgramName,
    /// Whether all is read twice, so that it is certainly what stood there at one instant.
    pub still: bool,
}

/// Writes everything that stands in the tables into a new folder. One table is read after the other, so what is written
/// meanwhile may be in one and not in another, unless the plan asks for stillness.
pub async fn save(client: &Client, plan: &Plan, folder: &Path) -> Result<Manifest, BackupError> {
    folder::make(folder)?;
    let begun_at = wall_clock();
    let mut held = BTreeMap::new();
    for located in &plan.tables {
        let records = tables::read(client, located, folder).await?;
        held.insert(located.table.name.clone(), folder::write(folder, &located.table.name, records)?);
    }
    let ended_at = wall_clock();
    if plan.still {
        // What is the same before and after an instant was so at it: versions only rise.
        for located in &plan.tables {
            let content = sum(tables::read(client, located, folder).await?).map_err(BackupError::file(folder))?;
            if held.get(&located.table.name).is_none_or(|before| before.content != content) {
                return Err(BackupError::Moved(located.table.name.clone()));
            }
        }
    }
    let manifest = Manifest {
        format: FORMAT,
        program: plan.program.clone(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
        begun_at,
        ended_at,
        still: plan.still,
        tables: held,
        sha256: String::new(),
    };
    manifest.write(folder)
}

/// What records come to.
pub(super) fn sum(records: Sorted) -> io::Result<Content> {
    let mut summing = Summing::default();
    for record in records {
        summing.add(&record?);
    }
    Ok(summing.content())
}
