//! What the drawing of a network shows, read off its plan.

use crate::config::plan::{DiscriminatorPlan, Op, Plan};
use crate::config::{AttentionForm, Config, Stage};

/// A network as a row of blocks.
pub struct Sketch {
    /// From what goes in to what comes out.
    pub blocks: Vec<Block>,
    /// Whether each block's input is added to its output.
    pub residual: bool,
    /// How many alike there are.
    pub copies: usize,
    /// Connections that pass over other blocks.
    pub arcs: Arcs,
}

/// A block of the drawing.
#[derive(Default)]
pub struct Block {
    /// Written in it.
    pub inside: String,
    /// Written below it.
    pub below: String,
    /// Its height, as a share of the largest.
    pub size: f32,
    /// Whether it is a feature map (filled) or an end (outlined).
    pub map: bool,
    /// Whether self-attention follows.
    pub attention: bool,
    /// Whether the label enters here.
    pub label: bool,
    /// On hover.
    pub about: String,
}

/// Connections that pass over other blocks, and what they are.
pub struct Arcs {
    /// From which block to which.
    pub ends: Vec<(usize, usize)>,
    /// What they are.
    pub name: &'static str,
}

/// Classes that a drawing is made for: it looks the same for any number.
const CLASSES: usize = 2;

impl Sketch {
    /// The generator, from noise to image.
    pub fn generator(config: &Config) -> Self {
        let (plan, latent) = (config.generator_plan(CLASSES), config.generator.latent_dim);
        let image = plan.images(Stage::WHOLE);
        let mut needed = plan.needed(Stage::WHOLE, image.as_slice());
        // The last layer that learns makes colours of channels: it belongs to the image.
        needed.truncate(needed.iter().rposition(|at| !plan.nodes[*at].name.is_empty()).unwrap_or(0));
        let maps = maps(&plan, &needed);
        let mut blocks = vec![Block {
            inside: "z".to_owned(),
            below: latent.to_string(),
            label: true,
            about: format!("{latent} random numbers and {} that stand for the class", config.generator.label_embedding),
            ..Block::default()
        }];
        blocks.extend(maps.iter().enumerate().map(|(at, map)| map_block(&plan, *map, (at, maps.len()))));
        blocks.push(image_block(config, false));
        let block = |of: usize| maps.iter().position(|map| plan.shape(*map)[0] == plan.shape(of)[0]).map(|at| at + 1);
        let gated = needed.iter().filter(|at| plan.nodes[**at].op == Op::ScaleChannels);
        let ends = gated.filter_map(|at| block(gate_of(&plan, *at)?).zip(block(*at))).collect();
        Self {
            residual: needed.iter().any(|at| matches!(plan.nodes[*at].op, Op::Sum { .. })),
            copies: 1,
            arcs: Arcs { ends, name: "skip-layer excitation: small maps gate large ones" },
            blocks,
        }
    }

    /// The discriminator, from image to decision; with a frozen network, whose maps have a head each beside each other.
    pub fn discriminator(config: &Config) -> Self {
        let DiscriminatorPlan { look, judge, verdicts } = config.discriminator_plan(CLASSES);
        let verdict = verdicts.first();
        let encoder = judge.needed(Stage::WHOLE, verdict.map(|verdict| verdict.logits).as_slice());
        let of = |wanted: fn(&Op) -> bool| encoder.iter().any(|at| wanted(&judge.nodes[*at].op));
        let embedded = of(|op| matches!(op, Op::Embedding { .. }));
        let projected = of(|op| matches!(op, Op::Project { .. } | Op::Projection { .. }));
        let mut blocks = vec![image_block(config, embedded)];
        let frozen = look.nodes.iter().find(|node| matches!(node.op, Op::Frozen(_)));
        if let Some(sees) = frozen.and_then(|node| node.inputs.first()).map(|at| look.shape(*at)[0]) {
            blocks.push(Block {
                inside: "Lite0".to_owned(),
                below: sees.to_string(),
                size: 0.8,
                about: format!("EfficientNet-Lite0, which never changes, sees {sees} × {sees} pixels"),
                ..Block::default()
            });
            let maps: Vec<usize> = look.outputs.iter().copied().filter(|at| *at > 0).collect();
            for (at, map) in maps.iter().enumerate() {
                let [side, _, channels] = look.shape(*map);
                let about = format!(
                    "Features of {side} × {side} positions, mixed at random into {channels} channels, and a head that learns to judge them"
                );
                let block = map_block(&look, *map, (maps.len() - 1 - at, maps.len() + 1));
                blocks.push(Block { about, label: projected, ..block });
            }
            let beside = match verdicts.len() {
                1 => String::new(),
                _ => format!(
                    ", together with a discriminator of the pixels with {} base channels",
                    config.discriminator.pixel_channels
                ),
            };
            blocks.push(Block {
                inside: "D".to_owned(),
                below: "real?".to_owned(),
                about: format!("The decision: the mean of all heads{beside}"),
                ..Block::default()
            });
            return Self { blocks, residual: false, copies: 1, arcs: Arcs { ends: Vec::new(), name: "" } };
        }
        let narrow = |at: &usize| {
            let node = &judge.nodes[*at];
            node.shape[0] < config.image_size && node.op != Op::MinibatchStddev
        };
        let maps = maps(&judge, &encoder.iter().copied().filter(narrow).collect::<Vec<_>>());
        let ranked =
            maps.iter().enumerate().map(|(at, map)| map_block(&judge, *map, (maps.len() - 1 - at, maps.len())));
        blocks.extend(ranked);
        let classes = verdict.is_some_and(|verdict| verdict.classes.is_some());
        let pixels = verdict.and_then(|verdict| verdict.pixels);
        blocks.push(Block {
            inside: "D".to_owned(),
            below: if classes { "+ class" } else { "real?" }.to_owned(),
            label: projected || classes,
            about: match pixels {
                Some(_) => "The decision: how real the image looks, and, by a decoder, each of its pixels".to_owned(),
                None => "The decision: how real the image looks".to_owned(),
            },
            ..Block::default()
        });
        let decided = blocks.len();
        let mut decoder = judge.needed(Stage::WHOLE, pixels.as_slice());
        decoder.retain(|at| !encoder.contains(at) && judge.nodes[*at].op != Op::Join);
        let up = self::maps(&judge, &decoder);
        blocks.extend(up.iter().enumerate().map(|(at, map)| decoder_block(&judge, *map, (at + 1, up.len()))));
        let ends = up.iter().enumerate().filter_map(|(at, map)| {
            let from = maps.iter().position(|other| judge.shape(*other)[0] == judge.shape(*map)[0])?;
            Some((from + 1, decided + at))
        });
        Self {
            residual: false,
            copies: config.discriminator.scales,
            arcs: Arcs { ends: ends.collect(), name: "U-Net decoder: judges each pixel" },
            blocks,
        }
    }
}

/// The last node of each size of maps among these, in the order of sizes; what goes back to a size before is beside the way.
fn maps(plan: &Plan, places: &[usize]) -> Vec<usize> {
    let side = |at: usize| plan.shape(at)[0];
    let mut maps: Vec<usize> = Vec::new();
    for at in places.iter().copied().filter(|at| side(*at) > 1) {
        if maps.last().is_some_and(|last| side(*last) == side(at)) {
            maps.pop();
        }
        if maps.iter().all(|other| side(*other) != side(at)) {
            maps.push(at);
        }
    }
    maps
}

/// The map whose numbers gate the channels at a node.
fn gate_of(plan: &Plan, at: usize) -> Option<usize> {
    let mut from = *plan.nodes[at].inputs.get(1)?;
    while plan.shape(from)[0] == 1 || plan.nodes[from].op == Op::Averaged {
        from = *plan.nodes[from].inputs.first()?;
    }
    Some(from)
}

/// A map, the `rank`-th of so many by its size.
fn map_block(plan: &Plan, at: usize, (rank, ranks): (usize, usize)) -> Block {
    let [side, _, channels] = plan.shape(at);
    let here = || plan.nodes.iter().filter(|node| node.shape[0] == side).map(|node| &node.op);
    let attention = here().find_map(|op| if let Op::Attention { form, .. } = op { Some(*form) } else { None });
    let then = match attention {
        Some(AttentionForm::Plain) => ", then self-attention",
        Some(AttentionForm::Sagan) => ", then self-attention as in SAGAN",
        None => "",
    };
    Block {
        inside: channels.to_string(),
        below: side.to_string(),
        size: (rank + 1) as f32 / (ranks + 1) as f32,
        map: true,
        attention: attention.is_some(),
        label: here().any(|op| matches!(op, Op::ClassNorm { .. } | Op::ConditionalNorm)),
        about: format!("{side} × {side} positions, {channels} channels{then}"),
    }
}

/// A map of the U-Net's decoder; the last holds the logits of the pixels.
fn decoder_block(plan: &Plan, at: usize, (rank, ranks): (usize, usize)) -> Block {
    let [side, _, channels] = plan.shape(at);
    let last = rank == ranks;
    let about = match last {
        true => format!("The decision for each of {side} × {side} pixels"),
        false => format!("Decoder: {side} × {side} positions, {channels} channels"),
    };
    let size = (rank + 1) as f32 / (ranks + 1) as f32;
    Block { inside: channels.to_string(), below: side.to_string(), size, map: !last, about, ..Block::default() }
}

fn image_block(config: &Config, label: bool) -> Block {
    let size = config.image_size;
    Block {
        inside: if config.channels == 1 { "grey" } else { "RGB" }.to_owned(),
        below: size.to_string(),
        size: 1.0,
        label,
        about: format!("The image, {size} × {size} pixels"),
        ..Block::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written in and below each block, `*` for attention and `+` for the label; then the arcs.
    fn shown(sketch: &Sketch) -> (String, Vec<(usize, usize)>) {
        let block = |b: &Block| {
            let marks = [if b.attention { "*" } else { "" }, if b.label { "+" } else { "" }].concat();
            format!("{}/{}{marks}", b.inside, b.below)
        };
        (sketch.blocks.iter().map(block).collect::<Vec<_>>().join(" "), sketch.arcs.ends.clone())
    }

    fn of(set: &[&str]) -> [(String, Vec<(usize, usize)>); 2] {
        let base = ["image_size=32", "generator.base_channels=8", "discriminator.base_channels=8"];
        let config = Config::default().with(&[&base[..], set].concat()).unwrap();
        [shown(&Sketch::generator(&config)), shown(&Sketch::discriminator(&config))]
    }

    #[test]
    fn blocks_are_the_maps_of_the_plans() {
        let [generator, discriminator] = of(&["discriminator.minibatch_stddev=true", "growing.start=8"]);
        assert_eq!(generator, ("z/100+ 32/4 16/8 8/16 RGB/32".to_owned(), vec![]));
        assert_eq!(discriminator, ("RGB/32+ 8/16 16/8 32/4 D/real?".to_owned(), vec![]));
        let [generator, discriminator] = of(&[
            "generator.skip=excitation",
            "generator.attention=[8]",
            "generator.norm=conditional-batch",
            "discriminator.unet=true",
            "discriminator.scales=2",
            "discriminator.conditioning=auxiliary",
        ]);
        assert_eq!(generator, ("z/100+ 32/4+ 16/8*+ 8/16+ RGB/32".to_owned(), vec![(1, 2), (2, 3)]));
        let unet = "RGB/32 8/16 16/8 32/4 D/+ class+ 16/8 8/16 1/32";
        assert_eq!(discriminator, (unet.to_owned(), vec![(2, 5), (1, 6)]));
        let [generator, discriminator] = of(&[
            "generator.family=fast",
            "discriminator.family=projected",
            "discriminator.conditioning=projection",
            "discriminator.pixel_channels=4",
        ]);
        assert_eq!(generator, ("z/100+ 32/4+ 32/8+ 16/16+ 8/32+ RGB/32".to_owned(), vec![(1, 4)]));
        assert_eq!(discriminator.0, "RGB/32 Lite0/64 8/16+ 8/8+ 8/4+ 8/2+ D/real?");
    }

    #[test]
    fn shortcuts_are_no_maps() {
        let [generator, _] = of(&["generator.skip=residual"]);
        assert_eq!(generator.0, "z/100+ 32/4 16/8 8/16 RGB/32");
    }
}
