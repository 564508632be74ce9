//! What the user chose about the window, kept between starts.

use super::compare::CompareSettings;
use super::explore::KeptSeed;
use super::page::Page;
use super::plot::ChartSettings;
use super::samples::SampleSettings;
use super::status_bar::Drawers;
use super::theme::{self, ThemeChoice};

/// Folders that are remembered.
const RECENT: usize = 8;

/// What the user chose about the window; it is kept between starts.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Data folders that were used, newest first.
    pub recent: Vec<String>,
    /// The folder that was chosen for sessions; empty for the usual one.
    pub sessions: String,
    /// The page that is open.
    pub page: Page,
    /// The smoothing slider of the curves.
    pub smoothing: f64,
    /// What is chosen about the curves.
    pub charts: ChartSettings,
    /// What is chosen about the samples.
    pub samples: SampleSettings,
    /// Light or dark.
    pub theme: ThemeChoice,
    /// Steps a second of a paused run in slow motion.
    pub slow_motion: f64,
    /// Width of the set-up, in points.
    pub setup_width: f32,
    /// Share of the samples in the width of the Run page.
    pub split: f32,
    /// The drawers that are open.
    pub drawers: Drawers,
    /// How runs are compared.
    pub compare: CompareSettings,
    /// Seeds that are worth coming back to.
    pub seeds: Vec<KeptSeed>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            recent: Vec::new(),
            sessions: String::new(),
            page: Page::Run,
            smoothing: 0.6,
            charts: ChartSettings::default(),
            samples: SampleSettings::default(),
            theme: ThemeChoice::System,
            slow_motion: 2.0,
            setup_width: theme::SETUP_WIDTH,
            split: 0.5,
            drawers: Drawers::default(),
            compare: CompareSettings::default(),
            seeds: Vec::new(),
        }
    }
}

impl Settings {
    /// Puts a folder in front of the recent ones.
    pub fn remember(&mut self, folder: &str) {
        self.recent.retain(|other| other != folder);
        self.recent.insert(0, folder.to_owned());
        self.recent.truncate(RECENT);
    }
}
