//! What is added to the queue: a starting point, settings laid over it, and seeds.

use egui::{ComboBox, TextEdit, Ui};

use super::super::setup::fit;
use super::super::{format, theme, widgets};
use super::Queue;
use crate::config::sweep::seeds;
use crate::config::{ALL_KEYS, Config, Level, Preset, Problem};

/// What runs are made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Base {
    /// The set-up as it is.
    #[default]
    SetUp,
    /// The set-up with a preset's networks, loss and optimizer.
    Preset(Preset),
}

/// The fields.
#[derive(Debug, Default)]
pub struct AddForm {
    base: Base,
    /// What was typed; nothing stands for the seed of the set-up.
    seeds: Option<String>,
    changes: String,
    made: Option<Looked>,
}

/// What the fields came to, and what that was made of.
#[derive(Debug)]
struct Looked {
    of: (Base, String, Config, Option<usize>),
    made: Result<Made, Vec<String>>,
}

impl AddForm {
    /// Draws the form and adds what is asked for.
    pub fn ui(&mut self, ui: &mut Ui, queue: &mut Queue, set_up: &Config, classes: Option<usize>) {
        let mut typed = self.seeds.clone().unwrap_or_else(|| set_up.train.seed.to_string());
        let mut asked = false;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 14.0;
            ui.vertical(|ui| {
                widgets::small(ui, "Based on");
                base_ui(ui, &mut self.base);
                let label = widgets::small(ui, "Seeds");
                let field = TextEdit::singleline(&mut typed).desired_width(150.0).hint_text("1, 2, 3 or 1-5");
                let field = ui.add(field).labelled_by(label.id).on_hover_text("One run for each: 1, 2, 3 or 1-5");
                if field.changed() {
                    self.seeds = Some(typed.clone());
                }
            });
            ui.vertical(|ui| {
                let label = widgets::small(ui, "Overrides, one KEY=VALUE per line");
                let hint = "for example\nloss.kind=bce\noptimizer.generator_lr=2e-4";
                let field = TextEdit::multiline(&mut self.changes).desired_rows(4).hint_text(hint);
                let field = field.font(egui::TextStyle::Monospace).desired_width((ui.available_width()).min(420.0));
                egui::ScrollArea::vertical().id_salt("queue-changes").max_height(76.0).show(ui, |ui| {
                    ui.add(field)
                        .labelled_by(label.id)
                        .on_hover_text("The keys are those of run.toml and of the Details page");
                });
            });
        });
        let parsed = seeds(&typed);
        let made = self.made(set_up, classes);
        let reasons = match (&parsed, &made) {
            (Err(reason), _) => reason.clone(),
            (Ok(_), Err(problems)) => problems.join("\n"),
            (Ok(_), Ok(_)) => String::new(),
        };
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let count = parsed.as_ref().map_or(0, Vec::len);
            let name =
                if count == 1 { "Add 1 run".to_owned() } else { format!("Add {}", format::plural(count, "run")) };
            let add = ui.add_enabled(parsed.is_ok() && made.is_ok(), widgets::primary(ui, &name));
            asked = add.on_disabled_hover_text(reasons).clicked();
            if let Err(reason) = &parsed {
                ui.colored_label(widgets::palette(ui).error, reason);
            }
        });
        for problem in made.as_ref().err().into_iter().flatten() {
            ui.add(egui::Label::new(egui::RichText::new(problem).color(widgets::palette(ui).error)).wrap());
        }
        let warnings = made.as_ref().map_or(&[][..], |made| &made.warnings);
        for warning in warnings {
            ui.add(egui::Label::new(egui::RichText::new(warning).color(widgets::palette(ui).warning)).wrap());
        }
        if let (true, Ok(seeds), Ok(Made { base, changes, config, .. })) = (asked, parsed, made) {
            for seed in seeds {
                let mut config = config.clone();
                config.train.seed = seed;
                queue.add(format!("{base}, seed {seed}{changes}"), config);
            }
        }
    }

    /// What the fields come to, looked at again where one of them has changed.
    fn made(&mut self, set_up: &Config, classes: Option<usize>) -> Result<Made, Vec<String>> {
        let of = (self.base, self.changes.clone(), set_up.clone(), classes);
        if let Some(known) = self.made.as_ref().filter(|known| known.of == of) {
            return known.made.clone();
        }
        let made = made(self.base, &self.changes, set_up, classes);
        self.made.insert(Looked { of, made }).made.clone()
    }
}

fn base_ui(ui: &mut Ui, base: &mut Base) {
    let name = |base: Base| match base {
        Base::SetUp => "the set-up".to_owned(),
        Base::Preset(preset) => format!("preset {}", preset.name()),
    };
    let combo = ComboBox::from_id_salt("queue-base").width(theme::CONTROL_WIDTH).selected_text(name(*base));
    let shown = combo.show_ui(ui, |ui| {
        ui.selectable_value(base, Base::SetUp, name(Base::SetUp));
        for preset in Preset::ALL {
            let about = "Its networks, loss and optimizer; the rest as in the set-up";
            ui.selectable_value(base, Base::Preset(preset), name(Base::Preset(preset))).on_hover_text(about);
        }
    });
    shown.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Based on"));
}

/// What is added.
#[derive(Clone, Debug)]
struct Made {
    /// What it is made from, and what was changed in that.
    base: String,
    changes: String,
    config: Config,
    /// What of its settings nothing reads, and what else is to be said of them.
    warnings: Vec<String>,
}

/// What the runs are, or what is wrong with them.
fn made(base: Base, changes: &str, set_up: &Config, classes: Option<usize>) -> Result<Made, Vec<String>> {
    let lines: Vec<String> =
        changes.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let mut config = set_up.clone();
    let name = match base {
        Base::SetUp => fit::preset_of(set_up).map_or("custom", Preset::name).to_owned(),
        Base::Preset(preset) => {
            fit::apply_preset(&mut config, preset);
            preset.name().to_owned()
        }
    };
    let listed = |text: &String| text.replace(ALL_KEYS, "the page Details of a run names them all");
    let config = config.with(&lines).map_err(|err| err.0.iter().map(listed).collect::<Vec<_>>())?;
    let (errors, warnings): (Vec<_>, Vec<_>) =
        config.check(classes).into_iter().partition(|problem| problem.level == Level::Error);
    let told = |problems: Vec<Problem>| -> Vec<String> {
        problems.iter().map(|problem| format!("{}: {}", problem.key, problem.message)).collect()
    };
    if !errors.is_empty() {
        return Err(told(errors));
    }
    let changes = lines.iter().map(|line| format!(", {line}")).collect();
    Ok(Made { base: name, changes, config, warnings: told(warnings) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_laid_over_and_problems_are_told() {
        let set_up = Preset::Improved.config();
        let added = made(Base::Preset(Preset::Original), "train.steps = 7\n\n", &set_up, None).unwrap();
        let Made { base: name, changes: told, config, .. } = added;
        assert_eq!((name.as_str(), told.as_str(), config.train.steps), ("original", ", train.steps = 7", 7));
        assert_eq!(config.loss.kind, crate::config::LossKind::Bce);
        assert_eq!(made(Base::SetUp, "", &set_up, None).unwrap().base, "improved");
        assert!(made(Base::SetUp, "train.stps=7", &set_up, None).unwrap_err()[0].contains("train.steps"));
        let unknown = made(Base::SetUp, "zzzzzzzzzzzz=1", &set_up, None).unwrap_err();
        assert!(unknown[0].contains("the page Details") && !unknown[0].contains("gandle presets"), "{unknown:?}");
        assert!(made(Base::SetUp, "train.steps=0", &set_up, None).unwrap_err()[0].contains("train.steps"));
    }
}
