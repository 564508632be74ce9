//! The Inception of 2015 (Szegedy et al., arXiv 1512.00567), on whose features FID, KID and the Inception score of papers
//! are computed. Its weights are not shipped: the user brings the file that pytorch-fid and torch-fidelity download.
//!
//! It differs from torchvision's network of that name: average pools leave the padding out of their means, the last block
//! has a maximum where others have an average, and the last layer has 1008 outputs.

mod blocks;
mod pool;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::file::sha256;
use super::{FeatureError, Picture, Resize, TensorFile};
use crate::ops::Geometry;
use crate::ops::aligned::Aligned;
use crate::ops::frozen::{Channels, Frozen};
use blocks::{Block, Builder, Space};
use pool::Pool;

/// Rows and columns of the image that the network sees.
const SIDE: usize = 299;

/// Images that a thread takes through the network together: enough that the last layers' weights, 50 MB of them, are not
/// read for every image.
const TOGETHER: usize = 4;

/// SHA-256 of `pt_inception-2015-12-05-6726825d.pth`, the file whose scores compare with those of papers.
const PUBLISHED: &str = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2";
/// What stands in the name of that file.
const MARK: &str = "6726825d";

/// The network up to its global average pooling, and the last layer without its bias.
pub struct Inception {
    stem: Stem,
    blocks: Vec<Block>,
    last: Frozen,
    name: String,
    /// SHA-256 of the file of weights.
    sum: String,
    /// Buffers waiting for their next images; never more than the threads that ever worked at once.
    space: Mutex<Vec<Space>>,
}

/// The layers before the first block.
struct Stem {
    before: [Frozen; 3],
    between: [Frozen; 2],
}

/// What the network gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Global averages before the last layer: `(images, 2048)`.
    pub features: Vec<f32>,
    /// The last layer without its bias: `(images, 1008)`.
    pub logits: Vec<f32>,
}

impl Inception {
    /// Features of an image.
    pub const FEATURES: usize = 2048;
    /// Outputs of the last layer.
    pub const LOGITS: usize = 1008;

    /// Reads the weights out of a `.pth` or `.safetensors` file with the names of pytorch-fid.
    ///
    /// # Errors
    /// Where the file cannot be read, lacks a tensor, has one of another shape, or is named as the published file and is
    /// not the same.
    pub fn open(path: &Path) -> Result<Self, FeatureError> {
        let mut file = TensorFile::open(path)?;
        let failed = |err: std::io::Error| file.unfit(err.to_string());
        let sum = sha256(path).map_err(failed)?;
        let named = path.file_name().is_some_and(|name| name.to_string_lossy().contains(MARK));
        let torch = path.extension().is_some_and(|extension| extension == "pth" || extension == "pt");
        if named && torch && sum != PUBLISHED {
            let reason = format!(
                "its name is that of the published weights, whose SHA-256 is {PUBLISHED}, but its own is {sum}: \
                 download it again, or give other weights another name"
            );
            return Err(file.unfit(reason));
        }
        // Scores of other weights never compare with those of the published ones, so their name says which they are.
        let name = if sum == PUBLISHED { "inception-2015".into() } else { format!("inception-2015:{}", &sum[..8]) };
        Self::build(&mut file, name, sum)
    }

    fn build(file: &mut TensorFile, name: String, sum: String) -> Result<Self, FeatureError> {
        // First the last layer: most other networks of this family differ there.
        let fc = file.numbers("fc.weight", &[Self::LOGITS, Self::FEATURES])?;
        let none = vec![0.0; Self::LOGITS];
        let last = Frozen::new(&fc, &none, (1, 1), Geometry::new(1, 0), false);
        let mut builder = Builder { file };
        let stem = Stem {
            before: [
                builder.conv("Conv2d_1a_3x3", 3, 32, (3, 3), Geometry::new(2, 0))?,
                builder.conv("Conv2d_2a_3x3", 32, 32, (3, 3), Geometry::new(1, 0))?,
                builder.conv("Conv2d_2b_3x3", 32, 64, (3, 3), Geometry::new(1, 1))?,
            ],
            between: [
                builder.conv("Conv2d_3b_1x1", 64, 80, (1, 1), Geometry::new(1, 0))?,
                builder.conv("Conv2d_4a_3x3", 80, 192, (3, 3), Geometry::new(1, 0))?,
            ],
        };
        let blocks = builder.blocks()?;
        Ok(Self { stem, blocks, last, name, sum, space: Mutex::new(Vec::new()) })
    }

    /// SHA-256 of the file of weights, in hexadecimal.
    pub fn weights_sha256(&self) -> &str {
        &self.sum
    }

    /// What scores on these features are labelled with: `inception-2015` for the published weights, with the beginning of
    /// the file's SHA-256 behind it for any others.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Looks at pictures of any sizes, each brought to 299 x 299 as `resize` says. Uses the current rayon pool; what is
    /// seen in a picture does not depend on the others.
    ///
    /// # Errors
    /// Where the bytes of a picture do not fit its sizes.
    pub fn look(&self, pictures: &[Picture<'_>], resize: Resize) -> Result<Seen, FeatureError> {
        if let Some(wrong) = pictures.iter().find(|picture| !picture.is_whole()) {
            let Picture { height, width, channels, pixels } = *wrong;
            return Err(FeatureError::Images { bytes: pixels.len(), height, width, channels });
        }
        let mut seen = Seen {
            features: vec![0.0; pictures.len() * Self::FEATURES],
            logits: vec![0.0; pictures.len() * Self::LOGITS],
        };
        // Few pictures are shared out among all threads.
        let together = pictures.len().div_ceil(rayon::current_num_threads()).clamp(1, TOGETHER);
        let features = seen.features.par_chunks_mut(together * Self::FEATURES);
        let logits = seen.logits.par_chunks_mut(together * Self::LOGITS);
        pictures.par_chunks(together).zip(features.zip(logits)).for_each(|(pictures, (features, logits))| {
            let waiting = self.space.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut space = waiting.unwrap_or_else(Space::new);
            self.some(pictures, resize, features, &mut space);
            self.last.run(logits, Channels { first: 0, of: Self::LOGITS }, features, (1, 1));
            self.space.lock().unwrap_or_else(PoisonError::into_inner).push(space);
        });
        Ok(seen)
    }

    /// The features `(pictures, 2048)` of a few pictures.
    fn some(&self, pictures: &[Picture<'_>], resize: Resize, features: &mut [f32], space: &mut Space) {
        let mut size = (0, 0);
        let mut here = std::mem::replace(&mut space.here, Aligned::zeros(0));
        let mut there = std::mem::replace(&mut space.there, Aligned::zeros(0));
        for (index, picture) in pictures.iter().enumerate() {
            size = self.stem(picture, resize, &mut here, index, pictures.len(), space);
        }
        let mut channels = self.stem.between[1].outputs();
        for block in &self.blocks {
            let input = &here[..pictures.len() * size.0 * size.1 * channels];
            let after = block.size_after(size);
            let out = there.at_least(pictures.len() * after.0 * after.1 * block.outputs());
            block.run(out, input, size, space);
            (size, channels) = (after, block.outputs());
            std::mem::swap(&mut here, &mut there);
        }
        let pixels = size.0 * size.1; // 8 x 8
        for (image, out) in here.chunks_exact(pixels * channels).zip(features.chunks_exact_mut(channels)) {
            out.fill(0.0);
            for pixel in image.chunks_exact(channels) {
                out.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
            }
            out.iter_mut().for_each(|sum| *sum /= pixels as f32);
        }
        (space.here, space.there) = (here, there);
    }

    /// Takes one picture to the first block's input, `(35, 35, 192)`, the `index`-th of `count` in `out`.
    fn stem(
        &self,
        picture: &Picture<'_>,
        resize: Resize,
        out: &mut Aligned,
        index: usize,
        count: usize,
        space: &mut Space,
    ) -> (usize, usize) {
        let Space { wide: a, branch: b, .. } = space;
        let mut size = (SIDE, SIDE);
        picture.resized(resize, SIDE, a.at_least(SIDE * SIDE * 3), SIDE * 3, |value| resize.unit(value));
        let mut channels = 3;
        let halve = Pool::LARGEST_OF_HALF;
        let pooled = |size: (usize, usize)| halve.size_after(size);
        for layer in &self.stem.before {
            size = advance(layer, a, b, size, &mut channels);
        }
        let after = pooled(size);
        halve.run(
            b.at_least(after.0 * after.1 * channels),
            channels,
            0,
            &a[..size.0 * size.1 * channels],
            size,
            channels,
        );
        std::mem::swap(a, b);
        size = after;
        for layer in &self.stem.between {
            size = advance(layer, a, b, size, &mut channels);
        }
        let after = pooled(size);
        let image = after.0 * after.1 * channels;
        let out = &mut out.at_least(count * image)[index * image..(index + 1) * image];
        halve.run(out, channels, 0, &a[..size.0 * size.1 * channels], size, channels);
        after
    }
}

/// One layer from `a` to `b`, which then change places.
fn advance(
    layer: &Frozen,
    a: &mut Aligned,
    b: &mut Aligned,
    size: (usize, usize),
    channels: &mut usize,
) -> (usize, usize) {
    let after = layer.size_after(size);
    let out = b.at_least(after.0 * after.1 * layer.outputs());
    layer.run(out, Channels { first: 0, of: layer.outputs() }, &a[..size.0 * size.1 * *channels], size);
    *channels = layer.outputs();
    std::mem::swap(a, b);
    after
}
