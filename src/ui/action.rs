//! Everything that panels may ask for: what the window does itself, and what the app carries out between frames.

use std::path::PathBuf;

use super::page::Page;
use super::request::{CompareRequest, Drawn, Figure, GridRequest, OnClose, QueueRequest, ScoreRequest, SessionRequest};
use crate::config::{Config, ExternalPath};
use crate::event::{BrowseRequest, Command, Exploration, Export, GridPicture, QuizLog, QuizRequest};

/// What the app is asked for.
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
        places: Vec<ExternalPath>,
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
    /// Ask the other process that trains this session to end.
    EndElsewhere(PathBuf),
    /// Ask the user for the folder where the data of a session is now.
    ChooseMovedData,
    /// Write down where the data of a session is now, and go on with it.
    DataMoved {
        /// The session's folder.
        session: PathBuf,
        /// The data.
        data: PathBuf,
    },
    /// Close the window, once the run has ended this way.
    Leave(OnClose),
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
    /// Show where a picture comes from that was dropped on the window, where it says so; else take the data of its folder.
    OpenPicture(PathBuf),
    /// Read the data source of the set-up (again).
    ReadData,
    /// Read some images of the data of the set-up, to look at.
    Browse(BrowseRequest),
    /// Stop reading the data.
    CancelReading,
    /// Look for sessions again.
    ListSessions,
    /// Show a stored session, or the run that goes on where it is that one's.
    OpenSession(PathBuf),
    /// Ask the user for a session folder and show it.
    ChooseSession,
    /// Ask the user for a folder that holds sessions from now on.
    ChooseSessionsFolder,
    /// Keep sessions in this folder from now on.
    KeepSessionsIn(String),
    /// Keep sessions in the usual folder again.
    UsualSessionsFolder,
    /// See what stands in a folder, for somebody who types a path.
    LookInto(String),
    /// Read a stored grid.
    ReadGrid(GridRequest),
    /// Ask where to, and write this grid as PNG.
    SaveGrid(GridPicture),
    /// Ask where to, and write these charts.
    SaveFigure(Box<Figure>),
    /// Ask the user for a folder to export to.
    ChooseExportFolder,
    /// Export a result of a session.
    Export(Export),
    /// Score a checkpoint.
    Score(Box<ScoreRequest>),
    /// Stop scoring it.
    CancelScores,
    /// Stop the export.
    CancelExport,
    /// Draw what is explored.
    Explore(Exploration),
    /// Prepare a blind test.
    PrepareQuiz(QuizRequest),
    /// Stop preparing it.
    CancelQuiz,
    /// Keep a test that was taken with its session.
    KeepQuiz {
        /// The session's folder.
        session: PathBuf,
        /// The test.
        log: Box<QuizLog>,
    },
    /// Change or show a stored session.
    Session(SessionRequest),
    /// Read what is compared.
    Compare(CompareRequest),
    /// Carry out what the queue needs.
    Queue(QueueRequest),
    /// Put text on the clipboard.
    Copy(String),
}

/// What the window does itself.
#[derive(Clone, Debug, PartialEq)]
pub enum WindowAction {
    /// Turn to a page.
    TurnTo(Page),
    /// Take over these settings.
    UseSettings(Box<Config>),
    /// Open the dialog that compares the set-up with other settings.
    CompareSetUp,
    /// Open the dialog that goes back to the newest checkpoint of a step or before it.
    GoBack(usize),
    /// Open the dialog that exports images and other results.
    OpenExport,
    /// Open the same dialog for images as they are on the screen.
    ExportImages(Drawn),
    /// Open the dialog that scores a checkpoint.
    OpenScores,
}

/// What a panel asks for, of the window or of the app.
#[derive(Debug, Default)]
pub struct Actions {
    /// Of the window.
    pub window: Vec<WindowAction>,
    /// Of the app.
    pub app: Vec<Action>,
}

impl Actions {
    /// Adds one of either.
    pub fn push<A>(&mut self, action: A)
    where
        Self: Extend<A>,
    {
        self.extend([action]);
    }

    /// Adds what another panel asks for.
    pub fn join(&mut self, other: Self) {
        self.extend(other.window);
        self.extend(other.app);
    }
}

impl Extend<Action> for Actions {
    fn extend<I: IntoIterator<Item = Action>>(&mut self, actions: I) {
        self.app.extend(actions);
    }
}

impl Extend<WindowAction> for Actions {
    fn extend<I: IntoIterator<Item = WindowAction>>(&mut self, actions: I) {
        self.window.extend(actions);
    }
}
