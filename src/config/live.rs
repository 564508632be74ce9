//! Which keys can be changed while a run goes on, and how a change is told.

use serde::{Deserialize, Serialize};

use super::file::ConfigError;
use super::problem::{Level, Problem};
use super::{Config, options};

/// A key whose value was changed; values as TOML writes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The key (`optimizer.generator_lr`).
    pub key: String,
    /// The value before.
    pub from: String,
    /// The value after.
    pub to: String,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} → {}", self.key, self.from, self.to)
    }
}

/// Whether a running run can take a new value of this key.
pub fn is_live(key: &str) -> bool {
    options::find(key).is_some_and(|key| key.is_live)
}

impl Config {
    /// What leads from this configuration to `wanted`: changes that a running run can take, and those that need a new run.
    pub fn changes_to(&self, wanted: &Self) -> (Vec<Change>, Vec<Change>) {
        let changes = self.differences(wanted).into_iter().map(|(key, from, to)| Change { key, from, to });
        changes.partition(|change| is_live(&change.key))
    }

    /// This configuration with live changes made, and the changes themselves as they are from here: those that change
    /// nothing are left out.
    ///
    /// # Errors
    /// Where a key is not live, a value is of the wrong kind, or the result could not be run.
    pub fn edited(&self, changes: &[Change]) -> Result<(Self, Vec<Change>), ConfigError> {
        let fixed = |change: &&Change| !is_live(&change.key);
        let fixed: Vec<String> = changes.iter().filter(fixed).map(|change| needs_new_run(&change.key)).collect();
        if !fixed.is_empty() {
            return Err(ConfigError(fixed));
        }
        let entries: Vec<String> = changes.iter().map(|change| format!("{}={}", change.key, change.to)).collect();
        let wanted = self.with(&entries)?;
        let errors = wanted.check(None).into_iter().filter(|problem| problem.level == Level::Error);
        let errors: Vec<String> = errors.map(|Problem { key, message, .. }| format!("`{key}`: {message}")).collect();
        if !errors.is_empty() {
            return Err(ConfigError(errors));
        }
        let (made, _) = self.changes_to(&wanted);
        Ok((wanted, made))
    }
}

fn needs_new_run(key: &str) -> String {
    match options::find(key) {
        Some(_) => format!("`{key}` cannot be changed during a run; start a new run with it"),
        None => format!("`{key}` is not a setting"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, to: &str) -> Change {
        Change { key: key.to_owned(), from: String::new(), to: to.to_owned() }
    }

    #[test]
    fn live_changes_are_made_and_told_with_what_was_before() {
        let (config, made) =
            Config::default().edited(&[change("optimizer.generator_lr", "0.0002"), change("loss.r1", "0")]).unwrap();
        assert_eq!(config.optimizer.generator_lr, 2e-4);
        let told = Change { from: "0.0001".to_owned(), ..change("optimizer.generator_lr", "0.0002") };
        assert_eq!(made, [told], "a change to the same value is none");
    }

    #[test]
    fn what_shapes_the_run_or_breaks_it_is_refused() {
        for (key, to, part) in [
            ("generator.base_channels", "64", "new run"),
            ("train.seed", "3", "new run"),
            ("no.such", "1", "not a setting"),
            ("optimizer.generator_lr", "fast", "optimizer.generator_lr"),
            ("optimizer.generator_lr", "-1", "outside"),
        ] {
            let err = Config::default().edited(&[change(key, to)]).unwrap_err().to_string();
            assert!(err.contains(part), "{key} = {to}: {err}");
        }
    }

    #[test]
    fn differences_are_parted_into_live_ones_and_others() {
        let mut wanted = Config::default();
        wanted.optimizer.clip = 1.0;
        wanted.generator.latent_dim = 64;
        let (live, fixed) = Config::default().changes_to(&wanted);
        let keys = |changes: &[Change]| changes.iter().map(|change| change.key.clone()).collect::<Vec<_>>();
        assert_eq!(
            (keys(&live), keys(&fixed)),
            (vec!["optimizer.clip".to_owned()], vec!["generator.latent_dim".to_owned()])
        );
    }
}
