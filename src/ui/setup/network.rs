//! Draws both networks as rows of blocks: resolutions, widths, attention, and where the label enters.

use egui::{
    Align2, Color32, Painter, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::super::widgets::{palette, small_font};
use super::blocks::{Arcs, Block, Sketch};
use crate::config::Config;

/// Height of a drawing.
const HEIGHT: f32 = 104.0;
/// Heights of the smallest and of the largest block.
const BLOCKS: (f32, f32) = (20.0, 56.0);
/// Room above the blocks for connections that pass over others, and their name.
const ARCS: f32 = 34.0;
/// Room below the blocks for resolutions and the label.
const BELOW: f32 = 40.0;

/// The generator, from noise to image.
pub fn generator_ui(ui: &mut Ui, config: &Config) -> Response {
    let color = palette(ui).generator;
    draw(ui, &Sketch::generator(config), color)
}

/// The discriminator, from image to decision.
pub fn discriminator_ui(ui: &mut Ui, config: &Config) -> Response {
    let color = palette(ui).discriminator;
    draw(ui, &Sketch::discriminator(config), color)
}

impl Arcs {
    /// Draws them above the blocks, each a little higher than those within it.
    fn paint(&self, ui: &Ui, painter: &Painter, places: &[Rect], (color, top): (Color32, f32)) {
        let p = palette(ui);
        for (from, to) in &self.ends {
            let (Some(from), Some(to)) = (places.get(*from), places.get(*to)) else { continue };
            let rank = self
                .ends
                .iter()
                .filter(|(a, b)| places[*b].center().x - places[*a].center().x < to.center().x - from.center().x)
                .count();
            let y = top + ARCS - 4.0 - 4.0 * rank as f32;
            let stroke = Stroke::new(1.0, color);
            let corners = [from.center_top(), pos2(from.center().x, y), pos2(to.center().x, y), to.center_top()];
            for pair in corners.windows(2) {
                painter.line_segment([pair[0], pair[1]], stroke);
            }
            for side in [-3.0, 3.0] {
                painter.line_segment([corners[3], corners[3] + vec2(side, -3.5)], stroke);
            }
        }
        if !self.ends.is_empty() {
            painter.text(
                pos2(painter.clip_rect().center().x, top + 6.0),
                Align2::CENTER_CENTER,
                self.name,
                small_font(),
                p.muted,
            );
        }
    }
}

fn draw(ui: &mut Ui, sketch: &Sketch, color: Color32) -> Response {
    let Sketch { blocks, residual, copies, arcs } = sketch;
    let above = if arcs.ends.is_empty() { 0.0 } else { ARCS };
    let size = vec2(ui.available_width(), HEIGHT + above);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| {
        let arcs = (!arcs.ends.is_empty()).then_some(arcs.name);
        let parts: Vec<&str> = blocks.iter().map(|block| block.about.as_str()).chain(arcs).collect();
        WidgetInfo::labeled(Role::Image, true, parts.join("; "))
    });
    let painter = ui.painter_at(rect);
    let gap = 7.0;
    let width = ((rect.width() - gap * (blocks.len() - 1) as f32) / blocks.len() as f32).min(58.0);
    let whole = width * blocks.len() as f32 + gap * (blocks.len() - 1) as f32;
    let left = rect.center().x - whole / 2.0;
    let middle = rect.top() + above + (HEIGHT - BELOW) / 2.0 + 3.0;
    let place = |at: usize, block: &Block| {
        let height = BLOCKS.0 + (BLOCKS.1 - BLOCKS.0) * block.size;
        Rect::from_center_size(pos2(left + at as f32 * (width + gap) + width / 2.0, middle), vec2(width, height))
    };
    let places: Vec<Rect> = blocks.iter().enumerate().map(|(at, block)| place(at, block)).collect();
    let p = palette(ui);
    for pair in places.windows(2) {
        let ends = [pair[0].right_center(), pair[1].left_center()];
        painter.line_segment(ends, Stroke::new(1.0, p.muted));
        if *residual && pair[0] != places[0] {
            let lift = vec2(0.0, -pair[0].height() / 2.0);
            painter.line_segment([ends[0] + lift, ends[1] + lift], Stroke::new(1.0, color.gamma_multiply(0.6)));
        }
    }
    for (block, at) in blocks.iter().zip(&places) {
        for copy in (1..*copies).rev() {
            let shifted = at.translate(Vec2::splat(-2.5 * copy as f32));
            painter.rect(shifted, 4.0, p.surface, Stroke::new(1.0, color.gamma_multiply(0.4)), StrokeKind::Inside);
        }
        draw_block(ui, &painter, block, *at, (color, rect.bottom()));
    }
    arcs.paint(ui, &painter, &places, (color, rect.top()));
    label_line(ui, &painter, blocks, &places, rect);
    let hovered = response.hover_pos().and_then(|pos| places.iter().position(|at| at.expand(3.0).contains(pos)));
    match hovered {
        Some(at) => response.on_hover_text_at_pointer(&blocks[at].about),
        None => response,
    }
}

fn draw_block(ui: &Ui, painter: &Painter, block: &Block, at: Rect, (color, bottom): (Color32, f32)) {
    let p = palette(ui);
    let fill = match (block.map, block.attention) {
        (false, _) => p.well,
        (true, false) => color.gamma_multiply(0.22),
        (true, true) => color.gamma_multiply(0.75),
    };
    let solid = if block.map { blend(p.surface, fill) } else { fill };
    painter.rect(at, 4.0, solid, Stroke::new(1.0, color.gamma_multiply(0.8)), StrokeKind::Inside);
    let text = if block.attention { p.on_accent } else { p.text };
    let font = egui::FontId::proportional(10.5);
    painter.text(at.center(), Align2::CENTER_CENTER, &block.inside, font, text);
    let below = pos2(at.center().x, bottom - BELOW + 12.0);
    painter.text(below, Align2::CENTER_CENTER, &block.below, small_font(), p.muted);
}

/// `over`, which may be translucent, on `under`.
fn blend(under: Color32, over: Color32) -> Color32 {
    under.blend(over)
}

/// The line along which the label comes in, with an arrow at each block that it enters.
fn label_line(ui: &Ui, painter: &Painter, blocks: &[Block], places: &[Rect], rect: Rect) {
    let p = palette(ui);
    let y = rect.bottom() - 9.0;
    let entered: Vec<f32> =
        blocks.iter().zip(places).filter(|(block, _)| block.label).map(|(_, at)| at.center().x).collect();
    let text = |x: f32, align: Align2, text: &str, color: Color32| {
        painter.text(pos2(x, y), align, text, small_font(), color);
    };
    let (Some(first), Some(last)) = (entered.first(), entered.last()) else {
        return text(rect.center().x, Align2::CENTER_CENTER, "the label does not enter", p.warning);
    };
    let stroke = Stroke::new(1.2, p.fake);
    painter.line_segment([pos2(*first, y), pos2(*last, y)], stroke);
    for x in &entered {
        let tip = pos2(*x, y - 9.0);
        painter.line_segment([pos2(*x, y), tip], stroke);
        for side in [-3.0, 3.0] {
            painter.line_segment([tip, Pos2::new(x + side, tip.y + 3.5)], stroke);
        }
    }
    if *first > rect.center().x {
        text(first - 8.0, Align2::RIGHT_CENTER, "label", p.fake);
    } else {
        text(last + 8.0, Align2::LEFT_CENTER, "label", p.fake);
    }
}
