//! Normalisation with scale, shift and activation in one pass: batch norm (one set of statistics a channel) and layer
//! norm over a whole image (GroupNorm with one group).

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu;
use super::fused::fused;
use super::tape::{Backward, Gradients, Value};

/// What statistics are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// All images and positions: a mean and a variance a channel.
    Batch,
    /// All positions and channels of an image: a mean and a variance an image.
    Image,
}

/// Added to every variance, as PyTorch's layers do.
pub const EPSILON: f64 = 1e-5;

/// The statistics that a normalisation found, in f64: a channel's each ([`Over::Batch`]) or an image's each
/// ([`Over::Image`]). The variance is the biased one.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Means.
    pub mean: Vec<f64>,
    /// Variances, divided by the count.
    pub variance: Vec<f64>,
    /// Numbers that each was taken over.
    pub count: usize,
}

/// Shapes of a `(B, H, W, C)` value in a normalisation.
#[derive(Clone, Copy)]
struct Shape {
    batch: usize,
    positions: usize,
    channels: usize,
    over: Over,
    slope: f32,
    /// Rows of scale and shift: 1, or one an image.
    rows: usize,
}

impl Shape {
    fn image(&self) -> usize {
        self.positions * self.channels
    }

    fn groups(&self) -> usize {
        match self.over {
            Over::Batch => self.channels,
            Over::Image => self.batch,
        }
    }

    fn count(&self) -> usize {
        match self.over {
            Over::Batch => self.batch * self.positions,
            Over::Image => self.image(),
        }
    }
}

impl Value {
    /// `max(y, slope * y)` of `y = (x - mean) / sqrt(variance + EPSILON) * scale + shift`, with the statistics of `self`
    /// `(B, H, W, C)` itself. `scale` and `shift` are `(1, C)`, or `(B, C)` for a set an image. Slope 1 activates nothing.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn normalise(&self, scale: &Self, shift: &Self, over: Over, slope: f32) -> Result<(Self, Statistics)> {
        let (batch, height, width, channels) = self.tensor().dims4()?;
        let rows = scale.dims()[0];
        if scale.dims() != [rows, channels] || shift.dims() != scale.dims() || (rows != 1 && rows != batch) {
            bail!("normalisation: scale {:?} and shift {:?} do not fit {:?}", scale.dims(), shift.dims(), self.dims());
        }
        let shape = Shape { batch, positions: height * width, channels, over, slope, rows };
        if !cpu::is_cpu(self.tensor()) {
            let statistics = statistics_by_candle(self.tensor(), &shape)?;
            return Ok((plain(&[self.clone(), scale.clone(), shift.clone()], &shape)?, statistics));
        }
        let x = cpu::slice(self.tensor())?;
        let statistics = measure(&x, &shape);
        let saved = Saved::of(&statistics);
        let (scales, shifts) = (cpu::slice(scale.tensor())?, cpu::slice(shift.tensor())?);
        let out = cpu::tensor(apply(&x, &saved, &scales, &shifts, &shape), self.dims())?;
        let value = fused(out, &[self, scale, shift], move |v| plain(v, &shape), move |b| fast(b, &saved, &shape));
        Ok((value, statistics))
    }

    /// As [`Value::normalise`], with given statistics a channel instead of its own: evaluation mode.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn normalise_with(
        &self,
        mean: &Tensor,
        variance: &Tensor,
        scale: &Self,
        shift: &Self,
        slope: f32,
    ) -> Result<Self> {
        let (batch, height, width, channels) = self.tensor().dims4()?;
        if !cpu::is_cpu(self.tensor()) {
            let inverse = (variance + EPSILON)?.sqrt()?.recip()?;
            let centred = self.sub(&Self::constant(mean.clone()).broadcast_as(self.dims())?)?;
            return finish(&centred.mul(&Self::constant(inverse))?, scale, shift, slope);
        }
        let shape =
            Shape { batch, positions: height * width, channels, over: Over::Batch, slope, rows: scale.dims()[0] };
        let as_f64 = |t: &Tensor| -> Result<Vec<f64>> { Ok(cpu::slice(t)?.iter().map(|x| f64::from(*x)).collect()) };
        let saved = Saved::of(&Statistics { mean: as_f64(mean)?, variance: as_f64(variance)?, count: 1 });
        let (x, scales, shifts) =
            (cpu::slice(self.tensor())?, cpu::slice(scale.tensor())?, cpu::slice(shift.tensor())?);
        Ok(Self::constant(cpu::tensor(apply(&x, &saved, &scales, &shifts, &shape), self.dims())?))
    }
}

/// The statistics as the kernels read them.
struct Saved {
    mean: Vec<f32>,
    /// `1 / sqrt(variance + EPSILON)`
    inverse: Vec<f32>,
}

impl Saved {
    fn of(statistics: &Statistics) -> Self {
        let mean = statistics.mean.iter().map(|x| *x as f32).collect();
        Self { mean, inverse: statistics.variance.iter().map(|x| (1.0 / (x + EPSILON).sqrt()) as f32).collect() }
    }
}

/// Rows of a block and its sums: for [`Over::Batch`] blocks run over all rows, for [`Over::Image`] over one image's.
fn group_sums(shape: &Shape, lanes: usize, add: impl Fn(std::ops::Range<usize>, usize, &mut [f32]) + Sync) -> Vec<f64> {
    let c = shape.channels;
    match shape.over {
        Over::Batch => cpu::block_sums(
            shape.batch * shape.positions,
            c,
            lanes * c,
            #[inline(always)]
            |rows, sums| add(rows, 0, sums),
        ),
        Over::Image => {
            let mut out = vec![0.0; lanes * shape.batch];
            let images: Vec<Vec<f64>> = (0..shape.batch)
                .into_par_iter()
                .map(|image| {
                    let first = image * shape.positions;
                    let sums = cpu::block_sums(
                        shape.positions,
                        c,
                        lanes * c,
                        #[inline(always)]
                        |rows, sums| {
                            add(rows.start + first..rows.end + first, image, sums);
                        },
                    );
                    sums.chunks(c).map(|lane| lane.iter().sum()).collect()
                })
                .collect();
            for (image, sums) in images.into_iter().enumerate() {
                for (lane, sum) in sums.into_iter().enumerate() {
                    out[lane * shape.batch + image] = sum;
                }
            }
            out
        }
    }
}

fn measure(x: &[f32], shape: &Shape) -> Statistics {
    let (c, groups, count) = (shape.channels, shape.groups(), shape.count());
    // About a first guess (the first position's numbers), so that a mean far from 0 costs no accuracy.
    let guess: Vec<f32> = match shape.over {
        Over::Batch => x[..c].to_vec(),
        Over::Image => (0..shape.batch).map(|image| x[image * shape.image()]).collect(),
    };
    let sums = group_sums(
        shape,
        2,
        #[inline(always)]
        |rows, image, sums| {
            let (sum, squares) = sums.split_at_mut(c);
            let rows = x[rows.start * c..rows.end * c].chunks_exact(c);
            match shape.over {
                Over::Batch => rows.for_each(|row| {
                    for (((sum, square), x), guess) in sum.iter_mut().zip(squares.iter_mut()).zip(row).zip(&guess) {
                        let x = x - guess;
                        *sum += x;
                        *square += x * x;
                    }
                }),
                Over::Image => rows.for_each(|row| {
                    let guess = guess[image];
                    for ((sum, square), x) in sum.iter_mut().zip(squares.iter_mut()).zip(row) {
                        let x = x - guess;
                        *sum += x;
                        *square += x * x;
                    }
                }),
            }
        },
    );
    let shifted: Vec<f64> = sums[..groups].iter().map(|sum| sum / count as f64).collect();
    let squares = sums[groups..].iter().map(|sum| sum / count as f64);
    let variance = squares.zip(&shifted).map(|(square, mean)| (square - mean * mean).max(0.0)).collect();
    let mean = shifted.iter().zip(&guess).map(|(shifted, guess)| shifted + f64::from(*guess)).collect();
    Statistics { mean, variance, count }
}

/// Factor and offset of every channel of an image: `y = x * factor + offset`.
fn lines(image: usize, saved: &Saved, scales: &[f32], shifts: &[f32], shape: &Shape) -> (Vec<f32>, Vec<f32>) {
    let c = shape.channels;
    let row = if shape.rows == 1 { 0 } else { image } * c;
    let (scales, shifts) = (&scales[row..row + c], &shifts[row..row + c]);
    let group = |channel: usize| match shape.over {
        Over::Batch => channel,
        Over::Image => image,
    };
    let factor: Vec<f32> = scales.iter().enumerate().map(|(ch, scale)| scale * saved.inverse[group(ch)]).collect();
    let offset = (0..c).map(|ch| shifts[ch] - saved.mean[group(ch)] * factor[ch]).collect();
    (factor, offset)
}

/// Runs over all blocks of rows, in parallel: `work(image, first row, out)`.
fn over_blocks(out: &mut [f32], shape: &Shape, work: impl Fn(usize, usize, &mut [f32]) + Sync) {
    let (c, step) = (shape.channels, cpu::block_rows(shape.channels).min(shape.positions));
    out.par_chunks_mut(shape.image()).enumerate().for_each(|(image, out)| {
        // Large images are shared out, small ones stay whole.
        out.par_chunks_mut(step * c)
            .enumerate()
            .for_each(|(i, out)| work(image, image * shape.positions + i * step, out));
    });
}

fn apply(x: &[f32], saved: &Saved, scales: &[f32], shifts: &[f32], shape: &Shape) -> Vec<f32> {
    let (c, slope) = (shape.channels, shape.slope);
    let mut out = cpu::fresh(x.len());
    over_blocks(&mut out, shape, |image, row, out| {
        let (factor, offset) = lines(image, saved, scales, shifts, shape);
        cpu::vectorised(
            #[inline(always)]
            || {
                for (out, x) in out.chunks_exact_mut(c).zip(x[row * c..].chunks_exact(c)) {
                    for (((out, x), factor), offset) in out.iter_mut().zip(x).zip(&factor).zip(&offset) {
                        let y = x * factor + offset;
                        *out = if y > 0.0 { y } else { slope * y };
                    }
                }
            },
        );
    });
    out
}

/// The hand-written gradient. With `h` the gradient behind the activation, `n` the normalised numbers and `k = h * scale`,
/// `dx = inverse * (k - mean(k) - n * mean(k * n))` (Ioffe & Szegedy 2015), `dscale = sum(h * n)` and `dshift = sum(h)`.
fn fast(b: &Backward<'_>, saved: &Saved, shape: &Shape) -> Gradients {
    let (c, slope, count) = (shape.channels, shape.slope, shape.count() as f64);
    let [x, scales, y, grad] = [&b.inputs[0], &b.inputs[1], b.output, b.grad].map(Value::tensor);
    let (x, scales, y, grad) = (cpu::slice(x)?, cpu::slice(scales)?, cpu::slice(y)?, cpu::slice(grad)?);
    // Sums of h and of h * n, an image and a channel each.
    let sums = channel_sums(&x, &y, &grad, saved, shape);
    let weighed = |group: usize, lane: usize| -> f64 {
        let scale = |image: usize, ch: usize| f64::from(scales[if shape.rows == 1 { 0 } else { image } * c + ch]);
        match shape.over {
            Over::Batch => {
                (0..shape.batch).map(|image| sums[(image * 2 + lane) * c + group] * scale(image, group)).sum()
            }
            Over::Image => (0..c).map(|ch| sums[(group * 2 + lane) * c + ch] * scale(group, ch)).sum(),
        }
    };
    let means: Vec<[f32; 2]> =
        (0..shape.groups()).map(|g| [0, 1].map(|lane| (weighed(g, lane) / count) as f32)).collect();
    let dx = b.of(0, || {
        let mut dx = cpu::fresh(x.len());
        over_blocks(&mut dx, shape, |image, row, out| {
            let group = |ch: usize| if shape.over == Over::Batch { ch } else { image };
            let scale_row = if shape.rows == 1 { 0 } else { image } * c;
            // dx = h * a - x * p - q
            let a: Vec<f32> = (0..c).map(|ch| scales[scale_row + ch] * saved.inverse[group(ch)]).collect();
            let p: Vec<f32> = (0..c).map(|ch| saved.inverse[group(ch)].powi(2) * means[group(ch)][1]).collect();
            let q: Vec<f32> = (0..c)
                .map(|ch| saved.inverse[group(ch)] * means[group(ch)][0] - saved.mean[group(ch)] * p[ch])
                .collect();
            let range = row * c..row * c + out.len();
            let (x, y, grad) = (&x[range.clone()], &y[range.clone()], &grad[range]);
            cpu::vectorised(
                #[inline(always)]
                || {
                    let rows = x.chunks_exact(c).zip(y.chunks_exact(c)).zip(grad.chunks_exact(c));
                    for (out, ((x, y), grad)) in out.chunks_exact_mut(c).zip(rows) {
                        for ch in 0..c {
                            let h = if y[ch] > 0.0 { grad[ch] } else { slope * grad[ch] };
                            out[ch] = h * a[ch] - x[ch] * p[ch] - q[ch];
                        }
                    }
                },
            );
        });
        Ok(Value::constant(cpu::tensor(dx, b.grad.dims())?))
    })?;
    let table = |lane: usize| -> Result<Value> {
        let at = |image: usize, ch: usize| sums[(image * 2 + lane) * c + ch];
        let data: Vec<f32> = match shape.rows {
            1 => (0..c).map(|ch| (0..shape.batch).map(|image| at(image, ch)).sum::<f64>() as f32).collect(),
            rows => (0..rows * c).map(|i| at(i / c, i % c) as f32).collect(),
        };
        Ok(Value::constant(cpu::tensor(data, (shape.rows, c))?))
    };
    Ok(vec![dx, b.of(1, || table(1))?, b.of(2, || table(0))?])
}

/// Sums over positions of `h` and of `h * n`: `(B, 2, C)`.
fn channel_sums(x: &[f32], y: &[f32], grad: &[f32], saved: &Saved, shape: &Shape) -> Vec<f64> {
    let (c, slope) = (shape.channels, shape.slope);
    let images: Vec<Vec<f64>> = (0..shape.batch)
        .into_par_iter()
        .map(|image| {
            let group = |ch: usize| if shape.over == Over::Batch { ch } else { image };
            let mean: Vec<f32> = (0..c).map(|ch| saved.mean[group(ch)]).collect();
            let first = image * shape.positions;
            let mut sums = cpu::block_sums(
                shape.positions,
                c,
                2 * c,
                #[inline(always)]
                |rows, sums| {
                    let (plain, weighted) = sums.split_at_mut(c);
                    let range = (rows.start + first) * c..(rows.end + first) * c;
                    let rows = x[range.clone()]
                        .chunks_exact(c)
                        .zip(y[range.clone()].chunks_exact(c))
                        .zip(grad[range].chunks_exact(c));
                    for ((x, y), grad) in rows {
                        for ch in 0..c {
                            let h = if y[ch] > 0.0 { grad[ch] } else { slope * grad[ch] };
                            plain[ch] += h;
                            weighted[ch] += h * (x[ch] - mean[ch]);
                        }
                    }
                },
            );
            for ch in 0..c {
                sums[c + ch] *= f64::from(saved.inverse[group(ch)]);
            }
            sums
        })
        .collect();
    images.concat()
}

/// The same in plain operations, for other devices and for higher orders: `[x, scale, shift]`.
fn plain(v: &[Value], shape: &Shape) -> Result<Value> {
    let (x, dims) = (&v[0], v[0].dims());
    let grouped = match shape.over {
        Over::Batch => x.reshape(&[shape.batch * shape.positions, shape.channels])?,
        Over::Image => x.reshape(&[shape.batch, shape.image()])?,
    };
    let along = usize::from(shape.over == Over::Image);
    let mean_of = |v: &Value| v.sum_keepdim(along)?.scale(1.0 / shape.count() as f64);
    let centred = grouped.sub(&mean_of(&grouped)?.broadcast_as(grouped.dims())?)?;
    let inverse = mean_of(&centred.mul(&centred)?)?.affine(1.0, EPSILON)?.power(-0.5)?;
    let normalised = centred.mul(&inverse)?.reshape(dims)?;
    finish(&normalised, &v[1], &v[2], shape.slope)
}

/// Scale, shift and activation of normalised numbers.
fn finish(normalised: &Value, scale: &Value, shift: &Value, slope: f32) -> Result<Value> {
    let [rows, channels] = [scale.dims()[0], scale.dims()[1]];
    let wide = |v: &Value| v.reshape(&[rows, 1, 1, channels]);
    let y = normalised.mul(&wide(scale)?)?.add(&wide(shift)?.broadcast_as(normalised.dims())?)?;
    if slope == 1.0 { Ok(y) } else { y.leaky_relu(slope) }
}

fn statistics_by_candle(x: &Tensor, shape: &Shape) -> Result<Statistics> {
    let (grouped, along) = match shape.over {
        Over::Batch => (x.reshape((shape.batch * shape.positions, shape.channels))?, 0),
        Over::Image => (x.reshape((shape.batch, shape.image()))?, 1),
    };
    let mean = grouped.mean_keepdim(along)?;
    let variance = grouped.broadcast_sub(&mean)?.sqr()?.mean_keepdim(along)?;
    let list = |t: &Tensor| -> Result<Vec<f64>> {
        Ok(t.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
    };
    Ok(Statistics { mean: list(&mean)?, variance: list(&variance)?, count: shape.count() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::{close, finite_differences, second_order, values};

    const CASES: &[([usize; 4], Over, usize, f32)] = &[
        ([3, 2, 2, 5], Over::Batch, 1, 1.0),
        ([4, 3, 1, 17], Over::Batch, 4, 0.2),
        ([3, 2, 3, 4], Over::Image, 1, 0.2),
        ([2, 4, 4, 3], Over::Image, 2, 1.0),
        ([2, 40, 40, 33], Over::Batch, 1, 0.0),
    ];

    #[test]
    fn kernels_and_plain_operations_agree() {
        for (dims, over, rows, slope) in CASES {
            let inputs = values([&dims[..], &[*rows, dims[3]], &[*rows, dims[3]]]);
            let shape = Shape {
                batch: dims[0],
                positions: dims[1] * dims[2],
                channels: dims[3],
                over: *over,
                slope: *slope,
                rows: *rows,
            };
            let (got, statistics) = inputs[0].normalise(&inputs[1], &inputs[2], *over, *slope).unwrap();
            let want = plain(&inputs, &shape).unwrap();
            let numbers = |t: &Tensor| cpu::slice(t).unwrap().iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
            close(got.tensor(), &numbers(want.tensor()), 1e-5);
            let candles = statistics_by_candle(inputs[0].tensor(), &shape).unwrap();
            for (a, b) in statistics.variance.iter().zip(&candles.variance) {
                assert!((a - b).abs() < 1e-5 * b.max(1e-3));
            }
            let weight = crate::ops::check::value(dims, 7);
            let grads = |of: Value| {
                crate::ops::tape::gradients_from(of, weight.detach(), &inputs, crate::ops::Graph::Drop).unwrap()
            };
            for (a, b) in grads(got).iter().zip(grads(want)) {
                close(a.as_ref().unwrap().tensor(), &numbers(b.unwrap().tensor()), 1e-4);
            }
        }
    }

    #[test]
    fn gradients_match_differences() {
        for (dims, over, rows, _) in &CASES[..4] {
            let inputs = values([&dims[..], &[*rows, dims[3]], &[*rows, dims[3]]]);
            finite_differences(&inputs, |v| Ok(v[0].normalise(&v[1], &v[2], *over, 1.0)?.0));
        }
        let inputs = values([&[2, 2, 2, 3], &[1, 3], &[1, 3]]);
        second_order(&inputs, |v| Ok(v[0].normalise(&v[1], &v[2], Over::Image, 1.0)?.0));
    }

    #[test]
    fn a_mean_far_from_zero_keeps_the_variance() {
        let x: Vec<f32> = (0..4000).map(|i| 1000.0 + (i % 2) as f32).collect();
        let x = Value::constant(cpu::tensor(x, (4, 10, 50, 2)).unwrap());
        // Channel 0 is 1000 throughout, channel 1 is 1001.
        let [one, zero] = [1.0, 0.0].map(|v| Value::constant(cpu::tensor(vec![v; 2], (1, 2)).unwrap()));
        let (_, statistics) = x.normalise(&one, &zero, Over::Batch, 1.0).unwrap();
        assert_eq!((statistics.mean, statistics.variance), (vec![1000.0, 1001.0], vec![0.0, 0.0]));
    }

    #[test]
    fn given_statistics_are_used_as_they_are() {
        let [x, scale, shift] = values([&[2, 1, 2, 3], &[1, 3], &[1, 3]]);
        let (own, statistics) = x.normalise(&scale, &shift, Over::Batch, 0.2).unwrap();
        let tensor = |v: &[f64]| cpu::tensor(v.iter().map(|x| *x as f32).collect(), 3).unwrap();
        let (mean, variance) = (tensor(&statistics.mean), tensor(&statistics.variance));
        let given = x.normalise_with(&mean, &variance, &scale, &shift, 0.2).unwrap();
        let want: Vec<f64> = cpu::slice(own.tensor()).unwrap().iter().map(|x| f64::from(*x)).collect();
        close(given.tensor(), &want, 1e-5);
    }
}
