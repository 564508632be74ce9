//! Bringing images of any size to the one that a network sees, in the ways of the programs whose scores are published.
//! They differ by more than most results do, so every score names its own.

pub use crate::config::Resize;

impl Resize {
    /// What a value of 0..=255 becomes for the Inception.
    pub(super) fn unit(self, value: f32) -> f32 {
        match self {
            Self::PytorchFid => value / 127.5 - 1.0,
            Self::TorchFidelity | Self::Clean => (value - 128.0) / 128.0,
        }
    }

    /// The taps of one axis from `from` to `to` pixels.
    fn taps(self, from: usize, to: usize) -> Vec<Taps> {
        let scale = from as f32 / to as f32;
        let two = |place: f32| {
            let first = (place as usize).min(from - 1);
            let share = f64::from(place - first as f32);
            let weights = if first + 1 < from { vec![1.0 - share, share] } else { vec![1.0] };
            Taps { first, weights }
        };
        match self {
            Self::PytorchFid => (0..to).map(|at| two(((at as f32 + 0.5) * scale - 0.5).max(0.0))).collect(),
            Self::TorchFidelity => (0..to).map(|at| two(at as f32 * scale)).collect(),
            Self::Clean => (0..to).map(|at| bicubic(at, from, to)).collect(),
        }
    }
}

/// Where an output pixel takes its value from: the first input pixel, and a weight for it and each one after.
struct Taps {
    first: usize,
    weights: Vec<f64>,
}

/// Pillow's antialiased bicubic.
fn bicubic(at: usize, from: usize, to: usize) -> Taps {
    let scale = from as f64 / to as f64;
    // Shrinking widens the kernel, so that every input pixel counts: that is the antialiasing.
    let stretch = scale.max(1.0);
    let (centre, support) = ((at as f64 + 0.5) * scale, 2.0 * stretch);
    let first = (centre - support + 0.5).max(0.0) as usize;
    let last = ((centre + support + 0.5) as usize).min(from);
    let kernel = |x: f64| {
        const A: f64 = -0.5;
        let x = x.abs();
        if x < 1.0 {
            ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
        } else if x < 2.0 {
            (((x - 5.0) * x + 8.0) * x - 4.0) * A
        } else {
            0.0
        }
    };
    let weights: Vec<f64> = (first..last).map(|i| kernel((i as f64 - centre + 0.5) / stretch)).collect();
    let total: f64 = weights.iter().sum();
    Taps { first, weights: weights.into_iter().map(|weight| weight / total).collect() }
}

/// An image as it came: `height` rows of `width` pixels of 1 or 3 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// `(height, width, channels)`
    pub pixels: &'a [u8],
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
}

impl Picture<'_> {
    /// Whether the bytes fit the sizes.
    pub(super) fn is_whole(&self) -> bool {
        let size = self.height.checked_mul(self.width).and_then(|pixels| pixels.checked_mul(self.channels));
        matches!(self.channels, 1 | 3) && !self.pixels.is_empty() && size == Some(self.pixels.len())
    }

    /// The picture as `(side, side, 3)` numbers of 0..=255, each given to `unit` first, with `stride` numbers from one row
    /// of `out` to the next. A single channel is repeated to three.
    pub(super) fn resized(
        &self,
        resize: Resize,
        side: usize,
        out: &mut [f32],
        stride: usize,
        unit: impl Fn(f32) -> f32,
    ) {
        let (rows, columns) = (resize.taps(self.height, side), resize.taps(self.width, side));
        let line = side * self.channels;
        let mut needed = vec![false; self.height];
        for taps in &rows {
            needed[taps.first..taps.first + taps.weights.len()].fill(true);
        }
        let mut narrow = vec![0.0f32; self.height * line];
        let lines = self.pixels.chunks_exact(self.width * self.channels).zip(narrow.chunks_exact_mut(line));
        for ((from, to), _) in lines.zip(&needed).filter(|(_, needed)| **needed) {
            for (pixel, taps) in to.chunks_exact_mut(self.channels).zip(&columns) {
                for (channel, value) in pixel.iter_mut().enumerate() {
                    let from = from[taps.first * self.channels + channel..].iter().step_by(self.channels);
                    *value = taps.weights.iter().zip(from).map(|(w, v)| w * f64::from(*v)).sum::<f64>() as f32;
                }
            }
        }
        for (out, taps) in out.chunks_mut(stride).zip(&rows) {
            let mut sums = vec![0.0f64; line];
            for (weight, from) in taps.weights.iter().zip(narrow[taps.first * line..].chunks_exact(line)) {
                sums.iter_mut().zip(from).for_each(|(sum, value)| *sum += weight * f64::from(*value));
            }
            let value = |sum: f64| {
                let sum = sum as f32;
                unit(if resize == Resize::Clean { sum.clamp(0.0, 255.0) } else { sum })
            };
            for (pixel, sums) in out.as_chunks_mut::<3>().0.iter_mut().zip(sums.chunks_exact(self.channels)) {
                *pixel = std::array::from_fn(|c| value(sums[c % self.channels]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Choice as _;

    fn first_row(resize: Resize, image: &[u8], width: usize, side: usize) -> Vec<f32> {
        let mut out = vec![9.0; side * side * 3];
        let picture = Picture { pixels: image, height: image.len() / width, width, channels: 1 };
        picture.resized(resize, side, &mut out, side * 3, |v| v);
        out[..side * 3].iter().step_by(3).copied().collect()
    }

    fn close(got: &[f32], want: &[f32]) {
        assert!(got.len() == want.len() && got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-3), "{got:?} {want:?}");
    }

    #[test]
    fn each_way_places_its_pixels_as_its_program_does() {
        let image = [0, 100, 0, 100];
        close(&first_row(Resize::PytorchFid, &image, 2, 4), &[0.0, 25.0, 75.0, 100.0]);
        close(&first_row(Resize::TorchFidelity, &image, 2, 4), &[0.0, 50.0, 100.0, 100.0]);
        let rows = [0, 10, 30, 70, 80, 90, 0, 200].repeat(8);
        close(&first_row(Resize::TorchFidelity, &rows, 8, 2), &[0.0, 80.0]);
    }

    #[test]
    fn clean_is_pillows_antialiased_bicubic() {
        // np.asarray(Image.fromarray(np.float32([row] * 8), mode="F").resize((n, n), Image.BICUBIC))[0].clip(0, 255)
        let rows = [0, 10, 30, 70, 80, 90, 0, 200].repeat(8);
        close(&first_row(Resize::Clean, &rows, 8, 3), &[12.2438, 66.4188, 90.8475]);
        close(
            &first_row(Resize::Clean, &rows, 8, 11),
            &[0.0000, 4.4789, 14.9338, 31.4336, 62.5455, 76.8750, 84.2684, 91.6163, 10.6400, 77.0732, 211.2205],
        );
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let image: Vec<u8> = (0..16).map(|v| v * 9).collect();
        for resize in Resize::ALL.iter().copied() {
            close(&first_row(resize, &image, 4, 4), &[0.0, 9.0, 18.0, 27.0]);
        }
    }
}
