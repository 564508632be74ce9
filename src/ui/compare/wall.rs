//! The sample grids of several runs beside each other, at the same step or after the same time.

use std::path::{Path, PathBuf};

use egui::{Align, Label, Layout, RichText, ScrollArea, Slider, Ui, WidgetInfo, vec2};

use super::super::action::Action;
use super::super::grid_image::GridImage;
use super::super::request::{CompareRequest, GridRequest};
use super::super::{format, theme, widgets};
use super::ComparedRun;
use crate::event::{Grid, GridPicture};

/// Bytes of grids that are kept on the graphics card.
const KEPT_BYTES: usize = 256 << 20;
/// Height below which a row of images does not shrink.
const SMALLEST_ROW: f32 = 29.0;
/// The least width and height of a grid.
const TILE: egui::Vec2 = vec2(250.0, 190.0);

/// The grids that were read, and where the slider is.
#[derive(Default)]
pub struct Wall {
    images: Vec<(PathBuf, GridImage)>,
    asked: Option<GridRequest>,
    failed: Vec<(PathBuf, usize, String)>,
    /// Where the slider is: steps or seconds; nothing follows the newest.
    place: Option<f64>,
}

/// The newest grid of a run up to a place, or its first.
fn grid_at(run: &ComparedRun, place: f64, by_time: bool) -> Option<&Grid> {
    let before = |grid: &&Grid| {
        let at = if by_time { run.clock.seconds(grid.step as f64) } else { grid.step as f64 };
        at <= place + 1e-6
    };
    run.grids.iter().rev().find(before).or(run.grids.first())
}

/// Why there is no grid here, or not yet.
fn note(ui: &mut Ui, text: &str) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| widgets::small(ui, text));
}

impl Wall {
    /// Takes in a grid that was read.
    pub fn take(&mut self, ctx: &egui::Context, ask: &GridRequest, result: Result<GridPicture, String>) {
        self.asked.take_if(|asked| asked == ask);
        match result {
            Ok(picture) => {
                self.images.push((ask.folder.clone(), GridImage::new(ctx, picture)));
                let bytes =
                    |images: &[(PathBuf, GridImage)]| images.iter().map(|(_, image)| image.bytes()).sum::<usize>();
                while self.images.len() > 8 && bytes(&self.images) > KEPT_BYTES {
                    self.images.remove(0);
                }
            }
            Err(message) => self.failed.push((ask.folder.clone(), ask.grid.step, message)),
        }
    }

    fn image(&mut self, folder: &Path, step: usize) -> Option<&mut GridImage> {
        let mine = |(of, image): &&mut (PathBuf, GridImage)| of == folder && image.picture.step == step;
        self.images.iter_mut().find(mine).map(|(_, image)| image)
    }

    /// Draws the grids and the slider.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, runs: &[(usize, &ComparedRun)], by_time: bool) -> Vec<Action> {
        if runs.iter().all(|(_, run)| run.grids.is_empty()) {
            widgets::empty(ui, "No sample grids yet", "A run draws one every train.grid_every steps");
            return Vec::new();
        }
        self.slider_ui(ui, runs, by_time);
        let place = self.place.unwrap_or(f64::MAX);
        let mut actions = Vec::new();
        ScrollArea::vertical().auto_shrink(false).id_salt("compare-grids").show(ui, |ui| {
            let room = ui.available_size();
            let across = (((room.x + theme::GAP) / (TILE.x + theme::GAP)) as usize).clamp(1, runs.len());
            let down = runs.len().div_ceil(across) as f32;
            // So that no grid has to scroll by itself.
            let rows = runs.iter().map(|(_, run)| run.classes.len()).max().unwrap_or(0);
            let least = TILE.y.max(rows as f32 * SMALLEST_ROW + 52.0);
            let width = ((room.x - theme::GAP * (across - 1) as f32) / across as f32).floor() - 1.0;
            let height = ((room.y - theme::GAP * (down - 1.0)) / down).floor().max(least);
            ui.spacing_mut().item_spacing = vec2(theme::GAP, theme::GAP);
            ui.horizontal_wrapped(|ui| {
                for (slot, run) in runs {
                    let grid = grid_at(run, place, by_time);
                    actions.extend(self.tile_ui(ui, vec2(width, height), *slot, run, grid));
                }
            });
        });
        actions
    }

    fn slider_ui(&mut self, ui: &mut Ui, runs: &[(usize, &ComparedRun)], by_time: bool) {
        let last = |run: &ComparedRun| {
            let step = run.grids.last().map_or(0.0, |grid| grid.step as f64);
            if by_time { run.clock.seconds(step) } else { step }
        };
        let end = runs.iter().map(|(_, run)| last(run)).fold(0.0, f64::max);
        let mut place = self.place.unwrap_or(end).min(end);
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui
                    .selectable_label(self.place.is_none(), "Newest")
                    .on_hover_text("The last grid of each run")
                    .clicked()
                {
                    self.place = None;
                }
                let text =
                    if by_time { format::duration(place) } else { format!("step {}", format::count(place as usize)) };
                let color = widgets::palette(ui).muted;
                widgets::number(ui, format!("{text:>14}"), color);
                ui.spacing_mut().slider_width = (ui.available_width() - 8.0).max(40.0);
                let slider = ui.add_enabled(end > 0.0, Slider::new(&mut place, 0.0..=end.max(1.0)).show_value(false));
                slider.widget_info(|| WidgetInfo::slider(true, place, "Grids at"));
                if slider.changed() {
                    self.place = Some(place);
                }
            });
        });
        ui.add_space(4.0);
    }

    fn tile_ui(
        &mut self,
        ui: &mut Ui,
        size: egui::Vec2,
        slot: usize,
        run: &ComparedRun,
        grid: Option<&Grid>,
    ) -> Option<Action> {
        let p = widgets::palette(ui);
        let mut action = None;
        ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
            ui.set_min_size(size);
            ui.set_max_size(size);
            ui.push_id(&run.folder, |ui| {
                ui.spacing_mut().item_spacing = vec2(6.0, 2.0);
                let name = run.folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                ui.horizontal(|ui| {
                    widgets::dot(ui, theme::class_color(slot));
                    ui.add(Label::new(RichText::new(name).color(p.strong)).truncate());
                });
                let Some(grid) = grid else {
                    return note(ui, "This run has drawn no grid");
                };
                let seconds = run.clock.seconds(grid.step as f64);
                let at = format!("step {}, after {}", format::count(grid.step), format::duration(seconds));
                widgets::small(ui, at);
                match self.image(&run.folder, grid.step) {
                    Some(image) => image.ui(ui, &run.classes, &[]),
                    None => action = self.read(ui, run, grid),
                }
            });
        });
        action
    }

    /// Asks for a grid, one at a time.
    fn read(&mut self, ui: &mut Ui, run: &ComparedRun, grid: &Grid) -> Option<Action> {
        let failed = self.failed.iter().find(|(folder, step, _)| *folder == run.folder && *step == grid.step);
        if let Some((.., message)) = failed {
            ui.add(Label::new(RichText::new(message).small().color(widgets::palette(ui).error)).wrap());
            return None;
        }
        note(ui, "Reading…");
        if self.asked.is_some() {
            return None;
        }
        let (rows, columns) = (run.classes.len(), run.config.train.grid_columns);
        let ask = GridRequest { folder: run.folder.clone(), grid: grid.clone(), rows, columns };
        self.asked = Some(ask.clone());
        Some(Action::Compare(CompareRequest::Grid(ask)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::event::{Event, Step};

    #[test]
    fn the_newest_grid_up_to_a_step_or_time_is_shown() {
        let event = |step: usize| {
            let seconds = step as f64 * 2.0;
            let grid = Grid { step, file: format!("{step}.png") };
            [Event::Step(Step::of(step, seconds, [])), Event::Grid(grid)]
        };
        let run = ComparedRun::fold(Path::new("x"), Config::default(), [10, 20, 30].into_iter().flat_map(event));
        let at = |place, by_time| grid_at(&run, place, by_time).map(|grid| grid.step);
        assert_eq!([at(20.0, false), at(29.9, false), at(1e9, false)], [Some(20), Some(20), Some(30)]);
        assert_eq!([at(20.0, true), at(59.0, true), at(60.0, true)], [Some(10), Some(20), Some(30)]);
        assert_eq!(at(5.0, false), Some(10), "the first where none came so early");
    }
}
