//! Curves and scores as comma-separated tables (RFC 4180), below lines with `#` that tell where they come from.

use super::Source;
use crate::event::Event;
use crate::guard::{csv_cell, csv_remark};

/// `curves-step<N>.csv`, one line a step, and `scores-step<N>.csv`, one line a score.
pub(super) fn files(source: &Source) -> Vec<(String, Vec<u8>)> {
    let head = head(source);
    let mut curves = head.clone()
        + "step,loss_d,loss_g,logits_real,logits_fake,generator_lr,discriminator_lr,augment_probability,sign_real,seconds,images_per_s,loss_features,accuracy_real,accuracy_fake,gradient_d,gradient_g,memory_mb\n";
    let mut scores = head
        + "step,metric,extractor,class,samples,value,seconds,resize,reals,k,spread,interval_low,interval_high,of_reals,trained_on\n";
    for event in &source.history {
        if let Event::Step(s) = event {
            curves += &format!(
                "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
                s.step,
                s.loss_d,
                s.loss_g,
                s.logits_real,
                s.logits_fake,
                s.generator_lr,
                s.discriminator_lr,
                optional(s.augment_probability),
                optional(s.sign_real),
                s.seconds,
                s.images_per_s,
                optional(s.loss_features),
                optional(s.accuracy_real),
                optional(s.accuracy_fake),
                optional(s.gradient_d),
                optional(s.gradient_g),
                optional(s.memory_mb)
            );
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
