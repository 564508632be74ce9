//! `gandle sweep`: a run for every combination of some settings' values and every seed, here or as a job array of Slurm.
//!
//! Its folder holds `sweep.toml`, which says all of it; `runs/NAME.toml`, the settings of each run; a session `NAME` for each run
//! that has begun; `logs/NAME.log`, what it said; and with Slurm the script and the jobs that were submitted.

mod local;
mod place;
mod slurm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use self::place::{LOGS, Place, Planned, RUNS, SWEEP};
use super::compare::Style;
use super::print::{note, say};
use super::settings::{self, Settings};
use super::track::TrackerArgs;
use super::usage::Usage;
use crate::chart::duration;
use crate::config::resumable::may_change_on_resume;
use crate::config::sweep::{Sweep, SweepRun, Variant, seeds, split};
use crate::config::{Config, has_errors};
use crate::engine;
use crate::guard::Digits;
use crate::session::{self, Stored, write_whole};
use crate::summary::{Brief, cost, plain};

#[derive(Args)]
pub(super) struct SweepArgs {
    /// The folder of a sweep to go on with, or a sweep.toml, whose folder takes the runs where there is no --out.
    #[arg(
        value_name = "SWEEP",
        conflicts_with_all = ["preset", "config", "set", "variants"],
        required_unless_present = "out"
    )]
    sweep: Option<PathBuf>,
    /// The folder of a new sweep, or of one to be changed: its finished runs stay.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The preset to start from.
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    preset: Option<String>,
    /// A run.toml to start from, such as that of an earlier session.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A setting with one value for all runs, or with several, of which each run has one: KEY=A,B,C. May be repeated; every
    /// combination is run. Commas inside of `[]`, `{}` and quotes part no values: `generator.attention=[16,32],[]` has two,
    /// and `'data.source="a,b"'` is one text.
    #[arg(long, value_name = "KEY=VALUE[,VALUE]...")]
    set: Vec<String>,
    /// A named change of several settings, as the row of an ablation: "NAME: KEY=VALUE, KEY=VALUE", where preset=NAME takes over the
    /// recipe of a preset; "NAME" alone is the base. May be repeated; each is run with every value of --set and every seed.
    #[arg(long = "variant", value_name = "VARIANT", value_parser = Variant::parse)]
    variants: Vec<Variant>,
    /// One run for each seed: 1,2,3 or 1-5.
    #[arg(long, value_parser = seeds)]
    seeds: Option<std::vec::Vec<u64>>,
    /// Data of all runs, as of `gandle train`.
    #[arg(long, value_name = "DATA")]
    data: Option<String>,
    /// Steps that each run should reach.
    #[arg(long)]
    steps: Option<usize>,
    /// Minutes of training after which each run ends.
    #[arg(long)]
    minutes: Option<f64>,
    /// Runs at once, which share the CPU threads of the machine where train.threads is 0 (by default one); with --slurm, jobs of the
    /// array at once (by default as many as the cluster takes).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    /// Submit what is not finished as a job array of Slurm, whose jobs go on where they were interrupted.
    #[arg(long)]
    slurm: bool,
    /// Options of sbatch for all jobs, such as "--partition=long --gres=gpu:1 --time=12:00:00"; may be repeated.
    #[arg(long, value_name = "OPTIONS", requires = "slurm", allow_hyphen_values = true)]
    sbatch: Vec<String>,
    #[command(flatten)]
    trackers: TrackerArgs,
    /// Measure how long a step takes here for each kind of run, and tell the time of all.
    #[arg(long)]
    measure: bool,
    /// List the runs (with --slurm, print the script too), and write and run nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &SweepArgs) -> anyhow::Result<ExitCode> {
    args.trackers.trackers()?;
    let (place, sweep) = asked(args)?;
    let runs = sweep.runs().map_err(|err| Usage(err.to_string()))?;
    if !told_problems(&runs) {
        return Ok(ExitCode::from(2));
    }
    let (planned, left) = plan(&place, runs)?;
    tell(&sweep, &planned, args.measure)?;
    if left > 0 {
        let (are, stay) = if left == 1 { ("is", "stays") } else { ("are", "stay") };
        note!(
            "{} in {} {are} no part of the sweep any more and {stay}",
            Digits::Plain.count(left, "run"),
            place.0.display()
        );
    }
    if args.dry_run {
        if args.slurm {
            say!("");
            slurm::print(&place, &planned, args)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    write(&place, &sweep, &planned)?;
    if args.slurm {
        slurm::submit(&place, &planned, args)
    } else {
        local::run(&place, &planned, args.jobs.unwrap_or(1), &args.trackers.words())
    }
}

/// The sweep that is asked for, and its folder.
fn asked(args: &SweepArgs) -> anyhow::Result<(Place, Sweep)> {
    let stored = |file: &Path| -> anyhow::Result<Sweep> {
        let failed = |err: &dyn std::fmt::Display| Usage(format!("{}: {err}", file.display()));
        let text = settings::read_config(file).map_err(|err| failed(&err))?;
        Ok(Sweep::from_toml(&text).map_err(|err| failed(&format!("\n{err}")))?)
    };
    if let Some(named) = &args.sweep {
        let file = if named.is_dir() { named.join(SWEEP) } else { named.clone() };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let place = Place(args.out.clone().unwrap_or_else(|| folder.to_owned()));
        return Ok((place, args.lay_over(stored(&file)?)));
    }
    let place = Place(args.out.clone().unwrap_or_default());
    let given = args.preset.is_some() || args.config.is_some() || !args.set.is_empty() || !args.variants.is_empty();
    let given = given || args.data.is_some() || args.seeds.is_some() || args.steps.is_some() || args.minutes.is_some();
    if !given && place.sweep().is_file() {
        let sweep = stored(&place.sweep())?;
        return Ok((place, sweep));
    }
    // What has one value may decide how a preset is laid out, as the image size does.
    let single: Vec<String> = args.set.iter().filter(|entry| !is_list(entry)).cloned().collect();
    let base = Settings { preset: args.preset.clone(), config: args.config.clone(), set: single };
    let sweep = Sweep::new(base.resolve()?, &args.set, args.variants.clone(), None);
    let sweep = sweep.map_err(|err| Usage(err.to_string()))?;
    Ok((place, args.lay_over(sweep)))
}

impl SweepArgs {
    /// What is said beside a sweep, and holds for all of its runs.
    fn lay_over(&self, mut sweep: Sweep) -> Sweep {
        if let Some(seeds) = &self.seeds {
            sweep.seeds.clone_from(seeds);
        }
        let base = &mut sweep.base;
        if let Some(data) = &self.data {
            base.data.source.clone_from(data);
        }
        base.train.steps = self.steps.unwrap_or(base.train.steps);
        base.train.minutes = self.minutes.unwrap_or(base.train.minutes);
        sweep
    }
}

/// Whether an entry of --set names several values. What is broken is told with them.
fn is_list(entry: &str) -> bool {
    entry.split_once('=').is_none_or(|(_, list)| split(list).map_or(true, |parts| parts.len() > 1))
}

/// Tells what is wrong with the settings, each thing once; false where they cannot be run.
fn told_problems(runs: &[SweepRun]) -> bool {
    let (mut told, mut fine) = (Vec::new(), true);
    for run in runs {
        let problems = run.config.check(None);
        fine &= !has_errors(&problems);
        for problem in problems.iter().map(ToString::to_string) {
            if !told.contains(&problem) {
                note!("{}: {problem}", run.name);
                told.push(problem);
            }
        }
    }
    fine
}

/// Whether two configurations are the same run.
fn same(a: &Config, b: &Config) -> bool {
    a.differences(b).iter().all(|(key, ..)| may_change_on_resume(key))
}

/// Gives every run a place: that which it has already, whatever it is called there. Beside them comes the number of runs there that
/// are not among these.
fn plan(place: &Place, runs: Vec<SweepRun>) -> anyhow::Result<(Vec<Planned>, usize)> {
    let mut known = known(place)?;
    let mut planned = Vec::new();
    for mut run in runs {
        match known.iter().position(|(_, config)| same(config, &run.config)) {
            Some(at) => run.name = known.swap_remove(at).0,
            None => {
                let taken = |name: &str| place.settings(name).exists() || place.0.join(name).exists();
                let numbered = (2..).map(|number| format!("{}-{number}", run.name));
                if taken(&run.name) {
                    run.name = numbered.into_iter().find(|name| !taken(name)).unwrap_or_default();
                }
            }
        }
        let folder = place.0.join(&run.name);
        let stored = session::has_run(&folder).then(|| Stored::outline(&folder)).transpose()?;
        let brief = stored.map(|stored| Brief::new(stored.config, stored.events));
        let holder = session::holder(&folder);
        planned.push(Planned { run, folder, brief, holder });
    }
    Ok((planned, known.len()))
}

/// The runs that have a place already.
fn known(place: &Place) -> anyhow::Result<Vec<(String, Config)>> {
    let folder = place.0.join(RUNS);
    let mut known = Vec::new();
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(known) };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name =
            path.file_stem().and_then(|name| name.to_str()).filter(|_| path.extension().is_some_and(|e| e == "toml"));
        let Some(name) = name else { continue };
        let text = settings::read_config(&path).with_context(|| format!("{} could not be read", path.display()))?;
        let config = Config::from_toml(&text).map_err(|err| Usage(format!("{}:\n{err}", path.display())))?;
        known.push((name.to_owned(), config));
    }
    known.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(known)
}

/// Prints the table of runs, and how long they take where that is known.
fn tell(sweep: &Sweep, planned: &[Planned], measure: bool) -> anyhow::Result<()> {
    let paces = if measure { paces(planned)? } else { Vec::new() };
    let a_step = |run: &Planned| {
        let kind = cost(&run.run.config.settings());
        paces.iter().find(|(known, _)| *known == kind).map(|(_, seconds)| *seconds)
    };
    // Seconds that are still to come.
    let left = |run: &Planned| {
        let done = run.brief.as_ref().map_or(0, |brief| brief.step);
        let steps = run.run.config.train.steps.saturating_sub(done) as f64;
        if run.is_finished() { Some(0.0) } else { a_step(run).map(|seconds| seconds * steps) }
    };
    let keys: Vec<&str> = sweep.values.iter().map(|(key, _)| key.as_str()).collect();
    let mut head = vec!["run", "state", "step", "seed"];
    head.extend((!sweep.variants.is_empty()).then_some("variant"));
    head.extend(&keys);
    head.extend(measure.then_some("time left"));
    let rows = planned.iter().map(|run| {
        let done = run.brief.as_ref().map_or(0, |brief| brief.step);
        let config = &run.run.config;
        let mut row = vec![
            run.name().to_owned(),
            run.state().to_owned(),
            format!("{done}/{}", config.train.steps),
            config.train.seed.to_string(),
        ];
        row.extend(run.run.variant.clone());
        row.extend(run.run.varied.iter().map(|value| plain(value).to_owned()));
        row.extend(measure.then(|| left(run).map_or_else(String::new, duration)));
        row
    });
    Style::Plain.print(&head, &rows.collect::<Vec<_>>())?;
    let finished = planned.iter().filter(|run| run.is_finished()).count();
    say!("{}, {finished} of them finished", Digits::Plain.count(planned.len(), "run"));
    if measure {
        let sum: f64 = planned.iter().filter_map(left).sum();
        say!("{} one after another, as steps were measured here, without scores and grids", duration(sum));
    }
    Ok(())
}

/// Seconds a step for each kind of run that is not finished.
fn paces(planned: &[Planned]) -> anyhow::Result<Vec<(String, f64)>> {
    let mut paces: Vec<(String, f64)> = Vec::new();
    for run in planned.iter().filter(|run| !run.is_finished()) {
        let kind = cost(&run.run.config.settings());
        if paces.iter().any(|(known, _)| *known == kind) {
            continue;
        }
        // Their number hardly counts.
        let classes = crate::data::demo::CLASSES.len();
        let pace = engine::probe(&run.run.config, classes, &|| true);
        let pace = pace.with_context(|| format!("a step of {} could not be measured", run.name()))?;
        paces.extend(pace.map(|pace| (kind, pace.seconds)));
    }
    Ok(paces)
}

/// Writes what says all of the sweep and of its runs. A `sweep.toml` of another sweep stays under another name.
fn write(place: &Place, sweep: &Sweep, planned: &[Planned]) -> anyhow::Result<()> {
    for folder in [place.0.clone(), place.0.join(RUNS), place.0.join(LOGS)] {
        std::fs::create_dir_all(&folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    }
    let file = place.sweep();
    let before = file.exists().then(|| settings::read_config(&file)).transpose();
    let before = before.with_context(|| format!("{} could not be read", file.display()))?;
    if before.as_deref().map(Sweep::from_toml) != Some(Ok(sweep.clone())) {
        if before.is_some() {
            let kept = (1..).map(|number| place.0.join(format!("sweep-{number}.toml"))).find(|kept| !kept.exists());
            let kept = kept.unwrap_or_else(|| place.0.join("sweep-0.toml"));
            std::fs::rename(&file, &kept).with_context(|| format!("could not rename {}", file.display()))?;
            note!("the sweep has changed; its file from before is {}", kept.display());
        }
        write_whole(&file, sweep.to_toml().as_bytes())?;
    }
    for run in planned {
        let (file, text) = (place.settings(run.name()), run.run.config.to_toml());
        if std::fs::read_to_string(&file).ok().as_deref() != Some(text.as_str()) {
            write_whole(&file, text.as_bytes())?;
        }
    }
    Ok(())
}
