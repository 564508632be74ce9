//! File dialogs that never hold up the window: opened here, waited for on a thread of their own.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use rfd::{AsyncFileDialog, FileHandle};

use super::{App, saving};
use crate::config::ExtractorName;
use crate::event;
use crate::guard;
use crate::ui::Figure;

/// The shortest time in which somebody closes a dialog.
const FASTEST_PERSON: Duration = Duration::from_millis(300);

/// What a dialog was opened for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// A data folder.
    Data,
    /// The data folder of this session, which has moved.
    Moved(PathBuf),
    /// A table or an archive of data.
    DataFile,
    /// The file of VGG19's weights.
    Vgg19,
    /// The file of the Inception's weights.
    Inception,
    /// A session's folder.
    Session,
    /// A folder to export to.
    Export,
    /// A file to save a grid in.
    Grid(Box<event::GridPicture>),
    /// A file to save charts in.
    Figure(Box<Figure>),
}

/// A dialog that is open.
pub struct Dialog {
    /// What it was opened for.
    pub purpose: Purpose,
    answer: Receiver<Option<PathBuf>>,
    opened: Instant,
}

impl Dialog {
    /// Opens a dialog. `near` is the folder that it begins in.
    ///
    /// # Errors
    /// Where no thread could be started to wait for it.
    pub fn open(purpose: Purpose, near: &Path, waker: event::Waker) -> std::io::Result<Self> {
        let dialog = AsyncFileDialog::new().set_directory(near);
        // The dialog must be made on the window's thread; some systems insist on it.
        match &purpose {
            Purpose::Data => {
                let asked = dialog.set_title("Choose a folder with one sub-folder per class").pick_folder();
                Self::wait(purpose, asked, waker)
            }
            Purpose::Moved(_) => {
                let asked =
                    dialog.set_title("Choose the folder where the images of this session are now").pick_folder();
                Self::wait(purpose, asked, waker)
            }
            Purpose::DataFile => {
                let dialog = dialog.set_title("Choose a table of files and labels, or an archive");
                let dialog = dialog.add_filter("Tables and archives", &crate::config::DATA_FILES);
                Self::wait(purpose, dialog.pick_file(), waker)
            }
            Purpose::Vgg19 | Purpose::Inception => {
                let title = if matches!(purpose, Purpose::Vgg19) {
                    "Choose torchvision's weights of vgg19"
                } else {
                    "Choose the Inception's weights (pt_inception-2015-12-05-6726825d.pth)"
                };
                let dialog = dialog.set_title(title);
                let dialog =
                    dialog.add_filter("Weights", &["pth", "pt", "safetensors"]).add_filter("All files", &["*"]);
                Self::wait(purpose, dialog.pick_file(), waker)
            }
            Purpose::Session => Self::wait(purpose, dialog.set_title("Open a session's folder").pick_folder(), waker),
            Purpose::Export => Self::wait(purpose, dialog.set_title("Export to").pick_folder(), waker),
            Purpose::Grid(picture) => {
                let name = format!("grid-{}.png", picture.step);
                let dialog = dialog.set_title("Save grid").set_file_name(name).add_filter("PNG", &["png"]);
                Self::wait(purpose, dialog.save_file(), waker)
            }
            Purpose::Figure(figure) => {
                let name = figure.name.clone();
                let kind = name.rsplit('.').next().unwrap_or_default().to_owned();
                let dialog = dialog.set_title("Save charts").set_file_name(name);
                let dialog = dialog.add_filter(kind.to_uppercase(), &[kind.as_str()]);
                Self::wait(purpose, dialog.save_file(), waker)
            }
        }
    }

    fn wait(
        purpose: Purpose,
        asked: impl Future<Output = Option<FileHandle>> + Send + 'static,
        waker: event::Waker,
    ) -> std::io::Result<Self> {
        let (sender, answer) = bounded(1);
        thread::Builder::new().name("dialog".to_owned()).spawn(move || {
            let chosen = guard::catch(|| block_on(asked).map(|handle| handle.path().to_owned())).unwrap_or(None);
            // The window may have closed meanwhile.
            sender.send(chosen).ok();
            waker();
        })?;
        Ok(Self { purpose, answer, opened: Instant::now() })
    }

    /// Whether it was answered sooner than any person could: the system has no file dialog to show.
    pub fn was_never_shown(&self) -> bool {
        self.opened.elapsed() < FASTEST_PERSON
    }

    /// The answer, once there is one: a path, or nothing where the dialog was closed.
    pub fn answer(&self) -> Option<Option<PathBuf>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(crossbeam_channel::TryRecvError::Empty) => None,
            Err(crossbeam_channel::TryRecvError::Disconnected) => Some(None),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

impl App {
    /// Asks for a file or a folder, unless something is being asked for.
    pub(super) fn open_dialog(&mut self, purpose: Purpose) {
        if self.dialog.is_some() {
            return;
        }
        let source = PathBuf::from(&self.workbench.config.data.source);
        let near = if source.is_dir() { source } else { std::env::current_dir().unwrap_or_default() };
        match Dialog::open(purpose, &near, Arc::clone(&self.waker)) {
            Ok(dialog) => self.dialog = Some(dialog),
            Err(err) => self.complain(format!("The file dialog could not be opened: {err}")),
        }
    }

    /// Takes in what was chosen.
    pub(super) fn take_answer(&mut self) {
        let Some(answer) = self.dialog.as_ref().and_then(Dialog::answer) else { return };
        let Some(dialog) = self.dialog.take() else { return };
        let Some(path) = answer else {
            if dialog.was_never_shown() {
                if let Some(saved) = saving::Saved::of(&dialog.purpose) {
                    return self.save_in_session(saved);
                }
                let text = "This system shows no file dialog. Type the path instead, or drop a folder on the window.";
                self.complain(text.to_owned());
            }
            return;
        };
        if let Some(saved) = saving::Saved::of(&dialog.purpose) {
            return self.save(path, saved);
        }
        match dialog.purpose {
            Purpose::Data | Purpose::DataFile => self.use_data(path.display().to_string()),
            Purpose::Moved(session) => self.data_moved(&session, &path),
            Purpose::Inception => {
                self.workbench.config.score.extractor = ExtractorName::inception(&path.display().to_string());
            }
            Purpose::Vgg19 => self.workbench.config.loss.vgg19 = path.display().to_string(),
            Purpose::Session => self.open_session(&path),
            Purpose::Export => self.workbench.export.folder = path.display().to_string(),
            Purpose::Grid(_) | Purpose::Figure(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_that_is_woken_from_elsewhere_ends() {
        let (sender, receiver) = bounded::<u32>(1);
        let mut asked = false;
        let future = std::future::poll_fn(move |context: &mut Context<'_>| {
            if let Ok(value) = receiver.try_recv() {
                return Poll::Ready(value);
            }
            if !asked {
                asked = true;
                let (sender, waker) = (sender.clone(), context.waker().clone());
                let answer = move || {
                    sender.send(7).expect("the receiver waits");
                    waker.wake();
                };
                thread::Builder::new().spawn(answer).expect("a thread");
            }
            Poll::Pending
        });
        assert_eq!(block_on(future), 7);
    }
}
