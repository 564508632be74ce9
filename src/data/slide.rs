//! Whole-slide pyramids (tiled TIFF and BigTIFF, SVS) as square tiles with tissue in them, read one by one from the file.
//!
//! A tile has `data.tile` pixels of the first page a side, and is read from the smallest page that still has `image_size` of them, so
//! that a wide field of view costs no more than a narrow one. Which tiles show tissue is decided on a small page: a pixel is tissue
//! where its strongest and its weakest colour lie 20 of 255 apart, as glass, paper and black borders are grey; a tile is taken where a
//! quarter of its pixels are. Tiles go row by row; what is left at the right and lower border is no tile.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::convert::Raster;
use super::decode::jpeg_sizes;
use super::depth::Deep;
use super::dicom_samples::from_ybr;
use super::limits::turn;
use super::listing::MOST_PICTURES;
use super::reading::Tiling;
use crate::guard;

/// The most pixels of a page in which tissue is looked for.
const MOST_LOOKED_AT: u64 = 64_000_000;

/// Pixels of that page a side of a tile, at least.
const LEAST_SIDE: f64 = 4.0;

/// The most pixels of a piece in which a page is stored.
const MOST_PIECE: u64 = 4 << 20;

/// The most bytes that a piece is stored in.
const MOST_STORED: u64 = 4 * MOST_PIECE;

/// How TIFF numbers JPEG.
const JPEG: u16 = 7;

/// The most bytes of the list of a page's pieces.
const MOST_LIST: usize = 64 << 20;

/// The most pages that are looked through.
const MOST_PAGES: usize = 64;

/// How far apart the colours of a pixel of tissue are.
const COLOURED: u8 = 20;

/// The share of a tile's pixels that are tissue.
const TISSUE: f64 = 0.25;

/// How far the shape of a smaller page may differ from the first one's; labels and overviews of the glass have another.
const SAME_SHAPE: f64 = 0.02;

/// A page that shows the whole slide.
#[derive(Clone, Copy, Debug)]
struct Level {
    page: usize,
    width: usize,
    height: usize,
    /// Pixels of the first page that one of these spans.
    scale: f64,
}

impl Level {
    fn area(&self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

/// Pixels from the left and from above, up to where the other two are.
#[derive(Clone, Copy)]
struct Part {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

/// The page that a decoder is at.
struct Page {
    number: usize,
    /// The place and the length of each of its pieces.
    pieces: Vec<(u64, u64)>,
    /// Whether they are JPEG.
    is_jpeg: bool,
}

struct Pages {
    decoder: Decoder<BufReader<File>>,
    at: Option<Page>,
    /// The piece that was decoded last: neighbouring tiles often lie in one.
    last: Option<((usize, usize), Vec<u8>)>,
}

/// A slide, whose file stays open.
pub(super) struct Slide {
    pages: Mutex<Pages>,
    levels: Vec<Level>,
    tiling: Tiling,
}

fn wrong(err: TiffError) -> String {
    format!("damaged or incomplete TIFF: {err}")
}

/// Whether a file's extension is that of a slide, or of a TIFF file that may be one.
pub(super) fn is_slide_extension(extension: Option<&str>) -> bool {
    matches!(extension, Some("tif" | "tiff" | "svs"))
}

impl Slide {
    /// Opens a file; nothing where its first page is not stored in tiles of bytes in colour or grey, or is smaller than a tile.
    ///
    /// # Errors
    /// Where it cannot be opened, or is damaged.
    pub fn open(path: &Path, tiling: Tiling) -> Result<Option<Self>, String> {
        let file = guard::open_regular(path).map_err(|err| format!("cannot be read: {err}"))?;
        let mut limits = Limits::default();
        limits.ifd_value_size = MOST_LIST;
        // What is no TIFF is read, or refused, as what it is.
        let Ok(decoder) = Decoder::new(BufReader::new(file)) else { return Ok(None) };
        let mut decoder = decoder.with_limits(limits);
        let (width, height) = decoder.dimensions().map_err(wrong)?;
        let tile = u32::try_from(tiling.side).unwrap_or(u32::MAX);
        if !is_cut(&mut decoder) || width.min(height) < tile || tile == 0 {
            return Ok(None);
        }
        let base = Level { page: 0, width: width as usize, height: height as usize, scale: 1.0 };
        let mut levels = vec![base];
        for page in 1..MOST_PAGES {
            // What is damaged further on is a level less.
            if !decoder.more_images() || decoder.next_image().is_err() {
                break;
            }
            let Ok((w, h)) = decoder.dimensions() else { break };
            let scale = f64::from(width) / f64::from(w.max(1));
            let same = (f64::from(height) / scale / f64::from(h.max(1)) - 1.0).abs() < SAME_SHAPE;
            if same && w < width && is_cut(&mut decoder) {
                levels.push(Level { page, width: w as usize, height: h as usize, scale });
            }
        }
        levels.sort_by(|a, b| a.scale.total_cmp(&b.scale));
        Ok(Some(Self { pages: Mutex::new(Pages { decoder, at: None, last: None }), levels, tiling }))
    }

    /// Where the tiles with tissue begin, in pixels of the first page from the left and from above, row by row; and how many tiles
    /// of background there are.
    ///
    /// # Errors
    /// Where the slide has too many tiles, no page that is small enough to look for tissue, or a damaged one.
    pub fn tiles(&self) -> Result<(Vec<(u32, u32)>, usize), String> {
        let (base, side) = (self.levels[0], self.tiling.side);
        let (columns, rows) = (base.width / side, base.height / side);
        let all = columns.saturating_mul(rows);
        let about = format!("a slide of {} x {} pixels", base.width, base.height);
        if all > MOST_PICTURES {
            return Err(format!("{about}, which has {all} tiles of {side}: set data.tile higher"));
        }
        let fits = |level: &&Level| side as f64 / level.scale >= LEAST_SIDE && level.area() <= MOST_LOOKED_AT;
        let Some(look) = self.levels.iter().rev().find(fits) else {
            return Err(format!(
                "{about} without a small page in which tissue could be looked for: save it as a pyramid, or set data.tile higher"
            ));
        };
        let tissue = self.tissue(look)?;
        let share = |x: usize, y: usize| {
            let at = |place: usize, most: usize| ((place as f64 / look.scale) as usize).min(most);
            let (left, right) = (at(x, look.width), at(x + side, look.width));
            let (top, bottom) = (at(y, look.height), at(y + side, look.height));
            let inside = (top..bottom).flat_map(|row| &tissue[row * look.width + left..row * look.width + right]);
            inside.filter(|tissue| **tissue).count() as f64 / ((right - left) * (bottom - top)).max(1) as f64
        };
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column * side, row * side)));
        let shown = places.filter(|(x, y)| share(*x, *y) >= TISSUE);
        // Sides came from 32-bit numbers.
        let short = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let tiles: Vec<(u32, u32)> = shown.map(|(x, y)| (short(x), short(y))).collect();
        let background = all - tiles.len();
        Ok((tiles, background))
    }

    /// Which pixels of a small page are tissue.
    fn tissue(&self, level: &Level) -> Result<Vec<bool>, String> {
        let mut pages = self.pages();
        let (_, high) = pages.turn_to(level.page)?;
        let mut tissue = Vec::new();
        for top in (0..level.height).step_by(high) {
            let band = Part { left: 0, top, right: level.width, bottom: (top + high).min(level.height) };
            tissue.extend(pages.read(level, band)?.chunks_exact(3).map(is_tissue));
        }
        Ok(tissue)
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // A panic while another thread held this leaves nothing behind that the next read does not set anew.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tile that begins at a place.
    ///
    /// # Errors
    /// Where its part of the file is damaged.
    pub fn tile(&self, (x, y): (u32, u32)) -> Result<Raster, String> {
        let side = self.tiling.side as f64;
        let fits = |level: &&Level| side / level.scale >= self.tiling.image as f64;
        let level = self.levels.iter().rev().find(fits).unwrap_or(&self.levels[0]);
        let place = |at: u32| (f64::from(at) / level.scale) as usize;
        let side = ((side / level.scale).round() as usize).max(1);
        let (left, top) = (place(x), place(y));
        // Rounding alone could lead beyond the border.
        let (right, bottom) = ((left + side).min(level.width), (top + side).min(level.height));
        if left >= right || top >= bottom {
            return Err("the slide has no such tile".to_owned());
        }
        let _turn = turn(((right - left) * (bottom - top)) as u64);
        let pixels = self.pages().read(level, Part { left, top, right, bottom })?;
        Ok(Raster { width: right - left, height: bottom - top, channels: 3, pixels, deep: Deep::Nothing })
    }
}

impl Pages {
    /// Goes to a page; tells the width and height of its pieces.
    fn turn_to(&mut self, page: usize) -> Result<(usize, usize), String> {
        if self.at.as_ref().is_none_or(|at| at.number != page) {
            self.at = None;
            let decoder = &mut self.decoder;
            decoder.seek_to_image(page).map_err(wrong)?;
            let places = decoder.get_tag_u64_vec(Tag::TileOffsets).map_err(wrong)?;
            let lengths = decoder.get_tag_u64_vec(Tag::TileByteCounts).map_err(wrong)?;
            let packing: Option<u16> = decoder.find_tag_unsigned(Tag::Compression).map_err(wrong)?;
            let is_jpeg = packing == Some(JPEG);
            if is_jpeg && decoder.find_tag(Tag::JPEGTables).map_err(wrong)?.is_some() {
                // They stand before each piece, and would tell its size in its place.
                let tables = decoder.get_tag_u8_vec(Tag::JPEGTables).map_err(wrong)?;
                if jpeg_sizes(&tables).is_none_or(|sizes| !sizes.is_empty()) {
                    return Err("damaged TIFF: its JPEG tables hold a picture".to_owned());
                }
            }
            let pieces = places.into_iter().zip(lengths).collect();
            self.at = Some(Page { number: page, pieces, is_jpeg });
        }
        let (wide, high) = self.decoder.chunk_dimensions();
        Ok((wide as usize, high as usize))
    }

    /// A part of a page as RGB.
    fn read(&mut self, level: &Level, part: Part) -> Result<Vec<u8>, String> {
        let (wide, high) = self.turn_to(level.page)?;
        let width = part.right - part.left;
        let mut pixels = vec![0; width * (part.bottom - part.top) * 3];
        let across = level.width.div_ceil(wide);
        for row in part.top / high..=(part.bottom - 1) / high {
            for column in part.left / wide..=(part.right - 1) / wide {
                let piece = self.piece(level.page, row * across + column, (wide, high))?;
                let (x, y) = (column * wide, row * high);
                // Pieces at the border are decoded without what lies beyond it.
                let stored = wide.min(level.width - x);
                let (from, to) = (part.left.max(x), part.right.min(x + wide));
                for line in part.top.max(y)..part.bottom.min(y + high) {
                    let start = ((line - y) * stored + from - x) * 3;
                    let source = piece.get(start..start + (to - from) * 3);
                    let source = source.ok_or("damaged or incomplete TIFF: a tile has fewer pixels than it claims")?;
                    let at = ((line - part.top) * width + from - part.left) * 3;
                    pixels[at..at + source.len()].copy_from_slice(source);
                }
            }
        }
        Ok(pixels)
    }

    /// A piece of the page that the decoder is at, as RGB.
    fn piece(&mut self, page: usize, index: usize, size: (usize, usize)) -> Result<&[u8], String> {
        if self.last.as_ref().is_none_or(|(of, _)| *of != (page, index)) {
            self.last = None;
            self.check(index, size)?;
            let color = self.decoder.colortype().map_err(wrong)?;
            let number = u32::try_from(index).map_err(|err| err.to_string())?;
            let DecodingResult::U8(bytes) = self.decoder.read_chunk(number).map_err(wrong)? else {
                return Err("a kind of slide that is not read: its colours are not bytes".to_owned());
            };
            self.last = Some(((page, index), rgb(bytes, color)));
        }
        Ok(self.last.as_ref().map_or(&[], |(_, pixels)| pixels))
    }

    /// Refuses a piece that is stored in more bytes than any, or whose JPEG claims another size: it would be decoded as a whole.
    fn check(&mut self, index: usize, (wide, high): (usize, usize)) -> Result<(), String> {
        let damaged =
            || "damaged or incomplete TIFF: a tile of it is missing, or has another size than the file says".to_owned();
        let Some(Page { pieces, is_jpeg, .. }) = &self.at else { return Err(damaged()) };
        let (place, length) = *pieces.get(index).ok_or_else(damaged)?;
        if length > MOST_STORED {
            return Err(damaged());
        }
        if *is_jpeg {
            let mut bytes = Vec::new();
            let file = self.decoder.inner();
            file.seek(SeekFrom::Start(place)).map_err(|err| err.to_string())?;
            file.take(length).read_to_end(&mut bytes).map_err(|err| err.to_string())?;
            if jpeg_sizes(&bytes).as_deref() != Some(&[(wide, high)]) {
                return Err(damaged());
            }
        }
        Ok(())
    }
}

/// Whether the page that a decoder is at is stored in tiles of grey or colours of 8 bits, pixel by pixel, none too large to be decoded
/// again and again.
fn is_cut(decoder: &mut Decoder<BufReader<File>>) -> bool {
    let planar: Option<u16> = decoder.find_tag_unsigned(Tag::PlanarConfiguration).ok().flatten();
    let color = decoder.colortype();
    let read = matches!(color, Ok(ColorType::RGB(8) | ColorType::YCbCr(8) | ColorType::Gray(8)));
    read && planar.unwrap_or(1) == 1 && decoder.get_chunk_type() == ChunkType::Tile && {
        let (wide, high) = decoder.chunk_dimensions();
        (1..=MOST_PIECE).contains(&(u64::from(wide) * u64::from(high)))
    }
}

fn is_tissue(pixel: &[u8]) -> bool {
    let (most, least) = (pixel.iter().max(), pixel.iter().min());
    most.zip(least).is_some_and(|(most, least)| most - least >= COLOURED)
}

/// Decoded pixels as RGB.
fn rgb(bytes: Vec<u8>, color: ColorType) -> Vec<u8> {
    if matches!(color, ColorType::Gray(_)) {
        bytes.into_iter().flat_map(|grey| [grey; 3]).collect()
    } else if matches!(color, ColorType::YCbCr(_)) {
        bytes.as_chunks().0.iter().flat_map(|pixel| from_ybr(*pixel)).collect()
    } else {
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::data::catch_panic::catch_panic;
    use crate::data::{Dataset, browse};
    use crate::event::BrowseRequest;
    use image::codecs::jpeg::JpegEncoder;

    /// How the pieces of a page are stored.
    #[derive(Clone, Copy)]
    enum Stored {
        Plain,
        /// As JPEG of so many pixels a side.
        Jpeg(u32),
    }

    const PIECE: u32 = 64;

    /// A BigTIFF whose pages are stored in tiles of 64 pixels: each a width, a height and a colour for each pixel.
    fn pyramid(pages: &[(u32, u32)], stored: Stored, colour: impl Fn(f64, f64) -> [u8; 3]) -> Vec<u8> {
        let mut file = [b"II\x2B\0\x08\0\0\0".as_slice(), &[0; 8]].concat();
        let mut link = 8;
        for (width, height) in pages {
            let (across, down) = (width.div_ceil(PIECE), height.div_ceil(PIECE));
            let (mut places, mut lengths) = (Vec::new(), Vec::new());
            for (row, column) in (0..down).flat_map(|row| (0..across).map(move |column| (row, column))) {
                let side = if let Stored::Jpeg(side) = stored { side } else { PIECE };
                let share = |at: u32, all: u32| f64::from(at) / f64::from(all);
                let pixel = |x: u32, y: u32| colour(share(column * PIECE + x, *width), share(row * PIECE + y, *height));
                let piece = image::RgbImage::from_fn(side, side, |x, y| image::Rgb(pixel(x, y)));
                let bytes = match stored {
                    Stored::Plain => piece.into_raw(),
                    Stored::Jpeg(_) => {
                        let mut bytes = Vec::new();
                        JpegEncoder::new_with_quality(&mut bytes, 95).encode_image(&piece).unwrap();
                        bytes
                    }
                };
                places.push(file.len() as u64);
                lengths.push(bytes.len() as u64);
                file.extend(bytes);
            }
            let mut list = |numbers: &[u64]| {
                let at = file.len() as u64;
                file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
                if let [one] = numbers { *one } else { at }
            };
            let (offsets, counts) = (list(&places), list(&lengths));
            let (packing, meaning) = if matches!(stored, Stored::Plain) { (1, 2) } else { (7, 6) };
            let bits = u64::from_le_bytes([8, 0, 8, 0, 8, 0, 0, 0]);
            let many = places.len() as u64;
            let entries: [(u16, u16, u64, u64); 10] = [
                (256, 4, 1, (*width).into()),
                (257, 4, 1, (*height).into()),
                (258, 3, 3, bits),
                (259, 3, 1, packing),
                (262, 3, 1, meaning),
                (277, 3, 1, 3),
                (322, 4, 1, PIECE.into()),
                (323, 4, 1, PIECE.into()),
                (324, 16, many, offsets),
                (325, 16, many, counts),
            ];
            let directory = file.len();
            file[link..link + 8].copy_from_slice(&(directory as u64).to_le_bytes());
            file.extend((entries.len() as u64).to_le_bytes());
            for (tag, kind, count, value) in entries {
                file.extend(tag.to_le_bytes());
                file.extend(kind.to_le_bytes());
                file.extend(count.to_le_bytes());
                file.extend(value.to_le_bytes());
            }
            link = file.len();
            file.extend([0; 8]);
        }
        file
    }

    /// Glass, and tissue in the lower right quarter.
    fn quarter(x: f64, y: f64) -> [u8; 3] {
        if x >= 0.5 && y >= 0.5 { [200, 80, 160] } else { [240, 240, 238] }
    }

    const PYRAMID: [(u32, u32); 3] = [(640, 480), (320, 240), (160, 120)];

    fn open(bytes: &[u8], tiling: Tiling) -> Result<Option<Slide>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slide.svs");
        std::fs::write(&path, bytes).unwrap();
        Slide::open(&path, tiling)
    }

    #[test]
    fn tiles_with_tissue_are_found_and_read_from_the_page_that_fits() {
        for stored in [Stored::Plain, Stored::Jpeg(PIECE)] {
            let file = pyramid(&PYRAMID, stored, quarter);
            let slide = open(&file, Tiling { side: 80, image: 40 }).unwrap().unwrap();
            let (tiles, background) = slide.tiles().unwrap();
            let want: Vec<(u32, u32)> =
                [240, 320, 400].iter().flat_map(|y| [320, 400, 480, 560].map(|x| (x, *y))).collect();
            assert_eq!((tiles, background), (want, 36));
            let tile = slide.tile((480, 400)).unwrap();
            assert_eq!((tile.width, tile.height, tile.channels), (40, 40, 3), "the page of half the size");
            let near = |pixel: &[u8], want: [u8; 3]| pixel.iter().zip(want).all(|(a, b)| a.abs_diff(b) < 6);
            assert!(tile.pixels.chunks_exact(3).all(|pixel| near(pixel, [200, 80, 160])), "{:?}", &tile.pixels[..3]);
            let whole = open(&file, Tiling { side: 80, image: 64 }).unwrap().unwrap().tile((560, 400)).unwrap();
            assert_eq!((whole.width, whole.height), (80, 80), "the first page");
            assert!(slide.tile((640, 0)).is_err());
        }
    }

    #[test]
    fn a_set_of_slides_lists_its_tiles_and_keeps_those_of_one_slide_together() {
        let folder = tempfile::tempdir().unwrap();
        for (class, name) in [("a", "1.svs"), ("a", "2.tif"), ("b", "3.svs"), ("b", "4.svs")] {
            std::fs::create_dir_all(folder.path().join(class)).unwrap();
            std::fs::write(folder.path().join(class).join(name), pyramid(&PYRAMID, Stored::Plain, quarter)).unwrap();
        }
        let glass = pyramid(&PYRAMID, Stored::Plain, |_, _| [250; 3]);
        std::fs::write(folder.path().join("b/glass.svs"), glass).unwrap();
        let mut config = Config { image_size: 40, ..Config::default() };
        config.data.source = folder.path().display().to_string();
        (config.data.tile, config.data.held_out) = (80, 0.5);
        let data = Dataset::load(&config, &|_, _| true).unwrap();
        let summary = data.summary();
        assert_eq!(summary.images() + summary.held_out(), 48);
        assert!(summary.patients, "slides are patients where nobody says more");
        let note = "4 slides cut into 48 tiles of 80 x 80 pixels with tissue; 144 tiles of background are left out";
        assert!(summary.notes.iter().any(|told| told == note), "{:?}", summary.notes);
        assert_eq!(summary.skipped.len(), 1, "{:?}", summary.skipped);
        assert!(summary.skipped[0].file == "b/glass.svs" && summary.skipped[0].reason.contains("no tile shows tissue"));
        let (page, total) = browse(&config, &BrowseRequest::Class { class: 0, first: 11, count: 2 }).unwrap();
        let names: Vec<&str> = page.iter().map(|browsed| browsed.file.as_str()).collect();
        assert_eq!((names, total), (vec!["a/1.svs[560,400]", "a/2.tif[320,240]"], 24));
        config.data.tile = 0;
        let told = crate::data::inspect(&config.data.source, &config).unwrap();
        assert!(told.notes.iter().any(|note| note.starts_with("4 slides (.svs) are left out: data.tile")), "{told:?}");
    }

    #[test]
    fn pixels_are_those_of_their_place_across_the_borders_of_pieces() {
        let place = |x: f64, y: f64| [(x * 200.0).round() as u8, (y * 200.0).round() as u8, 0];
        let slide = open(&pyramid(&[(200, 200)], Stored::Plain, place), Tiling { side: 100, image: 100 });
        let tile = slide.unwrap().unwrap().tile((100, 0)).unwrap();
        for (at, pixel) in tile.pixels.chunks_exact(3).enumerate() {
            assert_eq!(pixel[..2], [(100 + at % 100) as u8, (at / 100) as u8]);
        }
    }

    #[test]
    fn what_is_no_slide_is_left_to_others_and_what_lies_is_refused() {
        let tiling = Tiling { side: 80, image: 40 };
        assert!(open(&pyramid(&[(64, 64)], Stored::Plain, quarter), tiling).unwrap().is_none(), "smaller than a tile");
        assert!(open(b"no TIFF at all", tiling).unwrap().is_none());
        let larger = open(&pyramid(&PYRAMID, Stored::Jpeg(2 * PIECE), quarter), tiling).unwrap().unwrap();
        assert!(larger.tiles().unwrap_err().contains("another size than the file says"));
        let flat =
            open(&pyramid(&[(640, 480)], Stored::Plain, quarter), Tiling { side: 3, image: 3 }).unwrap().unwrap();
        assert!(flat.tiles().unwrap_err().contains("without a small page"));
    }

    #[test]
    fn what_is_cut_off_or_changed_never_panics() {
        let whole = pyramid(&[(160, 120), (80, 60)], Stored::Plain, quarter);
        let tiling = Tiling { side: 40, image: 20 };
        let read = |bytes: &[u8]| {
            if let Ok(Some(slide)) = open(bytes, tiling) {
                slide.tiles().ok();
                slide.tile((80, 80)).ok();
            }
        };
        (0..whole.len()).step_by(997).for_each(|length| read(&whole[..length]));
        let directories = [whole.len() - 230, whole.len() - 100];
        for at in directories.into_iter().flat_map(|at| at..at + 90) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x81;
            // A panic of the decoder costs one file where slides are opened.
            let tried = || {
                read(&bytes);
                Ok(())
            };
            catch_panic(tried).ok();
        }
    }
}
