//! The whole window: what it shows, and the pages it shows it on.

use std::path::PathBuf;

use egui::{Align, Frame, Layout, Margin, Panel, Ui};

use super::action::{Action, GridAsk};
use super::curves::Charts;
use super::data_page::DataPage;
use super::data_view::{DataView, Reading};
use super::details_page::DetailsPage;
use super::export_dialog::ExportDialog;
use super::log::LogLevel;
use super::notice::{Notice, NoticeLevel};
use super::phase::Phase;
use super::resume::ResumeForm;
use super::run_view::RunView;
use super::samples::Samples;
use super::sessions_page::{SessionRow, sessions_ui};
use super::setup::{self, Checked, Given};
use super::status_bar::{Drawers, status_ui};
use super::{format, run_page, theme, top_bar, widgets};
use crate::config::{Config, Level};
use crate::event::GridPicture;

/// Folders that are remembered.
const RECENT: usize = 8;

/// A page of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Page {
    /// Samples and curves.
    #[default]
    Run,
    /// What is in the data.
    Data,
    /// What a run is.
    Details,
    /// Earlier runs.
    Sessions,
}

impl Page {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Run, "Run"), (Self::Data, "Data"), (Self::Details, "Details"), (Self::Sessions, "Sessions")];
}

/// What the user chose about the window; it is kept between starts.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Data folders that were used, newest first.
    pub recent: Vec<String>,
    /// The page that is open.
    pub page: Page,
    /// The smoothing slider of the curves.
    pub smoothing: f64,
    /// Share of the samples in the width of the Run page.
    pub split: f32,
    /// The drawers that are open.
    pub drawers: Drawers,
}

impl Default for Settings {
    fn default() -> Self {
        Self { recent: Vec::new(), page: Page::Run, smoothing: 0.6, split: 0.5, drawers: Drawers::default() }
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

/// What the user has read of a run and dismissed.
#[derive(Default)]
struct Dismissed {
    /// The run's folder.
    run: PathBuf,
    /// Lines of its log.
    lines: usize,
    /// Its alarms, of a saturated discriminator and of collapsed classes.
    alarms: [usize; 2],
}

/// Everything that the window shows. [`Workbench::ui`] draws it and returns what the user asked for.
pub struct Workbench {
    /// The configuration of the set-up.
    pub config: Config,
    /// What is kept between starts.
    pub settings: Settings,
    /// The run that was started last.
    pub live: Option<RunView>,
    /// The stored session that is looked at instead.
    pub stored: Option<RunView>,
    /// Why nobody here can go on with the stored session: another process does.
    pub elsewhere: Option<String>,
    /// The data of the set-up.
    pub data: DataView,
    /// The stored sessions.
    pub sessions: Vec<SessionRow>,
    /// The export dialog.
    pub export: ExportDialog,
    /// What just happened.
    pub notice: Option<Notice>,
    checked: Checked,
    samples: Samples,
    charts: Charts,
    data_page: DataPage,
    details: DetailsPage,
    /// A data path that is being typed.
    draft: Option<String>,
    dismissed: Dismissed,
    resume: ResumeForm,
}

impl Workbench {
    /// A window with this configuration and these settings.
    pub fn new(config: Config, settings: Settings) -> Self {
        Self {
            checked: Checked::new(&config, None),
            config,
            settings,
            live: None,
            stored: None,
            elsewhere: None,
            data: DataView::default(),
            sessions: Vec::new(),
            export: ExportDialog::default(),
            notice: None,
            samples: Samples::default(),
            charts: Charts::default(),
            data_page: DataPage::default(),
            details: DetailsPage::default(),
            draft: None,
            dismissed: Dismissed::default(),
            resume: ResumeForm::default(),
        }
    }

    /// The run on the screen: the stored session, or else the run that was started last.
    pub fn shown(&self) -> Option<&RunView> {
        self.stored.as_ref().or(self.live.as_ref())
    }

    /// Whether a run is going on.
    pub fn is_training(&self) -> bool {
        self.live.as_ref().is_some_and(RunView::is_active)
    }

    /// Takes in a stored grid that was asked for.
    pub fn take_grid(&mut self, ctx: &egui::Context, ask: &GridAsk, result: Result<GridPicture, String>) {
        self.samples.take(ctx, ask, result);
    }

    /// Why a run cannot start with the set-up as it is.
    pub fn blockers(&self) -> Vec<String> {
        let errors = self.checked.problems.iter().filter(|problem| problem.level == Level::Error);
        let mut reasons: Vec<String> = errors.map(|problem| format!("{}: {}", problem.key, problem.message)).collect();
        if let Reading::Failed(message) = self.data.reading() {
            reasons.push(format!("The data could not be read: {message}"));
        }
        reasons
    }

    /// Draws the window.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        self.checked.refresh(&self.config, self.data.classes());
        let mut actions = top_bar::top_bar_ui(ui, self.live.as_ref(), &self.blockers());
        let run = self.stored.as_ref().or(self.live.as_ref());
        status_ui(ui, &self.checked.problems, &mut self.notice, run, &mut self.settings.drawers);
        actions.extend(self.setup_ui(ui));
        let frame = Frame::new().fill(widgets::palette(ui).canvas).inner_margin(Margin::same(theme::GAP as i8));
        egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            actions.extend(self.pages_ui(ui));
            actions.extend(self.banners_ui(ui));
            actions.extend(self.page_ui(ui));
        });
        if let Some(view) = self.stored.as_ref().or(self.live.as_ref()) {
            actions.extend(self.export.ui(ui.ctx(), view));
        }
        actions.extend(dropped(ui));
        actions.retain(|action| !self.handle(action));
        actions
    }

    /// Carries out what needs nobody else.
    fn handle(&mut self, action: &Action) -> bool {
        match action {
            Action::OpenExport => {
                let folder = self.shown().map(|view| view.folder().to_owned()).unwrap_or_default();
                self.export.open_for(&folder);
            }
            Action::CloseSession => {
                (self.stored, self.elsewhere) = (None, None);
                self.settings.page = Page::Run;
            }
            Action::UseSettings(config) => {
                self.config = (**config).clone();
                self.notice = Some(Notice::info("The settings were taken over into the set-up"));
            }
            Action::Train
            | Action::Resume { .. }
            | Action::Command(_)
            | Action::ChooseData
            | Action::ChooseDataFile
            | Action::ChooseVgg19
            | Action::UseData(_)
            | Action::ReadData
            | Action::CancelReading
            | Action::ListSessions
            | Action::OpenSession(_)
            | Action::ChooseSession
            | Action::ReadGrid(_)
            | Action::SaveGrid(_)
            | Action::ChooseExportFolder
            | Action::Export(_)
            | Action::CancelExport
            | Action::Copy(_) => return false,
        }
        true
    }

    fn setup_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let p = widgets::palette(ui);
        let live = self.live.as_ref().filter(|run| run.is_active()).and_then(RunView::started);
        let differs = live.map(|started| started.config.changes_to(&self.config));
        let given = Given { checked: &self.checked, data: &self.data, recent: &self.settings.recent, differs };
        let (config, draft) = (&mut self.config, &mut self.draft);
        let panel = Panel::left("setup").exact_size(theme::SETUP_WIDTH).resizable(false);
        panel.frame(Frame::new().fill(p.canvas)).show(ui, |ui| setup::setup_ui(ui, config, draft, &given)).inner
    }

    fn pages_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let mut actions = Vec::new();
        let size = egui::vec2(ui.available_width(), theme::PAGES_HEIGHT - theme::GAP);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            for (page, name) in Page::ALL {
                if widgets::tab(ui, self.settings.page == page, name).clicked() {
                    self.settings.page = page;
                    if page == Page::Sessions {
                        actions.push(Action::ListSessions);
                    }
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if let Some(run) = self.shown() {
                    widgets::small(ui, format::path_end(&run.folder().display().to_string(), 56))
                        .on_hover_text("The session's folder");
                }
            });
        });
        ui.add_space(theme::GAP - 4.0);
        actions
    }

    fn banners_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let p = widgets::palette(ui);
        let mut actions = Vec::new();
        if let Some(stored) = &self.stored {
            let text = format!("{}, {} at step {}", stored.name(), stored.phase().name(), format::count(stored.step()));
            let mut use_settings = false;
            let busy = self.live.as_ref().filter(|run| run.is_active());
            let busy = busy.map(|_| "A run is going on; stop it to go on with this one").or(self.elsewhere.as_deref());
            let closed = widgets::banner(ui, p.accent, p.accent_faint, "Stored session", &text, |ui| {
                use_settings = ui.button("Use these settings").clicked();
                actions.extend(self.resume.ui(ui, stored, busy));
            });
            if closed {
                actions.push(Action::CloseSession);
            }
            if let (true, Some(started)) = (use_settings, stored.started()) {
                actions.push(Action::UseSettings(Box::new(started.config.clone())));
            }
            ui.add_space(theme::GAP - 4.0);
        }
        if let Some(Notice { level: NoticeLevel::Error, text }) = &self.notice {
            let text = text.clone();
            if widgets::banner(ui, p.error, p.error_faint, "Not done", &text, |_| {}) {
                self.notice = None;
            }
            ui.add_space(theme::GAP - 4.0);
        }
        self.run_banner_ui(ui);
        actions
    }

    /// Alarms that are not over, and the newest warning or the failure of the run on the screen, until they are dismissed.
    fn run_banner_ui(&mut self, ui: &mut Ui) {
        let p = widgets::palette(ui);
        let Some(run) = self.stored.as_ref().or(self.live.as_ref()) else { return };
        if self.dismissed.run != run.folder() {
            self.dismissed = Dismissed { run: run.folder().to_owned(), ..Dismissed::default() };
        }
        run.alarms().ui(ui, &mut self.dismissed.alarms);
        let mut fresh = run.log().iter().skip(self.dismissed.lines);
        let Some(line) = fresh.rfind(|line| matches!(line.level, LogLevel::Warning | LogLevel::Error)) else { return };
        let at = format::count(line.step);
        let closed = if line.level == LogLevel::Error {
            widgets::banner(ui, p.error, p.error_faint, &format!("Failed at step {at}"), &line.text, |_| {})
        } else {
            widgets::banner(ui, p.warning, p.warning_faint, &format!("Step {at}"), &line.text, |_| {})
        };
        if closed {
            self.dismissed.lines = run.log().len();
        }
        ui.add_space(theme::GAP - 4.0);
    }

    fn page_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let run = self.stored.as_ref().or(self.live.as_ref());
        let settings = &mut self.settings;
        match (settings.page, run) {
            (Page::Run, Some(run)) if *run.phase() == Phase::Starting => {
                widgets::empty(ui, "Starting the run…", "The data is read and the networks are built");
                Vec::new()
            }
            (Page::Run, Some(run)) => {
                let sliders = (&mut settings.split, &mut settings.smoothing);
                run_page::run_ui(ui, run, &mut self.samples, &mut self.charts, sliders)
            }
            (Page::Run, None) => {
                run_page::start_ui(ui, &self.config, &self.data, &mut self.data_page, &mut settings.split)
            }
            (Page::Data, _) => self.data_page.ui(ui, &self.data, &self.config),
            (Page::Details, Some(run)) => self.details.ui(ui, run),
            (Page::Details, None) => {
                widgets::empty(ui, "No run yet", "Settings, scores and checkpoints of the run appear here");
                Vec::new()
            }
            (Page::Sessions, run) => {
                let open = run.map(|run| run.folder().to_owned());
                let live = self.live.as_ref().filter(|run| run.is_active()).map(|run| run.folder().to_owned());
                sessions_ui(ui, &self.sessions, open.as_ref(), live.as_ref())
            }
        }
    }
}

/// Takes a folder, a table or an archive that was dropped on the window, and marks the window while one hovers over it.
fn dropped(ui: &Ui) -> Option<Action> {
    let (hovering, path) = ui.input(|input| {
        let path = input.raw.dropped_files.first().map(|file| file.path().to_owned());
        (!input.raw.hovered_files.is_empty(), path)
    });
    if hovering {
        let p = widgets::palette(ui);
        let rect = ui.ctx().content_rect();
        let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop"));
        let painter = ui.ctx().layer_painter(layer);
        painter.rect_filled(rect, 0.0, p.canvas.gamma_multiply(0.85));
        let font = egui::FontId::proportional(20.0);
        painter.text(
            rect.center(),
            egui::Align2::CENTER_CENTER,
            "Drop a folder with one sub-folder a class, a table (.csv) or an archive (.npz)",
            font,
            p.strong,
        );
    }
    let path = path?;
    // An image that was dropped stands for the folder that it is in.
    let source = if path.is_file() && !is_source_file(&path) { path.parent()?.to_owned() } else { path };
    Some(Action::UseData(source.display().to_string()))
}

/// Whether a file is a source of data of its own.
fn is_source_file(path: &std::path::Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    matches!(extension.as_deref(), Some("csv" | "tsv" | "npz"))
}
