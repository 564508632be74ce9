//! Curves and scores as comma-separated tables (RFC 4180), below lines with `#` that tell where they come from.

use super::source::Source;
use crate::event::{Event, Scalar};
use crate::guard::{csv_cell, csv_remark};

/// `curves-step<N>.csv`, one line a step, and `scores-step<N>.csv`, one line a score.
pub(super) fn files(source: &Source) -> Vec<(String, Vec<u8>)> {
    let head = head(source);
    let columns: Vec<&str> = Scalar::ALL.iter().map(|number| number.info().key).collect();
    let mut curves = head.clone() + &format!("step,seconds,{}\n", columns.join(","));
    let mut scores = head
        + "step,metric,extractor,class,samples,value,seconds,resize,reals,k,spread,interval_low,interval_high,of_reals,trained_on\n";
    for event in &source.history {
        if let Event::Step(s) = event {
            let values: Vec<String> = Scalar::ALL.iter().map(|number| optional(s.numbers.get(*number))).collect();
            curves += &format!("{},{},{}\n", s.step, s.seconds, values.join(","));
        }
        if let Event::Score(s) = event {
            let class = s.class.as_deref().map(csv_cell).unwrap_or_default();
            let (metric, extractor) = (csv_cell(&s.metric), csv_cell(&s.extractor));
            let interval = s.interval.map(|[low, high]| (Some(low), Some(high))).unwrap_or_default();
            scores += &format!(
                "{},{metric},{extractor},{class},{},{},{},{},{},{},{},{},{},{},{}\n",
                s.step,
                s.samples,
                s.value,
                s.seconds,
                csv_cell(&s.resize),
                optional(s.reals),
                optional(s.k),
                optional(s.spread),
                optional(interval.0),
                optional(interval.1),
                optional(s.baseline),
                s.trained_on
            );
        }
    }
    let name = |what: &str| format!("{what}-step{:07}.csv", source.step);
    vec![(name("curves"), curves.into_bytes()), (name("scores"), scores.into_bytes())]
}

/// A number that is not always told.
fn optional(value: Option<impl ToString>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn head(source: &Source) -> String {
    format!(
        "# session: {}\n# seed: {}\n# step: {}\n# classes: {}\n# written by: gandle {}\n",
        csv_remark(&source.name),
        source.config().train.seed,
        source.step,
        csv_remark(&source.started.classes.join(", ")),
        env!("CARGO_PKG_VERSION")
    )
}
