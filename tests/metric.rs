//! The extractor and the distance against the numbers of other people's implementations (`tests/data/README.md`).

use std::cell::Cell;

use gandle::feature::{EfficientNet, FeatureError};
use gandle::metric::{Statistics, frechet_distance};
use safetensors::SafeTensors;

const FEATURES: &[u8] = include_bytes!("data/features.safetensors");
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

#[test]
fn efficientnet_features_are_pytorchs() {
    let file = SafeTensors::deserialize(FEATURES).unwrap();
    let tensor = file.tensor("efficientnet_lite0").unwrap();
    let want: Vec<f32> = tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    let got = EfficientNet::shipped().unwrap().features(&images(), 96, 96, 3).unwrap();
    assert_eq!(got.len(), want.len());
    let rows = got.chunks(EfficientNet::FEATURES).zip(want.chunks(EfficientNet::FEATURES));
    let worst = rows.map(|(got, want)| relative_error(got, want)).fold(0.0, f64::max);
    println!("worst relative error of an image's features: {worst:e}");
    assert!(worst < 1e-5, "{worst:e}");
}

#[test]
fn features_do_not_depend_on_neighbours_or_threads() {
    let network = EfficientNet::shipped().unwrap();
    let images = images();
    let size = 96 * 96 * 3;
    let together = network.features(&images[..5 * size], 96, 96, 3).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let alone = pool.install(|| network.features(&images[4 * size..5 * size], 96, 96, 3)).unwrap();
    assert!(together[4 * EfficientNet::FEATURES..] == alone, "the same bits");
}

#[test]
fn one_channel_counts_as_three_equal_ones() {
    let network = EfficientNet::shipped().unwrap();
    let grey: Vec<u8> = (0..40 * 30).map(|i| (i * 7 % 256) as u8).collect();
    let colour: Vec<u8> = grey.iter().flat_map(|&v| [v; 3]).collect();
    assert!(network.features(&grey, 40, 30, 1).unwrap() == network.features(&colour, 40, 30, 3).unwrap());
}

#[test]
fn progress_is_told_and_can_cancel() {
    let network = EfficientNet::shipped().unwrap();
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
    let network = EfficientNet::shipped().unwrap();
    for (bytes, height, width, channels) in [(10, 2, 2, 3), (8, 2, 2, 2), (0, 0, 2, 3), (12, 2, 2, 0)] {
        let got = network.features(&vec![0; bytes], height, width, channels);
        assert_eq!(got, Err(FeatureError::Images { bytes, height, width, channels }));
    }
    assert_eq!(network.features(&[], 8, 8, 3), Ok(Vec::new()));
}

#[test]
fn frechet_distances_are_pytorch_fids() {
    let file = SafeTensors::deserialize(METRICS).unwrap();
    let (_, header) = SafeTensors::read_metadata(METRICS).unwrap();
    let expected = &header.metadata().as_ref().unwrap()["expected"];
    let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
    let numbers = |name: &str| -> Vec<f64> {
        file.tensor(name).unwrap().data().as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect()
    };
    let (real, fake) = (numbers("real"), numbers("fake"));
    let real = Statistics::of_f64(&real, 32).unwrap();
    for (key, samples) in [("frechet_distance", 500), ("frechet_distance_20_fakes", 20)] {
        let fake = Statistics::of_f64(&fake[..samples * 32], 32).unwrap();
        let (got, want) = (frechet_distance(&real, &fake).unwrap(), expected[key].as_f64().unwrap());
        println!("{key}: {got}, relative error {:e}", (got - want).abs() / want);
        assert!((got - want).abs() < 1e-6 * want, "{key}: {got}, expected {want}");
    }
}
