//! Sees all images of a source through an extractor.

use std::path::Path;

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
    /// The shortest side of any image.
    pub least_side: usize,
    /// The most channels of any image.
    pub channels: usize,
}

/// An image as it is sorted.
struct Seen {
    file: usize,
    digest: [u8; 32],
    features: Vec<f32>,
    logits: Vec<f32>,
}

impl ExtractedFolder {
    pub fn at(folder: &Path, extractor: &Extractor, resize: Resize, what: &'static str) -> anyhow::Result<Self> {
        let gallery = Gallery::open(folder)?;
        for note in gallery.notes() {
            note!("{}: {note}", folder.display());
        }
        for skipped in gallery.skipped() {
            tracing::info!("{}: {}: passed over: {}", folder.display(), skipped.file, skipped.reason);
        }
        let bar = output::bar(gallery.len() as u64, what);
        let (mut seen, mut least_side, mut channels) = (Vec::new(), usize::MAX, 1);
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
        Ok(Self { labels: vec![0; files.len()], gallery, files, digests, features, logits, least_side, channels })
    }

    pub fn side(&self) -> Side<'_> {
        Side { features: &self.features, labels: &self.labels, logits: self.logits.as_ref() }
    }

    /// The path of an image's file below the folder.
    pub fn name(&self, image: usize) -> String {
        self.gallery.name(self.files[image])
    }

    /// Opens an image once more.
    pub fn open(&self, image: usize) -> Option<Opened> {
        self.gallery.read(self.files[image]).ok()
    }

    /// Names of the classes that have a usable image.
    fn classes(&self) -> Vec<String> {
        let names = self.gallery.classes().iter().enumerate();
        let has = |class: usize| self.files.iter().any(|file| self.gallery.class(*file) == Some(class));
        names.filter(|(class, _)| has(*class)).map(|(_, name)| name.clone()).collect()
    }
}

/// Images as an extractor takes them.
pub(super) fn pictures(images: &[(usize, Opened)]) -> Vec<Picture<'_>> {
    let pictures = images.iter().map(|(_, Opened { pixels, height, width, channels })| Picture {
        pixels,
        height: *height,
        width: *width,
        channels: *channels,
    });
    pictures.collect()
}

fn look(images: &[(usize, Opened)], extractor: &Extractor, resize: Resize) -> anyhow::Result<Vec<Seen>> {
    let found = extractor.look(&pictures(images), resize)?;
    let logits = extractor.logits();
    let one = |(index, (file, image)): (usize, &(usize, Opened))| {
        let mut hash = Sha256::new();
        for length in [image.width, image.height, image.channels] {
            hash.update((length as u64).to_le_bytes());
        }
        hash.update(&image.pixels);
        Seen {
            file: *file,
            digest: hash.finalize().into(),
            features: found.features[index * extractor.features()..][..extractor.features()].to_vec(),
            logits: found.logits[index * logits..][..logits].to_vec(),
        }
    };
    Ok(images.par_iter().enumerate().map(one).collect())
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
