//! `gandle inspect`: what a data set holds, and every file that cannot be used with its reason.

use clap::Args;

use super::print::{json, say};
use super::usage::Usage;
use crate::config::{Config, Level};
use crate::data;
use crate::event::DataSummary;

/// Sizes of images that are printed; the rest is counted.
const SIZES: usize = 8;

#[derive(Args)]
pub(super) struct InspectArgs {
    /// A folder with one sub-folder per class (or just of images), a table (.csv), an archive (.zip, .tar, .npz, .parquet), or `demo`.
    data: String,
    /// A setting of the data, such as data.held_out=0.2; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
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
    for noted in &summary.file_notes {
        say!("read: {}: {}", noted.file, noted.note);
    }
    for group in &summary.duplicates {
        say!("same pixels: {}", group.join(", "));
    }
    for skipped in &summary.skipped {
        say!("skipped: {}: {}", skipped.file, skipped.reason);
    }
    Ok(())
}

/// The defaults with the settings that were given; only problems of the data matter here.
fn settings(args: &InspectArgs) -> anyhow::Result<Config> {
    let mut config = Config::default().with(&args.set).map_err(|err| Usage(err.to_string()))?;
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
    let width = summary.classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0);
    say!("  in the order of their labels (numbers by value, else by name):");
    for (label, class) in summary.classes.iter().enumerate() {
        let bar = "#".repeat((class.images * 40).div_ceil(most));
        let held_out = if summary.held_out() > 0 { format!(" + {:5} held out", class.held_out) } else { String::new() };
        say!("  {label:4}  {:width$} {:7}{held_out}  {bar}", class.name, class.images);
    }
    Ok(())
}
