//! What lies packed in a file: members of an archive and images of an array, read one by one wherever they are.
//!
//! What can be read from anywhere (a `.tar`, a `.zip`, an array that is stored as it is) stays in its file. What can only be
//! read from front to back (`.tar.gz`, compressed arrays, parquet) is unpacked once, into memory or, beyond
//! [`IN_MEMORY`], into a file without a name.

use std::fs;
use std::io::{self, Error, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zip::ZipArchive;

use super::convert::Raster;
use super::depth::Deep;
use super::scratch::{Mapped, Scratch};

/// The largest member in bytes.
pub(super) const MAX_BYTES: u64 = 512 << 20;

/// Bytes that are unpacked into memory before a file is made for them.
const IN_MEMORY: usize = 64 << 20;

/// Bytes that anything may be unpacked to.
const SMALL: u64 = 64 << 20;

/// How many times its own length a larger one may be unpacked to. Real images, however plain, stay far below; a file that
/// was made to fill disks does not.
const MOST_TIMES: u64 = 200;

/// Bytes that can be read from anywhere, by any thread.
#[derive(Debug)]
pub(super) enum Blob {
    Disk(Arc<fs::File>),
    Scratch(Mapped),
    Memory(Vec<u8>),
}

impl Blob {
    /// So many bytes from a place on.
    pub fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let part = |bytes: &[u8]| {
            let start = usize::try_from(offset).ok()?;
            bytes.get(start..start.checked_add(length)?).map(<[u8]>::to_vec)
        };
        let ended = || Error::other("the file ends too early");
        match self {
            Self::Disk(file) => {
                let mut bytes = vec![0; length];
                read_at(file, &mut bytes, offset).map(|()| bytes)
            }
            Self::Scratch(bytes) => part(bytes).ok_or_else(ended),
            Self::Memory(bytes) => part(bytes).ok_or_else(ended),
        }
    }
}

fn read_at(file: &fs::File, mut to: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !to.is_empty() {
        let read = read_some(file, to, offset)?;
        if read == 0 {
            return Err(Error::other("the file ends too early"));
        }
        to = &mut to[read..];
        offset += read as u64;
    }
    Ok(())
}

#[cfg(unix)]
fn read_some(file: &fs::File, to: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, to, offset)
}
#[cfg(windows)]
fn read_some(file: &fs::File, to: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, to, offset)
}

/// A reader of a file that leaves the file's own place alone, so that many can read at once. It stops after `left` bytes:
/// whoever reads a list that may claim any length sets how long it may be.
#[derive(Debug)]
pub(super) struct Cursor {
    file: Arc<fs::File>,
    length: u64,
    at: u64,
    buffer: Vec<u8>,
    /// Where the buffer begins.
    start: u64,
    left: Arc<AtomicU64>,
}

impl Cursor {
    pub fn new(file: Arc<fs::File>) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, length, at: 0, buffer: Vec::new(), start: 0, left: Arc::new(AtomicU64::new(u64::MAX)) })
    }

    /// How much it may still read, for whoever limits it.
    pub fn left(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.left)
    }
}

impl Clone for Cursor {
    fn clone(&self) -> Self {
        let (file, left) = (Arc::clone(&self.file), Arc::clone(&self.left));
        Self { file, length: self.length, at: self.at, buffer: Vec::new(), start: 0, left }
    }
}

impl Read for Cursor {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.length || to.is_empty() {
            return Ok(0);
        }
        let inside = self.at.checked_sub(self.start).and_then(|from| self.buffer.get(usize::try_from(from).ok()?..));
        if inside.is_none_or(<[u8]>::is_empty) {
            // Lists are read in small pieces.
            self.buffer.resize(16 << 10, 0);
            let read = read_some(&self.file, &mut self.buffer, self.at)?;
            self.buffer.truncate(read);
            self.start = self.at;
        }
        let from = &self.buffer[usize::try_from(self.at - self.start).unwrap_or(usize::MAX)..];
        let count = from.len().min(to.len());
        to[..count].copy_from_slice(&from[..count]);
        let left = self.left.load(Ordering::Relaxed);
        if left != u64::MAX {
            let rest = left.checked_sub(count as u64);
            let rest = rest.ok_or_else(|| Error::other("its list of files is longer than any data set's"))?;
            self.left.store(rest, Ordering::Relaxed);
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or_else(|| Error::other("a place before the file's beginning"))?;
        Ok(self.at)
    }
}

/// Files that lie in one.
#[derive(Debug)]
pub(super) struct Archive {
    pub members: Members,
    /// Bytes of the file that holds them.
    pub packed: u64,
}

/// Where files lie in one.
#[derive(Debug)]
pub(super) enum Members {
    Zip(ZipArchive<Cursor>),
    /// Where each begins, and how long it is.
    Pieces(Blob, Vec<(u64, u64)>),
}

impl Archive {
    /// Bytes that a member takes, as the archive says.
    pub fn length(&self, member: usize) -> u64 {
        match &self.members {
            Members::Zip(archive) => archive.by_index_data(member).map_or(0, |entry| entry.size()),
            Members::Pieces(_, pieces) => pieces.get(member).map_or(0, |piece| piece.1),
        }
    }

    /// The first bytes of a member, at most so many; none where it cannot be read.
    pub fn beginning(&self, member: usize, most: u64) -> Vec<u8> {
        match &self.members {
            Members::Zip(archive) => {
                let (mut archive, mut bytes) = (archive.clone(), Vec::new());
                // What is damaged further on is told when it is read.
                if let Ok(entry) = archive.by_index(member) {
                    entry.take(most).read_to_end(&mut bytes).ok();
                }
                bytes
            }
            Members::Pieces(blob, pieces) => {
                let piece = pieces.get(member).map(|(start, length)| (*start, (*length).min(most)));
                let length = piece.and_then(|(start, length)| Some((start, usize::try_from(length).ok()?)));
                length.and_then(|(start, length)| blob.read(start, length).ok()).unwrap_or_default()
            }
        }
    }

    /// A member's bytes; the error is the reason why it cannot be used.
    pub fn read(&self, member: usize) -> Result<Vec<u8>, String> {
        let damaged = |err: &dyn std::fmt::Display| format!("damaged or incomplete in its archive: {err}");
        let length = self.length(member);
        if length > MAX_BYTES {
            return Err(format!("the file is larger than {} MB", MAX_BYTES >> 20));
        }
        match &self.members {
            Members::Zip(archive) => {
                let mut archive = archive.clone();
                let entry = archive.by_index(member).map_err(|err| damaged(&err))?;
                let mut bytes = Vec::new();
                entry.take(length + 1).read_to_end(&mut bytes).map_err(|err| damaged(&err))?;
                if bytes.len() as u64 != length {
                    return Err(damaged(&"it is not as long as the archive says"));
                }
                Ok(bytes)
            }
            Members::Pieces(blob, pieces) => {
                let (start, length) = *pieces.get(member).ok_or("the archive has no such file")?;
                let length = usize::try_from(length).map_err(|err| damaged(&err))?;
                blob.read(start, length).map_err(|err| damaged(&err))
            }
        }
    }
}

/// The files of an archive: their names, with `/` between the parts, and their places in it.
pub(super) struct Packed {
    pub archive: Archive,
    pub members: Vec<(String, usize)>,
}

/// Images of one array of bytes, one after the other.
#[derive(Debug)]
pub(super) struct Images {
    pub from: Blob,
    /// Where the first begins.
    pub start: u64,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Images {
    /// Bytes of an image.
    pub fn bytes(&self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// An image; the error is the reason why it cannot be used.
    pub fn get(&self, index: usize) -> Result<Raster, String> {
        let place = (index as u64).checked_mul(self.bytes() as u64).and_then(|place| place.checked_add(self.start));
        let place = place.ok_or("the array has no such image")?;
        let pixels = self.from.read(place, self.bytes()).map_err(|err| format!("cannot be read: {err}"))?;
        let (width, height, channels) = (self.width, self.height, self.channels);
        Ok(Raster { width, height, channels, pixels, deep: Deep::Nothing })
    }
}

/// How many bytes a file of this length may be unpacked to.
pub(super) fn most_unpacked(length: u64) -> u64 {
    length.saturating_mul(MOST_TIMES).max(SMALL)
}

/// What is unpacked, from front to back.
pub(super) struct Spool {
    memory: Vec<u8>,
    file: Option<Scratch>,
    folder: Option<PathBuf>,
    length: u64,
    most: u64,
}

impl Spool {
    /// For what comes out of a file of so many bytes; beyond some memory it goes into a file of the folder.
    pub fn new(packed: u64, folder: Option<PathBuf>) -> Self {
        Self { memory: Vec::new(), file: None, folder, length: 0, most: most_unpacked(packed) }
    }

    /// Writes on, and tells where it begins.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64, String> {
        self.append_beyond(bytes, IN_MEMORY)
    }

    fn append_beyond(&mut self, bytes: &[u8], in_memory: usize) -> Result<u64, String> {
        let start = self.length;
        self.length += bytes.len() as u64;
        if self.length > self.most {
            return Err(format!(
                "unpacked it is more than {} MB and {MOST_TIMES} times as large as the file: no real images are packed so tightly",
                SMALL >> 20
            ));
        }
        if self.file.is_none() && self.memory.len() + bytes.len() > in_memory {
            let folder = self.folder.as_ref().ok_or(
                "it must be unpacked to be read, and this system names no cache folder; name a folder in data.cache",
            )?;
            let mut file = Scratch::create(folder).map_err(|err| self.full(&err))?;
            file.append(&self.memory).map_err(|err| self.full(&err))?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => {
                if let Err(err) = file.append(bytes) {
                    return Err(self.full(&err));
                }
            }
            None => self.memory.extend_from_slice(bytes),
        }
        Ok(start)
    }

    /// Takes in what a reader gives, at most so many bytes; tells where it begins and how long it is.
    pub fn take_in(&mut self, mut from: impl Read, most: u64) -> Result<(u64, u64), String> {
        let (start, mut block, mut left) = (self.length, vec![0; 64 << 10], most);
        while left > 0 {
            let wanted = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match from.read(&mut block[..wanted]) {
                Ok(0) => break,
                Ok(read) => {
                    self.append(&block[..read])?;
                    left -= read as u64;
                }
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => return Err(format!("damaged or incomplete: {err}")),
            }
        }
        Ok((start, self.length - start))
    }

    /// Everything, to be read.
    pub fn done(self) -> Result<Blob, String> {
        match self.file {
            None => Ok(Blob::Memory(self.memory)),
            Some(file) => file.map().map(Blob::Scratch).map_err(|err| format!("cannot be unpacked: {err}")),
        }
    }

    fn full(&self, err: &Error) -> String {
        let folder = self.folder.as_ref().map_or_else(String::new, |folder| folder.display().to_string());
        format!(
            "it must be unpacked to be read, and the cache folder {folder} cannot take it: {err}; free some space there, or name another folder in data.cache"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn memory_and_a_file_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        for in_memory in [0, 10, 1000] {
            let mut spool = Spool::new(1, Some(folder.path().to_owned()));
            let starts: Vec<u64> = (0..20_u8).map(|byte| spool.append_beyond(&[byte; 3], in_memory).unwrap()).collect();
            assert_eq!((starts[0], starts[19]), (0, 57));
            let blob = spool.done().unwrap();
            assert_eq!(matches!(blob, Blob::Memory(_)), in_memory == 1000);
            assert_eq!(blob.read(30, 4).unwrap(), [10, 10, 10, 11]);
            assert!(blob.read(58, 3).is_err());
        }
    }

    #[test]
    fn what_is_packed_too_tightly_is_refused() {
        let mut spool = Spool::new(1 << 20, None);
        spool.most = 100;
        assert_eq!(spool.take_in(&[7; 90][..], u64::MAX), Ok((0, 90)));
        assert!(spool.append(&[7; 11]).unwrap_err().contains("200 times"));
        assert!(Spool::new(0, None).append_beyond(&[1], 0).unwrap_err().contains("data.cache"));
    }

    #[test]
    fn cursors_read_apart_from_each_other_and_no_more_than_they_may() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        file.write_all(&content).unwrap();
        let mut one = Cursor::new(Arc::new(file)).unwrap();
        let mut other = one.clone();
        one.seek(SeekFrom::Start(50_000)).unwrap();
        let mut read = Vec::new();
        other.read_to_end(&mut read).unwrap();
        assert_eq!(read, content);
        let mut four = [0; 4];
        one.read_exact(&mut four).unwrap();
        assert_eq!(four, content[50_000..50_004]);
        one.seek(SeekFrom::End(-2)).unwrap();
        assert!(one.read_exact(&mut four).is_err());
        one.left().store(10, Ordering::Relaxed);
        one.seek(SeekFrom::Start(0)).unwrap();
        assert!(one.read_exact(&mut [0; 11]).unwrap_err().to_string().contains("longer than any"));
    }
}
