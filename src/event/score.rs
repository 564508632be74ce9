//! How good the generator's images are, as it is told.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A score of the averaged generator, with what is needed to read it. What came after the first release has a default, so
/// that its sessions still open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Steps done.
    pub step: usize,
    /// What was measured ([`crate::config::Metric`]).
    pub metric: String,
    /// The network whose features were compared (`efficientnet-lite2`), or `pixels`.
    pub extractor: String,
    /// Whether that network also took part in training ([`crate::config::Config::trains_on`]), so that the score looks better
    /// than the images are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trained_on: bool,
    /// How images were brought to that network's size ([`crate::config::Resize`]); empty where they were not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resize: String,
    /// The class, or nothing for all of them together.
    pub class: Option<String>,
    /// Fakes looked at; for the worth of fakes those that were learnt from, which may be none.
    pub samples: usize,
    /// Real images looked at, where that was told: for the classifier the held-out ones that it was tested on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reals: Option<usize>,
    /// Where the fakes' labels are from: `of-reals`, those of the real images looked at, one for one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub labels: String,
    /// Where its draws of noise, subsets, splits and intervals start.
    #[serde(default)]
    pub seed: u64,
    /// Which nearest neighbour made the radius, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<usize>,
    /// The score.
    pub value: f64,
    /// The standard deviation over subsets or splits, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// The 95 % interval, where the score is a mean over images: by the bootstrap, or Wilson's of a class's recall that tells
    /// what fakes are worth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Patients (or other groups of images) that the interval draws, where it does not draw images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patients: Option<usize>,
    /// What real images score in place of the fakes, where that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// Why it is to be read with care.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caution: Option<String>,
    /// Seconds that all scores of the step took together.
    pub seconds: f64,
}

/// What follows the extractor's name wherever it stands beside a score of a network that also took part in training.
pub const ALSO_IN_THE_LOSS: &str = ", also in the loss";

impl Score {
    /// The extractor as it stands beside the score: scores with different ones never compare, nor do those of a network
    /// that took part in training and of one that did not.
    pub fn judge(&self) -> Cow<'_, str> {
        if self.trained_on {
            Cow::Owned(format!("{}{ALSO_IN_THE_LOSS}", self.extractor))
        } else {
            Cow::Borrowed(&self.extractor)
        }
    }
}

/// All scores of a step are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Steps done.
    pub step: usize,
    /// Seconds that they took.
    pub seconds: f64,
    /// Seconds that all scores of the run have taken so far.
    pub total_seconds: f64,
    /// The share of the run's time, steps and scores, that these are.
    pub share: f64,
}

/// How far the scores of a step are. It goes through a slot that keeps the newest alone, and no session holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScoreProgress {
    /// What is under way: the images that are looked at, or the score that is computed.
    pub doing: &'static str,
    /// Images looked at, or groups of scores computed.
    pub done: usize,
    /// Of how many.
    pub total: usize,
}

/// A step's score is the best so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Steps done.
    pub step: usize,
    /// Whose best value it is (`score.best`).
    pub metric: String,
    /// The value.
    pub value: f64,
}

/// Where the pictures of nearest real images stand below the session's folder.
pub const NEAREST_BELOW: &str = "nearest/";

/// The real images that are nearest to those of a step's grid.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// Steps done.
    pub step: usize,
    /// A picture of them, each at the place of its fake in the grid; its path below the session's folder.
    pub file: String,
    /// The network whose features were compared.
    pub extractor: String,
    /// The distance of each pair, row by row.
    pub distances: Vec<f32>,
    /// For each pair whether that real image has another real one nearer than the fake, so that the fake is no copy of it.
    pub authentic: Vec<bool>,
}
