//! Growing networks and labels that come in late: against a PyTorch reference (`tests/reference/make_growing.py`), against
//! the ordinary networks, and in whole runs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/fixed_feed.rs"]
mod fixed_feed;
#[path = "common/recorded.rs"]
mod recorded;

use std::collections::BTreeSet;

use candle_core::{DType, Device, Tensor};
use fixed_feed::{BATCH, CLASSES, FixedFeed, labels as labels_of, numbers};
use gandle::config::{Config, Stage, has_errors};
use gandle::event::Scalar;
use gandle::model::{Discriminator, Generator, Mode, ParameterStore, Pass};
use gandle::ops::Value;
use gandle::train::{DiscriminatorBatch, Feed, GeneratorBatch, Trainer};
use recorded::{Case, floats};
use safetensors::SafeTensors;

const REFERENCE: &[u8] = include_bytes!("data/growing.safetensors");

impl Case<'_> {
    fn gradients(&self) -> BTreeSet<String> {
        let start = format!("{}/gradient/", self.name);
        self.tensors.keys().filter_map(|key| key.strip_prefix(&start)).map(str::to_owned).collect()
    }
}

/// As [`recorded::compare`], and exactly the weights are read that the reference reads.
fn compare(case: &Case<'_>, config: &Config, stage: Stage) {
    let mut read = recorded::compare(case, config, CLASSES, stage).0;
    read.insert("input".to_owned());
    assert_eq!(read, case.gradients(), "{}", case.name);
}

#[test]
fn outputs_and_gradients_of_a_stage_are_the_references() {
    let (_, metadata) = SafeTensors::read_metadata(REFERENCE).unwrap();
    let cases = metadata.metadata().clone().unwrap().remove("cases").unwrap();
    let cases: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&cases).unwrap();
    let tensors = candle_core::safetensors::load_buffer(REFERENCE, &Device::Cpu).unwrap();
    assert_eq!(cases.len(), 9);
    for (name, case) in cases {
        let mut config = case["config"].clone();
        config.as_object_mut().unwrap().remove("classes").unwrap();
        let config: Config = serde_json::from_value(config).unwrap();
        let stage = Stage {
            resolution: case["resolution"].as_u64().map(|side| usize::try_from(side).unwrap()),
            fade: case["fade"].as_f64().unwrap(),
            condition: case["condition"].as_f64().unwrap(),
        };
        compare(&Case { name: &name, tensors: &tensors }, &config, stage);
    }
}

fn small(options: &[&str]) -> Config {
    let set = [
        "image_size=32",
        "generator.base_channels=2",
        "discriminator.base_channels=2",
        "generator.latent_dim=8",
        "generator.label_embedding=4",
        "discriminator.label_embedding=4",
        "train.batch_size=4",
        "train.steps=100",
    ];
    let set: Vec<String> = set.iter().chain(options).map(|entry| (*entry).to_owned()).collect();
    let config = Config::default().with(&set).unwrap();
    assert!(!has_errors(&config.check(Some(CLASSES))), "{options:?}: {:?}", config.check(Some(CLASSES)));
    config
}

/// 8 px for the first two steps; 16 px fade in over two and stay for two; 32 px fade in over two.
const GROWING: [&str; 3] = ["growing.start=8", "growing.fade_images=12", "growing.stable_images=4"];

fn trainer(config: &Config) -> Trainer {
    Trainer::new(config, CLASSES, &Device::Cpu).unwrap()
}

/// Steps `from` (included) to `to` (excluded).
fn steps(trainer: &mut Trainer, from: usize, to: usize) {
    for step in from..to {
        let losses = trainer.step(&mut FixedFeed::new(step * 100, 32), 1.0).unwrap();
        assert!(losses[Scalar::LossD].is_finite() && losses[Scalar::LossG].is_finite(), "{losses:?}");
    }
}

/// The numbers of the learnt entries of a name.
fn entry(store: &ParameterStore, name: &str) -> Vec<f32> {
    let entries: Vec<_> = store.entries().iter().filter(|entry| entry.name == name).collect();
    assert_eq!(entries.len(), 1, "{name}");
    floats(&entries[0].tensor)
}

/// Options that growing must get on with.
const OTHERS: &[&[&str]] = &[
    &["discriminator.conditioning=label-map"],
    &["discriminator.conditioning=replicated", "generator.skip=residual", "generator.attention=[4, 16]"],
    &["discriminator.conditioning=projection", "discriminator.attention=[8]", "discriminator.minibatch_stddev=true"],
    &["discriminator.conditioning=auxiliary", "loss.kind=bce", "generator.norm=conditional-batch"],
    &["generator.attention=[8]", "generator.attention_form=sagan"],
    &["discriminator.attention=[4, 8]", "discriminator.attention_form=sagan", "loss.auxiliary_fakes=true"],
    &["discriminator.conditioning=none", "generator.skip=excitation", "discriminator.norm=batch"],
    &["loss.kind=wasserstein-gp", "discriminator.norm=layer", "discriminator.spectral_norm=false"],
    &["loss.r1=2", "loss.r1_every=2", "optimizer.accumulation=3", "loss.lecam=0.1", "train.instance_noise=0.1"],
];

#[test]
fn every_option_grows_and_its_last_stage_is_the_ordinary_network() {
    for others in OTHERS {
        let plain = small(others);
        let config = small(&[others, &GROWING[..]].concat());
        let mut grown = trainer(&config);
        let cost = config.cost(CLASSES);
        let counted = (grown.generator().parameter_count(), grown.discriminator().parameter_count());
        assert_eq!((cost.generator_parameters, cost.discriminator_parameters), counted, "{others:?}");
        let (z, labels) = (numbers(&[BATCH, 8], 5), labels_of(0));
        let mut seen = BTreeSet::new();
        for step in 0..10 {
            let stage = grown.stage();
            seen.insert((stage.resolution, stage.fading()));
            let images = grown.evaluate(grown.ema(), &z, &labels).unwrap();
            assert_eq!(images.dims(), [BATCH, 32, 32, 3], "{others:?}");
            if step == 0 {
                let images = floats(&images);
                assert!(images[..3] == images[3..6] && images[..3] != images[12..15], "four pixels are one");
            }
            steps(&mut grown, step, step + 1);
        }
        for stage in [(Some(8), false), (Some(16), true), (Some(32), true)] {
            assert!(seen.contains(&stage), "{others:?}: {seen:?}");
        }
        assert!(grown.is_finite().unwrap(), "{others:?}");
        assert_eq!(grown.stage(), Stage::WHOLE, "{others:?}: {seen:?}");

        // Its weights fit the ordinary network, which then draws and judges the same bits.
        let (generator, mut store) = Generator::new(&plain, CLASSES, &Device::Cpu).unwrap();
        store
            .load(|name| grown.generator().entries().iter().find(|e| e.name == name).map(|e| e.to_file().unwrap()))
            .unwrap();
        let want = floats(&generator.evaluate(Stage::WHOLE, &mut store, &z, &labels).unwrap());
        assert_eq!(floats(&grown.evaluate(grown.generator(), &z, &labels).unwrap()), want, "{others:?}");
        let images = Value::constant(numbers(&[BATCH, 32, 32, 3], 3));
        let logits = |config: &Config, stage: Stage| {
            let (discriminator, mut store) = Discriminator::new(config, CLASSES, &Device::Cpu).unwrap();
            let from = grown.discriminator().entries();
            store.load(|name| from.iter().find(|e| e.name == name).map(|e| e.to_file().unwrap())).unwrap();
            let mut pass = Pass::new(&mut store, Mode::Evaluate, false).at(stage);
            floats(discriminator.forward(&mut pass, &images, &labels).unwrap()[0].logits.tensor())
        };
        let faded = Stage { resolution: Some(32), ..Stage::WHOLE };
        assert_eq!(logits(&config, faded), logits(&plain, Stage::WHOLE), "{others:?}");
    }
}

#[test]
fn layers_are_learnt_while_they_are_used_and_all_others_start_as_without() {
    let (config, plain) = (small(&GROWING), trainer(&small(&[])));
    let mut grown = trainer(&config);
    for (with, without) in [(grown.generator(), plain.generator()), (grown.discriminator(), plain.discriminator())] {
        for entry in without.entries() {
            assert!(
                with.entries().iter().any(|e| e.name == entry.name && floats_of(e) == floats_of(entry)),
                "{}",
                entry.name
            );
        }
        assert!(with.entries().len() > without.entries().len());
    }
    let generator =
        ["growing.8.to_image.weight", "blocks.1.conv.weight", "growing.16.to_image.weight", "to_image.weight"];
    let discriminator = [
        "scales.0.growing.8.from_image.layer.weight",
        "scales.0.blocks.2.conv.layer.weight",
        "scales.0.growing.16.from_image.layer.weight",
        "scales.0.blocks.0.conv.layer.weight",
    ];
    let read =
        |t: &Trainer| [generator.map(|n| entry(t.generator(), n)), discriminator.map(|n| entry(t.discriminator(), n))];
    // Which of them move at 8 px, while 16 px fade in, at 16 px, while 32 px fade in and at the end.
    let used: [(Option<usize>, bool, [bool; 4]); 5] = [
        (Some(8), false, [true, false, false, false]),
        (Some(16), true, [true, true, true, false]),
        (Some(16), false, [false, true, true, false]),
        (Some(32), true, [false, true, true, true]),
        (None, false, [false, true, false, true]),
    ];
    let mut seen = BTreeSet::new();
    for step in 0..10 {
        let (stage, before) = (grown.stage(), read(&grown));
        steps(&mut grown, step, step + 1);
        let place = used.iter().position(|u| (u.0, u.1) == (stage.resolution, stage.fading())).unwrap();
        seen.insert(place);
        for (network, (before, after)) in before.iter().zip(&read(&grown)).enumerate() {
            let moved: Vec<bool> = before.iter().zip(after).map(|(a, b)| a != b).collect();
            assert_eq!(moved, used[place].2, "step {step}, network {network}, {stage:?}");
        }
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
}

fn floats_of(entry: &gandle::model::Entry) -> Vec<f32> {
    floats(&entry.tensor.to_dtype(DType::F32).unwrap())
}

/// A weight's first update moves it by the learning rate, whenever it comes.
#[test]
fn a_late_layer_takes_its_first_step_as_if_training_had_just_begun() {
    let set = ["growing.start=16", "growing.fade_images=0", "growing.stable_images=40", "optimizer.beta1=0.5"];
    let mut grown = trainer(&small(&set));
    steps(&mut grown, 0, 11);
    let before = entry(grown.generator(), "to_image.weight");
    assert_eq!(grown.stage(), Stage::WHOLE);
    steps(&mut grown, 11, 12);
    let after = entry(grown.generator(), "to_image.weight");
    let mut moved: Vec<f32> = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).collect();
    moved.sort_by(f32::total_cmp);
    assert!((moved[moved.len() / 2] - 1e-4).abs() < 2e-6, "{}", moved[moved.len() / 2]);
}

#[test]
fn a_resume_in_the_middle_of_a_fade_gives_the_bits_of_an_unbroken_run() {
    let transition = ["transition.from=4", "transition.to=37"];
    let options =
        ["optimizer.ema_warmup=true", "discriminator.conditioning=auxiliary", "loss.kind=bce", "optimizer.beta1=0.5"];
    let config = small(&[&GROWING[..], &transition, &options].concat());
    let mut unbroken = trainer(&config);
    steps(&mut unbroken, 0, 12);
    // In both fades, and right after the last one.
    for half in [3, 7, 9] {
        let mut first = trainer(&config);
        steps(&mut first, 0, half);
        let files = first.to_files().unwrap();
        let mut second = trainer(&config);
        second.load_files(|name| Ok(files.iter().find(|(other, _)| *other == name).unwrap().1.clone())).unwrap();
        assert_eq!(first.stage(), second.stage());
        assert_eq!(first.stage().fading(), half < 9, "{:?}", first.stage());
        steps(&mut second, half, 12);
        for ((name, want), (_, got)) in unbroken.to_files().unwrap().into_iter().zip(second.to_files().unwrap()) {
            assert!(want == got, "{name} from step {half} on");
        }
    }
}

#[test]
fn counts_of_updates_are_stored_only_where_they_differ() {
    let names = |config: &Config| -> Vec<String> {
        let mut trainer = trainer(config);
        steps(&mut trainer, 0, 2);
        let files = trainer.to_files().unwrap();
        let bytes = &files.iter().find(|(name, _)| *name == "generator_optimizer.safetensors").unwrap().1;
        let tensors = SafeTensors::deserialize(bytes).unwrap();
        let mut names: Vec<String> = tensors.names().iter().map(|name| (*name).to_string()).collect();
        names.retain(|name| name.starts_with("steps"));
        names.sort();
        names
    };
    assert_eq!(names(&small(&[])), ["steps"]);
    assert!(names(&small(&GROWING)).contains(&"steps/to_image.weight".to_owned()));
}

#[test]
fn labels_say_nothing_at_first_and_all_at_the_end() {
    const BOTH: [&str; 2] = ["generator.norm=conditional-batch", "generator.base_channels=8"];
    for conditioning in ["label-map", "replicated", "projected-map", "auxiliary", "projection"] {
        let conditioning = format!("discriminator.conditioning={conditioning}");
        let plain = small(&[&BOTH[..], &[conditioning.as_str()]].concat());
        let late = small(&[&BOTH[..], &[conditioning.as_str(), "transition.from=8", "transition.to=20"]].concat());
        let mut trainer = trainer(&late);
        let z = numbers(&[BATCH, 8], 1);
        // Whether other labels give the same images of the same noise.
        let alike = |trainer: &Trainer| {
            let images = |labels: &Tensor| floats(&trainer.evaluate(trainer.generator(), &z, labels).unwrap());
            let (some, others) = (images(&labels_of(0)), images(&labels_of(1)));
            assert!(some.iter().any(|x| *x != 0.0), "{conditioning}: nothing is drawn");
            some == others
        };
        assert!(alike(&trainer), "{conditioning}");
        let start = entry(trainer.generator(), "label_embedding.weight");
        steps(&mut trainer, 0, 2);
        assert_eq!(entry(trainer.generator(), "label_embedding.weight"), start, "{conditioning}");
        assert!(alike(&trainer), "{conditioning}");
        steps(&mut trainer, 2, 4);
        assert!(!alike(&trainer), "{conditioning}");
        assert!((trainer.stage().condition - 8.0 / 12.0).abs() < 1e-12);
        steps(&mut trainer, 4, 6);
        assert_eq!(trainer.stage(), Stage::WHOLE);

        // Before labels count, those of the batch change nothing; afterwards a step is an ordinary one.
        let loss = |config: &Config, shift: usize| {
            let mut trainer = Trainer::new(config, CLASSES, &Device::Cpu).unwrap();
            trainer.step(&mut Shifted(FixedFeed::new(0, 32), shift), 1.0).unwrap()
        };
        assert_eq!(loss(&late, 0), loss(&late, 1), "{conditioning}");
        assert_ne!(loss(&plain, 0), loss(&plain, 1), "{conditioning}");
    }
}

/// The same batches with other labels.
struct Shifted(FixedFeed, usize);

impl Shifted {
    fn labels(&self) -> Tensor {
        labels_of(self.0.at + self.1)
    }
}

impl Feed for Shifted {
    fn discriminator(&mut self) -> anyhow::Result<DiscriminatorBatch> {
        let batch = self.0.discriminator()?;
        Ok(DiscriminatorBatch { labels: self.labels(), ..batch })
    }

    fn generator(&mut self) -> anyhow::Result<GeneratorBatch> {
        let batch = self.0.generator()?;
        Ok(GeneratorBatch { labels: self.labels(), ..batch })
    }
}
