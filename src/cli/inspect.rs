//! `gandle inspect`: what a data set holds, and every file that cannot be used with its reason.

use clap::Args;

use super::print::{WIDEST, json, say};
use super::usage::Usage;
use crate::config::{Config, Level, Preset};
use crate::data;
use crate::event::DataSummary;

/// Sizes of images that are printed, and names in a group of duplicates; the rest is counted.
const SIZES: usize = 8;
/// Lines of a kind that are printed unless all are asked for: a terminal holds no hundred thousand.
const LINES: usize = 20;

#[derive(Args)]
pub(super) struct InspectArgs {
    /// A folder with one sub-folder per class (or just of images), a table (.csv), an archive (.zip, .tar, .npz, .parquet), or `demo`.
    data: String,
    /// A setting of the data, such as data.held_out=0.2; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// List every duplicate, note and skipped file, however many there are.
    #[arg(long)]
    all: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<()> {
    let config = settings(args)?;
    let summary = data::inspect(&args.data, &config)?;
    if args.json {
        return json(&summary);
    }
    print_classes(&summary)?;
    let sizes: Vec<String> =
        summary.sizes.iter().take(SIZES).map(|s| format!("{}x{} ({})", s.width, s.height, s.images)).collect();
    let more = summary.sizes.len().saturating_sub(SIZES);
    if !sizes.is_empty() {
        say!("sizes: {}{}", sizes.join(", "), if more > 0 { format!(", and {more} more") } else { String::new() });
    }
    for finding in &summary.findings {
        let fix: Vec<String> = finding.fix.iter().map(|(key, value)| format!("--set '{key}={value}'")).collect();
        let fix = if fix.is_empty() { String::new() } else { format!(" ({})", fix.join(" ")) };
        say!("warning: {}{fix}", finding.message);
    }
    for note in &summary.notes {
        say!("note: {note}");
    }
    let most = if args.all { usize::MAX } else { LINES };
    let notes = summary.file_notes.iter().map(|noted| format!("{}: {}", noted.file, noted.note));
    some("read", notes, most)?;
    let names = if args.all { usize::MAX } else { SIZES };
    let groups = summary.duplicates.iter().map(|group| {
        let more = group.len().saturating_sub(names);
        let shown = group[..group.len() - more].join(", ");
        if more > 0 { format!("{shown}, and {more} more") } else { shown }
    });
    some("same pixels", groups, most)?;
    some("skipped", summary.skipped.iter().map(|skipped| format!("{}: {}", skipped.file, skipped.reason)), most)?;
    Ok(())
}

/// The first lines of a kind, and how many there are beside them.
fn some(kind: &str, lines: impl ExactSizeIterator<Item = String>, most: usize) -> anyhow::Result<()> {
    let more = lines.len().saturating_sub(most);
    for line in lines.take(most) {
        say!("{kind}: {line}");
    }
    if more > 0 {
        say!("{kind}: {more} more (--all lists them)");
    }
    Ok(())
}

/// The defaults, read as new set-ups read, with the settings that were given; only problems of the data matter here.
fn settings(args: &InspectArgs) -> anyhow::Result<Config> {
    let (mut config, new) = (Config::default(), Preset::DEFAULT.config().data);
    (config.data.scans, config.data.split_by) = (new.scans, new.split_by);
    let mut config = config.with(&args.set).map_err(|err| Usage(err.to_string()))?;
    config.data.source.clone_from(&args.data);
    let matters = |key: &str| key.starts_with("data.") || matches!(key, "image_size" | "channels");
    let wrong = config.check(None).into_iter().find(|p| p.level == Level::Error && matters(p.key));
    match wrong {
        Some(problem) => Err(Usage(problem.to_string()).into()),
        None => Ok(config),
    }
}

fn print_classes(summary: &DataSummary) -> anyhow::Result<()> {
    let held_out = match summary.held_out() {
        0 => String::new(),
        images => format!(", and {images} held out"),
    };
    say!("{}: {} images in {} classes{held_out}", summary.source, summary.images(), summary.classes.len());
    let most = summary.classes.iter().map(|class| class.images).max().unwrap_or(1).max(1);
    let width = summary.classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0).min(WIDEST);
    say!("  in the order of their labels (numbers by value, else by name):");
    for (label, class) in summary.classes.iter().enumerate() {
        let bar = "#".repeat((class.images * 40).div_ceil(most));
        let held_out = if summary.held_out() > 0 { format!(" + {:5} held out", class.held_out) } else { String::new() };
        say!("  {label:4}  {:width$} {:7}{held_out}  {bar}", class.name, class.images);
    }
    Ok(())
}
