//! The stages of a growing network: kept by the fold and told beside the samples.

use crate::config::Config;
use crate::event::{OfStep, Started};

/// A stage of a growing network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageMark {
    /// Steps done when it began.
    pub step: usize,
    /// Side of its images in pixels.
    pub resolution: usize,
    /// Whether the layers of that size are fading in.
    pub fading: bool,
}

impl OfStep for StageMark {
    fn step(&self) -> usize {
        self.step
    }
}

impl StageMark {
    pub(super) fn text(&self) -> String {
        format!("Images of {} px{}", self.resolution, if self.fading { " fading in" } else { "" })
    }
}

/// The stages of a run, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Stages(Vec<StageMark>);

impl Stages {
    /// False where it goes on already: a run that goes on from a checkpoint tells its stage once more.
    pub fn begin(&mut self, mark: StageMark) -> bool {
        let same = |before: &StageMark| (before.resolution, before.fading) == (mark.resolution, mark.fading);
        let new = !self.0.last().is_some_and(same);
        if new {
            self.0.push(mark);
        }
        new
    }

    /// A run that goes on from a checkpoint takes what came after it again.
    pub fn restart(&mut self, started: &Started) {
        started.leave(&mut self.0);
    }

    pub fn all(&self) -> &[StageMark] {
        &self.0
    }
}

/// What the networks were after so many steps, where that is less than they are at the end.
pub(super) fn caption(config: &Config, step: usize) -> Option<String> {
    let stage = config.stage(step as u64);
    let percent = |share: f64| format!("{:.0} %", (100.0 * share).floor());
    let size = stage.resolution.map(|size| match stage.fading() {
        true => format!("{size} px, {} faded in", percent(stage.fade)),
        false => format!("{size} px"),
    });
    let labels = (stage.condition < 1.0).then(|| format!("labels {}", percent(stage.condition)));
    let parts: Vec<String> = [size, labels].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_told_again_after_a_checkpoint_and_kept_once() {
        let mark = |step, resolution, fading| StageMark { step, resolution, fading };
        let mut stages = Stages::default();
        let all = [mark(0, 8, false), mark(5, 16, true), mark(9, 16, false)];
        assert_eq!(all.map(|mark| stages.begin(mark)), [true; 3]);
        // The checkpoint is of step 7, in the middle of the fade.
        stages.restart(&Started { step: 7, ..Started::default() });
        assert_eq!([mark(7, 16, true), all[2]].map(|mark| stages.begin(mark)), [false, true]);
        assert_eq!(stages.all(), all);
        assert_eq!(all[1].text(), "Images of 16 px fading in");
    }

    #[test]
    fn a_grid_says_what_drew_it() {
        let mut config = Config { image_size: 32, ..Config::default() };
        assert_eq!(caption(&config, 0), None);
        config.growing = crate::config::Growing { start: 16, fade_images: 320, stable_images: 320 };
        config.train.batch_size = 32;
        assert_eq!(
            [0, 10, 13, 20].map(|step| caption(&config, step)),
            [Some("16 px".to_owned()), Some("16 px".to_owned()), Some("32 px, 30 % faded in".to_owned()), None]
        );
        config.transition = crate::config::Transition { from: 320, to: 960 };
        assert_eq!(
            [13, 25, 30].map(|step| caption(&config, step)),
            [Some("32 px, 30 % faded in; labels 15 %".to_owned()), Some("labels 75 %".to_owned()), None]
        );
    }
}
