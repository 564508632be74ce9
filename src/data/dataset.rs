//! A data set in memory: every image decoded once, as bytes of one size.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::convert::{Raster, to_channels};
use super::decode;
use super::fit::fit;
use super::folder::{File, scan};
use super::summary::{Fact, summarise};
use super::{DataError, demo};
use crate::config::{Config, DEMO};
use crate::event::{ClassCount, DataSummary, GridPicture, Picture, SizeCount};

/// Images and labels. An image is `size * size * channels` bytes: rows, pixels, channels. Images stand in label order
/// and, within a class, in the order of their files' names.
#[derive(Clone, Debug)]
pub struct Dataset {
    pixels: Vec<u8>,
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
    /// Where the folder is missing or holds no classes, a class has no usable image, the memory does not suffice, or
    /// `progress` cancels. Single files that cannot be used are no error: they are listed in the summary.
    pub fn load(config: &Config, progress: &(dyn Fn(usize, usize) -> bool + Sync)) -> Result<Self, DataError> {
        let target = Target::of(config)?;
        if config.data.is_demo() {
            return Self::draw(config, &target, progress);
        }
        let source = &config.data.source;
        let tree = scan(Path::new(source))?;
        let mut pixels = target.reserve(tree.files.len())?;
        let outcomes = survey(&tree.files, &target, Some(&mut pixels), progress)?;
        let summary = summarise(source, &tree, &outcomes);
        if let Some(class) = summary.classes.iter().find(|class| class.images == 0) {
            return Err(empty_class(source, class, &summary));
        }
        // Close the gaps that unusable files left.
        let (bytes, mut labels) = (target.bytes(), Vec::with_capacity(tree.files.len()));
        for (index, (file, _)) in tree.files.iter().zip(&outcomes).enumerate().filter(|(_, (_, o))| o.is_ok()) {
            pixels.copy_within(index * bytes..(index + 1) * bytes, labels.len() * bytes);
            labels.push(label(file.class));
        }
        pixels.truncate(labels.len() * bytes);
        Ok(Self { pixels, labels, size: target.size, channels: target.channels, summary })
    }

    /// The drawn set.
    fn draw(config: &Config, target: &Target, progress: Progress<'_>) -> Result<Self, DataError> {
        let (each, done) = (config.data.demo_images, AtomicUsize::new(0));
        let total = demo::CLASSES.len() * each;
        let mut pixels = target.reserve(total)?;
        pixels.par_chunks_exact_mut(target.bytes()).enumerate().try_for_each(|(index, image)| {
            image.copy_from_slice(&demo::render(index / each, (index % each) as u64, target.size, target.channels));
            advance(&done, total, progress)
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
    let outcomes = survey(&tree.files, &target, None, &|_, _| true)?;
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

    /// Room for so many images.
    fn reserve(&self, images: usize) -> Result<Vec<u8>, DataError> {
        let bytes = images.saturating_mul(self.bytes());
        let refused = |_| DataError::Memory { images, size: self.size, megabytes: bytes >> 20 };
        let mut pixels = Vec::new();
        pixels.try_reserve_exact(bytes).map_err(refused)?;
        pixels.resize(bytes, 0);
        Ok(pixels)
    }
}

/// Reads every file, in parallel, into its place in `pixels` where those are kept. The outcomes stand in the order of
/// the files, whichever thread was first.
fn survey(
    files: &[File],
    target: &Target,
    pixels: Option<&mut [u8]>,
    progress: Progress<'_>,
) -> Result<Vec<Result<Fact, String>>, DataError> {
    let done = AtomicUsize::new(0);
    let one = |file: &File, place: Option<&mut [u8]>| {
        let outcome = take_in(file, target, place);
        advance(&done, files.len(), progress).map(|()| outcome)
    };
    match pixels {
        Some(pixels) => {
            let places = pixels.par_chunks_exact_mut(target.bytes());
            files.par_iter().zip(places).map(|(file, place)| one(file, Some(place))).collect()
        }
        None => files.par_iter().map(|file| one(file, None)).collect(),
    }
}

fn advance(done: &AtomicUsize, total: usize, progress: Progress<'_>) -> Result<(), DataError> {
    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
    if progress(done, total) { Ok(()) } else { Err(DataError::Cancelled) }
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
