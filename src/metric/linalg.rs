//! What the scores need of linear algebra, with the same sums whatever the number of threads: the work is always shared
//! out into [`PARTS`] parts, which however many threads there are then take on.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::linalg::qr::no_pivoting::factor::{qr_in_place, qr_in_place_scratch, recommended_block_size};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::{Accum, Mat, MatRef, Par};

use super::MetricError;

const PARTS: usize = 4;

fn par() -> Par {
    Par::rayon(PARTS)
}

/// `a * b`.
pub(super) fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    matmul(&mut out, Accum::Replace, a, b, 1.0, par());
    out
}

/// `a * b` into `out`, on the calling thread alone: for blocks that are themselves handed out.
pub(super) fn product_here(out: &mut Mat<f64>, a: MatRef<'_, f64>, b: MatRef<'_, f64>) {
    matmul(out, Accum::Replace, a, b, 1.0, Par::Seq);
}

/// The singular values, largest first.
pub(super) fn singular_values(a: MatRef<'_, f64>) -> Result<Vec<f64>, MetricError> {
    let mut values = Diag::zeros(a.nrows().min(a.ncols()));
    let none = ComputeSvdVectors::No;
    let space = svd_scratch::<f64>(a.nrows(), a.ncols(), none, none, par(), Default::default());
    let mut space = MemBuffer::new(space);
    svd(a, values.as_mut(), None, None, par(), MemStack::new(&mut space), Default::default())
        .map_err(|_| MetricError::Singular)?;
    Ok(values.column_vector().iter().copied().collect())
}

/// The eigenvalues of a symmetric matrix, smallest first, and, where asked for, its eigenvectors as columns.
pub(super) fn eigen(a: MatRef<'_, f64>, vectors: Option<&mut Mat<f64>>) -> Result<Vec<f64>, MetricError> {
    let mut values = Diag::zeros(a.nrows());
    let wanted = if vectors.is_some() { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let space = self_adjoint_evd_scratch::<f64>(a.nrows(), wanted, par(), Default::default());
    let mut space = MemBuffer::new(space);
    let vectors = vectors.map(|vectors| vectors.as_mut());
    self_adjoint_evd(a, values.as_mut(), vectors, par(), MemStack::new(&mut space), Default::default())
        .map_err(|_| MetricError::Singular)?;
    Ok(values.column_vector().iter().copied().collect())
}

/// The triangle `R` of `a = QR`, `(min(rows, columns), columns)`.
pub(super) fn triangle(mut a: Mat<f64>) -> Mat<f64> {
    let (rows, columns) = (a.nrows(), a.ncols());
    let size = rows.min(columns);
    let block = recommended_block_size::<f64>(rows, columns);
    let mut householder = Mat::zeros(block, size);
    let mut space = MemBuffer::new(qr_in_place_scratch::<f64>(rows, columns, block, par(), Default::default()));
    qr_in_place(a.as_mut(), householder.as_mut(), par(), MemStack::new(&mut space), Default::default());
    Mat::from_fn(size, columns, |i, j| if i <= j { a[(i, j)] } else { 0.0 })
}
