//! A safe face for `gemm`: matrix products over slices with any strides, on the current rayon pool.

/// A read-only matrix view over a slice: element (i, j) stands at `i * row_stride + j * column_stride`.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A dense matrix, row by row.
    ///
    /// # Panics
    /// Where the slice is shorter than `rows * columns`.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns, 1)
    }

    /// A matrix with any strides.
    ///
    /// # Panics
    /// Where an element would lie outside the slice.
    pub fn strided(data: &'a [f32], rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> Self {
        check(data.len(), rows, columns, row_stride, column_stride);
        Self { data, rows, columns, row_stride, column_stride }
    }

    /// The same numbers with rows and columns exchanged; nothing is copied.
    pub fn t(self) -> Self {
        let Self { data, rows, columns, row_stride, column_stride } = self;
        Self { data, rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride }
    }
}

fn check(len: usize, rows: usize, columns: usize, row_stride: usize, column_stride: usize) {
    if rows > 0 && columns > 0 {
        let last = (rows - 1) * row_stride + (columns - 1) * column_stride;
        assert!(last < len, "a {rows}x{columns} matrix does not fit a slice of {len}");
    }
}

/// Where a product goes: on top of what stands there, or in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    /// The product replaces what stood there.
    Replace,
    /// The product is added to what stood there.
    Add,
}

/// How many threads a product may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// The calling one alone, for products inside a parallel loop.
    One,
    /// The whole current rayon pool.
    All,
}

/// `out = a b` or `out += a b`, with `out` dense and row by row.
///
/// The result does not depend on anything but the arguments and the number of threads: the sum over the inner
/// dimension is never split between threads.
///
/// # Panics
/// Where the shapes do not fit each other or `out`.
pub fn matmul(out: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, into: Into, threads: Threads) {
    let columns = b.columns;
    matmul_strided(out, columns, a, b, into, threads);
}

/// As [`matmul`], with `out`'s rows `row_stride` numbers apart.
///
/// # Panics
/// Where the shapes do not fit each other or `out`.
pub fn matmul_strided(out: &mut [f32], row_stride: usize, a: Matrix<'_>, b: Matrix<'_>, into: Into, threads: Threads) {
    let (m, n, k) = (a.rows, b.columns, a.columns);
    assert_eq!(k, b.rows, "{m}x{k} times {}x{n}: the inner dimensions differ", b.rows);
    assert!(row_stride >= n, "rows of {n} overlap at stride {row_stride}");
    check(out.len(), m, n, row_stride, 1);
    if m == 0 || n == 0 {
        return;
    }
    let parallelism = match threads {
        Threads::One => gemm::Parallelism::None,
        Threads::All => gemm::Parallelism::Rayon(0),
    };
    // SAFETY: `check` has shown that every element of the three matrices lies inside its slice, `out` is borrowed
    // mutably and so overlaps neither of the others, and its rows do not overlap each other.
    #[expect(unsafe_code, reason = "gemm takes raw pointers; the checks above make this call sound")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            row_stride as isize,
            into == Into::Add,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 23) as f32 / 7.0 - 1.5).collect()
    }

    #[test]
    fn any_strides_give_the_plain_sum() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (17, 33, 9), (64, 31, 40), (2, 3, 0)] {
            let (a, b, start) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3));
            // a is stored transposed; b has gaps between its rows.
            let mut gappy = vec![9.0; k * (n + 2)];
            for (row, from) in gappy.chunks_mut(n + 2).zip(b.chunks(n)) {
                row[..n].copy_from_slice(from);
            }
            let mut stored = vec![0.0; m * k];
            for i in 0..m {
                for j in 0..k {
                    stored[j * m + i] = a[i * k + j];
                }
            }
            for into in [Into::Replace, Into::Add] {
                let mut out = start.clone();
                let right = Matrix::strided(&gappy, k, n, n + 2, 1);
                matmul(&mut out, Matrix::new(&stored, k, m).t(), right, into, Threads::All);
                for i in 0..m {
                    for j in 0..n {
                        let sum: f32 = (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
                        let want = sum + if into == Into::Add { start[i * n + j] } else { 0.0 };
                        assert!((out[i * n + j] - want).abs() < 1e-4, "{m} {n} {k} at {i} {j}");
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn a_short_slice_is_refused() {
        Matrix::new(&[0.0; 5], 2, 3);
    }
}
