//! The table that tells which files, where classes are filled up, are no real images.

use std::path::{Path, PathBuf};

use super::drawing::Drawing;
use crate::guard::csv_cell;
use crate::session::write_whole;

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
