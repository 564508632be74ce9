//! The plain operations on values: each is a candle operation or two, and each gradient is made of operations of this
//! room again. They run on every device; the fused kernels beside them are what the CPU uses where speed matters.

use candle_core::{D, DType, Result, Tensor, bail};

use super::cpu;
use super::matmul::{Into, Matrix, Threads, matmul};
use super::mix;
use super::tape::Value;

/// Sums `tensor` down to `shape`, the reverse of broadcasting.
fn reduce_to(value: &Value, shape: &[usize]) -> Result<Value> {
    let mut value = value.clone();
    while value.dims().len() > shape.len() {
        let rest = value.dims()[1..].to_vec();
        value = value.sum_keepdim(0)?.reshape(&rest)?;
    }
    for (dim, wanted) in shape.iter().enumerate() {
        if *wanted == 1 && value.dims()[dim] != 1 {
            value = value.sum_keepdim(dim)?;
        }
    }
    Ok(value)
}

impl Value {
    /// Element-wise sum of two values of one shape.
    ///
    /// # Errors
    /// Where the shapes differ.
    pub fn add(&self, other: &Self) -> Result<Self> {
        if self.dims() != other.dims() {
            bail!("add: shapes {:?} and {:?} differ", self.dims(), other.dims());
        }
        let sum = elementwise(self.tensor(), other.tensor(), |a, b| a + b, Tensor::add)?;
        Ok(Self::computed(sum, &[self, other], |b| {
            Ok(vec![b.of(0, || Ok(b.grad.clone()))?, b.of(1, || Ok(b.grad.clone()))?])
        }))
    }

    /// Element-wise difference of two values of one shape.
    ///
    /// # Errors
    /// Where the shapes differ.
    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.add(&other.scale(-1.0)?)
    }

    /// Element-wise product, either side broadcast to the other.
    ///
    /// # Errors
    /// Where the shapes do not broadcast.
    pub fn mul(&self, other: &Self) -> Result<Self> {
        let product = if self.dims() == other.dims() {
            elementwise(self.tensor(), other.tensor(), |a, b| a * b, Tensor::mul)?
        } else {
            self.tensor().broadcast_mul(other.tensor())?
        };
        Ok(Self::computed(product, &[self, other], |b| {
            let (x, y) = (&b.inputs[0], &b.inputs[1]);
            Ok(vec![
                b.of(0, || reduce_to(&b.grad.mul(y)?, x.dims()))?,
                b.of(1, || reduce_to(&b.grad.mul(x)?, y.dims()))?,
            ])
        }))
    }

    /// `self * factor + offset`.
    ///
    /// # Errors
    /// Those of candle.
    pub fn affine(&self, factor: f64, offset: f64) -> Result<Self> {
        let out = self.tensor().affine(factor, offset)?;
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.scale(factor))?])))
    }

    /// `self * factor`.
    ///
    /// # Errors
    /// Those of candle.
    pub fn scale(&self, factor: f64) -> Result<Self> {
        self.affine(factor, 0.0)
    }

    /// Copies along dimensions of size 1 (and new leading ones) to `shape`.
    ///
    /// # Errors
    /// Where the shape does not broadcast.
    pub fn broadcast_as(&self, shape: &[usize]) -> Result<Self> {
        let out = self.tensor().broadcast_as(shape)?.contiguous()?;
        Ok(Self::computed(out, &[self], |b| Ok(vec![b.of(0, || reduce_to(b.grad, b.inputs[0].dims()))?])))
    }

    /// Sum over one dimension, which stays with size 1.
    ///
    /// # Errors
    /// Where there is no such dimension.
    pub fn sum_keepdim(&self, dim: usize) -> Result<Self> {
        let out = self.tensor().sum_keepdim(dim)?;
        Ok(Self::computed(out, &[self], |b| Ok(vec![b.of(0, || b.grad.broadcast_as(b.inputs[0].dims()))?])))
    }

    /// Sum of all elements, with shape (1).
    ///
    /// # Errors
    /// Those of candle.
    pub fn sum_all(&self) -> Result<Self> {
        let out = self.tensor().sum_all()?.reshape(1)?;
        Ok(Self::computed(out, &[self], |b| {
            let shape = b.inputs[0].dims();
            let ones = vec![1; shape.len()];
            Ok(vec![b.of(0, || b.grad.reshape(&ones)?.broadcast_as(shape))?])
        }))
    }

    /// Mean of all elements, with shape (1).
    ///
    /// # Errors
    /// Those of candle.
    pub fn mean_all(&self) -> Result<Self> {
        let count = self.tensor().elem_count();
        self.sum_all()?.scale(1.0 / count as f64)
    }

    /// The same numbers in another shape.
    ///
    /// # Errors
    /// Where the counts differ.
    pub fn reshape(&self, shape: &[usize]) -> Result<Self> {
        let out = self.tensor().reshape(shape)?;
        Ok(Self::computed(out, &[self], |b| Ok(vec![b.of(0, || b.grad.reshape(b.inputs[0].dims()))?])))
    }

    /// Exchanges two dimensions.
    ///
    /// # Errors
    /// Where there is no such dimension.
    pub fn transpose(&self, a: usize, b: usize) -> Result<Self> {
        let out = self.tensor().transpose(a, b)?.contiguous()?;
        Ok(Self::computed(out, &[self], move |back| Ok(vec![back.of(0, || back.grad.transpose(a, b))?])))
    }

    /// Product of two matrices, or of two batches of them: `(.., m, k)` and `(.., k, n)` to `(.., m, n)`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        let out = product(self.tensor(), other.tensor())?;
        Ok(Self::computed(out, &[self, other], |b| {
            let (x, y) = (&b.inputs[0], &b.inputs[1]);
            let last = x.dims().len() - 1;
            Ok(vec![
                b.of(0, || b.grad.matmul(&y.transpose(last - 1, last)?))?,
                b.of(1, || x.transpose(last - 1, last)?.matmul(b.grad))?,
            ])
        }))
    }

    /// Joins two values along their last dimension.
    ///
    /// # Errors
    /// Where the other dimensions differ.
    pub fn join_last(&self, other: &Self) -> Result<Self> {
        let out = mix::join(self.tensor(), other.tensor())?;
        Ok(Self::computed(out, &[self, other], |b| {
            let last = b.output.dims().len() - 1;
            let (first, second) = (b.inputs[0].dims()[last], b.inputs[1].dims()[last]);
            Ok(vec![b.of(0, || b.grad.narrow_last(0, first))?, b.of(1, || b.grad.narrow_last(first, second))?])
        }))
    }

    /// `len` elements of the last dimension from `start` on.
    ///
    /// # Errors
    /// Where they reach beyond it.
    pub fn narrow_last(&self, start: usize, len: usize) -> Result<Self> {
        let out = mix::narrow(self.tensor(), start, len)?;
        Ok(Self::computed(out, &[self], move |b| {
            let whole = b.inputs[0].dims()[b.inputs[0].dims().len() - 1];
            Ok(vec![b.of(0, || b.grad.pad_last(start, whole - start - len))?])
        }))
    }

    /// Zeros before and after the last dimension.
    ///
    /// # Errors
    /// Those of candle.
    pub fn pad_last(&self, before: usize, after: usize) -> Result<Self> {
        let out = mix::pad(self.tensor(), before, after)?;
        Ok(Self::computed(out, &[self], move |b| {
            let len = b.inputs[0].dims()[b.inputs[0].dims().len() - 1];
            Ok(vec![b.of(0, || b.grad.narrow_last(before, len))?])
        }))
    }

    /// Rows of a table: `(rows, width)` and `(B)` u32 row numbers to `(B, width)`.
    ///
    /// # Errors
    /// Where a row number is too large.
    pub fn rows(&self, indices: &Tensor) -> Result<Self> {
        let out = self.tensor().index_select(indices, 0)?;
        let indices = indices.clone();
        Ok(Self::computed(out, &[self], move |b| {
            let rows = b.inputs[0].dims()[0];
            Ok(vec![b.of(0, || b.grad.scatter_rows(&indices, rows))?])
        }))
    }

    /// The reverse of [`Value::rows`]: `(B, width)` added up into `(rows, width)`.
    ///
    /// # Errors
    /// Where a row number is too large.
    pub fn scatter_rows(&self, indices: &Tensor, rows: usize) -> Result<Self> {
        let zeros = Tensor::zeros((rows, self.dims()[1]), DType::F32, self.tensor().device())?;
        let out = zeros.index_add(indices, self.tensor(), 0)?;
        let indices = indices.clone();
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.rows(&indices))?])))
    }

    /// Softmax over the last dimension.
    ///
    /// # Errors
    /// Those of candle.
    pub fn softmax_last(&self) -> Result<Self> {
        let out = candle_nn::ops::softmax(self.tensor(), D::Minus1)?;
        Ok(Self::computed(out, &[self], |b| {
            let last = b.output.dims().len() - 1;
            Ok(vec![b.of(0, || {
                let weighted = b.grad.mul(b.output)?;
                let mean = weighted.sum_keepdim(last)?;
                weighted.sub(&mean.mul(b.output)?)
            })?])
        }))
    }

    /// Mean over the batch of the cross-entropy between `(B, classes)` logits and `(B)` u32 labels, with shape (1).
    ///
    /// # Errors
    /// Where a label is no class.
    pub fn cross_entropy(&self, labels: &Tensor) -> Result<Self> {
        let (batch, classes) = self.tensor().dims2()?;
        let max = Self::constant(self.tensor().max_keepdim(1)?);
        let shifted = self.sub(&max.broadcast_as(self.dims())?)?;
        let total = shifted.exp()?.sum_keepdim(1)?.log()?.reshape(&[batch])?;
        let one_hot = candle_nn::encoding::one_hot(labels.clone(), classes, 1f32, 0f32)?;
        let picked = shifted.mul(&Self::constant(one_hot))?.sum_keepdim(1)?.reshape(&[batch])?;
        total.sub(&picked)?.mean_all()
    }
}

fn elementwise(
    a: &Tensor,
    b: &Tensor,
    kernel: impl Fn(f32, f32) -> f32 + Sync,
    otherwise: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if cpu::is_cpu(a) && cpu::is_cpu(b) && a.is_contiguous() && b.is_contiguous() {
        cpu::tensor(cpu::map2(&cpu::slice(a)?, &cpu::slice(b)?, kernel), a.dims())
    } else {
        otherwise(a, b)
    }
}

/// candle's product brings a thread pool of its own, which would fight with ours for the cores.
fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if !cpu::is_cpu(a) || !cpu::is_cpu(b) {
        return a.matmul(b);
    }
    let (dims, rank) = (a.dims(), a.rank());
    if rank < 2 || b.rank() != rank || dims[..rank - 2] != b.dims()[..rank - 2] || dims[rank - 1] != b.dims()[rank - 2]
    {
        bail!("matrix product: shapes {:?} and {:?} do not fit", a.dims(), b.dims());
    }
    let (m, k, n) = (dims[rank - 2], dims[rank - 1], b.dims()[rank - 1]);
    let count: usize = dims[..rank - 2].iter().product();
    let (x, y) = (cpu::slice(a)?, cpu::slice(b)?);
    let mut out = vec![0.0; count * m * n];
    for i in 0..count {
        let (x, y) = (Matrix::new(&x[i * m * k..], m, k), Matrix::new(&y[i * k * n..], k, n));
        matmul(&mut out[i * m * n..(i + 1) * m * n], x, y, Into::Replace, Threads::All);
    }
    let mut shape = dims.to_vec();
    shape[rank - 1] = n;
    cpu::tensor(out, shape)
}
