//! The blind test: real or fake?

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Picture;

/// A test that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuizRequest {
    /// The session's folder.
    pub session: PathBuf,
    /// The checkpoint's step.
    pub step: usize,
    /// The class, or nothing for all.
    pub class: Option<usize>,
    /// Images in all; half of them are fakes.
    pub count: usize,
    /// Where their choice and order come from.
    pub seed: u64,
}

/// An image of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuizItem {
    /// Its class.
    pub class: usize,
    /// What it is.
    pub fake: bool,
    /// What is shown.
    pub picture: Picture,
}

/// A test that is ready to be taken.
#[derive(Clone, Debug, PartialEq)]
pub struct QuizSet {
    /// What was asked for.
    pub ask: QuizRequest,
    /// Names of the classes, in label order.
    pub classes: Vec<String>,
    /// The images, in the order in which they are shown.
    pub items: Vec<QuizItem>,
    /// Whether the real ones were held out of training.
    pub held_out: bool,
    /// Tests of this session that were taken before, oldest first.
    pub past: Vec<QuizLog>,
}

/// A test that was taken, as the session keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QuizLog {
    /// Seconds since 1970 (UTC) at its end.
    pub time: u64,
    /// Steps of the checkpoint.
    pub step: usize,
    /// The class, or nothing for all.
    pub class: Option<String>,
    /// Where the choice and the order of the images came from.
    pub seed: u64,
    /// Whether the real images were held out of training.
    pub held_out: bool,
    /// Every answer, in order.
    pub answers: Vec<QuizAnswer>,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QuizAnswer {
    /// The image's class.
    pub class: String,
    /// What it was.
    pub fake: bool,
    /// What it was taken for.
    pub said_fake: bool,
    /// Seconds that it was looked at.
    pub seconds: f64,
}

impl QuizAnswer {
    /// Whether the answer is right.
    pub fn right(&self) -> bool {
        self.fake == self.said_fake
    }
}
