//! The engine's thread: runs to the end and tells how it ended, whatever happened.

use anyhow::Context as _;
use crossbeam_channel::Receiver;

use super::device;
use super::journal::{Journal, Outbox};
use super::prepared::Prepared;
use super::request::RunRequest;
use super::run::Ending;
use crate::event::{Command, Event};
use crate::guard::{self, Panicked};
use crate::session;

/// Runs to the end and tells how it ended, whatever happened.
pub(super) fn run(request: &RunRequest, inbox: &Receiver<Command>, out: &Outbox) {
    let mut journal = Journal::new(out, inbox);
    let ending = guard::catch(|| in_pool(request, inbox, &mut journal));
    let step = journal.step;
    let event = match ending {
        Ok(Ok(Ending::Finished)) => Event::Finished { step },
        Ok(Ok(Ending::Stopped)) => Event::Stopped { step },
        Ok(Err(err)) => Event::Failed { step, message: format!("{err:#}") },
        Err(Panicked(message)) => Event::Failed {
            step,
            message: format!(
                "the training thread panicked at step {step}: {message}. This is a defect of gandle; the session holds everything up to its last checkpoint"
            ),
        },
    };
    if journal.writer.is_none() {
        session::release(&request.session);
    }
    if let Err(err) = journal.tell(event.clone()) {
        // The session cannot be written: at least whoever listens is told.
        tracing::error!("the ending could not be stored: {err:#}");
        out.deliver(event);
    }
}

/// All heavy work stays inside one pool of as many threads as the run may use.
fn in_pool(request: &RunRequest, inbox: &Receiver<Command>, journal: &mut Journal<'_>) -> anyhow::Result<Ending> {
    let prepared = Prepared::of(request)?;
    let threads = device::threads(prepared.config.train.threads);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("gandle-compute-{i}"))
        .build()
        .context("the threads of train.threads could not be started")?;
    journal.step = prepared.step();
    pool.install(|| {
        let Some((with_data, asked)) = prepared.with_data(inbox)? else { return Ok(Ending::Stopped) };
        with_data.with_trainer(threads)?.open(inbox, journal)?.train(asked)
    })
}
