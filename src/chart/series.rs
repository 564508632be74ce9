//! Curves of any length: stores every point, and sums them up at several lengths, so that a plot's pixels can be read off
//! without losing a spike and without reading every point.

/// Points, or chunks of a level, that one chunk of the level above sums up.
const FAN: usize = 16;

/// Points of a curve in the order of their steps. Values that are not finite are left out.
#[derive(Clone, Debug, Default)]
pub struct Series {
    steps: Vec<usize>,
    values: Vec<f32>,
    /// Sums over `FAN`, `FAN` squared, ... points; the last chunk of a level may hold fewer.
    levels: Vec<Vec<Bucket>>,
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
    pub count: usize,
}

impl Bucket {
    fn of(step: usize, value: f32) -> Self {
        Self { first: step, last: step, min: value, max: value, sum: value.into(), count: 1 }
    }

    /// Takes in the points that follow.
    pub fn join(&mut self, next: &Self) {
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
        let point = Bucket::of(step, value);
        let (at, mut size) = (self.values.len(), FAN);
        for level in &mut self.levels {
            if at.is_multiple_of(size) {
                level.push(point);
            } else if let Some(chunk) = level.last_mut() {
                chunk.join(&point);
            }
            size *= FAN;
        }
        self.steps.push(step);
        self.values.push(value);
        // A level begins when it would sum up more than the one below it does.
        if self.values.len() * FAN > size {
            let whole = self.range(0, self.values.len());
            self.levels.push(whole.into_iter().collect());
        }
    }

    /// Removes the points after `step`: a run that goes on from a checkpoint takes these steps again.
    pub fn truncate_after(&mut self, step: usize) {
        let keep = self.steps.partition_point(|s| *s <= step);
        if keep == self.len() {
            return;
        }
        let before = std::mem::take(self);
        for (step, value) in before.steps.into_iter().zip(before.values).take(keep) {
            self.push(step, value);
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

    /// Every point, in order.
    pub fn points(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        self.steps.iter().copied().zip(self.values.iter().copied())
    }

    /// The value at a step, or at the nearest one before it.
    pub fn at(&self, step: f64) -> Option<f32> {
        let after = self.steps.partition_point(|s| *s as f64 <= step + 0.5);
        self.values.get(after.checked_sub(1)?).copied()
    }

    /// The mean of the last `most` points.
    pub fn recent(&self, most: usize) -> Option<f64> {
        self.range(self.len().saturating_sub(most), self.len()).map(|bucket| bucket.mean())
    }

    /// The mean of the points from one step to another.
    pub fn mean_between(&self, from: usize, to: usize) -> Option<f64> {
        let start = self.steps.partition_point(|s| *s < from);
        let end = self.steps.partition_point(|s| *s <= to);
        self.range(start, end).map(|bucket| bucket.mean())
    }

    /// Values from `from` to `to`, evenly chosen, at most about `most`: enough for percentiles, not for drawing.
    pub fn sample(&self, from: f64, to: f64, most: usize) -> impl Iterator<Item = f32> + '_ {
        let start = self.steps.partition_point(|s| (*s as f64) < from);
        let end = self.steps.partition_point(|s| (*s as f64) <= to).max(start);
        let stride = (end - start).div_ceil(most.max(1)).max(1);
        self.values[start..end].iter().copied().step_by(stride)
    }

    /// The points from `from` to `to` (and one more on either side) as at most about `most` buckets. Each keeps the
    /// extremes of all points in it, so no spike is lost.
    pub fn buckets(&self, from: f64, to: f64, most: usize) -> Vec<Bucket> {
        let first = self.steps.first().map_or(0.0, |step| *step as f64).max(from);
        let last = self.steps.last().map_or(0.0, |step| *step as f64 + 1.0).min(to);
        let width = (last - first).max(1.0) / most.max(1) as f64;
        let edges: Vec<f64> = (0..=most.max(1)).map(|at| first + at as f64 * width).collect();
        self.columns(&edges)
    }

    /// The points between rising edges, one bucket for each gap between two edges that has points, and the nearest point on
    /// either side. Takes time that follows the number of edges, whatever the number of points.
    pub fn columns(&self, edges: &[f64]) -> Vec<Bucket> {
        let [first, .., last] = edges else { return Vec::new() };
        let place = |edge: &f64| self.steps.partition_point(|s| (*s as f64) < *edge);
        let (mut start, after) = (place(first), self.steps.partition_point(|s| (*s as f64) <= *last));
        let mut buckets = Vec::with_capacity(edges.len() + 1);
        buckets.extend(self.range(start.saturating_sub(1), start));
        for edge in &edges[1..] {
            let end = place(edge).max(start);
            buckets.extend(self.range(start, end));
            start = end;
        }
        // What lies on the last edge, and the point after it.
        for at in start..(after + 1).min(self.len()) {
            buckets.extend(self.range(at, at + 1));
        }
        buckets
    }

    /// Points `start..end` summed up, by as large chunks as fit.
    fn range(&self, start: usize, end: usize) -> Option<Bucket> {
        let mut at = start;
        let mut joined: Option<Bucket> = None;
        while at < end {
            let (mut size, mut part) = (1, Bucket::of(self.steps[at], self.values[at]));
            let mut larger = FAN;
            for level in &self.levels {
                if !at.is_multiple_of(larger) || at + larger > end {
                    break;
                }
                (size, part) = (larger, level[at / larger]);
                larger *= FAN;
            }
            match &mut joined {
                Some(joined) => joined.join(&part),
                None => joined = Some(part),
            }
            at += size;
        }
        joined
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
            let top = buckets.iter().map(|bucket| bucket.max).fold(f32::MIN, f32::max);
            assert_eq!(top, 9.0, "{spike}");
            assert_eq!(buckets.iter().map(|b| b.count).sum::<usize>(), 1_000_000);
        }
    }

    #[test]
    fn few_points_are_shown_as_they_are() {
        let buckets = series(5, |step| step as f32).buckets(0.0, 10.0, 100);
        let points: Vec<(f64, f64)> = buckets.iter().map(|bucket| (bucket.middle(), bucket.mean())).collect();
        assert_eq!(points, [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 4.0), (5.0, 5.0)]);
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
    fn truncating_mends_the_sums() {
        for keep in [0, 1, 15, 16, 17, 130, 199, 200, 400] {
            let mut cut = series(200, |step| step as f32);
            cut.truncate_after(keep);
            for step in keep.min(200) + 1..=300 {
                cut.push(step, step as f32);
            }
            let whole = series(300, |step| step as f32);
            assert_eq!(cut.levels, whole.levels, "{keep}");
        }
    }

    #[test]
    fn a_range_is_summed_up_as_point_by_point() {
        let value = |step: usize| ((step * 7919) % 1009) as f32;
        let series = series(5000, value);
        for (start, end) in [(0, 5000), (1, 4999), (15, 17), (16, 256), (255, 4097), (4096, 4999), (7, 8)] {
            let got = series.range(start, end).expect("points");
            let values = || (start + 1..=end).map(value);
            assert_eq!((got.first, got.last, got.count), (start + 1, end, end - start));
            assert_eq!(got.min, values().fold(f32::MAX, f32::min));
            assert_eq!(got.max, values().fold(f32::MIN, f32::max));
            assert_eq!(got.mean(), values().map(f64::from).sum::<f64>() / (end - start) as f64);
        }
        assert_eq!(series.range(9, 9), None);
        assert_eq!(series.mean_between(2, 3), Some(f64::from(value(2) + value(3)) / 2.0));
        assert_eq!((series.recent(1), Series::default().recent(5)), (Some(f64::from(value(5000))), None));
    }

    #[test]
    fn columns_follow_uneven_edges_and_leave_gaps_out() {
        let mut series = Series::default();
        for step in [1, 2, 3, 10, 11, 500, 501] {
            series.push(step, step as f32);
        }
        let columns = series.columns(&[2.0, 4.0, 8.0, 16.0, 32.0]);
        let spans: Vec<_> = columns.iter().map(|bucket| (bucket.first, bucket.last)).collect();
        assert_eq!(spans, [(1, 1), (2, 3), (10, 11), (500, 500)]);
        assert!(series.columns(&[]).is_empty() && series.columns(&[1.0]).is_empty());
    }

    #[test]
    fn a_sample_is_even_and_all_where_there_are_few() {
        let series = series(100, |step| step as f32);
        assert_eq!(series.sample(10.0, 12.0, 50).collect::<Vec<_>>(), [10.0, 11.0, 12.0]);
        assert!(series.sample(0.0, 1e9, 10).count() <= 10 && series.sample(200.0, 1.0, 10).next().is_none());
    }
}
