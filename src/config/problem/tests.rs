use crate::config::{Config, Level, Preset};

/// What is told of the defaults with these settings.
pub(in crate::config) fn problems(entries: &[&str]) -> Vec<(Level, &'static str)> {
    told(&Config::default().with(entries).unwrap())
}

/// Problems of a configuration for three classes.
pub(in crate::config) fn told(config: &Config) -> Vec<(Level, &'static str)> {
    config.check(Some(3)).into_iter().map(|problem| (problem.level, problem.key)).collect()
}

/// Each kind of problem: its key, and settings that make it.
const KINDS: &[(&str, &[&str])] = &[
    ("image_size", &["image_size=48"]),
    ("image_size", &["image_size=20", "generator.attention=[16]", "discriminator.attention=[4, 8, 16, 32]"]),
    ("image_size", &["image_size=0"]),
    ("channels", &["channels=2"]),
    ("data.source", &["data.source="]),
    ("data.exclude", &["data.exclude=[\"a[\"]"]),
    ("data.drop_duplicates", &["data.drop_duplicates=true"]),
    ("data.table_label", &["data.table_label=3"]),
    ("data.include", &["data.include=[\"a[\"]"]),
    ("data.demo_images", &["data.demo_images=1"]),
    ("data.class_factors", &["data.class_factors={ a = 1000.0, b = 2.0 }"]),
    ("data.held_out", &["data.held_out=0.95"]),
    ("data.group_by", &["data.group_by=("]),
    ("data.group_by", &["data.group_by=(p[0-9]+)", "data.source=/x"]),
    ("data.group_by", &["data.group_by=(p[0-9]+)", "data.held_out=0.1"]),
    ("data.slice_every", &["data.slice_every=0"]),
    ("data.window", &["data.window=[40, 0.5]", "data.source=/x"]),
    ("data.depth", &["data.depth=12", "data.source=/x", "channels=1"]),
    ("data.depth", &["data.depth=16", "data.source=/x"]),
    ("data.rotation", &["data.rotation=200"]),
    ("data.translation", &["data.translation=0.001"]),
    ("data.workers", &["data.workers=100"]),
    ("data.flip_horizontal", &["data.flip_horizontal=true", "data.flip_vertical=true", "data.source=/x"]),
    ("data.flip_vertical", &["data.flip_vertical=true", "data.source=/x"]),
    ("data.memory_limit", &["data.memory_limit=2000000000"]),
    ("generator.latent_dim", &["generator.latent_dim=0"]),
    ("generator.base_channels", &["generator.base_channels=9999"]),
    ("generator.base_channels", &["image_size=256", "train.batch_size=512"]),
    ("generator.base_channels", &["image_size=512", "train.batch_size=4096"]),
    ("discriminator.label_embedding", &["discriminator.label_embedding=5000"]),
    ("generator.attention", &["generator.attention=[8, 64]"]),
    ("discriminator.attention", &["discriminator.attention=[16, 8, 8]"]),
    ("generator.attention", &["image_size=128", "generator.attention=[64, 16]"]),
    ("discriminator.scales", &["discriminator.scales=9"]),
    ("discriminator.scales", &["discriminator.scales=0"]),
    ("discriminator.scale_edge", &["discriminator.scale_edge=inside"]),
    ("discriminator.norm", &["discriminator.norm=batch"]),
    (
        "discriminator.norm",
        &["discriminator.norm=batch", "discriminator.spectral_norm=false", "loss.kind=wasserstein-gp"],
    ),
    ("discriminator.conditioning", &["discriminator.conditioning=label-map"]),
    ("discriminator.conditioning", &["discriminator.conditioning=none"]),
    ("discriminator.minibatch_stddev", &["discriminator.minibatch_stddev=true", "train.batch_size=7"]),
    ("loss.label_smoothing", &["loss.label_smoothing=0.9"]),
    ("loss.r1_every", &["loss.r1_every=0"]),
    ("loss.lecam", &["loss.lecam=nan"]),
    ("loss.lecam_decay", &["loss.lecam_decay=1.0"]),
    ("loss.lecam_one_sided", &["loss.lecam_one_sided=true"]),
    ("loss.lecam_start", &["loss.lecam_start=9"]),
    ("loss.lecam_start", &["loss.lecam=0.3", "loss.lecam_start=4000"]),
    ("loss.lecam_start", &["loss.lecam_start=2000000000"]),
    ("loss.auxiliary_fakes", &["loss.auxiliary_fakes=true"]),
    ("loss.r1", &["loss.r1=1", "loss.kind=wasserstein-gp"]),
    ("loss.r1", &["loss.r1=1", "discriminator.norm=batch", "discriminator.spectral_norm=false"]),
    ("loss.class_weights", &["loss.class_weights=inverse-frequency"]),
    (
        "loss.class_weights",
        &["loss.class_weights=inverse-frequency", "data.balance=false", "data.class_factors={ a = 2.0 }"],
    ),
    ("loss.perceptual", &["loss.perceptual=1", "loss.texture=1", "image_size=16"]),
    ("loss.texture", &["loss.texture=1", "image_size=16"]),
    ("loss.vgg19", &["loss.perceptual=1", "loss.features=vgg19"]),
    ("loss.vgg19", &["loss.perceptual=1", "loss.features=vgg19", "loss.vgg19=/no/such.pth"]),
    ("loss.consistency_shift", &["loss.consistency_real=1", "loss.consistency_fake=1", "loss.consistency_shift=0"]),
    ("loss.consistency_fake", &["loss.consistency_real=1"]),
    (
        "loss.consistency_flip",
        &[
            "loss.consistency_real=1",
            "loss.consistency_fake=1",
            "loss.consistency_shift=0",
            "loss.consistency_flip=true",
            "data.source=/x",
        ],
    ),
    ("augment.color", &["augment.color=-1"]),
    ("augment.target", &["augment.target=5"]),
    ("augment.adaptive_images", &["augment.adaptive_images=0"]),
    ("augment.adaptive_every", &["augment.adaptive_every=0"]),
    ("augment.adaptive", &["augment.adaptive=true"]),
    ("augment.adaptive", &["augment.adaptive=true", "augment.flip=true", "loss.kind=wasserstein-gp"]),
    ("augment.probability", &["augment.probability=0", "augment.flip=true"]),
    ("augment.probability", &["augment.probability=0", "augment.color=1"]),
    ("augment.probability", &["augment.rotate90=true"]),
    ("augment.limit", &["augment.rotate90=true", "augment.adaptive=true", "augment.limit=1"]),
    ("augment.translation", &["augment.translation=0.0001"]),
    ("augment.flip", &["augment.flip=true", "augment.probability=0.5", "data.source=/x"]),
    ("optimizer.generator_lr", &["optimizer.generator_lr=5"]),
    ("optimizer.discriminator_lr", &["optimizer.discriminator_lr=0.01"]),
    ("optimizer.beta1", &["optimizer.beta1=1.0"]),
    ("optimizer.accumulation", &["optimizer.accumulation=1000"]),
    ("optimizer.clip", &["optimizer.clip=-1"]),
    ("optimizer.decay_from", &["optimizer.decay_from=2"]),
    ("optimizer.decay_to", &["optimizer.decay_to=2"]),
    ("optimizer.drop_every", &["optimizer.drop_every=0"]),
    ("growing.fade_images", &["growing.fade_images=2000000000"]),
    ("growing.start", &["growing.start=12"]),
    ("growing.start", &["growing.start=16", "image_size=16"]),
    ("growing.start", &["growing.start=8", "discriminator.scales=2"]),
    ("growing.start", &["growing.start=8", "discriminator.unet=true"]),
    ("growing.stable_images", &["growing.start=8", "growing.fade_images=0", "growing.stable_images=0"]),
    ("growing.stable_images", &["growing.start=8", "train.steps=10"]),
    ("transition.to", &["transition.from=10", "transition.to=5"]),
    ("transition.to", &["transition.to=100", "discriminator.conditioning=none"]),
    ("transition.to", &["transition.to=1000000"]),
    ("train.steps", &["train.steps=0"]),
    ("train.steps", &["train.steps=3000000000"]),
    ("train.batch_size", &["train.batch_size=0"]),
    ("train.batch_size", &["train.batch_size=1"]),
    ("train.grid_columns", &["train.grid_columns=0"]),
    ("train.threads", &["train.threads=5000"]),
    ("train.device", &["train.device=abacus"]),
    ("train.instance_noise", &["train.instance_noise=-3"]),
    ("train.instance_noise_steps", &["train.instance_noise_steps=0"]),
    ("train.checkpoint_seconds", &["train.checkpoint_seconds=-1"]),
    ("train.keep_every", &["train.keep_every=700"]),
    ("train.keep_every", &["train.keep_every=700", "train.checkpoint_every=0"]),
    ("score.images", &["score.images=1"]),
    ("score.extractor", &["score.extractor=vgg"]),
    ("score.k", &["score.k=0"]),
    ("score.most_time", &["score.most_time=0"]),
    ("score.best", &["score.best=fid"]),
    ("score.best", &["score.best=copying"]),
    ("score.metrics", &["score.best=none", "score.metrics=[]"]),
    ("score.metrics", &["score.metrics=[\"inception-score\"]", "score.best=inception-score"]),
];

fn with(base: &Config, entries: &[&str]) -> Config {
    base.with(entries).unwrap()
}

#[test]
fn the_fix_of_each_kind_of_problem_mends_it_and_brings_no_other() {
    for (key, entries) in KINDS {
        let config = with(&Config::default(), entries);
        let before = config.check(Some(6));
        let problem =
            before.iter().find(|problem| problem.key == *key).unwrap_or_else(|| panic!("{entries:?}: {before:?}"));
        let fixed = problem.fixed(&config).unwrap_or_else(|| panic!("{entries:?}: no fix for {problem}"));
        let after = fixed.check(Some(6));
        for left in &after {
            assert!(left != problem, "{entries:?}: {:?} left {left}", problem.fix);
            let known = before.iter().any(|before| (before.key, before.level) == (left.key, left.level));
            assert!(known, "{entries:?}: {:?} brought {left}", problem.fix);
        }
        assert!(problem.fix_name().is_some_and(|name| !name.contains('"')), "{:?}", problem.fix_name());
    }
}

#[test]
fn seeds_that_no_file_can_hold_are_told_though_no_file_can_mend_them() {
    let mut config = Config::default();
    (config.train.seed, config.data.split_seed) = (u64::MAX, u64::MAX);
    let problems = config.check(None);
    assert_eq!(problems.iter().map(|problem| problem.key).collect::<Vec<_>>(), ["data.split_seed", "train.seed"]);
    let fixed = problems[0].fixed(&config).and_then(|config| problems[1].fixed(&config)).unwrap();
    assert_eq!(fixed.check(None), []);
}

#[test]
fn one_fix_after_another_comes_to_an_end_whatever_two_problems_there_are() {
    for (_, first) in KINDS {
        for (_, second) in KINDS {
            let mut config = with(&Preset::Improved.config(), &[*first, *second].concat());
            let mut rounds = 0;
            while let Some(fixed) = config.check(Some(6)).iter().find_map(|problem| problem.fixed(&config)) {
                config = fixed;
                rounds += 1;
                assert!(rounds < 20, "{first:?} {second:?}: {:?}", config.check(Some(6)));
            }
            assert_eq!(config.check(Some(6)), [], "{first:?} {second:?}");
        }
    }
}

#[test]
fn a_fix_is_named_by_what_it_does() {
    let name = |entries: &[&str]| with(&Config::default(), entries).check(Some(6))[0].fix_name().unwrap();
    assert_eq!(name(&["train.batch_size=1"]), "Set \u{201c}Batch size\u{201d} to 8");
    assert_eq!(name(&["generator.attention=[64]"]), "Clear \u{201c}Self-attention (generator)\u{201d}");
    assert_eq!(name(&["growing.start=8", "discriminator.unet=true"]), "Turn \u{201c}U-Net\u{201d} off");
    let both = ["transition.from=10", "transition.to=5"];
    assert_eq!(
        name(&both),
        "Set \u{201c}Labels begin after\u{201d} to 0, set \u{201c}Labels count fully after\u{201d} to 0"
    );
}
