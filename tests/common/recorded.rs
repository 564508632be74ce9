//! What a PyTorch reference recorded of a network: start weights, outputs and gradients, a case an option.

use std::collections::{BTreeSet, HashMap};

use candle_core::{DType, Device, Tensor};
use gandle::config::{Config, Stage};
use gandle::model::{Discriminator, Generator, Mode, ParameterStore, Pass};
use gandle::ops::{Graph, Value, gradients};

/// One case of the reference: its name and all recorded tensors.
pub struct Case<'a> {
    pub name: &'a str,
    pub tensors: &'a HashMap<String, Tensor>,
}

impl Case<'_> {
    fn find(&self, name: &str) -> Option<Tensor> {
        self.tensors.get(&format!("{}/{name}", self.name)).cloned()
    }

    fn get(&self, name: &str) -> Tensor {
        self.find(name).unwrap_or_else(|| panic!("{}/{name}", self.name))
    }

    fn load(&self, store: &mut ParameterStore) {
        store.load(|name| self.find(&format!("weights/{name}"))).unwrap();
    }

    /// Asserts that numbers in the program's arrangement of images are the recorded ones.
    fn assert_near(&self, got: &Tensor, name: &str) {
        let want = self.get(name);
        let got = if want.rank() == 4 && got.dims() != want.dims() { to_planes(got) } else { got.clone() };
        assert_eq!(got.dims(), want.dims(), "{}/{name}", self.name);
        let norm = |x: &Tensor| x.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
        let distance = norm(&(got - &want).unwrap()) / norm(&want).max(1e-6);
        assert!(distance < 1e-5, "{}/{name}: {distance}", self.name);
    }
}

fn to_planes(images: &Tensor) -> Tensor {
    images.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()
}

fn from_planes(images: &Tensor) -> Tensor {
    images.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
}

fn weighted(output: &Value, weight: &Tensor) -> Value {
    output.mul(&Value::constant(weight.clone())).unwrap().sum_all().unwrap()
}

pub fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Outputs at a stage, and the gradients of their weighted sum in the input and in every weight that the stage reads, whose
/// names are returned, with the store.
pub fn compare(case: &Case<'_>, config: &Config, classes: usize, stage: Stage) -> (BTreeSet<String>, ParameterStore) {
    let labels = case.get("labels").to_dtype(DType::U32).unwrap();
    let (total, input, store, leaves) = if case.find("images").is_some() {
        let (generator, mut store) = Generator::new(config, classes, &Device::Cpu).unwrap();
        case.load(&mut store);
        let input = Value::leaf(case.get("input"));
        let mut pass = Pass::new(&mut store, Mode::Train, true).at(stage);
        let images = generator.forward(&mut pass, &input, &labels).unwrap();
        case.assert_near(&to_planes(images.tensor()), "images");
        let total = weighted(&images, &from_planes(&case.get("weight/images")));
        let leaves = pass.leaves();
        (total, input, store, leaves)
    } else {
        let (discriminator, mut store) = Discriminator::new(config, classes, &Device::Cpu).unwrap();
        case.load(&mut store);
        let input = Value::leaf(from_planes(&case.get("input")));
        let mut pass = Pass::new(&mut store, Mode::Train, true).at(stage);
        let judgement = discriminator.forward(&mut pass, &input, &labels).unwrap().remove(0);
        case.assert_near(judgement.logits.tensor(), "logits");
        let mut total = weighted(&judgement.logits, &case.get("weight/logits"));
        if let Some(classes) = &judgement.class_logits {
            case.assert_near(classes.tensor(), "classes");
            total = total.add(&weighted(classes, &case.get("weight/classes"))).unwrap();
        }
        assert_eq!(judgement.pixel_logits.is_some(), config.discriminator.unet);
        if let Some(pixels) = &judgement.pixel_logits {
            case.assert_near(&to_planes(pixels.tensor()), "pixels");
            total = total.add(&weighted(pixels, &from_planes(&case.get("weight/pixels")))).unwrap();
        }
        let leaves = pass.leaves();
        (total, input, store, leaves)
    };
    let mut of = vec![input];
    of.extend(leaves.iter().map(|(_, leaf)| leaf.clone()));
    let mut found = gradients(total, &of, Graph::Drop).unwrap().into_iter().map(Option::unwrap);
    let of_input = found.next().unwrap();
    let of_input = if of_input.dims().len() == 4 { to_planes(of_input.tensor()) } else { of_input.tensor().clone() };
    case.assert_near(&of_input, "gradient/input");
    let mut read = BTreeSet::new();
    for ((place, _), gradient) in leaves.iter().zip(found) {
        let entry = store.entries()[*place].alike(gradient.tensor().clone());
        let name = format!("gradient/{}", entry.name);
        if entry.name.ends_with("key.bias") {
            // It moves all scores of a row alike, which a softmax does not see: 0 but for rounding, in both.
            let both = [floats(&case.get(&name)), floats(&entry.tensor)].concat();
            assert!(both.iter().all(|x| x.abs() < 1e-5), "{name}: {both:?}");
        } else {
            case.assert_near(&entry.to_file().unwrap(), &name);
        }
        read.insert(entry.name);
    }
    (read, store)
}
