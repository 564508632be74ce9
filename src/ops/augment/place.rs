//! Flips, turns, scaling, shifts and holes: where each pixel of an image comes from, each image by its own numbers.
//!
//! Every pixel of the result is a weighted sum of up to four pixels of the image. Going back, the same weights spread a
//! pixel's gradient over those it came from: the exact adjoint. Images are independent and each is walked in one order, so
//! sums do not depend on the number of threads.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::cpu;
use crate::ops::tape::Value;

/// What lies beyond the border of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Zeros: the grey between black and white.
    Zero,
    /// The image mirrored at its outermost pixels, which are not repeated.
    Mirror,
}

/// Where the pixels of one image go, in this order: flip, turns, linear map, shift, hole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Exchanges left and right.
    pub flip: bool,
    /// Quarter turns, anticlockwise on the screen; an odd number of them wants a square image.
    pub turns: u8,
    /// From a pixel of the result to the place that it shows, both as `(x, y)` from the image's centre: rows of the matrix.
    /// Bilinear between pixels, zeros beyond the border.
    pub map: Option<[[f64; 2]; 2]>,
    /// Pixels by which the image is moved down and to the right.
    pub shift: (isize, isize),
    /// What lies beyond the border that a shift brings in.
    pub edge: Edge,
    /// `(top, left, bottom, right)` of a rectangle of zeros, the last two excluded.
    pub hole: Option<[usize; 4]>,
}

impl Placement {
    /// Leaves the image as it is.
    pub const NONE: Self = Self { flip: false, turns: 0, map: None, shift: (0, 0), edge: Edge::Zero, hole: None };

    /// Calls `each(pixel of the image, weight)` for what makes up the pixel `(y, x)` of the result.
    #[inline]
    fn sources(&self, (height, width): (usize, usize), (y, x): (usize, usize), mut each: impl FnMut(usize, f32)) {
        let hidden = |hole: [usize; 4]| (hole[0]..hole[2]).contains(&y) && (hole[1]..hole[3]).contains(&x);
        if self.hole.is_some_and(hidden) {
            return;
        }
        let (Some(y), Some(x)) = (self.along(y, self.shift.0, height), self.along(x, self.shift.1, width)) else {
            return;
        };
        let Some(map) = self.map else {
            each(self.before_turns((height, width), (y, x)), 1.0);
            return;
        };
        let middle = |length: usize| (length as f64 - 1.0) / 2.0;
        let (x, y) = (x as f64 - middle(width), y as f64 - middle(height));
        let place = |row: [f64; 2], length: usize| row[0] * x + row[1] * y + middle(length);
        let (columns, rows) = (neighbours(place(map[0], width), width), neighbours(place(map[1], height), height));
        for (row, up) in rows.into_iter().flatten() {
            for (column, across) in columns.into_iter().flatten() {
                each(self.before_turns((height, width), (row, column)), up * across);
            }
        }
    }

    /// The place before the shift, along one direction.
    #[inline]
    fn along(&self, at: usize, shift: isize, length: usize) -> Option<usize> {
        let from = at.cast_signed() - shift;
        let last = length.cast_signed() - 1;
        let from = match self.edge {
            Edge::Zero => from,
            Edge::Mirror if from < 0 => -from,
            Edge::Mirror if from > last => 2 * last - from,
            Edge::Mirror => from,
        };
        usize::try_from(from).ok().filter(|from| *from < length)
    }

    /// The number of the pixel that the flip and the turns bring to `(row, column)`.
    #[inline]
    fn before_turns(&self, (height, width): (usize, usize), (row, column): (usize, usize)) -> usize {
        let (row, column) = match self.turns % 4 {
            0 => (row, column),
            1 => (column, width - 1 - row),
            2 => (height - 1 - row, width - 1 - column),
            _ => (height - 1 - column, row),
        };
        row * width + if self.flip { width - 1 - column } else { column }
    }
}

/// The two pixels around a place with their weights, as far as they lie on the image.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "weights of f32 numbers; what lies beyond the image is left out")]
fn neighbours(place: f64, length: usize) -> [Option<(usize, f32)>; 2] {
    let (before, share) = (place.floor(), place - place.floor());
    let on_image = |at: f64, weight: f64| {
        (at >= 0.0 && at < length as f64 && weight > 0.0).then_some((at as usize, weight as f32))
    };
    [on_image(before, 1.0 - share), on_image(before + 1.0, share)]
}

impl Value {
    /// Images `(B, H, W, C)` whose pixels have moved, one [`Placement`] an image.
    ///
    /// # Errors
    /// Where there are not as many of them as images, or one asks for what such images cannot do.
    pub fn place(&self, placements: &Arc<[Placement]>) -> Result<Self> {
        let out = walk(self.tensor(), placements, Direction::Forward)?;
        let placements = placements.clone();
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.place_back(&placements))?])))
    }

    /// The adjoint of [`Value::place`]: gradients of its result become gradients of its images.
    ///
    /// # Errors
    /// As [`Value::place`].
    pub fn place_back(&self, placements: &Arc<[Placement]>) -> Result<Self> {
        let out = walk(self.tensor(), placements, Direction::Back)?;
        let placements = placements.clone();
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.place(&placements))?])))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Back,
}

fn walk(images: &Tensor, placements: &[Placement], direction: Direction) -> Result<Tensor> {
    let (batch, height, width, channels) = images.dims4()?;
    if placements.len() != batch {
        bail!("places of {} images for {batch}", placements.len());
    }
    for placement in placements {
        if !placement.turns.is_multiple_of(2) && height != width {
            bail!("a quarter turn of an image of {height}x{width} pixels, which is no square");
        }
        let (down, right) = (placement.shift.0.unsigned_abs(), placement.shift.1.unsigned_abs());
        if placement.edge == Edge::Mirror && (down >= height || right >= width) {
            bail!("a shift by {down}x{right} pixels leaves nothing of {height}x{width} to mirror");
        }
    }
    if !cpu::is_cpu(images) {
        return plain(images, placements, direction);
    }
    let images = images.contiguous()?;
    let numbers = cpu::slice(&images)?;
    let image = (height * width * channels).max(1);
    let write = |[out]: [&mut [f32]; 1]| {
        out.par_chunks_mut(image).zip(numbers.par_chunks(image)).zip(placements).for_each(
            |((out, image), placement)| {
                if *placement == Placement::NONE {
                    out.copy_from_slice(image);
                    return;
                }
                out.fill(0.0);
                for y in 0..height {
                    for x in 0..width {
                        let here = (y * width + x) * channels;
                        placement.sources((height, width), (y, x), |there, weight| {
                            let there = there * channels;
                            let (to, from) =
                                if direction == Direction::Forward { (here, there) } else { (there, here) };
                            for (to, from) in out[to..to + channels].iter_mut().zip(&image[from..from + channels]) {
                                *to += weight * from;
                            }
                        });
                    }
                }
            },
        );
    };
    // SAFETY: there is a placement for each image, which is copied, or cleared before anything is added to it.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([numbers.len()], write) };
    cpu::tensor(out, images.dims())
}

/// The same in candle's operations, for other devices: one gather (or one addition back) for each of a pixel's sources.
fn plain(images: &Tensor, placements: &[Placement], direction: Direction) -> Result<Tensor> {
    let (batch, height, width, channels) = images.dims4()?;
    let pixels = batch * height * width;
    let most = if placements.iter().any(|placement| placement.map.is_some()) { 4 } else { 1 };
    let mut taps = vec![(vec![0u32; pixels], vec![0f32; pixels]); most];
    for (image, placement) in placements.iter().enumerate() {
        let start = image * height * width;
        for at in 0..height * width {
            let mut tap = 0;
            placement.sources((height, width), (at / width, at % width), |there, weight| {
                let (places, weights) = &mut taps[tap];
                (places[start + at], weights[start + at]) = (u32::try_from(start + there).unwrap_or(u32::MAX), weight);
                tap += 1;
            });
        }
    }
    let device = images.device();
    let rows = images.contiguous()?.reshape((pixels, channels))?;
    let mut out = Tensor::zeros((pixels, channels), DType::F32, device)?;
    for (places, weights) in taps {
        let places = Tensor::from_vec(places, pixels, device)?;
        let weights = Tensor::from_vec(weights, (pixels, 1), device)?;
        out = match direction {
            Direction::Forward => (out + rows.index_select(&places, 0)?.broadcast_mul(&weights)?)?,
            Direction::Back => out.index_add(&places, &rows.broadcast_mul(&weights)?, 0)?,
        };
    }
    out.reshape(images.dims())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{close, finite_differences, numbers, second_order, values};

    /// Anticlockwise on the screen.
    fn turned(degrees: f64, scale: f64) -> Option<[[f64; 2]; 2]> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Some([[cos / scale, -sin / scale], [sin / scale, cos / scale]])
    }

    fn placements() -> Arc<[Placement]> {
        let none = Placement::NONE;
        [
            none,
            Placement { flip: true, turns: 1, ..none },
            Placement { turns: 2, shift: (2, -1), hole: Some([1, 0, 3, 2]), ..none },
            Placement { flip: true, turns: 3, map: turned(30.0, 1.3), shift: (-1, 1), ..none },
            Placement { map: turned(-100.0, 0.6), hole: Some([0, 3, 2, 5]), ..none },
            Placement { flip: true, shift: (-3, 2), edge: Edge::Mirror, ..none },
        ]
        .into()
    }

    #[test]
    fn both_directions_are_those_of_the_plain_path() {
        for channels in [1, 3] {
            let [x] = values([&[6, 5, 5, channels]]);
            for (got, direction) in
                [(x.place(&placements()), Direction::Forward), (x.place_back(&placements()), Direction::Back)]
            {
                let want = plain(x.tensor(), &placements(), direction).unwrap();
                close(got.unwrap().tensor(), &numbers(&want), 1e-6);
            }
        }
    }

    #[test]
    fn moves_have_both_orders_of_gradients() {
        let inputs = values([&[6, 5, 5, 2]]);
        finite_differences(&inputs, |x| x[0].place(&placements()));
        finite_differences(&inputs, |x| x[0].place_back(&placements()));
        second_order(&inputs, |x| x[0].place(&placements()).and_then(|y| y.mul(&y)));
    }

    #[test]
    fn whole_pixels_move_without_rounding() {
        let [x] = values([&[1, 4, 4, 1]]);
        let pixels = numbers(x.tensor());
        let moved = |placement: Placement| numbers(x.place(&[placement].into()).unwrap().tensor());
        let none = Placement::NONE;
        let quarter = moved(Placement { turns: 1, ..none });
        // Anticlockwise, the upper right corner comes to the upper left.
        assert_eq!((quarter[0], quarter[12], quarter[15]), (pixels[3], pixels[0], pixels[12]));
        assert_eq!(moved(Placement { flip: true, ..none })[..4], [pixels[3], pixels[2], pixels[1], pixels[0]]);
        assert_eq!(moved(Placement { shift: (1, 1), ..none })[4..8], [0.0, pixels[0], pixels[1], pixels[2]]);
        let mirrored = moved(Placement { shift: (0, 2), edge: Edge::Mirror, ..none });
        assert_eq!(mirrored[..4], [pixels[2], pixels[1], pixels[0], pixels[1]]);
        let hole = moved(Placement { hole: Some([0, 0, 4, 3]), ..none });
        assert_eq!(hole[..4], [0.0, 0.0, 0.0, pixels[3]]);
        assert_eq!(moved(Placement { map: turned(0.0, 1.0), ..none }), pixels);
        for turns in 0..4 {
            let map = turned(90.0 * f64::from(turns), 1.0);
            close(
                x.place(&[Placement { map, ..none }].into()).unwrap().tensor(),
                &moved(Placement { turns, ..none }),
                1e-6,
            );
        }
    }

    #[test]
    fn what_images_cannot_do_is_refused() {
        let [x] = values([&[1, 4, 6, 1]]);
        let none = Placement::NONE;
        let refused = |placement: Placement| x.place(&[placement].into()).map(|_| ()).unwrap_err().to_string();
        assert!(refused(Placement { turns: 1, ..none }).contains("4x6"));
        assert!(refused(Placement { edge: Edge::Mirror, shift: (4, 0), ..none }).contains("mirror"));
        assert!(x.place(&[none, none].into()).is_err());
        assert!(x.place(&[Placement { turns: 2, shift: (9, -9), ..none }].into()).is_ok());
    }
}
