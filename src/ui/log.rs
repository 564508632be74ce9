//! A line of a run's log.

/// How a log line is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something happened.
    Info,
    /// Something that the user should know.
    Warning,
    /// Training goes wrong; shown by itself until it is over.
    Alarm,
    /// The run ended by it.
    Error,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Steps done.
    pub step: usize,
    /// How it is marked.
    pub level: LogLevel,
    /// What happened.
    pub text: String,
}
