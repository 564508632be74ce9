//! Decodes grey JPEG of 12 bits (extended sequential, Huffman codes; ITU-T T.81), which mammography and old archives use and
//! the usual decoders leave out.

use std::f64::consts::PI;

/// Places of a block's coefficients in the order of their storage.
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// The codes of a table: for each length the first code, how many there are, and where their values begin.
#[derive(Clone, Default)]
struct Codes {
    lengths: [(i32, i32, usize); 16],
    values: Vec<u8>,
}

/// Whether bytes are a JPEG whose values have 12 bits.
pub(super) fn is_12_bit(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, kind, high, low]) = bytes.get(at..at + 4) {
        match kind {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return bytes.get(at + 4) == Some(&12),
            0xDA => return false,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

/// Decodes a picture that must be `width` by `height`: values from 0 to 4095.
///
/// # Errors
/// Where it is damaged, of another size, or of a kind that is not read.
pub(super) fn decode(bytes: &[u8], (width, height): (usize, usize)) -> Result<Vec<u16>, String> {
    let damaged = || "a JPEG inside the DICOM file is damaged".to_owned();
    let unread = |what: &str| format!("a kind of JPEG of 12 bits that is not read: {what}");
    let mut quantisers = [[0_u16; 64]; 4];
    let mut codes: [[Codes; 4]; 2] = Default::default();
    let (mut quantiser, mut restart, mut at) = (None, 0, 2);
    loop {
        let &[mark, kind, high, low] = bytes.get(at..).and_then(|b| b.first_chunk::<4>()).ok_or_else(damaged)?;
        if mark != 0xFF {
            return Err(damaged());
        }
        if kind == 0xFF {
            at += 1;
            continue;
        }
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        let segment = bytes.get(at + 4..end).ok_or_else(damaged)?;
        at = end;
        match kind {
            0xC0 | 0xC1 => {
                let &[12, h1, h0, w1, w0, components, _, _, table, ..] = segment else {
                    return Err(unread("several components"));
                };
                if components != 1 {
                    return Err(unread("several components"));
                }
                let claimed = [[w1, w0], [h1, h0]].map(|pair| usize::from(u16::from_be_bytes(pair)));
                if claimed != [width, height] {
                    return Err("damaged DICOM: the picture inside has another size than the file claims".to_owned());
                }
                quantiser = Some(usize::from(table & 3));
            }
            0xC2 | 0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Err(unread("progressive or arithmetic")),
            0xC4 => read_codes(segment, &mut codes).ok_or_else(damaged)?,
            0xDB => read_quantisers(segment, &mut quantisers).ok_or_else(damaged)?,
            0xDD => restart = segment.first_chunk().map(|b| usize::from(u16::from_be_bytes(*b))).ok_or_else(damaged)?,
            0xDA => {
                // Some writers leave the last coefficient, which is always the 63rd here, at 0.
                let (Some(quantiser), &[1, _, tables, 0, 0 | 63, 0]) = (quantiser, segment) else {
                    return Err(unread("scans of another arrangement"));
                };
                let tables = [&codes[0][usize::from(tables >> 4) & 3], &codes[1][usize::from(tables) & 3]];
                let bits = Bits { bytes: &bytes[at..], at: 0, kept: 0, count: 0 };
                let scan = Scan { bits, tables, quantiser: &quantisers[quantiser], restart };
                return scan.decode(width, height).ok_or_else(damaged);
            }
            _ => {}
        }
    }
}

fn read_codes(mut segment: &[u8], codes: &mut [[Codes; 4]; 2]) -> Option<()> {
    while let Some((which, rest)) = segment.split_first() {
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let total = counts.iter().map(|count| usize::from(*count)).sum();
        let values = rest.get(..total)?.to_vec();
        let (mut code, mut first) = (0_i32, 0);
        let mut lengths = [(0, 0, 0); 16];
        for (length, count) in lengths.iter_mut().zip(counts) {
            *length = (code, i32::from(*count), first);
            first += usize::from(*count);
            code = (code + i32::from(*count)) << 1;
        }
        *codes.get_mut(usize::from(which >> 4))?.get_mut(usize::from(which & 15))? = Codes { lengths, values };
        segment = &rest[total..];
    }
    Some(())
}

fn read_quantisers(mut segment: &[u8], tables: &mut [[u16; 64]; 4]) -> Option<()> {
    while let Some((which, mut rest)) = segment.split_first() {
        let table = tables.get_mut(usize::from(which & 15))?;
        for place in ZIGZAG {
            if which >> 4 == 0 {
                let (value, behind) = rest.split_first()?;
                (table[place], rest) = (u16::from(*value), behind);
            } else {
                let (value, behind) = rest.split_first_chunk()?;
                (table[place], rest) = (u16::from_be_bytes(*value), behind);
            }
        }
        segment = rest;
    }
    Some(())
}

/// Bits of a scan, in which a 0 behind `FF` is left out.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    kept: u64,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, bits: u32) -> Option<i32> {
        while self.count < bits {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if byte == 0xFF {
                // Another mark than the escape ends the data.
                if self.bytes.get(self.at) != Some(&0) {
                    return None;
                }
                self.at += 1;
            }
            (self.kept, self.count) = ((self.kept << 8) | u64::from(byte), self.count + 8);
        }
        self.count -= bits;
        Some(((self.kept >> self.count) & ((1 << bits) - 1)) as i32)
    }

    fn value(&mut self, codes: &Codes) -> Option<u8> {
        let mut code = 0;
        for (first, count, values) in codes.lengths {
            code = (code << 1) | self.take(1)?;
            if code - first < count {
                return codes.values.get(values + usize::try_from(code - first).ok()?).copied();
            }
        }
        None
    }

    /// A number of so many bits, of which those that begin with 0 are below 0.
    fn signed(&mut self, bits: u32) -> Option<i32> {
        if bits == 0 {
            return Some(0);
        }
        let value = self.take(bits)?;
        Some(if value < 1 << (bits - 1) { value - (1 << bits) + 1 } else { value })
    }

    /// Goes behind a restart mark.
    fn restart(&mut self) -> Option<()> {
        (self.kept, self.count) = (0, 0);
        let mark = self.bytes.get(self.at..self.at + 2)?;
        self.at += 2;
        (mark[0] == 0xFF && (0xD0..=0xD7).contains(&mark[1])).then_some(())
    }
}

struct Scan<'a> {
    bits: Bits<'a>,
    tables: [&'a Codes; 2],
    quantiser: &'a [u16; 64],
    restart: usize,
}

impl Scan<'_> {
    fn decode(mut self, width: usize, height: usize) -> Option<Vec<u16>> {
        let waves = waves();
        let (across, down) = (width.div_ceil(8), height.div_ceil(8));
        // It grows with what is decoded: a small file cannot claim much memory.
        let mut out: Vec<u16> = Vec::new();
        let mut last = 0;
        for row in 0..down {
            out.resize(width * (row * 8 + 8).min(height), 0);
            for column in 0..across {
                let done = row * across + column;
                if self.restart > 0 && done > 0 && done % self.restart == 0 {
                    self.bits.restart()?;
                    last = 0;
                }
                let block = self.block(&mut last)?;
                let block = inverse(&block, &waves);
                for (line, values) in block.chunks_exact(8).enumerate() {
                    let y = row * 8 + line;
                    if y < height {
                        let start = y * width + column * 8;
                        let end = (start + 8).min((y + 1) * width);
                        out[start..end].copy_from_slice(&values[..end - start]);
                    }
                }
            }
        }
        Some(out)
    }

    /// Coefficients of a block, times their quantisers.
    fn block(&mut self, last: &mut i32) -> Option<[f64; 64]> {
        let mut block = [0.0; 64];
        let bits = u32::from(self.bits.value(self.tables[0])?);
        if bits > 15 {
            return None;
        }
        *last = last.wrapping_add(self.bits.signed(bits)?);
        block[0] = f64::from(*last) * f64::from(self.quantiser[0]);
        let mut at = 1;
        while at < 64 {
            let value = self.bits.value(self.tables[1])?;
            let (skipped, bits) = (usize::from(value >> 4), u32::from(value & 15));
            if bits == 0 {
                if skipped < 15 {
                    break;
                }
                at += 16;
                continue;
            }
            at += skipped;
            let place = *ZIGZAG.get(at)?;
            block[place] = f64::from(self.bits.signed(bits)?) * f64::from(self.quantiser[place]);
            at += 1;
        }
        Some(block)
    }
}

/// `waves[x][u]`: what a coefficient `u` gives at a place `x`.
fn waves() -> [[f64; 8]; 8] {
    let mut waves = [[0.0; 8]; 8];
    for (x, row) in waves.iter_mut().enumerate() {
        for (u, wave) in row.iter_mut().enumerate() {
            let scale = if u == 0 { 0.5_f64.sqrt() } else { 1.0 };
            *wave = scale / 2.0 * ((2 * x + 1) as f64 * u as f64 * PI / 16.0).cos();
        }
    }
    waves
}

/// The inverse cosine transform, first along rows, then along columns.
fn inverse(block: &[f64; 64], waves: &[[f64; 8]; 8]) -> [u16; 64] {
    let mut rows = [0.0; 64];
    for line in 0..8 {
        for (x, wave) in waves.iter().enumerate() {
            rows[line * 8 + x] = (0..8).map(|u| block[line * 8 + u] * wave[u]).sum();
        }
    }
    let mut out = [0; 64];
    for (y, wave) in waves.iter().enumerate() {
        for x in 0..8 {
            let value: f64 = (0..8).map(|v| rows[v * 8 + x] * wave[v]).sum();
            out[y * 8 + x] = (value + 2048.0).round().clamp(0.0, 4095.0) as u16;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 9 rows of 10 values, `300 y + 90 x`, at quality 98 (libjpeg-turbo's by imagecodecs 2026.3.6).
    const SLOPE: &[u8] = &[
        255, 216, 255, 224, 0, 16, 74, 70, 73, 70, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 255, 219, 0, 67, 0, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 4, 3, 3, 3, 3, 3, 2,
        2, 3, 4, 3, 3, 4, 4, 4, 4, 4, 2, 3, 5, 5, 4, 4, 5, 4, 4, 4, 4, 255, 193, 0, 11, 12, 0, 9, 0, 10, 1, 1, 17, 0,
        255, 196, 0, 21, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 13, 255, 196, 0, 39, 16, 0, 0, 2, 7, 8,
        3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 4, 6, 11, 13, 42, 72, 100, 39, 55, 56, 71, 85, 101, 115, 119, 133, 181,
        195, 255, 218, 0, 8, 1, 1, 0, 0, 63, 0, 149, 78, 198, 93, 213, 73, 133, 56, 112, 244, 89, 84, 224, 161, 15, 30,
        32, 157, 84, 150, 18, 74, 195, 135, 148, 170, 228, 170, 108, 232, 84, 34, 216, 147, 25, 121, 83, 240, 191, 0,
        241, 226, 10, 226, 73, 94, 165, 87, 61, 58, 16, 255, 217,
    ];

    #[test]
    fn values_are_those_that_were_written() {
        assert!(is_12_bit(SLOPE));
        let values = decode(SLOPE, (10, 9)).unwrap();
        assert_eq!(values.len(), 90);
        for (at, value) in values.iter().enumerate() {
            let wanted = (at / 10 * 300 + at % 10 * 90) as u16;
            assert!(value.abs_diff(wanted) <= 2, "{at}: {value} for {wanted}");
        }
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        for length in 0..SLOPE.len() - 8 {
            assert!(decode(&SLOPE[..length], (10, 9)).is_err(), "{length}");
        }
        for at in 0..SLOPE.len() {
            for bit in 0..8 {
                let mut changed = SLOPE.to_vec();
                changed[at] ^= 1 << bit;
                if let Ok(values) = decode(&changed, (10, 9)) {
                    assert_eq!(values.len(), 90);
                }
            }
        }
        assert!(decode(SLOPE, (9, 9)).unwrap_err().contains("another size"));
    }
}
