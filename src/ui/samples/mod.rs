//! The sample grid: the same noise at every step, the newest one or any that was stored.

mod bar;
mod cache;
mod difference;
mod live;
mod nearest;
mod zoom;

use std::path::PathBuf;

use egui::{Align, Button, Label, Layout, RichText, Ui, vec2};

use super::action::{Action, Actions, WindowAction};
use super::glyph::{self, Glyph};
use super::grid_image::{Beside, GridImage, Pick};
use super::request::GridRequest;
use super::run_view::RunView;
use super::{format, stages, theme, widgets};
use crate::event::{Grid, GridPicture, LIVE_BELOW, NEAREST_BELOW, REAL_IMAGES};
use cache::Cache;
use live::LiveGrids;
pub(in crate::ui) use live::{ask as ask_live, obstacle as live_obstacle};
use nearest::Neighbours;
use zoom::{Shows, Zoom};

/// Real images of a class that are shown beside the grid.
const REAL_COLUMNS: usize = 3;
/// The share of the random start in the average below which it is not seen.
const SETTLED: f64 = 0.05;
/// Below this width the head has the step and the buttons alone.
const NARROW_HEAD: f32 = 330.0;

/// What the user chose about the samples; it is kept between starts.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct SampleSettings {
    /// Grids a second while playing.
    pub speed: f64,
    /// Whether the difference from the grid before is shown.
    pub difference: bool,
    /// Whether the live generator's grids are shown instead of the average's, and stored by a run that goes on.
    pub live: bool,
    /// Whether real images stand beside the generated ones.
    pub real: bool,
    /// Whether the nearest real image stands beneath each generated one.
    pub nearest: bool,
}

impl Default for SampleSettings {
    fn default() -> Self {
        Self { speed: 5.0, difference: false, live: false, real: false, nearest: false }
    }
}

/// The real images of a run.
#[derive(Default)]
enum Real {
    #[default]
    Unknown,
    Asked,
    There(Box<GridImage>),
    Failed(String),
}

/// Which grid is shown, and those that were read.
#[derive(Default)]
pub struct Samples {
    folder: PathBuf,
    /// The step that is looked at; nothing follows the newest.
    chosen: Option<usize>,
    cache: Cache,
    real: Real,
    neighbours: Neighbours,
    live: LiveGrids,
    /// Whether the grid on the screen is the live generator's.
    shows_live: bool,
    /// The difference of two steps.
    difference: Option<((usize, usize), GridImage)>,
    asked: Option<usize>,
    failed: Option<(usize, String)>,
    shown: Option<usize>,
    /// When the next grid is due, while playing.
    playing: Option<f64>,
    zoom: Option<Zoom>,
    /// Where the panel was drawn last.
    place: Option<egui::Rect>,
}

impl Samples {
    /// Takes in a grid that was read.
    pub fn take(&mut self, ctx: &egui::Context, ask: &GridRequest, result: Result<GridPicture, String>) {
        if ask.folder != self.folder {
            return;
        }
        if ask.grid.file == REAL_IMAGES {
            self.real = match result {
                Ok(picture) => Real::There(Box::new(GridImage::new(ctx, picture))),
                Err(message) => Real::Failed(message),
            };
            return;
        }
        if view_of_nearest(ask) {
            return self.neighbours.take(ask.grid.step, result);
        }
        if ask.grid.file.starts_with(LIVE_BELOW) {
            return self.live.take(ctx, ask.grid.step, result);
        }
        self.asked = None;
        match result {
            Ok(picture) => self.cache.keep(GridImage::new(ctx, picture)),
            Err(message) => self.failed = Some((ask.grid.step, message)),
        }
    }

    /// The step that is looked at, where that is not the newest.
    pub(super) fn chosen(&self) -> Option<usize> {
        self.chosen
    }

    /// Looks at the newest grid of a step or before it, or at the first.
    pub(super) fn go_to(&mut self, view: &RunView, step: usize) {
        let grids = view.grids();
        let at = grids.partition_point(|grid| grid.step <= step).saturating_sub(1);
        (self.chosen, self.playing) = (grids.get(at).map(|grid| grid.step), None);
    }

    /// Whether the pointer is over the panel.
    pub(super) fn has_pointer(&self, ui: &Ui) -> bool {
        let pointer = ui.input(|input| input.pointer.hover_pos());
        self.place.zip(pointer).is_some_and(|(place, pointer)| place.contains(pointer))
    }

    /// The grid that is on the screen.
    pub fn shown(&self) -> Option<&GridPicture> {
        let step = self.shown?;
        let live = self.live.peek(step).filter(|_| self.shows_live);
        live.or_else(|| self.cache.peek(step)).map(|image| &image.picture)
    }

    /// Draws the panel.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, view: &RunView, settings: &mut SampleSettings) -> Actions {
        if self.folder != view.folder() {
            *self = Self { folder: view.folder().to_owned(), ..Self::default() };
        }
        self.place = Some(ui.max_rect());
        let steps: Vec<usize> = view.grids().iter().map(|grid| grid.step).collect();
        self.keys(ui, &steps);
        // First, so that what is said about the grid fits the one that is drawn.
        let mut actions = Actions::default();
        actions.extend(self.load(ui, view, settings));
        actions.extend(self.load_real(view, settings));
        let beside = self.shown.filter(|_| self.asked.is_none());
        let nearest = beside.filter(|_| settings.nearest).and_then(|step| self.neighbours.want(view, step));
        let live = beside.filter(|_| settings.live).and_then(|step| self.live.want(view, step));
        actions.app.extend([nearest, live].into_iter().flatten().filter_map(|grid| self.read(view, grid)));
        self.shows_live = settings.live && self.shown.is_some_and(|step| self.live.peek(step).is_some());
        actions.join(self.head_ui(ui, view));
        let slider = egui::Panel::bottom("samples-slider")
            .frame(egui::Frame::new().inner_margin(egui::Margin { top: 8, ..Default::default() }));
        slider.show_separator_line(false).show(ui, |ui| {
            self.slider_ui(ui, &steps, settings);
            self.options_ui(ui, view, settings);
        });
        self.note_ui(ui, view, settings);
        self.grid_ui(ui, view, settings);
        actions
    }

    fn grid_ui(&mut self, ui: &mut Ui, view: &RunView, settings: &SampleSettings) {
        let before = self.before(view);
        let Some(shown) = self.shown.filter(|step| self.cache.peek(*step).is_some()) else {
            return self.nothing_ui(ui, view);
        };
        let grid = self.cache.peek(shown).map(|image| image.picture.clone());
        let woven = grid
            .filter(|_| settings.nearest && !self.shows_live)
            .and_then(|grid| self.neighbours.woven(ui.ctx(), &grid));
        if let Some(woven) = woven {
            let names = nearest::names(view.classes());
            if let Some(pick) = woven.beside_ui(ui, &names, &[], None) {
                self.zoom = Some(Zoom::of(pick));
            }
            if let Some(zoom) = &mut self.zoom {
                let open = zoom.ui(ui, woven, &names, Shows::Grid, &[]);
                self.zoom.take_if(|_| !open);
            }
            return;
        }
        let filled: Vec<usize> = view.data().map_or(Vec::new(), |data| data.classes.iter().map(|c| c.images).collect());
        let mut real = std::mem::take(&mut self.real);
        let mut beside = None;
        if let (true, Real::There(image)) = (settings.real, &mut real) {
            beside = Some(Beside { image, filled: &filled, columns: REAL_COLUMNS });
        }
        let differs = settings.difference && !self.shows_live;
        if differs {
            self.differ(ui, before, shown);
        }
        let pair = before.map(|before| (before, shown));
        let different = self.difference.as_mut().filter(|(known, _)| differs && pair == Some(*known));
        let (image, shows) = match different {
            Some((_, image)) => (Some(image), Shows::Difference),
            None if self.shows_live => (self.live.get(shown), Shows::Live),
            None => (self.cache.get(shown), Shows::Grid),
        };
        if let Some(image) = image {
            if let Some(pick) = image.beside_ui(ui, view.classes(), &[], beside) {
                self.zoom = Some(Zoom::of(pick));
            }
            if let Some(zoom) = &mut self.zoom {
                let open = match (&real, zoom.pick.real) {
                    (Real::There(real), true) => zoom.ui(ui, real, view.classes(), Shows::Grid, &filled),
                    (Real::Unknown | Real::Asked | Real::Failed(_), true) => false,
                    (_, false) => zoom.ui(ui, image, view.classes(), shows, &[]),
                };
                self.zoom.take_if(|_| !open);
            }
        }
        self.real = real;
    }

    /// The step of the grid before the one on the screen.
    fn before(&self, view: &RunView) -> Option<usize> {
        let grids = view.grids();
        let at = grids.partition_point(|grid| Some(grid.step) < self.shown);
        Some(grids.get(at.checked_sub(1)?)?.step)
    }

    fn differ(&mut self, ui: &Ui, before: Option<usize>, shown: usize) {
        let Some(before) = before else { return };
        if self.difference.as_ref().is_some_and(|(known, _)| *known == (before, shown)) {
            return;
        }
        if let (Some(old), Some(new)) = (self.cache.peek(before), self.cache.peek(shown))
            && let Some(picture) = difference::between(&old.picture, &new.picture)
        {
            self.difference = Some(((before, shown), GridImage::new(ui.ctx(), picture)));
        }
    }

    fn head_ui(&mut self, ui: &mut Ui, view: &RunView) -> Actions {
        let mut actions = Actions::default();
        ui.horizontal(|ui| {
            let about =
                "The averaged generator, or the live one, on the same noise at every step, one row per class. Click an image to see its pixels";
            let narrow = ui.available_width() < NARROW_HEAD;
            if !narrow || self.shown.is_none() {
                widgets::title(ui, "Samples").on_hover_text(about);
            }
            if let Some(step) = self.shown {
                let color = widgets::palette(ui).muted;
                let text = format!("step {}", format::count(step));
                widgets::number(ui, if narrow { text } else { format!("{text:<14}") }, color).on_hover_text(about);
                if narrow {
                    // Nothing else fits beside the buttons.
                } else if let Some(text) = view.started().and_then(|started| stages::caption(&started.config, step)) {
                    widgets::small(ui, text)
                        .on_hover_text("What the networks were at this step: the size they drew, enlarged here, and how much labels counted");
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if narrow {
                    ui.spacing_mut().item_spacing.x = 4.0;
                }
                let export = ui.button("Export…");
                if export.on_hover_text("Images, the generator, animations, curves or a report, as files").clicked() {
                    actions.push(WindowAction::OpenExport);
                }
                let save = ui.add_enabled(self.shown().is_some(), Button::new("Save grid…"));
                if save.on_hover_text("Save this grid as PNG").clicked()
                    && let Some(picture) = self.shown()
                {
                    actions.push(Action::SaveGrid(picture.clone()));
                }
                let more = vec2(if narrow { 18.0 } else { theme::ROW_HEIGHT }, theme::ROW_HEIGHT);
                let more = glyph::button(ui, Glyph::Dots, more, true, "More about this step");
                let back = egui::Popup::menu(&more).show(|ui| self.back_ui(ui, view));
                actions.extend(back.and_then(|shown| shown.inner));
            });
        });
        actions
    }

    /// The way back to the checkpoint of the step on the screen.
    fn back_ui(&self, ui: &mut Ui, view: &RunView) -> Option<WindowAction> {
        let there = |step: &usize| view.checkpoints().iter().any(|checkpoint| checkpoint.step <= *step);
        let step = self.shown.filter(there);
        let back = ui.add_enabled(step.is_some() && !view.is_active(), Button::new("Go back to this step…"));
        let active = "Stop the run first";
        let reason = if view.is_active() { active } else { "No checkpoint is left of this step or before it" };
        let about = "Train on from the checkpoint of this step or before it, in a new session, with the settings as they were or others";
        back.on_hover_text(about).on_disabled_hover_text(reason).clicked().then_some(WindowAction::GoBack(step?))
    }

    /// What should be known about the grid on the screen, in a line above it.
    fn note_ui(&self, ui: &mut Ui, view: &RunView, settings: &SampleSettings) {
        let about = "Grids and scores are of a moving average of the generator's weights, which still holds much of the random weights that it began with. It shows what the generator has learnt once these have faded";
        let step = self.shown.filter(|_| settings.live);
        let live = step.and_then(|step| live::note(view, step, self.shows_live)).map(|text| (text, ""));
        let missing = || self.missing(view, settings).map(|text| (text, ""));
        let settling = || settling(view, self.shown?).map(|text| (text, about));
        let Some((text, about)) = live.or_else(missing).or_else(settling) else { return };
        let p = widgets::palette(ui);
        let text = RichText::new(text).small().color(if self.shows_live { p.muted } else { p.warning });
        let label = ui.add(Label::new(text).truncate());
        if !about.is_empty() {
            label.on_hover_text(about);
        }
    }

    /// Why the nearest real images are not shown beneath the grid, where they were asked for.
    fn missing(&self, view: &RunView, settings: &SampleSettings) -> Option<String> {
        let last = view.nearest().last().filter(|_| settings.nearest)?;
        let there = view.nearest().iter().any(|nearest| Some(nearest.step) == self.shown);
        (!there).then(|| format!("nearest real images at step {}", format::count(last.step)))
    }

    /// Finds the wanted grid among those at hand, or asks for it; until it comes, the one before stays. For differences the
    /// grid before it is wanted too, and while playing the one after it.
    fn load(&mut self, ui: &Ui, view: &RunView, settings: &SampleSettings) -> Option<Action> {
        let live = view.newest_grid().map(|picture| picture.step);
        let stored = view.grids().last().map(|grid| grid.step);
        let wanted = self.chosen.or(stored.max(live))?;
        if self.cache.peek(wanted).is_none()
            && live == Some(wanted)
            && let Some(picture) = view.newest_grid()
        {
            self.cache.keep(GridImage::new(ui.ctx(), picture.clone()));
        }
        if self.cache.peek(wanted).is_none() {
            return self.ask(view, wanted);
        }
        self.shown = Some(wanted);
        let after = view.grids().partition_point(|grid| grid.step <= wanted);
        let next = view.grids().get(after).map(|grid| grid.step).filter(|_| self.playing.is_some());
        let before = self.before(view).filter(|_| settings.difference);
        let missing = [before, next].into_iter().flatten().find(|step| self.cache.peek(*step).is_none());
        self.ask(view, missing?)
    }

    fn ask(&mut self, view: &RunView, step: usize) -> Option<Action> {
        let failed = self.failed.as_ref().is_some_and(|(failed, _)| *failed == step);
        if self.asked.is_some() || failed {
            return None;
        }
        let grid = view.grids().iter().find(|grid| grid.step == step)?.clone();
        self.asked = Some(step);
        self.read(view, grid)
    }

    fn load_real(&mut self, view: &RunView, settings: &SampleSettings) -> Option<Action> {
        // The reader takes one picture at a time.
        if !settings.real || self.asked.is_some() || !matches!(self.real, Real::Unknown) {
            return None;
        }
        self.real = Real::Asked;
        self.read(view, Grid { step: 0, file: REAL_IMAGES.to_owned() })
    }

    fn read(&self, view: &RunView, grid: Grid) -> Option<Action> {
        let columns = view.started()?.config.train.grid_columns;
        Some(Action::ReadGrid(GridRequest { folder: self.folder.clone(), grid, rows: view.classes().len(), columns }))
    }

    fn nothing_ui(&self, ui: &mut Ui, view: &RunView) {
        if let Some((step, message)) = &self.failed {
            return widgets::empty(ui, &format!("The grid of step {} cannot be shown", format::count(*step)), message);
        }
        let every = view.started().map_or(0, |started| started.config.train.grid_every);
        match (every, self.asked) {
            (_, Some(_)) => widgets::empty(ui, "Reading the grid…", ""),
            (0, None) if view.started().is_none() => {
                widgets::empty(ui, "No sample grids", "The run ended before its first step");
            }
            (0, None) => widgets::empty(ui, "No sample grids", "They are turned off in this run"),
            (every, None) => {
                let text = format!("The first comes at step {}, one row per class", format::count(every));
                widgets::empty(ui, "No sample grid yet", &text);
            }
        }
    }

    /// Opens the first image, or closes the one that is open.
    pub(super) fn toggle_zoom(&mut self) {
        self.zoom = match self.zoom.take() {
            Some(_) => None,
            None => Some(Zoom::of(Pick { row: 0, column: 0, real: false })),
        };
    }
}

/// What is left of the random start in the average, where that is enough to be seen.
fn settling(view: &RunView, step: usize) -> Option<String> {
    let config = &view.started()?.config;
    let left = config.optimizer.start_share(step, config.images_per_step());
    let other = if live::obstacle(view).is_none() { "; Live shows the generator itself" } else { "" };
    (left > SETTLED).then(|| format!("average still settling, {:.0} % start weights{other}", 100.0 * left))
}

/// Whether a picture that was asked for is of nearest real images, and not a grid.
fn view_of_nearest(ask: &GridRequest) -> bool {
    ask.grid.file.starts_with(NEAREST_BELOW)
}
