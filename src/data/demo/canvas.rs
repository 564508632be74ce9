//! What dyes do to light: every layer adds optical density, and the picture is the light that comes through
//! (Beer-Lambert), so that cells that overlap darken each other as they do under a microscope.

use rand::Rng as _;
use rand_distr::StandardNormal;

use super::shape::{Noise, Point, between, smoothstep};
use crate::config::chance::ChaCha8Rng;

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

    /// Lights the field, blurs it, averages it down to `size` by `size` pixels, and records it with noise: RGB, row
    /// by row. `size` divides the canvas's side.
    pub fn expose(self, rng: &mut ChaCha8Rng, optics: &Optics, size: usize) -> Vec<u8> {
        let (side, pixel) = (self.side, self.pixel());
        let haze = Noise::new(rng, 1.7);
        let mut light: Vec<[f32; 3]> = self.density;
        for (index, density) in light.iter_mut().enumerate() {
            let [x, y] = [(index % side) as f32, (index / side) as f32].map(|at| (at + 0.5) * pixel - 1.0);
            let thickness = haze.at([x, y]);
            let lamp = 1.0 + optics.slope[0] * x + optics.slope[1] * y - optics.vignette * (x * x + y * y);
            for (channel, d) in density.iter_mut().enumerate() {
                *d = optics.background[channel] * lamp * (-*d - optics.haze[channel] * thickness).exp();
            }
        }
        let light = blur(light, side, optics.defocus / pixel);
        record(rng, &average(&light, side, size), optics.noise)
    }
}

/// Means over squares of pixels, from `side` to `size` pixels a side.
fn average(light: &[[f32; 3]], side: usize, size: usize) -> Vec<[f32; 3]> {
    let factor = side / size;
    let share = 1.0 / (factor * factor) as f32;
    let mut small = vec![[0.0; 3]; size * size];
    for (index, pixel) in light.iter().enumerate() {
        let (row, column) = (index / side / factor, index % side / factor);
        for (sum, value) in small[row * size + column].iter_mut().zip(pixel) {
            *sum += value * share;
        }
    }
    small
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
    let radius = (sigma * 2.5).ceil() as usize;
    if sigma < 0.2 {
        return light;
    }
    let weights: Vec<f32> = (0..=radius).map(|d| (-0.5 * (d as f32 / sigma).powi(2)).exp()).collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    let weights: Vec<f32> = weights.iter().map(|w| w / total).collect();
    let pass = |from: &[[f32; 3]], place: &dyn Fn(usize, usize) -> usize| {
        let mut to = vec![[0.0; 3]; from.len()];
        for line in 0..side {
            for at in 0..side {
                let sum = &mut to[place(line, at)];
                for offset in 0..=2 * radius {
                    let near = (at + offset).saturating_sub(radius).min(side - 1);
                    let weight = weights[offset.abs_diff(radius)];
                    for (s, v) in sum.iter_mut().zip(from[place(line, near)]) {
                        *s += weight * v;
                    }
                }
            }
        }
        to
    };
    let rows = pass(&light, &|line, at| line * side + at);
    pass(&rows, &|line, at| at * side + line)
}
