//! Reads what a DICOM file says about its picture, and where its pixels stand.
//!
//! Elements are met one by one, and each length is held against the length of the file before anything is read. What is
//! inside a sequence is passed over, so that a small picture in another (an icon) is not taken for the file's own.

use std::io::{Cursor, Read as _};
use std::ops::{Range, RangeInclusive};

use dicom_core::{Tag, VR};
use dicom_parser::StatefulDecode;
use dicom_parser::dataset::LazyDataToken;
use dicom_parser::dataset::lazy_read::LazyDataSetReader;
use dicom_parser::stateful::decode::DynStatefulDecoder;
use dicom_transfer_syntax_registry::{TransferSyntaxIndex as _, TransferSyntaxRegistry};
use flate2::read::DeflateDecoder;

use super::dicom_shown::{Inside, Shown, number, words};

/// Sequences inside each other that are followed.
const DEEPEST: usize = 64;

/// The most bytes that a deflated file may hold.
const MAX_BYTES: u64 = 256 << 20;

const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);

/// Transfer syntaxes: how elements are written.
const IMPLICIT: &str = "1.2.840.10008.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// Where the pixels are, in bytes of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pixels {
    /// Frame after frame, without compression.
    Plain(Range<usize>),
    /// Compressed pieces; which frame begins where, told in bytes from the first piece's head.
    Pieces { offsets: Vec<u64>, pieces: Vec<Range<usize>> },
}

/// What a file says about its picture.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub little: bool,
    pub syntax: String,
    pub photometric: String,
    pub samples: usize,
    pub planar: bool,
    pub frames: usize,
    pub rows: usize,
    pub columns: usize,
    pub allocated: usize,
    pub stored: usize,
    pub high_bit: usize,
    pub signed: bool,
    /// How values are shown, as far as it is said for the file as a whole.
    pub shown: Shown,
    /// The same inside of sequences.
    pub inside: Inside,
    /// What stands where there is no picture, as stored, and the other end of its range.
    pub padding: Option<u16>,
    pub padding_limit: Option<u16>,
    /// `CT`, `MR`, ...
    pub modality: String,
    /// The patient's identifier. It groups images and is told nobody.
    pub patient: String,
    /// Pixels are there, but as floating-point numbers.
    pub has_floats: bool,
    /// Where frames begin, by a table of its own for long files.
    pub long_offsets: Vec<u64>,
    /// For each of the three colour tables: entries, first value, bits; and where the entries stand.
    pub palette_about: [Vec<i32>; 3],
    pub palette: [Option<Range<usize>>; 3],
    pub pixels: Option<Pixels>,
    /// Whether the pixels are stored as words of 16 bits, also where each has 8.
    pub words: bool,
}

/// Whether bytes begin like a DICOM file, with its preamble or without.
pub(super) fn is_dicom(bytes: &[u8]) -> bool {
    bytes.get(128..132) == Some(b"DICM") || is_bare(bytes)
}

/// Whether bytes begin with an element of group 8 (or 2), as files without a preamble do.
pub(super) fn is_bare(bytes: &[u8]) -> bool {
    let Some(&[low, 0, element, 0, kind @ ..]) = bytes.first_chunk::<8>() else { return false };
    let explicit = VR::from_binary([kind[0], kind[1]]).is_some();
    let implicit = kind[2..] == [0, 0] && (1..=128).contains(&kind[0]);
    matches!(low, 2 | 8) && matches!(element, 0..=0x20) && (explicit || implicit)
}

/// Bytes of a file and what is known of its picture.
pub(super) struct Elements {
    pub header: Header,
    /// The file, or what a deflated one holds.
    pub bytes: Vec<u8>,
}

impl Elements {
    /// Reads a file's bytes, or for the number of frames alone its beginning. With `lenient`, a file that leaves out the kinds of its
    /// elements against its own description is read nevertheless.
    ///
    /// # Errors
    /// Where the bytes are no DICOM file. Damage further on leaves out what could not be read.
    pub fn read(bytes: Vec<u8>, lenient: bool) -> Result<Self, String> {
        let not_one = || "not a DICOM file, whatever its name".to_owned();
        let preamble = bytes.get(128..132) == Some(b"DICM");
        if !preamble && !is_bare(&bytes) {
            return Err(not_one());
        }
        let start = if preamble { 132 } else { 0 };
        let (mut syntax, at) = meta(&bytes, start);
        let has_kinds =
            |at: usize| bytes.get(at + 4..at + 6).is_some_and(|kind| VR::from_binary([kind[0], kind[1]]).is_some());
        let as_implicit = lenient && !matches!(syntax.as_str(), "" | DEFLATED | BIG_ENDIAN) && !has_kinds(at);
        if syntax.is_empty() {
            // Without a description of the file, the first element tells whether kinds are written.
            if has_kinds(at) { EXPLICIT } else { IMPLICIT }.clone_into(&mut syntax);
        }
        let (bytes, at) = if syntax == DEFLATED { (inflated(&bytes[at..])?, 0) } else { (bytes, at) };
        let mut header = Header { little: syntax != BIG_ENDIAN, syntax, frames: 1, samples: 1, ..Header::default() };
        let written = if as_implicit { IMPLICIT.to_owned() } else { header.syntax.clone() };
        header.walk(&bytes, at, &written);
        Ok(Self { header, bytes })
    }
}

/// What a deflated file holds after its description.
fn inflated(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut whole = Vec::new();
    let read = DeflateDecoder::new(bytes).take(MAX_BYTES + 1).read_to_end(&mut whole);
    read.map_err(|err| format!("damaged or incomplete DICOM: {err}"))?;
    if whole.len() as u64 > MAX_BYTES {
        return Err(format!("too large: its content takes more than {} MB", MAX_BYTES >> 20));
    }
    Ok(whole)
}

type Reader<'a> = LazyDataSetReader<DynStatefulDecoder<Cursor<&'a [u8]>>>;

fn reader<'a>(bytes: &'a [u8], at: usize, syntax: &str) -> Option<Reader<'a>> {
    let mut from = Cursor::new(bytes);
    from.set_position(at as u64);
    // What is inside a deflated file, and all that is unknown, is written with kinds.
    let known = TransferSyntaxRegistry.get(syntax).filter(|_| syntax != DEFLATED);
    LazyDataSetReader::new_with_ts(from, known.or_else(|| TransferSyntaxRegistry.get(EXPLICIT))?).ok()
}

/// The transfer syntax that the file's own description names, and where the description ends.
fn meta(bytes: &[u8], start: usize) -> (String, usize) {
    let (mut syntax, mut end) = (String::new(), start);
    let Some(mut reader) = reader(bytes, start, EXPLICIT) else { return (syntax, end) };
    while bytes.get(end..end + 2) == Some(&[2, 0]) {
        match reader.advance() {
            Some(Ok(LazyDataToken::LazyValue { header, decoder })) => {
                let Some(value) = within(bytes, decoder.position(), header.len.0) else { break };
                if header.tag == Tag(0x0002, 0x0010) {
                    syntax = words(&bytes[value.clone()]);
                }
                end = value.end;
                if decoder.skip_bytes(header.len.0).is_err() {
                    break;
                }
            }
            Some(Ok(LazyDataToken::ElementHeader(_))) => {}
            // The description holds no sequences.
            Some(Ok(_) | Err(_)) | None => break,
        }
    }
    (syntax, end)
}

/// The place of a value, where the file has so many bytes.
fn within(bytes: &[u8], position: u64, length: u32) -> Option<Range<usize>> {
    let start = usize::try_from(position).ok()?;
    let end = start.checked_add(length as usize)?;
    (end <= bytes.len()).then_some(start..end)
}

impl Header {
    /// Follows the elements up to the pixels, or to where the file ends or makes no sense.
    fn walk(&mut self, bytes: &[u8], at: usize, written: &str) {
        let Some(mut reader) = reader(bytes, at, written) else { return };
        // Sequences that are open, and the item that is met, counted from 1.
        let mut path: Vec<(Tag, usize)> = Vec::new();
        // The pieces of compressed pixels, the first of which is the table of offsets.
        let mut pieces: Option<Vec<Range<usize>>> = None;
        while let Some(Ok(token)) = reader.advance() {
            match token {
                LazyDataToken::SequenceStart { tag, .. } => path.push((tag, 0)),
                LazyDataToken::PixelSequenceStart if path.is_empty() => pieces = Some(Vec::new()),
                LazyDataToken::PixelSequenceStart => path.push((PIXEL_DATA, 0)),
                LazyDataToken::SequenceEnd => {
                    if let Some(pieces) = pieces.take() {
                        self.pixels = Some(self.in_pieces(bytes, pieces));
                        return;
                    }
                    path.pop();
                }
                LazyDataToken::LazyValue { header, decoder } => {
                    let Some(value) = within(bytes, decoder.position(), header.len.0) else { return };
                    if path.is_empty() && header.tag == PIXEL_DATA {
                        (self.pixels, self.words) = (Some(Pixels::Plain(value)), header.vr == VR::OW);
                        return;
                    }
                    if path.is_empty() {
                        self.note(bytes, header.tag, value);
                    } else {
                        // Without kinds, the sign of a table's first value is that of the values it is looked up by.
                        let below = self.signed || self.shown.intercept.is_some_and(|intercept| intercept < 0.0);
                        let kind = (self.little, written == IMPLICIT && below);
                        self.inside.note(&path, &header, kind, &bytes[value.clone()], value);
                    }
                    if decoder.skip_bytes(header.len.0).is_err() {
                        return;
                    }
                }
                LazyDataToken::LazyItemValue { len, decoder } => {
                    let Some(value) = within(bytes, decoder.position(), len) else { return };
                    if let Some(pieces) = &mut pieces {
                        pieces.push(value);
                    }
                    if decoder.skip_bytes(len).is_err() {
                        return;
                    }
                }
                LazyDataToken::ItemStart { len } => {
                    // An empty table of offsets comes without a value.
                    if let Some(pieces) = pieces.as_mut().filter(|pieces| pieces.is_empty() && len.0 == 0) {
                        pieces.push(0..0);
                    } else if let Some((_, item)) = path.last_mut() {
                        *item += 1;
                    }
                }
                LazyDataToken::ItemEnd | LazyDataToken::ElementHeader(_) => {}
                // A kind of token that a later version of the reader may add.
                _ => return,
            }
            if path.len() > DEEPEST {
                return;
            }
        }
    }

    /// Remembers an element's value where it matters.
    fn note(&mut self, bytes: &[u8], tag: Tag, place: Range<usize>) {
        let value = &bytes[place.clone()];
        let little = self.little;
        let short = |pair: &[u8]| number(little, pair);
        let first = || value.get(..2).map_or(0, short);
        self.shown.note(tag, value);
        match (tag.0, tag.1) {
            (0x0008, 0x0060) => self.modality = words(value),
            (0x0010, 0x0020) => self.patient = words(value),
            (0x0028, 0x0002) => self.samples = first().into(),
            (0x0028, 0x0004) => self.photometric = words(value),
            (0x0028, 0x0006) => self.planar = first() == 1,
            (0x0028, 0x0008) => self.frames = words(value).parse().unwrap_or(1),
            (0x0028, 0x0010) => self.rows = first().into(),
            (0x0028, 0x0011) => self.columns = first().into(),
            (0x0028, 0x0100) => self.allocated = first().into(),
            (0x0028, 0x0101) => self.stored = first().into(),
            (0x0028, 0x0102) => self.high_bit = first().into(),
            (0x0028, 0x0103) => self.signed = first() == 1,
            (0x0028, 0x0120) => self.padding = Some(first()),
            (0x0028, 0x0121) => self.padding_limit = Some(first()),
            (0x0028, 0x1101..=0x1103) => {
                let about = value.chunks_exact(2).take(3).map(|pair| short(pair).into());
                self.palette_about[usize::from(tag.1 - 0x1101)] = about.collect();
            }
            (0x7FE0, 0x0001) => {
                let offset = |eight: &[u8]| eight.try_into().map_or(0, u64::from_le_bytes);
                self.long_offsets = value.chunks_exact(8).map(offset).collect();
            }
            (0x7FE0, 0x0008 | 0x0009) => self.has_floats = true,
            (0x0028, 0x1201..=0x1203) => self.palette[usize::from(tag.1 - 0x1201)] = Some(place),
            _ => {}
        }
    }

    /// Compressed pixels, of whose pieces the first is the table of offsets.
    fn in_pieces(&mut self, bytes: &[u8], mut pieces: Vec<Range<usize>>) -> Pixels {
        let table = if pieces.is_empty() { 0..0 } else { pieces.remove(0) };
        let four = |four: &[u8]| four.try_into().map_or(0, u32::from_le_bytes).into();
        let offsets: Vec<u64> = bytes[table].chunks_exact(4).map(four).collect();
        let long = std::mem::take(&mut self.long_offsets);
        Pixels::Pieces { offsets: if offsets.is_empty() { long } else { offsets }, pieces }
    }

    /// The stored values that stand where there is no picture.
    pub fn padding(&self) -> Option<RangeInclusive<i32>> {
        let value = |stored: u16| if self.signed { (stored as i16).into() } else { i32::from(stored) };
        let one = value(self.padding?);
        let other = self.padding_limit.map_or(one, value);
        Some(one.min(other)..=one.max(other))
    }
}
