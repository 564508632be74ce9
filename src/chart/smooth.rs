//! The time-weighted moving average of a curve.

/// Reading of the smoothing slider above which averages stop growing.
const MOST_WEIGHT: f64 = 0.999;

/// What the visible range counts as in the smoothing, so that a slider position looks the same at any zoom.
const VIEWPORT: f64 = 1000.0;

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

#[cfg(test)]
mod tests {
    use super::*;

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
