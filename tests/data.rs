//! The data room from outside: folders in, batches out. Every file is made here.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gandle::config::{BalanceTo, Config};
use gandle::data::{DataError, Dataset, Loader, demo, inspect};
use gandle::event::DataSummary;
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};

const FORMATS: [(ImageFormat, &str); 6] = [
    (ImageFormat::Png, "png"),
    (ImageFormat::Jpeg, "jpg"),
    (ImageFormat::Bmp, "bmp"),
    (ImageFormat::Tiff, "tif"),
    (ImageFormat::WebP, "webp"),
    (ImageFormat::Gif, "gif"),
];

fn config(folder: &Path, size: usize, channels: usize) -> Config {
    let mut config = Config { image_size: size, channels, ..Config::default() };
    config.data.source = folder.to_str().expect("a plain path").to_owned();
    config
}

fn load(config: &Config) -> Dataset {
    Dataset::load(config, &|_, _| true).expect("usable data")
}

fn failure(config: &Config) -> String {
    Dataset::load(config, &|_, _| true).expect_err("unusable data").to_string()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
    fs::write(path, bytes).expect("writable");
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("encodable");
    bytes.into_inner()
}

/// A picture whose four quarters are red, green, blue and grey.
fn quarters(side: u32) -> DynamicImage {
    let colour = |x, y| match (x < side / 2, y < side / 2) {
        (true, true) => Rgb([250, 0, 0]),
        (false, true) => Rgb([0, 250, 0]),
        (true, false) => Rgb([0, 0, 250]),
        (false, false) => Rgb([120, 120, 120]),
    };
    RgbImage::from_fn(side, side, colour).into()
}

/// A PNG file put together by hand, its pixels (with a filter byte before each row) not compressed.
fn png(width: u32, height: u32, depth: u8, colour: u8, chunks: &[(&[u8; 4], &[u8])], rows: &[u8]) -> Vec<u8> {
    let mut head = [width.to_be_bytes(), height.to_be_bytes()].concat();
    head.extend([depth, colour, 0, 0, 0]);
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in rows {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    let length = u16::try_from(rows.len()).expect("one stored block");
    let mut data = vec![0x78, 0x01, 1];
    data.extend(length.to_le_bytes());
    data.extend((!length).to_le_bytes());
    data.extend(rows);
    data.extend(((b << 16) | a).to_be_bytes());
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let all = [&[(b"IHDR", head.as_slice())], chunks, &[(b"IDAT", data.as_slice()), (b"IEND", &[])]].concat();
    for (kind, content) in all {
        file.extend(u32::try_from(content.len()).expect("short").to_be_bytes());
        let body = [kind.as_slice(), content].concat();
        let crc = body.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1)))
        });
        file.extend(&body);
        file.extend((!crc).to_be_bytes());
    }
    file
}

fn reason_for<'a>(summary: &'a DataSummary, file: &str) -> &'a str {
    let found = summary.skipped.iter().find(|skipped| skipped.file == file);
    found.map_or_else(|| panic!("{file} was not skipped: {summary:#?}"), |skipped| skipped.reason.as_str())
}

#[test]
fn six_formats_are_read_by_content_whatever_their_names() {
    let folder = tempfile::tempdir().expect("a folder");
    for (index, (format, extension)) in FORMATS.into_iter().enumerate() {
        write(folder.path(), &format!("a/{index}.{extension}"), &encoded(&quarters(16), format));
    }
    write(folder.path(), "b/deep/er/JPEG.PNG", &encoded(&quarters(16), ImageFormat::Jpeg));
    write(folder.path(), "b/no_extension", &encoded(&quarters(16), ImageFormat::Png));
    let data = load(&config(folder.path(), 16, 3));
    assert_eq!((data.len(), data.class_counts()), (8, vec![6, 2]));
    assert_eq!(data.labels(), [0, 0, 0, 0, 0, 0, 1, 1]);
    assert!(data.summary().skipped.is_empty(), "{:?}", data.summary());
    for index in 0..data.len() {
        let corner = &data.pixels(index)[(2 * 16 + 2) * 3..][..3];
        assert!(corner.iter().zip([250, 0, 0]).all(|(a, b)| a.abs_diff(b) < 20), "{index}: {corner:?}");
    }
    assert!(
        data.summary()
            .notes
            .contains(&"1 file holds another format than its name says; its content was believed".to_owned())
    );
    // PNG, BMP, TIFF, WebP, GIF and the PNG without extension have the same pixels; both JPEGs have others.
    let groups: Vec<usize> = data.summary().duplicates.iter().map(Vec::len).collect();
    assert_eq!(groups, [6, 2]);
    assert!(data.summary().notes.iter().any(|note| note.starts_with("2 groups of files with the same pixels in diff")));
}

#[test]
fn grey_palette_and_deep_files_become_what_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    // Two palette entries, the second transparent: green, then nothing.
    let palette: [(&[u8; 4], &[u8]); 2] = [(b"PLTE", &[0, 200, 0, 9, 9, 9]), (b"tRNS", &[255, 0])];
    write(folder.path(), "a/1-palette.png", &png(2, 2, 8, 3, &palette, &[0, 0, 1, 0, 0, 1]));
    // A 12-bit scan in 16 bits: 0, 4095.
    write(folder.path(), "a/2-scan.png", &png(2, 2, 16, 0, &[], &[0, 0, 0, 15, 255, 0, 0, 0, 15, 255]));
    write(folder.path(), "a/3-grey.png", &png(2, 2, 8, 0, &[], &[0, 10, 20, 0, 30, 40]));
    let data = load(&config(folder.path(), 2, 3));
    assert_eq!(data.pixels(0)[..6], [0, 200, 0, 255, 255, 255]);
    assert_eq!(data.pixels(1)[..6], [0, 0, 0, 255, 255, 255]);
    assert_eq!(data.pixels(2)[..6], [10, 10, 10, 20, 20, 20]);
    let notes = &data.summary().notes;
    for note in
        ["2 grey files were given three", "1 transparent colour file was laid over white", "1 file of more than 8"]
    {
        assert!(notes.iter().any(|n| n.starts_with(note)), "{note}: {notes:?}");
    }
    let grey = load(&config(folder.path(), 2, 1));
    assert_eq!(grey.pixels(0), [117, 255, 117, 255]);
    assert_eq!(grey.pixels(2), [10, 20, 30, 40]);
    assert!(grey.summary().notes.contains(&"1 colour file was turned grey".to_owned()));
    assert_eq!(grey.summary().sizes.len(), 1);
}

#[test]
fn orientation_tags_are_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let jpeg = encoded(&quarters(32), ImageFormat::Jpeg);
    // One little-endian directory with one entry: tag 0x0112, a short, once, 6 (turn a quarter clockwise).
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    write(folder.path(), "a/1.jpg", &[&jpeg[..2], &[0xFF, 0xE1], &length, exif, &jpeg[2..]].concat());
    let data = load(&config(folder.path(), 32, 3));
    let corner = &data.pixels(0)[(4 * 32 + 4) * 3..][..3];
    assert!(corner[2] > 200 && corner[0] < 50, "blue should have come to the top left: {corner:?}");
    assert!(data.summary().notes.contains(&"1 file was turned upright by its orientation tag".to_owned()));
}

#[test]
fn what_cannot_be_used_is_listed_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let noisy = RgbImage::from_fn(64, 64, |x, y| Rgb([(x * y % 251) as u8, (x * 7 % 256) as u8, (y * 13 % 256) as u8]));
    for (format, extension) in FORMATS {
        let whole = encoded(&noisy.clone().into(), format);
        write(folder.path(), &format!("a/cut.{extension}"), &whole[..whole.len() / 2]);
        write(folder.path(), &format!("a/head.{extension}"), &whole[..20]);
    }
    write(folder.path(), "a/good.png", &encoded(&quarters(16), ImageFormat::Png));
    write(folder.path(), "a/empty.png", b"");
    write(folder.path(), "a/page.jpg", b"<!DOCTYPE html><title>404</title>");
    write(folder.path(), "a/notes.TXT", b"notes");
    write(folder.path(), "a/bomb.png", &png(40_000, 40_000, 1, 0, &[], &[0]));
    write(folder.path(), "a/.DS_Store", b"x");
    write(folder.path(), "a/._good.png", b"x");
    write(folder.path(), "a/Thumbs.db", b"x");
    write(folder.path(), "a/__MACOSX/x.png", b"x");
    write(folder.path(), "loose.png", &encoded(&quarters(16), ImageFormat::Png));
    let data = load(&config(folder.path(), 16, 3));
    let summary = data.summary();
    assert_eq!(data.len(), 1);
    assert_eq!(summary.skipped.len(), 17, "{summary:#?}");
    for (_, extension) in FORMATS {
        for file in ["cut", "head"] {
            let reason = reason_for(summary, &format!("a/{file}.{extension}"));
            assert!(reason.starts_with("damaged or incomplete"), "{file}.{extension}: {reason}");
        }
    }
    assert_eq!(reason_for(summary, "a/empty.png"), "the file is empty");
    assert_eq!(reason_for(summary, "a/page.jpg"), "a web page or other text, not an image");
    assert_eq!(reason_for(summary, "a/notes.TXT"), "not an image type that is read: .txt");
    assert!(reason_for(summary, "a/bomb.png").starts_with("too large: 40000 x 40000 pixels"));
    assert_eq!(reason_for(summary, "loose.png"), "lies beside the class folders, not in one");
    assert!(summary.skipped.is_sorted_by_key(|skipped| &skipped.file));
    assert_eq!(&inspect(&summary.source, &config(folder.path(), 16, 3)).expect("a folder"), summary);
}

#[test]
fn only_the_first_frame_is_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    for shade in [200, 10] {
        let frame = RgbImage::from_pixel(8, 8, Rgb([shade; 3]));
        encoder.encode_frame(image::Frame::new(DynamicImage::from(frame).into_rgba8())).expect("encodable");
    }
    drop(encoder);
    write(folder.path(), "a/two.gif", &gif);
    let data = load(&config(folder.path(), 8, 1));
    assert_eq!(data.pixels(0), [200; 64]);
    assert!(data.summary().notes.contains(&"1 file holds several frames; only the first is used".to_owned()));
}

#[test]
fn folders_that_cannot_be_used_say_what_was_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| config(&folder.path().join(name), 16, 3);
    assert!(failure(&path("nowhere")).contains("does not exist"));
    write(folder.path(), "file", b"x");
    assert!(failure(&path("file")).contains("is a file"));
    fs::create_dir(folder.path().join("bare")).expect("writable");
    assert!(failure(&path("bare")).contains("it is empty"));
    write(folder.path(), "flat/1.png", b"x");
    write(folder.path(), "flat/2.png", b"x");
    assert!(failure(&path("flat")).contains("2 images lie directly in it"));
    write(folder.path(), "set/full/1.png", &encoded(&quarters(16), ImageFormat::Png));
    write(folder.path(), "set/void/1.png", b"");
    let message = failure(&path("set"));
    assert!(message.contains("the class `void`") && message.contains("void/1.png: the file is empty"), "{message}");
    let source = path("set").data.source;
    let summary = inspect(&source, &path("set")).expect("listed all the same");
    assert_eq!(summary.classes[1].images, 0);
    assert!(summary.notes.iter().any(|note| note.contains("void has no usable image")));
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_never_in_circles() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("a folder");
    write(elsewhere.path(), "1.png", &encoded(&quarters(16), ImageFormat::Png));
    write(folder.path(), "a/2.png", &encoded(&quarters(20), ImageFormat::Png));
    let link = |to: &Path, name: &str| symlink(to, folder.path().join(name)).expect("a link");
    link(&elsewhere.path().join("1.png"), "a/file.png");
    link(elsewhere.path(), "b");
    link(folder.path(), "a/circle");
    link(&folder.path().join("a"), "a/self");
    link(Path::new("/nowhere/at/all.png"), "a/broken.png");
    let data = load(&config(folder.path(), 16, 3));
    assert_eq!(data.class_counts(), [2, 1]);
    assert_eq!(data.summary().skipped.len(), 3);
    assert_eq!(reason_for(data.summary(), "a/broken.png"), "a link to nothing");
    assert_eq!(data.summary().duplicates, [["a/file.png", "b/1.png"]]);
}

#[test]
fn loading_reports_progress_and_can_be_cancelled() {
    let mut config = Config { image_size: 16, ..Config::default() };
    config.data.demo_images = 4;
    let most = AtomicUsize::new(0);
    let watch = |done, total| {
        assert_eq!(total, 24);
        most.fetch_max(done, Ordering::Relaxed);
        true
    };
    Dataset::load(&config, &watch).expect("the demo set");
    assert_eq!(most.into_inner(), 24);
    assert!(matches!(Dataset::load(&config, &|done, _| done < 3), Err(DataError::Cancelled)));
}

/// Three classes of 7, 3 and 1 images; an image's shade is its index times 20.
fn shades(folder: &Path) {
    for (index, class) in "aaaaaaabbbc".chars().enumerate() {
        let image = GrayImage::from_pixel(4, 4, image::Luma([index as u8 * 20]));
        write(folder, &format!("{class}/{index:02}.png"), &encoded(&image.into(), ImageFormat::Png));
    }
}

#[test]
fn batches_are_the_same_for_any_number_of_workers_and_after_a_resume() {
    let folder = tempfile::tempdir().expect("a folder");
    shades(folder.path());
    let mut config = config(folder.path(), 4, 1);
    config.train.batch_size = 5;
    config.data.rotation = 20.0;
    config.data.flip_horizontal = true;
    config.data.color_jitter = 0.2;
    let data = Arc::new(load(&config));
    let take = |workers, position, count| {
        let mut config = config.clone();
        config.data.workers = workers;
        let mut loader = Loader::new(Arc::clone(&data), &config, position).expect("a loader");
        let batches: Vec<_> = (0..count).map(|_| loader.next().expect("a batch")).collect();
        assert_eq!(loader.position(), position + count);
        batches
    };
    let batches = take(1, 0, 20);
    assert_eq!(batches, take(3, 0, 20));
    assert_eq!(batches[7..], take(2, 7, 13));
    assert!(batches.iter().all(|batch| batch.images.iter().all(|v| (-1.0..=1.0).contains(v))));
    let mut other = config.clone();
    other.train.seed = 1;
    let mut loader = Loader::new(Arc::clone(&data), &other, 0).expect("a loader");
    assert_ne!(loader.next().expect("a batch"), batches[0]);
}

#[test]
fn without_variations_batches_are_the_bytes_and_epochs_are_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    shades(folder.path());
    let mut config = config(folder.path(), 4, 1);
    config.train.batch_size = 3;
    let data = Arc::new(load(&config));
    let shown = |balance: bool, batches: usize| {
        let mut config = config.clone();
        config.data.balance = balance;
        let mut loader = Loader::new(Arc::clone(&data), &config, 0).expect("a loader");
        let (mut labels, mut shades) = (vec![0; 3], vec![0; 11]);
        for _ in 0..batches {
            let batch = loader.next().expect("a batch");
            for (image, label) in batch.images.chunks_exact(16).zip(batch.labels) {
                let shade = ((image[0] + 1.0) * 127.5).round() as usize;
                assert_eq!(image, [shade as f32 / 127.5 - 1.0; 16]);
                assert_eq!(data.label(shade / 20), label);
                labels[label as usize] += 1;
                shades[shade / 20] += 1;
            }
        }
        (labels, shades)
    };
    // 11 batches of 3 are three epochs of 11 images; 7 are one balanced epoch of 3 classes with 7 each.
    assert_eq!(shown(false, 11), (vec![21, 9, 3], vec![3; 11]));
    let (labels, shades) = shown(true, 7);
    assert_eq!(labels, [7, 7, 7]);
    assert!(shades[..7].iter().all(|n| *n == 1) && shades[7..10].iter().all(|n| *n == 2 || *n == 3) && shades[10] == 7);
}

#[test]
fn classes_are_shown_by_the_root_of_their_images_and_by_factors() {
    let folder = tempfile::tempdir().expect("a folder");
    shades(folder.path());
    let mut config = config(folder.path(), 4, 1);
    let data = Arc::new(load(&config));
    let labels = |config: &Config| {
        let mut loader = Loader::new(Arc::clone(&data), config, 0).expect("a loader");
        let mut labels = vec![0; 3];
        for label in loader.next().expect("a batch").labels {
            labels[label as usize] += 1;
        }
        labels
    };
    // 7, 3 and 1 images: the roots of 7 * 7, 7 * 3 and 7 * 1 are 7, 4.58 and 2.65.
    config.data.balance_to = BalanceTo::SquareRoot;
    config.train.batch_size = 7 + 5 + 3;
    assert_eq!(labels(&config), [7, 5, 3]);
    config.data.class_factors = [("c".to_owned(), 2.0), ("a".to_owned(), 0.5)].into();
    config.train.batch_size = 4 + 5 + 6;
    assert_eq!(labels(&config), [4, 5, 6]);
    config.data.class_factors.insert("d".to_owned(), 2.0);
    let refused = Loader::new(data, &config, 0).err().expect("no such class").to_string();
    assert!(refused.contains("data.class_factors") && refused.contains("`d`") && refused.contains("a, b, c"));
}

#[test]
fn every_variation_together_is_seeded_and_stays_in_range() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "a/1.png", &encoded(&quarters(16), ImageFormat::Png));
    let mut config = config(folder.path(), 16, 3);
    let data = Arc::new(load(&config));
    let take = |config: &Config| {
        let mut loader = Loader::new(Arc::clone(&data), config, 0).expect("a loader");
        loader.next().expect("a batch").images
    };
    let plain = take(&config);
    for key in ["zoom", "translation", "brightness", "contrast"] {
        let config = config.with(&[format!("data.{key}=0.4")]).expect("readable");
        let varied = take(&config);
        assert_ne!(varied, plain, "{key}");
        assert_eq!(varied, take(&config), "{key}");
        assert!(varied.iter().all(|value| (-1.0..=1.0).contains(value)), "{key}");
    }
    // Images whose border is mirrored keep the colours that they had.
    config.data.translation = 0.5;
    let known: Vec<f32> = plain.clone();
    assert!(take(&config).iter().all(|value| known.contains(value)), "whole pixels are moved, and none is blended");
}

#[test]
fn a_preview_has_a_row_a_class_and_is_padded_with_black() {
    let folder = tempfile::tempdir().expect("a folder");
    shades(folder.path());
    let preview = load(&config(folder.path(), 4, 1)).preview(4);
    assert_eq!((preview.rows, preview.columns, preview.cell, preview.step), (3, 4, 4, 0));
    let picture = &preview.picture;
    assert_eq!((picture.width, picture.height, picture.rgb.len()), (16, 12, 16 * 12 * 3));
    let cell = |row: usize, column: usize| picture.rgb[(row * 4 * 16 + column * 4) * 3];
    let row = |row| [cell(row, 0), cell(row, 1), cell(row, 2), cell(row, 3)];
    assert_eq!([row(0), row(1), row(2)], [[0, 20, 60, 100], [140, 160, 180, 0], [200, 0, 0, 0]]);
}

#[test]
fn the_demo_set_is_the_same_every_time_and_known_in_advance() {
    let mut config = Config { image_size: 16, ..Config::default() };
    config.data.demo_images = 3;
    let data = load(&config);
    assert_eq!(data.class_names(), demo::CLASSES);
    assert_eq!(data.class_counts(), [3; 6]);
    assert_eq!(data.all_pixels(), load(&config).all_pixels());
    assert_eq!(data.summary(), &inspect("demo", &config).expect("the demo set"));
    assert_eq!(data.pixels(4), demo::render(1, 1, 16, 3));
    config.channels = 1;
    assert_eq!(load(&config).pixels(4).len(), 256);
    for size in [32, 64, 128, 512] {
        assert_eq!(demo::render(2, 0, size, 3).len(), size * size * 3);
    }
}

#[test]
fn the_six_demo_classes_can_be_told_apart() {
    let mut config = Config { image_size: 32, ..Config::default() };
    config.data.demo_images = 40;
    let data = load(&config);
    // How common each of 4 x 4 x 4 colours is in the inner part.
    let histogram = |index: usize| {
        let mut counts = vec![0.0_f32; 64];
        for (at, pixel) in data.pixels(index).chunks_exact(3).enumerate() {
            if (6..26).contains(&(at / 32)) && (6..26).contains(&(at % 32)) {
                counts[pixel.iter().fold(0, |bin, v| bin * 4 + usize::from(*v) / 64)] += 1.0;
            }
        }
        counts
    };
    let all: Vec<_> = (0..data.len()).map(histogram).collect();
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>();
    let nearest = |index: usize| {
        let others = (0..all.len()).filter(|other| *other != index);
        others.min_by(|a, b| distance(&all[index], &all[*a]).total_cmp(&distance(&all[index], &all[*b])))
    };
    let right = (0..all.len()).filter(|i| nearest(*i).is_some_and(|j| data.label(*i) == data.label(j))).count();
    assert!(right * 100 >= data.len() * 85, "{right} of {} by their nearest neighbour", data.len());
}
