//! A data set: every image decoded once, as bytes of one size.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::convert::{Raster, to_channels};
use super::decode;
use super::fit::fit;
use super::folder::{File, scan};
use super::store::{Need, Pixels};
use super::summary::{Fact, summarise};
use super::{DataError, demo};
use crate::config::{Config, DEMO};
use crate::event::{ClassCount, DataSummary, GridPicture, Picture, SizeCount};

/// Images and labels. An image is `size * size * channels` bytes: rows, pixels, channels. Images stand in label order
/// and, within a class, in the order of their files' names.
#[derive(Clone, Debug)]
pub struct Dataset {
    pixels: Pixels,
    labels: Vec<u32>,
    size: usize,
    channels: usize,
    summary: DataSummary,
}

/// Called with how many files of how many are done; false cancels.
type Progress<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

impl Dataset {
    /// Loads what `config.data` names at `config.image_size` and `config.channels`, on the current rayon pool.
    ///
    /// `progress(done, total)` is called from any thread as files are done; false cancels.
    ///
    /// # Errors
    /// Where the folder is missing or holds no classes, a class has no usable image, the memory does not suffice, the
    /// cache folder cannot be written (for more than `data.memory_limit`), or `progress` cancels. Single files that cannot be used are no error: they are listed in the summary.
    pub fn load(config: &Config, progress: &(dyn Fn(usize, usize) -> bool + Sync)) -> Result<Self, DataError> {
        let target = Target::of(config)?;
        if config.data.is_demo() {
            return Self::draw(config, &target, progress);
        }
        let source = &config.data.source;
        let tree = scan(Path::new(source))?;
        let (done, mut outcomes) = (Done::of(tree.files.len(), progress), Vec::with_capacity(tree.files.len()));
        let pixels = Pixels::gather(target.need(tree.files.len()), &config.data, |range, places| {
            let part = survey(&tree.files[range], &target, Some(places), &done)?;
            let usable = part.iter().map(Result::is_ok).collect();
            outcomes.extend(part);
            Ok(usable)
        })?;
        let summary = summarise(source, &tree, &outcomes);
        if let Some(class) = summary.classes.iter().find(|class| class.images == 0) {
            return Err(empty_class(source, class, &summary));
        }
        let usable = tree.files.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
        let labels = usable.map(|(file, _)| label(file.class)).collect();
        Ok(Self { pixels, labels, size: target.size, channels: target.channels, summary })
    }

    /// The drawn set.
    fn draw(config: &Config, target: &Target, progress: Progress<'_>) -> Result<Self, DataError> {
        let each = config.data.demo_images;
        let total = demo::CLASSES.len() * each;
        let done = Done::of(total, progress);
        let pixels = Pixels::gather(target.need(total), &config.data, |range, places| {
            places.par_chunks_exact_mut(target.bytes()).zip(range.clone()).try_for_each(|(image, index)| {
                let drawn = demo::render(index / each, (index % each) as u64, target.size, target.channels);
                image.copy_from_slice(&drawn);
                done.one_more()
            })?;
            Ok(vec![true; range.len()])
        })?;
        let labels = (0..total).map(|index| label(index / each)).collect();
        let summary = demo_summary(config);
        Ok(Self { pixels, labels, size: target.size, channels: target.channels, summary })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Names of the classes in label order.
    pub fn class_names(&self) -> Vec<String> {
        self.summary.classes.iter().map(|class| class.name.clone()).collect()
    }

    /// Images of each class in label order.
    pub fn class_counts(&self) -> Vec<usize> {
        self.summary.classes.iter().map(|class| class.images).collect()
    }

    /// An image's label.
    ///
    /// # Panics
    /// Where there is no such image.
    pub fn label(&self, index: usize) -> u32 {
        self.labels[index]
    }

    /// Every image's label, in rising order.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// An image: `(size, size, channels)` bytes.
    ///
    /// # Panics
    /// Where there is no such image.
    pub fn pixels(&self, index: usize) -> &[u8] {
        let bytes = self.size * self.size * self.channels;
        &self.pixels[index * bytes..(index + 1) * bytes]
    }

    /// Every image: `(len, size, size, channels)` bytes.
    pub fn all_pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Width and height of an image.
    pub fn size(&self) -> usize {
        self.size
    }

    /// 3 for colour, 1 for grey.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// What was found on loading.
    pub fn summary(&self) -> &DataSummary {
        &self.summary
    }

    /// Real images, one row a class, evenly spread over the class's files; black where a class has fewer than
    /// `columns` of them. Its `step` is 0.
    pub fn preview(&self, columns: usize) -> GridPicture {
        let (rows, size) = (self.summary.classes.len(), self.size);
        let (width, height) = (columns * size, rows * size);
        let mut rgb = vec![0; width * height * 3];
        let mut first = 0;
        for (row, images) in self.class_counts().into_iter().enumerate() {
            for column in 0..columns.min(images) {
                let index = first + column * images.max(columns) / columns;
                for (line, from) in self.pixels(index).chunks_exact(size * self.channels).enumerate() {
                    let start = ((row * size + line) * width + column * size) * 3;
                    let to = &mut rgb[start..start + size * 3];
                    for (to, from) in to.chunks_exact_mut(3).zip(from.chunks_exact(self.channels)) {
                        to.copy_from_slice(&if let [r, g, b] = *from { [r, g, b] } else { [from[0]; 3] });
                    }
                }
            }
            first += images;
        }
        GridPicture { step: 0, columns, rows, cell: size, picture: Picture { width, height, rgb: rgb.into() } }
    }
}

/// What is in a folder (or the demo set), without keeping pixels. A class without a usable image is no error here: it
/// is listed with 0 images, and its files with the reasons.
///
/// # Errors
/// Where the folder is missing or holds no classes.
pub fn inspect(source: &str, config: &Config) -> Result<DataSummary, DataError> {
    let target = Target::of(config)?;
    if source == DEMO {
        return Ok(demo_summary(config));
    }
    let tree = scan(Path::new(source))?;
    let outcomes = survey(&tree.files, &target, None, &Done::of(tree.files.len(), &|_, _| true))?;
    Ok(summarise(source, &tree, &outcomes))
}

/// The shape that images are brought to.
struct Target {
    size: usize,
    channels: usize,
}

impl Target {
    fn of(config: &Config) -> Result<Self, DataError> {
        let (size, channels) = (config.image_size, config.channels);
        if !(1..=4096).contains(&size) {
            let message = format!("{size} is not a power of two from 16 to 512");
            return Err(DataError::Settings { key: "image_size", message });
        }
        if !matches!(channels, 1 | 3) {
            let message = format!("{channels} is neither 3 (colour) nor 1 (grey)");
            return Err(DataError::Settings { key: "channels", message });
        }
        Ok(Self { size, channels })
    }

    /// Bytes of an image.
    fn bytes(&self) -> usize {
        self.size * self.size * self.channels
    }

    /// What so many images need.
    fn need(&self, images: usize) -> Need {
        Need { images, size: self.size, bytes: self.bytes() }
    }
}

/// Counts what is done and tells it.
struct Done<'a> {
    count: AtomicUsize,
    total: usize,
    progress: Progress<'a>,
}

impl<'a> Done<'a> {
    fn of(total: usize, progress: Progress<'a>) -> Self {
        Self { count: AtomicUsize::new(0), total, progress }
    }

    /// An error where the work was cancelled.
    fn one_more(&self) -> Result<(), DataError> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if (self.progress)(count, self.total) { Ok(()) } else { Err(DataError::Cancelled) }
    }
}

/// Reads every file, in parallel, into its place in `pixels` where those are kept. The outcomes stand in the order of
/// the files, whichever thread was first.
fn survey(
    files: &[File],
    target: &Target,
    pixels: Option<&mut [u8]>,
    done: &Done<'_>,
) -> Result<Vec<Result<Fact, String>>, DataError> {
    let one = |file: &File, place: Option<&mut [u8]>| {
        let outcome = take_in(file, target, place);
        done.one_more().map(|()| outcome)
    };
    match pixels {
        Some(pixels) => {
            let places = pixels.par_chunks_exact_mut(target.bytes());
            files.par_iter().zip(places).map(|(file, place)| one(file, Some(place))).collect()
        }
        None => files.par_iter().map(|file| one(file, None)).collect(),
    }
}

fn take_in(file: &File, target: &Target, place: Option<&mut [u8]>) -> Result<Fact, String> {
    let decoded = decode::read(&file.path)?;
    let fact = Fact::new(&decoded, digest(&decoded.raster), target.size, target.channels);
    if let Some(place) = place {
        let raster = to_channels(decoded.raster, target.channels);
        fit(&raster.pixels, raster.width, raster.height, raster.channels, target.size, place);
    }
    Ok(fact)
}

/// SHA-256 of a picture's shape and pixels.
fn digest(raster: &Raster) -> [u8; 32] {
    let mut hash = Sha256::new();
    for length in [raster.width, raster.height, raster.channels] {
        hash.update((length as u64).to_le_bytes());
    }
    hash.update(&raster.pixels);
    hash.finalize().into()
}

fn label(class: usize) -> u32 {
    u32::try_from(class).unwrap_or(u32::MAX)
}

fn empty_class(source: &str, class: &ClassCount, summary: &DataSummary) -> DataError {
    let inside = format!("{}/", class.name);
    let skipped: Vec<_> = summary.skipped.iter().filter(|skipped| skipped.file.starts_with(&inside)).collect();
    let named: Vec<_> = skipped.iter().take(3).map(|s| format!("{}: {}", s.file, s.reason)).collect();
    let found = match skipped.len() {
        0 => "its sub-folder is empty".to_owned(),
        1 => format!("one file was passed over ({})", named.join("; ")),
        few if few <= named.len() => format!("{few} files were passed over ({})", named.join("; ")),
        many => format!("{many} files were passed over ({}; ...)", named.join("; ")),
    };
    DataError::EmptyClass { folder: source.into(), class: class.name.clone(), found }
}

fn demo_summary(config: &Config) -> DataSummary {
    let images = config.data.demo_images;
    let side = u32::try_from(config.image_size).unwrap_or(u32::MAX);
    let class = |name: &&str| ClassCount { name: (*name).to_owned(), images };
    DataSummary {
        source: DEMO.to_owned(),
        classes: demo::CLASSES.iter().map(class).collect(),
        sizes: vec![SizeCount { width: side, height: side, images: images * demo::CLASSES.len() }],
        notes: vec![
            "the demo set is drawn by the program: it resembles stained blood cells, but none is real".to_owned(),
        ],
        ..DataSummary::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Loader;
    use std::sync::Arc;

    /// 40 shades in two classes, and a file in each that is no image.
    fn fill(folder: &Path) {
        for class in ["a", "b"] {
            std::fs::create_dir_all(folder.join(class)).unwrap();
            std::fs::write(folder.join(class).join("07.png"), "no image").unwrap();
        }
        for index in 0..40_u8 {
            let class = if index < 25 { "a" } else { "b" };
            let picture = image::RgbImage::from_fn(19, 16, |x, y| image::Rgb([index * 6, x as u8 * 9, y as u8 * 9]));
            picture.save(folder.join(format!("{class}/{index:02}-.png"))).unwrap();
        }
    }

    #[test]
    fn batches_from_the_file_are_the_same_bits_as_from_memory() {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fill(folder.path());
        let mut config = Config { image_size: 16, ..Config::default() };
        config.data.cache = cache.path().display().to_string();
        config.data.demo_images = 5;
        config.data.rotation = 20.0;
        config.train.batch_size = 7;
        for source in [folder.path().to_str().unwrap(), DEMO] {
            config.data.source = source.to_owned();
            let mut take = |memory_limit, in_memory| {
                config.data.memory_limit = memory_limit;
                let data = Arc::new(Dataset::load(&config, &|_, _| true).unwrap());
                assert_eq!(matches!(data.pixels, Pixels::Memory(_)), in_memory);
                let mut loader = Loader::new(data.clone(), &config, 0).unwrap();
                let batches: Vec<_> = (0..12).map(|_| loader.next().unwrap()).collect();
                (data.summary().clone(), data.labels().to_vec(), data.all_pixels().to_vec(), batches)
            };
            let (memory, file) = (take(1, true), take(0, false));
            assert!(memory == file, "{source}");
        }
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
    }
}
