//! A chart as SVG, which the window saves, makes its pixels from, and a report holds.

use std::fmt::Write as _;

use super::{Color, Curve, Drawing, Mark, Scale};

/// Size of a chart in points, without the names below it.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
/// Room around it, above it for the title, and beside and below it for the numbers.
const MARGIN: f64 = 14.0;
const TITLE: f64 = 32.0;
const LEFT: f64 = 54.0;
const BOTTOM: f64 = 28.0;
/// Height of a line of names below a chart, and about the width of a letter.
const ROW: f64 = 16.0;
const LETTER: f64 = 6.5;

const TEXT: Color = [0x35, 0x3b, 0x47, 0xff];
const STRONG: Color = [0x14, 0x18, 0x20, 0xff];
const MUTED: Color = [0x68, 0x70, 0x80, 0xff];
const GRID: Color = [0xd9, 0xdd, 0xe4, 0xb2];

/// Charts below each other on white, as a file.
pub fn document(drawings: &[Drawing]) -> String {
    inline(drawings).replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1)
}

/// The same, to stand in a page.
pub fn inline(drawings: &[Drawing]) -> String {
    let heights: Vec<f64> = drawings.iter().map(|drawing| HEIGHT + below(drawing).height()).collect();
    let height = heights.iter().sum::<f64>().max(HEIGHT);
    let titles: Vec<&str> = drawings.iter().map(|drawing| drawing.title.as_str()).collect();
    let mut out = format!(
        "<svg width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" role=\"img\" aria-label=\"{}\">\n<rect width=\"{WIDTH}\" height=\"{height}\" {}/>\n",
        escaped(&titles.join(", ")),
        fill([255; 4]),
    );
    let mut top = 0.0;
    for (drawing, height) in drawings.iter().zip(heights) {
        push(&mut out, format_args!("<g transform=\"translate(0 {top})\">\n"));
        draw(&mut out, drawing);
        out += "</g>\n";
        top += height;
    }
    out + "</svg>\n"
}

/// Text of others as it may stand in a document: with no sign that would be part of it, and none that it may not hold.
pub fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.replace(
        |letter: char| (letter.is_control() && letter != '\n') || matches!(letter, '\u{fffe}' | '\u{ffff}'),
        " ",
    )
}

/// Writing to a text cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).ok();
}

fn color(name: &str, [r, g, b, a]: Color) -> String {
    let color = format!("{name}=\"#{r:02x}{g:02x}{b:02x}\"");
    if a == 255 { color } else { format!("{color} {name}-opacity=\"{:.3}\"", f32::from(a) / 255.0) }
}

fn fill(of: Color) -> String {
    color("fill", of)
}

fn stroke(of: Color, width: f32) -> String {
    format!("fill=\"none\" {} stroke-width=\"{width}\"", color("stroke", of))
}

fn text(out: &mut String, (x, y): (f64, f64), how: &str, text: &str) {
    push(out, format_args!("<text x=\"{x:.2}\" y=\"{y:.2}\" {how}>{}</text>\n", escaped(text)));
}

/// The names below a chart: how many stand beside each other, and on how many lines.
struct Below {
    columns: usize,
    rows: usize,
}

impl Below {
    fn height(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { ROW * self.rows as f64 + 4.0 }
    }
}

fn below(drawing: &Drawing) -> Below {
    let names = drawing.curves.iter().filter(|curve| curve.below).map(|curve| curve.name.chars().count());
    let (count, longest) = (names.clone().count(), names.max().unwrap_or(0));
    let cell = (26.0 + LETTER * longest as f64).max(96.0);
    let columns = (((WIDTH - 2.0 * MARGIN) / cell) as usize).max(1);
    Below { columns, rows: count.div_ceil(columns) }
}

fn draw(out: &mut String, drawing: &Drawing) {
    let right = WIDTH - MARGIN;
    text(out, (MARGIN, 19.0), &format!("font-size=\"14\" {}", fill(STRONG)), &drawing.title);
    let beside: Vec<&Curve> = drawing.curves.iter().filter(|curve| !curve.below).collect();
    push(out, format_args!("<text x=\"{right}\" y=\"19\" font-size=\"12\" text-anchor=\"end\">"));
    for (at, curve) in beside.iter().enumerate() {
        let gap = if at == 0 { 0.0 } else { 14.0 };
        let (color, name) = (fill(curve.color), escaped(&curve.name));
        push(out, format_args!("<tspan dx=\"{gap}\" {color}>—</tspan><tspan dx=\"5\" {color}>{name}</tspan>"));
    }
    *out += "</text>\n";
    let (width, height) = (right - MARGIN - LEFT, HEIGHT - TITLE - BOTTOM);
    let (left, bottom) = (MARGIN + LEFT, TITLE + height);
    let small = format!("font-size=\"10.5\" font-family=\"monospace\" {}", fill(MUTED));
    let grid = stroke(GRID, 1.0);
    for (value, told) in Drawing::y_ticks(&drawing.y, height) {
        let y = bottom - drawing.y.scale.share(value) * height;
        push(out, format_args!("<path d=\"M{left} {y:.2}H{right}\" {grid}/>"));
        text(out, (left - 6.0, y + 3.7), &format!("{small} text-anchor=\"end\""), &told);
    }
    for (value, told) in Drawing::x_ticks(&drawing.x, width) {
        let x = left + drawing.x.scale.share(value) * width;
        push(out, format_args!("<path d=\"M{x:.2} {TITLE}V{bottom}\" {grid}/>"));
        let anchor = if x > right - 24.0 { "end" } else { "middle" };
        text(out, (x, bottom + 14.0), &format!("{small} text-anchor=\"{anchor}\""), &told);
    }
    // What leaves the inner document is cut off.
    push(out, format_args!("<svg x=\"{left}\" y=\"{TITLE}\" width=\"{width}\" height=\"{height}\">\n"));
    let plot = Plot { x: drawing.x.scale, y: drawing.y.scale, width, height };
    drawing.marks.iter().for_each(|mark| plot.mark(out, mark));
    drawing.curves.iter().for_each(|curve| plot.curve(out, curve));
    *out += "</svg>\n";
    let cells = below(drawing);
    for (at, curve) in drawing.curves.iter().filter(|curve| curve.below).enumerate() {
        let x = MARGIN + (at % cells.columns) as f64 * (WIDTH - 2.0 * MARGIN) / cells.columns as f64;
        let y = HEIGHT + ROW * (at / cells.columns) as f64;
        push(out, format_args!("<circle cx=\"{:.2}\" cy=\"{y}\" r=\"3.5\" {}/>", x + 3.5, fill(curve.color)));
        text(out, (x + 12.0, y + 4.0), &format!("font-size=\"11.5\" {}", fill(TEXT)), &curve.name);
    }
}

/// The plot in its own document.
struct Plot {
    x: Scale,
    y: Scale,
    width: f64,
    height: f64,
}

impl Plot {
    fn place(&self, x: f64, value: f64) -> String {
        format!("{:.2},{:.2}", self.x.share(x) * self.width, (1.0 - self.y.share(value)) * self.height)
    }

    fn mark(&self, out: &mut String, mark: &Mark) {
        if !self.x.shows(mark.at) {
            return;
        }
        let (x, height) = (self.x.share(mark.at) * self.width, self.height);
        let dash = if mark.dash > 0.0 { format!(" stroke-dasharray=\"{} 3\"", mark.dash) } else { String::new() };
        push(out, format_args!("<path d=\"M{x:.2} 0V{height}\" {}{dash}/>\n", stroke(mark.color, mark.width)));
        if mark.pin {
            push(out, format_args!("<path d=\"M{:.2} 0h8l-4 6z\" {}/>\n", x - 4.0, fill(mark.color)));
        }
        if !mark.label.is_empty() {
            text(out, (x + 4.0, 10.0), &format!("font-size=\"10.5\" {}", fill(MUTED)), &mark.label);
        }
    }

    fn curve(&self, out: &mut String, curve: &Curve) {
        let [r, g, b, a] = curve.color;
        let faint = |share: f32| [r, g, b, (f32::from(a) * share).round() as u8];
        let band: Vec<&[f64; 3]> = curve.band.iter().filter(|[.., high]| self.y.has(*high)).collect();
        if !band.is_empty() {
            let upper = band.iter().map(|[x, _, high]| self.place(*x, *high));
            let lower = band.iter().rev().map(|[x, low, _]| self.place(*x, *low));
            let points: Vec<String> = upper.chain(lower).collect();
            push(out, format_args!("<polygon points=\"{}\" {}/>\n", points.join(" "), fill(faint(curve.shade))));
        }
        self.line(out, &curve.raw, &stroke(faint(0.25), 1.0));
        let dash = if curve.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        self.line(out, &curve.line, &(stroke(curve.color, curve.width) + dash));
        for [x, value] in curve.dots.iter().filter(|[_, value]| self.y.has(*value)) {
            let place = self.place(*x, *value);
            let (x, y) = place.split_once(',').unwrap_or_default();
            push(
                out,
                format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{}\" {}/>", curve.width + 1.0, fill(curve.color)),
            );
        }
    }

    /// A line through points; it is broken where a value has no place.
    fn line(&self, out: &mut String, points: &[[f64; 2]], how: &str) {
        for part in points.split(|[x, value]| !(self.x.has(*x) && self.y.has(*value))).filter(|part| part.len() > 1) {
            let points: Vec<String> = part.iter().map(|[x, value]| self.place(*x, *value)).collect();
            push(out, format_args!("<polyline points=\"{}\" {how}/>\n", points.join(" ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Series};
    use super::*;
    use crate::event::Form;

    fn drawing(curve: Curve, log: bool) -> Drawing {
        let axis = |from, to, log, form| Axis { scale: Scale { from, to, log }, form };
        let (x, y) = (axis(0.0, 10_000.0, false, Form::Count), axis(0.01, 10.0, log, Form::Scalar));
        let mark = Mark { label: "32 px".to_owned(), pin: true, dash: 4.0, ..Mark::new(2500.0, [1, 2, 3, 255]) };
        Drawing { title: "Loss <D>".to_owned(), x, y, curves: vec![curve], marks: vec![mark] }
    }

    #[test]
    fn a_long_curve_keeps_its_spike_within_a_small_picture() {
        let mut series = Series::default();
        (1..=10_000).for_each(|step| series.push(step, if step == 5001 { 9.0 } else { 1.0 }));
        let curve = Curve::of(&series.buckets(0.0, 1e4, 280), 0.0, &|step| step);
        assert!(curve.values().any(|value| value == 9.0) && curve.line.len() <= 284);
        let svg = document(&[drawing(Curve { color: [9, 9, 9, 128], ..curve }, false)]);
        assert!(svg.contains(">10<") && svg.contains(">10,000<") && svg.contains("Loss &lt;D&gt;"), "{svg}");
        assert!(svg.contains("32 px") && svg.contains("stroke-opacity=\"0.502\"") && !svg.contains("NaN"));
        assert!(svg.len() < 24_000, "{}", svg.len());
    }

    #[test]
    fn a_line_is_broken_where_a_logarithm_has_no_place() {
        let line = [1.0, 0.1, 0.0, -1.0, 1.0, 5.0].iter().enumerate().map(|(x, value)| [x as f64, *value]).collect();
        let curve = Curve { line, width: 1.0, dots: vec![[7.0, -1.0]], ..Curve::default() };
        let svg = document(&[drawing(curve, true)]);
        assert_eq!((svg.matches("<polyline").count(), svg.matches("<circle").count()), (2, 0), "{svg}");
        for told in [">0.01<", ">0.1<", ">1<", ">10<"] {
            assert!(svg.contains(told), "{told}");
        }
    }

    #[test]
    fn names_of_many_curves_stand_below_and_control_signs_go() {
        let curve = |name: &str| Curve { name: name.to_owned(), below: true, ..Curve::default() };
        let mut many = drawing(curve("a\u{1}b"), false);
        let one = document(std::slice::from_ref(&many));
        assert!(one.contains(">a b<") && one.contains("height=\"320\""), "{one}");
        many.curves.extend((0..20).map(|class| curve(&format!("class {class}"))));
        assert!(document(&[many]).contains("height=\"352\""));
    }
}
