//! What `data.source` names: a folder of class folders, a table of files and labels, or an archive of arrays.

use std::path::Path;

use super::folder::{Tree, scan, scan_flat};
use super::open::{Cut, expand};
use super::{DataError, decode, npz, table};
use crate::config::Data;
use crate::guard;

/// Everything that a source names.
///
/// # Errors
/// Where it is missing, unreadable, or names no class.
pub(super) fn list(data: &Data, source: &Path) -> Result<Tree, DataError> {
    let extension = if source.is_file() { decode::extension(source) } else { None };
    let mut tree = match extension.as_deref() {
        // Its images stand alone.
        Some("npz") => return whole(source, || npz::read(source, data.held_out > 0.0)),
        Some("csv" | "tsv") => whole(source, || table::read(source))?,
        Some(_) | None => scan(source)?,
    };
    expand(&mut tree, source, Cut::of(data))?;
    Ok(tree)
}

/// A file that is read as a whole: a panic of its reader is what is wrong with it.
fn whole(file: &Path, read: impl FnOnce() -> Result<Tree, DataError>) -> Result<Tree, DataError> {
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
    expand(&mut tree, source, Cut::of(data))?;
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_reader_is_an_error_that_names_the_file() {
        let failed = whole(Path::new("set.npz"), || panic!("index out of bounds")).err().expect("it panicked");
        let told = failed.to_string();
        assert!(told.starts_with("set.npz cannot be used") && told.contains("index out of bounds"), "{told}");
    }
}
