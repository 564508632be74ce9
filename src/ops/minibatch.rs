//! How much the images of a batch differ, as one more feature map.

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::cpu;
use super::fused::fused;
use super::tape::Value;

/// Most images that are compared with each other.
const GROUP: usize = 4;
/// Keeps the root's slope finite where the images of a group are alike.
const EPSILON: f64 = 1e-8;
/// Sums that go on side by side, as many as the widest vectors hold.
const LANES: usize = 16;

/// Images that are compared with each other: 4, or the largest divisor of the batch below. 1 for an empty batch.
pub fn group_size(batch: usize) -> usize {
    (1..=GROUP).rev().find(|size| batch.max(1).is_multiple_of(*size)).unwrap_or(1)
}

impl Value {
    /// Joins the minibatch standard deviation (Karras et al. 2018): `(B, H, W, C)` features to `(B, H, W, C + 1)`. The last
    /// channel is one number a group of images, the mean over positions and channels of their standard deviation
    /// (over the count, not the count less one). With B = g n, image i is in group i mod n, as in `StyleGAN2`.
    ///
    /// # Errors
    /// Where it is not a batch of images.
    pub fn join_minibatch_stddev(&self) -> Result<Self> {
        self.join_minibatch_stddev_of(self)
    }

    /// Joins the minibatch standard deviation of other features of the same images: `(B, H, W, C)` to `(B, H, W, C + 1)`, with
    /// `of` `(B, H', W', C')`.
    ///
    /// # Errors
    /// Where either is not a batch of images, or not of as many.
    pub fn join_minibatch_stddev_of(&self, of: &Self) -> Result<Self> {
        let (images, at_height, at_width, _) = self.tensor().dims4()?;
        let (batch, height, width, channels) = of.tensor().dims4()?;
        if images != batch {
            bail!("minibatch standard deviation of {batch} images for {images}");
        }
        let group = group_size(batch);
        let (groups, features) = (batch / group, height * width * channels);
        if groups * features == 0 {
            bail!("minibatch standard deviation of {:?}: there is nothing to compare", of.dims());
        }
        let spread = of.spread(group)?.reshape(&[1, groups, 1])?;
        let plane = spread.broadcast_as(&[group, groups, at_height * at_width])?;
        let plane = plane.reshape(&[batch, at_height, at_width, 1])?;
        self.join_last(&plane)
    }

    /// The mean deviation of each group of images: `(B, ...)` to `(B / group)`, see [`Value::join_minibatch_stddev`].
    fn spread(&self, group: usize) -> Result<Self> {
        let groups = self.dims()[0] / group;
        if !cpu::is_cpu(self.tensor()) {
            return plain(self, group);
        }
        let out = {
            let x = cpu::slice(self.tensor())?;
            match group {
                2 => spreads::<2>(&x, groups),
                3 => spreads::<3>(&x, groups),
                4 => spreads::<4>(&x, groups),
                // An image that is alone does not deviate.
                _ => vec![EPSILON.sqrt() as f32; groups],
            }
        };
        Ok(fused(
            cpu::tensor(out, groups)?,
            &[self],
            move |v| plain(&v[0], group),
            move |b| {
                let of_x = b.of(0, || {
                    let (x, grad) = (cpu::slice(b.inputs[0].tensor())?, cpu::slice(b.grad.tensor())?);
                    let gradient = match group {
                        2 => gradient::<2>(&x, &grad),
                        3 => gradient::<3>(&x, &grad),
                        4 => gradient::<4>(&x, &grad),
                        _ => vec![0.0; x.len()],
                    };
                    Ok(Self::constant(cpu::tensor(gradient, b.inputs[0].dims())?))
                })?;
                Ok(vec![of_x])
            },
        ))
    }
}

/// [`Value::spread`] of plain operations.
fn plain(x: &Value, group: usize) -> Result<Value> {
    let groups = x.dims()[0] / group;
    let features = x.tensor().elem_count() / x.dims()[0];
    let rows = [group, groups * features];
    let x = x.reshape(&rows)?;
    let mean = x.sum_keepdim(0)?.scale(1.0 / group as f64)?;
    let deviation = x.sub(&mean.broadcast_as(&rows)?)?;
    let variance = deviation.mul(&deviation)?.sum_keepdim(0)?.scale(1.0 / group as f64)?;
    let spread = variance.affine(1.0, EPSILON)?.power(0.5)?.reshape(&[groups, features])?;
    spread.sum_keepdim(1)?.scale(1.0 / features as f64)?.reshape(&[groups])
}

/// The mean of `N` numbers, and how far they deviate from it.
#[inline(always)]
fn deviation<const N: usize>(x: [f32; N]) -> (f32, f32) {
    let share = 1.0 / N as f32;
    let mean = x.iter().sum::<f32>() * share;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() * share;
    (mean, (variance + EPSILON as f32).sqrt())
}

/// The mean deviation of each of the groups of `N` images: a pass over them.
fn spreads<const N: usize>(x: &[f32], groups: usize) -> Vec<f32> {
    let features = x.len() / (N * groups);
    let mean = |group: usize| {
        let members: [&[f32]; N] = std::array::from_fn(|i| &x[(i * groups + group) * features..][..features]);
        let sums = cpu::block_sums(
            features,
            1,
            LANES,
            #[inline(always)]
            |range, sums| {
                let members = members.map(|member| &member[range.clone()]);
                let (whole, rest) = (range.len() / LANES * LANES, range.len() % LANES);
                for at in (0..whole).step_by(LANES) {
                    let members = members.map(|member| &member[at..at + LANES]);
                    for (lane, sum) in sums.iter_mut().enumerate() {
                        *sum += deviation(members.map(|member| member[lane])).1;
                    }
                }
                for (lane, sum) in sums.iter_mut().enumerate().take(rest) {
                    *sum += deviation(members.map(|member| member[whole + lane])).1;
                }
            },
        );
        (sums.iter().sum::<f64>() / features as f64) as f32
    };
    (0..groups).map(mean).collect()
}

/// The gradient of [`spreads`]: for each number its deviation over that of its group, times the group's share of `grad`.
fn gradient<const N: usize>(x: &[f32], grad: &[f32]) -> Vec<f32> {
    let groups = grad.len();
    let features = x.len() / (N * groups);
    let write = |[out]: [&mut [f32]; 1]| {
        out.par_chunks_mut(features).enumerate().for_each(|(image, out)| {
            let group = image % groups;
            let members: [&[f32]; N] = std::array::from_fn(|i| &x[(i * groups + group) * features..][..out.len()]);
            let own = &x[image * features..][..out.len()];
            let share = grad[group] / (N * features) as f32;
            cpu::vectorised(
                #[inline(always)]
                || {
                    for (at, (out, own)) in out.iter_mut().zip(own).enumerate() {
                        let (mean, all) = deviation(members.map(|member| member[at]));
                        *out = share * (own - mean) / all;
                    }
                },
            );
        });
    };
    // SAFETY: the images are `features` numbers each, and every number of each is written.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([x.len()], write) };
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{close, finite_differences, numbers, second_order, values};

    #[test]
    fn groups_divide_the_batch() {
        let sizes = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 32].map(group_size);
        assert_eq!(sizes, [1, 1, 2, 3, 4, 1, 3, 4, 3, 2, 4]);
    }

    #[test]
    fn deviation_of_other_features_goes_to_a_map_of_another_size() {
        let [x, of] = values([&[4, 2, 2, 3], &[4, 3, 1, 5]]);
        let out = x.join_minibatch_stddev_of(&of).unwrap();
        assert_eq!(out.dims(), [4, 2, 2, 4]);
        let own = numbers(of.join_minibatch_stddev().unwrap().tensor());
        let joined = numbers(out.tensor());
        assert!(joined.chunks(4).all(|position| position[3] == own[5]));
        assert_eq!(joined[..3], numbers(x.tensor())[..3]);
        let [few] = values([&[3, 2, 2, 3]]);
        assert!(few.join_minibatch_stddev_of(&of).is_err());
    }

    #[test]
    fn the_last_channel_is_the_mean_deviation_of_the_group() {
        for batch in [2, 5, 6, 8] {
            let [x] = values([&[batch, 2, 3, 5]]);
            let out = x.join_minibatch_stddev().unwrap();
            let (features, group) = (numbers(x.tensor()), group_size(batch));
            let groups = batch / group;
            let mut want = Vec::new();
            for image in 0..batch {
                let members: Vec<usize> = (0..group).map(|i| i * groups + image % groups).collect();
                let mean = |of: &dyn Fn(usize) -> f64| members.iter().map(|i| of(*i)).sum::<f64>() / group as f64;
                let deviation = |at: usize| {
                    let middle = mean(&|i| features[i * 30 + at]);
                    (mean(&|i| (features[i * 30 + at] - middle).powi(2)) + EPSILON).sqrt()
                };
                let spread = (0..30).map(deviation).sum::<f64>() / 30.0;
                for position in features[image * 30..][..30].chunks(5) {
                    want.extend(position);
                    want.push(spread);
                }
            }
            close(out.tensor(), &want, 1e-6);
        }
    }

    #[test]
    fn a_pass_over_the_images_gives_what_plain_operations_do() {
        for (batch, width) in [(3, 1), (5, 2), (8, 7), (6, 40), (12, 33)] {
            let [x] = values([&[batch, 3, width, 11]]);
            let group = group_size(batch);
            let (fast, slow) = (x.spread(group).unwrap(), plain(&x, group).unwrap());
            close(fast.tensor(), &numbers(slow.tensor()), 1e-6);
            let [weights] = values([&[batch / group]]);
            let gradient = |spread: Value| {
                let loss = spread.mul(&weights).unwrap().sum_all().unwrap();
                crate::ops::gradients(loss, std::slice::from_ref(&x), crate::ops::Graph::Drop)
                    .unwrap()
                    .remove(0)
                    .unwrap()
            };
            let slow = numbers(gradient(slow).tensor());
            // Where images hardly differ the plain order of sums loses more digits.
            close(gradient(fast).tensor(), &slow, 1e-5);
        }
    }

    #[test]
    fn gradients_match_differences_to_second_order() {
        for batch in [4, 5, 6] {
            let inputs = values([&[batch, 1, 2, 3]]);
            finite_differences(&inputs, |v| v[0].join_minibatch_stddev());
            second_order(&inputs, |v| v[0].join_minibatch_stddev());
        }
    }

    #[test]
    fn images_that_are_alike_have_finite_gradients() {
        let [x] = values([&[1, 2, 2, 3]]);
        let alike = Value::leaf(x.tensor().broadcast_as((4, 2, 2, 3)).unwrap().contiguous().unwrap());
        let out = alike.join_minibatch_stddev().unwrap().sum_all().unwrap();
        let gradient = crate::ops::gradients(out, &[alike], crate::ops::Graph::Drop).unwrap().remove(0).unwrap();
        close(gradient.tensor(), &[1.0; 48], 1e-6);
    }
}
