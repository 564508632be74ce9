//! The only room that knows both engine and ui: drains, routes, saves.

mod closing;
mod dialogs;
mod fault;
mod follow;
mod jobs;
mod manage;
mod notify;
mod opening;
mod picture;
mod places;
mod prober;
mod queue;
mod saved;
mod saving;
mod sessions;
mod state;
mod training;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;

use crate::engine::explore::explorer;
use crate::engine::{Service, Waiting};
use crate::event::{Event, GridPicture, Waker};
use crate::guard;
use crate::session::{self, Stored};
use crate::ui::{Action, CompareRequest, ComparedRun, GridRequest, Page, Source, icon, theme};
use dialogs::Purpose;
use fault::Fault;
use saved::Saved;
use state::{App, Jobs};

/// Name under which the state is kept.
const STATE: &str = "gandle";
/// What draining may take of a frame.
const DRAIN_BUDGET: Duration = Duration::from_millis(10);
/// How often the state is kept, so that a crash takes little of a queue. Nothing is written where nothing changed.
const SAVED_EVERY: Duration = Duration::from_secs(5);
/// Grids that may wait to be read: pages ask for one at a time.
const WAITING_GRIDS: usize = 8;
/// Runs that may wait to be read for the Compare page.
const WAITING_RUNS: usize = 256;
/// The shortest time between two frames that news alone asks for: a window that redraws at every step would take
/// the processor from training.
const NEWS_PAUSE: Duration = Duration::from_millis(80);

/// Opens the window; `open` is a session's folder to show.
///
/// # Errors
/// Where no window can be opened, and where the settings of `open` cannot be read.
pub fn run(open: Option<PathBuf>) -> anyhow::Result<()> {
    open.as_deref().map(session::read_settings).transpose()?;
    let viewport = egui::ViewportBuilder::default()
        .with_title("gandle")
        .with_app_id("gandle")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([960.0, 600.0])
        .with_clamp_size_to_monitor_size(true)
        .with_icon(icon());
    let options = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    let create = move |creation: &eframe::CreationContext<'_>| {
        let mut app = App::new(creation);
        app.ending = closing::on_signal(creation.egui_ctx.clone());
        if let Some(folder) = open {
            app.open_session(folder);
        }
        Ok(Box::new(app) as Box<dyn eframe::App>)
    };
    if !fault::has_display() {
        anyhow::bail!("{}", fault::no_window("neither DISPLAY nor WAYLAND_DISPLAY is set"));
    }
    // Where even the code around the window panics, what works for it is dropped on the way out, and a run is saved by that.
    match guard::catch(|| eframe::run_native("gandle", options, Box::new(create))) {
        Ok(closed) => closed.map_err(|err| anyhow::anyhow!("{}", fault::no_window(&err.to_string()))),
        Err(panicked) => Err(panicked)
            .context("the window broke down; a run that it trained is saved, and `gandle resume` goes on with it"),
    }
}

/// Seconds since 1970.
fn now() -> Option<u64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.ok().map(|since| since.as_secs())
}

/// Reads stored grids, so that a slider over large pictures never holds up the window.
fn grids(waker: &Waker) -> Service<GridRequest, GridPicture> {
    let read = |ask: &GridRequest| Ok(session::read_grid(&ask.folder, &ask.grid, ask.rows, ask.columns)?);
    Service::new("grids", Waiting::Most(WAITING_GRIDS), Arc::clone(waker), move || Box::new(read))
}

impl App {
    fn new(creation: &eframe::CreationContext<'_>) -> Self {
        theme::apply(&creation.egui_ctx);
        // What was in front when the window closed is not open any more.
        creation.egui_ctx.memory_mut(egui::Memory::reset_areas);
        let saved: Saved = creation.storage.and_then(|storage| eframe::get_value(storage, STATE)).unwrap_or_default();
        let ctx = creation.egui_ctx.clone();
        let waker: Waker = Arc::new(move || ctx.request_repaint_after(NEWS_PAUSE));
        let compared = |folder: &PathBuf| {
            let stored = Stored::open(folder)?;
            Ok(ComparedRun::fold(folder, stored.config, stored.events))
        };
        let mut app = Self {
            workbench: saved.restore(),
            engine: None,
            jobs: Jobs::default(),
            probing: None,
            pending: Vec::new(),
            begun: None,
            spot: None,
            resuming: false,
            asking: false,
            found: None,
            follower: None,
            explorer: explorer(Arc::clone(&waker)),
            grids: grids(&waker),
            compared_grids: grids(&waker),
            compared: Service::new("compare", Waiting::Most(WAITING_RUNS), Arc::clone(&waker), move || {
                Box::new(compared)
            }),
            title: String::new(),
            may_close: false,
            ending: Arc::default(),
            fault: None,
            waker,
        };
        let kept = app.workbench.settings.sessions.clone();
        if kept.is_empty() {
            // As it is: the choice goes for the whole process.
            app.show_sessions_folder();
        } else {
            app.keep_sessions_in(kept);
        }
        app
    }

    /// Takes in what the engine, the jobs and all other threads have to say.
    fn drain(&mut self, ctx: &egui::Context) {
        self.drain_engine(ctx);
        self.drain_jobs(ctx);
        self.drain_services(ctx);
        let mut pending = std::mem::take(&mut self.pending);
        pending.retain_mut(|pending| pending(self));
        self.pending.append(&mut pending);
        match self.found.as_ref().and_then(|found| found.news().last()) {
            Some(Ok(rows)) => self.workbench.sessions = rows,
            Some(Err(reason)) => self.complain(format!("The sessions could not be listed: {reason}")),
            None => {}
        }
    }

    fn drain_engine(&mut self, ctx: &egui::Context) {
        let (Some(engine), Some(live)) = (&self.engine, &mut self.workbench.live) else { return };
        let start = Instant::now();
        for event in engine.events() {
            live.apply_at(event, now());
            if start.elapsed() > DRAIN_BUDGET {
                ctx.request_repaint();
                break;
            }
        }
        live.show_scores(engine.scores());
        if let Some(grid) = engine.latest_grid() {
            live.show_grid(grid);
        }
        if !engine.is_finished() {
            return;
        }
        // The events that came between draining and here; none comes after.
        engine.events().for_each(|event| live.apply_at(event, now()));
        if live.is_active() {
            let message = "The training thread ended without a word, which is a fault of this program (a panic). What was written so far is in the session's folder; train again to start afresh.";
            live.apply_at(Event::Failed { step: live.step(), message: message.to_owned() }, now());
        }
        self.engine = None;
        if live.started().is_none() {
            // What was told of its folder is not true: nothing was stored.
            self.workbench.notice = None;
        }
        self.run_ended(ctx);
        self.list_sessions();
    }

    fn drain_services(&mut self, ctx: &egui::Context) {
        let bench = &mut self.workbench;
        for (ask, picture) in self.grids.answers() {
            bench.take_grid(ctx, &ask, picture);
        }
        for (ask, picture) in self.compared_grids.answers() {
            bench.compare.take_grid(ctx, &ask, picture);
        }
        for (folder, run) in self.compared.answers() {
            bench.compare.take(&folder, run);
        }
        for (of, drawn) in self.explorer.answers() {
            bench.explore.take(ctx, of, drawn);
        }
    }

    fn execute(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::Train => self.train(),
            Action::Leave(_) => self.leave(),
            Action::Resume { folder, steps } => self.resume(folder, steps),
            Action::Trust { folder, steps, places } => {
                session::trust_paths(&places);
                self.go_on(&folder, steps);
            }
            Action::Branch { parent, step, steps, set } => self.branch(parent, step, steps, set),
            Action::EndElsewhere(session) => self.end_elsewhere(session),
            Action::ChooseMovedData => self.open_dialog(Purpose::Moved),
            Action::DataMoved { session, data } => self.data_moved(session, data),
            Action::Command(command) => self.tell_engine(command),
            Action::ChooseData => self.open_dialog(Purpose::Data),
            Action::ChooseInception => self.open_dialog(Purpose::Inception),
            Action::ChooseDataFile => self.open_dialog(Purpose::DataFile),
            Action::ChooseVgg19 => self.open_dialog(Purpose::Vgg19),
            Action::ChooseSession => self.open_dialog(Purpose::Session),
            Action::ChooseSessionsFolder => self.open_dialog(Purpose::Sessions),
            Action::KeepSessionsIn(folder) => self.keep_typed_sessions_in(folder),
            Action::UsualSessionsFolder => self.keep_sessions_in(String::new()),
            Action::LookInto(folder) => self.look_into(ctx, folder),
            Action::ChooseExportFolder => self.open_dialog(Purpose::Export),
            Action::SaveGrid(picture) => self.open_dialog(Purpose::save_grid(picture)),
            Action::SaveFigure(figure) => self.open_dialog(Purpose::save_figure(*figure)),
            Action::UseData(source) => self.use_data(source),
            Action::OpenPicture(path) => self.open_picture(path),
            Action::ReadData => self.read_data(),
            Action::Browse(look) => self.browse(look),
            Action::CancelReading => jobs::cancel(&self.jobs.reader),
            Action::ListSessions => self.list_sessions(),
            Action::OpenSession(folder) => self.open_session(folder),
            Action::ReadGrid(ask) => self.grids.ask(ask),
            Action::Export(asked) => self.export(asked),
            Action::Score(ask) => self.score(*ask),
            Action::CancelScores => jobs::cancel(&self.jobs.scorer),
            Action::CancelExport => jobs::cancel(&self.jobs.exporter),
            Action::Explore(wanted) => self.explorer.ask(wanted),
            Action::PrepareQuiz(ask) => self.prepare_quiz(ask),
            Action::CancelQuiz => jobs::cancel(&self.jobs.quiz),
            Action::KeepQuiz { session, log } => self.keep_quiz(session, *log),
            Action::Session(ask) => self.manage(ask),
            Action::Compare(CompareRequest::Run(folder)) => self.compared.ask(folder),
            Action::Compare(CompareRequest::Grid(ask)) => self.compared_grids.ask(ask),
            Action::Queue(ask) => self.ask_queue(ask),
            Action::Copy(text) => {
                ctx.copy_text(text);
                self.inform("Copied");
            }
        }
    }

    fn use_data(&mut self, source: String) {
        self.workbench.config.data.source = crate::guard::from_home(&source);
        self.read_data();
    }

    fn list_sessions(&mut self) {
        let page = self.workbench.settings.page;
        let deep =
            matches!(page, Page::Sessions | Page::Compare | Page::Queue) || self.workbench.settings_diff.is_open();
        self.found = Some(sessions::look(self.workbench.sessions.clone(), deep, Arc::clone(&self.waker)));
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.catch_panics(|app| app.tick(ctx));
        if self.fault.is_some() && self.ending.load(std::sync::atomic::Ordering::Relaxed) {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.catch_panics(|app| {
            for action in app.workbench.ui(ui) {
                app.execute(ui.ctx(), action);
            }
        });
        if let Some(fault) = &self.fault {
            fault.ui(ui);
        }
    }

    fn auto_save_interval(&self) -> Duration {
        SAVED_EVERY
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        // What a fault has left may be half changed: what was kept before it stays.
        self.catch_panics(|app| eframe::set_value(storage, STATE, &Saved::of(&app.workbench)));
    }
}

impl App {
    /// Does a part of a frame, unless one has panicked before. Where it panics, the run is stopped with a checkpoint, as when
    /// the system ends the program, and nothing is done or kept any more.
    fn catch_panics(&mut self, work: impl FnOnce(&mut Self)) {
        if self.fault.is_some() {
            return;
        }
        if let Err(panicked) = guard::catch(|| work(self)) {
            // Dropped, an engine writes its checkpoint and its ending, and waits for both.
            let session = self.engine.take().map(|engine| engine.session().to_owned());
            let ended = session.map(|session| {
                let newest = session::checkpoints(&session).last().copied();
                (session, newest)
            });
            self.jobs = Jobs::default();
            self.pending.clear();
            self.may_close = true;
            tracing::error!("the window broke down: {panicked}");
            self.fault = Some(Fault { panicked, ended });
        }
    }

    /// What is done in each frame before it is drawn.
    fn tick(&mut self, ctx: &egui::Context) {
        self.drain(ctx);
        self.tick_queue();
        self.tick_follower();
        self.tick_leaving(ctx);
        let title = notify::title(self.workbench.live.as_ref(), self.workbench.stored.as_ref());
        if self.title != title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
        if self.workbench.data.is_stale(&Source::of(&self.workbench.config)) {
            self.read_data();
        }
        self.tick_prober(ctx);
    }
}
