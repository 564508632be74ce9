//! Lists the files of a data folder: one class a sub-folder, files found at any depth inside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::DataError;
use super::super::decode::extension;
use super::super::listing::{File, MOST_PICTURES, Tree};
use super::super::open::may_be_picture;

/// Folders that programs leave behind.
const IGNORED_FOLDERS: [&str; 2] = ["__MACOSX", "$RECYCLE.BIN"];

/// Files that programs leave behind, in lower case.
const IGNORED_FILES: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// Whether a file or folder of this name is a left-over of some program.
pub(super) fn is_left_over(name: &str) -> bool {
    name.starts_with('.') || IGNORED_FOLDERS.contains(&name) || IGNORED_FILES.contains(&name.to_lowercase().as_str())
}

/// Lists a data folder.
pub(in super::super) fn scan(root: &Path) -> Result<Tree, DataError> {
    let folder = || root.to_path_buf();
    let unreadable = |cause| DataError::Unreadable { folder: folder(), cause };
    let about = fs::metadata(root).map_err(|err| {
        let missing = err.kind() == std::io::ErrorKind::NotFound;
        if missing { DataError::Missing { folder: folder() } } else { unreadable(err) }
    })?;
    if !about.is_dir() {
        return Err(DataError::NotAFolder { folder: folder() });
    }
    let canonical = fs::canonicalize(root).map_err(unreadable)?;
    let above: BTreeSet<Identity> = canonical.ancestors().filter_map(|folder| identity(folder).ok()).collect();
    let mut tree = Tree::default();
    let mut loose = 0;
    for (path, name) in list(root).map_err(unreadable)? {
        match fs::metadata(&path) {
            Ok(about) if about.is_dir() => {
                let class = tree.classes.len();
                tree.classes.push(name.clone());
                Walk { class, seen: above.clone() }.run(path, name, &mut tree);
            }
            Ok(_) if may_be_picture(&path) => {
                loose += 1;
                tree.skip(name, "lies beside the class folders, not in one");
            }
            Ok(_) => tree.skip(name, &wrong_type(&path)),
            Err(err) => tree.skip(name, &unavailable(&err)),
        }
    }
    if tree.classes.is_empty() {
        let others = tree.skipped.len() - loose;
        let found = match (loose, others) {
            (0, 0) => "it is empty".to_owned(),
            (0, others) => format!("it holds only {others} other files"),
            (images, _) => format!("{images} images lie directly in it"),
        };
        return Err(DataError::NoClasses { folder: folder(), found: found + &beside(root) });
    }
    tree.order();
    Ok(tree)
}

/// A table in a folder without classes, which is what should have been named.
fn beside(root: &Path) -> String {
    let is_table = |path: &Path| matches!(extension(path).as_deref(), Some("csv" | "tsv"));
    let table = list(root).unwrap_or_default().into_iter().find(|(path, _)| is_table(path));
    table.map_or_else(String::new, |(_, name)| {
        format!(" beside the table {name}: if that has their labels, name it instead of the folder")
    })
}

/// The names of all files below a folder that may be pictures.
pub(super) fn names(root: &Path) -> Vec<String> {
    let mut tree = Tree::default();
    Walk { class: 0, seen: BTreeSet::new() }.run(root.to_owned(), String::new(), &mut tree);
    tree.files.into_iter().map(|file| file.name).collect()
}

/// Lists the image files of a folder without sub-folders; all have the label 0 of a class that has no name.
pub(in super::super) fn scan_flat(root: &Path) -> Result<Tree, DataError> {
    let unreadable = |cause| DataError::Unreadable { folder: root.to_path_buf(), cause };
    let mut tree = Tree::default();
    let walk = Walk { class: 0, seen: BTreeSet::new() };
    for (path, name) in list(root).map_err(unreadable)? {
        walk.entry(path, name, &mut Vec::new(), &mut tree);
    }
    Ok(tree)
}

/// One class's folder and everything below it.
struct Walk {
    class: usize,
    /// Folders that must not be entered (again): those above, and those already listed. Links can form circles.
    seen: BTreeSet<Identity>,
}

/// What tells one folder from another, under whatever names it is reached.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = PathBuf;

/// To ask for a folder's path would look at every folder above it.
#[cfg(unix)]
fn identity(folder: &Path) -> std::io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(folder).map(|about| (about.dev(), about.ino()))
}
#[cfg(not(unix))]
fn identity(folder: &Path) -> std::io::Result<Identity> {
    fs::canonicalize(folder)
}

impl Walk {
    fn run(mut self, folder: PathBuf, name: String, tree: &mut Tree) {
        let start = tree.files.len();
        let mut waiting = vec![(folder, name)];
        while let Some((folder, name)) = waiting.pop() {
            // More are refused when their pictures are counted.
            if tree.files.len() > MOST_PICTURES {
                break;
            }
            match identity(&folder) {
                Ok(identity) => {
                    if !self.seen.insert(identity) {
                        tree.skip(name, "a link to a folder that holds it or was already listed");
                        continue;
                    }
                }
                Err(err) => {
                    tree.skip(name, &unavailable(&err));
                    continue;
                }
            }
            match list(&folder) {
                Ok(entries) => {
                    for (path, own) in entries {
                        let name = if name.is_empty() { own } else { format!("{name}/{own}") };
                        self.entry(path, name, &mut waiting, tree);
                    }
                }
                Err(err) => tree.skip(name, &format!("the folder cannot be read: {err}; check its permissions")),
            }
        }
        tree.files[start..].sort_by(|a, b| a.name.cmp(&b.name));
    }

    fn entry(&self, path: PathBuf, name: String, waiting: &mut Vec<(PathBuf, String)>, tree: &mut Tree) {
        match fs::metadata(&path) {
            Ok(about) if about.is_dir() => waiting.push((path, name)),
            // Opening a pipe would wait for ever.
            Ok(about) if !about.is_file() => tree.skip(name, "not a regular file"),
            Ok(_) if may_be_picture(&path) => {
                tree.files.push(File { path, name, class: self.class, ..File::default() });
            }
            Ok(_) => tree.skip(name, &wrong_type(&path)),
            Err(err) => tree.skip(name, &unavailable(&err)),
        }
    }
}

/// The entries of a folder that are not left-overs of some program, sorted by name.
pub(super) fn list(folder: &Path) -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_left_over(&name) {
            entries.push((entry.path(), name));
        }
    }
    entries.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(entries)
}

fn wrong_type(path: &Path) -> String {
    let extension = extension(path).unwrap_or_default();
    let hint = match extension.as_str() {
        "npz" => "; an archive of arrays is a data source of its own: name it instead of the folder",
        "csv" | "tsv" => "; if it has the labels of the images, name it instead of the folder",
        "zip" | "tar" | "tgz" | "gz" | "parquet" | "h5" | "hdf5" => {
            "; an archive is a data source of its own: name it instead of the folder"
        }
        "npy" => {
            "; store it in an .npz archive as train_images, beside train_labels, and name that instead of the folder"
        }
        "jp2" | "ppm" | "pgm" | "heic" | "avif" | "svg" => "; convert it to PNG first",
        _ => "",
    };
    format!("not an image type that is read: .{extension}{hint}")
}

fn unavailable(err: &std::io::Error) -> String {
    if err.kind() == std::io::ErrorKind::NotFound {
        "a link to nothing".to_owned()
    } else {
        format!("cannot be read: {err}")
    }
}
