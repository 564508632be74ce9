//! The curves of the chosen runs over each other.

use std::path::PathBuf;

use egui::{Align, Layout, ScrollArea, Ui, vec2};

use super::super::action::Action;
use super::super::plot::{self, Ask, Chart, ChartSettings, Head, Keys, Look, View, chart_ui, pins_ui};
use super::super::{theme, widgets};
use super::lines::{Drawn, What, drawn};
use super::{Compare, CompareSettings, ComparedRun};
use crate::chart::Drawing;
use crate::event::Scalar;

/// The least height and width of a chart.
pub(super) const CHART: egui::Vec2 = vec2(330.0, 150.0);

/// Width by height of a chart that reads well.
const ASPECT: f32 = 1.8;

/// What the charts of the page are looked at with.
pub(super) struct Looking<'a> {
    pub charts: &'a mut ChartSettings,
    smoothing: &'a mut f64,
    /// The place of the last step of any run.
    end: f64,
    /// The place under the pointer, for the next frame.
    cursor: Option<f64>,
    /// What is to be saved.
    ask: Option<Ask>,
}

impl<'a> Looking<'a> {
    pub fn new(
        runs: &[(usize, &ComparedRun)],
        settings: &CompareSettings,
        (charts, smoothing): (&'a mut ChartSettings, &'a mut f64),
    ) -> Self {
        let last = |(_, run): &(usize, &ComparedRun)| {
            if settings.by_time { run.clock.seconds(run.step as f64) } else { Drawing::steps(run.step).1 }
        };
        let end = runs.iter().map(last).fold(1.0, f64::max);
        Self { charts, smoothing, end, cursor: None, ask: None }
    }

    /// One chart of the page.
    pub fn chart_ui(&mut self, ui: &mut Ui, view: &mut View, (chart, keys): (&Chart<'_>, &Keys), height: f32) {
        let mut outcome = chart_ui(ui, (chart, keys), height, &self.look(view));
        self.cursor = self.cursor.or(outcome.cursor);
        let one = |format| Ask { charts: vec![chart.id.clone()], format };
        self.ask = self.ask.take().or(outcome.save.map(one));
        view.obey(&chart.id, &mut outcome, self.charts);
    }

    fn look<'b>(&'b self, view: &'b View) -> Look<'b> {
        let (settings, smoothing, cursor) = (&*self.charts, *self.smoothing, view.cursor);
        Look { view, settings, end: self.end, smoothing, marks: &[], at: None, cursor, lit: None }
    }

    /// Menu, slider, and the way back to everything.
    pub fn head_ui(&mut self, ui: &mut Ui, view: &mut View, charts: &[Chart<'_>]) {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let head = Head { charts, classes: None, axis: false, slider: 76.0 };
            self.ask = plot::head_ui(ui, &head, self.smoothing, self.charts);
            plot::whole_ui(ui, view);
        });
    }

    /// Saves what was asked for, and remembers where the pointer is.
    pub fn finish(self, view: &mut View, runs: &[(usize, &ComparedRun)], charts: Vec<Chart<'_>>) -> Vec<Action> {
        view.cursor = self.cursor;
        let Some(ask) = &self.ask else { return Vec::new() };
        let names: Vec<String> = runs.iter().map(|(_, run)| run.name()).collect();
        let head = vec![("sessions", names.join(", "))];
        let page = plot::Page { name: ("compared-", String::new()), head, compared: true };
        let p = theme::palette(&egui::Visuals::light());
        vec![Action::SaveFigure(Box::new(plot::save(p, &page, charts, &self.look(view), ask)))]
    }
}

impl Compare {
    /// Draws the curves; returns the colours of the runs beside what is asked for.
    pub(super) fn curves_ui(
        &self,
        ui: &mut Ui,
        view: &mut View,
        settings: &CompareSettings,
        look: (&mut ChartSettings, &mut f64),
    ) -> (Vec<Action>, Shared) {
        let runs = self.runs();
        let groups = drawn(&runs, &settings.grouping);
        let chart = |number: &Scalar| {
            let (info, of) = (number.info(), groups.len());
            let chart = info.chart.info();
            let curves = groups.iter().map(|group| group.line(What::Scalar(*number), settings, of)).collect();
            let id = format!("compared {}", info.key);
            Chart { smoothed: chart.noisy, ..Chart::new(&id, info.title, chart.about, chart.form, curves) }
        };
        let told = Scalar::ALL.iter().filter(|number| runs.iter().any(|(_, run)| run.has(**number)));
        let all: Vec<Chart<'_>> = told.map(chart).collect();
        let mut actions = Vec::new();
        if all.is_empty() {
            widgets::empty(ui, "No curves yet", "They begin with the first step of training");
        } else {
            let mut looking = Looking::new(&runs, settings, look);
            ui.horizontal(|ui| looking.head_ui(ui, view, &all));
            let hidden = &looking.charts.hidden;
            let shown: Vec<&Chart<'_>> = all.iter().filter(|chart| !hidden.contains(&chart.id)).collect();
            // The same with pins and without: a row of pins that comes must not move charts to other rows.
            let height = ui.available_height();
            pins_ui(ui, view, &shown, false);
            ScrollArea::vertical().auto_shrink(false).id_salt("compare-curves").show(ui, |ui| {
                let size = tiled(vec2(ui.available_width(), height), shown.len());
                ui.spacing_mut().item_spacing = vec2(theme::GAP, theme::GAP);
                ui.horizontal_wrapped(|ui| {
                    for chart in &shown {
                        ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
                            ui.set_width(size.x);
                            let keys = plot::keys(ui, chart, size.x);
                            let height = size.y - keys.height();
                            looking.chart_ui(ui, view, (chart, &keys), height);
                        });
                    }
                });
            });
            actions = looking.finish(view, &runs, all);
        }
        (actions, shared(&groups))
    }
}

/// Runs with the numbers of the colours of their groups.
pub(super) type Shared = Vec<(PathBuf, usize)>;

/// The colours of the runs in their groups.
pub(super) fn shared(groups: &[Drawn<'_>]) -> Shared {
    let of = |group: &Drawn<'_>| group.runs.iter().map(|run| (run.folder.clone(), group.slot)).collect::<Vec<_>>();
    groups.iter().flat_map(of).collect()
}

/// As many charts beside each other as come nearest to a shape in which curves read well, with few places left empty.
fn tiled(room: egui::Vec2, count: usize) -> egui::Vec2 {
    let most = (((room.x + theme::GAP) / (CHART.x + theme::GAP)) as usize).clamp(1, count.max(1));
    let size = |across: usize| {
        let down = count.div_ceil(across) as f32;
        let width = ((room.x - theme::GAP * (across - 1) as f32) / across as f32).floor();
        let height = ((room.y - theme::GAP * (down - 1.0)) / down).floor();
        vec2(width, height.max(CHART.y))
    };
    let off = |across: &usize| {
        let (size, holes) = (size(*across), count.div_ceil(*across) * across - count);
        (size.x / size.y / ASPECT).ln().abs() + holes as f32 / count.max(1) as f32
    };
    (1..=most).min_by(|a, b| off(a).total_cmp(&off(b))).map_or(CHART, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_stand_in_rows_that_suit_the_room() {
        let across = |room: egui::Vec2, count| {
            let size = tiled(room, count);
            ((room.x + theme::GAP) / (size.x + theme::GAP)).round()
        };
        assert_eq!(across(vec2(2180.0, 700.0), 6), 3.0, "six in one row would be narrow");
        assert_eq!(across(vec2(880.0, 300.0), 6), 2.0);
        assert_eq!(across(vec2(2180.0, 700.0), 1), 1.0);
        assert_eq!(across(vec2(200.0, 100.0), 4), 1.0);
        assert!(tiled(vec2(880.0, 300.0), 6).y >= CHART.y);
    }
}
