//! Folders that the window needs to know: where sessions are kept, and what stands in one whose path is being typed.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use super::state::App;
use crate::guard::from_home;
use crate::session;
use crate::ui::Inside;

/// Names of a folder that are looked at; others are not offered.
const MOST: usize = 5000;
/// Letters of the longest name.
const LONGEST: usize = 255;

impl App {
    /// Keeps and lists sessions in this folder from now on; in the usual one where it is empty.
    pub(super) fn keep_sessions_in(&mut self, folder: String) {
        session::choose_root((!folder.is_empty()).then(|| PathBuf::from(&folder)));
        self.workbench.settings.sessions = folder;
        self.show_sessions_folder();
    }

    /// The same with a folder that was typed, where there is one.
    pub(super) fn keep_typed_sessions_in(&mut self, typed: String) {
        let look = move || {
            let typed = from_home(&typed);
            let folder = std::path::absolute(&typed).unwrap_or_else(|_| PathBuf::from(&typed));
            match std::fs::metadata(&folder) {
                Ok(found) if found.is_dir() => Ok(folder.display().to_string()),
                Ok(_) => Err(format!("{} is a file, and sessions need a folder", folder.display())),
                Err(err) => Err(format!(
                    "{} is no folder to keep sessions in: {err}. Make it first, or name another",
                    folder.display()
                )),
            }
        };
        self.later("sessions-folder", look, |app, folder| match folder {
            Ok(folder) => app.keep_sessions_in(folder),
            Err(reason) => app.complain(reason),
        });
    }

    /// Says where sessions are kept, and lists them.
    pub(super) fn show_sessions_folder(&mut self) {
        let root = session::root();
        self.workbench.sessions_folder = std::path::absolute(&root).unwrap_or(root);
        self.list_sessions();
    }

    /// Sees what stands in a folder, on a thread of its own; a folder that cannot be read has nothing to offer.
    pub(super) fn look_into(&mut self, ctx: &egui::Context, folder: String) {
        let (ctx, typed) = (ctx.clone(), folder.clone());
        let look = move || Ok::<_, String>(inside(Path::new(&from_home(&typed))));
        self.later("look-into", look, move |app, names| {
            app.workbench.take_inside(&ctx, Inside { folder, names: names.unwrap_or_default() });
        });
    }
}

/// The names in a folder, in order, folders first; those of folders end with the separator. What cannot be typed is left out.
fn inside(folder: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let named = entries.flatten().take(MOST).filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        if name.len() > LONGEST || name.chars().any(char::is_control) {
            return None;
        }
        // Also through a link.
        let is_folder = std::fs::metadata(entry.path()).is_ok_and(|found| found.is_dir());
        Some((!is_folder, if is_folder { format!("{name}{MAIN_SEPARATOR}") } else { name }))
    });
    let mut named: Vec<(bool, String)> = named.collect();
    named.sort();
    named.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_folder_has_its_folders_first_and_nothing_that_cannot_be_typed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b", "a.csv", "c\u{1b}[31m"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("z")).unwrap();
        assert_eq!(inside(folder.path()), [&format!("z{MAIN_SEPARATOR}"), "a.csv", "b"]);
        assert!(inside(&folder.path().join("nowhere")).is_empty());
    }

    #[test]
    fn sessions_are_kept_where_it_was_chosen() {
        let folder = tempfile::tempdir().unwrap();
        let mut app = super::super::fault::tests::app();
        let usual = app.workbench.sessions_folder.clone();
        assert!(usual.is_absolute() && usual.ends_with("sessions"), "{}", usual.display());
        app.keep_sessions_in(folder.path().display().to_string());
        assert_eq!(
            (&app.workbench.sessions_folder, session::root().as_path()),
            (&folder.path().to_owned(), folder.path())
        );
        assert_eq!(app.workbench.settings.sessions, folder.path().display().to_string());
        app.keep_sessions_in(String::new());
        assert_eq!((app.workbench.sessions_folder, app.workbench.settings.sessions), (usual, String::new()));
    }

    #[test]
    fn a_typed_folder_for_sessions_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let mut app = super::super::fault::tests::app();
        let usual = app.workbench.sessions_folder.clone();
        let mut keep = |path: PathBuf| {
            app.workbench.notice = None;
            app.keep_typed_sessions_in(path.display().to_string());
            let begun = Instant::now();
            while !app.pending.is_empty() {
                assert!(begun.elapsed() < Duration::from_secs(60));
                app.drain(&egui::Context::default());
                std::thread::sleep(Duration::from_millis(2));
            }
            let told = app.workbench.notice.take().map(|notice| notice.text).unwrap_or_default();
            (app.workbench.sessions_folder.clone(), told)
        };
        let (kept, told) = keep(folder.path().join("nowhere"));
        assert!(kept == usual && told.contains("Make it first"), "{told}");
        assert!(keep(folder.path().join("file")).1.contains("is a file"));
        assert_eq!(keep(folder.path().to_owned()), (folder.path().to_owned(), String::new()));
        app.keep_sessions_in(String::new());
    }

    #[test]
    fn a_path_that_could_not_be_read_is_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let mut app = super::super::fault::tests::app();
        app.workbench.config.data.source = folder.path().join("nowhere").display().to_string();
        app.read_data();
        let begun = Instant::now();
        while !matches!(app.workbench.data.reading(), crate::ui::Reading::Failed(_)) {
            assert!(begun.elapsed() < Duration::from_secs(60));
            app.drain_jobs(&egui::Context::default());
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(app.workbench.settings.recent.is_empty());
    }
}
