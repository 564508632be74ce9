//! The one place that writes to the terminal: names of files and classes, and whatever else others have written, come out
//! as plain text.

use std::fmt::Arguments;
use std::io::{self, Write};

use serde::Serialize;

use crate::config::Config;
use crate::guard;

/// The widest column of names; a longer name stands out of it.
pub(super) const WIDEST: usize = 60;

/// A line of results on standard output.
///
/// # Errors
/// Where nobody reads it any more; `println!` would panic.
pub(super) fn out(text: Arguments<'_>) -> io::Result<()> {
    writeln!(io::stdout(), "{}", guard::line(&text.to_string()))
}

/// A message on standard error, of one line or more. One that nobody can read is lost.
pub(super) fn err(text: Arguments<'_>) {
    writeln!(io::stderr(), "{}", guard::lines(&text.to_string())).ok();
}

/// A configuration as its `run.toml` on standard output.
///
/// # Errors
/// Where nobody reads it any more.
pub(super) fn config(config: &Config) -> io::Result<()> {
    config.to_toml().trim_end().lines().try_for_each(|line| out(format_args!("{line}")))
}

/// A line of JSON on standard output.
///
/// # Errors
/// Where nobody reads it any more.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Standard error for the log.
pub(super) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(guard::lines(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Prints a line to standard output, or returns that it cannot.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::print::out(format_args!($($text)*))? };
}

/// Prints a message to standard error.
macro_rules! note {
    ($($text:tt)*) => { $crate::cli::print::err(format_args!($($text)*)) };
}

pub(super) use {note, say};
