//! The numbers that charts are drawn from, as comma-separated lines (RFC 4180) below lines with `#` that tell where they
//! come from.

use std::fmt::Write as _;

use super::{Chart, Points};
use crate::guard::{csv_cell, csv_remark};

/// One line a place, one column a curve; what was not told at a place is left empty. `head` are names and what they stand for.
pub(super) fn csv(head: &[(&str, String)], axis: &str, charts: &[Chart<'_>]) -> String {
    let mut out: String = head.iter().map(|(name, text)| format!("# {name}: {}\n", csv_remark(text))).collect();
    out += axis;
    let curves = charts.iter().flat_map(|chart| chart.curves.iter().map(move |curve| (chart, curve)));
    let columns: Vec<(String, Points<'_>)> =
        curves.flat_map(|(chart, curve)| curve.source.table(&format!("{}: {}", chart.title, curve.name))).collect();
    for (name, _) in &columns {
        out += &format!(",{}", csv_cell(name));
    }
    out.push('\n');
    let mut columns: Vec<_> = columns.into_iter().map(|(_, points)| points.peekable()).collect();
    while let Some(place) = next(&mut columns) {
        write!(out, "{place}").ok();
        for column in &mut columns {
            // A step that was told twice counts as it was told last.
            let mut told = None;
            while let Some((_, value)) = column.next_if(|(at, _)| *at <= place) {
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

/// The first place that is still to be written.
fn next(columns: &mut [std::iter::Peekable<Points<'_>>]) -> Option<f64> {
    columns.iter_mut().filter_map(|column| column.peek().map(|(place, _)| *place)).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::super::{Line, Steps};
    use super::*;
    use crate::chart::Series;
    use crate::event::Form;

    #[test]
    fn curves_of_other_steps_share_the_lines() {
        let (mut every, mut second) = (Series::default(), Series::default());
        for step in 1..=4 {
            every.push(step, step as f32 * 0.5);
        }
        second.push(2, 9.0);
        second.push(4, 7.0);
        let curve = |name: &'static str, series| {
            Line::new(name, egui::Color32::RED, Steps { series, clock: None, marked: false })
        };
        let curves = vec![curve("a", &every), curve("b", &second)];
        let chart = Chart::new("", "Scores, all", "", Form::Scalar, curves);
        let text = csv(&[("session", "night".to_owned()), ("step", "0".to_owned())], "step", &[chart]);
        let want =
            "# session: night\n# step: 0\nstep,\"Scores, all: a\",\"Scores, all: b\"\n1,0.5,\n2,1,9\n3,1.5,\n4,2,7\n";
        assert_eq!(text, want);
    }
}
