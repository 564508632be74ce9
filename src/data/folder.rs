//! Lists the files of a data folder: one class a sub-folder, files found at any depth inside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::DataError;
use super::decode::extension;
use super::npz::Images;
use super::open::may_be_picture;
use crate::event::Skipped;

/// A picture that may be usable, and the file that holds it.
pub(super) struct File {
    pub path: PathBuf,
    /// The file's path below the data folder, with `/` between the parts.
    pub name: String,
    /// Its class's label.
    pub class: usize,
    pub content: Content,
    /// The source itself keeps it for validation or test.
    pub reserved: bool,
}

/// Where in a file a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// It is the file, or its first frame.
    Whole,
    /// A frame or slice.
    Part(usize),
    /// An image of one of [`Tree::arrays`].
    Row { array: usize, index: usize },
}

impl File {
    /// What it is called in lists: the file, and which picture in it.
    pub fn title(&self) -> String {
        match self.content {
            Content::Whole | Content::Row { .. } => self.name.clone(),
            Content::Part(part) => format!("{}[{part}]", self.name),
        }
    }
}

/// What a data folder holds.
#[derive(Default)]
pub(super) struct Tree {
    /// Names of the classes in label order.
    pub classes: Vec<String>,
    /// Files in label order and, within a class, by name.
    pub files: Vec<File>,
    /// What was passed over and why, in the order met.
    pub skipped: Vec<Skipped>,
    /// What is worth knowing about the source as a whole.
    pub notes: Vec<String>,
    /// The images of an archive.
    pub arrays: Vec<Images>,
}

/// The most pictures of a source, so that a small file that claims many takes little memory.
pub(super) const MOST_PICTURES: usize = 2_000_000;

/// Folders that programs leave behind.
const IGNORED_FOLDERS: [&str; 2] = ["__MACOSX", "$RECYCLE.BIN"];

/// Files that programs leave behind, in lower case.
const IGNORED_FILES: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// Lists a data folder.
pub(super) fn scan(root: &Path) -> Result<Tree, DataError> {
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
        return Err(DataError::NoClasses { folder: folder(), found });
    }
    Ok(tree)
}

/// Lists the image files of a folder without sub-folders; all have the label 0 of a class that has no name.
pub(super) fn scan_flat(root: &Path) -> Result<Tree, DataError> {
    let unreadable = |cause| DataError::Unreadable { folder: root.to_path_buf(), cause };
    let mut tree = Tree::default();
    let walk = Walk { class: 0, seen: BTreeSet::new() };
    for (path, name) in list(root).map_err(unreadable)? {
        walk.entry(path, name, &mut Vec::new(), &mut tree);
    }
    Ok(tree)
}

impl Tree {
    /// Remembers what is passed over.
    pub fn skip(&mut self, file: String, reason: &str) {
        self.skipped.push(Skipped { file, reason: reason.to_owned() });
    }
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
                        self.entry(path, format!("{name}/{own}"), &mut waiting, tree);
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
                let (class, content) = (self.class, Content::Whole);
                tree.files.push(File { path, name, class, content, reserved: false });
            }
            Ok(_) => tree.skip(name, &wrong_type(&path)),
            Err(err) => tree.skip(name, &unavailable(&err)),
        }
    }
}

/// The entries of a folder that are not left-overs of some program, sorted by name.
fn list(folder: &Path) -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ignored = name.starts_with('.')
            || IGNORED_FOLDERS.contains(&name.as_str())
            || IGNORED_FILES.contains(&name.to_lowercase().as_str());
        if !ignored {
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
