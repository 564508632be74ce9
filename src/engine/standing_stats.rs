//! The averaged generator as it leaves training: its running statistics are taken anew from the averaged weights.
//!
//! Averaged weights do not fit the statistics of the weights that they were averaged from: an average jitters less, so that with
//! the live network's statistics its images are too dark or too pale for thousands of steps. Training does not care, since it
//! never runs the average; whatever is drawn, scored, stored or exported does. This is the standing statistics of BigGAN (Brock et
//! al. 2019), as `update_bn` of PyTorch takes them.

use candle_core::{Device, Result, Tensor};

use super::feed::{Noise, noise};
use crate::config::rng::{Purpose, stream};
use crate::config::{Config, Stage};
use crate::model::{Generator, ParameterStore};

/// Batches whose statistics are averaged, and images of each: more change nothing that can be seen.
const BATCHES: usize = 4;
const IMAGES: usize = 32;

/// The same noise and labels every time, so that the result follows from the weights.
pub(super) struct StandingStats {
    batches: Vec<(Tensor, Tensor)>,
}

impl StandingStats {
    /// Labels come in the shares in which classes are shown: names and counts of images a class.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(config: &Config, classes: &[String], counts: &[usize], device: &Device) -> Result<Self> {
        let labels = Noise::new(config, classes, counts, device);
        let batch = |index: usize| {
            let mut rng = stream(config.train.seed, Purpose::StandingStats, index as u64);
            let asked: Vec<u32> = (0..IMAGES).map(|_| labels.label(&mut rng)).collect();
            Ok((noise(&mut rng, IMAGES, config.generator.latent_dim, device)?, Tensor::new(asked, device)?))
        };
        Ok(Self { batches: (0..BATCHES).map(batch).collect::<Result<_>>()? })
    }

    /// The numbers with statistics of their own. Settling them again changes nothing.
    ///
    /// # Errors
    /// Those of candle.
    pub fn with_standing_stats(
        &self,
        generator: &Generator,
        stage: Stage,
        store: &ParameterStore,
    ) -> Result<ParameterStore> {
        let mut store = store.clone();
        generator.update_batch_norm(stage, &mut store, &self.batches)?;
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    #[test]
    fn statistics_follow_from_the_weights_alone() {
        for preset in [Preset::Quick, Preset::Improved] {
            let mut config = preset.config_at(16);
            (config.generator.base_channels, config.generator.latent_dim) = (4, 8);
            let names = ["a", "b"].map(str::to_owned);
            let (generator, store) = Generator::new(&config, 2, &Device::Cpu).unwrap();
            let settling = StandingStats::new(&config, &names, &[3, 1], &Device::Cpu).unwrap();
            let numbers = |store: &ParameterStore, name: &str| -> Vec<Vec<f32>> {
                let entries = store.entries().iter().filter(|entry| entry.name.ends_with(name));
                entries.map(|entry| entry.tensor.flatten_all().unwrap().to_vec1().unwrap()).collect()
            };
            let once = settling.with_standing_stats(&generator, Stage::WHOLE, &store).unwrap();
            let twice = settling.with_standing_stats(&generator, Stage::WHOLE, &once).unwrap();
            for name in ["running_mean", "running_var", "weight"] {
                let (start, once) = (numbers(&store, name), numbers(&once, name));
                assert_eq!(once, numbers(&twice, name), "{preset:?} {name}");
                assert_eq!(start == once, name == "weight", "{preset:?} {name}");
            }
            // Evaluation reads them: its images are others.
            let before =
                generator.evaluate(Stage::WHOLE, &mut store.clone(), &settling.batches[0].0, &settling.batches[0].1);
            let after =
                generator.evaluate(Stage::WHOLE, &mut once.clone(), &settling.batches[0].0, &settling.batches[0].1);
            let deviation =
                |x: Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|x| x * x).sum::<f32>();
            assert!(deviation(after.unwrap()) != deviation(before.unwrap()));
        }
    }
}
