//! Opens a file of one picture or several: an image, the frames of a DICOM file, the slices of a volume.

use std::fs;
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::DataError;
use super::careful::careful;
use super::convert::{Conversion, Raster};
use super::decode::{self, Decoded};
use super::dicom::{self, is_dicom};
use super::dicom_picture::Dicom;
use super::listing::{Content, File, MOST_PICTURES, Tree};
use super::nifti;
use super::packed::Archive;
use super::volume::{self, Volume};
use crate::config::{Data, SliceAxis};

/// The largest file in bytes.
const MAX_BYTES: u64 = 512 << 20;

/// Files from this size on are held in memory one at a time, and so are volumes and frames of this many bytes.
const LARGE: u64 = 32 << 20;

/// Held while a large file is, so that many threads do not take the memory for one each.
static ONE_LARGE: Mutex<()> = Mutex::new(());

/// Bytes in which a DICOM file's description of its picture is looked for, first and at last.
const BEGINNINGS: [u64; 2] = [8 << 10, 1 << 20];

/// How volumes become images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub axis: SliceAxis,
    /// Every how many slices or frames one is taken.
    pub every: usize,
}

impl Cut {
    /// That of a configuration.
    pub fn of(data: &Data) -> Self {
        Self { axis: data.slice_axis, every: data.slice_every.max(1) }
    }
}

/// A file that was opened.
pub(super) struct Opened {
    holds: Holds,
    extension: Option<String>,
    axis: SliceAxis,
    _turn: Option<MutexGuard<'static, ()>>,
}

enum Holds {
    Image(Vec<u8>),
    Dicom(Box<Dicom>),
    Volume(Box<Volume>),
}

impl Holds {
    fn of(bytes: Vec<u8>, extension: Option<&str>, is_volume: bool) -> Result<Self, String> {
        let named = extension.is_none_or(is_dicom_extension);
        if bytes.get(128..132) == Some(b"DICM") || (named && is_dicom(&bytes)) {
            Ok(Self::Dicom(Box::new(careful(|| Dicom::read(bytes))?)))
        } else if nifti::is_nifti(&bytes) || (is_volume && !bytes.is_empty()) {
            Ok(Self::Volume(Box::new(careful(|| Volume::read(&bytes[..]))?)))
        } else {
            Ok(Self::Image(bytes))
        }
    }
}

/// Whether a file should be opened: its extension is a picture's, or it has none.
pub(super) fn may_be_picture(path: &Path) -> bool {
    let Some(extension) = decode::extension(path) else { return true };
    decode::is_image_extension(&extension) || is_dicom_extension(&extension) || is_volume_name(path, &extension)
}

fn is_dicom_extension(extension: &str) -> bool {
    // Exports of scanners often end in the last number of the file's identifier.
    matches!(extension, "dcm" | "dicom" | "dic" | "ima")
        || (!extension.is_empty() && extension.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `.nii`, `.nii.gz`, or the header of a pair.
fn is_volume_name(path: &Path, extension: &str) -> bool {
    let inner = || path.file_stem().and_then(|stem| decode::extension(Path::new(stem)));
    matches!(extension, "nii" | "hdr") || (extension == "gz" && inner().as_deref() == Some("nii"))
}

/// Lists each picture of the files that hold several.
///
/// # Errors
/// Where `data` has more pictures than are taken; nothing is listed then.
pub(super) fn expand(tree: &mut Tree, data: &Path, cut: Cut) -> Result<(), DataError> {
    let counts: Vec<Option<usize>> = {
        let archives = &tree.archives;
        let count = |file: &File| match file.content {
            Content::Row { .. } => None,
            _ if file.inside.is_some() => packed_pictures(file, archives, cut.axis),
            Content::Whole | Content::Part(_) => pictures(&file.path, cut.axis),
        };
        tree.files.par_iter().map(count).collect()
    };
    let taken = counts.iter().map(|count| count.map_or(1, |count| count.div_ceil(cut.every)));
    let pictures = taken.fold(0_usize, usize::saturating_add);
    if pictures > MOST_PICTURES {
        return Err(DataError::TooMany { data: data.to_owned(), pictures });
    }
    if counts.iter().all(Option::is_none) {
        return Ok(());
    }
    let files = std::mem::take(&mut tree.files).into_iter().zip(counts);
    for (file, count) in files {
        match count {
            None => tree.files.push(file),
            Some(count) => tree.files.extend((0..count).step_by(cut.every).map(|part| File {
                content: Content::Part(part),
                path: file.path.clone(),
                name: file.name.clone(),
                group: file.group.clone(),
                ..file
            })),
        }
    }
    Ok(())
}

/// How many pictures a file holds by its beginning; nothing for single ones and for all that cannot be read, which is
/// told when it is opened.
fn pictures(path: &Path, axis: SliceAxis) -> Option<usize> {
    let extension = decode::extension(path);
    let is_volume = extension.as_ref().is_some_and(|extension| is_volume_name(path, extension));
    if !is_volume && !extension.as_deref().is_none_or(is_dicom_extension) {
        return None;
    }
    let about = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let count = || {
        if !is_volume {
            return Ok(count_frames(path, about.len()));
        }
        let file = fs::File::open(path).map_err(|err| err.to_string())?;
        let head = volume::head(BufReader::new(file)).map_err(|err| err.to_string())?;
        let gzip = extension.as_deref() == Some("gz");
        nifti::Header::read(&head)?.slices(axis, about.len(), gzip).map(Some)
    };
    careful(count).ok().flatten()
}

/// The same of a file inside an archive, which is opened for that where its name may be that of several pictures.
fn packed_pictures(file: &File, archives: &[Archive], axis: SliceAxis) -> Option<usize> {
    let extension = decode::extension(Path::new(&file.name));
    let is_volume = extension.as_ref().is_some_and(|extension| is_volume_name(Path::new(&file.name), extension));
    if !is_volume && !extension.as_deref().is_none_or(is_dicom_extension) {
        return None;
    }
    let opened = Opened::of(file, archives, axis).ok()?;
    match &opened.holds {
        Holds::Image(_) => None,
        Holds::Dicom(dicom) => Some(dicom.frames()).filter(|frames| *frames > 1),
        Holds::Volume(volume) => {
            let bytes = volume.header.offset.saturating_add(volume.header.bytes());
            careful(|| volume.header.slices(axis, bytes, false)).ok()
        }
    }
}

fn count_frames(path: &Path, length: u64) -> Option<usize> {
    for most in BEGINNINGS {
        let mut start = Vec::new();
        fs::File::open(path).ok()?.take(most).read_to_end(&mut start).ok()?;
        if !is_dicom(&start) {
            return None;
        }
        let whole = start.len() as u64 == length;
        if whole {
            return Dicom::read(start).ok().map(|dicom| dicom.frames()).filter(|frames| *frames > 1);
        }
        let header = dicom::Elements::read(start).ok()?.header;
        // Elements stand in rising order, so that the number of frames is known once their size is.
        if header.columns > 0 {
            // A frame has the 8 bytes of its piece's head at least.
            let most = usize::try_from(length / 8).unwrap_or(usize::MAX);
            return Some(header.frames.min(most)).filter(|frames| *frames > 1);
        }
    }
    None
}

impl Opened {
    /// Reads a file, wherever it lies; the error is the reason why it cannot be used.
    pub fn of(file: &File, archives: &[Archive], axis: SliceAxis) -> Result<Self, String> {
        let Some((archive, member)) = file.inside else { return Self::open(&file.path, axis) };
        let archive = archives.get(archive).ok_or("the archive has no such file")?;
        // A panic while another thread held this leaves nothing behind that could be wrong.
        let turn = (archive.length(member) > LARGE).then(|| ONE_LARGE.lock().unwrap_or_else(PoisonError::into_inner));
        let bytes = careful(|| archive.read(member))?;
        let name = Path::new(&file.name);
        let extension = decode::extension(name);
        let is_volume = extension.as_ref().is_some_and(|extension| is_volume_name(name, extension));
        let holds = Holds::of(bytes, extension.as_deref(), is_volume)?;
        Ok(Self { holds, extension, axis, _turn: turn })
    }

    /// Reads a file; the error is the reason why it cannot be used.
    pub fn open(path: &Path, axis: SliceAxis) -> Result<Self, String> {
        let about = fs::metadata(path).map_err(|err| unavailable(&err))?;
        // Opening a pipe would wait for ever.
        if !about.is_file() {
            return Err("not a regular file".to_owned());
        }
        let extension = decode::extension(path);
        let is_volume = extension.as_ref().is_some_and(|extension| is_volume_name(path, extension));
        // A compressed volume may be much larger than its file.
        let large = if is_volume { volume_bytes(path) > LARGE } else { about.len() > LARGE };
        // A panic while another thread held this leaves nothing behind that could be wrong.
        let turn = large.then(|| ONE_LARGE.lock().unwrap_or_else(PoisonError::into_inner));
        let file = fs::File::open(path).map_err(|err| unavailable(&err))?;
        let holds = if is_volume && about.len() > 0 {
            Holds::Volume(Box::new(careful(|| Volume::read(BufReader::new(file)))?))
        } else {
            if about.len() > MAX_BYTES {
                return Err(format!("the file is larger than {} MB", MAX_BYTES >> 20));
            }
            let mut bytes = Vec::new();
            file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|err| unavailable(&err))?;
            Holds::of(bytes, extension.as_deref(), false)?
        };
        Ok(Self { holds, extension, axis, _turn: turn })
    }

    /// One of its pictures; the error is the reason why it cannot be used.
    pub fn picture(&self, part: usize) -> Result<Decoded, String> {
        let misnamed = |known: fn(&str) -> bool| self.extension.as_deref().is_some_and(|extension| !known(extension));
        careful(|| match &self.holds {
            Holds::Image(bytes) => decode::decode(bytes, self.extension.as_deref()),
            Holds::Dicom(dicom) => {
                let _turn = decode::turn(dicom.area() as u64);
                let (raster, windowed) = dicom.frame(part)?;
                Ok(Decoded { windowed, misnamed: misnamed(is_dicom_extension), ..Decoded::plain(raster) })
            }
            Holds::Volume(volume) => {
                let misnamed = misnamed(|extension| matches!(extension, "nii" | "gz"));
                let (windowed, series) = (volume.is_windowed(), volume.header.series);
                Ok(Decoded { windowed, series, misnamed, ..Decoded::plain(volume.slice(self.axis, part)?) })
            }
        })
    }
}

/// Bytes that a volume takes in memory, by its header.
fn volume_bytes(path: &Path) -> u64 {
    let header = || {
        let file = fs::File::open(path).map_err(|err| err.to_string())?;
        let head = volume::head(BufReader::new(file)).map_err(|err| err.to_string())?;
        nifti::Header::read(&head)
    };
    careful(header).map_or(0, |header| header.bytes())
}

/// Why a file cannot be opened.
fn unavailable(err: &std::io::Error) -> String {
    if err.kind() == std::io::ErrorKind::NotFound {
        "there is no such file".to_owned()
    } else {
        format!("cannot be read: {err}")
    }
}

impl Decoded {
    /// A picture of which nothing is to be told.
    pub(super) fn plain(raster: Raster) -> Self {
        let conversion = Conversion::default();
        Self { raster, conversion, several: false, turned: false, misnamed: false, windowed: false, series: false }
    }
}
