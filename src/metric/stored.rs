//! Statistics as bytes, so that they need not be computed twice. Every number comes back bit for bit.

use faer::Mat;

use super::Statistics;

/// Bytes of a number.
const WIDTH: usize = 8;
/// Samples, dimensions, trace.
const HEAD: usize = 3 * WIDTH;

impl Statistics {
    /// Samples and dimensions (u64), the trace, the mean and the factor's rows (f64), all little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD + (self.factor.nrows() + 1) * self.dimensions() * WIDTH);
        for count in [self.samples, self.dimensions()] {
            out.extend((count as u64).to_le_bytes());
        }
        out.extend(self.trace.to_le_bytes());
        out.extend(self.mean.iter().flat_map(|number| number.to_le_bytes()));
        for row in 0..self.factor.nrows() {
            out.extend((0..self.dimensions()).flat_map(|column| self.factor[(row, column)].to_le_bytes()));
        }
        out
    }

    /// What [`to_bytes`](Self::to_bytes) wrote; nothing where the bytes cannot be that.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<WIDTH>();
        let [samples, dimensions, trace, numbers @ ..] = words else { return None };
        let count = |word: &[u8; WIDTH]| usize::try_from(u64::from_le_bytes(*word)).ok();
        let (samples, dimensions) = (count(samples)?, count(dimensions)?);
        let rows = samples.min(dimensions);
        let whole = rest.is_empty() && rows.checked_add(1)?.checked_mul(dimensions)? == numbers.len();
        if !whole || samples < 2 || dimensions == 0 {
            return None;
        }
        let trace = f64::from_le_bytes(*trace);
        let numbers: Vec<f64> = numbers.iter().map(|word| f64::from_le_bytes(*word)).collect();
        if !trace.is_finite() || !numbers.iter().all(|number| number.is_finite()) {
            return None;
        }
        let (mean, factor) = numbers.split_at(dimensions);
        let factor = Mat::from_fn(rows, dimensions, |row, column| factor[row * dimensions + column]);
        Some(Self { mean: mean.to_vec(), factor, trace, samples })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::frechet_distance;

    fn statistics(samples: usize, seed: usize) -> Statistics {
        let features: Vec<f32> = (0..samples * 5).map(|i| ((i * i * 37 + seed) % 101) as f32 / 7.0).collect();
        Statistics::of(&features, 5).unwrap()
    }

    #[test]
    fn few_and_many_samples_come_back_bit_for_bit() {
        for samples in [2, 4, 5, 40] {
            let (before, fake) = (statistics(samples, 3), statistics(9, 8));
            let bytes = before.to_bytes();
            let after = Statistics::from_bytes(&bytes).unwrap();
            assert_eq!(after.to_bytes(), bytes);
            assert_eq!((after.samples(), after.dimensions()), (samples, 5));
            let distance = |real| frechet_distance(real, &fake).unwrap().to_bits();
            assert_eq!(distance(&after), distance(&before));
        }
    }

    #[test]
    fn bytes_of_anything_else_are_nothing() {
        let bytes = statistics(4, 1).to_bytes();
        for length in 0..bytes.len() {
            assert!(Statistics::from_bytes(&bytes[..length]).is_none(), "{length}");
        }
        assert!(Statistics::from_bytes(&[&bytes[..], &[0]].concat()).is_none());
        let with = |place: usize, word: [u8; 8]| {
            let mut bytes = bytes.clone();
            bytes[place * 8..place * 8 + 8].copy_from_slice(&word);
            Statistics::from_bytes(&bytes)
        };
        for count in [0, 1, 3, 1 << 40, u64::MAX] {
            assert!(with(0, count.to_le_bytes()).is_none() && with(1, count.to_le_bytes()).is_none(), "{count}");
        }
        for place in [2, 3, 20] {
            assert!(with(place, f64::NAN.to_le_bytes()).is_none() && with(place, 1f64.to_le_bytes()).is_some());
        }
    }
}
