//! Images that are held out of training: which they are, and that training never sees them. Every file is made here.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use gandle::config::Config;
use gandle::data::{Dataset, Loader, inspect};
use gandle::event::DataSummary;
use image::{GrayImage, Luma};

/// 10 images of class a and 6 of class b, of 8 patients with two each; an image's shade is its index times 10.
fn fill(folder: &Path) {
    for (index, class) in "aaaaaaaaaabbbbbb".chars().enumerate() {
        save(folder, &format!("{class}/p{}_{index:02}.png", index / 2), index as u8 * 10);
    }
}

fn save(folder: &Path, name: &str, shade: u8) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    GrayImage::from_pixel(4, 4, Luma([shade])).save(path).unwrap();
}

fn config(folder: &Path, held_out: f64) -> Config {
    let mut config = Config { image_size: 4, channels: 1, ..Config::default() };
    config.data.source = folder.to_str().unwrap().to_owned();
    config.data.held_out = held_out;
    config
}

fn load(config: &Config) -> Dataset {
    Dataset::load(config, &|_, _| true).unwrap()
}

fn shades(part: &Dataset) -> Vec<u8> {
    (0..part.len()).map(|at| part.pixels(at)[0] / 10).collect()
}

#[test]
fn held_out_images_are_never_shown_and_the_counts_tell_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    assert!(load(&config(folder.path(), 0.0)).held_out().is_none());
    let mut config = config(folder.path(), 0.4);
    config.data.group_by = "/(p[0-9]+)_".to_owned();
    let data = Arc::new(load(&config));
    let held = data.held_out().unwrap();
    let (shown, kept) = (shades(&data), shades(held));
    assert_eq!((shown.len() + kept.len(), data.class_counts().iter().sum::<usize>()), (16, data.len()));
    assert!(kept.iter().all(|shade| !shown.iter().any(|other| other / 2 == shade / 2)), "{shown:?} {kept:?}");
    assert_eq!(held.class_counts(), [4, 2], "four tenths of ten and of six, in pairs");
    assert_eq!((held.labels(), held.class_names()), (&[0, 0, 0, 0, 1, 1][..], data.class_names()));
    let counts: Vec<_> = data.summary().classes.iter().map(|class| (class.images, class.held_out)).collect();
    assert_eq!(counts, [(6, 4), (4, 2)]);
    assert_eq!(shades(load(&config).held_out().unwrap()), kept, "the same every time");
    assert_eq!(&inspect(&config.data.source, &config).unwrap(), data.summary());
    let mut loader = Loader::new(Arc::clone(&data), &config, 0).unwrap();
    for value in (0..8).flat_map(|_| loader.next().unwrap().images) {
        assert!(!kept.contains(&(((value + 1.0) * 12.75).round() as u8)), "a held-out image was shown");
    }
    let preview = data.preview(6).picture.rgb;
    assert!(
        kept.iter().all(|shade| *shade == 0 || !preview.contains(&(shade * 10))),
        "a held-out image is in the preview"
    );
}

#[test]
fn other_images_in_the_folder_leave_no_picture_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    // Copies of every picture under other names, one of them in the other class.
    for index in 0..16_u8 {
        save(folder.path(), &format!("a/copy_{index:02}.png"), index * 10);
    }
    for split_seed in 0..5 {
        let mut config = config(folder.path(), 0.3);
        config.data.split_seed = split_seed;
        let data = load(&config);
        let (shown, kept) = (shades(&data), shades(data.held_out().unwrap()));
        assert!(kept.iter().all(|shade| !shown.contains(shade)), "{shown:?} {kept:?}");
    }
}

#[test]
fn the_drawn_set_is_divided_too_and_old_summaries_open() {
    let mut config = Config { image_size: 16, ..Config::default() };
    (config.data.demo_images, config.data.held_out) = (10, 0.3);
    let demo = load(&config);
    assert_eq!((demo.class_counts(), demo.held_out().unwrap().class_counts()), (vec![7; 6], vec![3; 6]));
    assert_eq!(demo.summary(), &inspect("demo", &config).unwrap());
    let old =
        r#"{"source":"x","classes":[{"name":"a","images":3}],"skipped":[],"duplicates":[],"sizes":[],"notes":[]}"#;
    let summary: DataSummary = serde_json::from_str(old).unwrap();
    assert_eq!((summary.images(), summary.held_out()), (3, 0));
    assert!(!serde_json::to_string(&summary).unwrap().contains("held_out"), "what is not used is not written");
}
