//! Panics that end one piece of work, not the program.

use std::any::Any;
use std::cell::Cell;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Calls of [`catch`] that this thread is in.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// What a panic said: a fault of the program or of a library, never of its user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; this is a fault of gandle, please report it")]
pub struct Panicked(pub String);

/// Runs work; its panic becomes an error. What was half made is dropped with it, so nothing that outlives the work may be
/// left half changed.
///
/// # Errors
/// Where it panics.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let inside = Inside;
    let done = catch_unwind(AssertUnwindSafe(work));
    drop(inside);
    done.map_err(|panic| Panicked(said(&*panic)))
}

/// The same of work that may fail: either is told in words, with all its causes.
///
/// # Errors
/// Where it fails or panics.
pub fn catch_to_text<T, E: Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    catch(work).map_err(|panicked| panicked.to_string())?.map_err(|err| format!("{err:#}"))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked without a word".to_owned())
}

/// From now on, panics that somebody catches and tells are not printed as well. With `RUST_BACKTRACE` set, all are.
pub fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let everything = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if everything || !is_caught() {
                before(panic);
            } else {
                tracing::debug!("{panic}");
            }
        }));
    });
}

/// Whether a panic of this thread reaches a [`catch`]: in one, or in a pool of threads that hands panics to whoever waits.
fn is_caught() -> bool {
    DEPTH.get() > 0 || rayon::current_thread_index().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_in_its_own_words() {
        assert_eq!(catch(|| 3), Ok(3));
        assert_eq!(catch(|| panic!("a {}", "b")), Err::<(), _>(Panicked("a b".to_owned())));
        assert_eq!(catch(|| panic!("c")), Err::<(), _>(Panicked("c".to_owned())));
        assert_eq!(catch_to_text(|| Ok::<_, String>(3)), Ok(3));
        assert_eq!(catch_to_text(|| Err::<(), _>("no")), Err("no".to_owned()));
        let why = catch_to_text(|| -> Result<(), String> { panic!("index 7") }).unwrap_err();
        assert!(why.starts_with("index 7") && why.contains("fault of gandle"), "{why}");
    }

    #[test]
    fn it_is_known_which_panics_are_caught() {
        assert!(!is_caught());
        catch(|| assert!(is_caught())).unwrap();
        let inner = || -> u8 { panic!("inner") };
        assert!(catch(|| catch(inner).unwrap()).is_err());
        assert!(!is_caught(), "a panic leaves its catch");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert!(pool.install(is_caught), "the pool hands it on");
    }
}
