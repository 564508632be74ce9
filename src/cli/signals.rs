//! What signals ask of a run that has no window: to save and end, or to save and go on.

use crate::event::Command;

/// Exit status of what Ctrl-C has ended.
pub(super) const INTERRUPTED: u8 = 130;
/// Exit status of what was asked to end, is saved and not finished (`EX_TEMPFAIL`): the same command goes on with it.
pub(super) const UNFINISHED: u8 = 75;

/// What a signal asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Save, and end with this status.
    End(u8),
    /// Save, and go on.
    #[cfg_attr(not(unix), expect(dead_code, reason = "no signal of such systems asks for it"))]
    Save,
}

impl Asked {
    /// What a run is asked for it.
    pub fn command(self) -> Command {
        match self {
            Self::End(_) => Command::Stop,
            Self::Save => Command::Checkpoint,
        }
    }
}

/// Hands every signal on, on a thread of its own, as long as the program lives.
///
/// # Errors
/// Where the system lets nobody listen.
#[cfg(unix)]
pub(super) fn listen(mut obey: impl FnMut(Asked) + Send + 'static) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
    let listened = [SIGINT, SIGTERM, SIGUSR1, SIGUSR2].into_iter().chain((!ignores_hangup()).then_some(SIGHUP));
    let mut signals = signal_hook::iterator::Signals::new(listened)?;
    let hand_on = move || {
        while !signals.is_closed() {
            // The system does not tell in which order those came that came at once: a cluster's wish decides the status then.
            let mut asked: Vec<_> = signals.wait().collect();
            asked.sort_by_key(|signal| *signal == SIGINT);
            for signal in asked {
                obey(match signal {
                    SIGINT => Asked::End(INTERRUPTED),
                    SIGUSR2 => Asked::Save,
                    _ => Asked::End(UNFINISHED),
                });
            }
        }
    };
    std::thread::Builder::new().name("gandle-signals".to_owned()).spawn(hand_on)?;
    Ok(())
}

/// Hands Ctrl-C on, on a thread of its own, as long as the program lives.
///
/// # Errors
/// Where the system lets nobody listen.
#[cfg(not(unix))]
pub(super) fn listen(mut obey: impl FnMut(Asked) + Send + 'static) -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(move || obey(Asked::End(INTERRUPTED)))?)
}

/// Whether this program was started to outlive its terminal (`nohup`), as far as the system tells (Linux).
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    ignored & (1 << (signal_hook::consts::SIGHUP - 1)) != 0
}
