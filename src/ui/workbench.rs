//! The whole window: what it shows, and the pages it shows it on.

use std::path::PathBuf;

use egui::{Align, Frame, Layout, Margin, Panel, Ui};

use super::action::{Action, GridAsk};
use super::curves::{ChartSettings, Charts};
use super::data_page::DataPage;
use super::data_view::DataView;
use super::details_page::DetailsPage;
use super::explore::{Explore, KeptSeed};
use super::export_dialog::ExportDialog;
use super::log::LogLevel;
use super::log_page::LogPage;
use super::notice::{Notice, NoticeLevel};
use super::phase::Phase;
use super::quiz::Quiz;
use super::resume::ResumeForm;
use super::run_view::RunView;
use super::samples::{SampleSettings, Samples};
use super::sessions_page::{SessionRow, sessions_ui};
use super::setup::{self, Checked, Given};
use super::status_bar::{Drawers, status_ui};
use super::stepping::Stepping;
use super::theme::ThemeChoice;
use super::undo::Undo;
use super::{drop, format, run_page, theme, top_bar, widgets};
use crate::config::Config;
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
    /// What a run has told.
    Log,
    /// Ways through the noise of a run's generator.
    Explore,
    /// A blind test.
    Quiz,
    /// Earlier runs.
    Sessions,
}

impl Page {
    pub(super) const ALL: [(Self, &'static str); 7] = [
        (Self::Run, "Run"),
        (Self::Data, "Data"),
        (Self::Details, "Details"),
        (Self::Log, "Log"),
        (Self::Explore, "Explore"),
        (Self::Quiz, "Quiz"),
        (Self::Sessions, "Sessions"),
    ];
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
    /// What is chosen about the curves.
    pub charts: ChartSettings,
    /// What is chosen about the samples.
    pub samples: SampleSettings,
    /// Light or dark.
    pub theme: ThemeChoice,
    /// Steps a second of a paused run in slow motion.
    pub slow_motion: f64,
    /// Share of the samples in the width of the Run page.
    pub split: f32,
    /// The drawers that are open.
    pub drawers: Drawers,
    /// Seeds that are worth coming back to.
    pub seeds: Vec<KeptSeed>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            recent: Vec::new(),
            page: Page::Run,
            smoothing: 0.6,
            charts: ChartSettings::default(),
            samples: SampleSettings::default(),
            theme: ThemeChoice::System,
            slow_motion: 2.0,
            split: 0.5,
            drawers: Drawers::default(),
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
    /// Ways through the noise of a generator.
    pub explore: Explore,
    /// The blind test.
    pub quiz: Quiz,
    checked: Checked,
    pub(super) samples: Samples,
    pub(super) charts: Charts,
    data_page: DataPage,
    details: DetailsPage,
    log: LogPage,
    /// A data path that is being typed.
    draft: Option<String>,
    dismissed: Dismissed,
    resume: ResumeForm,
    pub(super) undo: Undo,
    pub(super) stepping: Stepping,
    /// Whether the sheet of shortcuts is open.
    pub(super) sheet: bool,
    /// The theme that is on, once it was set.
    theme: Option<ThemeChoice>,
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
            explore: Explore::default(),
            quiz: Quiz::default(),
            samples: Samples::default(),
            charts: Charts::default(),
            data_page: DataPage::default(),
            details: DetailsPage::default(),
            log: LogPage::default(),
            draft: None,
            dismissed: Dismissed::default(),
            resume: ResumeForm::default(),
            undo: Undo::default(),
            stepping: Stepping::default(),
            sheet: false,
            theme: None,
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
        self.checked.blockers(&self.data)
    }

    fn follow_theme(&mut self, ui: &Ui) {
        if self.theme != Some(self.settings.theme) {
            self.theme = Some(self.settings.theme);
            ui.ctx().set_theme(self.settings.theme.preference());
        }
    }

    /// Shows a page.
    pub(super) fn turn_to(&mut self, page: Page) -> Option<Action> {
        self.settings.page = page;
        matches!(page, Page::Sessions | Page::Details).then_some(Action::ListSessions)
    }

    /// Draws the window.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let mut actions = self.keys(ui);
        self.checked.refresh(&self.config, self.data.classes());
        let look = (&mut self.settings.theme, &mut self.sheet);
        actions.extend(top_bar::top_bar_ui(ui, self.live.as_ref(), &self.checked.blockers(&self.data), look));
        self.follow_theme(ui);
        let run = self.stored.as_ref().or(self.live.as_ref());
        status_ui(ui, &self.checked.problems, &mut self.notice, run, &mut self.settings.drawers);
        actions.extend(self.setup_ui(ui));
        let frame = Frame::new().fill(widgets::palette(ui).canvas).inner_margin(Margin::same(theme::GAP as i8));
        egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            actions.extend(self.pages_ui(ui));
            actions.extend(self.banners_ui(ui));
            if let (Page::Run, Some(live), None) = (self.settings.page, &self.live, &self.stored) {
                actions.extend(self.stepping.ui(ui, live, &mut self.settings.slow_motion));
            }
            actions.extend(self.page_ui(ui));
        });
        if let Some(view) = self.stored.as_ref().or(self.live.as_ref()) {
            actions.extend(self.export.ui(ui.ctx(), view));
        }
        self.sheet_ui(ui);
        let busy = ui.ctx().egui_wants_keyboard_input() || ui.input(|input| input.pointer.any_down());
        self.undo.notice(&self.config, busy);
        actions.extend(drop::dropped(ui));
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
            | Action::ChooseVgg19
            | Action::ChooseInception
            | Action::UseData(_)
            | Action::ReadData
            | Action::CancelReading
            | Action::ListSessions
            | Action::OpenSession(_)
            | Action::ChooseSession
            | Action::ReadGrid(_)
            | Action::SaveGrid(_)
            | Action::SaveFigure(_)
            | Action::ChooseExportFolder
            | Action::Export(_)
            | Action::TakeOut(_)
            | Action::CancelExport
            | Action::Explore(_)
            | Action::PrepareQuiz(_)
            | Action::CancelQuiz
            | Action::KeepQuiz { .. }
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
                    actions.extend(self.turn_to(page));
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
            (Page::Run, Some(run)) => run_page::run_ui(ui, run, (&mut self.samples, &mut self.charts), settings),
            (Page::Run, None) => {
                run_page::start_ui(ui, &self.config, &self.data, &mut self.data_page, &mut settings.split)
            }
            (Page::Data, _) => self.data_page.ui(ui, &self.data, &self.config),
            (Page::Details, Some(run)) => {
                let stored = self.sessions.iter().find(|session| session.folder == run.folder());
                self.details.ui(ui, run, stored)
            }
            (Page::Details, None) => {
                widgets::empty(ui, "No run yet", "Settings, scores and checkpoints of the run appear here");
                Vec::new()
            }
            (Page::Log, Some(run)) => self.log.ui(ui, run),
            (Page::Log, None) => {
                widgets::empty(ui, "No run yet", "What the run tells appears here");
                Vec::new()
            }
            (Page::Explore, run) => self.explore.ui(ui, run, &mut settings.seeds),
            (Page::Quiz, run) => self.quiz.ui(ui, run),
            (Page::Sessions, run) => {
                let open = run.map(|run| run.folder().to_owned());
                let live = self.live.as_ref().filter(|run| run.is_active()).map(|run| run.folder().to_owned());
                sessions_ui(ui, &self.sessions, open.as_ref(), live.as_ref())
            }
        }
    }
}
