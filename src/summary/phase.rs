//! Where a run stands, in a word.

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Asked for; nothing was heard yet.
    #[default]
    Starting,
    /// Training.
    Running,
    /// Waiting for Resume.
    Paused,
    /// All steps were taken.
    Finished,
    /// Stopped by the user.
    Stopped,
    /// Ended by an error, with its message.
    Failed(String),
}

impl Phase {
    /// Whether the run is over.
    pub fn ended(&self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::Paused => false,
            Self::Finished | Self::Stopped | Self::Failed(_) => true,
        }
    }

    /// One word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Starting => "Starting",
            Self::Running => "Training",
            Self::Paused => "Paused",
            Self::Finished => "Finished",
            Self::Stopped => "Stopped",
            Self::Failed(_) => "Failed",
        }
    }
}
