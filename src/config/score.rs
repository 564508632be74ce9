//! `[score]`: its keys, what they mean, what can be measured, and what is wrong with them.

use serde::{Deserialize, Serialize};

use super::key::{Condition, section};
use super::problem::ProblemList;
use super::{Choice, ExtractorName, Metric, Resize, Shipped};

/// Scores that go by the nearest neighbours.
const NEIGHBOURS: Condition<Score> =
    Condition::new("for precision, recall, density or coverage", &["score.metrics"], |c| {
        let by = [Metric::Precision, Metric::Recall, Metric::Density, Metric::Coverage];
        c.measured().iter().any(|metric| by.contains(metric))
    });

/// Scores of a classifier that learns from altered copies.
const ALTERED: Condition<Score> = Condition::new("with worth-altered among the scores", &["score.metrics"], |c| {
    c.measured().contains(&Metric::WorthAltered)
});

section! {
    /// `[score]`: how often the images are scored, by what, and on how many.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default = "Score::first_release", deny_unknown_fields)]
    Score in score {
        every: usize = 1000, "Score every", live, says("steps; 0 never"), paper("Heusel et al. 2017") =>
            "Steps between scores of the averaged generator. Training waits while they are computed, and its steps are the same with and without them.",
        images: usize = 0, "Images scored", live, says("0 takes all") =>
            "Real images that a score uses, and as many fakes with the same labels. Scores with different numbers of images cannot be compared.",
        metrics: Vec<Metric> = vec![Metric::FrechetDistance, Metric::IntraClassFrechetDistance, Metric::Coverage, Metric::AuthenticPercent, Metric::NearestReal],
            "Metrics", live, says("list of names, such as [\"frechet-distance\", \"precision\"]") =>
            "What is measured, over all images and, where that makes sense, for each class. Kernel distances suit small sets; coverage detects missing variety more reliably than recall; copying, authentic-percent and nearest-real look for memorised images, a few of which can escape all three (look at the pictures of nearest-real), and an alarm is raised where nearest-real falls below 0.8 of the value for real images; the classifier shows what fakes are worth as training data, and the `worth` scores what they add to the real images (they need `data.held_out`).",
        extractor: String = Shipped::DEFAULT.key().to_owned(), "Extractor", live, says("\"efficientnet-lite2\", \"efficientnet-lite0\", or \"inception:FILE\""),
            paper("Szegedy et al. 2015; Tan & Le 2019") =>
            "The network whose features are compared. With the published Inception weights (pt_inception-2015-12-05-6726825d.pth) the Frechet distance is the FID, which is comparable with that of papers only for as many images (most use 50000 fakes) of the same size and the same `resize`; the compiled-in networks are many times faster, and the values of each are comparable only with each other. A loss can train on `efficientnet-lite0`, whose scores then look better than the images are, so `efficientnet-lite2` is the default; it takes somewhat more than twice as long.",
        resize: Resize = Resize::PytorchFid, "Resize like", live, paper("Parmar et al. 2022") =>
            "How images are resized for the extractor, as one of the well-known programs does it. Scores with different resizes cannot be compared.",
        k: usize = 5, "Neighbours (k)", live, within(1..=1000), when(NEIGHBOURS), paper("Naeem et al. 2020") =>
            "Which nearest neighbour sets the radius for precision, recall, density or coverage. Papers use 3 or 5.",
        mirrored: bool = false, "Mirror copies", live, when(ALTERED) =>
            "Whether the altered copies of `worth-altered` are also mirrored at random, left to right and upside down. Only for images without sides, such as cells: a mirrored chest is no chest, and would make classical augmentation look worse than it is.",
        best: String = Metric::FrechetDistance.key().to_owned(), "Best checkpoint by", live, says("the name of a score, or \"none\"") =>
            "The checkpoint with the best value of this score is kept and marked, whatever else is removed. The last checkpoint of a GAN is seldom its best. This score is also measured where `metrics` lacks it.",
        most_time: f64 = 1.0, "Largest share of time", live, within(0.01..=1.0), unit(", a share") =>
            "The largest share of the run's time that scores may take: one that would take more is skipped, except the last. At 1 none is. A limit below 1 makes the steps that are scored depend on the machine's speed; training itself never does.",
    }
}

/// The `score.best` that keeps no checkpoint.
pub const NOTHING: &str = "none";

impl Score {
    /// What a stored run means that lacks a key: it was scored as the first release did it, whatever new runs take.
    pub(super) fn first_release() -> Self {
        Self {
            metrics: vec![Metric::FrechetDistance, Metric::IntraClassFrechetDistance],
            extractor: Shipped::EfficientNetLite0.key().to_owned(),
            ..Self::default()
        }
    }

    /// The metric whose best checkpoint is kept.
    pub fn best_metric(&self) -> Option<Metric> {
        Metric::named(&self.best)
    }

    /// Everything that is measured, in the order of [`Metric`]: `metrics`, and `best` where it is not among them.
    pub fn measured(&self) -> Vec<Metric> {
        let wanted = |metric: &Metric| self.metrics.contains(metric) || self.best_metric() == Some(*metric);
        Metric::ALL.iter().copied().filter(wanted).collect()
    }

    /// The file of the user's weights, where the extractor has one.
    pub fn weights(&self) -> Option<&str> {
        ExtractorName::inception_file(&self.extractor)
    }

    /// What worth is measured on lies in another section.
    fn check_worth(&self, held_out: f64, list: &mut ProblemList) {
        if held_out == 0.0 && self.measured().iter().any(|metric| metric.beside().is_some()) {
            list.warning("score.metrics", "the worth of fakes is measured on real images that training has never seen, and none are held out: these scores are left out. Hold a part of the images out (data.held_out), whole patients at a time (data.group_by)").fix("data.held_out", "0.2");
        }
    }

    /// The problems that lie in these keys, for data of which this share is held out.
    pub(super) fn check(&self, held_out: f64, list: &mut ProblemList) {
        if ExtractorName::parse(&self.extractor).is_none() {
            let known = ExtractorName::known();
            list.mended_by_default("score.extractor", format!("`{}` is not known; there are {known}", self.extractor));
        }
        if self.images == 1 {
            list.error("score.images", "a distance between distributions needs at least 2 images (0 takes all)")
                .fix("score.images", 0);
        }
        match self.best_metric() {
            None if self.best != NOTHING => {
                list.mended_by_default(
                    "score.best",
                    format!("there is no score `{}`; name one of score.metrics, or {NOTHING}", self.best),
                );
            }
            Some(metric) if metric.prefers().is_none() => {
                list.mended_by_default("score.best", format!("neither high nor low values of {metric} are good in themselves, so it has no best value; choose another score, such as frechet-distance"));
            }
            Some(_) | None => {}
        }
        if self.every == 0 {
            return;
        }
        if self.measured().is_empty() {
            list.mended_by_default("score.metrics", "no scores are named; name one, or set score.every to 0");
        }
        self.check_worth(held_out, list);
        if self.measured().contains(&Metric::InceptionScore) && self.weights().is_none() {
            let problem = list.warning("score.metrics", "inception-score needs the classes of the Inception network and is left out: choose the extractor inception:FILE");
            let others: Vec<&str> = self
                .metrics
                .iter()
                .filter(|metric| **metric != Metric::InceptionScore)
                .map(|metric| metric.name())
                .collect();
            problem.fix("score.metrics", format!("{others:?}"));
            if self.best_metric() == Some(Metric::InceptionScore) || others.is_empty() {
                problem.fix("score.best", Metric::FrechetDistance.name());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Level;
    use crate::config::problem::tests::problems;

    #[test]
    fn what_cannot_be_measured_is_told() {
        let error = |key: &'static str| vec![(Level::Error, key)];
        assert_eq!(problems(&["score.extractor=vgg"]), error("score.extractor"));
        assert_eq!(problems(&["score.extractor=inception:"]), error("score.extractor"));
        assert_eq!(problems(&["score.k=0"]), error("score.k"));
        assert_eq!(problems(&["score.most_time=0"]), error("score.most_time"));
        assert_eq!(problems(&["score.best=fid"]), error("score.best"));
        assert_eq!(problems(&["score.best=copying"]), error("score.best"));
        assert_eq!(problems(&["score.best=none", "score.metrics=[]"]), error("score.metrics"));
        assert_eq!(problems(&["score.best=none", "score.metrics=[]", "score.every=0"]), []);
        let inception = "score.metrics=[\"inception-score\"]";
        assert_eq!(problems(&[inception]), [(Level::Warning, "score.metrics")]);
        assert_eq!(problems(&[inception, "score.extractor=inception:weights.pth"]), []);
    }

    #[test]
    fn the_best_one_is_measured_too() {
        let score = Score { metrics: vec![Metric::Recall], best: "precision".to_owned(), ..Score::default() };
        assert_eq!(score.measured(), [Metric::Precision, Metric::Recall]);
    }
}
