//! Where values stand on an axis, straight or logarithmic, and the numbers written along it.

use crate::event::Form;

/// An axis: its ends, and how its numbers are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Where its values stand.
    pub scale: Scale,
    /// How its numbers are written.
    pub form: Form,
}

impl Axis {
    /// The values to write along it, at most about so many, with the words for them.
    pub fn ticks(&self, most: f64) -> Vec<(f64, String)> {
        let Scale { from, to, log } = self.scale;
        let most = most.max(LEAST as f64);
        let timed = self.form == Form::Duration && !log && (to - from) / most > 1.0;
        let mut values = if timed { times(from, to, most) } else { self.scale.ticks(most) };
        if self.form == Form::Count {
            // There is no half of a step.
            values.retain(|value| (value - value.round()).abs() < 1e-9);
        }
        values.into_iter().map(|value| (value, self.form.tick(value))).collect()
    }
}

/// The ends of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The value at the left or the lower end.
    pub from: f64,
    /// The value at the other end.
    pub to: f64,
    /// Whether equal distances are equal ratios. Both values are above 0 then.
    pub log: bool,
}

impl Scale {
    /// A value on a straight axis: itself, or its logarithm to base 10.
    pub fn warp(&self, value: f64) -> f64 {
        if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value }
    }

    /// What [`Scale::warp`] makes this number of.
    pub fn unwarp(&self, at: f64) -> f64 {
        if self.log { 10_f64.powf(at) } else { at }
    }

    /// How far a value is on the way from one end to the other, from 0 to 1, and a little more for what lies outside.
    pub fn share(&self, value: f64) -> f64 {
        let share = (self.warp(value) - self.warp(self.from)) / (self.warp(self.to) - self.warp(self.from));
        // Far outside, single precision would make lines jump.
        if share.is_nan() { 0.0 } else { share.clamp(-20.0, 21.0) }
    }

    /// Whether a value has a place on it: below 0 a logarithmic axis has none.
    pub fn has(&self, value: f64) -> bool {
        !self.log || value > 0.0
    }

    /// Whether a value lies between its ends.
    pub fn shows(&self, value: f64) -> bool {
        self.has(value) && (self.from..=self.to).contains(&value)
    }

    /// Values to write along it: at most about so many, but two at least wherever its ends can be told apart, since a single
    /// number gives no measure.
    pub fn ticks(&self, most: f64) -> Vec<f64> {
        let decades = (self.to / self.from).log10();
        let powers_of_ten =
            if self.log && decades >= 1.5 { powers(self.from, self.to, decades, most) } else { Vec::new() };
        if powers_of_ten.len() >= LEAST { powers_of_ten } else { rounds(self.from, self.to, most) }
    }
}

/// Numbers that an axis has at least.
const LEAST: usize = 2;

/// Powers of ten, with their halves and fifths where there is room.
fn powers(from: f64, to: f64, decades: f64, most: f64) -> Vec<f64> {
    let steps: &[f64] = if decades * 3.0 <= most { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let skip = ((decades / most).ceil() as i32).max(1);
    let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let every = |skip: i32| {
        let exponents = (first..=last).filter(move |exponent| exponent % skip == 0);
        let values = exponents.flat_map(|exponent| steps.iter().map(move |step| step * 10_f64.powi(exponent)));
        values.filter(|value| (from..=to).contains(value)).collect::<Vec<f64>>()
    };
    let found = every(skip);
    if found.len() >= LEAST { found } else { outermost(every(1), most) }
}

/// Numbers that are 1, 2 or 5 times a power of ten apart.
fn rounds(from: f64, to: f64, most: f64) -> Vec<f64> {
    let least = (to - from) / most;
    if !(least.is_finite() && least > 0.0) {
        return Vec::new();
    }
    let power = 10_f64.powf(least.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    let at = round.iter().position(|step| *step >= least).unwrap_or(0);
    let found = multiples(from, to, round[at]);
    if found.len() >= LEAST {
        return found;
    }
    // One or none of those falls onto the axis: closer ones do, of which the ends are enough.
    let closer = [round[at] / 2.0, round[at] / 5.0, round[at] / 10.0].map(|step| multiples(from, to, step));
    closer.into_iter().find(|marks| marks.len() >= LEAST).map_or(found, |marks| outermost(marks, most))
}

/// Seconds that are a round length of time apart.
fn times(from: f64, to: f64, most: f64) -> Vec<f64> {
    const STEPS: [f64; 19] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0,
        43_200.0, 86_400.0, 172_800.0,
    ];
    let at = STEPS.iter().position(|step| *step >= (to - from) / most);
    let Some(at) = at else {
        return rounds(from / 86_400.0, to / 86_400.0, most).into_iter().map(|days| days * 86_400.0).collect();
    };
    let mut tries = STEPS[..=at].iter().rev().map(|step| multiples(from, to, *step));
    let found = tries.find(|marks| marks.len() >= LEAST).unwrap_or_default();
    outermost(found, most)
}

/// Multiples of a step. A range so narrow that its numbers cannot be told apart has none.
fn multiples(from: f64, to: f64, step: f64) -> Vec<f64> {
    let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
    (first..=last).take(64).map(|at| at as f64 * step).collect()
}

/// The first and the last where there is no room for all.
fn outermost(marks: Vec<f64>, most: f64) -> Vec<f64> {
    match marks.as_slice() {
        [first, .., last] if marks.len() as f64 > most => vec![*first, *last],
        _ => marks,
    }
}

/// The values that an axis should show, for values that were seen: all of them, or those from the 1st to the 99th
/// percentile, with a margin. A logarithmic axis takes those above 0.
pub fn span(mut values: Vec<f64>, ignore_outliers: bool, log: bool) -> (f64, f64) {
    values.retain(|value| value.is_finite() && (!log || *value > 0.0));
    if values.is_empty() {
        return if log { (0.1, 10.0) } else { (0.0, 1.0) };
    }
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    let at = |share: f64| values[(share * last as f64).round() as usize];
    let (low, high) = if ignore_outliers && last >= 20 { (at(0.01), at(0.99)) } else { (values[0], values[last]) };
    if log {
        let margin = (high / low).powf(MARGIN).max(1.05);
        return (low / margin, high * margin);
    }
    let margin = (high - low) * MARGIN;
    if margin > low.abs().max(high.abs()) * 1e-6 {
        return (low - margin, high + margin);
    }
    // What never leaves 0 is most often a share or a rate that could only rise.
    if low == 0.0 && high == 0.0 {
        return (-MARGIN, 1.0);
    }
    let half = low.abs().max(high.abs()) * 0.1;
    (low - half, high + half)
}

/// Room above and below the values, as a share of their range.
const MARGIN: f64 = 0.08;

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(from: f64, to: f64, log: bool) -> Scale {
        Scale { from, to, log }
    }

    #[test]
    fn places_and_values_are_each_others_inverse() {
        for scale in [scale(-2.0, 6.0, false), scale(0.01, 100.0, true)] {
            for value in [0.02, 1.0, 5.5] {
                assert!((scale.unwarp(scale.warp(value)) - value).abs() < 1e-9);
            }
        }
        assert!((scale(0.01, 100.0, true).share(1.0) - 0.5).abs() < 1e-9);
        assert!(!scale(1.0, 2.0, true).has(0.0) && scale(0.0, 2.0, false).has(-1.0));
        assert_eq!((scale(0.0, 1.0, false).share(1e30), scale(1.0, 1.0, false).share(1.0)), (21.0, 0.0));
    }

    #[test]
    fn numbers_of_an_axis_suit_what_it_shows() {
        let told = |from, to, log, form, most| {
            let ticks = Axis { scale: scale(from, to, log), form }.ticks(most);
            ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(told(0.0, 1000.0, false, Form::Count, 4.0), ["0", "500", "1,000"]);
        assert_eq!(told(2.0, 5.0, false, Form::Count, 20.0), ["2", "3", "4", "5"], "no halves of a step");
        assert_eq!(told(0.0, 7300.0, false, Form::Duration, 4.0), ["0 s", "1 h", "2 h"]);
        assert_eq!(told(100.0, 190.0, false, Form::Duration, 3.0), ["2 min", "2 min 30 s", "3 min"]);
        assert_eq!(told(0.0, 900_000.0, false, Form::Duration, 5.0), ["0 s", "5 d", "10 d"]);
        assert_eq!(told(0.0008, 20.0, true, Form::Scalar, 5.0), ["0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(told(0.0, 1.0, false, Form::Share, 2.0), ["0 %", "50 %", "100 %"]);
    }

    #[test]
    fn marks_are_round_and_few() {
        let ticks = |from, to, log| scale(from, to, log).ticks(4.0);
        assert_eq!(ticks(0.0, 1000.0, false), [0.0, 500.0, 1000.0]);
        assert_eq!(ticks(-1.1, 1.3, false), [-1.0, 0.0, 1.0]);
        assert_eq!(ticks(38.0, 55.0, false), [40.0, 45.0, 50.0, 55.0]);
        assert!(ticks(1.0, 1.0, false).is_empty() && ticks(0.0, f64::NAN, false).is_empty());
        assert_eq!(ticks(0.9, 1100.0, true), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(ticks(1.0, 3.0, true), [1.0, 1.5, 2.0, 2.5, 3.0]);
        assert_eq!(scale(0.5, 60.0, true).ticks(8.0), [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert!(ticks(1e-9, 1e9, true).len() <= 5);
    }

    #[test]
    fn an_axis_has_two_numbers_wherever_it_lies_and_few_in_a_small_chart() {
        for log in [false, true] {
            for at in 0..4000 {
                let from = 0.003 * 1.01_f64.powi(at % 997);
                let to = from * (1.0 + 0.02 * f64::from(at / 7 + 1));
                let ticks = scale(from, to, log).ticks(2.0);
                assert!((2..=3).contains(&ticks.len()), "{from} to {to}: {ticks:?}");
                assert!(ticks.iter().all(|tick| (from..=to).contains(tick)) && ticks[0] < ticks[1], "{ticks:?}");
            }
        }
        assert_eq!(scale(-0.08, 1.0, false).ticks(2.0), [0.0, 1.0]);
        assert_eq!(scale(436.0, 468.0, false).ticks(2.0), [440.0, 460.0]);
    }

    #[test]
    fn a_span_has_a_margin_and_may_leave_outliers_out() {
        let mut values: Vec<f64> = (0..=100).map(f64::from).collect();
        values.push(1e9);
        assert_eq!(span(values.clone(), true, false), (1.0 - 0.08 * 99.0, 100.0 + 0.08 * 99.0));
        assert!(span(values, false, false).1 > 1e9);
        assert_eq!(span(vec![4.0; 9], true, false), (3.6, 4.4));
        assert_eq!(span(vec![0.0], false, false), (-0.08, 1.0));
        assert_eq!(span(vec![f64::NAN], false, false), (0.0, 1.0));
        let (low, high) = span(vec![-5.0, 0.0, 1.0, 100.0], false, true);
        assert!(low < 1.0 && low > 0.5 && high > 100.0 && high < 200.0);
        assert_eq!(span(vec![-1.0], false, true), (0.1, 10.0));
    }
}
