//! What is known about the configuration of the set-up: its problems, its nearest preset, its cost.

use super::super::data_view::DataView;
use super::super::number;
use super::fit;
use crate::config::{Config, Level, Preset, Problem, cost::Cost, options};

/// Classes of the drawn demo set, which stand in until the data is read.
pub(super) const DEMO_CLASSES: usize = 6;

/// The key whose fields are named by a class each.
/// How the names of the fields of class factors begin.
pub(super) const CLASS_FACTOR: &str = "class-factor ";
const CLASS_FACTORS_KEY: &str = "data.class_factors";

/// What is known about a configuration, kept until it changes.
#[derive(Clone, Debug)]
pub struct Checked {
    config: Config,
    classes: Option<usize>,
    /// The problems of its data.
    found: Vec<Problem>,
    /// Its problems and those of its data, errors first.
    pub problems: Vec<Problem>,
    /// The preset that it is nearest to.
    pub preset: Preset,
    /// That preset's configuration, as it is with images of this size.
    pub base: Config,
    /// Keys whose values differ from the preset's.
    pub changed: Vec<String>,
    /// What it costs.
    pub cost: Cost,
    /// Numbers that somebody typed and that are none: what holds instead is not what they meant.
    refused: Vec<String>,
}

impl Checked {
    /// Checks a configuration and what is known of its data.
    pub fn new(config: &Config, data: &DataView) -> Self {
        let (classes, found) = (data.classes(), data.problems().to_vec());
        let mut problems = config.check(classes);
        problems.extend(found.iter().cloned());
        problems.sort_by_key(|problem| problem.level == Level::Warning);
        let preset = fit::nearest_preset(config);
        let base = fit::preset_beside(preset, config);
        let changed = config.differences(&base).into_iter().map(|(key, ..)| key).collect();
        Self {
            config: config.clone(),
            classes,
            found,
            problems,
            preset,
            base,
            changed,
            cost: config.cost(classes.unwrap_or(DEMO_CLASSES)),
            refused: Vec::new(),
        }
    }

    /// Checks again where something changed.
    pub fn refresh(&mut self, config: &Config, data: &DataView) {
        if self.config != *config || self.classes != data.classes() || self.found != data.problems() {
            *self = Self { refused: std::mem::take(&mut self.refused), ..Self::new(config, data) };
        }
    }

    /// Takes in what stands refused in the fields of the set-up.
    pub fn look_at_fields(&mut self, ctx: &egui::Context) {
        let of_set_up = |name: &str| options::find(name).is_some() || name.starts_with(CLASS_FACTOR);
        let shown = |name: &str| match name.strip_prefix(CLASS_FACTOR) {
            Some(class) => format!("{}, {class}", options::label(CLASS_FACTORS_KEY)),
            None => options::label(name),
        };
        let told =
            |(name, why): (String, String)| format!("{}: {why}. Type another, or press Esc in the field", shown(&name));
        self.refused = number::refused(ctx, of_set_up).into_iter().map(told).collect();
    }

    /// Why a run cannot start with it.
    pub fn blockers(&self) -> Vec<String> {
        let errors = self.problems.iter().filter(|problem| problem.level == Level::Error);
        let told = |problem: &Problem| match self.found.contains(problem) {
            true => problem.in_window(),
            false => format!("{}: {}", problem.label(), problem.in_window()),
        };
        errors.map(told).chain(self.refused.iter().cloned()).collect()
    }

    /// Whether a step can be taken with it, whatever the data.
    pub fn can_be_measured(&self) -> bool {
        !self.problems.iter().any(|problem| problem.level == Level::Error && !self.found.contains(problem))
    }
}
