//! Options of the networks against a PyTorch reference (`tests/reference/make_networks.py`), and in whole steps.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/recorded.rs"]
mod recorded;

use std::collections::BTreeSet;

use candle_core::{Device, Tensor};
use gandle::config::{Config, Stage, has_errors};
use gandle::event::Scalar;
use gandle::model::{Discriminator, Generator, ParameterStore};
use gandle::train::{DiscriminatorBatch, Feed, GeneratorBatch, Trainer};
use recorded::Case;
use safetensors::SafeTensors;

const NETWORKS: &[u8] = include_bytes!("data/networks.safetensors");

/// As [`recorded::compare`], and every weight is read.
fn compare(case: &Case<'_>, config: &Config, classes: usize) {
    let (read, store) = recorded::compare(case, config, classes, Stage::WHOLE);
    assert_eq!(read.len(), store.entries().iter().filter(|entry| entry.trainable).count(), "{}", case.name);
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

fn numbers(store: &ParameterStore) -> Vec<f32> {
    let learnt = store.entries().iter().filter(|entry| entry.trainable);
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
    let counted = (trainer.generator().parameter_count(), trainer.discriminator().parameter_count());
    assert_eq!((cost.generator_parameters, cost.discriminator_parameters), counted, "{set:?}");
    let start = (numbers(trainer.generator()), numbers(trainer.discriminator()));
    for _ in 0..2 {
        let losses = trainer.step(&mut MadeUp, 1.0).unwrap();
        assert!(losses[Scalar::LossD].is_finite() && losses[Scalar::LossG].is_finite(), "{set:?}: {losses:?}");
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

/// Options that decide how many weights there are.
const SHAPES: &[(&str, &[&str])] = &[
    ("channels", &["3", "1"]),
    ("generator.family", &["dcgan", "dcgan", "fast"]),
    ("generator.norm", &["batch", "conditional-batch"]),
    ("generator.skip", &["none", "excitation", "residual"]),
    ("generator.attention", &["[]", "[4, 8]", "[8]"]),
    ("generator.attention_form", &["plain", "sagan"]),
    ("discriminator.family", &["dcgan", "dcgan", "dcgan", "projected"]),
    ("discriminator.pixel_channels", &["0", "2"]),
    ("discriminator.conditioning", &["projection", "none", "label-map", "replicated", "projected-map", "auxiliary"]),
    ("discriminator.norm", &["none", "layer", "batch"]),
    ("discriminator.attention", &["[8]", "[]", "[4, 8]"]),
    ("discriminator.attention_form", &["sagan", "plain"]),
    ("discriminator.minibatch_stddev", &["true", "false"]),
    ("discriminator.unet", &["false", "true"]),
    ("growing.start", &["8", "0"]),
];

/// The `walk`-th of many configurations of this size in which the options meet each other.
fn shaped(image_size: usize, scales: usize, walk: usize) -> Config {
    let base = ["generator.base_channels=1", "discriminator.base_channels=1", "discriminator.label_embedding=2"];
    // Singular vectors learn nothing, and settling those of the widest layers takes long.
    let spectral = format!("discriminator.spectral_norm={}", image_size <= 32);
    let mut set: Vec<String> = base.iter().map(|entry| (*entry).to_owned()).collect();
    set.extend([format!("image_size={image_size}"), format!("discriminator.scales={scales}"), spectral]);
    let value = |at: usize, values: &[&str]| {
        let mixed = (walk * 100 + at).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        values[(mixed >> 33) % values.len()].to_owned()
    };
    set.extend(SHAPES.iter().enumerate().map(|(at, (key, values))| format!("{key}={}", value(at, values))));
    Config::default().with(&set).unwrap()
}

#[test]
fn what_is_counted_is_what_is_built() {
    let mut met = BTreeSet::new();
    for size in [16_usize, 32, 64, 128, 256, 512] {
        let most = usize::try_from(size.ilog2() - 3).unwrap();
        for walk in 0..if size <= 32 { 96 } else { 16 } {
            let config = shaped(size, 1 + walk % most, walk);
            if has_errors(&config.check(Some(3))) {
                continue;
            }
            let told = config.settings().into_iter().filter(|(key, _)| SHAPES.iter().any(|(known, _)| known == key));
            met.extend(told);
            let (_, generator) = Generator::new(&config, 3, &Device::Cpu).unwrap();
            let (_, discriminator) = Discriminator::new(&config, 3, &Device::Cpu).unwrap();
            let (cost, counted) = (config.cost(3), (generator.parameter_count(), discriminator.parameter_count()));
            let differences = Config::default().differences(&config);
            assert_eq!((cost.generator_parameters, cost.discriminator_parameters), counted, "{differences:?}");
            // Weights, gradients and moments are the least; images and maps grow with the batch, and nothing else does.
            let bytes = |images: usize| {
                let mut other = config.clone();
                other.train.batch_size = images;
                other.cost(3).training_bytes
            };
            assert!(bytes(1) > 4 * 4 * (counted.0 + counted.1), "{differences:?}");
            let image = size * size * config.channels * 4;
            assert_eq!(bytes(3) - bytes(2), bytes(2) - bytes(1), "{differences:?}");
            assert!((8 * image..2000 * image).contains(&(bytes(2) - bytes(1))), "{differences:?}");
        }
    }
    for (key, values) in SHAPES {
        for value in *values {
            let there = met.iter().any(|(other, at)| other == key && at.trim_matches('"') == *value);
            assert!(there, "{key}={value} was never built");
        }
    }
}

#[test]
fn attention_is_normalised_in_the_form_of_sagan_alone() {
    for form in ["plain", "sagan"] {
        let set = ["discriminator.attention=[8]".to_owned(), format!("discriminator.attention_form={form}")];
        let config = Config { image_size: 16, ..Config::default() }.with(&set).unwrap();
        let (_, discriminator) = Discriminator::new(&config, 2, &Device::Cpu).unwrap();
        let has = |name: &str| discriminator.entries().iter().any(|entry| entry.name == format!("scales.0.{name}"));
        assert_eq!(has("attention.8.output.u"), form == "sagan");
        assert_eq!(has("attention.8.query.bias"), form == "plain");
    }
}
