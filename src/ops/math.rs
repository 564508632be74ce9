//! Functions of one number in operations that vectorise; a call into the C library for each number would not.

use pulp::Simd;

/// `e^x` for `x <= 0` to about one unit in the last place, in operations that vectorise: `2^n` from the exponent bits,
/// the rest by a polynomial (coefficients of Cephes' expf).
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to a whole number
    let x = if x < -87.0 { -87.0 } else { x };
    let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 0.5] {
        p = p * r + c;
    }
    let e = p * r * r + r + 1.0;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number between -126 and 0")]
    let power = f32::from_bits(((n as i32 + 127) as u32) << 23);
    e * power
}

/// [`exp`] of a vector of numbers `<= 0`; the lowest numbers give 1e-38 and not 0.
#[inline(always)]
pub fn exp_of<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it leaves a whole number in the lowest bits
    let x = simd.max_f32s(x, simd.splat_f32s(-87.0));
    let rounded = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(ROUND));
    let n = simd.sub_f32s(rounded, simd.splat_f32s(ROUND));
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-0.693_359_4), x);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(2.121_944_4e-4), r);
    let mut p = simd.splat_f32s(1.987_569_1e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 0.5] {
        p = simd.mul_add_e_f32s(p, r, simd.splat_f32s(c));
    }
    let square = simd.mul_f32s(r, r);
    let e = simd.add_f32s(simd.mul_add_e_f32s(p, square, r), simd.splat_f32s(1.0));
    // The whole number and the exponent's offset, moved to where a float has its exponent: 2^n.
    let bits = simd.add_u32s(simd.transmute_u32s_f32s(rounded), simd.splat_u32s(127));
    let power = simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(23));
    simd.mul_f32s(e, simd.transmute_f32s_u32s(power))
}

/// `1 / (1 + e^-x)` of a vector of numbers, to a few units in the last place; not a number where `x` is none. Products and sums are
/// rounded one by one, so that every width of vectors gives the same bits.
#[inline(always)]
pub fn sigmoid_of<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it leaves a whole number in the lowest bits
    let one = simd.splat_f32s(1.0);
    let lowest = simd.splat_f32s(-87.0);
    // e^-|x| as in `exp`. Chosen, not the larger of both, which would hide what is no number.
    let size = simd.neg_f32s(simd.abs_f32s(x));
    let size = simd.select_f32s(simd.less_than_f32s(size, lowest), lowest, size);
    let rounded = simd.add_f32s(simd.mul_f32s(size, simd.splat_f32s(std::f32::consts::LOG2_E)), simd.splat_f32s(ROUND));
    let n = simd.sub_f32s(rounded, simd.splat_f32s(ROUND));
    let r = simd.sub_f32s(size, simd.mul_f32s(n, simd.splat_f32s(0.693_359_4)));
    let r = simd.add_f32s(r, simd.mul_f32s(n, simd.splat_f32s(2.121_944_4e-4)));
    let mut p = simd.splat_f32s(1.987_569_1e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 0.5] {
        p = simd.add_f32s(simd.mul_f32s(p, r), simd.splat_f32s(c));
    }
    let e = simd.add_f32s(simd.add_f32s(simd.mul_f32s(simd.mul_f32s(p, r), r), r), one);
    let bits = simd.add_u32s(simd.transmute_u32s_f32s(rounded), simd.splat_u32s(127));
    let power = simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(23));
    let e = simd.mul_f32s(e, simd.transmute_f32s_u32s(power));
    let least = simd.div_f32s(e, simd.add_f32s(one, e));
    simd.select_f32s(simd.less_than_f32s(x, simd.splat_f32s(0.0)), least, simd.sub_f32s(one, least))
}

/// Hyperbolic tangent, to a few units in the last place.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    // (1 - e) / (1 + e) with e = exp(-2 |x|) loses digits where e is near 1: there, the series.
    let e = exp(-2.0 * size);
    let far = (1.0 - e) / (1.0 + e);
    let square = x * x;
    let mut series = -0.008_863_236;
    for c in [0.021_869_49, -0.053_968_254, 0.133_333_33, -0.333_333_34] {
        series = series * square + c;
    }
    let near = size + size * square * series;
    (if size < 0.3 { near } else { far }).copysign(x)
}

/// The sum of the products, in `LANES` running sums side by side so that the compiler may use whole vectors.
#[inline(always)]
pub fn products<const LANES: usize>(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exact_to_rounding() {
        for i in 0..=8700 {
            let x = -(i as f32) / 100.0;
            let want = f64::from(x).exp();
            assert!((f64::from(exp(x)) - want).abs() <= 2e-7 * want, "{x}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn exp_of_vectors_is_exact_to_rounding() {
        struct Case;
        impl pulp::WithSimd for Case {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                for i in 0..=8700 {
                    let x = -(i as f32) / 100.0;
                    let got = simd.reduce_max_f32s(exp_of(simd, simd.splat_f32s(x)));
                    let want = f64::from(x).exp();
                    assert!((f64::from(got) - want).abs() <= 2e-7 * want, "{x}: {got}");
                }
                let lowest = simd.reduce_max_f32s(exp_of(simd, simd.splat_f32s(f32::NEG_INFINITY)));
                assert!((0.0..1e-37).contains(&lowest));
            }
        }
        super::super::simd::dispatch(Case);
    }

    #[test]
    fn sigmoid_is_exact_to_a_few_units() {
        struct Case;
        impl pulp::WithSimd for Case {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                let sigmoid = |x: f32| {
                    let mut out = vec![0.0; S::F32_LANES];
                    super::super::rows::store(simd, &mut out, sigmoid_of(simd, simd.splat_f32s(x)));
                    out[0]
                };
                for i in -30_000..=30_000 {
                    let x = i as f32 / 500.0;
                    let want = 1.0 / (1.0 + (-f64::from(x)).exp());
                    let got = sigmoid(x);
                    assert!((f64::from(got) - want).abs() <= 3e-7 * want, "{x}: {got} {want}");
                    // Step by step as in numbers one at a time.
                    let e = exp(-x.abs());
                    let least = e / (1.0 + e);
                    assert_eq!(got.to_bits(), (if x < 0.0 { least } else { 1.0 - least }).to_bits(), "{x}");
                }
                assert_eq!((sigmoid(f32::INFINITY), sigmoid(0.0)), (1.0, 0.5));
                assert!(sigmoid(f32::NAN).is_nan());
            }
        }
        super::super::simd::dispatch(Case);
    }

    #[test]
    fn tanh_is_exact_to_a_few_units() {
        for i in -30_000..=30_000 {
            let x = i as f32 / 2500.0;
            let want = f64::from(x).tanh();
            assert!((f64::from(tanh(x)) - want).abs() <= 5e-7 * want.abs(), "{x}: {} {want}", tanh(x));
        }
        assert_eq!((tanh(f32::INFINITY), tanh(f32::NEG_INFINITY)), (1.0, -1.0));
        assert!(tanh(f32::NAN).is_nan() && exp(f32::NAN).is_nan());
    }
}
