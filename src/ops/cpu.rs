//! Slices of tensors on the CPU, parallel loops over them, and the widest vectors that the processor has.

use std::ops::Deref;

use candle_core::{CpuStorage, DType, Device, Result, Storage, Tensor, bail};
use rayon::prelude::*;

use super::simd::{self, dispatch};

/// The numbers of a contiguous f32 tensor on the CPU, behind whatever lock candle holds them under.
struct Slice<G> {
    storage: G,
    start: usize,
    len: usize,
}

impl<G: Deref<Target = Storage>> Deref for Slice<G> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        if let Storage::Cpu(CpuStorage::F32(data)) = &*self.storage {
            &data[self.start..self.start + self.len]
        } else {
            &[] // `slice` has refused anything else.
        }
    }
}

/// Borrows a tensor's numbers.
///
/// # Errors
/// Where the tensor is not f32, not on the CPU or not contiguous.
pub fn slice(tensor: &Tensor) -> Result<impl Deref<Target = [f32]> + '_> {
    let (storage, layout) = tensor.storage_and_layout();
    if !matches!(&*storage, Storage::Cpu(CpuStorage::F32(_))) {
        bail!("a CPU kernel wants f32 on the CPU, got {:?} on {:?}", tensor.dtype(), tensor.device());
    }
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("a CPU kernel wants a contiguous tensor, got strides {:?}", layout.stride());
    };
    Ok(Slice { storage, start, len: end - start })
}

/// Makes a tensor of these numbers on the CPU; nothing is copied.
///
/// # Errors
/// Where the count does not fit the shape.
pub fn tensor(data: Vec<f32>, shape: impl Into<candle_core::Shape>) -> Result<Tensor> {
    Tensor::from_vec(data, shape.into(), &Device::Cpu)
}

/// Whether the kernels of this room can take the tensor.
pub fn is_cpu(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && tensor.dtype() == DType::F32
}

/// `lens` numbers each, as `write` leaves them. Their space is not cleared first: that would be one more pass over memory, and
/// the kernels of this room write every number anyway. Where `write` panics, nothing of it is seen.
///
/// Unit tests fill the space with a number that no arithmetic gives and look for it afterwards, so that every test of a kernel
/// is one of this contract too.
///
/// # Safety
/// When `write` returns it has written every number of every slice, and it has read none that was not written before.
#[expect(unsafe_code, reason = "the one place where numbers come to be without being cleared first")]
pub(super) unsafe fn written<const N: usize>(lens: [usize; N], write: impl FnOnce([&mut [f32]; N])) -> [Vec<f32>; N] {
    let mut out = lens.map(|len| (Vec::<f32>::with_capacity(len), len));
    write(out.each_mut().map(|(numbers, len)| {
        let space = &mut numbers.spare_capacity_mut()[..*len];
        #[cfg(test)]
        space.fill(std::mem::MaybeUninit::new(f32::from_bits(UNWRITTEN)));
        let space: *mut [std::mem::MaybeUninit<f32>] = space;
        // SAFETY: the space is there, aligned and borrowed by nobody else as long as `out` is; by this function's contract
        // no number of it is read before it was written.
        unsafe { &mut *(space as *mut [f32]) }
    }));
    out.map(|(mut numbers, len)| {
        // SAFETY: the capacity is there, and by this function's contract all of these numbers were written.
        unsafe { numbers.set_len(len) };
        #[cfg(test)]
        assert!(numbers.iter().all(|number| number.to_bits() != UNWRITTEN), "a kernel left numbers unwritten");
        numbers
    })
}

/// A number that is none, with a mark that no operation makes and most keep: what was not written in a test, or was made
/// from such.
#[cfg(test)]
const UNWRITTEN: u32 = 0x7fc5_a5a5;

/// Runs a loop compiled for the vectors in use; the closure must be marked `#[inline(always)]`.
#[inline(always)]
pub fn vectorised<T>(work: impl FnMut() -> T) -> T {
    /// Called as `FnMut`: a call as `FnOnce` goes through a function of the compiler's making, which is not always
    /// inlined and then knows no wide vectors.
    struct Work<F>(F);
    impl<T, F: FnMut() -> T> pulp::WithSimd for Work<F> {
        type Output = T;

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(mut self, _: S) -> T {
            (self.0)()
        }
    }
    dispatch(Work(work))
}

/// The instructions that [`vectorised`] uses: sums are rounded alike where they are the same.
pub fn instruction_set() -> String {
    format!("{}-{}", std::env::consts::ARCH, simd::name())
}

/// Numbers of a block: small enough for a core's cache, large enough to be worth handing out. It does not depend on
/// the number of threads, so neither do sums that are taken block by block.
pub const BLOCK: usize = 1 << 15;

/// How many rows of `width` numbers make a block.
pub fn block_rows(width: usize) -> usize {
    (BLOCK / width.max(1)).max(1)
}

/// `out[i] = f(a[i])` for all of them, in parallel and vectorised.
pub fn map(a: &[f32], f: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    let write = |[out]: [&mut [f32]; 1]| {
        out.par_chunks_mut(BLOCK).zip(a.par_chunks(BLOCK)).for_each(|(out, a)| {
            vectorised(
                #[inline(always)]
                || {
                    for (out, a) in out.iter_mut().zip(a) {
                        *out = f(*a);
                    }
                },
            );
        });
    };
    // SAFETY: both slices are of one length, and so are their blocks: each number has one to be made from.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { written([a.len()], write) };
    out
}

/// `out[i] = f(a[i], b[i])` for all of them, in parallel and vectorised.
///
/// # Panics
/// Where there are more of one than of the other.
pub fn map2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    assert_eq!(a.len(), b.len(), "numbers of two values go together one by one");
    let write = |[out]: [&mut [f32]; 1]| {
        out.par_chunks_mut(BLOCK).zip(a.par_chunks(BLOCK)).zip(b.par_chunks(BLOCK)).for_each(|((out, a), b)| {
            vectorised(
                #[inline(always)]
                || {
                    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                        *out = f(*a, *b);
                    }
                },
            );
        });
    };
    // SAFETY: all three slices are of one length, and so are their blocks: each number has two to be made from.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { written([a.len()], write) };
    out
}

/// The sums of blocks, added in order and in f64, so that the result does not depend on the number of threads.
pub fn add_up(blocks: &[Vec<f32>], width: usize) -> Vec<f64> {
    let mut total = vec![0.0f64; width];
    for block in blocks {
        for (total, part) in total.iter_mut().zip(block) {
            *total += f64::from(*part);
        }
    }
    total
}

/// Sums, for each of `width` columns, whatever `add(block, sums)` adds for a block of rows; blocks are handed out in
/// parallel and their sums added in order, so the result does not depend on the number of threads.
///
/// `width` is the width of a row of `rows`-many rows, `sums` the numbers that a block adds up.
pub fn block_sums(
    rows: usize,
    width: usize,
    sums: usize,
    add: impl Fn(std::ops::Range<usize>, &mut [f32]) + Sync,
) -> Vec<f64> {
    let step = block_rows(width);
    let parts: Vec<Vec<f32>> = (0..rows.div_ceil(step))
        .into_par_iter()
        .map(|block| {
            let mut part = vec![0.0; sums];
            let range = block * step..((block + 1) * step).min(rows);
            vectorised(
                #[inline(always)]
                || add(range.clone(), &mut part),
            );
            part
        })
        .collect();
    add_up(&parts, sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a kernel left numbers unwritten")]
    fn a_number_that_no_kernel_wrote_is_found() {
        // SAFETY: tests fill the space beforehand, so that the number left out is one.
        #[expect(unsafe_code, reason = "what the contract forbids, to see that it is noticed")]
        let [_] = unsafe { written([3], |[out]| out[..2].fill(1.0)) };
    }

    #[test]
    fn every_number_of_each_is_there() {
        // SAFETY: all are filled.
        #[expect(unsafe_code, reason = "every number is written")]
        let [a, b] = unsafe {
            written([2, 0], |[a, b]| {
                a.fill(1.0);
                b.fill(2.0);
            })
        };
        assert_eq!((a, b), (vec![1.0; 2], vec![]));
    }

    #[test]
    #[should_panic(expected = "one by one")]
    fn numbers_of_two_lengths_do_not_go_together() {
        map2(&[1.0], &[], |a, b| a + b);
    }
}
