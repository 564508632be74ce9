//! File dialogs that never hold up the window: opened here, waited for on a thread of their own.

use std::future::Future;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rfd::{AsyncFileDialog, FileHandle};

use super::saving::Saved;
use super::state::App;
use crate::config::ExtractorName;
use crate::event::GridPicture;
use crate::ui::Figure;

/// The shortest time in which somebody closes a dialog. One that was answered sooner was never shown.
const FASTEST_PERSON: Duration = Duration::from_millis(300);

/// What to do where there is none.
const INSTEAD: &str = if cfg!(target_os = "linux") {
    ": it comes with the packages xdg-desktop-portal and xdg-desktop-portal-gtk (or -kde, -gnome), or with zenity"
} else {
    ""
};

/// What a dialog is opened for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// A data folder.
    Data,
    /// The data folder of a session, which has moved.
    Moved,
    /// A table or an archive of data.
    DataFile,
    /// The file of VGG19's weights.
    Vgg19,
    /// The file of the Inception's weights.
    Inception,
    /// A session's folder.
    Session,
    /// The folder that holds sessions.
    Sessions,
    /// A folder to export to.
    Export,
    /// A file to save this in.
    Save(Box<Saved>),
}

impl Purpose {
    /// Another way to the same.
    fn instead(&self) -> &'static str {
        match self {
            Self::Data | Self::DataFile => "Type the path in the set-up instead, or drop a folder on the window",
            Self::Vgg19 | Self::Inception | Self::Export | Self::Moved | Self::Save(_) => {
                "Type the path in the field instead"
            }
            Self::Session | Self::Sessions => "Type the path on the page Sessions instead",
        }
    }

    pub fn save_grid(grid: GridPicture) -> Self {
        Self::Save(Box::new(Saved::grid(grid)))
    }

    pub fn save_figure(figure: Figure) -> Self {
        Self::Save(Box::new(Saved::figure(figure)))
    }

    /// Opens the dialog, which must be made on the window's thread; some systems insist on it.
    fn open(&self, dialog: AsyncFileDialog) -> Pin<Box<dyn Future<Output = Option<FileHandle>> + Send>> {
        let folder = |title: &str| dialog.clone().set_title(title).pick_folder();
        let file = |title: &str, kind: &str, ends: &[&str]| dialog.clone().set_title(title).add_filter(kind, ends);
        let weights =
            |title: &str| file(title, "Weights", &["pth", "pt", "safetensors"]).add_filter("All files", &["*"]);
        match self {
            Self::Data => Box::pin(folder("Choose a folder with one sub-folder per class")),
            Self::Moved => Box::pin(folder("Choose the folder where the images of this session are now")),
            Self::Session => Box::pin(folder("Open a session's folder")),
            Self::Sessions => Box::pin(folder("Keep sessions in")),
            Self::Export => Box::pin(folder("Export to")),
            Self::DataFile => {
                let title = "Choose a table of files and labels, or an archive";
                Box::pin(file(title, "Tables and archives", &crate::config::DATA_FILES).pick_file())
            }
            Self::Vgg19 => Box::pin(weights("Choose torchvision's weights of vgg19").pick_file()),
            Self::Inception => {
                let title = "Choose the Inception's weights (pt_inception-2015-12-05-6726825d.pth)";
                Box::pin(weights(title).pick_file())
            }
            Self::Save(saved) => {
                let kind = saved.name.rsplit('.').next().unwrap_or_default();
                let title = format!("Save {}", saved.what.to_lowercase());
                Box::pin(file(&title, &kind.to_uppercase(), &[kind]).set_file_name(&saved.name).save_file())
            }
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
        if self.asking {
            return;
        }
        self.asking = true;
        let source = PathBuf::from(&self.workbench.config.data.source);
        let near = if source.is_dir() { source } else { std::env::current_dir().unwrap_or_default() };
        let asked = purpose.open(AsyncFileDialog::new().set_directory(near));
        let opened = Instant::now();
        let wait = move || Ok::<_, String>(block_on(asked).map(|handle| handle.path().to_owned()));
        self.later("dialog", wait, move |app, chosen| {
            app.asking = false;
            match chosen {
                Ok(Some(path)) => app.chosen(purpose, path),
                Ok(None) if opened.elapsed() < FASTEST_PERSON => app.no_dialog(purpose),
                Ok(None) => {}
                Err(reason) => app.complain(format!("The file dialog broke off: {reason}")),
            }
        });
    }

    fn no_dialog(&mut self, purpose: Purpose) {
        if let Purpose::Save(saved) = purpose {
            return self.save(None, *saved);
        }
        let instead = purpose.instead();
        self.complain(format!("This system shows no file dialog{INSTEAD}. {instead}"));
    }

    fn chosen(&mut self, purpose: Purpose, path: PathBuf) {
        match purpose {
            Purpose::Data | Purpose::DataFile => self.use_data(path.display().to_string()),
            Purpose::Moved => self.workbench.find_data.choose(path.display().to_string()),
            Purpose::Inception => {
                self.workbench.config.score.extractor = ExtractorName::inception(&path.display().to_string());
            }
            Purpose::Vgg19 => self.workbench.config.loss.vgg19 = path.display().to_string(),
            Purpose::Session => self.open_session(path),
            Purpose::Sessions => self.keep_sessions_in(path.display().to_string()),
            Purpose::Export => self.workbench.export.folder = path.display().to_string(),
            Purpose::Save(saved) => self.save(Some(path), *saved),
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    #[test]
    fn where_no_dialog_opens_what_brings_one_is_named() {
        let mut app = super::super::fault::tests::app();
        app.no_dialog(Purpose::Data);
        let told = app.workbench.notice.unwrap().text;
        assert!(told.contains("Type the path in the set-up instead"), "{told}");
        assert_eq!(told.contains("xdg-desktop-portal-gtk") && told.contains("zenity"), cfg!(target_os = "linux"));
        // Whatever is asked for, there is a place to type it.
        for purpose in [Purpose::Session, Purpose::Sessions, Purpose::Moved, Purpose::Export, Purpose::Inception] {
            assert!(purpose.instead().starts_with("Type the path"), "{purpose:?}");
        }
    }

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
