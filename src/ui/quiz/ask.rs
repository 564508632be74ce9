//! Setting up a test, and taking it.

use std::time::{Instant, SystemTime};

use egui::{Align, ComboBox, Grid, Image, Key, Layout, TextureOptions, Ui, vec2};

use super::super::action::Action;
use super::super::number::field;
use super::super::run_view::RunView;
use super::super::{format, widgets};
use super::{Quiz, Stage};
use crate::event::{QuizAnswer, QuizItem, QuizLog};

/// Width of the form.
const FORM_WIDTH: f32 = 460.0;
/// An image is enlarged to about this many points.
const SHOWN: f32 = 360.0;

impl Quiz {
    pub(super) fn form_ui(&mut self, ui: &mut Ui, run: &RunView) -> Vec<Action> {
        let mut actions = Vec::new();
        let steps: Vec<usize> = run.checkpoints().iter().map(|checkpoint| checkpoint.step).collect();
        let newest = steps.iter().copied().max().unwrap_or(0);
        let step = self.step.filter(|step| steps.contains(step)).unwrap_or(newest);
        ui.vertical_centered(|ui| {
            ui.set_max_width(FORM_WIDTH);
            ui.add_space(24.0);
            widgets::card(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    widgets::title(ui, "Real or fake?");
                    widgets::muted(ui, "Images come one by one, as many real ones as fakes of each class, in a random order. You say what each is; at the end stand your accuracy with its interval and kappa. Answers and times are kept with the session.");
                    ui.add_space(8.0);
                    self.fields_ui(ui, run, &steps, step);
                    ui.add_space(8.0);
                    if ui.add(widgets::primary(ui, "Begin")).clicked() {
                        self.failed = None;
                        self.stage = Stage::Preparing { done: 0, total: 0 };
                        actions.push(Action::PrepareQuiz(self.wanted(step)));
                    }
                    if let Some(reason) = &self.failed {
                        let color = widgets::palette(ui).error;
                        ui.label(egui::RichText::new(reason).color(color));
                    }
                });
            });
        });
        actions
    }

    fn fields_ui(&mut self, ui: &mut Ui, run: &RunView, steps: &[usize], step: usize) {
        Grid::new("quiz-form").num_columns(2).spacing([18.0, 6.0]).show(ui, |ui| {
            let named = |step: usize| match run.best() {
                Some(best) if best.step == step => format!("{} (best)", format::count(step)),
                Some(_) | None => format::count(step),
            };
            let label = ui.label("Checkpoint");
            let steps_ui = ComboBox::from_id_salt("quiz-step").selected_text(named(step)).show_ui(ui, |ui| {
                for choice in steps.iter().rev() {
                    ui.selectable_value(&mut self.step, Some(*choice), named(*choice));
                }
            });
            steps_ui.response.labelled_by(label.id);
            ui.end_row();
            let label = ui.label("Class");
            let class = |class: Option<usize>| match class {
                Some(class) => run.classes().get(class).map(|name| format::name(name).into_owned()).unwrap_or_default(),
                None => "all".to_owned(),
            };
            let classes_ui = ComboBox::from_id_salt("quiz-class").selected_text(class(self.class)).show_ui(ui, |ui| {
                for choice in std::iter::once(None).chain((0..run.classes().len()).map(Some)) {
                    ui.selectable_value(&mut self.class, choice, class(choice));
                }
            });
            classes_ui.response.labelled_by(label.id);
            ui.end_row();
            let label = ui.label("Images");
            ui.add(field("quiz-count", &mut self.count, 2..=1000)).labelled_by(label.id);
            ui.end_row();
            let label = ui.label("Seed").on_hover_text("Another seed shows other images");
            ui.add(field("quiz-seed", &mut self.seed, 0..=i64::MAX as u64)).labelled_by(label.id);
            ui.end_row();
        });
    }

    pub(super) fn asking_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let Stage::Asking(asking) = &mut self.stage else { return Vec::new() };
        let number = asking.answers.len();
        let Some(item) = asking.set.items.get(number) else { return Vec::new() };
        let class = asking.set.classes.get(item.class).map(|name| format::name(name).into_owned()).unwrap_or_default();
        let texture = asking.texture.get_or_insert_with(|| upload(ui, item));
        let mut said = None;
        let mut give_up = false;
        ui.vertical_centered(|ui| {
            ui.add_space(16.0);
            widgets::title(ui, &format!("Image {} of {}", number + 1, asking.set.items.len()));
            widgets::muted(ui, class.as_str());
            ui.add_space(8.0);
            let side = texture.size_vec2().x;
            let scale = (SHOWN / side).floor().max(1.0);
            ui.add(
                Image::new(&*texture)
                    .fit_to_exact_size(vec2(side * scale, side * scale))
                    .alt_text("The image to judge"),
            );
            ui.add_space(12.0);
            ui.horizontal(|ui| {
                ui.add_space((ui.available_width() - 240.0).max(0.0) / 2.0);
                for (name, fake) in [("Real", false), ("Fake", true)] {
                    let button = egui::Button::new(name).min_size(vec2(112.0, 32.0));
                    if ui.add(button).clicked() {
                        said = Some(fake);
                    }
                }
            });
            ui.add_space(4.0);
            widgets::small(ui, "Left arrow: real. Right arrow: fake.");
            ui.add_space(14.0);
            give_up = ui.button("End the test").on_hover_text("What was answered so far is counted and kept").clicked();
        });
        let typing = ui.ctx().egui_wants_keyboard_input();
        ui.input(|input| {
            for (key, fake) in [(Key::ArrowLeft, false), (Key::ArrowRight, true)] {
                if input.key_pressed(key) && !typing {
                    said = Some(fake);
                }
            }
        });
        if let Some(said_fake) = said {
            let seconds = asking.since.elapsed().as_secs_f64();
            asking.answers.push(QuizAnswer { class, fake: item.fake, said_fake, seconds });
            (asking.since, asking.texture) = (Instant::now(), None);
            ui.ctx().request_repaint();
        }
        if give_up || asking.answers.len() == asking.set.items.len() { self.end() } else { Vec::new() }
    }

    /// Counts what was answered, and has it kept.
    fn end(&mut self) -> Vec<Action> {
        let Stage::Asking(asking) = std::mem::take(&mut self.stage) else { return Vec::new() };
        if asking.answers.is_empty() {
            return Vec::new();
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let (set, answers) = (asking.set, asking.answers);
        let log = QuizLog {
            time: now.map_or(0, |passed| passed.as_secs()),
            step: set.ask.step,
            class: set.ask.class.and_then(|class| set.classes.get(class).cloned()),
            seed: set.ask.seed,
            held_out: set.held_out,
            answers,
        };
        // Another test shows other images.
        self.seed = self.seed.wrapping_add(1);
        let keep = Action::KeepQuiz { session: self.folder.clone(), log: Box::new(log.clone()) };
        self.stage = Stage::Done(Box::new(set), log);
        vec![keep]
    }
}

fn upload(ui: &Ui, item: &QuizItem) -> egui::TextureHandle {
    let image = egui::ColorImage::from_rgb([item.picture.width, item.picture.height], &item.picture.rgb);
    ui.ctx().load_texture("quiz", image, TextureOptions::NEAREST)
}
