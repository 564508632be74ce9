//! Scans as reading rooms show them (`data.scans = "clinical"`), and as sessions from before that key keep them. Every file is made here.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

#[path = "common/dicom.rs"]
mod dicom;
#[path = "common/files.rs"]
mod files;

use std::io::Write as _;
use std::path::Path;

use dicom::{PLAIN, Scan, element, pieces, words};
use files::{config, load, look, nifti, png, reason, write};
use gandle::config::{Config, ScanRules, ScanWindow, SliceAxis, SplitBy};
use gandle::data::Dataset;

fn clinical(folder: &Path, size: usize) -> Config {
    let mut config = config(folder, size);
    (config.data.scans, config.data.split_by) = (ScanRules::Clinical, SplitBy::Columns);
    config
}

fn pictures(data: &Dataset) -> Vec<&[u8]> {
    (0..data.len()).map(|at| data.pixels(at)).collect()
}

/// A sequence of items.
fn sequence(group: u16, number: u16, items: &[Vec<u8>]) -> Vec<u8> {
    let one = |item: &Vec<u8>| [&[0xFE, 0xFF, 0, 0xE0][..], &(item.len() as u32).to_le_bytes(), item].concat();
    element(group, number, "SQ", &items.iter().map(one).collect::<Vec<_>>().concat())
}

fn decimals(centre: &[u8], width: &[u8]) -> Vec<u8> {
    [element(0x28, 0x1050, "DS", centre), element(0x28, 0x1051, "DS", width)].concat()
}

fn table(first: i16, values: &[u16]) -> Vec<u8> {
    let about = [&(values.len() as u16).to_le_bytes()[..], &first.to_le_bytes(), &16_u16.to_le_bytes()].concat();
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [element(0x28, 0x3002, "SS", &about), element(0x28, 0x3006, "US", &values)].concat()
}

#[test]
fn dicom_files_are_shown_as_they_say_and_old_sessions_keep_their_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, more: Vec<u8>, values: &[i16]| {
        write(folder.path(), &format!("a/{name}.dcm"), &Scan { more, pixels: words(values), ..PLAIN }.file());
    };
    let sigmoid = [decimals(b"100", b"50"), element(0x28, 0x1056, "CS", b"SIGMOID")].concat();
    save("1-sigmoid", sigmoid, &[80, 100, 110, 4000]);
    let exact = [decimals(b"100", b"50"), element(0x28, 0x1056, "CS", b"LINEAR_EXACT")].concat();
    save("2-exact", exact, &[75, 80, 100, 125]);
    // Values -1, 0, 1 become 0, 10000, 65535 whatever the window says of them, and then the window's greys.
    let tables = [decimals(b"32768", b"65536"), sequence(0x28, 0x3000, &[table(-1, &[0, 10_000, 65_535])])].concat();
    save("3-modality", tables, &[-1, 0, 1, 2]);
    let shown = [decimals(b"1", b"2"), sequence(0x28, 0x3010, &[table(10, &[0, 65_535, 32_768])])].concat();
    save("4-shown", shown, &[0, 10, 11, 12]);
    let padded = element(0x28, 0x120, "SS", &(-2000_i16).to_le_bytes());
    save("5-padding", padded, &[-2000, 0, 40, 80]);
    let data = load(&clinical(folder.path(), 2));
    assert_eq!(
        pictures(&data),
        [[43, 128, 176, 255], [0, 26, 128, 255], [0, 39, 255, 255], [0, 0, 255, 128], [0, 0, 128, 255]],
        "{:?}",
        data.summary().skipped
    );
    // By the old rules: a straight window for both functions, and padding takes part.
    let old = load(&config(folder.path(), 2));
    assert_eq!(pictures(&old)[..2], [[26, 130, 182, 255], [0, 26, 130, 255]]);
    assert_eq!(pictures(&old)[4], [0, 245, 250, 255]);
}

#[test]
fn each_frame_has_its_own_scale_and_window() {
    let folder = tempfile::tempdir().unwrap();
    let transform = |intercept: &[u8], slope: &[u8]| {
        let scale = [element(0x28, 0x1052, "DS", intercept), element(0x28, 0x1053, "DS", slope)].concat();
        sequence(0x28, 0x9145, &[scale])
    };
    let window = |centre: &[u8], width: &[u8]| sequence(0x28, 0x9132, &[decimals(centre, width)]);
    let all = sequence(0x5200, 0x9229, &[window(b"50.5", b"101")]);
    let each =
        sequence(0x5200, 0x9230, &[transform(b"0", b"1"), [transform(b"-100", b"2"), window(b"5.5", b"11")].concat()]);
    let values = words(&[0, 50, 100, 25, 50, 55, 60, 51]);
    let scan = Scan { frames: "2", more: Vec::new(), pixels: [all, each, values].concat(), ..PLAIN };
    write(folder.path(), "a/enhanced.dcm", &scan.file());
    let data = load(&clinical(folder.path(), 2));
    // The second: 2 v - 100 gives 0, 10, 20, 2.
    assert_eq!(pictures(&data), [[0, 128, 255, 64], [0, 255, 255, 51]]);
}

#[test]
fn compressed_frames_are_found_with_and_without_a_table_of_their_places() {
    let folder = tempfile::tempdir().unwrap();
    // Four pieces of two frames; the mark of a picture's end tells where the second begins.
    let jpeg = |shade: u8| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let image = image::GrayImage::from_pixel(2, 2, image::Luma([shade]));
        image.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    };
    let (first, second) = (jpeg(40), jpeg(200));
    let halves = [&first[..200], &first[200..], &second[..100], &second[100..]].map(|half| {
        let even = half.len() % 2 == 0;
        assert!(even || half.ends_with(&[0xFF, 0xD9]), "a piece has an even length");
        if even { half.to_vec() } else { [half, &[0]].concat() }
    });
    let scan = Scan {
        syntax: "1.2.840.10008.1.2.4.50",
        frames: "2",
        bits: 8,
        signed: 0,
        pixels: pieces(&halves.each_ref().map(Vec::as_slice)),
        ..PLAIN
    };
    write(folder.path(), "a/pieces.dcm", &scan.file());
    let data = load(&clinical(folder.path(), 2));
    let near = |got: u8, want: u8| got.abs_diff(want) < 3;
    assert_eq!(data.len(), 2, "{:?}", data.summary().skipped);
    assert!(near(data.pixels(0)[0], 40) && near(data.pixels(1)[0], 200), "{:?}", pictures(&data));
}

#[test]
fn one_window_goes_for_all_of_ct_and_for_nothing_of_eight_bits() {
    let folder = tempfile::tempdir().unwrap();
    let scan = |values: &[i16], more: Vec<u8>| Scan { pixels: words(values), more, ..PLAIN };
    write(folder.path(), "a/1.dcm", &scan(&[0, 40, 80, -1000], Vec::new()).file());
    write(folder.path(), "a/2.dcm", &scan(&[39, 40, 41, 3000], decimals(b"500", b"20")).file());
    let mr = scan(&[0, 40, 80, 160], Vec::new()).file();
    let at = mr.windows(2).position(|pair| pair == b"CT").unwrap();
    write(folder.path(), "a/3.dcm", &[&mr[..at], b"MR", &mr[at + 2..]].concat());
    write(folder.path(), "a/4.png", &png(90));
    let mut config = clinical(folder.path(), 2);
    config.data.window = ScanWindow::by_name("brain").unwrap();
    let data = load(&config);
    // PS3.3: from 0 to 79.
    assert_eq!(pictures(&data), [[0, 129, 255, 0], [126, 129, 132, 255], [0, 64, 128, 255], [90; 4]]);
    assert!(
        data.summary().notes.iter().any(|note| note.starts_with("2 pictures of scans were shown through data.window"))
    );
    config.data.window = ScanWindow::Values { centre: 40.0, width: 80.0 };
    assert_eq!(load(&config).pixels(2), [0, 129, 255, 255], "numbers go for all kinds");
}

#[test]
fn the_images_of_one_dicom_patient_stay_on_one_side() {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..24_i16 {
        let patient = element(0x10, 0x20, "LO", format!("P{}", at / 6).as_bytes());
        // In order of the tags: between the modality and the picture.
        let whole = Scan { pixels: words(&[0, 40 * at, 1000, 500]), ..PLAIN }.file();
        let rows = whole.windows(4).position(|tag| tag == [0x28, 0, 2, 0]).unwrap();
        write(folder.path(), &format!("a/{at:02}.dcm"), &[&whole[..rows], &patient, &whole[rows..]].concat());
    }
    let mut config = clinical(folder.path(), 2);
    config.data.held_out = 0.3;
    for split_seed in 0..5 {
        config.data.split_seed = split_seed;
        let data = load(&config);
        assert_eq!(data.held_out().unwrap().len(), 6, "whole patients of six images");
        assert!(data.summary().notes.iter().any(|note| note.starts_with("DICOM files name 4 patients")));
    }
    for (scans, split_by) in [(ScanRules::Clinical, SplitBy::Files), (ScanRules::Plain, SplitBy::Columns)] {
        (config.data.scans, config.data.split_by) = (scans, split_by);
        assert_eq!(load(&config).held_out().unwrap().len(), 7, "each image alone");
    }
}

/// The 4 x 3 x 5 bytes of [`nifti`] in other formats.
fn volumes(folder: &Path) {
    let voxels = &nifti(1)[352..];
    let nrrd = |encoding: &str| {
        format!(
            "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 4 3 5\nspace: RAS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nencoding: {encoding}\n\n"
        )
    };
    let meta = |packed: bool, file: &str| {
        format!(
            "ObjectType = Image\nNDims = 3\nCompressedData = {packed}\nTransformMatrix = -1 0 0 0 -1 0 0 0 1\nDimSize = 4 3 5\nElementType = MET_UCHAR\nElementDataFile = {file}\n"
        )
    };
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(voxels).unwrap();
    let zlib = zlib.finish().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(voxels).unwrap();
    let gzip = gzip.finish().unwrap();
    write(folder, "a/1.nrrd", &[nrrd("raw").as_bytes(), voxels].concat());
    write(folder, "a/2.nrrd", &[nrrd("gzip").as_bytes(), &gzip].concat());
    write(folder, "a/3.mha", &[meta(false, "LOCAL").as_bytes(), voxels].concat());
    write(folder, "a/4.mha", &[meta(true, "LOCAL").as_bytes(), &zlib].concat());
    write(folder, "a/5.mhd", meta(false, "5.raw").as_bytes());
    write(folder, "a/5.raw", voxels);
    write(folder, "a/6.mhd", meta(false, "gone.raw").as_bytes());
    write(folder, "a/7.mhd", meta(false, "../a/5.raw").as_bytes());
    write(folder, "a/8.nrrd", &[nrrd("raw").as_bytes(), &voxels[..59]].concat());
    let mut named = nifti(1);
    named[254..256].copy_from_slice(&1_i16.to_le_bytes());
    for axis in 0..3 {
        named[280 + 20 * axis..284 + 20 * axis].copy_from_slice(&1_f32.to_le_bytes());
    }
    write(folder, "a/9.nii", &named);
}

#[test]
fn volumes_of_other_formats_give_the_same_slices() {
    let folder = tempfile::tempdir().unwrap();
    volumes(folder.path());
    let mut config = clinical(folder.path(), 2);
    for (axis, slices) in [(SliceAxis::X, 4), (SliceAxis::Y, 3), (SliceAxis::Z, 5)] {
        config.data.slice_axis = axis;
        let data = load(&config);
        let all = pictures(&data);
        assert_eq!(all.len(), 6 * slices, "{axis:?} {:#?}", data.summary().skipped);
        assert!(all.chunks(slices).all(|volume| volume == &all[..slices]), "{axis:?}");
        assert!(reason(data.summary(), "a/6.mhd").contains("gone.raw"));
        assert!(reason(data.summary(), "a/7.mhd").contains("only a plain name"));
        assert!(reason(data.summary(), "a/8.nrrd").contains("the file ends too early"));
    }
    config.data.scans = ScanRules::Plain;
    let old = load(&config);
    assert_eq!(old.len(), 5);
    assert!(old.summary().notes.iter().any(|note| note.starts_with("8 volumes (.nrrd, .mha, .mhd) are left out")));
}

#[test]
fn pages_of_a_tiff_are_pictures_and_old_sessions_take_the_first() {
    use tiff::encoder::{TiffEncoder, colortype};

    let folder = tempfile::tempdir().unwrap();
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    for shade in [0, 1000, 2000] {
        encoder.write_image::<colortype::Gray16>(2, 2, &[shade, shade + 1, shade + 2, shade + 3]).unwrap();
    }
    write(folder.path(), "a/stack.ome.tif", &file.into_inner());
    let data = load(&clinical(folder.path(), 2));
    assert_eq!(pictures(&data), [[0; 4], [127, 127, 128, 128], [255; 4]]);
    let old = load(&config(folder.path(), 2));
    assert_eq!((old.len(), old.pixels(0)), (1, &[0, 85, 170, 255][..]));
}

#[test]
fn masks_of_one_bit_and_deep_colours_are_told_or_read() {
    let folder = tempfile::tempdir().unwrap();
    let mask = Scan { bits: 1, signed: 0, pixels: element(0x7FE0, 0x10, "OB", &[6, 0]), ..PLAIN };
    write(folder.path(), "a/mask.dcm", &mask.file());
    let planes: Vec<i16> = [0, 257 * 10, -1, 257 * 10, 0, -1].repeat(2);
    let colours = Scan { photometric: "RGB", samples: 3, signed: 0, pixels: words(&planes), ..PLAIN };
    write(folder.path(), "a/colours.dcm", &colours.file());
    let mut config = clinical(folder.path(), 2);
    config.channels = 3;
    let data = load(&config);
    assert_eq!(pictures(&data), [[0, 10, 255, 10, 0, 255].repeat(2)]);
    assert!(reason(data.summary(), "a/mask.dcm").contains("a segmentation of 1 bit"));
    assert!(reason(&look(folder.path()), "a/colours.dcm").contains("3 values of 16 bits"));
}
