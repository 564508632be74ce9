//! How numbers of a chart are written: on its axes, and where a curve is read.

use crate::event::Form;

impl Form {
    /// A number of an axis.
    pub fn tick(self, value: f64) -> String {
        match self {
            Self::Scalar | Self::Score => tick(value),
            Self::Share => format!("{} %", tick(value * 100.0)),
            Self::Rate => rate(value),
            Self::Count if value < 0.0 => String::new(),
            Self::Count => count(value.round() as usize),
            Self::Duration => {
                let text = duration(value);
                let round = [" 00 s", " 00 min", " 00 h"].iter().find_map(|zero| text.strip_suffix(zero));
                round.unwrap_or(&text).to_owned()
            }
        }
    }

    /// The reading of a curve, of the same width for most values of a curve.
    pub fn reading(self, value: f64) -> String {
        match self {
            Self::Scalar => reading(value as f32),
            Self::Share => format!("{:>5.1} %", value * 100.0),
            Self::Rate => rate(value),
            Self::Score => format!("{:>8}", score(value)),
            Self::Count => count(value.max(0.0).round() as usize),
            Self::Duration => duration(value),
        }
    }
}

/// A whole number with separators: `12,345`.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A length of time in its two largest units: `2 h 05 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    let seconds = seconds.round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A reading of a curve, always seven characters wide.
fn reading(value: f32) -> String {
    let size = value.abs();
    match size {
        _ if size >= 1e4 || (size < 1e-3 && size > 0.0) => format!("{value:>7.1e}"),
        _ if size >= 1e3 => format!("{value:>7.1}"),
        _ if size >= 1e2 => format!("{value:>7.2}"),
        _ => format!("{value:>7.3}"),
    }
}

/// A number of an axis, without trailing zeros; as a power of ten where it would be long, or nothing but zeros.
fn tick(value: f64) -> String {
    let size = value.abs();
    if size >= 1e6 || (size > 0.0 && size < 1e-3) {
        return power(value);
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A score: distances with two decimals, shares with four.
pub fn score(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:.4}") } else { format!("{value:.2}") }
}

/// A learning rate, without trailing digits that mean nothing.
fn rate(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { power(value) }
}

/// With a power of ten, and no more digits than tell it from its neighbours on an axis.
fn power(value: f64) -> String {
    let same = |text: &String| text.parse().is_ok_and(|read: f64| (read - value).abs() <= value.abs() * 1e-6);
    (1..3).map(|digits| format!("{value:.digits$e}")).find(same).unwrap_or_else(|| format!("{value:.1e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_axes_and_curves_read_well() {
        assert_eq!([1.0, 0.25, -0.0, 120.0].map(tick), ["1", "0.25", "0", "120"]);
        assert_eq!([2e-5, 0.001, -3e7].map(tick), ["2.0e-5", "0.001", "-3.0e7"]);
        assert_eq!([1.25e-4, 1.2e-4, 1.2345e-4].map(rate), ["1.25e-4", "1.2e-4", "1.2e-4"]);
        assert!([0.0, 1.5, -123.25, 1e-5, 1e9].iter().all(|v| reading(*v).chars().count() == 7));
        assert_eq!([0.005, 0.5].map(|share| Form::Share.tick(share)), ["0.5 %", "50 %"]);
        assert_eq!([60.0, 5400.0, 90.0].map(|time| Form::Duration.tick(time)), ["1 min", "1 h 30 min", "1 min 30 s"]);
        assert_eq!([1e3, -1.0].map(|step| Form::Count.tick(step)), ["1,000", ""]);
    }
}
