//! What the export dialog asks for.

use std::path::Path;

use egui::{Checkbox, ComboBox, Slider, TextEdit, Ui};

use super::action::Action;
use super::dialog::row;
use super::number::field;
use super::request::Drawn;
use super::run_view::RunView;
use super::{format, paths, widgets};
use crate::config::Choice as _;
use crate::event::{Command, Content, Export, Film, ImageFormat, Images, Moving, Walk};
use crate::guard::from_home;

/// What can be taken out of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Images,
    Weights,
    Model,
    History,
    Walk,
    Tables,
    Tensorboard,
    Report,
}

impl What {
    const ALL: [Self; 8] = [
        Self::Images,
        Self::Weights,
        Self::Model,
        Self::History,
        Self::Walk,
        Self::Tables,
        Self::Tensorboard,
        Self::Report,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Weights => "generator as weights (safetensors)",
            Self::Model => "generator as a model (ONNX)",
            Self::History => "animation of the training",
            Self::Walk => "animation of a walk through latent space",
            Self::Tables => "curves and scores (CSV)",
            Self::Tensorboard => "curves, scores and grids (TensorBoard)",
            Self::Report => "report (HTML)",
        }
    }

    fn is_film(self) -> bool {
        matches!(self, Self::History | Self::Walk)
    }

    /// Whether images are drawn for it.
    fn draws(self) -> bool {
        matches!(self, Self::Images | Self::Walk)
    }

    /// Whether it is of a checkpoint.
    fn has_step(self) -> bool {
        self.draws() || matches!(self, Self::Weights | Self::Model)
    }
}

/// What the dialog asks for.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    what: What,
    step: Option<usize>,
    class: Option<usize>,
    count: usize,
    format: ImageFormat,
    fill_up: bool,
    mark: bool,
    seed: u64,
    truncation: f32,
    truncated: bool,
    film: Film,
    stops: usize,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            what: What::Images,
            step: None,
            class: None,
            count: 100,
            format: ImageFormat::default(),
            fill_up: false,
            mark: false,
            seed: 1,
            truncation: 1.0,
            truncated: false,
            film: Film { moving: Moving::Gif, frames: 60, fps: 10.0, labels: true },
            stops: 5,
        }
    }
}

impl Fields {
    /// What is exported.
    pub fn name(&self) -> &'static str {
        self.what.name()
    }

    /// Forgets what was chosen of another run.
    pub fn forget_run(&mut self) {
        (self.step, self.class) = (None, None);
    }

    /// Asks for images like those on the screen.
    pub fn choose_images(&mut self, drawn: Drawn) {
        (self.what, self.step, self.class) = (What::Images, drawn.step, Some(drawn.class));
        self.truncated = drawn.truncation.is_some();
        self.truncation = drawn.truncation.unwrap_or(self.truncation);
    }

    /// Images or frames that are about to be made.
    pub fn total(&self) -> usize {
        match self.what {
            What::Images => self.count,
            What::History | What::Walk => self.film.frames,
            What::Weights | What::Model | What::Tables | What::Tensorboard | What::Report => 1,
        }
    }

    /// What is asked for; nothing where the run has no checkpoint for it yet.
    pub fn asked(&self, view: &RunView, folder: &Path) -> Option<Export> {
        let step = self.step.or_else(|| newest(view));
        if self.what.has_step() && step.is_none() {
            return None;
        }
        let truncation = if self.truncated { self.truncation } else { 0.0 };
        let (class, seed) = (self.class, self.seed);
        let content = match self.what {
            What::Images => Content::Images(self.images(step, truncation)),
            What::Weights => Content::Safetensors { step },
            What::Model => Content::Onnx { step },
            What::History => Content::History(self.film),
            What::Walk => {
                let stops = self.stops.min(self.film.frames);
                Content::Walk(self.film, Walk { step, class, stops, seed, truncation })
            }
            What::Tables => Content::Csv,
            What::Tensorboard => Content::Tensorboard,
            What::Report => Content::Html,
        };
        let (session, folder) = (view.folder().to_owned(), Some(folder.to_owned()));
        Some(Export { session, content, folder })
    }

    fn images(&self, step: Option<usize>, truncation: f32) -> Images {
        let Self { class, count, seed, format, mark, .. } = *self;
        let fill_up = self.fill_up && format.is_one_file_each();
        Images { step, class, count, seed, truncation, format, mark, fill_up }
    }

    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, view: &RunView, folder: &mut String) -> Vec<Action> {
        let mut actions = Vec::new();
        row(ui, "What", |ui| {
            let combo = ComboBox::from_id_salt("export-what").width(300.0).selected_text(self.what.name());
            let combo = combo.show_ui(ui, |ui| {
                widgets::enter_list(ui);
                for what in What::ALL {
                    ui.selectable_value(&mut self.what, what, what.name());
                }
            });
            combo.response
        });
        if self.what.has_step() {
            actions.extend(self.step_ui(ui, view));
        }
        if self.what.draws() {
            self.class_ui(ui, view);
        }
        if self.what == What::Images {
            self.images_ui(ui, view);
        }
        if self.what == What::Walk {
            row(ui, "Stops", |ui| ui.add(field("export-stops", &mut self.stops, 2..=100))).on_hover_text(
                "Images that the walk goes through and back to the first: those that the same seed draws",
            );
        }
        if self.what.draws() {
            self.noise_ui(ui);
        }
        if self.what.is_film() {
            self.film_ui(ui);
        }
        // Below, over the whole width and as many lines as it takes: of a path, the end tells the most.
        let label = row(ui, "Folder", |ui| {
            let choose = ui.button("Choose…");
            if choose.clicked() {
                actions.push(Action::ChooseExportFolder);
            }
            choose
        });
        let edit = TextEdit::multiline(folder).desired_rows(1).return_key(None).desired_width(f32::INFINITY);
        let field = paths::field(ui, "export folder", edit, paths::Wanted::Folder).labelled_by(label.id);
        field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Folder of the export"));
        folder.retain(|letter| letter != '\n');
        if field.lost_focus() {
            *folder = from_home(folder);
        }
        actions
    }

    fn step_ui(&mut self, ui: &mut Ui, view: &RunView) -> Option<Action> {
        let mut action = None;
        row(ui, "Checkpoint", |ui| {
            let chosen = self.step.or_else(|| newest(view));
            let best = view.best();
            let name = |step: usize| match best.filter(|best| best.step == step) {
                Some(best) => format!("step {}, the best by {}", format::count(step), format::metric(&best.metric)),
                None => format!("step {}", format::count(step)),
            };
            let selected = chosen.map_or_else(|| "none yet".to_owned(), name);
            // Room for the two buttons on the right.
            let here = view.is_active() && !view.is_followed();
            let width = if here { 146.0 } else { 240.0 };
            let combo = ComboBox::from_id_salt("export-step").width(width).truncate().selected_text(selected).show_ui(
                ui,
                |ui| {
                    widgets::enter_list(ui);
                    for checkpoint in view.checkpoints().iter().rev() {
                        if ui.selectable_label(chosen == Some(checkpoint.step), name(checkpoint.step)).clicked() {
                            self.step = Some(checkpoint.step);
                        }
                    }
                },
            );
            let response = combo.response;
            let kept = best.filter(|best| view.checkpoints().iter().any(|checkpoint| checkpoint.step == best.step));
            if let Some(best) = kept {
                let about = format!(
                    "The checkpoint with the best {} so far: {} at step {}",
                    format::metric(&best.metric),
                    format::score(best.value),
                    format::count(best.step)
                );
                let mut is_best = chosen == Some(best.step);
                if widgets::toggle(ui, &mut is_best, "Best").on_hover_text(about).clicked() {
                    self.step = Some(best.step).filter(|_| is_best);
                }
            }
            if here && ui.button("Write one now").on_hover_text("Adds a checkpoint of the present step").clicked() {
                action = Some(Action::Command(Command::Checkpoint));
            }
            response
        });
        action
    }

    fn class_ui(&mut self, ui: &mut Ui, view: &RunView) {
        row(ui, "Class", |ui| {
            let selected = self.class.and_then(|class| view.classes().get(class)).map_or("all classes", String::as_str);
            let selected = format::name(selected);
            let combo = ComboBox::from_id_salt("export-class").selected_text(selected).show_ui(ui, |ui| {
                widgets::enter_list(ui);
                ui.selectable_value(&mut self.class, None, "all classes");
                for (at, name) in view.classes().iter().enumerate() {
                    ui.selectable_value(&mut self.class, Some(at), format::name(name));
                }
            });
            combo.response
        });
    }

    fn images_ui(&mut self, ui: &mut Ui, view: &RunView) {
        let channels = view.started().map_or(1, |started| started.config.channels);
        if !self.format.takes(channels) {
            self.format = ImageFormat::default();
        }
        row(ui, "Stored as", |ui| {
            let combo = ComboBox::from_id_salt("export-format").selected_text(self.format.key()).show_ui(ui, |ui| {
                for format in ImageFormat::ALL.iter().filter(|format| format.takes(channels)) {
                    ui.selectable_value(&mut self.format, *format, format.key()).on_hover_text(format.about());
                }
            });
            combo.response.on_hover_text(self.format.about())
        });
        let fills = self.fill_up && self.format.is_one_file_each();
        let about = match self.class {
            None if fills => "Per class in all",
            None => "Images per class",
            Some(_) if fills => "Images in all",
            Some(_) => "Images",
        };
        row(ui, about, |ui| ui.add(field("export-count", &mut self.count, 1..=1_000_000)));
        let each = ImageFormat::of_one_file_each();
        ui.add_enabled(
            self.format.is_one_file_each(),
            Checkbox::new(&mut self.fill_up, "Fill up: count the real images too"),
        )
        .on_hover_text("A class with 80 real images gets 20 generated ones where 100 are asked for")
        .on_disabled_hover_text(format!("With one file per image alone: {each}"));
        if fills {
            widgets::small(
                ui,
                "Only what a class's real images lack to that number is written, each image into the folder of its class below the folder that is named here, and a table of the new files (synthetic-\u{2026}.csv) beside these. It may be the folder of the real images: they are counted, not touched, and nothing is overwritten.",
            );
        }
        ui.checkbox(&mut self.mark, "Write SYNTHETIC into the pixels");
        let text = if self.mark {
            "White on black in the lower left corner of each image, where every copy of it keeps the word. What is trained on such images learns the word as well."
        } else {
            "The images look as they are drawn. That they are synthetic stands in their files' metadata, which other programs may drop."
        };
        widgets::small(ui, text);
    }

    fn noise_ui(&mut self, ui: &mut Ui) {
        row(ui, "Seed", |ui| ui.add(field("export-seed", &mut self.seed, 0..=i64::MAX as u64)))
            .on_hover_text("The same seed and checkpoint give the same images");
        row(ui, "Truncation", |ui| {
            let check = ui.add(Checkbox::without_text(&mut self.truncated));
            check.widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, true, self.truncated, "Truncate"));
            let slider = Slider::new(&mut self.truncation, 0.05..=3.0).max_decimals(2).show_value(false);
            let slider = ui.add_enabled(self.truncated, slider);
            slider.widget_info(|| egui::WidgetInfo::slider(true, f64::from(self.truncation), "Truncate at"));
            let number = ui.add_enabled(self.truncated, field("export-truncation", &mut self.truncation, 0.05..=3.0));
            let number = number.labelled_by(slider.id);
            slider.union(number)
                .on_hover_text("Noise values beyond this are redrawn (truncation trick, Brock et al. 2019): images become more typical and less varied")
        });
    }

    fn film_ui(&mut self, ui: &mut Ui) {
        row(ui, "Stored as", |ui| {
            let gif = ui.radio_value(&mut self.film.moving, Moving::Gif, "GIF");
            gif.on_hover_text("Plays everywhere; 256 colours per frame")
                | ui.radio_value(&mut self.film.moving, Moving::Webp, "WebP")
                    .on_hover_text("Every colour as it is; larger")
        });
        let about = if self.what == What::History { "Frames at most" } else { "Frames" };
        row(ui, about, |ui| ui.add(field("export-frames", &mut self.film.frames, 2..=2000)));
        row(ui, "Frames per second", |ui| ui.add(field("export-fps", &mut self.film.fps, 0.1..=50.0)));
        row(ui, "Labels", |ui| widgets::toggle(ui, &mut self.film.labels, "Class names and step"))
            .on_hover_text("Written into the frames; without, the film is the images alone");
    }
}

fn newest(view: &RunView) -> Option<usize> {
    view.checkpoints().last().map(|checkpoint| checkpoint.step)
}
