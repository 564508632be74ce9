//! Labels in the shapes that people have them: tables, dataset.json, archives, image sets. Files are made here, but for
//! `fuzz/seeds/image_set`, which `fuzz/make_seeds.py` makes.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

#[path = "common/files.rs"]
mod files;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use files::{config, load, look, png, reason, write};
use gandle::config::{Config, SplitBy};
use gandle::data::{Dataset, inspect};
use gandle::event::DataSummary;

fn seen(config: &Config) -> DataSummary {
    inspect(&config.data.source, config).unwrap()
}

fn failure(config: &Config) -> String {
    Dataset::load(config, &|_, _| true).unwrap_err().to_string()
}

/// Names of the classes and how many images each has.
fn classes(summary: &DataSummary) -> Vec<(&str, usize)> {
    summary.classes.iter().map(|class| (class.name.as_str(), class.images)).collect()
}

/// A folder with these files, the `n`-th of the shade `n`, and a table.
fn table(names: &[&str], table: &[u8]) -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    for (shade, name) in names.iter().enumerate() {
        write(folder.path(), name, &png(shade as u8 + 1));
    }
    write(folder.path(), "labels.csv", table);
    let config = config(&folder.path().join("labels.csv"), 4);
    (folder, config)
}

#[test]
fn a_table_of_unicode_text_keeps_its_two_classes() {
    let text = "file,label\r\n0.png,gösund\r\n1.png,gäsund\r\n2.png,gösund";
    let wide: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    for (bytes, name) in [(wide, "UTF-16LE"), (latin, "windows-1252")] {
        let (_folder, config) = table(&["0.png", "1.png", "2.png"], &bytes);
        let summary = seen(&config);
        assert_eq!(classes(&summary), [("gäsund", 1), ("gösund", 2)]);
        assert!(summary.notes.iter().any(|note| note.contains(name)), "{:?}", summary.notes);
    }
}

#[test]
fn folders_tables_and_archives_have_one_order_of_classes() {
    let root = tempfile::tempdir().unwrap();
    let mut rows = String::from("file,label\n");
    let mut packed = Vec::new();
    for class in 0..12_u8 {
        write(root.path(), &format!("folders/{class}/x.png"), &png(class));
        write(root.path(), &format!("table/{class}_x.png"), &png(class));
        packed.push((format!("cells/{class}/x.png"), png(class)));
        rows += &format!("{class}_x.png,{class}\n");
    }
    write(root.path(), "table/labels.csv", rows.as_bytes());
    zipped(&root.path().join("set.zip"), &packed);
    tarred(&root.path().join("set.tar"), &packed);
    let order: Vec<String> = (0..12).map(|class| class.to_string()).collect();
    for source in ["folders", "table/labels.csv", "set.zip", "set.tar"] {
        let data = load(&config(&root.path().join(source), 4));
        assert_eq!(data.class_names(), order, "{source}");
        assert_eq!((0..12).map(|at| data.pixels(at)[0]).collect::<Vec<_>>(), (0..12).collect::<Vec<u8>>(), "{source}");
    }
    // A session that was trained with the order of the letters keeps its labels.
    let mut letters = order.clone();
    letters.sort();
    let old = Dataset::load_as(&config(&root.path().join("folders"), 4), &letters, &|_, _| true).unwrap();
    assert_eq!((old.class_names(), old.pixels(2)[0]), (letters, 10));
}

#[test]
fn names_are_found_however_they_are_spelled() {
    let names = ["a/0.png", "b/1.png", "ISIC_2.jpg", "deep/er/3.png", "b/cafe\u{301}.png", "x.png", "x.jpg"];
    let folder = tempfile::tempdir().unwrap();
    let absolute = folder.path().join("deep/er/3.png");
    let text = format!(
        "image_id,dx\na\\0.png,nv\nB/1.PNG,mel\nisic_2,nv\n{},mel\nb/caf\u{e9}.png,nv\nx,mel\n../y.png,nv\n",
        absolute.display()
    );
    for (shade, name) in names.iter().enumerate() {
        write(folder.path(), name, &png(shade as u8 + 1));
    }
    write(folder.path(), "metadata.csv", text.as_bytes());
    let config = config(&folder.path().join("metadata.csv"), 4);
    let data = load(&config);
    assert_eq!(classes(data.summary()), [("mel", 2), ("nv", 3)]);
    let mut shades: Vec<u8> = (0..5).map(|at| data.pixels(at)[0]).collect();
    shades.sort_unstable();
    assert_eq!(shades, [1, 2, 3, 4, 5]);
    let told = reason(data.summary(), "x");
    assert!(told.contains("2 files") && told.contains("x.jpg") && told.contains("x.png"), "{told}");
    assert!(reason(data.summary(), "../y.png").starts_with("lies outside"));
}

#[test]
fn a_large_table_is_read_whole() {
    let rows: String = (0..100_000).map(|row| format!("{row:06},{}\n", row % 7)).collect();
    let (_folder, mut config) = table(&["000000.png", "000006.png"], format!("id,class\n{rows}").as_bytes());
    config.data.include = vec!["000000.png".to_owned(), "000006.png".to_owned()];
    let summary = seen(&config);
    assert_eq!(classes(&summary), [("0", 1), ("6", 1)]);
    assert!(summary.notes.iter().any(|note| note.starts_with("99998 files are left out")), "{:?}", summary.notes);
}

#[test]
fn one_hot_tables_splits_and_patients_are_followed() {
    let names = ["0.png", "1.png", "2.png", "3.png", "4.png", "5.png"];
    let text = "image,MEL,NV,split,patient_id\n0,1,0,train,p\n1,0,1,train,p\n2,1,0,val,q\n3,0,1,train,q\n4,1,1,train,p\n5,0,0,train,p\n";
    let (_folder, mut config) = table(&names, text.as_bytes());
    config.data.split_by = SplitBy::Columns;
    let summary = seen(&config);
    assert_eq!(classes(&summary), [("MEL", 2), ("NV", 2)]);
    assert!(summary.notes.iter().any(|note| note.starts_with("1 image with several labels")), "{:?}", summary.notes);
    assert!(summary.findings[0].message.starts_with("1 of 6 rows are for validation"), "{:?}", summary.findings);
    config.data.held_out = 0.1;
    let data = load(&config);
    // Image 3 is of the patient whose image 2 is for validation.
    let held = data.held_out().unwrap();
    assert_eq!([held.pixels(0)[0], held.pixels(1)[0]], [3, 4]);
    assert_eq!((data.class_counts(), held.class_counts()), (vec![1, 1], vec![1, 1]));
}

#[test]
fn stylegans_labels_go_before_the_folders_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut packed = Vec::new();
    let mut labels = Vec::new();
    for index in 0..6_u8 {
        let name = format!("{:05}/img{index:08}.png", index / 3);
        write(folder.path(), &name, &png(index + 1));
        packed.push((name.clone(), png(index + 1)));
        labels.push(format!("[\"{name}\", {}]", index % 3));
    }
    let sheet = format!("{{\"labels\": [{}]}}", labels.join(", ")).into_bytes();
    write(folder.path(), "dataset.json", &sheet);
    packed.push(("dataset.json".to_owned(), sheet));
    let beside = tempfile::tempdir().unwrap();
    let zip = beside.path().join("set.zip");
    zipped(&zip, &packed);
    for source in [folder.path(), &zip] {
        let data = load(&config(source, 4));
        assert_eq!(classes(data.summary()), [("0", 2), ("1", 2), ("2", 2)]);
        assert_eq!((0..6).map(|at| data.pixels(at)[0]).collect::<Vec<_>>(), [1, 4, 2, 5, 3, 6]);
    }
}

fn zipped(path: &Path, files: &[(String, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, bytes) in files {
        archive.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

fn tarred(path: &Path, files: &[(String, Vec<u8>)]) {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut head = tar::Header::new_gnu();
        head.set_size(bytes.len() as u64);
        archive.append_data(&mut head, name, bytes.as_slice()).unwrap();
    }
    let bytes = archive.into_inner().unwrap();
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut packed = flate2::write::GzEncoder::new(fs::File::create(path).unwrap(), flate2::Compression::fast());
        packed.write_all(&bytes).unwrap();
        packed.finish().unwrap();
    } else {
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn archives_hold_folders_tables_or_samples() {
    let root = tempfile::tempdir().unwrap();
    let own = |files: &[(&str, Vec<u8>)]| -> Vec<(String, Vec<u8>)> {
        files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect()
    };
    let folders =
        own(&[("set/a/1.png", png(1)), ("set/b/2.png", png(2)), ("set/b/.hidden.png", png(3)), ("../c/4.png", png(4))]);
    let table =
        own(&[("images/1.png", png(1)), ("images/2.png", png(2)), ("labels.csv", b"file,label\n1,a\n2,b\n".to_vec())]);
    let samples = own(&[
        ("1.png", png(1)),
        ("1.cls", b"a\n".to_vec()),
        ("2.png", png(2)),
        ("2.json", br#"{"label": "b"}"#.to_vec()),
        ("3.png", png(3)),
    ]);
    for (files, kind) in [(&folders, "folders"), (&table, "table"), (&samples, "samples")] {
        for ending in ["zip", "tar", "tar.gz"] {
            let path = root.path().join(format!("set.{ending}"));
            // The library that writes archives refuses to write a name that leads out of one.
            let inside: Vec<_> =
                files.iter().filter(|(name, _)| ending == "zip" || !name.starts_with("..")).cloned().collect();
            if ending == "zip" {
                zipped(&path, files)
            } else {
                tarred(&path, &inside)
            }
            let data = load(&config(&path, 4));
            assert_eq!(classes(data.summary()), [("a", 1), ("b", 1)], "{kind} {ending}");
            assert_eq!([data.pixels(0)[0], data.pixels(1)[0]], [1, 2], "{kind} {ending}");
            let outside = data.summary().skipped.iter().any(|skipped| skipped.reason.starts_with("lies outside"));
            assert_eq!(outside, kind == "folders" && ending == "zip", "{kind} {ending}: {:?}", data.summary().skipped);
        }
    }
    assert!(reason(&seen(&config(&root.path().join("set.tar"), 4)), "3.png").contains("neither 3.cls nor 3.json"));
    tarred(&root.path().join("flat.tar"), &own(&[("1.png", png(1))]));
    assert!(failure(&config(&root.path().join("flat.tar"), 4)).contains("it holds no class"));
    fs::write(root.path().join("cut.zip"), b"PK\x03\x04 and no more").unwrap();
    assert!(failure(&config(&root.path().join("cut.zip"), 4)).contains("cut.zip cannot be used: it is no ZIP"));
    fs::write(root.path().join("set.h5"), b"\x89HDF").unwrap();
    assert!(failure(&config(&root.path().join("set.h5"), 4)).contains("import h5py"));
}

#[test]
fn scans_in_archives_are_cut_as_in_folders() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("set.tar.gz");
    tarred(&path, &[("a/x.nii".to_owned(), files::nifti(1)), ("b/1.png".to_owned(), png(1))]);
    let mut config = config(&path, 4);
    assert_eq!(classes(&seen(&config)), [("a", 5), ("b", 1)]);
    config.data.slice_every = 2;
    assert_eq!(load(&config).class_counts(), [3, 1]);
}

#[test]
fn image_sets_have_the_names_of_their_labels() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/image_set");
    for codec in ["snappy", "zstd", "none"] {
        let data = load(&config(&seeds.join(format!("{codec}.parquet")), 4));
        assert_eq!(classes(data.summary()), [("melanoma", 1), ("naevus", 2)], "{codec}");
        // Shades 0, 40 and 80 of the labels 1, 0 and 1; the fourth label is kept secret.
        assert_eq!([data.pixels(0)[0], data.pixels(1)[0], data.pixels(2)[0]], [40, 0, 80], "{codec}");
        assert!(
            data.summary().notes.iter().any(|note| note.starts_with("1 image with no label")),
            "{:?}",
            data.summary()
        );
    }
    assert_eq!(classes(&look(&seeds.join("plain.parquet"))), [("mel", 1), ("nv", 2)]);
    // As the hub has them: files of a split below `data`.
    let root = tempfile::tempdir().unwrap();
    for split in ["train-00000-of-00001", "test-00000-of-00001"] {
        let bytes = fs::read(seeds.join("snappy.parquet")).unwrap();
        write(root.path(), &format!("data/{split}.parquet"), &bytes);
    }
    write(root.path(), "README.md", b"a set");
    let mut config = config(root.path(), 4);
    assert_eq!(seen(&config).images(), 3);
    config.data.held_out = 0.5;
    config.data.drop_duplicates = true;
    let summary = seen(&config);
    assert_eq!(
        (summary.images(), summary.held_out()),
        (0, 3),
        "the same images for training and test stay on one side"
    );
    write(root.path(), "data/train-00000-of-00001.parquet", b"PAR1 and no more");
    assert!(failure(&config).contains("it is no parquet file"));
}

/// An array as NumPy writes it.
fn array(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let line = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (line.len() as u16).to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, line.as_bytes(), bytes].concat()
}

#[test]
fn arrays_of_several_labels_say_how_to_choose_one() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("many.npz");
    let set = |kind: &str, labels: &[u8], shape: &str| {
        let images: Vec<u8> = (0..4_u8).flat_map(|image| [image * 10; 4]).collect();
        let images = array("|u1", "(4, 2, 2)", &images);
        zipped(
            &path,
            &[("train_images.npy".to_owned(), images), ("train_labels.npy".to_owned(), array(kind, shape, labels))],
        );
    };
    let mut config = config(&path, 2);
    set("|u1", &[1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0], "(4, 3)");
    let told = failure(&config);
    assert!(
        told.contains("3 labels an image (2 images have one, 1 several and 1 none)")
            && told.contains("data.table_label"),
        "{told}"
    );
    config = config.with(&["data.table_label=0".to_owned()]).unwrap();
    let data = load(&config);
    assert_eq!((data.class_names(), data.class_counts()), (vec!["0".to_owned(), "1".to_owned()], vec![3, 1]));
    assert!(data.summary().notes[0].contains("1 of 4 images have several"), "{:?}", data.summary().notes);
    config.data.table_label = "one-hot".to_owned();
    let data = load(&config);
    assert_eq!((data.class_names(), data.class_counts()), (vec!["0".to_owned(), "2".to_owned()], vec![1, 1]));
    assert_eq!([data.pixels(0)[0], data.pixels(1)[0]], [0, 20]);
    config.data.table_label = "3".to_owned();
    assert!(failure(&config).contains("data.table_label = 3 is none of them"));
    config.data.table_label.clear();
    // One of several everywhere is what it looks like.
    set("|u1", &[1, 0, 0, 1, 1, 0, 0, 1], "(4, 2)");
    assert_eq!(load(&config).class_counts(), [2, 2]);
    set("<f4", &[0.0_f32, 1.0, 1.0, 10.0].map(f32::to_le_bytes).concat(), "(4,)");
    assert_eq!(classes(&seen(&config)), [("0", 1), ("1", 2), ("10", 1)]);
}

#[test]
fn what_should_not_train_is_told_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["benign", "malignant"] {
        for index in 1..5_u8 {
            let scan =
                image::GrayImage::from_fn(24, 24, |x, y| image::Luma([(x * 9 + y) as u8 ^ index ^ class.len() as u8]));
            let mask =
                image::GrayImage::from_fn(24, 24, |x, y| image::Luma([255 * u8::from(x * y > 40 * u32::from(index))]));
            for (name, picture) in [
                (format!("{class}/{class} ({index}).png"), scan),
                (format!("{class}/{class} ({index})_mask.png"), mask),
            ] {
                fs::create_dir_all(folder.path().join(class)).unwrap();
                picture.save(folder.path().join(name)).unwrap();
            }
        }
    }
    let plain = config(folder.path(), 8);
    let summary = seen(&plain);
    assert_eq!(summary.images(), 16);
    let mend = |config: &Config, summary: &DataSummary, at: usize| {
        let fix: Vec<String> = summary.findings[at].fix.iter().map(|(key, value)| format!("{key}={value}")).collect();
        config.with(&fix).unwrap()
    };
    assert!(summary.findings[0].message.starts_with("8 images look like masks"), "{:?}", summary.findings);
    let mended = mend(&plain, &summary, 0);
    assert_eq!(mended.data.exclude, ["*_mask.*"]);
    let copies = summary.findings.iter().position(|finding| finding.fix[0].0 == "data.drop_duplicates").unwrap();
    let left = seen(&mended);
    assert_eq!((left.images(), left.findings.len()), (8, 0), "{left:#?}");
    // The masks of both classes are the same: with copies dropped, none of them is left.
    let once = load(&mend(&plain, &summary, copies));
    assert_eq!(once.class_counts(), [4, 4]);
    assert!(once.pixels(0) != once.pixels(1) && once.summary().duplicates.is_empty());
    assert_eq!(once.all_pixels(), load(&mended).all_pixels());
    fs::create_dir_all(folder.path().join("Benign")).unwrap();
    fs::copy(folder.path().join("benign/benign (1).png"), folder.path().join("Benign/x.png")).unwrap();
    if cfg!(target_os = "linux") {
        let told = seen(&mended).findings.into_iter().map(|finding| finding.message).collect::<Vec<_>>().join("\n");
        assert!(told.contains("`Benign` and `benign` differ in nothing but"), "{told}");
    }
    let mut all = plain;
    all.data.exclude = vec!["*".to_owned()];
    assert!(failure(&all).contains("data.exclude"), "{}", failure(&all));
}
