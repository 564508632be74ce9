//! The curves of a run, one chart below the other, with one axis of steps or of time and one cursor for all.

mod charts;
mod meaning;
mod meaning_ui;
mod scores;

use std::path::PathBuf;

use egui::{Align, Layout, Ui};

use super::action::Action;
use super::plot::{self, Ask, Chart, ChartSettings, Head, Keys, Look, View, chart_ui, head_ui, pins_ui, whole_ui};
use super::run_view::RunView;
use super::{theme, widgets};
use crate::chart::{Drawing, Mark};
use crate::event::Edited;
use charts::Of;
use scores::Scores;

/// The smallest height of a chart.
const LEAST_HEIGHT: f32 = theme::PLOT_HEIGHT + 82.0;
/// Below this width only what can be pressed is shown above the charts.
const NARROW: f32 = 340.0;
/// Width of the way back to the whole run.
const WHOLE: f32 = 90.0;

/// How the charts of a run are looked at, and what was made of its scores.
#[derive(Debug, Default)]
pub struct Charts {
    folder: PathBuf,
    view: View,
    scores: Scores,
}

/// What the charts asked for.
#[derive(Default)]
pub(super) struct Asked {
    pub actions: Vec<Action>,
    /// The step whose samples are wanted.
    pub go_to: Option<usize>,
}

impl Charts {
    /// Draws all charts. `smoothing` is the slider, from 0 to 1; `at` is the step whose samples are shown, where that is not
    /// the newest.
    #[must_use]
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        run: &RunView,
        smoothing: &mut f64,
        settings: &mut ChartSettings,
        at: Option<usize>,
    ) -> Asked {
        self.reset_for_run(run, settings.by_time);
        let (p, mut asked) = (widgets::palette(ui), Asked::default());
        // Taken out, so that the charts may borrow them while the rest changes.
        let scores = std::mem::take(&mut self.scores);
        let of = Of { p, view: run, scores: &scores };
        let all = of.charts(settings);
        let mut ask = ui.horizontal(|ui| self.head_ui(ui, (&all, &scores), smoothing, settings)).inner;
        let shown: Vec<&Chart<'_>> = all.iter().filter(|chart| !settings.hidden.contains(&chart.id)).collect();
        let clock = &run.curves().clock;
        let by_time = settings.by_time;
        let place = |step: f64| if by_time { clock.seconds(step) } else { step };
        let end = place(Drawing::steps(run.step()).1);
        let gap = theme::GAP - 2.0;
        if let Some(place) = pins_ui(ui, &mut self.view, &shown, true) {
            asked.go_to = Some(if by_time { clock.step(place) } else { place }.round() as usize);
        }
        let happened = marks(p, run, &place);
        let at_place = at.map(|step| place(step as f64));
        egui::ScrollArea::vertical().id_salt("charts").auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = gap;
            let room = ui.available_height();
            if settings.meaning {
                meaning_ui::meaning_ui(ui, run, at);
            }
            let count = shown.len().max(1) as f32;
            let width = ui.available_width();
            let keys: Vec<Keys> = shown.iter().map(|chart| plot::keys(ui, chart, width)).collect();
            let taken = gap * (count - 1.0) + keys.iter().map(Keys::height).sum::<f32>();
            let height = ((room - taken) / count).floor().max(LEAST_HEIGHT);
            let mut pointed = None;
            for (chart, keys) in shown.iter().zip(&keys) {
                let (view, marks, smoothing) = (&self.view, happened.as_slice(), *smoothing);
                let (at, cursor) = (at_place, view.cursor);
                let look = Look { view, settings: &*settings, end, smoothing, marks, at, cursor, lit: None };
                let mut outcome = chart_ui(ui, (chart, keys), height, &look);
                pointed = pointed.or(outcome.cursor);
                ask = ask.take().or(outcome.save.map(|format| Ask { charts: vec![chart.id.clone()], format }));
                self.view.obey(&chart.id, &mut outcome, settings);
            }
            self.view.cursor = pointed;
        });
        drop(shown);
        drop(all);
        if let Some(ask) = ask {
            let p = theme::palette(&egui::Visuals::light());
            let happened = marks(p, run, &place);
            let (view, marks, smoothing) = (&self.view, happened.as_slice(), *smoothing);
            let look = Look { view, settings: &*settings, end, smoothing, marks, at: None, cursor: None, lit: None };
            let saved = plot::save(p, &page(run), Of { p, ..of }.charts(settings), &look, &ask);
            asked.actions.push(Action::SaveFigure(Box::new(saved)));
        }
        self.scores = scores;
        asked
    }

    fn head_ui(
        &mut self,
        ui: &mut Ui,
        (charts, scores): (&[Chart<'_>], &Scores),
        smoothing: &mut f64,
        settings: &mut ChartSettings,
    ) -> Option<Ask> {
        let narrow = ui.available_width() < if self.view.is_zoomed() { NARROW + WHOLE } else { NARROW };
        if !narrow {
            widgets::title(ui, "Curves");
        }
        whole_ui(ui, &mut self.view);
        let right = Layout::right_to_left(Align::Center);
        ui.with_layout(right, |ui| {
            if !narrow {
                let color = widgets::palette(ui).muted;
                widgets::number(ui, format!("{smoothing:.2}"), color);
            }
            let (classes, slider) = (Some(scores.has_classes()), if narrow { 40.0 } else { 76.0 });
            let ask = head_ui(ui, &Head { charts, classes, axis: true, slider }, smoothing, settings);
            let about = "What the present losses of this run mean, in words";
            widgets::toggle(ui, &mut settings.meaning, "Meaning").on_hover_text(about);
            ask
        })
        .inner
    }

    /// Another run starts with nothing pinned and nothing zoomed.
    fn reset_for_run(&mut self, run: &RunView, by_time: bool) {
        if self.folder != run.folder() {
            *self = Self { folder: run.folder().to_owned(), ..Self::default() };
        }
        self.scores.refresh(run);
        let clock = &run.curves().clock;
        self.view.turn_to(by_time, |pin| Some(if by_time { clock.seconds(pin) } else { clock.step(pin).round() }));
    }

    /// Shows all steps and values again.
    pub(super) fn show_all(&mut self) {
        self.view.show_all();
    }

    /// Pins a step, or takes out the pin that is there.
    pub(super) fn pin(&mut self, run: &RunView, step: usize) {
        let place = if self.view.by_time { run.curves().clock.seconds(step as f64) } else { step as f64 };
        self.view.pin(place);
    }
}

/// What a saved chart of a run is called, and what its table begins with.
fn page(run: &RunView) -> plot::Page<'static> {
    let mut head = vec![("session", run.name()), ("step", run.step().to_string())];
    head.extend(run.started().map(|started| ("seed", started.config.train.seed.to_string())));
    plot::Page { name: ("", format!("-step{:07}", run.step())), head, compared: false }
}

/// Alarms, edits and stages of a run.
fn marks(p: &theme::Palette, run: &RunView, place: &dyn Fn(f64) -> f64) -> Vec<Mark> {
    let mark = |step: usize, color: egui::Color32, dash| Mark {
        dash,
        ..Mark::new(place(step as f64), color.to_srgba_unmultiplied())
    };
    let told = |edited: &Edited| edited.changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut named = None;
    // The first begins with the run.
    let stages = run.stages().iter().filter(|stage| stage.step > 0).map(|stage| {
        let new = named.replace(stage.resolution) != Some(stage.resolution);
        let label = if new { format!("{} px", stage.resolution) } else { String::new() };
        Mark { label, ..mark(stage.step, p.muted.gamma_multiply(0.5), if stage.fading { 2.0 } else { 0.0 }) }
    });
    let mut marks: Vec<Mark> = stages.collect();
    marks.extend(run.alarms().iter().map(|entry| mark(entry.alarm.step, p.warning, 4.0)));
    marks.extend(
        run.edits()
            .iter()
            .map(|edited| Mark { about: format!("then changed {}", told(edited)), ..mark(edited.step, p.accent, 4.0) }),
    );
    marks
}
