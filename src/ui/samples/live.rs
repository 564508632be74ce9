//! The sample grid as the live generator draws it, in the place of the average's.

use egui::{Context, Ui};

use super::super::action::Action;
use super::super::grid_image::GridImage;
use super::super::run_view::RunView;
use super::super::{format, widgets};
use super::cache::Cache;
use crate::event::{Command, Grid, GridPicture};
use crate::summary::Phase;

/// The grids of the live generator that were read.
#[derive(Default)]
pub(super) struct LiveGrids {
    cache: Cache,
    asked: Option<usize>,
    failed: Option<usize>,
}

impl LiveGrids {
    /// Takes in one that was asked for.
    pub fn take(&mut self, ctx: &Context, step: usize, result: Result<GridPicture, String>) {
        self.asked = None;
        match result {
            Ok(picture) => self.cache.keep(GridImage::new(ctx, picture)),
            Err(message) => {
                tracing::warn!("the live generator's grid of step {step} cannot be shown: {message}");
                self.failed = Some(step);
            }
        }
    }

    /// That of a step to be read, where the run stored one.
    pub fn want(&mut self, view: &RunView, step: usize) -> Option<Grid> {
        if self.peek(step).is_some() || self.asked.is_some() || self.failed == Some(step) {
            return None;
        }
        let file = view.live_grids().iter().find(|grid| grid.step == step)?.file.clone();
        self.asked = Some(step);
        Some(Grid { step, file })
    }

    /// That of a step, once it is read.
    pub fn get(&mut self, step: usize) -> Option<&mut GridImage> {
        self.cache.get(step)
    }

    /// The same, looked at in passing.
    pub fn peek(&self, step: usize) -> Option<&GridImage> {
        self.cache.peek(step)
    }
}

/// What is to be said of the live generator's grids at a step while they are asked for.
pub(super) fn note(view: &RunView, step: usize, shows_live: bool) -> Option<String> {
    if shows_live {
        return Some("live generator, not averaged".to_owned());
    }
    match view.live_grids().first() {
        Some(first) if step < first.step => {
            Some(format!("live generator from step {} on; this is the average", format::count(first.step)))
        }
        Some(_) => Some("no grid of the live generator at this step; this is the average".to_owned()),
        None if obstacle(view).is_some() => None,
        None => {
            let every = view.started().map_or(1, |started| started.config.train.grid_every).max(1);
            let next = format::count((view.step() / every + 1) * every);
            Some(format!("live generator from step {next} on; this is the average"))
        }
    }
}

pub(super) fn option_ui(ui: &mut Ui, view: &RunView, live: &mut bool) {
    let about = "The generator as it is at this step, not its moving average. From when this is switched on, the run stores each grid both ways; training is the same either way (L)";
    let obstacle = obstacle(view);
    widgets::toggle_if(ui, obstacle.is_none(), live, "Live")
        .on_hover_text(about)
        .on_disabled_hover_text(obstacle.unwrap_or_default());
}

/// Asks the run that goes on to store the live generator's grids too, or not any more, where that is not as it was asked last.
pub(in crate::ui) fn ask(run: Option<&RunView>, on: bool) -> Option<Action> {
    let run = run.filter(|run| matches!(run.phase(), Phase::Running | Phase::Paused) && run.started().is_some())?;
    (run.draws_live() != on).then_some(Action::Command(Command::DrawLive(on)))
}

/// Why the live generator's grids cannot be looked at; nothing where they can, now or from the next grid on.
pub(in crate::ui) fn obstacle(view: &RunView) -> Option<&'static str> {
    let config = view.started().map(|started| &started.config);
    if config.is_some_and(|config| !config.optimizer.averages()) {
        return Some("This run averages no weights: its grids are of the live generator");
    }
    if !view.live_grids().is_empty() {
        return None;
    }
    if config.is_some_and(|config| config.train.grid_every == 0) {
        return Some("Sample grids are turned off in this run");
    }
    if view.is_followed() {
        return Some("Another program trains this run, and stores the averaged generator's grids alone");
    }
    let text = "This run stored the averaged generator's grids alone. Switch Live on while a run trains";
    (!view.is_active()).then_some(text)
}
