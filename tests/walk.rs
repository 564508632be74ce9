//! Every pair of options that can go together trains: a walk over a pairwise covering of all of them.
//!
//! Most faults of option-rich programs need two options to show (Kuhn et al. 2004), and a covering of all pairs takes some
//! dozens of runs where all combinations would take more than 10^18.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use candle_core::Device;
use gandle::config::{Config, Key, has_errors, options};
use gandle::engine::sample::GridSampler;
use gandle::engine::{Engine, RunRequest};
use gandle::event::Event;
use gandle::model::ParameterStore;
use gandle::session::{checkpoint_folder, read_checkpoint_file, read_state};
use gandle::train::Trainer;
use rayon::prelude::*;

const STEPS: usize = 5;

/// Options with the values that are walked, as their declarations name them; the first of each is its default, which the others
/// are seen beside when nothing is asked.
static OPTIONS: LazyLock<Vec<(&'static str, Vec<String>)>> = LazyLock::new(|| {
    let plain = Config::default();
    let walked =
        options::ALL.iter().filter(|key| !key.walk.is_empty() && FIXED.iter().all(|(fixed, _)| *fixed != key.key));
    let values = |key: &Key| {
        let default = plain.value_of(key.key).unwrap().replace('"', "");
        let others: Vec<String> = key.walk.iter().map(|value| (*value).to_owned()).filter(|v| *v != default).collect();
        [vec![default], others].concat()
    };
    walked.map(|key| (key.key, values(key))).collect()
});

/// Settings that are not walked, where they differ from their defaults or would else be walked: sizes, names of files, how often
/// something is stored, and numbers that other tests hold against the reference.
const FIXED: &[(&str, &str)] = &[
    ("image_size", "32"),
    ("data.drop_duplicates", "false"),
    ("data.scans", "plain"),
    ("data.slice_axis", "z"),
    ("data.tile", "0"),
    ("data.demo_images", "4"),
    ("data.cache", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache")),
    ("generator.latent_dim", "8"),
    ("generator.label_embedding", "4"),
    ("generator.base_channels", "4"),
    ("discriminator.base_channels", "4"),
    ("discriminator.label_embedding", "4"),
    ("loss.consistency_shift", "0.0625"),
    ("loss.features", "efficientnet-lite0"),
    ("augment.probability", "0.8"),
    ("augment.adaptive_images", "20"),
    ("augment.adaptive_every", "2"),
    ("optimizer.generator_lr", "0.001"),
    ("optimizer.discriminator_lr", "0.001"),
    ("optimizer.decay_to", "0.1"),
    ("optimizer.drop_every", "2"),
    ("growing.fade_images", "6"),
    ("growing.stable_images", "2"),
    ("train.steps", "5"),
    ("train.minutes", "0"),
    ("optimizer.updates", "both"),
    ("optimizer.frozen_blocks", "0"),
    ("train.batch_size", "4"),
    ("train.seed", "3"),
    ("train.checkpoint_every", "0"),
    ("train.checkpoint_seconds", "0"),
    ("train.keep_checkpoints", "0"),
    ("train.grid_every", "5"),
    ("train.grid_columns", "2"),
    ("train.device", "cpu"),
    ("train.threads", "1"),
    ("train.instance_noise_steps", "4"),
    ("train.blur_steps", "4"),
    ("score.every", "0"),
    ("score.metrics", "[]"),
    ("score.extractor", "efficientnet-lite0"),
    ("score.resize", "clean"),
    ("score.k", "3"),
    ("score.mirrored", "false"),
    ("score.best", "none"),
    ("score.most_time", "0.5"),
];

/// Pairs that are refused whatever stands beside them. Each refusal gives its reason.
const REFUSED: &[(&str, &str)] = &[
    ("data.balance=true", "loss.class_weights=inverse-frequency"),
    ("data.balance=true", "loss.class_weights=inverse-square-root"),
    ("generator.family=fast", "growing.start=8"),
    ("generator.family=fast", "growing.start=16"),
    ("discriminator.family=projected", "discriminator.conditioning=projected-map"),
    ("discriminator.family=projected", "discriminator.conditioning=label-map"),
    ("discriminator.family=projected", "discriminator.conditioning=replicated"),
    ("discriminator.family=projected", "discriminator.conditioning=auxiliary"),
    ("discriminator.family=projected", "growing.start=8"),
    ("discriminator.family=projected", "growing.start=16"),
    ("discriminator.conditioning=none", "transition.to=12"),
    ("discriminator.scales=2", "growing.start=8"),
    ("discriminator.scales=2", "growing.start=16"),
    ("discriminator.unet=true", "growing.start=8"),
    ("discriminator.unet=true", "growing.start=16"),
    ("loss.kind=wasserstein-gp", "augment.adaptive=true"),
];

const CLASSES: usize = 6;

/// An option and one of its values, by their places in [`OPTIONS`].
type Set = (usize, usize);

fn name((option, value): Set) -> String {
    format!("{}={}", OPTIONS[option].0, OPTIONS[option].1[value])
}

fn with(config: &Config, set: Set) -> Config {
    config.with(&[name(set)]).unwrap()
}

fn runs(config: &Config) -> bool {
    !has_errors(&config.check(Some(CLASSES)))
}

/// The first of every option's values.
fn plain() -> Config {
    let fixed: Vec<String> = FIXED.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let config = Config::default().with(&fixed).unwrap();
    (0..OPTIONS.len()).fold(config, |config, option| with(&config, (option, 0)))
}

fn ordered(a: Set, b: Set) -> (Set, Set) {
    if a < b { (a, b) } else { (b, a) }
}

fn all_pairs() -> BTreeSet<(Set, Set)> {
    let values = |option: usize| (0..OPTIONS[option].1.len()).map(move |value| (option, value));
    let later = |option: usize| (option + 1..OPTIONS.len()).flat_map(values);
    (0..OPTIONS.len()).flat_map(|o| values(o).flat_map(move |a| later(o).map(move |b| (a, b)))).collect()
}

/// A pair beside the first values of the other options, or where these stand in its way, beside one that does not.
fn begin(plain: &Config, (a, b): (Set, Set)) -> Option<(Config, Vec<Set>)> {
    let config = with(&with(plain, a), b);
    if runs(&config) {
        return Some((config, vec![a, b]));
    }
    let others = (0..OPTIONS.len()).filter(|option| ![a.0, b.0].contains(option));
    let values = others.flat_map(|option| (0..OPTIONS[option].1.len()).map(move |value| (option, value)));
    // One other value helps most pairs; some need real images in their own shares beside it.
    let unbalanced = OPTIONS.iter().position(|(key, _)| *key == "data.balance").map(|option| (option, 1));
    let help = |set: Set, second: Option<Set>| {
        let chosen: Vec<Set> = [Some(set), second].into_iter().flatten().collect();
        let config = chosen.iter().fold(config.clone(), |config, set| with(&config, *set));
        runs(&config).then(|| (config, [&[a, b][..], &chosen[..]].concat()))
    };
    let second = unbalanced.filter(|set| ![a.0, b.0].contains(&set.0));
    let others: Vec<Set> = values.collect();
    let with_second = others.iter().filter(|set| Some(set.0) != second.map(|second| second.0));
    let alone = others.iter().find_map(|set| help(*set, None));
    alone.or_else(|| with_second.into_iter().find_map(|set| help(*set, second)))
}

/// Configurations that have every pair that is not refused, and the refused pairs.
fn covering() -> (Vec<Config>, Vec<(Set, Set)>) {
    let plain = plain();
    assert!(runs(&plain), "{:?}", plain.check(Some(CLASSES)));
    let mut open = all_pairs();
    let (mut configs, mut refused) = (Vec::new(), Vec::new());
    while let Some(pair) = open.first().copied() {
        let Some((mut config, mut chosen)) = begin(&plain, pair) else {
            open.remove(&pair);
            refused.push(pair);
            continue;
        };
        for (option, (_, names)) in OPTIONS.iter().enumerate() {
            if chosen.iter().any(|set| set.0 == option) {
                continue;
            }
            // The value that meets most of those chosen for the first time, among those that run with them.
            let gain = |value: &usize| {
                let set = (option, *value);
                chosen.iter().filter(|other| open.contains(&ordered(set, **other))).count()
            };
            let mut values: Vec<usize> = (0..names.len()).collect();
            values.sort_by_key(|value| std::cmp::Reverse(gain(value)));
            let fits = |value: usize| Some((value, with(&config, (option, value)))).filter(|(_, config)| runs(config));
            if let Some((value, next)) = values.into_iter().find_map(fits) {
                config = next;
                chosen.push((option, value));
            }
        }
        for (at, a) in chosen.iter().enumerate() {
            chosen[at + 1..].iter().for_each(|b| _ = open.remove(&ordered(*a, *b)));
        }
        assert!(!open.contains(&pair), "the walk makes no headway");
        configs.push(config);
    }
    (configs, refused)
}

/// What differs from the plain configuration, for the eye.
fn describe(config: &Config) -> String {
    let told = plain().differences(config);
    told.into_iter().map(|(key, _, to)| format!("{key}={to}")).collect::<Vec<_>>().join(" ")
}

fn learnt(store: &ParameterStore) -> Vec<Vec<f32>> {
    let entries = store.entries().iter().filter(|entry| entry.trainable);
    entries.map(|entry| entry.tensor.flatten_all().unwrap().to_vec1().unwrap()).collect()
}

/// Trains a configuration; what went wrong where something did.
fn train(config: &Config, folder: &Path) -> Result<(), String> {
    let engine = Engine::spawn(RunRequest::new(config.clone(), folder.to_owned()), Arc::new(|| {})).unwrap();
    let events: Vec<Event> = engine.wait_events().collect();
    if events.last() != Some(&(Event::Finished { step: STEPS })) {
        return Err(format!("it ended with {:?}", events.last()));
    }
    let steps = events.iter().filter_map(|event| if let Event::Step(step) = event { Some(*step) } else { None });
    let finite = |values: Vec<f32>| values.iter().all(|value| value.is_finite());
    if let Some(bad) = steps.into_iter().find(|s| !finite(s.numbers.iter().map(|(_, value)| value).collect())) {
        return Err(format!("a number of step {} is not finite: {bad:?}", bad.step));
    }
    let counts: Vec<usize> = events
        .iter()
        .find_map(|event| if let Event::Data(data) = event { Some(data) } else { None })
        .map(|data| data.classes.iter().map(|class| class.images).collect())
        .ok_or("no data was told")?;
    let mut trainer = Trainer::new(config, CLASSES, &Device::Cpu).unwrap();
    trainer.weigh_classes(&counts).unwrap();
    let start = [trainer.generator(), trainer.discriminator()].map(learnt);
    let checkpoint = checkpoint_folder(folder, STEPS);
    let state = read_state(&checkpoint).unwrap();
    trainer
        .load_files(|name| Ok(read_checkpoint_file(&checkpoint, &state, name)?))
        .map_err(|err| format!("{err:#}"))?;
    for ((start, store), network) in
        start.iter().zip([trainer.generator(), trainer.discriminator()]).zip(["generator", "discriminator"])
    {
        if *start == learnt(store) {
            return Err(format!("the {network} has not moved"));
        }
    }
    let drawn =
        GridSampler::new(config, CLASSES, &Device::Cpu).unwrap().draw(&trainer, &trainer.ema().clone(), STEPS).unwrap();
    if engine.latest_grid() != Some(drawn) {
        return Err("its checkpoint draws other images".to_owned());
    }
    Ok(())
}

#[test]
fn every_pair_of_options_trains_or_is_refused_with_a_reason() {
    let (configs, refused) = covering();
    let told: Vec<(String, String)> = refused.iter().map(|(a, b)| (name(*a), name(*b))).collect();
    let expected: Vec<(String, String)> = REFUSED.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(told, expected, "refused pairs");
    println!("{} runs cover {} pairs of {} options", configs.len(), all_pairs().len(), OPTIONS.len());
    let root = tempfile::tempdir().unwrap();
    let failed: Vec<String> = configs
        .par_iter()
        .enumerate()
        .filter_map(|(at, config)| {
            let err = train(config, &root.path().join(at.to_string())).err()?;
            Some(format!("{err}\n    with {}", describe(config)))
        })
        .collect();
    assert!(failed.is_empty(), "{} of {} runs:\n{}", failed.len(), configs.len(), failed.join("\n"));
}

#[test]
fn no_setting_is_left_out_of_the_walk_unawares() {
    let fixed = |key: &Key| FIXED.iter().any(|(fixed, _)| *fixed == key.key);
    // What is off by default is walked while it is on.
    let off = options::ALL.iter().filter(|key| key.values.contains("(off)") && key.walk.is_empty() && !fixed(key));
    let missing: Vec<&str> = off.map(|key| key.key).collect();
    assert!(missing.is_empty(), "declare a value that they are walked with, or say here why not: {missing:?}");
    assert!(FIXED.iter().all(|(key, _)| options::find(key).is_some()), "a setting is gone");
}
