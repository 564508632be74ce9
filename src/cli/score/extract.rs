//! Sees all images of a source through an extractor.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::output;
use crate::cli::print::note;
use crate::data::{Gallery, Opened};
use crate::feature::{Extractor, Picture, Resize};
use crate::metric::Features;
use crate::metric::report::Side;

/// Images for each thread between two looks at the progress; so many are in memory at once.
const IMAGES_PER_THREAD: usize = 8;

/// A source that is listed, and not yet looked at.
pub(super) struct Listed {
    gallery: Gallery,
    folder: PathBuf,
    /// What its images are, for the progress bar.
    what: &'static str,
}

impl Listed {
    pub fn at(folder: &Path, what: &'static str) -> anyhow::Result<Self> {
        let gallery = Gallery::open(folder)?;
        for note in gallery.notes() {
            note!("{}: {note}", folder.display());
        }
        for skipped in gallery.skipped() {
            tracing::info!("{}: {}: passed over: {}", folder.display(), skipped.file, skipped.reason);
        }
        Ok(Self { gallery, folder: folder.to_owned(), what })
    }
}

/// What was seen in a source. Images stand in the order of what they show, not of their names, so that renaming files
/// changes no score.
pub(super) struct ExtractedFolder {
    gallery: Gallery,
    /// The file of each image.
    pub files: Vec<usize>,
    /// The class of each image among the common classes; 0 before those are known.
    pub labels: Vec<u32>,
    /// What each image shows, as a sum.
    pub digests: Vec<[u8; 32]>,
    features: Features,
    logits: Option<Features>,
    /// How many images have each width and height in their files.
    pub sizes: BTreeMap<(usize, usize), usize>,
    /// The side that they were brought to before anything looked at them.
    pub side: Option<usize>,
    /// The shortest side of any image, as it was looked at.
    pub least_side: usize,
    /// The most channels of any image.
    pub channels: usize,
}

/// An image as it is looked at, with what its file shows as a sum.
struct Usable {
    file: usize,
    digest: [u8; 32],
    image: Opened,
}

/// An image as an extractor takes it.
pub(super) fn picture(image: &Opened) -> Picture<'_> {
    let Opened { pixels, height, width, channels } = image;
    Picture { pixels, height: *height, width: *width, channels: *channels }
}

/// An image as it is sorted.
struct Seen {
    file: usize,
    digest: [u8; 32],
    features: Vec<f32>,
    logits: Vec<f32>,
}

impl ExtractedFolder {
    /// Looks at all images, brought to a `side` first where one is given.
    pub fn of(listed: Listed, extractor: &Extractor, resize: Resize, side: Option<usize>) -> anyhow::Result<Self> {
        let Listed { gallery, folder, what } = listed;
        let bar = output::bar(gallery.len() as u64, what);
        let (mut seen, mut sizes, mut least_side, mut channels) = (Vec::new(), BTreeMap::new(), usize::MAX, 1);
        let files: Vec<usize> = (0..gallery.len()).collect();
        let mut broken = Vec::new();
        for chunk in files.chunks(IMAGES_PER_THREAD * rayon::current_num_threads()) {
            let opened: Vec<Result<Opened, String>> =
                chunk.par_chunks(IMAGES_PER_THREAD).flat_map_iter(|files| gallery.read_all(files)).collect();
            let mut usable = Vec::new();
            for (file, opened) in chunk.iter().zip(opened) {
                match opened {
                    Ok(image) => usable.push((*file, image)),
                    Err(reason) => broken.push(format!("{}: {reason}", gallery.name(*file))),
                }
            }
            for (_, image) in &usable {
                *sizes.entry((image.width, image.height)).or_default() += 1;
            }
            let look_at =
                |(file, image): (usize, Opened)| Usable { file, digest: digest(&image), image: brought(image, side) };
            let usable: Vec<Usable> = usable.into_par_iter().map(look_at).collect();
            for Usable { image, .. } in &usable {
                least_side = least_side.min(image.width).min(image.height);
                channels = channels.max(image.channels);
            }
            seen.extend(look(&usable, extractor, resize)?);
            bar.inc(chunk.len() as u64);
        }
        bar.finish_and_clear();
        for broken in &broken {
            note!("warning: {}: passed over: {broken}", folder.display());
        }
        if seen.is_empty() {
            bail!(
                "{} holds no image that can be read: name a folder of images or of sub-folders of them, a table or an archive",
                folder.display()
            );
        }
        seen.sort_by_key(|image| (gallery.class(image.file), image.digest));
        let features = gather(&seen, extractor.features(), |image| &image.features)?;
        let logits = match extractor.logits() {
            0 => None,
            count => Some(gather(&seen, count, |image| &image.logits)?),
        };
        let files: Vec<usize> = seen.iter().map(|image| image.file).collect();
        let digests = seen.iter().map(|image| image.digest).collect();
        let labels = vec![0; files.len()];
        Ok(Self { labels, gallery, files, digests, features, logits, sizes, side, least_side, channels })
    }

    pub fn side(&self) -> Side<'_> {
        Side { features: &self.features, labels: &self.labels, logits: self.logits.as_ref() }
    }

    /// The path of an image's file below the folder.
    pub fn name(&self, image: usize) -> String {
        self.gallery.name(self.files[image])
    }

    /// Opens an image once more, as it was looked at.
    pub fn open(&self, image: usize) -> Option<Opened> {
        self.gallery.read(self.files[image]).ok().map(|opened| brought(opened, self.side))
    }

    /// The commonest width and height in its files.
    pub fn usual_size(&self) -> (usize, usize) {
        let commonest = self.sizes.iter().max_by_key(|(size, images)| (**images, Reverse(**size)));
        commonest.map_or((0, 0), |(size, _)| *size)
    }

    /// Names of the classes that have a usable image.
    fn classes(&self) -> Vec<String> {
        let names = self.gallery.classes().iter().enumerate();
        let has = |class: usize| self.files.iter().any(|file| self.gallery.class(*file) == Some(class));
        names.filter(|(class, _)| has(*class)).map(|(_, name)| name.clone()).collect()
    }
}

/// An image at a side, where one is given.
fn brought(image: Opened, side: Option<usize>) -> Opened {
    match side {
        Some(side) => image.at_side(side),
        None => image,
    }
}

fn digest(image: &Opened) -> [u8; 32] {
    let mut hash = Sha256::new();
    for length in [image.width, image.height, image.channels] {
        hash.update((length as u64).to_le_bytes());
    }
    hash.update(&image.pixels);
    hash.finalize().into()
}

fn look(images: &[Usable], extractor: &Extractor, resize: Resize) -> anyhow::Result<Vec<Seen>> {
    let pictures: Vec<Picture<'_>> = images.iter().map(|usable| picture(&usable.image)).collect();
    let found = extractor.look(&pictures, resize)?;
    let logits = extractor.logits();
    let one = |(index, usable): (usize, &Usable)| Seen {
        file: usable.file,
        digest: usable.digest,
        features: found.features[index * extractor.features()..][..extractor.features()].to_vec(),
        logits: found.logits[index * logits..][..logits].to_vec(),
    };
    Ok(images.iter().enumerate().map(one).collect())
}

fn gather(seen: &[Seen], dimensions: usize, of: impl Fn(&Seen) -> &Vec<f32>) -> anyhow::Result<Features> {
    let numbers = seen.iter().flat_map(of).map(|value| f64::from(*value)).collect();
    Features::new(numbers, dimensions).context("what the extractor saw")
}

/// Gives images of all folders labels of the classes that any of them has, by name, and returns those names in order; none
/// where a folder is flat, so that there is nothing to tell classes by.
pub(super) fn common_classes(looked: &mut [ExtractedFolder]) -> Vec<String> {
    let flat = looked.iter().filter(|looked| looked.gallery.classes().is_empty()).count();
    if flat > 0 {
        if flat < looked.len() {
            note!("warning: one source has classes and another has none: all images are treated as one class");
        }
        return Vec::new();
    }
    let mut names: Vec<String> = looked.iter().flat_map(ExtractedFolder::classes).collect();
    names.sort();
    names.dedup();
    for looked in looked {
        let own = looked.gallery.classes();
        let label = |file: &usize| {
            let name = looked.gallery.class(*file).and_then(|class| own.get(class));
            name.and_then(|name| names.binary_search(name).ok()).unwrap_or(0)
        };
        looked.labels = looked.files.iter().map(|file| u32::try_from(label(file)).unwrap_or(u32::MAX)).collect();
    }
    names
}
