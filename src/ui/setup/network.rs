//! Draws both networks as rows of blocks: resolutions, widths, attention, and where the label enters.

use egui::{Align2, Color32, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};

use super::super::widgets::{palette, small_font};
use crate::config::cost::Layer;
use crate::config::{Conditioning, Config, GeneratorNorm, Skip};

/// Height of a drawing.
const HEIGHT: f32 = 104.0;
/// Heights of the smallest and of the largest block.
const BLOCKS: (f32, f32) = (20.0, 56.0);
/// Room below the blocks for resolutions and the label.
const BELOW: f32 = 40.0;

/// A block of the drawing.
struct Block {
    /// Written in it.
    inside: String,
    /// Written below it.
    below: String,
    /// Its height, as a share of the largest.
    size: f32,
    /// Whether it is a feature map (filled) or an end (outlined).
    map: bool,
    /// Whether self-attention follows.
    attention: bool,
    /// Whether the label enters here.
    label: bool,
    /// On hover.
    about: String,
}

/// The generator, from noise to image.
pub fn generator_ui(ui: &mut Ui, config: &Config) -> Response {
    let layers = config.generator_layers();
    let everywhere = config.generator.norm == GeneratorNorm::ConditionalBatch;
    let latent = config.generator.latent_dim;
    let mut blocks = vec![Block {
        inside: "z".to_owned(),
        below: latent.to_string(),
        size: 0.0,
        map: false,
        attention: false,
        label: true,
        about: format!("{latent} random numbers and {} that stand for the class", config.generator.label_embedding),
    }];
    blocks.extend(layers.iter().enumerate().map(|(at, layer)| map_block(layer, at, layers.len(), everywhere)));
    blocks.push(image_block(config, false));
    let color = palette(ui).generator;
    draw(ui, &blocks, color, config.generator.skip == Skip::Residual, 1)
}

/// The discriminator, from image to decision.
pub fn discriminator_ui(ui: &mut Ui, config: &Config) -> Response {
    let layers = config.discriminator_layers(config.image_size);
    let (at_input, at_output) = match config.discriminator.conditioning {
        Conditioning::None => (false, false),
        Conditioning::LabelMap | Conditioning::Replicated | Conditioning::ProjectedMap => (true, false),
        Conditioning::Auxiliary | Conditioning::Projection => (false, true),
    };
    let mut blocks = vec![image_block(config, at_input)];
    let from_end = |at: usize| layers.len() - 1 - at;
    blocks.extend(layers.iter().enumerate().map(|(at, layer)| map_block(layer, from_end(at), layers.len(), false)));
    blocks.push(Block {
        inside: "D".to_owned(),
        below: if config.discriminator.conditioning == Conditioning::Auxiliary { "+ class" } else { "real?" }
            .to_owned(),
        size: 0.0,
        map: false,
        attention: false,
        label: at_output,
        about: match config.discriminator.unet {
            true => "The decision: how real the image looks, and, by a decoder, each of its pixels".to_owned(),
            false => "The decision: how real the image looks".to_owned(),
        },
    });
    let color = palette(ui).discriminator;
    draw(ui, &blocks, color, false, config.discriminator.scales)
}

fn map_block(layer: &Layer, rank: usize, ranks: usize, label: bool) -> Block {
    let attention = if layer.attention { ", then self-attention" } else { "" };
    Block {
        inside: layer.channels.to_string(),
        below: layer.resolution.to_string(),
        size: (rank + 1) as f32 / (ranks + 1) as f32,
        map: true,
        attention: layer.attention,
        label,
        about: format!("{0} × {0} positions, {1} channels{attention}", layer.resolution, layer.channels),
    }
}

fn image_block(config: &Config, label: bool) -> Block {
    let size = config.image_size;
    Block {
        inside: if config.channels == 1 { "grey" } else { "RGB" }.to_owned(),
        below: size.to_string(),
        size: 1.0,
        map: false,
        attention: false,
        label,
        about: format!("The image, {size} × {size} pixels"),
    }
}

fn draw(ui: &mut Ui, blocks: &[Block], color: Color32, skip: bool, copies: usize) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let painter = ui.painter_at(rect);
    let gap = 7.0;
    let width = ((rect.width() - gap * (blocks.len() - 1) as f32) / blocks.len() as f32).min(58.0);
    let whole = width * blocks.len() as f32 + gap * (blocks.len() - 1) as f32;
    let left = rect.center().x - whole / 2.0;
    let middle = rect.top() + (HEIGHT - BELOW) / 2.0 + 3.0;
    let place = |at: usize, block: &Block| {
        let height = BLOCKS.0 + (BLOCKS.1 - BLOCKS.0) * block.size;
        Rect::from_center_size(pos2(left + at as f32 * (width + gap) + width / 2.0, middle), vec2(width, height))
    };
    let places: Vec<Rect> = blocks.iter().enumerate().map(|(at, block)| place(at, block)).collect();
    let p = palette(ui);
    for pair in places.windows(2) {
        let ends = [pair[0].right_center(), pair[1].left_center()];
        painter.line_segment(ends, Stroke::new(1.0, p.muted));
        if skip && pair[0] != places[0] {
            let lift = vec2(0.0, -pair[0].height() / 2.0);
            painter.line_segment([ends[0] + lift, ends[1] + lift], Stroke::new(1.0, color.gamma_multiply(0.6)));
        }
    }
    for (block, at) in blocks.iter().zip(&places) {
        for copy in (1..copies).rev() {
            let shifted = at.translate(Vec2::splat(-2.5 * copy as f32));
            painter.rect(shifted, 4.0, p.surface, Stroke::new(1.0, color.gamma_multiply(0.4)), StrokeKind::Inside);
        }
        draw_block(ui, &painter, block, *at, (color, rect.bottom()));
    }
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
