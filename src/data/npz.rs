//! Reads NumPy archives (`.npz`) in the layout of MedMNIST: `train_images` (N, H, W) or (N, H, W, 3) of bytes, and
//! `train_labels` (N) or (N, 1) of whole numbers; beside them `val_` and `test_` of the same, which are held out.

use std::cell::Cell;
use std::fs;
use std::io::{Error, Read, Result as IoResult, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use zip::ZipArchive;

use super::convert::Raster;
use super::folder::{Content, File, MOST_PICTURES, Tree};
use super::npy::{Array, MAX_BYTES};
use super::table::classes;
use super::{DataError, table};
use crate::guard;

/// The most bytes of an archive's list of arrays: of some thousand, far more than any data set has.
const MOST_LIST: u64 = 4 << 20;

/// Images of one array.
#[derive(Debug)]
pub(super) struct Images {
    bytes: Vec<u8>,
    height: usize,
    width: usize,
    channels: usize,
}

impl Images {
    /// An image; nothing where there is no such one.
    pub fn get(&self, index: usize) -> Option<Raster> {
        let length = self.height * self.width * self.channels;
        let pixels = self.bytes.get(index.checked_mul(length)?..index.checked_add(1)?.checked_mul(length)?)?.to_vec();
        Some(Raster { width: self.width, height: self.height, channels: self.channels, pixels })
    }
}

/// Lists an archive's images by their labels, and takes them into memory. Those for validation and test are read where
/// images are to be held out.
///
/// # Errors
/// Where the archive cannot be read or has another layout.
pub(super) fn read(path: &Path, held_out: bool) -> Result<Tree, DataError> {
    let wrong = |message: String| DataError::Table { file: path.to_owned(), message };
    let unreadable = |cause| DataError::Unreadable { folder: path.to_owned(), cause };
    let file = guard::open_regular(path).map_err(unreadable)?;
    // The list is taken into memory as a whole, however long it claims to be.
    let left = Rc::new(Cell::new(MOST_LIST));
    let limited = Limited { file, left: Rc::clone(&left) };
    let mut archive = ZipArchive::new(limited).map_err(|err| wrong(format!("it is no NumPy archive: {err}")))?;
    left.set(u64::MAX);
    let names: Vec<String> = archive.file_names().flatten().map(Into::into).collect();
    let has =
        |part: &str| names.contains(&format!("{part}_images.npy")) && names.contains(&format!("{part}_labels.npy"));
    if !has("train") {
        let mut found: Vec<&str> = names.iter().take(20).map(String::as_str).collect();
        found.sort_unstable();
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
        return Err(wrong(format!(
            "it has no train_images and train_labels, as MedMNIST's archives do; it holds {found}"
        )));
    }
    let others: Vec<&str> = ["val", "test"].into_iter().filter(|part| has(part)).collect();
    let mut parts = vec![Part::read(&mut archive, "train", MAX_BYTES).map_err(&wrong)?];
    for name in others.iter().filter(|_| held_out) {
        let taken: u64 = parts.iter().map(|part| part.images.bytes.len() as u64).sum();
        parts.push(Part::read(&mut archive, name, MAX_BYTES - taken).map_err(&wrong)?);
    }
    let mut tree = list(path, parts).map_err(wrong)?;
    if !others.is_empty() && !held_out {
        tree.notes.push("only train_images are read; with data.held_out above 0, the archive's own images for validation and test are the held-out ones".to_owned());
    }
    Ok(tree)
}

/// Images and labels of training, validation or test.
struct Part {
    name: String,
    images: Images,
    labels: Vec<i64>,
}

impl Part {
    fn read<R: Read + Seek>(archive: &mut ZipArchive<R>, part: &str, limit: u64) -> Result<Self, String> {
        let mut array = |what: &str, limit| {
            let name = format!("{part}_{what}");
            let entry = archive.by_name(&format!("{name}.npy")).map_err(|err| format!("{name}: {err}"))?;
            Array::read(entry, limit).map_err(|what| format!("{name}: {what}"))
        };
        let (images, labels) = (array("images", limit)?, array("labels", MAX_BYTES)?);
        let name = format!("{part}_images");
        let (count, height, width, channels) = match *images.shape.as_slice() {
            [count, height, width] => (count, height, width, 1),
            [count, height, width, channels @ (1 | 3)] => (count, height, width, channels),
            ref other => return Err(format!("{name} has the shape {other:?}; (N, H, W) or (N, H, W, 3) is read")),
        };
        if images.kind != "|u1" {
            return Err(format!("{name} holds numbers of the kind {}; bytes (uint8) are read", images.kind));
        }
        if images.bytes.is_empty() {
            return Err(format!("{name} is empty"));
        }
        if !matches!(*labels.shape.as_slice(), [one] | [one, 1] if one == count) {
            let shape = labels.shape;
            return Err(format!(
                "{part}_labels has the shape {shape:?}, but one label for each of {count} images is needed"
            ));
        }
        let labels = labels.integers()?;
        Ok(Self { name, images: Images { bytes: images.bytes, height, width, channels }, labels })
    }
}

/// A file of which no more than some bytes can be read.
struct Limited {
    file: fs::File,
    left: Rc<Cell<u64>>,
}

impl Read for Limited {
    fn read(&mut self, to: &mut [u8]) -> IoResult<usize> {
        let read = self.file.read(to)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| Error::other("its list of arrays is longer than any data set's"))?);
        Ok(read)
    }
}

impl Seek for Limited {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        self.file.seek(to)
    }
}

fn list(path: &Path, parts: Vec<Part>) -> Result<Tree, String> {
    let count: usize = parts.iter().map(|part| part.labels.len()).sum();
    if count > MOST_PICTURES {
        return Err(format!("it has {count} images, and at most {MOST_PICTURES} are taken: leave some out"));
    }
    let name_of = |label: &i64| label.to_string();
    let names: Vec<String> = parts.iter().flat_map(|part| &part.labels).map(name_of).collect();
    let mut tree = Tree { classes: classes(names.iter()), ..Tree::default() };
    table::check_count(&tree.classes)?;
    let labels = table::labels(&tree.classes);
    for (array, part) in parts.into_iter().enumerate() {
        for (index, label) in part.labels.iter().enumerate() {
            let class = labels.get(&name_of(label)).copied().unwrap_or(0);
            tree.files.push(File {
                path: path.to_owned(),
                name: format!("{}[{index}]", part.name),
                class,
                content: Content::Row { array, index },
                reserved: array > 0,
            });
        }
        tree.arrays.push(part.images);
    }
    tree.files.sort_by_key(|file| file.class);
    Ok(tree)
}
