//! Which values of a scan are shown from black to white.

use super::depth::Level;

/// The values that become black and white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub low: f64,
    pub high: f64,
}

/// The share of values that a window leaves out at either end: single bright values would else darken a whole scan.
const OUTLIERS: f64 = 0.01;

/// Into how many parts the range of values is cut to find the percentiles.
const BINS: usize = 65_536;

impl Window {
    /// From the 1st to the 99th percentile of the finite values, to a 65,535th of their range. Where most are the same, as
    /// in a mask, from the smallest to the largest; nothing where all are, or none is finite.
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let finite = values.filter(|value| value.is_finite());
        let (mut low, mut high, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0_usize);
        for value in finite.clone() {
            (low, high, count) = (low.min(value), high.max(value), count + 1);
        }
        let span = high - low;
        if count == 0 || span <= 0.0 || !span.is_finite() {
            return None;
        }
        let mut bins = vec![0_usize; BINS];
        let last = BINS - 1;
        finite.for_each(|value| bins[((value - low) / span * last as f64).round() as usize] += 1);
        let beyond = (count as f64 * OUTLIERS) as usize;
        let (first, past) = (edge(bins.iter(), beyond), edge(bins.iter().rev(), beyond));
        let at = |bin: usize| low + span * bin as f64 / last as f64;
        Some(if first + past >= last { Self { low, high } } else { Self { low: at(first), high: at(last - past) } })
    }

    /// From a centre and a width of 1 or more, as PS3.3 C.11.2.1.2.1 has it; a width of 1 is a threshold.
    pub fn centred(centre: f64, width: f64) -> Self {
        let half = ((width - 1.0) / 2.0).max(0.25);
        Self { low: centre - 0.5 - half, high: centre - 0.5 + half }
    }

    /// A value as a grey; what is no number is black.
    pub fn level<T: Level>(&self, value: f64) -> T {
        T::of(((value - self.low) / (self.high - self.low) * T::MOST).round().clamp(0.0, T::MOST))
    }
}

/// How many bins can be left out before more than `beyond` values are.
fn edge<'a>(bins: impl Iterator<Item = &'a usize>, beyond: usize) -> usize {
    let mut sum = 0;
    bins.take_while(|bin| {
        sum += **bin;
        sum <= beyond
    })
    .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Option<Window> {
        Window::of(values.iter().copied())
    }

    #[test]
    fn single_outliers_are_left_out_and_few_values_are_all_kept() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.push(60_000.0);
        let window = of(&values).unwrap();
        // Bins are about 0.9 wide.
        assert!((window.low - 10.0).abs() < 1.0 && (window.high - 990.0).abs() < 1.0, "{window:?}");
        assert_eq!(of(&[-5.0, f64::NAN, 15.0, f64::INFINITY]), Some(Window { low: -5.0, high: 15.0 }));
    }

    #[test]
    fn a_mask_is_shown_whole_and_one_value_has_no_window() {
        let mut mask = vec![0.0; 1000];
        mask[3] = 1.0;
        assert_eq!(of(&mask), Some(Window { low: 0.0, high: 1.0 }));
        assert_eq!((of(&[7.0; 4]), of(&[f64::NAN]), of(&[])), (None, None, None));
        assert_eq!(of(&[f64::MAX, f64::MIN]), None, "a range that is no number");
    }

    #[test]
    fn values_beyond_the_window_are_black_or_white() {
        let window = Window { low: 10.0, high: 20.0 };
        assert_eq!([5.0, 10.0, 15.0, 20.0, 30.0, f64::NAN].map(|v| window.level::<u8>(v)), [0, 0, 128, 255, 255, 0]);
    }
}
