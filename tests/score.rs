//! `gandle score` as scripts use it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gandle::data::demo;
use image::RgbImage;
use serde_json::Value;

const SIZE: usize = 24;

/// Draws `each` images of three classes from the `first` on, into sub-folders, or all into one folder.
fn draw(folder: &Path, first: u64, each: u64, flat: bool) {
    for class in [0, 2, 4] {
        let inside = if flat { folder.to_path_buf() } else { folder.join(demo::CLASSES[class]) };
        std::fs::create_dir_all(&inside).unwrap();
        for index in first..first + each {
            let pixels = demo::render(class, index, SIZE, 3);
            let image = RgbImage::from_raw(SIZE as u32, SIZE as u32, pixels).unwrap();
            image.save(inside.join(format!("{class}-{index:03}.png"))).unwrap();
        }
    }
}

fn score(real: &Path, fake: &Path, more: &[&str]) -> Output {
    let folders = [real.to_str().unwrap(), fake.to_str().unwrap()];
    Command::new(env!("CARGO_BIN_EXE_gandle")).arg("score").args(folders).args(more).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf,"), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn find<'a>(lines: &'a [Value], metric: &str, class: Option<&str>) -> &'a Value {
    let same = |line: &&Value| line["metric"] == metric && line["class"].as_str() == class;
    lines.iter().find(same).unwrap_or_else(|| panic!("{metric} {class:?}"))
}

#[test]
fn every_score_is_a_line_with_what_reads_it_and_names_do_not_matter() {
    let root = tempfile::tempdir().unwrap();
    let folder = |name: &str| -> PathBuf { root.path().join(name) };
    draw(&folder("real"), 0, 12, false);
    draw(&folder("fake"), 50, 10, false);
    let output = score(&folder("real"), &folder("fake"), &["--json"]);
    assert!(output.status.success(), "{}", told(&output));
    let all = lines(&output);
    let precision = find(&all, "precision", None);
    assert_eq!((&precision["extractor"], &precision["resize"]), (&"efficientnet-lite2".into(), &"pytorch-fid".into()));
    assert_eq!((&precision["samples"], &precision["reals"], &precision["k"]), (&30.into(), &36.into(), &5.into()));
    assert_eq!(precision["seed"], 2020);
    assert!(precision["interval"][0].as_f64().unwrap() <= precision["value"].as_f64().unwrap());
    assert_eq!(find(&all, "vendi-score", Some("neutrophil"))["samples"], 10);
    assert!(find(&all, "classifier-recall", Some("basophil"))["baseline"].is_number());
    for metric in ["frechet-distance", "kernel-distance", "ms-ssim", "coverage"] {
        assert!(find(&all, metric, Some("lymphocyte"))["value"].is_number(), "{metric}");
    }
    let warned = told(&output);
    assert!(warned.contains("for 1280 features") && warned.contains("`basophil`: 12 real and 10 fake"), "{warned}");

    // The same images under other names, listed the other way round.
    for class in std::fs::read_dir(folder("fake")).unwrap() {
        let files: Vec<_> = std::fs::read_dir(class.unwrap().path()).unwrap().collect();
        for (i, file) in files.into_iter().enumerate() {
            let path = file.unwrap().path();
            std::fs::rename(&path, path.with_file_name(format!("{:05}.png", 7919 * (i + 3) % 99_991))).unwrap();
        }
    }
    assert_eq!(lines(&score(&folder("real"), &folder("fake"), &["--json", "--threads", "1"])), all);
}

#[test]
fn an_archive_is_scored_as_the_folder_that_it_holds() {
    use std::io::Write as _;
    let root = tempfile::tempdir().unwrap();
    let (real, fake, packed) = (root.path().join("real"), root.path().join("fake"), root.path().join("fake.zip"));
    draw(&real, 0, 4, false);
    draw(&fake, 50, 4, false);
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&packed).unwrap());
    for class in [0, 2, 4] {
        for index in 50..54 {
            let name = format!("{}/{class}-{index:03}.png", demo::CLASSES[class]);
            archive.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(&std::fs::read(fake.join(name)).unwrap()).unwrap();
        }
    }
    archive.finish().unwrap();
    let more = ["--json", "--scores", "kernel-distance,nearest-real"];
    let (folder, archive) = (score(&real, &fake, &more), score(&real, &packed, &more));
    assert!(folder.status.success() && archive.status.success(), "{}", told(&archive));
    let found = lines(&archive);
    assert!(find(&found, "kernel-distance", Some("neutrophil"))["value"].is_number());
    assert_eq!(lines(&folder), found);
}

#[test]
fn identical_folders_are_at_no_distance_and_all_copies() {
    let root = tempfile::tempdir().unwrap();
    draw(root.path(), 0, 8, true);
    let nearest = root.path().join("nearest.csv");
    let picture = root.path().join("pairs.png");
    let files = ["--nearest", nearest.to_str().unwrap(), "--nearest-picture", picture.to_str().unwrap()];
    let more = [&["--json", "--resize", "clean"], &files[..]].concat();
    let output = score(root.path(), root.path(), &more);
    let all = lines(&output);
    assert!(find(&all, "frechet-distance", None)["value"].as_f64().unwrap().abs() < 1e-6);
    assert_eq!(find(&all, "frechet-distance", None)["resize"], "clean");
    assert_eq!(find(&all, "authentic-percent", None)["value"], 0.0);
    assert_eq!(find(&all, "precision", None)["value"], 1.0);
    assert!(all.iter().all(|line| line["class"].is_null()), "a flat folder has no classes");
    let table = std::fs::read_to_string(&nearest).unwrap();
    assert_eq!(table.lines().count(), 25);
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        assert!(fields[0] == fields[1] && fields[2] == "0" && fields[3] == "false", "{line}");
    }
    // 24 pairs in three rows: a fake, and below it the real image that is the same.
    let pairs = image::open(&picture).unwrap().to_rgb8();
    assert_eq!(pairs.dimensions(), (8 * 136 + 8, 3 * 264 + 8));
    for (x, y) in (0..128).flat_map(|x| (0..128).map(move |y| (x, y))) {
        assert_eq!(pairs.get_pixel(8 + x, 8 + y), pairs.get_pixel(8 + x, 136 + y), "{x} {y}");
    }
    let again = score(root.path(), root.path(), &files);
    assert!(again.status.code() == Some(2) && String::from_utf8_lossy(&again.stderr).contains("not overwritten"));
    std::fs::remove_file(&picture).unwrap();
    let people = score(root.path(), root.path(), &["--scores", "frechet-distance,recall"]);
    let table = String::from_utf8(people.stdout.clone()).unwrap();
    assert!(people.status.success() && table.contains("frechet-distance") && !table.contains("coverage"), "{table}");
}

#[test]
fn little_and_odd_input_has_a_right_value_or_a_clear_refusal() {
    let root = tempfile::tempdir().unwrap();
    let folder = |name: &str| -> PathBuf { root.path().join(name) };
    draw(&folder("real"), 0, 6, false);
    // A constant image, four times, and a single one.
    for (name, count) in [("flat", 4), ("one", 1)] {
        std::fs::create_dir_all(folder(name)).unwrap();
        for i in 0..count {
            RgbImage::from_pixel(20, 30, image::Rgb([90, 90, 90])).save(folder(name).join(format!("{i}.png"))).unwrap();
        }
    }
    let constant = score(&folder("real"), &folder("flat"), &["--json", "--k", "2"]);
    let all = lines(&constant);
    assert!(find(&all, "frechet-distance", None)["value"].as_f64().unwrap() > 1.0, "{}", told(&constant));
    assert!((find(&all, "vendi-score", None)["value"].as_f64().unwrap() - 1.0).abs() < 1e-6);
    assert!(told(&constant).contains("all images are treated as one class"));
    let same = lines(&score(&folder("flat"), &folder("flat"), &["--json", "--k", "2"]));
    assert_eq!(find(&same, "frechet-distance", None)["value"], 0.0);

    let one = score(&folder("real"), &folder("one"), &["--json", "--scores", "frechet-distance"]);
    assert_eq!((one.status.code(), lines(&one).len()), (Some(1), 0));
    assert!(told(&one).contains("left out: frechet-distance") && told(&one).contains("has 1"), "{}", told(&one));
    let every = score(&folder("real"), &folder("one"), &["--json"]);
    assert!(lines(&every).iter().all(|line| line["value"].is_number()), "{}", told(&every));

    draw(&folder("lacking"), 20, 6, false);
    std::fs::remove_dir_all(folder("lacking").join("neutrophil")).unwrap();
    let lacking = score(&folder("real"), &folder("lacking"), &["--json", "--k", "2"]);
    assert!(lacking.status.success() && told(&lacking).contains("there is no fake image"), "{}", told(&lacking));
    let all = lines(&lacking);
    assert_eq!(find(&all, "classifier-recall", Some("neutrophil"))["value"], 0.0);
    assert!(all.iter().all(|l| l["metric"] != "frechet-distance" || l["class"] != "neutrophil"));
}

#[test]
fn the_worth_of_fakes_is_told_by_class_and_only_on_images_that_nobody_has_seen() {
    let root = tempfile::tempdir().unwrap();
    let folder = |name: &str| -> PathBuf { root.path().join(name) };
    draw(&folder("real"), 0, 5, false);
    draw(&folder("fake"), 50, 10, false);
    draw(&folder("new"), 90, 4, false);
    let (real, fake, new) = (folder("real"), folder("fake"), folder("new"));
    let worth = ["worth-real", "worth-altered", "worth-half", "worth-equal", "worth-double"];
    let names = worth.join(",");
    let asked = ["--json", "--scores", &names, "--extractor", "efficientnet-lite0"];
    let with = |held_out: &Path, more: &[&str]| {
        score(&real, &fake, &[&asked[..], &["--held-out", held_out.to_str().unwrap()], more].concat())
    };
    let output = with(&new, &["--mirrored"]);
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("nobody said which images are of one patient"), "{}", told(&output));
    let all = lines(&output);
    for (metric, fakes) in worth.into_iter().zip([0, 0, 9, 15, 30]) {
        let line = find(&all, metric, None);
        assert_eq!((&line["reals"], &line["samples"]), (&12.into(), &fakes.into()), "{metric}");
        assert_eq!(line["baseline"].is_number(), metric != "worth-real");
        let one = find(&all, metric, Some("basophil"));
        assert!(one["reals"] == 4 && one["interval"][1].as_f64().unwrap() <= 1.0, "{one}");
    }
    assert_eq!(lines(&with(&new, &["--mirrored", "--threads", "1"])), all);
    // Patients are known by their names, and none may be on both sides.
    let known = with(&new, &["--group-by", "[0-9]-([0-9]+)"]);
    assert!(known.status.success() && !told(&known).contains("nobody said"), "{}", told(&known));
    let both = with(&new, &["--group-by", "([0-9])-[0-9]+"]);
    assert!(both.status.code() == Some(2) && told(&both).contains("say nothing of new patients"), "{}", told(&both));
    // Nor may images be, and without any there is nothing to say.
    let same = with(&real, &[]);
    assert!(same.status.code() == Some(1) && lines(&same).is_empty(), "{}", told(&same));
    assert!(told(&same).contains("pixel by pixel"), "{}", told(&same));
    let without = score(&real, &fake, &asked);
    assert!(without.status.code() == Some(1) && told(&without).contains("--held-out"), "{}", told(&without));
}

#[test]
fn what_cannot_be_done_is_told_with_its_status() {
    let root = tempfile::tempdir().unwrap();
    draw(root.path(), 0, 1, true);
    let status = |real: &Path, more: &[&str], words: &str| {
        let output = score(real, root.path(), more);
        assert!(told(&output).contains(words), "{words}: {}", told(&output));
        output.status.code()
    };
    assert_eq!(status(root.path(), &["--extractor", "vgg"], "efficientnet-lite0"), Some(2));
    assert_eq!(status(root.path(), &["--resize", "best"], "torch-fidelity"), Some(2));
    assert_eq!(status(root.path(), &["--scores", "fid"], "frechet-distance"), Some(2));
    assert_eq!(status(root.path(), &["--k", "0"], "0 is not in"), Some(2));
    assert_eq!(status(root.path(), &["--extractor", "inception:/no/such.pth"], "/no/such.pth"), Some(1));
    let wrong = concat!("inception:", env!("CARGO_MANIFEST_DIR"), "/tests/data/weights.pth");
    assert_eq!(status(root.path(), &["--extractor", wrong], "fc.weight"), Some(1));
    assert_eq!(status(Path::new("/no/such/folder"), &[], "/no/such/folder"), Some(1));
    let empty = root.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert_eq!(status(&empty, &[], "holds no image"), Some(1));
}

/// A matrix as NumPy writes it.
fn save(file: &Path, kind: &str, columns: usize, numbers: &[f64]) {
    let rows = numbers.len() / columns;
    let line = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({rows}, {columns}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((line.len() as u16).to_le_bytes());
    bytes.extend(line.as_bytes());
    for number in numbers {
        if kind == "<f8" { bytes.extend(number.to_le_bytes()) } else { bytes.extend((*number as f32).to_le_bytes()) }
    }
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn features_of_another_program_are_scored_too() {
    let file = safetensors::SafeTensors::deserialize(include_bytes!("data/metrics.safetensors")).unwrap();
    let numbers = |name: &str| -> Vec<f64> {
        file.tensor(name).unwrap().data().as_chunks::<8>().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect()
    };
    let root = tempfile::tempdir().unwrap();
    let [real, fake, other] = ["real.npy", "fake.npy", "other.npy"].map(|name| root.path().join(name));
    save(&real, "<f8", 32, &numbers("real"));
    save(&fake, "<f4", 32, &numbers("fake"));
    save(&other, "<f4", 16, &numbers("fake"));
    let output = score(&real, &fake, &["--features", "--json"]);
    assert!(output.status.success() && told(&output).contains("left out, since"), "{}", told(&output));
    let all = lines(&output);
    let (_, header) = safetensors::SafeTensors::read_metadata(include_bytes!("data/metrics.safetensors")).unwrap();
    let expected: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["expected"]).unwrap();
    for (metric, name) in [
        ("frechet-distance", "frechet_distance"),
        ("kernel-distance", "kernel_distance_all"),
        ("precision", "precision_k5"),
        ("recall", "recall_k5"),
        ("density", "density_k5"),
        ("coverage", "coverage_k5"),
        ("authentic-percent", "authentic_percent"),
        ("vendi-score", "vendi_score"),
    ] {
        let found = find(&all, metric, None);
        let (got, want) = (found["value"].as_f64().unwrap(), expected[name].as_f64().unwrap());
        // The fakes were rounded to 32 bits.
        assert!((got - want).abs() < 1e-4 * want.abs().max(1.0), "{metric}: {got}, not {want}");
        assert_eq!((&found["extractor"], &found["resize"]), (&"features".into(), &"none".into()));
    }
    let refused = |fake: &Path, more: &[&str], words: &str| {
        let output = score(&real, fake, &[&["--features"], more].concat());
        assert!(told(&output).contains(words), "{words}: {}", told(&output));
        output.status.code()
    };
    assert_eq!(refused(&other, &[], "other.npy has 16 features"), Some(1));
    assert_eq!(
        refused(&fake, &["--scores", "ms-ssim,recall"], "cannot be computed from features alone: ms-ssim"),
        Some(1)
    );
    assert_eq!(refused(&fake, &["--resize", "clean"], "cannot be used with"), Some(2));
    assert_eq!(refused(root.path(), &[], "a folder"), Some(1));
    assert_eq!(refused(Path::new("/no/such.npy"), &[], "/no/such.npy cannot be used: it cannot be opened"), Some(1));
    save(&other, "<f4", 32, &[f64::NAN; 64]);
    assert_eq!(refused(&other, &[], "other.npy cannot be scored"), Some(1));
}

#[test]
fn real_images_of_another_size_are_told_and_brought_to_the_size_of_the_fakes() {
    let root = tempfile::tempdir().unwrap();
    let (real, fake, mixed) = (root.path().join("real"), root.path().join("fake"), root.path().join("mixed"));
    draw(&real, 0, 6, false);
    // The fakes are the real images, as training sees them at a third of their size.
    let gallery = gandle::data::Gallery::open(&real).unwrap();
    for image in 0..gallery.len() {
        let small = gallery.read(image).unwrap().at_side(SIZE / 3);
        let path = fake.join(gallery.name(image));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_raw(small.width as u32, small.height as u32, small.pixels).unwrap().save(path).unwrap();
    }
    let more = ["--json", "--scores", "kernel-distance,nearest-real"];
    let distance = |output: &Output| find(&lines(output), "nearest-real", None)["value"].as_f64().unwrap();
    let raw = score(&real, &fake, &more);
    let warned = told(&raw);
    assert!(warned.contains("real images have 24 x 24 pixels") && warned.contains("fakes 8 x 8"), "{warned}");
    assert!(warned.contains("--resize-real"), "{warned}");
    let brought = score(&real, &fake, &[&more[..], &["--resize-real"]].concat());
    assert!(brought.status.success() && !told(&brought).contains("pixels (most"), "{}", told(&brought));
    let (before, after) = (distance(&raw), distance(&brought));
    assert!(after < 0.01 * before, "they are the same images then: {before} {after}");
    assert_eq!((&lines(&brought)[0]["real_side"], lines(&raw)[0].get("real_side")), (&8.into(), None));
    // Images of one size need nothing.
    assert!(!told(&score(&real, &real, &more)).contains("--resize-real"));
    draw(&mixed, 0, 2, false);
    std::fs::copy(
        fake.join("basophil").read_dir().unwrap().next().unwrap().unwrap().path(),
        mixed.join("basophil/x.png"),
    )
    .unwrap();
    let refused = score(&real, &mixed, &["--resize-real"]);
    assert!(refused.status.code() == Some(2) && told(&refused).contains("squares of one size"), "{}", told(&refused));
}
