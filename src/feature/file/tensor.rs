//! Where the numbers of a tensor lie in a file, and how they are stored.

/// The most axes of a tensor; weights have four.
pub(super) const MOST_AXES: usize = 8;

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F32,
    F64,
    F16,
    BF16,
    /// A whole number of so many bytes, or a kind that no weights have.
    Whole(u64),
}

impl Kind {
    pub fn bytes(self) -> u64 {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Whole(bytes) => bytes,
        }
    }
}

/// Where a tensor's numbers lie.
#[derive(Debug)]
pub(super) struct Tensor {
    pub kind: Kind,
    pub shape: Vec<usize>,
    /// Numbers from one member of an axis to the next.
    pub strides: Vec<usize>,
    /// Numbers before the first.
    pub offset: usize,
    /// Numbers from `start` on, all inside the file.
    pub held: usize,
    /// A place in the file.
    pub start: u64,
}

impl Tensor {
    /// How many numbers it has, and how many lie between its first and its last, both included; nothing where they are not
    /// all inside what it holds.
    pub fn extent(&self) -> Option<(usize, usize)> {
        let count = self.shape.iter().try_fold(1, |count: usize, size| count.checked_mul(*size))?;
        if count == 0 {
            return Some((0, 0));
        }
        let mut last = 0_usize;
        for (size, stride) in self.shape.iter().zip(&self.strides) {
            last = last.checked_add((size - 1).checked_mul(*stride)?)?;
        }
        let inside = self.offset.checked_add(last)? < self.held;
        // One number that stands for many would let a small file ask for any amount of memory.
        (inside && count <= self.held).then_some((count, last + 1))
    }
}

/// A name as messages have it, however long it is.
pub(super) fn short(name: &str) -> String {
    const MOST: usize = 100;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}\u{2026}", &name[..end]),
        None => name.to_owned(),
    }
}

/// The strides of a tensor whose numbers lie row by row.
pub(super) fn row_by_row(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}
