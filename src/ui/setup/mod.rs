//! The set-up: every option of a run, what it costs, and what is wrong with it.

mod blocks;
mod checked;
mod features;
pub mod fit;
pub(super) mod form;
mod images;
mod network;
mod pace;
mod scores;
mod sections;
mod settings_diff;
mod source;

use egui::collapsing_header::CollapsingState;
use egui::{Align, Frame, Layout, Margin, Panel, RichText, ScrollArea, Sense, Ui};

use super::action::{Action, Actions, WindowAction};
use super::data_view::DataView;
use super::page::Page;
use super::{format, glyph, number, theme, widgets};
use crate::config::{Change, Config, Preset, cost::Cost};
use crate::event::Command;
pub use checked::Checked;
use form::Form;
pub use form::fix_ui;
pub use network::{discriminator_ui, generator_ui};
pub use pace::{PaceRequest, Paces, TimeEstimate};
pub use settings_diff::SettingsDiff;

/// What the set-up panel is given to show.
pub struct SetupContext<'a> {
    /// What is known about the configuration.
    pub checked: &'a Checked,
    /// The data that it names.
    pub data: &'a DataView,
    /// Folders that were used before, newest first.
    pub recent: &'a [String],
    /// What leads from the running run to this set-up, where one runs: changes that it can take, and others.
    pub differs: Option<(Vec<Change>, Vec<Change>)>,
    /// Whether a stored session is looked at, which the set-up does not describe.
    pub stored: bool,
    /// What is known of its time.
    pub time: TimeEstimate<'a>,
}

/// The set-up panel.
#[must_use]
pub fn setup_ui(ui: &mut Ui, config: &mut Config, draft: &mut Option<String>, given: &SetupContext<'_>) -> Actions {
    let mut actions = Actions::default();
    let bar = Frame::new().inner_margin(Margin::symmetric(14, 8));
    Panel::top("setup-head").frame(bar).show_separator_line(false).show(ui, |ui| {
        actions.join(head_ui(ui, config, given));
    });
    let bar = Frame::new().inner_margin(Margin::symmetric(14, 8));
    Panel::bottom("setup-cost").frame(bar).show(ui, |ui| {
        cost_ui(ui, &given.checked.cost);
        ui.add_space(4.0);
        given.time.ui(ui, config);
    });
    forget_replaced(ui.ctx(), config);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin { left: 12, right: 14, top: 0, bottom: 8 }).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::GAP - 2.0;
            let mut form = Form { config, checked: given.checked, summary: given.data.summary() };
            for card in &sections::CARDS {
                section(ui, card.name, card.is_open, |ui| {
                    if card.name == "Data" {
                        actions.extend(source::source_ui(ui, form.config, draft, given.data, given.recent));
                        ui.add_space(4.0);
                    }
                    actions.extend(card.rows_ui(&mut form, ui));
                });
            }
            widgets::follow_focus(ui);
        });
    });
    ui.data_mut(|data| data.insert_temp(egui::Id::unique(FORMED), config.clone()));
    actions
}

/// Under which the configuration is kept as the form left it.
const FORMED: &str = "set-up as the form left it";

/// Lets go of what stands refused in the fields, where anything but the form has changed the configuration since: another
/// set-up was loaded, or a change taken back.
fn forget_replaced(ctx: &egui::Context, config: &Config) {
    let formed =
        ctx.data_mut(|data| data.get_temp_mut_or_insert_with(egui::Id::unique(FORMED), || config.clone()) == config);
    if !formed {
        number::forget_refused(ctx);
    }
}

fn head_ui(ui: &mut Ui, config: &mut Config, given: &SetupContext<'_>) -> Actions {
    let mut actions = Actions::default();
    ui.horizontal(|ui| {
        ui.heading(RichText::new("Set-up").color(widgets::palette(ui).strong));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let preset = fit::preset_of(config).map_or("custom", Preset::name);
            let menu = glyph::menu(ui, &format!("Preset: {preset}"), |ui| preset_menu(ui, config));
            actions.extend(menu.inner.flatten());
            menu.response.on_hover_text("Starting points for networks, loss and optimizer");
            let queue =
                ui.button("Queue…").on_hover_text("Line up runs with these settings, one for each of several seeds");
            actions.extend(queue.clicked().then_some(WindowAction::TurnTo(Page::Queue)));
        });
    });
    // Of one height whatever it holds, so that nothing below it jumps.
    let size = egui::vec2(ui.available_width(), theme::ROW_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_height(theme::ROW_HEIGHT);
        let compared = |ui: &mut Ui| {
            let compare = ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.button(RichText::new("Compare with…").small())
            });
            let about = "What differs from a preset or a stored session, to be copied one by one";
            compare.inner.on_hover_text(about).clicked().then_some(WindowAction::CompareSetUp)
        };
        match &given.differs {
            Some((live, fixed)) if live.is_empty() && fixed.is_empty() => {
                widgets::small(ui, "As in the run that is going on");
                actions.extend(compared(ui));
            }
            Some((live, fixed)) => actions.extend(differences_ui(ui, live, fixed)),
            None => {
                let text = if given.stored {
                    "For the next run, not the stored session"
                } else {
                    "Hover over an option to read about it"
                };
                widgets::small(ui, text);
                actions.extend(compared(ui));
            }
        }
    });
    actions
}

/// Tells what a running run could take over at once, and offers it.
fn differences_ui(ui: &mut Ui, live: &[Change], fixed: &[Change]) -> Option<Action> {
    let lines = |changes: &[Change]| changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let mut apply = false;
    if !live.is_empty() {
        let name = format!("Apply {} to the run", format::plural(live.len(), "change"));
        let about = format!("From its next step on, marked in the curves and kept in the session:\n{}", lines(live));
        apply = ui.add(widgets::primary(ui, &name)).on_hover_text(about).clicked();
    }
    if !fixed.is_empty() {
        let text = format!("{} for the next run", format::plural(fixed.len(), "change"));
        widgets::small(ui, text).on_hover_text(format!("These cannot be changed during a run:\n{}", lines(fixed)));
    }
    apply.then(|| Action::Command(Command::Edit(live.to_vec())))
}

fn preset_menu(ui: &mut Ui, config: &mut Config) -> Option<WindowAction> {
    for preset in Preset::ALL {
        let name = format::sentence(preset.name());
        if ui.button(name).on_hover_text(preset.about()).clicked() {
            fit::apply_preset(config, preset);
            ui.close();
        }
        ui.scope(|ui| {
            ui.set_max_width(theme::MENU_WIDTH);
            ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Wrap);
            widgets::small(ui, preset.measured());
        });
    }
    ui.separator();
    let reset = ui
        .button("Reset everything")
        .on_hover_text("The recommended set-up in every option; only the data folder stays");
    if reset.clicked() {
        let source = std::mem::take(&mut config.data.source);
        *config = Preset::DEFAULT.config();
        config.data.source = source;
        ui.close();
    }
    // Also while a run leaves no room for the button.
    ui.button("Compare with…").clicked().then(|| {
        ui.close();
        WindowAction::CompareSetUp
    })
}

fn cost_ui(ui: &mut Ui, cost: &Cost) {
    ui.columns_const(|[left, middle, right]| {
        widgets::stat(left, "Generator", &format::short(cost.generator_parameters))
            .on_hover_text("Trainable parameters of the generator");
        widgets::stat(middle, "Discriminator", &format::short(cost.discriminator_parameters))
            .on_hover_text("Trainable parameters of the discriminator");
        widgets::stat(right, "Memory", &format!("~{}", format::bytes(cost.training_bytes)))
            .on_hover_text("What training needs at its peak, within a factor of two");
    });
}

/// A card that folds.
fn section(ui: &mut Ui, name: &str, open: bool, contents: impl FnOnce(&mut Ui)) {
    widgets::card(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        let id = ui.make_persistent_id(("setup-section", name));
        let mut state = CollapsingState::load_with_default_open(ui.ctx(), id, open);
        let head = ui.horizontal(|ui| {
            widgets::title(ui, name);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let (rect, response) = ui.allocate_exact_size(egui::Vec2::splat(14.0), Sense::hover());
                egui::collapsing_header::paint_default_icon(
                    ui,
                    state.openness(ui.ctx()),
                    &response.with_new_rect(rect),
                );
            });
        });
        let head = ui.interact(head.response.rect, id.with("head"), Sense::click());
        head.widget_info(|| egui::WidgetInfo::labeled(egui::Role::DisclosureTriangle, true, format!("{name} options")));
        widgets::focus_ring(ui, &head);
        if head.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
            state.toggle(ui);
        }
        state.show_body_unindented(ui, |ui| {
            ui.add_space(4.0);
            contents(ui);
        });
    });
}
