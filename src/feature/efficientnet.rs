//! EfficientNet-Lite, trained on ImageNet, as a feature extractor on the processor (Tan & Le 2019, arXiv 1905.11946; the
//! Lite variants have ReLU6 and no squeeze-and-excite).
//!
//! Each image goes through the network on one thread, in pieces that stay in that core's cache, so its features are the
//! same bits whatever other images or threads there are.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::bilinear::Bilinear;
use super::block::{Block, Clip, Shape, Strip};
use super::stem::{STEM_OUTPUTS, Stem};
use super::weights::{folded, parse};
use super::{FeatureError, Picture, Resize};
use crate::config::{Choice as _, Shipped};
use crate::ops::aligned::Aligned;
use crate::ops::pointwise::{Epilogue, Pointwise};

/// The weights of Lite0, which a loss may have too.
pub(super) const WEIGHTS: &[u8] = include_bytes!("../../assets/efficientnet_lite0.safetensors");

/// Numbers under the stem's 3x3 filter.
const STEM_INPUTS: usize = 27;
/// Output rows of the stem at a time.
const STEM_ROWS: usize = 8;

/// Images for each thread between two looks at `progress`: enough that waiting for the slowest thread costs little.
const IMAGES_PER_THREAD: usize = 8;

/// Repeats, filter size, stride of the first repeat, expansion, outputs.
type Stage = (usize, usize, usize, usize, usize);

/// The stages of Lite0.
pub(super) const STAGES: [Stage; 7] = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
];

/// Stages, counted from 0, after which features are taken: a quarter, an eighth, a sixteenth and a thirty-second of the
/// image's side, each the last map of its size, with 24, 40, 112 and 320 channels. Edges and textures are in the first,
/// the parts of an object in the last.
pub(super) const TAKEN: [usize; 4] = [1, 2, 4, 6];

/// A size of the network.
struct Variant {
    /// Rows and columns of the image that the network was trained on, even: later pictures may have odd sides.
    side: usize,
    stages: [Stage; 7],
    weights: &'static [u8],
}

const LITE0: Variant = Variant { side: 224, stages: STAGES, weights: WEIGHTS };

/// 1.1 times as wide and 1.2 times as deep as Lite0, each width rounded to a multiple of 8 and each depth up; the stem, the
/// head and the depth of the first and last stage are Lite0's.
const LITE2: Variant = Variant {
    side: 260,
    stages: [
        (1, 3, 1, 1, 16),
        (3, 3, 2, 6, 24),
        (3, 5, 2, 6, 48),
        (4, 3, 2, 6, 88),
        (4, 5, 1, 6, 120),
        (5, 5, 2, 6, 208),
        (1, 3, 1, 6, 352),
    ],
    weights: include_bytes!("../../assets/efficientnet_lite2.safetensors"),
};

impl Variant {
    fn of(network: Shipped) -> &'static Self {
        match network {
            Shipped::EfficientNetLite0 => &LITE0,
            Shipped::EfficientNetLite2 => &LITE2,
        }
    }
}

/// The network up to its global average pooling.
pub struct EfficientNet {
    which: Shipped,
    side: usize,
    stem: Pointwise,
    blocks: Vec<Block>,
    head: Pointwise,
    /// Buffers waiting for their next image; never more than the threads that ever worked at once.
    scratch: Mutex<Vec<Scratch>>,
}

/// What one thread needs for one image: about 6 MB at 224 x 224 pixels.
struct Scratch {
    image: Aligned,
    blended: Vec<f32>,
    patches: Aligned,
    here: Aligned,
    there: Aligned,
    strip: Strip,
}

impl Scratch {
    /// Buffers for images of `side` rows and columns.
    fn new(side: usize) -> Self {
        // The largest picture between two blocks is that of the stem.
        let (stem_side, largest) = (side / 2, (side / 2).pow(2) * STEM_OUTPUTS);
        Self {
            image: Aligned::zeros((side + 1) * padded_row(side)),
            blended: Vec::new(),
            patches: Aligned::zeros(STEM_ROWS * stem_side * STEM_INPUTS),
            here: Aligned::zeros(largest),
            there: Aligned::zeros(largest),
            strip: Strip::new(),
        }
    }
}

/// Numbers in a row of the image with the one black pixel of padding that stride 2 asks for at the right.
fn padded_row(side: usize) -> usize {
    (side + 1) * 3
}

impl EfficientNet {
    /// Features of an image.
    pub const FEATURES: usize = 1280;

    /// What scores on these features are labelled with.
    pub fn name(&self) -> &'static str {
        self.which.key()
    }

    /// Rows and columns of the image that the network sees.
    pub fn side(&self) -> usize {
        self.side
    }

    /// SHA-256 of the compiled-in weights.
    pub fn weights_sha256(&self) -> [u8; 32] {
        Sha256::digest(Variant::of(self.which).weights).into()
    }

    /// A network with the weights that are compiled in.
    ///
    /// # Errors
    /// Where this build's weights are damaged.
    pub fn shipped(network: Shipped) -> Result<Self, FeatureError> {
        Self::load(network).map_err(|err| FeatureError::Weights { network: network.key(), reason: err.to_string() })
    }

    fn load(which: Shipped) -> candle_core::Result<Self> {
        let Variant { side, stages, weights } = *Variant::of(which);
        let vars = parse(weights)?;
        let mut blocks = Vec::new();
        let mut inputs = STEM_OUTPUTS;
        for (repeats, size, first_stride, expansion, outputs) in stages {
            for repeat in 0..repeats {
                let stride = if repeat == 0 { first_stride } else { 1 };
                let shape = Shape { inputs, outputs, expansion, size, stride };
                blocks.push(Block::load(&vars.pp("_blocks").pp(blocks.len()), shape)?);
                inputs = outputs;
            }
        }
        let head = folded(&vars, "_conv_head", "_bn1", [Self::FEATURES, inputs, 1, 1])?;
        Ok(Self {
            which,
            side,
            stem: Stem::product(&vars)?,
            blocks,
            head: Pointwise::new(&head.weights, &head.bias, inputs),
            scratch: Mutex::new(Vec::new()),
        })
    }

    /// The features of images `(count, height, width, channels)` row by row, channels 1 or 3, as `(count, 1280)`.
    ///
    /// The images are resized to [`side`](Self::side) rows and columns without antialiasing and a single channel is repeated
    /// to three. Uses the current rayon pool.
    ///
    /// # Errors
    /// Where the bytes are not whole images of this size.
    pub fn features(
        &self,
        images: &[u8],
        height: usize,
        width: usize,
        channels: usize,
    ) -> Result<Vec<f32>, FeatureError> {
        self.features_with(images, height, width, channels, &|_, _| true)
    }

    /// As [`features`](Self::features), calling `progress(done, total)` between chunks of images; false cancels.
    ///
    /// # Errors
    /// Where the bytes are not whole images of this size, and [`FeatureError::Cancelled`].
    pub fn features_with(
        &self,
        images: &[u8],
        height: usize,
        width: usize,
        channels: usize,
        progress: &dyn Fn(usize, usize) -> bool,
    ) -> Result<Vec<f32>, FeatureError> {
        let bytes = images.len();
        let size = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels)).unwrap_or(0);
        if size == 0 || !matches!(channels, 1 | 3) || !bytes.is_multiple_of(size) {
            return Err(FeatureError::Images { bytes, height, width, channels });
        }
        let resize = Bilinear::new(height, width, channels, self.side);
        let chunk = IMAGES_PER_THREAD * rayon::current_num_threads();
        let total = bytes / size;
        let mut features = vec![0.0; total * Self::FEATURES];
        let chunks = images.chunks(chunk * size).zip(features.chunks_mut(chunk * Self::FEATURES));
        for (index, (images, features)) in chunks.enumerate() {
            images.par_chunks_exact(size).zip(features.par_chunks_exact_mut(Self::FEATURES)).for_each(
                |(image, features)| {
                    self.with_scratch(|scratch| {
                        resize.run(image, &mut scratch.image, padded_row(self.side), &mut scratch.blended);
                        self.one(features, scratch);
                    });
                },
            );
            let done = (index * chunk + images.len() / size).min(total);
            if !progress(done, total) && done < total {
                return Err(FeatureError::Cancelled { done, total });
            }
        }
        Ok(features)
    }

    /// The features of pictures of any sizes, resized as `resize` says; [`Resize::PytorchFid`] is what
    /// [`features`](Self::features) does.
    ///
    /// # Errors
    /// Where the bytes of a picture do not fit its sizes.
    pub fn look(&self, pictures: &[Picture<'_>], resize: Resize) -> Result<Vec<f32>, FeatureError> {
        if let Some(wrong) = pictures.iter().find(|picture| !picture.is_whole()) {
            let Picture { height, width, channels, pixels } = *wrong;
            return Err(FeatureError::Images { bytes: pixels.len(), height, width, channels });
        }
        let mut features = vec![0.0; pictures.len() * Self::FEATURES];
        pictures.par_iter().zip(features.par_chunks_exact_mut(Self::FEATURES)).for_each(|(picture, features)| {
            let (side, row) = (self.side, padded_row(self.side));
            self.with_scratch(|scratch| {
                let Scratch { image, blended, .. } = scratch;
                let Picture { height, width, channels, pixels } = *picture;
                if resize == Resize::PytorchFid {
                    Bilinear::new(height, width, channels, side).run(pixels, image, row, blended);
                } else {
                    picture.resized(resize, side, &mut image[..side * row], row, |v| v / 127.5 - 1.0);
                }
                self.one(features, scratch);
            });
        });
        Ok(features)
    }

    /// Lends buffers of this network's size.
    fn with_scratch(&self, work: impl FnOnce(&mut Scratch)) {
        let waiting = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = waiting.unwrap_or_else(|| Scratch::new(self.side));
        work(&mut scratch);
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }

    /// The features `(1280,)` of the image in `scratch`, `(side + 1, side + 1, 3)`, the last row and column zeros.
    fn one(&self, features: &mut [f32], scratch: &mut Scratch) {
        let Scratch { image, patches, here, there, strip, .. } = scratch;
        let (mut side, mut channels) = (self.side / 2, STEM_OUTPUTS);
        self.stem(image, patches, &mut here[..side * side * channels]);
        for block in &self.blocks {
            let (next, _) = block.size_after((side, side));
            let out = &mut there[..next * next * block.outputs()];
            block.run(out, &here[..side * side * channels], (side, side), &mut Clip::Forget, strip);
            (side, channels) = (next, block.outputs());
            std::mem::swap(here, there);
        }
        let pixels = side * side; // a thirty-second of the image's side, rounded up
        let wide = &mut there[..pixels * Self::FEATURES];
        self.head.run(wide, &here[..pixels * channels], Epilogue::Relu6);
        features.fill(0.0);
        for pixel in wide.chunks_exact(Self::FEATURES) {
            for (sum, value) in features.iter_mut().zip(pixel) {
                *sum += value;
            }
        }
        for sum in features {
            *sum /= pixels as f32;
        }
    }

    /// A 3x3 convolution with stride 2, out `(side / 2, side / 2, 32)`: patches side by side, then one product.
    fn stem(&self, image: &[f32], patches: &mut [f32], out: &mut [f32]) {
        let (stem_side, padded_row) = (self.side / 2, padded_row(self.side));
        for (strip, out) in out.chunks_mut(STEM_ROWS * stem_side * STEM_OUTPUTS).enumerate() {
            let patches = &mut patches[..out.len() / STEM_OUTPUTS * STEM_INPUTS];
            for (y, row) in patches.chunks_exact_mut(stem_side * STEM_INPUTS).enumerate() {
                let top = (strip * STEM_ROWS + y) * 2;
                let rows: [&[f32]; 3] = std::array::from_fn(|ky| &image[(top + ky) * padded_row..][..padded_row]);
                for (x, patch) in row.as_chunks_mut::<STEM_INPUTS>().0.iter_mut().enumerate() {
                    for (part, row) in patch.as_chunks_mut::<9>().0.iter_mut().zip(rows) {
                        part.copy_from_slice(&row[x * 6..x * 6 + 9]);
                    }
                }
            }
            self.stem.run(out, patches, Epilogue::Relu6);
        }
    }
}
