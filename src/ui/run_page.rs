//! The Run page: samples and curves side by side, or before the first run what will be trained on and how.

use egui::{CursorIcon, Id, Rect, RichText, Sense, Ui, UiBuilder};

use super::action::{Action, Actions, WindowAction};
use super::curves::{Asked, Charts};
use super::data_page::DataPage;
use super::data_view::DataView;
use super::page::Page;
use super::run_view::RunView;
use super::samples::Samples;
use super::sessions::SessionRow;
use super::settings::Settings;
use super::setup;
use super::{format, theme, widgets};
use crate::config::Config;

/// The narrowest that either half may become.
const NARROWEST: f32 = 260.0;

/// Draws samples and curves, which share the step that is looked at.
#[must_use]
pub fn run_ui(
    ui: &mut Ui,
    view: &RunView,
    (samples, charts): (&mut Samples, &mut Charts),
    settings: &mut Settings,
) -> Actions {
    let (mut actions, mut asked) = (Actions::default(), Asked::default());
    let Settings { split, smoothing, charts: chosen, samples: look, .. } = settings;
    let at = samples.chosen();
    halves(
        ui,
        split,
        |ui| widgets::card(ui, |ui| actions.join(samples.ui(ui, view, look))),
        |ui| asked = charts.ui(ui, view, smoothing, chosen, at),
    );
    if let Some(step) = asked.go_to {
        samples.go_to(view, step);
    }
    actions.extend(asked.actions);
    actions
}

/// Draws the page before the first run.
#[must_use]
pub fn start_ui(
    ui: &mut Ui,
    (config, data, sessions): (&Config, &DataView, &[SessionRow]),
    page: &mut DataPage,
    split: &mut f32,
) -> Actions {
    let mut actions = Actions::default();
    halves(
        ui,
        split,
        |ui| page.summary_ui(ui, data, config),
        |ui| {
            egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = theme::GAP;
                actions.join(last_ui(ui, sessions));
                actions.extend(welcome_ui(ui));
                networks_ui(ui, config);
            });
        },
    );
    actions
}

/// The session that was written to last, for whoever comes back.
fn last_ui(ui: &mut Ui, sessions: &[SessionRow]) -> Actions {
    let mut actions = Actions::default();
    let Some(last) = sessions.iter().max_by_key(|session| session.modified) else { return actions };
    widgets::card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widgets::head(ui, "Last session", "", |ui| {
            if ui.button("All sessions").clicked() {
                actions.push(WindowAction::TurnTo(Page::Sessions));
            }
            if ui.button("Open").on_hover_text("Opens it; it can be resumed from there").clicked() {
                actions.push(Action::OpenSession(last.folder.clone()));
            }
        });
        ui.add(egui::Label::new(&last.name).truncate()).on_hover_text(last.folder.display().to_string());
        let written = format::ago(last.modified);
        if last.busy {
            let color = widgets::palette(ui).good;
            widgets::pill(ui, &format!("training without this window; last written {written}"), color);
        } else {
            widgets::small(ui, format!("{}  ·  {written}", format::plural(last.steps, "step")));
        }
    });
    actions
}

fn welcome_ui(ui: &mut Ui) -> Vec<Action> {
    let mut actions = Vec::new();
    widgets::card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.heading("Train a conditional GAN on your images");
        ui.add_space(2.0);
        for (number, text) in [
            (
                "1",
                "Choose a folder with one sub-folder per class, or drop it here. The drawn demo set is ready without one.",
            ),
            ("2", "Set up the networks on the left; every option explains itself on hover."),
            ("3", "Press Train. Samples, losses and Frechet distances appear here while it runs."),
        ] {
            ui.horizontal_top(|ui| {
                let color = widgets::palette(ui).accent;
                ui.label(RichText::new(number).strong().color(color));
                ui.add(egui::Label::new(text).wrap());
            });
        }
        ui.add_space(4.0);
        if ui.button("Choose folder…").clicked() {
            actions.push(Action::ChooseData);
        }
    });
    actions
}

fn networks_ui(ui: &mut Ui, config: &Config) {
    let card = |ui: &mut Ui, title: &str, about: &str, draw: &dyn Fn(&mut Ui)| {
        widgets::card(ui, |ui| {
            ui.set_min_width(ui.available_width());
            widgets::title(ui, title);
            widgets::small(ui, about);
            draw(ui);
        });
    };
    card(ui, "Generator", "From noise and a label to an image", &|ui| _ = setup::generator_ui(ui, config));
    card(ui, "Discriminator", "From an image to how real it looks", &|ui| _ = setup::discriminator_ui(ui, config));
    widgets::card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widgets::title(ui, "Run");
        let images = config.train.steps * config.train.batch_size;
        let text = format!(
            "{} of {} images each, {} in all, with the {} loss",
            format::plural(config.train.steps, "step"),
            format::count(config.train.batch_size),
            format::short(images),
            config.loss.kind,
        );
        widgets::muted(ui, text);
    });
}

/// Two parts beside each other with a handle between them.
fn halves(ui: &mut Ui, split: &mut f32, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    let whole = ui.available_rect_before_wrap();
    let gap = theme::GAP;
    let least = (NARROWEST / whole.width()).min(0.5);
    let share = split.clamp(least, 1.0 - least);
    let at = (whole.left() + (whole.width() - gap) * share).round();
    let handle = Rect::from_min_max(egui::pos2(at, whole.top()), egui::pos2(at + gap, whole.bottom()));
    let response =
        ui.interact(handle, Id::unique("run-split"), Sense::drag()).on_hover_cursor(CursorIcon::ResizeHorizontal);
    let info = || egui::WidgetInfo::labeled(egui::Role::Splitter, true, "Share of the left part");
    response.widget_info(info);
    if response.dragged() {
        *split = (share + response.drag_delta().x / whole.width()).clamp(least, 1.0 - least);
    }
    if response.hovered() || response.dragged() {
        let color = widgets::palette(ui).accent;
        ui.painter().vline(handle.center().x, handle.y_range(), egui::Stroke::new(2.0, color));
    }
    ui.scope_builder(UiBuilder::new().id_salt("left").max_rect(whole.with_max_x(at)), left);
    ui.scope_builder(UiBuilder::new().id_salt("right").max_rect(whole.with_min_x(at + gap)), right);
}
