//! What becomes of a frozen layer's sums before they are stored, and the bits that its gradient needs.

use pulp::{Simd, bytemuck};

/// Numbers whose bits share a word.
pub const BITS: usize = 16;

/// What happens to a sum before it is stored. Slices are as long as the output; words hold a bit for each of its numbers,
/// [`BITS`] in each, the first in the lowest.
pub enum Epilogue<'a> {
    /// Nothing.
    Linear,
    /// Clamped to 0..=6.
    Relu6,
    /// Clamped to 0..=6; the bits of those strictly between are set.
    Remember(&'a mut [u16]),
    /// 0 where the bit is not set: the gradient of [`Epilogue::Remember`].
    Masked(&'a [u16]),
    /// The numbers at the same places are added.
    Add(&'a [f32]),
}

impl Epilogue<'_> {
    /// # Panics
    /// Where a slice does not fit an output of `len` numbers, `channels` a pixel.
    pub(super) fn check(&self, len: usize, channels: usize) {
        let words = |words: usize| {
            assert_eq!(channels % BITS, 0, "{channels} channels have no words of their own");
            assert_eq!(words * BITS, len, "a bit for each number of the output");
        };
        match self {
            Epilogue::Linear | Epilogue::Relu6 => {}
            Epilogue::Remember(bits) => words(bits.len()),
            Epilogue::Masked(bits) => words(bits.len()),
            Epilogue::Add(more) => assert_eq!(more.len(), len, "the residual is as long as the output"),
        }
    }

    /// The `len` numbers to store at `at`, which divides by the vector's length where there are bits.
    #[inline(always)]
    pub(super) fn finish<S: Simd>(&mut self, simd: S, at: usize, len: usize, sum: S::f32s) -> S::f32s {
        match self {
            Epilogue::Linear => sum,
            Epilogue::Relu6 => clamped(simd, sum),
            Epilogue::Remember(bits) => {
                let (word, new) = (&mut bits[at / BITS], between(simd, sum));
                if S::F32_LANES == BITS {
                    *word = new;
                } else {
                    let shift = at % BITS;
                    let ours = ((1 << S::F32_LANES) - 1) << shift;
                    *word = *word & !ours | new << shift;
                }
                clamped(simd, sum)
            }
            Epilogue::Masked(bits) => {
                let mask = mask(simd, bits[at / BITS] >> (at % BITS));
                simd.select_f32s(mask, sum, simd.splat_f32s(0.0))
            }
            Epilogue::Add(more) => {
                let more = &more[at..at + len];
                let whole = S::as_simd_f32s(more).0.first().copied();
                simd.add_f32s(sum, whole.unwrap_or_else(|| simd.partial_load_f32s(more)))
            }
        }
    }
}

#[inline(always)]
fn clamped<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.min_f32s(simd.max_f32s(x, simd.splat_f32s(0.0)), simd.splat_f32s(6.0))
}

/// A bit for each number, set where it lies strictly between 0 and 6.
///
/// As integers floats above 0 are in the same order, and those below lie beyond all of them; so, less one, does 0.
#[inline(always)]
fn between<S: Simd>(simd: S, x: S::f32s) -> u16 {
    let less = simd.sub_u32s(simd.transmute_u32s_f32s(x), simd.splat_u32s(1));
    let inside = simd.less_than_u32s(less, simd.splat_u32s(6.0_f32.to_bits() - 1));
    if size_of::<S::m32s>() == size_of::<u16>() {
        return bytemuck::cast(inside);
    }
    let places = simd.select_u32s(inside, lanes(simd), simd.splat_u32s(0));
    let places: &[u32] = bytemuck::cast_slice(std::slice::from_ref(&places));
    places.iter().fold(0, |bits, place| bits | *place) as u16
}

/// The lanes whose bits are set.
#[inline(always)]
fn mask<S: Simd>(simd: S, bits: u16) -> S::m32s {
    if size_of::<S::m32s>() == size_of::<u16>() {
        return bytemuck::checked::cast(bits);
    }
    let set = simd.and_u32s(simd.splat_u32s(u32::from(bits)), lanes(simd));
    simd.greater_than_u32s(set, simd.splat_u32s(0))
}

/// The bit of each lane.
#[inline(always)]
fn lanes<S: Simd>(_: S) -> S::u32s {
    const PLACES: [u32; BITS] = {
        let (mut places, mut i) = ([0; BITS], 0);
        while i < BITS {
            places[i] = 1 << i;
            i += 1;
        }
        places
    };
    S::as_simd_u32s(&PLACES).0[0]
}
