//! What `data.source` names: a folder of class folders, a table of files and labels, an archive of images or arrays, or the files
//! of an image set.

mod archive;
mod folder;
mod labelled;
mod names;
mod npz;
mod parquet;
mod parquet_guard;
mod shards;
mod stylegan;
mod table;
mod webdataset;

use std::fs;
use std::path::Path;

pub(super) use folder::{scan, scan_flat};
pub(super) use names::folded;

use super::listing::Tree;
use super::open::expand;
use super::reading::Cut;
use super::{DataError, decode, exclusion};
use crate::config::Data;
use crate::guard;

/// Everything that a source names, but for what `data.exclude` and `data.include` leave out.
///
/// # Errors
/// Where it is missing, unreadable, or names no class.
pub(super) fn list(data: &Data, source: &Path) -> Result<Tree, DataError> {
    let mut tree = named(data, source)?;
    let named = [&data.table_file, &data.table_label, &data.table_encoding].into_iter().any(|key| !key.is_empty());
    if named && tree.arrays.is_empty() && tree.archives.is_empty() && source.is_dir() {
        tree.notes.push("data.table_file, data.table_label and data.table_encoding do nothing here: the source is a folder, not a table".to_owned());
    }
    exclusion::by_patterns(&mut tree, data)?;
    expand(&mut tree, source, Cut::of(data))?;
    Ok(tree)
}

fn named(data: &Data, source: &Path) -> Result<Tree, DataError> {
    if !source.is_file() {
        let shards = shards::of(source);
        if !shards.is_empty() {
            return whole(source, || shards::read(&shards, data));
        }
        return match whole(source, || stylegan_folder(source))? {
            Some(tree) => Ok(tree),
            None => scan(source),
        };
    }
    match decode::extension(source).as_deref() {
        Some("npz") => whole(source, || npz::read(source, data)),
        Some("csv" | "tsv" | "txt" | "tab") => whole(source, || table::read(source, data)),
        Some("parquet") => whole(source, || shards::read(&[source.to_owned()], data)),
        Some("h5" | "hdf5" | "hdf") => Err(wrong(source, HDF5)),
        Some("gz" | "tar" | "tgz" | "zip") if archive::is_archive(source) => {
            whole(source, || archive::read(source, data))
        }
        Some("7z" | "rar" | "bz2" | "xz" | "zst") => {
            Err(wrong(source, "it is packed in a way that is not read: unpack it, or pack it as .zip or .tar"))
        }
        Some(_) | None => scan(source),
    }
}

/// What helps with a file that only the library of its own format reads.
const HDF5: &str = "HDF5 is not read; this line of Python makes an archive that is, for data sets `images` and `labels`: import h5py, numpy; f = h5py.File('set.h5'); numpy.savez('set.npz', train_images=f['images'][:], train_labels=f['labels'][:])";

fn wrong(file: &Path, message: &str) -> DataError {
    DataError::Table { file: file.to_owned(), message: message.to_owned() }
}

/// A folder whose `dataset.json` has the labels; nothing where there is no such file, or it has none.
fn stylegan_folder(root: &Path) -> Result<Option<Tree>, DataError> {
    let path = root.join(stylegan::NAME);
    if !fs::metadata(&path).is_ok_and(|about| about.is_file()) {
        return Ok(None);
    }
    let Ok(bytes) = guard::read_regular(&path, stylegan::MAX_BYTES) else { return Ok(None) };
    if !stylegan::is_sheet(&bytes) {
        return Ok(None);
    }
    let mut disk = table::OnDisk::new(root);
    let locate = |name: &str| disk.locate(name).map(|located| located.file);
    stylegan::tree(&bytes, Tree::default(), locate).map_err(|message| DataError::Table { file: path, message })
}

/// A file that is read as a whole: a panic of its reader is what is wrong with it.
fn whole<T>(file: &Path, read: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    guard::catch(read).unwrap_or_else(|panicked| {
        Err(DataError::Table {
            file: file.to_owned(),
            message: format!("it is damaged in an unexpected way ({panicked})"),
        })
    })
}

/// The same, and a folder without class folders as one class: to look at, though not to train on.
///
/// # Errors
/// Where it is missing, unreadable, or empty.
pub(super) fn list_any(data: &Data, source: &Path) -> Result<Tree, DataError> {
    let none = match list(data, source) {
        Err(none @ DataError::NoClasses { .. }) => none,
        other => return other,
    };
    let mut tree = scan_flat(source)?;
    if tree.files.is_empty() && tree.skipped.is_empty() {
        return Err(none);
    }
    let name = source.file_name().map_or_else(|| "images".to_owned(), |name| name.to_string_lossy().into_owned());
    tree.classes = vec![name];
    tree.notes.push(
        "there are no class folders: the images are looked at as one class, but training needs one sub-folder per class"
            .to_owned(),
    );
    exclusion::by_patterns(&mut tree, data)?;
    expand(&mut tree, source, Cut::of(data))?;
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_reader_is_an_error_that_names_the_file() {
        let failed = whole(Path::new("set.npz"), || -> Result<(), _> { panic!("index out of bounds") })
            .expect_err("it panicked");
        let told = failed.to_string();
        assert!(told.starts_with("set.npz cannot be used") && told.contains("index out of bounds"), "{told}");
    }
}
