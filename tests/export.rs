//! What comes out of a session is what the session holds, in files that other programs read.
//!
//! `GANDLE_WRITE_EXPORTS=DIR cargo test --release --test export` leaves every export of every kind of generator in a folder,
//! for `tests/reference/check_exports.py`, which reads them with the programs that they are for.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/small.rs"]
mod small;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Device, Tensor};
use gandle::config::{Config, Preset};
use gandle::engine::export::export;
use gandle::engine::sample::Sampler;
use gandle::engine::{Engine, Job, RunRequest};
use gandle::event::{Content, Event, Export, Exported, Film, Images, JobEvent, Moving, Walk};
use image::AnimationDecoder as _;

/// What the generator can be, beside the presets.
const VARIANTS: &[(&str, &[&str])] = &[
    ("plain", &["generator.norm=batch", "generator.attention=[]", "generator.skip=none"]),
    ("conditional", &["generator.norm=conditional-batch", "generator.attention=[4, 16]", "channels=1"]),
    ("residual", &["generator.norm=batch", "generator.attention=[8]", "generator.skip=residual"]),
    ("sagan", &["generator.norm=batch", "generator.attention=[4, 16]", "generator.attention_form=sagan"]),
    (
        "residual-conditional",
        &["generator.norm=conditional-batch", "generator.attention=[]", "generator.skip=residual"],
    ),
    ("excitation", &["generator.norm=batch", "generator.attention=[8, 16]", "generator.skip=excitation"]),
    ("excitation-64", &["image_size=64", "generator.norm=conditional-batch", "generator.skip=excitation"]),
    ("excitation-128", &["image_size=128", "generator.skip=excitation"]),
    ("unconditional", &["discriminator.conditioning=none", "generator.norm=batch"]),
    ("small-labels", &["transition.to=600", "generator.norm=conditional-batch", "generator.skip=excitation"]),
    ("no-labels-yet", &["transition.from=500", "transition.to=600", "generator.norm=conditional-batch"]),
    ("fast-grey-64", &["generator.family=fast", "image_size=64", "channels=1"]),
    ("fast-half-labels", &["generator.family=fast", "transition.to=600"]),
    ("growing-8", &["growing.start=8", "growing.stable_images=600", "generator.norm=conditional-batch"]),
    ("growing-fade-16", &["growing.start=8", "growing.stable_images=6", "growing.fade_images=60"]),
    (
        "growing-fade-32",
        &["growing.start=16", "growing.stable_images=6", "growing.fade_images=60", "generator.skip=residual"],
    ),
    ("growing-done", &["growing.start=8", "growing.stable_images=1", "growing.fade_images=1"]),
];

fn config(preset: Preset, more: &[&str]) -> Config {
    let run: &[&str] = &["image_size=32", "train.steps=6", "train.grid_every=1", "train.seed=7", "score.every=0"];
    // Far from where weights start, so that everything in the networks has a say.
    let moved = &["optimizer.generator_lr=0.05", "optimizer.ema_decay=0.3", "optimizer.ema_half_life=0"];
    let all = [run, moved, more].concat();
    small::config(preset, &all)
}

fn run(config: Config, folder: &Path) {
    let engine = Engine::spawn(RunRequest::new(config, folder.to_owned()), Arc::new(|| {})).unwrap();
    let last = engine.wait_events().last().unwrap();
    assert!(matches!(last, Event::Finished { .. }), "{last:?}");
}

fn out(session: &Path, content: Content, folder: &Path) -> anyhow::Result<Option<Vec<PathBuf>>> {
    let asked = Export { session: session.to_owned(), content, folder: Some(folder.to_owned()) };
    let files = |exported| match exported {
        Exported::Files(files) => files,
        Exported::Images { .. } => panic!("{exported:?}"),
    };
    Ok(export(&asked, |_, _| true)?.map(files))
}

fn film(moving: Moving, frames: usize) -> Film {
    Film { moving, frames, fps: 8.0, labels: false }
}

const WALK: Walk = Walk { step: None, class: Some(2), stops: 3, seed: 5, truncation: 0.0 };

fn everything() -> Vec<Content> {
    vec![
        Content::Safetensors { step: None },
        Content::Onnx { step: None },
        Content::Csv,
        Content::Tensorboard,
        Content::Html,
        Content::History(film(Moving::Gif, 4)),
        Content::History(film(Moving::Webp, 60)),
        Content::Walk(film(Moving::Gif, 6), WALK),
        Content::Walk(film(Moving::Webp, 6), Walk { class: None, ..WALK }),
    ]
}

fn names(files: &[PathBuf], below: &Path) -> Vec<String> {
    files.iter().map(|path| path.strip_prefix(below).unwrap().display().to_string()).collect()
}

/// What the program itself draws, for the script to compare with.
fn write_drawn(session: &Path, folder: &Path) {
    let mut sampler = Sampler::open(session, None).unwrap();
    let (classes, config) = (sampler.state.classes.len(), sampler.state.config.clone());
    let (mut z, mut labels) = (Vec::new(), Vec::new());
    for class in 0..classes {
        z.extend(sampler.latents(class, 0, 2, 1, 0.0).unwrap());
        labels.extend([u32::try_from(class).unwrap(); 2]);
    }
    let images = sampler.numbers(&labels, z.clone()).unwrap();
    let (count, size) = (labels.len(), config.image_size);
    let tensor = |data: Vec<f32>, shape: &[usize]| Tensor::from_vec(data, shape, &Device::Cpu).unwrap();
    let drawn = HashMap::from([
        ("z", tensor(z, &[count, config.generator.latent_dim])),
        ("images", tensor(images, &[count, size, size, config.channels])),
        ("label", Tensor::from_vec(labels.into_iter().map(i64::from).collect(), count, &Device::Cpu).unwrap()),
    ]);
    candle_core::safetensors::save(&drawn, folder.join("drawn.safetensors")).unwrap();
}

#[test]
fn every_kind_of_generator_is_taken_out() {
    let wanted = std::env::var_os("GANDLE_WRITE_EXPORTS").map(PathBuf::from);
    let scratch = tempfile::tempdir().unwrap();
    let root = wanted.clone().unwrap_or_else(|| scratch.path().to_owned());
    let presets = Preset::ALL.into_iter().map(|preset| (preset.name(), config(preset, &["score.every=3"])));
    let variants = VARIANTS.iter().map(|(name, more)| (*name, config(Preset::Improved, more)));
    // Without a script that reads them, three will do.
    let most = if wanted.is_some() { usize::MAX } else { 3 };
    for (name, config) in presets.chain(variants).rev().take(most) {
        let (session, folder) = (root.join(name).join("session"), root.join(name).join("exports"));
        run(config, &session);
        let last = everything().into_iter().flat_map(|content| out(&session, content, &folder).unwrap().unwrap());
        assert_eq!(last.count(), 10, "{name}");
        write_drawn(&session, &folder);
    }
}

/// The first comment of a GIF.
fn pieces(gif: &[u8]) -> Vec<u8> {
    let mut at = gif.windows(2).position(|part| part == [0x21, 0xfe]).expect("a comment") + 2;
    let mut comment = Vec::new();
    while gif[at] > 0 {
        let next = at + 1 + usize::from(gif[at]);
        comment.extend_from_slice(&gif[at + 1..next]);
        at = next;
    }
    comment
}

#[test]
fn films_show_the_grids_and_the_images_that_the_session_draws() {
    let root = tempfile::tempdir().unwrap();
    let (session, folder) = (root.path().join("cells"), root.path().join("out"));
    run(config(Preset::Improved, &["image_size=16", "train.grid_columns=2"]), &session);
    let read = |content| fs::read(&out(&session, content, &folder).unwrap().unwrap()[0]).unwrap();
    let frames = |bytes: Vec<u8>| {
        let decoder = image::codecs::webp::WebPDecoder::new(std::io::Cursor::new(bytes)).unwrap();
        decoder.into_frames().collect_frames().unwrap()
    };

    // Seven grids from step 0 to 6; of four frames the first and the last are those of the run.
    let shown = frames(read(Content::History(film(Moving::Webp, 4))));
    assert_eq!(shown.len(), 4);
    for (frame, step) in shown.iter().zip([0, 2, 4, 6]) {
        let grid = image::open(session.join(format!("grids/{step:07}.png"))).unwrap().into_rgb8();
        let pixel = |x, y| frame.buffer().get_pixel(x, y).0;
        let times = frame.buffer().width() / grid.width();
        assert_eq!(times, 4);
        assert!(
            grid.enumerate_pixels().all(|(x, y, want)| pixel(x * times + 1, y * times + 2)[..3] == want.0),
            "{step}"
        );
    }

    // Every second frame of six is a stop, and the stops are what `gandle sample` draws.
    let walked = frames(read(Content::Walk(film(Moving::Webp, 6), WALK)));
    let stops = Sampler::open(&session, None).unwrap().images(2, 0, 3, 5, 0.0).unwrap();
    for (frame, stop) in walked.iter().step_by(2).zip(stops.chunks_exact(16 * 16 * 3)) {
        let small: Vec<u8> =
            (0..16 * 16u32).flat_map(|i| frame.buffer().get_pixel(i % 16 * 4, i / 16 * 4).0[..3].to_vec()).collect();
        assert!(small == stop);
    }
    assert_eq!(walked.len(), 6);
    let gif = read(Content::Walk(film(Moving::Gif, 4), Walk { class: None, ..WALK }));
    let decoder = image::codecs::gif::GifDecoder::new(std::io::Cursor::new(&gif)).unwrap();
    let all = decoder.into_frames().collect_frames().unwrap();
    // Six classes: three beside each other, in two rows.
    assert_eq!((all.len(), all[0].buffer().dimensions()), (4, (192, 128)));
    // A comment lies in pieces of 255 bytes, each behind its length.
    let comment: Vec<u8> = pieces(&gif);
    assert!(comment.windows(19).any(|part| part == b"\"session\":\"cells\",\""));
}

#[test]
fn nothing_is_overwritten_and_nothing_stays_of_what_was_cancelled() {
    let root = tempfile::tempdir().unwrap();
    let (session, folder) = (root.path().join("cells"), root.path().join("out"));
    run(config(Preset::Improved, &["image_size=16"]), &session);
    for content in everything() {
        let written = out(&session, content.clone(), &folder).unwrap().unwrap();
        let before: Vec<Vec<u8>> = written.iter().map(|path| fs::read(path).unwrap()).collect();
        let err = out(&session, content, &folder).unwrap_err().to_string();
        assert!(
            err.contains("already there") && names(&written, &folder).iter().any(|name| err.contains(name)),
            "{err}"
        );
        assert!(written.iter().zip(before).all(|(path, before)| fs::read(path).unwrap() == before));
    }
    let nowhere = root.path().join("nowhere");
    let walk = Content::Walk(film(Moving::Gif, 200), WALK);
    let asked = Export { session: session.clone(), content: walk, folder: Some(nowhere.clone()) };
    assert_eq!(export(&asked, |done, total| done < 3 && total == 200).unwrap(), None);
    assert!(!nowhere.exists());

    // The same on a thread of its own, as the window asks for it.
    let job = Job::export(Export { content: Content::Onnx { step: Some(6) }, ..asked.clone() }, Arc::new(|| {}));
    let Some(JobEvent::Exported(Exported::Files(files))) = job.wait_events().last() else { panic!("not written") };
    assert_eq!(names(&files, &nowhere), ["generator-step0000006.onnx"]);
    let job = Job::export(Export { content: Content::Onnx { step: Some(5) }, ..asked }, Arc::new(|| {}));
    let JobEvent::Failed { message } = job.wait_events().last().unwrap() else { panic!("not failed") };
    assert!(message.contains("no checkpoint of step 5"), "{message}");
}

#[test]
fn drawn_images_and_grids_say_where_they_come_from() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("cells");
    run(config(Preset::Improved, &["image_size=16", "channels=1"]), &session);
    let images = Images { step: None, class: Some(1), count: 2, seed: 9, truncation: 0.5, ..Images::default() };
    let folder = root.path().join("drawn");
    let asked = Export { session: session.clone(), content: Content::Images(images), folder: Some(folder.clone()) };
    export(&asked, |_, _| true).unwrap();
    let texts = |path: PathBuf| -> HashMap<String, String> {
        let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
        let reader = decoder.read_info().unwrap();
        let texts = reader.info().uncompressed_latin1_text.iter();
        texts.map(|text| (text.keyword.clone(), text.text.clone())).collect()
    };
    let classes = Sampler::open(&session, None).unwrap().state.classes;
    let drawn = texts(folder.join(&classes[1]).join("step0000006-seed9-000001.png"));
    let want =
        [("session", "cells"), ("step", "6"), ("class", &classes[1]), ("label", "1"), ("seed", "9"), ("number", "1")];
    assert!(want.iter().all(|(name, value)| drawn[*name] == *value), "{drawn:?}");
    let grid = texts(session.join("grids/0000004.png"));
    assert_eq!((&grid["session"][..], &grid["step"][..], &grid["seed"][..]), ("cells", "4", "7"));
    assert_eq!(serde_json::from_str::<Vec<String>>(&grid["rows"]).unwrap(), classes);
}
