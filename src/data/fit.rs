//! Brings any picture to a square: the shorter side is scaled to the wanted size, the middle of the longer is kept.
//!
//! The scaling is Pillow's antialiased `BILINEAR`, bit for bit: the same taps, the same 22-bit fixed-point weights,
//! rows before columns with bytes in between; grey values of 16 bits go the same way. Only the pixels that the crop keeps are
//! computed.

use super::depth::Level;

/// Bits behind the point of a weight.
const PRECISION: u32 = 22;

/// Where an output pixel takes its value from: the first input pixel, and a weight for it and each one after.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// Scales and crops `pixels` (`height` rows of `width` pixels of `channels` values, none of the three 0) into `out`
/// (`size * size * channels` values).
pub(super) fn fit<T: Level>(pixels: &[T], width: usize, height: usize, channels: usize, size: usize, out: &mut [T]) {
    let shorter = width.min(height);
    let columns = taps(width, scaled(width, shorter, size), size);
    let rows = taps(height, scaled(height, shorter, size), size);
    weigh_all(pixels, width, channels, (&columns, &rows), out);
}

/// The whole picture at another size.
pub(super) fn resize<T: Level>(
    pixels: &[T],
    (width, height): (usize, usize),
    channels: usize,
    (to_width, to_height): (usize, usize),
) -> Vec<T> {
    let (columns, rows) = (taps(width, to_width, to_width), taps(height, to_height, to_height));
    let mut out = vec![T::default(); to_width * to_height * channels];
    weigh_all(pixels, width, channels, (&columns, &rows), &mut out);
    out
}

/// Rows of `width` pixels, each weighted first along its columns, then along its rows.
fn weigh_all<T: Level>(
    pixels: &[T],
    width: usize,
    channels: usize,
    (columns, rows): (&[Taps], &[Taps]),
    out: &mut [T],
) {
    let top = rows.iter().map(|taps| taps.first).min().unwrap_or(0);
    let bottom = rows.iter().map(|taps| taps.first + taps.weights.len()).max().unwrap_or(0);
    let stride = columns.len() * channels;
    let mut narrow = vec![T::default(); (bottom - top) * stride];
    for (line, to) in
        pixels[top * width * channels..].chunks_exact(width * channels).zip(narrow.chunks_exact_mut(stride))
    {
        for (pixel, taps) in to.chunks_exact_mut(channels).zip(columns) {
            for (channel, value) in pixel.iter_mut().enumerate() {
                let from = line[taps.first * channels + channel..].iter().step_by(channels);
                *value = T::weigh(from.zip(&taps.weights), PRECISION);
            }
        }
    }
    for (line, taps) in out.chunks_exact_mut(stride).zip(rows) {
        for (at, value) in line.iter_mut().enumerate() {
            let from = narrow[(taps.first - top) * stride + at..].iter().step_by(stride);
            *value = T::weigh(from.zip(&taps.weights), PRECISION);
        }
    }
}

/// A side's length once the shorter one has become `size`: rounded, and never below `size`.
fn scaled(side: usize, shorter: usize, size: usize) -> usize {
    ((2 * side * size + shorter) / (2 * shorter)).max(size)
}

/// The taps of the middle `size` of `to` output pixels, drawn from `from` input pixels.
fn taps(from: usize, to: usize, size: usize) -> Vec<Taps> {
    let start = (to - size) / 2;
    let scale = from as f64 / to as f64;
    // Shrinking widens the triangle, so that every input pixel counts: that is the antialiasing.
    let support = scale.max(1.0);
    (start..start + size)
        .map(|index| {
            let centre = (index as f64 + 0.5) * scale;
            let first = (centre - support + 0.5).max(0.0) as usize;
            let last = ((centre + support + 0.5) as usize).min(from);
            let weights: Vec<f64> =
                (first..last).map(|at| (1.0 - ((at as f64 - centre + 0.5) / support).abs()).max(0.0)).collect();
            let total: f64 = weights.iter().sum();
            let fixed = |weight: f64| (0.5 + weight / total * f64::from(1 << PRECISION)) as i32;
            Taps { first, weights: weights.into_iter().map(fixed).collect() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(pixels: &[u8], width: usize, height: usize, size: usize) -> Vec<u8> {
        let mut out = vec![0; size * size];
        fit(pixels, width, height, 1, size, &mut out);
        out
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let pixels: Vec<u8> = (0..48).collect();
        let mut out = vec![0; 48];
        fit(&pixels, 4, 4, 3, 4, &mut out);
        assert_eq!(out, pixels);
    }

    #[test]
    fn halving_weighs_neighbours_as_a_triangle_of_two_pixels() {
        // One row of four repeated four times. Output 0 is centred on 1.0 with taps at 0.5, 1.5, 2.5 and the
        // triangle's weights 0.75, 0.75, 0.25: (0.75*0 + 0.75*80 + 0.25*160) / 1.75 = 57.14. Output 1 mirrors it:
        // (0.25*80 + 0.75*160 + 0.75*240) / 1.75 = 182.86.
        let row = [0, 80, 160, 240];
        assert_eq!(fitted(&row.repeat(4), 4, 4, 2), [57, 183, 57, 183]);
    }

    #[test]
    fn doubling_blends_linearly_and_repeats_the_border() {
        // Centres at 0.25, 0.75, 1.25, 1.75 of pixels whose own are at 0.5 and 1.5.
        assert_eq!(&fitted(&[0, 100, 0, 100], 2, 2, 4)[..4], [0, 25, 75, 100]);
    }

    #[test]
    fn the_middle_of_the_longer_side_is_kept() {
        let wide: Vec<u8> = (0..12).map(|i| (i % 6) * 10).collect();
        assert_eq!(fitted(&wide, 6, 2, 2), [20, 30, 20, 30]);
        let tall: Vec<u8> = (0..12).map(|i| (i / 2) * 10).collect();
        assert_eq!(fitted(&tall, 2, 6, 2), [20, 20, 30, 30]);
    }

    #[test]
    fn extreme_shapes_work() {
        for (width, height) in [(2000, 3), (3, 2000), (1, 1), (1, 900), (900, 1)] {
            assert_eq!(fitted(&vec![7; width * height], width, height, 16), [7; 256], "{width}x{height}");
        }
    }
}
