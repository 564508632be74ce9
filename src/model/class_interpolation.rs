//! Classes between classes: what a generator draws on the way from one label to another.

use candle_core::{Result, Tensor};

use super::parameters::ParameterStore;

/// A generator's numbers with further classes behind its own: for each share the mix of the classes `from` (at 0) and `to`
/// (at 1), in a straight line between what was learnt of the two.
///
/// # Errors
/// Where there is no such class.
pub fn with_classes_between(store: &ParameterStore, from: usize, to: usize, shares: &[f64]) -> Result<ParameterStore> {
    let mut mixed = store.clone();
    for entry in mixed.entries_mut().iter_mut().filter(|entry| entry.by_class) {
        let row = |class: usize| entry.tensor.narrow(0, class, 1);
        let (first, last) = (row(from)?, row(to)?);
        let mut rows = vec![entry.tensor.clone()];
        for share in shares {
            rows.push((first.affine(1.0 - share, 0.0)? + last.affine(*share, 0.0)?)?);
        }
        entry.tensor = Tensor::cat(&rows, 0)?.contiguous()?;
    }
    Ok(mixed)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::config::{Config, GeneratorNorm};
    use crate::model::Generator;

    #[test]
    fn the_ends_of_the_way_are_the_classes_themselves() {
        for norm in [GeneratorNorm::Batch, GeneratorNorm::ConditionalBatch] {
            let mut config = Config { image_size: 16, ..Config::default() };
            (config.generator.base_channels, config.generator.latent_dim, config.generator.norm) = (4, 8, norm);
            config.generator.attention.clear();
            let (generator, store) = Generator::new(&config, 3, &Device::Cpu).unwrap();
            let stage = config.stage(0);
            let z = Tensor::arange(-4_f32, 4.0, &Device::Cpu).unwrap().reshape((1, 8)).unwrap();
            let draw = |store: &ParameterStore, class: u32| {
                let labels = Tensor::new(&[class], &Device::Cpu).unwrap();
                let images = generator.evaluate(stage, &mut store.clone(), &z, &labels).unwrap();
                images.flatten_all().unwrap().to_vec1::<f32>().unwrap()
            };
            let mixed = with_classes_between(&store, 2, 0, &[0.0, 0.5, 1.0]).unwrap();
            assert_eq!(draw(&mixed, 1), draw(&store, 1), "its own classes are as they were");
            assert_eq!(draw(&mixed, 3), draw(&store, 2));
            assert_eq!(draw(&mixed, 5), draw(&store, 0));
            let half = draw(&mixed, 4);
            assert!(half != draw(&store, 2) && half != draw(&store, 0), "{norm}");
            assert!(with_classes_between(&store, 0, 3, &[0.5]).is_err());
        }
    }
}
