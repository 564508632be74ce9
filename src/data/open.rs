//! Opens a file of one picture or several: an image, the frames of a DICOM file, the slices of a volume, the pages of a stack.

use std::fs;
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::DataError;
use super::catch_panic::catch_panic;
use super::convert::{Conversion, Raster};
use super::decode::{self, Decoded, Scan};
use super::dicom::{self, is_dicom};
use super::dicom_picture::{Dicom, most_frames};
use super::dicom_values::How;
use super::limits::turn;
use super::listing::{Content, File, MOST_PICTURES, Tree};
use super::packed::Archive;
use super::reading::{Cut, Reading};
use super::tiff_stack::{self, Stack};
use super::volume::Volume;
use super::volume_file::{self, Format};

/// The largest file in bytes.
const MAX_BYTES: u64 = 512 << 20;

/// Files from this size on are held in memory one at a time, and so are volumes and frames of this many bytes.
const LARGE: u64 = 32 << 20;

/// Held while a large file is, so that many threads do not take the memory for one each.
static ONE_LARGE: Mutex<()> = Mutex::new(());

/// Bytes in which a DICOM file's description of its picture is looked for, first and at last.
const BEGINNINGS: [u64; 2] = [8 << 10, 1 << 20];

/// A file that was opened.
pub(super) struct Opened {
    holds: Holds,
    extension: Option<String>,
    _turn: Option<MutexGuard<'static, ()>>,
}

enum Holds {
    Image(Vec<u8>),
    Dicom(Box<Dicom>),
    Volume(Box<Volume>),
    Stack(Box<Stack>),
}

impl Holds {
    fn of(bytes: Vec<u8>, extension: Option<&str>, format: Option<Format>, reading: Reading) -> Result<Self, String> {
        let named = extension.is_none_or(is_dicom_extension);
        if bytes.get(128..132) == Some(b"DICM") || (named && is_dicom(&bytes)) {
            Ok(Self::Dicom(Box::new(catch_panic(|| Dicom::read(bytes, reading))?)))
        } else if let Some(format) = volume_file::format_of(&bytes, format) {
            Ok(Self::Volume(Box::new(catch_panic(|| volume_file::of_bytes(&bytes, format, reading))?)))
        } else if reading.is_clinical() && tiff_stack::is_tiff(&bytes) {
            Ok(match catch_panic(|| Stack::open(bytes))? {
                Ok(stack) => Self::Stack(Box::new(stack)),
                Err(bytes) => Self::Image(bytes),
            })
        } else {
            Ok(Self::Image(bytes))
        }
    }
}

/// Whether a file should be opened: its extension is a picture's, or it has none.
pub(super) fn may_be_picture(path: &Path) -> bool {
    let Some(extension) = decode::extension(path) else { return true };
    decode::is_image_extension(&extension) || is_dicom_extension(&extension) || Format::named(path).is_some()
}

fn is_dicom_extension(extension: &str) -> bool {
    // Exports of scanners often end in the last number of the file's identifier.
    matches!(extension, "dcm" | "dicom" | "dic" | "ima")
        || (!extension.is_empty() && extension.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Lists each picture of the files that hold several.
///
/// # Errors
/// Where `data` has more pictures than are taken; nothing is listed then.
pub(super) fn expand(tree: &mut Tree, data: &Path, cut: Cut) -> Result<(), DataError> {
    let reading = cut.reading;
    if !reading.is_clinical() {
        leave_out_newer(tree);
    }
    let counts: Vec<Option<usize>> = {
        let archives = &tree.archives;
        let count = |file: &File| match file.content {
            Content::Row { .. } => None,
            _ if file.inside.is_some() => packed_pictures(file, archives, reading),
            Content::Whole | Content::Part(_) => pictures(&file.path, reading),
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

/// Leaves out files of formats that sessions from before `data.scans` did not know.
fn leave_out_newer(tree: &mut Tree) {
    let newer = |file: &File| {
        let format = Format::named(Path::new(&file.name)).filter(|_| !matches!(file.content, Content::Row { .. }));
        matches!(format, Some(Format::Nrrd | Format::MetaImage))
    };
    if tree.files.iter().any(newer) {
        let count = tree.retain(|file| !newer(file));
        tree.notes
            .push(format!("{count} volumes (.nrrd, .mha, .mhd) are left out: data.scans = \"clinical\" reads them"));
    }
}

/// Whether a file may hold several pictures, by its extension.
fn may_be_several(extension: Option<&str>, reading: Reading) -> bool {
    extension.is_none_or(is_dicom_extension) || (reading.is_clinical() && is_tiff_extension(extension))
}

fn is_tiff_extension(extension: Option<&str>) -> bool {
    matches!(extension, Some("tif" | "tiff"))
}

/// How many pictures a file holds by its beginning; nothing for single ones and for all that cannot be read, which is
/// told when it is opened.
fn pictures(path: &Path, reading: Reading) -> Option<usize> {
    let (extension, format) = (decode::extension(path), Format::named(path));
    if format.is_none() && !may_be_several(extension.as_deref(), reading) {
        return None;
    }
    let about = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let count = || match format {
        Some(format) => volume_file::slices(path, format, reading).map(Some),
        None if is_tiff_extension(extension.as_deref()) => {
            let file = fs::File::open(path).map_err(|err| err.to_string())?;
            Ok(Some(tiff_stack::pages(BufReader::new(file)).len()).filter(|pages| *pages > 1))
        }
        None => Ok(count_frames(path, about.len(), reading)),
    };
    catch_panic(count).ok().flatten()
}

/// The same of a file inside an archive, which is opened for that where its name may be that of several pictures.
fn packed_pictures(file: &File, archives: &[Archive], reading: Reading) -> Option<usize> {
    let extension = decode::extension(Path::new(&file.name));
    if Format::named(Path::new(&file.name)).is_none() && !may_be_several(extension.as_deref(), reading) {
        return None;
    }
    let opened = Opened::of(file, archives, reading).ok()?;
    match &opened.holds {
        Holds::Image(_) => None,
        Holds::Dicom(dicom) => Some(dicom.frames()).filter(|frames| *frames > 1),
        Holds::Volume(volume) => Some(volume.slices()),
        Holds::Stack(stack) => Some(stack.len()),
    }
}

fn count_frames(path: &Path, length: u64, reading: Reading) -> Option<usize> {
    for most in BEGINNINGS {
        let mut start = Vec::new();
        fs::File::open(path).ok()?.take(most).read_to_end(&mut start).ok()?;
        if !is_dicom(&start) {
            return None;
        }
        let whole = start.len() as u64 == length;
        if whole {
            return Dicom::read(start, reading).ok().map(|dicom| dicom.frames()).filter(|frames| *frames > 1);
        }
        let header = dicom::Elements::read(start, reading.is_clinical()).ok()?.header;
        // Elements stand in rising order, so that the number of frames is known once their size is.
        if header.columns > 0 {
            // A frame has the 8 bytes of its piece's head at least.
            let most = usize::try_from(length / 8).unwrap_or(usize::MAX);
            let most = most.min(most_frames(length, header.rows * header.columns));
            return Some(header.frames.min(most)).filter(|frames| *frames > 1);
        }
    }
    None
}

impl Opened {
    /// Reads a file, wherever it lies; the error is the reason why it cannot be used.
    pub fn of(file: &File, archives: &[Archive], reading: Reading) -> Result<Self, String> {
        let Some((archive, member)) = file.inside else { return Self::open(&file.path, reading) };
        let archive = archives.get(archive).ok_or("the archive has no such file")?;
        // A panic while another thread held this leaves nothing behind that could be wrong.
        let turn = (archive.length(member) > LARGE).then(|| ONE_LARGE.lock().unwrap_or_else(PoisonError::into_inner));
        let bytes = catch_panic(|| archive.read(member))?;
        let name = Path::new(&file.name);
        let extension = decode::extension(name);
        let format = Format::named(name);
        // A packed volume is large by what is in it.
        let volume = format.map_or(0, |format| volume_file::bytes_of(&bytes, format));
        let turn = turn.or_else(|| (volume > LARGE).then(|| ONE_LARGE.lock().unwrap_or_else(PoisonError::into_inner)));
        let holds = Holds::of(bytes, extension.as_deref(), format, reading)?;
        Ok(Self { holds, extension, _turn: turn })
    }

    /// Reads a file; the error is the reason why it cannot be used.
    pub fn open(path: &Path, reading: Reading) -> Result<Self, String> {
        let about = fs::metadata(path).map_err(|err| unavailable(&err))?;
        // Opening a pipe would wait for ever.
        if !about.is_file() {
            return Err("not a regular file".to_owned());
        }
        let (extension, format) = (decode::extension(path), Format::named(path));
        // A compressed volume may be much larger than its file.
        let large = format.map_or(about.len(), |format| volume_file::bytes(path, format)) > LARGE;
        // A panic while another thread held this leaves nothing behind that could be wrong.
        let turn = large.then(|| ONE_LARGE.lock().unwrap_or_else(PoisonError::into_inner));
        let file = fs::File::open(path).map_err(|err| unavailable(&err))?;
        let holds = match format {
            Some(format) if about.len() > 0 => {
                Holds::Volume(Box::new(catch_panic(|| volume_file::open(path, format, reading))?))
            }
            Some(_) | None => {
                if about.len() > MAX_BYTES {
                    return Err(format!("the file is larger than {} MB", MAX_BYTES >> 20));
                }
                let mut bytes = Vec::new();
                file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|err| unavailable(&err))?;
                Holds::of(bytes, extension.as_deref(), None, reading)?
            }
        };
        Ok(Self { holds, extension, _turn: turn })
    }

    /// The patient that a file names, where the settings ask.
    pub fn patient(&self) -> Option<&str> {
        match &self.holds {
            Holds::Dicom(dicom) => dicom.patient(),
            Holds::Image(_) | Holds::Volume(_) | Holds::Stack(_) => None,
        }
    }

    /// One of its pictures; the error is the reason why it cannot be used.
    pub fn picture(&self, part: usize) -> Result<Decoded, String> {
        let misnamed = |known: fn(&str) -> bool| self.extension.as_deref().is_some_and(|extension| !known(extension));
        catch_panic(|| match &self.holds {
            Holds::Image(bytes) => decode::decode(bytes, self.extension.as_deref()),
            Holds::Dicom(dicom) => {
                let _turn = turn(dicom.area() as u64);
                let (raster, how) = dicom.frame(part)?;
                let (windowed, misnamed) = (how == How::Percentiles, misnamed(is_dicom_extension));
                let scan = Scan { fixed: how == How::Fixed, ..Scan::default() };
                Ok(Decoded { windowed, misnamed, scan, ..Decoded::plain(raster) })
            }
            Holds::Volume(volume) => {
                let misnamed = misnamed(|extension| matches!(extension, "nii" | "gz" | "nrrd" | "mha" | "mhd"));
                let (raster, scan) = volume.slice(part)?;
                let (windowed, series) = (volume.is_windowed() && !scan.fixed, volume.header.series);
                Ok(Decoded { windowed, series, misnamed, scan, ..Decoded::plain(raster) })
            }
            Holds::Stack(stack) => {
                let misnamed = misnamed(|extension| matches!(extension, "tif" | "tiff"));
                let windowed = stack.is_windowed();
                Ok(Decoded { windowed, misnamed, ..Decoded::plain(stack.picture(part)?) })
            }
        })
    }
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
        let scan = Scan::default();
        Self {
            raster,
            conversion,
            several: false,
            turned: false,
            misnamed: false,
            windowed: false,
            series: false,
            scan,
        }
    }
}
