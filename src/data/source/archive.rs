//! Reads archives of images (`.zip`, `.tar`, `.tar.gz`): class folders, StyleGAN's `dataset.json`, a table with its images, or the
//! samples of WebDataset. No file is written under a name that an archive gives.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Error, Read, Result as IoResult};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use flate2::bufread::MultiGzDecoder;
use zip::ZipArchive;

use super::super::DataError;
use super::super::decode::extension;
use super::super::listing::{File, MOST_PICTURES, Tree};
use super::super::open::may_be_picture;
use super::super::packed::{self, Archive, Blob, Cursor, Members, Packed, Spool};
use super::folder::is_left_over;
use super::labelled::Labelled;
use super::names::{Names, below};
use super::table::{self, Located};
use super::{stylegan, webdataset};
use crate::config::Data;
use crate::guard;

/// The most bytes of a ZIP's list of files.
const MOST_LIST: u64 = 128 << 20;

/// The most bytes of what describes one file of a TAR.
const MOST_HEAD: u64 = 1 << 20;

/// Whether a file is an archive of this kind, by its name.
pub(super) fn is_archive(path: &Path) -> bool {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().to_lowercase());
    [".zip", ".tar", ".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending))
}

/// Lists the images of an archive.
///
/// # Errors
/// Where it is damaged or holds no classes.
pub(super) fn read(path: &Path, data: &Data) -> Result<Tree, DataError> {
    let wrong = |message: String| DataError::Table { file: path.to_owned(), message };
    let file = guard::open_regular(path).map_err(|cause| DataError::Unreadable { folder: path.to_owned(), cause })?;
    let mut tree = Tree::default();
    let packed = open(path, file, data, &mut tree).map_err(wrong)?;
    list(packed, data, tree).map_err(wrong)
}

/// Opens an archive; what cannot be read in it is skipped in `tree`.
pub(super) fn open(path: &Path, file: fs::File, data: &Data, tree: &mut Tree) -> Result<Packed, String> {
    let length = file.metadata().map_err(|err| format!("cannot be read: {err}"))?.len();
    let mut packed = match extension(path).as_deref() {
        Some("zip") => zip(file)?,
        Some("tar") => tar(Source::Whole(Arc::new(file), length), length)?,
        _ => {
            let spool = Spool::new(length, data.cache_folder());
            let from = Box::new(MultiGzDecoder::new(BufReader::new(file)));
            tar(Source::Packed(from, spool, packed::most_unpacked(length)), length)?
        }
    };
    packed.members.retain_mut(|(name, _)| {
        if name.split(['/', '\\']).any(|part| part != ".." && is_left_over(part)) {
            return false;
        }
        let inside = below(name, Path::new("."));
        match inside.filter(|_| !name.starts_with('/')) {
            Some(inside) => *name = inside,
            None => {
                tree.skip(std::mem::take(name), "lies outside the archive's own folder");
                return false;
            }
        }
        true
    });
    packed.members.sort();
    Ok(packed)
}

fn zip(file: fs::File) -> Result<Packed, String> {
    let damaged = |err: &dyn std::fmt::Display| format!("it is no ZIP archive, or damaged: {err}");
    let length = file.metadata().map_err(|err| damaged(&err))?.len();
    let most = packed::most_unpacked(length);
    let cursor = Cursor::new(Arc::new(file)).map_err(|err| damaged(&err))?;
    // The list is taken into memory as a whole, however long it claims to be.
    let left = cursor.left();
    left.store(MOST_LIST, Ordering::Relaxed);
    let archive = ZipArchive::new(cursor).map_err(|err| damaged(&err))?;
    left.store(u64::MAX, Ordering::Relaxed);
    if archive.len() > MOST_PICTURES {
        return Err(format!("it has {} files, and at most {MOST_PICTURES} are taken: leave some out", archive.len()));
    }
    let (mut members, mut unpacked) = (Vec::new(), 0_u64);
    for at in 0..archive.len() {
        let entry = archive.by_index_data(at).map_err(|err| damaged(&err))?;
        if entry.is_file() {
            // Many names may stand for the same few bytes.
            unpacked = unpacked.saturating_add(entry.size());
            let name = entry.name().map_or_else(|_| letters(entry.name_raw()), |name| name.into_owned());
            members.push((name, at));
        }
    }
    if unpacked > most {
        return Err(
            "unpacked it has more than 64 MB and is more than 200 times as large as the file: no images are packed so tightly. Unpack it, and name the folder"
                .to_owned(),
        );
    }
    Ok(Packed { archive: Archive { members: Members::Zip(archive), packed: length }, members })
}

/// A name as text; one that is not UTF-8 keeps a letter for each byte, so that no two names become one.
fn letters(name: &[u8]) -> String {
    std::str::from_utf8(name).map_or_else(|_| name.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
}

/// Where a TAR's bytes come from.
enum Source {
    /// A file that is read from anywhere later on, and its length.
    Whole(Arc<fs::File>, u64),
    /// A stream that is kept as it is unpacked, and how many bytes it may have.
    Packed(Box<dyn Read>, Spool, u64),
}

/// The files of a TAR in a file of so many bytes.
fn tar(source: Source, packed: u64) -> Result<Packed, String> {
    let damaged = |err: &dyn std::fmt::Display| format!("it is no TAR archive, or damaged: {err}");
    let (mut pieces, mut members) = (Vec::new(), Vec::new());
    let left = Rc::new(Cell::new(MOST_HEAD));
    let mut take = |name: &[u8], piece: (u64, u64)| {
        members.push((letters(name), pieces.len()));
        pieces.push(piece);
        if pieces.len() > MOST_PICTURES {
            Err(format!("it has more than {MOST_PICTURES} files: leave some out"))
        } else {
            Ok(())
        }
    };
    let blob = match source {
        Source::Whole(file, length) => {
            let cursor = Cursor::new(Arc::clone(&file)).map_err(|err| damaged(&err))?;
            let mut archive = tar::Archive::new(Limited { from: cursor, left: Rc::clone(&left) });
            for entry in archive.entries_with_seek().map_err(|err| damaged(&err))? {
                let entry = entry.map_err(|err| damaged(&err))?;
                left.set(MOST_HEAD);
                let (start, size) = (entry.raw_file_position(), entry.size());
                if start.checked_add(size).is_none_or(|end| end > length) {
                    return Err(damaged(&"it ends too early"));
                }
                if entry.header().entry_type().is_file() {
                    take(&entry.path_bytes(), (start, size))?;
                }
            }
            Blob::Disk(file)
        }
        Source::Packed(from, mut spool, most) => {
            let mut archive = tar::Archive::new(Limited { from: from.take(most), left: Rc::clone(&left) });
            for entry in archive.entries().map_err(|err| damaged(&err))? {
                let mut entry = entry.map_err(|err| damaged(&err))?;
                let size = entry.size();
                left.set(size.saturating_add(MOST_HEAD));
                let name = entry.path_bytes().into_owned();
                let is_wanted = is_wanted(&String::from_utf8_lossy(&name));
                if entry.header().entry_type().is_file() && is_wanted && size <= packed::MAX_BYTES {
                    let piece = spool.take_in(&mut entry, size)?;
                    if piece.1 != size {
                        return Err(damaged(&"it ends too early"));
                    }
                    take(&name, piece)?;
                }
            }
            spool.done()?
        }
    };
    Ok(Packed { archive: Archive { members: Members::Pieces(blob, pieces), packed }, members })
}

/// Whether anything is made of a file of this name, so that it need be unpacked.
fn is_wanted(name: &str) -> bool {
    let path = Path::new(name);
    may_be_picture(path) || matches!(extension(path).as_deref(), Some("csv" | "tsv" | "json" | "cls"))
}

/// Whether a name is that of a table in no folder.
fn is_table(name: &str) -> bool {
    !name.contains('/') && matches!(extension(Path::new(name)).as_deref(), Some("csv" | "tsv"))
}

/// A stream of which no more than some bytes are read at a time.
struct Limited<R> {
    from: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, to: &mut [u8]) -> IoResult<usize> {
        let read = self.from.read(to)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| Error::other("what it says of a file is longer than any name"))?);
        Ok(read)
    }
}

impl<R: std::io::Seek> std::io::Seek for Limited<R> {
    fn seek(&mut self, to: std::io::SeekFrom) -> IoResult<u64> {
        self.from.seek(to)
    }
}

impl Packed {
    /// Takes one folder that everything lies in off the names, as long as another is left below it.
    fn unwrap_folder(&mut self) {
        loop {
            let first =
                self.members.iter().find_map(|(name, _)| name.split_once('/')).map(|(top, _)| format!("{top}/"));
            let Some(top) = first else { return };
            let deep = |name: &str| name.strip_prefix(&top).is_some();
            let pictures = || self.members.iter().filter(|(name, _)| may_be_picture(Path::new(name)));
            let all = self.members.iter().all(|(name, _)| deep(name));
            // Either classes lie below it, or what names them.
            let names_them =
                |name: &str| name.strip_prefix(&top).is_some_and(|rest| rest == stylegan::NAME || is_table(rest));
            let below_it = pictures().any(|(name, _)| name.matches('/').count() > 1)
                || self.members.iter().any(|(name, _)| names_them(name));
            if !all || !below_it {
                return;
            }
            self.members.iter_mut().for_each(|(name, _)| *name = name.split_off(top.len()));
        }
    }

    fn bytes(&self, name: &str, most: u64) -> Option<Result<Vec<u8>, String>> {
        let (_, at) = self.members.iter().find(|(member, _)| member == name)?;
        let large = self.archive.length(*at) > most;
        Some(if large { Err(format!("{name} is larger than {} MB", most >> 20)) } else { self.archive.read(*at) })
    }
}

/// The images of an archive by whatever says what is on them.
fn list(mut packed: Packed, data: &Data, tree: Tree) -> Result<Tree, String> {
    packed.unwrap_folder();
    let mut tree = by_labels(&packed, data, tree)?;
    tree.archives.push(packed.archive);
    Ok(tree)
}

fn by_labels(packed: &Packed, data: &Data, mut tree: Tree) -> Result<Tree, String> {
    let (pictures, others): (Vec<&(String, usize)>, Vec<_>) =
        packed.members.iter().partition(|(name, _)| may_be_picture(Path::new(name)));
    let names = Names::new(pictures.iter().map(|(name, _)| name.clone()).collect());
    let file_of = |at: usize| {
        let (name, member) = pictures[at];
        File { name: name.clone(), inside: Some((0, *member)), ..File::default() }
    };
    let locate = |name: &str| {
        let inside = below(name, Path::new(".")).ok_or("lies outside the archive")?;
        table::one(names.find(&inside)).map(file_of)
    };
    if let Some(sheet) = packed.bytes(stylegan::NAME, stylegan::MAX_BYTES) {
        let sheet = sheet?;
        if stylegan::is_sheet(&sheet) {
            match stylegan::tree(&sheet, tree, locate)? {
                Some(tree) => return Ok(tree),
                None => tree = Tree::default(),
            }
        }
    }
    if webdataset::is_one(&packed.members) {
        let mut all = Labelled::on(tree);
        webdataset::samples(packed, 0, "", false, &mut all);
        return all.done();
    }
    let folders: std::collections::BTreeSet<&str> =
        pictures.iter().filter_map(|(name, _)| name.split_once('/')).map(|(folder, _)| folder).collect();
    let tables: Vec<&str> = others.iter().map(|(name, _)| name.as_str()).filter(|name| is_table(name)).collect();
    if let ([table], true) = (tables.as_slice(), folders.len() < 2) {
        let bytes = packed.bytes(table, table::MAX_BYTES).unwrap_or_else(|| Err("it is missing".to_owned()))?;
        let located = |name: &str| locate(name).map(|file| Located { key: file.name.clone(), file });
        return table::tree(&bytes, data, tree, MOST_PICTURES, located)
            .map_err(|err| format!("its table {table}: {err}"));
    }
    by_folders(&pictures, &others, tree)
}

fn by_folders(pictures: &[&(String, usize)], others: &[&(String, usize)], mut tree: Tree) -> Result<Tree, String> {
    let mut all = BTreeMap::<&str, Vec<&(String, usize)>>::new();
    for picture in pictures.iter().copied() {
        match picture.0.split_once('/') {
            Some((class, _)) => all.entry(class).or_default().push(picture),
            None => tree.skip(picture.0.clone(), "lies beside the class folders, not in one"),
        }
    }
    for (name, _) in others {
        tree.skip(name.clone(), "not an image type that is read");
    }
    if all.is_empty() {
        return Err(format!(
            "it holds no class: it should have one folder of images per class, a dataset.json, a table of files and labels, or pairs of WebDataset (1.jpg, 1.cls), but it has {} images in no folder and {} other files",
            pictures.len(),
            others.len()
        ));
    }
    for (class, (name, members)) in all.into_iter().enumerate() {
        tree.classes.push(name.to_owned());
        tree.files.extend(members.into_iter().map(|(name, member)| File {
            name: name.clone(),
            class,
            inside: Some((0, *member)),
            ..File::default()
        }));
    }
    super::super::listing::check_count(&tree.classes)?;
    tree.order();
    Ok(tree)
}
