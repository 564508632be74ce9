//! The perceptual and the texture loss against PyTorch in double precision (`tests/reference/make_perceptual.py`), the
//! file of VGG19's weights, and a run with both losses.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use gandle::config::{Config, FeatureNetwork, Loss};
use gandle::engine::{Engine, RunRequest};
use gandle::event::{Event, Scalar};
use gandle::feature::{Perceptual, perceptual};
use gandle::ops::{Graph, Value, gradients};

fn data(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name).display().to_string()
}

fn reference() -> HashMap<String, Tensor> {
    candle_core::safetensors::load(data("perceptual.safetensors"), &Device::Cpu).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The length of the difference as a share of the length of what is right.
fn distance(got: &Tensor, want: &Tensor) -> f64 {
    assert_eq!(got.dims(), want.dims());
    let square = |x: f32| f64::from(x) * f64::from(x);
    let (got, want) = (numbers(got), numbers(want));
    let difference: f64 = got.iter().zip(&want).map(|(a, b)| square(a - b)).sum();
    (difference / want.iter().copied().map(square).sum::<f64>()).sqrt()
}

fn compared(loss: &Loss, channels: usize) -> Perceptual {
    Perceptual::of(loss, channels, &Device::Cpu).unwrap().unwrap()
}

/// Features, both losses and their gradients of one case of the reference.
fn matches_pytorch(case: &str, loss: &Loss) {
    let reference = reference();
    let tensor = |name: &str| &reference[&format!("{case}/{name}")];
    let (fake, real) = (Value::leaf(tensor("fake").clone()), tensor("real"));
    let channels = fake.dims()[3];
    for (name, weights) in [("perceptual", (1.0, 0.0)), ("texture", (0.0, 1.0))] {
        let loss = Loss { perceptual: weights.0, texture: weights.1, ..loss.clone() };
        let network = compared(&loss, channels);
        let maps = network.features(&fake).unwrap();
        for (at, map) in maps.iter().enumerate() {
            let off = distance(&map.tensor().narrow(0, 0, 1).unwrap(), tensor(&format!("features{at}")));
            assert!(off < 1e-4, "{case}, features {at}: {off}");
        }
        assert!(!reference.contains_key(&format!("{case}/features{}", maps.len())), "{case} has more maps");
        let value = network.loss(&fake, real).unwrap().total;
        let want = tensor(name).to_scalar::<f32>().unwrap();
        assert!((value.scalar().unwrap() - want).abs() < 1e-4 * want, "{case}, {name}: {:?}", value.scalar());
        let gradient = gradients(value, std::slice::from_ref(&fake), Graph::Drop).unwrap().remove(0).unwrap();
        let off = distance(gradient.tensor(), tensor(&format!("{name}/gradient")));
        assert!(off < 2e-3, "{case}, gradient of {name}: {off}");
        // Weights multiply and add up.
        let both = Loss { perceptual: 0.1, texture: 3.0, ..loss };
        let sum = compared(&both, channels).loss(&fake, real).unwrap().total.scalar().unwrap();
        let part = |name: &str| tensor(name).to_scalar::<f32>().unwrap();
        let want = 0.1 * part("perceptual") + 3.0 * part("texture");
        assert!((sum - want).abs() < 1e-4 * want, "{case}: {sum} for {want}");
    }
}

#[test]
fn efficientnet_lite0_compares_as_in_pytorch() {
    for case in ["lite_colour", "lite_grey"] {
        matches_pytorch(case, &Loss::default());
    }
}

/// Numbers in `-bound..bound` by a hash of their place, as in `make_perceptual.py`.
fn made(layer: u64, count: usize, bound: f64) -> Vec<u8> {
    let number = |i: usize| {
        let mut x = (i as u64 * 2_654_435_761 + layer * 40503 + 12345) % (1 << 32);
        x ^= x >> 15;
        x = x * 2_246_822_519 % (1 << 32);
        x ^= x >> 13;
        ((x as f64 / 4_294_967_296.0 * 2.0 - 1.0) * bound) as f32
    };
    (0..count).flat_map(|i| number(i).to_le_bytes()).collect()
}

/// Writes VGG19's tensors as torchvision names them, up to the one that is named `end`.
fn write_vgg19(path: &Path, end: &str) {
    let (mut tensors, mut number, mut inputs) = (Vec::new(), 0, 3_usize);
    for (stage, (repeats, outputs)) in [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)].into_iter().enumerate() {
        number += u64::from(stage > 0);
        for _ in 0..repeats {
            let bound = (6.0 / (9 * inputs) as f64).sqrt();
            let weight = made(number, outputs * inputs * 9, bound);
            tensors.push((format!("features.{number}.weight"), vec![outputs, inputs, 3, 3], weight));
            tensors.push((format!("features.{number}.bias"), vec![outputs], made(number + 1, outputs, 0.1)));
            (number, inputs) = (number + 2, outputs);
        }
    }
    let views = tensors.iter().take_while(|(name, ..)| name != end).map(|(name, shape, bytes)| {
        (name, safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize_to_file(views, None, path).unwrap();
}

fn vgg19(path: &str) -> Loss {
    Loss { perceptual: 1.0, features: FeatureNetwork::Vgg19, vgg19: path.to_owned(), ..Loss::default() }
}

#[test]
fn vgg19_compares_as_in_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vgg19.safetensors");
    write_vgg19(&path, "");
    let loss = vgg19(&path.display().to_string());
    for case in ["vgg_colour", "vgg_grey"] {
        matches_pytorch(case, &loss);
    }
}

#[test]
fn another_file_than_vgg19s_is_refused_with_what_was_expected_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vgg16.safetensors");
    write_vgg19(&path, "features.16.weight");
    let refused = |path: &str| match Perceptual::of(&vgg19(path), 3, &Device::Cpu) {
        Ok(_) => panic!("{path} was taken"),
        Err(err) => err.to_string(),
    };
    let said = refused(&path.display().to_string());
    for part in ["vgg16.safetensors", "features.16.weight", "[256, 256, 3, 3]", "torchvision's weights of vgg19"] {
        assert!(said.contains(part), "{said}");
    }
    let said = refused(&data("weights.pth"));
    assert!(said.contains("no tensor features.0.weight, which should have the shape [64, 3, 3, 3]"), "{said}");
    let said = refused(&data("vgg_wrong.pth"));
    assert!(said.contains("features.0.weight has the shape [8, 3, 3, 3] and should have [64, 3, 3, 3]"), "{said}");
}

#[test]
fn gram_matrices_are_those_of_pytorch() {
    let reference = reference();
    let matrix = perceptual::gram(&Value::constant(reference["gram/features"].clone())).unwrap();
    assert!(distance(matrix.tensor(), &reference["gram/matrix"]) < 1e-6);
}

#[test]
fn equal_images_have_no_distance_and_others_pull_towards_them() {
    let reference = reference();
    let (fake, real) = (&reference["lite_colour/fake"], &reference["lite_colour/real"]);
    let loss = Loss { perceptual: 1.0, texture: 1.0, ..Loss::default() };
    let network = compared(&loss, 3);
    let of = |images: &Tensor| network.loss(&Value::constant(images.clone()), real).unwrap().total.scalar().unwrap();
    assert_eq!(of(real), 0.0);
    let leaf = Value::leaf(fake.clone());
    let value = network.loss(&leaf, real).unwrap().total;
    let before = value.scalar().unwrap();
    let slope = gradients(value, &[leaf], Graph::Drop).unwrap().remove(0).unwrap();
    let step = 1e-3 / slope.tensor().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(of(&(fake - (slope.tensor() * f64::from(step)).unwrap()).unwrap()) < before);
}

#[test]
fn settings_that_cannot_compare_are_refused() {
    let keys = |set: &[&str]| {
        let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
        let problems = Config::default().with(&set).unwrap().check(Some(3));
        problems.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
    };
    // They are told to do nothing, and no more.
    assert_eq!(keys(&["loss.features=vgg19", "loss.vgg19=/nowhere.pth"]), ["loss.features", "loss.vgg19"]);
    assert_eq!(keys(&["loss.perceptual=0.1", "loss.texture=1"]), [""; 0]);
    assert_eq!(keys(&["loss.perceptual=0.1", "loss.features=vgg19"]), ["loss.vgg19"]);
    assert_eq!(keys(&["loss.texture=0.1", "loss.features=vgg19", "loss.vgg19=/nowhere.pth"]), ["loss.vgg19"]);
    assert_eq!(keys(&["loss.perceptual=-1", "loss.texture=nan"]), ["loss.perceptual", "loss.texture"]);
    assert_eq!(keys(&["loss.perceptual=0.1", "image_size=16"]), ["loss.perceptual"]);
    let more = Config::default().with(&["loss.perceptual=0.1".to_owned()]).unwrap().cost(3).training_bytes;
    assert!(more > Config::default().cost(3).training_bytes);
}

fn run(options: &[&str], folder: &Path) -> Vec<Event> {
    let set = [
        "image_size=16",
        "data.demo_images=6",
        "generator.base_channels=4",
        "discriminator.base_channels=4",
        "train.batch_size=4",
        "train.steps=3",
        "train.grid_every=0",
        "train.checkpoint_every=2",
        "train.threads=1",
        "train.device=cpu",
        "score.every=0",
        concat!("data.cache=", env!("CARGO_TARGET_TMPDIR"), "/cache"),
    ];
    let set: Vec<String> = set.iter().chain(options).map(|entry| (*entry).to_owned()).collect();
    let request = RunRequest::new(Config::default().with(&set).unwrap(), folder.to_owned());
    Engine::spawn(request, std::sync::Arc::new(|| {})).unwrap().wait_events().collect()
}

#[test]
fn a_run_tells_the_loss_and_counts_what_it_has_compared() {
    let root = tempfile::tempdir().unwrap();
    let losses = |events: &[Event]| -> Vec<(f32, Option<f32>)> {
        events
            .iter()
            .filter_map(|e| {
                if let Event::Step(s) = e {
                    Some((s.numbers[Scalar::LossG], s.numbers.get(Scalar::LossFeatures)))
                } else {
                    None
                }
            })
            .collect()
    };
    let state = |name: &str, step: usize| -> serde_json::Value {
        let path = root.path().join(name).join(format!("checkpoints/{step:07}/state.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let options = ["loss.perceptual=0.1", "loss.texture=1", "optimizer.accumulation=2"];
    let events = run(&options, &root.path().join("on"));
    assert!(matches!(events.last(), Some(Event::Finished { .. })), "{:?}", events.last());
    let told = losses(&events);
    assert_eq!(told.len(), 3);
    for (of_generator, of_features) in &told {
        let of_features = of_features.unwrap();
        assert!(of_features > 0.01 && of_features.is_finite() && of_generator.is_finite(), "{told:?}");
    }
    for (step, batches) in [(2, 4), (3, 6)] {
        assert_eq!(state("on", step)["compared_position"], batches);
    }
    assert_eq!(losses(&run(&options, &root.path().join("again"))), told);
    let off = run(&options[2..], &root.path().join("off"));
    assert!(losses(&off).iter().all(|(_, of_features)| of_features.is_none()));
    assert_eq!(state("off", 3)["compared_position"], 0);
    // The discriminator's first update comes before, and is the same.
    let first = |events: &[Event]| {
        events.iter().find_map(|e| {
            if let Event::Step(s) = e { Some((s.numbers[Scalar::LossD], s.numbers[Scalar::LogitsReal])) } else { None }
        })
    };
    assert_eq!(first(&events), first(&off));
    assert_ne!(losses(&events)[1].0, losses(&off)[1].0);
}

#[test]
fn a_run_without_its_file_of_weights_leaves_no_session() {
    let root = tempfile::tempdir().unwrap();
    let file = format!("loss.vgg19={}", data("weights.pth"));
    let folder = root.path().join("run");
    let events = run(&["loss.perceptual=0.1", "loss.features=vgg19", &file], &folder);
    let Some(Event::Failed { message, .. }) = events.last() else { panic!("{:?}", events.last()) };
    assert!(message.contains("weights.pth") && message.contains("features.0.weight"), "{message}");
    assert!(!folder.join("run.toml").exists());
}
