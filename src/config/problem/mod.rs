//! What is wrong with a configuration, and the change that mends it, where there is a plain one.

mod mend;

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
pub(super) struct ProblemList {
    pub found: Vec<Problem>,
    default: fn(&str) -> Option<String>,
}

impl ProblemList {
    /// `default` gives the default of a key, as in `run.toml`.
    pub(super) fn new(default: fn(&str) -> Option<String>) -> Self {
        Self { found: Vec::new(), default }
    }

    pub(super) fn error(&mut self, key: &'static str, message: impl Into<String>) -> &mut Problem {
        self.add(Level::Error, key, message.into())
    }

    pub(super) fn warning(&mut self, key: &'static str, message: impl Into<String>) -> &mut Problem {
        self.add(Level::Warning, key, message.into())
    }

    /// An error that the default mends.
    pub(super) fn mended_by_default(&mut self, key: &'static str, message: impl Into<String>) {
        let fix = (self.default)(key);
        self.error(key, message).fix.extend(fix.map(|value| (key, value)));
    }

    /// A warning that the default answers.
    pub(super) fn warning_of_default(&mut self, key: &'static str, message: impl Into<String>) {
        let fix = (self.default)(key);
        self.warning(key, message).fix.extend(fix.map(|value| (key, value)));
    }

    fn add(&mut self, level: Level, key: &'static str, message: String) -> &mut Problem {
        let at = self.found.len();
        self.found.push(Problem::new(level, key, message));
        &mut self.found[at]
    }
}

#[cfg(test)]
pub(super) mod tests;
