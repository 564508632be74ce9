//! A network that is described as a plan in ONNX's operators, one arm an operation.
//!
//! Feature maps are channels-first, as the format has them, and vectors are maps of one pixel. Kernels are channels-first in files,
//! too: weights go over unchanged.

use anyhow::bail;

use super::graph::{Builder, Name, Set};
use crate::config::plan::{Convolution, Node, Op, Plan};
use crate::config::{AttentionForm, Stage};
use crate::ops::norm::EPSILON;

/// The images of a plan from noise `z` and labels, as a network in evaluation mode computes them at a stage.
pub(super) fn image(b: &mut Builder<'_>, plan: &Plan, stage: Stage, z: &Name, label: &Name) -> anyhow::Result<Name> {
    let Some(image) = plan.images(stage) else {
        bail!("a plan without images of {:?} px: this is a defect of gandle", stage.resolution)
    };
    // What does not count at all is computed, too: zeros need the size of the batch.
    let told = Stage { condition: stage.condition.max(f64::MIN_POSITIVE), ..stage };
    let mut made: Vec<Name> = vec![Name::new(); plan.nodes.len()];
    let mut drawing = Drawing { b, plan, stage, z, label };
    for at in plan.needed(told, &[image]) {
        let node = &plan.nodes[at];
        let inputs: Vec<Name> = plan.read(node, told).iter().map(|input| made[*input].clone()).collect();
        // Nodes without weights have no name of their own.
        let name = if node.name.is_empty() { format!("node.{at}") } else { node.name.clone() };
        made[at] = drawing.node(&name, node, &inputs)?;
    }
    Ok(made[image].clone())
}

struct Drawing<'a, 'b> {
    b: &'a mut Builder<'b>,
    plan: &'a Plan,
    stage: Stage,
    z: &'a Name,
    label: &'a Name,
}

impl Drawing<'_, '_> {
    fn node(&mut self, name: &str, node: &Node, inputs: &[Name]) -> anyhow::Result<Name> {
        let named = |part: &str| format!("{name}.{part}");
        let x = inputs.first().cloned().unwrap_or_default();
        let second = inputs.get(1).cloned().unwrap_or_default();
        Ok(match &node.op {
            Op::Latent { unit } => self.latent(name, *unit)?,
            Op::Embedding { .. } => {
                let table = self.b.weight(&named("weight"))?;
                self.rows(name, &table)
            }
            Op::Phased { .. } if self.stage.condition >= 1.0 => x,
            Op::Phased { .. } => self.times(name, &x, self.stage.condition.max(0.0))?,
            Op::Join => {
                let inputs: Vec<&Name> = inputs.iter().collect();
                self.b.node(name, "Concat", &inputs, &[Set::Int("axis", 1)])
            }
            Op::Convolution(c) => self.convolution(name, "Conv", c, &x)?,
            Op::Transposed(c) => self.convolution(name, "ConvTranspose", c, &x)?,
            Op::Upsampled => {
                let large = self.b.enlarged(&named("larger"), &x, 2)?;
                let weight = self.b.weight(&named("weight"))?;
                self.b.node(name, "Conv", &[&large, &weight], &[Set::Ints("pads", &[1; 4])])
            }
            Op::Doubled => self.b.enlarged(name, &x, 2)?,
            Op::Averaged => {
                let side = node.inputs.first().map_or(1, |at| self.plan.shape(*at)[0] / node.shape[0].max(1));
                if side <= 1 { x } else { self.pooled(name, "AveragePool", &x, i64::try_from(side)?) }
            }
            Op::UnitNorm => self.unit_norm(name, node, &x)?,
            Op::ConditionalNorm => self.conditional_norm(name, node, &x, &second)?,
            Op::ClassNorm { slope, .. } => {
                let y = self.plain_norm(&named("norm"), &named("norm"), &x)?;
                let (scale, shift) = (self.by_class(&named("scale"))?, self.by_class(&named("shift"))?);
                let y = self.b.node(&named("scaled"), "Mul", &[&y, &scale], &[]);
                let y = self.b.node(name, "Add", &[&y, &shift], &[]);
                self.activated(name, y, *slope)
            }
            Op::BatchNorm { slope } => {
                let mut of = |part: &str| self.b.weight(&named(part));
                let norm = [of("weight")?, of("bias")?, of("running_mean")?, of("running_var")?];
                let y = self.normalised(name, &x, norm.each_ref());
                self.activated(name, y, *slope)
            }
            Op::Attention { form, .. } => self.attended(name, *form, node, &x)?,
            Op::Glu => {
                let half = i64::try_from(node.shape[2])?;
                let axis = self.b.whole("channels", &[1]);
                let mut part = |part: &str, from: i64| {
                    let (start, end) = (self.b.whole(&format!("at.{from}"), &[from]), from + half);
                    let end = self.b.whole(&format!("at.{end}"), &[end]);
                    self.b.node(&named(part), "Slice", &[&x, &start, &end, &axis], &[])
                };
                let (passed, gate) = (part("passed", 0), part("gate", half));
                let gate = self.b.node(&named("open"), "Sigmoid", &[&gate], &[]);
                self.b.node(name, "Mul", &[&passed, &gate], &[])
            }
            Op::Silu => {
                let gate = self.b.node(&named("open"), "Sigmoid", &[&x], &[]);
                self.b.node(name, "Mul", &[&x, &gate], &[])
            }
            Op::Sigmoid => self.b.node(name, "Sigmoid", &[&x], &[]),
            Op::Tanh => self.b.node(name, "Tanh", &[&x], &[]),
            Op::ScaleChannels => self.b.node(name, "Mul", &[&x, &second], &[]),
            Op::Sum { scale } => {
                let y = self.b.node(&named("sum"), "Add", &[&x, &second], &[]);
                self.times(name, &y, *scale)?
            }
            Op::Grown { .. } if inputs.len() < 2 => x,
            Op::Grown { .. } => {
                let old = self.times(&named("old"), &x, 1.0 - self.stage.fade)?;
                let new = self.times(&named("new"), &second, self.stage.fade)?;
                self.b.node(name, "Add", &[&old, &new], &[])
            }
            // What only discriminators have: they are not exported.
            Op::Source(_)
            | Op::Frozen(_)
            | Op::Reshape
            | Op::Spread
            | Op::Linear { .. }
            | Op::Halved { .. }
            | Op::LayerNorm { .. }
            | Op::MinibatchStddev
            | Op::Resize
            | Op::Project { .. }
            | Op::Projection { .. } => {
                bail!("`{name}`: {:?} is no part of a generator: this is a defect of gandle", node.op)
            }
        })
    }

    /// Noise, over the root of its mean square where it is to be a `unit`.
    fn latent(&mut self, name: &str, unit: bool) -> anyhow::Result<Name> {
        let named = |part: &str| format!("{name}.{part}");
        let mut z = self.z.clone();
        if unit {
            let square = self.b.node(&named("square"), "Mul", &[&z, &z], &[]);
            let mean = self.b.node(&named("mean"), "ReduceMean", &[&square], &[Set::Ints("axes", &[1])]);
            let little = self.b.number(&named("little"), 1e-8)?;
            let mean = self.b.node(&named("positive"), "Add", &[&mean, &little], &[]);
            let root = self.b.node(&named("root"), "Sqrt", &[&mean], &[]);
            z = self.b.node(&named("unit"), "Div", &[&z, &root], &[]);
        }
        let axes = self.b.whole("axes", &[2, 3]);
        Ok(self.b.node(name, "Unsqueeze", &[&z, &axes], &[]))
    }

    /// Each image's row of a table, as a vector.
    fn rows(&mut self, name: &str, table: &Name) -> Name {
        let rows = self.b.node(&format!("{name}.rows"), "Gather", &[table, self.label], &[Set::Int("axis", 0)]);
        let axes = self.b.whole("axes", &[2, 3]);
        self.b.node(name, "Unsqueeze", &[&rows, &axes], &[])
    }

    /// The same of a table of scales or shifts; where labels count by less than 1, the rest is the mean over classes.
    fn by_class(&mut self, name: &str) -> anyhow::Result<Name> {
        let weight = format!("{name}.weight");
        let (table, condition) = (self.b.numbers(&weight)?, self.stage.condition);
        let rest = table.mean_keepdim(0)?.affine(1.0 - condition, 0.0)?;
        let table = if condition < 1.0 { table.affine(condition, 0.0)?.broadcast_add(&rest)? } else { table };
        let table = self.b.constant(&weight, &table)?;
        Ok(self.rows(name, &table))
    }

    /// A map times a number.
    fn times(&mut self, name: &str, x: &Name, number: f64) -> anyhow::Result<Name> {
        if number == 1.0 {
            return Ok(x.clone());
        }
        let number = self.b.number(&format!("{name}.share"), number)?;
        Ok(self.b.node(name, "Mul", &[x, &number], &[]))
    }

    fn convolution(&mut self, name: &str, operator: &str, c: &Convolution, x: &Name) -> anyhow::Result<Name> {
        if c.spectral {
            bail!("`{name}` has spectral normalisation, which generators have not: this is a defect of gandle");
        }
        let weight = self.b.weight(&format!("{name}.weight"))?;
        let bias = if c.bias { Some(self.b.weight(&format!("{name}.bias"))?) } else { None };
        let inputs: Vec<&Name> = [x, &weight].into_iter().chain(&bias).collect();
        let (stride, padding) = (i64::try_from(c.stride)?, i64::try_from(c.padding)?);
        let settings = [Set::Ints("strides", &[stride; 2]), Set::Ints("pads", &[padding; 4])];
        let y = self.b.node(name, operator, &inputs, &settings);
        Ok(self.activated(name, y, c.slope))
    }

    /// LeakyReLU of this slope, where it changes anything.
    fn activated(&mut self, name: &str, y: Name, slope: f32) -> Name {
        let name = format!("{name}.active");
        match slope {
            1.0 => y,
            0.0 => self.b.node(&name, "Relu", &[&y], &[]),
            slope => self.b.node(&name, "LeakyRelu", &[&y], &[Set::Float("alpha", slope)]),
        }
    }

    /// Squares of so many pixels become one.
    fn pooled(&mut self, name: &str, operator: &str, x: &Name, side: i64) -> Name {
        let settings = [Set::Ints("kernel_shape", &[side; 2]), Set::Ints("strides", &[side; 2])];
        self.b.node(name, operator, &[x], &settings)
    }

    /// By running statistics: scale, shift, mean and variance.
    fn normalised(&mut self, name: &str, x: &Name, [scale, shift, mean, variance]: [&Name; 4]) -> Name {
        #[expect(clippy::cast_possible_truncation, reason = "a setting of the format is a float32")]
        let epsilon = [Set::Float("epsilon", EPSILON as f32)];
        self.b.node(name, "BatchNormalization", &[x, scale, shift, mean, variance], &epsilon)
    }

    /// The same without scale and shift: `x` is channels-first, or `(batch, numbers)`.
    fn plain_norm(&mut self, name: &str, of: &str, x: &Name) -> anyhow::Result<Name> {
        let mean = self.b.weight(&format!("{of}.running_mean"))?;
        let variance = self.b.weight(&format!("{of}.running_var"))?;
        let unit = self.b.numbers(&mean)?;
        let one = self.b.constant(&format!("ones.{}", unit.elem_count()), &unit.ones_like()?)?;
        let zero = self.b.constant(&format!("zeros.{}", unit.elem_count()), &unit.zeros_like()?)?;
        Ok(self.normalised(name, x, [&one, &zero, &mean, &variance]))
    }

    fn unit_norm(&mut self, name: &str, node: &Node, x: &Name) -> anyhow::Result<Name> {
        let [height, width, channels] = node.shape.map(|side| i64::try_from(side).unwrap_or(i64::MAX));
        let flat = self.b.whole("flat", &[0, -1]);
        let units = self.b.node(&format!("{name}.flat"), "Reshape", &[x, &flat], &[]);
        let units = self.plain_norm(&format!("{name}.norm"), name, &units)?;
        let shape = self.b.whole(&format!("{name}.shape"), &[0, channels, height, width]);
        Ok(self.b.node(name, "Reshape", &[&units, &shape], &[]))
    }

    fn conditional_norm(&mut self, name: &str, node: &Node, x: &Name, condition: &Name) -> anyhow::Result<Name> {
        let y = self.plain_norm(&format!("{name}.norm"), &format!("{name}.norm"), x)?;
        let (outputs, inputs) = (node.shape[2], self.plan.channels(node, 1));
        let mut linear = |part: &str| -> anyhow::Result<Name> {
            let name = format!("{name}.{part}");
            let weight = self.b.weight(&format!("{name}.weight"))?;
            let shape = [outputs, inputs, 1, 1].map(|side| i64::try_from(side).unwrap_or(i64::MAX));
            let shape = self.b.whole(&format!("{name}.shape"), &shape);
            let kernel = self.b.node(&format!("{name}.kernel"), "Reshape", &[&weight, &shape], &[]);
            let bias = self.b.weight(&format!("{name}.bias"))?;
            Ok(self.b.node(&name, "Conv", &[condition, &kernel, &bias], &[]))
        };
        let (scale, shift) = (linear("scale")?, linear("shift")?);
        let one = self.b.number("one", 1.0)?;
        let scale = self.b.node(&format!("{name}.factor"), "Add", &[&scale, &one], &[]);
        let y = self.b.node(&format!("{name}.scaled"), "Mul", &[&y, &scale], &[]);
        Ok(self.b.node(name, "Add", &[&y, &shift], &[]))
    }

    /// `x + gamma v softmax(q^T k)^T` over all positions.
    fn attended(&mut self, at: &str, form: AttentionForm, node: &Node, x: &Name) -> anyhow::Result<Name> {
        let sagan = form == AttentionForm::Sagan;
        let point = Convolution { bias: !sagan, ..Convolution::POINT };
        let flat = self.b.whole("positions", &[0, 0, -1]);
        let mut of = |name: &str, pooled: bool| -> anyhow::Result<Name> {
            let name = format!("{at}.{name}");
            let mut y = self.convolution(&name, "Conv", &point, x)?;
            if pooled {
                y = self.pooled(&format!("{name}.pooled"), "MaxPool", &y, 2);
            }
            Ok(self.b.node(&format!("{name}.flat"), "Reshape", &[&y, &flat], &[]))
        };
        let (query, key, value) = (of("query", false)?, of("key", sagan)?, of("value", sagan)?);
        let swap = || [Set::Ints("perm", &[0, 2, 1])];
        let query = self.b.node(&format!("{at}.query.rows"), "Transpose", &[&query], &swap());
        let scores = self.b.node(&format!("{at}.scores"), "MatMul", &[&query, &key], &[]);
        let shares = self.b.node(&format!("{at}.shares"), "Softmax", &[&scores], &[Set::Int("axis", -1)]);
        let shares = self.b.node(&format!("{at}.columns"), "Transpose", &[&shares], &swap());
        let seen = self.b.node(&format!("{at}.seen"), "MatMul", &[&value, &shares], &[]);
        let [height, width, _] = node.shape.map(|side| i64::try_from(side).unwrap_or(i64::MAX));
        let shape = self.b.whole(&format!("{at}.shape"), &[0, 0, height, width]);
        let mut seen = self.b.node(&format!("{at}.map"), "Reshape", &[&seen, &shape], &[]);
        if sagan {
            seen = self.convolution(&format!("{at}.output"), "Conv", &point, &seen)?;
        }
        let gamma = self.b.weight(&format!("{at}.gamma"))?;
        let seen = self.b.node(&format!("{at}.gated"), "Mul", &[&seen, &gamma], &[]);
        Ok(self.b.node(at, "Add", &[x, &seen], &[]))
    }
}
