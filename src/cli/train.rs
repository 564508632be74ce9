//! `gandle train`, and the watching of any run.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use clap::Args;
use crossbeam_channel::RecvTimeoutError;
use indicatif::{ProgressBar, ProgressStyle};

use super::print::{self, note};
use super::settings::Settings;
use super::signals::{self, Asked, INTERRUPTED};
use super::track::TrackerArgs;
use super::usage::Usage;
use crate::config::{Config, has_errors};
use crate::engine::{AlreadyFinished, Engine, Refused, RunRequest, Trackers, Tracking};
use crate::event::{AlarmKind, Event, Recovered, Scalar, Score, ScoreProgress, Started};
use crate::guard::{Digits, few};
use crate::session;

#[derive(Args)]
pub(super) struct TrainArgs {
    /// A folder with one sub-folder per class, a table (.csv), an archive (.zip, .tar, .npz, .parquet), or `demo` for the drawn set.
    #[arg(long, value_name = "DATA")]
    data: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Steps that the run should reach.
    #[arg(long)]
    steps: Option<usize>,
    /// Minutes of training after which the run ends, whatever its steps.
    #[arg(long)]
    minutes: Option<f64>,
    /// The seed of all random numbers.
    #[arg(long)]
    seed: Option<u64>,
    /// The session's folder, which must not hold a session yet (but see --resume).
    #[arg(long, value_name = "SESSION")]
    out: Option<PathBuf>,
    /// Go on with the session in --out where it is this very run, and begin it where there is none. A finished one is left as it
    /// is, with status 0; another run is refused.
    #[arg(long, requires = "out")]
    resume: bool,
    /// auto, cpu, cuda, cuda:N or metal.
    #[arg(long)]
    device: Option<String>,
    /// CPU threads; 0 takes all cores.
    #[arg(long)]
    threads: Option<usize>,
    #[command(flatten)]
    trackers: TrackerArgs,
    /// Print every event as a line of JSON.
    #[arg(long)]
    json: bool,
    /// Print the resolved run.toml and its problems, and train nothing.
    #[arg(long, conflicts_with = "json")]
    dry_run: bool,
}

pub(super) fn run(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    let config = resolve(args)?;
    let trackers = args.trackers.trackers()?;
    let problems = config.check(None);
    for problem in &problems {
        note!("{problem}");
    }
    if has_errors(&problems) {
        return Ok(ExitCode::from(2));
    }
    if args.dry_run {
        print::config(&config)?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = args.out.clone().unwrap_or_else(|| session::new_folder(&config));
    if args.resume {
        return resume(config, folder, &trackers, args.json);
    }
    if session::has_run(&folder) {
        return Err(Usage(format!(
            "--out {}: already holds a session; choose another folder, or go on with it by --resume",
            folder.display()
        ))
        .into());
    }
    let request = RunRequest::new(config, folder);
    session::trust_paths(&request.places);
    watch_run(request, &trackers, args.json)
}

/// Begins a run or goes on with it, whichever is to be done.
fn resume(config: Config, folder: PathBuf, trackers: &Trackers, json: bool) -> anyhow::Result<ExitCode> {
    let typed = config.external_paths();
    let request = match RunRequest::new_or_resume(config, folder) {
        Ok(request) => request,
        Err(err) => return if_finished(err),
    };
    // Settings that were changed while it ran may name places that stand in no command.
    let mut unknown = session::untrusted_paths(&request.places);
    unknown.retain(|place| !typed.contains(place));
    if !unknown.is_empty() {
        let session = request.session.display();
        let unknown: Vec<String> = unknown.iter().map(|place| format!("  {place}")).collect();
        return Err(Refused(format!(
            "{session} names places that no run of yours has used:\n{}\nIf they are your own, go on with it by `gandle resume {session} --trust` once",
            unknown.join("\n")
        ))
        .into());
    }
    session::trust_paths(&request.places);
    watch_run(request, trackers, json)
}

/// Status 0 with a word where nothing is left to do; otherwise the error as it was.
pub(super) fn if_finished(err: anyhow::Error) -> anyhow::Result<ExitCode> {
    let AlreadyFinished(said) = err.downcast()?;
    note!("{said}");
    Ok(ExitCode::SUCCESS)
}

/// How often is looked how far scores are, while nothing else is told.
const LOOK: Duration = Duration::from_millis(200);

/// Runs to the end, telling what happens.
pub(super) fn watch_run(request: RunRequest, trackers: &Trackers, json: bool) -> anyhow::Result<ExitCode> {
    note!("session {}", request.session.display());
    let (steps, session) = (request.config.train.steps, request.session.clone());
    let engine = Engine::spawn(request, Arc::new(|| {}))?;
    // What the first signal that asks for the end makes of the exit status.
    let ended_by = Arc::new(AtomicU8::new(0));
    if let Some(commands) = engine.sender() {
        let ended_by = Arc::clone(&ended_by);
        signals::listen(move |asked| match asked {
            Asked::End(status) => {
                if ended_by.compare_exchange(0, status, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                    note!("\nstopping after this step and writing a checkpoint");
                }
                // It must not be lost, however much else was asked.
                commands.send(asked.command()).ok();
            }
            Asked::Save => _ = commands.try_send(asked.command()),
        })?;
    }
    let mut watcher = Watcher::new(json, steps);
    let mut code = ExitCode::from(1);
    let mut tracking = None;
    loop {
        tracking.iter_mut().flat_map(Tracking::news).for_each(|line| watcher.say(&line));
        let event = match engine.wait_event(LOOK) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => {
                watcher.scoring(engine.scores());
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        match &event {
            Event::Finished { .. } => code = ExitCode::SUCCESS,
            Event::Stopped { .. } => {
                let status = ended_by.load(Ordering::SeqCst);
                code = ExitCode::from(if status == 0 { INTERRUPTED } else { status });
            }
            Event::Started(_) => {
                tracking.get_or_insert_with(|| Tracking::start(&session, trackers, &(Arc::new(|| {}) as _)));
            }
            Event::Failed { .. }
            | Event::Data(_)
            | Event::Step(_)
            | Event::Score(_)
            | Event::Scored(_)
            | Event::Best(_)
            | Event::Nearest(_)
            | Event::Grid(_)
            | Event::LiveGrid(_)
            | Event::Checkpoint(_)
            | Event::Warning { .. }
            | Event::Alarm(_)
            | Event::Recovered(_)
            | Event::Edited(_)
            | Event::Stage { .. }
            | Event::Paused { .. }
            | Event::Resumed { .. } => {}
        }
        watcher.see(&event)?;
    }
    // What they lack is no failure of the run, and is told.
    tracking.map(|tracking| tracking.finish(|line| watcher.say(line)));
    Ok(code)
}

fn resolve(args: &TrainArgs) -> anyhow::Result<Config> {
    let mut config = args.settings.resolve()?;
    if let Some(data) = &args.data {
        config.data.source.clone_from(data);
    }
    let number = |from: Option<usize>, to: &mut usize| *to = from.unwrap_or(*to);
    number(args.steps, &mut config.train.steps);
    config.train.minutes = args.minutes.unwrap_or(config.train.minutes);
    number(args.threads, &mut config.train.threads);
    config.train.seed = args.seed.unwrap_or(config.train.seed);
    if let Some(device) = &args.device {
        config.train.device.clone_from(device);
    }
    Ok(config)
}

/// Shows events to a person or to a program.
struct Watcher {
    json: bool,
    bar: ProgressBar,
    steps: usize,
}

impl Watcher {
    fn new(json: bool, steps: usize) -> Self {
        let bar = if json || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {eta} left");
            ProgressBar::new(steps as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        };
        Self { json, bar, steps }
    }

    fn see(&mut self, event: &Event) -> anyhow::Result<()> {
        if self.json {
            print::json(event)?;
        }
        match event {
            Event::Step(s) => {
                self.bar.set_position(s.step as u64);
                let numbers = format!(
                    "D {:.3} G {:.3} {:.0} images/s",
                    s.numbers[Scalar::LossD],
                    s.numbers[Scalar::LossG],
                    s.numbers.get(Scalar::ImagesPerS).unwrap_or(0.0)
                );
                // Without a terminal, a line now and then.
                if self.bar.is_hidden() && !self.json && s.step.is_multiple_of((self.steps / 20).max(1)) {
                    self.say(&format!("step {}: {numbers}", s.step));
                }
                self.bar.set_message(numbers);
            }
            Event::Started(s) => self.start(s),
            Event::Data(d) => {
                let classes: Vec<String> = d.classes.iter().map(|c| format!("{} {}", c.name, c.images)).collect();
                let held_out = if d.held_out() > 0 { format!("; {} held out", d.held_out()) } else { String::new() };
                self.say(&format!("data {}: {}{held_out}", d.source, few(&classes)));
                if !d.skipped.is_empty() {
                    self.say(&format!(
                        "{} files are skipped (gandle inspect lists them with the reasons)",
                        d.skipped.len()
                    ));
                }
            }
            Event::Score(s) => {
                let class = s.class.as_ref().map(|class| format!(" of {class}")).unwrap_or_default();
                let Score { step, metric, samples, value, .. } = s;
                let judge = s.judge();
                self.say(&format!("step {step}: {metric}{class} ({judge}, {samples} images) {value:.3}"));
            }
            Event::Best(best) => {
                self.say(&format!("step {}: the best so far by {}; its checkpoint stays", best.step, best.metric));
            }
            Event::Checkpoint(c) => self.say(&format!("step {}: checkpoint {}", c.step, c.folder)),
            Event::Warning { message, .. } => self.say(&format!("warning: {message}")),
            // The failure that follows a divergence says the same, and what was kept.
            Event::Alarm(a) if a.kind == AlarmKind::Divergence => {}
            Event::Alarm(a) => self.say(&format!("step {}: alarm: {} {}", a.step, a.message, a.advice)),
            Event::Recovered(r) => self.say(&format!("step {}: over: {}", r.step, over(r))),
            Event::Edited(edited) => {
                let told: Vec<String> = edited.changes.iter().map(ToString::to_string).collect();
                self.say(&format!("step {}: changed {}", edited.step, told.join(", ")));
            }
            Event::Stage { step, resolution, fading } => {
                let fades = if *fading { " fading in" } else { "" };
                self.say(&format!("step {step}: images of {resolution} px{fades}"));
            }
            Event::Finished { step } => self.say(&format!("finished at step {step}")),
            Event::Stopped { step } => self.say(&format!("stopped at step {step}; the checkpoint is written")),
            Event::Failed { step, message } => self.say(&format!("failed after step {step}: {message}")),
            Event::Grid(_)
            | Event::LiveGrid(_)
            | Event::Scored(_)
            | Event::Nearest(_)
            | Event::Paused { .. }
            | Event::Resumed { .. } => {}
        }
        Ok(())
    }

    /// Says beside the progress bar how far scores are, where some are being taken.
    fn scoring(&self, progress: Option<ScoreProgress>) {
        if let Some(ScoreProgress { doing, done, total }) = progress {
            self.bar.set_message(format!("scoring: {doing} {done} of {total};"));
        }
    }

    fn start(&self, started: &Started) {
        let Started { step, parent, classes, device, threads, .. } = started;
        self.bar.set_position(*step as u64);
        self.bar.reset_eta();
        if let Some(parent) = parent {
            self.say(&format!("forked from {} at its step {}", parent.session, parent.step));
        }
        if *step > 0 {
            self.say(&format!("continues from step {step}"));
        }
        self.say(&format!(
            "{} on {device} with {}; generator {} and discriminator {} parameters",
            if classes.len() == 1 { "1 class".to_owned() } else { format!("{} classes", classes.len()) },
            Digits::Plain.count(*threads, "thread"),
            started.generator_parameters,
            started.discriminator_parameters
        ));
    }

    /// A line on standard error that does not tear the progress bar.
    fn say(&self, line: &str) {
        self.bar.suspend(|| note!("{line}"));
    }
}

/// What an alarm that is over was about.
fn over(recovered: &Recovered) -> String {
    match recovered.kind {
        AlarmKind::Divergence => "the divergence".to_owned(),
        AlarmKind::SaturatedDiscriminator => "the discriminator is wrong about some images again".to_owned(),
        AlarmKind::BlankImages => "the generated images differ again".to_owned(),
        AlarmKind::Copies => {
            "the generated images are as far from the training images as other real ones again".to_owned()
        }
        AlarmKind::ClassCollapse => {
            let class = recovered.subject.as_deref().unwrap_or("a class");
            format!("the generated images of {class} differ again")
        }
    }
}
