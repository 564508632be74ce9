//! All scores of a set of fakes at once, as plain numbers with what is needed to read them: how many images, which class,
//! how sure, what real images score, and what stands in the way.
//!
//! ```no_run
//! # use gandle::metric::{Features, report::{Settings, Side, Sets, scores}};
//! # fn judge(real: Features, real_labels: &[u32], fake: Features, fake_labels: &[u32]) -> anyhow::Result<()> {
//! let sets = Sets {
//!     classes: 3,
//!     real: Side { features: &real, labels: real_labels, logits: None },
//!     fake: Side { features: &fake, labels: fake_labels, logits: None },
//!     held_out: None,
//! };
//! let report = scores(&sets, &Settings::default(), &mut |_, _, _| true)?;
//! for score in &report.scores {
//!     println!("{} {:?} {}", score.metric, score.class, score.value);
//! }
//! # Ok(())
//! # }
//! ```

mod compute;
mod groups;
mod near;
mod neighbours;
mod pairs;
mod split;
mod worth;

pub use crate::config::Metric;
pub use compute::{Known, scores, scores_knowing};
pub use near::Near;
pub use pairs::{Gallery, paired, similarities};
pub use split::split;

use super::{Features, MetricError, Nearest};
use crate::config::Choice as _;

/// A class with fewer images than this on either side has scores that say little.
pub const SMALL_CLASS: usize = 50;

/// Whether a metric can be measured at all with so many classes, by an extractor with or without logits.
pub fn applies(metric: Metric, classes: usize, logits: bool) -> bool {
    match metric {
        Metric::InceptionScore => logits,
        Metric::IntraClassFrechetDistance
        | Metric::ClassifierAccuracy
        | Metric::ClassifierBalancedAccuracy
        | Metric::ClassifierRecall
        | Metric::ClassifierAuc
        | Metric::WorthReal
        | Metric::WorthAltered
        | Metric::WorthHalf
        | Metric::WorthEqual
        | Metric::WorthDouble => classes > 1,
        Metric::FrechetDistance
        | Metric::KernelDistance
        | Metric::KernelDistanceSubsets
        | Metric::Precision
        | Metric::Recall
        | Metric::Density
        | Metric::Coverage
        | Metric::AuthenticPercent
        | Metric::Copying
        | Metric::VendiScore
        | Metric::MsSsim
        | Metric::NearestReal => true,
    }
}

/// A number and what is needed to read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// What was measured.
    pub metric: Metric,
    /// The class, or nothing for all images together.
    pub class: Option<usize>,
    /// The score; always finite.
    pub value: f64,
    /// The standard deviation over subsets or splits, where there are any.
    pub spread: Option<f64>,
    /// The 95 % interval, where the score is a mean over images: by the bootstrap, or Wilson's of a recall that tells worth.
    pub interval: Option<[f64; 2]>,
    /// Patients (or other groups of images) that the interval draws, where it does not draw images.
    pub patients: Option<usize>,
    /// What real images score in place of the fakes, where that can be told.
    pub baseline: Option<f64>,
    /// Real images looked at.
    pub reals: usize,
    /// Fakes looked at.
    pub fakes: usize,
}

/// Why a score is to be read with care, or is missing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// With fewer images than features a Frechet distance is too large, the more so the fewer there are.
    FewForFrechet {
        /// Images of the smaller side.
        images: usize,
        /// Features of an image.
        features: usize,
    },
    /// A class has fewer than [`SMALL_CLASS`] images on a side.
    SmallClass {
        /// The class.
        class: usize,
        /// Its real images.
        reals: usize,
        /// Its fakes.
        fakes: usize,
    },
    /// A class has no image on one side, and therefore no scores of its own; means over the classes leave it out.
    MissingClass {
        /// The class.
        class: usize,
        /// Whether it is the fakes that lack it.
        fakes: bool,
    },
    /// No held-out images were given: a third of the real ones were taken out for it, which a generator that was trained
    /// on all of them has seen too.
    SplitReals {
        /// How many were held out.
        held_out: usize,
    },
    /// What stands beside real images makes no difference that could not be chance.
    WithinChance {
        /// The score.
        metric: Metric,
        /// Its difference from that of real images alone.
        difference: f64,
        /// The 95 % interval of that.
        interval: [f64; 2],
    },
    /// Nobody said which images are of one patient, so that the held-out ones may be of patients that were trained on.
    Strangers,
    /// Scores could not be computed.
    Missing {
        /// Which.
        metrics: Vec<Metric>,
        /// Of which classes; of none: of all images together.
        classes: Vec<usize>,
        /// Why not.
        reason: MetricError,
    },
}

impl Warning {
    /// In words, with the classes' names.
    pub fn text(&self, names: &[String]) -> String {
        let name = |class: &usize| names.get(*class).map_or_else(|| class.to_string(), |name| format!("`{name}`"));
        match self {
            Self::FewForFrechet { images, features } => format!(
                "frechet-distance: {images} images on one side for {features} features: the distance is too large by an \
                 amount that depends on their number; compare it only for equal numbers, or read kernel-distance"
            ),
            Self::SmallClass { class, reals, fakes } => format!(
                "class {}: {reals} real and {fakes} fake images: below {SMALL_CLASS}, its scores say little",
                name(class)
            ),
            Self::MissingClass { class, fakes } => format!(
                "class {}: there is no {} image of it, so it has no scores of its own and means over the classes leave \
                 it out",
                name(class),
                if *fakes { "fake" } else { "real" }
            ),
            Self::SplitReals { held_out } => format!(
                "no held-out images were given: {held_out} of the real ones stand in for them, which is weaker where \
                 the generator was trained on these too"
            ),
            Self::WithinChance { metric, difference, interval: [low, high] } => format!(
                "{metric}: {difference:+.3} against real images alone is within chance (95 % interval {low:+.3} to {high:+.3})"
            ),
            Self::Strangers => {
                "the worth of fakes: nobody said which images are of one patient; where the held-out ones \
                 are of patients that were trained on, all these numbers are too high"
                    .to_owned()
            }
            Self::Missing { metrics, classes, reason } => {
                let metrics: Vec<&str> = metrics.iter().map(|metric| metric.name()).collect();
                let of = match classes.as_slice() {
                    [] => String::new(),
                    [class] => format!(" of class {}", name(class)),
                    several => format!(" of classes {}", several.iter().map(name).collect::<Vec<_>>().join(", ")),
                };
                format!("left out: {}{of}: {reason}", metrics.join(", "))
            }
        }
    }
}

/// One side: images as an extractor sees them.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// Their features.
    pub features: &'a Features,
    /// Their classes, one an image.
    pub labels: &'a [u32],
    /// What the extractor's last layer says without its bias, where it has one.
    pub logits: Option<&'a Features>,
}

/// What is compared.
#[derive(Clone, Copy)]
pub struct Sets<'a> {
    /// Classes that there are; 1 where images have none.
    pub classes: usize,
    /// The real images that the generator was trained on.
    pub real: Side<'a>,
    /// The fakes.
    pub fake: Side<'a>,
    /// Real images that it was not trained on.
    pub held_out: Option<Side<'a>>,
}

/// Which scores, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What to compute. [`Metric::MsSsim`] needs pixels and is [`similarities`]' work.
    pub metrics: Vec<Metric>,
    /// Which neighbour makes the radius of precision, recall, density and coverage.
    pub k: usize,
    /// Where draws of subsets, splits and intervals start.
    pub seed: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { metrics: Metric::ALL.to_vec(), k: 5, seed: 2020 }
    }
}

/// Scores, and how to read them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// In the order of [`Metric::ALL`], all images together before the classes.
    pub scores: Vec<Score>,
    /// What to take care of.
    pub warnings: Vec<Warning>,
    /// For each fake its nearest real image, where a score of neighbours was asked for.
    pub nearest: Vec<Nearest>,
}

impl Report {
    /// The score of a metric, of all images or of one class.
    pub fn get(&self, metric: Metric, class: Option<usize>) -> Option<&Score> {
        self.scores.iter().find(|score| score.metric == metric && score.class == class)
    }
}
