//! The mean and spread of the curves of runs that belong together, and the band that is drawn around it.

use crate::summary::Spread;

/// What is drawn around a mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Band {
    /// From the smallest to the largest.
    #[default]
    Range,
    /// A standard deviation on either side.
    Deviation,
    /// Nothing.
    None,
}

impl Band {
    /// Every band with its name.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Range, "min to max"), (Self::Deviation, "mean ± sd"), (Self::None, "no band")];

    /// Its name in the window.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(band, _)| *band == self).map_or("", |(_, name)| name)
    }

    /// Its ends around a mean.
    pub fn ends(self, around: &Spread) -> Option<(f64, f64)> {
        match self {
            Self::Range => Some((around.min, around.max)),
            Self::Deviation => Some((around.mean - around.deviation, around.mean + around.deviation)),
            Self::None => None,
        }
    }
}

/// The value of a curve at a place, from a straight line between its points; nothing beyond its ends.
pub fn at(points: &[[f64; 2]], x: f64) -> Option<f64> {
    let after = points.partition_point(|point| point[0] < x);
    let right = points.get(after)?;
    if right[0] == x {
        return Some(right[1]);
    }
    let left = points.get(after.checked_sub(1)?)?;
    Some(left[1] + (right[1] - left[1]) * (x - left[0]) / (right[0] - left[0]))
}

/// The mean and spread of curves at so many places, each over the curves that reach it.
pub fn spread(curves: &[Vec<[f64; 2]>], places: usize) -> Vec<(f64, Spread)> {
    let first = curves.iter().filter_map(|curve| curve.first()).map(|point| point[0]).fold(f64::INFINITY, f64::min);
    let last = curves.iter().filter_map(|curve| curve.last()).map(|point| point[0]).fold(f64::NEG_INFINITY, f64::max);
    if !(first.is_finite() && last.is_finite()) {
        return Vec::new();
    }
    let places = if last > first { places.max(2) } else { 1 };
    let place = |i: usize| {
        // The last is exactly the end, which rounding must not miss.
        let x = if i + 1 == places { last } else { first + (last - first) * i as f64 / (places - 1) as f64 };
        let values: Vec<f64> = curves.iter().filter_map(|curve| at(curve, x)).collect();
        Some((x, Spread::of(&values)?))
    };
    (0..places).filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_on_straight_lines_between_points() {
        let points = [[0.0, 1.0], [10.0, 3.0], [20.0, 3.0]];
        assert_eq!([0.0, 5.0, 10.0, 20.0].map(|x| at(&points, x)), [Some(1.0), Some(2.0), Some(3.0), Some(3.0)]);
        assert_eq!((at(&points, -1.0), at(&points, 20.5), at(&[], 0.0)), (None, None, None));
    }

    #[test]
    fn a_band_goes_around_the_mean() {
        let spread = Spread::of(&[1.0, 2.0, 6.0]).unwrap();
        assert_eq!((Band::Range.ends(&spread), Band::None.ends(&spread)), (Some((1.0, 6.0)), None));
        let (low, high) = Band::Deviation.ends(&spread).unwrap();
        assert!((low + high - 6.0).abs() < 1e-12 && (high - low - 2.0 * 7.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_mean_goes_over_the_curves_that_reach_so_far() {
        let curves = [vec![[0.0, 1.0], [20.0, 1.0]], vec![[0.0, 3.0], [10.0, 3.0]]];
        let means: Vec<(f64, f64)> = spread(&curves, 3).iter().map(|(x, spread)| (*x, spread.mean)).collect();
        assert_eq!(means, [(0.0, 2.0), (10.0, 2.0), (20.0, 1.0)]);
        assert!(spread(&[Vec::new()], 3).is_empty());
        assert_eq!(spread(&[vec![[5.0, 1.0]]], 3).len(), 1);
    }
}
