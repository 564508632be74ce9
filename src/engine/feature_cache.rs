//! Numbers that take long to compute and follow from their input alone, kept in the cache folder.
//!
//! A file is called by the SHA-256 of everything that decides its numbers, and holds that key, the numbers and a sum of
//! both. One that is damaged, cut off or another's is computed anew and replaced; a cache that cannot be written costs
//! time at the next run and nothing else. Files appear whole, so that any number of processes may share a cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::guard::hex;
use crate::session::{cached, is_cached, write_whole};

/// Begins every file; the number grows where the layout of a file or the arithmetic behind it changes.
pub(super) const MAGIC: &[u8; 16] = b"gandle-real v003";

/// The folder in the cache folder, by a name that nobody gives to a folder of their own.
const FOLDER: &str = "gandle-features";

/// What is kept of images, and the end of its files' names.
pub(super) const FEATURES: &str = "features";
/// The same of features; of a class with `-` and its label behind.
pub(super) const STATISTICS: &str = "statistics";

/// Files that are kept: the newest.
const KEEP: usize = 64;
/// Bytes that they may have together.
const MOST_BYTES: u64 = 1 << 30;

/// Bytes of a key, and of the sum at the end.
pub(super) const SHA: usize = 32;

/// What decides the numbers of a file.
pub(super) type Key = [u8; SHA];

/// Where numbers are kept.
pub(super) struct CacheFile {
    key: Key,
    path: PathBuf,
}

impl CacheFile {
    /// In a cache folder; `kind` tells numbers of one key from others of the same.
    pub fn of(cache: &Path, key: Key, kind: &str) -> Self {
        Self { key, path: cache.join(FOLDER).join(format!("{}.{kind}", hex(&key))) }
    }

    /// What is there; nothing where there is nothing, or not what should be.
    pub fn read<T>(&self, parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        if !is_cached(&self.path, &[FEATURES, STATISTICS]) || fs::metadata(&self.path).ok()?.len() > MOST_BYTES {
            return None;
        }
        let content = fs::read(&self.path).ok()?;
        let known = self.open(&content).and_then(parse);
        if known.is_none() {
            tracing::info!("{} is damaged or another program's and is made anew", self.path.display());
        }
        known
    }

    fn open<'a>(&self, content: &'a [u8]) -> Option<&'a [u8]> {
        let (content, sum) = content.split_last_chunk::<SHA>()?;
        let rest = content.strip_prefix(MAGIC)?.strip_prefix(&self.key)?;
        (Sha256::digest(content)[..] == *sum).then_some(rest)
    }

    /// Keeps numbers for the next run. That they cannot be kept is a remark in the log.
    pub fn write(&self, numbers: &[u8]) {
        if let Err(err) = self.try_write(numbers) {
            tracing::warn!("what was computed of the real images could not be kept for the next run: {err:#}");
        }
    }

    fn try_write(&self, numbers: &[u8]) -> anyhow::Result<()> {
        let mut content = [&MAGIC[..], &self.key, numbers].concat();
        if content.len() as u64 > MOST_BYTES / 4 {
            return Ok(()); // It would push out everything else.
        }
        let sum = Sha256::digest(&content);
        content.extend(&sum[..]);
        let folder = self.path.parent().context("a file in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
        write_whole(&self.path, &content)?;
        keep_newest(folder);
        Ok(())
    }
}

/// Removes what was not written lately, so that the cache does not grow for ever. Files that are not the cache's are neither
/// counted nor touched: the folder is one that anybody may write to.
fn keep_newest(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let kinds = [FEATURES, STATISTICS];
    let about = |entry: fs::DirEntry| {
        if !is_cached(&entry.path(), &kinds) {
            return None;
        }
        let about = entry.metadata().ok()?;
        Some((about.modified().ok()?, entry.path(), about.len()))
    };
    let mut files: Vec<(SystemTime, PathBuf, u64)> = entries.flatten().filter_map(about).collect();
    files.sort();
    let mut bytes = 0;
    for (number, (_, path, length)) in files.iter().rev().enumerate() {
        bytes += length;
        if number >= KEEP || bytes > MOST_BYTES {
            cached(path, &kinds, &MAGIC[..11]); // Whatever its version.
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_at_once_leave_one_whole_file() {
        let cache = tempfile::tempdir().unwrap();
        let place = CacheFile::of(cache.path(), [3; SHA], FEATURES);
        std::thread::scope(|scope| {
            for n in 0..4 {
                let place = &place;
                scope.spawn(move || (0..5).for_each(|_| place.try_write(&vec![n; 400_000]).unwrap()));
            }
            for _ in 0..200 {
                // Never half of one: either nothing yet, or one that opens.
                assert!(fs::read(&place.path).map_or(true, |content| place.open(&content).is_some()));
            }
        });
        let left: Vec<_> =
            fs::read_dir(cache.path().join(FOLDER)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, [place.path]);
    }

    #[test]
    fn only_the_newest_are_kept_and_nothing_of_the_users_goes() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8], age: u64| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(9_000 - age)).unwrap();
        };
        for age in 0..70 {
            write(&format!("{age:064}.features"), MAGIC, age);
        }
        for number in 0..300 {
            write(&format!("cell-{number}.png"), b"mine", 8_000);
        }
        write(&format!("{:064}.features", 99), b"of another program, or a later release of this", 8_000);
        fs::create_dir(folder.path().join(format!("{:064}.features", 98))).unwrap();
        keep_newest(folder.path());
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        let pictures = left.iter().filter(|name| name.ends_with(".png")).count();
        // All but the six oldest of its own, and whatever is not its own.
        assert_eq!((pictures, left.len()), (300, 300 + KEEP + 2), "{left:?}");
    }
}
