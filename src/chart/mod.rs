//! Charts described plainly: curves in the units of their axes, round numbers along these, and the picture of it all as SVG. The
//! window and the reports take theirs from the same description.

mod form;
mod scale;
mod series;
mod smooth;
mod svg;

pub use form::{count, duration, score};
pub use scale::{Axis, Scale, span};
pub use series::{Bucket, Series};
pub use smooth::smooth;
pub use svg::{document, escaped, inline};

/// Red, green, blue and opacity, not multiplied with each other.
pub type Color = [u8; 4];

/// Width of a curve, in points.
pub const WIDTH: f32 = 1.5;
/// Opacity of a band behind a smoothed curve, and around one that is not.
const BEHIND: f32 = 0.22;
const AROUND: f32 = 0.4;
/// Points between two numbers of an axis, at least.
const X_APART: f64 = 90.0;
const Y_APART: f64 = 26.0;
/// Steps that an axis shows at least.
const SHORTEST: usize = 10;

/// A chart, ready to be drawn at any size.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// What stands above it.
    pub title: String,
    /// Steps or seconds.
    pub x: Axis,
    /// Values.
    pub y: Axis,
    /// From the one behind to the one in front.
    pub curves: Vec<Curve>,
    /// Lines at what happened.
    pub marks: Vec<Mark>,
}

/// A curve in the units of the axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Its colour.
    pub color: Color,
    /// Places, with the smallest and the largest value of each.
    pub band: Vec<[f64; 3]>,
    /// Opacity of the band, from 0 to 1.
    pub shade: f32,
    /// Places and values that are drawn as a thin line behind the curve.
    pub raw: Vec<[f64; 2]>,
    /// Places and values of the line.
    pub line: Vec<[f64; 2]>,
    /// Its width in points.
    pub width: f32,
    /// Whether it is dashed.
    pub dashed: bool,
    /// Places and values that are marked one by one.
    pub dots: Vec<[f64; 2]>,
    /// Whether its name stands below the chart with many others, not beside the title.
    pub below: bool,
}

/// A line from the bottom to the top of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where on the axis.
    pub at: f64,
    /// Its colour.
    pub color: Color,
    /// Its width in points.
    pub width: f32,
    /// Length of its dashes; 0 for a whole line.
    pub dash: f32,
    /// What stands beside it.
    pub label: String,
    /// What is told of it where it is pointed at.
    pub about: String,
    /// Whether it hangs from a pin.
    pub pin: bool,
}

impl Mark {
    /// A line of one point.
    pub fn new(at: f64, color: Color) -> Self {
        Self { at, color, width: 1.0, dash: 0.0, label: String::new(), about: String::new(), pin: false }
    }
}

impl Drawing {
    /// The numbers along the axis of steps or seconds, where that is so many points long.
    pub fn x_ticks(axis: &Axis, points: f64) -> Vec<(f64, String)> {
        axis.ticks(points / X_APART)
    }

    /// The numbers along the axis of values.
    pub fn y_ticks(axis: &Axis, points: f64) -> Vec<(f64, String)> {
        axis.ticks(points / Y_APART)
    }

    /// The steps that a chart of a run shows that has come so far.
    pub fn steps(last: usize) -> (f64, f64) {
        (0.0, last.max(SHORTEST) as f64)
    }
}

impl Curve {
    /// What buckets come to: their means, or with an `amount` of smoothing from 0 to 1 the moving average of them, before the range
    /// of all values. `place` leads from a step to a place on the axis.
    pub fn of(buckets: &[Bucket], amount: f64, place: &dyn Fn(f64) -> f64) -> Self {
        let range = buckets.last().map_or(0, |bucket| bucket.last) - buckets.first().map_or(0, |bucket| bucket.first);
        let moved = |points: &[[f64; 2]]| points.iter().map(|[step, value]| [place(*step), *value]).collect::<Vec<_>>();
        let means: Vec<[f64; 2]> = buckets.iter().map(|bucket| [bucket.middle(), bucket.mean()]).collect();
        let behind = amount > 0.0;
        let mut curve = Self { width: WIDTH, shade: if behind { BEHIND } else { AROUND }, ..Self::default() };
        if buckets.iter().any(|bucket| bucket.count > 1) {
            let ends = |bucket: &Bucket| [place(bucket.middle()), bucket.min.into(), bucket.max.into()];
            curve.band = buckets.iter().map(ends).collect();
        } else if behind {
            curve.raw = moved(&means);
        }
        curve.line = if behind { moved(&smooth(&means, amount, range as f64)) } else { moved(&means) };
        if let [alone] = curve.line.as_slice() {
            curve.dots = vec![*alone];
        }
        curve
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty() && self.dots.is_empty()
    }

    /// Every value in it, for the range of its axis.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let ends = self.band.iter().flat_map(|[_, low, high]| [*low, *high]);
        let points = [&self.raw, &self.line, &self.dots].into_iter().flatten().map(|[_, value]| *value);
        ends.chain(points)
    }
}
