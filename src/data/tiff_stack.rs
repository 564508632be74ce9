//! Stacks of pages in one TIFF file, as microscopes and image processing write them (OME-TIFF too): each page of the first one's size
//! and kind is a picture.
//!
//! Grey values of more than 8 bits are shown from the 1st to the 99th percentile of the whole stack, unless those of 16 bits
//! use more than half of their range.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::convert::Raster;
use super::depth::Deep;
use super::limits::{MAX_BYTES, MAX_PIXELS, turn};
use super::packed::most_unpacked;
use super::tiff_values::numbers;
use super::window::Window;

/// The most pages that are followed.
const MOST_PAGES: usize = 65_535;

/// About how many values of a stack its percentiles are taken of.
const MOST_VALUES: u64 = 16 << 20;

/// A stack in memory.
pub(super) struct Stack {
    decoder: Mutex<Decoder<Cursor<Vec<u8>>>>,
    /// Which pages of the file are pictures of the stack.
    pages: Vec<usize>,
    color: ColorType,
    width: usize,
    height: usize,
    /// What is shown from black to white; nothing of bytes and colours, or where all values are the same.
    window: Option<Window>,
}

fn wrong(err: TiffError) -> String {
    format!("damaged or incomplete TIFF: {err}")
}

fn limited<R: Read + Seek>(from: R) -> Result<Decoder<R>, TiffError> {
    let mut limits = Limits::default();
    (limits.decoding_buffer_size, limits.intermediate_buffer_size) = (MAX_BYTES as usize, MAX_BYTES as usize);
    Ok(Decoder::new(from)?.with_limits(limits))
}

/// Whether bytes begin like a TIFF file.
pub(super) fn is_tiff(bytes: &[u8]) -> bool {
    [b"II\x2A\0", b"MM\0\x2A", b"II\x2B\0", b"MM\0\x2B"].iter().any(|mark| bytes.starts_with(*mark))
}

/// The pages of a file that are a stack; none of a single picture, of kinds of pixels that are read as such alone, and of a file
/// whose first page cannot be read.
pub(super) fn pages(mut from: impl Read + Seek) -> Vec<usize> {
    let Ok(length) = from.seek(SeekFrom::End(0)).and_then(|length| from.rewind().map(|()| length)) else {
        return Vec::new();
    };
    let all = limited(from).ok().and_then(|mut decoder| listed(&mut decoder, length));
    all.filter(|pages| pages.len() > 1).unwrap_or_default()
}

/// The pages, where the file is long enough to hold them: many may name the same few bytes.
fn listed<R: Read + Seek>(decoder: &mut Decoder<R>, length: u64) -> Option<Vec<usize>> {
    let kind = |decoder: &mut Decoder<R>| Some((decoder.dimensions().ok()?, decoder.colortype().ok()?));
    let first = kind(decoder)?;
    let ((width, height), color) = first;
    let area = u64::from(width) * u64::from(height);
    let read = matches!(color, ColorType::Gray(8 | 16 | 32 | 64) | ColorType::RGB(8 | 16));
    if !read || area == 0 || area > MAX_PIXELS {
        return None;
    }
    let mut pages = vec![0];
    let mut page = 0;
    while decoder.more_images() && page < MOST_PAGES {
        page += 1;
        // What is damaged further on ends the stack; that a page is missing is told when it is read.
        if decoder.next_image().is_err() {
            pages.push(page);
            break;
        }
        let about = decoder.find_tag(Tag::NewSubfileType).ok().flatten().and_then(|value| value.into_u32().ok());
        // Smaller copies and masks are marked.
        if about.unwrap_or(0) & 0b101 == 0 && kind(decoder) == Some(first) {
            pages.push(page);
        }
    }
    let bits = u64::from(color.bit_depth()) * u64::from(color.num_samples());
    let unpacked = area.saturating_mul(bits / 8).saturating_mul(pages.len() as u64);
    (unpacked <= most_unpacked(length)).then_some(pages)
}

/// Planes that stand one behind the other, pixel by pixel.
fn interleaved(values: DecodingResult, planes: usize) -> DecodingResult {
    fn of<T: Copy>(values: &[T], planes: usize) -> Vec<T> {
        let area = values.len() / planes;
        (0..area).flat_map(|at| (0..planes).map(move |plane| values[plane * area + at])).collect()
    }
    // Colours of no other kind are read.
    if let DecodingResult::U8(values) = &values {
        return DecodingResult::U8(of(values, planes));
    }
    if let DecodingResult::U16(values) = &values {
        return DecodingResult::U16(of(values, planes));
    }
    values
}

impl Stack {
    /// Reads a file's bytes; gives them back where they are no stack.
    ///
    /// # Errors
    /// Where a page that its percentiles need is damaged.
    pub fn open(bytes: Vec<u8>) -> Result<Result<Self, Vec<u8>>, String> {
        let pages = pages(Cursor::new(&bytes[..]));
        if pages.is_empty() {
            return Ok(Err(bytes));
        }
        let mut decoder = limited(Cursor::new(bytes)).map_err(wrong)?;
        let (width, height) = decoder.dimensions().map_err(wrong)?;
        let color = decoder.colortype().map_err(wrong)?;
        let mut stack = Self {
            decoder: Mutex::new(decoder),
            pages,
            color,
            width: width as usize,
            height: height as usize,
            window: None,
        };
        if stack.is_windowed() {
            stack.window = stack.own_window();
        }
        Ok(Ok(stack))
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether values are stretched on their way to bytes.
    pub fn is_windowed(&self) -> bool {
        matches!(self.color, ColorType::Gray(16 | 32 | 64) | ColorType::RGB(16))
    }

    /// From the 1st to the 99th percentile of all pages that can be read.
    fn own_window(&self) -> Option<Window> {
        let all = (self.width * self.height) as u64 * self.pages.len() as u64;
        let _turn = turn(all);
        let every = all.div_ceil(MOST_VALUES).max(1) as usize;
        let (mut values, mut wide): (Vec<f64>, bool) = (Vec::new(), true);
        for place in 0..self.pages.len() {
            let Ok(page) = self.page(place) else { continue };
            wide &= matches!(page, DecodingResult::U16(_));
            values.extend(numbers(&page).skip(place % every).step_by(every));
        }
        let window = Window::of(values.iter().copied())?;
        // As single pictures: a scan of 12 bits never gets near the half, and what does is shown as it is.
        let whole = wide && window.high - window.low >= 32_768.0;
        Some(if whole { Window { low: 0.0, high: 65_535.0 } } else { window })
    }

    fn page(&self, place: usize) -> Result<DecodingResult, String> {
        let page = *self.pages.get(place).ok_or("the file has no such page")?;
        // A panic while another thread held this leaves nothing behind that the next page does not set anew.
        let mut decoder = self.decoder.lock().unwrap_or_else(PoisonError::into_inner);
        decoder.seek_to_image(page).map_err(wrong)?;
        let (width, height) = decoder.dimensions().map_err(wrong)?;
        if (width as usize, height as usize) != (self.width, self.height)
            || decoder.colortype().ok() != Some(self.color)
        {
            return Err("damaged or incomplete TIFF: a page cannot be read".to_owned());
        }
        let mut values = DecodingResult::U8(Vec::new());
        let planes = decoder.read_image_to_buffer(&mut values).map_err(wrong)?.planes;
        Ok(if planes > 1 { interleaved(values, planes) } else { values })
    }

    /// A picture, where `deep` with its grey values of more than 8 bits.
    ///
    /// # Errors
    /// Where its page is damaged.
    pub fn picture(&self, place: usize, deep: bool) -> Result<Raster, String> {
        let _turn = turn((self.width * self.height) as u64);
        let page = self.page(place)?;
        let channels = if matches!(self.color, ColorType::RGB(_)) { 3 } else { 1 };
        let deep = if matches!(self.color, ColorType::Gray(16 | 32 | 64)) {
            let level = |value| self.window.map_or(0, |window| window.level(value));
            Deep::of(deep, || numbers(&page).map(level).collect())
        } else {
            Deep::Nothing
        };
        let pixels: Vec<u8> = match (self.is_windowed(), page) {
            (true, values) => {
                numbers(&values).map(|value| self.window.map_or(0, |window| window.level(value))).collect()
            }
            (false, DecodingResult::U8(values)) => values,
            (false, DecodingResult::U16(values)) => {
                values.into_iter().map(|value| ((u32::from(value) + 128) / 257) as u8).collect()
            }
            // Bytes with a sign, of which the kind of the pages says nothing.
            (false, values) => {
                let values: Vec<f64> = numbers(&values).collect();
                let window = Window::of(values.iter().copied());
                values.into_iter().map(|value| window.map_or(0, |window| window.level(value))).collect()
            }
        };
        if pixels.len() != self.width * self.height * channels {
            return Err("damaged or incomplete TIFF: it has fewer pixels than it claims".to_owned());
        }
        Ok(Raster { width: self.width, height: self.height, channels, pixels, deep })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiff::encoder::{TiffEncoder, colortype};

    fn stack(pages: &[[u16; 4]]) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap();
        for page in pages {
            encoder.write_image::<colortype::Gray16>(2, 2, page).unwrap();
        }
        file.into_inner()
    }

    #[test]
    fn pages_are_shown_alike() {
        let file = stack(&[[0, 100, 200, 300], [400, 400, 400, 400]]);
        assert_eq!(pages(Cursor::new(&file)), [0, 1]);
        let stack = Stack::open(file).unwrap().unwrap_or_else(|_| panic!("no stack"));
        assert_eq!(stack.picture(1, false).unwrap().pixels, [255; 4]);
        assert_eq!(stack.picture(0, false).unwrap().pixels, [0, 64, 128, 191]);
        assert!(stack.picture(2, false).is_err() && stack.is_windowed() && stack.len() == 2);
    }

    #[test]
    fn one_page_is_no_stack_and_another_size_no_page_of_it() {
        assert!(Stack::open(stack(&[[1; 4]])).unwrap().is_err());
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap();
        for side in [2, 1, 2] {
            let pixels = vec![7 * side as u8; (side * side) as usize];
            encoder.write_image::<colortype::Gray8>(side, side, &pixels).unwrap();
        }
        let stack = Stack::open(file.into_inner()).unwrap().unwrap_or_else(|_| panic!("no stack"));
        assert_eq!((stack.len(), stack.picture(1, false).unwrap().pixels), (2, vec![14; 4]));
    }

    #[test]
    fn what_is_cut_off_never_panics() {
        let whole = stack(&[[0, 100, 200, 300], [400, 5, 6, 7], [9, 9, 8, 7]]);
        for length in 0..whole.len() {
            if let Ok(Ok(stack)) = Stack::open(whole[..length].to_vec()) {
                (0..stack.len()).for_each(|place| _ = stack.picture(place, false));
            }
        }
    }
}
