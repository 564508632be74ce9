//! The picture that was drawn, and one image of it.

use egui::{Color32, CornerRadius, Sense, Stroke, StrokeKind, Ui, vec2};

use super::super::action::Action;
use super::super::run_view::RunView;
use super::super::{format, theme, widgets};
use super::{Explore, KeptSeed, Kind};
use crate::event::View;

/// Images of a walk a second, while it plays.
const FRAMES_A_SECOND: f64 = 12.0;
/// Height of the large image of a walk, as a share of the room.
const LARGE: f32 = 0.6;

impl Explore {
    pub(super) fn picture_ui(&mut self, ui: &mut Ui, run: &RunView, kept: &mut Vec<KeptSeed>) -> Vec<Action> {
        widgets::card(ui, |ui| {
            ui.set_min_size(ui.available_size());
            if let Some((_, message)) = &self.failed {
                widgets::empty(ui, "This could not be drawn", message);
                return;
            }
            if self.shown.is_none() {
                widgets::empty(ui, "Drawing\u{2026}", "The checkpoint is being read");
                return;
            }
            self.caption_ui(ui, run);
            if self.kind == Kind::Walk {
                self.large_ui(ui);
            }
            self.sheet_ui(ui, run, kept);
        });
        Vec::new()
    }

    fn caption_ui(&self, ui: &mut Ui, run: &RunView) {
        let Some(shown) = &self.shown else { return };
        let class = |class: usize| format::name(run.classes().get(class).map_or("", String::as_str));
        let text = match shown.of.view {
            View::Seeds { class: of, first, count } => {
                format!("{}, seeds {first} to {}", class(of), first.wrapping_add(count as u64 - 1))
            }
            View::Walk { class: of, from, to, .. } => format!("{} from seed {from} to seed {to}", class(of)),
            View::Morph { from, to, first, rows, .. } => {
                let last = first.wrapping_add(rows as u64 - 1);
                format!("From {} to {}, seeds {first} to {last} from above", class(from), class(to))
            }
            View::Map { class: of, seed, centre: [x, y], .. } => {
                format!("{} around seed {seed}, {x:.0}\u{b0} to the right and {y:.0}\u{b0} up", class(of))
            }
        };
        let note = format!("checkpoint of step {}", format::count(shown.of.step));
        widgets::head(ui, &text, &note, |_| {});
        ui.add_space(4.0);
    }

    /// One image of a walk, large, with a slider along the way.
    fn large_ui(&mut self, ui: &mut Ui) {
        let Some(shown) = &self.shown else { return };
        let last = (shown.picture.rows * shown.picture.columns).saturating_sub(1);
        if self.playing {
            // There and back again.
            self.frame += ui.input(|input| f64::from(input.stable_dt)).min(0.1) * FRAMES_A_SECOND;
            ui.ctx().request_repaint();
        }
        let way = 2 * last.max(1);
        let turned = self.frame as usize % way;
        let mut at = if turned > last { way - turned } else { turned };
        let side = (ui.available_height() * LARGE).min(ui.available_width()).max(64.0);
        let cell = shown.picture.cell as f32;
        let side = (side / cell).floor().max(1.0) * cell;
        ui.vertical_centered(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
            ui.painter().image(shown.texture.id(), rect, shown.part(at), Color32::WHITE);
        });
        ui.horizontal(|ui| {
            if ui.button(if self.playing { "Pause" } else { "Play" }).clicked() {
                self.playing = !self.playing;
            }
            ui.spacing_mut().slider_width = ui.available_width() - 70.0;
            let slider = egui::Slider::new(&mut at, 0..=last).show_value(true);
            let slider = ui.add(slider);
            slider.widget_info(|| egui::WidgetInfo::slider(true, at as f64, "Image of the walk"));
            if slider.changed() {
                (self.frame, self.playing) = (at as f64, false);
            }
        });
        ui.add_space(6.0);
    }

    fn sheet_ui(&mut self, ui: &mut Ui, run: &RunView, kept: &mut Vec<KeptSeed>) {
        let scale = self.shown.as_mut().map_or(1.0, |shown| shown.scale(ui.available_size()));
        let Some(shown) = &self.shown else { return };
        let natural = vec2(shown.picture.picture.width as f32, shown.picture.picture.height as f32);
        let (rect, response) = ui.vertical_centered(|ui| ui.allocate_exact_size(natural * scale, Sense::click())).inner;
        // On whole pixels, which stay squares there.
        let rect = rect.translate(rect.min.round() - rect.min);
        let name = "Images that were drawn";
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, name));
        let Some((image, place)) = shown.draw(ui, rect, response.hover_pos()) else { return };
        let accent = widgets::palette(ui).accent;
        let outline = Stroke::new(2.0, accent);
        ui.painter().rect_stroke(place, CornerRadius::same(theme::ROUND / 2), outline, StrokeKind::Inside);
        let (of, clicked) = (shown.of.view, response.clicked());
        match of {
            View::Seeds { class, first, .. } => {
                let seed = first.wrapping_add(image as u64);
                let name = format::name(run.classes().get(class).map_or("", String::as_str));
                response.on_hover_text_at_pointer(format!("Seed {seed}, {name}: click to keep it"));
                let number = shown.of.number;
                let one = KeptSeed { session: self.folder.clone(), class, seed, number };
                if clicked && !kept.contains(&one) {
                    kept.push(one);
                }
            }
            View::Walk { .. } => {
                if clicked {
                    (self.frame, self.playing) = (image as f64, false);
                }
            }
            View::Morph { first, count, .. } => {
                let seed = first.wrapping_add((image / count) as u64);
                let share = 100 * (image % count) / (count - 1).max(1);
                response.on_hover_text_at_pointer(format!("Seed {seed}, {share} % of the way"));
            }
            View::Map { side, .. } => {
                response.on_hover_text_at_pointer("Click to make this the middle; the arrow keys move the map");
                if clicked {
                    let off = |at: usize| at as f32 - (side as f32 - 1.0) / 2.0;
                    self.shift([off(image % side), -off(image / side)]);
                }
            }
        }
    }
}
