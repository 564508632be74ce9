//! What is told of single keys: numbers outside their bounds, and settings that nothing reads.

use std::sync::LazyLock;

use crate::config::options::{self, Key};
use crate::config::problem::{Level, ProblemList};
use crate::config::{Config, Preset};

impl Key {
    /// Whether somebody has set it: it is neither the default, nor what a preset with such networks brings along.
    pub(in crate::config) fn is_set(&self, config: &Config) -> bool {
        static PLAIN: LazyLock<Config> = LazyLock::new(Config::default);
        static PRESETS: LazyLock<[Config; Preset::ALL.len()]> = LazyLock::new(|| Preset::ALL.map(Preset::config));
        let families = |c: &Config| (c.generator.family, c.discriminator.family);
        let presets = PRESETS.iter().filter(|preset| families(preset) == families(config));
        std::iter::once(&*PLAIN).chain(presets).all(|other| !self.is_same(other, config))
    }
}

impl Config {
    /// Whether anything reads a key.
    pub fn reads(&self, key: &str) -> bool {
        options::find(key).is_some_and(|key| key.unread(self).is_none())
    }

    /// Errors of the numbers of a section that lie outside their bounds.
    pub(in crate::config) fn check_ranges(&self, section: &str, list: &mut ProblemList) {
        options::ALL.iter().filter(|key| key.section() == section).for_each(|key| key.check_range(self, list));
    }

    /// Warnings of what is set and not read. What is also wrong is told as such alone.
    pub(in crate::config) fn check_unread(&self, list: &mut ProblemList) {
        for key in options::ALL.iter() {
            let wrong = list.found.iter().any(|problem| problem.level == Level::Error && problem.key == key.key);
            if let Some(when) = key.unread(self).filter(|_| !wrong && key.is_set(self)) {
                list.warning_of_default(key.key, when.message(|key| self.value_of(key)));
            }
        }
    }
}
