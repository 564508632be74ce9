//! Draws both networks as rows of blocks: resolutions, widths, attention, and where the label enters.

use egui::{
    Align2, Color32, Painter, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::super::widgets::{palette, small_font};
use crate::config::cost::Layer;
use crate::config::plan::{Op, Plan, fast, projected};
use crate::config::{AttentionForm, Conditioning, Config, DiscriminatorFamily, GeneratorFamily, GeneratorNorm, Skip};

/// Height of a drawing.
const HEIGHT: f32 = 104.0;
/// Heights of the smallest and of the largest block.
const BLOCKS: (f32, f32) = (20.0, 56.0);
/// Room above the blocks for connections that pass over others, and their name.
const ARCS: f32 = 34.0;
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
    match config.generator.family {
        GeneratorFamily::Dcgan => dcgan_generator(ui, config),
        GeneratorFamily::Fast => planned_generator(ui, config, &fast::generator(config, 2)),
    }
}

/// The discriminator, from image to decision.
pub fn discriminator_ui(ui: &mut Ui, config: &Config) -> Response {
    match config.discriminator.family {
        DiscriminatorFamily::Dcgan => dcgan_discriminator(ui, config),
        DiscriminatorFamily::Projected => projected_discriminator(ui, config),
    }
}

/// A block for each size of a plan's maps: the last one of it. Gates that pass over others are arcs.
fn planned_generator(ui: &mut Ui, config: &Config, plan: &Plan) -> Response {
    let latent = config.generator.latent_dim;
    let mut blocks = vec![noise_block(config, latent)];
    let maps: Vec<usize> = (0..plan.nodes.len()).filter(|at| plan.nodes[*at].op == Op::Glu).collect();
    for (rank, at) in maps.iter().enumerate() {
        let [resolution, _, channels] = plan.shape(*at);
        let layer = Layer { resolution, channels, attention: None };
        blocks.push(map_block(&layer, maps.len() - 1 - rank, maps.len(), true));
    }
    blocks.push(image_block(config, false));
    let gated = plan.nodes.iter().any(|node| node.op == Op::ScaleChannels);
    let ends = if gated { vec![(1, maps.len())] } else { Vec::new() };
    let arcs = Arcs { ends, name: "skip-layer excitation: the first map gates the last" };
    draw(ui, &blocks, palette(ui).generator, false, 1, &arcs)
}

/// The frozen network's maps, each with a head, beside each other; they decide together.
fn projected_discriminator(ui: &mut Ui, config: &Config) -> Response {
    let labelled = config.discriminator.conditioning == Conditioning::Projection;
    let side = config.projected_input();
    let mut blocks = vec![image_block(config, false)];
    blocks.push(Block {
        inside: "Lite0".to_owned(),
        below: side.to_string(),
        size: 0.8,
        map: false,
        attention: false,
        label: false,
        about: format!("EfficientNet-Lite0, which never changes, sees {side} × {side} pixels"),
    });
    let plan = projected::mixing(config);
    for (rank, at) in plan.outputs.iter().enumerate() {
        let [resolution, _, channels] = plan.shape(*at);
        let layer = Layer { resolution, channels, attention: None };
        let ranks = plan.outputs.len();
        let block = map_block(&layer, ranks - 1 - rank, ranks + 1, labelled);
        let about = format!(
            "Features of {resolution} × {resolution} positions, mixed at random into {channels} channels, and a head that learns to judge them"
        );
        blocks.push(Block { about, ..block });
    }
    let beside = match config.discriminator.pixel_channels {
        0 => String::new(),
        channels => format!(", together with a discriminator of the pixels with {channels} base channels"),
    };
    blocks.push(Block {
        inside: "D".to_owned(),
        below: "real?".to_owned(),
        size: 0.0,
        map: false,
        attention: false,
        label: false,
        about: format!("The decision: the mean of all heads{beside}"),
    });
    let nothing = Arcs { ends: Vec::new(), name: "" };
    draw(ui, &blocks, palette(ui).discriminator, false, 1, &nothing)
}

fn noise_block(config: &Config, latent: usize) -> Block {
    Block {
        inside: "z".to_owned(),
        below: latent.to_string(),
        size: 0.0,
        map: false,
        attention: false,
        label: true,
        about: format!("{latent} random numbers and {} that stand for the class", config.generator.label_embedding),
    }
}

fn dcgan_generator(ui: &mut Ui, config: &Config) -> Response {
    let layers = config.generator_layers();
    let everywhere = config.generator.norm == GeneratorNorm::ConditionalBatch;
    let latent = config.generator.latent_dim;
    let mut blocks = vec![noise_block(config, latent)];
    blocks.extend(layers.iter().enumerate().map(|(at, layer)| map_block(layer, at, layers.len(), everywhere)));
    blocks.push(image_block(config, false));
    let at = |layer: &Layer| layers.iter().position(|other| other == layer).map(|at| at + 1);
    let arcs = config.excitations().iter().filter_map(|(from, to)| at(from).zip(at(to))).collect();
    let arcs = Arcs { ends: arcs, name: "skip-layer excitation: small maps gate large ones" };
    let color = palette(ui).generator;
    draw(ui, &blocks, color, config.generator.skip == Skip::Residual, 1, &arcs)
}

fn dcgan_discriminator(ui: &mut Ui, config: &Config) -> Response {
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
    let mut arcs = Vec::new();
    if config.discriminator.unet {
        let decision = blocks.len() - 1;
        let widths = config.decoder_widths(&layers);
        for (at, [_, channels]) in widths.iter().enumerate() {
            let resolution = layers.last().map_or(4, |layer| layer.resolution) << (at + 1);
            // All but the last are joined by the encoder's map of the same side.
            if at + 1 < widths.len() {
                arcs.push((decision - 2 - at, decision + 1 + at));
            }
            blocks.push(decoder_block(resolution, *channels, (at + 2) as f32 / (layers.len() + 1) as f32));
        }
    }
    let arcs = Arcs { ends: arcs, name: "U-Net decoder: judges each pixel" };
    let color = palette(ui).discriminator;
    draw(ui, &blocks, color, false, config.discriminator.scales, &arcs)
}

fn map_block(layer: &Layer, rank: usize, ranks: usize, label: bool) -> Block {
    let attention = match layer.attention {
        Some(AttentionForm::Plain) => ", then self-attention",
        Some(AttentionForm::Sagan) => ", then self-attention as in SAGAN",
        None => "",
    };
    Block {
        inside: layer.channels.to_string(),
        below: layer.resolution.to_string(),
        size: (rank + 1) as f32 / (ranks + 1) as f32,
        map: true,
        attention: layer.attention.is_some(),
        label,
        about: format!("{0} × {0} positions, {1} channels{attention}", layer.resolution, layer.channels),
    }
}

/// A map of the U-Net's decoder; the last holds the logits of the pixels.
fn decoder_block(resolution: usize, channels: usize, size: f32) -> Block {
    let about = match channels {
        1 => format!("The decision for each of {resolution} × {resolution} pixels"),
        _ => format!("Decoder: {resolution} × {resolution} positions, {channels} channels"),
    };
    let (inside, below) = (channels.to_string(), resolution.to_string());
    Block { inside, below, size, map: channels > 1, attention: false, label: false, about }
}

/// Connections that pass over other blocks, and what they are.
struct Arcs {
    /// From which block to which.
    ends: Vec<(usize, usize)>,
    name: &'static str,
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

fn draw(ui: &mut Ui, blocks: &[Block], color: Color32, skip: bool, copies: usize, arcs: &Arcs) -> Response {
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
