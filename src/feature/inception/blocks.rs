//! Blocks of branches side by side, and how their weights are called.

use super::pool::Pool;
use crate::feature::{FeatureError, TensorFile};
use crate::ops::Geometry;
use crate::ops::aligned::Aligned;
use crate::ops::frozen::{Channels, Frozen};

/// Added to a batch normalisation's variance.
const EPSILON: f64 = 1e-3;

/// Buffers of one thread, kept from block to block and image to image: about 40 MB.
pub(super) struct Space {
    pub here: Aligned,
    pub there: Aligned,
    pub wide: Aligned,
    pub branch: Aligned,
}

impl Space {
    pub fn new() -> Self {
        let empty = || Aligned::zeros(0);
        Self { here: empty(), there: empty(), wide: empty(), branch: empty() }
    }
}

/// Layers one after another, and the last ones beside each other, whose outputs stand behind one another.
struct Branch {
    pool: Option<Pool>,
    chain: Vec<Frozen>,
    ends: Vec<Frozen>,
}

/// Branches that see the same input, and whose outputs stand behind one another.
pub(super) struct Block {
    branches: Vec<Branch>,
    inputs: usize,
    outputs: usize,
    /// The pool of the block's own size: what it makes of an image's.
    halves: bool,
}

impl Block {
    fn new(inputs: usize, branches: Vec<Branch>) -> Self {
        let width = |branch: &Branch| match branch.ends.as_slice() {
            [] => inputs,
            ends => ends.iter().map(Frozen::outputs).sum(),
        };
        let outputs = branches.iter().map(width).sum();
        let halves = branches.iter().any(|branch| branch.ends.is_empty());
        Self { branches, inputs, outputs, halves }
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    pub fn size_after(&self, size: (usize, usize)) -> (usize, usize) {
        if self.halves { Pool::LARGEST_OF_HALF.size_after(size) } else { size }
    }

    /// Input `(B, height, width, inputs)`, out `(B, .., outputs)`.
    pub fn run(&self, out: &mut [f32], input: &[f32], size: (usize, usize), space: &mut Space) {
        let images = input.len() / (size.0 * size.1 * self.inputs);
        let Space { wide: a, branch: b, .. } = space;
        let mut first = 0;
        for branch in &self.branches {
            let (mut size, mut channels) = (size, self.inputs);
            // Whether the branch still looks at the block's own input.
            let mut fresh = true;
            if let Some(pool) = branch.pool {
                if branch.ends.is_empty() {
                    pool.run(out, self.outputs, first, input, size, channels);
                    first += channels;
                    continue;
                }
                pool.run(a.at_least(images * size.0 * size.1 * channels), channels, 0, input, size, channels);
                fresh = false;
            }
            for layer in &branch.chain {
                let after = layer.size_after(size);
                let to = b.at_least(images * after.0 * after.1 * layer.outputs());
                let from = if fresh { input } else { &a[..images * size.0 * size.1 * channels] };
                layer.run(to, Channels { first: 0, of: layer.outputs() }, from, size);
                (size, channels, fresh) = (after, layer.outputs(), false);
                std::mem::swap(a, b);
            }
            let from = if fresh { input } else { &a[..images * size.0 * size.1 * channels] };
            for layer in &branch.ends {
                layer.run(out, Channels { first, of: self.outputs }, from, size);
                first += layer.outputs();
            }
        }
    }
}

/// A layer's name, outputs, kernel and geometry.
type Layer = (&'static str, usize, (usize, usize), Geometry);

const ONE: Geometry = Geometry::new(1, 0);
const SAME: Geometry = Geometry::new(1, 1);
const HALF: Geometry = Geometry::new(2, 0);
const ACROSS: Geometry = Geometry { stride: 1, padding: (0, 3) };
const DOWN: Geometry = Geometry { stride: 1, padding: (3, 0) };
const ACROSS_3: Geometry = Geometry { stride: 1, padding: (0, 1) };
const DOWN_3: Geometry = Geometry { stride: 1, padding: (1, 0) };

/// Reads layers by their names.
pub(super) struct Builder<'a> {
    pub file: &'a mut TensorFile,
}

impl Builder<'_> {
    /// A convolution with its batch normalisation folded in, and a ReLU behind it.
    pub fn conv(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
        (kh, kw): (usize, usize),
        geometry: Geometry,
    ) -> Result<Frozen, FeatureError> {
        let mut weights = self.file.numbers(&format!("{name}.conv.weight"), &[outputs, inputs, kh, kw])?;
        let mut part = |part: &str| self.file.numbers(&format!("{name}.bn.{part}"), &[outputs]);
        let (gain, shift) = (part("weight")?, part("bias")?);
        let (mean, variance) = (part("running_mean")?, part("running_var")?);
        let mut bias = Vec::with_capacity(outputs);
        for (output, row) in weights.chunks_exact_mut(inputs * kh * kw).enumerate() {
            let scale = f64::from(gain[output]) / (f64::from(variance[output]) + EPSILON).sqrt();
            row.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * scale) as f32);
            bias.push((f64::from(shift[output]) - f64::from(mean[output]) * scale) as f32);
        }
        if !weights.iter().chain(&bias).all(|value| value.is_finite()) {
            return Err(self.file.unfit(format!("the weights of {name} are not finite")));
        }
        Ok(Frozen::new(&weights, &bias, (kh, kw), geometry, true))
    }

    /// A branch of which the last `ends` layers stand beside each other.
    fn branch(
        &mut self,
        block: &str,
        inputs: usize,
        pool: Option<Pool>,
        layers: &[Layer],
        ends: usize,
    ) -> Result<Branch, FeatureError> {
        let mut branch = Branch { pool, chain: Vec::new(), ends: Vec::new() };
        let mut channels = inputs;
        for (index, (name, outputs, kernel, geometry)) in layers.iter().enumerate() {
            let layer = self.conv(&format!("{block}.{name}"), channels, *outputs, *kernel, *geometry)?;
            if index + ends < layers.len() {
                channels = *outputs;
                branch.chain.push(layer);
            } else {
                branch.ends.push(layer);
            }
        }
        Ok(branch)
    }

    /// All blocks, from `(35, 35, 192)` to `(8, 8, 2048)`.
    pub fn blocks(&mut self) -> Result<Vec<Block>, FeatureError> {
        Ok(vec![
            self.fine("Mixed_5b", 192, 32)?,
            self.fine("Mixed_5c", 256, 64)?,
            self.fine("Mixed_5d", 288, 64)?,
            self.shrink_to_17("Mixed_6a", 288)?,
            self.crossed("Mixed_6b", 128)?,
            self.crossed("Mixed_6c", 160)?,
            self.crossed("Mixed_6d", 160)?,
            self.crossed("Mixed_6e", 192)?,
            self.shrink_to_8("Mixed_7a", 768)?,
            self.coarse("Mixed_7b", 1280, Pool::MEAN_AROUND)?,
            self.coarse("Mixed_7c", 2048, Pool::LARGEST_AROUND)?,
        ])
    }

    fn fine(&mut self, name: &str, inputs: usize, pooled: usize) -> Result<Block, FeatureError> {
        let five: [Layer; 2] = [("branch5x5_1", 48, (1, 1), ONE), ("branch5x5_2", 64, (5, 5), Geometry::new(1, 2))];
        let three: [Layer; 3] = [
            ("branch3x3dbl_1", 64, (1, 1), ONE),
            ("branch3x3dbl_2", 96, (3, 3), SAME),
            ("branch3x3dbl_3", 96, (3, 3), SAME),
        ];
        let branches = vec![
            self.branch(name, inputs, None, &[("branch1x1", 64, (1, 1), ONE)], 1)?,
            self.branch(name, inputs, None, &five, 1)?,
            self.branch(name, inputs, None, &three, 1)?,
            self.branch(name, inputs, Some(Pool::MEAN_AROUND), &[("branch_pool", pooled, (1, 1), ONE)], 1)?,
        ];
        Ok(Block::new(inputs, branches))
    }

    fn shrink_to_17(&mut self, name: &str, inputs: usize) -> Result<Block, FeatureError> {
        let three: [Layer; 3] = [
            ("branch3x3dbl_1", 64, (1, 1), ONE),
            ("branch3x3dbl_2", 96, (3, 3), SAME),
            ("branch3x3dbl_3", 96, (3, 3), HALF),
        ];
        let branches = vec![
            self.branch(name, inputs, None, &[("branch3x3", 384, (3, 3), HALF)], 1)?,
            self.branch(name, inputs, None, &three, 1)?,
            self.branch(name, inputs, Some(Pool::LARGEST_OF_HALF), &[], 0)?,
        ];
        Ok(Block::new(inputs, branches))
    }

    fn crossed(&mut self, name: &str, middle: usize) -> Result<Block, FeatureError> {
        let inputs = 768;
        let seven: [Layer; 3] = [
            ("branch7x7_1", middle, (1, 1), ONE),
            ("branch7x7_2", middle, (1, 7), ACROSS),
            ("branch7x7_3", 192, (7, 1), DOWN),
        ];
        let twice: [Layer; 5] = [
            ("branch7x7dbl_1", middle, (1, 1), ONE),
            ("branch7x7dbl_2", middle, (7, 1), DOWN),
            ("branch7x7dbl_3", middle, (1, 7), ACROSS),
            ("branch7x7dbl_4", middle, (7, 1), DOWN),
            ("branch7x7dbl_5", 192, (1, 7), ACROSS),
        ];
        let branches = vec![
            self.branch(name, inputs, None, &[("branch1x1", 192, (1, 1), ONE)], 1)?,
            self.branch(name, inputs, None, &seven, 1)?,
            self.branch(name, inputs, None, &twice, 1)?,
            self.branch(name, inputs, Some(Pool::MEAN_AROUND), &[("branch_pool", 192, (1, 1), ONE)], 1)?,
        ];
        Ok(Block::new(inputs, branches))
    }

    fn shrink_to_8(&mut self, name: &str, inputs: usize) -> Result<Block, FeatureError> {
        let three: [Layer; 2] = [("branch3x3_1", 192, (1, 1), ONE), ("branch3x3_2", 320, (3, 3), HALF)];
        let seven: [Layer; 4] = [
            ("branch7x7x3_1", 192, (1, 1), ONE),
            ("branch7x7x3_2", 192, (1, 7), ACROSS),
            ("branch7x7x3_3", 192, (7, 1), DOWN),
            ("branch7x7x3_4", 192, (3, 3), HALF),
        ];
        let branches = vec![
            self.branch(name, inputs, None, &three, 1)?,
            self.branch(name, inputs, None, &seven, 1)?,
            self.branch(name, inputs, Some(Pool::LARGEST_OF_HALF), &[], 0)?,
        ];
        Ok(Block::new(inputs, branches))
    }

    fn coarse(&mut self, name: &str, inputs: usize, pool: Pool) -> Result<Block, FeatureError> {
        let three: [Layer; 3] = [
            ("branch3x3_1", 384, (1, 1), ONE),
            ("branch3x3_2a", 384, (1, 3), ACROSS_3),
            ("branch3x3_2b", 384, (3, 1), DOWN_3),
        ];
        let twice: [Layer; 4] = [
            ("branch3x3dbl_1", 448, (1, 1), ONE),
            ("branch3x3dbl_2", 384, (3, 3), SAME),
            ("branch3x3dbl_3a", 384, (1, 3), ACROSS_3),
            ("branch3x3dbl_3b", 384, (3, 1), DOWN_3),
        ];
        let branches = vec![
            self.branch(name, inputs, None, &[("branch1x1", 320, (1, 1), ONE)], 1)?,
            self.branch(name, inputs, None, &three, 2)?,
            self.branch(name, inputs, None, &twice, 2)?,
            self.branch(name, inputs, Some(pool), &[("branch_pool", 192, (1, 1), ONE)], 1)?,
        ];
        Ok(Block::new(inputs, branches))
    }
}
