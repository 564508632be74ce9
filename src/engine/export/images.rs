//! Images of a checkpoint as PNG, one sub-folder a class, so that the folder is itself a data set.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{Progress, folder_of, name_of};
use crate::engine::sample::Sampler;
use crate::engine::score::CHUNK;
use crate::event::{Export, Exported, Images};
use crate::guard;
use crate::session::{png, write_whole};

/// The most images of a class in one export.
pub const MOST_IMAGES: usize = 1_000_000;

/// Writes the images one after the other; those that are written when it is cancelled stay.
pub(super) fn write(asked: &Export, images: &Images, progress: Progress<'_>) -> anyhow::Result<Option<Exported>> {
    let Images { step, class, count, seed, truncation } = *images;
    if count > MOST_IMAGES {
        bail!("{count} images per class are too many: at most {MOST_IMAGES} at once; use another seed for more");
    }
    let mut sampler = Sampler::open(&asked.session, step)?;
    let (size, classes) = (sampler.state.config.image_size, sampler.state.classes.clone());
    let chosen: Vec<usize> = match class {
        Some(class) if class >= classes.len() => bail!("class {class}: the session has {} classes", classes.len()),
        Some(class) => vec![class],
        None => (0..classes.len()).collect(),
    };
    // Of all classes, so that each has the same folder whatever is drawn.
    let names = guard::safe_names(&classes);
    let folders = chosen.iter().map(|class| folder_of(asked, &names[*class]));
    let folders: Vec<PathBuf> = folders.collect::<anyhow::Result<_>>()?;
    let start = format!("step{:07}-seed{seed}-", sampler.state.step);
    if let Some(taken) = folders.iter().find_map(|folder| taken(folder, &start, count)) {
        bail!("{} is already there and is not overwritten: choose another folder or another seed", taken.display());
    }
    for folder in folders.iter().filter(|_| count > 0) {
        std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    }
    let (mut done, total) = (0, chosen.len() * count);
    let session = name_of(&asked.session);
    for (class, folder) in chosen.iter().zip(&folders) {
        for first in (0..count).step_by(CHUNK) {
            let together = CHUNK.min(count - first);
            let images = sampler.images(*class, first, together, seed, truncation)?;
            for (i, image) in images.chunks_exact(images.len() / together).enumerate() {
                if !progress(done, total) {
                    return Ok(None);
                }
                let about = [
                    ("session", session.as_str().into()),
                    ("step", sampler.state.step.to_string().into()),
                    ("class", classes[*class].as_str().into()),
                    ("label", class.to_string().into()),
                    ("seed", seed.to_string().into()),
                    ("number", (first + i).to_string().into()),
                    ("truncation", truncation.to_string().into()),
                ];
                let path = folder.join(format!("{start}{:06}.png", first + i));
                write_whole(&path, &png((size, size), image, &about)?)?;
                done += 1;
            }
        }
    }
    progress(done, total);
    let renamed = chosen.iter().map(|class| (classes[*class].clone(), names[*class].clone()));
    let renamed = renamed.filter(|(class, folder)| class != folder).collect();
    Ok(Some(Exported::Images { count: done, folder: folder_of(asked, "")?, renamed }))
}

/// A file of a folder that one of the first `count` images would be.
fn taken(folder: &Path, start: &str, count: usize) -> Option<PathBuf> {
    let number = |name: &str| name.strip_prefix(start)?.strip_suffix(".png")?.parse::<usize>().ok();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.find(|name| number(name).is_some_and(|number| number < count)).map(|name| folder.join(name))
}
