//! Against numbers of PyTorch (`tests/reference/make_augment.py`), and the rule of the adaptive probability by hand.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde::de::DeserializeOwned;

use super::*;
use crate::ops::{Graph, gradients};

struct Reference {
    tensors: HashMap<String, Tensor>,
    settings: HashMap<String, String>,
}

impl Reference {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/augment.safetensors");
        let bytes = std::fs::read(path).unwrap();
        let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
        Self { tensors, settings: metadata.metadata().clone().unwrap() }
    }

    fn tensor(&self, name: &str) -> Tensor {
        self.tensors[name].clone()
    }

    fn chances<const N: usize>(&self, name: &str) -> Vec<[f64; N]> {
        let rows = self.tensor(name).to_vec2::<f64>().unwrap();
        rows.into_iter().map(|row| row.try_into().unwrap()).collect()
    }

    fn case(&self, name: &str) -> (Augment, f64) {
        #[derive(serde::Deserialize)]
        struct Case {
            augment: Augment,
            probability: f64,
        }
        let case: Case = parse(&self.settings[name]);
        (case.augment, case.probability)
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

fn near(got: &Tensor, want: &Tensor, what: &str) {
    assert_eq!(got.dims(), want.dims(), "{what}");
    let numbers = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (got, want) = (numbers(got), numbers(want));
    let scale = want.iter().fold(1e-3f32, |most, x| most.max(x.abs()));
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        assert!((got - want).abs() <= 5e-6 * scale, "{what}, number {i}: {got} where {want} is wanted");
    }
}

#[test]
fn every_change_and_its_gradient_are_those_of_pytorch() {
    let reference = Reference::read();
    let weight = Value::constant(reference.tensor("weight"));
    let names = ["color", "translation", "cutout", "flip", "rotate90", "scale", "rotation", "diffaugment", "all"];
    for name in names {
        let (settings, probability) = reference.case(name);
        let images = Value::leaf(reference.tensor("images"));
        let out = changed(&images, &settings, probability, &reference.chances("chances")).unwrap();
        near(out.tensor(), &reference.tensor(&format!("{name}/out")), name);
        assert_ne!(
            out.tensor().flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            images.tensor().flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            "{name}"
        );
        let sum = out.mul(&weight).unwrap().sum_all().unwrap();
        let gradient = gradients(sum, std::slice::from_ref(&images), Graph::Drop).unwrap().remove(0).unwrap();
        near(gradient.tensor(), &reference.tensor(&format!("{name}/gradient")), name);
    }
}

#[test]
fn r1_through_changes_is_that_of_pytorch() {
    let reference = Reference::read();
    let (settings, probability) = reference.case("all");
    let leaf = |name: &str| Value::leaf(reference.tensor(name));
    let (images, w1, w2) = (leaf("images"), leaf("r1/w1"), leaf("r1/w2"));
    let seen = changed(&images, &settings, probability, &reference.chances("chances")).unwrap();
    let batch = seen.dims()[0];
    let flat = seen.reshape(&[batch, seen.tensor().elem_count() / batch]).unwrap();
    let critic = flat.matmul(&w1).unwrap().tanh().unwrap().matmul(&w2).unwrap().sum_all().unwrap();
    let slope = gradients(critic, std::slice::from_ref(&images), Graph::Keep).unwrap().remove(0).unwrap();
    let penalty = slope.mul(&slope).unwrap().sum_all().unwrap().scale(0.5 / batch as f64).unwrap();
    near(&penalty.tensor().reshape(()).unwrap(), &reference.tensor("r1/value"), "penalty");
    let leaves = [w1, w2, images];
    let got = gradients(penalty, &leaves, Graph::Drop).unwrap();
    for (got, name) in got.into_iter().zip(["r1/d_w1", "r1/d_w2", "r1/d_images"]) {
        near(got.unwrap().tensor(), &reference.tensor(name), name);
    }
}

#[test]
fn second_looks_and_their_differences_are_those_of_pytorch() {
    let reference = Reference::read();
    let loss: Loss = parse(&reference.settings["look"]);
    let images = Value::leaf(reference.tensor("images"));
    let look = second_look(&images, &loss, &reference.chances("looks")).unwrap();
    near(look.tensor(), &reference.tensor("look/out"), "look");
    assert!(!look.has_gradient());

    let leaves: Vec<Value> = ["first", "second"]
        .into_iter()
        .flat_map(|name| (0..2).map(move |scale| (name, scale)))
        .map(|(name, scale)| Value::leaf(reference.tensor(&format!("consistency/{name}")).get(scale).unwrap()))
        .collect();
    let judgements = judgements(&leaves);
    let value = differences(&judgements[..2], &judgements[2..]).unwrap();
    near(&value.tensor().reshape(()).unwrap(), &reference.tensor("consistency/value"), "value");
    let got = gradients(value, &leaves, Graph::Drop).unwrap();
    for (at, got) in got.into_iter().enumerate() {
        let name = ["d_first", "d_second"][at / 2];
        let want = reference.tensor(&format!("consistency/{name}")).get(at % 2).unwrap();
        near(got.unwrap().tensor(), &want, name);
    }
}

fn judgements(logits: &[Value]) -> Vec<DiscriminatorOutput> {
    let of = |logits: &Value| DiscriminatorOutput { logits: logits.clone(), class_logits: None, pixel_logits: None };
    logits.iter().map(of).collect()
}

fn judged(logits: &[&[f32]]) -> Vec<DiscriminatorOutput> {
    let value = |logits: &&[f32]| Value::constant(Tensor::new(*logits, &Device::Cpu).unwrap());
    judgements(&logits.iter().map(value).collect::<Vec<_>>())
}

#[test]
fn the_probability_follows_the_mean_sign() {
    let settings = Augment {
        adaptive: true,
        color: 1.0,
        adaptive_images: 100,
        adaptive_every: 2,
        target: 0.5,
        limit: 0.25,
        ..Augment::default()
    };
    let mut adaptive = Adaptive::default();
    // Signs 1, 1, 0, 1 and 1, 1, 1, -1 of two scales: a mean of 5/8, of 4 images.
    let sure = judged(&[&[0.1, 3.0, 0.0, 9.0], &[1.0, 1.0, 2.0, -5.0]]);
    assert_eq!(adaptive.see(LossKind::Hinge, &sure).unwrap(), Some(0.625));
    adaptive.adjust(&settings, 1);
    assert_eq!((adaptive.probability, adaptive.images), (0.0, 4), "not before its step");
    adaptive.see(LossKind::Hinge, &sure).unwrap();
    adaptive.adjust(&settings, 2);
    // 8 images of 100.
    assert_eq!(adaptive, Adaptive { probability: 0.08, ..Adaptive::default() });
    // Below the target it falls, and stops at 0.
    for wanted in [0.04, 0.0, 0.0] {
        adaptive.see(LossKind::Bce, &judged(&[&[1.0, 1.0, 1.0, -1.0]])).unwrap();
        assert_eq!(adaptive.signs, 2.0);
        adaptive.signs = 1.0;
        adaptive.adjust(&settings, 4);
        assert!((adaptive.probability - wanted).abs() < 1e-12, "{adaptive:?}");
    }
    // On the target it stays.
    adaptive.see(LossKind::Bce, &judged(&[&[1.0, 1.0, 1.0, -1.0]])).unwrap();
    adaptive.adjust(&settings, 6);
    assert_eq!(adaptive, Adaptive::default());
    // It never rises above the limit.
    for _ in 0..20 {
        adaptive.see(LossKind::Bce, &sure).unwrap();
        adaptive.adjust(&settings, 8);
    }
    assert_eq!(adaptive.probability, 0.25);
    // Logits that are no numbers move nothing.
    adaptive.see(LossKind::Bce, &judged(&[&[f32::NAN, 1.0]])).unwrap();
    adaptive.adjust(&settings, 10);
    assert_eq!(adaptive, Adaptive { probability: 0.25, ..Adaptive::default() });
}

#[test]
fn each_loss_has_its_border() {
    let logits = judged(&[&[0.4, 0.6, 0.5, 0.9]]);
    let sign = |kind| Adaptive::default().see(kind, &logits).unwrap();
    assert_eq!(sign(LossKind::Bce), Some(1.0));
    // Targets of 1 and 0 meet at a half.
    assert_eq!(sign(LossKind::LeastSquares), Some(0.25));
    assert_eq!(sign(LossKind::WassersteinGp), None);
}

#[test]
fn what_is_off_takes_the_same_numbers_as_what_is_on() {
    let side = (16, 16);
    let chances: [f64; CHANCES] = std::array::from_fn(|i| (i * 7919 % 101) as f64 / 101.0);
    let everything = Augment {
        color: 1.0,
        translation: 0.25,
        cutout: 0.5,
        flip: true,
        rotate90: true,
        scale: 0.2,
        rotation: 180.0,
        ..Augment::default()
    };
    let (_, whole) = changes(&everything, 1.0, &chances, side);
    let hole = Augment { cutout: 0.5, ..Augment::default() };
    let (color, place) = changes(&hole, 1.0, &chances, side);
    assert_eq!((color, place), (Recolor::NONE, Placement { hole: whole.hole, ..Placement::NONE }));
    assert_eq!(changes(&everything, 0.0, &chances, side), (Recolor::NONE, Placement::NONE));
    assert!(whole.map.is_some() && whole.hole.is_some());
}

#[test]
fn reals_fakes_and_updates_draw_apart_and_again() {
    let images = Value::constant(Tensor::zeros((3, 4, 4, 1), candle_core::DType::F32, &Device::Cpu).unwrap());
    let of = |purpose, batch| draw::<CHANCES>(&images, 7, purpose, batch);
    let first = of(Purpose::DiscriminatorAugment, 0);
    assert_eq!(first, of(Purpose::DiscriminatorAugment, 0));
    assert_ne!(first[0], first[1], "every image has its own");
    assert_ne!(first, of(Purpose::DiscriminatorAugment, 1));
    assert_ne!(first, of(Purpose::GeneratorAugment, 0));
}
