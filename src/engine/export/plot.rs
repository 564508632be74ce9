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

/// A chart of curves; nothing where none has a point. Values that are no finite number are left out.
pub(super) fn chart(title: &str, curves: Vec<Curve<'_>>) -> Option<String> {
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
    let x = |step: f64| LEFT + (WIDTH - LEFT - 6.0) * step / last.max(1) as f64;
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low);
    let mut svg =
        format!("<figure><figcaption>{title}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    for part in 0..=4 {
        let value = low + (high - low) * f64::from(part) / 4.0;
        let (at, from, to, step) = (y(value), LEFT - 6.0, WIDTH - 6.0, last * part as usize / 4);
        write!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{to}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>").ok()?;
        write!(svg, "<text x=\"{from}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", at + 4.0, number(value)).ok()?;
        let (under, anchor) = (x(step as f64), if part == 4 { "end" } else { "middle" });
        write!(svg, "<text x=\"{under:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{step}</text>", HEIGHT - 6.0).ok()?;
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

/// A number of an axis.
fn number(value: f64) -> String {
    match value.abs() {
        x if x < 1e-12 => "0".to_owned(),
        x if x >= 1000.0 => format!("{value:.0}"),
        x if x >= 1.0 => format!("{value:.2}"),
        x if x >= 0.001 => format!("{value:.4}"),
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
        let svg = chart("Loss", vec![Curve { name: "D", color: "red", points }]).expect("a chart");
        assert!(svg.contains(">9.00<") && svg.contains(">10000<") && !svg.contains("NaN"), "{svg}");
        assert!(svg.len() < 20_000);
        assert!(chart("Nothing", vec![Curve { name: "D", color: "red", points: vec![] }]).is_none());
    }
}
