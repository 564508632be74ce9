//! Everything that the window may ask of the app, which carries it out between frames.

use std::path::PathBuf;

use super::compare::CompareAsk;
use super::curves::Figure;
use super::leave::Leaving;
use super::queue::QueueAsk;
use super::sessions::SessionAsk;
use super::settings::Page;
use crate::config::{Config, Place};
use crate::event::{Command, Exploration, Export, Grid, GridPicture, Look, QuizAsk, QuizLog};

/// A request of the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Start a run with the configuration of the set-up.
    Train,
    /// Go on with a session.
    Resume {
        /// Its folder.
        folder: PathBuf,
        /// Steps that it should reach in all, where they are to be others than before.
        steps: Option<usize>,
    },
    /// Go on with a session and use these places, which no run of this user's has used before.
    Trust {
        /// Its folder.
        folder: PathBuf,
        /// Steps that it should reach in all, where they are to be others than before.
        steps: Option<usize>,
        /// What its settings name.
        places: Vec<Place>,
    },
    /// Begin a session with a checkpoint of another one.
    Branch {
        /// The other session's folder.
        parent: PathBuf,
        /// The checkpoint's step.
        step: usize,
        /// Steps in all.
        steps: usize,
        /// Settings that hold from there on, as `key=value`.
        set: Vec<String>,
    },
    /// Open the dialog that goes back to the newest checkpoint of a step or before it.
    GoBack(usize),
    /// Ask the other process that trains this session to end.
    EndElsewhere(PathBuf),
    /// Ask the user where the data of a session is now, and go on with it.
    FindData(PathBuf),
    /// Close the window, once the run has ended this way.
    Leave(Leaving),
    /// Tell the engine.
    Command(Command),
    /// Ask the user for a data folder.
    ChooseData,
    /// Ask the user for a table or an archive of data.
    ChooseDataFile,
    /// Ask the user for the file of VGG19's weights.
    ChooseVgg19,
    /// Ask the user for the file of the Inception's weights.
    ChooseInception,
    /// Take this data source and read it.
    UseData(String),
    /// Read the data source of the set-up (again).
    ReadData,
    /// Read some images of the data of the set-up, to look at.
    Browse(Look),
    /// Stop reading the data.
    CancelReading,
    /// Look for sessions again.
    ListSessions,
    /// Show a stored session.
    OpenSession(PathBuf),
    /// Ask the user for a session folder and show it.
    ChooseSession,
    /// Show the present run again instead of a stored session.
    CloseSession,
    /// Take over these settings.
    UseSettings(Box<Config>),
    /// Open the dialog that compares the set-up with other settings.
    CompareSetUp,
    /// Read a stored grid.
    ReadGrid(GridAsk),
    /// Ask where to, and write this grid as PNG.
    SaveGrid(GridPicture),
    /// Ask where to, and write these charts.
    SaveFigure(Box<Figure>),
    /// Open the dialog that exports images and other results.
    OpenExport,
    /// Ask the user for a folder to export to.
    ChooseExportFolder,
    /// Export images.
    Export(ExportAsk),
    /// Export another result of a session.
    TakeOut(Export),
    /// Open the dialog that scores a checkpoint.
    OpenScores,
    /// Score a checkpoint.
    Score(Box<ScoreAsk>),
    /// Stop scoring it.
    CancelScores,
    /// Stop the export.
    CancelExport,
    /// Draw what is explored.
    Explore(Exploration),
    /// Prepare a blind test.
    PrepareQuiz(QuizAsk),
    /// Stop preparing it.
    CancelQuiz,
    /// Keep a test that was taken with its session.
    KeepQuiz {
        /// The session's folder.
        session: PathBuf,
        /// The test.
        log: Box<QuizLog>,
    },
    /// Turn to a page.
    TurnTo(Page),
    /// Change or show a stored session.
    Session(SessionAsk),
    /// Read what is compared.
    Compare(CompareAsk),
    /// Carry out what the queue needs.
    Queue(QueueAsk),
    /// Put text on the clipboard.
    Copy(String),
}

/// A stored grid that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridAsk {
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
pub struct ScoreAsk {
    /// The session's folder.
    pub session: PathBuf,
    /// Steps of the checkpoint.
    pub step: usize,
    /// What is measured, and how.
    pub score: crate::config::Score,
}

/// Images that are wanted as files.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportAsk {
    /// The session's folder.
    pub session: PathBuf,
    /// Steps of the checkpoint to draw with.
    pub step: usize,
    /// The class, or nothing for all.
    pub class: Option<usize>,
    /// How many images a class.
    pub count: usize,
    /// Where the noise comes from.
    pub seed: u64,
    /// Numbers of noise beyond this are drawn again; 0 cuts nothing.
    pub truncation: f32,
    /// Where the files go.
    pub folder: PathBuf,
}
