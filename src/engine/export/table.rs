//! Curves and scores as comma-separated tables (RFC 4180), below lines with `#` that tell where they come from.

use super::Source;
use crate::event::{Event, Number};

/// `curves-step<N>.csv`, one line a step, and `scores-step<N>.csv`, one line a score.
pub(super) fn files(source: &Source) -> Vec<(String, Vec<u8>)> {
    let head = head(source);
    let columns: Vec<&str> = Number::ALL.iter().map(|number| number.info().key).collect();
    let mut curves = head.clone() + &format!("step,seconds,{}\n", columns.join(","));
    let mut scores = head
        + "step,metric,extractor,class,samples,value,seconds,resize,reals,k,spread,interval_low,interval_high,of_reals,trained_on\n";
    for event in &source.history {
        if let Event::Step(s) = event {
            let values: Vec<String> = Number::ALL.iter().map(|number| optional(s.numbers.get(*number))).collect();
            curves += &format!("{},{},{}\n", s.step, s.seconds, values.join(","));
        }
        if let Event::Score(s) = event {
            let class = s.class.as_deref().map(quoted).unwrap_or_default();
            let (metric, extractor) = (quoted(&s.metric), quoted(&s.extractor));
            let interval = s.interval.map(|[low, high]| (Some(low), Some(high))).unwrap_or_default();
            scores += &format!(
                "{},{metric},{extractor},{class},{},{},{},{},{},{},{},{},{},{},{}\n",
                s.step,
                s.samples,
                s.value,
                s.seconds,
                s.resize,
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
    let one_line = |text: &str| text.replace(['\n', '\r'], " ");
    format!(
        "# session: {}\n# seed: {}\n# step: {}\n# classes: {}\n# written by: gandle {}\n",
        one_line(&source.name),
        source.config().train.seed,
        source.step,
        one_line(&source.started.classes.join(", ")),
        env!("CARGO_PKG_VERSION")
    )
}

/// A text as a field: in quotes where it holds what would end it.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r', '#']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_hold_a_comma_or_a_quote_are_quoted() {
        assert_eq!(quoted("monocyte"), "monocyte");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
    }
}
