//! Named changes of several settings at once: the rows of an ablation.

use super::super::file::leaves;
use super::super::{Config, ConfigError, Preset};
use super::{SEED, sane, split};

/// Most characters of a name, which becomes a part of the names of its runs.
const MOST_OF_NAME: usize = 60;
/// What names the preset among the changes.
const PRESET: &str = "preset";

/// A change with a name. Without any settings it is the base itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name: letters, digits, `.`, `-` and `+`.
    pub name: String,
    /// A preset whose recipe it takes before its settings.
    pub preset: Option<Preset>,
    /// Settings with their values as TOML.
    pub set: Vec<(String, String)>,
}

impl Variant {
    /// `NAME` or `NAME: KEY=VALUE, KEY=VALUE`, where a key may be `preset`.
    ///
    /// # Errors
    /// Says what is none of it. Whether its settings are ones shows where the sweep is made.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, changes) = text.split_once(':').unwrap_or((text, ""));
        let mut variant = Self::named(name.trim())?;
        if changes.trim().is_empty() {
            return Ok(variant);
        }
        for entry in split(changes)? {
            let (key, value) =
                entry.split_once('=').ok_or_else(|| format!("`{entry}`: wanted KEY=VALUE, as in NAME: KEY=VALUE"))?;
            variant.take(key.trim(), value.trim().to_owned())?;
        }
        Ok(variant)
    }

    fn named(name: &str) -> Result<Self, String> {
        if name.is_empty() || name.len() > MOST_OF_NAME || !name.chars().all(sane) || name.starts_with('.') {
            return Err(format!(
                "`{name}` is no name of a variant: wanted up to {MOST_OF_NAME} letters, digits, `.`, `-` and `+`"
            ));
        }
        Ok(Self { name: name.to_owned(), preset: None, set: Vec::new() })
    }

    fn take(&mut self, key: &str, value: String) -> Result<(), String> {
        if key == PRESET {
            let name = value.trim_matches('"');
            let preset = Preset::named(name).ok_or_else(|| format!("`preset` = {name}: there is no such preset"))?;
            self.preset = Some(preset);
        } else if key == SEED {
            return Err(format!("`{key}`: seeds are the same for all variants"));
        } else if self.set.iter().any(|(known, _)| known == key) {
            return Err(format!("`{key}` is set twice"));
        } else {
            self.set.push((key.to_owned(), value));
        }
        Ok(())
    }

    /// One of the `[[variants]]` of a file: `name`, and maybe `preset` and `set`, a table of settings.
    pub(super) fn from_toml(value: &toml::Value) -> Result<Self, String> {
        let table = value.as_table().ok_or("`variants`: wanted sections [[variants]]")?;
        let name = table.get("name").and_then(toml::Value::as_str).ok_or("a variant has no `name`")?;
        let mut variant = Self::named(name)?;
        let told = |reason: String| format!("variant {name}: {reason}");
        for (key, value) in table {
            match (key.as_str(), value) {
                ("name", _) => {}
                (PRESET, value) => variant.take(PRESET, value.to_string()).map_err(told)?,
                ("set", toml::Value::Table(set)) => {
                    for (key, value) in leaves(set) {
                        variant.take(&key, value.to_string()).map_err(told)?;
                    }
                }
                (key, _) => {
                    return Err(told(format!(
                        "`{key}` is no part of it, which has `name`, `preset` and a table `set`"
                    )));
                }
            }
        }
        Ok(variant)
    }

    /// As a section of a file.
    pub(super) fn to_toml(&self) -> String {
        let preset = self.preset.map(|preset| format!("preset = \"{}\"\n", preset.name())).unwrap_or_default();
        let set: Vec<String> = self.set.iter().map(|(key, value)| format!("\"{key}\" = {value}")).collect();
        let set = if set.is_empty() { String::new() } else { format!("set = {{ {} }}\n", set.join(", ")) };
        format!("\n[[variants]]\nname = \"{}\"\n{preset}{set}", self.name)
    }

    /// A base with the change.
    pub(super) fn over(&self, base: &Config) -> Result<Config, ConfigError> {
        let mut config = base.clone();
        if let Some(preset) = self.preset {
            preset.lay_over(&mut config);
        }
        let entries: Vec<String> = self.set.iter().map(|(key, value)| format!("{key}={value}")).collect();
        config.with(&entries).map_err(|ConfigError(problems)| {
            ConfigError(problems.into_iter().map(|problem| format!("variant {}: {problem}", self.name)).collect())
        })
    }

    /// With every value as TOML writes it.
    pub(super) fn in_toml(mut self, base: &Config) -> Result<Self, ConfigError> {
        let config = self.over(base)?;
        for (key, value) in &mut self.set {
            if let Some(known) = config.value_of(key) {
                *value = known;
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LossKind;

    #[test]
    fn a_variant_is_a_name_with_changes() {
        let variant = Variant::parse("plain: preset=improved, loss.kind=bce, generator.attention=[16,8]").unwrap();
        assert_eq!((variant.name.as_str(), variant.preset), ("plain", Some(Preset::Improved)));
        let base = Preset::Quick.config().with(&["data.source=cells", "image_size=32"]).unwrap();
        let config = variant.over(&base).unwrap();
        assert_eq!((config.loss.kind, config.generator.attention.as_slice()), (LossKind::Bce, &[16, 8][..]));
        assert_eq!(config.generator.family, Preset::Improved.config().generator.family);
        assert_eq!((config.data.source.as_str(), config.image_size), ("cells", 32));
        let stored = variant.in_toml(&base).unwrap();
        assert_eq!(stored.set[0].1, "\"bce\"");
        let table: toml::Table = stored.to_toml().parse().unwrap();
        assert_eq!(Variant::from_toml(&table["variants"][0]), Ok(stored));
        assert_eq!(Variant::parse("base").unwrap().over(&base), Ok(base.clone()));
        for (text, part) in [
            ("", "name"),
            ("a/b", "name"),
            ("..", "name"),
            ("a: b", "KEY=VALUE"),
            ("a: loss.r1=1,loss.r1=2", "twice"),
            ("a: preset=best", "preset"),
            ("a: train.seed=1", "seeds"),
            ("a: loss.kind=[", "missing"),
        ] {
            assert!(Variant::parse(text).is_err_and(|told| told.contains(part)), "{text}");
        }
        let wrong = Variant::parse("a: loss.r11=1").unwrap().in_toml(&base).unwrap_err().to_string();
        assert!(wrong.contains("variant a") && wrong.contains("loss.r11"), "{wrong}");
    }
}
