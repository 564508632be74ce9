//! What tells one data set from another, and one machine from another.

use std::path::Path;

use anyhow::Context as _;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::config::{Config, FeatureNetwork};
use crate::data::Dataset;
use crate::feature::file::sha256;
use crate::guard::hex;
use crate::ops::cpu;
use crate::session::{DataFingerprint, Machine};

/// A machine in words.
pub(super) fn described(machine: &Machine) -> String {
    let Machine { version, device, threads, instructions } = machine;
    format!("gandle {version} on {device} with {threads} threads ({instructions})")
}

/// What decides how this process rounds.
pub(super) fn machine(device: &str, threads: usize) -> Machine {
    let (version, instructions) = (env!("CARGO_PKG_VERSION").to_owned(), cpu::instruction_set());
    Machine { version, device: device.to_owned(), threads, instructions }
}

/// What tells this data set from others: the images of each class, and a sum over all that is kept of their pixels in order, and over those
/// that are held out; and a sum over the weights that its features are compared with.
///
/// # Errors
/// Where the file of these weights cannot be read.
pub(super) fn data_fingerprint(dataset: &Dataset, config: &Config) -> anyhow::Result<DataFingerprint> {
    let mut whole = Sha256::new();
    for number in [dataset.size(), dataset.channels()] {
        whole.update((number as u64).to_le_bytes());
    }
    for side in [Some(dataset), dataset.held_out()].into_iter().flatten() {
        let sums: Vec<_> = (0..side.len()).into_par_iter().map(|i| Sha256::digest(side.content(i))).collect();
        sums.iter().for_each(|sum| whole.update(sum));
    }
    let loss = &config.loss;
    let from_file = loss.compares_features() && loss.features == FeatureNetwork::Vgg19;
    let features = from_file.then(|| sha256(Path::new(&loss.vgg19)));
    let features = features.transpose().with_context(|| format!("loss.vgg19: {} cannot be read", loss.vgg19))?;
    Ok(DataFingerprint { images: dataset.class_counts(), sha256: hex(&whole.finalize()), features })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_weights_that_features_are_compared_with_make_another_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vgg19.pth");
        let mut config = Config { image_size: 16, ..Config::default() };
        config.data.demo_images = 1;
        config.loss.vgg19 = file.display().to_string();
        let data = Dataset::load(&config, &|_, _| true).unwrap();
        config.loss.features = FeatureNetwork::Vgg19;
        assert_eq!(data_fingerprint(&data, &config).unwrap().features, None, "nothing is compared");
        config.loss.texture = 1.0;
        let missing = format!("{:#}", data_fingerprint(&data, &config).unwrap_err());
        assert!(missing.contains("loss.vgg19") && missing.contains("vgg19.pth"), "{missing}");
        let of = |content: &str| {
            std::fs::write(&file, content).unwrap();
            data_fingerprint(&data, &config).unwrap()
        };
        let (first, second) = (of("weights"), of("other weights"));
        assert_eq!(first.features.as_deref().map(str::len), Some(64));
        assert!(first != second && first == of("weights"));
    }

    #[test]
    fn the_mark_of_data_follows_order_and_pixels_alone() {
        let mut config = Config::default();
        (config.image_size, config.data.demo_images) = (16, 3);
        let of = |config: &Config| data_fingerprint(&Dataset::load(config, &|_, _| true).unwrap(), config).unwrap();
        let first = of(&config);
        assert_eq!(first.images, [3; 6]);
        config.data.rotation = 20.0;
        config.train.seed = 9;
        assert_eq!(of(&config), first);
        config.channels = 1;
        assert_ne!(of(&config).sha256, first.sha256);
        (config.channels, config.data.held_out) = (3, 0.34);
        let held = of(&config);
        assert_eq!(held.images, [2; 6]);
        config.data.split_seed = 1;
        let other = of(&config);
        assert!(other.images == held.images && other.sha256 != held.sha256, "another split is another data set");
    }
}
