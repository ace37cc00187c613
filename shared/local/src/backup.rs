//! Everything that the tables hold, as files that outlive them: what `guilder export all` and `guilder import all` do.
//!
//! A backup is a folder: a file per table of the template, as DynamoDB's own export writes them (an item a line,
//! gzipped), and a manifest that says what belongs together. Its content depends on what is stored and on nothing
//! else: items stand in the order of their keys, so the same tables give the same files wherever and whenever they are
//! read. What that sorting takes of memory is bounded; the rest waits in files without a name.
//!
//! Restoring is the same comparison three times: everything is checked before anything is written, what is missing is
//! written, and what stands there then is compared with the backup. So it can be repeated, and goes on where it was
//! interrupted. It never changes or removes an item.
//!
//! Items are copied as they are and never understood: a backup taken by one release is restored by any later one, which
//! reads its items as it reads those that it finds. Only the secrets that a backup needs and does not hold are tried, on
//! what was restored and before the program is: without them every value that is claimed would look free.

mod folder;
mod line;
mod restore;
mod save;
mod sort;
mod tables;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::path::{Path, PathBuf};

use runtime::Fault;

use crate::rekey::Unfit;
use crate::template::Table;
pub(crate) use folder::for_its_owner;
pub use folder::{Backup, Content, Manifest};
pub use restore::{Written, restore, restore_to_serve};
pub use save::{Plan, save};

/// A table of the template, where it is.
#[derive(Debug, Clone)]
pub struct Located {
    /// The table.
    pub table: Table,
    /// What it is called there.
    pub name: String,
}

/// Why a backup cannot be taken or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// There is something in the folder that a backup is to be written to.
    #[error("{} is not empty; name a folder that does not exist yet", .0.display())]
    Taken(PathBuf),
    /// A folder holds no backup, or one that was never finished.
    #[error("{} has no {}: it is no backup, or one that was interrupted", .0.display(), folder::MANIFEST)]
    NoBackup(PathBuf),
    /// The backup is of a shape that this release does not know.
    #[error("the backup has format {0}; this release reads format {known}", known = folder::FORMAT)]
    Format(u64),
    /// The backup is not what it was when it was written.
    #[error("{}: {what}; nothing was written", path.display())]
    Altered {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The backup has a table that this release does not.
    #[error("the backup has a table {0}, which this release does not know: restore it with the release that took it")]
    Unknown(String),
    /// There are items where the backup is to go that are none of it.
    #[error(
        "table {table} holds {items} items that are not in the backup, or stand there otherwise; nothing was written"
    )]
    Occupied {
        /// The table's name in the template.
        table: String,
        /// How many.
        items: u64,
    },
    /// Somebody writes while a backup is taken that is to be of one instant.
    #[error(
        "table {0} was written to meanwhile, so this is no backup of one instant; stop what writes, or leave --still out"
    )]
    Moved(String),
    /// What stands in a table at the end is not what the backup holds: somebody else writes there.
    #[error("table {0} does not hold what the backup does after all of it was written: somebody else writes there")]
    Differs(String),
    /// An item cannot be copied.
    #[error("table {table}: an item {what}")]
    Item {
        /// The table's name in the template.
        table: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The endpoint refused or could not be reached.
    #[error("table {table}: {reason}")]
    Endpoint {
        /// Name of the table.
        table: String,
        /// What the SDK reports.
        reason: String,
    },
    /// The claims were made with other secrets than those of this machine.
    #[error(transparent)]
    Secrets(#[from] Unfit),
    /// It cannot be told which secrets the claims were made with.
    #[error("{0}; the program was not restored, and the same command goes on")]
    Unjudged(#[from] Fault),
    /// A part of the work broke down.
    #[error("a part of the work broke down")]
    Broken,
}

impl BackupError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::File { path: path.to_owned(), error }
    }
}
