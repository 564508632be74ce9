//! A vector of floats that starts on a cache line, so that no wide load of it straddles two.

use std::ops::{Deref, DerefMut};

/// Floats in one cache line of 64 bytes, which is also the widest vector.
const LINE: usize = 16;

/// A fixed number of floats, the first on a 64-byte boundary.
pub struct Aligned {
    data: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let data = vec![0.0f32; len + LINE];
        // `align_offset` may answer that it cannot tell; then the numbers are merely not aligned.
        let start = data.as_ptr().align_offset(64).min(LINE);
        Self { data, start, len }
    }

    /// The first `len` floats, after making room for them where there was too little.
    ///
    /// What stood there before is kept, or, where the buffer had to grow, replaced by zeros.
    pub fn at_least(&mut self, len: usize) -> &mut [f32] {
        if self.len < len {
            *self = Self::zeros(len);
        }
        &mut self[..len]
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.data[self.start..self.start + self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data[self.start..self.start + self.len]
    }
}
