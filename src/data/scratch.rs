//! A file that this process alone has: written once from front to back, then read through memory.
//!
//! It has no name from the moment it is made (elsewhere than on Unix it is shared with nobody and deleted on closing),
//! so nothing stays behind, not even after a crash.

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// A file that is being written.
pub(super) struct Scratch(File);

impl Scratch {
    /// Makes the file, and its folder where that is missing.
    pub fn create(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        tempfile::tempfile_in(folder).map(Self)
    }

    /// Writes on. A full disk is told here: the file never has holes, so reading it needs no more room.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Everything that was written, to be read.
    pub fn map(self) -> io::Result<Mapped> {
        // SAFETY: what a map shows must not change and the file must not shrink. `Scratch` took the file from `tempfile`,
        // which gave it no name (or, elsewhere than on Unix, opened it for this handle alone), the handle never left
        // this module, and from here on nothing writes through it. What is left is a disk that fails under the file:
        // that ends the process, as it does when a page of the program itself cannot be read.
        #[expect(unsafe_code, reason = "no safe call maps a file; this one has no name and no writer")]
        let map = unsafe { Mmap::map(&self.0)? };
        Ok(Mapped { map, _file: self.0 })
    }
}

/// A file's content; unmapped and gone when dropped.
#[derive(Debug)]
pub(super) struct Mapped {
    map: Mmap,
    /// Keeps others out where it is the handle that does.
    _file: File,
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_no_name_is_ever_seen() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("made/here");
        let mut scratch = Scratch::create(&folder).unwrap();
        scratch.append(&[1, 2, 3]).unwrap();
        scratch.append(&[4; 10_000]).unwrap();
        let mapped = scratch.map().unwrap();
        assert_eq!((mapped.len(), &mapped[..4]), (10_003, &[1, 2, 3, 4][..]));
        if cfg!(unix) {
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "a crash now would leave a file");
        }
        drop(mapped);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
}
