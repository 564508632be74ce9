//! Sources beside class folders of plain images: archives, tables, and whatever else lies in folders. Every file is made
//! here.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

#[path = "common/files.rs"]
mod files;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use files::{config, load, look, nifti, png, reason, write};
use gandle::config::Config;
use gandle::data::{Dataset, inspect};

fn failure(config: &Config) -> String {
    Dataset::load(config, &|_, _| true).unwrap_err().to_string()
}

/// An array as NumPy writes it.
fn array(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let line = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (line.len() as u16).to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, line.as_bytes(), bytes].concat()
}

fn archive(path: &Path, entries: &[(&str, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, bytes) in entries {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

/// Six training images of the shades 0 to 50 in three classes, and two of 60 and 70 to test on.
fn medmnist(path: &Path) {
    let shades = |shades: &[u8]| shades.iter().flat_map(|shade| [*shade; 4]).collect::<Vec<u8>>();
    archive(
        path,
        &[
            ("train_images.npy", array("|u1", "(6, 2, 2)", &shades(&[0, 10, 20, 30, 40, 50]))),
            ("train_labels.npy", array("|u1", "(6, 1)", &[1, 0, 10, 1, 0, 2])),
            ("test_images.npy", array("|u1", "(2, 2, 2)", &shades(&[60, 50]))),
            ("test_labels.npy", array("|u1", "(2, 1)", &[10, 2])),
        ],
    );
}

#[test]
fn archives_of_arrays_are_read_as_medmnist_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cells.npz");
    medmnist(&path);
    let mut config = config(&path, 2);
    let data = load(&config);
    assert_eq!(data.class_names(), ["0", "1", "2", "10"]);
    assert_eq!((0..6).map(|at| data.pixels(at)[0]).collect::<Vec<_>>(), [10, 40, 0, 30, 50, 20]);
    assert_eq!(data.class_counts(), [2, 2, 1, 1]);
    assert!(data.held_out().is_none() && data.summary().notes.iter().any(|note| note.contains("train_images")));
    assert_eq!(&inspect(&config.data.source, &config).unwrap(), data.summary());
    config.data.held_out = 0.5;
    // The test image of class 2 is the class's only image to train on, too: nothing is left of it.
    assert!(failure(&config).contains("the class `2`"), "{}", failure(&config));
    let shade = |shade: u8| array("|u1", "(1, 2, 2)", &[shade; 4]);
    let mut entries = vec![
        ("train_images.npy", array("|u1", "(2, 2, 2)", &[1, 1, 1, 1, 2, 2, 2, 2])),
        ("train_labels.npy", array("<i8", "(2,)", &[[0; 8], [1, 0, 0, 0, 0, 0, 0, 0]].concat())),
        ("val_images.npy", shade(3)),
        ("val_labels.npy", array("|u1", "(1,)", &[1])),
        ("test_images.npy", shade(4)),
        ("test_labels.npy", array("|u1", "(1,)", &[0])),
    ];
    archive(&path, &entries);
    let data = load(&config);
    let held = data.held_out().unwrap();
    assert_eq!((data.class_counts(), held.class_counts()), (vec![1, 1], vec![1, 1]));
    assert_eq!([held.pixels(0)[0], held.pixels(1)[0]], [4, 3]);
    assert!(data.summary().notes.iter().any(|note| note.contains("own images for validation and test")));
    for (at, wrong, says) in [
        (0, array("<f4", "(2, 1, 1)", &[0; 8]), "<f4"),
        (0, array("|u1", "(2, 2)", &[0; 4]), "shape"),
        (0, array("|u1", "(2, 200000, 200000)", &[0; 4]), "too large"),
        (0, array("|u1", "(2, 2, 2)", &[0; 4]), "ends too early"),
        // A file of a few kilobytes, and a name and a place for each image.
        (0, array("|u1", "(3000000, 1, 1)", &vec![0; 3_000_000]), "at most 2000000 are taken"),
        (1, array("|u1", "(3,)", &[0; 3]), "one label for each of 2 images"),
        (1, array("<c16", "(2,)", &[0; 32]), "whole ones"),
    ] {
        let right = std::mem::replace(&mut entries[at].1, wrong);
        archive(&path, &entries);
        let told = failure(&config);
        assert!(told.contains(says) && told.contains("cells.npz"), "{told}");
        entries[at].1 = right;
    }
    archive(&path, &entries[1..2]);
    assert!(failure(&config).contains("it holds train_labels.npy"));
    fs::write(&path, b"PK\x05\x06 nothing").unwrap();
    assert!(failure(&config).contains("no NumPy archive"));
}

#[test]
fn archives_with_changed_bytes_give_images_or_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cells.npz");
    medmnist(&path);
    let whole = fs::read(&path).unwrap();
    let config = config(&path, 2);
    for at in (0..whole.len()).step_by(5) {
        let mut file = whole.clone();
        file[at] ^= 1 << (at % 8);
        fs::write(&path, &file).unwrap();
        match Dataset::load(&config, &|_, _| true) {
            Ok(data) => assert!(data.len() <= 6),
            Err(err) => assert!(err.to_string().contains("cells"), "{err}"),
        }
        fs::write(&path, &whole[..at]).unwrap();
        assert!(failure(&config).contains("cells"), "{at}");
    }
}

#[test]
fn a_table_names_files_and_labels() {
    let folder = tempfile::tempdir().unwrap();
    for (name, shade) in [("images/ünï 名前.png", 10), ("images/b.png", 20), ("c.png", 30)] {
        write(folder.path(), name, &png(shade));
    }
    write(folder.path(), "images/scan.nii", &nifti(1));
    fs::create_dir(folder.path().join("images/folder.png")).unwrap();
    let table = "file,label\nimages/ünï 名前.png,benign\nimages/b.png,malignant\nc.png,benign\nimages/scan.nii,malignant\n\
        gone.png,benign\n../out.png,benign\nimages/folder.png,benign\n";
    write(folder.path(), "labels.csv", table.as_bytes());
    let config = config(&folder.path().join("labels.csv"), 4);
    let data = load(&config);
    assert_eq!(
        (data.class_names(), data.class_counts()),
        (vec!["benign".to_owned(), "malignant".to_owned()], vec![2, 6])
    );
    assert_eq!([data.pixels(0)[0], data.pixels(1)[0], data.pixels(2)[0]], [30, 10, 20]);
    let skipped = &data.summary().skipped;
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    assert_eq!(reason(data.summary(), "gone.png"), "there is no such file");
    assert!(reason(data.summary(), "../out.png").starts_with("lies outside the folder"));
    assert_eq!(reason(data.summary(), "images/folder.png"), "not a regular file");
    write(folder.path(), "labels.csv", b"a,b\n1,2\n");
    assert!(failure(&config).contains("labels.csv cannot be used: its first line must name its columns"));
    write(folder.path(), "labels.csv", b"file,label\ngone.png,x\n");
    assert!(failure(&config).contains("the class `x`") && failure(&config).contains("there is no such file"));
}

#[test]
fn what_lies_around_is_passed_over_and_what_is_deep_is_found() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/one/two/three.png", &png(1));
    write(folder.path(), "a/ünï 名前 space.png", &png(2));
    for hidden in ["a/._three.png", "a/Thumbs.db", "a/.DS_Store", "a/desktop.ini", "a/.git/x.png", "__MACOSX/a/x.png"] {
        write(folder.path(), hidden, b"left over");
    }
    write(folder.path(), "a/array.npy", &array("|u1", "(1,)", &[0]));
    write(folder.path(), "a/more.npz", b"PK");
    let summary = look(folder.path());
    assert_eq!((summary.images(), summary.classes.len(), summary.skipped.len()), (2, 1, 2), "{summary:#?}");
    assert!(reason(&summary, "a/array.npy").contains(".npz archive as train_images"));
    assert!(reason(&summary, "a/more.npz").contains("a data source of its own"));
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/good.png", &png(1));
    write(folder.path(), "a/locked.png", &png(2));
    let locked = folder.path().join("a/locked.png");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // The system's administrator may read it all the same.
    let summary = look(folder.path());
    if fs::read(&locked).is_err() {
        assert!(reason(&summary, "a/locked.png").starts_with("cannot be read"));
    }
    assert_eq!(summary.images() + summary.skipped.len(), 2);
}

#[test]
fn a_flat_folder_can_be_looked_at_but_not_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    for (name, shade) in [("1.png", 1), ("2.png", 2)] {
        write(folder.path(), name, &png(shade));
    }
    write(folder.path(), "3.png", b"");
    let summary = look(folder.path());
    assert_eq!((summary.images(), summary.classes.len()), (2, 1));
    assert_eq!(reason(&summary, "3.png"), "the file is empty");
    assert!(summary.notes[0].starts_with("there are no class folders"), "{:?}", summary.notes);
    assert!(failure(&config(folder.path(), 4)).contains("3 images lie directly in it"));
}
