//! The pages of the window.

/// A page of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Page {
    /// Samples and curves.
    #[default]
    Run,
    /// What is in the data.
    Data,
    /// What a run is.
    Details,
    /// What a run has told.
    Log,
    /// Ways through the noise of a run's generator.
    Explore,
    /// A blind test.
    Quiz,
    /// Earlier runs.
    Sessions,
    /// Runs beside each other.
    Compare,
    /// Runs that are trained one after another.
    Queue,
}

impl Page {
    pub(super) const ALL: [(Self, &'static str); 9] = [
        (Self::Run, "Run"),
        (Self::Data, "Data"),
        (Self::Details, "Details"),
        (Self::Log, "Log"),
        (Self::Explore, "Explore"),
        (Self::Quiz, "Quiz"),
        (Self::Sessions, "Sessions"),
        (Self::Compare, "Compare"),
        (Self::Queue, "Queue"),
    ];
}
