//! Small pictures on buttons, drawn by code: the bundled fonts have none of them.

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{
    Color32, InnerResponse, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::theme::palette;

/// A small picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// The light theme.
    Sun,
    /// The dark theme.
    Moon,
    /// Play.
    Play,
    /// Stop playing.
    Pause,
    /// Dismiss.
    Cross,
    /// More options.
    Dots,
    /// What is there to know.
    Question,
    /// Neither dark nor light.
    Half,
    /// Earlier.
    Up,
    /// Later.
    Down,
    /// A star that is given.
    Star,
    /// The place of a star.
    NoStar,
}

/// A button that shows a glyph; `name` is what screen readers and the tooltip say.
pub fn button(ui: &mut Ui, glyph: Glyph, size: Vec2, framed: bool, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    let visuals = ui.style().interact(&response);
    if framed {
        ui.painter().rect(
            rect,
            visuals.corner_radius,
            visuals.weak_bg_fill,
            visuals.bg_stroke,
            egui::StrokeKind::Inside,
        );
    }
    if response.has_focus() {
        let ring = Stroke::new(1.0, palette(ui.visuals()).accent);
        ui.painter().rect_stroke(rect, visuals.corner_radius, ring, egui::StrokeKind::Outside);
    }
    let color = if glyph == Glyph::Star { palette(ui.visuals()).flame } else { visuals.text_color() };
    paint(ui.painter(), glyph, rect.center(), color, visuals.weak_bg_fill);
    response.on_hover_text(name)
}

/// A button that opens a menu, with a small arrow that says so.
pub fn menu<R>(ui: &mut Ui, text: &str, contents: impl FnOnce(&mut Ui) -> R) -> InnerResponse<Option<R>> {
    menu_with(ui, text, MenuConfig::default(), contents)
}

/// The same, for a menu that behaves in another way.
pub fn menu_with<R>(
    ui: &mut Ui,
    text: &str,
    config: MenuConfig,
    contents: impl FnOnce(&mut Ui) -> R,
) -> InnerResponse<Option<R>> {
    // The spaces make room for the arrow.
    let (response, inner) = MenuButton::new(format!("{text}     ")).config(config).ui(ui, contents);
    let color = ui.style().interact(&response).text_color();
    let color = if ui.is_enabled() { color } else { palette(ui.visuals()).muted.gamma_multiply(0.6) };
    let tip = pos2(response.rect.right() - 14.0, response.rect.center().y + 2.5);
    triangle(ui.painter(), [tip, tip + vec2(-4.0, -5.0), tip + vec2(4.0, -5.0)], color);
    InnerResponse::new(inner.map(|inner| inner.inner), response)
}

/// A small arrow, for the way in which something is sorted.
pub fn arrow(ui: &mut Ui, down: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(8.0), Sense::hover());
    let (center, side) = (rect.center(), if down { 1.0 } else { -1.0 });
    let corners = [vec2(0.0, 3.0 * side), vec2(-3.5, -3.0 * side), vec2(3.5, -3.0 * side)];
    triangle(ui.painter(), corners.map(|corner| center + corner), palette(ui.visuals()).strong);
    response
}

fn triangle(painter: &Painter, corners: [Pos2; 3], color: Color32) {
    painter.add(Shape::convex_polygon(corners.to_vec(), color, Stroke::NONE));
}

/// A star with five points, filled or as an outline. It is not convex, so its fill is a fan of triangles.
fn star(painter: &Painter, center: Pos2, fill: Option<Color32>, stroke: Stroke) {
    use std::f32::consts::PI;
    let corner = |at: u8| {
        let radius = if at.is_multiple_of(2) { 7.0 } else { 3.0 };
        center + Vec2::angled(f32::from(at) * PI / 5.0 - PI / 2.0) * radius
    };
    let corners: Vec<Pos2> = (0..10).map(corner).collect();
    match fill {
        Some(color) => {
            for pair in 0..10 {
                triangle(painter, [center, corners[pair], corners[(pair + 1) % 10]], color);
            }
        }
        None => _ = painter.add(Shape::closed_line(corners, stroke)),
    }
}

fn paint(painter: &Painter, glyph: Glyph, center: Pos2, color: Color32, behind: Color32) {
    let stroke = Stroke::new(1.5, color);
    match glyph {
        Glyph::Sun => {
            painter.circle_filled(center, 3.5, color);
            for ray in 0..8 {
                let direction = Vec2::angled(ray as f32 * std::f32::consts::FRAC_PI_4);
                painter.line_segment([center + direction * 5.5, center + direction * 7.5], stroke);
            }
        }
        Glyph::Moon => {
            painter.circle_filled(center, 6.0, color);
            painter.circle_filled(center + vec2(3.0, -2.5), 5.0, behind);
        }
        Glyph::Play => {
            triangle(painter, [center + vec2(-4.0, -5.5), center + vec2(5.5, 0.0), center + vec2(-4.0, 5.5)], color)
        }
        Glyph::Pause => {
            for x in [-3.0, 3.0] {
                painter.rect_filled(Rect::from_center_size(center + vec2(x, 0.0), vec2(3.0, 10.0)), 1.0, color);
            }
        }
        Glyph::Dots => {
            for x in [-5.0, 0.0, 5.0] {
                painter.circle_filled(center + vec2(x, 0.0), 1.5, color);
            }
        }
        Glyph::Question => {
            let font = egui::FontId::proportional(15.0);
            painter.text(center, egui::Align2::CENTER_CENTER, "?", font, color);
        }
        Glyph::Half => {
            painter.circle_stroke(center, 6.0, stroke);
            let half = (0..=12).map(|at| center + Vec2::angled(std::f32::consts::PI * (at as f32 / 12.0 - 0.5)) * 6.0);
            painter.add(Shape::convex_polygon(half.collect(), color, Stroke::NONE));
        }
        Glyph::Up => {
            triangle(painter, [center + vec2(0.0, -4.0), center + vec2(5.0, 4.0), center + vec2(-5.0, 4.0)], color)
        }
        Glyph::Down => {
            triangle(painter, [center + vec2(0.0, 4.0), center + vec2(-5.0, -4.0), center + vec2(5.0, -4.0)], color)
        }
        Glyph::Star => star(painter, center, Some(color), stroke),
        Glyph::NoStar => star(painter, center, None, Stroke::new(1.0, color.gamma_multiply(0.7))),
        Glyph::Cross => {
            for y in [-1.0, 1.0] {
                painter.line_segment([center + vec2(-4.0, -4.0 * y), center + vec2(4.0, 4.0 * y)], stroke);
            }
        }
    }
}
