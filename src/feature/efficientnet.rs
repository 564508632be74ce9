//! EfficientNet-Lite0, trained on ImageNet, as a feature extractor on the processor (Tan & Le 2019, arXiv 1905.11946; the
//! Lite variant has ReLU6 and no squeeze-and-excite).
//!
//! Each image goes through the network on one thread, in pieces that stay in that core's cache, so its features are the
//! same bits whatever other images or threads there are.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::bilinear::Bilinear;
use super::block::{Block, Clip, Shape, Strip};
use super::stem::Stem;
use super::weights::Weights;
use super::{FeatureError, Picture, Resize};
use crate::ops::aligned::Aligned;
use crate::ops::pointwise::{After, Pointwise};

pub(super) const WEIGHTS: &[u8] = include_bytes!("../../assets/efficientnet_lite0.safetensors");

/// Rows and columns of the image that the network sees.
const SIDE: usize = 224;
/// A row of that image with the one black pixel of padding that stride 2 asks for at the right.
const PADDED_ROW: usize = (SIDE + 1) * 3;
const STEM_SIDE: usize = SIDE / 2;
pub(super) const STEM_OUTPUTS: usize = 32;
/// Numbers under the stem's 3x3 filter.
const STEM_INPUTS: usize = 27;
/// Output rows of the stem at a time.
const STEM_ROWS: usize = 8;
const LAST_OUTPUTS: usize = 320;
/// The largest picture between two blocks, that of the stem.
const LARGEST: usize = STEM_SIDE * STEM_SIDE * STEM_OUTPUTS;

/// Images for each thread between two looks at `progress`: enough that waiting for the slowest thread costs little.
const IMAGES_PER_THREAD: usize = 8;

/// Repeats, filter size, stride of the first repeat, expansion, outputs.
pub(super) const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, LAST_OUTPUTS),
];

/// The network up to its global average pooling.
pub struct EfficientNet {
    stem: Pointwise,
    blocks: Vec<Block>,
    head: Pointwise,
    /// Buffers waiting for their next image; never more than the threads that ever worked at once.
    scratch: Mutex<Vec<Scratch>>,
}

/// What one thread needs for one image: about 6 MB.
struct Scratch {
    image: Aligned,
    blended: Vec<f32>,
    patches: Aligned,
    here: Aligned,
    there: Aligned,
    strip: Strip,
}

impl Scratch {
    fn new() -> Self {
        Self {
            image: Aligned::zeros((SIDE + 1) * PADDED_ROW),
            blended: Vec::new(),
            patches: Aligned::zeros(STEM_ROWS * STEM_SIDE * STEM_INPUTS),
            here: Aligned::zeros(LARGEST),
            there: Aligned::zeros(LARGEST),
            strip: Strip::new(),
        }
    }
}

impl EfficientNet {
    /// What scores on these features are labelled with.
    pub const NAME: &'static str = "efficientnet-lite0";
    /// Features of an image.
    pub const FEATURES: usize = 1280;
    /// How images of any size are brought to the one that the network sees.
    pub const RESIZE: &'static str = "bilinear 224x224, half-pixel centres, not antialiased";

    /// SHA-256 of the compiled-in weights.
    pub fn weights_sha256() -> [u8; 32] {
        Sha256::digest(WEIGHTS).into()
    }

    /// The network with the weights that are compiled in.
    ///
    /// # Errors
    /// Where this build's weights are damaged.
    pub fn shipped() -> Result<Self, FeatureError> {
        Self::load(WEIGHTS).map_err(|reason| FeatureError::Weights { network: Self::NAME, reason })
    }

    fn load(bytes: &[u8]) -> Result<Self, String> {
        let weights = Weights::parse(bytes)?;
        let mut blocks = Vec::new();
        let mut inputs = STEM_OUTPUTS;
        for (repeats, size, first_stride, expansion, outputs) in STAGES {
            for repeat in 0..repeats {
                let stride = if repeat == 0 { first_stride } else { 1 };
                let shape = Shape { inputs, outputs, expansion, size, stride };
                blocks.push(Block::load(&weights, &format!("_blocks.{}", blocks.len()), shape)?);
                inputs = outputs;
            }
        }
        let head = weights.folded("_conv_head", "_bn1", [Self::FEATURES, inputs, 1, 1])?;
        Ok(Self {
            stem: Stem::product(&weights)?,
            blocks,
            head: Pointwise::new(&head.weights, &head.bias, inputs),
            scratch: Mutex::new(Vec::new()),
        })
    }

    /// The features of images `(count, height, width, channels)` row by row, channels 1 or 3, as `(count, 1280)`.
    ///
    /// The images are resized to 224 x 224 without antialiasing and a single channel is repeated to three. Uses the
    /// current rayon pool.
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
        let resize = Bilinear::new(height, width, channels, SIDE);
        let chunk = IMAGES_PER_THREAD * rayon::current_num_threads();
        let total = bytes / size;
        let mut features = vec![0.0; total * Self::FEATURES];
        let chunks = images.chunks(chunk * size).zip(features.chunks_mut(chunk * Self::FEATURES));
        for (index, (images, features)) in chunks.enumerate() {
            images.par_chunks_exact(size).zip(features.par_chunks_exact_mut(Self::FEATURES)).for_each(
                |(image, features)| {
                    let waiting = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let mut scratch = waiting.unwrap_or_else(Scratch::new);
                    resize.run(image, &mut scratch.image, PADDED_ROW, &mut scratch.blended);
                    self.one(features, &mut scratch);
                    self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
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
            let waiting = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut scratch = waiting.unwrap_or_else(Scratch::new);
            let Scratch { image, blended, .. } = &mut scratch;
            let Picture { height, width, channels, pixels } = *picture;
            if resize == Resize::PytorchFid {
                Bilinear::new(height, width, channels, SIDE).run(pixels, image, PADDED_ROW, blended);
            } else {
                picture.resized(resize, SIDE, &mut image[..SIDE * PADDED_ROW], PADDED_ROW, |v| v / 127.5 - 1.0);
            }
            self.one(features, &mut scratch);
            self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        });
        Ok(features)
    }

    /// The features `(1280,)` of the image in `scratch`, `(225, 225, 3)`, the last row and column zeros.
    fn one(&self, features: &mut [f32], scratch: &mut Scratch) {
        let Scratch { image, patches, here, there, strip, .. } = scratch;
        self.stem(image, patches, here); // (112, 112, 32)
        let (mut side, mut channels) = (STEM_SIDE, STEM_OUTPUTS);
        for block in &self.blocks {
            let (next, _) = block.size_after((side, side));
            let out = &mut there[..next * next * block.outputs()];
            block.run(out, &here[..side * side * channels], (side, side), &mut Clip::Forget, strip);
            (side, channels) = (next, block.outputs());
            std::mem::swap(here, there);
        }
        let pixels = side * side; // 7 x 7
        let wide = &mut there[..pixels * Self::FEATURES];
        self.head.run(wide, &here[..pixels * channels], After::Relu6);
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

    /// A 3x3 convolution with stride 2: patches side by side, then one product.
    fn stem(&self, image: &[f32], patches: &mut [f32], out: &mut [f32]) {
        for (strip, out) in out.chunks_exact_mut(STEM_ROWS * STEM_SIDE * STEM_OUTPUTS).enumerate() {
            for (y, row) in patches.chunks_exact_mut(STEM_SIDE * STEM_INPUTS).enumerate() {
                let top = (strip * STEM_ROWS + y) * 2;
                let rows: [&[f32]; 3] = std::array::from_fn(|ky| &image[(top + ky) * PADDED_ROW..][..PADDED_ROW]);
                for (x, patch) in row.as_chunks_mut::<STEM_INPUTS>().0.iter_mut().enumerate() {
                    for (part, row) in patch.as_chunks_mut::<9>().0.iter_mut().zip(rows) {
                        part.copy_from_slice(&row[x * 6..x * 6 + 9]);
                    }
                }
            }
            self.stem.run(out, patches, After::Relu6);
        }
    }
}
