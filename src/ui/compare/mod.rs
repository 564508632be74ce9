//! The Compare page: any number of runs chosen in a table, with their curves, scores, grids and settings beside each other.

mod charts;
mod differ;
mod group;
mod lines;
mod run;
mod scores;
mod table;
mod wall;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use egui::{ComboBox, Ui, WidgetInfo};
use serde::{Deserialize, Serialize};

use super::action::Action;
use super::plot::{ChartSettings, View};
use super::request::{CompareRequest, GridRequest};
use super::run_view::RunView;
use super::sessions::{SessionDialog, SessionRow};
use super::{theme, widgets};
use crate::event::GridPicture;
use crate::summary::{Grouping, differing};

pub use group::Band;
pub use run::ComparedRun;

/// What is shown below the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tab {
    /// Curves over each other.
    #[default]
    Curves,
    /// Scores over each other, and the best of each run.
    Scores,
    /// Grids beside each other.
    Grids,
    /// Settings that differ.
    Settings,
}

impl Tab {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Curves, "Curves"),
        (Self::Scores, "Scores"),
        (Self::Grids, "Grids"),
        (Self::Settings, "Differing settings"),
    ];
}

/// How runs are compared; kept between starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompareSettings {
    /// Columns of the table beside the name.
    pub columns: Vec<String>,
    /// The column that it is sorted by.
    pub sort: String,
    /// Whether the largest comes first.
    pub descending: bool,
    /// Whether only runs with a star are listed.
    pub starred: bool,
    /// What is shown below the table.
    pub tab: Tab,
    /// Whether runs are compared at the same time instead of the same step.
    pub by_time: bool,
    /// What puts runs into one group.
    pub grouping: Grouping,
    /// What is drawn around a group's mean.
    pub band: Band,
    /// Share of the table in the height of the page.
    pub split: f32,
}

impl Default for CompareSettings {
    fn default() -> Self {
        let columns = ["#score", "#steps", "train.seed", "loss.kind", "#date"].map(str::to_owned).to_vec();
        Self {
            columns,
            sort: "#date".to_owned(),
            descending: true,
            starred: false,
            tab: Tab::Curves,
            by_time: false,
            grouping: Grouping::None,
            band: Band::Range,
            split: 0.42,
        }
    }
}

/// A run that was chosen.
struct Chosen {
    folder: PathBuf,
    /// Its colour.
    slot: usize,
    run: Option<Result<Box<ComparedRun>, String>>,
    /// When it was asked for, and how new it was then.
    asked: Option<(f64, Option<SystemTime>)>,
}

/// What the page is given to show.
pub(super) struct CompareContext<'a> {
    pub rows: &'a [SessionRow],
    /// The run that goes on here.
    pub live: Option<&'a RunView>,
    /// The smoothing slider of all curves.
    pub smoothing: &'a mut f64,
    /// How the charts of all pages are shown.
    pub charts: &'a mut ChartSettings,
}

/// The runs that are compared, and what was read of them.
#[derive(Default)]
pub struct Compare {
    chosen: Vec<Chosen>,
    filter: String,
    column_filter: String,
    /// The colours of runs that share the curve of a group.
    shared: Vec<(PathBuf, usize)>,
    /// How the charts are looked at.
    view: View,
    /// The class whose scores are shown; nothing for all together.
    class: Option<String>,
    wall: wall::Wall,
}

/// Seconds after which a run that goes on is read again.
const REREAD: f64 = 10.0;

impl Compare {
    /// Chooses a run, or leaves it out again.
    pub fn choose(&mut self, folder: &Path, on: bool) {
        self.chosen.retain(|chosen| chosen.folder != folder);
        if on {
            let free = |slot: &usize| self.chosen.iter().all(|chosen| chosen.slot != *slot);
            let slot = (0..).find(free).unwrap_or(0);
            self.chosen.push(Chosen { folder: folder.to_owned(), slot, run: None, asked: None });
        }
    }

    /// The number of the colour in which a run is drawn.
    fn color_of(&self, folder: &Path) -> Option<usize> {
        let shared = self.shared.iter().find(|(run, _)| run == folder).map(|(_, slot)| *slot);
        let chosen = self.chosen.iter().find(|chosen| chosen.folder == folder)?;
        Some(shared.unwrap_or(chosen.slot))
    }

    /// Shows all steps and values in the charts again.
    pub(super) fn show_all(&mut self) {
        self.view.show_all();
    }

    fn choose_none(&mut self) {
        self.chosen.clear();
    }

    /// A session has another folder now, or none any more.
    pub fn moved(&mut self, from: &Path, to: Option<&Path>) {
        let chosen = self.chosen.iter().any(|chosen| chosen.folder == from);
        self.choose(from, false);
        if let (true, Some(to)) = (chosen, to) {
            self.choose(to, true);
        }
    }

    /// Takes in a run that was read.
    pub fn take(&mut self, folder: &Path, run: Result<ComparedRun, String>) {
        if let Some(chosen) = self.chosen.iter_mut().find(|chosen| chosen.folder == folder) {
            // An older reading is better than none.
            if run.is_ok() || !matches!(chosen.run, Some(Ok(_))) {
                chosen.run = Some(run.map(Box::new));
            }
        }
    }

    /// Takes in a grid that was read.
    pub fn take_grid(&mut self, ctx: &egui::Context, ask: &GridRequest, result: Result<GridPicture, String>) {
        self.wall.take(ctx, ask, result);
    }

    /// Asks for runs that were not read yet, or have gone on since.
    fn load(&mut self, now: f64, given: &CompareContext<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        for chosen in &mut self.chosen {
            let row = given.rows.iter().find(|row| row.folder == chosen.folder);
            let modified = row.map(|row| row.modified);
            let goes_on = given.live.is_some_and(|live| live.folder() == chosen.folder);
            let due = match chosen.asked {
                None => true,
                Some((asked, known)) => modified > known || (goes_on && now > asked + REREAD),
            };
            if due {
                chosen.asked = Some((now, modified));
                actions.push(Action::Compare(CompareRequest::Run(chosen.folder.clone())));
            }
        }
        actions
    }

    /// The runs that were read, with the numbers of their colours.
    fn runs(&self) -> Vec<(usize, &ComparedRun)> {
        let read = |chosen: &'_ Chosen| matches!(chosen.run, Some(Ok(_)));
        let chosen = self.chosen.iter().filter(|chosen| read(chosen));
        chosen.filter_map(|chosen| Some((chosen.slot, chosen.run.as_ref()?.as_ref().ok()?.as_ref()))).collect()
    }

    /// Draws the page.
    #[must_use]
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        settings: &mut CompareSettings,
        given: CompareContext<'_>,
        dialog: &mut SessionDialog,
    ) -> Vec<Action> {
        let mut actions = self.load(ui.input(|input| input.time), &given);
        if given.live.is_some() && !self.chosen.is_empty() {
            ui.ctx().request_repaint_after_secs(REREAD as f32);
        }
        let rows = run::newest(given.rows, given.live);
        let height = ui.available_height();
        let frame = egui::Frame::new().inner_margin(egui::Margin { bottom: theme::GAP as i8, ..Default::default() });
        // A window of another height gets its own share, not the points of the one before.
        let top =
            egui::Panel::top(("compare-runs", height as u32)).resizable(true).frame(frame).show_separator_line(false);
        let top = top.default_size(height * settings.split).size_range(120.0..=(height - 160.0).max(121.0));
        let shown = top.show(ui, |ui| {
            widgets::card(ui, |ui| {
                ui.set_min_size(ui.available_size());
                actions.extend(self.head_ui(ui, settings, given.rows));
                ui.add_space(4.0);
                if given.rows.is_empty() {
                    let text = "Every run that is trained or stored in the folder of sessions is listed here";
                    return widgets::empty(ui, "No sessions yet", text);
                }
                actions.extend(self.table_ui(ui, settings, &rows, dialog));
            });
        });
        settings.split = (shown.response.rect.height() / height.max(1.0)).clamp(0.1, 0.9);
        widgets::card(ui, |ui| {
            ui.set_min_size(ui.available_size());
            self.tabs_ui(ui, settings);
            ui.add_space(4.0);
            actions.extend(self.tab_ui(ui, settings, given));
        });
        actions
    }

    fn tab_ui(&mut self, ui: &mut Ui, settings: &CompareSettings, given: CompareContext<'_>) -> Vec<Action> {
        self.shared.clear();
        if self.chosen.is_empty() {
            let text = "Tick runs in the table above to see their curves, scores, grids and settings beside each other";
            widgets::empty(ui, "No run is chosen", text);
            return Vec::new();
        }
        if settings.tab == Tab::Settings {
            differ::differ_ui(ui, self.chosen.iter().map(|chosen| (chosen.folder.as_path(), chosen.slot)), given.rows);
            return Vec::new();
        }
        for chosen in &self.chosen {
            if let Some(Err(message)) = &chosen.run {
                ui.colored_label(widgets::palette(ui).error, format!("{}: {message}", chosen.folder.display()));
            }
        }
        let waiting = self.chosen.iter().filter(|chosen| chosen.run.is_none()).count();
        if self.runs().is_empty() {
            if waiting > 0 {
                widgets::empty(ui, "Reading the sessions…", "");
            }
            return Vec::new();
        }
        // What is pinned at a step is at another time in each run.
        self.view.turn_to(settings.by_time, |_| None);
        match settings.tab {
            Tab::Curves | Tab::Scores => {
                let (mut view, look) = (std::mem::take(&mut self.view), (given.charts, given.smoothing));
                let (actions, shared) = if settings.tab == Tab::Curves {
                    self.curves_ui(ui, &mut view, settings, look)
                } else {
                    self.scores_ui(ui, &mut view, settings, look, given.rows)
                };
                (self.view, self.shared) = (view, shared);
                actions
            }
            Tab::Grids => {
                let mut wall = std::mem::take(&mut self.wall);
                let actions = wall.ui(ui, &self.runs(), settings.by_time);
                self.wall = wall;
                actions
            }
            Tab::Settings => Vec::new(),
        }
    }

    fn tabs_ui(&mut self, ui: &mut Ui, settings: &mut CompareSettings) {
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW_HEIGHT);
            ui.spacing_mut().item_spacing.x = 2.0;
            for (tab, name) in Tab::ALL {
                if widgets::tab(ui, settings.tab == tab, name).clicked() {
                    settings.tab = tab;
                }
            }
        });
        let (charts, grids) = (matches!(settings.tab, Tab::Curves | Tab::Scores), settings.tab == Tab::Grids);
        if !charts && !grids {
            return;
        }
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            let axis = if grids { "At the same" } else { "Over" };
            widgets::small(ui, axis);
            for (by_time, name) in [(false, "step"), (true, "time")] {
                let about = if by_time { "Time of training, without pauses and scores" } else { "Steps of training" };
                if ui.selectable_label(settings.by_time == by_time, name).on_hover_text(about).clicked() {
                    settings.by_time = by_time;
                }
            }
            if charts {
                self.grouping_ui(ui, settings);
            }
            if settings.tab == Tab::Scores {
                self.class_ui(ui);
            }
        });
    }

    fn grouping_ui(&self, ui: &mut Ui, settings: &mut CompareSettings) {
        ui.add_space(8.0);
        widgets::small(ui, "One curve for");
        let combo = ComboBox::from_id_salt("compare-group").width(150.0).selected_text(settings.grouping.name());
        let shown = combo.show_ui(ui, |ui| {
            let about = "Runs with the same settings are one group, whatever their seeds";
            ui.selectable_value(&mut settings.grouping, Grouping::None, Grouping::None.name());
            ui.selectable_value(&mut settings.grouping, Grouping::Seeds, Grouping::Seeds.name()).on_hover_text(about);
            let runs = self.runs();
            let settings_of: Vec<&[(String, String)]> = runs.iter().map(|(_, run)| run.settings.as_slice()).collect();
            for (key, _) in differing(&settings_of) {
                ui.selectable_value(&mut settings.grouping, Grouping::Key(key.clone()), key);
            }
        });
        shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "One curve for"));
        if settings.grouping == Grouping::None {
            return;
        }
        let combo = ComboBox::from_id_salt("compare-band").width(96.0).selected_text(settings.band.name());
        let shown = combo.show_ui(ui, |ui| {
            for (band, name) in Band::ALL {
                ui.selectable_value(&mut settings.band, band, name);
            }
        });
        let about = "Around the mean of the smoothed curves of a group: from the smallest to the largest, or one standard deviation (of a sample) on either side";
        shown.response.on_hover_text(about).widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Band"));
    }

    fn class_ui(&mut self, ui: &mut Ui) {
        let runs: Vec<Vec<String>> = self.runs().iter().map(|(_, run)| run.classes.clone()).collect();
        let mut classes: Vec<String> = Vec::new();
        for class in runs.into_iter().flatten() {
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
        self.class.take_if(|class| !classes.contains(class));
        ui.add_space(8.0);
        widgets::small(ui, "Of");
        let selected = self.class.as_deref().unwrap_or("all classes").to_owned();
        let combo = ComboBox::from_id_salt("compare-class").width(110.0).selected_text(selected);
        let shown = combo.show_ui(ui, |ui| {
            ui.selectable_value(&mut self.class, None, "all classes");
            for class in classes {
                ui.selectable_value(&mut self.class, Some(class.clone()), class);
            }
        });
        shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Class"));
    }
}
