//! The seam: `Event` (engine to watchers) and `Command` (watchers to engine); plain serialisable data, no tensor, no egui.
//!
//! Numbers are read from the device once, by the engine; whoever holds an event holds no part of the graph. Events are
//! also the lines of a session's `events.jsonl` and of `gandle train --json`, so their names are an interface.
//!
//! ```
//! use gandle::event::{Event, Scalar, Step};
//!
//! # fn main() -> serde_json::Result<()> {
//! let step = Event::Step(Step::of(7, 1.5, [(Scalar::LossD, 0.25)]));
//! let line = r#"{"event":"step","step":7,"loss_d":0.25,"seconds":1.5}"#;
//! assert_eq!(serde_json::to_string(&step)?, line);
//! assert_eq!(serde_json::from_str::<Event>(line)?, step);
//! # Ok(())
//! # }
//! ```

mod browse;
mod data;
mod explore;
mod export;
mod job;
mod pace;
mod quiz;
mod scalar;
mod score;
mod timeline;
mod truncate;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::{Change, Config};

pub use browse::{BrowsePage, BrowseRequest};
pub use data::{ClassCount, DataSummary, FileNote, Finding, SizeCount, Skipped};
pub use explore::{Exploration, View};
pub use export::{Content, Export, Exported, Film, ImageFormat, Images, Moving, Walk};
pub use job::JobEvent;
pub use pace::Pace;
pub use quiz::{QuizAnswer, QuizItem, QuizLog, QuizRequest, QuizSet};
pub use scalar::{Chart, ChartInfo, Form, Scalar, ScalarInfo, Scalars, Step, Tint};
pub use score::{ALSO_IN_THE_LOSS, Best, NEAREST_BELOW, Nearest, Score, ScoreProgress, Scored};
pub use timeline::{OfStep, standing};
pub use truncate::truncate;

/// Version of the lines in `events.jsonl`; it stands in the first of them.
pub const SCHEMA: u32 = 1;

/// Called by the engine when there is news. Tests pass `|| {}`; only `app` ties it to a window.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// News from the engine. Readings of the clock stand in fields named `time`, `seconds`, `total_seconds`, `share` and
/// `images_per_s` alone, those of the machine's memory in `memory_mb`: without them, two runs of one seed give the same events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A run begins, or goes on from a checkpoint.
    Started(Box<Started>),
    /// What was found in the data.
    Data(Box<DataSummary>),
    /// A training step is done.
    Step(Step),
    /// A score was taken.
    Score(Score),
    /// All scores of a step are taken.
    Scored(Scored),
    /// A step's score is the best so far; its checkpoint stays.
    Best(Best),
    /// For each image of the step's grid the nearest real one was found and stored.
    Nearest(Nearest),
    /// A sample grid was drawn and stored.
    Grid(Grid),
    /// The same grid as the live generator draws it, without the average, was stored beside it ([`Command::DrawLive`]).
    LiveGrid(Grid),
    /// A checkpoint was written.
    Checkpoint(Checkpoint),
    /// Something that the user should know, though the run goes on.
    Warning {
        /// The step at which it was seen.
        step: usize,
        /// What, why, and what to do.
        message: String,
    },
    /// The training itself goes wrong.
    Alarm(Alarm),
    /// What an alarm told of is over.
    Recovered(Recovered),
    /// Settings were changed while the run went on; they hold from the next step on.
    Edited(Edited),
    /// A growing network begins a stage (also told where a run goes on in one).
    Stage {
        /// Steps done.
        step: usize,
        /// Side of the images that the networks are trained on, in pixels.
        resolution: usize,
        /// Whether the layers of that size are fading in; else they are all that counts.
        fading: bool,
    },
    /// Training waits.
    Paused {
        /// Steps done.
        step: usize,
    },
    /// Training goes on after a pause.
    Resumed {
        /// Steps done.
        step: usize,
    },
    /// The run has reached its steps.
    Finished {
        /// Steps done.
        step: usize,
    },
    /// The run was stopped by the user.
    Stopped {
        /// Steps done.
        step: usize,
    },
    /// The run ended by an error.
    Failed {
        /// Steps done.
        step: usize,
        /// What failed, why, and what to do.
        message: String,
    },
}

/// The head of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// [`SCHEMA`] of the program that wrote this.
    pub schema: u32,
    /// Version of that program.
    pub version: String,
    /// The session's name.
    pub session: String,
    /// Steps already done (0 for a new run). What the session told of later steps is void: they are taken again.
    pub step: usize,
    /// The session whose checkpoint this one began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// The whole configuration.
    pub config: Config,
    /// Names of the classes, in label order.
    pub classes: Vec<String>,
    /// Where the run computes (`cpu`, `cuda:0`, ...).
    pub device: String,
    /// CPU threads in use.
    pub threads: usize,
    /// Numbers that the generator learns.
    pub generator_parameters: usize,
    /// Numbers that the discriminator learns.
    pub discriminator_parameters: usize,
    /// Seconds since 1970 (UTC).
    pub time: u64,
}

/// Where a session branched off another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The name that the other session had then.
    pub session: String,
    /// Steps that it had done.
    pub step: usize,
    /// What tells its run from all others, whatever the session is called now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// A stored sample grid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// Steps done.
    pub step: usize,
    /// Its path below the session's folder.
    pub file: String,
}

/// Where the grids of the live generator stand below the session's folder.
pub const LIVE_BELOW: &str = "live/";

/// The picture of real images in a session's folder: one row a class, as many a row as in a grid.
pub const REAL_IMAGES: &str = "real.png";

/// A stored checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Steps done.
    pub step: usize,
    /// Its path below the session's folder.
    pub folder: String,
    /// Older checkpoints that were removed to make room (`train.keep_checkpoints`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// What can go wrong with the training itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    /// A loss, a logit or a weight is not a number any more, or infinite. The run ends by it.
    Divergence,
    /// The discriminator is right about every image for long: the generator learns little from it.
    SaturatedDiscriminator,
    /// The generated images of one class are nearly the same (mode collapse within the class).
    ClassCollapse,
    /// The generated images lie nearer to the training images than other real images do: some may be copies.
    Copies,
    /// All generated images are of one colour, or the same: the generator has broken down.
    BlankImages,
}

/// Something goes wrong with the training; told once, until it is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// The step at which it was seen.
    pub step: usize,
    /// What goes wrong.
    pub kind: AlarmKind,
    /// What it is about: the class of a [`AlarmKind::ClassCollapse`]; of a [`AlarmKind::Divergence`] the first term that
    /// broke (`logits_real`, `logits_fake`, `loss_d`, `loss_g` or `weights`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What was seen.
    pub message: String,
    /// What helps.
    pub advice: String,
    /// Seconds of training so far.
    pub seconds: f64,
}

/// An alarm is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// The step at which it was seen.
    pub step: usize,
    /// What went wrong.
    pub kind: AlarmKind,
    /// What it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Settings that were changed while the run went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// Steps done with the old values.
    pub step: usize,
    /// What was changed.
    pub changes: Vec<Change>,
}

/// What a watcher may ask of a running engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Wait after the present step (a checkpoint is written first).
    Pause,
    /// Go on.
    Resume,
    /// While paused: take one step, with all that belongs to it, and wait again.
    Step,
    /// Write a checkpoint and end.
    Stop,
    /// Write a checkpoint and go on.
    Checkpoint,
    /// Store each sample grid as the live generator draws it too, from now on, or not any more. Training is the same either way.
    DrawLive(bool),
    /// Change settings from the next step on; those that cannot be changed are refused with a warning.
    Edit(Vec<Change>),
}

/// An 8-bit RGB picture. It crosses the seam through a latest-value slot, never through the channel.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// `width * height * 3` bytes, row by row.
    pub rgb: Arc<[u8]>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

/// A sample grid as it crosses the seam: one row a class, `columns` images a row, each `cell` pixels wide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridPicture {
    /// Steps done.
    pub step: usize,
    /// Images a row.
    pub columns: usize,
    /// Rows (classes).
    pub rows: usize,
    /// Width and height of an image in pixels.
    pub cell: usize,
    /// The picture, images side by side without gaps.
    pub picture: Picture,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_json_object_with_its_name_first() {
        let step = Event::Step(Step::of(1, 0.0, [(Scalar::LossD, 0.5)]));
        let line = serde_json::to_string(&step).expect("plain data");
        assert!(line.starts_with(r#"{"event":"step","step":1,"loss_d":0.5,"#), "{line}");
        assert_eq!(serde_json::from_str::<Event>(&line).expect("the same"), step);
    }

    #[test]
    fn an_alarm_names_its_kind_and_subject() {
        let alarm = Alarm {
            step: 9,
            kind: AlarmKind::ClassCollapse,
            subject: Some("monocyte".to_owned()),
            message: "seen".to_owned(),
            advice: "helps".to_owned(),
            seconds: 1.5,
        };
        let line = serde_json::to_string(&Event::Alarm(alarm.clone())).expect("plain data");
        let want = r#"{"event":"alarm","step":9,"kind":"class-collapse","subject":"monocyte","message":"seen","advice":"helps","seconds":1.5}"#;
        assert_eq!(line, want);
        assert_eq!(serde_json::from_str::<Event>(&line).expect("the same"), Event::Alarm(alarm));
        let over = r#"{"event":"recovered","step":9,"kind":"saturated-discriminator"}"#;
        let recovered = Recovered { step: 9, kind: AlarmKind::SaturatedDiscriminator, subject: None };
        assert_eq!(serde_json::from_str::<Event>(over).expect("plain data"), Event::Recovered(recovered));
    }
}
