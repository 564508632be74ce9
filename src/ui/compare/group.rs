//! Runs that belong together, and the mean and spread of their curves.

use super::ComparedRun;

/// What puts runs into one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Grouping {
    /// Every run stands for itself.
    #[default]
    None,
    /// All settings but the seed.
    Seeds,
    /// The value of one setting.
    Key(String),
}

impl Grouping {
    /// Its name in the window.
    pub fn name(&self) -> String {
        match self {
            Self::None => "each run".to_owned(),
            Self::Seeds => "same but for the seed".to_owned(),
            Self::Key(key) => key.clone(),
        }
    }
}

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
}

/// What is the same in all runs of a group, as text; runs without a group are told apart by `alone`.
pub fn key_of(grouping: &Grouping, run: &ComparedRun, alone: &str) -> String {
    match grouping {
        Grouping::None => alone.to_owned(),
        Grouping::Seeds => {
            let others = run.settings.iter().filter(|(key, _)| key != "train.seed");
            others.map(|(key, value)| format!("{key}={value}\n")).collect()
        }
        Grouping::Key(key) => {
            run.settings.iter().find(|(known, _)| known == key).map_or_else(String::new, |(_, value)| value.clone())
        }
    }
}

/// The mean and spread of some curves at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The standard deviation (with n - 1); 0 for one curve.
    pub deviation: f64,
}

impl Spread {
    /// Of values, where there is one.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let deviation = if values.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Self { mean, min, max, deviation })
    }

    /// The ends of a band around the mean.
    pub fn ends(&self, band: Band) -> Option<(f64, f64)> {
        match band {
            Band::Range => Some((self.min, self.max)),
            Band::Deviation => Some((self.mean - self.deviation, self.mean + self.deviation)),
            Band::None => None,
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
    fn a_spread_has_mean_ends_and_deviation() {
        let spread = Spread::of(&[1.0, 2.0, 6.0]).unwrap();
        // statistics.stdev([1, 2, 6]) = sqrt(7)
        assert_eq!((spread.mean, spread.min, spread.max), (3.0, 1.0, 6.0));
        assert!((spread.deviation - 7.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(spread.ends(Band::Range), Some((1.0, 6.0)));
        assert_eq!(Spread::of(&[4.0]).unwrap().ends(Band::Deviation), Some((4.0, 4.0)));
        assert_eq!((Spread::of(&[]), spread.ends(Band::None)), (None, None));
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
