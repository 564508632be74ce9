//! Scores of nearest neighbours: who lies among whom, and whether fakes lie nearer to the training images than other real
//! images do.

use super::compute::Work;
use super::near::{Near, distances, median};
use super::{Metric, Score};
use crate::metric::bootstrap::interval;
use crate::metric::{Nearest, Neighbours, Spacing, nearest_knowing};

/// Scores that a radius around each image makes.
const AMONG: &[Metric] = &[Metric::Precision, Metric::Recall, Metric::Density, Metric::Coverage];
/// Scores of the nearest real image alone.
const NEAR: &[Metric] = &[Metric::AuthenticPercent, Metric::NearestReal];

impl Work<'_> {
    pub(super) fn neighbours(&mut self) {
        let among = AMONG.iter().any(|metric| self.settings.metrics.contains(metric));
        let near = NEAR.iter().any(|metric| self.settings.metrics.contains(metric));
        let of_reals = match self.known.near {
            Some(known) => Some(known.clone()),
            None if near => Near::of(self.sets.real, self.sets.held_out, self.sets.classes, self.settings.seed).ok(),
            None => None,
        };
        for class in self.everything() {
            let (real, fake) = self.sides(class);
            let found = among.then(|| Neighbours::of(&real, &fake, self.settings.k)).transpose();
            let nearest = match found {
                Ok(Some(found)) => {
                    self.among(class, &found);
                    Ok(found.nearest().to_vec())
                }
                other => {
                    if let Err(reason) = other {
                        self.missing(AMONG, class, &reason);
                    }
                    match of_reals.as_ref().filter(|_| class.is_none()) {
                        Some(of_reals) => of_reals.nearest(&real, &fake),
                        None => Spacing::of(&real).and_then(|own| nearest_knowing(&real, &fake, &own)),
                    }
                }
            };
            match nearest {
                Ok(nearest) => self.near(class, nearest, of_reals.as_ref()),
                Err(reason) => self.missing(NEAR, class, &reason),
            }
        }
    }

    fn among(&mut self, class: Option<usize>, found: &Neighbours) {
        for (metric, values) in [
            (Metric::Precision, found.precision()),
            (Metric::Recall, found.recall()),
            (Metric::Density, found.density()),
            (Metric::Coverage, found.coverage()),
        ] {
            let score = self.score(metric, class, mean(&values));
            self.report.scores.push(Score { interval: interval(&values, self.settings.seed.into()), ..score });
        }
    }

    fn near(&mut self, class: Option<usize>, nearest: Vec<Nearest>, of_reals: Option<&Near>) {
        let of_reals = of_reals.filter(|_| class.is_none());
        let values: Vec<f64> = nearest.iter().map(|nearest| if nearest.authentic { 100.0 } else { 0.0 }).collect();
        let score = self.score(Metric::AuthenticPercent, class, mean(&values));
        let (interval, baseline) = (interval(&values, self.settings.seed.into()), of_reals.and_then(|of| of.authentic));
        self.report.scores.push(Score { interval, baseline, ..score });
        if class.is_none() {
            let score = self.score(Metric::NearestReal, None, median(distances(&nearest)));
            self.report.scores.push(Score { baseline: of_reals.map(|of| of.distance), ..score });
            self.report.nearest = nearest;
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
