//! What a checkpoint holds besides tensors.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::config::Config;
use crate::event::Parent;
use crate::guard;

/// What a checkpoint holds besides tensors. Fields that came after the first release have a default, so that its
/// checkpoints still open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// [`crate::event::SCHEMA`] of the program that wrote it.
    pub schema: u32,
    /// Steps done.
    pub step: usize,
    /// The whole configuration as it was in force.
    pub config: Config,
    /// The configuration that `run.toml` held then, where it was another than `config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Box<Config>>,
    /// Names of the classes, in label order.
    pub classes: Vec<String>,
    /// What the run was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataFingerprint>,
    /// What it was computed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// The session that this one branched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Batches that the loader has handed out.
    pub loader_position: u64,
    /// Draws of noise for the discriminator's updates.
    pub discriminator_draws: u64,
    /// Draws of noise for the generator's updates.
    pub generator_draws: u64,
    /// Batches of real images that the generator's updates have been compared with.
    #[serde(default)]
    pub compared_position: u64,
    /// Seconds of training so far.
    pub seconds: f64,
    /// What the alarms remember.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<Watched>,
    /// What the step was still to bring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// Whether the averaged generator's running statistics are those of its own weights; in checkpoints of older versions they
    /// are copies of the live generator's.
    #[serde(default)]
    pub settled: bool,
    /// Every file beside this one.
    pub files: Vec<FileSum>,
}

/// What a step brings beside its update, while it is still to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// A sample grid.
    pub grid: bool,
    /// A score.
    pub score: bool,
}

/// A file of a checkpoint, so that a damaged one is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

impl FileSum {
    /// Of a file's content.
    pub fn of(name: &str, content: &[u8]) -> Self {
        let sha256 = guard::hex(&Sha256::digest(content));
        Self { name: name.to_owned(), bytes: content.len() as u64, sha256 }
    }
}

/// What tells one data set from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFingerprint {
    /// Images of each class, in label order.
    pub images: Vec<usize>,
    /// SHA-256 of every image's pixels as they are trained on, in their order, in hexadecimal.
    pub sha256: String,
    /// SHA-256 of the file of a network that generated images are compared in, where that comes from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<String>,
}

/// What decides how a run rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Version of the program.
    pub version: String,
    /// Where it computes (`cpu`, `cuda:0`, ...).
    pub device: String,
    /// CPU threads.
    pub threads: usize,
    /// The processor's instructions that the kernels use.
    pub instructions: String,
}

/// What the alarms of a run remember of the steps and grids that they have seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// The discriminator's accuracy in the newest steps, oldest first.
    pub accuracies: Vec<f32>,
    /// Whether it is said to be saturated.
    pub saturated: bool,
    /// Each class, in label order.
    pub classes: Vec<WatchedClass>,
    /// Whether a grid ever showed pictures that differ.
    #[serde(default)]
    pub drawn: bool,
    /// Whether all images are said to be blank or the same.
    #[serde(default)]
    pub blank: bool,
}

/// What the alarms remember of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedClass {
    /// Whether its images ever differed as real ones do.
    pub was_diverse: bool,
    /// Grids in a row that showed a collapse.
    pub grids: usize,
    /// Whether it is said to have collapsed.
    pub collapsed: bool,
}
