//! Folds the news of reading a data folder into what the panels show about the data.

use crate::config::{Config, SliceAxis};
use crate::event::{DataSummary, GridPicture, JobEvent};

/// How far reading the data is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Not asked for yet.
    #[default]
    Nothing,
    /// Under way.
    Busy {
        /// Files done.
        done: usize,
        /// Of how many, where that is known already.
        total: usize,
    },
    /// Read.
    Done,
    /// Impossible, with the reason.
    Failed(String),
}

/// What of a configuration decides what is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    source: String,
    /// The drawn set costs little, so it is drawn again when its look changes.
    drawn: Option<(usize, usize, usize)>,
    /// How volumes are cut.
    cut: (SliceAxis, usize),
    /// What decides which images are held out; nothing where none are.
    split: Option<(u64, u64, String)>,
}

impl Source {
    /// The source that a configuration names.
    pub fn of(config: &Config) -> Self {
        let drawn = (config.data.demo_images, config.image_size, config.channels);
        let data = &config.data;
        let split = (data.held_out.to_bits(), data.split_seed, data.group_by.clone());
        Self {
            source: data.source.clone(),
            drawn: data.is_demo().then_some(drawn),
            cut: (data.slice_axis, data.slice_every),
            split: (data.held_out > 0.0).then_some(split),
        }
    }
}

/// Everything that is shown about the data of the set-up. [`DataView::apply`] alone changes what was read.
#[derive(Clone, Debug, Default)]
pub struct DataView {
    asked: Option<Source>,
    reading: Reading,
    summary: Option<DataSummary>,
    samples: Option<GridPicture>,
}

impl DataView {
    /// Remembers that this source is being read.
    pub fn ask(&mut self, source: Source) {
        // The drawn set keeps its old pictures until the new ones are there, so that nothing flickers.
        if self.asked.as_ref().is_none_or(|asked| asked.source != source.source) {
            (self.summary, self.samples) = (None, None);
        }
        self.asked = Some(source);
        self.reading = Reading::Busy { done: 0, total: 0 };
    }

    /// Takes in news from the reader.
    pub fn apply(&mut self, event: JobEvent) {
        match event {
            JobEvent::Progress { done, total } => self.reading = Reading::Busy { done, total },
            JobEvent::Preview { summary, samples } => {
                self.reading = Reading::Done;
                self.summary = Some(*summary);
                self.samples = Some(samples);
            }
            JobEvent::Failed { message } => {
                self.reading = Reading::Failed(message);
                (self.summary, self.samples) = (None, None);
            }
            JobEvent::Cancelled => self.reading = Reading::Nothing,
            JobEvent::Exported { .. } | JobEvent::Written { .. } | JobEvent::Quiz(_) | JobEvent::Probed(_) => {}
        }
    }

    /// Whether this source still has to be read.
    pub fn is_stale(&self, source: &Source) -> bool {
        self.asked.as_ref() != Some(source)
    }

    /// How far reading is.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// What was found.
    pub fn summary(&self) -> Option<&DataSummary> {
        self.summary.as_ref()
    }

    /// Real images, one row a class.
    pub fn samples(&self) -> Option<&GridPicture> {
        self.samples.as_ref()
    }

    /// Number of classes, where known.
    pub fn classes(&self) -> Option<usize> {
        self.summary.as_ref().map(|summary| summary.classes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_read_makes_the_data_stale() {
        let mut config = Config::default();
        let mut view = DataView::default();
        assert!(view.is_stale(&Source::of(&config)));
        view.ask(Source::of(&config));
        config.train.steps = 1;
        assert!(!view.is_stale(&Source::of(&config)));
        config.image_size = 32;
        assert!(view.is_stale(&Source::of(&config)));
        config.data.source = "/cells".to_owned();
        view.ask(Source::of(&config));
        config.image_size = 128;
        config.data.split_seed = 3;
        assert!(!view.is_stale(&Source::of(&config)), "nothing is held out");
        config.data.held_out = 0.2;
        assert!(view.is_stale(&Source::of(&config)));
    }

    #[test]
    fn a_failure_forgets_what_was_read_before() {
        let mut view = DataView { summary: Some(DataSummary::default()), ..DataView::default() };
        view.apply(JobEvent::Failed { message: "no such folder".to_owned() });
        assert_eq!((view.reading(), view.classes()), (&Reading::Failed("no such folder".to_owned()), None));
    }
}
