//! White cells with granules: neutrophils, eosinophils and basophils.

use rand::Rng as _;

use super::canvas::{Canvas, Density, replace, scaled};
use super::mononuclear::{Chromatin, cytoplasm, nucleus};
use super::shape::{Blob, Point, any_angle, between, capsule, smooth_union, smoothstep, towards};
use super::smear::{Occupied, Stain, canvas_layer, middle, surroundings};
use crate::config::rng::ChaCha8Rng;

/// A nucleus of lobes in a row, each joined to the next by a strand.
struct Lobes {
    lobes: Vec<Blob>,
    /// Half the width of the strands.
    strand: f32,
    /// How far lobes that touch flow together.
    softness: f32,
}

impl Lobes {
    fn distance(&self, point: Point) -> f32 {
        let mut nearest = f32::INFINITY;
        for (index, lobe) in self.lobes.iter().enumerate() {
            nearest = smooth_union(nearest.min(9.0), lobe.distance(point), self.softness);
            if let Some(next) = self.lobes.get(index + 1) {
                nearest = smooth_union(nearest, capsule(point, lobe.centre, next.centre, self.strand), self.softness);
            }
        }
        nearest
    }

    fn paint(&self, canvas: &mut Canvas, rng: &mut ChaCha8Rng, chromatin: &Chromatin) {
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for lobe in &self.lobes {
            for axis in 0..2 {
                low[axis] = low[axis].min(lobe.centre[axis] - lobe.reach());
                high[axis] = high[axis].max(lobe.centre[axis] + lobe.reach());
            }
        }
        let centre = [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0];
        let reach = ((high[0] - low[0]) / 2.0).max((high[1] - low[1]) / 2.0) + self.softness;
        nucleus(canvas, rng, centre, reach, chromatin, |point| self.distance(point));
    }
}

/// Grains of dye strewn over a cell.
struct Granules {
    count: usize,
    /// Radii, from and to.
    radius: [f32; 2],
    colour: Density,
    /// How much the strength of the colour varies, as a share.
    variety: f32,
    /// How deep inside the cell's outline they stay.
    margin: f32,
}

impl Granules {
    /// Paints them where `allowed` says so.
    fn paint(&self, canvas: &mut Canvas, rng: &mut ChaCha8Rng, cell: &Blob, allowed: impl Fn(Point) -> bool) {
        for _ in 0..self.count {
            let at = towards(cell.centre, any_angle(rng), cell.radius * 1.1 * rng.random::<f32>().sqrt());
            let radius = between(rng, self.radius[0], self.radius[1]);
            let strength = 1.0 + self.variety * between(rng, -1.0, 1.0);
            if cell.distance(at) > -self.margin || !allowed(at) {
                continue;
            }
            let grain = Blob::new(rng, at, radius, 1.25, 0.04);
            let colour = scaled(self.colour, strength);
            canvas_layer(
                canvas,
                &grain,
                |cover, _, density, depth| {
                    // Round grains: denser in the middle.
                    let body = 0.8 + 0.3 * smoothstep(0.0, radius, depth);
                    replace(density, scaled(colour, body), cover * 0.92);
                },
                radius * 0.45,
            );
        }
    }
}

/// Three to five lobes on thin strands in a pale pink cell with the finest of grains.
pub(super) fn neutrophil(canvas: &mut Canvas, rng: &mut ChaCha8Rng, stain: &Stain) {
    let radius = between(rng, 0.51, 0.60);
    let centre = middle(rng);
    surroundings(canvas, rng, stain, &[Occupied { centre, radius }]);
    let outline = Blob::new(rng, centre, radius, 1.14, 0.04);
    let pink = stain.pink([0.80, 0.70, 0.80], between(rng, 0.75, 1.1));
    cytoplasm(canvas, rng, &outline, pink, 0.5, 17.0);

    let count = rng.random_range(3..6);
    let size = radius * [0.29, 0.25, 0.225][count - 3];
    let arc = radius * between(rng, 0.44, 0.52);
    let step = 2.0 * (between(rng, 1.85, 2.2) * size / (2.0 * arc)).min(0.95).asin();
    let facing = any_angle(rng);
    let turn = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    let hub = towards(centre, facing, -radius * between(rng, 0.0, 0.12));
    let lobes = (0..count)
        .map(|i| {
            let angle = facing + turn * step * (i as f32 - (count - 1) as f32 / 2.0);
            // In and out in turn: the chain of lobes is seldom a clean arc.
            let sway = if i % 2 == 0 { 0.07 } else { -0.09 } * radius * rng.random::<f32>();
            let place = towards(hub, angle, arc + sway);
            let direction = any_angle(rng);
            let size = size * between(rng, 0.85, 1.15);
            Blob::along(rng, place, size, direction, 1.4, 0.1)
        })
        .collect();
    let lobes = Lobes { lobes, strand: radius * between(rng, 0.035, 0.07), softness: 0.025 };
    let chromatin = Chromatin {
        colour: stain.violet([0.38, 0.23, 0.52], between(rng, 0.92, 1.18)),
        contrast: 0.34,
        fineness: between(rng, 8.0, 12.0),
    };
    lobes.paint(canvas, rng, &chromatin);
}

/// Two lobes in a cell packed with coarse orange grains.
pub(super) fn eosinophil(canvas: &mut Canvas, rng: &mut ChaCha8Rng, stain: &Stain) {
    let radius = between(rng, 0.52, 0.61);
    let centre = middle(rng);
    surroundings(canvas, rng, stain, &[Occupied { centre, radius }]);
    let outline = Blob::new(rng, centre, radius, 1.13, 0.04);
    let base = stain.pink([0.88, 0.66, 0.60], 1.0);
    cytoplasm(canvas, rng, &outline, base, 0.3, 12.0);

    let lobes = two_lobes(rng, centre, radius, [0.29, 0.36], [0.30, 0.40]);
    let granules = Granules {
        count: 230,
        radius: [radius * 0.052, radius * 0.075],
        colour: stain.pink([0.86, 0.42, 0.30], between(rng, 0.9, 1.15)),
        variety: 0.28,
        margin: radius * 0.07,
    };
    granules.paint(canvas, rng, &outline, |_| true);
    let chromatin = Chromatin {
        colour: stain.violet([0.40, 0.27, 0.56], between(rng, 0.9, 1.15)),
        contrast: 0.32,
        fineness: between(rng, 7.0, 10.0),
    };
    lobes.paint(canvas, rng, &chromatin);
    // A few grains lie above the nucleus.
    let above = Granules { count: 14, variety: 0.2, ..granules };
    above.paint(canvas, rng, &outline, |at| lobes.distance(at) > -radius * 0.14);
}

/// Dark violet grains over everything, the nucleus included, which shows through as a paler shape.
pub(super) fn basophil(canvas: &mut Canvas, rng: &mut ChaCha8Rng, stain: &Stain) {
    let radius = between(rng, 0.46, 0.55);
    let centre = middle(rng);
    surroundings(canvas, rng, stain, &[Occupied { centre, radius }]);
    let outline = Blob::new(rng, centre, radius, 1.12, 0.05);
    let lilac = stain.violet([0.72, 0.60, 0.80], between(rng, 0.85, 1.15));
    cytoplasm(canvas, rng, &outline, lilac, 0.35, 10.0);
    let mut lobes = two_lobes(rng, centre, radius, [0.36, 0.43], [0.26, 0.36]);
    lobes.softness = 0.1;
    let chromatin = Chromatin {
        colour: stain.violet([0.52, 0.38, 0.68], between(rng, 0.9, 1.1)),
        contrast: 0.4,
        fineness: between(rng, 6.0, 9.0),
    };
    lobes.paint(canvas, rng, &chromatin);
    let granules = Granules {
        count: rng.random_range(95..160),
        radius: [radius * 0.045, radius * 0.11],
        colour: stain.violet([0.25, 0.13, 0.43], between(rng, 0.9, 1.1)),
        variety: 0.3,
        margin: radius * 0.04,
    };
    granules.paint(canvas, rng, &outline, |_| true);
}

/// Two lobes side by side, their sizes and their distances from the middle in shares of the cell's radius.
fn two_lobes(rng: &mut ChaCha8Rng, centre: Point, radius: f32, sizes: [f32; 2], apart: [f32; 2]) -> Lobes {
    let axis = any_angle(rng);
    let aside = towards(centre, axis + std::f32::consts::FRAC_PI_2, radius * between(rng, -0.16, 0.16));
    let bend = between(rng, -0.35, 0.35);
    let lobes = [bend, std::f32::consts::PI - bend]
        .into_iter()
        .map(|turn| {
            let place = towards(aside, axis + turn, radius * between(rng, apart[0], apart[1]));
            let across = axis + std::f32::consts::FRAC_PI_2;
            let size = radius * between(rng, sizes[0], sizes[1]);
            Blob::along(rng, place, size, across, 1.3, 0.06)
        })
        .collect();
    Lobes { lobes, strand: radius * 0.07, softness: 0.04 }
}
