//! Bilinear resizing with half-pixel centres and without antialiasing, into what a network wants to see.

/// Where an output pixel looks: two neighbours and the share of the second.
#[derive(Clone, Copy)]
struct Tap {
    low: usize,
    high: usize,
    share: f32,
}

/// The taps of one axis from `from` to `to` pixels, as PyTorch's `interpolate(align_corners=False)` places them.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f32 / to as f32;
    (0..to)
        .map(|at| {
            let place = ((at as f32 + 0.5) * scale - 0.5).max(0.0);
            let low = (place as usize).min(from - 1);
            Tap { low, high: (low + 1).min(from - 1), share: place - low as f32 }
        })
        .collect()
}

/// A resizer of images of one size to `side` x `side` pixels with 3 channels.
pub struct Bilinear {
    rows: Vec<Tap>,
    columns: Vec<Tap>,
    width: usize,
    channels: usize,
}

impl Bilinear {
    /// From `height` x `width` pixels with 1 or 3 channels.
    pub fn new(height: usize, width: usize, channels: usize, side: usize) -> Self {
        Self { rows: taps(height, side), columns: taps(width, side), width, channels }
    }

    /// The image `(height, width, channels)` in 0..=255 becomes `(side, side, 3)` in -1..=1, with `stride` numbers from
    /// one row of `out` to the next. `blended` is scratch space.
    pub fn run(&self, image: &[u8], out: &mut [f32], stride: usize, blended: &mut Vec<f32>) {
        let row_len = self.width * self.channels;
        for (tap, out) in self.rows.iter().zip(out.chunks_mut(stride)) {
            let low = &image[tap.low * row_len..][..row_len];
            let high = &image[tap.high * row_len..][..row_len];
            blended.clear();
            blended.extend(low.iter().zip(high).map(|(&a, &b)| mix(f32::from(a), f32::from(b), tap.share)));
            if self.channels == 1 {
                for (tap, pixel) in self.columns.iter().zip(out.as_chunks_mut::<3>().0) {
                    *pixel = [unit(mix(blended[tap.low], blended[tap.high], tap.share)); 3];
                }
            } else {
                let (blended, _) = blended.as_chunks::<3>();
                for (tap, pixel) in self.columns.iter().zip(out.as_chunks_mut::<3>().0) {
                    let (low, high) = (blended[tap.low], blended[tap.high]);
                    *pixel = std::array::from_fn(|c| unit(mix(low[c], high[c], tap.share)));
                }
            }
        }
    }
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a * (1.0 - share) + b * share
}

/// 0..=255 to -1..=1.
fn unit(value: f32) -> f32 {
    value / 127.5 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_stand_at_half_pixel_centres() {
        // torch.nn.functional.interpolate([0, 100], size=4, mode="bilinear", align_corners=False): 0, 25, 75, 100
        let mut out = vec![9.0; 4 * 12];
        Bilinear::new(2, 2, 1, 4).run(&[0, 100, 0, 100], &mut out, 12, &mut Vec::new());
        let row: Vec<f32> = out[..12].iter().step_by(3).map(|v| (v + 1.0) * 127.5).collect();
        assert!(row.iter().zip([0.0, 25.0, 75.0, 100.0]).all(|(a, b)| (a - b).abs() < 1e-4), "{row:?}");
    }

    #[test]
    fn shrinking_looks_at_two_pixels_only() {
        // torch.nn.functional.interpolate([0, 10, 30, 70, 80, 90, 0, 200], size=2, ...): positions 1.5 and 5.5
        let image = [0, 10, 30, 70, 80, 90, 0, 200].repeat(8);
        let mut out = vec![9.0; 2 * 6];
        Bilinear::new(8, 8, 1, 2).run(&image, &mut out, 6, &mut Vec::new());
        let row: Vec<f32> = out[..6].iter().step_by(3).map(|v| (v + 1.0) * 127.5).collect();
        assert!(row.iter().zip([20.0, 45.0]).all(|(a, b)| (a - b).abs() < 1e-4), "{row:?}");
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let image: Vec<u8> = (0..27).map(|v| v * 9).collect();
        let mut out = vec![0.0; 27];
        Bilinear::new(3, 3, 3, 3).run(&image, &mut out, 9, &mut Vec::new());
        assert!(image.iter().zip(&out).all(|(&a, b)| unit(f32::from(a)) == *b));
    }
}
