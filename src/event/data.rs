//! What was found in a data set.

use serde::{Deserialize, Serialize};

/// What was found in the data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    /// Where it was looked for: a folder, a table, an archive or `demo`.
    pub source: String,
    /// Classes in label order.
    pub classes: Vec<ClassCount>,
    /// Files that could not be used.
    pub skipped: Vec<Skipped>,
    /// Groups of files with the same pixels.
    pub duplicates: Vec<Vec<String>>,
    /// How many of these groups lie in several classes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub contradicting: usize,
    /// Widths and heights of the files, commonest first.
    pub sizes: Vec<SizeCount>,
    /// Remarks on how files were read (16-bit files windowed, only the first frame used ...).
    pub notes: Vec<String>,
    /// The same for single files, of which the first 500 are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_notes: Vec<FileNote>,
    /// Whether images of one patient are known (`data.group_by`, a column of a table), and stay on one side where images are
    /// held out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub patients: bool,
    /// What is doubtful, and which setting mends it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// Something doubtful in the data: masks beside images, copies, several columns that may hold the labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was found, and what to do.
    pub message: String,
    /// The first of the files that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Keys with the values (as in `run.toml`) that mend it; empty where only the user can know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fix: Vec<(String, String)>,
}

impl DataSummary {
    /// Images of all classes that training sees.
    pub fn images(&self) -> usize {
        self.classes.iter().map(|class| class.images).sum()
    }

    /// Files that hold the pixels of another one, beyond the first of each group.
    pub fn copies(&self) -> usize {
        self.duplicates.iter().map(|group| group.len().saturating_sub(1)).sum()
    }

    /// Images of all classes that are held out of training.
    pub fn held_out(&self) -> usize {
        self.classes.iter().map(|class| class.held_out).sum()
    }
}

/// A class and its images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCount {
    /// The sub-folder's name.
    pub name: String,
    /// Usable images in it that training sees.
    pub images: usize,
    /// Those that are held out of training (`data.held_out`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// How a file was read, where that is not plain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNote {
    /// Its path below the data folder.
    pub file: String,
    /// What is worth knowing: only the first frame is used, values were windowed ...
    pub note: String,
}

/// A file that could not be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its path below the data folder.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// How many files have a size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeCount {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Files.
    pub images: usize,
}
