//! Takes a session's results out of it: images of its generator, curves as tables, the averaged generator as weights or as a
//! model, the whole as one page or for TensorBoard, what it drew as films.
//!
//! Every file tells its session, seed, step and classes, appears whole, and never replaces another.

mod film;
mod html_report;
mod images;
mod onnx;
mod provenance;
mod source;
mod table;
mod tensorboard;
mod weights;

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::event::{Content, Export, Exported};
use crate::session::write_whole;
pub use images::MOST_IMAGES;
pub(super) use source::name_of;
use source::{File, Source, folder_of};
pub(super) use tensorboard::Encoder;
#[cfg(test)]
pub(super) use tensorboard::read_board;

/// Exports what is asked for of a session. `progress(done, total)` is asked now and then and cancels with false: then nothing is
/// returned, and nothing written but images up to there.
///
/// # Errors
/// Where the session cannot be read, too many images are asked for, a file is already there, or the folder cannot be written.
pub fn export(asked: &Export, mut progress: impl FnMut(usize, usize) -> bool) -> anyhow::Result<Option<Exported>> {
    let session = asked.session.as_path();
    let one = |file: Option<File>| file.map(|file| vec![file]);
    let files = match &asked.content {
        Content::Images(images) => return images::write(asked, images, &mut progress),
        Content::Csv => Some(table::files(&Source::open(session)?)),
        Content::Html => Some(vec![html_report::file(&Source::open(session)?)?]),
        Content::Tensorboard => Some(vec![tensorboard::file(&Source::open(session)?)?]),
        Content::Safetensors { step } => Some(vec![weights::file(session, *step)?]),
        Content::Onnx { step } => Some(vec![onnx::file(session, *step)?]),
        Content::History(film) => one(film::history(&Source::open(session)?, film, &mut progress)?),
        Content::Walk(film, walk) => one(film::walk(session, film, walk, &mut progress)?),
    };
    let Some(files) = files.filter(|_| progress(1, 1)) else { return Ok(None) };
    let place = |(name, _): &File| -> anyhow::Result<PathBuf> {
        let (below, file) = name.rsplit_once('/').unwrap_or(("", name));
        Ok(folder_of(asked, below)?.join(file))
    };
    let paths: Vec<PathBuf> = files.iter().map(place).collect::<anyhow::Result<_>>()?;
    if let Some(taken) = paths.iter().find(|path| path.exists()) {
        bail!("{} is already there and is not overwritten: choose another folder", taken.display());
    }
    for (path, (_, content)) in paths.iter().zip(&files) {
        let folder = path.parent().context("a file in a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
        write_whole(path, content)?;
    }
    Ok(Some(Exported::Files(paths)))
}
