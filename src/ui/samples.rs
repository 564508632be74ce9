//! The sample grid: the same noise at every step, the newest one or any that was stored.

use std::path::PathBuf;

use egui::{Align, Button, Layout, Slider, Ui, WidgetInfo, vec2};

use super::action::{Action, GridAsk};
use super::glyph::{self, Glyph};
use super::grid_image::GridImage;
use super::run_view::RunView;
use super::{format, stages, theme, widgets};
use crate::event::GridPicture;

/// Bytes of grids that are kept on the graphics card.
const KEPT_BYTES: usize = 256 << 20;
/// Seconds a grid while playing.
const PLAY_SECONDS: f64 = 0.2;

/// Which grid is shown, and those that were read.
#[derive(Default)]
pub struct Samples {
    folder: PathBuf,
    /// The step that is looked at; nothing follows the newest.
    chosen: Option<usize>,
    images: Vec<GridImage>,
    asked: Option<usize>,
    failed: Option<(usize, String)>,
    shown: Option<usize>,
    /// When the next grid is due, while playing.
    playing: Option<f64>,
}

impl Samples {
    /// Takes in a grid that was read.
    pub fn take(&mut self, ctx: &egui::Context, ask: &GridAsk, result: Result<GridPicture, String>) {
        if ask.folder != self.folder {
            return;
        }
        self.asked = None;
        match result {
            Ok(picture) => self.keep(GridImage::new(ctx, picture)),
            Err(message) => self.failed = Some((ask.grid.step, message)),
        }
    }

    fn keep(&mut self, image: GridImage) {
        self.images.retain(|other| other.picture.step != image.picture.step);
        self.images.push(image);
        while self.images.len() > 2 && self.images.iter().map(GridImage::bytes).sum::<usize>() > KEPT_BYTES {
            self.images.remove(0);
        }
    }

    /// The grid that is on the screen.
    pub fn shown(&self) -> Option<&GridPicture> {
        let step = self.shown?;
        self.images.iter().map(|image| &image.picture).find(|picture| picture.step == step)
    }

    /// Draws the panel.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, view: &RunView) -> Vec<Action> {
        if self.folder != view.folder() {
            *self = Self { folder: view.folder().to_owned(), ..Self::default() };
        }
        // First, so that what is said about the grid fits the one that is drawn.
        let mut actions: Vec<Action> = self.load(ui, view).into_iter().collect();
        actions.extend(self.head_ui(ui, view));
        let steps: Vec<usize> = view.grids().iter().map(|grid| grid.step).collect();
        let slider = egui::Panel::bottom("samples-slider")
            .frame(egui::Frame::new().inner_margin(egui::Margin { top: 8, ..Default::default() }));
        slider.show_separator_line(false).show(ui, |ui| self.slider_ui(ui, &steps));
        let shown = self.shown;
        match self.images.iter_mut().find(|image| Some(image.picture.step) == shown) {
            Some(image) => image.ui(ui, view.classes(), &[]),
            None => self.nothing_ui(ui, view),
        }
        actions
    }

    fn head_ui(&self, ui: &mut Ui, view: &RunView) -> Vec<Action> {
        let mut actions = Vec::new();
        ui.horizontal(|ui| {
            widgets::title(ui, "Samples")
                .on_hover_text("The averaged generator on the same noise at every step, one row a class");
            if let Some(step) = self.shown {
                let color = widgets::palette(ui).muted;
                widgets::number(ui, format!("step {:<9}", format::count(step)), color);
                if let Some(text) = view.started().and_then(|started| stages::caption(&started.config, step)) {
                    widgets::small(ui, text)
                        .on_hover_text("What the networks were at this step: the size they drew, enlarged here, and how much labels counted");
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let export = ui.button("Export…");
                if export.on_hover_text("Images, the generator, films, curves or a report, as files").clicked() {
                    actions.push(Action::OpenExport);
                }
                let save = ui.add_enabled(self.shown().is_some(), Button::new("Save grid…"));
                if save.on_hover_text("Save this grid as PNG").clicked()
                    && let Some(picture) = self.shown()
                {
                    actions.push(Action::SaveGrid(picture.clone()));
                }
            });
        });
        actions
    }

    fn slider_ui(&mut self, ui: &mut Ui, steps: &[usize]) {
        let Some(newest) = steps.len().checked_sub(1) else {
            self.playing = None;
            return;
        };
        let chosen = self.chosen.unwrap_or(steps[newest]);
        let mut index = steps.partition_point(|step| *step < chosen).min(newest);
        self.play(ui, &mut index, steps);
        ui.horizontal(|ui| {
            let (picture, name) =
                if self.playing.is_some() { (Glyph::Pause, "Stop playing") } else { (Glyph::Play, "Play the grids") };
            if glyph::button(ui, picture, vec2(30.0, theme::ROW_HEIGHT), true, name).clicked() {
                self.playing = if self.playing.is_some() { None } else { Some(ui.input(|input| input.time)) };
                if index == newest {
                    (index, self.chosen) = (0, Some(steps[0]));
                }
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
            });
        });
    }

    fn play(&mut self, ui: &Ui, index: &mut usize, steps: &[usize]) {
        let Some(due) = self.playing else { return };
        let now = ui.input(|input| input.time);
        // A grid that is still being read holds the show, so that none is left out.
        if now >= due && self.asked.is_none() {
            if *index + 1 >= steps.len() {
                (self.playing, self.chosen) = (None, None);
                return;
            }
            *index += 1;
            self.chosen = Some(steps[*index]);
            self.playing = Some(now + PLAY_SECONDS);
        }
        ui.ctx().request_repaint_after_secs(PLAY_SECONDS as f32 / 2.0);
    }

    /// Finds the wanted grid among those at hand, or asks for it; until it comes, the one before stays.
    fn load(&mut self, ui: &Ui, view: &RunView) -> Option<Action> {
        let live = view.newest_grid().map(|picture| picture.step);
        let stored = view.grids().last().map(|grid| grid.step);
        let wanted = self.chosen.or(stored.max(live))?;
        if self.images.iter().any(|image| image.picture.step == wanted) {
            self.shown = Some(wanted);
            return None;
        }
        if live == Some(wanted)
            && let Some(picture) = view.newest_grid()
        {
            self.keep(GridImage::new(ui.ctx(), picture.clone()));
            self.shown = Some(wanted);
            return None;
        }
        let failed = self.failed.as_ref().is_some_and(|(step, _)| *step == wanted);
        if self.asked.is_some() || failed {
            return None;
        }
        let grid = view.grids().iter().find(|grid| grid.step == wanted)?.clone();
        self.asked = Some(wanted);
        let columns = view.started()?.config.train.grid_columns;
        Some(Action::ReadGrid(GridAsk { folder: self.folder.clone(), grid, rows: view.classes().len(), columns }))
    }

    fn nothing_ui(&self, ui: &mut Ui, view: &RunView) {
        if let Some((step, message)) = &self.failed {
            return widgets::empty(ui, &format!("The grid of step {} cannot be shown", format::count(*step)), message);
        }
        let every = view.started().map_or(0, |started| started.config.train.grid_every);
        match (every, self.asked) {
            (_, Some(_)) => widgets::empty(ui, "Reading the grid…", ""),
            (0, None) => widgets::empty(ui, "No sample grids", "They are turned off in this run"),
            (every, None) => {
                let text = format!("The first comes at step {}, one row a class", format::count(every));
                widgets::empty(ui, "No sample grid yet", &text);
            }
        }
    }
}
