//! The classification accuracy score (Ravuri & Vinyals 2019, arXiv 1905.10887; GAN-train of Shmelkov et al. 2018): a
//! classifier that has learned from fakes alone is tested on held-out real images, beside one that learned from reals.
//! What the fakes do not show of a class, its recall lacks.
//!
//! The classifier is a logistic regression on frozen features, not a network trained from pixels: it has one best
//! solution, which is found from any start, so that scores differ by the images alone, and in seconds.

use faer::Mat;
use rayon::prelude::*;

use super::copying::ranks;
use super::inception_score::log_softmax;
use super::linalg::product_here;
use super::{Features, MetricError};

/// Images that are handed out at a time. Fixed, so that no sum depends on the number of threads.
const ROWS: usize = 128;
/// Steps of the search, at most.
const STEPS: usize = 300;
/// Steps that the search remembers.
const MEMORY: usize = 10;

/// How well a classifier does on held-out images.
#[derive(Clone, Debug, PartialEq)]
pub struct Accuracy {
    /// The share of images whose class it names.
    pub accuracy: f64,
    /// The mean of the recalls: as `accuracy`, were there as many images of each class.
    pub balanced: f64,
    /// For each class the share of its images that are named; nothing where none is held out.
    pub recall: Vec<Option<f64>>,
    /// The area under the curve of each class against all others, as a mean over the classes; nothing for one class.
    pub auc: Option<f64>,
    /// For each held-out image, whether its class is named.
    pub right: Vec<bool>,
}

/// Learns from one set and is tested on another. Labels are below `classes`.
///
/// # Errors
/// For different extractors, no image, labels that do not fit, or fewer than two classes to learn.
pub fn classify(
    train: (&Features, &[u32]),
    test: (&Features, &[u32]),
    classes: usize,
) -> Result<Accuracy, MetricError> {
    train.0.comparable(test.0, 1)?;
    for (features, labels) in [train, test] {
        if features.len() != labels.len() || labels.iter().any(|label| *label as usize >= classes) {
            return Err(MetricError::Labels { images: features.len(), labels: labels.len(), classes });
        }
    }
    if train.1.iter().all(|label| Some(label) == train.1.first()) {
        return Err(MetricError::OneClass);
    }
    let scale = Scale::of(train.0);
    let weights = learn(&scale.apply(train.0), train.1, classes);
    let logits = logits(&scale.apply(test.0), &weights, classes);
    Ok(judge(&logits, test.1, classes))
}

fn judge(logits: &[Vec<f64>], labels: &[u32], classes: usize) -> Accuracy {
    let best = |row: &Vec<f64>| (0..classes).fold(0, |best, c| if row[c] > row[best] { c } else { best });
    let right: Vec<bool> = logits.iter().zip(labels).map(|(row, label)| best(row) == *label as usize).collect();
    let share = |wanted: &dyn Fn(u32) -> bool| {
        let of: Vec<bool> = right.iter().zip(labels).filter(|(_, l)| wanted(**l)).map(|(r, _)| *r).collect();
        (!of.is_empty()).then(|| of.iter().filter(|right| **right).count() as f64 / of.len() as f64)
    };
    let recall: Vec<Option<f64>> = (0..classes).map(|c| share(&|label| label as usize == c)).collect();
    let mean = |values: Vec<f64>| {
        let count = values.len() as f64;
        (count > 0.0).then(|| values.into_iter().sum::<f64>() / count)
    };
    let area = |class: usize| {
        let log = |row: &Vec<f64>| log_softmax(row)[class];
        let part = |of: bool| -> Vec<f64> {
            logits.iter().zip(labels).filter(|(_, l)| (**l as usize == class) == of).map(|(row, _)| log(row)).collect()
        };
        let (own, others) = (part(true), part(false));
        let (n, m) = (own.len() as f64, others.len() as f64);
        (n > 0.0 && m > 0.0).then(|| (ranks(&own, &others) - n * (n + 1.0) / 2.0) / (n * m))
    };
    Accuracy {
        accuracy: share(&|_| true).unwrap_or(0.0),
        balanced: mean(recall.iter().flatten().copied().collect()).unwrap_or(0.0),
        auc: mean((0..classes).filter_map(area).collect()),
        recall,
        right,
    }
}

/// Brings every feature to mean 0 and variance 1 on the images that are learned from; constant ones are left out.
struct Scale {
    mean: Vec<f64>,
    factor: Vec<f64>,
}

impl Scale {
    fn of(features: &Features) -> Self {
        let mean = features.mean();
        let mut squares = vec![0.0; features.dimensions()];
        for image in 0..features.len() {
            for ((sum, value), mean) in squares.iter_mut().zip(features.row(image)).zip(&mean) {
                *sum += (value - mean) * (value - mean);
            }
        }
        let deviation = squares.iter().map(|sum| (sum / features.len() as f64).sqrt());
        let factor =
            deviation.zip(&mean).map(|(d, mean)| if d > 1e-12 * mean.abs() && d > 0.0 { 1.0 / d } else { 0.0 });
        Self { factor: factor.collect(), mean }
    }

    /// With a 1 behind each image's features, whose weight is the bias.
    fn apply(&self, features: &Features) -> Features {
        let mut numbers = Vec::with_capacity(features.len() * (features.dimensions() + 1));
        for image in 0..features.len() {
            let row = features.row(image).iter().zip(&self.mean).zip(&self.factor);
            numbers.extend(row.map(|((value, mean), factor)| (value - mean) * factor));
            numbers.push(1.0);
        }
        Features::from_parts(numbers, features.dimensions() + 1)
    }
}

/// Logits `(images, classes)` under weights `(classes, dimensions)`.
fn logits(features: &Features, weights: &[f64], classes: usize) -> Vec<Vec<f64>> {
    (0..features.len())
        .map(|image| {
            let of = |class: usize| dot(features.row(image), &weights[class * features.dimensions()..]);
            (0..classes).map(of).collect()
        })
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The weights that make the mean cross-entropy plus `|w|^2 / (2 N)` (the bias left out) least, by L-BFGS (Liu & Nocedal
/// 1989) from zeros.
fn learn(features: &Features, labels: &[u32], classes: usize) -> Vec<f64> {
    let mut weights = vec![0.0; classes * features.dimensions()];
    let (mut loss, mut gradient) = loss(features, labels, &weights, classes);
    let mut steps: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    for _ in 0..STEPS {
        if gradient.iter().all(|v| v.abs() < 1e-6) {
            break;
        }
        let mut direction = descent(&gradient, &steps);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            // Only rounding can turn it round: begin again from the gradient.
            steps.clear();
            direction = gradient.iter().map(|v| -v).collect();
            slope = -dot(&gradient, &gradient);
        }
        let mut length =
            if steps.is_empty() { 1.0 / gradient.iter().map(|v| v.abs()).sum::<f64>().max(1.0) } else { 1.0 };
        let mut found = None;
        for _ in 0..30 {
            let tried: Vec<f64> = weights.iter().zip(&direction).map(|(w, d)| w + length * d).collect();
            let (tried_loss, tried_gradient) = self::loss(features, labels, &tried, classes);
            if tried_loss <= loss + 1e-4 * length * slope {
                found = Some((tried, tried_loss, tried_gradient));
                break;
            }
            length /= 2.0;
        }
        let Some((tried, tried_loss, tried_gradient)) = found else { break };
        let moved: Vec<f64> = tried.iter().zip(&weights).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = tried_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        if dot(&moved, &turned) > 0.0 {
            steps.push((moved, turned));
            if steps.len() > MEMORY {
                steps.remove(0);
            }
        }
        (weights, loss, gradient) = (tried, tried_loss, tried_gradient);
    }
    weights
}

/// The direction of L-BFGS: the gradient as the steps before have bent it, turned round.
fn descent(gradient: &[f64], steps: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|v| -v).collect();
    let mut shares = Vec::new();
    for (moved, turned) in steps.iter().rev() {
        let share = dot(moved, &direction) / dot(moved, turned);
        direction.iter_mut().zip(turned).for_each(|(d, t)| *d -= share * t);
        shares.push(share);
    }
    if let Some((moved, turned)) = steps.last() {
        let scale = dot(moved, turned) / dot(turned, turned);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for ((moved, turned), share) in steps.iter().zip(shares.into_iter().rev()) {
        let back = share - dot(turned, &direction) / dot(moved, turned);
        direction.iter_mut().zip(moved).for_each(|(d, m)| *d += back * m);
    }
    direction
}

/// The loss and its gradient.
fn loss(features: &Features, labels: &[u32], weights: &[f64], classes: usize) -> (f64, Vec<f64>) {
    let dimensions = features.dimensions();
    let matrix = faer::MatRef::from_row_major_slice(weights, classes, dimensions);
    let parts: Vec<(f64, Mat<f64>)> = features
        .numbers()
        .par_chunks(ROWS * dimensions)
        .zip(labels.par_chunks(ROWS))
        .map(|(rows, labels)| {
            let rows = faer::MatRef::from_row_major_slice(rows, labels.len(), dimensions);
            let mut errors = Mat::zeros(classes, labels.len());
            product_here(&mut errors, matrix, rows.transpose());
            let mut sum = 0.0;
            for (image, label) in labels.iter().enumerate() {
                let logits: Vec<f64> = (0..classes).map(|c| errors[(c, image)]).collect();
                let logs = log_softmax(&logits);
                sum -= logs[*label as usize];
                for (class, log) in logs.iter().enumerate() {
                    errors[(class, image)] = log.exp() - f64::from(u8::from(class == *label as usize));
                }
            }
            let mut gradient = Mat::zeros(classes, dimensions);
            product_here(&mut gradient, errors.as_ref(), rows);
            (sum, gradient)
        })
        .collect();
    let images = labels.len() as f64;
    let mut total = 0.0;
    let mut gradient = vec![0.0; weights.len()];
    for (sum, part) in parts {
        total += sum;
        for (at, value) in gradient.iter_mut().enumerate() {
            *value += part[(at / dimensions, at % dimensions)];
        }
    }
    for (at, (value, weight)) in gradient.iter_mut().zip(weights).enumerate() {
        let free = at % dimensions + 1 == dimensions; // the bias
        let penalty = if free { 0.0 } else { *weight };
        total += penalty * penalty / 2.0;
        *value = (*value + penalty) / images;
    }
    (total / images, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clouds in the plane, and a third feature that is always the same.
    fn clouds(each: usize, swap: bool) -> (Features, Vec<u32>) {
        let (mut numbers, mut labels) = (Vec::new(), Vec::new());
        for i in 0..3 * each {
            let (class, angle) = (i % 3, (i * 37 % 100) as f64);
            let centre = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]][class];
            numbers.extend([centre[0] + angle.sin(), centre[1] + angle.cos(), 5.0]);
            labels.push(if swap { (class + 1) % 3 } else { class } as u32);
        }
        (Features::new(numbers, 3).unwrap(), labels)
    }

    #[test]
    fn clear_classes_are_learned_and_swapped_labels_are_noticed() {
        let ((train, labels), (test, truth)) = (clouds(60, false), clouds(20, false));
        let good = classify((&train, &labels), (&test, &truth), 3).unwrap();
        assert_eq!((good.accuracy, good.balanced, good.auc), (1.0, 1.0, Some(1.0)));
        let (fake, wrong) = clouds(60, true);
        let bad = classify((&fake, &wrong), (&test, &truth), 3).unwrap();
        assert_eq!((bad.accuracy, bad.recall), (0.0, vec![Some(0.0); 3]));
    }

    #[test]
    fn a_class_that_is_not_shown_is_not_named() {
        let ((train, labels), (test, truth)) = (clouds(60, false), clouds(20, false));
        let kept: Vec<usize> = (0..labels.len()).filter(|i| labels[*i] != 2).collect();
        let shown: Vec<u32> = kept.iter().map(|i| labels[*i]).collect();
        let got = classify((&train.take(&kept), &shown), (&test, &truth), 3).unwrap();
        assert_eq!((got.recall[2], got.recall[0]), (Some(0.0), Some(1.0)));
        let one = classify((&train, &vec![1; labels.len()]), (&test, &truth), 3);
        assert_eq!(one, Err(MetricError::OneClass));
    }

    #[test]
    fn the_solution_is_the_best_one() {
        let (features, labels) = clouds(20, false);
        let scaled = Scale::of(&features).apply(&features);
        let weights = learn(&scaled, &labels, 3);
        let (least, gradient) = loss(&scaled, &labels, &weights, 3);
        assert!(gradient.iter().all(|v| v.abs() < 1e-5), "{gradient:?}");
        for at in 0..weights.len() {
            let mut moved = weights.clone();
            moved[at] += 1e-3;
            let slope = (loss(&scaled, &labels, &moved, 3).0 - least) / 1e-3;
            assert!(slope.abs() < 1e-2, "{at}: {slope}");
        }
    }
}
