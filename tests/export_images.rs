//! Images leave a session in every format with the numbers that its generator draws, and come back through the readers of data.
//!
//! `GANDLE_WRITE_EXPORTS=DIR cargo test --release --test export_images` leaves them in a folder, for
//! `tests/reference/check_exports.py`, which reads them with the programs that they are for.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/small.rs"]
mod small;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Device, Tensor};
use gandle::config::{Choice as _, Config, Preset};
use gandle::data::{Dataset, Gallery, inspect};
use gandle::engine::export::export;
use gandle::engine::sample::Sampler;
use gandle::engine::{Engine, RunRequest};
use gandle::event::{Content, Event, Export, Exported, ImageFormat, Images};
use gandle::session::Traced;

const SIZE: usize = 16;
/// Images a class.
const EACH: usize = 3;

fn train(session: &Path, more: &[&str]) {
    // Far from where weights start, so that images have something in them.
    let run = ["train.steps=4", "score.every=0", "train.seed=7", "optimizer.generator_lr=0.05"];
    let settled = ["optimizer.ema_decay=0.3", "optimizer.ema_half_life=0"];
    let config = small::config(Preset::Improved, &[&run, settled.as_slice(), more].concat());
    let engine = Engine::spawn(RunRequest::new(config, session.to_owned()), Arc::new(|| {})).unwrap();
    let last = engine.wait_events().last().unwrap();
    assert!(matches!(last, Event::Finished { .. }), "{last:?}");
}

fn wanted(format: ImageFormat) -> Images {
    Images { count: EACH, seed: 9, format, ..Images::default() }
}

fn write(session: &Path, images: Images, folder: &Path) -> Result<Exported, String> {
    let content = Content::Images(images);
    let asked = Export { session: session.to_owned(), content, folder: Some(folder.to_owned()) };
    export(&asked, |_, _| true).map(Option::unwrap).map_err(|err| format!("{err:#}"))
}

/// Every file below a folder, by its path there.
fn all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(at: &Path, root: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
        for path in fs::read_dir(at).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                walk(&path, root, out);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                out.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(folder, folder, &mut out);
    out
}

/// What the generator draws: for each class its first images, in [-1, 1].
fn drawn(session: &Path) -> (Vec<String>, Vec<Vec<f32>>) {
    let mut sampler = Sampler::open(session, None).unwrap();
    let classes = sampler.state.classes.clone();
    let mut images = Vec::new();
    for class in 0..classes.len() {
        let z = sampler.latents(class, 0, EACH, 9, 0.0).unwrap();
        let numbers = sampler.numbers(&[u32::try_from(class).unwrap(); EACH], z).unwrap();
        images.extend(numbers.chunks_exact(numbers.len() / EACH).map(<[f32]>::to_vec));
    }
    (classes, images)
}

fn wide(image: &[f32]) -> Vec<u16> {
    image.iter().map(|x| (32_767.5 * f64::from(*x) + 32_768.0).clamp(0.0, 65_535.0) as u16).collect()
}

fn bytes(image: &[f32]) -> Vec<u8> {
    image.iter().map(|x| (127.5 * x + 128.0).clamp(0.0, 255.0) as u8).collect()
}

fn source(path: &Path, channels: usize) -> Config {
    let mut config = Config { image_size: SIZE, channels, ..Config::default() };
    config.data.source = path.to_str().unwrap().to_owned();
    config
}

fn unzipped(path: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut out).unwrap();
    out
}

/// Leaves what another program is to compare with.
fn keep(name: &str, session: &Path, images: &[Vec<f32>], channels: usize) {
    let Some(root) = std::env::var_os("GANDLE_WRITE_EXPORTS").map(|root| PathBuf::from(root).join(name)) else {
        return;
    };
    for format in ImageFormat::ALL.iter().filter(|format| format.takes(channels)) {
        write(session, wanted(*format), &root.join("images").join(format.key())).unwrap();
    }
    let marked = Images { mark: true, ..wanted(ImageFormat::Dicom) };
    write(session, marked, &root.join("images/marked")).unwrap();
    let fill = Images { fill_up: true, count: 8, ..wanted(ImageFormat::Png) };
    write(session, fill, &root.join("images/filled")).unwrap();
    let tensor = Tensor::from_vec(images.concat(), (images.len(), SIZE, SIZE, channels), &Device::Cpu).unwrap();
    candle_core::safetensors::save(&HashMap::from([("images", tensor)]), root.join("drawn.safetensors")).unwrap();
}

#[test]
fn every_format_holds_what_the_generator_draws_and_is_the_same_bytes_again() {
    let root = tempfile::tempdir().unwrap();
    for channels in [1, 3] {
        let session = root.path().join(format!("cells-{channels}"));
        train(&session, &[&format!("channels={channels}")]);
        let (classes, images) = drawn(&session);
        keep(if channels == 1 { "grey" } else { "colour" }, &session, &images, channels);
        let spread = images.concat().iter().fold([f32::MAX, f32::MIN], |[low, high], x| [low.min(*x), high.max(*x)]);
        assert!(spread[1] - spread[0] > 0.2, "{spread:?}: nothing is drawn");
        for format in ImageFormat::ALL.iter().copied() {
            let [once, again] = ["once", "again"].map(|name| root.path().join(format!("{channels}/{format:?}/{name}")));
            let told = write(&session, wanted(format), &once);
            if !format.takes(channels) {
                let told = told.unwrap_err();
                assert!(told.contains("in colour") && told.contains(format.key()), "{told}");
                assert!(!once.exists());
                continue;
            }
            match told.unwrap() {
                Exported::Images { count, folder, .. } => assert_eq!((count, folder), (18, once.clone())),
                Exported::Files(files) => {
                    assert_eq!(files.len(), if format == ImageFormat::Stack { 6 } else { 1 });
                    assert!(files.iter().all(|file| file.is_file()));
                }
            }
            write(&session, wanted(format), &again).unwrap();
            let written = all(&once);
            assert_eq!(written, all(&again), "{format:?}: one seed, the same bytes");
            assert!(written.keys().all(|name| name.ends_with(format.extension())), "{:?}", written.keys());
            // Nothing of it is replaced.
            let refused = write(&session, wanted(format), &once).unwrap_err();
            assert!(refused.contains("already there"), "{refused}");
            assert_eq!(all(&once), written);
            match format {
                ImageFormat::Png | ImageFormat::Png16 | ImageFormat::Tiff16 | ImageFormat::Dicom => {
                    holds_files(format, &once, &classes, &images);
                }
                ImageFormat::Stack => holds_slices(&once, &classes, &images, channels),
                ImageFormat::Npz | ImageFormat::Parquet => holds_a_set(format, &once, &classes, &images, channels),
            }
        }
    }
}

fn holds_files(format: ImageFormat, folder: &Path, classes: &[String], images: &[Vec<f32>]) {
    for (at, image) in images.iter().enumerate() {
        let (class, number) = (at / EACH, at % EACH);
        let path = folder.join(&classes[class]).join(format!("step0000004-seed9-{number:06}.{}", format.extension()));
        let file = fs::read(&path).unwrap();
        let grey = image.len() == SIZE * SIZE;
        if format == ImageFormat::Dicom {
            assert_eq!(&file[128..132], b"DICM");
            let values: Vec<u8> = wide(image).into_iter().flat_map(u16::to_le_bytes).collect();
            assert!(file.ends_with(&if grey { values } else { bytes(image) }));
            let has = |text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
            let about = format!("step 4, class {}, seed 9, image {number},", classes[class]);
            let all = ["DERIVED\\SECONDARY\\", "SYNTHETIC^", "2.25.", &about, "drawn by gandle"];
            assert!(all.into_iter().all(has), "{about}");
            continue;
        }
        let read = image::load_from_memory(&file).unwrap();
        match format {
            ImageFormat::Png if grey => assert_eq!(read.into_luma8().into_raw(), bytes(image)),
            ImageFormat::Png => assert_eq!(read.into_rgb8().into_raw(), bytes(image)),
            ImageFormat::Png16
            | ImageFormat::Tiff16
            | ImageFormat::Dicom
            | ImageFormat::Stack
            | ImageFormat::Npz
            | ImageFormat::Parquet => {
                let image::DynamicImage::ImageLuma16(read) = read else { panic!("{read:?}") };
                assert_eq!(read.into_raw(), wide(image));
            }
        }
        if format.extension() == "png" {
            let traced = Traced::of(&file).unwrap();
            assert_eq!((traced.step, traced.seed, traced.number, traced.truncation), (4, 9, number, 0.0));
            assert!(traced.class.as_ref() == Some(&classes[class]) && traced.session.starts_with("cells-"));
        }
    }
    // What this program reads of them is what it drew. Other formats than DICOM stretch values that use little of their range.
    if matches!(format, ImageFormat::Png | ImageFormat::Dicom) {
        let gallery = Gallery::open(folder).unwrap();
        assert_eq!((gallery.len(), gallery.classes()), (images.len(), classes));
        images.iter().enumerate().for_each(|(at, image)| near(&gallery.read(at).unwrap().pixels, &bytes(image)));
    }
}

/// Bytes that come of values of 16 bits may be rounded another way.
fn near(got: &[u8], want: &[u8]) {
    assert!(got.len() == want.len() && got.iter().zip(want).all(|(a, b)| a.abs_diff(*b) <= 1), "{got:?} {want:?}");
}

fn holds_slices(folder: &Path, classes: &[String], images: &[Vec<f32>], channels: usize) {
    for (class, own) in classes.iter().zip(images.chunks_exact(EACH)) {
        let file = unzipped(&folder.join(class).join("step0000004-seed9.nii.gz"));
        // From the lowest row to the highest.
        let rows =
            |image: &Vec<f32>| -> Vec<f32> { image.chunks_exact(SIZE * channels).rev().flatten().copied().collect() };
        let upwards: Vec<f32> = own.iter().flat_map(rows).collect();
        let voxels = if channels == 1 {
            wide(&upwards).into_iter().flat_map(u16::to_le_bytes).collect()
        } else {
            bytes(&upwards)
        };
        assert!(file.ends_with(&voxels) && (file.len() - voxels.len()).is_multiple_of(16));
        assert!(file.windows(class.len()).any(|part| part == class.as_bytes()));
    }
    let gallery = Gallery::open(folder).unwrap();
    assert_eq!((gallery.len(), gallery.classes()), (images.len(), classes));
    images.iter().enumerate().for_each(|(at, image)| near(&gallery.read(at).unwrap().pixels, &bytes(image)));
}

fn holds_a_set(format: ImageFormat, folder: &Path, classes: &[String], images: &[Vec<f32>], channels: usize) {
    let file = folder.join(format!("step0000004-seed9.{}", format.extension()));
    let data = Dataset::load(&source(&file, channels), &|_, _| true).unwrap();
    assert_eq!((data.len(), data.class_counts()), (images.len(), vec![EACH; classes.len()]));
    if format == ImageFormat::Parquet {
        assert_eq!(data.class_names(), classes);
    }
    let numbered = (0..classes.len()).map(|label| label.to_string());
    assert!(format == ImageFormat::Parquet || data.class_names() == numbered.collect::<Vec<_>>());
    for (at, image) in images.iter().enumerate() {
        assert_eq!((data.label(at) as usize, data.pixels(at)), (at / EACH, bytes(image).as_slice()));
    }
    // Scores are taken of them as well.
    let gallery = Gallery::open(&file).unwrap();
    assert_eq!((gallery.len(), gallery.class(EACH)), (images.len(), Some(1)));
    assert_eq!(gallery.read(EACH).unwrap().pixels, bytes(&images[EACH]));
}

#[test]
fn identifiers_of_dicom_files_are_all_different_and_tell_a_study_a_series_and_an_image() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("cells");
    train(&session, &["channels=1"]);
    let out = root.path().join("out");
    for (seed, mark) in [(1, false), (2, false), (2, true)] {
        let images = Images { seed, mark, count: 2, ..wanted(ImageFormat::Dicom) };
        write(&session, images, &out.join(format!("{seed}-{mark}"))).unwrap();
    }
    // An element's value, by its bytes: a group, a number, a kind, a length.
    let value = |file: &[u8], tag: [u8; 4]| -> String {
        let at = file.windows(6).position(|part| part[..4] == tag && part[4..] == *b"UI").unwrap() + 6;
        let length = usize::from(u16::from_le_bytes([file[at], file[at + 1]]));
        String::from_utf8(file[at + 2..at + 2 + length].to_vec()).unwrap().trim_end_matches('\0').to_owned()
    };
    let files = all(&out);
    let count = |tag: [u8; 4]| {
        let found: std::collections::BTreeSet<String> = files.values().map(|file| value(file, tag)).collect();
        assert!(found.iter().all(|uid| uid.starts_with("2.25.") && uid.len() <= 64), "{found:?}");
        found.len()
    };
    let (study, series, image) = ([0x20, 0, 0x0D, 0], [0x20, 0, 0x0E, 0], [0x08, 0, 0x18, 0]);
    assert_eq!((files.len(), count(study), count(series), count(image)), (36, 1, 18, 36));
}

#[test]
fn a_marked_image_says_so_in_its_pixels() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("cells");
    train(&session, &["channels=1"]);
    let read = |mark: bool| {
        let images = Images { mark, class: Some(0), count: 1, ..wanted(ImageFormat::Png16) };
        let folder = root.path().join(format!("{mark}"));
        write(&session, images, &folder).unwrap();
        image::load_from_memory(all(&folder).values().next().unwrap()).unwrap().into_luma16().into_raw()
    };
    let (plain, marked) = (read(false), read(true));
    let differing: Vec<usize> = (0..plain.len()).filter(|at| plain[*at] != marked[*at]).collect();
    assert!(differing.iter().all(|at| [0, 65_535].contains(&marked[*at])) && differing.len() > 80);
    assert!(differing.iter().all(|at| at / SIZE >= SIZE - 7 && at % SIZE < 13), "only in its corner");
}

#[test]
fn classes_are_filled_up_beside_real_images_and_listed() {
    let root = tempfile::tempdir().unwrap();
    let (session, out) = (root.path().join("cells"), root.path().join("data"));
    // Six real images a class, of which two are held out: all of them count.
    train(&session, &["data.held_out=0.34"]);
    let classes = Sampler::open(&session, None).unwrap().state.classes;
    let real = out.join(&classes[1]).join("real.png");
    fs::create_dir_all(out.join(&classes[1])).unwrap();
    image::GrayImage::from_pixel(4, 4, image::Luma([9])).save(&real).unwrap();
    let before = fs::read(&real).unwrap();
    let fill = |count| Images { count, fill_up: true, ..wanted(ImageFormat::Png) };
    let none = write(&session, fill(6), &out).unwrap();
    assert!(matches!(none, Exported::Images { count: 0, table: None, .. }), "{none:?}");
    assert_eq!(all(&out).len(), 1, "there is nothing to add");
    let Exported::Images { count, table: Some(table), .. } = write(&session, fill(8), &out).unwrap() else { panic!() };
    assert_eq!(count, 12);
    assert_eq!(fs::read(&real).unwrap(), before);
    // The same images as without real ones.
    let plain = root.path().join("plain");
    write(&session, Images { count: 2, ..wanted(ImageFormat::Png) }, &plain).unwrap();
    let (filled, plain) = (all(&out), all(&plain));
    assert_eq!((filled.len(), plain.len()), (14, 12));
    assert!(plain.iter().all(|(name, file)| filled.get(name) == Some(file)));
    let mut reader = csv::Reader::from_path(&table).unwrap();
    let rows: Vec<HashMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 12);
    for row in &rows {
        assert!(plain.contains_key(&row["file"]), "{row:?}");
        assert!(row["file"].starts_with(&row["class"]) && row["synthetic"] == "yes" && row["session"] == "cells");
        assert_eq!((row["step"].as_str(), row["seed"].as_str(), row["run"].len()), ("4", "9", 32));
    }
    let seen = inspect(out.to_str().unwrap(), &source(&out, 3)).unwrap();
    assert_eq!(seen.images(), 13);
    // Neither images nor the table are replaced, and where many images are in one file, none stands beside real ones.
    assert!(write(&session, fill(8), &out).unwrap_err().contains("already there"));
    fs::remove_dir_all(&out).unwrap();
    fs::create_dir(&out).unwrap();
    fs::write(&table, "mine").unwrap();
    assert!(write(&session, fill(8), &out).unwrap_err().contains("already there"));
    assert_eq!(all(&out).len(), 1);
    let refused = write(&session, Images { format: ImageFormat::Npz, ..fill(8) }, &root.path().join("npz"));
    assert!(refused.unwrap_err().contains("png, png16, tiff16, dicom"));
}

#[test]
fn a_session_that_does_not_tell_its_counts_is_filled_up_by_what_its_checkpoint_knows() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("cells");
    train(&session, &[]);
    let fill = Images { count: 7, fill_up: true, ..wanted(ImageFormat::Png) };
    fs::write(session.join("events.jsonl"), "").unwrap();
    let filled = write(&session, fill, &root.path().join("a")).unwrap();
    assert!(matches!(filled, Exported::Images { count: 6, .. }), "{filled:?}");
    let state = session.join("checkpoints/0000004/state.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("data");
    fs::write(&state, json.to_string()).unwrap();
    let refused = write(&session, fill, &root.path().join("b")).unwrap_err();
    assert!(refused.contains("how many are missing") && !root.path().join("b").exists(), "{refused}");
}

#[test]
fn of_a_file_of_many_images_nothing_stays_where_it_is_cancelled() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("cells");
    train(&session, &[]);
    for format in [ImageFormat::Stack, ImageFormat::Npz, ImageFormat::Parquet] {
        let folder = root.path().join(format.key());
        let asked =
            Export { session: session.clone(), content: Content::Images(wanted(format)), folder: Some(folder.clone()) };
        // Also amid the second class, whose file is another one where classes have files of their own.
        for most in [2, EACH + 1] {
            assert_eq!(export(&asked, |done, _| done < most).unwrap(), None);
            assert!(all(&folder).is_empty(), "{:?}", all(&folder).keys());
        }
    }
    let refused = write(&session, Images { count: 0, ..wanted(ImageFormat::Npz) }, root.path()).unwrap_err();
    assert!(refused.contains("no image is asked for"), "{refused}");
    let many = Images { count: 40_000, class: Some(0), ..wanted(ImageFormat::Stack) };
    let refused = write(&session, many, &root.path().join("many")).unwrap_err();
    assert!(refused.contains("32767 slices") && all(&root.path().join("many")).is_empty(), "{refused}");
}

#[test]
fn a_drawn_image_is_found_again_by_the_session_that_drew_it() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("cells");
    train(&session, &[]);
    let images = Images { class: Some(1), truncation: 0.5, ..wanted(ImageFormat::Png) };
    let out = root.path().join("out");
    write(&session, images, &out).unwrap();
    let file = all(&out).into_values().next().unwrap();
    let traced = Traced::of(&file).unwrap();
    assert_eq!(traced.truncation, 0.5);
    assert_eq!(traced.find(&[]), Some(std::path::absolute(&session).unwrap()), "where it was");
    let moved = root.path().join("renamed");
    fs::rename(&session, &moved).unwrap();
    assert_eq!(traced.find(&[]), None);
    assert_eq!(traced.find(std::slice::from_ref(&moved)), Some(moved));
}

/// A disk on which a file may have a few kB: as a full one, it is met by whoever packs, and not by whoever opens.
#[test]
#[cfg(unix)]
fn a_full_disk_names_the_file_that_it_has_no_room_for() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    train(&session, &[]);
    for (format, ending) in [("npz", ".npz"), ("parquet", ".parquet"), ("nifti", ".nii.gz")] {
        let out = root.path().join(format);
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_gandle"), "sample"]);
        limited.arg(&session).args(["--count", "300", "--seed", "1", "--format", format, "--out"]).arg(&out);
        limited.env("GANDLE_DATA_DIR", root.path().join("user"));
        let told = limited.output().unwrap();
        let said = String::from_utf8_lossy(&told.stderr);
        let named =
            said.contains(out.to_str().unwrap()) && said.contains(ending) && said.contains("could not be written");
        assert!(!told.status.success() && named, "{format}: {said}");
        let left = all(&out);
        assert!(left.is_empty(), "{format} left {:?}", left.keys());
    }
}
