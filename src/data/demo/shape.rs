//! Shapes as signed distances, and the noise that makes them irregular. The field of view is the square [-1, 1]².

use rand::Rng as _;

use crate::config::rng::ChaCha8Rng;

/// A place in the field of view, x to the right and y down, both in [-1, 1] where visible.
pub(super) type Point = [f32; 2];

/// A uniform number from `low` to `high`.
pub(super) fn between(rng: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * rng.random::<f32>()
}

/// A uniform angle in radians.
pub(super) fn any_angle(rng: &mut ChaCha8Rng) -> f32 {
    between(rng, 0.0, std::f32::consts::TAU)
}

/// The point that lies `length` away from `from` in the direction `angle`.
pub(super) fn towards(from: Point, angle: f32, length: f32) -> Point {
    [from[0] + angle.cos() * length, from[1] + angle.sin() * length]
}

/// The distance between two points.
pub(super) fn distance(a: Point, b: Point) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// 0 below `from`, 1 above `to`, smooth between them.
pub(super) fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The smaller of two distances, rounded off where they are within `softness` of each other: two shapes that touch
/// flow into one.
pub(super) fn smooth_union(a: f32, b: f32, softness: f32) -> f32 {
    let h = (softness - (a - b).abs()).max(0.0) / softness;
    a.min(b) - h * h * softness * 0.25
}

/// The distance to a line from `a` to `b` of half the given width, with round ends.
pub(super) fn capsule(point: Point, a: Point, b: Point, half_width: f32) -> f32 {
    let (along, off) = ([b[0] - a[0], b[1] - a[1]], [point[0] - a[0], point[1] - a[1]]);
    let length = (along[0] * along[0] + along[1] * along[1]).max(1e-9);
    let t = ((off[0] * along[0] + off[1] * along[1]) / length).clamp(0.0, 1.0);
    (off[0] - along[0] * t).hypot(off[1] - along[1] * t) - half_width
}

/// How many waves an outline has: of two to five bumps around it.
const WAVES: usize = 4;

/// A roundish outline: an ellipse whose radius swells and shrinks smoothly around it.
#[derive(Clone)]
pub(super) struct Blob {
    pub centre: Point,
    pub radius: f32,
    /// Cosine and sine of the long axis.
    axis: [f32; 2],
    /// Long axis over short axis.
    stretch: f32,
    /// Amplitude and phase of each wave as a complex number, in shares of the radius.
    waves: [[f32; 2]; WAVES],
}

impl Blob {
    /// A blob whose radius varies by about `wobble` (a share) and whose axes differ by up to the factor `stretch`.
    pub fn new(rng: &mut ChaCha8Rng, centre: Point, radius: f32, stretch: f32, wobble: f32) -> Self {
        let angle = any_angle(rng);
        Self::along(rng, centre, radius, angle, stretch, wobble)
    }

    /// As [`Blob::new`], with the long axis in the direction `angle`.
    pub fn along(rng: &mut ChaCha8Rng, centre: Point, radius: f32, angle: f32, stretch: f32, wobble: f32) -> Self {
        let stretch = between(rng, 1.0, stretch);
        let mut waves = [[0.0; 2]; WAVES];
        for (bumps, wave) in waves.iter_mut().enumerate() {
            // Finer waves are weaker, as surface tension makes them.
            let (size, phase) = (wobble * rng.random::<f32>() / (1.0 + 0.6 * bumps as f32), any_angle(rng));
            *wave = [size * phase.cos(), size * phase.sin()];
        }
        Self { centre, radius, axis: [angle.cos(), angle.sin()], stretch, waves }
    }

    /// The signed distance to the outline: negative inside. Exact for circles, close enough for the rest.
    pub fn distance(&self, point: Point) -> f32 {
        let (dx, dy) = (point[0] - self.centre[0], point[1] - self.centre[1]);
        let root = self.stretch.sqrt();
        let (x, y) = ((dx * self.axis[0] + dy * self.axis[1]) / root, (dy * self.axis[0] - dx * self.axis[1]) * root);
        let r = (x * x + y * y).sqrt();
        if r < 1e-6 {
            return -self.radius;
        }
        // The powers of a complex number of length one give cos(kθ) and sin(kθ) without trigonometry.
        let (ux, uy) = (x / r, y / r);
        let (mut cx, mut cy, mut swell) = (ux, uy, 1.0);
        for [re, im] in self.waves {
            (cx, cy) = (cx * ux - cy * uy, cx * uy + cy * ux);
            swell += re * cx - im * cy;
        }
        (r - self.radius * swell) / (r / dx.hypot(dy)).max(0.5)
    }

    /// How far from its centre the blob may reach.
    pub fn reach(&self) -> f32 {
        let swell: f32 = self.waves.iter().map(|[re, im]| re.hypot(*im)).sum();
        self.radius * self.stretch.sqrt() * (1.0 + swell)
    }
}

/// Smooth noise in [0, 1] that never repeats: random values on a lattice, blended between its corners.
#[derive(Clone, Copy)]
pub(super) struct Noise {
    seed: u32,
    frequency: f32,
}

impl Noise {
    /// Noise with `frequency` lattice cells a unit of length.
    pub fn new(rng: &mut ChaCha8Rng, frequency: f32) -> Self {
        Self { seed: rng.random(), frequency }
    }

    /// Its value at a point: one coarse and one fine octave.
    pub fn at(&self, point: Point) -> f32 {
        let (x, y) = (point[0] * self.frequency, point[1] * self.frequency);
        0.67 * self.octave(x, y) + 0.33 * self.octave(x * 2.03 + 17.0, y * 2.03 + 5.0)
    }

    /// Its coarse octave alone, at half the cost.
    pub fn smooth(&self, point: Point) -> f32 {
        self.octave(point[0] * self.frequency, point[1] * self.frequency)
    }

    fn octave(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (i, j) = (left as i32, top as i32);
        let fade = |t: f32| t * t * (3.0 - 2.0 * t);
        let (u, v) = (fade(x - left), fade(y - top));
        let row = |j: i32| {
            let (a, b) = (self.corner(i, j), self.corner(i + 1, j));
            a + (b - a) * u
        };
        let (a, b) = (row(j), row(j + 1));
        a + (b - a) * v
    }

    fn corner(&self, i: i32, j: i32) -> f32 {
        let mut h = (i as u32).wrapping_mul(0x9E37_79B1) ^ (j as u32).wrapping_mul(0x85EB_CA77) ^ self.seed;
        h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
        h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
        (h >> 8) as f32 / (1 << 24) as f32
    }
}
