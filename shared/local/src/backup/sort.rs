//! Any number of records in the order of their keys, with a bounded share of memory.
//!
//! What does not fit into memory is sorted piece by piece into files, which are merged when they are read. The files
//! have no name from the moment they are made: whatever ends this process, nothing of them stays.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::line::Record;

/// Bytes of records that are sorted at once, what they take beside their text left aside.
pub(super) const PIECE_BYTES: usize = 48 * 1024 * 1024;
/// Most files of one level before they are merged into one of the next.
const FILES_MAX: usize = 64;

type Source = Box<dyn Iterator<Item = io::Result<Record>> + Send>;

/// Takes records in any order.
pub(super) struct Sorter {
    folder: PathBuf,
    piece_bytes: usize,
    piece: Vec<Record>,
    bytes: usize,
    /// Sorted files; those of a level hold as much as all those of the level below can.
    levels: Vec<Vec<File>>,
}

impl Sorter {
    /// A sorter that leaves what does not fit into `piece_bytes` of memory to files in `folder`.
    pub(super) fn new(folder: &Path, piece_bytes: usize) -> Self {
        Self { folder: folder.to_owned(), piece_bytes, piece: Vec::new(), bytes: 0, levels: Vec::new() }
    }

    /// Takes a record.
    pub(super) fn push(&mut self, record: Record) -> io::Result<()> {
        self.bytes = self.bytes.saturating_add(record.key.len()).saturating_add(record.line.len());
        self.piece.push(record);
        if self.bytes < self.piece_bytes {
            return Ok(());
        }
        self.bytes = 0;
        let mut piece = std::mem::take(&mut self.piece);
        piece.sort_unstable();
        let file = self.file(piece.into_iter().map(Ok))?;
        self.keep(0, file)
    }

    /// All records, ascending.
    pub(super) fn finish(mut self) -> io::Result<Sorted> {
        self.piece.sort_unstable();
        let mut sources: Vec<Source> = vec![Box::new(self.piece.into_iter().map(Ok))];
        for file in self.levels.into_iter().flatten() {
            sources.push(Box::new(Stored(BufReader::new(file))));
        }
        Sorted::merge(sources)
    }

    fn keep(&mut self, level: usize, file: File) -> io::Result<()> {
        if self.levels.len() <= level {
            self.levels.push(Vec::new());
        }
        let Some(files) = self.levels.get_mut(level) else { return Ok(()) };
        files.push(file);
        if files.len() < FILES_MAX {
            return Ok(());
        }
        let sources = std::mem::take(files).into_iter().map(|file| Box::new(Stored(BufReader::new(file))) as Source);
        let merged = self.file(Sorted::merge(sources.collect())?)?;
        self.keep(level.saturating_add(1), merged)
    }

    fn file(&self, records: impl Iterator<Item = io::Result<Record>>) -> io::Result<File> {
        let mut out = BufWriter::new(nameless(&self.folder)?);
        for record in records {
            let Record { key, line } = record?;
            for text in [key, line] {
                let length = u32::try_from(text.len()).map_err(io::Error::other)?;
                out.write_all(&length.to_le_bytes())?;
                out.write_all(text.as_bytes())?;
            }
        }
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }
}

/// A file for this process alone, which is gone with it.
fn nameless(folder: &Path) -> io::Result<File> {
    let path = folder.join(format!(".sorting-{}-{:016x}", std::process::id(), fastrand::u64(..)));
    let mut options = OpenOptions::new();
    options.create_new(true).read(true).write(true);
    super::folder::for_its_owner(&mut options);
    let file = options.open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// The records of a file.
struct Stored(BufReader<File>);

impl Stored {
    fn text(&mut self) -> io::Result<Option<String>> {
        if self.0.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map(Some).map_err(io::Error::other)
    }
}

impl Iterator for Stored {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let key = match self.text() {
            Ok(key) => key?,
            Err(error) => return Some(Err(error)),
        };
        let line = self.text().and_then(|line| line.ok_or_else(|| io::ErrorKind::UnexpectedEof.into()));
        Some(line.map(|line| Record { key, line }))
    }
}

/// Records in the order of their keys.
pub(super) struct Sorted {
    sources: Vec<Source>,
    /// The next record of each source that has one, with its place.
    heads: BinaryHeap<Reverse<(Record, usize)>>,
}

impl Sorted {
    fn merge(mut sources: Vec<Source>) -> io::Result<Self> {
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (place, source) in sources.iter_mut().enumerate() {
            if let Some(first) = source.next() {
                heads.push(Reverse((first?, place)));
            }
        }
        Ok(Self { sources, heads })
    }
}

impl Iterator for Sorted {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((record, place)) = self.heads.pop()?;
        match self.sources.get_mut(place).and_then(Iterator::next) {
            Some(Ok(next)) => self.heads.push(Reverse((next, place))),
            Some(Err(error)) => return Some(Err(error)),
            None => {}
        }
        Some(Ok(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::tests::Folder;

    #[test]
    fn records_come_sorted_however_many_there_are_and_no_file_is_left() {
        let folder = Folder::new();
        let record = |n: u32| Record { key: format!("{n:05}"), line: format!("{{\"n\":{n}}}\u{1F375}") };
        let expected: Vec<_> = (0..5_000).map(record).collect();
        // Nothing on disk; a few files; more files than are merged at once, and merged ones among them.
        for (piece_bytes, levels) in [(usize::MAX, 0), (20_000, 1), (300, 2), (1, 3)] {
            let mut shuffled = expected.clone();
            fastrand::Rng::with_seed(7).shuffle(&mut shuffled);
            let mut sorter = Sorter::new(&folder.0, piece_bytes);
            for record in shuffled {
                sorter.push(record).unwrap();
                assert!(sorter.levels.iter().all(|files| files.len() < FILES_MAX));
                assert!(sorter.piece.len() <= piece_bytes);
            }
            assert_eq!(sorter.levels.len(), levels);
            let sorted: Vec<_> = sorter.finish().unwrap().map(Result::unwrap).collect();
            assert!(sorted == expected, "{piece_bytes}");
        }
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
    }
}
