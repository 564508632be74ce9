//! `gandle replay`: recorded training traces, and the distance from what they recorded.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::print::{json, note, say};
use crate::guard;
use crate::train::replay;

#[derive(Args)]
pub(super) struct ReplayArgs {
    /// Trace files (.safetensors).
    #[arg(required = true)]
    traces: Vec<PathBuf>,
    /// Print one JSON object per trace.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for path in &args.traces {
        // Opening a pipe would wait for ever.
        let file = guard::open_regular(path).with_context(|| path.display().to_string());
        match file.and_then(|_| replay::replay(path)) {
            Ok(report) => {
                if args.json {
                    json(&report)?;
                } else {
                    let r = &report;
                    let verdict = if r.ok { "ok" } else { "TOO FAR" };
                    say!(
                        "{:40} {verdict}  losses {:.1e}  generator {:.1e}  discriminator {:.1e}  ema {:.1e}  images {:.1e}  ema images {:.1e}",
                        r.trace,
                        r.losses,
                        r.generator,
                        r.discriminator,
                        r.ema,
                        r.generator_images,
                        r.ema_images
                    );
                }
                if !report.ok {
                    code = ExitCode::from(1);
                }
            }
            Err(err) => {
                note!("gandle: {err:#}");
                code = ExitCode::from(1);
            }
        }
    }
    Ok(code)
}
