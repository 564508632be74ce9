//! Every reader of files that others may have written, as a function of bytes: for `fuzz/` and for the tests beside it.
//!
//! Whatever the bytes are, these return. What they assert holds for any of them.

#[cfg(test)]
mod hostile;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::config::Config;
use crate::data::{Dataset, Gallery, inspect};
use crate::engine::sample::Sampler;
use crate::event::Grid;
use crate::feature::{TensorFile, file};
use crate::metric::Statistics;
use crate::session::{
    FileSum, Lock, Stored, Traced, Writer, checkpoint_folder, read_annotation, read_grid, read_quizzes,
    write_annotation,
};
use crate::train::state::EMA;
use crate::ui::{Queue, RunView, Tally};

/// A reader of bytes and what it is called.
pub type Target = (&'static str, fn(&[u8]));

/// Every reader.
pub const TARGETS: [Target; 20] = [
    ("tensors", tensors),
    ("pickle", pickle),
    ("run_toml", run_toml),
    ("events", events),
    ("mending", mending),
    ("checkpoint", checkpoint),
    ("statistics", statistics),
    ("grid", grid),
    ("dicom", dicom),
    ("nifti", nifti),
    ("nrrd", nrrd),
    ("metaimage", metaimage),
    ("stack", stack),
    ("arrays", arrays),
    ("table", table),
    ("archive", archive),
    ("image_set", image_set),
    ("labels", labels),
    ("notes", notes),
    ("traced", traced),
];

/// A small run that others are hung on.
const RUN: &str =
    "image_size = 16\n[generator]\nbase_channels = 1\nlatent_dim = 4\nlabel_embedding = 2\nattention = []\n";

/// A file of weights, `.pth` or `.safetensors`: every tensor is read.
pub fn tensors(bytes: &[u8]) {
    let Ok(mut path) = tempfile::NamedTempFile::new() else { return };
    if path.write_all(bytes).is_err() {
        return;
    }
    let Ok(mut file) = TensorFile::open(path.path()) else { return };
    let names: Vec<String> = file.names().map(str::to_owned).collect();
    for name in names {
        let Some(shape) = file.shape(&name).map(<[usize]>::to_vec) else { continue };
        if let Ok(numbers) = file.numbers(&name, &shape) {
            assert_eq!(numbers.len(), shape.iter().product::<usize>());
            assert!(numbers.len() <= 2 * bytes.len() + 2, "more numbers than bytes");
        }
    }
}

/// The description inside a `.pth` file.
pub fn pickle(bytes: &[u8]) {
    file::try_pickle(bytes);
}

/// A `run.toml`: what can be read can be checked, and reads back the same.
pub fn run_toml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(config) = Config::from_toml(text) else { return };
    for classes in [None, Some(0), Some(3), Some(usize::MAX)] {
        config.check(classes);
    }
    config.cost(3);
    config.stage(u64::MAX);
    let again = Config::from_toml(&config.to_toml());
    let same = again.as_ref().is_ok_and(|again| again.differences(&config).is_empty());
    assert!(same || text.contains("nan"), "{again:?}");
}

/// The lines of an `events.jsonl`, and what the window makes of them.
pub fn events(bytes: &[u8]) {
    let Some(folder) = session(&[("run.toml", RUN.as_bytes()), ("events.jsonl", bytes)]) else { return };
    let Ok(stored) = Stored::open(folder.path()) else { return };
    let history = stored.history();
    assert!(history.len() <= stored.events.len());
    let mut view = RunView::new(folder.path().to_owned());
    stored.events.into_iter().for_each(|event| view.apply(event));
    _ = crate::session::best_scored(&Stored {
        events: history,
        ..Stored::open(folder.path()).unwrap_or_else(|err| panic!("{err}"))
    });
}

/// What a crash has left of an `events.jsonl`: once it is mended, every line that is added can be read.
pub fn mending(bytes: &[u8]) {
    let Some(folder) = session(&[("run.toml", RUN.as_bytes()), ("events.jsonl", bytes)]) else { return };
    let before = Stored::open(folder.path()).map_or(0, |stored| stored.events.len());
    let Ok(lock) = Lock::take(folder.path()) else { return };
    let Ok(mut writer) = Writer::reopen(folder.path(), lock) else { return };
    let added = crate::event::Event::Paused { step: 7 };
    writer.event(&added).unwrap_or_else(|err| panic!("{err}"));
    drop(writer);
    let after = Stored::open(folder.path()).unwrap_or_else(|err| panic!("{err}")).events;
    assert_eq!((after.len(), after.last()), (before + 1, Some(&added)), "an event is lost");
}

/// A checkpoint: its state, a byte 0, and the averaged generator. Sums are made right, so that what lies behind them is reached.
pub fn checkpoint(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (state, weights) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let state = summed(state, weights).unwrap_or_else(|| state.to_vec());
    let below = checkpoint_folder(Path::new(""), 7).display().to_string();
    let [state_name, weights_name] = ["state.json", EMA].map(|name| format!("{below}/{name}"));
    let files = [("run.toml", RUN.as_bytes()), (&state_name, &state), (&weights_name, weights)];
    let Some(folder) = session(&files) else { return };
    let Ok(mut sampler) = Sampler::open(folder.path(), None) else { return };
    let cost = sampler.state.config.cost(sampler.state.classes.len());
    // Drawing is not what is looked at here, and may take long.
    if cost.generator_parameters < 20_000 && sampler.state.config.image_size <= 32 {
        sampler.images(0, 0, 1, 1, 0.0).ok();
    }
}

fn summed(state: &[u8], weights: &[u8]) -> Option<Vec<u8>> {
    let mut state: serde_json::Value = serde_json::from_slice(state).ok()?;
    let files = state.as_object_mut()?.get_mut("files")?;
    *files = serde_json::to_value([FileSum::of(EMA, weights)]).ok()?;
    serde_json::to_vec(&state).ok()
}

/// A file of the cache of statistics.
pub fn statistics(bytes: &[u8]) {
    let Some(statistics) = Statistics::from_bytes(bytes) else { return };
    assert_eq!(statistics.to_bytes(), bytes);
    if statistics.dimensions() <= 32 {
        crate::metric::frechet_distance(&statistics, &statistics).ok();
    }
}

/// A stored sample grid; its first two bytes say how many rows and columns it should have.
pub fn grid(bytes: &[u8]) {
    let [rows, columns, png @ ..] = bytes else { return };
    let Some(folder) = session(&[("grids/0000001.png", png)]) else { return };
    let grid = Grid { step: 1, file: "grids/0000001.png".to_owned() };
    if let Ok(read) = read_grid(folder.path(), &grid, usize::from(*rows), usize::from(*columns)) {
        assert_eq!(read.picture.rgb.len(), read.picture.width * read.picture.height * 3);
        assert_eq!((read.rows * read.cell, read.columns * read.cell), (read.picture.height, read.picture.width));
    }
}

/// A file of a scanner: every frame of the first few has its pixels.
pub fn dicom(bytes: &[u8]) {
    pictures("scan.dcm", bytes);
}

/// A volume, plain or compressed by its first two bytes: every slice of the first few has its pixels.
pub fn nifti(bytes: &[u8]) {
    pictures(if bytes.starts_with(&[0x1F, 0x8B]) { "scan.nii.gz" } else { "scan.nii" }, bytes);
}

/// A volume whose header is lines of text, and the voxels behind it.
pub fn nrrd(bytes: &[u8]) {
    pictures("scan.nrrd", bytes);
}

/// The same in another format. A file of voxels that it may name lies beside it.
pub fn metaimage(bytes: &[u8]) {
    pictures_beside(&[("scan.mhd", bytes), ("scan.raw", &[7; 48])]);
}

/// A TIFF file of several pages, and the same as a slide that is cut into tiles.
pub fn stack(bytes: &[u8]) {
    pictures("stack.tif", bytes);
    let Some(folder) = session(&[("set/a/slide.tif", bytes)]) else { return };
    let mut config = Config { image_size: 4, ..Config::default() };
    (config.data.source, config.data.tile) = (folder.path().join("set").display().to_string(), 8);
    inspect(&config.data.source, &config).ok();
}

fn pictures(name: &str, bytes: &[u8]) {
    pictures_beside(&[(name, bytes)]);
}

fn pictures_beside(files: &[(&str, &[u8])]) {
    let Some(folder) = session(files) else { return };
    let Ok(gallery) = Gallery::open(folder.path()) else { return };
    for place in 0..gallery.len().min(4) {
        if let Ok(picture) = gallery.read(place) {
            assert_eq!(picture.pixels.len(), picture.width * picture.height * picture.channels);
            assert!(matches!(picture.channels, 1 | 3));
        }
    }
}

/// An archive of arrays.
pub fn arrays(bytes: &[u8]) {
    source("set.npz", bytes, &[]);
}

/// A table of files and labels, two of whose files there are.
pub fn table(bytes: &[u8]) {
    let dot = [[0x42, 0x4D, 58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0].as_slice(), &BITMAP].concat();
    source("set.csv", bytes, &[("a.bmp", &dot), ("b/c.bmp", &dot)]);
}

/// An archive of images, by its first bytes a `.zip`, a `.tar.gz` or a `.tar`.
pub fn archive(bytes: &[u8]) {
    let name = match bytes {
        [b'P', b'K', ..] => "set.zip",
        [0x1F, 0x8B, ..] => "set.tar.gz",
        _ => "set.tar",
    };
    source(name, bytes, &[]);
}

/// A `.parquet` file of images.
pub fn image_set(bytes: &[u8]) {
    source("set.parquet", bytes, &[]);
}

/// StyleGAN's `dataset.json`, two of whose files there are.
pub fn labels(bytes: &[u8]) {
    let dot = [[0x42, 0x4D, 58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0].as_slice(), &BITMAP].concat();
    let files: [(&str, &[u8]); 3] = [("set/dataset.json", bytes), ("set/0/a.bmp", &dot), ("set/0/b.bmp", &dot)];
    if let Some(folder) = session(&files) {
        holds_what_it_lists(&folder.path().join("set"));
    }
}

/// What follows the first 14 bytes of a bitmap of one pixel.
const BITMAP: [u8; 44] = [
    40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 9, 8, 7, 0,
];

fn source(name: &str, bytes: &[u8], beside: &[(&str, &[u8])]) {
    if let Some(folder) = session(&[beside, &[(name, bytes)]].concat()) {
        holds_what_it_lists(&folder.path().join(name));
    }
}

/// What a set holds is what can be loaded of it, with and without images for tests.
fn holds_what_it_lists(set: &Path) {
    for held_out in [0.0, 0.5] {
        let mut config = Config { image_size: 4, channels: 1, ..Config::default() };
        config.data.source = set.display().to_string();
        config.data.held_out = held_out;
        let listed = inspect(&config.data.source, &config);
        let Ok(loaded) = Dataset::load(&config, &|_, _| true) else { continue };
        assert_eq!(loaded.len(), loaded.summary().classes.iter().map(|class| class.images).sum::<usize>());
        assert!(listed.is_ok_and(|listed| &listed == loaded.summary()), "the list and the set differ");
    }
}

/// What a user has said of a session, a test that was taken of it, and the runs that wait.
pub fn notes(bytes: &[u8]) {
    let queue = Queue::from_text(&String::from_utf8_lossy(bytes)).to_text();
    assert_eq!(Queue::from_text(&queue).to_text(), queue);
    let Some(folder) = session(&[("run.toml", b""), ("about.toml", bytes), ("quiz/1.json", bytes)]) else { return };
    let about = read_annotation(folder.path());
    write_annotation(folder.path(), &about).unwrap_or_else(|err| panic!("{err}"));
    assert_eq!(read_annotation(folder.path()), about);
    for log in read_quizzes(folder.path()) {
        let tally = Tally::of(log.answers.iter());
        assert!(tally.interval().iter().all(|end| (0.0..=1.0).contains(end)));
        assert!(!tally.meaning().is_empty());
    }
}

/// What a picture says of where it comes from: a session is found where one is, and nowhere else.
pub fn traced(bytes: &[u8]) {
    let Some(traced) = Traced::of(bytes) else { return };
    assert!(traced.truncation.is_finite() && traced.truncation >= 0.0);
    let Some(folder) = session(&[("x/run.toml", RUN.as_bytes()), ("y/events.jsonl", b"told\n")]) else { return };
    let open = ["x", "y", "z"].map(|name| folder.path().join(name));
    assert!(traced.find(&open).is_none_or(|found| found.join("run.toml").is_file()));
}

/// A folder with these files, which is gone with what is returned.
fn session(files: &[(&str, &[u8])]) -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().ok()?;
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent()?).ok()?;
        fs::write(path, content).ok()?;
    }
    Some(folder)
}
