//! A problem in the words of the window, and the configuration without it.

use super::Problem;
use crate::config::options::{self, Key};
use crate::config::whole::{Config, channels_name};

impl Problem {
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
        "1" | "3" if key == "channels" => format!("Set {name} to {}", channels_name(value == "3")),
        _ => format!("Set {name} to {}", value.replace('"', "")),
    }
}
