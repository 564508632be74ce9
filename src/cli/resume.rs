//! `gandle resume`

use std::process::ExitCode;

use super::print::note;
use super::train::follow;
use super::{ResumeArgs, Usage, step};
use crate::config::has_errors;
use crate::engine::RunRequest;

pub(super) fn run(args: &ResumeArgs) -> anyhow::Result<ExitCode> {
    let request = match &args.fork {
        None => RunRequest::resume(&args.session, args.steps)?,
        Some(fork) => {
            if fork.join("run.toml").exists() {
                let folder = fork.display();
                return Err(Usage(format!("--fork {folder}: already holds a session; choose another folder")).into());
            }
            let step = step::of(&args.session, args.step)?;
            RunRequest::fork(&args.session, step, fork.clone(), args.steps, &args.set)?
        }
    };
    let problems = request.config.check(None);
    if has_errors(&problems) || args.fork.is_some() {
        problems.iter().for_each(|problem| note!("{problem}"));
    }
    if has_errors(&problems) {
        return Ok(ExitCode::from(2));
    }
    follow(request, args.json)
}
