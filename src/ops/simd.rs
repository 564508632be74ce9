//! Which vectors the kernels use: the widest that the processor has, or narrower ones where `GANDLE_VECTORS` asks for
//! them (`avx2` or `scalar`), to compute as a machine without the wider ones does.

use std::sync::LazyLock;

use pulp::{Arch, Simd, WithSimd};

static CHOSEN: LazyLock<Arch> = LazyLock::new(|| {
    let Some(name) = std::env::var_os("GANDLE_VECTORS") else { return Arch::new() };
    match name.to_str() {
        Some("scalar") => Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        Some("avx2") if pulp::x86::V3::try_new().is_some() => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
        _ => {
            tracing::warn!("GANDLE_VECTORS={name:?} is not `avx2` or `scalar` or not on this processor: it is ignored");
            Arch::new()
        }
    }
});

/// Runs a kernel with the vectors in use.
#[inline(always)]
pub(super) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    CHOSEN.dispatch(work)
}

/// The name of the vectors in use: what they compute may differ from others in the last bits.
pub fn name() -> String {
    let name = format!("{:?}", *CHOSEN);
    name.split('(').next().unwrap_or_default().to_owned()
}

/// Asks for the number of floats in a vector.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// Floats in one of the vectors in use.
pub(super) fn lanes() -> usize {
    dispatch(Lanes)
}
