use super::*;

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 + seed * 11) % 23) as f32 / 7.0 - 1.5).collect()
}

#[test]
fn padding_is_tensorflows() {
    assert_eq!(padding_before(224, 3, 2), 0);
    assert_eq!(padding_before(56, 5, 2), 1);
    assert_eq!(padding_before(7, 3, 2), 1);
    assert_eq!(padding_before(14, 5, 1), 2);
}

/// Widths, channels, sizes of the kernel and strides: all tiles, with and without an edge in them.
const CASES: [(usize, usize, usize, usize); 14] = [
    (7, 16, 5, 1),
    (14, 48, 3, 1),
    (12, 32, 3, 2),
    (28, 80, 5, 2),
    (2, 16, 5, 1),
    (1, 16, 3, 1),
    (7, 16, 3, 2),
    (2, 32, 3, 2),
    (4, 16, 5, 2),
    (64, 16, 5, 2),
    (38, 16, 3, 2),
    (31, 16, 5, 1),
    (33, 16, 3, 2),
    (17, 48, 5, 2),
];

/// The sums over an image, by the definition.
fn plain(image: &[f32], weights: &[f32], width: usize, (channels, size, stride): (usize, usize, usize)) -> Vec<f32> {
    let (before, height) = (padding_before(width, size, stride) as isize, image.len() / channels / width);
    let above = padding_before(height, size, stride) as isize;
    let (rows, columns) = (height.div_ceil(stride), width.div_ceil(stride));
    let mut out = vec![0.0; rows * columns * channels];
    for (at, out) in out.iter_mut().enumerate() {
        let (c, x, y) = (at % channels, at / channels % columns, at / channels / columns);
        for k in 0..size * size {
            let (row, column) = ((y * stride + k / size) as isize - above, (x * stride + k % size) as isize - before);
            if (0..height as isize).contains(&row) && (0..width as isize).contains(&column) {
                let from = (row as usize * width + column as usize) * channels + c;
                *out += image[from] * weights[c * size * size + k];
            }
        }
    }
    out
}

fn run<S: Simd>(simd: S, layer: &Depthwise, image: &[f32], width: usize, bits: &mut Option<Vec<u16>>) -> Vec<f32> {
    let rows: Vec<&[f32]> = image.chunks_exact(width * layer.channels).collect();
    let line = layer.side_after(width) * layer.channels;
    let mut out = vec![0.0; layer.side_after(rows.len()) * line];
    for (y, out) in out.chunks_exact_mut(line).enumerate() {
        let Taps { first, from, count } = layer.taps(y, rows.len());
        let rows = &rows[from..from + count];
        let after = match bits {
            Some(bits) => Epilogue::Remember(&mut bits[y * line / 16..(y + 1) * line / 16]),
            None => Epilogue::Linear,
        };
        simd.vectorize(Row { layer, out, rows, first, width, bias: &layer.bias, after });
    }
    out
}

/// Runs all cases with the vectors of one instruction set, so that a wide machine tests the narrow ones too.
fn equals_the_plain_sum<S: Simd>(simd: S) {
    for (width, channels, size, stride) in CASES {
        let (weights, bias) = (numbers(channels * size * size, 1), numbers(channels, 2));
        let image = numbers(width * 6 * channels, 3);
        let layer = Depthwise::new(&weights, &bias, size, stride);
        let want = plain(&image, &weights, width, (channels, size, stride));
        let sums = run(simd, &layer, &image, width, &mut None);
        let mut bits = Some(vec![0x5a5a; want.len() / 16]);
        let clamped = run(simd, &layer, &image, width, &mut bits);
        for (at, want) in want.iter().enumerate() {
            let want = want + bias[at % channels];
            assert!((sums[at] - want).abs() < 1e-4, "{width} {channels} {size} {stride} at {at}");
            assert_eq!(clamped[at], sums[at].clamp(0.0, 6.0));
            let set = bits.as_ref().unwrap()[at / 16] >> (at % 16) & 1 == 1;
            assert_eq!(set, sums[at] > 0.0 && sums[at] < 6.0);
        }
    }
}

/// `sum(layer(x) * y) == sum(x * transposed(y))`, for all `x` at once: the gradient of the sum in each of its numbers.
fn transposed_is_the_gradient<S: Simd>(simd: S) {
    for (width, channels, size, stride) in CASES {
        if width % stride > 0 {
            continue;
        }
        let weights = numbers(channels * size * size, 1);
        let layer = Depthwise::new(&weights, &numbers(channels, 2), size, stride);
        let (rows, columns) = (6 / stride, width / stride);
        let gradient = numbers(rows * columns * channels, 4);
        let got = run(simd, &layer.transposed(), &gradient, columns, &mut None);
        assert_eq!(got.len(), 6 * width * channels);
        for (at, got) in got.iter().enumerate().step_by(5) {
            let mut one = vec![0.0; 6 * width * channels];
            one[at] = 1.0;
            let moved = plain(&one, &weights, width, (channels, size, stride));
            let want: f32 = moved.iter().zip(&gradient).map(|(a, b)| a * b).sum();
            assert!((got - want).abs() < 1e-4, "{width} {channels} {size} {stride} at {at}: {got} for {want}");
        }
    }
}

struct Case;

impl WithSimd for Case {
    type Output = ();

    fn with_simd<S: Simd>(self, simd: S) {
        equals_the_plain_sum(simd);
        transposed_is_the_gradient(simd);
    }
}

#[test]
fn sums_and_gradients_are_right_with_every_vector() {
    Case.with_simd(pulp::Scalar::new());
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        Case.with_simd(simd);
    }
    dispatch(Case);
}

#[test]
fn a_row_outside_the_image_is_left_out() {
    let mut out = [0.0; 16];
    let (layer, ones) = (Depthwise::new(&[0.5; 16 * 9], &[0.25; 16], 3, 1), [1.0; 16]);
    assert_eq!(layer.taps(0, 8), Taps { first: 1, from: 0, count: 2 });
    layer.row(&mut out, &[&ones, &ones], 1, Epilogue::Relu6);
    assert_eq!(out, [1.25; 16]);
    layer.row_unbiased(&mut out, &[&ones, &ones], 1, Epilogue::Relu6);
    assert_eq!(out, [1.0; 16]);
}
