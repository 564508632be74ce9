//! What lies around the cell in the middle: red cells with their pale centres, platelets, and the strength of the dyes.

use rand::Rng as _;

use super::canvas::{Canvas, Density, dye, replace, scaled};
use super::shape::{Blob, Noise, Point, any_angle, between, distance, smoothstep, towards};
use crate::config::rng::ChaCha8Rng;

/// How strongly a smear took its dyes.
pub(super) struct Stain {
    /// Strength of eosin, which colours red cells and eosinophil granules.
    pub eosin: f32,
    /// Strength of the azures, which colour nuclei.
    pub azure: f32,
    /// Shift of the azures between blue (-1) and red (1).
    pub hue: f32,
}

impl Stain {
    /// The stain of one image.
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        Self { eosin: between(rng, 0.75, 1.25), azure: between(rng, 0.85, 1.2), hue: between(rng, -1.0, 1.0) }
    }

    /// A dye that eosin dominates.
    pub fn pink(&self, transmitted: [f32; 3], strength: f32) -> Density {
        scaled(dye(transmitted), self.eosin * strength)
    }

    /// A dye that the azures dominate.
    pub fn violet(&self, transmitted: [f32; 3], strength: f32) -> Density {
        let [r, g, b] = scaled(dye(transmitted), self.azure * strength);
        [r * (1.0 - 0.09 * self.hue), g, b * (1.0 + 0.09 * self.hue)]
    }
}

/// A round place that red cells keep away from.
pub(super) struct Occupied {
    pub centre: Point,
    pub radius: f32,
}

/// Where the cell of interest stands: near the middle.
pub(super) fn middle(rng: &mut ChaCha8Rng) -> Point {
    [between(rng, -0.09, 0.09), between(rng, -0.09, 0.09)]
}

/// Scatters red cells over the field, away from `occupied` places, and now and then a platelet between them.
pub(super) fn surroundings(canvas: &mut Canvas, rng: &mut ChaCha8Rng, stain: &Stain, occupied: &[Occupied]) {
    let radius = between(rng, 0.26, 0.31);
    let crowding = between(rng, 1.66, 2.05);
    let wanted = rng.random_range(10..20);
    let pallor = between(rng, 0.35, 0.75);
    let mut placed: Vec<Point> = Vec::new();
    for _ in 0..90 {
        if placed.len() == wanted {
            break;
        }
        let place = [between(rng, -1.25, 1.25), between(rng, -1.25, 1.25)];
        let size = radius * between(rng, 0.88, 1.1);
        let free = occupied.iter().all(|o| distance(o.centre, place) > o.radius + size * 0.97);
        if free && placed.iter().all(|other| distance(*other, place) > radius * crowding) {
            placed.push(place);
            red_cell(canvas, rng, stain, place, size, pallor);
        }
    }
    if rng.random_bool(0.2) {
        let place = [between(rng, -0.95, 0.95), between(rng, -0.95, 0.95)];
        let size = between(rng, 0.055, 0.075);
        let free = |centre: Point, radius: f32| distance(centre, place) > radius + size;
        if occupied.iter().all(|o| free(o.centre, o.radius)) && placed.iter().all(|c| free(*c, radius)) {
            platelet(canvas, rng, stain, place, size);
        }
    }
}

/// A biconcave disc: thin in the middle, thickest at two thirds of its radius.
fn red_cell(canvas: &mut Canvas, rng: &mut ChaCha8Rng, stain: &Stain, centre: Point, radius: f32, pallor: f32) {
    let outline = Blob::new(rng, centre, radius, 1.16, 0.035);
    let colour = stain.pink([0.86, 0.62, 0.60], between(rng, 0.85, 1.15));
    let pallor = pallor * between(rng, 0.7, 1.15);
    let off = towards(centre, any_angle(rng), radius * between(rng, 0.0, 0.12));
    let grain = Noise::new(rng, 9.0);
    let softness = 0.018;
    let rim = stain.pink([0.9, 0.82, 0.85], 0.35);
    canvas_layer(
        canvas,
        &outline,
        |cover, point, density, depth| {
            let inner = distance(point, off) / radius;
            let dip = 1.0 - pallor * smoothstep(0.72, 0.12, inner);
            let edge = smoothstep(0.05, 0.0, depth);
            let thickness = dip * (0.96 + 0.08 * grain.smooth(point)) * cover;
            for channel in 0..3 {
                density[channel] += colour[channel] * thickness + rim[channel] * edge * cover;
            }
        },
        softness,
    );
}

/// Calls `paint(cover, point, density, depth)` on the pixels inside an outline, `depth` being how far inside.
pub(super) fn canvas_layer(
    canvas: &mut Canvas,
    outline: &Blob,
    mut paint: impl FnMut(f32, Point, &mut Density, f32),
    softness: f32,
) {
    let edge = softness.max(0.75 * canvas.pixel());
    canvas.paint(outline.centre, outline.reach() + edge, |point, density| {
        let distance = outline.distance(point);
        if distance < edge {
            paint(smoothstep(edge, -edge, distance), point, density, -distance);
        }
    });
}

/// A platelet: a pale violet fragment with a granular, darker middle.
fn platelet(canvas: &mut Canvas, rng: &mut ChaCha8Rng, stain: &Stain, centre: Point, radius: f32) {
    let outline = Blob::new(rng, centre, radius, 1.5, 0.13);
    let pale = stain.violet([0.70, 0.58, 0.79], between(rng, 0.8, 1.1));
    let dark = stain.violet([0.44, 0.27, 0.58], between(rng, 0.9, 1.2));
    let grain = Noise::new(rng, 2.2 / radius);
    canvas_layer(
        canvas,
        &outline,
        |cover, point, density, depth| {
            // Grains crowd in the middle and leave a clear border.
            let core = smoothstep(0.1, 0.95, (depth / radius).min(0.7) + 1.3 * (grain.at(point) - 0.5));
            let mut inside = pale;
            replace(&mut inside, dark, core);
            replace(density, inside, cover);
        },
        0.014,
    );
}

/// Several platelets about the middle of the field, with red cells around them.
pub(super) fn platelets(canvas: &mut Canvas, rng: &mut ChaCha8Rng, stain: &Stain) {
    let wanted = rng.random_range(4..10);
    let spread = between(rng, 0.34, 0.62);
    let centre = middle(rng);
    let mut places: Vec<Occupied> = Vec::new();
    for _ in 0..60 {
        if places.len() == wanted {
            break;
        }
        let place = towards(centre, any_angle(rng), spread * rng.random::<f32>().sqrt());
        let radius = between(rng, 0.075, 0.135) * if rng.random_bool(0.1) { 1.35 } else { 1.0 };
        if places.iter().all(|other| distance(other.centre, place) > (other.radius + radius) * 1.15) {
            places.push(Occupied { centre: place, radius });
        }
    }
    surroundings(canvas, rng, stain, &places);
    for place in &places {
        platelet(canvas, rng, stain, place.centre, place.radius);
    }
}
