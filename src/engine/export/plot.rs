//! Curves as SVG, drawn without a library.

use std::fmt::Write as _;

/// A named curve in a colour: points of a step and a value.
pub(super) struct Curve<'a> {
    pub name: &'a str,
    pub color: &'a str,
    pub points: Vec<(usize, f64)>,
}

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 220.0;
/// Room for the numbers beside and below the axes.
const LEFT: f64 = 58.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 8.0;
/// Pieces of a long curve, each drawn as its mean and its range.
const BUCKETS: usize = 280;

struct Bucket {
    step: f64,
    low: f64,
    high: f64,
    mean: f64,
}

fn buckets(points: &[(usize, f64)]) -> Vec<Bucket> {
    let size = points.len().div_ceil(BUCKETS).max(1);
    let of = |part: &[(usize, f64)]| {
        let count = part.len() as f64;
        let values = || part.iter().map(|(_, value)| *value);
        Bucket {
            step: part.iter().map(|(step, _)| *step as f64).sum::<f64>() / count,
            low: values().fold(f64::INFINITY, f64::min),
            high: values().fold(f64::NEG_INFINITY, f64::max),
            mean: values().sum::<f64>() / count,
        }
    };
    points.chunks(size).map(of).collect()
}

/// A chart of curves, with a line at a step where one is to be `marked`; nothing where no curve has a point. Values that are no finite
/// number are left out.
pub(super) fn chart(title: &str, curves: Vec<Curve<'_>>, marked: Option<usize>) -> Option<String> {
    let curves: Vec<(Curve<'_>, Vec<Bucket>)> = curves
        .into_iter()
        .map(|mut curve| {
            curve.points.retain(|(_, value)| value.is_finite());
            let buckets = buckets(&curve.points);
            (curve, buckets)
        })
        .filter(|(_, buckets)| !buckets.is_empty())
        .collect();
    let all = || curves.iter().flat_map(|(_, buckets)| buckets);
    let last = curves.iter().filter_map(|(curve, _)| Some(curve.points.last()?.0)).max()?;
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), b| (l.min(b.low), h.max(b.high)));
    let (low, high) = if high - low > 1e-12 { (low, high) } else { (low - 0.5, high + 0.5) };
    let (up, across) = (round_step((high - low) / 4.0), round_step(last as f64 / 4.0).max(1.0));
    let (low, high) = ((low / up).floor() * up, (high / up).ceil() * up);
    let x = |step: f64| LEFT + (WIDTH - LEFT - 6.0) * step / last.max(1) as f64;
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low);
    let mut svg =
        format!("<figure><figcaption>{title}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    for value in ticks(low, high, up) {
        let (at, from, to) = (y(value), LEFT - 6.0, WIDTH - 6.0);
        write!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{to}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>").ok()?;
        write!(svg, "<text x=\"{from}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", at + 4.0, number(value, up))
            .ok()?;
    }
    for step in ticks(0.0, last as f64, across) {
        let (under, below) = (x(step), HEIGHT - 6.0);
        let anchor = if under > WIDTH - 24.0 { "end" } else { "middle" };
        write!(svg, "<text x=\"{under:.1}\" y=\"{below}\" text-anchor=\"{anchor}\">{step:.0}</text>").ok()?;
    }
    if let Some(step) = marked {
        let (at, to) = (x(step as f64), HEIGHT - BOTTOM);
        write!(svg, "<line class=\"best\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{to}\"/>").ok()?;
    }
    for (curve, buckets) in &curves {
        let color = curve.color;
        let line = |value: fn(&Bucket) -> f64| -> Vec<String> {
            buckets.iter().map(|b| format!("{:.1},{:.1}", x(b.step), y(value(b)))).collect()
        };
        let (mut range, mut low) = (line(|b| b.high), line(|b| b.low));
        low.reverse();
        range.append(&mut low);
        write!(svg, "<polygon points=\"{}\" fill=\"{color}\" opacity=\"0.18\"/>", range.join(" ")).ok()?;
        let mean = line(|b| b.mean).join(" ");
        write!(svg, "<polyline points=\"{mean}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.4\"/>").ok()?;
        if let [only] = buckets.as_slice() {
            write!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{color}\"/>", x(only.step), y(only.mean))
                .ok()?;
        }
    }
    svg += "</svg><p class=\"legend\">";
    for (curve, _) in &curves {
        write!(svg, "<span style=\"color:{}\">&#9632; {}</span> ", curve.color, curve.name).ok()?;
    }
    Some(svg + "</p></figure>\n")
}

/// The nearest of 1, 2, 5 and their multiples by powers of ten that is not below this.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-12).log10().floor());
    [1.0, 2.0, 5.0]
        .map(|part| part * power)
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// Multiples of a step from one number to another.
fn ticks(low: f64, high: f64, step: f64) -> Vec<f64> {
    let (first, last) = ((low / step - 1e-6).ceil(), (high / step + 1e-6).floor());
    (0..).map(|at| first + f64::from(at)).take_while(|at| *at <= last).take(12).map(|at| at * step).collect()
}

/// A number of an axis, with the digits that tell it from the next.
fn number(value: f64, step: f64) -> String {
    let digits = -step.log10().floor();
    match digits {
        _ if value.abs() < step * 1e-6 => "0".to_owned(),
        digits if digits <= 0.0 => format!("{value:.0}"),
        digits if digits <= 5.0 => format!("{value:.0$}", digits as usize),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_spike_and_nan_is_left_out() {
        let mut points: Vec<(usize, f64)> = (1..=10_000).map(|step| (step, 1.0)).collect();
        (points[5000].1, points[6000].1) = (9.0, f64::NAN);
        assert!(buckets(&points[..5900]).iter().any(|b| b.high == 9.0));
        let svg = chart("Loss", vec![Curve { name: "D", color: "red", points }], Some(2500)).expect("a chart");
        assert!(svg.contains(">10<") && svg.contains(">10000<") && !svg.contains("NaN"), "{svg}");
        assert_eq!(svg.matches("class=\"best\"").count(), 1);
        assert!(svg.len() < 20_000);
        assert!(chart("Nothing", vec![Curve { name: "D", color: "red", points: vec![] }], None).is_none());
    }

    #[test]
    fn ticks_are_round() {
        for (least, step) in [(0.3, 0.5), (1.0, 1.0), (4.9, 5.0), (0.000_11, 0.000_2), (6.0, 10.0)] {
            assert!((round_step(least) / step - 1.0).abs() < 1e-9, "{least}: {}", round_step(least));
        }
        let told = |low, high, step| ticks(low, high, step).into_iter().map(|at| number(at, step)).collect::<Vec<_>>();
        assert_eq!(told(-0.2, 1.0, 0.2), ["-0.2", "0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(told(0.0, 4000.0, 1000.0), ["0", "1000", "2000", "3000", "4000"]);
    }
}
