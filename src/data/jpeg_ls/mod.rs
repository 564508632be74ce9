//! Decodes JPEG-LS (ISO/IEC 14495-1), lossless and near-lossless, as scanners' archives use it.
//!
//! Names in formulas are those of the standard: `a` to `d` for the neighbours Ra to Rd, and its A, B, C and N for what is known
//! of a context.

#[cfg(test)]
mod tests;

use std::cmp::{max, min};

/// A decoded picture.
#[derive(Debug)]
pub(super) struct Picture {
    /// Bits of a value.
    pub bits: u32,
    /// One plane of `width * height` values for each component.
    pub planes: Vec<Vec<u16>>,
}

/// Contexts of the regular mode.
const REGULAR: usize = 365;

/// Orders of the codes of runs (table A.2 of the standard).
const RUN_ORDERS: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// What the markers before a scan have said.
#[derive(Clone, Copy, Default)]
struct Frame {
    bits: u32,
    width: usize,
    height: usize,
    components: usize,
}

/// Parameters of the coding, where the file sets them; 0 stands for the default.
#[derive(Clone, Copy, Default)]
struct Preset {
    most: i32,
    thresholds: [i32; 3],
    reset: i32,
}

/// Decodes a picture that must be `width` by `height`, of at most 3 components.
///
/// # Errors
/// Where it is damaged, of another size, or of a kind that is not read.
pub(super) fn decode(bytes: &[u8], size: (usize, usize)) -> Result<Picture, String> {
    let damaged = || "damaged or incomplete JPEG-LS".to_owned();
    let unread = |what: &str| format!("a kind of JPEG-LS that is not read: {what}");
    let (mut frame, mut preset) = (Frame::default(), Preset::default());
    let mut planes: Vec<Vec<u16>> = Vec::new();
    let mut at = 2;
    if !bytes.starts_with(&[0xFF, 0xD8]) {
        return Err(damaged());
    }
    loop {
        let &[0xFF, marker] = bytes.get(at..).and_then(|b| b.first_chunk::<2>()).ok_or_else(damaged)? else {
            return Err(damaged());
        };
        if marker == 0xFF {
            at += 1;
            continue;
        }
        if marker == 0xD9 {
            break;
        }
        let length: [u8; 2] = *bytes.get(at + 2..).and_then(|b| b.first_chunk()).ok_or_else(damaged)?;
        let end = at + 2 + usize::from(u16::from_be_bytes(length));
        let segment = bytes.get(at + 4..end).ok_or_else(damaged)?;
        let number = |at: usize| -> Result<u16, String> {
            segment.get(at..).and_then(|b| b.first_chunk()).map(|b| u16::from_be_bytes(*b)).ok_or_else(damaged)
        };
        let byte = |at: usize| segment.get(at).copied().ok_or_else(damaged);
        at = end;
        match marker {
            0xF7 => {
                frame = Frame {
                    bits: byte(0)?.into(),
                    height: number(1)?.into(),
                    width: number(3)?.into(),
                    components: byte(5)?.into(),
                };
                if (frame.width, frame.height) != size {
                    return Err("damaged JPEG-LS: it has another size than the file claims".to_owned());
                }
                if !(2..=16).contains(&frame.bits) || !matches!(frame.components, 1 | 3) {
                    return Err(unread(&format!("{} components of {} bits", frame.components, frame.bits)));
                }
                if (0..frame.components).any(|component| segment.get(7 + 3 * component) != Some(&0x11)) {
                    return Err(unread("components of different sizes"));
                }
            }
            0xF8 if byte(0)? == 1 => {
                let value = |at: usize| number(at).map(i32::from);
                preset = Preset { most: value(1)?, thresholds: [value(3)?, value(5)?, value(7)?], reset: value(9)? };
            }
            0xF8 => return Err(unread("a table of values inside")),
            0xDD if number(0)? != 0 => return Err(unread("restart marks")),
            0xE8 if segment.starts_with(b"mrfx") && byte(4)? != 0 => return Err(unread("changed colours")),
            0xDA => {
                let count = usize::from(byte(0)?);
                let (near, interleave, shift) = (byte(1 + 2 * count)?, byte(2 + 2 * count)?, byte(3 + 2 * count)?);
                let alone = count == 1 && interleave == 0;
                let whole = count == frame.components && planes.is_empty() && matches!(interleave, 1 | 2);
                if frame.components == 0 || planes.len() >= frame.components || !(alone || whole) || shift != 0 {
                    return Err(unread("scans of another arrangement"));
                }
                let coder = Coder::new(&frame, &preset, near.into()).ok_or_else(damaged)?;
                let scan = Scan { coder, bits: Bits::new(&bytes[at..]), width: frame.width, height: frame.height };
                let (more, used) = scan.decode(count, interleave == 2).ok_or_else(damaged)?;
                planes.extend(more);
                at += used;
            }
            _ => {}
        }
    }
    if planes.len() != frame.components || planes.is_empty() {
        return Err(damaged());
    }
    Ok(Picture { bits: frame.bits, planes })
}

/// Bits of a scan, in which a byte behind `FF` has seven.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    kept: u64,
    count: u32,
    after_ff: bool,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, kept: 0, count: 0, after_ff: false }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let Some(byte) = self.bytes.get(self.at).copied() else { return };
            // A mark ends the scan.
            if self.after_ff && byte >= 0x80 {
                return;
            }
            let bits = if self.after_ff { 7 } else { 8 };
            self.kept = (self.kept << bits) | u64::from(byte);
            self.count += bits;
            self.at += 1;
            self.after_ff = byte == 0xFF;
        }
    }

    fn take(&mut self, bits: u32) -> Option<u32> {
        if self.count < bits {
            self.fill();
            if self.count < bits {
                return None;
            }
        }
        self.count -= bits;
        Some(((self.kept >> self.count) & ((1 << bits) - 1)) as u32)
    }

    /// How many 0 come before a 1; both are taken.
    fn zeros(&mut self, most: u32) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > most {
                return None;
            }
        }
        Some(zeros)
    }

    /// Bytes up to the next mark.
    fn used(&self) -> usize {
        let start = self.at.saturating_sub(2);
        let mark = self.bytes.windows(2).skip(start).position(|pair| pair[0] == 0xFF && pair[1] >= 0x80);
        mark.map_or(self.bytes.len(), |mark| start + mark)
    }
}

/// What is known of a context.
#[derive(Clone, Copy)]
struct Context {
    a: i32,
    b: i32,
    c: i32,
    n: i32,
}

/// What is known of runs' ends: beside A and N, how many errors were below 0.
#[derive(Clone, Copy)]
struct Ending {
    a: i32,
    n: i32,
    below: i32,
}

/// The parameters and the state of the coding.
struct Coder {
    most: i32,
    near: i32,
    thresholds: [i32; 3],
    reset: i32,
    range: i32,
    /// Bits of a mapped error.
    error_bits: u32,
    limit: u32,
    contexts: Vec<Context>,
    endings: [Ending; 2],
}

impl Coder {
    fn new(frame: &Frame, preset: &Preset, near: i32) -> Option<Self> {
        let full = (1_i32 << frame.bits) - 1;
        let most = if preset.most == 0 { full } else { preset.most };
        if most < 1 || most > full || near > min(255, most / 2) {
            return None;
        }
        let defaults = thresholds(most, near);
        let mut chosen = preset.thresholds;
        for (chosen, default) in chosen.iter_mut().zip(defaults) {
            if *chosen == 0 {
                *chosen = default;
            }
        }
        let range = (most + 2 * near) / (2 * near + 1) + 1;
        let log = |count: i32| (count - 1).max(1).ilog2() + 1;
        let (error_bits, bits) = (log(range), max(2, log(most + 1)));
        let a = max(2, (range + 32) / 64);
        let reset = if preset.reset == 0 { 64 } else { preset.reset };
        // No sum of so many errors is too large for 32 bits.
        if !(3..=4096).contains(&reset) {
            return None;
        }
        Some(Self {
            most,
            near,
            thresholds: chosen,
            reset,
            range,
            error_bits,
            limit: 2 * (bits + max(8, bits)),
            contexts: vec![Context { a, b: 0, c: 0, n: 1 }; REGULAR],
            endings: [Ending { a, n: 1, below: 0 }; 2],
        })
    }

    /// The part of a context that a difference gives.
    fn quantised(&self, difference: i32) -> i32 {
        let [first, second, third] = self.thresholds;
        let size = difference.abs();
        let part = match size {
            _ if size <= self.near => 0,
            _ if size < first => 1,
            _ if size < second => 2,
            _ if size < third => 3,
            _ => 4,
        };
        if difference < 0 { -part } else { part }
    }

    /// An error that is coded by powers of two, at most so long.
    fn golomb(&self, bits: &mut Bits<'_>, order: u32, limit: u32) -> Option<i32> {
        let long = limit.checked_sub(self.error_bits + 1)?;
        let zeros = bits.zeros(long)?;
        let mapped = if zeros < long {
            ((zeros << order) | bits.take(order)?) as i32
        } else {
            bits.take(self.error_bits)? as i32 + 1
        };
        // No more than the range is valid; some encoders are lax.
        (mapped <= 2 * self.range).then_some(mapped)
    }

    /// A value that is this far from what was expected.
    fn restored(&self, expected: i32, error: i32) -> i32 {
        let (step, mut value) = (2 * self.near + 1, expected + error * (2 * self.near + 1));
        if value < -self.near {
            value += self.range * step;
        } else if value > self.most + self.near {
            value -= self.range * step;
        }
        value.clamp(0, self.most)
    }

    /// A value whose neighbours differ, by its context.
    fn regular(&mut self, bits: &mut Bits<'_>, context: i32, [a, b, c]: [i32; 3]) -> Option<i32> {
        let sign = if context < 0 { -1 } else { 1 };
        let known = *self.contexts.get(context.unsigned_abs() as usize)?;
        let plane = if c >= max(a, b) {
            min(a, b)
        } else if c <= min(a, b) {
            max(a, b)
        } else {
            a + b - c
        };
        let expected = (plane + sign * known.c).clamp(0, self.most);
        let order = order(known.n, known.a)?;
        let mapped = self.golomb(bits, order, self.limit)?;
        let turned = self.near == 0 && order == 0 && 2 * known.b <= -known.n;
        let error = match (mapped % 2 == 1, turned) {
            (true, true) => (mapped - 1) / 2,
            (false, true) => -(mapped / 2) - 1,
            (true, false) => -((mapped + 1) / 2),
            (false, false) => mapped / 2,
        };
        let Context { mut a, mut b, mut c, mut n } = known;
        (a, b) = (a + error.abs(), b + error * (2 * self.near + 1));
        if n == self.reset {
            (a, n) = (a >> 1, n >> 1);
            b = if b >= 0 { b >> 1 } else { -((1 - b) >> 1) };
        }
        n += 1;
        if b <= -n {
            b = max(b + n, 1 - n);
            c = max(c - 1, -128);
        } else if b > 0 {
            b = min(b - n, 0);
            c = min(c + 1, 127);
        }
        *self.contexts.get_mut(context.unsigned_abs() as usize)? = Context { a, b, c, n };
        Some(self.restored(expected, sign * error))
    }

    /// The value that ends a run; `alike` where its neighbours are.
    fn ending(&mut self, bits: &mut Bits<'_>, run: usize, (left, above): (i32, i32), alike: bool) -> Option<i32> {
        let kind = usize::from(alike);
        let known = self.endings[kind];
        let order = order(known.n, if alike { known.a + (known.n >> 1) } else { known.a })?;
        let coded = self.golomb(bits, order, self.limit - RUN_ORDERS[run] - 1)?;
        let mapped = coded + i32::from(alike);
        let odd = mapped % 2 == 1;
        let size = (mapped + i32::from(odd)) / 2;
        let error = if (order != 0 || 2 * known.below >= known.n) == odd { -size } else { size };
        let Ending { mut a, mut n, mut below } = known;
        below += i32::from(error < 0);
        a += (coded + 1 - i32::from(alike)) >> 1;
        if n == self.reset {
            (a, n, below) = (a >> 1, n >> 1, below >> 1);
        }
        self.endings[kind] = Ending { a, n: n + 1, below };
        let (expected, sign) = if alike { (left, 1) } else { (above, if left > above { -1 } else { 1 }) };
        Some(self.restored(expected, sign * error))
    }
}

/// The order of a code by the count and the sum of what a context has seen.
fn order(count: i32, sum: i32) -> Option<u32> {
    (0..24).find(|order| (i64::from(count) << order) >= i64::from(sum))
}

/// The thresholds of differences that the standard names for a range of values (C.2.4.1.1.1).
fn thresholds(most: i32, near: i32) -> [i32; 3] {
    let clamp = |value: i32, least: i32| if value > most || value < least { least } else { value };
    let [first, second, third] = if most >= 128 {
        let factor = (min(most, 4095) + 128) / 256;
        [factor + 2 + 3 * near, factor * 4 + 3 + 5 * near, factor * 17 + 4 + 7 * near]
    } else {
        let factor = 256 / (most + 1);
        [max(2, 3 / factor + 3 * near), max(3, 7 / factor + 5 * near), max(4, 21 / factor + 7 * near)]
    };
    let first = clamp(first, near + 1);
    let second = clamp(second, first);
    [first, second, clamp(third, second)]
}

/// A line and the one above it, each with a value before and one behind.
struct Lines {
    above: Vec<i32>,
    own: Vec<i32>,
    /// The place in [`RUN_ORDERS`].
    run: usize,
    plane: Vec<u16>,
}

impl Lines {
    fn new(width: usize) -> Self {
        Self { above: vec![0; width + 2], own: vec![0; width + 2], run: 0, plane: Vec::new() }
    }

    fn begin(&mut self) {
        let width = self.own.len() - 2;
        self.above[width + 1] = self.above[width];
        self.own[0] = self.above[1];
    }

    fn end(&mut self) {
        let width = self.own.len() - 2;
        self.plane.extend(self.own[1..=width].iter().map(|value| *value as u16));
        std::mem::swap(&mut self.above, &mut self.own);
    }

    /// The context of a place (from 1), and its neighbours to the left, above and between them.
    fn context(&self, coder: &Coder, at: usize) -> (i32, [i32; 3]) {
        let (a, b, c, d) = (self.own[at - 1], self.above[at], self.above[at - 1], self.above[at + 1]);
        let [first, second, third] = [d - b, b - c, c - a].map(|difference| coder.quantised(difference));
        (81 * first + 9 * second + third, [a, b, c])
    }
}

/// A scan that is being decoded.
struct Scan<'a> {
    coder: Coder,
    bits: Bits<'a>,
    width: usize,
    height: usize,
}

impl Scan<'_> {
    /// Planes of so many components, and how many bytes they take; nothing where the scan is damaged.
    fn decode(mut self, components: usize, by_pixel: bool) -> Option<(Vec<Vec<u16>>, usize)> {
        let mut all: Vec<Lines> = (0..components).map(|_| Lines::new(self.width)).collect();
        for _ in 0..self.height {
            all.iter_mut().for_each(Lines::begin);
            if by_pixel {
                self.line(&mut all)?;
            } else {
                for lines in &mut all {
                    self.line(std::slice::from_mut(lines))?;
                }
            }
            all.iter_mut().for_each(Lines::end);
        }
        let used = self.bits.used();
        Some((all.into_iter().map(|lines| lines.plane).collect(), used))
    }

    /// A line of components whose values alternate.
    fn line(&mut self, all: &mut [Lines]) -> Option<()> {
        let mut at = 1;
        while at <= self.width {
            let mut in_run = true;
            for lines in all.iter() {
                in_run &= lines.context(&self.coder, at).0 == 0;
            }
            if in_run {
                at += self.run(all, at)?;
                continue;
            }
            for lines in all.iter_mut() {
                let (context, around) = lines.context(&self.coder, at);
                lines.own[at] = self.coder.regular(&mut self.bits, context, around)?;
            }
            at += 1;
        }
        Some(())
    }

    /// A run of one value from a place on, and the value that ends it. Returns how many places they take.
    fn run(&mut self, all: &mut [Lines], start: usize) -> Option<usize> {
        let left = self.width + 1 - start;
        let mut run = all.first()?.run;
        let mut length = 0;
        let mut ends = true;
        loop {
            if self.bits.take(1)? == 0 {
                length += self.bits.take(RUN_ORDERS[run])? as usize;
                if length >= left {
                    return None;
                }
                break;
            }
            let whole = 1 << RUN_ORDERS[run];
            length += whole;
            if length <= left {
                run = min(run + 1, 31);
            }
            if length >= left {
                (length, ends) = (left, false);
                break;
            }
        }
        for lines in all.iter_mut() {
            let value = lines.own[start - 1];
            lines.own[start..start + length].fill(value);
        }
        if ends {
            let (at, alone) = (start + length, all.len() == 1);
            for lines in all.iter_mut() {
                let (a, b) = (lines.own[at - 1], lines.above[at]);
                let alike = alone && (a - b).abs() <= self.coder.near;
                lines.own[at] = self.coder.ending(&mut self.bits, run, (a, b), alike)?;
            }
            run = run.saturating_sub(1);
        }
        all.iter_mut().for_each(|lines| lines.run = run);
        Some(length + usize::from(ends))
    }
}
