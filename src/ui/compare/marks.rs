//! Round marks on the axes of charts.

use egui_plot::{GridInput, GridMark};

use super::super::curves::rounds;

/// Marks that an axis of steps, and one of values, should have at most.
pub(super) const X_MARKS: f64 = 6.0;
pub(super) const Y_MARKS: f64 = 4.0;

/// Marks as the charts of a single run have them, at most about so many.
pub(super) fn marks(input: GridInput, most: f64) -> Vec<GridMark> {
    let values = rounds(input.bounds.0, input.bounds.1, most);
    let step_size = values.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    values.into_iter().map(|value| GridMark { value, step_size }).collect()
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
