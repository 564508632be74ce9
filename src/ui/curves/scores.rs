//! The scores of a run as curves: one for all classes, one for each class.

use std::path::PathBuf;

use super::super::run_view::RunView;
use crate::chart::Series;
use crate::event::Score;

/// What a Frechet distance is, and what it is not.
pub(super) const SCORE_ABOUT: &str = "Scores compare the features of generated images with those of real ones; of a distance, lower is better. \
The features come from the network named here, so the numbers are not the FID of papers unless that is Inception. \
Only scores with the same network and the same number of images can be compared. \
A network that is also in the loss judges its own pupil: such scores look better than the images are.";

/// Scores of one metric and extractor.
#[derive(Debug)]
pub(super) struct Group {
    pub metric: String,
    /// As [`Score::judge`] names it.
    pub extractor: String,
    /// Images on either side, of the newest score.
    pub samples: usize,
    /// Scores of all classes together.
    pub all: Series,
    /// Scores of each class that has any, in the order in which they were told.
    pub classes: Vec<(String, Series)>,
}

/// The scores of a run, made into curves when there are others.
#[derive(Debug, Default)]
pub(super) struct Scores {
    of: (PathBuf, usize, Option<Score>),
    groups: Vec<Group>,
}

impl Scores {
    /// Takes in the scores of a run where they have changed.
    pub fn refresh(&mut self, view: &RunView) {
        let scores = view.scores();
        if self.of.0 == view.folder() && self.of.1 == scores.len() && self.of.2.as_ref() == scores.last() {
            return;
        }
        self.of = (view.folder().to_owned(), scores.len(), scores.last().cloned());
        self.groups.clear();
        for score in scores {
            self.take(score);
        }
    }

    fn take(&mut self, score: &Score) {
        let same = |group: &Group| group.metric == score.metric && group.extractor == score.judge();
        let at = self.groups.iter().position(same).unwrap_or_else(|| {
            self.groups.push(Group {
                metric: score.metric.clone(),
                extractor: score.judge().into_owned(),
                samples: 0,
                all: Series::default(),
                classes: Vec::new(),
            });
            self.groups.len() - 1
        });
        let group = &mut self.groups[at];
        let series = match &score.class {
            None => {
                group.samples = score.samples;
                &mut group.all
            }
            Some(class) => {
                let at = group.classes.iter().position(|(name, _)| name == class).unwrap_or_else(|| {
                    group.classes.push((class.clone(), Series::default()));
                    group.classes.len() - 1
                });
                &mut group.classes[at].1
            }
        };
        series.push(score.step, score.value as f32);
    }

    /// One for each metric and extractor.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Whether there are scores of single classes.
    pub fn has_classes(&self) -> bool {
        self.groups.iter().any(|group| !group.classes.is_empty())
    }
}
