//! Round marks on the axes of charts.

use egui_plot::{GridInput, GridMark};

/// Marks that an axis of steps, and one of values, should have at most.
pub(super) const X_MARKS: f64 = 6.0;
pub(super) const Y_MARKS: f64 = 4.0;

/// Marks at 1, 2 or 5 times a power of ten, at most about so many.
pub(super) fn marks(input: GridInput, most: f64) -> Vec<GridMark> {
    let (from, to) = input.bounds;
    let least = (to - from) / most;
    if !(least.is_finite() && least > 0.0) {
        return Vec::new();
    }
    let power = 10_f64.powf(least.log10().floor());
    let step_size =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= least).unwrap_or(power);
    let (first, last) = ((from / step_size).ceil() as i64, (to / step_size).floor() as i64);
    (first..=last).map(|at| GridMark { value: at as f64 * step_size, step_size }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        let values = |from, to| {
            let input = GridInput { bounds: (from, to), base_step_size: 1.0 };
            marks(input, 4.0).into_iter().map(|mark| mark.value).collect::<Vec<_>>()
        };
        assert_eq!(values(0.0, 1000.0), [0.0, 500.0, 1000.0]);
        assert_eq!(values(-1.1, 1.3), [-1.0, 0.0, 1.0]);
        assert_eq!(values(38.0, 55.0), [40.0, 45.0, 50.0, 55.0]);
        assert!(values(1.0, 1.0).is_empty() && values(0.0, f64::NAN).is_empty());
    }
}
