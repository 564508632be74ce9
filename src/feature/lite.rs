//! EfficientNet-Lite0 once more, in operations through which a gradient reaches the image: the features of a loss.
//!
//! [`super::EfficientNet`] has the same weights, and goes on to the features that scores are made of, without a gradient.

use std::sync::Arc;

use candle_core::{Device, Result, bail};

use super::block::{Block, Shape};
use super::efficientnet::{STAGES, TAKEN, WEIGHTS};
use super::layered::Layered;
use super::segment::Segment;
use super::stem::{STEM_OUTPUTS, Stem};
use super::weights::parse;
use crate::ops::{Value, cpu};

/// The network without its last, pointwise layer.
pub struct Lite(Way);

enum Way {
    /// On the processor: from each place to the next.
    Fused([Arc<Segment>; 4]),
    /// On other devices.
    Layered(Layered),
}

impl Lite {
    /// The network with the weights that are compiled in.
    ///
    /// # Errors
    /// Where this build's weights are damaged.
    pub fn shipped(device: &Device) -> std::result::Result<Self, String> {
        if !device.is_cpu() {
            return Self::layered(device);
        }
        let vars = parse(WEIGHTS).map_err(|err| err.to_string())?;
        let mut stem = Some(Stem::load(&vars).map_err(|err| err.to_string())?);
        let (mut stage, mut inputs, mut number) = (0, STEM_OUTPUTS, 0);
        let mut segments = Vec::new();
        for taken in TAKEN {
            let (mut blocks, before) = (Vec::new(), inputs);
            while stage <= taken {
                let (repeats, size, first_stride, expansion, outputs) = STAGES[stage];
                for repeat in 0..repeats {
                    let stride = if repeat == 0 { first_stride } else { 1 };
                    let shape = Shape { inputs, outputs, expansion, size, stride };
                    let block = Block::load(&vars.pp("_blocks").pp(number), shape);
                    blocks.push(block.map_err(|err| err.to_string())?);
                    (inputs, number) = (outputs, number + 1);
                }
                stage += 1;
            }
            segments.push(Arc::new(Segment::new(stem.take(), blocks, before)));
        }
        segments.try_into().map(|segments| Self(Way::Fused(segments))).map_err(|_| "four places".to_owned())
    }

    /// The same layer by layer, which any device can do and which is slower on the processor.
    ///
    /// # Errors
    /// Where this build's weights are damaged.
    pub fn layered(device: &Device) -> std::result::Result<Self, String> {
        Layered::shipped(device).map(|network| Self(Way::Layered(network))).map_err(|err| err.to_string())
    }

    /// Feature maps of images `(B, height, width, 3)` in [-1, 1], the sides multiples of 32, with 24, 40, 112 and 320 channels.
    ///
    /// # Errors
    /// Where the images are others, or not where the network is.
    pub fn features(&self, images: &Value) -> Result<Vec<Value>> {
        let mut maps: Vec<Value> = Vec::new();
        for place in 0..TAKEN.len() {
            maps.push(self.stretch(place, maps.last().unwrap_or(images))?);
        }
        Ok(maps)
    }

    /// One stretch of the network: the first from images, each further one from the map before it.
    ///
    /// # Errors
    /// As [`Lite::features`].
    pub fn stretch(&self, place: usize, x: &Value) -> Result<Value> {
        let (_, height, width, _) = x.tensor().dims4()?;
        match &self.0 {
            Way::Layered(network) => network.stretch(place, x),
            Way::Fused(_) if place == 0 && (height % 32 + width % 32 > 0 || !cpu::is_cpu(x.tensor())) => bail!(
                "images of {height}x{width} pixels: sides must be multiples of 32, and the numbers f32 on the processor"
            ),
            Way::Fused(segments) => match segments.get(place) {
                Some(segment) => segment.run(x),
                None => bail!("the network has no stretch {place}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::plan::projected;
    use crate::ops::tape::gradients_from;
    use crate::ops::{Graph, gradients};
    use candle_core::Tensor;

    fn images(shape: [usize; 4], seed: usize) -> Tensor {
        let number = |i: usize| {
            let x = (i * 7919 + seed * 104_729) as f32;
            ((x * 0.013).sin() + (x * 0.000_7).cos()) * 0.5
        };
        cpu::tensor((0..shape.iter().product()).map(number).collect(), &shape[..]).unwrap()
    }

    /// For each image the length of the difference as a share of the length of what is right.
    fn distances(got: &Tensor, want: &Tensor) -> Vec<f64> {
        assert_eq!(got.dims(), want.dims());
        let numbers = want.elem_count() / want.dims()[0];
        let (got, want) = (cpu::slice(got).unwrap(), cpu::slice(want).unwrap());
        let square = |x: f32| f64::from(x) * f64::from(x);
        let distance = |(got, want): (&[f32], &[f32])| {
            let difference: f64 = got.iter().zip(want).map(|(a, b)| square(a - b)).sum();
            (difference / want.iter().copied().map(square).sum::<f64>()).sqrt()
        };
        got.chunks(numbers).zip(want.chunks(numbers)).map(distance).collect()
    }

    /// The maps, the gradient of what is made of those at `places`, and the gradient of a penalty on that gradient.
    fn all(network: &Lite, images: &Tensor, places: &[usize]) -> Vec<Tensor> {
        let leaf = Value::leaf(images.clone());
        let maps = network.features(&leaf).unwrap();
        let mut out: Vec<Tensor> = maps.iter().map(|map| map.tensor().clone()).collect();
        let mut sum: Option<Value> = None;
        for place in places {
            let term = maps[*place].mul(&maps[*place]).unwrap().sum_all().unwrap().scale(1e-3).unwrap();
            sum = Some(sum.map_or(term.clone(), |sum| sum.add(&term).unwrap()));
        }
        let leaves = std::slice::from_ref(&leaf);
        let gradient = gradients(sum.unwrap(), leaves, Graph::Keep).unwrap().remove(0).unwrap();
        out.push(gradient.tensor().clone());
        let weight = Value::constant((gradient.tensor() * 2.0).unwrap());
        let second = gradients_from(gradient, weight, leaves, Graph::Drop).unwrap().remove(0).unwrap();
        out.push(second.tensor().clone());
        out
    }

    /// Images and their sizes.
    const CASES: [(usize, usize, usize); 8] =
        [(1, 32, 32), (3, 32, 32), (1, 64, 64), (3, 64, 64), (1, 96, 96), (3, 96, 96), (2, 64, 32), (1, 256, 256)];

    #[test]
    fn maps_and_gradients_are_those_of_the_layers() {
        let (fused, layered) = (Lite::shipped(&Device::Cpu).unwrap(), Lite::layered(&Device::Cpu).unwrap());
        let (mut exact, mut total) = (0, 0);
        for (batch, height, width) in CASES {
            let images = images([batch, height, width, 3], batch);
            for places in [&[0, 1, 2, 3][..], &[1], &[3, 0]] {
                let (got, want) = (all(&fused, &images, places), all(&layered, &images, places));
                for (at, (got, want)) in got.iter().zip(&want).enumerate() {
                    for off in distances(got, want) {
                        // A sum within rounding of 0 or 6 may count as clipped in one and not in the other, which moves
                        // the gradients of its image, now and then by some hundredths.
                        let most = if at < TAKEN.len() { 1e-5 } else { 0.2 };
                        assert!(off < most, "{batch} of {height}x{width}, {places:?}, {at}: {off}");
                        exact += usize::from(off < 1e-5);
                        total += 1;
                    }
                }
            }
        }
        assert!(exact * 10 > total * 8, "{exact} of {total} are the same");
    }

    #[test]
    fn bits_do_not_depend_on_threads_or_the_other_images() {
        let network = Lite::shipped(&Device::Cpu).unwrap();
        let batch = images([5, 64, 64, 3], 7);
        let run = |threads: usize, images: &Tensor| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let all = pool.install(|| all(&network, images, &[0, 1, 2, 3]));
            all.iter().map(|tensor| cpu::slice(tensor).unwrap().to_vec()).collect::<Vec<_>>()
        };
        let all = run(1, &batch);
        assert_eq!(run(2, &batch), all);
        assert_eq!(run(3, &batch), all);
        let one = run(1, &batch.narrow(0, 3, 1).unwrap());
        for (one, all) in one.iter().zip(&all) {
            assert_eq!(one[..], all[3 * one.len()..4 * one.len()]);
        }
    }

    #[test]
    fn what_is_remembered_is_what_the_estimate_of_memory_counts() {
        let Way::Fused(segments) = Lite::shipped(&Device::Cpu).unwrap().0 else { panic!("the processor's way") };
        let mut side = 64;
        for ((segment, bits), outputs) in segments.iter().zip(projected::CLIPPED).zip([16, 8, 4, 2]) {
            assert_eq!(segment.remembered((side, side)), bits * outputs * outputs);
            side = outputs;
        }
    }

    #[test]
    fn other_images_are_refused() {
        let network = Lite::shipped(&Device::Cpu).unwrap();
        for shape in [[1, 48, 64, 3], [1, 64, 64, 1], [0, 64, 64, 3]] {
            assert!(network.features(&Value::constant(images(shape, 1))).is_err(), "{shape:?}");
        }
    }
}
