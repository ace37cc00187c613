//! A backup as it stands on disk: a folder with a file per table and a manifest.
//!
//! The manifest is written last, so a folder with one is whole. It names for each table what its file holds, and is
//! sealed itself: no byte of any of them changes unnoticed. That tells of accidents, not of forgers.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use domain::id::ProgramName;
use domain::time::Instant;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::BackupError;
use super::line::{self, Record};
use crate::template::Table;

/// The name of the manifest.
pub(super) const MANIFEST: &str = "manifest.json";
/// The shape of backups that is written today, and the only one so far.
pub(super) const FORMAT: u64 = 1;
/// Far more than the largest item takes as JSON.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Most bytes of a manifest.
const MANIFEST_BYTES_MAX: u64 = 1024 * 1024;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The shape of the backup.
    pub format: u64,
    /// The program whose tables these are.
    pub program: ProgramName,
    /// The release that took it.
    pub release: String,
    /// When the first table began to be read.
    pub begun_at: Instant,
    /// When the last table was read.
    pub ended_at: Instant,
    /// All was read twice and found the same: this is what stood there at one instant.
    pub still: bool,
    /// The tables by their names in the template.
    pub tables: BTreeMap<String, Held>,
    /// Seals the rest: SHA-256 of this document with nothing here.
    pub sha256: String,
}

/// A backup that is as it was when it was written.
#[derive(Debug, Clone)]
pub struct Backup {
    pub(super) folder: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

impl Backup {
    /// Reads all of it. Fails where anything is not as it was, or where it has a table that is none of these.
    pub fn open(folder: &Path, tables: &[Table]) -> Result<Self, BackupError> {
        let manifest = Manifest::read(folder)?;
        manifest.verify(folder, tables)?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }
}

/// What is said of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What it holds.
    #[serde(flatten)]
    pub content: Content,
    /// SHA-256 of its file as it stands.
    pub file_sha256: String,
}

/// What a table holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// How many items.
    pub items: u64,
    /// SHA-256 of their lines in the order of their keys, each with the end of its line.
    pub items_sha256: String,
}

/// Sums up records in the order of their keys.
#[derive(Default)]
pub(super) struct Summing {
    items: u64,
    hash: Sha256,
}

impl Summing {
    pub(super) fn add(&mut self, record: &Record) {
        self.items = self.items.saturating_add(1);
        self.hash.update(&record.line);
        self.hash.update("\n");
    }

    pub(super) fn content(self) -> Content {
        Content { items: self.items, items_sha256: hex(&self.hash.finalize()) }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file that nobody but its owner may read.
pub(crate) fn for_its_owner(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Makes the folder of a new backup, which nobody but its owner may look into.
pub(super) fn make(folder: &Path) -> Result<(), BackupError> {
    let failed = BackupError::file(folder);
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(folder).and_then(|()| std::fs::read_dir(folder)).map_err(failed)?;
    if made.count() > 0 { Err(BackupError::Taken(folder.to_owned())) } else { Ok(()) }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    for_its_owner(&mut options);
    options.open(path)
}

/// Where the file of a table is.
pub(super) fn file(folder: &Path, table: &str) -> PathBuf {
    folder.join(format!("{table}.json.gz"))
}

/// Writes the file of a table.
pub(super) fn write(
    folder: &Path,
    table: &str,
    records: impl Iterator<Item = io::Result<Record>>,
) -> Result<Held, BackupError> {
    let path = file(folder, table);
    written(&path, records).map_err(BackupError::file(&path))
}

fn written(path: &Path, records: impl Iterator<Item = io::Result<Record>>) -> io::Result<Held> {
    let mut summing = Summing::default();
    let out = Hashed { file: create(path)?, hash: Sha256::new() };
    let mut out = GzEncoder::new(BufWriter::new(out), Compression::default());
    for record in records {
        let record = record?;
        summing.add(&record);
        out.write_all(record.line.as_bytes())?;
        out.write_all(b"\n")?;
    }
    let Hashed { file, hash } = out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(Held { content: summing.content(), file_sha256: hex(&hash.finalize()) })
}

/// A file being written, and the hash of what it holds so far.
struct Hashed {
    file: File,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Manifest {
    /// Seals the manifest and writes it: from now on the folder is a backup.
    pub(super) fn write(mut self, folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join(MANIFEST);
        let sealed = self.seal().map(|seal| self.sha256 = seal);
        let written = sealed.and_then(|()| self.put(&folder.join(".manifest"), &path));
        written.map_err(BackupError::file(&path))?;
        Ok(self)
    }

    /// There as a whole or not at all.
    fn put(&self, partial: &Path, path: &Path) -> io::Result<()> {
        let mut out = create(partial)?;
        out.write_all(self.text()?.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(partial, path)
    }

    fn text(&self) -> io::Result<String> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    fn seal(&self) -> io::Result<String> {
        let unsealed = Self { sha256: String::new(), ..self.clone() };
        Ok(hex(&Sha256::digest(unsealed.text()?)))
    }

    /// The manifest of a backup, as it was sealed.
    pub fn read(folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join(MANIFEST);
        let mut text = String::new();
        match File::open(&path).and_then(|file| file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BackupError::NoBackup(folder.to_owned()));
            }
            Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(BackupError::file(&path)(error)),
            _ => {}
        }
        let altered = || BackupError::Altered { path: path.clone(), what: "is not as it was written" };
        let shape: Value = serde_json::from_str(&text).map_err(|_| altered())?;
        match shape.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => {}
            Some(other) => return Err(BackupError::Format(other)),
            None => return Err(altered()),
        }
        let manifest: Self = serde_json::from_value(shape).map_err(|_| altered())?;
        let same = || Ok::<_, io::Error>(manifest.seal()? == manifest.sha256 && manifest.text()? == text);
        if same().map_err(BackupError::file(&path))? { Ok(manifest) } else { Err(altered()) }
    }

    /// Fails unless every file is what it was when it was written.
    fn verify(&self, folder: &Path, tables: &[Table]) -> Result<(), BackupError> {
        if let Some(unknown) = self.tables.keys().find(|name| !tables.iter().any(|known| known.name == **name)) {
            return Err(BackupError::Unknown(unknown.clone()));
        }
        for table in tables {
            let Some(held) = self.tables.get(&table.name) else { continue };
            let path = file(folder, &table.name);
            if file_hash(&path)? != held.file_sha256 {
                return Err(BackupError::Altered { path, what: "is not as it was written, or of another backup" });
            }
            let mut summing = Summing::default();
            for record in self.records(folder, table)? {
                summing.add(&record?);
            }
            if summing.content() != held.content {
                return Err(BackupError::Altered { path, what: "holds other items than the manifest says" });
            }
        }
        Ok(())
    }

    /// The records of a table, ascending; none where the backup has no such table, since the release that took it had
    /// none.
    pub(super) fn records(&self, folder: &Path, table: &Table) -> Result<Records, BackupError> {
        let path = file(folder, &table.name);
        let input = match self.tables.contains_key(&table.name) {
            true => Some(BufReader::new(MultiGzDecoder::new(BufReader::new(
                File::open(&path).map_err(BackupError::file(&path))?,
            )))),
            false => None,
        };
        Ok(Records { path, table: table.clone(), input, before: String::new() })
    }
}

fn file_hash(path: &Path) -> Result<String, BackupError> {
    let hashed = || {
        let (mut input, mut hash) = (BufReader::new(File::open(path)?), Sha256::new());
        loop {
            let bytes = input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(hex(&hash.finalize()));
            }
            hash.update(bytes);
            let count = bytes.len();
            input.consume(count);
        }
    };
    hashed().map_err(BackupError::file(path))
}

/// The records of a table's file.
pub(super) struct Records {
    path: PathBuf,
    table: Table,
    input: Option<BufReader<MultiGzDecoder<BufReader<File>>>>,
    before: String,
}

impl Records {
    fn record(&mut self) -> Result<Option<Record>, BackupError> {
        let Some(input) = &mut self.input else { return Ok(None) };
        let mut line = String::new();
        let altered = |what| BackupError::Altered { path: self.path.clone(), what };
        // What does not unpack, or is no text, is no fault of the disk.
        input.take(LINE_BYTES_MAX).read_line(&mut line).map_err(|_| altered("cannot be unpacked"))?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop() != Some('\n') {
            return Err(altered("ends within a line"));
        }
        let record = line::read(&self.table.key, line).map_err(altered)?;
        if record.key <= self.before {
            return Err(altered("has items twice, or in another order"));
        }
        self.before.clone_from(&record.key);
        Ok(Some(record))
    }
}

impl Iterator for Records {
    type Item = Result<Record, BackupError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.record().transpose()
    }
}
