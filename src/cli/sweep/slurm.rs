//! A sweep as a job array of Slurm: the script, and what was submitted.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::super::print::{note, say};
use super::super::settings;
use super::super::signals::UNFINISHED;
use super::super::usage::Usage;
use super::SweepArgs;
use super::place::{LOGS, Place, Planned};
use crate::guard::Digits;
use crate::session::write_whole;

/// The script.
const SCRIPT: &str = "slurm.sh";
/// The jobs that were submitted, one array a line.
const JOBS: &str = "slurm-jobs.jsonl";
/// Seconds before a job's time is over at which its run saves and goes back into the queue.
const AHEAD: u32 = 120;

/// An array of jobs: the place of a name in it is the number of its job.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Submitted {
    job: String,
    runs: Vec<String>,
}

/// Prints the script for what is not finished.
pub(super) fn print(place: &Place, planned: &[Planned], args: &SweepArgs) -> anyhow::Result<()> {
    let runs: Vec<&Planned> = planned.iter().filter(|run| !run.is_finished()).collect();
    for line in script(place, &runs, args)?.lines() {
        say!("{line}");
    }
    Ok(())
}

/// Submits what is neither finished nor trained or queued already.
pub(super) fn submit(place: &Place, planned: &[Planned], args: &SweepArgs) -> anyhow::Result<ExitCode> {
    let queued = queued(place)?;
    let mut runs = Vec::new();
    for run in planned.iter().filter(|run| !run.is_finished()) {
        if queued.iter().any(|name| name == run.name()) {
            note!("{} is in the queue already", run.name());
        } else if let Some(holder) = &run.holder {
            note!("{}: {holder} trains it, and it is left to that", run.name());
        } else {
            runs.push(run);
        }
    }
    if runs.is_empty() {
        say!("nothing to submit");
        return Ok(ExitCode::SUCCESS);
    }
    let path = place.0.join(SCRIPT);
    write_whole(&path, script(place, &runs, args)?.as_bytes())?;
    let mut sbatch = Command::new("sbatch");
    sbatch.arg("--parsable").arg(&path);
    let output = sbatch.output().context("sbatch could not be started; is this a machine of the cluster?")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("sbatch refuses {}: {}", path.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    // With a cluster's name behind it, where there are several.
    let job = said.trim().split(';').next().unwrap_or_default().to_owned();
    let count = Digits::Plain.count(runs.len(), "run");
    remember(place, &Submitted { job: job.clone(), runs: runs.iter().map(|run| run.name().to_owned()).collect() })?;
    say!("job {job}: {count}");
    note!("`squeue -j {job}` shows them, and what they say is in {}", place.0.join(LOGS).display());
    Ok(ExitCode::SUCCESS)
}

fn remember(place: &Place, submitted: &Submitted) -> anyhow::Result<()> {
    let path = place.0.join(JOBS);
    let mut line = serde_json::to_vec(submitted)?;
    line.push(b'\n');
    let write = || File::options().create(true).append(true).open(&path)?.write_all(&line);
    write().with_context(|| {
        format!(
            "job {} is submitted, and {} could not be written: do not submit it again",
            submitted.job,
            path.display()
        )
    })
}

/// Runs whose jobs wait, or go on.
fn queued(place: &Place) -> anyhow::Result<Vec<String>> {
    let path = place.0.join(JOBS);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = settings::read_config(&path).with_context(|| format!("{} could not be read", path.display()))?;
    let submitted: Vec<Submitted> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let output = Command::new("squeue").args(["-h", "-r", "--me", "-o", "%i"]).output();
    let output = output.context("squeue could not be started; is this a machine of the cluster?")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("squeue does not tell which jobs are in the queue, and nothing is submitted twice: {}", said.trim());
    }
    let jobs = String::from_utf8_lossy(&output.stdout);
    let mut runs = Vec::new();
    for (job, number) in jobs.lines().filter_map(|line| line.trim().split_once('_')) {
        let of = submitted.iter().find(|submitted| submitted.job == job);
        runs.extend(of.and_then(|of| of.runs.get(number.parse::<usize>().ok()?)).cloned());
    }
    Ok(runs)
}

/// The script of an array: each of its jobs goes on with its run, and goes back into the queue where that was asked to end.
fn script(place: &Place, runs: &[&Planned], args: &SweepArgs) -> anyhow::Result<String> {
    let folder = absolute(&place.0)?;
    let here = absolute(Path::new("."))?;
    let program = std::env::current_exe().context("the place of this program is not known")?;
    let program = absolute(&program)?;
    let name = Path::new(&folder).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let last = runs.len().saturating_sub(1);
    let most = args.jobs.map_or_else(String::new, |most| format!("%{most}"));
    // A % would begin a pattern, and a blank ends a word.
    let output = format!("{}/{LOGS}/%A_%a.log", folder.replace('%', "%%"));
    let mut options = vec![
        format!("--job-name={}", word(&format!("gandle-{name}"))),
        format!("--array=0-{last}{most}"),
        format!("--output={}", word(&output)),
        format!("--chdir={}", word(&here)),
        "--requeue --open-mode=append".to_owned(),
        format!("--signal=USR1@{AHEAD}"),
    ];
    // Where the settings name a number of threads, that many processors are asked for; else it is the other way round.
    let threads = runs.iter().map(|run| run.run.config.train.threads).max().unwrap_or(0);
    let taken = if threads == 0 { r#" --threads "$processors""# } else { "" };
    options.extend((threads > 0).then(|| format!("--cpus-per-task={threads}")));
    for more in &args.sbatch {
        if more.contains(['\n', '\r']) {
            return Err(Usage("--sbatch: options stand on one line".to_owned()).into());
        }
        options.push(more.trim().to_owned());
    }
    let mut text =
        String::from("#!/bin/bash\n# Written by `gandle sweep --slurm`, and written anew by the next one.\n");
    for option in options {
        writeln!(text, "#SBATCH {option}")?;
    }
    let runs: Vec<String> = runs.iter().map(|run| quoted(run.name())).collect();
    write!(
        text,
        r#"
sweep={folder}
gandle=${{GANDLE:-{program}}}
runs=({runs})
run=${{runs[$SLURM_ARRAY_TASK_ID]}}
processors=${{SLURM_CPUS_PER_TASK:-1}}

echo "== $run on $(hostname), restart ${{SLURM_RESTART_COUNT:-0}}"
# Slurm tells the steps of a job before its time is over or it is preempted, not the script: hence srun.
srun --cpus-per-task="$processors" "$gandle" train --resume --config "$sweep/runs/$run.toml" --out "$sweep/$run"{taken}{trackers}
status=$?
echo "== $run ended with status $status"
# Asked to end, saved and not finished: back into the queue.
if [ "$status" = {UNFINISHED} ]; then scontrol requeue "$SLURM_JOB_ID" && sleep 60; fi
exit "$status"
"#,
        folder = quoted(&folder),
        program = quoted(&program),
        runs = runs.join(" "),
        trackers = args.trackers.words().iter().map(|word| format!(" {}", quoted(word))).collect::<String>(),
    )?;
    Ok(text)
}

fn absolute(path: &Path) -> anyhow::Result<String> {
    let absolute: PathBuf = std::path::absolute(path)?;
    // `absolute` keeps a dot at the end.
    let plain: PathBuf = absolute.components().collect();
    match plain.to_str() {
        Some(text) if !text.contains(['\n', '\r', '"', '\\']) => Ok(text.to_owned()),
        Some(_) | None => Err(Usage(format!(
            "{}: no path for a script: its name has line ends, quotes or backslashes",
            path.display()
        ))
        .into()),
    }
}

/// A word of a line of options.
fn word(text: &str) -> String {
    format!("\"{text}\"")
}

/// A word of the script.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
