//! Curves of any length: stores every point, and reduces them to what a plot's pixels can show without losing a spike.

use crate::event::Step;

/// Points that one chunk sums up.
const CHUNK: usize = 64;

/// Reading of the smoothing slider above which averages stop growing.
const MOST_WEIGHT: f64 = 0.999;

/// What the visible range counts as in the smoothing, so that a slider position looks the same at any zoom.
const VIEWPORT: f64 = 1000.0;

/// Points of a curve in the order of their steps. Values that are not finite are left out.
#[derive(Clone, Debug, Default)]
pub struct Series {
    steps: Vec<usize>,
    values: Vec<f32>,
    chunks: Vec<Bucket>,
}

/// Neighbouring points summed up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Step of the first point.
    pub first: usize,
    /// Step of the last point.
    pub last: usize,
    /// Smallest value.
    pub min: f32,
    /// Largest value.
    pub max: f32,
    /// Sum of the values.
    sum: f64,
    /// Number of points.
    count: usize,
}

impl Bucket {
    fn of(step: usize, value: f32) -> Self {
        Self { first: step, last: step, min: value, max: value, sum: value.into(), count: 1 }
    }

    pub(super) fn join(&mut self, next: &Self) {
        self.last = next.last;
        self.min = self.min.min(next.min);
        self.max = self.max.max(next.max);
        self.sum += next.sum;
        self.count += next.count;
    }

    /// Mean value.
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// Step in the middle.
    pub fn middle(&self) -> f64 {
        (self.first as f64 + self.last as f64) / 2.0
    }
}

impl Series {
    /// Adds a point. Steps must not fall; a value that is not finite is left out.
    pub fn push(&mut self, step: usize, value: f32) {
        if !value.is_finite() {
            return;
        }
        if self.values.len().is_multiple_of(CHUNK) {
            self.chunks.push(Bucket::of(step, value));
        } else if let Some(chunk) = self.chunks.last_mut() {
            chunk.join(&Bucket::of(step, value));
        }
        self.steps.push(step);
        self.values.push(value);
    }

    /// Removes the points after `step`: a run that goes on from a checkpoint takes these steps again.
    pub fn truncate_after(&mut self, step: usize) {
        let keep = self.steps.partition_point(|s| *s <= step);
        self.steps.truncate(keep);
        self.values.truncate(keep);
        self.chunks.truncate(keep.div_ceil(CHUNK));
        if let (false, Some(chunk)) = (keep.is_multiple_of(CHUNK), self.chunks.last_mut()) {
            let start = keep / CHUNK * CHUNK;
            *chunk = Bucket::of(self.steps[start], self.values[start]);
            for at in start + 1..keep {
                chunk.join(&Bucket::of(self.steps[at], self.values[at]));
            }
        }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The last point.
    pub fn last(&self) -> Option<(usize, f32)> {
        Some((*self.steps.last()?, *self.values.last()?))
    }

    /// The value at a step, or at the nearest one before it.
    pub fn at(&self, step: f64) -> Option<f32> {
        let after = self.steps.partition_point(|s| *s as f64 <= step + 0.5);
        self.values.get(after.checked_sub(1)?).copied()
    }

    /// The points from `from` to `to` (and one more on either side) as at most about `most` buckets. Each keeps the
    /// extremes of all points in it, so no spike is lost. Long ranges are read a chunk at a time.
    pub fn buckets(&self, from: f64, to: f64, most: usize) -> Vec<Bucket> {
        let start = self.steps.partition_point(|s| (*s as f64) < from).saturating_sub(1);
        let end = (self.steps.partition_point(|s| (*s as f64) <= to) + 1).min(self.len());
        if start >= end {
            return Vec::new();
        }
        let size = (end - start).div_ceil(most.max(1));
        if size < CHUNK {
            return (start..end).step_by(size).map(|at| self.point_bucket(at, (at + size).min(end))).collect();
        }
        let chunks = &self.chunks[start / CHUNK..end.div_ceil(CHUNK)];
        chunks.chunks(size.div_ceil(CHUNK)).map(join_all).collect()
    }

    fn point_bucket(&self, start: usize, end: usize) -> Bucket {
        let mut bucket = Bucket::of(self.steps[start], self.values[start]);
        for at in start + 1..end {
            bucket.join(&Bucket::of(self.steps[at], self.values[at]));
        }
        bucket
    }
}

fn join_all(chunks: &[Bucket]) -> Bucket {
    let mut joined = chunks[0];
    for chunk in &chunks[1..] {
        joined.join(chunk);
    }
    joined
}

/// The outline of buckets: each gives its smallest and its largest value, or one point where they are the same.
pub fn outline(buckets: &[Bucket]) -> Vec<[f64; 2]> {
    let mut points = Vec::with_capacity(2 * buckets.len());
    for bucket in buckets {
        if bucket.count == 1 {
            points.push([bucket.middle(), bucket.min.into()]);
        } else {
            points.push([bucket.middle(), bucket.min.into()]);
            points.push([bucket.middle(), bucket.max.into()]);
        }
    }
    points
}

/// Time-weighted moving average of `points`, debiased so that it starts at the first value. `amount` is the slider,
/// from 0 (the points themselves) to 1; `range` is the visible width in steps.
pub fn smooth(points: &[[f64; 2]], amount: f64, range: f64) -> Vec<[f64; 2]> {
    let weight = amount.max(0.0).sqrt().min(MOST_WEIGHT);
    let scale = if range > 0.0 { VIEWPORT / range } else { 1.0 };
    let (mut sum, mut debias) = (0.0, 0.0);
    let mut previous = points.first().map_or(0.0, |point| point[0]);
    let average = |&[x, y]: &[f64; 2]| {
        let kept = weight.powf((x - previous) * scale);
        previous = x;
        sum = sum * kept + y;
        debias = debias * kept + 1.0;
        [x, sum / debias]
    };
    points.iter().map(average).collect()
}

/// The smoothed curve of buckets, through their means.
pub fn smooth_buckets(buckets: &[Bucket], amount: f64, range: f64) -> Vec<[f64; 2]> {
    let means: Vec<[f64; 2]> = buckets.iter().map(|bucket| [bucket.middle(), bucket.mean()]).collect();
    smooth(&means, amount, range)
}

/// The curves of a run.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// The discriminator's loss.
    pub loss_d: Series,
    /// The generator's loss.
    pub loss_g: Series,
    /// The perceptual and the texture loss in it; empty where neither is on.
    pub loss_features: Series,
    /// The discriminator's mean logit on real images.
    pub logits_real: Series,
    /// The discriminator's mean logit on fakes.
    pub logits_fake: Series,
    /// Probability with which the images that the discriminator sees are changed, where that is told.
    pub augment_probability: Series,
    /// The discriminator's mean sign on real images, where that is told.
    pub sign_real: Series,
    /// Learning rate of the generator.
    pub generator_lr: Series,
    /// Learning rate of the discriminator.
    pub discriminator_lr: Series,
}

impl Curves {
    pub(super) fn all(&mut self) -> [&mut Series; 9] {
        [
            &mut self.loss_d,
            &mut self.loss_g,
            &mut self.loss_features,
            &mut self.logits_real,
            &mut self.logits_fake,
            &mut self.augment_probability,
            &mut self.sign_real,
            &mut self.generator_lr,
            &mut self.discriminator_lr,
        ]
    }

    pub(super) fn push(&mut self, step: &Step) {
        // What is not told leaves no point, as what is no number does.
        let told = |value: Option<f32>| value.unwrap_or(f32::NAN);
        let values = [
            step.loss_d,
            step.loss_g,
            told(step.loss_features),
            step.logits_real,
            step.logits_fake,
            told(step.augment_probability),
            told(step.sign_real),
            step.generator_lr as f32,
            step.discriminator_lr as f32,
        ];
        for (series, value) in self.all().into_iter().zip(values) {
            series.push(step.step, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: usize, value: impl Fn(usize) -> f32) -> Series {
        let mut series = Series::default();
        for step in 1..=points {
            series.push(step, value(step));
        }
        series
    }

    #[test]
    fn a_single_spike_among_a_million_points_survives() {
        for spike in [1, 64, 65, 499_999, 1_000_000] {
            let series = series(1_000_000, |step| if step == spike { 9.0 } else { 1.0 });
            let buckets = series.buckets(0.0, 1e6, 500);
            assert!(buckets.len() <= 510, "{}", buckets.len());
            let top = outline(&buckets).iter().map(|p| p[1]).fold(f64::MIN, f64::max);
            assert_eq!(top, 9.0, "{spike}");
            assert_eq!(buckets.iter().map(|b| b.count).sum::<usize>(), 1_000_000);
        }
    }

    #[test]
    fn few_points_are_shown_as_they_are() {
        let buckets = series(5, |step| step as f32).buckets(0.0, 10.0, 100);
        assert_eq!(outline(&buckets), [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0], [5.0, 5.0]]);
    }

    #[test]
    fn a_range_takes_one_neighbour_on_either_side() {
        let buckets = series(100, |step| step as f32).buckets(10.0, 12.0, 100);
        assert_eq!((buckets[0].first, buckets[buckets.len() - 1].last), (9, 13));
        assert!(Series::default().buckets(0.0, 10.0, 10).is_empty());
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        let mut series = Series::default();
        for (step, value) in [(1, 1.0), (2, f32::NAN), (3, f32::INFINITY), (4, 2.0)] {
            series.push(step, value);
        }
        assert_eq!(series.len(), 2);
        assert_eq!(series.at(3.0), Some(1.0));
        assert_eq!(series.at(0.0), None);
    }

    #[test]
    fn truncating_mends_the_last_chunk() {
        for keep in [0, 1, 63, 64, 65, 130, 200] {
            let mut cut = series(200, |step| step as f32);
            cut.truncate_after(keep);
            for step in keep + 1..=300 {
                cut.push(step, step as f32);
            }
            let whole = series(300, |step| step as f32);
            assert_eq!(cut.chunks, whole.chunks, "{keep}");
        }
    }

    #[test]
    fn smoothing_by_nothing_changes_nothing_and_starts_debiased() {
        let points = [[1.0, 3.0], [2.0, 5.0], [4.0, 1.0]];
        assert_eq!(smooth(&points, 0.0, 10.0), points);
        assert_eq!(smooth(&points, 0.9, 10.0)[0], points[0]);
        let flat = [[1.0, 2.0], [5.0, 2.0], [6.0, 2.0]];
        assert!(smooth(&flat, 0.99, 10.0).iter().all(|p| (p[1] - 2.0).abs() < 1e-12));
    }

    #[test]
    fn smoothing_is_the_debiased_average_weighted_by_time() {
        // w = sqrt(0.25) = 0.5; a gap of 2 steps at a scale of 1 weighs the past by 0.25:
        // (0.25 * 4 + 8) / (0.25 * 1 + 1) = 7.2
        let smoothed = smooth(&[[0.0, 4.0], [2.0, 8.0]], 0.25, VIEWPORT);
        assert!((smoothed[1][1] - 7.2).abs() < 1e-12, "{smoothed:?}");
        // Weights never reach 1: the newest point always counts.
        let smoothed = smooth(&[[0.0, 0.0], [1.0, 1.0]], 1.0, VIEWPORT);
        assert!((smoothed[1][1] - 1.0 / 1.999).abs() < 1e-12, "{smoothed:?}");
    }
}
