//! A run's batches: real images from the loader, noise and labels from the seed.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use rand::Rng as _;
use rand_distr::{Distribution as _, StandardNormal};

use crate::config::Config;
use crate::config::rng::{ChaCha8Rng, Purpose, stream};
use crate::data::{Dataset, Loader};
use crate::session::CheckpointState;
use crate::train::{DiscriminatorBatch, Feed, GeneratorBatch};

/// `(count, latent)` numbers from N(0, 1).
///
/// # Errors
/// Those of candle.
pub fn noise(rng: &mut ChaCha8Rng, count: usize, latent: usize, device: &Device) -> candle_core::Result<Tensor> {
    let data: Vec<f32> = (0..count * latent).map(|_| StandardNormal.sample(rng)).collect();
    Tensor::from_vec(data, (count, latent), device)
}

/// Draws noise: the n-th draw of a purpose is the same whenever it is taken, so a count is all that a resume needs.
#[derive(Clone)]
pub struct Noise {
    seed: u64,
    latent: usize,
    batch: usize,
    /// Cumulative share of each class among the labels of generated images.
    shares: Vec<f64>,
    device: Device,
}

impl Noise {
    /// Labels are drawn in the shares in which real images of each class are shown: `(C)` names and counts.
    pub fn new(config: &Config, classes: &[String], counts: &[usize], device: &Device) -> Self {
        let weights = config.data.class_shares(classes, counts);
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let shares = weights.iter().map(|weight| {
            sum += weight / total;
            sum
        });
        let (seed, latent, batch) = (config.train.seed, config.generator.latent_dim, config.train.batch_size);
        Self { seed, latent, batch, shares: shares.collect(), device: device.clone() }
    }

    /// A label, in the shares of the classes.
    pub fn label(&self, rng: &mut ChaCha8Rng) -> u32 {
        let at: f64 = rng.random();
        let class = self.shares.iter().position(|share| at < *share).unwrap_or(self.shares.len() - 1);
        u32::try_from(class).unwrap_or(0)
    }
}

/// A run's own batches.
pub struct RunFeed {
    loader: Loader,
    /// Real images that the generator's are compared with, where they are.
    compared: Option<Loader>,
    noise: Noise,
    size: usize,
    channels: usize,
    needs_alpha: bool,
    /// Draws for the discriminator so far.
    pub discriminator_draws: u64,
    /// Draws for the generator so far.
    pub generator_draws: u64,
}

/// Batches and draws that a feed has behind it.
#[derive(Clone, Copy, Default)]
struct Positions {
    loader: u64,
    compared: u64,
    discriminator: u64,
    generator: u64,
}

impl RunFeed {
    /// Starts at the first batch.
    ///
    /// # Errors
    /// Where the loader cannot start.
    pub fn new(config: &Config, dataset: Arc<Dataset>, device: &Device) -> anyhow::Result<Self> {
        Self::start(config, dataset, device, Positions::default())
    }

    /// Goes on where a checkpoint stands, or starts at the first batch without one.
    ///
    /// # Errors
    /// Where the loader cannot start.
    pub fn at(
        config: &Config,
        dataset: Arc<Dataset>,
        device: &Device,
        state: Option<&CheckpointState>,
    ) -> anyhow::Result<Self> {
        let stands = |state: &CheckpointState| Positions {
            loader: state.loader_position,
            compared: state.compared_position,
            discriminator: state.discriminator_draws,
            generator: state.generator_draws,
        };
        Self::start(config, dataset, device, state.map_or_else(Positions::default, stands))
    }

    fn start(config: &Config, dataset: Arc<Dataset>, device: &Device, at: Positions) -> anyhow::Result<Self> {
        let noise = Noise::new(config, &dataset.class_names(), &dataset.class_counts(), device);
        let (size, channels) = (dataset.size(), dataset.channels());
        let needs_alpha = config.loss.kind == crate::config::LossKind::WassersteinGp;
        let compared = compared(config, &dataset, at.compared)?;
        let loader = Loader::new(dataset, config, at.loader)?;
        let (discriminator_draws, generator_draws) = (at.discriminator, at.generator);
        Ok(Self { loader, compared, noise, size, channels, needs_alpha, discriminator_draws, generator_draws })
    }

    /// The feed as it goes on from here with other settings.
    ///
    /// # Errors
    /// Where the loader cannot start.
    pub fn with_settings(&self, config: &Config, dataset: Arc<Dataset>, device: &Device) -> anyhow::Result<Self> {
        let at = Positions {
            loader: self.loader.position(),
            compared: self.compared_position(),
            discriminator: self.discriminator_draws,
            generator: self.generator_draws,
        };
        Self::start(config, dataset, device, at)
    }

    /// Batches that the loader has handed out.
    pub fn loader_position(&self) -> u64 {
        self.loader.position()
    }

    /// Batches of real images that the generator's were compared with.
    pub fn compared_position(&self) -> u64 {
        self.compared.as_ref().map_or(0, Loader::position)
    }

    fn images(&self, images: Vec<f32>, count: usize) -> candle_core::Result<Tensor> {
        Tensor::from_vec(images, (count, self.size, self.size, self.channels), &self.noise.device)
    }
}

/// A second stream of real images beside the discriminator's, in an order of its own, where the generator's are compared
/// with any.
fn compared(config: &Config, dataset: &Arc<Dataset>, position: u64) -> anyhow::Result<Option<Loader>> {
    if !config.loss.compares_features() {
        return Ok(None);
    }
    let seed = stream(config.train.seed, Purpose::GeneratorReal, 0).random();
    Ok(Some(Loader::seeded(Arc::clone(dataset), config, seed, position)?))
}

impl Feed for RunFeed {
    fn discriminator(&mut self) -> anyhow::Result<DiscriminatorBatch> {
        let batch = self.loader.next()?;
        let count = batch.labels.len();
        let Noise { seed, latent, ref device, .. } = self.noise;
        let mut rng = stream(seed, Purpose::DiscriminatorNoise, self.discriminator_draws);
        self.discriminator_draws += 1;
        let z = noise(&mut rng, count, latent, device)?;
        let alpha = if self.needs_alpha { (0..count).map(|_| rng.random::<f32>()).collect() } else { vec![0.0; count] };
        Ok(DiscriminatorBatch {
            real: self.images(batch.images, count)?,
            labels: Tensor::from_vec(batch.labels, count, device)?,
            z,
            alpha: Tensor::from_vec(alpha, (count, 1, 1, 1), device)?,
        })
    }

    fn generator(&mut self) -> anyhow::Result<GeneratorBatch> {
        let batch = self.compared.as_mut().map(Loader::next).transpose()?;
        let n = &self.noise;
        let mut rng = stream(n.seed, Purpose::GeneratorNoise, self.generator_draws);
        self.generator_draws += 1;
        // Images that are compared have the labels of those that they are compared with.
        let (labels, images) = match batch {
            Some(batch) => (batch.labels, Some(batch.images)),
            None => ((0..n.batch).map(|_| n.label(&mut rng)).collect(), None),
        };
        let z = noise(&mut rng, n.batch, n.latent, &n.device)?;
        let real = images.map(|images| self.images(images, n.batch)).transpose()?;
        Ok(GeneratorBatch { z, labels: Tensor::from_vec(labels, n.batch, &n.device)?, real })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(options: &[&str]) -> Config {
        let set = ["image_size=16", "data.demo_images=5", "train.batch_size=4", "data.color_jitter=0.2"];
        Config::default().with(&[&set[..], options].concat()).unwrap()
    }

    fn dataset(config: &Config) -> Arc<Dataset> {
        Arc::new(Dataset::load(config, &|_, _| true).expect("the demo set"))
    }

    #[test]
    fn images_that_are_compared_come_in_an_order_of_their_own_that_goes_on() {
        let config = config(&["loss.texture=1"]);
        let dataset = dataset(&config);
        let mut stream = compared(&config, &dataset, 0).unwrap().unwrap();
        let batches: Vec<_> = (0..4).map(|_| stream.next().unwrap()).collect();
        let mut later = compared(&config, &dataset, 3).unwrap().unwrap();
        assert_eq!((later.next().unwrap(), later.position()), (batches[3].clone(), 4));
        let mut own = Loader::new(dataset.clone(), &config, 0).unwrap();
        assert!((0..4).any(|at| own.next().unwrap().labels != batches[at].labels));
    }

    #[test]
    fn the_generator_draws_the_labels_of_what_it_is_compared_with() {
        let config = config(&["loss.perceptual=0.1"]);
        let dataset = dataset(&config);
        let mut feed = RunFeed::new(&config, dataset.clone(), &Device::Cpu).unwrap();
        let mut stream = compared(&config, &dataset, 0).unwrap().unwrap();
        for _ in 0..3 {
            let (batch, want) = (feed.generator().unwrap(), stream.next().unwrap());
            assert_eq!(batch.labels.to_vec1::<u32>().unwrap(), want.labels);
            let real = batch.real.unwrap();
            assert_eq!(real.dims(), [4, 16, 16, 3]);
            assert_eq!(real.flatten_all().unwrap().to_vec1::<f32>().unwrap(), want.images);
        }
        assert_eq!((feed.compared_position(), feed.loader_position(), feed.generator_draws), (3, 0, 3));
    }

    #[test]
    fn nothing_is_compared_where_it_is_off() {
        let config = config(&[]);
        let mut feed = RunFeed::new(&config, dataset(&config), &Device::Cpu).unwrap();
        let batch = feed.generator().unwrap();
        assert!(batch.real.is_none() && feed.compared.is_none() && feed.compared_position() == 0);
        // Labels and noise are those that the counter has always given.
        let mut rng = stream(config.train.seed, Purpose::GeneratorNoise, 0);
        let labels: Vec<u32> = (0..4).map(|_| feed.noise.label(&mut rng)).collect();
        assert_eq!(batch.labels.to_vec1::<u32>().unwrap(), labels);
    }

    #[test]
    fn labels_are_drawn_in_the_shares_in_which_classes_are_shown() {
        let (names, images) = (["a", "b", "c"].map(str::to_owned), [100, 25, 4]);
        let drawn = |entries: &[&str]| {
            let config = Config::default().with(entries).unwrap();
            let noise = Noise::new(&config, &names, &images, &Device::Cpu);
            let (mut rng, mut labels) = (stream(1, Purpose::GeneratorNoise, 0), [0.0; 3]);
            (0..10_000).for_each(|_| labels[noise.label(&mut rng) as usize] += 1.0 / 10_000.0);
            labels
        };
        for (entries, shares) in [
            (&[][..], [1.0; 3]),
            (&["data.balance=false"], [100.0, 25.0, 4.0]),
            (&["data.balance_to=square-root"], [10.0, 5.0, 2.0]),
            (&["data.balance_to=square-root", "data.class_factors={ c = 4, a = 0.5 }"], [5.0, 5.0, 8.0]),
        ] {
            let total: f64 = shares.iter().sum();
            for (drawn, share) in drawn(entries).into_iter().zip(shares) {
                assert!((drawn - share / total).abs() < 0.02, "{entries:?}: {drawn} for {}", share / total);
            }
        }
    }
}
