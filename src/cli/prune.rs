//! `gandle prune`

use std::path::PathBuf;

use clap::Args;

use super::print::say;
use crate::guard::Digits;
use crate::session::{self, BestCheckpoint, Keep, Pruning, Stored};

#[derive(Args)]
pub(super) struct PruneArgs {
    /// The session's folder.
    session: PathBuf,
    /// Keep this many of the newest checkpoints; by default the run's train.keep_checkpoints.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep_last: Option<u32>,
    /// Keep checkpoints at multiples of this many steps; by default the run's train.keep_every.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    keep_every: Option<u32>,
    /// Let the best checkpoint (score.best) go too, which otherwise stays.
    #[arg(long)]
    drop_best: bool,
    /// What is done anyway.
    #[arg(long, hide = true, conflicts_with = "drop_best")]
    keep_best: bool,
    /// Remove the others; without it, they are only listed.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: &PruneArgs) -> anyhow::Result<()> {
    let stored = Stored::outline(&args.session)?;
    let train = &stored.config.train;
    let number = |asked: Option<u32>, else_of_run: usize| asked.map_or(else_of_run, |number| number as usize);
    let mut rules = vec![
        Keep::Newest(number(args.keep_last, train.keep_checkpoints)),
        Keep::Every(number(args.keep_every, train.keep_every)),
    ];
    if args.keep_best || !args.drop_best {
        rules.extend(session::best_scored(&stored).and_then(BestCheckpoint::there).map(Keep::Best));
    }
    let pruning = if args.yes { session::prune(&args.session, &rules)? } else { session::plan(&args.session, &rules)? };
    tell(&pruning, args.yes)
}

fn tell(pruning: &Pruning, done: bool) -> anyhow::Result<()> {
    let sum = |checkpoints: &[session::OnDisk]| checkpoints.iter().map(|checkpoint| checkpoint.bytes).sum::<u64>();
    let megabytes = |bytes: u64| format!("{:9.1} MB", bytes as f64 / 1e6);
    for (checkpoints, what) in [(&pruning.removed, if done { "removed" } else { "would go" }), (&pruning.kept, "stays")]
    {
        for checkpoint in checkpoints {
            say!("{what:10} checkpoint {:>9} {}", checkpoint.step, megabytes(checkpoint.bytes));
        }
    }
    for (what, bytes) in pruning.rest.iter().filter(|(_, bytes)| *bytes > 0) {
        say!("{:10} {what:34} {}", "stays", megabytes(*bytes));
    }
    let count = pruning.removed.len();
    let checkpoints = Digits::Plain.count(count, "checkpoint");
    match (count, done) {
        (0, _) => say!("nothing to remove"),
        (_, true) => say!("{checkpoints} removed, {} freed", megabytes(sum(&pruning.removed)).trim()),
        (_, false) => {
            say!("{checkpoints} would go and free {}: --yes removes them", megabytes(sum(&pruning.removed)).trim());
        }
    }
    Ok(())
}
