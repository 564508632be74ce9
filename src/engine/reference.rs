//! What an extractor sees in real images: computed once for their content, then read from the cache folder.

use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::feature_cache::{CacheFile, FEATURES, Key, MAGIC, STATISTICS};
use crate::data::Dataset;
use crate::event::ScoreProgress;
use crate::feature::{Extractor, Picture, Resize, Seen};
use crate::metric::{Features, Statistics};
use crate::ops::cpu;

/// Images that are looked at between two looks at the commands.
pub(super) const TOGETHER: usize = 128;

/// What is said to be under way while real images are looked at.
const REAL: &str = "real images";

/// A network, and how images are brought to its size.
pub(super) struct Featurizer {
    pub extractor: Extractor,
    pub resize: Resize,
}

/// Real images as an extractor sees them.
pub(super) struct Reference {
    pub features: Features,
    /// What the extractor's last layer says, where it has one.
    pub logits: Option<Features>,
    pub labels: Vec<u32>,
    /// Of all of them, then of each class; nothing for a class without enough.
    pub statistics: Vec<Option<Statistics>>,
}

impl Featurizer {
    /// What it sees in square pictures of `side` pixels, one behind the other.
    pub fn look(&self, pixels: &[u8], side: usize, channels: usize) -> anyhow::Result<Seen> {
        let pictures: Vec<Picture<'_>> = pixels
            .chunks_exact(side * side * channels)
            .map(|pixels| Picture { pixels, height: side, width: side, channels })
            .collect();
        Ok(self.extractor.look(&pictures, self.resize)?)
    }

    /// The `chosen` images of a data set, from `cache` where they stand there. `go_on` is asked between chunks of images
    /// that have to be looked at; nothing is returned where it says no.
    pub fn real(
        &self,
        dataset: &Dataset,
        chosen: &[usize],
        cache: Option<&Path>,
        go_on: &mut dyn FnMut(ScoreProgress) -> bool,
    ) -> anyhow::Result<Option<Reference>> {
        let key = self.key(dataset, chosen);
        let place = cache.map(|cache| CacheFile::of(cache, key, FEATURES));
        let known = place.as_ref().and_then(|place| place.read(|bytes| self.parse(bytes, chosen.len())));
        let seen = match known {
            Some(known) => known,
            None => {
                let Some(fresh) = self.look_at(dataset, chosen, go_on)? else { return Ok(None) };
                if let Some(place) = place {
                    let numbers = fresh.features.iter().chain(&fresh.logits);
                    place.write(&numbers.flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>());
                }
                fresh
            }
        };
        let failed = "features of the real images";
        let features = self.features(&seen).context(failed)?;
        let logits = self.logits(&seen).context(failed)?;
        let labels: Vec<u32> = chosen.iter().map(|image| dataset.label(*image)).collect();
        let statistics = statistics(&features, &labels, dataset.class_names().len(), key, cache);
        Ok(Some(Reference { features, logits, labels, statistics }))
    }

    /// As f64, checked.
    pub fn features(&self, seen: &Seen) -> anyhow::Result<Features> {
        Ok(Features::of(&seen.features, self.extractor.features())?)
    }

    /// As f64, checked; nothing of an extractor without them.
    pub fn logits(&self, seen: &Seen) -> anyhow::Result<Option<Features>> {
        let count = self.extractor.logits();
        Ok(if count == 0 { None } else { Some(Features::of(&seen.logits, count)?) })
    }

    fn look_at(
        &self,
        dataset: &Dataset,
        chosen: &[usize],
        go_on: &mut dyn FnMut(ScoreProgress) -> bool,
    ) -> anyhow::Result<Option<Seen>> {
        let mut all = Seen::default();
        for (at, part) in chosen.chunks(TOGETHER).enumerate() {
            if !go_on(ScoreProgress { doing: REAL, done: at * TOGETHER, total: chosen.len() }) {
                return Ok(None);
            }
            let pixels: Vec<u8> = part.iter().flat_map(|i| dataset.pixels(*i)).copied().collect();
            let seen = self.look(&pixels, dataset.size(), dataset.channels())?;
            all.features.extend(seen.features);
            all.logits.extend(seen.logits);
        }
        Ok(Some(all))
    }

    /// What was written of so many images.
    fn parse(&self, bytes: &[u8], images: usize) -> Option<Seen> {
        let (words, rest) = bytes.as_chunks::<4>();
        let (features, logits) = (self.extractor.features(), self.extractor.logits());
        if !rest.is_empty() || words.len() != images * (features + logits) {
            return None;
        }
        let mut features: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        let logits = features.split_off(images * self.extractor.features());
        Some(Seen { features, logits })
    }

    /// Everything that decides the numbers, to the last bit: the images with their labels in their order,
    /// and what rounds: the program, its threads, its processor.
    fn key(&self, dataset: &Dataset, chosen: &[usize]) -> Key {
        let mut hash = Sha256::new();
        let threads = rayon::current_num_threads().to_string();
        let instructions = cpu::instruction_set();
        let (name, weights) = (self.extractor.name(), self.extractor.weights_sha256());
        let version = env!("CARGO_PKG_VERSION");
        for text in [name, &weights, self.resize.name(), version, &instructions, &threads] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hash.update(MAGIC);
        for count in [dataset.size(), dataset.channels(), chosen.len()] {
            hash.update((count as u64).to_le_bytes());
        }
        for index in chosen {
            hash.update(dataset.label(*index).to_le_bytes());
            hash.update(dataset.pixels(*index));
        }
        hash.finalize().into()
    }
}

/// The statistics of all images and of each class.
fn statistics(
    features: &Features,
    labels: &[u32],
    classes: usize,
    key: Key,
    cache: Option<&Path>,
) -> Vec<Option<Statistics>> {
    let of = |class: Option<usize>| {
        let kind = class.map_or_else(|| STATISTICS.to_owned(), |class| format!("{STATISTICS}-{class}"));
        let place = cache.map(|cache| CacheFile::of(cache, key, &kind));
        if let Some(known) = place.as_ref().and_then(|place| place.read(Statistics::from_bytes)) {
            return Some(known);
        }
        let statistics = match class {
            None => Statistics::of_f64(features.numbers(), features.dimensions()),
            Some(class) => {
                let own: Vec<usize> = (0..labels.len()).filter(|image| labels[*image] as usize == class).collect();
                Statistics::of_f64(features.take(&own).numbers(), features.dimensions())
            }
        };
        // That a class has too few images is told with its scores.
        let statistics = statistics.ok()?;
        // Those of few images cost less to make than to read.
        if let Some(place) = place.filter(|_| statistics.samples() > statistics.dimensions()) {
            place.write(&statistics.to_bytes());
        }
        Some(statistics)
    };
    std::iter::once(None).chain((0..classes).map(Some)).map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::config::{Choice as _, Config, Shipped};

    fn dataset(images: usize) -> Dataset {
        let mut config = Config { image_size: 16, ..Config::default() };
        config.data.demo_images = images;
        Dataset::load(&config, &|_, _| true).unwrap()
    }

    fn eye() -> Featurizer {
        of(Shipped::EfficientNetLite0)
    }

    fn of(network: Shipped) -> Featurizer {
        Featurizer { extractor: Extractor::named(network.key()).unwrap(), resize: Resize::PytorchFid }
    }

    const CHOSEN: [usize; 5] = [0, 1, 4, 5, 9];

    /// The features, the statistics as bytes, and how many chunks of images were looked at for them.
    fn taken(dataset: &Dataset, chosen: &[usize], cache: Option<&Path>) -> (Features, Vec<Vec<u8>>, usize) {
        let mut chunks = 0;
        let mut count = |_: ScoreProgress| {
            chunks += 1;
            true
        };
        let real = eye().real(dataset, chosen, cache, &mut count).unwrap().unwrap();
        let bytes = real.statistics.iter().flatten().map(Statistics::to_bytes).collect();
        (real.features, bytes, chunks)
    }

    fn files(cache: &Path) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(cache.join("gandle-features")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    #[test]
    fn a_second_run_reads_the_same_bits_and_looks_at_no_image() {
        let (cache, data) = (tempfile::tempdir().unwrap(), dataset(2));
        let (features, statistics, chunks) = taken(&data, &CHOSEN, None);
        // All together, and the classes with two images or more.
        assert_eq!((chunks, statistics.len()), (1, 3));
        let first = (features.clone(), statistics.clone(), 1);
        assert_eq!(taken(&data, &CHOSEN, Some(cache.path())), first);
        assert_eq!(taken(&data, &CHOSEN, Some(cache.path())), (features, statistics, 0));
        assert_eq!(files(cache.path()).len(), 1, "one file, and nothing left beside it");
    }

    #[test]
    fn other_images_another_order_another_network_resize_or_other_threads_have_another_key() {
        let data = dataset(2);
        let mut config = Config { image_size: 16, channels: 1, ..Config::default() };
        config.data.demo_images = 2;
        let grey = Dataset::load(&config, &|_, _| true).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(7).build().unwrap();
        let eye = eye();
        let clean = Featurizer { resize: Resize::Clean, ..self::eye() };
        let mut keys = vec![
            eye.key(&data, &CHOSEN),
            eye.key(&data, &[0, 1, 4, 5]),
            eye.key(&data, &[0, 1, 4, 5, 10]),
            eye.key(&data, &[1, 0, 4, 5, 9]),
            eye.key(&grey, &CHOSEN),
            clean.key(&data, &CHOSEN),
            of(Shipped::EfficientNetLite2).key(&data, &CHOSEN),
            pool.install(|| eye.key(&data, &CHOSEN)),
        ];
        assert_eq!(eye.key(&dataset(2), &CHOSEN), keys[0], "the same content has the same key");
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 8);
    }

    #[test]
    fn a_damaged_or_foreign_file_is_made_anew() {
        let (cache, data) = (tempfile::tempdir().unwrap(), dataset(2));
        let (want, ..) = taken(&data, &CHOSEN, Some(cache.path()));
        let path = files(cache.path()).remove(0);
        let good = fs::read(&path).unwrap();
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        // As long, and whole, but of other images.
        taken(&data, &[1, 3, 4, 7, 8], Some(cache.path()));
        let other = files(cache.path()).into_iter().find(|file| *file != path).unwrap();
        let foreign = fs::read(&other).unwrap();
        assert_eq!(foreign.len(), good.len());
        for bad in [&[][..], b"anything", &good[..good.len() - 1], &good[..60], &flipped, &foreign] {
            fs::write(&path, bad).unwrap();
            let (features, _, chunks) = taken(&data, &CHOSEN, Some(cache.path()));
            assert!(features == want && chunks == 1);
            assert!(fs::read(&path).unwrap() == good, "it was replaced");
        }
    }

    #[test]
    fn a_cache_that_cannot_be_written_costs_nothing_but_time() {
        let (root, data) = (tempfile::tempdir().unwrap(), dataset(2));
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(taken(&data, &CHOSEN, Some(&file)), taken(&data, &CHOSEN, None));
    }

    #[test]
    fn statistics_of_more_images_than_features_are_kept_too() {
        let cache = tempfile::tempdir().unwrap();
        let numbers: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17)).collect();
        let features = Features::new(numbers, 2).unwrap();
        let labels: Vec<u32> = (0..20).map(|image| u32::from(image == 19)).collect();
        let of = || statistics(&features, &labels, 3, [9; 32], Some(cache.path()));
        let bytes = |all: Vec<Option<Statistics>>| -> Vec<_> {
            all.into_iter().map(|one| one.map(|one| one.to_bytes())).collect()
        };
        let first = bytes(of());
        assert_eq!(first.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, false]);
        assert_eq!((bytes(of()), files(cache.path()).len()), (first, 2));
    }
}
