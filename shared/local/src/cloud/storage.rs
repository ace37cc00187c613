//! Where the tables of a local cloud are: in memory, in a file that one process owns, or behind an endpoint.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::Client;
use dynoxide::Database;

use crate::connector::{self, Embedded};

/// A place for tables.
pub enum Storage {
    /// The embedded database, gone with the process.
    Memory,
    /// The embedded database in a file.
    File(PathBuf),
    /// Any DynamoDB, its tables' names starting with `prefix`.
    Endpoint {
        /// The client to use.
        client: Client,
        /// Keeps several clouds apart.
        prefix: String,
    },
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another process has the file open.
    #[error("{} is in use by another process{}", path.display(), advice(endpoint.as_deref()))]
    InUse {
        /// The database file.
        path: PathBuf,
        /// Where the other process offers its content, if it does.
        endpoint: Option<String>,
    },
    /// The file cannot be opened.
    #[error("{}: {error}", path.display())]
    File {
        /// The database file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The emulator refuses.
    #[error("embedded database: {0}")]
    Database(#[from] dynoxide::DynoxideError),
}

fn advice(endpoint: Option<&str>) -> String {
    match endpoint {
        Some(endpoint) => format!("; reach its content with AWS_ENDPOINT_URL_DYNAMODB={endpoint}"),
        None => "; wait for it to end, or name another file with --db".to_owned(),
    }
}

/// A storage in use.
pub(super) struct Open {
    pub(super) client: Client,
    pub(super) prefix: String,
    pub(super) database: Option<Embedded>,
    lock: Option<Lock>,
}

/// Holds the database file for this process; the system frees it when the process ends, however it ends.
struct Lock {
    path: PathBuf,
    file: File,
}

impl Open {
    pub(super) fn new(storage: Storage) -> Result<Self, StorageError> {
        match storage {
            Storage::Memory => Ok(Self::embedded(Database::memory()?, None)),
            Storage::File(path) => {
                let lock = Lock::take(&path)?;
                // Names and addresses will be in it; SQLite gives the files beside it the same rights.
                let mut options = OpenOptions::new();
                crate::backup::for_its_owner(options.create(true).truncate(false).write(true));
                options.open(&path).map_err(|error| StorageError::File { path: path.clone(), error })?;
                let database = Database::new(&path.to_string_lossy())?;
                // The only way to SQLite's synchronous=NORMAL here: it survives the death of the process, and takes
                // twice the orders per second of the default, which also survives a power cut.
                database.enable_bulk_loading()?;
                database.disable_bulk_loading()?;
                Ok(Self::embedded(database, Some(lock)))
            }
            Storage::Endpoint { client, prefix } => Ok(Self { client, prefix, database: None, lock: None }),
        }
    }

    fn embedded(database: Database, lock: Option<Lock>) -> Self {
        let database = Embedded::new(database);
        let client = connector::client_over(database.clone());
        Self { client, prefix: String::new(), database: Some(database), lock }
    }

    pub(super) fn announce(&self, endpoint: &str) -> Result<(), StorageError> {
        let Some(Lock { path, file }) = &self.lock else { return Ok(()) };
        let mut file: &File = file;
        let written = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(endpoint.as_bytes()));
        written.map_err(|error| StorageError::File { path: path.clone(), error })
    }
}

impl Lock {
    /// A file beside the database, because SQLite has locks of its own on the database itself.
    fn take(database: &Path) -> Result<Self, StorageError> {
        let failed = |error| StorageError::File { path: database.to_owned(), error };
        if let Some(folder) = database.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => file.set_len(0).map_err(failed)?,
            Err(TryLockError::WouldBlock) => {
                let endpoint = std::fs::read_to_string(&path).ok().filter(|endpoint| !endpoint.is_empty());
                return Err(StorageError::InUse { path: database.to_owned(), endpoint });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(Self { path, file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::tests::Folder;

    #[test]
    fn a_file_belongs_to_one_at_a_time_who_may_say_where_to_ask() {
        let folder =
            Folder(std::env::temp_dir().join(format!("guilder-lock-{}-{}", std::process::id(), fastrand::u64(..))));
        let path = folder.0.join("data").join("guilder.db");
        let open = || Open::new(Storage::File(path.clone()));

        let first = open().unwrap();
        let refused = |result: Result<Open, StorageError>| result.err().unwrap().to_string();
        assert!(refused(open()).contains("in use by another process; wait"));
        first.announce("http://127.0.0.1:8000").unwrap();
        assert!(refused(open()).ends_with("AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000"));

        drop(first);
        open().unwrap();
    }
}
