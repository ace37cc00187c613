//! CSV files as imports read them: plain or gzip, whole, with every bad row named before anything is written.

use csv::ByteRecord;
use flate2::read::MultiGzDecoder;
use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Most bad rows that are listed; the rest are counted.
pub const BAD_ROWS_LISTED_MAX: usize = 100;
/// Most characters of a value that a message repeats.
const QUOTED_CHARS_MAX: usize = 60;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why files cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file lacks columns that the mapping names.
    #[error("{}: the header has no column {}", path.display(), columns.join(", "))]
    Columns {
        /// Which file.
        path: PathBuf,
        /// Which columns.
        columns: Vec<String>,
    },
    /// A file has columns that mean nothing here, such as a misspelt one.
    #[error("{}: the header has unknown columns {}; known are: {known}", path.display(), columns.join(", "))]
    Unknown {
        /// Which file.
        path: PathBuf,
        /// Which columns.
        columns: Vec<String>,
        /// Those that are known.
        known: String,
    },
    /// A file has no row.
    #[error("{}: there is no row in it", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// A file has a column twice, so which is meant is unclear.
    #[error("{}: the header has column {column} twice", path.display())]
    Twice {
        /// Which file.
        path: PathBuf,
        /// Which column.
        column: String,
    },
    /// Rows are not understood. Nothing was imported.
    #[error("{0}")]
    BadRows(BadRows),
}

/// Rows that are not understood.
#[derive(Debug, Default)]
pub struct BadRows {
    /// The first of them, at most [`BAD_ROWS_LISTED_MAX`], as `file:line: reason`.
    pub listed: Vec<String>,
    /// How many more there are.
    pub unlisted: u64,
}

impl fmt::Display for BadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was imported, because of bad rows:")?;
        self.listed.iter().try_for_each(|row| write!(f, "\n  {row}"))?;
        if self.unlisted > 0 { write!(f, "\n  and {} more", self.unlisted) } else { Ok(()) }
    }
}

impl BadRows {
    /// Notes a row.
    pub(super) fn add(&mut self, path: &Path, line: u64, reason: &str) {
        if self.listed.len() < BAD_ROWS_LISTED_MAX {
            self.listed.push(format!("{}:{line}: {reason}", path.display()));
        } else {
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }
}

/// What a file holds, decompressed.
pub(super) fn content(path: &Path) -> Result<Vec<u8>, FileError> {
    let unreadable = |error| FileError::Unreadable { path: path.to_owned(), error };
    let raw = std::fs::read(path).map_err(unreadable)?;
    if !raw.starts_with(&GZIP_MAGIC) {
        return Ok(raw);
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(&raw[..]).read_to_end(&mut plain).map_err(unreadable)?;
    Ok(plain)
}

/// Refuses a header that names a column twice.
pub(super) fn check_unique(path: &Path, header: &ByteRecord) -> Result<(), FileError> {
    let mut names = HashSet::new();
    match header.iter().find(|name| !name.is_empty() && !names.insert(*name)) {
        Some(column) => {
            let column = Quoted(&String::from_utf8_lossy(column)).to_string();
            Err(FileError::Twice { path: path.to_owned(), column })
        }
        None => Ok(()),
    }
}

/// A value of a file in a message: quoted, and cut where it is long.
pub(super) struct Quoted<'v>(pub(super) &'v str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(QUOTED_CHARS_MAX) {
            Some((end, _)) => write!(f, "{:?}...", self.0.get(..end).unwrap_or_default()),
            None => write!(f, "{:?}", self.0),
        }
    }
}

/// What is wrong with a row that is none of the header's.
pub(super) fn csv_reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} columns, the header has {expected_len}")
        }
        _ => error.to_string(),
    }
}
