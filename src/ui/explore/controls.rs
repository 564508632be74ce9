//! What is looked at: checkpoint, class, seeds, truncation, and seeds that were kept.

use egui::{Checkbox, ComboBox, Grid, Slider, Ui};

use super::super::action::{Action, Actions, WindowAction};
use super::super::number::field;
use super::super::request::Drawn;
use super::super::run_view::RunView;
use super::super::{format, widgets};
use super::{Explore, KeptSeed, Kind, MOST_NUMBER};

impl Explore {
    pub(super) fn controls_ui(&mut self, ui: &mut Ui, run: &RunView, kept: &mut Vec<KeptSeed>) -> Actions {
        let mut actions = Actions::default();
        widgets::card(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                for (kind, name, about) in Kind::ALL {
                    if widgets::tab(ui, self.kind == kind, name).on_hover_text(about).clicked() {
                        (self.kind, self.playing) = (kind, false);
                    }
                }
            });
            ui.add_space(6.0);
            Grid::new("explore").num_columns(2).spacing([14.0, 6.0]).show(ui, |ui| {
                self.checkpoint_ui(ui, run);
                self.fields_ui(ui, run.classes());
            });
            ui.add_space(4.0);
            let about = "Noise values beyond this are redrawn (truncation trick): smaller values give more typical and less varied images (Brock et al. 2019)";
            ui.add(Checkbox::new(&mut self.truncated, "Truncation")).on_hover_text(about);
            if self.truncated {
                ui.horizontal(|ui| {
                    let slider =
                        ui.add(Slider::new(&mut self.truncation, 0.05..=3.0).fixed_decimals(2).show_value(false));
                    slider.widget_info(|| egui::WidgetInfo::slider(true, f64::from(self.truncation), "Truncate at"));
                    ui.add(field("explore-truncation", &mut self.truncation, 0.05..=3.0)).labelled_by(slider.id);
                });
            }
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                let about = "Draw any number of images of this class, or of all, into a folder";
                if ui.button("Export images\u{2026}").on_hover_text(about).clicked() {
                    let truncation = self.truncated.then_some(self.truncation);
                    actions.push(WindowAction::ExportImages(Drawn { step: self.step, class: self.class, truncation }));
                }
                let save = ui.add_enabled(self.shown.is_some(), egui::Button::new("Save picture\u{2026}"));
                if let (true, Some(shown)) = (save.clicked(), &self.shown) {
                    actions.push(Action::SaveGrid(shown.picture.clone()));
                }
            });
        });
        self.kept_ui(ui, run.classes(), kept);
        actions
    }

    fn checkpoint_ui(&mut self, ui: &mut Ui, run: &RunView) {
        let best = run.best().map(|best| best.step);
        let named = |step: usize| {
            if best == Some(step) { format!("{} (best)", format::count(step)) } else { format::count(step) }
        };
        let steps: Vec<usize> = run.checkpoints().iter().map(|checkpoint| checkpoint.step).collect();
        let newest = steps.iter().copied().max().unwrap_or(0);
        let label = ui.label("Checkpoint");
        let text = self.step.map_or_else(|| format!("newest, {}", named(newest)), named);
        let shown = ComboBox::from_id_salt("explore-step").selected_text(text).show_ui(ui, |ui| {
            ui.selectable_value(&mut self.step, None, format!("newest, {}", named(newest)));
            for step in steps.iter().rev() {
                ui.selectable_value(&mut self.step, Some(*step), named(*step));
            }
        });
        shown.response.labelled_by(label.id);
        ui.end_row();
    }

    fn fields_ui(&mut self, ui: &mut Ui, classes: &[String]) {
        let morph = self.kind == Kind::Morph;
        class_ui(ui, if morph { "From class" } else { "Class" }, classes, &mut self.class);
        if morph {
            class_ui(ui, "To class", classes, &mut self.to_class);
        }
        let name = match self.kind {
            Kind::Seeds | Kind::Morph => "First seed",
            Kind::Walk => "From seed",
            Kind::Map => "Seed",
        };
        seed_ui(ui, name, &mut self.seed);
        number_ui(ui, "Image of a seed", &mut self.number, 0..=MOST_NUMBER);
        match self.kind {
            Kind::Seeds => number_ui(ui, "Images per side", &mut self.side, 2..=12),
            Kind::Walk => seed_ui(ui, "To seed", &mut self.to_seed),
            Kind::Morph => number_ui(ui, "Seeds", &mut self.rows, 1..=8),
            Kind::Map => {
                seed_ui(ui, "Direction right", &mut self.directions[0]);
                seed_ui(ui, "Direction up", &mut self.directions[1]);
                let label = ui.label("Degrees per step").on_hover_text("How far one image is from the next");
                ui.add(field("explore-degrees", &mut self.degrees, 0.5..=45.0)).labelled_by(label.id);
                ui.end_row();
                number_ui(ui, "Images per side", &mut self.side, 3..=11);
            }
        }
    }

    fn kept_ui(&mut self, ui: &mut Ui, classes: &[String], kept: &mut Vec<KeptSeed>) {
        widgets::card(ui, |ui| {
            ui.set_width(ui.available_width());
            widgets::title(ui, "Kept seeds");
            let mine: Vec<KeptSeed> = kept.iter().filter(|seed| seed.session == self.folder).cloned().collect();
            if mine.is_empty() {
                widgets::muted(ui, "Click an image of Seeds to keep its seed");
            }
            for seed in mine {
                ui.horizontal(|ui| {
                    let class = classes.get(seed.class).map_or("", String::as_str);
                    let of = if seed.number == 0 { String::new() } else { format!(", image {}", seed.number) };
                    let name = format!("Seed {}{of}, {class}", seed.seed);
                    if ui.button(name).on_hover_text("Go there").clicked() {
                        (self.seed, self.class, self.centre) = (seed.seed, seed.class, [0.0; 2]);
                        self.number = seed.number;
                    }
                    let is_same = seed.number == self.number;
                    let target = ui
                        .add_enabled(is_same, egui::Button::new("Walk here"))
                        .on_hover_text("Make it the end of the walk")
                        .on_disabled_hover_text(
                            "Both ends of a walk are the same image of their seeds: set Image of a seed to its number",
                        );
                    target.widget_info(|| {
                        egui::WidgetInfo::labeled(egui::Role::Button, is_same, format!("Walk to seed {}", seed.seed))
                    });
                    if target.clicked() {
                        (self.to_seed, self.kind) = (seed.seed, Kind::Walk);
                    }
                    let remove = ui.button("\u{d7}").on_hover_text("Remove it from the kept seeds");
                    remove.widget_info(|| {
                        egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Forget seed {}", seed.seed))
                    });
                    if remove.clicked() {
                        kept.retain(|other| *other != seed);
                    }
                });
            }
        });
    }
}

fn class_ui(ui: &mut Ui, name: &str, classes: &[String], class: &mut usize) {
    let label = ui.label(name);
    let text = classes.get(*class).map(|name| format::name(name)).unwrap_or_default();
    let shown = ComboBox::from_id_salt(name).selected_text(text).show_ui(ui, |ui| {
        for (at, name) in classes.iter().enumerate() {
            ui.selectable_value(class, at, format::name(name));
        }
    });
    shown.response.labelled_by(label.id);
    ui.end_row();
}

fn seed_ui(ui: &mut Ui, name: &str, seed: &mut u64) {
    let label = ui.label(name);
    let id = format!("explore {name}");
    ui.add(field(&id, seed, 0..=i64::MAX as u64)).labelled_by(label.id);
    ui.end_row();
}

fn number_ui(ui: &mut Ui, name: &str, value: &mut usize, range: std::ops::RangeInclusive<usize>) {
    let label = ui.label(name);
    let id = format!("explore {name}");
    ui.add(field(&id, value, range)).labelled_by(label.id);
    ui.end_row();
}
