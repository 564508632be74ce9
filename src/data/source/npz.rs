//! Reads NumPy archives (`.npz`) in the layout of MedMNIST: `train_images` (N, H, W) or (N, H, W, 3) of bytes, and
//! `train_labels` (N), (N, 1) or (N, K) of numbers; beside them `val_` and `test_` of the same, which are held out.
//!
//! Of K labels an image, `data.table_label` says which counts.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use zip::{CompressionMethod, ZipArchive};

use super::super::DataError;
use super::super::limits::MAX_PIXELS;
use super::super::listing::{Content, File, MOST_PICTURES, Tree};
use super::super::npy::{Array, Line, MAX_BYTES};
use super::super::packed::{Blob, Cursor, Images, Spool, most_unpacked};
use super::labelled::Labelled;
use crate::config::Data;
use crate::guard;

/// The most bytes of an archive's list of arrays: of some thousand, far more than any data set has.
const MOST_LIST: u64 = 4 << 20;

/// The `data.table_label` that takes the images of exactly one label of several.
const ONE_HOT: &str = "one-hot";

/// Lists an archive's images by their labels. Those for validation and test are read where images are to be held out.
///
/// # Errors
/// Where the archive cannot be read or has another layout.
pub(super) fn read(path: &Path, data: &Data) -> Result<Tree, DataError> {
    let wrong = |message: String| DataError::Table { file: path.to_owned(), message };
    let unreadable = |cause| DataError::Unreadable { folder: path.to_owned(), cause };
    let held_out = data.held_out > 0.0;
    let file = Arc::new(guard::open_regular(path).map_err(unreadable)?);
    let cursor = Cursor::new(Arc::clone(&file)).map_err(unreadable)?;
    // The list is taken into memory as a whole, however long it claims to be.
    let left = cursor.left();
    left.store(MOST_LIST, Ordering::Relaxed);
    let mut archive = ZipArchive::new(cursor).map_err(|err| wrong(format!("it is no NumPy archive: {err}")))?;
    left.store(u64::MAX, Ordering::Relaxed);
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
    let taken = others.iter().copied().filter(|_| held_out);
    let mut all = Labelled::default();
    for part in std::iter::once("train").chain(taken) {
        let read = Part::read(&mut archive, &file, part, data).map_err(&wrong)?;
        read.list(data, part != "train", &mut all).map_err(&wrong)?;
    }
    if !others.is_empty() && !held_out {
        all.tree.notes.push("only train_images are read; with data.held_out above 0, the archive's own images for validation and test are the held-out ones".to_owned());
    }
    all.done().map_err(wrong)
}

/// Images and labels of training, validation or test.
struct Part {
    name: String,
    images: Images,
    count: usize,
    labels: Array,
    /// Labels of one image.
    columns: usize,
}

impl Part {
    fn read(archive: &mut ZipArchive<Cursor>, file: &Arc<fs::File>, part: &str, data: &Data) -> Result<Self, String> {
        let name = format!("{part}_labels");
        let entry = archive.by_name(&format!("{name}.npy")).map_err(|err| format!("{name}: {err}"))?;
        let labels = Array::read(entry, MAX_BYTES).map_err(|what| format!("{name}: {what}"))?;
        let name = format!("{part}_images");
        let (images, count) = images(archive, file, &name, data).map_err(|what| format!("{name} {what}"))?;
        let columns = match *labels.shape.as_slice() {
            [own] if own == count => 1,
            [own, columns] if own == count && columns > 0 => columns,
            ref shape => {
                return Err(format!(
                    "{part}_labels has the shape {shape:?}, but one label for each of {count} images is needed"
                ));
            }
        };
        Ok(Self { name, images, count, labels, columns })
    }

    /// Adds the images with their labels.
    fn list(self, data: &Data, reserved: bool, all: &mut Labelled) -> Result<(), String> {
        if self.count.saturating_add(all.tree.files.len()) > MOST_PICTURES {
            let count = self.count;
            return Err(format!(
                "it has {count} images and more, and at most {MOST_PICTURES} are taken: leave some out"
            ));
        }
        let text = self.labels.texts()?;
        let of = |index: usize, column: usize| text(index * self.columns + column);
        let column = self.column(data, &of, all)?;
        let array = all.tree.arrays.len();
        for index in 0..self.count {
            let label = match column {
                Some(column) => {
                    let label = of(index, column);
                    all.without += usize::from(label.is_none());
                    label
                }
                None => {
                    let set: Vec<String> = (0..self.columns)
                        .filter(|at| is_set(of(index, *at).as_deref()))
                        .map(|at| at.to_string())
                        .collect();
                    all.single(set.iter().map(String::as_str)).map(str::to_owned)
                }
            };
            let Some(label) = label else { continue };
            let class = all.class(&label);
            let content = Content::Row { array, index };
            all.push(File { name: format!("{}[{index}]", self.name), class, content, reserved, ..File::default() });
        }
        all.tree.arrays.push(self.images);
        Ok(())
    }

    /// The column whose values are the classes; nothing where the columns are the classes.
    fn column(
        &self,
        data: &Data,
        of: &impl Fn(usize, usize) -> Option<String>,
        all: &mut Labelled,
    ) -> Result<Option<usize>, String> {
        let (named, last) = (data.table_label.trim(), self.columns - 1);
        let mut counts = [0_usize; 3];
        if self.columns > 1 {
            for index in 0..self.count {
                counts[(0..self.columns).filter(|at| is_set(of(index, *at).as_deref())).take(2).count()] += 1;
            }
        }
        let [none, one, several] = counts;
        if named.is_empty() && (self.columns == 1 || one == self.count) {
            return Ok((self.columns == 1).then_some(0));
        }
        if named == ONE_HOT && self.columns > 1 {
            return Ok(None);
        }
        if let Some(column) = named.parse().ok().filter(|column| *column <= last) {
            if self.columns > 1 {
                all.tree.notes.push(format!(
                    "of {} labels an image, label {column} alone says its class (data.table_label); {several} of {} images have several",
                    self.columns, self.count
                ));
            }
            return Ok(Some(column));
        }
        let wrong =
            if named.is_empty() { String::new() } else { format!("; data.table_label = {named} is none of them") };
        Err(format!(
            "{} has {} labels an image ({one} images have one, {several} several and {none} none), and an image is trained as one class: set data.table_label to the place of a label, 0 to {last}, so that its values are the classes, or to {ONE_HOT}, which takes the images of one label alone{wrong}",
            self.name.replace("images", "labels"),
            self.columns,
        ))
    }
}

/// Whether an image has a label.
fn is_set(cell: Option<&str>) -> bool {
    cell.is_some_and(|cell| cell != "0")
}

/// Where an array's images are, and how many.
fn images(
    archive: &mut ZipArchive<Cursor>,
    file: &Arc<fs::File>,
    name: &str,
    data: &Data,
) -> Result<(Images, usize), String> {
    let mut entry = archive.by_name(&format!("{name}.npy")).map_err(|err| format!("cannot be read: {err}"))?;
    let line = Line::read(&mut entry).map_err(|err| format!("is {err}"))?;
    line.few().map_err(|err| format!("cannot be taken: {err}"))?;
    if line.by_columns {
        return Err("is stored by columns (Fortran order), which is not read".to_owned());
    }
    let (count, height, width, channels) = match *line.shape.as_slice() {
        [count, height, width] => (count, height, width, 1),
        [count, height, width, channels @ (1 | 3)] => (count, height, width, channels),
        ref other => return Err(format!("has the shape {other:?}; (N, H, W) or (N, H, W, 3) is read")),
    };
    if line.kind != "|u1" {
        return Err(format!("holds numbers of the kind {}; bytes (uint8) are read", line.kind));
    }
    let total = line.total()?;
    if total == 0 {
        return Err("is empty".to_owned());
    }
    let most = most_unpacked(entry.compressed_size());
    let stored = entry.compression() == CompressionMethod::Stored;
    if height.saturating_mul(width) as u64 > MAX_PIXELS || (total > most && !stored) {
        return Err(format!("is too large: {} MB; unpack its images into class folders", total >> 20));
    }
    // One byte more, which should not be there: at the end, an archive holds the content against its checksum.
    let whole = entry.size().checked_sub(line.length);
    let damaged = |how: &str| format!("is damaged or incomplete: {how}");
    match whole.map(|whole| whole.cmp(&total)) {
        Some(std::cmp::Ordering::Equal) => {}
        Some(std::cmp::Ordering::Greater) => return Err(damaged("it is longer than it says")),
        Some(std::cmp::Ordering::Less) | None => return Err(damaged("it ends too early")),
    }
    let (from, start) = match entry.data_start().filter(|_| stored && !entry.encrypted()) {
        Some(start) => {
            let length = file.metadata().map_err(|err| damaged(&err.to_string()))?.len();
            let start = start.saturating_add(line.length);
            if start.checked_add(total).is_none_or(|end| end > length) {
                return Err(damaged("it ends too early"));
            }
            (Blob::Disk(Arc::clone(file)), start)
        }
        None => {
            let mut spool = Spool::new(entry.compressed_size(), data.cache_folder());
            let (start, read) =
                spool.take_in(&mut entry, total + 1).map_err(|err| format!("cannot be unpacked: {err}"))?;
            if read != total {
                return Err(damaged("it ends too early"));
            }
            (spool.done()?, start)
        }
    };
    Ok((Images { from, start, height, width, channels }, count))
}
