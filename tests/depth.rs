//! Grey values of more than 8 bits on their way to the networks (`data.depth`). Every file is made here.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "common/dicom.rs"]
mod dicom;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "common/files.rs"]
mod files;
#[path = "common/small.rs"]
mod small;

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use dicom::{PLAIN, Scan, element, words};
use files::{config, load, png, write};
use gandle::config::{Config, Preset, ScanRules, ScanWindow};
use gandle::data::{Loader, inspect};
use gandle::engine::{Engine, RunRequest};
use gandle::event::{Event, Scalar};
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma};

/// Greys of 12 bits, each once.
const GREYS: u16 = 4096;
const SIDE: u16 = 64;

/// A picture with all of them, as far apart as 16 bits let them be.
fn gradient(format: ImageFormat) -> Vec<u8> {
    let pixel = |x: u32, y: u32| Luma([(y * u32::from(SIDE) + x) as u16 * 16]);
    let mut bytes = Cursor::new(Vec::new());
    let picture = DynamicImage::ImageLuma16(ImageBuffer::from_fn(SIDE.into(), SIDE.into(), pixel));
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A volume of one slice.
fn voxels() -> Vec<u8> {
    (0..GREYS).flat_map(u16::to_le_bytes).collect()
}

fn nifti() -> Vec<u8> {
    let mut file = vec![0; 352];
    file[..4].copy_from_slice(&348_i32.to_le_bytes());
    for (index, dim) in [3, SIDE, SIDE, 1, 1].into_iter().enumerate() {
        file[40 + 2 * index..42 + 2 * index].copy_from_slice(&dim.to_le_bytes());
    }
    file[70..72].copy_from_slice(&512_i16.to_le_bytes());
    file[108..112].copy_from_slice(&352_f32.to_le_bytes());
    file[344..348].copy_from_slice(b"n+1\0");
    [file, voxels()].concat()
}

fn deep(source: &Path, size: usize) -> Config {
    let mut config = config(source, size);
    config.data.depth = 16;
    config.data.scans = ScanRules::Clinical;
    // From 0 to 4095, as PS3.3 C.11.2.1.2.1 has it.
    config.data.window = ScanWindow::Values { centre: 2048.0, width: 4096.0 };
    config.train.batch_size = 1;
    config
}

/// What the networks see in an epoch of so many images, in rising order.
fn seen(config: &Config, images: usize) -> Vec<f32> {
    let mut loader = Loader::new(Arc::new(load(config)), config, 0).unwrap();
    let mut values: Vec<f32> = (0..images).flat_map(|_| loader.next().unwrap().images).collect();
    values.sort_by(f32::total_cmp);
    values
}

/// That the values are the greys of 12 bits, within a 65,535th of the range.
fn is_gradient(values: &[f32], most: f64, name: &str) {
    assert_eq!(values.len(), usize::from(GREYS), "{name}");
    for (grey, value) in (0..GREYS).zip(values) {
        let (want, got) = (f64::from(grey) / most, (f64::from(*value) + 1.0) / 2.0);
        assert!((want - got).abs() <= 1.0 / 65_535.0, "{name}: {grey} is {got}, not {want}");
    }
}

#[test]
fn every_grey_of_12_bits_reaches_the_network_from_every_format() {
    let header =
        format!("NRRD0004\ntype: uint16\ndimension: 3\nsizes: {SIDE} {SIDE} 1\nendian: little\nencoding: raw\n\n");
    let nrrd = [header.as_bytes(), &voxels()].concat();
    let header = format!(
        "ObjectType = Image\nNDims = 3\nDimSize = {SIDE} {SIDE} 1\nElementType = MET_USHORT\nElementDataFile = LOCAL\n"
    );
    let mha = [header.as_bytes(), &voxels()].concat();
    let (full, twelve) = (65_535.0 / 16.0, f64::from(GREYS - 1));
    let cache = tempfile::tempdir().unwrap();
    for (name, bytes, most) in [
        ("grey.png", gradient(ImageFormat::Png), full),
        ("grey.tif", gradient(ImageFormat::Tiff), full),
        ("grey.nii", nifti(), twelve),
        ("grey.nrrd", nrrd, twelve),
        ("grey.mha", mha, twelve),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &format!("a/{name}"), &bytes);
        let mut config = deep(folder.path(), SIDE.into());
        is_gradient(&seen(&config, 1), most, name);
        // Augmentation does not round either, and neither does the file for what memory does not hold.
        (config.data.flip_horizontal, config.data.memory_limit) = (true, 0);
        config.data.cache = cache.path().display().to_string();
        is_gradient(&seen(&config, 1), most, name);
        config.data.depth = 8;
        let mut bytes = seen(&config, 1);
        bytes.dedup();
        assert!(bytes.len() <= 256, "{name}: the other depth has {} greys", bytes.len());
    }
}

#[test]
fn every_grey_of_12_bits_reaches_the_network_from_dicom() {
    let folder = tempfile::tempdir().unwrap();
    let values: Vec<i16> = (0..GREYS as i16).collect();
    let scan = Scan { frames: "1024", pixels: words(&values), ..PLAIN };
    write(folder.path(), "a/plain.dcm", &scan.file());
    is_gradient(&seen(&deep(folder.path(), 2), 1024), 4095.0, "a window of the settings");
    let window = [element(0x28, 0x1050, "DS", b"2048"), element(0x28, 0x1051, "DS", b"4096")].concat();
    let inverted = Scan { photometric: "MONOCHROME1", more: window, ..scan };
    write(folder.path(), "a/plain.dcm", &inverted.file());
    let mut config = deep(folder.path(), 2);
    config.data.window = ScanWindow::Auto;
    is_gradient(&seen(&config, 1024), 4095.0, "its own window");
}

#[test]
fn scaling_keeps_what_bytes_would_lose() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/grey.png", &gradient(ImageFormat::Png));
    let values = seen(&deep(folder.path(), 32), 1);
    // Far from the border, each pixel of the half size lies between two, and greys rise by two of the file's.
    let step = f64::from(values[521] - values[520]) / 2.0 * 65_535.0;
    assert!((step - 32.0).abs() < 2.0, "{step}");
}

#[test]
fn bytes_are_the_same_at_both_depths_and_files_of_8_bits_train_as_before() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/1.png", &gradient(ImageFormat::Png));
    write(folder.path(), "a/2.png", &png(77));
    let wide = deep(folder.path(), 16);
    let mut narrow = wide.clone();
    narrow.data.depth = 8;
    let (wide_set, narrow_set) = (load(&wide), load(&narrow));
    assert!(wide_set.words(0).is_some() && narrow_set.words(0).is_none());
    for image in 0..2 {
        assert_eq!(wide_set.pixels(image), narrow_set.pixels(image), "what scores see");
        assert_eq!(narrow_set.content(image), narrow_set.pixels(image));
    }
    assert_eq!(wide_set.words(1).unwrap(), [77 * 257; 256]);
    // Colours, and the drawn set, have 8 bits whatever is set.
    assert!(load(&Config { channels: 3, ..wide.clone() }).words(0).is_none());
    let told: Vec<&str> = Config { channels: 3, ..wide }.check(Some(1)).iter().map(|problem| problem.key).collect();
    assert!(told.contains(&"data.depth"), "{told:?}");
    assert_eq!(Config::from_toml("[data]\nsource = \"/x\"\n").unwrap().data.depth, 8, "an old session");
}

#[test]
fn a_depth_that_loses_or_wastes_is_told_with_what_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/1.png", &gradient(ImageFormat::Png));
    let source = folder.path().to_str().unwrap();
    let told = |config: &Config| {
        let findings = inspect(source, config).unwrap().findings;
        findings.into_iter().filter(|finding| finding.message.contains("data.depth")).collect::<Vec<_>>()
    };
    let narrow = config(folder.path(), 16);
    let fix = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(told(&narrow)[0].fix, [fix("data.depth", "16")]);
    let colour = Config { channels: 3, ..narrow.clone() };
    assert_eq!(told(&colour)[0].fix, [fix("channels", "1"), fix("data.depth", "16")]);
    assert_eq!(told(&deep(folder.path(), 16)), []);
    write(folder.path(), "a/1.png", &png(9));
    assert_eq!((told(&narrow), told(&colour)), (Vec::new(), Vec::new()));
    assert_eq!(told(&deep(folder.path(), 16))[0].fix, [fix("data.depth", "8")]);
}

fn steps(told: &[Event]) -> Vec<(usize, String)> {
    let one = |event: &Event| {
        let Event::Step(step) = event else { return None };
        Some((step.step, format!("{:?} {:?}", step.numbers.get(Scalar::LossD), step.numbers.get(Scalar::LossG))))
    };
    told.iter().filter_map(one).collect()
}

#[test]
fn a_run_in_16_bits_goes_on_as_itself_and_not_in_8() {
    let root = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        write(&root.path().join("set"), &format!("{class}/1.png"), &gradient(ImageFormat::Png));
    }
    let source = format!("data.source={}", root.path().join("set").display());
    let more = [
        "channels=1",
        "data.depth=16",
        "train.steps=4",
        "train.batch_size=2",
        "score.every=0",
        "optimizer.schedule=constant",
        &source,
    ];
    let config = small::config(Preset::Improved, &more);
    let run = |request: RunRequest| -> Vec<Event> {
        let told: Vec<Event> = Engine::spawn(request, Arc::new(|| {})).unwrap().wait_events().collect();
        assert!(matches!(told.last(), Some(Event::Finished { .. })), "{:?}", told.last());
        told
    };
    let whole = run(RunRequest::new(config.clone(), root.path().join("whole")));
    let (session, mut short) = (root.path().join("parts"), config.clone());
    short.train.steps = 2;
    let first = run(RunRequest::new(short, session.clone()));
    let second = run(RunRequest::resume(&session, Some(4)).unwrap());
    assert_eq!([steps(&first), steps(&second)].concat(), steps(&whole));
    let narrow = run(RunRequest::new(config.with(&["data.depth=8".to_owned()]).unwrap(), root.path().join("8")));
    assert_ne!(steps(&narrow), steps(&whole), "the other depth is another run");
}
