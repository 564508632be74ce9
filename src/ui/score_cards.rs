//! The scores of a run's newest scored step, with everything that is needed to read them.

use egui::{Align, Color32, Grid, Label, Layout, RichText, TextStyle, TextWrapMode, Ui, vec2};

use super::run_view::RunView;
use super::{format, widgets};
use crate::config::{Choice as _, Metric};
use crate::event::Score;

/// Height of a row.
const ROW: f32 = 20.0;

/// One card for each extractor (and for scores on pixels).
pub fn scores_ui(ui: &mut Ui, view: &RunView) {
    let Some(newest) = view.scores().last() else { return };
    let mut scores: Vec<&Score> = view.scores().iter().filter(|score| score.step == newest.step).collect();
    scores.sort_by_key(|score| (score.extractor.clone(), score.resize.clone()));
    for group in scores.chunk_by(|a, b| a.extractor == b.extractor && a.resize == b.resize) {
        let Some(first) = group.first() else { continue };
        widgets::card(ui, |ui| {
            ui.set_min_width(ui.available_width());
            widgets::title(ui, &format!("Scores at step {}", format::count(newest.step)));
            widgets::small(ui, provenance(first)).on_hover_text(
                "The network whose features are compared, how images are brought to its size, where the labels of fakes are from, and the seed of their noise. Scores compare only where all of these are the same.",
            );
            ui.add_space(4.0);
            table_ui(ui, ("scores", &first.extractor, &first.resize), group, view.classes());
        });
    }
    if let Some(scored) = view.scored() {
        let share = 100.0 * scored.share;
        widgets::small(
            ui,
            format!("Scores took {} in all, {share:.1} % of the run's time", format::duration(scored.total_seconds)),
        );
    }
}

/// What all scores of a card have in common.
fn provenance(score: &Score) -> String {
    let mut parts = vec![format::extractor(&score.judge())];
    if !score.resize.is_empty() {
        parts.push(format!("resize {}", score.resize));
    }
    if !score.labels.is_empty() {
        parts.push("labels as those of the real images".to_owned());
        parts.push(format!("seed {}", score.seed));
    }
    parts.join(", ")
}

/// The name of a column of scores, and what stands on hover.
const HEADS: [(&str, &str); 5] = [
    ("Score", "Hover over a name for its meaning"),
    ("Value", "A dot marks values to be read with care; hover over it for the reason"),
    ("Uncertainty", "The standard deviation over subsets or splits, or the 95 % interval"),
    ("Real images", "What real images score in place of the fakes"),
    ("N", "Real images and fakes looked at"),
];
/// Room between columns.
const APART: f32 = 12.0;
/// Room for the dot behind a value.
const DOT: f32 = 15.0;

/// Scores as a table, one below the other by their kind and class. Where it has no room for every column, what is known about a value
/// stands below its name, so that nothing is cut.
pub(super) fn table_ui(ui: &mut Ui, id: impl std::hash::Hash + std::fmt::Debug, scores: &[&Score], classes: &[String]) {
    let place = |class: &Option<String>| class.as_ref().map(|class| classes.iter().position(|name| name == class));
    let mut sorted = scores.to_vec();
    sorted.sort_by_key(|score| (Metric::named(&score.metric), place(&score.class)));
    let rows: Vec<Row<'_>> = sorted.into_iter().map(Row::of).collect();
    // Columns that say nothing take no room.
    let there: [bool; 5] = std::array::from_fn(|at| rows.iter().any(|row| !row.cells[at].is_empty()));
    let wide = |text: &str, style: TextStyle| {
        ui.painter().layout_no_wrap(text.to_owned(), style.resolve(ui.style()), Color32::WHITE).size().x
    };
    let widths: [f32; 5] = std::array::from_fn(|at| {
        let style = if at == 0 { TextStyle::Body } else { TextStyle::Monospace };
        let cells = rows.iter().map(|row| wide(&row.cells[at], style.clone())).fold(0.0, f32::max);
        cells.max(wide(HEADS[at].0, TextStyle::Small)) + if at == 1 { DOT } else { 0.0 }
    });
    let needed: f32 = (0..5).filter(|at| there[*at]).map(|at| widths[at] + APART).sum();
    ui.push_id(id, |ui| {
        ui.spacing_mut().item_spacing = vec2(APART, 3.0);
        if needed - APART <= ui.available_width() {
            return grid_ui(ui, &rows, there);
        }
        // The value and, where it is known, that of real images stay beside the name.
        let beside = widths[1] + APART + if there[3] { widths[3] + APART } else { 0.0 };
        let name = (ui.available_width() - beside).max(LEAST_NAME);
        let cell = |ui: &mut Ui, width: f32, contents: &mut dyn FnMut(&mut Ui)| {
            ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::left_to_right(Align::Min), |ui| {
                ui.set_width(width);
                contents(ui);
            });
        };
        let columns = [(0, name), (1, widths[1]), (3, widths[3])];
        let columns = || columns.into_iter().filter(move |(at, _)| there[*at]);
        ui.horizontal_top(|ui| {
            for (at, width) in columns() {
                cell(ui, width, &mut |ui| _ = widgets::small(ui, HEADS[at].0).on_hover_text(HEADS[at].1));
            }
        });
        for row in &rows {
            ui.horizontal_top(|ui| {
                for (at, width) in columns() {
                    cell(ui, width, &mut |ui| row.cell_ui(ui, at, TextWrapMode::Wrap));
                }
            });
            let more: Vec<&str> =
                [2, 4].into_iter().map(|at| row.cells[at].as_str()).filter(|text| !text.is_empty()).collect();
            let about = format!("{}; {}", HEADS[2].1, HEADS[4].1);
            widgets::small(ui, format!("    {}", more.join(",  N "))).on_hover_text(about);
        }
    });
}

/// The narrowest that a name may become before it is cut.
const LEAST_NAME: f32 = 90.0;

fn grid_ui(ui: &mut Ui, rows: &[Row<'_>], there: [bool; 5]) {
    Grid::new("table").min_row_height(ROW).spacing([APART, 3.0]).show(ui, |ui| {
        for ((name, about), _) in HEADS.into_iter().zip(there).filter(|(_, there)| *there) {
            widgets::small(ui, name).on_hover_text(about);
        }
        ui.end_row();
        for row in rows {
            (0..there.len()).filter(|at| there[*at]).for_each(|at| row.cell_ui(ui, at, TextWrapMode::Extend));
            ui.end_row();
        }
    });
}

/// A score as the table tells it, in the order of the columns.
struct Row<'a> {
    score: &'a Score,
    cells: [String; 5],
}

impl<'a> Row<'a> {
    fn of(score: &'a Score) -> Self {
        let name = match &score.class {
            Some(class) => format!("  {class}"),
            None => format::metric(&score.metric),
        };
        let sure = match (score.interval, score.spread) {
            (Some([low, high]), _) => format!("{} to {}", digits(low), digits(high)),
            (None, Some(spread)) => format!("\u{b1} {}", digits(spread)),
            (None, None) => String::new(),
        };
        let counts = match score.reals {
            Some(reals) if reals != score.samples => {
                format!("{} / {}", format::count(reals), format::count(score.samples))
            }
            Some(_) | None => format::count(score.samples),
        };
        let k = score.k.map(|k| format!(", k {k}")).unwrap_or_default();
        let baseline = score.baseline.map(digits).unwrap_or_default();
        Self { score, cells: [name, format!("{:>7}", digits(score.value)), sure, baseline, format!("{counts}{k}")] }
    }

    /// A cell; `wrap` is what becomes of a name that is longer than its column.
    fn cell_ui(&self, ui: &mut Ui, at: usize, wrap: TextWrapMode) {
        let p = widgets::palette(ui);
        let text = self.cells[at].as_str();
        match at {
            0 => {
                let color = if self.score.class.is_some() { p.muted } else { p.text };
                let about = Metric::named(&self.score.metric).map_or("", Metric::about);
                ui.add(Label::new(RichText::new(text).color(color)).wrap_mode(wrap)).on_hover_text(about);
            }
            1 => {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 8.0;
                    widgets::number(ui, text, p.strong);
                    if let Some(caution) = &self.score.caution {
                        widgets::dot(ui, p.warning).on_hover_text(caution);
                    }
                });
            }
            _ => {
                let drawn = widgets::number(ui, text, p.muted);
                if let Some(patients) = self.score.patients.filter(|_| at == 2) {
                    drawn.on_hover_text(format::of_patients(patients));
                }
            }
        }
    }
}

/// About four digits.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.3}"),
        _ => format!("{value:.5}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_any_size_keep_about_four_digits() {
        let shown = [1234.5, 123.45, 12.345, 0.98765, 0.0, -0.001_234].map(digits);
        assert_eq!(shown, ["1234", "123.5", "12.35", "0.988", "0.000", "-0.00123"]);
    }

    #[test]
    fn what_compares_is_told() {
        let mut score = Score { extractor: "efficientnet-lite0".to_owned(), ..Score::default() };
        assert_eq!(provenance(&score), format::extractor("efficientnet-lite0"));
        (score.resize, score.labels, score.seed) = ("clean".to_owned(), "of-reals".to_owned(), 3);
        assert!(provenance(&score).ends_with("resize clean, labels as those of the real images, seed 3"));
    }
}
