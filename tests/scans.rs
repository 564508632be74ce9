//! Scans: DICOM files and NIfTI volumes become images or a reason. Every file is made here.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

#[path = "common/dicom.rs"]
mod dicom;
#[path = "common/files.rs"]
mod files;

use std::io::Write as _;

use dicom::{PLAIN, Scan, element, pieces, words};
use files::{config, load, look, nifti, png, reason, write};
use gandle::config::{Config, SliceAxis};
use gandle::data::inspect;

#[test]
fn dicom_files_are_rescaled_windowed_and_coloured() {
    let folder = tempfile::tempdir().unwrap();
    let window = [element(0x28, 0x1050, "DS", b"50\\9"), element(0x28, 0x1051, "DS", b"100 \\9")].concat();
    let scale = [element(0x28, 0x1052, "DS", b"-1000"), element(0x28, 0x1053, "DS", b"2")].concat();
    // Values from 0 to 99 after 2 v - 1000; the window of PS3.3 goes from 0 to 99.
    let scaled = Scan { more: [window, scale].concat(), pixels: words(&[500, 550, 400, 525]), ..PLAIN };
    write(folder.path(), "a/1-window.dcm", &scaled.file());
    let bright = Scan { pixels: words(&[-100, 0, 50, 100]), ..PLAIN };
    write(folder.path(), "a/2-percentiles.dcm", &bright.file());
    let inverted = Scan {
        photometric: "MONOCHROME1",
        bits: 8,
        signed: 0,
        pixels: element(0x7FE0, 0x10, "OB", &[0, 255, 1, 9]),
        ..PLAIN
    };
    write(folder.path(), "a/3-inverted.dcm", &inverted.file());
    // Values of 16 bits as run lengths: high bytes, then low ones.
    let packed =
        [&[2, 0, 0, 0, 64, 0, 0, 0, 66, 0, 0, 0][..], &[0; 52], &[0xFD, 0], &[3, 0, 50, 100, 200, 0x80]].concat();
    let runs = Scan { syntax: "1.2.840.10008.1.2.5", pixels: pieces(&[&packed]), ..PLAIN };
    write(folder.path(), "a/4-runs.dcm", &runs.file());
    // Without a description of the file.
    write(folder.path(), "a/5-bare", &bright.elements());
    let table = |low: u8| element(0x28, 0x1201, "OW", &[low, 0x10, low, 0x20, low, 0x30]);
    let mut tables = Vec::new();
    for colour in 0..3_u16 {
        let about: Vec<u8> = [3_u16, 0, 16].into_iter().flat_map(u16::to_le_bytes).collect();
        tables.extend(element(0x28, 0x1101 + colour, "US", &about));
    }
    for colour in 0..3_u8 {
        let mut one = table(9);
        one[2] = 1 + colour;
        tables.extend(one);
    }
    let palette = Scan {
        photometric: "PALETTE COLOR",
        bits: 8,
        signed: 0,
        more: tables,
        pixels: element(0x7FE0, 0x10, "OB", &[0, 1, 2, 200]),
        ..PLAIN
    };
    write(folder.path(), "a/6-palette.dcm", &palette.file());
    let data = load(&config(folder.path(), 2));
    assert!(data.summary().skipped.is_empty(), "{:#?}", data.summary());
    let pixels: Vec<&[u8]> = (0..6).map(|at| data.pixels(at)).collect();
    assert_eq!(pixels[0], [0, 255, 0, 129]);
    assert_eq!(pixels[1], [0, 128, 191, 255]);
    assert_eq!(pixels[2], [255, 0, 254, 246]);
    assert_eq!(pixels[3], [0, 64, 128, 255]);
    assert_eq!(pixels[4], pixels[1]);
    assert_eq!(pixels[5], [0x10, 0x20, 0x30, 0x30]);
    let noted: Vec<&str> = data.summary().file_notes.iter().map(|noted| noted.file.as_str()).collect();
    assert_eq!(noted, ["a/2-percentiles.dcm", "a/4-runs.dcm", "a/5-bare"]);
}

#[test]
fn a_jpeg_without_a_word_about_its_colours_has_those_of_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(2, 2, image::Rgb([50; 3])).write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    // Grey as luma and two differences; without JFIF's segment nothing says that they are.
    let length = usize::from(u16::from_be_bytes([jpeg[4], jpeg[5]]));
    assert_eq!(jpeg[2..4], [0xFF, 0xE0]);
    let bare = [&jpeg[..2], &jpeg[4 + length..]].concat();
    for (name, photometric, content) in
        [("1.dcm", "RGB", &jpeg), ("2.dcm", "YBR_FULL_422", &bare), ("3.dcm", "RGB", &bare)]
    {
        let scan = Scan {
            syntax: "1.2.840.10008.1.2.4.50",
            photometric,
            samples: 3,
            bits: 8,
            signed: 0,
            pixels: pieces(&[content]),
            ..PLAIN
        };
        write(folder.path(), &format!("a/{name}"), &scan.file());
    }
    let data = load(&Config { channels: 3, ..config(folder.path(), 2) });
    let first = |at: usize| data.pixels(at)[..3].to_vec();
    let near = |got: &[u8], want: [u8; 3]| got.iter().zip(want).all(|(got, want)| got.abs_diff(want) < 3);
    assert!(near(&first(0), [50; 3]) && near(&first(1), [50; 3]), "{:?} {:?}", first(0), first(1));
    assert!(near(&first(2), [50, 128, 128]), "{:?}", first(2));
}

#[test]
fn bytes_that_are_stored_as_words_of_the_other_order_are_put_in_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let big = |group: u16, number: u16, kind: &str, value: &[u8]| {
        let mut bytes = [group.to_be_bytes(), number.to_be_bytes()].concat();
        bytes.extend(kind.as_bytes());
        if kind == "OW" {
            bytes.extend([0, 0]);
            bytes.extend((value.len() as u32).to_be_bytes());
        } else {
            bytes.extend((value.len() as u16).to_be_bytes());
        }
        [&bytes, value].concat()
    };
    let number = |number: u16, value: u16| big(0x28, number, "US", &value.to_be_bytes());
    let plain = Scan { syntax: "1.2.840.10008.1.2.2", pixels: Vec::new(), ..PLAIN }.file();
    let elements = Scan { syntax: "1.2.840.10008.1.2.2", pixels: Vec::new(), ..PLAIN }.elements();
    let head = &plain[..plain.len() - elements.len()];
    let body = [
        number(0x02, 1),
        big(0x28, 0x04, "CS", b"MONOCHROME2 "),
        number(0x10, 1),
        number(0x11, 3),
        number(0x100, 8),
        number(0x101, 8),
        number(0x102, 7),
        number(0x103, 0),
        big(0x7FE0, 0x10, "OW", &[20, 10, 0, 30]),
    ];
    write(folder.path(), "a/words.dcm", &[head, &body.concat()].concat());
    let summary = look(folder.path());
    assert_eq!(summary.images(), 1, "{summary:#?}");
    let gallery = gandle::data::Gallery::open(folder.path()).unwrap();
    assert_eq!(gallery.read(0).unwrap().pixels, [10, 20, 30]);
}

#[test]
fn frames_of_a_file_are_images_that_stay_together() {
    let folder = tempfile::tempdir().unwrap();
    let frames: Vec<i16> = (0..24).map(|value| value * value).collect();
    let others: Vec<i16> = (0..8).map(|value| value * value * value).collect();
    write(folder.path(), "a/six.dcm", &Scan { frames: "6", pixels: words(&frames), ..PLAIN }.file());
    write(folder.path(), "a/short.dcm", &Scan { frames: "9", pixels: words(&others), ..PLAIN }.file());
    for shade in 1..5 {
        write(folder.path(), &format!("a/{shade}.png"), &png(shade * 50));
    }
    let mut config = config(folder.path(), 2);
    let data = load(&config);
    assert_eq!(data.len(), 12);
    assert!(reason(data.summary(), "a/short.dcm[2]").contains("fewer pixels than it claims"));
    assert_eq!(data.summary().file_notes.len(), 2, "each file once: {:?}", data.summary().file_notes);
    config.data.held_out = 0.4;
    for split_seed in 0..6 {
        config.data.split_seed = split_seed;
        let data = load(&config);
        let held = data.held_out().unwrap().len();
        assert!([4, 5, 6, 7].contains(&held), "{held}");
    }
    config.data.held_out = 0.0;
    config.data.slice_every = 3;
    assert_eq!(load(&config).len(), 2 + 1 + 4);
}

#[test]
fn dicom_files_that_cannot_be_used_say_why_and_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Scan { pixels: words(&[1, 2, 3, 4]), ..PLAIN }.file();
    write(folder.path(), "a/good.dcm", &whole);
    write(folder.path(), "a/text.dcm", b"not DICOM");
    write(folder.path(), "a/cut.dcm", &whole[..whole.len() - 4]);
    write(folder.path(), "a/none.dcm", &Scan { pixels: Vec::new(), ..PLAIN }.file());
    write(folder.path(), "a/wide.dcm", &Scan { samples: 4, pixels: words(&[0; 8]), ..PLAIN }.file());
    let jpeg2000 = Scan { syntax: "1.2.840.10008.1.2.4.90", pixels: pieces(&[&[1, 2]]), ..PLAIN };
    write(folder.path(), "a/jpeg2000.dcm", &jpeg2000.file());
    let broken = Scan { syntax: "1.2.840.10008.1.2.4.70", pixels: pieces(&[&[0xFF, 0xD8, 0xFF, 0xC3]]), ..PLAIN };
    write(folder.path(), "a/broken.dcm", &broken.file());
    let mut huge = whole.clone();
    for (at, window) in whole.windows(6).enumerate() {
        if window == [0x28, 0, 0x10, 0, b'U', b'S'] || window == [0x28, 0, 0x11, 0, b'U', b'S'] {
            huge[at + 8..at + 10].fill(0xFF);
        }
    }
    write(folder.path(), "a/huge.dcm", &huge);
    let summary = look(folder.path());
    assert_eq!(summary.images(), 1, "{summary:#?}");
    for (file, says) in [
        ("text", "not a DICOM file"),
        ("cut", "ends before its pixels"),
        ("none", "ends before its pixels do, or has none"),
        ("wide", "4 values of 16 bits"),
        ("jpeg2000", "JPEG 2000"),
        ("broken", "a JPEG inside the DICOM file is damaged"),
        ("huge", "too large: 65535 x 65535"),
    ] {
        let told = reason(&summary, &format!("a/{file}.dcm"));
        assert!(told.contains(says), "{file}: {told}");
    }
    // Every truncation, and every bit of the elements flipped.
    let changed = tempfile::tempdir().unwrap();
    for length in (0..whole.len()).step_by(3) {
        write(changed.path(), &format!("a/cut_{length}.dcm"), &whole[..length]);
    }
    for at in 128..whole.len() {
        let mut file = whole.clone();
        file[at] ^= 1 << (at % 8);
        write(changed.path(), &format!("a/bit_{at}.dcm"), &file);
        file[at] = 0xFF;
        write(changed.path(), &format!("a/byte_{at}.dcm"), &file);
    }
    let summary = look(changed.path());
    assert!(summary.images() > 0 && !summary.skipped.is_empty());
    let panicked = summary.skipped.iter().find(|skipped| skipped.reason.contains("did not expect"));
    assert_eq!(panicked, None);
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn volumes_become_slices_along_the_axis_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/one.nii", &nifti(1));
    write(folder.path(), "b/several.nii.gz", &zipped(&nifti(3)));
    write(folder.path(), "b/cut.nii.gz", &zipped(&nifti(1)[..380]));
    write(folder.path(), "b/pair.hdr", &[&nifti(1)[..344], b"ni1\0", &[0; 4]].concat());
    let mut config = config(folder.path(), 2);
    for (axis, slices) in [(SliceAxis::X, 4), (SliceAxis::Y, 3), (SliceAxis::Z, 5)] {
        config.data.slice_axis = axis;
        config.data.slice_every = 1;
        let data = load(&config);
        assert_eq!(data.class_counts(), [slices, slices], "{axis:?}");
        assert_eq!(data.pixels(0), data.pixels(slices), "compressed or not");
        assert!(reason(data.summary(), "b/cut.nii.gz[0]").contains("ends too early"));
        assert!(reason(data.summary(), "b/pair.hdr").contains("a pair of NIfTI files"));
        config.data.slice_every = 2;
        assert_eq!(load(&config).class_counts(), [slices.div_ceil(2); 2]);
        assert_eq!(&inspect(&config.data.source, &config).unwrap(), load(&config).summary());
    }
    let noted = &look(folder.path()).file_notes;
    assert_eq!((noted.len(), noted[0].file.as_str()), (1, "b/several.nii.gz"));
    assert!(noted[0].note.contains("the first of several volumes"), "{noted:?}");
}

#[test]
fn grey_tiff_files_of_any_number_are_read() {
    use tiff::encoder::{TiffEncoder, colortype};

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = folder.path().join("a").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap()
    };
    // From black to white in four steps, whatever the kind of number.
    TiffEncoder::new(file("float.tif"))
        .unwrap()
        .write_image::<colortype::Gray32Float>(2, 2, &[-0.5, 0.0, 0.5, 1.0])
        .unwrap();
    TiffEncoder::new(file("double.tif"))
        .unwrap()
        .write_image::<colortype::Gray64Float>(2, 2, &[-5.0, 0.0, 5.0, 10.0])
        .unwrap();
    TiffEncoder::new(file("signed.tif"))
        .unwrap()
        .write_image::<colortype::GrayI16>(2, 2, &[-1000, 0, 1000, 2000])
        .unwrap();
    TiffEncoder::new(file("wide.tif"))
        .unwrap()
        .write_image::<colortype::Gray32>(2, 2, &[0, 1 << 30, 2 << 30, 3 << 30])
        .unwrap();
    TiffEncoder::new_big(file("big.tif")).unwrap().write_image::<colortype::Gray8>(2, 2, &[0, 85, 170, 255]).unwrap();
    TiffEncoder::new(file("nothing.tif")).unwrap().write_image::<colortype::Gray32Float>(2, 2, &[f32::NAN; 4]).unwrap();
    let data = load(&config(folder.path(), 2));
    assert_eq!(data.len(), 6, "{:?}", data.summary().skipped);
    // In the order of their names: big, double, float, nothing, signed, wide.
    for (at, want) in [[0, 85, 170, 255]; 6].into_iter().enumerate() {
        let want = if at == 3 { [0; 4] } else { want };
        assert_eq!(data.pixels(at), want, "{at}");
    }
    let notes = &data.summary().file_notes;
    assert_eq!(notes.iter().filter(|noted| noted.note.contains("percentile")).count(), 5, "{notes:?}");
}
