//! Options of the networks against a PyTorch reference (`tests/reference/make_networks.py`), and in whole steps.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/recorded.rs"]
mod recorded;

use candle_core::{Device, Tensor};
use gandle::config::{Config, Stage, has_errors};
use gandle::event::Number;
use gandle::model::{Discriminator, Generator, Store};
use gandle::train::{DiscriminatorBatch, Feed, GeneratorBatch, Trainer};
use recorded::Case;
use safetensors::SafeTensors;

const NETWORKS: &[u8] = include_bytes!("data/networks.safetensors");

/// As [`recorded::compare`], and every weight is read.
fn compare(case: &Case<'_>, config: &Config, classes: usize) {
    let (read, store) = recorded::compare(case, config, classes, Stage::WHOLE);
    assert_eq!(read.len(), store.entries().iter().filter(|entry| entry.learnt).count(), "{}", case.name);
}

#[test]
fn outputs_and_gradients_are_the_references() {
    let (_, metadata) = SafeTensors::read_metadata(NETWORKS).unwrap();
    let cases = metadata.metadata().clone().unwrap().remove("cases").unwrap();
    let cases: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&cases).unwrap();
    let tensors = candle_core::safetensors::load_buffer(NETWORKS, &Device::Cpu).unwrap();
    assert_eq!(cases.len(), 5);
    for (name, mut config) in cases {
        let classes = config.as_object_mut().unwrap().remove("classes").unwrap().as_u64().unwrap();
        let config: Config = serde_json::from_value(config).unwrap();
        compare(&Case { name: &name, tensors: &tensors }, &config, usize::try_from(classes).unwrap());
    }
}

/// Made-up batches of 4 images of 16 px.
struct MadeUp;

fn wave(shape: &[usize], phase: f32) -> Tensor {
    let count: usize = shape.iter().product();
    Tensor::from_vec((0..count).map(|i| (1.7 * i as f32 + phase).sin()).collect(), shape, &Device::Cpu).unwrap()
}

fn labels() -> Tensor {
    Tensor::new(&[0u32, 1, 2, 0], &Device::Cpu).unwrap()
}

impl Feed for MadeUp {
    fn discriminator(&mut self) -> anyhow::Result<DiscriminatorBatch> {
        let alpha = wave(&[4, 1, 1, 1], 0.3).sqr()?;
        Ok(DiscriminatorBatch { real: wave(&[4, 16, 16, 3], 0.5), labels: labels(), z: wave(&[4, 8], 1.0), alpha })
    }

    fn generator(&mut self) -> anyhow::Result<GeneratorBatch> {
        Ok(GeneratorBatch { z: wave(&[4, 8], 2.0), labels: labels(), real: None })
    }
}

fn numbers(store: &Store) -> Vec<f32> {
    let learnt = store.entries().iter().filter(|entry| entry.learnt);
    learnt.flat_map(|entry| entry.tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()).collect()
}

/// Trains two steps, and reads the state back into networks of another seed.
fn train(set: &[&str]) {
    let small = [
        "image_size=16",
        "generator.latent_dim=8",
        "generator.label_embedding=4",
        "generator.base_channels=4",
        "discriminator.label_embedding=4",
        "discriminator.base_channels=4",
        "train.batch_size=4",
    ];
    let set: Vec<String> = small.iter().chain(set).map(|entry| (*entry).to_owned()).collect();
    let mut config = Config::default().with(&set).unwrap();
    assert!(!has_errors(&config.check(Some(3))), "{set:?}: {:?}", config.check(Some(3)));
    let mut trainer = Trainer::new(&config, 3, &Device::Cpu).unwrap();
    let cost = config.cost(3);
    let counted = (trainer.generator().parameters(), trainer.discriminator().parameters());
    assert_eq!((cost.generator_parameters, cost.discriminator_parameters), counted, "{set:?}");
    let start = (numbers(trainer.generator()), numbers(trainer.discriminator()));
    for _ in 0..2 {
        let losses = trainer.step(&mut MadeUp, 1.0).unwrap();
        assert!(losses[Number::LossD].is_finite() && losses[Number::LossG].is_finite(), "{set:?}: {losses:?}");
    }
    assert!(trainer.is_finite().unwrap(), "{set:?}");
    let moved = |before: &[f32], after: &[f32]| before.iter().zip(after).filter(|(a, b)| a != b).count();
    let (g, d) = (moved(&start.0, &numbers(trainer.generator())), moved(&start.1, &numbers(trainer.discriminator())));
    assert!(2 * g > counted.0 && 2 * d > counted.1, "{set:?}: {g} and {d} of {counted:?} moved");
    let files = trainer.to_files().unwrap();
    config.train.seed = 1;
    let mut other = Trainer::new(&config, 3, &Device::Cpu).unwrap();
    let read = |name: &str| Ok(files.iter().find(|file| file.0 == name).unwrap().1.clone());
    other.load_files(read).unwrap();
    let [one, two] =
        [&mut trainer, &mut other].map(|t| t.images(&t.ema().clone(), &wave(&[4, 8], 3.0), &labels(), 4).unwrap());
    assert_eq!(one, two, "{set:?}");
}

#[test]
fn every_option_trains_and_is_read_back() {
    const STDDEV: &str = "discriminator.minibatch_stddev=true";
    const UNET: &str = "discriminator.unet=true";
    const WASSERSTEIN: &str = "loss.kind=wasserstein-gp";
    const BCE: &str = "loss.kind=bce";
    for set in [
        &[STDDEV][..],
        &[STDDEV, WASSERSTEIN, "discriminator.norm=layer"],
        &[STDDEV, BCE, "discriminator.conditioning=auxiliary"],
        &[UNET],
        &[UNET, WASSERSTEIN, "discriminator.spectral_norm=false", "discriminator.norm=layer"],
        &[UNET, BCE, "discriminator.norm=batch", "discriminator.attention=[8]"],
        &[UNET, STDDEV, WASSERSTEIN, "discriminator.conditioning=projection"],
        &[UNET, WASSERSTEIN, "discriminator.attention=[4, 8]", "discriminator.attention_form=sagan"],
        &["generator.skip=excitation"],
        &["generator.skip=excitation", "generator.norm=conditional-batch", "generator.attention=[4, 8]", WASSERSTEIN],
    ] {
        train(set);
    }
}

#[test]
fn parameters_of_every_family_are_counted_at_every_size() {
    for size in [16, 32, 64, 128, 256] {
        for (channels, conditioning, beside) in [(1, "none", 0), (3, "projection", 2)] {
            for (generator, discriminator) in [("fast", "dcgan"), ("dcgan", "projected"), ("fast", "projected")] {
                let set = [
                    format!("image_size={size}"),
                    format!("channels={channels}"),
                    format!("generator.family={generator}"),
                    format!("discriminator.family={discriminator}"),
                    format!("discriminator.conditioning={conditioning}"),
                    format!("discriminator.pixel_channels={beside}"),
                    "generator.base_channels=2".to_owned(),
                    "discriminator.base_channels=2".to_owned(),
                    "discriminator.spectral_norm=false".to_owned(),
                ];
                let config = Config::default().with(&set).unwrap();
                let cost = config.cost(3);
                let (_, generator) = Generator::new(&config, 3, &Device::Cpu).unwrap();
                let (_, discriminator) = Discriminator::new(&config, 3, &Device::Cpu).unwrap();
                let counted = (generator.parameters(), discriminator.parameters());
                assert_eq!((cost.generator_parameters, cost.discriminator_parameters), counted, "{set:?}");
            }
        }
    }
}

#[test]
fn parameters_are_counted_at_every_size() {
    for size in [16usize, 32, 64, 128, 256, 512] {
        for scales in 1..=usize::try_from(size.ilog2() - 3).unwrap() {
            let mut config = Config { image_size: size, ..Config::default() };
            config = config
                .with(&["generator.base_channels=1", "discriminator.base_channels=1"].map(str::to_owned))
                .unwrap()
                .with(&["discriminator.unet=true", "discriminator.minibatch_stddev=true"].map(str::to_owned))
                .unwrap()
                .with(&["generator.skip=excitation".to_owned(), format!("discriminator.scales={scales}")])
                .unwrap();
            config.discriminator.label_embedding = 1;
            // Singular vectors learn nothing, and settling those of the widest layers takes long.
            config.discriminator.spectral_norm = false;
            let cost = config.cost(2);
            let (_, generator) = Generator::new(&config, 2, &Device::Cpu).unwrap();
            let (_, discriminator) = Discriminator::new(&config, 2, &Device::Cpu).unwrap();
            let counted = (generator.parameters(), discriminator.parameters());
            assert_eq!(
                (cost.generator_parameters, cost.discriminator_parameters),
                counted,
                "{size} px, {scales} scales"
            );
        }
    }
}

#[test]
fn attention_is_counted_in_both_forms() {
    for (form, channels) in [("plain", 1), ("plain", 12), ("sagan", 1), ("sagan", 12)] {
        let set = ["generator", "discriminator"].map(|network| {
            [
                format!("{network}.attention=[4, 8]"),
                format!("{network}.attention_form={form}"),
                format!("{network}.base_channels={channels}"),
            ]
        });
        let config = Config { image_size: 16, ..Config::default() }.with(&set.concat()).unwrap();
        let (_, generator) = Generator::new(&config, 2, &Device::Cpu).unwrap();
        let (_, discriminator) = Discriminator::new(&config, 2, &Device::Cpu).unwrap();
        let (cost, counted) = (config.cost(2), (generator.parameters(), discriminator.parameters()));
        assert_eq!((cost.generator_parameters, cost.discriminator_parameters), counted, "{form}, {channels}");
        let normalised =
            |name: &str| discriminator.entries().iter().any(|entry| entry.name == format!("scales.0.{name}"));
        assert_eq!(normalised("attention.8.output.u"), form == "sagan");
        assert_eq!(normalised("attention.8.query.bias"), form == "plain");
    }
}

#[test]
fn excitation_pairs_are_the_papers_from_256_pixels_on() {
    let pairs = |image_size: usize| -> Vec<(usize, usize)> {
        let mut config = Config { image_size, ..Config::default() };
        config = config.with(&["generator.skip=excitation".to_owned()]).unwrap();
        config.excitations().iter().map(|(from, to)| (from.resolution, to.resolution)).collect()
    };
    assert_eq!(pairs(16), [(4, 8)]);
    assert_eq!(pairs(32), [(4, 8), (8, 16)]);
    assert_eq!(pairs(64), [(4, 16), (8, 32)]);
    assert_eq!(pairs(128), [(4, 32), (8, 64)]);
    assert_eq!(pairs(256), [(4, 64), (8, 128)]);
    assert_eq!(pairs(512), [(4, 64), (8, 128), (16, 256)]);
    assert!(Config::default().excitations().is_empty());
}
