//! The curves of a run, one chart below the other, with one step axis and one cursor for all.

mod chart_ui;
mod charts;
mod figure;
mod head;
mod keys;
mod meaning;
mod meaning_ui;
mod paint;
mod pins;
mod raster;
mod scale;
mod scores;
mod svg;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

use egui::Ui;

use super::action::Action;
use super::run_view::RunView;
use super::{theme, widgets};
use crate::event::Edited;
use charts::Chart;
use figure::Ask;
use keys::Keys;
use paint::{Look, Marks};
use scores::Scores;

pub use figure::FigureFormat;
pub(in crate::ui) use scale::{rounds, span};

/// What the user chose about the charts; it is kept between starts.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ChartSettings {
    /// Charts that are not shown.
    pub hidden: Vec<String>,
    /// Charts whose values stand on a logarithmic axis.
    pub log_y: Vec<String>,
    /// Whether steps stand on a logarithmic axis.
    pub log_x: bool,
    /// Whether axes of values leave out what lies outside the 1st to the 99th percentile.
    pub ignore_outliers: bool,
    /// Whether scores are drawn for each class.
    pub classes: bool,
    /// Whether what the losses mean is said.
    pub meaning: bool,
}

impl Default for ChartSettings {
    fn default() -> Self {
        let (hidden, log_y) = (vec!["left".to_owned()], Vec::new());
        Self { hidden, log_y, log_x: false, ignore_outliers: true, classes: true, meaning: false }
    }
}

impl ChartSettings {
    /// Adds a name to a list that has it not, or takes it out.
    fn toggle(list: &mut Vec<String>, id: &str) {
        match list.iter().position(|known| known == id) {
            Some(at) => _ = list.remove(at),
            None => list.push(id.to_owned()),
        }
    }
}

/// The smallest height of a chart.
const LEAST_HEIGHT: f32 = theme::PLOT_HEIGHT + 82.0;

/// How the charts of a run are looked at, and what was made of its scores.
#[derive(Debug, Default)]
pub struct Charts {
    folder: PathBuf,
    /// The steps that are shown, where not all are.
    range: Option<(f64, f64)>,
    /// The values that are shown, of charts where that was chosen.
    values: BTreeMap<String, (f64, f64)>,
    /// The step under the pointer.
    cursor: Option<f64>,
    pins: Vec<usize>,
    marks: Marks,
    scores: Scores,
}

/// What the charts asked for.
#[derive(Default)]
pub(super) struct Asked {
    pub actions: Vec<Action>,
    /// The step whose samples are wanted.
    pub go_to: Option<usize>,
    save: Option<Ask>,
}

impl Charts {
    /// Draws all charts. `smoothing` is the slider, from 0 to 1; `at` is the step whose samples are shown, where that is not
    /// the newest.
    #[must_use]
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        view: &RunView,
        smoothing: &mut f64,
        settings: &mut ChartSettings,
        at: Option<usize>,
    ) -> Asked {
        self.follow(view);
        // Taken out, so that the charts may borrow them while the rest changes.
        let (scores, pins) = (std::mem::take(&mut self.scores), self.pins.clone());
        let all = charts::of(widgets::palette(ui), view, &scores, settings.classes);
        let mut asked = Asked::default();
        self.head_ui(ui, (&all, &scores), smoothing, settings, &mut asked);
        let shown: Vec<&Chart<'_>> = all.iter().filter(|chart| !settings.hidden.contains(&chart.id)).collect();
        let gap = theme::GAP - 2.0;
        self.pins_ui(ui, &shown, &mut asked);
        egui::ScrollArea::vertical().id_salt("charts").auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = gap;
            let room = ui.available_height();
            if settings.meaning {
                meaning_ui::meaning_ui(ui, view, at);
            }
            let count = shown.len().max(1) as f32;
            let keys: Vec<Keys> = shown.iter().map(|chart| chart_ui::keys(ui, chart)).collect();
            let taken = gap * (count - 1.0) + keys.iter().map(Keys::height).sum::<f32>();
            let height = ((room - taken) / count).floor().max(LEAST_HEIGHT);
            let mut cursor = None;
            for (chart, keys) in shown.iter().zip(&keys) {
                let look = self.look(view, &chart.id, *smoothing, settings, &pins, at);
                let mut outcome = chart_ui::chart_ui(ui, (chart, keys), height, &look, settings);
                cursor = cursor.or(outcome.cursor);
                asked.save = asked.save.take().or(outcome.save.take());
                self.obey(&chart.id, outcome);
            }
            self.cursor = cursor;
        });
        if let Some(ask) = asked.save.take() {
            let look = |id: &str| Look { cursor: None, ..self.look(view, id, *smoothing, settings, &pins, None) };
            asked.actions.push(Action::SaveFigure(Box::new(figure::save(view, &scores, &look, &ask))));
        }
        drop(all);
        self.scores = scores;
        asked
    }

    /// Another run starts with nothing pinned and nothing zoomed.
    fn follow(&mut self, view: &RunView) {
        if self.folder != view.folder() {
            *self = Self { folder: view.folder().to_owned(), ..Self::default() };
        }
        self.scores.refresh(view);
        self.marks.alarms = view.alarms().iter().map(|entry| entry.alarm.step as f64).collect();
        let told = |edited: &Edited| edited.changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        self.marks.edits = view.edits().iter().map(|edited| (edited.step as f64, told(edited))).collect();
        // The first begins with the run.
        self.marks.stages = view.stages().iter().filter(|stage| stage.step > 0).copied().collect();
    }

    fn look<'a>(
        &'a self,
        view: &RunView,
        chart: &str,
        smoothing: f64,
        settings: &ChartSettings,
        pins: &'a [usize],
        at: Option<usize>,
    ) -> Look<'a> {
        let end = view.step().max(10) as f64;
        Look {
            x: self.range.unwrap_or((0.0, end)),
            log_x: settings.log_x,
            y: self.values.get(chart).copied(),
            log_y: settings.log_y.iter().any(|id| id == chart),
            ignore_outliers: settings.ignore_outliers,
            smoothing,
            marks: &self.marks,
            pins,
            at,
            cursor: self.cursor,
            lit: None,
        }
    }

    /// Pins and ranges that were chosen in a chart.
    fn obey(&mut self, chart: &str, outcome: chart_ui::Outcome) {
        if let Some(step) = outcome.pin {
            self.pin(step);
        }
        if outcome.reset {
            self.show_all();
        }
        if let Some(range) = outcome.range {
            self.range = Some(range);
        }
        if let Some(values) = outcome.values {
            self.values.insert(chart.to_owned(), values);
        }
    }

    /// Shows all steps and values again.
    pub(super) fn show_all(&mut self) {
        (self.range, self.values) = (None, BTreeMap::new());
    }

    /// Pins a step, or takes out the pin that is there.
    pub(super) fn pin(&mut self, step: usize) {
        match self.pins.binary_search(&step) {
            Ok(at) => _ = self.pins.remove(at),
            Err(at) => self.pins.insert(at, step),
        }
        self.pins.truncate(pins::MOST);
    }
}
