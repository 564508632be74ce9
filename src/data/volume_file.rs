//! Files of volumes, by their formats: how they are recognised, how many slices they have, and their voxels.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use super::catch_panic::catch_panic;
use super::decode;
use super::metaimage::{self, Place};
use super::nifti::{self, is_gzip};
use super::nrrd;
use super::reading::Reading;
use super::volume::{self, Volume};
use super::voxels::{Header, Packing};
use crate::guard;

/// A format of volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Nifti,
    Nrrd,
    MetaImage,
}

impl Format {
    /// By the extension: `.nii`, `.nii.gz` or the header of a pair; `.nrrd`; `.mha` or `.mhd`.
    pub fn named(path: &Path) -> Option<Self> {
        let extension = decode::extension(path)?;
        let inner = || path.file_stem().and_then(|stem| decode::extension(Path::new(stem)));
        match extension.as_str() {
            "nii" | "hdr" => Some(Self::Nifti),
            "gz" if inner().as_deref() == Some("nii") => Some(Self::Nifti),
            "nrrd" => Some(Self::Nrrd),
            "mha" | "mhd" => Some(Self::MetaImage),
            _ => None,
        }
    }
}

/// The format of a volume in memory: that of its content, else that of its name, where it is not empty.
pub(super) fn format_of(bytes: &[u8], named: Option<Format>) -> Option<Format> {
    if nifti::is_nifti(bytes) { Some(Format::Nifti) } else { named.filter(|_| !bytes.is_empty()) }
}

/// The volume of a file in memory, such as one inside an archive.
///
/// # Errors
/// Where it is damaged, or of a kind that is not read.
pub(super) fn of_bytes(bytes: &[u8], format: Format, reading: Reading) -> Result<Volume, String> {
    match format {
        Format::Nifti => Volume::read(bytes, reading),
        Format::Nrrd => Volume::of(nrrd::read(bytes)?, bytes, reading),
        Format::MetaImage => match metaimage::read(bytes)? {
            (header, Place::Here) => Volume::of(header, bytes, reading),
            (_, Place::Beside(..)) => {
                Err("its voxels lie in another file, which is not looked for in an archive; save it as one .mha"
                    .to_owned())
            }
        },
    }
}

/// A file whose header was read, and the file of its voxels.
struct Looked {
    header: Header,
    voxels: fs::File,
    /// Bytes of that file.
    length: u64,
    /// The whole of it is packed.
    packed: bool,
}

fn look(path: &Path, format: Format) -> Result<Looked, String> {
    let cause = |err: std::io::Error| format!("cannot be read: {err}");
    let mut file = BufReader::new(guard::open_regular(path).map_err(cause)?);
    let begin = |file: &mut BufReader<fs::File>, most: usize| {
        let mut bytes = Vec::new();
        file.by_ref().take(most as u64).read_to_end(&mut bytes).map_err(cause).map(|_| bytes)
    };
    let (mut beside, mut packed) = (None, false);
    let header = match format {
        Format::Nifti => {
            packed = is_gzip(file.fill_buf().map_err(cause)?);
            nifti::read(&volume::head(file).map_err(|err| format!("damaged or incomplete NIfTI: {err}"))?)?
        }
        Format::Nrrd => nrrd::read(&begin(&mut file, nrrd::HEADER)?)?,
        Format::MetaImage => {
            let (header, place) = metaimage::read(&begin(&mut file, metaimage::HEADER)?)?;
            beside = Some(place);
            header
        }
    };
    let Some(Place::Beside(name, skip)) = beside else {
        let voxels = guard::open_regular(path).map_err(cause)?;
        let length = voxels.metadata().map_err(cause)?.len();
        return Ok(Looked { header, voxels, length, packed });
    };
    let missing = |err| format!("the file of its voxels, {}, cannot be read: {err}", guard::line(&name));
    let voxels = guard::open_regular(&path.with_file_name(&name)).map_err(missing)?;
    let length = voxels.metadata().map_err(missing)?.len();
    let at_end = if header.packing == Packing::Plain { length.saturating_sub(header.bytes()) } else { 0 };
    let header = Header { offset: skip.unwrap_or(at_end), ..header }.checked()?;
    Ok(Looked { header, voxels, length, packed })
}

/// Reads a volume and no more of its file than its header needs.
///
/// # Errors
/// Where it is damaged, too large, or of a kind that is not read.
pub(super) fn open(path: &Path, format: Format, reading: Reading) -> Result<Volume, String> {
    let Looked { header, voxels, .. } = look(path, format)?;
    let from = BufReader::new(voxels);
    match format {
        Format::Nifti => Volume::read(from, reading),
        Format::Nrrd | Format::MetaImage => Volume::of(header, from, reading),
    }
}

/// How many slices a file has, where it can hold them.
///
/// # Errors
/// Where it is damaged, too large, or of a kind that is not read.
pub(super) fn slices(path: &Path, format: Format, reading: Reading) -> Result<usize, String> {
    let Looked { header, length, packed, .. } = look(path, format)?;
    header.slices(reading.axis, reading.is_clinical(), length, packed)
}

/// Bytes that a volume in memory takes once it is unpacked, by its header; 0 where that cannot be read.
pub(super) fn bytes_of(bytes: &[u8], format: Format) -> u64 {
    let header = || match format {
        Format::Nifti => nifti::read(&volume::head(bytes).map_err(|err| err.to_string())?),
        Format::Nrrd => nrrd::read(bytes),
        Format::MetaImage => metaimage::read(bytes).map(|(header, _)| header),
    };
    catch_panic(header).map_or(0, |header| header.bytes())
}

/// Bytes that a volume takes in memory, by its header; 0 where that cannot be read.
pub(super) fn bytes(path: &Path, format: Format) -> u64 {
    catch_panic(|| look(path, format)).map_or(0, |looked| looked.header.bytes())
}
