//! Where a configuration leads outside of its session.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Config, ExtractorName};

/// A file or folder that a setting names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExternalPath {
    /// The setting.
    pub key: String,
    /// The path, from the root on.
    pub path: String,
}

/// The settings that name one.
const KEYS: [&str; 4] = ["data.source", "data.cache", "loss.vgg19", "score.extractor"];

impl ExternalPath {
    /// Whether a setting may name one.
    pub fn is_named_by(key: &str) -> bool {
        KEYS.contains(&key)
    }
}

impl std::fmt::Display for ExternalPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {}", self.key, self.path)
    }
}

impl Config {
    /// Every file and folder that the settings name: what a run reads and writes beside its session.
    pub fn external_paths(&self) -> Vec<ExternalPath> {
        let source = if self.data.is_demo() { "" } else { self.data.source.as_str() };
        let named = [
            source,
            &self.data.cache,
            &self.loss.vgg19,
            ExtractorName::inception_file(&self.score.extractor).unwrap_or_default(),
        ];
        let named = KEYS.into_iter().zip(named).filter(|(_, path)| !path.trim().is_empty());
        named.map(|(key, path)| ExternalPath { key: key.to_owned(), path: absolute(path.trim()) }).collect()
    }
}

/// The same place from wherever it is looked at; no file is touched.
fn absolute(path: &str) -> String {
    std::path::absolute(path).unwrap_or_else(|_| Path::new(path).to_owned()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options;

    #[test]
    fn a_run_of_the_demo_set_leads_nowhere() {
        assert_eq!(Config::default().external_paths(), []);
    }

    #[test]
    fn every_setting_that_names_a_file_or_folder_is_a_place() {
        let texts = Config::default().settings().into_iter().filter(|(_, value)| value.starts_with('"'));
        let names_one = |key: &str| {
            let values = options::find(key).map_or("", |about| about.values.as_str());
            values.starts_with("a file") || values.starts_with("a folder") || values.contains(":FILE")
        };
        let keys: Vec<String> = texts.map(|(key, _)| key).filter(|key| names_one(key)).collect();
        assert!(keys.len() >= 4, "{keys:?}");
        for key in keys {
            let value = if key == "score.extractor" { "inception:a/b" } else { "a/b" };
            let config = Config::default().with(&[format!("{key}={value}")]).unwrap();
            let places = config.external_paths();
            assert!(places.len() == 1 && places[0].key == key, "{key}: {places:?}");
            let path = Path::new(&places[0].path);
            assert!(path.is_absolute() && path.ends_with("a/b"), "{key}: {places:?}");
        }
    }
}
