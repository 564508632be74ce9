//! The mark of the program, a candle's flame, drawn by code as window icon and in the top bar.

use egui::{Color32, IconData, Rect, Response, Sense, Shape, Stroke, Ui, Vec2, pos2};

use super::theme;
use super::widgets::palette;

/// Half the width of the flame at a height from 0 (its tip) to 1 (its foot), as a share of its widest.
fn flame(height: f32) -> f32 {
    // The largest value of t * sqrt(1 - t) is 2 / sqrt(27).
    height * (1.0 - height).max(0.0).sqrt() / 0.384_9
}

/// The window's icon.
pub fn icon() -> IconData {
    const SIDE: usize = 128;
    let dark = palette_for_icon();
    let mut rgba = Vec::with_capacity(SIDE * SIDE * 4);
    for (y, x) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (y, x))) {
        let (u, v) = ((x as f32 + 0.5) / SIDE as f32, (y as f32 + 0.5) / SIDE as f32);
        rgba.extend_from_slice(&pixel(u, v, &dark));
    }
    IconData { rgba, width: SIDE as u32, height: SIDE as u32 }
}

fn palette_for_icon() -> [Color32; 3] {
    let p = theme::palette(&egui::Visuals::dark());
    [p.accent, p.flame, p.strong]
}

/// The icon at a point of the unit square: a rounded square, the flame in it, and a bright core.
fn pixel(u: f32, v: f32, [ground, outer, core]: &[Color32; 3]) -> [u8; 4] {
    let corner = 0.22;
    let (dx, dy) = ((u - 0.5).abs() - (0.5 - corner), (v - 0.5).abs() - (0.5 - corner));
    let outside = dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - corner;
    if outside > 0.0 {
        return [0; 4];
    }
    let inside = |top: f32, bottom: f32, width: f32| {
        let height = (v - top) / (bottom - top);
        (0.0..=1.0).contains(&height) && (u - 0.5).abs() < width * flame(height)
    };
    let color = if inside(0.48, 0.8, 0.11) {
        core
    } else if inside(0.12, 0.86, 0.27) {
        outer
    } else {
        ground
    };
    color.to_array()
}

/// The mark, as high as the line.
pub fn mark(ui: &mut Ui, side: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
    let p = palette(ui);
    paint_flame(ui, rect, p.flame);
    let core = Rect::from_min_max(pos2(rect.center().x - side * 0.14, rect.top() + side * 0.5), rect.max)
        .with_max_x(rect.center().x + side * 0.14)
        .with_max_y(rect.bottom() - side * 0.06);
    paint_flame(ui, core, p.surface);
    response
}

fn paint_flame(ui: &Ui, rect: Rect, color: Color32) {
    const STEPS: usize = 24;
    let wide = rect.width() * if rect.width() < rect.height() { 0.5 } else { 0.38 };
    let point = |step: usize, side: f32| {
        let height = step as f32 / STEPS as f32;
        pos2(rect.center().x + side * wide * flame(height), rect.top() + height * rect.height())
    };
    let right = (0..=STEPS).map(|step| point(step, 1.0));
    let left = (1..STEPS).rev().map(|step| point(step, -1.0));
    ui.painter().add(Shape::convex_polygon(right.chain(left).collect(), color, Stroke::NONE));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_has_clear_corners_and_a_flame_in_the_middle() {
        let icon = icon();
        let at = |x: usize, y: usize| &icon.rgba[(y * icon.width as usize + x) * 4..][..4];
        assert_eq!(at(0, 0), [0; 4]);
        assert_eq!(at(64, 84), palette_for_icon()[2].to_array());
        assert_eq!(at(64, 40), palette_for_icon()[1].to_array());
        assert_eq!(at(8, 64), palette_for_icon()[0].to_array());
    }
}
