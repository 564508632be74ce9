//! The slider over the steps of a run, playing, and what else is shown of a grid.

use egui::{Align, Key, Layout, Modifiers, Slider, Ui, WidgetInfo, vec2};

use super::super::glyph::{self, Glyph};
use super::super::run_view::RunView;
use super::super::{format, theme, widgets};
use super::{Real, SampleSettings, Samples, live};

/// Of which grids something is shown that the live generator's have not.
const AVERAGED: &str = "Of the averaged generator's grids; switch Live off to see it";
/// Grids a second that can be chosen.
const SPEEDS: [f64; 6] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0];

impl Samples {
    /// Left and right go a grid back and on, Home and End to the ends, where nothing else listens.
    pub(super) fn keys(&mut self, ui: &Ui, steps: &[usize]) {
        let Some(newest) = steps.len().checked_sub(1) else { return };
        if ui.memory(|memory| memory.focused().is_some()) {
            return;
        }
        let index = self.index(steps);
        let hit = |key: Key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let wanted = if hit(Key::ArrowLeft) {
            Some(index.saturating_sub(1))
        } else if hit(Key::ArrowRight) {
            Some((index + 1).min(newest))
        } else if hit(Key::Home) {
            Some(0)
        } else if hit(Key::End) {
            (self.chosen, self.playing) = (None, None);
            None
        } else {
            None
        };
        if let Some(wanted) = wanted {
            (self.chosen, self.playing) = (Some(steps[wanted]), None);
        }
    }

    /// Plays from here, or stops.
    pub(in crate::ui) fn toggle_play(&mut self, now: f64, steps: &[usize]) {
        if self.playing.take().is_some() {
            return;
        }
        self.playing = Some(now);
        if self.index(steps) + 1 >= steps.len() {
            self.chosen = steps.first().copied();
        }
    }

    /// Where the step that is looked at stands among all.
    fn index(&self, steps: &[usize]) -> usize {
        let newest = steps.len().saturating_sub(1);
        self.chosen.map_or(newest, |chosen| steps.partition_point(|step| *step < chosen).min(newest))
    }

    pub(super) fn slider_ui(&mut self, ui: &mut Ui, steps: &[usize], settings: &SampleSettings) {
        let Some(newest) = steps.len().checked_sub(1) else {
            self.playing = None;
            return;
        };
        let mut index = self.index(steps);
        self.play(ui, &mut index, steps, settings.speed);
        ui.horizontal(|ui| {
            let (picture, name) =
                if self.playing.is_some() { (Glyph::Pause, "Stop playing") } else { (Glyph::Play, "Play the grids") };
            if glyph::button(ui, picture, vec2(30.0, theme::ROW_HEIGHT), true, name).clicked() {
                self.toggle_play(ui.input(|input| input.time), steps);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let follows = self.chosen.is_none();
                let follow = ui.selectable_label(follows, "Newest").on_hover_text("Follow the newest grid");
                if follow.clicked() {
                    (self.chosen, self.playing) = (None, None);
                }
                let color = widgets::palette(ui).muted;
                widgets::number(ui, format!("{:>4} of {:<4}", index + 1, steps.len()), color);
                ui.spacing_mut().slider_width = (ui.available_width() - 8.0).max(40.0);
                let slider = ui.add_enabled(newest > 0, Slider::new(&mut index, 0..=newest).show_value(false));
                slider.widget_info(|| WidgetInfo::slider(true, index as f64, "Grid"));
                if slider.changed() {
                    (self.chosen, self.playing) = (Some(steps[index]), None);
                }
                let step = steps.get(index).copied().unwrap_or_default();
                slider.on_hover_text(format!("Step {}; the curves mark it too", format::count(step)));
            });
        });
    }

    pub(super) fn options_ui(&mut self, ui: &mut Ui, view: &RunView, settings: &mut SampleSettings) {
        // In a narrow panel the last of them go to a line of their own.
        ui.horizontal_wrapped(|ui| {
            ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
            let name = |speed: f64| format!("{speed} per second");
            let combo = egui::ComboBox::from_id_salt("play-speed").width(104.0).selected_text(name(settings.speed));
            let combo = combo.show_ui(ui, |ui| {
                for speed in SPEEDS {
                    ui.selectable_value(&mut settings.speed, speed, name(speed));
                }
            });
            let about = || WidgetInfo::labeled(egui::Role::ComboBox, true, "Grids per second while playing");
            combo.response.widget_info(about);
            combo.response.on_hover_text("Grids per second while playing");
            live::option_ui(ui, view, &mut settings.live);
            let obstacle = self.difference_obstacle();
            widgets::toggle_if(ui, obstacle.is_none(), &mut settings.difference, "Difference")
                .on_hover_text("What has changed since the grid before: grey where nothing has, brighter or darker by half of the change")
                .on_disabled_hover_text(obstacle.unwrap_or_default());
            self.nearest_option_ui(ui, view, settings);
            // What keeps it from being shown is told on hover: a note beside it would move what is about to be clicked.
            let missing = self.real_obstacle();
            widgets::toggle_if(ui, missing.is_none(), &mut settings.real, "Real images")
                .on_hover_text("Real images of each class beside the generated ones")
                .on_disabled_hover_text(missing.unwrap_or_default());
        });
    }

    /// Why no difference can be shown; nothing where it can.
    pub(in crate::ui) fn difference_obstacle(&self) -> Option<&'static str> {
        self.shows_live.then_some(AVERAGED)
    }

    /// Why no real images can be shown; nothing where they can.
    pub(in crate::ui) fn real_obstacle(&self) -> Option<String> {
        let Real::Failed(message) = &self.real else { return None };
        Some(format!(
            "{message}. Sessions of earlier versions keep no real images; they are stored when the session goes on"
        ))
    }

    fn nearest_option_ui(&self, ui: &mut Ui, view: &RunView, settings: &mut SampleSettings) {
        let about = "Beneath each image the real one that is nearest to it by the extractor's features: the same picture twice is a copy. They are stored with the score nearest-real (score.metrics)";
        let missing = match view.nearest().is_empty() {
            true => format!("Not measured in this run. {about}"),
            false => AVERAGED.to_owned(),
        };
        let is_there = !view.nearest().is_empty() && !self.shows_live;
        widgets::toggle_if(ui, is_there, &mut settings.nearest, "Nearest real")
            .on_hover_text(about)
            .on_disabled_hover_text(missing);
    }

    fn play(&mut self, ui: &Ui, index: &mut usize, steps: &[usize], speed: f64) {
        let Some(due) = self.playing else { return };
        let (now, pause) = (ui.input(|input| input.time), 1.0 / speed.clamp(0.1, 100.0));
        // A grid that is still being read holds the show, so that none is left out.
        if now >= due && self.asked.is_none() {
            if *index + 1 >= steps.len() {
                (self.playing, self.chosen) = (None, None);
                return;
            }
            *index += 1;
            self.chosen = Some(steps[*index]);
            self.playing = Some(now + pause);
        }
        ui.ctx().request_repaint_after_secs(pause as f32 / 2.0);
    }
}
