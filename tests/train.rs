//! The options of training at tiny size: each moves both networks, and a resume gives the bits of an unbroken run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/fixed_feed.rs"]
mod fixed_feed;

use candle_core::Device;
use fixed_feed::{CLASSES, FixedFeed, numbers};
use gandle::config::Config;
use gandle::event::{Chart, Scalar, Scalars};
use gandle::model::ParameterStore;
use gandle::train::Trainer;

fn small(options: &[&str]) -> Config {
    let set = [
        "image_size=16",
        "generator.base_channels=4",
        "discriminator.base_channels=4",
        "generator.latent_dim=8",
        "generator.label_embedding=4",
        "discriminator.label_embedding=4",
        "train.batch_size=4",
    ];
    let set: Vec<String> = set.iter().chain(options).map(|entry| (*entry).to_owned()).collect();
    Config::default().with(&set).unwrap()
}

fn trainer(config: &Config) -> Trainer {
    let mut trainer = Trainer::new(config, CLASSES, &Device::Cpu).unwrap();
    trainer.weigh_classes(&[6, 3, 1]).unwrap();
    trainer
}

fn learnt(store: &ParameterStore) -> Vec<f32> {
    let entries = store.entries().iter().filter(|entry| entry.trainable);
    entries.flat_map(|entry| entry.tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()).collect()
}

/// Steps `from` (included) to `to` (excluded).
fn steps(trainer: &mut Trainer, from: usize, to: usize) {
    for step in from..to {
        let losses = trainer.step(&mut FixedFeed::new(step * 100, 16), 1.0).unwrap();
        assert!(losses[Scalar::LossD].is_finite() && losses[Scalar::LossG].is_finite(), "{losses:?}");
    }
}

#[test]
fn every_option_changes_a_run_and_moves_both_networks() {
    let cases: &[&[&str]] = &[
        &["loss.kind=least-squares"],
        &["loss.r1=10"],
        &["loss.r1=10", "loss.r1_every=2"],
        &["loss.r1=10", "loss.kind=wasserstein-gp", "discriminator.norm=layer"],
        &["loss.r1=10", "discriminator.norm=batch", "discriminator.spectral_norm=false"],
        &["loss.r1=10", "discriminator.attention=[8]", "discriminator.conditioning=label-map"],
        &["loss.lecam=0.3"],
        &["loss.lecam=0.3", "loss.lecam_one_sided=true", "loss.lecam_start=1"],
        &["generator.attention=[8]", "generator.attention_form=sagan", "discriminator.norm=layer"],
        &["discriminator.attention=[4, 8]", "discriminator.attention_form=sagan", "loss.r1=10"],
        &["loss.auxiliary_fakes=true", "discriminator.conditioning=auxiliary"],
        &["optimizer.clip=0.01"],
        &["loss.class_weights=inverse-frequency", "data.balance=false"],
        &["loss.class_weights=inverse-square-root", "discriminator.conditioning=auxiliary", "loss.kind=bce"],
        &["train.instance_noise=0.2", "train.instance_noise_steps=5"],
        &["optimizer.ema_warmup=true"],
        &["optimizer.ema_half_life=50"],
        &["augment.color=1"],
        &["augment.translation=0.125"],
        &["augment.cutout=0.5"],
        &["augment.flip=true"],
        &["augment.rotate90=true"],
        &["augment.scale=0.2"],
        &["augment.rotation=30"],
        &["augment.color=0.5", "augment.probability=0.5", "loss.kind=wasserstein-gp", "discriminator.norm=layer"],
        &["augment.cutout=0.5", "loss.r1=10", "discriminator.unet=true"],
        &[
            "augment.color=1",
            "augment.adaptive=true",
            "augment.adaptive_every=1",
            "augment.target=-1",
            "augment.adaptive_images=4",
        ],
        &["loss.consistency_real=10"],
        &["loss.consistency_fake=10"],
        &[
            "loss.consistency_real=10",
            "loss.consistency_flip=true",
            "discriminator.conditioning=auxiliary",
            "discriminator.unet=true",
        ],
        &["loss.perceptual=0.1"],
        &["loss.texture=10"],
        &["train.blur=0.1"],
        &["optimizer.gap=0.1"],
    ];
    let mut plain = trainer(&small(&[]));
    let start = [plain.generator(), plain.discriminator()].map(learnt);
    steps(&mut plain, 0, 2);
    for options in cases {
        let config = small(options);
        let mut trainer = trainer(&config);
        let start =
            if options.len() == 1 { start.clone() } else { [trainer.generator(), trainer.discriminator()].map(learnt) };
        steps(&mut trainer, 0, 2);
        assert!(trainer.is_finite().unwrap(), "{options:?}");
        assert_ne!(learnt(trainer.generator()), start[0], "{options:?}");
        assert_ne!(learnt(trainer.discriminator()), start[1], "{options:?}");
        assert_ne!(learnt(trainer.ema()), learnt(plain.ema()), "{options:?}");
    }
}

#[test]
fn a_resume_gives_the_bits_of_an_unbroken_run() {
    let config = small(&[
        "loss.kind=least-squares",
        "loss.r1=2",
        "loss.r1_every=3",
        "loss.lecam=0.3",
        "loss.lecam_one_sided=true",
        "loss.lecam_start=3",
        "loss.class_weights=inverse-frequency",
        "data.balance=false",
        "optimizer.clip=0.5",
        "optimizer.ema_warmup=true",
        "optimizer.accumulation=2",
        "optimizer.discriminator_steps=2",
        "train.instance_noise=0.2",
        "train.instance_noise_steps=5",
        "augment.color=1",
        "augment.translation=0.125",
        "augment.scale=0.2",
        "augment.adaptive=true",
        "augment.target=0",
        "augment.adaptive_every=3",
        "augment.adaptive_images=100",
        "loss.consistency_real=1",
        "loss.consistency_fake=2",
        "loss.perceptual=0.1",
        "train.blur=0.1",
        "train.blur_steps=5",
        "optimizer.gap=0.1",
    ]);
    let mut unbroken = trainer(&config);
    steps(&mut unbroken, 0, 6);
    let mut first = trainer(&config);
    // Not where R1 is due: its count must go on, not start again.
    steps(&mut first, 0, 2);
    let files = first.to_files().unwrap();
    let read = |name: &str| Ok(files.iter().find(|(other, _)| *other == name).unwrap().1.clone());
    let mut second = trainer(&config);
    second.load_files(read).unwrap();
    steps(&mut second, 2, 6);
    for ((name, want), (_, got)) in unbroken.to_files().unwrap().into_iter().zip(second.to_files().unwrap()) {
        assert!(want == got, "{name}");
    }
    // Without the averages, or the probability, the run would be another.
    for file in ["lecam", "augment", "gap"] {
        let mut forgetful = trainer(&config);
        assert!(files.iter().any(|(name, _)| *name == format!("{file}.safetensors")));
        let missing = |name: &str| if name.starts_with(file) { anyhow::bail!("missing") } else { read(name) };
        assert!(forgetful.load_files(missing).is_err());
    }
}

#[test]
fn the_adaptive_probability_moves_by_the_images_seen_and_is_told() {
    let config = small(&[
        "augment.cutout=0.5",
        "augment.adaptive=true",
        "augment.adaptive_every=2",
        "augment.adaptive_images=80",
        "augment.limit=0.25",
        // Every sign is above it, unless all are wrong.
        "augment.target=-1",
        "optimizer.discriminator_steps=2",
        "optimizer.accumulation=2",
    ]);
    let mut run = trainer(&config);
    let told = |run: &mut Trainer, step: usize| run.step(&mut FixedFeed::new(step * 100, 16), 1.0).unwrap();
    // 16 real images a step, 32 between adjustments: 0.4 at once, but for the limit.
    let losses: Vec<_> = (0..5).map(|step| told(&mut run, step)).collect();
    let probabilities: Vec<_> = losses.iter().map(|told| told.get(Scalar::AugmentProbability)).collect();
    assert_eq!(probabilities, [Some(0.0), Some(0.0), Some(0.25), Some(0.25), Some(0.25)]);
    assert!(losses.iter().all(|losses| losses.get(Scalar::SignReal).is_some_and(|sign| sign > -1.0 && sign <= 1.0)));
    let shown = |told: &Scalars| (told.get(Scalar::AugmentProbability), told.get(Scalar::SignReal));
    let plain = told(&mut trainer(&small(&[])), 0);
    assert_eq!(shown(&plain), (None, None));
    let critic = told(&mut trainer(&small(&["augment.cutout=0.5", "loss.kind=wasserstein-gp"])), 0);
    assert_eq!(shown(&critic), (Some(1.0), None));
}

#[test]
fn a_probability_of_nothing_leaves_every_bit() {
    let mut plain = trainer(&small(&[]));
    steps(&mut plain, 0, 2);
    let mut never = trainer(&small(&["augment.color=1", "augment.cutout=0.5", "augment.probability=0"]));
    steps(&mut never, 0, 2);
    assert!(plain.to_files().unwrap() == never.to_files().unwrap());
}

#[test]
fn a_broken_file_of_the_probability_is_told() {
    let config = small(&["augment.color=1", "augment.adaptive=true"]);
    let files = trainer(&config).to_files().unwrap();
    let read = |name: &str, bad: &[u8]| -> anyhow::Result<Vec<u8>> {
        let good = files.iter().find(|(other, _)| *other == name).unwrap().1.clone();
        Ok(if name.starts_with("augment") { bad.to_vec() } else { good })
    };
    let whole = files.iter().find(|(name, _)| *name == "augment.safetensors").unwrap().1.clone();
    let probability = {
        let tensors = std::collections::HashMap::from([("probability", numbers(&[1], 0))]);
        safetensors::serialize(tensors, None).unwrap()
    };
    for bad in [&whole[..whole.len() / 2], &[], &probability] {
        let err = trainer(&config).load_files(|name| read(name, bad)).unwrap_err();
        assert!(format!("{err:#}").contains("augment.safetensors"), "{err:#}");
    }
}

#[test]
fn a_run_without_lecam_has_the_files_that_it_always_had() {
    let names: Vec<&str> = trainer(&small(&[])).to_files().unwrap().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, gandle::train::state::FILES);
}

#[test]
fn class_weights_want_to_know_the_classes() {
    let mut trainer = Trainer::new(&small(&["loss.class_weights=inverse-frequency"]), CLASSES, &Device::Cpu).unwrap();
    let err = trainer.step(&mut FixedFeed::new(0, 16), 1.0).unwrap_err();
    assert!(err.to_string().contains("loss.class_weights"), "{err:#}");
}

#[test]
fn equal_classes_weigh_nothing_and_others_scale_the_loss() {
    let loss = |options: &[&str], images: &[usize]| {
        let mut trainer = Trainer::new(&small(options), CLASSES, &Device::Cpu).unwrap();
        trainer.weigh_classes(images).unwrap();
        trainer.step(&mut FixedFeed::new(0, 16), 1.0).unwrap()
    };
    for kind in ["bce", "hinge", "wasserstein-gp", "least-squares"] {
        let kind = format!("loss.kind={kind}");
        let auxiliary = "discriminator.conditioning=auxiliary";
        let weighted = [kind.as_str(), auxiliary, "loss.class_weights=inverse-frequency"];
        let (plain, equal) = (loss(&weighted[..2], &[1; 3]), loss(&weighted, &[5; 3]));
        assert!((plain[Scalar::LossD] - equal[Scalar::LossD]).abs() < 1e-5, "{kind}: {plain:?} {equal:?}");
        assert!((plain[Scalar::LossG] - equal[Scalar::LossG]).abs() < 1e-5, "{kind}: {plain:?} {equal:?}");
        assert_ne!(loss(&weighted, &[9, 3, 1])[Scalar::LossD], plain[Scalar::LossD], "{kind}");
    }
}

/// Inverse frequency weighs class c by `images / (classes * images of c)`, and a loss is the sum of its classes' parts:
/// three counts tell the parts, and those a fourth.
#[test]
fn each_image_counts_by_its_class() {
    for kind in ["bce", "hinge", "wasserstein-gp", "least-squares"] {
        let kind = format!("loss.kind={kind}");
        let options = [
            kind.as_str(),
            "loss.gradient_penalty=0",
            "loss.class_weights=inverse-frequency",
            "discriminator.conditioning=auxiliary",
            // The discriminator stays as it is, so that the generator's loss is as linear.
            "optimizer.discriminator_lr=0",
        ];
        let losses = |images: [usize; CLASSES]| {
            let mut trainer = Trainer::new(&small(&options), CLASSES, &Device::Cpu).unwrap();
            trainer.weigh_classes(&images).unwrap();
            let losses = trainer.step(&mut FixedFeed::new(0, 16), 1.0).unwrap();
            [Scalar::LossD, Scalar::LossG].map(|loss| f64::from(losses[loss]))
        };
        let (all, first, second) = (losses([1, 1, 1]), losses([2, 1, 1]), losses([1, 2, 1]));
        for (network, got) in losses([9, 3, 1]).into_iter().enumerate() {
            let part = |half: f64| 1.5 * (4.0 / 3.0 * all[network] - half);
            let (a, b) = (part(first[network]), part(second[network]));
            let want = 13.0 / 27.0 * a + 13.0 / 9.0 * b + 13.0 / 3.0 * (all[network] - a - b);
            assert!((got - want).abs() < 1e-4 * want.abs().max(1.0), "{kind}, network {network}: {got} for {want}");
        }
    }
}

#[test]
fn the_terms_of_a_loss_add_up_to_it() {
    let all =
        ["loss.r1=2", "loss.lecam=0.3", "loss.consistency_real=1", "loss.consistency_fake=2", "loss.perceptual=0.1"];
    let auxiliary = "discriminator.conditioning=auxiliary";
    let cases: [&[&str]; 3] = [
        &[&all[..], &["loss.texture=10", auxiliary, "optimizer.accumulation=2"]].concat(),
        &["loss.kind=wasserstein-gp", "discriminator.norm=layer"],
        &[],
    ];
    let counts = cases.map(|set| {
        let told = trainer(&small(set)).step(&mut FixedFeed::new(0, 16), 1.0).unwrap();
        [(Chart::TermsOfD, Scalar::LossD), (Chart::TermsOfG, Scalar::LossG)].map(|(chart, loss)| {
            let terms = told.iter().filter(|(number, _)| number.info().chart == chart).map(|(_, value)| value);
            let terms: Vec<f32> = terms.collect();
            let distance = terms.iter().sum::<f32>() - told[loss];
            assert!(terms.is_empty() || distance.abs() < 1e-4 * told[loss].abs().max(1.0), "{set:?}: {told:?}");
            terms.len()
        })
    });
    // One term alone is the loss itself.
    assert_eq!(counts, [[5, 4], [2, 0], [0, 0]]);
}
