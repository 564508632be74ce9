//! The only room that knows both engine and ui: drains, routes, saves.

mod compare;
mod dialogs;
mod fault;
mod follow;
mod grids;
mod jobs;
mod leaving;
mod manage;
mod notify;
mod opening;
mod prober;
mod queue;
mod saved;
mod saving;
mod sessions;
mod study;
mod task;
mod training;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::engine::{Engine, Job};
use crate::event::{Event, Look, Waker};
use crate::guard;
use crate::session;
use crate::ui::{Action, CompareAsk, GridAsk, Notice, Page, SessionRow, Source, Workbench, icon, theme};
use compare::RunReader;
use dialogs::{Dialog, Purpose};
use fault::Fault;
use grids::GridReader;
use prober::Prober;
use saved::Saved;
use study::Study;

/// Name under which the state is kept.
const STATE: &str = "gandle";
/// What draining may take of a frame.
const DRAIN_BUDGET: Duration = Duration::from_millis(10);
/// How often the state is kept, so that a crash takes little of a queue. Nothing is written where nothing changed.
const SAVED_EVERY: Duration = Duration::from_secs(5);
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
        let mut app = App::new(creation)?;
        app.ending = leaving::on_signal(creation.egui_ctx.clone());
        if let Some(folder) = &open {
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

/// The window and everything that works for it.
struct App {
    workbench: Workbench,
    engine: Option<Engine>,
    reader: Option<Job>,
    exporter: Option<Job>,
    scorer: Option<Job>,
    /// Real images that are being read to look at.
    looker: Option<(Look, Job)>,
    prober: Prober,
    study: Study,
    /// A session that is being opened.
    opening: Option<opening::Opening>,
    /// A session that is to go on.
    resuming: Option<training::Resuming>,
    /// The run of the queue that was under way when the window was closed.
    begun: Option<queue::Begun>,
    /// Jobs that were cancelled and have not ended yet.
    retired: Vec<Job>,
    dialog: Option<Dialog>,
    saving: Option<crossbeam_channel::Receiver<Notice>>,
    /// Sessions that are being looked for.
    found: Option<crossbeam_channel::Receiver<Vec<SessionRow>>>,
    follower: Option<follow::Follower>,
    grids: GridReader,
    /// Grids of the Compare page.
    compared_grids: GridReader,
    compared: RunReader,
    /// What becomes of changes to stored sessions.
    managed: (crossbeam_channel::Sender<manage::Done>, crossbeam_channel::Receiver<manage::Done>),
    /// The window's title.
    title: String,
    /// Whether the window closes without a question.
    may_close: bool,
    /// Whether the system has asked this program to end.
    ending: Arc<AtomicBool>,
    /// Why nothing but this is shown any more.
    fault: Option<Fault>,
    waker: Waker,
}

impl App {
    fn new(creation: &eframe::CreationContext<'_>) -> std::io::Result<Self> {
        theme::apply(&creation.egui_ctx);
        // What was in front when the window closed is not open any more.
        creation.egui_ctx.memory_mut(egui::Memory::reset_areas);
        let saved: Saved = creation.storage.and_then(|storage| eframe::get_value(storage, STATE)).unwrap_or_default();
        let ctx = creation.egui_ctx.clone();
        let waker: Waker = Arc::new(move || ctx.request_repaint_after(NEWS_PAUSE));
        let mut app = Self {
            workbench: saved.restore(),
            engine: None,
            reader: None,
            exporter: None,
            scorer: None,
            looker: None,
            prober: Prober::default(),
            study: Study::default(),
            opening: None,
            resuming: None,
            begun: None,
            retired: Vec::new(),
            dialog: None,
            saving: None,
            found: None,
            follower: None,
            grids: GridReader::spawn(Arc::clone(&waker))?,
            compared_grids: GridReader::spawn(Arc::clone(&waker))?,
            compared: RunReader::spawn(Arc::clone(&waker))?,
            managed: crossbeam_channel::bounded(16),
            title: String::new(),
            may_close: false,
            ending: Arc::default(),
            fault: None,
            waker,
        };
        app.list_sessions();
        Ok(app)
    }

    /// Takes in what the engine, the jobs and the dialogs have to say.
    fn drain(&mut self, ctx: &egui::Context) {
        let start = Instant::now();
        if let (Some(engine), Some(live)) = (&self.engine, &mut self.workbench.live) {
            for event in engine.events() {
                live.apply(event);
                if start.elapsed() > DRAIN_BUDGET {
                    ctx.request_repaint();
                    break;
                }
            }
            live.show_scores(engine.scores());
            if let Some(grid) = engine.latest_grid() {
                live.show_grid(grid);
            }
            if engine.is_finished() {
                // The events that came between draining and here; none comes after.
                engine.events().for_each(|event| live.apply(event));
                if live.is_active() {
                    let message = "The training thread ended without a word, which is a fault of this program (a panic). What was written so far is in the session's folder; train again to start afresh.";
                    live.apply(Event::Failed { step: live.step(), message: message.to_owned() });
                }
                self.engine = None;
                if live.started().is_none() {
                    // What was told of its folder is not true: nothing was stored.
                    self.workbench.notice = None;
                }
                self.run_ended(ctx);
                self.list_sessions();
            }
        }
        self.drain_jobs(ctx);
        self.drain_study(ctx);
        for (ask, result) in self.grids.answers() {
            self.workbench.take_grid(ctx, &ask, result);
        }
        for (ask, result) in self.compared_grids.answers() {
            self.workbench.compare.take_grid(ctx, &ask, result);
        }
        for (folder, run) in self.compared.answers() {
            self.workbench.compare.take(&folder, run);
        }
        self.take_managed();
        self.take_opened();
        self.take_resumed();
        self.take_answer();
        if let Some(rows) = self.found.as_ref().and_then(|found| found.try_iter().last()) {
            self.workbench.sessions = rows;
        }
        if let Some(notice) = self.saving.as_ref().and_then(|saving| saving.try_recv().ok()) {
            self.workbench.notice = Some(notice);
            self.saving = None;
        }
    }

    fn execute(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::Train => self.train(),
            Action::Leave(_) => self.leave(),
            Action::Resume { folder, steps } => self.resume(&folder, steps),
            Action::Trust { folder, steps, places } => {
                session::remember_places(&places);
                self.go_on(&folder, steps);
            }
            Action::Branch { parent, step, steps, set } => self.branch(&parent, step, steps, &set),
            Action::EndElsewhere(session) => self.end_elsewhere(&session),
            Action::FindData(session) => self.open_dialog(Purpose::Moved(session)),
            Action::Command(command) => self.tell_engine(command),
            Action::ChooseData => self.open_dialog(Purpose::Data),
            Action::ChooseInception => self.open_dialog(Purpose::Inception),
            Action::ChooseDataFile => self.open_dialog(Purpose::DataFile),
            Action::ChooseVgg19 => self.open_dialog(Purpose::Vgg19),
            Action::ChooseSession => self.open_dialog(Purpose::Session),
            Action::ChooseExportFolder => self.open_dialog(Purpose::Export),
            Action::SaveGrid(picture) => self.open_dialog(Purpose::Grid(Box::new(picture))),
            Action::SaveFigure(figure) => self.open_dialog(Purpose::Figure(figure)),
            Action::UseData(source) => self.use_data(source),
            Action::ReadData => self.read_data(),
            Action::Browse(look) => self.browse(ctx, look),
            Action::CancelReading => self.reader.iter().for_each(Job::cancel),
            Action::ListSessions => self.list_sessions(),
            Action::OpenSession(folder) => self.open_session(&folder),
            Action::ReadGrid(ask) => self.read_grid(ctx, ask),
            Action::Export(ask) => self.export(ask),
            Action::TakeOut(asked) => self.take_out(asked),
            Action::Score(ask) => self.score(*ask),
            Action::CancelScores => self.scorer.iter().for_each(Job::cancel),
            Action::CancelExport => self.exporter.iter().for_each(Job::cancel),
            Action::Explore(wanted) => self.explore(wanted),
            Action::PrepareQuiz(ask) => self.prepare_quiz(ask),
            Action::CancelQuiz => self.study.cancel(),
            Action::KeepQuiz { session, log } => self.keep_quiz(&session, &log),
            Action::Session(ask) => self.manage(ask),
            Action::Compare(ask) => self.read_compared(ctx, ask),
            Action::Queue(ask) => self.ask_queue(ask),
            Action::Copy(text) => {
                ctx.copy_text(text);
                self.workbench.notice = Some(Notice::info("Copied"));
            }
            // The workbench has carried these out itself.
            Action::OpenExport
            | Action::CloseSession
            | Action::UseSettings(_)
            | Action::CompareSetUp
            | Action::GoBack(_)
            | Action::OpenScores
            | Action::TurnTo(_) => {}
        }
    }

    fn use_data(&mut self, source: String) {
        self.workbench.config.data.source = source;
        self.read_data();
    }

    fn list_sessions(&mut self) {
        let page = self.workbench.settings.page;
        let deep = matches!(page, Page::Sessions | Page::Compare | Page::Queue) || self.workbench.theirs.is_open();
        match sessions::look(self.workbench.sessions.clone(), deep, Arc::clone(&self.waker)) {
            Ok(found) => self.found = Some(found),
            Err(err) => self.complain(format!("The sessions could not be listed: {err}")),
        }
    }

    fn read_grid(&mut self, ctx: &egui::Context, ask: GridAsk) {
        if !self.grids.ask(ask.clone()) {
            self.workbench.take_grid(ctx, &ask, Err("The reader of grids is busy or has ended".to_owned()));
        }
    }

    fn read_compared(&mut self, ctx: &egui::Context, ask: CompareAsk) {
        match ask {
            CompareAsk::Run(folder) => {
                if !self.compared.ask(&folder) {
                    self.workbench.compare.take(&folder, Err("too many sessions wait to be read".to_owned()));
                }
            }
            CompareAsk::Grid(ask) => {
                if !self.compared_grids.ask(ask.clone()) {
                    self.workbench.compare.take_grid(ctx, &ask, Err("The reader of grids has ended".to_owned()));
                }
            }
        }
    }

    fn complain(&mut self, text: String) {
        self.workbench.notice = Some(Notice::error(text));
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.careful(|app| app.tick(ctx));
        if self.fault.is_some() && self.ending.load(std::sync::atomic::Ordering::Relaxed) {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.careful(|app| {
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
        self.careful(|app| eframe::set_value(storage, STATE, &Saved::of(&app.workbench)));
    }
}

impl App {
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
