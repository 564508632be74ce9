//! Scores a run while it trains: real images are looked at once, the averaged generator's as often as it is scored.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use candle_core::{Device, Tensor};

use super::feed::noise;
use super::reference::{Featurizer, Reference, TOGETHER};
use super::sheet::{cells, sheet};
use crate::config::rng::{Purpose, stream};
use crate::config::{Config, Metric};
use crate::data::{COPIES, Dataset, Opened, altered};
use crate::event::{GridPicture, Nearest, Score, ScoreProgress};
use crate::feature::Extractor;
use crate::metric::Features;
use crate::metric::report::{
    self, Gallery, Known, Near, Report, SMALL_CLASS, Sets, Settings, Side, Warning, applies, paired, scores_knowing,
    similarities,
};
use crate::model::ParameterStore;
use crate::train::Trainer;

/// Images that go through the generator at a time.
pub(super) const CHUNK: usize = 32;

/// The labels of fakes are those of the real images looked at, one for one.
const LABELS: &str = "of-reals";

/// Compares real images with as many of the averaged generator with the same labels. Noise and real images are the same at
/// every score of a run, so that scores differ by the generator alone.
pub(super) struct Scorer {
    eye: Featurizer,
    settings: Settings,
    classes: usize,
    /// The real images that are looked at.
    chosen: Vec<usize>,
    real: Reference,
    held_out: Option<Reference>,
    /// How near real images lie to those that are trained on, where a score asks for it.
    near: Option<Near>,
    /// Altered copies of the real images, where a score asks for them.
    altered: Option<(Features, Vec<u32>)>,
    /// Whether the data names its patients.
    patients: bool,
}

/// The fakes of one score.
struct Fakes {
    features: Features,
    logits: Option<Features>,
    /// Those whose pixels are wanted once more.
    pixels: BTreeMap<usize, Vec<u8>>,
}

/// What was measured at a step.
pub(super) struct Taken {
    pub scores: Vec<Score>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

impl Scorer {
    /// Looks at the real images: all, or `score.images` of them, the classes in their own shares. `go_on` is asked between
    /// chunks; nothing is returned where it says no.
    pub fn new(
        config: &Config,
        dataset: &Dataset,
        go_on: &mut dyn FnMut(ScoreProgress) -> bool,
    ) -> anyhow::Result<Option<Self>> {
        let extractor = Extractor::named(&config.score.extractor)?;
        let eye = Featurizer { extractor, resize: config.score.resize };
        let chosen = choose(dataset, config.score.images);
        let cache = config.data.cache_folder();
        let Some(real) = eye.real(dataset, &chosen, cache.as_deref(), go_on)? else { return Ok(None) };
        let mut held_out = None;
        if let Some(other) = dataset.held_out() {
            let all: Vec<usize> = (0..other.len()).collect();
            let go_on = &mut |progress| go_on(ScoreProgress { doing: "held-out images", ..progress });
            let Some(seen) = eye.real(other, &all, cache.as_deref(), go_on)? else { return Ok(None) };
            held_out = Some(seen);
        }
        let classes = dataset.class_names().len();
        let mut metrics = config.score.measured();
        metrics.retain(|metric| applies(*metric, classes, eye.extractor.logits() > 0));
        let near = metrics.contains(&Metric::AuthenticPercent) || metrics.contains(&Metric::NearestReal);
        let settings = Settings { metrics, k: config.score.k, ..Settings::default() };
        // That there are too few images for it is told with its scores.
        let of_reals = || Near::of(side(&real), held_out.as_ref().map(side), classes, settings.seed).ok();
        let near = if near { of_reals() } else { None };
        let mut scorer =
            Self { eye, settings, classes, chosen, real, held_out, near, altered: None, patients: named(dataset) };
        if scorer.held_out.is_some() && scorer.settings.metrics.contains(&Metric::WorthAltered) {
            let Some(altered) = scorer.alter(config, dataset, go_on)? else { return Ok(None) };
            scorer.altered = Some(altered);
        }
        Ok(Some(scorer))
    }

    /// Looks at altered copies of the real images.
    fn alter(
        &self,
        config: &Config,
        dataset: &Dataset,
        go_on: &mut dyn FnMut(ScoreProgress) -> bool,
    ) -> anyhow::Result<Option<(Features, Vec<u32>)>> {
        let (side, channels, mirrored) = (dataset.size(), dataset.channels(), config.score.mirrored);
        let all: Vec<(usize, usize)> =
            (0..COPIES).flat_map(|copy| (0..self.chosen.len()).map(move |image| (image, copy))).collect();
        let mut seen = crate::feature::Seen::default();
        for (at, part) in all.chunks(TOGETHER).enumerate() {
            if !go_on(ScoreProgress { doing: "altered images", done: at * TOGETHER, total: all.len() }) {
                return Ok(None);
            }
            let copy = |(image, copy): &(usize, usize)| {
                let pixels = dataset.pixels(self.chosen[*image]).to_vec();
                let image_itself = Opened { pixels, height: side, width: side, channels };
                altered(&image_itself, mirrored, config.train.seed, (*image, *copy)).pixels
            };
            let pixels: Vec<u8> = part.iter().flat_map(copy).collect();
            seen.features.extend(self.eye.look(&pixels, side, channels)?.features);
        }
        let labels = all.iter().map(|(image, _)| self.real.labels[*image]).collect();
        Ok(Some((self.eye.features(&seen).context("features of the altered images")?, labels)))
    }

    /// Scores the averaged generator. `go_on` is asked between chunks; nothing is returned where it says no.
    pub fn score(
        &self,
        config: &Config,
        (trainer, average): (&Trainer, &ParameterStore),
        dataset: &Dataset,
        device: &Device,
        go_on: &mut dyn FnMut(ScoreProgress) -> bool,
    ) -> anyhow::Result<Option<Taken>> {
        let Some(fakes) = self.draw(config, (trainer, average), device, 0, go_on)? else { return Ok(None) };
        let mut more = None;
        if self.held_out.is_some() && self.settings.metrics.contains(&Metric::WorthDouble) {
            let Some(drawn) = self.draw(config, (trainer, average), device, 1, go_on)? else { return Ok(None) };
            more = Some(drawn.features);
        }
        let sets = Sets {
            classes: self.classes,
            real: side(&self.real),
            fake: Side { features: &fakes.features, labels: &self.real.labels, logits: fakes.logits.as_ref() },
            held_out: self.held_out.as_ref().map(side),
        };
        let labels = &self.real.labels;
        let known = Known {
            statistics: &self.real.statistics,
            near: self.near.as_ref(),
            altered: self.altered.as_ref().map(|(features, labels)| Side { features, labels, logits: None }),
            more: more.as_ref().map(|features| Side { features, labels, logits: None }),
            patients: self.patients,
            groups: dataset.held_out().map_or(&[][..], Dataset::units),
            shared: 0, // Images with the same pixels are never parted.
        };
        let mut computing = |metric: Metric, done, total| go_on(ScoreProgress { doing: metric.name(), done, total });
        let mut report = match scores_knowing(&sets, known, &self.settings, &mut computing) {
            Ok(report) => report,
            Err(crate::metric::MetricError::Cancelled) => return Ok(None),
            Err(err) => return Err(err).context("the scores of the generated images"),
        };
        if self.settings.metrics.contains(&Metric::MsSsim) {
            let found = self.similarities(dataset, &fakes, go_on);
            if found.is_empty() {
                let reason = crate::metric::MetricError::Few { images: dataset.size(), needed: 11 };
                let metrics = vec![Metric::MsSsim];
                report.warnings.push(Warning::Missing { metrics, classes: Vec::new(), reason });
            }
            report.scores.extend(found);
        }
        Ok(Some(self.told(config, dataset, &report)))
    }

    /// As many images as there are real ones, with their labels; each `round` of them from noise of its own.
    fn draw(
        &self,
        config: &Config,
        (trainer, average): (&Trainer, &ParameterStore),
        device: &Device,
        round: u64,
        go_on: &mut dyn FnMut(ScoreProgress) -> bool,
    ) -> anyhow::Result<Option<Fakes>> {
        let (size, channels) = (config.image_size, config.channels);
        let wanted = if round == 0 { self.wanted_pixels() } else { BTreeSet::new() };
        let mut rng = stream(config.train.seed, Purpose::Score, round);
        let (mut seen, mut pixels, mut drawn) = (crate::feature::Seen::default(), BTreeMap::new(), 0);
        for labels in self.real.labels.chunks(TOGETHER) {
            if !go_on(ScoreProgress { doing: "generated images", done: drawn, total: self.real.labels.len() }) {
                return Ok(None);
            }
            let z = noise(&mut rng, labels.len(), config.generator.latent_dim, device)?;
            let images = trainer.images(average, &z, &Tensor::new(labels, device)?, CHUNK)?;
            for (image, content) in (drawn..).zip(images.chunks_exact(size * size * channels)) {
                if wanted.contains(&image) {
                    pixels.insert(image, content.to_vec());
                }
            }
            drawn += labels.len();
            let part = self.eye.look(&images, size, channels)?;
            seen.features.extend(part.features);
            seen.logits.extend(part.logits);
        }
        let failed = "features of the generated images";
        let (features, logits) = (self.eye.features(&seen).context(failed)?, self.eye.logits(&seen).context(failed)?);
        Ok(Some(Fakes { features, logits, pixels }))
    }

    fn wanted_pixels(&self) -> BTreeSet<usize> {
        if self.settings.metrics.contains(&Metric::MsSsim) {
            paired(&self.real.labels, self.classes, self.settings.seed)
        } else {
            BTreeSet::new()
        }
    }

    fn similarities(
        &self,
        dataset: &Dataset,
        fakes: &Fakes,
        go_on: &mut dyn FnMut(ScoreProgress) -> bool,
    ) -> Vec<report::Score> {
        let of_real = |image: usize| self.chosen.get(image).map(|chosen| dataset.pixels(*chosen).to_vec());
        let of_fake = |image: usize| fakes.pixels.get(&image).cloned();
        let (labels, side, channels) = (&self.real.labels[..], dataset.size(), dataset.channels());
        similarities(
            Gallery { labels, open: &of_real, side, channels },
            Gallery { labels, open: &of_fake, side, channels },
            self.classes,
            self.settings.seed,
            &mut |done, total| go_on(ScoreProgress { doing: Metric::MsSsim.name(), done, total }),
        )
    }

    /// A report as it is told.
    fn told(&self, config: &Config, dataset: &Dataset, report: &Report) -> Taken {
        let names = dataset.class_names();
        let told = |score: &report::Score| {
            let pixels = score.metric == Metric::MsSsim;
            Score {
                step: 0,
                metric: score.metric.name().to_owned(),
                extractor: if pixels { "pixels" } else { self.eye.extractor.name() }.to_owned(),
                trained_on: !pixels && config.trains_on() == Some(self.eye.extractor.name()),
                resize: if pixels { "" } else { self.eye.resize.name() }.to_owned(),
                class: score.class.and_then(|class| names.get(class).cloned()),
                samples: score.fakes,
                reals: Some(score.reals),
                labels: LABELS.to_owned(),
                seed: config.train.seed,
                k: has_radius(score.metric).then_some(self.settings.k),
                value: score.value,
                spread: score.spread,
                interval: score.interval,
                patients: score.patients,
                baseline: score.baseline,
                caution: caution(score, report),
                seconds: 0.0,
            }
        };
        let missing = report.warnings.iter().filter(|warning| matches!(warning, Warning::Missing { .. }));
        let mut scores: Vec<&report::Score> = report.scores.iter().collect();
        scores.sort_by_key(|score| (score.metric, score.class));
        Taken {
            scores: scores.into_iter().map(told).collect(),
            missing: missing.map(|warning| warning.text(&names)).collect(),
        }
    }

    /// Whether the nearest real images of the grid's are wanted, and can be found.
    pub fn shows_nearest(&self) -> bool {
        self.settings.metrics.contains(&Metric::NearestReal) && self.near.is_some()
    }

    /// The nearest real image of each image of a grid, at its place, and how near it is.
    pub fn nearest(&self, grid: &GridPicture, dataset: &Dataset) -> anyhow::Result<(GridPicture, Nearest)> {
        let seen = self.eye.look(&cells(grid), grid.cell, 3)?;
        let near = self.near.as_ref().context("the nearest real images are not asked for")?;
        let found = near.nearest(&self.real.features, &self.eye.features(&seen)?)?;
        let images = found.iter().map(|nearest| dataset.pixels(self.chosen[nearest.index]));
        let picture = sheet(grid.step, (grid.rows, grid.columns), (grid.cell, dataset.channels()), images);
        #[expect(clippy::cast_possible_truncation, reason = "a distance is told with few digits")]
        let distances = found.iter().map(|nearest| nearest.distance as f32).collect();
        let about = Nearest {
            step: grid.step,
            file: String::new(),
            extractor: self.eye.extractor.name().to_owned(),
            distances,
            authentic: found.iter().map(|nearest| nearest.authentic).collect(),
        };
        Ok((picture, about))
    }
}

fn side(real: &Reference) -> Side<'_> {
    Side { features: &real.features, labels: &real.labels, logits: real.logits.as_ref() }
}

/// Whether a score depends on k.
fn has_radius(metric: Metric) -> bool {
    matches!(metric, Metric::Precision | Metric::Recall | Metric::Density | Metric::Coverage)
}

/// Why a score is to be read with care.
fn caution(score: &report::Score, report: &Report) -> Option<String> {
    if score.metric.beside().is_some() {
        return caution_of_worth(score, report);
    }
    let few = |warning: &Warning| match (warning, score.metric, score.class) {
        (Warning::FewForFrechet { images, features }, Metric::FrechetDistance, None) => Some(format!(
            "{images} images for {features} features: too large by an amount that depends on their number; compare it only for equal numbers"
        )),
        (Warning::SplitReals { held_out }, Metric::Copying | Metric::ClassifierAccuracy, None) => {
            Some(format!("no images were held out of training: {held_out} that were trained on stand in for them"))
        }
        _ => None,
    };
    let small = score.class.is_some() && score.reals.min(score.fakes) < SMALL_CLASS;
    let small = small.then(|| format!("a class of fewer than {SMALL_CLASS} images: it says little"));
    small.or_else(|| report.warnings.iter().find_map(few))
}

/// The same of what fakes are worth, where all that there is to say matters.
fn caution_of_worth(score: &report::Score, report: &Report) -> Option<String> {
    let mut said = Vec::new();
    if score.class.is_some() && score.reals < SMALL_CLASS {
        said.push(format!("only {} held-out images of the class: see how wide the interval is", score.reals));
    }
    for warning in report.warnings.iter().filter(|_| score.class.is_none()) {
        if let Warning::WithinChance { metric, difference, interval: [low, high] } = warning
            && *metric == score.metric
        {
            let range = format!("({low:+.3} to {high:+.3})");
            said.push(format!("{difference:+.3} against real images alone, which is within chance {range}"));
        }
        if *warning == Warning::Strangers {
            said.push("nobody said which images are of one patient (data.group_by): with patients on both sides of the split it is too high".to_owned());
        }
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// Whether it is known which images are of one patient. Those of the drawn set are of none.
fn named(dataset: &Dataset) -> bool {
    let about = dataset.summary();
    about.patients || about.source == crate::config::DEMO
}

/// Which real images are looked at: all, or about `wanted` of them, spread evenly over every class.
fn choose(dataset: &Dataset, wanted: usize) -> Vec<usize> {
    let total = dataset.len();
    if wanted == 0 || wanted >= total {
        return (0..total).collect();
    }
    // Image i of n is taken where the rounded share grows, which keeps the shares of classes that stand one after another.
    (0..total).filter(|i| (i + 1) * wanted / total > i * wanted / total).collect()
}
