//! Prepares batches ahead of training, in threads of their own, so that training never waits for them.
//!
//! Batch number `b` depends on the seed, the data and the settings alone, not on which thread makes it or when.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::augment::{to_unit, vary};
use super::depth::Level;
use super::sampler::ShuffledSampler;
use super::{DataError, Dataset};
use crate::config::rng::{Purpose, stream};
use crate::config::{Config, Data};
use crate::guard::{self, few};

/// Real images for one update.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `(B, H, W, C)`, row by row, in [-1, 1]: a byte `x` becomes `x / 127.5 - 1`, a value of 16 bits `x / 32767.5 - 1`.
    pub images: Vec<f32>,
    /// `(B)`.
    pub labels: Vec<u32>,
}

/// Batches that each thread keeps ready.
const AHEAD: usize = 3;

/// The most threads that are started, whatever the configuration says.
const MAX_WORKERS: usize = 64;

/// What a thread sends: a batch, or the words of its panic.
type PreparedBatch = Result<Batch, String>;

/// An endless stream of batches. Its state is the number of the next batch.
pub struct Loader {
    position: u64,
    start: u64,
    /// One queue a worker: worker `w` of `n` makes batches `start + w`, `start + w + n`, and so on.
    queues: Vec<Receiver<PreparedBatch>>,
    workers: Vec<JoinHandle<()>>,
}

impl Loader {
    /// Starts at batch number `position`: 0 for a new run, [`Loader::position`] of the old loader for a resumed one.
    ///
    /// # Errors
    /// Where the data holds no image, `data.class_factors` names a class that it does not have, the batch size is 0, or a thread cannot be started.
    pub fn new(dataset: Arc<Dataset>, config: &Config, position: u64) -> Result<Self, DataError> {
        Self::seeded(dataset, config, config.train.seed, position)
    }

    /// A second loader beside that of the run, whose order and variations come from another seed than the run's.
    ///
    /// # Errors
    /// As [`Loader::new`].
    pub fn seeded(dataset: Arc<Dataset>, config: &Config, seed: u64, position: u64) -> Result<Self, DataError> {
        if dataset.is_empty() {
            let message = "the data holds no image".to_owned();
            return Err(DataError::Settings { key: "data.source", message });
        }
        if config.train.batch_size == 0 {
            let message = "a batch of 0 images teaches nothing; 1 or more".to_owned();
            return Err(DataError::Settings { key: "train.batch_size", message });
        }
        let (names, counts) = (dataset.class_names(), dataset.class_counts());
        refuse_unknown_classes(config, &names)?;
        let quotas = config.data.class_quotas(&names, &counts);
        let recipe = Recipe {
            order: ShuffledSampler::new(seed, &counts, quotas),
            data: config.data.clone(),
            seed,
            batch_size: config.train.batch_size,
            dataset,
        };
        let count = config.data.workers.clamp(1, MAX_WORKERS);
        let mut loader = Self { position, start: position, queues: Vec::new(), workers: Vec::new() };
        for number in 0..count as u64 {
            let (sender, queue) = bounded(AHEAD);
            let mut recipe = recipe.clone();
            let make = move |batch| recipe.make(batch);
            let worker = Builder::new()
                .name(format!("gandle-loader-{number}"))
                .spawn(move || work(make, position + number, count, &sender))
                .map_err(DataError::Thread)?;
            loader.queues.push(queue);
            loader.workers.push(worker);
        }
        Ok(loader)
    }

    /// The next batch.
    ///
    /// # Errors
    /// Where the thread that should have made it has panicked.
    #[expect(clippy::should_implement_trait, reason = "the stream has no end, and an error is no item of it")]
    pub fn next(&mut self) -> Result<Batch, DataError> {
        let worker = ((self.position - self.start) % self.queues.len() as u64) as usize;
        let failed = |message| DataError::Worker { batch: self.position, message };
        let gone = |_| failed("its thread has ended".to_owned());
        let batch = self.queues[worker].recv().map_err(gone)?.map_err(failed)?;
        self.position += 1;
        Ok(batch)
    }

    /// The number of the next batch.
    pub fn position(&self) -> u64 {
        self.position
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        // First the queues, so that a thread that waits for room in one wakes up; the other way round would hang.
        self.queues.clear();
        for worker in self.workers.drain(..) {
            worker.join().ok();
        }
    }
}

/// Makes every `stride`-th batch from `first` on until nobody wants them or one fails.
fn work(mut make: impl FnMut(u64) -> Batch, first: u64, stride: usize, queue: &Sender<PreparedBatch>) {
    for number in (first..).step_by(stride) {
        let made = guard::catch(|| make(number)).map_err(|panicked| panicked.0);
        let ended = made.is_err();
        if queue.send(made).is_err() || ended {
            return;
        }
    }
}

/// Everything that a batch depends on, beside its number.
#[derive(Clone)]
struct Recipe {
    dataset: Arc<Dataset>,
    order: ShuffledSampler,
    data: Data,
    seed: u64,
    batch_size: usize,
}

impl Recipe {
    fn make(&mut self, batch: u64) -> Batch {
        let (size, channels) = (self.dataset.size(), self.dataset.channels());
        let mut images = vec![0.0; self.batch_size * size * size * channels];
        let mut labels = Vec::with_capacity(self.batch_size);
        for (at, out) in images.chunks_exact_mut(size * size * channels).enumerate() {
            let sample = batch * self.batch_size as u64 + at as u64;
            let index = self.order.image(sample);
            labels.push(self.dataset.label(index));
            match self.dataset.words(index) {
                Some(words) => self.fill(sample, &words, out),
                None => self.fill(sample, self.dataset.pixels(index), out),
            }
        }
        Batch { images, labels }
    }

    /// An image as floats, varied where the settings say so.
    fn fill<T: Level>(&self, sample: u64, pixels: &[T], out: &mut [f32]) {
        if self.data.is_augmented() {
            let mut rng = stream(self.seed, Purpose::Augmentation, sample);
            vary(&self.data, &mut rng, pixels, self.dataset.size(), self.dataset.channels(), out);
        } else {
            for (to, level) in out.iter_mut().zip(pixels) {
                *to = to_unit(*level);
            }
        }
    }
}

/// A factor for a class that the data does not have would silently do nothing.
fn refuse_unknown_classes(config: &Config, names: &[String]) -> Result<(), DataError> {
    let unknown: Vec<String> =
        config.data.class_factors.keys().filter(|name| !names.contains(name)).map(|name| format!("`{name}`")).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let message = format!("the data has no class {}; its classes are {}", few(&unknown), few(names));
    Err(DataError::Settings { key: "data.class_factors", message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_worker_becomes_an_error() {
        let (sender, queue) = bounded(AHEAD);
        let make = |number| if number < 2 { Batch { images: vec![], labels: vec![] } } else { panic!("no more") };
        let worker = Builder::new().spawn(move || work(make, 0, 1, &sender)).expect("a thread");
        let mut loader = Loader { position: 0, start: 0, queues: vec![queue], workers: vec![worker] };
        assert!(loader.next().is_ok() && loader.next().is_ok());
        let err = loader.next().expect_err("the third panics").to_string();
        assert!(err.contains("batch 2") && err.contains("no more"), "{err}");
        assert!(loader.next().expect_err("still").to_string().contains("ended"));
        assert_eq!(loader.position(), 2);
    }
}
