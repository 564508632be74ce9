//! What scores need to know about real images: computed once for their content, then read from the cache folder.
//!
//! A file is called by the SHA-256 of everything that decides its numbers, and holds that key, the statistics and a sum of
//! both. One that is damaged, cut off or another's is computed anew and replaced; a cache that cannot be written costs
//! time at the next run and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::data::Dataset;
use crate::feature::EfficientNet;
use crate::metric::Statistics;
use crate::ops::cpu;
use crate::session::write_whole;

/// Begins every file; the number grows where the layout of a file or the arithmetic behind it changes.
const MAGIC: &[u8; 16] = b"gandle-real v002";

/// Files that are kept, of at most 13 MB each: the newest.
const KEEP: usize = 32;

/// Bytes of a key, and of the sum at the end.
const SHA: usize = 32;

/// The statistics of the `chosen` real images, from `cache` where they stand there. `go_on` is asked between chunks of
/// images that have to be looked at; nothing is returned where it says no.
pub(super) fn statistics(
    extractor: &EfficientNet,
    dataset: &Dataset,
    chosen: &[usize],
    cache: Option<&Path>,
    go_on: &mut dyn FnMut() -> bool,
) -> anyhow::Result<Option<Statistics>> {
    let place = cache.map(|cache| Place::of(cache, dataset, chosen));
    if let Some(known) = place.as_ref().and_then(Place::read) {
        return Ok(Some(known));
    }
    let Some(fresh) = compute(extractor, dataset, chosen, go_on)? else { return Ok(None) };
    if let Some(Err(err)) = place.map(|place| place.write(&fresh)) {
        tracing::warn!("statistics of the real images could not be kept for the next run: {err:#}");
    }
    Ok(Some(fresh))
}

fn compute(
    extractor: &EfficientNet,
    dataset: &Dataset,
    chosen: &[usize],
    go_on: &mut dyn FnMut() -> bool,
) -> anyhow::Result<Option<Statistics>> {
    let mut features = Vec::with_capacity(chosen.len() * EfficientNet::FEATURES);
    let size = dataset.size();
    for part in chosen.chunks(128) {
        if !go_on() {
            return Ok(None);
        }
        let pixels: Vec<u8> = part.iter().flat_map(|i| dataset.pixels(*i)).copied().collect();
        features.extend(extractor.features(&pixels, size, size, dataset.channels())?);
    }
    Statistics::of(&features, EfficientNet::FEATURES).context("features of the real images").map(Some)
}

/// Everything that decides the numbers, to the last bit: labels are not in it, since the statistics are those of all
/// classes together, but the order of the images is, and what rounds the sums: the program, its threads, its processor.
fn key(dataset: &Dataset, chosen: &[usize]) -> [u8; SHA] {
    let mut hash = Sha256::new();
    let threads = rayon::current_num_threads().to_string();
    let instructions = cpu::instruction_set();
    let version = env!("CARGO_PKG_VERSION");
    for text in [EfficientNet::NAME, EfficientNet::RESIZE, version, instructions.as_str(), threads.as_str()] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.update(MAGIC);
    hash.update(EfficientNet::weights_sha256());
    for count in [dataset.size(), dataset.channels(), chosen.len()] {
        hash.update((count as u64).to_le_bytes());
    }
    for index in chosen {
        hash.update(dataset.pixels(*index));
    }
    hash.finalize().into()
}

/// Where statistics are kept.
struct Place {
    key: [u8; SHA],
    path: PathBuf,
}

impl Place {
    fn of(cache: &Path, dataset: &Dataset, chosen: &[usize]) -> Self {
        let key = key(dataset, chosen);
        let name: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { key, path: cache.join("real").join(format!("{name}.statistics")) }
    }

    /// What is there; nothing where there is nothing, or not what should be.
    fn read(&self) -> Option<Statistics> {
        let content = fs::read(&self.path).ok()?;
        let known = self.open(&content);
        if known.is_none() {
            tracing::info!("{} is damaged or another program's and is made anew", self.path.display());
        }
        known
    }

    fn open(&self, content: &[u8]) -> Option<Statistics> {
        let (content, sum) = content.split_last_chunk::<SHA>()?;
        let rest = content.strip_prefix(MAGIC)?.strip_prefix(&self.key)?;
        if Sha256::digest(content)[..] != *sum {
            return None;
        }
        Statistics::from_bytes(rest)
    }

    fn write(&self, statistics: &Statistics) -> anyhow::Result<()> {
        let mut content = [&MAGIC[..], &self.key, &statistics.to_bytes()].concat();
        let sum = Sha256::digest(&content);
        content.extend(&sum[..]);
        let folder = self.path.parent().context("a file in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
        write_whole(&self.path, &content)?;
        keep_newest(folder);
        Ok(())
    }
}

/// Removes what was not written lately, so that the cache does not grow for ever.
fn keep_newest(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let written = |entry: &fs::DirEntry| entry.metadata().and_then(|about| about.modified());
    let mut files: Vec<(SystemTime, PathBuf)> =
        entries.flatten().filter_map(|entry| Some((written(&entry).ok()?, entry.path()))).collect();
    files.sort();
    for (_, path) in files.iter().rev().skip(KEEP) {
        fs::remove_file(path).ok(); // Another process may have been first.
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn dataset(images: usize) -> Dataset {
        let mut config = Config { image_size: 16, ..Config::default() };
        config.data.demo_images = images;
        Dataset::load(&config, &|_, _| true).unwrap()
    }

    const CHOSEN: [usize; 5] = [0, 2, 5, 6, 9];

    /// The statistics as bytes, and how many chunks of images were looked at for them.
    fn taken(dataset: &Dataset, chosen: &[usize], cache: Option<&Path>) -> (Vec<u8>, usize) {
        let extractor = EfficientNet::shipped().unwrap();
        let mut chunks = 0;
        let mut count = || {
            chunks += 1;
            true
        };
        let statistics = statistics(&extractor, dataset, chosen, cache, &mut count).unwrap().unwrap();
        (statistics.to_bytes(), chunks)
    }

    fn files(cache: &Path) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(cache.join("real")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    #[test]
    fn a_second_run_reads_the_same_bits_and_looks_at_no_image() {
        let (cache, data) = (tempfile::tempdir().unwrap(), dataset(2));
        let (without, chunks) = taken(&data, &CHOSEN, None);
        assert_eq!(chunks, 1);
        assert_eq!(taken(&data, &CHOSEN, Some(cache.path())), (without.clone(), 1));
        assert_eq!(taken(&data, &CHOSEN, Some(cache.path())), (without, 0));
        assert_eq!(files(cache.path()).len(), 1, "one file, and nothing left beside it");
    }

    #[test]
    fn other_images_another_order_or_other_threads_have_another_key() {
        let data = dataset(2);
        let mut config = Config { image_size: 16, channels: 1, ..Config::default() };
        config.data.demo_images = 2;
        let grey = Dataset::load(&config, &|_, _| true).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(7).build().unwrap();
        let mut keys = vec![
            key(&data, &CHOSEN),
            key(&data, &[0, 2, 5, 6]),
            key(&data, &[0, 2, 5, 6, 10]),
            key(&data, &[2, 0, 5, 6, 9]),
            key(&grey, &CHOSEN),
            pool.install(|| key(&data, &CHOSEN)),
        ];
        assert_eq!(key(&dataset(2), &CHOSEN), keys[0], "the same content has the same key");
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 6);
    }

    #[test]
    fn a_damaged_or_foreign_file_is_made_anew() {
        let (cache, data) = (tempfile::tempdir().unwrap(), dataset(2));
        let want = taken(&data, &CHOSEN, Some(cache.path())).0;
        let path = files(cache.path()).remove(0);
        let good = fs::read(&path).unwrap();
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        let other = Place { key: [7; SHA], path: path.clone() };
        other.write(&Statistics::of(&[1.0, 2.0, 3.0, 4.0], 2).unwrap()).unwrap();
        let foreign = fs::read(&path).unwrap();
        for bad in [&[][..], b"anything", &good[..good.len() - 1], &good[..60], &flipped, &foreign] {
            fs::write(&path, bad).unwrap();
            assert_eq!(taken(&data, &CHOSEN, Some(cache.path())), (want.clone(), 1));
            assert_eq!(fs::read(&path).unwrap(), good, "it was replaced");
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
    fn two_at_once_leave_one_whole_file() {
        let (cache, data) = (tempfile::tempdir().unwrap(), dataset(1));
        let place = Place::of(cache.path(), &data, &[0, 1]);
        let features = |n: u8| vec![f32::from(n); 2 * 40_000];
        std::thread::scope(|scope| {
            for n in 0..4 {
                let (place, written) = (&place, Statistics::of(&features(n), 40_000).unwrap());
                scope.spawn(move || (0..5).for_each(|_| place.write(&written).unwrap()));
            }
            for _ in 0..200 {
                // Never half of one: either nothing yet, or one that opens.
                assert!(fs::read(&place.path).map_or(true, |content| place.open(&content).is_some()));
            }
        });
        assert_eq!(files(cache.path()), [place.path]);
    }

    #[test]
    fn only_the_newest_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for age in 0..40_u64 {
            let path = folder.path().join(format!("{age:02}"));
            let file = fs::File::create(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(9_000 - age)).unwrap();
        }
        keep_newest(folder.path());
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!((left.len(), left[KEEP - 1].to_str()), (KEEP, Some("31")));
    }
}
