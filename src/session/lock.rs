//! One writer a session: a lock that the system takes back with the process, however that ends.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use super::{LOCK, Result, SessionError, untrusted};

/// Times that a held lock is asked for again: [`is_free`] of another process holds it for a moment.
const TRIES: usize = 5;
/// The wait between two of them.
const PAUSE: Duration = Duration::from_millis(30);

/// The right to write to a session, given back when dropped. Its file stays and names the last holder.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
}

impl Lock {
    /// Takes the lock of a session's folder, which must be there.
    ///
    /// # Errors
    /// Where another process, or another run of this one, holds it (the error names it), where the folder cannot be written
    /// to, and where it holds what no session does.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        untrusted::inspect(folder)?;
        let mut file = untrusted::open_to_write(folder, LOCK, false)?;
        for attempt in 0.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < TRIES => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    let holder = named(&file);
                    return Err(SessionError::InUse { folder: folder.display().to_string(), holder });
                }
                // A file system without locks: better an unguarded run than none.
                Err(TryLockError::Error(err)) => {
                    tracing::warn!("{} cannot be locked ({err}): train one run at a time here", path.display());
                    return Ok(Self { _file: None });
                }
            }
        }
        let signed = sign(&mut file);
        signed.map_err(SessionError::io("could not write to", &path))?;
        Ok(Self { _file: Some(file) })
    }
}

/// Whether nobody writes to a session, as far as can be told without writing to it.
pub fn is_free(folder: &Path) -> bool {
    holder(folder).is_none() // Of an older release, or not readable: whoever takes the lock is told.
}

/// Who writes to a session, as `process 1234 on HOST`; nothing where nobody does.
pub fn holder(folder: &Path) -> Option<String> {
    let file = untrusted::open(folder, LOCK, u64::MAX).ok()??;
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)).then(|| named(&file))
}

/// Asks the process that writes to a session to end, as Ctrl+C in its terminal would: it writes a checkpoint first.
///
/// # Errors
/// Where nobody writes to it, where that is not gandle or not on this machine, and where the system has no such way.
pub fn ask_to_end(folder: &Path) -> std::result::Result<(), String> {
    let holder = holder(folder).ok_or("nobody writes to the session any more")?;
    let (process, at) = holder
        .strip_prefix("process ")
        .and_then(|rest| rest.split_once(" on "))
        .and_then(|(process, at)| Some((process.parse::<u32>().ok()?, at)))
        .ok_or("the session does not say who it is")?;
    if at != host() {
        return Err(format!("{holder} is another machine; end it there"));
    }
    // The number is what a file says.
    if process == std::process::id() || !is_gandle(process) {
        return Err(format!("{holder} is not another gandle; end it where it was started"));
    }
    if !cfg!(unix) {
        return Err(format!("this system has no signal for it; end {holder} where it was started"));
    }
    let asked = std::process::Command::new("kill").arg(process.to_string()).status().map_err(|err| err.to_string())?;
    if asked.success() { Ok(()) } else { Err(format!("{holder} belongs to somebody else, or has ended")) }
}

/// Whether a process runs this program, as far as the system tells.
fn is_gandle(process: u32) -> bool {
    let name = |path: std::path::PathBuf| path.file_name().map(std::ffi::OsStr::to_owned);
    match std::fs::read_link(format!("/proc/{process}/exe")) {
        Ok(exe) => std::env::current_exe().ok().and_then(name) == name(exe),
        Err(_) => !cfg!(target_os = "linux"),
    }
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {} on {}", std::process::id(), host())
}

/// Who wrote the file, as far as it may be read while it is locked.
fn named(mut file: &File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(200).read_to_string(&mut text));
    let plain: String = text.trim().chars().filter(|c| !c.is_control()).collect();
    if read.is_err() || plain.is_empty() { "another process".to_owned() } else { plain }
}

/// The name of this machine, as far as files and the environment tell it.
fn host() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let read = || files.iter().find_map(|path| std::fs::read_to_string(path).ok());
    let named = || ["COMPUTERNAME", "HOSTNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = read().or_else(named).unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "this machine".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it_until_it_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_free(folder.path()));
        let held = Lock::take(folder.path()).unwrap();
        assert!(!is_free(folder.path()));
        let err = Lock::take(folder.path()).unwrap_err().to_string();
        let me = format!("process {}", std::process::id());
        assert!(err.contains(&me) && err.contains(&folder.path().display().to_string()), "{err}");
        drop(held);
        assert!(is_free(folder.path()));
        assert!(Lock::take(folder.path()).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(LOCK)).unwrap();
        assert!(Lock::take(folder.path()).unwrap_err().to_string().contains("lock"));
        assert!(Lock::take(&folder.path().join("nowhere")).unwrap_err().to_string().contains("nowhere"));
    }
}
