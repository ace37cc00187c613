//! Restoring a backup.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::Client;
use runtime::App;

use super::folder::{Backup, Records};
use super::line::{self, Record};
use super::sort::Sorted;
use super::{BackupError, Located, save, tables};
use crate::rekey::{self, Doubt};

/// What restoring came to: items written now, by table. Those that stood there already are left as they were.
pub type Written = BTreeMap<String, u64>;

/// As [`restore`], with the program only where the app's secrets are those that the claims were made with, those that
/// are said to be lost left out. Answers what is to be doubted all the same, too.
pub async fn restore_to_serve(
    app: &App,
    tables: &[Located],
    backup: &Backup,
    spool: &Path,
    lost: &[u16],
) -> Result<(Written, Vec<Doubt>), BackupError> {
    let mut doubts = Vec::new();
    let judged = async || {
        doubts = rekey::judge(app).await?.accept(app.secrets(), lost)?;
        Ok(())
    };
    let written = restore(app.store().client(), tables, backup, spool, judged).await?;
    Ok((written, doubts))
}

/// Writes what a backup holds into tables that hold nothing else. Nothing is written where anything stands there that is
/// none of it; so what was interrupted can be done again, and only goes on. The program is written once `ready` says that
/// what stands there by then may be served.
///
/// What does not fit into memory of a table that is not empty waits in nameless files in `spool`.
pub async fn restore(
    client: &Client,
    tables: &[Located],
    backup: &Backup,
    spool: &Path,
    ready: impl AsyncFnOnce() -> Result<(), BackupError>,
) -> Result<Written, BackupError> {
    for located in tables {
        let mut missing = missing(client, backup, located, spool).await?;
        missing.try_for_each(|record| record.map(drop))?;
        if missing.others > 0 {
            return Err(BackupError::Occupied { table: located.table.name.clone(), items: missing.others });
        }
    }
    // The program last: while there is none in force, no function decides on half of what there is.
    let (programs, others): (Vec<_>, Vec<_>) = tables.iter().partition(|known| known.table.name == store::PROGRAMS);
    let mut written = Written::new();
    for located in others {
        written.insert(located.table.name.clone(), write_missing(client, backup, located, spool).await?);
    }
    ready().await?;
    for located in programs {
        written.insert(located.table.name.clone(), write_missing(client, backup, located, spool).await?);
    }
    for located in tables {
        let found = save::sum(tables::read(client, located, spool).await?).map_err(BackupError::file(spool))?;
        let held = backup.manifest.tables.get(&located.table.name);
        let same = held.map_or(found.items == 0, |held| held.content == found);
        if !same {
            return Err(BackupError::Differs(located.table.name.clone()));
        }
    }
    Ok(written)
}

/// Writes what of the backup does not stand in a table, and answers how many items that are.
async fn write_missing(client: &Client, backup: &Backup, located: &Located, spool: &Path) -> Result<u64, BackupError> {
    let mut writing = tables::Writing::new(client, located);
    let mut items = 0_u64;
    for record in missing(client, backup, located, spool).await? {
        let item = line::item(&record?.line);
        let item = item.map_err(|what| BackupError::Item { table: located.table.name.clone(), what })?;
        writing.put(item).await?;
        items = items.saturating_add(1);
    }
    writing.finish().await?;
    Ok(items)
}

/// What of the backup does not stand in a table.
async fn missing(client: &Client, backup: &Backup, located: &Located, spool: &Path) -> Result<Missing, BackupError> {
    let found = tables::read(client, located, spool).await?;
    let held = backup.manifest.records(&backup.folder, &located.table)?;
    Ok(Missing { held: held.peekable(), found: found.peekable(), others: 0, spool: spool.to_owned() })
}

/// Walks along a backup and what is found in the table, both in the order of keys.
struct Missing {
    held: Peekable<Records>,
    found: Peekable<Sorted>,
    /// Items found so far that are none of the backup's.
    others: u64,
    spool: PathBuf,
}

impl Missing {
    fn found(&mut self) -> Result<Option<Record>, BackupError> {
        self.found.next().transpose().map_err(BackupError::file(&self.spool))
    }

    fn record(&mut self) -> Result<Option<Record>, BackupError> {
        loop {
            let order = match (self.held.peek(), self.found.peek()) {
                (None, None) => return Ok(None),
                (Some(Ok(_)), None) => Ordering::Less,
                (None, Some(Ok(_))) => Ordering::Greater,
                (Some(Ok(held)), Some(Ok(found))) => held.key.cmp(&found.key),
                // Whichever failed says so when it is taken.
                (Some(Err(_)), _) => Ordering::Less,
                (_, Some(Err(_))) => Ordering::Greater,
            };
            match order {
                Ordering::Less => return self.held.next().transpose(),
                Ordering::Greater => {
                    self.found()?;
                    self.others = self.others.saturating_add(1);
                }
                Ordering::Equal => {
                    let held = self.held.next().transpose()?;
                    if held != self.found()? {
                        self.others = self.others.saturating_add(1);
                    }
                }
            }
        }
    }
}

impl Iterator for Missing {
    type Item = Result<Record, BackupError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.record().transpose()
    }
}
