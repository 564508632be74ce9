//! News from background work other than training.

use super::{BrowsePage, DataSummary, Exported, Finding, GridPicture, Pace, QuizSet, Score, ScoreProgress};

/// Progress and result of background work other than training: reading a folder, exporting images.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEvent {
    /// So many of so many are done.
    Progress {
        /// Done.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// The scores of a checkpoint are so far.
    Scoring(ScoreProgress),
    /// A data folder was read: what is in it, and real images, one row a class.
    Preview {
        /// What is in it.
        summary: Box<DataSummary>,
        /// Real images of each class, in label order.
        samples: GridPicture,
    },
    /// A data folder cannot be used as the settings are, and others would mend that.
    Refused(Finding),
    /// Real images were read, to look at.
    BrowsePage(Box<BrowsePage>),
    /// Results of a session were written.
    Exported(Exported),
    /// A checkpoint was scored.
    Rescored {
        /// Every score.
        scores: Vec<Score>,
        /// What could not be measured, and why.
        missing: Vec<String>,
    },
    /// A blind test is ready.
    Quiz(Box<QuizSet>),
    /// The time of a training step was measured.
    Probed(Pace),
    /// The work was cancelled.
    Cancelled,
    /// The work failed.
    Failed {
        /// What, why, and what to do.
        message: String,
    },
}
