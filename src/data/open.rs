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
use super::limits::{MAX_PIXELS, turn};
use super::listing::{Content, File, MOST_PICTURES, Tree};
use super::packed::Archive;
use super::reading::{Cut, Reading};
use super::slide::{Slide, is_slide_extension};
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
    deep: bool,
    _turn: Option<MutexGuard<'static, ()>>,
}

enum Holds {
    Image(Vec<u8>),
    Dicom(Box<Dicom>),
    Volume(Box<Volume>),
    Stack(Box<Stack>),
    Slide(Box<Slide>),
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

/// Pixels that the images of any archive may have in all: less than a minute of work.
const PIXELS: u64 = 4_000_000_000;

/// And for each of its bytes: as many as a PNG of one colour has, at 1 bit a pixel and packed as tightly as can be. What is above is
/// packed twice, or refers to the same bytes again and again.
const PIXELS_PER_BYTE: u64 = 1032 * 8;

/// Bytes of a file in an archive that may stand before its size.
const BEFORE_SIZE: u64 = 1 << 20;

/// Refuses archives whose images would take unbounded time to decode. Only where they are many for its length are they looked at.
fn refuse_claims(tree: &Tree, data: &Path) -> Result<(), DataError> {
    let mut inside: Vec<Vec<usize>> = tree.archives.iter().map(|_| Vec::new()).collect();
    for (archive, member) in tree.files.iter().filter_map(|file| file.inside) {
        if let Some(members) = inside.get_mut(archive) {
            members.push(member);
        }
    }
    for (archive, members) in tree.archives.iter().zip(inside) {
        let most = archive.packed.saturating_mul(PIXELS_PER_BYTE).max(PIXELS);
        if (members.len() as u64).saturating_mul(MAX_PIXELS) <= most {
            continue;
        }
        let claimed =
            |member: &usize| decode::claimed_pixels(&archive.beginning(*member, BEFORE_SIZE), archive.length(*member));
        let pixels: u64 = members.par_iter().map(claimed).sum();
        if pixels > most {
            let message = format!(
                "its {} images have {} million pixels in {} kB: no real images are packed so tightly, and at most {} million are decoded of such a file",
                members.len(),
                pixels / 1_000_000,
                archive.packed.div_ceil(1000),
                most / 1_000_000
            );
            return Err(DataError::Table { file: data.to_owned(), message });
        }
    }
    Ok(())
}

/// Lists each picture of the files that hold several.
///
/// # Errors
/// Where `data` has more pictures than are taken, or an archive has more pixels than a file of its length may; nothing is listed
/// then.
pub(super) fn expand(tree: &mut Tree, data: &Path, cut: Cut) -> Result<(), DataError> {
    let reading = cut.reading;
    refuse_claims(tree, data)?;
    if !reading.is_clinical() {
        leave_out_newer(tree);
    }
    leave_out_slides(tree, reading);
    let counts: Vec<Parts> = {
        let archives = &tree.archives;
        let count = |file: &File| match file.content {
            Content::Row { .. } => Parts::One,
            _ if file.inside.is_some() => packed_pictures(file, archives, reading).map_or(Parts::One, Parts::Numbered),
            Content::Whole | Content::Part(_) | Content::Tile(..) => match tiles(&file.path, reading) {
                Some(tiles) => tiles,
                None => pictures(&file.path, reading).map_or(Parts::One, Parts::Numbered),
            },
        };
        tree.files.par_iter().map(count).collect()
    };
    let taken = |parts: &Parts| match parts {
        Parts::One => 1,
        Parts::Numbered(count) => count.div_ceil(cut.every),
        Parts::Tiles { tiles, .. } => tiles.len().div_ceil(cut.every),
    };
    let pictures = counts.iter().map(taken).fold(0_usize, usize::saturating_add);
    if pictures > MOST_PICTURES {
        return Err(DataError::TooMany { data: data.to_owned(), pictures });
    }
    if counts.iter().all(|parts| matches!(parts, Parts::One)) {
        return Ok(());
    }
    let files = std::mem::take(&mut tree.files).into_iter().zip(counts);
    // Slides, their tiles with tissue, and those without.
    let mut slides = [0_usize; 3];
    for (file, count) in files {
        match count {
            Parts::One => tree.files.push(file),
            Parts::Numbered(count) => {
                tree.files.extend((0..count).step_by(cut.every).map(|part| part_of(&file, Content::Part(part))));
            }
            Parts::Tiles { tiles, background } => {
                slides = [slides[0] + 1, slides[1] + tiles.len(), slides[2] + background];
                // A slide is of one patient, as far as anybody has said.
                let group = file.group.clone().or_else(|| Some(file.name.as_str().into()));
                let file = File { group, ..file };
                let tiles = tiles.into_iter().step_by(cut.every);
                tree.files.extend(tiles.map(|(x, y)| part_of(&file, Content::Tile(x, y))));
            }
        }
    }
    let [count, tiles, background] = slides;
    if count > 0 {
        let (side, of) = (reading.tiling.side, if count == 1 { "slide" } else { "slides" });
        tree.notes.push(format!(
            "{count} {of} cut into {tiles} tiles of {side} x {side} pixels with tissue; {background} tiles of background are left out"
        ));
    }
    Ok(())
}

/// What a file holds beside one picture.
enum Parts {
    One,
    Numbered(usize),
    /// Where the tiles of a slide begin, and how many others there are.
    Tiles {
        tiles: Vec<(u32, u32)>,
        background: usize,
    },
}

/// One of several pictures of a file.
fn part_of(file: &File, content: Content) -> File {
    File { content, path: file.path.clone(), name: file.name.clone(), group: file.group.clone(), ..*file }
}

/// The tiles of a slide; nothing where a file is none, or has none with tissue, which is told when it is opened.
fn tiles(path: &Path, reading: Reading) -> Option<Parts> {
    if reading.tiling.is_off() || !is_slide_extension(decode::extension(path).as_deref()) {
        return None;
    }
    let listed = catch_panic(|| Slide::open(path, reading.tiling)?.map(|slide| slide.tiles()).transpose());
    let (tiles, background) = listed.ok().flatten()?;
    Some(if tiles.is_empty() { Parts::One } else { Parts::Tiles { tiles, background } })
}

/// Leaves out slides where nothing says how they are cut: they are too large for one image.
fn leave_out_slides(tree: &mut Tree, reading: Reading) {
    let is_slide = |file: &File| decode::extension(Path::new(&file.name)).as_deref() == Some("svs");
    if reading.tiling.is_off() && tree.files.iter().any(is_slide) {
        let count = tree.retain(|file| !is_slide(file));
        tree.notes.push(format!("{count} slides (.svs) are left out: data.tile cuts them into tiles"));
    }
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
        // In an archive nothing is read piece by piece.
        Holds::Slide(_) => None,
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
        Ok(Self { holds, extension, deep: reading.deep, _turn: turn })
    }

    /// Reads a file; the error is the reason why it cannot be used.
    pub fn open(path: &Path, reading: Reading) -> Result<Self, String> {
        let about = fs::metadata(path).map_err(|err| unavailable(&err))?;
        // Opening a pipe would wait for ever.
        if !about.is_file() {
            return Err("not a regular file".to_owned());
        }
        let (extension, format) = (decode::extension(path), Format::named(path));
        if !reading.tiling.is_off() && is_slide_extension(extension.as_deref()) {
            let slide = catch_panic(|| Slide::open(path, reading.tiling))?;
            if let Some(slide) = slide {
                let holds = Holds::Slide(Box::new(slide));
                return Ok(Self { holds, extension, deep: false, _turn: None });
            }
        }
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
        Ok(Self { holds, extension, deep: reading.deep, _turn: turn })
    }

    /// The patient that a file names, where the settings ask.
    pub fn patient(&self) -> Option<&str> {
        match &self.holds {
            Holds::Dicom(dicom) => dicom.patient(),
            Holds::Image(_) | Holds::Volume(_) | Holds::Stack(_) | Holds::Slide(_) => None,
        }
    }

    /// What a source lists of it; the error is the reason why it cannot be used.
    pub fn content(&self, content: Content) -> Result<Decoded, String> {
        match (content, &self.holds) {
            (Content::Tile(x, y), Holds::Slide(slide)) => catch_panic(|| slide.tile((x, y)).map(Decoded::plain)),
            (Content::Part(part), _) => self.picture(part),
            (Content::Whole | Content::Tile(..) | Content::Row { .. }, _) => self.picture(0),
        }
    }

    /// One of its pictures; the error is the reason why it cannot be used.
    fn picture(&self, part: usize) -> Result<Decoded, String> {
        let misnamed = |known: fn(&str) -> bool| self.extension.as_deref().is_some_and(|extension| !known(extension));
        catch_panic(|| match &self.holds {
            Holds::Image(bytes) => decode::decode(bytes, self.extension.as_deref(), self.deep),
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
            Holds::Slide(slide) => {
                let (tiles, background) = slide.tiles()?;
                let found = if tiles.is_empty() { "shows tissue" } else { "was asked for" };
                Err(format!("a slide of which no tile {found}, of {}", tiles.len() + background))
            }
            Holds::Stack(stack) => {
                let misnamed = misnamed(|extension| matches!(extension, "tif" | "tiff"));
                let windowed = stack.is_windowed();
                Ok(Decoded { windowed, misnamed, ..Decoded::plain(stack.picture(part, self.deep)?) })
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

#[cfg(test)]
mod tests {
    use super::super::packed::{Blob, Members};
    use super::*;

    /// A PNG that claims a size, and holds nothing of it.
    fn claim(side: u32) -> Vec<u8> {
        let chunk = |kind: &[u8; 4], content: &[u8]| {
            let mut sum = flate2::Crc::new();
            sum.update(&[kind, content].concat());
            let length = u32::try_from(content.len()).unwrap().to_be_bytes();
            [&length, &kind[..], content, &sum.sum().to_be_bytes()].concat()
        };
        let head = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
        [b"\x89PNG\r\n\x1A\n".to_vec(), chunk(b"IHDR", &head), chunk(b"IDAT", &[0; 8])].concat()
    }

    fn many(images: usize, side: u32, packed: u64) -> Result<(), DataError> {
        let png = claim(side);
        let pieces = vec![(0, png.len() as u64); images];
        let archive = Archive { members: Members::Pieces(Blob::Memory(png), pieces), packed };
        let file = |member| File { inside: Some((0, member)), ..File::default() };
        let tree = Tree { archives: vec![archive], files: (0..images).map(file).collect(), ..Tree::default() };
        refuse_claims(&tree, Path::new("set.parquet"))
    }

    #[test]
    fn an_archive_with_more_pixels_than_a_file_of_its_length_may_have_is_refused() {
        many(40, 10_000, 1400).unwrap();
        let told = many(400, 10_000, 1400).unwrap_err().to_string();
        assert!(told.starts_with("set.parquet") && told.contains("400 images have 40000 million pixels"), "{told}");
        // A larger file may, and what is refused for its own size takes no time.
        many(400, 10_000, 5_000_000).unwrap();
        many(400, 20_000, 1400).unwrap();
        many(10_000, 100, 1400).unwrap();
    }
}
