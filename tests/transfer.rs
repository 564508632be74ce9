//! Forks onto other classes, another image size and a told label: what is kept bit for bit, what begins anew, what is refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Device, Tensor};
use gandle::config::{Config, Preset, has_errors};
use gandle::data::demo;
use gandle::engine::{Engine, Refused, RunRequest};
use gandle::event::Event;
use gandle::session::{checkpoint_folder, read_state};

/// Steps of a parent.
const STEPS: usize = 3;

fn tiny(more: &[&str]) -> Config {
    let own = [
        "train.batch_size=4",
        "train.steps=3",
        "train.grid_every=0",
        "train.checkpoint_every=0",
        "train.keep_checkpoints=0",
        "score.every=0",
        "discriminator.conditioning=projection",
    ];
    small::config(Preset::Improved, &[&own, more].concat())
}

/// A folder of four drawn images of each of these classes; returns it as a setting.
fn images(folder: &Path, classes: &[&str]) -> String {
    for (at, class) in classes.iter().enumerate() {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for index in 0..4 {
            let pixels = demo::render(at % demo::CLASSES.len(), index, 16, 3);
            let image = image::RgbImage::from_raw(16, 16, pixels).unwrap();
            image.save(folder.join(class).join(format!("{index}.png"))).unwrap();
        }
    }
    format!("data.source={}", folder.display())
}

fn events(request: RunRequest) -> Vec<Event> {
    Engine::spawn(request, Arc::new(|| {})).unwrap().wait_events().collect()
}

fn train(config: Config, folder: &Path) {
    let told = events(RunRequest::new(config, folder.to_owned()));
    assert_eq!(told.last(), Some(&Event::Finished { step: STEPS }), "{:?}", told.last());
}

/// A fork that takes so many steps more; what it told of what it carries over.
fn fork(parent: &Path, to: &Path, more: usize, set: &[&str]) -> Vec<String> {
    let set: Vec<String> = set.iter().map(|entry| (*entry).to_owned()).collect();
    let request = RunRequest::fork(parent, None, to.to_owned(), Some(STEPS + more), &set).unwrap();
    let told = events(request);
    assert_eq!(told.last(), Some(&Event::Finished { step: STEPS + more }), "{:?}", told.last());
    warnings(&told).into_iter().filter(|message| message.starts_with("Carried over")).collect()
}

fn warnings(told: &[Event]) -> Vec<String> {
    let of = |event: &Event| if let Event::Warning { message, .. } = event { Some(message.clone()) } else { None };
    told.iter().filter_map(of).collect()
}

type Tensors = BTreeMap<String, Tensor>;

fn tensors(session: &Path, step: usize, file: &str) -> Tensors {
    let file = checkpoint_folder(session, step).join(format!("{file}.safetensors"));
    candle_core::safetensors::load(file, &Device::Cpu).unwrap().into_iter().collect()
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn row(table: &Tensor, row: usize) -> Vec<f32> {
    numbers(&table.narrow(0, row, 1).unwrap())
}

fn mean(table: &Tensor) -> Vec<f32> {
    let rows = table.dim(0).unwrap();
    let all: Vec<Vec<f32>> = (0..rows).map(|at| row(table, at)).collect();
    (0..all[0].len()).map(|i| (all.iter().map(|row| f64::from(row[i])).sum::<f64>() / rows as f64) as f32).collect()
}

/// Whether numbers move by themselves, as running statistics do: the average has its own in every checkpoint.
fn moves(name: &str) -> bool {
    ["running_mean", "running_var", "num_batches_tracked"].iter().any(|end| name.ends_with(end))
}

#[test]
fn known_classes_keep_their_rows_and_new_ones_begin_as_the_mean() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let (old, new) = (images(&at("old"), &["a", "b", "c"]), images(&at("new"), &["a", "c", "d", "e"]));
    train(tiny(&[&old, "generator.norm=conditional-batch"]), &at("parent"));
    let told = fork(&at("parent"), &at("fork"), 2, &[&new]);
    let line = "Classes: a, c keep what was learnt of them; d, e are new and begin as the mean of all classes that were known; b are dropped.";
    assert!(told.len() == 1 && told[0].ends_with(line), "{told:?}");
    let state = read_state(&checkpoint_folder(&at("fork"), STEPS)).unwrap();
    assert_eq!(state.classes, ["a", "c", "d", "e"]);
    let was = [Some(0), Some(2), None, None];
    let mut tables = 0;
    for file in ["generator", "discriminator", "ema"] {
        let (before, after) = (tensors(&at("parent"), STEPS, file), tensors(&at("fork"), STEPS, file));
        assert_eq!(before.len(), after.len(), "{file}");
        for (name, is) in &after {
            let before = &before[name];
            if is.dims().first() == Some(&4) && before.dims().first() == Some(&3) && is.rank() == 2 {
                tables += 1;
                for (label, old) in was.iter().enumerate() {
                    let wanted = old.map_or_else(|| mean(before), |old| row(before, old));
                    assert_eq!(row(is, label), wanted, "{file}: {name} {label}");
                }
            } else if !moves(name) && is.dims() == before.dims() && !name.contains("projection.") {
                assert_eq!(numbers(is), numbers(before), "{file}: {name}");
            }
        }
    }
    // The label's vectors and two tables of each of the generator's norms, in both stores; the projection.
    assert_eq!(tables, 2 * (1 + 2 * 2) + 1);
    let d = tensors(&at("fork"), STEPS, "discriminator");
    let (u, v) = (&d["scales.0.projection.u"], &d["scales.0.projection.v"]);
    let table = &d["scales.0.projection.layer.weight"];
    let sigma: f32 =
        (0..4).map(|i| numbers(u)[i] * row(table, i).iter().zip(numbers(v)).map(|(a, b)| a * b).sum::<f32>()).sum();
    let largest = (0..4).map(|i| row(table, i).iter().map(|x| x * x).sum::<f32>().sqrt()).fold(0.0, f32::max);
    assert!(sigma >= 0.9 * largest && sigma.is_finite(), "{sigma} {largest}");

    // Moments of known rows stay, those of new rows are zero, and the table is corrected for young means again.
    let of = |session: &str| tensors(&at(session), STEPS, "generator_optimizer");
    let (before, after) = (of("parent"), of("fork"));
    for order in ["first", "second"] {
        let name = format!("{order}/label_embedding.weight");
        for (label, old) in was.iter().enumerate() {
            let wanted = old.map_or_else(|| vec![0.0; 4], |old| row(&before[&name], old));
            assert_eq!(row(&after[&name], label), wanted, "{name} {label}");
        }
    }
    assert_eq!(after["steps/label_embedding.weight"].to_scalar::<i64>().unwrap(), 0);
    assert!(!after.contains_key("steps/to_image.weight"));

    // The same once more is the same; and it goes on by itself.
    fork(&at("parent"), &at("again"), 2, &[&new]);
    for file in gandle::train::state::FILES {
        let bytes = |session: &str| std::fs::read(checkpoint_folder(&at(session), STEPS + 2).join(file)).unwrap();
        assert!(bytes("fork") == bytes("again"), "{file}");
    }
    std::fs::remove_dir_all(at("parent")).unwrap();
    let told = events(RunRequest::resume(&at("fork"), Some(STEPS + 3)).unwrap());
    assert_eq!(told.last(), Some(&Event::Finished { step: STEPS + 3 }));
}

#[test]
fn the_classifier_of_an_auxiliary_discriminator_goes_by_names_too() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let (old, new) = (images(&at("old"), &["a", "b"]), images(&at("new"), &["a", "b", "c"]));
    train(tiny(&[&old, "discriminator.conditioning=auxiliary"]), &at("parent"));
    fork(&at("parent"), &at("fork"), 1, &[&new]);
    let of = |session: &str| tensors(&at(session), STEPS, "discriminator");
    let (before, after) = (of("parent"), of("fork"));
    for part in ["weight", "bias"] {
        let name = format!("scales.0.classifier.layer.{part}");
        let (was, is) = (&before[&name], &after[&name]);
        assert_eq!((row(is, 0), row(is, 1), row(is, 2)), (row(was, 0), row(was, 1), mean(was)), "{name}");
    }
}

#[test]
fn one_class_becomes_several_that_are_told_apart_from_here_on() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let (old, new) = (images(&at("old"), &["all"]), images(&at("new"), &["a", "b"]));
    train(tiny(&[&old, "discriminator.conditioning=none"]), &at("parent"));
    let told = fork(&at("parent"), &at("fork"), 1, &[&new, "discriminator.conditioning=projection"]);
    assert!(told.iter().any(|line| line.contains("scales.0.projection begin anew")), "{told:?}");
    let of = |session: &str, file| tensors(&at(session), STEPS, file);
    let vector = numbers(&of("parent", "generator")["label_embedding.weight"]);
    let table = &of("fork", "generator")["label_embedding.weight"];
    assert_eq!((row(table, 0), row(table, 1)), (vector.clone(), vector));
    let moments = of("fork", "discriminator_optimizer");
    assert!(numbers(&moments["first/scales.0.projection.layer.weight"]).iter().all(|moment| *moment == 0.0));
    assert_eq!(moments["steps/scales.0.projection.layer.weight"].to_scalar::<i64>().unwrap(), 0);
    // Not the other way round.
    let set = ["discriminator.conditioning=none".to_owned()];
    let err = RunRequest::fork(&at("fork"), None, at("no"), Some(9), &set).err().unwrap();
    assert!(err.is::<Refused>() && err.to_string().contains("is told in the same way"), "{err}");
}

#[test]
fn a_larger_image_keeps_what_both_sizes_have() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let fast = ["generator.family=fast", "generator.attention=[]", "data.demo_images=3"];
    train(tiny(&fast), &at("parent"));
    let told = fork(&at("parent"), &at("fork"), 1, &["image_size=32"]);
    let generator = told.iter().find(|line| line.contains("Generator")).unwrap();
    assert!(generator.contains("begin anew") && generator.contains("blocks.2"), "{generator}");
    for file in ["generator", "ema"] {
        let of = |session: &str| tensors(&at(session), STEPS, file);
        let (before, after) = (of("parent"), of("fork"));
        for layer in ["start.", "norms.0.", "norms.1.", "blocks.0.", "blocks.1.", "label_embedding."] {
            let own: Vec<&String> = after.keys().filter(|name| name.starts_with(layer) && !moves(name)).collect();
            assert!(!own.is_empty() || layer == "norms.0.", "{layer}");
            for name in own {
                assert_eq!(numbers(&after[name]), numbers(&before[name]), "{file}: {name}");
            }
        }
    }
    let moments = tensors(&at("fork"), STEPS, "generator_optimizer");
    assert!(numbers(&moments["first/blocks.2.weight"]).iter().all(|moment| *moment == 0.0));
    assert!(numbers(&moments["second/blocks.0.weight"]).iter().any(|moment| *moment > 0.0));
    // And back to fewer stages.
    let told = fork_of_fork(&at("fork"), &at("back"));
    assert!(told.iter().any(|line| line.contains("are dropped")), "{told:?}");

    // Networks whose widths depend on the size are refused, and whatever else makes others of them.
    train(tiny(&["data.demo_images=3"]), &at("dcgan"));
    for (set, says) in
        [("image_size=32", "only a generator of the family `fast`"), ("generator.latent_dim=9", "was 8, is 9")]
    {
        let err = RunRequest::fork(&at("dcgan"), None, at("no"), Some(9), &[set.to_owned()]).err().unwrap();
        assert!(err.is::<Refused>() && err.to_string().contains(says), "{err}");
    }
}

fn fork_of_fork(parent: &Path, to: &Path) -> Vec<String> {
    let set = ["image_size=16".to_owned()];
    let told = events(RunRequest::fork(parent, None, to.to_owned(), Some(STEPS + 2), &set).unwrap());
    assert_eq!(told.last(), Some(&Event::Finished { step: STEPS + 2 }), "{:?}", told.last());
    warnings(&told)
}

#[test]
fn frozen_blocks_keep_every_bit_and_the_others_learn() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { root.path().join(name) };
    train(tiny(&["data.demo_images=3"]), &at("parent"));
    let request = |set: &[&str]| {
        let set: Vec<String> = set.iter().map(|entry| (*entry).to_owned()).collect();
        RunRequest::fork(&at("parent"), None, at("fork"), Some(STEPS + 2), &set)
    };
    let told = events(request(&["optimizer.frozen_blocks=1"]).unwrap());
    assert_eq!(told.last(), Some(&Event::Finished { step: STEPS + 2 }), "{:?}", told.last());
    assert!(warnings(&told).iter().all(|message| !message.contains("stay random")));
    let (before, after) =
        (tensors(&at("parent"), STEPS, "discriminator"), tensors(&at("fork"), STEPS + 2, "discriminator"));
    let learnt = |name: &&String| name.ends_with("weight") || name.ends_with("bias");
    for name in after.keys().filter(learnt) {
        let frozen = name.starts_with("scales.0.blocks.0.");
        assert_eq!(numbers(&before[name]) == numbers(&after[name]), frozen, "{name}");
    }
    // A family that is frozen as it is, and a run that has nothing to keep.
    let quick = small::config(Preset::Quick, &["optimizer.frozen_blocks=1"]);
    let problems = quick.check(Some(6));
    assert!(
        has_errors(&problems) && problems.iter().any(|problem| problem.message.contains("frozen already")),
        "{problems:?}"
    );
    let fresh = events(RunRequest::new(tiny(&["data.demo_images=3", "optimizer.frozen_blocks=1"]), at("fresh")));
    assert!(warnings(&fresh).iter().any(|message| message.contains("stay random")));
}
