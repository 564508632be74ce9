//! Generators that are wrong in one way each, and the scores that find it out, on small images of the demo set.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::LazyLock;

use gandle::config::{Choice as _, Shipped};
use gandle::data::demo;
use gandle::feature::{EfficientNet, Extractor, Picture, Resize};
use gandle::metric::report::{Gallery, Report, Sets, Settings, Side, scores, similarities};
use gandle::metric::{Features, Metric};

const SIZE: usize = 32;
const CLASSES: [usize; 3] = [1, 2, 5];

/// Images with their classes and what is seen in them.
#[derive(Clone)]
struct Images {
    pixels: Vec<Vec<u8>>,
    labels: Vec<u32>,
    features: Features,
}

impl Images {
    fn new(pixels: Vec<Vec<u8>>, labels: Vec<u32>) -> Self {
        static NETWORK: LazyLock<Extractor> =
            LazyLock::new(|| Extractor::named(Shipped::EfficientNetLite0.key()).unwrap());
        let picture = |pixels| Picture { pixels, height: SIZE, width: SIZE, channels: 3 };
        let pictures: Vec<Picture<'_>> = pixels.iter().map(|pixels| picture(pixels)).collect();
        let seen = NETWORK.look(&pictures, Resize::PytorchFid).unwrap();
        let features = Features::of(&seen.features, EfficientNet::FEATURES).unwrap();
        Self { pixels, labels, features }
    }

    /// `each` images of every class, from the `first` of the demo set on.
    fn drawn(first: u64, each: u64) -> Self {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for (label, class) in CLASSES.into_iter().enumerate() {
            for index in first..first + each {
                pixels.push(demo::render(class, index, SIZE, 3));
                labels.push(label as u32);
            }
        }
        Self::new(pixels, labels)
    }

    fn side(&self) -> Side<'_> {
        Side { features: &self.features, labels: &self.labels, logits: None }
    }

    /// Some of the images, again and again where they are named so.
    fn take(&self, images: &[usize]) -> Self {
        Self {
            pixels: images.iter().map(|i| self.pixels[*i].clone()).collect(),
            labels: images.iter().map(|i| self.labels[*i]).collect(),
            features: self.features.take(images),
        }
    }
}

static TRAIN: LazyLock<Images> = LazyLock::new(|| Images::drawn(0, 60));
static HELD_OUT: LazyLock<Images> = LazyLock::new(|| Images::drawn(100, 30));
/// The best generator: the source of the training images itself.
static GOOD: LazyLock<Images> = LazyLock::new(|| Images::drawn(200, 60));

fn judge(fake: &Images) -> Report {
    let sets = Sets { classes: 3, real: TRAIN.side(), fake: fake.side(), held_out: Some(HELD_OUT.side()) };
    scores(&sets, &Settings::default(), &mut |_, _, _| true).unwrap()
}

fn value(report: &Report, metric: Metric, class: Option<usize>) -> f64 {
    report.get(metric, class).unwrap_or_else(|| panic!("{metric} {class:?}")).value
}

#[test]
fn a_generator_as_good_as_the_source_raises_no_alarm() {
    let report = judge(&GOOD);
    for score in &report.scores {
        println!("{:30} {:?} {:.4} {:?} {:?}", score.metric, score.class, score.value, score.baseline, score.interval);
    }
    assert!(value(&report, Metric::Copying, None).abs() < 3.0);
    assert!(value(&report, Metric::KernelDistance, None).abs() < 0.05);
    assert!(value(&report, Metric::Precision, None) > 0.7 && value(&report, Metric::Recall, None) > 0.7);
    assert!(value(&report, Metric::ClassifierAccuracy, None) > 0.9);
    let vendi = report.get(Metric::VendiScore, Some(1)).unwrap();
    assert!(vendi.value > 0.7 * vendi.baseline.unwrap());
}

#[test]
fn a_generator_that_copies_is_caught_by_authpct_ct_and_the_nearest_images() {
    let nudge = |(at, byte): (usize, &u8)| if at % 7 == 0 { byte.saturating_add(1) } else { *byte };
    let copies = TRAIN.pixels.iter().map(|image| image.iter().enumerate().map(nudge).collect()).collect();
    let (copied, good) = (judge(&Images::new(copies, TRAIN.labels.clone())), judge(&GOOD));
    let authentic = |report| value(report, Metric::AuthenticPercent, None);
    println!("authentic {} and {}", authentic(&copied), authentic(&good));
    assert!(authentic(&copied) < 5.0 && authentic(&good) > 25.0);
    println!("copying {} and {}", value(&copied, Metric::Copying, None), value(&good, Metric::Copying, None));
    assert!(value(&copied, Metric::Copying, None) < -3.0);
    let nearest = copied.get(Metric::NearestReal, None).unwrap();
    assert!(nearest.value < 0.5 * nearest.baseline.unwrap(), "{nearest:?}");
    let right = copied.nearest.iter().enumerate().filter(|(fake, nearest)| nearest.index == *fake).count();
    assert!(right > 175, "{right} of 180 copies were traced back");
}

#[test]
fn a_generator_that_ignores_its_label_is_caught_by_class_distances_and_the_classifier() {
    let labels = (0..180).map(|i| i % 3).collect();
    let (ignoring, good) = (judge(&Images { labels, ..GOOD.clone() }), judge(&GOOD));
    let all = |report| value(report, Metric::FrechetDistance, None);
    assert!((all(&ignoring) - all(&good)).abs() < 1e-6 * all(&good), "all images together look as good");
    let classes = |report| value(report, Metric::IntraClassFrechetDistance, None);
    println!("intra-class {} and {}", classes(&ignoring), classes(&good));
    assert!(classes(&ignoring) > 1.3 * classes(&good));
    let accuracy = ignoring.get(Metric::ClassifierAccuracy, None).unwrap();
    println!("{accuracy:?}");
    assert!(accuracy.value < 0.6 && accuracy.baseline.unwrap() > 0.9);
    assert!(value(&ignoring, Metric::ClassifierAuc, None) < 0.8);
}

#[test]
fn a_class_that_collapses_is_caught_by_its_vendi_score_and_its_similarity() {
    // Class 1 shows one image over and over.
    let chosen: Vec<usize> = (0..180).map(|i| if i / 60 == 1 { 60 } else { i }).collect();
    let fake = GOOD.take(&chosen);
    let report = judge(&fake);
    let share = |class| {
        let score = report.get(Metric::VendiScore, Some(class)).unwrap();
        score.value / score.baseline.unwrap()
    };
    println!("vendi {} {} {}", share(0), share(1), share(2));
    assert!(share(1) < 0.7 && share(0) > 0.8 && share(2) > 0.8);
    let (of_real, of_fake) = (|i: usize| Some(TRAIN.pixels[i].clone()), |i: usize| Some(fake.pixels[i].clone()));
    let real = Gallery { labels: &TRAIN.labels, open: &of_real, side: SIZE, channels: 3 };
    let fakes = Gallery { labels: &fake.labels, open: &of_fake, side: SIZE, channels: 3 };
    let alike = similarities(real, fakes, 3, 2020, &mut |_, _| true);
    for score in &alike {
        println!("ms-ssim {:?} {} {:?}", score.class, score.value, score.baseline);
    }
    let excess = |class: usize| alike[class].value - alike[class].baseline.unwrap();
    assert!(excess(1) > 0.2 && excess(0) < 0.1 && excess(2) < 0.1);
}
