//! A line of a run's log.

use chrono::{DateTime, Local, Utc};

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
    /// The time of day, in seconds since 1970; sessions of earlier releases keep none.
    pub time: Option<u64>,
}

impl LogLine {
    /// When it was, as the clock on the wall said: the time of day alone, or the date too.
    pub(super) fn told_at(&self, whole: bool) -> Option<String> {
        let utc = DateTime::<Utc>::from_timestamp(i64::try_from(self.time?).ok()?, 0)?;
        let form = if whole { "%Y-%m-%d %H:%M:%S" } else { "%H:%M" };
        Some(utc.with_timezone(&Local).format(form).to_string())
    }
}
