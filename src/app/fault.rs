//! What keeps a window from opening, and what becomes of its work where its own thread panics: a run is saved as when the
//! system ends the program, and a page says so in place of everything else.

use std::path::PathBuf;

use egui::{RichText, Ui, ViewportCommand};

use crate::guard::{self, Panicked};

/// What to do where there is no screen.
const WITHOUT: &str =
    "no window opens here; `gandle train` trains without one, and `gandle --help` lists all that works without one";

/// Whether the system names a screen; where nobody needs to name one, it does.
pub(super) fn has_display() -> bool {
    let named = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].into_iter().any(named)
}

/// That a window could not be opened, without the places in source code that libraries name.
pub(super) fn no_window(reason: &str) -> String {
    let reason = match (reason.find("os error at "), reason.find(".rs:")) {
        (Some(from), Some(place)) if from < place => {
            let after = reason[place..].split_once(": ").map_or("", |(_, after)| after);
            format!("{}{after}", &reason[..from])
        }
        _ => reason.to_owned(),
    };
    format!("{WITHOUT} ({reason})")
}

/// A panic of the window's own thread.
pub(super) struct Fault {
    pub panicked: Panicked,
    /// The session of the run that it ended, and the step of its newest checkpoint.
    pub ended: Option<(PathBuf, Option<usize>)>,
}

impl Fault {
    /// The page that stands in place of all others.
    pub fn ui(&self, ui: &mut Ui) {
        let drawn = guard::catch(|| {
            ui.vertical_centered(|ui| {
                ui.add_space(60.0);
                ui.heading("The window broke down");
                ui.add_space(10.0);
                ui.label(format!("{}.", self.panicked));
                ui.add_space(10.0);
                let text = match &self.ended {
                    Some((session, Some(step))) => format!(
                        "The run is saved at step {step} in {}. Open gandle again, open that session, and press Resume.",
                        session.display()
                    ),
                    Some((session, None)) => {
                        format!("The run in {} was ended before its first step.", session.display())
                    }
                    None => "No run was under way; what was stored is as it was.".to_owned(),
                };
                ui.label(RichText::new(text).strong());
                ui.add_space(16.0);
                if ui.button("Close").clicked() {
                    ui.ctx().send_viewport_cmd(ViewportCommand::Close);
                }
            });
        });
        if drawn.is_err() {
            // The log has said why, and all that could be saved is.
            std::process::exit(1);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::{Duration, Instant};

    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::state::App;
    use crate::config::{Config, Preset};
    use crate::engine::RunRequest;
    use crate::event::Event;
    use crate::session::{Stored, checkpoints};

    /// An app without a window.
    pub(in super::super) fn app() -> App {
        App::new(&eframe::CreationContext::_new_kittest(egui::Context::default()))
    }

    fn endless(cache: &std::path::Path) -> Config {
        let settings = [
            "image_size=16",
            "data.source=demo",
            "data.demo_images=4",
            "generator.base_channels=2",
            "discriminator.base_channels=2",
            "generator.attention=[]",
            "discriminator.attention=[]",
            "train.batch_size=4",
            "train.threads=1",
            "train.steps=1000000",
            "train.checkpoint_every=1000000",
            "score.every=0",
        ];
        let mut settings: Vec<String> = settings.map(str::to_owned).to_vec();
        settings.push(format!("data.cache={}", cache.display()));
        Preset::Original.config().with(&settings).unwrap()
    }

    #[test]
    fn a_panic_of_the_window_saves_the_run_and_tells() {
        let root = tempfile::tempdir().unwrap();
        let session = root.path().join("night");
        let mut app = app();
        app.spawn(RunRequest::new(endless(&root.path().join("cache")), session.clone())).unwrap();
        let (begun, mut told) = (Instant::now(), Vec::new());
        while told.iter().filter(|event| matches!(event, Event::Step(_))).count() < 3 {
            assert!(begun.elapsed() < Duration::from_secs(120), "{told:?}");
            told.extend(app.engine.as_ref().unwrap().events());
            std::thread::sleep(Duration::from_millis(5));
        }
        app.catch_panics(|_| panic!("a chart of nothing"));
        assert!(app.engine.is_none() && app.may_close);
        let stored = Stored::open(&session).unwrap();
        let Some(Event::Stopped { step }) = stored.events.last() else { panic!("{:?}", stored.events.last()) };
        assert!(*step >= 3 && checkpoints(&session) == [*step], "{step} {:?}", checkpoints(&session));
        // Nothing else is done or kept from here on.
        app.catch_panics(|_| unreachable!("the window is broken"));
        let mut frame = eframe::Frame::_new_kittest();
        let page = Harness::new_ui(move |ui| eframe::App::ui(&mut app, ui, &mut frame));
        page.get_by_label("The window broke down");
        page.get_by_label_contains("a chart of nothing");
        page.get_by_label_contains(&format!("saved at step {step} in {}", session.display()));
        page.get_by_label("Close");
    }

    #[test]
    fn where_no_window_opens_the_way_out_is_told_and_no_place_in_source_code() {
        let library = "winit EventLoopError: os error at /home/x/.cargo/registry/src/y/linux/mod.rs:765: neither WAYLAND_DISPLAY nor DISPLAY is set";
        let told = no_window(library);
        assert!(!told.contains("/home") && !told.contains("mod.rs"), "{told}");
        assert!(told.contains("gandle train") && told.contains("neither WAYLAND_DISPLAY nor DISPLAY is set"), "{told}");
        assert!(no_window("glutin error: no configs").contains("glutin error: no configs"));
    }
}
