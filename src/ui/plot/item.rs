//! A described chart inside of egui_plot: where its transform puts curves and marks.

use egui::epaint::{BandPoint, BandShape};
use egui::{Align2, Color32, FontId, Pos2, Rect, Shape, Stroke, Ui, pos2};
use egui_plot::{PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotTransform};

use super::super::widgets;
use crate::chart::{Color, Curve, Drawing, Mark};

/// What is drawn in a plot whose bounds are the transformed ends of its axes.
pub(super) struct Item {
    base: PlotItemBase,
    drawing: Drawing,
}

impl Item {
    pub fn new(drawing: Drawing) -> Self {
        Self { base: PlotItemBase::new(String::new()), drawing }
    }
}

impl PlotItem for Item {
    fn shapes(&self, ui: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let place = Place { drawing: &self.drawing, transform, far: transform.frame().expand(2e4) };
        self.drawing.marks.iter().for_each(|mark| place.mark(ui, mark, shapes));
        self.drawing.curves.iter().for_each(|curve| place.curve(curve, shapes));
    }

    fn initialize(&mut self, _: std::ops::RangeInclusive<f64>) {}

    fn color(&self) -> Color32 {
        Color32::TRANSPARENT
    }

    fn geometry(&self) -> PlotGeometry<'_> {
        PlotGeometry::None
    }

    fn bounds(&self) -> PlotBounds {
        PlotBounds::NOTHING
    }

    fn base(&self) -> &PlotItemBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut PlotItemBase {
        &mut self.base
    }
}

fn color([r, g, b, a]: Color) -> Color32 {
    Color32::from_rgba_unmultiplied(r, g, b, a)
}

/// Places on the screen.
struct Place<'a> {
    drawing: &'a Drawing,
    transform: &'a PlotTransform,
    /// Beyond this, single precision would make lines jump.
    far: Rect,
}

impl Place<'_> {
    fn x(&self, at: f64) -> f32 {
        let x = self.transform.position_from_point_x(self.drawing.x.scale.warp(at));
        x.clamp(self.far.left(), self.far.right())
    }

    fn y(&self, value: f64) -> f32 {
        let y = self.transform.position_from_point_y(self.drawing.y.scale.warp(value));
        y.clamp(self.far.top(), self.far.bottom())
    }

    fn mark(&self, ui: &Ui, mark: &Mark, shapes: &mut Vec<Shape>) {
        let (x, frame) = (self.x(mark.at), self.transform.frame());
        if !self.drawing.x.scale.has(mark.at) || !frame.x_range().expand(1.0).contains(x) {
            return;
        }
        let (color, top) = (color(mark.color), pos2(x, frame.top()));
        let (ends, stroke) = ([top, pos2(x, frame.bottom())], Stroke::new(mark.width, color));
        if mark.dash > 0.0 {
            shapes.extend(Shape::dashed_line(&ends, stroke, mark.dash, 3.0));
        } else {
            shapes.push(Shape::line_segment(ends, stroke));
        }
        if mark.pin {
            let corners = vec![top + egui::vec2(-4.0, 0.0), top + egui::vec2(4.0, 0.0), top + egui::vec2(0.0, 6.0)];
            shapes.push(Shape::convex_polygon(corners, color, Stroke::NONE));
        }
        if !mark.label.is_empty() {
            let (font, color) = (FontId::proportional(10.5), widgets::palette(ui).muted);
            let galley = ui.painter().layout_no_wrap(mark.label.clone(), font, color);
            let at = Align2::LEFT_TOP.anchor_size(top + egui::vec2(4.0, 0.0), galley.size());
            shapes.push(Shape::galley(at.min, galley, color));
        }
    }

    fn curve(&self, curve: &Curve, shapes: &mut Vec<Shape>) {
        let of = color(curve.color);
        self.band(curve, of.gamma_multiply(curve.shade), shapes);
        self.line(&curve.raw, Stroke::new(1.0, of.gamma_multiply(0.25)), false, shapes);
        self.line(&curve.line, Stroke::new(curve.width, of), curve.dashed, shapes);
        for [x, value] in curve.dots.iter().filter(|[_, value]| self.drawing.y.scale.has(*value)) {
            shapes.push(Shape::circle_filled(pos2(self.x(*x), self.y(*value)), curve.width + 1.0, of));
        }
    }

    /// From the smallest to the largest value in each column.
    fn band(&self, curve: &Curve, fill: Color32, shapes: &mut Vec<Shape>) {
        let mut points: Vec<BandPoint> = Vec::with_capacity(curve.band.len());
        for [x, low, high] in curve.band.iter().filter(|[.., high]| self.drawing.y.scale.has(*high)) {
            // What is one value is still seen.
            let point = BandPoint::new(self.x(*x), (self.y(*high) - 0.5)..=(self.y(*low) + 0.5));
            if points.last().is_none_or(|before| before.x < point.x) {
                points.push(point);
            }
        }
        shapes.push(Shape::Band(BandShape::filled(points, fill)));
    }

    /// A line through points; it is broken where a value has no place.
    fn line(&self, points: &[[f64; 2]], stroke: Stroke, dashed: bool, shapes: &mut Vec<Shape>) {
        let Drawing { x, y, .. } = self.drawing;
        let placed = |[at, value]: &[f64; 2]| !(x.scale.has(*at) && y.scale.has(*value));
        for part in points.split(placed).filter(|part| part.len() > 1) {
            let part: Vec<Pos2> = part.iter().map(|[at, value]| pos2(self.x(*at), self.y(*value))).collect();
            if dashed {
                shapes.extend(Shape::dashed_line(&part, stroke, 6.0, 4.0));
            } else {
                shapes.push(Shape::line(part, stroke));
            }
        }
    }
}
