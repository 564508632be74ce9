//! What is wrong with a configuration, and the change that mends it, where there is a plain one.

use super::{Config, Key, options};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The run cannot start.
    Error,
    /// The run can start, but is unlikely to do what was hoped for.
    Warning,
}

/// Something wrong or doubtful in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub level: Level,
    /// The key to change (`train.steps`).
    pub key: &'static str,
    /// What is wrong, why, and what to do.
    pub message: String,
    /// Keys with the values (as in `run.toml`) that mend it; empty where only the user can know.
    pub fix: Vec<(&'static str, String)>,
}

impl Problem {
    /// A problem without a plain fix.
    pub fn new(level: Level, key: &'static str, message: impl Into<String>) -> Self {
        Self { level, key, message: message.into(), fix: Vec::new() }
    }

    /// Names a change that mends it.
    pub(super) fn fix(&mut self, key: &'static str, value: impl ToString) -> &mut Self {
        self.fix.push((key, value.to_string()));
        self
    }

    /// The value of the defaults mends it.
    pub(super) fn fix_by_default(&mut self, key: &'static str) -> &mut Self {
        if let Some(value) = Config::default().value_of(key) {
            self.fix(key, value);
        }
        self
    }

    /// The name in the window of the key to change.
    pub fn label(&self) -> String {
        options::label(self.key)
    }

    /// What is wrong, with the names that the window has for settings.
    pub fn in_window(&self) -> String {
        options::labelled(&self.message, self.key.rsplit_once('.').map_or("", |(section, _)| section))
    }

    /// What the fix does, as a button says it: `Set “Batch size” to 16`; nothing where there is none.
    pub fn fix_name(&self) -> Option<String> {
        let parts: Vec<String> = self.fix.iter().map(|(key, value)| told(key, value)).collect();
        let mut name = parts.join(", ");
        // Only the first part begins a sentence.
        for verb in ["Set", "Turn", "Clear"] {
            name = name.replace(&format!(", {verb} "), &format!(", {} ", verb.to_lowercase()));
        }
        (!parts.is_empty()).then_some(name)
    }

    /// The configuration with its fix; nothing where there is none. What was read before and is not any more goes back to its
    /// default, so that no fix leaves something behind that does nothing.
    pub fn fixed(&self, config: &Config) -> Option<Config> {
        if self.fix.is_empty() {
            return None;
        }
        let changes: Vec<String> = self.fix.iter().map(|(key, value)| format!("{key}={value}")).collect();
        // A seed that no TOML can hold would keep every change from being made.
        let mut config = config.clone();
        for seed in [&mut config.train.seed, &mut config.data.split_seed] {
            *seed = (*seed).min(i64::MAX as u64);
        }
        let fixed = config.with(&changes).ok()?;
        let idle = options::ALL
            .iter()
            .filter(|key| key.unread(&config).is_none() && key.unread(&fixed).is_some() && key.is_set(&fixed));
        let entry = |key: &Key| Some(format!("{}={}", key.key, Config::default().value_of(key.key)?));
        let idle: Vec<String> = idle.filter_map(entry).collect();
        fixed.with(&idle).ok()
    }
}

/// What setting a key to a value does, in words.
fn told(key: &str, value: &str) -> String {
    let name = format!("\u{201c}{}\u{201d}", options::label(key));
    match value {
        "true" => format!("Turn {name} on"),
        "false" => format!("Turn {name} off"),
        "\"\"" | "[]" => format!("Clear {name}"),
        "1" | "3" if key == "channels" => format!("Set {name} to {}", super::channels_name(value == "3")),
        _ => format!("Set {name} to {}", value.replace('"', "")),
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{level}: {}: {}", self.key, self.message)
    }
}

/// Whether any of the problems keeps the run from starting.
pub fn has_errors(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.level == Level::Error)
}

/// Problems as they are found.
#[derive(Default)]
pub(super) struct ProblemList {
    pub found: Vec<Problem>,
}

impl ProblemList {
    pub(super) fn error(&mut self, key: &'static str, message: impl Into<String>) -> &mut Problem {
        self.add(Level::Error, key, message.into())
    }

    /// An error that the value of the defaults mends.
    pub(super) fn mended_by_default(&mut self, key: &'static str, message: impl Into<String>) {
        self.error(key, message).fix_by_default(key);
    }

    pub(super) fn warning(&mut self, key: &'static str, message: impl Into<String>) -> &mut Problem {
        self.add(Level::Warning, key, message.into())
    }

    fn add(&mut self, level: Level, key: &'static str, message: String) -> &mut Problem {
        let at = self.found.len();
        self.found.push(Problem::new(level, key, message));
        &mut self.found[at]
    }
}

#[cfg(test)]
mod tests;
