//! Reads sets in several files: folders of `.parquet` (also below `data/`, as the Hugging Face hub has them) or of WebDataset's
//! `.tar`. The beginning of a file's name says whether it is for training, validation or test.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::DataError;
use super::super::decode::extension;
use super::super::listing::Tree;
use super::labelled::Labelled;
use super::{archive, folder, parquet, webdataset};
use crate::config::Data;
use crate::guard;

/// The files of a set that a folder holds; none where it holds anything else beside them that may be classes.
pub(super) fn of(root: &Path) -> Vec<PathBuf> {
    let entries = folder::list(root).unwrap_or_default();
    let shards = |entries: &[(PathBuf, String)], kind: &str| -> Vec<PathBuf> {
        let is_one = |path: &&PathBuf| extension(path).as_deref() == Some(kind) && path.is_file();
        entries.iter().map(|(path, _)| path).filter(is_one).cloned().collect()
    };
    let folders: Vec<&(PathBuf, String)> = entries.iter().filter(|(path, _)| path.is_dir()).collect();
    match folders.as_slice() {
        [] => {
            let parquet = shards(&entries, "parquet");
            if parquet.is_empty() { shards(&entries, "tar") } else { parquet }
        }
        [(data, name)] if name == "data" => shards(&folder::list(data).unwrap_or_default(), "parquet"),
        _ => Vec::new(),
    }
}

/// Lists the images of such files. Those for validation and test are read where images are to be held out.
///
/// # Errors
/// Where one of them is damaged, or holds no labels.
pub(super) fn read(files: &[PathBuf], data: &Data) -> Result<Tree, DataError> {
    let reserved = |path: &PathBuf| {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().to_lowercase());
        ["test", "val", "dev", "eval"].iter().any(|split| name.starts_with(split))
    };
    let (others, train): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(|path| reserved(path));
    let divided = !train.is_empty() && !others.is_empty();
    let mut all = Labelled::default();
    let taken: Vec<(&PathBuf, bool)> = match (divided, data.held_out > 0.0) {
        (true, true) => {
            train.iter().map(|path| (*path, false)).chain(others.iter().map(|path| (*path, true))).collect()
        }
        (true, false) => {
            all.tree.notes.push("only the files for training are read; with data.held_out above 0, the set's own images for validation and test are the held-out ones".to_owned());
            train.iter().map(|path| (*path, false)).collect()
        }
        (false, _) => files.iter().map(|path| (path, false)).collect(),
    };
    for (path, reserved) in taken {
        shard(path, reserved, data, &mut all)?;
    }
    let first = files.first().map_or_else(PathBuf::new, Clone::clone);
    all.done().map_err(|message| DataError::Table { file: first, message })
}

fn shard(path: &Path, reserved: bool, data: &Data, all: &mut Labelled) -> Result<(), DataError> {
    let wrong = |message: String| DataError::Table { file: path.to_owned(), message };
    let file: fs::File =
        guard::open_regular(path).map_err(|cause| DataError::Unreadable { folder: path.to_owned(), cause })?;
    let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    if extension(path).as_deref() == Some("parquet") {
        return parquet::images(file, &stem, reserved, data, all).map_err(wrong);
    }
    let packed = archive::open(path, file, data, &mut all.tree).map_err(wrong)?;
    if !webdataset::is_one(&packed.members) {
        return Err(wrong("it has no samples of WebDataset (1.jpg with 1.cls or 1.json); an archive of class folders is named by itself, not by its folder".to_owned()));
    }
    webdataset::samples(&packed, all.tree.archives.len(), &format!("{stem}/"), reserved, all);
    all.tree.archives.push(packed.archive);
    Ok(())
}
