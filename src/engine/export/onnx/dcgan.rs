//! A generator of the family `dcgan` in ONNX's operators.
//!
//! Feature maps are channels-first here, as the format has them, and so are kernels in files: weights go over unchanged.

use anyhow::bail;
use candle_core::Tensor;

use super::graph::{Builder, Name, Set};
use crate::config::cost::Layer;
use crate::config::{AttentionForm, Config, GeneratorNorm, Skip, Stage};
use crate::ops::norm::EPSILON;

/// `image` of `z` and `label`, as it is at a stage but enlarged to full size.
pub(super) fn image(
    b: &mut Builder<'_>,
    config: &Config,
    stage: Stage,
    z: &Name,
    label: &Name,
) -> anyhow::Result<Name> {
    Drawing { config, stage, b }.image(z, label)
}

struct Drawing<'a, 'b> {
    config: &'a Config,
    stage: Stage,
    b: &'a mut Builder<'b>,
}

impl Drawing<'_, '_> {
    fn image(&mut self, z: &Name, label: &Name) -> anyhow::Result<Name> {
        let size = self.stage.resolution.unwrap_or(self.config.image_size);
        let embedded = self.embedding(label)?;
        let joined = self.b.node("joined", "Concat", &[z, &embedded], &[Set::Int("axis", 1)]);
        let axes = self.b.whole("axes", &[2, 3]);
        let mut x = self.b.node("seed_map", "Unsqueeze", &[&joined, &axes], &[]);
        let (mut before, mut maps) = (None, Vec::new());
        let layers = self.config.generator_layers();
        for (i, layer) in layers.iter().enumerate().filter(|(_, layer)| layer.resolution < size) {
            if self.stage.fading() && 2 * layer.resolution == size {
                before = Some(x.clone());
            }
            x = self.block(i, layer, &x, label, &maps)?;
            maps.push((layer.resolution, x.clone()));
        }
        let new = self.draw(&x, size)?;
        let image = match before {
            None => new,
            Some(before) => self.fade(&before, &new, size)?,
        };
        let times = self.config.image_size / size.max(1);
        Ok(match times {
            0 | 1 => self.b.node("image", "Identity", &[&image], &[]),
            times => self.upsample("image", &image, times)?,
        })
    }

    /// What stands for the labels, as much as they count at this stage.
    fn embedding(&mut self, label: &Name) -> anyhow::Result<Name> {
        let table = self.b.numbers("label_embedding.weight")?.affine(self.stage.condition, 0.0)?;
        let table = self.b.constant("label_embedding.weight", &table)?;
        Ok(self.b.node("embedded", "Gather", &[&table, label], &[Set::Int("axis", 0)]))
    }

    fn block(
        &mut self,
        i: usize,
        layer: &Layer,
        x: &Name,
        label: &Name,
        maps: &[(usize, Name)],
    ) -> anyhow::Result<Name> {
        let at = format!("blocks.{i}");
        let (stride, padding) = if i == 0 { (1, 0) } else { (2, 1) };
        let y = self.transposed(&at, &format!("{at}.conv.weight"), x, stride, padding)?;
        let y = self.norm(&at, &y, label)?;
        let mut y = self.b.node(&format!("{at}.relu"), "Relu", &[&y], &[]);
        if self.config.generator.skip == Skip::Residual && i > 0 {
            let weight = self.b.weight(&format!("{at}.shortcut.weight"))?;
            let shortcut = self.b.node(&format!("{at}.shortcut"), "Conv", &[x, &weight], &[]);
            let shortcut = self.upsample(&format!("{at}.upsampled"), &shortcut, 2)?;
            y = self.b.node(&format!("{at}.sum"), "Add", &[&y, &shortcut], &[]);
        }
        let pairs = self.config.excitations();
        if let Some((from, _)) = pairs.iter().find(|(_, to)| to.resolution == layer.resolution) {
            let Some((_, low)) = maps.iter().find(|(resolution, _)| *resolution == from.resolution) else {
                bail!("there is no map of {} px to gate one of {} px", from.resolution, layer.resolution);
            };
            y = self.excited(layer.resolution, from.resolution, low, &y)?;
        }
        match layer.attention {
            Some(form) => self.attended(layer.resolution, form, &y),
            None => Ok(y),
        }
    }

    fn transposed(&mut self, at: &str, weight: &str, x: &Name, stride: i64, padding: i64) -> anyhow::Result<Name> {
        let weight = self.b.weight(weight)?;
        let settings =
            [Set::Ints("kernel_shape", &[4, 4]), Set::Ints("strides", &[stride; 2]), Set::Ints("pads", &[padding; 4])];
        Ok(self.b.node(&format!("{at}.conv"), "ConvTranspose", &[x, &weight], &settings))
    }

    fn norm(&mut self, at: &str, x: &Name, label: &Name) -> anyhow::Result<Name> {
        #[expect(clippy::cast_possible_truncation, reason = "a setting of the format is a float32")]
        let epsilon = [Set::Float("epsilon", EPSILON as f32)];
        let at = format!("{at}.norm");
        if self.config.generator.norm == GeneratorNorm::Batch {
            let mut inputs = vec![x.clone()];
            for name in ["weight", "bias", "running_mean", "running_var"] {
                inputs.push(self.b.weight(&format!("{at}.{name}"))?);
            }
            let inputs: Vec<&Name> = inputs.iter().collect();
            return Ok(self.b.node(&at, "BatchNormalization", &inputs, &epsilon));
        }
        let mean = self.b.weight(&format!("{at}.norm.running_mean"))?;
        let variance = self.b.weight(&format!("{at}.norm.running_var"))?;
        let unit = self.b.numbers(&mean)?;
        let one = self.b.constant(&format!("{at}.one"), &unit.ones_like()?)?;
        let zero = self.b.constant(&format!("{at}.zero"), &unit.zeros_like()?)?;
        let plain = format!("{at}.norm");
        let y = self.b.node(&plain, "BatchNormalization", &[x, &one, &zero, &mean, &variance], &epsilon);
        let scale = self.by_class(&format!("{at}.scale"), label)?;
        let shift = self.by_class(&format!("{at}.shift"), label)?;
        let y = self.b.node(&format!("{at}.scaled"), "Mul", &[&y, &scale], &[]);
        Ok(self.b.node(&at, "Add", &[&y, &shift], &[]))
    }

    /// Each image's row of a table, for every pixel; where labels count by less than 1, the rest is the mean over classes.
    fn by_class(&mut self, at: &str, label: &Name) -> anyhow::Result<Name> {
        let name = format!("{at}.weight");
        let (table, condition) = (self.b.numbers(&name)?, self.stage.condition);
        let rest: Tensor = table.mean_keepdim(0)?.affine(1.0 - condition, 0.0)?;
        let table = if condition < 1.0 { table.affine(condition, 0.0)?.broadcast_add(&rest)? } else { table };
        let table = self.b.constant(&name, &table)?;
        let rows = self.b.node(&format!("{at}.rows"), "Gather", &[&table, label], &[Set::Int("axis", 0)]);
        let axes = self.b.whole("axes", &[2, 3]);
        Ok(self.b.node(at, "Unsqueeze", &[&rows, &axes], &[]))
    }

    fn excited(&mut self, to: usize, from: usize, low: &Name, high: &Name) -> anyhow::Result<Name> {
        let at = format!("excitation.{to}");
        let side = i64::try_from(from / 4)?;
        let settings = [Set::Ints("kernel_shape", &[side; 2]), Set::Ints("strides", &[side; 2])];
        let pooled = match side {
            1 => low.clone(),
            _ => self.b.node(&format!("{at}.pooled"), "AveragePool", &[low], &settings),
        };
        let (conv, gate) = (self.b.weight(&format!("{at}.conv.weight"))?, self.b.weight(&format!("{at}.gate.weight"))?);
        let y = self.b.node(&format!("{at}.conv"), "Conv", &[&pooled, &conv], &[]);
        let y = self.b.node(&format!("{at}.leaky"), "LeakyRelu", &[&y], &[Set::Float("alpha", 0.1)]);
        let y = self.b.node(&format!("{at}.gate"), "Conv", &[&y, &gate], &[]);
        let y = self.b.node(&format!("{at}.sigmoid"), "Sigmoid", &[&y], &[]);
        Ok(self.b.node(&at, "Mul", &[high, &y], &[]))
    }

    /// `x + gamma v softmax(q^T k)^T` over all positions.
    fn attended(&mut self, resolution: usize, form: AttentionForm, x: &Name) -> anyhow::Result<Name> {
        let at = format!("attention.{resolution}");
        let sagan = form == AttentionForm::Sagan;
        let flat = self.b.whole("positions", &[0, 0, -1]);
        let mut of = |name: &str, pooled: bool| -> anyhow::Result<Name> {
            let mut y = self.point(&format!("{at}.{name}"), x, !sagan)?;
            if pooled {
                let settings = [Set::Ints("kernel_shape", &[2; 2]), Set::Ints("strides", &[2; 2])];
                y = self.b.node(&format!("{at}.{name}.pooled"), "MaxPool", &[&y], &settings);
            }
            Ok(self.b.node(&format!("{at}.{name}.flat"), "Reshape", &[&y, &flat], &[]))
        };
        let (query, key, value) = (of("query", false)?, of("key", sagan)?, of("value", sagan)?);
        let swap = || [Set::Ints("perm", &[0, 2, 1])];
        let query = self.b.node(&format!("{at}.query.rows"), "Transpose", &[&query], &swap());
        let scores = self.b.node(&format!("{at}.scores"), "MatMul", &[&query, &key], &[]);
        let shares = self.b.node(&format!("{at}.shares"), "Softmax", &[&scores], &[Set::Int("axis", -1)]);
        let shares = self.b.node(&format!("{at}.columns"), "Transpose", &[&shares], &swap());
        let seen = self.b.node(&format!("{at}.seen"), "MatMul", &[&value, &shares], &[]);
        let side = i64::try_from(resolution)?;
        let shape = self.b.whole(&format!("{at}.shape"), &[0, 0, side, side]);
        let mut seen = self.b.node(&format!("{at}.map"), "Reshape", &[&seen, &shape], &[]);
        if sagan {
            seen = self.point(&format!("{at}.output"), &seen, false)?;
        }
        let gamma = self.b.weight(&format!("{at}.gamma"))?;
        let seen = self.b.node(&format!("{at}.gated"), "Mul", &[&seen, &gamma], &[]);
        Ok(self.b.node(&at, "Add", &[x, &seen], &[]))
    }

    /// A 1x1 convolution.
    fn point(&mut self, at: &str, x: &Name, bias: bool) -> anyhow::Result<Name> {
        let mut inputs = vec![x.clone(), self.b.weight(&format!("{at}.weight"))?];
        if bias {
            inputs.push(self.b.weight(&format!("{at}.bias"))?);
        }
        Ok(self.b.node(at, "Conv", &inputs.iter().collect::<Vec<_>>(), &[]))
    }

    /// Images of `size` px from the feature map of half of that.
    fn draw(&mut self, x: &Name, size: usize) -> anyhow::Result<Name> {
        let at =
            if size == self.config.image_size { "to_image".to_owned() } else { format!("growing.{size}.to_image") };
        let y = self.transposed(&at, &format!("{at}.weight"), x, 2, 1)?;
        Ok(self.b.node(&format!("{at}.tanh"), "Tanh", &[&y], &[]))
    }

    /// The images of half the size and those of this one, as far as the latter have come in.
    fn fade(&mut self, before: &Name, new: &Name, size: usize) -> anyhow::Result<Name> {
        let old = self.draw(before, size / 2)?;
        let old = self.upsample("old", &old, 2)?;
        let mut part = |name: &str, image: &Name, share: f64| -> anyhow::Result<Name> {
            #[expect(clippy::cast_possible_truncation, reason = "as the network has it")]
            let share = Tensor::new(&[share as f32], &candle_core::Device::Cpu)?;
            let share = self.b.constant(&format!("fade.{name}.share"), &share)?;
            Ok(self.b.node(&format!("fade.{name}"), "Mul", &[image, &share], &[]))
        };
        let (old, new) = (part("old", &old, 1.0 - self.stage.fade)?, part("new", new, self.stage.fade)?);
        Ok(self.b.node("fade", "Add", &[&old, &new], &[]))
    }

    /// Every pixel becomes `times` x `times` of it.
    fn upsample(&mut self, name: &str, x: &Name, times: usize) -> anyhow::Result<Name> {
        #[expect(clippy::cast_precision_loss, reason = "a power of two")]
        let scales = Tensor::new(&[1.0, 1.0, times as f32, times as f32], &candle_core::Device::Cpu)?;
        let scales = self.b.constant(&format!("times.{times}"), &scales)?;
        let settings = [
            Set::Text("mode", "nearest"),
            Set::Text("coordinate_transformation_mode", "asymmetric"),
            Set::Text("nearest_mode", "floor"),
        ];
        // The second input, a region of interest, is for other modes.
        let none = String::new();
        Ok(self.b.node(name, "Resize", &[x, &none, &scales], &settings))
    }
}
