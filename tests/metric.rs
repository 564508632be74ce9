//! The extractor and the distance against the numbers of other people's implementations (`tests/data/README.md`).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::cell::Cell;

use gandle::config::{Beside, Choice as _, Shipped};
use gandle::feature::{EfficientNet, FeatureError};
use gandle::metric::report::{Sets, Settings, Side, scores};
use gandle::metric::{
    Features, Metric, Neighbours, Statistics, Subsets, copying, frechet_distance, inception_score, kernel_distance,
    ms_ssim, vendi_score,
};
use safetensors::SafeTensors;
use serde_json::Value;

const FEATURES: &[u8] = include_bytes!("data/features.safetensors");
const LITE2: &[u8] = include_bytes!("data/lite2.safetensors");
const SCORES: &str = include_str!("data/scores.json");
const METRICS: &[u8] = include_bytes!("data/metrics.safetensors");

/// The 16 images, 96 x 96 with 3 channels, channels last.
fn images() -> Vec<u8> {
    let file = SafeTensors::deserialize(FEATURES).expect("the file is a safetensors");
    let planes = file.tensor("images").expect("it holds images").data().to_vec(); // (16, 3, 96, 96)
    let pixels = 96 * 96;
    planes.chunks(3 * pixels).flat_map(|image| (0..3 * pixels).map(|i| image[i % 3 * pixels + i / 3])).collect()
}

fn relative_error(got: &[f32], want: &[f32]) -> f64 {
    let square = |v: f32| f64::from(v) * f64::from(v);
    let difference: f64 = got.iter().zip(want).map(|(&a, &b)| square(a - b)).sum();
    (difference / want.iter().map(|&v| square(v)).sum::<f64>()).sqrt()
}

/// The largest relative error of an image's features against a tensor of a file.
fn worst_error(network: Shipped, file: &[u8], name: &str) -> f64 {
    let file = SafeTensors::deserialize(file).unwrap();
    let tensor = file.tensor(name).unwrap();
    let want: Vec<f32> = tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    let count = want.len() / EfficientNet::FEATURES;
    let images = &images()[..count * 96 * 96 * 3];
    let got = EfficientNet::shipped(network).unwrap().features(images, 96, 96, 3).unwrap();
    assert!(got.len() == want.len() && count > 0);
    let rows = got.chunks(EfficientNet::FEATURES).zip(want.chunks(EfficientNet::FEATURES));
    let worst = rows.map(|(got, want)| relative_error(got, want)).fold(0.0, f64::max);
    println!("worst relative error of an image's features: {worst:e}");
    worst
}

#[test]
fn efficientnet_features_are_pytorchs() {
    let worst = worst_error(Shipped::EfficientNetLite0, FEATURES, "efficientnet_lite0");
    assert!(worst < 1e-5, "{worst:e}");
}

/// 260 pixels halve to 130, 65, 33, 17 and 9: the padding of every odd side is in these numbers.
#[test]
fn the_larger_networks_features_are_pytorchs_too() {
    let worst = worst_error(Shipped::EfficientNetLite2, LITE2, "efficientnet_lite2");
    assert!(worst < 1e-5, "{worst:e}");
}

#[test]
fn features_do_not_depend_on_neighbours_or_threads() {
    let network = EfficientNet::shipped(Shipped::EfficientNetLite0).unwrap();
    let images = images();
    let size = 96 * 96 * 3;
    let together = network.features(&images[..5 * size], 96, 96, 3).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let alone = pool.install(|| network.features(&images[4 * size..5 * size], 96, 96, 3)).unwrap();
    assert!(together[4 * EfficientNet::FEATURES..] == alone, "the same bits");
}

#[test]
fn one_channel_counts_as_three_equal_ones() {
    let network = EfficientNet::shipped(Shipped::EfficientNetLite0).unwrap();
    let grey: Vec<u8> = (0..40 * 30).map(|i| (i * 7 % 256) as u8).collect();
    let colour: Vec<u8> = grey.iter().flat_map(|&v| [v; 3]).collect();
    assert!(network.features(&grey, 40, 30, 1).unwrap() == network.features(&colour, 40, 30, 3).unwrap());
}

#[test]
fn progress_is_told_and_can_cancel() {
    let network = EfficientNet::shipped(Shipped::EfficientNetLite0).unwrap();
    let images: Vec<u8> = images().repeat(2)[..20 * 96 * 96 * 3].to_vec();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let last = pool.install(|| {
        let last = Cell::new((0, 0));
        let told = |done, total| {
            last.set((done, total));
            true
        };
        network.features_with(&images, 96, 96, 3, &told).map(|_| last.get())
    });
    assert_eq!(last, Ok((20, 20)));
    let stopped = pool.install(|| network.features_with(&images, 96, 96, 3, &|_, _| false));
    assert!(matches!(stopped, Err(FeatureError::Cancelled { done: 16, total: 20 })), "{:?}", stopped.err());
}

#[test]
fn bytes_that_are_no_images_are_refused() {
    let network = EfficientNet::shipped(Shipped::EfficientNetLite0).unwrap();
    for (bytes, height, width, channels) in [(10, 2, 2, 3), (8, 2, 2, 2), (0, 0, 2, 3), (12, 2, 2, 0)] {
        let got = network.features(&vec![0; bytes], height, width, channels);
        assert_eq!(got, Err(FeatureError::Images { bytes, height, width, channels }));
    }
    assert_eq!(network.features(&[], 8, 8, 3), Ok(Vec::new()));
}

/// The numbers of `metrics.safetensors`.
fn numbers(name: &str, dimensions: usize) -> Features {
    let file = SafeTensors::deserialize(METRICS).unwrap();
    let bytes = file.tensor(name).unwrap().data().to_vec();
    let numbers = bytes.as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect();
    Features::new(numbers, dimensions).unwrap()
}

/// What other implementations give on them.
fn expected() -> Value {
    let (_, header) = SafeTensors::read_metadata(METRICS).unwrap();
    serde_json::from_str(&header.metadata().as_ref().unwrap()["expected"]).unwrap()
}

fn near(what: &str, got: f64, want: &Value) {
    let want = want.as_f64().unwrap();
    let error = (got - want).abs() / want.abs().max(1e-300);
    println!("{what}: {got}, relative error {error:e}");
    assert!(error < 1e-6, "{what}: {got}, expected {want}");
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn frechet_distances_are_pytorch_fids() {
    let (real, fake) = (numbers("real", 32), numbers("fake", 32));
    let real = Statistics::of_f64(real.numbers(), 32).unwrap();
    for (key, samples) in [("frechet_distance", 500), ("frechet_distance_20_fakes", 20)] {
        let fake = Statistics::of_f64(&fake.numbers()[..samples * 32], 32).unwrap();
        near(key, frechet_distance(&real, &fake).unwrap(), &expected()[key]);
    }
}

#[test]
fn kernel_distances_are_those_of_the_definition_and_of_torch_fidelity() {
    let (real, fake) = (numbers("real", 32), numbers("fake", 32));
    let subsets = Subsets { size: 300, ..Subsets::default() };
    let got = kernel_distance(&real, &fake, subsets).unwrap();
    near("all pairs", got.all, &expected()["kernel_distance_all"]);
    let want: Value = serde_json::from_str(SCORES).unwrap();
    near("subsets", got.mean, &want["kernel_distance_subsets"][0]);
    near("their spread", got.spread, &want["kernel_distance_subsets"][1]);
}

#[test]
fn inception_scores_are_torch_fidelitys() {
    let logits = numbers("logits", 20);
    let plain = inception_score(&logits, 10, None).unwrap();
    near("mean", plain.mean, &expected()["inception_score_mean"]);
    near("spread", plain.spread, &expected()["inception_score_std"]);
    let shuffled = inception_score(&logits, 10, Some(2020)).unwrap();
    let want: Value = serde_json::from_str(SCORES).unwrap();
    near("shuffled mean", shuffled.mean, &want["inception_score_shuffled"][0]);
    near("shuffled spread", shuffled.spread, &want["inception_score_shuffled"][1]);
}

#[test]
fn scores_of_neighbours_are_those_of_prdc_and_authpct() {
    let (real, fake, want) = (numbers("real", 32), numbers("fake", 32), expected());
    for k in [3, 5] {
        let got = Neighbours::of(&real, &fake, k).unwrap();
        near("precision", mean(&got.precision()), &want[format!("precision_k{k}")]);
        near("recall", mean(&got.recall()), &want[format!("recall_k{k}")]);
        near("density", mean(&got.density()), &want[format!("density_k{k}")]);
        near("coverage", mean(&got.coverage()), &want[format!("coverage_k{k}")]);
        near("authentic", mean(&got.authentic()), &want["authentic_percent"]);
    }
}

#[test]
fn vendi_copying_and_similarity_are_those_of_their_definitions() {
    let (real, fake) = (numbers("real", 32), numbers("fake", 32));
    near("vendi", vendi_score(&fake).unwrap(), &expected()["vendi_score"]);
    let want: Value = serde_json::from_str(SCORES).unwrap();
    let part = |from: usize, to: usize| real.take(&(from..to).collect::<Vec<_>>());
    near("copying", copying(&part(0, 300), &part(300, 600), &fake).unwrap(), &want["copying"]);
    let images = images();
    for side in [96, 64, 20] {
        let top_left = |image: usize| -> Vec<u8> {
            let rows = images[image * 96 * 96 * 3..].chunks(96 * 3).take(side);
            rows.flat_map(|row| &row[..side * 3]).copied().collect()
        };
        for pair in 0..8 {
            let got = ms_ssim(&top_left(2 * pair), &top_left(2 * pair + 1), side, 3).unwrap();
            near("ms-ssim", got, &want["ms_ssim"][side.to_string()][pair]);
        }
    }
}

#[test]
fn threads_do_not_move_a_bit() {
    let (real, fake) = (numbers("real", 32), numbers("fake", 32));
    let labels = |features: &Features| (0..features.len()).map(|i| i as u32 % 3).collect::<Vec<_>>();
    let (real_labels, fake_labels) = (labels(&real), labels(&fake));
    let logits = numbers("logits", 20);
    let of = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let sets = Sets {
            classes: 3,
            real: Side { features: &real, labels: &real_labels, logits: None },
            fake: Side { features: &fake, labels: &fake_labels, logits: Some(&logits) },
            held_out: Some(Side { features: &real, labels: &real_labels, logits: None }),
        };
        pool.install(|| scores(&sets, &Settings::default(), &mut |_, _, _| true)).unwrap()
    };
    let report = of(1);
    assert!(report == of(2) && report == of(5));
    assert!(report.scores.iter().all(|score| score.value.is_finite()));
    // Not pictures, copies of real images and more fakes than there are here.
    let has =
        |metric: &Metric| !matches!(metric, Metric::MsSsim) && matches!(metric.beside(), None | Some(Beside::Nothing));
    for metric in Metric::ALL.iter().copied().filter(has) {
        assert!(report.scores.iter().any(|score| score.metric == metric), "{metric}");
    }
}
