//! The numbers that charts are drawn from, as comma-separated lines (RFC 4180) below lines with `#` that tell where they
//! come from.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::run_view::RunView;
use super::charts::{Chart, Curve};
use crate::guard::{csv_cell, csv_remark};

/// One line a step, one column a curve; what was not told at a step is left empty.
pub(super) fn csv(view: &RunView, charts: &[Chart<'_>]) -> String {
    let mut out = format!("# session: {}\n# step: {}\n", csv_remark(&view.name()), view.step());
    if let Some(started) = view.started() {
        out += &format!("# seed: {}\n", started.config.train.seed);
    }
    out += "step";
    let curves: Vec<(&Chart<'_>, &Curve<'_>)> =
        charts.iter().flat_map(|chart| chart.curves.iter().map(move |curve| (chart, curve))).collect();
    for (chart, curve) in &curves {
        out += &format!(",{}", csv_cell(&format!("{}: {}", chart.title, curve.name)));
    }
    out.push('\n');
    let steps: BTreeSet<usize> =
        curves.iter().flat_map(|(_, curve)| curve.series.points().map(|(step, _)| step)).collect();
    let mut columns: Vec<_> = curves.iter().map(|(_, curve)| curve.series.points().peekable()).collect();
    for step in steps {
        write!(out, "{step}").ok();
        for column in &mut columns {
            // A step that was told twice counts as it was told last.
            let mut told = None;
            while let Some((_, value)) = column.next_if(|(at, _)| *at == step) {
                told = Some(value);
            }
            match told {
                Some(value) => write!(out, ",{value}").ok(),
                None => write!(out, ",").ok(),
            };
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::format;
    use super::super::super::series::Series;
    use super::*;

    #[test]
    fn curves_of_other_steps_share_the_lines() {
        let (mut every, mut second) = (Series::default(), Series::default());
        for step in 1..=4 {
            every.push(step, step as f32 * 0.5);
        }
        second.push(2, 9.0);
        second.push(4, 7.0);
        let curve = |name, series| Curve { name, color: egui::Color32::RED, series, marked: false, faint: false };
        let chart = Chart {
            id: String::new(),
            title: "Scores, all".to_owned(),
            about: "",
            curves: vec![curve("a", &every), curve("b", &second)],
            write: format::tick,
            tick: format::tick,
            smoothed: false,
            note: String::new(),
            empty: String::new(),
        };
        let text = csv(&RunView::new("sessions/night".into()), &[chart]);
        let want =
            "# session: night\n# step: 0\nstep,\"Scores, all: a\",\"Scores, all: b\"\n1,0.5,\n2,1,9\n3,1.5,\n4,2,7\n";
        assert_eq!(text, want);
    }
}
