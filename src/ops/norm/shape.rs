//! Who shares statistics with whom, sums that do not depend on the number of threads, loops over blocks.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::statistics::{EPSILON, Over, Statistics};
use crate::ops::cpu;
use crate::ops::rows::{self, Formula};
use crate::ops::tape::Value;

/// Shapes of a `(B, H, W, C)` value in a normalisation.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub batch: usize,
    pub positions: usize,
    pub channels: usize,
    pub over: Over,
    pub slope: f32,
    /// Rows of scale and shift: 1, or one an image.
    pub rows: usize,
}

impl Shape {
    /// Fails where `x` is no batch of images with something on them, or scale and shift do not fit it.
    pub fn of(x: &Value, scale: &Value, shift: &Value, over: Over, slope: f32) -> Result<Self> {
        let (batch, height, width, channels) = x.tensor().dims4()?;
        let rows = scale.dims().first().copied().unwrap_or(0);
        let fits = scale.dims() == [rows, channels] && shift.dims() == scale.dims() && (rows == 1 || rows == batch);
        if !fits || x.tensor().elem_count() == 0 {
            bail!("normalisation: scale {:?} and shift {:?} do not fit {:?}", scale.dims(), shift.dims(), x.dims());
        }
        Ok(Self { batch, positions: height * width, channels, over, slope, rows })
    }

    pub fn image(&self) -> usize {
        self.positions * self.channels
    }

    pub fn groups(&self) -> usize {
        match self.over {
            Over::Batch => self.channels,
            Over::Image => self.batch,
        }
    }

    pub fn count(&self) -> usize {
        match self.over {
            Over::Batch => self.batch * self.positions,
            Over::Image => self.image(),
        }
    }

    /// Whose statistics a number is normalised with.
    pub fn group(&self, image: usize, channel: usize) -> usize {
        match self.over {
            Over::Batch => channel,
            Over::Image => image,
        }
    }

    /// Where an image's row of scale and shift begins.
    pub fn table_row(&self, image: usize) -> usize {
        if self.rows == 1 { 0 } else { image * self.channels }
    }

    /// A number a group as a number a channel of an image.
    pub fn spread(&self, image: usize, of: &[f32]) -> Vec<f32> {
        (0..self.channels).map(|channel| of[self.group(image, channel)]).collect()
    }

    /// A kernel's coefficients for each channel of an image, from its group and its place in scale and shift.
    pub fn coefficients<const N: usize>(&self, image: usize, of: impl Fn(usize, usize) -> [f32; N]) -> [Vec<f32>; N] {
        let mut out = [(); N].map(|()| Vec::with_capacity(self.channels));
        let row = self.table_row(image);
        for channel in 0..self.channels {
            for (out, coefficient) in out.iter_mut().zip(of(self.group(image, channel), row + channel)) {
                out.push(coefficient);
            }
        }
        out
    }

    /// Sums of a formula's results over an image's positions: `(B, O, C)`. `columns(image)` are its coefficients.
    pub fn image_sums<const I: usize, const K: usize, const O: usize>(
        &self,
        formula: &impl Formula<I, K, O>,
        inputs: [&[f32]; I],
        columns: impl Fn(usize) -> [Vec<f32>; K] + Sync,
    ) -> Vec<f64> {
        let c = self.channels;
        let images: Vec<Vec<f64>> = (0..self.batch)
            .into_par_iter()
            .map(|image| {
                let (first, columns) = (image * self.positions, columns(image));
                cpu::block_sums(self.positions, c, O * c, |rows, sums| {
                    let block = (first + rows.start) * c..(first + rows.end) * c;
                    let inputs = inputs.map(|input| &input[block.clone()]);
                    rows::sum(formula, c, inputs, columns.each_ref().map(Vec::as_slice), sums);
                })
            })
            .collect();
        images.concat()
    }

    /// Multiplies one lane of [`Shape::image_sums`] by a factor a group.
    pub fn scale_lane(&self, sums: &mut [f64], lanes: usize, lane: usize, factors: &[f32]) {
        for (image, sums) in sums.chunks_exact_mut(lanes * self.channels).enumerate() {
            for (channel, sum) in sums[lane * self.channels..].iter_mut().take(self.channels).enumerate() {
                *sum *= f64::from(factors[self.group(image, channel)]);
            }
        }
    }

    /// The mean over each group of what `of(image, channel)` sums over positions.
    pub fn group_means(&self, of: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let sum = |group: usize| -> f64 {
            match self.over {
                Over::Batch => (0..self.batch).map(|image| of(image, group)).sum(),
                Over::Image => (0..self.channels).map(|channel| of(group, channel)).sum(),
            }
        };
        (0..self.groups()).map(|group| sum(group) / self.count() as f64).collect()
    }

    /// What `of(image, channel)` sums over positions, in the shape of scale and shift.
    pub fn table(&self, of: impl Fn(usize, usize) -> f64) -> Result<Tensor> {
        let c = self.channels;
        let data: Vec<f32> = match self.rows {
            1 => (0..c).map(|ch| (0..self.batch).map(|image| of(image, ch)).sum::<f64>() as f32).collect(),
            rows => (0..rows * c).map(|i| of(i / c, i % c) as f32).collect(),
        };
        cpu::tensor(data, (self.rows, c))
    }

    /// Rows that are worked on at a time: large images are shared out, small ones stay whole.
    fn step(&self) -> usize {
        cpu::block_rows(self.channels).min(self.positions) * self.channels
    }

    /// A formula's results, in blocks of rows and in parallel. `columns(image)` are its coefficients.
    pub fn map<const I: usize, const K: usize>(
        &self,
        formula: &impl Formula<I, K, 1>,
        inputs: [&[f32]; I],
        columns: impl Fn(usize) -> [Vec<f32>; K] + Sync,
    ) -> Vec<f32> {
        let write = |[out]: [&mut [f32]; 1]| {
            out.par_chunks_mut(self.image()).enumerate().for_each(|(image, out)| {
                let columns = columns(image);
                out.par_chunks_mut(self.step()).enumerate().for_each(|(i, out)| {
                    let start = image * self.image() + i * self.step();
                    let inputs = inputs.map(|input| &input[start..start + out.len()]);
                    rows::map(formula, self.channels, inputs, columns.each_ref().map(Vec::as_slice), [out]);
                });
            });
        };
        // SAFETY: blocks of rows of all images are the output, and `rows::map` writes all of each.
        #[expect(unsafe_code, reason = "every number is written")]
        let [out] = unsafe { cpu::written([inputs[0].len()], write) };
        out
    }

    /// As [`Shape::map`], for two results at a time.
    pub fn map_pair<const I: usize, const K: usize>(
        &self,
        formula: &impl Formula<I, K, 2>,
        inputs: [&[f32]; I],
        columns: impl Fn(usize) -> [Vec<f32>; K] + Sync,
    ) -> [Vec<f32>; 2] {
        let write = |[one, other]: [&mut [f32]; 2]| {
            let images = one.par_chunks_mut(self.image()).zip(other.par_chunks_mut(self.image()));
            images.enumerate().for_each(|(image, (one, other))| {
                let columns = columns(image);
                let blocks = one.par_chunks_mut(self.step()).zip(other.par_chunks_mut(self.step()));
                blocks.enumerate().for_each(|(i, (one, other))| {
                    let start = image * self.image() + i * self.step();
                    let inputs = inputs.map(|input| &input[start..start + one.len()]);
                    rows::map(formula, self.channels, inputs, columns.each_ref().map(Vec::as_slice), [one, other]);
                });
            });
        };
        // SAFETY: as in [`Shape::map`], for both.
        #[expect(unsafe_code, reason = "every number is written")]
        let out = unsafe { cpu::written([inputs[0].len(); 2], write) };
        out
    }
}

/// The statistics as the kernels read them.
pub(super) struct Saved {
    pub mean: Vec<f32>,
    /// `1 / sqrt(variance + EPSILON)`
    pub inverse: Vec<f32>,
}

impl Saved {
    /// Rounded to f32.
    pub fn of(statistics: &Statistics) -> Self {
        let mean = statistics.mean.iter().map(|x| *x as f32).collect();
        Self { mean, inverse: statistics.variance.iter().map(|x| (1.0 / (x + EPSILON).sqrt()) as f32).collect() }
    }
}
