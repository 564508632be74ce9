//! The features of a set of images, checked once.

use faer::MatRef;

use super::MetricError;

/// Features `(images, dimensions)` in f64, all finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    numbers: Vec<f64>,
    dimensions: usize,
}

impl Features {
    /// Of numbers row by row, one row an image.
    ///
    /// # Errors
    /// For a length that is no multiple of `dimensions`, or a number that is not finite.
    pub fn new(numbers: Vec<f64>, dimensions: usize) -> Result<Self, MetricError> {
        if dimensions == 0 || !numbers.len().is_multiple_of(dimensions) {
            return Err(MetricError::Features { numbers: numbers.len(), dimensions });
        }
        if let Some(place) = numbers.iter().position(|value| !value.is_finite()) {
            return Err(MetricError::NotFinite { image: place / dimensions, feature: place % dimensions });
        }
        Ok(Self { numbers, dimensions })
    }

    /// Of numbers that are known to be finite and whole rows.
    pub(super) fn from_parts(numbers: Vec<f64>, dimensions: usize) -> Self {
        Self { numbers, dimensions }
    }

    /// As [`new`](Self::new), from what an extractor gives.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of(numbers: &[f32], dimensions: usize) -> Result<Self, MetricError> {
        Self::new(numbers.iter().map(|value| f64::from(*value)).collect(), dimensions)
    }

    /// Images.
    pub fn len(&self) -> usize {
        self.numbers.len() / self.dimensions
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Numbers an image.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// All numbers, row by row.
    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// The features of an image.
    ///
    /// # Panics
    /// Where there is no such image.
    pub fn row(&self, image: usize) -> &[f64] {
        &self.numbers[image * self.dimensions..(image + 1) * self.dimensions]
    }

    /// Those of some images, in the order in which they are named.
    ///
    /// # Panics
    /// Where there is no such image.
    #[must_use]
    pub fn take(&self, images: &[usize]) -> Self {
        let numbers = images.iter().flat_map(|image| self.row(*image)).copied().collect();
        Self { numbers, dimensions: self.dimensions }
    }

    /// The mean of all images; zeros where there are none.
    pub fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.dimensions];
        for row in self.numbers.chunks_exact(self.dimensions) {
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += value;
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= self.len().max(1) as f64);
        mean
    }

    /// All of them less `centre`.
    pub(super) fn less(&self, centre: &[f64]) -> Self {
        let rows = self.numbers.chunks_exact(self.dimensions);
        let numbers = rows.flat_map(|row| row.iter().zip(centre).map(|(value, centre)| value - centre)).collect();
        Self { numbers, dimensions: self.dimensions }
    }

    /// The rows as a matrix `(images, dimensions)`.
    pub(super) fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.numbers, self.len(), self.dimensions)
    }

    /// Fails where `self` and `fake` come from different extractors, or one side has fewer than `needed` images.
    pub(super) fn comparable(&self, fake: &Self, needed: usize) -> Result<(), MetricError> {
        if self.dimensions != fake.dimensions {
            return Err(MetricError::Dimensions { real: self.dimensions, fake: fake.dimensions });
        }
        let fewest = self.len().min(fake.len());
        if fewest < needed { Err(MetricError::Few { images: fewest, needed }) } else { Ok(()) }
    }
}
