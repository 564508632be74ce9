//! The norm of a network's whole gradient, and clipping by it (Pascanu et al. 2013).

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use crate::ops::cpu;

/// Scales `(place, gradient)` down to the norm `most`, taken over all of them together, where they are longer; 0 leaves
/// them. A norm that is no number leaves them too: the weights then tell that training has diverged. Returns the norm before,
/// where it is needed or `wanted`.
pub(super) fn by_norm(gradients: &mut [(usize, Tensor)], most: f64, wanted: bool) -> Result<Option<f64>> {
    if most <= 0.0 && !wanted {
        return Ok(None);
    }
    let mut squares = 0.0;
    for (_, gradient) in gradients.iter() {
        squares += sum_of_squares(gradient)?;
    }
    let norm = squares.sqrt();
    if most > 0.0 && norm.is_finite() && norm > most {
        for (_, gradient) in gradients {
            *gradient = gradient.affine(most / norm, 0.0)?;
        }
    }
    Ok(Some(norm))
}

/// In f64, over blocks of fixed size that are added up in order: the same bits whatever the threads.
fn sum_of_squares(tensor: &Tensor) -> Result<f64> {
    let tensor = tensor.to_device(&Device::Cpu)?.contiguous()?;
    let numbers = cpu::slice(&tensor)?;
    let square = |x: &f32| f64::from(*x) * f64::from(*x);
    let blocks: Vec<f64> = numbers.par_chunks(cpu::BLOCK).map(|block| block.iter().map(square).sum()).collect();
    Ok(blocks.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(gradients: &[(usize, Tensor)]) -> Vec<f32> {
        gradients.iter().flat_map(|(_, g)| g.flatten_all().unwrap().to_vec1::<f32>().unwrap()).collect()
    }

    #[test]
    fn the_whole_gradient_is_brought_to_the_norm_and_keeps_its_direction() {
        let draw = |i: usize| ((i * 7919 % 1000) as f32 - 500.0) * 1e-2;
        let many: Vec<f32> = (0..100_000).map(draw).collect();
        let given = vec![
            (0, Tensor::from_vec(many, (1000, 100), &Device::Cpu).unwrap()),
            (3, Tensor::new(&[3f32, -4.0], &Device::Cpu).unwrap()),
        ];
        let before = numbers(&given);
        let norm = before.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let mut clipped = given.clone();
        let told = by_norm(&mut clipped, 2.5, false).unwrap().unwrap();
        assert!((told - norm).abs() < 1e-9 * norm, "{told}");
        for (got, x) in numbers(&clipped).into_iter().zip(&before) {
            assert!((f64::from(got) - f64::from(*x) * 2.5 / norm).abs() < 1e-9, "{got} for {x}");
        }
        for most in [0.0, norm * 1.01] {
            let mut kept = given.clone();
            let told = by_norm(&mut kept, most, true).unwrap().unwrap();
            assert!((told - norm).abs() < 1e-9 * norm, "{told}");
            assert_eq!(numbers(&kept), before);
        }
    }

    #[test]
    fn a_norm_that_is_no_number_changes_nothing() {
        let mut gradients = vec![(0, Tensor::new(&[1f32, f32::INFINITY], &Device::Cpu).unwrap())];
        by_norm(&mut gradients, 1.0, false).unwrap();
        assert_eq!(numbers(&gradients), [1.0, f32::INFINITY]);
        assert_eq!(by_norm(&mut gradients, 0.0, false).unwrap(), None);
    }
}
