//! The first layer of EfficientNet and its gradient: a 3x3 convolution with stride 2 of coloured images.

use candle_core::Result;
use candle_nn::VarBuilder;

use super::block::{Clip, Size, Which, product};
use super::weights::folded;
use crate::ops::aligned::Aligned;
use crate::ops::epilogue::Epilogue;
use crate::ops::pointwise::Pointwise;

/// Outputs of the stem, whatever the variant.
pub const STEM_OUTPUTS: usize = 32;
/// Colours of a pixel.
pub const COLOURS: usize = 3;
/// Rows and columns of the kernel.
const KERNEL: usize = 3;
/// Numbers under a row of the kernel.
const LINE: usize = KERNEL * COLOURS;
/// Numbers under the kernel.
const INPUTS: usize = KERNEL * LINE;
/// Numbers from one output pixel's patch to the next one's.
const STEP: usize = 2 * COLOURS;
/// Floats of the patches that are made before they are multiplied.
const PATCHES: usize = 8 * 1024;

/// The stem and its clipping. The sides must be even; the padding is a row and a column of zeros at the bottom and the
/// right.
pub struct Stem {
    product: Pointwise,
    back: Pointwise,
}

impl Stem {
    /// The stem of these weights.
    pub fn load(vars: &VarBuilder<'_>) -> Result<Self> {
        let product = Self::product(vars)?;
        let back = product.transposed();
        Ok(Self { product, back })
    }

    /// The product with patches, which hold row, column, colour; PyTorch's weights colour, row, column.
    pub fn product(vars: &VarBuilder<'_>) -> Result<Pointwise> {
        let stem = folded(vars, "_conv_stem", "_bn0", [STEM_OUTPUTS, COLOURS, KERNEL, KERNEL])?;
        let turned: Vec<f32> = (0..STEM_OUTPUTS * INPUTS)
            .map(|i| (i / INPUTS, i % INPUTS))
            .map(|(output, place)| stem.weights[output * INPUTS + place % COLOURS * KERNEL * KERNEL + place / COLOURS])
            .collect();
        Ok(Pointwise::new(&turned, &stem.bias, INPUTS))
    }

    /// Images `(B, H, W, 3)` to `(B, H / 2, W / 2, 32)`, clipped as the numbers before a filter.
    pub fn run(
        &self,
        out: &mut [f32],
        images: &[f32],
        (height, width): Size,
        clip: &mut Clip<'_>,
        patches: &mut Aligned,
    ) {
        let (line, columns) = (width * COLOURS, width / 2);
        let rows = (PATCHES / (columns * INPUTS)).clamp(1, height / 2);
        let patches = patches.at_least(rows * columns * INPUTS);
        let mut done = 0;
        for (image, out) in
            images.chunks_exact(height * line).zip(out.chunks_exact_mut(height / 2 * columns * STEM_OUTPUTS))
        {
            for (strip, out) in out.chunks_mut(rows * columns * STEM_OUTPUTS).enumerate() {
                let patches = &mut patches[..out.len() / STEM_OUTPUTS * INPUTS];
                for (y, patches) in patches.chunks_exact_mut(columns * INPUTS).enumerate() {
                    let top = (strip * rows + y) * 2;
                    for ky in 0..KERNEL {
                        lay(patches, ky, image.get((top + ky) * line..(top + ky + 1) * line));
                    }
                }
                let after = clip.after(Which::Wide, done..done + out.len());
                done += out.len();
                let biased = matches!(after, Epilogue::Relu6 | Epilogue::Remember(_));
                product(&self.product, out, patches, biased, after);
            }
        }
    }

    /// Gradients `(B, H / 2, W / 2, 32)`, clipped already, to those of the images `(B, H, W, 3)`.
    pub fn back(&self, out: &mut [f32], gradient: &[f32], (height, width): Size, patches: &mut Aligned) {
        let (line, columns) = (width * COLOURS, width / 2);
        let rows = (PATCHES / (columns * INPUTS)).clamp(1, height / 2);
        let patches = patches.at_least(rows * columns * INPUTS);
        out.fill(0.0);
        for (image, gradient) in
            out.chunks_exact_mut(height * line).zip(gradient.chunks_exact(height / 2 * columns * STEM_OUTPUTS))
        {
            for (strip, gradient) in gradient.chunks(rows * columns * STEM_OUTPUTS).enumerate() {
                let patches = &mut patches[..gradient.len() / STEM_OUTPUTS * INPUTS];
                self.back.run(patches, gradient, Epilogue::Linear);
                for (y, patches) in patches.chunks_exact(columns * INPUTS).enumerate() {
                    let top = (strip * rows + y) * 2;
                    for ky in 0..KERNEL {
                        if let Some(row) = image.get_mut((top + ky) * line..(top + ky + 1) * line) {
                            gather(row, ky, patches);
                        }
                    }
                }
            }
        }
    }
}

/// Lays a row of the image, zeros where there is none, under the kernel's row `ky` of each patch.
fn lay(patches: &mut [f32], ky: usize, row: Option<&[f32]>) {
    let (patches, _) = patches.as_chunks_mut::<INPUTS>();
    let Some(row) = row else {
        patches.iter_mut().for_each(|patch| patch[ky * LINE..(ky + 1) * LINE].fill(0.0));
        return;
    };
    let Some((last, patches)) = patches.split_last_mut() else { return };
    for (x, patch) in patches.iter_mut().enumerate() {
        patch[ky * LINE..(ky + 1) * LINE].copy_from_slice(&row[x * STEP..x * STEP + LINE]);
    }
    let part = &mut last[ky * LINE..(ky + 1) * LINE];
    part[..STEP].copy_from_slice(&row[row.len() - STEP..]);
    part[STEP..].fill(0.0);
}

/// Adds what the patches hold for the kernel's row `ky` to a row of the image.
fn gather(row: &mut [f32], ky: usize, patches: &[f32]) {
    let (patches, _) = patches.as_chunks::<INPUTS>();
    let Some((last, patches)) = patches.split_last() else { return };
    for (x, patch) in patches.iter().enumerate() {
        for (sum, part) in row[x * STEP..x * STEP + LINE].iter_mut().zip(&patch[ky * LINE..(ky + 1) * LINE]) {
            *sum += part;
        }
    }
    let end = row.len() - STEP;
    for (sum, part) in row[end..].iter_mut().zip(&last[ky * LINE..]) {
        *sum += part;
    }
}
