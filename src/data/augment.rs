//! Varies real images: mirrored, moved, rotated, enlarged, brighter or duller. Everything is off unless the
//! configuration turns it on.

use std::ops::RangeInclusive;

use rand::Rng as _;

use super::depth::Level;
use crate::config::Data;
use crate::config::rng::ChaCha8Rng;

/// What is done to one image.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plan {
    flip_horizontal: bool,
    flip_vertical: bool,
    /// Degrees, anticlockwise on the screen.
    angle: f32,
    /// How many times as large.
    zoom: f32,
    /// To the right and down, in whole pixels.
    shift: [f32; 2],
    brightness: f32,
    contrast: f32,
    saturation: f32,
}

/// Draws what to do with an image of `size` pixels a side. Each variation takes the same random numbers whether it is on or
/// not, so that turning one on leaves the others as they were; a new one draws after all others.
fn plan(data: &Data, rng: &mut ChaCha8Rng, size: usize) -> Plan {
    let (horizontal, vertical) = (rng.random::<bool>(), rng.random::<bool>());
    let either_way: RangeInclusive<f32> = -1.0..=1.0;
    let mut spread = |most: f32| most * rng.random_range(either_way.clone());
    let angle = spread(data.rotation);
    let [brightness, contrast, saturation] = [0; 3].map(|_| 1.0 + spread(data.color_jitter));
    // Whole pixels: a shift by parts of them would blur, and the generator would learn to.
    let shift = [0; 2].map(|_| (spread(data.translation) * size as f32).round());
    let zoom = (1.0 + data.zoom).powf(spread(1.0));
    Plan {
        flip_horizontal: data.flip_horizontal && horizontal,
        flip_vertical: data.flip_vertical && vertical,
        angle,
        zoom,
        shift,
        brightness: brightness * (1.0 + spread(data.brightness)),
        contrast: contrast * (1.0 + spread(data.contrast)),
        saturation,
    }
}

/// Varies an image of `(size, size, channels)` bytes, or greys of 16 bits, as `data` says into `out`, floats in [-1, 1] of the same
/// shape.
pub(super) fn vary<T: Level>(
    data: &Data,
    rng: &mut ChaCha8Rng,
    pixels: &[T],
    size: usize,
    channels: usize,
    out: &mut [f32],
) {
    plan(data, rng, size).apply(pixels, size, channels, out);
}

/// A grey, or a byte of a colour, as a number in [-1, 1].
pub(super) fn to_unit<T: Level>(level: T) -> f32 {
    level.on_bytes() / 127.5 - 1.0
}

impl Plan {
    fn apply<T: Level>(&self, pixels: &[T], size: usize, channels: usize, out: &mut [f32]) {
        if channels == 3 {
            self.vary::<3, T>(pixels, size, out);
        } else {
            self.vary::<1, T>(pixels, size, out);
        }
    }

    fn vary<const C: usize, T: Level>(&self, pixels: &[T], size: usize, out: &mut [f32]) {
        if self.angle == 0.0 && self.zoom == 1.0 && self.shift == [0.0; 2] {
            self.flip::<C, T>(pixels, size, out);
        } else {
            self.resample::<C, T>(pixels, size, out);
        }
        self.recolor::<C>(out);
        for value in out {
            *value = *value / 127.5 - 1.0;
        }
    }

    /// Where the flipped image's pixel (x, y) begins.
    fn flipped<const C: usize>(&self, size: usize, x: usize, y: usize) -> usize {
        let x = if self.flip_horizontal { size - 1 - x } else { x };
        let y = if self.flip_vertical { size - 1 - y } else { y };
        (y * size + x) * C
    }

    /// Flips; values stay in [0, 255].
    fn flip<const C: usize, T: Level>(&self, pixels: &[T], size: usize, out: &mut [f32]) {
        for (y, line) in out.chunks_exact_mut(size * C).enumerate() {
            for (x, to) in line.chunks_exact_mut(C).enumerate() {
                let from = self.flipped::<C>(size, x, y);
                for (to, from) in to.iter_mut().zip(&pixels[from..from + C]) {
                    *to = from.on_bytes();
                }
            }
        }
    }

    /// Flips, enlarges and rotates about the centre, then shifts, all in one resampling; values stay in [0, 255]. What
    /// comes in from beyond the border is the picture mirrored at it.
    fn resample<const C: usize, T: Level>(&self, pixels: &[T], size: usize, out: &mut [f32]) {
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let centre = (size as f32 - 1.0) / 2.0;
        // From a place in the varied picture back to where it comes from.
        let back = |at: usize, shift: f32| (at as f32 - centre - shift) / self.zoom;
        for (y, line) in out.chunks_exact_mut(size * C).enumerate() {
            let dy = back(y, self.shift[1]);
            for (x, to) in line.chunks_exact_mut(C).enumerate() {
                let dx = back(x, self.shift[0]);
                let (sx, sy) = (centre + cos * dx - sin * dy, centre + sin * dx + cos * dy);
                let (left, top) = (sx.floor(), sy.floor());
                let (u, v) = (sx - left, sy - top);
                let [x0, x1] = [0, 1].map(|step| mirror(left as i32 + step, size));
                let [y0, y1] = [0, 1].map(|step| mirror(top as i32 + step, size));
                let corner = |x, y| &pixels[self.flipped::<C>(size, x, y)..][..C];
                let (a, b, c, d) = (corner(x0, y0), corner(x1, y0), corner(x0, y1), corner(x1, y1));
                for (channel, to) in to.iter_mut().enumerate() {
                    let [a, b, c, d] = [a, b, c, d].map(|corner| corner[channel].on_bytes());
                    let (above, below) = (a + (b - a) * u, c + (d - c) * u);
                    *to = above + (below - above) * v;
                }
            }
        }
    }

    /// Brightness multiplies, contrast moves away from the mean grey, saturation away from each pixel's own grey.
    fn recolor<const C: usize>(&self, out: &mut [f32]) {
        if self.brightness != 1.0 {
            for value in out.iter_mut() {
                *value = (*value * self.brightness).clamp(0.0, 255.0);
            }
        }
        if self.contrast != 1.0 {
            let total: f64 = out.chunks_exact(C).map(|pixel| f64::from(grey(pixel))).sum();
            let mean = (total / (out.len() / C) as f64) as f32;
            for value in out.iter_mut() {
                *value = (mean + (*value - mean) * self.contrast).clamp(0.0, 255.0);
            }
        }
        if C == 3 && self.saturation != 1.0 {
            for pixel in out.chunks_exact_mut(C) {
                let grey = grey(pixel);
                for value in pixel {
                    *value = (grey + (*value - grey) * self.saturation).clamp(0.0, 255.0);
                }
            }
        }
    }
}

/// The luma of a pixel.
fn grey(pixel: &[f32]) -> f32 {
    if let [r, g, b] = pixel { 0.299 * r + 0.587 * g + 0.114 * b } else { pixel[0] }
}

/// A coordinate brought into `0..size` by mirroring at the borders, the border pixel twice.
fn mirror(at: i32, size: usize) -> usize {
    match usize::try_from(at) {
        Ok(inside) if inside < size => inside,
        _ => {
            let (size, at) = (size as i64, i64::from(at));
            let within = at.rem_euclid(2 * size);
            (if within < size { within } else { 2 * size - 1 - within }) as usize
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rng::{Purpose, stream};

    const STILL: Plan = Plan {
        flip_horizontal: false,
        flip_vertical: false,
        angle: 0.0,
        zoom: 1.0,
        shift: [0.0; 2],
        brightness: 1.0,
        contrast: 1.0,
        saturation: 1.0,
    };

    fn planned(plan: Plan, pixels: &[u8], size: usize, channels: usize) -> Vec<f32> {
        let mut out = vec![0.0; pixels.len()];
        plan.apply(pixels, size, channels, &mut out);
        out
    }

    fn units(bytes: &[u8]) -> Vec<f32> {
        bytes.iter().copied().map(to_unit).collect()
    }

    fn close(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
    }

    #[test]
    fn nothing_is_exactly_the_bytes() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(planned(STILL, &all, 16, 1), units(&all));
        assert_eq!((to_unit(0_u8), to_unit(255_u8), to_unit(65_535_u16)), (-1.0, 1.0, 1.0));
    }

    #[test]
    fn flips_mirror_and_two_of_them_undo() {
        let pixels = [1, 2, 3, 4];
        assert_eq!(planned(Plan { flip_horizontal: true, ..STILL }, &pixels, 2, 1), units(&[2, 1, 4, 3]));
        assert_eq!(planned(Plan { flip_vertical: true, ..STILL }, &pixels, 2, 1), units(&[3, 4, 1, 2]));
        let both = Plan { flip_horizontal: true, flip_vertical: true, ..STILL };
        let turned = planned(Plan { angle: 180.0, ..STILL }, &pixels, 2, 1);
        assert!(close(&planned(both, &pixels, 2, 1), &turned));
    }

    #[test]
    fn a_quarter_turn_is_anticlockwise_and_small_angles_mirror_the_border() {
        assert!(close(&planned(Plan { angle: 90.0, ..STILL }, &[1, 2, 3, 4], 2, 1), &units(&[2, 4, 1, 3])));
        let plain = planned(Plan { angle: 31.0, ..STILL }, &[90; 64], 8, 1);
        assert!(close(&plain, &units(&[90; 64])), "a border came in");
        assert_eq!([-2, -1, 0, 3, 4, 7, 8].map(|at| mirror(at, 4)), [1, 0, 0, 3, 3, 0, 0]);
    }

    #[test]
    fn colours_change_as_said() {
        let pixels = [100, 40, 20].repeat(4);
        let dark = planned(Plan { brightness: 0.5, ..STILL }, &pixels, 2, 3);
        assert!(close(&dark, &units(&[50, 20, 10].repeat(4))));
        // Luma of (100, 40, 20) is 29.9 + 23.48 + 2.28 = 55.66.
        let unit = |v: f32| v / 127.5 - 1.0;
        let grey = planned(Plan { saturation: 0.0, ..STILL }, &pixels, 2, 3);
        assert!(close(&grey, &[unit(55.66); 12]), "{grey:?}");
        let flat = planned(Plan { contrast: 0.0, ..STILL }, &[0, 100, 50, 50], 2, 1);
        assert!(close(&flat, &[unit(50.0); 4]));
        let clipped = planned(Plan { brightness: 2.0, ..STILL }, &[200; 4], 2, 1);
        assert!(close(&clipped, &[1.0; 4]));
    }

    #[test]
    fn a_shift_moves_whole_pixels_and_mirrors_the_border() {
        let pixels: Vec<u8> = (1..=16).collect();
        let moved = planned(Plan { shift: [1.0, -2.0], ..STILL }, &pixels, 4, 1);
        let want = [[9, 9, 10, 11], [13, 13, 14, 15], [13, 13, 14, 15], [9, 9, 10, 11]].concat();
        assert_eq!(moved, units(&want), "a shift alone gives exact bytes");
        let mirrored = planned(Plan { flip_horizontal: true, shift: [1.0, 0.0], ..STILL }, &pixels, 4, 1);
        assert_eq!(mirrored[..4], units(&[4, 4, 3, 2]), "the mirrored picture is shifted");
    }

    #[test]
    fn zooming_enlarges_about_the_centre_and_one_step_does_all() {
        // Positions -1.5, -0.5, 0.5, 1.5 come from half of that: a ramp is half as steep.
        let ramp = [10, 20, 30, 40].repeat(4);
        let larger = planned(Plan { zoom: 2.0, ..STILL }, &ramp, 4, 1);
        let unit = |v: f32| v / 127.5 - 1.0;
        assert!(close(&larger[..4], &[17.5, 22.5, 27.5, 32.5].map(unit)), "{larger:?}");
        let smaller = planned(Plan { zoom: 0.5, ..STILL }, &[90; 64], 8, 1);
        assert!(close(&smaller, &units(&[90; 64])), "a border came in");
        // Half as large: every second pixel pair, and the mirrored picture around it.
        let smaller = planned(Plan { zoom: 0.5, ..STILL }, &ramp, 4, 1);
        assert!(close(&smaller[..4], &[15.0, 15.0, 35.0, 35.0].map(unit)), "{smaller:?}");
        // Turned about the centre first, then shifted: not the other way round.
        let pixels: Vec<u8> = (1..=16).collect();
        let turned = planned(Plan { angle: 90.0, ..STILL }, &pixels, 4, 1);
        let both = planned(Plan { angle: 90.0, shift: [1.0, 0.0], ..STILL }, &pixels, 4, 1);
        for (line, whole) in both.chunks_exact(4).zip(turned.chunks_exact(4)) {
            assert!(close(&line[1..], &whole[..3]), "{line:?} {whole:?}");
        }
    }

    #[test]
    fn brightness_and_contrast_of_their_own_leave_saturation_alone() {
        let only = Data { brightness: 0.5, contrast: 0.4, ..Data::default() };
        let plans: Vec<_> = (0..100).map(|index| drawn(&only, index)).collect();
        assert!(plans.iter().all(|plan| plan.saturation == 1.0 && (0.5..=1.5).contains(&plan.brightness)));
        assert!(plans.iter().all(|plan| (0.6..=1.4).contains(&plan.contrast)));
        assert!(plans.iter().any(|plan| plan.brightness < 0.7) && plans.iter().any(|plan| plan.brightness > 1.3));
        // Beside jitter they multiply with it.
        let jitter = Data { color_jitter: 0.2, ..Data::default() };
        let both = drawn(&Data { color_jitter: 0.2, ..only.clone() }, 3);
        assert_eq!(both.brightness, drawn(&jitter, 3).brightness * plans[3].brightness);
        assert_eq!(both.contrast, drawn(&jitter, 3).contrast * plans[3].contrast);
    }

    fn drawn(what: &Data, index: u64) -> Plan {
        plan(what, &mut stream(3, Purpose::Augmentation, index), 64)
    }

    #[test]
    fn plans_are_seeded_within_bounds_and_independent_of_each_other() {
        let all = Data {
            flip_horizontal: true,
            flip_vertical: true,
            rotation: 10.0,
            zoom: 0.25,
            translation: 0.1,
            brightness: 0.0,
            contrast: 0.0,
            color_jitter: 0.2,
            ..Data::default()
        };
        let plans: Vec<_> = (0..200).map(|index| drawn(&all, index)).collect();
        assert_eq!(plans[5], drawn(&all, 5));
        for plan in &plans {
            assert!(plan.angle.abs() <= 10.0 && (0.8..=1.25).contains(&plan.zoom));
            assert!(plan.shift.iter().all(|shift| shift.abs() <= 6.0 && shift.fract() == 0.0));
            for factor in [plan.brightness, plan.contrast, plan.saturation] {
                assert!((0.8..=1.2).contains(&factor));
            }
        }
        let often = |what: &dyn Fn(&Plan) -> bool| plans.iter().filter(|plan| what(plan)).count();
        for (what, times) in [
            ("flipped", often(&|plan| plan.flip_horizontal)),
            ("larger", often(&|plan| plan.zoom > 1.0)),
            ("to the right", often(&|plan| plan.shift[0] > 0.0)),
            ("down", often(&|plan| plan.shift[1] > 0.0)),
        ] {
            assert!((70..130).contains(&times), "{what}: {times} of 200");
        }
        let only = Data { rotation: 10.0, ..Data::default() };
        assert_eq!(drawn(&only, 9).angle, drawn(&all, 9).angle);
        let still = drawn(&only, 9);
        assert_eq!(Plan { angle: 0.0, ..still }, STILL, "what is off does nothing");
        assert_eq!(drawn(&Data { zoom: 0.25, ..Data::default() }, 9).zoom, drawn(&all, 9).zoom);
        assert!(only.is_augmented());
        for one in [
            Data { zoom: 0.1, ..Data::default() },
            Data { translation: 0.1, ..Data::default() },
            Data { brightness: 0.1, ..Data::default() },
            Data { contrast: 0.1, ..Data::default() },
        ] {
            assert!(one.is_augmented());
        }
        assert!(!Data::default().is_augmented());
    }
}
