//! What dyes do to light: every layer adds optical density, and the picture is the light that comes through
//! (Beer-Lambert), so that cells that overlap darken each other as they do under a microscope.

use rand::Rng as _;
use rand_distr::StandardNormal;

use super::shape::{Noise, Point, between};
use crate::config::rng::ChaCha8Rng;

/// Optical density in red, green and blue: 0 is clear, each unit takes away 63 % of the light.
pub(super) type Density = [f32; 3];

/// The density of one layer of dye that lets this share of red, green and blue (in (0, 1]) through.
pub(super) fn dye(transmitted: [f32; 3]) -> Density {
    transmitted.map(|share| -share.ln())
}

/// `strength` layers of a dye.
pub(super) fn scaled(density: Density, strength: f32) -> Density {
    density.map(|d| d * strength)
}

/// Puts `top` in the place of what was there, as far as `cover` (0 to 1) goes.
pub(super) fn replace(below: &mut Density, top: Density, cover: f32) {
    for (d, t) in below.iter_mut().zip(top) {
        *d += (t - *d) * cover;
    }
}

/// The field of view as densities, at a resolution that may be finer than the image's.
pub(super) struct Canvas {
    side: usize,
    density: Vec<Density>,
}

/// How a field is lit and recorded. Lengths are those of the field, which is two units wide.
pub(super) struct Optics {
    /// Light that a clear field lets through, 0 to 1.
    pub background: [f32; 3],
    /// How much brighter the light is one unit to the right and down of the centre.
    pub slope: [f32; 2],
    /// Loss of light in the corners.
    pub vignette: f32,
    /// Standard deviation of the blur of a lens that is a little out of focus.
    pub defocus: f32,
    /// Standard deviation of the sensor's noise, on a scale of 0 to 1.
    pub noise: f32,
    /// Thin unevenness of the dried plasma, as a density.
    pub haze: Density,
}

impl Optics {
    /// A microscope and a stain of their own for each image.
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        let warmth = between(rng, -0.018, 0.022);
        let light = between(rng, 0.91, 0.975);
        let angle = super::shape::any_angle(rng);
        let slope = between(rng, 0.0, 0.045);
        Self {
            background: [light + warmth * 0.5, light - 0.022 + between(rng, -0.012, 0.012), light - 0.012 - warmth],
            slope: [slope * angle.cos(), slope * angle.sin()],
            vignette: between(rng, 0.0, 0.05),
            defocus: between(rng, 0.003, 0.017),
            noise: between(rng, 0.006, 0.014),
            haze: scaled(dye([0.93, 0.88, 0.93]), between(rng, 0.15, 0.7)),
        }
    }
}

impl Canvas {
    /// A clear field of `side` by `side` pixels.
    pub fn new(side: usize) -> Self {
        Self { side, density: vec![[0.0; 3]; side * side] }
    }

    /// The width of a pixel.
    pub fn pixel(&self) -> f32 {
        2.0 / self.side as f32
    }

    /// Calls `paint` with every pixel of the square of half-width `reach` around `centre`.
    pub fn paint(&mut self, centre: Point, reach: f32, mut paint: impl FnMut(Point, &mut Density)) {
        let (side, pixel) = (self.side, self.pixel());
        let bounds = |c: f32| {
            let low = ((c - reach + 1.0) / pixel).floor().max(0.0) as usize;
            let high = ((c + reach + 1.0) / pixel).ceil().clamp(0.0, side as f32) as usize;
            (low.min(high), high)
        };
        let ((left, right), (top, bottom)) = (bounds(centre[0]), bounds(centre[1]));
        for row in top..bottom {
            let y = (row as f32 + 0.5) * pixel - 1.0;
            for (column, density) in self.density[row * side + left..row * side + right].iter_mut().enumerate() {
                let x = ((left + column) as f32 + 0.5) * pixel - 1.0;
                paint([x, y], density);
            }
        }
    }

    /// Averages the light that comes through down to `size` by `size` pixels, lights and blurs them, and records them
    /// with noise: RGB, row by row. `size` divides the canvas's side.
    pub fn expose(self, rng: &mut ChaCha8Rng, optics: &Optics, size: usize) -> Vec<u8> {
        let mut light = self.transmitted(size);
        let (haze, pixel) = (Noise::new(rng, 1.7), 2.0 / size as f32);
        for (index, light) in light.iter_mut().enumerate() {
            let [x, y] = [(index % size) as f32, (index / size) as f32].map(|at| (at + 0.5) * pixel - 1.0);
            let thickness = haze.at([x, y]);
            let lamp = 1.0 + optics.slope[0] * x + optics.slope[1] * y - optics.vignette * (x * x + y * y);
            for (channel, light) in light.iter_mut().enumerate() {
                *light *= optics.background[channel] * lamp * (-optics.haze[channel] * thickness).exp();
            }
        }
        record(rng, &blur(light, size, optics.defocus / pixel), optics.noise)
    }

    /// The share of light that comes through, averaged down to `size` pixels a side.
    fn transmitted(self, size: usize) -> Vec<[f32; 3]> {
        let factor = self.side / size;
        let share = 1.0 / (factor * factor) as f32;
        let mut light = vec![[0.0; 3]; size * size];
        for (row, densities) in self.density.chunks_exact(self.side).enumerate() {
            let line = &mut light[row / factor * size..][..size];
            for (to, from) in line.iter_mut().zip(densities.chunks_exact(factor)) {
                for density in from {
                    for (light, density) in to.iter_mut().zip(density) {
                        *light += share * (-density).exp();
                    }
                }
            }
        }
        light
    }
}

/// Sensor noise, mostly the same in the three channels, and rounding to bytes.
fn record(rng: &mut ChaCha8Rng, light: &[[f32; 3]], noise: f32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(light.len() * 3);
    for pixel in light {
        let shared: f32 = rng.sample(StandardNormal);
        for value in pixel {
            let own: f32 = rng.sample(StandardNormal);
            bytes.push(((value + noise * (0.8 * shared + 0.5 * own)) * 255.0).round().clamp(0.0, 255.0) as u8);
        }
    }
    bytes
}

/// Blurs with a Gaussian of `sigma` pixels, along rows and then along columns; borders repeat.
fn blur(light: Vec<[f32; 3]>, side: usize, sigma: f32) -> Vec<[f32; 3]> {
    // Narrower than this, the neighbours' weights vanish.
    if sigma < 0.2 {
        return light;
    }
    let radius = (sigma * 2.5).ceil() as usize;
    let weights: Vec<f32> =
        (0..=2 * radius).map(|d| (-0.5 * (d.abs_diff(radius) as f32 / sigma).powi(2)).exp()).collect();
    let total: f32 = weights.iter().sum();
    // Each pass turns the picture over its diagonal, so that two of them blur both ways and turn it back.
    let pass = |from: &[[f32; 3]]| {
        let mut to = vec![[0.0; 3]; from.len()];
        for (row, line) in from.chunks_exact(side).enumerate() {
            for column in 0..side {
                let mut sum = [0.0; 3];
                for (offset, weight) in weights.iter().enumerate() {
                    let near = line[(column + offset).saturating_sub(radius).min(side - 1)];
                    for (sum, value) in sum.iter_mut().zip(near) {
                        *sum += weight * value;
                    }
                }
                to[column * side + row] = sum.map(|sum| sum / total);
            }
        }
        to
    };
    pass(&pass(&light))
}
