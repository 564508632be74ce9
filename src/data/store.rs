//! Where fitted pixels are kept: in memory up to a limit, in a memory-mapped file beyond it. Both hold the same bytes.

use std::ops::{Deref, Range};
use std::path::PathBuf;
use std::sync::Arc;

use super::DataError;
use super::scratch::{Mapped, Scratch};
use crate::config::Data;

/// The bytes of every image, one after another.
#[derive(Clone, Debug)]
pub(super) enum Pixels {
    Memory(Vec<u8>),
    File(Arc<Mapped>),
}

impl Deref for Pixels {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::File(bytes) => bytes,
        }
    }
}

/// Bytes that are held on the way to the file: many images, so that all threads have work.
const PART: usize = 64 << 20;

/// How many images there may be and how large they are.
#[derive(Clone, Copy)]
pub(super) struct Need {
    pub images: usize,
    /// Their width and height, for messages.
    pub size: usize,
    /// Bytes of one.
    pub bytes: usize,
}

/// Writes the images of a range into places of [`Need::bytes`] each and tells which of them are usable.
pub(super) trait Make: FnMut(Range<usize>, &mut [u8]) -> Result<Vec<bool>, DataError> {}

impl<F: FnMut(Range<usize>, &mut [u8]) -> Result<Vec<bool>, DataError>> Make for F {}

impl Pixels {
    /// The usable ones of the images that `make` makes, in their order.
    ///
    /// # Errors
    /// Those of `make`; where the memory does not suffice, or the file cannot be made or written.
    pub fn gather(need: Need, data: &Data, make: impl Make) -> Result<Self, DataError> {
        Self::gather_in_parts(need, data, (PART / need.bytes.max(1)).max(1), make)
    }

    fn gather_in_parts(need: Need, data: &Data, part: usize, mut make: impl Make) -> Result<Self, DataError> {
        if need.total() <= data.memory_limit.saturating_mul(1 << 20) {
            return need.part(0..need.images, &mut make).map(Self::Memory);
        }
        let folder = data.cache_folder().ok_or(DataError::NoCache { megabytes: need.megabytes() })?;
        let failed = |cause| cache_error(folder.clone(), need, cause);
        let mut file = Scratch::create(&folder).map_err(failed)?;
        for start in (0..need.images).step_by(part) {
            let bytes = need.part(start..(start + part).min(need.images), &mut make)?;
            file.append(&bytes).map_err(failed)?;
        }
        Ok(Self::File(Arc::new(file.map().map_err(failed)?)))
    }
}

fn cache_error(folder: PathBuf, need: Need, cause: std::io::Error) -> DataError {
    DataError::Cache { folder, megabytes: need.megabytes(), cause }
}

impl Need {
    fn total(&self) -> usize {
        self.images.saturating_mul(self.bytes)
    }

    fn megabytes(&self) -> usize {
        self.total() >> 20
    }

    /// The usable images of a range, without gaps between them.
    fn part(&self, range: Range<usize>, make: &mut impl Make) -> Result<Vec<u8>, DataError> {
        let (bytes, total) = (self.bytes, range.len().saturating_mul(self.bytes));
        let refused = |_| DataError::Memory { images: self.images, size: self.size, megabytes: total >> 20 };
        let mut pixels = Vec::new();
        pixels.try_reserve_exact(total).map_err(refused)?;
        pixels.resize(total, 0);
        let usable = make(range, &mut pixels)?;
        let mut kept = 0;
        for (index, _) in usable.iter().enumerate().filter(|(_, usable)| **usable) {
            pixels.copy_within(index * bytes..(index + 1) * bytes, kept * bytes);
            kept += 1;
        }
        pixels.truncate(kept * bytes);
        Ok(pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: Need = Need { images: 11, size: 2, bytes: 4 };

    /// Image `i` is `[i, i, i, i]`, and every third is unusable.
    fn make(range: Range<usize>, places: &mut [u8]) -> Result<Vec<bool>, DataError> {
        assert_eq!(places.len(), range.len() * 4);
        for (image, place) in range.clone().zip(places.chunks_exact_mut(4)) {
            place.fill(image as u8);
        }
        Ok(range.map(|image| image % 3 != 0).collect())
    }

    fn data(memory_limit: usize, folder: &std::path::Path) -> Data {
        Data { memory_limit, cache: folder.display().to_string(), ..Data::default() }
    }

    #[test]
    fn memory_and_a_file_of_any_parts_hold_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let want = [1, 2, 4, 5, 7, 8, 10].map(|image| [image; 4]).concat();
        let kept = Pixels::gather(NEED, &data(1, folder.path()), make).unwrap();
        assert!(matches!(&kept, Pixels::Memory(bytes) if *bytes == want));
        for part in [1, 2, 5, 11, 100] {
            let mut largest = 0;
            let watched = |range: Range<usize>, places: &mut [u8]| {
                largest = largest.max(range.len());
                make(range, places)
            };
            let kept = Pixels::gather_in_parts(NEED, &data(0, folder.path()), part, watched).unwrap();
            assert!(matches!(&kept, Pixels::File(_)) && *kept == *want, "parts of {part}");
            assert_eq!(largest, part.min(11), "more than a part was held at once");
        }
    }

    #[test]
    fn nothing_usable_is_nothing_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let none = |range: Range<usize>, _: &mut [u8]| Ok(vec![false; range.len()]);
        assert!(Pixels::gather(NEED, &data(0, folder.path()), none).unwrap().is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_with_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a file");
        std::fs::write(&file, "").unwrap();
        let err = Pixels::gather(NEED, &data(0, &file), make).unwrap_err().to_string();
        for part in ["a file", "data.cache", "data.memory_limit"] {
            assert!(err.contains(part), "{part} in {err}");
        }
    }

    /// A disk that is always full.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_says_what_to_do() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let cause = std::io::Write::write_all(&mut &full, b"x").unwrap_err();
        let need = Need { images: 1 << 20, ..NEED };
        // With all its causes, as the command line and the window tell it.
        let err = format!("{:#}", anyhow::Error::new(cache_error("/small".into(), need, cause)));
        assert!(err.contains("4 MB") && err.contains("/small") && err.matches("No space left").count() == 1, "{err}");
    }
}
