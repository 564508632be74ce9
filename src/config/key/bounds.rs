//! The numbers that an option may be: the one range behind its check, its text and its control.

use std::fmt::Display;
use std::ops::{Range, RangeFrom, RangeInclusive};

/// The numbers that an option may be.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<T> {
    least: T,
    most: T,
    /// Whether the most is itself no such number.
    excluded: bool,
    /// Whether the most is only what nobody goes beyond.
    many: bool,
    pub(super) zero: &'static str,
    pub(super) unit: &'static str,
    pub(super) why: &'static str,
    pub(super) else_default: bool,
}

impl<T: Copy + PartialOrd + Display> Bounds<T> {
    pub(super) fn up_to(least: T, most: T) -> Self {
        Self { least, most, excluded: false, many: true, zero: "", unit: "", why: "", else_default: false }
    }

    /// The least and the most that a control offers, where `step` leads from a bound that is excluded to a number below it.
    pub fn offered(&self, step: impl Fn(T) -> T) -> RangeInclusive<T> {
        self.least..=if self.excluded { step(self.most) } else { self.most }
    }

    /// The most, allowed or excluded.
    pub fn most(&self) -> T {
        self.most
    }

    pub(super) fn values(&self) -> String {
        let Self { least, most, zero, unit, .. } = self;
        let zero = if zero.is_empty() { String::new() } else { format!(" ({zero})") };
        let most = match (self.many, self.excluded) {
            (true, _) => "or more".to_owned(),
            (false, true) => format!("to {most} (excluded)"),
            (false, false) => format!("to {most}"),
        };
        format!("{least}{zero} {most}{unit}")
    }

    /// What is wrong with a number, and the allowed one nearest to it, where that is worth a try.
    pub(super) fn outside(&self, value: T) -> Option<(String, Option<String>)> {
        let Self { least, most, .. } = self;
        let below = if self.excluded { value < *most } else { value <= *most };
        if value >= *least && below {
            return None;
        }
        if value < *least && !self.why.is_empty() {
            return Some((format!("{}; use {least} or more", self.why), None));
        }
        let message = match self.excluded {
            true => format!("{value} is outside {least} (included) to {most} (excluded)"),
            false => format!("{value} is outside {least} to {most}"),
        };
        let nearest = if value < *least { least } else { most };
        // What is no number is neither.
        let is_number = value < *least || value > *most;
        Some((message, (is_number && !self.excluded && !self.else_default).then(|| nearest.to_string())))
    }
}

/// What bounds a number: `1..=100`, `0.0..1.0`, or `1..` for as many as there may be.
pub trait Limits<T> {
    fn bound(self, bounds: &mut Bounds<T>);
}

impl<T> Limits<T> for RangeInclusive<T> {
    fn bound(self, bounds: &mut Bounds<T>) {
        (bounds.least, bounds.most) = self.into_inner();
        bounds.many = false;
    }
}

impl<T> Limits<T> for Range<T> {
    fn bound(self, bounds: &mut Bounds<T>) {
        (bounds.least, bounds.most, bounds.excluded, bounds.many) = (self.start, self.end, true, false);
    }
}

impl<T> Limits<T> for RangeFrom<T> {
    fn bound(self, bounds: &mut Bounds<T>) {
        bounds.least = self.start;
    }
}
