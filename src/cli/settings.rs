//! Where the configuration of a command comes from.

use std::path::{Path, PathBuf};

use clap::Args;

use super::usage::Usage;
use crate::config::{Config, Preset};

/// The most bytes of a run.toml; one with everything in it has some tens of thousands.
const MOST_CONFIG: u64 = 4 << 20;

/// Where a configuration comes from.
#[derive(Args)]
pub(super) struct Settings {
    /// The preset to start from.
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub preset: Option<String>,
    /// A run.toml to start from, such as that of an earlier session.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A setting to change, such as train.batch_size=16; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl Settings {
    /// The whole of it.
    ///
    /// # Errors
    /// What cannot be read, as [`Usage`].
    pub fn resolve(&self) -> anyhow::Result<Config> {
        let base = match (&self.preset, &self.config) {
            (Some(name), _) => self.of_preset(preset(name)?)?,
            (None, Some(path)) => {
                let text = read_config(path)
                    .map_err(|err| Usage(format!("--config {}: could not be read: {err}", path.display())))?;
                Config::from_toml(&text).map_err(|err| Usage(format!("{}:\n{err}", path.display())))?
            }
            (None, None) => self.of_preset(Preset::DEFAULT)?,
        };
        Ok(base.with(&self.set).map_err(|err| Usage(err.to_string()))?)
    }

    /// A preset as it is at the image size that is asked for.
    fn of_preset(&self, preset: Preset) -> anyhow::Result<Config> {
        let asked = preset.config().with(&self.set).map_err(|err| Usage(err.to_string()))?;
        Ok(preset.config_at(asked.image_size))
    }
}

/// A run.toml, which may come out of a pipe, but not without end.
pub(super) fn read_config(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, Read as _};
    let mut text = String::new();
    std::fs::File::open(path)?.take(MOST_CONFIG + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_CONFIG {
        return Err(Error::other(format!("it is larger than {} MB, and no run.toml is", MOST_CONFIG >> 20)));
    }
    Ok(text)
}

/// A preset by its name.
pub(super) fn preset(name: &str) -> anyhow::Result<Preset> {
    let names: Vec<&str> = Preset::ALL.into_iter().map(Preset::name).collect();
    Ok(Preset::named(name)
        .ok_or_else(|| Usage(format!("there is no preset `{name}`; there are {}", names.join(", "))))?)
}
