//! Multi-scale structural similarity (Wang, Simoncelli & Bovik 2003): how alike two images are, 1 for the same. Between
//! random pairs of one class it tells of variety: a class that has collapsed is far more alike than the real one.
//!
//! Windows, constants and weights are those of the MONAI tutorials on generative models: a Gaussian of 11 pixels and
//! sigma 1.5 without padding, halving by means of 2x2, contrast below zero counted as zero. Five scales need 176 pixels;
//! smaller images have as many scales as fit, whose weights then make up 1.

/// Weights of the scales, finest first.
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// Pixels of the Gaussian.
const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
/// Stabilisers for values of 0..=255.
const C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);

/// Scales that fit an image of this many pixels a side; 0 below 11.
pub fn scales(side: usize) -> usize {
    (0..WEIGHTS.len()).take_while(|scale| side >> scale >= WINDOW).count()
}

/// The similarity of two square images of `side` pixels with `channels` bytes each, 0 to 1; nothing where not even one
/// scale fits.
///
/// # Panics
/// Where the lengths do not fit.
pub fn ms_ssim(a: &[u8], b: &[u8], side: usize, channels: usize) -> Option<f64> {
    assert!(a.len() == side * side * channels && b.len() == a.len(), "two images of {side} x {side} x {channels}");
    let count = scales(side);
    if count == 0 || channels == 0 {
        return None;
    }
    let planes = |bytes: &[u8]| -> Vec<Vec<f64>> {
        (0..channels).map(|c| bytes.iter().skip(c).step_by(channels).map(|v| f64::from(*v)).collect()).collect()
    };
    let (mut a, mut b) = (planes(a), planes(b));
    let total: f64 = WEIGHTS[..count].iter().sum();
    let (mut side, mut similarity) = (side, 1.0f64);
    for (scale, weight) in WEIGHTS[..count].iter().enumerate() {
        let parts = a.iter().zip(&b).map(|(a, b)| compare(a, b, side));
        let (whole, contrast) = parts.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        // Only the coarsest scale compares brightness.
        let value = if scale + 1 == count { whole } else { contrast } / channels as f64;
        similarity *= value.max(0.0).powf(weight / total);
        a = a.iter().map(|plane| halve(plane, side)).collect();
        b = b.iter().map(|plane| halve(plane, side)).collect();
        side /= 2;
    }
    Some(similarity)
}

/// The means of the similarity and of its part without brightness over an image of one channel.
fn compare(a: &[f64], b: &[f64], side: usize) -> (f64, f64) {
    let blur = |of: &dyn Fn(usize) -> f64| blurred(&(0..a.len()).map(of).collect::<Vec<_>>(), side);
    let (mean_a, mean_b) = (blur(&|i| a[i]), blur(&|i| b[i]));
    let (aa, bb, ab) = (blur(&|i| a[i] * a[i]), blur(&|i| b[i] * b[i]), blur(&|i| a[i] * b[i]));
    let (mut whole, mut contrast) = (0.0, 0.0);
    for i in 0..mean_a.len() {
        let (x, y) = (mean_a[i], mean_b[i]);
        let cs = (2.0 * (ab[i] - x * y) + C2) / ((aa[i] - x * x) + (bb[i] - y * y) + C2);
        contrast += cs;
        whole += cs * (2.0 * x * y + C1) / (x * x + y * y + C1);
    }
    (whole / mean_a.len() as f64, contrast / mean_a.len() as f64)
}

/// The image under the Gaussian, where all of it lies inside.
fn blurred(image: &[f64], side: usize) -> Vec<f64> {
    let taps: [f64; WINDOW] = std::array::from_fn(|i| {
        let place = i as f64 - (WINDOW - 1) as f64 / 2.0;
        (-(place / SIGMA).powi(2) / 2.0).exp()
    });
    let total: f64 = taps.iter().sum();
    let inner = side + 1 - WINDOW;
    let weigh =
        |values: &mut dyn Iterator<Item = f64>| taps.iter().zip(values).map(|(t, v)| t * v).sum::<f64>() / total;
    let mut rows = vec![0.0; side * inner];
    for (line, out) in image.chunks_exact(side).zip(rows.chunks_exact_mut(inner)) {
        for (window, out) in line.windows(WINDOW).zip(out) {
            *out = weigh(&mut window.iter().copied());
        }
    }
    (0..inner * inner).map(|i| weigh(&mut rows[i..].iter().step_by(inner).take(WINDOW).copied())).collect()
}

/// Means of 2x2 pixels; a last odd row or column is left out.
fn halve(image: &[f64], side: usize) -> Vec<f64> {
    let half = side / 2;
    (0..half * half)
        .map(|i| {
            let at = i / half * 2 * side + i % half * 2;
            (image[at] + image[at + 1] + image[at + side] + image[at + side + 1]) / 4.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_image_is_all_alike_and_its_opposite_is_not() {
        let image: Vec<u8> = (0..64 * 64 * 3).map(|i| (i * i % 251) as u8).collect();
        let turned: Vec<u8> = image.iter().map(|v| 255 - v).collect();
        assert!((ms_ssim(&image, &image, 64, 3).unwrap() - 1.0).abs() < 1e-12);
        assert!(ms_ssim(&image, &turned, 64, 3).unwrap() < 0.1);
        let flat = [7; 16 * 16];
        assert_eq!(ms_ssim(&flat, &flat, 16, 1), Some(1.0));
    }

    #[test]
    fn small_images_have_fewer_scales() {
        assert_eq!([10, 11, 21, 22, 64, 96, 175, 176, 256].map(scales), [0, 1, 1, 2, 3, 4, 4, 5, 5]);
        assert_eq!(ms_ssim(&[0; 100], &[0; 100], 10, 1), None);
    }
}
