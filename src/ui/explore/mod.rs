//! The Explore page: what a checkpoint's generator draws from one noise to another, from a class to another, and around a seed.

mod controls;
mod picture;
mod shown;

use std::path::PathBuf;

use egui::{Ui, vec2};
use serde::{Deserialize, Serialize};

use super::action::{Action, Actions};
use super::run_view::RunView;
use super::{format, theme, widgets};
use crate::event::{Exploration, GridPicture, View};
use shown::Shown;

/// The last of the images that may be drawn with one seed.
const MOST_NUMBER: usize = 999_999;

/// A noise that is worth coming back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSeed {
    /// The session's folder.
    pub session: PathBuf,
    /// The class.
    pub class: usize,
    /// The seed.
    pub seed: u64,
    /// Which of the images that are drawn with that seed.
    #[serde(default)]
    pub number: usize,
}

/// One image of a run, and how it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    /// Steps of the checkpoint.
    pub step: usize,
    /// The name of the class.
    pub class: String,
    /// The seed.
    pub seed: u64,
    /// Which of the images that are drawn with that seed.
    pub number: usize,
    /// Where its noise is truncated; 0 for nowhere.
    pub truncation: f32,
}

/// What kind of view is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Seeds,
    Walk,
    Morph,
    Map,
}

impl Kind {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Seeds, "Seeds", "One image for each seed: find one to begin with"),
        (Self::Walk, "Walk", "From the noise of one seed to that of another, on the sphere that noise lies on"),
        (Self::Morph, "Morph", "The same noise on the way from one class to another"),
        (Self::Map, "Map", "Two directions of the noise around a seed, to be walked with the arrow keys"),
    ];
}

/// Width of the controls.
const CONTROLS: f32 = 312.0;
/// Images of a walk.
const WALK: usize = 24;
/// Images of a row of a morph.
const MORPH: usize = 9;

/// The page.
pub struct Explore {
    folder: PathBuf,
    step: Option<usize>,
    kind: Kind,
    class: usize,
    to_class: usize,
    seed: u64,
    to_seed: u64,
    number: usize,
    directions: [u64; 2],
    centre: [f32; 2],
    degrees: f32,
    side: usize,
    rows: usize,
    truncated: bool,
    truncation: f32,
    asked: Option<Exploration>,
    shown: Option<Shown>,
    failed: Option<(Exploration, String)>,
    /// The image of a walk that is shown large, and whether it moves by itself.
    frame: f64,
    playing: bool,
}

impl Default for Explore {
    fn default() -> Self {
        Self {
            folder: PathBuf::new(),
            step: None,
            kind: Kind::Seeds,
            class: 0,
            to_class: 1,
            seed: 1,
            to_seed: 2,
            number: 0,
            directions: [101, 102],
            centre: [0.0; 2],
            degrees: 12.0,
            side: 7,
            rows: 4,
            truncated: false,
            truncation: 1.0,
            asked: None,
            shown: None,
            failed: None,
            frame: 0.0,
            playing: false,
        }
    }
}

impl Explore {
    /// Takes in a picture that was asked for.
    pub fn take(&mut self, ctx: &egui::Context, of: Exploration, drawn: Result<GridPicture, String>) {
        if of.session != self.folder {
            return;
        }
        match drawn {
            Ok(picture) => self.shown = Some(Shown::new(ctx, of, picture)),
            Err(message) => self.failed = Some((of, message)),
        }
    }

    /// Turns to one image of a run, as the first of those that its seed and the following ones draw.
    ///
    /// # Errors
    /// Where the run has no such class or checkpoint any more, in words; then nothing is turned to.
    pub fn turn_to(&mut self, run: &RunView, spot: &Spot) -> Result<(), String> {
        let class = run.classes().iter().position(|name| *name == spot.class);
        let class = class.ok_or_else(|| format!("the session has no class \u{201c}{}\u{201d}", spot.class))?;
        if !run.checkpoints().iter().any(|checkpoint| checkpoint.step == spot.step) {
            return Err(format!("its checkpoint of step {} is not there any more", format::count(spot.step)));
        }
        *self = Self {
            folder: run.folder().to_owned(),
            step: Some(spot.step),
            class,
            seed: spot.seed,
            number: spot.number.min(MOST_NUMBER),
            truncated: spot.truncation > 0.0,
            truncation: if spot.truncation > 0.0 { spot.truncation } else { 1.0 },
            ..Self::default()
        };
        Ok(())
    }

    /// Draws the page.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, run: Option<&RunView>, kept: &mut Vec<KeptSeed>) -> Actions {
        let Some(run) = run.filter(|run| !run.checkpoints().is_empty()) else {
            let text = "Walks, morphs and maps are drawn from a checkpoint: train a run, or open a session";
            widgets::empty(ui, "Nothing to explore yet", text);
            return Actions::default();
        };
        if self.folder != run.folder() {
            *self = Self { folder: run.folder().to_owned(), ..Self::default() };
        }
        let classes = run.classes();
        self.class = self.class.min(classes.len().saturating_sub(1));
        self.to_class = self.to_class.min(classes.len().saturating_sub(1));
        let mut actions = Actions::default();
        let room = ui.available_size();
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP;
            widgets::column(ui, "explore-controls", CONTROLS, |ui| actions.join(self.controls_ui(ui, run, kept)));
            let size = vec2(room.x - CONTROLS - theme::GAP, room.y);
            let layout = egui::Layout::top_down(egui::Align::Min);
            ui.allocate_ui_with_layout(size, layout, |ui| actions.extend(self.picture_ui(ui, run, kept)));
        });
        self.keys(ui);
        actions.extend(self.ask(run));
        actions
    }

    /// Asks for the picture that the controls describe, once.
    fn ask(&mut self, run: &RunView) -> Option<Action> {
        let newest = run.checkpoints().iter().map(|checkpoint| checkpoint.step).max()?;
        let there = |step: &usize| run.checkpoints().iter().any(|checkpoint| checkpoint.step == *step);
        let step = self.step.filter(there).unwrap_or(newest);
        let truncation = if self.truncated { self.truncation } else { 0.0 };
        let wanted =
            Exploration { session: self.folder.clone(), step, truncation, number: self.number, view: self.view() };
        if self.asked.as_ref() == Some(&wanted) {
            return None;
        }
        self.failed = None;
        self.asked = Some(wanted.clone());
        Some(Action::Explore(wanted))
    }

    fn view(&self) -> View {
        let class = self.class;
        match self.kind {
            Kind::Seeds => View::Seeds { class, first: self.seed, count: self.side * self.side },
            Kind::Walk => View::Walk { class, from: self.seed, to: self.to_seed, count: WALK },
            Kind::Morph => {
                View::Morph { from: class, to: self.to_class, first: self.seed, rows: self.rows, count: MORPH }
            }
            Kind::Map => View::Map {
                class,
                seed: self.seed,
                directions: self.directions,
                centre: self.centre,
                step: self.degrees,
                side: self.side,
            },
        }
    }

    /// The arrow keys move the map.
    fn keys(&mut self, ui: &Ui) {
        if self.kind != Kind::Map || ui.ctx().egui_wants_keyboard_input() {
            return;
        }
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let moves = [
            (egui::Key::ArrowRight, [1.0, 0.0]),
            (egui::Key::ArrowLeft, [-1.0, 0.0]),
            (egui::Key::ArrowUp, [0.0, 1.0]),
            (egui::Key::ArrowDown, [0.0, -1.0]),
        ];
        for (key, by) in moves {
            if pressed(key) {
                self.shift(by);
            }
        }
    }

    fn shift(&mut self, by: [f32; 2]) {
        for (at, by) in self.centre.iter_mut().zip(by) {
            *at += by * self.degrees;
        }
    }
}
