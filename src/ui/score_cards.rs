//! The scores of a run's newest scored step, with everything that is needed to read them.

use egui::{Grid, Ui};

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
            card_ui(ui, group, view.classes());
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

fn card_ui(ui: &mut Ui, group: &[&Score], classes: &[String]) {
    let Some(first) = group.first() else { return };
    let place = |class: &Option<String>| class.as_ref().map(|class| classes.iter().position(|name| name == class));
    let mut rows = group.to_vec();
    rows.sort_by_key(|score| (Metric::named(&score.metric), place(&score.class)));
    let id = ("scores", &first.extractor, &first.resize);
    // Columns that say nothing take no room.
    let shown = Shown {
        sure: rows.iter().any(|score| score.interval.is_some() || score.spread.is_some()),
        baseline: rows.iter().any(|score| score.baseline.is_some()),
    };
    egui::ScrollArea::horizontal().id_salt(id).show(ui, |ui| {
        Grid::new(id).min_row_height(ROW).spacing([12.0, 3.0]).show(ui, |ui| {
            for (name, about, there) in [
                ("Score", "Hover over a name for its meaning", true),
                ("Value", "A dot marks values to be read with care; hover over it for the reason", true),
                ("Uncertainty", "The standard deviation over subsets or splits, or the 95 % interval", shown.sure),
                ("Real images", "What real images score in place of the fakes", shown.baseline),
                ("N", "Real images and fakes looked at", true),
            ] {
                if there {
                    widgets::small(ui, name).on_hover_text(about);
                }
            }
            ui.end_row();
            for score in rows {
                score_row(ui, score, shown);
            }
        });
    });
}

/// Which columns have something to say.
#[derive(Clone, Copy)]
struct Shown {
    sure: bool,
    baseline: bool,
}

fn score_row(ui: &mut Ui, score: &Score, shown: Shown) {
    let p = widgets::palette(ui);
    let about = Metric::named(&score.metric).map_or("", Metric::about);
    match &score.class {
        Some(class) => widgets::muted(ui, format!("  {class}")).on_hover_text(about),
        None => ui.label(format::metric(&score.metric)).on_hover_text(about),
    };
    ui.horizontal(|ui| {
        widgets::number(ui, format!("{:>7}", digits(score.value)), p.strong);
        if let Some(caution) = &score.caution {
            widgets::dot(ui, p.warning).on_hover_text(caution);
        }
    });
    let sure = match (score.interval, score.spread) {
        (Some([low, high]), _) => format!("{} to {}", digits(low), digits(high)),
        (None, Some(spread)) => format!("\u{b1} {}", digits(spread)),
        (None, None) => String::new(),
    };
    if shown.sure {
        let drawn = widgets::number(ui, sure, p.muted);
        if let Some(patients) = score.patients {
            drawn.on_hover_text(format::of_patients(patients));
        }
    }
    if shown.baseline {
        widgets::number(ui, score.baseline.map(digits).unwrap_or_default(), p.muted);
    }
    let counts = match score.reals {
        Some(reals) if reals != score.samples => {
            format!("{} / {}", format::count(reals), format::count(score.samples))
        }
        Some(_) | None => format::count(score.samples),
    };
    let k = score.k.map(|k| format!(", k {k}")).unwrap_or_default();
    widgets::number(ui, format!("{counts}{k}"), p.muted);
    ui.end_row();
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
