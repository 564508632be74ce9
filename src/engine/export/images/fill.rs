//! Fills classes up: how many real images each has, and the table that tells which files are none.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::drawing::Drawing;
use crate::event::Event;
use crate::guard::csv_cell;
use crate::session::{CheckpointState, Stored, write_whole};

/// Real images of each class in label order, those that were held out of training counted as well: as the session has told of its
/// data. The data itself is not read, and may have moved.
pub(super) fn real_images(session: &Path, state: &CheckpointState) -> anyhow::Result<Vec<usize>> {
    let stored = Stored::outline(session)?;
    let told =
        stored.events.iter().rev().find_map(|event| if let Event::Data(data) = event { Some(data) } else { None });
    let count = |class: &String| {
        let class = told?.classes.iter().find(|known| known.name == *class)?;
        Some(class.images.saturating_add(class.held_out))
    };
    let counts: Option<Vec<usize>> = state.classes.iter().map(count).collect();
    // A checkpoint knows those that it was trained on alone.
    let trained = || state.data.as_ref().map(|data| data.images.clone());
    let counts = counts.or_else(trained).filter(|counts| counts.len() == state.classes.len());
    counts.with_context(|| {
        format!(
            "{} does not tell how many real images each class has, so that it is not known how many are missing: ask for a number of images instead",
            session.display()
        )
    })
}

/// One line a file that was added.
pub(super) struct Table {
    path: PathBuf,
    text: String,
}

impl Table {
    /// For files of folders below this one.
    pub fn at(folder: &Path, drawing: &Drawing) -> Self {
        let path = folder.join(format!("synthetic-{}.csv", drawing.start()));
        Self { path, text: "file,class,synthetic,session,run,step,seed,number,truncation\n".to_owned() }
    }

    /// Where it is going to be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a file of a class's folder.
    pub fn add(&mut self, drawing: &Drawing, class: usize, number: usize, file: &str) {
        let file = format!("{}/{file}", drawing.folders[class]);
        let [file, class, session] = [&file, &drawing.classes()[class], &drawing.session].map(|text| csv_cell(text));
        let (run, step) = (drawing.run.as_deref().unwrap_or_default(), drawing.step());
        let (seed, truncation) = (drawing.images.seed, drawing.images.truncation);
        self.text += &format!("{file},{class},yes,{session},{run},{step},{seed},{number},{truncation}\n");
    }

    /// Writes it and says where.
    pub fn write(self) -> anyhow::Result<PathBuf> {
        write_whole(&self.path, self.text.as_bytes())?;
        Ok(self.path)
    }
}
