//! What can be taken out of a session, as whoever watches it asks for it.

use std::path::PathBuf;

/// Results of a session that are wanted as files.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The session's folder.
    pub session: PathBuf,
    /// What of it.
    pub content: Content,
    /// Where the files go; `exports` in the session's folder where nothing is named.
    pub folder: Option<PathBuf>,
}

/// What of a session is wanted. `step` is that of a checkpoint; nothing stands for the newest whole one.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Images as PNG, one sub-folder a class, so that the folder is itself a data set.
    Images(Images),
    /// The averaged generator under PyTorch's names.
    Safetensors {
        /// The checkpoint.
        step: Option<usize>,
    },
    /// The averaged generator as a model that runs without this program.
    Onnx {
        /// The checkpoint.
        step: Option<usize>,
    },
    /// Every curve and every score as comma-separated tables.
    Csv,
    /// Curves, scores, grids and settings as TensorBoard reads them.
    Tensorboard,
    /// Settings, curves, scores, grids and alarms on one page that needs nothing else.
    Html,
    /// The stored sample grids, one after the other.
    History(Film),
    /// Images along a closed path through the noise.
    Walk(Film, Walk),
}

/// Images of a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Images {
    /// The checkpoint.
    pub step: Option<usize>,
    /// The class; nothing for all.
    pub class: Option<usize>,
    /// Images a class.
    pub count: usize,
    /// Where the noise comes from.
    pub seed: u64,
    /// Numbers of noise beyond this are drawn again; 0 cuts nothing.
    pub truncation: f32,
}

/// How moving images are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// Understood everywhere; 256 colours a frame.
    Gif,
    /// Every colour as it is.
    Webp,
}

impl Moving {
    /// Its name, which is also how its files end.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }
}

/// A film's frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Film {
    /// How it is stored.
    pub moving: Moving,
    /// Frames at most; of more grids, as many are taken at even distances.
    pub frames: usize,
    /// Frames a second.
    pub fps: f64,
    /// Whether the step and the names of the classes are written into the frames.
    pub labels: bool,
}

/// A path through the noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk {
    /// The checkpoint.
    pub step: Option<usize>,
    /// The class; nothing shows all of them side by side.
    pub class: Option<usize>,
    /// Images that the path goes through and back to the first: those of `gandle sample` with the same seed.
    pub stops: usize,
    /// Where the noise of the stops comes from.
    pub seed: u64,
    /// Numbers of noise beyond this are drawn again; 0 cuts nothing.
    pub truncation: f32,
}

/// What an export has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exported {
    /// These files.
    Files(Vec<PathBuf>),
    /// Images, too many to be named.
    Images {
        /// How many.
        count: usize,
        /// The folder with one sub-folder a class.
        folder: PathBuf,
        /// Classes whose folder has another name than they have, each with that name.
        renamed: Vec<(String, String)>,
    },
}
