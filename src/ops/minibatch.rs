//! How much the images of a batch differ, as one more feature map.

use candle_core::{Result, bail};

use super::tape::Value;

/// Most images that are compared with each other.
const GROUP: usize = 4;
/// Keeps the root's slope finite where the images of a group are alike.
const EPSILON: f64 = 1e-8;

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
        let rows = [group, groups * features];
        let x = of.reshape(&rows)?;
        let mean = x.sum_keepdim(0)?.scale(1.0 / group as f64)?;
        let deviation = x.sub(&mean.broadcast_as(&rows)?)?;
        let variance = deviation.mul(&deviation)?.sum_keepdim(0)?.scale(1.0 / group as f64)?;
        let spread = variance.affine(1.0, EPSILON)?.power(0.5)?.reshape(&[groups, features])?;
        let spread = spread.sum_keepdim(1)?.scale(1.0 / features as f64)?.reshape(&[1, groups, 1])?;
        let plane = spread.broadcast_as(&[group, groups, at_height * at_width])?;
        let plane = plane.reshape(&[batch, at_height, at_width, 1])?;
        self.join_last(&plane)
    }
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
    fn gradients_match_differences_to_second_order() {
        for batch in [4, 6] {
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
