//! The Inception of 2015 against pytorch-fid and torch-fidelity, with made-up weights (`tests/data/README.md`): those that
//! are published are a download of 95 MB.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use gandle::feature::{FeatureError, Inception, Picture, Resize};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

const FEATURES: &[u8] = include_bytes!("data/features.safetensors");
/// Names of the convolutions, with outputs, inputs, rows and columns.
const LAYERS: &str = include_str!("data/inception.txt");

/// Numbers that any language can make again: splitmix64 counted from FNV-1a of the name, as uniform numbers of [-1, 1),
/// times `sqrt(6 / fan in)` for weights, a tenth of them for the rest, plus 1 for gains and variances.
fn made_up(name: &str, shape: &[usize]) -> Vec<f32> {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    let mut state = name.bytes().fold(0xCBF2_9CE4_8422_2325, fnv);
    let draw = |_| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let u = ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-52) - 1.0;
        if shape.len() > 1 {
            (u * (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt()) as f32
        } else {
            let one = name.ends_with("bn.weight") || name.ends_with("running_var");
            (u * 0.1 + f64::from(u8::from(one))) as f32
        }
    };
    (0..shape.iter().product()).map(draw).collect()
}

/// Names and shapes of all tensors.
fn tensors() -> BTreeMap<String, Vec<usize>> {
    let mut tensors = BTreeMap::from([("fc.weight".to_owned(), vec![1008, 2048]), ("fc.bias".to_owned(), vec![1008])]);
    for line in LAYERS.lines() {
        let (name, shape) = line.split_once(' ').unwrap();
        let shape: Vec<usize> = shape.split(' ').map(|number| number.parse().unwrap()).collect();
        for part in ["weight", "bias", "running_mean", "running_var"] {
            tensors.insert(format!("{name}.bn.{part}"), vec![shape[0]]);
        }
        tensors.insert(format!("{name}.conv.weight"), shape);
    }
    tensors
}

fn write(path: &Path, tensors: &BTreeMap<String, Vec<usize>>, numbers: impl Fn(&str, &[usize]) -> Vec<f32>) {
    let bytes = |name: &str, shape: &[usize]| numbers(name, shape).into_iter().flat_map(f32::to_le_bytes).collect();
    let made: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors.iter().map(|(n, s)| (n, s, bytes(n, s))).collect();
    let views = made.iter().map(|(n, s, b)| (*n, TensorView::new(Dtype::F32, (*s).clone(), b).unwrap()));
    serialize_to_file(views, None, path).unwrap();
}

static NETWORK: LazyLock<Inception> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made-up.safetensors");
    write(&path, &tensors(), made_up);
    Inception::open(&path).unwrap()
});

/// 16 images `(96, 96, 3)`.
fn images() -> Vec<Vec<u8>> {
    let file = SafeTensors::deserialize(FEATURES).unwrap();
    let planes = file.tensor("images").unwrap().data().to_vec(); // (16, 3, 96, 96)
    let pixels = 96 * 96;
    let turn = |image: &[u8]| (0..3 * pixels).map(|i| image[i % 3 * pixels + i / 3]).collect();
    planes.chunks(3 * pixels).map(turn).collect()
}

fn pictures(images: &[Vec<u8>]) -> Vec<Picture<'_>> {
    images.iter().map(|pixels| Picture { pixels, height: 96, width: 96, channels: 3 }).collect()
}

fn worst(got: &[f32], name: &str, width: usize) -> f64 {
    let file = SafeTensors::deserialize(FEATURES).unwrap();
    let tensor = file.tensor(name).unwrap();
    let want: Vec<f32> = tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    let square = |v: f32| f64::from(v) * f64::from(v);
    let error = |(got, want): (&[f32], &[f32])| {
        let difference: f64 = got.iter().zip(want).map(|(&a, &b)| square(a - b)).sum();
        (difference / want.iter().map(|&v| square(v)).sum::<f64>()).sqrt()
    };
    let worst = got.chunks(width).zip(want.chunks(width)).map(error).fold(0.0, f64::max);
    println!("{name}: worst relative error of an image {worst:e}");
    worst
}

#[test]
fn features_and_logits_are_torch_fidelitys_and_pytorch_fids() {
    let images = images();
    let seen = NETWORK.look(&pictures(&images), Resize::TorchFidelity).unwrap();
    assert_eq!((seen.features.len(), seen.logits.len()), (16 * Inception::FEATURES, 16 * Inception::LOGITS));
    assert!(worst(&seen.features, "inception_pool3", Inception::FEATURES) < 1e-4);
    assert!(worst(&seen.logits, "inception_logits", Inception::LOGITS) < 1e-4);
    let fed = NETWORK.look(&pictures(&images), Resize::PytorchFid).unwrap();
    assert!(worst(&fed.features, "inception_pool3_pytorch_fid", Inception::FEATURES) < 1e-4);
}

#[test]
fn what_is_seen_does_not_depend_on_neighbours_threads_or_channels() {
    let images = images();
    let some = pictures(&images[..5]);
    let together = NETWORK.look(&some, Resize::Clean).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let alone = pool.install(|| NETWORK.look(&some[4..], Resize::Clean)).unwrap();
    assert!(together.features[4 * Inception::FEATURES..] == alone.features, "the same bits");
    let grey: Vec<u8> = images[0].iter().step_by(3).copied().collect();
    let colour: Vec<u8> = grey.iter().flat_map(|&v| [v; 3]).collect();
    let of = |pixels: &[u8], channels| {
        NETWORK.look(&[Picture { pixels, height: 96, width: 96, channels }], Resize::Clean).unwrap()
    };
    assert!(of(&grey, 1) == of(&colour, 3));
}

#[test]
fn other_weights_say_so_in_their_name() {
    assert!(NETWORK.name().starts_with("inception-2015:") && NETWORK.name().len() == 23, "{}", NETWORK.name());
}

#[test]
fn wrong_files_are_refused_with_what_was_expected_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let told = |path: &Path| Inception::open(path).err().unwrap().to_string();
    let zeros = |_: &str, shape: &[usize]| vec![0.0; shape.iter().product()];
    let small = |wrong: &str, shape: Option<Vec<usize>>| {
        // Only what is read before the error.
        let mut tensors: BTreeMap<_, _> =
            tensors().into_iter().filter(|(name, _)| name.starts_with("fc") || name.contains("_1a_")).collect();
        tensors.remove(wrong);
        tensors.extend(shape.map(|shape| (wrong.to_owned(), shape)));
        let path = folder.path().join("wrong.safetensors");
        write(&path, &tensors, zeros);
        told(&path)
    };
    let thousand = small("fc.weight", Some(vec![1000, 2048]));
    assert!(thousand.contains("[1000, 2048]") && thousand.contains("[1008, 2048]"), "{thousand}");
    let lacking = small("Conv2d_1a_3x3.bn.running_var", None);
    assert!(lacking.contains("Conv2d_1a_3x3.bn.running_var") && lacking.contains("[32]"), "{lacking}");
    let path = folder.path().join("pt_inception-2015-12-05-6726825d.pth");
    std::fs::write(&path, include_bytes!("data/weights.pth")).unwrap();
    let renamed = told(&path);
    assert!(renamed.contains("6726825d0af5f729") && renamed.contains("download it again"), "{renamed}");
    std::fs::write(&path, b"no weights").unwrap();
    assert!(matches!(Inception::open(&path), Err(FeatureError::File { .. })));
    assert!(told(&folder.path().join("none.pth")).contains("none.pth"));
}
