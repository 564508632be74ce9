//! Images of a checkpoint as a data set: a file each, one sub-folder a class, or many in one file.
//!
//! Every format takes the generator's own numbers from [`Drawing`] and writes the same bytes whenever it is asked for the same
//! images of the same session.

mod archive;
mod burn;
mod dicom;
mod drawing;
mod encode;
mod fill;
mod grey;
mod image_set;
mod stack;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::source::{Progress, folder_of};
use crate::config::Choice as _;
use crate::event::{Export, Exported, ImageFormat, Images};
use crate::session::{unfinished_export, write_new, write_whole};
use drawing::Drawing;
use encode::encoded;

/// The most images of a class in one export.
pub const MOST_IMAGES: usize = 1_000_000;

/// Writes the images one after the other. Where it is cancelled, files of one image that are written stay, and of one that holds
/// many nothing does.
pub(super) fn write(asked: &Export, images: &Images, progress: Progress<'_>) -> anyhow::Result<Option<Exported>> {
    let Images { count, format, .. } = *images;
    if count > MOST_IMAGES {
        bail!("{count} images per class are too many: at most {MOST_IMAGES} at once; use another seed for more");
    }
    if images.fill_up && !format.is_one_file_each() {
        bail!(
            "classes are filled up with one file per image, and {} holds many: choose one of {}",
            format.key(),
            ImageFormat::of_one_file_each()
        );
    }
    let mut drawing = Drawing::open(&asked.session, images)?;
    if !format.takes(drawing.channels()) {
        bail!(
            "the images of {} are in colour, and {} holds grey ones: choose another format",
            asked.session.display(),
            format.key()
        );
    }
    if format.is_one_file_each() {
        one_file_each(asked, &mut drawing, progress)
    } else {
        in_one_file(asked, &mut drawing, progress)
    }
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))
}

fn refuse_taken(taken: Option<&Path>) -> anyhow::Result<()> {
    match taken {
        Some(taken) => {
            bail!("{} is already there and is not overwritten: choose another folder or another seed", taken.display())
        }
        None => Ok(()),
    }
}

fn one_file_each(asked: &Export, drawing: &mut Drawing, progress: Progress<'_>) -> anyhow::Result<Option<Exported>> {
    let (images, wanted) = (drawing.images, drawing.wanted.clone());
    let extension = images.format.extension();
    let folders = wanted.iter().map(|(class, _)| folder_of(asked, &drawing.folders[*class]));
    let folders: Vec<PathBuf> = folders.collect::<anyhow::Result<_>>()?;
    let start = drawing.start();
    let taken = folders.iter().zip(&wanted).find_map(|(folder, (_, count))| taken(folder, &start, extension, *count));
    refuse_taken(taken.as_deref())?;
    let total = drawing.total();
    let mut table = match folder_of(asked, "")? {
        folder if images.fill_up && total > 0 => Some(fill::Table::at(&folder, drawing)),
        _ => None,
    };
    refuse_taken(table.as_ref().map(fill::Table::path).filter(|path| path.exists()))?;
    for (folder, _) in folders.iter().zip(&wanted).filter(|(_, (_, count))| *count > 0) {
        make_folder(folder)?;
    }
    // The table comes first: a line for a file that never came does no harm, a fake without a line among real images does.
    if let Some(table) = &mut table {
        for (class, count) in &wanted {
            for number in 0..*count {
                let name = drawing.file(number);
                table.add(drawing, *class, number, &name);
            }
        }
    }
    let table = table.map(fill::Table::write).transpose()?;
    let mut done = 0;
    let mut of_class = |(class, folder): (&(usize, usize), &PathBuf)| {
        drawing.each(class.0, class.1, |drawing, number, image| {
            if !progress(done, total) {
                return Ok(false);
            }
            let name = drawing.file(number);
            write_whole(&folder.join(&name), &encoded(drawing, class.0, number, image)?)?;
            done += 1;
            Ok(true)
        })
    };
    let mut whole = Ok(true);
    for class in wanted.iter().zip(&folders) {
        if !matches!(whole, Ok(true)) {
            break;
        }
        whole = of_class(class);
    }
    if !whole? {
        return Ok(None);
    }
    progress(done, total);
    let chosen = wanted.iter().filter(|(_, count)| *count > 0);
    let renamed = chosen.map(|(class, _)| (drawing.classes()[*class].clone(), drawing.folders[*class].clone()));
    let renamed = renamed.filter(|(class, folder)| class != folder).collect();
    Ok(Some(Exported::Images { count: done, folder: folder_of(asked, "")?, renamed, table }))
}

fn in_one_file(asked: &Export, drawing: &mut Drawing, progress: Progress<'_>) -> anyhow::Result<Option<Exported>> {
    if drawing.total() == 0 {
        bail!("no image is asked for: ask for one per class at least");
    }
    let format = drawing.images.format;
    let start = drawing.start();
    let mut parts = Vec::new();
    match (format, drawing.wanted.as_slice()) {
        (ImageFormat::Stack, wanted) => {
            for part in wanted {
                let path = folder_of(asked, &drawing.folders[part.0])?.join(format!("{start}.nii.gz"));
                parts.push((vec![*part], path));
            }
        }
        (_, [one]) => {
            let name = format!("{start}-{}.{}", drawing.folders[one.0], format.extension());
            parts.push((vec![*one], folder_of(asked, "")?.join(name)));
        }
        (_, wanted) => {
            let name = format!("{start}.{}", format.extension());
            parts.push((wanted.to_vec(), folder_of(asked, "")?.join(name)));
        }
    }
    refuse_taken(parts.iter().map(|(_, path)| path.as_path()).find(|path| path.exists()))?;
    let (mut done, total) = (0, drawing.total());
    let mut go_on = || {
        done += 1;
        progress(done - 1, total)
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for (part, path) in parts {
        path.parent().map_or(Ok(()), make_folder)?;
        let whole = write_new(&path, |file| {
            let written = match format {
                ImageFormat::Stack => stack::write(file, drawing, part[0], &mut go_on),
                ImageFormat::Parquet => image_set::write(file, drawing, &part, &mut go_on),
                ImageFormat::Npz | ImageFormat::Png | ImageFormat::Png16 | ImageFormat::Tiff16 | ImageFormat::Dicom => {
                    archive::write(file, drawing, &part, &mut go_on)
                }
            };
            // A full disk is met by whoever packs, who knows of no file.
            written.with_context(|| format!("{} could not be written", path.display()))
        })?;
        if !whole {
            paths.iter().for_each(|path| unfinished_export(path));
            return Ok(None);
        }
        paths.push(path);
    }
    progress(total, total);
    Ok(Some(Exported::Files(paths)))
}

/// A file of a folder that one of the first `count` images would be.
fn taken(folder: &Path, start: &str, extension: &str, count: usize) -> Option<PathBuf> {
    let number = |name: &str| {
        let number = name.strip_prefix(start)?.strip_prefix('-')?.strip_suffix(extension)?.strip_suffix('.')?;
        number.parse::<usize>().ok()
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.find(|name| number(name).is_some_and(|number| number < count)).map(|name| folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_that_would_be_written_are_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("step1-seed2-000004.png"), "").unwrap();
        let taken = |extension, count| taken(folder.path(), "step1-seed2", extension, count).is_some();
        assert_eq!([taken("png", 4), taken("png", 5), taken("dcm", 9)], [false, true, false]);
    }
}
