//! What egui has drawn, as SVG: the shapes that charts are made of.

use std::fmt::Write as _;

use egui::epaint::{ClippedShape, TextShape};
use egui::{Color32, Pos2, Rect, Shape, Stroke, Vec2};

/// A whole document of a size in points.
pub(super) fn document(shapes: &[ClippedShape], size: Vec2) -> String {
    let Vec2 { x: width, y: height } = size;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"
    );
    let mut clips: Vec<Rect> = Vec::new();
    for ClippedShape { clip_rect, shape, .. } in shapes {
        let at = clips.iter().position(|known| known == clip_rect).unwrap_or_else(|| {
            clips.push(*clip_rect);
            let (min, size) = (clip_rect.min, clip_rect.size());
            let rect = format!("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", min.x, min.y, size.x, size.y);
            push(&mut out, format_args!("<clipPath id=\"c{}\"><rect {rect}/></clipPath>\n", clips.len() - 1));
            clips.len() - 1
        });
        let mut drawn = String::new();
        draw(&mut drawn, shape);
        if !drawn.is_empty() {
            push(&mut out, format_args!("<g clip-path=\"url(#c{at})\">{drawn}</g>\n"));
        }
    }
    out + "</svg>\n"
}

/// Writing to a text cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).ok();
}

fn draw(out: &mut String, shape: &Shape) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| draw(out, shape)),
        Shape::LineSegment { points, stroke } => path(out, points, false, Color32::TRANSPARENT, *stroke),
        Shape::Path(shape) => {
            // Charts draw with one colour a line.
            let color = match &shape.stroke.color {
                egui::epaint::ColorMode::Solid(color) => *color,
                egui::epaint::ColorMode::UV(_) => Color32::TRANSPARENT,
            };
            path(out, &shape.points, shape.closed, shape.fill, Stroke::new(shape.stroke.width, color));
        }
        Shape::Band(shape) => {
            let upper = shape.points.iter().map(|point| Pos2::new(point.x, point.y.min));
            let lower = shape.points.iter().rev().map(|point| Pos2::new(point.x, point.y.max));
            path(out, &upper.chain(lower).collect::<Vec<_>>(), true, shape.fill, Stroke::NONE);
        }
        Shape::Rect(shape) => {
            let Rect { min, max } = shape.rect;
            let corners = [min, Pos2::new(max.x, min.y), max, Pos2::new(min.x, max.y)];
            path(out, &corners, true, shape.fill, shape.stroke);
        }
        Shape::Circle(shape) => push(
            out,
            format_args!(
                "<circle cx=\"{:.2}\" cy=\"{:.2}\" r=\"{:.2}\" {}/>",
                shape.center.x,
                shape.center.y,
                shape.radius,
                paint(shape.fill, shape.stroke)
            ),
        ),
        Shape::Text(shape) => text(out, shape),
        // No chart has any.
        Shape::Noop
        | Shape::Ellipse(_)
        | Shape::Mesh(_)
        | Shape::QuadraticBezier(_)
        | Shape::CubicBezier(_)
        | Shape::Callback(_) => {}
    }
}

fn path(out: &mut String, points: &[Pos2], closed: bool, fill: Color32, stroke: Stroke) {
    let places: Vec<String> = points.iter().map(|point| format!("{:.2},{:.2}", point.x, point.y)).collect();
    let name = if closed { "polygon" } else { "polyline" };
    push(out, format_args!("<{name} points=\"{}\" {}/>", places.join(" "), paint(fill, stroke)));
}

fn paint(fill: Color32, stroke: Stroke) -> String {
    let mut out = color("fill", fill);
    if !stroke.is_empty() {
        push(&mut out, format_args!(" {} stroke-width=\"{}\"", color("stroke", stroke.color), stroke.width));
    }
    out
}

fn color(name: &str, color: Color32) -> String {
    let [r, g, b, a] = color.to_srgba_unmultiplied();
    match a {
        0 => format!("{name}=\"none\""),
        255 => format!("{name}=\"#{r:02x}{g:02x}{b:02x}\""),
        a => format!("{name}=\"#{r:02x}{g:02x}{b:02x}\" {name}-opacity=\"{:.3}\"", f32::from(a) / 255.0),
    }
}

fn text(out: &mut String, shape: &TextShape) {
    let Some(format) = shape.galley.job.sections.first().map(|section| &section.format) else { return };
    let family = if format.font_id.family == egui::FontFamily::Monospace { "monospace" } else { "sans-serif" };
    let own = if format.color == Color32::PLACEHOLDER { shape.fallback_color } else { format.color };
    let color = color("fill", shape.override_text_color.unwrap_or(own));
    for row in &shape.galley.rows {
        let (Some(first), Some(last)) = (row.row.glyphs.first(), row.row.glyphs.last()) else { continue };
        let at = shape.pos + row.pos.to_vec2() + first.pos.to_vec2();
        let words: String = row.row.glyphs.iter().map(|glyph| glyph.chr).collect();
        // The reader's fonts are others than ours: the text takes the room that it was given.
        let length = last.max_x() - first.pos.x;
        push(
            out,
            format_args!(
                "<text x=\"{:.2}\" y=\"{:.2}\" font-family=\"{family}\" font-size=\"{}\" textLength=\"{length:.2}\" lengthAdjust=\"spacingAndGlyphs\" {color}>{}</text>",
                at.x,
                at.y,
                format.font_id.size,
                escaped(&words)
            ),
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
