//! What pages and dialogs ask for, apart from them: whoever carries it out needs to know no page.

use std::path::PathBuf;

use crate::config::Score;
use crate::event::{Grid, Picture};

/// How a run goes on, or not, when the window closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnClose {
    /// It ends with a checkpoint.
    Stop,
    /// Another process goes on with it, without a window.
    Background,
}

/// What may be asked about a stored session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionRequest {
    /// Keep another star and note, and another name where one is given.
    Edit {
        /// Its folder.
        folder: PathBuf,
        /// The new name.
        name: Option<String>,
        /// Whether it has a star.
        star: bool,
        /// The note.
        note: String,
    },
    /// Move it to the system's trash.
    Trash(PathBuf),
    /// Delete it for good.
    Delete(PathBuf),
    /// Show its folder in the system's file manager.
    Reveal(PathBuf),
}

/// What comparisons may ask of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompareRequest {
    /// Read a session.
    Run(PathBuf),
    /// Read a grid of one.
    Grid(GridRequest),
}

/// What the queue may ask of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueRequest {
    /// Stop the run that the queue has started, and go on with the next.
    Cancel,
    /// Open the session of an entry.
    Open(PathBuf),
}

/// How charts are saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureFormat {
    /// Pixels.
    Png,
    /// Lines and texts.
    Svg,
    /// Every number that the charts are drawn from.
    Csv,
}

impl FigureFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Png, Self::Svg, Self::Csv];

    /// Its name, which in small letters ends a file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Svg => "SVG",
            Self::Csv => "CSV",
        }
    }
}

/// Charts that are to be written to a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// A name for the file.
    pub name: String,
    /// What it holds.
    pub content: FigureContent,
    /// Whether it shows several runs, not the one that is open.
    pub compared: bool,
}

/// The content of a file of charts.
#[derive(Clone, Debug, PartialEq)]
pub enum FigureContent {
    /// To be written as PNG.
    Picture(Picture),
    /// A drawing in SVG, of which [`pixels`](super::pixels) are to be written as PNG.
    Pixels(String),
    /// To be written as it is.
    Text(String),
}

/// A stored grid that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridRequest {
    /// The session's folder.
    pub folder: PathBuf,
    /// The grid.
    pub grid: Grid,
    /// Its rows (classes).
    pub rows: usize,
    /// Images a row.
    pub columns: usize,
}

/// Scores that are wanted of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRequest {
    /// The session's folder.
    pub session: PathBuf,
    /// Steps of the checkpoint.
    pub step: usize,
    /// What is measured, and how.
    pub score: Score,
}

/// What drew the images on the screen, of which more are wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// The checkpoint's step; nothing for the newest.
    pub step: Option<usize>,
    /// The class.
    pub class: usize,
    /// Beyond which noise is redrawn; nothing where it is not.
    pub truncation: Option<f32>,
}

/// What stands in a folder that somebody types the path of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// The folder, as it was typed.
    pub folder: String,
    /// The names in it, in order; those of folders end with the separator.
    pub names: Vec<String>,
}
