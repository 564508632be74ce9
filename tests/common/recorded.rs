//! What a PyTorch reference recorded of a network: start weights, outputs and gradients, a case an option.

use std::collections::HashMap;

use candle_core::Tensor;
use gandle::model::Store;
use gandle::ops::Value;

/// One case of the reference: its name and all recorded tensors.
pub struct Case<'a> {
    pub name: &'a str,
    pub tensors: &'a HashMap<String, Tensor>,
}

impl Case<'_> {
    pub fn find(&self, name: &str) -> Option<Tensor> {
        self.tensors.get(&format!("{}/{name}", self.name)).cloned()
    }

    pub fn get(&self, name: &str) -> Tensor {
        self.find(name).unwrap_or_else(|| panic!("{}/{name}", self.name))
    }

    pub fn load(&self, store: &mut Store) {
        store.load(|name| self.find(&format!("weights/{name}"))).unwrap();
    }

    /// Asserts that numbers in the program's arrangement of images are the recorded ones.
    pub fn assert_near(&self, got: &Tensor, name: &str) {
        let want = self.get(name);
        let got = if want.rank() == 4 && got.dims() != want.dims() { to_planes(got) } else { got.clone() };
        assert_eq!(got.dims(), want.dims(), "{}/{name}", self.name);
        let norm = |x: &Tensor| x.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
        let distance = norm(&(got - &want).unwrap()) / norm(&want).max(1e-6);
        assert!(distance < 1e-5, "{}/{name}: {distance}", self.name);
    }
}

pub fn to_planes(images: &Tensor) -> Tensor {
    images.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()
}

pub fn from_planes(images: &Tensor) -> Tensor {
    images.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
}

pub fn weighted(output: &Value, weight: &Tensor) -> Value {
    output.mul(&Value::constant(weight.clone())).unwrap().sum_all().unwrap()
}
