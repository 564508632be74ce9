//! The whole window: what it shows, and the pages it shows it on.

use egui::{Align, Frame, Layout, Margin, Panel, Ui};

use super::action::{Action, Actions, WindowAction};
use super::branch::Branch;
use super::close_dialog::CloseDialog;
use super::compare::{self, Compare};
use super::curves::Charts;
use super::data_page::DataPage;
use super::data_view::DataView;
use super::details_page::DetailsPage;
use super::explore::Explore;
use super::export_dialog::ExportDialog;
use super::find_data::FindData;
use super::log_page::LogPage;
use super::notice::{Dismissed, Fading, Notice, NoticeLevel};
use super::page::Page;
use super::queue::{self, Queue, QueuePage};
use super::quiz::Quiz;
use super::request::{GridRequest, Inside};
use super::resume::ResumeForm;
use super::run_view::RunView;
use super::samples::{self, Samples};
use super::score_dialog::ScoreDialog;
use super::sessions::{Place, SessionDialog, SessionRow, Typed, sessions_ui};
use super::settings::Settings;
use super::setup::{self, Checked, PaceRequest, Paces, SettingsDiff, SetupContext, TimeEstimate};
use super::status_bar::status_ui;
use super::stepping::Stepping;
use super::theme::ThemeChoice;
use super::trust::Trust;
use super::undo::Undo;
use super::{dialog, drop, format, paths, run_page, theme, top_bar, widgets};
use crate::config::Config;
use crate::event::{BrowsePage, BrowseRequest, GridPicture};
use crate::summary::Phase;

/// About the width of a letter in the name of the session's folder.
const FOLDER_LETTER: f32 = 6.5;
/// Letters of its path below which it is left out.
const LEAST_OF_FOLDER: usize = 12;
/// Below this width the names of the pages stand closer together.
const NARROW_PAGES: f32 = 620.0;

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
    /// The session that is being opened.
    pub opening: Option<std::path::PathBuf>,
    /// Why nobody here can go on with the stored session: another process does.
    pub elsewhere: Option<String>,
    /// The data of the set-up.
    pub data: DataView,
    /// The stored sessions.
    pub sessions: Vec<SessionRow>,
    /// The folder that holds them.
    pub sessions_folder: std::path::PathBuf,
    /// The export dialog.
    pub export: ExportDialog,
    /// The dialog that scores a checkpoint.
    pub scores: ScoreDialog,
    /// What just happened.
    pub notice: Option<Notice>,
    fading: Fading,
    /// What was told before a dialog opened.
    before: Option<Notice>,
    /// What a dialog has told.
    told: Option<Notice>,
    /// Ways through the noise of a generator.
    pub explore: Explore,
    /// The blind test.
    pub quiz: Quiz,
    /// The dialog about a stored session.
    pub session_dialog: SessionDialog,
    /// The dialog of a window that is closed too early.
    pub leave: CloseDialog,
    /// The question before a session goes on that leads to unknown places.
    pub trust: Trust,
    /// The question where the data of a session is now.
    pub find_data: FindData,
    /// Runs beside each other.
    pub compare: Compare,
    /// Runs that are trained one after another.
    pub queue: Queue,
    /// What was measured of the time of a step.
    pub paces: Paces,
    /// The set-up beside other settings.
    pub settings_diff: SettingsDiff,
    queue_page: QueuePage,
    checked: Checked,
    pub(super) samples: Samples,
    pub(super) charts: Charts,
    data_page: DataPage,
    details: DetailsPage,
    log: LogPage,
    typed: Typed,
    /// A data path that is being typed.
    draft: Option<String>,
    pub(super) dismissed: Dismissed,
    pub(super) resume: ResumeForm,
    longer: ResumeForm,
    pub(super) branch: Branch,
    pub(super) undo: Undo,
    pub(super) stepping: Stepping,
    /// Where the set-up was drawn last.
    pub(super) setup_place: Option<egui::Rect>,
    /// Whether the sheet of shortcuts is open.
    pub(super) sheet: bool,
    /// The theme that is on, once it was set.
    theme: Option<ThemeChoice>,
}

impl Workbench {
    /// A window with this configuration and these settings.
    pub fn new(config: Config, settings: Settings) -> Self {
        Self {
            checked: Checked::new(&config, &DataView::default()),
            config,
            settings,
            live: None,
            stored: None,
            opening: None,
            elsewhere: None,
            data: DataView::default(),
            sessions: Vec::new(),
            sessions_folder: std::path::PathBuf::new(),
            export: ExportDialog::default(),
            scores: ScoreDialog::default(),
            notice: None,
            fading: Fading::default(),
            before: None,
            told: None,
            explore: Explore::default(),
            quiz: Quiz::default(),
            session_dialog: SessionDialog::default(),
            leave: CloseDialog::default(),
            trust: Trust::default(),
            find_data: FindData::default(),
            compare: Compare::default(),
            queue: Queue::default(),
            paces: Paces::default(),
            settings_diff: SettingsDiff::default(),
            queue_page: QueuePage::default(),
            samples: Samples::default(),
            charts: Charts::default(),
            data_page: DataPage::default(),
            details: DetailsPage::default(),
            log: LogPage::default(),
            typed: Typed::default(),
            draft: None,
            dismissed: Dismissed::default(),
            resume: ResumeForm::default(),
            longer: ResumeForm::default(),
            branch: Branch::default(),
            undo: Undo::default(),
            stepping: Stepping::default(),
            setup_place: None,
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
    pub fn take_grid(&mut self, ctx: &egui::Context, ask: &GridRequest, result: Result<GridPicture, String>) {
        self.samples.take(ctx, ask, result);
    }

    /// Takes in what stands in a folder that somebody types the path of.
    pub fn take_inside(&mut self, ctx: &egui::Context, inside: Inside) {
        paths::take(ctx, inside);
    }

    /// Takes in real images that were asked for.
    pub fn take_looked(&mut self, ctx: &egui::Context, look: &BrowseRequest, result: Result<BrowsePage, String>) {
        self.data_page.browse.take(ctx, look, result);
    }

    /// Why a run cannot start with the set-up as it is.
    pub fn blockers(&self) -> Vec<String> {
        self.checked.blockers()
    }

    /// What the time of a step depends on in the set-up.
    pub fn asked_pace(&self) -> PaceRequest {
        PaceRequest::of(&self.config, self.data.classes())
    }

    /// Whether the set-up, as it was drawn last, has no errors that would keep a step from being measured.
    pub fn can_be_measured(&self) -> bool {
        self.checked.can_be_measured()
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
        matches!(page, Page::Sessions | Page::Details | Page::Compare | Page::Queue).then_some(Action::ListSessions)
    }

    /// Draws the window.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let mut actions = Actions::default();
        actions.extend(self.keys(ui));
        self.checked.refresh(&self.config, &self.data);
        self.checked.look_at_fields(ui.ctx());
        let look = (&mut self.settings.theme, &mut self.sheet);
        let (runs, blockers) = (top_bar::runs(self.live.as_ref(), self.stored.as_ref()), self.checked.blockers());
        actions.extend(top_bar::top_bar_ui(ui, runs, &blockers, &mut self.longer, look));
        self.follow_theme(ui);
        let (now, read) = ui.input(|input| (input.time, input.focused));
        if let Some(left) = self.fading.pass(&mut self.notice, now, read) {
            ui.ctx().request_repaint_after_secs(left as f32);
        }
        let trouble = self.trouble(ui.ctx());
        let run = self.stored.as_ref().or(self.live.as_ref());
        let mended = status_ui(ui, &self.checked.problems, &mut self.notice, run, &mut self.settings.drawers);
        if let Some(mended) = mended.and_then(|at| self.checked.problems.get(at)?.fixed(&self.config)) {
            self.config = mended;
        }
        actions.join(self.setup_ui(ui));
        let frame = Frame::new().fill(widgets::palette(ui).canvas).inner_margin(Margin::same(theme::GAP as i8));
        egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            actions.extend(self.pages_ui(ui));
            actions.extend(self.banners_ui(ui, trouble.is_some()));
            if let (Page::Run, Some(live), None) = (self.settings.page, &self.live, &self.stored) {
                actions.extend(self.stepping.ui(ui, live, &mut self.settings.slow_motion));
            }
            let page = format!("page {:?}", self.settings.page);
            actions.join(widgets::steady(ui, &page, |ui| self.page_ui(ui)));
        });
        dialog::tell(ui.ctx(), trouble.clone());
        let asked = self.dialogs_ui(ui);
        if dialog::has_told(ui.ctx()) {
            // What is asked next is another try.
            self.notice.take_if(|_| !asked.is_empty());
            self.told.clone_from(&self.notice);
        } else if trouble.is_some() {
            // Its dialog has closed: what came since is told above the page.
            ui.ctx().request_repaint();
        }
        actions.extend(asked);
        let busy = ui.ctx().egui_wants_keyboard_input() || ui.input(|input| input.pointer.any_down());
        self.undo.notice(&self.config, busy);
        actions.extend(drop::dropped(ui));
        let Actions { window, mut app } = actions;
        app.extend(samples::ask_live(self.live.as_ref(), self.settings.samples.live));
        self.stepping.put_back(&mut app, self.live.as_ref());
        app.extend(window.into_iter().filter_map(|action| self.carry_out(action)));
        app.extend(paths::wanted(ui.ctx()).map(Action::LookInto));
        app
    }

    /// What went wrong while a dialog is open: it tells that, where it would be out of sight behind it.
    fn trouble(&mut self, ctx: &egui::Context) -> Option<String> {
        if !dialog::is_open(ctx) {
            let told = self.told.take();
            self.notice.take_if(|notice| told.as_ref() == Some(&*notice));
            self.before.clone_from(&self.notice);
            return None;
        }
        let new = self.notice.as_ref().filter(|notice| self.before.as_ref() != Some(*notice))?;
        (new.level == NoticeLevel::Error).then(|| new.text.clone())
    }

    /// Takes in whether a run could begin with an earlier checkpoint. `false` where no dialog has asked for it.
    pub fn branched(&mut self, result: Result<(), String>) -> bool {
        self.branch.done(result)
    }

    /// Does what needs nobody else; what it needs somebody for is returned.
    fn carry_out(&mut self, action: WindowAction) -> Option<Action> {
        let run = self.stored.as_ref().or(self.live.as_ref());
        match (action, run) {
            (WindowAction::TurnTo(page), _) => return self.turn_to(page),
            (WindowAction::UseSettings(config), _) => self.use_settings(*config),
            (WindowAction::CompareSetUp, _) => self.settings_diff.open(),
            (WindowAction::OpenExport, _) => self.open_export(),
            (WindowAction::ExportImages(drawn), _) => {
                self.open_export();
                self.export.choose_images(drawn);
            }
            (WindowAction::GoBack(step), Some(run)) => self.branch.open_for(run, step),
            (WindowAction::OpenScores, Some(run)) => self.scores.open_for(run),
            (WindowAction::GoBack(_) | WindowAction::OpenScores, None) => {}
        }
        None
    }

    /// Opens the dialog that takes results out of the run on the screen, where there is one.
    pub(super) fn open_export(&mut self) {
        if let Some(folder) = self.shown().map(|view| view.folder().to_owned()) {
            self.export.open_for(&folder);
        }
    }

    pub(super) fn use_settings(&mut self, config: Config) {
        self.config = config;
        self.notice = Some(Notice::info("The settings were copied into the set-up"));
    }

    /// Shows the present run again instead of a stored session.
    pub fn close_session(&mut self) {
        (self.stored, self.elsewhere) = (None, None);
        self.settings.page = Page::Run;
    }

    fn setup_ui(&mut self, ui: &mut Ui) -> Actions {
        let p = widgets::palette(ui);
        // A run of the queue has settings of its own: that the set-up has others means nothing.
        let queued =
            |run: &RunView| self.queue.running().is_some_and(|entry| entry.session.as_deref() == Some(run.folder()));
        let live = self.live.as_ref().filter(|run| run.is_active() && !queued(run)).and_then(RunView::started);
        let differs = live.map(|started| self.stepping.lasting(&started.config).changes_to(&self.config));
        let asked = self.asked_pace();
        let same = |run: &&RunView| run.started().is_some_and(|started| started.config.paced() == asked.config);
        let live = self.live.as_ref().filter(|run| run.is_active()).filter(same).and_then(RunView::seconds_a_step);
        let ended =
            self.shown().filter(|run| run.phase().ended() && run.step() == self.config.train.steps).filter(same);
        let taken = ended.and_then(|run| run.seconds_taken().map(|(steps, scores)| (run.step(), steps + scores)));
        let time = TimeEstimate {
            paces: &self.paces,
            asked,
            live,
            taken,
            training: self.is_training(),
            possible: self.can_be_measured(),
        };
        let (recent, stored) = (&self.settings.recent, self.stored.is_some());
        let given = SetupContext { checked: &self.checked, data: &self.data, recent, differs, stored, time };
        let (config, draft) = (&mut self.config, &mut self.draft);
        // The pages keep half of the window.
        let most = (0.5 * ui.available_width()).max(theme::SETUP_WIDTH);
        let wanted = Some(self.settings.setup_width).filter(|width| width.is_finite()).unwrap_or(theme::SETUP_WIDTH);
        let width = wanted.clamp(theme::SETUP_LEAST, most);
        let panel = Panel::left("setup").default_size(width).size_range(theme::SETUP_LEAST..=most).resizable(true);
        let shown = panel
            .frame(Frame::new().fill(p.canvas))
            .show(ui, |ui| widgets::steady(ui, "set-up", |ui| setup::setup_ui(ui, config, draft, &given)));
        self.setup_place = Some(shown.response.rect);
        self.settings.setup_width = shown.response.rect.width();
        shown.inner
    }

    fn pages_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let mut actions = Vec::new();
        let size = egui::vec2(ui.available_width(), theme::PAGES_HEIGHT - theme::GAP);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            if ui.available_width() < NARROW_PAGES {
                ui.spacing_mut().item_spacing.x = 3.0;
            }
            for (page, name) in Page::ALL {
                if widgets::tab(ui, self.settings.page == page, name).clicked() {
                    actions.extend(self.turn_to(page));
                }
            }
            // As much of the folder as the tabs leave room for, where that tells anything.
            let most = (ui.available_width() / FOLDER_LETTER) as usize;
            let Some(run) = self.shown().filter(|_| most >= LEAST_OF_FOLDER) else { return };
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                widgets::small(ui, format::path_end(&run.folder().display().to_string(), most.min(56)))
                    .on_hover_text("The session's folder");
            });
        });
        ui.add_space(theme::GAP - 4.0);
        actions
    }

    fn page_ui(&mut self, ui: &mut Ui) -> Actions {
        let mut actions = Actions::default();
        let run = self.stored.as_ref().or(self.live.as_ref());
        let settings = &mut self.settings;
        if let (Page::Run, Some(folder)) = (settings.page, &self.opening) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            widgets::empty(ui, &format!("Opening {name}\u{2026}"), "Its curves are being read");
            return actions;
        }
        match (settings.page, run) {
            // One that goes on keeps its grids and curves on the screen.
            (Page::Run, Some(run)) if *run.phase() == Phase::Starting && run.started().is_none() => {
                widgets::empty(ui, "Starting the run…", "The data is being read and the networks are being built");
            }
            (Page::Run, Some(run)) => {
                actions.join(run_page::run_ui(ui, run, (&mut self.samples, &mut self.charts), settings));
            }
            (Page::Run, None) => {
                let given = (&self.config, &self.data, self.sessions.as_slice());
                actions.join(run_page::start_ui(ui, given, &mut self.data_page, &mut settings.split));
            }
            (Page::Data, _) => {
                actions.extend(self.data_page.ui(ui, &self.data, &self.config, self.stored.as_ref()));
            }
            (Page::Details, Some(run)) => {
                let stored = self.sessions.iter().find(|session| session.folder == run.folder());
                actions.join(self.details.ui(ui, run, stored));
            }
            (Page::Details, None) => {
                widgets::empty(ui, "No run yet", "Settings, scores and checkpoints of the run appear here");
            }
            (Page::Log, Some(run)) => actions.extend(self.log.ui(ui, run)),
            (Page::Log, None) => widgets::empty(ui, "No run yet", "The messages of the run appear here"),
            (Page::Explore, run) => actions.join(self.explore.ui(ui, run, &mut settings.seeds)),
            (Page::Quiz, run) => actions.extend(self.quiz.ui(ui, run)),
            (Page::Compare, _) => {
                let live = self.live.as_ref().filter(|run| run.is_active());
                let (smoothing, charts) = (&mut settings.smoothing, &mut settings.charts);
                let given = compare::CompareContext { rows: &self.sessions, live, smoothing, charts };
                actions.extend(self.compare.ui(ui, &mut settings.compare, given, &mut self.session_dialog));
            }
            (Page::Queue, _) => {
                let classes = self.data.classes();
                let (set_up, live, rows) = (&self.config, self.live.as_ref(), self.sessions.as_slice());
                let given = queue::QueueContext { set_up, classes, live, rows, paces: &self.paces };
                actions.extend(self.queue_page.ui(ui, &mut self.queue, &given));
            }
            (Page::Sessions, run) => {
                let open = run.map(|run| run.folder().to_owned());
                let live = self.live.as_ref().filter(|run| run.is_active()).map(|run| run.folder().to_owned());
                let (open, live) = (open.as_ref(), live.as_ref());
                let place = Place { folder: &self.sessions_folder, chosen: !settings.sessions.is_empty() };
                let typed = (&mut self.typed, &mut self.session_dialog);
                actions.extend(sessions_ui(ui, (&self.sessions, place), (open, live), typed));
            }
        }
        actions
    }
}
