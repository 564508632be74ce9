//! A data set: every image decoded once, as bytes of one size, with its grey values of 16 bits behind them where those are kept.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::exclusion;
use super::listing::{File, Tree};
use super::source::{list, list_any};
use super::split::Split;
use super::store::Pixels;
use super::summary::summarise;
use super::survey::{Done, Progress, Target, hold_out, hold_out_drawn, survey};
use super::{DataError, demo};
use crate::config::{Config, DEMO, Data};
use crate::event::{ClassCount, DataSummary, GridPicture, Picture, SizeCount, Skipped};

/// Images and labels. An image is `size * size * channels` bytes: rows, pixels, channels. Images stand in label order
/// and, within a class, in the order of their files' names.
///
/// Where images are held out, this is the part that training sees; [`Dataset::held_out`] is the other.
#[derive(Clone, Debug)]
pub struct Dataset {
    pixels: Arc<Pixels>,
    /// Where each image stands in `pixels`.
    places: Vec<u32>,
    labels: Vec<u32>,
    /// What each image belongs together with, by a number; none where nothing is held out.
    units: Vec<u32>,
    size: usize,
    channels: usize,
    /// Bytes of `pixels` an image.
    kept: usize,
    summary: Arc<DataSummary>,
    /// Images of each class.
    counts: Vec<usize>,
    held_out: Option<Arc<Self>>,
}

impl Dataset {
    /// Loads what `config.data` names at `config.image_size` and `config.channels`, on the current rayon pool.
    ///
    /// `progress(done, total)` is called from any thread as files are done; false cancels.
    ///
    /// # Errors
    /// Where the source is missing or holds no classes, a class has no usable image, the memory does not suffice, the
    /// cache folder cannot be written (for more than `data.memory_limit`), or `progress` cancels. Single files that cannot be used are no error: they are listed in the summary.
    pub fn load(config: &Config, progress: &(dyn Fn(usize, usize) -> bool + Sync)) -> Result<Self, DataError> {
        Self::load_as(config, &[], progress)
    }

    /// The same with the classes in this order, where the data has just these: the labels that a session was trained with.
    ///
    /// # Errors
    /// As [`Dataset::load`].
    pub fn load_as(
        config: &Config,
        classes: &[String],
        progress: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> Result<Self, DataError> {
        let target = Target::of(config)?;
        if config.data.is_demo() {
            return Self::draw(config, &target, progress);
        }
        let source = &config.data.source;
        let mut tree = list(&config.data, Path::new(source))?;
        tree.order_as(classes);
        let (done, mut outcomes) = (Done::of(tree.files.len(), progress), Vec::with_capacity(tree.files.len()));
        let pixels = Pixels::gather(target.need(tree.files.len()), &config.data, |range, places| {
            let part = survey(&tree, range, &target, Some(places), &done)?;
            let usable = part.iter().map(Result::is_ok).collect();
            outcomes.extend(part);
            Ok(usable)
        })?;
        // Where the pixels of each file stand: copies are known once all are read.
        let mut next = 0..;
        let places: Vec<Option<u32>> =
            outcomes.iter().map(|outcome| outcome.as_ref().ok().and_then(|_| next.next())).collect();
        exclusion::duplicates(&tree, &mut outcomes, &config.data);
        let split = hold_out(&config.data, &tree, &outcomes)?;
        let summary = summarise(config, source, &tree, &outcomes, &split);
        if let Some(class) = summary.classes.iter().find(|class| class.images == 0) {
            return Err(empty_class(&config.data, class, &tree, &summary));
        }
        let usable = tree.files.iter().zip(&outcomes).zip(places).filter(|((_, outcome), _)| outcome.is_ok());
        let images = usable.map(|((file, _), place)| (label(file.class), place.unwrap_or(0))).collect();
        Ok(Self::divided(pixels, images, &split, &target, summary))
    }

    /// Both sides of a set of images with these labels and places in `pixels`.
    fn divided(pixels: Pixels, images: Vec<(u32, u32)>, split: &Split, target: &Target, summary: DataSummary) -> Self {
        let (pixels, summary) = (Arc::new(pixels), Arc::new(summary));
        let side = |held: bool, held_out| {
            let own = images.iter().zip(&split.held_out).filter(|(_, out)| **out == held).map(|(image, _)| *image);
            let (labels, places): (Vec<u32>, Vec<u32>) = own.unzip();
            let units = split.units.iter().zip(&split.held_out).filter(|(_, out)| **out == held);
            let units = units.map(|(unit, _)| *unit).collect();
            let mut counts = vec![0; summary.classes.len()];
            labels.iter().for_each(|label| counts[*label as usize] += 1);
            Self {
                pixels: Arc::clone(&pixels),
                labels,
                units,
                places,
                size: target.size,
                channels: target.channels,
                kept: target.kept(),
                summary: Arc::clone(&summary),
                counts,
                held_out,
            }
        };
        let held = split.held_out.contains(&true).then(|| Arc::new(side(true, None)));
        side(false, held)
    }

    /// The images that training never sees, in label order like the others; nothing where none are held out. A class
    /// may have none there.
    pub fn held_out(&self) -> Option<&Self> {
        self.held_out.as_deref()
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
        let images = (0..total).map(|index| (label(index / each), label(index))).collect();
        let split = hold_out_drawn(&config.data)?;
        let summary = demo_summary(config, &split);
        Ok(Self::divided(pixels, images, &split, target, summary))
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
        self.counts.clone()
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

    /// For each image the number of its unit: those of one patient, one file or the same pixels have the same. None where nothing is
    /// held out.
    pub fn units(&self) -> &[u32] {
        &self.units
    }

    /// An image: `(size, size, channels)` bytes.
    ///
    /// # Panics
    /// Where there is no such image.
    pub fn pixels(&self, index: usize) -> &[u8] {
        &self.content(index)[..self.size * self.size * self.channels]
    }

    /// An image in 16 bits: `(size, size)` grey values; nothing where they are not kept (`data.depth`).
    ///
    /// # Panics
    /// Where there is no such image.
    pub fn words(&self, index: usize) -> Option<Vec<u16>> {
        let (pairs, _) = self.content(index)[self.size * self.size * self.channels..].as_chunks();
        (!pairs.is_empty()).then(|| pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
    }

    /// All that is kept of an image: its bytes, and behind them its values of 16 bits, low byte first.
    ///
    /// # Panics
    /// Where there is no such image.
    pub fn content(&self, index: usize) -> &[u8] {
        let place = self.places[index] as usize;
        &self.pixels[place * self.kept..(place + 1) * self.kept]
    }

    /// Every image: `(len, size, size, channels)` bytes.
    pub fn all_pixels(&self) -> Vec<u8> {
        (0..self.len()).flat_map(|index| self.pixels(index)).copied().collect()
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

/// What is in a source, without keeping pixels. A class without a usable image is no error here: it is listed with 0
/// images, and its files with the reasons. The images of a folder without class folders are looked at as one class.
///
/// # Errors
/// Where the source is missing or holds nothing.
pub fn inspect(source: &str, config: &Config) -> Result<DataSummary, DataError> {
    let target = Target::of(config)?;
    if source == DEMO {
        return Ok(demo_summary(config, &hold_out_drawn(&config.data)?));
    }
    let tree = list_any(&config.data, Path::new(source))?;
    let all = tree.files.len();
    let mut outcomes = survey(&tree, 0..all, &target, None, &Done::of(all, &|_, _| true))?;
    exclusion::duplicates(&tree, &mut outcomes, &config.data);
    let split = hold_out(&config.data, &tree, &outcomes)?;
    Ok(summarise(config, source, &tree, &outcomes, &split))
}

fn label(class: usize) -> u32 {
    u32::try_from(class).unwrap_or(u32::MAX)
}

fn empty_class(data: &Data, class: &ClassCount, tree: &Tree, summary: &DataSummary) -> DataError {
    let source = &data.source;
    let inside = format!("{}/", class.name);
    let of_class = |file: &&File| tree.classes.get(file.class) == Some(&class.name);
    let titles: BTreeSet<String> = tree.files.iter().filter(of_class).map(File::title).collect();
    let named_in = |skipped: &&Skipped| skipped.file.starts_with(&inside) || titles.contains(&skipped.file);
    let skipped: Vec<_> = summary.skipped.iter().filter(named_in).collect();
    let named: Vec<_> = skipped.iter().take(3).map(|s| format!("{}: {}", s.file, s.reason)).collect();
    let unread = summary.skipped.iter().find(|skipped| skipped.file == class.name);
    let mut found = match skipped.len() {
        _ if unread.is_some() => unread.map_or_else(String::new, |skipped| skipped.reason.clone()),
        _ if class.held_out > 0 => format!("all {} that it has are held out", class.held_out),
        0 if Path::new(source).is_dir() => "its sub-folder is empty".to_owned(),
        0 => "nothing of it was found".to_owned(),
        1 => format!("one file was passed over ({})", named.join("; ")),
        few if few <= named.len() => format!("{few} files were passed over ({})", named.join("; ")),
        many => format!("{many} files were passed over ({}; ...)", named.join("; ")),
    };
    // One whose images are all held out is mended by holding out fewer.
    let is_empty = |class: &ClassCount| class.images + class.held_out == 0;
    let all = summary.classes.iter().enumerate().filter(|(_, class)| is_empty(class));
    let (empty, names): (Vec<usize>, Vec<&str>) = all.map(|(at, class)| (at, class.name.as_str())).unzip();
    let fix = exclusion::leaving_out(&empty, tree, data).filter(|_| is_empty(class));
    let others: Vec<&str> = names.into_iter().filter(|name| *name != class.name).collect();
    if !others.is_empty() {
        found += &format!("; {} {} none either", others.join(", "), if others.len() == 1 { "has" } else { "have" });
    }
    DataError::EmptyClass { folder: source.into(), class: class.name.clone(), found, fix }
}

fn demo_summary(config: &Config, split: &Split) -> DataSummary {
    let images = config.data.demo_images;
    let side = u32::try_from(config.image_size).unwrap_or(u32::MAX);
    let class = |(name, flags): (&&str, &[bool])| {
        let held_out = flags.iter().filter(|held| **held).count();
        ClassCount { name: (*name).to_owned(), images: images - held_out, held_out }
    };
    let sides = split.held_out.chunks(images.max(1));
    DataSummary {
        source: DEMO.to_owned(),
        classes: demo::CLASSES.iter().zip(sides).map(class).collect(),
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
                assert_eq!(matches!(*data.pixels, Pixels::Memory(_)), in_memory);
                let mut loader = Loader::new(data.clone(), &config, 0).unwrap();
                let batches: Vec<_> = (0..12).map(|_| loader.next().unwrap()).collect();
                (data.summary().clone(), data.labels().to_vec(), data.all_pixels(), batches)
            };
            let (memory, file) = (take(1, true), take(0, false));
            assert!(memory == file, "{source}");
        }
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
    }
}
