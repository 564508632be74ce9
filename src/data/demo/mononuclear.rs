//! White cells without granules that matter: lymphocytes and monocytes.

use rand::Rng as _;

use super::canvas::{Canvas, Density, replace, scaled};
use super::shape::{Blob, Noise, Point, any_angle, between, capsule, smooth_union, smoothstep, towards};
use super::smear::{Occupied, Stain, canvas_layer, middle, surroundings};
use crate::config::rng::ChaCha8Rng;

/// The body of a white cell, drawn over the field, its edge a little denser than its inside.
pub(super) fn cytoplasm(
    canvas: &mut Canvas,
    rng: &mut ChaCha8Rng,
    outline: &Blob,
    colour: Density,
    grain: f32,
    fineness: f32,
) {
    let noise = Noise::new(rng, fineness);
    canvas_layer(
        canvas,
        outline,
        |cover, point, density, depth| {
            let rim = 1.0 + 0.22 * smoothstep(0.09, 0.0, depth);
            let texture = 1.0 + grain * (noise.at(point) - 0.5);
            replace(density, scaled(colour, rim * texture), cover);
        },
        0.02,
    );
}

/// How a nucleus looks inside.
pub(super) struct Chromatin {
    pub colour: Density,
    /// How much denser the clumps are than what lies between them, 0 to 1.
    pub contrast: f32,
    /// Clumps a unit of length.
    pub fineness: f32,
}

/// A nucleus whose outline is a signed distance, `reach` being how far from `centre` it may go.
pub(super) fn nucleus(
    canvas: &mut Canvas,
    rng: &mut ChaCha8Rng,
    centre: Point,
    reach: f32,
    chromatin: &Chromatin,
    distance: impl Fn(Point) -> f32,
) {
    let noise = Noise::new(rng, chromatin.fineness);
    let edge = 0.016_f32.max(0.75 * canvas.pixel());
    canvas.paint(centre, reach + edge, |point, density| {
        let distance = distance(point);
        if distance < edge {
            let clumps = smoothstep(0.25, 0.75, noise.at(point)) - 0.5;
            let membrane = 0.16 * smoothstep(0.06, 0.0, -distance);
            let body = scaled(chromatin.colour, 0.95 + chromatin.contrast * clumps + membrane);
            replace(density, body, smoothstep(edge, -edge, distance));
        }
    });
}

/// A large, round, dense nucleus in a thin rim of clear blue.
pub(super) fn lymphocyte(canvas: &mut Canvas, rng: &mut ChaCha8Rng, stain: &Stain) {
    // Most are small; a few are the larger kind, with more cytoplasm.
    let large = rng.random_bool(0.22);
    let radius = if large { between(rng, 0.46, 0.53) } else { between(rng, 0.37, 0.45) };
    let share = if large { between(rng, 0.7, 0.8) } else { between(rng, 0.8, 0.9) };
    let centre = middle(rng);
    surroundings(canvas, rng, stain, &[Occupied { centre, radius }]);
    let outline = Blob::new(rng, centre, radius, 1.1, 0.03);
    let blue = stain.violet([0.65, 0.75, 0.90], between(rng, 0.75, 1.15));
    cytoplasm(canvas, rng, &outline, blue, 0.2, 10.0);
    let towards_rim = radius * (1.0 - share) * between(rng, 0.2, 0.95);
    let seat = towards(centre, any_angle(rng), towards_rim);
    let body = Blob::new(rng, seat, radius * share, 1.09, 0.025);
    let dent_at = towards(body.centre, any_angle(rng), radius * between(rng, 1.02, 1.3));
    let chromatin = Chromatin {
        colour: stain.violet([0.36, 0.20, 0.50], between(rng, 0.92, 1.15)),
        contrast: 0.34,
        fineness: between(rng, 6.0, 8.5),
    };
    nucleus(canvas, rng, body.centre, body.reach(), &chromatin, |point| {
        // A shallow dent on one side, where some of them are notched.
        let dent = capsule(point, dent_at, dent_at, radius * 0.35);
        -smooth_union(-body.distance(point), dent, 0.08)
    });
}

/// The largest cell: grey-blue, with vacuoles and a kidney-shaped nucleus of loose chromatin.
pub(super) fn monocyte(canvas: &mut Canvas, rng: &mut ChaCha8Rng, stain: &Stain) {
    let radius = between(rng, 0.60, 0.71);
    let centre = middle(rng);
    surroundings(canvas, rng, stain, &[Occupied { centre, radius: radius * 1.04 }]);
    let outline = Blob::new(rng, centre, radius, 1.18, 0.075);
    let grey = stain.violet([0.63, 0.64, 0.76], between(rng, 0.85, 1.2));
    cytoplasm(canvas, rng, &outline, grey, 0.42, 11.0);

    let vacuoles = rng.random_range(7..18);
    for _ in 0..vacuoles {
        let at = towards(centre, any_angle(rng), radius * between(rng, 0.3, 0.88));
        let size = radius * between(rng, 0.035, 0.085);
        let bubble = Blob::new(rng, at, size, 1.2, 0.05);
        let clear = scaled(grey, between(rng, 0.15, 0.45));
        canvas_layer(canvas, &bubble, |cover, _, density, _| replace(density, clear, cover * 0.9), 0.016);
    }

    let bend = Bend::draw(rng, centre, radius);
    let chromatin = Chromatin {
        colour: stain.violet([0.47, 0.33, 0.60], between(rng, 0.92, 1.15)),
        contrast: 0.55,
        fineness: between(rng, 7.0, 10.0),
    };
    nucleus(canvas, rng, centre, radius, &chromatin, |point| bend.distance(point));
}

/// A kidney or a horseshoe: blobs along a bent line, thick enough to run into each other.
struct Bend {
    lobes: Vec<Blob>,
}

impl Bend {
    fn draw(rng: &mut ChaCha8Rng, centre: Point, radius: f32) -> Self {
        let facing = any_angle(rng);
        let span = between(rng, 2.0, 3.6);
        let arc = radius * between(rng, 0.33, 0.42);
        // The bend's centre moves away from its back, so that the nucleus as a whole stays in the middle.
        let hub = towards(centre, facing, -radius * between(rng, 0.06, 0.18));
        let count = 6;
        let lobes = (0..count)
            .map(|i| {
                let along = i as f32 / (count - 1) as f32 - 0.5;
                let angle = facing + span * along;
                // Thinner where it is bent.
                let thick = radius * (0.29 + 0.10 * along.abs());
                let place = towards(hub, angle, arc * between(rng, 0.93, 1.07));
                let size = thick * between(rng, 0.9, 1.05);
                Blob::new(rng, place, size, 1.1, 0.06)
            })
            .collect();
        Self { lobes }
    }

    fn distance(&self, point: Point) -> f32 {
        self.lobes.iter().map(|lobe| lobe.distance(point)).fold(f32::INFINITY, |a, b| smooth_union(a.min(9.0), b, 0.07))
    }
}
